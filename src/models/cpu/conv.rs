//! Convolutions of maps in blocks: packed weights and how the work is shared.

use pulp::Arch;
use rayon::prelude::*;

use super::{
    map::{BORDER, Buffers, LANES, Map, MapShape, Pixel},
    tile::{ConvJob, Grid, Tiling, blocks_per_share, register_lanes},
    winograd::{self, Turn, WinogradJob},
};
use crate::models::{blueprint::ConvPlan, fold::Folded};

/// A convolution with its normalisation folded in and its weights packed for the tiles.
#[derive(Debug)]
pub(super) struct Conv {
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    has_relu: bool,
    /// `[output block][input block][kernel row][kernel column][input channel]`.
    weights: Vec<Pixel>,
    /// The same, mapped, where fewer products are worth it.
    mapped: Option<Vec<Pixel>>,
    /// One pixel an output block.
    bias: Vec<Pixel>,
}

impl Conv {
    /// Whether the tiles know this kind of convolution.
    pub fn is_supported(plan: &ConvPlan) -> bool {
        plan.padding <= BORDER && matches!(plan.stride, 1 | 2) && plan.kernel > 0
    }

    /// Packs the weights of a convolution.
    pub fn pack(plan: &ConvPlan, folded: &Folded) -> Self {
        let area = plan.kernel * plan.kernel;
        let per_filter = plan.inputs * area;
        let per_block = plan.inputs.div_ceil(LANES) * area * LANES;
        let mut weights = vec![Pixel::ZERO; plan.outputs.div_ceil(LANES) * per_block];
        weights
            .par_chunks_exact_mut(per_block)
            .zip(folded.weight.par_chunks(LANES * per_filter))
            .for_each(|(pixels, filters)| {
                for (lane, filter) in filters.chunks_exact(per_filter).enumerate() {
                    for (input, values) in filter.chunks_exact(area).enumerate() {
                        let block = input / LANES * area;
                        for (place, value) in values.iter().enumerate() {
                            let pixel = (block + place) * LANES + input % LANES;
                            pixels[pixel].0[lane] = *value;
                        }
                    }
                }
            });
        let kernel = [plan.kernel, plan.stride, plan.padding];
        let mapped = winograd::is_worth(kernel, plan.inputs).then(|| {
            let mut mapped = vec![Pixel::ZERO; winograd::mapped_len(weights.len())];
            winograd::map_filters(&weights, plan.inputs, Turn::Straight, &mut mapped);
            mapped
        });
        Self {
            outputs: plan.outputs,
            kernel: plan.kernel,
            stride: plan.stride,
            padding: plan.padding,
            has_relu: plan.has_relu,
            weights,
            mapped,
            bias: pack_bias(&folded.bias),
        }
    }

    /// The shortcut that takes every second pixel and puts channels of zeros around its own, as a
    /// 1×1 convolution with a weight of one an input channel: products with one are exact.
    pub fn subsample(inputs: usize, before: usize, after: usize) -> Self {
        let outputs = before + inputs + after;
        let mut weight = vec![0.0; outputs * inputs];
        for channel in 0..inputs {
            weight[(before + channel) * inputs + channel] = 1.0;
        }
        let plan = ConvPlan::new("", "", [inputs, outputs])
            .with_kernel(1)
            .with_stride(2)
            .linear();
        let bias = vec![0.0; outputs];
        Self::pack(&plan, &Folded { weight, bias })
    }

    /// The same convolution with a ReLU behind it: the sum of a residual block ends in one.
    pub fn with_relu(mut self) -> Self {
        self.has_relu = true;
        self
    }

    /// Whether maps that suit go the way of fewer products.
    #[cfg(test)]
    pub fn has_fewer_products(&self) -> bool {
        self.mapped.is_some()
    }

    /// Memory of the weights as they are read.
    pub fn weight_bytes(&self) -> usize {
        size_of_val(self.mapped.as_deref().unwrap_or(&self.weights))
    }

    /// The shape of the output map.
    pub fn output_shape(&self, input: MapShape) -> MapShape {
        let side = |side: usize| (side + 2 * self.padding - self.kernel) / self.stride + 1;
        MapShape {
            images: input.images,
            channels: self.outputs,
            height: side(input.height),
            width: side(input.width),
        }
    }

    /// `input` through the convolution, plus `residual`, through the ReLU.
    pub fn forward(
        &self,
        arch: Arch,
        input: &Map,
        residual: Option<&Map>,
        buffers: &mut Buffers,
    ) -> Map {
        let mut output = buffers.map(self.output_shape(input.shape));
        let shape = output.shape;
        let lanes = register_lanes(arch);
        let kernel = [self.kernel, self.stride, self.padding];
        let (grid, taps) = Grid::of_convolution(kernel, &input.shape, &shape);
        let tiling = Tiling::choose(lanes, &grid);
        let blocks = blocks_per_share(lanes);
        let per_block = self.weights.len() / self.bias.len();
        let mapped = self.mapped.as_ref().filter(|_| winograd::suits(&shape));
        let share = |index: usize, output: &mut [Pixel]| {
            let first = index * blocks;
            let count = output.len() / shape.plane();
            for plane in output.chunks_exact_mut(shape.plane()) {
                shape.clear_border(plane);
            }
            let bias = &self.bias[first..][..count];
            let residual = residual.map(|map| &map.pixels[first * shape.plane()..][..output.len()]);
            if let Some(mapped) = mapped {
                let per_block = mapped.len() / self.bias.len();
                let job = WinogradJob {
                    arch,
                    input: &input.pixels,
                    filters: &mapped[first * per_block..][..count * per_block],
                    bias,
                    residual,
                    shape,
                    output,
                    is_added: false,
                    has_relu: self.has_relu,
                };
                return job.run();
            }
            let job = ConvJob {
                arch,
                input: &input.pixels,
                input_plane: input.shape.plane(),
                area: self.kernel * self.kernel,
                taps: &taps,
                weights: &self.weights[first * per_block..][..count * per_block],
                bias,
                residual,
                grid,
                output_plane: shape.plane(),
                output,
                is_added: false,
                has_relu: self.has_relu,
            };
            job.run(tiling);
        };
        output
            .pixels
            .par_chunks_mut(blocks * shape.plane())
            .enumerate()
            .for_each(|(index, output)| share(index, output));
        output
    }
}

/// One pixel a block of output channels, the last filled up with zeros.
pub(super) fn pack_bias(bias: &[f32]) -> Vec<Pixel> {
    bias.chunks(LANES)
        .map(|values| {
            let mut pixel = Pixel::ZERO;
            pixel.0[..values.len()].copy_from_slice(values);
            pixel
        })
        .collect()
}
