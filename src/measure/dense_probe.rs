//! A linear classifier a location: whether dense features say what is where.

use serde::Serialize;

use super::{
    FitSettings, HoldOut, MeasureError, Rows,
    knn::{check_split, commonest},
    logistic::{Classifier, Fit, Targets},
};
use crate::progress::Progress;

/// How well a linear classifier a location tells the class of the place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DenseProbe {
    /// Mean of the IoUs that exist.
    pub mean_iou: f64,
    /// IoU of each class: hits / (hits + misses + false alarms) over held-out locations; `None`
    /// for a class that is neither there nor predicted.
    pub ious: Vec<Option<f64>>,
    /// Share of held-out locations that are right.
    pub pixel_accuracy: f64,
    /// Mean IoU of always saying the commonest class.
    pub chance_mean_iou: f64,
    /// Its share of held-out locations.
    pub chance_accuracy: f64,
    /// Locations learned from, and judged by.
    pub locations: [usize; 2],
    /// Locations left out because their label is to be ignored.
    pub ignored: usize,
    /// How the fit ended.
    pub fit: Fit,
}

/// Multinomial logistic regression with L2 on standardised locations. `labels` has a class below
/// `classes` for each row, or `None` where the label is to be ignored: such rows are neither
/// learned from nor judged by. The split is of rows; locations of one image belong on one side.
///
/// # Errors
/// [`MeasureError`] for rows that are not finite, labels or splits that don't fit, sides without
/// a labelled location, and a cancel.
pub fn dense_probe(
    rows: Rows<'_>,
    labels: &[Option<u32>],
    classes: usize,
    split: &HoldOut,
    settings: &FitSettings,
    progress: &Progress,
) -> Result<DenseProbe, MeasureError> {
    let plain: Vec<u32> = labels.iter().map(|label| label.unwrap_or(0)).collect();
    if let Some(row) = plain.iter().position(|label| *label as usize >= classes) {
        return Err(MeasureError::Label {
            row,
            label: plain[row],
            classes,
        });
    }
    check_split(rows, &plain, split)?;
    let labelled = |side: &[usize]| -> Vec<usize> {
        let has_label = |row: &usize| labels[*row].is_some();
        side.iter().copied().filter(has_label).collect()
    };
    let known = HoldOut {
        train: labelled(&split.train),
        test: labelled(&split.test),
    };
    check_split(rows, &plain, &known)?;
    let targets = Targets::OneOf(&plain, classes);
    let classifier = Classifier::fit(rows, &known.train, targets, settings, progress)?;
    let predictions = classifier.predict(rows, &known.test);
    let truth: Vec<u32> = known.test.iter().map(|row| plain[*row]).collect();
    let (ious, pixel_accuracy) = overlap(&predictions, &truth, classes);
    let common = commonest(known.train.iter().map(|row| plain[*row]));
    let (blind, chance_accuracy) = overlap(&vec![common; truth.len()], &truth, classes);
    Ok(DenseProbe {
        mean_iou: mean(&ious),
        ious,
        pixel_accuracy,
        chance_mean_iou: mean(&blind),
        chance_accuracy,
        locations: [known.train.len(), known.test.len()],
        ignored: split.train.len() + split.test.len() - known.train.len() - known.test.len(),
        fit: classifier.fit,
    })
}

/// IoU of each class, and the share that agrees.
fn overlap(predictions: &[u32], truth: &[u32], classes: usize) -> (Vec<Option<f64>>, f64) {
    let mut both = vec![0_usize; classes];
    let mut either = vec![0_usize; classes];
    for (&predicted, &true_one) in predictions.iter().zip(truth) {
        either[true_one as usize] += 1;
        if predicted == true_one {
            both[true_one as usize] += 1;
        } else {
            either[predicted as usize] += 1;
        }
    }
    let ious = both
        .iter()
        .zip(&either)
        .map(|(both, either)| (*either > 0).then(|| *both as f64 / *either as f64))
        .collect();
    let hits: usize = both.iter().sum();
    (ious, hits as f64 / truth.len() as f64)
}

fn mean(values: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    known.iter().sum::<f64>() / known.len() as f64
}

