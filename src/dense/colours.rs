//! Red, green and blue from the principal axes of the set's dense vectors: one basis for all
//! images, its signs fixed, kept from one checkpoint to the next on request; with a cut along the
//! first axis, fitted again to what the cut leaves.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{DenseError, Side, Subject};
use crate::{
    analysis::Analysis,
    measure::Rows,
    progress::{Cancelled, Progress},
    projection::{centred_axes, principal_axes},
};

/// Axes of a basis: red, green and blue.
pub const AXES: usize = 3;
/// Bins of the histogram of the first axis.
const BINS: usize = 64;
/// Shares of the set's scores below which a colour channel is dark, above which it is full.
const ENDS: [f64; 2] = [0.01, 0.99];

/// Which locations are foreground: those on one side of a score along the joint first axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The score.
    pub score: f32,
    /// Whether what lies below it is the foreground, instead of what reaches it.
    pub is_below: bool,
}

impl Cut {
    /// Whether a location of this score along the first axis is foreground.
    pub fn keeps(self, score: f32) -> bool {
        (score >= self.score) != self.is_below
    }
}

/// Axes of the foreground alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreground {
    /// What is foreground.
    pub cut: Cut,
    /// Its own basis, centred on its own mean where the joint one is centred.
    pub basis: Box<Basis>,
}

/// What turns a unit vector into a colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Dimension of the vectors.
    pub dim: usize,
    /// Whether the mean of the unit vectors was taken away before the axes were found, and is taken
    /// away before scores are.
    pub is_centred: bool,
    /// That mean; zeros when it was not.
    pub mean: Vec<f64>,
    /// Up to [`AXES`] orthonormal axes, `dim` numbers each. The component of largest magnitude of
    /// each is positive.
    pub axes: Vec<f64>,
    /// Share of the mean squared length (about the mean when centred) along each axis.
    pub energy: Vec<f64>,
    /// Scores at which each axis' channel is dark and full: the 1st and 99th percentile over the
    /// set that it was fitted to.
    pub ends: Vec<[f32; 2]>,
    /// What it was fitted to.
    pub fitted_to: String,
    /// The axes that colour the foreground, when there is a cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreground: Option<Foreground>,
}

impl Basis {
    /// Fits a basis to all dense vectors of the analysed set.
    ///
    /// # Errors
    /// [`DenseError::NotDense`], [`DenseError::Projection`] and [`DenseError::Cancelled`].
    pub fn fit(
        analysis: &Analysis,
        is_centred: bool,
        progress: &Progress,
    ) -> Result<Self, DenseError> {
        let features = &analysis.features;
        if !features.kind.is_dense() {
            return Err(DenseError::NotDense {
                kind: features.kind,
            });
        }
        let provenance = &features.provenance;
        let fitted_to = format!(
            "{} locations of {} of {} images ({}), {} at {} of {}",
            features.len(),
            provenance.image_count,
            provenance.image_total,
            provenance.choice,
            provenance.kind,
            provenance.stage,
            provenance.encoder,
        );
        Self::fit_rows(
            &analysis.unit,
            features.dim,
            is_centred,
            fitted_to,
            progress,
        )
    }

    fn fit_rows(
        unit: &[f32],
        dim: usize,
        is_centred: bool,
        fitted_to: String,
        progress: &Progress,
    ) -> Result<Self, DenseError> {
        let rows = Rows::new(unit, dim)?;
        let (axes, mean) = if is_centred {
            centred_axes(rows, AXES, progress)?
        } else {
            (principal_axes(rows, AXES, progress)?, vec![0.0; dim])
        };
        let mut basis = Self {
            dim,
            is_centred,
            mean,
            axes: axes.vectors,
            energy: axes.energy,
            ends: Vec::new(),
            fitted_to,
            foreground: None,
        };
        let scores = basis.scores(unit)?;
        progress.check()?;
        basis.ends = (0..basis.count())
            .map(|axis| percentiles(scores.iter().map(|score| score[axis])))
            .collect();
        Ok(basis)
    }

