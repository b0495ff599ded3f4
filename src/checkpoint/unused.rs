//! Why a tensor of the file is not used: a sentence for each, so that nothing is dropped in
//! silence.

use std::collections::BTreeSet;

use super::{
    candidate::{self, Candidate},
    heads::Heads,
    listing::{Listed, Listing},
    prefix,
    report::{AppliedTensor, UnusedTensor},
};

/// Every tensor that is not in `applied`, with the reason.
pub(super) fn unused(
    listing: &Listing,
    chosen: &Candidate,
    others: &[Candidate],
    heads: &Heads,
    applied: &[AppliedTensor],
) -> Vec<UnusedTensor> {
    let used: BTreeSet<_> = applied
        .iter()
        .map(|tensor| tensor.file_key.as_str())
        .collect();
    listing
        .entries()
        .iter()
        .filter(|listed| !used.contains(listed.key.as_str()))
        .map(|listed| UnusedTensor {
            key: listed.key.clone(),
            shape: listed.shape.clone(),
            dtype: listed.dtype,
            why: why_unused(listed, chosen, others, heads),
        })
        .collect()
}

/// Segments whose tensors serve training only, and what they are.
const TRAINING_ONLY: [(&str, &str); 12] = [
    ("queue", "the queue of negatives, used in training only"),
    (
        "queue2",
        "the dense queue of negatives, used in training only",
    ),
    ("queue_ptr", "the queue's position, used in training only"),
    ("queue2_ptr", "the queue's position, used in training only"),
    ("predictor", "the predictor, used in training only"),
    ("online_predictor", "the predictor, used in training only"),
    (
        "bn",
        "a normalisation beside the network, as in Barlow Twins' loss",
    ),
    ("prediction_head", "the predictor, used in training only"),
    ("prototypes", "prototypes, used in training only"),
    ("last_layer", "DINO's prototypes, used in training only"),
    ("memory_bank", "the memory bank, used in training only"),
    ("contrast", "the memory bank, used in training only"),
];

/// Dictionaries of training state.
fn is_training_state(segment: &str) -> bool {
    segment.contains("optim")
        || segment.contains("scheduler")
        || matches!(
            segment,
            "opt" | "scaler" | "dino_loss" | "loss" | "amp" | "callbacks"
        )
}

fn why_unused(listed: &Listed, chosen: &Candidate, others: &[Candidate], heads: &Heads) -> String {
    let key = listed.key.as_str();
    if candidate::is_counter(key) {
        return "a batch counter, not needed for inference".to_owned();
    }
    let segments = || key.split('.');
    if segments().any(is_training_state) {
        return "optimiser or training state".to_owned();
    }
    if let Some((place, reason)) = heads
        .rejected
        .iter()
        .find(|(place, _)| key.starts_with(&format!("{place}.")))
    {
        return format!("`{place}` looks like a head, but {reason}");
    }
    if let Some((_, why)) = TRAINING_ONLY
        .iter()
        .find(|(word, _)| segments().any(|segment| segment == *word))
    {
        return (*why).to_owned();
    }
    // The longest root that covers the key is the copy it belongs to.
    let owner = others
        .iter()
        .filter(|other| !other.root.is_empty() && key.starts_with(&other.root))
        .max_by_key(|other| other.root.len())
        .filter(|other| other.root.len() > chosen.root.len() || !key.starts_with(&chosen.root));
    if let Some(owner) = owner {
        let meaning = prefix::meaning(&owner.root);
        return match meaning {
            Some(meaning) => format!("belongs to `{}`: {meaning}", owner.root),
            None => format!("belongs to `{}`, another copy of the network", owner.root),
        };
    }
    if segments().any(|segment| segment.contains("momentum")) {
        return "belongs to the slow copy that only serves as a target in training".to_owned();
    }
    let own: Vec<_> = prefix::segments(&chosen.root).collect();
    let meaning = segments()
        .filter(|segment| !own.contains(segment))
        .find_map(prefix::meaning);
    if let Some(meaning) = meaning {
        return format!("belongs to another copy: {meaning}");
    }
    if listed.dtype.is_weight() {
        "not part of the network or of a head this program knows".to_owned()
    } else {
        format!("{} values, no weights", listed.dtype)
    }
}
