//! From a checkpoint file to a model, with a report on every key.
//!
//! A file passes through four stations: its container is opened and its tensors are listed
//! (nothing is executed, no weights are read); the networks in it are found by their keys and
//! shapes, and one of them is chosen; heads, method and normalisation follow from what stands
//! beside it; and only then are the weights read, checked and built into a model. Everything
//! between the first and the last station works on names and shapes alone.
//!
//! A backbone tensor that is missing, misshapen or not finite is an error. A file that no family
//! explains is an error with its first keys. Files are not trusted: what one claims is checked
//! against what it can hold before memory is taken for it.
//!
//! May use `models`, `data` (for normalisation constants), `progress`, and the crates
//! `pytorch-reader`, `zip` and `safetensors`.

mod candidate;
mod container;
mod detect;
mod error;
mod head_chain;
mod heads;
mod listing;
mod load;
mod lone_layer;
mod method;
mod naming;
mod pickle_guard;
mod plan;
mod prefix;
mod preprocessing;
mod pytorch;
mod refusal;
mod report;
mod safetensors_file;
mod unused;

#[cfg(test)]
mod tests;

pub use container::{Container, NamedTensors, open};
pub use error::CheckpointError;
pub use listing::{Dtype, Listed, Listing};
pub use load::{
    LoadedModel, Weights, in_memory, inspect, inspect_with, inspect_with_fault, load, load_with,
    model_weights, untrained, untrained_weights, usual_normalisation, weights,
};
pub use preprocessing::NormalisationGuess;
pub use report::{
    AppliedTensor, ClassifierReport, KeyReport, MisshapenTensor, MissingTensor, UnusedTensor,
};

/// Choices about a file that rules would otherwise make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// The path in the file above the network, as [`KeyReport::alternatives`] lists it
    /// (`teacher.backbone.`, or any beginning of it). `None` lets the rules choose.
    pub root: Option<String>,
}
