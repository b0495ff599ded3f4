//! How often the 95 % intervals hold the planted value, on series of many kinds and sizes.
//!
//! The planted value of a statistic is known in closed form where there is one, and taken from one
//! very long series of the same kind elsewhere; the two are held to each other.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use spherescope::{
    correlation::{Encoder, ScoreSettings, Scores, Series, Statistic, score},
    progress::Progress,
};

/// Encoders of the series that stands for the population.
const POPULATION: usize = 100_000;

/// p = −β_a a − β_u u + noise, with a and u standard normal.
#[derive(Clone, Copy)]
struct Planted {
    name: &'static str,
    slopes: [f64; 2],
    /// Correlation of a and u.
    link: f64,
    noise: f64,
    /// Values are rounded to multiples of this.
    tie: Option<f64>,
    /// Share of encoders whose noise is five times as large.
    outliers: f64,
}

const PLAIN: Planted = Planted {
    name: "both matter",
    slopes: [0.5, 0.5],
    link: 0.0,
    noise: 0.7,
    tie: None,
    outliers: 0.0,
};

impl Planted {
    fn series(&self, seed: u64, n: usize) -> Series {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
        let drawn: Vec<[f64; 3]> = (0..n).map(|_| [normal(), normal(), normal()]).collect();
        let round = |value: f64| self.tie.map_or(value, |tie| (value / tie).round() * tie);
        Series::new(drawn.into_iter().map(|[a, own, noise]| {
            let u = self.link * a + (1.0 - self.link * self.link).sqrt() * own;
            let size = if generator.random::<f64>() < self.outliers {
                5.0
            } else {
                1.0
            };
            let p = -self.slopes[0] * a - self.slopes[1] * u + size * self.noise * noise;
            Encoder {
                row: 0,
                name: String::new(),
                alignment: round(a),
                uniformity: round(u),
                performance: round(p),
                about: BTreeMap::new(),
            }
        }))
    }

    /// Multiple R in the population, where nothing is rounded.
    fn multiple_r(&self) -> f64 {
        let [a, u] = self.slopes;
        let explained = a * a + u * u + 2.0 * a * u * self.link;
        let noise = self.noise.powi(2) * (1.0 + 24.0 * self.outliers);
        (explained / (explained + noise)).sqrt()
    }

    fn truth(&self) -> Scores {
        scored(&self.series(77, POPULATION), 0)
    }
}

fn scored(series: &Series, draws: usize) -> Scores {
    let settings = ScoreSettings {
        draws,
        permutations: 0,
        seed: 3,
    };
    score(series, settings, &Progress::none()).unwrap()
}

const MEASURED: [Statistic; 8] = [
    Statistic::MultipleR,
    Statistic::SumCorrelation,
    Statistic::SlopeAlignment,
    Statistic::SlopeUniformity,
    Statistic::PartialPearsonAlignment,
    Statistic::PartialPearsonUniformity,
    Statistic::SpearmanUniformity,
    Statistic::KendallUniformity,
];

/// Share of `trials` series whose interval holds the population's value, for each of [`MEASURED`].
fn coverage(planted: &Planted, n: usize, trials: u64, draws: usize) -> Vec<f64> {
    let truth = planted.truth();
    let mut held = [0_u64; MEASURED.len()];
    for trial in 0..trials {
        let scores = scored(&planted.series(1000 + trial, n), draws);
        for (held, statistic) in held.iter_mut().zip(MEASURED) {
            let value = truth.get(statistic).value.unwrap();
            let interval = scores.get(statistic).interval;
            *held += u64::from(interval.is_some_and(|one| (one.low..=one.high).contains(&value)));
        }
    }
    let shares: Vec<f64> = held
        .iter()
        .map(|&held| held as f64 / trials as f64)
        .collect();
    let words: Vec<String> = MEASURED
        .iter()
        .zip(&shares)
        .map(|(statistic, share)| format!("{statistic} {share:.2}"))
        .collect();
    println!(
        "{}, n = {n}, {trials} series: {}",
        planted.name,
        words.join(", ")
    );
    shares
}

/// Planted relations: signs turned, collinear, tied, with outliers.
const KINDS: [Planted; 5] = [
    PLAIN,
    Planted {
        name: "signs turned",
        slopes: [-0.6, 0.4],
        ..PLAIN
    },
    Planted {
        name: "a and u move together (r = 0.9)",
        link: 0.9,
        ..PLAIN
    },
    Planted {
        name: "ties (rounded to halves)",
        tie: Some(0.5),
        ..PLAIN
    },
    Planted {
        name: "outliers (5 % with five times the noise)",
        outliers: 0.05,
        ..PLAIN
    },
];

