//! The curves of a run: a picture for each, side by side over the same steps, or all in one.

use egui::{Id, Ui, vec2};

use crate::{
    training::{Curve, Curves, WEIGHT_OF},
    ui::{
        Command, Commands, RunView, TrainCommand, TrainingView,
        colour::class_colour,
        theme::Tokens,
        widgets::{Chart, Series, Upright, caption, chart, choice},
    },
};

/// Width of the column that says what is drawn, in units of the layout's grid.
const TOOLS: f32 = 17.0;
/// Least width and height of one picture, in the same units.
const LEAST: [f32; 2] = [24.0, 11.0];

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

/// Draws the curves of one group with the run's marks, the shown time and the pinned one. A click
/// shows the time there.
pub(super) fn curves_ui(
    view: &mut TrainingView,
    run: &RunView,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let tokens = Tokens::of(ui);
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        let width = (tokens.shape.grid * TOOLS).min(ui.available_width() * 0.35);
        ui.allocate_ui(vec2(width, height), |ui| {
            egui::ScrollArea::vertical()
                .id_salt("which curves")
                .auto_shrink([false, true])
                .max_height(height)
                .show(ui, |ui| {
                    ui.vertical(|ui| tools_ui(view, run, ui));
                });
        });
        ui.vertical(|ui| {
            if run.state.curves.is_empty() {
                caption(ui, "The first step has not been done yet");
            } else {
                pictures_ui(view, run, commands, ui);
            }
        });
    });
}

/// Which group, on which scale, and which of its curves.
fn tools_ui(view: &mut TrainingView, run: &RunView, ui: &mut Ui) {
    let options: Vec<(String, String, &str)> = GROUPS
        .iter()
        .map(|(name, about)| ((*name).to_owned(), (*name).to_owned(), *about))
        .collect();
    if let Some(chosen) = choice(ui, "Curves", &view.curves, &options) {
        view.curves = chosen;
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.checkbox(&mut view.is_together, "in one picture")
        .on_hover_text("On one scale, instead of a picture with a scale of its own for each");
    ui.checkbox(&mut view.is_logarithmic, "log scale")
        .on_hover_text("Base-10 logarithm; values that are not positive are left out");
    let tokens = Tokens::of(ui);
    for (index, curve) in of_group(&run.state.curves, &view.curves).enumerate() {
        let mut is_shown = !view.hidden_curves.contains(&curve.name);
        let text = egui::RichText::new(short(&curve.name))
            .small()
            .color(class_colour(tokens, index as u32));
        if ui.checkbox(&mut is_shown, text).changed() {
            if is_shown {
                view.hidden_curves.remove(&curve.name);
            } else {
                view.hidden_curves.insert(curve.name.clone());
            }
        }
    }
    if let Some(mark) = run.state.marks.last() {
        caption(ui, format!("step {}: {}", mark.step, mark.text));
    }
}

/// The pictures, as many beside each other as have room; more scroll.
fn pictures_ui(view: &TrainingView, run: &RunView, commands: &mut Commands, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let uprights = uprights(run, tokens);
    let pictures = pictures(view, run, tokens);
    if pictures.is_empty() {
        caption(
            ui,
            "No curve of this group is switched on, or there is none yet",
        );
        return;
    }
    let range = [0.0, reach(run.state.step, run.state.total_steps)];
    let gap = tokens.shape.grid;
    let room = ui.available_size() - vec2(4.0, 2.0);
    let least = LEAST.map(|units| units * gap);
    let columns = ((room.x / least[0]).floor().max(1.0) as usize).min(pictures.len());
    let rows = pictures.len().div_ceil(columns);
    let size = vec2(
        (room.x - gap * (columns - 1) as f32) / columns as f32,
        ((room.y - gap * 0.5 * (rows - 1) as f32) / rows as f32).max(least[1]),
    );
    // All pictures show the same cursor: where the pointer was in any of them.
    let id = Id::unique("cursor of the curves");
    let cursor: Option<f64> = ui.data(|data| data.get_temp(id));
    let mut pointed = None;
    egui::ScrollArea::vertical()
        .id_salt("curves")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(gap, gap * 0.5);
            for row in pictures.chunks(columns) {
                ui.horizontal_top(|ui| {
                    for series in row {
                        let picture = Chart {
                            series: series.clone(),
                            uprights: &uprights,
                            range,
                            across: "step",
                            is_logarithmic: view.is_logarithmic,
                        };
                        let event = chart(ui, size, &picture, cursor);
                        pointed = pointed.or(event.pointed);
                        let steps = (event.keys.arrows.x) as i64 + event.keys.onward;
                        let wanted = event
                            .clicked
                            .map(|step| step.round().max(0.0) as usize)
                            .or_else(|| walked(run, steps));
                        if let Some(step) = wanted {
                            commands.push(Command::Train(TrainCommand::LookAt(Some(step))));
                        }
                    }
                });
            }
        });
    if pointed != cursor {
        ui.data_mut(|data| match pointed {
            Some(at) => {
                data.insert_temp(id, at);
            }
            None => data.remove::<f64>(id),
        });
        ui.request_repaint();
    }
}

