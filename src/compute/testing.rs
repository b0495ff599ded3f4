//! One wgpu device for the tests of all rooms: opening one costs a second on software drivers,
//! and each registration keeps a memory pool for the life of the process.

use std::sync::LazyLock;

use super::{Compute, DevicePolicy, GpuHandles, adapters};

/// The process's test device for tensors: the GPU policy on whatever adapter there is. `None`,
/// with a printed line, on a machine without any driver.
pub fn gpu_compute() -> Option<&'static Compute> {
    static COMPUTE: LazyLock<Option<Compute>> =
        LazyLock::new(|| match Compute::headless(DevicePolicy::Gpu) {
            Ok(compute) => Some(compute),
            Err(error) => {
                eprintln!("skipped: {error}");
                None
            }
        });
    COMPUTE.as_ref()
}

/// A fresh wgpu device for a test that breaks it. `None`, with a printed line, without a driver.
pub fn headless_handles() -> Option<GpuHandles> {
    let instance = adapters::headless_instance();
    let Some(adapter) = adapters::enumerate(&instance).into_iter().next() else {
        eprintln!("skipped: no graphics adapter was found");
        return None;
    };
    match GpuHandles::open(instance, adapter) {
        Ok(handles) => Some(handles),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Takes `device` away as a driver reset would. wgpu tells of the loss when it next looks at the
/// queue, which happens here.
pub fn lose(device: &wgpu::Device) {
    device.destroy();
    if let Err(error) = device.poll(wgpu::PollType::wait_indefinitely()) {
        log::debug!("a lost queue does not drain: {error}");
    }
}
