//! How programs spell the tensors of the networks we know, one file a way of spelling.
//!
//! A [`Naming`] is a small table: where in a key the network begins, how its names map to the
//! canonical ones of [`Architecture::tensors`], and which member of the family the shapes show.
//! A new family (a ViT, a ConvNeXt) is one more file here and one more line in [`NAMINGS`].

mod lightning;
mod resnet;
mod small_alexnet;
mod stem;
mod tiny;

use std::collections::BTreeMap;

use super::listing::{Listed, Listing};
use crate::models::Architecture;

pub(super) use stem::is_solo_learn;

/// The tensors below one root, by canonical name.
pub(super) type Canonical<'a> = BTreeMap<String, &'a Listed>;

/// One way to spell a family's tensors.
pub(super) struct Naming {
    /// For people: "torchvision".
    pub name: &'static str,
    /// The path above the network (with its trailing dot, or empty), if the key is spelled as
    /// one of the network's tensors.
    pub root: fn(&str) -> Option<&str>,
    /// How the names below a root are spelled.
    pub spelling: fn(&Listing, &str) -> Spelling,
    /// Which network the canonical tensors are.
    pub sniff: fn(&Canonical) -> Verdict,
}

impl Naming {
    /// Which network the canonical tensors below `root` are, by their shapes and by what the
    /// program that left them is known to build.
    pub fn judge(&self, listing: &Listing, root: &str, tensors: &Canonical) -> Verdict {
        stem::with_padding((self.sniff)(tensors), listing, root)
    }
}

/// What the shapes below one root say.
pub(super) enum Verdict {
    /// A member of the family, with sentences that say why.
    Family {
        architecture: Architecture,
        evidence: Vec<String>,
    },
    /// Close to the family, but not one of its members; the sentence says what differs.
    Unfit(String),
    /// Nothing like it.
    Unlike,
}

/// All namings, tried in this order.
pub(super) const NAMINGS: &[Naming] = &[
    resnet::TORCHVISION,
    resnet::SEQUENTIAL,
    lightning::NAMING,
    small_alexnet::NAMING,
    tiny::NAMING,
];

/// The families a file may hold, for the message that none was found.
pub(super) const KNOWN_FAMILIES: &[&str] = &[
    "ResNet-18/34/50/101/152 with ImageNet or CIFAR stem (torchvision, MoCo v1-v3, DenseCL, SimCLR, \
     SimSiam, BYOL, SwAV, Barlow Twins, VICReg, DINO, solo-learn, lightly, mmselfsup, PyContrast)",
    "CIFAR ResNet-20/32/44/56/110 with option A or B shortcuts (akamaster, distiller)",
    "CIFAR ResNet of the Lightning tutorials (input_net, blocks, output_net)",
    "SmallAlexNet (Wang & Isola)",
    "this program's own tiny conv net",
];

/// Pairs of canonical and file names, read in both directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Spelling {
    /// First segments: `conv1` ↔ `0`, `layer1` ↔ `4`.
    pub stems: Vec<(String, String)>,
    /// Inner segments: `downsample` ↔ `shortcut`.
    pub inner: Vec<(&'static str, &'static str)>,
}

impl Spelling {
    /// The canonical name of a file's name below the root; `None` outside the backbone.
    pub fn canonical(&self, name: &str) -> Option<String> {
        let (first, rest) = name.split_once('.')?;
        let (canonical, _) = self.stems.iter().find(|(_, file)| file == first)?;
        Some(swap_inner(
            canonical,
            rest,
            self.inner.iter().map(|&(to, from)| (from, to)),
        ))
    }

    /// The name below the root under which the file holds, or should hold, a canonical one.
    pub fn file(&self, canonical: &str) -> String {
        let Some((first, rest)) = canonical.split_once('.') else {
            return canonical.to_owned();
        };
        let stem = self.stems.iter().find(|(ours, _)| ours == first);
        let stem = stem.map_or(first, |(_, file)| file);
        swap_inner(stem, rest, self.inner.iter().copied())
    }
}

fn swap_inner(
    stem: &str,
    rest: &str,
    pairs: impl Iterator<Item = (&'static str, &'static str)>,
) -> String {
    let pairs: Vec<_> = pairs.collect();
    rest.split('.').fold(stem.to_owned(), |mut name, segment| {
        let swapped = pairs.iter().find(|(from, _)| *from == segment);
        name.push('.');
        name.push_str(swapped.map_or(segment, |(_, to)| to));
        name
    })
}

/// The tensors below `root` that belong to the backbone, by canonical name.
pub(super) fn canonical<'a>(
    listing: &'a Listing,
    root: &str,
    spelling: &Spelling,
) -> Canonical<'a> {
    listing
        .below(root)
        .filter_map(|(name, listed)| Some((spelling.canonical(name)?, listed)))
        .collect()
}

/// The part of `key` before the first segment for which `is_start` holds; it is given the
/// segment and the ones after it.
fn root_before(key: &str, is_start: impl Fn(&str, &[&str]) -> bool) -> Option<&str> {
    let segments: Vec<_> = key.split('.').collect();
    let mut length = 0;
    for (index, segment) in segments.iter().enumerate() {
        if is_start(segment, &segments[index + 1..]) {
            return Some(&key[..length]);
        }
        length += segment.len() + 1;
    }
    None
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.len() < 5 && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Says what an unknown file resembles, so that nobody searches for a typo in a prefix.
pub(super) fn resemblance(listing: &Listing) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 13] = [
        ("denselayer", "a DenseNet"),
        ("embedder.embedder", "a ResNet of the transformers library"),
        ("patch_embed", "a vision transformer"),
        ("cls_token", "a vision transformer"),
        ("encoder_layer_0", "torchvision's vision transformer"),
        ("branch_main", "a ShuffleNet"),
        ("branch2.", "a ShuffleNet"),
        ("dwconv", "a ConvNeXt"),
        ("conv_dw", "a MobileNet or an EfficientNet"),
        ("token_embd", "a language model"),
        ("embed_tokens", "a language model"),
        ("features.0.weight", "a VGG or an AlexNet of torchvision's"),
        ("input_layer.weight", "a plain multi-layer perceptron"),
    ];
    let (_, family) = SIGNS.into_iter().find(|(sign, _)| {
        listing
            .entries()
            .iter()
            .any(|entry| entry.key.contains(sign))
    })?;
    Some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_go_both_ways() {
        let spelling = Spelling {
            stems: vec![
                ("conv1".to_owned(), "0".to_owned()),
                ("layer1".to_owned(), "4".to_owned()),
            ],
            inner: vec![("downsample", "shortcut")],
        };
        for (canonical, file) in [
            ("conv1.weight", "0.weight"),
            ("layer1.0.downsample.1.bias", "4.0.shortcut.1.bias"),
        ] {
            assert_eq!(spelling.canonical(file).as_deref(), Some(canonical));
            assert_eq!(spelling.file(canonical), file);
        }
        assert_eq!(spelling.canonical("9.weight"), None);
    }

    #[test]
    fn roots_end_where_the_network_begins() {
        let start = |segment: &str, _: &[&str]| segment == "layer1";
        assert_eq!(root_before("a.b.layer1.0.w", start), Some("a.b."));
        assert_eq!(root_before("layer1.0.w", start), Some(""));
        assert_eq!(root_before("a.b", start), None);
    }
}
