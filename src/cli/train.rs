//! `spherescope train`: a run without a window.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, bail};

use super::{headless, output, render};
use crate::{
    analysis::Analysis,
    app::figure::{FigureTheme, FigureView, Painter},
    compute::{Compute, DevicePolicy},
    progress::Progress,
    training::{Curves, Preset, Run, RunConfig},
};

/// Side of the pictures in pixels.
const PICTURE: [u32; 2] = [1200, 1200];
/// Width and height of the curves' picture.
const CURVES_PICTURE: [u32; 2] = [1600, 1000];

/// Flags of `train`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["config", "preset", "resume", "list"])))]
pub struct TrainArgs {
    /// Settings of a run: TOML, or JSON by its ending. What is left out is as in the preset `healthy`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A prepared run by name; --list shows all.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Goes on with the newest step saved in a folder, there unless --out names another.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Lists the presets with what to look for.
    #[arg(long)]
    list: bool,
    /// Folder for checkpoints, metrics and pictures.
    #[arg(short, long, value_name = "DIR", required_unless_present_any = ["resume", "list"])]
    out: Option<PathBuf>,
    /// Steps in all, instead of the settings'; with --resume no fewer than are done.
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Seed, instead of the settings'.
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// Steps between two saved checkpoints; the last step is always saved.
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
    save_every: u32,
    /// Draws no pictures.
    #[arg(long)]
    no_figures: bool,
    /// Background and inks of the pictures.
    #[arg(long, value_enum, default_value_t = FigureTheme::Light)]
    theme: FigureTheme,
}

/// Runs `train`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &TrainArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    if args.list {
        return list();
    }
    let compute = headless(policy)?;
    let bar = output::Bar::new();
    let outcome = train(args, &compute, &bar);
    bar.finish();
    let Trained { run, curves, probe } = outcome?;
    let folder = args.folder()?;
    if !args.no_figures {
        draw(args, &compute, folder, &curves, &probe)?;
    }
    let numbers = probe.numbers.all().into_iter().filter_map(|figure| {
        let value = figure.value?;
        Some(format!("{} {value:.4}", figure.symbol))
    });
    output::print_line(&format!(
        "{}: step {}, {}",
        folder.display(),
        run.step_count(),
        numbers.collect::<Vec<_>>().join(", ")
    ))
}

fn list() -> anyhow::Result<()> {
    for preset in Preset::ALL {
        output::print_line(&format!(
            "{}\n  {}\n  {}",
            preset.name, preset.title, preset.comment
        ))?;
    }
    Ok(())
}

impl TrainArgs {
    fn folder(&self) -> anyhow::Result<&Path> {
        (self.out.as_deref())
            .or(self.resume.as_deref())
            .context("name a folder: --out DIR")
    }

    /// The run at its first step, or where it was left.
    fn start(&self, compute: &Compute, progress: &Progress) -> anyhow::Result<(Run, Curves)> {
        if let Some(folder) = &self.resume {
            let (mut run, curves) = Run::resume(folder, compute, progress)?;
            if let Some(steps) = self.steps {
                run.set_total_steps(steps)?;
            }
            if run.step_count() >= run.config().steps {
                log::warn!(
                    "the run in {} has done its {} steps: --steps N makes it longer",
                    folder.display(),
                    run.step_count()
                );
            }
            return Ok((run, curves));
        }
        let config = match (&self.config, &self.preset) {
            (Some(path), _) => RunConfig::open(path)?,
            (None, Some(name)) => Preset::named(name)?.config(),
            (None, None) => bail!("name a run: --config FILE, --preset NAME or --resume DIR"),
        };
        let config = RunConfig {
            steps: self.steps.unwrap_or(config.steps),
            seed: self.seed.unwrap_or(config.seed),
            ..config
        };
        Ok((Run::new(config, compute, progress)?, Curves::default()))
    }
}

/// Where a run ended.
struct Trained {
    run: Run,
    curves: Curves,
    probe: Analysis,
}

