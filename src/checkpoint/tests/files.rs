//! Real files of the tiny network in every container and type, and full loads.

use burn::tensor::{Device, Tensor, TensorData};

use super::{reference, safetensors_bytes, tiny_value, written};
use crate::{
    checkpoint::{
        CheckpointError, Container, Dtype, OpenOptions, inspect, load, load_with, open, untrained,
    },
    models::{Architecture, Model, SeededInit, StageOutput, Stem, TensorSource as _},
    progress::Progress,
};

fn tiny() -> Architecture {
    Architecture::PreparedCifarResNet {
        blocks: vec![1, 1],
        channels: vec![4, 8],
    }
}

#[test]
fn every_container_and_type_gives_the_values_written() {
    for (file, container, dtype, prefix) in [
        (
            "tiny-zip.pt",
            Container::PytorchZip,
            Dtype::F32,
            "state_dict.model.",
        ),
        (
            "tiny-legacy.pt",
            Container::PytorchLegacy,
            Dtype::F32,
            "state_dict.model.",
        ),
        ("tiny-tar.pt", Container::PytorchTar, Dtype::F32, ""),
        ("tiny-f16.pt", Container::PytorchZip, Dtype::F16, ""),
        ("tiny-bf16.pt", Container::PytorchZip, Dtype::Bf16, ""),
        ("tiny-f64.pt", Container::PytorchZip, Dtype::F64, ""),
        ("tiny-module.pt", Container::PytorchZip, Dtype::F32, ""),
        (
            "tiny-foreign.pt",
            Container::PytorchZip,
            Dtype::F32,
            "state_dict.",
        ),
        ("tiny-views.pt", Container::PytorchZip, Dtype::F32, ""),
    ] {
        let opened = open(&reference(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(opened.container(), container, "{file}");
        for (name, shape) in tiny().tensors() {
            let key = format!("{prefix}{name}");
            let listed = opened
                .listing()
                .get(&key)
                .unwrap_or_else(|| panic!("{file}: {key}"));
            assert_eq!(
                (&listed.shape, listed.dtype),
                (&shape, dtype),
                "{file}: {key}"
            );
            let values = opened.read_f32(&key).unwrap();
            // Exact: the generator's values are multiples of 1/64 below one.
            for (index, value) in values.iter().enumerate() {
                assert_eq!(*value, tiny_value(&name, index), "{file}: {key}[{index}]");
            }
        }
        let report = inspect(&reference(file)).unwrap();
        assert_eq!(report.architecture, tiny(), "{file}");
        assert_eq!(
            report.classifier.map(|found| found.classes),
            Some(3),
            "{file}"
        );
    }
}

#[test]
fn facts_beside_the_weights_are_told() {
    let opened = open(&reference("tiny-zip.pt")).unwrap();
    let activation = opened
        .facts()
        .get("hyper_parameters.model_hparams.act_fn_name");
    assert_eq!(activation.map(String::as_str), Some("relu"));
}

#[test]
fn classes_around_tensors_are_refused_with_advice() {
    let error = open(&reference("tiny-hidden.pt")).unwrap_err().to_string();
    assert!(
        error.contains("Hidden") && error.contains("state_dict"),
        "{error}"
    );
}

#[test]
fn tensors_that_claim_more_than_the_file_are_not_read() {
    let device = Device::flex();
    // A view of one value, four gigabytes wide, that no part of the model uses.
    let opened = open(&reference("tiny-views.pt")).unwrap();
    let error = opened.read_f32("wide").unwrap_err().to_string();
    assert!(error.contains("more than the whole file"), "{error}");
    load(&reference("tiny-views.pt"), &device, &Progress::none()).unwrap();
    // The same as a classifier of the model.
    let error = load(&reference("tiny-expanded.pt"), &device, &Progress::none()).unwrap_err();
    assert!(matches!(error, CheckpointError::Refused { .. }), "{error}");
}

#[test]
fn weights_that_diverged_are_named() {
    let error = load(
        &reference("tiny-nan.pt"),
        &Device::flex(),
        &Progress::none(),
    )
    .unwrap_err();
    // Element [1, 2, 0, 0] of [4, 4, 3, 3].
    assert!(
        matches!(&error, CheckpointError::NotFinite { key, count: 2, first: 54 }
            if key == "blocks.0.net.0.weight"),
        "{error}"
    );
}

#[test]
fn a_load_can_be_cancelled() {
    let progress = Progress::none();
    progress.cancel();
    let error = load(&reference("tiny-zip.pt"), &Device::flex(), &progress).unwrap_err();
    assert!(matches!(error, CheckpointError::Cancelled(_)), "{error}");
}

/// A ResNet-18 thin enough for a test.
fn thin() -> Architecture {
    Architecture::ResNet {
        depth: 18,
        stem: Stem::Cifar,
        width: 2,
    }
}

/// Seeded tensors under `prefix`, and a head and a classifier beside them.
fn thin_file(seed: u64) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let mut init = SeededInit::new(seed);
    let mut tensors = thin().tensors();
    tensors.extend([
        ("projector.0.weight".to_owned(), vec![6, 16]),
        ("projector.1.weight".to_owned(), vec![6]),
        ("projector.1.bias".to_owned(), vec![6]),
        ("projector.1.running_mean".to_owned(), vec![6]),
        ("projector.1.running_var".to_owned(), vec![6]),
        ("projector.3.weight".to_owned(), vec![3, 6]),
        ("projector.3.bias".to_owned(), vec![3]),
        ("classifier.weight".to_owned(), vec![5, 16]),
        ("classifier.bias".to_owned(), vec![5]),
    ]);
    tensors
        .into_iter()
        .map(|(name, shape)| {
            let values = init.take(&name, &shape).unwrap();
            let is_backbone = ["conv1", "bn1", "layer"]
                .iter()
                .any(|stem| name.starts_with(stem));
            let key = if is_backbone {
                format!("backbone.{name}")
            } else {
                name
            };
            (key, shape, values)
        })
        .collect()
}

fn rows(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}

fn pooled(model: &Model, device: &Device) -> Tensor<2> {
    let pixels: Vec<f32> = (0..2 * 3 * 16 * 16)
        .map(|i| (i % 17) as f32 / 17.0 - 0.5)
        .collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [2, 3, 16, 16]), device);
    let stage = model.encoder.architecture().default_stage();
    let output: StageOutput = model.encoder.forward(images, stage).unwrap();
    Model::pooled(output)
}

