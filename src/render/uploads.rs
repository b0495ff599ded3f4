//! The scene on the device: what changed is uploaded, nothing else.

use super::{
    GeodesicArc, PointRing, RenderError, SphereScene, SurfaceField, pipelines::guarded,
    positions::Positions, scene::Revisions,
};

/// What an upload changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    /// Anything at all.
    pub is_any: bool,
    /// Positions, colours or flags: the points must be splatted again.
    pub is_of_points: bool,
}

/// Buffers and textures that hold a scene.
pub(super) struct Uploads {
    known: Option<Revisions>,
    /// Scale for which the widths of rings were turned into pixels.
    pixels_per_point: f32,
    positions: Positions,
    colours: wgpu::Buffer,
    flags: wgpu::Buffer,
    marks: wgpu::Buffer,
    arcs: wgpu::Buffer,
    arc_count: u32,
    rings: wgpu::Buffer,
    ring_count: u32,
    /// Field and ramp; single texels while there is none.
    field: [wgpu::TextureView; 2],
    has_field: bool,
}

impl Uploads {
    /// An empty scene.
    pub fn new(device: &wgpu::Device) -> Result<Self, RenderError> {
        guarded(device, "the buffers of the scene", || {
            let storage = |label| new_buffer(device, label, 16);
            let texel = |format| field_texture(device, [1, 1], format);
            Self {
                known: None,
                pixels_per_point: 1.0,
                positions: Positions::none(device),
                colours: storage("sphere colours"),
                flags: storage("sphere flags"),
                marks: storage("sphere marks"),
                arcs: new_buffer(device, "sphere arcs", 32),
                arc_count: 0,
                rings: new_buffer(device, "sphere rings", 32),
                ring_count: 0,
                field: [
                    whole(&texel(wgpu::TextureFormat::R16Float)),
                    whole(&texel(wgpu::TextureFormat::Rgba8Unorm)),
                ],
                has_field: false,
            }
        })
    }

    pub fn point_count(&self) -> u32 {
        self.positions.count
    }

    pub fn first_float(&self) -> u32 {
        self.positions.first_float
    }

    pub fn arc_count(&self) -> u32 {
        self.arc_count
    }

    pub fn ring_count(&self) -> u32 {
        self.ring_count
    }

    pub fn has_field(&self) -> bool {
        self.has_field
    }

    /// Brings the device up to date and tells what changed.
    ///
    /// # Errors
    /// Lengths that do not fit together, more points than the device can hold, a bad lease, or a
    /// refusal of the driver. After an error the scene counts as unknown and is sent in full.
    pub fn sync(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        scene: &SphereScene,
        pixels_per_point: f32,
    ) -> Result<Changes, RenderError> {
        let is_other_scale = self.pixels_per_point != pixels_per_point;
        if self.known == Some(scene.revisions) && !is_other_scale {
            return Ok(Changes::default());
        }
        check_lengths(scene)?;
        let known = self.known.take();
        let is_new = |pick: fn(&Revisions) -> u64| {
            known
                .as_ref()
                .is_none_or(|known| pick(known) != pick(&scene.revisions))
        };
        guarded(
            device,
            "the upload of the scene",
            || -> Result<(), RenderError> {
                let mut upload = Upload { device, queue };
                if is_new(|revisions| revisions.points) {
                    self.positions = Positions::new(device, queue, &scene.points)?;
                    let bytes = u64::from(self.positions.count) * 8;
                    upload.reserve(&mut self.marks, "sphere marks", bytes.max(8));
                }
                if is_new(|revisions| revisions.colours) {
                    let bytes = bytemuck::cast_slice(&scene.colours);
                    upload.fill(&mut self.colours, "sphere colours", bytes);
                }
                if is_new(|revisions| revisions.flags) || is_new(|revisions| revisions.points) {
                    let mut flags = scene.flags.to_vec();
                    flags.resize(scene.point_count().next_multiple_of(4), 0);
                    upload.fill(&mut self.flags, "sphere flags", &flags);
                }
                if is_new(|revisions| revisions.arcs) {
                    let words: Vec<u32> = scene.arcs.iter().flat_map(arc_words).collect();
                    self.arc_count = scene.arcs.len() as u32;
                    upload.fill(&mut self.arcs, "sphere arcs", bytemuck::cast_slice(&words));
                }
                if is_new(|revisions| revisions.rings) || is_other_scale {
                    let words: Vec<u32> = scene
                        .rings
                        .iter()
                        .flat_map(|ring| ring_words(ring, pixels_per_point))
                        .collect();
                    self.ring_count = scene.rings.len() as u32;
                    upload.fill(
                        &mut self.rings,
                        "sphere rings",
                        bytemuck::cast_slice(&words),
                    );
                }
                if is_new(|revisions| revisions.field) {
                    self.has_field = scene.field.is_some();
                    if let Some(field) = &scene.field {
                        self.field = upload.field(field);
                    }
                }
                Ok(())
            },
        )??;
        self.known = Some(scene.revisions);
        self.pixels_per_point = pixels_per_point;
        Ok(Changes {
            is_any: true,
            is_of_points: is_new(|revisions| revisions.points)
                || is_new(|revisions| revisions.colours)
                || is_new(|revisions| revisions.flags),
        })
    }

