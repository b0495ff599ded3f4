//! An encoder ready for inference, on whichever path its device runs fastest.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    architecture::Architecture,
    blueprint::Blueprint,
    cpu::CpuMaps,
    error::ModelError,
    network::{BatchNormForm, Builder, Stage, forward_stages},
    source::{TensorSource, check_tensors},
};
use crate::progress::Progress;

/// What a forward pass gives where it stops.
#[derive(Clone, Debug)]
pub enum StageOutput {
    /// `[n, channels, rows, columns]`.
    Map(Tensor<4>),
    /// `[n, length]`.
    Vector(Tensor<2>),
}

/// An encoder for inference: batch normalisation folded, no gradients.
///
/// On the processor (Burn's flex device) the stages that give maps run on this room's own
/// convolutions, elsewhere on Burn's. Both are held to the same reference outputs in tests.
#[derive(Debug)]
pub struct Encoder {
    architecture: Architecture,
    blueprint: Blueprint,
    device: Device,
    maps: Maps,
    /// The stages after the maps.
    vectors: Vec<Stage>,
}

/// The path of the stages that give maps.
#[derive(Debug)]
enum Maps {
    Burn(Vec<Stage>),
    Cpu(Box<CpuMaps>),
}

impl Encoder {
    /// Builds the encoder; see [`Architecture::build`].
    pub(crate) fn build(
        architecture: &Architecture,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let blueprint = architecture.blueprint()?;
        check_tensors(&blueprint.name, source, &blueprint.tensors())?;
        let (map_plans, vector_plans) = blueprint.stages.split_at(blueprint.map_stages());
        let stages = |plans: &[_], source: &mut dyn TensorSource| {
            let mut builder = Builder {
                source,
                form: BatchNormForm::Folded,
                device,
            };
            plans
                .iter()
                .map(|plan| builder.stage(plan))
                .collect::<Result<Vec<_>, _>>()
        };
        // Equality of devices ignores autodiff, which the fast path would silently cut off.
        let is_processor = *device == Device::flex() && !device.is_autodiff();
        let maps = if is_processor && CpuMaps::is_supported(&blueprint) {
            Maps::Cpu(Box::new(CpuMaps::build(&blueprint, source)?))
        } else {
            Maps::Burn(stages(map_plans, source)?)
        };
        let vectors = stages(vector_plans, source)?;
        Ok(Self {
            architecture: architecture.clone(),
            device: device.clone(),
            maps,
            vectors,
            blueprint,
        })
    }

    /// Which encoder this is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The plan it follows: stages, steps and tensor names.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Images `[n, channels, height, width]` (normalised as the encoder was trained) through the
    /// stages up to the end of `stage`, counted from 0.
    ///
    /// # Errors
    /// [`ModelError::Stage`] and [`ModelError::Input`] before anything is computed,
    /// [`ModelError::Device`] when the images cannot be read.
    pub fn forward(&self, images: Tensor<4>, stage: usize) -> Result<StageOutput, ModelError> {
        self.forward_watched(images, stage, &Progress::none())
    }

    /// [`forward`](Self::forward), which a cancel stops between two layers where they run on the
    /// processor; on a GPU a batch is short.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and [`ModelError::Cancelled`].
    pub fn forward_watched(
        &self,
        images: Tensor<4>,
        stage: usize,
        progress: &Progress,
    ) -> Result<StageOutput, ModelError> {
        self.blueprint.check_input(images.dims(), stage)?;
        let map_stages = self.blueprint.map_stages();
        let last_map = stage.min(map_stages - 1);
        let map = match &self.maps {
            Maps::Burn(stages) => {
                let images = StageOutput::Map(images.to_device(&self.device));
                forward_stages(&stages[..=last_map], images)
            }
            Maps::Cpu(maps) => {
                StageOutput::Map(self.forward_cpu(maps, images, last_map, progress)?)
            }
        };
        let vectors = (stage + 1).saturating_sub(map_stages);
        Ok(forward_stages(&self.vectors[..vectors], map))
    }

    fn forward_cpu(
        &self,
        maps: &CpuMaps,
        images: Tensor<4>,
        stage: usize,
        progress: &Progress,
    ) -> Result<Tensor<4>, ModelError> {
        let shape = images.dims();
        let data = images
            .try_into_data_as::<f32>()
            .map_err(|error| ModelError::Device(error.to_string()))?;
        let pixels = data
            .as_slice::<f32>()
            .map_err(|error| ModelError::Device(format!("{error:?}")))?;
        let (values, shape) = maps.forward(pixels, shape, stage, progress)?;
        Ok(Tensor::from_data(
            TensorData::new(values, shape),
            &self.device,
        ))
    }
}
