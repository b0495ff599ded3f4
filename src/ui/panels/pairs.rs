//! Distances of positive pairs.

use egui::Ui;

use super::{opening, settings_caption};
use crate::ui::{
    Pane, World,
    theme::Tokens,
    widgets::{empty_state, histogram},
};

/// Draws the histogram of ‖x − y‖ over positive pairs.
pub fn pairs_ui(world: &World<'_>, ui: &mut Ui) {
    if !opening(ui, Pane::Pairs, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let pairs = &snapshot.analysis.pairs;
    if let Some(why) = &pairs.why_absent {
        empty_state(ui, "There are no positive pairs", why);
        return;
    }
    let distances = &snapshot.prepared.distances;
    settings_caption(
        ui,
        world,
        &format!("mean {:.4} · {}", distances.mean, pairs.population),
    );
    let colour = Tokens::of(ui).accent.main.0;
    histogram(
        ui,
        "pair distances",
        distances,
        "‖x − y‖ on the unit sphere",
        colour,
    );
}
