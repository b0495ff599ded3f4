//! The special functions of densities on spheres, in log space: ₀F₁ and the modified Bessel
//! functions that follow from it.

/// Size at which a running sum is rescaled.
const LARGE: f64 = 1e200;

/// log ₀F₁(; b; z) for b > 0 and z ≥ 0, where ₀F₁(; b; z) = Σ_k z^k / (k! (b)_k).
///
/// All terms are positive, so the sum loses nothing; it is rescaled before it overflows, which
/// makes any z with √z up to about 10⁸ feasible (the number of terms grows as √z). Relative error
/// of ₀F₁ about 1e-14. NaN outside the domain.
pub fn log_0f1(b: f64, z: f64) -> f64 {
    if !(b > 0.0 && z >= 0.0 && z.is_finite()) {
        return f64::NAN;
    }
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut rescales = 0.0;
    let mut k = 0.0;
    loop {
        let ratio = z / ((k + 1.0) * (b + k));
        term *= ratio;
        sum += term;
        k += 1.0;
        if sum > LARGE {
            term /= LARGE;
            sum /= LARGE;
            rescales += 1.0;
        }
        // Ratios only fall, so from here on the rest is below a geometric series.
        if ratio < 0.5 && term < sum * 1e-17 {
            return sum.ln() + rescales * LARGE.ln();
        }
    }
}

/// log I_n(x), the modified Bessel function of the first kind and integer order, for x ≥ 0:
/// I_n(x) = (x/2)^n / n! · ₀F₁(; n+1; x²/4).
///
/// −∞ where I_n(0) = 0; NaN for negative x.
pub fn log_bessel_i(order: u32, x: f64) -> f64 {
    if order > 0 && x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let n = f64::from(order);
    let log_power = if order == 0 { 0.0 } else { n * (0.5 * x).ln() };
    let log_factorial: f64 = (1..=order).map(|k| f64::from(k).ln()).sum();
    log_power - log_factorial + log_0f1(n + 1.0, if x < 0.0 { f64::NAN } else { 0.25 * x * x })
}

/// log I₀(κ): log of the modified Bessel function of order 0, the normaliser of the von Mises law.
pub fn log_i0(kappa: f64) -> f64 {
    log_bessel_i(0, kappa)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ₀F₁(; 1/2; z) = cosh(2√z) and ₀F₁(; 3/2; z) = sinh(2√z) / (2√z).
    #[test]
    fn half_integer_parameters_have_closed_forms() {
        for root in [1e-3_f64, 0.3, 2.0, 17.0, 100.0, 349.0, 1000.0] {
            let z = root * root;
            // log cosh(y) = y + log((1 + e^{−2y})/2), safe at any y.
            let log_cosh = 2.0 * root + (0.5 * (1.0 + (-4.0 * root).exp())).ln();
            let log_sinh = 2.0 * root + (0.5 * -(-4.0 * root).exp_m1()).ln();
            // 1e-14 a factor in the terms, and the log itself is rounded at 2√z · 1e-16.
            let tolerance = 1e-13 * (1.0 + root);
            assert!((log_0f1(0.5, z) - log_cosh).abs() < tolerance);
            assert!((log_0f1(1.5, z) - (log_sinh - (2.0 * root).ln())).abs() < tolerance);
        }
    }

    #[test]
    fn bessel_functions_satisfy_their_recurrence_and_table() {
        // Abramowitz & Stegun, table 9.8: I₀(1) = 1.266 065 878, I₁(1) = 0.565 159 104, to its last digit.
        assert!((log_i0(1.0).exp() - 1.266_065_878).abs() < 5e-10);
        assert!((log_bessel_i(1, 1.0).exp() - 0.565_159_104).abs() < 5e-10);
        for x in [0.1, 1.0, 10.0, 80.0] {
            // I₀ − I₂ = (2/x) I₁, divided by I₀; the terms are rounded at about 1e-14 each.
            let base = log_i0(x);
            let left = 1.0 - (log_bessel_i(2, x) - base).exp();
            let right = 2.0 / x * (log_bessel_i(1, x) - base).exp();
            assert!((left - right).abs() < 1e-12);
        }
        assert_eq!(log_bessel_i(0, 0.0), 0.0);
        assert_eq!(log_bessel_i(3, 0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn outside_the_domain_there_is_no_number() {
        assert!(log_0f1(0.0, 1.0).is_nan());
        assert!(log_0f1(1.0, -1.0).is_nan());
        assert!(log_0f1(1.0, f64::INFINITY).is_nan());
        assert!(log_i0(-1.0).is_nan());
    }
}
