//! Headless commands over the same rooms as the window.
//!
//! Figures go to standard output, everything else (progress, warnings, errors) to standard error.
//! Exit codes: 0 done, 1 refused or failed with a message, 2 wrong usage.

mod args;
mod bench;
mod correlate;
mod diagnose;
mod diagnose_series;
mod doctor;
mod export;
mod inspect;
mod inspect_image;
mod landscape;
mod measure;
mod output;
mod render;
mod report;
mod series;
mod sweep;
mod table;
mod train;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Parser, Subcommand};

use crate::{
    app,
    compute::{Compute, DevicePolicy},
};

/// See what a vision encoder learned: its features on the unit sphere, alignment and uniformity
/// measured. Without a command it opens the window.
#[derive(Debug, Parser)]
#[command(name = "spherescope", version, about, propagate_version = true)]
pub struct Cli {
    /// Where to compute: auto takes a hardware GPU when there is one, else the CPU.
    #[arg(long, global = true, value_enum, default_value_t = DevicePolicy::Auto)]
    device: DevicePolicy,

    #[command(flatten)]
    window: WindowArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

/// What the window opens with.
#[derive(Debug, clap::Args)]
struct WindowArgs {
    /// Checkpoints, image folders, tables of encoders or sessions to open, as if dropped on the
    /// window.
    #[arg(value_name = "PATH")]
    open: Vec<PathBuf>,

    /// Session file to use instead of the one in the user's configuration folder.
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
}

impl WindowArgs {
    /// Whether what the window shall open is there: a word that is no path is most likely a
    /// command that was mistyped.
    fn check(&self) -> anyhow::Result<()> {
        let Some(path) = self.open.iter().find(|path| !path.exists()) else {
            return Ok(());
        };
        let word = path.display();
        bail!(
            "'{word}' is neither a file or folder to open nor a command; `spherescope help` lists \
             the commands"
        )
    }
}

#[derive(Debug, Subcommand)]
#[command(subcommand_precedence_over_arg = true)]
enum Command {
    /// Measures alignment and uniformity of an encoder over images.
    Measure(measure::MeasureArgs),
    /// Says whether, how and where the features have collapsed, with the numbers that decided.
    Diagnose(diagnose::DiagnoseArgs),
    /// Shows what a checkpoint holds and how its tensors would be used.
    Inspect(inspect::InspectArgs),
    /// Writes features to a NumPy or safetensors file.
    Features(export::FeaturesArgs),
    /// Draws a view to a PNG file.
    Render(render::RenderArgs),
    /// Looks at one image location by location: similarity, correspondences, colours, as a picture.
    InspectImage(Box<inspect_image::InspectImageArgs>),
    /// Writes a report: pictures, numbers and how they came about. Without arguments, the demo's.
    Report(report::ReportArgs),
    /// Relates alignment and uniformity to performance over a table of encoders.
    Correlate(correlate::CorrelateArgs),
    /// Measures every checkpoint of a folder into a table for `correlate`.
    Series(series::SeriesArgs),
    /// Trains encoders over many settings: a table for `correlate`.
    Sweep(sweep::SweepArgs),
    /// Trains an encoder: checkpoints, metrics and pictures into a folder.
    Train(train::TrainArgs),
    /// Cuts a slice through weight space: surfaces of alignment and uniformity as pictures and
    /// numbers. Without an encoder, the demo's.
    Landscape(landscape::LandscapeArgs),
    /// Lists graphics adapters, says which device is chosen and why, and checks it against the CPU.
    Doctor(doctor::DoctorArgs),
    /// Times the hot paths on the chosen device.
    Bench(bench::BenchArgs),
}

impl Cli {
    /// Runs the command, or the window when there is none.
    ///
    /// # Errors
    /// With the message that the user should see.
    pub fn run(self) -> anyhow::Result<()> {
        let policy = self.device;
        let Some(command) = self.command else {
            self.window.check()?;
            return app::run(app::Options {
                open: self.window.open,
                session: self.window.session,
                policy,
            });
        };
        // The window installs its own logger, which also fills the log view.
        env_logger::Builder::from_env(
            env_logger::Env::default().default_filter_or("spherescope=warn"),
        )
        .format_timestamp(None)
        .format_target(false)
        .init();
        match command {
            Command::Measure(args) => measure::run(&args, policy),
            Command::Diagnose(args) => diagnose::run(&args, policy),
            Command::Inspect(args) => inspect::run(&args, policy),
            Command::Features(args) => export::run(&args, policy),
            Command::Render(args) => render::run(&args, policy),
            Command::InspectImage(args) => inspect_image::run(&args, policy),
            Command::Report(args) => report::run(&args, policy),
            Command::Correlate(args) => correlate::run(&args, policy),
            Command::Series(args) => series::run(&args, policy),
            Command::Sweep(args) => sweep::run(&args, policy),
            Command::Train(args) => train::run(&args, policy),
            Command::Landscape(args) => landscape::run(&args, policy),
            Command::Doctor(args) => doctor::run(&args, policy),
            Command::Bench(args) => bench::run(&args, policy),
        }
    }
}

/// The device for a headless command; says on standard error what was chosen.
fn headless(policy: DevicePolicy) -> anyhow::Result<Compute> {
    let compute = Compute::headless(policy)?;
    let report = compute.report();
    log::info!("computing on {}: {}", report.compute, report.reason);
    Ok(compute)
}

/// An error with its causes, each said once: many a message names its cause already.
pub fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let cause = missing().to_string();
        let named = crate::checkpoint::CheckpointError::Io {
            path: "gone.pth".into(),
            source: missing(),
        };
        assert_eq!(
            told(&named.into()),
            format!("cannot read gone.pth: {cause}")
        );
        let wrapped = anyhow::Error::from(missing()).context("cannot open it");
        assert_eq!(told(&wrapped), format!("cannot open it: {cause}"));
    }
}
