//! The grid of a slice in the align–uniform plane: which directions trade one for the other.

use egui::{Pos2, Ui};
use egui_plot::{Line, MarkerShape, Plot, PlotPoint, PlotPoints, Points};

use super::{cell_ui, nearest_cell, number};
use crate::{
    landscape::{Slice, SlicePoint},
    ui::{
        LandscapePicture, LandscapeView,
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
    // Longer names than the axis are cut.
    let is_low = ui.available_height() < 200.0;
    let names = if is_low {
        ["L_align", "L_uniform"]
    } else {
        ["L_align  ← better", "← better  L_uniform"]
    };
    let id = format!("exchange {:?} {}", slice.grid.centre, slice.grid.half_width);
    let response = Plot::new(id)
        .x_axis_label(names[0])
        .y_axis_label(names[1])
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_grid(egui::Vec2b::FALSE)
        .grid_spacing(egui::Rangef::new(12.0, 90.0))
        .show(ui, |plot| {
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
                    Points::new("the encoder", [origin.alignment, origin.uniformity])
                        .color(tokens.status.warning.0)
                        .radius(5.0 * scale)
                        .shape(MarkerShape::Cross),
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
            format!(", the encoder at {a}, {u}")
        });
        let text = format!("Grid of weights in the align–uniform plane{origin}");
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let (cell, place) = nearest_cell(response.response.hover_pos(), response.inner.into_iter())?;
    ui.painter_at(response.response.rect).circle_stroke(
        place,
        6.0 * scale,
        (1.5, tokens.text.strong.0),
    );
    tip(&response.response, |ui| cell_ui(ui, view, picture, cell));
    Some(cell)
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
