//! A fixed batch of encoder input, kept so that many networks can be measured on the very same.

use burn::tensor::{Tensor, TensorData};

use super::{
    FeatureError, PairRequest, ViewPairs,
    extract::{Plan, batch_size, input_tensor, read_rows},
    pairs::{Embedded, Gathered, pair_plan},
};
use crate::{
    compute::Compute,
    data::{
        Batch, ImageSet, PairBatch, PairSettings, Preprocess, for_each_batch, for_each_pair_batch,
    },
    geometry::normalise_rows,
    models::Model,
    progress::Progress,
};

/// The kept input is refused beyond this many bytes.
pub const PROBE_LIMIT_BYTES: u64 = 1 << 30;

/// Two augmented views of some images, and if wanted the images un-augmented, as encoder input.
///
/// The batches are those that [`view_pairs`](super::view_pairs) and [`extract`](super::extract) make,
/// so that a network gives the same numbers bit for bit.
#[derive(Clone, Debug)]
pub struct ProbeBatch {
    request: PairRequest,
    pairs: Vec<PairBatch>,
    plain: Vec<Batch>,
}

/// Vectors on the sphere with the image of each.
#[derive(Clone, Debug, Default)]
pub struct ProbeRows {
    /// Unit rows, row-major.
    pub values: Vec<f32>,
    /// Index in the image set, for each row.
    pub images: Vec<u32>,
}

/// What one network makes of a probe batch.
#[derive(Clone, Debug, Default)]
pub struct ProbeFeatures {
    /// Numbers in a vector.
    pub dim: usize,
    /// The positive pairs, with the distance of each.
    pub pairs: ViewPairs,
    /// All vectors of the first views.
    pub first: ProbeRows,
    /// All vectors of the second views.
    pub second: ProbeRows,
    /// All vectors of the un-augmented images, when they are part of the batch.
    pub plain: Option<ProbeRows>,
}

impl ProbeBatch {
    /// Decodes and augments the images of `request` once. With `plain`, the images un-augmented,
    /// preprocessed that way, are kept as well.
    ///
    /// # Errors
    /// [`FeatureError::TooLarge`] beyond [`PROBE_LIMIT_BYTES`], [`FeatureError::NothingDecoded`], and
    /// what decoding says.
    pub fn new(
        images: &ImageSet,
        request: PairRequest,
        plain: Option<Preprocess>,
        progress: &Progress,
    ) -> Result<Self, FeatureError> {
        let mut probe = Self {
            pairs: Vec::new(),
            plain: Vec::new(),
            request,
        };
        let settings = PairSettings {
            augment: probe.request.augment,
            side: probe.request.side,
            normalisation: probe.request.normalisation,
            seed: probe.request.seed,
        };
        let indices = probe.request.indices.clone();
        let pairs_at_once = batch_size(settings.side).div_ceil(2);
        for_each_pair_batch(
            images,
            &indices,
            &settings,
            pairs_at_once,
            progress,
            |batch| {
                probe.pairs.push(batch);
                probe.check_memory(indices.len())
            },
        )?;
        if let Some(preprocess) = plain {
            let at_once = batch_size(settings.side);
            for_each_batch(images, &indices, &preprocess, at_once, progress, |batch| {
                probe.plain.push(batch);
                probe.check_memory(indices.len())
            })?;
        }
        if probe.pairs.is_empty() {
            let first = images.skipped().first().map_or_else(
                || "(the set is empty)".into(),
                |skipped| format!("{}: {}", skipped.name, skipped.reason),
            );
            return Err(FeatureError::NothingDecoded {
                tried: indices.len(),
                first,
            });
        }
        Ok(probe)
    }

    /// A batch of views that are there already: what a test gives.
    #[cfg(test)]
    pub(crate) fn of_views(request: PairRequest, pairs: Vec<PairBatch>) -> Self {
        Self {
            request,
            pairs,
            plain: Vec::new(),
        }
    }

