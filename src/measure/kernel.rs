//! The innermost loop: Σ 2^{p} over one row of a tile, in the widest vectors the processor has.
//!
//! `pulp` compiles the loop for each instruction set and picks one at run time.

// The whole loop has to be compiled with the instruction set that `pulp` chose.
#![allow(clippy::inline_always)]

use pulp::{Scalar, Simd, WithSimd};
use std::ops::Range;

/// Exponents are kept at or above this, where 2^p is still a normal f32.
const LOWEST: f32 = -126.0;

/// Up to this largest −p the sums need no common exponent: the smallest term, 2^−60, lies far
/// above the 2^−126 at which exponents are cut.
pub(super) const NARROW_LIMIT: f32 = 60.0;

/// Relative minimax of 2^f on [−½, ½] with value 1 at 0, coefficients of f¹…f⁶ (own fit by
/// reweighted least squares). Largest relative error 2e-9, 8e-8 when evaluated in f32.
const POWER: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_48,
    0.055_503_324,
    0.009_618_438,
    0.001_339_887_4,
    0.000_153_533_62,
];

/// Sums of Gaussian kernels over parts of the rows of a tile: for row r, Σ 2^{min(0, u_r·u_c − h_r −
/// h_c)} over the columns c in `span(r)`.
pub(super) struct KernelSums<'a, Span, Add> {
    /// Inner products, row-major.
    pub dots: &'a [f32],
    /// Half squared norms of the tile's rows.
    pub half_rows: &'a [f32],
    /// Half squared norms of the tile's columns.
    pub half_cols: &'a [f32],
    /// Whether exponents below −[`NARROW_LIMIT`] occur, so that each sum takes its largest exponent
    /// out.
    pub is_wide: bool,
    /// Columns wanted of a row of the tile.
    pub span: Span,
    /// Receives (row of the tile, sum, base-2 exponent to be multiplied in).
    pub add: Add,
}

impl<Span, Add> WithSimd for KernelSums<'_, Span, Add>
where
    Span: Fn(usize) -> Range<usize>,
    Add: FnMut(usize, f64, f64),
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.dots.chunks_exact(self.half_cols.len().max(1));
        for (row, (dots, half)) in rows.zip(self.half_rows).enumerate() {
            let span = (self.span)(row);
            if span.is_empty() {
                continue;
            }
            let (dots, halves) = (&dots[span.clone()], &self.half_cols[span]);
            let offset = if self.is_wide {
                largest(simd, dots, halves, *half)
            } else {
                0.0
            };
            let sum = row_sum(simd, dots, halves, *half, offset);
            (self.add)(row, sum, f64::from(offset));
        }
    }
}

/// p = min(0, dot − h_r − h_c): the exponent of a pair, with squared distances kept at or above 0.
#[inline(always)]
fn exponent<S: Simd>(simd: S, dot: S::f32s, half_row: S::f32s, half_col: S::f32s) -> S::f32s {
    let p = simd.sub_f32s(dot, simd.add_f32s(half_row, half_col));
    simd.min_f32s(p, simd.splat_f32s(0.0))
}

#[inline(always)]
fn largest<S: Simd>(simd: S, dots: &[f32], halves: &[f32], half: f32) -> f32 {
    let (dots, dots_tail) = S::as_simd_f32s(dots);
    let (halves, halves_tail) = S::as_simd_f32s(halves);
    let half_row = simd.splat_f32s(half);
    let mut top = simd.splat_f32s(f32::MIN);
    for (dot, half_col) in dots.iter().zip(halves) {
        top = simd.max_f32s(top, exponent(simd, *dot, half_row, *half_col));
    }
    let mut top = simd.reduce_max_f32s(top);
    for (dot, half_col) in dots_tail.iter().zip(halves_tail) {
        top = top.max(exponent(Scalar, *dot, half, *half_col));
    }
    top
}

