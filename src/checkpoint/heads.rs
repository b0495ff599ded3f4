//! What stands behind the backbone in a file: projection heads and the linear classifier.
//!
//! Training programs give the same two or three layers a dozen names. A head is recognised by its
//! place (beside the backbone, nearest first), its name (a table), and its shapes: the first layer
//! takes the backbone's features and each further one what the layer before gives.

use super::{
    head_chain::{HeadPlan, chain},
    listing::{Listed, Listing},
    lone_layer, prefix,
};
use crate::models::HeadLayer;

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
    // The second of `nn.Sequential(resnet, nn.Linear(…))`.
    "1",
    "output_net.2",
];

/// Levels above the backbone that are searched for its heads.
const MAX_PLACES: usize = 6;

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
    /// Sentences on what could be meant otherwise.
    pub warnings: Vec<String>,
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
        let perceptron = format!("{place}.mlp");
        match chain(listing, &perceptron, (features, 2), HeadLayer::Gelu) {
            Ok(Some(mut plan)) => {
                plan.why = format!(
                    "projection head {}, with GELU because a `last_layer` beside it is DINO's; \
                     that layer's prototypes are not features and stay unused",
                    plan.describe()
                );
                heads.projection = Some(plan);
            }
            Ok(None) => {}
            Err(reason) => heads.rejected.push((perceptron, reason)),
        }
    } else {
        let (projection, rejected) =
            first_chain(listing, &places, PROJECTIONS, (features, 2), |plan| {
                projection_sentence(listing, root, plan)
            });
        (heads.projection, heads.rejected) = (projection, rejected);
    }
    heads.classifier = classifier(listing, &places, features, heads.projection.as_ref());
    heads.warnings = heads
        .classifier
        .iter()
        .filter_map(|found| lone_layer::doubt(root, &found.place, found.classes))
        .collect();
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

/// Why a chain is a projection head; `None` if, being one linear layer at a place where
/// classifiers stand as well, it is rather a classifier.
fn projection_sentence(listing: &Listing, root: &str, plan: &HeadPlan) -> Option<String> {
    let name = lone_layer::name(&plan.place);
    match plan.spec.layers[..] {
        [
            HeadLayer::Linear {
                outputs, has_bias, ..
            },
        ] if lone_layer::is_ambiguous(name, has_bias) => {
            let sign = lone_layer::contrastive_sign(listing, root, name, outputs)?;
            Some(format!(
                "`{}` is one linear layer and taken as projection head, because {sign}",
                plan.place
            ))
        }
        _ => Some(format!("projection head {}", plan.describe())),
    }
}

/// The backbone's root and the paths above it, as far up as they belong to this copy alone.
fn places(root: &str) -> Vec<&str> {
    let mut places = vec![root];
    let mut here = root;
    while let Some(parent) = prefix::parent(here)
        && places.len() < MAX_PLACES
    {
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
            match chain(listing, &place, (features, rank), HeadLayer::Relu) {
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
