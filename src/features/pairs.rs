//! Positive pairs from two augmented views of each image.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::{
    FeatureError, FeatureKind, MatchingRule,
    extract::{Plan, batch_size, cells_as_rows, input_tensor, read_rows},
    match_cells,
};
use crate::{
    compute::Compute,
    data::{
        AugmentConfig, ImageSet, Normalisation, PairBatch, PairSettings, ViewGeometry,
        for_each_pair_batch,
    },
    geometry::normalise_rows,
    models::{Model, ModelError, StageOutput},
    progress::Progress,
};

/// Which pairs to make.
#[derive(Clone, Debug)]
pub struct PairRequest {
    /// Which vectors are paired.
    pub kind: FeatureKind,
    /// Number of the stage; the architecture's default when `None`.
    pub stage: Option<usize>,
    /// How locations are paired, for dense kinds.
    pub matching: MatchingRule,
    /// How views are made.
    pub augment: AugmentConfig,
    /// Side of a view in pixels.
    pub side: u32,
    /// Constants of the input.
    pub normalisation: Normalisation,
    /// Seed of the augmentations and of the random rule.
    pub seed: u64,
    /// Which images of the set.
    pub indices: Vec<usize>,
    /// Vectors of at most this many pairs are kept for drawing; distances are kept for all.
    pub keep: usize,
}

/// Positive pairs on the sphere.
#[derive(Clone, Debug, Default)]
pub struct ViewPairs {
    /// Numbers in a vector.
    pub dim: usize,
    /// ‖x − y‖ of every pair, vectors on the sphere; range [0, 2].
    pub distances: Vec<f32>,
    /// Index in the image set, for every pair.
    pub images: Vec<u32>,
    /// Cells of the first and the second view, for every pair of a dense kind.
    pub cells: Option<Vec<[u32; 2]>>,
    /// Unit vectors of the first views for the pairs that are kept: `[kept, dim]`.
    pub first: Vec<f32>,
    /// Unit vectors of the second views.
    pub second: Vec<f32>,
    /// Numbers of the pairs whose vectors are kept.
    pub kept: Vec<u32>,
    /// Share of the first views' locations that found a partner; 1 for pooled kinds.
    pub matched_share: f64,
}

/// Embeds two seeded views of each image and pairs their vectors.
///
/// # Errors
/// See [`FeatureError`]; [`FeatureError::NoMatches`] when a rule leaves nothing.
pub fn view_pairs(
    model: &Model,
    images: &ImageSet,
    request: &PairRequest,
    compute: &Compute,
    progress: &Progress,
) -> Result<ViewPairs, FeatureError> {
    let plan = pair_plan(model, request)?;
    let mut gathered = Gathered::default();
    let total = request.indices.len() as u64;
    progress.report("embedding pairs of views", 0, Some(total));
    for_each_pair_batch(
        images,
        &request.indices,
        &PairSettings {
            augment: request.augment,
            side: request.side,
            normalisation: request.normalisation,
            seed: request.seed,
        },
        batch_size(request.side).div_ceil(2),
        progress,
        |batch| -> Result<(), FeatureError> {
            progress.check()?;
            let embedded = Embedded::new(&plan, request, batch, compute, progress)?;
            gathered.push(&embedded, request);
            progress.report(
                "embedding pairs of views",
                gathered.image_count as u64,
                Some(total),
            );
            Ok(())
        },
    )?;
    gathered.finish(request)
}

/// The part of a model that pairs need, checked before any image is read.
pub(super) fn pair_plan<'a>(
    model: &'a Model,
    request: &PairRequest,
) -> Result<Plan<'a>, FeatureError> {
    let plan = Plan::new(model, request.kind, request.stage)?;
    if request.kind.is_dense()
        && request.matching == MatchingRule::ProjectedArgmax
        && model.dense_head.is_none()
    {
        return Err(FeatureError::NoHead {
            wanted: "dense projection head (matching rule projected-argmax needs one)",
        });
    }
    Ok(plan)
}

/// Two views of a batch of images as unit rows.
pub(super) struct Embedded {
    pub indices: Vec<usize>,
    geometry: Vec<[ViewGeometry; 2]>,
    pub dim: usize,
    pub grid: [usize; 2],
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// What an argmax rule compares, when that is not the rows themselves.
    compared: Option<Compared>,
}

