//! Heads behind an encoder: projection (global and dense) and the linear classifier.

mod spec;
mod steps;

#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    error::ModelError,
    source::{TensorSource, check_tensors},
};
use spec::Kind;
use steps::{HeadStep, build_steps, take_linear};

pub use spec::{HeadLayer, HeadSpec};

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
        let shape = [classes, inputs];
        let layer = take_linear(source, "fc", &shape, true)?;
        Ok(Self {
            step: HeadStep::linear(layer, shape, device),
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
