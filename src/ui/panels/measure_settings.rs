//! Which vectors, which pairs, and the parameters of the measures.

use egui::Ui;

use crate::{
    analysis::{PairRule, PairSetKind},
    features::{FeatureKind, MatchingRule},
    ui::{
        Commands, RequestEdit, World,
        widgets::{caption, choice, labelled, number_field},
    },
};

/// Sampled pairs that are offered.
const SAMPLES: [u64; 3] = [100_000, 1_000_000, 10_000_000];

/// Draws kind, stage, pairs, matching, pair set, α, t, seed and sampling.
pub(super) fn measure_settings_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let request = world.request;
    let kinds = FeatureKind::ALL.map(|kind| (kind, kind.name().to_owned(), kind_explanation(kind)));
    labelled(ui, "features", |ui| {
        if let Some(kind) = choice(ui, "Feature kind", &request.kind, &kinds) {
            commands.edit(RequestEdit::Kind(kind));
        }
    });
    stage_ui(ui, world, commands);
    let rules = PairRule::ALL.map(|rule| (rule, rule.name().to_owned(), pair_explanation(rule)));
    labelled(ui, "positive pairs", |ui| {
        if let Some(rule) = choice(ui, "Pair rule", &request.pairs, &rules) {
            commands.edit(RequestEdit::Pairs(rule));
        }
    });
    if request.kind.is_dense() {
        let rules = MatchingRule::ALL
            .map(|rule| (rule, rule.name().to_owned(), matching_explanation(rule)));
        labelled(ui, "matching", |ui| {
            if let Some(rule) = choice(ui, "Matching rule", &request.matching, &rules) {
                commands.edit(RequestEdit::Matching(rule));
            }
        });
        let sets = PairSetKind::ALL.map(|set| (set, set.name().to_owned(), set_explanation(set)));
        labelled(ui, "uniformity of", |ui| {
            if let Some(set) = choice(ui, "Pair set", &request.pair_set, &sets) {
                commands.edit(RequestEdit::PairSet(set));
            }
        });
        caption(
            ui,
            "Dense alignment and uniformity are our reading of Moon, Kim & Choi 2022.",
        );
    }
    labelled(ui, "α and t", |ui| {
        if let Some(alpha) = number_field(ui, "Exponent alpha", request.alpha, 0.1..=8.0, 0.02) {
            commands.edit(RequestEdit::Alpha(alpha));
        }
        if let Some(t) = number_field(ui, "Temperature t", request.t, 0.1..=20.0, 0.02) {
            commands.edit(RequestEdit::T(t));
        }
    });
    labelled(ui, "seed", |ui| {
        if let Some(seed) = number_field(ui, "Seed", request.seed, 0..=u64::from(u32::MAX), 0.1) {
            commands.edit(RequestEdit::Seed(seed));
        }
    });
    sampling_ui(ui, world, commands);
    limit_ui(ui, world, commands);
}

fn stage_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let Some(report) = world.report else {
        return;
    };
    let mut options: Vec<(Option<usize>, String, &str)> = vec![(
        None,
        "the usual".to_owned(),
        "The last stage that the feature kind allows",
    )];
    for (index, stage) in report.architecture.stages().into_iter().enumerate() {
        let text = format!("{} · {} channels", stage.name, stage.channels);
        options.push((Some(index), text, ""));
    }
    labelled(ui, "stage", |ui| {
        if let Some(stage) = choice(ui, "Stage", &world.request.stage, &options) {
            commands.edit(RequestEdit::Stage(stage));
        }
    });
    if let Some(snapshot) = world.snapshot {
        let features = &snapshot.analysis.features;
        caption(
            ui,
            format!(
                "shown: {} · {} dimensions",
                features.provenance.stage, features.dim
            ),
        );
    }
}

fn sampling_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let now = world.request.sample_pairs;
    let mut options: Vec<(Option<u64>, String, &str)> = vec![(
        None,
        "exact".to_owned(),
        "Every pair, in tiles; memory does not grow with N²",
    )];
    for pairs in SAMPLES {
        let text = format!("{} sampled pairs", crate::ui::widgets::grouped(pairs));
        options.push((
            Some(pairs),
            text,
            "A seeded sample, with its standard error",
        ));
    }
    if let Some(pairs) = now.filter(|pairs| !SAMPLES.contains(pairs)) {
        options.push((now, format!("{pairs} sampled pairs"), ""));
    }
    labelled(ui, "uniformity", |ui| {
        if let Some(sample) = choice(ui, "Uniformity from", &now, &options) {
            commands.edit(RequestEdit::SamplePairs(sample));
        }
    });
}

fn limit_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let now = world.request.limit;
    let mut options: Vec<(Option<usize>, String, &str)> = vec![(None, "all".to_owned(), "")];
    for limit in [100, 500, 1000, 5000, 20_000] {
        options.push((
            Some(limit),
            format!("at most {limit}"),
            "A seeded sample of the images",
        ));
    }
    if let Some(limit) = now.filter(|limit| ![100, 500, 1000, 5000, 20_000].contains(limit)) {
        options.push((now, format!("at most {limit}"), ""));
    }
    labelled(ui, "images", |ui| {
        if let Some(limit) = choice(ui, "Limit of images", &now, &options) {
            commands.edit(RequestEdit::Limit(limit));
        }
    });
}

fn kind_explanation(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Pooled => "One vector an image: the global average of the stage's map",
        FeatureKind::Dense => "One vector a location of the stage's map",
        FeatureKind::Projected => "The pooled vector through the projection head",
        FeatureKind::ProjectedDense => "Each location through the dense projection head",
    }
}

fn pair_explanation(rule: PairRule) -> &'static str {
    match rule {
        PairRule::AugmentedViews => "Two seeded augmentations of the same image",
        PairRule::SameClass => "Any two images of the same class, un-augmented",
    }
}

fn matching_explanation(rule: MatchingRule) -> &'static str {
    match rule {
        MatchingRule::Geometric => "The nearest cell in the original image, crops and flips undone",
        MatchingRule::BackboneArgmax => {
            "The most similar cell by backbone features: optimistic, it picks by what is scored"
        }
        MatchingRule::ProjectedArgmax => {
            "The most similar cell by projected features: optimistic, it picks by what is scored"
        }
        MatchingRule::SameIndex => "The same row and column: a control",
        MatchingRule::Random => "A seeded random cell: a control",
    }
}

fn set_explanation(set: PairSetKind) -> &'static str {
    match set {
        PairSetKind::All => "All unordered pairs of distinct vectors",
        PairSetKind::BetweenImages => "Pairs of vectors of different images",
        PairSetKind::WithinImage => "Pairs within one image: 0 reveals spatial collapse",
    }
}
