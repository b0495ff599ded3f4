//! Weighted k nearest neighbours on the sphere: performance without training anything.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;
use serde::Serialize;

use super::{HoldOut, MeasureError, Rows, logistic::first_largest};
use crate::progress::Progress;

/// Held-out rows of a tile.
const TILE_ROWS: usize = 128;
/// Learned rows of a tile: 128 × 512 products take 256 KiB.
const TILE_COLS: usize = 512;

/// Accuracy of neighbours' votes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knn {
    /// Share of held-out rows whose class wins the vote.
    pub accuracy: f64,
    /// Share that the commonest class of the learned rows would get right.
    pub chance: f64,
    /// Neighbours that vote: k, or all learned rows when those are fewer.
    pub neighbours: usize,
    /// Class given to each held-out row, in the split's order.
    #[serde(skip)]
    pub predictions: Vec<u32>,
}

/// Each held-out row gets the class with the largest Σ exp(cos/τ) over its `k` nearest learned
/// rows (Wu et al. 2018; k = 20, τ = 0.07 in the usual protocol). Rows must be on the sphere. Of
/// equally near rows the first counts, of equal votes the lowest class.
///
/// # Errors
/// [`MeasureError`] for rows that are not on the sphere, labels that don't fit, an empty side, and
/// parameters out of range.
pub fn knn(
    rows: Rows<'_>,
    labels: &[u32],
    split: &HoldOut,
    k: usize,
    temperature: f64,
    progress: &Progress,
) -> Result<Knn, MeasureError> {
    rows.check_unit("k-NN", 2)?;
    check_split(rows, labels, split)?;
    if k == 0 || !(temperature > 0.0 && temperature.is_finite()) {
        let (name, value) = if k == 0 {
            ("k", 0.0)
        } else {
            ("τ", temperature)
        };
        return Err(MeasureError::Parameter {
            name,
            value,
            allowed: "above 0",
        });
    }
    let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
    let memory = gather(rows, &split.train);
    let done = std::sync::atomic::AtomicU64::new(0);
    let total = Some(split.test.len() as u64);
    let predictions: Vec<Vec<u32>> = split
        .test
        .par_chunks(TILE_ROWS)
        .map(|asked| {
            let queries = gather(rows, asked);
            let nearest = nearest(&queries, &memory, rows.dim, k, progress)?;
            let order = std::sync::atomic::Ordering::Relaxed;
            let so_far = done.fetch_add(asked.len() as u64, order) + asked.len() as u64;
            progress.report("k nearest neighbours", so_far, total);
            let vote = |near: &Vec<(f32, u32)>| {
                let mut votes = vec![0.0; classes];
                for &(cosine, place) in near {
                    let label = labels[split.train[place as usize]];
                    // Relative to a cosine of 1, so that a low temperature does not overflow.
                    votes[label as usize] += ((f64::from(cosine) - 1.0) / temperature).exp();
                }
                first_largest(&votes)
            };
            Ok(nearest.iter().map(vote).collect())
        })
        .collect::<Result<_, MeasureError>>()?;
    let predictions = predictions.concat();
    Ok(Knn {
        accuracy: agreement(&predictions, labels, &split.test),
        chance: commonest_share(labels, split),
        neighbours: k.min(split.train.len()),
        predictions,
    })
}

/// Refuses splits and labels that do not fit the rows.
pub(super) fn check_split(
    rows: Rows<'_>,
    labels: &[u32],
    split: &HoldOut,
) -> Result<(), MeasureError> {
    if labels.len() != rows.len() {
        return Err(MeasureError::Mismatch {
            what: "one label for each row",
            expected: rows.len(),
            found: labels.len(),
        });
    }
    for side in [&split.train, &split.test] {
        if side.is_empty() {
            return Err(MeasureError::TooFewRows {
                quantity: "each side of a held-out split",
                needed: 1,
                found: 0,
            });
        }
        if let Some(beyond) = side.iter().find(|row| **row >= rows.len()) {
            return Err(MeasureError::Mismatch {
                what: "rows of the split",
                expected: rows.len(),
                found: *beyond,
            });
        }
    }
    Ok(())
}

/// Share of rows for which the prediction is the label.
pub(super) fn agreement(predictions: &[u32], labels: &[u32], which: &[usize]) -> f64 {
    let hits = predictions
        .iter()
        .zip(which)
        .filter(|(predicted, row)| **predicted == labels[**row])
        .count();
    hits as f64 / which.len() as f64
}

/// Share of held-out rows of the class that is commonest among the learned ones.
pub(super) fn commonest_share(labels: &[u32], split: &HoldOut) -> f64 {
    let common = commonest(split.train.iter().map(|row| labels[*row]));
    let hits = split
        .test
        .iter()
        .filter(|row| labels[**row] == common)
        .count();
    hits as f64 / split.test.len() as f64
}

