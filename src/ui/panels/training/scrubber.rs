//! Any time of the run again.

use egui::{Key, Slider, Ui};

use crate::ui::{
    Command, Commands, RunView, TrainCommand,
    icons::Icon,
    widgets::{caption, icon_button, icon_toggle},
};

/// Draws the time of the run: which frame the views show.
pub(super) fn scrubber_ui(run: &RunView, commands: &mut Commands, ui: &mut Ui) {
    let frames = &run.state.frames;
    let Some(last) = frames.len().checked_sub(1) else {
        return;
    };
    let mut ask = |command: TrainCommand| commands.push(Command::Train(command));
    let shown = run
        .shown_step
        .map_or(last, |step| frames.partition_point(|&kept| kept < step))
        .min(last);
    ui.horizontal(|ui| {
        if icon_button(ui, Icon::First, "First kept frame").clicked() {
            ask(TrainCommand::LookAt(frames.first().copied()));
        }
        if icon_toggle(ui, Icon::Replay, "Replay the kept frames", run.is_replaying).clicked() {
            ask(TrainCommand::ToggleReplay);
        }
        if icon_toggle(ui, Icon::Last, "Follow the newest frame", run.is_following).clicked() {
            ask(TrainCommand::LookAt(None));
        }
        let mut place = shown;
        ui.spacing_mut().slider_width = (ui.available_width() - 190.0).max(60.0);
        let response = ui
            .add_enabled(
                last > 0,
                Slider::new(&mut place, 0..=last.max(1)).show_value(false),
            )
            .on_hover_text("Which time of the run the views show; the run itself goes on. Arrow keys walk, Home and \
                 End go to the first and the newest");
        let response = response.accessible_name("Time of the run");
        if response.changed() {
            ask(TrainCommand::LookAt(frames.get(place).copied()));
        } else if response.has_focus() && ui.input(|input| input.key_pressed(Key::Home)) {
            ask(TrainCommand::LookAt(frames.first().copied()));
        } else if response.has_focus() && ui.input(|input| input.key_pressed(Key::End)) {
            ask(TrainCommand::LookAt(None));
        }
        let step = frames.get(shown).copied().unwrap_or_default();
        let note = if run.is_following {
            format!("step {step}, the newest")
        } else {
            format!("step {step} of {} kept frames", frames.len())
        };
        caption(ui, note);
    });
}
