//! Kendall's τ-b of counted observations in n log n.

use super::ranks::Order;

/// Counts below a place, updated and asked in log n (Fenwick 1994).
#[derive(Clone, Debug, Default)]
pub(super) struct Cumulative(Vec<i64>);

impl Cumulative {
    fn clear(&mut self, places: usize) {
        self.0.clear();
        self.0.resize(places + 1, 0);
    }

    fn add(&mut self, place: usize, count: i64) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += count;
            at += at & at.wrapping_neg();
        }
    }

    /// Sum of the counts at places below `place`.
    fn below(&self, place: usize) -> i64 {
        let mut at = place;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}

/// τ-b = (concordant − discordant) / √((n₀ − n_x)(n₀ − n_y)) with n₀ = n(n−1)/2 pairs, of which
/// n_x are tied in x and n_y in y (Kendall 1945); NaN when either is constant. Observation i is
/// counted `counts[i]` times.
pub(super) fn tau_b(x: &Order, y: &Order, counts: &[u32], scratch: &mut Cumulative) -> f64 {
    scratch.clear(y.ends.len());
    let mut difference = 0_i64;
    let mut seen = 0_i64;
    for group in x.groups() {
        // Pairs within a group are tied in x: the group is asked first and entered after.
        let mut size = 0;
        for &index in group {
            let count = i64::from(counts[index as usize]);
            if count == 0 {
                continue;
            }
            let place = y.group[index as usize] as usize;
            let below = scratch.below(place);
            let above = seen - scratch.below(place + 1);
            difference += count * (below - above);
            size += count;
        }
        for &index in group {
            let count = i64::from(counts[index as usize]);
            if count > 0 {
                scratch.add(y.group[index as usize] as usize, count);
            }
        }
        seen += size;
    }
    let pairs = (seen * (seen - 1) / 2) as f64;
    let untied = (pairs - x.tied_pairs(counts)) * (pairs - y.tied_pairs(counts));
    if untied <= 0.0 {
        return f64::NAN;
    }
    (difference as f64 / untied.sqrt()).clamp(-1.0, 1.0)
}
