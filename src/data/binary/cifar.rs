//! CIFAR-10 and CIFAR-100, binary version: 32×32 images, one label byte (CIFAR-10) or a coarse
//! and a fine one (CIFAR-100), then a red, a green and a blue plane.

use std::path::{Path, PathBuf};

use super::{BinaryStore, Description, Layout, Part, Pixels, names};
use crate::{data::DataError, progress::Progress};

const PIXEL_BYTES: u64 = 3 * 32 * 32;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Cifar10,
    Cifar100,
}

impl Kind {
    pub(super) fn layout(self) -> Layout {
        Layout {
            width: 32,
            height: 32,
            pixels: Pixels::Planes,
            prefix: match self {
                Self::Cifar10 => 1,
                Self::Cifar100 => 2,
            },
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
        }
    }

    fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Cifar10 => &names::CIFAR10,
            Self::Cifar100 => &names::CIFAR100,
        }
    }

    pub(super) fn class_names(self) -> Vec<String> {
        self.classes().iter().map(ToString::to_string).collect()
    }

    /// A label beyond the classes tells that the file is something else.
    pub(super) fn check_labels(self, path: &Path, labels: &[u32]) -> Result<(), DataError> {
        let classes = self.classes().len();
        match labels.iter().position(|&label| label as usize >= classes) {
            Some(row) => Err(DataError::format(
                path,
                format!(
                    "image {row} has the label {}, but {} has {classes} classes: the file is of \
                     another kind",
                    labels[row],
                    self.title()
                ),
            )),
            None => Ok(()),
        }
    }
}

/// Opens files that together form one split.
pub(super) fn open(
    paths: &[PathBuf],
    note: &str,
    progress: &Progress,
) -> Result<(BinaryStore, Description), DataError> {
    let kind = kind_of(paths)?;
    let layout = kind.layout();
    let mut parts = Vec::with_capacity(paths.len());
    let mut labels = Vec::new();
    for path in paths {
        let part = Part::open(path, 0, &layout, kind.title())?;
        labels.extend(read_labels(&part, kind, progress)?);
        parts.push(part);
    }
    let store = BinaryStore { layout, parts };
    let records = store.records(Some(&labels));
    Ok((
        store,
        Description {
            format: format!("{} binary{note}", kind.title()),
            classes: kind.class_names(),
            records,
        },
    ))
}

/// Tells the two kinds apart by the size of the first file: only multiples of 3073 · 3074 bytes
/// fit both, three hundred times the size of the real files.
fn kind_of(paths: &[PathBuf]) -> Result<Kind, DataError> {
    let Some(path) = paths.first() else {
        return Err(DataError::Settings("no CIFAR file to open".to_owned()));
    };
    let bytes = std::fs::metadata(path)
        .map_err(|source| DataError::io(path, source))?
        .len();
    if bytes > 0 && bytes.is_multiple_of(PIXEL_BYTES + 1) {
        Ok(Kind::Cifar10)
    } else if bytes > 0 && bytes.is_multiple_of(PIXEL_BYTES + 2) {
        Ok(Kind::Cifar100)
    } else {
        Err(DataError::format(
            path,
            format!(
                "{bytes} bytes are neither CIFAR-10 (a multiple of 3073) nor CIFAR-100 (a multiple \
                 of 3074): the file is cut short or of another kind; STL-10 files end in _X.bin"
            ),
        ))
    }
}

fn read_labels(part: &Part, kind: Kind, progress: &Progress) -> Result<Vec<u32>, DataError> {
    let layout = kind.layout();
    let label_at = layout.prefix - 1; // the fine label comes second
    let mut labels = Vec::with_capacity(part.count);
    for row in 0..part.count {
        if row % 4096 == 0 {
            progress.check()?;
            progress.report("reading labels", row as u64, Some(part.count as u64));
        }
        let mut label = [0];
        part.read_at(row as u64 * layout.record_bytes() + label_at, &mut label)
            .map_err(|source| DataError::io(&part.path, source))?;
        labels.push(u32::from(label[0]));
    }
    kind.check_labels(&part.path, &labels)?;
    Ok(labels)
}
