//! Landscapes: what alignment and uniformity look like around an encoder's weights, and the
//! potential that the points make on the sphere.
//!
//! A [`Plane`] is cut through weight space by two [`Directions`]; a [`SliceSubject`] measures the
//! network at any of its places on one fixed probe batch; a [`Slice`] is the grid of such numbers,
//! filled from coarse to fine. A [`PotentialField`] is the landscape that uniformity descends, over
//! the whole sphere and circle. Uses every room above it; knows neither egui nor wgpu.

mod directions;
mod error;
mod field;
mod grid;
mod pace;
mod plane;
mod settings;
mod slice;
mod subject;
mod votes;

pub use directions::filter_normalised;
pub use error::LandscapeError;
pub use field::{
    Extremum, FIELD_ARROWS, FIELD_MESH, FIELD_RING, Field, FieldArrow, MOST_EXTREMA, PotentialField,
};
pub use grid::{Grid, Segment, contour, contour_levels};
pub use pace::Pace;
pub use plane::{Direction, Directions, Plane, PlaneMark, SnapshotWeights};
pub use settings::{BatchNormUse, Quantity, SliceSettings, UniformOver};
pub use slice::Slice;
pub use subject::{SharedSubject, SlicePoint, SliceSubject};
