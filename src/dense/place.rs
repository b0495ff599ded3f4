//! Where locations lie in the source image, and which location shows a place.

use crate::{analysis::Analysis, data::ViewGeometry};

/// The location of a map (counted row by row; `grid`: rows, columns) that shows a place of the
/// source image in pixels, or `None` where the view does not show it.
pub fn cell_at(geometry: &ViewGeometry, grid: [usize; 2], place: [f32; 2]) -> Option<usize> {
    if grid.contains(&0) {
        return None;
    }
    let [u, v] = geometry.fraction_from_source(place)?;
    let along = |fraction: f32, count: usize| ((fraction * count as f32) as usize).min(count - 1);
    Some(along(v, grid[0]) * grid[1] + along(u, grid[1]))
}

/// x, y, width and height in source pixels of a location with `margin` locations around it, cut
/// to the image.
pub fn cell_window(
    geometry: &ViewGeometry,
    grid: [usize; 2],
    cell: usize,
    margin: f32,
) -> [f32; 4] {
    let columns = grid[1].max(1);
    let centre = geometry.cell_centre(cell / columns, cell % columns, grid);
    let size = geometry.cell_size(grid);
    let along = |axis: usize| {
        let reach = size[axis] * (0.5 + margin);
        let limit = geometry.source_size[axis] as f32;
        let start = (centre[axis] - reach).clamp(0.0, limit);
        (start, (centre[axis] + reach).clamp(start, limit) - start)
    };
    let ((x, width), (y, height)) = (along(0), along(1));
    [x, y, width, height]
}

/// The row of the analysed set whose location shows a place of an image (in pixels of the source);
/// `None` for features without locations, and where the encoder did not see the place.
pub fn row_at(analysis: &Analysis, image: u32, place: [f32; 2]) -> Option<u32> {
    let features = &analysis.features;
    let first = features.images.iter().position(|other| *other == image)?;
    let grid = features.grids.as_ref()?.get(first)?.map(usize::from);
    let size = analysis.images.size(image as usize)?;
    let geometry = features.provenance.preprocess.geometry(size);
    Some((first + cell_at(&geometry, grid, place)?) as u32)
}

/// Image and place (the middle of the location, in source pixels) of a row of the analysed set;
/// `None` for features without locations and a row that there is not.
pub fn place_of(analysis: &Analysis, row: u32) -> Option<(u32, [f32; 2])> {
    let features = &analysis.features;
    let image = *features.images.get(row as usize)?;
    let grid = features.grids.as_ref()?.get(row as usize)?.map(usize::from);
    let [cell_row, cell_column] = features.cells.as_ref()?.get(row as usize)?.map(usize::from);
    let size = analysis.images.size(image as usize)?;
    let geometry = features.provenance.preprocess.geometry(size);
    Some((image, geometry.cell_centre(cell_row, cell_column, grid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(crop: [f32; 4], flipped: bool) -> ViewGeometry {
        ViewGeometry {
            source_size: [100, 80],
            crop,
            flipped,
            output_side: 64,
        }
    }

    #[test]
    fn the_centre_of_a_cell_is_shown_by_that_cell() {
        for flipped in [false, true] {
            let view = view([20.0, 10.0, 40.0, 30.0], flipped);
            for grid in [[3, 4], [7, 7], [1, 1], [5, 2]] {
                for cell in 0..grid[0] * grid[1] {
                    let centre = view.cell_centre(cell / grid[1], cell % grid[1], grid);
                    assert_eq!(cell_at(&view, grid, centre), Some(cell));
                }
            }
            assert_eq!(cell_at(&view, [3, 4], [19.0, 20.0]), None);
            assert_eq!(cell_at(&view, [0, 4], [30.0, 20.0]), None);
        }
    }

    #[test]
    fn windows_are_mirrored_with_the_view_and_cut_to_the_image() {
        let grid = [3, 4];
        let plain = view([20.0, 10.0, 40.0, 30.0], false);
        assert_eq!(cell_window(&plain, grid, 0, 0.0), [20.0, 10.0, 10.0, 10.0]);
        let mirrored = view([20.0, 10.0, 40.0, 30.0], true);
        assert_eq!(
            cell_window(&mirrored, grid, 0, 0.0),
            [50.0, 10.0, 10.0, 10.0]
        );
        let whole = ViewGeometry::whole([100, 80], 32);
        // The first of 8×10 cells of 10 px, with one around it, loses what lies outside.
        assert_eq!(cell_window(&whole, [8, 10], 0, 1.0), [0.0, 0.0, 20.0, 20.0]);
        assert_eq!(
            cell_window(&whole, [8, 10], 79, 1.0),
            [80.0, 60.0, 20.0, 20.0]
        );
    }
}
