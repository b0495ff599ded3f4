//! A folder of checkpoints measured into a series, on the thread that judges many checkpoints: the
//! window and its analyses do not wait for it. And the kept frames of a run as a series.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    App,
    jobs::Slot,
    lab::documents,
    path_dialog::{PathDialog, Purpose},
};
use crate::{
    analysis::ImagesSource,
    compute::{JobId, beside_a_window},
    data::{BuiltinConfig, BuiltinKind, Table},
    lab::{
        FolderSeries, LabError, Measure, MeasurePlan, PerformanceSettings, images_of_run,
        series_of_frames,
    },
    ui::{
        FolderCommand, FolderPhase, FolderState, SeriesImages, TableLink, TrainCommand,
        widgets::Level,
    },
};

/// Built-in images of a series: as many, and as large, as the command takes without being told.
const BUILTIN: BuiltinConfig = BuiltinConfig {
    kind: BuiltinKind::SingleObject,
    count: 1024,
    side: 32,
    seed: 1,
};
/// Half of the window that slides along a run's steps, percent, where none was chosen: a step has
/// one row.
const RUN_WINDOW_PERCENT: u8 = 20;

/// The newest of a series.
struct News {
    series: Arc<FolderSeries>,
    state: FolderState,
    table: Arc<Table>,
}

/// The series of a folder: state that panels do not see.
#[derive(Default)]
pub(super) struct Measuring {
    /// What was begun, and the file of its rows.
    begun: Option<(Arc<FolderSeries>, PathBuf)>,
    job: Option<JobId>,
    ended: Option<String>,
    table: Arc<Table>,
    news: Slot<Result<News, String>>,
    browsed: Slot<PathBuf>,
    /// Name and kept steps of the run that the open table is of.
    run: Option<(String, Vec<usize>)>,
    run_job: Option<JobId>,
    run_table: Slot<Table>,
}

impl Measuring {
    /// A job came to its end.
    pub fn job_ended(&mut self, id: JobId, how: &str) {
        if self.job == Some(id) {
            self.job = None;
            self.ended = Some(how.to_owned());
        }
        if self.run_job == Some(id) {
            self.run_job = None;
        }
    }

    /// Takes in rows that were opened and have checkpoints left.
    pub fn found(&mut self, series: Arc<FolderSeries>, file: PathBuf, table: Arc<Table>) {
        self.begun = Some((series, file));
        self.table = table;
    }
}

/// What is to be measured.
enum Wanted {
    Folder {
        folder: PathBuf,
        plan: Box<MeasurePlan>,
        images: SeriesImages,
        shown: ImagesSource,
    },
    Rest(Arc<FolderSeries>, PathBuf),
}

impl Wanted {
    /// The series and the file of its rows: looks at the disk.
    fn settled(self) -> (Arc<FolderSeries>, PathBuf) {
        match self {
            Self::Rest(series, file) => (series, file),
            Self::Folder {
                folder,
                plan,
                images,
                shown,
            } => {
                let builtin = |kind| ImagesSource::Builtin(BuiltinConfig { kind, ..BUILTIN });
                let images = match images {
                    SeriesImages::Fitting => images_of_run(&folder).unwrap_or(shown),
                    SeriesImages::SingleObject => builtin(BuiltinKind::SingleObject),
                    SeriesImages::MultiObject => builtin(BuiltinKind::MultiObject),
                };
                let series = FolderSeries {
                    folder,
                    images,
                    plan: *plan,
                };
                let file = series.rows_file(&documents());
                (Arc::new(series), file)
            }
        }
    }
}

impl App {
    /// Carries out what is asked of a series of checkpoints.
    pub(super) fn lab_folder(&mut self, command: FolderCommand) {
        match command {
            FolderCommand::Ask => {
                self.dialog = Some(PathDialog::with_text(Purpose::Series, String::new()));
            }
            FolderCommand::Browse => self.browse_series(),
            FolderCommand::Measure(folder) => self.measure_folder(&folder),
            FolderCommand::MeasureRun => match self.lab.run_folder() {
                Some(folder) => self.measure_folder(&folder),
                None => self.tell(Level::Info, "No run is saved: save the run first"),
            },
            FolderCommand::GoOn => {
                let is_free = self.lab.measuring.job.is_none();
                match self.lab.measuring.begun.clone().filter(|_| is_free) {
                    Some((series, file)) => self.measure(Wanted::Rest(series, file)),
                    None => self.tell(Level::Info, "No checkpoints are left to measure"),
                }
            }
            FolderCommand::Stop => match self.lab.measuring.job {
                Some(job) => self.jobs.stop_series(job),
                None => self.tell(Level::Info, "No checkpoints are being measured"),
            },
            FolderCommand::Follow => self.follow_measuring(),
            FolderCommand::FollowRun => self.relate_run(),
        }
    }

