//! The potential around the circle: a curve whose height is the potential, and its extrema.

use egui::{Align2, Color32, Rect, Shape, Stroke, Ui};

use super::{RING, UNIT, drawing::at_angle};
use crate::{
    landscape::Field,
    ui::{
        Potential,
        theme::{self, Tokens},
    },
};

/// Draws the curve, lowest near the circle and highest as far out as the densities reach.
pub(super) fn draw(ui: &Ui, square: Rect, field: &Field<2>) {
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(square.expand(4.0));
    let scale = theme::mark_scale(ui);
    let (centre, radius) = (square.center(), square.width() * 0.5 * UNIT);
    let height = |value: f32| radius * (1.04 + RING * field.share(value));
    let step = std::f32::consts::TAU / field.values.len().max(1) as f32;
    let points = field
        .values
        .iter()
        .enumerate()
        .map(|(index, value)| at_angle(centre, height(*value), index as f32 * step))
        .collect();
    let colour = tokens.status.warning.0;
    painter.add(Shape::closed_line(points, Stroke::new(1.5, colour)));
    let font = egui::TextStyle::Small.resolve(ui.style());
    for extremum in &field.extrema {
        let angle_rad = extremum.at[1].atan2(extremum.at[0]) as f32;
        let out = height(extremum.value as f32);
        let fill = if extremum.is_maximum {
            colour
        } else {
            Color32::TRANSPARENT
        };
        painter.circle(
            at_angle(centre, out, angle_rad),
            3.5 * scale,
            fill,
            (1.5, colour),
        );
        let text = format!("{:.2}", extremum.value).replace('-', "−");
        let ink = tokens.text.strong.0;
        let galley = painter.layout_no_wrap(text, font.clone(), ink);
        // Outward of its mark, as far as the square lets it: beyond stand the angles.
        let beside = at_angle(centre, out + 20.0 * scale, angle_rad);
        let wished = Align2::CENTER_CENTER.anchor_size(beside, galley.size());
        let most = (square.max - galley.size()).max(square.min);
        painter.galley(wished.min.clamp(square.min, most), galley, ink);
    }
}

/// What the curve shows, in words.
pub(super) fn settings(potential: &Potential<'_>) -> String {
    match potential.field {
        None => "potential: still being computed".to_owned(),
        Some(field) => {
            let [low, high] = field.circle.range.map(f64::from);
            format!(
                "potential log mean exp(−t‖u − x_i‖²) at t = {:.2} of {} points, {low:.2} to {high:.2} \
                 (uniform {:.2})",
                field.t, field.points, field.circle.uniform
            )
            .replace('-', "−")
        }
    }
}
