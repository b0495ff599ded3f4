//! The pictures with their colours, grid and lines; choosing a location with pointer and keys.

use egui::{
    Color32, ColorImage, Key, Pos2, Rect, Response, Sense, Stroke, StrokeKind, TextureHandle,
    TextureOptions, Ui, Vec2, pos2, vec2,
};

use super::{Now, correspondence, layer::Layer};
use crate::{
    dense::{Shown, Side},
    ui::{
        Command, Commands, InspectCommand, World,
        theme::Tokens,
        widgets::{caption, tip},
    },
};

/// Gap between the pictures, in points.
const GAP: f32 = 12.0;
/// Locations smaller than this have no borders drawn, in points.
const LEAST_CELL: f32 = 5.0;
/// The chosen location is marked by at least this, in points.
const LEAST_MARK: f32 = 9.0;
/// Pictures of at most this many pixels a side are shown with their pixels visible.
const COARSE: u32 = 128;

/// The inspector's textures, kept until what they show changes.
#[derive(Default)]
pub struct InspectorPictures {
    pictures: [Kept; 2],
    layers: [Kept; 2],
    crops: Vec<Option<[TextureHandle; 2]>>,
    crops_key: usize,
}

/// A texture and what it was made for.
#[derive(Default)]
struct Kept {
    key: String,
    texture: Option<TextureHandle>,
}

impl Kept {
    fn update(
        &mut self,
        ui: &Ui,
        key: String,
        options: TextureOptions,
        make: impl FnOnce() -> Option<ColorImage>,
    ) -> Option<egui::TextureId> {
        if self.key != key {
            self.texture = make().map(|image| ui.ctx().load_texture("inspector", image, options));
            self.key = key;
        }
        self.texture.as_ref().map(TextureHandle::id)
    }
}

impl InspectorPictures {
    /// The textures of a neighbour: near, and its whole image.
    pub(super) fn crop(
        &mut self,
        ui: &Ui,
        crops: &std::sync::Arc<Vec<Option<Shown>>>,
        index: usize,
    ) -> Option<[egui::TextureId; 2]> {
        let key = std::sync::Arc::as_ptr(crops) as usize;
        if self.crops_key != key || self.crops.len() != crops.len() {
            let textures = |shown: &Shown| {
                [&shown.near, &shown.whole].map(|crop| {
                    let image = picture_image(&crop.picture);
                    ui.ctx().load_texture("crop", image, TextureOptions::LINEAR)
                })
            };
            self.crops = crops
                .iter()
                .map(|shown| shown.as_ref().map(textures))
                .collect();
            self.crops_key = key;
        }
        let textures = self.crops.get(index)?.as_ref()?;
        Some(textures.each_ref().map(TextureHandle::id))
    }
}

fn picture_image(picture: &image::RgbImage) -> ColorImage {
    let size = [picture.width() as usize, picture.height() as usize];
    ColorImage::from_rgb(size, picture.as_raw())
}

/// Draws one or two pictures, at most `most` points high.
pub(super) fn pictures_ui(
    now: &Now<'_>,
    layer: &Layer,
    pictures: &mut InspectorPictures,
    most: f32,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    if let Layer::Absent(why) = layer {
        caption(ui, why.as_str());
    }
    let room = vec2(ui.available_width(), most);
    let sizes = sizes(&now.subject.sides, room);
    let (area, _) = ui.allocate_exact_size(together(&sizes), Sense::hover());
    let mut left = area.left();
    let rects: Vec<Rect> = sizes
        .iter()
        .map(|size| {
            let rect = Rect::from_min_size(pos2(left, area.top()), *size);
            left += size.x + GAP;
            rect
        })
        .collect();
    for (side, rect) in rects.iter().enumerate() {
        picture_ui(now, layer, pictures, side, *rect, world, commands, ui);
    }
    if let [first, second] = rects[..] {
        correspondence::lines(now, [first, second], ui);
    }
}

/// The size of all pictures together within `room`.
pub(super) fn extent(now: &Now<'_>, room: Vec2) -> Vec2 {
    together(&sizes(&now.subject.sides, room))
}

