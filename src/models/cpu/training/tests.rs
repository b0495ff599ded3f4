//! Gradients against Burn's tape, against finite differences, and from thread count to thread count.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use pulp::Arch;

use super::{CpuTrainer, LayerGradients, LayerValues, NormValues};
use crate::models::{
    Architecture, BatchNormForm, ConvPlan, ModelError, Network, ProcessorSteps, SeededInit,
    Shortcut, ShortcutPlan, StageOutput, Stem, StepPlan, TensorSource,
};

/// Reproducible values in −1..1.
fn noise(count: usize, seed: f32) -> Vec<f32> {
    (0..count)
        .map(|i| ((i as f32 * 12.9898 + seed).sin() * 43_758.547).fract())
        .collect()
}

/// A seeded source whose vectors are no constants.
struct Noisy(SeededInit);

impl TensorSource for Noisy {
    fn has(&self, name: &str) -> bool {
        self.0.has(name)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.shape(name)
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut values = self.0.take(name, shape)?;
        if shape.len() == 1 {
            let seed = name.bytes().map(f32::from).sum();
            for (value, noise) in values.iter_mut().zip(noise(shape[0], seed)) {
                *value += 0.3 * noise;
            }
        }
        Ok(values)
    }
}

fn network(architecture: &Architecture) -> Network {
    let device = Device::flex().autodiff();
    let mut source = Noisy(SeededInit::new(7));
    architecture
        .network(&mut source, BatchNormForm::Separate, &device)
        .unwrap()
}

/// Σ output · fixed weights: a loss with a gradient of its own at every value.
fn loss(output: StageOutput) -> Tensor<1> {
    let rows = match output {
        StageOutput::Map(map) => map.flatten::<2>(1, 3),
        StageOutput::Vector(rows) => rows,
    };
    let dims = rows.dims();
    let weights = TensorData::new(noise(dims[0] * dims[1], 3.0), dims);
    let weights = Tensor::<2>::from_data(weights, &rows.device());
    (rows * weights).sum()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .detach()
        .into_data()
        .as_slice::<f32>()
        .unwrap()
        .to_vec()
}

/// Every parameter's gradient in the order of the fields, and every running statistic.
fn everything(network: &Network, gradients: &GradientsParams) -> [Vec<Vec<f32>>; 2] {
    struct Reader<'a>(&'a GradientsParams, [Vec<Vec<f32>>; 2]);
    impl ModuleVisitor for Reader<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            match self.0.get::<D>(param.id) {
                Some(gradient) => self.1[0].push(values(gradient)),
                None => self.1[1].push(values(param.val())),
            }
        }
    }
    for conv in network.stages.iter().flat_map(|stage| &stage.steps) {
        let norms: Vec<_> = match conv {
            crate::models::Step::Conv(conv) => vec![conv.norm.clone()],
            crate::models::Step::Residual(block) => {
                let convs = block.body.iter().chain(&block.projection);
                convs.map(|conv| conv.norm.clone()).collect()
            }
            crate::models::Step::Linear(linear) => vec![linear.norm.clone()],
            crate::models::Step::MaxPool(_) => Vec::new(),
        };
        for norm in norms.into_iter().flatten() {
            norm.running_mean.value_sync();
            norm.running_var.value_sync();
        }
    }
    let mut reader = Reader(gradients, [Vec::new(), Vec::new()]);
    network.visit(&mut reader);
    reader.1
}

/// Largest difference relative to the largest value.
fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let pairs = found.iter().zip(expected);
    let error = pairs.fold(0.0_f32, |max, (a, b)| max.max((a - b).abs()));
    assert!(scale > 0.0, "the reference is all zeros");
    error / scale
}

/// One step's gradients and statistics on both paths.
fn compare(architecture: &Architecture, shape: [usize; 4]) {
    let device = Device::flex().autodiff();
    let images = || {
        let pixels = TensorData::new(noise(shape.iter().product(), 0.0), shape);
        Tensor::<4>::from_data(pixels, &device)
    };
    let by_burn = network(architecture);
    let expected = by_burn
        .forward(images(), architecture.default_stage())
        .unwrap();
    let expected_loss = loss(expected);
    let mut gradients = expected_loss.backward();
    let gradients = GradientsParams::from_module(&mut gradients, &by_burn);
    let [expected, expected_state] = everything(&by_burn, &gradients);

    let own = network(architecture);
    let steps = ProcessorSteps::for_network(&own, &device).expect("a path of the processor");
    let (output, recording) = steps.forward(&own, images(), true).unwrap();
    let found_loss = loss(output);
    let mut gradients = found_loss.backward();
    let mut all = GradientsParams::from_module(&mut gradients, &own);
    let recording = recording.expect("a way back");
    steps
        .backward(&own, recording, &mut gradients, &mut all)
        .unwrap();
    let [found, state] = everything(&own, &all);

    assert_eq!(found.len(), expected.len(), "{architecture}");
    assert_eq!(state.len(), expected_state.len(), "{architecture}");
    let worst = |found: &[Vec<f32>], expected: &[Vec<f32>]| {
        let errors = found.iter().zip(expected);
        errors.fold(0.0_f32, |worst, (found, expected)| {
            worst.max(relative_error(found, expected))
        })
    };
    let gradients = worst(&found, &expected);
    let statistics = worst(&state, &expected_state);
    println!("{architecture} {shape:?}: gradients {gradients:.1e}, statistics {statistics:.1e}");
    // Sums of thousands of products in another order, through up to 21 layers and as many
    // normalisations; ten times that through fifty.
    let is_deep = architecture.tensors().len() > 200;
    assert!(
        gradients < if is_deep { 1e-3 } else { 1e-4 },
        "{architecture} {shape:?}: {gradients}"
    );
    assert!(statistics < 1e-5, "{architecture} {shape:?}: {statistics}");
}

