//! From a path to an image set: what is it?

use std::{
    fs,
    path::Path,
    sync::{Mutex, OnceLock},
};

use super::{
    DataError, ImageRecord, ImageSet,
    binary::{self, BinaryStore},
    decode,
    folder::{self, FileEntry},
    set::{Shared, Store},
};
use crate::progress::Progress;

pub(super) fn open(
    path: &Path,
    masks: Option<&Path>,
    progress: &Progress,
) -> Result<ImageSet, DataError> {
    let metadata = fs::metadata(path).map_err(|source| DataError::io(path, source))?;
    if metadata.is_file() {
        open_file(path, masks, progress)
    } else {
        match binary::open_folder(path, progress) {
            Ok(Some(store)) => {
                refuse_masks(masks)?;
                Ok(binary_set(path, store))
            }
            Ok(None) => open_folder(path, masks, progress),
            // Some other program's `test.bin` must not hide the images beside it.
            Err(error @ DataError::Format { .. }) => {
                open_folder(path, masks, progress).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }
}

fn open_folder(
    path: &Path,
    masks: Option<&Path>,
    progress: &Progress,
) -> Result<ImageSet, DataError> {
    let folder = match folder::open(path, masks, progress) {
        // Data sets are often unpacked into a folder of their own, one or two levels down.
        Err(error @ DataError::Empty { .. }) if masks.is_none() => {
            return match binary::open_below(path, progress)? {
                Some(store) => Ok(binary_set(path, store)),
                None => Err(error),
            };
        }
        other => other?,
    };
    let has_masks = folder.files.iter().any(|file| file.mask.is_some());
    Ok(ImageSet::from_parts(
        Shared {
            name: short_name(path),
            source: path.display().to_string(),
            format: folder.format,
            classes: folder.classes,
            mask_classes: folder.mask_classes,
            has_masks,
            ignored: folder.ignored,
            skipped: Mutex::new(folder.skipped),
            store: Store::Files(folder.files),
            decoded: OnceLock::new(),
        },
        folder.records,
    ))
}

fn open_file(
    path: &Path,
    masks: Option<&Path>,
    progress: &Progress,
) -> Result<ImageSet, DataError> {
    if let Some(store) = binary::open_file(path, progress)? {
        refuse_masks(masks)?;
        return Ok(binary_set(path, store));
    }
    refuse_masks(masks)?;
    let name = short_name(path);
    let size = decode::read_size(path, &path.display().to_string())?;
    Ok(ImageSet::from_parts(
        Shared {
            name: name.clone(),
            source: path.display().to_string(),
            format: "one image".to_owned(),
            classes: Vec::new(),
            mask_classes: Vec::new(),
            has_masks: false,
            ignored: 0,
            skipped: Mutex::default(),
            store: Store::Files(vec![FileEntry {
                path: path.to_owned(),
                mask: None,
                size,
            }]),
            decoded: OnceLock::new(),
        },
        vec![ImageRecord { name, label: None }],
    ))
}

fn binary_set(path: &Path, (store, description): (BinaryStore, binary::Description)) -> ImageSet {
    ImageSet::from_parts(
        Shared {
            name: short_name(path),
            source: path.display().to_string(),
            format: description.format,
            classes: description.classes,
            mask_classes: Vec::new(),
            has_masks: false,
            ignored: 0,
            skipped: Mutex::default(),
            store: Store::Binary(store),
            decoded: OnceLock::new(),
        },
        description.records,
    )
}

fn refuse_masks(masks: Option<&Path>) -> Result<(), DataError> {
    match masks {
        Some(_) => Err(DataError::Settings(
            "masks go with a folder of images, not with a single file or a binary data set"
                .to_owned(),
        )),
        None => Ok(()),
    }
}

fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
