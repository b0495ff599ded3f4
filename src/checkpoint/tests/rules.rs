//! Rules on names and shapes: what is missing, misshapen, foreign, guessed or left out.

use super::{all_layouts, listed, of_architecture, plan_report, resnet};
use crate::{
    checkpoint::{CheckpointError, Dtype, Listed, Listing},
    data::Normalisation,
    models::{Architecture, Shortcut, Stem},
};

#[test]
fn every_depth_is_told_from_the_others() {
    let mut architectures = Vec::new();
    for depth in [18, 34, 50, 101, 152] {
        for stem in [Stem::ImageNet, Stem::Cifar] {
            for width in [64, 128] {
                architectures.push(Architecture::ResNet { depth, stem, width });
            }
        }
    }
    for depth in [20, 32, 44, 56, 110] {
        for shortcut in [Shortcut::A, Shortcut::B] {
            architectures.push(Architecture::CifarResNet { depth, shortcut });
        }
    }
    for architecture in architectures {
        let listing = Listing::new(of_architecture(&architecture, "module."));
        let report = plan_report(&listing, None).unwrap();
        assert_eq!(report.architecture, architecture);
        assert_eq!(report.applied.len(), listing.entries().len());
    }
}

#[test]
fn missing_tensors_are_named_as_the_file_would_spell_them() {
    for gone in [
        "layer3.1.conv2.weight",
        "layer4.1.bn2.running_var",
        "conv1.weight",
        "layer4.1.conv1.weight",
    ] {
        let mut entries = of_architecture(&resnet(18), "state_dict.module.");
        entries.retain(|entry| !entry.key.ends_with(&format!("module.{gone}")));
        match plan_report(&Listing::new(entries), None) {
            Err(CheckpointError::MissingTensor { key, missing, .. }) => {
                assert_eq!(key, format!("state_dict.module.{gone}"));
                assert_eq!(missing, 1);
            }
            other => panic!("{gone}: {other:?}"),
        }
    }
    // In a `Sequential` the key is a position.
    let mut entries = all_layouts()["lightly"].entries().to_vec();
    entries.retain(|entry| entry.key != "state_dict.backbone.6.1.bn1.running_mean");
    let error = plan_report(&Listing::new(entries), None).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`state_dict.backbone.6.1.bn1.running_mean` is missing")
    );
}

#[test]
fn a_whole_missing_block_is_missing_rather_than_another_network() {
    let mut entries = of_architecture(&resnet(50), "");
    entries.retain(|entry| !entry.key.starts_with("layer3.5."));
    let error = plan_report(&Listing::new(entries), None).unwrap_err();
    assert!(
        matches!(&error, CheckpointError::MissingTensor { key, .. } if key == "layer3.5.conv1.weight"),
        "{error}"
    );
}

#[test]
fn misshapen_tensors_are_named_with_both_shapes() {
    let mut entries = of_architecture(&resnet(18), "model.");
    for entry in &mut entries {
        if entry.key == "model.layer2.0.conv1.weight" {
            entry.shape = vec![128, 64, 1, 1];
        }
    }
    let error = plan_report(&Listing::new(entries), None).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`model.layer2.0.conv1.weight`")
            && text.contains("[128, 64, 1, 1]")
            && text.contains("[128, 64, 3, 3]"),
        "{text}"
    );
}

#[test]
fn integer_weights_are_refused() {
    let mut entries = of_architecture(&resnet(18), "");
    entries[0].dtype = Dtype::Int;
    let error = plan_report(&Listing::new(entries), None).unwrap_err();
    assert!(
        matches!(error, CheckpointError::UnsupportedDtype { .. }),
        "{error}"
    );
}

