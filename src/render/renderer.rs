//! The renderer: draws a scene when something in it or the view of it changed.

use super::{
    Camera, Pick, Picture, ReliefRenderer, RenderError, Side, SphereScene, SphereStyle, View,
    frame::FrameUniform,
    ids::IdMap,
    pipelines::{PICTURE_FORMAT, Pipelines, guarded},
    readback,
    scene::next_revision,
    targets::{Targets, allowed_size},
    uploads::Uploads,
};

/// Invocations of one group of the splat pass.
const SPLAT_GROUP: u32 = 64;
/// Vertices of the polygon that the compositor covers: `SIDES` triangles of `composite.wgsl`.
const COVER_VERTICES: u32 = 24 * 3;

/// Draws spheres into its own texture, on a device it is given.
///
/// One renderer serves one view: it keeps the picture, and draws again only when scene, camera,
/// size or style differ from the last time.
pub struct SphereRenderer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Pipelines,
    frame: wgpu::Buffer,
    uploads: Uploads,
    targets: Targets,
    /// The surface in relief, while the scene has one.
    relief: Option<ReliefRenderer>,
    /// What is laid over the far side where there is none.
    clear_texel: wgpu::TextureView,
    groups: Option<BindGroups>,
    /// The frame whose keys and marks are on the device, with the scene's points as uploaded.
    splatted: Option<FrameUniform>,
    drawn_count: u64,
    /// Counts pictures with other points or from elsewhere: each has its own map of points.
    splat_count: u64,
    target_revision: u64,
    ids: IdMap,
}

impl std::fmt::Debug for SphereRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SphereRenderer")
            .field("size_px", &self.targets.size_px)
            .field("drawn_count", &self.drawn_count)
            .finish_non_exhaustive()
    }
}

struct BindGroups {
    splat: wgpu::BindGroup,
    composite: wgpu::BindGroup,
    arcs: wgpu::BindGroup,
    rings: wgpu::BindGroup,
}

