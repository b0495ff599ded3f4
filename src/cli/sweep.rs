//! `spherescope sweep`: many short runs over a grid or a random choice of settings.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};

use super::{headless, output, series};
use crate::{
    app,
    compute::{Compute, DevicePolicy},
    correlation::{ScoreSettings, Statistic},
    lab::{
        AlongQuestion, Answer, Question, Sweep, SweepControl, SweepPlan, SweepPreset, Trails, views,
    },
    progress::Progress,
};

/// Flags of `sweep`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["config", "preset", "resume", "list"])))]
pub struct SweepArgs {
    /// Plan of a sweep: TOML, or JSON by its ending.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A prepared sweep by name; --list shows all.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Goes on with the sweep in a folder.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Lists the prepared sweeps with their runs.
    #[arg(long, conflicts_with_all = ["resume", "out"])]
    list: bool,
    /// Folder for the table and the runs. A sweep of the same plan that is there goes on.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints the plan as TOML instead: a beginning for one of your own.
    #[arg(long, conflicts_with_all = ["resume", "list", "out"])]
    print: bool,
}

/// Runs `sweep`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &SweepArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    if args.list {
        return list();
    }
    let plan = match (&args.config, &args.preset) {
        (Some(path), _) => Some(SweepPlan::open(path)?),
        (None, Some(name)) => Some(SweepPreset::named(name)?.plan()?),
        (None, None) => None,
    };
    if args.print {
        let plan = plan.context("name a plan: --preset NAME or --config FILE")?;
        return output::print_line(plan.to_toml()?.trim_end());
    }
    let Some(folder) = args.out.as_ref().or(args.resume.as_ref()) else {
        bail!("name a folder: --out DIR");
    };
    let compute = headless(policy)?;
    let mut sweep = Sweep::open(folder, plan)?;
    let bar = output::Bar::new();
    let progress = bar.progress();
    // Ctrl+C saves the run under way, the second one ends the program.
    let is_interrupted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let interrupt = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_shutdown(interrupt, 130, Arc::clone(&is_interrupted))
        .and_then(|_| signal_hook::flag::register(interrupt, Arc::clone(&is_interrupted)))
        .context("cannot listen for Ctrl+C")?;
    let watched = progress.clone();
    let mut finished = sweep.state().finished;
    let total = sweep.runs().len();
    let outcome = sweep.drive(&compute, &SweepControl::default(), &progress, |state| {
        if is_interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            watched.cancel();
        }
        if state.finished > finished {
            finished = state.finished;
            let left = state.remaining_s.map_or_else(String::new, |seconds| {
                let rest = Duration::from_secs(seconds.max(0.0) as u64);
                format!(
                    ", about {} min {:02} s left",
                    rest.as_secs() / 60,
                    rest.as_secs() % 60
                )
            });
            bar.say(&format!("{finished} of {total}: {}{left}", state.run));
        }
    });
    bar.finish();
    match outcome {
        Err(error) if error.is_cancelled() => {
            log::warn!(
                "stopped after {finished} of {total} runs; go on with: spherescope sweep --resume {}",
                folder.display()
            );
        }
        other => other?,
    }
    if let Some(told) = report(&sweep, folder, &compute)? {
        log::info!("{told}");
    }
    let file = sweep.table_path().display().to_string();
    output::print_line(series::summary(sweep.table(), &file).trim_end())
}

/// Writes findings and figures of what is finished below the sweep's folder; nothing of fewer than
/// three encoders.
fn report(sweep: &Sweep, folder: &Path, compute: &Compute) -> anyhow::Result<Option<String>> {
    let table = sweep.table();
    let columns = views(table);
    // Kinds of data are what a sweep of several is made to compare.
    let question = Question {
        group: Some("data".to_owned()).filter(|name| columns.groups.contains(name)),
        ..Question::default()
    };
    let (settings, progress) = (ScoreSettings::default(), Progress::none());
    let answer = Answer::new(Arc::new(table.clone()), &question, settings, &progress)?;
    if answer.scores.is_err() {
        return Ok(None);
    }
    let along = Some(sweep.along()).filter(|along| !along.rows().is_empty());
    let followed = AlongQuestion::default();
    let trails = Trails::new(
        along.unwrap_or(table),
        &columns,
        &answer.question,
        &followed,
        settings,
        &progress,
    )?;
    let folder = folder.join("report");
    let statistic = Statistic::MultipleR;
    Ok(Some(app::export_series_into(
        &answer,
        trails.as_ref(),
        statistic,
        &folder,
        compute,
    )?))
}

fn list() -> anyhow::Result<()> {
    for preset in SweepPreset::ALL {
        output::print_line(&format!(
            "{}\n  {}\n  {}",
            preset.name, preset.title, preset.comment
        ))?;
        for run in preset.plan()?.runs()? {
            output::print_line(&format!("    {}", run.name))?;
        }
    }
    Ok(())
}
