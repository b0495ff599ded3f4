//! Which rows a classifier learns from, and which it is judged by.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::MeasureError;

/// A split of items into a part to learn from and a held-out one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOut {
    /// Items to learn from, rising.
    pub train: Vec<usize>,
    /// Items to judge by, rising.
    pub test: Vec<usize>,
}

impl HoldOut {
    /// Splits items so that each class gives the same share, up to rounding: a class of two or more
    /// is on both sides, one of a single item is learned from. `share` is the held-out part.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a share outside (0, 1); [`MeasureError::TooFewRows`] when a
    /// side would be empty.
    pub fn stratified(labels: &[u32], share: f64, seed: u64) -> Result<Self, MeasureError> {
        check_share(share)?;
        let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (item, &label) in labels.iter().enumerate() {
            classes.entry(label).or_default().push(item);
        }
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (label, mut items) in classes {
            // A stream a class: how others are cut does not depend on how many it has.
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(u64::from(label));
            items.shuffle(&mut generator);
            let held = held_out(items.len(), share);
            test.extend_from_slice(&items[..held]);
            train.extend_from_slice(&items[held..]);
        }
        Self::of(train, test)
    }

    /// Splits `count` items without classes.
    ///
    /// # Errors
    /// As [`stratified`](Self::stratified).
    pub fn plain(count: usize, share: f64, seed: u64) -> Result<Self, MeasureError> {
        check_share(share)?;
        let mut items: Vec<usize> = (0..count).collect();
        items.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let train = items.split_off(held_out(count, share));
        Self::of(train, items)
    }

    fn of(mut train: Vec<usize>, mut test: Vec<usize>) -> Result<Self, MeasureError> {
        if train.is_empty() || test.is_empty() {
            return Err(MeasureError::TooFewRows {
                quantity: "a held-out split with both sides filled",
                needed: 2,
                found: train.len() + test.len(),
            });
        }
        train.sort_unstable();
        test.sort_unstable();
        Ok(Self { train, test })
    }

    /// The same split of the rows that belong to the items: `item_of_row` names each row's item.
    pub fn of_rows(&self, item_of_row: &[usize]) -> Self {
        let is_held: std::collections::HashSet<usize> = self.test.iter().copied().collect();
        let is_learned: std::collections::HashSet<usize> = self.train.iter().copied().collect();
        let rows = |side: &std::collections::HashSet<usize>| {
            let inside = item_of_row.iter().enumerate();
            inside
                .filter(|(_, item)| side.contains(item))
                .map(|(row, _)| row)
                .collect()
        };
        Self {
            train: rows(&is_learned),
            test: rows(&is_held),
        }
    }
}

fn check_share(share: f64) -> Result<(), MeasureError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    Err(MeasureError::Parameter {
        name: "the held-out share",
        value: share,
        allowed: "above 0 and below 1",
    })
}

fn held_out(count: usize, share: f64) -> usize {
    if count < 2 {
        return 0;
    }
    ((count as f64 * share).round() as usize).clamp(1, count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_gives_its_share() {
        let labels: Vec<u32> = (0..100).map(|i| u32::from(i >= 80)).collect();
        let split = HoldOut::stratified(&labels, 0.25, 3).unwrap();
        let of_class =
            |items: &[usize], class| items.iter().filter(|i| labels[**i] == class).count();
        assert_eq!(of_class(&split.test, 0), 20);
        assert_eq!(of_class(&split.test, 1), 5);
        let mut all = [split.train.clone(), split.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(split, HoldOut::stratified(&labels, 0.25, 3).unwrap());
        assert_ne!(split, HoldOut::stratified(&labels, 0.25, 4).unwrap());
    }

    #[test]
    fn a_lone_item_is_learned_from_and_empty_sides_are_refused() {
        let split = HoldOut::stratified(&[0, 0, 7], 0.5, 0).unwrap();
        assert!(split.train.contains(&2));
        assert_eq!((split.train.len(), split.test.len()), (2, 1));
        assert!(HoldOut::stratified(&[1], 0.5, 0).is_err());
        assert!(HoldOut::stratified(&[], 0.5, 0).is_err());
        assert!(HoldOut::plain(5, 1.0, 0).is_err());
        let plain = HoldOut::plain(10, 0.3, 1).unwrap();
        assert_eq!((plain.train.len(), plain.test.len()), (7, 3));
    }

    #[test]
    fn rows_follow_their_items() {
        let split = HoldOut {
            train: vec![0],
            test: vec![2],
        };
        let rows = split.of_rows(&[0, 0, 1, 2, 2, 0]);
        assert_eq!(rows.train, [0, 1, 5]);
        assert_eq!(rows.test, [3, 4]);
    }
}
