//! Small pictures of locations: with what lies around them, and within their whole image.

use std::collections::HashMap;

use image::RgbImage;

use super::{Near, cell_window};
use crate::{
    analysis::Analysis,
    data::{ViewGeometry, resize_bilinear},
    progress::{Cancelled, Progress},
};

/// Locations around the one in the middle that a crop shows.
const MARGIN: f32 = 1.0;

/// A location in a small picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Crop {
    /// The picture.
    pub picture: RgbImage,
    /// Where the location lies in it: left, top, width and height as fractions.
    pub cell: [f32; 4],
}

/// What a neighbour shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The location with the eight around it.
    pub near: Crop,
    /// The whole image.
    pub whole: Crop,
}

/// Cuts a location and the eight around it out of the source image; its longer side becomes
/// `side` pixels.
pub fn crop(
    image: &RgbImage,
    geometry: &ViewGeometry,
    grid: [usize; 2],
    cell: usize,
    side: u32,
) -> Crop {
    let [x, y, width, height] = cell_window(geometry, grid, cell, MARGIN);
    within([x, y, width, height], image, geometry, grid, cell, side)
}

/// The whole image with a location; its longer side becomes `side` pixels.
pub fn thumbnail(
    image: &RgbImage,
    geometry: &ViewGeometry,
    grid: [usize; 2],
    cell: usize,
    side: u32,
) -> Crop {
    let size = [image.width(), image.height()].map(|length| length as f32);
    within(
        [0.0, 0.0, size[0], size[1]],
        image,
        geometry,
        grid,
        cell,
        side,
    )
}

/// A window of the source image, in pixels, with a location in it.
fn within(
    [x, y, width, height]: [f32; 4],
    image: &RgbImage,
    geometry: &ViewGeometry,
    grid: [usize; 2],
    cell: usize,
    side: u32,
) -> Crop {
    let left = x.floor() as u32;
    let top = y.floor() as u32;
    let right = ((x + width).ceil() as u32).max(left + 1);
    let bottom = ((y + height).ceil() as u32).max(top + 1);
    let window = [left, top, right - left, bottom - top];
    let longer = window[2].max(window[3]) as f32;
    let size = [window[2], window[3]]
        .map(|length| ((length as f32 / longer * side as f32).round() as u32).max(1));
    let [cell_x, cell_y, cell_width, cell_height] = cell_window(geometry, grid, cell, 0.0);
    Crop {
        picture: resize_bilinear(image, window, size),
        cell: [
            (cell_x - left as f32) / window[2] as f32,
            (cell_y - top as f32) / window[3] as f32,
            cell_width / window[2] as f32,
            cell_height / window[3] as f32,
        ],
    }
}

/// What rows of the analysed set show, pictures of at most `side` pixels; `None` where an image
/// cannot be decoded. Each image is decoded once.
///
/// # Errors
/// [`Cancelled`].
pub fn crops(
    analysis: &Analysis,
    nearest: &[Near],
    side: u32,
    progress: &Progress,
) -> Result<Vec<Option<Shown>>, Cancelled> {
    let features = &analysis.features;
    let mut decoded: HashMap<u32, Option<RgbImage>> = HashMap::new();
    nearest
        .iter()
        .map(|near| {
            progress.check()?;
            let row = near.row as usize;
            let image = features.images[row];
            let picture = decoded
                .entry(image)
                .or_insert_with(|| analysis.images.load(image as usize).ok());
            let (Some(picture), Some(cells), Some(grids)) =
                (picture, &features.cells, &features.grids)
            else {
                return Ok(None);
            };
            let grid = grids[row].map(usize::from);
            let cell = usize::from(cells[row][0]) * grid[1] + usize::from(cells[row][1]);
            let size = [picture.width(), picture.height()];
            let geometry = features.provenance.preprocess.geometry(size);
            Ok(Some(Shown {
                near: crop(picture, &geometry, grid, cell, side),
                whole: thumbnail(picture, &geometry, grid, cell, side),
            }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_shows_its_location_in_the_middle() {
        // Each of 4×4 cells of 8 px has a colour of its own.
        let image = RgbImage::from_fn(32, 32, |x, y| {
            image::Rgb([(x / 8 * 60) as u8, (y / 8 * 60) as u8, 0])
        });
        let whole = ViewGeometry::whole([32, 32], 32);
        let middle = crop(&image, &whole, [4, 4], 5, 24);
        assert_eq!(middle.picture.dimensions(), (24, 24));
        assert_eq!(middle.picture.get_pixel(12, 12).0, [60, 60, 0]);
        assert_eq!(middle.picture.get_pixel(1, 1).0, [0, 0, 0]);
        let third = 1.0 / 3.0;
        for (found, expected) in middle.cell.iter().zip([third; 4]) {
            // Rounding of f32 divisions.
            assert!((found - expected).abs() < 1e-6);
        }
        // At the corner nothing lies to the left and above.
        let corner = crop(&image, &whole, [4, 4], 0, 24);
        assert_eq!(corner.cell, [0.0, 0.0, 0.5, 0.5]);
        assert_eq!(corner.picture.get_pixel(2, 2).0, [0, 0, 0]);
    }

    #[test]
    fn a_thumbnail_shows_the_whole_image_and_where_the_location_is() {
        let image = RgbImage::from_pixel(40, 20, image::Rgb([7; 3]));
        let whole = ViewGeometry::whole([40, 20], 32);
        let found = thumbnail(&image, &whole, [2, 4], 6, 16);
        assert_eq!(found.picture.dimensions(), (16, 8));
        assert_eq!(found.cell, [0.5, 0.5, 0.25, 0.5]);
    }

    #[test]
    fn locations_smaller_than_a_pixel_are_no_trouble() {
        let image = RgbImage::from_pixel(2, 2, image::Rgb([9; 3]));
        let whole = ViewGeometry::whole([2, 2], 2);
        let crop = crop(&image, &whole, [64, 64], 4095, 16);
        assert_eq!(crop.picture.get_pixel(0, 0).0, [9; 3]);
    }
}
