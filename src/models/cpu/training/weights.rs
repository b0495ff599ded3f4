//! Weights between the layout of tensors and that of the tiles, and back.

use rayon::prelude::*;

use super::super::map::{LANES, Pixel};
use crate::models::blueprint::ConvPlan;

/// Pixels that the packed weights of a convolution fill, in either direction.
pub(super) fn packed_len(plan: &ConvPlan) -> usize {
    plan.outputs.div_ceil(LANES) * plan.inputs.div_ceil(LANES) * plan.kernel.pow(2) * LANES
}

/// For the forward pass: `[output block][input block][place][input channel]`, a pixel the output
/// channels of a block. `into` has [`packed_len`] pixels of any value.
pub(super) fn pack_forward(plan: &ConvPlan, weight: &[f32], into: &mut [Pixel]) {
    let area = plan.kernel.pow(2);
    let tile = area * LANES;
    let per_filter = plan.inputs * area;
    into.par_chunks_exact_mut(plan.inputs.div_ceil(LANES) * tile)
        .zip(weight.par_chunks(LANES * per_filter))
        .for_each(|(row, filters)| {
            for (block, pixels) in row.chunks_exact_mut(tile).enumerate() {
                clear_unless_full(plan, filters.len() / per_filter, block, pixels);
                for (lane, filter) in filters.chunks_exact(per_filter).enumerate() {
                    let first = block * LANES * area;
                    let values = &filter[first..per_filter.min(first + LANES * area)];
                    for (channel, values) in values.chunks_exact(area).enumerate() {
                        for (place, value) in values.iter().enumerate() {
                            pixels[place * LANES + channel].0[lane] = *value;
                        }
                    }
                }
            }
        });
}

/// For the way back, where the convolution's outputs are the inputs:
/// `[input block][output block][place][output channel]`, a pixel the input channels of a block.
pub(super) fn pack_backward(plan: &ConvPlan, weight: &[f32], into: &mut [Pixel]) {
    let area = plan.kernel.pow(2);
    let tile = area * LANES;
    let per_filter = plan.inputs * area;
    into.par_chunks_exact_mut(plan.outputs.div_ceil(LANES) * tile)
        .enumerate()
        .for_each(|(block, row)| {
            let first = block * LANES * area;
            for (pixels, filters) in row
                .chunks_exact_mut(tile)
                .zip(weight.chunks(LANES * per_filter))
            {
                clear_unless_full(plan, filters.len() / per_filter, block, pixels);
                for (output, filter) in filters.chunks_exact(per_filter).enumerate() {
                    let values = &filter[first..per_filter.min(first + LANES * area)];
                    for (lane, values) in values.chunks_exact(area).enumerate() {
                        for (place, value) in values.iter().enumerate() {
                            pixels[place * LANES + output].0[lane] = *value;
                        }
                    }
                }
            }
        });
}

/// A tile that the weights do not fill has zeros in the rest.
fn clear_unless_full(plan: &ConvPlan, outputs: usize, input_block: usize, pixels: &mut [Pixel]) {
    if outputs < LANES || (input_block + 1) * LANES > plan.inputs {
        pixels.fill(Pixel::ZERO);
    }
}

/// Gradients `[input block][output block][place][input channel]`, a pixel the output channels of a
/// block, as `[out, in, kernel, kernel]`.
pub(super) fn unpack(plan: &ConvPlan, packed: &[Pixel]) -> Vec<f32> {
    let area = plan.kernel.pow(2);
    let tile = area * LANES;
    let per_filter = plan.inputs * area;
    let out_blocks = plan.outputs.div_ceil(LANES);
    let mut weight = vec![0.0; plan.outputs * per_filter];
    weight
        .par_chunks_mut(LANES * per_filter)
        .enumerate()
        .for_each(|(out_block, filters)| {
            for in_block in 0..plan.inputs.div_ceil(LANES) {
                let pixels = &packed[(in_block * out_blocks + out_block) * tile..][..tile];
                for (lane, filter) in filters.chunks_exact_mut(per_filter).enumerate() {
                    let first = in_block * LANES * area;
                    let values = &mut filter[first..per_filter.min(first + LANES * area)];
                    for (channel, values) in values.chunks_exact_mut(area).enumerate() {
                        for (place, value) in values.iter_mut().enumerate() {
                            *value = pixels[place * LANES + channel].0[lane];
                        }
                    }
                }
            }
        });
    weight
}
