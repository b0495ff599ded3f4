//! All weights of a model as plain values, with what it takes to build it again: to move through
//! weight space, and to come back.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor};

use super::{
    architecture::Architecture,
    encoder::StageOutput,
    error::ModelError,
    head::{DenseHead, HeadLayer, HeadSpec, ProjectionHead},
    model::Model,
    network::BatchNormForm,
    source::{TensorSource, take_checked},
};

/// What a tensor is to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightRole {
    /// A convolution's or linear layer's weight: one filter a first index.
    Filters,
    /// What is added to a layer's sums.
    Bias,
    /// Scale or shift of a batch normalisation.
    Norm,
    /// Running mean or variance of a batch normalisation: measured, never trained.
    Statistics,
}

/// One tensor of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// Canonical name.
    pub name: String,
    /// Extents, outermost first, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
    /// What it is to the network.
    pub role: WeightRole,
}

/// A model's weights, and its plan. A classifier is left behind: alignment and uniformity do not
/// look at it.
#[derive(Clone, Debug)]
pub struct ModelWeights {
    architecture: Architecture,
    head: Option<HeadSpec>,
    dense_head: Option<HeadSpec>,
    tensors: Vec<WeightTensor>,
}

impl ModelWeights {
    /// Takes the tensors of an encoder and its heads, by canonical name, from `source`.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] for impossible settings; what the source says.
    pub fn new(
        architecture: Architecture,
        head: Option<HeadSpec>,
        dense_head: Option<HeadSpec>,
        source: &mut dyn TensorSource,
    ) -> Result<Self, ModelError> {
        let mut wanted = architecture.blueprint()?.tensors();
        wanted.extend(head.iter().flat_map(HeadSpec::tensors));
        wanted.extend(dense_head.iter().flat_map(HeadSpec::dense_tensors));
        let names: std::collections::HashSet<String> =
            wanted.iter().map(|(name, _)| name.clone()).collect();
        let tensors = wanted
            .into_iter()
            .map(|(name, shape)| {
                let values = take_checked(source, &name, &shape)?;
                let role = role(&name, &shape, |other| names.contains(other));
                Ok(WeightTensor {
                    name,
                    shape,
                    values,
                    role,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Self {
            architecture,
            head,
            dense_head,
            tensors,
        })
    }

    /// The encoder's architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// All tensors, the encoder's first.
    pub fn tensors(&self) -> &[WeightTensor] {
        &self.tensors
    }

    /// Whether `other` is a point of the same weight space.
    pub fn is_like(&self, other: &Self) -> bool {
        self.architecture == other.architecture
            && self.head == other.head
            && self.dense_head == other.dense_head
    }

    /// The same network with other values, one list a tensor in the order of
    /// [`tensors`](Self::tensors).
    ///
    /// # Errors
    /// [`ModelError::Read`] when a list does not fit its tensor.
    pub fn with_values(&self, values: Vec<Vec<f32>>) -> Result<Self, ModelError> {
        let is_fit = values.len() == self.tensors.len()
            && values
                .iter()
                .zip(&self.tensors)
                .all(|(v, t)| v.len() == t.values.len());
        if !is_fit {
            return Err(ModelError::Read {
                name: self.architecture.name(),
                reason: "the values are those of another network".to_owned(),
            });
        }
        let tensors = self.tensors.iter().zip(values);
        let tensors = tensors.map(|(tensor, values)| WeightTensor {
            values,
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            role: tensor.role,
        });
        Ok(Self {
            tensors: tensors.collect(),
            ..self.clone_plan()
        })
    }

    /// The model for inference.
    ///
    /// # Errors
    /// As [`Architecture::build`].
    pub fn model(&self, device: &Device) -> Result<Model, ModelError> {
        let source = &mut self.source();
        let encoder = self.architecture.build(source, device)?;
        let head = (self.head.as_ref())
            .map(|spec| ProjectionHead::build(spec, source, device))
            .transpose()?;
        let dense_head = (self.dense_head.as_ref())
            .map(|spec| DenseHead::build(spec, source, device))
            .transpose()?;
        Ok(Model {
            encoder,
            head,
            dense_head,
            classifier: None,
        })
    }

    /// Whether the encoder or a head has batch normalisations.
    pub fn has_batch_norm(&self) -> bool {
        self.tensors
            .iter()
            .any(|tensor| tensor.role == WeightRole::Statistics)
    }

    /// Whether there is a projection head, and one of locations.
    pub fn has_heads(&self) -> [bool; 2] {
        [self.head.is_some(), self.dense_head.is_some()]
    }

    /// Whether a head has batch normalisations.
    pub fn head_has_batch_norm(&self) -> bool {
        [&self.head, &self.dense_head]
            .into_iter()
            .flatten()
            .flat_map(|spec| &spec.layers)
            .any(|layer| matches!(layer, HeadLayer::BatchNorm { .. }))
    }

    /// The same weights with the encoder's statistics measured anew over `images`
    /// `[n, channels, height, width]`, layer after layer, as a training step normalises by them: each
    /// layer sees what the layers before it give with their new statistics, the variance is over n
    /// (not n − 1). Heads keep theirs.
    ///
    /// # Errors
    /// As [`Architecture::build`]; [`ModelError::Device`] when a result cannot be read.
    pub fn with_statistics_of(&self, images: Tensor<4>, stage: usize) -> Result<Self, ModelError> {
        let device = images.device();
        let network =
            self.architecture
                .network(&mut self.source(), BatchNormForm::Separate, &device)?;
        let statistics: HashMap<String, Vec<f32>> = network
            .statistics(StageOutput::Map(images), stage)?
            .into_iter()
            .collect();
        let values = self.tensors.iter().map(|tensor| {
            let fresh = statistics.get(&tensor.name);
            fresh.unwrap_or(&tensor.values).clone()
        });
        self.with_values(values.collect())
    }

    fn clone_plan(&self) -> Self {
        Self {
            architecture: self.architecture.clone(),
            head: self.head.clone(),
            dense_head: self.dense_head.clone(),
            tensors: Vec::new(),
        }
    }

    fn source(&self) -> WeightSource<'_> {
        let by_name = self
            .tensors
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor));
        WeightSource(by_name.collect())
    }
}

