//! Heads against their formulas.

use burn::tensor::{Device, Tensor, TensorData};

use super::{DenseHead, HeadLayer, HeadSpec, ProjectionHead};
use crate::models::{ModelError, SeededInit, TensorSource};

/// One source under both names: the tensors' values follow from the part after the dot.
struct Shared(SeededInit);
impl TensorSource for Shared {
    fn has(&self, _: &str) -> bool {
        true
    }
    fn shape(&self, _: &str) -> Option<Vec<usize>> {
        None
    }
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let name = name.trim_start_matches("dense_");
        self.0.take(name, &shape[..shape.len().min(2)])
    }
}

/// The same number for every tensor of a kind.
struct Numbers;
impl TensorSource for Numbers {
    fn has(&self, _: &str) -> bool {
        true
    }
    fn shape(&self, _: &str) -> Option<Vec<usize>> {
        None
    }
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let value = match name.rsplit('.').next() {
            Some("weight") => 2.0,
            Some("bias") => 0.5,
            Some("running_mean") => 3.0,
            _ => 4.0,
        };
        Ok(vec![value; shape.iter().product()])
    }
}

fn spec() -> HeadSpec {
    let linear = |inputs, outputs| HeadLayer::Linear {
        inputs,
        outputs,
        has_bias: true,
    };
    HeadSpec {
        layers: vec![linear(8, 6), HeadLayer::Relu, linear(6, 3)],
    }
}

fn rows(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

#[test]
fn dense_head_is_the_global_head_at_each_location() {
    let device = Device::flex();
    let mut source = Shared(SeededInit::new(5));
    let global = ProjectionHead::build(&spec(), &mut source, &device).unwrap();
    let dense = DenseHead::build(&spec(), &mut source, &device).unwrap();
    let values: Vec<f32> = (0..8 * 6).map(|i| (i as f32 * 0.7).sin()).collect();
    // One image of 8 channels on a 2×3 grid; its locations as rows are the transpose.
    let map = Tensor::<4>::from_data(TensorData::new(values.clone(), [1, 8, 2, 3]), &device);
    let locations = rows(values, [8, 6]).transpose();
    let expected = global.forward(locations).unwrap().transpose().into_data();
    let found = dense.forward(map).unwrap();
    assert_eq!(found.dims(), [1, 3, 2, 3]);
    let found = found.into_data();
    let pairs = found.as_slice::<f32>().unwrap().iter();
    for (found, expected) in pairs.zip(expected.as_slice::<f32>().unwrap()) {
        // Two products of at most 8 terms in f32, summed in another order.
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn normalisation_follows_its_formula_folded_or_alone() {
    let device = Device::flex();
    let norm = |is_affine| HeadLayer::BatchNorm { dim: 1, is_affine };
    let linear = HeadLayer::Linear {
        inputs: 1,
        outputs: 1,
        has_bias: true,
    };
    // x = 7: alone (7 − 3)/2 = 2, with scale and shift 4.5; behind 2x + 0.5 = 14.5 it is 5.75.
    // ε = 1e-5 under the root of 4 moves each by a relative 1.25e-6.
    for (layers, expected) in [
        (vec![norm(false)], 2.0_f32),
        (vec![norm(true)], 4.5),
        (vec![linear, norm(false)], 5.75),
    ] {
        let head = ProjectionHead::build(&HeadSpec { layers }, &mut Numbers, &device).unwrap();
        let found = head.forward(rows(vec![7.0], [1, 1])).unwrap().into_data();
        let found = found.as_slice::<f32>().unwrap()[0];
        assert!((found - expected).abs() < 2e-5, "{found} {expected}");
    }
}

#[test]
fn widths_that_do_not_fit_are_errors() {
    let mut source = SeededInit::new(1);
    let device = Device::flex();
    let mut broken = spec();
    broken.layers.swap(0, 2);
    assert!(ProjectionHead::build(&broken, &mut source, &device).is_err());
    assert!(ProjectionHead::build(&HeadSpec::default(), &mut source, &device).is_err());
    let head = ProjectionHead::build(&spec(), &mut source, &device).unwrap();
    assert!(head.forward(rows(vec![0.0; 14], [2, 7])).is_err());
}

#[test]
fn gelu_is_the_exact_one_and_no_activation_swallows_another() {
    let linear = HeadLayer::Linear {
        inputs: 1,
        outputs: 1,
        has_bias: true,
    };
    let output = |layers: Vec<HeadLayer>, input: f32| {
        let spec = HeadSpec { layers };
        let head = ProjectionHead::build(&spec, &mut Numbers, &Device::flex()).unwrap();
        let data = head.forward(rows(vec![input], [1, 1])).unwrap().into_data();
        data.as_slice::<f32>().unwrap()[0]
    };
    // 2·(−0.5) + 0.5 = −0.5; GELU(−0.5) = −0.5 Φ(−0.5), with Φ(−0.5) = 0.3085375387 (tables).
    let found = output(vec![linear, HeadLayer::Gelu], -0.5);
    assert!((found + 0.5 * 0.308_537_54).abs() < 1e-6, "{found}");
    // The tanh approximation gives −0.15429.
    let both = output(vec![linear, HeadLayer::Gelu, HeadLayer::Relu], -0.5);
    assert_eq!(both, 0.0);
}
