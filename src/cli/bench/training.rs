//! Steps of training.

use super::{Prepared, Setting};
use crate::{
    analysis::ImagesSource,
    data::{BuiltinConfig, BuiltinKind},
    models::{Architecture, Stem},
    objectives::DenseCl,
    training::{Head, Objective, Optimiser, RunConfig, StepBench},
};

/// Images of a batch; each gives two views.
const BATCH: usize = 64;

/// The tiny net of the demo runs, align + uniform on three outputs.
pub fn tiny(setting: &Setting) -> anyhow::Result<Prepared> {
    prepared(
        setting,
        RunConfig {
            head: Head::Linear { outputs: 3 },
            ..config(Architecture::TinyConvNet { width: 16 }, 32)
        },
    )
}

/// ResNet-18 with ImageNet's stem at 64 pixels.
pub fn resnet18(setting: &Setting, objective: Objective) -> anyhow::Result<Prepared> {
    let architecture = Architecture::ResNet {
        depth: 18,
        stem: Stem::ImageNet,
        width: 64,
    };
    prepared(
        setting,
        RunConfig {
            objective,
            ..config(architecture, 64)
        },
    )
}

/// DenseCL with queues of 1,024 keys.
pub fn densecl(setting: &Setting) -> anyhow::Result<Prepared> {
    resnet18(setting, Objective::DenseCl(DenseCl::default()))
}

fn config(architecture: Architecture, side: u32) -> RunConfig {
    RunConfig {
        architecture,
        side: Some(side),
        batch: BATCH,
        head: Head::Linear { outputs: 128 },
        learning_rate: 1e-3,
        optimiser: Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 1e-4,
            nesterov: false,
        },
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: BATCH,
            side,
            seed: 0,
        }),
        ..RunConfig::default()
    }
}

fn prepared(setting: &Setting, config: RunConfig) -> anyhow::Result<Prepared> {
    let mut bench = StepBench::new(config, setting.compute)?;
    Ok(Prepared {
        run: Box::new(move || Ok(bench.step()?)),
        items: 1,
        unit: "steps",
    })
}
