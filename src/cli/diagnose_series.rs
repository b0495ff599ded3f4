//! `spherescope diagnose` over several checkpoints: a table of verdicts.

use std::path::PathBuf;

use super::{args::watched, headless, output, table};
use crate::{
    analysis::Request,
    compute::DevicePolicy,
    lab::{VERDICT_COLUMNS, VerdictRow, VerdictSeries, verdict_series},
};

/// Judges `files`, named by `paths`, and prints a row each.
///
/// # Errors
/// With the message for the user.
pub(super) fn run(
    paths: &[PathBuf],
    files: &[PathBuf],
    request: &Request,
    json: Option<&PathBuf>,
    policy: DevicePolicy,
) -> anyhow::Result<()> {
    let compute = headless(policy)?;
    let series =
        watched(|progress| verdict_series(files, request, None, &compute, progress, |_| {}))?;
    if let Some(path) = json {
        let mut value = series.to_json();
        value["command"] = series.command_line(paths).into();
        output::write_json(path, &value)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    output::print_line(text(&series, paths).trim_end())
}

/// The table for a reader.
fn text(series: &VerdictSeries, paths: &[PathBuf]) -> String {
    let mut rows = vec![
        ["checkpoint", "verdict", "N", "d"]
            .into_iter()
            .chain(VERDICT_COLUMNS.map(|(_, title)| title))
            .map(str::to_owned)
            .collect(),
    ];
    rows.extend(series.rows.iter().map(cells));
    let mut text = table::columns(&rows);
    for row in &series.rows {
        if let Some(why) = &row.why_absent {
            text += &format!("{}: not judged: {why}\n", row.name);
        }
        let warnings = row.found.iter().flat_map(|found| &found.verdict.warnings);
        for warning in warnings {
            text += &format!("{}: warning: {warning}\n", row.name);
        }
    }
    if let Some(found) = series.rows.iter().find_map(|row| row.found.as_ref()) {
        text += &format!("the first judged: {}\n", found.provenance);
    }
    format!(
        "{text}{}\n{}\n",
        series.device.reason,
        series.command_line(paths)
    )
}

fn cells(row: &VerdictRow) -> Vec<String> {
    let mut cells = vec![row.name.clone(), row.title()];
    let Some(found) = &row.found else {
        return cells;
    };
    cells.extend([found.rows, found.dim].map(|count| count.to_string()));
    cells.extend(VERDICT_COLUMNS.map(|(name, _)| {
        found
            .figure(name)
            .map_or_else(|| "—".to_owned(), |value| format!("{value:.4}"))
    }));
    cells
}
