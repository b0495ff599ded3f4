//! `spherescope bench`: times the hot paths on the chosen device.
//!
//! `scripts/bench` runs the same cases beside PyTorch, each in a process of its own.

mod encoder;
pub(super) mod input;
mod landscape;
mod rows;
mod scores;
mod sphere;
mod training;

use std::{path::PathBuf, time::Instant};

use serde::Serialize;

use super::{headless, output, table};
use crate::{
    compute::{Compute, DevicePolicy, DeviceReport},
    training::Objective,
};

/// Flags of `bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Case to time, repeatable; all when none is named.
    #[arg(long = "case", value_name = "NAME", value_enum)]
    cases: Vec<Case>,
    /// Timed repeats of a case, after one that does not count.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Folder of inputs that scripts/bench shares with PyTorch; seeded ones are made otherwise.
    #[arg(long, value_name = "DIR")]
    inputs: Option<PathBuf>,
    /// Write the measurements as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Case {
    /// Dense features of ResNet-18, 16 images of 224 pixels.
    #[value(name = "features-resnet18-224")]
    #[serde(rename = "features-resnet18-224")]
    Resnet18At224,
    /// Dense features of ResNet-50, 16 images of 224 pixels.
    #[value(name = "features-resnet50-224")]
    #[serde(rename = "features-resnet50-224")]
    Resnet50At224,
    /// Dense features of ResNet-18, 128 images of 64 pixels.
    #[value(name = "features-resnet18-64")]
    #[serde(rename = "features-resnet18-64")]
    Resnet18At64,
    /// Exact uniformity of 20,000 unit vectors of 128 numbers.
    #[value(name = "uniformity-20k")]
    #[serde(rename = "uniformity-20k")]
    Uniformity20k,
    /// Exact uniformity of 100,000 unit vectors of 128 numbers.
    #[value(name = "uniformity-100k")]
    #[serde(rename = "uniformity-100k")]
    Uniformity100k,
    /// Cosines of one location with 100,000 of 512 numbers, and the twelve nearest.
    #[value(name = "similarity-100k")]
    #[serde(rename = "similarity-100k")]
    Similarity100k,
    /// A step of the tiny net on 64 images of 32 pixels, align + uniform.
    #[value(name = "train-tiny-32")]
    #[serde(rename = "train-tiny-32")]
    TrainTiny,
    /// A step of ResNet-18 on 64 images of 64 pixels, align + uniform.
    #[value(name = "train-resnet18-64")]
    #[serde(rename = "train-resnet18-64")]
    TrainResnet18,
    /// The same with DenseCL.
    #[value(name = "train-densecl-64")]
    #[serde(rename = "train-densecl-64")]
    TrainDenseCl,
    /// 25 points of a slice around the demo's encoder, two views of 256 images.
    #[value(name = "landscape-tiny-32")]
    #[serde(rename = "landscape-tiny-32")]
    Landscape,
    /// A ResNet-50 file to a model on the device.
    #[value(name = "open-resnet50")]
    #[serde(rename = "open-resnet50")]
    Open,
    /// A ResNet-50 file to named tensors.
    #[value(name = "read-resnet50")]
    #[serde(rename = "read-resnet50")]
    Read,
    /// All scores of 500 encoders: 2,000 bootstrap draws.
    #[value(name = "scores-500")]
    #[serde(rename = "scores-500")]
    Scores500,
    /// The same with 1,000 permutations, as the window asks.
    #[value(name = "scores-500-p")]
    #[serde(rename = "scores-500-p")]
    Scores500P,
    /// The sphere with 20,000 points, 1000×1000 pixels.
    #[value(name = "sphere-20k")]
    #[serde(rename = "sphere-20k")]
    Sphere20k,
    /// The sphere with 100,000 points.
    #[value(name = "sphere-100k")]
    #[serde(rename = "sphere-100k")]
    Sphere100k,
    /// The sphere with 1,000,000 points.
    #[value(name = "sphere-1m")]
    #[serde(rename = "sphere-1m")]
    Sphere1m,
}

/// What all cases get.
struct Setting<'a> {
    compute: &'a Compute,
    inputs: Option<PathBuf>,
}

/// A case ready to be repeated.
struct Prepared {
    /// Does the work once. The number depends on all of it, and is the same for the same input
    /// wherever it was computed.
    run: Box<dyn FnMut() -> anyhow::Result<f64>>,
    /// How many of `unit` one run does.
    items: u64,
    unit: &'static str,
}

