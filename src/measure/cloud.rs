//! The rows as the tiled sums want them: centred, scaled, ordered, with their squared norms.

use super::Rows;
use rayon::prelude::*;

/// Rows summed for one partial mean.
const CHUNK: usize = 4096;

/// Mean row, summed in f64. `rows` must not be empty.
pub(super) fn mean_row(rows: Rows<'_>) -> Vec<f64> {
    let partial: Vec<Vec<f64>> = rows
        .values
        .par_chunks(CHUNK * rows.dim)
        .map(|chunk| {
            let mut sum = vec![0.0_f64; rows.dim];
            for row in chunk.chunks_exact(rows.dim) {
                for (total, value) in sum.iter_mut().zip(row) {
                    *total += f64::from(*value);
                }
            }
            sum
        })
        .collect();
    let mut mean = vec![0.0_f64; rows.dim];
    for sum in partial {
        for (total, value) in mean.iter_mut().zip(sum) {
            *total += value;
        }
    }
    let n = rows.len() as f64;
    for value in &mut mean {
        *value /= n;
    }
    mean
}

/// Rows u = s·(x − x̄) with half their squared norms, so that ½‖uᵢ − uⱼ‖² = hᵢ + hⱼ − uᵢ·uⱼ.
///
/// Distances don't change when the mean is taken off, but rounding does: for features that have
/// collapsed to nearly one point the f32 products keep the digits of what still differs, and for
/// features that coincide the distance is exactly 0.
pub(super) struct Cloud {
    /// Numbers a row.
    pub dim: usize,
    /// The rows u, row-major, in the plan's order.
    pub values: Vec<f32>,
    /// ½‖u‖² of each row.
    pub half_norms: Vec<f32>,
}

impl Cloud {
    /// `rows` scaled by `scale`, the row `order[i]` at place i.
    pub fn new(rows: Rows<'_>, order: Option<&[usize]>, scale: f64) -> Self {
        let dim = rows.dim;
        let mean = mean_row(rows);
        let mut values = vec![0.0_f32; rows.len() * dim];
        let mut half_norms = vec![0.0_f32; rows.len()];
        values
            .par_chunks_exact_mut(dim)
            .zip(half_norms.par_iter_mut())
            .enumerate()
            .for_each(|(place, (target, half_norm))| {
                let source = rows.row(order.map_or(place, |order| order[place]));
                let mut square = 0.0_f64;
                for ((u, x), m) in target.iter_mut().zip(source).zip(&mean) {
                    *u = (scale * (f64::from(*x) - m)) as f32;
                    square += f64::from(*u) * f64::from(*u);
                }
                *half_norm = (0.5 * square) as f32;
            });
        Self {
            dim,
            values,
            half_norms,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.half_norms.len()
    }

    /// An upper bound of ½‖uᵢ − uⱼ‖² over all pairs.
    pub fn largest_half_distance(&self) -> f32 {
        // ‖uᵢ − uⱼ‖ ≤ 2 max‖u‖.
        4.0 * self.half_norms.iter().copied().fold(0.0, f32::max)
    }
}
