//! 3×3 convolutions of stride one with fewer products: Winograd's minimal filtering F(2×2, 3×3), as
//! Lavin & Gray (2016) apply it to networks.
//!
//! Four outputs that lie in a square come from a patch of 4×4 inputs. Patch and filter go through a
//! small linear map first; what was a sum over nine places and all input channels for each of the
//! four outputs is then one sum over the channels for each of sixteen places: 16 products where
//! the direct way has 36. The maps cost additions only, and the filters' are taken once, when they
//! are packed. Rounding stays of the direct way's size, which the larger patches would not keep.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler unrolls into them"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    map::{BORDER, LANES, MapShape, Pixel},
    tile::{add_products, register_lanes},
};

/// Places of a filter.
const TAPS: usize = 9;

/// Places of a patch.
const PLACES: usize = 16;

/// Side of the square of outputs.
const SQUARE: usize = 2;

/// Squares that a tile holds: as many sums as fill the registers (see `tile`).
const WIDE: usize = 14;
const NARROW: usize = 6;

/// More input channels than this, in blocks, push the patches and filters of a tile out of the cache.
const MOST_BLOCKS: usize = 16;

/// Whether a convolution `[kernel, stride, padding]` can go this way, and has few enough input
/// channels for it to be the faster one.
pub(super) fn is_worth(kernel: [usize; 3], inputs: usize) -> bool {
    kernel == [3, 1, 1] && inputs.div_ceil(LANES) <= MOST_BLOCKS
}

/// Whether the squares cover a map of outputs without much being computed twice.
pub(super) fn suits(shape: &MapShape) -> bool {
    let covered = squares(shape) * SQUARE * SQUARE;
    let area = shape.height * shape.width;
    shape.height >= SQUARE && shape.width >= SQUARE && 4 * covered <= 5 * area
}

/// Whether every output lies in one square alone.
pub(super) fn tiles_evenly(shape: &MapShape) -> bool {
    shape.height.is_multiple_of(SQUARE) && shape.width.is_multiple_of(SQUARE)
}

/// Pixels that the mapped filters of a packed 3×3 convolution fill.
pub(super) fn mapped_len(packed: usize) -> usize {
    packed / TAPS * PLACES
}

/// The filters' way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As they are: outputs from inputs.
    Straight,
    /// Turned by half a circle: the gradient of inputs from that of outputs.
    Half,
}

/// Maps filters packed as `[output block][input block][kernel place][input channel]` to
/// `[output block][place][input block][input channel]`, [`mapped_len`] pixels.
pub(super) fn map_filters(packed: &[Pixel], inputs: usize, turn: Turn, into: &mut [Pixel]) {
    let blocks = inputs.div_ceil(LANES);
    into.par_chunks_exact_mut(PLACES * blocks * LANES)
        .zip(packed.par_chunks_exact(TAPS * blocks * LANES))
        .for_each(|(into, packed)| {
            for (block, filters) in packed.chunks_exact(TAPS * LANES).enumerate() {
                for channel in 0..LANES {
                    let taps = std::array::from_fn(|tap| {
                        let tap = match turn {
                            Turn::Straight => tap,
                            Turn::Half => TAPS - 1 - tap,
                        };
                        &filters[tap * LANES + channel].0
                    });
                    let mapped = filter_map(taps);
                    for (place, pixel) in mapped.into_iter().enumerate() {
                        into[(place * blocks + block) * LANES + channel] = pixel;
                    }
                }
            }
        });
}

/// `G g Gᵀ` of sixteen filters.
fn filter_map(taps: [&[f32; LANES]; TAPS]) -> [Pixel; PLACES] {
    let mut mapped = [Pixel::ZERO; PLACES];
    for lane in 0..LANES {
        let mut columns = [[0.0; 4]; 3];
        for column in 0..3 {
            columns[column] = filter_line([0, 3, 6].map(|row| taps[row + column][lane]));
        }
        for row in 0..4 {
            let line = filter_line([columns[0][row], columns[1][row], columns[2][row]]);
            for column in 0..4 {
                mapped[4 * row + column].0[lane] = line[column];
            }
        }
    }
    mapped
}

