//! Batches of encoder input, streamed from an image set.

use super::{
    AugmentConfig, DataError, ImageSet, Normalisation, Preprocess, Resize, ViewGeometry,
    augmented_view,
    stream::{self, PixelBudget},
};
use crate::progress::{Cancelled, Progress};

/// Bytes of finished encoder input that may wait for the encoder.
const MAX_WAITING_BYTES: usize = 256 << 20;

/// Some images, ready for the encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Index of each image within the set.
    pub indices: Vec<usize>,
    /// Images, 3, height, width.
    pub shape: [usize; 4],
    /// Row-major values of that shape.
    pub pixels: Vec<f32>,
}

/// How two augmented views of each image are made.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSettings {
    /// The random transforms.
    pub augment: AugmentConfig,
    /// Side of the square views in pixels.
    pub side: u32,
    /// Constants applied to both views.
    pub normalisation: Normalisation,
    /// Seed of all draws.
    pub seed: u64,
}

/// Two augmented views of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct PairBatch {
    /// Index of each image within the set.
    pub indices: Vec<usize>,
    /// Side of the views in pixels.
    pub side: u32,
    /// First views: images × 3 × side × side.
    pub first: Vec<f32>,
    /// Second views, of the same shape.
    pub second: Vec<f32>,
    /// Where both views of each image lie in it.
    pub geometry: Vec<[ViewGeometry; 2]>,
}

/// Decodes and preprocesses the images at `indices` on threads and hands them over in batches, on
/// the calling thread and in order. All images of a batch have one size: another size starts a new
/// batch, and so does a batch of 256 MB. Images that cannot be decoded are left out and join
/// [`ImageSet::skipped`].
///
/// # Errors
/// Impossible settings, an index beyond the set, a cancel, or what `each` returns.
pub fn for_each_batch<E: From<DataError> + From<Cancelled>>(
    set: &ImageSet,
    indices: &[usize],
    preprocess: &Preprocess,
    batch_size: usize,
    progress: &Progress,
    mut each: impl FnMut(Batch) -> Result<(), E>,
) -> Result<(), E> {
    preprocess.validate()?;
    check_indices(set, indices)?;
    let item_bytes = preprocess
        .input_bytes()
        .unwrap_or_else(|| largest_input(set, indices, preprocess.resize));
    // Images kept at thousands of pixels a side would make a batch of gigabytes.
    let batch_size = batch_size.min(MAX_WAITING_BYTES / item_bytes.max(1)).max(1);
    let budget = PixelBudget::new();
    let prepare = |position: usize| {
        let index = indices[position];
        let _share = budget.take(set.size(index).unwrap_or_default());
        let image = set.load(index)?;
        preprocess.apply(&image)
    };

    let mut batch = empty_batch();
    stream::in_order::<_, E>(
        indices.len(),
        window(batch_size, item_bytes),
        &prepare,
        progress,
        |position, result| {
            match result {
                Err(error) => set.note_skipped(indices[position], &error),
                Ok((pixels, [height, width])) => {
                    let has_other_size = batch.shape[2..] != [height, width];
                    if batch.indices.len() == batch_size
                        || (has_other_size && !batch.indices.is_empty())
                    {
                        each(std::mem::replace(&mut batch, empty_batch()))?;
                    }
                    batch.indices.push(indices[position]);
                    batch.shape = [batch.indices.len(), 3, height, width];
                    if batch.pixels.is_empty() {
                        batch.pixels.reserve_exact(pixels.len() * batch_size);
                    }
                    batch.pixels.extend_from_slice(&pixels);
                }
            }
            report(position, indices.len(), progress);
            Ok(())
        },
    )?;
    if batch.indices.is_empty() {
        Ok(())
    } else {
        each(batch)
    }
}

/// Two augmented views of each image, in batches; otherwise as [`for_each_batch`]. Draws are keyed
/// by [`ImageSet::row`], so a subset sees the same views as the whole set.
///
/// # Errors
/// Impossible settings, an index beyond the set, a cancel, or what `each` returns.
pub fn for_each_pair_batch<E: From<DataError> + From<Cancelled>>(
    set: &ImageSet,
    indices: &[usize],
    settings: &PairSettings,
    batch_size: usize,
    progress: &Progress,
    mut each: impl FnMut(PairBatch) -> Result<(), E>,
) -> Result<(), E> {
    let square = Preprocess {
        resize: Resize::Square(settings.side),
        normalisation: settings.normalisation,
    };
    square.validate()?;
    settings.augment.validate()?;
    check_indices(set, indices)?;
    let batch_size = batch_size.max(1);
    let item_bytes = 2 * square.input_bytes().unwrap_or_default();
    let budget = PixelBudget::new();
    let prepare = |position: usize| {
        let index = indices[position];
        let _share = budget.take(set.size(index).unwrap_or_default());
        let image = set.load(index)?;
        let row = set.row(index).unwrap_or(index) as u64;
        Ok::<_, DataError>([0, 1].map(|view| {
            augmented_view(
                &image,
                &settings.augment,
                settings.side,
                &settings.normalisation,
                settings.seed,
                row,
                view,
            )
        }))
    };

    let mut batch = empty_pairs(settings.side);
    stream::in_order::<_, E>(
        indices.len(),
        window(batch_size, item_bytes),
        &prepare,
        progress,
        |position, result| {
            match result {
                Err(error) => set.note_skipped(indices[position], &error),
                Ok([(first, first_geometry), (second, second_geometry)]) => {
                    if batch.indices.len() == batch_size {
                        each(std::mem::replace(&mut batch, empty_pairs(settings.side)))?;
                    }
                    batch.indices.push(indices[position]);
                    batch.first.extend_from_slice(&first);
                    batch.second.extend_from_slice(&second);
                    batch.geometry.push([first_geometry, second_geometry]);
                }
            }
            report(position, indices.len(), progress);
            Ok(())
        },
    )?;
    if batch.indices.is_empty() {
        Ok(())
    } else {
        each(batch)
    }
}

fn empty_batch() -> Batch {
    Batch {
        indices: Vec::new(),
        shape: [0, 3, 0, 0],
        pixels: Vec::new(),
    }
}

fn empty_pairs(side: u32) -> PairBatch {
    PairBatch {
        indices: Vec::new(),
        side,
        first: Vec::new(),
        second: Vec::new(),
        geometry: Vec::new(),
    }
}

fn check_indices(set: &ImageSet, indices: &[usize]) -> Result<(), DataError> {
    match indices.iter().find(|&&index| index >= set.len()) {
        Some(&index) => Err(DataError::Index {
            index,
            len: set.len(),
        }),
        None => Ok(()),
    }
}

/// Bytes of the largest input when images keep their size.
fn largest_input(set: &ImageSet, indices: &[usize], resize: Resize) -> usize {
    debug_assert_eq!(resize, Resize::Keep);
    let pixels = indices
        .iter()
        .filter_map(|&index| set.size(index))
        .map(|[width, height]| width as usize * height as usize)
        .max();
    pixels.unwrap_or(0) * 3 * size_of::<f32>()
}

/// Items that may wait: the next batch and some for each thread, if memory allows.
fn window(batch_size: usize, item_bytes: usize) -> usize {
    let wanted = batch_size + 2 * stream::threads();
    wanted.min(MAX_WAITING_BYTES / item_bytes.max(1)).max(1)
}

/// Every image would be too often for a progress bar.
fn report(position: usize, count: usize, progress: &Progress) {
    let done = position + 1;
    if done.is_multiple_of(16) || done == count {
        progress.report("decoding images", done as u64, Some(count as u64));
    }
}
