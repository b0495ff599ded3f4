//! Axes of the set and of a foreground, held to rows whose spread is known.

use super::*;
use crate::geometry::{normalise_rows, sphere::uniform_rows};

fn fitted(unit: &[f32], dim: usize, is_centred: bool) -> Basis {
    let none = Progress::none();
    Basis::fit_rows(unit, dim, is_centred, "rows".to_owned(), &none).unwrap()
}

/// Rows along known axes: variance falls from the third coordinate to the first.
fn stretched(n: usize) -> Vec<f32> {
    let mut rows = uniform_rows(n, 5, 2);
    for row in rows.chunks_exact_mut(5) {
        for (value, scale) in row.iter_mut().zip([0.2, 0.5, 3.0, 0.05, 1.2]) {
            *value *= scale;
        }
    }
    normalise_rows(&mut rows, 5);
    rows
}

#[test]
fn axes_are_the_directions_of_greatest_spread_with_fixed_signs() {
    let rows = stretched(4000);
    for is_centred in [false, true] {
        let basis = fitted(&rows, 5, is_centred);
        assert_eq!(basis.count(), AXES);
        for (axis, coordinate) in [2, 4, 1].into_iter().enumerate() {
            // Symmetric rows: correlations of 4000 rows turn an axis by some 2 %.
            assert!(basis.axis(axis)[coordinate] > 0.99, "{:?}", basis.axes);
        }
        assert!(basis.energy.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn scores_are_projections_about_the_mean() {
    let mut rows = stretched(500);
    for row in rows.chunks_exact_mut(5) {
        row[3] += 2.0;
    }
    normalise_rows(&mut rows, 5);
    let basis = fitted(&rows, 5, true);
    let scores = basis.scores(&rows).unwrap();
    let mean: Vec<f64> = (0..5)
        .map(|j| {
            let column = rows.iter().skip(j).step_by(5);
            column.map(|v| f64::from(*v)).sum::<f64>() / 500.0
        })
        .collect();
    for (row, score) in rows.chunks_exact(5).zip(&scores).step_by(17) {
        for (axis, found) in score.iter().enumerate() {
            let expected: f64 = (0..5)
                .map(|j| basis.axis(axis)[j] * (f64::from(row[j]) - mean[j]))
                .sum();
            // The score is an f32 of size at most 2.
            assert!((expected - f64::from(*found)).abs() < 3e-7);
        }
    }
    for axis in 0..AXES {
        let sum: f64 = scores.iter().map(|score| f64::from(score[axis])).sum();
        assert!((sum / 500.0).abs() < 1e-6, "scores are about their mean");
    }
    // Uncentred, the offset itself is the first axis.
    assert!(fitted(&rows, 5, false).axis(0)[3] > 0.9);
}

#[test]
fn a_basis_survives_a_file_and_refuses_other_dimensions() {
    let basis = fitted(&stretched(50), 5, true);
    let read = Basis::from_json(&basis.to_json()).unwrap();
    // Numbers are read back to a unit in the last place.
    for (a, b) in read.axes.iter().zip(&basis.axes) {
        assert!((a - b).abs() <= f64::EPSILON);
    }
    assert_eq!(
        (read.ends, read.fitted_to),
        (basis.ends.clone(), "rows".to_owned())
    );
    assert!(matches!(
        basis.scores(&[0.0; 7]),
        Err(DenseError::BasisDimension { .. })
    ));
    for text in [
        "",
        "{}",
        "[1]",
        &basis.to_json().replace("\"dim\":5", "\"dim\":4"),
    ] {
        assert!(matches!(Basis::from_json(text), Err(DenseError::Basis(_))));
    }
}

#[test]
fn constant_and_narrow_features_have_one_grey() {
    let constant = [0.6, 0.8].repeat(10);
    let basis = fitted(&constant, 2, true);
    let scores = basis.scores(&constant).unwrap();
    assert_eq!(basis.colour(&scores[0]), [0.5; 3]);
    let line = fitted(&[1.0, -1.0, 1.0], 1, true);
    assert_eq!(line.count(), 1);
    let scores = line.scores(&[1.0, -1.0, 1.0]).unwrap();
    assert_eq!(line.colour(&scores[0]), [1.0, 0.5, 0.5]);
    assert_eq!(line.colour(&scores[1]), [0.0, 0.5, 0.5]);
}

/// Two groups along the first coordinate; the second group spreads along the fourth alone.
fn two_groups() -> Vec<f32> {
    let mut rows = uniform_rows(600, 5, 4);
    for (number, row) in rows.chunks_exact_mut(5).enumerate() {
        let [first, .., fourth, _] = row else {
            unreachable!("five numbers")
        };
        let (offset, spread) = if number % 3 == 0 {
            (4.0, 1.5)
        } else {
            (-4.0, 0.02)
        };
        *first += offset;
        *fourth *= spread;
        row[1] *= if number % 3 == 0 { 0.02 } else { 1.5 };
    }
    normalise_rows(&mut rows, 5);
    rows
}

#[test]
fn a_cut_fits_the_axes_again_to_the_foreground_alone() {
    let rows = two_groups();
    let none = Progress::none();
    for is_centred in [false, true] {
        let joint = fitted(&rows, 5, is_centred);
        // The groups are what differs most.
        assert!(joint.axis(0)[0] > 0.9, "{:?}", joint.axes);
        let cut = Cut {
            score: 0.0,
            is_below: false,
        };
        let basis = joint.with_foreground(&rows, cut, &none).unwrap();
        let own = &basis.foreground.as_ref().unwrap().basis;
        // By hand: the same fit to every third row, and nothing else.
        let kept: Vec<f32> = rows.chunks_exact(5).step_by(3).flatten().copied().collect();
        let by_hand = fitted(&kept, 5, is_centred);
        assert_eq!(own.axes, by_hand.axes);
        assert_eq!((&own.mean, &own.ends), (&by_hand.mean, &by_hand.ends));
        assert!(own.fitted_to.contains("200 of 600"), "{}", own.fitted_to);
        assert!(basis.line(true).contains("200 of 600 locations"));
        assert!(!basis.line(false).contains("200 of 600"));
        // The foreground spreads along the fourth coordinate, the background along the second.
        let spread = usize::from(!is_centred);
        assert!(own.axis(spread)[3] > 0.9, "{:?}", own.axes);
        // The joint axes are as they were, and decide the other side as well.
        assert_eq!(basis.joint(), joint);
        let below = Cut {
            is_below: true,
            ..cut
        };
        let below = joint.with_foreground(&rows, below, &none).unwrap();
        let below = below.foreground.unwrap().basis;
        assert!(below.axis(spread)[1] > 0.9, "{:?}", below.axes);
        let read = Basis::from_json(&basis.to_json()).unwrap();
        assert_eq!(read.foreground.unwrap().cut, cut);
    }
}

#[test]
fn a_cut_that_leaves_too_little_is_refused_in_words() {
    let rows = two_groups();
    let joint = fitted(&rows, 5, true);
    let cut = Cut {
        score: 9.0,
        is_below: false,
    };
    let refused = joint.with_foreground(&rows, cut, &Progress::none());
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("0 of 600"), "{text}");
}

#[test]
fn signs_do_not_depend_on_the_order_of_rows() {
    let rows = two_groups();
    let backwards: Vec<f32> = rows.chunks_exact(5).rev().flatten().copied().collect();
    let [a, b] = [&rows, &backwards].map(|rows| fitted(rows, 5, true));
    for (a, b) in a.axes.iter().zip(&b.axes) {
        // Sums in another order.
        assert!((a - b).abs() < 1e-9);
    }
}

#[test]
fn histograms_count_every_location() {
    let scores = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]];
    let found = histogram(&scores, &Progress::none()).unwrap();
    assert_eq!((found.counts[0], found.counts[BINS - 1]), (1, 1));
    assert_eq!([found.low, found.high], [0.0, 1.0]);
    let same = histogram(&scores[..1], &Progress::none()).unwrap();
    assert_eq!(same.counts.iter().sum::<u32>(), 1);
}
