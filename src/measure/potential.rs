//! The potential that points on a sphere make everywhere on it: what uniformity descends.

use super::{
    MeasureError, Rows,
    cloud::mean_row,
    kernel::{KernelSums, NARROW_LIMIT},
    logsum::LogSum,
    uniformity::{check_t, kernel_scale},
};
use crate::progress::{Cancelled, Progress};
use pulp::Arch;
use rayon::prelude::*;

/// Places worked on between two looks at the cancel flag.
const PLACES: usize = 64;
/// Points of one tile: sums of a lane stay short enough for f32, as the kernel asks.
const POINTS: usize = 192;

/// V(u) = log mean exp(−t‖u − xᵢ‖²), natural logarithm, at each of the places `at`, for unit rows
/// `points`; at most 0. The mean over the points themselves of exp V is exp(L_uniform) with the
/// self-pairs counted; a uniform law has [`uniformity_floor`](super::uniformity_floor) everywhere.
///
/// Exact: every point counts at every place. f32 products of centred rows and f64 sums, as
/// [`uniformity`](super::uniformity): within about 1e-6·t of [`potential_at`]. Memory is one copy of
/// both.
///
/// # Errors
/// [`MeasureError`] when there is no point, a row is not finite or not of unit (or zero) length, the
/// dimensions differ, t is out of range, or the work is cancelled.
pub fn potential(
    points: Rows<'_>,
    at: Rows<'_>,
    t: f64,
    progress: &Progress,
) -> Result<Vec<f32>, MeasureError> {
    check_t(t)?;
    points.check_unit("the potential", 1)?;
    at.check_unit("the potential", 0)?;
    check_dim(points, at.dim)?;
    let scaled = Scaled::new(points, t);
    let half_distances = 4.0 * scaled.half_norms.iter().copied().fold(0.0, f32::max);
    // A place lies at most 2 from every point, whatever the points' own spread.
    let farthest = (2.0 * scaled.scale * scaled.scale) as f32;
    let is_wide = farthest.max(half_distances) > NARROW_LIMIT;
    let log_count = (points.len() as f64).ln();
    let mut values = vec![0.0_f32; at.len()];
    let arch = Arch::new();
    values
        .par_chunks_mut(PLACES)
        .enumerate()
        .try_for_each(|(block, values)| {
            progress.check()?;
            let first = block * PLACES;
            let places = scaled.places(at, first, values.len());
            let mut sums = vec![LogSum::ZERO; values.len()];
            let mut dots = vec![0.0_f32; values.len() * POINTS];
            for start in (0..points.len()).step_by(POINTS) {
                let count = POINTS.min(points.len() - start);
                let dots = &mut dots[..values.len() * count];
                scaled.products(&places.rows, start, count, dots);
                arch.dispatch(KernelSums {
                    dots,
                    half_rows: &places.half_norms,
                    half_cols: &scaled.half_norms[start..start + count],
                    is_wide,
                    span: |_| 0..count,
                    add: |row: usize, sum, offset| sums[row].add(sum, offset),
                });
            }
            for (value, sum) in values.iter_mut().zip(&sums) {
                *value = (sum.ln() - log_count).min(0.0) as f32;
            }
            Ok::<(), Cancelled>(())
        })
        .map_err(MeasureError::Cancelled)?;
    Ok(values)
}

/// V(u) and its gradient in the sphere's tangent plane at the unit vector `u`, in f64:
/// ∇V = 2t (I − u uᵀ) Σ wᵢ xᵢ with the weights wᵢ ∝ exp(−t‖u − xᵢ‖²) of sum 1.
///
/// `points` are unit rows of as many numbers as `u`. Without points V is −∞ and the gradient 0.
///
/// # Errors
/// [`MeasureError`] when t is out of range or the dimensions differ.
pub fn potential_at(points: Rows<'_>, u: &[f64], t: f64) -> Result<(f64, Vec<f64>), MeasureError> {
    check_t(t)?;
    check_dim(points, u.len())?;
    let exponent = |row: &[f32]| -> f64 {
        let squares = row.iter().zip(u).map(|(x, u)| (u - f64::from(*x)).powi(2));
        -t * squares.sum::<f64>()
    };
    let rows = || points.values.chunks_exact(points.dim);
    let top = rows().map(exponent).fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    let mut mean = vec![0.0; u.len()];
    for row in rows() {
        let weight = (exponent(row) - top).exp();
        total += weight;
        for (mean, x) in mean.iter_mut().zip(row) {
            *mean += weight * f64::from(*x);
        }
    }
    if total == 0.0 {
        return Ok((f64::NEG_INFINITY, vec![0.0; u.len()]));
    }
    let value = top + (total / points.len() as f64).ln();
    for mean in &mut mean {
        *mean /= total;
    }
    let along: f64 = mean.iter().zip(u).map(|(m, u)| m * u).sum();
    let gradient = mean.iter().zip(u).map(|(m, u)| 2.0 * t * (m - along * u));
    Ok((value, gradient.collect()))
}