/// The sizes of one or two pictures that stand beside each other within `room`.
fn sizes(sides: &[Side], room: Vec2) -> Vec<Vec2> {
    let count = sides.len() as f32;
    let width = ((room.x - GAP * (count - 1.0)) / count).max(32.0);
    sides
        .iter()
        .map(|side| fitted(side, vec2(width, room.y)))
        .collect()
}

fn together(sizes: &[Vec2]) -> Vec2 {
    let gaps = GAP * (sizes.len() as f32 - 1.0);
    let width = sizes.iter().map(|size| size.x).sum::<f32>() + gaps;
    let height = sizes.iter().fold(0.0_f32, |most, size| most.max(size.y));
    vec2(width, height)
}

/// The size of a side's picture within `room`.
fn fitted(side: &Side, room: Vec2) -> Vec2 {
    let size = vec2(
        side.picture.width().max(1) as f32,
        side.picture.height().max(1) as f32,
    );
    size * (room.x / size.x).min(room.y / size.y)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one of two pictures: what all of them share, and which it is"
)]
fn picture_ui(
    now: &Now<'_>,
    layer: &Layer,
    pictures: &mut InspectorPictures,
    number: usize,
    rect: Rect,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let side = &now.subject.sides[number];
    let id = ui.make_persistent_id(("inspected picture", number));
    let response = ui.interact(rect, id, Sense::click());
    let cell = now.state.cell(number);
    response.widget_info(|| {
        let chosen = match cell {
            Some(cell) => format!(
                "row {} column {} is chosen",
                cell / side.grid[1],
                cell % side.grid[1]
            ),
            None => "none is chosen".to_owned(),
        };
        let label = format!(
            "Picture {}: {}, {}×{} locations, {chosen}. Arrow keys move",
            number + 1,
            now.image_name(side.image),
            side.grid[0],
            side.grid[1]
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, label)
    });
    draw(now, layer, pictures, number, rect, ui);
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(rect.expand(2.0));
    if let Some(cell) = cell {
        let is_asked = now.state.asked().is_some_and(|(asked, _)| asked == number);
        let inner = if is_asked {
            tokens.accent.main.0
        } else {
            tokens.sphere.selected.0
        };
        // Fine maps have locations too small to be found again.
        let cell = cell_rect(side, rect, cell);
        let cell = Rect::from_center_size(cell.center(), cell.size().max(Vec2::splat(LEAST_MARK)));
        let outer = Stroke::new(4.0, tokens.surface.canvas.0);
        painter.rect_stroke(cell, 1.0, outer, StrokeKind::Middle);
        painter.rect_stroke(cell, 1.0, Stroke::new(2.0, inner), StrokeKind::Middle);
    }
    let hovered = world.hover.and_then(|row| {
        let cell = row.checked_sub(side.first_row?)? as usize;
        (cell < side.cells()).then_some(cell)
    });
    if let Some(cell) = hovered {
        let stroke = Stroke::new(1.5, tokens.sphere.selected.0);
        painter.rect_stroke(cell_rect(side, rect, cell), 1.0, stroke, StrokeKind::Inside);
    }
    if response.has_focus() {
        let stroke = (1.0, tokens.accent.main.0);
        painter.rect_stroke(rect.expand(1.0), 0.0, stroke, StrokeKind::Outside);
        keys(side, number, cell, &response, commands, ui);
    }
    point(now, layer, number, rect, &response, commands);
}

