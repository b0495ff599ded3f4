//! Prototypes: where the rows bunch, how far the bunches lie apart, and what is left within them.

use rayon::prelude::*;
use serde::Serialize;

pub use super::bunches::SEPARATION;
use super::{
    bunches::{Bunch, joined, scatter},
    cosines::sample_rows,
    spatial::groups,
    spectrum::{covariance_of, rankme_of},
};
use crate::{
    geometry::normalise_rows,
    measure::{MeasureError, PairSet, Rows, alignment_same_class, spherical_kmeans, uniformity},
    progress::Progress,
};

/// Rows that are clustered; of more, a seeded sample of this many.
pub const PROTOTYPE_ROWS: usize = 2048;
/// Rows a cluster of the k-means, on average, from coarse to fine, until there are [`MOST_CLUSTERS`].
/// Coarse clusters know better how wide they are, fine ones find prototypes of few rows.
const ROWS_A_CLUSTER: [usize; 3] = [24, 12, 6];
/// Fewer rows than this are not clustered.
const LEAST_CLUSTERED: usize = 12;
/// Bunches beyond this many are not told apart.
pub const MOST_CLUSTERS: usize = 256;
/// A prototype counts when it holds this many rows.
const LEAST_ROWS: usize = 3;
/// Prototypes are separated when those that count hold this share of the rows: stray rows around
/// one cloud are no prototypes.
const COUNTED_SHARE: f64 = 0.5;
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
    /// Least distance of two bunches over their width, as in [`SEPARATION`]; infinite when nothing is
    /// spread.
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

/// Prototypes of unit rows: seeded spherical k-means with one cluster for every 24, 12 and 6 rows, at
/// most [`MOST_CLUSTERS`], over at most [`PROTOTYPE_ROWS`] rows; clusters that a chain of near ones
/// links are joined. Of the three, that counts which leaves least variance within separated
/// prototypes; the finest when nothing is separated. `None` for fewer than 12 rows.
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
    if x.len() < LEAST_CLUSTERED {
        return Ok(None);
    }
    progress.report("finding prototypes", 0, None);
    let (values, count) = sample_rows(x, PROTOTYPE_ROWS, seed);
    let rows = Rows::new(values.as_deref().unwrap_or(x.values), x.dim)?;
    let whole = scatter(rows, &(0..count).collect::<Vec<_>>());
    let mut best: Option<Split> = None;
    for each in ROWS_A_CLUSTER {
        let k = (count / each).min(MOST_CLUSTERS);
        if k < 2 || best.as_ref().is_some_and(|best| best.clusters == k) {
            continue;
        }
        let split = Split::new(rows, k, seed, progress)?;
        let is_better = best.as_ref().is_none_or(|best| {
            !best.are_separated || split.are_separated && split.within() < best.within()
        });
        if is_better {
            best = Some(split);
        }
    }
    let Some(split) = best else {
        return Ok(None);
    };
    let mut found = Prototypes {
        rows: count,
        of: x.len(),
        seed,
        clusters: split.clusters,
        separated: if split.are_separated {
            split.counted
        } else {
            1
        },
        are_separated: split.are_separated,
        separation: split.ratio.sqrt(),
        within_share: split.within() / whole.max(f64::MIN_POSITIVE),
        within_distance: None,
        within_uniformity: None,
        within_rank: 0.0,
        between_uniformity: None,
        t,
    };
    found.diversity(rows, &split.bunches, progress)?;
    Ok(Some(found))
}

/// Rows in bunches, from one number of clusters.
struct Split {
    clusters: usize,
    /// The separated bunches, or the clusters when none are.
    bunches: Vec<Bunch>,
    /// Bunches of enough rows.
    counted: usize,
    are_separated: bool,
    /// Least squared separation across bunches.
    ratio: f64,
}

impl Split {
    fn new(
        rows: Rows<'_>,
        clusters: usize,
        seed: u64,
        progress: &Progress,
    ) -> Result<Self, MeasureError> {
        let clustering = spherical_kmeans(rows, clusters, seed, progress)?;
        let pieces: Vec<Bunch> = groups(&clustering.assignment)
            .into_par_iter()
            .map(|group| Bunch::new(rows, group))
            .collect();
        progress.check()?;
        let (joined, ratio) = joined(rows, &pieces);
        let counted = || joined.iter().filter(|bunch| bunch.rows.len() >= LEAST_ROWS);
        let inside: usize = counted().map(|bunch| bunch.rows.len()).sum();
        let counted = counted().count();
        let are_separated = counted >= 2 && inside as f64 >= COUNTED_SHARE * rows.len() as f64;
        Ok(Self {
            clusters,
            bunches: if are_separated { joined } else { pieces },
            counted,
            are_separated,
            ratio,
        })
    }

    /// Scatter around the bunches' means.
    fn within(&self) -> f64 {
        self.bunches.iter().map(|bunch| bunch.scatter).sum()
    }
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
