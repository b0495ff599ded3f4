//! A run's way over a plane that was cut before: snapshots that come later are put on it too, so that
//! one sees where the weights are now.

use std::sync::Arc;

use super::{LandscapeState, Source, fill::run_weights};
use crate::{
    app::{App, jobs::Slot},
    compute::{JobId, Worker, WorkerEvent},
    landscape::{LandscapeError, PlaneMark, SliceSubject},
    training::KeptWeights,
};

/// Snapshots that came after the cut, and the thread that finds their places.
#[derive(Default)]
pub(super) struct Way {
    worker: Option<Worker>,
    job: Option<JobId>,
    slot: Slot<(u64, Vec<PlaneMark>)>,
    /// The plane that the places are on, by its number.
    cut: u64,
    places: Vec<PlaneMark>,
    /// The newest snapshot that was asked about.
    asked: Option<usize>,
    /// Whether the run went back behind what is drawn: what follows is another way.
    has_left: bool,
}

impl LandscapeState {
    /// Puts the places that came in on the picture.
    pub(super) fn put_way(&mut self) {
        if let Some((cut, places)) = self.way.slot.take()
            && cut == self.cut
        {
            self.way.places.extend(places);
        }
        let is_of_it = self.way.cut == self.picture_cut;
        if let Some(picture) = self.picture.as_mut().filter(|_| is_of_it) {
            picture.slice.add_marks(&self.way.places);
        }
    }
}

impl App {
    /// Asks where the run's later snapshots lie on the plane. Random directions have no way over
    /// them: a run leaves such a plane at once.
    pub(super) fn follow_way(&mut self) {
        let state = &mut self.landscape;
        if state.way.cut != state.cut {
            state.way.cut = state.cut;
            state.way.places.clear();
            state.way.asked = None;
            state.way.has_left = false;
        }
        if let Some(worker) = &state.way.worker {
            for event in worker.events().try_iter() {
                // However it ended: what did not come is asked for with the next snapshot.
                if !matches!(event, WorkerEvent::Started { .. }) {
                    state.way.job = None;
                }
            }
        }
        state.put_way();
        let (Some(subject), Some((Source::Run { snapshots, .. }, _)), Some(newest)) =
            (&state.subject, &state.source, state.steps.last())
        else {
            return;
        };
        let marks = &subject.plane().marks;
        let Some(last) = marks.last() else { return };
        let known = state.way.places.last().map_or(last.step, |mark| mark.step);
        state.way.has_left |= *newest < known;
        let is_due = state.way.job.is_none() && state.way.asked != Some(*newest);
        if !is_due || state.way.has_left {
            return;
        }
        let run = snapshots.first().map(|first| first.run.clone());
        let kept = (self.snapshot.as_ref()).and_then(|shown| self.training.weights_of(shown));
        let later: Vec<KeptWeights> = kept
            .into_iter()
            .flatten()
            .filter(|kept| kept.step > known && Some(&kept.run) == run.as_ref())
            .collect();
        state.way.asked = Some(*newest);
        if later.is_empty() {
            return;
        }
        let wake = self.jobs.waker_at_leisure();
        if state.way.worker.is_none() {
            let wake = Arc::clone(&wake);
            let spawned = Worker::spawn_with_wake("spherescope-landscape-way", 1, move || wake());
            state.way.worker = spawned.ok();
        }
        let Some(worker) = &state.way.worker else {
            return;
        };
        let (subject, slot, cut) = (Arc::clone(subject), state.way.slot.clone(), state.cut);
        let job = worker.submit("", move |_| {
            // Another network's snapshots have no place: nothing is drawn of them.
            if let Ok(places) = places(&subject, &later) {
                slot.put((cut, places));
                wake();
            }
        });
        state.way.job = job.ok();
    }
}

fn places(subject: &SliceSubject, later: &[KeptWeights]) -> Result<Vec<PlaneMark>, LandscapeError> {
    let snapshots = run_weights(later)?;
    let marks = snapshots
        .iter()
        .map(|snapshot| subject.plane().mark(snapshot));
    marks.collect()
}
