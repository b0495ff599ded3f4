//! The inner loops of a convolution: a tile of outputs held in vector registers.
//!
//! A tile is `R` rows × `Q` columns × `B` blocks of channels. For each input channel and kernel
//! place it loads `B` vectors of weights and multiplies them with each of its `R·Q` pixels, whose
//! value is spread over a register: `R·Q·B` independent sums hide the latency of the
//! multiply-adds, and nothing is copied or rearranged first (no im2col).
//!
//! `V` is the number of vector registers a pixel of sixteen channels fills.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::range_plus_one,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler unrolls into them"
)]

use pulp::{Arch, Simd, WithSimd};

use super::map::{LANES, MapShape, Pixel};

/// One thread's share of a convolution: one or two blocks of output channels of all images.
pub(super) struct ConvJob<'a> {
    pub arch: Arch,
    pub input_shape: MapShape,
    /// Pixels of the input map.
    pub input: &'a [Pixel],
    /// For each output block `[input block][kernel row][kernel column][input channel]`.
    pub weights: &'a [Pixel],
    /// One pixel an output block.
    pub bias: &'a [Pixel],
    /// A map's share to be added, of the output's shape.
    pub residual: Option<&'a [Pixel]>,
    pub output_shape: MapShape,
    /// The output map's share.
    pub output: &'a mut [Pixel],
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub has_relu: bool,
}

/// Rows and columns of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub rows: usize,
    pub columns: usize,
}

/// Tiles for processors with 32 registers of 16 lanes: up to 28 sums, two blocks at a time.
const WIDE: [(usize, usize); 6] = [(1, 14), (1, 8), (2, 7), (3, 4), (4, 2), (8, 1)];

/// Tiles for shorter registers, one block at a time: with two or four registers a pixel, up to 12
/// sums of 16 registers (AVX2) or 24 of 32 (NEON).
const NARROW: [(usize, usize); 4] = [(1, 6), (1, 4), (3, 2), (6, 1)];

/// Blocks a share holds: as many as a tile takes.
pub(super) fn blocks_per_share(lanes: usize) -> usize {
    if lanes == LANES { 2 } else { 1 }
}

impl Tiling {
    /// The tile that computes the fewest pixels beyond the map's edge, the widest of equals.
    pub fn choose(lanes: usize, output: &MapShape) -> Self {
        let candidates: &[(usize, usize)] = if lanes == LANES { &WIDE } else { &NARROW };
        let pixels = |(rows, columns): (usize, usize)| {
            output.rows().next_multiple_of(rows) * output.width.next_multiple_of(columns)
        };
        let (rows, columns) = candidates
            .iter()
            .copied()
            .filter(|&(_, columns)| columns <= output.width)
            .min_by_key(|&tile| pixels(tile))
            .unwrap_or(candidates[candidates.len() - 1]);
        Self { rows, columns }
    }
}

/// The number of f32 a vector register of this processor holds.
pub(super) fn register_lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

impl ConvJob<'_> {
    /// Computes the share with the given tile.
    pub fn run(self, tiling: Tiling) {
        match (tiling.rows, tiling.columns) {
            (1, 14) => self.run_tile::<1, 14>(),
            (1, 8) => self.run_tile::<1, 8>(),
            (2, 7) => self.run_tile::<2, 7>(),
            (3, 4) => self.run_tile::<3, 4>(),
            (4, 2) => self.run_tile::<4, 2>(),
            (8, 1) => self.run_tile::<8, 1>(),
            (1, 6) => self.run_tile::<1, 6>(),
            (1, 4) => self.run_tile::<1, 4>(),
            (3, 2) => self.run_tile::<3, 2>(),
            _ => self.run_tile::<6, 1>(),
        }
    }

    fn run_tile<const R: usize, const Q: usize>(self) {
        let arch = self.arch;
        match (self.output.len() / self.output_shape.plane(), self.stride) {
            (1, 1) => arch.dispatch(Tile::<1, R, Q, 1>(self)),
            (1, _) => arch.dispatch(Tile::<1, R, Q, 2>(self)),
            (_, 1) => arch.dispatch(Tile::<2, R, Q, 1>(self)),
            (_, _) => arch.dispatch(Tile::<2, R, Q, 2>(self)),
        }
    }
}

/// A share computed in tiles of a size known to the compiler; `ST` is the stride.
struct Tile<'a, const B: usize, const R: usize, const Q: usize, const ST: usize>(ConvJob<'a>);

impl<const B: usize, const R: usize, const Q: usize, const ST: usize> WithSimd
    for Tile<'_, B, R, Q, ST>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A tile that a register width never chooses is not compiled for it.
        if S::F32_LANES == 16 {
            if const { is_one_of(&WIDE, R, Q) } {
                self.share::<S, 1>(simd);
            }
        } else if const { is_one_of(&NARROW, R, Q) && B == 1 } {
            if S::F32_LANES == 8 {
                self.share::<S, 2>(simd);
            } else if S::F32_LANES == 4 {
                self.share::<S, 4>(simd);
            }
        }
    }
}

const fn is_one_of(tiles: &[(usize, usize)], rows: usize, columns: usize) -> bool {
    let mut index = 0;
    while index < tiles.len() {
        if tiles[index].0 == rows && tiles[index].1 == columns {
            return true;
        }
        index += 1;
    }
    false
}

