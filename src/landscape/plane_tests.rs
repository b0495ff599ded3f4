use super::*;
use crate::models::{Architecture, SeededInit, WeightRole};

fn weights(seed: u64) -> ModelWeights {
    let tiny = Architecture::TinyConvNet { width: 2 };
    ModelWeights::new(tiny, None, None, &mut SeededInit::new(seed)).unwrap()
}

/// Weights `share` of the way from one to another.
fn between(a: &ModelWeights, b: &ModelWeights, share: f32) -> ModelWeights {
    let values = a.tensors().iter().zip(b.tensors()).map(|(a, b)| {
        let pairs = a.values.iter().zip(&b.values);
        pairs.map(|(a, b)| a + share * (b - a)).collect()
    });
    a.with_values(values.collect()).unwrap()
}

fn run(of: &[(usize, ModelWeights)]) -> Vec<SnapshotWeights> {
    of.iter()
        .map(|(step, weights)| SnapshotWeights {
            step: *step,
            weights: weights.clone(),
        })
        .collect()
}

/// Largest difference of trained values.
fn apart(a: &ModelWeights, b: &ModelWeights) -> f64 {
    difference(a, b)
        .into_iter()
        .map(f64::abs)
        .fold(0.0, f64::max)
}

#[test]
fn every_filter_of_a_random_direction_has_the_norm_of_the_weights() {
    let weights = weights(3);
    let plane = Plane::random(weights.clone(), 11);
    for axis in plane.axes() {
        for (d, tensor) in axis.iter().zip(weights.tensors()) {
            if tensor.role != WeightRole::Filters {
                assert!(d.is_empty(), "{} stays", tensor.name);
                continue;
            }
            let per_filter = tensor.values.len() / tensor.shape[0];
            for (d, own) in d.chunks(per_filter).zip(tensor.values.chunks(per_filter)) {
                let norm = |v: &[f32]| v.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
                // f32 rounding of each value.
                assert!((norm(d) / norm(own) - 1.0).abs() < 1e-6);
            }
        }
    }
    let again = Plane::random(weights.clone(), 11);
    assert_eq!(plane.axes(), again.axes());
    assert_ne!(plane.axes(), Plane::random(weights, 12).axes());
    assert_ne!(plane.axes()[0], plane.axes()[1]);
}

#[test]
fn the_origin_is_the_weights_bit_for_bit() {
    let weights = weights(3);
    let plane = Plane::random(weights.clone(), 0);
    assert_eq!(plane.at([0.0, 0.0]).unwrap().tensors(), weights.tensors());
    let moved = plane.at([0.5, 0.0]).unwrap();
    assert!(apart(&moved, &weights) > 0.0);
    let statistics = |weights: &ModelWeights| -> Vec<Vec<f32>> {
        let held = weights
            .tensors()
            .iter()
            .filter(|t| t.role != WeightRole::Filters);
        held.map(|t| t.values.clone()).collect()
    };
    assert_eq!(statistics(&moved), statistics(&weights));
}

#[test]
fn the_plane_of_a_flat_run_holds_all_its_snapshots() {
    // Snapshots on a plane by construction: a, towards b, and towards c.
    let [a, b, c] = [1, 2, 3].map(weights);
    let snapshots = run(&[
        (0, a.clone()),
        (10, between(&a, &b, 0.5)),
        (20, between(&a, &c, 0.7)),
        (30, between(&between(&a, &b, 0.5), &c, 0.2)),
    ]);
    let plane = Plane::new(a, Directions::Trajectory, &snapshots).unwrap();
    assert!(plane.words.contains("100.0 %"), "{}", plane.words);
    assert_eq!(plane.marks[3].at, [0.0; 2], "the newest is the origin");
    assert!(plane.marks[0].at[0] > 0.0);
    for (mark, snapshot) in plane.marks.iter().zip(&snapshots) {
        // f32 weights of size one.
        assert!(mark.off_plane < 1e-5, "{mark:?}");
        assert!(apart(&plane.at(mark.at).unwrap(), &snapshot.weights) < 1e-5);
        assert!(mark.at.iter().all(|x| x.abs() < plane.half_width));
        // What comes later is put on it by the same rule.
        let again = plane.mark(snapshot).unwrap();
        assert!(
            [0, 1]
                .iter()
                .all(|i| (again.at[*i] - mark.at[*i]).abs() < 1e-5)
        );
        assert!(again.off_plane < 1e-3, "{again:?}");
    }
}

#[test]
fn a_plane_through_three_snapshots_goes_through_them() {
    let [a, b, c] = [1, 2, 3].map(weights);
    let snapshots = run(&[
        (0, a.clone()),
        (5, b.clone()),
        (9, c.clone()),
        (12, weights(4)),
    ]);
    let plane = Plane::new(a.clone(), Directions::Snapshots([0, 5, 9]), &snapshots).unwrap();
    assert_eq!(plane.marks[0].at, [0.0; 2]);
    assert!((plane.marks[1].at[0] - 1.0).abs() < 1e-9 && plane.marks[1].at[1].abs() < 1e-9);
    for (mark, weights) in plane.marks.iter().zip([&a, &b, &c]) {
        assert!(
            apart(&plane.at(mark.at).unwrap(), weights) < 1e-5,
            "{mark:?}"
        );
    }
    // The fourth is elsewhere, and said to be.
    assert!(plane.marks[3].off_plane > 0.1);
    for (mark, snapshot) in plane.marks.iter().zip(&snapshots) {
        let again = plane.mark(snapshot).unwrap();
        assert!(
            [0, 1]
                .iter()
                .all(|i| (again.at[*i] - mark.at[*i]).abs() < 1e-5)
        );
        assert!((again.off_plane - mark.off_plane).abs() < 1e-3, "{again:?}");
    }
}

#[test]
fn a_line_goes_through_its_ends() {
    let [a, b] = [1, 2].map(weights);
    let snapshots = run(&[(0, a.clone()), (5, b.clone())]);
    let plane = Plane::new(a.clone(), Directions::Line([0, 5]), &snapshots).unwrap();
    assert!(apart(&plane.at([1.0, 0.0]).unwrap(), &b) < 1e-6);
    assert!(apart(&plane.at([0.5, 0.0]).unwrap(), &between(&a, &b, 0.5)) < 1e-6);
}

#[test]
fn what_spans_no_plane_is_refused_in_words() {
    let [a, b] = [1, 2].map(weights);
    let half = between(&a, &b, 0.5);
    let line = run(&[(0, a.clone()), (1, half), (2, b.clone())]);
    let refused = |directions, snapshots: &[SnapshotWeights]| {
        Plane::new(a.clone(), directions, snapshots)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(Directions::Trajectory, &line).contains("one line"));
    assert!(refused(Directions::Snapshots([0, 1, 2]), &line).contains("one line"));
    assert!(refused(Directions::Snapshots([0, 1, 7]), &line).contains("no snapshot of step 7"));
    assert!(refused(Directions::Trajectory, &line[..2]).contains("at least 3"));
    assert!(refused(Directions::Line([0, 0]), &line).contains("equal"));
    let other = Architecture::TinyConvNet { width: 3 };
    let other = ModelWeights::new(other, None, None, &mut SeededInit::new(1)).unwrap();
    let mixed = run(&[(0, a.clone()), (1, other), (2, b.clone())]);
    assert!(refused(Directions::Trajectory, &mixed).contains("different networks"));
    assert!(Plane::with_axes(a.clone(), [Vec::new(), Vec::new()], "").is_err());
}
