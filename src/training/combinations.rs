//! Every choice of a run does some steps, from a file as from the window: what goes together trains,
//! and what does not is refused in plain words.

use super::*;
use crate::{
    analysis::{GALLERY, ImagesSource, PairSetKind},
    compute::{Compute, DevicePolicy},
    data::{AugmentConfig, BuiltinConfig, BuiltinKind},
    features::MatchingRule,
    models::{Architecture, Shortcut, Stem},
    objectives::{
        AlignUniform, DenseAlignUniform, DenseCl, DenseContrast, MomentumContrast, Negatives, Pauc,
        ProtoNce,
    },
    progress::Progress,
};

fn small() -> RunConfig {
    RunConfig {
        steps: 2,
        batch: 4,
        side: Some(16),
        architecture: Architecture::TinyConvNet { width: 4 },
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 8,
            side: 16,
            seed: 0,
        }),
        probe: Probe {
            images: 6,
            every: 2,
            ..Probe::default()
        },
        ..RunConfig::default()
    }
}

/// Writes the settings as a file has them, reads them back, and does all their steps and a probe.
/// The message of what was refused.
fn tried(config: &RunConfig) -> Result<Vec<f64>, String> {
    let words = |error: TrainingError| error.to_string();
    let text = config.to_toml().map_err(words)?;
    let read: RunConfig = toml::from_str(&text).map_err(|error| error.to_string())?;
    assert_eq!(read, *config);
    let compute = Compute::headless(DevicePolicy::Cpu).map_err(|error| error.to_string())?;
    let mut run = Run::new(read, &compute, &Progress::none()).map_err(words)?;
    let mut totals = Vec::new();
    for _ in 0..config.steps {
        let report = run.step(&Progress::none()).map_err(words)?;
        let total = report.values.iter().find(|(name, _)| name == "total");
        totals.push(total.expect("every loss has a total").1);
    }
    let probe = run.probe(None, &Progress::none()).map_err(words)?;
    assert!(!probe.features.is_empty());
    Ok(totals)
}

