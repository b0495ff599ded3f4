//! The row of buttons of a run, and where it stands.

use egui::{RichText, Ui};

use crate::{
    training::Phase,
    ui::{
        Command, Commands, RunView, TrainCommand, World,
        icons::Icon,
        theme::Tokens,
        widgets::{caption, icon_button, icon_toggle, note, seconds},
    },
};

/// Draws the buttons and the state of the run.
pub(super) fn transport_ui(world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    let run = world.run;
    ui.horizontal(|ui| {
        let is_running = run.is_some_and(RunView::is_running);
        let can_go = run.is_some_and(|run| {
            matches!(
                run.state.phase,
                Phase::Running | Phase::Paused | Phase::Stopped | Phase::Failed
            ) && !run.state.is_over
        });
        let has_run = run.is_some_and(|run| !run.state.is_over);
        let mut ask = |command: TrainCommand| commands.push(Command::Train(command));
        ui.add_enabled_ui(can_go, |ui| {
            let (icon, label) = if is_running {
                (Icon::Pause, "Pause the run (Space)")
            } else {
                (Icon::Play, "Play the run (Space)")
            };
            if icon_button(ui, icon, label).clicked() {
                ask(TrainCommand::PlayPause);
            }
            if icon_button(ui, Icon::StepForward, "One step (Ctrl+Right)").clicked() {
                ask(TrainCommand::Step);
            }
        });
        ui.add_enabled_ui(has_run, |ui| {
            for (icon, label, command) in [
                (Icon::Stop, "Stop the run", TrainCommand::Stop),
                (Icon::Reset, "Back to the beginning", TrainCommand::Reset),
                (
                    Icon::Fork,
                    "Go on from the shown step",
                    TrainCommand::ForkHere,
                ),
                (Icon::Save, "Save the run", TrainCommand::AskSave),
            ] {
                if icon_button(ui, icon, label)
                    .on_hover_text(command.tooltip())
                    .clicked()
                {
                    ask(command);
                }
            }
        });
        if let Some(run) = run {
            let is_oriented = run.state.is_oriented;
            if icon_toggle(ui, Icon::Cap, "Keep the orientation of frames", is_oriented)
                .on_hover_text(TrainCommand::ToggleOriented.tooltip())
                .clicked()
            {
                ask(TrainCommand::ToggleOriented);
            }
            state_ui(run, ui);
        }
    });
}

/// What the run last had to say.
pub(super) fn message_ui(world: &World<'_>, ui: &mut Ui) {
    if let Some(run) = world.run
        && let Some(message) = &run.state.message
    {
        let icon = if run.state.phase == Phase::Failed || run.state.is_refusal {
            Icon::Failure
        } else {
            Icon::Info
        };
        note(ui, icon, message);
    }
}

fn state_ui(run: &RunView, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let state = &run.state;
    let phase = match state.phase {
        Phase::Preparing => "preparing",
        Phase::Paused => "paused",
        Phase::Running => "running",
        Phase::Finished => "finished",
        Phase::Stopped => "stopped",
        Phase::Failed => "failed",
    };
    ui.label(
        RichText::new(format!(
            "{} · step {} of {}",
            state.config.name, state.step, state.total_steps
        ))
        .color(tokens.text.strong.0),
    );
    let mut words = phase.to_owned();
    if let Some(rate) = state.steps_per_s {
        words += &format!(" · {rate:.1} steps/s");
    }
    // What does not go on has nothing left.
    let is_going = state.phase == Phase::Running;
    if let Some(remaining) = state.remaining_s.filter(|_| is_going) {
        words += &format!(" · {} left", seconds(remaining));
    }
    caption(ui, words);
}
