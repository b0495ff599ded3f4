//! Wang & Isola's SmallAlexNet: `blocks.0`–`blocks.7`, five convolutions and three linear layers.
//! Canonical names are the file's own.

use super::{Canonical, Listing, Naming, Spelling, Verdict, is_index, root_before};
use crate::models::Architecture;

pub(super) const NAMING: Naming = Naming {
    name: "SmallAlexNet",
    root,
    spelling,
    sniff,
};

fn root(key: &str) -> Option<&str> {
    root_before(key, |segment, after| {
        segment == "blocks"
            && matches!(after, [block, layer, _] if is_index(block) && is_index(layer))
    })
}

fn spelling(_: &Listing, _: &str) -> Spelling {
    Spelling {
        stems: vec![("blocks".to_owned(), "blocks".to_owned())],
        inner: Vec::new(),
    }
}

fn sniff(tensors: &Canonical) -> Verdict {
    let shape = |name: &str| tensors.get(name).map(|listed| listed.shape.as_slice());
    let Some([96, channels_in, 3, 3]) = shape("blocks.0.0.weight") else {
        return Verdict::Unlike;
    };
    let Some([_, fc6_inputs]) = shape("blocks.5.1.weight") else {
        return Verdict::Unlike;
    };
    let Some(input_side) = Architecture::small_alexnet_side(*fc6_inputs) else {
        return Verdict::Unfit(format!(
            "`blocks.5.1.weight` takes {fc6_inputs} values, which are no square map of 192 channels: \
             not Wang & Isola's SmallAlexNet"
        ));
    };
    // The last layer may be the one that is missing; 128 is its published size.
    let feat_dim = shape("blocks.7.0.weight")
        .and_then(|shape| shape.first())
        .map_or(128, |&outputs| outputs);
    Verdict::Family {
        architecture: Architecture::SmallAlexNet {
            channels_in: *channels_in,
            feat_dim,
            input_side,
        },
        evidence: vec![
            "convolutions of 96, 192, 384, 384 and 192 channels in `blocks`".to_owned(),
            format!(
                "the first linear layer takes {fc6_inputs} values: made for images of side \
                 {input_side}"
            ),
            format!("features of {feat_dim} values"),
        ],
    }
}
