//! Key layouts of training programs at full size, from shapes alone.

use super::{all_layouts, listed, of_architecture, plan_report};
use crate::{
    checkpoint::{CheckpointError, Listing},
    data::Normalisation,
    models::{Architecture, Stem},
};

/// What a layout has to be recognised as.
#[derive(Clone, Copy)]
struct Expected {
    layout: &'static str,
    depth: u16,
    stem: Stem,
    /// Nesting, then stripped prefixes.
    nesting: &'static str,
    stripped: &'static str,
    method: &'static str,
    head: &'static str,
    dense_head: &'static str,
    classes: usize,
}

const fn row(
    layout: &'static str,
    [nesting, stripped, method]: [&'static str; 3],
    head: &'static str,
) -> Expected {
    Expected {
        layout,
        depth: 18,
        stem: Stem::ImageNet,
        nesting,
        stripped,
        method,
        head,
        dense_head: "",
        classes: 0,
    }
}

const fn cifar(expected: Expected) -> Expected {
    Expected {
        stem: Stem::Cifar,
        ..expected
    }
}

const fn solo_learn(expected: Expected) -> Expected {
    Expected {
        stem: Stem::CifarPadded,
        ..expected
    }
}

const fn with_classes(expected: Expected, classes: usize) -> Expected {
    Expected {
        classes,
        ..expected
    }
}

const MLP: &str = "512 → 512 → ReLU → 128";
const MLP_BN: &str = "512 → 512 → BN → ReLU → 128";

const EXPECTATIONS: &[Expected] = &[
    with_classes(row("torchvision-18", ["", "", ""], ""), 1000),
    with_classes(
        Expected {
            depth: 50,
            ..row("torchvision-50", ["", "", ""], "")
        },
        1000,
    ),
    with_classes(row("compiled", ["", "_orig_mod.", ""], ""), 1000),
    with_classes(row("timm-ema", ["state_dict", "", ""], ""), 1000),
    row(
        "moco-v1",
        ["state_dict", "module. encoder_q.", "MoCo v1"],
        "512 → 128",
    ),
    row(
        "moco-v2",
        ["state_dict", "module. encoder_q.", "MoCo v2"],
        MLP,
    ),
    row(
        "moco-v3",
        ["state_dict", "module. base_encoder.", "MoCo v3"],
        "512 → 4096 → BN → ReLU → 256 → BN",
    ),
    Expected {
        dense_head: MLP,
        ..row("densecl", ["state_dict", "encoder_q. 0.", "DenseCL"], MLP)
    },
    row("densecl-released", ["state_dict", "", ""], ""),
    row(
        "simsiam",
        ["state_dict", "module. encoder.", "SimSiam"],
        "512 → 512 → BN → ReLU → 512 → BN → ReLU → 2048 → BN",
    ),
    row(
        "swav",
        ["", "module.", "SwAV"],
        "512 → 2048 → BN → ReLU → 128",
    ),
    row(
        "barlow-twins",
        ["model", "module. backbone.", "Barlow Twins"],
        "512 → 8192 → BN → ReLU → 8192 → BN → ReLU → 8192",
    ),
    row(
        "vicreg",
        ["model", "module. backbone.", "VICReg"],
        "512 → 8192 → BN → ReLU → 8192 → BN → ReLU → 8192",
    ),
    row(
        "dino",
        ["teacher", "backbone.", "DINO"],
        "512 → 2048 → GELU → 2048 → GELU → 256",
    ),
    row(
        "byol-sthalles",
        ["online_network_state_dict", "encoder.", "BYOL"],
        MLP_BN,
    ),
    with_classes(
        row(
            "byol-lucidrains",
            ["", "online_encoder. net.", "BYOL"],
            "512 → 4096 → BN → ReLU → 256",
        ),
        1000,
    ),
    row(
        "simclr-sthalles",
        ["state_dict", "backbone.", "SimCLR (PyTorch, sthalles)"],
        MLP,
    ),
    row(
        "simclr-spijkervet",
        ["", "encoder.", "SimCLR (PyTorch, Spijkervet)"],
        "512 → 512 → ReLU → 64",
    ),
    with_classes(
        solo_learn(row(
            "solo-learn",
            ["state_dict", "backbone.", "solo-learn"],
            "512 → 2048 → ReLU → 256",
        )),
        100,
    ),
    with_classes(
        solo_learn(row(
            "solo-learn-moco",
            ["state_dict", "backbone.", "solo-learn"],
            "512 → 2048 → ReLU → 256",
        )),
        10,
    ),
    row("lightly", ["state_dict", "backbone.", "lightly"], MLP_BN),
    row(
        "lightly-moco",
        ["state_dict", "backbone.", "lightly"],
        MLP_BN,
    ),
    cifar(row(
        "lightly-generator",
        ["state_dict", "backbone.", "lightly"],
        MLP_BN,
    )),
    row(
        "mmselfsup",
        ["state_dict", "backbone.", "mmselfsup"],
        "512 → 512 → BN → ReLU → 128 → BN",
    ),
    row(
        "pycontrast",
        ["model", "module. encoder.", "PyContrast"],
        MLP,
    ),
    cifar(row(
        "supcontrast",
        ["model", "module. encoder.", "SupContrast"],
        MLP,
    )),
    with_classes(cifar(row("kuangliu", ["net", "module.", ""], "")), 10),
];

#[test]
fn programs_are_recognised_by_their_keys() {
    let layouts = all_layouts();
    for expected in EXPECTATIONS {
        let name = expected.layout;
        let report = plan_report(&layouts[name], None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            report.architecture,
            Architecture::ResNet {
                depth: expected.depth,
                stem: expected.stem,
                width: 64
            },
            "{name}"
        );
        assert_eq!(
            report.nesting.as_deref().unwrap_or(""),
            expected.nesting,
            "{name}"
        );
        assert_eq!(report.stripped.join(" "), expected.stripped, "{name}");
        assert_eq!(
            report.method.as_deref().unwrap_or(""),
            expected.method,
            "{name}"
        );
        for (found, wanted) in [
            (&report.head, expected.head),
            (&report.dense_head, expected.dense_head),
        ] {
            let layers = found
                .as_deref()
                .map_or("", |text| text.split_once(": ").unwrap().1);
            assert_eq!(layers, wanted, "{name}");
        }
        let classes = report.classifier.as_ref().map_or(0, |found| found.classes);
        assert_eq!(classes, expected.classes, "{name}");
        let total = layouts[name].entries().len();
        assert_eq!(report.applied.len() + report.unused.len(), total, "{name}");
        assert!(
            report.missing.is_empty() && !report.evidence.is_empty(),
            "{name}"
        );
        assert!(
            report.unused.iter().all(|tensor| !tensor.why.is_empty()),
            "{name}"
        );
    }
}

#[test]
fn every_tensor_of_these_layouts_is_explained() {
    let layouts = all_layouts();
    for expected in EXPECTATIONS {
        let report = plan_report(&layouts[expected.layout], None).unwrap();
        let unexplained: Vec<_> = report
            .unused
            .iter()
            .filter(|tensor| tensor.why.starts_with("not part of"))
            .map(|tensor| tensor.key.as_str())
            .collect();
        assert!(
            unexplained.is_empty(),
            "{}: {unexplained:?}",
            expected.layout
        );
    }
}

#[test]
fn the_other_copy_can_be_asked_for() {
    let layouts = all_layouts();
    let moco = &layouts["moco-v2"];
    let report = plan_report(moco, None).unwrap();
    assert_eq!(report.alternatives, ["state_dict.module.encoder_k."]);
    let key = plan_report(moco, Some("state_dict.module.encoder_k")).unwrap();
    assert_eq!(key.stripped, ["module.", "encoder_k."]);
    assert!(
        key.warnings.iter().any(|text| text.contains("slow copy")),
        "{:?}",
        key.warnings
    );

    let student = plan_report(&layouts["dino"], Some("student")).unwrap();
    assert_eq!(student.nesting.as_deref(), Some("student"));
    let error = plan_report(moco, Some("nowhere")).unwrap_err();
    assert!(
        matches!(&error, CheckpointError::NoSuchRoot { available, .. } if available.len() == 2),
        "{error}"
    );
}

#[test]
fn dinos_head_is_read_with_gelu_and_without_its_prototypes() {
    let report = plan_report(&all_layouts()["dino"], None).unwrap();
    assert!(report.evidence.iter().any(|text| text.contains("GELU")));
    let head = report.head.as_ref().expect("the perceptron is a head");
    assert!(head.contains("GELU") && !head.contains("ReLU"), "{head}");
    let unused = format!("{:?}", report.unused);
    assert!(unused.contains("last_layer"), "{unused}");
}

#[test]
fn small_alexnet_is_recognised_with_its_image_side() {
    let report = plan_report(&all_layouts()["small-alexnet"], None).unwrap();
    let expected = Architecture::SmallAlexNet {
        channels_in: 3,
        feat_dim: 128,
        input_side: 64,
    };
    assert_eq!(report.architecture, expected);
    assert_eq!(report.normalisation.constants, Normalisation::STL10);
}

#[test]
fn a_trained_tiny_net_is_recognised_with_its_heads() {
    let architecture = Architecture::TinyConvNet { width: 8 };
    for prefix in ["", "encoder."] {
        let mut entries = of_architecture(&architecture, prefix);
        for (place, shape) in [("0", [32, 32]), ("2", [3, 32])] {
            entries.push(listed(format!("projector.{place}.weight"), &shape));
            entries.push(listed(format!("projector.{place}.bias"), &shape[..1]));
        }
        let report = plan_report(&Listing::new(entries), None).unwrap();
        assert_eq!(report.architecture, architecture);
        assert!(
            report.missing.is_empty() && report.head.is_some(),
            "{report:?}"
        );
        assert_eq!(report.normalisation.constants, Normalisation::HALF);
    }
}
