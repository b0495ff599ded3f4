//! Prototypes: where the rows bunch, how far the bunches lie apart, and what is left within them.

use rayon::prelude::*;
use serde::Serialize;

use super::{
    cosines::sample_rows,
    spatial::{groups, sum_of},
    spectrum::{covariance_of, rankme_of},
};
use crate::{
    geometry::normalise_rows,
    measure::{MeasureError, PairSet, Rows, alignment_same_class, spherical_kmeans, uniformity},
    progress::Progress,
};

/// Rows that are clustered; of more, a seeded sample of this many.
pub const PROTOTYPE_ROWS: usize = 2048;
/// Rows a cluster of the k-means, on average, until there are [`MOST_CLUSTERS`].
const ROWS_A_CLUSTER: usize = 6;
/// Bunches beyond this many are not told apart.
pub const MOST_CLUSTERS: usize = 256;
/// A prototype counts when it holds this many rows.
const LEAST_ROWS: usize = 3;
/// Prototypes are separated when those that count hold this share of the rows: stray rows around
/// one cloud are no prototypes.
const COUNTED_SHARE: f64 = 0.5;
/// Two bunches are near when their means lie closer than this many times the root of the summed
/// mean squared distances to the means. Halves of an even arc have 2.4, of a Gaussian 1.9.
pub const SEPARATION: f64 = 3.3;
/// Chains of bunches are joined when they lie closer than this, in their own spreads: pieces of one
/// even arc have at most 2.4.
const CHAIN_SEPARATION: f64 = 2.8;

/// Prototypes of unit rows, and diversity within and between them (the figures by which PAUC, 2022,
/// tells coagulation; their definitions are our reading of its public text).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prototypes {
    /// Rows that were clustered.
    pub rows: usize,
    /// Rows that there are.
    pub of: usize,
    /// Seed of the sample and of the clustering.
    pub seed: u64,
    /// Clusters of the spherical k-means.
    pub clusters: usize,
    /// Bunches that stay apart when clusters linked by a chain of near ones ([`SEPARATION`]) are
    /// joined; 1 when there are none.
    pub separated: usize,
    /// Whether the figures below are of the separated bunches, or of the k-means clusters because
    /// nothing is separated.
    pub are_separated: bool,
    /// Least distance of two bunches over their spread, as in [`SEPARATION`]; infinite when nothing
    /// is spread.
    pub separation: f64,
    /// Variance within over variance in all.
    pub within_share: f64,
    /// Mean distance of pairs within a prototype.
    pub within_distance: Option<f64>,
    /// log mean exp(−t‖x − y‖²) over pairs within a prototype.
    pub within_uniformity: Option<f64>,
    /// RankMe of what rows differ from the mean of their prototype.
    pub within_rank: f64,
    /// log mean exp(−t‖c − c'‖²) over pairs of prototypes.
    pub between_uniformity: Option<f64>,
    /// Temperature t of both uniformities.
    pub t: f64,
}

/// A bunch of rows.
#[derive(Clone)]
struct Bunch {
    rows: Vec<usize>,
    mean: Vec<f64>,
    /// Σ‖x − mean‖².
    scatter: f64,
}

impl Bunch {
    fn new(x: Rows<'_>, rows: Vec<usize>) -> Self {
        let count = rows.len() as f64;
        let mean: Vec<f64> = sum_of(x, &rows).into_iter().map(|v| v / count).collect();
        let scatter = rows
            .iter()
            .map(|&row| square_distance(x.row(row).iter().map(|v| f64::from(*v)), &mean))
            .sum();
        Self {
            rows,
            mean,
            scatter,
        }
    }

    fn spread(&self) -> f64 {
        self.scatter / self.rows.len() as f64
    }

    /// Squared distance of the means over the summed spreads. Bunches on one point are one.
    fn ratio(&self, other: &Self) -> f64 {
        let square = square_distance(self.mean.iter().copied(), &other.mean);
        // Distances below f32 rounding of unit rows say nothing.
        if square < 1e-12 {
            return 0.0;
        }
        square / (self.spread() + other.spread()).max(1e-14)
    }

    fn joined(&self, other: &Self) -> Self {
        let [a, b] = [self, other].map(|bunch| bunch.rows.len() as f64);
        let square = square_distance(self.mean.iter().copied(), &other.mean);
        let means = self.mean.iter().zip(&other.mean);
        Self {
            mean: means.map(|(x, y)| (a * x + b * y) / (a + b)).collect(),
            scatter: self.scatter + other.scatter + a * b / (a + b) * square,
            rows: self.rows.iter().chain(&other.rows).copied().collect(),
        }
    }
}

