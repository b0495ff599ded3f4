//! The sphere's picture: scene, camera and renderer, and where things are on the screen.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Pos2, Rect, TextureId, Ui, Vec2, mutex::RwLock, pos2, vec2};
use egui_wgpu::wgpu;
use glam::Vec3;

use super::{area::Area, pair::Companion};
use crate::{
    render::{
        Camera, GeodesicArc, LeasedPoints, Pick, PointFlags, PointSource, Side, SphereColours,
        SphereRenderer, SphereScene, SphereStyle, SurfaceField, View,
    },
    ui::{
        Combine, MOVING_INTERVAL, Shading, Snapshot, SphereView, World,
        colour::ramp,
        marks::{MarkState, Marks},
        snapshot::DENSITY_MAP,
        theme::{self, Token, Tokens},
    },
};

/// While a pick is on its way, what was hit last still counts this near, in points of the screen.
const STICKY: f32 = 6.0;
/// How long points glide from one frame of a run to the next: as long as the frames lie apart,
/// within these bounds, seconds.
const GLIDE_S: [f32; 2] = [0.2, 1.0];
/// More points than this jump: moving each would cost the window its frames.
const MOST_GLIDING: usize = 20_000;
/// Mean of points from which on they have a side.
const GATHERED: f32 = 0.35;
/// Colours of the density's ramp.
pub(super) const RAMP_STEPS: usize = 64;

/// The sphere's picture and how it is looked at.
#[derive(Default)]
pub struct SphereCanvas {
    gpu: Option<Gpu>,
    problem: Option<String>,
    scene: SphereScene,
    scene_key: SceneKey,
    flags: Arc<Vec<u8>>,
    camera: Camera,
    rect: Option<Rect>,
    pixels_per_point: f32,
    hovered: Option<(u32, Pos2)>,
    pressed: Option<(Pos2, Combine, bool)>,
    pub(super) area: Option<Area>,
    glide: Option<Glide>,
    /// When the newest snapshot came.
    arrived: Option<Instant>,
    /// Where the points are drawn, for the next glide to begin at.
    drawn: Arc<Vec<[f32; 3]>>,
    /// Mean of the snapshot's points.
    mean: Vec3,
    /// The pinned time's sphere, once there was one.
    companion: Option<Box<Companion>>,
}

struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    egui: Arc<RwLock<egui_wgpu::Renderer>>,
    renderer: SphereRenderer,
    texture: Option<(TextureId, u64)>,
}

/// What the parts of the scene were made for.
#[derive(Clone, Debug, Default, PartialEq)]
struct SceneKey {
    serial: Option<u64>,
    marks: Option<u64>,
    arcs: Option<(u64, bool, u64, bool, Option<u64>)>,
    field: Option<(u64, bool, Shading, u64, bool, bool)>,
}

/// What became of a click.
pub(super) enum Press {
    /// There was none.
    Nothing,
    /// The picture's map of points is on its way.
    Waiting,
    /// It hit a point.
    Point {
        row: u32,
        how: Combine,
        is_double: bool,
    },
    /// It hit none.
    Background { is_double: bool },
}

impl SphereCanvas {
    /// Draws on the window's device from now on. A device that cannot is told in the view.
    pub fn connect(&mut self, state: &egui_wgpu::RenderState) {
        self.connect_to(&state.device, &state.queue, &state.renderer);
        // Another device needs another renderer there, too.
        self.companion = None;
    }

    fn connect_to(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        egui: &Arc<RwLock<egui_wgpu::Renderer>>,
    ) {
        match SphereRenderer::new(device, queue) {
            Ok(renderer) => {
                self.gpu = Some(Gpu {
                    device: device.clone(),
                    queue: queue.clone(),
                    egui: Arc::clone(egui),
                    renderer,
                    texture: None,
                });
                self.problem = None;
            }
            Err(error) => self.problem = Some(error.to_string()),
        }
    }

    /// The sphere beside this one, drawn on the same device; made when it is first looked at.
    pub(super) fn take_companion(&mut self) -> Box<Companion> {
        self.companion.take().unwrap_or_else(|| {
            let mut companion = Box::<Companion>::default();
            match &self.gpu {
                Some(gpu) => companion
                    .canvas
                    .connect_to(&gpu.device, &gpu.queue, &gpu.egui),
                None => companion.canvas.problem.clone_from(&self.problem),
            }
            companion
        })
    }

