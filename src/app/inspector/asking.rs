//! What the inspector asks of the workers: maps, answers, colours, densities.

use std::sync::{Arc, atomic::Ordering};

use super::{ColoursKey, Inspector};
use crate::{
    analysis::{self, Analysis},
    app::jobs::{InspectorJob, Jobs},
    dense::{
        Basis, Colours, DenseError, Question, Subject, SubjectRequest, answer, crops,
        density_among, subject,
    },
    progress::Progress,
    ui::{InspectMode, InspectorView, MOST_NEAREST},
};

/// Longer side of a neighbour's crop, pixels.
const CROP_SIDE: u32 = 96;

impl Inspector {
    /// Asks for whatever is missing of what the view shows.
    pub(super) fn want(&mut self, view: &InspectorView, jobs: &Jobs) {
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
        let told = move |made: Result<Subject, DenseError>, progress: &Progress| {
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
            count: view.nearest.clamp(1, MOST_NEAREST),
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

    /// Keeps the axes of what is coloured now while the view says so.
    fn keep_axes(&mut self, view: &InspectorView) {
        self.state.kept = match (view.keeps_colours, self.state.kept.take()) {
            (true, None) => self
                .state
                .colours
                .as_ref()
                .map(|now| Arc::clone(&now.basis)),
            (true, kept) => kept,
            (false, _) => None,
        };
    }

    fn want_colours(
        &mut self,
        analysis: &Arc<Analysis>,
        subject: &Arc<Subject>,
        view: &InspectorView,
        jobs: &Jobs,
    ) {
        self.keep_axes(view);
        let kept = (self.state.kept.clone()).filter(|basis| basis.dim == subject.dim);
        let key = ColoursKey {
            revision: self.state.revision,
            is_centred: view.is_centred,
            is_kept: kept.is_some(),
            cut: view.foreground().filter(|_| kept.is_none()),
        };
        if self.asked_colours == Some(key) || self.fitting.is_some() {
            return;
        }
        let known = kept.or_else(|| self.bases[usize::from(key.is_centred)].clone());
        let (analysis, subject) = (Arc::clone(analysis), Arc::clone(subject));
        let slot = self.arrivals.colours.clone();
        let wake = jobs.waker();
        // Not among the helpers: the verdicts of a run's frames may keep those busy all along.
        let job = jobs.inspect_beside("Finding the axes of the colours", move |progress| {
            let made = basis(&analysis, known, key, progress)
                .and_then(|basis| Colours::new(&analysis, &subject, basis, progress));
            if !progress.is_cancelled() {
                slot.put((key, made.map_err(|error| error.to_string())));
                wake();
            }
        });
        if job.is_some() {
            self.asked_colours = Some(key);
            self.fitting = job;
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
        let job = jobs.inspect_beside("Estimating local density", move |progress| {
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
        if job.is_some() {
            self.asked_density = Some(revision);
        }
    }
}

/// The axes that colour: the known ones, fitted again only to another foreground and never when
/// they are kept.
fn basis(
    analysis: &Analysis,
    known: Option<Arc<Basis>>,
    key: ColoursKey,
    progress: &Progress,
) -> Result<Arc<Basis>, DenseError> {
    let known = match known {
        Some(known) => known,
        None => Arc::new(Basis::fit(analysis, key.is_centred, progress)?),
    };
    let has = known.foreground.as_ref().map(|own| own.cut);
    match key.cut {
        _ if key.is_kept || has == key.cut => Ok(known),
        Some(cut) => {
            let fitted = known.with_foreground(&analysis.unit, cut, progress)?;
            Ok(Arc::new(fitted))
        }
        None => Ok(Arc::new(known.joint())),
    }
}
