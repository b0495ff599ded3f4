//! Some images as a run would see them, before or while it goes.

use image::{Rgb, RgbImage, imageops};

use super::{RunConfig, TrainingError};
use crate::{
    analysis::ImagesSource,
    data::{AugmentConfig, ImageSet, Normalisation, augmented_view},
    progress::Progress,
};

/// Images that are shown.
pub const PREVIEW_IMAGES: usize = 4;
/// Views of each.
pub const PREVIEW_VIEWS: usize = 6;
/// Longest side of a tile in pixels: a larger view is made as the run makes it, then scaled down.
const TILE: u32 = 128;

/// Everything that decides a preview.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewRequest {
    /// The images of the run.
    pub images: ImagesSource,
    /// How views are made, at the strength as it stands.
    pub views: AugmentConfig,
    /// Side of a view in pixels.
    pub side: u32,
    /// Seed of the run.
    pub seed: u64,
    /// Which draw: views of steps 3·draw to 3·draw + 2, two a step.
    pub draw: u64,
}

/// An image with its views, all tiles of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewRow {
    /// Name of the image.
    pub name: String,
    /// The whole image within the tile, then [`PREVIEW_VIEWS`] views.
    pub tiles: Vec<RgbImage>,
}

impl PreviewRequest {
    /// Views as a run with these settings makes them, whose encoder takes images of `usual_side`
    /// pixels when the settings do not say.
    pub fn new(config: &RunConfig, usual_side: u32, draw: u64) -> Self {
        Self {
            images: config.images.clone(),
            views: config.views(),
            side: config.side.unwrap_or(usual_side).clamp(8, 512),
            seed: config.seed,
            draw,
        }
    }

    /// Side of the tiles in pixels.
    pub fn tile_side(&self) -> u32 {
        self.side.min(TILE)
    }

    /// The views of some images, evenly spread over the set: the very pixels that the run would
    /// give its encoder at those steps were these images in the batch, but for normalisation.
    ///
    /// # Errors
    /// [`TrainingError::Data`] for ranges that make no sense or a cancel;
    /// [`TrainingError::NothingDecoded`] when no image can be read.
    pub fn rows(
        &self,
        images: &ImageSet,
        progress: &Progress,
    ) -> Result<Vec<PreviewRow>, TrainingError> {
        self.views.validate()?;
        let mut rows = Vec::new();
        let mut refused = None;
        let wanted = spread(images.len(), PREVIEW_IMAGES);
        for index in &wanted {
            progress.check()?;
            match images.load(*index) {
                Ok(image) => rows.push(self.row(images, *index, &image)),
                Err(error) => {
                    refused.get_or_insert(error.to_string());
                }
            }
        }
        if rows.is_empty() {
            return Err(TrainingError::NothingDecoded {
                tried: wanted.len(),
                first: refused.unwrap_or_else(|| "the set is empty".to_owned()),
            });
        }
        Ok(rows)
    }

    fn row(&self, images: &ImageSet, index: usize, image: &RgbImage) -> PreviewRow {
        let name = images.records().get(index);
        // The number by which the run draws, too.
        let number = images.row(index).unwrap_or(index) as u64;
        let first = self.draw.wrapping_mul(PREVIEW_VIEWS as u64);
        let views = (0..PREVIEW_VIEWS as u64).map(|view| {
            let (values, _) = augmented_view(
                image,
                &self.views,
                self.side,
                &Normalisation::NONE,
                self.seed,
                number,
                first.wrapping_add(view),
            );
            fitted(&picture(&values, self.side), self.tile_side())
        });
        PreviewRow {
            name: name.map(|record| record.name.clone()).unwrap_or_default(),
            tiles: std::iter::once(fitted(image, self.tile_side()))
                .chain(views)
                .collect(),
        }
    }
}

/// `most` indices evenly spread over `len`.
fn spread(len: usize, most: usize) -> Vec<usize> {
    let count = most.min(len);
    (0..count).map(|place| place * len / count).collect()
}

/// Planes of values from 0 to 1 as pixels.
fn picture(values: &[f32], side: u32) -> RgbImage {
    let plane = (side as usize).pow(2);
    RgbImage::from_fn(side, side, |x, y| {
        let at = (y * side + x) as usize;
        Rgb([0, 1, 2].map(|channel| {
            let value = values.get(channel * plane + at).copied().unwrap_or(0.0);
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        }))
    })
}

