//! Small pictures of all images, for tooltips and tables.

use image::{RgbImage, imageops};

use super::{
    DataError, ImageSet, resize_bilinear,
    stream::{self, PixelBudget},
};
use crate::progress::Progress;

const MAX_BYTES: usize = 2 << 30;
const MAX_SIDE: u32 = 1024;
/// Shown for an image that cannot be decoded.
const BLANK: u8 = 96;

/// A square thumbnail of each image: the middle of it, scaled down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnails {
    /// Side of each thumbnail in pixels.
    pub side: u32,
    /// Number of thumbnails, in the order of the set.
    pub count: usize,
    /// RGB bytes, thumbnail after thumbnail, each row by row. Images that could not be decoded
    /// are plain grey.
    pub pixels: Vec<u8>,
}

impl Thumbnails {
    /// RGB bytes of one thumbnail, row by row.
    pub fn tile(&self, index: usize) -> Option<&[u8]> {
        let bytes = self.tile_bytes();
        if index >= self.count {
            return None;
        }
        self.pixels.get(index * bytes..(index + 1) * bytes)
    }

    /// One picture of `count` thumbnails from `first` on, `columns` in a row; places without a
    /// thumbnail are black.
    pub fn atlas(&self, first: usize, count: usize, columns: u32) -> RgbImage {
        let count = count.min(self.count.saturating_sub(first));
        let columns = columns.clamp(1, (count as u32).max(1));
        let rows = (count as u32).div_ceil(columns);
        let mut atlas = RgbImage::new(columns * self.side, rows * self.side);
        for place in 0..count {
            let tile = self
                .tile(first + place)
                .and_then(|bytes| RgbImage::from_raw(self.side, self.side, bytes.to_vec()));
            if let Some(tile) = tile {
                let x = place as u32 % columns * self.side;
                let y = place as u32 / columns * self.side;
                imageops::replace(&mut atlas, &tile, i64::from(x), i64::from(y));
            }
        }
        atlas
    }

    fn tile_bytes(&self) -> usize {
        3 * self.side as usize * self.side as usize
    }
}

pub(super) fn make(
    set: &ImageSet,
    side: u32,
    progress: &Progress,
) -> Result<Thumbnails, DataError> {
    let mut thumbnails = Thumbnails {
        side: side.clamp(1, MAX_SIDE),
        count: set.len(),
        pixels: Vec::new(),
    };
    let tile_bytes = thumbnails.tile_bytes();
    let bytes = tile_bytes
        .checked_mul(set.len())
        .filter(|&bytes| bytes <= MAX_BYTES)
        .ok_or_else(|| {
            DataError::Settings(format!(
                "thumbnails of {side} pixels for {} images need more than 2 GB; make them smaller",
                set.len()
            ))
        })?;
    thumbnails.pixels.reserve_exact(bytes);
    let budget = PixelBudget::new();
    let side = thumbnails.side;
    let make_one = |index: usize| {
        let _share = budget.take(set.size(index).unwrap_or_default());
        set.load(index).ok().map(|image| thumbnail(&image, side))
    };
    let count = set.len();
    stream::in_order::<_, DataError>(
        count,
        8 * stream::threads(),
        &make_one,
        progress,
        |index, tile| {
            match tile {
                Some(tile) => thumbnails.pixels.extend_from_slice(tile.as_raw()),
                None => thumbnails
                    .pixels
                    .resize(thumbnails.pixels.len() + tile_bytes, BLANK),
            }
            if index % 32 == 0 || index + 1 == count {
                progress.report("making thumbnails", index as u64 + 1, Some(count as u64));
            }
            Ok(())
        },
    )?;
    Ok(thumbnails)
}

fn thumbnail(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let square = width.min(height);
    let window = [(width - square) / 2, (height - square) / 2, square, square];
    resize_bilinear(image, window, [side; 2])
}
