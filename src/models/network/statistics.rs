//! Batch-normalisation statistics of a batch, layer after layer.

use burn::{
    module::Param,
    nn::BatchNorm,
    tensor::{Tensor, activation::relu, module::conv2d, ops::ConvOptions},
};

use super::{ConvNorm, LinearNorm, Network, Residual, StageOutput, Step, subsample};
use crate::models::{
    ModelError,
    blueprint::{ConvPlan, LinearPlan, ResidualPlan, ShortcutPlan, StepPlan},
    fold::EPSILON,
};

/// Names of statistics with their values.
type Named = Vec<(String, Vec<f32>)>;

impl Network {
    /// Mean and variance (over n) of the input of every batch normalisation up to the end of `stage`,
    /// under the names of the running statistics; each is used before the next is measured.
    pub(crate) fn statistics(&self, input: StageOutput, stage: usize) -> Result<Named, ModelError> {
        if let StageOutput::Map(images) = &input {
            self.blueprint.check_input(images.dims(), stage)?;
        }
        let mut found = Vec::new();
        let mut value = input;
        let stages = self
            .stages
            .iter()
            .zip(&self.blueprint.stages)
            .take(stage + 1);
        for (step, plan) in stages.flat_map(|(stage, plan)| stage.steps.iter().zip(&plan.steps)) {
            value = match (step, plan, value) {
                (Step::Conv(conv), StepPlan::Conv(plan), StageOutput::Map(map)) => {
                    StageOutput::Map(through_conv(conv, plan, map, &mut found)?)
                }
                (Step::Residual(block), StepPlan::Residual(plan), StageOutput::Map(map)) => {
                    StageOutput::Map(through_block(block, plan, map, &mut found)?)
                }
                (Step::Linear(linear), StepPlan::Linear(plan), value) => {
                    let rows = match value {
                        StageOutput::Map(map) => map.flatten(1, 3),
                        StageOutput::Vector(rows) => rows,
                    };
                    StageOutput::Vector(through_linear(linear, plan, rows, &mut found)?)
                }
                (step, _, value) => step.forward(value),
            };
        }
        Ok(found)
    }
}

fn through_conv(
    conv: &ConvNorm,
    plan: &ConvPlan,
    map: Tensor<4>,
    found: &mut Named,
) -> Result<Tensor<4>, ModelError> {
    let options = ConvOptions::new([conv.stride; 2], [conv.padding; 2], [1, 1], 1);
    let bias = conv.bias.as_ref().map(Param::val);
    let mut map = conv2d(map, conv.weight.val(), bias, options);
    if let (Some(norm), Some(name)) = (&conv.norm, &plan.norm) {
        let [n, channels, height, width] = map.dims();
        let rows = map
            .permute([0, 2, 3, 1])
            .reshape([n * height * width, channels]);
        map = normalised(norm, name, rows, found)?
            .reshape([n, height, width, channels])
            .permute([0, 3, 1, 2]);
    }
    Ok(if conv.has_relu { relu(map) } else { map })
}

fn through_linear(
    linear: &LinearNorm,
    plan: &LinearPlan,
    rows: Tensor<2>,
    found: &mut Named,
) -> Result<Tensor<2>, ModelError> {
    let mut rows = rows.matmul(linear.weight.val().transpose());
    if let Some(bias) = &linear.bias {
        rows = rows + bias.val().unsqueeze();
    }
    if let (Some(norm), Some(name)) = (&linear.norm, &plan.norm) {
        rows = normalised(norm, name, rows, found)?;
    }
    Ok(if linear.has_relu { relu(rows) } else { rows })
}

fn through_block(
    block: &Residual,
    plan: &ResidualPlan,
    map: Tensor<4>,
    found: &mut Named,
) -> Result<Tensor<4>, ModelError> {
    let shortcut = match (&block.projection, &plan.shortcut, block.subsample) {
        (Some(conv), ShortcutPlan::Conv(plan), _) => through_conv(conv, plan, map.clone(), found)?,
        (_, _, Some(zeros)) => subsample(map.clone(), zeros),
        _ => map.clone(),
    };
    let mut body = map;
    for (conv, plan) in block.body.iter().zip(&plan.body) {
        body = through_conv(conv, plan, body, found)?;
    }
    Ok(relu(body + shortcut))
}

/// Rows `[n, channels]` normalised by their own mean and variance, which join `found`.
fn normalised(
    norm: &BatchNorm,
    name: &str,
    rows: Tensor<2>,
    found: &mut Named,
) -> Result<Tensor<2>, ModelError> {
    let mean = rows.clone().mean_dim(0);
    let centred = rows - mean.clone();
    let variance = centred.clone().square().mean_dim(0);
    let read = |tensor: &Tensor<2>| -> Result<Vec<f32>, ModelError> {
        let data = tensor
            .clone()
            .try_into_data_as::<f32>()
            .map_err(|error| ModelError::Device(error.to_string()))?;
        data.try_into_vec::<f32>()
            .map_err(|error| ModelError::Device(format!("{error:?}")))
    };
    found.push((format!("{name}.running_mean"), read(&mean)?));
    found.push((format!("{name}.running_var"), read(&variance)?));
    let scale = norm.gamma.val().unsqueeze::<2>() / (variance + EPSILON).sqrt();
    Ok(centred * scale + norm.beta.val().unsqueeze())
}
