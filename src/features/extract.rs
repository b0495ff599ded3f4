//! Forward passes over an image set.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::{FeatureError, FeatureKind, FeatureSet, Provenance};
use crate::{
    compute::Compute,
    data::{Batch, ImageSet, Preprocess, Resize, for_each_batch},
    models::{Architecture, Model, ModelError, StageInfo, StageKind, StageOutput},
    progress::Progress,
};

/// Features are refused beyond this many bytes (an analysis holds some three copies), so that a large folder ends in a message rather
/// than in the operating system stopping the program.
pub const FEATURE_LIMIT_BYTES: u64 = 2 << 30;

/// What to compute over which images.
#[derive(Clone, Debug)]
pub struct ExtractionRequest {
    /// Which vectors.
    pub kind: FeatureKind,
    /// Number of the stage in [`Architecture::stages`]; the architecture's default when `None`.
    pub stage: Option<usize>,
    /// How images become input.
    pub preprocess: Preprocess,
    /// Which images of the set, in this order.
    pub indices: Vec<usize>,
    /// How `indices` were chosen, in words, for the provenance.
    pub choice: String,
    /// What the encoder is called in the provenance.
    pub encoder: String,
}

/// Features of an image set, and what else the same passes gave.
#[derive(Clone)]
pub struct Extraction {
    /// The vectors.
    pub features: FeatureSet,
    /// Values as they lie on the compute device, `[len, dim]`; kept on a GPU only.
    pub on_device: Option<Tensor<2>>,
    /// Classifier outputs `[images, classes]`, when the model has a classifier and the passes
    /// went through the stage that it reads.
    pub logits: Option<Logits>,
}

/// Classifier outputs.
#[derive(Clone, Debug)]
pub struct Logits {
    /// Row-major `[images.len(), classes]`.
    pub values: Vec<f32>,
    /// Number of classes.
    pub classes: usize,
    /// Index in the image set, for each row.
    pub images: Vec<u32>,
}

/// Runs the model over the images in batches.
///
/// Undecodable images are skipped and noted in the set.
///
/// # Errors
/// See [`FeatureError`]; memory is bounded by [`FEATURE_LIMIT_BYTES`].
pub fn extract(
    model: &Model,
    images: &ImageSet,
    request: &ExtractionRequest,
    compute: &Compute,
    progress: &Progress,
) -> Result<Extraction, FeatureError> {
    let plan = Plan::new(model, request.kind, request.stage)?;
    let mut rows = Rows::new(compute.is_gpu());
    let batch_size = batch_size(input_side(&request.preprocess, &plan.architecture));
    let total = request.indices.len() as u64;
    progress.report("forward pass", 0, Some(total));
    for_each_batch(
        images,
        &request.indices,
        &request.preprocess,
        batch_size,
        progress,
        |batch| -> Result<(), FeatureError> {
            progress.check()?;
            rows.push(&plan, batch, total as usize, compute, progress)?;
            progress.report("forward pass", rows.images_done as u64, Some(total));
            Ok(())
        },
    )?;
    if rows.images_done == 0 {
        let skipped = images.skipped();
        return Err(FeatureError::NothingDecoded {
            tried: request.indices.len(),
            first: skipped.first().map_or_else(
                || "(the set is empty)".into(),
                |s| format!("{}: {}", s.name, s.reason),
            ),
        });
    }
    let provenance = Provenance {
        encoder: request.encoder.clone(),
        architecture: plan.architecture.name(),
        kind: request.kind,
        stage: plan.stage.name.clone(),
        images: images.source().to_owned(),
        image_count: rows.images_done,
        image_total: images.len(),
        choice: match request.indices.len() - rows.images_done {
            0 => request.choice.clone(),
            skipped => format!(
                "{}, less {skipped} that could not be decoded",
                request.choice
            ),
        },
        preprocess: request.preprocess,
        batch_norm: "inference statistics",
        device: compute.report().compute.clone(),
    };
    rows.finish(request.kind, images, provenance)
}

/// Side in pixels of what the encoder sees; for images of their own size the architecture's usual.
pub fn input_side(preprocess: &Preprocess, architecture: &Architecture) -> u32 {
    match preprocess.resize {
        Resize::Keep => architecture.input_side(),
        Resize::Square(side) => side,
        Resize::ShorterSideCrop { crop, .. } => crop,
    }
}

/// Images a forward pass takes at once: about 2.4 million input numbers, which keeps the widest
/// map of a ResNet near 100 MB and small images in batches that fill the cores.
pub(super) fn batch_size(side: u32) -> usize {
    let numbers = 3 * (side as usize).pow(2);
    (2_400_000 / numbers.max(1)).clamp(1, 256)
}

