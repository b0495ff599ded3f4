//! The dense inspector in the window: what is chosen here and on the sphere is one selection, and
//! what it has to show is made on workers.

use std::sync::{Arc, atomic::AtomicU64};

mod asking;
mod commands;
mod figure;

use super::jobs::{InspectorJob, Jobs, Slot};
use crate::{
    analysis::{Analysis, EncoderSource},
    compute::JobId,
    dense::{
        Answer, Basis, Beside, Colours, Cut, Question, Shown, Subject, SubjectRequest, place_of,
    },
    ui::{Chosen, InspectMode, InspectorState, InspectorView, Selection, Snapshot, widgets::Level},
};

/// What decides the colours of principal axes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ColoursKey {
    /// The subject.
    revision: u64,
    is_centred: bool,
    /// Whether the axes are kept ones, which are never fitted again.
    is_kept: bool,
    /// The cut that the foreground's axes are fitted behind.
    cut: Option<Cut>,
}

/// The inspector and what it has asked for.
#[derive(Default)]
pub(super) struct Inspector {
    pub state: InspectorState,
    /// The analysis that the state is of.
    analysis: Option<(u64, Arc<Analysis>)>,
    /// The selection that was followed last.
    seen: u64,
    asked_subject: Option<SubjectRequest>,
    job: Option<InspectorJob>,
    /// How that job ended; its map, if it made one, lies in the slot by then.
    ended: Option<String>,
    asked_answer: Option<(u64, Question)>,
    asked_colours: Option<ColoursKey>,
    /// The fit under way: a slider that moves asks again only when it is done.
    fitting: Option<JobId>,
    asked_density: Option<u64>,
    /// Bases that were fitted to the shown analysis, or to an earlier frame of the shown run:
    /// centred, and not.
    bases: [Option<Arc<Basis>>; 2],
    /// Number of the newest question: answers to older ones are not worth making.
    newest: Arc<AtomicU64>,
    arrivals: Arrivals,
}

/// What comes back, each with the number of the subject that it is of.
#[derive(Clone, Default)]
struct Arrivals {
    subjects: Slot<(u64, SubjectRequest, Result<Subject, String>)>,
    answers: Slot<(u64, Answer)>,
    crops: Slot<(u64, Question, Vec<Option<Shown>>)>,
    colours: Slot<(ColoursKey, Result<Colours, String>)>,
    densities: Slot<(u64, Vec<Vec<f32>>)>,
    /// What became of a picture that was saved.
    told: Slot<(Level, String)>,
}

impl Inspector {
    /// Whether something that was asked for is still to come.
    #[cfg(test)]
    pub fn is_waiting(&self) -> bool {
        let state = &self.state;
        state.is_waiting
            || (state.asked().is_some() && state.current_answer().is_none())
            || (state.current_answer().is_some() && state.crops.is_empty())
            || self.fitting.is_some()
    }

    /// Asks the map that is being made to be left; whether there was one.
    pub fn cancel(&self, jobs: &Jobs) -> bool {
        let job = self.job.filter(|_| self.state.is_waiting);
        job.map(|job| jobs.call_off(job)).is_some()
    }

    /// A job came to its end, with a map or without.
    pub fn job_ended(&mut self, id: JobId, how: &str) {
        if self.job.is_some_and(|job| job.id() == id) {
            self.ended = Some(how.to_owned());
        }
        // What it made lies in its slot by then.
        if self.fitting == Some(id) {
            self.fitting = None;
        }
    }

    /// Asks again for a map that was not made.
    pub fn ask_again(&mut self) {
        self.asked_subject = None;
        self.state.failure = None;
    }

    /// Waits no longer for a map whose job ended without it.
    fn give_up(&mut self) {
        let Some(why) = self.ended.take() else {
            return;
        };
        if self.job.take().is_some() && self.state.is_waiting {
            self.state.is_waiting = false;
            self.take_subject(Err(format!("The map was not made: {why}")));
        }
    }

