//! A training run: what is started, how it goes, what it wrote down, and any time of it again.

mod augmentations;
mod curves;
mod data;
mod network;
mod objective;
mod scrubber;
mod setup;
mod transport;

use egui::Ui;

use crate::ui::{
    Commands, Pane, TrainingView, World,
    theme::Tokens,
    widgets::{caption, how_to_read},
};

/// Width of the column with settings and knobs, in units of the layout's grid.
const COLUMN: f32 = 40.0;

/// Width from which the transport and the time stand in one row, in the same units.
const WIDE: f32 = 120.0;

/// Draws the run with its transport, knobs, curves and time.
pub fn training_ui(
    view: &mut TrainingView,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    how_to_read(ui, Pane::Training.how_to_read());
    let tokens = Tokens::of(ui);
    let mut bars_ui = |ui: &mut Ui| {
        transport::transport_ui(world, commands, ui);
        if let Some(run) = world.run {
            scrubber::scrubber_ui(run, commands, ui);
        }
    };
    // One row where there is room: the curves below need the height.
    if ui.available_width() > tokens.shape.grid * WIDE {
        ui.horizontal(bars_ui);
    } else {
        bars_ui(ui);
    }
    transport::message_ui(world, ui);
    augmentations::augmentations_ui(view, world, commands, ui.ctx());
    let column = (tokens.shape.grid * COLUMN).min(ui.available_width() * 0.45);
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        ui.allocate_ui(egui::vec2(column, height), |ui| {
            egui::ScrollArea::vertical()
                .id_salt("training settings")
                .auto_shrink([false, true])
                .max_height(height)
                .show(ui, |ui| {
                    ui.vertical(|ui| {
                        setup::setup_ui(view, world, commands, ui);
                    });
                });
        });
        ui.vertical(|ui| match world.run {
            Some(run) => curves::curves_ui(view, run, commands, ui),
            None => {
                caption(
                    ui,
                    "Choose a preset and press Start: the points move on the sphere while it \
                     trains, and every term of the loss draws its curve here.",
                );
            }
        });
    });
}
