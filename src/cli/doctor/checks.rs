//! The app's own paths for the self-test: an encoder, uniformity of features where they lie, and
//! steps of training.

use std::error::Error;

use burn::tensor::{Tensor, TensorData};

use crate::{
    analysis::ImagesSource,
    cli::bench::input::normal,
    compute::{Compute, read_tensor, selftest::Case},
    data::{BuiltinConfig, BuiltinKind},
    measure::{self, PairSet, Rows},
    models::{Architecture, BatchNormForm, SeededInit, StageOutput, Stem},
    objectives::NtXent,
    progress::Progress,
    training::{Head, Objective, Optimiser, RunConfig, StepBench},
};

type Outcome = Result<Vec<f32>, Box<dyn Error + Send + Sync>>;

/// Images of the encoder's check, and their side.
const IMAGES: usize = 2;
const SIDE: usize = 64;
/// Rows and dimensions of the uniformity check: more than one tile of the device.
const ROWS: usize = 5000;
const DIM: usize = 64;
/// Steps of the training check.
const STEPS: usize = 3;
/// Weights of the encoder.
const SEED: u64 = 7;

/// The checks, for [`selftest::run`](crate::compute::selftest::run).
pub(super) const CHECKS: [Case; 3] = [
    Case {
        name: "encoder",
        what: "ResNet-18, seeded weights, 2×3×64×64 to its last map: on the CPU the program's own \
               convolutions, else Burn's on the device, with batch normalisation folded; against \
               Burn's modules on the CPU with batch normalisation as layers",
        tolerance: 1e-4,
        tolerance_reason: "sums of up to 4608 products in another order through 20 layers; errors \
                           add like a random walk, to some 5e-6",
        compute: encoder,
        reference: network,
    },
    Case {
        name: "all pairs",
        what: "L_uniform(t=2) of 5000 unit rows in 64 dimensions by the tiles of the analysis, \
               against a plain double loop in float64",
        tolerance: 1e-5,
        tolerance_reason: "each of 12.5 million terms is rounded by some 1e-6, to either side",
        compute: uniformity,
        reference: uniformity_plainly,
    },
    Case {
        name: "training",
        what: "losses of three steps of NT-Xent (SGD, rate 0.1) on one batch of 32 built-in \
               images through a small network",
        tolerance: 1e-3,
        tolerance_reason: "a step multiplies the rounding of the gradients, tenfold that of the \
                           forward pass",
        compute: losses,
        reference: losses,
    },
];

fn resnet18() -> Architecture {
    Architecture::ResNet {
        depth: 18,
        stem: Stem::ImageNet,
        width: 64,
    }
}

fn images(compute: &Compute) -> Tensor<4> {
    let shape = [IMAGES, 3, SIDE, SIDE];
    let values = normal(shape.iter().product(), 2);
    Tensor::from_data(TensorData::new(values, shape), compute.device())
}

fn map_of(output: StageOutput) -> Outcome {
    Ok(match output {
        StageOutput::Map(map) => read_tensor(map)?,
        StageOutput::Vector(rows) => read_tensor(rows)?,
    })
}

fn encoder(compute: &Compute) -> Outcome {
    let architecture = resnet18();
    let encoder = architecture.build(&mut SeededInit::new(SEED), compute.device())?;
    map_of(encoder.forward(images(compute), architecture.default_dense_stage())?)
}

fn network(compute: &Compute) -> Outcome {
    let architecture = resnet18();
    let source = &mut SeededInit::new(SEED);
    let network = architecture.network(source, BatchNormForm::Separate, compute.device())?;
    map_of(network.forward(images(compute), architecture.default_dense_stage())?)
}

/// Rows with a drift, so that neighbouring ones are near and the mean over pairs is not tiny.
fn rows() -> Vec<f32> {
    let mut values = normal(ROWS * DIM, 3);
    for row in values.chunks_exact_mut(DIM) {
        row[0] += 4.0;
    }
    crate::geometry::normalise_rows(&mut values, DIM);
    values
}

fn uniformity(compute: &Compute) -> Outcome {
    let rows = rows();
    let found = if compute.is_gpu() {
        let data = TensorData::new(rows, [ROWS, DIM]);
        let unit = Tensor::<2>::from_data(data, compute.device());
        measure::uniformity_on_device(&unit, 2.0, &Progress::none())?
    } else {
        measure::uniformity(Rows::new(&rows, DIM)?, 2.0, PairSet::All, &Progress::none())?
    };
    Ok(vec![found.value as f32])
}

#[expect(clippy::unnecessary_wraps, reason = "as the other sides")]
fn uniformity_plainly(_: &Compute) -> Outcome {
    let rows = rows();
    let row = |index: usize| &rows[index * DIM..(index + 1) * DIM];
    let mut sum = 0.0;
    for i in 0..ROWS {
        for j in 0..i {
            let squared: f64 = (row(i).iter().zip(row(j)))
                .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
                .sum();
            sum += (-2.0 * squared).exp();
        }
    }
    let pairs = (ROWS * (ROWS - 1) / 2) as f64;
    Ok(vec![(sum / pairs).ln() as f32])
}

fn losses(compute: &Compute) -> Outcome {
    let config = RunConfig {
        batch: 32,
        side: Some(32),
        architecture: Architecture::TinyConvNet { width: 8 },
        head: Head::Linear { outputs: 8 },
        objective: Objective::NtXent(NtXent::default()),
        optimiser: Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 0.0,
            nesterov: false,
        },
        learning_rate: 0.1,
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 32,
            side: 32,
            seed: 0,
        }),
        ..RunConfig::default()
    };
    let mut bench = StepBench::new(config, compute)?;
    (0..STEPS).map(|_| Ok(bench.step()? as f32)).collect()
}
