//! Which loss, and what it has beside its knobs.

use egui::Ui;

use crate::{
    analysis::PairSetKind,
    features::MatchingRule,
    objectives::{DenseContrast, Negatives, ProtoNce},
    training::Objective,
    ui::{
        icons::Icon,
        widgets::{caption, choice, icon_button, labelled, number_field},
    },
};

/// Clusterings that a run can have.
const MOST_CLUSTERINGS: usize = 8;

/// Draws the choice of the loss and its own settings.
pub(super) fn objective_ui(objective: &mut Objective, ui: &mut Ui) {
    let options: Vec<(Objective, String, &str)> = Objective::all()
        .into_iter()
        .map(|usual| {
            let about = about(&usual);
            // The one chosen keeps its settings.
            let shown = if usual.is_kind_of(objective) {
                objective.clone()
            } else {
                usual
            };
            let title = shown.title().to_owned();
            (shown, title, about)
        })
        .collect();
    let chosen = labelled(ui, "Objective", |ui| {
        choice(ui, "Objective of the run", objective, &options)
    });
    if let Some(chosen) = chosen {
        *objective = chosen;
    }
    match objective {
        Objective::DenseAlignUniform(loss) => {
            matching_ui(&mut loss.matching, ui);
            let sets = PairSetKind::ALL.map(|set| (set, set.to_string(), ""));
            let chosen = labelled(ui, "Uniform over", |ui| {
                choice(ui, "Pairs of dense uniformity", &loss.pairs, &sets)
            });
            loss.pairs = chosen.unwrap_or(loss.pairs);
            labelled(ui, "Locations", |ui| {
                let label = "Locations an image for uniformity";
                if let Some(cells) = number_field(ui, label, loss.cells, 1..=1024, 0.1) {
                    loss.cells = cells;
                }
                caption(ui, "an image, drawn anew each step");
            });
        }
        Objective::DenseContrast(loss) => {
            matching_ui(&mut loss.matching, ui);
            negatives_ui(loss, ui);
            dense_from_ui(&mut loss.dense_from_step, ui);
        }
        Objective::MomentumContrast(loss) => queue_ui(&mut loss.queue, &mut loss.momentum, ui),
        Objective::ProtoNce(loss) => prototypes_ui(loss, ui),
        Objective::Pauc(loss) => prototypes_ui(&mut loss.proto_nce, ui),
        Objective::DenseCl(loss) => {
            queue_ui(&mut loss.queue, &mut loss.momentum, ui);
            dense_from_ui(&mut loss.dense_from_step, ui);
        }
        Objective::AlignUniform(_) | Objective::NtXent(_) | Objective::Supervised => {}
    }
}

fn about(objective: &Objective) -> &'static str {
    match objective {
        Objective::AlignUniform(_) => "Wang & Isola 2020",
        Objective::NtXent(_) => "InfoNCE within the batch, as SimCLR",
        Objective::MomentumContrast(_) => "He et al. 2020",
        Objective::DenseCl(_) => "pooled vectors and locations; Wang et al. 2021",
        Objective::ProtoNce(_) => "prototypes of clusterings; Li et al. 2021",
        Objective::Pauc(_) => "prototypes with alignment, uniformity, correlation; our reading",
        Objective::Supervised => "the reference: a linear classifier trains with the encoder",
        Objective::DenseAlignUniform(_) => "every location; our reading of Moon, Kim & Choi 2022",
        Objective::DenseContrast(_) => "every location; our reading of Iskender et al. 2022",
    }
}

/// The warm-up of the dense part.
fn dense_from_ui(from: &mut usize, ui: &mut Ui) {
    labelled(ui, "Dense from", |ui| {
        let label = "First step with the dense part";
        if let Some(step) = number_field(ui, label, *from, 0..=1_000_000, 1.0) {
            *from = step;
        }
        caption(ui, "steps: λ is 0 before");
    });
}

