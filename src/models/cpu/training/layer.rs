//! One convolution of a training step: forward, the gradient of its weights and that of its input.

use pulp::Arch;
use rayon::prelude::*;

use super::{
    Groups,
    gradient::{GradientJob, StemGradientJob},
    norm::Moments,
    weights,
};
use crate::models::{
    blueprint::ConvPlan,
    cpu::{
        map::{BORDER, Buffers, LANES, Map, MapShape, Pixel},
        stem::{Padded, Stem},
        tile::{ConvJob, Grid, Side, Tap, Tiling, blocks_per_share, register_lanes},
        winograd::{self, Turn, WinogradJob},
    },
    fold::Folded,
};

/// Tasks that a weight gradient is cut into at least, as far as the map has groups: a number of its
/// own, for sums in an order that no count of threads changes.
const GRADIENT_TASKS: usize = 16;

/// Blocks of outputs that a task of a weight gradient takes at most.
const GRADIENT_BLOCKS: usize = 4;

/// Images of the first convolution with their padding, group by group.
#[derive(Debug)]
pub(super) struct PaddedImages {
    pub padded: Padded,
    pub groups: Vec<Vec<f32>>,
}

/// The shape of a convolution's output.
pub(super) fn output_shape(plan: &ConvPlan, input: &MapShape) -> MapShape {
    let side = |side: usize| (side + 2 * plan.padding - plan.kernel) / plan.stride + 1;
    MapShape {
        images: input.images,
        channels: plan.outputs,
        height: side(input.height),
        width: side(input.width),
    }
}

/// Images through the first convolution.
pub(super) fn stem_forward(
    arch: Arch,
    plan: &ConvPlan,
    weight: &[f32],
    images: &PaddedImages,
    output: &mut Groups,
) {
    let folded = Folded {
        weight: weight.to_vec(),
        bias: vec![0.0; plan.outputs],
    };
    let stem = Stem::pack(&plan.clone().linear(), &folded);
    output
        .par_iter_mut()
        .zip(&images.groups)
        .for_each(|(output, values)| stem.convolve(arch, images.padded, values, output));
}

/// Maps through a convolution, without its bias.
pub(super) fn forward(
    arch: Arch,
    plan: &ConvPlan,
    weight: &[f32],
    input: &Groups,
    output: &mut Groups,
    buffers: &mut Buffers,
) {
    let mut packed = buffers.pixels(weights::packed_len(plan));
    weights::pack_forward(plan, weight, &mut packed);
    let kernel = [plan.kernel, plan.stride, plan.padding];
    let fewer = winograd::is_worth(kernel, plan.inputs)
        && output.iter().all(|map| winograd::suits(&map.shape));
    if fewer {
        convolve_mapped(
            arch,
            (&packed, Turn::Straight),
            input,
            output,
            false,
            buffers,
        );
    } else {
        let pairs = output.par_iter_mut().zip(input);
        pairs.for_each(|(output, input)| {
            let (grid, taps) = Grid::of_convolution(kernel, &input.shape, &output.shape);
            let grids = [(grid, taps)];
            convolve(arch, &packed, plan.kernel, &grids, input, output, false);
        });
    }
    buffers.give_back(packed);
}

/// The gradient of a convolution's output to that of its input: written, or added to what is there.
pub(super) fn backward(
    arch: Arch,
    plan: &ConvPlan,
    weight: &[f32],
    gradient: &Groups,
    into: &mut Groups,
    is_added: bool,
    buffers: &mut Buffers,
) {
    let mut packed = buffers.pixels(weights::packed_len(plan));
    weights::pack_backward(plan, weight, &mut packed);
    let kernel = [plan.kernel, plan.stride, plan.padding];
    let fewer = winograd::is_worth(kernel, plan.outputs)
        && into.iter().all(|map| {
            winograd::suits(&map.shape) && (!is_added || winograd::tiles_evenly(&map.shape))
        });
    if fewer {
        convolve_mapped(
            arch,
            (&packed, Turn::Half),
            gradient,
            into,
            is_added,
            buffers,
        );
    } else {
        let pairs = into.par_iter_mut().zip(gradient);
        pairs.for_each(|(into, gradient)| {
            let phases = phases(plan, &gradient.shape, &into.shape);
            convolve(
                arch,
                &packed,
                plan.kernel,
                &phases,
                gradient,
                into,
                is_added,
            );
        });
    }
    buffers.give_back(packed);
}

