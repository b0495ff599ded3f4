//! What stands behind the backbone in a file: projection heads and the linear classifier.
//!
//! Training programs give the same two or three layers a dozen names. A head is recognised by its
//! place (beside the backbone, nearest first), its name (a table), and its shapes: the first layer
//! takes the backbone's features and each further one what the layer before gives.

use std::collections::BTreeMap;

use super::{
    listing::{Listed, Listing},
    prefix,
};
use crate::models::{HeadLayer, HeadSpec};

/// Names of global projection heads, relative to the backbone's root or to a path above it.
const PROJECTIONS: &[&str] = &[
    "fc",
    "projector",
    "projector.net",
    "projector.layers",
    "projection_head",
    "projection_head.layers",
    "projection",
    "projection.net",
    // PyTorch-BYOL spells it so.
    "projetion.net",
    "projetion",
    "projection_mlp",
    "proj_head",
    "proj",
    "head",
    "head.mlp",
    "neck.mlp",
    "neck",
    "1.mlp",
    "1",
    "g",
    "mlp",
];

/// Names of dense projection heads (1×1 convolutions).
const DENSE_PROJECTIONS: &[&str] = &[
    "1.mlp2",
    "neck.mlp2",
    "mlp2",
    "dense_head",
    "dense_projector",
    "dense_projection_head",
    "1.dense",
    "dense",
];

/// Names of linear classifiers.
const CLASSIFIERS: &[&str] = &[
    "fc",
    "linear",
    "classifier",
    "last_linear",
    "head.fc",
    "head.fc_cls",
    "cls_head.fc",
    "cls_head.fc_cls",
    "head",
    "output_net.2",
];

/// Layers of a projection head and where their tensors are.
pub(super) struct HeadPlan<'a> {
    /// Path in the file, without the dot.
    pub place: String,
    pub spec: HeadSpec,
    /// Name within the head (`0.weight`, counting every layer) and the file's tensor.
    pub tensors: Vec<(String, &'a Listed)>,
    /// The sentence that says why it is taken as a head.
    pub why: String,
}

impl HeadPlan<'_> {
    /// The head in a few words: "2048 → 2048 → BN → ReLU → 128".
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for layer in &self.spec.layers {
            match layer {
                HeadLayer::Linear {
                    inputs, outputs, ..
                } => {
                    if text.is_empty() {
                        text = inputs.to_string();
                    }
                    text.push_str(" → ");
                    text.push_str(&outputs.to_string());
                }
                HeadLayer::BatchNorm { .. } => text.push_str(" → BN"),
                HeadLayer::Relu => text.push_str(" → ReLU"),
            }
        }
        format!("`{}`: {text}", self.place)
    }
}

/// A linear classifier in the file.
pub(super) struct ClassifierPlan<'a> {
    pub place: String,
    pub classes: usize,
    pub weight: &'a Listed,
    pub bias: &'a Listed,
}

/// All that was found behind a backbone.
#[derive(Default)]
pub(super) struct Heads<'a> {
    pub projection: Option<HeadPlan<'a>>,
    pub dense: Option<HeadPlan<'a>>,
    pub classifier: Option<ClassifierPlan<'a>>,
    /// Sentences on what was decided and why.
    pub evidence: Vec<String>,
    /// Places that look like heads but are not used, with the reason.
    pub rejected: Vec<(String, String)>,
}

/// Looks behind the backbone at `root`, whose pooled features have `features` values.
pub(super) fn find<'a>(listing: &'a Listing, root: &str, features: usize) -> Heads<'a> {
    let places = places(root);
    let is_dense = |plan: &HeadPlan| Some(format!("dense projection head {}", plan.describe()));
    let (dense, _) = first_chain(listing, &places, DENSE_PROJECTIONS, (features, 4), is_dense);
    let mut heads = Heads {
        dense,
        ..Heads::default()
    };
    if let Some(place) = dino_head(listing, &places) {
        let reason = "DINO's head has GELU layers, which heads here do not have";
        heads
            .evidence
            .push(format!("`{place}` is not used: {reason}"));
        heads.rejected.push((place, reason.to_owned()));
    } else {
        let (projection, rejected) =
            first_chain(listing, &places, PROJECTIONS, (features, 2), |plan| {
                projection_sentence(listing, root, plan)
            });
        (heads.projection, heads.rejected) = (projection, rejected);
    }
    heads.classifier = classifier(listing, &places, features, heads.projection.as_ref());
    let sentences = [
        heads.dense.as_ref().map(|plan| plan.why.clone()),
        heads.projection.as_ref().map(|plan| plan.why.clone()),
        heads.classifier.as_ref().map(|found| {
            format!(
                "`{}` is one linear layer with a bias to {} values: a classifier",
                found.place, found.classes
            )
        }),
    ];
    heads.evidence.extend(sentences.into_iter().flatten());
    heads
}

