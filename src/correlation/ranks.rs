//! A variable's order, found once, and its ranks under any counts.

/// The order of a variable's values, with equal values in one group.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Observations from the least value to the greatest.
    pub sorted: Vec<u32>,
    /// Group of each observation, 0 for the least value.
    pub group: Vec<u32>,
    /// Where each group ends in `sorted`.
    pub ends: Vec<u32>,
}

impl Order {
    pub fn new(values: &[f64]) -> Self {
        let mut sorted: Vec<u32> = (0..values.len() as u32).collect();
        sorted.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        let mut group = vec![0; values.len()];
        let mut ends: Vec<u32> = Vec::new();
        for (place, &index) in sorted.iter().enumerate() {
            let is_new = place == 0 || values[sorted[place - 1] as usize] != values[index as usize];
            if is_new && place > 0 {
                ends.push(place as u32);
            }
            group[index as usize] = ends.len() as u32;
        }
        ends.push(values.len() as u32);
        Self {
            sorted,
            group,
            ends,
        }
    }

    /// The observations of each group, least value first.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.sorted[start as usize..end as usize])
    }

    /// Mean rank of each observation's value, from 1, with observation i counted `counts[i]`
    /// times. What is counted zero times has a rank too, which no sum reads.
    pub fn ranks(&self, counts: &[u32], ranks: &mut Vec<f64>) {
        ranks.clear();
        ranks.resize(self.sorted.len(), 0.0);
        let mut below = 0_u32;
        for group in self.groups() {
            let size: u32 = group.iter().map(|&index| counts[index as usize]).sum();
            let rank = f64::from(below) + f64::from(size + 1) / 2.0;
            for &index in group {
                ranks[index as usize] = rank;
            }
            below += size;
        }
    }

    /// Unordered pairs of counted observations with equal values.
    pub fn tied_pairs(&self, counts: &[u32]) -> f64 {
        self.groups()
            .map(|group| {
                let size: u64 = group
                    .iter()
                    .map(|&index| u64::from(counts[index as usize]))
                    .sum();
                (size * size.saturating_sub(1) / 2) as f64
            })
            .sum()
    }
}