#[test]
fn a_loaded_model_computes_what_its_weights_do() {
    let device = Device::flex();
    let (_folder, path) = written("thin.safetensors", &safetensors_bytes(&thin_file(7)));
    let loaded = load(&path, &device, &Progress::none()).unwrap();
    assert_eq!(loaded.report.architecture, thin());
    assert_eq!(loaded.report.container, Container::Safetensors);
    assert!(
        loaded.report.unused.is_empty(),
        "{:?}",
        loaded.report.unused
    );

    let head = loaded.model.head.as_ref().unwrap();
    assert_eq!((head.inputs(), head.outputs()), (16, 3));
    assert_eq!(loaded.model.classifier.as_ref().unwrap().classes(), 5);
    // The same seed names the same weights, so the features agree bit for bit.
    let reference = untrained(&thin(), 7, &device).unwrap();
    assert_eq!(
        rows(pooled(&loaded.model, &device)),
        rows(pooled(&reference.model, &device))
    );
    let other = untrained(&thin(), 8, &device).unwrap();
    assert_ne!(
        rows(pooled(&loaded.model, &device)),
        rows(pooled(&other.model, &device))
    );
    assert!(reference.report.warnings[0].contains("seeded untrained"));
}

#[test]
fn the_copy_asked_for_is_the_one_that_is_loaded() {
    let device = Device::flex();
    let copy = |word: &str, seed| {
        thin_file(seed)
            .into_iter()
            .filter_map(|(key, shape, values)| {
                let name = key.strip_prefix("backbone.")?;
                Some((format!("module.{word}.{name}"), shape, values))
            })
            .collect::<Vec<_>>()
    };
    let both = [copy("encoder_q", 1), copy("encoder_k", 2)].concat();
    let (_folder, path) = written("pair.safetensors", &safetensors_bytes(&both));
    for (root, seed) in [(None, 1), (Some("module.encoder_k"), 2)] {
        let options = OpenOptions {
            root: root.map(str::to_owned),
        };
        let loaded = load_with(&path, &options, &device, &Progress::none()).unwrap();
        let reference = untrained(&thin(), seed, &device).unwrap();
        assert_eq!(
            rows(pooled(&loaded.model, &device)),
            rows(pooled(&reference.model, &device))
        );
    }
}

#[test]
fn a_file_of_solo_learn_computes_with_its_padding() {
    let device = Device::flex();
    let tensors: Vec<_> = thin_file(7)
        .into_iter()
        .map(|(key, shape, values)| (format!("state_dict.{key}"), shape, values))
        .collect();
    let (_folder, path) = written("solo.safetensors", &safetensors_bytes(&tensors));
    let loaded = load(&path, &device, &Progress::none()).unwrap();
    let padded = Architecture::ResNet {
        depth: 18,
        stem: Stem::CifarPadded,
        width: 2,
    };
    assert_eq!(loaded.report.architecture, padded);
    let features = rows(pooled(&loaded.model, &device));
    for (architecture, is_same) in [(padded, true), (thin(), false)] {
        let reference = untrained(&architecture, 7, &device).unwrap();
        // The same weights through the same operations agree bit for bit.
        let agrees = features == rows(pooled(&reference.model, &device));
        assert_eq!(agrees, is_same, "{architecture}");
    }
}

#[test]
fn a_head_keeps_the_order_of_its_layers() {
    let (_folder, path) = written("thin.safetensors", &safetensors_bytes(&thin_file(7)));
    let report = inspect(&path).unwrap();
    assert_eq!(
        report.head.as_deref(),
        Some("`projector`: 16 → 6 → BN → ReLU → 3")
    );
    let names: Vec<_> = report
        .applied
        .iter()
        .filter(|tensor| tensor.name.starts_with("head."))
        .map(|tensor| (tensor.name.as_str(), tensor.file_key.as_str()))
        .collect();
    assert_eq!(names[0], ("head.0.weight", "projector.0.weight"));
    assert_eq!(names[5], ("head.3.weight", "projector.3.weight"));
}
