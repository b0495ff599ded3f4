//! The chosen device, with the reason for the choice.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{
    ComputeError,
    adapters::{adapter_details, enumerate, headless_instance},
    handles::GpuHandles,
    policy::{AdapterDetails, AdapterKind, AdapterReport, DevicePolicy, choose},
    runtime::register,
};

/// Where numbers come from: shown in the status bar and written into every JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// The backend in words: "gpu (wgpu, WGSL)" or "cpu (flex)".
    pub compute: String,
    /// The adapter that computes, or, when the CPU does, the one that draws if it is known.
    pub adapter: Option<AdapterReport>,
    /// Why this device, as a sentence.
    pub reason: String,
    /// What was asked for.
    pub policy: DevicePolicy,
}

impl fmt::Display for DeviceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.compute)?;
        if let Some(adapter) = &self.adapter {
            write!(f, " · {adapter}")?;
        }
        Ok(())
    }
}

/// A device to compute on. Clones share everything.
#[derive(Clone)]
pub struct Compute {
    inner: Arc<Inner>,
}

struct Inner {
    device: Device,
    report: DeviceReport,
    /// The device that tensors live on; `None` on the CPU.
    gpu: Option<GpuHandles>,
    /// A device for pictures only, opened when the first is asked for.
    drawing: OnceLock<Result<GpuHandles, ComputeError>>,
    lost: OnceLock<String>,
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute")
            .field("report", &self.inner.report)
            .finish_non_exhaustive()
    }
}

impl Compute {
    /// Chooses a device for work without a window.
    ///
    /// # Errors
    /// Only under [`DevicePolicy::Gpu`]: no adapter, or one that does not open or register.
    pub fn headless(policy: DevicePolicy) -> Result<Self, ComputeError> {
        if policy == DevicePolicy::Cpu {
            let choice = choose(policy, &[])?;
            return Ok(Self::on_cpu(policy, None, choice.reason));
        }
        let instance = headless_instance();
        let adapters = enumerate(&instance);
        let details: Vec<AdapterDetails> = adapters.iter().map(adapter_details).collect();
        let choice = choose(policy, &details)?;
        let Some(index) = choice.adapter else {
            // What draws, should anything be drawn.
            let drawing = details.first().map(|adapter| adapter.report.clone());
            return Ok(Self::on_cpu(policy, drawing, choice.reason));
        };
        let opened = GpuHandles::open(instance, adapters[index].clone()).and_then(|handles| {
            Self::on_gpu(policy, handles, &details[index], choice.reason, None)
        });
        Self::or_cpu(opened, policy, None)
    }

    /// Computes on the window's own wgpu device when `policy` allows it, so that features are
    /// drawn from where they were computed. To be called on the window's thread.
    ///
    /// # Errors
    /// Only under [`DevicePolicy::Gpu`]: the adapter cannot compute, or its device was not opened
    /// as [`window_setup`](super::window_setup) says.
    pub fn from_window(policy: DevicePolicy, handles: GpuHandles) -> Result<Self, ComputeError> {
        let details = adapter_details(&handles.adapter);
        let choice = choose(policy, std::slice::from_ref(&details))?;
        let drawing = handles.clone();
        let opened = if choice.adapter.is_none() {
            Ok(Self::on_cpu(policy, Some(details.report), choice.reason))
        } else {
            let thread = std::thread::current().id();
            let report = details.report.clone();
            Self::or_cpu(
                Self::on_gpu(policy, handles, &details, choice.reason, Some(thread)),
                policy,
                Some(report),
            )
        };
        opened.inspect(|compute| {
            // A second device for pictures is never opened beside the window's.
            let _ = compute.inner.drawing.set(Ok(drawing));
        })
    }

    fn on_cpu(policy: DevicePolicy, drawing: Option<AdapterReport>, reason: String) -> Self {
        Self::new(
            Device::flex(),
            DeviceReport {
                compute: "cpu (flex)".to_owned(),
                adapter: drawing,
                reason,
                policy,
            },
            None,
        )
    }

    fn on_gpu(
        policy: DevicePolicy,
        handles: GpuHandles,
        details: &AdapterDetails,
        reason: String,
        window_thread: Option<std::thread::ThreadId>,
    ) -> Result<Self, ComputeError> {
        let is_software = details.report.kind == AdapterKind::Software;
        let device = register(&handles, is_software, window_thread)?;
        let report = DeviceReport {
            compute: "gpu (wgpu, WGSL)".to_owned(),
            adapter: Some(details.report.clone()),
            reason,
            policy,
        };
        Ok(Self::new(device, report, Some(handles)))
    }

    /// Under `auto` a device that does not come up is a reason for the CPU, not an error.
    fn or_cpu(
        opened: Result<Self, ComputeError>,
        policy: DevicePolicy,
        drawing: Option<AdapterReport>,
    ) -> Result<Self, ComputeError> {
        match opened {
            Err(error) if policy != DevicePolicy::Gpu => {
                log::warn!("computing on the CPU: {error}");
                Ok(Self::on_cpu(policy, drawing, error.to_string()))
            }
            outcome => outcome,
        }
    }