fn check_dim(points: Rows<'_>, found: usize) -> Result<(), MeasureError> {
    if points.dim == found {
        return Ok(());
    }
    Err(MeasureError::Mismatch {
        what: "dimension of the places",
        expected: points.dim,
        found,
    })
}

/// The points less their mean, scaled so that ½‖u − v‖² is the kernel's exponent to base 2; each
/// coordinate in a column of its own.
struct Scaled {
    scale: f64,
    mean: Vec<f64>,
    columns: Vec<Vec<f32>>,
    half_norms: Vec<f32>,
}

/// Some places in the same scale, row by row.
struct Places {
    rows: Vec<f32>,
    half_norms: Vec<f32>,
}

impl Scaled {
    fn new(points: Rows<'_>, t: f64) -> Self {
        let scale = kernel_scale(t);
        let mean = mean_row(points);
        let mut columns = vec![Vec::with_capacity(points.len()); points.dim];
        let mut half_norms = Vec::with_capacity(points.len());
        for row in points.values.chunks_exact(points.dim) {
            let mut square = 0.0_f64;
            for ((column, x), m) in columns.iter_mut().zip(row).zip(&mean) {
                let u = (scale * (f64::from(*x) - m)) as f32;
                square += f64::from(u).powi(2);
                column.push(u);
            }
            half_norms.push((0.5 * square) as f32);
        }
        Self {
            scale,
            mean,
            columns,
            half_norms,
        }
    }

    fn places(&self, at: Rows<'_>, first: usize, count: usize) -> Places {
        let mut rows = Vec::with_capacity(count * at.dim);
        let mut half_norms = Vec::with_capacity(count);
        for place in first..first + count {
            let mut square = 0.0_f64;
            for (x, m) in at.row(place).iter().zip(&self.mean) {
                let u = (self.scale * (f64::from(*x) - m)) as f32;
                square += f64::from(u).powi(2);
                rows.push(u);
            }
            half_norms.push((0.5 * square) as f32);
        }
        Places { rows, half_norms }
    }

