//! The landscape in the window: slices are cut and filled on a thread of their own, and pictures of
//! what is filled so far come back through a slot.

mod fill;
mod point;
mod receive;
mod way;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use self::{fill::Fill, point::Peeking, way::Way};
use super::{App, jobs::Slot};
use crate::{
    analysis::{EncoderSource, Request},
    compute::{JobId, Worker},
    landscape::{Pace, SharedSubject, Slice, SliceSettings},
    training::{KeptWeights, RunLoss},
    ui::{
        Landscape, LandscapeCommand, LandscapePicture, Pane, Snapshot,
        widgets::{Level, Running},
    },
};

/// Jobs that may wait: each is replaced by the next.
const QUEUE: usize = 2;

/// Points of a followed slice after which a newer snapshot is cut instead.
const FOLLOWED: usize = 81;

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
        loss: Option<RunLoss>,
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
    /// What was shown when the plane was cut: the images of its points.
    base: Option<Snapshot>,
    peeking: Peeking,
    way: Way,
    picture: Option<LandscapePicture>,
    /// Counts sources: what is cut through now, and what the picture was cut through.
    cut: u64,
    picture_cut: u64,
    progress: Option<Running>,
    failure: Option<String>,
    /// Steps of the shown run's snapshots.
    steps: Vec<usize>,
    /// Whether something else computes: the landscape then takes half of the time at most.
    is_crowded: Arc<AtomicBool>,
    /// Step of the newest snapshot that a followed slice was cut around.
    followed: Option<usize>,
    /// Since when the slice is asked for; `None` for one that goes on after a stop.
    asked: Option<Instant>,
    pace: Pace,
}

impl LandscapeState {
    /// What panels see.
    pub fn view(&self) -> Landscape<'_> {
        Landscape {
            picture: self.picture.as_ref(),
            pace: self.pace,
            progress: self.progress.as_ref(),
            pointed: self.peeking.pointed.map(|(pointed, _)| pointed),
            peeked: self.peeking.shown.as_ref().map(|(at, _)| *at),
            is_running: self.job.is_some(),
            failure: self.failure.as_deref(),
            snapshots: &self.steps,
        }
    }

    /// How far a filling is, for the status bar.
    pub fn running(&self) -> Option<&Running> {
        self.progress.as_ref().filter(|_| self.job.is_some())
    }

    /// The features of the point that is pointed at.
    pub fn peek(&self) -> Option<&Snapshot> {
        self.peeking.shown.as_ref().map(|(_, snapshot)| snapshot)
    }

    /// Shows the features of no point any more.
    pub fn leave_point(&mut self) {
        self.peeking.leave();
    }

    /// What was shown when the plane was cut.
    fn base(&self) -> Option<&Snapshot> {
        self.base.as_ref()
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
        self.peeking.leave();
        // An answer that is on its way would bring it back.
        self.wish += 1;
    }

    /// The slice that can be gone on with: one on the plane that there is.
    fn begun(&self) -> Option<&Slice> {
        let picture = self.picture.as_ref()?;
        let is_of_it = self.subject.is_some() && self.picture_cut == self.cut;
        is_of_it.then_some(&picture.slice)
    }

    /// Whether what is being filled shows its shapes already: a followed slice then need not be
    /// finished before the next is cut.
    fn is_coarsely_filled(&self) -> bool {
        self.begun()
            .is_some_and(|slice| slice.done >= FOLLOWED && !slice.is_whole())
    }

    /// The newest picture, for tests.
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
                self.stop_slice();
            }
            LandscapeCommand::Point(at) => return self.point_at(ctx, at),
            LandscapeCommand::Resume => self.go_on(),
            LandscapeCommand::Zoom(centre, half) => self.look_at_place(centre, Some(half)),
            LandscapeCommand::ZoomOut => self.look_at_place([0.0; 2], None),
            LandscapeCommand::ShowAt(at) => self.show_features_at(at),
        }
        ctx.request_repaint();
    }

    /// Stops a filling; whether there was one.
    pub(super) fn stop_slice(&mut self) -> bool {
        // Else the next snapshot of the run would start it again.
        self.views.landscape.is_following = false;
        self.landscape.stop();
        self.landscape.job.is_some()
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
                loss: (self.training.view()).map(|run| RunLoss::new(&run.state.config)),
            }),
            (EncoderSource::Run { .. } | EncoderSource::Place { .. }, _) => Err(
                "The weights of what is shown are not kept: show an encoder or a step of the run \
                 first",
            ),
            _ => Ok(Source::Request(Box::new(shown.request().clone()))),
        }
    }

    /// Starts filling: from a new source, or on the plane that there is.
    fn fill(&mut self, source: Option<Source>, settings: SliceSettings, begun: Option<Slice>) {
        let wake = self.jobs.waker_at_leisure();
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
            state.base.clone_from(&self.snapshot);
            state.peeking.leave();
            state.cut += 1;
        }
        let Some((source, _)) = state.source.clone() else {
            return;
        };
        state.wish += 1;
        state.failure = None;
        if begun.is_none() {
            state.pace = Pace::default();
        }
        state.asked = begun.is_none().then(Instant::now);
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
}
