//! The plane of the series, its trends, and scores along a number.

use egui::{Ui, Vec2b};
use egui_plot::{
    Arrows, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, Polygon,
    Text,
};

use super::{super::plane::walked_to, map::statistic_ui};
use crate::{
    correlation::{Encoder, Statistic},
    lab::{Answer, Question},
    ui::{
        Command, Commands, LabCommand, LabView,
        colour::ramp,
        theme::{self, Tokens},
        widgets::{caption, choice, empty_state, labelled, note, tip, tip_at, view_keys},
    },
};

/// Pointer distance within which a point is hit, in points of the screen.
const REACH: f32 = 10.0;
/// Height of a plot in points, at least.
const LEAST_HEIGHT: f32 = 220.0;
/// Lines of equal performance, at most.
const LEVELS: usize = 6;

/// Draws the plane of the series.
pub(super) fn plane_ui(answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    if is_empty_ui(answer, ui) {
        return;
    }
    if let Some(index) = plane_plot(answer, LEAST_HEIGHT * theme::mark_scale(ui), ui) {
        commands.push(Command::Lab(LabCommand::OpenEncoder(index)));
    }
    legend_ui(answer, ui);
}

fn is_empty_ui(answer: &Answer, ui: &mut Ui) -> bool {
    if answer.series.is_empty() {
        empty_state(
            ui,
            "No encoder has all three numbers",
            "Choose another measure or task.",
        );
        return true;
    }
    false
}

