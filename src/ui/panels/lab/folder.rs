//! A folder of checkpoints as a series: what is measured, how far it is, and what was refused.

use egui::{Align, Layout, Ui};

use crate::{
    features::FeatureKind,
    lab::{Answer, Task},
    ui::{
        Command, Commands, FolderCommand, FolderPhase, FolderState, FolderView, LabCommand,
        LabState, SeriesImages, TableLink, World,
        icons::Icon,
        widgets::{caption, caption_line, choice, icon_button, labelled, note, seconds, section},
    },
};

/// Refused checkpoints that are listed.
const MOST_REMARKS: usize = 60;

fn ask(commands: &mut Commands, command: FolderCommand) {
    commands.push(Command::Lab(LabCommand::Folder(command)));
}

/// Draws the series under way, or that the open table has checkpoints left, in a line; nothing
/// else.
pub(super) fn bar_ui(state: &LabState, commands: &mut Commands, ui: &mut Ui) {
    let Some(folder) = &state.folder else {
        return;
    };
    if folder.phase == FolderPhase::Working {
        ui.horizontal(|ui| {
            if icon_button(ui, Icon::Stop, "Stop measuring")
                .on_hover_text(FolderCommand::Stop.tooltip())
                .clicked()
            {
                ask(commands, FolderCommand::Stop);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if state.link != TableLink::Measuring && ui.button("Show its table").clicked() {
                    ask(commands, FolderCommand::Follow);
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| progress_ui(folder, ui));
            });
        });
    } else if state.link == TableLink::Unmeasured {
        ui.horizontal_wrapped(|ui| {
            let about = FolderCommand::GoOn.tooltip();
            if ui.button("Go on measuring").on_hover_text(about).clicked() {
                ask(commands, FolderCommand::GoOn);
            }
            caption(
                ui,
                format!(
                    "{} of {} checkpoints are measured.",
                    folder.done, folder.total
                ),
            );
        });
    }
    if let Some(problem) = &folder.problem {
        note(ui, Icon::Warning, problem);
    }
}

fn progress_ui(folder: &FolderState, ui: &mut Ui) {
    let share = folder.done as f32 / folder.total.max(1) as f32;
    let bar = egui::ProgressBar::new(share).desired_height(6.0);
    let _ = ui.add(bar).accessible_name("Progress of measuring");
    if folder.total == 0 {
        caption_line(ui, "looking through the folder");
        return;
    }
    let left = folder
        .remaining_s
        .map_or_else(String::new, |left| format!(" · {} left", seconds(left)));
    let now = (folder.now.as_ref()).map_or_else(String::new, |now| format!(" · {now}"));
    let line = format!("{} of {} checkpoints{left}{now}", folder.done, folder.total);
    caption_line(ui, &line);
}

/// Draws what is measured of a folder, and the buttons that begin it.
pub(super) fn choice_ui(
    view: &mut FolderView,
    state: &LabState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    section(ui, "Checkpoints");
    labelled(ui, "Vectors", |ui| {
        ui.horizontal_wrapped(|ui| {
            for kind in FeatureKind::ALL {
                let mut is_in = view.kinds.contains(&kind);
                if ui.checkbox(&mut is_in, kind.name()).changed() {
                    view.toggle_kind(kind);
                }
            }
        });
    });
    labelled(ui, "Performance", |ui| {
        ui.horizontal_wrapped(|ui| {
            for task in FolderView::TASKS {
                let mut is_in = view.tasks.contains(&task);
                let name = match task {
                    Task::Knn => "k-NN".to_owned(),
                    probe => format!("{probe} probe"),
                };
                let response = ui.checkbox(&mut is_in, name);
                if response.on_hover_text(task.metric()).changed() {
                    view.toggle_task(task);
                }
            }
        });
    });
    let options = SeriesImages::ALL.map(|one| (one, one.name().to_owned(), ""));
    if let Some(images) = labelled(ui, "Images", |ui| {
        choice(ui, "Images of the folder", &view.images, &options)
    }) {
        view.images = images;
    }
    let is_free = (state.folder.as_ref()).is_none_or(|one| one.phase != FolderPhase::Working);
    ui.horizontal_wrapped(|ui| {
        let mut button = |is_there: bool, text: &str, command: FolderCommand| {
            let about = command.tooltip();
            let response = ui.add_enabled(is_there, egui::Button::new(text));
            if response.on_hover_text(about).clicked() {
                ask(commands, command);
            }
        };
        button(is_free, "Measure a folder…", FolderCommand::Ask);
        if let Some([judged]) = world.verdict_series.map(|series| &series.paths[..]) {
            let name = judged.file_name().unwrap_or_default().to_string_lossy();
            let measure = FolderCommand::Measure(judged.clone());
            button(is_free, &format!("Measure {name}"), measure);
        }
        if state.run_folder.is_some() {
            button(is_free, "Measure the saved run", FolderCommand::MeasureRun);
        }
        if world.run.is_some() {
            button(true, "Snapshots of the run", FolderCommand::FollowRun);
        }
        let line = (state.folder.as_ref()).and_then(|folder| folder.command_line.as_ref());
        if let Some(line) = line
            && ui.button("Copy its command").clicked()
        {
            commands.push(Command::Copy {
                what: "the command line".into(),
                text: line.to_string(),
            });
        }
    });
    let request = world.request;
    caption(
        ui,
        format!(
            "Positive pairs, α = {}, t = {} and seed as in Sources; the first vectors and the first \
             performance are what is shown first. Locations: 128 images at most, a seeded sample.",
            request.alpha, request.t
        ),
    );
}

/// Draws what was refused, a line each.
pub(super) fn remarks_ui(answer: &Answer, ui: &mut Ui) {
    let remarks = &answer.remarks;
    if remarks.is_empty() {
        return;
    }
    section(ui, "Not measured");
    for (name, why) in remarks.iter().take(MOST_REMARKS) {
        caption_line(ui, &format!("{name}: {why}"));
    }
    if remarks.len() > MOST_REMARKS {
        caption(ui, format!("and {} more", remarks.len() - MOST_REMARKS));
    }
}