fn square_distance(a: impl Iterator<Item = f64>, b: &[f64]) -> f64 {
    a.zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

/// Joins bunches that a chain of near ones links (single linkage); the rest, and the least ratio
/// across them.
///
/// The chain goes by the small bunches' own spreads: joining the nearest two again and again would
/// let one large bunch, once made, swallow all others.
fn join(bunches: &[Bunch]) -> (Vec<Bunch>, f64) {
    let ratios: Vec<Vec<f64>> = (0..bunches.len())
        .into_par_iter()
        .map(|i| (0..i).map(|j| bunches[i].ratio(&bunches[j])).collect())
        .collect();
    let is_near = |ratio: f64| ratio < SEPARATION * SEPARATION;
    // The chain of each bunch; when two meet, the later takes the name of the earlier.
    let mut chain: Vec<usize> = (0..bunches.len()).collect();
    let mut least = f64::INFINITY;
    for i in 0..bunches.len() {
        for j in 0..i {
            if is_near(ratios[i][j]) && chain[i] != chain[j] {
                let (kept, gone) = (chain[i].min(chain[j]), chain[i].max(chain[j]));
                chain
                    .iter_mut()
                    .filter(|name| **name == gone)
                    .for_each(|name| *name = kept);
            }
        }
    }
    let mut joined: Vec<Option<Bunch>> = vec![None; bunches.len()];
    for (i, bunch) in bunches.iter().enumerate() {
        let target = &mut joined[chain[i]];
        *target = Some(match target.take() {
            Some(other) => other.joined(bunch),
            None => bunch.clone(),
        });
        let others = (0..i).filter(|&j| chain[j] != chain[i]);
        least = others.map(|j| ratios[i][j]).fold(least, f64::min);
    }
    (join_chains(joined.into_iter().flatten().collect()), least)
}

/// Joins the nearest two chains until all lie apart: a gap within few rows is no separation.
fn join_chains(mut chains: Vec<Bunch>) -> Vec<Bunch> {
    loop {
        let mut nearest = (0, 0, CHAIN_SEPARATION * CHAIN_SEPARATION);
        for i in 0..chains.len() {
            for j in 0..i {
                let ratio = chains[i].ratio(&chains[j]);
                if ratio < nearest.2 {
                    nearest = (i, j, ratio);
                }
            }
        }
        let (i, j, _) = nearest;
        if i == j {
            return chains;
        }
        chains[j] = chains[i].joined(&chains[j]);
        chains.remove(i);
    }
}

/// Prototypes of unit rows: seeded spherical k-means with one cluster for every six rows, at most
/// [`MOST_CLUSTERS`], over at most [`PROTOTYPE_ROWS`] rows; then clusters that a chain of near ones links are joined.
/// `None` for fewer than 12 rows.
///
/// # Errors
/// [`MeasureError`] for rows that are not finite or not unit, or a cancel.
pub fn prototypes(
    x: Rows<'_>,
    t: f64,
    seed: u64,
    progress: &Progress,
) -> Result<Option<Prototypes>, MeasureError> {
    x.check_unit("prototypes", 1)?;
    if x.len() < 2 * ROWS_A_CLUSTER {
        return Ok(None);
    }
    progress.report("finding prototypes", 0, None);
    let (values, count) = sample_rows(x, PROTOTYPE_ROWS, seed);
    let rows = Rows::new(values.as_deref().unwrap_or(x.values), x.dim)?;
    let k = (count / ROWS_A_CLUSTER).min(MOST_CLUSTERS);
    let clustering = spherical_kmeans(rows, k, seed, progress)?;
    let bunches: Vec<Bunch> = groups(&clustering.assignment)
        .into_par_iter()
        .map(|group| Bunch::new(rows, group))
        .collect();
    let whole = Bunch::new(rows, (0..count).collect());
    progress.check()?;
    let (joined, ratio) = join(&bunches);
    let counted = || joined.iter().filter(|bunch| bunch.rows.len() >= LEAST_ROWS);
    let separated = counted().count();
    let inside: usize = counted().map(|bunch| bunch.rows.len()).sum();
    let are_separated = separated >= 2 && inside as f64 >= COUNTED_SHARE * count as f64;
    let shown = if are_separated { joined } else { bunches };
    let mut found = Prototypes {
        rows: count,
        of: x.len(),
        seed,
        clusters: k,
        separated: if are_separated { separated } else { 1 },
        are_separated,
        separation: ratio.sqrt(),
        within_share: shown.iter().map(|bunch| bunch.scatter).sum::<f64>() / whole.scatter,
        within_distance: None,
        within_uniformity: None,
        within_rank: 0.0,
        between_uniformity: None,
        t,
    };
    found.diversity(rows, &shown, progress)?;
    Ok(Some(found))
}

impl Prototypes {
    /// Fills in how diverse rows are within and prototypes among each other.
    fn diversity(
        &mut self,
        x: Rows<'_>,
        bunches: &[Bunch],
        progress: &Progress,
    ) -> Result<(), MeasureError> {
        let mut own = vec![0_u32; x.len()];
        let mut rest = vec![0.0_f32; x.values.len()];
        let mut centres = Vec::with_capacity(bunches.len() * x.dim);
        for (index, bunch) in (0..).zip(bunches) {
            for &row in &bunch.rows {
                own[row] = index;
                let target = &mut rest[row * x.dim..(row + 1) * x.dim];
                for ((target, value), mean) in target.iter_mut().zip(x.row(row)).zip(&bunch.mean) {
                    *target = (f64::from(*value) - mean) as f32;
                }
            }
            centres.extend(bunch.mean.iter().map(|value| *value as f32));
        }
        normalise_rows(&mut centres, x.dim);
        let absent = |error| match error {
            MeasureError::NoPairs { .. } | MeasureError::TooFewRows { .. } => Ok(None),
            other => Err(other),
        };
        let value = |found: Result<f64, MeasureError>| found.map(Some).or_else(absent);
        self.within_distance = value(alignment_same_class(x, &own, 1.0, progress))?;
        let within = uniformity(x, self.t, PairSet::WithinImage(&own), progress);
        self.within_uniformity = value(within.map(|found| found.value))?;
        let between = uniformity(Rows::new(&centres, x.dim)?, self.t, PairSet::All, progress);
        self.between_uniformity = value(between.map(|found| found.value))?;
        let roots: Vec<f64> = covariance_of(Rows::new(&rest, x.dim)?, progress)?
            .into_iter()
            .map(f64::sqrt)
            .collect();
        self.within_rank = rankme_of(&roots);
        Ok(())
    }
}
