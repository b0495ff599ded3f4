//! The map of scores: a cell for each row and column, with its interval.

use egui::{Align2, Sense, Ui, vec2};

use crate::{
    correlation::{Interval, Statistic},
    lab::{Answer, Cell, Question},
    ui::{
        Command, Commands, LabCommand, LabPage, LabView,
        colour::{mix, ramp},
        theme::{self, Tokens},
        widgets::{caption, choice, tip},
    },
};

/// Width and height of a cell, in units of the layout's grid: a score, its interval and n.
const CELL: egui::Vec2 = vec2(12.0, 6.25);

/// The choice of the score that is drawn.
pub(super) fn statistic_choice(view: &mut LabView, ui: &mut Ui) {
    let options = Statistic::ALL.map(|one| (one, one.name().to_owned(), one.formula()));
    if let Some(chosen) = choice(ui, "Score", &view.statistic, &options) {
        view.statistic = chosen;
    }
}

/// Draws the map. A click on a cell asks the cell's question and shows its plane.
pub(super) fn map_ui(view: &mut LabView, answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    let score = |ui: &mut Ui| statistic_choice(view, ui);
    super::facets::facets_ui(answer, ("Score", score), commands, ui);
    if let Some(question) = cells_ui(view.statistic, answer, ui) {
        view.page = LabPage::Plane;
        commands.push(Command::Lab(LabCommand::Ask(question)));
    }
}

/// Draws the cells alone; the question of the one that was clicked.
pub fn cells_ui(statistic: Statistic, answer: &Answer, ui: &mut Ui) -> Option<Question> {
    let question = &answer.question;
    let mut clicked = None;
    let [rows, columns] = answer.axes();
    if rows.is_empty() {
        caption(ui, "Nothing to part the encoders by.");
        return None;
    }
    egui::ScrollArea::horizontal()
        .id_salt("map of scores")
        .show(ui, |ui| {
            egui::Grid::new("map of scores")
                .spacing(vec2(4.0, 4.0))
                .show(ui, |ui| {
                    ui.label("");
                    for column in &columns {
                        name_ui(column, ui);
                    }
                    ui.end_row();
                    for row in rows {
                        name_ui(row, ui);
                        for column in &columns {
                            let cell = answer
                                .cells
                                .iter()
                                .find(|cell| cell.row == row && cell.column == *column);
                            if let Some(cell) = cell {
                                let is_shown = cell.question == *question;
                                if cell_ui(cell, statistic, is_shown, ui) {
                                    clicked = Some(cell.question.clone());
                                }
                            } else {
                                ui.label("");
                            }
                        }
                        ui.end_row();
                    }
                });
        });
    // Multiple R is never below 0, nor is its interval.
    let weak = if statistic == Statistic::MultipleR {
        "p is above 0.05"
    } else {
        "the 95 % interval holds 0"
    };
    caption(
        ui,
        format!(
            "Below each score its 95 % interval and n. Weak colour: {weak}, or fewer than {} \
             encoders (too few). Of many cells some look strong by chance: p is not corrected for \
             that. A click shows a cell's plane.",
            crate::correlation::TOO_FEW
        ),
    );
    clicked
}

/// The name of a row or column, on one line: a grid would break it anywhere.
fn name_ui(name: &str, ui: &mut Ui) {
    let weak = Tokens::of(ui).text.weak.0;
    let text = egui::RichText::new(name).small().color(weak);
    ui.add(egui::Label::new(text).extend());
}

fn cell_ui(cell: &Cell, statistic: Statistic, is_shown: bool, ui: &mut Ui) -> bool {
    let tokens = Tokens::of(ui);
    let grid = tokens.shape.grid * theme::mark_scale(ui);
    let (rect, response) = ui.allocate_exact_size(CELL * grid, Sense::click());
    let [text, detail, count] = words(cell, statistic);
    let told: Vec<&str> = [text.as_str(), &detail, &count]
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    let whole = format!(
        "{}, {}: {statistic} {}",
        cell.row,
        cell.column,
        told.join(", ")
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &whole));
    let fill = fill(cell, statistic, tokens);
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
    let weak = tokens.text.body.0;
    let lines = [
        (text, body, ink),
        (detail, small.clone(), ink),
        (count, small, weak),
    ];
    let lines: Vec<_> = (lines.into_iter())
        .filter(|(text, ..)| !text.is_empty())
        .collect();
    let gap = (rect.height() - lines.iter().map(|(_, font, _)| font.size).sum::<f32>())
        / (lines.len() + 1) as f32;
    let mut top = rect.center_top() + vec2(0.0, gap);
    for (text, font, ink) in lines {
        let below = font.size + gap;
        painter.text(top, Align2::CENTER_TOP, text, font, ink);
        top.y += below;
    }
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

/// The colour of a cell: weak where the score says little.
fn fill(cell: &Cell, statistic: Statistic, tokens: &Tokens) -> egui::Color32 {
    let scores = cell.scores.as_ref().ok();
    let Some((scores, score)) = scores.map(|scores| (scores, scores.get(statistic))) else {
        return tokens.surface.control.0;
    };
    let Some(value) = score.value else {
        return tokens.surface.control.0;
    };
    let is_of_one_scale = statistic.bounds().is_some()
        || matches!(
            statistic,
            Statistic::BetaAlignment | Statistic::BetaUniformity
        );
    let share = if is_of_one_scale {
        0.5 + 0.5 * value
    } else {
        0.5
    };
    let colour = ramp(&tokens.data.diverging, share as f32);
    let is_open = if statistic == Statistic::MultipleR {
        score.p.is_none_or(|p| p > 0.05)
    } else {
        score.interval.is_none_or(Interval::holds_zero)
    };
    let is_weak = scores.is_too_few || is_open;
    mix(
        tokens.surface.panel.0,
        colour,
        if is_weak { 0.3 } else { 0.8 },
    )
}

/// The score, its interval, and of how many encoders; flagged where they are too few.
fn words(cell: &Cell, statistic: Statistic) -> [String; 3] {
    let scores = cell.scores.as_ref().ok();
    let is_too_few = scores.is_none_or(|scores| scores.is_too_few);
    let few = if is_too_few { ", too few" } else { "" };
    let count = format!("n = {}{few}", cell.series.len());
    let score = scores.map(|scores| scores.get(statistic));
    let value = score.and_then(|score| score.value);
    // Of too few an interval says nothing.
    let interval = score
        .and_then(|score| score.interval)
        .filter(|_| !is_too_few);
    [
        value.map_or_else(|| "—".to_owned(), signed),
        short_interval(interval).trim_start().to_owned(),
        count,
    ]
}

/// A score with its sign, short.
pub(super) fn signed(value: f64) -> String {
    format!("{value:+.2}").replace('-', "−")
}

/// An interval in brackets, short, with a space before; nothing where there is none.
pub(super) fn short_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| {
        format!(" [{:.2}, {:.2}]", interval.low, interval.high).replace('-', "−")
    })
}
