//! Training steps on the processor: the stages that give maps run on the room's own convolutions,
//! what stands behind them on Burn's tape.
//!
//! The map enters the tape as a leaf. Its gradient comes from the tape, goes back through the map
//! stages on plain slices, and gives the gradients of their parameters, under the numbers that the
//! optimiser knows them by.

use burn::{
    module::{Param, RunningState},
    nn::BatchNorm,
    optim::GradientsParams,
    tensor::{Device, Gradients, Tensor, TensorData},
};

use super::{ConvNorm, Network, StageOutput, Step, forward_stages};
use crate::models::{
    ModelError,
    cpu::training::{CpuTrainer, LayerGradients, LayerValues, NormValues, Statistics, Tape},
};

/// The map stages of a [`Network`] for steps of training on the processor.
#[derive(Debug)]
pub struct ProcessorSteps(CpuTrainer);

/// What a forward pass keeps for the way back.
#[derive(Debug)]
pub struct Recording {
    /// The map on the tape.
    leaf: Tensor<4>,
    tensors: Vec<LayerTensors>,
    tape: Tape,
}

/// The values of one convolution's parameters.
#[derive(Debug)]
struct LayerTensors {
    weight: TensorData,
    bias: Option<TensorData>,
    /// γ, β and ε.
    norm: Option<(TensorData, TensorData, f64)>,
}

impl ProcessorSteps {
    /// The path for this network on `device`, if it is the processor and the path knows all the
    /// network's steps.
    pub fn for_network(network: &Network, device: &Device) -> Option<Self> {
        let is_processor = *device == Device::flex() && device.is_autodiff();
        if !is_processor || !CpuTrainer::is_supported(&network.blueprint) {
            return None;
        }
        CpuTrainer::new(&network.blueprint).ok().map(Self)
    }

    /// Images `[n, channels, height, width]` through all stages, with the statistics of the batch;
    /// the running ones follow. With `records` the way back is kept.
    ///
    /// # Errors
    /// [`ModelError::Input`] before anything is computed, [`ModelError::Device`] when the images or
    /// the weights cannot be read.
    pub fn forward(
        &self,
        network: &Network,
        images: Tensor<4>,
        records: bool,
    ) -> Result<(StageOutput, Option<Recording>), ModelError> {
        let shape = images.dims();
        let stage = network.stages.len() - 1;
        network.blueprint.check_input(shape, stage)?;
        let device = images.device();
        let images = read(images)?;
        let convs = network.convolutions();
        let tensors = convs
            .iter()
            .map(|conv| LayerTensors::read(conv))
            .collect::<Result<Vec<_>, _>>()?;
        let values = tensors
            .iter()
            .map(LayerTensors::values)
            .collect::<Result<Vec<_>, _>>()?;
        let pass = self.0.forward(&values, slice(&images)?, shape, records);
        for ((conv, statistics), values) in convs.iter().zip(&pass.statistics).zip(&values) {
            if let (Some(norm), Some(statistics)) = (&conv.norm, statistics) {
                follow(norm, statistics, values.bias, &device);
            }
        }
        let leaf = Tensor::<4>::from_data(TensorData::new(pass.values, pass.shape), &device);
        let leaf = leaf.set_require_grad(records);
        let vectors = &network.stages[network.blueprint.map_stages()..];
        let output = forward_stages(vectors, StageOutput::Map(leaf.clone()));
        if !records {
            self.0.forget(pass.tape);
            return Ok((output, None));
        }
        let recording = Recording {
            leaf,
            tensors,
            tape: pass.tape,
        };
        Ok((output, Some(recording)))
    }

