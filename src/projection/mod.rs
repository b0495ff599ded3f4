//! From S^{d−1} to the sphere S² and the circle S¹, with what each point loses on the way.
//!
//! The room takes unit rows and uses `geometry`, `measure`'s [`Rows`](crate::measure::Rows) and
//! `progress`. The projection is principal component analysis *without centring* (the top right
//! singular vectors of the unit rows), re-normalised: a collapsed encoder looks collapsed. Features
//! that already live in three or two dimensions are shown as they are.

mod axes;
mod on_device;
mod place;

pub use axes::{PrincipalAxes, centred_axes, principal_axes};
pub use place::{
    Placed, Projection, ProjectionKind, Turn, to_circle, to_sphere, to_sphere_and_circle,
};

use crate::{measure::MeasureError, progress::Cancelled};

/// Why features could not be projected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProjectionError {
    /// The rows themselves are at fault.
    #[error(transparent)]
    Rows(#[from] MeasureError),
    /// Rows to be placed have another dimension than those that the projection was made for.
    #[error("the projection is for {expected} dimensions, the rows have {found}")]
    Dimension {
        /// Dimension of the projection.
        expected: usize,
        /// Dimension of the rows.
        found: usize,
    },
    /// Features of more dimensions than the axes' matrix is made for.
    #[error("features of {dim} dimensions are too wide to be projected: at most 16,384 are")]
    TooWide {
        /// Dimension of the features.
        dim: usize,
    },
    /// The eigenvalue iteration did not converge.
    #[error(
        "the principal axes of {dim} dimensions could not be found: the eigenvalue iteration did not converge"
    )]
    Axes {
        /// Dimension of the features.
        dim: usize,
    },
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
