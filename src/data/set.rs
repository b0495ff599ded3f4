//! The image set: one interface to folders, binary files and the built-in scenes.

use std::{
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use image::{GrayImage, RgbImage};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    BuiltinConfig, DataError, Thumbnails, binary::BinaryStore, builtin, decode, folder::FileEntry,
    mask, open, thumbnails,
};
use crate::progress::Progress;

/// Images decoded between two looks at the cancel flag.
const KEPT_AT_ONCE: usize = 64;

/// One image of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Stable name: the path relative to the set, or file and number within it.
    pub name: String,
    /// Class, an index into [`ImageSet::classes`].
    pub label: Option<u32>,
}

/// An image that is not part of the set, or could not be decoded, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Name as in [`ImageRecord::name`].
    pub name: String,
    /// In words.
    pub reason: String,
}

impl Skipped {
    /// The reason without the name that most errors begin with.
    pub(super) fn new(name: String, error: &DataError) -> Self {
        let reason = match error {
            DataError::Decode { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        Self { name, reason }
    }
}

/// Where pixels come from.
pub(super) enum Store {
    Files(Vec<FileEntry>),
    Binary(BinaryStore),
    Builtin(BuiltinConfig),
}

/// What all subsets of a set share.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) format: String,
    pub(super) classes: Vec<String>,
    pub(super) mask_classes: Vec<String>,
    pub(super) has_masks: bool,
    pub(super) ignored: usize,
    pub(super) skipped: Mutex<Vec<Skipped>>,
    pub(super) store: Store,
    /// Decoded images by row, once [`ImageSet::keep_decoded`] was asked for.
    pub(super) decoded: OnceLock<Vec<Option<Arc<RgbImage>>>>,
}

/// Images with names, labels and masks. Cloning is cheap; all clones and subsets share one source
/// and one list of skipped images.
///
/// # Folders
/// A folder of images is flat, or has one folder a class. Classes are numbered from 0 in natural
/// order ([`natural_cmp`](super::natural_cmp)): `class2` comes before `class10`. That is the
/// numbering of torchvision's `ImageFolder` too, unless numbers of different length make its
/// plain byte order another one; [`format`](Self::format) then says so, and labels must be matched
/// by name rather than number.
///
/// Of `train`, `val`, `test` and the like beside one another one split is opened: a held-out one
/// before the training split, one with class folders before one without, validation before test.
/// [`format`](Self::format) names it and those left closed; open their folders to see them. The
/// classes are those of the opened split.
#[derive(Clone)]
pub struct ImageSet {
    shared: Arc<Shared>,
    records: Arc<[ImageRecord]>,
    /// For a subset: the row of the store behind each image.
    rows: Option<Arc<[usize]>>,
}

impl std::fmt::Debug for ImageSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageSet")
            .field("source", &self.source())
            .field("format", &self.format())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl ImageSet {
    /// Opens what is at `path`: a folder of images (flat, or one class a folder), one image, or a
    /// CIFAR-10/100, STL-10 or MNIST-style idx file or the folder that holds such files.
    ///
    /// Headers of all images are checked; those that cannot be read go to [`skipped`](Self::skipped).
    /// `masks` is a folder of class-id images with the same names up to their ending; a folder that
    /// consists of `images` and `masks` needs no second path.
    ///
    /// # Errors
    /// [`DataError`] when nothing usable is there, when a binary file contradicts its format, when
    /// masks fit no image, or when the work was cancelled.
    pub fn open(path: &Path, masks: Option<&Path>, progress: &Progress) -> Result<Self, DataError> {
        open::open(path, masks, progress)
    }

    /// The seeded procedural set: made in code, the same on every machine.
    pub fn builtin(config: &BuiltinConfig) -> Self {
        let config = config.clamped();
        Self::from_parts(
            Shared {
                name: config.kind.title().to_owned(),
                source: format!(
                    "built-in {}, {} images of {} px, seed {}",
                    config.kind.title(),
                    config.count,
                    config.side,
                    config.seed
                ),
                format: "built-in, procedural".to_owned(),
                classes: builtin::classes(),
                mask_classes: builtin::mask_classes(),
                has_masks: true,
                ignored: 0,
                skipped: Mutex::default(),
                store: Store::Builtin(config),
                decoded: OnceLock::new(),
            },
            builtin::records(&config),
        )
    }

    pub(super) fn from_parts(shared: Shared, records: Vec<ImageRecord>) -> Self {
        Self {
            shared: Arc::new(shared),
            records: records.into(),
            rows: None,
        }
    }

    /// Short name for titles: the last part of the path.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The path that was opened, or "built-in …" with its settings.
    pub fn source(&self) -> &str {
        &self.shared.source
    }

    /// How it is stored, in words ("folder, one class a folder"), with the choices made on the
    /// way: which split was opened, and whether classes are numbered otherwise than elsewhere.
    pub fn format(&self) -> &str {
        &self.shared.format
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Name and label of each image.
    pub fn records(&self) -> &[ImageRecord] {
        &self.records
    }

    /// Class names, in the order of the labels; empty without labels.
    pub fn classes(&self) -> &[String] {
        &self.shared.classes
    }

    /// Images that could not be read so far, with reasons. Grows when a decode fails later.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.lock_skipped().clone()
    }

    /// Number of files in the folder that are no images.
    pub fn ignored(&self) -> usize {
        self.shared.ignored
    }

    /// Whether any image has a mask.
    pub fn has_masks(&self) -> bool {
        self.shared.has_masks
    }

    /// Names of the class ids in masks, where known; the index is the id.
    pub fn mask_classes(&self) -> &[String] {
        &self.shared.mask_classes
    }

    /// The number that identifies an image of this source through every subset: random draws
    /// for an image are keyed by it.
    pub fn row(&self, index: usize) -> Option<usize> {
        match &self.rows {
            Some(rows) => rows.get(index).copied(),
            None => (index < self.len()).then_some(index),
        }
    }

    /// Width and height in pixels, without decoding.
    pub fn size(&self, index: usize) -> Option<[u32; 2]> {
        let row = self.row(index)?;
        match &self.shared.store {
            Store::Files(files) => Some(files[row].size),
            Store::Binary(store) => Some(store.size()),
            Store::Builtin(config) => Some([config.side; 2]),
        }
    }

    /// The file of one image, where each image has its own.
    pub fn path(&self, index: usize) -> Option<&Path> {
        match &self.shared.store {
            Store::Files(files) => Some(&files[self.row(index)?].path),
            Store::Binary(_) | Store::Builtin(_) => None,
        }
    }

    /// Decodes one image.
    ///
    /// # Errors
    /// [`DataError`] for an index beyond the set, or for an image that cannot be decoded within
    /// the bounds of [`MAX_PIXELS`](super::MAX_PIXELS); the latter also joins
    /// [`skipped`](Self::skipped).
    pub fn load(&self, index: usize) -> Result<RgbImage, DataError> {
        let row = self.checked_row(index)?;
        if let Some(image) = self.decoded(row) {
            return Ok(image.as_ref().clone());
        }
        let name = &self.records[index].name;
        let image = match &self.shared.store {
            Store::Files(files) => decode::decode_rgb(&files[row].path, name),
            Store::Binary(store) => store.load(row, name),
            Store::Builtin(config) => Ok(builtin::render(config, row)),
        };
        image.inspect_err(|error| self.note_skipped(index, error))
    }

    /// Decodes every image of this set once and keeps the pixels, for work that reads them over and
    /// over. Returns whether they are kept: not when they would take more than `limit_bytes`. An
    /// image that cannot be decoded joins [`skipped`](Self::skipped) and is tried again when asked
    /// for. Subsets and clones made before or after see the same pixels.
    ///
    /// # Errors
    /// [`DataError::Cancelled`] only.
    pub fn keep_decoded(&self, limit_bytes: u64, progress: &Progress) -> Result<bool, DataError> {
        if self.shared.decoded.get().is_some() {
            return Ok(true);
        }
        let bytes: u64 = (0..self.len())
            .filter_map(|index| self.size(index))
            .map(|[width, height]| 3 * u64::from(width) * u64::from(height))
            .sum();
        if bytes > limit_bytes {
            return Ok(false);
        }
        let rows = (0..self.len()).filter_map(|index| self.row(index));
        let mut decoded = vec![None; rows.max().map_or(0, |row| row + 1)];
        let total = Some(self.len() as u64);
        for first in (0..self.len()).step_by(KEPT_AT_ONCE) {
            progress.check()?;
            let indices: Vec<usize> = (first..self.len().min(first + KEPT_AT_ONCE)).collect();
            let images: Vec<_> = indices.par_iter().map(|&i| self.load(i).ok()).collect();
            for (&index, image) in indices.iter().zip(images) {
                if let Some(row) = self.row(index) {
                    decoded[row] = image.map(Arc::new);
                }
            }
            progress.report("decoding images", (first + indices.len()) as u64, total);
        }
        // Another thread may have been quicker; its pixels are the same.
        let _ = self.shared.decoded.set(decoded);
        Ok(true)
    }

    fn decoded(&self, row: usize) -> Option<&Arc<RgbImage>> {
        self.shared.decoded.get()?.get(row)?.as_ref()
    }

    /// Class ids of one image's mask at the image's size, or `None` when it has no mask.
    ///
    /// # Errors
    /// [`DataError`] for an index beyond the set, and for a mask that cannot be read, has colours
    /// instead of ids, or another size than its image.
    pub fn mask(&self, index: usize) -> Result<Option<GrayImage>, DataError> {
        let row = self.checked_row(index)?;
        let name = &self.records[index].name;
        match &self.shared.store {
            Store::Files(files) => {
                let file = &files[row];
                let Some(path) = &file.mask else {
                    return Ok(None);
                };
                let ids = mask::read(path, name)?;
                let size = [ids.width(), ids.height()];
                if size == file.size {
                    Ok(Some(ids))
                } else {
                    Err(DataError::MaskSize {
                        name: name.clone(),
                        mask: size,
                        image: file.size,
                    })
                }
            }
            Store::Binary(_) => Ok(None),
            Store::Builtin(config) => Ok(Some(builtin::render_mask(config, row))),
        }
    }

    /// Square thumbnails (the middle of each image), `side` pixels wide; smaller or of the first
    /// images only where the set is too large for the memory set aside, see [`Thumbnails`].
    ///
    /// # Errors
    /// [`DataError::Cancelled`] only: an image that cannot be decoded gets a grey thumbnail.
    pub fn thumbnails(&self, side: u32, progress: &Progress) -> Result<Thumbnails, DataError> {
        thumbnails::make(self, side, progress)
    }

    /// The images at `indices`, in that order. Indices beyond the set are left out.
    pub fn subset(&self, indices: Vec<usize>) -> Self {
        let (rows, records): (Vec<_>, Vec<_>) = indices
            .into_iter()
            .filter_map(|index| Some((self.row(index)?, self.records[index].clone())))
            .unzip();
        Self {
            shared: Arc::clone(&self.shared),
            records: records.into(),
            rows: Some(rows.into()),
        }
    }

    /// Lists an image as skipped, once.
    pub(super) fn note_skipped(&self, index: usize, error: &DataError) {
        let name = self.records[index].name.clone();
        let mut skipped = self.lock_skipped();
        if !skipped.iter().any(|other| other.name == name) {
            log::warn!("skipped {error}");
            skipped.push(Skipped::new(name, error));
        }
    }

    fn checked_row(&self, index: usize) -> Result<usize, DataError> {
        self.row(index).ok_or(DataError::Index {
            index,
            len: self.len(),
        })
    }

    fn lock_skipped(&self) -> std::sync::MutexGuard<'_, Vec<Skipped>> {
        // The list is whole after every push, so a panic elsewhere does not spoil it.
        self.shared
            .skipped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
