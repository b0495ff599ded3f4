//! One linear layer behind a backbone: a classifier, unless something shows that it is a
//! projection head. Its shape alone does not tell.

use super::{listing::Listing, prefix};

/// Lengths of the vectors that contrastive programs project to (MoCo and SimCLR: 128, BYOL: 256).
const PROJECTED: [usize; 2] = [128, 256];

/// Tensors that only contrastive training keeps, and what they show.
const TRACES: [(&str, &str); 5] = [
    ("queue", "the file keeps a queue of negatives (MoCo)"),
    ("queue2", "the file keeps a queue of negatives (DenseCL)"),
    ("memory_bank", "the file keeps a memory bank of features"),
    ("prototypes", "the file keeps prototypes (SwAV)"),
    ("predictor", "a predictor stands behind it (BYOL, SimSiam)"),
];

/// The last segment of a path.
pub(super) fn name(place: &str) -> &str {
    place.rsplit('.').next().unwrap_or_default()
}

/// Whether one linear layer of this name may be a classifier as well as a projection head.
pub(super) fn is_ambiguous(name: &str, has_bias: bool) -> bool {
    // Classifiers have a bias, so that a second module without one is a projection.
    matches!(name, "fc" | "head") || (name == "1" && has_bias)
}

/// What makes one linear layer of an ambiguous name, with so many outputs, a projection head.
pub(super) fn contrastive_sign(
    listing: &Listing,
    root: &str,
    name: &str,
    outputs: usize,
) -> Option<&'static str> {
    let kept = |word: &str| {
        listing.entries().iter().any(|entry| {
            let mut segments = entry.key.split('.');
            !segments.clone().any(|segment| segment.contains("optim"))
                && segments.any(|segment| segment == word)
        })
    };
    if let Some((_, sign)) = TRACES.iter().find(|(word, _)| kept(word)) {
        return Some(sign);
    }
    let names_a_pair = prefix::segments(root).any(|segment| {
        matches!(
            segment,
            "encoder_q" | "encoder_k" | "base_encoder" | "momentum_encoder"
        )
    });
    if names_a_pair {
        return Some("the backbone is one of a contrastive pair of encoders");
    }
    if !PROJECTED.contains(&outputs) {
        return None;
    }
    if names_a_method(root) {
        return Some("the path names a contrastive method, which projects to so many values");
    }
    is_encoder_with_head(root, name)
        .then_some("it stands beside an `encoder` and has a projection's length (SupContrast)")
}

/// What the reader should know about a layer taken as a classifier: `None` where its name is a
/// classifier's and its length no projection's.
pub(super) fn doubt(root: &str, place: &str, outputs: usize) -> Option<String> {
    let name = name(place);
    let reason = if is_encoder_with_head(root, name) {
        "contrastive programs call their projection so, too"
    } else if name == "1" {
        "a projection head may stand there, too"
    } else if is_ambiguous(name, true) && PROJECTED.contains(&outputs) {
        "it has the length of a projection head"
    } else {
        return None;
    };
    Some(format!(
        "`{place}`, one linear layer to {outputs} values, is taken as a classifier, but {reason}"
    ))
}

fn is_encoder_with_head(root: &str, name: &str) -> bool {
    name == "head" && prefix::segments(root).next_back() == Some("encoder")
}

/// Whether the path above the network spells a contrastive method (`resnet_simclr`).
fn names_a_method(root: &str) -> bool {
    const METHODS: [&str; 5] = ["simclr", "moco", "byol", "simsiam", "contrast"];
    let root = root.to_ascii_lowercase();
    METHODS.iter().any(|method| root.contains(method))
}
