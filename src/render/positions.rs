//! The positions of the points on the device: uploaded, or in somebody else's buffer.

use super::{LeasedPoints, PointSource, RenderError, uploads::new_buffer};

/// Bits of a key that are never given to the index: three of rank and at least four of depth.
const RESERVED_KEY_BITS: u32 = 7;
const POINT_BYTES: u64 = 12;

/// Where the shader finds the positions.
pub(super) struct Positions {
    buffer: wgpu::Buffer,
    /// Start of the binding, aligned as the device demands.
    offset: u64,
    size: u64,
    /// First float of the points within the binding.
    pub first_float: u32,
    pub count: u32,
}

impl Positions {
    /// No points; a binding may not be empty, so there is a little room.
    pub fn none(device: &wgpu::Device) -> Self {
        let buffer = new_buffer(device, "sphere positions", 16);
        Self {
            offset: 0,
            size: buffer.size(),
            buffer,
            first_float: 0,
            count: 0,
        }
    }

    /// Uploads the points, or prepares to draw them in place.
    ///
    /// # Errors
    /// [`RenderError::TooMany`], or [`RenderError::Lease`] for a buffer that cannot be bound.
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        source: &PointSource,
    ) -> Result<Self, RenderError> {
        let limits = device.limits();
        let binding = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        // Of the buffers with an entry a point that of the positions is the largest; the margin is
        // for the alignment of a lease.
        let limit = (binding.saturating_sub(1024) / POINT_BYTES).min(1 << (32 - RESERVED_KEY_BITS));
        let found = source.len() as u64;
        if found > limit {
            return Err(RenderError::TooMany {
                what: "points",
                found,
                limit,
            });
        }
        match source {
            _ if found == 0 => Ok(Self::none(device)),
            PointSource::Lease(lease) => Self::in_place(lease, &limits),
            PointSource::Host(points) => {
                let size = found * POINT_BYTES;
                let buffer = new_buffer(device, "sphere positions", size);
                queue.write_buffer(&buffer, 0, bytemuck::cast_slice(points));
                Ok(Self {
                    buffer,
                    offset: 0,
                    size,
                    first_float: 0,
                    count: found as u32,
                })
            }
        }
    }

    fn in_place(lease: &LeasedPoints, limits: &wgpu::Limits) -> Result<Self, RenderError> {
        if !lease.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(RenderError::Lease("it has no storage usage"));
        }
        if !lease.offset_bytes.is_multiple_of(4) {
            return Err(RenderError::Lease("a point starts within a float"));
        }
        let size = lease.count as u64 * POINT_BYTES;
        let end = lease.offset_bytes.checked_add(size);
        if end.is_none_or(|end| end > lease.buffer.size()) {
            return Err(RenderError::Lease("it ends before its last point"));
        }
        let alignment = u64::from(limits.min_storage_buffer_offset_alignment.max(4));
        let surplus = lease.offset_bytes % alignment;
        Ok(Self {
            buffer: lease.buffer.clone(),
            offset: lease.offset_bytes - surplus,
            size: surplus + size,
            first_float: (surplus / 4) as u32,
            count: lease.count as u32,
        })
    }

    /// What to bind.
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.offset,
            size: wgpu::BufferSize::new(self.size),
        })
    }
}
