//! `spherescope measure`: the numbers.

use std::path::PathBuf;

use super::{args::RequestArgs, headless, output, table};
use crate::{analysis::Analysis, compute::DevicePolicy};

/// Flags of `measure`.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// Writes the numbers with everything that decides them as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs `measure`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &MeasureArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let compute = headless(policy)?;
    let analysis = args.request.analyse(&compute, false)?;
    if let Some(path) = &args.json {
        output::write_json(path, &analysis.to_json())?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    output::print_line(text(&analysis).trim_end())
}

/// The numbers for a reader.
pub(super) fn text(analysis: &Analysis) -> String {
    let rows: Vec<Vec<String>> = analysis
        .numbers
        .all()
        .into_iter()
        .map(|figure| {
            let bounds = match (figure.floor, figure.ceiling) {
                (Some(floor), Some(ceiling)) => format!("[{floor:.5}, {ceiling:.5}]"),
                _ => String::new(),
            };
            let note = figure.why_absent.as_ref().map_or_else(
                || figure.population.clone(),
                |why| format!("not computed: {why}"),
            );
            vec![figure.symbol.clone(), figure.text(), bounds, note]
        })
        .collect();
    format!(
        "{}\n{}\n\n{}\n{}\nsphere: {}, mean kept norm {:.4}\n",
        analysis.features.provenance.line(),
        analysis.device.reason,
        table::columns(&rows),
        analysis.request.command_line(),
        analysis.sphere.kind,
        analysis.sphere.mean_kept_norm,
    )
}
