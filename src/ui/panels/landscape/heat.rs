//! The heat map: colours, contours, the run's way, and what lies under the pointer.

use egui::{
    Align2, Color32, ColorImage, Painter, Pos2, Rect, Response, Sense, Shape, Stroke,
    TextureOptions, Ui, pos2, vec2,
};

use super::{
    Inset, cell_ui,
    heat_axes::{Room, axes, bar, beside},
};
use crate::{
    landscape::{Quantity, Slice},
    ui::{
        Command, Commands, LandscapeCommand, LandscapePicture, LandscapeView,
        colour::ramp,
        theme::{self, Tokens},
        widgets::{caption, tip, tip_at, view_keys},
    },
};

/// The map's texture, kept until something changes.
#[derive(Clone, Default)]
pub(super) struct HeatPicture {
    key: Option<(u64, Quantity, bool, bool)>,
    texture: Option<egui::TextureHandle>,
    /// The cell that the arrow keys are at.
    cursor: Option<usize>,
}

/// Draws the map as large as there is room, square, and what it says beside it where it is wide; the
/// cell that is pointed at.
pub(super) fn heat_ui(
    view: &LandscapeView,
    heat: &mut HeatPicture,
    picture: &LandscapePicture,
    inset: &Inset<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) -> Option<usize> {
    let Some(room) = Room::within(ui.available_size()) else {
        caption(ui, "There is no room for the map: enlarge the view");
        return None;
    };
    let (outer, response) = ui.allocate_exact_size(room.whole(), Sense::click());
    let map = room.map(outer.min);
    let slice = &picture.slice;
    response.widget_info(|| {
        let text = format!(
            "Map of {} over weights, {} of {} points measured. Arrow keys move over it",
            slice.formula(picture.drawn(view.quantity)),
            slice.done,
            slice.cells.len()
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(outer.expand(2.0));
    let texture = heat.update(view, picture, ui);
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture, map, uv, Color32::WHITE);
    lines(&painter, map, view, picture, tokens);
    marks(&painter.with_clip_rect(map), map, slice, tokens, ui);
    painter.rect_stroke(
        map,
        0.0,
        (tokens.shape.rule, tokens.surface.rule_strong.0),
        egui::StrokeKind::Outside,
    );
    axes(&painter, map, room, slice, tokens, ui);
    bar(&painter, map, view, picture, tokens, ui);
    beside(&painter, map, room, view, picture, inset, ui);
    point(heat, &response, map, view, picture, commands, ui)
}

impl HeatPicture {
    fn update(
        &mut self,
        view: &LandscapeView,
        picture: &LandscapePicture,
        ui: &Ui,
    ) -> egui::TextureId {
        let key = (
            picture.revision,
            view.quantity,
            view.is_logarithmic,
            ui.visuals().dark_mode,
        );
        if let (Some(old), Some(texture)) = (self.key, &self.texture)
            && old == key
        {
            return texture.id();
        }
        let tokens = Tokens::of(ui);
        let side = picture.slice.grid.side;
        let surface = picture.surface(view.quantity);
        let mut image = ColorImage::filled([side, side], tokens.surface.canvas.0);
        for (cell, value) in surface.values.iter().enumerate() {
            let share = surface.share(*value, view.is_logarithmic);
            if share.is_nan() {
                continue;
            }
            // Screens count downward, the grid upward.
            let row = side - 1 - cell / side;
            image.pixels[row * side + cell % side] = ramp(&tokens.data.sequential, share);
        }
        self.key = Some(key);
        let texture = match self.texture.take() {
            Some(mut texture) => {
                texture.set(image, TextureOptions::NEAREST);
                texture
            }
            None => ui
                .ctx()
                .load_texture("landscape", image, TextureOptions::NEAREST),
        };
        self.texture.insert(texture).id()
    }
}

/// Place on the screen of a column and row, whose whole numbers are the middles of cells.
pub(super) fn on_screen(map: Rect, side: usize, [column, row]: [f64; 2]) -> Pos2 {
    let along = |index: f64| ((index + 0.5) / side.max(1) as f64) as f32;
    pos2(
        map.left() + map.width() * along(column),
        map.bottom() - map.height() * along(row),
    )
}

fn lines(
    painter: &Painter,
    map: Rect,
    view: &LandscapeView,
    picture: &LandscapePicture,
    tokens: &Tokens,
) {
    let side = picture.slice.grid.side;
    let stroke = Stroke::new(1.0, tokens.surface.canvas.0.gamma_multiply(0.75));
    for (_, segments) in &picture.surface(view.quantity).contours {
        for [a, b] in segments {
            painter.line_segment([on_screen(map, side, *a), on_screen(map, side, *b)], stroke);
        }
    }
}

/// The run's way over the plane, and where the origin lies.
fn marks(painter: &Painter, map: Rect, slice: &Slice, tokens: &Tokens, ui: &Ui) {
    let scale = theme::mark_scale(ui);
    let (grid, ink) = (&slice.grid, tokens.text.strong.0);
    let halo = tokens.surface.canvas.0;
    let place = |at: [f64; 2]| on_screen(map, grid.side, grid.cell_of(at));
    let way: Vec<Pos2> = slice.marks.iter().map(|mark| place(mark.at)).collect();
    if way.len() > 1 {
        painter.add(Shape::line(way.clone(), Stroke::new(3.5 * scale, halo)));
        painter.add(Shape::line(way.clone(), Stroke::new(1.5 * scale, ink)));
    }
    for at in &way {
        painter.circle(*at, 3.0 * scale, ink, (1.0, halo));
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    for mark in [slice.marks.first(), slice.marks.last()]
        .into_iter()
        .flatten()
    {
        let at = place(mark.at) + vec2(6.0, -6.0) * scale;
        let text = format!("step {}", mark.step);
        painter.text(
            at + vec2(1.0, 1.0),
            Align2::LEFT_BOTTOM,
            &text,
            font.clone(),
            halo,
        );
        painter.text(at, Align2::LEFT_BOTTOM, text, font.clone(), ink);
    }
    // Where the encoder is now.
    let origin = place([0.0; 2]);
    for (width, colour) in [(4.0, halo), (2.0, tokens.status.warning.0)] {
        let stroke = Stroke::new(width * scale, colour);
        let reach = 6.0 * scale;
        painter.line_segment(
            [origin - vec2(reach, 0.0), origin + vec2(reach, 0.0)],
            stroke,
        );
        painter.line_segment(
            [origin - vec2(0.0, reach), origin + vec2(0.0, reach)],
            stroke,
        );
    }
}

/// What lies under the pointer, or under the cursor that the arrow keys move: its numbers; Enter or a
/// click with Ctrl shows the features there, a double click or + looks closer, − at the whole again.
/// A plain click does nothing: it is the first half of a double click. The cell that is pointed at.
fn point(
    heat: &mut HeatPicture,
    response: &Response,
    map: Rect,
    view: &LandscapeView,
    picture: &LandscapePicture,
    commands: &mut Commands,
    ui: &Ui,
) -> Option<usize> {
    let slice = &picture.slice;
    let side = slice.grid.side;
    let cell_at = |at: Pos2| {
        let column = ((at.x - map.left()) / map.width() * side as f32) as usize;
        let row = ((map.bottom() - at.y) / map.height() * side as f32) as usize;
        map.contains(at)
            .then_some(row.min(side - 1) * side + column.min(side - 1))
    };
    let mut ask = |command: LandscapeCommand| commands.push(Command::Landscape(command));
    let closer = slice.grid.half_width * 0.4;
    if let Some(cell) = response.interact_pointer_pos().and_then(cell_at) {
        let at = slice.grid.at(cell);
        let pressed = Pressed {
            is_click: response.clicked(),
            is_double: response.double_clicked(),
            has_modifier: ui.input(|input| input.modifiers.command),
        };
        if let Some(command) = pressed.command(at, closer) {
            ask(command);
        }
    }
    let keys = view_keys(ui, response);
    if response.has_focus() {
        let cell = moved(
            heat.cursor.filter(|cell| *cell < slice.cells.len()),
            keys.arrows,
            slice,
        );
        heat.cursor = Some(cell);
        let at = slice.grid.at(cell);
        if keys.is_chosen {
            ask(LandscapeCommand::ShowAt(at));
        } else if keys.closer > 0.0 {
            ask(LandscapeCommand::Zoom(at, closer));
        } else if keys.closer < 0.0 {
            ask(LandscapeCommand::ZoomOut);
        }
    } else {
        heat.cursor = None;
    }
    let cell = response.hover_pos().and_then(cell_at).or(heat.cursor)?;
    let middle = on_screen(map, side, [(cell % side) as f64, (cell / side) as f64]);
    let size = vec2(map.width(), map.height()) / side as f32;
    ui.painter().rect_stroke(
        Rect::from_center_size(middle, size),
        0.0,
        (1.5, Tokens::of(ui).text.strong.0),
        egui::StrokeKind::Outside,
    );
    let told = |ui: &mut Ui| {
        cell_ui(ui, view, picture, cell);
        caption(ui, WAYS);
    };
    if response.hovered() {
        tip(response, told);
    } else {
        tip_at(response, middle + vec2(12.0, 12.0), told);
    }
    Some(cell)
}

/// What else can be done at a cell.
const WAYS: &str = "Ctrl + click or Enter keeps its features on the sphere · Double click or + looks \
                    closer, − at the whole";

/// What the pointer did in this frame.
struct Pressed {
    is_click: bool,
    /// Whether it is the second click of a double one, which is a click too.
    is_double: bool,
    /// Ctrl, or Cmd on a Mac.
    has_modifier: bool,
}

impl Pressed {
    /// What is asked for at a place of the plane. A plain click asks for nothing: it is the first half
    /// of a double one.
    fn command(&self, at: [f64; 2], closer: f64) -> Option<LandscapeCommand> {
        match (self.has_modifier, self.is_double, self.is_click) {
            (false, true, _) => Some(LandscapeCommand::Zoom(at, closer)),
            (true, false, true) => Some(LandscapeCommand::ShowAt(at)),
            _ => None,
        }
    }
}

/// The cell that arrow keys lead to; the middle to begin with.
fn moved(from: Option<usize>, arrows: egui::Vec2, slice: &Slice) -> usize {
    let side = slice.grid.side;
    let from = from.unwrap_or_else(|| slice.grid.middle());
    let along = |index: usize, step: f32| {
        let last = side.saturating_sub(1) as i64;
        (index as i64 + step as i64).clamp(0, last) as usize
    };
    // The screen counts downward, the grid upward.
    along(from / side, -arrows.y) * side + along(from % side, arrows.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_click_looks_closer_and_shows_nothing_on_its_way() {
        let asked = |is_click, is_double, has_modifier| {
            let pressed = Pressed {
                is_click,
                is_double,
                has_modifier,
            };
            pressed.command([0.5, -0.5], 0.25)
        };
        let zoom = LandscapeCommand::Zoom([0.5, -0.5], 0.25);
        let show = LandscapeCommand::ShowAt([0.5, -0.5]);
        assert_eq!(asked(true, false, false), None, "the first half");
        assert_eq!(asked(true, true, false), Some(zoom));
        assert_eq!(asked(true, false, true), Some(show));
        assert_eq!(asked(true, true, true), None, "shown already");
        assert_eq!(asked(false, false, true), None);
    }

    #[test]
    fn cells_lie_where_the_picture_has_them() {
        let map = Rect::from_min_size(pos2(10.0, 20.0), vec2(50.0, 50.0));
        assert_eq!(on_screen(map, 5, [2.0, 2.0]), pos2(35.0, 45.0));
        assert_eq!(on_screen(map, 5, [0.0, 4.0]), pos2(15.0, 25.0));
    }
}
