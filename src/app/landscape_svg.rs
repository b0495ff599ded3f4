//! A slice of weight space as an SVG file: the map that the panel draws, as vectors.

use egui::Color32;
use maud::{PreEscaped, html};

use super::figure::FigureTheme;
use crate::{
    geometry::{decimals, round_levels},
    landscape::Quantity,
    ui::{LandscapePicture, colour::ramp, theme::Tokens},
};

/// Side of the map in the file's units.
const MAP: f64 = 640.0;
/// Room to the left of the map, and above it.
const LEFT: f64 = 96.0;
const TOP: f64 = 56.0;
/// Round numbers along an axis, about.
const TICKS: usize = 8;
/// Height of a line of the settings.
const LINE: f64 = 15.0;
/// Characters of a line of the settings.
const WIDTH: usize = 118;

/// Draws one surface with contours, the run's way, a colour bar and its settings.
pub fn landscape_svg(
    picture: &LandscapePicture,
    quantity: Quantity,
    is_logarithmic: bool,
    theme: FigureTheme,
) -> String {
    let tokens = theme.tokens();
    let slice = &picture.slice;
    let settings: Vec<String> = picture
        .settings(quantity, is_logarithmic)
        .iter()
        .flat_map(|line| wrapped(line, WIDTH))
        .collect();
    let height = TOP + MAP + 64.0 + LINE * settings.len() as f64 + 16.0;
    let width = LEFT + MAP + 128.0;
    let ink = hex(tokens.text.body.0);
    let body = html! {
        rect width=(width) height=(height) fill=(hex(tokens.surface.panel.0)) {}
        text x=(LEFT) y="24" font-size="16" fill=(hex(tokens.text.strong.0)) {
            (slice.formula(quantity)) " · " (picture.title)
        }
        (cells(picture, quantity, is_logarithmic, tokens))
        (contours(picture, quantity, tokens))
        (marks(picture, tokens))
        (axes(picture, tokens))
        (bar(picture, quantity, is_logarithmic, tokens))
        @for (index, line) in settings.iter().enumerate() {
            text x="16" y=(TOP + MAP + 72.0 + LINE * index as f64) font-size="11" fill=(ink) {
                (line)
            }
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\">{}</svg>\n",
        body.into_string()
    )
}

/// Place in the file of a column and row of the grid.
fn place(side: usize, [column, row]: [f64; 2]) -> [f64; 2] {
    let step = MAP / side.max(1) as f64;
    [LEFT + step * (column + 0.5), TOP + MAP - step * (row + 0.5)]
}

fn cells(
    picture: &LandscapePicture,
    quantity: Quantity,
    is_logarithmic: bool,
    tokens: &Tokens,
) -> PreEscaped<String> {
    let side = picture.slice.grid.side;
    let step = MAP / side.max(1) as f64;
    let surface = picture.surface(quantity);
    html! {
        @for (cell, value) in surface.values.iter().enumerate() {
            @let share = surface.share(*value, is_logarithmic);
            @if !share.is_nan() {
                @let [x, y] = place(side, [(cell % side) as f64, (cell / side) as f64]);
                // A hair larger than its cell, so that no ground shows between two.
                rect x=(round(x - 0.5 * step)) y=(round(y - 0.5 * step))
                    width=(round(step + 0.3)) height=(round(step + 0.3))
                    fill=(hex(ramp(&tokens.data.sequential, share))) {}
            }
        }
    }
}

fn contours(picture: &LandscapePicture, quantity: Quantity, tokens: &Tokens) -> PreEscaped<String> {
    let side = picture.slice.grid.side;
    let path = |segments: &[crate::landscape::Segment]| {
        let mut path = String::new();
        for [a, b] in segments {
            let ([x, y], [u, v]) = (place(side, *a), place(side, *b));
            path += &format!("M{} {}L{} {}", round(x), round(y), round(u), round(v));
        }
        path
    };
    html! {
        g fill="none" stroke=(hex(tokens.surface.canvas.0)) stroke-opacity="0.75" {
            @for (level, segments) in &picture.surface(quantity).contours {
                path d=(path(segments)) { title { (number(*level)) } }
            }
        }
    }
}

fn marks(picture: &LandscapePicture, tokens: &Tokens) -> PreEscaped<String> {
    let slice = &picture.slice;
    let at = |place_on_plane: [f64; 2]| {
        let [x, y] = place(slice.grid.side, slice.grid.cell_of(place_on_plane));
        [x, y].map(round)
    };
    let is_inside = |mark: [f64; 2]| {
        mark.iter()
            .zip(slice.grid.centre)
            .all(|(x, centre)| (x - centre).abs() <= slice.grid.half_width)
    };
    let way: Vec<_> = slice
        .marks
        .iter()
        .filter(|mark| is_inside(mark.at))
        .collect();
    let line: Vec<String> = way
        .iter()
        .map(|mark| at(mark.at))
        .map(|[x, y]| format!("{x},{y}"))
        .collect();
    let ink = hex(tokens.text.strong.0);
    let [x, y] = at([0.0; 2]);
    html! {
        @if line.len() > 1 {
            polyline points=(line.join(" ")) fill="none" stroke=(ink) stroke-width="1.5" {}
        }
        @for mark in &way {
            @let [x, y] = at(mark.at);
            circle cx=(x) cy=(y) r="3" fill=(ink) {
                title { "step " (mark.step) }
            }
        }
        @if is_inside([0.0; 2]) {
            path d=(format!("M{} {y}H{}M{x} {}V{}", x - 6.0, x + 6.0, y - 6.0, y + 6.0))
                stroke=(hex(tokens.status.warning.0)) stroke-width="2" {}
        }
    }
}

fn axes(picture: &LandscapePicture, tokens: &Tokens) -> PreEscaped<String> {
    let grid = &picture.slice.grid;
    let weak = hex(tokens.text.weak.0);
    let [across, up] = &picture.slice.axis_names;
    let turned = format!("translate(24 {}) rotate(-90)", TOP + 0.5 * MAP);
    // Round numbers along an axis, with their texts and places.
    let ticks = |axis: usize| -> Vec<(String, [f64; 2])> {
        let [low, high] = [-1.0, 1.0].map(|sign| grid.centre[axis] + sign * grid.half_width);
        let levels = round_levels([low, high], TICKS);
        let digits = decimals(&levels);
        let tick = |level: f64| {
            let mut at = grid.centre;
            at[axis] = level;
            let text = format!("{level:.digits$}").replace('-', "−");
            (text, place(grid.side, grid.cell_of(at)))
        };
        levels.into_iter().map(tick).collect()
    };
    let (bottom, left) = (TOP + MAP, LEFT);
    html! {
        rect x=(LEFT) y=(TOP) width=(MAP) height=(MAP) fill="none"
            stroke=(hex(tokens.surface.rule_strong.0)) {}
        g font-size="12" fill=(weak) {
            @for (text, [x, _]) in ticks(0) {
                path d=(format!("M{} {bottom}v5", round(x))) stroke=(weak) {}
                text x=(round(x)) y=(bottom + 18.0) text-anchor="middle" { (text) }
            }
            @for (text, [_, y]) in ticks(1) {
                path d=(format!("M{left} {}h-5", round(y))) stroke=(weak) {}
                text x=(left - 8.0) y=(round(y + 4.0)) text-anchor="end" { (text) }
            }
            text x=(LEFT + 0.5 * MAP) y=(bottom + 38.0) text-anchor="middle" { (across) }
            text transform=(turned) text-anchor="middle" { (up) }
        }
    }
}

fn bar(
    picture: &LandscapePicture,
    quantity: Quantity,
    is_logarithmic: bool,
    tokens: &Tokens,
) -> PreEscaped<String> {
    const STEPS: usize = 64;
    let surface = picture.surface(quantity);
    let [low, high] = surface.range;
    let x = LEFT + MAP + 16.0;
    let height = MAP / STEPS as f64;
    let weak = hex(tokens.text.weak.0);
    let ends = [(0.0, low), (1.0, high)];
    let levels = surface
        .contours
        .iter()
        .map(|(level, _)| (f64::from(surface.share(*level, is_logarithmic)), *level));
    // Levels too near an end would be written over it.
    let levels = levels.filter(|(share, _)| (0.03..=0.97).contains(share));
    html! {
        @for step in 0..STEPS {
            @let share = (step as f32 + 0.5) / STEPS as f32;
            rect x=(x) y=(round(TOP + MAP - height * (step + 1) as f64)) width="14"
                height=(round(height + 0.3)) fill=(hex(ramp(&tokens.data.sequential, share))) {}
        }
        @if low.is_finite() {
            g font-size="12" fill=(weak) {
                @for (share, value) in ends.into_iter().chain(levels) {
                    text x=(x + 20.0) y=(round(TOP + MAP * (1.0 - share) + 4.0)) { (number(value)) }
                }
            }
        }
    }
}

fn hex(colour: Color32) -> String {
    let [r, g, b, _] = colour.to_array();
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn number(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}

/// A text in lines of at most about `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let is_full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + word.chars().count() >= width
        });
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_spaces() {
        let lines = wrapped("one two three four", 9);
        assert_eq!(lines, ["one two", "three", "four"]);
        assert_eq!(wrapped("", 9), [""]);
    }

    #[test]
    fn colours_are_written_as_the_web_has_them() {
        assert_eq!(hex(Tokens::dark().text.body.0), "#cfd6df");
    }
}
