//! Batch normalisation folded into the layer before it.
//!
//! In inference mode it is affine, y = γ (x − μ)/√(σ² + ε) + β (Ioffe & Szegedy 2015, algorithm 2),
//! so that a layer W x + b followed by it is the layer s·W x + (s·(b − μ) + β) with
//! s = γ/√(σ² + ε), an output channel. The sums run in f64: folding costs one rounding a weight.

use super::{
    blueprint::{ConvPlan, LinearPlan},
    error::ModelError,
    source::{TensorSource, take_checked},
};

/// PyTorch's default ε, which all known families keep.
pub(crate) const EPSILON: f64 = 1e-5;

/// A layer's weight and bias with its normalisation inside.
pub(crate) struct Folded {
    /// In the layer's own layout, output channel first.
    pub weight: Vec<f32>,
    /// One value an output channel.
    pub bias: Vec<f32>,
}

/// The tensors of a batch normalisation, one value a channel each.
pub(crate) struct NormTensors {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl NormTensors {
    /// Takes the four tensors of the normalisation called `name`.
    pub fn take(
        source: &mut dyn TensorSource,
        name: &str,
        channels: usize,
    ) -> Result<Self, ModelError> {
        let mut part = |part: &str| take_checked(source, &format!("{name}.{part}"), &[channels]);
        Ok(Self {
            scale: part("weight")?,
            shift: part("bias")?,
            mean: part("running_mean")?,
            variance: part("running_var")?,
        })
    }

    /// Folds this normalisation into the layer before it.
    pub fn fold_into(&self, layer: &mut Folded) {
        let per_output = layer.weight.len() / layer.bias.len();
        for (channel, weights) in layer.weight.chunks_exact_mut(per_output).enumerate() {
            let variance = f64::from(self.variance[channel]);
            let scale = f64::from(self.scale[channel]) / (variance + EPSILON).sqrt();
            for weight in weights {
                *weight = (f64::from(*weight) * scale) as f32;
            }
            let centred = f64::from(layer.bias[channel]) - f64::from(self.mean[channel]);
            layer.bias[channel] = (centred * scale + f64::from(self.shift[channel])) as f32;
        }
    }
}

/// A convolution with its normalisation folded in; weight `[out, in, kernel, kernel]`.
pub(crate) fn conv(plan: &ConvPlan, source: &mut dyn TensorSource) -> Result<Folded, ModelError> {
    let layer = Layer {
        name: &plan.name,
        norm: plan.norm.as_deref(),
        has_bias: plan.has_bias,
        outputs: plan.outputs,
    };
    layer.fold(&plan.weight_shape(), source)
}

/// A linear layer with its normalisation folded in; weight `[out, in]`.
pub(crate) fn linear(
    plan: &LinearPlan,
    source: &mut dyn TensorSource,
) -> Result<Folded, ModelError> {
    let layer = Layer {
        name: &plan.name,
        norm: plan.norm.as_deref(),
        has_bias: plan.has_bias,
        outputs: plan.outputs,
    };
    layer.fold(&[plan.outputs, plan.inputs], source)
}

/// What folding needs to know of a layer.
struct Layer<'a> {
    name: &'a str,
    norm: Option<&'a str>,
    has_bias: bool,
    outputs: usize,
}

impl Layer<'_> {
    fn fold(
        &self,
        weight_shape: &[usize],
        source: &mut dyn TensorSource,
    ) -> Result<Folded, ModelError> {
        let mut layer = Folded {
            weight: take_checked(source, &format!("{}.weight", self.name), weight_shape)?,
            bias: if self.has_bias {
                take_checked(source, &format!("{}.bias", self.name), &[self.outputs])?
            } else {
                vec![0.0; self.outputs]
            },
        };
        if let Some(norm) = self.norm {
            NormTensors::take(source, norm, self.outputs)?.fold_into(&mut layer);
        }
        Ok(layer)
    }
}
