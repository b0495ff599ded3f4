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

use super::map::{BORDER, LANES, MapShape, Pixel};

/// One thread's share of a convolution: one or two blocks of output channels of all images.
pub(super) struct ConvJob<'a> {
    pub arch: Arch,
    /// Pixels of the input map.
    pub input: &'a [Pixel],
    /// Pixels of a block of the input map.
    pub input_plane: usize,
    /// For each output block `[input block][kernel row][kernel column][input channel]`.
    pub weights: &'a [Pixel],
    /// Places of the kernel, `kernel²`.
    pub area: usize,
    /// The places of the kernel that take part.
    pub taps: &'a [Tap],
    /// One pixel an output block.
    pub bias: &'a [Pixel],
    /// A map's share to be added, of the output's shape.
    pub residual: Option<&'a [Pixel]>,
    pub grid: Grid,
    /// Pixels of a block of the output map.
    pub output_plane: usize,
    /// The output map's share. Its border is left as it is.
    pub output: &'a mut [Pixel],
    /// Whether the sums are added to what the output holds.
    pub is_added: bool,
    pub has_relu: bool,
}

/// A place of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    /// Its number, row by row.
    pub place: usize,
    /// Where it reads, pixels from where the grid's position lies in the input.
    pub offset: usize,
}

/// The positions that are computed, and where each lies in input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub images: usize,
    /// Rows and columns of an image.
    pub rows: usize,
    pub columns: usize,
    pub input: Side,
    pub output: Side,
}

/// Where a grid's positions lie in a map: pixels in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// Of the first position.
    pub origin: usize,
    /// From one image to the next.
    pub image: usize,
    /// From one of the grid's rows to the next.
    pub row: usize,
    /// From one of the grid's columns to the next: 1 or 2.
    pub column: usize,
}

impl Side {
    /// The positions of every `step`-th row and column of a map, the first in row and column
    /// `first`, counted from the border's first.
    pub fn new(shape: &MapShape, first: [usize; 2], step: usize) -> Self {
        Self {
            origin: first[0] * shape.row() + first[1],
            image: shape.image(),
            row: step * shape.row(),
            column: step,
        }
    }

    fn row_start(&self, image: usize, row: usize) -> usize {
        self.origin + image * self.image + row * self.row
    }
}

impl Grid {
    /// A convolution's positions and taps.
    pub fn of_convolution(
        [kernel, stride, padding]: [usize; 3],
        input: &MapShape,
        output: &MapShape,
    ) -> (Self, Vec<Tap>) {
        let grid = Self {
            images: output.images,
            rows: output.height,
            columns: output.width,
            // The border holds the padding: a 1×1 convolution begins inside it.
            input: Side::new(input, [BORDER - padding; 2], stride),
            output: Side::new(output, [BORDER; 2], 1),
        };
        let tap = |place: usize| Tap {
            place,
            offset: place / kernel * input.row() + place % kernel,
        };
        (grid, (0..kernel * kernel).map(tap).collect())
    }
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
    pub fn choose(lanes: usize, grid: &Grid) -> Self {
        let candidates: &[(usize, usize)] = if lanes == LANES { &WIDE } else { &NARROW };
        let pixels = |(rows, columns): (usize, usize)| {
            (grid.images * grid.rows).next_multiple_of(rows)
                * grid.columns.next_multiple_of(columns)
        };
        let (rows, columns) = candidates
            .iter()
            .copied()
            .filter(|&(_, columns)| columns <= grid.columns)
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
        match (
            self.output.len() / self.output_plane,
            self.grid.input.column,
        ) {
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
    /// row it repeats that row: both compute something twice rather than something less. A share
    /// that is added to what is there writes each position once.
    #[inline(always)]
    fn share<S: Simd, const V: usize>(mut self, simd: S) {
        let grid = self.0.grid;
        let rows = grid.images * grid.rows;
        let mut row = 0;
        while row < rows {
            let mut targets = [0; R];
            let mut bases = [0; R];
            for r in 0..R {
                let row = (row + r).min(rows - 1);
                let (image, y) = (row / grid.rows, row % grid.rows);
                targets[r] = grid.output.row_start(image, y);
                bases[r] = grid.input.row_start(image, y);
            }
            let fresh_rows = R.min(rows - row);
            let mut column = 0;
            while column < grid.columns {
                let first = column.min(grid.columns - Q);
                let sums = self.sums::<S, V>(simd, bases, first);
                let fresh = [fresh_rows, column - first];
                self.store::<S, V>(simd, targets, first, fresh, &sums);
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
        for (block, plane) in job.input.chunks_exact(job.input_plane).enumerate() {
            for tap in job.taps {
                let mut windows: [&[Pixel]; R] = [&[]; R];
                for r in 0..R {
                    let start = bases[r] + tap.offset + first * ST;
                    windows[r] = &plane[start..][..(Q - 1) * ST + 1];
                }
                let place = (block * job.area + tap.place) * LANES;
                let mut weights: [&[Pixel]; B] = [&[]; B];
                for b in 0..B {
                    weights[b] = &job.weights[b * per_block + place..][..LANES];
                }
                add_products::<S, V, B, R, Q, ST>(simd, &mut sums, windows, weights);
            }
        }
        sums
    }

    /// Adds the residual, applies the ReLU and writes the tile. Of the tile only the first
    /// `fresh[0]` rows and the columns from `fresh[1]` on are new.
    #[inline(always)]
    fn store<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        targets: [usize; R],
        first: usize,
        fresh: [usize; 2],
        sums: &Sums<S, V, B, R, Q>,
    ) {
        let job = &mut self.0;
        let step = job.grid.output.column;
        let zero = simd.splat_f32s(0.0);
        for r in 0..R {
            if job.is_added && r >= fresh[0] {
                break;
            }
            for b in 0..B {
                let start = b * job.output_plane + targets[r] + first * step;
                let pixels = &mut job.output[start..][..(Q - 1) * step + 1];
                let added = job.residual.map(|residual| &residual[start..][..Q]);
                for q in 0..Q {
                    let target = S::as_mut_simd_f32s(&mut pixels[q * step].0).0;
                    if job.is_added && q < fresh[1] {
                        continue;
                    }
                    for v in 0..V {
                        let mut value = sums[r][q][b][v];
                        if job.is_added {
                            value = simd.add_f32s(value, target[v]);
                        }
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
pub(super) fn add_products<
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
