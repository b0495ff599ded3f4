//! `spherescope diagnose`: whether, how and where the features have collapsed.

use std::path::PathBuf;

use super::{
    args::{RequestArgs, watched},
    diagnose_series, headless, output, table,
};
use crate::{
    analysis::{Cache, DiagnosisReport, KindDiagnosis, Lesson, diagnose},
    compute::DevicePolicy,
    lab::{encoders_among, images_of_run},
    measure::collapse::{CollapseFigure, Diagnosis, Evidence},
};

/// Flags of `diagnose`.
#[derive(Debug, clap::Args)]
pub struct DiagnoseArgs {
    /// Checkpoints, or folders of them: of several, a table with a row each. A saved run is judged over
    /// its own probe scenes unless images are named.
    #[arg(value_name = "PATH", conflicts_with_all = ["checkpoint", "bundled", "untrained"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    request: RequestArgs,
    /// Writes every figure, spectrum and rule with everything that decides them as JSON; "-" is
    /// standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs `diagnose`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &DiagnoseArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let request = match &args.paths[..] {
        [] => args.request.request(false)?,
        [file] if file.is_file() => args.request.request_for(file.clone(), None)?,
        paths => {
            let files = encoders_among(paths)?;
            let (Some(first), folder) = (files.first(), &paths[0]) else {
                anyhow::bail!("no checkpoint was named");
            };
            let images = if paths.len() == 1 {
                images_of_run(folder)
            } else {
                None
            };
            let request = args.request.request_for(first.clone(), images)?;
            return diagnose_series::run(paths, &files, &request, args.json.as_ref(), policy);
        }
    };
    let compute = headless(policy)?;
    let report =
        watched(|progress| diagnose(&request, None, &compute, &mut Cache::headless(), progress))?;
    if let Some(path) = &args.json {
        output::write_json(path, &report.to_json())?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    output::print_line(text(&report).trim_end())
}

/// The verdicts for a reader.
fn text(report: &DiagnosisReport) -> String {
    let mut text = String::new();
    for kind in &report.kinds {
        text += &kind_text(kind);
        text.push('\n');
    }
    if let Some(lesson) = &report.lesson {
        text += &lesson_text(lesson);
    }
    format!(
        "{text}{}\n{}\n",
        report.device.reason,
        report.command_line()
    )
}

fn kind_text(kind: &KindDiagnosis) -> String {
    let Some(diagnosis) = &kind.diagnosis else {
        let why = kind.why_absent.as_deref().unwrap_or("no reason was given");
        return format!("{}: not computed: {why}\n", kind.kind);
    };
    let mut text = format!(
        "{}: {} ({} vectors in {} dimensions)\n",
        kind.kind,
        diagnosis.verdict.title(),
        diagnosis.rows,
        diagnosis.dim
    );
    for sentence in diagnosis.verdict.sentences() {
        text += &format!("  {sentence}\n");
    }
    for warning in &diagnosis.verdict.warnings {
        text += &format!("  Warning: {warning}.\n");
    }
    text += &table::columns(&evidence_rows(diagnosis));
    text += &table::columns(&figure_rows(diagnosis));
    if let Some(provenance) = &kind.provenance {
        text += &format!("  {}\n", provenance.line());
    }
    text
}

fn evidence_rows(diagnosis: &Diagnosis) -> Vec<Vec<String>> {
    let row = |evidence: &Evidence| {
        vec![
            format!("  {}", evidence.of),
            format!("{:.4}", evidence.value),
            evidence.reading.words().to_owned(),
            evidence.rule.clone(),
        ]
    };
    diagnosis.verdict.evidence.iter().map(row).collect()
}

fn figure_rows(diagnosis: &Diagnosis) -> Vec<Vec<String>> {
    let mut rows = vec![
        ["  figure", "value", "uniform", "collapsed", ""]
            .map(String::from)
            .to_vec(),
    ];
    let row = |figure: &CollapseFigure| {
        let reference = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
        vec![
            format!("  {}", figure.symbol),
            number(figure),
            reference(figure.even),
            reference(figure.collapsed),
            figure.note.clone(),
        ]
    };
    rows.extend(diagnosis.figures.iter().map(row));
    rows
}

/// Value with its standard error, or a dash.
pub(super) fn number(figure: &CollapseFigure) -> String {
    match (figure.value, figure.standard_error) {
        (Some(value), Some(error)) => format!("{value:.4} ± {error:.4}"),
        (Some(value), None) => format!("{value:.4}"),
        (None, _) => "—".into(),
    }
}

fn lesson_text(lesson: &Lesson) -> String {
    let mut rows = vec![vec![
        format!(
            "centring first hides it ({} of {} vectors)",
            lesson.rows, lesson.of
        ),
        format!("L_uniform(t={})", lesson.t),
        "mean x·y".to_owned(),
    ]];
    for side in [&lesson.plain, &lesson.centred] {
        rows.push(vec![
            format!("  {}", side.how),
            format!("{:.4}", side.uniformity),
            format!("{:.4}", side.mean_cosine),
        ]);
    }
    table::columns(&rows) + "\n"
}
