//! The one thread that computes: named, fed by a bounded queue, cancelled within a moment, and
//! alive after a panic of a job.
//!
//! Kernels are queued per thread, so that jobs of one thread follow each other on the GPU without
//! waiting. Facts about jobs come out as [`WorkerEvent`]s; results travel in whatever the job's
//! closure captured.

mod event;
mod meter;

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

pub use self::event::{JobId, JobStatus, QueueFull, WorkerEvent};
use self::meter::Meter;
use super::Compute;
use crate::progress::{Progress, Step};

/// Events that are kept for a reader who is late; older ones give way.
const EVENT_CAPACITY: usize = 1024;
/// How long a dropped worker waits for its running job to notice the cancel.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(1);
/// Shortest time between two wake-ups for progress alone: more than a screen can show.
const WAKE_INTERVAL: Duration = Duration::from_millis(30);

/// The next job's number, one sequence for every worker: owners of several tell jobs apart by it.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

type Work = Box<dyn FnOnce(&Progress) + Send>;
type Wake = Arc<dyn Fn() + Send + Sync>;

struct Job {
    id: JobId,
    title: String,
    progress: Progress,
    work: Work,
}

struct Running {
    id: JobId,
    title: String,
    started: Instant,
    meter: Meter,
    woken: Option<Instant>,
}

/// What the worker's thread and its owners look at together.
struct Shared {
    running: Mutex<Option<Running>>,
    /// Every job that has not ended yet, with the flag that stops it.
    pending: Mutex<Vec<(JobId, Progress)>>,
    watched: Mutex<Option<Compute>>,
    wake: Wake,
    events: Sender<WorkerEvent>,
    /// The same channel's other end, to make room in.
    stale_events: Receiver<WorkerEvent>,
}

/// A pinned thread that runs jobs one after the other.
///
/// Dropping it cancels every job and waits a second for the running one; a job that ignores the
/// cancel is left behind to end on its own.
pub struct Worker {
    shared: Arc<Shared>,
    queue: Option<Sender<Job>>,
    events: Receiver<WorkerEvent>,
    thread: Option<(JoinHandle<()>, Receiver<()>)>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts a thread called `name` with room for `capacity` waiting jobs (at least one).
    ///
    /// # Errors
    /// The system's error when it grants no thread.
    pub fn spawn(name: &str, capacity: usize) -> std::io::Result<Self> {
        Self::spawn_with_wake(name, capacity, || {})
    }

    /// [`spawn`](Self::spawn), with a callback for every event and, a few tens of times a second,
    /// for progress: the window asks for a repaint there. It is called from the worker's threads
    /// and must be quick.
    ///
    /// # Errors
    /// The system's error when it grants no thread.
    pub fn spawn_with_wake(
        name: &str,
        capacity: usize,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = bounded::<Job>(capacity.max(1));
        let (events_in, events) = bounded(EVENT_CAPACITY);
        let (ended_in, ended) = bounded::<()>(0);
        let shared = Arc::new(Shared {
            running: Mutex::default(),
            pending: Mutex::default(),
            watched: Mutex::default(),
            wake: Arc::new(wake),
            events: events_in,
            stale_events: events.clone(),
        });
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                for job in jobs {
                    shared.run(job);
                }
                // Its end is the signal: nothing is ever sent.
                drop(ended_in);
            }
        })?;
        Ok(Self {
            shared,
            queue: Some(queue),
            events,
            thread: Some((thread, ended)),
        })
    }

    /// Puts a job at the end of the queue. Never blocks.
    ///
    /// # Errors
    /// [`QueueFull`] when as many jobs wait as may wait.
    pub fn submit(
        &self,
        title: impl Into<String>,
        job: impl FnOnce(&Progress) + Send + 'static,
    ) -> Result<JobId, QueueFull> {
        let id = JobId(NEXT_ID.fetch_add(1, Ordering::Relaxed));
        let sink = Arc::clone(&self.shared);
        let progress = Progress::new(move |step| sink.report(id, &step));
        let job = Job {
            id,
            title: title.into(),
            progress: progress.clone(),
            work: Box::new(job),
        };
        // Listed before it is sent: the worker may have ended it by the time `send` returns.
        lock(&self.shared.pending).push((id, progress));
        let refused = match &self.queue {
            Some(queue) => queue.try_send(job),
            None => Err(TrySendError::Disconnected(job)),
        };
        refused.map(|()| id).map_err(|error| {
            self.shared.forget(id);
            QueueFull {
                title: error.into_inner().title,
            }
        })
    }

    /// Asks a job to stop, be it running or waiting. Unknown and ended jobs are left alone.
    pub fn cancel(&self, id: JobId) {
        for (pending, progress) in lock(&self.shared.pending).iter() {
            if *pending == id {
                progress.cancel();
            }
        }
    }

    /// Asks every job to stop, running and waiting.
    pub fn cancel_all(&self) {
        for (_, progress) in lock(&self.shared.pending).iter() {
            progress.cancel();
        }
    }

    /// How far the running job is; `None` while nothing runs. Never blocks for long.
    pub fn status(&self) -> Option<JobStatus> {
        let queued = self.queue.as_ref().map_or(0, Sender::len);
        let guard = lock(&self.shared.running);
        let running = guard.as_ref()?;
        let rate = running.meter.rate(Instant::now());
        let (stage, done, total) = running.meter.position();
        let (id, title, started) = (running.id, running.title.clone(), running.started);
        drop(guard);
        let is_cancelling = lock(&self.shared.pending)
            .iter()
            .any(|(pending, progress)| *pending == id && progress.is_cancelled());
        Some(JobStatus {
            id,
            title,
            stage,
            done,
            total,
            started,
            rate,
            remaining: meter::remaining(done, total, rate),
            is_cancelling,
            queued,
        })
    }

    /// Whether no job runs or waits.
    pub fn is_idle(&self) -> bool {
        lock(&self.shared.pending).is_empty()
    }

    /// The facts, for one reader.
    pub fn events(&self) -> &Receiver<WorkerEvent> {
        &self.events
    }

    /// From now on, asks after each job whether the device of `compute` is still there, and
    /// reports its loss once. Replaces what was watched before.
    pub fn watch(&self, compute: &Compute) {
        *lock(&self.shared.watched) = compute.is_gpu().then(|| compute.clone());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel_all();
        self.queue = None;
        if let Some((thread, ended)) = self.thread.take() {
            if ended
                .recv_timeout(SHUTDOWN_PATIENCE)
                .is_err_and(|error| error.is_timeout())
            {
                log::warn!("a job did not answer to its cancel and was left behind");
            } else if thread.join().is_err() {
                log::error!("the compute thread had died");
            }
        }
    }
}

