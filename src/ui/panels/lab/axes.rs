//! Axes of the lab's plots: round ticks that fit small tiles, and short names.

use egui::Ui;
use egui_plot::{AxisHints, GridInput, GridMark, Plot};

use crate::{geometry::round_levels, ui::theme::Tokens};

/// Grid lines closer than this are not thought of, in points: the unit of [`marks`].
const LEAST_SPACING: f32 = 8.0;
/// Points between two ticks, at least: across, where digits stand beside each other, and upwards.
const TICK_SPACING: [f32; 2] = [56.0, 26.0];
/// Plots lower than this have room for a short name upwards only.
const LOW: f32 = 230.0;
/// Ticks of an axis, at most: bounds may be anything.
const MOST_TICKS: f64 = 60.0;

/// Names of the axes: across, upwards, and upwards where there is little room.
pub(super) struct Names {
    pub across: String,
    pub up: String,
    pub up_short: String,
}

/// Gives a plot round ticks in small type.
pub(super) fn with_axes<'a>(plot: Plot<'a>, names: Names, height: f32, ui: &Ui) -> Plot<'a> {
    let small = egui::TextStyle::Small.resolve(ui.style());
    let weak = Tokens::of(ui).text.weak.0;
    let up = if height < LOW {
        names.up_short
    } else {
        names.up
    };
    let dress = |axis: AxisHints<'a>, name: String| {
        axis.label(egui::RichText::new(name).small().color(weak))
            .tick_label_font(small.clone())
            .tick_label_color(weak)
            .formatter(|mark, _| tick(mark.value, mark.step_size))
    };
    plot.custom_x_axes(vec![
        dress(AxisHints::new_x(), names.across).label_spacing(egui::Rangef::new(20.0, 40.0)),
    ])
    .custom_y_axes(vec![
        dress(AxisHints::new_y(), up).label_spacing(egui::Rangef::new(10.0, 20.0)),
    ])
    .grid_spacing(egui::Rangef::new(LEAST_SPACING, 10.0 * LEAST_SPACING))
    .x_grid_spacer(|input| marks(&input, TICK_SPACING[0]))
    .y_grid_spacer(|input| marks(&input, TICK_SPACING[1]))
}

/// Round values `spacing` points apart or more.
fn marks(input: &GridInput, spacing: f32) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let apart = input.base_step_size * f64::from(spacing / LEAST_SPACING);
    let most = ((high - low) / apart).floor().clamp(2.0, MOST_TICKS);
    let levels = round_levels([low, high], most as usize);
    let step_size = match levels[..] {
        [first, second, ..] => second - first,
        _ => high - low,
    };
    levels
        .into_iter()
        .map(|value| GridMark { value, step_size })
        .collect()
}

/// A tick with as many decimals as the step needs.
pub(super) fn tick(value: f64, step: f64) -> String {
    if step <= 0.0 || !step.is_finite() {
        return String::new();
    }
    // The small number keeps a step of 0.1 from taking two decimals by rounding.
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    // −0 is 0.
    let rounded = format!("{:.decimals$}", value + 0.0);
    let is_zero = rounded
        .trim_start_matches('-')
        .chars()
        .all(|c| "0.".contains(c));
    if is_zero {
        rounded.trim_start_matches('-').to_owned()
    } else {
        rounded.replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_decimals_of_their_step() {
        assert_eq!(tick(0.35, 0.05), "0.35");
        assert_eq!(tick(-1.5, 0.5), "−1.5");
        assert_eq!(tick(0.1 + 0.2, 0.1), "0.3");
        assert_eq!(tick(-1e-17, 0.1), "0.0");
        assert_eq!(tick(300.0, 100.0), "300");
        assert_eq!(tick(1.0, 0.0), "");
    }

    #[test]
    fn ticks_keep_their_distance() {
        // 200 points for a range of 0.3: one grid unit of 8 points is 0.012.
        let input = GridInput {
            bounds: (0.1, 0.4),
            base_step_size: 0.012,
        };
        let marks = marks(&input, 26.0);
        assert!((4..=7).contains(&marks.len()), "{marks:?}");
        for pair in marks.windows(2) {
            let points = (pair[1].value - pair[0].value) / 0.3 * 200.0;
            assert!(points >= 26.0, "{points}");
        }
    }
}
