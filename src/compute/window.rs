//! What the window must ask of its wgpu device so that tensors can live on it too.

use super::{
    adapters::adapter_details,
    policy::{AdapterKind, DevicePolicy, choose},
};

/// The values for the window's wgpu setup, free of any window library.
#[derive(Clone, Copy, Debug)]
pub struct WindowSetup {
    /// Interfaces to look for adapters on.
    pub backends: wgpu::Backends,
    /// Wanted power profile, where no adapter selector can be given.
    pub power_preference: wgpu::PowerPreference,
    policy: DevicePolicy,
}

/// The setup of a window that computes by `policy`.
pub fn window_setup(policy: DevicePolicy) -> WindowSetup {
    WindowSetup {
        backends: wgpu::Backends::from_env()
            .unwrap_or(wgpu::Backends::PRIMARY | wgpu::Backends::GL),
        power_preference: wgpu::PowerPreference::HighPerformance,
        policy,
    }
}

impl WindowSetup {
    /// How to open the device on `adapter`: everything that the kernels may use, which they read
    /// from the adapter and not from the device.
    pub fn device_descriptor(&self, adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
        device_descriptor(adapter)
    }

    /// The adapter for both drawing and computing: the one that [`choose`] computes on, else the
    /// strongest that can draw on `surface`.
    ///
    /// # Errors
    /// A sentence when no adapter can draw on the surface.
    pub fn select_adapter(
        &self,
        adapters: &[wgpu::Adapter],
        surface: Option<&wgpu::Surface<'_>>,
    ) -> Result<wgpu::Adapter, String> {
        let drawing: Vec<&wgpu::Adapter> = adapters
            .iter()
            .filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)))
            .collect();
        let details: Vec<_> = drawing
            .iter()
            .map(|adapter| adapter_details(adapter))
            .collect();
        let computing = choose(self.policy, &details)
            .ok()
            .and_then(|choice| choice.adapter);
        let strongest = || {
            // A stable sort by kind keeps the driver's order among equals; OpenGL comes last.
            let rank = |index: &usize| {
                let report = &details[*index].report;
                let is_gl = report.backend == "gl";
                (report.kind != AdapterKind::Software, !is_gl, report.kind)
            };
            (0..details.len()).rev().max_by_key(rank)
        };
        computing
            .or_else(strongest)
            .map(|index| drawing[index].clone())
            .ok_or_else(|| {
                format!(
                    "none of the {} graphics adapters can draw in this window; \
                     a Vulkan driver is needed (Mesa's software driver is enough)",
                    adapters.len()
                )
            })
    }
}

/// A device with all that the adapter offers, save experimental features and mappable main
/// memory, which slows every buffer down on discrete cards.
pub(super) fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    wgpu::DeviceDescriptor {
        label: Some("spherescope"),
        required_features: adapter
            .features()
            .difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
            .difference(wgpu::Features::all_experimental_mask()),
        required_limits: adapter.limits(),
        // Kernels take their memory in large pages already.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }
}