/// Why a chain is a projection head; `None` if, being one linear layer under a classifier's name,
/// it is rather a classifier.
fn projection_sentence(listing: &Listing, root: &str, plan: &HeadPlan) -> Option<String> {
    let last = plan.place.rsplit('.').next().unwrap_or_default();
    if plan.spec.layers.len() > 1 || !matches!(last, "fc" | "head") {
        return Some(format!("projection head {}", plan.describe()));
    }
    let sign = contrastive_sign(listing, root, last)?;
    Some(format!(
        "`{}` is one linear layer and taken as projection head, because {sign}",
        plan.place
    ))
}

/// What makes a single linear layer named like a classifier a projection head.
fn contrastive_sign(listing: &Listing, root: &str, name: &str) -> Option<&'static str> {
    let has_queue = listing
        .entries()
        .iter()
        .any(|entry| entry.key.rsplit('.').next() == Some("queue"));
    if has_queue {
        return Some("the file keeps a queue of negatives (MoCo)");
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
    let is_supcon = name == "head" && root.ends_with("encoder.");
    is_supcon.then_some("it stands beside an `encoder` (SupContrast)")
}

/// The backbone's root and the paths above it, as far up as they belong to this copy alone.
fn places(root: &str) -> Vec<&str> {
    let mut places = vec![root];
    let mut here = root;
    while let Some(parent) = prefix::parent(here) {
        // Above `teacher.` or `encoder_k.` stand the heads of the other copy as well.
        if prefix::meaning(&here[parent.len()..]).is_some() {
            break;
        }
        places.push(parent);
        here = parent;
    }
    places
}

/// DINO's head: a `last_layer` of prototypes beside a multi-layer perceptron.
fn dino_head(listing: &Listing, places: &[&str]) -> Option<String> {
    places
        .iter()
        .flat_map(|place| ["head", "projection_head"].map(|name| format!("{place}{name}")))
        .find(|head| listing.has_below(&format!("{head}.last_layer.")))
}

/// The first place under one of `names` whose layers form a chain and that `judge` accepts, and
/// the places before it that hold layers which form none. `features` come in, and weights have as
/// many extents as `rank`.
fn first_chain<'a>(
    listing: &'a Listing,
    places: &[&str],
    names: &[&str],
    (features, rank): (usize, usize),
    judge: impl Fn(&HeadPlan) -> Option<String>,
) -> (Option<HeadPlan<'a>>, Vec<(String, String)>) {
    let mut rejected = Vec::new();
    for place in places {
        for name in names {
            let place = format!("{place}{name}");
            match chain(listing, &place, features, rank) {
                Ok(Some(mut plan)) => {
                    if let Some(why) = judge(&plan) {
                        plan.why = why;
                        return (Some(plan), rejected);
                    }
                }
                Ok(None) => {}
                Err(reason) => rejected.push((place, reason)),
            }
        }
    }
    (None, rejected)
}

/// The tensors of one layer.
#[derive(Default)]
struct Layer<'a> {
    parts: BTreeMap<&'a str, &'a Listed>,
}

/// Reads the layers at `place`: `Ok(None)` when nothing like a head is there, `Err` when there is
/// one that does not fit.
fn chain<'a>(
    listing: &'a Listing,
    place: &str,
    features: usize,
    rank: usize,
) -> Result<Option<HeadPlan<'a>>, String> {
    let below = format!("{place}.");
    let mut layers: BTreeMap<usize, Layer> = BTreeMap::new();
    for entry in listing.entries() {
        let Some(name) = entry.key.strip_prefix(&below) else {
            continue;
        };
        let (layer, part) = name.split_once('.').unwrap_or(("0", name));
        let Some(position) = position(layer) else {
            continue;
        };
        if !part.contains('.') {
            layers
                .entry(position)
                .or_default()
                .parts
                .insert(part, entry);
        }
    }
    let first = layers
        .values()
        .next()
        .and_then(|layer| layer.parts.get("weight"));
    if first.is_none_or(|weight| weight.shape.len() != rank) {
        return Ok(None);
    }
    assemble(place, &layers, features, rank).map(Some)
}

