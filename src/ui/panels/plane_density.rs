//! How densely encoders lie on the align–uniform plane: a shading behind many of them.

use std::hash::{DefaultHasher, Hash, Hasher};

use egui::{Color32, ColorImage, TextureHandle, TextureOptions, Ui};
use egui_plot::{PlotImage, PlotPoint, PlotUi};

use crate::ui::{colour::ramp, theme::Tokens};

/// Fewer than so many are told apart without a density.
pub(super) const FEWEST: usize = 8;
/// Cells of the map, across and upward.
const CELLS: [usize; 2] = [72, 48];
/// The least bandwidth, in cells: below it the map would show its cells.
const LEAST_CELLS: f64 = 1.5;
/// Opacity where encoders are densest.
const OPACITY: f32 = 0.75;

/// A map of the density over a part of the plane.
#[derive(Clone)]
pub(super) struct Density {
    key: u64,
    texture: TextureHandle,
    ranges: [[f64; 2]; 2],
    /// Standard deviations of the kernel along both axes.
    pub bandwidth: [f64; 2],
    /// Points that it is of.
    pub count: usize,
}

impl Density {
    /// The density of `points` over `ranges`, made anew when they have changed; nothing of fewer than
    /// [`FEWEST`].
    pub fn of(points: &[[f64; 2]], ranges: [[f64; 2]; 2], ui: &Ui) -> Option<Self> {
        if points.len() < FEWEST {
            return None;
        }
        let tokens = Tokens::of(ui);
        let mut hasher = DefaultHasher::new();
        for number in points.iter().chain(&ranges).flatten() {
            number.to_bits().hash(&mut hasher);
        }
        ui.visuals().dark_mode.hash(&mut hasher);
        let key = hasher.finish();
        let id = egui::Id::unique("density of encoders");
        let known: Option<Self> = ui.data(|data| data.get_temp(id));
        if let Some(known) = known.filter(|known| known.key == key) {
            return Some(known);
        }
        let bandwidth = bandwidth(points, ranges);
        let values = smoothed(points, ranges, bandwidth);
        let highest = values.iter().copied().fold(0.0, f64::max);
        let pixels = values.iter().map(|value| {
            let share = if highest > 0.0 { value / highest } else { 0.0 } as f32;
            ramp(&tokens.data.density, share).gamma_multiply(OPACITY * share.sqrt())
        });
        let image = ColorImage::new(CELLS, pixels.collect::<Vec<Color32>>());
        let made = Self {
            key,
            texture: (ui.ctx()).load_texture("density of encoders", image, TextureOptions::LINEAR),
            ranges,
            bandwidth,
            count: points.len(),
        };
        ui.data_mut(|data| data.insert_temp(id, made.clone()));
        Some(made)
    }

    /// Lays it behind what is drawn afterwards.
    pub fn draw(&self, plot: &mut PlotUi<'_>) {
        let [x, y] = self.ranges;
        let centre = PlotPoint::new(f64::midpoint(x[0], x[1]), f64::midpoint(y[0], y[1]));
        let size = egui::vec2((x[1] - x[0]) as f32, (y[1] - y[0]) as f32);
        plot.image(PlotImage::new("density", self.texture.id(), centre, size).allow_hover(false));
    }

    /// What it is, for the caption.
    pub fn words(&self) -> String {
        let [a, u] = self.bandwidth;
        format!(
            "density of {} encoders and checkpoints, Gaussian kernel {a:.3} × {u:.3}",
            self.count
        )
    }
}

/// Scott's rule for two dimensions along each axis, σ n^(−1/6), but never below the map's cells.
fn bandwidth(points: &[[f64; 2]], ranges: [[f64; 2]; 2]) -> [f64; 2] {
    let count = points.len() as f64;
    std::array::from_fn(|axis| {
        let mean = points.iter().map(|point| point[axis]).sum::<f64>() / count;
        let squares = points.iter().map(|point| (point[axis] - mean).powi(2));
        let sigma = (squares.sum::<f64>() / (count - 1.0)).sqrt();
        let cell = (ranges[axis][1] - ranges[axis][0]) / CELLS[axis] as f64;
        (sigma * count.powf(-1.0 / 6.0)).max(LEAST_CELLS * cell)
    })
}

