//! One frame: what panels may read, the docked views, and the window's turn in the event loop.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use egui_tiles::Tree;

use super::{App, layout, logging};
use crate::{
    analysis::EncoderSource,
    checkpoint::KeyReport,
    ui::{
        Commands, Pane, PotentialView, Snapshot, World,
        theme::{self, Tokens},
        widgets::Level,
    },
};

/// A frame whose own work takes longer is told of: at this rate, 30 frames a second are missed.
const FRAME_BUDGET: Duration = Duration::from_millis(33);
/// Height that a desktop's title bar takes, about, in points.
const WINDOW_FRAME: f32 = 40.0;
/// So many slow frames in a row make a warning.
const SLOW_FRAMES: u32 = 10;

/// A longer wait between two frames is no motion: the window draws on demand.
const MOTION: Duration = Duration::from_millis(200);
/// Frames over which the rate is averaged.
const RATE_FRAMES: usize = 30;
/// Time between two lines of the log on the rate.
const RATE_INTERVAL: Duration = Duration::from_secs(2);

/// How often the window draws while something in it moves.
#[derive(Default)]
pub(super) struct FrameRate {
    begins: VecDeque<Instant>,
    told: Option<Instant>,
}

impl FrameRate {
    fn note(&mut self, now: Instant) {
        if (self.begins.back()).is_some_and(|last| now.duration_since(*last) > MOTION) {
            self.begins.clear();
        }
        self.begins.push_back(now);
        if self.begins.len() > RATE_FRAMES {
            self.begins.pop_front();
        }
        let is_due = (self.told).is_none_or(|told| now.duration_since(told) >= RATE_INTERVAL);
        if let (true, Some(rate)) = (is_due, self.per_second()) {
            log::debug!("{rate:.1} frames a second");
            self.told = Some(now);
        }
    }

    /// Frames a second over the last of them; `None` while nothing moves.
    pub fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.begins.front()?, self.begins.back()?);
        let span_s = last.duration_since(*first).as_secs_f64();
        (span_s > 0.0).then(|| (self.begins.len() - 1) as f64 / span_s)
    }
}

impl App {
    /// Writes the session where the next window reads it. This one may be gone: the log and
    /// standard error are all that is left to tell a failure.
    pub(super) fn keep_session(&self) {
        if let Some(path) = &self.session_path
            && let Err(error) = self.current_session().write(path)
        {
            log::error!("{error}");
        }
    }

    /// The key report of the encoder that is wanted: of the results when they are its own, else
    /// what its file was found to hold.
    pub(super) fn wanted_report(&self) -> Option<&KeyReport> {
        let shown = self
            .snapshot
            .as_ref()
            .filter(|shown| shown.request().encoder == self.request.encoder);
        match (shown, &self.request.encoder) {
            (Some(shown), _) => Some(&shown.analysis.report),
            (None, EncoderSource::File(path)) => {
                self.report.as_ref().filter(|report| report.file == *path)
            }
            (
                None,
                EncoderSource::Untrained { .. }
                | EncoderSource::Bundled(_)
                | EncoderSource::Run { .. }
                | EncoderSource::Place { .. },
            ) => None,
        }
    }

