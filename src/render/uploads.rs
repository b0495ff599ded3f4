//! The scene on the device: what changed is uploaded, nothing else.

use super::{
    GeodesicArc, PointRing, PointSource, RenderError, SphereScene, SurfaceField,
    pipelines::guarded, scene::Revisions,
};

/// Bits of a key that are never given to the index: three of rank and at least four of depth.
const RESERVED_KEY_BITS: u32 = 7;

/// Where the shader finds the positions.
struct Positions {
    buffer: wgpu::Buffer,
    /// Start of the binding, aligned as the device demands.
    binding_offset: u64,
    binding_size: u64,
    /// First float of the points within the binding.
    first_float: u32,
    count: u32,
}

/// Buffers and textures that hold a scene.
pub(super) struct Uploads {
    known: Option<Revisions>,
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
                positions: Positions {
                    buffer: storage("sphere positions"),
                    binding_offset: 0,
                    binding_size: 16,
                    first_float: 0,
                    count: 0,
                },
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

    /// Brings the device up to date; returns whether anything changed.
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
    ) -> Result<bool, RenderError> {
        if self.known == Some(scene.revisions) {
            return Ok(false);
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
                    self.positions = upload.positions(&scene.points)?;
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
                if is_new(|revisions| revisions.rings) {
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
        Ok(true)
    }

    /// Forgets what is on the device, for instance because a scale that went into it changed.
    pub fn forget(&mut self) {
        self.known = None;
    }

    /// What the splat pass binds after the frame: positions, colours, flags, then `keys` and marks.
    pub fn splat_entries<'a>(&'a self, keys: &'a wgpu::Buffer) -> [wgpu::BindingResource<'a>; 5] {
        [
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.positions.buffer,
                offset: self.positions.binding_offset,
                size: wgpu::BufferSize::new(self.positions.binding_size),
            }),
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

fn new_buffer(device: &wgpu::Device, label: &str, size: u64) -> wgpu::Buffer {
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

    fn positions(&mut self, source: &PointSource) -> Result<Positions, RenderError> {
        let limits = self.device.limits();
        let binding = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        // The largest of the buffers with one entry a point is that of the positions.
        let limit = (binding / 12 - 8).min(1 << (32 - RESERVED_KEY_BITS));
        let found = source.len() as u64;
        if found > limit {
            return Err(RenderError::TooMany {
                what: "points",
                found,
                limit,
            });
        }
        let count = found as u32;
        let lease = match source {
            PointSource::Host(points) => {
                let mut buffer = new_buffer(self.device, "sphere positions", (found * 12).max(16));
                self.fill(
                    &mut buffer,
                    "sphere positions",
                    bytemuck::cast_slice(points),
                );
                return Ok(Positions {
                    binding_offset: 0,
                    binding_size: buffer.size(),
                    buffer,
                    first_float: 0,
                    count,
                });
            }
            PointSource::Lease(lease) => lease,
        };
        if !lease.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(RenderError::Lease("it has no storage usage"));
        }
        if !lease.offset_bytes.is_multiple_of(4) {
            return Err(RenderError::Lease(
                "its points do not start at a whole float",
            ));
        }
        let end = lease.offset_bytes.checked_add((found * 12).max(16));
        if end.is_none_or(|end| end > lease.buffer.size()) {
            return Err(RenderError::Lease("it ends before its last point"));
        }
        let alignment = u64::from(limits.min_storage_buffer_offset_alignment.max(4));
        let surplus = lease.offset_bytes % alignment;
        Ok(Positions {
            buffer: lease.buffer.clone(),
            binding_offset: lease.offset_bytes - surplus,
            binding_size: surplus + (found * 12).max(16),
            first_float: (surplus / 4) as u32,
            count,
        })
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
