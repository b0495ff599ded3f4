//! From a listing to a plan: which file tensor becomes which tensor of the model, and the report
//! that says so. Works on names and shapes alone.

use std::{collections::BTreeMap, path::Path};

use super::{
    CheckpointError,
    candidate::{self, Candidate},
    container::Container,
    heads::{self, HeadPlan, Heads},
    listing::{Listed, Listing},
    method, prefix, preprocessing,
    report::{AppliedTensor, ClassifierReport, KeyReport, UnusedTensor},
};
use crate::models::HeadSpec;

/// What is known about a file beside its listing.
pub(super) struct FileFacts<'a> {
    pub path: &'a Path,
    pub size: u64,
    pub container: Container,
    pub facts: &'a BTreeMap<String, String>,
}

/// All that is needed to build the model once the values are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub report: KeyReport,
    pub head: Option<HeadSpec>,
    pub dense_head: Option<HeadSpec>,
    /// Values in and classes out.
    pub classifier: Option<[usize; 2]>,
}

/// Finds the network in `listing` and decides what becomes of every tensor.
///
/// # Errors
/// No known network, none under `root`, or one with missing or misshapen tensors.
pub(super) fn plan(
    listing: &Listing,
    file: &FileFacts,
    root: Option<&str>,
) -> Result<Plan, CheckpointError> {
    let (chosen, others) = candidate::search(listing).choose(listing, root)?;
    check_dtypes(&chosen)?;
    let features = chosen
        .architecture
        .stages()
        .last()
        .map_or(0, |stage| stage.channels);
    let heads = heads::find(listing, &chosen.root, features);
    let method = method::recognise(listing, &chosen, &heads);
    let applied = applied(&chosen, &heads);
    let unused = unused(listing, &chosen, &others, &heads, &applied);
    let (nesting, stripped) = prefix::split(&chosen.root);
    let alternatives = others
        .iter()
        .filter(|other| other.is_complete())
        .map(|other| other.root.clone())
        .collect();
    let mut evidence = evidence(&chosen, &others, root, file);
    evidence.extend(heads.evidence.iter().cloned());
    evidence.extend(method.map(|method| format!("{} shows {}", method.sign, method.name)));
    let report = KeyReport {
        file: file.path.to_owned(),
        file_size: file.size,
        container: file.container,
        nesting,
        stripped,
        architecture_name: chosen.architecture.name(),
        naming: chosen.naming.to_owned(),
        method: method.map(|method| method.name.to_owned()),
        evidence,
        applied,
        missing: Vec::new(),
        unused,
        alternatives,
        head: heads.projection.as_ref().map(HeadPlan::describe),
        dense_head: heads.dense.as_ref().map(HeadPlan::describe),
        classifier: heads.classifier.as_ref().map(|found| ClassifierReport {
            place: found.place.clone(),
            classes: found.classes,
        }),
        input_side: chosen.architecture.input_side(),
        normalisation: preprocessing::guess(&chosen, &heads, method),
        warnings: warnings(&chosen, &heads, file),
        architecture: chosen.architecture,
    };
    Ok(Plan {
        report,
        head: heads.projection.map(|head| head.spec),
        dense_head: heads.dense.map(|head| head.spec),
        classifier: heads.classifier.map(|found| [features, found.classes]),
    })
}

/// Weights that do not convert are an error before anything is read.
fn check_dtypes(chosen: &Candidate) -> Result<(), CheckpointError> {
    match chosen
        .found
        .iter()
        .find(|(_, listed)| !listed.dtype.is_weight())
    {
        None => Ok(()),
        Some((_, listed)) => Err(CheckpointError::UnsupportedDtype {
            key: listed.key.clone(),
            dtype: listed.dtype.to_string(),
        }),
    }
}

