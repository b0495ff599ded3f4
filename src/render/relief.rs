//! A surface of heights over a square, with the camera of the sphere.

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec3};

use super::{
    Camera, Picture, RenderError, SphereRelief, View,
    colour::Rgba8,
    pipelines::{PICTURE_FORMAT, guarded},
    readback,
    scene::next_revision,
    shaders,
    targets::allowed_size,
};

/// Half the side of the square; with the heights it stays inside the unit sphere, so that the
/// sphere's camera fits it.
const HALF_SIDE: f32 = 0.62;
/// Height of the whole range.
const HEIGHT: f32 = 0.72;
/// Samples of a pixel.
const SAMPLES: u32 = 4;
const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
/// Towards the light, not of unit length.
const LIGHT: Vec3 = Vec3::new(0.35, 0.5, 0.9);

/// Heights at even points of a square, row by row from the lowest y.
#[derive(Clone, Debug, PartialEq)]
pub struct ReliefScene {
    /// Points along each side.
    pub side: usize,
    /// Height of each point, 0 lowest to 1 highest; what is not finite is a hole.
    pub heights: Vec<f32>,
    /// Colour of each point.
    pub colours: Vec<Rgba8>,
    /// Behind the surface.
    pub background: Rgba8,
}

impl ReliefScene {
    /// Where a column and row with a height lie in the world.
    pub fn place(&self, [column, row]: [f32; 2], height: f32) -> Vec3 {
        let last = self.side.saturating_sub(1).max(1) as f32;
        let along = |index: f32| HALF_SIDE * (2.0 * index / last - 1.0);
        Vec3::new(along(column), along(row), HEIGHT * (height - 0.5))
    }

    /// Height of the surface between its points (bilinear), by column and row; `None` outside and in
    /// holes.
    pub fn height_at(&self, [column, row]: [f32; 2]) -> Option<f32> {
        let last = self.side.checked_sub(1)? as f32;
        let is_inside = [column, row]
            .iter()
            .all(|index| (0.0..=last).contains(index));
        if !is_inside || self.heights.len() != self.side * self.side {
            return None;
        }
        let most = self.side.saturating_sub(2);
        let [x, y] = [column, row].map(|index| (index as usize).min(most));
        let [across, up] = [column - x as f32, row - y as f32];
        let along = |y: usize| {
            let row = &self.heights[y * self.side..];
            let right = row[(x + 1).min(self.side - 1)];
            row[x] + across * (right - row[x])
        };
        let [low, high] = [along(y), along((y + 1).min(self.side - 1))];
        let height = low + up * (high - low);
        height.is_finite().then_some(height)
    }

    /// Whether the surface stands between a place above it and the eye, walked along in small steps.
    pub fn is_hidden(&self, place: Vec3, eye: Vec3) -> bool {
        const STEPS: usize = 160;
        /// The place itself lies on the surface, or a hair above it.
        const CLEAR: f32 = 0.015;
        let last = self.side.saturating_sub(1) as f32;
        let towards = (eye - place).normalize_or_zero();
        // From one corner across to the other, and as far up.
        let reach = 2.0 * HALF_SIDE * std::f32::consts::SQRT_2 + HEIGHT;
        (1..=STEPS).any(|step| {
            let at = place + towards * (reach * step as f32 / STEPS as f32);
            let index = |x: f32| 0.5 * last * (x / HALF_SIDE + 1.0);
            self.height_at([index(at.x), index(at.y)])
                .is_some_and(|height| HEIGHT * (height - 0.5) > at.z + CLEAR)
        })
    }

    /// Whether both draw the same. Heights count by their bits: a hole is NaN, which equals nothing.
    fn is_same(&self, other: &Self) -> bool {
        self.side == other.side
            && self.colours == other.colours
            && self.background == other.background
            && bytemuck::cast_slice::<f32, u32>(&self.heights)
                == bytemuck::cast_slice::<f32, u32>(&other.heights)
    }

    /// The surface as triangles; each square's two share its shade.
    fn corners(&self) -> Vec<Corner> {
        let side = self.side;
        if side < 2 || self.heights.len() != side * side || self.colours.len() != side * side {
            return Vec::new();
        }
        let mut corners = Vec::with_capacity((side - 1) * (side - 1) * 6);
        for row in 0..side - 1 {
            for column in 0..side - 1 {
                let cells =
                    [[0, 0], [1, 0], [0, 1], [1, 1]].map(|[right, up]| [column + right, row + up]);
                let height = |[x, y]: [usize; 2]| self.heights[y * side + x];
                if cells.iter().any(|cell| !height(*cell).is_finite()) {
                    continue;
                }
                let places = cells.map(|[x, y]| self.place([x as f32, y as f32], height([x, y])));
                let normal = (places[1] - places[2]).cross(places[3] - places[0]);
                let shade = shade(normal);
                for index in [0, 1, 2, 2, 1, 3] {
                    let [x, y] = cells[index];
                    corners.push(Corner {
                        position: places[index].to_array(),
                        colour: lit(self.colours[y * side + x], shade),
                    });
                }
            }
        }
        corners
    }
}

