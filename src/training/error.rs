//! What can go wrong in a run.

use std::path::{Path, PathBuf};

use crate::{
    analysis::AnalysisError, checkpoint::CheckpointError, compute::ComputeError, data::DataError,
    features::FeatureError, models::ModelError, progress::Cancelled,
};

/// Why a run could not be set up, could not go on, or could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A setting out of its range.
    #[error("{name} must be {range}, not {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be.
        range: String,
        /// What it was.
        found: String,
    },
    /// The loss is no number any more.
    #[error(
        "the run diverged at step {step}: {term} is {value}. A smaller learning rate, or a longer \
         warm-up, usually helps"
    )]
    Diverged {
        /// Steps done before.
        step: usize,
        /// The term that is not finite.
        term: String,
        /// Its value.
        value: f64,
    },
    /// No image of a batch could be decoded.
    #[error("fewer than two of the {tried} images of a batch could be decoded: {first}")]
    NothingDecoded {
        /// How many were tried.
        tried: usize,
        /// What was wrong with the first.
        first: String,
    },
    /// Cross-entropy on images without classes.
    #[error("{objective} needs class labels: one folder a class, or the built-in set")]
    NoLabels {
        /// What wanted them.
        objective: &'static str,
    },
    /// A loss that the network gives nothing to.
    #[error("{objective} does not fit: {reason}")]
    Unfit {
        /// The loss.
        objective: &'static str,
        /// What it lacks.
        reason: String,
    },
    /// Nothing was kept of the step asked for.
    #[error("nothing is kept of step {step}; the nearest kept steps are {near}")]
    NoSnapshot {
        /// The step asked for.
        step: usize,
        /// Steps that are kept, as words.
        near: String,
    },
    /// A file of a run that could not be written; what was saved before is untouched.
    #[error("cannot save to {}: {source}. What was saved before is untouched", path.display())]
    Save {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A saved run that cannot be read.
    #[error("cannot resume from {}: {reason}", path.display())]
    Resume {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Settings in a file that are not understood.
    #[error("{}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What the parser said, with the place.
        reason: String,
    },
    /// No name of a preset.
    #[error("there is no preset '{name}': one of {known}")]
    NoPreset {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// A step ended in a panic.
    #[error("an internal error in a step: {0}")]
    Broken(String),
    /// The system grants no thread.
    #[error("the system grants no thread for the run: {0}")]
    Thread(std::io::Error),
    /// The encoder or a head could not be built or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The checkpoint to start from was refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The images were refused.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Features could not be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A probe could not be analysed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl TrainingError {
    /// Whether the work ended because someone asked it to.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_)
            | Self::Data(DataError::Cancelled(_))
            | Self::Features(FeatureError::Cancelled(_))
            | Self::Checkpoint(CheckpointError::Cancelled(_)) => true,
            Self::Analysis(error) => error.is_cancelled(),
            _ => false,
        }
    }

    pub(super) fn save(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Save {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn resume(path: &Path, reason: &(impl ToString + ?Sized)) -> Self {
        Self::Resume {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
