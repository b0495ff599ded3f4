//! Runs that teach: each shows one thing, and says what to look for.

use super::{Head, Objective, Probe, RunConfig, TrainingError};
use crate::{
    analysis::ImagesSource,
    data::{BuiltinConfig, BuiltinKind},
    features::FeatureKind,
    objectives::{AlignUniform, DenseAlignUniform, NtXent, Pauc, ProtoNce},
};

/// A prepared run.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Word of the command line.
    pub name: &'static str,
    /// For menus.
    pub title: &'static str,
    /// What to look for.
    pub comment: &'static str,
    make: fn() -> RunConfig,
}

impl Preset {
    /// All presets, in the order of menus.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "healthy",
            title: "Healthy: align + uniform",
            comment: "Views of one image meet while the points spread over the whole sphere: \
                      alignment and uniformity fall together, and the classes part.",
            make: RunConfig::default,
        },
        Self {
            name: "align-only",
            title: "Align only: complete collapse",
            comment: "Nothing pushes the points apart. Alignment falls to 0, which looks like \
                      success, but all images end on one point: uniformity rises to 0, std·√d \
                      falls to 0.",
            make: || weighted(1.0, 0.0),
        },
        Self {
            name: "uniform-only",
            title: "Uniform only",
            comment: "The points spread evenly and uniformity comes near its floor, but views of \
                      one image lie nearly as far apart as strangers: alignment stays high.",
            make: || weighted(0.0, 1.0),
        },
        Self {
            name: "no-augmentation",
            title: "No augmentation",
            comment: "Both views are the same picture, so the run's own alignment is 0 from the \
                      first step and teaches nothing. The probe, which does augment, sees its \
                      views far apart.",
            make: || RunConfig {
                augmentation_strength: 0.0,
                ..RunConfig::default()
            },
        },
        Self {
            name: "tau-too-high",
            title: "NT-Xent, τ too high",
            comment: "At τ = 10 all negatives weigh the same, so the loss only sees their mean. The \
                      mean goes to the centre and std·√d to 1, which look healthy, but the points \
                      bunch on opposite sides: uniformity stays far from its floor.",
            make: || RunConfig {
                objective: Objective::NtXent(NtXent { temperature: 10.0 }),
                ..RunConfig::default()
            },
        },
        Self {
            name: "nt-xent",
            title: "Healthy: NT-Xent",
            comment: "Contrast at τ = 0.2 does both at once. Beside the loss stand its two parts of \
                      theorem 1: one pulls views of an image together, the other spreads all \
                      points, and uniformity nears its floor.",
            make: || contrastive(Objective::NtXent(NtXent::default())),
        },
        Self {
            name: "proto-nce",
            title: "ProtoNCE: coagulation",
            comment: "Every image is pulled to one of eight prototypes. They stay well apart, but \
                      their members huddle: prototype alignment falls well below the 0.25 that \
                      eight even parts of the sphere would show. That is coagulation.",
            make: || contrastive(Objective::ProtoNce(eight_prototypes())),
        },
        Self {
            name: "pauc",
            title: "PAUC against coagulation (our reading)",
            comment: "The same, with uniformity and correlation of the prototypes in the loss: they \
                      spread over all directions, and their members have room. Compare prototype \
                      alignment, uniformity and correlation with those of the run before.",
            make: || {
                contrastive(Objective::Pauc(Pauc {
                    align_weight: 0.0,
                    uniform_weight: 2.0,
                    correlation_weight: 0.5,
                    t: 2.0,
                    proto_nce: eight_prototypes(),
                }))
            },
        },
        Self {
            name: "supervised",
            title: "Supervised cross-entropy",
            comment: "The reference of Wang & Isola's figure: a linear classifier trains with the \
                      encoder. Top-1 rises far above chance (1 of 8) and the classes part, though \
                      nothing asks for alignment or uniformity.",
            make: || RunConfig {
                objective: Objective::Supervised,
                head: Head::None,
                learning_rate: 1e-2,
                augmentation_strength: 0.15,
                ..RunConfig::default()
            },
        },
        Self {
            name: "instance-multi-object",
            title: "Several objects: instance",
            comment: "Align + uniform of pooled vectors on scenes of several objects. What is shown \
                      are the locations: compare their alignment with that of the run `dense`.",
            make: || multi_object(Objective::default()),
        },
        Self {
            name: "dense",
            title: "Several objects: dense",
            comment: "Align + uniform of locations, matched by position, on the same scenes: views \
                      of one place meet that lie far apart after the instance run, while \
                      uniformity is as good.",
            make: || multi_object(Objective::DenseAlignUniform(DenseAlignUniform::default())),
        },
    ];

    /// The settings.
    pub fn config(&self) -> RunConfig {
        RunConfig {
            name: self.name.to_owned(),
            ..(self.make)()
        }
    }

    /// The preset of a name.
    ///
    /// # Errors
    /// [`TrainingError::NoPreset`] with the names that there are.
    pub fn named(name: &str) -> Result<&'static Self, TrainingError> {
        Self::ALL
            .iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| TrainingError::NoPreset {
                name: name.to_owned(),
                known: Self::ALL
                    .iter()
                    .map(|preset| preset.name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

/// On scenes of several objects; what is shown are the encoder's own locations.
fn multi_object(objective: Objective) -> RunConfig {
    let config = RunConfig::default();
    RunConfig {
        objective,
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::MultiObject,
            count: 2048,
            side: 32,
            seed: 0,
        }),
        probe: Probe {
            images: 64,
            kind: FeatureKind::Dense,
            ..config.probe
        },
        ..config
    }
}

/// Views mild enough for a tiny encoder: with stronger ones it aligns by not spreading.
fn contrastive(objective: Objective) -> RunConfig {
    RunConfig {
        objective,
        learning_rate: 1e-2,
        augmentation_strength: 0.3,
        ..RunConfig::default()
    }
}

fn eight_prototypes() -> ProtoNce {
    ProtoNce {
        queue: 512,
        momentum: 0.9,
        clusters: vec![8],
        every: 25,
        from_step: 50,
        proto_weight: 3.0,
        ..ProtoNce::default()
    }
}

fn weighted(align_weight: f64, uniform_weight: f64) -> RunConfig {
    RunConfig {
        objective: Objective::AlignUniform(AlignUniform {
            align_weight,
            uniform_weight,
            ..AlignUniform::default()
        }),
        ..RunConfig::default()
    }
}