fn unknown(entries: Vec<Listed>) -> String {
    match plan_report(&Listing::new(entries), None) {
        Err(error @ CheckpointError::UnknownFamily { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn relatives_of_resnet_are_not_taken_for_it() {
    let mut grouped = of_architecture(&resnet(50), "");
    let mut wide = grouped.clone();
    let mut gated = of_architecture(&resnet(50), "backbone.");
    let mut deep_stem = of_architecture(&resnet(50), "");
    for entry in &mut grouped {
        if entry.key.ends_with("conv2.weight") {
            entry.shape[1] /= 32;
        }
    }
    for entry in &mut wide {
        if entry.key.ends_with("conv2.weight") {
            entry.shape[0] *= 2;
            entry.shape[1] *= 2;
        }
    }
    gated.push(listed("backbone.layer1.0.se.fc1.weight", &[16, 256, 1, 1]));
    deep_stem.push(listed("conv1.bias", &[64]));
    assert!(unknown(grouped).contains("ResNeXt"));
    assert!(unknown(wide).contains("wide ResNet"));
    assert!(unknown(gated).contains("`backbone.layer1.0.se.fc1.weight` stands inside"));
    assert!(unknown(deep_stem).contains("`conv1.bias` stands inside"));
}

#[test]
fn an_unknown_network_is_told_what_it_resembles() {
    let text = unknown(all_layouts()["vit"].entries().to_vec());
    assert!(
        text.contains("vision transformer") && text.contains("known families"),
        "{text}"
    );
}

#[test]
fn an_unknown_prefix_is_stripped_with_a_warning() {
    let listing = Listing::new(of_architecture(&resnet(18), "trainer.mystery."));
    let report = plan_report(&listing, None).unwrap();
    assert!(report.warnings.iter().any(|text| text.contains("mystery")));
}

#[test]
fn normalisation_guesses_own_up_to_being_guesses() {
    let layouts = all_layouts();
    for (layout, constants) in [
        ("torchvision-18", Normalisation::IMAGENET),
        ("moco-v2", Normalisation::IMAGENET),
        ("simclr-sthalles", Normalisation::NONE),
        ("solo-learn", Normalisation::CIFAR100),
        ("supcontrast", Normalisation::CIFAR10),
    ] {
        let guess = plan_report(&layouts[layout], None).unwrap().normalisation;
        assert_eq!(guess.constants, constants, "{layout}");
        assert!(
            guess.why.starts_with("guessed: ") && guess.why.contains("edit it"),
            "{layout}"
        );
    }
    let cifar = |shortcut, classifier: &str| {
        let architecture = Architecture::CifarResNet {
            depth: 20,
            shortcut,
        };
        let mut entries = of_architecture(&architecture, "");
        for entry in &mut entries {
            entry.key = entry.key.replace("shortcut", "downsample");
        }
        entries.push(listed(format!("{classifier}.weight"), &[10, 64]));
        entries.push(listed(format!("{classifier}.bias"), &[10]));
        let report = plan_report(&Listing::new(entries), None).unwrap();
        assert_eq!(report.classifier.map(|found| found.classes), Some(10));
        report.normalisation.constants
    };
    assert_eq!(cifar(Shortcut::A, "linear"), Normalisation::IMAGENET);
    assert_eq!(cifar(Shortcut::B, "fc"), Normalisation::HALF);
    assert_eq!(cifar(Shortcut::A, "fc"), Normalisation::CIFAR10);
}

#[test]
fn heads_that_do_not_fit_are_left_out_with_a_reason() {
    let mut entries = of_architecture(&resnet(18), "backbone.");
    entries.push(listed("projector.0.weight", &[256, 2048]));
    entries.push(listed("projector.0.bias", &[256]));
    let report = plan_report(&Listing::new(entries), None).unwrap();
    assert!(report.head.is_none());
    assert!(
        report
            .warnings
            .iter()
            .any(|text| text.contains("`projector`"))
    );
    let unused = report
        .unused
        .iter()
        .find(|tensor| tensor.key == "projector.0.weight")
        .unwrap();
    assert!(unused.why.contains("looks like a head"), "{}", unused.why);
}

#[test]
fn the_report_reads_as_text_and_as_json() {
    let report = plan_report(&all_layouts()["moco-v2"], None).unwrap();
    let text = report.to_string();
    for part in [
        "ResNet-18",
        "encoder_q.",
        "MoCo v2",
        "queue of negatives",
        "proposed normalisation  imagenet: mean",
        "usual input             224 px",
        "stages (5)",
        "map of 512 channels, stride 32",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["nesting"], "state_dict");
    assert_eq!(
        json["applied"].as_array().unwrap().len(),
        report.applied.len()
    );
    assert_eq!(report.summary()["applied"], report.applied.len());
    for json in [json, report.summary()] {
        assert_eq!(json["proposed_normalisation"]["name"], "imagenet");
        assert_eq!(json["usual_input_side"], 224);
    }
}

#[test]
fn stages_are_listed_with_what_they_give() {
    let report = plan_report(&all_layouts()["small-alexnet"], None).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let stages = json["stages"].as_array().unwrap();
    assert_eq!(stages.len(), report.architecture.stages().len());
    let [first, .., last] = &stages[..] else {
        panic!("{stages:?}");
    };
    assert_eq!(
        (&first["kind"], &first["channels"]),
        (&"Map".into(), &96.into())
    );
    assert_eq!(
        (&last["kind"], &last["channels"]),
        (&"Vector".into(), &128.into())
    );
    assert!(
        report
            .to_string()
            .contains("vector of 128 values, from a map of stride")
    );
}
