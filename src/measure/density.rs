//! How crowded the neighbourhood of each row is.

use super::{
    MeasureError, Rows,
    cloud::Cloud,
    kernel::{KernelSums, NARROW_LIMIT},
    logsum::LogSum,
    tiles::{Report, walk},
    uniformity::{check_t, kernel_scale},
};
use crate::progress::Progress;
use pulp::Arch;

/// Local log-density of each row: log mean_{j ≠ i} exp(−t‖xᵢ − xⱼ‖²), natural logarithm, at most 0.
///
/// The mean over rows of its exponential is exp(L_uniform(t)). `x` holds unit rows in any
/// dimension: the features themselves, or their places on the sphere. Exact; takes about twice the
/// time of [`uniformity`](super::uniformity) over all pairs and, like it, no N² memory.
///
/// # Errors
/// As [`uniformity`](super::uniformity).
pub fn local_density(x: Rows<'_>, t: f64, progress: &Progress) -> Result<Vec<f32>, MeasureError> {
    check_t(t)?;
    x.check_unit("local density", 2)?;
    let cloud = Cloud::new(x, None, kernel_scale(t));
    let is_wide = cloud.largest_half_distance() > NARROW_LIMIT;
    let arch = Arch::new();
    let report = Report {
        progress,
        stage: "measuring local density",
    };
    let parts = walk(
        &cloud,
        |_| 0..x.len(),
        report,
        |rows| vec![LogSum::ZERO; rows.len()],
        |sums: &mut Vec<LogSum>, tile| {
            let (rows, cols) = (tile.rows, tile.cols);
            for place in rows.start.max(cols.start)..rows.end.min(cols.end) {
                // A row is no neighbour of its own: infinitely far.
                tile.dots[(place - rows.start) * cols.len() + place - cols.start] = f32::MIN;
            }
            arch.dispatch(KernelSums {
                dots: tile.dots,
                half_rows: &cloud.half_norms[rows],
                half_cols: &cloud.half_norms[cols.clone()],
                is_wide,
                span: |_| 0..cols.len(),
                add: |row: usize, sum, offset| sums[row].add(sum, offset),
            });
        },
    )?;
    let mut totals = vec![LogSum::ZERO; x.len()];
    for (rows, sums) in parts {
        for (total, sum) in totals[rows].iter_mut().zip(sums) {
            total.merge(sum);
        }
    }
    let log_others = ((x.len() - 1) as f64).ln();
    let log_mean = |sum: &LogSum| (sum.ln() - log_others).min(0.0) as f32;
    Ok(totals.iter().map(log_mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::sphere::uniform_rows,
        measure::{PairSet, uniformity},
    };

    #[test]
    fn densities_are_row_means_of_the_kernel() {
        for (n, dim, t) in [(2, 3, 2.0), (300, 3, 2.0), (700, 24, 0.5), (50, 2, 300.0)] {
            let values = uniform_rows(n, dim, 4);
            let x = Rows::new(&values, dim).unwrap();
            let densities = local_density(x, t, &Progress::none()).unwrap();
            for i in (0..n).step_by(7) {
                let kernel = |j: usize| -> f64 {
                    let pairs = x.row(i).iter().zip(x.row(j));
                    -t * pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
                };
                let exponents: Vec<f64> = (0..n).filter(|j| *j != i).map(kernel).collect();
                let top = exponents.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = exponents.iter().map(|e| (e - top).exp()).sum();
                let exact = top + (sum / (n - 1) as f64).ln();
                // 4e-7·t from f32 products, and the result is an f32 of size up to 4t.
                let tolerance = 1e-6 * (1.0 + t);
                assert!((f64::from(densities[i]) - exact).abs() < tolerance);
            }
        }
    }

    #[test]
    fn their_mean_is_uniformity() {
        let values = uniform_rows(900, 8, 5);
        let x = Rows::new(&values, 8).unwrap();
        let densities = local_density(x, 2.0, &Progress::none()).unwrap();
        let mean = densities.iter().map(|d| f64::from(*d).exp()).sum::<f64>() / 900.0;
        let whole = uniformity(x, 2.0, PairSet::All, &Progress::none()).unwrap();
        // f32 densities are rounded at 2e-7.
        assert!((mean.ln() - whole.value).abs() < 1e-6);
    }
}
