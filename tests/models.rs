//! Encoders against PyTorch: outputs made by `tests/reference/generate.py`, weights by the formula
//! that it states, so that no weights are stored.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use spherescope::{
    compute::testing::gpu_compute,
    models::{
        Architecture, BatchNormForm, Model, ModelError, Network, Shortcut, StageOutput, Stem,
        TensorSource,
    },
};

/// Values in [0, 1): SplitMix64 of (FNV-1a of the name) + index, its upper 24 bits.
fn uniform(name: &str, count: usize) -> Vec<f32> {
    let state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (1..=count as u64)
        .map(|index| {
            let mut z = state.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
        })
        .collect()
}

/// `formula` of generate.py as a source of tensors.
struct Formula;

impl TensorSource for Formula {
    fn has(&self, _: &str) -> bool {
        true
    }

    fn shape(&self, _: &str) -> Option<Vec<usize>> {
        None
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let unit = uniform(name, shape.iter().product());
        let each = |f: &dyn Fn(f32) -> f32| unit.iter().map(|&u| f(u)).collect();
        Ok(if shape.len() > 1 {
            let fan_in: usize = shape[1..].iter().product();
            let bound = (6.0 / fan_in as f32).sqrt();
            each(&|u| (2.0 * u - 1.0) * bound)
        } else if name.ends_with("running_var") {
            each(&|u| 0.5 + u)
        } else if name.ends_with("weight") {
            each(&|u| 0.25 + 0.5 * u)
        } else {
            each(&|u| 0.25 * (2.0 * u - 1.0))
        })
    }
}

/// One of PyTorch's outputs.
fn expected(key: &str) -> (Vec<f32>, Vec<usize>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/encoders.npz");
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap();
    let array = archive.by_name(key).unwrap().unwrap();
    let shape = array.shape().iter().map(|&side| side as usize).collect();
    (array.into_vec().unwrap(), shape)
}

