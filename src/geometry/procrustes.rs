//! Orthogonal Procrustes: the turn (or mirror image) of one configuration that lies closest to
//! another, which keeps the orientation of a projection from one checkpoint to the next.

use glam::{DMat3, DVec3, Mat2, Mat3, Vec2, Vec3};

/// The orthogonal matrix Q, mirror images included, that minimises Σ‖Q·aᵢ − bᵢ‖² (Schönemann 1966).
///
/// Points are paired in order; the longer slice's surplus and pairs that are not finite are left
/// out. Directions that the points do not determine (fewer than three independent ones) are
/// completed to a proper rotation near the identity; without any point Q is the identity.
pub fn procrustes(a: &[Vec3], b: &[Vec3]) -> Mat3 {
    let mut cross = [DVec3::ZERO; 3];
    for (a, b) in a
        .iter()
        .zip(b)
        .filter(|(a, b)| a.is_finite() && b.is_finite())
    {
        let (a, b) = (a.as_dvec3(), b.as_dvec3());
        for (column, weight) in cross.iter_mut().zip(a.to_array()) {
            *column += b * weight;
        }
    }
    orthogonal_factor(cross).as_mat3()
}

/// U·Vᵀ of the singular value decomposition M = U·S·Vᵀ, M given by its columns.
fn orthogonal_factor(columns: [DVec3; 3]) -> DMat3 {
    let (scaled, v) = one_sided_jacobi(columns);
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| scaled[j].length().total_cmp(&scaled[i].length()));
    let [w0, w1, w2] = order.map(|i| scaled[i]);
    let [v0, v1, v2] = order.map(|i| v[i]);
    let Some(u0) = w0.try_normalize() else {
        return DMat3::IDENTITY;
    };
    // Relative size below which a singular value is rounding noise of sums of f32 coordinates.
    let negligible = 1e-9 * w0.length();
    let u1 = if w1.length() > negligible {
        w1.normalize()
    } else {
        let nearest = v1 - u0 * u0.dot(v1);
        nearest
            .try_normalize()
            .filter(|_| nearest.length() > 1e-3)
            .unwrap_or_else(|| u0.any_orthonormal_vector())
    };
    let right_handed = u0.cross(u1);
    let u2 = if w2.length() > negligible {
        w2.normalize()
    } else {
        right_handed * v0.cross(v1).dot(v2).signum()
    };
    DMat3::from_cols(u0, u1, u2) * DMat3::from_cols(v0, v1, v2).transpose()
}

/// Rotates the columns of M until they are orthogonal (Hestenes 1958): M·V = U·S. Returns the
/// columns of U·S and of V.
fn one_sided_jacobi(mut w: [DVec3; 3]) -> ([DVec3; 3], [DVec3; 3]) {
    let mut v = [DVec3::X, DVec3::Y, DVec3::Z];
    // Convergence is quadratic: 3×3 needs four or five sweeps, the bound only ends odd inputs.
    for _ in 0..32 {
        let mut is_orthogonal = true;
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            let (alpha, beta) = (w[p].length_squared(), w[q].length_squared());
            let gamma = w[p].dot(w[q]);
            if gamma.abs() <= 1e-15 * (alpha * beta).sqrt() {
                continue;
            }
            is_orthogonal = false;
            let zeta = (beta - alpha) / (2.0 * gamma);
            let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = cosine * tangent;
            for columns in [&mut w, &mut v] {
                let (x, y) = (columns[p], columns[q]);
                columns[p] = x * cosine - y * sine;
                columns[q] = x * sine + y * cosine;
            }
        }
        if is_orthogonal {
            break;
        }
    }
    (w, v)
}

