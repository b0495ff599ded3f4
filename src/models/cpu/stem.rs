//! The first convolution, from images as tensors hold them to a map in blocks.
//!
//! An image has too few channels to fill a pixel, so its channels are interleaved instead: the
//! kernel's columns and channels then lie next to each other in memory, and each kernel row is one
//! run of `kernel · channels` values for every output pixel.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::range_plus_one,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler unrolls into them"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    conv::pack_bias,
    map::{Buffers, LANES, Map, MapShape, Pixel},
    tile::{blocks_per_share, register_lanes},
};
use crate::models::{blueprint::ConvPlan, fold::Folded};

/// The first convolution of an encoder.
#[derive(Debug)]
pub(super) struct Stem {
    plan: ConvPlan,
    /// `[output block][kernel row][kernel column][channel]`.
    weights: Vec<Pixel>,
    bias: Vec<Pixel>,
}

impl Stem {
    /// Packs the weights of the first convolution.
    pub fn pack(plan: &ConvPlan, folded: &Folded) -> Self {
        let (kernel, inputs) = (plan.kernel, plan.inputs);
        let per_filter = kernel * kernel * inputs;
        let mut weights = vec![Pixel::ZERO; plan.outputs.div_ceil(LANES) * per_filter];
        for (output, filter) in folded.weight.chunks_exact(per_filter).enumerate() {
            for (channel, values) in filter.chunks_exact(kernel * kernel).enumerate() {
                for (place, value) in values.iter().enumerate() {
                    let pixel = output / LANES * per_filter + place * inputs + channel;
                    weights[pixel].0[output % LANES] = *value;
                }
            }
        }
        Self {
            plan: plan.clone(),
            weights,
            bias: pack_bias(&folded.bias),
        }
    }

    /// The shape of the map that images `[n, channels, height, width]` give.
    pub fn output_shape(&self, [images, _, height, width]: [usize; 4]) -> MapShape {
        let ConvPlan {
            kernel,
            stride,
            padding,
            ..
        } = self.plan;
        let side = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        MapShape {
            images,
            channels: self.plan.outputs,
            height: side(height),
            width: side(width),
        }
    }

    /// Images `[n, channels, height, width]` through the convolution and its ReLU.
    pub fn forward(
        &self,
        arch: Arch,
        images: &[f32],
        shape: [usize; 4],
        buffers: &mut Buffers,
    ) -> Map {
        let mut input = std::mem::take(&mut buffers.input);
        let padded = Padded::interleave(&self.plan, images, shape, &mut input);
        let mut output = buffers.map(self.output_shape(shape));
        self.convolve(arch, padded, &input, &mut output);
        buffers.input = input;
        output
    }

    /// Interleaved images through the convolution and its ReLU.
    pub fn convolve(&self, arch: Arch, padded: Padded, input: &[f32], output: &mut Map) {
        let output_shape = output.shape;
        let per_block = self.weights.len() / self.bias.len();
        let blocks = blocks_per_share(register_lanes(arch));
        output
            .pixels
            .par_chunks_mut(blocks * output_shape.plane())
            .enumerate()
            .for_each(|(index, output)| {
                let first = index * blocks;
                let count = output.len() / output_shape.plane();
                let job = StemJob {
                    plan: &self.plan,
                    padded,
                    input,
                    weights: &self.weights[first * per_block..][..count * per_block],
                    bias: &self.bias[first..][..count],
                    output_shape,
                    output,
                };
                job.run(arch);
            });
    }
}

/// Interleaved images with their padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    /// Values in a row.
    pub row: usize,
    /// Rows of an image.
    pub rows: usize,
}

impl Padded {
    /// Puts images `[n, channels, height, width]`, channels interleaved and the convolution's zeros
    /// around them, into `into`.
    pub fn interleave(
        plan: &ConvPlan,
        images: &[f32],
        shape: [usize; 4],
        into: &mut Vec<f32>,
    ) -> Self {
        let [count, channels, height, width] = shape;
        let padding = plan.padding;
        let padded = Self {
            row: (width + 2 * padding) * channels,
            rows: height + 2 * padding,
        };
        into.clear();
        into.resize(count * padded.rows * padded.row, 0.0);
        let area = height * width;
        into.par_chunks_exact_mut(padded.rows * padded.row)
            .zip(images.par_chunks_exact(channels * area))
            .for_each(|(into, image)| {
                for (channel, values) in image.chunks_exact(area).enumerate() {
                    for (y, values) in values.chunks_exact(width).enumerate() {
                        let start = (y + padding) * padded.row + padding * channels + channel;
                        let places = into[start..].iter_mut().step_by(channels);
                        for (place, value) in places.zip(values) {
                            *place = *value;
                        }
                    }
                }
            });
        padded
    }
}

/// One thread's share of the first convolution.
struct StemJob<'a> {
    plan: &'a ConvPlan,
    padded: Padded,
    input: &'a [f32],
    weights: &'a [Pixel],
    bias: &'a [Pixel],
    output_shape: MapShape,
    output: &'a mut [Pixel],
}

