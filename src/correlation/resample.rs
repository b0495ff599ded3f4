//! All statistics of a sample, and of its resamples.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    kendall::{Cumulative, tau_b},
    moments::{Triple, deviation, pearson},
    ranks::Order,
    scores::Statistic,
};
use crate::progress::{Cancelled, Progress};

/// Resamples between two looks at the cancel flag.
const BLOCK: usize = 256;

/// One value for each [`Statistic`]; NaN where it does not exist.
pub(super) type Values = [f64; Statistic::ALL.len()];

/// The three variables with their orders.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub a: Vec<f64>,
    pub u: Vec<f64>,
    pub p: Vec<f64>,
    orders: [Order; 3],
}

/// Memory that one thread uses again for each resample.
#[derive(Clone, Debug, Default)]
struct Scratch {
    counts: Vec<u32>,
    distances: Vec<f64>,
    ranks: [Vec<f64>; 3],
    cumulative: Cumulative,
}

impl Sample {
    pub fn new([a, u, p]: [Vec<f64>; 3]) -> Self {
        let orders = [Order::new(&a), Order::new(&u), Order::new(&p)];
        Self { a, u, p, orders }
    }

    pub fn len(&self) -> usize {
        self.p.len()
    }

    /// The statistics of the sample itself.
    pub fn values(&self) -> Values {
        let mut scratch = Scratch {
            counts: vec![1; self.len()],
            ..Scratch::default()
        };
        self.counted(&mut scratch)
    }

    fn counted(&self, scratch: &mut Scratch) -> Values {
        let counts = &scratch.counts;
        let linear = Triple {
            ap: pearson(&self.a, &self.p, counts),
            up: pearson(&self.u, &self.p, counts),
            au: pearson(&self.a, &self.u, counts),
        };
        for (order, ranks) in self.orders.iter().zip(&mut scratch.ranks) {
            order.ranks(counts, ranks);
        }
        let [rank_a, rank_u, rank_p] = &scratch.ranks;
        let ranked = Triple {
            ap: pearson(rank_a, rank_p, counts),
            up: pearson(rank_u, rank_p, counts),
            au: pearson(rank_a, rank_u, counts),
        };
        let [order_a, order_u, order_p] = &self.orders;
        let mut tau = |x, y| tau_b(x, y, counts, &mut scratch.cumulative);
        let ordinal = Triple {
            ap: tau(order_a, order_p),
            up: tau(order_u, order_p),
            au: tau(order_a, order_u),
        };
        let corner = self.corner(counts, &mut scratch.distances);
        let [beta_a, beta_u] = linear.slopes();
        let deviations = [&self.a, &self.u, &self.p].map(|values| deviation(values, counts));
        Statistic::ALL.map(|statistic| match statistic {
            Statistic::MultipleR => linear.multiple_r2().sqrt(),
            Statistic::SumCorrelation => linear.sum(),
            Statistic::CornerCorrelation => corner,
            Statistic::GradientCosine => linear.gradient_cosine(),
            Statistic::BetaAlignment => beta_a,
            Statistic::BetaUniformity => beta_u,
            Statistic::SlopeAlignment => beta_a * deviations[2] / deviations[0],
            Statistic::SlopeUniformity => beta_u * deviations[2] / deviations[1],
            Statistic::PearsonAlignment => linear.ap,
            Statistic::PearsonUniformity => linear.up,
            Statistic::PartialPearsonAlignment => linear.partial()[0],
            Statistic::PartialPearsonUniformity => linear.partial()[1],
            Statistic::SpearmanAlignment => ranked.ap,
            Statistic::SpearmanUniformity => ranked.up,
            Statistic::PartialSpearmanAlignment => ranked.partial()[0],
            Statistic::PartialSpearmanUniformity => ranked.partial()[1],
            Statistic::KendallAlignment => ordinal.ap,
            Statistic::KendallUniformity => ordinal.up,
            Statistic::PartialKendallAlignment => ordinal.partial()[0],
            Statistic::PartialKendallUniformity => ordinal.partial()[1],
        })
    }

    /// Correlation of p with −(distance to the corner of least a and least u), both scaled to
    /// [0, 1] over the counted observations.
    fn corner(&self, counts: &[u32], distances: &mut Vec<f64>) -> f64 {
        let range = |values: &[f64]| {
            values
                .iter()
                .zip(counts)
                .filter(|(_, count)| **count > 0)
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], (v, _)| {
                    [low.min(*v), high.max(*v)]
                })
        };
        let [low_a, high_a] = range(&self.a);
        let [low_u, high_u] = range(&self.u);
        if high_a <= low_a || high_u <= low_u {
            return f64::NAN;
        }
        distances.clear();
        distances.extend(
            self.a.iter().zip(&self.u).map(|(a, u)| {
                -((a - low_a) / (high_a - low_a)).hypot((u - low_u) / (high_u - low_u))
            }),
        );
        pearson(distances, &self.p, counts)
    }

    /// The statistics of `draws` samples of as many encoders, drawn with replacement.
    pub fn bootstrap(
        &self,
        draws: usize,
        seed: u64,
        progress: &Progress,
    ) -> Result<Vec<Values>, Cancelled> {
        let n = self.len();
        in_blocks(draws, progress, |draw, scratch| {
            let mut generator = generator(seed, draw);
            scratch.counts.clear();
            scratch.counts.resize(n, 0);
            for _ in 0..n {
                scratch.counts[generator.random_range(0..n)] += 1;
            }
            self.counted(scratch)
        })
    }

    /// The statistics of `draws` samples whose performances were dealt out anew.
    pub fn permute(
        &self,
        draws: usize,
        seed: u64,
        progress: &Progress,
    ) -> Result<Vec<Values>, Cancelled> {
        let n = self.len();
        in_blocks(draws, progress, |draw, scratch| {
            let mut deal: Vec<usize> = (0..n).collect();
            deal.shuffle(&mut generator(!seed, draw));
            let p: Vec<f64> = deal.iter().map(|&index| self.p[index]).collect();
            scratch.counts.clear();
            scratch.counts.resize(n, 1);
            let dealt = Self {
                orders: [
                    self.orders[0].clone(),
                    self.orders[1].clone(),
                    Order::new(&p),
                ],
                a: self.a.clone(),
                u: self.u.clone(),
                p,
            };
            dealt.counted(scratch)
        })
    }
}

fn in_blocks(
    draws: usize,
    progress: &Progress,
    one: impl Fn(usize, &mut Scratch) -> Values + Sync,
) -> Result<Vec<Values>, Cancelled> {
    let mut all = Vec::with_capacity(draws);
    for start in (0..draws).step_by(BLOCK) {
        progress.check()?;
        let end = (start + BLOCK).min(draws);
        all.par_extend(
            (start..end)
                .into_par_iter()
                .map_init(Scratch::default, |scratch, draw| one(draw, scratch)),
        );
    }
    Ok(all)
}

/// Keyed by the draw, so that no result depends on the number of threads.
fn generator(seed: u64, draw: usize) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(draw as u64);
    generator
}
