//! A run on a thread of its own, driven by wishes.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::{
    Control, Frame, KeptWeights, Mark, Phase, Run, RunConfig, RunState, TrainingError,
    curves::GrowingCurves, frames::Frames, snapshot::Snapshots,
};
use crate::{
    compute::{Compute, Worker, WorkerEvent, beside_a_window, panic_message},
    progress::Progress,
};

/// Wishes that may wait: each is acted on within one step.
const WISHES: usize = 64;
/// Shortest time between two publications of the state while steps go on: more than a screen shows.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(33);
/// How often a waiting run looks at its cancel flag.
const PATIENCE: Duration = Duration::from_millis(50);
/// Steps over which the speed is averaged.
const SPEED_STEPS: usize = 50;
/// Curves of branches that are kept.
const BRANCHES: usize = 4;

/// Where a run begins.
enum Begin {
    /// At step 0 of its settings.
    Fresh,
    /// Where it was saved.
    Saved(PathBuf),
}

type Wake = Arc<dyn Fn() + Send + Sync>;

/// A run on a pinned thread. Dropping it ends the run.
pub struct Runner {
    worker: Worker,
    wishes: Sender<Control>,
    shared: Arc<Shared>,
}

/// What the thread publishes.
#[derive(Default)]
struct Shared {
    state: Mutex<Arc<RunState>>,
    frames: Mutex<Frames>,
    weights: Mutex<Vec<KeptWeights>>,
}

