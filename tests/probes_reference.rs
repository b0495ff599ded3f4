//! Holds the probes to scikit-learn on the same features and split (`tests/reference/generate_probes.py`).

use serde::Deserialize;
use spherescope::{
    geometry::normalise_rows,
    measure::{FitSettings, HoldOut, Rows, dense_probe, knn, linear_probe, multi_label_probe},
    progress::Progress,
};

#[derive(Deserialize)]
struct Cases {
    single: Vec<Single>,
    several: Several,
}

#[derive(Deserialize)]
struct Single {
    name: String,
    features: Vec<f32>,
    dim: usize,
    labels: Vec<u32>,
    learned: usize,
    c: f64,
    objective: f64,
    linear: f64,
    knn: f64,
    ious: Vec<f64>,
}

#[derive(Deserialize)]
struct Several {
    features: Vec<f32>,
    dim: usize,
    present: Vec<bool>,
    things: usize,
    learned: usize,
    c: f64,
    precisions: Vec<f64>,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("reference/probes.json")).unwrap()
}

fn split(learned: usize, n: usize) -> HoldOut {
    HoldOut {
        train: (0..learned).collect(),
        test: (learned..n).collect(),
    }
}

fn settings(c: f64) -> FitSettings {
    FitSettings {
        c,
        tolerance: 1e-8,
        ..FitSettings::default()
    }
}

#[test]
fn linear_probes_are_scikit_learns() {
    for case in cases().single {
        let rows = Rows::new(&case.features, case.dim).unwrap();
        let split = split(case.learned, rows.len());
        let none = Progress::none();
        let probe = linear_probe(rows, &case.labels, &split, &settings(case.c), &none).unwrap();
        assert!(probe.fit.is_converged, "{}: {:?}", case.name, probe.fit);
        // Both stand at the same minimum; scikit-learn ends at a gradient of 1e-9.
        let off = (probe.fit.objective - case.objective).abs();
        assert!(off < 1e-7, "{}: {off}", case.name);
        // One held-out row at the boundary may fall either way by rounding of f32 features.
        let one = 1.0 / split.test.len() as f64 + 1e-12;
        assert!(
            (probe.accuracy - case.linear).abs() <= one,
            "{}: {} against {}",
            case.name,
            probe.accuracy,
            case.linear
        );
        assert!(probe.accuracy > probe.chance && probe.accuracy < 1.0);
    }
}

#[test]
fn dense_probes_have_scikit_learns_overlap() {
    for case in cases().single {
        let rows = Rows::new(&case.features, case.dim).unwrap();
        let split = split(case.learned, rows.len());
        let labels: Vec<Option<u32>> = case.labels.iter().copied().map(Some).collect();
        let none = Progress::none();
        let classes = case.ious.len();
        let probe = dense_probe(rows, &labels, classes, &split, &settings(case.c), &none).unwrap();
        for (found, expected) in probe.ious.iter().zip(&case.ious) {
            // One location more or less among those of a class, of which there are some 15.
            assert!((found.unwrap() - expected).abs() < 0.05, "{}", case.name);
        }
        assert!((probe.pixel_accuracy - case.linear).abs() < 0.01);
    }
}

#[test]
fn neighbours_vote_as_scikit_learns_do() {
    for mut case in cases().single {
        normalise_rows(&mut case.features, case.dim);
        let rows = Rows::new(&case.features, case.dim).unwrap();
        let split = split(case.learned, rows.len());
        let found = knn(rows, &case.labels, &split, 20, 0.07, &Progress::none()).unwrap();
        let one = 1.0 / split.test.len() as f64 + 1e-12;
        assert!(
            (found.accuracy - case.knn).abs() <= one,
            "{}: {} against {}",
            case.name,
            found.accuracy,
            case.knn
        );
    }
}

#[test]
fn average_precisions_are_scikit_learns() {
    let case = cases().several;
    let rows = Rows::new(&case.features, case.dim).unwrap();
    let split = split(case.learned, rows.len());
    let none = Progress::none();
    let probe = multi_label_probe(rows, &case.present, &split, &settings(case.c), &none).unwrap();
    assert!(probe.fit.is_converged, "{:?}", probe.fit);
    assert_eq!(probe.average_precisions.len(), case.things);
    for (found, expected) in probe.average_precisions.iter().zip(&case.precisions) {
        // Two neighbours in the order may swap by rounding of f32 features.
        assert!(
            (found.unwrap() - expected).abs() < 2e-3,
            "{found:?} {expected}"
        );
    }
    assert!(probe.mean_average_precision > probe.chance + 0.1);
}
