//! `spherescope inspect`: the key report.

use std::path::PathBuf;

use super::output;
use crate::checkpoint::{self, OpenOptions};

/// Flags of `inspect`.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// Checkpoint file.
    #[arg(value_name = "FILE")]
    checkpoint: PathBuf,
    /// Which network of a file that holds several: its path in the file, as the report lists it.
    #[arg(long, value_name = "PATH")]
    root: Option<String>,
    /// Writes the report as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs `inspect`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let options = OpenOptions {
        root: args.root.clone(),
    };
    let report = checkpoint::inspect_with(&args.checkpoint, &options)?;
    if let Some(path) = &args.json {
        output::write_json(path, &serde_json::to_value(&report)?)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    output::print_line(report.to_string().trim_end())
}
