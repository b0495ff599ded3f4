//! Table, findings and figures of the correlation lab as files, with a page that holds them all.

use std::path::Path;

use anyhow::Context as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    exports::free_folder,
    figure::{FigureTheme, Painter},
};
use crate::{
    compute::Compute,
    correlation::{Score, Statistic},
    lab::{Answer, Picture, Trails, svg, svg_grid, svg_map, svg_trails},
    ui::{panels, theme::Tokens},
};

/// Width and height of pictures with axes, in pixels.
const PICTURE: [u32; 2] = [1200, 900];

/// As [`export`], into a folder of the next free name where such files are there already.
///
/// # Errors
/// As [`export`].
pub fn export_apart(
    answer: &Answer,
    trails: Option<&Trails>,
    statistic: Statistic,
    folder: &Path,
    compute: &Compute,
) -> anyhow::Result<String> {
    let own = [
        "series.csv",
        "series.parquet",
        "findings.txt",
        "correlation.html",
    ];
    let mut names = own.map(str::to_owned).to_vec();
    for name in [
        "plane",
        "alignment",
        "uniformity",
        "trends",
        "grid",
        "map",
        "along",
    ] {
        names.extend(["svg", "png"].map(|ending| format!("{name}.{ending}")));
    }
    export(
        answer,
        trails,
        statistic,
        &free_folder(folder, &names),
        compute,
    )
}

/// Writes the table of a series, its findings and figures (SVG, and PNG where an adapter draws) and
/// a page with all of it into a folder; what was written, in words. `statistic` is the score of the
/// map and of the lines along a number.
///
/// # Errors
/// What the system says of a file, with its path.
pub fn export(
    answer: &Answer,
    trails: Option<&Trails>,
    statistic: Statistic,
    folder: &Path,
    compute: &Compute,
) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    answer.table.write(&folder.join("series.csv"))?;
    answer.table.write(&folder.join("series.parquet"))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write("findings.txt", answer.findings.join("\n").as_bytes())?;
    let drawings = drawings(answer, trails, statistic);
    for (name, text) in &drawings {
        write(&format!("{name}.svg"), text.as_bytes())?;
    }
    let page = page(answer, trails, statistic, &drawings).into_string();
    write("correlation.html", page.as_bytes())?;
    let painter = match Painter::new(compute, FigureTheme::Light) {
        Ok(painter) => painter,
        Err(error) => {
            return Ok(format!(
                "Wrote table, page and SVG figures to {}; no PNG: {error:#}",
                folder.display()
            ));
        }
    };
    for (name, picture) in pictures(&painter, answer, trails, statistic)? {
        let path = folder.join(format!("{name}.png"));
        picture
            .save(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(format!(
        "Wrote table, page and figures to {}",
        folder.display()
    ))
}

/// Names of files with their figures as SVG.
fn drawings(
    answer: &Answer,
    trails: Option<&Trails>,
    statistic: Statistic,
) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Picture::ALL
        .map(|picture| (picture.name(), svg(answer, picture)))
        .to_vec();
    if !answer.cells.is_empty() {
        all.push(("grid", svg_grid(answer, Picture::Plane)));
        all.push(("map", svg_map(answer, statistic)));
    }
    if let Some(trails) = trails {
        all.push(("along", svg_trails(trails, statistic)));
    }
    all
}

/// The same views as in the window, as pictures.
fn pictures(
    painter: &Painter,
    answer: &Answer,
    trails: Option<&Trails>,
    statistic: Statistic,
) -> anyhow::Result<Vec<(&'static str, image::RgbaImage)>> {
    let mut all = vec![
        ("plane", painter.paint_series(answer, PICTURE)?),
        (
            "trends",
            painter.panel(&title(answer), PICTURE, |ui| {
                let height = (ui.available_height() - 60.0).max(120.0);
                panels::trend_plots(answer, None, height, ui);
            })?,
        ),
    ];
    if !answer.cells.is_empty() {
        let [rows, columns] = answer.axes();
        // Each tile about 400 pixels wide; the window's own limit on tiles holds here too.
        let side = |tiles: usize, each: u32, more: u32| (tiles.clamp(1, 12) as u32) * each + more;
        let size = [
            side(columns.len(), 400, 60).max(900),
            side(rows.len(), 340, 220).max(700),
        ];
        let picture = painter.panel(&title(answer), size, |ui| {
            panels::tiles_ui(Picture::Plane, answer, None, ui);
        })?;
        all.push(("grid", picture));
        let size = [
            side(columns.len(), 170, 300).max(900),
            side(rows.len(), 80, 240).max(700),
        ];
        let name = format!("{statistic} · {}", title(answer));
        let picture = painter.panel(&name, size, |ui| {
            panels::cells_ui(statistic, answer, ui);
        })?;
        all.push(("map", picture));
    }
    if let Some(trails) = trails {
        let picture = painter.panel(&title(answer), PICTURE, |ui| {
            let height = (ui.available_height() - 60.0).max(120.0);
            panels::trails_plot(trails, statistic, height, ui);
        })?;
        all.push(("along", picture));
    }
    Ok(all)
}

