//! Tests of the principal axes.

use super::*;
use crate::geometry::{normalise_rows, sphere::uniform_rows};

fn axes(values: &[f32], dim: usize, count: usize) -> PrincipalAxes {
    principal_axes(Rows::new(values, dim).unwrap(), count, &Progress::none()).unwrap()
}

/// Unit rows stretched along coordinate axes: axis i by 1/(1 + i).
fn stretched(n: usize, dim: usize) -> Vec<f32> {
    let mut values = uniform_rows(n, dim, 3);
    for row in values.chunks_exact_mut(dim) {
        for (i, value) in row.iter_mut().enumerate() {
            *value /= (1 + i) as f32;
        }
    }
    normalise_rows(&mut values, dim);
    values
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_mean_is_not_taken_off() {
    // Rows around one direction: the first axis is that direction, with nearly all the energy.
    let mut values = uniform_rows(500, 10, 1);
    for row in values.chunks_exact_mut(10) {
        row[4] -= 5.0;
    }
    normalise_rows(&mut values, 10);
    let axes = axes(&values, 10, 3);
    // The tilt of each row is 0.2 at most, of their mean some 0.2/√(500·10).
    assert!(axes.axis(0)[4] > 0.999);
    assert!(axes.energy[0] > 0.95 && axes.energy[1] < 0.05);
}

#[test]
fn axes_are_eigenvectors_whatever_the_path() {
    // 40 takes the direct path, 600 the block iteration (400 rows leave it rank-deficient).
    for (n, dim) in [(1000, 40), (1000, 600), (400, 600), (2, 600)] {
        let values = stretched(n, dim);
        let x = Rows::new(&values, dim).unwrap();
        let axes = principal_axes(x, 3, &Progress::none()).unwrap();
        assert!(axes.energy.windows(2).all(|pair| pair[0] >= pair[1]));
        for k in 0..3 {
            // A v = λ v with A = mean x xᵀ, whose trace is 1.
            let mut image = vec![0.0_f64; dim];
            for i in 0..n {
                let row: Vec<f64> = x.row(i).iter().map(|v| f64::from(*v)).collect();
                let along = dot(&row, axes.axis(k)) / n as f64;
                for (sum, value) in image.iter_mut().zip(row) {
                    *sum += along * value;
                }
            }
            let lambda = dot(&image, axes.axis(k));
            let residual: Vec<f64> = image
                .iter()
                .zip(axes.axis(k))
                .map(|(a, v)| a - lambda * v)
                .collect();
            // TOLERANCE of λ₁ ≤ 1, and rounding of the sums here.
            assert!(
                dot(&residual, &residual).sqrt() < 2e-9,
                "{n} {dim} axis {k}"
            );
            // Unit rows are so within 1e-7, and the trace with them.
            assert!((axes.energy[k] - lambda).abs() < 1e-6);
            for j in 0..=k {
                let expected = f64::from(u8::from(j == k));
                assert!((dot(axes.axis(j), axes.axis(k)) - expected).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn the_block_iteration_agrees_with_the_direct_one() {
    let values = stretched(900, 600);
    let x = Rows::new(&values, 600).unwrap();
    let moment = second_moment(x, &Progress::none()).unwrap();
    let Eigenpairs { values, vectors } = leading(moment.as_ref(), 3).unwrap();
    let found = principal_axes(x, 3, &Progress::none()).unwrap();
    for k in 0..3 {
        let column: Vec<f64> = (0..600).map(|i| vectors[(i, k)]).collect();
        // Residual 1e-9 over gaps of about 0.1 between the eigenvalues.
        assert!((dot(&column, found.axis(k)).abs() - 1.0).abs() < 1e-12);
        assert!((values[k] - found.energy[k]).abs() < 1e-6);
    }
}

#[test]
fn signs_do_not_depend_on_the_rows_signs() {
    let values = stretched(300, 12);
    let flipped: Vec<f32> = values.iter().map(|v| -v).collect();
    assert_eq!(axes(&values, 12, 3), axes(&flipped, 12, 3));
    for k in 0..3 {
        let axis = axes(&values, 12, 3);
        let largest = axis
            .axis(k)
            .iter()
            .fold(0.0_f64, |m, v| if v.abs() > m.abs() { *v } else { m });
        assert!(largest > 0.0);
    }
}

#[test]
fn degenerate_rows_still_give_orthonormal_axes() {
    // One direction only, in few and in many dimensions; dead features; one row.
    for dim in [4, 700] {
        let row = uniform_rows(1, dim, 2);
        for values in [row.repeat(20), vec![0.0; 3 * dim], row.clone()] {
            let axes = axes(&values, dim, 3);
            for k in 0..3 {
                for j in 0..=k {
                    let expected = f64::from(u8::from(j == k));
                    assert!((dot(axes.axis(j), axes.axis(k)) - expected).abs() < 1e-9);
                }
            }
            assert!(axes.energy[1] < 1e-12);
        }
    }
    assert_eq!(axes(&[1.0, -1.0], 1, 3).vectors, [1.0]);
    assert_eq!(axes(&stretched(30, 600), 600, 20).energy.len(), 20);
}

#[test]
fn wrong_rows_are_refused_and_work_stops() {
    let none = Progress::none();
    let empty = principal_axes(Rows::new(&[], 3).unwrap(), 3, &none);
    assert!(matches!(empty, Err(ProjectionError::Rows(_))));
    let values = uniform_rows(10, 4, 1);
    none.cancel();
    let stopped = principal_axes(Rows::new(&values, 4).unwrap(), 3, &none);
    assert!(matches!(stopped, Err(ProjectionError::Cancelled(_))));
}
