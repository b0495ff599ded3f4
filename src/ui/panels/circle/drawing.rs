//! The circle's line drawing: its rim, rings of density, the histogram, and the axes.

use egui::{Align2, Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::{BARS, CirclePicture, RING, UNIT};
use crate::ui::{
    CircleView, Snapshot, colour::class_colour, marks::Marks, panels::sphere::prototypes,
    theme::Tokens,
};

/// Where the labels of the axes stand, in units of the circle's radius.
const LABELS: f32 = 1.08 + RING;

/// Side of a drawing that fits into a height with its labels above and below.
pub(super) fn fitting_side(height: f32, row: f32) -> f32 {
    ((0.5 * height - row) / (0.5 * UNIT * LABELS)).min(height)
}

/// Draws everything but the points' picture and what is pointed at.
pub(super) fn draw(
    ui: &Ui,
    square: Rect,
    view: &CircleView,
    picture: &mut CirclePicture,
    marks: &Marks,
    snapshot: &Snapshot,
) {
    let tokens = Tokens::of(ui);
    let row = ui.text_style_height(&egui::TextStyle::Small);
    let painter = ui.painter_at(square.expand(row));
    let radius = square.width() * 0.5 * UNIT;
    let centre = square.center();
    let texture = picture.update(ui, square, view, marks, snapshot);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture, square, whole, Color32::WHITE);
    painter.circle_stroke(
        centre,
        radius,
        (tokens.shape.rule, tokens.surface.rule_strong.0),
    );
    axes(ui, &painter, centre, radius);
    let angular = &snapshot.prepared.angular;
    let scale = ring_scale(&angular.overall);
    if view.has_histogram {
        bars(
            &painter,
            centre,
            radius,
            &angular.counts,
            tokens.text.weak.0.gamma_multiply(0.55),
        );
    }
    ring(
        &painter,
        centre,
        radius,
        &angular.overall,
        scale,
        tokens.text.body.0,
        1.5,
    );
    if view.has_class_rings {
        let shown = (angular.classes.iter()).filter(|(class, _)| marks.is_class_shown(*class));
        for (class, values) in shown {
            let colour = class_colour(tokens, *class);
            ring(&painter, centre, radius, values, scale, colour, 1.0);
        }
    }
    let prototypes = &snapshot.prepared.prototypes.circle;
    for (index, &[x, y]) in prototypes.iter().enumerate() {
        if [x, y] != [0.0; 2] {
            let at = at_angle(centre, radius, y.atan2(x));
            prototypes::mark(ui, &painter, at, index, prototypes.len(), 1.0);
        }
    }
}

/// Height in radii of one unit of density, so that the highest of `values` takes [`RING`].
fn ring_scale(values: &[f32]) -> f32 {
    let highest = values.iter().copied().fold(0.0_f32, f32::max);
    if highest > 0.0 { RING / highest } else { 0.0 }
}

pub(super) fn at_angle(centre: Pos2, radius: f32, angle_rad: f32) -> Pos2 {
    let (sin, cos) = angle_rad.sin_cos();
    // Screens count downward, angles upward.
    centre + vec2(cos, -sin) * radius
}

fn ring(
    painter: &Painter,
    centre: Pos2,
    radius: f32,
    values: &[f32],
    scale: f32,
    colour: Color32,
    width: f32,
) {
    let step = std::f32::consts::TAU / values.len().max(1) as f32;
    let points = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            at_angle(centre, radius * (1.04 + value * scale), index as f32 * step)
        })
        .collect();
    painter.add(Shape::closed_line(points, Stroke::new(width, colour)));
}

fn bars(painter: &Painter, centre: Pos2, radius: f32, counts: &[u32], colour: Color32) {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let step = std::f32::consts::TAU / counts.len().max(1) as f32;
    for (index, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let inner = radius * (0.96 - BARS * count as f32 / most);
        let outer = radius * 0.96;
        let start = index as f32 * step - std::f32::consts::PI + step * 0.1;
        let end = start + step * 0.8;
        painter.add(Shape::convex_polygon(
            vec![
                at_angle(centre, inner, start),
                at_angle(centre, outer, start),
                at_angle(centre, outer, end),
                at_angle(centre, inner, end),
            ],
            colour,
            Stroke::NONE,
        ));
    }
}

fn axes(ui: &Ui, painter: &Painter, centre: Pos2, radius: f32) {
    let tokens = Tokens::of(ui);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let stroke = Stroke::new(tokens.shape.rule, tokens.surface.rule.0);
    let quarter = std::f32::consts::FRAC_PI_2;
    let names = [
        ("0", Align2::LEFT_CENTER),
        ("π/2", Align2::CENTER_BOTTOM),
        ("π", Align2::RIGHT_CENTER),
        ("−π/2", Align2::CENTER_TOP),
    ];
    for (index, (name, align)) in names.into_iter().enumerate() {
        let angle = index as f32 * quarter;
        let tick = [
            at_angle(centre, radius * 0.3, angle),
            at_angle(centre, radius * 0.05, angle),
        ];
        painter.line_segment(tick, stroke);
        let place = at_angle(centre, radius * LABELS, angle);
        painter.text(place, align, name, font.clone(), tokens.text.weak.0);
    }
    painter.text(
        centre,
        Align2::CENTER_CENTER,
        "rad",
        font,
        tokens.text.weak.0,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_count_upward_from_the_right() {
        let up = at_angle(pos2(0.0, 0.0), 1.0, std::f32::consts::FRAC_PI_2);
        // sin and cos of a rounded quarter turn.
        assert!(up.x.abs() < 1e-6 && (up.y + 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_lowest_label_fits_into_any_height() {
        for height in [70.0, 130.0, 184.0, 400.0] {
            let side = fitting_side(height, 13.0);
            let below = 0.5 * side * UNIT * LABELS + 13.0;
            // Sums of f32.
            assert!(
                below <= 0.5 * height + 1e-3 && side <= height,
                "{height} {side}"
            );
        }
        assert!((fitting_side(400.0, 13.0) - 400.0).abs() < 1e-3);
    }
}