/// The commonest class id in each cell of a grid laid over a part of a mask: row-major
/// `[rows, columns]`.
///
/// `ids` are row-major class ids of a mask of `size` (width, height); `region` is the part that the
/// encoder saw as left, top, right, bottom in pixels of the mask. Of equally common ids the lowest
/// wins. A cell too small for any pixel's middle takes the pixel at its own middle; one beyond the
/// mask takes the nearest.
///
/// # Panics
/// When `ids` has fewer entries than `size` says.
pub fn pooled_mask(ids: &[u8], size: [u32; 2], region: [f32; 4], grid: [usize; 2]) -> Vec<u8> {
    let [width, height] = size.map(|side| side as usize);
    let [left, top, right, bottom] = region;
    let [rows, columns] = grid;
    // Pixels whose middles lie in part `index` of `parts` between two ends.
    let span = |low: f32, high: f32, index: usize, parts: usize, most: usize| {
        let step = (high - low) / parts as f32;
        let start = low + step * index as f32;
        let first = (start - 0.5).ceil().max(0.0) as usize;
        let end = ((start + step - 0.5).ceil().max(0.0) as usize).min(most);
        if first < end {
            first..end
        } else {
            let middle = (start + 0.5 * step).max(0.0) as usize;
            let middle = middle.min(most.saturating_sub(1));
            middle..middle + 1
        }
    };
    let mut pooled = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        let ys = span(top, bottom, row, rows, height);
        for column in 0..columns {
            let mut counts = [0_u32; 256];
            for y in ys.clone() {
                for x in span(left, right, column, columns, width) {
                    counts[usize::from(ids[y * width + x])] += 1;
                }
            }
            let most = counts.iter().copied().max().unwrap_or(0);
            let first = counts.iter().position(|count| *count == most);
            pooled.push(first.unwrap_or(0) as u8);
        }
    }
    pooled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majorities_of_cells() {
        // 4 × 4: left half 1, right half 2, but for one pixel.
        let mut ids: Vec<u8> = (0..16).map(|i| if i % 4 < 2 { 1 } else { 2 }).collect();
        ids[0] = 7;
        let whole = [0.0, 0.0, 4.0, 4.0];
        assert_eq!(pooled_mask(&ids, [4, 4], whole, [2, 2]), [1, 2, 1, 2]);
        assert_eq!(pooled_mask(&ids, [4, 4], whole, [4, 4]), ids);
        // Finer than the mask: each cell takes the pixel it lies in.
        let fine = pooled_mask(&ids, [4, 4], whole, [8, 8]);
        assert_eq!((fine[0], fine[1], fine[2], fine[63]), (7, 7, 1, 2));
        // A part of it.
        assert_eq!(pooled_mask(&ids, [4, 4], [2.0, 0.0, 4.0, 2.0], [1, 1]), [2]);
        // As many of each: the lowest.
        assert_eq!(pooled_mask(&ids, [4, 4], [1.0, 1.0, 3.0, 3.0], [1, 1]), [1]);
    }

    #[test]
    fn overlaps_by_hand() {
        let (ious, accuracy) = overlap(&[0, 0, 1, 1, 2], &[0, 1, 1, 1, 1], 4);
        // Class 0: 1 of {0, 1}; class 1: 2 of {1, 2, 3, 4}; class 2: predicted only; class 3: absent.
        assert_eq!(ious, [Some(0.5), Some(0.5), Some(0.0), None]);
        assert_eq!(accuracy, 0.6);
        assert!((mean(&ious) - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn ignored_locations_count_nowhere() {
        let values: Vec<f32> = (0..60).map(|i| (i % 2) as f32).collect();
        let rows = Rows::new(&values, 1).unwrap();
        // Every tenth says the wrong class, and is ignored.
        let labels: Vec<Option<u32>> = (0..60)
            .map(|i| (i % 10 != 0).then_some((i % 2) as u32))
            .collect();
        let split = HoldOut::plain(60, 0.5, 2).unwrap();
        let none = Progress::none();
        let settings = FitSettings::default();
        let probe = dense_probe(rows, &labels, 3, &split, &settings, &none).unwrap();
        assert_eq!((probe.mean_iou, probe.pixel_accuracy), (1.0, 1.0));
        assert_eq!(probe.ignored, 6);
        assert_eq!(probe.locations.iter().sum::<usize>(), 54);
        assert_eq!(probe.ious[2], None);
        let nothing = vec![None; 60];
        assert!(dense_probe(rows, &nothing, 3, &split, &settings, &none).is_err());
        let beyond = vec![Some(3); 60];
        let error = dense_probe(rows, &beyond, 3, &split, &settings, &none).unwrap_err();
        assert!(matches!(error, MeasureError::Label { .. }));
    }
}
