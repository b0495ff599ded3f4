//! The map of scores: groups, or measures, down; tasks across.

use egui::{Align2, Sense, Ui, vec2};

use crate::{
    correlation::{Score, Statistic},
    lab::{Answer, Cell, Question},
    ui::{
        Command, Commands, LabCommand, LabView,
        colour::{mix, ramp},
        theme::{self, Tokens},
        widgets::{caption, choice, labelled, tip},
    },
};

/// Which score is drawn.
pub(super) fn statistic_ui(view: &mut LabView, ui: &mut Ui) {
    let options = Statistic::ALL.map(|one| (one, one.name().to_owned(), one.formula()));
    if let Some(chosen) = labelled(ui, "Score", |ui| {
        choice(ui, "Score", &view.statistic, &options)
    }) {
        view.statistic = chosen;
    }
}

/// Draws the map. A click on a cell asks the cell's question.
pub(super) fn map_ui(view: &mut LabView, answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    let question = &answer.question;
    let mut options = vec![(
        None,
        "the measures".to_owned(),
        "each pair of A and U a row",
    )];
    options.extend(
        answer
            .columns
            .groups
            .iter()
            .map(|name| (Some(name.clone()), name.clone(), "")),
    );
    if let Some(group) = labelled(ui, "Rows", |ui| {
        choice(ui, "Rows of the map", &question.group, &options)
    }) {
        commands.push(Command::Lab(LabCommand::Ask(Question {
            group,
            only: None,
            ..question.clone()
        })));
    }
    statistic_ui(view, ui);
    let [rows, columns] = answer.axes();
    if rows.is_empty() {
        caption(ui, "Nothing to part the encoders by.");
        return;
    }
    egui::ScrollArea::horizontal()
        .id_salt("map of scores")
        .show(ui, |ui| {
            egui::Grid::new("map of scores")
                .spacing(vec2(4.0, 4.0))
                .show(ui, |ui| {
                    ui.label("");
                    for column in &columns {
                        caption(ui, *column);
                    }
                    ui.end_row();
                    for row in rows {
                        caption(ui, row);
                        for column in &columns {
                            let cell = answer
                                .cells
                                .iter()
                                .find(|cell| cell.row == row && cell.column == *column);
                            if let Some(cell) = cell {
                                let is_shown = cell.question == *question;
                                if cell_ui(cell, view.statistic, is_shown, ui) {
                                    commands
                                        .push(Command::Lab(LabCommand::Ask(cell.question.clone())));
                                }
                            }
                        }
                        ui.end_row();
                    }
                });
        });
    // Multiple R is never below 0, nor is its interval.
    let weak = if view.statistic == Statistic::MultipleR {
        "p is above 0.05"
    } else {
        "the 95 % interval holds 0"
    };
    caption(
        ui,
        format!("A click shows a cell's encoders. Weak colour: {weak}, or too few."),
    );
}

fn cell_ui(cell: &Cell, statistic: Statistic, is_shown: bool, ui: &mut Ui) -> bool {
    let tokens = Tokens::of(ui);
    let grid = tokens.shape.grid * theme::mark_scale(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(grid * 12.0, grid * 5.0), Sense::click());
    let score = cell
        .scores
        .as_ref()
        .ok()
        .map(|scores| (scores.n, scores.is_too_few, scores.get(statistic)));
    let (text, detail) = words(score);
    let whole = format!(
        "{}, {}: {statistic} {text}, {detail}",
        cell.row, cell.column
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &whole));
    let fill = match score {
        Some((
            _,
            is_too_few,
            Score {
                value: Some(value),
                interval,
                p,
                ..
            },
        )) => {
            let share = if statistic.bounds().is_some() {
                0.5 + 0.5 * value
            } else {
                0.5
            };
            let colour = ramp(&tokens.data.diverging, share as f32);
            let is_open = if statistic == Statistic::MultipleR {
                p.is_none_or(|p| p > 0.05)
            } else {
                interval.is_none_or(crate::correlation::Interval::holds_zero)
            };
            let is_weak = is_too_few || is_open;
            mix(
                tokens.surface.panel.0,
                colour,
                if is_weak { 0.3 } else { 0.8 },
            )
        }
        _ => tokens.surface.control.0,
    };
    let painter = ui.painter();
    painter.rect_filled(rect, f32::from(tokens.shape.corner), fill);
    if is_shown || response.has_focus() || response.hovered() {
        let stroke = egui::Stroke::new(2.0, tokens.accent.main.0);
        painter.rect_stroke(
            rect,
            f32::from(tokens.shape.corner),
            stroke,
            egui::StrokeKind::Inside,
        );
    }
    let body = egui::TextStyle::Body.resolve(ui.style());
    let small = egui::TextStyle::Small.resolve(ui.style());
    let ink = tokens.text.strong.0;
    painter.text(
        rect.center_top() + vec2(0.0, grid * 0.5),
        Align2::CENTER_TOP,
        text,
        body,
        ink,
    );
    painter.text(
        rect.center_bottom() - vec2(0.0, grid * 0.5),
        Align2::CENTER_BOTTOM,
        &detail,
        small,
        ink,
    );
    if response.hovered() {
        tip(&response, |ui| {
            ui.label(format!("{} · {}", cell.row, cell.column));
            match &cell.scores {
                Ok(scores) => {
                    ui.label(format!(
                        "{statistic}: {}",
                        super::scores::words(scores.get(statistic))
                    ));
                    caption(ui, format!("n = {}", scores.n));
                }
                Err(why) => {
                    caption(ui, why);
                }
            }
        });
    }
    response.clicked()
}

fn words(score: Option<(usize, bool, &Score)>) -> (String, String) {
    match score {
        Some((
            n,
            is_too_few,
            Score {
                value: Some(value),
                interval,
                ..
            },
        )) => {
            let few = if is_too_few { ", too few" } else { "" };
            let detail = match interval {
                Some(interval) if !is_too_few => {
                    format!("{:.2} to {:.2}", interval.low, interval.high).replace('-', "−")
                }
                _ => format!("n = {n}{few}"),
            };
            (format!("{value:+.2}").replace('-', "−"), detail)
        }
        Some((n, ..)) => ("—".to_owned(), format!("n = {n}")),
        None => ("—".to_owned(), "too few".to_owned()),
    }
}
