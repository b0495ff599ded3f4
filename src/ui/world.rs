//! All that a panel may read.

use std::{path::PathBuf, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{Selection, Snapshot, widgets::{Level, Running}};
use crate::{analysis::Request, compute::DeviceReport};

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When.
    pub at: SystemTime,
    /// How serious.
    pub level: Level,
    /// What.
    pub text: String,
}

/// An encoder as a point of the align–uniform plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Encoder, images, kind.
    pub title: String,
    /// L_align(α).
    pub alignment: f64,
    /// L_uniform(t).
    pub uniformity: f64,
    /// The exponent α.
    pub alpha: f64,
    /// The temperature t.
    pub t: f64,
    /// Least uniformity for this dimension.
    pub floor: f64,
    /// What it was measured over, line by line.
    pub provenance: Vec<String>,
    /// The command line that gives the same.
    pub command_line: String,
}

impl Measured {
    /// The point as plain text.
    pub fn to_text(&self) -> String {
        format!(
            "{}\nL_align(α={}) = {:.5}\nL_uniform(t={}) = {:.5}\n{}\n{}",
            self.title,
            self.alpha,
            self.alignment,
            self.t,
            self.uniformity,
            self.provenance.join("\n"),
            self.command_line,
        )
    }
}

/// The nearest points of one, by cosine in the original space.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Whose neighbours.
    pub of: u32,
    /// Row and cosine, nearest first.
    pub list: Vec<(u32, f32)>,
}

/// All that a panel may read.
pub struct World<'a> {
    /// The newest results.
    pub snapshot: Option<&'a Snapshot>,
    /// What is wanted: the same as the snapshot's request unless work is under way or failed.
    pub request: &'a Request,
    /// The work under way.
    pub running: Option<&'a Running>,
    /// Why the newest request gave no results.
    pub failure: Option<&'a str>,
    /// The selected points.
    pub selection: &'a Selection,
    /// The point under the pointer, in any view.
    pub hover: Option<u32>,
    /// Neighbours of the selected point.
    pub neighbours: Option<&'a Neighbours>,
    /// Local density of each point, and how it was computed.
    pub density: Option<(&'a [f32], &'a str)>,
    /// The measured encoders.
    pub history: &'a [Measured],
    /// The log, oldest first.
    pub log: &'a [LogLine],
    /// Files opened before, newest first.
    pub recent: &'a [PathBuf],
    /// What computes.
    pub device: Option<&'a DeviceReport>,
    /// Thumbnails as a texture.
    pub thumbnails: Option<&'a ThumbnailTexture>,
    /// Whether files hover over the window.
    pub are_files_hovering: bool,
}

impl World<'_> {
    /// Whether the picture answers an older question than the one that is asked.
    pub fn is_stale(&self) -> bool {
        self.snapshot.is_some_and(|snapshot| snapshot.request() != self.request)
    }
}

/// The atlas of thumbnails on the graphics device.
#[derive(Clone)]
pub struct ThumbnailTexture {
    /// The atlases, `per_texture` thumbnails each.
    pub textures: Vec<egui::TextureHandle>,
    /// Thumbnails in one texture.
    pub per_texture: usize,
    /// Thumbnails in a row of a texture.
    pub columns: usize,
    /// Side of a thumbnail in pixels.
    pub side: usize,
}

impl ThumbnailTexture {
    /// Draws the thumbnail of an image, `size` points wide and high.
    pub fn show(&self, ui: &mut egui::Ui, image: u32, size: f32) {
        let (rect, response) =
            ui.allocate_exact_size(egui::Vec2::splat(size), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Thumbnail"));
        self.paint(ui.painter(), rect, image);
    }

    /// Draws the thumbnail of an image into `rect`.
    pub fn paint(&self, painter: &egui::Painter, rect: egui::Rect, image: u32) {
        let index = image as usize;
        let Some(texture) = self.textures.get(index / self.per_texture.max(1)) else {
            return;
        };
        let place = index % self.per_texture;
        let [width, height] = texture.size();
        let cell = egui::vec2(self.side as f32 / width as f32, self.side as f32 / height as f32);
        let corner = egui::pos2(
            (place % self.columns) as f32 * cell.x,
            (place / self.columns) as f32 * cell.y,
        );
        painter.image(
            texture.id(),
            rect,
            egui::Rect::from_min_size(corner, cell),
            egui::Color32::WHITE,
        );
    }
}
