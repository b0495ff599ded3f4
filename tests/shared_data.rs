//! Real checkpoints over real images give the figures that PyTorch gave.
//!
//! The data lies in the folder named by `SPHERESCOPE_TEST_DATA`; without it each test prints that
//! it was skipped. The expected figures were measured with PyTorch on the CPU: float32 forward,
//! float64 statistics.

use std::path::{Path, PathBuf};

use spherescope::{
    analysis::{Analysis, Cache, EncoderSource, Figure, ImagesSource, PairRule, Request, analyse},
    checkpoint::{CheckpointError, inspect},
    compute::{Compute, DevicePolicy},
    data::Normalisation,
    features::FeatureKind,
    progress::Progress,
};

fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("SPHERESCOPE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SPHERESCOPE_TEST_DATA is unset");
    }
    folder
}

/// Statistics agree to 1e-3: the inputs are the same to an ulp, and float32 convolutions summed in
/// another order move a 64-number feature by some 1e-5 of its length.
const TOLERANCE: f64 = 1e-3;

fn analyse_cifar(data: &Path, file: &str, edit: impl FnOnce(&mut Request)) -> Analysis {
    let mut request = Request::new(
        EncoderSource::File(data.join("checkpoints").join(file)),
        ImagesSource::Path {
            path: data.join("images/cifar10-test-1000"),
            masks: None,
        },
    );
    request.pairs = PairRule::SameClass;
    edit(&mut request);
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    analyse(&request, &compute, &mut Cache::default(), &Progress::none()).unwrap()
}

fn value(figure: &Figure) -> f64 {
    figure.value.unwrap_or_else(|| panic!("{}", figure.line()))
}

/// File, constants it was trained with, images right of 1000, L_uniform(2), same-class alignment.
const TABLE: [(&str, Normalisation, f64, f64, f64); 4] = [
    (
        "resnet20-12fca82f.th",
        Normalisation::IMAGENET,
        912.0,
        -1.46186,
        0.28945,
    ),
    (
        "resnet56-4bfd9763.th",
        Normalisation::IMAGENET,
        928.0,
        -1.65431,
        0.30496,
    ),
    (
        "distiller-resnet20-dense.pth.tar",
        Normalisation::HALF,
        922.0,
        -1.45329,
        0.30473,
    ),
    (
        "phlippe-resnet-cifar10.ckpt",
        Normalisation::CIFAR10_PIXEL_STD,
        906.0,
        -1.47418,
        0.30818,
    ),
];

#[test]
fn the_table_of_the_shared_checkpoints_is_reproduced() {
    let Some(data) = test_data() else { return };
    for (file, normalisation, correct, uniformity, alignment) in TABLE {
        let analysis = analyse_cifar(&data, file, |request| {
            request.normalisation = Some(normalisation);
        });
        let numbers = &analysis.numbers;
        let found = [
            value(&numbers.top1) * 1000.0,
            value(&numbers.uniformity),
            value(&numbers.alignment),
        ];
        println!(
            "{file}: {} right, L_uniform {:.5}, alignment {:.5}",
            found[0], found[1], found[2]
        );
        assert!(
            (found[0] - correct).abs() <= 1.0,
            "{file}: {} right",
            found[0]
        );
        assert!(
            (found[1] - uniformity).abs() <= TOLERANCE,
            "{file}: {}",
            found[1]
        );
        assert!(
            (found[2] - alignment).abs() <= TOLERANCE,
            "{file}: {}",
            found[2]
        );
    }
}

#[test]
fn the_wrong_constants_are_felt() {
    let Some(data) = test_data() else { return };
    let analysis = analyse_cifar(&data, "distiller-resnet20-dense.pth.tar", |request| {
        request.normalisation = Some(Normalisation::IMAGENET);
    });
    let top1 = value(&analysis.numbers.top1);
    // Measured with PyTorch: 72 % instead of 92 %.
    assert!((top1 - 0.72).abs() < 0.01, "{top1}");
}

#[test]
fn dense_features_of_a_real_checkpoint_have_their_cells() {
    let Some(data) = test_data() else { return };
    let analysis = analyse_cifar(&data, "resnet20-12fca82f.th", |request| {
        request.kind = FeatureKind::Dense;
        request.pairs = PairRule::AugmentedViews;
        request.limit = Some(100);
    });
    // 32-pixel images through two strides: 8×8 cells of 64 channels.
    assert_eq!(analysis.features.len(), 100 * 64);
    assert_eq!(analysis.features.dim, 64);
    assert_eq!(analysis.features.cells.as_ref().unwrap()[65], [0, 1]);
    let alignment = value(&analysis.numbers.alignment);
    assert!(alignment > 0.0 && alignment < 2.0, "{alignment}");
}

#[test]
fn families_nobody_knows_are_named_as_such() {
    let Some(data) = test_data() else { return };
    for file in [
        "phlippe-protonet-cifar100.ckpt",
        "fastestdet-shufflenetv2.pth",
        "anvil-mnist-mlp.safetensors",
    ] {
        let error = inspect(&data.join("checkpoints").join(file)).unwrap_err();
        assert!(
            matches!(error, CheckpointError::UnknownFamily { .. }),
            "{file}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("ResNet") && message.contains("SmallAlexNet"),
            "{message}"
        );
    }
}
