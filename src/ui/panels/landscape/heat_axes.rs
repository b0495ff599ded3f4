//! What stands around the heat map: axes, the bar of its colours, and numbers beside it.

use egui::{Align2, Painter, Pos2, Rect, Ui, Vec2, pos2, vec2};

use super::{
    Inset,
    heat::on_screen,
    linked::{has_room, plane_ui},
    number,
};
use crate::{
    geometry::{decimals, round_levels},
    landscape::Slice,
    ui::{LandscapePicture, LandscapeView, colour::ramp, theme::Tokens},
};

/// Width of the bar that explains the colours, with its numbers.
pub(super) const BAR: f32 = 68.0;
/// Room for the axes' numbers, to the left and below.
const NUMBERS: [f32; 2] = [40.0, 16.0];
/// Room for an axis's name.
const NAME: f32 = 16.0;
/// Room that numbers beside the map need.
const BESIDE: f32 = 150.0;
/// Smallest map that is drawn.
const LEAST: f32 = 40.0;
/// Points of the screen between two ticks, across and upward.
const TICKS: [f32; 2] = [56.0, 34.0];
/// Height of the small plane beside the map, for its width and at most of the map's.
const PLANE_ASPECT: f32 = 0.7;
const PLANE_SHARE: f32 = 0.62;
/// Above the map.
const TOP: f32 = 6.0;

/// How the room is shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Room {
    side: f32,
    /// Beside the bar, where there is enough for numbers.
    beside: f32,
}

impl Room {
    /// The largest square map within `size`; nothing where it is too small.
    pub fn within(size: Vec2) -> Option<Self> {
        let around = vec2(NUMBERS[0] + NAME + BAR, NUMBERS[1] + NAME + TOP);
        let side = (size - around).min_elem();
        let rest = size.x - around.x - side;
        (side >= LEAST).then_some(Self {
            side,
            beside: if rest >= BESIDE { rest } else { 0.0 },
        })
    }

    /// All that is drawn.
    pub fn whole(self) -> Vec2 {
        let width = NUMBERS[0] + NAME + self.side + BAR + self.beside;
        vec2(width, TOP + self.side + NUMBERS[1] + NAME)
    }

    /// Where the map lies when all begins at `min`.
    pub fn map(self, min: Pos2) -> Rect {
        let corner = min + vec2(NUMBERS[0] + NAME, TOP);
        Rect::from_min_size(corner, Vec2::splat(self.side))
    }
}

/// An axis's name, without what does not fit.
pub(super) fn fitting(name: &str, width: f32, painter: &Painter, font: &egui::FontId) -> String {
    let colour = egui::Color32::PLACEHOLDER;
    let is_fit = |text: &str| {
        let galley = painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
        galley.size().x <= width
    };
    // The unit behind the comma goes first; the caption's tooltip has it all.
    let short = name.split_once(',').map_or(name, |(first, _)| first);
    let shortest = short.split_once(" (").map_or(short, |(first, _)| first);
    let ways = [name, short, shortest];
    let fit = ways.into_iter().find(|text| is_fit(text));
    fit.unwrap_or_default().to_owned()
}

/// Round numbers at ticks, and the names where they fit.
pub(super) fn axes(
    painter: &Painter,
    map: Rect,
    room: Room,
    slice: &Slice,
    tokens: &Tokens,
    ui: &Ui,
) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let weak = tokens.text.weak.0;
    let grid = &slice.grid;
    let stroke = (1.0, tokens.surface.rule_strong.0);
    for axis in [0, 1] {
        let [low, high] = [-1.0, 1.0].map(|sign| grid.centre[axis] + sign * grid.half_width);
        let most = (room.side / TICKS[axis]).floor().clamp(2.0, 9.0) as usize;
        let levels = round_levels([low, high], most);
        let digits = decimals(&levels);
        for level in levels {
            let mut at = grid.centre;
            at[axis] = level;
            let place = on_screen(map, grid.side, grid.cell_of(at));
            let text = format!("{level:.digits$}").replace('-', "−");
            if axis == 0 {
                let foot = pos2(place.x, map.bottom());
                painter.line_segment([foot, foot + vec2(0.0, 3.0)], stroke);
                let below = foot + vec2(0.0, 4.0);
                painter.text(below, Align2::CENTER_TOP, text, font.clone(), weak);
            } else {
                let foot = pos2(map.left(), place.y);
                painter.line_segment([foot, foot - vec2(3.0, 0.0)], stroke);
                let left = foot - vec2(5.0, 0.0);
                painter.text(left, Align2::RIGHT_CENTER, text, font.clone(), weak);
            }
        }
    }
    let [across, up] = &slice.axis_names;
    let across = fitting(across, map.width() + BAR, painter, &font);
    let below = pos2(map.center().x, map.bottom() + NUMBERS[1] + 3.0);
    painter.text(below, Align2::CENTER_TOP, across, font.clone(), weak);
    let up = fitting(up, map.height() + NUMBERS[1], painter, &font);
    let galley = painter.layout_no_wrap(up, font, weak);
    // Upright text at the left edge, centred on the map.
    let at = pos2(
        map.left() - NUMBERS[0] - NAME + 1.0,
        map.center().y + galley.size().x * 0.5,
    );
    let text =
        egui::epaint::TextShape::new(at, galley, weak).with_angle(-std::f32::consts::FRAC_PI_2);
    painter.add(text);
}

