//! What a chosen location is similar to: the maps' other locations, and the nearest of the set.

use rayon::prelude::*;

use super::{DenseError, Subject};
use crate::{
    analysis::Analysis,
    progress::{Cancelled, Progress},
};

/// Sums that are carried side by side, so that the compiler may use vector instructions.
const LANES: usize = 16;
/// Rows of one piece of parallel work.
const BLOCK: usize = 1024;

/// Inner product in f32, the same for the same numbers wherever they stand.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (chunks_a, rest_a) = a.as_chunks::<LANES>();
    let (chunks_b, rest_b) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Cosine of `query` with each of the unit `rows`, `dim` numbers each.
pub fn similarities(query: &[f32], rows: &[f32], dim: usize) -> Vec<f32> {
    rows.par_chunks_exact(dim.max(1))
        .with_min_len(BLOCK / 4)
        .map(|row| dot(query, row))
        .collect()
}

/// A row of the analysed set and its cosine with the chosen location.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Row of the feature set.
    pub row: u32,
    /// Cosine, −1 to 1.
    pub cosine: f32,
}

/// The `count` unit rows of greatest cosine with `query` among those that `is_candidate` names,
/// greatest first, of equals the first. Exact: every row is compared, in blocks.
///
/// # Errors
/// [`Cancelled`].
pub fn nearest(
    query: &[f32],
    rows: &[f32],
    dim: usize,
    count: usize,
    is_candidate: impl Fn(u32) -> bool + Sync,
    progress: &Progress,
) -> Result<Vec<Near>, Cancelled> {
    let dim = dim.max(1);
    let blocks: Vec<Vec<Near>> = rows
        .par_chunks(BLOCK * dim)
        .enumerate()
        .map(|(block, chunk)| {
            progress.check()?;
            let mut best = Best::new(count);
            for (offset, row) in chunk.chunks_exact(dim).enumerate() {
                let number = (block * BLOCK + offset) as u32;
                let cosine = dot(query, row);
                if best.wants(cosine) && is_candidate(number) {
                    best.add(Near {
                        row: number,
                        cosine,
                    });
                }
            }
            Ok(best.list)
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut best = Best::new(count);
    for near in blocks.into_iter().flatten() {
        if best.wants(near.cosine) {
            best.add(near);
        }
    }
    Ok(best.list)
}

/// The greatest so far, in order.
struct Best {
    list: Vec<Near>,
    count: usize,
}

impl Best {
    fn new(count: usize) -> Self {
        Self {
            list: Vec::with_capacity(count + 1),
            count,
        }
    }

    fn wants(&self, cosine: f32) -> bool {
        let is_full = self.list.len() >= self.count;
        self.count > 0 && !(is_full && self.list.last().is_some_and(|last| cosine <= last.cosine))
    }

    fn add(&mut self, near: Near) {
        // Behind its equals: rows come in ascending order.
        let place = self
            .list
            .partition_point(|other| other.cosine.total_cmp(&near.cosine).is_ge());
        self.list.insert(place, near);
        self.list.truncate(self.count);
    }
}

/// What is asked of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Side of the subject: 0 or 1.
    pub side: usize,
    /// Location of that side's map, counted row by row.
    pub cell: usize,
    /// How many of the nearest are listed.
    pub count: usize,
    /// Whether only locations of other images are listed.
    pub is_between_images: bool,
}

/// What a location is similar to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// Cosine with every location, for each side of the subject.
    pub maps: Vec<Vec<f32>>,
    /// The nearest locations of the analysed set, nearest first.
    pub nearest: Vec<Near>,
    /// Among what they are the nearest, in words.
    pub population: String,
}

/// Compares a location with both maps and with the whole analysed set, in the original space.
///
/// # Errors
/// [`DenseError::NoSuchCell`] and [`Cancelled`].
pub fn answer(
    analysis: &Analysis,
    subject: &Subject,
    question: Question,
    progress: &Progress,
) -> Result<Answer, DenseError> {
    let side = subject.side(question.side, question.cell)?;
    let dim = subject.dim;
    let query = side.vector(question.cell, dim);
    let maps = subject
        .sides
        .iter()
        .map(|side| similarities(query, &side.unit, dim))
        .collect();
    let own_row = side.row_of(question.cell);
    let images = &analysis.features.images;
    let is_candidate = |row: u32| {
        Some(row) != own_row && !(question.is_between_images && images[row as usize] == side.image)
    };
    let nearest = nearest(
        query,
        &analysis.unit,
        dim,
        question.count,
        is_candidate,
        progress,
    )?;
    let what = if question.is_between_images {
        "all locations of the other images"
    } else if own_row.is_some() {
        "all other locations of the set"
    } else {
        "all locations of the set as analysed"
    };
    Ok(Answer {
        question,
        maps,
        nearest,
        population: format!(
            "{what} ({} of {} images, {})",
            analysis.features.provenance.image_count,
            analysis.features.provenance.image_total,
            analysis.features.provenance.choice
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;

    fn exact(a: &[f32], b: &[f32]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    }

    #[test]
    fn similarities_are_inner_products() {
        for (n, dim) in [(1, 1), (5, 2), (300, 17), (40, 512)] {
            let rows = uniform_rows(n, dim, 3);
            let map = similarities(&rows[..dim], &rows, dim);
            assert_eq!(map.len(), n);
            for (row, found) in rows.chunks_exact(dim).zip(&map) {
                // f32 products and sums of unit rows: some 1e-7 a term, averaged out.
                assert!((exact(&rows[..dim], row) - f64::from(*found)).abs() < 1e-6);
            }
            assert!((map[0] - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        let (n, dim) = (5000, 9);
        let mut rows = uniform_rows(n, dim, 8);
        // Equal rows far apart: the first of equals comes first.
        rows.copy_within(7 * dim..8 * dim, 4321 * dim);
        let query = rows[7 * dim..8 * dim].to_vec();
        let found = nearest(&query, &rows, dim, 20, |row| row != 7, &Progress::none()).unwrap();
        let mut all: Vec<(usize, f32)> = rows
            .chunks_exact(dim)
            .map(|row| dot(&query, row))
            .enumerate()
            .filter(|(row, _)| *row != 7)
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let expected: Vec<u32> = all[..20].iter().map(|(row, _)| *row as u32).collect();
        let rows_found: Vec<u32> = found.iter().map(|near| near.row).collect();
        assert_eq!(rows_found, expected);
        assert_eq!(found[0].row, 4321);
    }

    #[test]
    fn equals_keep_their_order_and_few_rows_are_no_trouble() {
        let rows = vec![1.0; 3000];
        let found = nearest(&[1.0], &rows, 1, 5, |row| row > 1, &Progress::none()).unwrap();
        let numbers: Vec<u32> = found.iter().map(|near| near.row).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
        let one = nearest(&[1.0], &[1.0], 1, 5, |_| true, &Progress::none()).unwrap();
        assert_eq!(one.len(), 1);
        assert!(
            nearest(&[1.0], &[1.0], 1, 0, |_| true, &Progress::none())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_cancelled_search_ends() {
        let progress = Progress::none();
        progress.cancel();
        assert_eq!(
            nearest(&[1.0], &[1.0], 1, 1, |_| true, &progress),
            Err(Cancelled)
        );
    }
}
