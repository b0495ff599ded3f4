//! Networks whose tensors fit and that compute something else, and settings no tensor shows.

use std::collections::BTreeMap;

use super::{all_layouts, listed, of_architecture, plan_report, plan_report_with, resnet};
use crate::{
    checkpoint::{CheckpointError, Listing},
    models::{Architecture, Stem},
};

fn refusal(result: Result<crate::checkpoint::KeyReport, CheckpointError>) -> String {
    match result {
        Err(error @ CheckpointError::OtherNetwork { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn dilated_segmentation_networks_are_refused() {
    for (prefix, sign, shape) in [
        ("", "aux_classifier.0.weight", [256, 1024, 3, 3]),
        ("model.", "classifier.0.convs.1.0.weight", [256, 2048, 3, 3]),
    ] {
        let mut entries = of_architecture(&resnet(50), &format!("{prefix}backbone."));
        plan_report(&Listing::new(entries.clone()), None).unwrap();
        entries.push(listed(format!("{prefix}{sign}"), &shape));
        let text = refusal(plan_report(&Listing::new(entries), None));
        assert!(
            text.contains("ResNet-50") && text.contains("dilated"),
            "{text}"
        );
    }
    // The same words elsewhere say nothing about this backbone.
    let mut entries = of_architecture(&resnet(50), "backbone.");
    entries.push(listed("other.aux_classifier.0.weight", &[256, 1024, 3, 3]));
    plan_report(&Listing::new(entries), None).unwrap();
}

#[test]
fn activations_other_than_relu_are_refused() {
    let architecture = Architecture::PreparedCifarResNet {
        blocks: vec![1, 1],
        channels: vec![4, 8],
    };
    let listing = Listing::new(of_architecture(&architecture, "state_dict.model."));
    let stating = |value: &str| {
        let path = "hyper_parameters.model_hparams.act_fn_name".to_owned();
        plan_report_with(&listing, None, &BTreeMap::from([(path, value.to_owned())]))
    };
    assert!(stating("relu").unwrap().warnings.is_empty());
    stating("ReLU").unwrap();
    for activation in ["tanh", "gelu", "leakyrelu"] {
        let text = refusal(stating(activation));
        assert!(
            text.contains(&format!("act_fn_name = {activation}")) && text.contains("only ReLU"),
            "{text}"
        );
    }
}

#[test]
fn only_solo_learn_pads_its_small_stem_by_two() {
    let layouts = all_layouts();
    for (layout, stem, sentence) in [
        ("solo-learn", Stem::CifarPadded, "padded by 2"),
        ("supcontrast", Stem::Cifar, "padded by 1: assumed"),
    ] {
        let report = plan_report(&layouts[layout], None).unwrap();
        assert!(
            matches!(report.architecture, Architecture::ResNet { stem: found, .. } if found == stem),
            "{layout}: {:?}",
            report.architecture
        );
        assert!(
            report.evidence.iter().any(|text| text.contains(sentence)),
            "{layout}: {:?}",
            report.evidence
        );
    }
    // The slow copy is built like the other; an ImageNet stem has one padding only.
    let slow = "state_dict.momentum_backbone";
    let report = plan_report(&layouts["solo-learn-moco"], Some(slow)).unwrap();
    assert!(report.architecture_name.contains("padding 2"));
    let mut entries = of_architecture(&resnet(18), "state_dict.backbone.");
    for name in ["classifier", "projector.0"] {
        entries.push(listed(format!("state_dict.{name}.weight"), &[10, 512]));
        entries.push(listed(format!("state_dict.{name}.bias"), &[10]));
    }
    let report = plan_report(&Listing::new(entries), None).unwrap();
    assert_eq!(report.method.as_deref(), Some("solo-learn"));
    assert_eq!(report.architecture, resnet(18));
}
