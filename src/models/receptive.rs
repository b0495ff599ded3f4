//! Which pixels a location of a map can see, and how large a map becomes: what cutting a large
//! image into tiles needs to know.

use super::{
    architecture::StageKind,
    blueprint::{Blueprint, ConvPlan, ResidualPlan, ShortcutPlan, StepPlan},
};

/// The pixels along one side that a location of a map depends on.
///
/// Location i sees the pixels `i·stride + first ..= i·stride + last`, those outside of the image
/// being the padding's zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Pixels from one location to the next.
    pub stride: usize,
    /// First pixel that location 0 sees; at most 0.
    pub first: i64,
    /// Last pixel that location 0 sees.
    pub last: i64,
}

impl ReceptiveField {
    /// What a pixel sees: itself.
    const PIXEL: Self = Self {
        stride: 1,
        first: 0,
        last: 0,
    };

    /// Pixels along one side that a location sees.
    pub fn size(&self) -> usize {
        (self.last - self.first + 1).max(1) as usize
    }

    /// Behind a window of `kernel` pixels.
    fn after(self, kernel: usize, stride: usize, padding: usize) -> Self {
        let step = self.stride as i64;
        let (kernel, padding) = (kernel as i64, padding as i64);
        Self {
            stride: self.stride * stride,
            first: self.first - padding * step,
            last: self.last + (kernel - 1 - padding) * step,
        }
    }

    fn after_conv(self, conv: &ConvPlan) -> Self {
        self.after(conv.kernel, conv.stride, conv.padding)
    }

    fn after_block(self, block: &ResidualPlan) -> Self {
        let body = block.body.iter().fold(self, Self::after_conv);
        let shortcut = match &block.shortcut {
            ShortcutPlan::Identity => self,
            ShortcutPlan::Conv(conv) => self.after_conv(conv),
            ShortcutPlan::Subsample { .. } => self.after(1, 2, 0),
        };
        Self {
            stride: body.stride,
            first: body.first.min(shortcut.first),
            last: body.last.max(shortcut.last),
        }
    }

    fn after_step(self, step: &StepPlan) -> Self {
        match step {
            StepPlan::Conv(conv) => self.after_conv(conv),
            StepPlan::MaxPool(pool) => self.after(pool.kernel, pool.stride, pool.padding),
            StepPlan::Residual(block) => self.after_block(block),
            StepPlan::Linear(_) => self,
        }
    }
}

impl Blueprint {
    /// What a location of the map of `stage` sees; `None` for a stage that gives no map.
    pub fn receptive_field(&self, stage: usize) -> Option<ReceptiveField> {
        let steps = self.map_steps(stage)?;
        Some(steps.fold(ReceptiveField::PIXEL, ReceptiveField::after_step))
    }

    /// Rows and columns of the map of `stage` for an image of `[height, width]` pixels; `None` for
    /// a stage that gives no map, and for an image that is too small.
    pub fn map_size(&self, size: [usize; 2], stage: usize) -> Option<[usize; 2]> {
        let along = |side: usize, kernel: usize, stride: usize, padding: usize| {
            Some((side + 2 * padding).checked_sub(kernel)? / stride + 1)
        };
        let conv = |size: [usize; 2], conv: &ConvPlan| -> Option<[usize; 2]> {
            let side = |side| along(side, conv.kernel, conv.stride, conv.padding);
            Some([side(size[0])?, side(size[1])?])
        };
        self.map_steps(stage)?
            .try_fold(size, |size, step| match step {
                StepPlan::Conv(plan) => conv(size, plan),
                StepPlan::MaxPool(pool) => {
                    let side = |side| along(side, pool.kernel, pool.stride, pool.padding);
                    Some([side(size[0])?, side(size[1])?])
                }
                StepPlan::Residual(block) => block.body.iter().try_fold(size, conv),
                StepPlan::Linear(_) => Some(size),
            })
    }

