//! What the augmentations make of some images, and how strong they are.

use egui::{Rect, Slider, Ui, pos2, vec2};

use super::setup::knob_ui;
use crate::{
    data::{AugmentConfig, Blur, ColourJitter, CropRange},
    training::{Knob, Phase, RunConfig},
    ui::{
        Command, Commands, PreviewPicture, TrainCommand, TrainingView, World,
        icons::Icon,
        theme::Tokens,
        widgets::{caption, choice, labelled, note, tip},
    },
};

/// Width of the column with the strengths, in units of the layout's grid.
const COLUMN: f32 = 38.0;
/// Least and greatest side of a tile, in points of the screen.
const TILE: [f32; 2] = [28.0, 96.0];

/// Draws the window with strengths and views, while it is open.
pub(super) fn augmentations_ui(
    view: &mut TrainingView,
    world: &World<'_>,
    commands: &mut Commands,
    ctx: &egui::Context,
) {
    if !view.preview.is_open || world.is_export {
        return;
    }
    let mut is_open = true;
    let size = ctx.content_rect().size();
    egui::Window::new("Augmentations")
        .open(&mut is_open)
        .collapsible(false)
        .default_pos(pos2((size.x - 960.0).max(48.0) * 0.5, 96.0))
        .default_size(vec2(960.0, 420.0).min(size - vec2(48.0, 96.0)))
        .max_size(size - vec2(32.0, 64.0))
        .show(ctx, |ui| contents_ui(view, world, commands, ui));
    view.preview.is_open &= is_open;
}

fn contents_ui(view: &mut TrainingView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    caption(
        ui,
        "Each row is an image and views of it, in the pixels that the encoder would get. Views of one \
         image are what alignment pulls together: what they share is what can be learned.",
    );
    let live = world
        .run
        .filter(|run| !matches!(run.state.phase, Phase::Stopped | Phase::Failed));
    ui.horizontal_wrapped(|ui| {
        let preview = &mut view.preview;
        if live.is_some() {
            ui.radio_value(&mut preview.is_of_run, false, "of the new run");
            ui.radio_value(&mut preview.is_of_run, true, "of the run under way");
        } else {
            preview.is_of_run = false;
        }
        let another = TrainCommand::AnotherDraw;
        if ui.button("Another draw").clicked() {
            commands.push(Command::Train(another));
        }
        if preview.draw > 0 && ui.button("First draw").clicked() {
            preview.draw = 0;
        }
        if world.preview.is_some_and(|state| state.is_waiting) {
            caption(ui, "drawing…");
        }
    });
    let width = Tokens::of(ui).shape.grid * COLUMN;
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        ui.allocate_ui(vec2(width, height), |ui| {
            egui::ScrollArea::vertical()
                .id_salt("strengths")
                .auto_shrink([false, true])
                .max_height(height)
                .show(ui, |ui| {
                    ui.vertical(|ui| match live.filter(|_| view.preview.is_of_run) {
                        Some(run) => run_ui(&run.state.config, commands, ui),
                        None => strengths_ui(&mut view.draft, ui),
                    });
                });
        });
        ui.vertical(|ui| views_ui(world, ui));
    });
}

/// What of a run under way can be changed, and the rest as it stands.
fn run_ui(config: &RunConfig, commands: &mut Commands, ui: &mut Ui) {
    let known = config.knobs().into_iter();
    for known in known.filter(|known| known.knob == Knob::Augmentation) {
        knob_ui(known, commands, ui);
    }
    caption(ui, "The other strengths are those that the run began with.");
    ui.add_enabled_ui(false, |ui| transforms_ui(&mut config.augment.clone(), ui));
}

fn strengths_ui(draft: &mut RunConfig, ui: &mut Ui) {
    let mut options: Vec<(AugmentConfig, String, &str)> = AugmentConfig::presets()
        .into_iter()
        .map(|(name, preset)| (preset, name.to_owned(), about(name)))
        .collect();
    if !options.iter().any(|(known, ..)| *known == draft.augment) {
        options.push((draft.augment, "your own".to_owned(), ""));
    }
    let chosen = labelled(ui, "Of", |ui| {
        choice(ui, "Augmentations of the run", &draft.augment, &options)
    });
    draft.augment = chosen.unwrap_or(draft.augment);
    let mut strength = draft.augmentation_strength;
    slider(
        ui,
        "All",
        "Strength of all augmentations",
        &mut strength,
        [0.0, 2.0],
    );
    draft.augmentation_strength = strength;
    caption(
        ui,
        "0 none, 1 as below, 2 twice as strong; a knob of the run.",
    );
    transforms_ui(&mut draft.augment, ui);
}

fn about(name: &str) -> &'static str {
    match name {
        "wang-isola" => "crop .08–1, flip, jitter .4 on all four, greyscale .2",
        "moco-v2" => "MoCo v2 and DenseCL: crop .2–1, flip, jitter, greyscale, blur",
        "crop-flip" => "geometry alone",
        _ => "no change but the size",
    }
}

