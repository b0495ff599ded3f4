//! One image location by location: what a chosen one is similar to here, beside, and in the set.

mod correspondence;
mod layer;
mod legend;
mod nearest;
mod picture;
mod tools;

pub use picture::InspectorPictures;

use egui::{ScrollArea, Ui, vec2};

use super::opening;
use crate::{
    features::FeatureKind,
    ui::{
        Command, Commands, InspectCommand, InspectMode, InspectorState, InspectorView, Pane,
        RequestEdit, Snapshot, World,
        icons::Icon,
        widgets::{caption, caption_line, empty_state, note},
    },
};

/// Share of the view's height that the pictures may take.
const PICTURE_SHARE: f32 = 0.62;
/// The pictures are at least this high, in points.
const LEAST_HEIGHT: f32 = 140.0;

/// Draws the inspector.
pub fn inspector_ui(
    view: &mut InspectorView,
    pictures: &mut InspectorPictures,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if !opening(ui, Pane::Inspector, world) {
        return;
    }
    let (Some(snapshot), Some(state)) = (world.snapshot, world.inspector) else {
        return;
    };
    if !snapshot.request().kind.is_dense() {
        return pooled_ui(snapshot, world, commands, ui);
    }
    let height = ui.available_height();
    ScrollArea::vertical()
        .id_salt("dense inspector")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            if !world.is_export {
                tools::tools_ui(view, state, world, commands, ui);
            }
            if let Some(why) = &state.failure {
                note(ui, Icon::Failure, why);
                if !world.is_export && ui.button("Make the map again").clicked() {
                    commands.push(Command::Inspect(InspectCommand::Again));
                }
            }
            let Some(subject) = &state.subject else {
                if state.failure.is_none() {
                    empty_state(ui, "Making the map", "The picture appears when it is done.");
                }
                return;
            };
            let now = Now {
                view: &*view,
                state,
                subject,
                snapshot,
            };
            facts_ui(&now, ui);
            let layer = layer::layer(&now);
            let most = (height * PICTURE_SHARE).max(LEAST_HEIGHT);
            picture::pictures_ui(&now, &layer, pictures, most, world, commands, ui);
            legend::legend_ui(&now, &layer, ui);
            if !world.is_export {
                tools::drawing_ui(view, state, world, commands, ui);
            }
            if view.mode == InspectMode::Pca {
                legend::colours_ui(view, state, world, ui);
            }
            if subject.sides.len() == 2 {
                correspondence::correspondence_ui(view, state, subject, world, ui);
            }
            nearest::nearest_ui(view, pictures, state, snapshot, world, commands, ui);
        });
}

/// What is drawn now.
struct Now<'a> {
    view: &'a InspectorView,
    state: &'a InspectorState,
    subject: &'a crate::dense::Subject,
    snapshot: &'a Snapshot,
}

impl Now<'_> {
    /// Name of an image of the set.
    fn image_name(&self, image: u32) -> &str {
        image_name(self.snapshot, image)
    }
}

fn image_name(snapshot: &Snapshot, image: u32) -> &str {
    let records = snapshot.analysis.images.records();
    records
        .get(image as usize)
        .map_or("unknown image", |record| record.name.as_str())
}

/// Features without locations: what to do.
fn pooled_ui(snapshot: &Snapshot, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    empty_state(
        ui,
        "These features have no locations",
        &format!(
            "{} features are one vector an image. The inspector looks at one vector a location.",
            snapshot.request().kind
        ),
    );
    if world.is_export {
        return;
    }
    ui.vertical_centered(|ui| {
        ui.add_space(8.0);
        let button = ui.add_enabled(
            !world.request.kind.is_dense(),
            egui::Button::new("Analyse dense features"),
        );
        if button
            .on_hover_text("One vector a location of the stage's map")
            .clicked()
        {
            commands.edit(RequestEdit::Kind(FeatureKind::Dense));
        }
    });
}

/// What was done to the pictures, and uniformity within each.
fn facts_ui(now: &Now<'_>, ui: &mut Ui) {
    for side in &now.subject.sides {
        let within = match &side.within.value {
            Ok(value) => format!("{value:.4} (floor {:.4})", side.within.floor),
            Err(why) => format!("absent: {why}"),
        };
        let records = now.snapshot.analysis.images.records();
        let class = records
            .get(side.image as usize)
            .and_then(|record| record.label)
            .map(|class| format!(", {}", now.snapshot.class_name(class)))
            .unwrap_or_default();
        let text = format!(
            "{}{class} · {}×{} locations, {} · within-image uniformity {within}, {}",
            now.image_name(side.image),
            side.grid[0],
            side.grid[1],
            side.how,
            side.within.population,
        )
        .replace(" -", " −");
        caption_line(ui, &text).on_hover_text(&text);
    }
    if now.state.is_waiting {
        caption(
            ui,
            "Still showing the picture before while the new one is made",
        );
    }
    ui.allocate_space(vec2(0.0, 2.0));
}
