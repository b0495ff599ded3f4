//! One image location by location: what a chosen one is similar to here, beside, and in the set.

mod correspondence;
mod layer;
mod legend;
mod nearest;
mod picture;
mod tools;

pub use picture::InspectorPictures;

use egui::{ScrollArea, Ui, Vec2, vec2};

use super::{opening, settings_caption};
use crate::{
    features::FeatureKind,
    ui::{
        Command, Commands, InspectCommand, InspectMode, InspectorState, InspectorView, Pane,
        RequestEdit, Snapshot, World,
        icons::Icon,
        widgets::{caption, empty_state, note},
    },
};

/// Share of the view's height that the pictures may take when the rest stands below them.
const PICTURE_SHARE: f32 = 0.62;
/// The pictures are at least this high, in points.
const LEAST_HEIGHT: f32 = 140.0;
/// Least width of what may stand beside the pictures, in points: for one picture, and for two, with
/// the table of rules.
const ASIDE: [f32; 2] = [300.0, 340.0];
/// Gap before it.
const GAP: f32 = 16.0;
/// The pictures may be this much lower than they would be with the rest below them.
const SHRUNK: f32 = 0.8;

/// Draws the inspector.
pub fn inspector_ui(
    view: &mut InspectorView,
    pictures: &mut InspectorPictures,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    // How to click would be lost on paper.
    if !world.is_export && !opening(ui, Pane::Inspector, world) {
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
            let top = ui.cursor().top();
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
                    waiting_ui(world, ui);
                }
                return;
            };
            let now = Now {
                view: &view.clone(),
                state,
                subject,
                snapshot,
            };
            facts_ui(&now, world, ui);
            let layer = layer::layer(&now);
            let above = ui.cursor().top() - top;
            let room = Room::new(&now, [ui.available_width(), height], above, world, ui);
            let most = room.pictures.y;
            if room.is_beside {
                ui.horizontal_top(|ui| {
                    ui.vertical(|ui| {
                        ui.set_width(room.pictures.x);
                        picture::pictures_ui(&now, &layer, pictures, most, world, commands, ui);
                        legend::legend_ui(&now, &layer, world, ui);
                    });
                    ui.add_space(GAP - ui.spacing().item_spacing.x);
                    ui.vertical(|ui| rest_ui(view, pictures, &now, world, commands, ui));
                });
            } else {
                picture::pictures_ui(&now, &layer, pictures, most, world, commands, ui);
                legend::legend_ui(&now, &layer, world, ui);
                rest_ui(view, pictures, &now, world, commands, ui);
            }
            room.remember(ui.min_rect().height(), world, ui);
        });
}

/// What stands below the pictures, or beside them.
fn rest_ui(
    view: &mut InspectorView,
    pictures: &mut InspectorPictures,
    now: &Now<'_>,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Now { state, subject, .. } = *now;
    if !world.is_export {
        tools::drawing_ui(view, state, world, commands, ui);
    }
    if view.mode == InspectMode::Pca {
        legend::colours_ui(view, state, world, ui);
    }
    if subject.sides.len() == 2 {
        correspondence::correspondence_ui(view, state, subject, world, ui);
    }
    nearest::nearest_ui(view, pictures, state, now.snapshot, world, commands, ui);
    if world.is_export {
        ui.add_space(4.0);
        caption(ui, now.snapshot.analysis.features.provenance.line());
        caption(
            ui,
            "all vectors on the unit sphere by plain L2 normalisation",
        );
    }
}

/// How much of the view the pictures may take.
#[derive(Clone, Copy)]
struct Room {
    /// Width and height, in points.
    pictures: Vec2,
    /// Whether the rest stands beside them instead of below.
    is_beside: bool,
}

impl Room {
    /// Of a view of some width and height, of which something `above` is taken already.
    fn new(now: &Now<'_>, size: [f32; 2], above: f32, world: &World<'_>, ui: &Ui) -> Self {
        let [width, height] = size;
        let share = if world.is_export {
            // A picture for paper does not scroll: the pictures take what the rest leaves.
            let rest: Option<f32> = ui.data(|data| data.get_temp(Self::id(ui)));
            height - rest.unwrap_or(PICTURE_SHARE * height) - 2.0
        } else {
            height * PICTURE_SHARE
        };
        let below = picture::extent(now, vec2(width, share.max(LEAST_HEIGHT)));
        let legend = 3.0 * ui.text_style_height(&egui::TextStyle::Body);
        let aside = ASIDE[usize::from(now.subject.sides.len() > 1)];
        let beside = picture::extent(
            now,
            vec2(
                (width - aside - GAP).max(1.0),
                (height - above - legend).max(LEAST_HEIGHT),
            ),
        );
        let is_beside = !world.is_export && beside.y >= SHRUNK * below.y;
        Self {
            pictures: if is_beside { beside } else { below },
            is_beside,
        }
    }

    fn id(ui: &Ui) -> egui::Id {
        ui.scope_id().with("height of all but the pictures")
    }

    /// Keeps how much height all but the pictures takes: sizes settle over a picture's passes.
    fn remember(self, content: f32, world: &World<'_>, ui: &Ui) {
        if world.is_export {
            let id = Self::id(ui);
            ui.data_mut(|data| data.insert_temp(id, content - self.pictures.y));
        }
    }
}

/// The map is being made: what it waits for.
fn waiting_ui(world: &World<'_>, ui: &mut Ui) {
    let why = match world.running {
        Some(running) => format!("After this: {}, {}.", running.title, running.stage),
        None => "The picture appears when it is done.".to_owned(),
    };
    empty_state(ui, "Making the map", &why);
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
fn facts_ui(now: &Now<'_>, world: &World<'_>, ui: &mut Ui) {
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
            "{}{class} · within-image uniformity {within}, {} · {}×{} locations, {}",
            now.image_name(side.image),
            side.within.population,
            side.grid[0],
            side.grid[1],
            side.how,
        )
        .replace(" -", " −");
        settings_caption(ui, world, &text);
    }
    if now.state.is_waiting {
        caption(
            ui,
            "Still showing the picture before while the new one is made",
        );
    }
    ui.allocate_space(vec2(0.0, 2.0));
}
