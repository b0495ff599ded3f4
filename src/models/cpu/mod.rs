//! The processor's fast path: the stages that give maps, on plain slices.
//!
//! Burn's own convolution on the processor copies windows into a matrix first (im2col) and runs
//! bias, ReLU and the sum of a residual block as passes of their own. Here a convolution is direct
//! (see `tile`) or needs fewer products (see `winograd`), all of these happen while its sums are at hand, and a group of images goes
//! through all layers while its maps are in the cache. Safe code throughout: `pulp` chooses the
//! vector instructions at run time.

mod conv;
mod map;
mod pool;
mod stem;
mod tile;
pub(crate) mod training;
mod winograd;

#[cfg(test)]
mod tests;

use pulp::Arch;
use rayon::prelude::*;

use super::{
    blueprint::{Blueprint, PoolPlan, ShortcutPlan, StepPlan},
    error::ModelError,
    fold,
    source::TensorSource,
};
use crate::progress::{Cancelled, Progress};
use conv::Conv;
use map::{BufferPool, Buffers, Map, MapShape};
use stem::Stem;

/// Most image pixels that go through the layers together: two images of 224 pixels, more of smaller
/// ones. Fewer reload the weights of a large network more often.
const GROUP_PIXELS: usize = 2 * 224 * 224;

/// Room that the maps of a group always get, about a core's own cache. Networks whose weights are
/// larger than that get as much as those: reading maps again then costs no more than reading
/// weights again.
const GROUP_BYTES: usize = 1 << 20;

/// The map stages of an encoder on the processor.
#[derive(Debug)]
pub(crate) struct CpuMaps {
    arch: Arch,
    stem: Stem,
    /// The steps behind the first convolution.
    steps: Vec<CpuStep>,
    /// For each stage, how many of the steps are done at its end.
    ends: Vec<usize>,
    pool: BufferPool,
}

/// A step behind the first convolution.
#[derive(Debug)]
enum CpuStep {
    Conv(Conv),
    MaxPool(PoolPlan),
    Residual {
        body: Vec<Conv>,
        shortcut: Option<Conv>,
    },
}

impl CpuMaps {
    /// Whether this processor has vector instructions, and the path knows all steps of the plan.
    pub fn is_supported(plan: &Blueprint) -> bool {
        let stages = &plan.stages[..plan.map_stages()];
        let mut steps = stages.iter().flat_map(|stage| &stage.steps);
        let begins_with_conv = matches!(steps.next(), Some(StepPlan::Conv(_)));
        begins_with_conv
            && matches!(tile::register_lanes(Arch::new()), 4 | 8 | 16)
            && steps.all(|step| match step {
                StepPlan::Conv(conv) => Conv::is_supported(conv),
                StepPlan::MaxPool(pool) => pool.padding < pool.kernel,
                StepPlan::Residual(block) => {
                    !block.body.is_empty()
                        && block.body.iter().all(Conv::is_supported)
                        && match &block.shortcut {
                            ShortcutPlan::Conv(conv) => Conv::is_supported(conv),
                            _ => true,
                        }
                }
                StepPlan::Linear(_) => false,
            })
    }

    /// Builds the stages of a supported plan from a source whose tensors have been checked.
    pub fn build(plan: &Blueprint, source: &mut dyn TensorSource) -> Result<Self, ModelError> {
        Self::build_for(Arch::new(), plan, source)
    }

    /// As [`build`](Self::build), for vector instructions chosen by the caller.
    fn build_for(
        arch: Arch,
        plan: &Blueprint,
        source: &mut dyn TensorSource,
    ) -> Result<Self, ModelError> {
        let mut stem = None;
        let mut steps = Vec::new();
        let mut ends = Vec::new();
        for stage in &plan.stages[..plan.map_stages()] {
            for step in &stage.steps {
                match (&stem, step) {
                    (None, StepPlan::Conv(conv)) => {
                        stem = Some(Stem::pack(conv, &fold::conv(conv, source)?));
                    }
                    _ => steps.push(CpuStep::build(step, source)?),
                }
            }
            ends.push(steps.len());
        }
        let stem = stem.ok_or_else(|| {
            ModelError::Architecture(format!("{} begins without a convolution", plan.name))
        })?;
        Ok(Self {
            arch,
            stem,
            steps,
            ends,
            pool: BufferPool::default(),
        })
    }

