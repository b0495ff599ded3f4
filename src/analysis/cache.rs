//! What one analysis leaves for the next: changing α or t must not read a file again.

use std::{path::Path, sync::Arc, time::SystemTime};

use super::{AnalysisError, Bundled, EncoderSource, ImagesSource, Request, positives::Inputs};
use crate::{
    checkpoint::{self, LoadedModel, OpenOptions},
    compute::Compute,
    data::{ImageSet, Preprocess, Thumbnails},
    features::{Extraction, ExtractionRequest, PairRequest, ViewPairs, extract, view_pairs},
    progress::Progress,
};

/// Side of a thumbnail in pixels.
pub(super) const THUMBNAIL_SIDE: u32 = 48;

/// The newest model, image set, features and pairs, each with what it was made from.
///
/// One entry of each: a second encoder replaces the first, so memory stays that of one analysis.
#[derive(Default)]
pub struct Cache {
    /// Nobody will see the images: their small pictures are not worth decoding.
    is_headless: bool,
    model: Option<Entry<Arc<LoadedModel>>>,
    images: Option<Entry<(ImageSet, Arc<Thumbnails>)>>,
    extraction: Option<Entry<Arc<Extraction>>>,
    pairs: Option<Entry<Arc<ViewPairs>>>,
}

struct Entry<T> {
    key: String,
    value: T,
}

impl Cache {
    /// A cache for work without a window, which makes no thumbnails.
    pub fn headless() -> Self {
        Self {
            is_headless: true,
            ..Self::default()
        }
    }

    pub(super) fn model(
        &mut self,
        request: &Request,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Arc<LoadedModel>, AnalysisError> {
        let key = model_key(request, compute);
        remembered(&mut self.model, key, || {
            let loaded = match &request.encoder {
                EncoderSource::File(path) => {
                    let options = OpenOptions {
                        root: request.root.clone(),
                    };
                    checkpoint::load_with(path, &options, compute.device(), progress)?
                }
                EncoderSource::Untrained { architecture, seed } => {
                    checkpoint::untrained(architecture, *seed, compute.device())?
                }
                EncoderSource::Bundled(name) => Bundled::named(name)?.load(compute, progress)?,
                EncoderSource::Run { .. } | EncoderSource::Place { .. } => {
                    return Err(AnalysisError::Setting {
                        name: "the encoder",
                        range: "a checkpoint file or an architecture",
                        found: format!("a slice or a run in memory ({})", request.encoder.title()),
                    });
                }
            };
            Ok(Arc::new(loaded))
        })
    }

    pub(super) fn images(
        &mut self,
        source: &ImagesSource,
        progress: &Progress,
    ) -> Result<(ImageSet, Arc<Thumbnails>), AnalysisError> {
        let stamp = match source {
            ImagesSource::Path { path, .. } => modified(path),
            ImagesSource::Builtin(_) => None,
        };
        let key = format!("{source:?} {stamp:?}");
        let is_headless = self.is_headless;
        remembered(&mut self.images, key, || {
            let set = match source {
                ImagesSource::Path { path, masks } => {
                    ImageSet::open(path, masks.as_deref(), progress)?
                }
                ImagesSource::Builtin(config) => ImageSet::builtin(config),
            };
            let thumbnails = if is_headless {
                Thumbnails::none()
            } else {
                set.thumbnails(THUMBNAIL_SIDE, progress)?
            };
            Ok((set, Arc::new(thumbnails)))
        })
    }

    pub(super) fn extraction(
        &mut self,
        request: &Request,
        loaded: &LoadedModel,
        images: &ImageSet,
        what: &ExtractionRequest,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Arc<Extraction>, AnalysisError> {
        let key = format!(
            "{} {what:?}",
            inputs_key(request, &what.preprocess, compute)
        );
        remembered(&mut self.extraction, key, || {
            Ok(Arc::new(extract(
                &loaded.model,
                images,
                what,
                compute,
                progress,
            )?))
        })
    }

    pub(super) fn view_pairs(
        &mut self,
        request: &Request,
        inputs: &Inputs<'_>,
        what: &PairRequest,
        progress: &Progress,
    ) -> Result<Arc<ViewPairs>, AnalysisError> {
        let key = format!(
            "{} {what:?}",
            inputs_key(request, &inputs.preprocess, inputs.compute)
        );
        remembered(&mut self.pairs, key, || {
            Ok(Arc::new(view_pairs(
                &inputs.loaded.model,
                inputs.images,
                what,
                inputs.compute,
                progress,
            )?))
        })
    }
}

fn remembered<T: Clone>(
    slot: &mut Option<Entry<T>>,
    key: String,
    make: impl FnOnce() -> Result<T, AnalysisError>,
) -> Result<T, AnalysisError> {
    if let Some(entry) = slot
        && entry.key == key
    {
        return Ok(entry.value.clone());
    }
    // The old value goes first: two encoders' features need not fit in memory together.
    *slot = None;
    let value = make()?;
    *slot = Some(Entry {
        key,
        value: value.clone(),
    });
    Ok(value)
}

fn model_key(request: &Request, compute: &Compute) -> String {
    let stamp = match &request.encoder {
        EncoderSource::File(path) => modified(path),
        EncoderSource::Untrained { .. }
        | EncoderSource::Bundled(_)
        | EncoderSource::Run { .. }
        | EncoderSource::Place { .. } => None,
    };
    format!(
        "{:?} {:?} {stamp:?} {}",
        request.encoder,
        request.root,
        compute.report().compute
    )
}

fn inputs_key(request: &Request, preprocess: &Preprocess, compute: &Compute) -> String {
    let stamp = match &request.images {
        ImagesSource::Path { path, .. } => modified(path),
        ImagesSource::Builtin(_) => None,
    };
    format!(
        "{} {:?} {stamp:?} {preprocess:?}",
        model_key(request, compute),
        request.images,
    )
}

/// Time and size of a file or folder, so that one written anew is read anew. What changes deeper
/// in a folder does not show here: the window's "Compute again" starts from an empty cache.
fn modified(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