/// What a figure is of.
fn title(answer: &Answer) -> String {
    let question = &answer.question;
    let only = if question.only.is_empty() {
        String::new()
    } else {
        format!(" · {}", question.only_words())
    };
    format!(
        "{} · {}{only} · n = {}",
        question.measure,
        question.task,
        answer.series.len()
    )
}

impl Painter {
    /// A heading with what `draw` makes below it, `size` pixels wide and high.
    ///
    /// # Errors
    /// When the device refuses or is lost.
    pub(super) fn panel(
        &self,
        heading: &str,
        size: [u32; 2],
        mut draw: impl FnMut(&mut egui::Ui),
    ) -> anyhow::Result<image::RgbaImage> {
        self.picture(size, |ui| {
            let tokens = Tokens::of(ui);
            let frame = egui::Frame::new()
                .fill(tokens.surface.panel.0)
                .inner_margin(16);
            egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
                ui.heading(heading);
                draw(ui);
            });
        })
    }
}

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1d2430; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #d8dde6; }
figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; }
.muted { color: #5b6676; }
";

/// One page with findings, scores and figures; its drawings stand in it, so that it can be sent
/// alone.
fn page(
    answer: &Answer,
    trails: Option<&Trails>,
    statistic: Statistic,
    drawings: &[(&str, String)],
) -> Markup {
    let column = trails
        .and_then(|trails| trails.question.column.as_deref())
        .unwrap_or_default();
    let caption = |name: &str| match name {
        "plane" => {
            "Each point an encoder, coloured by performance. Dashed: equal performance of the fitted plane. Arrow: one standard deviation uphill."
        }
        "alignment" => "Alignment against performance.",
        "uniformity" => "Uniformity against performance.",
        "grid" => "Side by side: tiles of one measure and task share axes and colours.",
        "map" => "The score of each part with its 95 % interval over encoders.",
        _ => "The score along a number, with 95 % intervals over encoders.",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Spherescope: correlation" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Alignment, uniformity and performance" }
                p { (title(answer)) }
                h2 { "Findings" }
                @for finding in &answer.findings { p { (finding) } }
                @if let Err(why) = &answer.scores { p { (why) } }
                h2 { "Figures" }
                @for (name, text) in drawings {
                    figure { (PreEscaped(text)) figcaption class="muted" { (caption(name)) } }
                }
                @if let Some(trails) = trails {
                    @for trail in &trails.trails {
                        @if let Err(why) = &trail.places { p class="muted" { (trail.name) ": " (why) } }
                        @if let Some(told) = trail.told(statistic, column) { p { (told) } }
                    }
                }
                @if let Ok(scores) = &answer.scores {
                    h2 { "Scores" }
                    table {
                        tr { th { "Score" } th { "Value" } th { "95 % interval" } th { "p" } th { "What it is" } }
                        @for score in &scores.scores { (row(score)) }
                    }
                    p class="muted" {
                        "n = " (scores.n) ", " (scores.left_out) " left out for want of a number; intervals from "
                        (scores.settings.draws) " bootstrap draws over encoders, p from "
                        (scores.settings.permutations) " permutations of performance, seed "
                        (scores.settings.seed) ", in double precision on the CPU. Names and formulas \
                         are ours: the scalar of Moon, Kim & Choi (2022) is not public."
                    }
                }
                h2 { "Encoders" }
                p class="muted" { "spherescope " (env!("CARGO_PKG_VERSION")) ". The whole table: series.csv." }
            }
        }
    }
}

fn row(score: &Score) -> Markup {
    let signed = |value: f64| format!("{value:+.3}").replace('-', "−");
    html! {
        tr {
            th { (score.statistic) }
            td { (score.value.map_or_else(|| "—".to_owned(), signed)) }
            td {
                @if let Some(interval) = score.interval { (signed(interval.low)) " to " (signed(interval.high)) }
                @else { (score.why_absent.as_deref().unwrap_or("none")) }
            }
            td { (score.p.map_or_else(|| "—".to_owned(), |p| format!("{p:.3}"))) }
            td class="muted" { (score.statistic.formula()) }
        }
    }
}
