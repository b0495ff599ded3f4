//! The encoder of a run, its head, and what moves the weights.

use egui::Ui;

use crate::{
    models::{Architecture, Shortcut, Stem},
    training::{Decay, Head, Optimiser, RunConfig, Schedule, Start},
    ui::widgets::{caption, choice, labelled, number_field},
};

/// Draws encoder, head, optimiser and schedule.
pub(super) fn network_ui(draft: &mut RunConfig, ui: &mut Ui) {
    if draft.start == Start::Scratch {
        encoder_ui(&mut draft.architecture, ui);
    }
    head_ui(&mut draft.head, ui);
    optimiser_ui(&mut draft.optimiser, ui);
    schedule_ui(&mut draft.schedule, ui);
}

/// Which family, and what of it.
fn encoder_ui(architecture: &mut Architecture, ui: &mut Ui) {
    let chosen = labelled(ui, "Encoder", |ui| {
        let options = families(architecture);
        choice(ui, "Encoder of the run", architecture, &options)
    });
    if let Some(chosen) = chosen {
        *architecture = chosen;
    }
    match architecture {
        Architecture::TinyConvNet { width } => {
            number_ui(
                "Width",
                "Width of the encoder",
                width,
                [4, 256],
                "channels",
                ui,
            );
        }
        Architecture::CifarResNet { depth, shortcut } => {
            depth_ui(depth, &[20, 32, 44, 56, 110], ui);
            let options = [
                (Shortcut::A, "A".to_owned(), "zeros for new channels"),
                (
                    Shortcut::B,
                    "B".to_owned(),
                    "a convolution for new channels",
                ),
            ];
            let chosen = labelled(ui, "Shortcut", |ui| {
                choice(ui, "Shortcut of the encoder", shortcut, &options)
            });
            *shortcut = chosen.unwrap_or(*shortcut);
        }
        Architecture::ResNet { depth, stem, width } => {
            depth_ui(depth, &[18, 34, 50], ui);
            let options = [
                (Stem::Cifar, "CIFAR".to_owned(), "3×3, for small images"),
                (
                    Stem::ImageNet,
                    "ImageNet".to_owned(),
                    "7×7 and pooling, for 224 pixels",
                ),
            ];
            let chosen = labelled(ui, "Stem", |ui| {
                choice(ui, "Stem of the encoder", stem, &options)
            });
            *stem = chosen.unwrap_or(*stem);
            number_ui(
                "Width",
                "Width of the encoder",
                width,
                [4, 256],
                "channels",
                ui,
            );
        }
        Architecture::SmallAlexNet {
            feat_dim,
            input_side,
            ..
        } => {
            number_ui(
                "Values",
                "Values of the encoder",
                feat_dim,
                [1, 4096],
                "",
                ui,
            );
            number_ui(
                "Input",
                "Input of the encoder",
                input_side,
                [32, 256],
                "pixels",
                ui,
            );
            // Its map is flattened, and must come out even.
            *input_side = *input_side / 8 * 8;
        }
        Architecture::PreparedCifarResNet { .. } => {}
    }
}

/// One of each family with its usual settings; that of the chosen one as it stands.
fn families(chosen: &Architecture) -> Vec<(Architecture, String, &'static str)> {
    [
        (
            Architecture::TinyConvNet { width: 16 },
            "tiny conv net",
            "for demos: a hundred steps in seconds",
        ),
        (
            Architecture::PreparedCifarResNet {
                blocks: vec![1, 1, 1],
                channels: vec![8, 16, 32],
            },
            "small CIFAR ResNet",
            "three blocks of 8, 16 and 32 channels",
        ),
        (
            Architecture::CifarResNet {
                depth: 20,
                shortcut: Shortcut::A,
            },
            "CIFAR ResNet",
            "ResNet-20 and deeper (He et al. 2016)",
        ),
        (
            Architecture::ResNet {
                depth: 18,
                stem: Stem::Cifar,
                width: 64,
            },
            "ResNet",
            "ResNet-18 and deeper, with either stem",
        ),
        (
            Architecture::SmallAlexNet {
                channels_in: 3,
                feat_dim: 128,
                input_side: 64,
            },
            "SmallAlexNet",
            "Wang & Isola's encoder for STL-10",
        ),
    ]
    .into_iter()
    .map(|(usual, name, about)| {
        let is_chosen = std::mem::discriminant(&usual) == std::mem::discriminant(chosen);
        if is_chosen {
            (chosen.clone(), chosen.name(), about)
        } else {
            (usual, name.to_owned(), about)
        }
    })
    .collect()
}

/// A whole number of an encoder or a head.
fn number_ui<N: egui::emath::Numeric>(
    name: &str,
    label: &str,
    value: &mut N,
    [least, most]: [u32; 2],
    unit: &str,
    ui: &mut Ui,
) {
    labelled(ui, name, |ui| {
        let range = N::from_f64(f64::from(least))..=N::from_f64(f64::from(most));
        if let Some(wanted) = number_field(ui, label, *value, range, 0.2) {
            *value = wanted;
        }
        if !unit.is_empty() {
            caption(ui, unit);
        }
    });
}

