//! Gaussian kernel density in the plane, for the circle view as in Wang & Isola's figures.

/// Side of the square window that Wang & Isola's figures show, and the default of the circle view:
/// the plane from −`WINDOW_EXTENT` to `WINDOW_EXTENT` on both axes.
pub const WINDOW_EXTENT: f32 = 1.25;

/// Reach of the kernel in bandwidths. Cutting there drops e^{−12.5}, four parts in a million of
/// the peak.
const REACH: f32 = 5.0;

/// Scott's rule in two dimensions: h = σ · n^{−1/6}, with σ² the mean variance of the two axes.
///
/// 0 for fewer than two points or points that all coincide; [`gaussian_grid_2d`] then widens the
/// kernel to one bin.
pub fn scott_bandwidth(points: &[[f32; 2]]) -> f32 {
    if points.len() < 2 {
        return 0.0;
    }
    let n = points.len() as f64;
    let variance = |axis: usize| {
        let mean = points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / n;
        points
            .iter()
            .map(|p| (f64::from(p[axis]) - mean).powi(2))
            .sum::<f64>()
            / (n - 1.0)
    };
    let sigma = (0.5 * (variance(0) + variance(1))).sqrt();
    (sigma * n.powf(-1.0 / 6.0)) as f32
}

/// Density of `points` on a `bins` × `bins` grid over the square [−extent, extent]², by an
/// isotropic Gaussian kernel of standard deviation `bandwidth`.
///
/// The value at `row * bins + col` is the density per unit area at the cell's centre
/// (x = −extent + (col + ½)·w, y = −extent + (row + ½)·w, w = 2·extent / bins; row 0 is the
/// bottom). The kernel is not narrower than half a cell, since a grid cannot show less. Points
/// that are not finite are left out. Empty when `bins` is 0 or `extent` is not positive; all zero
/// without points.
pub fn gaussian_grid_2d(points: &[[f32; 2]], bandwidth: f32, bins: usize, extent: f32) -> Vec<f32> {
    if bins == 0 || !(extent > 0.0 && extent.is_finite()) {
        return Vec::new();
    }
    let mut grid = vec![0.0_f32; bins * bins];
    let width = 2.0 * extent / bins as f32;
    let sigma = bandwidth.max(0.5 * width);
    let finite = points
        .iter()
        .filter(|p| p[0].is_finite() && p[1].is_finite());
    let mut count = 0_usize;
    let (mut across, mut up) = (Vec::new(), Vec::new());
    for point in finite {
        count += 1;
        let first_col = axis_weights(point[0], sigma, bins, extent, &mut across);
        let first_row = axis_weights(point[1], sigma, bins, extent, &mut up);
        for (offset, row_weight) in up.iter().enumerate() {
            let start = (first_row + offset) * bins + first_col;
            for (cell, weight) in grid[start..start + across.len()].iter_mut().zip(&across) {
                *cell += row_weight * weight;
            }
        }
    }
    let scale = 1.0 / (count.max(1) as f32 * std::f32::consts::TAU * sigma * sigma);
    for cell in &mut grid {
        *cell *= scale;
    }
    grid
}

/// exp(−(c − x)²/2σ²) at the cell centres c within reach of x; returns the first such cell.
fn axis_weights(x: f32, sigma: f32, bins: usize, extent: f32, weights: &mut Vec<f32>) -> usize {
    let width = 2.0 * extent / bins as f32;
    // The float-to-integer casts saturate, so far-away points give an empty range.
    let cell_of = |value: f32| ((value + extent) / width).floor() as isize;
    let first = cell_of(x - REACH * sigma).clamp(0, bins as isize) as usize;
    let last = cell_of(x + REACH * sigma)
        .saturating_add(1)
        .clamp(0, bins as isize) as usize;
    weights.clear();
    weights.extend((first..last).map(|cell| {
        let centre = -extent + (cell as f32 + 0.5) * width;
        let z = (centre - x) / sigma;
        (-0.5 * z * z).exp()
    }));
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(n: usize) -> Vec<[f32; 2]> {
        (0..n)
            .map(|i| {
                (i as f32 / n as f32 * std::f32::consts::TAU)
                    .sin_cos()
                    .into()
            })
            .collect()
    }

    #[test]
    fn the_density_integrates_to_one() {
        let bins = 200;
        let extent = 2.0;
        let grid = gaussian_grid_2d(&ring(37), 0.12, bins, extent);
        let cell = (2.0 * extent / bins as f32).powi(2);
        let mass: f32 = grid.iter().sum::<f32>() * cell;
        // The cut at 5σ in each axis loses 2·2·3e-7, the rectangle rule on a Gaussian far less;
        // f32 sums over 4e4 cells add a few 1e-6.
        assert!((mass - 1.0).abs() < 2e-5, "mass {mass}");
    }

    #[test]
    fn one_point_gives_the_gaussian_itself() {
        let (bins, extent, sigma) = (50, 1.0_f32, 0.2_f32);
        let grid = gaussian_grid_2d(&[[0.3, -0.1]], sigma, bins, extent);
        let width = 2.0 * extent / bins as f32;
        for (row, col) in [(20, 30), (25, 33), (10, 40)] {
            let x = -extent + (col as f32 + 0.5) * width - 0.3;
            let y = -extent + (row as f32 + 0.5) * width + 0.1;
            let expected = (-(x * x + y * y) / (2.0 * sigma * sigma)).exp()
                / (std::f32::consts::TAU * sigma * sigma);
            // f32 arithmetic on values up to 4.
            assert!((grid[row * bins + col] - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn scotts_rule_on_a_ring() {
        // A uniform ring has variance ½ on each axis, times n/(n−1).
        let n = 1000;
        let expected = (0.5_f64 * 1000.0 / 999.0).sqrt() * 1000_f64.powf(-1.0 / 6.0);
        // One rounding to f32.
        assert!((f64::from(scott_bandwidth(&ring(n))) - expected).abs() < 1e-6);
        assert_eq!(scott_bandwidth(&[[1.0, 1.0]]), 0.0);
    }

    #[test]
    fn odd_inputs_do_not_panic() {
        assert!(gaussian_grid_2d(&ring(3), 0.1, 0, 1.0).is_empty());
        assert!(gaussian_grid_2d(&ring(3), 0.1, 8, -1.0).is_empty());
        let odd = [
            [f32::NAN, 0.0],
            [1e30, 0.0],
            [-1e30, 5.0],
            [f32::INFINITY, 0.0],
        ];
        assert!(
            gaussian_grid_2d(&odd, 0.0, 8, 1.0)
                .iter()
                .all(|v| *v == 0.0)
        );
    }
}
