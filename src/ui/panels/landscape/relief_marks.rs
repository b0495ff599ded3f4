//! What is drawn over the surface: the ground with its axes, the run's way, where the encoder is, and
//! the bar of the colours. What the surface hides is drawn faint.

use egui::{Align2, Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, Vec2, pos2, vec2};

use super::{
    heat_axes::{BAR, bar, fitting},
    number,
};
use crate::{
    geometry::{decimals, round_levels},
    render::{ReliefScene, View},
    ui::{
        LandscapePicture, LandscapeView,
        theme::{self, Tokens},
    },
};

/// Marks float this far above the surface, in shares of its range.
const ABOVE: f32 = 0.012;
/// Pieces that a step of the run's way is draped over the surface in.
const PIECES: usize = 16;
/// How much of a mark is left behind the surface.
const FAINT: f32 = 0.3;
/// Round numbers along an axis, about.
const TICKS: usize = 4;
/// From the ground's edge to its numbers, and to its name, in points of the screen.
const NUMBERS: f32 = 12.0;
const NAME: f32 = 30.0;
/// A view that is lower has no room for names.
const NAMED_FROM: f32 = 240.0;

/// A scene as it falls on the screen.
struct Stage<'a> {
    scene: &'a ReliefScene,
    camera: &'a View,
    rect: Rect,
    pixels_per_point: f32,
}

impl Stage<'_> {
    /// Where a place of the grid with a height falls.
    fn at(&self, cell: [f32; 2], height: f32) -> Option<Pos2> {
        let pixel = self.camera.project(self.scene.place(cell, height))?.pixel;
        Some(self.rect.min + vec2(pixel.x, pixel.y) / self.pixels_per_point)
    }

    /// The surface above a place of the grid, and whether nothing stands before it.
    fn on_surface(&self, cell: [f32; 2]) -> Option<(Pos2, bool)> {
        let height = self.scene.height_at(cell)? + ABOVE;
        let world = self.scene.place(cell, height);
        let is_seen = !self.scene.is_hidden(world, self.camera.eye());
        Some((self.at(cell, height)?, is_seen))
    }
}

/// Draws everything over the surface in `rect`.
pub(super) fn marks(
    view: &LandscapeView,
    scene: &ReliefScene,
    camera: &View,
    picture: &LandscapePicture,
    rect: Rect,
    ui: &Ui,
) {
    let painter = ui.painter_at(rect);
    let stage = Stage {
        scene,
        camera,
        rect,
        pixels_per_point: ui.pixels_per_point(),
    };
    ground(&stage, picture, &painter, ui);
    way(&stage, picture, &painter, ui);
    let tokens = Tokens::of(ui);
    // Beside the surface at the upper right: as high as half the view.
    let height = (0.5 * rect.height()).min(220.0);
    let corner = pos2(rect.right() - BAR, rect.top() + 6.0);
    let strip = Rect::from_min_max(corner - vec2(1.0, 0.0), corner + vec2(0.0, height));
    bar(&painter, strip, view, picture, tokens, ui);
    let [low, high] = picture.surface(view.quantity).range.map(number);
    let cut = if view.clip < 1.0 {
        format!(", cut at {:.0} % of the range", 100.0 * view.clip)
    } else {
        String::new()
    };
    let scale = if view.is_logarithmic {
        ", log scale"
    } else {
        ""
    };
    painter.text(
        rect.left_bottom() + vec2(4.0, -4.0),
        Align2::LEFT_BOTTOM,
        format!("heights {low} to {high}{scale}{cut}"),
        egui::TextStyle::Small.resolve(ui.style()),
        tokens.text.weak.0,
    );
}

/// The two edges of the ground that are nearest to the eye, with round numbers and names, and posts
/// from the ground's corners to the surface.
fn ground(stage: &Stage<'_>, picture: &LandscapePicture, painter: &Painter, ui: &Ui) {
    let tokens = Tokens::of(ui);
    let last = stage.scene.side.saturating_sub(1) as f32;
    let eye = stage.camera.eye();
    // From below, the edges in front would cross the surface.
    if eye.z < 0.0 {
        return;
    }
    let front = [eye.x, eye.y].map(|x| if x > 0.0 { last } else { 0.0 });
    let stroke = Stroke::new(1.0, tokens.surface.rule_strong.0);
    let corners = [
        front,
        [last - front[0], front[1]],
        [front[0], last - front[1]],
    ];
    for corner in corners {
        let height = stage.scene.height_at(corner);
        if let (Some(foot), Some(head)) = (
            stage.at(corner, 0.0),
            height.and_then(|height| stage.at(corner, height)),
        ) {
            painter.line_segment([foot, head], stroke);
        }
    }
    for axis in [0, 1] {
        edge(stage, picture, axis, front, painter, ui);
    }
}