    /// The same joint axes, with axes of their own for the foreground: principal axes fitted again
    /// to those of the `unit` rows that `cut` keeps. The joint axes still decide the cut.
    ///
    /// # Errors
    /// [`DenseError::NoForeground`] when fewer than two rows are kept, and as [`fit`](Self::fit).
    pub fn with_foreground(
        &self,
        unit: &[f32],
        cut: Cut,
        progress: &Progress,
    ) -> Result<Self, DenseError> {
        let scores = self.scores(unit)?;
        progress.check()?;
        let total = scores.len();
        let kept: Vec<f32> = unit
            .chunks_exact(self.dim)
            .zip(&scores)
            .filter(|(_, score)| cut.keeps(score[0]))
            .flat_map(|(row, _)| row)
            .copied()
            .collect();
        let count = kept.len() / self.dim;
        if count < 2 {
            return Err(DenseError::NoForeground { count, total });
        }
        let side = if cut.is_below { "below" } else { "at least" };
        let fitted_to = format!(
            "the foreground, {count} of {total} locations, whose score along joint axis 1 is \
             {side} {:.4}",
            cut.score
        )
        .replace(" -", " −");
        let basis = Self::fit_rows(&kept, self.dim, self.is_centred, fitted_to, progress)?;
        Ok(Self {
            foreground: Some(Foreground {
                cut,
                basis: Box::new(basis),
            }),
            ..self.clone()
        })
    }

    /// The joint axes alone.
    pub fn joint(&self) -> Self {
        Self {
            foreground: None,
            ..self.clone()
        }
    }

    /// How many axes there are: fewer than [`AXES`] in few dimensions.
    pub fn count(&self) -> usize {
        self.axes.len() / self.dim.max(1)
    }

    /// Reads a basis that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`DenseError::Basis`].
    pub fn from_json(text: &str) -> Result<Self, DenseError> {
        let basis: Self =
            serde_json::from_str(text).map_err(|error| DenseError::Basis(error.to_string()))?;
        let is_of_it = |own: &Foreground| {
            own.basis.dim == basis.dim && own.basis.foreground.is_none() && own.basis.is_whole()
        };
        if basis.is_whole() && basis.foreground.as_ref().is_none_or(is_of_it) {
            Ok(basis)
        } else {
            Err(DenseError::Basis(
                "its parts do not fit together".to_owned(),
            ))
        }
    }

    fn is_whole(&self) -> bool {
        self.dim > 0
            && self.mean.len() == self.dim
            && self.axes.len().is_multiple_of(self.dim)
            && (1..=AXES).contains(&self.count())
            && self.ends.len() == self.count()
            && self.energy.len() == self.count()
            && self
                .mean
                .iter()
                .chain(&self.axes)
                .all(|value| value.is_finite())
    }

    /// The basis as JSON.
    pub fn to_json(&self) -> String {
        // Numbers and a string: there is nothing in it that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Scores of unit rows along each axis; 0 for axes that there are not.
    ///
    /// # Errors
    /// [`DenseError::BasisDimension`].
    pub fn scores(&self, unit: &[f32]) -> Result<Vec<[f32; AXES]>, DenseError> {
        if !unit.len().is_multiple_of(self.dim.max(1)) {
            return Err(DenseError::BasisDimension {
                expected: self.dim,
                found: unit.len(),
            });
        }
        let shift: Vec<f64> = (0..self.count())
            .map(|axis| inner(self.axis(axis), self.mean.iter().copied()))
            .collect();
        Ok(unit
            .par_chunks_exact(self.dim)
            .map(|row| {
                let mut scores = [0.0; AXES];
                for (axis, score) in scores.iter_mut().enumerate().take(self.count()) {
                    let value = inner(self.axis(axis), row.iter().map(|v| f64::from(*v)));
                    *score = (value - shift[axis]) as f32;
                }
                scores
            })
            .collect())
    }

    /// Red, green and blue in [0, 1] of a row's scores; ½ where there is no such axis or where it
    /// does not vary.
    pub fn colour(&self, scores: &[f32; AXES]) -> [f32; 3] {
        std::array::from_fn(|channel| match self.ends.get(channel) {
            Some([low, high]) if high > low => {
                ((scores[channel] - low) / (high - low)).clamp(0.0, 1.0)
            }
            _ => 0.5,
        })
    }

    /// What it is, for captions; with a cut, what colours the foreground.
    pub fn line(&self, is_cut: bool) -> String {
        match &self.foreground {
            Some(own) if is_cut => format!(
                "axes fitted again to {}; the joint basis is of {}",
                own.basis.facts(),
                self.fitted_to
            ),
            None if is_cut => format!("joint basis of {}; not fitted again", self.facts()),
            _ => format!("joint basis of {}", self.facts()),
        }
    }

    fn facts(&self) -> String {
        let shares: Vec<String> = self
            .energy
            .iter()
            .map(|share| format!("{:.1} %", 100.0 * share))
            .collect();
        format!(
            "{}; {}; axes hold {}; largest component of each axis positive; 1st to 99th percentile \
             from dark to full",
            self.fitted_to,
            if self.is_centred {
                "centred on their mean"
            } else {
                "not centred"
            },
            shares.join(", "),
        )
    }

    fn axis(&self, axis: usize) -> &[f64] {
        &self.axes[axis * self.dim..(axis + 1) * self.dim]
    }
}

fn inner(axis: &[f64], row: impl Iterator<Item = f64>) -> f64 {
    axis.iter().zip(row).map(|(a, b)| a * b).sum()
}

fn percentiles(values: impl Iterator<Item = f32>) -> [f32; 2] {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return [0.0; 2];
    };
    let [low, high] = ENDS.map(|share| values[(share * last as f64).round() as usize]);
    // What differs by the rounding of f32 does not vary: collapsed features get one grey.
    if high - low > 1e-6 {
        [low, high]
    } else {
        [low, low]
    }
}

