//! The one place that sets the tensor library up: its configuration, the registration of a wgpu
//! device, and what happens to the errors of that device.

use std::{
    sync::{Arc, Mutex, Once, PoisonError},
    thread::ThreadId,
};

use burn::tensor::{Device, wgpu::WgpuSetup};
use cubecl::config::{
    CubeClRuntimeConfig, RuntimeConfig,
    autotune::{AutotuneLevel, BenchConfig},
    cache::CacheConfig,
};

use super::{ComputeError, handles::GpuHandles};

/// The optional features that kernels use as soon as the *adapter* has them.
fn kernel_features() -> wgpu::Features {
    wgpu::Features::SUBGROUP
        | wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::SHADER_F16
        | wgpu::Features::SHADER_F64
        | wgpu::Features::SHADER_INT64
        | wgpu::Features::SHADER_FLOAT32_ATOMIC
}

/// Sets the kernel runtime up; the first call of the process decides.
///
/// On a software adapter each tuned kernel variant is compiled by the CPU and run at a tenth of
/// its speed, so that a full tournament takes a minute a shape: there, one sample a candidate,
/// coarse shape classes, and the first candidate near the peak wins. Whatever the runtime keeps
/// on disk goes into the user's cache folder; the default would be a `target` folder in whatever
/// project the program was started in.
fn configure(is_software: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut config = CubeClRuntimeConfig::default();
        if let Some(dirs) = directories::ProjectDirs::from("", "", "spherescope") {
            config.environment.path = CacheConfig::Directory(dirs.cache_dir().join("kernels"));
        } else {
            config.environment.path = CacheConfig::Global;
        }
        if is_software {
            config.autotune.level = AutotuneLevel::Minimal;
            config.autotune.bench = BenchConfig {
                min_samples: 1,
                max_samples: 1,
                short_circuit_samples: 1,
                speed_factor: 1.0,
                adaptive: true,
            };
        }
        if !CubeClRuntimeConfig::try_set(config.override_from_env()) {
            log::debug!("the kernel runtime was configured before this room came to it");
        }
    });
}

/// Makes the wgpu device of `handles` a device for tensors.
///
/// A second registration of one wgpu device gives the first one's answer: each would otherwise
/// keep a memory pool of its own. `window_thread` is the thread whose drawing errors must not
/// end in a panic.
///
/// # Errors
/// [`ComputeError::WindowDevice`] when the device was opened without what its adapter offers to
/// kernels, [`ComputeError::Register`] when the library refuses it.
pub(super) fn register(
    handles: &GpuHandles,
    is_software: bool,
    window_thread: Option<ThreadId>,
) -> Result<Device, ComputeError> {
    // Identities of wgpu devices count up anew in each instance: only the pair names one.
    type Registered = (wgpu::Instance, wgpu::Device, Device);
    static REGISTERED: Mutex<Vec<Registered>> = Mutex::new(Vec::new());
    check_window_device(handles)?;
    configure(is_software);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = registered
        .iter()
        .find(|(instance, gpu, _)| *instance == handles.instance && *gpu == handles.device);
    if let Some((_, _, device)) = known {
        return Ok(device.clone());
    }
    let device = Device::wgpu_options()
        .setup(WgpuSetup {
            instance: handles.instance.clone(),
            adapter: handles.adapter.clone(),
            device: handles.device.clone(),
            queue: handles.queue.clone(),
            backend: handles.adapter.get_info().backend,
        })
        .init()
        .map_err(|error| ComputeError::Register {
            message: error.to_string(),
        })?;
    if let Some(thread) = window_thread {
        spare_the_window(&handles.device, thread);
    }
    registered.push((
        handles.instance.clone(),
        handles.device.clone(),
        device.clone(),
    ));
    Ok(device)
}

/// Kernels are compiled against the adapter's features and limits, so that a device opened with
/// fewer fails at the first kernel instead of here.
fn check_window_device(handles: &GpuHandles) -> Result<(), ComputeError> {
    let lacking =
        (handles.adapter.features() & kernel_features()).difference(handles.device.features());
    let mut missing: Vec<String> = lacking
        .iter_names()
        .map(|(name, _)| format!("the feature {name}"))
        .collect();
    let (has, offers) = (handles.device.limits(), handles.adapter.limits());
    let limits = [
        (
            "threads a workgroup",
            has.max_compute_invocations_per_workgroup,
            offers.max_compute_invocations_per_workgroup,
        ),
        (
            "workgroups a dispatch",
            has.max_compute_workgroups_per_dimension,
            offers.max_compute_workgroups_per_dimension,
        ),
    ];
    missing.extend(
        limits
            .into_iter()
            .filter(|(_, has, offers)| has < offers)
            .map(|(what, has, offers)| format!("{offers} {what} ({has})")),
    );
    if missing.is_empty() {
        Ok(())
    } else {
        Err(ComputeError::WindowDevice {
            missing: missing.join(", "),
        })
    }
}

/// The runtime panics on any wgpu error of the device, which is right on its own threads: the
/// failure reaches the caller of the kernel. On the window's thread it would end the program for
/// a mistake in a picture, so there it is logged.
///
/// A lost device never comes here: wgpu tells of it through the callback that the runtime set.
fn spare_the_window(device: &wgpu::Device, window_thread: ThreadId) {
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        if std::thread::current().id() == window_thread {
            log::error!("drawing: {error}");
        } else {
            panic!("wgpu: {error}");
        }
    }));
}
