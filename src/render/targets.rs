//! What a picture is drawn into: the picture, the keys of its pixels, and the layers of arcs.

use super::{
    RenderError,
    pipelines::{PICTURE_FORMAT, guarded},
};

/// The targets of one picture size.
pub(super) struct Targets {
    pub size_px: [u32; 2],
    pub picture: wgpu::Texture,
    pub picture_view: wgpu::TextureView,
    /// One u32 a pixel, row by row, and one more: the number of points that cannot be drawn.
    pub keys: wgpu::Buffer,
    /// Arcs in front and behind; made when the first arc is drawn.
    arc_layers: Option<[wgpu::TextureView; 2]>,
}

fn texture(device: &wgpu::Device, label: &str, size_px: [u32; 2]) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d {
            width: size_px[0],
            height: size_px[1],
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: PICTURE_FORMAT,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

/// The nearest size that `limits` allow: at least one pixel, at most the largest texture and the
/// largest buffer of keys.
pub(super) fn allowed_size(size_px: [u32; 2], limits: &wgpu::Limits) -> [u32; 2] {
    let [width, height] = size_px.map(|side| side.clamp(1, limits.max_texture_dimension_2d));
    let binding = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    let most_pixels = (binding / 4).saturating_sub(1).max(1);
    let most_rows = (most_pixels / u64::from(width)).max(1);
    [
        width,
        height.min(u32::try_from(most_rows).unwrap_or(u32::MAX)),
    ]
}

impl Targets {
    /// Targets of an [allowed](allowed_size) size.
    pub fn new(device: &wgpu::Device, size_px: [u32; 2]) -> Result<Self, RenderError> {
        guarded(device, "a picture of this size", || {
            let picture = texture(device, "sphere picture", size_px);
            let pixels = u64::from(size_px[0]) * u64::from(size_px[1]);
            Self {
                size_px,
                picture_view: picture.create_view(&wgpu::TextureViewDescriptor::default()),
                picture,
                keys: device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("sphere keys"),
                    size: (pixels + 1) * 4,
                    usage: wgpu::BufferUsages::STORAGE
                        | wgpu::BufferUsages::COPY_SRC
                        | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                }),
                arc_layers: None,
            }
        })
    }

    /// The layers of arcs, if they were made.
    pub fn arc_layers(&self) -> Option<&[wgpu::TextureView; 2]> {
        self.arc_layers.as_ref()
    }

    /// Makes the layers of arcs unless they exist; returns whether it did.
    pub fn ensure_arc_layers(&mut self, device: &wgpu::Device) -> Result<bool, RenderError> {
        if self.arc_layers.is_some() {
            return Ok(false);
        }
        let layers = guarded(device, "the layers of arcs", || {
            ["sphere arcs in front", "sphere arcs behind"].map(|label| {
                texture(device, label, self.size_px)
                    .create_view(&wgpu::TextureViewDescriptor::default())
            })
        })?;
        self.arc_layers = Some(layers);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_becomes_one_the_device_allows() {
        let limits = wgpu::Limits {
            max_texture_dimension_2d: 8192,
            ..wgpu::Limits::default()
        };
        assert_eq!(allowed_size([0, 0], &limits), [1, 1]);
        assert_eq!(allowed_size([800, 600], &limits), [800, 600]);
        let [width, height] = allowed_size([u32::MAX, u32::MAX], &limits);
        assert_eq!(width, 8192);
        let bytes = (u64::from(width) * u64::from(height) + 1) * 4;
        assert!(bytes <= limits.max_storage_buffer_binding_size);
    }
}
