//! What can go wrong between a path and pixels.

use std::path::PathBuf;

use crate::progress::Cancelled;

/// An image set, an image, a mask or a setting that cannot be used, said so that a user can act.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is nothing at the path.
    #[error("{}: no such file or folder", .path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The system refused to read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder that was being read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder without a single usable image.
    #[error("{}: no image that can be read ({detail})", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// A file or folder whose kind is not known, or that contradicts its kind.
    #[error("{}: {reason}", .path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// One image that cannot be decoded.
    #[error("{name}: {reason}")]
    Decode {
        /// Name of the image within its set.
        name: String,
        /// What the decoder said.
        reason: String,
    },
    /// One mask that cannot be used.
    #[error("mask of {name}: {reason}")]
    Mask {
        /// Name of the image within its set.
        name: String,
        /// What is wrong with its mask.
        reason: String,
    },
    /// A mask that does not cover its image pixel for pixel.
    #[error(
        "mask of {name} is {}×{} pixels but the image is {}×{}: a mask needs the size of its image",
        .mask[0], .mask[1], .image[0], .image[1]
    )]
    MaskSize {
        /// Name of the image within its set.
        name: String,
        /// Width and height of the mask in pixels.
        mask: [u32; 2],
        /// Width and height of the image in pixels.
        image: [u32; 2],
    },
    /// An index beyond the set.
    #[error("there is no image {index}: the set has {len}")]
    Index {
        /// The index asked for, counted from 0.
        index: usize,
        /// Images in the set.
        len: usize,
    },
    /// A setting that cannot be met.
    #[error("{0}")]
    Settings(String),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl DataError {
    pub(super) fn format(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Format {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            Self::NotFound {
                path: path.to_owned(),
            }
        } else {
            Self::Io {
                path: path.to_owned(),
                source,
            }
        }
    }

    pub(super) fn decode(name: &str, reason: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::Decode {
            name: name.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn mask(name: &str, reason: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::Mask {
            name: name.to_owned(),
            reason: reason.to_string(),
        }
    }
}