/// Each transform with its strength.
fn transforms_ui(augment: &mut AugmentConfig, ui: &mut Ui) {
    let mut has_crop = augment.crop.is_some();
    ui.checkbox(&mut has_crop, "crop");
    augment.crop = has_crop.then(|| augment.crop.unwrap_or(CropRange::with_scale(0.2)));
    if let Some(crop) = &mut augment.crop {
        let most = crop.scale[1];
        let [least, _] = &mut crop.scale;
        slider(
            ui,
            "least area",
            "Least area of a crop",
            least,
            [0.02, most],
        );
    }
    slider(
        ui,
        "flip",
        "Probability of a flip",
        &mut augment.flip,
        [0.0, 1.0],
    );
    let mut has_jitter = augment.jitter.is_some();
    ui.checkbox(&mut has_jitter, "colour jitter");
    augment.jitter = has_jitter.then(|| augment.jitter.unwrap_or(usual_jitter()));
    if let Some(jitter) = &mut augment.jitter {
        for (name, label, value, most) in [
            (
                "brightness",
                "Jitter of brightness",
                &mut jitter.brightness,
                1.0,
            ),
            ("contrast", "Jitter of contrast", &mut jitter.contrast, 1.0),
            (
                "saturation",
                "Jitter of saturation",
                &mut jitter.saturation,
                1.0,
            ),
            ("hue", "Jitter of hue", &mut jitter.hue, 0.5),
            (
                "how often",
                "Probability of jitter",
                &mut jitter.probability,
                1.0,
            ),
        ] {
            slider(ui, name, label, value, [0.0, most]);
        }
    }
    let grey = &mut augment.greyscale;
    slider(
        ui,
        "greyscale",
        "Probability of greyscale",
        grey,
        [0.0, 1.0],
    );
    let mut has_blur = augment.blur.is_some();
    ui.checkbox(&mut has_blur, "blur");
    augment.blur = has_blur.then(|| {
        augment.blur.unwrap_or(Blur {
            sigma: [0.1, 2.0],
            probability: 0.5,
        })
    });
    if let Some(blur) = &mut augment.blur {
        let least = blur.sigma[0];
        let most = &mut blur.sigma[1];
        slider(ui, "σ up to, px", "Greatest blur", most, [least, 10.0]);
        let often = &mut blur.probability;
        slider(ui, "how often", "Probability of blur", often, [0.0, 1.0]);
    }
}

fn usual_jitter() -> ColourJitter {
    ColourJitter {
        brightness: 0.4,
        contrast: 0.4,
        saturation: 0.4,
        hue: 0.1,
        probability: 0.8,
    }
}

fn slider<N: egui::emath::Numeric>(
    ui: &mut Ui,
    name: &str,
    label: &str,
    value: &mut N,
    [least, most]: [N; 2],
) {
    let response = labelled(ui, name, |ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 72.0).max(60.0);
        ui.add(Slider::new(value, least..=most).max_decimals(2))
    });
    let _ = response.accessible_name(label);
}

/// The images with their views.
fn views_ui(world: &World<'_>, ui: &mut Ui) {
    let Some(state) = world.preview else { return };
    if let Some(why) = &state.failure {
        note(ui, Icon::Failure, why);
    }
    let Some(picture) = &state.picture else {
        caption(ui, "The images are being opened.");
        return;
    };
    let rows = picture.names.len();
    let room = ui.available_size() - vec2(0.0, 40.0);
    // A gap sets the image itself off from its views.
    let gap = 8.0;
    let side = ((room.x - gap) / picture.columns as f32)
        .min(room.y / rows.max(1) as f32)
        .clamp(TILE[0], TILE[1]);
    let size = vec2(side * picture.columns as f32 + gap, side * rows as f32);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    response.widget_info(|| {
        let text = format!("Augmented views. {}", picture.about);
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    for row in 0..rows {
        for column in 0..picture.columns {
            let shift = if column == 0 { 0.0 } else { gap };
            let place = vec2(column as f32 * side + shift, row as f32 * side);
            let tile = Rect::from_min_size(rect.min + place, vec2(side, side)).shrink(1.0);
            let ink = egui::Color32::WHITE;
            let part = part(picture, row, column);
            ui.painter().image(picture.texture.id(), tile, part, ink);
        }
    }
    if let Some(at) = response.hover_pos() {
        let row = ((at.y - rect.top()) / side) as usize;
        if let Some(name) = picture.names.get(row) {
            tip(&response, |ui| {
                ui.label(name);
            });
        }
    }
    caption(ui, &picture.about);
}

/// Where a tile lies in the texture.
fn part(picture: &PreviewPicture, row: usize, column: usize) -> Rect {
    let [columns, rows] = [picture.columns, picture.names.len()].map(|count| count.max(1) as f32);
    let corner = |row: usize, column: usize| pos2(column as f32 / columns, row as f32 / rows);
    Rect::from_min_max(corner(row, column), corner(row + 1, column + 1))
}
