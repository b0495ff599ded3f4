//! Tests of the von Mises–Fisher densities.

use super::*;
use crate::geometry::sphere::{fibonacci, uniform_rows};

fn angles(n: usize) -> Vec<f32> {
    // Two unequal clumps and a spread, by formula.
    (0..n)
        .map(|i| (i as f32 * 0.7).sin() + 2.5 * ((i * i) as f32 * 0.01).cos())
        .collect()
}

fn points(n: usize, seed: u64) -> Vec<[f32; 3]> {
    let rows = uniform_rows(n, 3, seed);
    rows.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect()
}

#[test]
fn circle_densities_integrate_to_one() {
    for kappa in [0.0, 0.5, 20.0, 500.0] {
        let samples = 2000;
        let ring = circle_ring(&angles(50), kappa, samples);
        let sum: f64 = ring.iter().map(|value| f64::from(*value)).sum();
        let mass = sum * std::f64::consts::TAU / samples as f64;
        // The rectangle rule is spectrally exact here; f32 values are rounded at 6e-8 each.
        assert!((mass - 1.0).abs() < 1e-7, "κ {kappa}: mass {mass}");
    }
    assert_eq!(circle_density(0.0, &[], 3.0), 0.0);
}

#[test]
fn one_kernel_is_the_von_mises_law() {
    // exp(2 cos 1) / (2π I₀(2)), I₀(2) = 2.279 585 302 336 067 (Abramowitz & Stegun 9.8).
    let expected = (2.0 * 1.0_f64.cos()).exp() / (std::f64::consts::TAU * 2.279_585_302_336_067);
    assert!((circle_density(1.5, &[0.5], 2.0) - expected).abs() < 1e-14);
}

#[test]
fn binning_many_angles_keeps_the_density() {
    let many = angles(20_000);
    let kappa = 200.0;
    let ring = circle_ring(&many, kappa, 90);
    for (i, value) in ring.iter().enumerate() {
        let theta = std::f64::consts::TAU * i as f64 / 90.0;
        let exact = circle_density(theta, &many, kappa);
        // Each kernel's variance grows by at most 1.5e-7, 3e-5 of 1/κ; the relative change of a
        // density is at most a few times that. f32 adds 6e-8.
        assert!((f64::from(*value) - exact).abs() < 2e-4 * exact.max(1e-3));
    }
}

#[test]
fn sphere_densities_integrate_to_one() {
    let nodes = fibonacci(20_000);
    for kappa in [0.0, 1.0, 30.0, 200.0] {
        let density = SphereDensity::new(&points(40, 3), kappa);
        let mean: f64 =
            nodes.iter().map(|u| f64::from(density.at(*u))).sum::<f64>() / nodes.len() as f64;
        let mass = mean * 4.0 * std::f64::consts::PI;
        // The lattice's quadrature error falls faster than 1/n for smooth functions.
        assert!((mass - 1.0).abs() < 1e-4, "κ {kappa}: mass {mass}");
    }
    assert_eq!(sphere_kde(Vec3::X, &[], 5.0), 0.0);
}

#[test]
fn one_kernel_is_the_fisher_law() {
    // κ e^{κ cos θ} / (4π sinh κ) at κ = 3, cos θ = 0.
    let expected = 3.0 / (4.0 * std::f32::consts::PI * 3.0_f32.sinh());
    // f32 arithmetic.
    assert!((sphere_kde(Vec3::Z, &[[1.0, 0.0, 0.0]], 3.0) - expected).abs() < 1e-8);
}

