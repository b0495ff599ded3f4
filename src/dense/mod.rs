//! One image location by location: its map and that of another picture beside it, what a chosen
//! location is similar to, how the locations of two views correspond, and colours that make a map
//! visible.
//!
//! Works on an [`Analysis`](crate::analysis::Analysis) of dense features; asks the encoder again
//! only for augmented views and for pictures at their own size. Uses the rooms above it; the window
//! and the command line both run this, so they cannot disagree. All vectors are on the sphere, by
//! plain L2 normalisation.

mod colours;
mod correspondence;
mod crops;
mod mask;
mod place;
mod similarity;
mod subject;
mod surroundings;

pub use colours::{AXES, Basis, Colours, Cut, Foreground, Histogram};
pub use correspondence::{Agreement, Correspondence, Match, PARTNER_LIMIT};
pub use crops::{Crop, Shown, crop, crops, thumbnail};
pub use place::{cell_at, cell_window, place_of, row_at};
pub use similarity::{Answer, Near, Question, answer, nearest, similarities};
pub use subject::{Beside, MapSource, Side, Subject, SubjectRequest, Within, subject};
pub use surroundings::density_among;

use crate::{
    analysis::AnalysisError, data::DataError, features::FeatureError, measure::MeasureError,
    progress::Cancelled, projection::ProjectionError,
};

/// Why an image cannot be looked at location by location.
#[derive(Debug, thiserror::Error)]
pub enum DenseError {
    /// The analysed features have no locations.
    #[error(
        "{kind} features have no locations: choose dense features, or projected-dense ones where \
         the checkpoint has a dense head"
    )]
    NotDense {
        /// What was analysed.
        kind: crate::features::FeatureKind,
    },
    /// An image that is not among those analysed.
    #[error("image {image} ({name}) is not among the {count} that were analysed ({choice})")]
    NoSuchImage {
        /// Number of the image in its set.
        image: u32,
        /// Its name.
        name: String,
        /// Images that gave features.
        count: usize,
        /// How they were chosen.
        choice: String,
    },
    /// A location beyond the map.
    #[error("row {row}, column {column} is beyond the map of {rows}×{columns} locations")]
    NoSuchCell {
        /// Row asked for.
        row: usize,
        /// Column asked for.
        column: usize,
        /// Rows of the map.
        rows: usize,
        /// Columns of the map.
        columns: usize,
    },
    /// Colours fitted to features of another dimension.
    #[error("the kept colours are of {expected} dimensions, these features have {found}")]
    BasisDimension {
        /// Dimension of the basis.
        expected: usize,
        /// Dimension of the features.
        found: usize,
    },
    /// A cut that leaves nothing to fit axes to.
    #[error(
        "the cut leaves {count} of {total} locations: move it, axes need two locations at least"
    )]
    NoForeground {
        /// Locations that it keeps.
        count: usize,
        /// Locations of the set.
        total: usize,
    },
    /// A basis from a file that is none.
    #[error("this is no saved basis of colours: {0}")]
    Basis(String),
    /// The encoder could not be had.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The encoder refused the picture.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The picture could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A number could not be computed.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The axes could not be found.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