/// How far the steps go across: a round number beyond the newest, so that a young run is not squeezed
/// into a corner and a growing one does not move at every step; the whole run in its second half.
fn reach(step: usize, total: usize) -> f64 {
    let total = total.max(1);
    let wanted = (step + step / 4).max(20);
    let mut power = 1;
    while power < wanted / 10 {
        power *= 10;
    }
    let round = [1, 2, 5, 10, 20, 50, 100].map(|factor| factor * power);
    let found = round.into_iter().find(|reach| *reach >= wanted);
    let is_late = step > total / 2;
    found.filter(|_| !is_late).unwrap_or(total).min(total) as f64
}

/// The kept frame so many after the shown one.
fn walked(run: &RunView, steps: i64) -> Option<usize> {
    let frames = &run.state.frames;
    let last = frames.len().checked_sub(1)?;
    let shown = run.shown_step.map_or(last, |step| {
        frames.partition_point(|&kept| kept < step).min(last)
    });
    let next = (shown as i64 + steps).clamp(0, last as i64) as usize;
    (steps != 0).then(|| frames[next])
}

/// The curves of each picture: those left behind recede behind the one that goes on.
fn pictures<'a>(view: &TrainingView, run: &'a RunView, tokens: &Tokens) -> Vec<Vec<Series<'a>>> {
    let state = &run.state;
    let one = |index: usize, curve: &'a Curve| -> Vec<Series<'a>> {
        let colour = class_colour(tokens, index as u32);
        let name = short(&curve.name);
        let left = state
            .branches
            .iter()
            .filter_map(|left| left.get(&curve.name));
        left.map(|curve| (curve, true))
            .chain([(curve, false)])
            .map(|(curve, is_faint)| Series {
                name,
                colour,
                points: &curve.points,
                is_faint,
            })
            .collect()
    };
    let shown = of_group(&state.curves, &view.curves)
        .enumerate()
        .filter(|(_, curve)| !view.hidden_curves.contains(&curve.name))
        .map(|(index, curve)| one(index, curve));
    if view.is_together {
        let all: Vec<Series<'a>> = shown.flatten().collect();
        if all.is_empty() {
            Vec::new()
        } else {
            vec![all]
        }
    } else {
        shown.collect()
    }
}

/// What happened, and the times that are looked at.
fn uprights(run: &RunView, tokens: &Tokens) -> Vec<Upright> {
    let happened = run.state.marks.iter().map(|mark| Upright {
        at: mark.step as f64,
        colour: tokens.surface.rule_strong.0,
        is_dashed: true,
        letter: "",
        text: format!("step {}: {}", mark.step, mark.text),
    });
    let looked_at = |at: usize, letter, text: &str| Upright {
        at: at as f64,
        colour: tokens.accent.main.0,
        is_dashed: false,
        letter,
        text: format!("step {at}, {text}"),
    };
    let pinned = run.pinned_step.map(|step| looked_at(step, "A", "pinned"));
    let is_named = pinned.is_some();
    let shown = run
        .shown_step
        .filter(|_| is_named || !run.is_following)
        .map(|step| looked_at(step, if is_named { "B" } else { "" }, "shown"));
    happened.chain(pinned).chain(shown).collect()
}

fn of_group<'a>(curves: &'a Curves, group: &str) -> impl Iterator<Item = &'a Curve> {
    curves
        .iter()
        .filter(move |curve| group_of(&curve.name) == group)
}

fn short(name: &str) -> &str {
    name.trim_start_matches("probe ")
        .trim_start_matches(WEIGHT_OF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reaches_across_its_pictures() {
        assert_eq!(
            [0, 9, 27, 80, 100, 249].map(|step| reach(step, 500)),
            [20.0, 20.0, 50.0, 100.0, 200.0, 500.0]
        );
        assert_eq!((reach(300, 500), reach(500, 500)), (500.0, 500.0));
        assert_eq!((reach(0, 3), reach(0, 0)), (3.0, 1.0));
        for step in (0..2_000_000).step_by(1013) {
            let reach = reach(step, 2_000_000);
            assert!(reach >= step as f64 && reach <= 2_000_000.0);
        }
    }

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