#[test]
fn gathering_many_points_keeps_the_density() {
    let many = points(20_000, 9);
    let kappa = sphere_kappa(&many);
    let gathered = SphereDensity::new(&many, kappa);
    assert!(gathered.kernels.len() <= 6 * FACE_CELLS * FACE_CELLS);
    let weight: f32 = gathered.kernels.iter().map(|(_, w)| w).sum();
    assert_eq!(weight, 20_000.0);
    for u in fibonacci(50) {
        let exact = sphere_kde(u, &many, kappa);
        // A cell's variance, 0.042²/12 = 1.5e-4 rad² an axis, changes f̂ by half of it times Δf̂. Of
        // these even points f̂ fluctuates by √(κ/n) = 10 % over lengths of 1/√κ, κ ≈ 220:
        // 1.5e-4 · 220 · 10 % = 0.3 %, and five times that at the extremes.
        assert!((gathered.at(u) - exact).abs() < 0.02 * exact);
    }
}

/// The rules minimise C₁h⁴ + C₂/h^q with C₁ from ∫(Δf)². That integral is done here numerically.
#[test]
fn the_bandwidth_rules_match_a_numerical_integral() {
    let (kappa, n) = (9.0_f64, 500.0_f64);
    let steps = 20_000;
    // Circle: f = e^{κ cos θ}/(2π I₀), f″ = (κ² sin² θ − κ cos θ) f; h⁵ = 1/(2√π n ∫f″²).
    let roughness: f64 = (0..steps)
        .map(|i| {
            let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(steps)).sin_cos();
            let log_f = kappa * cos - std::f64::consts::TAU.ln() - log_i0(kappa);
            ((kappa * kappa * sin * sin - kappa * cos) * log_f.exp()).powi(2)
        })
        .sum::<f64>()
        * std::f64::consts::TAU
        / f64::from(steps);
    let h = (1.0 / (2.0 * std::f64::consts::PI.sqrt() * n * roughness)).powf(0.2);
    // The rectangle rule is exact to rounding on a periodic analytic function.
    assert!((circle_rule(kappa, n) * h * h - 1.0).abs() < 1e-9);

    // Sphere: Δf = (κ²(1 − z²) − 2κz) f; h⁶ = 1/(2π n ∫(Δf)²), by the midpoint rule in z.
    let norm = kappa / (4.0 * std::f64::consts::PI * kappa.sinh());
    let roughness: f64 = (0..steps)
        .map(|i| {
            let z = -1.0 + (2.0 * f64::from(i) + 1.0) / f64::from(steps);
            ((kappa * kappa * (1.0 - z * z) - 2.0 * kappa * z) * norm * (kappa * z).exp()).powi(2)
        })
        .sum::<f64>()
        * std::f64::consts::TAU
        * 2.0
        / f64::from(steps);
    let h6 = 1.0 / (std::f64::consts::TAU * n * roughness);
    // The midpoint rule errs by (4κ)²·(2/steps)²/24 ≈ 5e-7.
    assert!((sphere_rule(kappa, n) * h6.powf(1.0 / 3.0) - 1.0).abs() < 1e-5);
}

#[test]
fn concentrated_data_get_sharper_kernels_and_bounds_hold() {
    let narrow: Vec<f32> = angles(200).iter().map(|a| a * 0.01).collect();
    assert!(circle_kappa(&narrow) > circle_kappa(&angles(200)));
    assert!(circle_kappa(&angles(2000)) > circle_kappa(&angles(20)));
    let same = vec![[0.0, 0.0, 1.0]; 10];
    assert!(sphere_kappa(&same).is_finite());
    assert!(sphere_kappa(&same) > sphere_kappa(&points(10, 1)));
    assert!(circle_kappa(&[]).is_finite() && sphere_kappa(&[]) > 0.0);
    assert!(circle_kappa(&[f32::NAN, 1.0]).is_finite());
}

#[test]
fn the_grid_runs_from_north_to_south() {
    let density = SphereDensity::new(&[[0.0, 0.0, 1.0]], 10.0);
    let grid = density.equirectangular(8, 4);
    assert_eq!(grid.len(), 32);
    assert!(grid[0] > grid[8] && grid[8] > grid[24]);
    assert!(equirectangular_direction(1, 4, 8, 4).x > 0.8);
}
