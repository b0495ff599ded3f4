//! Gradients of weights: for each place of the kernel the sum over all locations of output
//! gradient × input.
//!
//! A tile is sixteen output channels × some input channels at one place, its sums held in
//! registers: for each location one load of the output's gradient, and each input channel's value
//! spread over a register. The sums of about [`RUN_PIXELS`] locations, and of one image at
//! least, are added to memory at a time, which also keeps the sums in registers short.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::range_plus_one,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler unrolls into them"
)]

use pulp::{Arch, Simd, WithSimd};

use super::super::{
    map::{LANES, MapShape, Pixel},
    tile::{Grid, Tap},
};

/// Locations whose sums stay in registers.
const RUN_PIXELS: usize = 256;

/// One thread's share of a convolution's weight gradient: some blocks of outputs, one of inputs.
pub(super) struct GradientJob<'a> {
    pub arch: Arch,
    /// The convolution's positions, as in its forward pass.
    pub grid: Grid,
    pub taps: &'a [Tap],
    /// One block of the map that went in.
    pub input: &'a [Pixel],
    /// Some blocks of the gradient of what came out.
    pub gradient: &'a [Pixel],
    /// Pixels of one of them.
    pub gradient_plane: usize,
    /// `[output block][place][input channel]`, a pixel the output channels; added to.
    pub sums: &'a mut [Pixel],
}

impl GradientJob<'_> {
    pub fn run(self) {
        let arch = self.arch;
        let grid = &self.grid;
        match (grid.input.column, grid.columns) {
            (1, 2) => arch.dispatch(Tile::<1, 2>(self)),
            (1, 4) => arch.dispatch(Tile::<1, 4>(self)),
            (1, _) => arch.dispatch(Tile::<1, 0>(self)),
            (_, 2) => arch.dispatch(Tile::<2, 2>(self)),
            (_, 4) => arch.dispatch(Tile::<2, 4>(self)),
            (_, _) => arch.dispatch(Tile::<2, 0>(self)),
        }
    }
}

/// `ST` is the stride, `W` the columns or zero when only known at run time.
struct Tile<'a, const ST: usize, const W: usize>(GradientJob<'a>);

impl<const ST: usize, const W: usize> WithSimd for Tile<'_, ST, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.share::<S, 1, 16>(simd),
            8 => self.share::<S, 2, 4>(simd),
            4 => self.share::<S, 4, 4>(simd),
            // `CpuTrainer::is_supported` has refused these.
            _ => {}
        }
    }
}

impl<const ST: usize, const W: usize> Tile<'_, ST, W> {
    #[inline(always)]
    fn share<S: Simd, const V: usize, const C: usize>(self, simd: S) {
        let job = self.0;
        let grid = job.grid;
        let columns = if W == 0 { grid.columns } else { W };
        let run = (RUN_PIXELS / (grid.rows * columns)).max(1);
        let per_block = job.sums.len() / (job.gradient.len() / job.gradient_plane);
        let mut first = 0;
        while first < grid.images {
            let last = grid.images.min(first + run);
            // The run's input stays in the cache for all blocks of outputs.
            let planes = job.gradient.chunks_exact(job.gradient_plane);
            for (plane, into) in planes.zip(job.sums.chunks_exact_mut(per_block)) {
                for tap in job.taps {
                    for channel in (0..LANES).step_by(C) {
                        let mut sums = [[simd.splat_f32s(0.0); V]; C];
                        for image in first..last {
                            let mut to = grid.output.origin + image * grid.output.image;
                            let mut from =
                                grid.input.origin + image * grid.input.image + tap.offset;
                            for _ in 0..grid.rows {
                                let gradients = &plane[to..][..columns];
                                let inputs = &job.input[from..][..(columns - 1) * ST + 1];
                                add_row::<S, V, C, ST>(
                                    simd, &mut sums, gradients, inputs, channel, columns,
                                );
                                to += grid.output.row;
                                from += grid.input.row;
                            }
                        }
                        let into = &mut into[tap.place * LANES + channel..][..C];
                        for c in 0..C {
                            let into = S::as_mut_simd_f32s(&mut into[c].0).0;
                            for v in 0..V {
                                into[v] = simd.add_f32s(into[v], sums[c][v]);
                            }
                        }
                    }
                }
            }
            first = last;
        }
    }
}

