//! Work away from the window's thread: analyses on the pinned worker, small things beside it, and
//! slots that hold the newest outcome of each.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    analysis::{self, Analysis, Cache, Glimpse, Request},
    checkpoint::{self, KeyReport, OpenOptions},
    compute::{Compute, JobId, Worker, WorkerEvent},
    dense::nearest,
    measure::{MeasureError, Rows, local_density},
    progress::{Cancelled, Progress},
    ui::{Neighbours, Prepared, Snapshot, widgets::Running},
};

/// Jobs that may wait: one is replaced by the next, so few do.
const QUEUE: usize = 8;
/// Serials of snapshots that are not analyses begin here, far above those that are.
const EXTRA_SERIALS: u64 = 1 << 32;
/// Neighbours that are listed.
const NEIGHBOURS: usize = 32;

/// Holds the newest value until it is taken.
pub(super) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Slot<T> {
    pub fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What an analysis has come to. A cancelled one is told by the worker's event alone.
pub(super) enum Outcome {
    /// What can be shown while the rest is still measured.
    Early(Snapshot),
    Done(Snapshot),
    Failed(String),
}

/// A job of the dense inspector, by where it runs.
#[derive(Clone, Copy)]
pub(super) enum InspectorJob {
    Beside(JobId),
    WithEncoder(JobId),
}

impl InspectorJob {
    pub fn id(self) -> JobId {
        let (Self::Beside(id) | Self::WithEncoder(id)) = self;
        id
    }
}

/// Local density of the points of a snapshot.
pub(super) struct LocalDensity {
    pub serial: u64,
    pub values: Vec<f32>,
    pub how: String,
}

/// The workers and what they have made.
pub(super) struct Jobs {
    compute: Compute,
    worker: Worker,
    helper: Worker,
    /// The dense inspector's own: what is clicked waits for nothing else.
    inspector: Worker,
    /// Judges many checkpoints, for minutes maybe: nothing else waits for it.
    series: Worker,
    cache: Arc<Mutex<Cache>>,
    newest: u64,
    extra_serial: u64,
    current: Option<JobId>,
    /// The verdict that is being worked out: it gives way to an analysis.
    diagnosing: Option<JobId>,
    outcomes: Slot<(u64, Outcome)>,
    pub neighbours: Slot<(u64, Neighbours)>,
    pub densities: Slot<LocalDensity>,
    pub verdicts: Slot<super::diagnosis::Judged>,
    pub listings: Slot<(String, Vec<PathBuf>)>,
    pub reports: Slot<KeyReport>,
    pub picked: Slot<(crate::ui::OpenTarget, PathBuf)>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// As `wake`, at the pace of a picture that moves.
    wake_at_pace: Arc<dyn Fn() + Send + Sync>,
    /// As `wake`, for what fills over many seconds.
    wake_at_leisure: Arc<dyn Fn() + Send + Sync>,
}

/// How long news of what fills over many seconds may wait to be drawn.
const LEISURE: Duration = Duration::from_millis(300);

impl Jobs {
    pub fn new(compute: Compute, ctx: &egui::Context) -> std::io::Result<Self> {
        let wake = window_waker(ctx, Duration::ZERO)?;
        let waker = |wake: &Arc<dyn Fn() + Send + Sync>| {
            let wake = Arc::clone(wake);
            move || wake()
        };
        let worker = Worker::spawn_with_wake("spherescope-compute", QUEUE, waker(&wake))?;
        let helper = Worker::spawn_with_wake("spherescope-helper", QUEUE, waker(&wake))?;
        let inspector = Worker::spawn_with_wake("spherescope-inspector", QUEUE, waker(&wake))?;
        let series = Worker::spawn_with_wake("spherescope-series", QUEUE, waker(&wake))?;
        worker.watch(&compute);
        Ok(Self {
            compute,
            worker,
            helper,
            inspector,
            series,
            cache: Arc::default(),
            newest: 0,
            extra_serial: EXTRA_SERIALS,
            current: None,
            diagnosing: None,
            outcomes: Slot::default(),
            neighbours: Slot::default(),
            densities: Slot::default(),
            verdicts: Slot::default(),
            listings: Slot::default(),
            reports: Slot::default(),
            picked: Slot::default(),
            wake,
            wake_at_pace: window_waker(ctx, crate::ui::MOVING_INTERVAL)?,
            wake_at_leisure: window_waker(ctx, LEISURE)?,
        })
    }

    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Asks the window to draw again, from any thread.
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake)
    }

    /// As [`waker`](Self::waker), for what changes many times a second: the window draws no more
    /// often than a picture that moves, and the processor is left to the work itself.
    pub fn waker_at_pace(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake_at_pace)
    }

    /// As [`waker`](Self::waker), for what fills over many seconds: drawn in software, more frames
    /// than it takes to follow would cost half of what the work itself could do.
    pub fn waker_at_leisure(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake_at_leisure)
    }

    /// Starts an analysis in the place of the one before.
    pub fn analyse(&mut self, request: &Request, reads_anew: bool) -> Result<(), String> {
        self.cancel();
        self.newest += 1;
        let serial = self.newest;
        let request = request.clone();
        let title = format!("Analysing {}", request.encoder.title());
        let compute = self.compute.clone();
        let cache = Arc::clone(&self.cache);
        let outcomes = self.outcomes.clone();
        let reports = self.reports.clone();
        let wake = self.waker();
        let job = move |progress: &Progress| {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if reads_anew {
                *cache = Cache::default();
            }
            let tell = |outcome| {
                outcomes.put((serial, outcome));
                wake();
            };
            let opened = |report| {
                reports.put(report);
                wake();
            };
            run(
                &request, serial, &compute, &mut cache, progress, opened, tell,
            );
        };
        let id = self
            .worker
            .submit(title, job)
            .map_err(|full| full.to_string())?;
        self.current = Some(id);
        Ok(())
    }

    /// The outcome of the newest analysis, once.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        let (serial, outcome) = self.outcomes.take()?;
        if serial != self.newest {
            return None;
        }
        if !matches!(outcome, Outcome::Early(_)) {
            self.current = None;
        }
        Some(outcome)
    }

    /// Facts that the window must act on, oldest first.
    pub fn events(&self) -> Vec<WorkerEvent> {
        self.worker
            .events()
            .try_iter()
            .chain(self.helper.events().try_iter())
            .chain(self.inspector.events().try_iter())
            .chain(self.series.events().try_iter())
            .collect()
    }

    /// Whether `id` is the analysis that is wanted.
    pub fn is_current(&self, id: JobId) -> bool {
        self.current == Some(id)
    }

    /// The analysis that was wanted has ended without an outcome.
    pub fn give_up(&mut self) {
        self.current = None;
    }

    pub fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Forgets a verdict whose job has ended.
    pub fn job_ended(&mut self, id: JobId) {
        if self.diagnosing == Some(id) {
            self.diagnosing = None;
        }
    }

    /// Asks the analysis and the verdict under way to stop; whether there was one. The verdict's
    /// number is kept until its job has ended.
    pub fn cancel(&mut self) -> bool {
        let under_way = [self.current, self.diagnosing];
        under_way
            .into_iter()
            .flatten()
            .map(|id| self.worker.cancel(id))
            .count()
            > 0
    }

    /// Works out the collapse verdict of a snapshot, all kinds of features side by side; its
    /// number, or nothing while too much waits. An older verdict gives way.
    pub fn diagnose(&mut self, snapshot: &Snapshot) -> Option<JobId> {
        if let Some(older) = self.diagnosing {
            self.worker.cancel(older);
        }
        let (analysis, serial) = (Arc::clone(&snapshot.analysis), snapshot.serial);
        let compute = self.compute.clone();
        let cache = Arc::clone(&self.cache);
        let (slot, wake) = (self.verdicts.clone(), self.waker());
        let job = move |progress: &Progress| {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            let request = &analysis.request;
            let judged =
                analysis::diagnose(request, Some(&analysis), &compute, &mut cache, progress);
            if progress.is_cancelled() {
                return;
            }
            slot.put((serial, judged.map_err(|error| error.to_string())));
            wake();
        };
        self.diagnosing = self.worker.submit("Judging collapse", job).ok();
        self.diagnosing
    }

    /// How far the work is, for the status bar.
    pub fn running(&self) -> Option<Running> {
        let status = self.worker.status().or_else(|| {
            [&self.helper, &self.inspector, &self.series]
                .into_iter()
                .filter_map(Worker::status)
                .find(|status| !status.title.is_empty())
        })?;
        let stage = if status.is_cancelling {
            "stopping"
        } else {
            status.stage
        };
        Some(Running {
            title: status.title,
            stage: stage.to_owned(),
            done: status.done,
            total: status.total,
            rate: status.rate,
        })
    }

    /// Goes on without the device that was lost.
    pub fn fall_back(&mut self, reason: &str) {
        self.cancel();
        self.compute = self.compute.fall_back(reason);
        self.worker.watch(&self.compute);
        // What lived on the old device goes; its job has been asked to stop and holds no lock
        // for long, and a poisoned or busy cache is simply replaced.
        self.cache = Arc::default();
    }

    /// Finds the nearest points of `row`.
    pub fn find_neighbours(&self, snapshot: &Snapshot, row: u32) {
        let analysis = Arc::clone(&snapshot.analysis);
        let serial = snapshot.serial;
        let slot = self.neighbours.clone();
        // A full queue means that newer selections wait already: this one may be dropped.
        let _ = self.helper.submit("", move |progress| {
            if let Ok(neighbours) = neighbours_of(&analysis, row, progress) {
                slot.put((serial, neighbours));
            }
        });
    }

    /// Computes the local density of every point.
    pub fn find_densities(&self, snapshot: &Snapshot) -> Result<(), String> {
        let analysis = Arc::clone(&snapshot.analysis);
        let serial = snapshot.serial;
        let slot = self.densities.clone();
        self.helper
            .submit("Estimating local density", move |progress| {
                let t = analysis.request.t;
                let rows = Rows::new(&analysis.unit, analysis.features.dim);
                match rows.and_then(|rows| local_density(rows, t, progress)) {
                    Ok(values) => slot.put(LocalDensity {
                        serial,
                        values,
                        how: format!("local density: log mean exp(−{t}‖x − x_i‖²) over all others"),
                    }),
                    Err(MeasureError::Cancelled(_)) => {}
                    Err(error) => log::warn!("no local density: {error}"),
                }
            })
            .map(drop)
            .map_err(|full| full.to_string())
    }

    /// Reads what a checkpoint holds, which is known long before its features are. A file that is
    /// refused is told by the analysis that asked for it too.
    pub fn inspect(&self, path: PathBuf, root: Option<String>) {
        let slot = self.reports.clone();
        let _ = self.helper.submit("", move |_| {
            let options = OpenOptions { root };
            if let Ok((report, _)) = checkpoint::inspect_with_fault(&path, &options) {
                slot.put(report);
            }
        });
    }

    /// A number for a snapshot that is not an analysis of this worker; an analysis under way keeps
    /// its own, which is told from its outcome.
    pub fn next_serial(&mut self) -> u64 {
        self.extra_serial += 1;
        self.extra_serial
    }

    /// Does a small thing beside the window's thread; whether there was room for it.
    pub fn help(&self, job: impl FnOnce(&Progress) + Send + 'static) -> bool {
        self.helper.submit("", job).is_ok()
    }

    /// As [`help`](Self::help); its number, or nothing while too much waits.
    pub fn help_for(&self, job: impl FnOnce(&Progress) + Send + 'static) -> Option<JobId> {
        self.helper.submit("", job).ok()
    }

    /// Does a thing beside the window's thread that the status bar tells of.
    pub fn help_telling(
        &self,
        title: String,
        job: impl FnOnce(&Progress) + Send + 'static,
    ) -> Result<(), String> {
        let submitted = self.helper.submit(title, job);
        submitted.map(drop).map_err(|full| full.to_string())
    }

    /// As [`help_telling`](Self::help_telling); its number.
    pub fn help_telling_for(
        &self,
        title: String,
        job: impl FnOnce(&Progress) + Send + 'static,
    ) -> Result<JobId, String> {
        let submitted = self.helper.submit(title, job);
        submitted.map_err(|full| full.to_string())
    }

    /// Judges many checkpoints; its number, or nothing while too much waits.
    pub fn judge_series(
        &self,
        title: &str,
        job: impl FnOnce(&Progress) + Send + 'static,
    ) -> Option<JobId> {
        self.series.submit(title, job).ok()
    }

    /// Asks that to stop.
    pub fn stop_series(&self, id: JobId) {
        self.series.cancel(id);
    }

    /// Does something for the dense inspector; its number, or nothing while too much waits.
    pub fn inspect_beside(
        &self,
        title: &str,
        job: impl FnOnce(&Progress) + Send + 'static,
    ) -> Option<JobId> {
        self.inspector.submit(title, job).ok()
    }

    /// Does something with the encoder for the dense inspector, on the pinned worker.
    pub fn inspect_with_encoder(
        &self,
        title: &str,
        job: impl FnOnce(&Compute, &mut Cache, &Progress) + Send + 'static,
    ) -> Option<JobId> {
        let compute = self.compute.clone();
        let cache = Arc::clone(&self.cache);
        let job = move |progress: &Progress| {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            job(&compute, &mut cache, progress);
        };
        self.worker.submit(title, job).ok()
    }

    /// Asks a job of the inspector to stop.
    pub fn call_off(&self, job: InspectorJob) {
        match job {
            InspectorJob::Beside(id) => self.inspector.cancel(id),
            InspectorJob::WithEncoder(id) => self.worker.cancel(id),
        }
    }

    /// Lists the paths that begin as `typed` does.
    pub fn list(&self, typed: String) {
        let slot = self.listings.clone();
        // As above: a full queue means that newer text waits.
        let _ = self.helper.submit("", move |_| {
            let found = super::path_dialog::completions(&typed);
            slot.put((typed, found));
        });
    }
}

