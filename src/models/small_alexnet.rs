//! Wang & Isola's encoder for STL-10 (2020): five 3×3 convolution blocks with batch normalisation
//! and ReLU, 3×3 max pooling of stride 2 without padding after the first, second and fifth, then
//! fc6 and fc7 of 4096 (batch normalisation, ReLU; no biases) and fc8 to the feature.
//!
//! The published network ends in an L2 normalisation. It is left out here: whoever measures
//! normalises, and the length before it is worth seeing.

use super::{
    architecture::{Architecture, StageInfo, StageKind},
    blueprint::{Blueprint, ConvPlan, LinearPlan, PoolPlan, StagePlan, StepPlan},
    error::ModelError,
};

/// Output channels of the convolution blocks, and whether pooling follows.
const CONV_BLOCKS: [(usize, bool); 5] = [
    (96, true),
    (192, true),
    (384, false),
    (384, false),
    (192, true),
];

/// Values of fc6 and of fc7.
const HIDDEN: usize = 4096;

const POOL: PoolPlan = PoolPlan {
    kernel: 3,
    stride: 2,
    padding: 0,
};

/// Settings beyond these are not a network anyone trained, and fc6 grows with the side's square.
const MAX_SIDE: u32 = 512;
const MAX_FEATURES: usize = 65_536;

/// The plan; stages `conv1` … `conv5`, `fc6`, `fc7`, `fc8`.
pub(super) fn blueprint(
    channels_in: usize,
    feat_dim: usize,
    input_side: u32,
) -> Result<Blueprint, ModelError> {
    let is_possible = (1..=64).contains(&channels_in)
        && (1..=MAX_FEATURES).contains(&feat_dim)
        && (16..=MAX_SIDE).contains(&input_side)
        && input_side.is_multiple_of(8);
    if !is_possible {
        return Err(ModelError::Architecture(format!(
            "a SmallAlexNet for {channels_in} channels of side {input_side} and {feat_dim} features"
        )));
    }
    let mut stages = Vec::new();
    let (mut inputs, mut stride) = (channels_in, 1);
    for (index, (outputs, has_pool)) in CONV_BLOCKS.into_iter().enumerate() {
        let conv = ConvPlan::new(
            format!("blocks.{index}.0"),
            format!("blocks.{index}.1"),
            [inputs, outputs],
        );
        let mut steps = vec![StepPlan::Conv(conv)];
        if has_pool {
            steps.push(StepPlan::MaxPool(POOL));
            stride *= POOL.stride;
        }
        let name = format!("conv{}", index + 1);
        stages.push(stage(name, outputs, StageKind::Map, stride, steps));
        inputs = outputs;
    }
    // Three unpadded poolings: s → (s − 3)/2 + 1, and s = 8(m + 1) ends in m.
    let map_side = input_side as usize / 8 - 1;
    let mut inputs = inputs * map_side * map_side;
    // In `blocks.5` a flattening stands before the linear layer, so that its index is one.
    for (name, layer, norm, outputs) in [
        ("fc6", "blocks.5.1", Some("blocks.5.2"), HIDDEN),
        ("fc7", "blocks.6.0", Some("blocks.6.1"), HIDDEN),
        ("fc8", "blocks.7.0", None, feat_dim),
    ] {
        let linear = LinearPlan {
            name: layer.to_owned(),
            norm: norm.map(str::to_owned),
            has_bias: norm.is_none(),
            inputs,
            outputs,
            has_relu: norm.is_some(),
        };
        let steps = vec![StepPlan::Linear(linear)];
        stages.push(stage(
            name.to_owned(),
            outputs,
            StageKind::Vector,
            stride,
            steps,
        ));
        inputs = outputs;
    }
    let architecture = Architecture::SmallAlexNet {
        channels_in,
        feat_dim,
        input_side,
    };
    Ok(Blueprint {
        name: architecture.name(),
        channels: channels_in,
        stages,
    })
}

fn stage(
    name: String,
    channels: usize,
    kind: StageKind,
    stride: usize,
    steps: Vec<StepPlan>,
) -> StagePlan {
    StagePlan {
        info: StageInfo {
            name,
            channels,
            kind,
            stride,
        },
        steps,
    }
}

impl Architecture {
    /// The image side that a [`SmallAlexNet`](Self::SmallAlexNet) was made for, from the number of
    /// values its first linear layer takes (`blocks.5.1.weight` is `[4096, values]`); `None` when
    /// no side gives that number.
    pub fn small_alexnet_side(fc6_inputs: usize) -> Option<u32> {
        let channels = CONV_BLOCKS[CONV_BLOCKS.len() - 1].0;
        let cells = fc6_inputs / channels;
        let side = cells.isqrt();
        let is_square = side > 0 && side * side * channels == fc6_inputs;
        let input_side = u32::try_from(side).ok()?.checked_add(1)?.checked_mul(8)?;
        (is_square && input_side <= MAX_SIDE).then_some(input_side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_size_is_accepted_from_end_to_end() {
        let plan = blueprint(3, 128, 64).unwrap();
        let last = plan.stages.len() - 1;
        assert_eq!(plan.check_input([2, 3, 64, 64], last), Ok(()));
        // The maps exist for any size; the linear layers for one only.
        assert_eq!(plan.check_input([2, 3, 96, 96], 4), Ok(()));
        assert!(matches!(
            plan.check_input([2, 3, 96, 96], last),
            Err(ModelError::Input(_))
        ));
        assert!(matches!(
            plan.check_input([2, 3, 6, 6], 4),
            Err(ModelError::Input(_))
        ));
    }

    #[test]
    fn image_side_follows_from_the_first_linear_layer() {
        assert_eq!(Architecture::small_alexnet_side(192 * 49), Some(64));
        assert_eq!(Architecture::small_alexnet_side(192 * 9), Some(32));
        assert_eq!(Architecture::small_alexnet_side(192 * 50), None);
        assert_eq!(Architecture::small_alexnet_side(0), None);
    }
}
