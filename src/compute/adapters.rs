//! What the machine's graphics drivers offer.

use super::policy::{AdapterDetails, AdapterKind, AdapterLimits, AdapterReport};

/// The interfaces that are asked for adapters without a window. OpenGL is left to the window: it
/// cannot compute here, and some drivers need a display to answer for it.
const HEADLESS_BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

/// An instance for work without a window.
pub(super) fn headless_instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::from_env().unwrap_or(HEADLESS_BACKENDS),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

/// The adapters of `instance`, in the driver's order.
pub(super) fn enumerate(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
}

/// Lists every adapter that answers without a window, with what it offers. Empty without drivers.
pub fn adapters() -> Vec<AdapterDetails> {
    enumerate(&headless_instance())
        .iter()
        .map(adapter_details)
        .collect()
}

/// What `adapter` is and offers.
pub fn adapter_details(adapter: &wgpu::Adapter) -> AdapterDetails {
    let limits = adapter.limits();
    let mut features: Vec<String> = adapter
        .features()
        .iter_names()
        .map(|(name, _)| name.to_owned())
        .collect();
    features.sort_unstable();
    AdapterDetails {
        report: report(&adapter.get_info()),
        features,
        limits: AdapterLimits {
            max_buffer_bytes: limits.max_buffer_size,
            max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
            max_workgroup_bytes: limits.max_compute_workgroup_storage_size,
            max_texture_side: limits.max_texture_dimension_2d,
        },
        has_compute_shaders: adapter
            .get_downlevel_capabilities()
            .flags
            .contains(wgpu::DownlevelFlags::COMPUTE_SHADERS),
    }
}

fn report(info: &wgpu::AdapterInfo) -> AdapterReport {
    AdapterReport {
        name: info.name.clone(),
        backend: info.backend.to_string(),
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Other,
        },
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
    }
}