/// A 3×3 convolution of stride 1 with fewer products, its filters packed as for the direct way.
fn convolve_mapped(
    arch: Arch,
    (packed, turn): (&[Pixel], Turn),
    input: &Groups,
    output: &mut Groups,
    is_added: bool,
    buffers: &mut Buffers,
) {
    let mut filters = buffers.pixels(winograd::mapped_len(packed.len()));
    let channels = input.first().map_or(1, |map| map.shape.channels);
    winograd::map_filters(packed, channels, turn, &mut filters);
    let blocks = blocks_per_share(register_lanes(arch));
    let bias = [Pixel::ZERO; 2];
    let pairs = output.par_iter_mut().zip(input);
    pairs.for_each(|(output, input)| {
        let shape = output.shape;
        let per_block = filters.len() / shape.blocks();
        let shares = output.pixels.par_chunks_mut(blocks * shape.plane());
        shares.enumerate().for_each(|(index, output)| {
            let count = output.len() / shape.plane();
            if !is_added {
                for plane in output.chunks_exact_mut(shape.plane()) {
                    shape.clear_border(plane);
                }
            }
            let job = WinogradJob {
                arch,
                input: &input.pixels,
                filters: &filters[index * blocks * per_block..][..count * per_block],
                bias: &bias[..count],
                residual: None,
                shape,
                output,
                is_added,
                has_relu: false,
            };
            job.run();
        });
    });
    buffers.give_back(filters);
}

/// The positions of the input that the same places of the kernel reach, with those places: one set
/// at stride 1, four at stride 2, some of them reached by none.
///
/// A gradient at output o comes from inputs i = s·o + k − p, so that at input i = s·a + phase the
/// place k takes part if phase + p − k divides by s, and reads o = a + (phase + p − k)/s.
fn phases(plan: &ConvPlan, output: &MapShape, input: &MapShape) -> Vec<(Grid, Vec<Tap>)> {
    let (kernel, stride) = (plan.kernel, plan.stride);
    // Where the place reads, rows or columns from a, the border's one added.
    let reach = |phase: usize, place: usize| {
        let apart = phase + plan.padding + stride * BORDER;
        let apart = apart.checked_sub(place)?;
        (apart.is_multiple_of(stride)).then_some(apart / stride)
    };
    let mut all = Vec::new();
    for y in 0..stride.min(input.height) {
        for x in 0..stride.min(input.width) {
            let grid = Grid {
                images: input.images,
                rows: (input.height - y).div_ceil(stride),
                columns: (input.width - x).div_ceil(stride),
                input: Side::new(output, [0, 0], 1),
                output: Side::new(input, [y + BORDER, x + BORDER], stride),
            };
            let taps = (0..kernel * kernel).filter_map(|place| {
                let (down, right) = (reach(y, place / kernel)?, reach(x, place % kernel)?);
                let offset = down * output.row() + right;
                Some(Tap { place, offset })
            });
            all.push((grid, taps.collect()));
        }
    }
    all
}

/// The sums of some grids over one group of images.
fn convolve(
    arch: Arch,
    weights: &[Pixel],
    kernel: usize,
    grids: &[(Grid, Vec<Tap>)],
    input: &Map,
    output: &mut Map,
    is_added: bool,
) {
    let shape = output.shape;
    let lanes = register_lanes(arch);
    let blocks = blocks_per_share(lanes);
    let per_block = weights.len() / shape.blocks();
    let bias = [Pixel::ZERO; 2];
    output
        .pixels
        .par_chunks_mut(blocks * shape.plane())
        .enumerate()
        .for_each(|(index, output)| {
            let count = output.len() / shape.plane();
            if !is_added {
                let is_reached = grids.iter().all(|(_, taps)| !taps.is_empty());
                for plane in output.chunks_exact_mut(shape.plane()) {
                    if is_reached {
                        shape.clear_border(plane);
                    } else {
                        plane.fill(Pixel::ZERO);
                    }
                }
            }
            for (grid, taps) in grids.iter().filter(|(_, taps)| !taps.is_empty()) {
                let job = ConvJob {
                    arch,
                    input: &input.pixels,
                    input_plane: input.shape.plane(),
                    weights: &weights[index * blocks * per_block..][..count * per_block],
                    area: kernel * kernel,
                    taps,
                    bias: &bias[..count],
                    residual: None,
                    grid: *grid,
                    output_plane: shape.plane(),
                    output: &mut *output,
                    is_added,
                    has_relu: false,
                };
                job.run(Tiling::choose(lanes, grid));
            }
        });
}

/// The statistics of each block of channels over all images, summed in the images' order.
pub(super) fn moments(arch: Arch, maps: &Groups) -> Vec<Moments> {
    let partial: Vec<Vec<Moments>> = maps
        .par_iter()
        .map(|map| {
            let planes = map.pixels.par_chunks_exact(map.shape.plane());
            planes
                .map(|plane| Moments::of_plane(arch, &map.shape, plane))
                .collect()
        })
        .collect();
    let blocks = partial.first().map_or(0, Vec::len);
    (0..blocks)
        .map(|block| {
            let groups = partial.iter().map(|group| &group[block]);
            groups.fold(Moments::NONE, |all, group| all.with(group))
        })
        .collect()
}

