//! The correlation lab: how alignment and uniformity go with performance over many encoders.

mod along;
mod axes;
mod facets;
mod folder;
mod map;
mod plots;
mod scores;
mod small;
mod sweep;

use egui::{ScrollArea, Ui};

use crate::{
    lab::{Answer, Question, performance_words},
    ui::{
        Command, Commands, FolderCommand, LabCommand, LabPage, LabState, LabView, Pane, TableLink,
        World,
        icons::Icon,
        theme,
        widgets::{caption, caption_line, choice, empty_state, how_to_read, note, section},
    },
};

pub use along::trails_plot;
pub use map::cells_ui;
pub use plots::{plane_plot, trend_plots};
pub use small::tiles_ui;

/// From this size on findings stand beside the picture, in points.
const ROOMY: egui::Vec2 = egui::vec2(820.0, 420.0);

/// Below this width the pages' names stand closer, in points.
const NARROW: f32 = 430.0;

/// Draws the correlation lab.
pub fn lab_ui(view: &mut LabView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    how_to_read(ui, Pane::Correlation.how_to_read());
    let nothing = LabState::default();
    let state = world.lab.unwrap_or(&nothing);
    if let Some(answer) = &state.answer {
        head_ui(view, state, answer, commands, ui);
    } else {
        source_ui(state, commands, ui);
    }
    // What is under way stays above the picture, the choice of another stands below.
    sweep::bar_ui(state, commands, ui);
    folder::bar_ui(state, commands, ui);
    let room = ui.available_height();
    ScrollArea::vertical()
        .id_salt("correlation")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            if let Some(problem) = &state.problem {
                note(ui, Icon::Warning, problem);
            }
            match &state.answer {
                Some(answer) => answer_ui(view, world, answer, room, commands, ui),
                None if state.is_working => {
                    caption(ui, "Computing scores…");
                }
                None if state.is_sweeping() => empty_state(
                    ui,
                    "The sweep is being prepared",
                    "Each encoder appears here as soon as its run is measured.",
                ),
                None if state.link == TableLink::Measuring => empty_state(
                    ui,
                    "The first checkpoint is being measured",
                    "Each appears here as soon as it has its numbers.",
                ),
                None if state.link == TableLink::Run => empty_state(
                    ui,
                    "The run has kept no frame yet",
                    "Each appears here as soon as it is probed.",
                ),
                None => {
                    caption(
                        ui,
                        "Open a table with alignment, uniformity and performance, measure a folder \
                         of checkpoints, or start a sweep.",
                    );
                    folder::choice_ui(&mut view.folder, state, world, commands, ui);
                    sweep::choice_ui(view, state, commands, ui);
                }
            }
        });
}

/// Pages, and which alignment, uniformity, performance and encoders: two rows, so that small tiles
/// have room for the picture.
fn head_ui(
    view: &mut LabView,
    state: &LabState,
    answer: &Answer,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x *= 0.5;
        if ui.available_width() < NARROW * theme::mark_scale(ui) {
            // One row in a narrow tile too: the picture needs the height.
            ui.spacing_mut().button_padding.x *= 0.5;
        }
        for page in LabPage::ALL {
            let label = ui.selectable_label(view.page == page, page.name());
            if label.on_hover_text(page.explanation()).clicked() {
                view.page = page;
            }
        }
        ui.menu_button("Table", |ui| source_ui(state, commands, ui))
            .response
            .on_hover_text("Open another table, relate what was measured here, export");
    });
    question_ui(answer, commands, ui);
}

/// Where a table comes from, and where it goes.
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
        let folder = LabCommand::Folder(FolderCommand::Ask);
        button("Folder…", true, folder);
        button("Columns…", state.source.is_some(), LabCommand::AskColumns);
        button("Measured here", true, LabCommand::UseMeasured);
        button("Judge the shown", !state.is_judging, LabCommand::JudgeShown);
        button("Export…", state.answer.is_some(), LabCommand::AskExport);
    });
    if let Some(source) = &state.source {
        caption_line(ui, source);
    }
}

fn answer_ui(
    view: &mut LabView,
    world: &World<'_>,
    answer: &Answer,
    room: f32,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let nothing = LabState::default();
    let state = world.lab.unwrap_or(&nothing);
    let size = egui::vec2(ui.available_width(), room) / theme::mark_scale(ui);
    let is_roomy = size.x >= ROOMY.x && size.y >= ROOMY.y;
    if is_roomy && view.page != LabPage::Scores {
        let findings = size.x * 0.3 * theme::mark_scale(ui);
        ui.horizontal_top(|ui| {
            let left = ui.available_width() - findings - ui.spacing().item_spacing.x * 2.0;
            ui.vertical(|ui| {
                ui.set_width(left);
                page_ui(view, state, answer, room, commands, ui);
            });
            ui.vertical(|ui| {
                ui.set_width(findings);
                section(ui, "Findings");
                scores::findings_ui(answer, ui);
                below_ui(view, world, answer, commands, ui);
            });
        });
        return;
    }
    page_ui(view, state, answer, room, commands, ui);
    if view.page != LabPage::Scores {
        section(ui, "Findings");
        scores::findings_ui(answer, ui);
    }
    below_ui(view, world, answer, commands, ui);
}

fn page_ui(
    view: &mut LabView,
    state: &LabState,
    answer: &Answer,
    room: f32,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let opened = state.opened_row;
    match view.page {
        LabPage::Plane => plots::plane_ui(answer, opened, room, commands, ui),
        LabPage::Trends => plots::trends_ui(answer, opened, room, commands, ui),
        LabPage::Grid => small::grid_ui(view, answer, opened, commands, ui),
        LabPage::Map => map::map_ui(view, answer, commands, ui),
        LabPage::Along => along::along_ui(view, state, room, commands, ui),
        LabPage::Scores => scores::scores_ui(answer, ui),
    }
}

/// What was refused, where the table comes from, and another series.
fn below_ui(
    view: &mut LabView,
    world: &World<'_>,
    answer: &Answer,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let nothing = LabState::default();
    let state = world.lab.unwrap_or(&nothing);
    folder::remarks_ui(answer, ui);
    if let Some(source) = &state.source {
        caption_line(ui, source);
    }
    folder::choice_ui(&mut view.folder, state, world, commands, ui);
    sweep::choice_ui(view, state, commands, ui);
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
    let columns = &answer.columns;
    let measures = plain(columns.measures.iter().map(|(name, _)| name).collect());
    let tasks: Vec<(String, String, &str)> = (columns.performances.iter())
        .map(|(name, _)| (name.clone(), performance_words(name), ""))
        .collect();
    ui.columns(2, |sides| {
        sides[0].horizontal(|ui| {
            caption(ui, "A, U").on_hover_text("Alignment and uniformity of these vectors");
            if let Some(measure) = choice(ui, "Measure", &question.measure, &measures) {
                ask(Question {
                    measure,
                    ..question.clone()
                });
            }
        });
        sides[1].horizontal(|ui| {
            caption(ui, "P").on_hover_text("Performance downstream, higher is better");
            if let Some(task) = choice(ui, "Task", &question.task, &tasks) {
                ask(Question {
                    task,
                    ..question.clone()
                });
            }
        });
    });
    if !question.only.is_empty() {
        ui.horizontal_wrapped(|ui| {
            caption(ui, format!("Only {}", question.only_words()));
            if ui.small_button("All encoders").clicked() {
                ask(Question {
                    only: Vec::new(),
                    ..question.clone()
                });
            }
        });
    }
}
