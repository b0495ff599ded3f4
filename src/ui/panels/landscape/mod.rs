//! Alignment and uniformity over a slice of weight space, filling in while it is measured.

mod exchange;
mod heat;
mod heat_axes;
mod linked;
mod relief;
mod relief_marks;
mod tools;

use egui::{Pos2, Rect, Ui, UiBuilder, vec2};

pub use self::linked::{LinkedSphere, LinkedViews};

use crate::ui::{
    Command, Commands, Landscape, LandscapeCommand, LandscapePicture, LandscapeView, Pane,
    PointedAt, SlicePicture, World,
    icons::Icon,
    widgets::{Running, caption, caption_line, empty_state, how_to_read, note},
};

/// A view that is lower than this is small: a tile of the first layout.
const SMALL: f32 = 320.0;
/// Pointer distance within which a cell of a surface or a net is hit, in points of the screen.
const REACH: f32 = 14.0;

/// Between picture and column.
const GAP: f32 = 12.0;
/// Width of what is told at a cell: it must not cover the sphere, which shows the cell's features.
const TIP_WIDTH: f32 = 240.0;

/// What the shapes mean, and what they do not.
const READING: &str = "Sharp: a small step changes the height much. Along random directions a step of 1 \
                       moves every filter by its own norm, so that networks of other scales can be \
                       compared. Flat: it changes little. Ridge or valley: it changes along one direction \
                       and hardly across it. What it does not mean: two of very many directions are shown, \
                       so a flat slice is no proof of a flat minimum; sharp is not the same as bad, nor \
                       flat as good: around a collapsed encoder uniformity is flat at 0.";

/// Draws the landscape with its tools.
pub fn landscape_ui(
    view: &mut LandscapeView,
    canvas: &mut LandscapeCanvas,
    world: &World<'_>,
    linked: LinkedViews<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    how_to_read(ui, &format!("{} {READING}", Pane::Landscape.how_to_read()));
    tools::tools_ui(view, world, &mut canvas.has_settings_open, commands, ui);
    if canvas.has_settings_open {
        let height = ui.available_height();
        // In a small tile the settings stand in the place of the picture.
        let is_small = height < SMALL;
        let most = if is_small { height } else { 0.5 * height };
        egui::ScrollArea::vertical()
            .id_salt("slice settings")
            .max_height(most)
            .auto_shrink([false, true])
            .show(ui, |ui| tools::settings_ui(view, world, ui));
        if is_small {
            return;
        }
    }
    if let Some(failure) = world.landscape.failure {
        note(ui, Icon::Failure, failure);
    }
    let progress = (world.landscape.progress).filter(|_| world.landscape.is_running);
    match world.landscape.picture {
        Some(picture) => {
            caption_ui(view, picture, &world.landscape, progress, ui);
            if let Some(why) = picture.slice.why_no_objective() {
                caption_line(ui, why).on_hover_text(why);
            }
            let of = (picture, &world.landscape);
            let cell = linked_ui(view, canvas, of, linked, commands, ui);
            canvas.point(picture, cell, commands);
        }
        None if world.landscape.is_running => {
            let stage = progress.map_or_else(|| "preparing".to_owned(), Running::line);
            empty_state(ui, "Cutting the slice", &stage);
        }
        None => empty_state(
            ui,
            "No slice has been cut yet",
            "Press \"Cut a slice\": it fills from coarse to fine around the shown encoder.",
        ),
    }
}

/// Draws the picture, and beside or inside it what is linked with it; the cell that is pointed at.
fn linked_ui(
    view: &LandscapeView,
    canvas: &mut LandscapeCanvas,
    (picture, landscape): (&LandscapePicture, &Landscape<'_>),
    mut linked: LinkedViews<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) -> Option<usize> {
    // The net is drawn in that plane.
    linked.has_plane &= view.picture != SlicePicture::Exchange;
    let has_linked = view.has_linked_views && !linked.is_empty();
    let all = ui.available_rect_before_wrap();
    let width = linked::column_width(all.width()).filter(|_| has_linked);
    let Some(width) = width else {
        let inset = Inset {
            is_wanted: has_linked && linked.has_plane,
            pointed: landscape.pointed.as_ref(),
        };
        return canvas.picture_ui(view, picture, &inset, commands, ui);
    };
    let column = Rect::from_min_max(all.max - vec2(width, all.height()), all.max);
    let rest = Rect::from_min_max(all.min, all.max - vec2(width + GAP, 0.0));
    let builder = UiBuilder::new().max_rect(rest);
    let cell = ui.scope_builder(builder, |ui| {
        canvas.picture_ui(view, picture, &Inset::default(), commands, ui)
    });
    linked::column_ui(linked, picture, landscape, commands, ui, column);
    cell.inner
}

/// The small plane inside a picture that has no column beside it.
#[derive(Default)]
struct Inset<'a> {
    is_wanted: bool,
    pointed: Option<&'a PointedAt>,
}

