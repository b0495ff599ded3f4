//! This program's own small network for demonstrations: four 3×3 convolutions with batch
//! normalisation and ReLU, two of them of stride 2. Images of 32 pixels give a map of 8×8
//! locations, enough to look at dense features, and a step of training takes some ten
//! milliseconds on two cores.

use super::{
    architecture::{Architecture, StageInfo, StageKind},
    blueprint::{Blueprint, ConvPlan, StagePlan, StepPlan},
    error::ModelError,
};

/// Channels of each block in widths, and the block's stride.
const BLOCKS: [(usize, usize); 4] = [(1, 2), (2, 1), (4, 2), (4, 1)];

/// Wider ones are no longer tiny.
const MAX_WIDTH: usize = 256;

/// The plan; stages `block1` … `block4`.
pub(super) fn blueprint(width: usize) -> Result<Blueprint, ModelError> {
    if !(1..=MAX_WIDTH).contains(&width) {
        return Err(ModelError::Architecture(format!(
            "a tiny conv net of width {width}: 1 to {MAX_WIDTH}"
        )));
    }
    let (mut inputs, mut total_stride) = (3, 1);
    let stages = BLOCKS
        .into_iter()
        .enumerate()
        .map(|(index, (widths, stride))| {
            let outputs = widths * width;
            let name = format!("blocks.{index}");
            let conv = ConvPlan::new(
                format!("{name}.conv"),
                format!("{name}.bn"),
                [inputs, outputs],
            );
            inputs = outputs;
            total_stride *= stride;
            StagePlan {
                info: StageInfo {
                    name: format!("block{}", index + 1),
                    channels: outputs,
                    kind: StageKind::Map,
                    stride: total_stride,
                },
                steps: vec![StepPlan::Conv(conv.with_stride(stride))],
            }
        })
        .collect();
    Ok(Blueprint {
        name: Architecture::TinyConvNet { width }.name(),
        channels: 3,
        stages,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_32_pixels_give_a_map_of_8_by_8() {
        let architecture = Architecture::TinyConvNet { width: 16 };
        let stages = architecture.stages();
        assert_eq!(stages.last().unwrap().stride, 4);
        assert_eq!(stages.last().unwrap().channels, 64);
        assert_eq!(architecture.input_side(), 32);
        let weights: usize = architecture
            .tensors()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert!(weights < 200_000, "{weights}");
        assert!(blueprint(0).is_err() && blueprint(MAX_WIDTH + 1).is_err());
    }
}
