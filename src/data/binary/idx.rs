//! MNIST-style idx files: two zero bytes, a type byte, the number of dimensions, each dimension as
//! a big-endian 32-bit number, then the bytes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{BinaryStore, Description, Layout, Part, Pixels, find::lower_name, names};
use crate::data::{DataError, MAX_PIXELS};

const UNSIGNED_BYTE: u8 = 0x08;
/// Bytes before the pixels of a file with three dimensions.
const HEADER_BYTES: u64 = 16;

/// Whether the file begins as an idx file does.
pub(super) fn is_idx(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && start[..2] == [0, 0]
        && matches!(start[2], 0x08 | 0x09 | 0x0B..=0x0E)
        && (1..=4).contains(&start[3])
}

/// Opens a file of grey images, with the labels of the file beside it where that exists.
pub(super) fn open(path: &Path, note: &str) -> Result<(BinaryStore, Description), DataError> {
    let (count, layout) = match read_dimensions(path)?[..] {
        [_] => {
            return Err(DataError::format(
                path,
                "this idx file holds labels; open the file of images",
            ));
        }
        [count, height, width] => {
            let pixels = u64::from(height) * u64::from(width);
            if pixels == 0 || pixels > MAX_PIXELS {
                return Err(DataError::format(
                    path,
                    format!("images of {width}×{height} pixels are not read"),
                ));
            }
            let layout = Layout {
                width,
                height,
                pixels: Pixels::Grey,
                prefix: 0,
            };
            (count as usize, layout)
        }
        ref other => {
            return Err(DataError::format(
                path,
                format!(
                    "an idx file of {} dimensions; images have 3 (count, height, width)",
                    other.len()
                ),
            ));
        }
    };
    let part = Part::open(path, HEADER_BYTES, &layout, "idx")?;
    if part.count != count {
        return Err(DataError::format(
            path,
            format!(
                "the header says {count} images, the file holds {}",
                part.count
            ),
        ));
    }
    let labels = match label_path(path) {
        Some(beside) if beside.is_file() => Some(read_labels(&beside, count)?),
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
            format: format!("idx{unlabelled}{note}"),
            classes: labels
                .map(|labels| classes(path, &labels))
                .unwrap_or_default(),
            records,
        },
    ))
}

/// Fashion-MNIST's class names where the path says so, else the numbers.
fn classes(path: &Path, labels: &[u32]) -> Vec<String> {
    let largest = labels.iter().copied().max().unwrap_or(0);
    let is_fashion = path.to_string_lossy().to_lowercase().contains("fashion");
    if is_fashion && (largest as usize) < names::FASHION.len() {
        names::FASHION.iter().map(ToString::to_string).collect()
    } else {
        (0..=largest.max(9))
            .map(|class| class.to_string())
            .collect()
    }
}

fn read_dimensions(path: &Path) -> Result<Vec<u32>, DataError> {
    let cut_short = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::UnexpectedEof {
            DataError::format(path, "the file ends inside its idx header")
        } else {
            DataError::io(path, source)
        }
    };
    let mut file = File::open(path).map_err(|source| DataError::io(path, source))?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic).map_err(cut_short)?;
    if magic[..2] != [0, 0] || magic[2] != UNSIGNED_BYTE {
        return Err(DataError::format(path, "not an idx file of unsigned bytes"));
    }
    (0..magic[3])
        .map(|_| {
            let mut dimension = [0; 4];
            file.read_exact(&mut dimension).map_err(cut_short)?;
            Ok(u32::from_be_bytes(dimension))
        })
        .collect()
}

/// `train-images-idx3-ubyte` → `train-labels-idx1-ubyte`.
fn label_path(images: &Path) -> Option<PathBuf> {
    if !lower_name(images).contains("images") {
        return None;
    }
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    (labels != name).then(|| images.with_file_name(labels))
}

fn read_labels(path: &Path, count: usize) -> Result<Vec<u32>, DataError> {
    let dimensions = read_dimensions(path)?;
    let bytes = std::fs::metadata(path)
        .map_err(|source| DataError::io(path, source))?
        .len();
    if dimensions != [count as u32] || bytes != 8 + count as u64 {
        return Err(DataError::format(
            path,
            format!("holds another number of labels than the {count} images beside it"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|source| DataError::io(path, source))?;
    Ok(bytes[8..].iter().map(|&label| u32::from(label)).collect())
}
