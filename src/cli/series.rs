//! `spherescope series`: a table of all checkpoints in a folder, for `correlate`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::{headless, output, table};
use crate::{
    analysis::{ImagesSource, PairRule, PairSetKind, words::parse_builtin},
    compute::DevicePolicy,
    data::{BuiltinConfig, BuiltinKind, Table},
    features::{FeatureKind, MatchingRule},
    lab::{
        FolderSeries, Measure, MeasurePlan, PerformanceSettings, RowOutcome, Task, images_of_run,
        views,
    },
};

/// Flags of `series`.
#[derive(Debug, clap::Args)]
pub struct SeriesArgs {
    /// Folder of checkpoints, looked through with all folders below; a saved run's folder too.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Folder of images (flat, or one class a folder), or a CIFAR, STL-10 or MNIST binary.
    #[arg(long, value_name = "PATH", conflicts_with = "builtin")]
    images: Option<PathBuf>,
    /// Folder of masks with the images' stems.
    #[arg(long, value_name = "DIR", requires = "images")]
    masks: Option<PathBuf>,
    /// The built-in procedural set instead: single-object or multi-object. Without images, a saved
    /// run's encoders are measured on the run's own probe scenes.
    #[arg(long, value_name = "KIND", value_parser = parse_builtin)]
    builtin: Option<BuiltinKind>,
    /// Number of built-in images.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(8..=100_000))]
    builtin_count: u32,
    /// Side of built-in images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 32, value_parser = clap::value_parser!(u32).range(8..=1024))]
    builtin_side: u32,
    /// Seed of the built-in set.
    #[arg(long, value_name = "N", default_value_t = 1)]
    builtin_seed: u64,
    /// Which vectors alignment and uniformity are of, separated by commas; the first is *the* one.
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        default_value = "pooled"
    )]
    kinds: Vec<FeatureKind>,
    /// Positive pairs: augmented-views or same-class.
    #[arg(long, value_name = "RULE", default_value_t = PairRule::AugmentedViews)]
    pairs: PairRule,
    /// Dense positive pairs; several, separated by commas, give a measure each.
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        default_value = "geometric"
    )]
    matching: Vec<MatchingRule>,
    /// Pairs of dense uniformity: all, between-images or within-image.
    #[arg(long, value_name = "SET", default_value_t = PairSetKind::All)]
    pair_set: PairSetKind,
    /// Exponents of alignment, separated by commas.
    #[arg(
        long,
        value_name = "ALPHAS",
        value_delimiter = ',',
        default_value = "2"
    )]
    alpha: Vec<f64>,
    /// Temperatures of uniformity, separated by commas.
    #[arg(long, value_name = "TS", value_delimiter = ',', default_value = "2")]
    t: Vec<f64>,
    #[command(flatten)]
    performance: PerformanceArgs,
    /// At most this many images: a seeded sample.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// At most this many images for alignment and uniformity of locations: a seeded sample.
    #[arg(long, value_name = "N", default_value_t = 128)]
    dense_limit: usize,
    /// Seed of augmentations and samples.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Table to write, row by row: CSV, or Parquet where the name ends so. What is there already is
    /// kept and gone on with. A file .plan.json beside it says how the rows were made, so that the
    /// window can go on with them too.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Writes the finished table as Parquet beside it as well.
    #[arg(long)]
    parquet: bool,
}

/// Flags about performance that several commands share.
#[derive(Debug, clap::Args)]
pub struct PerformanceArgs {
    /// Downstream tasks, separated by commas: linear, knn, multi-label, dense. In a series the first
    /// is *the* performance, and linear,knn are judged unless others are named.
    #[arg(long, value_name = "TASKS", value_delimiter = ',')]
    pub performance: Vec<Task>,
    /// Share of the images that is held out.
    #[arg(
        long,
        requires = "performance",
        value_name = "SHARE",
        default_value_t = 0.5
    )]
    held_out: f64,
    /// Seed of the split.
    #[arg(long, requires = "performance", value_name = "N", default_value_t = 0)]
    split_seed: u64,
    /// Inverse strength C of the probes' L2.
    #[arg(
        long,
        requires = "performance",
        value_name = "C",
        default_value_t = 1.0
    )]
    probe_c: f64,
    /// Mask id that counts nowhere; -1 for none.
    #[arg(long, requires = "performance", value_name = "ID", default_value_t = 255, allow_hyphen_values = true, value_parser = clap::value_parser!(i16).range(-1..=255))]
    ignore: i16,
    /// At most this many images for the dense probe: a seeded sample.
    #[arg(long, requires = "performance", value_name = "N")]
    probe_dense_limit: Option<usize>,
}