/// What a tensor is, from its name and shape; `has` says which other names there are.
fn role(name: &str, shape: &[usize], has: impl Fn(&str) -> bool) -> WeightRole {
    let (owner, part) = name.rsplit_once('.').unwrap_or(("", name));
    if matches!(part, "running_mean" | "running_var") {
        WeightRole::Statistics
    } else if shape.len() > 1 {
        WeightRole::Filters
    } else if has(&format!("{owner}.running_mean")) {
        WeightRole::Norm
    } else {
        WeightRole::Bias
    }
}

/// Hands the tensors out as often as they are asked for.
struct WeightSource<'a>(HashMap<&'a str, &'a WeightTensor>);

impl TensorSource for WeightSource<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.get(name).map(|tensor| tensor.shape.clone())
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        match self.0.get(name) {
            Some(tensor) if tensor.shape == shape => Ok(tensor.values.clone()),
            found => Err(ModelError::Read {
                name: name.to_owned(),
                reason: format!("its shape is {:?}", found.map(|tensor| &tensor.shape)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{SeededInit, Shortcut, Stem};
    use burn::tensor::TensorData;

    fn images() -> Tensor<4> {
        let values: Vec<f32> = (0..6 * 3 * 32 * 32)
            .map(|i| (0.37 * i as f32).sin())
            .collect();
        Tensor::from_data(TensorData::new(values, [6, 3, 32, 32]), &Device::flex())
    }

    fn weights(architecture: Architecture) -> ModelWeights {
        ModelWeights::new(architecture, None, None, &mut SeededInit::new(5)).unwrap()
    }

    #[test]
    fn roles_are_told_apart() {
        let roles: HashMap<String, WeightRole> = weights(Architecture::TinyConvNet { width: 4 })
            .tensors()
            .iter()
            .map(|tensor| (tensor.name.clone(), tensor.role))
            .collect();
        assert_eq!(roles["blocks.0.conv.weight"], WeightRole::Filters);
        assert_eq!(roles["blocks.0.bn.weight"], WeightRole::Norm);
        assert_eq!(roles["blocks.0.bn.bias"], WeightRole::Norm);
        assert_eq!(roles["blocks.0.bn.running_var"], WeightRole::Statistics);
        assert_eq!(role("head.0.bias", &[3], |_| false), WeightRole::Bias);
    }

    #[test]
    fn fresh_statistics_normalise_every_layer() {
        for architecture in [
            Architecture::TinyConvNet { width: 4 },
            Architecture::ResNet {
                depth: 18,
                stem: Stem::Cifar,
                width: 4,
            },
            Architecture::CifarResNet {
                depth: 8,
                shortcut: Shortcut::A,
            },
        ] {
            let stage = architecture.default_stage();
            let fresh = weights(architecture.clone())
                .with_statistics_of(images(), stage)
                .unwrap();
            let network = architecture
                .network(
                    &mut fresh.source(),
                    BatchNormForm::Separate,
                    &Device::flex().autodiff(),
                )
                .unwrap();
            // In training the layers normalise by the batch itself: the same, up to rounding.
            let on_tape = images().to_device(&Device::flex().autodiff());
            let trained = Model::pooled(network.forward(on_tape, stage).unwrap());
            let folded = fresh.model(&Device::flex()).unwrap();
            let folded = Model::pooled(folded.encoder.forward(images(), stage).unwrap());
            let read = |rows: Tensor<2>| rows.into_data().try_to_vec::<f32>().unwrap();
            for (a, b) in read(trained).iter().zip(read(folded)) {
                // f32 sums over a few thousand values, through up to twenty layers.
                assert!((a - b).abs() < 2e-4 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn other_values_must_fit() {
        let weights = weights(Architecture::TinyConvNet { width: 2 });
        assert!(weights.with_values(Vec::new()).is_err());
        let same = weights.tensors().iter().map(|t| t.values.clone()).collect();
        let same = weights.with_values(same).unwrap();
        assert!(same.is_like(&weights) && same.tensors() == weights.tensors());
    }
}
