//! Finds the networks in a file: every root under which a known family stands, ranked.

use std::collections::BTreeSet;

use super::{
    CheckpointError,
    error::QUOTED_KEYS,
    heads,
    listing::{Listed, Listing},
    naming::{self, KNOWN_FAMILIES, NAMINGS, Spelling, Verdict},
    prefix,
};
use crate::models::Architecture;

/// Share of a network's tensors that must be there for the rest to count as missing, rather than
/// the whole as something else.
const RECOGNISED_SHARE: f64 = 0.75;

/// Places looked at for each naming. Real files hold a handful of networks; without a bound, a
/// file of a hundred thousand beginnings would take hours.
const MAX_ROOTS: usize = 64;

/// A network found below a root.
pub(super) struct Candidate<'a> {
    pub root: String,
    pub naming: &'static str,
    pub architecture: Architecture,
    pub evidence: Vec<String>,
    pub spelling: Spelling,
    /// Canonical name and the file's tensor, in the architecture's order.
    pub found: Vec<(String, &'a Listed)>,
    /// Canonical name and expected shape.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Canonical name, expected shape and the file's tensor.
    pub misshapen: Vec<(String, Vec<usize>, &'a Listed)>,
    /// Whether a projection head stands beside it.
    pub has_head: bool,
}

impl Candidate<'_> {
    /// Whether the network can be built.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }

    /// Full keys of the backbone's tensors.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.found
            .iter()
            .map(|(_, listed)| listed.key.as_str())
            .collect()
    }

    /// Key under which the file holds, or should hold, a canonical name.
    pub fn file_key(&self, name: &str) -> String {
        format!("{}{}", self.root, self.spelling.file(name))
    }

    /// The error that names what is missing or misshapen; `None` for a complete network.
    pub fn fault(&self, others: &[String]) -> Option<CheckpointError> {
        if let Some((_, expected, listed)) = self.misshapen.first() {
            return Some(CheckpointError::Misshapen {
                key: listed.key.clone(),
                architecture: self.architecture.name(),
                expected: expected.clone(),
                found: listed.shape.clone(),
            });
        }
        let (name, expected) = self.missing.first()?;
        let also = match others.first() {
            Some(other) => format!("; a complete network stands under `{other}`"),
            None => String::new(),
        };
        Some(CheckpointError::MissingTensor {
            key: self.file_key(name),
            architecture: self.architecture.name(),
            expected: expected.clone(),
            missing: self.missing.len(),
            present: self.found.len(),
            also,
        })
    }
}

/// All candidates, best first, and what came close without being one.
pub(super) struct Search<'a> {
    pub candidates: Vec<Candidate<'a>>,
    pub hints: Vec<String>,
}

/// Looks for known networks below every root that a key suggests.
pub(super) fn search(listing: &Listing) -> Search<'_> {
    let (mut candidates, mut hints) = (Vec::new(), Vec::new());
    for naming in NAMINGS {
        let distinct: BTreeSet<&str> = listing
            .entries()
            .iter()
            .filter_map(|entry| (naming.root)(&entry.key))
            .filter(|root| !is_training_state(root))
            .collect();
        let mut roots: Vec<_> = distinct.into_iter().collect();
        roots.sort_by_key(|root| prefix::rank(root));
        if roots.len() > MAX_ROOTS {
            hints.push(format!(
                "only {MAX_ROOTS} of the {} places where a network may begin were looked at",
                roots.len()
            ));
            roots.truncate(MAX_ROOTS);
        }
        for root in roots {
            match examine(listing, root, naming) {
                Ok(Some(candidate)) => candidates.push(candidate),
                Ok(None) => {}
                Err(hint) => hints.push(if root.is_empty() {
                    hint
                } else {
                    format!("under `{root}`: {hint}")
                }),
            }
        }
    }
    // Stable, so that equals keep the natural order of their roots.
    candidates.sort_by_key(|candidate| {
        (
            prefix::rank(&candidate.root),
            !candidate.is_complete(),
            // Programs that keep a second name for the backbone keep the head under the first.
            !candidate.has_head,
            prefix::segments(&candidate.root).count(),
        )
    });
    Search { candidates, hints }
}

/// Optimisers keep tensors of the weights' shapes, which are no network.
fn is_training_state(root: &str) -> bool {
    prefix::segments(root).any(|segment| segment.contains("optim"))
}

