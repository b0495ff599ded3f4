//! A sweep on a thread of its own.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Sweep, SweepControl, SweepPhase, SweepPlan, SweepState};
use crate::{
    compute::{Compute, JobId, Worker, WorkerEvent, beside_a_window},
    lab::LabError,
    progress::Progress,
};

/// A sweep on a pinned thread. Dropping it stops the sweep, with the run under way saved.
pub struct SweepRunner {
    worker: Worker,
    job: JobId,
    control: SweepControl,
    state: Arc<Mutex<Arc<SweepState>>>,
}

impl SweepRunner {
    /// Starts a sweep, or goes on with the one in `folder`. What [`Sweep::open`] refuses is told by
    /// the state: files are read on the sweep's own thread. `wake` is called from it for every
    /// change, and must be quick.
    ///
    /// # Errors
    /// [`LabError::Thread`].
    pub fn start(
        folder: PathBuf,
        plan: Option<SweepPlan>,
        compute: &Compute,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, LabError> {
        let wake = Arc::new(wake);
        let after = Arc::clone(&wake);
        let worker = Worker::spawn_with_wake("spherescope-sweep", 1, move || after())
            .map_err(LabError::Thread)?;
        let state = Arc::new(Mutex::new(Arc::new(SweepState {
            name: plan
                .as_ref()
                .map_or_else(String::new, |plan| plan.name.clone()),
            folder: folder.clone(),
            ..SweepState::default()
        })));
        let control = SweepControl::default();
        let job = {
            let (state, control, compute) = (Arc::clone(&state), control.clone(), compute.clone());
            move |progress: &Progress| {
                let tell = |newest: &SweepState| {
                    *lock(&state) = Arc::new(newest.clone());
                    wake();
                };
                let whole = || {
                    Sweep::open(&folder, plan)
                        .and_then(|mut sweep| sweep.drive(&compute, &control, progress, tell))
                };
                let outcome = beside_a_window(&compute, whole)
                    .unwrap_or_else(|error| Err(LabError::Thread(error)));
                if let Err(error) = outcome {
                    let mut end = SweepState::clone(&lock(&state));
                    end.remaining_s = None;
                    if error.is_cancelled() {
                        end.phase = SweepPhase::Stopped;
                    } else {
                        end.phase = SweepPhase::Failed;
                        end.message = Some(error.to_string());
                    }
                    *lock(&state) = Arc::new(end);
                    wake();
                }
            }
        };
        let job = worker
            .submit("Sweep", job)
            .map_err(|error| LabError::Thread(std::io::Error::other(error)))?;
        Ok(Self {
            worker,
            job,
            control,
            state,
        })
    }

    /// Lets it wait after the step under way, or go on.
    pub fn pause(&self, is_paused: bool) {
        self.control.pause(is_paused);
    }

    /// Whether it is to wait.
    pub fn is_paused(&self) -> bool {
        self.control.is_paused()
    }

    /// Ends it after the step under way; it can go on later from its folder.
    pub fn stop(&self) {
        self.worker.cancel(self.job);
    }

    /// The newest state. A panic of the sweep's thread is a failure like any other.
    pub fn state(&self) -> Arc<SweepState> {
        for event in self.worker.events().try_iter() {
            if let WorkerEvent::Panicked { message, .. } = event {
                let mut state = lock(&self.state);
                *state = Arc::new(SweepState {
                    phase: SweepPhase::Failed,
                    message: Some(format!(
                        "the sweep broke off: {message}. What was finished stays"
                    )),
                    ..SweepState::clone(&state)
                });
            }
        }
        Arc::clone(&lock(&self.state))
    }

    /// Whether its thread has come to its end.
    pub fn has_ended(&self) -> bool {
        self.worker.is_idle()
    }
}

/// Locked data is replaced whole, so that a panic in between leaves it sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{super::drive::tests::small, *};
    use crate::compute::DevicePolicy;

    fn until(runner: &SweepRunner, is_so: impl Fn(&SweepState) -> bool) -> Arc<SweepState> {
        let began = Instant::now();
        loop {
            let state = runner.state();
            if is_so(&state) {
                return state;
            }
            assert!(began.elapsed() < Duration::from_mins(2), "{state:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_sweep_pauses_goes_on_and_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep");
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let runner = SweepRunner::start(path.clone(), Some(small()), &compute, || {}).unwrap();
        runner.pause(true);
        let paused = until(&runner, |state| state.phase == SweepPhase::Paused);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(runner.state().steps, paused.steps);
        runner.pause(false);
        until(&runner, |state| state.finished >= 1);
        runner.stop();
        let end = until(&runner, |state| {
            matches!(state.phase, SweepPhase::Stopped | SweepPhase::Finished)
        });
        drop(runner);
        // It goes on from its folder alone.
        let again = SweepRunner::start(path, None, &compute, || {}).unwrap();
        let seen = until(&again, |state| state.total > 0);
        assert!(seen.finished >= end.finished);
        let done = until(&again, |state| state.phase == SweepPhase::Finished);
        assert_eq!((done.finished, done.table.rows().len()), (3, 3));
        drop(again);
        // A folder without a sweep is told by the state.
        let nowhere = folder.path().join("nowhere");
        let refused = SweepRunner::start(nowhere, None, &compute, || {}).unwrap();
        let state = until(&refused, |state| state.phase == SweepPhase::Failed);
        assert!(state.message.as_ref().unwrap().contains("sweep.toml"));
    }
}