/// The orthogonal matrix Q of the plane, mirror images included, that minimises Σ‖Q·aᵢ − bᵢ‖².
///
/// As [`procrustes`]; a mirror image is taken only where it fits better than every turn.
pub fn procrustes_circle(a: &[Vec2], b: &[Vec2]) -> Mat2 {
    let (mut xx, mut xy, mut yx, mut yy) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for (a, b) in a
        .iter()
        .zip(b)
        .filter(|(a, b)| a.is_finite() && b.is_finite())
    {
        let (a, b) = (a.as_dvec2(), b.as_dvec2());
        xx += b.x * a.x;
        xy += b.x * a.y;
        yx += b.y * a.x;
        yy += b.y * a.y;
    }
    let (turn_cos, turn_sin) = (xx + yy, yx - xy);
    let (mirror_cos, mirror_sin) = (xx - yy, yx + xy);
    let (turn, mirror) = (turn_cos.hypot(turn_sin), mirror_cos.hypot(mirror_sin));
    if mirror > turn * (1.0 + 1e-9) {
        let (c, s) = ((mirror_cos / mirror) as f32, (mirror_sin / mirror) as f32);
        Mat2::from_cols(Vec2::new(c, s), Vec2::new(s, -c))
    } else if turn > 0.0 {
        let (c, s) = ((turn_cos / turn) as f32, (turn_sin / turn) as f32);
        Mat2::from_cols(Vec2::new(c, s), Vec2::new(-s, c))
    } else {
        Mat2::IDENTITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;
    use glam::Quat;

    fn cloud(n: usize, seed: u64) -> Vec<Vec3> {
        uniform_rows(n, 3, seed)
            .chunks_exact(3)
            .map(Vec3::from_slice)
            .collect()
    }

    /// Distance of two matrices, in the largest entry.
    fn gap(a: Mat3, b: Mat3) -> f32 {
        (a - b)
            .to_cols_array()
            .iter()
            .fold(0.0, |m, v| m.max(v.abs()))
    }

    #[test]
    fn a_turn_or_a_mirror_image_is_found_again() {
        for seed in 0..20 {
            let a = cloud(50, seed);
            let axis = cloud(1, seed + 100)[0];
            let mirror = if seed % 2 == 0 { 1.0 } else { -1.0 };
            let truth = Mat3::from_quat(Quat::from_axis_angle(axis, 0.3 * seed as f32)) * mirror;
            let b: Vec<Vec3> = a.iter().map(|p| truth * *p).collect();
            // The points carry f32 rounding, 6e-8 each.
            assert!(gap(procrustes(&a, &b), truth) < 1e-6);
        }
    }

    #[test]
    fn points_on_one_plane_or_line_still_give_a_rotation() {
        let flat: Vec<Vec3> = cloud(9, 3)
            .iter()
            .map(|p| Vec3::new(p.x, p.y, 0.0))
            .collect();
        let line = [Vec3::X, Vec3::X * 0.5, -Vec3::X];
        for points in [flat.as_slice(), line.as_slice()] {
            assert!(gap(procrustes(points, points), Mat3::IDENTITY) < 1e-6);
            let turned: Vec<Vec3> = points.iter().map(|p| Vec3::new(-p.y, p.x, p.z)).collect();
            let q = procrustes(points, &turned);
            assert!((q.determinant() - 1.0).abs() < 1e-5);
            for (a, b) in points.iter().zip(&turned) {
                assert!((q * *a).distance(*b) < 1e-6);
            }
        }
        assert_eq!(procrustes(&[], &[]), Mat3::IDENTITY);
        assert_eq!(procrustes(&[Vec3::NAN], &[Vec3::X]), Mat3::IDENTITY);
    }

    #[test]
    fn no_small_turn_improves_a_noisy_fit() {
        let (a, b) = (cloud(40, 5), cloud(40, 6));
        let cost = |q: Mat3| -> f64 {
            a.iter()
                .zip(&b)
                .map(|(a, b)| f64::from((q * *a - *b).length_squared()))
                .sum()
        };
        let best = procrustes(&a, &b);
        for (i, axis) in cloud(30, 9).iter().enumerate() {
            let turn = Mat3::from_quat(Quat::from_axis_angle(*axis, 0.02 * (i + 1) as f32));
            // 40 squared distances of at most 4, each rounded at 2e-7.
            assert!(cost(turn * best) > cost(best) - 1e-5);
            assert!(cost(-(turn * best)) > cost(best) - 1e-5);
        }
    }

    #[test]
    fn the_plane_too() {
        let a: Vec<Vec2> = cloud(20, 1).iter().map(|p| p.truncate()).collect();
        for angle_rad in [0.0, 1.0, 3.0] {
            let turn = Mat2::from_angle(angle_rad);
            let mirror = turn * Mat2::from_diagonal(Vec2::new(1.0, -1.0));
            for truth in [turn, mirror] {
                let b: Vec<Vec2> = a.iter().map(|p| truth * *p).collect();
                let found = procrustes_circle(&a, &b);
                // f32 rounding of the points.
                assert!(
                    (found - truth)
                        .to_cols_array()
                        .iter()
                        .all(|v| v.abs() < 1e-6)
                );
            }
        }
        assert_eq!(procrustes_circle(&[], &[]), Mat2::IDENTITY);
    }
}
