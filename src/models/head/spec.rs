//! What a projection head is made of.

use serde::{Deserialize, Serialize};

use crate::models::ModelError;

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
    /// GELU in its exact form, x Φ(x) (DINO's heads).
    Gelu,
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
pub(super) enum Kind {
    Global,
    Dense,
}

impl HeadSpec {
    /// Values the head takes; `None` without a linear layer or normalisation.
    pub fn inputs(&self) -> Option<usize> {
        self.layers.iter().find_map(|layer| match layer {
            HeadLayer::Linear { inputs, .. } => Some(*inputs),
            HeadLayer::BatchNorm { dim, .. } => Some(*dim),
            HeadLayer::Relu | HeadLayer::Gelu => None,
        })
    }

    /// Values the head gives; `None` without a linear layer or normalisation.
    pub fn outputs(&self) -> Option<usize> {
        self.layers.iter().rev().find_map(|layer| match layer {
            HeadLayer::Linear { outputs, .. } => Some(*outputs),
            HeadLayer::BatchNorm { dim, .. } => Some(*dim),
            HeadLayer::Relu | HeadLayer::Gelu => None,
        })
    }

    /// Every tensor a [`ProjectionHead`](super::ProjectionHead) of this kind needs, by canonical name and shape.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors_of(Kind::Global)
    }

    /// Every tensor a [`DenseHead`](super::DenseHead) of this kind needs, by canonical name and shape.
    pub fn dense_tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors_of(Kind::Dense)
    }

    pub(super) fn tensors_of(&self, kind: Kind) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = kind.name(index);
            match *layer {
                HeadLayer::Linear {
                    inputs,
                    outputs,
                    has_bias,
                } => {
                    tensors.push((format!("{name}.weight"), kind.weight_shape(inputs, outputs)));
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
                HeadLayer::Relu | HeadLayer::Gelu => {}
            }
        }
        tensors
    }

    /// Checks that each layer takes what the one before it gives, and gives something.
    pub(super) fn check_widths(&self) -> Result<(), ModelError> {
        let mut width = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let (inputs, outputs) = match *layer {
                HeadLayer::Linear {
                    inputs, outputs, ..
                } => (inputs, outputs),
                HeadLayer::BatchNorm { dim, .. } => (dim, dim),
                HeadLayer::Relu | HeadLayer::Gelu => continue,
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
    /// Name of layer `index`.
    pub fn name(self, index: usize) -> String {
        match self {
            Self::Global => format!("head.{index}"),
            Self::Dense => format!("dense_head.{index}"),
        }
    }

    /// Shape of a linear layer's weight.
    pub fn weight_shape(self, inputs: usize, outputs: usize) -> Vec<usize> {
        match self {
            Self::Global => vec![outputs, inputs],
            Self::Dense => vec![outputs, inputs, 1, 1],
        }
    }
}
