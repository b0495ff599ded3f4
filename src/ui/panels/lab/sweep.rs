//! The sweep: which, and how far it is.

use egui::{Align, Layout, Ui};

use crate::{
    lab::{SweepPhase, SweepPreset, SweepState},
    ui::{
        Command, Commands, LabCommand, LabState, LabView, TableLink,
        icons::Icon,
        widgets::{caption, caption_line, choice, icon_button, labelled, note, seconds, section},
    },
};

/// Draws the sweep under way, or that the open table is of one that has runs left, in a line;
/// nothing else.
pub(super) fn bar_ui(state: &LabState, commands: &mut Commands, ui: &mut Ui) {
    let mut ask = |command: LabCommand| commands.push(Command::Lab(command));
    if let Some(sweep) = state.sweep.as_ref().filter(|_| state.is_sweeping()) {
        ui.horizontal(|ui| {
            let is_paused = sweep.phase == SweepPhase::Paused;
            let (icon, label) = if is_paused {
                (Icon::Play, "Go on with the sweep")
            } else {
                (Icon::Pause, "Pause the sweep")
            };
            if icon_button(ui, icon, label).clicked() {
                ask(LabCommand::PauseSweep);
            }
            if icon_button(ui, Icon::Stop, "Stop the sweep")
                .on_hover_text(LabCommand::StopSweep.tooltip())
                .clicked()
            {
                ask(LabCommand::StopSweep);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if state.link != TableLink::Following && ui.button("Show its table").clicked() {
                    ask(LabCommand::FollowSweep);
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| progress_ui(sweep, ui));
            });
        });
        if let Some(message) = &sweep.message {
            note(ui, Icon::Warning, message);
        }
    } else if state.link == TableLink::Unfinished {
        ui.horizontal_wrapped(|ui| {
            if ui.button("Go on with the open sweep").clicked() {
                ask(LabCommand::ContinueSweep);
            }
            caption(ui, "It has runs left.");
        });
    }
}

/// Draws how the last sweep ended, and the choice of another.
pub(super) fn choice_ui(
    view: &mut LabView,
    state: &LabState,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if state.is_sweeping() {
        return;
    }
    section(ui, "Sweep");
    if let Some(sweep) = &state.sweep {
        caption(
            ui,
            format!("{}: {} of {} runs", sweep.name, sweep.finished, sweep.total),
        );
        if let Some(message) = &sweep.message {
            let icon = if sweep.phase == SweepPhase::Failed {
                Icon::Failure
            } else {
                Icon::Info
            };
            note(ui, icon, message);
        }
    }
    let options: Vec<(String, String, &str)> = SweepPreset::ALL
        .iter()
        .map(|preset| {
            (
                preset.name.to_owned(),
                preset.title.to_owned(),
                preset.comment,
            )
        })
        .collect();
    if let Some(chosen) = labelled(ui, "Preset", |ui| {
        choice(ui, "Sweep preset", &view.sweep, &options)
    }) {
        view.sweep = chosen;
    }
    if let Ok(preset) = SweepPreset::named(&view.sweep) {
        let button = ui.button("Start sweep…").on_hover_text(preset.comment);
        if button.clicked() {
            commands.push(Command::Lab(LabCommand::AskSweep(preset.name)));
        }
        caption(ui, preset.comment);
    }
}

fn progress_ui(sweep: &SweepState, ui: &mut Ui) {
    let [step, steps] = sweep.steps;
    let share = step as f32 / steps.max(1) as f32;
    let whole = (sweep.finished as f32 + share) / sweep.total.max(1) as f32;
    let bar = egui::ProgressBar::new(whole).desired_height(6.0);
    let _ = ui.add(bar).accessible_name("Progress of the sweep");
    let phase = match sweep.phase {
        SweepPhase::Measuring => "measuring",
        SweepPhase::Paused => "paused",
        SweepPhase::Preparing => "preparing",
        _ => "training",
    };
    let left = sweep
        .remaining_s
        .map_or_else(String::new, |left| format!(" · {} left", seconds(left)));
    let line = format!(
        "{} of {} runs{left} · {phase} {} · step {step} of {steps}",
        sweep.finished, sweep.total, sweep.run
    );
    caption_line(ui, &line);
}
