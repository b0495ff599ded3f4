//! Filling a slice on its thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Answer, Source};
use crate::{
    analysis::{EncoderSource, Request, Subject},
    app::jobs::Slot,
    compute::{Compute, beside_a_window},
    landscape::{
        Directions, LandscapeError, SharedSubject, Slice, SliceSettings, SliceSubject,
        SnapshotWeights,
    },
    progress::Progress,
    training::{KeptWeights, RunLoss},
    ui::LandscapePicture,
};

/// Shortest time between two pictures of a slice that fills, while it is coarse and later: the
/// window draws everything anew for each.
const PICTURE_INTERVAL: [Duration; 2] = [Duration::from_millis(120), Duration::from_millis(500)];
/// Points after which a picture is no longer coarse.
const COARSE: usize = 81;

/// One filling of a slice.
pub(super) struct Fill {
    pub wish: u64,
    pub source: Source,
    pub settings: SliceSettings,
    pub begun: Option<Slice>,
    pub subject: Option<SharedSubject>,
    pub compute: Compute,
    pub answers: Slot<(u64, Answer)>,
    pub pictures: Slot<(u64, Answer)>,
    pub is_crowded: Arc<AtomicBool>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Fill {
    pub fn run(mut self, progress: &Progress) {
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
        let title = subject.title().to_owned();
        let mut revision = self.wish << 32;
        let mut shown = Instant::now();
        let mut began = Instant::now();
        let mut has_lattice = slice.lattices > 0;
        let mut show = |slice: &Slice, is_due: bool| {
            let interval = PICTURE_INTERVAL[usize::from(slice.done > COARSE)];
            if is_due || shown.elapsed() >= interval {
                revision += 1;
                let picture = LandscapePicture::new(slice.clone(), title.clone(), revision)
                    .with_floor(subject.floor());
                self.pictures
                    .put((self.wish, Answer::Picture(Box::new(picture))));
                (self.wake)();
                shown = Instant::now();
            }
        };
        let measured = |slice: &Slice| {
            if self.is_crowded.load(Ordering::Relaxed) {
                // As long a rest as the point took: half of the time is left to others.
                std::thread::sleep(began.elapsed());
            }
            began = Instant::now();
            // The coarsest lattice is the first picture in which shapes can be seen.
            let is_first = slice.lattices == 1 && !has_lattice;
            has_lattice |= is_first;
            show(slice, slice.done == 1 || is_first);
        };
        // The slice has a thread of its own, so that it may give way for good.
        let outcome = beside_a_window(&self.compute, || slice.fill(&subject, progress, measured));
        show(&slice, true);
        outcome.map_err(LandscapeError::Threads)?
    }

    /// Reads weights and images and cuts the plane.
    fn cut(&self, progress: &Progress) -> Result<SliceSubject, LandscapeError> {
        let settings = &self.settings;
        match &self.source {
            Source::Request(request) => {
                let request = settings.limited(request);
                let subject = Subject::open(&request, progress)?;
                let subject =
                    SliceSubject::new(&request, subject, settings, &[], &self.compute, progress)?;
                let loss = match &request.encoder {
                    EncoderSource::File(path) => RunLoss::beside(path),
                    _ => None,
                };
                Ok(subject.with_loss(loss))
            }
            Source::Run {
                shown,
                snapshots,
                step,
                loss,
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
                let subject =
                    SliceSubject::new(&request, subject, settings, &all, &self.compute, progress)?;
                Ok(subject.with_loss(loss.clone()))
            }
        }
    }
}

pub(super) fn run_weights(
    snapshots: &[KeptWeights],
) -> Result<Vec<SnapshotWeights>, LandscapeError> {
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