/// Where a layer's name puts it: a number in a `Sequential`, or mmselfsup's `fc0`, `bn0`, `fc1` …,
/// between which a ReLU stands.
fn position(layer: &str) -> Option<usize> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number < 100);
    if let Some(index) = layer.strip_prefix("fc") {
        return Some(3 * number(index)?);
    }
    if let Some(index) = layer.strip_prefix("bn") {
        return Some(3 * number(index)? + 1);
    }
    number(layer)
}

fn assemble<'a>(
    place: &str,
    layers: &BTreeMap<usize, Layer<'a>>,
    features: usize,
    rank: usize,
) -> Result<HeadPlan<'a>, String> {
    let mut plan = HeadPlan {
        place: place.to_owned(),
        spec: HeadSpec { layers: Vec::new() },
        tensors: Vec::new(),
        why: String::new(),
    };
    let mut width = features;
    let mut next_position = None;
    for (&position, layer) in layers {
        // A number without parameters is an activation: these heads know only ReLU.
        if next_position.is_some_and(|next| position > next) {
            plan.spec.layers.push(HeadLayer::Relu);
        }
        next_position = Some(position + 1);
        let (kind, parts) = read_layer(layer, width, rank)?;
        if let HeadLayer::Linear { outputs, .. } = kind {
            width = outputs;
        }
        let index = plan.spec.layers.len();
        for part in parts {
            plan.tensors
                .push((format!("{index}.{part}"), layer.parts[part]));
        }
        plan.spec.layers.push(kind);
    }
    Ok(plan)
}

/// One layer that takes `width` values, and the names of its tensors.
fn read_layer(
    layer: &Layer,
    width: usize,
    rank: usize,
) -> Result<(HeadLayer, &'static [&'static str]), String> {
    let shape = |part: &str| layer.parts.get(part).map(|listed| listed.shape.as_slice());
    if let Some(mean) = shape("running_mean") {
        if mean != [width] {
            return Err(format!(
                "its batch normalisation has {mean:?} values where {width} arrive"
            ));
        }
        return match (shape("weight"), shape("bias"), shape("running_var")) {
            (_, _, None) => Err("its batch normalisation lacks `running_var`".to_owned()),
            (Some(weight), Some(bias), Some(variance))
                if weight == mean && bias == mean && variance == mean =>
            {
                let layer = HeadLayer::BatchNorm {
                    dim: width,
                    is_affine: true,
                };
                Ok((layer, &["weight", "bias", "running_mean", "running_var"]))
            }
            (None, None, Some(variance)) if variance == mean => {
                let layer = HeadLayer::BatchNorm {
                    dim: width,
                    is_affine: false,
                };
                Ok((layer, &["running_mean", "running_var"]))
            }
            _ => Err("the tensors of its batch normalisation disagree in shape".to_owned()),
        };
    }
    let outputs = match shape("weight") {
        Some([outputs, inputs]) if rank == 2 && *inputs == width => *outputs,
        Some([outputs, inputs, 1, 1]) if rank == 4 && *inputs == width => *outputs,
        Some([_]) => {
            return Err("its batch normalisation has no running statistics".to_owned());
        }
        Some(shape) => {
            return Err(format!(
                "a layer has shape {shape:?} where {width} values arrive"
            ));
        }
        None => return Err("a layer has no `weight`".to_owned()),
    };
    let has_bias = match shape("bias") {
        None => false,
        Some(bias) if bias == [outputs] => true,
        Some(bias) => return Err(format!("a bias has shape {bias:?} instead of [{outputs}]")),
    };
    let parts: &[&str] = if has_bias {
        &["weight", "bias"]
    } else {
        &["weight"]
    };
    let layer = HeadLayer::Linear {
        inputs: width,
        outputs,
        has_bias,
    };
    Ok((layer, parts))
}

/// The nearest linear layer with a bias under a classifier's name.
fn classifier<'a>(
    listing: &'a Listing,
    places: &[&str],
    features: usize,
    projection: Option<&HeadPlan>,
) -> Option<ClassifierPlan<'a>> {
    for place in places {
        for name in CLASSIFIERS {
            let place = format!("{place}{name}");
            if projection.is_some_and(|head| head.place == place) {
                continue;
            }
            let weight = listing.get(&format!("{place}.weight"));
            let bias = listing.get(&format!("{place}.bias"));
            if let (Some(weight), Some(bias)) = (weight, bias)
                && let [classes, inputs] = weight.shape[..]
                && inputs == features
                && bias.shape == [classes]
            {
                return Some(ClassifierPlan {
                    place,
                    classes,
                    weight,
                    bias,
                });
            }
        }
    }
    None
}
