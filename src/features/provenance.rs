//! Where a feature set came from, travelling with it into every figure, export and report.

use serde::Serialize;

use crate::data::Preprocess;

/// Everything needed to make the same features again.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    /// The encoder's file, or a description of a seeded untrained one.
    pub encoder: String,
    /// The architecture's name.
    pub architecture: String,
    /// Feature kind, as on the command line.
    pub kind: super::FeatureKind,
    /// Name of the stage.
    pub stage: String,
    /// Where the images came from.
    pub images: String,
    /// Images that gave features.
    pub image_count: usize,
    /// Images in the set.
    pub image_total: usize,
    /// How `image_count` were chosen from `image_total`, in words.
    pub choice: String,
    /// Resizing and normalisation constants of the input.
    pub preprocess: Preprocess,
    /// How batch-norm layers were run.
    pub batch_norm: &'static str,
    /// Device that computed the forward pass.
    pub device: String,
}

impl Provenance {
    /// One line for tooltips and captions.
    pub fn line(&self) -> String {
        format!(
            "{} features at {} of {} · {} of {} images from {} ({}) · normalisation {} · batch-norm {} · {}",
            self.kind,
            self.stage,
            self.encoder,
            self.image_count,
            self.image_total,
            self.images,
            self.choice,
            self.preprocess.normalisation.name(),
            self.batch_norm,
            self.device,
        )
    }
}
