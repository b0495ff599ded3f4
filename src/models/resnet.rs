//! ResNet-18/34/50/101/152 as in torchvision (He et al. 2016, bottlenecks with the stride in the
//! 3×3 convolution: "v1.5"), with the ImageNet or the CIFAR stem.

use super::{
    architecture::{Architecture, StageInfo, StageKind, Stem},
    blueprint::{Blueprint, ConvPlan, PoolPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan},
    error::ModelError,
};

/// A bottleneck's output has this many times the channels of its 3×3 convolution.
const EXPANSION: usize = 4;

/// Widths beyond this are no ResNet anyone trained, and keep every product far from overflow.
const MAX_WIDTH: usize = 4096;

/// Blocks of each stage, and whether they are bottlenecks.
fn layout(depth: u16) -> Option<([usize; 4], bool)> {
    Some(match depth {
        18 => ([2, 2, 2, 2], false),
        34 => ([3, 4, 6, 3], false),
        50 => ([3, 4, 6, 3], true),
        101 => ([3, 4, 23, 3], true),
        152 => ([3, 8, 36, 3], true),
        _ => return None,
    })
}

/// The plan of a ResNet; stages `stem`, `layer1` … `layer4`.
pub(super) fn blueprint(depth: u16, stem: Stem, width: usize) -> Result<Blueprint, ModelError> {
    let Some((blocks, is_bottleneck)) = layout(depth) else {
        return Err(ModelError::Architecture(format!(
            "there is no ResNet of {depth} layers (known: 18, 34, 50, 101, 152)"
        )));
    };
    if !(1..=MAX_WIDTH).contains(&width) {
        return Err(ModelError::Architecture(format!(
            "a ResNet of width {width} (1 to {MAX_WIDTH} are possible)"
        )));
    }
    let (first, mut stride) = stem_stage(stem, width);
    let mut stages = vec![first];
    let mut inputs = width;
    for (index, &count) in blocks.iter().enumerate() {
        let name = format!("layer{}", index + 1);
        let inner = width << index;
        let first_stride = if index == 0 { 1 } else { 2 };
        stride *= first_stride;
        let mut steps = Vec::with_capacity(count);
        for block in 0..count {
            let block_stride = if block == 0 { first_stride } else { 1 };
            let plan = residual(
                &format!("{name}.{block}"),
                inputs,
                inner,
                block_stride,
                is_bottleneck,
            );
            inputs = if is_bottleneck {
                inner * EXPANSION
            } else {
                inner
            };
            steps.push(StepPlan::Residual(plan));
        }
        let info = StageInfo {
            name,
            channels: inputs,
            kind: StageKind::Map,
            stride,
        };
        stages.push(StagePlan { info, steps });
    }
    Ok(Blueprint {
        name: Architecture::ResNet { depth, stem, width }.name(),
        channels: 3,
        stages,
    })
}

/// The stem and its stride.
fn stem_stage(stem: Stem, width: usize) -> (StagePlan, usize) {
    let conv = ConvPlan::new("conv1", "bn1", [3, width]);
    let (steps, stride) = match stem {
        Stem::ImageNet => (
            vec![
                StepPlan::Conv(conv.with_kernel(7).with_stride(2)),
                StepPlan::MaxPool(PoolPlan {
                    kernel: 3,
                    stride: 2,
                    padding: 1,
                }),
            ],
            4,
        ),
        Stem::Cifar => (vec![StepPlan::Conv(conv)], 1),
        Stem::CifarPadded => (vec![StepPlan::Conv(conv.with_padding(2))], 1),
    };
    let info = StageInfo {
        name: "stem".to_owned(),
        channels: width,
        kind: StageKind::Map,
        stride,
    };
    (StagePlan { info, steps }, stride)
}

fn residual(
    name: &str,
    inputs: usize,
    inner: usize,
    stride: usize,
    is_bottleneck: bool,
) -> ResidualPlan {
    let conv = |index: usize, channels: [usize; 2]| {
        ConvPlan::new(
            format!("{name}.conv{index}"),
            format!("{name}.bn{index}"),
            channels,
        )
    };
    let (body, outputs) = if is_bottleneck {
        let outputs = inner * EXPANSION;
        let body = vec![
            conv(1, [inputs, inner]).with_kernel(1),
            conv(2, [inner, inner]).with_stride(stride),
            conv(3, [inner, outputs]).with_kernel(1).linear(),
        ];
        (body, outputs)
    } else {
        let body = vec![
            conv(1, [inputs, inner]).with_stride(stride),
            conv(2, [inner, inner]).linear(),
        ];
        (body, inner)
    };
    let shortcut = if stride == 1 && inputs == outputs {
        ShortcutPlan::Identity
    } else {
        ShortcutPlan::Conv(
            ConvPlan::new(
                format!("{name}.downsample.0"),
                format!("{name}.downsample.1"),
                [inputs, outputs],
            )
            .with_kernel(1)
            .with_stride(stride)
            .linear(),
        )
    };
    ResidualPlan { body, shortcut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(depth: u16) -> usize {
        let plan = blueprint(depth, Stem::ImageNet, 64).unwrap();
        plan.tensors()
            .iter()
            .filter(|(name, _)| !name.contains("running"))
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    #[test]
    fn parameter_counts_are_torchvisions() {
        // Published counts less the classifier's (512 or 2048 + 1) × 1000.
        assert_eq!(parameters(18), 11_689_512 - 513_000);
        assert_eq!(parameters(34), 21_797_672 - 513_000);
        assert_eq!(parameters(50), 25_557_032 - 2_049_000);
        assert_eq!(parameters(101), 44_549_160 - 2_049_000);
        assert_eq!(parameters(152), 60_192_808 - 2_049_000);
    }

    #[test]
    fn stages_tell_channels_and_stride() {
        let plan = blueprint(50, Stem::ImageNet, 64).unwrap();
        let last = &plan.stages.last().unwrap().info;
        assert_eq!(
            (last.name.as_str(), last.channels, last.stride),
            ("layer4", 2048, 32)
        );
        let cifar = blueprint(18, Stem::Cifar, 64).unwrap();
        assert_eq!(cifar.stages.last().unwrap().info.stride, 8);
        let padded = blueprint(18, Stem::CifarPadded, 64).unwrap();
        assert_eq!(padded.stages.last().unwrap().info.stride, 8);
        assert_eq!(padded.tensors(), cifar.tensors());
    }

    #[test]
    fn impossible_settings_are_errors() {
        assert!(blueprint(23, Stem::ImageNet, 64).is_err());
        assert!(blueprint(18, Stem::ImageNet, 0).is_err());
        assert!(blueprint(18, Stem::ImageNet, usize::MAX).is_err());
    }
}
