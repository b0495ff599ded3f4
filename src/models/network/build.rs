//! Modules from a plan and its tensors.

use burn::{
    module::{Param, RunningState},
    nn::{BatchNorm, BatchNormConfig},
    tensor::{Device, Tensor, TensorData},
};

use super::{BatchNormForm, ConvNorm, LinearNorm, MaxPool, Residual, Stage, Step};
use crate::models::{
    ModelError, TensorSource,
    blueprint::{ConvPlan, LinearPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan},
    fold::{self, EPSILON, NormTensors},
    source::take_checked,
};

/// Where modules get their tensors from and where they put them.
pub(crate) struct Builder<'a> {
    pub source: &'a mut dyn TensorSource,
    pub form: BatchNormForm,
    pub device: &'a Device,
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
            RunningState::new(Tensor::from_data(data, self.device))
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