/// `G` of a line of a filter.
#[inline(always)]
fn filter_line([a, b, c]: [f32; 3]) -> [f32; 4] {
    [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c]
}

/// Squares of an image.
fn squares(shape: &MapShape) -> usize {
    shape.height.div_ceil(SQUARE) * shape.width.div_ceil(SQUARE)
}

/// One thread's share of a convolution: one or two blocks of output channels of all images.
pub(super) struct WinogradJob<'a> {
    pub arch: Arch,
    /// Pixels of the input map, which has the output's rows and columns.
    pub input: &'a [Pixel],
    /// For each output block `[place][input block][input channel]`.
    pub filters: &'a [Pixel],
    /// One pixel an output block.
    pub bias: &'a [Pixel],
    /// A map's share to be added, of the output's shape.
    pub residual: Option<&'a [Pixel]>,
    pub shape: MapShape,
    /// The output map's share. Its border is left as it is.
    pub output: &'a mut [Pixel],
    /// Whether the sums are added to what the output holds: a map that [`tiles_evenly`].
    pub is_added: bool,
    pub has_relu: bool,
}

impl WinogradJob<'_> {
    /// Computes the share.
    pub fn run(self) {
        let arch = self.arch;
        match (register_lanes(arch) == LANES, self.bias.len()) {
            (true, 1) => arch.dispatch(Share::<1, WIDE>(self)),
            (true, _) => arch.dispatch(Share::<2, WIDE>(self)),
            (false, _) => arch.dispatch(Share::<1, NARROW>(self)),
        }
    }
}

/// A share in tiles of `Q` squares and `B` blocks.
struct Share<'a, const B: usize, const Q: usize>(WinogradJob<'a>);

impl<const B: usize, const Q: usize> WithSimd for Share<'_, B, Q> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A tile that a register width never chooses is not compiled for it.
        if S::F32_LANES == 16 {
            if const { Q == WIDE } {
                self.tiles::<S, 1>(simd);
            }
        } else if const { B == 1 && Q == NARROW } {
            if S::F32_LANES == 8 {
                self.tiles::<S, 2>(simd);
            } else if S::F32_LANES == 4 {
                self.tiles::<S, 4>(simd);
            }
        }
    }
}

