//! Where tensors are computed: the choice of device, the wgpu device shared with the window, the
//! pinned worker thread, leases of tensor buffers for drawing, and read-back.
//!
//! The room may name burn, wgpu and cubecl, and is the only one that names cubecl and
//! burn-cubecl. Everyone above receives a [`Compute`] and passes its [`device`](Compute::device)
//! on: a stray default device would open a second GPU device beside the window's.

mod adapters;
mod device;
mod error;
mod handles;
mod lease;
mod policy;
mod runtime;
pub mod selftest;
#[doc(hidden)]
pub mod testing;
mod threads;
mod transfer;
mod window;
mod worker;

pub use adapters::{adapter_details, adapters};
pub use device::{Compute, DeviceReport};
pub use error::ComputeError;
pub use handles::GpuHandles;
pub use lease::{BufferLease, lease};
pub use policy::{
    AdapterDetails, AdapterKind, AdapterLimits, AdapterReport, Choice, DevicePolicy, choose,
};
pub use threads::beside_a_window;
pub use transfer::{read_tensor, read_tensors, read_tensors_async};
pub use window::{WindowSetup, window_setup};
pub use worker::{JobId, JobStatus, QueueFull, Worker, WorkerEvent, panic_message};
