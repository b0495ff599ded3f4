//! From a request to results: checkpoint and images in, points on the sphere and honest numbers
//! out. The window and the command line both run this, so they cannot disagree.
//!
//! Uses every room above it: `data`, `checkpoint`, `compute`, `features`, `measure`, `projection`.

mod cache;
mod diagnosis;
mod figures;
mod gallery;
mod inputs;
mod numbers;
mod pairs;
mod positives;
mod prototypes;
mod request;
mod result;
mod subject;
mod turned;
pub mod words;

pub use cache::Cache;
pub use diagnosis::{
    DiagnosisReport, KindDiagnosis, Lesson, LessonSide, diagnose, diagnose_features, diagnose_kind,
    diagnose_shown,
};
pub use figures::{Figure, Numbers};
pub use gallery::{Bundled, GALLERY};
pub use pairs::Pairs;
pub use positives::view_augmentation;
pub use prototypes::ShownPrototypes;
pub(crate) use request::quoted;
pub use request::{
    EncoderSource, ImagesSource, PairRule, PairSetKind, ParseSettingError, Request, demo_request,
};
pub use result::{
    Analysis, Embedding, Glimpse, ModelOnImages, analyse, analyse_model, analyse_showing, embed,
    encoder,
};

pub use subject::Subject;

use crate::{
    checkpoint::CheckpointError, compute::ComputeError, data::DataError, features::FeatureError,
    measure::MeasureError, progress::Cancelled, projection::ProjectionError,
};

/// What can go wrong between a request and its results.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The checkpoint was refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The images were refused.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Features could not be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A number could not be computed.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The points could not be brought to the sphere.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A setting out of its range.
    #[error("{name} must be {range}, not {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was.
        found: String,
    },
    /// No bundled encoder of that name, or the system would not hold its file.
    #[error("the bundled encoder '{name}' cannot be opened: {reason}")]
    Gallery {
        /// The name asked for.
        name: String,
        /// Why.
        reason: String,
    },
    /// Features with NaN or infinite numbers.
    #[error(
        "{rows} of {total} feature vectors hold NaN or infinite numbers (the first is of {first}): \
         the weights or the normalisation constants are not usable"
    )]
    NotFinite {
        /// Vectors that are not finite.
        rows: usize,
        /// Vectors in all.
        total: usize,
        /// Name of the first image that gave one.
        first: String,
    },
}

impl AnalysisError {
    /// Whether the work ended because someone asked it to.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled(_)
                | Self::Features(FeatureError::Cancelled(_))
                | Self::Measure(MeasureError::Cancelled(_))
                | Self::Data(DataError::Cancelled(_))
                | Self::Checkpoint(CheckpointError::Cancelled(_))
                | Self::Projection(
                    ProjectionError::Cancelled(_)
                        | ProjectionError::Rows(MeasureError::Cancelled(_))
                )
        )
    }
}
