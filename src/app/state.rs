//! The window's state and what happens each frame.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use egui_tiles::Tree;

use super::{
    Options, Session,
    jobs::{Jobs, LocalDensity, Outcome},
    layout, logging,
    palette::Palette,
    path_dialog::PathDialog,
    thumbnails::ThumbnailPages,
};
use crate::{
    analysis::{EncoderSource, Request, demo_request},
    checkpoint::KeyReport,
    compute::{Compute, DevicePolicy, GpuHandles, WorkerEvent},
    ui::{
        ColourBy, Command, Commands, LogLine, Measured, Neighbours, OpenTarget, Pane, Selection,
        Snapshot, Views, World,
        marks::Marks,
        panels::{CirclePicture, sphere::SphereCanvas},
        theme::{self, Tokens},
        widgets::{Level, Running, Toasts},
    },
};

/// Lines that the log keeps.
const LOG_LINES: usize = 5_000;
/// Measured encoders that are kept.
const HISTORY: usize = 500;
/// A frame whose own work takes longer is told of: at this rate, 30 frames a second are missed.
const FRAME_BUDGET: Duration = Duration::from_millis(33);
/// So many slow frames in a row make a warning.
const SLOW_FRAMES: u32 = 10;

/// The window.
pub struct App {
    pub(super) session: Session,
    pub(super) session_path: Option<PathBuf>,
    /// Where Ctrl+S saves to.
    pub(super) saved_as: Option<PathBuf>,
    /// What is wanted.
    pub(super) request: Request,
    pub(super) views: Views,
    pub(super) tree: Tree<Pane>,
    pub(super) jobs: Jobs,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) failure: Option<String>,
    pub(super) selection: Selection,
    pub(super) hover: Option<u32>,
    next_hover: Option<u32>,
    pub(super) neighbours: Option<Neighbours>,
    pub(super) density: Option<LocalDensity>,
    density_wanted_for: u64,
    /// What the newest checkpoint holds, before it is computed.
    report: Option<KeyReport>,
    pub(super) thumbnails: Option<ThumbnailPages>,
    pub(super) marks: Marks,
    pub(super) canvas: SphereCanvas,
    pub(super) circle: CirclePicture,
    pub(super) log: Vec<LogLine>,
    records: crossbeam_channel::Receiver<LogLine>,
    pub(super) toasts: Toasts,
    pub(super) palette: Palette,
    pub(super) dialog: Option<PathDialog>,
    pub(super) is_helping: bool,
    pub(super) running: Option<Running>,
    pub(super) frame_time: Duration,
    slow_frames: u32,
    has_warned_of_slowness: bool,
    title: String,
}

impl App {
    /// The window's state in a new context: installs fonts and themes, reads the session, and asks
    /// for the first analysis.
    ///
    /// # Panics
    /// When the system grants no thread to compute on: nothing could ever be shown.
    pub fn new(creation: &eframe::CreationContext<'_>, options: Options) -> Self {
        let ctx = &creation.egui_ctx;
        let mut told = Vec::new();
        let compute = compute(creation, options.policy, &mut told);
        let jobs = Jobs::new(compute, ctx).expect("the system grants two threads");
        let session_path = options.session.clone().or_else(Session::usual_path);
        let session = read_session(session_path.as_deref(), &mut told);
        let has_session = options.session.is_some();
        let request = session
            .request
            .clone()
            .filter(|_| has_session)
            .unwrap_or_else(demo_request);
        let tree = session
            .layout
            .clone()
            .filter(layout::is_usable)
            .unwrap_or_else(layout::default_tree);
        theme::install(ctx, session.is_presenting);
        ctx.set_theme(session.theme.preference());
        ctx.options_mut(|options| options.fallback_theme = egui::Theme::Dark);
        let mut app = Self {
            views: session.views.clone(),
            saved_as: options.session,
            session,
            session_path,
            request,
            tree,
            jobs,
            snapshot: None,
            failure: None,
            selection: Selection::default(),
            hover: None,
            next_hover: None,
            neighbours: None,
            density: None,
            density_wanted_for: 0,
            report: None,
            thumbnails: None,
            marks: Marks::default(),
            canvas: SphereCanvas::default(),
            circle: CirclePicture::default(),
            log: Vec::new(),
            records: logging::subscribe(),
            toasts: Toasts::default(),
            palette: Palette::default(),
            dialog: None,
            is_helping: false,
            running: None,
            frame_time: Duration::ZERO,
            slow_frames: 0,
            has_warned_of_slowness: false,
            title: String::new(),
        };
        if let Some(state) = &creation.wgpu_render_state {
            app.canvas.connect(state);
        }
        for (level, text) in told {
            app.tell(level, text);
        }
        let report = app.jobs.compute().report().clone();
        app.note(
            Level::Info,
            format!("computing on {report}: {}", report.reason),
        );
        app.start(ctx, options.open);
        app
    }