fn prototypes_ui(loss: &mut ProtoNce, ui: &mut Ui) {
    labelled(ui, "Prototypes", |ui| {
        ui.horizontal_wrapped(|ui| clusters_ui(&mut loss.clusters, ui));
    });
    labelled(ui, "Cluster every", |ui| {
        let label = "Steps between clusterings";
        if let Some(every) = number_field(ui, label, loss.every, 1..=100_000, 1.0) {
            loss.every = every;
        }
        caption(ui, "steps");
    });
    labelled(ui, "Cluster from", |ui| {
        let label = "First step with prototypes";
        if let Some(step) = number_field(ui, label, loss.from_step, 0..=1_000_000, 1.0) {
            loss.from_step = step;
        }
        caption(ui, "steps: InfoNCE alone before");
    });
    queue_ui(&mut loss.queue, &mut loss.momentum, ui);
}

/// One number a clustering.
fn clusters_ui(clusters: &mut Vec<usize>, ui: &mut Ui) {
    for (index, count) in clusters.iter_mut().enumerate() {
        let label = format!("Prototypes of clustering {}", index + 1);
        if let Some(wanted) = number_field(ui, &label, *count, 2..=4096, 0.2) {
            *count = wanted;
        }
    }
    if clusters.len() < MOST_CLUSTERINGS
        && icon_button(ui, Icon::Down, "One clustering more").clicked()
    {
        let last = clusters.last().copied().unwrap_or(4);
        clusters.push((2 * last).min(4096));
    }
    if clusters.len() > 1 && icon_button(ui, Icon::Up, "One clustering less").clicked() {
        clusters.pop();
    }
}

fn queue_ui(queue: &mut usize, momentum: &mut f64, ui: &mut Ui) {
    labelled(ui, "Queue", |ui| {
        if let Some(count) = number_field(ui, "Keys in the queue", *queue, 2..=65_536, 16.0) {
            *queue = count;
        }
        caption(ui, "keys");
    });
    labelled(ui, "Momentum", |ui| {
        let label = "Momentum of the key encoder";
        if let Some(share) = number_field(ui, label, *momentum, 0.0..=1.0, 1e-3) {
            *momentum = share;
        }
    });
}

fn matching_ui(matching: &mut MatchingRule, ui: &mut Ui) {
    let about = |rule| match rule {
        MatchingRule::Geometric => "by position in the original image",
        MatchingRule::BackboneArgmax => "most similar by the encoder's features, as DenseCL",
        MatchingRule::ProjectedArgmax => "most similar by the very features that are trained",
        MatchingRule::SameIndex | MatchingRule::Random => "a control",
    };
    let rules = MatchingRule::ALL.map(|rule| (rule, rule.to_string(), about(rule)));
    let chosen = labelled(ui, "Matching", |ui| {
        choice(ui, "Matching of locations", matching, &rules)
    });
    *matching = chosen.unwrap_or(*matching);
}

fn negatives_ui(loss: &mut DenseContrast, ui: &mut Ui) {
    let count = match loss.negatives {
        Negatives::Random { count } | Negatives::Hardest { count } => count,
        Negatives::Pooled | Negatives::All => 4,
    };
    let options = [
        (
            Negatives::Pooled,
            "pooled",
            "the mean of each image's locations",
        ),
        (Negatives::All, "all", "every location of the other images"),
        (
            Negatives::Random { count },
            "k random",
            "seeded locations of each image, drawn anew each step",
        ),
        (
            Negatives::Hardest { count },
            "k hardest",
            "those of each image that are most similar to the query",
        ),
    ]
    .map(|(negatives, name, about)| (negatives, name.to_owned(), about));
    let chosen = labelled(ui, "Negatives", |ui| {
        choice(ui, "Negatives of other images", &loss.negatives, &options)
    });
    loss.negatives = chosen.unwrap_or(loss.negatives);
    if let Negatives::Random { count } | Negatives::Hardest { count } = &mut loss.negatives {
        labelled(ui, "k", |ui| {
            let label = "Negatives an image";
            if let Some(wanted) = number_field(ui, label, *count, 1..=1024, 0.1) {
                *count = wanted;
            }
            caption(ui, "an image");
        });
    }
    let about = "Negatives also come from the query's own view of the other images";
    ui.checkbox(&mut loss.is_cross_view, "negatives of both views")
        .on_hover_text(about);
    let about = "A light decoder paints each location's patch, and its error is trained along";
    ui.checkbox(&mut loss.reconstructs, "auxiliary reconstruction")
        .on_hover_text(about);
}
