//! Scores with their intervals, and what they say in words.

use egui::{RichText, Ui};

use crate::{
    correlation::Score,
    lab::Answer,
    ui::{
        icons::Icon,
        theme::Tokens,
        widgets::{caption, copy_button, note, section},
    },
};

/// Draws findings and the table of scores.
pub(super) fn scores_ui(answer: &Answer, ui: &mut Ui) {
    section(ui, "Findings");
    findings_ui(answer, ui);
    let Ok(scores) = &answer.scores else {
        return;
    };
    section(ui, "Scores");
    egui::Grid::new("scores")
        .num_columns(3)
        .striped(true)
        .show(ui, |ui| {
            let plain = |ui: &mut Ui, name: &str, value: Option<f64>, about: &str| {
                ui.label(name).on_hover_text(about);
                let text = value.map_or_else(|| "—".to_owned(), signed);
                ui.label(RichText::new(text).monospace());
                ui.label("");
                ui.end_row();
            };
            for (place, score) in scores.scores.iter().enumerate() {
                ui.label(score.statistic.name())
                    .on_hover_text(score.statistic.formula());
                let value = score.value.map_or_else(|| "—".to_owned(), signed);
                ui.label(RichText::new(value).monospace());
                caption(ui, detail(score));
                ui.end_row();
                if place == 0 {
                    plain(
                        ui,
                        "adjusted R²",
                        scores.adjusted_r2,
                        "1 − (1 − R²)(n − 1)/(n − 3)",
                    );
                    plain(
                        ui,
                        "leave-one-out R²",
                        scores.leave_one_out_r2,
                        "1 − Σ(p − prediction from the others)² / Σ(p − mean)²",
                    );
                }
            }
        });
    caption(
        ui,
        format!(
            "n = {}; 95 % intervals from {} bootstrap draws over encoders, p from {} permutations \
             of P, seed {}; both take encoders as drawn independently, and p is not corrected for \
             looking at many scores. Names and formulas are ours: the scalar of Moon, Kim & Choi (2022) is \
             not public.",
            scores.n, scores.settings.draws, scores.settings.permutations, scores.settings.seed
        ),
    );
}

/// Draws the findings.
pub(super) fn findings_ui(answer: &Answer, ui: &mut Ui) {
    if let Err(why) = &answer.scores {
        note(ui, Icon::Info, why);
        return;
    }
    for finding in &answer.findings {
        ui.add(egui::Label::new(RichText::new(finding).color(Tokens::of(ui).text.body.0)).wrap());
    }
    copy_button(ui, "the findings", || answer.findings.join("\n"));
}

/// A score in a line.
pub(super) fn words(score: &Score) -> String {
    let Some(value) = score.value else {
        return score
            .why_absent
            .clone()
            .unwrap_or_else(|| "no value".to_owned());
    };
    format!("{} {}", signed(value), detail(score))
}

fn detail(score: &Score) -> String {
    if score.value.is_none() {
        return score.why_absent.clone().unwrap_or_default();
    }
    let interval = score.interval.map_or_else(
        || "no interval".to_owned(),
        |interval| format!("{} to {}", signed(interval.low), signed(interval.high)),
    );
    let p = score
        .p
        .map_or_else(String::new, |p| format!(", p = {p:.3}"));
    format!("({interval}{p})")
}

fn signed(value: f64) -> String {
    format!("{value:+.3}").replace('-', "−")
}