/// The picture, its colours and its grid.
fn draw(
    now: &Now<'_>,
    layer: &Layer,
    pictures: &mut InspectorPictures,
    number: usize,
    rect: Rect,
    ui: &Ui,
) {
    let side = &now.subject.sides[number];
    let view = now.view;
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let painter = ui.painter_at(rect);
    let revision = now.state.revision;
    let is_coarse = side.picture.width().max(side.picture.height()) <= COARSE;
    let filter = |is_smooth: bool| {
        if is_smooth {
            TextureOptions::LINEAR
        } else {
            TextureOptions::NEAREST
        }
    };
    let picture = pictures.pictures[number].update(
        ui,
        format!("{revision} {:p}", std::sync::Arc::as_ptr(&side.picture)),
        filter(!is_coarse),
        || Some(picture_image(&side.picture)),
    );
    if let Some(texture) = picture {
        painter.image(texture, rect, whole, Color32::WHITE);
    }
    let tokens = Tokens::of(ui);
    // Between two classes there is no class: they are never blended.
    let is_smooth = view.is_smooth && !matches!(layer, Layer::Classes(_));
    let overlay = pictures.layers[number].update(
        ui,
        layer_key(now, layer, ui.visuals().dark_mode),
        filter(is_smooth),
        || {
            let pixels = layer.pixels(number, tokens)?;
            (pixels.len() == side.cells())
                .then(|| ColorImage::new([side.grid[1], side.grid[0]], pixels))
        },
    );
    if let Some(texture) = overlay {
        let tint = Color32::WHITE.gamma_multiply(view.strength);
        painter.image(texture, rect, whole, tint);
    }
    let cell = vec2(
        rect.width() / side.grid[1] as f32,
        rect.height() / side.grid[0] as f32,
    );
    if view.has_grid && cell.min_elem() >= LEAST_CELL {
        let stroke = Stroke::new(1.0, tokens.surface.rule_strong.0.gamma_multiply(0.6));
        for column in 1..side.grid[1] {
            painter.vline(rect.left() + column as f32 * cell.x, rect.y_range(), stroke);
        }
        for row in 1..side.grid[0] {
            painter.hline(rect.x_range(), rect.top() + row as f32 * cell.y, stroke);
        }
    }
    if view.has_mask_borders {
        mask_borders(side, rect, cell, ui);
    }
}

/// Lines between locations of different mask classes, over whatever colours them.
fn mask_borders(side: &Side, rect: Rect, cell: Vec2, ui: &Ui) {
    let Some(classes) = &side.classes else {
        return;
    };
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(rect.expand(1.0));
    let columns = side.grid[1];
    let border = |from: Pos2, to: Pos2| {
        // Dark under light, so that it shows on any colour.
        painter.line_segment([from, to], Stroke::new(3.0, tokens.surface.canvas.0));
        painter.line_segment([from, to], Stroke::new(1.25, tokens.text.strong.0));
    };
    for (index, class) in classes.iter().enumerate() {
        let [row, column] = [index / columns, index % columns];
        let corner = rect.min + vec2(column as f32 * cell.x, row as f32 * cell.y);
        if column > 0 && classes[index - 1] != *class {
            border(corner, corner + vec2(0.0, cell.y));
        }
        if row > 0 && classes[index - columns] != *class {
            border(corner, corner + vec2(cell.x, 0.0));
        }
    }
}

/// Everything that decides the colours.
fn layer_key(now: &Now<'_>, layer: &Layer, is_dark: bool) -> String {
    let view = now.view;
    let state = now.state;
    let address = |place: Option<*const ()>| place.map_or(0, |place| place as usize);
    format!(
        "{} {:?} {:?} {} {} {} {} {} {} {is_dark} {} {} {} {}",
        state.revision,
        view.mode,
        view.rule,
        view.is_smooth,
        view.is_automatic,
        view.has_cut,
        view.cut,
        view.is_cut_below,
        now.snapshot.request().alpha,
        matches!(layer, Layer::Absent(_)),
        address(
            state
                .answer
                .as_ref()
                .map(|a| std::sync::Arc::as_ptr(a).cast())
        ),
        address(
            state
                .colours
                .as_ref()
                .map(|c| std::sync::Arc::as_ptr(c).cast())
        ),
        address(
            state
                .density
                .as_ref()
                .map(|d| std::sync::Arc::as_ptr(d).cast())
        ),
    )
}

/// Where a location lies on the screen.
pub(super) fn cell_rect(side: &Side, rect: Rect, cell: usize) -> Rect {
    let size = vec2(
        rect.width() / side.grid[1].max(1) as f32,
        rect.height() / side.grid[0].max(1) as f32,
    );
    let [row, column] = [cell / side.grid[1].max(1), cell % side.grid[1].max(1)];
    Rect::from_min_size(
        rect.min + vec2(column as f32 * size.x, row as f32 * size.y),
        size,
    )
}

