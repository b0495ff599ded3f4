//! A device of one's own, for files and measurements without a window.

use super::{Camera, Picture, RenderError, SphereRenderer, SphereScene, SphereStyle};

/// A graphics device that was opened without a window.
#[derive(Clone, Debug)]
pub struct HeadlessGpu {
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// Name, kind and driver of the adapter.
    pub adapter: wgpu::AdapterInfo,
}

impl HeadlessGpu {
    /// Opens the fastest adapter there is: a GPU before software Vulkan before anything else that
    /// can draw.
    ///
    /// # Errors
    /// [`RenderError::NoAdapter`] or [`RenderError::Device`].
    pub fn open() -> Result<Self, RenderError> {
        let instance =
            wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
        if adapters.is_empty() {
            adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        }
        // A sort that keeps the order of equals, so the first GPU listed wins.
        adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Cpu => 3,
            wgpu::DeviceType::Other => 4,
        });
        let adapter = adapters.into_iter().next().ok_or_else(|| {
            RenderError::NoAdapter("install a GPU driver or a software Vulkan driver".into())
        })?;
        Self::from_adapter(&adapter)
    }

    /// Opens a device on this adapter, with as large buffers as it allows.
    ///
    /// # Errors
    /// [`RenderError::Device`] when it does not open.
    pub fn from_adapter(adapter: &wgpu::Adapter) -> Result<Self, RenderError> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("spherescope render"),
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| RenderError::Device(error.to_string()))?;
        Ok(Self {
            device,
            queue,
            adapter: adapter.get_info(),
        })
    }

    /// "name (backend)", for captions and reports.
    pub fn adapter_name(&self) -> String {
        format!("{} ({})", self.adapter.name, self.adapter.backend)
    }
}

/// Draws one picture with the pipelines of the window and reads it back.
///
/// # Errors
/// As [`SphereRenderer::draw`] and [`SphereRenderer::picture`].
pub fn render_sphere(
    gpu: &HeadlessGpu,
    scene: &SphereScene,
    camera: &Camera,
    size_px: [u32; 2],
    style: &SphereStyle,
) -> Result<Picture, RenderError> {
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue)?;
    renderer.draw(scene, camera, size_px, style)?;
    renderer.picture()
}