#[inline(always)]
fn row_sum<S: Simd>(simd: S, dots: &[f32], halves: &[f32], half: f32, offset: f32) -> f64 {
    let (dots, dots_tail) = S::as_simd_f32s(dots);
    let (halves, halves_tail) = S::as_simd_f32s(halves);
    let half_row = simd.splat_f32s(half);
    let shift = simd.splat_f32s(offset);
    // A lane sums at most a tile's width over the vector's width, 48 terms with the narrowest: f32
    // is enough, and the sum of lanes goes on in f64.
    let mut lanes = simd.splat_f32s(0.0);
    for (dot, half_col) in dots.iter().zip(halves) {
        let p = simd.sub_f32s(exponent(simd, *dot, half_row, *half_col), shift);
        lanes = simd.add_f32s(lanes, exp2(simd, p));
    }
    let mut tail = 0.0_f32;
    for (dot, half_col) in dots_tail.iter().zip(halves_tail) {
        tail += exp2(Scalar, exponent(Scalar, *dot, half, *half_col) - offset);
    }
    f64::from(simd.reduce_sum_f32s(lanes)) + f64::from(tail)
}

/// 2^p for p ≤ 0; 2^−126 for any lower p. Relative error below 2e-7; exactly 1 at p = 0.
#[inline(always)]
fn exp2<S: Simd>(simd: S, p: S::f32s) -> S::f32s {
    // Adding 1.5·2²³ rounds p to a whole number n, which then stands in the sum's lowest bits.
    let round = simd.splat_f32s(12_582_912.0);
    let p = simd.max_f32s(p, simd.splat_f32s(LOWEST));
    let rounded = simd.add_f32s(p, round);
    let fraction = simd.sub_f32s(p, simd.sub_f32s(rounded, round));
    let mut power = simd.splat_f32s(POWER[5]);
    for coefficient in POWER[..5].iter().rev() {
        power = simd.mul_add_e_f32s(power, fraction, simd.splat_f32s(*coefficient));
    }
    power = simd.mul_add_e_f32s(power, fraction, simd.splat_f32s(1.0));
    // n moved to the exponent's place; the constant's own bits are shifted out.
    let exponent = simd.wrapping_dyn_shl_u32s(
        simd.transmute_u32s_f32s(rounded),
        simd.splat_u32s(f32::MANTISSA_DIGITS - 1),
    );
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(power), exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::Arch;

    /// (sum, exponent) of one row with half norms 0, so that the products are the exponents.
    fn sum_of(exponents: &[f32], is_wide: bool) -> (f64, f64) {
        let zeros = vec![0.0; exponents.len()];
        let mut result = (0.0, 0.0);
        Arch::new().dispatch(KernelSums {
            dots: exponents,
            half_rows: &[0.0],
            half_cols: &zeros,
            is_wide,
            span: |_| 0..exponents.len(),
            add: |_, sum, offset| result = (sum, offset),
        });
        result
    }

    #[test]
    fn powers_of_two_are_exact_and_others_within_rounding() {
        for i in 0..2000 {
            let p = -0.063 * i as f32;
            let value = f64::from(exp2(Scalar, p));
            let exact = f64::from(p.max(LOWEST)).exp2();
            // 8e-8 from the polynomial in f32, doubled without fused multiply-add.
            assert!((value / exact - 1.0).abs() < 2e-7, "2^{p}: {value}");
        }
        for whole in [0.0_f32, -1.0, -60.0, -126.0] {
            assert_eq!(exp2(Scalar, whole), whole.exp2());
        }
        assert_eq!(exp2(Scalar, f32::MIN), LOWEST.exp2());
    }

    #[test]
    fn vector_and_scalar_parts_agree_at_every_length() {
        let exponents: Vec<f32> = (0..70).map(|i| -0.37 * i as f32).collect();
        for n in 1..=70 {
            let exact: f64 = exponents[..n].iter().map(|p| f64::from(*p).exp2()).sum();
            for is_wide in [false, true] {
                let (sum, offset) = sum_of(&exponents[..n], is_wide);
                // 2e-7 a term, and f32 sums of up to 18 terms a lane.
                assert!((sum * offset.exp2() / exact - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn positive_exponents_are_rounding_and_count_as_distance_zero() {
        assert_eq!(sum_of(&[1e-6; 33], false), (33.0, 0.0));
    }

    #[test]
    fn sums_below_the_range_of_f32_keep_their_digits() {
        let (sum, offset) = sum_of(&[-900.0, -901.0, -2000.0], true);
        assert_eq!(offset, -900.0);
        // The third term is cut at 2^−126.
        assert!((sum - 1.5).abs() < 1e-6);
    }
}