impl PerformanceArgs {
    /// The settings that the flags describe.
    pub fn settings(&self) -> PerformanceSettings {
        let usual = PerformanceSettings::default();
        let mut tasks = Vec::new();
        for task in &self.performance {
            if !tasks.contains(task) {
                tasks.push(*task);
            }
        }
        if tasks.is_empty() {
            tasks.clone_from(&usual.tasks);
        }
        PerformanceSettings {
            tasks,
            held_out: self.held_out,
            seed: self.split_seed,
            ignore: u8::try_from(self.ignore).ok(),
            dense_limit: self.probe_dense_limit,
            fit: crate::measure::FitSettings {
                c: self.probe_c,
                ..usual.fit
            },
            ..usual
        }
    }
}

impl SeriesArgs {
    fn plan(&self) -> MeasurePlan {
        let mut measures: Vec<Measure> = Vec::new();
        for &kind in &self.kinds {
            let rules = if kind.is_dense() {
                &self.matching[..]
            } else {
                &self.matching[..1]
            };
            for &matching in rules {
                for &alpha in &self.alpha {
                    for &t in &self.t {
                        let measure = Measure {
                            kind,
                            stage: None,
                            pairs: self.pairs,
                            matching,
                            pair_set: self.pair_set,
                            alpha,
                            t,
                        };
                        if !measures.contains(&measure) {
                            measures.push(measure);
                        }
                    }
                }
            }
        }
        MeasurePlan {
            limit: self.limit,
            dense_limit: Some(self.dense_limit),
            seed: self.seed,
            measures,
            performance: self.performance.settings(),
            ..MeasurePlan::default()
        }
    }

    fn images(&self) -> anyhow::Result<ImagesSource> {
        let builtin = |kind| {
            ImagesSource::Builtin(BuiltinConfig {
                kind,
                count: self.builtin_count as usize,
                side: self.builtin_side,
                seed: self.builtin_seed,
            })
        };
        if let Some(path) = &self.images {
            return Ok(ImagesSource::Path {
                path: absolute(path),
                masks: self.masks.as_deref().map(absolute),
            });
        }
        if let Some(kind) = self.builtin {
            return Ok(builtin(kind));
        }
        Ok(match images_of_run(&self.folder) {
            Some(ImagesSource::Builtin(images)) => ImagesSource::Builtin(BuiltinConfig {
                count: self.builtin_count as usize,
                ..images
            }),
            Some(path) => path,
            None => bail!("name the images: --images PATH or --builtin single-object|multi-object"),
        })
    }
}

/// What stands beside the rows must mean the same wherever it is read.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Runs `series`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &SeriesArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let series = FolderSeries {
        folder: absolute(&args.folder),
        images: args.images()?,
        plan: args.plan(),
    };
    series.plan.check()?;
    let compute = headless(policy)?;
    let bar = output::Bar::new();
    let outcome = series.measure(Some(&args.out), &compute, &bar.progress(), |_| {});
    bar.finish();
    let found = outcome?;
    if args.parquet {
        found.write(&args.out.with_extension("parquet"))?;
    }
    output::print_line(summary(&found, &args.out.display().to_string()).trim_end())
}

