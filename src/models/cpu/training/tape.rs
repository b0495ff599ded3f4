//! A batch through all steps, what it leaves for the way back, and that way.

use rayon::prelude::*;

use super::{
    CpuTrainer, Groups, LayerGradients, LayerValues, Shortcut, Step, group_size, groups,
    image_count,
    layer::{self, PaddedImages},
    norm_layer::{ConvTape, Masked, Sum},
    pool, recycle,
};
use crate::models::cpu::{
    map::{Buffers, MapShape},
    pool as forward_pool,
    stem::Padded,
};

/// What a forward pass keeps.
#[derive(Debug)]
pub(crate) struct Tape {
    images: PaddedImages,
    /// One a layer.
    pub(super) convs: Vec<ConvTape>,
    /// Outputs inside residual blocks, one a layer where there is one.
    inner: Vec<Option<Groups>>,
    /// The output of the first convolution and of each step.
    outputs: Vec<Groups>,
}

impl Tape {
    /// The last step's output.
    pub(super) fn output(&self) -> &Groups {
        &self.outputs[self.outputs.len() - 1]
    }

    /// Gives all buffers back.
    pub(super) fn recycle(self, buffers: &mut Buffers) {
        let zs = self.convs.into_iter().map(|conv| conv.z);
        let inner = self.inner.into_iter().flatten();
        for maps in zs.chain(inner).chain(self.outputs) {
            recycle(maps, buffers);
        }
        buffers.values.extend(self.images.groups);
    }
}

/// What the steps forward share.
struct Forward<'a> {
    trainer: &'a CpuTrainer,
    values: &'a [LayerValues<'a>],
    buffers: &'a mut Buffers,
    convs: Vec<Option<ConvTape>>,
    inner: Vec<Option<Groups>>,
    /// Whether maps are kept for the way back; else each goes as soon as the next is there.
    records: bool,
}

/// Images `[n, channels, height, width]` through all steps. Without `records` the tape holds the
/// statistics and the last output alone.
pub(super) fn forward(
    trainer: &CpuTrainer,
    values: &[LayerValues<'_>],
    images: &[f32],
    shape: [usize; 4],
    records: bool,
    buffers: &mut Buffers,
) -> Tape {
    let count = trainer.layers.len();
    let mut pass = Forward {
        trainer,
        values,
        buffers,
        convs: (0..count).map(|_| None).collect(),
        inner: vec_of_none(count),
        records,
    };
    let images = pass.pad(images, shape);
    let mut outputs = vec![pass.stem(&images, shape)];
    for step in &trainer.steps {
        let output = pass.step(step, &outputs[outputs.len() - 1]);
        if !records && let Some(before) = outputs.pop() {
            recycle(before, pass.buffers);
        }
        outputs.push(output);
    }
    Tape {
        images,
        convs: pass.convs.into_iter().flatten().collect(),
        inner: pass.inner,
        outputs,
    }
}

fn vec_of_none<T>(count: usize) -> Vec<Option<T>> {
    (0..count).map(|_| None).collect()
}

impl Forward<'_> {
    fn pad(&mut self, images: &[f32], shape: [usize; 4]) -> PaddedImages {
        let [count, channels, height, width] = shape;
        let size = group_size(count);
        let plan = &self.trainer.layers[0];
        let mut groups = Vec::new();
        let mut padded = None;
        for images in images.chunks(size * channels * height * width) {
            let mut values = self.buffers.values.pop().unwrap_or_default();
            let count = images.len() / (channels * height * width);
            let shape = [count, channels, height, width];
            padded = Some(Padded::interleave(plan, images, shape, &mut values));
            groups.push(values);
        }
        PaddedImages {
            padded: padded.unwrap_or(Padded { row: 0, rows: 0 }),
            groups,
        }
    }

    fn stem(&mut self, images: &PaddedImages, shape: [usize; 4]) -> Groups {
        let arch = self.trainer.arch;
        let plan = &self.trainer.layers[0];
        let [count, channels, height, width] = shape;
        let shape = MapShape {
            images: count,
            channels,
            height,
            width,
        };
        let shape = layer::output_shape(plan, &shape);
        let mut z = groups(&shape, count, self.buffers);
        layer::stem_forward(arch, plan, self.values[0].weight, images, &mut z);
        let conv = ConvTape::new(arch, z, &self.values[0]);
        let mut output = groups(&shape, count, self.buffers);
        conv.apply(arch, Sum::Nothing, plan.has_relu, &mut output);
        self.keep(0, conv);
        output
    }

    /// Keeps what the way back needs of a convolution.
    fn keep(&mut self, index: usize, mut conv: ConvTape) {
        if !self.records {
            recycle(std::mem::take(&mut conv.z), self.buffers);
        }
        self.convs[index] = Some(conv);
    }

    /// Keeps an output inside a residual block.
    fn keep_inner(&mut self, index: usize, output: Groups) {
        if self.records {
            self.inner[index] = Some(output);
        } else {
            recycle(output, self.buffers);
        }
    }

    /// A convolution and its statistics.
    fn conv(&mut self, index: usize, input: &Groups) -> ConvTape {
        let (arch, plan) = (self.trainer.arch, &self.trainer.layers[index]);
        let shape = layer::output_shape(plan, &input[0].shape);
        let mut z = groups(&shape, image_count(input), self.buffers);
        let weight = self.values[index].weight;
        layer::forward(arch, plan, weight, input, &mut z, self.buffers);
        ConvTape::new(arch, z, &self.values[index])
    }

    /// A convolution with all that follows it.
    fn activated(&mut self, index: usize, input: &Groups, sum: Sum<'_>, has_relu: bool) -> Groups {
        let conv = self.conv(index, input);
        let mut output = groups(&conv.z[0].shape, image_count(input), self.buffers);
        conv.apply(self.trainer.arch, sum, has_relu, &mut output);
        self.keep(index, conv);
        output
    }

    fn step(&mut self, step: &Step, input: &Groups) -> Groups {
        let arch = self.trainer.arch;
        match step {
            Step::Conv(index) => {
                let has_relu = self.trainer.layers[*index].has_relu;
                self.activated(*index, input, Sum::Nothing, has_relu)
            }
            Step::MaxPool(plan) => {
                let shape = forward_pool::output_shape(*plan, input[0].shape);
                let mut output = groups(&shape, image_count(input), self.buffers);
                output
                    .par_iter_mut()
                    .zip(input)
                    .for_each(|(output, input)| {
                        forward_pool::pool(arch, *plan, input, output);
                    });
                output
            }
            Step::Residual { body, shortcut } => self.residual(body, shortcut, input),
        }
    }

    fn residual(&mut self, body: &[usize], shortcut: &Shortcut, input: &Groups) -> Groups {
        let arch = self.trainer.arch;
        let mut last: Option<Groups> = None;
        let (end, start) = body.split_last().unwrap_or((&0, &[]));
        for (position, index) in start.iter().enumerate() {
            let has_relu = self.trainer.layers[*index].has_relu;
            let from = last.as_ref().unwrap_or(input);
            let output = self.activated(*index, from, Sum::Nothing, has_relu);
            if let Some(done) = last.replace(output) {
                self.keep_inner(start[position - 1], done);
            }
        }
        let from = last.as_ref().unwrap_or(input);
        let output = match shortcut {
            Shortcut::Identity => self.activated(*end, from, Sum::Maps(input), true),
            Shortcut::Conv(projection) => {
                let conv = self.conv(*projection, input);
                let output = self.activated(*end, from, Sum::Normalised(&conv), true);
                self.keep(*projection, conv);
                output
            }
            Shortcut::Subsample(plan, weight) => {
                let shape = layer::output_shape(plan, &input[0].shape);
                let mut sampled = groups(&shape, image_count(input), self.buffers);
                layer::forward(arch, plan, weight, input, &mut sampled, self.buffers);
                let output = self.activated(*end, from, Sum::Maps(&sampled), true);
                recycle(sampled, self.buffers);
                output
            }
        };
        if let (Some(done), Some(index)) = (last, start.last()) {
            self.keep_inner(*index, done);
        }
        output
    }
}