impl Shared {
    /// Runs one job to its end, whatever end that is.
    fn run(&self, job: Job) {
        let Job {
            id,
            title,
            progress,
            work,
        } = job;
        if progress.is_cancelled() {
            self.forget(id);
            self.tell(WorkerEvent::Cancelled { id, title });
            return;
        }
        let started = Instant::now();
        *lock(&self.running) = Some(Running {
            id,
            title: title.clone(),
            started,
            meter: Meter::default(),
            woken: None,
        });
        self.tell(WorkerEvent::Started {
            id,
            title: title.clone(),
        });
        // The closure is consumed by the attempt, so nothing half-changed of it is seen again;
        // what it shares with others sits behind locks that report their own poisoning.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&progress)));
        let lost = self.find_loss();
        *lock(&self.running) = None;
        self.forget(id);
        self.tell(match outcome {
            Err(panic) => WorkerEvent::Panicked {
                id,
                title,
                message: panic_message(&*panic),
            },
            Ok(()) if progress.is_cancelled() => WorkerEvent::Cancelled { id, title },
            Ok(()) => WorkerEvent::Finished {
                id,
                title,
                duration: started.elapsed(),
            },
        });
        if let Some(message) = lost {
            self.tell(WorkerEvent::DeviceLost { message });
        }
    }

    /// The message of a loss of the watched device that was not told yet.
    fn find_loss(&self) -> Option<String> {
        let compute = lock(&self.watched).clone()?;
        // The wait inside can meet the panic of a kernel that failed on the device's own thread.
        let _ = catch_unwind(AssertUnwindSafe(|| compute.probe()));
        let message = compute.lost()?.to_owned();
        *lock(&self.watched) = None;
        Some(message)
    }

    fn report(&self, id: JobId, step: &Step) {
        let now = Instant::now();
        let mut guard = lock(&self.running);
        // A clone of an ended job's handle may still report.
        let Some(running) = guard.as_mut().filter(|running| running.id == id) else {
            return;
        };
        running.meter.record(now, step);
        let is_due = running
            .woken
            .is_none_or(|woken| now.duration_since(woken) >= WAKE_INTERVAL);
        if is_due {
            running.woken = Some(now);
            drop(guard);
            (self.wake)();
        }
    }

    fn forget(&self, id: JobId) {
        lock(&self.pending).retain(|(pending, _)| *pending != id);
    }

    /// Sends an event; when nobody reads, the oldest gives way.
    fn tell(&self, event: WorkerEvent) {
        let mut event = event;
        while let Err(TrySendError::Full(returned)) = self.events.try_send(event) {
            event = returned;
            if let Ok(dropped) = self.stale_events.try_recv() {
                log::debug!("nobody read {dropped:?}");
            }
        }
        (self.wake)();
    }
}

/// What a panic said, if it said it in text.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// The data under these locks is replaced whole, so that a panic in between leaves it sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
