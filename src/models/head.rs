//! Heads behind an encoder: projection (global and dense) and the linear classifier.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, TensorData, activation::relu},
};
use serde::{Deserialize, Serialize};

use super::{
    error::ModelError,
    fold::{Folded, NormTensors},
    source::{TensorSource, check_tensors, take_checked},
};

/// A layer of a projection head, as it stands in the head's `Sequential`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeadLayer {
    /// A linear layer (in a dense head a 1×1 convolution).
    Linear {
        /// Values in.
        inputs: usize,
        /// Values out.
        outputs: usize,
        /// Whether it has a bias.
        has_bias: bool,
    },
    /// Batch normalisation in inference mode.
    BatchNorm {
        /// Values in and out.
        dim: usize,
        /// Whether it has a scale and a shift.
        is_affine: bool,
    },
    /// ReLU.
    Relu,
}

/// The layers of a projection head, first to last.
///
/// Layer `i` has the tensors `head.{i}.weight` and so on (`dense_head.{i}.*` in a dense head), with
/// `i` counting every layer, ReLUs too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadSpec {
    /// The layers.
    pub layers: Vec<HeadLayer>,
}

/// Which of the two projection heads.
#[derive(Clone, Copy)]
enum Kind {
    Global,
    Dense,
}

impl HeadSpec {
    /// Values the head takes; `None` without a linear layer or normalisation.
    pub fn inputs(&self) -> Option<usize> {
        self.layers.iter().find_map(|layer| match layer {
            HeadLayer::Linear { inputs, .. } => Some(*inputs),
            HeadLayer::BatchNorm { dim, .. } => Some(*dim),
            HeadLayer::Relu => None,
        })
    }

    /// Values the head gives; `None` without a linear layer or normalisation.
    pub fn outputs(&self) -> Option<usize> {
        self.layers.iter().rev().find_map(|layer| match layer {
            HeadLayer::Linear { outputs, .. } => Some(*outputs),
            HeadLayer::BatchNorm { dim, .. } => Some(*dim),
            HeadLayer::Relu => None,
        })
    }

    /// Every tensor a [`ProjectionHead`] of this kind needs, by canonical name and shape.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors_of(Kind::Global)
    }

    /// Every tensor a [`DenseHead`] of this kind needs, by canonical name and shape.
    pub fn dense_tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors_of(Kind::Dense)
    }

    fn tensors_of(&self, kind: Kind) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = kind.name(index);
            match *layer {
                HeadLayer::Linear {
                    inputs,
                    outputs,
                    has_bias,
                } => {
                    tensors.push((format!("{name}.weight"), kind.weight(inputs, outputs)));
                    if has_bias {
                        tensors.push((format!("{name}.bias"), vec![outputs]));
                    }
                }
                HeadLayer::BatchNorm { dim, is_affine } => {
                    let parts = ["weight", "bias", "running_mean", "running_var"];
                    for part in &parts[if is_affine { 0 } else { 2 }..] {
                        tensors.push((format!("{name}.{part}"), vec![dim]));
                    }
                }
                HeadLayer::Relu => {}
            }
        }
        tensors
    }

    /// Checks that each layer takes what the one before it gives, and gives something.
    fn check_widths(&self) -> Result<(), ModelError> {
        let mut width = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let (inputs, outputs) = match *layer {
                HeadLayer::Linear {
                    inputs, outputs, ..
                } => (inputs, outputs),
                HeadLayer::BatchNorm { dim, .. } => (dim, dim),
                HeadLayer::Relu => continue,
            };
            if inputs == 0 || outputs == 0 || width.is_some_and(|width| width != inputs) {
                return Err(ModelError::Architecture(format!(
                    "layer {index} of a projection head takes {inputs} values and gives {outputs}, \
                     after {width:?}"
                )));
            }
            width = Some(outputs);
        }
        match width {
            Some(_) => Ok(()),
            None => Err(ModelError::Architecture(
                "a projection head without a layer that has weights".to_owned(),
            )),
        }
    }
}

impl Kind {
    fn name(self, index: usize) -> String {
        match self {
            Self::Global => format!("head.{index}"),
            Self::Dense => format!("dense_head.{index}"),
        }
    }