fn applied(chosen: &Candidate, heads: &Heads) -> Vec<AppliedTensor> {
    let entry = |name: String, listed: &Listed| AppliedTensor {
        name,
        file_key: listed.key.clone(),
        shape: listed.shape.clone(),
        dtype: listed.dtype,
    };
    let backbone = chosen
        .found
        .iter()
        .map(|(name, listed)| entry(name.clone(), listed));
    let of_head = |plan: &HeadPlan, prefix: &str| {
        plan.tensors
            .iter()
            .map(|(name, listed)| entry(format!("{prefix}.{name}"), listed))
            .collect::<Vec<_>>()
    };
    let head = heads
        .projection
        .iter()
        .flat_map(|plan| of_head(plan, "head"));
    let dense = heads
        .dense
        .iter()
        .flat_map(|plan| of_head(plan, "dense_head"));
    let classifier = heads.classifier.iter().flat_map(|found| {
        [
            entry("fc.weight".to_owned(), found.weight),
            entry("fc.bias".to_owned(), found.bias),
        ]
    });
    backbone
        .chain(head)
        .chain(dense)
        .chain(classifier)
        .collect()
}

fn unused(
    listing: &Listing,
    chosen: &Candidate,
    others: &[Candidate],
    heads: &Heads,
    applied: &[AppliedTensor],
) -> Vec<UnusedTensor> {
    let used: std::collections::BTreeSet<_> = applied
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
const TRAINING_ONLY: [(&str, &str); 10] = [
    ("queue", "the queue of negatives, used in training only"),
    (
        "queue2",
        "the dense queue of negatives, used in training only",
    ),
    ("queue_ptr", "the queue's position, used in training only"),
    ("queue2_ptr", "the queue's position, used in training only"),
    ("predictor", "the predictor, used in training only"),
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
    if segments().any(|segment| prefix::is_target(&format!("{segment}."))) {
        return "belongs to the slow copy that only serves as a target in training".to_owned();
    }
    if listed.dtype.is_weight() {
        "not part of the network or of a head this program knows".to_owned()
    } else {
        format!("{} values, no weights", listed.dtype)
    }
}

/// Why this network and this copy.
fn evidence(
    chosen: &Candidate,
    others: &[Candidate],
    wanted: Option<&str>,
    file: &FileFacts,
) -> Vec<String> {
    let place = if chosen.root.is_empty() {
        "at the top level".to_owned()
    } else {
        format!("under `{}`", chosen.root)
    };
    let mut sentences = vec![format!(
        "all {} tensors of a {} stand {place}, in their shapes",
        chosen.found.len(),
        chosen.architecture.name()
    )];
    sentences.extend(chosen.evidence.iter().cloned());
    if let Some(wanted) = wanted {
        sentences.push(format!("`{wanted}` was asked for"));
    } else if !others.is_empty() {
        let meaning = prefix::meaning(&chosen.root).map(|meaning| format!(", {meaning},"));
        let rest: Vec<_> = others
            .iter()
            .map(|other| format!("`{}`", other.root))
            .collect();
        sentences.push(format!(
            "`{}`{} is preferred to {}",
            chosen.root,
            meaning.unwrap_or_default(),
            rest.join(", ")
        ));
    }
    for (path, value) in file.facts {
        sentences.push(format!("the file says {path} = {value}"));
    }
    sentences
}

fn warnings(chosen: &Candidate, heads: &Heads, file: &FileFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    let unknown = prefix::unknown_words(&chosen.root);
    if !unknown.is_empty() {
        warnings.push(format!(
            "no rule knows the prefix `{}`; it was stripped because a complete {} stands below it",
            unknown.join("."),
            chosen.architecture.name()
        ));
    }
    if prefix::is_target(&chosen.root) {
        warnings.push(
            "this is the slow copy that only serves as a target in training, not the encoder that \
             learned"
                .to_owned(),
        );
    }
    for (place, reason) in &heads.rejected {
        warnings.push(format!(
            "`{place}` looks like a projection head, but {reason}"
        ));
    }
    let activation = file
        .facts
        .iter()
        .find(|(path, value)| path.ends_with("act_fn_name") && value.as_str() != "relu");
    if let Some((_, value)) = activation {
        warnings.push(format!(
            "the file says its activation is {value}, but the network is computed with ReLU: its \
             features will be wrong"
        ));
    }
    let has_half = chosen
        .found
        .iter()
        .any(|(_, listed)| listed.dtype != super::listing::Dtype::F32);
    if has_half {
        warnings.push("some weights are not stored as f32 and are converted".to_owned());
    }
    warnings
}
