//! Kernel density with von Mises–Fisher kernels on the circle and the sphere, and the rule that
//! picks the kernels' concentration.
//!
//! The rule is the directional rule of thumb of García-Portugués (2013, "Exact risk improvement of
//! bandwidth selectors for kernel density estimation with directional data"): the bandwidth
//! h = κ^{−1/2} that minimises the asymptotic mean integrated squared error when the data follow a
//! von Mises–Fisher law of concentration κ̂. It is for one cluster; balanced clusters around the
//! sphere cancel in the mean vector, κ̂ falls to 0 and the rule alone would flatten the picture. So
//! κ̂ is kept at or above [`MIN_DATA_KAPPA`]: structure as narrow as a cluster of about 20° is
//! assumed to be possible.

use super::special::{log_bessel_i, log_i0};
use glam::Vec3;

/// Least concentration assumed of the data by the bandwidth rules: clusters of 1/√8 rad ≈ 20°.
pub const MIN_DATA_KAPPA: f64 = 8.0;

/// Largest concentration assumed of the data: clusters of 0.6°, below a pixel's worth of detail.
pub const MAX_DATA_KAPPA: f64 = 1e4;

/// Largest concentration of a [`SphereDensity`] over gathered points: kernels 1/√600 rad ≈ 2.3°
/// wide, as wide as a cell.
pub const MAX_GATHERED_KAPPA: f32 = 600.0;

/// Cells along an edge of a cube's face on which points are gathered.
const FACE_CELLS: usize = 37;

/// Most kernels summed for one value; more points are first gathered in bins.
const MAX_KERNELS: usize = 8192;

/// Concentration κ̂ of a von Mises–Fisher law on S^{dim−1} from the mean resultant length R̄ of unit
/// vectors: R̄(d − R̄²)/(1 − R̄²) (Banerjee et al. 2005), clamped to
/// [`MIN_DATA_KAPPA`], [`MAX_DATA_KAPPA`].
fn data_kappa(mean_resultant: f64, dim: f64) -> f64 {
    let r = mean_resultant.clamp(0.0, 1.0);
    let kappa = r * (dim - r * r) / (1.0 - r * r).max(f64::MIN_POSITIVE);
    kappa.clamp(MIN_DATA_KAPPA, MAX_DATA_KAPPA)
}

/// Kernel concentration for a density of `angles` (radians) on the circle:
/// κ = [κ̂(2 I₁(2κ̂) + 3κ̂ I₂(2κ̂)) n / (4√π I₀(κ̂)²)]^{2/5} (see the module's note).
///
/// Without angles the rule is applied to n = 1. Angles that are not finite are left out.
pub fn circle_kappa(angles: &[f32]) -> f64 {
    let (mut x, mut y, mut n) = (0.0_f64, 0.0_f64, 0.0_f64);
    for angle in angles.iter().filter(|a| a.is_finite()) {
        let (sin, cos) = f64::from(*angle).sin_cos();
        x += cos;
        y += sin;
        n += 1.0;
    }
    let n = n.max(1.0);
    circle_rule(data_kappa(x.hypot(y) / n, 2.0), n)
}

fn circle_rule(kappa: f64, n: f64) -> f64 {
    let log_i1 = log_bessel_i(1, 2.0 * kappa);
    let log_i2 = log_bessel_i(2, 2.0 * kappa);
    let log_roughness = kappa.ln() + log_i2 + (2.0 * (log_i1 - log_i2).exp() + 3.0 * kappa).ln();
    let log_h5 =
        (4.0 * std::f64::consts::PI.sqrt()).ln() + 2.0 * log_i0(kappa) - log_roughness - n.ln();
    (-0.4 * log_h5).exp()
}

/// Kernel concentration for a density of unit `points` on the sphere:
/// κ = [κ̂((1 + 4κ̂²) sinh 2κ̂ − 2κ̂ cosh 2κ̂) n / (8 sinh² κ̂)]^{1/3} (see the module's note).
///
/// Without points the rule is applied to n = 1. Points that are not finite are left out.
pub fn sphere_kappa(points: &[[f32; 3]]) -> f32 {
    let (mut sum, mut n) = (glam::DVec3::ZERO, 0.0_f64);
    for point in points
        .iter()
        .map(|p| Vec3::from_array(*p))
        .filter(|p| p.is_finite())
    {
        sum += point.as_dvec3();
        n += 1.0;
    }
    let n = n.max(1.0);
    sphere_rule(data_kappa(sum.length() / n, 3.0), n) as f32
}

