//! Checkpoints that nobody here made: what is found in them, and that they load.
//!
//! Read from the folder that `SPHERESCOPE_TEST_DATA` names; skipped when it is unset.

use std::path::PathBuf;

use burn::tensor::Device;
use spherescope::{
    checkpoint::{CheckpointError, Container, KeyReport, inspect, load},
    data::Normalisation,
    models::{Architecture, Shortcut},
    progress::Progress,
};

/// The folder of checkpoints, or `None` with a line that says what is skipped.
fn folder(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SPHERESCOPE_TEST_DATA");
    if root.is_none() {
        println!("skipped {test}: SPHERESCOPE_TEST_DATA is not set");
    }
    root.map(|root| PathBuf::from(root).join("checkpoints"))
}

struct Expected {
    file: &'static str,
    architecture: Architecture,
    container: Container,
    stripped: &'static str,
    normalisation: Normalisation,
    /// Tensors in the file, as PyTorch counts them.
    tensors: usize,
    applied: usize,
}

fn expectations() -> Vec<Expected> {
    let cifar = |depth, shortcut| Architecture::CifarResNet { depth, shortcut };
    vec![
        Expected {
            file: "resnet20-12fca82f.th",
            architecture: cifar(20, Shortcut::A),
            container: Container::PytorchLegacy,
            stripped: "module.",
            normalisation: Normalisation::IMAGENET,
            tensors: 97,
            applied: 97,
        },
        Expected {
            file: "resnet56-4bfd9763.th",
            architecture: cifar(56, Shortcut::A),
            container: Container::PytorchLegacy,
            stripped: "module.",
            normalisation: Normalisation::IMAGENET,
            tensors: 277,
            applied: 277,
        },
        Expected {
            file: "distiller-resnet20-dense.pth.tar",
            architecture: cifar(20, Shortcut::B),
            container: Container::PytorchLegacy,
            stripped: "module.",
            normalisation: Normalisation::HALF,
            tensors: 172,
            applied: 107,
        },
        Expected {
            file: "phlippe-resnet-cifar10.ckpt",
            architecture: Architecture::PreparedCifarResNet {
                blocks: vec![3, 3, 3],
                channels: vec![16, 32, 64],
            },
            container: Container::PytorchLegacy,
            stripped: "model.",
            normalisation: Normalisation::CIFAR10_PIXEL_STD,
            tensors: 120,
            applied: 101,
        },
    ]
}

#[test]
fn known_files_are_recognised_and_load() {
    let Some(folder) = folder("known_files_are_recognised_and_load") else {
        return;
    };
    for expected in expectations() {
        let file = expected.file;
        let loaded = load(&folder.join(file), &Device::flex(), &Progress::none())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let report: KeyReport = loaded.report;
        assert_eq!(report.architecture, expected.architecture, "{file}");
        assert_eq!(report.container, expected.container, "{file}");
        assert_eq!(report.nesting.as_deref(), Some("state_dict"), "{file}");
        assert_eq!(report.stripped.join(" "), expected.stripped, "{file}");
        assert_eq!(
            report.normalisation.constants, expected.normalisation,
            "{file}"
        );
        assert_eq!(report.input_side, 32, "{file}");
        assert_eq!(report.applied.len(), expected.applied, "{file}");
        assert_eq!(
            report.applied.len() + report.unused.len(),
            expected.tensors,
            "{file}"
        );
        assert_eq!(
            report.classifier.map(|found| found.classes),
            Some(10),
            "{file}"
        );
        assert!(report.head.is_none(), "{file}");
        assert!(report.warnings.is_empty(), "{file}: {:?}", report.warnings);
        let classifier = loaded.model.classifier.unwrap_or_else(|| panic!("{file}"));
        assert_eq!(classifier.classes(), 10, "{file}");
    }
}

#[test]
fn unknown_families_are_named_not_guessed() {
    let Some(folder) = folder("unknown_families_are_named_not_guessed") else {
        return;
    };
    for (file, first_key, resembles) in [
        (
            "phlippe-protonet-cifar100.ckpt",
            "state_dict.model.classifier.bias",
            "a DenseNet",
        ),
        (
            "fastestdet-shufflenetv2.pth",
            "first_conv.0.weight",
            "a ShuffleNet",
        ),
        (
            "anvil-mnist-mlp.safetensors",
            "input_layer.bias",
            "perceptron",
        ),
    ] {
        let error = inspect(&folder.join(file)).expect_err(file);
        let CheckpointError::UnknownFamily {
            first_keys, known, ..
        } = &error
        else {
            panic!("{file}: {error}");
        };
        assert_eq!(first_keys[0], first_key, "{file}");
        assert_eq!(known.len(), 5, "{file}");
        assert!(error.to_string().contains(resembles), "{file}: {error}");
    }
}
