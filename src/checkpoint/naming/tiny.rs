//! This program's own tiny conv net: `blocks.{0..3}.conv` and `blocks.{0..3}.bn`. Canonical names
//! are the file's own.

use super::{Canonical, Listing, Naming, Spelling, Verdict, is_index, root_before};
use crate::models::Architecture;

pub(super) const NAMING: Naming = Naming {
    name: "Spherescope",
    root,
    spelling,
    sniff,
};

fn root(key: &str) -> Option<&str> {
    root_before(key, |segment, after| {
        segment == "blocks" && matches!(after, [block, "conv" | "bn", _] if is_index(block))
    })
}

fn spelling(_: &Listing, _: &str) -> Spelling {
    Spelling {
        stems: vec![("blocks".to_owned(), "blocks".to_owned())],
        inner: Vec::new(),
    }
}

fn sniff(tensors: &Canonical) -> Verdict {
    let Some([width, 3, 3, 3]) = tensors
        .get("blocks.0.conv.weight")
        .map(|listed| listed.shape.as_slice())
    else {
        return Verdict::Unlike;
    };
    Verdict::Family {
        architecture: Architecture::TinyConvNet { width: *width },
        evidence: vec![format!(
            "`blocks.0.conv` takes 3 channels and gives {width}: this program's tiny conv net"
        )],
    }
}
