//! The correlation lab: how alignment and uniformity go with performance over many encoders.

mod map;
mod plots;
mod scores;
mod sweep;

use egui::{ScrollArea, Ui};

use crate::{
    lab::{Answer, Question},
    ui::{
        Command, Commands, LabCommand, LabPage, LabState, LabView, Pane, World,
        icons::Icon,
        widgets::{caption, caption_line, choice, empty_state, how_to_read, note, section},
    },
};

pub use plots::plane_plot;

/// Draws the correlation lab.
pub fn lab_ui(view: &mut LabView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    how_to_read(ui, Pane::Correlation.how_to_read());
    let nothing = LabState::default();
    let state = world.lab.unwrap_or(&nothing);
    ScrollArea::vertical()
        .id_salt("correlation")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            source_ui(state, commands, ui);
            if let Some(problem) = &state.problem {
                note(ui, Icon::Warning, problem);
            }
            // What is under way stands above the picture, the choice of another below.
            let is_first = state.answer.is_none() || state.is_sweeping();
            if is_first {
                sweep::sweep_ui(view, state, commands, ui);
            }
            match &state.answer {
                Some(answer) => answer_ui(view, answer, commands, ui),
                None if state.is_working => {
                    caption(ui, "Computing scores…");
                }
                None => empty_state(
                    ui,
                    "No encoders yet",
                    "Open a table with alignment, uniformity and performance, or start a sweep.",
                ),
            }
            if !is_first {
                sweep::sweep_ui(view, state, commands, ui);
            }
        });
}

fn source_ui(state: &LabState, commands: &mut Commands, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        let mut button = |name: &str, is_enabled: bool, command: LabCommand| {
            let response = ui.add_enabled(is_enabled, egui::Button::new(name));
            let tooltip = command.tooltip();
            let response = if tooltip.is_empty() {
                response
            } else {
                response.on_hover_text(tooltip)
            };
            if response.clicked() {
                commands.push(Command::Lab(command));
            }
        };
        button("Open table…", true, LabCommand::AskOpen);
        button("Columns…", state.source.is_some(), LabCommand::AskColumns);
        button("Measured here", true, LabCommand::UseMeasured);
        button("Judge the shown", !state.is_judging, LabCommand::JudgeShown);
        button("Export…", state.answer.is_some(), LabCommand::AskExport);
    });
    if let Some(source) = &state.source {
        let n = state.answer.as_ref().map_or_else(String::new, |answer| {
            let left = answer.table.rows().len() - answer.series.len();
            let without = if left > 0 {
                format!(", {left} without all numbers or left out")
            } else {
                String::new()
            };
            format!(" · n = {}{without}", answer.series.len())
        });
        caption_line(ui, &format!("{source}{n}"));
    }
}

fn answer_ui(view: &mut LabView, answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    question_ui(answer, commands, ui);
    ui.horizontal_wrapped(|ui| {
        for page in LabPage::ALL {
            if ui
                .selectable_label(view.page == page, page.name())
                .clicked()
            {
                view.page = page;
            }
        }
    });
    match view.page {
        LabPage::Plane => plots::plane_ui(answer, commands, ui),
        LabPage::Trends => plots::trends_ui(answer, commands, ui),
        LabPage::Scores => scores::scores_ui(answer, ui),
        LabPage::Map => map::map_ui(view, answer, commands, ui),
        LabPage::Along => plots::along_ui(view, answer, commands, ui),
    }
    if view.page != LabPage::Scores {
        section(ui, "Findings");
        scores::findings_ui(answer, ui);
    }
}

/// Which alignment and uniformity, which performance, which encoders.
fn question_ui(answer: &Answer, commands: &mut Commands, ui: &mut Ui) {
    let question = &answer.question;
    let mut ask = |question: Question| commands.push(Command::Lab(LabCommand::Ask(question)));
    let plain = |names: Vec<&String>| -> Vec<(String, String, &str)> {
        names
            .into_iter()
            .map(|name| (name.clone(), name.clone(), ""))
            .collect()
    };
    let measures = plain(
        answer
            .columns
            .measures
            .iter()
            .map(|(name, _)| name)
            .collect(),
    );
    let tasks = plain(
        answer
            .columns
            .performances
            .iter()
            .map(|(name, _)| name)
            .collect(),
    );
    ui.columns(2, |sides| {
        caption(&mut sides[0], "A and U of");
        if let Some(measure) = choice(&mut sides[0], "Measure", &question.measure, &measures) {
            ask(Question {
                measure,
                ..question.clone()
            });
        }
        caption(&mut sides[1], "P by");
        if let Some(task) = choice(&mut sides[1], "Task", &question.task, &tasks) {
            ask(Question {
                task,
                ..question.clone()
            });
        }
    });
    if let Some((column, value)) = &question.only {
        ui.horizontal_wrapped(|ui| {
            caption(ui, format!("Only {column} = {value}"));
            if ui.small_button("All encoders").clicked() {
                ask(Question {
                    only: None,
                    ..question.clone()
                });
            }
        });
    }
}
