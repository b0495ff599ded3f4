//! The same scores for parts of a series: how the relation changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CorrelationError, Encoder, ScoreSettings, Scores, Series, score};
use crate::{data::natural_cmp, progress::Progress};

/// The scores of one part of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What its encoders share: the value in the column that divides.
    pub name: String,
    /// The scores, or why there are none.
    pub scores: Result<Scores, String>,
}

/// The scores at one place along a number, such as a training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Along {
    /// Where: the middle of the window.
    pub at: f64,
    /// Ends of the window.
    pub window: [f64; 2],
    /// The scores of the encoders in it.
    pub scores: Scores,
}

/// Scores of each part of a series that shares a value in `column` (data kind, task, layer,
/// matching rule), in natural order.
///
/// # Errors
/// [`CorrelationError::NoColumn`] and a cancel; a part without scores says why.
pub fn score_groups(
    series: &Series,
    column: &str,
    settings: ScoreSettings,
    progress: &Progress,
) -> Result<Vec<Part>, CorrelationError> {
    check_column(series, column)?;
    let value = |encoder: &Encoder| encoder.about.get(column).cloned().unwrap_or_default();
    let mut names: Vec<String> = series.encoders().iter().map(value).collect();
    names.sort_by(|a, b| natural_cmp(a, b));
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let part = series.part(|encoder| value(encoder) == name);
            let scores = match score(&part, settings, progress) {
                Err(CorrelationError::Cancelled(cancelled)) => return Err(cancelled.into()),
                other => other.map_err(|error| error.to_string()),
            };
            Ok(Part { name, scores })
        })
        .collect()
}

/// Scores in a window that slides along the number in `column`: at each of its values, over the
/// encoders within `half_width` of it. Places with fewer than three encoders are left out.
///
/// # Errors
/// [`CorrelationError::NoColumn`], [`CorrelationError::NotANumber`],
/// [`CorrelationError::HalfWidth`], [`CorrelationError::NoSteps`] when no place has three
/// encoders, and a cancel.
pub fn score_along(
    series: &Series,
    column: &str,
    half_width: f64,
    settings: ScoreSettings,
    progress: &Progress,
) -> Result<Vec<Along>, CorrelationError> {
    check_column(series, column)?;
    if !(half_width >= 0.0 && half_width.is_finite()) {
        return Err(CorrelationError::HalfWidth { found: half_width });
    }
    // Keyed by bits of an ordered number: equal steps meet in one place.
    let mut places = BTreeMap::new();
    let mut positions = Vec::with_capacity(series.len());
    for encoder in series.encoders() {
        let field = encoder.about.get(column).map_or("", |field| field.trim());
        let at: f64 = field
            .parse()
            .ok()
            .filter(|at: &f64| at.is_finite())
            .ok_or_else(|| CorrelationError::NotANumber {
                row: encoder.row,
                column: column.to_owned(),
                found: field.to_owned(),
            })?;
        positions.push(at);
        places.insert(ordered_bits(at), at);
    }
    let mut all = Vec::new();
    for at in places.into_values() {
        progress.check()?;
        let window = [at - half_width, at + half_width];
        let inside = positions
            .iter()
            .zip(series.encoders())
            .filter(|(position, _)| (window[0]..=window[1]).contains(*position))
            .map(|(_, encoder)| encoder.clone());
        match score(&Series::new(inside), settings, progress) {
            Ok(scores) => all.push(Along { at, window, scores }),
            Err(CorrelationError::TooFew { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if all.is_empty() {
        return Err(CorrelationError::NoSteps {
            column: column.to_owned(),
        });
    }
    Ok(all)
}

/// Refuses a column that no encoder has something in: names and the three numbers are none.
fn check_column(series: &Series, column: &str) -> Result<(), CorrelationError> {
    let encoders = series.encoders();
    if encoders.is_empty() || encoders.iter().any(|one| one.about.contains_key(column)) {
        return Ok(());
    }
    let known = encoders[0].about.keys().cloned().collect::<Vec<_>>();
    Err(CorrelationError::NoColumn {
        name: column.to_owned(),
        known: if known.is_empty() {
            "no column beside its numbers and names".to_owned()
        } else {
            known.join(", ")
        },
    })
}

/// Bits that sort as the numbers do.
fn ordered_bits(value: f64) -> u64 {
    // −0 and 0 are one place.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}
