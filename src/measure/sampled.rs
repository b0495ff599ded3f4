//! Uniformity estimated from a seeded sample of pairs, with its standard error.

use super::{MeasureError, PairSet, Rows, Uniformity, pairs::PairPlan, uniformity::check_t};
use crate::progress::Progress;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Pairs drawn from one stream of the random generator.
const CHUNK: u64 = 1 << 15;

/// Sums of k and k² of kernel values k = e^{exponent}, with the largest exponent taken out.
#[derive(Clone, Copy)]
struct Moments {
    top: f64,
    first: f64,
    second: f64,
}

impl Moments {
    const ZERO: Self = Self {
        top: f64::NEG_INFINITY,
        first: 0.0,
        second: 0.0,
    };

    fn add(&mut self, exponent: f64) {
        self.merge(Self {
            top: exponent,
            first: 1.0,
            second: 1.0,
        });
    }

    fn merge(&mut self, other: Self) {
        if other.top == f64::NEG_INFINITY {
            return;
        }
        let top = self.top.max(other.top);
        let (mine, theirs) = ((self.top - top).exp(), (other.top - top).exp());
        self.first = self.first * mine + other.first * theirs;
        self.second = self.second * mine * mine + other.second * theirs * theirs;
        self.top = top;
    }
}

/// L_uniform(t) estimated from `sample_pairs` pairs drawn uniformly *with replacement* from those
/// that `pairs` selects; for unit rows `x`.
///
/// The standard error is that of the sampling of pairs, given the rows: by the delta method,
/// se(log k̄) = s_k / (k̄ √m), with k̄ and s_k the mean and standard deviation of the m kernel values.
/// It says nothing about how the rows themselves were chosen. The same seed gives the same pairs on
/// every machine and with any number of threads.
///
/// # Errors
/// As [`uniformity`](super::uniformity), and [`MeasureError::Parameter`] when `sample_pairs` is
/// below 2.
pub fn uniformity_sampled(
    x: Rows<'_>,
    t: f64,
    pairs: PairSet<'_>,
    sample_pairs: u64,
    seed: u64,
    progress: &Progress,
) -> Result<Uniformity, MeasureError> {
    check_t(t)?;
    x.check_unit("uniformity", 2)?;
    if sample_pairs < 2 {
        return Err(MeasureError::Parameter {
            name: "sampled pairs",
            value: sample_pairs as f64,
            allowed: "at least 2",
        });
    }
    let plan = PairPlan::new(x.len(), pairs)?;
    let sampler = Sampler::new(&plan);
    let done = AtomicU64::new(0);
    let parts: Vec<Moments> = (0..sample_pairs.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            progress.check()?;
            let count = CHUNK.min(sample_pairs - chunk * CHUNK);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(chunk);
            let mut moments = Moments::ZERO;
            for _ in 0..count {
                let (i, j) = sampler.pair(rng.random_range(0..sampler.total()));
                moments.add(-t * squared_distance(x.row(i), x.row(j)));
            }
            let so_far = done.fetch_add(count, Ordering::Relaxed) + count;
            progress.report("sampling pairs", so_far, Some(sample_pairs));
            Ok(moments)
        })
        .collect::<Result<_, MeasureError>>()?;
    let mut sum = Moments::ZERO;
    for part in parts {
        sum.merge(part);
    }
    let m = sample_pairs as f64;
    let mean = sum.first / m;
    let variance = ((sum.second - m * mean * mean) / (m - 1.0)).max(0.0);
    Ok(Uniformity {
        value: (sum.top + mean.ln()).min(0.0),
        standard_error: Some((variance / m).sqrt() / mean),
        pairs: u128::from(sample_pairs),
        population: plan.pairs(),
        n: x.len(),
    })
}

/// ‖a − b‖² in f64.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
    differences.map(|difference| difference * difference).sum()
}

/// Finds the pair of a given number among a plan's pairs.
struct Sampler<'a> {
    plan: &'a PairPlan,
    /// Pairs before each place.
    before: Vec<u64>,
}

