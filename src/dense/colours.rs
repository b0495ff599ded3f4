//! Red, green and blue from the principal axes of the set's dense vectors: one basis for all
//! images, its signs fixed, kept from one checkpoint to the next on request.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{DenseError, Side, Subject};
use crate::{
    analysis::Analysis,
    measure::Rows,
    progress::{Cancelled, Progress},
    projection::{centred_axes, principal_axes},
};

/// Axes of a basis: the first may be spent on a cut, three give the colours.
pub const AXES: usize = 4;
/// Bins of the histogram of the first axis.
const BINS: usize = 64;
/// Shares of the set's scores below which a colour channel is dark, above which it is full.
const ENDS: [f64; 2] = [0.01, 0.99];

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
        };
        let scores = basis.scores(unit)?;
        progress.check()?;
        basis.ends = (0..basis.count())
            .map(|axis| percentiles(scores.iter().map(|score| score[axis])))
            .collect();
        Ok(basis)
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
        let is_whole = basis.dim > 0
            && basis.mean.len() == basis.dim
            && basis.axes.len().is_multiple_of(basis.dim)
            && (1..=AXES).contains(&basis.count())
            && basis.ends.len() == basis.count()
            && basis.energy.len() == basis.count()
            && basis
                .mean
                .iter()
                .chain(&basis.axes)
                .all(|value| value.is_finite());
        if is_whole {
            Ok(basis)
        } else {
            Err(DenseError::Basis(
                "its parts do not fit together".to_owned(),
            ))
        }
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

    /// Red, green and blue in [0, 1] of a row's scores, from axis `first` on; ½ where there is no
    /// such axis or where it does not vary.
    pub fn colour(&self, scores: &[f32; AXES], first: usize) -> [f32; 3] {
        std::array::from_fn(|channel| match self.ends.get(first + channel) {
            Some([low, high]) if high > low => {
                ((scores[first + channel] - low) / (high - low)).clamp(0.0, 1.0)
            }
            _ => 0.5,
        })
    }

    /// What it is, for captions.
    pub fn line(&self) -> String {
        let shares: Vec<String> = self
            .energy
            .iter()
            .map(|share| format!("{:.1} %", 100.0 * share))
            .collect();
        format!(
            "joint basis of {}; {}; axes hold {}; largest component of each axis positive; 1st to \
             99th percentile from dark to full",
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
    /// Scores of each location, for each side of the subject.
    pub sides: Vec<Vec<[f32; AXES]>>,
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
        let sides: Result<Vec<_>, DenseError> = subject
            .sides
            .iter()
            .map(|side: &Side| basis.scores(&side.unit))
            .collect();
        progress.check()?;
        let all = basis.scores(&analysis.unit)?;
        Ok(Self {
            histogram: histogram(&all, progress)?,
            sides: sides?,
            basis,
        })
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
mod tests {
    use super::*;
    use crate::geometry::{normalise_rows, sphere::uniform_rows};

    fn fitted(unit: &[f32], dim: usize, is_centred: bool) -> Basis {
        let none = Progress::none();
        Basis::fit_rows(unit, dim, is_centred, "rows".to_owned(), &none).unwrap()
    }

    /// Rows along known axes: variance falls from the third coordinate to the first.
    fn stretched(n: usize) -> Vec<f32> {
        let mut rows = uniform_rows(n, 5, 2);
        for row in rows.chunks_exact_mut(5) {
            for (value, scale) in row.iter_mut().zip([0.2, 0.5, 3.0, 0.05, 1.2]) {
                *value *= scale;
            }
        }
        normalise_rows(&mut rows, 5);
        rows
    }

    #[test]
    fn axes_are_the_directions_of_greatest_spread_with_fixed_signs() {
        let rows = stretched(4000);
        for is_centred in [false, true] {
            let basis = fitted(&rows, 5, is_centred);
            assert_eq!(basis.count(), AXES);
            for (axis, coordinate) in [2, 4, 1, 0].into_iter().enumerate() {
                // Symmetric rows: correlations of 4000 rows turn an axis by some 2 %.
                assert!(basis.axis(axis)[coordinate] > 0.99, "{:?}", basis.axes);
            }
            assert!(basis.energy.is_sorted_by(|a, b| a >= b));
        }
    }

    #[test]
    fn scores_are_projections_about_the_mean() {
        let mut rows = stretched(500);
        for row in rows.chunks_exact_mut(5) {
            row[3] += 2.0;
        }
        normalise_rows(&mut rows, 5);
        let basis = fitted(&rows, 5, true);
        let scores = basis.scores(&rows).unwrap();
        let mean: Vec<f64> = (0..5)
            .map(|j| {
                let column = rows.iter().skip(j).step_by(5);
                column.map(|v| f64::from(*v)).sum::<f64>() / 500.0
            })
            .collect();
        for (row, score) in rows.chunks_exact(5).zip(&scores).step_by(17) {
            for (axis, found) in score.iter().enumerate() {
                let expected: f64 = (0..5)
                    .map(|j| basis.axis(axis)[j] * (f64::from(row[j]) - mean[j]))
                    .sum();
                // The score is an f32 of size at most 2.
                assert!((expected - f64::from(*found)).abs() < 3e-7);
            }
        }
        for axis in 0..AXES {
            let sum: f64 = scores.iter().map(|score| f64::from(score[axis])).sum();
            assert!((sum / 500.0).abs() < 1e-6, "scores are about their mean");
        }
        // Uncentred, the offset itself is the first axis.
        assert!(fitted(&rows, 5, false).axis(0)[3] > 0.9);
    }

    #[test]
    fn a_basis_survives_a_file_and_refuses_other_dimensions() {
        let basis = fitted(&stretched(50), 5, true);
        let read = Basis::from_json(&basis.to_json()).unwrap();
        // Numbers are read back to a unit in the last place.
        for (a, b) in read.axes.iter().zip(&basis.axes) {
            assert!((a - b).abs() <= f64::EPSILON);
        }
        assert_eq!(
            (read.ends, read.fitted_to),
            (basis.ends.clone(), "rows".to_owned())
        );
        assert!(matches!(
            basis.scores(&[0.0; 7]),
            Err(DenseError::BasisDimension { .. })
        ));
        for text in [
            "",
            "{}",
            "[1]",
            &basis.to_json().replace("\"dim\":5", "\"dim\":4"),
        ] {
            assert!(matches!(Basis::from_json(text), Err(DenseError::Basis(_))));
        }
    }

    #[test]
    fn constant_and_narrow_features_have_one_grey() {
        let constant = [0.6, 0.8].repeat(10);
        let basis = fitted(&constant, 2, true);
        let scores = basis.scores(&constant).unwrap();
        assert_eq!(basis.colour(&scores[0], 0), [0.5; 3]);
        let line = fitted(&[1.0, -1.0, 1.0], 1, true);
        assert_eq!(line.count(), 1);
        let scores = line.scores(&[1.0, -1.0, 1.0]).unwrap();
        assert_eq!(line.colour(&scores[0], 0), [1.0, 0.5, 0.5]);
        assert_eq!(line.colour(&scores[1], 0), [0.0, 0.5, 0.5]);
    }

    #[test]
    fn histograms_count_every_location() {
        let scores = [[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]];
        let found = histogram(&scores, &Progress::none()).unwrap();
        assert_eq!((found.counts[0], found.counts[BINS - 1]), (1, 1));
        assert_eq!([found.low, found.high], [0.0, 1.0]);
        let same = histogram(&scores[..1], &Progress::none()).unwrap();
        assert_eq!(same.counts.iter().sum::<u32>(), 1);
    }
}
