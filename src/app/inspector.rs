//! The dense inspector in the window: what is chosen here and on the sphere is one selection, and
//! what it has to show is made on workers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{
    App,
    jobs::{InspectorJob, Jobs, Slot},
    layout,
};
use crate::{
    analysis::{self, Analysis},
    compute::JobId,
    dense::{
        Answer, Basis, Colours, Crop, Question, Subject, SubjectRequest, answer, crops,
        density_among, place_of, row_at, subject,
    },
    progress::Progress,
    ui::{
        Chosen, Combine, Command, InspectCommand, InspectMode, InspectorState, InspectorView, Pane,
        Selection, Snapshot,
    },
};

/// Neighbours that are listed.
const NEAREST: usize = 12;
/// Longer side of a neighbour's crop, pixels.
const CROP_SIDE: u32 = 96;

/// What decides the colours of principal axes.
type ColoursKey = (u64, bool, bool);

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
    asked_density: Option<u64>,
    /// Bases that were fitted to the shown analysis: centred, and not.
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
    crops: Slot<(u64, Question, Vec<Option<Crop>>)>,
    colours: Slot<(ColoursKey, Result<Colours, String>)>,
    densities: Slot<(u64, Vec<Vec<f32>>)>,
}

impl Inspector {
    /// Whether something that was asked for is still to come.
    #[cfg(test)]
    pub fn is_waiting(&self) -> bool {
        let state = &self.state;
        state.is_waiting
            || (state.asked().is_some() && state.current_answer().is_none())
            || (state.current_answer().is_some() && state.crops.is_empty())
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
                    let (_, is_centred, is_kept) = key;
                    if !is_kept {
                        self.bases[usize::from(is_centred)] = Some(Arc::clone(&colours.basis));
                    }
                    self.state.colours = Some(Arc::new(colours));
                }
                Err(why) => self.state.failure = Some(why),
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
        self.state.density = None;
        self.asked_answer = None;
        self.asked_colours = None;
        self.asked_density = None;
    }

    /// Turns to a new analysis; the chosen place stays where the images are the same.
    fn turn_to(&mut self, snapshot: &Snapshot) {
        if (self.analysis.as_ref()).is_some_and(|(serial, _)| *serial == snapshot.serial) {
            return;
        }
        let new = &snapshot.analysis;
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
        self.bases = [None, None];
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
        let is_beside = request.beside == crate::dense::Beside::Image(image);
        let side = usize::from(is_beside && image != self.state.image);
        if side == 0 {
            self.state.image = image;
        }
        self.state.chosen = Some(Chosen { side, image, place });
    }

    /// Asks for whatever is missing of what the view shows.
    fn want(&mut self, view: &InspectorView, jobs: &Jobs) {
        let Some((serial, analysis)) = self.analysis.clone() else {
            return;
        };
        let request = view.request(self.state.image);
        if self.asked_subject != Some(request) {
            self.want_subject(serial, analysis, request, jobs);
            return;
        }
        let Some(subject) = self
            .state
            .subject
            .clone()
            .filter(|_| !self.state.is_waiting)
        else {
            return;
        };
        self.want_answer(&analysis, &subject, view, jobs);
        match view.mode {
            InspectMode::Pca => self.want_colours(&analysis, &subject, view, jobs),
            InspectMode::Density => self.want_density(&analysis, &subject, jobs),
            _ => {}
        }
    }

    fn want_subject(
        &mut self,
        serial: u64,
        analysis: Arc<Analysis>,
        request: SubjectRequest,
        jobs: &Jobs,
    ) {
        if let Some(job) = self.job.take() {
            jobs.call_off(job);
        }
        let slot = self.arrivals.subjects.clone();
        let told = move |made: Result<Subject, crate::dense::DenseError>, progress: &Progress| {
            if !progress.is_cancelled() {
                slot.put((serial, request, made.map_err(|error| error.to_string())));
            }
        };
        let title = "Making the map";
        let job = if request.needs_encoder() {
            let job = jobs.inspect_with_encoder(title, move |compute, cache, progress| {
                let encoder = |progress: &Progress| {
                    analysis::encoder(&analysis.request, compute, cache, progress)
                };
                told(
                    subject(&analysis, request, encoder, compute, progress),
                    progress,
                );
            });
            job.map(InspectorJob::WithEncoder)
        } else {
            let compute = jobs.compute().clone();
            let job = jobs.inspect_beside("", move |progress| {
                let encoder = |progress: &Progress| {
                    let cache = &mut analysis::Cache::headless();
                    analysis::encoder(&analysis.request, &compute, cache, progress)
                };
                told(
                    subject(&analysis, request, encoder, &compute, progress),
                    progress,
                );
            });
            job.map(InspectorJob::Beside)
        };
        // Too much waits: asked again with the next frame.
        if job.is_some() {
            self.asked_subject = Some(request);
            self.state.is_waiting = true;
            self.job = job;
            self.ended = None;
        }
    }

    fn want_answer(
        &mut self,
        analysis: &Arc<Analysis>,
        subject: &Arc<Subject>,
        view: &InspectorView,
        jobs: &Jobs,
    ) {
        let Some((side, cell)) = self.state.asked() else {
            return;
        };
        let question = Question {
            side,
            cell,
            count: NEAREST,
            is_between_images: view.is_between_images,
        };
        let revision = self.state.revision;
        if self.asked_answer == Some((revision, question)) {
            return;
        }
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let newest = Arc::clone(&self.newest);
        let (analysis, subject) = (Arc::clone(analysis), Arc::clone(subject));
        let arrivals = self.arrivals.clone();
        let wake = jobs.waker();
        let job = jobs.inspect_beside("", move |progress| {
            let is_newest = || newest.load(Ordering::Relaxed) == number;
            if !is_newest() {
                return;
            }
            let Ok(made) = answer(&analysis, &subject, question, progress) else {
                return;
            };
            let nearest = made.nearest.clone();
            arrivals.answers.put((revision, made));
            wake();
            if is_newest()
                && let Ok(made) = crops(&analysis, &nearest, CROP_SIDE, progress)
            {
                arrivals.crops.put((revision, question, made));
                wake();
            }
        });
        if job.is_some() {
            self.asked_answer = Some((revision, question));
        }
    }

    fn want_colours(
        &mut self,
        analysis: &Arc<Analysis>,
        subject: &Arc<Subject>,
        view: &InspectorView,
        jobs: &Jobs,
    ) {
        self.state.kept = match (view.keeps_colours, self.state.kept.take()) {
            (true, None) => self
                .state
                .colours
                .as_ref()
                .map(|now| Arc::clone(&now.basis)),
            (true, kept) => kept,
            (false, _) => None,
        };
        let kept = (self.state.kept.clone()).filter(|basis| basis.dim == subject.dim);
        let key = (self.state.revision, view.is_centred, kept.is_some());
        if self.asked_colours == Some(key) {
            return;
        }
        let is_centred = view.is_centred;
        let basis = kept.or_else(|| self.bases[usize::from(is_centred)].clone());
        let (analysis, subject) = (Arc::clone(analysis), Arc::clone(subject));
        let slot = self.arrivals.colours.clone();
        let wake = jobs.waker();
        let is_taken = jobs.help_with("Finding the axes of the colours", move |progress| {
            let basis = match basis {
                Some(basis) => Ok(basis),
                None => Basis::fit(&analysis, is_centred, progress).map(Arc::new),
            };
            let made = basis.and_then(|basis| Colours::new(&analysis, &subject, basis, progress));
            if !progress.is_cancelled() {
                slot.put((key, made.map_err(|error| error.to_string())));
                wake();
            }
        });
        if is_taken {
            self.asked_colours = Some(key);
        }
    }

    fn want_density(&mut self, analysis: &Arc<Analysis>, subject: &Arc<Subject>, jobs: &Jobs) {
        let revision = self.state.revision;
        if self.asked_density == Some(revision) {
            return;
        }
        let (analysis, subject) = (Arc::clone(analysis), Arc::clone(subject));
        let slot = self.arrivals.densities.clone();
        let wake = jobs.waker();
        let is_taken = jobs.help_with("Estimating local density", move |progress| {
            let made: Result<Vec<_>, _> = subject
                .sides
                .iter()
                .map(|side| density_among(&analysis, side, progress))
                .collect();
            if let Ok(made) = made {
                slot.put((revision, made));
                wake();
            }
        });
        if is_taken {
            self.asked_density = Some(revision);
        }
    }
}

