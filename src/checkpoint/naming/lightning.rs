//! The CIFAR ResNet of the Lightning tutorials (phlippe): `input_net`, `blocks.{i}.net`,
//! `blocks.{i}.downsample`, `output_net`. Canonical names are the file's own.

use super::{Canonical, Listing, Naming, Spelling, Verdict, is_index, root_before};
use crate::models::Architecture;

pub(super) const NAMING: Naming = Naming {
    name: "Lightning tutorial",
    root,
    spelling,
    sniff,
};

fn root(key: &str) -> Option<&str> {
    root_before(key, |segment, after| match segment {
        "input_net" => true,
        "blocks" => {
            matches!(after, [block, part, ..] if is_index(block) && matches!(*part, "net" | "downsample"))
        }
        _ => false,
    })
}

fn spelling(_: &Listing, _: &str) -> Spelling {
    let same = |name: &str| (name.to_owned(), name.to_owned());
    Spelling {
        stems: ["input_net", "blocks"].map(same).to_vec(),
        inner: Vec::new(),
    }
}

fn sniff(tensors: &Canonical) -> Verdict {
    let convolution = |block: usize| tensors.get(&format!("blocks.{block}.net.0.weight"));
    let mut widths = Vec::new();
    for block in 0.. {
        let Some(listed) = convolution(block) else {
            break;
        };
        match listed.shape[..] {
            [outputs, _, 3, 3] => widths.push(outputs),
            _ => {
                return Verdict::Unfit(
                    "its blocks do not begin with a 3×3 convolution: the pre-activation variant, \
                     which is not among the families"
                        .to_owned(),
                );
            }
        }
    }
    if widths.is_empty() {
        return Verdict::Unlike;
    }
    // Each run of blocks with one width is a stage; the first block of a run changes the size.
    let (mut channels, mut blocks) = (Vec::<usize>::new(), Vec::<usize>::new());
    for width in &widths {
        match (channels.last(), blocks.last_mut()) {
            (Some(last), Some(count)) if last == width => *count += 1,
            _ => {
                channels.push(*width);
                blocks.push(1);
            }
        }
    }
    let evidence = vec![format!(
        "{} blocks, {blocks:?} of {channels:?} channels",
        widths.len()
    )];
    Verdict::Family {
        architecture: Architecture::PreparedCifarResNet { blocks, channels },
        evidence,
    }
}
