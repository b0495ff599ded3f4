//! Networks whose tensors all fit and that are known to compute something else all the same: what
//! differs has no parameters, but leaves a trace beside the backbone.

use std::collections::BTreeMap;

use super::{CheckpointError, candidate::Candidate, listing::Listing, prefix};

/// Refuses a network that is knowably not the one its tensors spell.
///
/// # Errors
/// A backbone dilated for segmentation, or activations other than ReLU.
pub(super) fn check(
    listing: &Listing,
    chosen: &Candidate,
    facts: &BTreeMap<String, String>,
) -> Result<(), CheckpointError> {
    let reason = dilation(listing, &chosen.root).or_else(|| activation(facts));
    match reason {
        None => Ok(()),
        Some(reason) => Err(CheckpointError::OtherNetwork {
            architecture: chosen.architecture.name(),
            reason,
        }),
    }
}

/// Segmentation networks of torchvision's build (FCN, DeepLabV3) put dilation in place of stride
/// in their ResNet's last two layers.
fn dilation(listing: &Listing, root: &str) -> Option<String> {
    let parent = prefix::parent(root)?;
    if &root[parent.len()..] != "backbone." {
        return None;
    }
    let sign = ["aux_classifier.", "classifier.0.convs."]
        .map(|name| format!("{parent}{name}"))
        .into_iter()
        .find(|below| listing.has_below(below))?;
    Some(format!(
        "`{sign}*` beside `{root}` shows a segmentation network, whose last layers are dilated \
         instead of strided"
    ))
}

/// Lightning files record the activation among their hyperparameters.
fn activation(facts: &BTreeMap<String, String>) -> Option<String> {
    let (path, value) = facts.iter().find(|(path, value)| {
        path.rsplit('.').next() == Some("act_fn_name") && !value.eq_ignore_ascii_case("relu")
    })?;
    Some(format!(
        "the file says {path} = {value}, and only ReLU is computed"
    ))
}
