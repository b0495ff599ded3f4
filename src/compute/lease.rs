//! The GPU buffer behind a tensor, lent to the renderer without a copy.

use std::{fmt, sync::Arc};

use burn::{
    backend::Wgpu,
    tensor::{DType, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::{
    server::ServerError,
    wgpu::{AutoCompiler, WgpuServer},
};

use super::ComputeError;

/// A tensor's buffer on the shared device, row-major 32-bit floats, for reading only.
///
/// While a lease lives, its memory is neither freed, moved, handed out again nor computed into.
/// Its usages are storage and copy, not vertex: shaders pull `rows × dim` floats from an
/// `array<f32>` themselves. Work that fills it was submitted to the shared queue before the lease
/// came out, so whatever is submitted later sees the values. Dropping it is cheap on any thread.
#[derive(Clone)]
pub struct BufferLease {
    /// The buffer. Other tensors live in its other parts: bind only the range below.
    pub buffer: wgpu::Buffer,
    /// First byte of the tensor in the buffer, aligned for a storage binding.
    pub offset: u64,
    /// Bytes of the tensor: `rows × dim × 4`.
    pub size: u64,
    /// Rows of the tensor.
    pub rows: usize,
    /// Values a row.
    pub dim: usize,
    _keepalive: Arc<dyn Send + Sync>,
}

impl fmt::Debug for BufferLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferLease")
            .field("offset", &self.offset)
            .field("size", &self.size)
            .field("rows", &self.rows)
            .field("dim", &self.dim)
            .finish_non_exhaustive()
    }
}

impl BufferLease {
    /// The tensor's part of the buffer as a storage binding.
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.offset,
            size: std::num::NonZeroU64::new(self.size),
        })
    }
}

/// Lends the buffer of `tensor` (n × d), after submitting what still had to compute it.
///
/// To be called on the thread that computes, not on the window's: it waits for kernels to be
/// compiled and queued, though not for them to run. A tensor that is a view in another order is
/// copied into rows on the GPU first.
///
/// # Errors
/// [`ComputeError::NotOnGpu`] for a tensor of the CPU backend or of another number type,
/// [`ComputeError::DeviceLost`] or [`ComputeError::Execution`] when computing it failed.
pub fn lease(tensor: &Tensor<2>) -> Result<BufferLease, ComputeError> {
    let [rows, dim] = tensor.dims();
    let fused = tensor
        .clone()
        .without_autodiff()
        .try_into_primitive::<Wgpu>()
        .map_err(|_| ComputeError::NotOnGpu)?;
    let client = fused.client.clone();
    let plain: CubeTensor = into_contiguous(client.resolve_tensor_float::<CubeBackend>(fused));
    if plain.dtype != DType::F32 {
        return Err(ComputeError::NotOnGpu);
    }
    let resource = plain
        .client
        .get_resource::<WgpuServer<AutoCompiler>>(plain.handle.clone())
        .map_err(|error| server_error(&error))?;
    let memory = resource.resource();
    let (buffer, offset) = (memory.buffer.clone(), memory.offset);
    Ok(BufferLease {
        buffer,
        offset,
        size: (rows * dim * size_of::<f32>()) as u64,
        rows,
        dim,
        // The resource pins the memory; the handle tells kernels that someone else reads it, so
        // that none of them writes its output in place.
        _keepalive: Arc::new((resource, plain.handle)),
    })
}

fn server_error(error: &ServerError) -> ComputeError {
    let message = error.to_string();
    if error.is_device_poisoned() {
        ComputeError::DeviceLost { message }
    } else {
        ComputeError::Execution { message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Compute, DevicePolicy, GpuHandles, read_tensor, testing::gpu_compute};

    /// Copies the lease's range out through wgpu alone, as a renderer would see it.
    fn read_lease(gpu: &GpuHandles, lease: &BufferLease) -> Vec<f32> {
        let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("lease read-back"),
            size: lease.size,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = gpu
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&lease.buffer, lease.offset, &staging, 0, lease.size);
        gpu.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |mapped| {
            mapped.expect("staging maps");
        });
        gpu.device
            .poll(wgpu::PollType::wait_indefinitely())
            .expect("the queue drains");
        let bytes = staging.get_mapped_range(..).expect("mapped above");
        bytemuck::pod_collect_to_vec(&bytes)
    }

    #[test]
    fn a_lease_is_the_tensor_without_a_copy() {
        let Some(compute) = gpu_compute() else { return };
        let gpu = compute.gpu().expect("the test device is a GPU device");
        let values: Vec<f32> = (0u8..60).map(|i| f32::from(i) - 7.5).collect();
        // Something left to compute when the lease is asked for.
        let tensor = compute.device_tensor(values, [20, 3]).expect("60 = 20·3") * 2.0 + 1.0;
        let first = lease(&tensor).expect("it lives on the GPU");
        let second = lease(&tensor).expect("it can be lent twice");
        assert_eq!((first.rows, first.dim, first.size), (20, 3, 240));
        assert_eq!(
            (&first.buffer, first.offset),
            (&second.buffer, second.offset)
        );
        let alignment = gpu.device.limits().min_storage_buffer_offset_alignment;
        assert_eq!(first.offset % u64::from(alignment), 0);

        let drawn = read_lease(gpu, &first);
        let expected = read_tensor(tensor.clone()).expect("the tensor reads");
        assert_eq!(drawn, expected);

        // Later work on the tensor must not write into the memory that is lent.
        let changed = tensor * 10.0;
        assert_eq!(read_tensor(changed).expect("reads")[0], expected[0] * 10.0);
        drop(second);
        assert_eq!(read_lease(gpu, &first), expected);
    }

    #[test]
    fn a_view_is_lent_in_rows() {
        let Some(compute) = gpu_compute() else { return };
        let gpu = compute.gpu().expect("the test device is a GPU device");
        let values: Vec<f32> = (0u8..6).map(f32::from).collect();
        let tensor = compute
            .device_tensor(values, [2, 3])
            .expect("6 = 2·3")
            .transpose();
        let lease = lease(&tensor).expect("it lives on the GPU");
        assert_eq!(read_lease(gpu, &lease), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn a_cpu_tensor_has_no_buffer() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let tensor = compute
            .device_tensor(vec![1.0; 6], [2, 3])
            .expect("6 = 2·3");
        assert!(matches!(lease(&tensor), Err(ComputeError::NotOnGpu)));
    }
}