    /// Puts it back for the next frame.
    pub(super) fn keep_companion(&mut self, companion: Box<Companion>) {
        self.companion = Some(companion);
    }

    /// Looks from where another looks from.
    pub(super) fn look_as(&mut self, other: &Self) {
        self.camera.clone_from(&other.camera);
    }

    /// Whether there is a device to draw on.
    pub fn is_connected(&self) -> bool {
        self.gpu.is_some()
    }

    /// Draws what has changed and returns the picture for `rect`.
    ///
    /// # Errors
    /// A sentence for the user when there is no device or it refuses.
    pub(super) fn draw(
        &mut self,
        ui: &Ui,
        rect: Rect,
        view: &SphereView,
        marks: &Marks,
        world: &World<'_>,
    ) -> Result<TextureId, String> {
        self.rect = Some(rect);
        self.pixels_per_point = ui.pixels_per_point();
        let tokens = Tokens::of(ui);
        if let Some(snapshot) = world.snapshot {
            self.update_scene(view, marks, world, snapshot, tokens);
        }
        let size = self.size_px();
        let mut style = SphereStyle::new(colours(tokens), self.scene.point_count());
        style.point_size_pt *= view.point_scale * theme::mark_scale(ui);
        style.pixels_per_point = self.pixels_per_point;
        let Some(gpu) = &mut self.gpu else {
            return Err(self.problem.clone().unwrap_or_else(|| {
                "This window has no graphics device. The numbers and the other views do not need one."
                    .to_owned()
            }));
        };
        gpu.renderer
            .draw(&self.scene, &self.camera, size, &style)
            .map_err(|error| error.to_string())?;
        Ok(gpu.show())
    }

    fn update_scene(
        &mut self,
        view: &SphereView,
        marks: &Marks,
        world: &World<'_>,
        snapshot: &Snapshot,
        tokens: &Tokens,
    ) {
        let is_dark = std::ptr::eq(tokens, Tokens::dark());
        if self.scene_key.serial != Some(snapshot.serial) {
            let apart_s = (self.arrived.replace(Instant::now()))
                .map_or(0.0, |before| before.elapsed().as_secs_f32());
            self.glide = Glide::between(&self.drawn, snapshot, world, apart_s);
            self.drawn = Arc::clone(&snapshot.prepared.sphere);
            self.mean = mean(&snapshot.prepared.sphere);
            if self.glide.is_none() {
                self.scene.set_points(points(snapshot));
            }
            self.scene_key = SceneKey {
                serial: Some(snapshot.serial),
                ..SceneKey::default()
            };
            if self.glide.is_none() {
                self.hovered = None;
                self.pressed = None;
            }
        }
        self.move_points(snapshot);
        if self.scene_key.marks != Some(marks.revision) {
            self.scene.set_colours(Arc::new(
                marks.colours.iter().map(egui::Color32::to_array).collect(),
            ));
            self.flags = Arc::new(marks.states.iter().map(|state| flag(*state)).collect());
            self.scene.set_flags(Arc::clone(&self.flags));
            self.scene_key.marks = Some(marks.revision);
        }
        let arcs = Some((
            snapshot.serial,
            view.has_arcs,
            world.selection.revision(),
            is_dark,
            shows_arrows(view, world).then_some(world.potential.revision),
        ));
        if self.scene_key.arcs != arcs {
            let mut shown = if view.has_arcs {
                arcs_of(snapshot, world, tokens)
            } else {
                Vec::new()
            };
            if let Some(field) = world.potential.field.filter(|_| shows_arrows(view, world)) {
                shown.extend(super::potential::arrows(field, tokens));
            }
            self.scene.set_arcs(shown);
            self.scene_key.arcs = arcs;
        }
        let field = Some((
            snapshot.serial,
            view.has_density,
            view.shading,
            world.potential.revision,
            world.potential.has_relief,
            is_dark,
        ));
        if self.scene_key.field != field {
            let surface = match view.shading {
                _ if !view.has_density => None,
                Shading::Density => density(snapshot, tokens),
                Shading::Potential => (world.potential.field)
                    .and_then(|field| super::potential::surface(field, tokens)),
            };
            let relief = (surface.as_deref())
                .filter(|_| view.shows_potential() && world.potential.has_relief)
                .map(|surface| super::potential::relief(surface, tokens));
            // A relief wears the field's colours itself.
            self.scene.set_field(surface.filter(|_| relief.is_none()));
            self.scene.set_relief(relief);
            self.scene_key.field = field;
        }
    }

