//! The landscape in the window: slices are cut and filled on a thread of their own, and pictures of
//! what is filled so far come back through a slot.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{App, jobs::Slot, receive::IsWhole};
use crate::{
    analysis::{EncoderSource, ModelOnImages, Request, Subject, analyse_model},
    checkpoint,
    compute::{Compute, JobId, Worker, WorkerEvent},
    landscape::{
        Directions, LandscapeError, SharedSubject, Slice, SliceSettings, SliceSubject,
        SnapshotWeights,
    },
    progress::Progress,
    training::KeptWeights,
    ui::{Landscape, LandscapeCommand, LandscapePicture, Pane, Prepared, Snapshot, widgets::Level},
};

/// Shortest time between two pictures of a slice that fills.
const PICTURE_INTERVAL: Duration = Duration::from_millis(120);
/// Jobs that may wait: each is replaced by the next.
const QUEUE: usize = 2;

/// What comes back from the thread.
enum Answer {
    Picture(Box<LandscapePicture>),
    /// The thread is done: with everything, or as far as it was let.
    Done(SharedSubject),
    Failed(String),
    Features(Box<Snapshot>),
}

/// What a slice is cut through.
#[derive(Clone)]
enum Source {
    /// What a request names.
    Request(Box<Request>),
    /// A run at the step that is shown.
    Run {
        shown: Snapshot,
        snapshots: Vec<KeptWeights>,
        step: usize,
    },
}

/// The landscape's state.
#[derive(Default)]
pub(super) struct LandscapeState {
    worker: Option<Worker>,
    job: Option<JobId>,
    answers: Slot<(u64, Answer)>,
    pictures: Slot<(u64, Answer)>,
    /// Number of the newest wish; answers to older ones are let go.
    wish: u64,
    subject: Option<SharedSubject>,
    /// What the subject was cut through and how.
    source: Option<(Source, SliceSettings)>,
    picture: Option<LandscapePicture>,
    /// Counts sources: what is cut through now, and what the picture was cut through.
    cut: u64,
    picture_cut: u64,
    stage: Option<String>,
    failure: Option<String>,
    /// Steps of the shown run's snapshots.
    steps: Vec<usize>,
    /// Whether something else computes: the landscape then takes half of the time at most.
    is_crowded: Arc<AtomicBool>,
    /// Step of the newest snapshot that a followed slice was cut around.
    followed: Option<usize>,
}

impl LandscapeState {
    /// What panels see.
    pub fn view(&self) -> Landscape<'_> {
        Landscape {
            picture: self.picture.as_ref(),
            stage: self.stage.as_deref(),
            is_running: self.job.is_some(),
            failure: self.failure.as_deref(),
            snapshots: &self.steps,
        }
    }

    /// Asks what is under way to stop.
    pub fn stop(&mut self) {
        if let (Some(worker), Some(job)) = (&self.worker, self.job) {
            worker.cancel(job);
        }
    }

    /// Leaves what lives on a device that was lost; the picture stays, and going on cuts anew.
    pub fn leave_device(&mut self) {
        self.stop();
        self.subject = None;
        // An answer that is on its way would bring it back.
        self.wish += 1;
    }

    /// The slice that can be gone on with: one on the plane that there is.
    fn begun(&self) -> Option<&Slice> {
        let picture = self.picture.as_ref()?;
        let is_of_it = self.subject.is_some() && self.picture_cut == self.cut;
        is_of_it.then_some(&picture.slice)
    }

    /// Whether every point is measured, for tests.
    #[cfg(test)]
    pub fn picture(&self) -> Option<&LandscapePicture> {
        self.picture.as_ref()
    }
}

impl App {
    /// Carries out what is asked of the landscape.
    pub(super) fn landscape(&mut self, ctx: &egui::Context, command: LandscapeCommand) {
        match command {
            LandscapeCommand::Start => self.cut_slice(ctx),
            LandscapeCommand::Stop => {
                // Else the next snapshot of the run would start it again.
                self.views.landscape.is_following = false;
                self.landscape.stop();
            }
            LandscapeCommand::Resume => self.go_on(),
            LandscapeCommand::Zoom(centre, half) => self.look_at_place(centre, Some(half)),
            LandscapeCommand::ZoomOut => self.look_at_place([0.0; 2], None),
            LandscapeCommand::ShowAt(at) => self.show_features_at(at),
        }
        ctx.request_repaint();
    }

