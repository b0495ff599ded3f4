//! The point of a slice that is pointed at: its features on the sphere and the circle.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Answer;
use crate::{
    analysis::{EncoderSource, ModelOnImages, Request, analyse_model},
    app::{App, jobs::Slot},
    checkpoint,
    compute::{Compute, JobId, Worker},
    landscape::{LandscapeError, SliceSubject},
    progress::Progress,
    ui::{PointedAt, Prepared, Snapshot, widgets::Level},
};

/// How long the pointer must rest on a point before its features are computed.
const REST: Duration = Duration::from_millis(150);

/// What is pointed at and what came of it.
#[derive(Default)]
pub(super) struct Peeking {
    worker: Option<Worker>,
    job: Option<JobId>,
    slot: Slot<([f64; 2], Result<Snapshot, String>)>,
    /// The point, and since when.
    pub pointed: Option<(PointedAt, Instant)>,
    /// The features there.
    pub shown: Option<([f64; 2], Snapshot)>,
    /// Where it came to nothing, so that it is not tried again and again.
    refused: Option<[f64; 2]>,
}

impl Peeking {
    /// Lets go of what is shown and of what is under way.
    pub fn leave(&mut self) {
        (self.pointed, self.shown, self.refused) = (None, None, None);
        self.call_off();
    }

    fn call_off(&mut self) {
        if let (Some(worker), Some(job)) = (&self.worker, self.job.take()) {
            worker.cancel(job);
        }
    }
}

impl App {
    /// What the views of the points show: the features of the point of a slice that is pointed at,
    /// or what is shown anyway.
    pub(in crate::app) fn seen(&self) -> Option<&Snapshot> {
        self.landscape.peek().or(self.snapshot.as_ref())
    }

    /// Takes note of what is pointed at.
    pub(super) fn point_at(&mut self, ctx: &egui::Context, at: Option<PointedAt>) {
        let peeking = &mut self.landscape.peeking;
        match at {
            Some(at) => {
                let before = peeking.pointed.map(|(before, _)| before.at);
                let since = match peeking.pointed {
                    Some((_, since)) if before == Some(at.at) => since,
                    _ => Instant::now(),
                };
                if before != Some(at.at) {
                    peeking.call_off();
                }
                peeking.pointed = Some((at, since));
                ctx.request_repaint_after(REST);
            }
            None => peeking.leave(),
        }
    }

    /// Takes in the features of a point, and asks for those of the one that is pointed at once the
    /// pointer rests.
    pub(super) fn follow_pointer(&mut self, ctx: &egui::Context) {
        self.take_peek();
        let peeking = &self.landscape.peeking;
        let Some((pointed, since)) = peeking.pointed else {
            return;
        };
        let at = pointed.at;
        let is_there = peeking.shown.as_ref().is_some_and(|(of, _)| *of == at);
        let is_wanted = self.views.landscape.is_linked && peeking.refused != Some(at);
        if is_there || !is_wanted || peeking.job.is_some() {
            return;
        }
        if let Some(rest) = REST.checked_sub(since.elapsed()) {
            ctx.request_repaint_after(rest);
            return;
        }
        let state = &self.landscape;
        let (Some(subject), Some(base)) = (&state.subject, state.base()) else {
            return;
        };
        // Rows mean the same images in all views: only then can one set of points stand for another.
        let is_like = (self.snapshot.as_ref()).is_some_and(|shown| is_of_same_rows(shown, base));
        if !is_like {
            return;
        }
        let (subject, base) = (Arc::clone(subject), base.clone());
        let compute = self.jobs.compute().clone();
        let (slot, wake) = (state.peeking.slot.clone(), self.jobs.waker());
        let serial = self.jobs.next_serial();
        let peeking = &mut self.landscape.peeking;
        if peeking.worker.is_none() {
            let wake = Arc::clone(&wake);
            peeking.worker =
                Worker::spawn_with_wake("spherescope-landscape-point", 2, move || wake()).ok();
        }
        let Some(worker) = &peeking.worker else {
            return;
        };
        let job = worker.submit("", move |progress| {
            let outcome = features_at(&subject, &base, at, serial, &compute, progress);
            if progress.is_cancelled() {
                return;
            }
            slot.put((at, outcome.map_err(|error| error.to_string())));
            wake();
        });
        peeking.job = job.ok();
    }

    fn take_peek(&mut self) {
        let peeking = &mut self.landscape.peeking;
        if let Some(worker) = &peeking.worker {
            // Nobody else reads them; a full channel would drop the newest.
            worker.events().try_iter().for_each(drop);
        }
        let Some((at, outcome)) = peeking.slot.take() else {
            return;
        };
        peeking.job = None;
        if peeking.pointed.is_none_or(|(pointed, _)| pointed.at != at) {
            return;
        }
        match outcome {
            Ok(snapshot) => peeking.shown = Some((at, snapshot)),
            Err(why) => {
                peeking.refused = Some(at);
                self.note(
                    Level::Warning,
                    format!("Landscape: no features there: {why}"),
                );
            }
        }
    }

    /// Embeds the images by the network at a place of the plane and shows them.
    pub(super) fn show_features_at(&mut self, at: [f64; 2]) {
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

/// Whether both have a row for the same images and cells in the same order.
fn is_of_same_rows(a: &Snapshot, b: &Snapshot) -> bool {
    let [a, b] = [&a.analysis.features, &b.analysis.features];
    a.images == b.images && a.cells == b.cells
}

/// The images of `shown` embedded by the network at a place of the plane.
pub(super) fn features_at(
    subject: &SliceSubject,
    shown: &Snapshot,
    at: [f64; 2],
    serial: u64,
    compute: &Compute,
    progress: &Progress,
) -> Result<Snapshot, LandscapeError> {
    let around = match &shown.request().encoder {
        // The place of another place is that of the slice alone.
        EncoderSource::Place { around, .. } => around.clone(),
        encoder => encoder.title(),
    };
    let request = Request {
        encoder: EncoderSource::Place { around, at },
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
