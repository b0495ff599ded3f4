//! A linear classifier on frozen features: the usual measure of what they hold.

use serde::Serialize;

use super::{
    FitSettings, HoldOut, MeasureError, Rows,
    knn::{agreement, check_split, commonest_share},
    logistic::{Classifier, Fit, Targets},
    precision::average_precision,
};
use crate::progress::Progress;

/// How well a linear classifier reads the class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearProbe {
    /// Share of held-out rows that it gets right.
    pub accuracy: f64,
    /// Share of learned rows that it gets right: far above the held-out one is overfitting.
    pub train_accuracy: f64,
    /// Share that the commonest class of the learned rows would get right.
    pub chance: f64,
    /// How the fit ended.
    pub fit: Fit,
    /// Class given to each held-out row, in the split's order.
    #[serde(skip)]
    pub predictions: Vec<u32>,
}

/// Multinomial logistic regression with L2 on features that are standardised by the learned rows.
///
/// # Errors
/// [`MeasureError`] for rows that are not finite, labels or splits that don't fit, and a cancel.
pub fn linear_probe(
    rows: Rows<'_>,
    labels: &[u32],
    split: &HoldOut,
    settings: &FitSettings,
    progress: &Progress,
) -> Result<LinearProbe, MeasureError> {
    check_split(rows, labels, split)?;
    let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
    let targets = Targets::OneOf(labels, classes);
    let classifier = Classifier::fit(rows, &split.train, targets, settings, progress)?;
    let predictions = classifier.predict(rows, &split.test);
    let learned = classifier.predict(rows, &split.train);
    Ok(LinearProbe {
        accuracy: agreement(&predictions, labels, &split.test),
        train_accuracy: agreement(&learned, labels, &split.train),
        chance: commonest_share(labels, split),
        fit: classifier.fit,
        predictions,
    })
}

/// How well linear classifiers tell what is in an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultiLabelProbe {
    /// Mean of the average precisions that exist.
    pub mean_average_precision: f64,
    /// Average precision of each thing; `None` for one that no held-out or no learned row shows.
    pub average_precisions: Vec<Option<f64>>,
    /// Mean share of held-out rows that show a thing: the average precision of a blind order.
    pub chance: f64,
    /// How the fit ended.
    pub fit: Fit,
}

/// One logistic regression with L2 for each thing that may be in an image. `present` says for each
/// row and thing whether it is there, row-major `[rows, things]`.
///
/// # Errors
/// [`MeasureError`] as [`linear_probe`]; [`MeasureError::NoPairs`] when no thing is on both sides.
pub fn multi_label_probe(
    rows: Rows<'_>,
    present: &[bool],
    split: &HoldOut,
    settings: &FitSettings,
    progress: &Progress,
) -> Result<MultiLabelProbe, MeasureError> {
    // Splits are about rows alone.
    check_split(rows, &vec![0; rows.len()], split)?;
    let things = present.len() / rows.len().max(1);
    if things == 0 || things * rows.len() != present.len() {
        return Err(MeasureError::Mismatch {
            what: "as many entries for each row",
            expected: rows.len() * things.max(1),
            found: present.len(),
        });
    }
    let targets = Targets::AnyOf(present, things);
    let classifier = Classifier::fit(rows, &split.train, targets, settings, progress)?;
    let scores = classifier.scores(rows, &split.test);
    let mut precisions = vec![None; things];
    let mut shares = Vec::new();
    for (thing, precision) in precisions.iter_mut().enumerate() {
        let is_there = |row: &usize| present[row * things + thing];
        let learned = split.train.iter().filter(|row| is_there(row)).count();
        if learned == 0 || learned == split.train.len() {
            continue;
        }
        let of_thing: Vec<f64> = scores.iter().skip(thing).step_by(things).copied().collect();
        let truth: Vec<bool> = split.test.iter().map(is_there).collect();
        *precision = average_precision(&of_thing, &truth);
        if precision.is_some() {
            let there = truth.iter().filter(|is_there| **is_there).count();
            shares.push(there as f64 / truth.len() as f64);
        }
    }
    let known: Vec<f64> = precisions.iter().flatten().copied().collect();
    if known.is_empty() {
        return Err(MeasureError::NoPairs {
            why: "no thing is in some images of both sides of the split and missing in others",
        });
    }
    Ok(MultiLabelProbe {
        mean_average_precision: known.iter().sum::<f64>() / known.len() as f64,
        average_precisions: precisions,
        chance: shares.iter().sum::<f64>() / shares.len() as f64,
        fit: classifier.fit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_in_no_image_has_no_precision() {
        let values: Vec<f32> = (0..40)
            .map(|i| if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let rows = Rows::new(&values, 1).unwrap();
        // The first thing is where the feature is positive, the second nowhere.
        let present: Vec<bool> = (0..40).flat_map(|i| [i % 2 == 0, false]).collect();
        let split = HoldOut::plain(40, 0.5, 0).unwrap();
        let none = Progress::none();
        let settings = FitSettings::default();
        let probe = multi_label_probe(rows, &present, &split, &settings, &none).unwrap();
        assert_eq!(probe.average_precisions, [Some(1.0), None]);
        assert_eq!(probe.mean_average_precision, 1.0);
        let nothing = vec![false; 40];
        let error = multi_label_probe(rows, &nothing, &split, &settings, &none).unwrap_err();
        assert!(matches!(error, MeasureError::NoPairs { .. }));
        assert!(multi_label_probe(rows, &present[1..], &split, &settings, &none).is_err());
    }

    #[test]
    fn one_class_is_learned_at_chance() {
        let values: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let rows = Rows::new(&values, 1).unwrap();
        let split = HoldOut::plain(10, 0.5, 0).unwrap();
        let settings = FitSettings::default();
        let probe = linear_probe(rows, &[0; 10], &split, &settings, &Progress::none()).unwrap();
        assert_eq!((probe.accuracy, probe.chance), (1.0, 1.0));
    }
}