    fn cut_slice(&mut self, ctx: &egui::Context) {
        let settings = SliceSettings {
            centre: [0.0; 2],
            ..self.views.landscape.settings.clone()
        };
        let source = match self.slice_source() {
            Ok(source) => source,
            Err(why) => return self.tell(Level::Info, why),
        };
        self.dispatch(ctx, crate::ui::Command::Show(Pane::Landscape));
        self.fill(Some(source), settings, None);
    }

    /// Goes on with the slice that was stopped; one whose plane is gone, or was never cut, is begun
    /// afresh: points of two encoders must not share a picture.
    fn go_on(&mut self) {
        if let Some(slice) = self.landscape.begun().cloned() {
            self.fill(None, slice.settings.clone(), Some(slice));
        } else if let Some((_, settings)) = self.landscape.source.clone() {
            self.fill(None, settings, None);
        }
    }

    /// Another part of the same plane, measured anew.
    fn look_at_place(&mut self, centre: [f64; 2], half_width: Option<f64>) {
        // Those of the plane, which may be another than that of a picture that still stands.
        let Some((_, settings)) = self.landscape.source.clone() else {
            return;
        };
        let settings = SliceSettings {
            centre,
            half_width,
            ..settings
        };
        self.fill(None, settings, None);
    }

    /// The encoder that is shown: a run's own weights, or those that its request names; or why
    /// there is none.
    fn slice_source(&self) -> Result<Source, &'static str> {
        let shown =
            (self.snapshot.as_ref()).ok_or("Nothing is shown whose weights could be looked at")?;
        let run = self.training.weights_of(shown);
        match (&shown.request().encoder, run) {
            (EncoderSource::Run { step, .. }, Some(snapshots)) => Ok(Source::Run {
                step: *step,
                shown: shown.clone(),
                snapshots,
            }),
            (EncoderSource::Run { .. }, None) => Err(
                "The weights of what is shown are not kept: show an encoder or a step of the run \
                 first",
            ),
            _ => Ok(Source::Request(Box::new(shown.request().clone()))),
        }
    }

    /// Starts filling: from a new source, or on the plane that there is.
    fn fill(&mut self, source: Option<Source>, settings: SliceSettings, begun: Option<Slice>) {
        let wake = self.jobs.waker();
        let state = &mut self.landscape;
        // One filling at a time: what is not known by its number could not be stopped.
        state.stop();
        if state.worker.is_none() {
            let wake = Arc::clone(&wake);
            match Worker::spawn_with_wake("spherescope-landscape", QUEUE, move || wake()) {
                Ok(worker) => state.worker = Some(worker),
                Err(error) => {
                    state.failure = Some(format!("the system grants no thread: {error}"));
                    return;
                }
            }
        }
        if let Some(source) = source {
            state.source = Some((source, settings.clone()));
            state.subject = None;
            state.cut += 1;
        }
        let Some((source, _)) = state.source.clone() else {
            return;
        };
        state.wish += 1;
        state.failure = None;
        let task = Fill {
            wish: state.wish,
            source,
            settings,
            begun,
            subject: state.subject.clone(),
            compute: self.jobs.compute().clone(),
            answers: state.answers.clone(),
            pictures: state.pictures.clone(),
            is_crowded: Arc::clone(&state.is_crowded),
            wake,
        };
        let Some(worker) = &state.worker else { return };
        match worker.submit("Filling the landscape", move |progress| task.run(progress)) {
            Ok(job) => state.job = Some(job),
            Err(full) => state.failure = Some(full.to_string()),
        }
    }

    /// Takes in what the thread has come to.
    pub(super) fn receive_landscape(&mut self, ctx: &egui::Context) {
        self.landscape.steps = (self.snapshot.as_ref())
            .and_then(|shown| self.training.weights_of(shown))
            .map(|snapshots| snapshots.iter().map(|snapshot| snapshot.step).collect())
            .unwrap_or_default();
        let is_crowded = self.jobs.is_busy() || self.training.is_running();
        self.landscape
            .is_crowded
            .store(is_crowded, Ordering::Relaxed);
        self.landscape_events();
        let wish = self.landscape.wish;
        for slot in [
            self.landscape.pictures.clone(),
            self.landscape.answers.clone(),
        ] {
            let Some((_, answer)) = slot.take().filter(|(of, _)| *of == wish) else {
                continue;
            };
            match answer {
                Answer::Picture(picture) => {
                    self.landscape.picture = Some(*picture);
                    self.landscape.picture_cut = self.landscape.cut;
                }
                Answer::Done(subject) => self.landscape.subject = Some(subject),
                Answer::Failed(why) => {
                    self.tell(Level::Error, format!("Landscape: {why}"));
                    self.landscape.failure = Some(why);
                }
                Answer::Features(snapshot) => {
                    self.training.leave_views();
                    self.show(ctx, *snapshot, IsWhole(false));
                }
            }
        }
        self.follow_run();
    }

    fn landscape_events(&mut self) {
        let Some(worker) = &self.landscape.worker else {
            return;
        };
        let events: Vec<WorkerEvent> = worker.events().try_iter().collect();
        self.landscape.stage = worker.status().map(|status| {
            let total = status
                .total
                .map_or(String::new(), |total| format!(" of {total}"));
            format!("{} {}{total}", status.stage, status.done)
        });
        for event in events {
            match event {
                WorkerEvent::Finished { id, .. } | WorkerEvent::Cancelled { id, .. } => {
                    self.landscape_ended(id);
                }
                WorkerEvent::Panicked { id, message, .. } => {
                    self.landscape_ended(id);
                    let why = format!("the work broke off with an internal error: {message}");
                    self.tell(Level::Error, format!("Landscape: {why}"));
                    self.landscape.failure = Some(why);
                }
                _ => {}
            }
        }
    }

    fn landscape_ended(&mut self, id: JobId) {
        if self.landscape.job == Some(id) {
            self.landscape.job = None;
        }
    }

    /// Cuts the slice anew around a run's newest snapshot, when that is wished and nothing is cut.
    fn follow_run(&mut self) {
        let Some(newest) = self.landscape.steps.last().copied() else {
            return;
        };
        let is_wished = self.views.landscape.is_following && self.landscape.picture.is_some();
        if !is_wished || self.landscape.job.is_some() {
            return;
        }
        if self.landscape.followed == Some(newest) || self.landscape.failure.is_some() {
            return;
        }
        self.landscape.followed = Some(newest);
        if let Ok(mut source) = self.slice_source() {
            // The frame that is shown may be an older one.
            if let Source::Run { step, .. } = &mut source {
                *step = newest;
            }
            let settings = SliceSettings {
                centre: [0.0; 2],
                ..self.views.landscape.settings.clone()
            };
            self.fill(Some(source), settings, None);
        }
    }

    /// Embeds the images by the network at a place of the plane and shows them.
    fn show_features_at(&mut self, at: [f64; 2]) {
        let state = &self.landscape;
        let (Some(subject), Some(shown), Some(worker)) =
            (&state.subject, &self.snapshot, &state.worker)
        else {
            return self.tell(Level::Info, "The slice is still being cut");
        };
        if state.job.is_some() {
            return self.tell(
                Level::Info,
                "Features of a point are shown once the slice is filled, or stopped",
            );
        }
        let (subject, shown) = (Arc::clone(subject), shown.clone());
        let compute = self.jobs.compute().clone();
        let slot = state.answers.clone();
        let (wish, wake) = (state.wish, self.jobs.waker());
        let serial = self.jobs.next_serial();
        let job = worker.submit("Embedding a point of the landscape", move |progress| {
            let answer = match features_at(&subject, &shown, at, serial, &compute, progress) {
                Ok(snapshot) => Answer::Features(Box::new(snapshot)),
                Err(error) if error.is_cancelled() => return,
                Err(error) => Answer::Failed(error.to_string()),
            };
            slot.put((wish, answer));
            wake();
        });
        match job {
            Ok(job) => self.landscape.job = Some(job),
            Err(full) => self.landscape.failure = Some(full.to_string()),
        }
    }
}

