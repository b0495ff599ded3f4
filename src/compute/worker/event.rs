//! What the worker tells about its jobs.

use std::time::{Duration, Instant};

/// Names a job, among those of all workers of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub(super) u64);

/// As many jobs wait as may wait; the new one was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{title}” was not started: the compute queue is full")]
pub struct QueueFull {
    /// Title of the job that was refused.
    pub title: String,
}

/// A fact about a job, in the order in which things happened.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerEvent {
    /// The job left the queue.
    Started {
        /// Which job.
        id: JobId,
        /// Its title.
        title: String,
    },
    /// The job returned. Its outcome is what its closure made of it.
    Finished {
        /// Which job.
        id: JobId,
        /// Its title.
        title: String,
        /// How long it ran.
        duration: Duration,
    },
    /// The job was asked to stop and did, or was cancelled before it began.
    Cancelled {
        /// Which job.
        id: JobId,
        /// Its title.
        title: String,
    },
    /// The job panicked. The worker goes on with the next one.
    Panicked {
        /// Which job.
        id: JobId,
        /// Its title.
        title: String,
        /// What the panic said.
        message: String,
    },
    /// The watched device is gone; told once. Time for [`Compute::fall_back`](crate::compute::Compute::fall_back).
    DeviceLost {
        /// The driver's words.
        message: String,
    },
}

/// How far the running job is.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// Which job.
    pub id: JobId,
    /// Its title.
    pub title: String,
    /// What it is doing; empty before its first report.
    pub stage: &'static str,
    /// Units done in this stage.
    pub done: u64,
    /// Units of this stage in all, when known.
    pub total: Option<u64>,
    /// When the job left the queue.
    pub started: Instant,
    /// Units a second over the last few seconds of this stage, once two reports tell.
    pub rate: Option<f64>,
    /// Time left in this stage, when total and rate are known.
    pub remaining: Option<Duration>,
    /// Whether it was asked to stop.
    pub is_cancelling: bool,
    /// Jobs that wait behind it.
    pub queued: usize,
}
