//! The thin ResNets for CIFAR of He et al. 2016 (section 4.2): 6n + 2 layers, three stages of 16,
//! 32 and 64 channels, with parameter-free (A) or projection (B) shortcuts.

use super::{
    architecture::{Architecture, Shortcut, StageInfo, StageKind},
    blueprint::{Blueprint, ConvPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan},
    error::ModelError,
};

/// Channels of the three stages.
const CHANNELS: [usize; 3] = [16, 32, 64];

/// Deeper than this nobody published (the paper's deepest has 1202 layers).
const MAX_DEPTH: u16 = 1202;

/// The plan of a CIFAR ResNet; stages `stem`, `layer1` … `layer3`.
pub(super) fn blueprint(depth: u16, shortcut: Shortcut) -> Result<Blueprint, ModelError> {
    if !(8..=MAX_DEPTH).contains(&depth) || depth % 6 != 2 {
        return Err(ModelError::Architecture(format!(
            "a CIFAR ResNet has 6n + 2 layers (20, 32, 44, 56, 110 …), not {depth}"
        )));
    }
    let blocks = usize::from((depth - 2) / 6);
    let mut stages = vec![StagePlan {
        info: info("stem".to_owned(), CHANNELS[0], 1),
        steps: vec![StepPlan::Conv(ConvPlan::new(
            "conv1",
            "bn1",
            [3, CHANNELS[0]],
        ))],
    }];
    let mut inputs = CHANNELS[0];
    for (index, &outputs) in CHANNELS.iter().enumerate() {
        let name = format!("layer{}", index + 1);
        let mut steps = Vec::with_capacity(blocks);
        for block in 0..blocks {
            let name = format!("{name}.{block}");
            steps.push(StepPlan::Residual(residual(
                &name, inputs, outputs, shortcut,
            )));
            inputs = outputs;
        }
        stages.push(StagePlan {
            info: info(name, outputs, 1 << index),
            steps,
        });
    }
    Ok(Blueprint {
        name: Architecture::CifarResNet { depth, shortcut }.name(),
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

/// A block of two 3×3 convolutions; a change of channels comes with a halving of the map.
fn residual(name: &str, inputs: usize, outputs: usize, shortcut: Shortcut) -> ResidualPlan {
    let is_halving = inputs != outputs;
    let stride = if is_halving { 2 } else { 1 };
    let conv = |index: usize, inputs: usize| {
        ConvPlan::new(
            format!("{name}.conv{index}"),
            format!("{name}.bn{index}"),
            [inputs, outputs],
        )
    };
    let shortcut = match shortcut {
        _ if !is_halving => ShortcutPlan::Identity,
        Shortcut::A => {
            let added = outputs - inputs;
            ShortcutPlan::Subsample {
                inputs,
                before: added / 2,
                after: added - added / 2,
            }
        }
        Shortcut::B => ShortcutPlan::Conv(
            ConvPlan::new(
                format!("{name}.shortcut.0"),
                format!("{name}.shortcut.1"),
                [inputs, outputs],
            )
            .with_kernel(1)
            .with_stride(2)
            .linear(),
        ),
    };
    ResidualPlan {
        body: vec![
            conv(1, inputs).with_stride(stride),
            conv(2, outputs).linear(),
        ],
        shortcut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_papers() {
        // He et al. 2016, table 6: 0.27 M for 20 layers, 0.85 M for 56, 1.7 M for 110 (option A).
        for (depth, millions) in [(20, 0.27), (56, 0.85), (110, 1.7)] {
            let plan = blueprint(depth, Shortcut::A).unwrap();
            let count: usize = plan
                .tensors()
                .iter()
                .filter(|(name, _)| !name.contains("running"))
                .map(|(_, shape)| shape.iter().product::<usize>())
                .sum();
            // The paper rounds to two digits: half a unit of the second, 0.05 of 1.7.
            assert!(
                (count as f64 / 1e6 - millions).abs() < 0.05,
                "{depth}: {count}"
            );
        }
    }

    #[test]
    fn only_six_n_plus_two_layers_exist() {
        for depth in [0, 2, 21, 1208] {
            assert!(blueprint(depth, Shortcut::B).is_err(), "{depth}");
        }
    }
}
