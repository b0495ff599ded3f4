//! An encoder's blueprint as Burn modules: the path of GPUs and of training.

mod build;
mod processor;
mod statistics;

use burn::{
    module::{Module, Param},
    nn::BatchNorm,
    tensor::{
        Device, Tensor,
        activation::relu,
        module::{conv2d, max_pool2d},
        ops::{ConvOptions, MaxPoolOptions},
    },
};

use super::{
    blueprint::{Blueprint, PoolPlan},
    encoder::StageOutput,
    error::ModelError,
    source::TensorSource,
};

pub(crate) use build::Builder;
pub use processor::{ProcessorSteps, Recording};

/// What becomes of batch normalisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchNormForm {
    /// Folded into the layers before them: fewer passes, for inference.
    Folded,
    /// Layers of their own, whose statistics follow the data on an autodiff device: for training.
    Separate,
}

/// An encoder as Burn modules, stage after stage.
#[derive(Module, Debug)]
pub struct Network {
    /// The stages, in the order data flows.
    pub stages: Vec<Stage>,
    #[module(skip)]
    blueprint: Blueprint,
}

/// One stage of a [`Network`].
#[derive(Module, Debug)]
pub struct Stage {
    /// The steps, in the order data flows.
    pub steps: Vec<Step>,
}

/// One step of a [`Stage`].
#[derive(Module, Debug)]
pub enum Step {
    /// A convolution with what follows it.
    Conv(ConvNorm),
    /// Max pooling.
    MaxPool(MaxPool),
    /// A residual block.
    Residual(Residual),
    /// A linear layer with what follows it.
    Linear(LinearNorm),
}

/// A convolution, its batch normalisation unless folded, and its ReLU.
#[derive(Module, Debug)]
pub struct ConvNorm {
    /// `[out, in, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// The normalisation, when it is a layer of its own.
    pub norm: Option<BatchNorm>,
    stride: usize,
    padding: usize,
    has_relu: bool,
}

/// Max pooling over a square window.
#[derive(Module, Debug)]
pub struct MaxPool {
    #[module(skip)]
    plan: PoolPlan,
}

/// `ReLU(body(x) + shortcut(x))`.
#[derive(Module, Debug)]
pub struct Residual {
    /// The convolutions of the body.
    pub body: Vec<ConvNorm>,
    /// The shortcut's convolution, if it has one.
    pub projection: Option<ConvNorm>,
    #[module(skip)]
    subsample: Option<[usize; 2]>,
}

/// A linear layer, its batch normalisation unless folded, and its ReLU.
#[derive(Module, Debug)]
pub struct LinearNorm {
    /// `[out, in]`, as PyTorch keeps it.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// The normalisation, when it is a layer of its own.
    pub norm: Option<BatchNorm>,
    has_relu: bool,
}

impl Network {
    /// Builds the modules of a blueprint whose tensors have been checked.
    pub(crate) fn build(
        blueprint: Blueprint,
        source: &mut dyn TensorSource,
        form: BatchNormForm,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let mut builder = Builder {
            source,
            form,
            device,
        };
        let stages = blueprint
            .stages
            .iter()
            .map(|plan| builder.stage(plan))
            .collect::<Result<_, _>>()?;
        Ok(Self { stages, blueprint })
    }

    /// The plan the modules follow.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Images `[n, channels, height, width]` through the stages up to the end of `stage`.
    ///
    /// # Errors
    /// [`ModelError::Stage`] and [`ModelError::Input`] before anything is computed.
    pub fn forward(&self, images: Tensor<4>, stage: usize) -> Result<StageOutput, ModelError> {
        self.blueprint.check_input(images.dims(), stage)?;
        let images = StageOutput::Map(images);
        Ok(forward_stages(&self.stages[..=stage], images))
    }
}

/// Runs stages whose input has been checked.
pub(crate) fn forward_stages(stages: &[Stage], input: StageOutput) -> StageOutput {
    stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .fold(input, |value, step| step.forward(value))
}

impl Step {
    fn forward(&self, value: StageOutput) -> StageOutput {
        match (self, value) {
            (Self::Conv(conv), StageOutput::Map(map)) => StageOutput::Map(conv.forward(map)),
            (Self::MaxPool(pool), StageOutput::Map(map)) => StageOutput::Map(pool.forward(map)),
            (Self::Residual(block), StageOutput::Map(map)) => StageOutput::Map(block.forward(map)),
            (Self::Linear(linear), value) => {
                let rows = match value {
                    StageOutput::Map(map) => map.flatten(1, 3),
                    StageOutput::Vector(rows) => rows,
                };
                StageOutput::Vector(linear.forward(rows))
            }
            // A blueprint's maps come before its vectors, so no vector reaches a map's step.
            (_, vector) => vector,
        }
    }
}

impl ConvNorm {
    /// A map `[n, in, height, width]` through the convolution and what follows it.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1, 1], 1);
        let bias = self.bias.as_ref().map(Param::val);
        let mut map = conv2d(map, self.weight.val(), bias, options);
        if let Some(norm) = &self.norm {
            map = norm.forward(map);
        }
        if self.has_relu { relu(map) } else { map }
    }
}

impl MaxPool {
    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let PoolPlan {
            kernel,
            stride,
            padding,
        } = self.plan;
        let options = MaxPoolOptions::new([kernel; 2])
            .with_stride([stride; 2])
            .with_padding([padding; 2]);
        max_pool2d(map, options)
    }
}

impl Residual {
    /// A map through body and shortcut.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let shortcut = match (&self.projection, self.subsample) {
            (Some(conv), _) => conv.forward(map.clone()),
            (None, Some(zeros)) => subsample(map.clone(), zeros),
            (None, None) => map.clone(),
        };
        let body = self.body.iter().fold(map, |map, conv| conv.forward(map));
        relu(body + shortcut)
    }
}

/// Every second pixel, between channels of zeros.
fn subsample(map: Tensor<4>, [before, after]: [usize; 2]) -> Tensor<4> {
    let map = map.slice(burn::tensor::s![.., .., ..;2, ..;2]);
    let [images, _, height, width] = map.dims();
    let device = map.device();
    let zeros = |channels| Tensor::<4>::zeros([images, channels, height, width], &device);
    let mut parts = Vec::with_capacity(3);
    if before > 0 {
        parts.push(zeros(before));
    }
    parts.push(map);
    if after > 0 {
        parts.push(zeros(after));
    }
    Tensor::cat(parts, 1)
}

impl LinearNorm {
    /// Rows `[n, in]` through the layer and what follows it.
    pub fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        let mut rows = rows.matmul(self.weight.val().transpose());
        if let Some(bias) = &self.bias {
            rows = rows + bias.val().unsqueeze();
        }
        if let Some(norm) = &self.norm {
            rows = norm.forward(rows);
        }
        if self.has_relu { relu(rows) } else { rows }
    }
}
