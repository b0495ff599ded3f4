//! Small pictures of all images, for tooltips and tables.

use image::{RgbImage, imageops};

use super::{
    DataError, ImageSet, resize_bilinear,
    stream::{self, PixelBudget},
};
use crate::progress::Progress;

/// What all thumbnails of a set may take together.
const MAX_BYTES: usize = 2 << 30;
const MAX_SIDE: u32 = 1024;
/// Smaller pictures show nothing: rather than going below, the last images get none.
const MIN_SIDE: u32 = 8;
/// Shown for an image that cannot be decoded.
const BLANK: u8 = 96;

/// A square thumbnail of each image: the middle of it, scaled down.
///
/// A set too large for the memory set aside (2 GiB) gets smaller thumbnails, and where even 8 by 8
/// pixels are too many, thumbnails of its first images only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thumbnails {
    /// Side of each thumbnail in pixels: at most what was asked for; 0 where there are none.
    pub side: u32,
    /// Number of thumbnails held, those of the first images in the order of the set. Less than
    /// the length of the set where not all found room.
    pub count: usize,
    /// RGB bytes, thumbnail after thumbnail, each row by row. Images that could not be decoded
    /// are plain grey.
    pub pixels: Vec<u8>,
}

impl Thumbnails {
    /// No thumbnails: for work without a window, which need not decode images to show them.
    pub fn none() -> Self {
        Self::default()
    }

    /// RGB bytes of one thumbnail, row by row; `None` from [`count`](Self::count) on.
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
        tile_bytes(self.side)
    }
}

fn tile_bytes(side: u32) -> usize {
    3 * side as usize * side as usize
}

pub(super) fn make(
    set: &ImageSet,
    side: u32,
    progress: &Progress,
) -> Result<Thumbnails, DataError> {
    make_within(MAX_BYTES, set, side, progress)
}

/// Side and number of the thumbnails of `images` images that fit into `bytes`.
fn fit(bytes: usize, images: usize, side: u32) -> (u32, usize) {
    let side = side.clamp(1, MAX_SIDE);
    let room = (bytes / images.max(1) / 3).isqrt();
    let side = side.min(u32::try_from(room).unwrap_or(side).max(MIN_SIDE));
    (side, images.min(bytes / tile_bytes(side)))
}

fn make_within(
    bytes: usize,
    set: &ImageSet,
    side: u32,
    progress: &Progress,
) -> Result<Thumbnails, DataError> {
    let (fitting, count) = fit(bytes, set.len(), side);
    if fitting < side || count < set.len() {
        log::info!(
            "thumbnails of {fitting} pixels for {count} of {} images: more would not fit",
            set.len()
        );
    }
    let side = fitting;
    let tile_bytes = tile_bytes(side);
    let mut pixels = Vec::with_capacity(count * tile_bytes);
    let budget = PixelBudget::new();
    let make_one = |index: usize| {
        let _share = budget.take(set.size(index).unwrap_or_default());
        set.load(index).ok().map(|image| thumbnail(&image, side))
    };
    stream::in_order::<_, DataError>(
        count,
        8 * stream::threads(),
        &make_one,
        progress,
        |index, tile| {
            match tile {
                Some(tile) => pixels.extend_from_slice(tile.as_raw()),
                None => pixels.resize(pixels.len() + tile_bytes, BLANK),
            }
            if index % 32 == 0 || index + 1 == count {
                progress.report("making thumbnails", index as u64 + 1, Some(count as u64));
            }
            Ok(())
        },
    )?;
    Ok(Thumbnails {
        side,
        count,
        pixels,
    })
}

fn thumbnail(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let square = width.min(height);
    let window = [(width - square) / 2, (height - square) / 2, square, square];
    resize_bilinear(image, window, [side; 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::BuiltinConfig;

    #[test]
    fn the_side_gives_way_before_images_do() {
        // 3 bytes a pixel: ten thumbnails of 16 pixels take 7680 bytes, ten of 8 take 1920.
        for (bytes, images, side, expected) in [
            (7680, 10, 48, (16, 10)),
            (7679, 10, 48, (15, 10)),
            (7680, 10, 12, (12, 10)),
            (1920, 10, 48, (8, 10)),
            (1919, 10, 48, (8, 9)),
            (191, 10, 48, (8, 0)),
            (120, 10, 2, (2, 10)),
            (MAX_BYTES, 0, 48, (48, 0)),
            (MAX_BYTES, 1, 0, (1, 1)),
            (MAX_BYTES, 1, u32::MAX, (MAX_SIDE, 1)),
        ] {
            assert_eq!(
                fit(bytes, images, side),
                expected,
                "{bytes} {images} {side}"
            );
        }
        // Ten million images: the side asked for would take 69 GB.
        let (side, count) = fit(MAX_BYTES, 10_000_000, 48);
        assert_eq!((side, count), (8, 10_000_000));
    }

    #[test]
    fn a_set_without_room_shows_its_first_images() {
        let set = ImageSet::builtin(&BuiltinConfig {
            count: 5,
            ..BuiltinConfig::default()
        });
        let some = make_within(2 * 192, &set, 48, &Progress::none()).unwrap();
        assert_eq!((some.side, some.count, some.pixels.len()), (8, 2, 2 * 192));
        assert!(some.tile(1).is_some() && some.tile(2).is_none());
        let all = make_within(5 * 192, &set, 48, &Progress::none()).unwrap();
        assert_eq!(all.tile(1), some.tile(1));
    }

    #[test]
    fn none_holds_nothing() {
        let none = Thumbnails::none();
        assert!(none.tile(0).is_none() && none.pixels.is_empty());
        assert_eq!(none.atlas(0, 9, 3).dimensions(), (0, 0));
    }
}
