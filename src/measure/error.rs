//! What can be wrong with a request for a number.

use crate::progress::Cancelled;

/// Why a number could not be computed. The text is for the user: it says what was found and what
/// would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// The values don't divide into rows.
    #[error("{values} numbers do not divide into rows of {dim}")]
    Shape {
        /// How many numbers there are.
        values: usize,
        /// The dimension of a row.
        dim: usize,
    },
    /// Fewer rows than the formula needs.
    #[error("{quantity} needs at least {needed} rows, and there are {found}")]
    TooFewRows {
        /// The number asked for.
        quantity: &'static str,
        /// Least number of rows.
        needed: usize,
        /// Rows at hand.
        found: usize,
    },
    /// A row holds NaN or an infinity.
    #[error("row {row} is not finite: the features hold NaN or infinity")]
    NotFinite {
        /// Index of the first such row.
        row: usize,
    },
    /// A row is neither of length one nor zero.
    #[error("row {row} has norm {norm}, not 1: the features must be L2-normalised first")]
    NotUnit {
        /// Index of the first such row.
        row: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// Two inputs that must agree in length or dimension don't.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// The count that the first input implies.
        expected: usize,
        /// The count found.
        found: usize,
    },
    /// The rule selects no pair.
    #[error("there is no pair to measure: {why}")]
    NoPairs {
        /// Why the rule came out empty.
        why: &'static str,
    },
    /// A parameter is outside its range.
    #[error("{name} = {value} is not allowed: it must be {allowed}")]
    Parameter {
        /// The parameter's symbol.
        name: &'static str,
        /// The value given.
        value: f64,
        /// The range, in words.
        allowed: &'static str,
    },
    /// A label names a class that the logits don't have.
    #[error("row {row} has label {label}, but there are {classes} classes")]
    Label {
        /// Index of the row.
        row: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// The eigenvalue iteration did not come to an end.
    #[error("the eigenvalues of the {side} × {side} matrix were not found")]
    Eigenvalues {
        /// Rows of the matrix.
        side: usize,
    },
    /// The device that holds the rows failed.
    #[error("the device failed while measuring: {0}")]
    Device(String),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
