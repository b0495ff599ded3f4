//! Alignment and uniformity over a slice of weight space, filling in while it is measured.

mod exchange;
mod heat;
mod relief;
mod tools;

use egui::Ui;

use crate::ui::{
    Commands, LandscapePicture, LandscapeView, Pane, SlicePicture, World,
    icons::Icon,
    widgets::{caption, caption_line, empty_state, how_to_read, note},
};

/// What the shapes mean, and what they do not.
const READING: &str = "Sharp: the loss rises fast as the weights move by their own filters' norms. \
                       Flat: it hardly changes. Ridge: it rises one way and stays level across. A slice \
                       shows two of many directions: a flat slice does not make a flat minimum, and \
                       flatness alone does not say that an encoder is good: a collapsed one is flat at \
                       L_uniform = 0.";

/// Draws the landscape with its tools.
pub fn landscape_ui(
    view: &mut LandscapeView,
    canvas: &mut LandscapeCanvas,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    how_to_read(ui, &format!("{} {READING}", Pane::Landscape.how_to_read()));
    tools::tools_ui(view, world, commands, ui);
    if let Some(failure) = world.landscape.failure {
        note(ui, Icon::Failure, failure);
    }
    match world.landscape.picture {
        Some(picture) => picture_ui(view, canvas, picture, false, commands, ui),
        None if world.landscape.is_running => {
            let stage = world.landscape.stage.unwrap_or("preparing");
            empty_state(ui, "Cutting the slice", stage);
        }
        None => empty_state(
            ui,
            "No slice has been cut yet",
            "Press \"Cut a slice\": it fills from coarse to fine around the shown encoder.",
        ),
    }
}

/// Draws the picture alone; for a file, without anything that can be pressed.
pub fn picture_ui(
    view: &LandscapeView,
    canvas: &mut LandscapeCanvas,
    picture: &LandscapePicture,
    is_export: bool,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let settings = picture.settings(view.quantity, view.is_logarithmic);
    if is_export {
        for line in settings {
            caption(ui, line);
        }
    } else {
        caption_line(ui, &format!("{} · {}", picture.title, settings.join(" · ")))
            .on_hover_text(settings.join("\n"));
    }
    match view.picture {
        SlicePicture::Map => heat::heat_ui(view, &mut canvas.heat, picture, commands, ui),
        SlicePicture::Relief => relief::relief_ui(view, &mut canvas.relief, picture, ui),
        SlicePicture::Exchange => exchange::exchange_ui(picture, ui),
    }
}

/// What the landscape's pictures keep between frames.
#[derive(Default)]
pub struct LandscapeCanvas {
    heat: heat::HeatPicture,
    relief: relief::ReliefCanvas,
}

impl LandscapeCanvas {
    /// Draws on the window's device from now on.
    pub fn connect(&mut self, state: &egui_wgpu::RenderState) {
        self.relief.connect(state);
    }
}

/// A number with a sign that lines up.
fn number(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}
