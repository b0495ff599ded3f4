//! The verdict over the kept frames of a training run.

use egui::{Ui, Vec2b};
use egui_plot::{Corner, Legend, Line, LineStyle, Plot, PlotPoints, VLine};

use crate::ui::{
    RunVerdicts, RunView,
    colour::class_colour,
    theme::{self, Tokens},
    widgets::caption,
};

pub(super) fn run_ui(verdicts: &RunVerdicts, run: &RunView, ui: &mut Ui) {
    let kept = run.state.frames.len();
    if verdicts.frames.is_empty() {
        caption(ui, "No kept frame has been judged yet.");
        return;
    }
    let changes = verdicts.changes();
    let words: Vec<String> = changes
        .iter()
        .map(|(step, title)| format!("step {step}: {title}"))
        .collect();
    caption(ui, words.join(" · "));
    let tokens = Tokens::of(ui);
    let shown = Plot::new("collapse over the run")
        .height(200.0 * theme::mark_scale(ui))
        .x_axis_label("step")
        .legend(Legend::default().position(Corner::RightTop))
        .allow_scroll(false)
        .show_background(false)
        .show_grid(Vec2b::new(false, true))
        .include_y(0.0)
        .include_y(1.0)
        .show(ui, |plot| {
            for (index, name) in verdicts.names().into_iter().enumerate() {
                let points = PlotPoints::from(verdicts.curve(name));
                plot.line(
                    Line::new(name, points)
                        .color(class_colour(tokens, index as u32))
                        .width(1.6),
                );
            }
            for (step, title) in changes.iter().skip(1) {
                plot.vline(
                    VLine::new(format!("to {title}"), *step as f64)
                        .color(tokens.text.strong.0)
                        .style(LineStyle::dashed_dense())
                        .width(1.0),
                );
            }
            if let Some(step) = run.shown_step {
                let line = VLine::new("shown", step as f64);
                plot.vline(line.color(tokens.accent.main.0).width(1.5));
            }
        });
    shown.response.widget_info(|| {
        let text = format!("Collapse figures of {} frames", verdicts.frames.len());
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    caption(
        ui,
        format!(
            "{} of {kept} kept frames judged, by the probe's own vectors. A dashed line is where the \
             kind of verdict changes.",
            verdicts.frames.len()
        ),
    );
}