/// What the steps back share.
struct Backward<'a> {
    trainer: &'a CpuTrainer,
    values: &'a [LayerValues<'a>],
    buffers: &'a mut Buffers,
    tape: Tape,
    gradients: Vec<Option<LayerGradients>>,
}

/// The gradients of all layers from that of the output.
pub(super) fn backward(
    trainer: &CpuTrainer,
    values: &[LayerValues<'_>],
    mut tape: Tape,
    gradient: &[f32],
    buffers: &mut Buffers,
) -> Vec<LayerGradients> {
    let Some(output) = tape.outputs.pop() else {
        return Vec::new();
    };
    let shape = output[0].shape;
    let mut maps = groups(&shape, image_count(&output), buffers);
    let per_group = shape.images * shape.channels * shape.height * shape.width;
    maps.par_iter_mut()
        .zip(gradient.par_chunks(per_group))
        .for_each(|(map, values)| map.read_images(values));
    let mut pass = Backward {
        trainer,
        values,
        buffers,
        tape,
        gradients: vec_of_none(trainer.layers.len()),
    };
    let mut output = output;
    for step in trainer.steps.iter().rev() {
        let Some(input) = pass.tape.outputs.pop() else {
            break;
        };
        maps = pass.step(step, &input, &output, maps);
        recycle(std::mem::replace(&mut output, input), pass.buffers);
    }
    pass.stem(&mut maps);
    recycle(output, pass.buffers);
    recycle(maps, pass.buffers);
    let Backward {
        tape, gradients, ..
    } = pass;
    tape.recycle(buffers);
    gradients.into_iter().flatten().collect()
}

impl Backward<'_> {
    fn step(&mut self, step: &Step, input: &Groups, output: &Groups, mut maps: Groups) -> Groups {
        match step {
            Step::Conv(index) => {
                self.through_norm(*index, &mut maps);
                self.weights(*index, input, &maps);
                let before = self.input_gradient(*index, input, &maps);
                recycle(maps, self.buffers);
                before
            }
            Step::MaxPool(plan) => {
                let mut before = groups(&input[0].shape, image_count(input), self.buffers);
                let arch = self.trainer.arch;
                before
                    .par_iter_mut()
                    .zip(input)
                    .zip(output)
                    .zip(&maps)
                    .for_each(|(((into, input), output), gradient)| {
                        pool::backward(arch, *plan, input, output, gradient, into);
                    });
                recycle(maps, self.buffers);
                before
            }
            Step::Residual { body, shortcut } => self.residual(body, shortcut, input, output, maps),
        }
    }

    fn stem(&mut self, maps: &mut Groups) {
        self.through_norm(0, maps);
        let arch = self.trainer.arch;
        let plan = &self.trainer.layers[0];
        let weight = layer::stem_weight_gradient(arch, plan, &self.tape.images, maps, self.buffers);
        self.set_weight(0, weight);
    }

    /// Activation and normalisation of a layer, in place.
    fn through_norm(&mut self, index: usize, maps: &mut Groups) {
        let mask = if self.trainer.layers[index].has_relu {
            Masked::Own
        } else {
            Masked::Not
        };
        let arch = self.trainer.arch;
        let conv = &self.tape.convs[index];
        let sums = conv.mask_and_sum(arch, maps, mask);
        conv.apply_back(arch, &sums, None, maps);
        self.keep(index, &sums);
    }

    /// Keeps the gradients of normalisation and bias.
    fn keep(&mut self, index: usize, sums: &super::norm_layer::BackSums) {
        let conv = &self.tape.convs[index];
        let bias = self.values[index].bias.as_ref().map(|bias| {
            if conv.has_norm() {
                // The normalisation takes any constant away.
                vec![0.0; bias.len()]
            } else {
                sums.plain(bias.len())
            }
        });
        self.gradients[index] = Some(LayerGradients {
            weight: Vec::new(),
            bias,
            norm: conv.norm_gradients(sums),
        });
    }

    fn set_weight(&mut self, index: usize, weight: Vec<f32>) {
        if let Some(gradients) = &mut self.gradients[index] {
            gradients.weight = weight;
        }
    }

    fn weights(&mut self, index: usize, input: &Groups, maps: &Groups) {
        let (arch, plan) = (self.trainer.arch, &self.trainer.layers[index]);
        let weight = layer::weight_gradient(arch, plan, input, maps, self.buffers);
        self.set_weight(index, weight);
    }

    fn input_gradient(&mut self, index: usize, input: &Groups, maps: &Groups) -> Groups {
        let mut before = groups(&input[0].shape, image_count(input), self.buffers);
        self.add_input_gradient(index, maps, &mut before, false);
        before
    }

    fn add_input_gradient(
        &mut self,
        index: usize,
        maps: &Groups,
        into: &mut Groups,
        is_added: bool,
    ) {
        let (arch, plan) = (self.trainer.arch, &self.trainer.layers[index]);
        let weight = self.values[index].weight;
        layer::backward(arch, plan, weight, maps, into, is_added, self.buffers);
    }

    fn residual(
        &mut self,
        body: &[usize],
        shortcut: &Shortcut,
        input: &Groups,
        output: &Groups,
        mut maps: Groups,
    ) -> Groups {
        let arch = self.trainer.arch;
        let (end, start) = body.split_last().unwrap_or((&0, &[]));
        // The masked gradient is the shortcut's as well.
        let conv = &self.tape.convs[*end];
        let sums = conv.mask_and_sum(arch, &mut maps, Masked::By(output));
        let mut inside = groups(&output[0].shape, image_count(output), self.buffers);
        conv.apply_back(arch, &sums, Some(&maps), &mut inside);
        self.keep(*end, &sums);
        let mut index = *end;
        for before in start.iter().rev() {
            if let Some(inner) = self.tape.inner[*before].take() {
                self.weights(index, &inner, &inside);
                let gradient = self.input_gradient(index, &inner, &inside);
                recycle(std::mem::replace(&mut inside, gradient), self.buffers);
                recycle(inner, self.buffers);
            }
            self.through_norm(*before, &mut inside);
            index = *before;
        }
        self.weights(index, input, &inside);
        let before = match shortcut {
            Shortcut::Identity => {
                self.add_input_gradient(index, &inside, &mut maps, true);
                maps
            }
            Shortcut::Conv(projection) => {
                let mut before = self.input_gradient(index, input, &inside);
                let conv = &self.tape.convs[*projection];
                let sums = conv.mask_and_sum(arch, &mut maps, Masked::Not);
                conv.apply_back(arch, &sums, None, &mut maps);
                self.keep(*projection, &sums);
                self.weights(*projection, input, &maps);
                self.add_input_gradient(*projection, &maps, &mut before, true);
                recycle(maps, self.buffers);
                before
            }
            Shortcut::Subsample(plan, weight) => {
                let mut before = self.input_gradient(index, input, &inside);
                layer::backward(arch, plan, weight, &maps, &mut before, true, self.buffers);
                recycle(maps, self.buffers);
                before
            }
        };
        recycle(inside, self.buffers);
        before
    }
}
