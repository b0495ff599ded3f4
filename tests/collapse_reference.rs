//! Collapse figures against NumPy and SciPy: `tests/reference/collapse.json`, written by
//! `tests/reference/generate_collapse.py`, which also states the formulas of the inputs; and the
//! published check values of uniform rows, subspheres and cones.

use serde_json::Value;
use spherescope::{
    geometry::{normalise_rows, sphere::uniform_rows},
    measure::{
        self, Rows,
        collapse::{
            DiagnosisSettings, Spectrum, UniformLaw, cosine_density, cosine_histogram, diagnose,
            prototypes, spatial, tolerance,
        },
    },
    progress::Progress,
};

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/collapse.json")).expect("the reference is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("an array");
    list.iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn rows(n: usize, dim: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(n * dim);
    for i in 0..n {
        for j in 0..dim {
            let (row, col) = (i as f64, j as f64);
            let bump = if j == 0 { 0.5 } else { 0.0 };
            let wave = (0.37 * (row + 1.0) * (col + 1.0) + 0.11 * row).sin();
            values.push((wave / (1.0 + 0.15 * col) + bump) as f32);
        }
    }
    normalise_rows(&mut values, dim);
    values
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found}, reference {expected}, tolerance {tolerance:e}"
    );
}

#[test]
fn figures_match_numpy() {
    for set in reference()["sets"].as_array().expect("a list") {
        let n = set["n"].as_u64().unwrap() as usize;
        let dim = set["dim"].as_u64().unwrap() as usize;
        let values = rows(n, dim);
        for (found, expected) in values.iter().zip(numbers(&set["row_0"])) {
            assert_near(f64::from(*found), expected, 6e-8, "input");
        }
        let x = Rows::new(&values, dim).unwrap();
        let spectrum = Spectrum::new(x, &Progress::none()).unwrap();
        let of = |name: &str| set[name].as_f64().unwrap_or_else(|| panic!("{name}"));
        // Sums in f64 of the same f32 rows, one of which may differ in its last bit: 6e-8 of one of
        // hundreds of numbers.
        let near = |found: f64, name: &str| {
            let expected = of(name);
            assert_near(found, expected, 2e-8 * (1.0 + expected.abs()), name);
        };
        for (found, expected) in spectrum.covariance.iter().zip(numbers(&set["covariance"])) {
            assert_near(*found, expected, 1e-8, "eigenvalue");
        }
        assert_eq!(spectrum.covariance.len(), n.min(dim));
        for (found, expected) in spectrum.moment.iter().zip(numbers(&set["singular"])) {
            assert_near(*found, expected * expected / n as f64, 1e-8, "moment");
        }
        near(spectrum.mean_norm, "mean_norm");
        near(spectrum.mean_cosine(), "mean_cosine");
        near(spectrum.mean_square_cosine(), "mean_square_cosine");
        near(spectrum.rayleigh(), "rayleigh");
        near(spectrum.bingham(), "bingham");
        near(spectrum.bingham_effect(), "bingham_effect");
        near(spectrum.participation_ratio(), "participation_ratio");
        near(spectrum.isoscore(), "isoscore");
        // Square roots of eigenvalues at the rounding of f64 sums, √1e-16 each.
        assert_near(spectrum.rankme(), of("rankme"), 1e-5, "rankme");
        assert_near(spectrum.w2(), of("w2"), 1e-6, "w2");
        match set["alpha"].as_f64() {
            // Logarithms of the smallest eigenvalues in the fit.
            Some(alpha) => assert_near(spectrum.alpha_req().unwrap().0, alpha, 1e-5, "alpha"),
            None => assert!(spectrum.alpha_req().is_none()),
        }
        let labels: Vec<u32> = (0..n as u32).map(|i| i * i % 3).collect();
        let images: Vec<u32> = (0..n as u32).map(|i| i / 4).collect();
        near(tolerance(x, &labels).unwrap().unwrap(), "tolerance");
        let found = spatial(x, &images, 2.0, &Progress::none())
            .unwrap()
            .unwrap();
        near(found.within_cosine, "within_cosine");
        near(found.between_cosine, "between_cosine");
        // The stated accuracy of uniformity.
        assert_near(
            found.within_uniformity,
            of("within_uniformity"),
            1e-6,
            "within",
        );
        let counted = cosine_histogram(x, 0, &Progress::none()).unwrap();
        let expected = numbers(&set["cosine_counts"]);
        // f32 squares: a cosine within 1e-6 of an edge may fall beside it.
        let moved: f64 = counted
            .histogram
            .counts
            .iter()
            .zip(&expected)
            .map(|(a, b)| (*a as f64 - b).abs())
            .sum();
        assert!(moved <= 4.0, "{moved} pairs in other bins");
        assert_eq!(counted.histogram.total() as usize, n * (n - 1) / 2);
    }
}