    /// The way back: adds the gradients of the map stages' parameters to those that the tape has
    /// given.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the map's gradient cannot be read.
    pub fn backward(
        &self,
        network: &Network,
        recording: Recording,
        gradients: &mut Gradients,
        into: &mut GradientsParams,
    ) -> Result<(), ModelError> {
        let Recording {
            leaf,
            tensors,
            tape,
        } = recording;
        let Some(gradient) = leaf.grad_remove(gradients) else {
            // A loss that does not look at the map moves none of its weights.
            self.0.forget(tape);
            return Ok(());
        };
        let device = gradient.device();
        let gradient = read(gradient)?;
        let values = tensors
            .iter()
            .map(LayerTensors::values)
            .collect::<Result<Vec<_>, _>>()?;
        let layers = self.0.backward(&values, tape, slice(&gradient)?);
        for (conv, layer) in network.convolutions().into_iter().zip(layers) {
            register(conv, layer, &device, into);
        }
        Ok(())
    }
}

impl LayerTensors {
    fn read(conv: &ConvNorm) -> Result<Self, ModelError> {
        let norm = |norm: &BatchNorm| {
            Ok::<_, ModelError>((
                read(norm.gamma.val())?,
                read(norm.beta.val())?,
                norm.epsilon,
            ))
        };
        Ok(Self {
            weight: read(conv.weight.val())?,
            bias: conv
                .bias
                .as_ref()
                .map(|bias| read(bias.val()))
                .transpose()?,
            norm: conv.norm.as_ref().map(norm).transpose()?,
        })
    }

    fn values(&self) -> Result<LayerValues<'_>, ModelError> {
        let norm = match &self.norm {
            Some((scale, shift, epsilon)) => Some(NormValues {
                scale: slice(scale)?,
                shift: slice(shift)?,
                epsilon: *epsilon,
            }),
            None => None,
        };
        Ok(LayerValues {
            weight: slice(&self.weight)?,
            bias: self.bias.as_ref().map(slice).transpose()?,
            norm,
        })
    }
}

impl Network {
    /// The convolutions of the map stages in the order of their tensors.
    fn convolutions(&self) -> Vec<&ConvNorm> {
        let steps = self.stages.iter().flat_map(|stage| &stage.steps);
        let mut convs = Vec::new();
        for step in steps {
            match step {
                Step::Conv(conv) => convs.push(conv),
                Step::Residual(block) => convs.extend(block.body.iter().chain(&block.projection)),
                Step::MaxPool(_) | Step::Linear(_) => {}
            }
        }
        convs
    }
}

/// The running statistics move towards the batch's, as Burn's normalisation moves them.
fn follow(norm: &BatchNorm, statistics: &Statistics, bias: Option<&[f32]>, device: &Device) {
    let mut mean = statistics.mean.clone();
    for (mean, bias) in mean.iter_mut().zip(bias.unwrap_or(&[])) {
        *mean += bias;
    }
    let moved = |state: &RunningState<Tensor<1>>, batch: Vec<f32>| {
        let batch = TensorData::new(batch, [statistics.variance.len()]);
        let batch = Tensor::<1>::from_data(batch, device).mul_scalar(norm.momentum);
        let kept = state.value_sync().to_device(device);
        state.update(kept.mul_scalar(1.0 - norm.momentum).add(batch).detach());
    };
    moved(&norm.running_mean, mean);
    moved(&norm.running_var, statistics.variance.clone());
}

fn register(conv: &ConvNorm, layer: LayerGradients, device: &Device, into: &mut GradientsParams) {
    fn add<const D: usize>(
        param: &Param<Tensor<D>>,
        values: Vec<f32>,
        device: &Device,
        into: &mut GradientsParams,
    ) {
        let data = TensorData::new(values, param.shape());
        into.register(param.id, Tensor::<D>::from_data(data, device));
    }
    add(&conv.weight, layer.weight, device, into);
    if let (Some(bias), Some(values)) = (&conv.bias, layer.bias) {
        add(bias, values, device, into);
    }
    if let (Some(norm), Some([scale, shift])) = (&conv.norm, layer.norm) {
        add(&norm.gamma, scale, device, into);
        add(&norm.beta, shift, device, into);
    }
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<TensorData, ModelError> {
    tensor
        .detach()
        .try_into_data_as::<f32>()
        .map_err(|error| ModelError::Device(error.to_string()))
}

fn slice(data: &TensorData) -> Result<&[f32], ModelError> {
    data.as_slice::<f32>()
        .map_err(|error| ModelError::Device(format!("{error:?}")))
}
