//! Where the rules of the collapse verdict cut: the one place where these numbers stand.
//!
//! They cut continua, and where they cut is our choice, tuned on synthetic families
//! (`tests/collapse_verdicts.rs` holds them on seeds that they were not tuned on).

use serde::Serialize;

/// Where the rules cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Fewer rows than this get no verdict.
    pub least_rows: usize,
    /// Complete: more than this share of the vectors is zero.
    pub zero_share: f64,
    /// Complete: mean cosine of pairs at least this.
    pub complete_cosine: f64,
    /// Cone: the mean cosine of pairs lies at least this share of the way from what features without a
    /// side give (0, or more where no entry can be negative: [`UniformLaw::orthant_cosine`](super::UniformLaw::orthant_cosine)) to 1.
    pub cone_cosine: f64,
    /// Cone: and this many standard deviations of what as many uniform draws give.
    pub cone_deviations: f64,
    /// A direction is empty when its variance is below this share of what uniform features of as many
    /// rows would have in it.
    pub empty_level: f64,
    /// Dimensional: at most this share of the directions is not empty.
    pub filled_share: f64,
    /// Dimensional as well: the participation ratio is at most this share of what uniform features
    /// of as many rows have.
    pub participation_share: f64,
    /// And: [`energy`](Self::energy) of the variance lies in at most this share of the directions
    /// that it takes for uniform features. Classes of which each varies in all directions need
    /// more, however strong the few directions between them are.
    pub energy_share: f64,
    /// The share of the variance that is counted so.
    pub energy: f64,
    /// Dimensional, with fewer rows than dimensions: the shape of the spectrum's lower half is that
    /// of at most this share of the dimensions.
    pub tail_share: f64,
    /// Spatial: spread within images at most this share of the spread between them.
    pub spatial_share: f64,
    /// Coagulated prototypes explain a spectrum with at least this share of the directions that they
    /// can have between them, so that it is not called dimensional too.
    pub explained_share: f64,
    /// Coagulation: at most this share of the variance lies within separated prototypes. A tenth, as
    /// of the spread that complete and spatial collapse leave.
    pub coagulation_share: f64,
}

/// The thresholds in force.
pub const THRESHOLDS: Thresholds = Thresholds {
    least_rows: 16,
    zero_share: 0.5,
    complete_cosine: 0.9,
    cone_cosine: 0.15,
    cone_deviations: 4.0,
    empty_level: 0.03,
    filled_share: 0.75,
    participation_share: 0.22,
    energy_share: 0.19,
    energy: 0.92,
    tail_share: 0.4,
    spatial_share: 0.1,
    explained_share: 0.8,
    coagulation_share: 0.1,
};
