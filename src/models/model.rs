//! An encoder with the heads that came with it.

use burn::tensor::Tensor;

use super::{
    encoder::{Encoder, StageOutput},
    head::{Classifier, DenseHead, ProjectionHead},
};

/// An encoder and its heads, ready for inference.
#[derive(Debug)]
pub struct Model {
    /// Images to maps and vectors.
    pub encoder: Encoder,
    /// The projection behind the pooled feature, when the checkpoint has one.
    pub head: Option<ProjectionHead>,
    /// The projection behind each location, when the checkpoint has one.
    pub dense_head: Option<DenseHead>,
    /// The linear classifier, when the checkpoint has one.
    pub classifier: Option<Classifier>,
}

impl Model {
    /// The pooled feature `[n, channels]`: a map's mean over its locations, a vector as it is.
    pub fn pooled(output: StageOutput) -> Tensor<2> {
        match output {
            StageOutput::Vector(rows) => rows,
            StageOutput::Map(map) => map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2),
        }
    }
}