impl StemJob<'_> {
    fn run(self, arch: Arch) {
        let is_wide = register_lanes(arch) == LANES;
        match (is_wide, self.output_shape.width) {
            (true, 14..) => self.run_tile::<14>(arch),
            (true, 8..) => self.run_tile::<8>(arch),
            (false, 6..) => self.run_tile::<6>(arch),
            (_, _) => self.run_tile::<1>(arch),
        }
    }

    fn run_tile<const Q: usize>(self, arch: Arch) {
        let blocks = self.output.len() / self.output_shape.plane();
        // The step from one output pixel's values to the next is known to the compiler for the
        // usual first layers (colour images, stride one or two).
        match (blocks, self.plan.stride * self.plan.inputs) {
            (1, 3) => arch.dispatch(StemTile::<1, Q, 3>(self)),
            (1, 6) => arch.dispatch(StemTile::<1, Q, 6>(self)),
            (1, _) => arch.dispatch(StemTile::<1, Q, 0>(self)),
            (_, 3) => arch.dispatch(StemTile::<2, Q, 3>(self)),
            (_, 6) => arch.dispatch(StemTile::<2, Q, 6>(self)),
            (_, _) => arch.dispatch(StemTile::<2, Q, 0>(self)),
        }
    }
}

/// A share in tiles of `Q` pixels and `B` blocks; `STEP` is zero when only known at run time.
struct StemTile<'a, const B: usize, const Q: usize, const STEP: usize>(StemJob<'a>);

impl<const B: usize, const Q: usize, const STEP: usize> WithSimd for StemTile<'_, B, Q, STEP> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A tile that a register width never chooses is not compiled for it.
        if S::F32_LANES == 16 {
            if const { Q != 6 } {
                self.share::<S, 1>(simd);
            }
        } else if const { B == 1 && (Q == 6 || Q == 1) } {
            if S::F32_LANES == 8 {
                self.share::<S, 2>(simd);
            } else if S::F32_LANES == 4 {
                self.share::<S, 4>(simd);
            }
        }
    }
}

/// The sums of a tile: columns × blocks × registers.
type Sums<S, const V: usize, const B: usize, const Q: usize> = [[[<S as Simd>::f32s; V]; B]; Q];

impl<const B: usize, const Q: usize, const STEP: usize> StemTile<'_, B, Q, STEP> {
    /// All tiles of the share; at the right edge a tile moves left to stay inside.
    #[inline(always)]
    fn share<S: Simd, const V: usize>(mut self, simd: S) {
        let (shape, padded) = (self.0.output_shape, self.0.padded);
        for plane in self.0.output.chunks_exact_mut(shape.plane()) {
            shape.clear_border(plane);
        }
        for row in 0..shape.rows() {
            let (image, y) = (row / shape.height, row % shape.height);
            let top = (image * padded.rows + y * self.0.plan.stride) * padded.row;
            let target = shape.row_start(row);
            let mut column = 0;
            while column < shape.width {
                let first = column.min(shape.width - Q);
                let sums = self.sums::<S, V>(simd, top, first);
                self.store::<S, V>(simd, target + first, &sums);
                column += Q;
            }
        }
    }

    /// The sums of the tile whose windows begin in the row at `top`, from column `first` on.
    #[inline(always)]
    fn sums<S: Simd, const V: usize>(&self, simd: S, top: usize, first: usize) -> Sums<S, V, B, Q> {
        let job = &self.0;
        let plan = job.plan;
        let step = if STEP == 0 {
            plan.stride * plan.inputs
        } else {
            STEP
        };
        let run = plan.kernel * plan.inputs;
        let per_block = job.weights.len() / B;
        let mut sums = [[[simd.splat_f32s(0.0); V]; B]; Q];
        for b in 0..B {
            let bias = S::as_simd_f32s(&job.bias[b].0).0;
            for q in 0..Q {
                sums[q][b].copy_from_slice(&bias[..V]);
            }
        }
        for kernel_row in 0..plan.kernel {
            let start = top + kernel_row * job.padded.row + first * step;
            let line = &job.input[start..][..(Q - 1) * step + run];
            let mut values: [&[f32]; Q] = [&[]; Q];
            for q in 0..Q {
                values[q] = &line[q * step..][..run];
            }
            let mut weights: [&[Pixel]; B] = [&[]; B];
            for b in 0..B {
                weights[b] = &job.weights[b * per_block + kernel_row * run..][..run];
            }
            for place in 0..run {
                let mut factors = [[simd.splat_f32s(0.0); V]; B];
                for b in 0..B {
                    let weight = S::as_simd_f32s(&weights[b][place].0).0;
                    factors[b].copy_from_slice(&weight[..V]);
                }
                for q in 0..Q {
                    let value = simd.splat_f32s(values[q][place]);
                    for b in 0..B {
                        for v in 0..V {
                            let sum = &mut sums[q][b][v];
                            *sum = simd.mul_add_e_f32s(value, factors[b][v], *sum);
                        }
                    }
                }
            }
        }
        sums
    }

    /// Applies the ReLU and writes the tile from pixel `start` of each plane on.
    #[inline(always)]
    fn store<S: Simd, const V: usize>(&mut self, simd: S, start: usize, sums: &Sums<S, V, B, Q>) {
        let plane = self.0.output_shape.plane();
        let has_relu = self.0.plan.has_relu;
        let zero = simd.splat_f32s(0.0);
        for b in 0..B {
            let pixels = &mut self.0.output[b * plane + start..][..Q];
            for q in 0..Q {
                let target = S::as_mut_simd_f32s(&mut pixels[q].0).0;
                for v in 0..V {
                    let value = sums[q][b][v];
                    // In this order a NaN stays a NaN, as in PyTorch's ReLU.
                    target[v] = if has_relu {
                        simd.max_f32s(zero, value)
                    } else {
                        value
                    };
                }
            }
        }
    }
}