impl SphereRenderer {
    /// Compiles the pipelines on this device.
    ///
    /// # Errors
    /// [`RenderError::Refused`] when the adapter cannot run them (compute shaders and storage
    /// buffers in fragment shaders are needed).
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self, RenderError> {
        let pipelines = Pipelines::new(device)?;
        let frame = guarded(device, "the frame's uniforms", || {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("sphere frame"),
                size: size_of::<FrameUniform>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        Ok(Self {
            pipelines,
            frame,
            uploads: Uploads::new(device)?,
            targets: Targets::new(device, [1, 1])?,
            relief: None,
            clear_texel: guarded(device, "a clear texel", || clear_texel(device))?,
            groups: None,
            splatted: None,
            drawn_count: 0,
            splat_count: 0,
            target_revision: next_revision(),
            ids: IdMap::default(),
            device: device.clone(),
            queue: queue.clone(),
        })
    }

    /// Draws the scene unless the last picture already shows it, and returns the picture:
    /// RGBA, 8 bits, gamma-encoded, opacity premultiplied. A size of zero becomes one pixel, and
    /// one beyond the device's limits becomes the largest possible
    /// ([`size_px`](Self::size_px) tells).
    ///
    /// # Errors
    /// When colours or flags do not fit the points, there are too many points for the device, a
    /// lease is bad, or the driver refuses.
    pub fn draw(
        &mut self,
        scene: &SphereScene,
        camera: &Camera,
        size_px: [u32; 2],
        style: &SphereStyle,
    ) -> Result<&wgpu::TextureView, RenderError> {
        self.resize(size_px)?;
        let view = camera.view(self.targets.size_px);
        let mut style = *style;
        if scene.relief.is_some() {
            // What stands in its place must not be veiled by it.
            style.colours.surface[3] = 0;
        }
        let mut frame = FrameUniform::new(&view, camera.zoom(), &style, scene.field.is_some());
        let changes =
            self.uploads
                .sync(&self.device, &self.queue, scene, frame.pixels_per_point())?;
        if changes.is_any {
            self.groups = None;
        }
        if changes.is_of_points {
            self.splatted = None;
        }
        if !scene.arcs.is_empty() && self.targets.ensure_arc_layers(&self.device)? {
            self.groups = None;
        }
        self.draw_relief(scene, &view)?;
        self.complete(&mut frame);
        if self.groups.is_some() && self.splatted == Some(frame) {
            return Ok(&self.targets.picture_view);
        }
        // Until all went well, nothing counts as drawn.
        let keeps_points = self.splatted.take() == Some(frame);
        let groups = match self.groups.take() {
            Some(groups) => groups,
            None => guarded(&self.device, "the scene's bindings", || self.bind())?,
        };
        guarded(&self.device, "the drawing of the sphere", || {
            self.submit(&frame, &groups, keeps_points);
        })?;
        self.groups = Some(groups);
        self.splatted = Some(frame);
        self.drawn_count += 1;
        self.splat_count += u64::from(!keeps_points);
        Ok(&self.targets.picture_view)
    }

    /// The picture as it was last drawn.
    pub fn picture_view(&self) -> &wgpu::TextureView {
        &self.targets.picture_view
    }

    /// Changes whenever the texture behind the picture is another one, so that whoever shows it
    /// binds it again.
    pub fn target_revision(&self) -> u64 {
        self.target_revision
    }

    /// How often a picture was really drawn; stays the same while nothing moves.
    pub fn drawn_count(&self) -> u64 {
        self.drawn_count
    }

    /// Size of the picture in pixels.
    pub fn size_px(&self) -> [u32; 2] {
        self.targets.size_px
    }

    /// Which point is drawn at a pixel (x right, y down), or else the nearest one within
    /// `tolerance_px`. Exact: the answer comes from the very buffer the picture was made of, read
    /// back once a picture without waiting. [`Pick::Pending`] until it has arrived; then ask again
    /// in the next frame.
    ///
    /// # Errors
    /// [`RenderError::ReadBack`] when the device does not give the buffer, as after it was lost.
    pub fn pick(
        &mut self,
        pixel: [f32; 2],
        tolerance_px: f32,
        side: Side,
    ) -> Result<Pick, RenderError> {
        let Some(frame) = self.splatted else {
            return Ok(Pick::Nothing);
        };
        let is_ready =
            self.ids
                .refresh(&self.device, &self.queue, &self.targets, self.splat_count)?;
        if !is_ready {
            return Ok(Pick::Pending);
        }
        Ok(self.ids.nearest(pixel, tolerance_px, side, frame.id_bits))
    }

    /// [`pick`](Self::pick) that waits for the answer; for tools without a frame loop.
    ///
    /// # Errors
    /// As [`pick`](Self::pick).
    pub fn pick_now(
        &mut self,
        pixel: [f32; 2],
        tolerance_px: f32,
        side: Side,
    ) -> Result<Option<u32>, RenderError> {
        loop {
            match self.pick(pixel, tolerance_px, side)? {
                Pick::Point(index) => return Ok(Some(index)),
                Pick::Nothing => return Ok(None),
                Pick::Pending => readback::wait(&self.device)?,
            }
        }
    }

    /// How many points of the drawn scene cannot be drawn because a coordinate is not finite or
    /// lies far off the sphere; `None` until [`pick`](Self::pick) has had its map.
    pub fn undrawable_count(&self) -> Option<u32> {
        self.ids.undrawable_count(self.splat_count)
    }

    /// Reads the picture back, waiting for it.
    ///
    /// # Errors
    /// [`RenderError::ReadBack`] when the device does not give it.
    pub fn picture(&self) -> Result<Picture, RenderError> {
        readback::picture(&self.device, &self.queue, &self.targets.picture)
    }

    /// Waits until the device has finished the last picture.
    ///
    /// # Errors
    /// [`RenderError::ReadBack`] when the device is lost.
    pub fn wait(&self) -> Result<(), RenderError> {
        readback::wait(&self.device)
    }

    fn resize(&mut self, size_px: [u32; 2]) -> Result<(), RenderError> {
        let size_px = allowed_size(size_px, &self.device.limits());
        if size_px != self.targets.size_px {
            self.targets = Targets::new(&self.device, size_px)?;
            self.target_revision = next_revision();
            self.groups = None;
            self.splatted = None;
        }
        Ok(())
    }

    /// Draws the surface in relief into a texture of its own; a single clear texel when the scene has
    /// none.
    fn draw_relief(&mut self, scene: &SphereScene, view: &View) -> Result<(), RenderError> {
        let before = self.relief.as_ref().map(ReliefRenderer::target_revision);
        if let Some(relief) = &scene.relief {
            if self.relief.is_none() {
                self.relief = Some(ReliefRenderer::new(&self.device, &self.queue)?);
            }
            if let Some(renderer) = &mut self.relief {
                renderer.draw_around(relief, view)?;
            }
        } else {
            self.relief = None;
        }
        if self.relief.as_ref().map(ReliefRenderer::target_revision) != before {
            self.groups = None;
        }
        Ok(())
    }

    fn relief_layer(&self) -> &wgpu::TextureView {
        (self.relief.as_ref()).map_or(&self.clear_texel, ReliefRenderer::picture_view)
    }

    /// Fills in what depends on the uploaded scene.
    fn complete(&self, frame: &mut FrameUniform) {
        let count = self.uploads.point_count();
        frame.point_count = count;
        frame.id_bits = (32 - count.saturating_sub(1).leading_zeros()).max(1);
        frame.position_offset = self.uploads.first_float();
        frame.splat_row = self.splat_groups(count)[0] * SPLAT_GROUP;
        // Long arcs stay smooth when there are few; thousands of them are short or a haze.
        frame.arc_segments = match self.uploads.arc_count() {
            0..=500 => 48,
            501..=4000 => 24,
            _ => 12,
        };
    }

    /// Groups of the splat pass in x and y.
    fn splat_groups(&self, count: u32) -> [u32; 2] {
        let groups = count.div_ceil(SPLAT_GROUP).max(1);
        let most = self
            .device
            .limits()
            .max_compute_workgroups_per_dimension
            .clamp(1, 32_768);
        let columns = groups.min(most);
        [columns, groups.div_ceil(columns)]
    }

    fn bind(&self) -> BindGroups {
        let group = |label, layout, resources: &[wgpu::BindingResource<'_>]| {
            let frame = [self.frame.as_entire_binding()];
            let entries: Vec<_> = (0..)
                .zip(frame.iter().chain(resources))
                .map(|(binding, resource)| wgpu::BindGroupEntry {
                    binding,
                    resource: resource.clone(),
                })
                .collect();
            self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(label),
                layout,
                entries: &entries,
            })
        };
        let texture = wgpu::BindingResource::TextureView;
        let keys = &self.targets.keys;
        let [field, ramp] = self.uploads.field();
        // Without arcs the variant in use reads neither layer; any texture will do.
        let [front, back] = self
            .targets
            .arc_layers()
            .map_or([ramp, ramp], |[a, b]| [a, b]);
        let composite = [
            keys.as_entire_binding(),
            self.uploads.marks().as_entire_binding(),
            texture(front),
            texture(back),
            texture(field),
            texture(ramp),
            wgpu::BindingResource::Sampler(&self.pipelines.sampler),
            texture(self.relief_layer()),
        ];
        let shapes = &self.pipelines.shapes_layout;
        BindGroups {
            splat: group(
                "sphere splat",
                &self.pipelines.splat_layout,
                &self.uploads.splat_entries(keys),
            ),
            composite: group(
                "sphere composite",
                &self.pipelines.composite_layout,
                &composite,
            ),
            arcs: group(
                "sphere arcs",
                shapes,
                &[self.uploads.arcs().as_entire_binding()],
            ),
            rings: group(
                "sphere rings",
                shapes,
                &[self.uploads.rings().as_entire_binding()],
            ),
        }
    }