#[test]
fn a_long_series_has_the_planted_values() {
    for planted in KINDS.iter().filter(|planted| planted.tie.is_none()) {
        let truth = planted.truth();
        let found = |statistic| truth.get(statistic).value.unwrap();
        // Standard errors at n = 10⁵: of R below (1 − R²)/√n ≈ 0.003 with outliers' longer tails,
        // of a slope noise/√(n (1 − r²)) ≈ 0.008 at r = 0.9 and outliers' noise; three of them.
        let r = found(Statistic::MultipleR);
        assert!(
            (r - planted.multiple_r()).abs() < 0.01,
            "{}: {r}",
            planted.name
        );
        for (statistic, slope) in [
            (Statistic::SlopeAlignment, planted.slopes[0]),
            (Statistic::SlopeUniformity, planted.slopes[1]),
        ] {
            let value = found(statistic);
            assert!(
                (value + slope).abs() < 0.025,
                "{}: {statistic} {value}",
                planted.name
            );
        }
    }
}

/// Coverage of the first seven of [`MEASURED`] (the eighth is τ) by an independent simulation in
/// NumPy (`tests/reference/generate_coverage.py`): 1,000 series of 40 for each of [`KINDS`].
const SIMULATED_KINDS: [[f64; 7]; 5] = [
    [0.899, 0.921, 0.930, 0.933, 0.915, 0.933, 0.946],
    [0.914, 0.932, 0.924, 0.927, 0.920, 0.930, 0.947],
    [0.914, 0.934, 0.930, 0.934, 0.929, 0.942, 0.954],
    [0.921, 0.940, 0.922, 0.922, 0.925, 0.924, 0.932],
    [0.797, 0.848, 0.934, 0.922, 0.898, 0.883, 0.938],
];

/// The same of the first kind by the number of encoders (300 series of 500).
const SIMULATED_SIZES: [(usize, [f64; 7]); 4] = [
    (8, [0.770, 0.935, 0.938, 0.939, 0.938, 0.933, 0.962]),
    (16, [0.873, 0.921, 0.922, 0.919, 0.921, 0.927, 0.959]),
    (100, [0.943, 0.948, 0.955, 0.944, 0.957, 0.947, 0.959]),
    (500, [0.947, 0.947, 0.927, 0.927, 0.943, 0.947, 0.963]),
];

/// Holds shares over `trials` series to simulated ones: four standard errors of their difference.
fn hold(name: &str, shares: &[f64], simulated: &[f64; 7], trials: u64) {
    for ((statistic, share), expected) in MEASURED.iter().zip(shares).zip(simulated) {
        let each = 1.0 / trials as f64 + 1.0 / 300.0;
        let allowed = 4.0 * (expected * (1.0 - expected) * each).sqrt();
        assert!(
            (share - expected).abs() <= allowed,
            "{name}: {statistic} covers {share}, simulated {expected} ± {allowed:.3}"
        );
    }
    // τ has no counterpart there: as ρ it covers well at every size from eight on.
    assert!(shares[7] > 0.86, "{name}: τ {}", shares[7]);
}

#[test]
fn intervals_of_every_kind_of_series_cover_as_often_as_simulated() {
    for (planted, simulated) in KINDS.iter().zip(&SIMULATED_KINDS) {
        let shares = coverage(planted, 40, 200, 300);
        hold(planted.name, &shares, simulated, 200);
    }
}

#[test]
fn intervals_come_to_cover_as_they_say_from_few_encoders_to_many() {
    for (n, simulated) in &SIMULATED_SIZES {
        let trials = if *n > 100 { 60 } else { 200 };
        let shares = coverage(&PLAIN, *n, trials, 300);
        hold(&format!("n = {n}"), &shares, simulated, trials);
    }
}

#[test]
fn fewer_than_eight_encoders_are_flagged_because_their_intervals_say_little() {
    // Of five encoders too many draws are degenerate: partial correlations hardly ever have an
    // interval that holds the planted value, and most have none.
    let shares = coverage(&PLAIN, 5, 200, 300);
    assert!(shares[4] < 0.6 && shares[5] < 0.6, "{shares:?}");
    for n in [3, 5, 7, 8, 40] {
        assert_eq!(scored(&PLAIN.series(1, n), 0).is_too_few, n < 8, "{n}");
    }
}
