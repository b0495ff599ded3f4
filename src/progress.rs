//! Progress and cancellation of long work, passed down as an argument.
//!
//! The one room every other may use: it knows nothing but a flag and a callback, so that rooms
//! without a window or a worker (decoding, forward passes, metrics) still report and stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The work was asked to stop and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// How far a piece of work is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done, in words for the status bar ("decoding images").
    pub stage: &'static str,
    /// Units finished.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
}

/// A handle through which work reports its progress and learns that it should stop.
///
/// Cloning is cheap; all clones share one cancel flag.
#[derive(Clone)]
pub struct Progress {
    is_cancelled: Arc<AtomicBool>,
    sink: Arc<dyn Fn(Step) + Send + Sync>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress")
            .field("is_cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

impl Progress {
    /// Reports each step to `sink`, which must be quick: it is called from worker threads.
    pub fn new(sink: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self {
            is_cancelled: Arc::default(),
            sink: Arc::new(sink),
        }
    }

    /// Work that nobody watches and nobody stops.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// A handle with the same cancel flag that reports to nobody: for parts whose own steps would
    /// hide those of the whole.
    pub fn silent(&self) -> Self {
        Self {
            is_cancelled: Arc::clone(&self.is_cancelled),
            sink: Arc::new(|_| {}),
        }
    }

    /// Asks the work to stop at its next [`check`](Self::check).
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// To be called between pieces of at most a few tenths of a second.
    ///
    /// # Errors
    /// [`Cancelled`] once the work was asked to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// Tells how far the work is.
    pub fn report(&self, stage: &'static str, done: u64, total: Option<u64>) {
        (self.sink)(Step { stage, done, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag_and_the_sink() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let progress = Progress::new(move |step| sink.lock().unwrap().push(step));
        let other = progress.clone();
        assert_eq!(other.check(), Ok(()));
        other.report("decoding", 1, Some(2));
        progress.cancel();
        assert_eq!(other.check(), Err(Cancelled));
        assert_eq!(seen.lock().unwrap().len(), 1);
        let silent = progress.silent();
        silent.report("decoding", 2, None);
        assert_eq!(silent.check(), Err(Cancelled));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}
