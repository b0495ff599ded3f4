//! What can go wrong between named tensors and features.

use crate::progress::Cancelled;

/// A tensor that exists under its name but in another shape than the architecture needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// Canonical name of the tensor.
    pub name: String,
    /// The shape the architecture needs.
    pub expected: Vec<usize>,
    /// The shape the source has.
    pub found: Vec<usize>,
}

/// An error of the room `models`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The source lacks tensors, or has them in other shapes. Nothing was read.
    #[error("{}", describe(.owner, .missing, .misshapen))]
    Tensors {
        /// What was being built ("ResNet-50", "projection head").
        owner: String,
        /// Canonical names the source does not have.
        missing: Vec<String>,
        /// Tensors of another shape.
        misshapen: Vec<Misshapen>,
    },
    /// The source has the tensor but could not give its values.
    #[error("cannot read tensor `{name}`: {reason}")]
    Read {
        /// Canonical name of the tensor.
        name: String,
        /// Why, in the words of the source.
        reason: String,
    },
    /// An architecture with impossible settings (a ResNet of 23 layers, a width of zero).
    #[error("{0}")]
    Architecture(String),
    /// A stage the architecture does not have.
    #[error("{architecture} has {count} stages, so stage {stage} (counted from 0) does not exist")]
    Stage {
        /// Name of the architecture.
        architecture: String,
        /// The stage asked for.
        stage: usize,
        /// How many there are.
        count: usize,
    },
    /// Images or features whose shape does not fit the model.
    #[error("{0}")]
    Input(String),
    /// The device failed to give a tensor's values back.
    #[error("reading a tensor from the device: {0}")]
    Device(String),
    /// The forward pass was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// At most this many names are spelled out in a message; the fields hold them all.
const NAMES_SHOWN: usize = 5;

fn describe(owner: &str, missing: &[String], misshapen: &[Misshapen]) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
        parts.push(format!("{} missing: {}", names.len(), shorten(&names)));
    }
    if !misshapen.is_empty() {
        let names: Vec<_> = misshapen
            .iter()
            .map(|m| format!("`{}` is {:?} instead of {:?}", m.name, m.found, m.expected))
            .collect();
        parts.push(format!("{} misshapen: {}", names.len(), shorten(&names)));
    }
    format!("tensors of {owner}: {}", parts.join("; "))
}

fn shorten(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES_SHOWN)].join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_is_shortened_in_words_only() {
        let missing: Vec<String> = (0..8).map(|i| format!("layer{i}.weight")).collect();
        let error = ModelError::Tensors {
            owner: "ResNet-18".into(),
            missing: missing.clone(),
            misshapen: vec![Misshapen {
                name: "conv1.weight".into(),
                expected: vec![64, 3, 7, 7],
                found: vec![64, 3, 3, 3],
            }],
        };
        let text = error.to_string();
        assert!(text.contains("8 missing: `layer0.weight`"), "{text}");
        assert!(text.contains("`layer4.weight` and 3 more"), "{text}");
        assert!(
            text.contains("`conv1.weight` is [64, 3, 3, 3] instead of [64, 3, 7, 7]"),
            "{text}"
        );
    }
}