    /// Moves gliding points on their way to where they belong.
    fn move_points(&mut self, snapshot: &Snapshot) {
        let Some(glide) = &self.glide else { return };
        let share = glide.share();
        if share < 1.0 {
            self.drawn = Arc::new(glide.at(share));
            self.scene
                .set_points(PointSource::Host(Arc::clone(&self.drawn)));
        } else {
            self.glide = None;
            self.drawn = Arc::clone(&snapshot.prepared.sphere);
            self.scene.set_points(points(snapshot));
        }
    }

    fn size_px(&self) -> [u32; 2] {
        let size = self.rect.map_or(Vec2::splat(1.0), |rect| rect.size()) * self.pixels_per_point;
        [
            size.x.round().max(1.0) as u32,
            size.y.round().max(1.0) as u32,
        ]
    }

    /// The geometry of the picture last drawn.
    pub(super) fn view(&self) -> Option<View> {
        self.rect.map(|_| self.camera.view(self.size_px()))
    }

    /// Flags of the points, as the renderer has them.
    pub(super) fn flags(&self) -> &[u8] {
        &self.flags
    }

    /// Pixel of the picture at a place of the screen.
    pub(super) fn pixel(&self, at: Pos2) -> [f32; 2] {
        let offset = (at - self.rect.map_or(at, |rect| rect.min)) * self.pixels_per_point;
        [offset.x, offset.y]
    }

    /// Place on the screen of a point of the world, and whether the sphere does not hide it.
    pub(super) fn place(&self, point: [f32; 3]) -> Option<(Pos2, bool)> {
        let projected = self.view()?.project(Vec3::from_array(point))?;
        let offset = vec2(projected.pixel.x, projected.pixel.y) / self.pixels_per_point;
        Some((self.rect?.min + offset, projected.is_in_front))
    }

    /// As [`place`](Self::place), of a point nearer to the centre that is seen where its direction is.
    pub(super) fn place_at(&self, point: [f32; 3], radius: f32) -> Option<(Pos2, bool)> {
        let (_, is_in_front) = self.place(point)?;
        let (at, _) = self.place(point.map(|x| x * radius))?;
        Some((at, is_in_front))
    }

    /// Direction of the sphere's near side under a place of the screen.
    pub(super) fn direction(&self, at: Pos2) -> Option<Vec3> {
        self.view()?.unproject(self.pixel(at).into())
    }

    /// The point drawn at a place of the screen.
    pub(super) fn pick(&mut self, at: Pos2, reach: f32, side: Side) -> Pick {
        let pixel = self.pixel(at);
        let reach = reach * self.pixels_per_point;
        match &mut self.gpu {
            Some(gpu) => gpu
                .renderer
                .pick(pixel, reach, side)
                .unwrap_or_else(|error| {
                    log::warn!("{error}");
                    Pick::Nothing
                }),
            None => Pick::Nothing,
        }
    }

    /// The point under the pointer, which stays the last one while the answer is on its way.
    pub(super) fn remember_hover(&mut self, pick: Pick, at: Pos2) -> Option<u32> {
        match pick {
            Pick::Point(row) => self.hovered = Some((row, at)),
            Pick::Nothing => self.hovered = None,
            Pick::Pending => {
                self.hovered = self.hovered.filter(|(_, last)| last.distance(at) < STICKY);
            }
        }
        self.hovered.map(|(row, _)| row)
    }