/// One edge of the ground: along `axis`, through the corner in front.
fn edge(
    stage: &Stage<'_>,
    picture: &LandscapePicture,
    axis: usize,
    front: [f32; 2],
    painter: &Painter,
    ui: &Ui,
) {
    let tokens = Tokens::of(ui);
    let grid = &picture.slice.grid;
    let last = stage.scene.side.saturating_sub(1) as f32;
    let along = |index: f32| {
        let mut cell = front;
        cell[axis] = index;
        stage.at(cell, 0.0)
    };
    let (Some(from), Some(to), Some(middle)) = (along(0.0), along(last), along(0.5 * last)) else {
        return;
    };
    let stroke = Stroke::new(1.0, tokens.surface.rule_strong.0);
    painter.line_segment([from, to], stroke);
    // Outward: across the edge, away from the ground's middle.
    let Some(centre) = stage.at([0.5 * last; 2], 0.0) else {
        return;
    };
    let mut outward = (to - from).rot90().normalized();
    if outward.dot(middle - centre) < 0.0 {
        outward = -outward;
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let weak = tokens.text.weak.0;
    let [low, high] = [-1.0, 1.0].map(|sign| grid.centre[axis] + sign * grid.half_width);
    let levels = round_levels([low, high], TICKS);
    let digits = decimals(&levels);
    for level in levels {
        let mut at = grid.centre;
        at[axis] = level;
        let index = grid.cell_of(at)[axis] as f32;
        // At the corner in front the numbers of both edges would lie upon each other.
        if (index - front[axis]).abs() < 0.06 * last {
            continue;
        }
        let Some(foot) = along(index) else {
            continue;
        };
        painter.line_segment([foot, foot + 4.0 * outward], stroke);
        let text = format!("{level:.digits$}").replace('-', "−");
        painter.text(
            foot + NUMBERS * outward,
            Align2::CENTER_CENTER,
            text,
            font.clone(),
            weak,
        );
    }
    if stage.rect.height() < NAMED_FROM {
        return;
    }
    let name = fitting(
        &picture.slice.axis_names[axis],
        0.45 * stage.rect.width(),
        painter,
        &font,
    );
    let galley = painter.layout_no_wrap(name, font, weak);
    // Beside the middle of the edge, on the side where the ground is not.
    let at = middle + NAME * outward;
    let left = if outward.x < 0.0 {
        at.x - galley.size().x
    } else {
        at.x
    };
    let room = stage.rect.shrink(4.0);
    let most = (room.right() - galley.size().x).max(room.left());
    let at = pos2(left.clamp(room.left(), most), at.y - 0.5 * galley.size().y);
    painter.galley(at, galley, weak);
}

/// The run's way draped over the surface, and the encoder.
fn way(stage: &Stage<'_>, picture: &LandscapePicture, painter: &Painter, ui: &Ui) {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let (ink, halo) = (tokens.text.strong.0, tokens.surface.canvas.0);
    let slice = &picture.slice;
    let cell = |at: [f64; 2]| slice.grid.cell_of(at).map(|x| x as f32);
    let faded = |colour: Color32, is_seen: bool| {
        if is_seen {
            colour
        } else {
            colour.gamma_multiply(FAINT)
        }
    };
    for pair in slice.marks.windows(2) {
        let [a, b] = [cell(pair[0].at), cell(pair[1].at)];
        let places: Vec<Option<(Pos2, bool)>> = (0..=PIECES)
            .map(|piece| piece as f32 / PIECES as f32)
            .map(|share| [0, 1].map(|axis| a[axis] + share * (b[axis] - a[axis])))
            .map(|at| stage.on_surface(at))
            .collect();
        for piece in places.windows(2) {
            let (Some((from, is_from_seen)), Some((to, is_to_seen))) = (piece[0], piece[1]) else {
                continue;
            };
            let is_seen = is_from_seen && is_to_seen;
            for (width, colour) in [(3.5, halo), (1.5, ink)] {
                let stroke = Stroke::new(width * scale, faded(colour, is_seen));
                painter.add(Shape::line_segment([from, to], stroke));
            }
        }
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    for (index, mark) in slice.marks.iter().enumerate() {
        let Some((at, is_seen)) = stage.on_surface(cell(mark.at)) else {
            continue;
        };
        painter.circle(
            at,
            2.5 * scale,
            faded(ink, is_seen),
            (1.0, faded(halo, is_seen)),
        );
        if index == 0 || index + 1 == slice.marks.len() {
            let text = format!("step {}", mark.step);
            let beside = at + vec2(6.0, -6.0) * scale;
            for (shift, colour) in [(Vec2::splat(1.0), halo), (Vec2::ZERO, ink)] {
                let place = beside + shift;
                painter.text(
                    place,
                    Align2::LEFT_BOTTOM,
                    &text,
                    font.clone(),
                    faded(colour, is_seen),
                );
            }
        }
    }
    // The encoder: a cross where it is seen, a faint one with its name where it is not.
    if let Some((at, is_seen)) = stage.on_surface(cell([0.0; 2])) {
        let reach = 6.0 * scale;
        for (width, colour) in [(4.0, halo), (2.0, tokens.status.warning.0)] {
            let stroke = Stroke::new(width * scale, faded(colour, is_seen));
            for arm in [vec2(reach, 0.0), vec2(0.0, reach)] {
                painter.line_segment([at - arm, at + arm], stroke);
            }
        }
        if !is_seen && stage.rect.height() >= NAMED_FROM {
            let beside = at + vec2(9.0, 0.0) * scale;
            let text = format!("{}, behind", slice.origin_name);
            for (shift, colour) in [(Vec2::splat(1.0), halo), (Vec2::ZERO, ink)] {
                let place = beside + shift;
                painter.text(place, Align2::LEFT_CENTER, &text, font.clone(), colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Camera;

    #[test]
    fn a_mark_behind_a_ridge_is_known_to_be_hidden() {
        let side = 11;
        let heights = (0..side * side)
            .map(|cell| if cell % side == 8 { 1.0 } else { 0.0 })
            .collect();
        let scene = ReliefScene {
            side,
            colours: vec![[0; 4]; side * side],
            heights,
            background: [0; 4],
        };
        let seen_from = |yaw_rad: f32| {
            let camera = Camera::looking_from(yaw_rad, 0.2).view([300, 300]);
            let stage = Stage {
                scene: &scene,
                camera: &camera,
                rect: Rect::from_min_size(Pos2::ZERO, Vec2::splat(300.0)),
                pixels_per_point: 1.0,
            };
            stage.on_surface([5.0, 5.0]).unwrap().1
        };
        assert!(!seen_from(0.0), "the ridge stands towards +x");
        assert!(seen_from(std::f32::consts::PI));
    }
}
