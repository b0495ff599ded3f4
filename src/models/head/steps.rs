//! A head's layers as the few products and sums they come down to.

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor, TensorData,
        activation::{gelu, relu},
    },
};

use super::spec::{HeadLayer, HeadSpec, Kind};
use crate::models::{
    ModelError, TensorSource,
    fold::{Folded, NormTensors},
    source::{check_tensors, take_checked},
};

/// One step of a head: `x → a(s ⊙ (x Wᵀ) + b)`, of which each part may be absent.
#[derive(Module, Debug)]
pub(super) struct HeadStep {
    weight: Option<Param<Tensor<2>>>,
    scale: Option<Param<Tensor<1>>>,
    shift: Option<Param<Tensor<1>>>,
    has_relu: bool,
    has_gelu: bool,
}

impl HeadStep {
    fn identity() -> Self {
        Self {
            weight: None,
            scale: None,
            shift: None,
            has_relu: false,
            has_gelu: false,
        }
    }

    /// A linear layer of `shape` `[out, in]`.
    pub fn linear(layer: Folded, shape: [usize; 2], device: &Device) -> Self {
        Self {
            weight: Some(param(layer.weight, shape, device)),
            shift: Some(param(layer.bias, [shape[0]], device)),
            ..Self::identity()
        }
    }

    /// Rows `[n, in]` to rows `[n, out]`.
    pub fn forward(&self, mut rows: Tensor<2>) -> Tensor<2> {
        if let Some(weight) = &self.weight {
            rows = rows.matmul(weight.val().transpose());
        }
        if let Some(scale) = &self.scale {
            rows = rows * scale.val().unsqueeze();
        }
        if let Some(shift) = &self.shift {
            rows = rows + shift.val().unsqueeze();
        }
        if self.has_relu {
            relu(rows)
        } else if self.has_gelu {
            gelu(rows)
        } else {
            rows
        }
    }
}

/// Builds the steps of a head; a normalisation behind a linear layer is folded into it.
pub(super) fn build_steps(
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
        let name = kind.name(index);
        match *layer {
            HeadLayer::Linear {
                inputs,
                outputs,
                has_bias,
            } => {
                let shape = kind.weight_shape(inputs, outputs);
                let mut layer = take_linear(source, &name, &shape, has_bias)?;
                if let Some(&(next, HeadLayer::BatchNorm { dim, is_affine })) = layers.peek() {
                    take_norm(source, &kind.name(next), *dim, *is_affine)?.fold_into(&mut layer);
                    layers.next();
                }
                steps.push(HeadStep::linear(layer, [outputs, inputs], device));
            }
            HeadLayer::BatchNorm { dim, is_affine } => {
                // Nothing to fold into: the normalisation of a diagonal layer of ones.
                let mut layer = Folded {
                    weight: vec![1.0; dim],
                    bias: vec![0.0; dim],
                };
                take_norm(source, &name, dim, is_affine)?.fold_into(&mut layer);
                steps.push(HeadStep {
                    scale: Some(param(layer.weight, [dim], device)),
                    shift: Some(param(layer.bias, [dim], device)),
                    ..HeadStep::identity()
                });
            }
            HeadLayer::Relu | HeadLayer::Gelu => {
                // Behind an activation stands nothing that it could be joined with.
                let is_free = |step: &HeadStep| !(step.has_relu || step.has_gelu);
                if !steps.last().is_some_and(is_free) {
                    steps.push(HeadStep::identity());
                }
                if let Some(step) = steps.last_mut() {
                    step.has_relu = *layer == HeadLayer::Relu;
                    step.has_gelu = *layer == HeadLayer::Gelu;
                }
            }
        }
    }
    Ok(steps)
}

/// Takes a linear layer's weight and bias.
pub(super) fn take_linear(
    source: &mut dyn TensorSource,
    name: &str,
    shape: &[usize],
    has_bias: bool,
) -> Result<Folded, ModelError> {
    let outputs = shape[0];
    Ok(Folded {
        weight: take_checked(source, &format!("{name}.weight"), shape)?,
        bias: if has_bias {
            take_checked(source, &format!("{name}.bias"), &[outputs])?
        } else {
            vec![0.0; outputs]
        },
    })
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
