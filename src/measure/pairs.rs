//! Which pairs of rows are summed, as one contiguous range of partners for each row.

use super::MeasureError;
use std::ops::Range;

/// The unordered pairs of distinct rows over which a mean is taken.
#[derive(Clone, Copy, Debug)]
pub enum PairSet<'a> {
    /// Every pair.
    All,
    /// Pairs of rows from different images (dense features); the slice gives each row's image.
    BetweenImages(&'a [u32]),
    /// Pairs of rows from the same image (dense features); the slice gives each row's image.
    WithinImage(&'a [u32]),
}

impl PairSet<'_> {
    /// The pairs' name in provenance: "all pairs", "between images", "within image".
    pub fn name(&self) -> &'static str {
        match self {
            Self::All => "all pairs",
            Self::BetweenImages(_) => "between images",
            Self::WithinImage(_) => "within image",
        }
    }
}

/// A pair set over `n` rows, put in an order in which each row's partners are one range.
///
/// Rows of one group (image, class) are brought together; then the partners of the row at place i,
/// each pair counted once, are the places after i (all), after its group (between) or up to the end
/// of its group (within). Ranges start and end at places that never fall with i.
#[derive(Debug)]
pub(super) struct PairPlan {
    n: usize,
    /// Row at each place; `None` when rows keep their order.
    order: Option<Vec<usize>>,
    /// First place after the group of each place.
    group_end: Vec<usize>,
    is_within: bool,
    pairs: u128,
}

impl PairPlan {
    /// # Errors
    /// [`MeasureError::Mismatch`] when the groups don't fit `n`; [`MeasureError::NoPairs`] when the
    /// rule leaves nothing.
    pub fn new(n: usize, set: PairSet<'_>) -> Result<Self, MeasureError> {
        let mut plan = match set {
            PairSet::All => Self {
                n,
                order: None,
                group_end: Vec::new(),
                is_within: false,
                pairs: 0,
            },
            PairSet::BetweenImages(groups) => Self::grouped(n, groups, false)?,
            PairSet::WithinImage(groups) => Self::grouped(n, groups, true)?,
        };
        plan.pairs = (0..n).map(|place| plan.partners(place).len() as u128).sum();
        if plan.pairs == 0 {
            return Err(MeasureError::NoPairs {
                why: match set {
                    PairSet::All => "there is only one row",
                    PairSet::BetweenImages(_) => "all rows belong to one image",
                    PairSet::WithinImage(_) => "no two rows belong to the same group",
                },
            });
        }
        Ok(plan)
    }

    fn grouped(n: usize, groups: &[u32], is_within: bool) -> Result<Self, MeasureError> {
        if groups.len() != n {
            return Err(MeasureError::Mismatch {
                what: "one group for each row",
                expected: n,
                found: groups.len(),
            });
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&row| groups[row]);
        let mut group_end = vec![n; n];
        for place in (0..n.saturating_sub(1)).rev() {
            group_end[place] = if groups[order[place]] == groups[order[place + 1]] {
                group_end[place + 1]
            } else {
                place + 1
            };
        }
        Ok(Self {
            n,
            order: Some(order),
            group_end,
            is_within,
            pairs: 0,
        })
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of pairs.
    pub fn pairs(&self) -> u128 {
        self.pairs
    }

    /// The row at each place, when not the place itself.
    pub fn order(&self) -> Option<&[usize]> {
        self.order.as_deref()
    }

    /// The row at `place`.
    pub fn row_at(&self, place: usize) -> usize {
        self.order.as_ref().map_or(place, |order| order[place])
    }

    /// Places of the partners of the row at `place`.
    pub fn partners(&self, place: usize) -> Range<usize> {
        match (&self.order, self.is_within) {
            (None, _) => place + 1..self.n,
            (Some(_), true) => place + 1..self.group_end[place],
            (Some(_), false) => self.group_end[place]..self.n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn pairs_of(n: usize, set: PairSet<'_>) -> BTreeSet<(usize, usize)> {
        let plan = PairPlan::new(n, set).unwrap();
        let mut pairs = BTreeSet::new();
        for place in 0..n {
            for partner in plan.partners(place) {
                let (a, b) = (plan.row_at(place), plan.row_at(partner));
                assert!(pairs.insert((a.min(b), a.max(b))), "a pair is counted once");
            }
        }
        assert_eq!(plan.pairs(), pairs.len() as u128);
        pairs
    }

    #[test]
    fn every_rule_selects_its_pairs() {
        let groups = [5, 1, 5, 0, 1, 5, 9];
        let n = groups.len();
        let all: BTreeSet<_> = (0..n)
            .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
            .collect();
        let (within, between): (BTreeSet<_>, BTreeSet<_>) =
            all.iter().partition(|(i, j)| groups[*i] == groups[*j]);
        assert_eq!(pairs_of(n, PairSet::All), all);
        assert_eq!(pairs_of(n, PairSet::WithinImage(&groups)), within);
        assert_eq!(pairs_of(n, PairSet::BetweenImages(&groups)), between);
    }

    #[test]
    fn rules_that_select_nothing_say_why() {
        let why = |n, set: PairSet<'_>| PairPlan::new(n, set).unwrap_err().to_string();
        assert!(why(1, PairSet::All).ends_with("only one row"));
        assert!(why(3, PairSet::BetweenImages(&[4, 4, 4])).ends_with("one image"));
        assert!(why(3, PairSet::WithinImage(&[1, 2, 3])).ends_with("same group"));
        assert_eq!(
            why(3, PairSet::WithinImage(&[1, 2])),
            "one group for each row: expected 3, found 2"
        );
    }
}
