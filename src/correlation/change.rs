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
/// A cancel; a part without scores says why.
pub fn score_groups(
    series: &Series,
    column: &str,
    settings: ScoreSettings,
    progress: &Progress,
) -> Result<Vec<Part>, CorrelationError> {
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
/// [`CorrelationError::NotANumber`], [`CorrelationError::NoSteps`] when no place has three
/// encoders, and a cancel.
pub fn score_along(
    series: &Series,
    column: &str,
    half_width: f64,
    settings: ScoreSettings,
    progress: &Progress,
) -> Result<Vec<Along>, CorrelationError> {
    // Keyed by bits of an ordered number: equal steps meet in one place.
    let mut places = BTreeMap::new();
    let mut positions = Vec::with_capacity(series.len());
    for (row, encoder) in series.encoders().iter().enumerate() {
        let field = encoder.about.get(column).map_or("", |field| field.trim());
        let at: f64 = field
            .parse()
            .ok()
            .filter(|at: &f64| at.is_finite())
            .ok_or_else(|| CorrelationError::NotANumber {
                row: row + 1,
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