/// One filling of a slice.
struct Fill {
    wish: u64,
    source: Source,
    settings: SliceSettings,
    begun: Option<Slice>,
    subject: Option<SharedSubject>,
    compute: Compute,
    answers: Slot<(u64, Answer)>,
    pictures: Slot<(u64, Answer)>,
    is_crowded: Arc<AtomicBool>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Fill {
    fn run(mut self, progress: &Progress) {
        let answer = match self.attempt(progress) {
            Ok(()) => return,
            Err(error) if error.is_cancelled() => return,
            Err(error) => Answer::Failed(error.to_string()),
        };
        self.answers.put((self.wish, answer));
        (self.wake)();
    }

    fn attempt(&mut self, progress: &Progress) -> Result<(), LandscapeError> {
        let subject = match self.subject.take() {
            Some(subject) => subject,
            None => Arc::new(self.cut(progress)?),
        };
        // Told at once: what is cancelled goes on from the same plane.
        self.answers
            .put((self.wish, Answer::Done(Arc::clone(&subject))));
        let mut slice = match self.begun.take() {
            Some(slice) => slice,
            None => Slice::new(&subject, &self.settings)?,
        };
        let title = self.title();
        let mut revision = self.wish << 32;
        let mut shown = Instant::now();
        let mut began = Instant::now();
        let mut show = |slice: &Slice, is_due: bool| {
            if is_due || shown.elapsed() >= PICTURE_INTERVAL {
                revision += 1;
                let picture = LandscapePicture::new(slice.clone(), title.clone(), revision);
                self.pictures
                    .put((self.wish, Answer::Picture(Box::new(picture))));
                (self.wake)();
                shown = Instant::now();
            }
        };
        let outcome = slice.fill(&subject, progress, |slice| {
            if self.is_crowded.load(Ordering::Relaxed) {
                // As long a rest as the point took: half of the time is left to others.
                std::thread::sleep(began.elapsed());
            }
            began = Instant::now();
            show(slice, slice.done == 1);
        });
        show(&slice, true);
        outcome
    }

    fn title(&self) -> String {
        match &self.source {
            Source::Request(request) => request.encoder.title(),
            Source::Run { shown, .. } => shown.request().encoder.title(),
        }
    }

    /// Reads weights and images and cuts the plane.
    fn cut(&self, progress: &Progress) -> Result<SliceSubject, LandscapeError> {
        let settings = &self.settings;
        match &self.source {
            Source::Request(request) => {
                let request = settings.limited(request);
                let subject = Subject::open(&request, progress)?;
                SliceSubject::new(&request, subject, settings, &[], &self.compute, progress)
            }
            Source::Run {
                shown,
                snapshots,
                step,
            } => {
                let request = settings.limited(shown.request());
                let all = run_weights(snapshots)?;
                let after = all.partition_point(|snapshot| snapshot.step <= *step);
                let origin = all.get(after.saturating_sub(1)).ok_or_else(|| {
                    LandscapeError::Directions("the run has kept no snapshot yet".to_owned())
                })?;
                let request = Request {
                    encoder: EncoderSource::Run {
                        name: snapshots[0].run.clone(),
                        step: match settings.directions {
                            Directions::Trajectory => all[all.len() - 1].step,
                            Directions::Snapshots([step, ..]) | Directions::Line([step, _]) => step,
                            Directions::Random { .. } => origin.step,
                        },
                    },
                    ..request
                };
                let subject = Subject::of_weights(
                    &request,
                    origin.weights.clone(),
                    &shown.analysis.report,
                    shown.analysis.images.clone(),
                );
                SliceSubject::new(&request, subject, settings, &all, &self.compute, progress)
            }
        }
    }
}

fn run_weights(snapshots: &[KeptWeights]) -> Result<Vec<SnapshotWeights>, LandscapeError> {
    snapshots
        .iter()
        .map(|snapshot| {
            let weights = snapshot.weights();
            Ok(SnapshotWeights {
                step: snapshot.step,
                weights: weights.map_err(|error| LandscapeError::Directions(error.to_string()))?,
            })
        })
        .collect()
}

fn features_at(
    subject: &SliceSubject,
    shown: &Snapshot,
    at: [f64; 2],
    serial: u64,
    compute: &Compute,
    progress: &Progress,
) -> Result<Snapshot, LandscapeError> {
    let [x, y] = at;
    let request = Request {
        encoder: EncoderSource::Run {
            name: format!("landscape at {x:.3}, {y:.3}"),
            step: 0,
        },
        ..shown.request().clone()
    };
    let loaded = checkpoint::in_memory(subject.model_at(at)?, &request.encoder.title());
    let model = ModelOnImages {
        loaded: Arc::new(loaded),
        images: shown.analysis.images.clone(),
        thumbnails: Arc::clone(&shown.analysis.thumbnails),
    };
    let analysis = analyse_model(&request, model, Some(&shown.analysis), compute, progress)?;
    let prepared = Arc::new(Prepared::new(&analysis, progress)?);
    Ok(Snapshot {
        analysis: Arc::new(analysis),
        prepared,
        serial,
    })
}
