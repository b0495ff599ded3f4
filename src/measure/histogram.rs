//! Histograms of distances.

use super::{
    MeasureError, PairSet, Rows,
    alignment::for_each_square,
    cloud::Cloud,
    pairs::PairPlan,
    tiles::{Report, walk},
};
use crate::progress::Progress;
use serde::Serialize;

/// Counts in even bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last bin, which it includes.
    pub high: f64,
    /// Values in each bin; a bin includes its lower end.
    pub counts: Vec<u64>,
    /// Values outside the range, and NaN.
    pub outside: u64,
}

impl Histogram {
    /// `bins` empty bins (at least one) over [`low`, `high`].
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self {
            low,
            high,
            counts: vec![0; bins.max(1)],
            outside: 0,
        }
    }

    /// Width of a bin.
    pub fn bin_width(&self) -> f64 {
        (self.high - self.low) / self.counts.len() as f64
    }

    /// Number of values inside the range.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Density of each bin: its share of the values inside, per unit of the axis. Zeros when empty.
    pub fn density(&self) -> Vec<f64> {
        let scale = 1.0 / (self.total().max(1) as f64 * self.bin_width());
        self.counts
            .iter()
            .map(|count| *count as f64 * scale)
            .collect()
    }

    /// Counts one value.
    pub fn add(&mut self, value: f64) {
        if !(value >= self.low && value <= self.high) {
            self.outside += 1;
            return;
        }
        let bin = ((value - self.low) / self.bin_width()) as usize;
        let last = self.counts.len() - 1;
        self.counts[bin.min(last)] += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.outside += other.outside;
    }
}

/// Histogram of `values` in `bins` even bins over [`low`, `high`].
pub fn histogram(values: &[f32], low: f64, high: f64, bins: usize) -> Histogram {
    let mut histogram = Histogram::new(low, high, bins);
    for value in values {
        histogram.add(f64::from(*value));
    }
    histogram
}

/// Histogram over [0, 2] of ‖xᵢ − xⱼ‖ of all pairs of unit rows that `pairs` selects, exactly, in
/// tiles.
///
/// Distances carry the rounding of f32 squares, so that one within 1e-6 of a bin's edge (1e-3 near
/// 0) may be counted beside it.
///
/// # Errors
/// As [`uniformity`](super::uniformity).
pub fn pair_distance_histogram(
    x: Rows<'_>,
    pairs: PairSet<'_>,
    bins: usize,
    progress: &Progress,
) -> Result<Histogram, MeasureError> {
    x.check_unit("the histogram of pair distances", 2)?;
    let plan = PairPlan::new(x.len(), pairs)?;
    let cloud = Cloud::new(x, plan.order(), 1.0);
    let report = Report {
        progress,
        stage: "counting pair distances",
    };
    let parts = walk(
        &cloud,
        |rows| plan.partners(rows.start).start..plan.partners(rows.end - 1).end,
        report,
        |_| Histogram::new(0.0, 2.0, bins),
        |histogram, tile| {
            // Two billion pairs may be counted: no division here. Antipodes may round to a hair
            // above 2 and fall into the last bin, as 2 does.
            let last = histogram.counts.len() - 1;
            let bins_per_unit = histogram.counts.len() as f32 / 2.0;
            for_each_square(&cloud, &plan, &tile, |square| {
                let bin = (square.sqrt() * bins_per_unit) as usize;
                histogram.counts[bin.min(last)] += 1;
            });
        },
    )?;
    let mut total = Histogram::new(0.0, 2.0, bins);
    for (_, part) in parts {
        total.merge(&part);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;

    #[test]
    fn bins_include_their_lower_end_and_the_last_its_upper() {
        let counted = histogram(
            &[0.0, 0.5, 0.99, 1.0, 2.0, 2.1, -0.1, f32::NAN],
            0.0,
            2.0,
            4,
        );
        assert_eq!(
            (counted.counts.as_slice(), counted.outside),
            ([1, 2, 1, 1].as_slice(), 3)
        );
        assert_eq!(counted.density(), [0.4, 0.8, 0.4, 0.4]);
        assert_eq!(histogram(&[], 0.0, 1.0, 0).density(), [0.0]);
    }

    /// On S² the squared distance of two uniform points is uniform on [0, 4].
    #[test]
    fn distances_on_the_sphere_follow_their_law() {
        let n = 1500;
        let values = uniform_rows(n, 3, 6);
        let x = Rows::new(&values, 3).unwrap();
        let counted = pair_distance_histogram(x, PairSet::All, 20, &Progress::none()).unwrap();
        assert_eq!(counted.total(), (n * (n - 1) / 2) as u64);
        for (bin, count) in counted.counts.iter().enumerate() {
            let (low, high) = (bin as f64 * 0.1, (bin + 1) as f64 * 0.1);
            let expected = (high * high - low * low) / 4.0 * counted.total() as f64;
            // Pairs are pairwise independent: binomial variance; five standard deviations.
            assert!((*count as f64 - expected).abs() < 5.0 * expected.sqrt());
        }
    }

    #[test]
    fn duplicates_and_antipodes_fall_into_the_end_bins() {
        let x = Rows::new(&[1.0, 0.0, 1.0, 0.0, -1.0, 0.0], 2).unwrap();
        let counted = pair_distance_histogram(x, PairSet::All, 10, &Progress::none()).unwrap();
        assert_eq!(
            (counted.counts[0], counted.counts[9], counted.outside),
            (1, 2, 0)
        );
        let within = PairSet::WithinImage(&[0, 0, 1]);
        let counted = pair_distance_histogram(x, within, 10, &Progress::none()).unwrap();
        assert_eq!((counted.counts[0], counted.total()), (1, 1));
    }
}
