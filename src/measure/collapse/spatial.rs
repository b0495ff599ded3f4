//! Whether the locations of an image say different things: dense features image by image.

use serde::Serialize;

use crate::{
    measure::{MeasureError, PairSet, Rows, uniformity},
    progress::Progress,
};

/// Cosines of locations within and between images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spatial {
    /// Images with at least one row.
    pub images: usize,
    /// Unordered pairs of locations of one image.
    pub pairs: u64,
    /// Unordered pairs of locations of different images.
    pub between_pairs: u64,
    /// Mean cosine over the pairs of one image.
    pub within_cosine: f64,
    /// Mean cosine over pairs of locations of different images.
    pub between_cosine: f64,
    /// log mean exp(−t‖x − y‖²) over pairs of one image; 0 when every image is constant.
    pub within_uniformity: f64,
    /// Temperature t of that uniformity.
    pub t: f64,
}

impl Spatial {
    /// Spread within images over spread between them, (1 − within) / (1 − between): 1 where the image
    /// makes no difference, 0 where its locations are all one. NaN when all rows coincide.
    pub fn share(&self) -> f64 {
        (1.0 - self.within_cosine) / (1.0 - self.between_cosine)
    }
}

/// The rows of each image, in the order of `images`' values.
pub(super) fn groups(images: &[u32]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by_key(|&row| images[row]);
    order
        .chunk_by(|&a, &b| images[a] == images[b])
        .map(<[usize]>::to_vec)
        .collect()
}

/// Sum of the chosen rows, d numbers.
pub(super) fn sum_of(x: Rows<'_>, rows: &[usize]) -> Vec<f64> {
    let mut sum = vec![0.0_f64; x.dim];
    for &row in rows {
        for (total, value) in sum.iter_mut().zip(x.row(row)) {
            *total += f64::from(*value);
        }
    }
    sum
}

pub(super) fn square_norm(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum()
}

/// Cosines within and between images, for unit rows; `None` unless there are two images and one of
/// them has two rows.
///
/// # Errors
/// [`MeasureError`] when `images` does not have one entry a row, for rows that are not unit, or a
/// cancel.
pub fn spatial(
    x: Rows<'_>,
    images: &[u32],
    t: f64,
    progress: &Progress,
) -> Result<Option<Spatial>, MeasureError> {
    x.check_unit("spatial collapse", 1)?;
    if images.len() != x.len() {
        return Err(MeasureError::Mismatch {
            what: "images of the rows",
            expected: x.len(),
            found: images.len(),
        });
    }
    let groups = groups(images);
    let pairs_of = |count: usize| (count * (count - 1) / 2) as u64;
    let pairs: u64 = groups.iter().map(|group| pairs_of(group.len())).sum();
    if groups.len() < 2 || pairs == 0 {
        return Ok(None);
    }
    let mut whole = vec![0.0_f64; x.dim];
    let mut within = 0.0;
    for group in &groups {
        progress.check()?;
        let sum = sum_of(x, group);
        let own: f64 = group
            .iter()
            .flat_map(|&row| x.row(row))
            .map(|value| f64::from(*value).powi(2))
            .sum();
        // ‖Σz‖² counts each unordered pair twice and each row with itself once.
        within += 0.5 * (square_norm(&sum) - own);
        for (total, value) in whole.iter_mut().zip(&sum) {
            *total += value;
        }
    }
    let own: f64 = x.values.iter().map(|v| f64::from(*v).powi(2)).sum();
    let all = 0.5 * (square_norm(&whole) - own);
    let between_pairs = pairs_of(x.len()) - pairs;
    Ok(Some(Spatial {
        images: groups.len(),
        pairs,
        between_pairs,
        within_cosine: within / pairs as f64,
        between_cosine: (all - within) / between_pairs as f64,
        within_uniformity: uniformity(x, t, PairSet::WithinImage(images), progress)?.value,
        t,
    }))
}

/// One unit row an image: the direction of the mean of its rows.
pub(super) fn image_rows(x: Rows<'_>, images: &[u32]) -> Vec<f32> {
    let mut values = Vec::new();
    for group in groups(images) {
        let sum = sum_of(x, &group);
        let norm = square_norm(&sum).sqrt();
        if norm > 1e-9 {
            values.extend(sum.iter().map(|value| (value / norm) as f32));
        }
    }
    values
}

/// Tolerance (Wang & Liu 2021): mean cosine over unordered pairs of distinct rows of one class,
/// weighting pairs equally. `None` without such a pair.
///
/// The paper's text calls it the mean similarity of samples of one class; its formula has the
/// expectation over all pairs of cosine times [same class], which is this times the share of such
/// pairs. Ours is the mean.
///
/// # Errors
/// As [`spatial`].
pub fn tolerance(x: Rows<'_>, labels: &[u32]) -> Result<Option<f64>, MeasureError> {
    x.check_unit("tolerance", 1)?;
    if labels.len() != x.len() {
        return Err(MeasureError::Mismatch {
            what: "labels of the rows",
            expected: x.len(),
            found: labels.len(),
        });
    }
    let (mut total, mut pairs) = (0.0, 0.0);
    for group in groups(labels) {
        let count = group.len() as f64;
        let own: f64 = group
            .iter()
            .flat_map(|&row| x.row(row))
            .map(|value| f64::from(*value).powi(2))
            .sum();
        total += square_norm(&sum_of(x, &group)) - own;
        pairs += count * (count - 1.0);
    }
    Ok((pairs > 0.0).then(|| total / pairs))
}
