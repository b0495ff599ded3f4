//! What can go wrong between a file's name and a model, each said once and with what to do.

use std::path::PathBuf;

use crate::{models::ModelError, progress::Cancelled};

/// How many unrecognised keys an [`UnknownFamily`](CheckpointError::UnknownFamily) quotes.
pub(super) const QUOTED_KEYS: usize = 8;

/// A checkpoint that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system would not give the file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A folder, a pipe or a device.
    #[error("{} is {what}, not a checkpoint file", path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
        /// What stands there instead.
        what: &'static str,
    },

    /// Neither a PyTorch file nor safetensors.
    #[error("{} is not a checkpoint: {hint}", path.display())]
    NotACheckpoint {
        /// The file asked for.
        path: PathBuf,
        /// What its first bytes look like.
        hint: String,
    },

    /// A checkpoint whose bytes contradict each other: cut off, overwritten, half downloaded.
    #[error("{} is damaged or not supported ({container}): {reason}", path.display())]
    Damaged {
        /// The file asked for.
        path: PathBuf,
        /// The container it claims to be.
        container: &'static str,
        /// What did not fit.
        reason: String,
    },

    /// A file that asks for more memory or work than any real checkpoint does.
    #[error("{} is refused: {reason}", path.display())]
    Refused {
        /// The file asked for.
        path: PathBuf,
        /// The claim that went too far.
        reason: String,
    },

    /// A readable file without a single tensor.
    #[error("{} holds no tensors", path.display())]
    NoTensors {
        /// The file asked for.
        path: PathBuf,
    },

    /// The keys spell no network this program knows. Nothing is guessed.
    #[error("{}", unknown_family(first_keys, *tensors, hints, known))]
    UnknownFamily {
        /// The first keys that no family explains, in natural order.
        first_keys: Vec<String>,
        /// Tensors in the file.
        tensors: usize,
        /// What came close, and why it was not taken.
        hints: Vec<String>,
        /// The families that would have been recognised.
        known: Vec<&'static str>,
    },

    /// The tensors spell a network this program knows, but the file shows that they were trained
    /// as another one. To compute it would give wrong features in silence.
    #[error("the tensors have the names and shapes of a {architecture}, but {reason}")]
    OtherNetwork {
        /// The network that the names and shapes spell.
        architecture: String,
        /// What differs, and where the file shows it.
        reason: String,
    },

    /// The part of the file that was asked for is not there.
    #[error(
        "no network stands under `{wanted}` in this file; there is one under: {}",
        listed(available)
    )]
    NoSuchRoot {
        /// The prefix asked for.
        wanted: String,
        /// The prefixes under which a known network stands.
        available: Vec<String>,
    },

    /// A tensor the network cannot run without.
    #[error(
        "`{key}` is missing: {architecture} needs it with shape {expected:?} \
         ({missing} of its tensors are missing, {present} are there){also}"
    )]
    MissingTensor {
        /// The key under which the file should hold it.
        key: String,
        /// The network whose tensor it is.
        architecture: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// How many tensors of the network are missing in all.
        missing: usize,
        /// How many are there.
        present: usize,
        /// Other complete copies in the file, as the end of the sentence; often empty.
        also: String,
    },

    /// A tensor of the network with another shape than the network gives it.
    #[error("`{key}` has shape {found:?}, but {architecture} expects {expected:?}")]
    Misshapen {
        /// The key in the file.
        key: String,
        /// The network whose tensor it is.
        architecture: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },

    /// Weights stored in a type that does not convert to `f32` without harm.
    #[error("`{key}` is stored as {dtype}; weights are read from f32, f16, bf16 and f64")]
    UnsupportedDtype {
        /// The key in the file.
        key: String,
        /// Its element type.
        dtype: String,
    },

    /// Weights with NaN or infinity in them: a run that diverged.
    #[error(
        "`{key}` holds {count} value(s) that are NaN or infinite (the first at element {first}): \
         the training run diverged, or the file is damaged"
    )]
    NotFinite {
        /// The key in the file.
        key: String,
        /// How many values.
        count: usize,
        /// The flat index of the first.
        first: usize,
    },

    /// A tensor's bytes could not be read.
    #[error("cannot read `{key}`: {reason}")]
    Tensor {
        /// The key in the file.
        key: String,
        /// What went wrong.
        reason: String,
    },

    /// The model could not be built from tensors that all fit.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing this program knows".to_owned()
    } else {
        let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    }
}

fn unknown_family(keys: &[String], tensors: usize, hints: &[String], known: &[&str]) -> String {
    let mut text = format!(
        "none of the networks this program knows: its {tensors} tensors begin with {}",
        listed(keys)
    );
    for hint in hints {
        text.push_str("\n  ");
        text.push_str(hint);
    }
    text.push_str("\nknown families: ");
    text.push_str(&known.join("; "));
    text
}
