//! The first collapse figures: spread of the coordinates and length of the mean.

use super::{MeasureError, Rows, cloud::mean_row};

/// √d · mean over coordinates of their standard deviation, for unit rows (Chen & He 2021, SimSiam).
///
/// 1 for features uniform on the sphere, 0 for features that coincide, √(k/d) for features uniform
/// on a k-dimensional subsphere. The standard deviation divides by N − 1, as PyTorch's `std`.
///
/// # Errors
/// [`MeasureError`] for fewer than two rows or a row that is not finite.
pub fn std_sqrt_d(x: Rows<'_>) -> Result<f64, MeasureError> {
    x.check_finite("std·√d", 2)?;
    let mean = mean_row(x);
    let mut squares = vec![0.0_f64; x.dim];
    for row in x.values.chunks_exact(x.dim) {
        for ((square, value), mean) in squares.iter_mut().zip(row).zip(&mean) {
            *square += (f64::from(*value) - mean).powi(2);
        }
    }
    let freedom = (x.len() - 1) as f64;
    let sum: f64 = squares.iter().map(|square| (square / freedom).sqrt()).sum();
    Ok(sum / (x.dim as f64).sqrt())
}

/// The mean of the rows, d numbers, summed in f64.
///
/// # Errors
/// [`MeasureError`] without rows or with a row that is not finite.
pub fn mean_vector(x: Rows<'_>) -> Result<Vec<f64>, MeasureError> {
    x.check_finite("the mean vector", 1)?;
    Ok(mean_row(x))
}

/// ‖mean of the rows‖₂: 0 for balanced features, 1 for unit features that coincide; in between, how
/// narrow a cone holds them.
///
/// # Errors
/// As [`mean_vector`].
pub fn mean_norm(x: Rows<'_>) -> Result<f64, MeasureError> {
    let mean = mean_vector(x)?;
    Ok(mean.iter().map(|value| value * value).sum::<f64>().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;

    #[test]
    fn uniform_features_have_spread_1_and_no_mean() {
        let (n, dim) = (4000, 128);
        let values = uniform_rows(n, dim, 3);
        let x = Rows::new(&values, dim).unwrap();
        // Each coordinate's standard deviation errs by 1/√(2n) relatively; 128 of them average.
        let error = 1.0 / (2.0 * n as f64 * dim as f64).sqrt();
        assert!((std_sqrt_d(x).unwrap() - 1.0).abs() < 5.0 * error + 1.0 / n as f64);
        // n‖mean‖² is 1 on average with standard deviation √(2/d) = 0.125.
        assert!((mean_norm(x).unwrap().powi(2) * n as f64 - 1.0).abs() < 0.63);
    }

    #[test]
    fn a_subsphere_shows_its_share() {
        let (n, k, dim) = (4000, 16, 64);
        let mut values = vec![0.0; n * dim];
        let inner = uniform_rows(n, k, 3);
        for (row, part) in values.chunks_exact_mut(dim).zip(inner.chunks_exact(k)) {
            row[..k].copy_from_slice(part);
        }
        // √d · (k/d) · 1/√k = √(k/d) = ½, and as above.
        let value = std_sqrt_d(Rows::new(&values, dim).unwrap()).unwrap();
        assert!((value - 0.5).abs() < 0.01);
    }

    #[test]
    fn collapse_by_hand() {
        let same = [0.6_f32, 0.8].repeat(9);
        let x = Rows::new(&same, 2).unwrap();
        // The mean of equal f32 numbers in f64 errs by a few 1e-16.
        assert!(std_sqrt_d(x).unwrap() < 1e-15);
        assert!((mean_norm(x).unwrap() - 1.0).abs() < 1e-7);
        let ends = [1.0, 0.0, -1.0, 0.0];
        let x = Rows::new(&ends, 2).unwrap();
        // std of ±1 over n − 1 = 1 is √2, of zeros 0; √2 · √2/2 = 1.
        assert!((std_sqrt_d(x).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(mean_norm(x), Ok(0.0));
        assert!(std_sqrt_d(Rows::new(&[1.0], 1).unwrap()).is_err());
        assert!(mean_norm(Rows::new(&[f32::NAN], 1).unwrap()).is_err());
    }
}
