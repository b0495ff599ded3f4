//! All that a panel may read.

use std::{path::PathBuf, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{
    InspectorState, LabState, PreviewState, RunVerdicts, RunView, Selection, Snapshot,
    VerdictPicture, VerdictSeriesState,
    widgets::{Level, Running},
};
use crate::{analysis::Request, checkpoint::KeyReport, compute::DeviceReport};

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
    /// Performance by task, where it was measured.
    #[serde(default)]
    pub performance: Vec<(String, f64)>,
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

/// The potential of the shown points, and how it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Potential<'a> {
    /// The newest field, of the shown points but perhaps of the temperature before.
    pub field: Option<&'a crate::landscape::PotentialField>,
    /// Grows with every field.
    pub revision: u64,
    /// Temperature that is wanted.
    pub t: f64,
    /// Whether the sphere shows where it falls.
    pub has_arrows: bool,
    /// Whether it is drawn around the circle.
    pub has_ring: bool,
    /// Whether the sphere's surface sinks where it is low.
    pub has_relief: bool,
}

/// All that a panel may read.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The newest results.
    pub snapshot: Option<&'a Snapshot>,
    /// The pinned time of the run that the newest results stand beside.
    pub pinned: Option<&'a Snapshot>,
    /// Some images as a run would see them.
    pub preview: Option<&'a PreviewState>,
    /// What is wanted: the same as the snapshot's request unless work is under way or failed.
    pub request: &'a Request,
    /// The key report of the wanted encoder, known before anything is computed from it.
    pub report: Option<&'a KeyReport>,
    /// The key report of a file that was refused for tensors that are missing or misshapen.
    pub refused: Option<&'a KeyReport>,
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
    /// The slice of weight space.
    pub landscape: super::Landscape<'a>,
    /// The potential of the points.
    pub potential: Potential<'a>,
    /// The same of the pinned time's points.
    pub pinned_potential: Option<Potential<'a>>,
    /// The measured encoders.
    pub history: &'a [Measured],
    /// The training run.
    pub run: Option<&'a RunView>,
    /// The correlation lab.
    pub lab: Option<&'a LabState>,
    /// What the dense inspector has to show.
    pub inspector: Option<&'a InspectorState>,
    /// The collapse verdict that was worked out last.
    pub verdict: Option<&'a VerdictPicture>,
    /// Why what is shown has no collapse verdict.
    pub verdict_failure: Option<&'a str>,
    /// The verdicts of the run's kept frames.
    pub run_verdicts: Option<&'a RunVerdicts>,
    /// The verdicts of many checkpoints.
    pub verdict_series: Option<&'a VerdictSeriesState>,
    /// The log, oldest first.
    pub log: &'a [LogLine],
    /// Files opened before, newest first.
    pub recent: &'a [PathBuf],
    /// What computes.
    pub device: Option<&'a DeviceReport>,
    /// Small pictures of the shown images.
    pub thumbnails: Option<&'a dyn ThumbnailSource>,
    /// Whether this is drawn for a file: without tools, which nobody can press.
    pub is_export: bool,
    /// Whether files hover over the window.
    pub are_files_hovering: bool,
}

impl World<'_> {
    /// Whether the picture answers an older question than the one that is asked.
    pub fn is_stale(&self) -> bool {
        self.snapshot
            .is_some_and(|snapshot| !snapshot.is_of_run() && snapshot.request() != self.request)
    }
}

/// Small pictures of the images, wherever they are kept.
pub trait ThumbnailSource {
    /// Draws the thumbnail of an image into `rect`; nothing for an unknown image.
    fn paint(&self, painter: &egui::Painter, rect: egui::Rect, image: u32);
}

/// Draws the thumbnail of an image, `size` points wide and high.
pub fn thumbnail(ui: &mut egui::Ui, source: &dyn ThumbnailSource, image: u32, size: f32) {
    let (rect, response) = ui.allocate_exact_size(egui::Vec2::splat(size), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Thumbnail"));
    if ui.is_rect_visible(rect) {
        source.paint(ui.painter(), rect, image);
    }
}
