//! The window's state and its beginning.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use egui_tiles::Tree;

use super::{
    Options, Session,
    closing::Closing,
    columns::Columns,
    diagnosis::Verdicts,
    inspector::Inspector,
    jobs::{Jobs, LocalDensity},
    lab::Lab,
    layout, logging,
    palette::Palette,
    path_dialog::PathDialog,
    preview::Preview,
    thumbnails::ThumbnailPages,
    training::Training,
};
use crate::{
    analysis::{EncoderSource, Request, demo_request},
    checkpoint::KeyReport,
    compute::{Compute, DevicePolicy, GpuHandles},
    ui::{
        Command, LogLine, Neighbours, OpenTarget, Pane, Selection, Snapshot, VerdictCommand, Views,
        marks::Marks,
        panels::{CirclePicture, InspectorPictures, sphere::SphereCanvas},
        theme,
        widgets::{Level, Running, Toasts},
    },
};

/// Lines that the log keeps.
const LOG_LINES: usize = 5_000;

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
    pub(super) next_hover: Option<u32>,
    pub(super) neighbours: Option<Neighbours>,
    pub(super) density: Option<LocalDensity>,
    pub(super) density_wanted_for: u64,
    pub(super) landscape: super::landscape::LandscapeState,
    pub(super) landscape_canvas: crate::ui::panels::LandscapeCanvas,
    pub(super) potential: super::potential::PotentialState,
    /// What the newest checkpoint holds, before it is computed.
    pub(super) report: Option<KeyReport>,
    pub(super) thumbnails: Option<ThumbnailPages>,
    pub(super) marks: Marks,
    pub(super) canvas: SphereCanvas,
    pub(super) circle: CirclePicture,
    pub(super) log: Vec<LogLine>,
    pub(super) records: crossbeam_channel::Receiver<LogLine>,
    pub(super) toasts: Toasts,
    pub(super) palette: Palette,
    pub(super) dialog: Option<PathDialog>,
    pub(super) is_helping: bool,
    pub(super) running: Option<Running>,
    pub(super) frame_time: Duration,
    pub(super) frame_rate: super::frame::FrameRate,
    pub(super) slow_frames: u32,
    pub(super) has_warned_of_slowness: bool,
    /// Whether the window was seen to fit the screen, or made to.
    pub(super) is_placed: bool,
    pub(super) title: String,
    pub(super) training: Training,
    pub(super) preview: Preview,
    pub(super) lab: Lab,
    pub(super) columns: Columns,
    pub(super) closing: Closing,
    /// The view that has the whole window.
    pub(super) enlarged: Option<crate::ui::Pane>,
    pub(super) inspector: Inspector,
    pub(super) inspector_pictures: InspectorPictures,
    pub(super) verdicts: Verdicts,
    pub(super) series_verdicts: super::verdict_series::SeriesVerdicts,
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
            landscape: super::landscape::LandscapeState::default(),
            landscape_canvas: crate::ui::panels::LandscapeCanvas::default(),
            potential: super::potential::PotentialState::default(),
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
            frame_rate: super::frame::FrameRate::default(),
            slow_frames: 0,
            has_warned_of_slowness: false,
            is_placed: false,
            title: String::new(),
            training: Training::default(),
            preview: Preview::default(),
            lab: Lab::default(),
            columns: Columns::default(),
            closing: Closing::default(),
            enlarged: None,
            inspector: Inspector::default(),
            inspector_pictures: InspectorPictures::default(),
            verdicts: Verdicts::default(),
            series_verdicts: super::verdict_series::SeriesVerdicts::default(),
        };
        if let Some(state) = &creation.wgpu_render_state {
            super::painting::SoftwarePainting::install(ctx, state);
            app.canvas.connect(state);
            app.landscape_canvas.connect(state);
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
        app.open_series_of_session();
        app
    }

    fn start(&mut self, ctx: &egui::Context, open: Vec<PathBuf>) {
        if open.is_empty() {
            self.analyse(false);
        }
        if super::opening::are_checkpoints(&open) {
            self.dispatch(ctx, Command::Verdicts(VerdictCommand::Judge(open.clone())));
        }
        for path in open {
            self.dispatch(ctx, Command::Open(OpenTarget::Anything, path));
        }
        // A saved run shows its own frames.
        let is_empty = self.snapshot.is_none() && self.training.view().is_none();
        if !self.jobs.is_busy() && is_empty {
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

    pub(super) fn keep(&mut self, line: LogLine) {
        self.log.push(line);
        let surplus = self.log.len().saturating_sub(LOG_LINES);
        self.log.drain(..surplus);
    }

    /// Asks the worker for what is wanted.
    pub(super) fn analyse(&mut self, reads_anew: bool) {
        self.failure = None;
        if let (EncoderSource::File(path), None) = (&self.request.encoder, self.wanted_report()) {
            self.jobs.inspect(path.clone(), self.request.root.clone());
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

    /// The session as it stands.
    pub(super) fn current_session(&self) -> Session {
        Session {
            request: self
                .snapshot
                .as_ref()
                .filter(|snapshot| !snapshot.is_of_run())
                .map(|snapshot| snapshot.request().clone()),
            views: self.views.clone(),
            layout: Some(self.tree.clone()),
            ..self.session.clone()
        }
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
