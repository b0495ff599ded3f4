//! `spherescope report`: one folder with pictures, numbers and how they came about.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    args::{RequestArgs, watched},
    diagnose::number,
    headless, output,
    render::{draw, png},
};
use crate::{
    analysis::{Analysis, Cache, DiagnosisReport, Figure, KindDiagnosis, diagnose},
    app::figure::{FigureTheme, FigureView, Painter},
    compute::DevicePolicy,
};

/// Flags of `report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// Folder to write; made when it does not exist.
    #[arg(short, long, value_name = "DIR", default_value = "spherescope-report")]
    out: PathBuf,
}

/// The report's pictures: view, file name, size in pixels, caption.
const PICTURES: [(FigureView, &str, [u32; 2], &str); 4] = [
    (
        FigureView::Sphere,
        "sphere.png",
        [1000, 1000],
        "Features on the unit sphere S².",
    ),
    (
        FigureView::Circle,
        "circle.png",
        [1000, 1000],
        "Features on the unit circle S¹ with von Mises–Fisher densities.",
    ),
    (
        FigureView::Pairs,
        "pairs.png",
        [1000, 600],
        "Distances of positive pairs.",
    ),
    (
        FigureView::Plane,
        "plane.png",
        [1000, 800],
        "The align–uniform plane with floor and ceiling.",
    ),
];

/// Runs `report`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &ReportArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let compute = headless(policy)?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let analysis = args.request.analyse(&compute, true)?;
    let verdict = watched(|progress| {
        let cache = &mut Cache::headless();
        diagnose(
            &analysis.request,
            Some(&analysis),
            &compute,
            cache,
            progress,
        )
    })?;
    let verdict = Arc::new(verdict);
    let pictures = match Painter::new(&compute, FigureTheme::Light) {
        Ok(painter) => {
            let mut drawn = pictures(&painter, &analysis, &args.out)?;
            drawn.push(verdict_picture(&painter, &analysis, &verdict, &args.out)?);
            drawn
        }
        Err(error) => {
            // Numbers do not need a graphics adapter: a report without pictures is still one.
            log::warn!("no pictures: {error:#}");
            Vec::new()
        }
    };
    output::write_json(&args.out.join("numbers.json"), &analysis.to_json())?;
    output::write_json(&args.out.join("verdict.json"), &verdict.to_json())?;
    let page = page(&analysis, &verdict, &pictures).into_string();
    let path = args.out.join("report.html");
    output::write_whole(&path, |file| {
        std::io::Write::write_all(file, page.as_bytes())?;
        Ok(())
    })?;
    output::print_line(&format!("{}", path.display()))
}

type Picture = (&'static str, &'static str);

fn pictures(painter: &Painter, analysis: &Analysis, out: &Path) -> anyhow::Result<Vec<Picture>> {
    PICTURES
        .into_iter()
        .map(|(view, name, size, caption)| {
            let png = draw(painter, analysis, view, size)?;
            output::write_whole(&out.join(name), |file| {
                std::io::Write::write_all(file, &png)?;
                Ok(())
            })?;
            Ok((name, caption))
        })
        .collect()
}

