//! Scores along training, or along a setting, with their intervals.

use egui::{Ui, vec2};
use egui_plot::{HLine, Line, Plot, PlotPoints, Points, Polygon};

use super::{
    axes::{Names, with_axes},
    map::statistic_choice,
    plots::height,
};
use crate::{
    correlation::Statistic,
    lab::{AlongQuestion, Facet, Trail, Trails, facets},
    ui::{
        Command, Commands, LabCommand, LabState, LabView,
        colour::class_colour,
        icons::Icon,
        theme::{self, Tokens},
        widgets::{caption, choice, note},
    },
};

/// Height of the two rows of settings, in points.
const SETTINGS: f32 = 64.0;

/// Height of a line's sentence, in points.
const TOLD: f32 = 44.0;
/// From this height on the sentences have room of their own, in points.
const ROOMY: f32 = 420.0;

/// Draws scores along a number in `room` points of height.
pub(super) fn along_ui(
    view: &mut LabView,
    state: &LabState,
    room: f32,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Some(trails) = &state.trails else {
        caption(
            ui,
            "This table has no column of numbers that its encoders share, such as the step: a \
             sweep that measures along training has one.",
        );
        return;
    };
    settings_ui(view, state, trails, commands, ui);
    let scale = theme::mark_scale(ui);
    // A large view shows the sentences too without scrolling.
    let told = (trails.trails.len() as f32 * TOLD * scale).min(room * 0.3);
    let told = if room > ROOMY * scale { told } else { 0.0 };
    lines_plot(
        trails,
        view.statistic,
        height(room - SETTINGS * scale - told, ui),
        ui,
    );
    for trail in &trails.trails {
        if let Some(told) = trail.told(view.statistic, column(trails)) {
            let ink = Tokens::of(ui).text.body.0;
            ui.add(egui::Label::new(egui::RichText::new(told).color(ink)).wrap());
        }
    }
    let window = if trails.half_width > 0.0 {
        let width = (trails.half_width * 1000.0).round() / 1000.0;
        format!(", each place with all within {width} of it")
    } else {
        String::new()
    };
    caption(
        ui,
        format!(
            "{} rows along {}{window}. Bands: 95 % intervals over encoders.",
            trails.rows,
            column(trails)
        ),
    );
}

fn column(trails: &Trails) -> &str {
    trails.question.column.as_deref().unwrap_or_default()
}

fn settings_ui(
    view: &mut LabView,
    state: &LabState,
    trails: &Trails,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let now = &trails.question;
    let mut ask = |asked: AlongQuestion| commands.push(Command::Lab(LabCommand::Follow(asked)));
    let columns: Vec<(Option<String>, String, &str)> = (trails.columns.iter())
        .map(|name| (Some(name.clone()), name.clone(), ""))
        .collect();
    let mut lines: Vec<(Option<Facet>, String, &str)> =
        vec![(None, "one".to_owned(), "All encoders together")];
    if let Some(answer) = &state.answer {
        let each = facets(&answer.columns).into_iter();
        lines.extend(each.map(|facet| {
            let name = format!("each {facet}");
            (Some(facet), name, "")
        }));
    }
    ui.columns(3, |sides| {
        sides[0].horizontal(|ui| {
            caption(ui, "Along");
            if let Some(column) = choice(ui, "Along", &now.column, &columns) {
                ask(AlongQuestion {
                    column,
                    ..now.clone()
                });
            }
        });
        sides[1].horizontal(|ui| {
            caption(ui, "Lines");
            if let Some(by) = choice(ui, "Lines", &now.by, &lines) {
                ask(AlongQuestion { by, ..now.clone() });
            }
        });
        sides[2].horizontal(|ui| {
            caption(ui, "Score");
            statistic_choice(view, ui);
        });
    });
    ui.horizontal_wrapped(|ui| {
        if let Some(window_percent) = window_ui(now.window_percent, ui) {
            ask(AlongQuestion {
                window_percent,
                ..now.clone()
            });
        }
        legend_ui(trails, ui);
    });
}

/// Draws the width of the sliding window; another one when it changed.
fn window_ui(now: u8, ui: &mut Ui) -> Option<u8> {
    caption(ui, "Window ±");
    let mut percent = now;
    let drag = egui::DragValue::new(&mut percent)
        .range(0..=100)
        .suffix(" %");
    let response = ui.add(drag).on_hover_text(
        "Half the width of the sliding window, percent of the column's range; 0 takes each value by \
         itself",
    );
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Half window in percent")
    });
    (percent != now).then_some(percent)
}

/// Draws the lines with their names alone.
pub fn trails_plot(trails: &Trails, statistic: Statistic, height: f32, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| legend_ui(trails, ui));
    lines_plot(trails, statistic, height, ui);
}

