//! What a run is started with, and the knobs that turn while it goes.

use egui::{Slider, Ui};

use crate::{
    analysis::{EncoderSource, ImagesSource},
    data::{BuiltinConfig, BuiltinKind},
    models::{Architecture, Shortcut, Stem},
    training::{Head, KnobRange, Optimiser, Phase, Preset, RunConfig, Start},
    ui::{
        Command, Commands, TrainCommand, TrainingView, World,
        widgets::{caption, choice, labelled, number_field, section},
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
    }
    section(ui, "A new run");
    preset_ui(view, ui);
    labelled(ui, "", |ui| {
        let start = TrainCommand::StartDraft;
        if ui.button("Start").on_hover_text(start.tooltip()).clicked() {
            commands.push(Command::Train(start));
        }
    });
    egui::CollapsingHeader::new("Settings of the new run")
        .id_salt("settings of the new run")
        .show(ui, |ui| settings_ui(&mut view.draft, world, ui));
}

fn preset_ui(view: &mut TrainingView, ui: &mut Ui) {
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
    if let Ok(preset) = Preset::named(&view.preset) {
        caption(ui, preset.comment);
        if view.draft != preset.config() {
            caption(ui, "Settings below differ from the preset's.");
        }
    }
}

fn knob_ui(known: KnobRange, commands: &mut Commands, ui: &mut Ui) {
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

fn settings_ui(draft: &mut RunConfig, world: &World<'_>, ui: &mut Ui) {
    start_ui(draft, world, ui);
    if draft.start == Start::Scratch {
        let options: Vec<(Architecture, String, &str)> = encoders()
            .into_iter()
            .map(|architecture| (architecture.clone(), architecture.name(), ""))
            .collect();
        let chosen = labelled(ui, "Encoder", |ui| {
            choice(ui, "Encoder of the run", &draft.architecture, &options)
        });
        if let Some(chosen) = chosen {
            draft.architecture = chosen;
        }
    }
    outputs_ui(draft, ui);
    data_ui(draft, world, ui);
    let optimisers = optimisers();
    let chosen = labelled(ui, "Optimiser", |ui| {
        choice(ui, "Optimiser", &draft.optimiser, &optimisers)
    });
    if let Some(chosen) = chosen {
        draft.optimiser = chosen;
    }
    numbers_ui(draft, ui);
    if let Err(error) = draft.check() {
        crate::ui::widgets::note(ui, crate::ui::icons::Icon::Failure, &error.to_string());
    }
}

/// From random weights, or from the checkpoint that is open.
fn start_ui(draft: &mut RunConfig, world: &World<'_>, ui: &mut Ui) {
    let mut options = vec![(Start::Scratch, "random weights".to_owned(), "")];
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
}

fn outputs_ui(draft: &mut RunConfig, ui: &mut Ui) {
    let heads = [
        (
            Head::Linear { outputs: 2 },
            "linear, 2 values",
            "drawn exactly on the circle",
        ),
        (
            Head::Linear { outputs: 3 },
            "linear, 3 values",
            "drawn exactly on the sphere",
        ),
        (Head::Linear { outputs: 64 }, "linear, 64 values", ""),
        (
            Head::Mlp {
                hidden: 64,
                outputs: 3,
            },
            "two layers, 3 values",
            "drawn exactly on the sphere",
        ),
        (
            Head::Mlp {
                hidden: 128,
                outputs: 128,
            },
            "two layers, 128 values",
            "",
        ),
        (
            Head::None,
            "none",
            "the loss is on the encoder's own feature",
        ),
    ];
    let mut options: Vec<(Head, String, &str)> = heads
        .into_iter()
        .map(|(head, name, about)| (head, name.to_owned(), about))
        .collect();
    if !options.iter().any(|(head, ..)| *head == draft.head) {
        options.push((draft.head, format!("{:?}", draft.head), "the preset's own"));
    }
    let chosen = labelled(ui, "Head", |ui| {
        choice(ui, "Head behind the encoder", &draft.head, &options)
    });
    if let Some(chosen) = chosen {
        draft.head = chosen;
    }
}

fn data_ui(draft: &mut RunConfig, world: &World<'_>, ui: &mut Ui) {
    let builtin = |kind| {
        ImagesSource::Builtin(BuiltinConfig {
            kind,
            count: 2048,
            side: 32,
            seed: 0,
        })
    };
    let mut options: Vec<(ImagesSource, String, &str)> =
        [BuiltinKind::SingleObject, BuiltinKind::MultiObject]
            .into_iter()
            .map(|kind| (builtin(kind), format!("built-in {}", kind.title()), ""))
            .collect();
    if let ImagesSource::Path { path, .. } = &world.request.images {
        let name = path.file_name().unwrap_or(path.as_os_str());
        options.push((
            world.request.images.clone(),
            format!("the open images, {}", name.to_string_lossy()),
            "",
        ));
    }
    if !options.iter().any(|(images, ..)| *images == draft.images) {
        options.push((draft.images.clone(), "the preset's own".to_owned(), ""));
    }
    let chosen = labelled(ui, "Images", |ui| {
        choice(ui, "Images of the run", &draft.images, &options)
    });
    if let Some(chosen) = chosen {
        draft.images = chosen;
    }
}

fn numbers_ui(draft: &mut RunConfig, ui: &mut Ui) {
    labelled(ui, "Steps", |ui| {
        if let Some(steps) = number_field(ui, "Steps of the run", draft.steps, 1..=10_000_000, 10.0)
        {
            draft.steps = steps;
        }
    });
    labelled(ui, "Batch", |ui| {
        if let Some(batch) = number_field(ui, "Batch of the run", draft.batch, 2..=4096, 1.0) {
            draft.batch = batch;
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

fn encoders() -> Vec<Architecture> {
    vec![
        Architecture::TinyConvNet { width: 16 },
        Architecture::PreparedCifarResNet {
            blocks: vec![1, 1, 1],
            channels: vec![8, 16, 32],
        },
        Architecture::CifarResNet {
            depth: 20,
            shortcut: Shortcut::A,
        },
        Architecture::ResNet {
            depth: 18,
            stem: Stem::Cifar,
            width: 64,
        },
        Architecture::ResNet {
            depth: 18,
            stem: Stem::ImageNet,
            width: 64,
        },
        Architecture::SmallAlexNet {
            channels_in: 3,
            feat_dim: 128,
            input_side: 64,
        },
    ]
}

fn optimisers() -> Vec<(Optimiser, String, &'static str)> {
    vec![
        (
            Optimiser::Adam { weight_decay: 0.0 },
            "Adam".to_owned(),
            "without weight decay",
        ),
        (
            Optimiser::AdamW { weight_decay: 1e-2 },
            "AdamW".to_owned(),
            "weight decay 0.01",
        ),
        (
            Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 1e-4,
                nesterov: false,
            },
            "SGD with momentum".to_owned(),
            "momentum 0.9, weight decay 1e-4, as Wang & Isola",
        ),
    ]
}