/// The location under a place on the screen.
fn cell_under(side: &Side, rect: Rect, pos: Pos2) -> Option<usize> {
    if !rect.contains(pos) || side.cells() == 0 {
        return None;
    }
    let along = |offset: f32, length: f32, count: usize| {
        ((offset / length * count as f32).max(0.0) as usize).min(count - 1)
    };
    let row = along(pos.y - rect.top(), rect.height(), side.grid[0]);
    let column = along(pos.x - rect.left(), rect.width(), side.grid[1]);
    Some(row * side.grid[1] + column)
}

fn choose(commands: &mut Commands, side: usize, cell: usize) {
    commands.push(Command::Inspect(InspectCommand::Choose { side, cell }));
}

/// Arrow keys move the chosen location; the first press chooses the middle one.
fn keys(
    side: &Side,
    number: usize,
    cell: Option<usize>,
    response: &Response,
    commands: &mut Commands,
    ui: &Ui,
) {
    let filter = egui::EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let presses = |key: Key| ui.input(|input| input.num_presses(key)) as i64;
    let columns = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
    let rows = presses(Key::ArrowDown) - presses(Key::ArrowUp);
    if (rows, columns) == (0, 0) {
        return;
    }
    let [height, width] = side.grid.map(|count| count as i64);
    let Some(cell) = cell else {
        return choose(commands, number, (height / 2 * width + width / 2) as usize);
    };
    let row = (cell as i64 / width + rows).clamp(0, height - 1);
    let column = (cell as i64 % width + columns).clamp(0, width - 1);
    choose(commands, number, (row * width + column) as usize);
}

/// Pointing and clicking.
fn point(
    now: &Now<'_>,
    layer: &Layer,
    number: usize,
    rect: Rect,
    response: &Response,
    commands: &mut Commands,
) {
    let side = &now.subject.sides[number];
    if response.clicked() {
        response.request_focus();
        if let Some(cell) = response
            .interact_pointer_pos()
            .and_then(|pos| cell_under(side, rect, pos))
        {
            choose(commands, number, cell);
        }
    }
    let Some(cell) = response
        .hover_pos()
        .and_then(|pos| cell_under(side, rect, pos))
    else {
        return;
    };
    if let Some(row) = side.row_of(cell) {
        commands.push(Command::Hover(row));
    }
    tip(response, |ui| {
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let at = format!(
            "row {}, column {}",
            cell / side.grid[1],
            cell % side.grid[1]
        );
        ui.label(at);
        if let Some(text) = layer.text(now, number, cell) {
            ui.label(text);
        }
        if let Some(norm) = side.norms.get(cell) {
            ui.label(format!("‖z‖ {norm:.3}"));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::ViewGeometry, dense::Within};

    fn side(grid: [usize; 2]) -> Side {
        Side {
            image: 0,
            picture: std::sync::Arc::new(image::RgbImage::new(40, 20)),
            geometry: ViewGeometry::whole([40, 20], 40),
            grid,
            unit: std::sync::Arc::default(),
            norms: Vec::new(),
            first_row: None,
            how: String::new(),
            classes: None,
            within: Within {
                value: Ok(0.0),
                floor: 0.0,
                population: String::new(),
            },
        }
    }

    #[test]
    fn a_location_is_under_its_own_middle() {
        let side = side([3, 5]);
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(100.0, 60.0));
        for cell in 0..15 {
            let place = cell_rect(&side, rect, cell).center();
            assert_eq!(cell_under(&side, rect, place), Some(cell));
        }
        assert_eq!(cell_under(&side, rect, pos2(9.0, 30.0)), None);
        assert_eq!(cell_under(&side, rect, rect.max), Some(14));
    }

    #[test]
    fn pictures_keep_their_shape() {
        assert_eq!(fitted(&side([1, 1]), vec2(100.0, 100.0)), vec2(100.0, 50.0));
        assert_eq!(fitted(&side([1, 1]), vec2(100.0, 10.0)), vec2(20.0, 10.0));
    }
}
