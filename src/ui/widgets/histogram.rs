//! Counts over equal bins, and a plot of them.

use egui::{Color32, Stroke, Ui, Vec2b};
use egui_plot::{Bar, BarChart, Plot, VLine};

use crate::ui::theme::Tokens;

/// Counts over equal bins of `[low, high]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Left edge of the first bin.
    pub low: f64,
    /// Right edge of the last bin.
    pub high: f64,
    /// Values in each bin; values beyond the edges count in the outer bins.
    pub counts: Vec<u64>,
    /// How many values there are.
    pub total: u64,
    /// Mean of the values.
    pub mean: f64,
}

impl Histogram {
    /// Counts finite `values` in `bins` bins of `[low, high]`.
    pub fn new(values: &[f32], low: f64, high: f64, bins: usize) -> Self {
        let mut counts = vec![0_u64; bins.max(1)];
        let mut sum = 0.0;
        let mut total = 0;
        let per_unit = counts.len() as f64 / (high - low);
        let last = counts.len() - 1;
        for value in values
            .iter()
            .map(|&value| f64::from(value))
            .filter(|value| value.is_finite())
        {
            let bin = ((value - low) * per_unit).max(0.0) as usize;
            counts[bin.min(last)] += 1;
            sum += value;
            total += 1;
        }
        let mean = if total == 0 {
            f64::NAN
        } else {
            sum / total as f64
        };
        Self {
            low,
            high,
            counts,
            total,
            mean,
        }
    }

    /// Density in each bin: counts over total and bin width, so that it integrates to one.
    pub fn densities(&self) -> Vec<f64> {
        let width = (self.high - self.low) / self.counts.len() as f64;
        self.counts
            .iter()
            .map(|&count| count as f64 / (self.total.max(1) as f64 * width))
            .collect()
    }
}

/// Draws `histogram` as bars of its densities with the mean marked.
pub fn histogram(ui: &mut Ui, id: &str, histogram: &Histogram, x_name: &str, colour: Color32) {
    let tokens = Tokens::of(ui);
    let width = (histogram.high - histogram.low) / histogram.counts.len() as f64;
    let bar = |(index, density): (usize, f64)| {
        let middle = histogram.low + (index as f64 + 0.5) * width;
        Bar::new(middle, density)
            .width(width)
            .fill(colour.gamma_multiply(0.4))
            .stroke(Stroke::new(1.0, colour))
    };
    // Bins without a value have no bar: an outline along the axis would look like one.
    let bars: Vec<Bar> = histogram
        .densities()
        .into_iter()
        .enumerate()
        .filter(|(_, density)| *density > 0.0)
        .map(bar)
        .collect();
    let mean = histogram.mean;
    let shown = Plot::new(id.to_owned())
        .x_axis_label(x_name.to_owned())
        .y_axis_label("density")
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_grid(Vec2b::new(false, true))
        .grid_color(tokens.surface.rule.0)
        .grid_spacing(egui::Rangef::new(12.0, 90.0))
        .show_background(false)
        .include_y(0.0)
        .default_x_bounds(histogram.low, histogram.high)
        .show(ui, move |plot| {
            plot.bar_chart(BarChart::new("density", bars).allow_hover(false));
            if mean.is_finite() {
                plot.vline(
                    VLine::new(format!("mean {mean:.4}"), mean)
                        .color(tokens.text.weak.0)
                        .width(1.0)
                        .allow_hover(false),
                );
            }
        });
    shown.response.widget_info(|| {
        let text = format!("Histogram of {x_name}, mean {mean:.4}");
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_finite_value_once() {
        let histogram = Histogram::new(&[-1.0, 0.0, 0.4, 0.5, 1.0, 7.0, f32::NAN], 0.0, 1.0, 2);
        assert_eq!(histogram.counts, [3, 3]);
        assert_eq!(histogram.total, 6);
        let area: f64 = histogram
            .densities()
            .iter()
            .map(|density| density * 0.5)
            .sum();
        // Two additions of exact halves.
        assert!((area - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_values_have_no_mean() {
        let histogram = Histogram::new(&[], 0.0, 2.0, 4);
        assert!(histogram.mean.is_nan());
        assert_eq!(histogram.densities(), [0.0; 4]);
    }
}