/// The sums of a tile: rows × columns × blocks × registers.
type Sums<S, const V: usize, const B: usize, const R: usize, const Q: usize> =
    [[[[<S as Simd>::f32s; V]; B]; Q]; R];

impl<const B: usize, const R: usize, const Q: usize, const ST: usize> Tile<'_, B, R, Q, ST> {
    /// All tiles of the share. At the right edge a tile moves left to stay inside, below the last
    /// row it repeats that row: both compute something twice rather than something less.
    #[inline(always)]
    fn share<S: Simd, const V: usize>(mut self, simd: S) {
        let (input, output) = (self.0.input_shape, self.0.output_shape);
        for plane in self.0.output.chunks_exact_mut(output.plane()) {
            output.clear_border(plane);
        }
        // The border holds the padding: a 1×1 convolution begins inside it.
        let inset = super::map::BORDER - self.0.padding;
        let rows = output.rows();
        let mut row = 0;
        while row < rows {
            let mut targets = [0; R];
            let mut bases = [0; R];
            for r in 0..R {
                let row = (row + r).min(rows - 1);
                let (image, y) = (row / output.height, row % output.height);
                targets[r] = output.row_start(row);
                bases[r] = image * input.image() + (y * ST + inset) * input.row() + inset;
            }
            let mut column = 0;
            while column < output.width {
                let first = column.min(output.width - Q);
                let sums = self.sums::<S, V>(simd, bases, first);
                self.store::<S, V>(simd, targets, first, &sums);
                column += Q;
            }
            row += R;
        }
    }

    /// The sums of the tile whose windows begin in the rows at `bases`, from column `first` on.
    #[inline(always)]
    fn sums<S: Simd, const V: usize>(
        &self,
        simd: S,
        bases: [usize; R],
        first: usize,
    ) -> Sums<S, V, B, R, Q> {
        let job = &self.0;
        let (kernel, shape) = (job.kernel, &job.input_shape);
        let per_block = job.weights.len() / B;
        let mut sums = [[[[simd.splat_f32s(0.0); V]; B]; Q]; R];
        for b in 0..B {
            let bias = S::as_simd_f32s(&job.bias[b].0).0;
            for r in 0..R {
                for q in 0..Q {
                    sums[r][q][b].copy_from_slice(&bias[..V]);
                }
            }
        }
        let mut place = 0;
        for plane in job.input.chunks_exact(shape.plane()) {
            for kernel_row in 0..kernel {
                let mut lines: [&[Pixel]; R] = [&[]; R];
                for r in 0..R {
                    let start = bases[r] + kernel_row * shape.row() + first * ST;
                    lines[r] = &plane[start..][..(Q - 1) * ST + kernel];
                }
                for kernel_column in 0..kernel {
                    let mut windows: [&[Pixel]; R] = [&[]; R];
                    for r in 0..R {
                        windows[r] = &lines[r][kernel_column..][..(Q - 1) * ST + 1];
                    }
                    let mut weights: [&[Pixel]; B] = [&[]; B];
                    for b in 0..B {
                        weights[b] = &job.weights[b * per_block + place..][..LANES];
                    }
                    add_products::<S, V, B, R, Q, ST>(simd, &mut sums, windows, weights);
                    place += LANES;
                }
            }
        }
        sums
    }

    /// Adds the residual, applies the ReLU and writes the tile.
    #[inline(always)]
    fn store<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        targets: [usize; R],
        first: usize,
        sums: &Sums<S, V, B, R, Q>,
    ) {
        let job = &mut self.0;
        let plane = job.output_shape.plane();
        let zero = simd.splat_f32s(0.0);
        for r in 0..R {
            for b in 0..B {
                let start = b * plane + targets[r] + first;
                let pixels = &mut job.output[start..][..Q];
                let added = job.residual.map(|residual| &residual[start..][..Q]);
                for q in 0..Q {
                    let target = S::as_mut_simd_f32s(&mut pixels[q].0).0;
                    for v in 0..V {
                        let mut value = sums[r][q][b][v];
                        if let Some(added) = added {
                            value = simd.add_f32s(value, S::as_simd_f32s(&added[q].0).0[v]);
                        }
                        if job.has_relu {
                            // In this order a NaN stays a NaN, as in PyTorch's ReLU.
                            value = simd.max_f32s(zero, value);
                        }
                        target[v] = value;
                    }
                }
            }
        }
    }
}

/// Sixteen input channels at one place of the kernel.
#[inline(always)]
fn add_products<
    S: Simd,
    const V: usize,
    const B: usize,
    const R: usize,
    const Q: usize,
    const ST: usize,
>(
    simd: S,
    sums: &mut Sums<S, V, B, R, Q>,
    windows: [&[Pixel]; R],
    weights: [&[Pixel]; B],
) {
    for channel in 0..LANES {
        let mut factors = [[simd.splat_f32s(0.0); V]; B];
        for b in 0..B {
            factors[b].copy_from_slice(&S::as_simd_f32s(&weights[b][channel].0).0[..V]);
        }
        for r in 0..R {
            for q in 0..Q {
                let value = simd.splat_f32s(windows[r][q * ST].0[channel]);
                for b in 0..B {
                    for v in 0..V {
                        let sum = &mut sums[r][q][b][v];
                        *sum = simd.mul_add_e_f32s(value, factors[b][v], *sum);
                    }
                }
            }
        }
    }
}
