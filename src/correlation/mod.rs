//! How alignment and uniformity go with downstream performance over a set of encoders, and how
//! that changes.
//!
//! The question is that of Moon, Kim & Choi (2022) and of Wang & Isola (2020). The former's own
//! scalar is not public to us; the scores here carry the names of what they compute, with multiple
//! R as the default.
//!
//! A [`Series`] is the encoders with their alignment A, uniformity U and performance P (higher is
//! better); [`score`] gives every score with its interval over encoders; [`score_groups`] and
//! [`score_along`] give the same for parts of a series; [`PlaneFit`] is the fitted plane;
//! [`findings`] says in words what the
//! intervals allow to say. Uses `data` for tables, and `progress`.

mod change;
mod error;
mod findings;
mod kendall;
mod moments;
mod plane;
mod ranks;
mod resample;
mod scores;
mod series;

#[cfg(test)]
mod tests;

pub use change::{Along, Part, score_along, score_groups};
pub use error::CorrelationError;
pub use findings::{About, findings, findings_about, left_one_out_note};
pub use plane::PlaneFit;
pub use scores::{Interval, LEAST, Score, ScoreSettings, Scores, Statistic, TOO_FEW, score};
pub use series::{ColumnChoice, Encoder, Series};
