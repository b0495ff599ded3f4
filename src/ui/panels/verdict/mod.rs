//! The collapse verdict: words first, then the numbers that decided, their pictures, the table of
//! all kinds, and what centring first would have hidden.

mod evidence;
mod lesson;
mod plots;
mod run;
mod series;
mod table;

use egui::{RichText, ScrollArea, Ui};

use super::opening;
use crate::{
    analysis::{EncoderSource, KindDiagnosis},
    features::FeatureKind,
    ui::{
        Command, Commands, Pane, Snapshot, VerdictPicture, VerdictView, World,
        icons::Icon,
        theme::{self, Tokens},
        widgets::{caption, copy_button, note, section},
    },
};

/// Draws the collapse verdict of the newest results.
pub fn verdict_ui(view: &mut VerdictView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    if !opening(ui, Pane::Verdict, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let shown = world
        .verdict
        .filter(|picture| picture.serial == snapshot.serial || is_of_same_run(picture, snapshot));
    if let Some(why) = world.verdict_failure {
        note(ui, Icon::Failure, &format!("No verdict: {why}"));
        if ui.button("Judge again").clicked() {
            commands.push(Command::JudgeAgain);
        }
    }
    if world.is_export {
        if let Some(picture) = shown {
            body_ui(view, picture, world, commands, ui);
        }
        return;
    }
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let series = world.verdict_series.filter(|state| !state.paths.is_empty());
            if let Some(state) = series {
                series::series_ui(&mut view.series, state, world, commands, ui);
            }
            match shown {
                Some(picture) => body_ui(view, picture, world, commands, ui),
                None if world.verdict_failure.is_none() => {
                    caption(ui, "The verdict is being worked out.");
                }
                None => {}
            }
            // Below the one verdict until there is a table to look at.
            if let (None, Some(state)) = (series, world.verdict_series) {
                series::series_ui(&mut view.series, state, world, commands, ui);
            }
        });
}

/// Whether a verdict is of the run that is shown, maybe of an earlier step.
fn is_of_same_run(picture: &VerdictPicture, snapshot: &Snapshot) -> bool {
    let [judged, shown] = [&picture.report.request, snapshot.request()];
    match (&judged.encoder, &shown.encoder) {
        (EncoderSource::Run { name: judged, .. }, EncoderSource::Run { name: shown, .. }) => {
            judged == shown
        }
        _ => false,
    }
}

fn body_ui(
    view: &mut VerdictView,
    picture: &VerdictPicture,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Some((kind, _)) = picture.of(view.kind) else {
        return;
    };
    kinds_ui(view, picture, kind.kind, world, commands, ui);
    words_ui(kind, ui);
    if let Some(diagnosis) = &kind.diagnosis {
        section(ui, "What decided");
        evidence::evidence_ui(&diagnosis.verdict.evidence, ui);
    }
    section(ui, "Spectrum and cosines");
    plots::plots_ui(picture, ui);
    section(ui, "All figures");
    table::table_ui(&picture.report.kinds, ui);
    if let Some(lesson) = &picture.report.lesson {
        section(ui, "How other viewers hide collapse");
        lesson::lesson_ui(lesson, ui);
    }
    if let (Some(verdicts), Some(run)) = (world.run_verdicts, world.run) {
        section(ui, "Over the run");
        run::run_ui(verdicts, run, ui);
    }
}

/// One button a kind, with its verdict in a few words.
fn kinds_ui(
    view: &mut VerdictView,
    picture: &VerdictPicture,
    shown: FeatureKind,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.horizontal_wrapped(|ui| {
        for kind in &picture.report.kinds {
            let name = kind.kind.name();
            let text = match &kind.diagnosis {
                Some(diagnosis) => format!("{name}: {}", diagnosis.verdict.title()),
                None => format!("{name}: —"),
            };
            let is_there = kind.diagnosis.is_some();
            let button = egui::Button::selectable(kind.kind == shown, text);
            let mut response = ui.add_enabled(is_there, button);
            if let Some(why) = &kind.why_absent {
                response = response.on_disabled_hover_text(why);
            }
            if response.clicked() {
                view.kind = Some(kind.kind);
            }
        }
        if !world.is_export {
            copy_button(ui, "the verdict", || {
                serde_json::to_string_pretty(&picture.report.to_json()).unwrap_or_default()
            });
            let command = Command::Copy {
                what: "the command line".into(),
                text: picture.report.command_line(),
            };
            let about = "The command that gives the same without a window";
            if ui.button("Copy command").on_hover_text(about).clicked() {
                commands.push(command);
            }
        }
    });
}

/// The verdict in words.
fn words_ui(kind: &KindDiagnosis, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let Some(diagnosis) = &kind.diagnosis else {
        let why = kind.why_absent.as_deref().unwrap_or("no reason was given");
        note(ui, Icon::Failure, &format!("No verdict: {why}"));
        return;
    };
    let verdict = &diagnosis.verdict;
    let colour = if verdict.undecided.is_some() {
        tokens.text.weak.0
    } else if verdict.is_healthy() {
        tokens.status.good.0
    } else if verdict.collapses.is_empty() {
        tokens.status.warning.0
    } else {
        tokens.status.error.0
    };
    let title = verdict.title();
    let mut letters = title.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    ui.label(
        RichText::new(first + letters.as_str())
            .text_style(theme::figure_style())
            .color(colour),
    );
    for sentence in verdict.sentences() {
        let text = RichText::new(sentence).color(tokens.text.body.0);
        ui.add(egui::Label::new(text).wrap());
    }
    for warning in &verdict.warnings {
        note(ui, Icon::Warning, warning);
    }
    caption(
        ui,
        format!(
            "{} {} vectors in {} dimensions, plain L2 normalisation",
            diagnosis.rows,
            kind.kind.name(),
            diagnosis.dim
        ),
    );
}