/// The commonest label; the lowest of equally common ones.
pub(super) fn commonest(labels: impl Iterator<Item = u32>) -> u32 {
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    for label in labels {
        *counts.entry(label).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let first = counts.into_iter().find(|(_, count)| *count == most);
    first.map_or(0, |(label, _)| label)
}

fn gather(rows: Rows<'_>, which: &[usize]) -> Vec<f32> {
    which
        .iter()
        .flat_map(|row| rows.row(*row))
        .copied()
        .collect()
}

/// Cosine and place of the `k` nearest rows of `memory` for each query, nearest first.
fn nearest(
    queries: &[f32],
    memory: &[f32],
    dim: usize,
    k: usize,
    progress: &Progress,
) -> Result<Vec<Vec<(f32, u32)>>, MeasureError> {
    let count = queries.len() / dim;
    let mut nearest = vec![Vec::with_capacity(k.min(memory.len() / dim) + 1); count];
    let mut dots = vec![0.0_f32; count * TILE_COLS];
    for (tile, block) in memory.chunks(TILE_COLS * dim).enumerate() {
        progress.check()?;
        let width = block.len() / dim;
        let dots = &mut dots[..count * width];
        matmul(
            MatMut::from_row_major_slice_mut(&mut *dots, count, width),
            Accum::Replace,
            MatRef::from_row_major_slice(queries, count, dim),
            MatRef::from_row_major_slice(block, width, dim).transpose(),
            1.0,
            Par::Seq,
        );
        for (near, dots) in nearest.iter_mut().zip(dots.chunks_exact(width)) {
            let first = (tile * TILE_COLS) as u32;
            for (place, &cosine) in (first..).zip(dots) {
                let is_full = near.len() == k;
                if is_full && near.last().is_some_and(|&(least, _)| cosine <= least) {
                    continue;
                }
                let at = near.partition_point(|&(other, _)| other >= cosine);
                near.insert(at, (cosine, place));
                near.truncate(k);
            }
        }
    }
    Ok(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::normalise_rows;

    fn cloud(n: usize, dim: usize) -> Vec<f32> {
        let mut values: Vec<f32> = (0..n * dim)
            .map(|i| (1.3 * i as f32 + 0.01 * (i * i % 997) as f32).sin())
            .collect();
        normalise_rows(&mut values, dim);
        values
    }

    /// Every vote counted the plain way, over several tiles.
    #[test]
    fn votes_are_those_of_a_full_sort() {
        let (n, dim, k) = (1500, 5, 20);
        let values = cloud(n, dim);
        let rows = Rows::new(&values, dim).unwrap();
        let labels: Vec<u32> = (0..n as u32).map(|i| (i * 7 + i / 11) % 6).collect();
        let split = HoldOut::stratified(&labels, 0.3, 5).unwrap();
        let found = knn(rows, &labels, &split, k, 0.07, &Progress::none()).unwrap();
        let mut agree = 0;
        for (&asked, &predicted) in split.test.iter().zip(&found.predictions) {
            let mut near: Vec<(f64, usize)> = split
                .train
                .iter()
                .map(|&row| {
                    let dot = rows.row(asked).iter().zip(rows.row(row));
                    (dot.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum(), row)
                })
                .collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut votes = [0.0; 6];
            for &(cosine, row) in &near[..k] {
                votes[labels[row] as usize] += (cosine / 0.07).exp();
            }
            agree += usize::from(first_largest(&votes) == predicted);
        }
        // Rounding of f32 products may swap two neighbours or settle a tie of votes.
        assert!(
            agree + 2 >= split.test.len(),
            "{agree} of {}",
            split.test.len()
        );
    }

    #[test]
    fn groups_that_part_are_told_apart_and_chance_is_the_commonest_class() {
        let mut values: Vec<f32> = (0..30)
            .flat_map(|i| [if i % 3 == 0 { 1.0 } else { -1.0 }, 0.01 * i as f32])
            .collect();
        normalise_rows(&mut values, 2);
        let rows = Rows::new(&values, 2).unwrap();
        let labels: Vec<u32> = (0..30).map(|i| u32::from(i % 3 == 0)).collect();
        let split = HoldOut::stratified(&labels, 0.3, 1).unwrap();
        let found = knn(rows, &labels, &split, 200, 0.07, &Progress::none()).unwrap();
        assert_eq!(found.accuracy, 1.0);
        assert_eq!(found.neighbours, split.train.len());
        assert!((found.chance - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn bad_input_is_refused() {
        let values = cloud(4, 2);
        let rows = Rows::new(&values, 2).unwrap();
        let split = HoldOut {
            train: vec![0, 1],
            test: vec![2, 3],
        };
        let none = Progress::none();
        let refuse = |labels: &[u32], split: &HoldOut, k, t| {
            knn(rows, labels, split, k, t, &none).unwrap_err()
        };
        assert!(matches!(
            refuse(&[0], &split, 1, 0.1),
            MeasureError::Mismatch { .. }
        ));
        assert!(refuse(&[0; 4], &split, 0, 0.1).to_string().contains('k'));
        assert!(refuse(&[0; 4], &split, 1, 0.0).to_string().contains('τ'));
        let beyond = HoldOut {
            train: vec![0],
            test: vec![9],
        };
        assert!(matches!(
            refuse(&[0; 4], &beyond, 1, 0.1),
            MeasureError::Mismatch { .. }
        ));
        let raw = Rows::new(&[3.0, 4.0, 1.0, 0.0], 2).unwrap();
        let error = knn(raw, &[0, 1], &split, 1, 0.1, &none).unwrap_err();
        assert!(matches!(error, MeasureError::NotUnit { .. }));
    }
}