impl Runner {
    /// Starts a thread that prepares a run and then waits for [`Control::Play`]. `wake` is called
    /// from that thread for every change, and must be quick.
    ///
    /// # Errors
    /// [`TrainingError::Setting`] for settings out of range, [`TrainingError::Thread`].
    pub fn start(
        config: RunConfig,
        compute: &Compute,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, TrainingError> {
        config.check()?;
        Self::begin(Begin::Fresh, config, compute, wake)
    }

    /// Opens a run that was saved in `folder`: its kept steps become frames and snapshots again,
    /// one after the other, then it stands where it was saved last and goes on with
    /// [`Control::Play`]. `wake` as in [`start`](Self::start).
    ///
    /// # Errors
    /// [`TrainingError::Resume`] when no run is saved there, [`TrainingError::Thread`].
    pub fn open(
        folder: &Path,
        compute: &Compute,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, TrainingError> {
        let config = Run::saved_settings(folder)?;
        Self::begin(Begin::Saved(folder.to_owned()), config, compute, wake)
    }

    fn begin(
        begin: Begin,
        config: RunConfig,
        compute: &Compute,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, TrainingError> {
        let wake: Wake = Arc::new(wake);
        let after = Arc::clone(&wake);
        let worker = Worker::spawn_with_wake("spherescope-training", 1, move || after())
            .map_err(TrainingError::Thread)?;
        let shared = Arc::new(Shared::default());
        *lock(&shared.state) = Arc::new(RunState {
            total_steps: config.steps,
            config: config.clone(),
            is_oriented: true,
            ..RunState::default()
        });
        let (wishes, received) = bounded(WISHES);
        let job = {
            let (shared, compute) = (Arc::clone(&shared), compute.clone());
            move |progress: &Progress| {
                let mut drive = Drive::new(shared, wake, received);
                let all = || drive.whole(begin, config, &compute, progress);
                if let Err(error) = beside_a_window(&compute, all) {
                    drive.fail(&TrainingError::Thread(error));
                }
                drive.state.is_over = true;
                drive.publish();
            }
        };
        worker
            .submit("Training", job)
            .map_err(|error| TrainingError::Thread(std::io::Error::other(error)))?;
        Ok(Self {
            worker,
            wishes,
            shared,
        })
    }

    /// Tells the run a wish; returns whether it was taken. Never blocks; a wish is refused only
    /// while 64 others wait, or once the run has ended.
    pub fn control(&self, wish: Control) -> bool {
        match self.wishes.try_send(wish) {
            Ok(()) => true,
            Err(TrySendError::Full(wish) | TrySendError::Disconnected(wish)) => {
                log::warn!("the run did not take {wish:?}");
                false
            }
        }
    }

    /// The newest state. A panic of the run's thread is a failure like any other, after which
    /// nothing is acted on any more.
    pub fn state(&self) -> Arc<RunState> {
        for event in self.worker.events().try_iter() {
            if let WorkerEvent::Panicked { message, .. } = event {
                let mut state = lock(&self.shared.state);
                *state = Arc::new(RunState {
                    phase: Phase::Stopped,
                    is_over: true,
                    message: Some(format!(
                        "the run broke off at step {}: {message}. What was saved stays",
                        state.step
                    )),
                    ..RunState::clone(&state)
                });
            }
        }
        Arc::clone(&lock(&self.shared.state))
    }

    /// The newest probe.
    pub fn newest_frame(&self) -> Option<Arc<Frame>> {
        lock(&self.shared.frames).last()
    }

    /// The newest kept probe at or before `step`.
    pub fn frame_at(&self, step: usize) -> Option<Arc<Frame>> {
        lock(&self.shared.frames).at(step)
    }

    /// The weights of the kept snapshots, oldest first.
    pub fn kept_weights(&self) -> Vec<KeptWeights> {
        lock(&self.shared.weights).clone()
    }
}

/// Locked data is replaced whole, so that a panic in between leaves it sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's side.
struct Drive {
    shared: Arc<Shared>,
    wake: Wake,
    wishes: Receiver<Control>,
    state: RunState,
    curves: GrowingCurves,
    snapshots: Snapshots,
    published: Instant,
    /// When the last steps ended.
    ends: VecDeque<Instant>,
    /// Pause again after the next step.
    is_single: bool,
    /// The owner is gone.
    is_left: bool,
}

impl Drive {
    fn new(shared: Arc<Shared>, wake: Wake, wishes: Receiver<Control>) -> Self {
        let state = RunState::clone(&lock(&shared.state));
        Self {
            shared,
            wake,
            wishes,
            state,
            curves: GrowingCurves::default(),
            snapshots: Snapshots::default(),
            published: Instant::now(),
            ends: VecDeque::new(),
            is_single: false,
            is_left: false,
        }
    }

    /// From preparing to the end.
    fn whole(&mut self, begin: Begin, config: RunConfig, compute: &Compute, progress: &Progress) {
        let mut compute = compute.clone();
        let begun = match begin {
            Begin::Fresh => self.begin_fresh(config, &compute, progress),
            Begin::Saved(folder) => self.open_saved(&folder, &compute, progress),
        };
        let mut run = match begun {
            Ok(run) => run,
            Err(error) => return self.fail(&error),
        };
        self.publish();
        while !self.is_left && !progress.is_cancelled() {
            let was_running = self.state.phase == Phase::Running;
            let was_single = self.is_single;
            if let Err(error) = self.turn(&mut run, progress) {
                if error.is_cancelled() {
                    break;
                }
                // Told once it is known where the run stands then.
                self.note_failure(&error);
                match self.leave_lost_device(&run, &compute, progress) {
                    None => self.go_back_to_good(&mut run),
                    Some(Err(error)) if error.is_cancelled() => break,
                    Some(Err(error)) => return self.fail(&error),
                    Some(Ok((cpu, moved))) => {
                        (compute, run) = (cpu, moved);
                        let told = self.state.message.take();
                        if was_running {
                            self.go(was_single || self.is_single);
                        } else {
                            self.pause();
                        }
                        self.state.message = told;
                        self.publish();
                    }
                }
            }
        }
        if self.state.phase != Phase::Failed {
            self.state.phase = Phase::Stopped;
        }
        self.publish();
    }

    /// A run at its first step.
    fn begin_fresh(
        &mut self,
        config: RunConfig,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Run, TrainingError> {
        let run = Run::new(config, compute, progress)?;
        self.state.phase = Phase::Paused;
        self.look(&run, progress)?;
        Ok(run)
    }

    /// A run that was saved: the frames of its steps one after the other, each as soon as it is
    /// there. A step that is broken is left out and told.
    fn open_saved(
        &mut self,
        folder: &Path,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Run, TrainingError> {
        let (run, curves) = Run::resume(folder, compute, progress)?;
        self.curves = GrowingCurves::of(curves);
        self.take_settings(&run);
        self.state.marks.clone_from(&run.past.marks);
        let last = run.step_count();
        let mut skipped = Vec::new();
        for (step, saved) in run.saved_steps(folder) {
            progress.check()?;
            let snapshot = match saved.read(&run, compute) {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    skipped.push(format!("step {step} was left out: {error}"));
                    continue;
                }
            };
            let previous = lock(&self.shared.frames).last();
            let previous = previous.as_ref().map(|frame| frame.analysis.as_ref());
            let analysis = run.probe_snapshot(&snapshot, previous, progress)?;
            let mut frames = lock(&self.shared.frames);
            frames.push(Frame {
                step,
                analysis: Arc::new(analysis),
            });
            self.state.frames = frames.steps();
            drop(frames);
            self.snapshots.push(snapshot);
            self.tell_snapshots();
            self.state.step = step;
            self.publish();
        }
        self.state.step = last;
        self.state.saved = Some(last);
        if !skipped.is_empty() {
            self.refuse(skipped.join("; "));
        }
        self.state.phase = if last < self.state.total_steps {
            Phase::Paused
        } else {
            Phase::Finished
        };
        Ok(run)
    }

    /// A step, or a moment of waiting. A panic in it (a lost device makes some) is an error like
    /// any other: what is kept stays, and the run goes back to it.
    fn turn(&mut self, run: &mut Run, progress: &Progress) -> Result<(), TrainingError> {
        let turn = std::panic::AssertUnwindSafe(|| match self.state.phase {
            Phase::Running => self.advance(run, progress),
            _ => self.wait(run, progress),
        });
        std::panic::catch_unwind(turn)
            .unwrap_or_else(|panic| Err(TrainingError::Broken(panic_message(panic.as_ref()))))
    }

    /// When the device of the run is lost: the CPU, and the run there at its newest snapshot.
    fn leave_lost_device(
        &mut self,
        run: &Run,
        compute: &Compute,
        progress: &Progress,
    ) -> Option<Result<(Compute, Run), TrainingError>> {
        // The wait inside can meet the panic of a kernel that failed on the device's own thread.
        let probe = std::panic::AssertUnwindSafe(|| compute.probe());
        let _ = std::panic::catch_unwind(probe);
        let lost = compute.lost()?.to_owned();
        let good = self.snapshots.last()?;
        let cpu = compute.fall_back(&lost);
        let past = run.past.clone();
        Some(Run::moved(&good, past, &cpu, progress).map(|run| {
            self.snapshots.forget_memories(run.memories());
            self.forget_after(good.step);
            self.take_settings(&run);
            let text = format!(
                "the graphics device was lost: went on from step {} on the CPU, the optimiser's \
                 memory anew",
                good.step
            );
            self.mark(text.clone());
            log::warn!("training: {text}");
            self.refuse(text);
            (cpu, run)
        }))
    }

    /// Probe and snapshot of where the run stands.
    fn look(&mut self, run: &Run, progress: &Progress) -> Result<(), TrainingError> {
        self.probe(run, progress)?;
        self.keep(run)
    }

    fn probe(&mut self, run: &Run, progress: &Progress) -> Result<(), TrainingError> {
        let previous = lock(&self.shared.frames).last();
        let previous = previous
            .as_ref()
            .filter(|_| self.state.is_oriented)
            .map(|frame| frame.analysis.as_ref());
        let analysis = run.probe(previous, progress)?;
        let step = run.step_count();
        self.curves
            .extend(|curves| curves.note_probe(step, &analysis));
        let mut frames = lock(&self.shared.frames);
        frames.push(Frame {
            step,
            analysis: Arc::new(analysis),
        });
        self.state.frames = frames.steps();
        Ok(())
    }

    fn keep(&mut self, run: &Run) -> Result<(), TrainingError> {
        let snapshot = run.snapshot()?;
        if snapshot.is_finite() {
            self.snapshots.push(snapshot);
            self.tell_snapshots();
        }
        Ok(())
    }

    /// One step with what is due after it.
    fn advance(&mut self, run: &mut Run, progress: &Progress) -> Result<(), TrainingError> {
        while let Ok(wish) = self.wishes.try_recv() {
            self.act(wish, run, progress)?;
        }
        if self.state.phase != Phase::Running {
            // Nobody would hear of a pause until the next wish.
            self.publish();
            return Ok(());
        }
        let report = run.step(progress)?;
        self.curves.extend(|curves| curves.note(&report));
        self.state.step = report.step;
        let is_last = report.step >= self.state.total_steps;
        let is_single = std::mem::take(&mut self.is_single);
        if is_last || is_single || run.config().probe.is_due(report.step) {
            self.probe(run, progress)?;
        }
        if is_last || report.step.is_multiple_of(run.config().snapshot_every) {
            self.keep(run)?;
        }
        self.count(Instant::now());
        if is_last {
            self.state.phase = Phase::Finished;
        } else if is_single {
            self.state.phase = Phase::Paused;
        }
        let is_due = self.published.elapsed() >= PUBLISH_INTERVAL;
        if is_due || self.state.phase != Phase::Running {
            self.publish();
        }
        Ok(())
    }

    /// Waits a moment for a wish.
    fn wait(&mut self, run: &mut Run, progress: &Progress) -> Result<(), TrainingError> {
        match self.wishes.recv_timeout(PATIENCE) {
            Ok(wish) => {
                self.act(wish, run, progress)?;
                self.publish();
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                self.is_left = true;
                Ok(())
            }
        }
    }

    fn act(
        &mut self,
        wish: Control,
        run: &mut Run,
        progress: &Progress,
    ) -> Result<(), TrainingError> {
        match wish {
            Control::Play => self.go(false),
            Control::Step => self.go(true),
            Control::Pause if self.state.phase == Phase::Running => self.pause(),
            Control::Pause => {}
            Control::Stop => self.stop(),
            Control::Reset => self.reset(run, progress)?,
            Control::Set(knob, value) => self.set(knob, value, run),
            Control::Fork { step } => {
                if self.go_back(step, run)? {
                    self.mark(format!("went on from step {step}"));
                    self.pause();
                }
            }
            Control::Orient(is_oriented) => self.state.is_oriented = is_oriented,
            Control::SaveTo(folder) => self.save(&folder, run),
        }
        progress.check()?;
        Ok(())
    }

    /// Back to the beginning.
    fn reset(&mut self, run: &mut Run, progress: &Progress) -> Result<(), TrainingError> {
        let is_kept = self.snapshots.at(0).is_some();
        if is_kept {
            self.go_back(0, run)?;
            run.reset_settings();
        } else {
            // A run that was opened has what it saved, and that begins later.
            match run.begun_again(progress) {
                Ok(fresh) => *run = fresh,
                Err(error) if error.is_cancelled() => return Err(error),
                Err(error) => {
                    self.refuse(error.to_string());
                    return Ok(());
                }
            }
            self.forget_after(0);
            self.state.message = None;
        }
        self.take_settings(run);
        self.state.marks.clear();
        // The settings of the beginning are those of the first snapshot, too.
        self.keep(run)?;
        if !is_kept {
            self.probe(run, progress)?;
        }
        self.pause();
        Ok(())
    }

    /// Shows the settings as the run has them; going back can bring another length.
    fn take_settings(&mut self, run: &Run) {
        self.state.config = run.config().clone();
        self.state.total_steps = run.config().steps;
    }

    fn go(&mut self, is_single: bool) {
        let can_go = matches!(
            self.state.phase,
            Phase::Paused | Phase::Stopped | Phase::Failed
        );
        if can_go && self.state.step < self.state.total_steps {
            self.state.phase = Phase::Running;
            self.state.message = None;
            self.is_single = is_single;
            self.ends.clear();
        } else if self.state.phase == Phase::Running && is_single {
            self.is_single = true;
        }
    }

    fn pause(&mut self) {
        self.state.phase = Phase::Paused;
        self.is_single = false;
        self.ends.clear();
        self.count(Instant::now());
    }

    /// It goes on only when it is asked to; until another begins it can still be saved and forked.
    fn stop(&mut self) {
        self.pause();
        self.state.phase = Phase::Stopped;
    }

    fn set(&mut self, knob: super::Knob, value: f64, run: &mut Run) {
        let before = run
            .config()
            .knobs()
            .into_iter()
            .find(|known| known.knob == knob)
            .map(|known| known.value);
        match run.set(knob, value) {
            Ok(()) if before == Some(value) => {}
            Ok(()) => {
                self.state.config = run.config().clone();
                self.turned(knob, before.unwrap_or(value), value);
            }
            // Not the run's fault: it goes on as it was.
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// Tells what could not be done while the run goes on.
    fn refuse(&mut self, why: String) {
        self.state.message = Some(why);
        self.state.is_refusal = true;
    }

    /// Marks a knob's turn; turns at one step are one mark.
    fn turned(&mut self, knob: super::Knob, before: f64, value: f64) {
        let beginning = format!("{} ", knob.title());
        let step = self.state.step;
        let earlier = self
            .state
            .marks
            .iter_mut()
            .find(|mark| mark.step == step && mark.text.starts_with(&beginning));
        match earlier {
            Some(mark) => {
                if let Some((from, _)) = mark.text.split_once(" → ") {
                    mark.text = format!("{from} → {value}");
                }
            }
            None => self.mark(format!("{beginning}{before} → {value}")),
        }
    }

    fn mark(&mut self, text: String) {
        let mark = Mark {
            step: self.state.step,
            text,
        };
        if !self.state.marks.contains(&mark) {
            self.state.marks.push(mark);
        }
    }

    fn save(&mut self, folder: &Path, run: &mut Run) {
        let before = self.state.marks.clone();
        // Before it is saved: the marks go with it.
        self.mark("saved".to_owned());
        run.past.marks.clone_from(&self.state.marks);
        let saved = run.save(folder, self.curves.exact());
        match saved {
            Ok(path) => {
                self.state.saved = Some(self.state.step);
                self.state.message = Some(format!("saved to {}", path.display()));
                self.state.is_refusal = false;
            }
            Err(error) => {
                self.state.marks = before;
                self.refuse(error.to_string());
            }
        }
    }

    /// Goes back to a kept step; what came after it becomes a branch. Returns whether the step was
    /// kept.
    fn go_back(&mut self, step: usize, run: &mut Run) -> Result<bool, TrainingError> {
        let Some(snapshot) = self.snapshots.at(step) else {
            let steps = self.snapshots.steps();
            let after = steps.partition_point(|kept| *kept < step);
            let near = steps[after.saturating_sub(1)..steps.len().min(after + 1)]
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" and ");
            self.refuse(TrainingError::NoSnapshot { step, near }.to_string());
            return Ok(false);
        };
        run.restore(&snapshot)?;
        self.forget_after(step);
        self.take_settings(run);
        self.state.message = None;
        Ok(true)
    }

    /// What came after `step` becomes a branch.
    fn forget_after(&mut self, step: usize) {
        if self.state.step > step {
            self.state.branches.push(Arc::new(self.curves.shown()));
            let surplus = self.state.branches.len().saturating_sub(BRANCHES);
            self.state.branches.drain(..surplus);
        }
        self.curves.truncate(step);
        self.snapshots.truncate(step);
        self.state.marks.retain(|mark| mark.step <= step);
        let mut frames = lock(&self.shared.frames);
        frames.truncate(step);
        self.state.frames = frames.steps();
        drop(frames);
        self.tell_snapshots();
        self.state.step = step;
        // What follows is another way than the one that is saved.
        self.state.saved = self.state.saved.map(|saved| saved.min(step));
    }

    fn tell_snapshots(&mut self) {
        self.state.snapshots = self.snapshots.steps();
        *lock(&self.shared.weights) = self.snapshots.weights();
    }

    /// After trouble: stand where the weights were still numbers.
    fn go_back_to_good(&mut self, run: &mut Run) {
        let Some(good) = self.snapshots.last() else {
            return self.publish();
        };
        let told = self.state.message.take().unwrap_or_default();
        let step = good.step;
        match run.restore(&good) {
            Ok(()) => {
                self.forget_after(step);
                self.take_settings(run);
                self.state.message = Some(format!(
                    "{told}. The run stands at its last good snapshot, step {step}"
                ));
            }
            Err(error) => self.state.message = Some(format!("{told}; and then: {error}")),
        }
        self.publish();
    }

    fn fail(&mut self, error: &TrainingError) {
        self.note_failure(error);
        self.publish();
    }

    fn note_failure(&mut self, error: &TrainingError) {
        log::warn!("training: {error}");
        self.state.phase = Phase::Failed;
        self.state.message = Some(error.to_string());
    }

    /// Speed from the ends of the last steps.
    fn count(&mut self, now: Instant) {
        self.ends.push_back(now);
        if self.ends.len() > SPEED_STEPS {
            self.ends.pop_front();
        }
        let span = self.ends.front().map(|first| now - *first);
        self.state.steps_per_s = span
            .filter(|span| !span.is_zero())
            .map(|span| (self.ends.len() - 1) as f64 / span.as_secs_f64());
        let left = self.state.total_steps.saturating_sub(self.state.step);
        self.state.remaining_s = self.state.steps_per_s.map(|rate| left as f64 / rate);
    }

    fn publish(&mut self) {
        self.state.curves = Arc::new(self.curves.shown());
        self.published = Instant::now();
        *lock(&self.shared.state) = Arc::new(self.state.clone());
        (self.wake)();
    }
}
