//! Alignment, uniformity, densities and projections against PyTorch, SciPy, NumPy and mpmath:
//! `tests/reference/metrics.json`, written by `tests/reference/generate_metrics.py`, which also
//! states the formulas of the inputs.

use glam::Vec3;
use serde_json::Value;
use spherescope::{
    geometry::{kde, normalise_rows, special, sphere, vmf},
    measure::{self, PairSet, Rows},
    progress::Progress,
    projection::{self, ProjectionKind},
};

const N: usize = 60;
const DIM: usize = 8;

/// Both sides round the same f64 rows to f32; a value on the edge of two f32 may fall on either
/// side when the sines of two libraries differ in their last bit. One such flip, 6e-8 of one number
/// of 480, moves no mean here by more than 1e-8.
const INPUT_ERROR: f64 = 1e-8;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/metrics.json")).expect("the reference is JSON")
}

/// The numbers of a nested array, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// Rows of numbers of an array of arrays.
fn table(value: &Value) -> Vec<Vec<f64>> {
    value
        .as_array()
        .expect("an array")
        .iter()
        .map(numbers)
        .collect()
}

fn views() -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..N {
        for j in 0..DIM {
            let (row, col) = (i as f64, j as f64);
            let bump = if j == i % 3 { 0.8 } else { 0.0 };
            let value = (0.37 * (row + 1.0) * (col + 1.0) + 0.11 * row).sin() + bump;
            x.push(value as f32);
            // The second view starts from the rounded, normalised first.
            y.push((1.7 * row + 2.3 * col).cos());
        }
    }
    normalise_rows(&mut x, DIM);
    let mut second: Vec<f32> = x
        .iter()
        .zip(&y)
        .map(|(x, shift)| (f64::from(*x) + 0.3 * shift) as f32)
        .collect();
    normalise_rows(&mut second, DIM);
    (x, second)
}

fn groups() -> (Vec<u32>, Vec<u32>) {
    let rows = 0..N as u32;
    (
        rows.clone().map(|i| i * i % 4).collect(),
        rows.map(|i| i % 7).collect(),
    )
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found}, reference {expected}, tolerance {tolerance:e}"
    );
}

#[test]
fn inputs_are_the_same() {
    let (x, _) = views();
    for (found, expected) in x.iter().zip(numbers(&reference()["row_0"])) {
        assert_near(f64::from(*found), expected, 6e-8, "input");
    }
}

#[test]
fn losses_match_pytorch() {
    let (x, y) = views();
    let (labels, images) = groups();
    let (x, y) = (Rows::new(&x, DIM).unwrap(), Rows::new(&y, DIM).unwrap());
    let (none, reference) = (Progress::none(), reference());
    for row in table(&reference["alignment"]) {
        let value = measure::alignment(x, y, row[0]).unwrap();
        assert_near(value, row[1], INPUT_ERROR, "alignment");
    }
    for row in table(&reference["same_class"]) {
        let value = measure::alignment_same_class(x, &labels, row[0], &none).unwrap();
        // Squares of f32 products carry 3e-7; α = ½ amplifies that of the closest pair, at 0.1,
        // thirtyfold, for one pair of hundreds.
        assert_near(value, row[1], 1e-6, "same-class alignment");
    }
    for row in table(&reference["uniformity"]) {
        let t = row[0];
        let sets = [
            PairSet::All,
            PairSet::BetweenImages(&images),
            PairSet::WithinImage(&images),
        ];
        for (set, expected) in sets.into_iter().zip(&row[1..]) {
            let value = measure::uniformity(x, t, set, &none).unwrap().value;
            // The stated accuracy: 1e-6 at t = 2, in proportion to t.
            assert_near(value, *expected, 1e-6 * (1.0 + 0.5 * t), set.name());
        }
    }
    assert_near(
        measure::std_sqrt_d(x).unwrap(),
        numbers(&reference["std_sqrt_d"])[0],
        INPUT_ERROR,
        "std·√d",
    );
    assert_near(
        measure::mean_norm(x).unwrap(),
        numbers(&reference["mean_norm"])[0],
        INPUT_ERROR,
        "‖mean‖",
    );
}

#[test]
fn densities_of_rows_and_distances_match_pytorch() {
    let (x, _) = views();
    let x = Rows::new(&x, DIM).unwrap();
    let (none, reference) = (Progress::none(), reference());
    let densities = measure::local_density(x, 2.0, &none).unwrap();
    for (found, expected) in densities.iter().zip(numbers(&reference["density"])) {
        // As uniformity at t = 2, and an f32 of size 3.
        assert_near(f64::from(*found), expected, 2e-6, "local density");
    }
    let counts = measure::pair_distance_histogram(x, PairSet::All, 10, &none)
        .unwrap()
        .counts;
    let expected: Vec<u64> = numbers(&reference["histogram"])
        .iter()
        .map(|count| *count as u64)
        .collect();
    assert_eq!(counts, expected);
}

