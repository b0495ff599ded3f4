//! Alignment and uniformity of dense vectors: our reading of Moon, Kim & Choi, 2022.

use burn::tensor::{Device, Tensor};
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    DensePairs, DenseRows, Loss, Term,
    align_uniform::{alignment, uniformity},
    indices,
    masks::mask,
    nothing,
};
use crate::{
    analysis::PairSetKind,
    features::{MatchingRule, unit_tensor},
};

/// w_a · mean ‖ẑ_s − ẑ'_{m(s)}‖^α + w_u · log mean exp(−t ‖ẑᵢ − ẑⱼ‖²) over the locations of a batch
/// [our reading of Moon, Kim & Choi 2022].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DenseAlignUniform {
    /// Exponent of alignment.
    pub alpha: f64,
    /// Temperature of uniformity.
    pub t: f64,
    /// Weight of alignment.
    pub align_weight: f64,
    /// Weight of uniformity.
    pub uniform_weight: f64,
    /// Which location of the other view is a location's positive.
    pub matching: MatchingRule,
    /// Over which pairs uniformity goes.
    pub pairs: PairSetKind,
    /// Locations an image that uniformity looks at, drawn anew each step; all when there are fewer.
    pub cells: usize,
}

impl Default for DenseAlignUniform {
    fn default() -> Self {
        Self {
            alpha: 2.0,
            t: 2.0,
            align_weight: 1.0,
            uniform_weight: 1.0,
            matching: MatchingRule::Geometric,
            pairs: PairSetKind::All,
            cells: 8,
        }
    }
}

impl DenseAlignUniform {
    /// Two views of the same images with their positive pairs. A batch without any pair has no
    /// alignment: its term is a zero that nothing hangs on. `seed` draws the locations.
    pub fn forward(&self, x: DenseRows, y: DenseRows, positives: &DensePairs, seed: u64) -> Loss {
        let device = x.rows.device();
        let (images, cells) = (x.images(), x.cells);
        let [x, y] = [x, y].map(|view| unit_tensor(view.rows));
        let align = if positives.first.is_empty() {
            nothing(&x)
        } else {
            let of =
                |view: &Tensor<2>, rows: &[u32]| view.clone().select(0, indices(rows, &device));
            alignment(
                of(&x, &positives.first),
                of(&y, &positives.second),
                self.alpha,
            )
        };
        let rows = drawn_cells(images, cells, self.cells, seed);
        let kept = rows.len() / images.max(1);
        let chosen = indices(&rows, &device);
        let (allowed, count) = pair_mask(self.pairs, rows.len(), kept, &device);
        let spread = |view: Tensor<2>| {
            let view = view.select(0, chosen.clone());
            uniformity(view, allowed.clone(), count, self.t)
        };
        Loss {
            terms: vec![
                Term {
                    name: "dense alignment",
                    weight: self.align_weight,
                    value: align,
                },
                Term {
                    name: "dense uniformity",
                    weight: self.uniform_weight,
                    value: (spread(x) + spread(y)) * 0.5,
                },
            ],
            readings: Vec::new(),
        }
    }
}

/// `kept` locations of each image, rising within it; the same number for all.
fn drawn_cells(images: usize, cells: usize, kept: usize, seed: u64) -> Vec<u32> {
    let kept = kept.min(cells);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..images)
        .flat_map(|image| {
            let mut drawn = index::sample(&mut rng, cells, kept).into_vec();
            drawn.sort_unstable();
            drawn
                .into_iter()
                .map(move |cell| (image * cells + cell) as u32)
        })
        .collect()
}

fn pair_mask(pairs: PairSetKind, rows: usize, cells: usize, device: &Device) -> (Tensor<2>, usize) {
    mask([rows; 2], device, |i, j| {
        let is_same_image = i / cells.max(1) == j / cells.max(1);
        match pairs {
            PairSetKind::All => i != j,
            PairSetKind::BetweenImages => !is_same_image,
            PairSetKind::WithinImage => is_same_image && i != j,
        }
    })
}
