//! Planted series: what is put in must be found, and what is not there must not be claimed.

use std::{collections::BTreeMap, path::Path};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::{data::Table, progress::Progress};

fn encoder(alignment: f64, uniformity: f64, performance: f64) -> Encoder {
    Encoder {
        row: 0,
        name: "e".into(),
        alignment,
        uniformity,
        performance,
        about: BTreeMap::new(),
    }
}

/// n encoders with p = −β_a a − β_u u + noise, a and u independent standard normal.
fn planted(seed: u64, n: usize, [slope_a, slope_u]: [f64; 2], noise: f64) -> Series {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    Series::new((0..n).map(|_| {
        let [a, u] = [normal(), normal()];
        encoder(a, u, -slope_a * a - slope_u * u + noise * normal())
    }))
}

fn scored(series: &Series, draws: usize) -> Scores {
    let settings = ScoreSettings {
        draws,
        permutations: draws,
        seed: 5,
    };
    score(series, settings, &Progress::none()).unwrap()
}

#[test]
fn an_exact_relation_is_found_exactly() {
    let scores = scored(&planted(1, 30, [0.5, 0.5], 0.0), 200);
    let value = |statistic| scores.get(statistic).value.unwrap();
    assert!((value(Statistic::MultipleR) - 1.0).abs() < 1e-12);
    assert!((value(Statistic::SlopeAlignment) + 0.5).abs() < 1e-12);
    assert!((value(Statistic::SlopeUniformity) + 0.5).abs() < 1e-12);
    assert!((scores.leave_one_out_r2.unwrap() - 1.0).abs() < 1e-12);
    assert!(!scores.is_too_few);
    // One of 201 arrangements is the true one; chance alone would give more.
    assert!(scores.get(Statistic::MultipleR).p.unwrap() < 0.006);
}

#[test]
fn a_turned_sign_is_seen() {
    let scores = scored(&planted(2, 60, [-0.8, 0.8], 0.2), 400);
    let partial = |statistic: Statistic| scores.get(statistic);
    let a = partial(Statistic::PartialPearsonAlignment);
    let u = partial(Statistic::PartialPearsonUniformity);
    assert!(a.value.unwrap() > 0.9 && !a.interval.unwrap().holds_zero());
    assert!(u.value.unwrap() < -0.9 && !u.interval.unwrap().holds_zero());
    let text = findings(&scores).join(" ");
    assert!(
        text.contains("a lower L_align (better aligned) goes with worse performance"),
        "{text}"
    );
    assert!(
        text.contains("a lower L_uniform (more uniform) goes with better performance"),
        "{text}"
    );
}

#[test]
fn the_intervals_cover_the_planted_value_about_as_often_as_they_say() {
    // r of u and p is −0.6/√(0.6² + 0.8²) = −0.6 in the population.
    let n = 40;
    let trials = 300;
    let settings = ScoreSettings {
        draws: 400,
        permutations: 0,
        seed: 3,
    };
    let covered = (0..trials)
        .filter(|&trial| {
            let series = planted(1000 + trial, n, [0.0, 0.6], 0.8);
            let scores = score(&series, settings, &Progress::none()).unwrap();
            let interval = scores.get(Statistic::PearsonUniformity).interval.unwrap();
            (interval.low..=interval.high).contains(&-0.6)
        })
        .count();
    let share = covered as f64 / trials as f64;
    println!("coverage of the 95 % interval of r at n = {n}: {share:.3}");
    // A percentile interval covers a little less than it says at n = 40 (0.93 or so); the
    // standard error of the share over 300 trials is 0.014: three of them either way.
    assert!((0.88..=0.985).contains(&share), "{share}");
}

#[test]
fn chance_alone_gives_small_p_no_more_often_than_it_should() {
    let settings = ScoreSettings {
        draws: 0,
        permutations: 99,
        seed: 3,
    };
    let trials = 200;
    let small = (0..trials)
        .filter(|&trial| {
            let series = planted(9000 + trial, 20, [0.0, 0.0], 1.0);
            let scores = score(&series, settings, &Progress::none()).unwrap();
            scores.get(Statistic::MultipleR).p.unwrap() <= 0.05
        })
        .count();
    // Binomial(200, 0.05) has mean 10 and standard deviation 3.1: four of them.
    assert!((1..=22).contains(&small), "{small}");
}

#[test]
fn degenerate_series_say_what_is_wrong() {
    let refused = score(
        &planted(1, 2, [1.0, 1.0], 0.1),
        ScoreSettings::default(),
        &Progress::none(),
    );
    assert!(refused.unwrap_err().to_string().starts_with("2 encoders"));

    let constant = Series::new((0..10).map(|i| encoder(f64::from(i), 0.5 * f64::from(i * i), 0.3)));
    let scores = scored(&constant, 50);
    assert!(scores.get(Statistic::MultipleR).value.is_none());
    let why = scores.get(Statistic::KendallAlignment).why_absent.clone();
    assert!(why.unwrap().contains("performance is the same"));

    let collinear = Series::new((0..20).map(|i| {
        let x = f64::from(i);
        encoder(x, 2.0 * x, -x + f64::from(i % 3))
    }));
    let scores = scored(&collinear, 50);
    assert!(scores.get(Statistic::MultipleR).value.is_some());
    assert!(scores.get(Statistic::BetaAlignment).value.is_none());
    assert!(scores.warnings[0].contains("move together"));
    assert!(findings(&scores)[0].contains("cannot be told apart"));

    let three = scored(&planted(4, 3, [1.0, 1.0], 0.5), 100);
    assert!(three.is_too_few && three.adjusted_r2.is_none());
    assert!(findings(&three)[0].starts_with("Too few encoders (n = 3)"));
}