impl<const B: usize, const Q: usize> Share<'_, B, Q> {
    /// All tiles of the share. At a map's end a square moves inside, and the last tile repeats the
    /// last square without writing it: both compute something twice rather than something less.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(mut self, simd: S) {
        let shape = self.0.shape;
        let blocks = self.0.filters.len() / (B * PLACES * LANES);
        let mut patches = vec![Pixel::ZERO; PLACES * blocks * Q];
        let mut products = vec![Pixel::ZERO; PLACES * B * Q];
        let count = shape.images * squares(&shape);
        let mut first = 0;
        while first < count {
            let starts = std::array::from_fn(|q| start(&shape, (first + q).min(count - 1)));
            self.map_patches::<S, V>(simd, starts, &mut patches);
            for place in 0..PLACES {
                self.sum::<S, V>(simd, place, &patches, &mut products);
            }
            for b in 0..B {
                for q in 0..Q.min(count - first) {
                    self.store::<S, V>(simd, b, starts[q], &products[b * Q + q..]);
                }
            }
            first += Q;
        }
    }

    /// `Bᵀ d B` of the patches that begin at `starts`, as `[place][input block][square]`.
    #[inline(always)]
    fn map_patches<S: Simd, const V: usize>(
        &self,
        simd: S,
        starts: [usize; Q],
        into: &mut [Pixel],
    ) {
        let shape = &self.0.shape;
        let (plane, row) = (shape.plane(), shape.row());
        let blocks = self.0.input.len() / plane;
        for (block, input) in self.0.input.chunks_exact(plane).enumerate() {
            for q in 0..Q {
                let patch = &input[starts[q]..][..3 * row + 4];
                for v in 0..V {
                    let mut rows = [[simd.splat_f32s(0.0); 4]; 4];
                    for y in 0..4 {
                        let mut line = [simd.splat_f32s(0.0); 4];
                        for x in 0..4 {
                            line[x] = S::as_simd_f32s(&patch[y * row + x].0).0[v];
                        }
                        rows[y] = patch_line(simd, line);
                    }
                    for x in 0..4 {
                        let column = [rows[0][x], rows[1][x], rows[2][x], rows[3][x]];
                        let column = patch_line(simd, column);
                        for y in 0..4 {
                            let at = ((4 * y + x) * blocks + block) * Q + q;
                            S::as_mut_simd_f32s(&mut into[at].0).0[v] = column[y];
                        }
                    }
                }
            }
        }
    }

    /// The sums over the input channels at one place, for all squares and blocks of the tile.
    #[inline(always)]
    fn sum<S: Simd, const V: usize>(
        &self,
        simd: S,
        place: usize,
        patches: &[Pixel],
        into: &mut [Pixel],
    ) {
        let per_output = self.0.filters.len() / B;
        let per_place = per_output / PLACES;
        let mut sums = [[[[simd.splat_f32s(0.0); V]; B]; Q]; 1];
        let patches = &patches[place * (per_place / LANES) * Q..][..per_place / LANES * Q];
        for (block, window) in patches.chunks_exact(Q).enumerate() {
            let mut weights: [&[Pixel]; B] = [&[]; B];
            for b in 0..B {
                let at = b * per_output + place * per_place + block * LANES;
                weights[b] = &self.0.filters[at..][..LANES];
            }
            add_products::<S, V, B, 1, Q, 1>(simd, &mut sums, [window], weights);
        }
        let into = &mut into[place * B * Q..][..B * Q];
        for b in 0..B {
            for q in 0..Q {
                let target = S::as_mut_simd_f32s(&mut into[b * Q + q].0).0;
                target[..V].copy_from_slice(&sums[0][q][b]);
            }
        }
    }

    /// `Aᵀ m A` of a square's sums, which lie `B·Q` pixels apart; adds bias and residual, applies the
    /// ReLU and writes the square.
    #[inline(always)]
    fn store<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        b: usize,
        start: usize,
        products: &[Pixel],
    ) {
        let job = &mut self.0;
        let (plane, row) = (job.shape.plane(), job.shape.row());
        let zero = simd.splat_f32s(0.0);
        let first = b * plane + start + BORDER * row + BORDER;
        for v in 0..V {
            let mut rows = [[zero; 2]; 4];
            for y in 0..4 {
                let mut line = [zero; 4];
                for x in 0..4 {
                    line[x] = S::as_simd_f32s(&products[(4 * y + x) * B * Q].0).0[v];
                }
                rows[y] = square_line(simd, line);
            }
            let bias = S::as_simd_f32s(&job.bias[b].0).0[v];
            for x in 0..2 {
                let column = [rows[0][x], rows[1][x], rows[2][x], rows[3][x]];
                let column = square_line(simd, column);
                for y in 0..2 {
                    let at = first + y * row + x;
                    let mut value = simd.add_f32s(column[y], bias);
                    if let Some(residual) = job.residual {
                        value = simd.add_f32s(value, S::as_simd_f32s(&residual[at].0).0[v]);
                    }
                    if job.is_added {
                        value = simd.add_f32s(value, S::as_simd_f32s(&job.output[at].0).0[v]);
                    }
                    if job.has_relu {
                        // In this order a NaN stays a NaN, as in PyTorch's ReLU.
                        value = simd.max_f32s(zero, value);
                    }
                    S::as_mut_simd_f32s(&mut job.output[at].0).0[v] = value;
                }
            }
        }
    }
}

/// Where the patch of a square of all images begins in a plane, border included.
#[inline(always)]
fn start(shape: &MapShape, square: usize) -> usize {
    let (image, square) = (square / squares(shape), square % squares(shape));
    let across = shape.width.div_ceil(SQUARE);
    let y = (SQUARE * (square / across)).min(shape.height - SQUARE);
    let x = (SQUARE * (square % across)).min(shape.width - SQUARE);
    image * shape.image() + y * shape.row() + x
}

