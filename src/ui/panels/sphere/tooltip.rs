//! What is told of a point under the pointer.

use egui::{RichText, Ui};

use crate::ui::{World, panels::table::predicted, theme, thumbnail, widgets::key_value};

/// Thumbnail, name, label and figures of a point.
pub fn point_tooltip(ui: &mut Ui, world: &World<'_>, row: u32) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    ui.set_max_width(360.0 * theme::mark_scale(ui));
    ui.horizontal_top(|ui| {
        let image = snapshot.analysis.features.images.get(row as usize);
        if let (Some(thumbnails), Some(image)) = (world.thumbnails, image) {
            thumbnail(ui, thumbnails, *image, 96.0);
        }
        ui.vertical(|ui| {
            ui.label(RichText::new(snapshot.name(row)).text_style(theme::section_style()));
            if let Some(class) = snapshot.label(row) {
                key_value(ui, "label", &snapshot.class_name(class));
            }
            if let Some(class) = predicted(snapshot, row) {
                key_value(ui, "predicted", &snapshot.class_name(class));
            }
            let number = |value: f32| format!("{value:.3}").replace('-', "−");
            if let Some(norm) = snapshot.norm(row) {
                key_value(ui, "‖z‖", &number(norm));
            }
            if let Some(kept) = snapshot.kept_norm(row) {
                key_value(ui, "kept norm", &number(kept));
            }
            if let Some(density) = world
                .density
                .and_then(|(values, _)| values.get(row as usize))
            {
                key_value(ui, "log density", &number(*density));
            }
        });
    });
}
