//! What a run is started with, and the knobs that turn while it goes.

use egui::{Slider, Ui};

use crate::{
    analysis::{EncoderSource, ImagesSource, PairSetKind},
    data::{BuiltinConfig, BuiltinKind},
    features::MatchingRule,
    models::{Architecture, Shortcut, Stem},
    objectives::{DenseContrast, Negatives, ProtoNce},
    training::{Head, KnobRange, Objective, Optimiser, Phase, Preset, RunConfig, Start},
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
    preset_ui(view, commands, ui);
    egui::CollapsingHeader::new("Settings of the new run")
        .id_salt("settings of the new run")
        .show(ui, |ui| settings_ui(&mut view.draft, world, ui));
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
    objective_ui(&mut draft.objective, ui);
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

/// Which loss, and what it has beside its knobs.
fn objective_ui(objective: &mut Objective, ui: &mut Ui) {
    let about = |objective: &Objective| match objective {
        Objective::AlignUniform(_) => "Wang & Isola 2020",
        Objective::NtXent(_) => "InfoNCE within the batch, as SimCLR",
        Objective::MomentumContrast(_) => "He et al. 2020",
        Objective::DenseCl(_) => "pooled vectors and locations; Wang et al. 2021",
        Objective::ProtoNce(_) => "prototypes of clusterings; Li et al. 2021",
        Objective::Pauc(_) => "prototypes with alignment, uniformity, correlation; our reading",
        Objective::Supervised => "the reference: a linear classifier trains with the encoder",
        Objective::DenseAlignUniform(_) => "every location; our reading of Moon, Kim & Choi 2022",
        Objective::DenseContrast(_) => "every location; our reading of Iskender et al. 2022",
    };
    let options: Vec<(Objective, String, &str)> = Objective::all()
        .into_iter()
        .map(|usual| {
            let about = about(&usual);
            // The one chosen keeps its settings.
            let shown = if usual.is_kind_of(objective) {
                objective.clone()
            } else {
                usual
            };
            let title = shown.title().to_owned();
            (shown, title, about)
        })
        .collect();
    let chosen = labelled(ui, "Objective", |ui| {
        choice(ui, "Objective of the run", objective, &options)
    });
    if let Some(chosen) = chosen {
        *objective = chosen;
    }
    match objective {
        Objective::DenseAlignUniform(loss) => {
            matching_ui(&mut loss.matching, ui);
            let sets = PairSetKind::ALL.map(|set| (set, set.to_string(), ""));
            let chosen = labelled(ui, "Uniform over", |ui| {
                choice(ui, "Pairs of dense uniformity", &loss.pairs, &sets)
            });
            loss.pairs = chosen.unwrap_or(loss.pairs);
            labelled(ui, "Locations", |ui| {
                let label = "Locations an image for uniformity";
                if let Some(cells) = number_field(ui, label, loss.cells, 1..=1024, 0.1) {
                    loss.cells = cells;
                }
                caption(ui, "an image, drawn anew each step");
            });
        }
        Objective::DenseContrast(loss) => {
            matching_ui(&mut loss.matching, ui);
            negatives_ui(loss, ui);
        }
        Objective::MomentumContrast(loss) => queue_ui(&mut loss.queue, &mut loss.momentum, ui),
        Objective::ProtoNce(loss) => prototypes_ui(loss, ui),
        Objective::Pauc(loss) => prototypes_ui(&mut loss.proto_nce, ui),
        Objective::DenseCl(loss) => queue_ui(&mut loss.queue, &mut loss.momentum, ui),
        Objective::AlignUniform(_) | Objective::NtXent(_) | Objective::Supervised => {}
    }
}

fn prototypes_ui(loss: &mut ProtoNce, ui: &mut Ui) {
    let mut options: Vec<(Vec<usize>, String, &str)> =
        [vec![8], vec![16], vec![8, 16], vec![8, 16, 32], vec![64]]
            .into_iter()
            .map(|counts| {
                let words: Vec<String> = counts.iter().map(ToString::to_string).collect();
                (counts, words.join(" and "), "one number a clustering")
            })
            .collect();
    if !options.iter().any(|(counts, ..)| *counts == loss.clusters) {
        let title = format!("{:?}", loss.clusters);
        options.push((loss.clusters.clone(), title, "the preset's own"));
    }
    let chosen = labelled(ui, "Prototypes", |ui| {
        choice(
            ui,
            "Prototypes of each clustering",
            &loss.clusters,
            &options,
        )
    });
    if let Some(clusters) = chosen {
        loss.clusters = clusters;
    }
    labelled(ui, "Cluster every", |ui| {
        let label = "Steps between clusterings";
        if let Some(every) = number_field(ui, label, loss.every, 1..=100_000, 1.0) {
            loss.every = every;
        }
        caption(ui, "steps");
    });
    queue_ui(&mut loss.queue, &mut loss.momentum, ui);
}

fn queue_ui(queue: &mut usize, momentum: &mut f64, ui: &mut Ui) {
    labelled(ui, "Queue", |ui| {
        if let Some(count) = number_field(ui, "Keys in the queue", *queue, 2..=65_536, 16.0) {
            *queue = count;
        }
        caption(ui, "keys");
    });
    labelled(ui, "Momentum", |ui| {
        let label = "Momentum of the key encoder";
        if let Some(share) = number_field(ui, label, *momentum, 0.0..=1.0, 1e-3) {
            *momentum = share;
        }
    });
}

fn matching_ui(matching: &mut MatchingRule, ui: &mut Ui) {
    let about = |rule| match rule {
        MatchingRule::Geometric => "by position in the original image",
        MatchingRule::BackboneArgmax => "most similar by the encoder's features, as DenseCL",
        MatchingRule::ProjectedArgmax => "most similar by the very features that are trained",
        MatchingRule::SameIndex | MatchingRule::Random => "a control",
    };
    let rules = MatchingRule::ALL.map(|rule| (rule, rule.to_string(), about(rule)));
    let chosen = labelled(ui, "Matching", |ui| {
        choice(ui, "Matching of locations", matching, &rules)
    });
    *matching = chosen.unwrap_or(*matching);
}

fn negatives_ui(loss: &mut DenseContrast, ui: &mut Ui) {
    let mut options: Vec<(Negatives, String, &str)> = [
        Negatives::Pooled,
        Negatives::All,
        Negatives::Random { count: 4 },
        Negatives::Hardest { count: 4 },
    ]
    .into_iter()
    .map(|negatives| (negatives, negatives.title(), ""))
    .collect();
    if !options.iter().any(|(known, ..)| *known == loss.negatives) {
        let title = loss.negatives.title();
        options.push((loss.negatives, title, "the preset's own"));
    }
    let chosen = labelled(ui, "Negatives", |ui| {
        choice(ui, "Negatives of other images", &loss.negatives, &options)
    });
    loss.negatives = chosen.unwrap_or(loss.negatives);
    let about = "Negatives also come from the query's own view of the other images";
    ui.checkbox(&mut loss.is_cross_view, "negatives of both views")
        .on_hover_text(about);
    let about = "A light decoder paints each location's patch, and its error is trained along";
    ui.checkbox(&mut loss.reconstructs, "auxiliary reconstruction")
        .on_hover_text(about);
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
