//! STL-10 binary files: 96×96 images as three planes stored column by column, labels 1–10 in a
//! file beside them.

use std::path::{Path, PathBuf};

use super::{BinaryStore, Description, Layout, Part, Pixels, names};
use crate::data::DataError;

/// Opens a `…_X.bin` file, with the labels of `…_y.bin` where that file exists.
pub(super) fn open(path: &Path, note: &str) -> Result<(BinaryStore, Description), DataError> {
    let layout = Layout {
        width: 96,
        height: 96,
        pixels: Pixels::PlanesByColumn,
        prefix: 0,
    };
    let part = Part::open(path, 0, &layout, "STL-10")?;
    let labels = match label_path(path) {
        Some(beside) if beside.is_file() => Some(read_labels(&beside, part.count)?),
        _ => None,
    };
    let store = BinaryStore {
        layout,
        parts: vec![part],
    };
    let records = store.records(labels.as_deref());
    let unlabelled = if labels.is_none() { ", no labels" } else { "" };
    Ok((
        store,
        Description {
            format: format!("STL-10 binary{unlabelled}{note}"),
            classes: if labels.is_some() {
                names::STL10.iter().map(ToString::to_string).collect()
            } else {
                Vec::new()
            },
            records,
        },
    ))
}

/// `train_X.bin` → `train_y.bin`.
fn label_path(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let start = name.get(..name.len().checked_sub("X.bin".len())?)?;
    Some(images.with_file_name(format!("{start}y.bin")))
}

fn read_labels(path: &Path, count: usize) -> Result<Vec<u32>, DataError> {
    let bytes = std::fs::metadata(path)
        .map_err(|source| DataError::io(path, source))?
        .len();
    if bytes != count as u64 {
        return Err(DataError::format(
            path,
            format!("{bytes} labels for {count} images"),
        ));
    }
    let labels = std::fs::read(path).map_err(|source| DataError::io(path, source))?;
    labels
        .into_iter()
        .map(|label| match label {
            1..=10 => Ok(u32::from(label) - 1),
            other => Err(DataError::format(
                path,
                format!("the label {other}; STL-10 has the labels 1 to 10"),
            )),
        })
        .collect()
}