    /// Takes in what the workers made for what is shown now.
    fn take_arrivals(&mut self) {
        let serial = self.analysis.as_ref().map(|(serial, _)| *serial);
        if let Some((of, request, made)) = self.arrivals.subjects.take()
            && Some(of) == serial
            && Some(request) == self.asked_subject
        {
            self.state.is_waiting = false;
            self.job = None;
            self.take_subject(made);
        }
        self.give_up();
        let revision = self.state.revision;
        if let Some((_, made)) = self
            .arrivals
            .answers
            .take()
            .filter(|(of, _)| *of == revision)
        {
            self.state.answer = Some(Arc::new(made));
            self.state.crops = Arc::default();
        }
        if let Some((of, question, made)) = self.arrivals.crops.take() {
            let is_current = of == revision
                && (self.state.answer.as_ref()).is_some_and(|answer| answer.question == question);
            if is_current {
                self.state.crops = Arc::new(made);
            }
        }
        if let Some((key, made)) = self.arrivals.colours.take()
            && Some(key) == self.asked_colours
        {
            match made {
                Ok(colours) => {
                    if !key.is_kept {
                        self.bases[usize::from(key.is_centred)] = Some(Arc::clone(&colours.basis));
                    }
                    self.state.colours = Some(Arc::new(colours));
                    self.state.colours_failure = None;
                }
                Err(why) => self.state.colours_failure = Some(why),
            }
        }
        if let Some((_, made)) = (self.arrivals.densities.take()).filter(|(of, _)| *of == revision)
        {
            self.state.density = Some(Arc::new(made));
        }
    }

    fn take_subject(&mut self, made: Result<Subject, String>) {
        match made {
            Ok(subject) => {
                self.state.subject = Some(Arc::new(subject));
                self.state.revision += 1;
                self.state.failure = None;
            }
            Err(why) => {
                self.state.subject = None;
                self.state.failure = Some(why);
            }
        }
        self.forget_details();
    }

    /// Forgets what belongs to one subject.
    fn forget_details(&mut self) {
        self.state.answer = None;
        self.state.crops = Arc::default();
        self.state.colours = None;
        self.state.colours_failure = None;
        self.state.density = None;
        self.asked_answer = None;
        self.asked_colours = None;
        self.asked_density = None;
    }

    /// Whether the map of the analysis at hand, or its colours, are still to come. What was called
    /// off is not.
    fn is_at_work(&self, view: &InspectorView) -> bool {
        let awaits_map = self.state.is_waiting || self.asked_subject.is_none();
        let awaits_colours = view.mode == InspectMode::Pca
            && self.state.subject.is_some()
            && (self.asked_colours.is_none() || self.fitting.is_some());
        awaits_map || awaits_colours
    }

    /// Turns to a new analysis; the chosen place stays where the images are the same.
    fn turn_to(&mut self, snapshot: &Snapshot, view: &InspectorView) {
        if (self.analysis.as_ref()).is_some_and(|(serial, _)| *serial == snapshot.serial) {
            return;
        }
        let new = &snapshot.analysis;
        // Frames of one run are coloured by the axes of the first that was looked at: what changes
        // between them is then the map, not the axes.
        let is_same_run = self.analysis.as_ref().is_some_and(|(_, old)| {
            let run = |analysis: &Analysis| match &analysis.request.encoder {
                EncoderSource::Run { name, .. } => Some(name.clone()),
                _ => None,
            };
            run(old).is_some() && run(old) == run(new) && old.features.dim == new.features.dim
        });
        if is_same_run && self.is_at_work(view) {
            // A run brings frames faster than maps are made: turning to each would finish none.
            return;
        }
        let is_same_set = self.analysis.as_ref().is_some_and(|(_, old)| {
            old.images.source() == new.images.source() && old.features.images == new.features.images
        });
        if !is_same_set {
            self.state.subject = None;
            self.state.chosen = None;
            self.state.image = new.features.images.first().copied().unwrap_or_default();
        }
        self.analysis = Some((snapshot.serial, Arc::clone(new)));
        self.asked_subject = None;
        if !is_same_run {
            self.bases = [None, None];
        }
        self.forget_details();
    }

    /// Goes where the selected point is, unless it was selected from here.
    fn follow(&mut self, analysis: &Analysis, selection: &Selection, view: &InspectorView) {
        if self.seen == selection.revision() {
            return;
        }
        self.seen = selection.revision();
        let Some(row) = selection.single() else {
            return;
        };
        let Some((image, place)) = place_of(analysis, row) else {
            return;
        };
        let request = view.request(self.state.image);
        let is_beside = request.beside == Beside::Image(image);
        let side = usize::from(is_beside && image != self.state.image);
        if side == 0 {
            self.state.image = image;
        }
        self.state.chosen = Some(Chosen { side, image, place });
    }
}