/// Brightness of a face; both sides alike, and never black.
fn shade(normal: Vec3) -> f32 {
    let facing = normal.normalize_or_zero().dot(LIGHT.normalize()).abs();
    0.55 + 0.45 * facing
}

fn lit(colour: Rgba8, shade: f32) -> u32 {
    let [r, g, b, _] = colour;
    let dim = |channel: u8| (f32::from(channel) * shade).round() as u8;
    u32::from_le_bytes([dim(r), dim(g), dim(b), 255])
}

/// A corner of a triangle as `relief.wgsl` pulls it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub(super) struct Corner {
    position: [f32; 3],
    colour: u32,
}

impl Corner {
    pub fn new(place: Vec3, colour: Rgba8) -> Self {
        Self {
            position: place.to_array(),
            colour: u32::from_le_bytes(colour),
        }
    }

    /// Where it lies in the world.
    #[cfg(test)]
    pub fn place(&self) -> Vec3 {
        Vec3::from_array(self.position)
    }
}

struct Targets {
    size_px: [u32; 2],
    picture: wgpu::Texture,
    picture_view: wgpu::TextureView,
    samples: wgpu::TextureView,
    depth: wgpu::TextureView,
}

/// Draws reliefs into its own texture, on a device it is given.
pub struct ReliefRenderer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::RenderPipeline,
    uniform: wgpu::Buffer,
    corners: Option<(wgpu::Buffer, u32)>,
    targets: Targets,
    scene: Option<ReliefScene>,
    camera: Option<Camera>,
    /// The closed surface that was drawn, and from where.
    around: Option<(Arc<SphereRelief>, View)>,
    target_revision: u64,
}

impl std::fmt::Debug for ReliefRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReliefRenderer")
            .field("size_px", &self.targets.size_px)
            .finish_non_exhaustive()
    }
}

