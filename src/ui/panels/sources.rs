//! What was loaded and why, and what is computed from it.

use egui::{ScrollArea, Ui};

use super::{
    encoder_settings::encoder_settings_ui, measure_settings::measure_settings_ui, report::report_ui,
};
use crate::{
    analysis::{EncoderSource, GALLERY, ImagesSource},
    checkpoint::KeyReport,
    ui::{
        ColourBy, Command, Commands, OpenTarget, Pane, RequestEdit, SphereView, World,
        icons::Icon,
        widgets::{
            caption, caption_line, choice, drop_zone, how_to_read, key_value, labelled, note,
            section,
        },
    },
};

/// Skipped images listed by name; the rest are counted.
const MOST_SKIPPED: usize = 200;

/// Draws the sources and settings.
pub fn sources_ui(view: &mut SphereView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            how_to_read(ui, Pane::Sources.how_to_read());
            let hint = "Drop a checkpoint, images, a table of encoders (CSV, Parquet), the folder \
                        of a run, of checkpoints or of a sweep, or a session";
            if drop_zone(
                ui,
                hint,
                "or click to type a path · Ctrl+O",
                world.are_files_hovering,
            )
            .clicked()
            {
                commands.push(Command::AskOpen(OpenTarget::Anything));
            }
            if let Some(failure) = world.failure {
                note(ui, Icon::Failure, failure);
            }
            if let Some(report) = world.refused {
                section(ui, "Refused");
                key_value(ui, "file", &report.file.display().to_string());
                ui.push_id("refused", |ui| report_ui(ui, report, commands));
            }
            section(ui, "Checkpoint");
            checkpoint_ui(ui, world, commands);
            section(ui, "Images");
            images_ui(ui, world, commands);
            section(ui, "Features and measures");
            measure_settings_ui(ui, world, commands);
            section(ui, "Input");
            encoder_settings_ui(ui, world, commands);
            section(ui, "Colour");
            let options = ColourBy::ALL.map(|by| (by, by.name().to_owned(), by.explanation()));
            labelled(ui, "colour by", |ui| {
                if let Some(by) = choice(ui, "Colour by", &view.colour_by, &options) {
                    commands.push(Command::ColourBy(by));
                }
            });
            ui.add_space(16.0);
        });
}

fn checkpoint_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    key_value(ui, "encoder", &world.request.encoder.title());
    let shown = world.snapshot.map(|shown| &shown.request().encoder);
    if let Some(shown @ (EncoderSource::Run { .. } | EncoderSource::Place { .. })) = shown {
        caption(
            ui,
            format!(
                "The views show {}. A choice made here goes back to this encoder.",
                shown.title()
            ),
        );
    }
    match (world.report, &world.request.encoder) {
        (Some(report), _) => {
            network_ui(ui, world, report, commands);
            report_ui(ui, report, commands);
        }
        (None, EncoderSource::File(path)) => {
            caption(ui, path.display().to_string());
        }
        (
            None,
            EncoderSource::Untrained { .. }
            | EncoderSource::Bundled(_)
            | EncoderSource::Run { .. }
            | EncoderSource::Place { .. },
        ) => {}
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Open…").on_hover_text("Ctrl+O").clicked() {
            commands.push(Command::AskOpen(OpenTarget::Anything));
        }
        let demo = Command::OpenDemo;
        if ui.button("Demo").on_hover_text(demo.tooltip()).clicked() {
            commands.push(demo);
        }
        ui.menu_button("Gallery", |ui| {
            for bundled in GALLERY {
                let open = Command::OpenBundled(bundled.name);
                if ui
                    .button(bundled.title)
                    .on_hover_text(bundled.comment)
                    .clicked()
                {
                    commands.push(open);
                }
            }
        })
        .response
        .on_hover_text("Small trained encoders, healthy and collapsed, that come with the program");
    });
}

/// Which network of a file that holds several (a teacher beside its student, say).
fn network_ui(ui: &mut Ui, world: &World<'_>, report: &KeyReport, commands: &mut Commands) {
    let now = &world.request.root;
    if report.alternatives.is_empty() && now.is_none() {
        return;
    }
    let mut options = vec![(
        None,
        "the first".to_owned(),
        "The one that the file's own program evaluates, as far as its names tell",
    )];
    let others = report.alternatives.iter().chain(now);
    options.extend(others.map(|root| {
        let name = if root.is_empty() { "top level" } else { root };
        (Some(root.clone()), name.to_owned(), "")
    }));
    let picked = labelled(ui, "network", |ui| {
        choice(ui, "Network of the file", now, &options)
    });
    if let Some(root) = picked {
        commands.edit(RequestEdit::Root(root));
    }
}

fn images_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let shown = world
        .snapshot
        .filter(|snapshot| snapshot.request().images == world.request.images);
    match (&world.request.images, shown) {
        (_, Some(snapshot)) => {
            let images = &snapshot.analysis.images;
            let source = format!("{} · {}", images.source(), images.format());
            key_value(ui, "set", images.name()).on_hover_text(&source);
            caption_line(ui, &source);
            key_value(ui, "images", &images.len().to_string());
            classes_ui(ui, images.classes(), &snapshot.prepared.class_counts);
            if images.has_masks() {
                let masks = match images.mask_classes().len() {
                    0 => "classes without names".to_owned(),
                    named => format!("{named} classes"),
                };
                key_value(ui, "masks", &masks);
            }
            skipped_ui(ui, images);
        }
        (ImagesSource::Path { path, .. }, None) => {
            key_value(ui, "from", &path.display().to_string());
        }
        (ImagesSource::Builtin(_), None) => {
            key_value(ui, "from", "built in");
        }
    }
    ui.horizontal_wrapped(|ui| {
        if ui
            .button("Open images…")
            .on_hover_text("Ctrl+Shift+O")
            .clicked()
        {
            commands.push(Command::AskOpen(OpenTarget::Images));
        }
        if ui
            .button("Masks…")
            .on_hover_text("A folder of masks with the same stems")
            .clicked()
        {
            commands.push(Command::AskOpen(OpenTarget::Masks));
        }
        if ui
            .button("Built in")
            .on_hover_text("The built-in procedural images")
            .clicked()
        {
            commands.push(Command::UseBuiltinImages);
        }
    });
}

fn classes_ui(ui: &mut Ui, classes: &[String], counts: &[usize]) {
    if classes.is_empty() {
        key_value(ui, "classes", "none");
        return;
    }
    let response = key_value(ui, "classes", &classes.len().to_string());
    response.on_hover_ui(|ui| {
        for (class, count) in classes.iter().zip(counts).take(40) {
            ui.label(format!("{class}: {count} points"));
        }
        if classes.len() > 40 {
            ui.label(format!("and {} more", classes.len() - 40));
        }
    });
}

fn skipped_ui(ui: &mut Ui, images: &crate::data::ImageSet) {
    let skipped = images.skipped();
    if skipped.is_empty() {
        return;
    }
    let title = format!("{} skipped", skipped.len());
    egui::CollapsingHeader::new(title)
        .id_salt("skipped images")
        .show(ui, |ui| {
            for image in skipped.iter().take(MOST_SKIPPED) {
                note(
                    ui,
                    Icon::Warning,
                    &format!("{}: {}", image.name, image.reason),
                );
            }
            if skipped.len() > MOST_SKIPPED {
                caption(ui, format!("and {} more", skipped.len() - MOST_SKIPPED));
            }
        });
}
