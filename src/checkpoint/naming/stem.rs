//! What a convolution's tensors do not show: how far solo-learn pads the first one.

use super::Verdict;
use crate::{
    checkpoint::{listing::Listing, prefix},
    models::{Architecture, Stem},
};

/// Whether the network below `root` was left by solo-learn: a `backbone` (or its slow copy) in a
/// Lightning `state_dict`, beside an online `classifier` and a `projector` (DINO: a `head` with
/// its `last_layer`).
pub(in crate::checkpoint) fn is_solo_learn(listing: &Listing, root: &str) -> bool {
    let Some(parent) = prefix::parent(root) else {
        return false;
    };
    let beside = |name: &str| listing.has_below(&format!("{parent}{name}."));
    matches!(&root[parent.len()..], "backbone." | "momentum_backbone.")
        && prefix::segments(parent).any(|segment| segment == "state_dict")
        && beside("classifier")
        && (beside("projector") || beside("head.last_layer"))
}

/// Completes a verdict by the padding of a 3×3 stem, which the program decides and no tensor
/// shows: solo-learn builds CIFAR's first convolution with padding 2, everyone else with 1.
pub(super) fn with_padding(verdict: Verdict, listing: &Listing, root: &str) -> Verdict {
    match verdict {
        Verdict::Family {
            architecture:
                Architecture::ResNet {
                    depth,
                    stem: Stem::Cifar,
                    width,
                },
            mut evidence,
        } => {
            let (stem, why) = if is_solo_learn(listing, root) {
                (
                    Stem::CifarPadded,
                    "first convolution padded by 2: the keys are solo-learn's, which builds it so \
                     for CIFAR (no tensor shows the padding)",
                )
            } else {
                (
                    Stem::Cifar,
                    "first convolution padded by 1: assumed, as no tensor shows the padding",
                )
            };
            evidence.push(why.to_owned());
            Verdict::Family {
                architecture: Architecture::ResNet { depth, stem, width },
                evidence,
            }
        }
        other => other,
    }
}
