//! The surface in three dimensions, with the camera of the sphere.

use std::sync::Arc;

use egui::{
    Color32, PointerButton, Pos2, Rect, Response, Sense, TextureId, Ui, mutex::RwLock, pos2, vec2,
};
use egui_wgpu::wgpu;

use super::{Inset, REACH, cell_ui, linked, nearest_cell, relief_marks::marks};
use crate::{
    landscape::Quantity,
    render::{Camera, ReliefRenderer, ReliefScene},
    ui::{
        LandscapePicture, LandscapeView,
        colour::ramp,
        theme::Tokens,
        widgets::{caption, empty_state, tip, view_keys},
    },
};

/// Magnification of one line of the wheel, as on the sphere.
const WHEEL: f32 = 0.0022;
/// Pixels that an arrow key turns the surface by, as on the sphere.
const KEY_STEP: f32 = 24.0;

/// The square's corners lie well inside of the sphere that the camera fits.
const HOME_ZOOM: f32 = 1.2;
/// Size of the small plane in the upper left corner.
const INSET: egui::Vec2 = vec2(150.0, 92.0);
/// A view that is lower or narrower has no room for it.
const INSET_FROM: egui::Vec2 = vec2(360.0, 120.0);

/// What the scene was made for.
type Key = (u64, Quantity, bool, u32, bool);

/// The relief's picture and how it is looked at.
#[derive(Default)]
pub(super) struct ReliefCanvas {
    gpu: Option<Gpu>,
    problem: Option<String>,
    scene: Option<(Key, ReliefScene)>,
    camera: Option<Camera>,
}

struct Gpu {
    device: wgpu::Device,
    egui: Arc<RwLock<egui_wgpu::Renderer>>,
    renderer: ReliefRenderer,
    texture: Option<(TextureId, u64)>,
}

impl ReliefCanvas {
    /// Draws on the window's device from now on. A device that cannot is told in the view.
    pub fn connect(&mut self, state: &egui_wgpu::RenderState) {
        match ReliefRenderer::new(&state.device, &state.queue) {
            Ok(renderer) => {
                self.gpu = Some(Gpu {
                    device: state.device.clone(),
                    egui: Arc::clone(&state.renderer),
                    renderer,
                    texture: None,
                });
            }
            Err(error) => self.problem = Some(error.to_string()),
        }
    }

    fn camera(&mut self) -> &mut Camera {
        self.camera.get_or_insert_with(home)
    }
}

/// From above one corner, as near as the whole range of heights allows.
fn home() -> Camera {
    let mut camera = Camera::looking_from(-0.9, 0.6);
    camera.zoom_at(HOME_ZOOM, glam::Vec2::splat(0.5), [1, 1]);
    camera
}