/// The whole of a picture in the middle of a black tile.
fn fitted(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    if (width, height) == (side, side) {
        return image.clone();
    }
    let longer = f64::from(width.max(height).max(1));
    let scaled = |length: u32| {
        let length = (f64::from(length) * f64::from(side) / longer).round() as u32;
        length.clamp(1, side)
    };
    let [w, h] = [width, height].map(scaled);
    let small = imageops::resize(image, w, h, imageops::FilterType::Triangle);
    let mut tile = RgbImage::new(side, side);
    let [x, y] = [w, h].map(|length| i64::from((side - length) / 2));
    imageops::replace(&mut tile, &small, x, y);
    tile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BuiltinConfig, BuiltinKind},
        training::loader::Recipe,
    };

    fn set() -> (ImagesSource, ImageSet) {
        let config = BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 12,
            side: 24,
            seed: 4,
        };
        (ImagesSource::Builtin(config), ImageSet::builtin(&config))
    }

    fn request() -> (PreviewRequest, ImageSet) {
        let (images, set) = set();
        let config = RunConfig {
            images,
            seed: 9,
            augmentation_strength: 0.7,
            ..RunConfig::default()
        };
        (PreviewRequest::new(&config, 16, 0), set)
    }

    #[test]
    fn a_preview_shows_the_pixels_that_the_run_trains_on() {
        let (request, set) = request();
        let rows = request.rows(&set, &Progress::none()).unwrap();
        assert_eq!(rows.len(), PREVIEW_IMAGES);
        let recipe = Recipe {
            images: set.clone(),
            augment: request.views,
            side: 16,
            normalisation: Normalisation::NONE,
            seed: 9,
            batch: 12,
        };
        let values = 3 * 16 * 16;
        for step in 0..2 {
            let batch = recipe.batch(step).unwrap();
            for (place, row) in rows.iter().enumerate() {
                let index = place * 12 / PREVIEW_IMAGES;
                let at = batch.indices.iter().position(|&one| one == index).unwrap();
                for view in 0..2 {
                    let from = (view * batch.indices.len() + at) * values;
                    let expected = picture(&batch.pixels[from..from + values], 16);
                    assert_eq!(row.tiles[1 + 2 * step + view], expected);
                }
            }
        }
    }

    #[test]
    fn strength_none_leaves_the_image_and_another_draw_changes_the_views() {
        let (request, set) = request();
        let still = PreviewRequest {
            views: request.views.with_strength(0.0),
            side: 24,
            ..request.clone()
        };
        let rows = still.rows(&set, &Progress::none()).unwrap();
        for row in &rows {
            assert!(row.tiles.iter().all(|tile| *tile == row.tiles[0]));
        }
        let first = request.rows(&set, &Progress::none()).unwrap();
        let other = PreviewRequest {
            draw: 1,
            ..request.clone()
        };
        let second = other.rows(&set, &Progress::none()).unwrap();
        assert_eq!(first[0].tiles[0], second[0].tiles[0]);
        assert_ne!(first[0].tiles[1..], second[0].tiles[1..]);
        assert_eq!(first, request.rows(&set, &Progress::none()).unwrap());
    }

    #[test]
    fn odd_sets_and_ranges_are_answered() {
        let (request, set) = request();
        let empty = set.subset(Vec::new());
        assert!(request.rows(&empty, &Progress::none()).is_err());
        let one = set.subset(vec![3]);
        assert_eq!(request.rows(&one, &Progress::none()).unwrap().len(), 1);
        let mut odd = request.clone();
        odd.views.flip = 2.0;
        assert!(odd.rows(&set, &Progress::none()).is_err());
        // A wide image keeps its shape within the tile, however large the view.
        let wide = fitted(&RgbImage::from_pixel(40, 10, Rgb([9; 3])), 20);
        assert_eq!(wide.dimensions(), (20, 20));
        assert_eq!((wide[(10, 0)], wide[(10, 10)]), (Rgb([0; 3]), Rgb([9; 3])));
        let large = PreviewRequest {
            side: 512,
            ..request
        };
        let rows = large.rows(&one, &Progress::none()).unwrap();
        assert_eq!(rows[0].tiles[1].dimensions(), (TILE, TILE));
    }
}
