//! `spherescope inspect`: the key report.

use std::path::PathBuf;

use super::output;
use crate::{
    checkpoint::{self, OpenOptions},
    compute::{Compute, DevicePolicy},
};

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
pub fn run(args: &InspectArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let options = OpenOptions {
        root: args.root.clone(),
    };
    // Nothing is computed here; this is what would.
    let device = || anyhow::Ok(serde_json::to_value(Compute::headless(policy)?.report())?);
    let (report, fault) = match checkpoint::inspect_with_fault(&args.checkpoint, &options) {
        Ok(found) => found,
        Err(refusal) => {
            if let Some(path) = &args.json {
                let value = serde_json::json!({
                    "file": args.checkpoint,
                    "refused": refusal.to_string(),
                    "device": device()?,
                });
                output::write_json(path, &value)?;
            }
            return Err(refusal.into());
        }
    };
    if let Some(path) = &args.json {
        let mut value = serde_json::to_value(&report)?;
        value["device"] = device()?;
        output::write_json(path, &value)?;
    }
    if args.json.as_deref() != Some(std::path::Path::new("-")) {
        output::print_line(report.to_string().trim_end())?;
    }
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}