#[test]
fn numbers_that_double_precision_cannot_tell_apart_are_named() {
    // The mean of many 0.1 is not 0.1: what is left of it is no variance.
    let constant =
        Series::new((0..9).map(|i| encoder(0.1, f64::from(i).sin(), f64::from(i).cos())));
    let scores = scored(&constant, 0);
    assert_eq!(scores.leave_one_out_r2, None);
    assert_eq!(scores.warnings, ["alignment is the same for all encoders"]);
    let huge = Series::new((0..9).map(|i| {
        let performance = if i == 4 { 1e308 } else { f64::from(i) };
        encoder(f64::from(i).sin(), f64::from(i).cos(), performance)
    }));
    let scores = scored(&huge, 0);
    assert_eq!(scores.leave_one_out_r2, None);
    let why = scores.get(Statistic::MultipleR).why_absent.clone().unwrap();
    assert!(why.starts_with("performance varies too little"), "{why}");
}

#[test]
fn encoders_without_a_number_are_left_out_and_counted() {
    let mut table = Table::new(["run", "alignment", "uniformity", "performance", "data"]);
    table.push(["a", "0.1", "-3", "0.9", "single"]);
    table.push(["b", "", "-2", "0.5", "single"]);
    table.push(["c", "0.3", "nan", "0.5", "multi"]);
    table.push(["d", "0.3", "-1", "0.5", "multi"]);
    let choice = ColumnChoice {
        name: Some("run".into()),
        ..ColumnChoice::default()
    };
    let series = Series::from_table(&table, &choice).unwrap();
    assert_eq!((series.len(), series.left_out()), (2, 2));
    assert_eq!(series.encoders()[1].name, "d");
    assert_eq!(series.encoders()[1].about["data"], "multi");

    table.push(["e", "x", "-1", "0.5", "multi"]);
    let error = Series::from_table(&table, &choice).unwrap_err().to_string();
    assert_eq!(error, "row 5, column 'alignment': 'x' is not a number");
    let missing = ColumnChoice {
        performance: "miou".into(),
        ..choice
    };
    let error = Series::from_table(&table, &missing)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no column 'miou'") && error.contains("run, alignment"));
    assert!(Table::read(Path::new("nowhere.csv")).is_err());
}

fn with(mut series: Vec<Encoder>, column: &str, value: impl Fn(usize) -> String) -> Vec<Encoder> {
    for (index, encoder) in series.iter_mut().enumerate() {
        encoder.about.insert(column.into(), value(index));
    }
    series
}

#[test]
fn parts_are_scored_by_themselves() {
    let relation = planted(7, 20, [0.5, 0.5], 0.0);
    let turned = planted(8, 20, [-0.5, -0.5], 0.0);
    let mut encoders = with(relation.encoders().to_vec(), "data", |_| "multi".into());
    encoders.extend(with(turned.encoders().to_vec(), "data", |_| {
        "single".into()
    }));
    encoders.push(encoders[0].clone());
    encoders.last_mut().unwrap().about.clear();
    let settings = ScoreSettings {
        draws: 20,
        ..ScoreSettings::default()
    };
    let parts = score_groups(&Series::new(encoders), "data", settings, &Progress::none()).unwrap();
    assert_eq!(parts.len(), 3);
    assert!(
        parts[0]
            .scores
            .as_ref()
            .unwrap_err()
            .starts_with("1 encoders")
    );
    let sum = |part: &Part| {
        let scores = part.scores.as_ref().unwrap();
        scores.get(Statistic::SumCorrelation).value.unwrap()
    };
    assert_eq!(
        [parts[1].name.as_str(), parts[2].name.as_str()],
        ["multi", "single"]
    );
    assert!(sum(&parts[1]) > 0.9 && sum(&parts[2]) < -0.9);
}

#[test]
fn scores_follow_a_relation_that_turns_along_the_steps() {
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let encoders = (0..200).map(|i| {
        let step = i / 10;
        let [a, u]: [f64; 2] = [generator.random(), generator.random()];
        let sign = if step < 10 { 1.0 } else { -1.0 };
        let mut made = encoder(a, u, sign * (a + u));
        made.about.insert("step".into(), (step * 100).to_string());
        made
    });
    let series = Series::new(encoders);
    let settings = ScoreSettings {
        draws: 0,
        permutations: 0,
        seed: 0,
    };
    let along = score_along(&series, "step", 100.0, settings, &Progress::none()).unwrap();
    assert_eq!(along.len(), 20);
    // A window's z-scores differ a little from the variables themselves, hence not 1 exactly.
    let sum = |place: &Along| place.scores.get(Statistic::SumCorrelation).value.unwrap();
    assert!(along.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert!(along[..9].iter().all(|place| sum(place) < -0.9));
    assert!(along[11..].iter().all(|place| sum(place) > 0.9));
    assert_eq!(along[5].scores.n, 30);
    let error = score_along(&series, "epoch", 1.0, settings, &Progress::none());
    assert!(error.unwrap_err().to_string().contains("'epoch'"));
}

#[test]
fn intervals_do_not_depend_on_threads() {
    let series = planted(5, 500, [0.3, 0.3], 0.5);
    let settings = ScoreSettings {
        draws: 2000,
        permutations: 0,
        seed: 1,
    };
    let on_threads = |count| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
        pool.expect("threads")
            .install(|| score(&series, settings, &Progress::none()).unwrap())
    };
    assert_eq!(on_threads(1), on_threads(4));
}