    /// What panels may read. The views' settings are out while panels are drawn, so those that
    /// several panels share are handed in.
    fn world<'a>(
        &'a self,
        report: &'a crate::compute::DeviceReport,
        potential: &PotentialView,
        ctx: &egui::Context,
    ) -> World<'a> {
        World {
            snapshot: self.snapshot.as_ref(),
            pinned: self.training.pinned.as_ref(),
            preview: Some(&self.preview.state),
            request: &self.request,
            report: self.wanted_report(),
            refused: self
                .report
                .as_ref()
                .filter(|report| self.failure.is_some() && !report.is_complete()),
            running: self.running.as_ref().filter(|_| self.jobs.is_busy()),
            failure: self.failure.as_deref(),
            selection: &self.selection,
            hover: self.hover,
            neighbours: self.neighbours.as_ref(),
            density: self
                .density
                .as_ref()
                .map(|density| (density.values.as_slice(), density.how.as_str())),
            potential: self.potential_view(potential),
            pinned_potential: self.pinned_potential(potential),
            landscape: self.landscape.view(),
            history: &self.session.history,
            run: self.training.view(),
            lab: Some(self.lab.state()),
            inspector: Some(&self.inspector.state),
            verdict: self.verdicts.picture.as_ref(),
            verdict_failure: (self.snapshot.as_ref())
                .and_then(|shown| self.verdicts.failure(shown.serial)),
            run_verdicts: Some(&self.verdicts.run),
            verdict_series: Some(&self.series_verdicts.state),
            log: &self.log,
            recent: &self.session.recent,
            device: Some(report),
            thumbnails: self
                .thumbnails
                .as_ref()
                .map(|pages| pages as &dyn crate::ui::ThumbnailSource),
            is_export: false,
            are_files_hovering: ctx.input(|input| !input.raw.hovered_files.is_empty()),
        }
    }

    /// Draws the docked views.
    pub(super) fn views_ui(&mut self, ui: &mut egui::Ui, commands: &mut Commands) {
        use crate::ui::panels;
        let report = self.jobs.compute().report().clone();
        // Taken out for the frame, so that panels can change their view while they read the world.
        let mut views = std::mem::take(&mut self.views);
        let mut marks = std::mem::take(&mut self.marks);
        let mut canvas = std::mem::take(&mut self.canvas);
        let mut circle = std::mem::take(&mut self.circle);
        let mut landscape = std::mem::take(&mut self.landscape_canvas);
        let mut pictures = std::mem::take(&mut self.inspector_pictures);
        let mut tree = std::mem::replace(&mut self.tree, Tree::empty(layout::tree_id()));
        let potential = views.potential;
        let world = self.world(&report, &potential, ui.ctx());
        // While a point of the landscape is looked at, the views of points show its features.
        let peek = self.landscape.peek().map(|peek| World {
            snapshot: Some(peek),
            pinned: None,
            neighbours: None,
            density: None,
            ..self.world(&report, &potential, ui.ctx())
        });
        let points = peek.as_ref().unwrap_or(&world);
        marks.update(&views.sphere, points, Tokens::of(ui));
        let mut is_verdict_looked_at = false;
        let mut is_landscape_drawn = false;
        let enlarged = self.enlarged;
        // What is out of sight is drawn small beside the landscape.
        let is_seen = |pane| match enlarged {
            Some(one) => one == pane,
            None => layout::is_shown(&tree, pane),
        };
        let [is_sphere_seen, is_plane_seen] = [Pane::Sphere, Pane::Plane].map(is_seen);
        let mut dock = layout::Dock {
            enlarge: None,
            scale: theme::mark_scale(ui),
            draw: |ui: &mut egui::Ui, pane: Pane| match pane {
                Pane::Sources => panels::sources_ui(&mut views.sphere, &world, commands, ui),
                Pane::Sphere => {
                    panels::sphere_ui(&mut views.sphere, &mut canvas, &marks, points, commands, ui);
                }
                Pane::Circle => {
                    panels::circle_ui(&mut views.circle, &mut circle, &marks, points, commands, ui);
                }
                Pane::Pairs => panels::pairs_ui(&world, ui),
                Pane::Plane => panels::plane_ui(&mut views.plane, &world, commands, ui),
                Pane::Figures => panels::figures_ui(&world, commands, ui),
                Pane::Table => panels::table_ui(&mut views.table, &world, commands, ui),
                Pane::Training => {
                    panels::training_ui(&mut views.training, &world, commands, ui);
                }
                Pane::Correlation => panels::lab_ui(&mut views.lab, &world, commands, ui),
                Pane::Landscape => {
                    is_landscape_drawn = true;
                    let sphere = (!is_sphere_seen).then_some(panels::LinkedSphere {
                        view: &views.sphere,
                        canvas: &mut canvas,
                        marks: &marks,
                        world: points,
                    });
                    panels::landscape_ui(
                        &mut views.landscape,
                        &mut landscape,
                        &world,
                        panels::LinkedViews {
                            sphere,
                            has_plane: !is_plane_seen,
                        },
                        commands,
                        ui,
                    );
                }
                Pane::Inspector => {
                    panels::inspector_ui(&mut views.inspector, &mut pictures, &world, commands, ui);
                }
                Pane::Verdict => {
                    is_verdict_looked_at = true;
                    panels::verdict_ui(&mut views.verdict, &world, commands, ui);
                }
                Pane::Log => panels::log_ui(&world, commands, ui),
            },
        };
        match enlarged {
            Some(pane) => dock.alone_ui(pane, ui),
            None => tree.ui(&mut dock, ui),
        }
        let enlarge = dock.enlarge;
        if !is_landscape_drawn {
            landscape.leave(commands);
        }
        if let Some(pane) = enlarge {
            commands.push(crate::ui::Command::Enlarge(pane));
        }
        if is_verdict_looked_at && !self.verdicts.is_looked_at {
            // The verdict is asked for before the next frame, which must come.
            ui.ctx().request_repaint();
        }
        self.verdicts.is_looked_at = is_verdict_looked_at;
        (self.views, self.marks, self.canvas, self.circle, self.tree) =
            (views, marks, canvas, circle, tree);
        self.landscape_canvas = landscape;
        self.inspector_pictures = pictures;
    }

    pub(super) fn set_next_hover(&mut self, row: u32) {
        self.next_hover = Some(row);
    }

    /// A window that leaves the screen no room for its frame is given the whole of it: its lower
    /// edge would be off the screen.
    fn keep_on_screen(&mut self, ctx: &egui::Context) {
        if self.is_placed {
            return;
        }
        let (screen, inside, is_full) = ctx.input(|input| {
            let view = input.viewport();
            let is_full = view.fullscreen == Some(true) || view.maximized == Some(true);
            (view.monitor_size, view.inner_rect, is_full)
        });
        let (Some(screen), Some(inside)) = (screen, inside) else {
            return;
        };
        self.is_placed = true;
        let is_large = inside.width() > screen.x || inside.height() > screen.y - WINDOW_FRAME;
        if is_large && !is_full {
            ctx.send_viewport_cmd(egui::ViewportCommand::Maximized(true));
        }
    }

    fn watch_frame(&mut self, took: Duration) {
        self.frame_time = took;
        self.slow_frames = if took > FRAME_BUDGET {
            self.slow_frames + 1
        } else {
            0
        };
        if self.slow_frames >= SLOW_FRAMES && !self.has_warned_of_slowness {
            self.has_warned_of_slowness = true;
            let points = self.snapshot.as_ref().map_or(0, Snapshot::len);
            self.note(
                Level::Warning,
                format!(
                    "drawing {points} points takes {:.0} ms a frame on this machine",
                    took.as_secs_f64() * 1e3
                ),
            );
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.receive(ctx);
        self.keep_on_screen(ctx);
        self.hold_open(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let began = Instant::now();
        self.frame_rate.note(began);
        let mut commands = Commands::default();
        Self::keys(ui.ctx(), &mut commands);
        Self::dropped_files(ui.ctx(), &mut commands);
        self.shell_ui(ui, &mut commands);
        self.overlays_ui(ui.ctx(), &mut commands);
        let ctx = ui.ctx().clone();
        for command in commands.take() {
            self.dispatch(&ctx, command);
        }
        let hover = self.next_hover.take();
        if hover != self.hover {
            self.hover = hover;
            ctx.request_repaint();
        }
        self.watch_frame(began.elapsed());
    }

    fn on_exit(&mut self) {
        self.jobs.cancel();
        self.landscape.stop();
        self.training.end();
        self.keep_session();
        self.lab.close();
        log::info!(target: logging::TOLD, "closed");
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_motion_under_way() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut rate = FrameRate::default();
        rate.note(at(0));
        assert_eq!(rate.per_second(), None);
        for frame in 1..=4 {
            rate.note(at(25 * frame));
        }
        // Four intervals of 25 ms.
        assert_eq!(rate.per_second(), Some(40.0));
        // A pause ends it; what follows is counted by itself.
        rate.note(at(1000));
        assert_eq!(rate.per_second(), None);
        rate.note(at(1100));
        assert_eq!(rate.per_second(), Some(10.0));
    }
}
