//! Logistic regression with L2 on standardised frozen features, the classifier of every probe.
//!
//! The objective is scikit-learn's: (1/n) Σ loss + ‖W‖² / (2 C n), biases free. It is convex; the
//! descent ends at its minimum, and what is left of the gradient is told.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    MeasureError, Rows,
    descent::{Descent, minimise},
};
use crate::progress::Progress;

/// Rows that are standardised and multiplied at once.
const BLOCK: usize = 512;
/// Parts that are summed apart and then together in order, so that no result depends on the number
/// of threads; each keeps one gradient.
const PARTS: usize = 16;

/// How a classifier is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FitSettings {
    /// Inverse strength of L2, scikit-learn's C.
    pub c: f64,
    /// Most iterations of the descent.
    pub iterations: usize,
    /// Converged once no entry of the gradient of the objective is larger.
    pub tolerance: f64,
}

impl Default for FitSettings {
    /// scikit-learn's C, a tighter end.
    fn default() -> Self {
        Self {
            c: 1.0,
            iterations: 2000,
            tolerance: 1e-6,
        }
    }
}

impl FitSettings {
    /// Refuses what no fit can go by.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`].
    pub fn check(&self) -> Result<(), MeasureError> {
        for (name, value) in [("C", self.c), ("the tolerance", self.tolerance)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(MeasureError::Parameter {
                    name,
                    value,
                    allowed: "a finite number above 0",
                });
            }
        }
        if self.iterations == 0 {
            return Err(MeasureError::Parameter {
                name: "the iterations",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        Ok(())
    }
}

/// How a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Value of the objective.
    pub objective: f64,
    /// Iterations of L-BFGS.
    pub iterations: usize,
    /// Largest entry of the gradient at the end.
    pub gradient: f64,
    /// Whether that is within the tolerance.
    pub is_converged: bool,
}

/// What is learned, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Targets<'a> {
    /// One of so many classes: softmax.
    OneOf(&'a [u32], usize),
    /// Any of so many things, row-major: a sigmoid each.
    AnyOf(&'a [bool], usize),
}

impl Targets<'_> {
    fn outputs(&self) -> usize {
        match self {
            Self::OneOf(_, count) | Self::AnyOf(_, count) => *count,
        }
    }

    /// Turns the scores of `row` into ∂loss/∂score and returns the loss.
    fn residual(&self, row: usize, scores: &mut [f64]) -> f64 {
        match self {
            Self::OneOf(labels, _) => {
                let label = labels[row] as usize;
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let own = scores[label] - most;
                let mut sum = 0.0;
                for score in scores.iter_mut() {
                    *score = (*score - most).exp();
                    sum += *score;
                }
                for score in scores.iter_mut() {
                    *score /= sum;
                }
                scores[label] -= 1.0;
                sum.ln() - own
            }
            Self::AnyOf(present, count) => {
                let present = &present[row * count..(row + 1) * count];
                let mut loss = 0.0;
                for (score, &is_there) in scores.iter_mut().zip(present) {
                    // log(1 + e^{−|s|}) does not overflow.
                    let tail = (-score.abs()).exp();
                    let signed = if is_there { -*score } else { *score };
                    loss += signed.max(0.0) + tail.ln_1p();
                    let chance = if *score >= 0.0 {
                        1.0 / (1.0 + tail)
                    } else {
                        tail / (1.0 + tail)
                    };
                    *score = chance - f64::from(u8::from(is_there));
                }
                loss
            }
        }
    }
}

/// A fitted linear classifier.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    /// `[outputs, dim]`, row-major, for standardised features.
    weights: Vec<f64>,
    biases: Vec<f64>,
    scaling: Scaling,
    pub fit: Fit,
}

/// Means and inverse deviations of the features learned from.
#[derive(Clone, Debug)]
struct Scaling {
    mean: Vec<f64>,
    /// 0 for a feature that is constant: it says nothing.
    inverse: Vec<f64>,
}

impl Scaling {
    fn new(rows: Rows<'_>, which: &[usize]) -> Self {
        let n = which.len() as f64;
        let mut mean = vec![0.0; rows.dim];
        for &row in which {
            for (sum, value) in mean.iter_mut().zip(rows.row(row)) {
                *sum += f64::from(*value);
            }
        }
        for sum in &mut mean {
            *sum /= n;
        }
        let mut inverse = vec![0.0; rows.dim];
        for &row in which {
            for ((sum, value), mean) in inverse.iter_mut().zip(rows.row(row)).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2);
            }
        }
        for (sum, mean) in inverse.iter_mut().zip(&mean) {
            let deviation = (*sum / n).sqrt();
            // Below the rounding of f32 there is nothing but rounding.
            let is_constant = deviation <= f64::from(f32::EPSILON) * mean.abs() || deviation == 0.0;
            *sum = if is_constant { 0.0 } else { 1.0 / deviation };
        }
        Self { mean, inverse }
    }

    fn block(&self, rows: Rows<'_>, which: &[usize]) -> Vec<f64> {
        let mut block = Vec::with_capacity(which.len() * rows.dim);
        for &row in which {
            let scaled = rows.row(row).iter().zip(&self.mean).zip(&self.inverse);
            block.extend(
                scaled.map(|((value, mean), inverse)| (f64::from(*value) - mean) * inverse),
            );
        }
        block
    }
}

