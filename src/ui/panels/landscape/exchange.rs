//! The grid of a slice in the align–uniform plane: which directions trade one for the other.

use egui::{Align2, Pos2, RichText, Ui, vec2};
use egui_plot::{
    HLine, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, Text,
};

use super::{cell_ui, nearest_cell, number};
use crate::{
    geometry::round_levels,
    landscape::{Slice, SlicePoint},
    ui::{
        LandscapePicture, LandscapeView,
        panels::plane::{TICKS, fitting_name, tick_text, ticks},
        theme::{self, Tokens},
        widgets::{caption, tip},
    },
};

/// Draws every measured row and column as a line, and the origin as a point.
pub(super) fn exchange_ui(
    view: &LandscapeView,
    picture: &LandscapePicture,
    ui: &mut Ui,
) -> Option<usize> {
    let slice = &picture.slice;
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    if slice.done == 0 {
        caption(ui, "Nothing is measured yet");
        return None;
    }
    let [alpha, t] = slice.temperatures;
    let [across, upward] = [format!("L_align(α={alpha})"), format!("L_uniform(t={t})")];
    let across = [format!("{across}  ← better"), across, "L_align".to_owned()];
    let upward = [
        format!("← better  {upward}"),
        upward,
        "L_uniform".to_owned(),
    ];
    let room = ui.available_size();
    let range = ranges(picture);
    let id = format!("exchange {:?} {}", slice.grid.centre, slice.grid.half_width);
    let response = Plot::new(id)
        .x_axis_label(fitting_name(ui, across, room.x))
        .y_axis_label(fitting_name(ui, upward, room.y))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(egui::Vec2b::FALSE)
        .grid_spacing(egui::Rangef::new(12.0, 90.0))
        .x_grid_spacer(ticks(room.x, TICKS[0]))
        .y_grid_spacer(ticks(room.y, TICKS[1]))
        .x_axis_formatter(|mark, _| tick_text(mark))
        .y_axis_formatter(|mark, _| tick_text(mark))
        .show(ui, |plot| {
            ground(plot, range, picture.floor, tokens);
            for is_row in [true, false] {
                let colour = if is_row {
                    tokens.data.categories[0].0
                } else {
                    tokens.data.categories[1].0
                };
                for points in nets(slice, is_row) {
                    plot.line(
                        Line::new("", PlotPoints::from(points))
                            .color(colour.gamma_multiply(0.7))
                            .width(1.0)
                            .allow_hover(false),
                    );
                }
            }
            if let Some(origin) = slice.origin {
                plot.points(
                    Points::new(
                        slice.origin_name.clone(),
                        [origin.alignment, origin.uniformity],
                    )
                    .color(tokens.status.warning.0)
                    .radius(6.0 * scale)
                    .shape(MarkerShape::Plus)
                    .allow_hover(false),
                );
            }
            let cells = slice.cells.iter().enumerate();
            let measured = cells.filter_map(|(cell, point)| Some((cell, (*point)?)));
            let on_screen = |point: &SlicePoint| {
                plot.screen_from_plot(PlotPoint::new(point.alignment, point.uniformity))
            };
            let places: Vec<(usize, Pos2)> = measured
                .filter(|(_, point)| point.alignment.is_finite())
                .map(|(cell, point)| (cell, on_screen(&point)))
                .collect();
            places
        });
    response.response.widget_info(|| {
        let origin = slice.origin.map_or_else(String::new, |origin| {
            let [a, u] = [origin.alignment, origin.uniformity].map(number);
            format!(", {} at {a}, {u}", slice.origin_name)
        });
        let text = format!("Grid of weights in the align–uniform plane{origin}");
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    legend(slice, response.response.rect, tokens, ui);
    let (cell, place) = nearest_cell(response.response.hover_pos(), response.inner.into_iter())?;
    ui.painter_at(response.response.rect).circle_stroke(
        place,
        6.0 * scale,
        (1.5, tokens.text.strong.0),
    );
    tip(&response.response, |ui| cell_ui(ui, view, picture, cell));
    Some(cell)
}

/// Least and greatest alignment and uniformity of the measured points.
fn ranges(picture: &LandscapePicture) -> [[f64; 2]; 2] {
    let points = picture.slice.cells.iter().flatten();
    let none = [f64::INFINITY, f64::NEG_INFINITY];
    points
        .filter(|point| point.alignment.is_finite())
        .fold([none; 2], |[a, u], point| {
            let wider = |[low, high]: [f64; 2], value: f64| [low.min(value), high.max(value)];
            [wider(a, point.alignment), wider(u, point.uniformity)]
        })
}

/// Lines of equal sums across the net, and the floor where it is near enough to be in sight.
fn ground(
    plot: &mut PlotUi<'_>,
    [across, upward]: [[f64; 2]; 2],
    floor: Option<f64>,
    tokens: &Tokens,
) {
    let [left, right] = across;
    for sum in round_levels([left + upward[0], right + upward[1]], 8) {
        // Only where the net is: longer lines would widen the plot.
        let from = left.max(sum - upward[1]);
        let to = right.min(sum - upward[0]);
        if to > from {
            let ends = vec![[from, sum - from], [to, sum - to]];
            plot.line(
                Line::new("", PlotPoints::from(ends))
                    .color(tokens.surface.rule.0)
                    .style(LineStyle::dashed_dense())
                    .width(1.0)
                    .allow_hover(false),
            );
        }
    }
    let Some(floor) = floor.filter(|floor| upward[0] - floor < 0.5 * (upward[1] - upward[0]))
    else {
        return;
    };
    let colour = tokens.status.good.0;
    plot.hline(
        HLine::new("floor", floor)
            .color(colour)
            .width(1.0)
            .allow_hover(false),
    );
    let text = format!("floor {floor:.3}").replace('-', "−");
    plot.text(
        Text::new(
            "",
            PlotPoint::new(right, floor),
            RichText::new(text).small(),
        )
        .anchor(Align2::RIGHT_BOTTOM)
        .color(colour)
        .allow_hover(false),
    );
}

/// Which lines are which, in the upper right corner.
fn legend(slice: &Slice, rect: egui::Rect, tokens: &Tokens, ui: &Ui) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let painter = ui.painter_at(rect);
    let [first, second] = &slice.axis_names;
    let short = |name: &str| {
        name.split([',', '('])
            .next()
            .unwrap_or(name)
            .trim()
            .to_owned()
    };
    let lines = [
        (
            format!("along the {}", short(first)),
            tokens.data.categories[0].0,
        ),
        (
            format!("along the {}", short(second)),
            tokens.data.categories[1].0,
        ),
        (format!("+ {}", slice.origin_name), tokens.status.warning.0),
    ];
    let mut at = rect.right_top() + vec2(-6.0, 2.0);
    for (text, colour) in lines {
        let line = painter.text(at, Align2::RIGHT_TOP, text, font.clone(), colour);
        at.y = line.bottom() + 1.0;
    }
}

/// The measured stretches of every row, or of every column, as lines of (alignment, uniformity).
fn nets(slice: &Slice, is_row: bool) -> Vec<Vec<[f64; 2]>> {
    let side = slice.grid.side;
    let mut lines = Vec::new();
    for outer in 0..side {
        let mut line = Vec::new();
        for inner in 0..side {
            let cell = if is_row {
                outer * side + inner
            } else {
                inner * side + outer
            };
            // Cells between two lattices are left out, not guessed.
            if let Some(point) = slice.cells[cell].filter(|point| point.alignment.is_finite()) {
                line.push([point.alignment, point.uniformity]);
            }
        }
        if line.len() > 1 {
            lines.push(line);
        }
    }
    lines
}