#[test]
fn the_uniform_law_matches_scipy() {
    for row in reference()["density"].as_array().unwrap() {
        let row = numbers(row);
        let found = cosine_density(row[0] as usize, row[1]);
        // A product of d factors, and log-gammas of size d on the other side.
        assert_near(found, row[2], 1e-11 * (1.0 + row[2]), "density");
    }
    let table: Vec<Vec<f64>> = reference()["marchenko_pastur"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    for group in table.chunks(4) {
        let law = UniformLaw {
            samples: group[0][0] as usize + 1,
            dim: group[0][1] as usize,
        };
        let found = law.eigenvalues();
        let at = |row: &[f64]| found[row[2] as usize - 1];
        for row in &group[1..] {
            // Linear steps of a quadrature with 4096 pieces; the smallest quantile of a square set
            // is near 0, where a step is a larger part of it.
            let tolerance = 2e-3 * row[3] / group[0][3];
            assert_near(
                at(row) / at(&group[0]),
                row[3] / group[0][3],
                tolerance,
                "quantile",
            );
        }
        let total: f64 = found.iter().sum();
        assert_near(total, 1.0 - 1.0 / law.samples as f64, 1e-12, "trace");
    }
    // Outside: nothing; one dimension: no density.
    assert_eq!(cosine_density(5, 1.5), 0.0);
    assert!(cosine_density(1, 0.0).is_nan());
    assert_eq!(cosine_density(3, -1.0), 0.5);
    assert!(UniformLaw { samples: 1, dim: 4 }.eigenvalues().is_empty());
}

/// Rows of `k` uniform dimensions among 128, and one more that they all share.
fn known(k: usize, mean_square: f64) -> Spectrum {
    let (n, dim) = (4000, 128);
    let inner = uniform_rows(n, k, 11);
    let mut values = vec![0.0_f32; n * dim];
    for (row, part) in values.chunks_exact_mut(dim).zip(inner.chunks_exact(k)) {
        for (value, part) in row.iter_mut().zip(part) {
            *value = (1.0 - mean_square).sqrt() as f32 * part;
        }
        row[dim - 1] += mean_square.sqrt() as f32;
    }
    normalise_rows(&mut values, dim);
    Spectrum::new(Rows::new(&values, dim).unwrap(), &Progress::none()).unwrap()
}

/// N = 4000, d = 128: W2, RankMe and participation ratio of the design's table, at its digits and
/// the differences between two samples of 4000.
#[test]
fn check_values_are_reproduced() {
    for (k, w2, rankme, ratio) in [
        (128, 0.091, 127.5, 124.0),
        (64, 0.767, 63.9, 63.0),
        (16, 1.137, 16.0, 16.0),
    ] {
        let spectrum = known(k, 0.0);
        assert_near(spectrum.w2(), w2, 2e-3, "W2");
        assert_near(spectrum.rankme(), rankme, 0.06, "RankMe");
        assert_near(spectrum.participation_ratio(), ratio, 0.2, "PR");
    }
    // The cone's even part has 127 dimensions and the shared one: W2 .770, PR 123.8 with 128.
    let spectrum = known(127, 0.5);
    assert_near(spectrum.mean_norm.powi(2), 0.5, 2e-3, "‖mean‖²");
    assert_near(spectrum.w2(), 0.770, 5e-3, "W2");
    assert_near(spectrum.participation_ratio(), 123.0, 1.0, "PR");
    assert_near(spectrum.rankme(), 112.9, 1.0, "RankMe");
    // What the law expects at that size.
    let law = UniformLaw {
        samples: 4000,
        dim: 128,
    };
    assert_near(law.w2(), 0.091, 1e-3, "expected W2");
    assert_near(law.rankme(), 127.5, 0.05, "expected RankMe");
    assert_near(law.participation_ratio(), 124.0, 0.05, "expected PR");
}

#[test]
fn both_gram_matrices_give_one_spectrum() {
    // 60 rows of 60 dimensions go one way; with a column of zeros more, the other.
    let square = rows(60, 60);
    let mut wide = Vec::new();
    for row in square.chunks_exact(60) {
        wide.extend_from_slice(row);
        wide.push(0.0);
    }
    let [a, b] = [(&square, 60), (&wide, 61)].map(|(values, dim)| {
        Spectrum::new(Rows::new(values, dim).unwrap(), &Progress::none()).unwrap()
    });
    for (a, b) in [(&a.covariance, &b.covariance), (&a.moment, &b.moment)] {
        for (a, b) in a.iter().zip(b) {
            assert_near(*a, *b, 1e-14, "eigenvalue");
        }
    }
}

#[test]
fn identities_hold() {
    let values = rows(90, 24);
    let x = Rows::new(&values, 24).unwrap();
    let spectrum = Spectrum::new(x, &Progress::none()).unwrap();
    let ratio = spectrum.participation_ratio();
    assert_near(spectrum.isoscore(), (ratio - 1.0) / 23.0, 1e-12, "IsoScore");
    // f32 rows are unit within 6e-8.
    assert_near(
        spectrum.variance(),
        1.0 - spectrum.mean_norm.powi(2),
        2e-7,
        "trace",
    );
    let labels: Vec<u32> = (0..90).map(|i| i % 7).collect();
    let alignment = measure::alignment_same_class(x, &labels, 2.0, &Progress::none()).unwrap();
    let found = tolerance(x, &labels).unwrap().unwrap();
    assert_near(found, 1.0 - 0.5 * alignment, 2e-7, "tolerance");
}

/// Four points of the circle, 25 rows each: adjacent ones √2 apart, opposite ones 2.
#[test]
fn prototypes_by_hand() {
    let corners = [[1.0_f32, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    let values: Vec<f32> = corners.repeat(25).concat();
    let x = Rows::new(&values, 2).unwrap();
    let found = prototypes(x, 2.0, 0, &Progress::none()).unwrap().unwrap();
    assert_eq!((found.separated, found.are_separated), (4, true));
    assert_eq!((found.rows, found.of), (100, 100));
    // Coordinates are 0 and ±1, and so are the means.
    assert_eq!(
        (found.within_share, found.within_distance),
        (0.0, Some(0.0))
    );
    assert_eq!(
        (found.within_uniformity, found.within_rank),
        (Some(0.0), 0.0)
    );
    let expected = ((4.0 * (-4.0_f64).exp() + 2.0 * (-8.0_f64).exp()) / 6.0).ln();
    // The stated accuracy of uniformity.
    assert_near(found.between_uniformity.unwrap(), expected, 1e-6, "between");
    // Even rows have no prototypes that lie apart; of too few nothing is said.
    let even = uniform_rows(300, 8, 5);
    let found = prototypes(Rows::new(&even, 8).unwrap(), 2.0, 0, &Progress::none());
    let found = found.unwrap().unwrap();
    assert_eq!((found.separated, found.are_separated), (1, false));
    assert!(found.within_share > 0.3 && found.within_share < 1.0);
    let few = Rows::new(&even[..88], 8).unwrap();
    assert_eq!(prototypes(few, 2.0, 0, &Progress::none()), Ok(None));
}

#[test]
fn odd_inputs_are_answered() {
    let settings = DiagnosisSettings {
        images: None,
        labels: None,
        t: 2.0,
        seed: 0,
    };
    let diagnosed = |values: &[f32], dim: usize| {
        diagnose(Rows::new(values, dim).unwrap(), settings, &Progress::none())
    };
    // One row, two rows, one dimension: no verdict, and a reason.
    for (values, dim) in [
        (vec![0.6, 0.8], 2),
        (vec![0.6, 0.8, -0.6, 0.8], 2),
        ([1.0, -1.0].repeat(20), 1),
    ] {
        let found = diagnosed(&values, dim).unwrap();
        assert!(found.verdict.undecided.is_some(), "{:?}", found.verdict);
        assert!(!found.verdict.is_healthy());
        assert!(serde_json::to_string(&found).unwrap().contains("verdict"));
    }
    // Coinciding rows: complete, and every figure a number or a reason.
    let found = diagnosed(&[0.6_f32, 0.8].repeat(50), 2).unwrap();
    assert_eq!(found.verdict.title(), "complete");
    assert!(
        found
            .figures
            .iter()
            .all(|figure| figure.value.is_some_and(f64::is_finite) || !figure.note.is_empty())
    );
    // Zeros have no direction.
    let found = diagnosed(&[0.0; 60], 3).unwrap();
    assert_eq!(found.verdict.title(), "complete");
    let mut values = uniform_rows(100, 3, 1);
    values[..30].fill(0.0);
    let found = diagnosed(&values, 3).unwrap();
    assert_eq!((found.zero_rows, found.verdict.is_healthy()), (10, false));
    assert_eq!(found.verdict.title(), "healthy but for 10 zero vectors");
    values[..180].fill(0.0);
    let mostly = diagnosed(&values, 3).unwrap();
    assert_eq!(mostly.verdict.title(), "complete");
    let share = &mostly.verdict.evidence[0];
    assert!(share.is_met && (share.value - 0.6).abs() < 1e-12);
    assert!(
        found
            .verdict
            .warnings
            .iter()
            .any(|w| w.contains("10 of 100"))
    );
    // Fewer rows than dimensions.
    let found = diagnosed(&uniform_rows(40, 64, 1), 64).unwrap();
    assert!(
        found
            .verdict
            .warnings
            .iter()
            .any(|w| w.contains("at most 39"))
    );
    // Refused in words.
    assert!(diagnosed(&[f32::NAN, 1.0], 2).is_err());
    assert!(diagnosed(&[3.0, 4.0], 2).is_err());
    let values = uniform_rows(20, 4, 1);
    let x = Rows::new(&values, 4).unwrap();
    let wrong = DiagnosisSettings {
        labels: Some(&[1, 2]),
        ..settings
    };
    assert!(diagnose(x, wrong, &Progress::none()).is_err());
    let progress = Progress::none();
    progress.cancel();
    assert!(diagnose(x, settings, &progress).is_err());
}

/// Equal prototypes of which each is a small share of the rows.
#[test]
fn many_small_prototypes_are_coagulated() {
    for (count, each) in [(150, 13), (200, 10)] {
        let dim = 64;
        let centres = uniform_rows(count, dim, 5);
        let noise = uniform_rows(count * each, dim, 6);
        let mut values: Vec<f32> = noise
            .iter()
            .enumerate()
            .map(|(at, noise)| centres[at % (count * dim)] + 0.1 * noise)
            .collect();
        normalise_rows(&mut values, dim);
        let settings = DiagnosisSettings {
            images: None,
            labels: None,
            t: 2.0,
            seed: 0,
        };
        let rows = Rows::new(&values, dim).unwrap();
        let found = diagnose(rows, settings, &Progress::none()).unwrap();
        let expected = format!("coagulation on {count}");
        assert_eq!(found.verdict.title(), expected);
    }
}