    /// The shown point on the near side that is drawn nearest to a place of the screen.
    pub(super) fn nearest_to(
        &self,
        at: Pos2,
        points: &[[f32; 3]],
        is_shown: impl Fn(usize) -> bool,
    ) -> Option<u32> {
        points
            .iter()
            .enumerate()
            .filter(|(row, _)| is_shown(*row))
            .filter_map(|(row, point)| {
                let place = self.screen_position(*point)?;
                Some((row as u32, place.distance_sq(at)))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(row, _)| row)
    }

    /// A click to be answered as soon as the map of points is here.
    pub(super) fn press(&mut self, at: Option<Pos2>, how: Combine, is_double: bool) {
        self.pressed = at.map(|at| (at, how, is_double));
    }

    /// What the last click hit, once.
    pub(super) fn resolve_press(&mut self, reach: f32) -> Press {
        let Some((at, how, is_double)) = self.pressed else {
            return Press::Nothing;
        };
        let pick = self.pick(at, reach, Side::Both);
        if pick == Pick::Pending {
            return Press::Waiting;
        }
        self.pressed = None;
        match pick {
            Pick::Point(row) => Press::Point {
                row,
                how,
                is_double,
            },
            _ => Press::Background { is_double },
        }
    }

    /// Left drag.
    pub(super) fn orbit(&mut self, delta: Vec2) {
        let delta = delta * self.pixels_per_point;
        self.camera
            .orbit(glam::vec2(delta.x, delta.y), self.size_px());
    }

    /// Right or middle drag.
    pub(super) fn pan(&mut self, delta: Vec2) {
        let delta = delta * self.pixels_per_point;
        self.camera
            .pan(glam::vec2(delta.x, delta.y), self.size_px());
    }

    /// Wheel.
    pub(super) fn zoom_at(&mut self, factor: f32, at: Pos2) {
        let pixel = self.pixel(at).into();
        self.camera.zoom_at(factor, pixel, self.size_px());
    }

    /// Moves the camera on; in what time the picture is another one, when something is under way.
    pub(super) fn advance(&mut self, elapsed_s: f32) -> Option<Duration> {
        self.camera.advance(elapsed_s);
        if self.camera.is_moving() {
            return Some(Duration::ZERO);
        }
        self.glide.as_ref().map(|_| MOVING_INTERVAL)
    }

    /// Glides until the whole sphere is seen.
    pub fn fit(&mut self) {
        self.camera.fit();
    }

    /// Glides until `point` faces the viewer.
    pub fn focus(&mut self, point: [f32; 3]) {
        self.camera.focus(Vec3::from_array(point));
    }

    /// Glides until `direction` faces the viewer, without magnifying.
    pub fn face(&mut self, direction: Vec3) {
        self.camera.face(direction);
    }

    /// Whether the points gather, and on the far side.
    pub(super) fn faces_away(&self) -> bool {
        let along_view = self.camera.view_from_world() * self.mean;
        self.mean.length() > GATHERED && along_view.z < -0.3 * self.mean.length()
    }

    /// Glides back to the first view.
    pub fn reset(&mut self) {
        self.camera.reset();
    }

    /// Longitude and latitude under the eye, in radians.
    pub fn angles_rad(&self) -> [f32; 2] {
        self.camera.angles_rad()
    }

    /// Where a point of the world is on the screen, when it is on the near side; for tests and
    /// tools that point at it.
    pub fn screen_position(&self, point: [f32; 3]) -> Option<Pos2> {
        self.place(point)
            .filter(|(_, is_in_front)| *is_in_front)
            .map(|(at, _)| pos2(at.x, at.y))
    }
}

/// Points on their way from one frame of a run to the next.
struct Glide {
    from: Arc<Vec<[f32; 3]>>,
    to: Arc<Vec<[f32; 3]>>,
    began: Instant,
    lasts_s: f32,
}

impl Glide {
    /// The way from where the points are drawn to the frame, which came `apart_s` after the one
    /// before; none when they are not the same points, or too many to be moved one by one.
    fn between(
        from: &Arc<Vec<[f32; 3]>>,
        snapshot: &Snapshot,
        world: &World<'_>,
        apart_s: f32,
    ) -> Option<Self> {
        let to = &snapshot.prepared.sphere;
        let is_smooth = snapshot.is_of_run()
            && !world.is_export
            && from.len() == to.len()
            && to.len() <= MOST_GLIDING
            && snapshot.analysis.sphere_lease.is_none();
        is_smooth.then(|| Self {
            from: Arc::clone(from),
            to: Arc::clone(to),
            began: Instant::now(),
            lasts_s: apart_s.clamp(GLIDE_S[0], GLIDE_S[1]),
        })
    }

    /// How much of the way is done, 0 to 1.
    fn share(&self) -> f32 {
        self.began.elapsed().as_secs_f32() / self.lasts_s
    }