impl Classifier {
    /// Fits on the rows named by `which`.
    pub fn fit(
        rows: Rows<'_>,
        which: &[usize],
        targets: Targets<'_>,
        settings: &FitSettings,
        progress: &Progress,
    ) -> Result<Self, MeasureError> {
        settings.check()?;
        rows.check_finite("a linear probe", 1)?;
        if which.is_empty() {
            return Err(MeasureError::TooFewRows {
                quantity: "a linear probe",
                needed: 1,
                found: 0,
            });
        }
        let outputs = targets.outputs();
        let problem = Problem {
            rows,
            which,
            targets,
            scaling: Scaling::new(rows, which),
            outputs,
            penalty: 1.0 / (settings.c * which.len() as f64),
        };
        let descent = Descent {
            iterations: settings.iterations,
            tolerance: settings.tolerance,
        };
        let mut looks = 0;
        let minimum = minimise(
            descent,
            vec![0.0; outputs * (rows.dim + 1)],
            |at, gradient| {
                progress.check()?;
                looks += 1;
                progress.report("fitting a linear probe", looks, None);
                problem.value(at, gradient, progress)
            },
        )?;
        let mut weights = minimum.at;
        let biases = weights.split_off(outputs * rows.dim);
        Ok(Self {
            weights,
            biases,
            scaling: problem.scaling,
            fit: Fit {
                objective: minimum.value,
                iterations: minimum.iterations,
                gradient: minimum.slope,
                is_converged: minimum.is_converged,
            },
        })
    }

    /// Scores `[which.len(), outputs]`, row-major: logits.
    pub fn scores(&self, rows: Rows<'_>, which: &[usize]) -> Vec<f64> {
        let outputs = self.biases.len();
        let mut scores = vec![0.0; which.len() * outputs];
        scores
            .par_chunks_mut(BLOCK * outputs.max(1))
            .zip(which.par_chunks(BLOCK))
            .for_each(|(scores, which)| {
                let block = self.scaling.block(rows, which);
                logits(&block, rows.dim, &self.weights, &self.biases, scores);
            });
        scores
    }

    /// The class of the largest score of each row; the first of equal ones.
    pub fn predict(&self, rows: Rows<'_>, which: &[usize]) -> Vec<u32> {
        self.scores(rows, which)
            .chunks_exact(self.biases.len().max(1))
            .map(first_largest)
            .collect()
    }
}

/// Place of the largest value; the first of equal ones.
pub(super) fn first_largest(scores: &[f64]) -> u32 {
    let mut best = 0;
    for (place, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = place;
        }
    }
    best as u32
}

/// Fills `scores` with block · Wᵀ + b.
fn logits(block: &[f64], dim: usize, weights: &[f64], biases: &[f64], scores: &mut [f64]) {
    let (count, outputs) = (block.len() / dim.max(1), biases.len());
    for row in scores.chunks_exact_mut(outputs) {
        row.copy_from_slice(biases);
    }
    matmul(
        MatMut::from_row_major_slice_mut(scores, count, outputs),
        Accum::Add,
        MatRef::from_row_major_slice(block, count, dim),
        MatRef::from_row_major_slice(weights, outputs, dim).transpose(),
        1.0,
        Par::Seq,
    );
}

struct Problem<'a> {
    rows: Rows<'a>,
    which: &'a [usize],
    targets: Targets<'a>,
    scaling: Scaling,
    outputs: usize,
    /// 1 / (C n).
    penalty: f64,
}