    /// What the splat pass binds after the frame: positions, colours, flags, then `keys` and marks.
    pub fn splat_entries<'a>(&'a self, keys: &'a wgpu::Buffer) -> [wgpu::BindingResource<'a>; 5] {
        [
            self.positions.binding(),
            self.colours.as_entire_binding(),
            self.flags.as_entire_binding(),
            keys.as_entire_binding(),
            self.marks.as_entire_binding(),
        ]
    }

    pub fn marks(&self) -> &wgpu::Buffer {
        &self.marks
    }

    pub fn arcs(&self) -> &wgpu::Buffer {
        &self.arcs
    }

    pub fn rings(&self) -> &wgpu::Buffer {
        &self.rings
    }

    /// Field and ramp.
    pub fn field(&self) -> &[wgpu::TextureView; 2] {
        &self.field
    }
}

fn check_lengths(scene: &SphereScene) -> Result<(), RenderError> {
    let expected = scene.point_count();
    let check = |what, found: usize, is_optional: bool| {
        if found == expected || (is_optional && found == 0) {
            Ok(())
        } else {
            Err(RenderError::Length {
                what,
                expected,
                found,
            })
        }
    };
    check("colours", scene.colours.len(), false)?;
    check("flags", scene.flags.len(), true)
}

/// `struct Arc` of `arcs.wgsl`.
fn arc_words(arc: &GeodesicArc) -> [u32; 8] {
    let [ax, ay, az] = arc.start.map(f32::to_bits);
    let [bx, by, bz] = arc.end.map(f32::to_bits);
    [ax, ay, az, u32::from_le_bytes(arc.colour), bx, by, bz, 0]
}

/// `struct Ring` of `rings.wgsl`.
fn ring_words(ring: &PointRing, pixels_per_point: f32) -> [u32; 8] {
    let [x, y, z] = ring.position.map(f32::to_bits);
    let gap_px = (ring.gap_pt * pixels_per_point).to_bits();
    let width_px = (ring.width_pt * pixels_per_point).to_bits();
    [
        x,
        y,
        z,
        gap_px,
        u32::from_le_bytes(ring.colour),
        width_px,
        0,
        0,
    ]
}

/// A storage buffer that can be written to.
pub(super) fn new_buffer(device: &wgpu::Device, label: &str, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn field_texture(
    device: &wgpu::Device,
    size: [u32; 2],
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("sphere field"),
        size: extent(size),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

fn extent(size: [u32; 2]) -> wgpu::Extent3d {
    wgpu::Extent3d {
        width: size[0],
        height: size[1],
        depth_or_array_layers: 1,
    }
}

fn whole(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// The two handles every upload needs.
struct Upload<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
}

impl Upload<'_> {
    /// Makes `buffer` hold exactly `size` bytes, keeping it when it does.
    fn reserve(&mut self, buffer: &mut wgpu::Buffer, label: &str, size: u64) {
        if buffer.size() != size {
            *buffer = new_buffer(self.device, label, size);
        }
    }

    /// Puts `bytes` (a multiple of four) into `buffer`; an empty one keeps a little room, because a
    /// binding may not be empty.
    fn fill(&mut self, buffer: &mut wgpu::Buffer, label: &str, bytes: &[u8]) {
        self.reserve(buffer, label, (bytes.len() as u64).max(32));
        self.queue.write_buffer(buffer, 0, bytes);
    }

    fn field(&mut self, field: &SurfaceField) -> [wgpu::TextureView; 2] {
        let halves: Vec<half::f16> = field
            .values
            .iter()
            .map(|&value| half::f16::from_f32(value))
            .collect();
        let bits: Vec<u16> = halves.iter().map(|value| value.to_bits()).collect();
        let values = self.texture(
            field.size,
            wgpu::TextureFormat::R16Float,
            2,
            bytemuck::cast_slice(&bits),
        );
        let ramp = self.texture(
            [field.ramp.len() as u32, 1],
            wgpu::TextureFormat::Rgba8Unorm,
            4,
            bytemuck::cast_slice(&field.ramp),
        );
        [values, ramp]
    }

    fn texture(
        &mut self,
        size: [u32; 2],
        format: wgpu::TextureFormat,
        texel_bytes: u32,
        bytes: &[u8],
    ) -> wgpu::TextureView {
        let texture = field_texture(self.device, size, format);
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(size[0] * texel_bytes),
            rows_per_image: Some(size[1]),
        };
        self.queue
            .write_texture(texture.as_image_copy(), bytes, layout, extent(size));
        whole(&texture)
    }
}
