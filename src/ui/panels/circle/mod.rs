//! Points on S¹ with densities around the circle and in the plane.

mod drawing;
mod picture;
mod potential;

pub use picture::CirclePicture;

use egui::{Pos2, Rect, Sense, Ui, Vec2, vec2};

use self::drawing::fitting_side;
use super::{comparison, opening, population, settings_caption};
use crate::ui::{
    CircleView, Command, Commands, Pane, Potential, Snapshot, World,
    marks::Marks,
    theme::Tokens,
    widgets::{ViewKeys, tip, view_keys, walk},
};

/// Radius of the unit circle as a share of half the drawing's side.
const UNIT: f32 = 0.6;
/// Height of the ring's highest density, in units of the circle's radius.
const RING: f32 = 0.36;
/// Pointer distance within which a point is hit, in points of the screen.
const REACH: f32 = 8.0;
/// Growth of the picture a point of wheel movement, as an exponent.
const WHEEL: f32 = 0.0022;
/// Share of the drawing's side that an arrow key with Shift moves the picture by.
const KEY_PAN: f32 = 0.04;
/// The circle is drawn at most this much larger than fitting.
const MOST_ZOOM: f32 = 8.0;
/// Height of the tallest bar of the histogram, inward.
const BARS: f32 = 0.3;
/// Where less than this share of the width is left of the height, the controls stand beside the
/// circle: above it they would take what it lacks.
const WIDE: f32 = 0.75;

/// Draws the circle.
pub fn circle_ui(
    view: &mut CircleView,
    picture: &mut CirclePicture,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if !opening(ui, Pane::Circle, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let is_wide = !world.is_export && ui.available_height() < WIDE * ui.available_width();
    if !world.is_export && !is_wide {
        ui.horizontal_wrapped(|ui| tools_ui(view, world, commands, ui));
    }
    let circle = &snapshot.analysis.circle;
    settings_caption(
        ui,
        world,
        &format!(
            "{}{}, mean kept norm {:.3} · vMF κ = {:.1} · Gaussian bandwidth {:.3} · {}{}",
            peeked(world, snapshot),
            circle.kind.name(),
            circle.mean_kept_norm,
            snapshot.prepared.angular.kappa,
            snapshot.prepared.plane.bandwidth,
            population(world),
            rings_left_out(view, snapshot),
        ),
    );
    if world.potential.has_ring {
        settings_caption(ui, world, &potential::settings(&world.potential));
    }
    if world.is_export {
        egui::Panel::bottom("circle legend")
            .resizable(false)
            .show_separator_line(false)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| super::sphere::legend_ui(marks, commands, ui));
    }
    if !is_wide {
        return drawings_ui(view, picture, marks, world, commands, ui);
    }
    ui.with_layout(egui::Layout::left_to_right(egui::Align::Min), |ui| {
        egui::ScrollArea::vertical()
            .id_salt("circle tools")
            .show(ui, |ui| {
                ui.vertical(|ui| tools_ui(view, world, commands, ui));
            });
        drawings_ui(view, picture, marks, world, commands, ui);
    });
}

/// Whose points these are, while they are those of a point of the landscape.
fn peeked(world: &World<'_>, snapshot: &Snapshot) -> String {
    match world.landscape.peeked {
        Some(_) if !world.is_export => format!("{} · ", snapshot.request().encoder.title()),
        _ => String::new(),
    }
}

/// The circle; beside it that of the pinned time, when there is one.
fn drawings_ui(
    view: &mut CircleView,
    picture: &mut CirclePicture,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let (Some(pinned), Some(shown)) = (world.pinned, world.snapshot) else {
        return drawing_ui(None, view, picture, marks, world, commands, ui);
    };
    let rect = ui.available_rect_before_wrap();
    ui.allocate_rect(rect, Sense::hover());
    let [left, right] = comparison::halves(rect);
    let mut companion = picture.companion.take().unwrap_or_default();
    let of_pinned = World {
        snapshot: Some(pinned),
        // This is of the shown time's points.
        density: None,
        potential: world.pinned_potential.unwrap_or(Potential {
            field: None,
            ..world.potential
        }),
        ..*world
    };
    let (other, other_marks) = &mut *companion;
    other_marks.update_as(marks, &of_pinned, Tokens::of(ui));
    ui.scope_builder(half("A", left), |ui| {
        let name = comparison::name("A", pinned);
        drawing_ui(
            Some(&name),
            view,
            other,
            other_marks,
            &of_pinned,
            commands,
            ui,
        );
    });
    ui.scope_builder(half("B", right), |ui| {
        let name = comparison::name("B", shown);
        drawing_ui(Some(&name), view, picture, marks, world, commands, ui);
    });
    picture.companion = Some(companion);
}