/// Matches the tensors below one root against the family its naming spells.
fn examine<'a>(
    listing: &'a Listing,
    root: &str,
    naming: &'static naming::Naming,
) -> Result<Option<Candidate<'a>>, String> {
    let spelling = (naming.spelling)(listing, root);
    let tensors = naming::canonical(listing, root, &spelling);
    let (architecture, evidence) = match naming.judge(listing, root, &tensors) {
        Verdict::Family {
            architecture,
            evidence,
        } => (architecture, evidence),
        Verdict::Unfit(hint) => return Err(hint),
        Verdict::Unlike => return Ok(None),
    };
    let required = architecture.tensors();
    if required.is_empty() {
        return Ok(None);
    }
    let (mut found, mut missing, mut misshapen) = (Vec::new(), Vec::new(), Vec::new());
    let total = required.len();
    for (name, expected) in required {
        // Both builds of ResNet share one spelling, which says `downsample` for both.
        let spelled = name.replace(".shortcut.", ".downsample.");
        match tensors.get(&spelled) {
            Some(listed) if listed.shape == expected => found.push((name, *listed)),
            Some(listed) => misshapen.push((spelled, expected, *listed)),
            None => missing.push((spelled, expected)),
        }
    }
    let name = architecture.name();
    if (found.len() as f64) < RECOGNISED_SHARE * total as f64 {
        return Err(format!(
            "only {} of the {total} tensors of a {name} fit",
            found.len()
        ));
    }
    let has_head = heads::find(listing, root, features(&architecture))
        .projection
        .is_some();
    let candidate = Candidate {
        root: root.to_owned(),
        has_head,
        naming: naming.name,
        architecture,
        evidence,
        spelling,
        found,
        missing,
        misshapen,
    };
    match foreign_tensor(&candidate, &tensors) {
        Some(key) => Err(format!(
            "`{key}` stands inside the backbone, but a {name} has no such tensor"
        )),
        None => Ok(Some(candidate)),
    }
}

/// A weight inside the backbone that the architecture does not have. To leave it out would be to
/// compute another network than the one that was trained.
fn foreign_tensor<'a>(candidate: &Candidate, tensors: &naming::Canonical<'a>) -> Option<&'a str> {
    let mut known = candidate.keys();
    known.extend(
        candidate
            .misshapen
            .iter()
            .map(|(_, _, listed)| listed.key.as_str()),
    );
    tensors
        .values()
        .filter(|listed| listed.dtype.is_weight() && !is_counter(&listed.key))
        .map(|listed| listed.key.as_str())
        .find(|key| !known.contains(key))
}

/// Values of the network's last feature, which heads take.
pub(super) fn features(architecture: &Architecture) -> usize {
    architecture
        .stages()
        .last()
        .map_or(0, |stage| stage.channels)
}

/// The one statistic of batch normalisation that inference does not need.
pub(super) fn is_counter(key: &str) -> bool {
    key.ends_with("num_batches_tracked")
}

impl<'a> Search<'a> {
    /// Takes the candidate that is meant: the best one, or the best under the root asked for.
    ///
    /// # Errors
    /// No known network, or none under that root.
    pub fn choose(
        self,
        listing: &Listing,
        wanted: Option<&str>,
    ) -> Result<Choice<'a>, CheckpointError> {
        if self.candidates.is_empty() {
            return Err(unknown_family(listing, self.hints));
        }
        let available: Vec<_> = self.candidates.iter().map(|c| c.root.clone()).collect();
        let mut rest = self.candidates;
        let at = match wanted {
            None => Some(0),
            Some(wanted) => {
                let wanted = with_dot(wanted);
                let exact = rest.iter().position(|c| c.root == wanted);
                exact.or_else(|| rest.iter().position(|c| c.root.starts_with(&wanted)))
            }
        };
        let Some(at) = at else {
            return Err(CheckpointError::NoSuchRoot {
                wanted: wanted.unwrap_or_default().to_owned(),
                available,
            });
        };
        let chosen = rest.remove(at);
        let complete: Vec<_> = rest
            .iter()
            .filter(|other| other.is_complete())
            .map(|other| other.root.clone())
            .collect();
        Ok(Choice {
            fault: chosen.fault(&complete),
            chosen,
            others: rest,
        })
    }
}

/// The network that is meant.
pub(super) struct Choice<'a> {
    pub chosen: Candidate<'a>,
    /// The other networks in the file.
    pub others: Vec<Candidate<'a>>,
    /// What is missing or misshapen in the chosen one, if anything.
    pub fault: Option<CheckpointError>,
}

fn with_dot(root: &str) -> String {
    if root.is_empty() || root.ends_with('.') {
        root.to_owned()
    } else {
        format!("{root}.")
    }
}

fn unknown_family(listing: &Listing, mut hints: Vec<String>) -> CheckpointError {
    if let Some(family) = naming::resemblance(listing) {
        hints.push(format!(
            "its keys resemble {family}, which is not among the families"
        ));
    }
    let first_keys = listing
        .entries()
        .iter()
        .filter(|entry| !is_training_state(&entry.key) && !is_counter(&entry.key))
        .take(QUOTED_KEYS)
        .map(|entry| entry.key.clone())
        .collect();
    CheckpointError::UnknownFamily {
        first_keys,
        tensors: listing.entries().len(),
        hints,
        known: KNOWN_FAMILIES.to_vec(),
    }
}
