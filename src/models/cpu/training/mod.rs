//! Steps of training on the processor: the stages that give maps, forward with the statistics of
//! the batch and back to the gradients of every weight.
//!
//! The same tiles of convolution as in inference run both ways. A batch is cut into groups of
//! images that depend on its shape alone, and every sum over images runs in their order, so that
//! the same step gives the same bits whatever the number of threads.

mod gradient;
mod layer;
mod norm;
mod norm_layer;
mod pool;
mod tape;
mod weights;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use pulp::Arch;
use rayon::prelude::*;

use super::{
    map::{Buffers, Map, MapShape},
    tile,
};
use crate::models::{
    blueprint::{Blueprint, ConvPlan, PoolPlan, ShortcutPlan, StepPlan},
    error::ModelError,
};
use norm_layer::ConvTape;

pub(crate) use tape::Tape;

/// The images of a batch, group by group.
type Groups = Vec<Map>;

/// Groups of a batch, as far as it has images: enough for the threads of a small machine; large
/// ones cut each group into blocks of channels as well.
const GROUPS: usize = 8;

/// The tensors of one convolution, as values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerValues<'a> {
    /// `[out, in, kernel, kernel]`.
    pub weight: &'a [f32],
    /// `[out]`, if it has one.
    pub bias: Option<&'a [f32]>,
    /// Its batch normalisation, if it has one.
    pub norm: Option<NormValues<'a>>,
}

/// The tensors of one batch normalisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormValues<'a> {
    /// γ, `[out]`.
    pub scale: &'a [f32],
    /// β, `[out]`.
    pub shift: &'a [f32],
    /// Added to the variance.
    pub epsilon: f64,
}

/// What a normalisation saw of a batch, one value a channel.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    /// Mean.
    pub mean: Vec<f32>,
    /// Squared deviations from it over their number.
    pub variance: Vec<f32>,
}

/// The gradients of [`LayerValues`].
#[derive(Clone, Debug)]
pub(crate) struct LayerGradients {
    /// Of the weight.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Option<Vec<f32>>,
    /// Of γ and β.
    pub norm: Option<[Vec<f32>; 2]>,
}

/// The map stages of an encoder that trains on the processor.
#[derive(Debug)]
pub(crate) struct CpuTrainer {
    arch: Arch,
    /// The convolutions in the order of the blueprint's tensors.
    layers: Vec<ConvPlan>,
    steps: Vec<Step>,
    buffers: Mutex<Buffers>,
}

/// A step behind the first convolution; numbers are those of layers.
#[derive(Debug)]
enum Step {
    Conv(usize),
    MaxPool(PoolPlan),
    Residual {
        body: Vec<usize>,
        shortcut: Shortcut,
    },
}

#[derive(Debug)]
enum Shortcut {
    Identity,
    Conv(usize),
    /// A 1×1 convolution whose weights are fixed.
    Subsample(ConvPlan, Vec<f32>),
}

/// What a forward pass gives.
#[derive(Debug)]
pub(crate) struct Pass {
    /// `[n, channels, rows, columns]`.
    pub values: Vec<f32>,
    /// Its extents.
    pub shape: [usize; 4],
    /// Of each layer that has a normalisation.
    pub statistics: Vec<Option<Statistics>>,
    /// For the way back.
    pub tape: Tape,
}

impl CpuTrainer {
    /// Whether this processor has vector instructions, and the path knows all steps of the plan.
    pub fn is_supported(plan: &Blueprint) -> bool {
        let is_known = |conv: &ConvPlan| {
            matches!((conv.kernel, conv.padding), (1, 0) | (3, 1)) && matches!(conv.stride, 1 | 2)
        };
        let stages = &plan.stages[..plan.map_stages()];
        let mut steps = stages.iter().flat_map(|stage| &stage.steps);
        matches!(steps.next(), Some(StepPlan::Conv(_)))
            && matches!(tile::register_lanes(Arch::new()), 4 | 8 | 16)
            && steps.all(|step| match step {
                StepPlan::Conv(conv) => is_known(conv),
                StepPlan::MaxPool(pool) => pool.padding < pool.kernel,
                StepPlan::Residual(block) => {
                    let shortcut = match &block.shortcut {
                        ShortcutPlan::Conv(conv) => Some(conv),
                        _ => None,
                    };
                    block.body.last().is_some_and(|conv| !conv.has_relu)
                        && block.body.iter().all(is_known)
                        && shortcut.is_none_or(|conv| is_known(conv) && !conv.has_relu)
                }
                StepPlan::Linear(_) => false,
            })
    }

    /// The stages of a supported plan.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] for a plan that is not.
    pub fn new(plan: &Blueprint) -> Result<Self, ModelError> {
        Self::new_for(Arch::new(), plan)
    }