/// Adds a row of locations to the sums of `C` input channels.
#[inline(always)]
fn add_row<S: Simd, const V: usize, const C: usize, const ST: usize>(
    simd: S,
    sums: &mut [[S::f32s; V]; C],
    gradients: &[Pixel],
    inputs: &[Pixel],
    channel: usize,
    columns: usize,
) {
    for x in 0..columns {
        let gradient = S::as_simd_f32s(&gradients[x].0).0;
        let input = &inputs[x * ST].0[channel..][..C];
        for c in 0..C {
            let value = simd.splat_f32s(input[c]);
            for v in 0..V {
                sums[c][v] = simd.mul_add_e_f32s(value, gradient[v], sums[c][v]);
            }
        }
    }
}

/// One thread's share of the first convolution's weight gradient: one block of outputs.
pub(super) struct StemGradientJob<'a> {
    pub arch: Arch,
    /// Interleaved images with their padding.
    pub input: &'a [f32],
    /// Values of an image, and from one output row's window to the next.
    pub image: usize,
    pub row: usize,
    /// Values from one output pixel's window to the next.
    pub step: usize,
    /// Where each weight's value lies in the window.
    pub offsets: &'a [usize],
    pub shape: MapShape,
    /// One block of the gradient of what came out.
    pub gradient: &'a [Pixel],
    /// One pixel a weight; added to.
    pub sums: &'a mut [Pixel],
}

impl StemGradientJob<'_> {
    pub fn run(self) {
        let arch = self.arch;
        match self.step {
            3 => arch.dispatch(StemTile::<3>(self)),
            6 => arch.dispatch(StemTile::<6>(self)),
            _ => arch.dispatch(StemTile::<0>(self)),
        }
    }
}

/// `STEP` is zero when only known at run time.
struct StemTile<'a, const STEP: usize>(StemGradientJob<'a>);

impl<const STEP: usize> WithSimd for StemTile<'_, STEP> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.share::<S, 1, 9>(simd),
            8 => self.share::<S, 2, 3>(simd),
            4 => self.share::<S, 4, 3>(simd),
            _ => {}
        }
    }
}

impl<const STEP: usize> StemTile<'_, STEP> {
    #[inline(always)]
    fn share<S: Simd, const V: usize, const C: usize>(self, simd: S) {
        let job = self.0;
        let shape = job.shape;
        let step = if STEP == 0 { job.step } else { STEP };
        let run = (RUN_PIXELS / shape.width).max(1);
        let rows = shape.rows();
        let mut first = 0;
        while first < rows {
            let last = rows.min(first + run);
            for (index, into) in job.sums.chunks_mut(C).enumerate() {
                // Where fewer weights are left the last is summed more than once.
                let offset = |c: usize| job.offsets[(index * C + c).min(job.offsets.len() - 1)];
                let mut sums = [[simd.splat_f32s(0.0); V]; C];
                for row in first..last {
                    let (image, y) = (row / shape.height, row % shape.height);
                    let gradients = &job.gradient[shape.row_start(row)..][..shape.width];
                    let base = image * job.image + y * job.row;
                    let line = &job.input[base..];
                    let mut lines: [&[f32]; C] = [&[]; C];
                    for c in 0..C {
                        lines[c] = &line[offset(c)..][..(shape.width - 1) * step + 1];
                    }
                    let mut fours = gradients.chunks_exact(4);
                    let mut x = 0;
                    for four in &mut fours {
                        for c in 0..C {
                            let values = &lines[c][x * step..][..3 * step + 1];
                            for q in 0..4 {
                                let value = simd.splat_f32s(values[q * step]);
                                let gradient = S::as_simd_f32s(&four[q].0).0;
                                for v in 0..V {
                                    sums[c][v] =
                                        simd.mul_add_e_f32s(value, gradient[v], sums[c][v]);
                                }
                            }
                        }
                        x += 4;
                    }
                    for pixel in fours.remainder() {
                        let gradient = S::as_simd_f32s(&pixel.0).0;
                        for c in 0..C {
                            let value = simd.splat_f32s(lines[c][x * step]);
                            for v in 0..V {
                                sums[c][v] = simd.mul_add_e_f32s(value, gradient[v], sums[c][v]);
                            }
                        }
                        x += 1;
                    }
                }
                for (into, sums) in into.iter_mut().zip(&sums) {
                    let into = S::as_mut_simd_f32s(&mut into.0).0;
                    for v in 0..V {
                        into[v] = simd.add_f32s(into[v], sums[v]);
                    }
                }
            }
            first = last;
        }
    }
}