    fn start(&mut self, ctx: &egui::Context, open: Vec<PathBuf>) {
        if open.is_empty() {
            self.analyse(false);
        }
        for path in open {
            self.dispatch(ctx, Command::Open(OpenTarget::Anything, path));
        }
        if !self.jobs.is_busy() && self.snapshot.is_none() {
            self.analyse(false);
        }
    }

    /// Puts a line into the log, and to standard error.
    pub(super) fn note(&mut self, level: Level, text: impl Into<String>) {
        let text = text.into();
        let severity = match level {
            Level::Info => log::Level::Info,
            Level::Warning => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::log!(target: logging::TOLD, severity, "{text}");
        self.keep(LogLine {
            at: SystemTime::now(),
            level,
            text,
        });
    }

    /// As [`note`](Self::note), and shows it for a moment.
    pub(super) fn tell(&mut self, level: Level, text: impl Into<String>) {
        let text = text.into();
        self.toasts.add(level, text.clone());
        self.note(level, text);
    }

    fn keep(&mut self, line: LogLine) {
        self.log.push(line);
        let surplus = self.log.len().saturating_sub(LOG_LINES);
        self.log.drain(..surplus);
    }

    /// Asks the worker for what is wanted.
    pub(super) fn analyse(&mut self, reads_anew: bool) {
        self.failure = None;
        if let (EncoderSource::File(path), None) = (&self.request.encoder, self.wanted_report()) {
            self.jobs.inspect(path.clone());
        }
        if let Err(why) = self.jobs.analyse(&self.request, reads_anew) {
            self.tell(Level::Error, why);
        }
    }

    /// The newest results.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Whether an analysis is under way.
    pub fn is_busy(&self) -> bool {
        self.jobs.is_busy()
    }

    /// What is wanted: what the snapshot answers, unless work is under way.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The selected points.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The log, oldest first.
    pub fn log(&self) -> &[LogLine] {
        &self.log
    }

    /// How long the window's own work of the last frame took.
    pub fn frame_time(&self) -> Duration {
        self.frame_time
    }

    /// Takes in everything that came from elsewhere since the last frame.
    fn receive(&mut self, ctx: &egui::Context) {
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
        self.running = self.jobs.running();
        self.want_density();
    }

    fn take_event(&mut self, event: WorkerEvent) {
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
            WorkerEvent::DeviceLost { message } => {
                self.jobs.fall_back(&message);
                self.tell(
                    Level::Warning,
                    format!("the graphics device was lost ({message}): computing on the CPU"),
                );
                self.analyse(false);
            }
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

    fn take_outcome(&mut self, ctx: &egui::Context, outcome: Outcome) {
        match outcome {
            Outcome::Early(snapshot) => self.show(ctx, snapshot, IsWhole(false)),
            Outcome::Done(snapshot) => self.show(ctx, snapshot, IsWhole(true)),
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
        if let Some(snapshot) = &self.snapshot {
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
        self.remember_measured(&snapshot);
        if is_whole {
            let request = snapshot.request();
            self.note(
                Level::Info,
                format!(
                    "shown: checkpoint={} images={} kind={} n={}",
                    crate::ui::encoder_title(request),
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
        let Some(measured) = measured(snapshot) else {
            return;
        };
        let history = &mut self.session.history;
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

    /// The key report of the encoder that is wanted: of the results when they are its own, else
    /// what its file was found to hold.
    fn wanted_report(&self) -> Option<&KeyReport> {
        let shown = self
            .snapshot
            .as_ref()
            .filter(|shown| shown.request().encoder == self.request.encoder);
        match (shown, &self.request.encoder) {
            (Some(shown), _) => Some(&shown.analysis.report),
            (None, EncoderSource::File(path)) => {
                self.report.as_ref().filter(|report| report.file == *path)
            }
            (None, EncoderSource::Untrained { .. }) => None,
        }
    }

    /// What panels may read.
    fn world<'a>(
        &'a self,
        report: &'a crate::compute::DeviceReport,
        ctx: &egui::Context,
    ) -> World<'a> {
        World {
            snapshot: self.snapshot.as_ref(),
            request: &self.request,
            report: self.wanted_report(),
            running: self.running.as_ref().filter(|_| self.jobs.is_busy()),
            failure: self.failure.as_deref(),
            selection: &self.selection,
            hover: self.hover,
            neighbours: self.neighbours.as_ref(),
            density: self
                .density
                .as_ref()
                .map(|density| (density.values.as_slice(), density.how.as_str())),
            history: &self.session.history,
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
        let mut tree = std::mem::replace(&mut self.tree, Tree::empty(layout::tree_id()));
        let world = self.world(&report, ui.ctx());
        marks.update(&views.sphere, &world, Tokens::of(ui));
        let mut dock = layout::Dock {
            scale: theme::mark_scale(ui),
            draw: |ui: &mut egui::Ui, pane: Pane| match pane {
                Pane::Sources => panels::sources_ui(&mut views.sphere, &world, commands, ui),
                Pane::Sphere => {
                    panels::sphere_ui(&mut views.sphere, &mut canvas, &marks, &world, commands, ui);
                }
                Pane::Circle => {
                    panels::circle_ui(&mut views.circle, &mut circle, &marks, &world, commands, ui);
                }
                Pane::Pairs => panels::pairs_ui(&world, ui),
                Pane::Plane => panels::plane_ui(&mut views.plane, &world, commands, ui),
                Pane::Figures => panels::figures_ui(&world, commands, ui),
                Pane::Table => panels::table_ui(&mut views.table, &world, commands, ui),
                Pane::Log => panels::log_ui(&world, commands, ui),
            },
        };
        tree.ui(&mut dock, ui);
        (self.views, self.marks, self.canvas, self.circle, self.tree) =
            (views, marks, canvas, circle, tree);
    }

    pub(super) fn set_next_hover(&mut self, row: u32) {
        self.next_hover = Some(row);
    }

    /// The session as it stands.
    pub(super) fn current_session(&self) -> Session {
        Session {
            request: self
                .snapshot
                .as_ref()
                .map(|snapshot| snapshot.request().clone()),
            views: self.views.clone(),
            layout: Some(self.tree.clone()),
            ..self.session.clone()
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
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let began = Instant::now();
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
        if let Some(path) = &self.session_path {
            // The window is gone: standard error is all that is left to tell it.
            if let Err(error) = self.current_session().write(path) {
                log::error!("{error}");
            }
        }
        log::info!(target: logging::TOLD, "closed");
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

fn compute(
    creation: &eframe::CreationContext<'_>,
    policy: DevicePolicy,
    told: &mut Vec<(Level, String)>,
) -> Compute {
    let opened = match &creation.wgpu_render_state {
        Some(state) => Compute::from_window(
            policy,
            GpuHandles {
                instance: state.instance.clone(),
                adapter: state.adapter.clone(),
                device: state.device.clone(),
                queue: state.queue.clone(),
            },
        ),
        None => Compute::headless(DevicePolicy::Cpu),
    };
    opened.unwrap_or_else(|error| {
        told.push((Level::Error, format!("{error}: computing on the CPU")));
        Compute::headless(DevicePolicy::Cpu).expect("the CPU needs no adapter")
    })
}

fn read_session(path: Option<&std::path::Path>, told: &mut Vec<(Level, String)>) -> Session {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Session::default();
    };
    Session::read(path).unwrap_or_else(|error| {
        let aside = match Session::set_aside(path) {
            Some(aside) => format!("; it was moved to {}", aside.display()),
            None => String::new(),
        };
        told.push((
            Level::Error,
            format!("{error}. Starting with the usual settings{aside}"),
        ));
        Session::default()
    })
}

/// The point of the align–uniform plane, when both numbers could be computed.
/// Whether all of an analysis is there.
#[derive(Clone, Copy)]
pub(super) struct IsWhole(pub bool);

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
    })
}