/// The panel as it stands in the window, whole.
fn verdict_picture(
    painter: &Painter,
    analysis: &Analysis,
    verdict: &Arc<DiagnosisReport>,
    out: &Path,
) -> anyhow::Result<Picture> {
    let image = painter.paint_verdict(analysis, Arc::clone(verdict), [1000, 2900])?;
    let png = png(&image)?;
    let name = "verdict.png";
    output::write_whole(&out.join(name), |file| {
        std::io::Write::write_all(file, &png)?;
        Ok(())
    })?;
    Ok((
        name,
        "The collapse verdict, its evidence and its references.",
    ))
}

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #1d2430; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d8dde6; }
code { font-size: .9em; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; }
.muted { color: #5b6676; }
";

fn page(analysis: &Analysis, verdict: &DiagnosisReport, pictures: &[Picture]) -> Markup {
    let skipped = analysis.images.skipped();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Spherescope: " (analysis.request.encoder.title()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (analysis.request.encoder.title()) " over " (analysis.images.name()) }
                p { (analysis.features.provenance.line()) }
                h2 { "Numbers" }
                (numbers(analysis))
                h2 { "Collapse verdict" }
                @for kind in &verdict.kinds { (verdict_section(kind)) }
                @if pictures.is_empty() {
                    p { "No pictures: this machine offers no graphics adapter to draw with." }
                }
                div class="pictures" {
                    @for (file, caption) in pictures {
                        figure { img src=(file) alt=(caption); figcaption { (caption) } }
                    }
                }
                p class="muted" {
                    "Sphere: " (analysis.sphere.kind) ", mean kept norm "
                    (format!("{:.4}", analysis.sphere.mean_kept_norm))
                    ". Circle: " (analysis.circle.kind) ", mean kept norm "
                    (format!("{:.4}", analysis.circle.mean_kept_norm)) "."
                }
                h2 { "Checkpoint" }
                pre { code { (analysis.report) } }
                h2 { "Device" }
                p { (analysis.device.compute) ": " (analysis.device.reason) }
                @if !skipped.is_empty() {
                    h2 { (skipped.len()) " files skipped" }
                    ul { @for file in &skipped { li { code { (file.name) } ": " (file.reason) } } }
                }
                h2 { "The same numbers again" }
                p { code { (analysis.request.command_line()) } }
                p { code { (verdict.command_line()) } }
                p {
                    a href="numbers.json" { "numbers.json" } " and "
                    a href="verdict.json" { "verdict.json" }
                    " hold every number with its provenance."
                }
            }
        }
    }
}

fn verdict_section(kind: &KindDiagnosis) -> Markup {
    let reference =
        |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |v| format!("{v:.4}"));
    html! {
        h3 { (kind.kind.name()) }
        @if let Some(diagnosis) = &kind.diagnosis {
            p { strong { (diagnosis.verdict.title()) } }
            @for sentence in diagnosis.verdict.sentences() { p { (sentence) } }
            @for warning in &diagnosis.verdict.warnings { p class="muted" { "Warning: " (warning) "." } }
            table {
                tr { th { "Rule" } th { "Value" } th { "Threshold" } th { "" } }
                @for found in &diagnosis.verdict.evidence {
                    tr {
                        th { (found.of) }
                        td { (format!("{:.4}", found.value)) }
                        td { (format!("{:.4}", found.threshold)) }
                        td { (found.reading.words()) ": " (found.rule) }
                    }
                }
            }
            table {
                tr { th { "" } th { "Value" } th { "Even features" } th { "Collapsed" } th { "Formula" } }
                @for figure in &diagnosis.figures {
                    tr {
                        th { (figure.symbol) }
                        td { (number(figure)) }
                        td { (reference(figure.even)) }
                        td { (reference(figure.collapsed)) }
                        td { (figure.formula) br; span class="muted" { (figure.note) } }
                    }
                }
            }
        } @else {
            p class="muted" { "Not computed: " (kind.why_absent.as_deref().unwrap_or("no reason was given")) }
        }
    }
}

fn numbers(analysis: &Analysis) -> Markup {
    html! {
        table {
            tr { th { "" } th { "Value" } th { "Floor … ceiling" } th { "Formula and population" } th { "Reading" } }
            @for figure in analysis.numbers.all() { (row(figure)) }
        }
    }
}

fn row(figure: &Figure) -> Markup {
    let bound = |bound: Option<f64>| bound.map_or_else(|| "—".to_owned(), |b| format!("{b:.5}"));
    html! {
        tr {
            th { (figure.symbol) }
            td { (figure.text()) }
            td { (bound(figure.floor)) " … " (bound(figure.ceiling)) }
            td {
                (figure.formula)
                br;
                span class="muted" {
                    @if let Some(why) = &figure.why_absent { "not computed: " (why) }
                    @else { (figure.population) }
                }
            }
            td class="muted" { (figure.reading) }
        }
    }
}