/// A table of encoders for a reader: whole reasons stay in the file.
pub(super) fn summary(found: &Table, file: &str) -> String {
    let columns = views(found);
    let mut shown = vec![
        "name".to_owned(),
        "alignment".to_owned(),
        "uniformity".to_owned(),
    ];
    shown.extend(columns.performances.into_iter().map(|(_, column)| column));
    let places: Vec<Option<usize>> = shown.iter().map(|column| found.column(column)).collect();
    let outcomes: Vec<RowOutcome> = (found.rows().iter())
        .map(|row| RowOutcome::of(found, row))
        .collect();
    shown.push("remark".to_owned());
    let mut rows = vec![shown];
    rows.extend(found.rows().iter().zip(&outcomes).map(|(row, outcome)| {
        let field = |at: &Option<usize>| at.map_or_else(String::new, |at| row[at].clone());
        let mut fields: Vec<String> = places.iter().map(field).collect();
        fields.push(outcome.remark());
        fields
    }));
    let count =
        |is_such: fn(&RowOutcome) -> bool| outcomes.iter().filter(|one| is_such(one)).count();
    let measured = count(|one| matches!(one, RowOutcome::Measured(_)));
    let mut totals = format!("{measured} measured");
    for (number, what) in [
        (count(|one| matches!(one, RowOutcome::Diverged)), "diverged"),
        (count(|one| matches!(one, RowOutcome::Failed(_))), "failed"),
    ] {
        if number > 0 {
            totals += &format!(", {number} {what}");
        }
    }
    let more = if rows
        .iter()
        .any(|row| row.last().is_some_and(|last| last.ends_with('…')))
    {
        "; remarks stand whole in its column notes"
    } else {
        ""
    };
    // Fewer say nothing of a relation.
    let next = if measured >= crate::correlation::LEAST {
        format!("; relate them with: spherescope correlate {file} --name name")
    } else {
        String::new()
    };
    format!(
        "{}\n{file}: {} encoders, {totals}{more}{next}\n",
        table::columns(&rows),
        found.rows().len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: SeriesArgs,
    }

    #[test]
    fn a_series_says_how_to_make_it_without_a_window() {
        let mut plan = MeasurePlan {
            limit: Some(300),
            seed: 4,
            measures: [FeatureKind::Dense, FeatureKind::Pooled]
                .map(Measure::of)
                .to_vec(),
            ..MeasurePlan::default()
        };
        plan.performance.tasks = vec![Task::Dense, Task::Knn];
        plan.performance.ignore = None;
        let made = FolderSeries {
            folder: "/a/checkpoints of mine".into(),
            images: ImagesSource::Builtin(BuiltinConfig {
                kind: BuiltinKind::MultiObject,
                count: 200,
                side: 48,
                seed: 9,
            }),
            plan,
        };
        let line = made.command_line(Path::new("/a/rows.csv"));
        let words = line.replace("'/a/checkpoints of mine'", "/a/checkpoints_of_mine");
        // The first word is the command's name.
        let line = <Line as clap::Parser>::try_parse_from(words.split(' ').skip(1)).unwrap();
        assert_eq!(line.args.plan(), made.plan);
        assert_eq!(line.args.images().unwrap(), made.images);
        assert_eq!(line.args.out, Path::new("/a/rows.csv"));
        assert!(words.contains("series /a/checkpoints_of_mine --builtin"));
    }

    #[test]
    fn a_summary_counts_and_shortens() {
        let mut found = Table::new([
            "name",
            "alignment",
            "uniformity",
            "performance",
            "notes",
            "path",
        ]);
        found.push(["good", "0.1", "-2", "0.5", "", "/a/good.pth"]);
        let long = "failed: /a/bad.pth: the file holds 12 tensors of no known encoder, the first of \
                    them being what.weight (64×3×7×7), which belongs to none; open it with a root";
        found.push(["bad", "", "", "", long, "/a/bad.pth"]);
        found.push([
            "off",
            "",
            "",
            "",
            "the run diverged at step 4: loss nan",
            "",
        ]);
        let text = summary(&found, "s.csv");
        let line = text.lines().nth(2).unwrap();
        assert!(
            line.contains("failed: the file holds 12 tensors") && line.ends_with('…'),
            "{line}"
        );
        assert!(line.chars().count() < 120, "{line}");
        assert!(
            text.contains("s.csv: 3 encoders, 1 measured, 1 diverged, 1 failed"),
            "{text}"
        );
        assert!(text.contains("stand whole in its column notes"), "{text}");
        let mut none = Table::new(["name", "alignment", "notes"]);
        none.push(["x", "", "failed: no"]);
        let text = summary(&none, "s.csv");
        assert!(
            text.contains("0 measured, 1 failed") && !text.contains("correlate"),
            "{text}"
        );
    }
}