fn images(device: &Device, shape: [usize; 4]) -> Tensor<4> {
    let values = uniform("images", shape.iter().product());
    let values: Vec<f32> = values.iter().map(|u| 2.0 * u - 1.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Holds an output to PyTorch's: same shape, and 1e-4 of the largest value at most apart.
///
/// The bound is the project's own for outputs of whole encoders; f32 sums in another order give
/// about 1e-6 here.
fn assert_matches(key: &str, output: StageOutput) {
    let (expected, shape) = expected(key);
    let (data, dims) = match output {
        StageOutput::Map(map) => (map.clone().into_data(), map.dims().to_vec()),
        StageOutput::Vector(rows) => (rows.clone().into_data(), rows.dims().to_vec()),
    };
    assert_eq!(dims, shape, "{key}");
    let found = data.as_slice::<f32>().unwrap();
    let scale = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let error = found
        .iter()
        .zip(&expected)
        .fold(0.0_f32, |max, (a, b)| max.max((a - b).abs()));
    println!("{key}: {:.1e}", error / scale);
    assert!(error <= 1e-4 * scale, "{key}: {error} of {scale}");
}

fn resnet(depth: u16, stem: Stem) -> Architecture {
    Architecture::ResNet {
        depth,
        stem,
        width: 64,
    }
}

#[test]
fn torchvision_resnets_match_pytorch() {
    let device = Device::flex();
    for depth in [18, 34, 50] {
        let architecture = resnet(depth, Stem::ImageNet);
        let encoder = architecture.build(&mut Formula, &device).unwrap();
        for [height, width] in [[64, 64], [75, 97]] {
            let images = images(&device, [2, 3, height, width]);
            let output = encoder
                .forward(images, architecture.default_stage())
                .unwrap();
            let key = format!("resnet{depth}.{height}x{width}");
            assert_matches(&format!("{key}.layer4"), output.clone());
            let pooled = StageOutput::Vector(Model::pooled(output));
            assert_matches(&format!("{key}.pooled"), pooled);
        }
    }
    let architecture = resnet(18, Stem::Cifar);
    let encoder = architecture.build(&mut Formula, &device).unwrap();
    let output = encoder.forward(images(&device, [1, 3, 32, 32]), 4).unwrap();
    assert_matches("resnet18-cifar.32x32.layer4", output);
}

#[test]
fn cifar_resnets_match_pytorch() {
    let device = Device::flex();
    for (depth, shortcut) in [
        (20, Shortcut::A),
        (20, Shortcut::B),
        (56, Shortcut::A),
        (110, Shortcut::A),
    ] {
        let architecture = Architecture::CifarResNet { depth, shortcut };
        let encoder = architecture.build(&mut Formula, &device).unwrap();
        let output = encoder.forward(images(&device, [2, 3, 32, 32]), 3).unwrap();
        assert_matches(&format!("cifar{depth}{shortcut:?}.layer3"), output);
    }
    let architecture = Architecture::PreparedCifarResNet {
        blocks: vec![3, 3, 3],
        channels: vec![16, 32, 64],
    };
    let encoder = architecture.build(&mut Formula, &device).unwrap();
    let output = encoder.forward(images(&device, [2, 3, 32, 32]), 3).unwrap();
    assert_matches("lightning.group3", output);
}

#[test]
fn small_alexnet_matches_pytorch_at_maps_and_vectors() {
    let device = Device::flex();
    let architecture = Architecture::SmallAlexNet {
        channels_in: 3,
        feat_dim: 128,
        input_side: 64,
    };
    let encoder = architecture.build(&mut Formula, &device).unwrap();
    for (stage, name) in [(4, "conv5"), (6, "fc7"), (7, "fc8")] {
        let output = encoder
            .forward(images(&device, [2, 3, 64, 64]), stage)
            .unwrap();
        assert_matches(&format!("alexnet.{name}"), output);
    }
}

/// Burn's modules, which GPUs and training use, on the processor: folded and not.
#[test]
fn burn_modules_match_pytorch_with_and_without_folding() {
    let device = Device::flex();
    let network = |architecture: &Architecture, form| -> Network {
        architecture.network(&mut Formula, form, &device).unwrap()
    };
    for form in [BatchNormForm::Folded, BatchNormForm::Separate] {
        let output = network(&resnet(18, Stem::ImageNet), form)
            .forward(images(&device, [2, 3, 75, 97]), 4)
            .unwrap();
        assert_matches("resnet18.75x97.layer4", output);
        let architecture = Architecture::CifarResNet {
            depth: 20,
            shortcut: Shortcut::A,
        };
        let output = network(&architecture, form)
            .forward(images(&device, [2, 3, 32, 32]), 3)
            .unwrap();
        assert_matches("cifar20A.layer3", output);
    }
}

/// An autodiff device must keep its gradients: the encoder must not take the fast path there.
#[test]
fn gradients_reach_the_images_on_an_autodiff_device() {
    let device = Device::flex().autodiff();
    let architecture = Architecture::CifarResNet {
        depth: 8,
        shortcut: Shortcut::A,
    };
    let encoder = architecture.build(&mut Formula, &device).unwrap();
    let images = images(&device, [1, 3, 16, 16]).require_grad();
    let output = encoder.forward(images.clone(), 3).unwrap();
    let gradients = Model::pooled(output).sum().backward();
    let gradient = images.grad(&gradients).unwrap().into_data();
    let total: f32 = gradient
        .as_slice::<f32>()
        .unwrap()
        .iter()
        .map(|g| g.abs())
        .sum();
    assert!(total.is_finite() && total > 0.0, "{total}");
}

/// The path of graphics processors, on whatever adapter there is, with small images: kernels are
/// compiled and tuned for every new shape, which a software driver does slowly.
#[test]
fn encoders_on_wgpu_match_pytorch() {
    let Some(compute) = gpu_compute() else { return };
    let device = compute.device();
    let started = std::time::Instant::now();
    let architecture = Architecture::CifarResNet {
        depth: 20,
        shortcut: Shortcut::A,
    };
    let encoder = architecture.build(&mut Formula, device).unwrap();
    let output = encoder.forward(images(device, [2, 3, 32, 32]), 3).unwrap();
    assert_matches("cifar20A.layer3", output);
    println!("CIFAR ResNet-20: {:.1?}", started.elapsed());

    let started = std::time::Instant::now();
    let architecture = resnet(18, Stem::ImageNet);
    let encoder = architecture.build(&mut Formula, device).unwrap();
    let output = encoder.forward(images(device, [2, 3, 64, 64]), 4).unwrap();
    assert_matches("resnet18.64x64.layer4", output.clone());
    let pooled = StageOutput::Vector(Model::pooled(output));
    assert_matches("resnet18.64x64.pooled", pooled);
    println!("ResNet-18: {:.1?}", started.elapsed());
}