impl ReliefRenderer {
    /// Compiles the pipeline on this device.
    ///
    /// # Errors
    /// [`RenderError::Refused`] when the adapter cannot run it.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self, RenderError> {
        let (pipeline, uniform, targets) = guarded(device, "the pipeline of reliefs", || {
            let uniform = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("relief"),
                size: 64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            (pipeline(device), uniform, targets(device, [1, 1]))
        })?;
        Ok(Self {
            pipeline,
            uniform,
            targets,
            corners: None,
            scene: None,
            camera: None,
            around: None,
            target_revision: next_revision(),
            device: device.clone(),
            queue: queue.clone(),
        })
    }

    /// Draws the scene unless the last picture already shows it. A size beyond the device's limits
    /// becomes the largest possible.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn draw(
        &mut self,
        scene: &ReliefScene,
        camera: &Camera,
        size_px: [u32; 2],
    ) -> Result<&wgpu::TextureView, RenderError> {
        let size_px = allowed_size(size_px, &self.device.limits());
        let is_resized = size_px != self.targets.size_px;
        if is_resized {
            let device = &self.device;
            self.targets = guarded(device, "a picture of this size", || {
                targets(device, size_px)
            })?;
            self.target_revision = next_revision();
        }
        let is_other = !self.scene.as_ref().is_some_and(|old| old.is_same(scene));
        if is_other {
            self.corners = self.uploaded(&scene.corners())?;
            self.scene = Some(scene.clone());
        }
        if is_resized || is_other || self.camera.as_ref() != Some(camera) {
            let matrix = camera.view(self.targets.size_px).clip_from_world();
            self.submit(matrix, scene.background)?;
            self.camera = Some(camera.clone());
        }
        Ok(&self.targets.picture_view)
    }

    /// Draws a closed surface over nothing, for a picture of the sphere to lay over its own; an
    /// [allowed](allowed_size) size is taken as it is.
    pub(super) fn draw_around(
        &mut self,
        relief: &Arc<SphereRelief>,
        view: &View,
    ) -> Result<(), RenderError> {
        if view.size_px != self.targets.size_px {
            let device = &self.device;
            self.targets = guarded(device, "the surface in relief", || {
                targets(device, view.size_px)
            })?;
            self.target_revision = next_revision();
        }
        let is_known = (self.around.as_ref()).is_some_and(|(known, _)| Arc::ptr_eq(known, relief));
        if !is_known {
            self.corners = self.uploaded(&relief.corners)?;
        }
        let is_drawn = is_known && self.around.as_ref().is_some_and(|(_, from)| from == view);
        if !is_drawn {
            self.submit(view.clip_from_world(), [0; 4])?;
            self.around = Some((Arc::clone(relief), *view));
        }
        Ok(())
    }

    /// The picture last drawn.
    pub fn picture_view(&self) -> &wgpu::TextureView {
        &self.targets.picture_view
    }

    /// Changes whenever the texture behind the picture is another one.
    pub fn target_revision(&self) -> u64 {
        self.target_revision
    }

    /// Reads the picture last drawn back.
    ///
    /// # Errors
    /// [`RenderError::ReadBack`].
    pub fn picture(&self) -> Result<Picture, RenderError> {
        readback::picture(&self.device, &self.queue, &self.targets.picture)
    }

    fn uploaded(&self, corners: &[Corner]) -> Result<Option<(wgpu::Buffer, u32)>, RenderError> {
        if corners.is_empty() {
            return Ok(None);
        }
        let bytes: &[u8] = bytemuck::cast_slice(corners);
        let buffer = guarded(&self.device, "the corners of a relief", || {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("relief corners"),
                size: bytes.len() as u64,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        self.queue.write_buffer(&buffer, 0, bytes);
        Ok(Some((buffer, corners.len() as u32)))
    }

    fn submit(&self, matrix: Mat4, background: Rgba8) -> Result<(), RenderError> {
        self.queue.write_buffer(
            &self.uniform,
            0,
            bytemuck::cast_slice(&matrix.to_cols_array()),
        );
        guarded(&self.device, "a relief", || {
            let mut encoder = self
                .device
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("relief"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &self.targets.samples,
                    depth_slice: None,
                    resolve_target: Some(&self.targets.picture_view),
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(clear(background)),
                        store: wgpu::StoreOp::Discard,
                    },
                })],
                depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                    view: &self.targets.depth,
                    depth_ops: Some(wgpu::Operations {
                        load: wgpu::LoadOp::Clear(1.0),
                        store: wgpu::StoreOp::Discard,
                    }),
                    stencil_ops: None,
                }),
                ..Default::default()
            });
            if let Some((corners, count)) = &self.corners {
                let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some("relief"),
                    layout: &self.pipeline.get_bind_group_layout(0),
                    entries: &[
                        wgpu::BindGroupEntry {
                            binding: 0,
                            resource: self.uniform.as_entire_binding(),
                        },
                        wgpu::BindGroupEntry {
                            binding: 1,
                            resource: corners.as_entire_binding(),
                        },
                    ],
                });
                pass.set_pipeline(&self.pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.draw(0..*count, 0..1);
            }
            drop(pass);
            self.queue.submit([encoder.finish()]);
        })
    }
}

fn clear([r, g, b, a]: Rgba8) -> wgpu::Color {
    let [r, g, b, a] = [r, g, b, a].map(|channel| f64::from(channel) / 255.0);
    wgpu::Color { r, g, b, a }
}

fn targets(device: &wgpu::Device, size_px: [u32; 2]) -> Targets {
    let texture = |label, format, sample_count, usage| {
        device.create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d {
                width: size_px[0],
                height: size_px[1],
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage,
            view_formats: &[],
        })
    };
    let target = wgpu::TextureUsages::RENDER_ATTACHMENT;
    let shown = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC;
    let picture = texture("relief picture", PICTURE_FORMAT, 1, target | shown);
    let view =
        |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
    Targets {
        size_px,
        picture_view: view(&picture),
        picture,
        samples: view(&texture("relief samples", PICTURE_FORMAT, SAMPLES, target)),
        depth: view(&texture("relief depth", DEPTH, SAMPLES, target)),
    }
}

