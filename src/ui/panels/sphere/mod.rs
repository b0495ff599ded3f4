//! Points on S²: the view everything else recedes behind.

mod area;
mod canvas;
mod pair;
pub(super) mod potential;
pub(super) mod prototypes;
mod tooltip;

pub use canvas::SphereCanvas;
pub use tooltip::point_tooltip;

use egui::{Color32, Rect, Response, Sense, Ui, Vec2, pos2, vec2};

use super::{comparison, opening, population};
use crate::{
    projection::ProjectionKind,
    render::{Pick, Side},
    ui::{
        ColourBy, Combine, Command, Commands, Pane, SelectTool, Snapshot, SphereView, World,
        icons::Icon,
        marks::{Key, Marks},
        theme::{self, Tokens},
        widgets::{
            LegendEvent, caption, empty_state, icon_button, icon_toggle, legend, tip, view_keys,
            walk,
        },
    },
};

/// A click or the pointer hits a point this far away, in points of the screen.
const REACH: f32 = 5.0;
/// Magnification of one line of the wheel.
const WHEEL: f32 = 0.0022;
/// Pixels that an arrow key turns the sphere by.
const KEY_STEP: f32 = 24.0;

/// Draws the sphere with its tools and legend.
pub fn sphere_ui(
    view: &mut SphereView,
    canvas: &mut SphereCanvas,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if !opening(ui, Pane::Sphere, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    if !world.is_export {
        tools_ui(view, world, commands, ui);
    }
    caption(ui, settings_line(view, canvas, marks, world, snapshot));
    egui::Panel::bottom("sphere legend")
        .resizable(false)
        .show_separator_line(false)
        .frame(egui::Frame::NONE)
        .show(ui, |ui| legend_ui(marks, commands, ui));
    if let Some(pinned) = world.pinned {
        egui::Panel::bottom("figures of two times")
            .resizable(false)
            .show_separator_line(false)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| comparison::figures_ui(pinned, snapshot, ui));
    }
    let rect = ui.available_rect_before_wrap();
    if rect.width() < 32.0 || rect.height() < 32.0 {
        return;
    }
    if let Some(pinned) = world.pinned {
        pair::pair_ui(view, canvas, marks, [pinned, snapshot], world, commands, ui);
        return;
    }
    let response = ui.allocate_rect(rect, Sense::click_and_drag());
    response.widget_info(|| {
        let label = format!(
            "Sphere with {} points. Arrow keys turn it, with Shift they move it; Enter selects \
             the point in the middle, Page Down the next",
            marks.shown
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, label)
    });
    one_ui(view, canvas, marks, world, commands, ui, &response);
}

/// Draws one sphere where `response` lies, and lets it be used.
fn one_ui(
    view: &SphereView,
    canvas: &mut SphereCanvas,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
    response: &Response,
) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let rect = response.rect;
    match canvas.draw(ui, rect, view, marks, world) {
        Ok(texture) => {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture, rect, whole, Color32::WHITE);
        }
        Err(why) => {
            ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| {
                empty_state(ui, "The sphere cannot be drawn here", &why);
            });
            return;
        }
    }
    interact(view, canvas, response, world, commands, ui);
    keys(canvas, response, marks, snapshot, world, commands, ui);
    potential::extrema_ui(canvas, response, view, world, ui);
    prototypes::overlay(canvas, response.rect, snapshot, ui);
    overlay(canvas, response, world, ui);
    if response.has_focus() {
        let stroke = (1.0, Tokens::of(ui).accent.main.0);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
}

/// Draws the sphere alone, without tools, into `rect` of another view.
pub(super) fn beside_ui(
    view: &SphereView,
    canvas: &mut SphereCanvas,
    marks: &Marks,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
    rect: Rect,
) {
    let id = ui.scope_id().with("sphere beside");
    let response = ui.interact(rect, id, Sense::click_and_drag());
    response.widget_info(|| {
        let label = format!(
            "Sphere beside with {} points. Arrow keys turn it",
            marks.shown
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, label)
    });
    one_ui(view, canvas, marks, world, commands, ui, &response);
}

