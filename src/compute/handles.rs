//! A wgpu device, opened so that pictures and tensors can share it.

use super::{
    ComputeError,
    adapters::{enumerate, headless_instance},
    policy::DevicePolicy,
    window::{device_descriptor, window_setup},
};

/// The wgpu handles that drawing and computing share. Clones are handles to the same device.
#[derive(Clone, Debug)]
pub struct GpuHandles {
    /// The entry to the drivers.
    pub instance: wgpu::Instance,
    /// The hardware.
    pub adapter: wgpu::Adapter,
    /// The opened device.
    pub device: wgpu::Device,
    /// Its only queue: what is submitted first runs first, be it a kernel or a picture.
    pub queue: wgpu::Queue,
}

impl GpuHandles {
    /// Opens `adapter` with all that drawing and computing may use.
    ///
    /// # Errors
    /// [`ComputeError::OpenDevice`] when the driver refuses.
    pub fn open(instance: wgpu::Instance, adapter: wgpu::Adapter) -> Result<Self, ComputeError> {
        let (device, queue) = pollster::block_on(
            adapter.request_device(&device_descriptor(&adapter)),
        )
        .map_err(|error| ComputeError::OpenDevice {
            adapter: adapter.get_info().name,
            message: error.to_string(),
        })?;
        Ok(Self {
            instance,
            adapter,
            device,
            queue,
        })
    }

    /// Opens the best adapter for drawing without a window, a software one included.
    ///
    /// # Errors
    /// [`ComputeError::NoAdapter`] without any driver, [`ComputeError::OpenDevice`] when the
    /// driver refuses.
    pub fn open_for_drawing() -> Result<Self, ComputeError> {
        let instance = headless_instance();
        let adapter = window_setup(DevicePolicy::Auto)
            .select_adapter(&enumerate(&instance), None)
            .map_err(|reason| ComputeError::NoAdapter { reason })?;
        Self::open(instance, adapter)
    }
}