    fn weight(self, inputs: usize, outputs: usize) -> Vec<usize> {
        match self {
            Self::Global => vec![outputs, inputs],
            Self::Dense => vec![outputs, inputs, 1, 1],
        }
    }
}

/// One step of a head: `x → ReLU(s ⊙ (x Wᵀ) + b)`, of which each part may be absent.
#[derive(Module, Debug)]
struct HeadStep {
    weight: Option<Param<Tensor<2>>>,
    scale: Option<Param<Tensor<1>>>,
    shift: Option<Param<Tensor<1>>>,
    has_relu: bool,
}

impl HeadStep {
    fn forward(&self, mut rows: Tensor<2>) -> Tensor<2> {
        if let Some(weight) = &self.weight {
            rows = rows.matmul(weight.val().transpose());
        }
        if let Some(scale) = &self.scale {
            rows = rows * scale.val().unsqueeze();
        }
        if let Some(shift) = &self.shift {
            rows = rows + shift.val().unsqueeze();
        }
        if self.has_relu { relu(rows) } else { rows }
    }
}

/// Builds the steps of a head; a normalisation behind a linear layer is folded into it.
fn build_steps(
    spec: &HeadSpec,
    kind: Kind,
    source: &mut dyn TensorSource,
    device: &Device,
) -> Result<Vec<HeadStep>, ModelError> {
    spec.check_widths()?;
    let owner = match kind {
        Kind::Global => "the projection head",
        Kind::Dense => "the dense projection head",
    };
    check_tensors(owner, source, &spec.tensors_of(kind))?;
    let mut steps: Vec<HeadStep> = Vec::new();
    let mut layers = spec.layers.iter().enumerate().peekable();
    while let Some((index, layer)) = layers.next() {
        match *layer {
            HeadLayer::Linear {
                inputs,
                outputs,
                has_bias,
            } => {
                let name = kind.name(index);
                let shape = kind.weight(inputs, outputs);
                let mut layer = Folded {
                    weight: take_checked(source, &format!("{name}.weight"), &shape)?,
                    bias: if has_bias {
                        take_checked(source, &format!("{name}.bias"), &[outputs])?
                    } else {
                        vec![0.0; outputs]
                    },
                };
                if let Some(&(next, HeadLayer::BatchNorm { dim, is_affine })) = layers.peek() {
                    take_norm(source, &kind.name(next), *dim, *is_affine)?.fold_into(&mut layer);
                    layers.next();
                }
                steps.push(HeadStep {
                    weight: Some(param(layer.weight, [outputs, inputs], device)),
                    scale: None,
                    shift: Some(param(layer.bias, [outputs], device)),
                    has_relu: false,
                });
            }
            HeadLayer::BatchNorm { dim, is_affine } => {
                // Nothing to fold into: the normalisation of a diagonal layer of ones.
                let mut layer = Folded {
                    weight: vec![1.0; dim],
                    bias: vec![0.0; dim],
                };
                take_norm(source, &kind.name(index), dim, is_affine)?.fold_into(&mut layer);
                steps.push(HeadStep {
                    weight: None,
                    scale: Some(param(layer.weight, [dim], device)),
                    shift: Some(param(layer.bias, [dim], device)),
                    has_relu: false,
                });
            }
            HeadLayer::Relu => match steps.last_mut() {
                Some(step) => step.has_relu = true,
                None => steps.push(HeadStep {
                    weight: None,
                    scale: None,
                    shift: None,
                    has_relu: true,
                }),
            },
        }
    }
    Ok(steps)
}

fn take_norm(
    source: &mut dyn TensorSource,
    name: &str,
    dim: usize,
    is_affine: bool,
) -> Result<NormTensors, ModelError> {
    if is_affine {
        return NormTensors::take(source, name, dim);
    }
    Ok(NormTensors {
        scale: vec![1.0; dim],
        shift: vec![0.0; dim],
        mean: take_checked(source, &format!("{name}.running_mean"), &[dim])?,
        variance: take_checked(source, &format!("{name}.running_var"), &[dim])?,
    })
}

fn param<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

fn check_width(owner: &str, expected: usize, found: usize) -> Result<(), ModelError> {
    if expected == found {
        return Ok(());
    }
    Err(ModelError::Input(format!(
        "{owner} takes {expected} values, the encoder gives {found}"
    )))
}

