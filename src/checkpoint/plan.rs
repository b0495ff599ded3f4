//! From a listing to a plan: which file tensor becomes which tensor of the model, and the report
//! that says so. Works on names and shapes alone.

use std::{collections::BTreeMap, path::Path};

use super::{
    CheckpointError,
    candidate::{self, Candidate, Choice},
    container::Container,
    head_chain::HeadPlan,
    heads::{self, Heads},
    listing::{Listed, Listing},
    method, prefix, preprocessing, refusal,
    report::{AppliedTensor, ClassifierReport, KeyReport, MisshapenTensor, MissingTensor},
    unused,
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
/// No known network, none under `root`, one with missing or misshapen tensors, or one that was
/// trained as another.
pub(super) fn plan(
    listing: &Listing,
    file: &FileFacts,
    root: Option<&str>,
) -> Result<Plan, CheckpointError> {
    let (plan, fault) = plan_with_fault(listing, file, root)?;
    fault.map_or(Ok(plan), Err)
}

/// As [`plan`], for a network with missing or misshapen tensors too, whose report lists them all.
///
/// # Errors
/// As [`plan`], save for missing and misshapen tensors, which come beside the plan.
pub(super) fn plan_with_fault(
    listing: &Listing,
    file: &FileFacts,
    root: Option<&str>,
) -> Result<(Plan, Option<CheckpointError>), CheckpointError> {
    let Choice {
        chosen,
        others,
        fault,
    } = candidate::search(listing).choose(listing, root)?;
    check_dtypes(&chosen)?;
    refusal::check(listing, &chosen, file.facts)?;
    let features = candidate::features(&chosen.architecture);
    let heads = heads::find(listing, &chosen.root, features);
    let method = method::recognise(listing, &chosen, &heads);
    let applied = applied(&chosen, &heads);
    let unused = unused::unused(listing, &chosen, &others, &heads, &applied);
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
        missing: missing(&chosen),
        misshapen: misshapen(&chosen),
        unused,
        alternatives,
        head: heads.projection.as_ref().map(HeadPlan::describe),
        dense_head: heads.dense.as_ref().map(HeadPlan::describe),
        classifier: heads.classifier.as_ref().map(|found| ClassifierReport {
            place: found.place.clone(),
            classes: found.classes,
        }),
        stages: chosen.architecture.stages(),
        input_side: chosen.architecture.input_side(),
        normalisation: preprocessing::guess(&chosen, &heads, method),
        warnings: warnings(&chosen, &heads),
        architecture: chosen.architecture,
    };
    let plan = Plan {
        report,
        head: heads.projection.map(|head| head.spec),
        dense_head: heads.dense.map(|head| head.spec),
        classifier: heads.classifier.map(|found| [features, found.classes]),
    };
    Ok((plan, fault))
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

fn missing(chosen: &Candidate) -> Vec<MissingTensor> {
    let tensors = chosen.missing.iter();
    tensors
        .map(|(name, shape)| MissingTensor {
            name: name.clone(),
            shape: shape.clone(),
            why: format!("the file has no `{}`", chosen.file_key(name)),
        })
        .collect()
}

fn misshapen(chosen: &Candidate) -> Vec<MisshapenTensor> {
    let tensors = chosen.misshapen.iter();
    tensors
        .map(|(name, expected, listed)| MisshapenTensor {
            name: name.clone(),
            file_key: listed.key.clone(),
            expected: expected.clone(),
            found: listed.shape.clone(),
        })
        .collect()
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
    let (found, name) = (chosen.found.len(), chosen.architecture.name());
    let mut sentences = vec![if chosen.is_complete() {
        format!("all {found} tensors of a {name} stand {place}, in their shapes")
    } else {
        format!(
            "{found} of the {} tensors of a {name} stand {place}, in their shapes",
            found + chosen.missing.len() + chosen.misshapen.len()
        )
    }];
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

fn warnings(chosen: &Candidate, heads: &Heads) -> Vec<String> {
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
    warnings.extend(heads.warnings.iter().cloned());
    let has_half = chosen
        .found
        .iter()
        .any(|(_, listed)| listed.dtype != super::listing::Dtype::F32);
    if has_half {
        warnings.push("some weights are not stored as f32 and are converted".to_owned());
    }
    warnings
}
