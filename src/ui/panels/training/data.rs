//! The images of a run and how they come to its encoder.

use egui::Ui;

use crate::{
    analysis::ImagesSource,
    data::{BuiltinConfig, BuiltinKind, Normalisation},
    features::FeatureKind,
    training::RunConfig,
    ui::{
        World,
        widgets::{caption, choice, labelled, number_field},
    },
};

/// Sides of a view to choose from, pixels.
const SIDES: [u32; 7] = [16, 32, 48, 64, 96, 128, 224];

/// Draws images, batch, size, constants and probe.
pub(super) fn data_ui(draft: &mut RunConfig, world: &World<'_>, ui: &mut Ui) {
    source_ui(&mut draft.images, world, ui);
    if let ImagesSource::Builtin(builtin) = &mut draft.images {
        builtin_ui(builtin, ui);
    }
    labelled(ui, "Batch", |ui| {
        if let Some(batch) = number_field(ui, "Batch of the run", draft.batch, 2..=4096, 1.0) {
            draft.batch = batch;
        }
        caption(ui, "images, two views each");
    });
    let sides = std::iter::once((None, "the encoder's usual".to_owned(), ""))
        .chain(SIDES.map(|side| (Some(side), format!("{side} pixels"), "")))
        .chain(
            draft
                .side
                .filter(|side| !SIDES.contains(side))
                .map(|side| (Some(side), format!("{side} pixels"), "")),
        );
    let sides: Vec<_> = sides.collect();
    let chosen = labelled(ui, "View", |ui| {
        choice(ui, "Side of a view", &draft.side, &sides)
    });
    draft.side = chosen.unwrap_or(draft.side);
    let mut constants: Vec<(Option<Normalisation>, String, &str)> =
        vec![(None, "the encoder's usual".to_owned(), "")];
    constants.extend(
        Normalisation::NAMED
            .iter()
            .map(|(name, one)| (Some(*one), (*name).to_owned(), "")),
    );
    let chosen = labelled(ui, "Constants", |ui| {
        choice(
            ui,
            "Input constants of the run",
            &draft.normalisation,
            &constants,
        )
    });
    draft.normalisation = chosen.unwrap_or(draft.normalisation);
    probe_ui(draft, ui);
}

/// Built-in scenes, or the images that are open.
fn source_ui(images: &mut ImagesSource, world: &World<'_>, ui: &mut Ui) {
    let builtin = |kind| {
        let usual = BuiltinConfig {
            kind,
            count: 2048,
            side: 32,
            seed: 0,
        };
        match &*images {
            // The one chosen keeps its settings.
            ImagesSource::Builtin(own) => ImagesSource::Builtin(BuiltinConfig { kind, ..*own }),
            ImagesSource::Path { .. } => ImagesSource::Builtin(usual),
        }
    };
    let mut options: Vec<(ImagesSource, String, &str)> =
        [BuiltinKind::SingleObject, BuiltinKind::MultiObject]
            .into_iter()
            .map(|kind| (builtin(kind), format!("built-in {}", kind.title()), ""))
            .collect();
    if let ImagesSource::Path { path, .. } = &world.request.images {
        let name = path.file_name().unwrap_or(path.as_os_str());
        options.push((
            world.request.images.clone(),
            format!("the open images, {}", name.to_string_lossy()),
            "",
        ));
    }
    if let ImagesSource::Path { path, .. } = &*images
        && !options.iter().any(|(known, ..)| known == images)
    {
        options.push((images.clone(), path.display().to_string(), ""));
    }
    let chosen = labelled(ui, "Images", |ui| {
        choice(ui, "Images of the run", images, &options)
    });
    if let Some(chosen) = chosen {
        *images = chosen;
    }
    if !matches!(world.request.images, ImagesSource::Path { .. }) {
        caption(ui, "Open a folder of images to train on it.");
    }
}

fn builtin_ui(builtin: &mut BuiltinConfig, ui: &mut Ui) {
    labelled(ui, "Scenes", |ui| {
        let label = "Scenes of the built-in set";
        if let Some(count) = number_field(ui, label, builtin.count, 2..=1_000_000, 8.0) {
            builtin.count = count;
        }
        caption(ui, "of");
        let label = "Side of the scenes";
        if let Some(side) = number_field(ui, label, builtin.side, 8..=256, 1.0) {
            builtin.side = side;
        }
        caption(ui, "px");
    });
    labelled(ui, "Scene seed", |ui| {
        let label = "Seed of the scenes";
        if let Some(seed) = number_field(ui, label, builtin.seed, 0..=u64::MAX, 1.0) {
            builtin.seed = seed;
        }
    });
}

/// The images that show how far the run is.
fn probe_ui(draft: &mut RunConfig, ui: &mut Ui) {
    labelled(ui, "Probe", |ui| {
        let label = "Images of the probe";
        let images = draft.probe.images;
        if let Some(images) = number_field(ui, label, images, 2..=100_000, 1.0) {
            draft.probe.images = images;
        }
        caption(ui, "images");
    });
    let kinds = FeatureKind::ALL.map(|kind| (kind, kind.name().to_owned(), ""));
    let chosen = labelled(ui, "Shown", |ui| {
        choice(ui, "Features of the probe", &draft.probe.kind, &kinds)
    });
    draft.probe.kind = chosen.unwrap_or(draft.probe.kind);
}
