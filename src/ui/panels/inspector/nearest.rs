//! The nearest locations of the whole set, with what they show.

use egui::{Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{image_name, picture::InspectorPictures};
use crate::{
    dense::Near,
    ui::{
        Combine, Command, Commands, InspectCommand, InspectorState, InspectorView, Snapshot, World,
        theme::Tokens,
        widgets::{caption_line, section},
    },
};

/// Side of a crop, in points.
const SIDE: f32 = 56.0;

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
    caption_line(
        ui,
        &format!(
            "by cosine in the original space, among {}",
            answer.population
        ),
    );
    if !world.is_export {
        ui.checkbox(&mut view.is_between_images, "other images only");
    }
    ui.horizontal_wrapped(|ui| {
        for (index, near) in answer.nearest.iter().enumerate() {
            let texture = pictures.crop(ui, &state.crops, index);
            let crop = state.crops.get(index).and_then(Option::as_ref);
            near_ui(index, *near, texture.zip(crop), snapshot, commands, ui);
        }
    });
    if answer.nearest.is_empty() {
        caption_line(ui, "there is no other location");
    }
}

fn near_ui(
    index: usize,
    near: Near,
    picture: Option<(egui::TextureId, &crate::dense::Crop)>,
    snapshot: &Snapshot,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let tokens = Tokens::of(ui);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let size = vec2(SIDE, SIDE + font.size + 4.0);
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
    if let Some((texture, crop)) = picture {
        let [width, height] = [crop.picture.width(), crop.picture.height()].map(|n| n as f32);
        let scale = SIDE / width.max(height);
        let shown = Rect::from_center_size(square.center(), vec2(width, height) * scale);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, shown, whole, egui::Color32::WHITE);
        let [x, y, width, height] = crop.cell;
        let cell = Rect::from_min_size(
            shown.min + vec2(x * shown.width(), y * shown.height()),
            vec2(width * shown.width(), height * shown.height()),
        );
        let stroke = Stroke::new(1.5, tokens.accent.main.0);
        painter.rect_stroke(cell, 0.0, stroke, StrokeKind::Middle);
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
    response.on_hover_text(format!(
        "{name}\ncosine {cosine}\nclick goes there, right click puts {shown} beside"
    ));
}
