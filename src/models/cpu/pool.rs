//! Max pooling of maps in blocks.

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
pub(super) fn forward(plan: PoolPlan, input: &Map, buffers: &mut Buffers) -> Map {
    let mut output = buffers.map(output_shape(plan, input.shape));
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
                let window_rows = window(plan, y, input.shape.height);
                for (x, pixel) in output[start..][..shape.width].iter_mut().enumerate() {
                    let columns = window(plan, x, input.shape.width);
                    *pixel = Pixel([f32::NEG_INFINITY; LANES]);
                    for input_y in window_rows.clone() {
                        let line = input.shape.row_start(image * input.shape.height + input_y);
                        for other in &plane[line..][columns.clone()] {
                            take_greater(pixel, other);
                        }
                    }
                }
            }
        });
    output
}

/// Where the window of an output position lies on a side of the input.
fn window(plan: PoolPlan, position: usize, side: usize) -> std::ops::Range<usize> {
    let start = position * plan.stride;
    start.saturating_sub(plan.padding)..(start + plan.kernel - plan.padding).min(side)
}

/// Keeps the greater of each lane; a NaN wins, as in PyTorch.
fn take_greater(pixel: &mut Pixel, other: &Pixel) {
    for (value, &other) in pixel.0.iter_mut().zip(&other.0) {
        *value = if other <= *value || value.is_nan() {
            *value
        } else {
            other
        };
    }
}
