//! How crowded the sphere is around each location of a picture.

use rayon::prelude::*;

use super::{Side, similarity::dot};
use crate::{
    analysis::Analysis,
    progress::{Cancelled, Progress},
};

/// Rows of the set between two looks at the cancel flag.
const BLOCK: usize = 4096;

/// Local log-density log mean exp(−t‖x − xᵢ‖²) of each location of `side` among all rows of the
/// analysed set, a location that is a row of the set not being counted as its own neighbour. Exact;
/// at most 0. Where the set has no other row it is −∞.
///
/// # Errors
/// [`Cancelled`].
pub fn density_among(
    analysis: &Analysis,
    side: &Side,
    progress: &Progress,
) -> Result<Vec<f32>, Cancelled> {
    let own = |cell: usize| side.row_of(cell).map(|row| row as usize);
    densities(
        &side.unit,
        &analysis.unit,
        analysis.features.dim,
        analysis.request.t,
        own,
        progress,
    )
}

fn densities(
    queries: &[f32],
    rows: &[f32],
    dim: usize,
    t: f64,
    own: impl Fn(usize) -> Option<usize> + Sync,
    progress: &Progress,
) -> Result<Vec<f32>, Cancelled> {
    let total = (queries.len() / dim.max(1)) as u64;
    let done = std::sync::atomic::AtomicU64::new(0);
    queries
        .par_chunks_exact(dim.max(1))
        .enumerate()
        .map(|(cell, query)| {
            let mut sum = LogSum::default();
            let own = own(cell);
            for (block, chunk) in rows.chunks(BLOCK * dim).enumerate() {
                progress.check()?;
                for (offset, row) in chunk.chunks_exact(dim).enumerate() {
                    if own != Some(block * BLOCK + offset) {
                        // ‖x − y‖² = 2 − 2 x·y on the sphere; rounding may end a hair below 0.
                        let squared = (2.0 - 2.0 * f64::from(dot(query, row))).max(0.0);
                        sum.add(-t * squared);
                    }
                }
            }
            let so_far = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            if so_far.is_multiple_of(64) {
                progress.report("estimating local density", so_far, Some(total));
            }
            Ok(sum.log_mean() as f32)
        })
        .collect()
}

/// log Σ exp of numbers that would underflow one by one.
struct LogSum {
    top: f64,
    sum: f64,
    count: u64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self {
            top: f64::NEG_INFINITY,
            sum: 0.0,
            count: 0,
        }
    }
}

impl LogSum {
    fn add(&mut self, exponent: f64) {
        self.count += 1;
        if exponent > self.top {
            self.sum = self.sum * (self.top - exponent).exp() + 1.0;
            self.top = exponent;
        } else {
            self.sum += (exponent - self.top).exp();
        }
    }

    fn log_mean(&self) -> f64 {
        if self.count == 0 {
            return f64::NEG_INFINITY;
        }
        self.top + (self.sum / self.count as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::sphere::uniform_rows,
        measure::{Rows, local_density},
    };

    #[test]
    fn densities_of_a_sets_own_rows_are_those_of_the_measure() {
        for (n, dim, t) in [(300, 3, 2.0), (120, 24, 0.5), (40, 2, 300.0)] {
            let rows = uniform_rows(n, dim, 4);
            let found = densities(&rows, &rows, dim, t, Some, &Progress::none()).unwrap();
            let x = Rows::new(&rows, dim).unwrap();
            let expected = local_density(x, t, &Progress::none()).unwrap();
            for (a, b) in found.iter().zip(&expected) {
                // f32 products on both sides: 4e-7·t each, and an f32 result of size up to 4t.
                assert!((f64::from(a - b)).abs() < 2e-6 * (1.0 + t), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_lone_row_has_no_density_and_equal_rows_have_zero() {
        let lone = densities(&[1.0, 0.0], &[1.0, 0.0], 2, 2.0, Some, &Progress::none()).unwrap();
        assert_eq!(lone, [f32::NEG_INFINITY]);
        let rows = [1.0, 0.0, 1.0, 0.0];
        let equal = densities(&rows, &rows, 2, 2.0, Some, &Progress::none()).unwrap();
        assert_eq!(equal, [0.0, 0.0]);
        // Opposite points at t = 2: −2·4.
        let against = densities(
            &[1.0, 0.0],
            &[-1.0, 0.0],
            2,
            2.0,
            |_| None,
            &Progress::none(),
        )
        .unwrap();
        assert_eq!(against, [-8.0]);
    }
}