fn train(args: &TrainArgs, compute: &Compute, bar: &output::Bar) -> anyhow::Result<Trained> {
    let progress = bar.progress();
    let folder = args.folder()?;
    if args.resume.is_none() && Run::is_saved_in(folder) {
        bail!(
            "{} holds a run already: go on with it by --resume, or name another folder",
            folder.display()
        );
    }
    let (mut run, mut curves) = args.start(compute, &progress)?;
    // Until here Ctrl+C just ends the program. From now on the first saves, the second ends it.
    let is_interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_shutdown(interrupt, 130, Arc::clone(&is_interrupted))
        .and_then(|_| signal_hook::flag::register(interrupt, Arc::clone(&is_interrupted)))
        .context("cannot listen for Ctrl+C")?;
    // What was resumed is there already, unless it goes on in another folder.
    let is_there = (args.resume.as_deref()).is_some_and(|resumed| resumed == folder);
    let mut saved_at = is_there.then(|| run.step_count());
    let quiet = Progress::none();
    let total = run.config().steps;
    let mut probe = run.probe(None, &quiet)?;
    curves.note_probe(run.step_count(), &probe);
    while run.step_count() < total && !is_interrupted.load(Ordering::Relaxed) {
        let report = match run.step(&quiet) {
            Ok(report) => report,
            Err(error) => {
                return Err(error).with_context(|| {
                    if saved_at.is_some() {
                        format!("what was saved in {} stays", folder.display())
                    } else {
                        "nothing was saved".to_owned()
                    }
                });
            }
        };
        curves.note(&report);
        if run.config().probe.is_due(report.step) || report.step == total {
            probe = run.probe(Some(&probe), &quiet)?;
            curves.note_probe(report.step, &probe);
        }
        if report.step.is_multiple_of(args.save_every as usize) {
            run.save(folder, &curves)?;
            saved_at = Some(report.step);
        }
        progress.report("training", report.step as u64, Some(total as u64));
    }
    if run.step_count() < total {
        log::warn!(
            "stopped at step {} of {total}; go on with: spherescope train --resume {}",
            run.step_count(),
            folder.display()
        );
        probe = run.probe(Some(&probe), &quiet)?;
    }
    if saved_at != Some(run.step_count()) {
        run.save(folder, &curves)?;
    }
    Ok(Trained { run, curves, probe })
}

fn draw(
    args: &TrainArgs,
    compute: &Compute,
    folder: &Path,
    curves: &Curves,
    probe: &Analysis,
) -> anyhow::Result<()> {
    let painter = match Painter::new(compute, args.theme) {
        Ok(painter) => painter,
        Err(error) => {
            log::warn!("no pictures: {error:#}");
            return Ok(());
        }
    };
    let write = |name: &str, png: &[u8]| {
        output::write_whole(&folder.join(format!("{name}.png")), |file| {
            std::io::Write::write_all(file, png)?;
            Ok(())
        })
    };
    for view in [FigureView::Sphere, FigureView::Circle, FigureView::Plane] {
        write(view.name(), &render::draw(&painter, probe, view, PICTURE)?)?;
    }
    let picture = painter.paint_curves(curves, CURVES_PICTURE)?;
    write("curves", &render::png(&picture)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Whole {
        #[command(flatten)]
        train: TrainArgs,
    }

    #[test]
    fn a_run_that_is_done_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let text = "steps = 2\nbatch = 8\narchitecture = \"tiny:4\"\n\
            [images.builtin]\nkind = \"SingleObject\"\ncount = 16\nside = 16\nseed = 1\n\
            [probe]\nimages = 16\n";
        std::fs::write(&config, text).unwrap();
        let out = folder.path().join("out");
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let train = |flags: &[&str]| {
            let words = ["spherescope"].iter().chain(flags);
            let args = <Whole as clap::Parser>::try_parse_from(words)
                .unwrap()
                .train;
            train(&args, &compute, &output::Bar::new()).map(|done| done.run.step_count())
        };
        let [config, there] = [&config, &out].map(|path| path.display().to_string());
        assert_eq!(train(&["--config", &config, "--out", &there]).unwrap(), 2);
        let written = || {
            [
                "run.toml",
                "metrics.csv",
                "state/latest",
                "step-000002.safetensors",
            ]
            .map(|file| {
                std::fs::metadata(out.join(file))
                    .unwrap()
                    .modified()
                    .unwrap()
            })
        };
        let before = written();
        assert_eq!(train(&["--resume", &there]).unwrap(), 2);
        assert_eq!(written(), before);
        let refused = train(&["--resume", &there, "--steps", "1"]).unwrap_err();
        assert!(
            refused.to_string().contains("at least the 2 that are done"),
            "{refused}"
        );
        assert_eq!(written(), before);
        // Elsewhere it is not there yet.
        let other = folder.path().join("other").display().to_string();
        assert_eq!(train(&["--resume", &there, "--out", &other]).unwrap(), 2);
        assert!(Run::is_saved_in(Path::new(&other)));
        assert_eq!(train(&["--resume", &there, "--steps", "3"]).unwrap(), 3);
        assert_ne!(written()[..3], before[..3]);
    }
}