#[test]
fn the_floor_and_bessel_functions_match_mpmath() {
    let reference = reference();
    for row in table(&reference["floor"]) {
        let (dim, t) = (row[0] as usize, row[1]);
        // 1e-14 a term of the series, and the cancellation of −2t against log ₀F₁.
        assert_near(
            measure::uniformity_floor(dim, t),
            row[2],
            1e-13 * (1.0 + t),
            "floor",
        );
    }
    for row in table(&reference["log_bessel_i"]) {
        let found = special::log_bessel_i(row[0] as u32, row[1]);
        assert_near(found, row[2], 1e-13 * (1.0 + row[1]), "log I");
    }
}

#[test]
fn kernel_densities_match_scipy() {
    let (x, _) = views();
    let reference = reference();
    let rows = || x.chunks_exact(DIM);
    let angles: Vec<f32> = rows().map(|row| row[1].atan2(row[0])).collect();
    for row in table(&reference["circle"]) {
        // Angles are f32: 2e-7 rad, and the density's slope is at most a few units.
        assert_near(
            vmf::circle_density(row[0], &angles, 12.5),
            row[1],
            1e-6,
            "circle",
        );
    }
    let points: Vec<[f32; 3]> = rows()
        .map(|row| Vec3::from_slice(row).normalize().to_array())
        .collect();
    for (point, expected) in points.iter().zip(numbers(&reference["sphere"])) {
        let found = vmf::sphere_kde(Vec3::from_array(*point), &points, 20.0);
        // f32 exponents of size 20·2, rounded at 6e-8 of it.
        assert_near(f64::from(found), expected, 3e-6 * expected, "sphere");
    }
    let plane: Vec<[f32; 2]> = rows().map(|row| [row[0], row[1]]).collect();
    let grid = kde::gaussian_grid_2d(&plane, 0.15, 20, 1.0);
    for (cell, expected) in numbers(&reference["plane"]).iter().enumerate() {
        // Kernels are cut at 5σ: 4e-6 of their peak of 7; f32 sums.
        assert_near(
            f64::from(grid[7 * 20 + 5 + cell]),
            *expected,
            5e-6 * 7.0,
            "plane",
        );
    }
}

#[test]
fn projections_match_numpy() {
    let (x, y) = views();
    let (x, y) = (Rows::new(&x, DIM).unwrap(), Rows::new(&y, DIM).unwrap());
    let reference = reference();
    let (to_sphere, to_circle) = projection::to_sphere_and_circle(x, &Progress::none()).unwrap();
    assert_eq!(to_sphere.kind, ProjectionKind::PcaUncentred);
    // f64 eigenvectors (gaps of about 0.1 between the eigenvalues), rounded to f32 at the end.
    let tolerance = 5e-7;
    let compare = |found: &[f32], expected: &Value, what: &str| {
        let expected = numbers(expected);
        assert_eq!(found.len(), expected.len(), "{what}");
        for (found, expected) in found.iter().zip(expected) {
            assert_near(f64::from(*found), expected, tolerance, what);
        }
    };
    compare(&to_sphere.basis, &reference["axes"], "axes");
    compare(&to_sphere.energy, &reference["energy"], "energy");
    compare(
        to_sphere.coords.as_flattened(),
        &reference["places"],
        "places",
    );
    compare(&to_sphere.kept_norm, &reference["kept_norm"], "kept norm");
    compare(
        &[to_circle.mean_kept_norm],
        &reference["circle_mean_kept_norm"],
        "mean kept norm on the circle",
    );
    let placed = to_sphere.place(y).unwrap();
    compare(
        placed.coords.as_flattened(),
        &reference["placed"],
        "places of the second view",
    );
}

#[test]
fn procrustes_matches_scipy() {
    let (x, y) = views();
    let head =
        |values: &[f32]| -> Vec<Vec3> { values.chunks_exact(DIM).map(Vec3::from_slice).collect() };
    let turn = sphere::procrustes(&head(&x), &head(&y)).transpose();
    // Columns of the transposed matrix are rows of Q. Sums of f32 products in f64, result in f32.
    for (found, expected) in turn
        .to_cols_array()
        .iter()
        .zip(numbers(&reference()["procrustes"]))
    {
        assert_near(f64::from(*found), expected, 3e-7, "procrustes");
    }
}