/// The ramp with the heights of its ends and of the contours.
pub(super) fn bar(
    painter: &Painter,
    map: Rect,
    view: &LandscapeView,
    picture: &LandscapePicture,
    tokens: &Tokens,
    ui: &Ui,
) {
    const STEPS: usize = 48;
    let surface = picture.surface(view.quantity);
    let [low, high] = surface.range;
    if !(low.is_finite() && high.is_finite()) {
        return;
    }
    let strip = Rect::from_min_size(map.right_top() + vec2(8.0, 0.0), vec2(10.0, map.height()));
    for step in 0..STEPS {
        let share = (step as f32 + 0.5) / STEPS as f32;
        let height = strip.height() / STEPS as f32;
        let top = strip.bottom() - height * (step + 1) as f32;
        let part = Rect::from_min_size(pos2(strip.left(), top), vec2(strip.width(), height + 0.5));
        painter.rect_filled(part, 0.0, ramp(&tokens.data.sequential, share));
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let text = |share: f32, value: f64, align| {
        let at = pos2(strip.right() + 4.0, strip.bottom() - strip.height() * share);
        painter.text(at, align, number(value), font.clone(), tokens.text.weak.0);
    };
    text(0.0, low, Align2::LEFT_BOTTOM);
    text(1.0, high, Align2::LEFT_TOP);
    // Twice the height of a number: those of the ends stand within the strip.
    let gap = 22.0 / strip.height().max(1.0);
    let mut above = gap;
    for (level, _) in &surface.contours {
        let share = surface.share(*level, view.is_logarithmic);
        let y = strip.bottom() - strip.height() * share;
        let tick = [pos2(strip.left(), y), pos2(strip.right(), y)];
        painter.line_segment(tick, (1.0, tokens.surface.canvas.0));
        if share > above && share < 1.0 - gap {
            text(share, *level, Align2::LEFT_CENTER);
            above = share + gap;
        }
    }
}

/// What the map says in numbers, in the room beside it.
pub(super) fn beside(
    painter: &Painter,
    map: Rect,
    room: Room,
    view: &LandscapeView,
    picture: &LandscapePicture,
    inset: &Inset<'_>,
    ui: &Ui,
) {
    if room.beside == 0.0 {
        return;
    }
    let tokens = Tokens::of(ui);
    let slice = &picture.slice;
    let quantity = picture.drawn(view.quantity);
    let [low, high] = picture.surface(quantity).range;
    let origin = slice
        .origin
        .map_or(f64::NAN, |origin| slice.value(&origin, quantity));
    let lines = [
        (slice.formula(quantity), tokens.text.strong.0),
        (
            format!("{} at {}", number(origin), slice.origin_name),
            tokens.text.body.0,
        ),
        (format!("{} lowest", number(low)), tokens.text.body.0),
        (format!("{} highest", number(high)), tokens.text.body.0),
        (
            format!("{} of {} points", slice.done, slice.cells.len()),
            tokens.text.weak.0,
        ),
    ];
    let font = egui::TextStyle::Small.resolve(ui.style());
    let mut at = pos2(map.right() + BAR + 12.0, map.top());
    if inset.is_wanted {
        let width = room.beside - 20.0;
        let size = vec2(
            width,
            (PLANE_ASPECT * width).min(PLANE_SHARE * map.height()),
        );
        // In a tile that is too low for it the numbers take its place.
        if has_room(size) {
            plane_ui(Rect::from_min_size(at, size), picture, inset.pointed, ui);
            at.y += size.y + 4.0;
        }
    }
    for (text, colour) in lines {
        let galley = painter.layout(text, font.clone(), colour, room.beside - 20.0);
        let height = galley.size().y;
        if at.y + height > map.bottom() + NUMBERS[1] {
            break;
        }
        painter.galley(at, galley, colour);
        at.y += height + 3.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_square_and_all_of_it_fits() {
        for size in [
            [390.0, 130.0],
            [390.0, 700.0],
            [1200.0, 800.0],
            [200.0, 200.0],
        ] {
            let size = Vec2::from(size);
            let room = Room::within(size).unwrap();
            assert!(room.whole().x <= size.x + 0.01 && room.whole().y <= size.y + 0.01);
            let map = room.map(Pos2::ZERO);
            assert!((map.width() - map.height()).abs() < 1e-3);
        }
        let small = Room::within(vec2(390.0, 130.0)).unwrap();
        assert!(small.beside > 0.0, "a wide tile has room for numbers");
        assert_eq!(Room::within(vec2(390.0, 60.0)), None);
    }
}