fn sphere_rule(kappa: f64, n: f64) -> f64 {
    // Divided through by e^{2κ}; κ ≥ MIN_DATA_KAPPA keeps the difference away from cancellation.
    let q = (-2.0 * kappa).exp();
    let roughness =
        0.5 * ((1.0 + 4.0 * kappa * kappa) * (1.0 - q * q) - 2.0 * kappa * (1.0 + q * q));
    let h6 = 2.0 * (1.0 - q) * (1.0 - q) / (kappa * roughness * n);
    h6.powf(-1.0 / 3.0)
}

/// Density at angle `theta` (radians) of `angles`, by a von Mises kernel of concentration `kappa`:
/// mean exp(κ cos(θ − θᵢ)) / (2π I₀(κ)), per radian. 0 without angles.
pub fn circle_density(theta: f64, angles: &[f32], kappa: f64) -> f64 {
    let kernels = angles.iter().map(|&angle| (f64::from(angle), 1.0));
    mixture_on_circle(
        theta,
        kernels,
        angles.len() as f64,
        kappa,
        circle_log_norm(kappa),
    )
}

/// log of e^{κ} over the von Mises normaliser, so that kernels are written with exponents ≤ 0.
fn circle_log_norm(kappa: f64) -> f64 {
    kappa - std::f64::consts::TAU.ln() - log_i0(kappa)
}

fn mixture_on_circle(
    theta: f64,
    kernels: impl Iterator<Item = (f64, f64)>,
    total: f64,
    kappa: f64,
    log_norm: f64,
) -> f64 {
    let sum: f64 = kernels
        .map(|(angle, weight)| weight * (kappa * ((theta - angle).cos() - 1.0)).exp())
        .sum();
    if total > 0.0 {
        sum / total * log_norm.exp()
    } else {
        0.0
    }
}

/// [`circle_density`] at `samples` even angles 2πi/samples.
///
/// Above 8192 finite angles they are first shared linearly between 8192 bins, which widens each
/// kernel's variance by at most (2π/8192)²/4 = 1.5e-7 rad²: a relative change of κ below 0.2 % at
/// κ = 10⁴ and far less for wider kernels.
pub fn circle_ring(angles: &[f32], kappa: f64, samples: usize) -> Vec<f32> {
    let finite: Vec<f64> = angles
        .iter()
        .filter(|a| a.is_finite())
        .map(|a| f64::from(*a))
        .collect();
    let kernels = if finite.len() > MAX_KERNELS {
        binned_angles(&finite)
    } else {
        finite.iter().map(|angle| (*angle, 1.0)).collect()
    };
    let log_norm = circle_log_norm(kappa);
    (0..samples)
        .map(|i| {
            let theta = std::f64::consts::TAU * i as f64 / samples as f64;
            let each = kernels.iter().copied();
            mixture_on_circle(theta, each, finite.len() as f64, kappa, log_norm) as f32
        })
        .collect()
}

/// Angles shared linearly between the two nearest of [`MAX_KERNELS`] even bins: (angle, weight).
fn binned_angles(angles: &[f64]) -> Vec<(f64, f64)> {
    let width = std::f64::consts::TAU / MAX_KERNELS as f64;
    let mut weights = vec![0.0; MAX_KERNELS];
    for angle in angles {
        let position = angle.rem_euclid(std::f64::consts::TAU) / width;
        let share = position.fract();
        let bin = position as usize;
        weights[bin % MAX_KERNELS] += 1.0 - share;
        weights[(bin + 1) % MAX_KERNELS] += share;
    }
    let centred = weights.into_iter().enumerate();
    centred
        .map(|(bin, weight)| (bin as f64 * width, weight))
        .filter(|(_, w)| *w > 0.0)
        .collect()
}

/// Density at the unit direction `u` of unit `points` on the sphere, by a von Mises–Fisher kernel of
/// concentration `kappa`: mean κ exp(κ u·xᵢ) / (4π sinh κ), per steradian. 0 without points.
///
/// For many directions build a [`SphereDensity`] once.
pub fn sphere_kde(u: Vec3, points: &[[f32; 3]], kappa: f32) -> f32 {
    let kernels: Vec<(Vec3, f32)> = points.iter().map(|p| (Vec3::from_array(*p), 1.0)).collect();
    SphereDensity::over(kernels, kappa).at(u)
}

/// A kernel density on the sphere, ready to be evaluated at many directions (also from several
/// threads).
#[derive(Clone, Debug)]
pub struct SphereDensity {
    /// Kernel centres and weights.
    kernels: Vec<(Vec3, f32)>,
    kappa: f32,
    /// Normaliser over the total weight.
    scale: f32,
}

