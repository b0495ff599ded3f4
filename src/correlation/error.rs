//! What can go wrong between a table and scores.

use crate::{data::TableError, progress::Cancelled};

/// A series that has no scores, said so that a user can act.
#[derive(Debug, thiserror::Error)]
pub enum CorrelationError {
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A column that the table does not have.
    #[error("there is no column '{name}': the table has {known}")]
    NoColumn {
        /// The name asked for.
        name: String,
        /// The table's columns, separated by commas.
        known: String,
    },
    /// A field that is not a number.
    #[error("row {row}, column '{column}': '{found}' is not a number")]
    NotANumber {
        /// The row, counted from 1 below the names.
        row: usize,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// Too few encoders for any relation.
    #[error("{n} encoders with alignment, uniformity and performance: at least 3 are needed")]
    TooFew {
        /// Encoders with all three numbers.
        n: usize,
    },
    /// Too few steps of a run for a curve of scores.
    #[error("no step is named by at least 3 encoders: scores along '{column}' need them")]
    NoSteps {
        /// The column that orders the encoders.
        column: String,
    },
    /// A window that is none.
    #[error("the half width of a window must be a number from 0 on, not {found}")]
    HalfWidth {
        /// What was asked for.
        found: f64,
    },
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
