//! Holds the correlation scores to SciPy and statsmodels (`tests/reference/generate_correlation.py`),
//! and their intervals and p values to SciPy's (`tests/reference/generate_intervals.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use spherescope::{
    correlation::{Encoder, ScoreSettings, Series, score},
    progress::Progress,
};

#[derive(Deserialize)]
struct Planted {
    name: String,
    alignment: Vec<f64>,
    uniformity: Vec<f64>,
    performance: Vec<f64>,
    scores: BTreeMap<String, f64>,
}

impl Planted {
    fn series(&self) -> Series {
        let rows = self.alignment.iter().zip(&self.uniformity);
        Series::new(
            rows.zip(&self.performance)
                .map(|((&alignment, &uniformity), &performance)| Encoder {
                    row: 0,
                    name: String::new(),
                    alignment,
                    uniformity,
                    performance,
                    about: BTreeMap::new(),
                }),
        )
    }
}

#[test]
fn every_score_is_that_of_scipy_and_statsmodels() {
    let all: Vec<Planted> =
        serde_json::from_str(include_str!("reference/correlation.json")).unwrap();
    assert!(all.len() >= 10);
    let settings = ScoreSettings {
        draws: 0,
        permutations: 0,
        seed: 0,
    };
    for planted in all {
        let scores = score(&planted.series(), settings, &Progress::none()).unwrap();
        assert_eq!(scores.n, planted.performance.len());
        let mut ours: BTreeMap<String, f64> = scores
            .scores
            .iter()
            .filter_map(|score| {
                let name = serde_json::to_value(score.statistic).unwrap();
                Some((name.as_str().unwrap().to_owned(), score.value?))
            })
            .collect();
        ours.extend(
            scores
                .adjusted_r2
                .map(|value| ("adjusted-r2".to_owned(), value)),
        );
        ours.extend(
            scores
                .leave_one_out_r2
                .map(|value| ("leave-one-out-r2".to_owned(), value)),
        );
        for (name, expected) in &planted.scores {
            // Both sides are f64; the least squares of the collinear series lose six digits.
            let found = ours.get(name).copied().unwrap_or(f64::NAN);
            assert!(
                (found - expected).abs() <= 1e-8 * expected.abs().max(1.0),
                "{}: {name} is {found}, the reference has {expected}",
                planted.name
            );
        }
    }
}

#[derive(Deserialize)]
struct Resampled {
    name: String,
    alignment: Vec<f64>,
    uniformity: Vec<f64>,
    performance: Vec<f64>,
    /// Ends of the interval, and the standard error of each that the number of draws leaves.
    intervals: BTreeMap<String, [f64; 4]>,
    p: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct AllResampled {
    draws: usize,
    series: Vec<Resampled>,
}

#[test]
fn intervals_and_p_values_are_scipys_up_to_what_chance_leaves_open() {
    let all: AllResampled = serde_json::from_str(include_str!("reference/intervals.json")).unwrap();
    assert_eq!(all.series.len(), 3);
    let settings = ScoreSettings {
        draws: all.draws,
        permutations: all.draws,
        seed: 2,
    };
    let root = (all.draws as f64).sqrt();
    for one in all.series {
        let planted = Planted {
            name: one.name,
            alignment: one.alignment,
            uniformity: one.uniformity,
            performance: one.performance,
            scores: BTreeMap::new(),
        };
        let scores = score(&planted.series(), settings, &Progress::none()).unwrap();
        let of = |name: &str| {
            let named = |score: &&spherescope::correlation::Score| {
                serde_json::to_value(score.statistic).unwrap() == name
            };
            scores.scores.iter().find(named).unwrap()
        };
        for (name, [low, high, low_error, high_error]) in &one.intervals {
            let interval = of(name).interval.unwrap();
            for (end, ours, theirs, error) in [
                ("low", interval.low, low, low_error),
                ("high", interval.high, high, high_error),
            ] {
                // Both sides have that error: five of the two together, for it is itself taken from
                // the few draws around the end.
                let allowed = 5.0 * 2.0_f64.sqrt() * error;
                assert!(
                    (ours - theirs).abs() <= allowed,
                    "{}, {name}: {end} end {ours}, SciPy has {theirs}, allowed is {allowed}",
                    planted.name
                );
            }
        }
        for (name, theirs) in &one.p {
            let ours = of(name).p.unwrap();
            let error = (2.0 * theirs * (1.0 - theirs)).sqrt() / root;
            // One more of N is what p = 1/(N + 1) on both sides may differ by.
            assert!(
                (ours - theirs).abs() <= 4.0 * error + 2.0 / all.draws as f64,
                "{}, {name}: p {ours}, SciPy has {theirs}",
                planted.name
            );
        }
    }
}
