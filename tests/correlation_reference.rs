//! Holds the correlation scores to SciPy and statsmodels (`tests/reference/generate_correlation.py`).

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
