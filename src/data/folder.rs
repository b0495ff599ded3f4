//! Folders of image files: what is in them, which class each file belongs to, which mask.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    DataError, ImageRecord, Skipped, decode,
    layout::{self, Layout},
    split::Split,
    walk::{Found, walk},
};
use crate::progress::Progress;

/// Headers checked between two looks at the cancel flag.
const CHECKED_AT_ONCE: usize = 256;

/// One image file.
pub(super) struct FileEntry {
    pub(super) path: PathBuf,
    pub(super) mask: Option<PathBuf>,
    /// Width and height in pixels, from the header.
    pub(super) size: [u32; 2],
}

/// All that is known of a folder once it is open. `records` and `files` go together.
pub(super) struct Folder {
    pub(super) records: Vec<ImageRecord>,
    pub(super) files: Vec<FileEntry>,
    pub(super) classes: Vec<String>,
    pub(super) mask_classes: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) ignored: usize,
    pub(super) format: String,
}

/// Opens a folder of images. Without `masks`, a folder that consists of `images` and `masks` is
/// taken as such a pair.
pub(super) fn open(
    root: &Path,
    masks: Option<&Path>,
    progress: &Progress,
) -> Result<Folder, DataError> {
    let pair = (root.join("images"), root.join("masks"));
    let is_pair = masks.is_none() && pair.0.is_dir() && pair.1.is_dir();
    let (root, masks) = if is_pair {
        (pair.0.as_path(), Some(pair.1.as_path()))
    } else {
        (root, masks)
    };

    let mut walked = walk(root, masks, progress)?;
    let Layout {
        classes,
        images,
        outside,
        split,
    } = layout::find(std::mem::take(&mut walked.images));
    walked.skipped.extend(outside);

    let (found, labels): (Vec<Found>, Vec<Option<u32>>) = images.into_iter().unzip();
    let mask_of = match masks {
        Some(folder) => Some(MaskIndex::new(folder, progress)?),
        None => None,
    };
    let mut folder = Folder {
        records: Vec::with_capacity(found.len()),
        files: Vec::with_capacity(found.len()),
        mask_classes: masks.map(read_class_names).unwrap_or_default(),
        format: describe(&classes, mask_of.is_some(), split.as_ref()),
        classes,
        skipped: walked.skipped,
        ignored: walked.ignored,
    };
    check_headers(found, &labels, mask_of.as_ref(), &mut folder, progress)?;
    if folder.files.is_empty() {
        return Err(DataError::Empty {
            path: root.to_owned(),
            detail: what_else(&folder),
        });
    }
    if let Some(masks) = masks
        && folder.files.iter().all(|file| file.mask.is_none())
    {
        return Err(DataError::format(
            masks,
            "no mask here has the name of an image (the same name up to its ending)",
        ));
    }
    Ok(folder)
}

fn describe(classes: &[String], has_masks: bool, split: Option<&Split>) -> String {
    let mut text = if classes.is_empty() {
        "folder, flat".to_owned()
    } else {
        "folder, one class a folder".to_owned()
    };
    if has_masks {
        text += ", with masks";
    }
    if let Some(split) = split {
        text += &format!("; {split}");
    }
    // `classes` is in natural order; torchvision's ImageFolder sorts by code point, which is the
    // order of UTF-8 bytes.
    if !classes.is_sorted() {
        text += "; classes are numbered in natural order, unlike torchvision's ImageFolder";
    }
    text
}

fn what_else(folder: &Folder) -> String {
    let mut detail = format!("{} other files", folder.ignored);
    if let Some(first) = folder.skipped.first() {
        detail = format!(
            "{detail}, {} skipped, the first: {}: {}",
            folder.skipped.len(),
            first.name,
            first.reason
        );
    }
    detail
}

/// Reads every header in parallel; files that cannot be read go to `skipped`.
fn check_headers(
    found: Vec<Found>,
    labels: &[Option<u32>],
    masks: Option<&MaskIndex>,
    folder: &mut Folder,
    progress: &Progress,
) -> Result<(), DataError> {
    let total = found.len() as u64;
    let mut done = 0;
    let mut rest = found.into_iter().zip(labels);
    loop {
        let block: Vec<_> = rest.by_ref().take(CHECKED_AT_ONCE).collect();
        if block.is_empty() {
            return Ok(());
        }
        progress.check()?;
        let sizes: Vec<_> = block
            .par_iter()
            .map(|(file, _)| decode::read_size(&file.path, &file.name))
            .collect();
        done += block.len() as u64;
        for ((file, &label), size) in block.into_iter().zip(sizes) {
            match size {
                Ok(size) => {
                    folder.files.push(FileEntry {
                        mask: masks.and_then(|masks| masks.find(&file.name)),
                        path: file.path,
                        size,
                    });
                    folder.records.push(ImageRecord {
                        name: file.name,
                        label,
                    });
                }
                Err(error) => folder.skipped.push(Skipped::new(file.name, &error)),
            }
        }
        progress.report("checking images", done, Some(total));
    }
}

/// Name without its ending.
fn stem(name: &str) -> &str {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[file..].rfind('.') {
        Some(dot) if dot > 0 => &name[..file + dot],
        _ => name,
    }
}

/// Mask files by the stem of their name.
struct MaskIndex {
    by_stem: HashMap<String, PathBuf>,
}

impl MaskIndex {
    fn new(folder: &Path, progress: &Progress) -> Result<Self, DataError> {
        let walked = walk(folder, None, progress)?;
        let by_stem = walked
            .images
            .into_iter()
            .map(|found| (stem(&found.name).to_owned(), found.path))
            .collect();
        Ok(Self { by_stem })
    }

    /// The mask at the same place in its folder, or directly in it.
    fn find(&self, image: &str) -> Option<PathBuf> {
        let stem = stem(image);
        let file = &stem[stem.rfind('/').map_or(0, |slash| slash + 1)..];
        self.by_stem
            .get(stem)
            .or_else(|| self.by_stem.get(file))
            .cloned()
    }
}

/// Names of the mask's class ids from `classes.txt` beside the masks, one a line; or none.
fn read_class_names(masks: &Path) -> Vec<String> {
    let path = masks.join("classes.txt");
    // Reading a pipe of that name would wait for a writer.
    if !path.is_file() {
        return Vec::new();
    }
    std::fs::read_to_string(path)
        .map(|text| {
            text.lines()
                .take(256)
                .map(|line| line.trim().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn stems() {
        assert_eq!(stem("a.b/c.d.png"), "a.b/c.d");
        assert_eq!(stem("a.b/c"), "a.b/c");
        assert_eq!(stem(".hidden"), ".hidden");
    }
}