    /// Images `[n, channels, height, width]` up to the end of `stage`: the map's values and shape.
    ///
    /// The shape must have been checked against the blueprint.
    ///
    /// # Errors
    /// [`Cancelled`], heard between two layers: a batch of a deep network takes seconds.
    pub fn forward(
        &self,
        images: &[f32],
        shape: [usize; 4],
        stage: usize,
        progress: &Progress,
    ) -> Result<(Vec<f32>, [usize; 4]), Cancelled> {
        let [count, channels, height, width] = shape;
        let steps = &self.steps[..self.ends[stage]];
        let mut output = self.stem.output_shape(shape);
        let (mut map_bytes, mut weight_bytes) = (output.bytes() / count.max(1), 0);
        for step in steps {
            let input = output;
            output = step.output_shape(input);
            map_bytes = map_bytes.max((input.bytes() + output.bytes()) / count.max(1));
            weight_bytes += step.weight_bytes();
        }
        let output_shape = [count, output.channels, output.height, output.width];
        let per_output: usize = output_shape[1..].iter().product();
        let mut values = vec![0.0; count * per_output];

        let group = group_size(count, height * width, map_bytes, weight_bytes);
        let per_image = channels * height * width;
        values
            .par_chunks_mut(group * per_output)
            .zip(images.par_chunks(group * per_image))
            .try_for_each(|(values, images)| {
                progress.check()?;
                let mut buffers = self.pool.take();
                let shape = [images.len() / per_image, channels, height, width];
                let stem = self.stem.forward(self.arch, images, shape, &mut buffers);
                let map = steps.iter().try_fold(stem, |map, step| {
                    progress.check()?;
                    Ok(step.forward(self.arch, map, &mut buffers))
                })?;
                map.write_images(values);
                buffers.recycle(map);
                self.pool.give_back(buffers);
                Ok(())
            })?;
        Ok((values, output_shape))
    }
}

/// How many images go through the layers together, of the given number of pixels and bytes of a
/// layer's two maps.
///
/// At most what fits the cache, and few enough that every thread has a group; groups are of
/// nearly equal size.
fn group_size(images: usize, pixels: usize, map_bytes: usize, weight_bytes: usize) -> usize {
    let threads = rayon::current_num_threads().max(1);
    let fitting = GROUP_BYTES.max(weight_bytes) / map_bytes.max(1);
    let fitting = fitting.min(GROUP_PIXELS / pixels.max(1)).max(1);
    let largest = fitting.min(images.div_ceil(threads)).max(1);
    images.div_ceil(images.div_ceil(largest)).max(1)
}

impl CpuStep {
    fn build(plan: &StepPlan, source: &mut dyn TensorSource) -> Result<Self, ModelError> {
        let mut conv = |plan| Ok::<_, ModelError>(Conv::pack(plan, &fold::conv(plan, source)?));
        Ok(match plan {
            StepPlan::Conv(plan) => Self::Conv(conv(plan)?),
            StepPlan::MaxPool(plan) => Self::MaxPool(*plan),
            StepPlan::Residual(block) => {
                let mut body = block
                    .body
                    .iter()
                    .map(&mut conv)
                    .collect::<Result<Vec<_>, _>>()?;
                if let Some(last) = body.pop() {
                    body.push(last.with_relu());
                }
                let shortcut = match &block.shortcut {
                    ShortcutPlan::Identity => None,
                    ShortcutPlan::Conv(plan) => Some(conv(plan)?),
                    ShortcutPlan::Subsample {
                        inputs,
                        before,
                        after,
                    } => Some(Conv::subsample(*inputs, *before, *after)),
                };
                Self::Residual { body, shortcut }
            }
            StepPlan::Linear(plan) => {
                return Err(ModelError::Architecture(format!(
                    "`{}` is a linear layer among maps",
                    plan.name
                )));
            }
        })
    }

    fn output_shape(&self, input: MapShape) -> MapShape {
        match self {
            Self::Conv(conv) => conv.output_shape(input),
            Self::MaxPool(plan) => pool::output_shape(*plan, input),
            Self::Residual { body, .. } => body
                .iter()
                .fold(input, |shape, conv| conv.output_shape(shape)),
        }
    }

    /// Memory of the weights as they are read.
    fn weight_bytes(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.weight_bytes(),
            Self::MaxPool(_) => 0,
            Self::Residual { body, shortcut } => {
                body.iter().chain(shortcut).map(Conv::weight_bytes).sum()
            }
        }
    }

    fn forward(&self, arch: Arch, input: Map, buffers: &mut Buffers) -> Map {
        match self {
            Self::Conv(conv) => {
                let output = conv.forward(arch, &input, None, buffers);
                buffers.recycle(input);
                output
            }
            Self::MaxPool(plan) => {
                let output = pool::forward(arch, *plan, &input, buffers);
                buffers.recycle(input);
                output
            }
            Self::Residual { body, shortcut } => {
                residual(arch, body, shortcut.as_ref(), input, buffers)
            }
        }
    }
}

/// `ReLU(body(x) + shortcut(x))`, the sum and the ReLU inside the body's last convolution.
fn residual(
    arch: Arch,
    body: &[Conv],
    shortcut: Option<&Conv>,
    input: Map,
    buffers: &mut Buffers,
) -> Map {
    let projected = shortcut.map(|conv| conv.forward(arch, &input, None, buffers));
    let mut inner: Option<Map> = None;
    for (index, conv) in body.iter().enumerate() {
        let is_last = index + 1 == body.len();
        let added = is_last.then(|| projected.as_ref().unwrap_or(&input));
        let output = conv.forward(arch, inner.as_ref().unwrap_or(&input), added, buffers);
        if let Some(done) = inner.replace(output) {
            buffers.recycle(done);
        }
    }
    if let Some(projected) = projected {
        buffers.recycle(projected);
    }
    match inner {
        Some(output) => {
            buffers.recycle(input);
            output
        }
        None => input,
    }
}
