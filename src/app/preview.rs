//! Augmented views in the window: made beside its thread whenever they are looked at and the
//! settings have changed, the newest wish only.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{ColorImage, TextureOptions};

use super::{App, jobs::Slot};
use crate::{
    analysis::ImagesSource,
    compute::JobId,
    data::ImageSet,
    progress::Progress,
    training::{PREVIEW_VIEWS, PreviewRequest, PreviewRow, RunConfig, Start, TrainingError},
    ui::{PreviewPicture, PreviewState},
};

type Answer = (PreviewRequest, Result<Vec<PreviewRow>, String>);

/// The preview and what it has asked for.
#[derive(Default)]
pub(super) struct Preview {
    pub state: PreviewState,
    /// What the newest answer, or its failure, is to.
    shown: Option<PreviewRequest>,
    job: Option<JobId>,
    slot: Slot<Answer>,
    /// The set that was opened last: a slider must not open a folder anew at every move.
    images: Arc<Mutex<Option<(ImagesSource, ImageSet)>>>,
}

impl Preview {
    /// A job came to its end, with views or without.
    pub fn job_ended(&mut self, id: JobId) {
        if self.job == Some(id) {
            self.job = None;
        }
    }
}

impl App {
    /// Takes in the views that were made, and asks for those that are looked at and not there.
    pub(super) fn follow_preview(&mut self, ctx: &egui::Context) {
        if let Some((request, made)) = self.preview.slot.take() {
            match made {
                Ok(rows) => {
                    self.preview.state.picture = Some(picture(ctx, &request, &rows));
                    self.preview.state.failure = None;
                }
                Err(why) => self.preview.state.failure = Some(why),
            }
            self.preview.shown = Some(request);
        }
        let view = &self.views.training.preview;
        if !view.is_open {
            return;
        }
        let run = self.training.view().filter(|_| view.is_of_run);
        let config = run.map_or(&self.views.training.draft, |run| &run.state.config);
        let request = PreviewRequest::new(config, self.usual_side(config), view.draw);
        let is_there = self.preview.shown.as_ref() == Some(&request);
        self.preview.state.is_waiting = !is_there;
        if is_there || self.preview.job.is_some() {
            return;
        }
        let images = Arc::clone(&self.preview.images);
        let (slot, wake) = (self.preview.slot.clone(), self.jobs.waker());
        // A full queue: asked again with the next frame of the window.
        self.preview.job = self.jobs.help_for(move |progress| {
            let made = set(&request.images, &images, progress)
                .and_then(|set| request.rows(&set, progress))
                .map_err(|error| error.to_string());
            slot.put((request, made));
            wake();
        });
    }

    /// Side of the images that a run's encoder takes.
    fn usual_side(&self, config: &RunConfig) -> u32 {
        let of_checkpoint = match &config.start {
            // Those of the gallery are of the default kind, on images of their size.
            Start::Scratch | Start::Bundled(_) => None,
            Start::Checkpoint(path) => self.wanted_report().filter(|report| report.file == *path),
        };
        of_checkpoint.map_or(config.architecture.input_side(), |report| {
            report.architecture.input_side()
        })
    }
}

/// The images of a source, kept for the next time.
fn set(
    source: &ImagesSource,
    kept: &Mutex<Option<(ImagesSource, ImageSet)>>,
    progress: &Progress,
) -> Result<ImageSet, TrainingError> {
    // Replaced whole: a panic in between leaves it sound.
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, set)) = kept.as_ref().filter(|(of, _)| of == source) {
        return Ok(set.clone());
    }
    let set = match source {
        ImagesSource::Path { path, masks } => ImageSet::open(path, masks.as_deref(), progress)?,
        ImagesSource::Builtin(config) => ImageSet::builtin(config),
    };
    *kept = Some((source.clone(), set.clone()));
    Ok(set)
}

/// All tiles in one texture.
fn picture(ctx: &egui::Context, request: &PreviewRequest, rows: &[PreviewRow]) -> PreviewPicture {
    let side = request.tile_side() as usize;
    let columns = 1 + PREVIEW_VIEWS;
    let size = [columns * side, rows.len() * side];
    let mut sheet = image::RgbImage::new(size[0] as u32, size[1] as u32);
    for (row, made) in rows.iter().enumerate() {
        for (column, tile) in made.tiles.iter().enumerate() {
            let corner = [column * side, row * side].map(|at| at as i64);
            image::imageops::replace(&mut sheet, tile, corner[0], corner[1]);
        }
    }
    let image = ColorImage::from_rgb(size, sheet.as_raw());
    let first = request.draw * PREVIEW_VIEWS as u64 / 2;
    let scaled = if request.tile_side() < request.side {
        format!(", shown at {side} px")
    } else {
        String::new()
    };
    PreviewPicture {
        texture: ctx.load_texture("augmented views", image, TextureOptions::NEAREST),
        names: rows.iter().map(|row| row.name.clone()).collect(),
        columns,
        about: format!(
            "{} images evenly spread over the set · {PREVIEW_VIEWS} views each, as steps {first} to \
             {} would draw them (two a step) · {} px{scaled} · seed {}",
            rows.len(),
            first + PREVIEW_VIEWS as u64 / 2 - 1,
            request.side,
            request.seed,
        ),
    }
}
