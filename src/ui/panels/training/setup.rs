//! What a run is started with, and the knobs that turn while it goes.

use egui::{Slider, Ui};

use super::{data::data_ui, network::network_ui, objective::objective_ui};
use crate::{
    analysis::{EncoderSource, GALLERY},
    training::{KnobRange, Phase, Preset, RunConfig, Start},
    ui::{
        Command, Commands, TrainCommand, TrainingView, World,
        icons::Icon,
        widgets::{caption, choice, labelled, note, number_field, section},
    },
};

/// Draws preset, settings and knobs.
pub(super) fn setup_ui(
    view: &mut TrainingView,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let live = world
        .run
        .filter(|run| !matches!(run.state.phase, Phase::Stopped | Phase::Preparing));
    if let Some(run) = live {
        section(ui, "Knobs, mid-run");
        for known in run.state.config.knobs() {
            knob_ui(known, commands, ui);
        }
        augmentations_button(commands, ui);
    }
    section(ui, "A new run");
    preset_ui(view, commands, ui);
    egui::CollapsingHeader::new("Settings of the new run")
        .id_salt("settings of the new run")
        .show(ui, |ui| settings_ui(&mut view.draft, world, commands, ui));
}

fn preset_ui(view: &mut TrainingView, commands: &mut Commands, ui: &mut Ui) {
    let options: Vec<(String, String, &str)> = Preset::ALL
        .iter()
        .map(|preset| {
            (
                preset.name.to_owned(),
                preset.title.to_owned(),
                preset.comment,
            )
        })
        .collect();
    let chosen = labelled(ui, "Preset", |ui| {
        choice(ui, "Preset", &view.preset, &options)
    });
    if let Some(chosen) = chosen {
        if let Ok(preset) = Preset::named(&chosen) {
            view.draft = preset.config();
        }
        view.preset = chosen;
    }
    labelled(ui, "", |ui| {
        let start = TrainCommand::StartDraft;
        if ui.button("Start").on_hover_text(start.tooltip()).clicked() {
            commands.push(Command::Train(start));
        }
    });
    if let Ok(preset) = Preset::named(&view.preset) {
        caption(ui, preset.comment);
        if view.draft != preset.config() {
            caption(ui, "Settings below differ from the preset's.");
        }
    }
}

pub(super) fn knob_ui(known: KnobRange, commands: &mut Commands, ui: &mut Ui) {
    let mut value = known.value;
    let title = known.knob.title();
    let response = labelled(ui, title, |ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 80.0).max(60.0);
        ui.add(
            Slider::new(&mut value, known.min..=known.max)
                .logarithmic(known.is_logarithmic)
                .max_decimals(6)
                .smart_aim(true),
        )
    });
    let response = response
        .accessible_name(title)
        .on_hover_text("Acts from the next step on and leaves a mark on the curves");
    if response.changed() && value != known.value {
        commands.push(Command::Train(TrainCommand::Set(known.knob, value)));
    }
}

fn augmentations_button(commands: &mut Commands, ui: &mut Ui) {
    labelled(ui, "", |ui| {
        let show = TrainCommand::ToggleAugmentations;
        let button = ui.button("Augmentations…").on_hover_text(show.tooltip());
        if button.clicked() {
            commands.push(Command::Train(show));
        }
    });
}

fn settings_ui(draft: &mut RunConfig, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    section(ui, "Loss");
    objective_ui(&mut draft.objective, ui);
    knob_fields_ui(draft, ui);
    section(ui, "Encoder");
    start_ui(draft, world, ui);
    network_ui(draft, ui);
    section(ui, "Images");
    data_ui(draft, world, ui);
    augmentations_button(commands, ui);
    section(ui, "Course");
    course_ui(draft, ui);
    if let Err(error) = draft.check() {
        note(ui, Icon::Failure, &error.to_string());
    }
}

/// Where each knob stands at the beginning.
fn knob_fields_ui(draft: &mut RunConfig, ui: &mut Ui) {
    for known in draft.knobs() {
        labelled(ui, known.knob.title(), |ui| {
            let label = format!("Start with {}", known.knob.title());
            let speed = (known.max - known.min) / 1e4;
            let range = known.min..=known.max;
            if let Some(value) = number_field(ui, &label, known.value, range, speed) {
                // The field keeps to the knob's range.
                let _ = draft.set(known.knob, value);
            }
        });
    }
}

/// From random weights, or from the checkpoint that is open.
fn start_ui(draft: &mut RunConfig, world: &World<'_>, ui: &mut Ui) {
    let mut options = vec![(Start::Scratch, "random weights".to_owned(), "")];
    options.extend(GALLERY.iter().map(|bundled| {
        let start = Start::Bundled(bundled.name.to_owned());
        (
            start,
            format!("bundled: {}", bundled.title),
            bundled.comment,
        )
    }));
    if let EncoderSource::File(path) = &world.request.encoder {
        options.push((
            Start::Checkpoint(path.clone()),
            format!("the open checkpoint {}", world.request.encoder.title()),
            "Fine-tunes its encoder; a new head is put behind it",
        ));
    }
    if let Start::Checkpoint(path) = &draft.start
        && !options.iter().any(|(start, ..)| *start == draft.start)
    {
        options.push((draft.start.clone(), path.display().to_string(), ""));
    }
    let chosen = labelled(ui, "From", |ui| {
        choice(ui, "Start from", &draft.start, &options)
    });
    if let Some(chosen) = chosen {
        draft.start = chosen;
    }
    if !matches!(world.request.encoder, EncoderSource::File(_)) {
        caption(ui, "Open a checkpoint file to fine-tune it here.");
    }
}

/// How long, from which seed, and what is kept of it.
fn course_ui(draft: &mut RunConfig, ui: &mut Ui) {
    labelled(ui, "Steps", |ui| {
        if let Some(steps) = number_field(ui, "Steps of the run", draft.steps, 1..=10_000_000, 10.0)
        {
            draft.steps = steps;
        }
    });
    labelled(ui, "Seed", |ui| {
        if let Some(seed) = number_field(ui, "Seed of the run", draft.seed, 0..=u64::MAX, 1.0) {
            draft.seed = seed;
        }
    });
    labelled(ui, "Probe every", |ui| {
        let every = draft.probe.every;
        if let Some(every) = number_field(ui, "Steps between probes", every, 1..=100_000, 1.0) {
            draft.probe.every = every;
        }
        caption(ui, "steps");
    });
    labelled(ui, "Snapshot every", |ui| {
        let every = draft.snapshot_every;
        let label = "Steps between snapshots";
        if let Some(every) = number_field(ui, label, every, 1..=1_000_000, 1.0) {
            draft.snapshot_every = every;
        }
        caption(ui, "steps; a run can go back to each");
    });
}
