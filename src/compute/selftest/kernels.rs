//! The computations that are compared: the operations of the app at toy sizes, with seeded inputs.

use burn::tensor::{
    Device, Tensor, TensorData, activation, module,
    ops::{ConvOptions, MaxPoolOptions},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::compute::{ComputeError, read_tensor};

/// Rows and dimensions of the uniformity check, and rows of a tile.
const ROWS: usize = 192;
const DIM: usize = 32;
const TILE: usize = 64;
/// Pairs, inputs and outputs of the gradient check.
const PAIRS: usize = 64;
const INPUTS: usize = 24;
const OUTPUTS: usize = 16;
/// Temperature of the uniformity loss, the paper's default.
const T: f32 = 2.0;

/// Standard normal values, the same for a seed on every machine.
fn normal<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.iter().product();
    let values: Vec<f32> = StandardNormal.sample_iter(rng).take(count).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A small convolutional network from images to outputs, with weights scaled to keep activations
/// near one.
pub(super) fn forward(device: &Device) -> Result<Vec<f32>, ComputeError> {
    let images = normal(1, [4, 3, 16, 16], device);
    let first = normal(2, [8, 3, 3, 3], device) * (2.0 / 27.0_f32).sqrt();
    let second = normal(3, [16, 8, 3, 3], device) * (2.0 / 72.0_f32).sqrt();
    let last = normal(4, [16, 8], device) * 0.25;

    let maps = module::conv2d(
        images,
        first,
        None,
        ConvOptions::new([1, 1], [1, 1], [1, 1], 1),
    );
    let maps = module::max_pool2d(activation::relu(maps), MaxPoolOptions::new([2, 2]));
    let maps = module::conv2d(
        maps,
        second,
        None,
        ConvOptions::new([2, 2], [1, 1], [1, 1], 1),
    );
    let [images, channels, height, width] = maps.dims();
    let pooled = activation::relu(maps)
        .reshape([images, channels, height * width])
        .mean_dim(2)
        .reshape([images, channels]);
    read_tensor(pooled.matmul(last))
}

/// Rows of unit length: z / max(‖z‖, 1e-12).
fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let norms = (rows.clone() * rows.clone())
        .sum_dim(1)
        .sqrt()
        .clamp_min(1e-12);
    rows / norms
}

/// Σ exp(−t‖x_i − y_j‖²) over all i, j of two tiles of unit rows, by ‖x − y‖² = 2 − 2 x·y. The
/// diagonal counts as nothing when both are one tile.
fn tile_sum(x: Tensor<2>, y: Tensor<2>, is_diagonal: bool) -> Tensor<1> {
    let (rows, device) = (x.dims()[0], x.device());
    let squared = (x.matmul(y.transpose()) * -2.0 + 2.0).clamp_min(0.0);
    let kernel = (squared * -T).exp();
    if is_diagonal {
        let off_diagonal = Tensor::<2>::eye(rows, &device) * -1.0 + 1.0;
        (kernel * off_diagonal).sum()
    } else {
        kernel.sum()
    }
}

/// L_uniform(t) = log mean over i < j of exp(−t‖x_i − x_j‖²) (Wang & Isola 2020), tile by tile so
/// that no N×N matrix is ever held.
pub(super) fn uniformity_of_rows(device: &Device) -> Result<Vec<f32>, ComputeError> {
    let rows = unit_rows(normal(5, [ROWS, DIM], device));
    let tile = |index: usize| {
        rows.clone()
            .slice([index * TILE..(index + 1) * TILE, 0..DIM])
    };
    let mut sum = Tensor::<1>::zeros([1], device);
    for i in 0..ROWS / TILE {
        // Both orders of a pair are in a diagonal tile, one is in the others.
        sum = sum + tile_sum(tile(i), tile(i), true) * 0.5;
        for j in i + 1..ROWS / TILE {
            sum = sum + tile_sum(tile(i), tile(j), false);
        }
    }
    let pairs = (ROWS * (ROWS - 1) / 2) as f32;
    read_tensor((sum / pairs).log())
}