/// One case's outcome.
#[derive(Clone, Debug, Serialize)]
struct Measurement {
    case: Case,
    /// Median duration of a run, in seconds.
    seconds: f64,
    /// Repeats that counted.
    rounds: u32,
    items: u64,
    unit: &'static str,
    /// The run's result, for comparison with others'.
    check: f64,
    /// The process's peak memory in MiB, where the system tells.
    peak_mib: Option<f64>,
    /// How much of the peak came after the input was there, in MiB.
    growth_mib: Option<f64>,
}

/// All outcomes, and where they were had.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    version: &'static str,
    device: &'a DeviceReport,
    threads: usize,
    measurements: &'a [Measurement],
}

/// Runs `bench`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &BenchArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let compute = headless(policy)?;
    let setting = Setting {
        compute: &compute,
        inputs: args.inputs.clone(),
    };
    let cases = if args.cases.is_empty() {
        <Case as clap::ValueEnum>::value_variants()
    } else {
        &args.cases
    };
    let mut measurements = Vec::with_capacity(cases.len());
    for &case in cases {
        log::info!("timing {}", case.name());
        measurements.push(measure(case, &setting, args.rounds)?);
    }
    let outcome = Outcome {
        version: env!("CARGO_PKG_VERSION"),
        device: compute.report(),
        threads: rayon::current_num_threads(),
        measurements: &measurements,
    };
    match &args.json {
        Some(path) => output::write_json(path, &serde_json::to_value(&outcome)?),
        None => output::print_line(&text(&outcome)),
    }
}

fn measure(case: Case, setting: &Setting, rounds: u32) -> anyhow::Result<Measurement> {
    let mut prepared = case.prepare(setting)?;
    let before = peak_mib();
    let check = (prepared.run)()?;
    let mut durations = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        (prepared.run)()?;
        durations.push(start.elapsed().as_secs_f64());
    }
    let peak = peak_mib();
    Ok(Measurement {
        case,
        seconds: median(durations),
        rounds,
        items: prepared.items,
        unit: prepared.unit,
        check,
        peak_mib: peak,
        growth_mib: peak.zip(before).map(|(peak, before)| peak - before),
    })
}

impl Case {
    fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn prepare(self, setting: &Setting) -> anyhow::Result<Prepared> {
        match self {
            Self::Resnet18At224 => encoder::features(setting, 18, 16, 224),
            Self::Resnet50At224 => encoder::features(setting, 50, 16, 224),
            Self::Resnet18At64 => encoder::features(setting, 18, 128, 64),
            Self::Uniformity20k => rows::uniformity(setting, 20_000),
            Self::Uniformity100k => rows::uniformity(setting, 100_000),
            Self::Similarity100k => rows::similarity(setting, 100_000),
            Self::TrainTiny => training::tiny(setting),
            Self::TrainResnet18 => training::resnet18(setting, Objective::default()),
            Self::TrainDenseCl => training::densecl(setting),
            Self::Landscape => landscape::slice(setting),
            Self::Open => encoder::opening(setting),
            Self::Read => encoder::reading(setting),
            Self::Scores500 => scores::scores(500, 2_000, 0),
            Self::Scores500P => scores::scores(500, 2_000, 1_000),
            Self::Sphere20k => sphere::frames(setting, 20_000),
            Self::Sphere100k => sphere::frames(setting, 100_000),
            Self::Sphere1m => sphere::frames(setting, 1_000_000),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => 0.5 * (values[middle - 1] + values[middle]),
    }
}

/// The peak of this process's memory so far, in MiB, as Linux keeps it.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn text(outcome: &Outcome) -> String {
    let mut lines = vec![["case", "time", "rate"].map(String::from).to_vec()];
    lines.extend(outcome.measurements.iter().map(|one| {
        let rate = one.items as f64 / one.seconds;
        let time = if one.seconds < 1.0 {
            format!("{:.1} ms", one.seconds * 1e3)
        } else {
            format!("{:.2} s", one.seconds)
        };
        vec![one.case.name(), time, format!("{rate:.3e} {}/s", one.unit)]
    }));
    let adapter = outcome.device.adapter.as_ref();
    format!(
        "{}\ncomputed on {}{}, {} threads; medians of the repeats after one that does not count",
        table::columns(&lines),
        outcome.device.compute,
        adapter.map_or_else(String::new, |adapter| format!(", adapter {}", adapter.name)),
        outcome.threads,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_order_and_splits_even_counts() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn cases_keep_one_name_in_flags_and_json() {
        for case in <Case as clap::ValueEnum>::value_variants() {
            let json = serde_json::to_value(case).expect("a name serialises");
            assert_eq!(json, serde_json::Value::String(case.name()));
        }
    }
}