/// The head behind the pooled feature (SimCLR's, MoCo's, BYOL's … MLP), for inference.
#[derive(Module, Debug)]
pub struct ProjectionHead {
    steps: Vec<HeadStep>,
    inputs: usize,
    outputs: usize,
}

impl ProjectionHead {
    /// Builds the head from tensors `head.{i}.*`.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] when the layers do not fit each other,
    /// [`ModelError::Tensors`] before anything is read, [`ModelError::Read`] from the source.
    pub fn build(
        spec: &HeadSpec,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            steps: build_steps(spec, Kind::Global, source, device)?,
            inputs: spec.inputs().unwrap_or(0),
            outputs: spec.outputs().unwrap_or(0),
        })
    }

    /// Values the head takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values the head gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Features `[n, inputs]` to projections `[n, outputs]`.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the features have another width.
    pub fn forward(&self, rows: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        check_width("the projection head", self.inputs, rows.dims()[1])?;
        Ok(self
            .steps
            .iter()
            .fold(rows, |rows, step| step.forward(rows)))
    }
}

/// The head behind each location of the last map (DenseCL's 1×1 convolutions), for inference.
#[derive(Module, Debug)]
pub struct DenseHead {
    steps: Vec<HeadStep>,
    inputs: usize,
    outputs: usize,
}

impl DenseHead {
    /// Builds the head from tensors `dense_head.{i}.*`.
    ///
    /// # Errors
    /// As [`ProjectionHead::build`].
    pub fn build(
        spec: &HeadSpec,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            steps: build_steps(spec, Kind::Dense, source, device)?,
            inputs: spec.inputs().unwrap_or(0),
            outputs: spec.outputs().unwrap_or(0),
        })
    }

    /// Channels the head takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Channels the head gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// A map `[n, inputs, height, width]` to `[n, outputs, height, width]`.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the map has another number of channels.
    pub fn forward(&self, map: Tensor<4>) -> Result<Tensor<4>, ModelError> {
        let [images, channels, height, width] = map.dims();
        check_width("the dense projection head", self.inputs, channels)?;
        // A 1×1 convolution is one matrix product over all locations.
        let locations = images * height * width;
        let rows = map.permute([0, 2, 3, 1]).reshape([locations, channels]);
        let rows = self
            .steps
            .iter()
            .fold(rows, |rows, step| step.forward(rows));
        Ok(rows
            .reshape([images, height, width, self.outputs])
            .permute([0, 3, 1, 2]))
    }
}

/// The linear classifier behind the pooled feature.
#[derive(Module, Debug)]
pub struct Classifier {
    step: HeadStep,
    inputs: usize,
    classes: usize,
}

impl Classifier {
    /// The tensors a classifier needs, by canonical name and shape.
    pub fn tensors(inputs: usize, classes: usize) -> Vec<(String, Vec<usize>)> {
        vec![
            ("fc.weight".to_owned(), vec![classes, inputs]),
            ("fc.bias".to_owned(), vec![classes]),
        ]
    }

    /// Builds the classifier from `fc.weight` and `fc.bias`.
    ///
    /// # Errors
    /// [`ModelError::Tensors`] before anything is read, [`ModelError::Read`] from the source.
    pub fn build(
        inputs: usize,
        classes: usize,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        check_tensors("the classifier", source, &Self::tensors(inputs, classes))?;
        let weight = take_checked(source, "fc.weight", &[classes, inputs])?;
        let bias = take_checked(source, "fc.bias", &[classes])?;
        Ok(Self {
            step: HeadStep {
                weight: Some(param(weight, [classes, inputs], device)),
                scale: None,
                shift: Some(param(bias, [classes], device)),
                has_relu: false,
            },
            inputs,
            classes,
        })
    }

    /// Values the classifier takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Classes it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Features `[n, inputs]` to logits `[n, classes]`.
    ///
    /// # Errors
    /// [`ModelError::Input`] when the features have another width.
    pub fn forward(&self, rows: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        check_width("the classifier", self.inputs, rows.dims()[1])?;
        Ok(self.step.forward(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::SeededInit;

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
        // One source under both names: the tensors' values follow from the part after the dot.
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
}
