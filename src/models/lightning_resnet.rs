//! The CIFAR ResNet of a Lightning course (post-activation blocks; fields `input_net`, `blocks`
//! and `output_net`), as its published checkpoint lays it out: in block `i` the convolutions are
//! `net.0` and `net.3`, their normalisations `net.1` and `net.4`, and where a group begins a 1×1
//! convolution of stride 2 with a bias and no normalisation stands in `downsample`.

use super::{
    architecture::{Architecture, StageInfo, StageKind},
    blueprint::{Blueprint, ConvPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan},
    error::ModelError,
};

/// Groups, blocks and channels beyond this are not a network anyone trained.
const MAX_GROUPS: usize = 8;
const MAX_BLOCKS: usize = 256;
const MAX_CHANNELS: usize = 16_384;

/// The plan; stages `input_net`, `group1`, `group2` …
pub(super) fn blueprint(blocks: &[usize], channels: &[usize]) -> Result<Blueprint, ModelError> {
    let is_possible = blocks.len() == channels.len()
        && (1..=MAX_GROUPS).contains(&blocks.len())
        && blocks.iter().all(|n| (1..=MAX_BLOCKS).contains(n))
        && channels.iter().all(|n| (1..=MAX_CHANNELS).contains(n));
    if !is_possible {
        return Err(ModelError::Architecture(format!(
            "a Lightning CIFAR ResNet of {blocks:?} blocks with {channels:?} channels"
        )));
    }
    let mut inputs = channels[0];
    let mut stages = vec![StagePlan {
        info: info("input_net".to_owned(), inputs, 1),
        steps: vec![StepPlan::Conv(ConvPlan::new(
            "input_net.0",
            "input_net.1",
            [3, inputs],
        ))],
    }];
    let mut index = 0;
    for (group, (&count, &outputs)) in blocks.iter().zip(channels).enumerate() {
        let mut steps = Vec::with_capacity(count);
        for block in 0..count {
            let is_halving = group > 0 && block == 0;
            steps.push(StepPlan::Residual(residual(
                &format!("blocks.{index}"),
                [inputs, outputs],
                is_halving,
            )));
            inputs = outputs;
            index += 1;
        }
        stages.push(StagePlan {
            info: info(format!("group{}", group + 1), outputs, 1 << group),
            steps,
        });
    }
    let architecture = Architecture::PreparedCifarResNet {
        blocks: blocks.to_vec(),
        channels: channels.to_vec(),
    };
    Ok(Blueprint {
        name: architecture.name(),
        channels: 3,
        stages,
    })
}

fn info(name: String, channels: usize, stride: usize) -> StageInfo {
    StageInfo {
        name,
        channels,
        kind: StageKind::Map,
        stride,
    }
}

fn residual(name: &str, channels: [usize; 2], is_halving: bool) -> ResidualPlan {
    let [inputs, outputs] = channels;
    let stride = if is_halving { 2 } else { 1 };
    let shortcut = if is_halving {
        let conv = ConvPlan::new(format!("{name}.downsample"), "", channels);
        ShortcutPlan::Conv(ConvPlan {
            norm: None,
            has_bias: true,
            ..conv.with_kernel(1).with_stride(2).linear()
        })
    } else {
        ShortcutPlan::Identity
    };
    let conv = |place: usize, inputs: usize| {
        ConvPlan::new(
            format!("{name}.net.{place}"),
            format!("{name}.net.{}", place + 1),
            [inputs, outputs],
        )
    };
    ResidualPlan {
        body: vec![
            conv(0, inputs).with_stride(stride),
            conv(3, outputs).linear(),
        ],
        shortcut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_checkpoint() {
        let plan = blueprint(&[3, 3, 3], &[16, 32, 64]).unwrap();
        let tensors = plan.tensors();
        let shape = |wanted: &str| {
            tensors
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, shape)| shape.clone())
        };
        assert_eq!(shape("input_net.0.weight"), Some(vec![16, 3, 3, 3]));
        assert_eq!(
            shape("blocks.3.downsample.weight"),
            Some(vec![32, 16, 1, 1])
        );
        assert_eq!(shape("blocks.3.downsample.bias"), Some(vec![32]));
        assert_eq!(shape("blocks.8.net.4.running_var"), Some(vec![64]));
        assert!(shape("blocks.9.net.0.weight").is_none());
    }

    #[test]
    fn uneven_or_empty_groups_are_errors() {
        assert!(blueprint(&[], &[]).is_err());
        assert!(blueprint(&[3, 3], &[16]).is_err());
        assert!(blueprint(&[3, 0], &[16, 32]).is_err());
    }
}