    /// Numbers that the largest map on the way to `stage` holds for each pixel of the image.
    pub fn values_per_pixel(&self, stage: usize) -> f64 {
        let mut stride = 1_usize;
        let mut largest = self.channels as f64;
        let mut convolved = |conv: &ConvPlan, stride: &mut usize| {
            *stride *= conv.stride;
            largest = largest.max(conv.outputs as f64 / (*stride * *stride) as f64);
        };
        for step in self.map_steps(stage).into_iter().flatten() {
            match step {
                StepPlan::Conv(conv) => convolved(conv, &mut stride),
                StepPlan::MaxPool(pool) => stride *= pool.stride,
                StepPlan::Residual(block) => {
                    for conv in &block.body {
                        convolved(conv, &mut stride);
                    }
                }
                StepPlan::Linear(_) => {}
            }
        }
        largest
    }

    /// Steps from the image to the map of `stage`.
    fn map_steps(&self, stage: usize) -> Option<impl Iterator<Item = &StepPlan>> {
        let is_map = self.stages.get(stage)?.info.kind == StageKind::Map;
        is_map.then(|| self.stages[..=stage].iter().flat_map(|stage| &stage.steps))
    }
}

#[cfg(test)]
mod tests {
    use super::super::architecture::{Architecture, Shortcut, Stem};

    fn field(architecture: &Architecture) -> super::ReceptiveField {
        let plan = architecture.blueprint().unwrap();
        plan.receptive_field(plan.map_stages() - 1).unwrap()
    }

    #[test]
    fn receptive_fields_are_the_sums_of_their_windows() {
        // Each window adds (kernel − 1) times the stride before it. ResNet-18: 1 + 6 + 2·2, then
        // 4·(2·4), 2·4 + 3·(2·8), 2·8 + 3·(2·16), 2·16 + 3·(2·32).
        let resnet = |depth| Architecture::ResNet {
            depth,
            stem: Stem::ImageNet,
            width: 64,
        };
        assert_eq!(field(&resnet(18)).size(), 435);
        assert_eq!(field(&resnet(18)).stride, 32);
        // ResNet-50: one 3×3 window a block: 11, 3·8, 8 + 3·16, 16 + 5·32, 32 + 2·64.
        assert_eq!(field(&resnet(50)).size(), 11 + 24 + 56 + 176 + 160);
        // The tiny net: 3, then (3 − 1) pixels at strides 2, 2 and 4: 3 + 4 + 4 + 8.
        assert_eq!(field(&Architecture::TinyConvNet { width: 4 }).size(), 19);
        // CIFAR ResNet-20: 3, then 2 a convolution at strides 1 (6), 1 and 2 (1 + 5), 2 and 4.
        let cifar = Architecture::CifarResNet {
            depth: 20,
            shortcut: Shortcut::A,
        };
        assert_eq!(field(&cifar).size(), 3 + 12 + (2 + 20) + (4 + 40));
    }

    #[test]
    fn map_sizes_follow_the_windows() {
        let plan = Architecture::ResNet {
            depth: 50,
            stem: Stem::ImageNet,
            width: 64,
        }
        .blueprint()
        .unwrap();
        let last = plan.map_stages() - 1;
        assert_eq!(plan.map_size([224, 224], last), Some([7, 7]));
        assert_eq!(plan.map_size([3000, 4000], last), Some([94, 125]));
        assert_eq!(plan.map_size([225, 223], 0), Some([57, 56]));
        // 64 channels at stride 2 and 256 at stride 4 are both 16 numbers a pixel.
        assert_eq!(plan.values_per_pixel(last), 16.0);
        let alexnet = Architecture::SmallAlexNet {
            channels_in: 3,
            feat_dim: 8,
            input_side: 64,
        };
        let plan = alexnet.blueprint().unwrap();
        assert_eq!(plan.map_size([6, 6], plan.map_stages() - 1), None);
        assert_eq!(plan.receptive_field(plan.stages.len() - 1), None);
        assert_eq!(plan.map_size([64, 64], plan.map_stages() - 1), Some([7, 7]));
    }
}