#[test]
fn tiny_nets_have_burns_gradients() {
    for width in [16, 5] {
        compare(&Architecture::TinyConvNet { width }, [9, 3, 16, 16]);
    }
}

#[test]
fn cifar_resnets_have_burns_gradients() {
    for shortcut in [Shortcut::A, Shortcut::B] {
        let architecture = Architecture::CifarResNet {
            depth: 20,
            shortcut,
        };
        compare(&architecture, [3, 3, 16, 16]);
    }
    let lightning = Architecture::PreparedCifarResNet {
        blocks: vec![2, 1],
        channels: vec![16, 24],
    };
    compare(&lightning, [4, 3, 13, 10]);
}

#[test]
fn resnets_have_burns_gradients() {
    let resnet = |depth, stem, width| Architecture::ResNet { depth, stem, width };
    compare(&resnet(18, Stem::ImageNet, 12), [4, 3, 64, 64]);
    for stem in [Stem::Cifar, Stem::CifarPadded] {
        compare(&resnet(18, stem, 12), [4, 3, 16, 16]);
    }
    // Through fifty layers a rounding grows until some ReLU at its corner changes its mind, and
    // with it the gradient: the fewer values, the rarer.
    compare(&resnet(50, Stem::Cifar, 2), [3, 3, 16, 16]);
}

#[test]
fn small_alexnet_has_burns_gradients_behind_its_maps_too() {
    let architecture = Architecture::SmallAlexNet {
        channels_in: 2,
        feat_dim: 8,
        input_side: 24,
    };
    // Eight images: of six, one of the 4096 values of fc7 lies within rounding of zero, where the ReLU
    // has no gradient to agree on.
    compare(&architecture, [8, 2, 24, 24]);
}

/// The tensors of a plan's convolutions, on the host.
struct Layers(Vec<(ConvPlan, Vec<Vec<f32>>)>);

impl Layers {
    fn new(architecture: &Architecture) -> Self {
        let mut source = Noisy(SeededInit::new(3));
        let plan = architecture.blueprint().unwrap();
        let mut convs = Vec::new();
        for step in plan.stages.iter().flat_map(|stage| &stage.steps) {
            match step {
                StepPlan::Conv(conv) => convs.push(conv.clone()),
                StepPlan::Residual(block) => {
                    convs.extend(block.body.iter().cloned());
                    if let ShortcutPlan::Conv(conv) = &block.shortcut {
                        convs.push(conv.clone());
                    }
                }
                _ => {}
            }
        }
        let layers = convs.into_iter().map(|conv| {
            let mut take = |name: String, shape: &[usize]| source.take(&name, shape).unwrap();
            let mut tensors = vec![take(format!("{}.weight", conv.name), &conv.weight_shape())];
            if conv.has_bias {
                tensors.push(take(format!("{}.bias", conv.name), &[conv.outputs]));
            }
            if let Some(norm) = &conv.norm {
                tensors.push(take(format!("{norm}.weight"), &[conv.outputs]));
                tensors.push(take(format!("{norm}.bias"), &[conv.outputs]));
            }
            (conv, tensors)
        });
        Self(layers.collect())
    }

    fn values(&self) -> Vec<LayerValues<'_>> {
        let layers = self.0.iter();
        layers
            .map(|(conv, tensors)| LayerValues {
                weight: &tensors[0],
                bias: conv.has_bias.then(|| tensors[1].as_slice()),
                norm: conv.norm.as_ref().map(|_| NormValues {
                    scale: &tensors[tensors.len() - 2],
                    shift: &tensors[tensors.len() - 1],
                    epsilon: 1e-5,
                }),
            })
            .collect()
    }
}

/// Σ output · fixed weights, in f64, and the gradients of all layers.
fn step(trainer: &CpuTrainer, layers: &Layers, shape: [usize; 4]) -> (f64, Vec<LayerGradients>) {
    let images = noise(shape.iter().product(), 0.0);
    let values = layers.values();
    let pass = trainer.forward(&values, &images, shape, true);
    let weights = noise(pass.values.len(), 3.0);
    let products = pass.values.iter().zip(&weights);
    let loss = products
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum::<f64>();
    (loss, trainer.backward(&values, pass.tape, &weights))
}

