//! Points on S¹ with densities around the circle and in the plane.

#[path = "circle_potential.rs"]
mod potential_ring;

use egui::{
    Align2, Color32, ColorImage, Painter, Pos2, Rect, Sense, Shape, Stroke, TextureOptions, Ui,
    Vec2, pos2, vec2,
};

use super::{opening, population, settings_caption};
use crate::ui::{
    CircleView, Command, Commands, Pane, Snapshot, World,
    colour::{class_colour, mix, ramp},
    marks::Marks,
    theme::{self, Tokens},
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

/// The circle's points and plane density as a picture, kept until something changes.
#[derive(Clone, Default)]
pub struct CirclePicture {
    key: Option<(u64, u64, usize, bool, bool)>,
    texture: Option<egui::TextureHandle>,
}

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
        settings_caption(ui, world, &potential_ring::settings(&world.potential));
    }
    if world.is_export {
        egui::Panel::bottom("circle legend")
            .resizable(false)
            .show_separator_line(false)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| super::sphere::legend_ui(marks, commands, ui));
    }
    if !is_wide {
        return drawing_ui(view, picture, marks, world, commands, ui);
    }
    ui.with_layout(egui::Layout::left_to_right(egui::Align::Min), |ui| {
        egui::ScrollArea::vertical()
            .id_salt("circle tools")
            .show(ui, |ui| {
                ui.vertical(|ui| tools_ui(view, world, commands, ui));
            });
        drawing_ui(view, picture, marks, world, commands, ui);
    });
}

/// Whose points these are, while they are those of a point of the landscape.
fn peeked(world: &World<'_>, snapshot: &Snapshot) -> String {
    match world.landscape.peeked {
        Some(_) if !world.is_export => format!("{} · ", snapshot.request().encoder.title()),
        _ => String::new(),
    }
}

/// The circle itself, as large as what is left of the pane.
fn drawing_ui(
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
    let side = ui.available_width().min(ui.available_height()).max(64.0);
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width().max(side), side),
        Sense::click_and_drag(),
    );
    response.widget_info(|| {
        let text = format!(
            "Circle of {} points. Arrow keys walk from point to point, with Shift they move it",
            snapshot.len()
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let middle = rect.center();
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
    draw(&inside, square, view, picture, marks, snapshot);
    if let Some(field) = world.potential.field.filter(|_| world.potential.has_ring) {
        potential_ring::draw(&inside, square, &field.circle);
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

fn draw(
    ui: &Ui,
    square: Rect,
    view: &CircleView,
    picture: &mut CirclePicture,
    marks: &Marks,
    snapshot: &Snapshot,
) {
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(square.expand(4.0));
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
}

/// Height in radii of one unit of density, so that the highest of `values` takes [`RING`].
fn ring_scale(values: &[f32]) -> f32 {
    let highest = values.iter().copied().fold(0.0_f32, f32::max);
    if highest > 0.0 { RING / highest } else { 0.0 }
}

fn at_angle(centre: Pos2, radius: f32, angle_rad: f32) -> Pos2 {
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
        let place = at_angle(centre, radius * (1.08 + RING), angle);
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

impl CirclePicture {
    fn update(
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

    #[test]
    fn angles_count_upward_from_the_right() {
        let up = at_angle(pos2(0.0, 0.0), 1.0, std::f32::consts::FRAC_PI_2);
        // sin and cos of a rounded quarter turn.
        assert!(up.x.abs() < 1e-6 && (up.y + 1.0).abs() < 1e-6);
    }
}