/// The gradient of a convolution's weights, `[out, in, kernel, kernel]`.
pub(super) fn weight_gradient(
    arch: Arch,
    plan: &ConvPlan,
    input: &Groups,
    gradient: &Groups,
    buffers: &mut Buffers,
) -> Vec<f32> {
    let tile = plan.kernel.pow(2) * LANES;
    let (out_blocks, in_blocks) = (plan.outputs.div_ceil(LANES), plan.inputs.div_ceil(LANES));
    let shares = out_blocks.div_ceil(GRADIENT_BLOCKS);
    let per_share = out_blocks.div_ceil(shares);
    // Where blocks alone give too few tasks, each takes a part of the images.
    let tasks = in_blocks * shares;
    let parts = GRADIENT_TASKS.div_ceil(tasks).min(input.len()).max(1);
    let per_part = input.len().div_ceil(parts);
    let parts = input.len().div_ceil(per_part);
    let len = weights::packed_len(plan);
    let mut packed = buffers.pixels(parts * len);
    let kernel = [plan.kernel, plan.stride, plan.padding];
    // Blocks of one input block and one part of the images.
    let rows = packed.par_chunks_exact_mut(out_blocks * tile).enumerate();
    rows.for_each(|(row, sums)| {
        let (part, in_block) = (row / in_blocks, row % in_blocks);
        let shares = sums.par_chunks_mut(per_share * tile).enumerate();
        shares.for_each(|(share, sums)| {
            let (first, count) = (share * per_share, sums.len() / tile);
            sums.fill(Pixel::ZERO);
            let groups = input.iter().zip(gradient);
            for (input, gradient) in groups.skip(part * per_part).take(per_part) {
                let (grid, taps) = Grid::of_convolution(kernel, &input.shape, &gradient.shape);
                let (from, to) = (input.shape.plane(), gradient.shape.plane());
                let job = GradientJob {
                    arch,
                    grid,
                    taps: &taps,
                    input: &input.pixels[in_block * from..][..from],
                    gradient: &gradient.pixels[first * to..][..count * to],
                    gradient_plane: to,
                    sums: &mut *sums,
                };
                job.run();
            }
        });
    });
    add_parts(&mut packed, len);
    let weight = weights::unpack(plan, &packed[..len]);
    buffers.give_back(packed);
    weight
}

/// Adds what stands behind the first `len` pixels to them, in order.
fn add_parts(packed: &mut [Pixel], len: usize) {
    let (first, rest) = packed.split_at_mut(len);
    for part in rest.chunks_exact(len) {
        for (sum, pixel) in first.iter_mut().zip(part) {
            for (sum, value) in sum.0.iter_mut().zip(pixel.0) {
                *sum += value;
            }
        }
    }
}

/// The gradient of the first convolution's weights, `[out, in, kernel, kernel]`.
pub(super) fn stem_weight_gradient(
    arch: Arch,
    plan: &ConvPlan,
    images: &PaddedImages,
    gradient: &Groups,
    buffers: &mut Buffers,
) -> Vec<f32> {
    let (kernel, channels) = (plan.kernel, plan.inputs);
    let (run, padded) = (kernel * channels, images.padded);
    let offsets: Vec<usize> = (0..kernel * run)
        .map(|index| index / run * padded.row + index % run)
        .collect();
    let blocks = plan.outputs.div_ceil(LANES);
    let len = blocks * offsets.len();
    let mut packed = buffers.pixels(gradient.len() * len);
    packed
        .par_chunks_exact_mut(offsets.len())
        .enumerate()
        .for_each(|(index, sums)| {
            let (group, block) = (index / blocks, index % blocks);
            sums.fill(Pixel::ZERO);
            let map = &gradient[group];
            let plane = map.shape.plane();
            let job = StemGradientJob {
                arch,
                input: &images.groups[group],
                image: padded.rows * padded.row,
                row: plan.stride * padded.row,
                step: plan.stride * channels,
                offsets: &offsets,
                shape: map.shape,
                gradient: &map.pixels[block * plane..][..plane],
                sums,
            };
            job.run();
        });
    add_parts(&mut packed, len);
    let mut weight = vec![0.0; plan.outputs * offsets.len()];
    for (output, filter) in weight.chunks_exact_mut(offsets.len()).enumerate() {
        let sums = &packed[output / LANES * offsets.len()..];
        for (channel, values) in filter.chunks_exact_mut(kernel * kernel).enumerate() {
            for (place, value) in values.iter_mut().enumerate() {
                *value = sums[place * channels + channel].0[output % LANES];
            }
        }
    }
    buffers.give_back(packed);
    weight
}
