//! The frame of what is asked over everything else: near the top, the rest dimmed.

use egui::{Align2, Area, Id, Modal, Sense, Ui, vec2};

use crate::ui::theme::Tokens;

/// Room that is left beside a dialog in a narrow window, in points.
const MARGIN: f32 = 48.0;

/// Where a dialog stands and how wide it may be, in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub top: f32,
    pub width: f32,
}

/// Draws `contents` over a dimmed window; what it returned, and whether the user clicked beside it.
pub(super) fn show<R>(
    ctx: &egui::Context,
    name: &'static str,
    place: Place,
    contents: impl FnOnce(&mut Ui) -> R,
) -> (R, bool) {
    let id = Id::unique(name);
    let area = Area::new(id)
        .kind(egui::UiKind::Modal)
        .sense(Sense::hover())
        .anchor(Align2::CENTER_TOP, vec2(0.0, place.top))
        .order(egui::Order::Foreground)
        .interactable(true);
    let tokens = Tokens::of_visuals(&ctx.global_style().visuals);
    let modal = Modal::new(id)
        .area(area)
        .backdrop_color(tokens.surface.backdrop.0);
    let response = modal.show(ctx, |ui| {
        ui.set_width(place.width.min(ctx.content_rect().width() - MARGIN));
        contents(ui)
    });
    let is_left = response.backdrop_response.clicked();
    (response.inner, is_left)
}
