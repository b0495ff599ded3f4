//! What features uniform on the sphere would give at the same number of rows and dimensions: the
//! reference that every collapse figure is drawn beside.

use std::f64::consts::PI;

/// Steps of the quadrature over the Marchenko–Pastur law; its integrand is smooth in the angle.
const STEPS: usize = 4096;

/// `samples` independent rows, uniform on S^{dim−1}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniformLaw {
    /// N.
    pub samples: usize,
    /// d.
    pub dim: usize,
}

impl UniformLaw {
    /// Expected eigenvalues of the covariance (divided by N) of such rows, falling, min(N − 1, d) of
    /// them: quantiles at (i − ½)/r of the Marchenko–Pastur law, scaled to the trace 1 − 1/N.
    ///
    /// The law holds for large N and d; at d = 2 or 3 it errs by a few per cent of an eigenvalue.
    /// Empty for fewer than two rows.
    pub fn eigenvalues(self) -> Vec<f64> {
        let Self { samples, dim } = self;
        if samples < 2 || dim == 0 {
            return Vec::new();
        }
        let freedom = samples - 1;
        let values = marchenko_pastur(freedom, dim);
        let total: f64 = values.iter().sum();
        let trace = 1.0 - 1.0 / samples as f64;
        values
            .into_iter()
            .map(|value| trace * value / total)
            .collect()
    }

    /// Expected RankMe: that of the square roots of the quantiles for N rows, uncentred.
    pub fn rankme(self) -> f64 {
        let roots: Vec<f64> = marchenko_pastur(self.samples, self.dim)
            .into_iter()
            .map(f64::sqrt)
            .collect();
        super::spectrum::rankme_of(&roots)
    }

    /// Expected participation ratio of the covariance, (1/d + 1/(N − 1))⁻¹.
    pub fn participation_ratio(self) -> f64 {
        if self.samples < 2 {
            return 0.0;
        }
        1.0 / (1.0 / self.dim as f64 + 1.0 / (self.samples - 1) as f64)
    }

    /// Expected W2 distance to the uniform law of an infinite sample: above 0 because N is finite.
    pub fn w2(self) -> f64 {
        let values = self.eigenvalues();
        let trace: f64 = values.iter().sum();
        let roots: f64 = values.iter().map(|value| value.sqrt()).sum();
        let square =
            1.0 / self.samples as f64 + 1.0 + trace - 2.0 / (self.dim as f64).sqrt() * roots;
        square.max(0.0).sqrt()
    }

    /// Mean cosine of pairs of rows that are uniform on the sphere's part without negative entries:
    /// d (E|z₁|)² with E|z₁| = Γ(d/2) / (√π Γ((d+1)/2)) over the whole sphere. 8/π² at d = 2, falling
    /// to 2/π; 1 at d = 1.
    pub fn orthant_cosine(dim: usize) -> f64 {
        if dim < 2 {
            return 1.0;
        }
        let absolute = 2.0 * gamma_ratio(dim) / ((dim as f64 - 1.0) * PI.sqrt());
        dim as f64 * absolute * absolute
    }

    /// Expected ‖mean‖ up to a factor near 1: √(1/N).
    pub fn mean_norm(self) -> f64 {
        (1.0 / self.samples as f64).sqrt()
    }
}

/// Density of the cosine c of two independent rows uniform on S^{dim−1}:
/// Γ(d/2) / (√π Γ((d−1)/2)) · (1 − c²)^{(d−3)/2} on (−1, 1).
///
/// 0 outside. NaN for `dim` below 2, whose cosines are −1 and 1 alone. At d = 2 it grows without
/// bound towards ±1.
pub fn cosine_density(dim: usize, cosine: f64) -> f64 {
    if dim < 2 {
        return f64::NAN;
    }
    if cosine.abs() >= 1.0 {
        let is_edge = cosine.abs() == 1.0;
        return match dim {
            2 if is_edge => f64::INFINITY,
            3 if is_edge => 0.5,
            _ => 0.0,
        };
    }
    let power = 0.5 * (dim as f64 - 3.0) * (-cosine * cosine).ln_1p();
    gamma_ratio(dim) / PI.sqrt() * power.exp()
}

/// Γ(d/2) / Γ((d−1)/2) for d ≥ 2, by g(d+1) · g(d) = (d−1)/2 from g(2) = 1/√π.
fn gamma_ratio(dim: usize) -> f64 {
    (2..dim).fold(1.0 / PI.sqrt(), |ratio, d| 0.5 * (d as f64 - 1.0) / ratio)
}

/// Quantiles at (i − ½)/r, falling, of the nonzero eigenvalues of a sample covariance of
/// `freedom` rows with covariance I in `dim` dimensions, r = min(freedom, dim), up to scale
/// (Marchenko & Pastur 1967).
///
/// With c = min/max and x = 1 + c − 2√c cos φ the law's mass is
/// 2 sin²φ / (π (1 + c − 2√c cos φ)) dφ over φ in [0, π].
pub(super) fn marchenko_pastur(freedom: usize, dim: usize) -> Vec<f64> {
    let rank = freedom.min(dim);
    if rank == 0 {
        return Vec::new();
    }
    let c = rank as f64 / freedom.max(dim) as f64;
    let at = |phi: f64| 1.0 + c - 2.0 * c.sqrt() * phi.cos();
    let mass = |phi: f64| {
        let x = at(phi);
        if x > 1e-12 {
            2.0 * phi.sin().powi(2) / (PI * x)
        } else {
            // c = 1: sin²φ / (1 − cos φ) = 1 + cos φ.
            2.0 / PI
        }
    };
    let step = PI / STEPS as f64;
    let mut quantiles = vec![0.0; rank];
    let (mut done, mut next) = (0.0, 0);
    for index in 0..STEPS {
        let phi = index as f64 * step;
        let more = step / 6.0 * (mass(phi) + 4.0 * mass(phi + 0.5 * step) + mass(phi + step));
        while next < rank {
            let wanted = (next as f64 + 0.5) / rank as f64;
            if done + more < wanted {
                break;
            }
            let part = ((wanted - done) / more).clamp(0.0, 1.0);
            // Rising here, falling in the result.
            quantiles[rank - 1 - next] = at(phi + part * step);
            next += 1;
        }
        done += more;
    }
    for missed in next..rank {
        quantiles[rank - 1 - missed] = at(PI);
    }
    quantiles
}