/// Counts of scores over equal bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Score at the left edge of the first bin.
    pub low: f32,
    /// Score at the right edge of the last.
    pub high: f32,
    /// Locations in each bin.
    pub counts: Vec<u32>,
}

/// A basis with the scores of what is looked at.
#[derive(Clone, Debug)]
pub struct Colours {
    /// The basis.
    pub basis: std::sync::Arc<Basis>,
    /// Scores of each location along the joint axes, for each side of the subject.
    pub sides: Vec<Vec<[f32; AXES]>>,
    /// The same along the foreground's own axes, when the basis has them.
    pub foreground: Option<Vec<Vec<[f32; AXES]>>>,
    /// The first axis over the whole analysed set.
    pub histogram: Histogram,
}

impl Colours {
    /// Scores of a subject and of the set along the axes of `basis`.
    ///
    /// # Errors
    /// [`DenseError::BasisDimension`] and [`DenseError::Cancelled`].
    pub fn new(
        analysis: &Analysis,
        subject: &Subject,
        basis: std::sync::Arc<Basis>,
        progress: &Progress,
    ) -> Result<Self, DenseError> {
        for found in [subject.dim, analysis.features.dim] {
            if basis.dim != found {
                return Err(DenseError::BasisDimension {
                    expected: basis.dim,
                    found,
                });
            }
        }
        let along = |basis: &Basis| -> Result<Vec<_>, DenseError> {
            let scores = |side: &Side| basis.scores(&side.unit);
            subject.sides.iter().map(scores).collect()
        };
        let sides = along(&basis)?;
        let foreground = basis.foreground.as_ref().map(|own| along(&own.basis));
        progress.check()?;
        let all = basis.scores(&analysis.unit)?;
        Ok(Self {
            histogram: histogram(&all, progress)?,
            sides,
            foreground: foreground.transpose()?,
            basis,
        })
    }

    /// Red, green and blue of each location of a side; `None` for those that a cut leaves out. What
    /// it keeps is coloured along the foreground's own axes where the basis has them, else along
    /// the joint ones.
    pub fn of_side(&self, side: usize, cut: Option<Cut>) -> Vec<Option<[f32; 3]>> {
        let joint = self.sides.get(side).map_or(&[][..], Vec::as_slice);
        let own = self
            .basis
            .foreground
            .as_ref()
            .zip(self.foreground.as_ref().and_then(|own| own.get(side)))
            .filter(|_| cut.is_some());
        joint
            .iter()
            .enumerate()
            .map(|(cell, scores)| {
                if cut.is_some_and(|cut| !cut.keeps(scores[0])) {
                    return None;
                }
                Some(match own {
                    Some((own, of_own)) => own.basis.colour(&of_own[cell]),
                    None => self.basis.colour(scores),
                })
            })
            .collect()
    }
}

fn histogram(scores: &[[f32; AXES]], progress: &Progress) -> Result<Histogram, Cancelled> {
    progress.check()?;
    let first = || scores.iter().map(|score| score[0]);
    let low = first().fold(f32::INFINITY, f32::min);
    let high = first().fold(f32::NEG_INFINITY, f32::max);
    let mut counts = vec![0_u32; BINS];
    let per_unit = if high > low {
        BINS as f32 / (high - low)
    } else {
        0.0
    };
    for score in first() {
        counts[(((score - low) * per_unit) as usize).min(BINS - 1)] += 1;
    }
    Ok(Histogram { low, high, counts })
}

#[cfg(test)]
#[path = "colours_tests.rs"]
mod tests;