impl App {
    /// Takes in what was made for the inspector, and asks for what its view shows and lacks.
    pub(super) fn receive_inspector(&mut self) {
        self.inspector.take_arrivals();
        if !layout::is_shown(&self.tree, Pane::Inspector) {
            return;
        }
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        if !snapshot.request().kind.is_dense() {
            return;
        }
        let inspector = &mut self.inspector;
        inspector.turn_to(snapshot);
        inspector.follow(&snapshot.analysis, &self.selection, &self.views.inspector);
        inspector.want(&self.views.inspector, &self.jobs);
    }

    /// Carries out what is asked of the inspector.
    pub(super) fn inspect(&mut self, ctx: &egui::Context, command: InspectCommand) {
        match command {
            InspectCommand::Choose { side, cell } => self.choose(ctx, side, cell),
            InspectCommand::Image(image) => self.look_at_image(ctx, image),
            InspectCommand::Turn(by) => {
                if let Some(image) = self.image_further_on(by) {
                    self.look_at_image(ctx, image);
                }
            }
            InspectCommand::Beside(image) => {
                self.views.inspector.other_image = image;
                self.views.inspector.beside = crate::ui::BesideChoice::Image;
            }
            InspectCommand::Again => self.inspector.ask_again(),
            InspectCommand::Mode(mode) => {
                self.views.inspector.mode = mode;
                self.dispatch(ctx, Command::Show(Pane::Inspector));
            }
        }
    }

