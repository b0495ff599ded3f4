//! `spherescope measure`: the numbers.

use std::path::PathBuf;

use serde_json::json;

use super::{args::RequestArgs, headless, output, series::PerformanceArgs, table};
use crate::{
    analysis::{Analysis, Cache},
    compute::DevicePolicy,
    lab::{Judgement, performance},
};

/// Flags of `measure`.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    performance: PerformanceArgs,
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
    let is_judged = !args.performance.performance.is_empty();
    let judged = if is_judged {
        let settings = args.performance.settings();
        let request = &analysis.request;
        let cache = &mut Cache::headless();
        let bar = output::Bar::new();
        let judged = performance(request, &settings, &compute, cache, &bar.progress());
        bar.finish();
        judged?
    } else {
        Vec::new()
    };
    if let Some(path) = &args.json {
        let mut value = analysis.to_json();
        if is_judged {
            value["performance"] = json!({
                "settings": args.performance.settings(),
                "tasks": judged,
            });
        }
        output::write_json(path, &value)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    let mut command = analysis.request.command_line();
    if is_judged {
        for (name, value) in args.performance.settings().flags() {
            command += &format!(" --{name} {value}");
        }
    }
    let mut text = text(&analysis, &command);
    if is_judged {
        text += &judgements(&judged);
    }
    output::print_line(text.trim_end())
}

/// Performance for a reader.
fn judgements(judged: &[Judgement]) -> String {
    let mut rows = Vec::new();
    let mut notes = String::new();
    for judgement in judged {
        let name = format!("{} {}", judgement.task, judgement.metric);
        let Some(value) = judgement.value else {
            let why = judgement.why_absent.clone().unwrap_or_default();
            rows.push(vec![name, "—".to_owned(), format!("not computed: {why}")]);
            continue;
        };
        let error = judgement.standard_error;
        let value = format!(
            "{value:.4}{}",
            error.map_or_else(String::new, |e| format!(" ± {e:.4}"))
        );
        let chance = judgement
            .chance
            .map_or_else(String::new, |c| format!("chance {c:.4}"));
        rows.push(vec![name, value, chance]);
        for (what, value) in &judgement.more {
            let value = value.map_or_else(|| "—".to_owned(), |value| format!("{value:.4}"));
            rows.push(vec![format!("  {what}"), value]);
        }
        notes += &format!(
            "{}: {}; {}",
            judgement.task, judgement.formula, judgement.population
        );
        if let Some(fit) = judgement.fit {
            let end = if fit.is_converged {
                "converged"
            } else {
                "NOT converged"
            };
            notes += &format!(
                "; {end} after {} iterations, gradient {:.1e}",
                fit.iterations, fit.gradient
            );
        }
        notes.push('\n');
    }
    format!("\n{}\n{notes}", table::columns(&rows))
}

/// The numbers for a reader, with the command that repeats them.
pub(super) fn text(analysis: &Analysis, command: &str) -> String {
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
        command,
        analysis.sphere.kind,
        analysis.sphere.mean_kept_norm,
    )
}