impl Problem<'_> {
    fn value(
        &self,
        at: &[f64],
        gradient: &mut [f64],
        progress: &Progress,
    ) -> Result<f64, MeasureError> {
        let (weights, biases) = at.split_at(self.outputs * self.rows.dim);
        let blocks = self.which.len().div_ceil(BLOCK);
        let part = blocks.div_ceil(PARTS) * BLOCK;
        let parts: Vec<(f64, Vec<f64>)> = self
            .which
            .par_chunks(part)
            .map(|part| self.part(part, weights, biases, progress))
            .collect::<Result<_, MeasureError>>()?;
        gradient.fill(0.0);
        let mut value = 0.0;
        for (loss, part) in parts {
            value += loss;
            for (sum, entry) in gradient.iter_mut().zip(part) {
                *sum += entry;
            }
        }
        let inverse = 1.0 / self.which.len() as f64;
        value *= inverse;
        for entry in gradient.iter_mut() {
            *entry *= inverse;
        }
        for (entry, weight) in gradient.iter_mut().zip(weights) {
            value += 0.5 * self.penalty * weight * weight;
            *entry += self.penalty * weight;
        }
        Ok(value)
    }

    /// Sum of losses and of gradients over some rows.
    fn part(
        &self,
        part: &[usize],
        weights: &[f64],
        biases: &[f64],
        progress: &Progress,
    ) -> Result<(f64, Vec<f64>), MeasureError> {
        let (dim, outputs) = (self.rows.dim, self.outputs);
        let mut gradient = vec![0.0; outputs * (dim + 1)];
        let (of_weights, of_biases) = gradient.split_at_mut(outputs * dim);
        let mut loss = 0.0;
        for which in part.chunks(BLOCK) {
            progress.check()?;
            let block = self.scaling.block(self.rows, which);
            let mut scores = vec![0.0; which.len() * outputs];
            logits(&block, dim, weights, biases, &mut scores);
            for (&row, scores) in which.iter().zip(scores.chunks_exact_mut(outputs)) {
                loss += self.targets.residual(row, scores);
                for (sum, residual) in of_biases.iter_mut().zip(scores.iter()) {
                    *sum += residual;
                }
            }
            matmul(
                MatMut::from_row_major_slice_mut(&mut *of_weights, outputs, dim),
                Accum::Add,
                MatRef::from_row_major_slice(&scores, which.len(), outputs).transpose(),
                MatRef::from_row_major_slice(&block, which.len(), dim),
                1.0,
                Par::Seq,
            );
        }
        Ok((loss, gradient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<f32> {
        (0..60)
            .map(|i| (1.7 * i as f32).sin() + 0.01 * i as f32)
            .collect()
    }

    /// The gradient against differences of the value, f64: the error of a central difference with
    /// step 1e-5 is of the order of 1e-10.
    #[test]
    fn gradients_are_those_of_the_value() {
        let values = rows();
        let rows = Rows::new(&values, 3).unwrap();
        let which: Vec<usize> = (0..20).collect();
        let labels: Vec<u32> = (0..20).map(|i| i % 3).collect();
        let present: Vec<bool> = (0..60).map(|i| i % 7 < 3).collect();
        for targets in [Targets::OneOf(&labels, 3), Targets::AnyOf(&present, 3)] {
            let problem = Problem {
                rows,
                which: &which,
                targets,
                scaling: Scaling::new(rows, &which),
                outputs: 3,
                penalty: 0.3,
            };
            let at: Vec<f64> = (0..12).map(|i| (f64::from(i) * 0.9).cos()).collect();
            let mut gradient = vec![0.0; 12];
            let mut scratch = vec![0.0; 12];
            let none = Progress::none();
            problem.value(&at, &mut gradient, &none).unwrap();
            for i in 0..12 {
                let mut value = |step: f64| {
                    let mut moved = at.clone();
                    moved[i] += step;
                    problem.value(&moved, &mut scratch, &none).unwrap()
                };
                let slope = (value(1e-5) - value(-1e-5)) / 2e-5;
                assert!(
                    (slope - gradient[i]).abs() < 1e-8,
                    "{slope} {}",
                    gradient[i]
                );
            }
        }
    }

    #[test]
    fn constant_features_say_nothing_and_classes_that_part_are_told_apart() {
        let values: Vec<f32> = (0..40)
            .flat_map(|i| [if i < 20 { -1.0 } else { 1.0 }, 4.0])
            .collect();
        let rows = Rows::new(&values, 2).unwrap();
        let which: Vec<usize> = (0..40).collect();
        let labels: Vec<u32> = (0..40).map(|i| u32::from(i >= 20)).collect();
        let targets = Targets::OneOf(&labels, 2);
        let none = Progress::none();
        let classifier =
            Classifier::fit(rows, &which, targets, &FitSettings::default(), &none).unwrap();
        assert!(classifier.fit.is_converged);
        assert_eq!(classifier.predict(rows, &which), labels);
        assert_eq!([classifier.weights[1], classifier.weights[3]], [0.0, 0.0]);
    }

    #[test]
    fn bad_input_is_refused() {
        let none = Progress::none();
        let rows = Rows::new(&[1.0, f32::NAN], 1).unwrap();
        let targets = Targets::OneOf(&[0, 1], 2);
        let fit = |rows, which: &[usize], settings: &FitSettings| {
            Classifier::fit(rows, which, targets, settings, &none).unwrap_err()
        };
        let usual = FitSettings::default();
        assert!(matches!(
            fit(rows, &[0], &usual),
            MeasureError::NotFinite { row: 1 }
        ));
        let rows = Rows::new(&[1.0, 2.0], 1).unwrap();
        assert!(matches!(
            fit(rows, &[], &usual),
            MeasureError::TooFewRows { .. }
        ));
        let zero = FitSettings { c: 0.0, ..usual };
        assert!(fit(rows, &[0], &zero).to_string().contains('C'));
        none.cancel();
        assert!(matches!(
            fit(rows, &[0, 1], &usual),
            MeasureError::Cancelled(_)
        ));
    }
}
