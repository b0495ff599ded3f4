//! The mask class of each location.

use image::GrayImage;

use super::cell_window;
use crate::data::ViewGeometry;

/// The commonest mask id within each location (the least of equals); `None` where the location
/// lies outside of the mask.
pub(super) fn majority(
    mask: &GrayImage,
    geometry: &ViewGeometry,
    grid: [usize; 2],
) -> Vec<Option<u8>> {
    (0..grid[0] * grid[1])
        .map(|cell| {
            let [x, y, width, height] = cell_window(geometry, grid, cell, 0.0);
            let span = |start: f32, length: f32, limit: u32| {
                // Pixels whose centre lies within; at least the one at the middle.
                let first = (start + 0.5).floor().max(0.0) as u32;
                let end = ((start + length + 0.5).floor().max(0.0) as u32).min(limit);
                if first < end {
                    first..end
                } else {
                    let middle = ((start + 0.5 * length).max(0.0) as u32).min(limit);
                    middle..(middle + 1).min(limit)
                }
            };
            let mut counts = [0_u32; 256];
            for row in span(y, height, mask.height()) {
                for column in span(x, width, mask.width()) {
                    counts[usize::from(mask.get_pixel(column, row).0[0])] += 1;
                }
            }
            let (id, count) = counts
                .iter()
                .enumerate()
                .max_by_key(|(id, count)| (**count, std::cmp::Reverse(*id)))?;
            (*count > 0).then_some(id as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_class_wins_and_flips_are_undone() {
        // Left half 1, right half 2, one row of 9 on top.
        let mask = GrayImage::from_fn(8, 8, |x, y| {
            image::Luma([if y == 0 {
                9
            } else if x < 4 {
                1
            } else {
                2
            }])
        });
        let whole = ViewGeometry::whole([8, 8], 8);
        assert_eq!(
            majority(&mask, &whole, [2, 2]),
            [Some(1), Some(2), Some(1), Some(2)]
        );
        let mirrored = ViewGeometry {
            flipped: true,
            ..whole
        };
        assert_eq!(
            majority(&mask, &mirrored, [2, 2]),
            [Some(2), Some(1), Some(2), Some(1)]
        );
        // The top quarter's rows are half 9, half 1 or 2: the least of equals.
        let strip = ViewGeometry {
            crop: [0.0, 0.0, 8.0, 2.0],
            ..whole
        };
        assert_eq!(majority(&mask, &strip, [1, 2]), [Some(1), Some(2)]);
        // Cells finer than pixels take the pixel they lie in.
        let fine = majority(&mask, &whole, [16, 16]);
        assert_eq!(
            (fine[0], fine[16 * 8], fine[255]),
            (Some(9), Some(1), Some(2))
        );
        assert_eq!(majority(&GrayImage::new(0, 0), &whole, [1, 1]), [None]);
    }
}
