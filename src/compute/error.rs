//! What can go wrong between a choice of device and a value read back.

use burn::tensor::ExecutionError;

use crate::progress::Cancelled;

/// Why computing on a device failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// A GPU was insisted on, and no adapter of this machine can serve.
    #[error("no graphics adapter to compute on: {reason}")]
    NoAdapter {
        /// What was found instead.
        reason: String,
    },
    /// The adapter refused to open a device.
    #[error("the adapter “{adapter}” does not open: {message}")]
    OpenDevice {
        /// Name of the adapter.
        adapter: String,
        /// The driver's words.
        message: String,
    },
    /// The window's device lacks what the compute kernels would use.
    #[error("the window's device was opened without {missing}")]
    WindowDevice {
        /// The features or limits that are lacking.
        missing: String,
    },
    /// The tensor library refused the device.
    #[error("the device could not be set up for computing: {message}")]
    Register {
        /// The library's words.
        message: String,
    },
    /// The device is gone: the driver was reset, or the GPU was removed.
    #[error("the GPU device was lost: {message}")]
    DeviceLost {
        /// The driver's words.
        message: String,
    },
    /// A kernel or a transfer failed on a device that is still there.
    #[error("the device failed to compute: {message}")]
    Execution {
        /// The library's words.
        message: String,
    },
    /// A buffer was asked of a tensor that has none on the GPU.
    #[error("the tensor does not live in GPU memory as 32-bit floats")]
    NotOnGpu,
    /// The number of values does not fill the shape, or there are none.
    #[error("{values} values do not make {rows} rows of {dim}")]
    Shape {
        /// How many values were given.
        values: usize,
        /// Rows asked for.
        rows: usize,
        /// Values a row asked for.
        dim: usize,
    },
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<ExecutionError> for ComputeError {
    fn from(error: ExecutionError) -> Self {
        let message = error.reason().trim().to_owned();
        if error.is_device_poisoned() {
            Self::DeviceLost { message }
        } else {
            Self::Execution { message }
        }
    }
}