    fn new(device: Device, report: DeviceReport, gpu: Option<GpuHandles>) -> Self {
        Self {
            inner: Arc::new(Inner {
                device,
                report,
                gpu,
                drawing: OnceLock::new(),
                lost: OnceLock::new(),
            }),
        }
    }

    /// The CPU for numbers, with `reason` in the report: what the app goes on with after the device
    /// was lost. Pictures need a device opened anew. Tensors of the lost device are lost with it.
    pub fn fall_back(&self, reason: &str) -> Self {
        Self::on_cpu(
            self.inner.report.policy,
            None,
            format!("fell back to the CPU: {reason}"),
        )
    }

    /// The CPU, to hold results of this device against.
    pub fn reference(&self) -> Self {
        let reason = "what results are held against".to_owned();
        Self::on_cpu(DevicePolicy::Cpu, None, reason)
    }

    /// The device for tensors.
    pub fn device(&self) -> &Device {
        &self.inner.device
    }

    /// Which device it is, and why.
    pub fn report(&self) -> &DeviceReport {
        &self.inner.report
    }

    /// Whether tensors live in the memory of a wgpu device.
    pub fn is_gpu(&self) -> bool {
        self.inner.gpu.is_some()
    }

    /// The wgpu device that tensors live on; `None` on the CPU.
    pub fn gpu(&self) -> Option<&GpuHandles> {
        self.inner.gpu.as_ref()
    }

    /// A wgpu device for pictures: the one that computes or the window's where there is one, else
    /// one that is opened now and kept.
    ///
    /// # Errors
    /// As [`GpuHandles::open_for_drawing`].
    pub fn drawing(&self) -> Result<GpuHandles, ComputeError> {
        if let Some(handles) = &self.inner.gpu {
            return Ok(handles.clone());
        }
        self.inner
            .drawing
            .get_or_init(GpuHandles::open_for_drawing)
            .clone()
    }

    /// Waits for the work submitted so far and tells whether the device is still there.
    ///
    /// To be called where tensors are computed, not on the window's thread: it blocks.
    ///
    /// # Errors
    /// [`ComputeError::DeviceLost`] from the loss on; [`ComputeError::Execution`] when the wait
    /// itself failed.
    pub fn probe(&self) -> Result<(), ComputeError> {
        if !self.is_gpu() {
            return Ok(());
        }
        let outcome = self.inner.device.sync().map_err(ComputeError::from);
        if let Err(ComputeError::DeviceLost { message }) = &outcome {
            let _ = self.inner.lost.set(message.clone());
        }
        outcome
    }

    /// The message of the loss once [`probe`](Self::probe) has met it. Never blocks.
    pub fn lost(&self) -> Option<&str> {
        self.inner.lost.get().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::compute::{
        read_tensor,
        testing::{headless_handles, lose},
    };

    #[test]
    fn the_cpu_needs_no_adapter() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        assert!(!compute.is_gpu());
        assert_eq!(compute.report().compute, "cpu (flex)");
        assert!(compute.probe().is_ok());
        assert_eq!(compute.device(), &Device::flex());
    }

    #[test]
    fn a_device_opened_too_small_is_named_and_left() {
        let Some(handles) = headless_handles() else {
            return;
        };
        let (device, queue) = pollster::block_on(
            handles
                .adapter
                .request_device(&wgpu::DeviceDescriptor::default()),
        )
        .expect("a device with default limits opens");
        let small = GpuHandles {
            device,
            queue,
            ..handles
        };
        // Default limits leave subgroups and timestamps out, which every driver here offers.
        let error = Compute::from_window(DevicePolicy::Gpu, small.clone())
            .expect_err("gpu was insisted on");
        assert!(
            matches!(error, ComputeError::WindowDevice { .. }),
            "{error}"
        );
        let compute = Compute::from_window(DevicePolicy::Auto, small).expect("auto goes on");
        assert!(!compute.is_gpu());
        assert!(compute.drawing().is_ok());
    }

    #[test]
    fn a_lost_device_is_told_and_left() {
        let Some(handles) = headless_handles() else {
            return;
        };
        let gpu = handles.device.clone();
        let compute =
            Compute::from_window(DevicePolicy::Gpu, handles).expect("software devices register");
        let ones = Tensor::<1>::ones([4], compute.device());
        assert_eq!(read_tensor(ones).expect("it reads"), [1.0; 4]);
        assert!(compute.probe().is_ok());
        assert_eq!(compute.lost(), None);

        lose(&gpu);
        let error = compute.probe().expect_err("the device is gone");
        assert!(matches!(error, ComputeError::DeviceLost { .. }), "{error}");
        assert!(compute.lost().is_some());

        let cpu = compute.fall_back("the GPU device was lost");
        assert!(!cpu.is_gpu());
        assert!(
            cpu.report().reason.contains("fell back"),
            "{}",
            cpu.report().reason
        );
        let ones = Tensor::<1>::ones([4], cpu.device());
        assert_eq!(read_tensor(ones).expect("it reads"), [1.0; 4]);
    }
}
