//! Images through a model: pooled, dense and projected feature sets with their provenance, and
//! positive pairs by rule.
//!
//! Uses `data`, `models`, `compute` and `progress`. Values are raw features: putting them on the
//! sphere is a separate, visible step ([`FeatureSet::unit_rows`]).

mod extract;
mod map;
mod matching;
mod pairs;
mod probe;
mod provenance;
mod set;
mod tiles;

pub use extract::{
    Extraction, ExtractionRequest, FEATURE_LIMIT_BYTES, Logits, extract, input_side,
};
pub use map::{DenseMap, MAP_LIMIT_CELLS, MapRequest, picture_map, view_maps};
pub use matching::{GEOMETRIC_RADIUS, MatchingRule, match_cells};
pub use pairs::{PairRequest, ViewPairs, view_pairs};
pub use probe::{PROBE_LIMIT_BYTES, ProbeBatch, ProbeFeatures, ProbeRows};
pub use provenance::Provenance;
pub use set::{FeatureKind, FeatureSet, unit_tensor};

use crate::{compute::ComputeError, data::DataError, models::ModelError, progress::Cancelled};

/// What can go wrong between images and features.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// The images could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model could not be built or run.
    #[error(transparent)]
    Model(ModelError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Projected features of a model without a projection head.
    #[error("this checkpoint has no {wanted}: choose pooled or dense features instead")]
    NoHead {
        /// Which head is missing.
        wanted: &'static str,
    },
    /// Dense features of a stage that has no locations.
    #[error("stage {stage} is one vector an image, without locations: choose one of {maps}")]
    NoLocations {
        /// The stage asked for.
        stage: String,
        /// The stages with locations, separated by commas.
        maps: String,
    },
    /// A stage number beyond the last.
    #[error("stage {stage} does not exist: {architecture} has {stages}")]
    NoSuchStage {
        /// The number asked for.
        stage: usize,
        /// The architecture's name.
        architecture: String,
        /// Its stages with their numbers.
        stages: String,
    },
    /// A head that does not fit the chosen stage.
    #[error("the {head} takes {expected} channels, stage {stage} gives {found}")]
    HeadMismatch {
        /// Which head.
        head: &'static str,
        /// Channels that it takes.
        expected: usize,
        /// The chosen stage.
        stage: String,
        /// Channels of the stage.
        found: usize,
    },
    /// No image could be decoded.
    #[error("none of the {tried} images could be decoded; the first: {first}")]
    NothingDecoded {
        /// How many were tried.
        tried: usize,
        /// Name and reason of the first one skipped.
        first: String,
    },
    /// Not enough memory for what was asked.
    #[error(
        "{what} need {needed_mib} MiB, more than the limit of {limit_mib} MiB: \
         use fewer images (--limit), a later stage, or smaller inputs"
    )]
    TooLarge {
        /// What would be held.
        what: &'static str,
        /// Memory in MiB that it takes.
        needed_mib: u64,
        /// The limit in MiB.
        limit_mib: u64,
    },
    /// A matching rule left no pair.
    #[error("matching rule {rule} found no pair of locations: {why}")]
    NoMatches {
        /// The rule's name.
        rule: MatchingRule,
        /// What to do about it.
        why: &'static str,
    },
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The device failed while reading results back.
    #[error("reading features from the device failed: {0}")]
    Device(String),
}

impl From<ModelError> for FeatureError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Model(error),
        }
    }
}
