//! The plane of the series, and its trends.

use egui::{Ui, Vec2b};
use egui_plot::{
    Arrows, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, Text,
};

use super::{
    super::plane::walked_to,
    axes::{Names, with_axes},
};
use crate::{
    correlation::{Encoder, Score, Statistic},
    lab::{Answer, performance_words},
    ui::{
        Command, Commands, LabCommand,
        colour::ramp,
        theme::{self, Tokens},
        widgets::{caption, caption_line, empty_state, tip, tip_at, view_keys},
    },
};

/// Pointer distance within which a point is hit, in points of the screen.
const REACH: f32 = 10.0;
/// Height of a plot in points, at least and at most.
pub(super) const HEIGHTS: [f32; 2] = [120.0, 900.0];
/// Room below a plot for its legend, in points.
const LEGEND: f32 = 30.0;
/// Lines of equal performance, at most.
const LEVELS: usize = 6;

/// The height of a plot where so much is free, with a line below it.
pub(super) fn height(room: f32, ui: &Ui) -> f32 {
    let scale = theme::mark_scale(ui);
    (room - LEGEND * scale).clamp(HEIGHTS[0] * scale, HEIGHTS[1] * scale)
}

/// Draws the plane of the series in `room` points of height.
pub(super) fn plane_ui(
    answer: &Answer,
    opened_row: Option<usize>,
    room: f32,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if is_empty_ui(answer, ui) {
        return;
    }
    if let Some(index) = plane_plot(answer, opened_row, height(room, ui), ui) {
        commands.push(Command::Lab(LabCommand::OpenEncoder(index)));
    }
    legend_ui(answer, ui);
}

fn is_empty_ui(answer: &Answer, ui: &mut Ui) -> bool {
    if answer.series.is_empty() {
        let [title, next] = if answer.table.rows().is_empty() {
            [
                "No encoder is measured yet",
                "Each appears here as soon as its run is measured.",
            ]
        } else {
            [
                "No encoder has all three numbers",
                "Choose another measure or task.",
            ]
        };
        empty_state(ui, title, next);
        return true;
    }
    false
}

/// The align–uniform plane coloured by performance, with the fitted plane; the encoder that was
/// clicked.
pub fn plane_plot(
    answer: &Answer,
    opened_row: Option<usize>,
    height: f32,
    ui: &mut Ui,
) -> Option<usize> {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let encoders = answer.series.encoders();
    let bounds = [
        widened(encoders.iter().map(|one| one.alignment)),
        widened(encoders.iter().map(|one| one.uniformity)),
    ];
    let measure = &answer.question.measure;
    let names = Names {
        across: format!("L_align, {measure}  ← better"),
        up: format!("← better  L_uniform, {measure}"),
        up_short: "L_uniform".to_owned(),
    };
    let id = format!("plane of the series {bounds:?}");
    let plot = plot(&id, names, bounds, height, ui);
    let response = plot.show(ui, |plot| {
        if let Some(fit) = &answer.fit {
            let levels = fit.levels(LEVELS);
            for &level in &levels {
                if let Some([from, to]) = fit.iso_line(level, bounds) {
                    plot.line(
                        Line::new("equal performance", PlotPoints::from(vec![from, to]))
                            .color(tokens.surface.rule_strong.0)
                            .style(LineStyle::dashed_dense())
                            .width(1.0)
                            .allow_hover(false),
                    );
                    // Named: near an axis a bare number would look like a tick.
                    let words = format!("P {}", level_words(level, &levels));
                    let words = egui::RichText::new(words).small();
                    plot.text(
                        Text::new("", PlotPoint::new(to[0], to[1]), words)
                            .color(tokens.text.weak.0)
                            .anchor(egui::Align2::RIGHT_BOTTOM)
                            .allow_hover(false),
                    );
                }
            }
            let end = [fit.centre[0] + fit.uphill[0], fit.centre[1] + fit.uphill[1]];
            let [tail, tip] = [fit.centre, end].map(|point| PlotPoints::from(vec![point]));
            plot.arrows(
                Arrows::new("uphill", tail, tip)
                    .color(tokens.accent.main.0)
                    .tip_length(10.0 * scale)
                    .allow_hover(false),
            );
        }
        let at = |one: &Encoder| [one.alignment, one.uniformity];
        points(plot, encoders, at, opened_row, tokens, scale)
    });
    finish(
        &response.response,
        &response.inner,
        encoders,
        "alignment across, uniformity upwards",
        ui,
    )
}

/// One of the three numbers.
type Of = fn(&Encoder) -> f64;