    /// Where the points are: on the chord, brought back to the sphere.
    fn at(&self, share: f32) -> Vec<[f32; 3]> {
        let between = |(from, to): (&[f32; 3], &[f32; 3])| {
            let [from, to] = [from, to].map(|point| Vec3::from_array(*point));
            // Opposite points have no way between them; they stay until they arrive.
            from.lerp(to, share).try_normalize().unwrap_or(from).into()
        };
        self.from.iter().zip(self.to.iter()).map(between).collect()
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

fn mean(points: &[[f32; 3]]) -> Vec3 {
    let finite = points.iter().copied().map(Vec3::from_array);
    let (sum, count) = finite
        .filter(|point| point.is_finite())
        .fold((Vec3::ZERO, 0.0), |(sum, count), point| {
            (sum + point, count + 1.0)
        });
    sum / f32::max(count, 1.0)
}

fn points(snapshot: &Snapshot) -> PointSource {
    match &snapshot.analysis.sphere_lease {
        Some(lease) => PointSource::Lease(LeasedPoints {
            buffer: lease.buffer.clone(),
            offset_bytes: lease.offset,
            count: snapshot.len(),
            keepalive: Some(Arc::clone(lease) as _),
        }),
        None => PointSource::Host(Arc::clone(&snapshot.prepared.sphere)),
    }
}

fn flag(state: MarkState) -> u8 {
    match state {
        MarkState::Plain => 0,
        MarkState::Selected => PointFlags::SELECTED,
        MarkState::Dimmed => PointFlags::DIMMED,
        MarkState::Hidden => PointFlags::HIDDEN,
    }
}

/// Arcs of all drawn pairs, or of those of the selected points' images.
fn arcs_of(snapshot: &Snapshot, world: &World<'_>, tokens: &Tokens) -> Vec<GeodesicArc> {
    let pairs = &snapshot.analysis.pairs;
    let chosen: std::collections::HashSet<u32> = world
        .selection
        .rows()
        .filter_map(|row| snapshot.analysis.features.images.get(row as usize).copied())
        .collect();
    let colour = straight(tokens.sphere.arc);
    pairs
        .first_sphere
        .iter()
        .zip(&pairs.second_sphere)
        .zip(&pairs.images)
        .filter(|(_, image)| chosen.is_empty() || chosen.contains(image))
        .map(|((start, end), _)| GeodesicArc {
            start: *start,
            end: *end,
            colour,
        })
        .collect()
}

/// Whether arrows of the potential are drawn.
fn shows_arrows(view: &SphereView, world: &World<'_>) -> bool {
    view.shows_potential() && world.potential.has_arrows
}

fn density(snapshot: &Snapshot, tokens: &Tokens) -> Option<Arc<SurfaceField>> {
    let colours = (0..RAMP_STEPS)
        .map(|step| ramp(&tokens.data.density, step as f32 / (RAMP_STEPS - 1) as f32).to_array())
        .collect();
    let [width, height] = DENSITY_MAP;
    SurfaceField::new(
        width as u32,
        height as u32,
        // A square root opens the low densities up without moving the order.
        snapshot
            .prepared
            .sphere_density
            .iter()
            .map(|value| value.max(0.0).sqrt())
            .collect(),
        colours,
    )
    .inspect_err(|error| log::warn!("{error}"))
    .ok()
    .map(Arc::new)
}

fn colours(tokens: &Tokens) -> SphereColours {
    let sphere = &tokens.sphere;
    SphereColours {
        background: straight(sphere.background),
        surface: straight(sphere.body),
        rim: straight(sphere.limb),
        graticule: straight(sphere.graticule),
        halo: straight(sphere.halo),
    }
}

/// Straight opacity, as the renderer wants it.
pub(super) fn straight(token: Token) -> [u8; 4] {
    token.0.to_srgba_unmultiplied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gliding_points_stay_on_the_sphere_and_arrive() {
        let glide = Glide {
            from: Arc::new(vec![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
            to: Arc::new(vec![[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),
            began: Instant::now(),
            lasts_s: 1.0,
        };
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let middle = Vec3::from_array(glide.at(0.5)[0]);
        assert!(middle.distance(Vec3::new(half, half, 0.0)) < 1e-6);
        for share in [0.0, 0.3, 0.5, 0.9, 1.0] {
            for point in glide.at(share) {
                assert!((Vec3::from_array(point).length() - 1.0).abs() < 1e-6);
            }
        }
        assert_eq!(glide.at(1.0)[0], [0.0, 1.0, 0.0]);
    }
}
