//! What can go wrong with a landscape.

use crate::{
    analysis::AnalysisError, features::FeatureError, measure::MeasureError, models::ModelError,
    progress::Cancelled,
};

/// Why there is no landscape. The text is for the user.
#[derive(Debug, thiserror::Error)]
pub enum LandscapeError {
    /// The system grants no threads.
    #[error("no threads to compute a landscape on: {0}")]
    Threads(std::io::Error),
    /// A number could not be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The encoder or the images were refused.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// Features could not be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Weights could not be built into a network.
    #[error(transparent)]
    Model(#[from] ModelError),
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
    /// Directions that the weights at hand do not give.
    #[error("{0}")]
    Directions(String),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl LandscapeError {
    /// Whether the work ended because someone asked it to.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_)
            | Self::Measure(MeasureError::Cancelled(_))
            | Self::Features(FeatureError::Cancelled(_)) => true,
            Self::Analysis(error) => error.is_cancelled(),
            _ => false,
        }
    }
}