/// Asks the window to draw again, from any thread and without ever waiting: a thread of its own
/// passes the wish on.
///
/// The window holds egui's lock while it tessellates on the threads that computing runs on. Were one
/// of those to wait for that lock, as egui's own request does, both would wait for ever.
fn window_waker(
    ctx: &egui::Context,
    delay: Duration,
) -> std::io::Result<Arc<dyn Fn() + Send + Sync>> {
    let (wish, wishes) = crossbeam_channel::bounded::<()>(1);
    let ctx = ctx.clone();
    std::thread::Builder::new()
        .name("spherescope-wake".to_owned())
        .spawn(move || {
            for () in wishes {
                // Without a delay egui draws twice, so that a layout may settle.
                ctx.request_repaint_after(delay);
            }
        })?;
    Ok(Arc::new(move || {
        // One that waits already says the same.
        let _ = wish.try_send(());
    }))
}

fn run(
    request: &Request,
    serial: u64,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
    opened: impl Fn(KeyReport),
    tell: impl Fn(Outcome),
) {
    let snapshot = |analysis: Arc<Analysis>| -> Result<Snapshot, Cancelled> {
        let prepared = Arc::new(Prepared::new(&analysis, progress)?);
        Ok(Snapshot {
            analysis,
            prepared,
            serial,
        })
    };
    let show = |glimpse: Glimpse<'_>| match glimpse {
        Glimpse::Opened(report) => opened(report.clone()),
        Glimpse::Points(early) => {
            if let Ok(snapshot) = snapshot(Arc::new(early.clone())) {
                tell(Outcome::Early(snapshot));
            }
        }
    };
    match analysis::analyse_showing(request, compute, cache, progress, show) {
        Ok(analysis) => {
            if let Ok(snapshot) = snapshot(Arc::new(analysis)) {
                tell(Outcome::Done(snapshot));
            }
        }
        Err(error) if error.is_cancelled() || progress.is_cancelled() => {}
        Err(error) => tell(Outcome::Failed(error.to_string())),
    }
}

fn neighbours_of(
    analysis: &Analysis,
    row: u32,
    progress: &Progress,
) -> Result<Neighbours, Cancelled> {
    let dim = analysis.features.dim;
    let rows = analysis.unit.as_slice();
    let query = &rows[row as usize * dim..(row as usize + 1) * dim];
    let found = nearest(query, rows, dim, NEIGHBOURS, |other| other != row, progress)?;
    let list = found.iter().map(|near| (near.row, near.cosine)).collect();
    Ok(Neighbours { of: row, list })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waking_never_waits_for_a_window_that_holds_its_lock() {
        let ctx = egui::Context::default();
        let wake = window_waker(&ctx, Duration::ZERO).expect("the system grants a thread");
        let (done, ended) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            // As while a frame is tessellated.
            ctx.memory_mut(|_| {
                for _ in 0..3 {
                    wake();
                }
            });
            done.send(()).expect("the test waits");
        });
        let ended = ended.recv_timeout(Duration::from_secs(30));
        assert!(ended.is_ok(), "it waits for the lock");
    }
}