    /// Draws; `keeps_points` leaves out the splat pass when only what lies around the points changed
    /// (a ring that follows the pointer).
    fn submit(&self, frame: &FrameUniform, groups: &BindGroups, keeps_points: bool) {
        self.queue
            .write_buffer(&self.frame, 0, bytemuck::bytes_of(frame));
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("sphere"),
            });
        if !keeps_points {
            encoder.clear_buffer(&self.targets.keys, 0, None);
        }
        if !keeps_points && frame.point_count > 0 {
            let [columns, rows] = self.splat_groups(frame.point_count);
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipelines.splat);
            pass.set_bind_group(0, &groups.splat, &[]);
            pass.dispatch_workgroups(columns, rows, 1);
        }
        let has_arcs = self.uploads.arc_count() > 0;
        if let (true, Some([front, back])) = (has_arcs, self.targets.arc_layers()) {
            let clear = wgpu::Color::TRANSPARENT;
            let mut pass = begin(&mut encoder, &[front, back], clear);
            pass.set_pipeline(&self.pipelines.arcs);
            pass.set_bind_group(0, &groups.arcs, &[]);
            pass.draw(0..6 * frame.arc_segments * self.uploads.arc_count(), 0..1);
        }
        let mut pass = begin(
            &mut encoder,
            &[&self.targets.picture_view],
            frame.clear_colour(),
        );
        pass.set_pipeline(self.pipelines.composite(has_arcs, self.uploads.has_field()));
        pass.set_bind_group(0, &groups.composite, &[]);
        pass.draw(0..COVER_VERTICES, 0..1);
        if self.uploads.ring_count() > 0 {
            pass.set_pipeline(&self.pipelines.rings);
            pass.set_bind_group(0, &groups.rings, &[]);
            pass.draw(0..6 * self.uploads.ring_count(), 0..1);
        }
        drop(pass);
        self.queue.submit([encoder.finish()]);
    }
}

/// A texture is all zeros until something is written: clear.
fn clear_texel(device: &wgpu::Device) -> wgpu::TextureView {
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("no relief"),
        size: wgpu::Extent3d::default(),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: PICTURE_FORMAT,
        usage: wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    });
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn begin<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    targets: &[&wgpu::TextureView],
    clear: wgpu::Color,
) -> wgpu::RenderPass<'a> {
    let attachments: Vec<_> = targets
        .iter()
        .map(|&view| {
            Some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(clear),
                    store: wgpu::StoreOp::Store,
                },
            })
        })
        .collect();
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("sphere"),
        color_attachments: &attachments,
        ..Default::default()
    })
}
