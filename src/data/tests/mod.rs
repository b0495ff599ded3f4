//! Tests of the room as a whole: files as people have them, and as they should not be.

mod augmentation;
mod batches;
mod binary;
mod builtin;
mod folders;
mod formats;
mod masks;
mod real;
mod reference;

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

use super::{DataError, ImageSet};
use crate::progress::Progress;

fn open(path: &Path) -> Result<ImageSet, DataError> {
    ImageSet::open(path, None, &Progress::none())
}

fn names(set: &ImageSet) -> Vec<&str> {
    set.records().iter().map(|r| r.name.as_str()).collect()
}

/// A picture in which every pixel differs from its neighbours.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 37) as u8, (y * 53) as u8, (x * y) as u8])
    })
}

fn save(folder: &Path, name: &str, image: &RgbImage) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(&path).unwrap();
    path
}