fn trains(what: &str, config: &RunConfig) {
    match tried(config) {
        Ok(totals) => assert!(totals.iter().all(|total| total.is_finite()), "{what}"),
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Every loss with every choice that it has beside its numbers.
fn losses() -> Vec<Objective> {
    let weighted = |align_weight, uniform_weight| {
        Objective::AlignUniform(AlignUniform {
            align_weight,
            uniform_weight,
            ..AlignUniform::default()
        })
    };
    let prototypes = ProtoNce {
        queue: 10,
        clusters: vec![2, 3],
        every: 1,
        from_step: 1,
        ..ProtoNce::default()
    };
    let mut losses = vec![
        weighted(1.0, 1.0),
        weighted(1.0, 0.0),
        weighted(0.0, 1.0),
        Objective::NtXent(crate::objectives::NtXent::default()),
        Objective::MomentumContrast(MomentumContrast {
            queue: 10,
            ..MomentumContrast::default()
        }),
        Objective::DenseCl(DenseCl {
            queue: 10,
            ..DenseCl::default()
        }),
        Objective::ProtoNce(prototypes.clone()),
        Objective::Pauc(Pauc {
            proto_nce: prototypes,
            ..Pauc::default()
        }),
        Objective::Supervised,
    ];
    for matching in MatchingRule::ALL {
        for pairs in PairSetKind::ALL {
            losses.push(Objective::DenseAlignUniform(DenseAlignUniform {
                matching,
                pairs,
                cells: 2,
                ..DenseAlignUniform::default()
            }));
        }
    }
    for negatives in [
        Negatives::Pooled,
        Negatives::All,
        Negatives::Random { count: 2 },
        Negatives::Hardest { count: 2 },
    ] {
        for [is_cross_view, reconstructs] in [[false, false], [true, false], [false, true]] {
            losses.push(Objective::DenseContrast(DenseContrast {
                negatives,
                is_cross_view,
                reconstructs,
                ..DenseContrast::default()
            }));
        }
    }
    losses
}

/// Every family of the menu at its usual side, narrow where it may be.
fn encoders() -> Vec<(Architecture, u32)> {
    let resnet = |depth, stem| Architecture::ResNet {
        depth,
        stem,
        width: 4,
    };
    vec![
        (Architecture::TinyConvNet { width: 4 }, 16),
        (
            Architecture::PreparedCifarResNet {
                blocks: vec![1, 1, 1],
                channels: vec![4, 8, 8],
            },
            16,
        ),
        (
            Architecture::CifarResNet {
                depth: 20,
                shortcut: Shortcut::A,
            },
            16,
        ),
        (
            Architecture::CifarResNet {
                depth: 20,
                shortcut: Shortcut::B,
            },
            16,
        ),
        (resnet(18, Stem::Cifar), 32),
        (resnet(18, Stem::ImageNet), 64),
        (resnet(50, Stem::Cifar), 32),
    ]
}

#[test]
fn every_loss_trains_every_encoder_that_has_locations() {
    let losses = losses();
    let kinds = Objective::all();
    let has_all = |kind: &Objective| losses.iter().any(|loss| loss.is_kind_of(kind));
    assert!(kinds.iter().all(has_all));
    for (index, objective) in losses.into_iter().enumerate() {
        for (place, (architecture, side)) in encoders().into_iter().enumerate() {
            // All with the quick ones; with the others each in its turn.
            if place > 1 && place != 2 + index % 5 {
                continue;
            }
            let config = RunConfig {
                objective: objective.clone(),
                architecture,
                side: Some(side),
                // The second step has prototypes.
                steps: if place == 0 { 2 } else { 1 },
                ..small()
            };
            let name = config.architecture.name();
            trains(&format!("{objective:?} of {name}"), &config);
        }
    }
}

#[test]
fn a_vector_without_locations_trains_what_needs_none() {
    // Its matrices are large: of those that look at locations two are enough to be refused.
    let all = losses();
    let (locations, rest): (Vec<_>, Vec<_>) =
        (all.into_iter()).partition(|loss| loss.matching().is_some());
    for objective in locations.into_iter().take(2).chain(rest) {
        let config = RunConfig {
            architecture: Architecture::SmallAlexNet {
                channels_in: 3,
                feat_dim: 8,
                input_side: 16,
            },
            objective: objective.clone(),
            steps: 1,
            ..small()
        };
        let outcome = tried(&config);
        if objective.matching().is_none() {
            assert!(outcome.is_ok(), "{objective:?}: {outcome:?}");
        } else {
            let error = outcome.unwrap_err();
            assert!(error.contains("looks at locations"), "{error}");
            assert!(error.contains("SmallAlexNet"), "{error}");
        }
    }
}

#[test]
fn every_head_optimiser_schedule_and_augmentation_trains() {
    for head in [
        Head::Linear { outputs: 2 },
        Head::Linear { outputs: 3 },
        Head::Linear { outputs: 1 },
        Head::Linear { outputs: 16 },
        Head::Mlp {
            hidden: 8,
            outputs: 5,
        },
        Head::None,
    ] {
        for (architecture, side) in encoders() {
            let config = RunConfig {
                head,
                architecture,
                side: Some(side),
                steps: 1,
                ..small()
            };
            trains(
                &format!("{head:?} of {}", config.architecture.name()),
                &config,
            );
        }
    }
    let sgd = |momentum, nesterov| Optimiser::Sgd {
        momentum,
        weight_decay: 1e-4,
        nesterov,
    };
    for optimiser in [
        sgd(0.9, false),
        sgd(0.9, true),
        sgd(0.0, false),
        Optimiser::Adam { weight_decay: 1e-4 },
        Optimiser::AdamW { weight_decay: 1e-2 },
    ] {
        for decay in [
            Decay::Constant,
            Decay::Cosine,
            Decay::Step {
                every: 1,
                factor: 0.5,
            },
        ] {
            for warmup_steps in [0, 1, 5] {
                let config = RunConfig {
                    optimiser,
                    schedule: Schedule {
                        warmup_steps,
                        decay,
                    },
                    ..small()
                };
                trains(
                    &format!("{optimiser:?}, {decay:?}, {warmup_steps}"),
                    &config,
                );
            }
        }
    }
    for (name, augment) in AugmentConfig::presets() {
        for augmentation_strength in [0.0, 0.5, 1.0, 2.0] {
            let config = RunConfig {
                augmentation_strength,
                augment,
                ..small()
            };
            trains(&format!("{name} × {augmentation_strength}"), &config);
        }
    }
}

#[test]
fn a_folder_of_any_images_is_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let classes = folder.path().join("classes");
    let flat = folder.path().join("flat");
    for class in ["a", "b"] {
        std::fs::create_dir_all(classes.join(class)).unwrap();
    }
    std::fs::create_dir_all(&flat).unwrap();
    for index in 0..8_u32 {
        // Neither square nor of one size.
        let picture = image::RgbImage::from_fn(20 + 7 * index, 40 - 3 * index, |x, y| {
            image::Rgb([(30 * index + x) as u8, (5 * y) as u8, 90])
        });
        let name = format!("{index}.png");
        let class = if index % 2 == 0 { "a" } else { "b" };
        picture.save(classes.join(class).join(&name)).unwrap();
        picture.save(flat.join(&name)).unwrap();
    }
    for objective in losses() {
        for path in [&classes, &flat] {
            let config = RunConfig {
                images: ImagesSource::Path {
                    path: path.clone(),
                    masks: None,
                },
                objective: objective.clone(),
                steps: 1,
                ..small()
            };
            let outcome = tried(&config);
            if objective.needs_labels() && path == &flat {
                let error = outcome.unwrap_err();
                assert!(error.contains("needs class labels"), "{error}");
            } else {
                assert!(outcome.is_ok(), "{objective:?}, {path:?}: {outcome:?}");
            }
        }
    }
}

/// What a run can start from beside the bundled encoders: checkpoints of other programs, where
/// there are some.
fn foreign() -> Vec<std::path::PathBuf> {
    let Some(data) = std::env::var_os("SPHERESCOPE_TEST_DATA") else {
        println!("skipped real checkpoints: SPHERESCOPE_TEST_DATA is not set");
        return Vec::new();
    };
    [
        "resnet20-12fca82f.th",
        "distiller-resnet20-dense.pth.tar",
        "phlippe-resnet-cifar10.ckpt",
    ]
    .map(|name| std::path::Path::new(&data).join("checkpoints").join(name))
    .into_iter()
    .filter(|path| path.exists())
    .collect()
}

#[test]
fn every_loss_tunes_every_encoder_that_is_opened() {
    let starts = GALLERY
        .iter()
        .map(|bundled| Start::Bundled(bundled.name.to_owned()))
        .chain(foreign().into_iter().map(Start::Checkpoint));
    for (place, start) in starts.enumerate() {
        for (index, objective) in losses().into_iter().enumerate() {
            // Align only, uniform only and both with all; the others each with two.
            if index > 2 && index % 5 != place % 5 {
                continue;
            }
            let config = RunConfig {
                start: start.clone(),
                objective: objective.clone(),
                steps: 1,
                ..small()
            };
            trains(&format!("{objective:?} from {start:?}"), &config);
        }
    }
}