    /// As [`new`](Self::new), for vector instructions chosen by the caller.
    fn new_for(arch: Arch, plan: &Blueprint) -> Result<Self, ModelError> {
        if !Self::is_supported(plan) {
            return Err(ModelError::Architecture(format!(
                "{} has steps that the processor's own path does not train",
                plan.name
            )));
        }
        let mut layers: Vec<ConvPlan> = Vec::new();
        let mut steps = Vec::new();
        let mut add = |conv: &ConvPlan| {
            layers.push(conv.clone());
            layers.len() - 1
        };
        let stages = &plan.stages[..plan.map_stages()];
        for step in stages.iter().flat_map(|stage| &stage.steps) {
            steps.push(match step {
                StepPlan::Conv(conv) => Step::Conv(add(conv)),
                StepPlan::MaxPool(pool) => Step::MaxPool(*pool),
                StepPlan::Residual(block) => Step::Residual {
                    body: block.body.iter().map(&mut add).collect(),
                    shortcut: match &block.shortcut {
                        ShortcutPlan::Identity => Shortcut::Identity,
                        ShortcutPlan::Conv(conv) => Shortcut::Conv(add(conv)),
                        ShortcutPlan::Subsample {
                            inputs,
                            before,
                            after,
                        } => subsample(*inputs, *before, *after),
                    },
                },
                // `is_supported` has refused these.
                StepPlan::Linear(_) => continue,
            });
        }
        // The first convolution is known without a step of its own.
        steps.remove(0);
        Ok(Self {
            arch,
            layers,
            steps,
            buffers: Mutex::default(),
        })
    }

    /// Images `[n, channels, height, width]` through the stages. `values` are the layers'. Without
    /// `records` there is no way back from the tape, and no map is kept longer than it is needed.
    ///
    /// The shape must have been checked against the blueprint.
    pub fn forward(
        &self,
        values: &[LayerValues<'_>],
        images: &[f32],
        shape: [usize; 4],
        records: bool,
    ) -> Pass {
        let mut buffers = self.take_buffers();
        let tape = tape::forward(self, values, images, shape, records, &mut buffers);
        let last = tape.output();
        let output = last[0].shape;
        let shape = [shape[0], output.channels, output.height, output.width];
        let per_image: usize = shape[1..].iter().product();
        let mut values = vec![0.0; shape[0] * per_image];
        let per_group = last[0].shape.images * per_image;
        values
            .par_chunks_mut(per_group)
            .zip(last)
            .for_each(|(values, map)| map.write_images(values));
        self.put_buffers(buffers);
        Pass {
            values,
            shape,
            statistics: tape.convs.iter().map(ConvTape::statistics).collect(),
            tape,
        }
    }

    /// The gradients of all layers from that of the output map, `[n, channels, rows, columns]`.
    pub fn backward(
        &self,
        values: &[LayerValues<'_>],
        tape: Tape,
        gradient: &[f32],
    ) -> Vec<LayerGradients> {
        let mut buffers = self.take_buffers();
        let gradients = tape::backward(self, values, tape, gradient, &mut buffers);
        self.put_buffers(buffers);
        gradients
    }

    /// Gives back what a pass without a way back has kept.
    pub fn forget(&self, tape: Tape) {
        let mut buffers = self.take_buffers();
        tape.recycle(&mut buffers);
        self.put_buffers(buffers);
    }

    /// Bytes that passes have left for the next one.
    #[cfg(test)]
    fn kept_bytes(&self) -> usize {
        let buffers = self.take_buffers();
        let bytes = buffers.bytes();
        self.put_buffers(buffers);
        bytes
    }

    fn take_buffers(&self) -> Buffers {
        std::mem::take(&mut *self.buffers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_buffers(&self, buffers: Buffers) {
        *self.buffers.lock().unwrap_or_else(PoisonError::into_inner) = buffers;
    }
}

fn subsample(inputs: usize, before: usize, after: usize) -> Shortcut {
    let outputs = before + inputs + after;
    let mut weight = vec![0.0; outputs * inputs];
    for channel in 0..inputs {
        weight[(before + channel) * inputs + channel] = 1.0;
    }
    let plan = ConvPlan::new("", "", [inputs, outputs])
        .with_kernel(1)
        .with_stride(2)
        .linear();
    Shortcut::Subsample(plan, weight)
}

/// Images of each group: nearly equal, the last may be smaller.
fn group_size(images: usize) -> usize {
    images.div_ceil(GROUPS).max(1)
}

/// Maps for all groups, of any values.
fn groups(shape: &MapShape, images: usize, buffers: &mut Buffers) -> Groups {
    let size = group_size(images);
    (0..images.div_ceil(size))
        .map(|group| {
            buffers.map(MapShape {
                images: size.min(images - group * size),
                ..*shape
            })
        })
        .collect()
}

/// How many images some groups hold.
fn image_count(maps: &Groups) -> usize {
    maps.iter().map(|map| map.shape.images).sum()
}

fn recycle(maps: Groups, buffers: &mut Buffers) {
    for map in maps {
        buffers.recycle(map);
    }
}