impl SphereDensity {
    /// The density of unit `points` by kernels of concentration `kappa`, for instance
    /// [`sphere_kappa`]'s.
    ///
    /// Points that are not finite are left out. Above 8192 points those of one cell of a cube's
    /// faces, 8214 cells about 2.4° wide, act together from their mean direction, and `kappa` is
    /// kept at or below [`MAX_GATHERED_KAPPA`], so that no kernel is narrower than a cell.
    pub fn new(points: &[[f32; 3]], kappa: f32) -> Self {
        let finite = points
            .iter()
            .map(|p| Vec3::from_array(*p))
            .filter(|p| p.is_finite());
        if points.len() > MAX_KERNELS {
            Self::over(gathered(finite), kappa.min(MAX_GATHERED_KAPPA))
        } else {
            Self::over(finite.map(|p| (p, 1.0)).collect(), kappa)
        }
    }

    fn over(kernels: Vec<(Vec3, f32)>, kappa: f32) -> Self {
        let total: f32 = kernels.iter().map(|(_, weight)| weight).sum();
        let kappa = kappa.max(0.0);
        // κ / (4π sinh κ · e^{−κ}), which tends to 1/4π with κ.
        let normaliser = if kappa < 1e-4 {
            1.0 / (4.0 * std::f32::consts::PI)
        } else {
            kappa / (std::f32::consts::TAU * -(-2.0 * kappa).exp_m1())
        };
        let scale = if total > 0.0 { normaliser / total } else { 0.0 };
        Self {
            kernels,
            kappa,
            scale,
        }
    }

    /// Density per steradian at the unit direction `u`.
    pub fn at(&self, u: Vec3) -> f32 {
        let sum: f32 = self
            .kernels
            .iter()
            .map(|(centre, weight)| weight * (self.kappa * (u.dot(*centre) - 1.0)).exp())
            .sum();
        sum * self.scale
    }

    /// The density on an equirectangular grid, row-major from the north: the value at
    /// `row * width + col` belongs to latitude π/2 − (row + ½)π/height and longitude
    /// −π + (col + ½)·2π/width (longitude 0 is +x, north is +z).
    pub fn equirectangular(&self, width: usize, height: usize) -> Vec<f32> {
        let directions = (0..height).flat_map(|row| {
            (0..width).map(move |col| equirectangular_direction(row, col, width, height))
        });
        directions.map(|u| self.at(u)).collect()
    }
}

/// The direction at the centre of a cell of [`SphereDensity::equirectangular`]'s grid.
pub fn equirectangular_direction(row: usize, col: usize, width: usize, height: usize) -> Vec3 {
    use std::f32::consts::{FRAC_PI_2, PI, TAU};
    let latitude_rad = FRAC_PI_2 - (row as f32 + 0.5) * PI / height as f32;
    let longitude_rad = -PI + (col as f32 + 0.5) * TAU / width as f32;
    let (sin_lat, cos_lat) = latitude_rad.sin_cos();
    let (sin_lon, cos_lon) = longitude_rad.sin_cos();
    Vec3::new(cos_lat * cos_lon, cos_lat * sin_lon, sin_lat)
}

/// The points of each cell of a cube's faces as their unit mean and number.
fn gathered(points: impl Iterator<Item = Vec3>) -> Vec<(Vec3, f32)> {
    let mut cells = vec![(Vec3::ZERO, 0.0_f32); 6 * FACE_CELLS * FACE_CELLS];
    for point in points {
        let cell = &mut cells[cube_cell(point)];
        cell.0 += point;
        cell.1 += 1.0;
    }
    cells
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(sum, weight)| (sum.normalize_or_zero(), weight))
        .collect()
}

/// Cell of the direction `u` on a cube whose faces are cut at even angles.
fn cube_cell(u: Vec3) -> usize {
    let size = u.abs();
    let (face, major, across, up) = if size.x >= size.y && size.x >= size.z {
        (0, u.x, u.y, u.z)
    } else if size.y >= size.z {
        (1, u.y, u.z, u.x)
    } else {
        (2, u.z, u.x, u.y)
    };
    let side = face * 2 + usize::from(major < 0.0);
    let cell = |minor: f32| {
        // From −1 to 1 over the face.
        let position = (minor / major.abs()).atan() * (4.0 / std::f32::consts::PI);
        (((position + 1.0) * 0.5 * FACE_CELLS as f32) as usize).min(FACE_CELLS - 1)
    };
    (side * FACE_CELLS + cell(up)) * FACE_CELLS + cell(across)
}

#[cfg(test)]
#[path = "vmf_tests.rs"]
mod tests;