impl<'a> Sampler<'a> {
    fn new(plan: &'a PairPlan) -> Self {
        let mut before = Vec::with_capacity(plan.n() + 1);
        let mut count = 0_u64;
        before.push(0);
        for place in 0..plan.n() {
            count += plan.partners(place).len() as u64;
            before.push(count);
        }
        Self { plan, before }
    }

    fn total(&self) -> u64 {
        self.before[self.plan.n()]
    }

    /// The rows of pair `number`, which must be below [`total`](Self::total).
    fn pair(&self, number: u64) -> (usize, usize) {
        let place = self.before.partition_point(|before| *before <= number) - 1;
        let partner = self.plan.partners(place).start + (number - self.before[place]) as usize;
        (self.plan.row_at(place), self.plan.row_at(partner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geometry::sphere::uniform_rows, measure::uniformity};

    #[test]
    fn every_pair_has_its_number() {
        let groups = [2, 0, 2, 1, 0, 2];
        for set in [
            PairSet::All,
            PairSet::BetweenImages(&groups),
            PairSet::WithinImage(&groups),
        ] {
            let plan = PairPlan::new(6, set).unwrap();
            let sampler = Sampler::new(&plan);
            assert_eq!(u128::from(sampler.total()), plan.pairs());
            let pairs: std::collections::BTreeSet<_> = (0..sampler.total())
                .map(|number| sampler.pair(number))
                .collect();
            assert_eq!(pairs.len() as u128, plan.pairs());
        }
    }

    #[test]
    fn estimates_scatter_as_their_standard_error_says() {
        let values = uniform_rows(500, 6, 2);
        let x = Rows::new(&values, 6).unwrap();
        let exact = uniformity(x, 2.0, PairSet::All, &Progress::none())
            .unwrap()
            .value;
        let runs = 60;
        let mut squares = 0.0;
        for seed in 0..runs {
            let estimate =
                uniformity_sampled(x, 2.0, PairSet::All, 4000, seed, &Progress::none()).unwrap();
            let error = estimate.standard_error.unwrap();
            let z = (estimate.value - exact) / error;
            // Five standard errors: by chance once in two million.
            assert!(z.abs() < 5.0, "seed {seed}: {z}");
            squares += z * z;
        }
        // χ² with 60 degrees over 60: standard deviation √(2/60) = 0.18; four of them.
        assert!((squares / f64::from(runs as u32) - 1.0).abs() < 0.73);
    }

    #[test]
    fn the_seed_decides_and_collapse_has_no_error() {
        let values = uniform_rows(100, 3, 1);
        let x = Rows::new(&values, 3).unwrap();
        let run = |seed| {
            uniformity_sampled(x, 2.0, PairSet::All, 100_000, seed, &Progress::none()).unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).value, run(2).value);
        assert_eq!((run(1).pairs, run(1).population), (100_000, 4950));
        let same = [0.6_f32, 0.8].repeat(50);
        let same = Rows::new(&same, 2).unwrap();
        let collapsed =
            uniformity_sampled(same, 2.0, PairSet::All, 1000, 1, &Progress::none()).unwrap();
        assert_eq!(
            (collapsed.value, collapsed.standard_error),
            (0.0, Some(0.0))
        );
    }

    #[test]
    fn tiny_kernels_do_not_underflow() {
        let x = Rows::new(&[1.0, -1.0, 1.0], 1).unwrap();
        let pairs = PairSet::BetweenImages(&[0, 1, 0]);
        let far = uniformity_sampled(x, 5000.0, pairs, 10, 1, &Progress::none()).unwrap();
        assert_eq!((far.value, far.standard_error), (-20_000.0, Some(0.0)));
        let few = uniformity_sampled(x, 1.0, PairSet::All, 1, 1, &Progress::none());
        assert!(matches!(few, Err(MeasureError::Parameter { .. })));
    }
}