/// `Bᵀ` of a line of a patch.
#[inline(always)]
fn patch_line<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [
        simd.sub_f32s(a, c),
        simd.add_f32s(b, c),
        simd.sub_f32s(c, b),
        simd.sub_f32s(b, d),
    ]
}

/// `Aᵀ` of a line of sums.
#[inline(always)]
fn square_line<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [
        simd.add_f32s(simd.add_f32s(a, b), c),
        simd.sub_f32s(simd.sub_f32s(b, c), d),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{
        blueprint::ConvPlan,
        cpu::{
            conv::Conv,
            map::{Buffers, Map},
        },
        fold::Folded,
    };

    /// Reproducible values in −1..1.
    fn values(count: usize, seed: f32) -> Vec<f32> {
        (0..count)
            .map(|i| ((i as f32 * 12.9898 + seed).sin() * 43_758.547).fract())
            .collect()
    }

    fn map_of(values: &[f32], shape: MapShape) -> Map {
        let mut map = Buffers::default().map(shape);
        map.read_images(values);
        map
    }

    /// The convolution in double precision by its definition, plus the residual, through the ReLU.
    fn by_definition(
        input: &[f32],
        shape: MapShape,
        folded: &Folded,
        residual: &[f32],
    ) -> Vec<f64> {
        let outputs = folded.bias.len();
        let [height, width] = [shape.height as isize, shape.width as isize];
        let mut found = Vec::new();
        for image in 0..shape.images {
            for output in 0..outputs {
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let mut sum = f64::from(folded.bias[output]);
                    for channel in 0..shape.channels {
                        for place in 0..TAPS {
                            let [row, column] =
                                [y + place as isize / 3 - 1, x + place as isize % 3 - 1];
                            if (0..height).contains(&row) && (0..width).contains(&column) {
                                let plane = image * shape.channels + channel;
                                let pixel = (plane as isize * height + row) * width + column;
                                let weight = (output * shape.channels + channel) * TAPS + place;
                                sum += f64::from(input[pixel as usize])
                                    * f64::from(folded.weight[weight]);
                            }
                        }
                    }
                    sum += f64::from(residual[found.len()]);
                    found.push(sum.max(0.0));
                }
            }
        }
        found
    }

    #[test]
    fn squares_give_what_the_definition_gives() {
        for (images, inputs, outputs, height, width) in [
            (1, 16, 16, 2, 2),
            (3, 5, 40, 8, 8),
            (2, 64, 33, 13, 21),
            (1, 256, 16, 14, 9),
        ] {
            let shape = MapShape {
                images,
                channels: inputs,
                height,
                width,
            };
            let plan = ConvPlan::new("", "", [inputs, outputs]);
            let folded = Folded {
                weight: values(outputs * inputs * TAPS, 0.3),
                bias: values(outputs, 0.7),
            };
            let conv = Conv::pack(&plan, &folded);
            let output_shape = conv.output_shape(shape);
            assert!(suits(&output_shape) && conv.has_fewer_products());
            let input = values(images * inputs * height * width, 0.1);
            let residual = values(images * outputs * height * width, 0.9);
            let expected = by_definition(&input, shape, &folded, &residual);
            let scale = expected
                .iter()
                .fold(0.0_f64, |most, value| most.max(*value));
            let mut archs = vec![Arch::new()];
            #[cfg(target_arch = "x86_64")]
            archs.extend(pulp::x86::V3::try_new().map(Arch::V3));
            for arch in archs {
                let found = conv.forward(
                    arch,
                    &map_of(&input, shape),
                    Some(&map_of(&residual, output_shape)),
                    &mut Buffers::default(),
                );
                let mut written = vec![0.0; expected.len()];
                found.write_images(&mut written);
                let error = written
                    .iter()
                    .zip(&expected)
                    .fold(0.0_f64, |most, (a, b)| most.max((f64::from(*a) - b).abs()));
                println!(
                    "{inputs}→{outputs} at {height}×{width}: {:.1e}",
                    error / scale
                );
                // Sums of at most 9 · 256 products, each rounded by 2⁻²⁴ like a random walk, and maps
                // that add four values twice.
                assert!(error < 2e-6 * scale, "{error} of {scale}");
            }
        }
    }
}