/// What is drawn and of what, in a line; all of it under the pointer.
fn caption_ui(
    view: &LandscapeView,
    picture: &LandscapePicture,
    landscape: &Landscape<'_>,
    progress: Option<&Running>,
    ui: &mut Ui,
) {
    let mut settings = picture.settings(view.quantity, view.is_logarithmic);
    settings.extend(landscape.pace.words());
    let under_way = progress.map_or_else(String::new, |running| format!("{} · ", running.line()));
    let text = format!("{under_way}{} · {}", picture.title, settings.join(" · "));
    caption_line(ui, &text).on_hover_text(format!("{}\n{}", picture.title, settings.join("\n")));
}

/// Draws the picture alone with its settings, for a file.
pub fn picture_ui(
    view: &LandscapeView,
    canvas: &mut LandscapeCanvas,
    picture: &LandscapePicture,
    ui: &mut Ui,
) {
    for line in picture.settings(view.quantity, view.is_logarithmic) {
        caption(ui, line);
    }
    canvas.picture_ui(
        view,
        picture,
        &Inset::default(),
        &mut Commands::default(),
        ui,
    );
}

/// What the landscape's pictures keep between frames.
#[derive(Default)]
pub struct LandscapeCanvas {
    heat: heat::HeatPicture,
    relief: relief::ReliefCanvas,
    has_settings_open: bool,
    /// What was pointed at in the frame before.
    pointed: Option<PointedAt>,
}

impl LandscapeCanvas {
    /// Draws on the window's device from now on.
    pub fn connect(&mut self, state: &egui_wgpu::RenderState) {
        self.relief.connect(state);
    }

    /// Draws the picture; the cell that is pointed at.
    fn picture_ui(
        &mut self,
        view: &LandscapeView,
        picture: &LandscapePicture,
        inset: &Inset<'_>,
        commands: &mut Commands,
        ui: &mut Ui,
    ) -> Option<usize> {
        match view.picture {
            SlicePicture::Map => heat::heat_ui(view, &mut self.heat, picture, inset, commands, ui),
            SlicePicture::Relief => relief::relief_ui(view, &mut self.relief, picture, inset, ui),
            SlicePicture::Exchange => exchange::exchange_ui(view, picture, ui),
        }
    }

    /// Tells what is pointed at, when that has changed.
    fn point(&mut self, picture: &LandscapePicture, cell: Option<usize>, commands: &mut Commands) {
        let pointed = cell.and_then(|cell| picture.pointed(cell));
        if pointed != self.pointed {
            self.pointed = pointed;
            commands.push(Command::Landscape(LandscapeCommand::Point(pointed)));
        }
    }

    /// Points at nothing, when the view is not drawn.
    pub fn leave(&mut self, commands: &mut Commands) {
        if self.pointed.take().is_some() {
            commands.push(Command::Landscape(LandscapeCommand::Point(None)));
        }
    }
}

/// The measured cell whose place on the screen is nearest to the pointer, and that place, within
/// reach.
fn nearest_cell(
    pointer: Option<Pos2>,
    places: impl Iterator<Item = (usize, Pos2)>,
) -> Option<(usize, Pos2)> {
    let pointer = pointer?;
    places
        .filter(|(_, place)| place.distance(pointer) < REACH)
        .min_by(|a, b| {
            a.1.distance_sq(pointer)
                .total_cmp(&b.1.distance_sq(pointer))
        })
}

/// What a pointed cell says, in every picture.
fn cell_ui(ui: &mut Ui, view: &LandscapeView, picture: &LandscapePicture, cell: usize) {
    ui.set_max_width(TIP_WIDTH);
    let slice = &picture.slice;
    let [x, y] = slice.grid.at(cell);
    ui.label(format!("at {}, {}", number(x), number(y)));
    let Some(point) = slice.cells[cell] else {
        caption(
            ui,
            "not measured yet: the colour lies between those of the points around it",
        );
        return;
    };
    for quantity in &slice.quantities {
        let value = slice.value(&point, *quantity);
        let text = format!("{} = {}", slice.formula(*quantity), number(value));
        if *quantity == picture.drawn(view.quantity) {
            ui.strong(text);
        } else {
            ui.label(text);
        }
    }
}

/// A number with a sign that lines up.
fn number(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}