fn depth_ui<N: egui::emath::Numeric>(depth: &mut N, depths: &[u32], ui: &mut Ui) {
    let options: Vec<(N, String, &str)> = depths
        .iter()
        .map(|layers| {
            (
                N::from_f64(f64::from(*layers)),
                layers.to_string(),
                "layers",
            )
        })
        .collect();
    let chosen = labelled(ui, "Depth", |ui| {
        choice(ui, "Depth of the encoder", depth, &options)
    });
    if let Some(chosen) = chosen {
        *depth = chosen;
    }
}

/// How many layers the loss looks through, and how many values it sees.
fn head_ui(head: &mut Head, ui: &mut Ui) {
    let (hidden, outputs) = match *head {
        Head::None => (64, 3),
        Head::Linear { outputs } => (64, outputs),
        Head::Mlp { hidden, outputs } => (hidden, outputs),
    };
    let options = [
        (
            Head::Linear { outputs },
            "linear".to_owned(),
            "one layer behind the encoder",
        ),
        (
            Head::Mlp { hidden, outputs },
            "two layers".to_owned(),
            "with a ReLU between them",
        ),
        (
            Head::None,
            "none".to_owned(),
            "the loss is on the encoder's own feature",
        ),
    ];
    let chosen = labelled(ui, "Head", |ui| {
        choice(ui, "Head behind the encoder", head, &options)
    });
    if let Some(chosen) = chosen {
        *head = chosen;
    }
    if let Head::Mlp { hidden, .. } = head {
        number_ui(
            "Between",
            "Values between the layers",
            hidden,
            [1, 65_536],
            "values",
            ui,
        );
    }
    if let Head::Linear { outputs } | Head::Mlp { outputs, .. } = head {
        let unit = match *outputs {
            2 => "values, drawn exactly on the circle",
            3 => "values, drawn exactly on the sphere",
            _ => "values; 2 and 3 are drawn exactly",
        };
        number_ui(
            "Out",
            "Values that the loss sees",
            outputs,
            [1, 65_536],
            unit,
            ui,
        );
    }
}

fn optimiser_ui(optimiser: &mut Optimiser, ui: &mut Ui) {
    let usual = [
        Optimiser::Adam { weight_decay: 0.0 },
        Optimiser::AdamW { weight_decay: 1e-2 },
        Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 1e-4,
            nesterov: false,
        },
    ];
    let options = usual.map(|usual| {
        let is_chosen = std::mem::discriminant(&usual) == std::mem::discriminant(optimiser);
        let about = match usual {
            Optimiser::Adam { .. } => "weight decay is an L2 penalty",
            Optimiser::AdamW { .. } => "decoupled weight decay",
            Optimiser::Sgd { .. } => "with momentum, as Wang & Isola",
        };
        let shown = if is_chosen { *optimiser } else { usual };
        (shown, usual.name().to_owned(), about)
    });
    let chosen = labelled(ui, "Optimiser", |ui| {
        choice(ui, "Optimiser", optimiser, &options)
    });
    *optimiser = chosen.unwrap_or(*optimiser);
    if let Optimiser::Sgd {
        momentum, nesterov, ..
    } = optimiser
    {
        labelled(ui, "Momentum", |ui| {
            let label = "Momentum of the optimiser";
            if let Some(share) = number_field(ui, label, *momentum, 0.0..=0.999, 1e-3) {
                *momentum = share;
            }
            ui.checkbox(nesterov, "Nesterov");
        });
    }
    let (Optimiser::Sgd { weight_decay, .. }
    | Optimiser::Adam { weight_decay }
    | Optimiser::AdamW { weight_decay }) = optimiser;
    labelled(ui, "Weight decay", |ui| {
        if let Some(decay) = number_field(ui, "Weight decay", *weight_decay, 0.0..=1.0, 1e-4) {
            *weight_decay = decay;
        }
    });
}

fn schedule_ui(schedule: &mut Schedule, ui: &mut Ui) {
    labelled(ui, "Warm-up", |ui| {
        let steps = schedule.warmup_steps;
        if let Some(steps) = number_field(ui, "Steps of the warm-up", steps, 0..=1_000_000, 1.0) {
            schedule.warmup_steps = steps;
        }
        caption(ui, "steps");
    });
    let step = match schedule.decay {
        Decay::Step { .. } => schedule.decay,
        Decay::Constant | Decay::Cosine => Decay::Step {
            every: 200,
            factor: 0.1,
        },
    };
    let options = [
        (Decay::Constant, "constant".to_owned(), ""),
        (
            Decay::Cosine,
            "cosine".to_owned(),
            "half a cosine, to 0 at the end",
        ),
        (
            step,
            "steps".to_owned(),
            "falls by a factor, again and again",
        ),
    ];
    let chosen = labelled(ui, "Schedule", |ui| {
        choice(
            ui,
            "Schedule of the learning rate",
            &schedule.decay,
            &options,
        )
    });
    schedule.decay = chosen.unwrap_or(schedule.decay);
    if let Decay::Step { every, factor } = &mut schedule.decay {
        labelled(ui, "Falls every", |ui| {
            let label = "Steps between two falls";
            if let Some(steps) = number_field(ui, label, *every, 1..=1_000_000, 1.0) {
                *every = steps;
            }
            caption(ui, "steps, times");
            if let Some(share) = number_field(ui, "Factor of a fall", *factor, 0.001..=1.0, 1e-3) {
                *factor = share;
            }
        });
    }
}