/// Draws the surface; left drag turns it, right drag moves it, the wheel magnifies, a double click
/// goes back. The cell that is pointed at.
pub(super) fn relief_ui(
    view: &LandscapeView,
    canvas: &mut ReliefCanvas,
    picture: &LandscapePicture,
    inset: &Inset<'_>,
    ui: &mut Ui,
) -> Option<usize> {
    let rect = ui.available_rect_before_wrap();
    if rect.width() < 40.0 || rect.height() < 40.0 {
        caption(ui, "There is no room for the surface: enlarge the view");
        return None;
    }
    let response = ui.allocate_rect(rect, Sense::click_and_drag());
    response.widget_info(|| {
        let formula = picture.slice.formula(picture.drawn(view.quantity));
        let text = format!(
            "Surface of {formula} over weights. Arrow keys turn it, with Shift they move it; + and − \
             magnify"
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let pixels = ui.pixels_per_point();
    let size_px = [rect.width(), rect.height()].map(|side| (side * pixels).round().max(1.0) as u32);
    interact(canvas, &response, size_px, pixels, ui);
    let mut pointed = None;
    match canvas.draw(view, picture, size_px, ui) {
        Ok(texture) => {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture, rect, whole, Color32::WHITE);
            let camera = canvas.camera().view(size_px);
            if let Some((_, scene)) = &canvas.scene {
                marks(view, scene, &camera, picture, rect, ui);
            }
            if inset.is_wanted && rect.size().min(INSET_FROM) == INSET_FROM {
                let corner = Rect::from_min_size(rect.min, INSET);
                linked::plane_ui(corner, picture, inset.pointed, ui);
            }
            pointed = canvas.pointed(picture, &response, size_px, ui);
        }
        Err(why) => {
            ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| {
                empty_state(ui, "The surface cannot be drawn here", &why);
            });
        }
    }
    if response.has_focus() {
        let stroke = (1.0, Tokens::of(ui).accent.main.0);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    let (cell, place) = pointed?;
    let mark = (1.5, Tokens::of(ui).text.strong.0);
    ui.painter_at(rect).circle_stroke(place, 5.0, mark);
    tip(&response, |ui| cell_ui(ui, view, picture, cell));
    Some(cell)
}

impl ReliefCanvas {
    fn draw(
        &mut self,
        view: &LandscapeView,
        picture: &LandscapePicture,
        size_px: [u32; 2],
        ui: &Ui,
    ) -> Result<TextureId, String> {
        let key = (
            picture.revision,
            view.quantity,
            view.is_logarithmic,
            view.clip.to_bits(),
            ui.visuals().dark_mode,
        );
        if self.scene.as_ref().is_none_or(|(of, _)| *of != key) {
            self.scene = Some((key, scene(view, picture, Tokens::of(ui))));
        }
        let camera = self.camera().clone();
        let (Some(gpu), Some((_, scene))) = (&mut self.gpu, &self.scene) else {
            return Err(self.problem.clone().unwrap_or_else(|| {
                "This window has no graphics device. The map does not need one.".to_owned()
            }));
        };
        gpu.renderer
            .draw(scene, &camera, size_px)
            .map_err(|error| error.to_string())?;
        Ok(gpu.show())
    }
}

impl ReliefCanvas {
    /// The measured cell under the pointer, and its place on the screen.
    fn pointed(
        &mut self,
        picture: &LandscapePicture,
        response: &Response,
        size_px: [u32; 2],
        ui: &Ui,
    ) -> Option<(usize, Pos2)> {
        let pointer = response.hover_pos().filter(|_| !response.dragged())?;
        let camera = self.camera().view(size_px);
        let (_, scene) = self.scene.as_ref()?;
        let side = scene.side;
        let cells = picture.slice.cells.iter().zip(&scene.heights).enumerate();
        let places = cells
            .filter(|(_, (point, height))| point.is_some() && height.is_finite())
            .filter_map(|(cell, (_, height))| {
                let at = [(cell % side) as f32, (cell / side) as f32];
                let world = scene.place(at, *height);
                let pixel = camera.project(world)?.pixel;
                let place = response.rect.min + vec2(pixel.x, pixel.y) / ui.pixels_per_point();
                // The walk to the eye only for the few that could be meant.
                let is_near = place.distance(pointer) < REACH;
                (is_near && !scene.is_hidden(world, camera.eye())).then_some((cell, place))
            });
        nearest_cell(Some(pointer), places)
    }
}

impl Gpu {
    /// Hands the picture to egui.
    fn show(&mut self) -> TextureId {
        let revision = self.renderer.target_revision();
        let picture = self.renderer.picture_view();
        crate::ui::panels::shown_by_egui(
            &self.egui,
            &self.device,
            picture,
            revision,
            &mut self.texture,
        )
    }
}

/// Height of a value on the picture: what lies above the clip is cut level.
fn height(view: &LandscapeView, picture: &LandscapePicture, value: f64) -> f32 {
    let surface = picture.surface(view.quantity);
    let clip = view.clip.clamp(0.02, 1.0);
    surface.share(value, view.is_logarithmic).min(clip) / clip
}

fn scene(view: &LandscapeView, picture: &LandscapePicture, tokens: &Tokens) -> ReliefScene {
    let surface = picture.surface(view.quantity);
    // `min` would turn what is no number into the clip.
    let heights: Vec<f32> = surface
        .values
        .iter()
        .map(|value| {
            if value.is_finite() {
                height(view, picture, *value)
            } else {
                f32::NAN
            }
        })
        .collect();
    ReliefScene {
        side: picture.slice.grid.side,
        // What is cut level keeps the colours of its own heights, as the bar has them.
        colours: (surface.values.iter())
            .map(|value| surface.share(*value, view.is_logarithmic))
            .map(|share| if share.is_finite() { share } else { 0.0 })
            .map(|share| ramp(&tokens.data.sequential, share).to_array())
            .collect(),
        heights,
        background: tokens.surface.panel.0.to_array(),
    }
}

fn interact(
    canvas: &mut ReliefCanvas,
    response: &Response,
    size_px: [u32; 2],
    pixels: f32,
    ui: &Ui,
) {
    let delta = response.drag_delta() * pixels;
    let delta = glam::vec2(delta.x, delta.y);
    let camera = canvas.camera();
    if response.dragged_by(PointerButton::Primary) {
        camera.orbit(delta, size_px);
    } else if response.dragged() {
        camera.pan(delta, size_px);
    }
    if let Some(at) = response.hover_pos() {
        let (scroll, zoom) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (scroll * WHEEL).exp() * zoom;
        if factor != 1.0 {
            let offset = (at - response.rect.min) * pixels;
            camera.zoom_at(factor, glam::vec2(offset.x, offset.y), size_px);
        }
    }
    if response.double_clicked() {
        *camera = home();
    }
    let keys = view_keys(ui, response);
    let turn = glam::vec2(keys.arrows.x, keys.arrows.y) * KEY_STEP;
    if turn != glam::Vec2::ZERO && keys.is_shifted {
        camera.pan(turn, size_px);
    } else if turn != glam::Vec2::ZERO {
        camera.orbit(turn, size_px);
    }
    if keys.closer != 0.0 {
        let factor = (keys.closer * KEY_STEP * WHEEL * 2.0).exp();
        let middle = glam::vec2(size_px[0] as f32, size_px[1] as f32) * 0.5;
        camera.zoom_at(factor, middle, size_px);
    }
}
