//! Points and arcs on spheres: even and random sampling, geodesics.

use glam::Vec3;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub use super::procrustes::{procrustes, procrustes_circle};

/// `n` nearly even directions on S² (a Fibonacci lattice), from the north pole (+z) to the south.
pub fn fibonacci(n: usize) -> Vec<Vec3> {
    let golden_angle_rad = std::f64::consts::PI * (3.0 - 5.0_f64.sqrt());
    (0..n)
        .map(|i| {
            let z = 1.0 - (2.0 * i as f64 + 1.0) / n as f64;
            let radius = (1.0 - z * z).max(0.0).sqrt();
            let (sin, cos) = (golden_angle_rad * i as f64).sin_cos();
            Vec3::new((radius * cos) as f32, (radius * sin) as f32, z as f32)
        })
        .collect()
}

/// `n` rows of `dim` numbers, independent and uniform on S^{dim−1} (normalised Gaussians), the same
/// for the same seed on every platform with IEEE arithmetic.
pub fn uniform_rows(n: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::with_capacity(n * dim);
    let mut row = vec![0.0_f64; dim];
    for _ in 0..n {
        for value in &mut row {
            *value = StandardNormal.sample(&mut rng);
        }
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        rows.extend(row.iter().map(|v| (v / norm) as f32));
    }
    rows
}

/// The shorter great-circle arc from `a` to `b` as `segments` + 1 points, both ends included.
///
/// `a` and `b` are unit vectors. Coincident ends repeat the point. Antipodal ends have no shortest
/// arc: the one through a fixed perpendicular of `a` is taken. `segments` of 0 counts as 1.
pub fn geodesic(a: Vec3, b: Vec3, segments: usize) -> Vec<Vec3> {
    let segments = segments.max(1);
    let along = b - a * a.dot(b);
    // sin and cos of the angle together keep their digits at both small and wide angles.
    let angle_rad = along.length().atan2(a.dot(b));
    let tangent = along
        .try_normalize()
        .filter(|_| along.length() > 1e-6)
        .unwrap_or_else(|| a.any_orthonormal_vector());
    (0..=segments)
        .map(|i| match i {
            0 => a,
            i if i == segments => b,
            i => {
                let (sin, cos) = (angle_rad * i as f32 / segments as f32).sin_cos();
                (a * cos + tangent * sin).normalize_or(a)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lattice_is_even() {
        let n = 1000;
        let points = fibonacci(n);
        let mean = points.iter().copied().sum::<Vec3>() / n as f32;
        // The mean of an even lattice vanishes like 1/n.
        assert!(mean.length() < 2.0 / n as f32);
        let nearest = |p: &Vec3| {
            points
                .iter()
                .filter(|q| *q != p)
                .map(|q| p.distance(*q))
                .fold(f32::INFINITY, f32::min)
        };
        let gaps: Vec<f32> = points.iter().map(nearest).collect();
        // The densest packing would give √(8π/(√3 n)) = 0.120; the lattice's minimum lies near
        // 3.09/√n = 0.098 and none is lonely.
        assert!(gaps.iter().all(|gap| (0.08..0.12).contains(gap)));
        assert!(fibonacci(0).is_empty());
    }

    #[test]
    fn random_rows_are_seeded_unit_and_isotropic() {
        let (n, dim) = (4000, 5);
        let rows = uniform_rows(n, dim, 7);
        assert_eq!(rows, uniform_rows(n, dim, 7));
        assert_ne!(rows, uniform_rows(n, dim, 8));
        for axis in 0..dim {
            let mean: f32 = rows.iter().skip(axis).step_by(dim).sum::<f32>() / n as f32;
            // A coordinate has variance 1/dim; five standard errors.
            assert!(mean.abs() < 5.0 / ((n * dim) as f32).sqrt());
        }
        assert!(
            rows.chunks_exact(dim)
                .all(|row| (crate::geometry::row_norm(row) - 1.0).abs() < 1e-6)
        );
        assert!(uniform_rows(3, 0, 1).is_empty());
        assert!(uniform_rows(9, 1, 1).iter().all(|v| v.abs() == 1.0));
    }

    #[test]
    fn arcs_are_even_steps_on_the_sphere() {
        let a = Vec3::new(0.6, 0.0, 0.8);
        let b = Vec3::new(0.0, 1.0, 0.0);
        let arc = geodesic(a, b, 8);
        assert_eq!((arc.len(), arc[0], arc[8]), (9, a, b));
        let step = arc[0].angle_between(arc[1]);
        for pair in arc.windows(2) {
            assert!((pair[0].length() - 1.0).abs() < 1e-6);
            // acos near a step of 0.2 rad turns 1e-7 of rounding into 5e-7.
            assert!((pair[0].angle_between(pair[1]) - step).abs() < 5e-6);
        }
    }

    #[test]
    fn degenerate_arcs_stay_on_the_sphere() {
        for a in [Vec3::X, Vec3::Y, Vec3::Z, Vec3::new(0.6, 0.0, 0.8)] {
            let round = geodesic(a, -a, 4);
            // Halfway to the antipode is perpendicular, up to rounding.
            assert!(round[2].dot(a).abs() < 1e-6);
            assert!(round.iter().all(|p| (p.length() - 1.0).abs() < 1e-6));
            assert!(geodesic(a, a, 3).iter().all(|p| p.distance(a) < 1e-6));
            assert_eq!(geodesic(a, a, 0).len(), 2);
        }
    }
}
