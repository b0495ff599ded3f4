//! The circle's points and plane density as pixels.

use egui::{Color32, ColorImage, Rect, TextureOptions, Ui};

use super::UNIT;
use crate::ui::{
    CircleView, Snapshot,
    colour::{mix, ramp},
    marks::Marks,
    theme::{self, Tokens},
};

/// The circle's points and plane density as a picture, kept until something changes.
#[derive(Clone, Default)]
pub struct CirclePicture {
    key: Option<(u64, u64, usize, bool, bool)>,
    texture: Option<egui::TextureHandle>,
    /// The pinned time's picture, and how its points are drawn.
    pub(super) companion: Option<Box<(CirclePicture, Marks)>>,
}

impl CirclePicture {
    /// The picture for `square`, drawn anew when something in it has changed.
    pub(super) fn update(
        &mut self,
        ui: &Ui,
        square: Rect,
        view: &CircleView,
        marks: &Marks,
        snapshot: &Snapshot,
    ) -> egui::TextureId {
        let side = ((square.width() * ui.pixels_per_point()).round() as usize).clamp(32, 2048);
        let tokens = Tokens::of(ui);
        let is_dark = ui.visuals().dark_mode;
        let key = (
            snapshot.serial,
            marks.revision,
            side,
            view.has_plane_density,
            is_dark,
        );
        if let (Some(old), Some(texture)) = (self.key, &self.texture)
            && old == key
        {
            return texture.id();
        }
        let mut image = ColorImage::filled([side, side], Color32::TRANSPARENT);
        if view.has_plane_density {
            shade(&mut image, snapshot, tokens);
        }
        let dot = 1.6 * ui.pixels_per_point() * theme::mark_scale(ui);
        splat_points(&mut image, snapshot, marks, tokens, dot);
        self.key = Some(key);
        let texture = match self.texture.take() {
            Some(mut texture) => {
                texture.set(image, TextureOptions::LINEAR);
                texture
            }
            None => ui
                .ctx()
                .load_texture("circle", image, TextureOptions::LINEAR),
        };
        self.texture.insert(texture).id()
    }
}

/// Pixels along half a side that one unit of the plane takes.
fn unit_pixels(image: &ColorImage) -> f32 {
    image.size[0] as f32 * 0.5 * UNIT
}

fn shade(image: &mut ColorImage, snapshot: &Snapshot, tokens: &Tokens) {
    let grid = &snapshot.prepared.plane;
    let highest = grid.values.iter().copied().fold(0.0_f32, f32::max);
    if highest <= 0.0 || grid.bins < 2 {
        return;
    }
    let side = image.size[0];
    let unit = unit_pixels(image);
    let cells_per_unit = grid.bins as f32 / (2.0 * grid.extent);
    for row in 0..side {
        for column in 0..side {
            let x = (column as f32 + 0.5 - side as f32 * 0.5) / unit;
            let y = (side as f32 * 0.5 - row as f32 - 0.5) / unit;
            let value = bilinear(
                grid,
                (x + grid.extent) * cells_per_unit - 0.5,
                (y + grid.extent) * cells_per_unit - 0.5,
            );
            // A square root opens the low densities up without moving the order.
            let fraction = (value / highest).sqrt();
            if fraction > 0.02 {
                let colour = ramp(&tokens.data.density, fraction);
                let ground = image.pixels[row * side + column];
                image.pixels[row * side + column] = mix(ground, colour, (fraction * 6.0).min(1.0));
            }
        }
    }
}

fn bilinear(grid: &crate::ui::Grid2, x: f32, y: f32) -> f32 {
    let at = |column: f32, row: f32| {
        let inside = |value: f32| value >= 0.0 && (value as usize) < grid.bins;
        if inside(column) && inside(row) {
            grid.values[row as usize * grid.bins + column as usize]
        } else {
            0.0
        }
    };
    let (column, row) = (x.floor(), y.floor());
    let (u, v) = (x - column, y - row);
    let low = at(column, row) * (1.0 - u) + at(column + 1.0, row) * u;
    let high = at(column, row + 1.0) * (1.0 - u) + at(column + 1.0, row + 1.0) * u;
    low * (1.0 - v) + high * v
}

/// Draws each point as a small disc; selected ones last, so that they lie on top.
fn splat_points(
    image: &mut ColorImage,
    snapshot: &Snapshot,
    marks: &Marks,
    tokens: &Tokens,
    radius: f32,
) {
    use crate::ui::marks::MarkState;
    let points = &snapshot.prepared.circle;
    for is_selected_pass in [false, true] {
        for (row, point) in points.iter().enumerate() {
            let is_selected = marks.states.get(row) == Some(&MarkState::Selected);
            if is_selected != is_selected_pass {
                continue;
            }
            if let Some(colour) = marks.drawn(row, tokens) {
                let size = if is_selected { radius * 1.5 } else { radius };
                splat(image, *point, size, colour);
            }
        }
    }
}

fn splat(image: &mut ColorImage, [x, y]: [f32; 2], radius: f32, colour: Color32) {
    let side = image.size[0] as i64;
    let unit = unit_pixels(image);
    let middle = side as f32 * 0.5;
    let centre = (middle + x * unit - 0.5, middle - y * unit - 0.5);
    if !(centre.0.is_finite() && centre.1.is_finite()) {
        return;
    }
    let reach = radius.ceil() as i64;
    for row in centre.1 as i64 - reach..=centre.1 as i64 + reach + 1 {
        for column in centre.0 as i64 - reach..=centre.0 as i64 + reach + 1 {
            if (0..side).contains(&row) && (0..side).contains(&column) {
                let distance = (column as f32 - centre.0).hypot(row as f32 - centre.1);
                let cover = (radius + 0.5 - distance).clamp(0.0, 1.0);
                let index = (row * side + column) as usize;
                image.pixels[index] = mix(image.pixels[index], colour, cover);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lands_where_its_angle_says() {
        let mut image = ColorImage::filled([100, 100], Color32::TRANSPARENT);
        splat(&mut image, [0.0, 1.0], 1.5, Color32::RED);
        let unit = unit_pixels(&image);
        let row = (50.0 - unit) as usize;
        assert_eq!(image.pixels[row * 100 + 50], Color32::RED);
        splat(&mut image, [f32::NAN, 0.0], 1.5, Color32::RED);
    }
}
