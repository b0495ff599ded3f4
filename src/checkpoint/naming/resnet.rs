//! ResNets of torchvision's build and of the CIFAR build of He et al. 2016, section 4.2.
//!
//! Two spellings: torchvision's (`conv1`, `bn1`, `layer1.0.conv1`, …), which almost every training
//! program kept, some with `shortcut` for `downsample` (kuangliu, SupContrast, akamaster); and the
//! one of `Sequential(*resnet.children())` (`0`, `1`, `4.0.conv1`, …: lightly, PyTorch-BYOL).

use super::{Canonical, Listing, Naming, Spelling, Verdict, is_index, root_before};
use crate::models::{Architecture, Shortcut, Stem};

/// `conv1`, `bn1`, `layer1`–`layer4`.
pub(super) const TORCHVISION: Naming = Naming {
    name: "torchvision",
    root: torchvision_root,
    spelling: torchvision_spelling,
    sniff,
};

/// Positions in a `Sequential` instead of names.
pub(super) const SEQUENTIAL: Naming = Naming {
    name: "torchvision in a Sequential (positions for names)",
    root: sequential_root,
    spelling: sequential_spelling,
    sniff,
};

/// Depth, blocks of each layer, and whether the blocks are bottlenecks (He et al. 2016, table 1).
const IMAGENET_DEPTHS: [(u16, [usize; 4], bool); 5] = [
    (18, [2, 2, 2, 2], false),
    (34, [3, 4, 6, 3], false),
    (50, [3, 4, 6, 3], true),
    (101, [3, 4, 23, 3], true),
    (152, [3, 8, 36, 3], true),
];

/// Blocks of each of the three layers; the depth is six times that plus two.
const CIFAR_BLOCKS: [usize; 5] = [3, 5, 7, 9, 18];

/// Channels of the first layer of the CIFAR build.
const CIFAR_WIDTH: usize = 16;

fn torchvision_root(key: &str) -> Option<&str> {
    root_before(key, |segment, after| {
        matches!(segment, "layer1" | "layer2" | "layer3" | "layer4")
            && after.first().is_some_and(|block| is_index(block))
    })
}

fn torchvision_spelling(listing: &Listing, root: &str) -> Spelling {
    let same = |name: &str| (name.to_owned(), name.to_owned());
    Spelling {
        stems: ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"]
            .map(same)
            .to_vec(),
        inner: shortcut_word(listing, root),
    }
}

/// Whether blocks below `root` call their projection `shortcut`.
fn shortcut_word(listing: &Listing, root: &str) -> Vec<(&'static str, &'static str)> {
    let is_shortcut = listing
        .below(root)
        .any(|(name, _)| name.split('.').any(|segment| segment == "shortcut"));
    if is_shortcut {
        vec![("downsample", "shortcut")]
    } else {
        Vec::new()
    }
}

fn sequential_root(key: &str) -> Option<&str> {
    root_before(key, |segment, after| {
        is_index(segment)
            && matches!(after, [block, part, ..] if is_index(block) && is_block_part(part))
    })
}

fn is_block_part(segment: &str) -> bool {
    matches!(
        segment,
        "conv1" | "conv2" | "conv3" | "bn1" | "bn2" | "bn3" | "downsample" | "shortcut"
    )
}

/// Gives names to positions: the layers are the positions that hold blocks, in order, and the
/// stem's two are the first that hold a convolution and statistics.
fn sequential_spelling(listing: &Listing, root: &str) -> Spelling {
    let mut layers = Vec::new();
    let (mut conv, mut norm) = (None, None);
    for (name, listed) in listing.below(root) {
        let segments: Vec<_> = name.split('.').collect();
        match segments[..] {
            [position, block, part, ..] if is_index(position) && is_index(block) => {
                let position = position.to_owned();
                if is_block_part(part) && layers.last() != Some(&position) {
                    layers.push(position);
                }
            }
            [position, "weight"] if is_index(position) && listed.shape.len() == 4 => {
                conv.get_or_insert_with(|| position.to_owned());
            }
            [position, "running_mean"] if is_index(position) => {
                norm.get_or_insert_with(|| position.to_owned());
            }
            _ => {}
        }
    }
    if !(3..=4).contains(&layers.len()) {
        return Spelling::default();
    }
    let named = layers
        .into_iter()
        .enumerate()
        .map(|(index, position)| (format!("layer{}", index + 1), position));
    let mut stems: Vec<_> = named.collect();
    stems.extend(conv.map(|position| ("conv1".to_owned(), position)));
    stems.extend(norm.map(|position| ("bn1".to_owned(), position)));
    Spelling {
        stems,
        inner: shortcut_word(listing, root),
    }
}

/// Blocks of each layer, counted by the highest index.
fn block_counts(tensors: &Canonical) -> Vec<usize> {
    let mut counts = Vec::new();
    for name in tensors.keys() {
        let mut segments = name.split('.');
        let layer = segments
            .next()
            .and_then(|first| first.strip_prefix("layer"))
            .and_then(|number| number.parse::<usize>().ok());
        let block = segments
            .next()
            .and_then(|block| block.parse::<usize>().ok());
        if let (Some(layer @ 1..=4), Some(block)) = (layer, block) {
            if counts.len() < layer {
                counts.resize(layer, 0);
            }
            counts[layer - 1] = counts[layer - 1].max(block + 1);
        }
    }
    counts
}

