//! Opening a checkpoint, and images through an encoder.

use std::path::PathBuf;

use anyhow::bail;
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};

use super::{Prepared, Setting, input};
use crate::{
    checkpoint,
    compute::read_tensor,
    models::{Architecture, SeededInit, StageOutput, Stem, TensorSource},
    progress::Progress,
};

fn resnet(depth: u16) -> Architecture {
    Architecture::ResNet {
        depth,
        stem: Stem::ImageNet,
        width: 64,
    }
}

/// One batch of images to the last feature map of a ResNet.
pub fn features(
    setting: &Setting,
    depth: u16,
    count: usize,
    side: usize,
) -> anyhow::Result<Prepared> {
    let device = setting.compute.device();
    let shape = [count, 3, side, side];
    let numbers = shape.iter().product();
    let (loaded, images) = if let Some(folder) = &setting.inputs {
        let file = folder.join(format!("resnet{depth}.pth"));
        let name = format!("images-{count}x3x{side}x{side}.f32");
        (
            checkpoint::load(&file, device, &Progress::none())?,
            input::read_f32(&folder.join(name), numbers)?,
        )
    } else {
        (
            checkpoint::untrained(&resnet(depth), 1, device)?,
            input::normal(numbers, 2),
        )
    };
    let encoder = loaded.model.encoder;
    let stage = encoder.architecture().default_dense_stage();
    let images = Tensor::<4>::from_data(TensorData::new(images, shape), device);
    let run = move || match encoder.forward(images.clone(), stage)? {
        StageOutput::Map(map) => Ok(input::mean_square(&read_tensor(map)?)),
        StageOutput::Vector(_) => bail!("a ResNet's last stage gives no map"),
    };
    Ok(Prepared {
        run: Box::new(run),
        items: count as u64,
        unit: "images",
    })
}

/// A ResNet-50 file to a model on the device.
pub fn opening(setting: &Setting) -> anyhow::Result<Prepared> {
    let file = ResNetFile::of(setting)?;
    let device = setting.compute.device().clone();
    let check = file.first_weights()?;
    let run = move || {
        // All of `file`, not its path alone: a folder made here goes when `file` does.
        let file = &file;
        checkpoint::load(&file.path, &device, &Progress::none())?;
        Ok(check)
    };
    Ok(Prepared {
        run: Box::new(run),
        items: 1,
        unit: "files",
    })
}

/// A ResNet-50 file to its named tensors.
pub fn reading(setting: &Setting) -> anyhow::Result<Prepared> {
    let file = ResNetFile::of(setting)?;
    let run = move || file.first_weights();
    Ok(Prepared {
        run: Box::new(run),
        items: 1,
        unit: "files",
    })
}

/// A ResNet-50 on disk.
struct ResNetFile {
    path: PathBuf,
    /// Where it lies when it was made here; goes with it.
    _folder: Option<tempfile::TempDir>,
}

impl ResNetFile {
    fn of(setting: &Setting) -> anyhow::Result<Self> {
        if let Some(folder) = &setting.inputs {
            return Ok(Self {
                path: folder.join("resnet50.pth"),
                _folder: None,
            });
        }
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("resnet50.safetensors");
        let mut source = SeededInit::new(1);
        let mut tensors = Vec::new();
        for (name, shape) in resnet(50).tensors() {
            let values = source.take(&name, &shape)?;
            tensors.push((name, shape, bytemuck::cast_slice(&values).to_vec()));
        }
        let views = tensors
            .iter()
            .map(|(name, shape, bytes): &(String, Vec<usize>, Vec<u8>)| {
                Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        safetensors::serialize_to_file(views, None, &path)?;
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }

    /// Reads every floating-point tensor; the mean square of the first convolution's weights.
    fn first_weights(&self) -> anyhow::Result<f64> {
        let tensors = checkpoint::open(&self.path)?;
        let mut check = f64::NAN;
        for entry in tensors.listing().entries() {
            if entry.dtype.is_weight() {
                let values = tensors.read_f32(&entry.key)?;
                if entry.key == "conv1.weight" {
                    check = input::mean_square(&values);
                }
            }
        }
        Ok(check)
    }
}