/// The gradients in the order of [`Layers`]' tensors.
fn tensors(gradients: &LayerGradients) -> Vec<&Vec<f32>> {
    let mut all = vec![&gradients.weight];
    all.extend(&gradients.bias);
    all.extend(gradients.norm.iter().flatten());
    all
}

#[test]
fn gradients_are_finite_differences() {
    let lightning = Architecture::PreparedCifarResNet {
        blocks: vec![1, 1],
        channels: vec![4, 6],
    };
    for architecture in [Architecture::TinyConvNet { width: 3 }, lightning] {
        let trainer = CpuTrainer::new(&architecture.blueprint().unwrap()).unwrap();
        let mut layers = Layers::new(&architecture);
        let shape = [5, 3, 8, 8];
        let (_, gradients) = step(&trainer, &layers, shape);
        for (layer, gradients) in gradients.iter().enumerate() {
            for (tensor, gradient) in tensors(gradients).into_iter().enumerate() {
                // Along the gradient itself the slope is its length.
                let length = gradient
                    .iter()
                    .map(|v| f64::from(v * v))
                    .sum::<f64>()
                    .sqrt();
                // Short enough that hardly any ReLU changes its mind.
                let distance = 1e-3;
                let before = layers.0[layer].1[tensor].clone();
                let mut at = |share: f64| {
                    let moved = before.iter().zip(gradient);
                    layers.0[layer].1[tensor] = moved
                        .map(|(v, g)| v + (share * f64::from(*g) / length) as f32)
                        .collect();
                    step(&trainer, &layers, shape).0
                };
                let slope = (at(distance) - at(-distance)) / (2.0 * distance);
                layers.0[layer].1[tensor] = before;
                // Loss values of some tens with f32's rounding, over 2e-3; and a ReLU or two.
                let error = (slope / length - 1.0).abs();
                assert!(
                    error < 0.02,
                    "{architecture}: {layer}.{tensor}: {slope} {length}"
                );
            }
        }
    }
}

#[test]
fn every_thread_count_gives_the_same_bits() {
    let architecture = Architecture::ResNet {
        depth: 18,
        stem: Stem::ImageNet,
        width: 8,
    };
    let trainer = CpuTrainer::new(&architecture.blueprint().unwrap()).unwrap();
    let layers = Layers::new(&architecture);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let (loss, gradients) = pool
            .unwrap()
            .install(|| step(&trainer, &layers, [19, 3, 32, 32]));
        let bits: BTreeMap<usize, Vec<u32>> = gradients
            .iter()
            .enumerate()
            .map(|(layer, gradients)| {
                let values = tensors(gradients).into_iter().flatten();
                (layer, values.map(|value| value.to_bits()).collect())
            })
            .collect();
        (loss.to_bits(), bits)
    };
    let alone = run(1);
    for threads in [2, 3, 7] {
        // The second time in buffers that have been used.
        assert!(run(threads) == alone, "{threads} threads");
    }
}

#[test]
fn shorter_registers_give_the_same_gradients() {
    let architecture = Architecture::CifarResNet {
        depth: 8,
        shortcut: Shortcut::B,
    };
    let plan = architecture.blueprint().unwrap();
    let layers = Layers::new(&architecture);
    let best = CpuTrainer::new(&plan).unwrap();
    let (_, expected) = step(&best, &layers, [3, 3, 12, 12]);
    let shorter: Vec<Arch> = {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = pulp::x86::V3::try_new();
            avx2.map(Arch::V3).into_iter().collect()
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            Vec::new()
        }
    };
    for arch in shorter {
        let trainer = CpuTrainer::new_for(arch, &plan).unwrap();
        let (_, found) = step(&trainer, &layers, [3, 3, 12, 12]);
        for (found, expected) in found.iter().zip(&expected) {
            for (found, expected) in tensors(found).into_iter().zip(tensors(expected)) {
                assert!(relative_error(found, expected) < 1e-5);
            }
        }
    }
}

#[test]
fn without_a_way_back_the_values_are_the_same_and_maps_are_not_kept() {
    let architecture = Architecture::ResNet {
        depth: 18,
        stem: Stem::Cifar,
        width: 8,
    };
    let plan = architecture.blueprint().unwrap();
    let layers = Layers::new(&architecture);
    let values = layers.values();
    let shape = [9, 3, 16, 16];
    let images = noise(shape.iter().product(), 0.0);
    let pass = |records: bool| {
        let trainer = CpuTrainer::new(&plan).unwrap();
        let pass = trainer.forward(&values, &images, shape, records);
        let means: Vec<Vec<f32>> = pass
            .statistics
            .into_iter()
            .flatten()
            .map(|statistics| statistics.mean)
            .collect();
        trainer.forget(pass.tape);
        (pass.values, means, trainer.kept_bytes())
    };
    let (kept, let_go) = (pass(true), pass(false));
    assert!(kept.0 == let_go.0 && kept.1 == let_go.1);
    // Two maps a layer for twenty layers, or the few that a block needs at a time (here a quarter,
    // with the packed weights of all layers).
    assert!(3 * let_go.2 < kept.2, "{} {}", let_go.2, kept.2);
}
