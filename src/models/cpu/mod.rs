//! The processor's fast path (its convolutions follow with the next commit).

use super::{blueprint::Blueprint, error::ModelError, source::TensorSource};

/// The map stages of an encoder on the processor.
#[derive(Debug)]
pub(crate) enum CpuMaps {}

impl CpuMaps {
    /// Whether this processor has the vector instructions the path needs.
    pub fn is_supported() -> bool {
        false
    }

    /// Builds the stages from a source whose tensors have been checked.
    pub fn build(plan: &Blueprint, _: &mut dyn TensorSource) -> Result<Self, ModelError> {
        Err(ModelError::Architecture(plan.name.clone()))
    }

    /// Runs the stages.
    pub fn forward(&self, _: &[f32], _: [usize; 4], _: usize) -> (Vec<f32>, [usize; 4]) {
        match *self {}
    }
}
