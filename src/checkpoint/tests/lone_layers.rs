//! One linear layer behind a backbone: classifier or projection head.

use super::{listed, of_architecture, plan_report, resnet};
use crate::checkpoint::{KeyReport, Listing};

/// A ResNet-18 under `root` with a linear layer at `place`, and further tensors.
fn with_layer(root: &str, place: &str, outputs: usize, others: &[&str]) -> KeyReport {
    let mut entries = of_architecture(&resnet(18), root);
    entries.push(listed(format!("{place}.weight"), &[outputs, 512]));
    entries.push(listed(format!("{place}.bias"), &[outputs]));
    entries.extend(others.iter().map(|key| listed(*key, &[128, 64])));
    plan_report(&Listing::new(entries), None).unwrap()
}

/// Classes, and whether the report warns that another reading is possible.
fn classified(report: &KeyReport) -> Option<(usize, bool)> {
    let warns = |text: &String| text.contains("is taken as a classifier, but");
    let classes = report.classifier.as_ref()?.classes;
    assert!(report.head.is_none(), "{:?}", report.head);
    Some((classes, report.warnings.iter().any(warns)))
}

#[test]
fn one_linear_layer_is_a_classifier() {
    for (root, place, outputs, is_doubtful) in [
        ("", "fc", 10, false),
        ("module.", "module.fc", 1000, false),
        ("backbone.", "head", 10, false),
        // `nn.Sequential(resnet, nn.Linear(512, 10))`.
        ("0.", "1", 10, true),
        ("0.", "1", 128, true),
        ("encoder.", "head", 10, true),
        ("", "fc", 128, true),
    ] {
        let report = with_layer(root, place, outputs, &[]);
        assert_eq!(
            classified(&report),
            Some((outputs, is_doubtful)),
            "{root} {place} {outputs}: {:?} {:?}",
            report.head,
            report.warnings
        );
    }
}

#[test]
fn a_contrastive_sign_makes_it_a_projection_head() {
    for (root, place, outputs, other) in [
        ("encoder.", "head", 128, None),
        ("resnet_simclr.", "resnet_simclr.fc", 256, None),
        ("encoder_q.", "encoder_q.fc", 128, None),
        ("0.", "1", 128, Some("queue")),
        ("0.", "1", 64, Some("prototypes.weight")),
        ("", "fc", 512, Some("predictor.0.weight")),
        // Names that only projections have.
        ("backbone.", "projector", 10, None),
        ("backbone.", "projection_head", 10, None),
    ] {
        let others: Vec<_> = other.into_iter().collect();
        let report = with_layer(root, place, outputs, &others);
        assert_eq!(
            report.head,
            Some(format!("`{place}`: 512 → {outputs}")),
            "{root}"
        );
        assert!(report.classifier.is_none(), "{root} {place}");
    }
}

#[test]
fn an_optimiser_is_no_sign_and_depth_is_one() {
    let report = with_layer("0.", "1", 10, &["optimizer.state.queue"]);
    assert_eq!(classified(&report), Some((10, true)));

    let mut entries = of_architecture(&resnet(18), "0.");
    for (layer, shape) in [("1.0", [64, 512]), ("1.2", [10, 64])] {
        entries.push(listed(format!("{layer}.weight"), &shape));
        entries.push(listed(format!("{layer}.bias"), &shape[..1]));
    }
    let report = plan_report(&Listing::new(entries), None).unwrap();
    assert_eq!(report.head.as_deref(), Some("`1`: 512 → 64 → ReLU → 10"));
    assert!(report.classifier.is_none());
}
