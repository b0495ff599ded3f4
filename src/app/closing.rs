//! Closing the window over a run that is not saved asks first.

use egui::{Ui, ViewportCommand};

use super::{
    App,
    modal::{self, Place},
};
use crate::{
    training::RunState,
    ui::{Command, Commands, TrainCommand, widgets::caption},
};

/// Where the question stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Closing {
    /// Nothing is asked.
    #[default]
    Open,
    /// The question is on the screen.
    Asking,
    /// The user said to close all the same.
    Agreed,
}

impl Closing {
    /// Leaves the question; whether it was asked.
    pub fn leave(&mut self) -> bool {
        let is_asking = *self == Self::Asking;
        if is_asking {
            *self = Self::Open;
        }
        is_asking
    }
}

impl App {
    /// Holds the window open when it is to close over a run with steps that are nowhere else. Who
    /// asks a second time means it.
    pub(super) fn hold_open(&mut self, ctx: &egui::Context) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        if is_closing && self.closing == Closing::Open && self.unsaved().is_some() {
            self.closing = Closing::Asking;
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            // The question may be behind other windows.
            ctx.send_viewport_cmd(ViewportCommand::Focus);
        }
    }

    /// The run with steps that are nowhere else.
    fn unsaved(&self) -> Option<&RunState> {
        let run = self.training.view()?;
        run.state.is_unsaved().then_some(&*run.state)
    }

    /// Draws the question when it is asked.
    pub(super) fn closing_ui(&mut self, ctx: &egui::Context, commands: &mut Commands) {
        if self.closing != Closing::Asking {
            return;
        }
        let Some(words) = self.unsaved().map(words) else {
            // It was saved meanwhile.
            self.closing = Closing::Open;
            return;
        };
        let place = Place {
            top: 96.0,
            width: 480.0,
        };
        let (chosen, is_left) = modal::show(ctx, "closing", place, |ui| contents_ui(&words, ui));
        match chosen {
            Some(Choice::Save) => {
                self.closing = Closing::Open;
                commands.push(Command::Train(TrainCommand::AskSave));
            }
            Some(Choice::Close) => {
                self.closing = Closing::Agreed;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Some(Choice::Stay) => self.closing = Closing::Open,
            None if is_left => self.closing = Closing::Open,
            None => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Choice {
    Save,
    Close,
    Stay,
}

fn contents_ui(words: &str, ui: &mut Ui) -> Option<Choice> {
    ui.heading("Close without saving the run?");
    caption(ui, words);
    ui.horizontal(|ui| {
        [
            (
                "Save the run…",
                "Asks where; the window stays open",
                Choice::Save,
            ),
            ("Close without saving", "Its steps are lost", Choice::Close),
            ("Stay", "Esc", Choice::Stay),
        ]
        .into_iter()
        .filter_map(|(text, tooltip, choice)| {
            let is_clicked = ui.button(text).on_hover_text(tooltip).clicked();
            is_clicked.then_some(choice)
        })
        .last()
    })
    .inner
}

fn words(run: &RunState) -> String {
    let name = &run.config.name;
    match run.saved {
        Some(saved) => format!(
            "{name} is saved to step {saved}, and stands at step {}.",
            run.step
        ),
        None => format!(
            "{name} stands at step {}, and none of it is saved.",
            run.step
        ),
    }
}
