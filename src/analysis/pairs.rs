//! Positive pairs of an analysis, ready to be drawn and counted.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::figures::grouped;

/// At most this many pairs are drawn as arcs; more hide each other.
pub(super) const DRAWN_PAIRS: usize = 2_000;

/// At most this many distances of same-class pairs go into the histogram.
const HISTOGRAM_PAIRS: u64 = 1_000_000;

/// Positive pairs with their distances and, for some, their places on the sphere.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// ‖x − y‖ in [0, 2] of the pairs that the histogram shows.
    pub distances: Vec<f32>,
    /// How many pairs there are in all, and how those in `distances` were chosen.
    pub population: String,
    /// Ends on S² of the pairs that are drawn as arcs.
    pub first_sphere: Vec<[f32; 3]>,
    /// The other ends.
    pub second_sphere: Vec<[f32; 3]>,
    /// Index in the image set of each drawn pair's first end.
    pub images: Vec<u32>,
    /// Why there is no pair, when there is none.
    pub why_absent: Option<String>,
}

impl Pairs {
    /// No pairs, and why.
    pub(super) fn absent(why: &str) -> Self {
        Self {
            why_absent: Some(why.to_owned()),
            ..Self::default()
        }
    }
}

/// Pairs of rows of one class.
pub(super) struct ClassPairs {
    /// Rows of the pairs.
    pub rows: Vec<[u32; 2]>,
    /// What they are of what.
    pub population: String,
}

/// All unordered same-class pairs when there are at most a million, else a seeded sample of as
/// many, uniform over all such pairs.
pub(super) fn class_pairs(labels: &[u32], seed: u64) -> ClassPairs {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        members.entry(*label).or_default().push(row as u32);
    }
    let count_of = |rows: &Vec<u32>| rows.len() as u64 * (rows.len() as u64 - 1) / 2;
    let total: u64 = members.values().map(count_of).sum();
    if total <= HISTOGRAM_PAIRS {
        let mut rows = Vec::with_capacity(total as usize);
        for class in members.values() {
            for (position, &first) in class.iter().enumerate() {
                rows.extend(class[position + 1..].iter().map(|&second| [first, second]));
            }
        }
        return ClassPairs {
            rows,
            population: format!("all {} unordered same-class pairs", grouped(total.into())),
        };
    }
    let mut ends = Vec::with_capacity(members.len());
    let mut sum = 0;
    for class in members.values() {
        sum += count_of(class);
        ends.push((sum, class));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rows = (0..HISTOGRAM_PAIRS)
        .map(|_| {
            let ticket = rng.random_range(0..total);
            let class = ends[ends.partition_point(|(end, _)| *end <= ticket)].1;
            let first = rng.random_range(0..class.len());
            let other = rng.random_range(0..class.len() - 1);
            [class[first], class[other + usize::from(other >= first)]]
        })
        .collect();
    ClassPairs {
        rows,
        population: format!(
            "{} of {} unordered same-class pairs, drawn with seed {seed}",
            grouped(HISTOGRAM_PAIRS.into()),
            grouped(total.into())
        ),
    }
}

/// An even selection of at most `limit` of `count` positions.
pub(super) fn even_selection(count: usize, limit: usize) -> impl Iterator<Item = usize> {
    let stride = count.div_ceil(limit.max(1)).max(1);
    (0..count).step_by(stride)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_give_every_same_class_pair_once() {
        let pairs = class_pairs(&[0, 1, 0, 1, 0, 2], 0);
        let mut rows = pairs.rows;
        rows.sort_unstable();
        assert_eq!(rows, [[0, 2], [0, 4], [1, 3], [2, 4]]);
        assert_eq!(pairs.population, "all 4 unordered same-class pairs");
    }

    #[test]
    fn large_sets_give_a_seeded_sample_of_same_class_pairs() {
        let labels: Vec<u32> = (0..4000).map(|i| i % 3).collect();
        let pairs = class_pairs(&labels, 7);
        assert_eq!(pairs.rows.len() as u64, HISTOGRAM_PAIRS);
        assert!(
            pairs
                .rows
                .iter()
                .all(|[a, b]| a != b && labels[*a as usize] == labels[*b as usize])
        );
        assert!(pairs.population.contains("seed 7"));
        assert_eq!(pairs.rows, class_pairs(&labels, 7).rows);
    }

    #[test]
    fn selections_are_even_and_within_the_limit() {
        assert_eq!(even_selection(10, 3).collect::<Vec<_>>(), [0, 4, 8]);
        assert_eq!(even_selection(2, 5).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(even_selection(0, 5).count(), 0);
    }
}