    fn choose(&mut self, ctx: &egui::Context, side: usize, cell: usize) {
        let (Some(snapshot), Some(subject)) = (&self.snapshot, &self.inspector.state.subject)
        else {
            return;
        };
        let Some(found) = subject.sides.get(side).filter(|found| cell < found.cells()) else {
            return;
        };
        let columns = found.grid[1];
        let place = found
            .geometry
            .cell_centre(cell / columns, cell % columns, found.grid);
        let image = found.image;
        let row = row_at(&snapshot.analysis, image, place);
        self.inspector.state.chosen = Some(Chosen { side, image, place });
        match row {
            Some(row) => self.dispatch(ctx, Command::Select(vec![row], Combine::Replace)),
            // The encoder did not see this place when the set was analysed.
            None => self.dispatch(ctx, Command::ClearSelection),
        }
        self.inspector.seen = self.selection.revision();
    }

    /// Looks at an image, at the location where the one before was looked at.
    fn look_at_image(&mut self, ctx: &egui::Context, image: u32) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let features = &snapshot.analysis.features;
        let Some(first) = features.images.iter().position(|other| *other == image) else {
            return;
        };
        let count = features.images[first..]
            .iter()
            .take_while(|other| **other == image)
            .count();
        let cell = self.selection.single().and_then(|row| snapshot.cell(row));
        let same = cell.and_then(|cell| {
            let cells = features.cells.as_ref()?.get(first..first + count)?;
            Some(first + cells.iter().position(|other| *other == cell)?)
        });
        self.inspector.state.image = image;
        match same {
            Some(row) => self.dispatch(ctx, Command::Select(vec![row as u32], Combine::Replace)),
            None => self.inspector.state.chosen = None,
        }
    }

    /// The analysed image that stands so many places after the one that is looked at.
    fn image_further_on(&self, by: i32) -> Option<u32> {
        let images = &self.snapshot.as_ref()?.analysis.features.images;
        let mut distinct = images.clone();
        distinct.dedup();
        let now = distinct
            .iter()
            .position(|image| *image == self.inspector.state.image)
            .unwrap_or_default();
        let count = distinct.len() as i64;
        let next = (now as i64 + i64::from(by)).rem_euclid(count.max(1));
        distinct.get(next as usize).copied()
    }
}
