//! The panels: each draws one view of a [`World`].

mod circle;
mod comparison;
mod encoder_settings;
mod figures;
mod inspector;
mod lab;
mod landscape;
mod log;
mod measure_settings;
mod pairs;
mod plane;
mod plane_density;
mod report;
mod sources;
pub mod sphere;
mod table;
mod training;
mod verdict;

pub use circle::{CirclePicture, circle_ui};
pub use figures::{figures_of, figures_ui};
pub use inspector::{InspectorPictures, inspector_ui};
pub use lab::{cells_ui, lab_ui, plane_plot, tiles_ui, trails_plot, trend_plots};
pub use landscape::{LandscapeCanvas, LinkedSphere, LinkedViews, landscape_ui, picture_ui};
pub use log::log_ui;
pub use pairs::pairs_ui;
pub use plane::plane_ui;
pub use sources::sources_ui;
pub use sphere::sphere_ui;
pub use table::table_ui;
pub use training::training_ui;
pub use verdict::verdict_ui;

use egui::{TextureId, Ui, mutex::RwLock};
use egui_wgpu::wgpu;

use super::{
    Pane, World,
    icons::Icon,
    widgets::{caption, caption_line, empty_state, header_line, how_to_read},
};

/// What every view of points begins with: how it is read, and whether the picture is old.
/// Whether there is something to draw.
fn opening(ui: &mut Ui, pane: Pane, world: &World<'_>) -> bool {
    if !stale_line(ui, pane, world) {
        how_to_read(ui, pane.how_to_read());
    }
    if world.snapshot.is_none() {
        let (title, next) = match (world.running, world.failure) {
            (Some(running), _) => (
                running.title.as_str(),
                "The picture appears when it is done.",
            ),
            (None, Some(failure)) => ("Nothing could be computed", told_by(pane, failure)),
            (None, None) => (
                "Nothing is loaded yet",
                "Drop a checkpoint and a folder of images here, press Ctrl+O, or open the demo.",
            ),
        };
        empty_state(ui, title, next);
        return false;
    }
    true
}

/// The whole of a failure stands once: in the view that everything else recedes behind.
fn told_by(pane: Pane, failure: &str) -> &str {
    if pane == Pane::Sphere {
        failure
    } else {
        "the sphere's view and the log say why"
    }
}

/// Says that the picture answers an older question, and names it: in the place of the line that says
/// how the picture is read, so that nothing moves. Whether it was said.
fn stale_line(ui: &mut Ui, pane: Pane, world: &World<'_>) -> bool {
    let Some(snapshot) = world.snapshot.filter(|_| world.is_stale()) else {
        return false;
    };
    let shown = snapshot.title();
    let (icon, text) = if let Some(failure) = world.failure {
        let why = told_by(pane, failure);
        (Icon::Failure, format!("Still showing {shown}: {why}"))
    } else if world.running.is_some() {
        let text = format!("Still showing {shown} while the new settings are computed");
        (Icon::Warning, text)
    } else {
        (Icon::Warning, format!("Still showing {shown}"))
    };
    header_line(ui, icon, &text);
    true
}

/// A line of settings: cut where a narrow panel ends, whole in a picture for paper.
fn settings_caption(ui: &mut Ui, world: &World<'_>, text: &str) {
    if world.is_export {
        caption(ui, text);
    } else {
        caption_line(ui, text);
    }
}

/// "1000 of 1000 images, all": what is drawn of what there is.
fn population(world: &World<'_>) -> String {
    let Some(snapshot) = world.snapshot else {
        return String::new();
    };
    let provenance = &snapshot.analysis.features.provenance;
    format!(
        "{} points · {} of {} images ({})",
        snapshot.len(),
        provenance.image_count,
        provenance.image_total,
        provenance.choice
    )
}

/// Hands a picture that was drawn on the window's device to egui, anew when the texture behind it is
/// another one: `shown` remembers under which number and of which revision it was handed over last.
fn shown_by_egui(
    egui: &RwLock<egui_wgpu::Renderer>,
    device: &wgpu::Device,
    picture: &wgpu::TextureView,
    revision: u64,
    shown: &mut Option<(TextureId, u64)>,
) -> TextureId {
    let filter = wgpu::FilterMode::Linear;
    let mut egui = egui.write();
    let id = match *shown {
        Some((id, old)) if old == revision => id,
        Some((id, _)) => {
            egui.update_egui_texture_from_wgpu_texture(device, picture, filter, id);
            id
        }
        None => egui.register_native_texture(device, picture, filter),
    };
    *shown = Some((id, revision));
    id
}