    /// Refuses before the memory is taken: the share of the images so far tells the whole.
    fn check_memory(&self, total: usize) -> Result<(), FeatureError> {
        let pairs: usize = self.pairs.iter().map(|batch| 2 * batch.first.len()).sum();
        let plain: usize = self.plain.iter().map(|batch| batch.pixels.len()).sum();
        let pairs_done: usize = self.pairs.iter().map(|batch| batch.indices.len()).sum();
        let plain_done: usize = self.plain.iter().map(|batch| batch.indices.len()).sum();
        let whole =
            |numbers: usize, done: usize| numbers as u64 * total as u64 * 4 / done.max(1) as u64;
        let bytes = whole(pairs, pairs_done) + whole(plain, plain_done);
        if bytes <= PROBE_LIMIT_BYTES {
            return Ok(());
        }
        Err(FeatureError::TooLarge {
            what: "the inputs of a probe batch",
            needed_mib: bytes >> 20,
            limit_mib: PROBE_LIMIT_BYTES >> 20,
        })
    }

    /// Which vectors are paired, and how.
    pub fn request(&self) -> &PairRequest {
        &self.request
    }

    /// Images of which both views are there.
    pub fn image_count(&self) -> usize {
        self.pairs.iter().map(|batch| batch.indices.len()).sum()
    }

    /// Index in the image set of each image of which both views are there.
    pub fn image_indices(&self) -> Vec<usize> {
        let batches = self.pairs.iter().flat_map(|batch| &batch.indices);
        batches.copied().collect()
    }

    /// Whether the un-augmented images are part of the batch.
    pub fn has_plain(&self) -> bool {
        !self.plain.is_empty()
    }

    /// All views in one tensor `[2 · images, 3, side, side]`, the first views before the second.
    pub fn views(&self, compute: &Compute) -> Tensor<4> {
        let side = self.request.side as usize;
        let first = self.pairs.iter().map(|batch| &batch.first);
        let second = self.pairs.iter().map(|batch| &batch.second);
        let pixels: Vec<f32> = first.chain(second).flatten().copied().collect();
        let shape = [2 * self.image_count(), 3, side, side];
        Tensor::from_data(TensorData::new(pixels, shape), compute.device())
    }

    /// Runs a network over the batch.
    ///
    /// # Errors
    /// See [`FeatureError`].
    pub fn embed(
        &self,
        model: &Model,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<ProbeFeatures, FeatureError> {
        let plan = pair_plan(model, &self.request)?;
        let mut gathered = Gathered::default();
        let [mut first, mut second] = [ProbeRows::default(), ProbeRows::default()];
        let mut dim = 0;
        for batch in &self.pairs {
            progress.check()?;
            let embedded = Embedded::new(&plan, &self.request, batch.clone(), compute, progress)?;
            gathered.push(&embedded, &self.request);
            dim = embedded.dim;
            let cells = embedded.grid[0] * embedded.grid[1];
            first.extend(&embedded.first, &embedded.indices, cells);
            second.extend(&embedded.second, &embedded.indices, cells);
        }
        let plain = if self.plain.is_empty() {
            None
        } else {
            Some(self.embed_plain(&plan, compute, progress)?)
        };
        Ok(ProbeFeatures {
            dim,
            pairs: gathered.finish(&self.request)?,
            first,
            second,
            plain,
        })
    }

    fn embed_plain(
        &self,
        plan: &Plan<'_>,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<ProbeRows, FeatureError> {
        let mut rows = ProbeRows::default();
        for batch in &self.plain {
            progress.check()?;
            let input = input_tensor(batch.pixels.clone(), batch.shape, compute);
            let (values, grid) = plan.forward(input, progress, |_| Ok(()))?;
            let dim = values.dims()[1];
            let mut values = read_rows(values)?;
            normalise_rows(&mut values, dim);
            rows.extend(&values, &batch.indices, grid[0] * grid[1]);
        }
        Ok(rows)
    }
}

impl ProbeRows {
    fn extend(&mut self, values: &[f32], indices: &[usize], cells: usize) {
        self.values.extend_from_slice(values);
        let images = indices
            .iter()
            .flat_map(|&index| std::iter::repeat_n(index as u32, cells));
        self.images.extend(images);
    }
}
