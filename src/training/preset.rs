//! Runs that teach: each shows one thing, and says what to look for.

use super::{Head, Objective, Probe, RunConfig, TrainingError};
use crate::{
    analysis::ImagesSource,
    data::{BuiltinConfig, BuiltinKind},
    features::FeatureKind,
    objectives::{
        AlignUniform, DenseAlignUniform, DenseCl, DenseContrast, MomentumContrast, Negatives,
        NtXent, Pauc, ProtoNce,
    },
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
            comment: "A random encoder begins with all points close together. They spread over the \
                      whole sphere, uniformity falls towards its floor of −2.08, and yet views of \
                      one image stay near each other: alignment ends at about 0.9, where strangers \
                      have 2. Nothing asks for classes, and they hardly part.",
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
            comment: "The points spread evenly and uniformity comes near its floor, nearer than in \
                      the healthy run, but views of one image are not held together: alignment ends \
                      at about 1.6, not far from the 2 of strangers.",
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
                      mean goes to the centre and std·√d to some 0.9, which look healthy, but the \
                      points bunch on opposite sides: uniformity stays far from its floor of \
                      −2.08.",
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
            name: "dimensional-collapse",
            title: "NT-Xent on 64 values: dimensional collapse",
            comment: "The run before on vectors of 64 values instead of 3. The mean is at the centre, \
                      std·√d near 1 and uniformity below what 3 values could reach: all looks well. \
                      But most directions stay (nearly) empty. Only the verdict's spectrum, RankMe \
                      and participation ratio tell, beside 64.",
            make: || RunConfig {
                head: Head::Linear { outputs: 64 },
                ..contrastive(Objective::NtXent(NtXent::default()))
            },
        },
        Self {
            name: "moco",
            title: "MoCo: a queue of keys",
            comment: "The contrast of three values again, against a queue of 256 keys that a slowly \
                      following encoder made, instead of the batch alone. It ends as NT-Xent does: \
                      aligned, spread, uniformity near its floor.",
            make: || RunConfig {
                learning_rate: 3e-3,
                ..contrastive(Objective::MomentumContrast(short_queue()))
            },
        },
        Self {
            name: "proto-nce",
            title: "ProtoNCE: coagulation",
            comment: "Every image is pulled hard to one of four prototypes. They stay apart, but their \
                      members huddle on them: prototype alignment falls to about half of the 0.5 that \
                      four even parts of the sphere would show, or less, and the verdict says \
                      coagulation. Colour the points by prototype to see who belongs where.",
            make: || contrastive(Objective::ProtoNce(four_prototypes())),
        },
        Self {
            name: "pauc",
            title: "PAUC against coagulation (our reading)",
            comment: "The same, with uniformity and correlation of the prototypes in the loss: on the \
                      whole their members have two or three times the room, the points lie more \
                      evenly, and the verdict less often says coagulation. Compare prototype \
                      alignment and uniformity with those of the run before.",
            make: || {
                contrastive(Objective::Pauc(Pauc {
                    align_weight: 0.0,
                    uniform_weight: 10.0,
                    correlation_weight: 10.0,
                    t: 2.0,
                    proto_nce: four_prototypes(),
                }))
            },
        },
        Self {
            name: "supervised",
            title: "Supervised cross-entropy",
            comment: "The reference of Wang & Isola's figure: a linear classifier trains with the \
                      encoder. Top-1 rises to more than twice chance (1 of 8), though nothing asks \
                      for alignment or uniformity.",
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
                      of one place lie nearer than after the instance run, while uniformity stays \
                      within 0.4 of it.",
            make: || multi_object(Objective::DenseAlignUniform(DenseAlignUniform::default())),
        },
        Self {
            name: "densecl",
            title: "DenseCL: pooled keys in a queue",
            comment: "Beside the pooled vectors each location meets its match in the other view, among a \
                      queue of pooled keys of locations. Matches meet, but the locations bunch: \
                      uniformity stays far from its floor of −3.51, and the participation ratio is \
                      about 2 of 16. Compare the two runs that follow.",
            make: || {
                locations(Objective::DenseCl(DenseCl {
                    queue: 512,
                    momentum: 0.9,
                    ..DenseCl::default()
                }))
            },
        },
        Self {
            name: "dense-pooled-negatives",
            title: "Negatives of locations: pooled (our reading)",
            comment: "The other images of the batch instead of a queue, both ways, and still one negative an \
                      image: the mean of its locations. No location lies where the mean does, so \
                      pushing it away leaves them bunched: see uniformity and the participation \
                      ratio.",
            make: || contrast_of_locations(Negatives::Pooled),
        },
        Self {
            name: "dense-all-negatives",
            title: "Negatives of locations: all, as DenseCL++ (our reading)",
            comment: "The same, with every location of the other images a negative. What the loss sees \
                      spreads over all 16 directions, and uniformity comes within some tenths of \
                      −3.51. Before the head little of it is left: within some hundred steps the \
                      encoder's own locations differ by .2 in uniformity and not in dense mIoU.",
            make: || contrast_of_locations(Negatives::All),
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

/// Contrast of locations on scenes of several objects; what is shown is what the loss sees of them.
/// Every location is told apart from all those of the batch, so batches are small.
fn locations(objective: Objective) -> RunConfig {
    let config = multi_object(objective);
    RunConfig {
        batch: 24,
        learning_rate: 1e-2,
        augmentation_strength: 0.5,
        head: Head::Linear { outputs: 16 },
        probe: Probe {
            kind: FeatureKind::ProjectedDense,
            ..config.probe
        },
        ..config
    }
}

fn contrast_of_locations(negatives: Negatives) -> RunConfig {
    locations(Objective::DenseContrast(DenseContrast {
        negatives,
        ..DenseContrast::default()
    }))
}

/// Keys of a few steps ago: an encoder that learns within some hundred steps leaves older ones
/// behind.
fn short_queue() -> MomentumContrast {
    MomentumContrast {
        queue: 256,
        momentum: 0.9,
        ..MomentumContrast::default()
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

/// At a high τ the prototypes' pull outweighs that of instances.
fn four_prototypes() -> ProtoNce {
    ProtoNce {
        temperature: 0.5,
        queue: 512,
        momentum: 0.9,
        clusters: vec![4],
        every: 25,
        from_step: 50,
        proto_weight: 10.0,
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
