//! What stands behind the encoder while it trains: projection heads, a classifier, a decoder.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, TensorData, activation::relu},
};

use crate::models::{HeadLayer, HeadSpec, ModelError, TensorSource};

use super::tensors::NamedTensor;

/// Linear layers with ReLUs between them.
#[derive(Module, Debug)]
pub(super) struct Mlp {
    layers: Vec<Layer>,
}

/// `x Wᵀ + b`.
#[derive(Module, Debug)]
struct Layer {
    /// `[out, in]`, as PyTorch keeps it.
    weight: Param<Tensor<2>>,
    /// `[out]`.
    bias: Param<Tensor<1>>,
}

/// Where a head's tensors stand in a file, and in which shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the pooled feature: `projector.{0, 2, …}`.
    Projector,
    /// Behind each location, as 1×1 convolutions: `dense_projector.{0, 2, …}`.
    Dense,
    /// From a location's vector to the pixels of its patch: `decoder`.
    Decoder,
    /// The linear classifier behind the encoder's own feature: `fc`.
    Classifier,
    /// The linear classifier behind the projector: `projected_fc`.
    ProjectedClassifier,
}

impl Place {
    fn layer(self, index: usize) -> String {
        match self {
            Self::Projector => format!("projector.{}", 2 * index),
            Self::Dense => format!("dense_projector.{}", 2 * index),
            Self::Decoder => "decoder".to_owned(),
            Self::Classifier => "fc".to_owned(),
            Self::ProjectedClassifier => "projected_fc".to_owned(),
        }
    }

    fn weight_shape(self, outputs: usize, inputs: usize) -> Vec<usize> {
        match self {
            Self::Dense => vec![outputs, inputs, 1, 1],
            Self::Projector | Self::Decoder | Self::Classifier | Self::ProjectedClassifier => {
                vec![outputs, inputs]
            }
        }
    }
}

/// The head of the given widths as a specification for inference.
pub(super) fn spec(widths: &[usize]) -> HeadSpec {
    let mut layers = Vec::new();
    for pair in widths.windows(2) {
        if !layers.is_empty() {
            layers.push(HeadLayer::Relu);
        }
        layers.push(HeadLayer::Linear {
            inputs: pair[0],
            outputs: pair[1],
            has_bias: true,
        });
    }
    HeadSpec { layers }
}

impl Mlp {
    /// Layers from `widths[0]` values to `widths.last()`, their tensors taken from `source`.
    pub fn build(
        place: Place,
        widths: &[usize],
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let layer = |(index, pair): (usize, &[usize])| {
            let (name, [inputs, outputs]) = (place.layer(index), [pair[0], pair[1]]);
            // Drawn as a linear layer, whichever shape the file keeps it in.
            let shape = match source.shape(&format!("{name}.weight")) {
                Some(shape) => shape,
                None => vec![outputs, inputs],
            };
            let weight = source.take(&format!("{name}.weight"), &shape)?;
            let bias = source.take(&format!("{name}.bias"), &[outputs])?;
            if weight.len() != inputs * outputs || bias.len() != outputs {
                return Err(ModelError::Read {
                    name,
                    reason: format!("it is not a layer of {inputs} to {outputs} values"),
                });
            }
            let weight = TensorData::new(weight, [outputs, inputs]);
            let bias = TensorData::new(bias, [outputs]);
            Ok(Layer {
                weight: Param::from_tensor(Tensor::from_data(weight, device)),
                bias: Param::from_tensor(Tensor::from_data(bias, device)),
            })
        };
        let layers = widths.windows(2).enumerate().map(layer);
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
        })
    }

    /// Rows `[n, in]` to rows `[n, out]`.
    pub fn forward(&self, mut rows: Tensor<2>) -> Tensor<2> {
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                rows = relu(rows);
            }
            rows = rows.matmul(layer.weight.val().transpose()) + layer.bias.val().unsqueeze();
        }
        rows
    }

    /// The tensors under their names in a file.
    pub fn tensors(&self, place: Place) -> Result<Vec<NamedTensor>, ModelError> {
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = place.layer(index);
            let [outputs, inputs] = layer.weight.val().dims();
            tensors.push(NamedTensor::read(
                format!("{name}.weight"),
                place.weight_shape(outputs, inputs),
                layer.weight.val(),
            )?);
            tensors.push(NamedTensor::read(
                format!("{name}.bias"),
                vec![outputs],
                layer.bias.val(),
            )?);
        }
        Ok(tensors)
    }
}
