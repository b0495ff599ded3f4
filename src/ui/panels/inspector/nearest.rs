//! The nearest locations of the whole set, with what they show.

use egui::{Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{image_name, picture::InspectorPictures};
use crate::{
    dense::{Crop, Near, Shown},
    ui::{
        Combine, Command, Commands, InspectCommand, InspectorState, InspectorView, MOST_NEAREST,
        Snapshot, World,
        panels::settings_caption,
        theme::Tokens,
        widgets::{caption, number_field, section},
    },
};

/// Side of a crop, in points.
const SIDE: f32 = 56.0;
/// Height of the whole image below it, at most.
const WHOLE: f32 = 42.0;

/// Draws the nearest as crops in a row.
pub(super) fn nearest_ui(
    view: &mut InspectorView,
    pictures: &mut InspectorPictures,
    state: &InspectorState,
    snapshot: &Snapshot,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Some(answer) = state.answer.as_ref().filter(|_| state.asked().is_some()) else {
        return;
    };
    section(ui, "Nearest in the set");
    settings_caption(
        ui,
        world,
        &format!(
            "by cosine in the original space, among {}; each with what is around it, and in its image",
            answer.population
        ),
    );
    if !world.is_export {
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut view.is_between_images, "other images only");
            caption(ui, "how many");
            let most = 1..=MOST_NEAREST;
            if let Some(count) =
                number_field(ui, "Nearest that are listed", view.nearest, most, 0.1)
            {
                view.nearest = count;
            }
        });
    }
    ui.horizontal_wrapped(|ui| {
        for (index, near) in answer.nearest.iter().enumerate() {
            let textures = pictures.crop(ui, &state.crops, index);
            let shown = state.crops.get(index).and_then(Option::as_ref);
            near_ui(index, *near, textures.zip(shown), snapshot, commands, ui);
        }
    });
    if answer.nearest.is_empty() {
        caption(ui, "there is no other location");
    }
}

fn near_ui(
    index: usize,
    near: Near,
    picture: Option<([egui::TextureId; 2], &Shown)>,
    snapshot: &Snapshot,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let tokens = Tokens::of(ui);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let size = vec2(SIDE, SIDE + WHOLE + font.size + 6.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = snapshot.name(near.row);
    let cosine = format!("{:.3}", near.cosine).replace('-', "−");
    response.widget_info(|| {
        let label = format!("Nearest {}: {name}, cosine {cosine}", index + 1);
        egui::WidgetInfo::labeled(egui::Role::Button, true, label)
    });
    let painter = ui.painter_at(rect);
    let square = Rect::from_min_size(rect.min, vec2(SIDE, SIDE));
    painter.rect_filled(square, 0.0, tokens.surface.field.0);
    if let Some(([near, whole], shown)) = picture {
        crop_ui(near, &shown.near, square, &painter, tokens);
        let below = pos2(square.left(), square.bottom() + 2.0);
        let below = Rect::from_min_size(below, vec2(SIDE, WHOLE));
        crop_ui(whole, &shown.whole, below, &painter, tokens);
    }
    if response.hovered() || response.has_focus() {
        let stroke = Stroke::new(1.0, tokens.accent.main.0);
        painter.rect_stroke(square, 0.0, stroke, StrokeKind::Inside);
        commands.push(Command::Hover(near.row));
    }
    painter.text(
        pos2(square.center().x, rect.bottom()),
        egui::Align2::CENTER_BOTTOM,
        &cosine,
        font,
        tokens.text.body.0,
    );
    if response.clicked() {
        commands.push(Command::Select(vec![near.row], Combine::Replace));
    }
    beside_ui(near, &response, snapshot, &cosine, commands);
}

/// A small picture in the middle of `room` with its location marked.
fn crop_ui(
    texture: egui::TextureId,
    crop: &Crop,
    room: Rect,
    painter: &egui::Painter,
    tokens: &Tokens,
) {
    let size = vec2(crop.picture.width() as f32, crop.picture.height() as f32);
    let scale = (room.width() / size.x).min(room.height() / size.y);
    let shown = Rect::from_center_size(room.center(), size * scale);
    let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture, shown, all, egui::Color32::WHITE);
    let [x, y, width, height] = crop.cell;
    let cell = Rect::from_min_size(
        shown.min + vec2(x * shown.width(), y * shown.height()),
        vec2(width * shown.width(), height * shown.height()),
    );
    // Locations of a fine map are too small to be found again.
    let cell = Rect::from_center_size(cell.center(), cell.size().max(vec2(4.0, 4.0)));
    for stroke in [
        Stroke::new(3.0, tokens.surface.canvas.0),
        Stroke::new(1.5, tokens.accent.main.0),
    ] {
        painter.rect_stroke(cell, 0.0, stroke, StrokeKind::Middle);
    }
}

/// Puts the neighbour's image beside on a right click, and says what it is.
fn beside_ui(
    near: Near,
    response: &egui::Response,
    snapshot: &Snapshot,
    cosine: &str,
    commands: &mut Commands,
) {
    let image = snapshot
        .analysis
        .features
        .images
        .get(near.row as usize)
        .copied();
    if let Some(image) = image
        && response.secondary_clicked()
    {
        commands.push(Command::Inspect(InspectCommand::Beside(image)));
    }
    let shown = image.map_or("", |image| image_name(snapshot, image));
    let name = snapshot.name(near.row);
    response.clone().on_hover_text(format!(
        "{name}\ncosine {cosine}\nclick goes there, right click puts {shown} beside"
    ));
}