/// The align–uniform plane coloured by performance, with the fitted plane; the encoder that was
/// clicked.
pub fn plane_plot(answer: &Answer, height: f32, ui: &mut Ui) -> Option<usize> {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let encoders = answer.series.encoders();
    let bounds = [
        widened(encoders.iter().map(|one| one.alignment)),
        widened(encoders.iter().map(|one| one.uniformity)),
    ];
    let measure = &answer.question.measure;
    let names = [
        format!("L_align, {measure}  ← better"),
        format!("← better  L_uniform, {measure}"),
    ];
    let plot = plot(
        &format!("plane of the series {bounds:?}"),
        names,
        bounds,
        height,
    );
    let response = plot.show(ui, |plot| {
        if let Some(fit) = &answer.fit {
            for level in fit.levels(LEVELS) {
                if let Some([from, to]) = fit.iso_line(level, bounds) {
                    plot.line(
                        Line::new("equal performance", PlotPoints::from(vec![from, to]))
                            .color(tokens.surface.rule_strong.0)
                            .style(LineStyle::dashed_dense())
                            .width(1.0)
                            .allow_hover(false),
                    );
                    let words = egui::RichText::new(short(level)).small();
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
        points(
            plot,
            encoders,
            |one| [one.alignment, one.uniformity],
            tokens,
            scale,
        )
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

/// Draws alignment and uniformity against performance, with straight trends.
pub(super) fn trends_ui(answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    if is_empty_ui(answer, ui) {
        return;
    }
    let height = 0.8 * LEAST_HEIGHT * theme::mark_scale(ui);
    let sides: [(&str, Of, Statistic); 2] = [
        ("L_align", |one| one.alignment, Statistic::PearsonAlignment),
        (
            "L_uniform",
            |one| one.uniformity,
            Statistic::PearsonUniformity,
        ),
    ];
    for (name, of, statistic) in sides {
        if let Some(index) = trend_plot(answer, name, of, height, ui) {
            commands.push(Command::Lab(LabCommand::OpenEncoder(index)));
        }
        if let Ok(scores) = &answer.scores {
            caption(
                ui,
                format!(
                    "{name} alone: {}",
                    super::scores::words(scores.get(statistic))
                ),
            );
        }
    }
}

fn trend_plot(
    answer: &Answer,
    name: &str,
    of: fn(&Encoder) -> f64,
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
    let names = [
        format!("{name}, {}  ← better", answer.question.measure),
        format!("P, {}  → better", answer.question.task),
    ];
    let plot = plot(
        &format!("{name} against performance {bounds:?}"),
        names,
        bounds,
        height,
    );
    let response = plot.show(ui, |plot| {
        if let Some(ends) = straight(encoders, of, bounds[0]) {
            plot.line(
                Line::new("trend", PlotPoints::from(ends.to_vec()))
                    .color(tokens.accent.main.0)
                    .width(1.5 * scale)
                    .allow_hover(false),
            );
        }
        points(
            plot,
            encoders,
            |one| [of(one), one.performance],
            tokens,
            scale,
        )
    });
    let axes = format!("{name} across, performance upwards");
    finish(&response.response, &response.inner, encoders, &axes, ui)
}

/// Ends of the least-squares line of P on one variable.
fn straight(
    encoders: &[Encoder],
    of: fn(&Encoder) -> f64,
    ends: [f64; 2],
) -> Option<[[f64; 2]; 2]> {
    let n = encoders.len() as f64;
    let mean_x = encoders.iter().map(of).sum::<f64>() / n;
    let mean_p = encoders.iter().map(|one| one.performance).sum::<f64>() / n;
    let (mut squares, mut products) = (0.0, 0.0);
    for one in encoders {
        squares += (of(one) - mean_x).powi(2);
        products += (of(one) - mean_x) * (one.performance - mean_p);
    }
    (squares > 0.0).then(|| ends.map(|x| [x, mean_p + products / squares * (x - mean_x)]))
}

/// Draws scores along a number with their intervals.
pub(super) fn along_ui(view: &mut LabView, answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    let question = &answer.question;
    let mut options = vec![(None, "choose a column".to_owned(), "")];
    options.extend(
        answer
            .columns
            .orders
            .iter()
            .map(|name| (Some(name.clone()), name.clone(), "")),
    );
    if let Some(along) = labelled(ui, "Along", |ui| {
        choice(ui, "Along", &question.along, &options)
    }) {
        commands.push(Command::Lab(LabCommand::Ask(Question {
            along,
            ..question.clone()
        })));
    }
    statistic_ui(view, ui);
    let along = match &answer.along {
        None => {
            caption(
                ui,
                "A column of numbers that at least three encoders share, such as the step.",
            );
            return;
        }
        Some(Err(why)) => {
            note(ui, crate::ui::icons::Icon::Info, why);
            return;
        }
        Some(Ok(along)) => along,
    };
    let tokens = Tokens::of(ui);
    let mut line = Vec::new();
    let (mut lows, mut highs) = (Vec::new(), Vec::new());
    for place in along {
        let score = place.scores.get(view.statistic);
        if let Some(value) = score.value {
            line.push([place.at, value]);
            if let Some(interval) = score.interval {
                lows.push([place.at, interval.low]);
                highs.push([place.at, interval.high]);
            }
        }
    }
    let x_name = question.along.clone().unwrap_or_default();
    let response = Plot::new(format!("scores along {x_name} {:?}", view.statistic))
        .height(LEAST_HEIGHT * theme::mark_scale(ui))
        .x_axis_label(x_name)
        .y_axis_label(view.statistic.name())
        .allow_scroll(false)
        .show_background(false)
        .show(ui, |plot| {
            for outline in band(&lows, &highs) {
                plot.polygon(
                    Polygon::new("95 % interval", PlotPoints::from(outline.to_vec()))
                        .fill_color(tokens.accent.main.0.gamma_multiply(0.2))
                        .stroke(egui::Stroke::NONE)
                        .allow_hover(false),
                );
            }
            plot.points(
                Points::new("score", PlotPoints::from(line.clone()))
                    .color(tokens.accent.main.0)
                    .radius(3.0),
            );
            plot.line(Line::new("score", PlotPoints::from(line)).color(tokens.accent.main.0));
        });
    let text = format!("Plot of {} along {} places", view.statistic, along.len());
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &text));
    if let [first, .., last] = &along[..] {
        caption(
            ui,
            format!(
                "n = {} at {}, {} at {}",
                first.scores.n, first.at, last.scores.n, last.at
            ),
        );
    }
}

/// The area between two lines at the same places, a part each pair of neighbours: each is convex,
/// the only kind of polygon that is filled rightly.
fn band(lows: &[[f64; 2]], highs: &[[f64; 2]]) -> Vec<[[f64; 2]; 4]> {
    lows.windows(2)
        .zip(highs.windows(2))
        .map(|(low, high)| [low[0], low[1], high[1], high[0]])
        .collect()
}

fn plot<'a>(id: &str, names: [String; 2], bounds: [[f64; 2]; 2], height: f32) -> Plot<'a> {
    let [x_name, y_name] = names;
    let [x, y] = bounds;
    Plot::new(id.to_owned())
        .height(height)
        .x_axis_label(x_name)
        .y_axis_label(y_name)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(Vec2b::FALSE)
        .grid_spacing(egui::Rangef::new(12.0, 90.0))
        .default_x_bounds(x[0], x[1])
        .default_y_bounds(y[0], y[1])
}

/// Draws the encoders coloured by performance; their places on the screen.
fn points(
    plot: &mut PlotUi<'_>,
    encoders: &[Encoder],
    at: impl Fn(&Encoder) -> [f64; 2],
    tokens: &Tokens,
    scale: f32,
) -> Vec<egui::Pos2> {
    let [low, high] = ends(encoders);
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

fn explain_ui(one: &Encoder, ui: &mut Ui) {
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

fn legend_ui(answer: &Answer, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let [low, high] = ends(answer.series.encoders());
    ui.horizontal(|ui| {
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
        caption(ui, short(high));
    });
    if answer.fit.is_some() {
        caption(
            ui,
            "Dashed: equal performance of the fitted plane. Arrow: one standard deviation uphill.",
        );
    }
}

fn ends(encoders: &[Encoder]) -> [f64; 2] {
    encoders
        .iter()
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], one| {
            [low.min(one.performance), high.max(one.performance)]
        })
}

fn widened(values: impl Iterator<Item = f64>) -> [f64; 2] {
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
