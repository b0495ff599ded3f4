//! Reads a head's layers from the tensors at one place: linear layers (or 1×1 convolutions), batch
//! normalisations, and an activation wherever a position has no parameters.

use std::collections::BTreeMap;

use super::listing::{Listed, Listing};
use crate::models::{HeadLayer, HeadSpec};

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
                HeadLayer::Gelu => text.push_str(" → GELU"),
            }
        }
        format!("`{}`: {text}", self.place)
    }
}

/// The tensors of one layer.
#[derive(Default)]
struct Layer<'a> {
    parts: BTreeMap<&'a str, &'a Listed>,
}

/// Reads the layers at `place`: `Ok(None)` when nothing like a head is there, `Err` when there is
/// one that does not fit. `activation` stands where a position has no parameters: a file does not
/// say which one it was.
pub(super) fn chain<'a>(
    listing: &'a Listing,
    place: &str,
    (features, rank): (usize, usize),
    activation: HeadLayer,
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
    assemble(place, &layers, (features, rank), activation).map(Some)
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
    (features, rank): (usize, usize),
    activation: HeadLayer,
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
        if next_position.is_some_and(|next| position > next) {
            plan.spec.layers.push(activation);
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