/// Draws alignment and uniformity against performance, with straight trends, in `room` points of
/// height.
pub(super) fn trends_ui(
    answer: &Answer,
    opened_row: Option<usize>,
    room: f32,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if is_empty_ui(answer, ui) {
        return;
    }
    let height = height(room - LEGEND * 0.5, ui);
    if let Some(index) = trend_plots(answer, opened_row, height, ui) {
        commands.push(Command::Lab(LabCommand::OpenEncoder(index)));
    }
}

/// Alignment and uniformity, each against performance, side by side; the encoder that was clicked.
pub fn trend_plots(
    answer: &Answer,
    opened_row: Option<usize>,
    height: f32,
    ui: &mut Ui,
) -> Option<usize> {
    let sides: [(&str, Of, Statistic); 2] = [
        ("L_align", |one| one.alignment, Statistic::PearsonAlignment),
        (
            "L_uniform",
            |one| one.uniformity,
            Statistic::PearsonUniformity,
        ),
    ];
    let mut clicked = None;
    ui.columns(2, |columns| {
        for ((name, of, statistic), ui) in sides.into_iter().zip(columns) {
            clicked = trend_plot(answer, name, of, opened_row, height, ui).or(clicked);
            if let Ok(scores) = &answer.scores {
                // On one line: a column would stretch a second one to its width.
                caption_line(ui, &brief(scores.get(statistic)));
            }
        }
    });
    clicked
}

/// A score in a narrow line.
fn brief(score: &Score) -> String {
    let Some(value) = score.value else {
        return score.why_absent.clone().unwrap_or_default();
    };
    let p = score
        .p
        .map_or_else(String::new, |p| format!(", p = {p:.3}"));
    let interval = super::map::short_interval(score.interval);
    format!("r {}{interval}{p}", super::map::signed(value))
}

fn trend_plot(
    answer: &Answer,
    name: &str,
    of: Of,
    opened_row: Option<usize>,
    height: f32,
    ui: &mut Ui,
) -> Option<usize> {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let encoders = answer.series.encoders();
    let bounds = [
        widened(encoders.iter().map(of)),
        widened(encoders.iter().map(|one| one.performance)),
    ];
    let names = Names {
        across: format!("{name}, {}  ← better", answer.question.measure),
        up: format!("{}  → better", performance_words(&answer.question.task)),
        up_short: performance_words(&answer.question.task),
    };
    let id = format!("{name} against performance {bounds:?}");
    let plot = plot(&id, names, bounds, height, ui);
    let response = plot.show(ui, |plot| {
        if let Some(ends) = straight(encoders, of, bounds[0]) {
            plot.line(
                Line::new("trend", PlotPoints::from(ends.to_vec()))
                    .color(tokens.accent.main.0)
                    .width(1.5 * scale)
                    .allow_hover(false),
            );
        }
        let at = |one: &Encoder| [of(one), one.performance];
        points(plot, encoders, at, opened_row, tokens, scale)
    });
    let axes = format!("{name} across, performance upwards");
    finish(&response.response, &response.inner, encoders, &axes, ui)
}

/// Ends of the least-squares line of P on one variable.
pub(super) fn straight(
    encoders: &[Encoder],
    of: impl Fn(&Encoder) -> f64,
    ends: [f64; 2],
) -> Option<[[f64; 2]; 2]> {
    let n = encoders.len() as f64;
    let mean_x = encoders.iter().map(&of).sum::<f64>() / n;
    let mean_p = encoders.iter().map(|one| one.performance).sum::<f64>() / n;
    let (mut squares, mut products) = (0.0, 0.0);
    for one in encoders {
        squares += (of(one) - mean_x).powi(2);
        products += (of(one) - mean_x) * (one.performance - mean_p);
    }
    (squares > 0.0).then(|| ends.map(|x| [x, mean_p + products / squares * (x - mean_x)]))
}

fn plot<'a>(id: &str, names: Names, bounds: [[f64; 2]; 2], height: f32, ui: &Ui) -> Plot<'a> {
    let [x, y] = bounds;
    let plot = Plot::new(id.to_owned())
        .height(height)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(Vec2b::FALSE)
        .default_x_bounds(x[0], x[1])
        .default_y_bounds(y[0], y[1]);
    with_axes(plot, names, height, ui)
}

