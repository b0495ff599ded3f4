//! Max pooling of maps in blocks.
#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler turns into them"
)]

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::map::{Buffers, LANES, Map, MapShape, Pixel};
use crate::models::blueprint::PoolPlan;

/// The shape of the pooled map.
pub(super) fn output_shape(plan: PoolPlan, input: MapShape) -> MapShape {
    let [height, width] = plan
        .output_size([input.height, input.width])
        .unwrap_or([0, 0]);
    MapShape {
        height,
        width,
        ..input
    }
}

/// Pools `input`; the padding never wins, because windows are cut at the map's edge.
pub(super) fn forward(arch: Arch, plan: PoolPlan, input: &Map, buffers: &mut Buffers) -> Map {
    let mut output = buffers.map(output_shape(plan, input.shape));
    pool(arch, plan, input, &mut output);
    output
}

/// As [`forward`], into a map of that shape.
pub(super) fn pool(arch: Arch, plan: PoolPlan, input: &Map, output: &mut Map) {
    let shape = output.shape;
    output
        .pixels
        .par_chunks_exact_mut(shape.plane())
        .zip(input.pixels.par_chunks_exact(input.shape.plane()))
        .for_each(|(output, plane)| {
            shape.clear_border(output);
            for row in 0..shape.rows() {
                let (image, y) = (row / shape.height, row % shape.height);
                let start = shape.row_start(row);
                let pixels = &mut output[start..][..shape.width];
                arch.dispatch(PoolRow {
                    plan,
                    plane,
                    input: input.shape,
                    image,
                    rows: window(plan, y, input.shape.height),
                    output: pixels,
                });
            }
        });
}

/// Where the window of an output position lies on a side of the input.
pub(super) fn window(plan: PoolPlan, position: usize, side: usize) -> Range<usize> {
    let start = position * plan.stride;
    start.saturating_sub(plan.padding)..(start + plan.kernel - plan.padding).min(side)
}

/// One row of a pooled plane.
struct PoolRow<'a> {
    plan: PoolPlan,
    plane: &'a [Pixel],
    input: MapShape,
    image: usize,
    /// The input rows of the window.
    rows: Range<usize>,
    output: &'a mut [Pixel],
}

impl WithSimd for PoolRow<'_> {
    type Output = ();

    /// Written for the compiler to vectorise, in a function that may use the registers.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (x, pixel) in self.output.iter_mut().enumerate() {
            let columns = window(self.plan, x, self.input.width);
            let mut greatest = [f32::NEG_INFINITY; LANES];
            for y in self.rows.clone() {
                let line = self.input.row_start(self.image * self.input.height + y);
                for other in &self.plane[line..][columns.clone()] {
                    for lane in 0..LANES {
                        // A NaN wins, as in PyTorch.
                        let (known, value) = (greatest[lane], other.0[lane]);
                        let is_kept = value <= known || known.is_nan();
                        greatest[lane] = if is_kept { known } else { value };
                    }
                }
            }
            pixel.0 = greatest;
        }
    }
}
