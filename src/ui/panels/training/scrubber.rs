//! Any time of the run again, alone or beside a pinned one.

use egui::{Key, Slider, Ui, vec2};

use crate::ui::{
    Command, Commands, Replay, RunView, TrainCommand,
    icons::Icon,
    widgets::{caption, choice, icon_button, icon_toggle},
};

/// Room for what stands right of the slider, in points of the screen.
const BESIDE: f32 = 190.0;

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
        if icon_toggle(ui, Icon::Play, "Replay the kept frames", run.is_replaying).clicked() {
            ask(TrainCommand::ToggleReplay);
        }
        let is_looping = run.replay.is_looping;
        if icon_toggle(ui, Icon::Replay, "Replay again and again", is_looping).clicked() {
            ask(TrainCommand::ToggleLoop);
        }
        speed_ui(run, &mut ask, ui);
        if icon_toggle(ui, Icon::Last, "Follow the newest frame", run.is_following).clicked() {
            ask(TrainCommand::LookAt(None));
        }
        let is_pinned = run.pinned_step.is_some();
        if icon_toggle(ui, Icon::Pin, "Pin this time", is_pinned)
            .on_hover_text(TrainCommand::TogglePin.tooltip())
            .clicked()
        {
            ask(TrainCommand::TogglePin);
        }
        let mut place = shown;
        ui.spacing_mut().slider_width = (ui.available_width() - BESIDE).max(60.0);
        let response = ui
            .add_enabled(
                last > 0,
                Slider::new(&mut place, 0..=last.max(1)).show_value(false),
            )
            .on_hover_text(
                "Which time of the run the views show; the run itself goes on. Arrow keys walk, \
                 Home and End go to the first and the newest",
            );
        let response = response.accessible_name("Time of the run");
        if response.changed() {
            ask(TrainCommand::LookAt(frames.get(place).copied()));
        } else if response.has_focus() && ui.input(|input| input.key_pressed(Key::Home)) {
            ask(TrainCommand::LookAt(frames.first().copied()));
        } else if response.has_focus() && ui.input(|input| input.key_pressed(Key::End)) {
            ask(TrainCommand::LookAt(None));
        }
        let step = frames.get(shown).copied().unwrap_or_default();
        caption(ui, note(run, step, frames.len()));
    });
}

/// How fast kept frames follow each other.
fn speed_ui(run: &RunView, ask: &mut impl FnMut(TrainCommand), ui: &mut Ui) {
    let options = Replay::RATES.map(|rate| (rate, format!("{rate}/s"), "frames a second"));
    ui.allocate_ui(vec2(64.0, ui.spacing().interact_size.y), |ui| {
        let rate = run.replay.frames_per_s;
        if let Some(rate) = choice(ui, "Speed of the replay", &rate, &options) {
            ask(TrainCommand::ReplayAt(rate));
        }
    });
}

/// Which time is shown, in words.
fn note(run: &RunView, step: usize, kept: usize) -> String {
    match run.pinned_step {
        Some(pinned) => format!("A step {pinned} · B step {step}"),
        None if run.is_following => format!("step {step}, the newest"),
        None => format!("step {step}, one of {kept} kept frames"),
    }
}