fn shape<'a>(tensors: &'a Canonical, name: &str) -> Option<&'a [usize]> {
    tensors.get(name).map(|listed| listed.shape.as_slice())
}

fn sniff(tensors: &Canonical) -> Verdict {
    let counts = block_counts(tensors);
    let Some(width) = width(tensors) else {
        return Verdict::Unlike;
    };
    match counts[..] {
        [a, b, c] => sniff_cifar(tensors, [a, b, c], width),
        [a, b, c, d] => sniff_imagenet(tensors, [a, b, c, d], width),
        _ => Verdict::Unlike,
    }
}

/// Channels after the stem.
fn width(tensors: &Canonical) -> Option<usize> {
    ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight"]
        .into_iter()
        .find_map(|name| shape(tensors, name)?.first().copied())
        .filter(|&width| width > 0)
}

fn sniff_cifar(tensors: &Canonical, counts: [usize; 3], width: usize) -> Verdict {
    // A file cut short in a last block still counts as many blocks as its first layer.
    let blocks = counts[0].max(counts[1]).max(counts[2]);
    if width != CIFAR_WIDTH || !CIFAR_BLOCKS.contains(&blocks) {
        return Verdict::Unfit(format!(
            "three layers of {counts:?} blocks from {width} channels are no CIFAR ResNet of depth \
             20, 32, 44, 56 or 110 (which has 16 channels and as many blocks in each layer)"
        ));
    }
    if tensors.contains_key("layer1.0.conv3.weight") {
        return Verdict::Unfit(
            "three layers with bottleneck blocks: a CIFAR ResNet of another build".to_owned(),
        );
    }
    let depth = (6 * blocks + 2) as u16;
    let shortcut = if tensors.keys().any(|name| name.contains("downsample")) {
        Shortcut::B
    } else {
        Shortcut::A
    };
    let shortcut_evidence = match shortcut {
        Shortcut::A => "no projection in the blocks that change size: option-A shortcuts",
        Shortcut::B => "a 1×1 projection where the size changes: option-B shortcuts",
    };
    Verdict::Family {
        architecture: Architecture::CifarResNet { depth, shortcut },
        evidence: vec![
            format!(
                "three layers of {blocks} two-convolution blocks: depth 6·{blocks}+2 = {depth}"
            ),
            format!("{width} channels after the stem"),
            shortcut_evidence.to_owned(),
        ],
    }
}

fn sniff_imagenet(tensors: &Canonical, counts: [usize; 4], width: usize) -> Verdict {
    let is_bottleneck = tensors.keys().any(|name| name.contains(".conv3."));
    if is_bottleneck && let Some(objection) = bottleneck_objection(tensors, width) {
        return Verdict::Unfit(objection);
    }
    // The smallest depth that covers the counts: a file that lost a block is then told which.
    let fits = |known: &[usize; 4]| {
        known
            .iter()
            .zip(counts)
            .all(|(&known, count)| count <= known)
    };
    let depth = IMAGENET_DEPTHS
        .iter()
        .find(|(_, known, bottleneck)| *bottleneck == is_bottleneck && fits(known));
    let kind = if is_bottleneck {
        "bottleneck"
    } else {
        "two-convolution"
    };
    let Some(&(depth, known, _)) = depth else {
        return Verdict::Unfit(format!(
            "four layers of {counts:?} {kind} blocks match no ResNet of depth 18, 34, 50, 101 or 152"
        ));
    };
    let kernel = shape(tensors, "conv1.weight").and_then(|shape| shape.get(2).copied());
    let (stem, stem_evidence) = match kernel {
        Some(3) => (
            Stem::Cifar,
            "first convolution 3×3: CIFAR stem, without max-pooling",
        ),
        _ => (Stem::ImageNet, "first convolution 7×7: ImageNet stem"),
    };
    let mut evidence = vec![format!(
        "four layers of {counts:?} {kind} blocks: ResNet-{depth}"
    )];
    if counts != known {
        evidence.push(format!("ResNet-{depth} has {known:?} blocks"));
    }
    if kernel.is_some() {
        evidence.push(stem_evidence.to_owned());
    }
    evidence.push(format!("{width} channels after the stem"));
    Verdict::Family {
        architecture: Architecture::ResNet { depth, stem, width },
        evidence,
    }
}

/// Why bottleneck blocks are not plain ResNet's: grouped or widened inner convolutions.
fn bottleneck_objection(tensors: &Canonical, width: usize) -> Option<String> {
    let inner = shape(tensors, "layer1.0.conv2.weight")?;
    let (&outputs, &inputs) = (inner.first()?, inner.get(1)?);
    if inputs < outputs {
        return Some(format!(
            "the 3×3 convolutions are grouped ({inner:?}): a ResNeXt, which is not among the families"
        ));
    }
    (outputs != width).then(|| {
        format!("the bottlenecks have {outputs} channels instead of {width}: a wide ResNet, which is not among the families")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_both_spellings() {
        assert_eq!(
            torchvision_root("state_dict.module.encoder_q.layer1.0.conv1.weight"),
            Some("state_dict.module.encoder_q.")
        );
        assert_eq!(torchvision_root("layer4.2.bn3.bias"), Some(""));
        assert_eq!(torchvision_root("layer1.conv.weight"), None);
        assert_eq!(
            sequential_root("backbone.4.0.conv1.weight"),
            Some("backbone.")
        );
        assert_eq!(sequential_root("encoder_q.0.layer1.0.conv1.weight"), None);
    }
}
