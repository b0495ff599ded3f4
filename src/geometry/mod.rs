//! Mathematics of the circle S¹, the sphere S² and the hypersphere S^{d−1}: safe normalisation,
//! geodesics, seeded sampling, von Mises–Fisher and Gaussian densities, orthogonal alignment.
//!
//! The top room: it uses `glam` and `rand` and nothing of the crate. Directions in three dimensions
//! have z as their north. Nothing here panics on its input; what has no answer (a density over no
//! points, a rotation fitted to nothing) has a documented neutral one.

pub mod kde;
mod levels;
pub mod procrustes;
pub mod special;
pub mod sphere;
pub mod vmf;

pub use levels::{decimals, round_levels};

/// Norm below which a row is taken to have no direction, as in PyTorch's `F.normalize`.
pub const NORM_EPSILON: f64 = 1e-12;

/// Puts each row of `values` (row-major, `dim` numbers a row) on the unit sphere in place:
/// ẑ = z / max(‖z‖₂, 1e-12).
///
/// Norms are summed in f64. A zero row stays zero; a row that is not finite becomes NaN (the
/// metrics then name it). Numbers after the last whole row are left alone, as is everything when
/// `dim` is 0.
pub fn normalise_rows(values: &mut [f32], dim: usize) {
    if dim == 0 {
        return;
    }
    for row in values.chunks_exact_mut(dim) {
        let norm = row_norm(row).max(NORM_EPSILON);
        for value in row {
            *value = (f64::from(*value) / norm) as f32;
        }
    }
}

/// Euclidean norm of one row, summed in f64.
pub fn row_norm(row: &[f32]) -> f64 {
    row.iter()
        .map(|&value| f64::from(value) * f64::from(value))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_get_length_one_and_zero_rows_stay_zero() {
        let mut values = vec![3.0, 4.0, 0.0, 0.0, 1e-30, 0.0, 7.0];
        normalise_rows(&mut values, 2);
        assert_eq!(values[..4], [0.6, 0.8, 0.0, 0.0]);
        // Below the 1e-12 floor the row is divided by the floor, not by its norm.
        assert!((values[4] - 1e-18).abs() < 1e-24);
        assert_eq!(values[6], 7.0);
    }

    #[test]
    fn huge_rows_do_not_overflow_and_bad_rows_turn_into_nan() {
        let mut values = vec![1e38, 1e38, f32::INFINITY, 1.0];
        normalise_rows(&mut values, 2);
        // One f32 rounding of 1/√2.
        assert!((values[0] - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-7);
        assert!(values[2].is_nan());
        normalise_rows(&mut values, 0);
    }
}
