//! What can go wrong when drawing.

/// Why a picture could not be made. The room never panics on a device, a size or a point.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RenderError {
    /// No adapter at all: no GPU driver and no software Vulkan.
    #[error("no graphics adapter was found: {0}")]
    NoAdapter(String),
    /// The adapter would not open a device.
    #[error("the graphics device could not be opened: {0}")]
    Device(String),
    /// A pipeline, a resource or a submission was refused by wgpu or the driver.
    #[error("the graphics driver refused {what}: {reason}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The driver's words.
        reason: String,
    },
    /// An array that goes with the points has another length.
    #[error("{found} {what} were given for {expected} points")]
    Length {
        /// Which array.
        what: &'static str,
        /// Number of points.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// More than this adapter can hold in one buffer.
    #[error("{found} {what} are more than this adapter can draw ({limit})")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many were given.
        found: u64,
        /// How many are possible.
        limit: u64,
    },
    /// A leased buffer does not hold what the lease promises.
    #[error("the leased buffer of points cannot be drawn: {0}")]
    Lease(&'static str),
    /// A surface field whose values or colours do not fit its size.
    #[error("the field on the surface is malformed: {0}")]
    Field(&'static str),
    /// The picture or the map of points did not come back from the device.
    #[error("the picture could not be read back: {0}")]
    ReadBack(String),
    /// The picture could not be encoded or stored.
    #[error("the picture could not be written: {0}")]
    Encode(String),
}