/// Counts in cells, from the top row down, smoothed along one axis and then the other: the kernel is
/// a product.
fn smoothed(points: &[[f64; 2]], ranges: [[f64; 2]; 2], bandwidth: [f64; 2]) -> Vec<f64> {
    let [width, height] = CELLS;
    let mut counts = vec![0.0; width * height];
    let cell: [f64; 2] =
        std::array::from_fn(|axis| (ranges[axis][1] - ranges[axis][0]) / CELLS[axis] as f64);
    for point in points {
        let [x, y] = [0, 1].map(|axis| ((point[axis] - ranges[axis][0]) / cell[axis]).floor());
        let is_inside = (0.0..width as f64).contains(&x) && (0.0..height as f64).contains(&y);
        if is_inside {
            counts[(height - 1 - y as usize) * width + x as usize] += 1.0;
        }
    }
    let along = |values: &[f64], axis: usize| -> Vec<f64> {
        let sigma = bandwidth[axis] / cell[axis];
        let reach = (3.0 * sigma).ceil() as i64;
        let kernel: Vec<f64> = (-reach..=reach)
            .map(|step| (-0.5 * (step as f64 / sigma).powi(2)).exp())
            .collect();
        let mut smooth = vec![0.0; values.len()];
        for row in 0..height as i64 {
            for column in 0..width as i64 {
                let mut sum = 0.0;
                for (step, weight) in (-reach..=reach).zip(&kernel) {
                    let [c, r] = if axis == 0 {
                        [column + step, row]
                    } else {
                        [column, row + step]
                    };
                    if (0..width as i64).contains(&c) && (0..height as i64).contains(&r) {
                        sum += weight * values[r as usize * width + c as usize];
                    }
                }
                smooth[row as usize * width + column as usize] = sum;
            }
        }
        smooth
    };
    along(&along(&counts, 0), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGES: [[f64; 2]; 2] = [[0.0, 2.0], [-4.0, 0.0]];

    #[test]
    fn one_point_is_a_gaussian_around_it() {
        let values = smoothed(&[[0.5, -1.0]], RANGES, [0.2, 0.4]);
        let at = |x: f64, y: f64| {
            let column = (x / 2.0 * CELLS[0] as f64) as usize;
            let row = (-y / 4.0 * CELLS[1] as f64) as usize;
            values[row * CELLS[0] + column]
        };
        // The point lies on the corner of a cell: half a cell off, a 4 % change at this bandwidth.
        assert!((at(0.51, -1.01) - 1.0).abs() < 0.05, "{}", at(0.51, -1.01));
        let ratio = at(0.71, -1.01) / at(0.51, -1.01);
        assert!(
            (ratio - (-0.5_f64).exp()).abs() < 0.05,
            "one σ across: {ratio}"
        );
        let ratio = at(0.51, -1.41) / at(0.51, -1.01);
        assert!(
            (ratio - (-0.5_f64).exp()).abs() < 0.08,
            "one σ down: {ratio}"
        );
        assert_eq!(at(1.9, -3.9), 0.0);
    }

    #[test]
    fn bandwidths_follow_scott_and_never_vanish() {
        let points: Vec<[f64; 2]> = (0..64).map(|i| [f64::from(i % 2), -1.0]).collect();
        let [across, up] = bandwidth(&points, RANGES);
        // σ of a fair coin is ½, with n − 1; 64^(−1/6) = ½.
        assert!((across - 0.25 * (64.0_f64 / 63.0).sqrt()).abs() < 1e-12);
        assert!((up - LEAST_CELLS * 4.0 / 48.0).abs() < 1e-12);
    }
}
