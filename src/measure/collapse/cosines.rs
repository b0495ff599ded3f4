//! The histogram of pair cosines, to be drawn against the law of uniform features.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    measure::{
        Histogram, MeasureError, PairSet, Rows,
        alignment::for_each_square,
        cloud::Cloud,
        pairs::PairPlan,
        tiles::{Report, walk},
    },
    progress::Progress,
};

/// Rows whose pairs are all counted; of more, a seeded sample of this many.
pub const COSINE_ROWS: usize = 5000;
/// Bins over [−1, 1].
pub const COSINE_BINS: usize = 120;

/// Cosines of pairs, and how the pairs were chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cosines {
    /// Counts over [−1, 1].
    pub histogram: Histogram,
    /// Rows whose pairs were all counted.
    pub rows: usize,
    /// Rows that there are.
    pub of: usize,
}

/// The histogram of cos(xᵢ, xⱼ) over all unordered pairs of distinct unit rows, or of
/// [`COSINE_ROWS`] of them drawn with `seed` when there are more.
///
/// # Errors
/// As [`pair_distance_histogram`](crate::measure::pair_distance_histogram).
pub fn cosine_histogram(
    x: Rows<'_>,
    seed: u64,
    progress: &Progress,
) -> Result<Cosines, MeasureError> {
    x.check_unit("the histogram of cosines", 2)?;
    let (values, count) = sample_rows(x, COSINE_ROWS, seed);
    let rows = Rows::new(values.as_deref().unwrap_or(x.values), x.dim)?;
    let plan = PairPlan::new(count, PairSet::All)?;
    let cloud = Cloud::new(rows, plan.order(), 1.0);
    let report = Report {
        progress,
        stage: "counting cosines",
    };
    let parts = walk(
        &cloud,
        |rows| plan.partners(rows.start).start..plan.partners(rows.end - 1).end,
        report,
        |_| vec![0_u64; COSINE_BINS],
        |counts, tile| {
            for_each_square(&cloud, &plan, &tile, |square| {
                // cos = 1 − ‖x − y‖²/2; bin = (cos + 1)/2 · bins.
                let bin = (1.0 - 0.25 * square).max(0.0) * COSINE_BINS as f32;
                counts[(bin as usize).min(COSINE_BINS - 1)] += 1;
            });
        },
    )?;
    let mut histogram = Histogram::new(-1.0, 1.0, COSINE_BINS);
    for (_, counts) in parts {
        for (total, count) in histogram.counts.iter_mut().zip(counts) {
            *total += count;
        }
    }
    Ok(Cosines {
        histogram,
        rows: count,
        of: x.len(),
    })
}

/// At most `most` rows drawn with `seed`, in their order; `None` when that is all of them.
pub(super) fn sample_rows(x: Rows<'_>, most: usize, seed: u64) -> (Option<Vec<f32>>, usize) {
    if x.len() <= most {
        return (None, x.len());
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = rand::seq::index::sample(&mut rng, x.len(), most).into_vec();
    chosen.sort_unstable();
    let values = chosen.into_iter().flat_map(|row| x.row(row)).copied();
    (Some(values.collect()), most)
}
