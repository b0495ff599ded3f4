//! What can go wrong between encoders and their table.

use std::path::PathBuf;

use crate::{
    analysis::AnalysisError,
    data::{DataError, TableError},
    measure::MeasureError,
    progress::Cancelled,
    training::TrainingError,
};

/// Why there is no row, no table or no sweep.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// An encoder could not be analysed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// A probe was refused.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Images or masks could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A run failed.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A setting out of its range.
    #[error("{name} must be {range}, not {found}")]
    Setting {
        /// The setting.
        name: String,
        /// What it may be.
        range: String,
        /// What it was.
        found: String,
    },
    /// Columns of a table that make no series.
    #[error("{0}")]
    Columns(String),
    /// A file that is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system grants no thread.
    #[error("the system grants no thread for the sweep: {0}")]
    Thread(std::io::Error),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl LabError {
    /// Whether the work ended because someone asked it to.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_)
            | Self::Measure(MeasureError::Cancelled(_))
            | Self::Data(DataError::Cancelled(_)) => true,
            Self::Analysis(error) => error.is_cancelled(),
            Self::Training(error) => error.is_cancelled(),
            _ => false,
        }
    }

    pub(super) fn setting(
        name: impl Into<String>,
        range: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Setting {
            name: name.into(),
            range: range.into(),
            found: found.to_string(),
        }
    }
}
