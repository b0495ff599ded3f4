//! An encoder's blueprint as Burn modules: the path of GPUs and of training.

use burn::{
    module::{Module, Param},
    nn::{BatchNorm, BatchNormConfig},
    tensor::{
        Device, Tensor, TensorData,
        activation::relu,
        module::{conv2d, max_pool2d},
        ops::{ConvOptions, MaxPoolOptions},
    },
};

use super::{
    blueprint::{
        Blueprint, ConvPlan, LinearPlan, PoolPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan,
    },
    encoder::StageOutput,
    error::ModelError,
    fold::{self, EPSILON, NormTensors},
    source::{TensorSource, take_checked},
};

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

/// Where modules get their tensors from and where they put them.
pub(crate) struct Builder<'a> {
    pub source: &'a mut dyn TensorSource,
    pub form: BatchNormForm,
    pub device: &'a Device,
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

impl Builder<'_> {
    /// The modules of one stage.
    pub fn stage(&mut self, plan: &StagePlan) -> Result<Stage, ModelError> {
        let steps = plan
            .steps
            .iter()
            .map(|step| self.step(step))
            .collect::<Result<_, _>>()?;
        Ok(Stage { steps })
    }

    fn step(&mut self, plan: &StepPlan) -> Result<Step, ModelError> {
        Ok(match plan {
            StepPlan::Conv(conv) => Step::Conv(self.conv(conv)?),
            StepPlan::MaxPool(plan) => Step::MaxPool(MaxPool { plan: *plan }),
            StepPlan::Residual(block) => Step::Residual(self.residual(block)?),
            StepPlan::Linear(linear) => Step::Linear(self.linear(linear)?),
        })
    }

    fn residual(&mut self, plan: &ResidualPlan) -> Result<Residual, ModelError> {
        let body = plan
            .body
            .iter()
            .map(|conv| self.conv(conv))
            .collect::<Result<_, _>>()?;
        let (projection, subsample) = match &plan.shortcut {
            ShortcutPlan::Identity => (None, None),
            ShortcutPlan::Conv(conv) => (Some(self.conv(conv)?), None),
            ShortcutPlan::Subsample { before, after, .. } => (None, Some([*before, *after])),
        };
        Ok(Residual {
            body,
            projection,
            subsample,
        })
    }

    fn conv(&mut self, plan: &ConvPlan) -> Result<ConvNorm, ModelError> {
        let (weight, bias, norm) = match self.form {
            BatchNormForm::Folded => {
                let folded = fold::conv(plan, self.source)?;
                (folded.weight, Some(folded.bias), None)
            }
            BatchNormForm::Separate => {
                let name = format!("{}.weight", plan.name);
                let weight = take_checked(self.source, &name, &plan.weight_shape())?;
                let bias = self.bias(&plan.name, plan.has_bias, plan.outputs)?;
                (weight, bias, self.norm(plan.norm.as_ref(), plan.outputs)?)
            }
        };
        Ok(ConvNorm {
            weight: self.param(weight, plan.weight_shape()),
            bias: bias.map(|bias| self.param(bias, [plan.outputs])),
            norm,
            stride: plan.stride,
            padding: plan.padding,
            has_relu: plan.has_relu,
        })
    }

    /// The module of one linear layer.
    pub fn linear(&mut self, plan: &LinearPlan) -> Result<LinearNorm, ModelError> {
        let shape = [plan.outputs, plan.inputs];
        let (weight, bias, norm) = match self.form {
            BatchNormForm::Folded => {
                let folded = fold::linear(plan, self.source)?;
                (folded.weight, Some(folded.bias), None)
            }
            BatchNormForm::Separate => {
                let name = format!("{}.weight", plan.name);
                let weight = take_checked(self.source, &name, &shape)?;
                let bias = self.bias(&plan.name, plan.has_bias, plan.outputs)?;
                (weight, bias, self.norm(plan.norm.as_ref(), plan.outputs)?)
            }
        };
        Ok(LinearNorm {
            weight: self.param(weight, shape),
            bias: bias.map(|bias| self.param(bias, [plan.outputs])),
            norm,
            has_relu: plan.has_relu,
        })
    }

    fn bias(
        &mut self,
        name: &str,
        has_bias: bool,
        outputs: usize,
    ) -> Result<Option<Vec<f32>>, ModelError> {
        has_bias
            .then(|| take_checked(self.source, &format!("{name}.bias"), &[outputs]))
            .transpose()
    }

    fn norm(
        &mut self,
        name: Option<&String>,
        channels: usize,
    ) -> Result<Option<BatchNorm>, ModelError> {
        let Some(name) = name else { return Ok(None) };
        let tensors = NormTensors::take(self.source, name, channels)?;
        let mut norm = BatchNormConfig::new(channels)
            .with_epsilon(EPSILON)
            .init(self.device);
        norm.gamma = self.param(tensors.scale, [channels]);
        norm.beta = self.param(tensors.shift, [channels]);
        let state = |values| {
            let data = TensorData::new(values, [channels]);
            burn::module::RunningState::new(Tensor::from_data(data, self.device))
        };
        norm.running_mean = state(tensors.mean);
        norm.running_var = state(tensors.variance);
        Ok(Some(norm))
    }

    /// A parameter of the given values on the builder's device.
    pub fn param<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        let data = TensorData::new(values, shape);
        Param::from_tensor(Tensor::from_data(data, self.device))
    }
}
