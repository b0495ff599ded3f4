//! Uniformity over all pairs of a set, exactly.

use super::{
    MeasureError, PairSet, Rows,
    cloud::Cloud,
    kernel::{KernelSums, NARROW_LIMIT},
    logsum::LogSum,
    pairs::PairPlan,
    tiles::{Report, walk},
};
use crate::progress::Progress;
use pulp::Arch;
use serde::Serialize;

/// Largest t that is accepted. The exponent of one pair carries an f32 rounding error of about
/// 4e-7·t, which up to here stays small against what is read from the number.
pub const MAX_T: f64 = 1e4;

/// A uniformity and how it was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Uniformity {
    /// log mean exp(−t‖xᵢ − xⱼ‖²), natural logarithm; at most 0.
    pub value: f64,
    /// Standard error of `value` when pairs were sampled, `None` when all were summed.
    pub standard_error: Option<f64>,
    /// Pairs in the mean.
    pub pairs: u128,
    /// Pairs that the rule selects; equal to `pairs` when all were summed.
    pub population: u128,
    /// Rows given.
    pub n: usize,
}

/// L_uniform(t) = log mean exp(−t‖xᵢ − xⱼ‖²₂) over the unordered pairs i < j that `pairs` selects
/// (Wang & Isola 2020), for unit rows `x`; t is usually 2.
///
/// Exact: every pair is summed, in tiles of f32 inner products of the centred rows and f64 sums.
/// Memory is one copy of `x` and less than a mebibyte a thread. At t = 2 the value lies within 1e-6
/// of an f64 evaluation of the same rows for unrelated features; the error grows in proportion to t
/// and shrinks as features collapse (it is 0 where all rows are equal). The result does not depend on
/// the number of threads, and on the order of rows only by rounding.
///
/// # Errors
/// [`MeasureError`] when there are fewer than two rows, a row is not finite or not of unit (or zero)
/// length, t is not in (0, [`MAX_T`]], `pairs` names no pair or does not fit, or the work is
/// cancelled (within a tile, some milliseconds).
pub fn uniformity(
    x: Rows<'_>,
    t: f64,
    pairs: PairSet<'_>,
    progress: &Progress,
) -> Result<Uniformity, MeasureError> {
    check_t(t)?;
    x.check_unit("uniformity", 2)?;
    let plan = PairPlan::new(x.len(), pairs)?;
    let cloud = Cloud::new(x, plan.order(), kernel_scale(t));
    let sum = kernel_sum(&cloud, &plan, progress)?;
    Ok(Uniformity {
        // The kernel is at most 1; rounding may end a hair above.
        value: (sum.ln() - (plan.pairs() as f64).ln()).min(0.0),
        standard_error: None,
        pairs: plan.pairs(),
        population: plan.pairs(),
        n: x.len(),
    })
}

/// Scale of the rows at which ½‖u − v‖² is the kernel's exponent to base 2.
pub(super) fn kernel_scale(t: f64) -> f64 {
    (2.0 * t * std::f64::consts::LOG2_E).sqrt()
}

pub(super) fn check_t(t: f64) -> Result<(), MeasureError> {
    if t > 0.0 && t <= MAX_T {
        return Ok(());
    }
    Err(MeasureError::Parameter {
        name: "t",
        value: t,
        allowed: "above 0 and at most 10000",
    })
}

/// Σ 2^{−½‖uᵢ − uⱼ‖²} over the plan's pairs.
fn kernel_sum(cloud: &Cloud, plan: &PairPlan, progress: &Progress) -> Result<LogSum, MeasureError> {
    let is_wide = cloud.largest_half_distance() > NARROW_LIMIT;
    let arch = Arch::new();
    let report = Report {
        progress,
        stage: "measuring uniformity",
    };
    let parts = walk(
        cloud,
        |rows| plan.partners(rows.start).start..plan.partners(rows.end - 1).end,
        report,
        |_| LogSum::ZERO,
        |total, tile| {
            arch.dispatch(KernelSums {
                dots: tile.dots,
                half_rows: &cloud.half_norms[tile.rows.clone()],
                half_cols: &cloud.half_norms[tile.cols.clone()],
                is_wide,
                span: |row| tile.span(plan, row),
                add: |_, sum, offset| total.add(sum, offset),
            });
        },
    )?;
    Ok(parts.into_iter().fold(LogSum::ZERO, |mut sum, (_, part)| {
        sum.merge(part);
        sum
    }))
}

#[cfg(test)]
#[path = "uniformity_tests.rs"]
mod tests;
