//! Positive pairs of locations in a batch, by the rule of the loss.

use burn::tensor::Tensor;

use super::{
    TrainingError,
    net::Locations,
    objective::{Moment, views},
};
use crate::{
    compute::read_tensor,
    features::{MatchingRule, match_cells, unit_tensor},
    objectives::{DensePairs, DenseRows},
};

/// Which row of the second view is the positive of which row of the first, over all images.
pub(super) fn pairs(
    rule: MatchingRule,
    locations: &Locations,
    moment: &Moment<'_>,
) -> Result<DensePairs, TrainingError> {
    let looked_at = match rule {
        MatchingRule::BackboneArgmax => &locations.backbone,
        MatchingRule::ProjectedArgmax => &locations.dense,
        MatchingRule::Geometric | MatchingRule::SameIndex | MatchingRule::Random => {
            return Ok(by_place(rule, locations.grid, moment));
        }
    };
    most_similar(views(looked_at.clone().detach(), locations.grid))
}

/// Rules that do not look at features.
fn by_place(rule: MatchingRule, grid: [usize; 2], moment: &Moment<'_>) -> DensePairs {
    let cells = (grid[0] * grid[1]) as u32;
    let mut pairs = DensePairs::default();
    for (image, geometry) in (0_u32..).zip(moment.geometry) {
        let seed = moment.seed ^ u64::from(image).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (first, second) in match_cells(rule, &[], &[], 1, geometry, grid, seed) {
            pairs.first.push(image * cells + first);
            pairs.second.push(image * cells + second);
        }
    }
    pairs
}

/// Each location's most similar one in the other view of its image.
pub(super) fn most_similar([x, y]: [DenseRows; 2]) -> Result<DensePairs, TrainingError> {
    let (images, cells) = (x.images(), x.cells);
    let [x, y] = [x, y].map(|view| -> Tensor<3> {
        let dim = view.rows.dims()[1];
        unit_tensor(view.rows).reshape([images, cells, dim])
    });
    let best = x.matmul(y.swap_dims(1, 2)).argmax(2);
    // Locations of one image are far fewer than the numbers that an f32 holds exactly.
    let best = read_tensor(best.float().reshape([images * cells]))?;
    let image_start = |row: usize| row / cells * cells;
    Ok(DensePairs {
        first: (0..(images * cells) as u32).collect(),
        second: best
            .into_iter()
            .enumerate()
            .map(|(row, cell)| (image_start(row) + cell as usize) as u32)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::{
        compute::{Compute, DevicePolicy},
        data::ViewGeometry,
    };

    const GRID: [usize; 2] = [2, 3];
    const DIM: usize = 5;
    const IMAGES: usize = 2;
    const CELLS: usize = GRID[0] * GRID[1];

    /// Values of both views of both images; no two similarities are equal.
    fn values() -> Vec<f32> {
        (0..2 * IMAGES * CELLS * DIM)
            .map(|i| (1.3 * i as f32 + 0.01 * (i * i) as f32).sin())
            .collect()
    }

    #[test]
    fn rows_match_as_the_features_room_matches_each_image() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let rows = 2 * IMAGES * CELLS;
        let data = TensorData::new(values(), [rows, DIM]);
        let backbone = Tensor::<2>::from_data(data, compute.device());
        let unit = read_tensor(unit_tensor(backbone.clone())).expect("the CPU reads");
        let view = |crop| ViewGeometry {
            source_size: [64, 64],
            crop,
            flipped: false,
            output_side: 32,
        };
        let geometry = [[view([0.0, 0.0, 64.0, 64.0]), view([0.0, 0.0, 32.0, 64.0])]; IMAGES];
        let locations = Locations {
            dense: backbone.clone(),
            backbone,
            grid: GRID,
            painted: None,
        };
        let moment = Moment {
            labels: &[],
            pixel_std: [1.0; 3],
            geometry: &geometry,
            step: 0,
            seed: 9,
        };
        for rule in [
            MatchingRule::Geometric,
            MatchingRule::BackboneArgmax,
            MatchingRule::ProjectedArgmax,
            MatchingRule::SameIndex,
        ] {
            let found = pairs(rule, &locations, &moment).expect("pairs");
            let mut expected = DensePairs::default();
            for (image, views) in geometry.iter().enumerate() {
                let map = |view: usize| {
                    let start = (view * IMAGES + image) * CELLS * DIM;
                    &unit[start..start + CELLS * DIM]
                };
                for (a, b) in match_cells(rule, map(0), map(1), DIM, views, GRID, 0) {
                    expected.first.push((image * CELLS) as u32 + a);
                    expected.second.push((image * CELLS) as u32 + b);
                }
            }
            assert_eq!(found, expected, "{rule}");
            assert!(!found.first.is_empty(), "{rule}");
        }
        let random = pairs(MatchingRule::Random, &locations, &moment).expect("pairs");
        let own = |row: &u32| *row as usize / CELLS;
        assert!(
            random
                .first
                .iter()
                .map(own)
                .eq(random.second.iter().map(own))
        );
    }
}