    /// Inner products of places with `count` points from `start` on, row-major.
    fn products(&self, places: &[f32], start: usize, count: usize, dots: &mut [f32]) {
        let dim = self.columns.len();
        for (place, dots) in places.chunks_exact(dim).zip(dots.chunks_exact_mut(count)) {
            dots.fill(0.0);
            for (value, column) in place.iter().zip(&self.columns) {
                for (dot, x) in dots.iter_mut().zip(&column[start..start + count]) {
                    *dot += value * x;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::sphere::{fibonacci, uniform_rows},
        measure::{PairSet, uniformity, uniformity_floor},
    };

    fn rows(values: &[f32], dim: usize) -> Rows<'_> {
        Rows::new(values, dim).unwrap()
    }

    #[test]
    fn one_point_has_its_closed_form() {
        for t in [0.3, 2.0, 40.0] {
            for angle in [0.0_f64, 0.4, 1.7, std::f64::consts::PI] {
                let u = [angle.cos(), angle.sin(), 0.0];
                let (value, gradient) = potential_at(rows(&[1.0, 0.0, 0.0], 3), &u, t).unwrap();
                // ‖u − x‖² = 2 − 2 cos; along the circle its slope is 2 sin.
                assert!((value + t * (2.0 - 2.0 * angle.cos())).abs() < 1e-12 * (1.0 + t));
                let tangent = [-angle.sin(), angle.cos(), 0.0];
                let slope: f64 = gradient.iter().zip(tangent).map(|(g, e)| g * e).sum();
                assert!((slope + 2.0 * t * angle.sin()).abs() < 1e-12 * (1.0 + t));
            }
        }
    }

    #[test]
    fn an_even_set_has_the_floor_everywhere_and_no_gradient() {
        // On the circle the trapezoid rule of an analytic function: exact to rounding with 64.
        let ring: Vec<f32> = (0..64)
            .flat_map(|i| {
                let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / 64.0).sin_cos();
                [cos as f32, sin as f32]
            })
            .collect();
        for angle in [0.0_f64, 0.03, 1.1] {
            let u = [angle.cos(), angle.sin()];
            let (value, gradient) = potential_at(rows(&ring, 2), &u, 2.0).unwrap();
            // Points rounded to f32.
            assert!((value - uniformity_floor(2, 2.0)).abs() < 1e-6);
            assert!(gradient.iter().all(|g| g.abs() < 1e-6));
        }
        // An even lattice of the sphere: its discrepancy, about 1/n, remains.
        let even: Vec<f32> = fibonacci(4000)
            .iter()
            .flat_map(glam::Vec3::to_array)
            .collect();
        for u in [[0.0, 0.0, 1.0], [0.6, 0.0, 0.8], [0.0, 1.0, 0.0]] {
            let (value, gradient) = potential_at(rows(&even, 3), &u, 2.0).unwrap();
            assert!((value - uniformity_floor(3, 2.0)).abs() < 1e-3, "{value}");
            assert!(gradient.iter().all(|g| g.abs() < 4e-3), "{gradient:?}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let values = uniform_rows(50, 4, 3);
        let points = rows(&values, 4);
        let directions = uniform_rows(6, 4, 8);
        for u in directions.chunks_exact(4) {
            let u: Vec<f64> = u.iter().map(|x| f64::from(*x)).collect();
            let norm = u.iter().map(|x| x * x).sum::<f64>().sqrt();
            let u: Vec<f64> = u.iter().map(|x| x / norm).collect();
            let (_, gradient) = potential_at(points, &u, 2.0).unwrap();
            let radial: f64 = gradient.iter().zip(&u).map(|(g, u)| g * u).sum();
            assert!(radial.abs() < 1e-12, "it lies in the tangent plane");
            for axis in 0..4 {
                // A step along the tangent part of the axis, on the sphere.
                let mut tangent: Vec<f64> = u.iter().map(|x| -u[axis] * x).collect();
                tangent[axis] += 1.0;
                let length = tangent.iter().map(|x| x * x).sum::<f64>().sqrt();
                let along = |step: f64| {
                    let (sin, cos) = step.sin_cos();
                    let moved = u
                        .iter()
                        .zip(&tangent)
                        .map(|(u, e)| cos * u + sin * e / length);
                    potential_at(points, &moved.collect::<Vec<_>>(), 2.0)
                        .unwrap()
                        .0
                };
                let step = 1e-4;
                let difference = (along(step) - along(-step)) / (2.0 * step);
                let slope: f64 = gradient
                    .iter()
                    .zip(&tangent)
                    .map(|(g, e)| g * e / length)
                    .sum();
                // The third derivative, some tens, times step²/6; rounding 1e-16/step.
                assert!((difference - slope).abs() < 1e-6, "{difference} {slope}");
            }
        }
    }

    #[test]
    fn a_mesh_agrees_with_single_places() {
        for (n, dim, t) in [(1, 3, 2.0), (193, 3, 2.0), (700, 2, 9.0), (40, 3, 800.0)] {
            let (points, at) = (uniform_rows(n, dim, 1), uniform_rows(131, dim, 2));
            let mesh = potential(rows(&points, dim), rows(&at, dim), t, &Progress::none());
            for (value, place) in mesh.unwrap().iter().zip(at.chunks_exact(dim)) {
                let u: Vec<f64> = place.iter().map(|x| f64::from(*x)).collect();
                let (exact, _) = potential_at(rows(&points, dim), &u, t).unwrap();
                // 1e-6·t of f32 products, and an f32 result of size up to 4t.
                assert!(
                    (f64::from(*value) - exact).abs() < 2e-6 * (1.0 + t),
                    "{n} {t}"
                );
            }
        }
    }

    #[test]
    fn its_mean_over_the_points_is_uniformity_with_the_self_pairs() {
        let n = 300;
        let values = uniform_rows(n, 3, 6);
        let x = rows(&values, 3);
        let mesh = potential(x, x, 2.0, &Progress::none()).unwrap();
        let mean = mesh.iter().map(|v| f64::from(*v).exp()).sum::<f64>() / n as f64;
        let pairs = uniformity(x, 2.0, PairSet::All, &Progress::none()).unwrap();
        let with_self = (1.0 + (n as f64 - 1.0) * pairs.value.exp()) / n as f64;
        assert!((mean / with_self - 1.0).abs() < 1e-5);
    }

    #[test]
    fn bad_input_is_told() {
        let one = [1.0, 0.0, 0.0];
        let none = Progress::none();
        assert!(potential(rows(&[], 3), rows(&one, 3), 2.0, &none).is_err());
        assert!(potential(rows(&one, 3), rows(&[1.0, 0.0], 2), 2.0, &none).is_err());
        assert!(potential(rows(&one, 3), rows(&one, 3), f64::NAN, &none).is_err());
        assert!(potential(rows(&[f32::NAN, 0.0, 0.0], 3), rows(&one, 3), 2.0, &none).is_err());
        let stopped = Progress::none();
        stopped.cancel();
        assert!(potential(rows(&one, 3), rows(&one, 3), 2.0, &stopped).is_err());
    }
}