/// Draws the encoders coloured by performance; their places on the screen.
fn points(
    plot: &mut PlotUi<'_>,
    encoders: &[Encoder],
    at: impl Fn(&Encoder) -> [f64; 2],
    opened_row: Option<usize>,
    tokens: &Tokens,
    scale: f32,
) -> Vec<egui::Pos2> {
    let [low, high] = ends(encoders.iter());
    if let Some(one) = encoders.iter().find(|one| Some(one.row) == opened_row) {
        // Below the point itself: a ring is all that is seen of it.
        plot.points(
            Points::new("", at(one))
                .color(tokens.accent.main.0)
                .radius(8.0 * scale)
                .shape(MarkerShape::Circle)
                .filled(false)
                .allow_hover(false),
        );
    }
    for one in encoders {
        let share = if high > low {
            (one.performance - low) / (high - low)
        } else {
            0.5
        };
        plot.points(
            Points::new("", at(one))
                .color(ramp(&tokens.data.sequential, share as f32))
                .radius(5.0 * scale)
                .shape(MarkerShape::Circle)
                .filled(true)
                .allow_hover(false),
        );
    }
    encoders
        .iter()
        .map(|one| {
            let [x, y] = at(one);
            plot.screen_from_plot(PlotPoint::new(x, y))
        })
        .collect()
}

/// Names the plot, tells of the encoder under the pointer or that the keys have walked to, and says
/// which was chosen.
fn finish(
    response: &egui::Response,
    places: &[egui::Pos2],
    encoders: &[Encoder],
    axes: &str,
    ui: &Ui,
) -> Option<usize> {
    let text = format!(
        "Plot of {} encoders: {axes}, coloured by performance. Arrow keys walk from one to the \
         next, Enter opens it",
        encoders.len()
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &text));
    let scale = theme::mark_scale(ui);
    let under_pointer = response.hover_pos().and_then(|pointer| {
        (places.iter()).position(|place| place.distance(pointer) < REACH * scale)
    });
    if let Some(index) = under_pointer {
        tip(response, |ui| explain_ui(&encoders[index], ui));
        return response.clicked().then_some(index);
    }
    let index = walked_to(ui, response, places.len())?;
    let stroke = (1.5, Tokens::of(ui).accent.main.0);
    (ui.painter_at(response.rect)).circle_stroke(places[index], 8.0 * scale, stroke);
    tip_at(response, places[index], |ui| {
        explain_ui(&encoders[index], ui);
    });
    view_keys(ui, response).is_chosen.then_some(index)
}

pub(super) fn explain_ui(one: &Encoder, ui: &mut Ui) {
    ui.set_max_width(Tokens::of(ui).shape.grid * 40.0);
    ui.label(&one.name);
    ui.label(format!(
        "A {:.4} · U {:.4} · P {:.4}",
        one.alignment, one.uniformity, one.performance
    ));
    let settings = one.about.iter().filter(|(column, value)| {
        let is_long = ["images", "path", "device", "command", "plan"].contains(&column.as_str());
        !value.is_empty() && !column.contains(':') && !is_long
    });
    let words: Vec<String> = settings
        .map(|(column, value)| format!("{column} {value}"))
        .collect();
    caption(ui, words.join(" · "));
    caption(
        ui,
        "A click opens this encoder where the table names its file",
    );
}

/// Colours of performance, and how many encoders there are.
fn legend_ui(answer: &Answer, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let encoders = answer.series.encoders();
    let [low, high] = ends(encoders.iter());
    let left = answer.table.rows().len() - answer.series.len();
    let without = if left > 0 {
        format!(", {left} left out or without all numbers")
    } else {
        String::new()
    };
    let row = ui.horizontal(|ui| {
        caption(ui, format!("P {}", short(low)));
        let size = egui::vec2(tokens.shape.grid * 10.0, tokens.shape.grid);
        let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
        let steps = 32_u8;
        for step in 0..steps {
            let share = f32::from(step) / f32::from(steps);
            let left = egui::lerp(rect.x_range(), share);
            let right = egui::lerp(rect.x_range(), share + 1.0 / f32::from(steps)) + 0.5;
            let part = egui::Rect::from_x_y_ranges(left..=right.min(rect.right()), rect.y_range());
            ui.painter()
                .rect_filled(part, 0.0, ramp(&tokens.data.sequential, share));
        }
        caption(
            ui,
            format!("{} · n = {}{without}", short(high), encoders.len()),
        );
    });
    if answer.fit.is_some() {
        row.response.on_hover_text(
            "Dashed: equal performance of the fitted plane. Arrow: one standard deviation uphill.",
        );
    }
}

/// Least and greatest performance.
pub(super) fn ends<'a>(encoders: impl Iterator<Item = &'a Encoder>) -> [f64; 2] {
    encoders.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], one| {
        [low.min(one.performance), high.max(one.performance)]
    })
}

pub(super) fn widened(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    if !(low.is_finite() && high.is_finite()) {
        return [0.0, 1.0];
    }
    let room = if high > low { 0.08 * (high - low) } else { 0.5 };
    [low - room, high + room]
}

fn short(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

/// A level of equal performance, with the decimals that tell it from the next.
fn level_words(level: f64, levels: &[f64]) -> String {
    let step = match levels {
        [first, second, ..] => second - first,
        _ => 0.01,
    };
    super::axes::tick(level, step)
}
