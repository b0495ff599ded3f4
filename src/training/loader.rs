//! Batches of two augmented views, made on a thread of their own a few steps ahead.

use std::sync::Arc;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::TrainingError;
use crate::{
    data::{AugmentConfig, DataError, ImageSet, Normalisation, ViewGeometry, augmented_view},
    progress::Progress,
};

/// Batches that may wait for the encoder.
const AHEAD: usize = 3;
/// How often a waiting run looks at its cancel flag.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Everything that decides the batches of a run.
#[derive(Clone)]
pub(super) struct Recipe {
    pub images: ImageSet,
    pub augment: AugmentConfig,
    /// Side of a view in pixels.
    pub side: u32,
    pub normalisation: Normalisation,
    pub seed: u64,
    /// Images in a batch; each gives two views.
    pub batch: usize,
}

/// Two views of some images.
#[derive(Clone)]
pub(super) struct ViewBatch {
    /// Index in the image set.
    pub indices: Vec<usize>,
    /// First views of all, then second views of all: `[2·n, 3, side, side]`.
    pub pixels: Vec<f32>,
    /// Where both views of each image lie in it.
    pub geometry: Vec<[ViewGeometry; 2]>,
}

impl Recipe {
    /// Images of step `step`: each epoch is a seeded shuffle, and its last images that fill no
    /// batch are left out.
    fn indices(&self, step: usize) -> Vec<usize> {
        let len = self.images.len();
        let batch = self.batch.min(len);
        let per_epoch = len / batch.max(1);
        let (epoch, position) = (step / per_epoch.max(1), step % per_epoch.max(1));
        let mut order: Vec<usize> = (0..len).collect();
        let key = self.seed ^ (epoch as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(key));
        order[position * batch..(position + 1) * batch].to_vec()
    }

    /// The batch of one step; it depends on nothing but the recipe and the step.
    pub fn batch(&self, step: usize) -> Result<ViewBatch, TrainingError> {
        let wanted = self.indices(step);
        let values = 3 * (self.side as usize).pow(2);
        let mut batch = ViewBatch {
            indices: Vec::with_capacity(wanted.len()),
            pixels: Vec::with_capacity(2 * wanted.len() * values),
            geometry: Vec::with_capacity(wanted.len()),
        };
        let mut second = Vec::with_capacity(wanted.len() * values);
        let mut refused = None;
        for index in wanted {
            let image = match self.images.load(index) {
                Ok(image) => image,
                Err(error) => {
                    refused.get_or_insert(error);
                    continue;
                }
            };
            let row = self.images.row(index).unwrap_or(index) as u64;
            let [a, b] = [0, 1].map(|view| {
                augmented_view(
                    &image,
                    &self.augment,
                    self.side,
                    &self.normalisation,
                    self.seed,
                    row,
                    2 * step as u64 + view,
                )
            });
            batch.indices.push(index);
            batch.pixels.extend(a.0);
            second.extend(b.0);
            batch.geometry.push([a.1, b.1]);
        }
        batch.pixels.append(&mut second);
        // Batch statistics and pairs need two images.
        if batch.indices.len() < 2 {
            return Err(TrainingError::NothingDecoded {
                tried: self.batch.min(self.images.len()),
                first: refused.map_or_else(
                    || "a batch needs two".to_owned(),
                    |error: DataError| error.to_string(),
                ),
            });
        }
        Ok(batch)
    }
}

/// Makes batches ahead of the run. Dropping it ends its thread.
pub(super) struct Loader {
    batches: Receiver<Result<ViewBatch, TrainingError>>,
}

impl Loader {
    /// Starts with the batch of step `first`.
    ///
    /// # Errors
    /// [`TrainingError::Thread`].
    pub fn start(recipe: Recipe, first: usize) -> Result<Self, TrainingError> {
        let (sender, batches) = bounded(AHEAD);
        let recipe = Arc::new(recipe);
        std::thread::Builder::new()
            .name("spherescope-views".to_owned())
            .spawn(move || {
                for step in first.. {
                    // The run is gone, or has other wishes: nobody takes this batch.
                    if sender.send(recipe.batch(step)).is_err() {
                        return;
                    }
                }
            })
            .map_err(TrainingError::Thread)?;
        Ok(Self { batches })
    }

    /// The next step's batch.
    ///
    /// # Errors
    /// What made it impossible, or a cancel.
    pub fn next(&self, progress: &Progress) -> Result<ViewBatch, TrainingError> {
        loop {
            match self.batches.recv_timeout(PATIENCE) {
                Ok(batch) => return batch,
                Err(RecvTimeoutError::Timeout) => progress.check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(TrainingError::Thread(std::io::Error::other(
                        "the thread that makes views ended",
                    )));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{BuiltinConfig, BuiltinKind};

    fn recipe() -> Recipe {
        Recipe {
            images: ImageSet::builtin(&BuiltinConfig {
                kind: BuiltinKind::SingleObject,
                count: 20,
                side: 16,
                seed: 1,
            }),
            augment: AugmentConfig::wang_isola(),
            side: 8,
            normalisation: Normalisation::HALF,
            seed: 3,
            batch: 8,
        }
    }

    #[test]
    fn an_epoch_shows_each_image_at_most_once_and_the_next_in_another_order() {
        let recipe = recipe();
        let mut epoch: Vec<usize> = [0, 1].iter().flat_map(|&s| recipe.indices(s)).collect();
        assert_eq!(epoch.len(), 16);
        assert_ne!(epoch[..8], recipe.indices(2));
        epoch.sort_unstable();
        epoch.dedup();
        assert_eq!(epoch.len(), 16);
    }

    #[test]
    fn a_batch_depends_on_its_step_alone() {
        let progress = Progress::none();
        let whole = Loader::start(recipe(), 0).unwrap();
        let batches: Vec<_> = (0..4).map(|_| whole.next(&progress).unwrap()).collect();
        let late = Loader::start(recipe(), 3).unwrap().next(&progress).unwrap();
        assert_eq!(late.pixels, batches[3].pixels);
        assert_eq!(late.indices, batches[3].indices);
        assert_ne!(late.pixels, batches[2].pixels);
        assert_eq!(late.pixels.len(), 2 * 8 * 3 * 64);
    }
}