/// Draws the lines.
fn lines_plot(trails: &Trails, statistic: Statistic, height: f32, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    for trail in &trails.trails {
        if let Err(why) = &trail.places {
            note(ui, Icon::Info, &format!("{}: {why}", trail.name));
        }
    }
    let names = Names {
        across: column(trails).to_owned(),
        up: statistic.name().to_owned(),
        up_short: statistic.name().to_owned(),
    };
    let shape: Vec<usize> = (trails.trails.iter())
        .map(|trail| trail.places.as_ref().map_or(0, Vec::len))
        .collect();
    let id = format!("scores along {} {statistic:?} {shape:?}", column(trails));
    let plot = Plot::new(id)
        .height(height)
        .allow_scroll(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(egui::Vec2b::FALSE);
    let response = with_axes(plot, names, height, ui).show(ui, |plot| {
        if statistic != Statistic::MultipleR {
            let zero = HLine::new("no relation", 0.0).color(tokens.surface.rule_strong.0);
            plot.hline(zero.allow_hover(false));
        }
        for (place, trail) in trails.trails.iter().enumerate() {
            let colour = class_colour(tokens, place as u32);
            let [line, lows, highs] = points(trail, statistic);
            for outline in band(&lows, &highs) {
                plot.polygon(
                    Polygon::new("95 % interval", PlotPoints::from(outline.to_vec()))
                        .fill_color(colour.gamma_multiply(0.16))
                        .stroke(egui::Stroke::NONE)
                        .allow_hover(false),
                );
            }
            plot.points(
                Points::new(trail.name.clone(), PlotPoints::from(line.clone()))
                    .color(colour)
                    .radius(3.0 * scale),
            );
            plot.line(
                Line::new(trail.name.clone(), PlotPoints::from(line))
                    .color(colour)
                    .width(1.5 * scale),
            );
        }
    });
    let places = shape.iter().max().copied().unwrap_or(0);
    let text = format!("Plot of {statistic} along {places} places");
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &text));
}

/// The names of the lines in their colours, with how many encoders they rest on.
fn legend_ui(trails: &Trails, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let side = tokens.shape.grid;
    for (place, trail) in trails.trails.iter().enumerate() {
        let (rect, _) = ui.allocate_exact_size(vec2(side, side), egui::Sense::hover());
        let colour = class_colour(tokens, place as u32);
        ui.painter()
            .circle_filled(rect.center(), side * 0.45, colour);
        caption(ui, format!("{}{}", trail.name, counts(trail)));
    }
    if trails.left_out > 0 {
        caption(
            ui,
            format!("and {} more that are not drawn", trails.left_out),
        );
    }
}

fn counts(trail: &Trail) -> String {
    let Ok(places) = &trail.places else {
        return String::new();
    };
    let ns = places.iter().map(|place| place.scores.n);
    match (ns.clone().min(), ns.max()) {
        (Some(least), Some(most)) if least < most => format!(", n = {least} to {most}"),
        (Some(least), _) => format!(", n = {least}"),
        _ => String::new(),
    }
}

/// Values and ends of their intervals.
fn points(trail: &Trail, statistic: Statistic) -> [Vec<[f64; 2]>; 3] {
    let [mut line, mut lows, mut highs] = [const { Vec::new() }; 3];
    for place in trail.places.as_deref().unwrap_or_default() {
        let score = place.scores.get(statistic);
        if let Some(value) = score.value {
            line.push([place.at, value]);
            if let Some(interval) = score.interval {
                lows.push([place.at, interval.low]);
                highs.push([place.at, interval.high]);
            }
        }
    }
    [line, lows, highs]
}

/// The area between two lines at the same places, a part each pair of neighbours: each is convex,
/// the only kind of polygon that is filled rightly.
fn band(lows: &[[f64; 2]], highs: &[[f64; 2]]) -> Vec<[[f64; 2]; 4]> {
    lows.windows(2)
        .zip(highs.windows(2))
        .map(|(low, high)| [low[0], low[1], high[1], high[0]])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_is_made_of_convex_parts() {
        // A band that is narrow in the middle is not convex as a whole.
        let lows = [[0.0, -1.0], [1.0, -0.1], [2.0, -1.0]];
        let highs = [[0.0, 1.0], [1.0, 0.1], [2.0, 1.0]];
        let parts = band(&lows, &highs);
        assert_eq!(parts.len(), 2);
        for part in parts {
            for corner in 0..4 {
                let [a, b, c] = [0, 1, 2].map(|next| part[(corner + next) % 4]);
                let turn = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
                assert!(turn > 0.0, "{part:?}");
            }
        }
    }
}