/// Where one of two circles is drawn, its name above it.
fn half(letter: &str, rect: Rect) -> egui::UiBuilder {
    egui::UiBuilder::new()
        .id_salt(letter)
        .max_rect(rect)
        .layout(egui::Layout::top_down(egui::Align::Min))
}

/// The circle itself, as large as what is left of the place; with its name when there are two.
fn drawing_ui(
    name: Option<&str>,
    view: &mut CircleView,
    picture: &mut CirclePicture,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    if let Some(name) = name {
        ui.add(egui::Label::new(comparison::title(ui, name)).truncate());
    }
    let row = ui.text_style_height(&egui::TextStyle::Small);
    let side = ui.available_width().min(ui.available_height()).max(64.0);
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width().max(side), side),
        Sense::click_and_drag(),
    );
    response.widget_info(|| {
        let text = format!(
            "Circle {}of {} points. Arrow keys walk from point to point, with Shift they move it",
            name.map(|name| format!("{name} ")).unwrap_or_default(),
            snapshot.len()
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let middle = rect.center();
    let side = fitting_side(side, row);
    if !world.is_export {
        let keys = view_keys(ui, &response);
        move_view(view, &response, keys, middle, side, ui);
        if !keys.is_shifted {
            walk_points(keys, marks, world, snapshot, commands, Tokens::of(ui));
        }
    }
    let [x, y] = view.offset.map(|offset| offset * side);
    let square = Rect::from_center_size(middle + vec2(x, y), Vec2::splat(side * view.zoom));
    // What is larger than the drawing must not reach into the panel above it.
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    drawing::draw(&inside, square, view, picture, marks, snapshot);
    if let Some(field) = world.potential.field.filter(|_| world.potential.has_ring) {
        potential::draw(&inside, square, &field.circle);
    }
    hit_points(&inside, &response, square, marks, world, commands);
    if response.has_focus() {
        let stroke = (1.0, Tokens::of(ui).accent.main.0);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
}

/// Right and left select the next shown point counter-clockwise and clockwise, as the angle grows
/// and falls; up and down do the same.
fn walk_points(
    keys: ViewKeys,
    marks: &Marks,
    world: &World<'_>,
    snapshot: &Snapshot,
    commands: &mut Commands,
    tokens: &Tokens,
) {
    let steps = (keys.arrows.x - keys.arrows.y) as i64 + keys.onward;
    if steps == 0 {
        return;
    }
    let angles = &snapshot.prepared.angular.angles_rad;
    let mut shown: Vec<usize> = (0..angles.len())
        .filter(|row| marks.drawn(*row, tokens).is_some())
        .collect();
    shown.sort_by(|a, b| angles[*a].total_cmp(&angles[*b]));
    let now = world.selection.single().map(|row| row as usize);
    let place = now.and_then(|row| shown.iter().position(|other| *other == row));
    if let Some(place) = walk(place, steps, shown.len()) {
        let row = shown[place] as u32;
        commands.push(Command::Select(vec![row], crate::ui::Combine::Replace));
        commands.push(Command::Hover(row));
    }
}

/// Left drag pans and so do arrow keys with Shift; the wheel zooms where the pointer is, + and −
/// in the middle; a double click beside the circle fits.
fn move_view(
    view: &mut CircleView,
    response: &egui::Response,
    keys: ViewKeys,
    middle: Pos2,
    side: f32,
    ui: &Ui,
) {
    let limit = view.zoom;
    let mut delta = Vec2::ZERO;
    if response.dragged() {
        delta = response.drag_delta() / side;
    } else if keys.is_shifted {
        delta = keys.arrows * KEY_PAN;
    }
    view.offset[0] = (view.offset[0] + delta.x).clamp(-limit, limit);
    view.offset[1] = (view.offset[1] + delta.y).clamp(-limit, limit);
    if keys.closer != 0.0 {
        zoom_at(
            view,
            middle,
            middle,
            side,
            (keys.closer * WHEEL * 48.0).exp(),
        );
    }
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    zoom_at(view, pointer, middle, side, (scroll * WHEEL).exp() * pinch);
    let centre = middle + vec2(view.offset[0], view.offset[1]) * side;
    let radius = side * view.zoom * 0.5 * UNIT;
    let is_on_circle = ((pointer - centre).length() - radius).abs() <= REACH;
    if response.double_clicked() && !is_on_circle {
        (view.offset, view.zoom) = ([0.0; 2], 1.0);
    }
}

/// Magnifies the picture; what is drawn at `at` stays there.
fn zoom_at(view: &mut CircleView, at: Pos2, middle: Pos2, side: f32, wanted: f32) {
    let zoom = (view.zoom * wanted).clamp(1.0, MOST_ZOOM);
    let factor = zoom / view.zoom;
    if factor != 1.0 {
        let at = (at - middle) / side;
        view.offset[0] = at.x - (at.x - view.offset[0]) * factor;
        view.offset[1] = at.y - (at.y - view.offset[1]) * factor;
        view.zoom = zoom;
    }
}

/// Says which classes have no ring of their own.
fn rings_left_out(view: &CircleView, snapshot: &Snapshot) -> String {
    let there = snapshot
        .prepared
        .class_counts
        .iter()
        .filter(|count| **count > 0)
        .count();
    let drawn = snapshot.prepared.angular.classes.len();
    if view.has_class_rings && drawn > 0 && drawn < there {
        format!(" · rings of the first {drawn} of {there} classes")
    } else {
        String::new()
    }
}

/// The circle's controls, one after the other.
fn tools_ui(view: &mut CircleView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    ui.checkbox(&mut view.has_class_rings, "class rings")
        .on_hover_text("A von Mises–Fisher density for each class, scaled by its share");
    ui.checkbox(&mut view.has_histogram, "histogram")
        .on_hover_text("Counts of angles in 5° bins, drawn inward");
    ui.checkbox(&mut view.has_plane_density, "plane density")
        .on_hover_text("A Gaussian density estimate in the plane, square-root scale");
    let ring = Command::TogglePotentialRing;
    let mut has_ring = world.potential.has_ring;
    if ui
        .checkbox(&mut has_ring, "potential")
        .on_hover_text(ring.tooltip())
        .changed()
    {
        commands.push(ring);
    }
    if world.potential.has_ring {
        super::sphere::potential::temperature_ui(&world.potential, commands, ui);
    }
}

/// Pointing and clicking: the nearest shown point by angle, near the circle.
fn hit_points(
    ui: &Ui,
    response: &egui::Response,
    square: Rect,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let radius = square.width() * 0.5 * UNIT;
    let painter = ui.painter_at(square);
    let tokens = Tokens::of(ui);
    if let Some([x, y]) = world
        .hover
        .and_then(|row| snapshot.prepared.circle.get(row as usize))
    {
        let place = square.center() + vec2(*x, -y) * radius;
        painter.circle_stroke(place, 6.0, (1.5, tokens.sphere.selected.0));
    }
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let offset = pointer - square.center();
    if (offset.length() - radius).abs() > REACH {
        return;
    }
    let at = [offset.x / radius, -offset.y / radius];
    let nearest = snapshot
        .prepared
        .circle
        .iter()
        .enumerate()
        .filter(|(row, _)| marks.drawn(*row, tokens).is_some())
        .map(|(row, [x, y])| (row as u32, (x - at[0]).hypot(y - at[1])))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((row, _)) = nearest.filter(|(_, distance)| distance * radius < REACH) else {
        return;
    };
    commands.push(Command::Hover(row));
    if response.clicked() {
        let how = crate::ui::Combine::from_modifiers(ui.input(|input| input.modifiers));
        commands.push(Command::Select(vec![row], how));
    }
    tip(response, |ui| super::sphere::point_tooltip(ui, world, row));
}