    fn measure_folder(&mut self, folder: &Path) {
        if self.lab.measuring.job.is_some() {
            return self.tell(
                Level::Info,
                "Checkpoints are being measured: stop that first",
            );
        }
        let (view, request) = (&self.views.lab.folder, &self.request);
        let measures = view.kinds.iter().map(|&kind| Measure {
            kind,
            stage: None,
            pairs: request.pairs,
            matching: request.matching,
            pair_set: request.pair_set,
            alpha: request.alpha,
            t: request.t,
        });
        let plan = MeasurePlan {
            limit: request.limit,
            seed: request.seed,
            measures: measures.collect(),
            performance: PerformanceSettings {
                tasks: view.tasks.clone(),
                ..PerformanceSettings::default()
            },
            ..MeasurePlan::default()
        };
        let wanted = Wanted::Folder {
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            plan: Box::new(plan),
            images: view.images,
            shown: request.images.clone(),
        };
        self.lab.measuring.begun = None;
        self.lab.measuring.table = Arc::default();
        self.measure(wanted);
    }

    fn measure(&mut self, wanted: Wanted) {
        let folder = match &wanted {
            Wanted::Folder { folder, .. } => folder.clone(),
            Wanted::Rest(series, _) => series.folder.clone(),
        };
        let (news, wake) = (self.lab.measuring.news.clone(), self.jobs.waker());
        let compute = self.jobs.compute().clone();
        let job = move |progress: &crate::progress::Progress| {
            let (series, file) = wanted.settled();
            let line: Arc<str> = series.command_line(&file).into();
            let tell = |newest: &crate::lab::SeriesNews<'_>, phase: FolderPhase| {
                let state = FolderState {
                    folder: series.folder.clone(),
                    file: Some(file.clone()),
                    done: newest.done,
                    total: newest.total,
                    now: newest.now.map(str::to_owned),
                    remaining_s: newest.remaining_s,
                    phase,
                    problem: None,
                    command_line: Some(Arc::clone(&line)),
                };
                news.put(Ok(News {
                    series: Arc::clone(&series),
                    state,
                    table: Arc::new(newest.table.clone()),
                }));
                wake();
            };
            let each = |newest: &crate::lab::SeriesNews<'_>| {
                let is_whole = newest.done == newest.total;
                let phase = if is_whole {
                    FolderPhase::Finished
                } else {
                    FolderPhase::Working
                };
                tell(newest, phase);
            };
            let whole = || series.measure(Some(&file), &compute, progress, each);
            let outcome = beside_a_window(&compute, whole)
                .unwrap_or_else(|error| Err(LabError::Thread(error)));
            if let Err(error) = outcome
                && !error.is_cancelled()
            {
                news.put(Err(error.to_string()));
                wake();
            }
        };
        let id = self.jobs.judge_series("Measuring encoders", job);
        if id.is_none() {
            return self.tell(Level::Warning, "Too much is waiting: try again in a moment");
        }
        self.lab.measuring.job = id;
        self.lab.measuring.ended = None;
        self.lab.set_folder(FolderState {
            folder,
            ..FolderState::default()
        });
        self.follow_measuring();
    }

    /// Shows the table of the series as it grows.
    fn follow_measuring(&mut self) {
        let Some(folder) = self.lab.state().folder.clone() else {
            return self.tell(Level::Info, "No folder of checkpoints has been measured");
        };
        let link = if self.lab.measuring.job.is_some() {
            TableLink::Measuring
        } else if folder.phase == FolderPhase::Finished {
            TableLink::None
        } else {
            TableLink::Unmeasured
        };
        let source = format!("checkpoints in {}", folder.folder.display());
        let table = Arc::clone(&self.lab.measuring.table);
        self.views.lab.columns = None;
        self.show_growing(source, table, folder.file.clone(), link);
    }

    /// Takes in what was measured since the last frame of the window.
    pub(super) fn receive_measuring(&mut self) {
        if let Some(folder) = self.lab.measuring.browsed.take() {
            self.dialog = None;
            self.lab_folder(FolderCommand::Measure(folder));
        }
        match self.lab.measuring.news.take() {
            Some(Ok(news)) => self.take_measured(news),
            Some(Err(why)) => self.lab.measuring.ended = Some(why),
            None => {}
        }
        if self.lab.measuring.job.is_none()
            && let Some(how) = self.lab.measuring.ended.take()
        {
            self.end_measuring(&how);
        }
        self.receive_run();
    }

    fn take_measured(&mut self, news: News) {
        let file = news.state.file.clone();
        let is_first = self.lab.measuring.begun.is_none();
        let has_grown = self.lab.measuring.table != news.table || is_first;
        self.lab.measuring.table = Arc::clone(&news.table);
        self.lab.measuring.begun = file.clone().map(|file| (news.series, file));
        self.lab.set_folder(news.state);
        if self.lab.state().link != TableLink::Measuring {
            return;
        }
        if self.views.lab.source != file {
            // So that the next window opens it again, whatever becomes of this one.
            self.views.lab.source = file;
            self.keep_session();
        }
        if has_grown {
            self.grow(news.table);
        }
    }

    fn end_measuring(&mut self, how: &str) {
        let Some(mut folder) = self.lab.state().folder.as_deref().cloned() else {
            return;
        };
        let name = folder.folder.display().to_string();
        let text = format!(
            "{name}: {} of {} checkpoints measured",
            folder.done, folder.total
        );
        folder.now = None;
        folder.remaining_s = None;
        let is_whole = folder.phase == FolderPhase::Finished;
        if is_whole {
            self.tell(Level::Info, text);
        } else {
            folder.phase = FolderPhase::Stopped;
            // A stop that was asked for is no problem.
            if how == STOPPED {
                self.tell(Level::Info, format!("{text}, stopped"));
            } else {
                folder.problem = Some(format!("{name}: {how}"));
                self.tell(Level::Warning, format!("{text}: {how}"));
            }
        }
        self.lab.set_folder(folder);
        self.lab.measured_to_its_end(is_whole);
    }

    /// Opens the system's dialog on a thread of its own; its answer comes through a slot.
    fn browse_series(&mut self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Folder of checkpoints");
        let picked = Box::pin(dialog.pick_folder());
        let (slot, wake) = (self.lab.measuring.browsed.clone(), self.jobs.waker());
        let spawned = std::thread::Builder::new()
            .name("spherescope-dialog".to_owned())
            .spawn(move || {
                if let Some(folder) = pollster::block_on(picked) {
                    slot.put(folder.path().to_owned());
                    wake();
                }
            });
        if let Err(error) = spawned {
            self.tell(
                Level::Error,
                format!("the system's dialog could not be opened: {error}"),
            );
        }
    }

    /// Relates the kept frames of the run.
    fn relate_run(&mut self) {
        let Some(view) = self.training.view() else {
            return self.tell(Level::Info, "No run has been started");
        };
        let source = format!("snapshots of the run {}", view.state.config.name);
        self.lab.measuring.run = None;
        self.views.lab.columns = None;
        let along = &mut self.views.lab.along;
        if along.window_percent == 0 {
            along.window_percent = RUN_WINDOW_PERCENT;
        }
        self.show_growing(source, Arc::default(), None, TableLink::Run);
    }

    /// Makes the table anew when the run has kept another frame.
    fn receive_run(&mut self) {
        if self.lab.state().link != TableLink::Run {
            return;
        }
        if let Some(table) = self.lab.measuring.run_table.take() {
            self.grow(Arc::new(table));
        }
        let Some(view) = self.training.view() else {
            return;
        };
        let state = &view.state;
        let is_new = (self.lab.measuring.run.as_ref())
            .is_none_or(|(name, steps)| *name != state.config.name || *steps != state.frames);
        if !is_new || self.lab.measuring.run_job.is_some() || state.frames.is_empty() {
            return;
        }
        let now = (state.config.name.clone(), state.frames.clone());
        let frames = self.training.frames();
        let slot = self.lab.measuring.run_table.clone();
        let job = self.jobs.help_for(move |progress| {
            if let Ok(table) = series_of_frames(&frames, progress) {
                slot.put(table);
            }
        });
        // Without room it is tried with the next frame of the window.
        if job.is_some() {
            self.lab.measuring.run_job = job;
            self.lab.measuring.run = Some(now);
        }
    }

    /// The step of a row of the run's table; whether the open table is one.
    pub(super) fn open_step(&mut self, ctx: &egui::Context, row: usize) -> bool {
        if self.lab.state().link != TableLink::Run {
            return false;
        }
        let step = self.lab.open_table().and_then(|(table, _)| {
            let field = table.rows().get(row.checked_sub(1)?)?;
            field.get(table.column("step")?)?.parse().ok()
        });
        if let Some(step) = step {
            self.train(ctx, TrainCommand::LookAt(Some(step)));
        }
        true
    }
}

/// How the end of a job that was stopped is told.
const STOPPED: &str = "it was cancelled";