/// The gradient of L_align(α=2) + (L_uniform(x) + L_uniform(y)) / 2 with respect to the matrix
/// that projects both views, the inputs being constants: the shape of a probe on a frozen encoder.
pub(super) fn gradients(device: &Device) -> Result<Vec<f32>, ComputeError> {
    let device = device.clone().autodiff();
    let weights = (normal(6, [INPUTS, OUTPUTS], &device) * 0.2)
        .detach()
        .require_grad();
    let first = normal(7, [PAIRS, INPUTS], &device);
    let second = first.clone() + normal(8, [PAIRS, INPUTS], &device) * 0.3;

    let x = unit_rows(first.matmul(weights.clone()));
    let y = unit_rows(second.matmul(weights.clone()));
    let difference = x.clone() - y.clone();
    let align = (difference.clone() * difference).sum() / PAIRS as f32;
    let ordered_pairs = (PAIRS * (PAIRS - 1)) as f32;
    let uniform = |rows: Tensor<2>| (tile_sum(rows.clone(), rows, true) / ordered_pairs).log();
    let loss = align + (uniform(x) + uniform(y)) * 0.5;

    let gradients = loss.backward();
    let gradient = weights
        .grad(&gradients)
        .ok_or_else(|| ComputeError::Execution {
            message: "the weights received no gradient".to_owned(),
        })?;
    read_tensor(gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host<const D: usize>(seed: u64, shape: [usize; D]) -> Vec<f64> {
        read_tensor(normal(seed, shape, &Device::flex()))
            .expect("the CPU reads")
            .into_iter()
            .map(f64::from)
            .collect()
    }

    fn unit(rows: &[f64], dim: usize) -> Vec<Vec<f64>> {
        rows.chunks(dim)
            .map(|row| {
                let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
                row.iter().map(|v| v / norm).collect()
            })
            .collect()
    }

    fn squared(x: &[f64], y: &[f64]) -> f64 {
        x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum()
    }

    /// The definition, pair by pair in double precision.
    fn uniformity(rows: &[Vec<f64>]) -> f64 {
        let mut sum = 0.0;
        for (i, x) in rows.iter().enumerate() {
            sum += rows[i + 1..]
                .iter()
                .map(|y| (-2.0 * squared(x, y)).exp())
                .sum::<f64>();
        }
        (sum / (rows.len() * (rows.len() - 1) / 2) as f64).ln()
    }

    #[test]
    fn tiled_uniformity_is_the_definition() {
        let rows = unit(&host(5, [ROWS, DIM]), DIM);
        let value = uniformity_of_rows(&Device::flex()).expect("the CPU computes");
        let expected = uniformity(&rows);
        // The tolerance that the self-test itself derives for single precision.
        assert!(
            (f64::from(value[0]) - expected).abs() < 1e-4,
            "{value:?} against {expected}"
        );
    }

    /// The loss of `gradients` as a function of the weights, in double precision.
    fn loss(weights: &[f64]) -> f64 {
        let project = |rows: &[f64]| {
            let flat: Vec<f64> = rows
                .chunks(INPUTS)
                .flat_map(|row| {
                    (0..OUTPUTS).map(|o| {
                        row.iter()
                            .enumerate()
                            .map(|(i, v)| v * weights[i * OUTPUTS + o])
                            .sum()
                    })
                })
                .collect();
            unit(&flat, OUTPUTS)
        };
        let first = host(7, [PAIRS, INPUTS]);
        let noise = host(8, [PAIRS, INPUTS]);
        let second: Vec<f64> = first.iter().zip(&noise).map(|(a, b)| a + 0.3 * b).collect();
        let (x, y) = (project(&first), project(&second));
        let align = x.iter().zip(&y).map(|(x, y)| squared(x, y)).sum::<f64>() / PAIRS as f64;
        align + f64::midpoint(uniformity(&x), uniformity(&y))
    }

    #[test]
    fn gradients_are_slopes_of_the_loss() {
        let gradient = gradients(&Device::flex()).expect("the CPU computes");
        let weights: Vec<f64> = host(6, [INPUTS, OUTPUTS]).iter().map(|w| w * 0.2).collect();
        for seed in [11, 12, 13] {
            let direction = host(seed, [INPUTS, OUTPUTS]);
            let moved = |step: f64| -> Vec<f64> {
                weights
                    .iter()
                    .zip(&direction)
                    .map(|(w, d)| w + step * d)
                    .collect()
            };
            let step = 1e-5;
            let slope = (loss(&moved(step)) - loss(&moved(-step))) / (2.0 * step);
            let along: f64 = gradient
                .iter()
                .zip(&direction)
                .map(|(g, d)| f64::from(*g) * d)
                .sum();
            // Central differences in double precision are exact to step² here; the rest is the
            // single precision of the gradient, the self-test's own tolerance.
            assert!(
                (slope - along).abs() < 1e-3 * slope.abs().max(1.0),
                "{slope} against {along}"
            );
        }
    }

    #[test]
    fn the_network_gives_a_row_an_image() {
        let outputs = forward(&Device::flex()).expect("the CPU computes");
        assert_eq!(outputs.len(), 4 * 8);
        assert!(outputs.iter().all(|value| value.is_finite()));
    }
}