/// The part of a model that a request runs, checked before any image is read.
pub(super) struct Plan<'a> {
    pub(super) model: &'a Model,
    pub(super) architecture: Architecture,
    pub(super) kind: FeatureKind,
    pub(super) stage_index: usize,
    pub(super) stage: StageInfo,
    classifies: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        model: &'a Model,
        kind: FeatureKind,
        stage: Option<usize>,
    ) -> Result<Self, FeatureError> {
        let architecture = model.encoder.architecture().clone();
        let stages = architecture.stages();
        let stage_index = stage.unwrap_or_else(|| {
            if kind.is_dense() {
                architecture.default_dense_stage()
            } else {
                architecture.default_stage()
            }
        });
        let Some(stage) = stages.get(stage_index).cloned() else {
            let list: Vec<_> = stages
                .iter()
                .enumerate()
                .map(|(i, s)| format!("{i} = {}", s.name))
                .collect();
            return Err(FeatureError::NoSuchStage {
                stage: stage_index,
                architecture: architecture.name(),
                stages: list.join(", "),
            });
        };
        if kind.is_dense() && stage.kind == StageKind::Vector {
            let maps: Vec<_> = stages
                .iter()
                .filter(|s| s.kind == StageKind::Map)
                .map(|s| s.name.clone())
                .collect();
            return Err(FeatureError::NoLocations {
                stage: stage.name,
                maps: maps.join(", "),
            });
        }
        let head = match kind {
            FeatureKind::Projected => {
                let head = model.head.as_ref().ok_or(FeatureError::NoHead {
                    wanted: "projection head",
                })?;
                Some(("projection head", head.inputs()))
            }
            FeatureKind::ProjectedDense => {
                let head = model.dense_head.as_ref().ok_or(FeatureError::NoHead {
                    wanted: "dense projection head",
                })?;
                Some(("dense projection head", head.inputs()))
            }
            FeatureKind::Pooled | FeatureKind::Dense => None,
        };
        if let Some((head, expected)) = head
            && expected != stage.channels
        {
            return Err(FeatureError::HeadMismatch {
                head,
                expected,
                stage: stage.name,
                found: stage.channels,
            });
        }
        let classifies = stage_index == architecture.default_stage()
            && model
                .classifier
                .as_ref()
                .is_some_and(|c| c.inputs() == stage.channels);
        Ok(Self {
            model,
            architecture,
            kind,
            stage_index,
            stage,
            classifies,
        })
    }

    /// Images `[N, 3, H, W]` to vectors `[N·rows·cols, dim]` (images one after the other, cells
    /// row by row) with their grid; the stage's own output goes to `also`.
    pub(super) fn forward(
        &self,
        images: Tensor<4>,
        progress: &Progress,
        also: impl FnOnce(&StageOutput) -> Result<(), ModelError>,
    ) -> Result<(Tensor<2>, [usize; 2]), ModelError> {
        let output = (self.model.encoder).forward_watched(images, self.stage_index, progress)?;
        also(&output)?;
        Ok(match (self.kind, output) {
            (FeatureKind::Dense, StageOutput::Map(map)) => cells_as_rows(map),
            (FeatureKind::ProjectedDense, StageOutput::Map(map)) => {
                let map = match &self.model.dense_head {
                    Some(head) => head.forward(map)?,
                    None => map,
                };
                cells_as_rows(map)
            }
            (FeatureKind::Projected, output) => {
                let pooled = Model::pooled(output);
                let projected = match &self.model.head {
                    Some(head) => head.forward(pooled)?,
                    None => pooled,
                };
                (projected, [1, 1])
            }
            (_, output) => (Model::pooled(output), [1, 1]),
        })
    }
}

/// `[N, C, H, W]` to `[N·H·W, C]` with the grid `[H, W]`.
pub(super) fn cells_as_rows(map: Tensor<4>) -> (Tensor<2>, [usize; 2]) {
    let [images, channels, height, width] = map.dims();
    let rows = map
        .permute([0, 2, 3, 1])
        .reshape([images * height * width, channels]);
    (rows, [height, width])
}

/// Reads a tensor's numbers back to the host, row-major.
pub(super) fn read_rows(tensor: Tensor<2>) -> Result<Vec<f32>, FeatureError> {
    let data = tensor
        .try_into_data()
        .map_err(|error| FeatureError::Device(error.to_string()))?;
    data.try_into_vec::<f32>()
        .map_err(|error| FeatureError::Device(format!("{error:?}")))
}

/// A batch's pixels on the device.
pub(super) fn input_tensor(pixels: Vec<f32>, shape: [usize; 4], compute: &Compute) -> Tensor<4> {
    Tensor::from_data(TensorData::new(pixels, shape), compute.device())
}