struct Compared {
    dim: usize,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Embedded {
    pub fn new(
        plan: &Plan<'_>,
        request: &PairRequest,
        batch: PairBatch,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Self, FeatureError> {
        let shape = [
            batch.indices.len(),
            3,
            batch.side as usize,
            batch.side as usize,
        ];
        let run = |pixels: Vec<f32>| -> Result<_, FeatureError> {
            let mut compared = None;
            let input = input_tensor(pixels, shape, compute);
            let (rows, grid) = plan.forward(input, progress, |output| {
                compared = compared_rows(plan, request, output)?;
                Ok(())
            })?;
            let dim = rows.dims()[1];
            let compared = compared
                .map(|rows| {
                    let dim = rows.dims()[1];
                    unit_rows(rows).map(|rows| (rows, dim))
                })
                .transpose()?;
            Ok((unit_rows(rows)?, dim, grid, compared))
        };
        let (first, dim, grid, compared_first) = run(batch.first)?;
        let (second, _, _, compared_second) = run(batch.second)?;
        let compared = compared_first
            .zip(compared_second)
            .map(|((first, dim), (second, _))| Compared { dim, first, second });
        Ok(Self {
            indices: batch.indices,
            geometry: batch.geometry,
            dim,
            grid,
            first,
            second,
            compared,
        })
    }

    /// Pairs of cells of the image at `position` in the batch.
    fn matches(&self, position: usize, request: &PairRequest) -> Vec<(u32, u32)> {
        if !request.kind.is_dense() {
            return vec![(0, 0)];
        }
        let (dim, first, second) = self
            .compared
            .as_ref()
            .map_or((self.dim, &self.first, &self.second), |compared| {
                (compared.dim, &compared.first, &compared.second)
            });
        let size = self.grid[0] * self.grid[1] * dim;
        let rows = position * size..(position + 1) * size;
        match_cells(
            request.matching,
            &first[rows.clone()],
            &second[rows],
            dim,
            &self.geometry[position],
            self.grid,
            // Each image its own stream, whatever the batches.
            request.seed ^ (self.indices[position] as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )
    }

    fn row<'a>(&self, rows: &'a [f32], position: usize, cell: u32) -> &'a [f32] {
        let row = position * self.grid[0] * self.grid[1] + cell as usize;
        &rows[row * self.dim..(row + 1) * self.dim]
    }
}

/// The features that an argmax rule compares where they differ from the ones that are paired.
fn compared_rows(
    plan: &Plan<'_>,
    request: &PairRequest,
    output: &StageOutput,
) -> Result<Option<Tensor<2>>, ModelError> {
    let StageOutput::Map(map) = output else {
        return Ok(None);
    };
    Ok(match (request.matching, request.kind) {
        (MatchingRule::BackboneArgmax, FeatureKind::ProjectedDense) => {
            Some(cells_as_rows(map.clone()).0)
        }
        (MatchingRule::ProjectedArgmax, FeatureKind::Dense) => match &plan.model.dense_head {
            Some(head) => Some(cells_as_rows(head.forward(map.clone())?).0),
            None => None,
        },
        _ => None,
    })
}

fn unit_rows(rows: Tensor<2>) -> Result<Vec<f32>, FeatureError> {
    let dim = rows.dims()[1];
    let mut values = read_rows(rows)?;
    normalise_rows(&mut values, dim);
    Ok(values)
}

/// Pairs gathered batch by batch.
#[derive(Default)]
pub(super) struct Gathered {
    pairs: ViewPairs,
    cells: Vec<[u32; 2]>,
    image_count: usize,
    location_count: usize,
    /// Vectors are kept of every `stride`-th pair; doubles whenever too many are held.
    stride: usize,
}

impl Gathered {
    pub fn push(&mut self, batch: &Embedded, request: &PairRequest) {
        self.pairs.dim = batch.dim;
        self.image_count += batch.indices.len();
        self.location_count += batch.indices.len() * batch.grid[0] * batch.grid[1];
        let matches: Vec<_> = (0..batch.indices.len())
            .into_par_iter()
            .map(|position| batch.matches(position, request))
            .collect();
        for (position, matches) in matches.into_iter().enumerate() {
            for (cell, partner) in matches {
                let first = batch.row(&batch.first, position, cell);
                let second = batch.row(&batch.second, position, partner);
                self.keep(first, second, request.keep);
                self.pairs.distances.push(distance(first, second));
                self.pairs.images.push(batch.indices[position] as u32);
                self.cells.push([cell, partner]);
            }
        }
    }

    /// Keeps an even selection without knowing the number of pairs beforehand.
    fn keep(&mut self, first: &[f32], second: &[f32], limit: usize) {
        let number = self.pairs.distances.len();
        self.stride = self.stride.max(1);
        if limit == 0 || !number.is_multiple_of(self.stride) {
            return;
        }
        if self.pairs.kept.len() == limit {
            self.stride *= 2;
            self.thin();
            if !number.is_multiple_of(self.stride) {
                return;
            }
        }
        self.pairs.kept.push(number as u32);
        self.pairs.first.extend_from_slice(first);
        self.pairs.second.extend_from_slice(second);
    }

    fn thin(&mut self) {
        let dim = self.pairs.dim;
        let every_other = |rows: &[f32]| -> Vec<f32> {
            rows.chunks_exact(dim)
                .step_by(2)
                .flatten()
                .copied()
                .collect()
        };
        self.pairs.first = every_other(&self.pairs.first);
        self.pairs.second = every_other(&self.pairs.second);
        self.pairs.kept = self.pairs.kept.iter().step_by(2).copied().collect();
    }

    pub fn finish(mut self, request: &PairRequest) -> Result<ViewPairs, FeatureError> {
        if self.pairs.distances.is_empty() {
            return Err(FeatureError::NoMatches {
                rule: request.matching,
                why: "the two crops of every image are too far apart; use larger crops, a finer \
                      stage, or another rule",
            });
        }
        self.pairs.matched_share = self.pairs.distances.len() as f64 / self.location_count as f64;
        if request.kind.is_dense() {
            self.pairs.cells = Some(self.cells);
        }
        Ok(self.pairs)
    }
}

fn distance(first: &[f32], second: &[f32]) -> f32 {
    first
        .iter()
        .zip(second)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f32>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_selection_is_kept_whatever_the_number_of_pairs() {
        let mut gathered = Gathered::default();
        gathered.pairs.dim = 1;
        for number in 0..1000 {
            let value = [number as f32];
            gathered.keep(&value, &value, 64);
            gathered.pairs.distances.push(0.0);
        }
        let kept = &gathered.pairs.kept;
        assert!((32..=64).contains(&kept.len()));
        assert!(kept.iter().enumerate().all(|(i, &n)| n as usize == i * 16));
        let values: Vec<f32> = kept.iter().map(|&n| n as f32).collect();
        assert_eq!(gathered.pairs.first, values);
    }
}
