//! The correlation lab's scores of a series.

use std::collections::BTreeMap;

use super::{Prepared, input};
use crate::{
    correlation::{Encoder, ScoreSettings, Series, score},
    progress::Progress,
};

/// All scores of `encoders` encoders with intervals, and with p values where there are
/// permutations.
pub fn scores(encoders: usize, draws: usize, permutations: usize) -> anyhow::Result<Prepared> {
    let values = input::normal(encoders * 3, 1);
    let series = Series::new(values.chunks_exact(3).enumerate().map(|(row, values)| {
        let [a, u, noise] = [values[0], values[1], values[2]].map(f64::from);
        Encoder {
            row,
            name: String::new(),
            alignment: a,
            uniformity: u,
            performance: -0.5 * a - 0.3 * u + noise,
            about: BTreeMap::new(),
        }
    }));
    anyhow::ensure!(series.len() == encoders, "a number is not finite");
    let settings = ScoreSettings {
        draws,
        permutations,
        seed: 7,
    };
    let run = move || {
        let scores = score(&series, settings, &Progress::none())?;
        let first = scores.scores.first().and_then(|score| score.interval);
        let interval = first.ok_or_else(|| anyhow::anyhow!("no interval"))?;
        Ok(interval.low + interval.high)
    };
    Ok(Prepared {
        run: Box::new(run),
        items: (draws + permutations) as u64,
        unit: "resamples",
    })
}
