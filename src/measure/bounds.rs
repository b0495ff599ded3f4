//! The range in which alignment and uniformity lie, to be drawn beside every value.

use crate::geometry::special::log_0f1;

/// Largest uniformity: all features coincide.
pub const UNIFORMITY_CEILING: f64 = 0.0;

/// Uniformity of the uniform law on S^{dim−1}, the least that any law can reach:
/// −2t + log ₀F₁(; d/2; t²) (Wang & Isola 2020, proposition 1).
///
/// On S⁰ = {−1, 1} this is log((1 + e^{−4t})/2). The bound is for laws, where a pair may fall on the
/// same point: the mean over *distinct* pairs of a finite sample can lie below it (two antipodes
/// give −4t). NaN for `dim` 0 or a `t` that is negative or not finite.
pub fn uniformity_floor(dim: usize, t: f64) -> f64 {
    if dim == 0 || !(t >= 0.0 && t.is_finite()) {
        return f64::NAN;
    }
    -2.0 * t + log_0f1(0.5 * dim as f64, t * t)
}

/// Least and largest L_align(α): 0 where positives coincide, 2^α where they are antipodes.
pub fn alignment_range(alpha: f64) -> (f64, f64) {
    (0.0, alpha.exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_has_its_published_values() {
        let table = [
            (2, -1.57503),
            (3, -2.07978),
            (16, -3.51304),
            (64, -3.87524),
            (128, -3.93753),
            (512, -3.98438),
            (2048, -3.99609),
        ];
        for (dim, value) in table {
            // The table's last digit.
            assert!(
                (uniformity_floor(dim, 2.0) - value).abs() < 5e-6,
                "d = {dim}"
            );
        }
    }

    #[test]
    fn low_dimensions_have_closed_forms() {
        for t in [1e-6_f64, 0.1, 2.0, 10.0, 100.0, 1000.0] {
            let on_pair = (0.5 * (1.0 + (-4.0 * t).exp())).ln();
            // On S², ‖x − y‖² is uniform on [0, 4].
            let on_sphere = (-(-4.0 * t).exp_m1() / (4.0 * t)).ln();
            // −2t and log ₀F₁ ≈ 2t cancel: their rounding, about 1e-14 of 2t, remains.
            let tolerance = 1e-13 * (1.0 + t);
            assert!((uniformity_floor(1, t) - on_pair).abs() < tolerance);
            assert!((uniformity_floor(3, t) - on_sphere).abs() < tolerance);
        }
    }

    #[test]
    fn the_floor_falls_with_dimension_towards_minus_2t_and_with_t() {
        for t in [0.5, 2.0, 100.0] {
            let floors: Vec<f64> = [1, 2, 3, 8, 64, 512, 4096]
                .map(|dim| uniformity_floor(dim, t))
                .to_vec();
            assert!(floors.windows(2).all(|pair| pair[1] < pair[0]));
            assert!(floors.iter().all(|floor| *floor > -2.0 * t && *floor < 0.0));
        }
        assert!(uniformity_floor(4096, 100.0) < uniformity_floor(4096, 99.0));
        assert_eq!(uniformity_floor(7, 0.0), 0.0);
        assert!(uniformity_floor(0, 2.0).is_nan());
        assert!(uniformity_floor(3, f64::INFINITY).is_nan());
        assert_eq!(alignment_range(2.0), (0.0, 4.0));
    }
}