fn tools_ui(view: &mut SphereView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for tool in SelectTool::ALL {
            let icon = match tool {
                SelectTool::Lasso => Icon::Lasso,
                SelectTool::Box => Icon::Box,
                SelectTool::Cap => Icon::Cap,
            };
            let label = format!("Shift+drag selects with: {}", tool.name());
            if icon_toggle(ui, icon, &label, view.tool == tool).clicked() {
                commands.push(Command::Tool(tool));
            }
        }
        ui.add_space(8.0);
        let toggles = [
            (
                Icon::Front,
                "Select on the front side only",
                view.is_front_only,
                Command::ToggleFrontOnly,
            ),
            (
                Icon::Arcs,
                "Positive pairs as arcs",
                view.has_arcs,
                Command::ToggleArcs,
            ),
            (
                Icon::Density,
                "Shade by density (von Mises–Fisher) or potential",
                view.has_density,
                Command::ToggleDensity,
            ),
        ];
        for (icon, label, is_on, command) in toggles {
            if icon_toggle(ui, icon, label, is_on).clicked() {
                commands.push(command);
            }
        }
        if icon_button(ui, Icon::Home, "Fit the sphere (Home)").clicked() {
            commands.push(Command::Home);
        }
        let face = Command::FacePoints;
        if icon_button(ui, Icon::Face, "Turn the points to the front (Shift+Home)")
            .on_hover_text(face.tooltip())
            .clicked()
        {
            commands.push(face);
        }
        ui.add_space(8.0);
        ui.label(egui::RichText::new("colour").weak());
        ui.allocate_ui(vec2(136.0, ui.spacing().interact_size.y), |ui| {
            let options = ColourBy::ALL.map(|by| (by, by.name().to_owned(), by.explanation()));
            let chosen =
                crate::ui::widgets::choice(ui, "Colour of the points", &view.colour_by, &options);
            if let Some(by) = chosen {
                commands.push(Command::ColourBy(by));
            }
        });
        ui.add_space(8.0);
        ui.label(egui::RichText::new("size").weak());
        let slider = egui::Slider::new(&mut view.point_scale, 0.4..=3.0)
            .show_value(false)
            .logarithmic(true);
        ui.spacing_mut().slider_width = 72.0;
        let _ = ui.add(slider).accessible_name("Size of the points");
        if view.has_density {
            ui.add_space(8.0);
            potential::tools_ui(view, &world.potential, commands, ui);
        }
    });
}

/// What is drawn, how it came to the sphere, and how much of it the picture keeps.
fn settings_line(
    view: &SphereView,
    canvas: &SphereCanvas,
    marks: &Marks,
    world: &World<'_>,
    snapshot: &Snapshot,
) -> String {
    let sphere = &snapshot.analysis.sphere;
    let projection = match sphere.kind {
        ProjectionKind::Exact | ProjectionKind::Embedded => {
            "drawn exactly, nothing is projected".to_owned()
        }
        ProjectionKind::PcaUncentred => {
            format!(
                "{}, mean kept norm {:.3}",
                sphere.kind.name(),
                sphere.mean_kept_norm
            )
        }
    };
    let mut parts = Vec::new();
    if world.landscape.peeked.is_some() && !world.is_export {
        parts.push(snapshot.request().encoder.title());
    }
    parts.extend([
        format!("showing {} of {}", marks.shown, population(world)),
        projection,
    ]);
    let pairs = &snapshot.analysis.pairs;
    if view.has_arcs {
        parts.push(match &pairs.why_absent {
            Some(why) => format!("no arcs: {why}"),
            None => format!(
                "{} arcs of {} pairs",
                pairs.first_sphere.len(),
                pairs.distances.len()
            ),
        });
    }
    parts.extend(prototypes::settings(snapshot));
    if view.shows_potential() {
        parts.push(potential::settings(&world.potential, snapshot.len()));
        if let Some(field) = world.pinned_potential.and_then(|potential| potential.field) {
            let [low, high] = field.sphere.range;
            let range = format!("A by its own range, {low:.3} to {high:.3}");
            parts.push(range.replace('-', "−"));
        }
    } else if view.has_density {
        parts.push(format!(
            "density: vMF, κ = {:.1}, square-root scale",
            snapshot.prepared.sphere_kappa
        ));
    }
    if view.colour_by == ColourBy::Density && world.pinned.is_some() {
        parts.push("local density of B alone".to_owned());
    }
    if canvas.faces_away() && !world.is_export {
        parts.push("most points are behind: Shift+Home turns them to the front".to_owned());
    }
    if !view.is_front_only {
        parts.push("areas select through the sphere".to_owned());
    }
    parts.join(" · ")
}

/// What the colours of the points say.
pub(super) fn legend_ui(marks: &Marks, commands: &mut Commands, ui: &mut Ui) {
    match &marks.legend {
        Key::Words(words) => {
            caption(ui, words.as_str());
        }
        Key::Ramp {
            name,
            low,
            high,
            colours,
        } => {
            ui.horizontal(|ui| {
                let number = |value: f32| format!("{value:.3}").replace('-', "−");
                ui.label(egui::RichText::new(number(*low)).small().monospace());
                let (rect, _) = ui.allocate_exact_size(vec2(160.0, 8.0), Sense::hover());
                ramp_ui(ui, rect, colours);
                ui.label(egui::RichText::new(number(*high)).small().monospace());
                caption(ui, name.as_str());
            });
        }
        Key::Classes(entries) => {
            let event = egui::ScrollArea::vertical()
                .max_height(72.0 * theme::mark_scale(ui))
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    ui.horizontal_wrapped(|ui| {
                        ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
                        legend(ui, entries)
                    })
                    .inner
                })
                .inner;
            match event {
                Some(LegendEvent::Toggle(class)) => {
                    commands.push(Command::ToggleClass(class as u32));
                }
                Some(LegendEvent::Solo(class)) => commands.push(Command::Solo(class as u32)),
                None => {}
            }
        }
    }
}

