//! Where a view of an image lies in that image.

use serde::{Deserialize, Serialize};

/// The window of the source image that a view shows, and whether it is mirrored.
///
/// Positions are continuous: pixel i covers [i, i + 1), its centre is i + ½.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewGeometry {
    /// Width and height of the source image in pixels.
    pub source_size: [u32; 2],
    /// x, y, width and height of the window, in source pixels.
    pub crop: [f32; 4],
    /// Whether the view is mirrored left to right after the crop.
    pub flipped: bool,
    /// Side of the view in pixels; for a view that is not square, its longer side.
    pub output_side: u32,
}

impl ViewGeometry {
    /// A view of the whole image.
    pub fn whole(source_size: [u32; 2], output_side: u32) -> Self {
        Self {
            source_size,
            crop: [0.0, 0.0, source_size[0] as f32, source_size[1] as f32],
            flipped: false,
            output_side,
        }
    }

    /// Centre (x, y) in source pixels of a cell of the feature grid (`grid`: rows, columns).
    pub fn cell_centre(&self, row: usize, col: usize, grid: [usize; 2]) -> [f32; 2] {
        self.source_from_fraction([
            (col as f32 + 0.5) / grid[1].max(1) as f32,
            (row as f32 + 0.5) / grid[0].max(1) as f32,
        ])
    }

    /// Width and height in source pixels of one cell of the feature grid (`grid`: rows, columns).
    pub fn cell_size(&self, grid: [usize; 2]) -> [f32; 2] {
        [
            self.crop[2] / grid[1].max(1) as f32,
            self.crop[3] / grid[0].max(1) as f32,
        ]
    }

    /// Source position (x, y in pixels) of a place in the view, given as fractions of its width
    /// and height.
    pub fn source_from_fraction(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        let [x, y, width, height] = self.crop;
        let u = if self.flipped { 1.0 - u } else { u };
        [x + u * width, y + v * height]
    }

    /// The place in the view (fractions of its width and height) that shows a source position,
    /// or `None` where the view does not show it.
    pub fn fraction_from_source(&self, [source_x, source_y]: [f32; 2]) -> Option<[f32; 2]> {
        let [x, y, width, height] = self.crop;
        let u = (source_x - x) / width;
        let v = (source_y - y) / height;
        let is_inside = (0.0..=1.0).contains(&u) && (0.0..=1.0).contains(&v);
        is_inside.then_some([if self.flipped { 1.0 - u } else { u }, v])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_mirrored_window() {
        let view = ViewGeometry {
            source_size: [100, 80],
            crop: [20.0, 10.0, 40.0, 30.0],
            flipped: true,
            output_side: 64,
        };
        assert_eq!(view.cell_centre(0, 0, [3, 4]), [55.0, 15.0]);
        assert_eq!(view.cell_centre(2, 3, [3, 4]), [25.0, 35.0]);
        assert_eq!(view.cell_size([3, 4]), [10.0, 10.0]);
        assert_eq!(view.fraction_from_source([19.0, 20.0]), None);
    }

    #[test]
    fn fractions_go_to_the_source_and_back() {
        for flipped in [false, true] {
            let view = ViewGeometry {
                source_size: [64, 64],
                crop: [8.0, 16.0, 32.0, 16.0],
                flipped,
                output_side: 32,
            };
            let place = [0.25, 0.75];
            let source = view.source_from_fraction(place);
            assert_eq!(view.fraction_from_source(source), Some(place));
        }
    }
}
