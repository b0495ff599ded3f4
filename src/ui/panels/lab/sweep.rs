//! The sweep: which, and how far it is.

use egui::Ui;

use crate::{
    lab::{SweepPhase, SweepPreset, SweepState},
    ui::{
        Command, Commands, LabCommand, LabState, LabView, SweepLink,
        icons::Icon,
        widgets::{caption, choice, icon_button, labelled, note, seconds, section},
    },
};

/// Draws the choice of a sweep, or the one under way.
pub(super) fn sweep_ui(view: &mut LabView, state: &LabState, commands: &mut Commands, ui: &mut Ui) {
    section(ui, "Sweep");
    let mut ask = |command: LabCommand| commands.push(Command::Lab(command));
    if let Some(sweep) = state.sweep.as_ref().filter(|_| state.is_sweeping()) {
        ui.horizontal_wrapped(|ui| {
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
            if state.link != SweepLink::Following && ui.button("Show its table").clicked() {
                ask(LabCommand::FollowSweep);
            }
        });
        progress_ui(sweep, ui);
        return;
    }
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
    ui.horizontal_wrapped(|ui| {
        if let Ok(preset) = SweepPreset::named(&view.sweep)
            && ui
                .button("Start sweep…")
                .on_hover_text(preset.comment)
                .clicked()
        {
            ask(LabCommand::AskSweep(preset.name));
        }
        if state.link == SweepLink::Unfinished && ui.button("Go on with the open sweep").clicked() {
            ask(LabCommand::ContinueSweep);
        }
    });
}

fn progress_ui(sweep: &SweepState, ui: &mut Ui) {
    let [step, steps] = sweep.steps;
    let share = step as f32 / steps.max(1) as f32;
    let whole = (sweep.finished as f32 + share) / sweep.total.max(1) as f32;
    let bar = egui::ProgressBar::new(whole).desired_height(8.0);
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
    caption(
        ui,
        format!(
            "{} of {} runs · {phase} {} · step {step} of {steps}{left}",
            sweep.finished, sweep.total, sweep.run
        ),
    );
    if let Some(message) = &sweep.message {
        note(ui, Icon::Warning, message);
    }
}
