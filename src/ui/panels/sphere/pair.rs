//! Two times of a run side by side, seen by one camera.

use egui::{Rect, Sense, Ui, pos2};

use super::{SphereCanvas, one_ui};
use crate::ui::{
    Commands, Potential, Snapshot, SphereView, World, marks::Marks, panels::comparison,
    theme::Tokens,
};

/// The pinned time's sphere.
#[derive(Default)]
pub(super) struct Companion {
    pub(super) canvas: SphereCanvas,
    marks: Marks,
}

/// Draws the pinned time at the left and the shown one at the right. Camera, selection and hover are
/// the same for both.
pub(super) fn pair_ui(
    view: &SphereView,
    canvas: &mut SphereCanvas,
    marks: &Marks,
    [pinned, shown]: [&Snapshot; 2],
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let rect = ui.available_rect_before_wrap();
    ui.allocate_rect(rect, Sense::hover());
    let [left, right] = comparison::halves(rect);
    let mut companion = canvas.take_companion();
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
    companion.marks.update(view, &of_pinned, Tokens::of(ui));
    // One camera: each half moves it, and the other follows.
    companion.canvas.look_as(canvas);
    half_ui(
        ("A", pinned, left),
        view,
        (&mut companion.canvas, &companion.marks),
        &of_pinned,
        commands,
        ui,
    );
    canvas.look_as(&companion.canvas);
    half_ui(
        ("B", shown, right),
        view,
        (canvas, marks),
        world,
        commands,
        ui,
    );
    canvas.keep_companion(companion);
    let stroke = (Tokens::of(ui).shape.rule, Tokens::of(ui).surface.rule.0);
    ui.painter().vline(rect.center().x, rect.y_range(), stroke);
}

fn half_ui(
    (letter, snapshot, rect): (&str, &Snapshot, Rect),
    view: &SphereView,
    (canvas, marks): (&mut SphereCanvas, &Marks),
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let name = comparison::name(letter, snapshot);
    ui.push_id(letter, |ui| {
        let response = ui.interact(
            rect,
            ui.scope_id().with("sphere"),
            Sense::click_and_drag(),
        );
        response.widget_info(|| {
            let label = format!(
                "Sphere {name} with {} points. Arrow keys turn both, Enter selects the point in the \
                 middle",
                marks.shown
            );
            egui::WidgetInfo::labeled(egui::Role::Image, true, label)
        });
        let top = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + 18.0));
        one_ui(view, canvas, marks, world, commands, ui, &response);
        let corner = egui::UiBuilder::new()
            .max_rect(top)
            .layout(egui::Layout::left_to_right(egui::Align::Min));
        ui.scope_builder(corner, |ui| {
            ui.add(egui::Label::new(comparison::title(ui, &name)).truncate());
        });
    });
}