/// Rows gathered batch by batch.
struct Rows {
    host: Vec<f32>,
    device: Vec<Tensor<2>>,
    keeps_on_device: bool,
    dim: usize,
    images: Vec<u32>,
    cells: Vec<[u16; 2]>,
    grids: Vec<[u16; 2]>,
    logits: Vec<f32>,
    classes: usize,
    logit_images: Vec<u32>,
    /// Whether some image went through in tiles, which give no classifier's output.
    is_tiled: bool,
    images_done: usize,
}

impl Rows {
    fn new(keeps_on_device: bool) -> Self {
        Self {
            host: Vec::new(),
            device: Vec::new(),
            keeps_on_device,
            dim: 0,
            images: Vec::new(),
            cells: Vec::new(),
            grids: Vec::new(),
            logits: Vec::new(),
            classes: 0,
            logit_images: Vec::new(),
            is_tiled: false,
            images_done: 0,
        }
    }

    fn push(
        &mut self,
        plan: &Plan<'_>,
        batch: Batch,
        total: usize,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<(), FeatureError> {
        let indices = batch.indices;
        let shape = batch.shape;
        let mut logits = None;
        let (rows, grid) = if plan.needs_tiles([shape[2], shape[3]]) {
            self.is_tiled = true;
            plan.tiled_rows(&batch.pixels, shape, compute, progress)?
        } else {
            let input = input_tensor(batch.pixels, shape, compute);
            plan.forward(input, progress, |output| {
                if plan.classifies
                    && let Some(classifier) = &plan.model.classifier
                {
                    logits = Some(classifier.forward(Model::pooled(output.clone()))?);
                }
                Ok(())
            })?
        };
        self.dim = rows.dims()[1];
        self.check_memory(total, indices.len(), grid)?;
        if self.keeps_on_device {
            self.device.push(rows);
            // One batch in flight: progress counts what is done, and a cancel is heard.
            compute.probe()?;
        } else {
            self.host.extend(read_rows(rows)?);
        }
        if let Some(logits) = logits {
            self.classes = logits.dims()[1];
            self.logits.extend(read_rows(logits)?);
            self.logit_images.extend(indices.iter().map(|&i| i as u32));
        }
        for &image in &indices {
            for cell in 0..grid[0] * grid[1] {
                self.images.push(image as u32);
                if plan.kind.is_dense() {
                    self.cells
                        .push([(cell / grid[1]) as u16, (cell % grid[1]) as u16]);
                    self.grids.push([grid[0] as u16, grid[1] as u16]);
                }
            }
        }
        self.images_done += indices.len();
        Ok(())
    }

    /// Refuses before the memory is taken: rows so far plus this grid for all images to come.
    fn check_memory(
        &self,
        total: usize,
        batch: usize,
        grid: [usize; 2],
    ) -> Result<(), FeatureError> {
        let remaining = total.saturating_sub(self.images_done).max(batch);
        let rows = self.images.len() + remaining * grid[0] * grid[1];
        let bytes = rows as u64 * self.dim as u64 * 4;
        if bytes > FEATURE_LIMIT_BYTES {
            return Err(FeatureError::TooLarge {
                what: "features of these images",
                needed_mib: bytes >> 20,
                limit_mib: FEATURE_LIMIT_BYTES >> 20,
            });
        }
        Ok(())
    }

    fn finish(
        self,
        kind: FeatureKind,
        images: &ImageSet,
        provenance: Provenance,
    ) -> Result<Extraction, FeatureError> {
        let (values, on_device) = if self.keeps_on_device {
            let tensor = Tensor::cat(self.device, 0);
            (read_rows(tensor.clone())?, Some(tensor))
        } else {
            (self.host, None)
        };
        let records = images.records();
        let labels = self
            .images
            .iter()
            .map(|&image| records[image as usize].label)
            .collect::<Option<Vec<u32>>>();
        let is_dense = kind.is_dense();
        // Those of the small images alone would be a sample that nobody chose.
        let logits = (self.classes > 0 && !self.is_tiled).then_some(Logits {
            values: self.logits,
            classes: self.classes,
            images: self.logit_images,
        });
        Ok(Extraction {
            features: FeatureSet {
                kind,
                dim: self.dim,
                values: Arc::new(values),
                images: self.images,
                cells: is_dense.then_some(self.cells),
                grids: is_dense.then_some(self.grids),
                labels,
                provenance,
            },
            on_device,
            logits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::batch_size;

    #[test]
    fn batches_shrink_as_images_grow() {
        assert_eq!(batch_size(32), 256);
        assert_eq!(batch_size(224), 15);
        assert_eq!(batch_size(4000), 1);
        assert_eq!(batch_size(0), 256);
    }
}
