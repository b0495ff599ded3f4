//! The way back through max pooling.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler turns into them"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::{
    map::{LANES, Map, MapShape, Pixel},
    pool::window,
};
use crate::models::blueprint::PoolPlan;

/// Gives each output's gradient to the first pixel of its window that holds the maximum, as PyTorch
/// does. `into` has the input's shape and any values.
pub(super) fn backward(
    arch: Arch,
    plan: PoolPlan,
    input: &Map,
    output: &Map,
    gradient: &Map,
    into: &mut Map,
) {
    let (shape, inner) = (output.shape, input.shape);
    into.pixels
        .par_chunks_exact_mut(inner.plane())
        .zip(input.pixels.par_chunks_exact(inner.plane()))
        .zip(output.pixels.par_chunks_exact(shape.plane()))
        .zip(gradient.pixels.par_chunks_exact(shape.plane()))
        .for_each(|(((into, input), output), gradient)| {
            arch.dispatch(Plane {
                plan,
                shape,
                inner,
                input,
                output,
                gradient,
                into,
            });
        });
}

struct Plane<'a> {
    plan: PoolPlan,
    /// Of the pooled map.
    shape: MapShape,
    /// Of the map that was pooled.
    inner: MapShape,
    input: &'a [Pixel],
    output: &'a [Pixel],
    gradient: &'a [Pixel],
    into: &'a mut [Pixel],
}

impl WithSimd for Plane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.into.fill(Pixel::ZERO);
        for row in 0..self.shape.rows() {
            let (image, y) = (row / self.shape.height, row % self.shape.height);
            let rows = window(self.plan, y, self.inner.height);
            let start = self.shape.row_start(row);
            let outputs = &self.output[start..][..self.shape.width];
            let gradients = &self.gradient[start..][..self.shape.width];
            for (x, (output, gradient)) in outputs.iter().zip(gradients).enumerate() {
                let columns = window(self.plan, x, self.inner.width);
                let mut left = gradient.0;
                for y in rows.clone() {
                    let line = self.inner.row_start(image * self.inner.height + y);
                    let inputs = &self.input[line..][columns.clone()];
                    let into = &mut self.into[line..][columns.clone()];
                    for (input, into) in inputs.iter().zip(into) {
                        for lane in 0..LANES {
                            let is_greatest = input.0[lane] == output.0[lane];
                            let given = if is_greatest { left[lane] } else { 0.0 };
                            into.0[lane] += given;
                            left[lane] -= given;
                        }
                    }
                }
            }
        }
    }
}
