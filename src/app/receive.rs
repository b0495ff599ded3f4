//! What comes back from elsewhere: outcomes and events of the workers, and the snapshot they make.

use super::{App, jobs::Outcome, thumbnails::ThumbnailPages};
use crate::{
    compute::WorkerEvent,
    ui::{ColourBy, Command, LogLine, Measured, Snapshot, widgets::Level},
};

/// Measured encoders that are kept.
const HISTORY: usize = 500;

/// Whether all of an analysis is there.
#[derive(Clone, Copy)]
pub(super) struct IsWhole(pub bool);

impl App {
    /// Takes in everything that came from elsewhere since the last frame.
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        let records: Vec<LogLine> = self.records.try_iter().collect();
        for line in records {
            self.keep(line);
        }
        // Outcomes first: one that was ready when its job was cancelled is shown, not called off.
        if let Some(outcome) = self.jobs.take_outcome() {
            self.take_outcome(ctx, outcome);
        }
        for event in self.jobs.events() {
            self.take_event(event);
        }
        // A run has its own thread, whose loss of the device is everyone's.
        if let Some(message) = self.jobs.compute().lost().map(str::to_owned) {
            self.leave_lost_device(&message);
        }
        let serial = self.snapshot.as_ref().map(|snapshot| snapshot.serial);
        if let Some((of, neighbours)) = self
            .jobs
            .neighbours
            .take()
            .filter(|(of, _)| Some(*of) == serial)
        {
            let _ = of;
            self.neighbours = Some(neighbours);
        }
        if let Some(density) = self
            .jobs
            .densities
            .take()
            .filter(|density| Some(density.serial) == serial)
        {
            self.density = Some(density);
        }
        if let Some(report) = self.jobs.reports.take() {
            self.report = Some(report);
        }
        if let Some((target, path)) = self.jobs.picked.take() {
            self.dialog = None;
            self.dispatch(ctx, Command::Open(target, path));
        }
        if let (Some((typed, found)), Some(dialog)) = (self.jobs.listings.take(), &mut self.dialog)
        {
            dialog.take_listing(&typed, found);
        }
        self.receive_training(ctx);
        self.receive_lab();
        self.receive_columns();
        self.receive_landscape(ctx);
        self.receive_inspector();
        self.receive_verdicts();
        self.receive_series_verdicts();
        self.follow_preview(ctx);
        let of_jobs = self.jobs.running();
        let slice = self.landscape.running().cloned();
        let is_silent = of_jobs.as_ref().is_none_or(|job| job.title.is_empty());
        self.running = slice.filter(|_| is_silent).or(of_jobs);
        self.want_density();
        self.follow_potential();
    }

    fn take_event(&mut self, event: WorkerEvent) {
        self.note_end(&event);
        match event {
            WorkerEvent::Panicked { id, title, message } => {
                let text = format!("{title} broke off with an internal error: {message}");
                if self.jobs.is_current(id) {
                    self.jobs.give_up();
                    self.fail(text);
                } else {
                    self.tell(Level::Error, text);
                }
            }
            WorkerEvent::Cancelled { id, .. } if self.jobs.is_current(id) => {
                self.jobs.give_up();
                self.cancelled();
            }
            // Told by the device itself too, whichever comes first.
            WorkerEvent::DeviceLost { message } => self.leave_lost_device(&message),
            WorkerEvent::Finished {
                title, duration, ..
            } if !title.is_empty() => {
                self.note(
                    Level::Info,
                    format!("{title}: {:.2} s", duration.as_secs_f64()),
                );
            }
            _ => {}
        }
    }

    /// Those who wait for a job learn of its end; an answer that it gave is taken in all the same.
    fn note_end(&mut self, event: &WorkerEvent) {
        let (id, how) = match event {
            WorkerEvent::Finished { id, .. } => (*id, "it ended without an answer".to_owned()),
            WorkerEvent::Cancelled { id, .. } => (*id, "it was cancelled".to_owned()),
            WorkerEvent::Panicked { id, message, .. } => (
                *id,
                format!("it broke off with an internal error: {message}"),
            ),
            _ => return,
        };
        self.jobs.job_ended(id);
        self.verdicts.job_ended(id, &how);
        self.series_verdicts.job_ended(id, &how);
        self.lab.job_ended(id, &how);
        self.inspector.job_ended(id, &how);
        self.preview.job_ended(id);
    }

    /// Goes on on the CPU, once a loss. What the window draws with is lost too when it is the same
    /// device, and only a new window brings that back: the session is kept for it.
    fn leave_lost_device(&mut self, message: &str) {
        if !self.jobs.compute().is_gpu() {
            return;
        }
        self.jobs.fall_back(message);
        self.landscape.leave_device();
        self.keep_session();
        self.tell(
            Level::Warning,
            format!(
                "The graphics device was lost ({message}): computing on the CPU. Pictures may stay \
                 as they are until the window is opened again; the session is saved for it"
            ),
        );
        self.analyse(false);
    }

    fn take_outcome(&mut self, ctx: &egui::Context, outcome: Outcome) {
        match outcome {
            Outcome::Early(snapshot) => {
                self.training.leave_views();
                self.show(ctx, snapshot, IsWhole(false));
            }
            Outcome::Done(snapshot) => {
                self.training.leave_views();
                self.show(ctx, snapshot, IsWhole(true));
            }
            Outcome::Failed(why) => self.fail(why),
        }
    }

    /// The picture stays, under its own name; what was wanted and failed is told.
    fn fail(&mut self, why: String) {
        self.tell(Level::Error, why.clone());
        self.failure = Some(why);
        self.want_what_is_shown();
    }

    fn cancelled(&mut self) {
        self.tell(Level::Info, "Cancelled: the views keep what they show");
        self.want_what_is_shown();
    }

    fn want_what_is_shown(&mut self) {
        if let Some(snapshot) = self.snapshot.as_ref().filter(|shown| !shown.is_of_run()) {
            self.request = snapshot.request().clone();
        }
    }

    /// Puts a snapshot into the views; one that is not whole still lacks numbers and is not told.
    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        snapshot: Snapshot,
        IsWhole(is_whole): IsWhole,
    ) {
        let are_points_the_same = self.snapshot.as_ref().is_some_and(|old| {
            let [old, new] = [&old.analysis.features, &snapshot.analysis.features];
            old.images == new.images && old.cells == new.cells
        });
        if !are_points_the_same {
            self.landscape.leave_point();
            self.selection.forget();
            self.views.sphere.hidden.clear();
        }
        let are_images_the_same = self.snapshot.as_ref().is_some_and(|old| {
            std::sync::Arc::ptr_eq(&old.analysis.thumbnails, &snapshot.analysis.thumbnails)
        });
        if !are_images_the_same || self.thumbnails.is_none() {
            self.thumbnails = Some(ThumbnailPages::new(snapshot.analysis.thumbnails.clone()));
        }
        self.hover = None;
        self.neighbours = None;
        self.density = None;
        self.has_warned_of_slowness = false;
        // A run has its own trail on the plane.
        if !snapshot.is_of_run() {
            self.remember_measured(&snapshot);
        }
        if is_whole {
            let request = snapshot.request();
            self.note(
                Level::Info,
                format!(
                    "shown: checkpoint={} images={} kind={} n={}",
                    request.encoder.title(),
                    snapshot.analysis.images.name(),
                    request.kind.name(),
                    snapshot.len()
                ),
            );
        }
        self.title = format!("{} — Spherescope", snapshot.title());
        ctx.send_viewport_cmd(egui::ViewportCommand::Title(self.title.clone()));
        self.snapshot = Some(snapshot);
        self.seek_neighbours();
    }

    fn remember_measured(&mut self, snapshot: &Snapshot) {
        let Some(mut measured) = measured(snapshot) else {
            return;
        };
        let history = &mut self.session.history;
        let known = (history.iter()).find(|other| other.command_line == measured.command_line);
        if let Some(known) = known {
            measured.performance.clone_from(&known.performance);
        }
        history.retain(|other| other.command_line != measured.command_line);
        history.push(measured);
        let surplus = history.len().saturating_sub(HISTORY);
        history.drain(..surplus);
    }

    /// Starts the search for the neighbours of the one selected point.
    pub(super) fn seek_neighbours(&mut self) {
        self.neighbours = None;
        if let (Some(snapshot), Some(row)) = (&self.snapshot, self.selection.single()) {
            self.jobs.find_neighbours(snapshot, row);
        }
    }

    /// Local density is computed only when it is looked at, once a snapshot.
    fn want_density(&mut self) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let is_wanted = self.views.sphere.colour_by == ColourBy::Density
            && self.density.is_none()
            && self.density_wanted_for != snapshot.serial;
        if is_wanted {
            self.density_wanted_for = snapshot.serial;
            if let Err(why) = self.jobs.find_densities(snapshot) {
                self.tell(Level::Warning, why);
            }
        }
    }
}

/// The point of the align–uniform plane, when both numbers could be computed.
pub(super) fn measured(snapshot: &Snapshot) -> Option<Measured> {
    let numbers = &snapshot.analysis.numbers;
    let request = snapshot.request();
    Some(Measured {
        title: snapshot.title(),
        alignment: numbers.alignment.value?,
        uniformity: numbers.uniformity.value?,
        alpha: request.alpha,
        t: request.t,
        floor: numbers.uniformity.floor?,
        provenance: vec![
            snapshot.analysis.features.provenance.line(),
            format!("alignment over {}", numbers.alignment.population),
            format!("uniformity over {}", numbers.uniformity.population),
            "plain L2 normalisation".to_owned(),
        ],
        command_line: request.command_line(),
        performance: Vec::new(),
    })
}
