//! Which training method left the file, as far as the keys beside the backbone tell. It only
//! informs the reader and the guess of the normalisation; no weights depend on it.

use super::{candidate::Candidate, heads::Heads, listing::Listing, naming, prefix};
use crate::models::{Architecture, HeadLayer};

/// A training method and the program whose key layout showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub name: &'static str,
    /// What in the keys shows it.
    pub sign: &'static str,
    /// Whether its program feeds images in [0, 1] without normalising them.
    pub is_unnormalised: bool,
}

/// What the tests look at.
struct Signs<'a> {
    listing: &'a Listing,
    candidate: &'a Candidate<'a>,
    heads: &'a Heads<'a>,
}

impl Signs<'_> {
    /// Whether a segment of the root is `word`.
    fn root_has(&self, word: &str) -> bool {
        prefix::segments(&self.candidate.root).any(|segment| segment == word)
    }

    /// Whether any key outside the optimiser has a segment `word`.
    fn has(&self, word: &str) -> bool {
        self.listing.entries().iter().any(|entry| {
            let mut segments = entry.key.split('.');
            !segments.clone().any(|segment| segment.contains("optim"))
                && segments.any(|segment| segment == word)
        })
    }

    fn head_place_ends(&self, end: &str) -> bool {
        let place = self.heads.projection.as_ref().map(|head| &head.place);
        place.is_some_and(|place| place == end || place.ends_with(&format!(".{end}")))
    }

    fn head_layers(&self) -> usize {
        let layers = self
            .heads
            .projection
            .iter()
            .flat_map(|head| &head.spec.layers);
        layers
            .filter(|layer| matches!(layer, HeadLayer::Linear { .. }))
            .count()
    }

    fn is_sequential(&self) -> bool {
        self.candidate.spelling.file("conv1.weight") != "conv1.weight"
            && self
                .candidate
                .spelling
                .stems
                .iter()
                .any(|(ours, _)| ours == "conv1")
    }
}

/// A method with its test.
type Rule = (fn(&Signs) -> bool, Method);

const fn method(name: &'static str, sign: &'static str) -> Method {
    Method {
        name,
        sign,
        is_unnormalised: false,
    }
}

const fn unnormalised(name: &'static str, sign: &'static str) -> Method {
    Method {
        name,
        sign,
        is_unnormalised: true,
    }
}

/// Tried in order: the special before the general.
const RULES: &[Rule] = &[
    (
        |signs| signs.has("queue2") || signs.heads.dense.is_some(),
        method("DenseCL", "a dense head or a second queue"),
    ),
    (
        |signs| signs.root_has("base_encoder") || signs.root_has("momentum_encoder"),
        method("MoCo v3", "`base_encoder` and `momentum_encoder`"),
    ),
    (
        |signs| signs.root_has("encoder_q") && signs.head_layers() > 1,
        method("MoCo v2", "`encoder_q` with a head of two layers"),
    ),
    (
        |signs| signs.root_has("encoder_q") || signs.root_has("encoder_k"),
        method("MoCo v1", "`encoder_q` without a hidden layer in its head"),
    ),
    (
        |signs| signs.has("last_layer") && (signs.has("head") || signs.has("projection_head")),
        method("DINO", "a head with a `last_layer` of prototypes"),
    ),
    (
        |signs| signs.has("prototypes"),
        method("SwAV", "`prototypes`"),
    ),
    (
        |signs| {
            signs.root_has("online_network")
                || signs.root_has("online_encoder")
                || signs.root_has("online_network_state_dict")
                || (signs.has("target_net") && signs.has("online_net"))
        },
        method("BYOL", "an online and a target network"),
    ),
    (
        |signs| signs.has("predictor") && signs.head_layers() == 3 && signs.head_place_ends("fc"),
        method("SimSiam", "a three-layer head in `fc` and a `predictor`"),
    ),
    (
        |signs| signs.root_has("backbone") && signs.has("neck"),
        method("mmselfsup", "`backbone` and `neck`"),
    ),
    (
        |signs| signs.is_sequential() && signs.head_place_ends("layers"),
        method("lightly", "positions for names and a head in `layers`"),
    ),
    (
        |signs| signs.has("projector") && has_top_level_norm(signs.listing),
        method("Barlow Twins", "a `projector` and a lone `bn` after it"),
    ),
    (
        |signs| naming::is_solo_learn(signs.listing, &signs.candidate.root),
        method(
            "solo-learn",
            "`projector` and `classifier` in a Lightning `state_dict`",
        ),
    ),
    (
        |signs| signs.root_has("backbone") && signs.has("projector") && signs.head_layers() == 3,
        method("VICReg", "`backbone` and a three-layer `projector`"),
    ),
    (
        |signs| signs.root_has("encoder") && signs.has("shortcut") && signs.head_place_ends("head"),
        method("SupContrast", "`encoder` with `shortcut`s, and `head`"),
    ),
    (
        |signs| signs.root_has("encoder") && signs.head_place_ends("head"),
        method("PyContrast", "`encoder` and `head`"),
    ),
    (
        |signs| {
            signs.root_has("backbone") && signs.head_place_ends("fc") && signs.head_layers() == 2
        },
        unnormalised(
            "SimCLR (PyTorch, sthalles)",
            "`backbone` with a two-layer head in `fc`",
        ),
    ),
    (
        |signs| signs.root_has("encoder") && signs.has("projector") && signs.head_layers() == 2,
        unnormalised(
            "SimCLR (PyTorch, Spijkervet)",
            "`encoder` and a two-layer `projector`",
        ),
    ),
];

/// Barlow Twins normalises the projector's output by a batch normalisation of its own. One below a
/// number is that of a block.
fn has_top_level_norm(listing: &Listing) -> bool {
    listing.entries().iter().any(|entry| {
        let above = entry.key.strip_suffix("bn.running_mean");
        above.is_some_and(|above| {
            let mut parts = above.split_terminator('.');
            (above.is_empty() || above.ends_with('.'))
                && parts.all(|part| part.parse::<usize>().is_err())
        })
    })
}

/// The method the layout shows, if any.
pub(super) fn recognise(listing: &Listing, candidate: &Candidate, heads: &Heads) -> Option<Method> {
    // This program's own: its names are like those of others, and nobody else trains it.
    if matches!(candidate.architecture, Architecture::TinyConvNet { .. }) {
        return None;
    }
    let signs = Signs {
        listing,
        candidate,
        heads,
    };
    let (_, method) = RULES.iter().find(|(test, _)| test(&signs))?;
    Some(*method)
}
