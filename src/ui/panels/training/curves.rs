//! The curves of a run.

use egui::{Color32, Ui, Vec2b};
use egui_plot::{Corner, HoverPosition, Legend, Line, LineStyle, Plot, PlotPoints, VLine};

use crate::{
    training::{Curve, Curves, WEIGHT_OF},
    ui::{
        RunView, TrainingView,
        colour::class_colour,
        theme::Tokens,
        widgets::{caption, choice},
    },
};

/// Points drawn of a curve; a longer one is thinned to every n-th for the picture alone.
const MOST_POINTS: usize = 2000;

/// Which curves are drawn.
const GROUPS: [(&str, &str); 4] = [
    (
        "loss",
        "the terms of the loss as the batches gave them, unweighted, and their weighted total",
    ),
    (
        "probe",
        "numbers of the fixed probe images, un-augmented weights",
    ),
    ("rate", "the learning rate"),
    (
        "weights",
        "what each term of the loss is multiplied by, as knobs and warm-up have it",
    ),
];

fn group_of(name: &str) -> &'static str {
    if name.starts_with("probe ") {
        "probe"
    } else if name == "learning rate" {
        "rate"
    } else if name.starts_with(WEIGHT_OF) {
        "weights"
    } else {
        "loss"
    }
}

/// Draws the curves of one group with the run's marks and the shown time.
pub(super) fn curves_ui(view: &mut TrainingView, run: &RunView, ui: &mut Ui) {
    let state = &run.state;
    ui.horizontal(|ui| {
        ui.scope(|ui| {
            ui.set_max_width(120.0);
            let options: Vec<(String, String, &str)> = GROUPS
                .iter()
                .map(|(name, about)| ((*name).to_owned(), (*name).to_owned(), *about))
                .collect();
            if let Some(chosen) = choice(ui, "Curves", &view.curves, &options) {
                view.curves = chosen;
            }
        });
        ui.checkbox(&mut view.is_logarithmic, "Log scale")
            .on_hover_text("Base-10 logarithm; values that are not positive are left out");
        if let Some(mark) = state.marks.last() {
            caption(ui, format!("step {}: {}", mark.step, mark.text));
        }
    });
    if state.curves.is_empty() {
        caption(ui, "The first step has not been done yet");
        return;
    }
    let tokens = Tokens::of(ui);
    let is_logarithmic = view.is_logarithmic;
    let id = format!("curves {} {is_logarithmic}", view.curves);
    let plot = Plot::new(id)
        .x_axis_label("step")
        .legend(Legend::default().position(Corner::RightTop))
        .allow_scroll(false)
        .show_background(false)
        .show_grid(Vec2b::new(false, true))
        .auto_bounds(Vec2b::TRUE)
        .include_x(0.0)
        .include_x(state.total_steps as f64)
        .label_formatter(move |hover| {
            let (name, point) = match hover {
                HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } => (*plot_name, position),
                HoverPosition::Elsewhere { position } => ("", position),
            };
            let value = if is_logarithmic {
                10_f64.powf(point.y)
            } else {
                point.y
            };
            Some(format!("{name}\nstep {:.0}\n{value:.5}", point.x))
        })
        .y_axis_formatter(move |mark, _| {
            if is_logarithmic {
                format!("1e{:.1}", mark.value)
            } else {
                format!("{:.3}", mark.value)
            }
        })
        .show(ui, |plot| {
            for branch in &state.branches {
                for (index, curve) in shown(branch, &view.curves).enumerate() {
                    let colour = class_colour(tokens, index as u32).gamma_multiply(0.35);
                    plot.line(
                        line(curve, "left behind", is_logarithmic, colour)
                            .style(LineStyle::dotted_dense()),
                    );
                }
            }
            for (index, curve) in shown(&state.curves, &view.curves).enumerate() {
                let name = curve
                    .name
                    .trim_start_matches("probe ")
                    .trim_start_matches(WEIGHT_OF);
                plot.line(
                    line(
                        curve,
                        name,
                        is_logarithmic,
                        class_colour(tokens, index as u32),
                    )
                    .width(1.6),
                );
            }
            for mark in &state.marks {
                plot.vline(
                    VLine::new(mark.text.clone(), mark.step as f64)
                        .color(tokens.surface.rule_strong.0)
                        .style(LineStyle::dashed_dense())
                        .width(1.0),
                );
            }
            if let Some(step) = run.shown_step.filter(|_| !run.is_following) {
                plot.vline(
                    VLine::new("shown", step as f64)
                        .color(tokens.accent.main.0)
                        .width(1.5),
                );
            }
        });
    plot.response.widget_info(|| {
        let text = format!("Curves over {} steps", state.step);
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
}

fn shown<'a>(curves: &'a Curves, group: &'a str) -> impl Iterator<Item = &'a Curve> {
    curves
        .iter()
        .filter(move |curve| group_of(&curve.name) == group)
}

fn line<'a>(curve: &Curve, name: &str, is_logarithmic: bool, colour: Color32) -> Line<'a> {
    let every = curve.points.len().div_ceil(MOST_POINTS).max(1);
    let newest = curve.points.last().filter(|_| every > 1);
    let points: Vec<[f64; 2]> = curve
        .points
        .iter()
        .step_by(every)
        .chain(newest)
        .filter(|[_, value]| !is_logarithmic || *value > 0.0)
        .map(|&[step, value]| [step, if is_logarithmic { value.log10() } else { value }])
        .collect();
    Line::new(name.to_owned(), PlotPoints::from(points)).color(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_has_its_group() {
        assert_eq!(group_of("probe alignment"), "probe");
        assert_eq!(group_of("learning rate"), "rate");
        assert_eq!(group_of("total"), "loss");
        assert_eq!(group_of("weight of alignment"), "weights");
        let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["loss", "probe", "rate", "weights"]);
    }
}
