//! Contrast of locations within a batch: our reading of DenseCL++ (Iskender et al. 2022).

use burn::tensor::{Tensor, s};
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    DensePairs, DenseRows, Loss, NtXent, Term, indices, log_sum_exp,
    masks::{NEVER, mask},
    nothing,
};
use crate::features::{MatchingRule, unit_tensor};

/// Which dense vectors of the other images a location is told apart from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Negatives {
    /// One an image: the mean of its locations, as DenseCL has it.
    #[default]
    Pooled,
    /// All locations.
    All,
    /// This many seeded random locations an image, the same for all queries of a step.
    Random {
        /// Locations an image.
        count: usize,
    },
    /// This many an image: those most similar to the query.
    Hardest {
        /// Locations an image.
        count: usize,
    },
}

impl Negatives {
    /// Its name for people.
    pub fn title(self) -> String {
        match self {
            Self::Pooled => "pooled".to_owned(),
            Self::All => "all".to_owned(),
            Self::Random { count } => format!("{count} random"),
            Self::Hardest { count } => format!("{count} hardest"),
        }
    }
}

/// (1 − λ) L_global + λ L_dense + β L_rec: NT-Xent of the pooled vectors, and InfoNCE of each location
/// against its match in the other view, in both directions, among dense vectors of other images,
/// and the squared error of a light decoder from locations to pixels [our reading of Iskender et
/// al. 2022].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DenseContrast {
    /// Temperature τ of both softmaxes.
    pub temperature: f64,
    /// Share λ of the dense part.
    pub dense_weight: f64,
    /// Steps at the beginning without the dense part, whose matches mean nothing yet.
    pub dense_from_step: usize,
    /// Which location of the other view is a location's positive.
    pub matching: MatchingRule,
    /// What a location is told apart from.
    pub negatives: Negatives,
    /// Whether negatives also come from the query's own view of the other images.
    pub is_cross_view: bool,
    /// Whether a decoder paints each location's patch of the image and is trained along.
    pub reconstructs: bool,
    /// Weight β of the decoder's error.
    pub reconstruction_weight: f64,
}

/// What contrast of locations looks at.
pub struct ContrastBatch<'a> {
    /// Pooled vectors of all views, first ones before second ones: `[2n, dim]`.
    pub both: Tensor<2>,
    /// Dense vectors of the first views.
    pub x: DenseRows,
    /// Dense vectors of the second views.
    pub y: DenseRows,
    /// Which of them match.
    pub pairs: &'a DensePairs,
    /// Of a loss with a decoder.
    pub reconstruction: Option<Reconstruction>,
}

/// What a decoder painted, and what was there; a row a location, `[n, values of a patch]`.
pub struct Reconstruction {
    /// The decoder's.
    pub painted: Tensor<2>,
    /// The image's, un-normalised like the other.
    pub pixels: Tensor<2>,
}

impl Default for DenseContrast {
    fn default() -> Self {
        Self {
            temperature: 0.2,
            dense_weight: 0.5,
            dense_from_step: 0,
            matching: MatchingRule::BackboneArgmax,
            negatives: Negatives::Pooled,
            is_cross_view: false,
            reconstructs: false,
            reconstruction_weight: 1.0,
        }
    }
}

impl DenseContrast {
    /// The loss of one batch at `step`; `seed` draws random negatives.
    pub fn forward(&self, batch: ContrastBatch<'_>, step: usize, seed: u64) -> Loss {
        let ContrastBatch {
            both,
            x,
            y,
            pairs,
            reconstruction,
        } = batch;
        let global = NtXent {
            temperature: self.temperature,
        }
        .forward(both);
        let device = x.rows.device();
        let (images, cells) = (x.images(), x.cells);
        let [x, y] = [x, y].map(|view| unit_tensor(view.rows));
        let dense = if pairs.first.is_empty() {
            nothing(&x)
        } else {
            let one_way = |query: &Tensor<2>, key: &Tensor<2>, from: &[u32], to: &[u32]| {
                let mut pools = vec![key.clone()];
                if self.is_cross_view {
                    pools.push(query.clone());
                }
                let queries = query.clone().select(0, indices(from, &device));
                let matched = key.clone().select(0, indices(to, &device));
                let owners: Vec<usize> = from.iter().map(|&row| row as usize / cells).collect();
                let others: Vec<Tensor<2>> = pools
                    .into_iter()
                    .map(|pool| self.logits(&queries, pool, &owners, images, seed))
                    .collect();
                let positive = (queries * matched).sum_dim(1) / self.temperature;
                let mut all = vec![positive.clone()];
                all.extend(others);
                (log_sum_exp(Tensor::cat(all, 1)) - positive).mean()
            };
            let forth = one_way(&x, &y, &pairs.first, &pairs.second);
            let back = one_way(&y, &x, &pairs.second, &pairs.first);
            (forth + back) * 0.5
        };
        let share = if step < self.dense_from_step {
            0.0
        } else {
            self.dense_weight
        };
        let mut terms = global.terms;
        for term in &mut terms {
            term.weight *= 1.0 - share;
        }
        terms.push(Term {
            name: "dense contrast",
            weight: share,
            value: dense,
        });
        if let Some(Reconstruction { painted, pixels }) = reconstruction {
            terms.push(Term {
                name: "reconstruction",
                weight: self.reconstruction_weight,
                value: (painted - pixels).square().mean(),
            });
        }
        Loss {
            terms,
            readings: global.readings,
        }
    }

    /// Similarities over τ of `queries` `[q, dim]` with their negatives out of `pool`
    /// `[images · cells, dim]`; those of a query's own image are [`NEVER`].
    fn logits(
        &self,
        queries: &Tensor<2>,
        pool: Tensor<2>,
        owners: &[usize],
        images: usize,
        seed: u64,
    ) -> Tensor<2> {
        let device = pool.device();
        let [rows, dim] = pool.dims();
        let cells = rows / images;
        let similar = |pool: Tensor<2>| queries.clone().matmul(pool.transpose()) / self.temperature;
        let without_own = |logits: Tensor<2>, each: usize| {
            let shape = logits.dims();
            let (own, _) = mask(shape, &device, |query, column| {
                column / each == owners[query]
            });
            logits + own * NEVER
        };
        match self.negatives {
            Negatives::Pooled => {
                let means = pool.reshape([images, cells, dim]).mean_dim(1);
                without_own(similar(unit_tensor(means.squeeze_dim(1))), 1)
            }
            Negatives::All => without_own(similar(pool), cells),
            Negatives::Random { count } => {
                let count = count.clamp(1, cells);
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let drawn: Vec<u32> = (0..images)
                    .flat_map(|image| {
                        let cells_drawn = index::sample(&mut rng, cells, count).into_iter();
                        cells_drawn.map(move |cell| (image * cells + cell) as u32)
                    })
                    .collect();
                without_own(similar(pool.select(0, indices(&drawn, &device))), count)
            }
            Negatives::Hardest { count } => {
                let count = count.clamp(1, cells);
                let logits = similar(pool).reshape([owners.len(), images, cells]);
                let hardest = logits.sort_descending(2).slice(s![.., .., ..count]);
                without_own(hardest.reshape([owners.len(), images * count]), count)
            }
        }
    }
}
