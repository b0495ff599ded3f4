//! What comes back from the landscape's threads, and following a run.

use std::sync::atomic::Ordering;

use super::{Answer, Source};
use crate::{
    app::{App, receive::IsWhole},
    compute::{JobId, JobStatus, WorkerEvent},
    landscape::{Directions, Slice, SliceSettings},
    ui::widgets::{Level, Running},
};

impl App {
    /// Takes in what the thread has come to.
    pub(in crate::app) fn receive_landscape(&mut self, ctx: &egui::Context) {
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
                    self.note_pace(&picture.slice);
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
        self.follow_way();
        self.follow_run();
        self.follow_pointer(ctx);
    }

    /// Takes the time of a slice that was asked for, and tells it in the log.
    fn note_pace(&mut self, slice: &Slice) {
        let state = &mut self.landscape;
        let Some(asked) = state.asked else { return };
        let is_news = state.pace.note(slice, asked.elapsed().as_secs_f64());
        // A followed slice is cut again and again: the pane shows its times.
        if is_news
            && !self.views.landscape.is_following
            && let Some(words) = state.pace.words()
        {
            let total = slice.cells.len();
            let images = slice.settings.images;
            self.note(
                Level::Info,
                format!("Landscape of {total} points over up to {images} images: {words}"),
            );
        }
    }

    fn landscape_events(&mut self) {
        let Some(worker) = &self.landscape.worker else {
            return;
        };
        let events: Vec<WorkerEvent> = worker.events().try_iter().collect();
        self.landscape.progress = worker.status().map(|status| running(&status));
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
        // A plane through chosen snapshots stays where it is: only the run's way on it goes on.
        let directions = self.views.landscape.settings.directions;
        let is_moving = matches!(
            directions,
            Directions::Random { .. } | Directions::Trajectory
        );
        let is_wished = self.views.landscape.is_following
            && self.landscape.steps.len() >= directions.snapshots_needed()
            && (is_moving || self.landscape.picture.is_none());
        if !is_wished || (self.landscape.job.is_some() && !self.landscape.is_coarsely_filled()) {
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
}

fn running(status: &JobStatus) -> Running {
    let stage = if status.is_cancelling {
        "stopping"
    } else {
        status.stage
    };
    Running {
        title: status.title.clone(),
        stage: stage.to_owned(),
        done: status.done,
        total: status.total,
        rate: status.rate,
    }
}