fn ramp_ui(ui: &Ui, rect: Rect, colours: &[Color32]) {
    let mut mesh = egui::Mesh::default();
    let last = colours.len().saturating_sub(1).max(1) as f32;
    for (index, colour) in colours.iter().enumerate() {
        let x = rect.left() + rect.width() * index as f32 / last;
        mesh.colored_vertex(pos2(x, rect.top()), *colour);
        mesh.colored_vertex(pos2(x, rect.bottom()), *colour);
        if index > 0 {
            let corner = 2 * index as u32;
            mesh.add_triangle(corner - 2, corner - 1, corner);
            mesh.add_triangle(corner - 1, corner, corner + 1);
        }
    }
    ui.painter().add(egui::Shape::mesh(mesh));
}

fn interact(
    view: &SphereView,
    canvas: &mut SphereCanvas,
    response: &Response,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &Ui,
) {
    let modifiers = ui.input(|input| input.modifiers);
    if area::interact(view, canvas, response, world, commands, modifiers) {
        ui.request_repaint();
        return;
    }
    move_camera(canvas, response, ui);
    let pointer = response.hover_pos().filter(|_| !response.dragged());
    if let Some(position) = pointer {
        let pick = canvas.pick(position, REACH, Side::Both);
        if pick == Pick::Pending {
            ui.request_repaint();
        }
        if let Some(row) = canvas.remember_hover(pick, position) {
            commands.push(Command::Hover(row));
            tip(response, |ui| point_tooltip(ui, world, row));
        }
    }
    if response.clicked() {
        canvas.press(
            response.interact_pointer_pos(),
            Combine::from_modifiers(modifiers),
            response.double_clicked(),
        );
    }
    match canvas.resolve_press(REACH) {
        canvas::Press::Nothing => {}
        canvas::Press::Waiting => ui.request_repaint(),
        canvas::Press::Point {
            row,
            how,
            is_double,
        } => {
            if is_double {
                commands.push(Command::Focus(row));
            } else {
                commands.push(Command::Select(vec![row], how));
            }
        }
        canvas::Press::Background { is_double } => {
            if is_double {
                canvas.reset();
            }
        }
    }
}

fn move_camera(canvas: &mut SphereCanvas, response: &Response, ui: &Ui) {
    let delta = response.drag_delta();
    if response.dragged_by(egui::PointerButton::Primary) {
        canvas.orbit(delta);
    } else if response.dragged_by(egui::PointerButton::Secondary)
        || response.dragged_by(egui::PointerButton::Middle)
    {
        canvas.pan(delta);
    }
    if let Some(position) = response.hover_pos() {
        let (scroll, zoom) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (scroll * WHEEL).exp() * zoom;
        if factor != 1.0 {
            canvas.zoom_at(factor, position);
        }
    }
    if let Some(interval) = canvas.advance(ui.input(|input| input.stable_dt)) {
        ui.request_repaint_after(interval);
    }
}

/// What pointer and wheel do, without them.
fn keys(
    canvas: &mut SphereCanvas,
    response: &Response,
    marks: &Marks,
    snapshot: &Snapshot,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &Ui,
) {
    let keys = view_keys(ui, response);
    let turn = keys.arrows * KEY_STEP;
    if turn != Vec2::ZERO && keys.is_shifted {
        canvas.pan(turn);
    } else if turn != Vec2::ZERO {
        canvas.orbit(turn);
    }
    if keys.closer != 0.0 {
        let factor = (keys.closer * KEY_STEP * WHEEL * 2.0).exp();
        canvas.zoom_at(factor, response.rect.center());
    }
    let is_shown = |row: usize| marks.drawn(row, Tokens::of(ui)).is_some();
    let chosen = if keys.is_chosen {
        canvas.nearest_to(response.rect.center(), &snapshot.prepared.sphere, is_shown)
    } else if keys.onward != 0 {
        let shown: Vec<usize> = (0..snapshot.len()).filter(|row| is_shown(*row)).collect();
        let now = world.selection.single().map(|row| row as usize);
        let place = now.and_then(|row| shown.binary_search(&row).ok());
        walk(place, keys.onward, shown.len()).map(|place| shown[place] as u32)
    } else {
        None
    };
    if let Some(row) = chosen {
        commands.push(Command::Select(vec![row], Combine::Replace));
        commands.push(Command::Hover(row));
    }
}

/// Rings around what is pointed at and the one selected point, and the area being drawn.
fn overlay(canvas: &SphereCanvas, response: &Response, world: &World<'_>, ui: &Ui) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(response.rect);
    let scale = theme::mark_scale(ui);
    let ring = |row: Option<u32>, radius: f32, colour: Color32| {
        let point = row.and_then(|row| snapshot.prepared.sphere.get(row as usize));
        if let Some((place, is_in_front)) = point.and_then(|point| canvas.place(*point)) {
            let colour = if is_in_front {
                colour
            } else {
                colour.gamma_multiply(0.5)
            };
            painter.circle_stroke(place, radius * scale, (1.5, colour));
        }
    };
    ring(world.selection.single(), 9.0, tokens.accent.main.0);
    ring(world.hover, 7.0, tokens.sphere.selected.0);
    area::overlay(canvas, &painter, tokens);
}