fn pipeline(device: &wgpu::Device) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("relief.wgsl"),
        source: wgpu::ShaderSource::Wgsl(shaders::RELIEF.into()),
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("relief"),
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("lift"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: Some(wgpu::DepthStencilState {
            format: DEPTH,
            depth_write_enabled: Some(true),
            depth_compare: Some(wgpu::CompareFunction::Less),
            stencil: wgpu::StencilState::default(),
            bias: wgpu::DepthBiasState::default(),
        }),
        multisample: wgpu::MultisampleState {
            count: SAMPLES,
            ..Default::default()
        },
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("paint"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(PICTURE_FORMAT.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(heights: Vec<f32>) -> ReliefScene {
        let side = heights.len().isqrt();
        ReliefScene {
            side,
            colours: vec![[200, 40, 40, 255]; heights.len()],
            heights,
            background: [10, 20, 30, 255],
        }
    }

    #[test]
    fn a_scene_with_holes_is_the_same_as_itself() {
        let holed = scene(vec![0.5, f32::NAN, 0.5, 0.5]);
        assert!(holed.is_same(&holed.clone()));
        assert!(!holed.is_same(&scene(vec![0.5; 4])));
        assert!(!holed.is_same(&scene(vec![0.5, f32::NAN, 0.5, 0.6])));
    }

    #[test]
    fn squares_become_two_triangles_and_holes_none() {
        assert_eq!(scene(vec![0.0; 9]).corners().len(), 4 * 6);
        let mut heights = vec![0.5; 9];
        heights[0] = f32::NAN;
        assert_eq!(scene(heights).corners().len(), 3 * 6);
        assert!(scene(vec![0.0]).corners().is_empty());
        let everywhere = scene(vec![1.0; 4]);
        let corners = everywhere.corners();
        assert!(
            corners
                .iter()
                .all(|corner| Vec3::from_array(corner.position).length() < 1.0)
        );
    }

    #[test]
    fn heights_between_points_are_bilinear_and_outside_there_are_none() {
        // Height is column + 10 row on a 3 × 3 grid.
        let slope = scene(
            (0..9_u8)
                .map(|i| f32::from(i % 3) + 10.0 * f32::from(i / 3))
                .collect(),
        );
        for [column, row] in [[0.0, 0.0], [0.5, 0.25], [1.75, 2.0], [2.0, 2.0], [1.0, 1.5]] {
            let found = slope.height_at([column, row]).unwrap();
            assert!(
                (found - column - 10.0 * row).abs() < 1e-5,
                "{column} {row}: {found}"
            );
        }
        assert_eq!(slope.height_at([-0.1, 1.0]), None);
        assert_eq!(slope.height_at([1.0, 2.1]), None);
        let mut holed = scene(vec![0.5; 9]);
        holed.heights[0] = f32::NAN;
        assert_eq!(holed.height_at([0.5, 0.5]), None);
        assert_eq!(scene(vec![]).height_at([0.0, 0.0]), None);
    }

    #[test]
    fn a_ridge_hides_what_lies_behind_it_from_one_side_alone() {
        let side = 21;
        let mut relief = scene(vec![0.1; side * side]);
        for row in 0..side {
            relief.heights[row * side + 14] = 1.0;
        }
        let place = relief.place([8.0, 10.0], 0.1);
        let eye = |yaw_rad: f32, pitch_rad: f32| {
            Camera::looking_from(yaw_rad, pitch_rad)
                .view([200, 200])
                .eye()
        };
        assert!(
            relief.is_hidden(place, eye(0.0, 0.2)),
            "low, from behind the ridge"
        );
        assert!(!relief.is_hidden(place, eye(std::f32::consts::PI, 0.2)));
        assert!(!relief.is_hidden(place, eye(0.0, 1.5)), "from above");
        let top = relief.place([14.0, 10.0], 1.0);
        assert!(!relief.is_hidden(top, eye(0.0, 0.2)), "the crest itself");
    }

    #[test]
    fn a_face_to_the_light_is_brighter() {
        assert!(shade(LIGHT) > shade(Vec3::X));
        assert!((shade(LIGHT) - 1.0).abs() < 1e-6);
        assert!(shade(Vec3::ZERO) >= 0.55);
    }

    #[test]
    fn nearer_hills_hide_what_lies_behind() {
        let Ok(gpu) = super::super::HeadlessGpu::open() else {
            println!("skipped, no picture can be drawn here");
            return;
        };
        // A green ridge across a red plain.
        let side = 21;
        let mut relief = scene(vec![0.2; side * side]);
        for row in 0..side {
            for column in 12..=16 {
                relief.heights[row * side + column] = if column < 16 { 1.0 } else { 0.2 };
                relief.colours[row * side + column] = [40, 200, 40, 255];
            }
        }
        let mut renderer = ReliefRenderer::new(&gpu.device, &gpu.queue).unwrap();
        // A place of the plain, from the side where the ridge is, and from the other.
        let behind = relief.place([8.0, 10.0], 0.2);
        let mut seen_from = |yaw_rad: f32| {
            let camera = Camera::looking_from(yaw_rad, 0.15);
            renderer.draw(&relief, &camera, [200, 200]).unwrap();
            let picture = renderer.picture().unwrap();
            assert_eq!(picture.pixel(1, 1), Some([10, 20, 30, 255]), "background");
            let at = camera.view([200, 200]).project(behind).unwrap().pixel;
            let [r, g, _, _] = picture.pixel(at.x as u32, at.y as u32).unwrap();
            i32::from(g) - i32::from(r)
        };
        assert!(seen_from(0.0) > 30, "the ridge stands before the plain");
        assert!(
            seen_from(std::f32::consts::PI) < -30,
            "the plain lies in sight"
        );
    }
}
