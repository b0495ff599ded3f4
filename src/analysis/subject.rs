//! The encoder of a request as weights, with the images and settings it is measured by: what is
//! needed to look at other weights in its place.

use super::{
    AnalysisError, Bundled, EncoderSource, ImagesSource, Request,
    inputs::{choose_images, preprocess},
    positives::view_augmentation,
};
use crate::{
    checkpoint::{self, KeyReport, OpenOptions},
    data::{ImageSet, Preprocess},
    features::{PairRequest, input_side},
    models::ModelWeights,
    progress::Progress,
};

/// Weights and what they are measured on.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The weights.
    pub weights: ModelWeights,
    /// What the request proposes to pair, over the images of the request.
    pub pairs: PairRequest,
    /// How un-augmented images become input.
    pub preprocess: Preprocess,
    /// The images.
    pub images: ImageSet,
    /// How the images were chosen, in words.
    pub choice: String,
}

impl Subject {
    /// Reads the weights of a request's encoder and opens its images.
    ///
    /// # Errors
    /// As [`analyse`](super::analyse); [`AnalysisError::Setting`] for a run in memory, whose weights
    /// [`Subject::of_weights`] takes.
    pub fn open(request: &Request, progress: &Progress) -> Result<Self, AnalysisError> {
        request.check()?;
        let (weights, report) = match &request.encoder {
            EncoderSource::File(path) => {
                let options = OpenOptions {
                    root: request.root.clone(),
                };
                checkpoint::model_weights(path, &options, progress)?
            }
            EncoderSource::Untrained { architecture, seed } => {
                checkpoint::untrained_weights(architecture, *seed)?
            }
            EncoderSource::Bundled(name) => Bundled::named(name)?.weights(progress)?,
            EncoderSource::Run { .. } | EncoderSource::Place { .. } => {
                return Err(AnalysisError::Setting {
                    name: "the encoder",
                    range: "a checkpoint file or an architecture",
                    found: format!("a slice or a run in memory ({})", request.encoder.title()),
                });
            }
        };
        let images = match &request.images {
            ImagesSource::Path { path, masks } => ImageSet::open(path, masks.as_deref(), progress)?,
            ImagesSource::Builtin(config) => ImageSet::builtin(config),
        };
        Ok(Self::of_weights(request, weights, &report, images))
    }

    /// Weights that are there already, measured as `request` says on `images`.
    pub fn of_weights(
        request: &Request,
        weights: ModelWeights,
        report: &KeyReport,
        images: ImageSet,
    ) -> Self {
        let preprocess = preprocess(request, report);
        let (indices, choice) = choose_images(request, images.len());
        let pairs = PairRequest {
            kind: request.kind,
            stage: request.stage,
            matching: request.matching,
            augment: view_augmentation(),
            side: input_side(&preprocess, weights.architecture()),
            normalisation: preprocess.normalisation,
            seed: request.seed,
            indices,
            keep: 0,
        };
        Self {
            weights,
            pairs,
            preprocess,
            images,
            choice,
        }
    }
}
