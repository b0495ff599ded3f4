//! Images from disk and from code, ready for an encoder: sets, labels, masks, decoding,
//! preprocessing, augmentation with crop bookkeeping, batches and thumbnails.
//!
//! Everything random is keyed by (seed, image, view), so no result depends on the order or the
//! number of threads that made it. Decoding streams: apart from names and thumbnails, memory does
//! not grow with the number of images, and [`MAX_PIXELS`] bounds what a single file may claim.
//!
//! Tables of encoders are read and written here too, as text or Parquet.
//!
//! Uses `progress` only, and names `image`, `png`, `fast_image_resize`, `walkdir` and `parquet`.

mod augment;
mod batch;
mod binary;
mod builtin;
mod colour;
mod decode;
mod draw;
mod error;
mod folder;
mod jpeg;
mod layout;
mod mask;
mod natural;
mod normalisation;
mod open;
mod preprocess;
mod set;
mod split;
mod stream;
mod table;
mod thumbnails;
mod view;
mod walk;
mod whole;

#[cfg(test)]
mod tests;

pub use augment::{AugmentConfig, Blur, ColourJitter, CropRange, augmented_view};
pub use batch::{Batch, PairBatch, PairSettings, for_each_batch, for_each_pair_batch};
pub use builtin::{BuiltinConfig, BuiltinKind, SHAPE_NAMES};
pub use decode::MAX_PIXELS;
pub use error::DataError;
pub use natural::natural_cmp;
pub use normalisation::Normalisation;
pub use preprocess::{Preprocess, Resize, resize_bilinear};
pub use set::{ImageRecord, ImageSet, Skipped};
pub use table::{Table, TableError};
pub use thumbnails::Thumbnails;
pub use view::ViewGeometry;
pub use whole::{staged, write_whole};
