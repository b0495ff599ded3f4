//! The correlation lab in the window: tables are answered beside the window's thread, sweeps run on
//! a thread of their own.

mod opening;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use self::opening::Opened;
use super::{
    App,
    jobs::Slot,
    lab_figures::export_apart,
    lab_folder::Measuring,
    path_dialog::{PathDialog, Purpose},
};
use crate::{
    analysis::Cache,
    compute::JobId,
    correlation::ScoreSettings,
    data::Table,
    lab::{
        Answer, Judgement, PerformanceSettings, SweepPhase, SweepPreset, SweepRunner, Trails,
        performance,
    },
    ui::{
        Command, FolderState, LabCommand, LabState, Measured, OpenTarget, Pane, TableLink,
        widgets::Level,
    },
};

/// The lab's state that panels do not see.
#[derive(Default)]
pub(super) struct Lab {
    state: LabState,
    /// The open table; relative files in it are looked for below the folder.
    table: Option<(Arc<Table>, Option<PathBuf>)>,
    /// The same encoders along training, where the table is that of a sweep that has them.
    along: Option<Arc<Table>>,
    runner: Option<SweepRunner>,
    /// Grows with every question, so that late answers to older ones are known.
    asked: u64,
    /// A question that found no room on the helper.
    is_waiting: bool,
    answers: Slot<(u64, Result<Reply, String>)>,
    judged: Slot<(String, Result<Vec<Judgement>, String>)>,
    /// The job that measures performance: should it break off, nobody waits for it any more.
    judging: Option<JobId>,
    told: Slot<(Level, String)>,
    /// The series of a folder's checkpoints.
    pub measuring: Measuring,
    opened: Slot<Result<Opened, String>>,
    phase: Option<SweepPhase>,
}

/// What a table says to a question, and what it says along a number.
type Reply = (Answer, Option<Trails>);

impl Lab {
    /// The open table and the folder of its files.
    pub fn open_table(&self) -> Option<(Arc<Table>, Option<PathBuf>)> {
        self.table.clone()
    }

    /// What panels may read.
    pub fn state(&self) -> &LabState {
        &self.state
    }

    /// A job came to its end, with an answer or without.
    pub fn job_ended(&mut self, id: JobId, how: &str) {
        self.measuring.job_ended(id, how);
        if self.judging == Some(id) {
            self.judging = None;
            self.state.is_judging = false;
        }
    }

    /// Where the series of a folder stands.
    pub fn set_folder(&mut self, folder: FolderState) {
        self.state.folder = Some(Arc::new(folder));
    }

    /// The series of a folder is made no longer; whether nothing of it is left.
    pub fn measured_to_its_end(&mut self, is_whole: bool) {
        if self.state.link == TableLink::Measuring {
            self.state.link = if is_whole {
                TableLink::None
            } else {
                TableLink::Unmeasured
            };
        }
    }

    /// The folder that the run was saved in, or opened from.
    pub fn run_folder(&self) -> Option<PathBuf> {
        self.state.run_folder.clone()
    }

    /// The run is another, or saved elsewhere.
    pub fn set_run_folder(&mut self, folder: Option<PathBuf>) {
        self.state.run_folder = folder;
    }

    /// Ends the sweep under way; its thread saves and comes to its end by itself.
    pub fn end(&mut self) {
        if let Some(runner) = self.runner.take() {
            runner.stop();
            let farewell = std::thread::Builder::new().name("spherescope-sweep-end".to_owned());
            if let Err(error) = farewell.spawn(move || drop(runner)) {
                log::warn!("the sweep was waited for: {error}");
            }
        }
    }

    /// Ends the sweep under way and waits until the run in it is saved: the program ends.
    pub fn close(&mut self) {
        drop(self.runner.take());
    }
}

impl App {
    /// Carries out what is asked of the lab.
    pub(super) fn lab(&mut self, ctx: &egui::Context, command: LabCommand) {
        match command {
            LabCommand::AskOpen => self.ask_path(Purpose::LabTable, String::new()),
            LabCommand::Open(path) => self.open_series(&path, false),
            LabCommand::AskColumns => self.choose_columns(),
            LabCommand::UseColumns(mapping) => self.use_columns(mapping),
            LabCommand::UseMeasured => self.use_measured(),
            LabCommand::JudgeShown => self.judge_shown(),
            LabCommand::Ask(question) => {
                self.views.lab.question = question;
                self.ask_series();
            }
            LabCommand::Follow(asked) => {
                self.views.lab.along = asked;
                self.ask_series();
            }
            LabCommand::AskSweep(name) => {
                let folder = documents().join(format!("spherescope-sweep-{name}"));
                self.ask_path(Purpose::Sweep(name), folder.display().to_string());
            }
            LabCommand::StartSweep(name, folder) => {
                match SweepPreset::named(name).and_then(SweepPreset::plan) {
                    Ok(plan) => self.start_sweep(folder, Some(plan)),
                    Err(error) => self.tell(Level::Error, error.to_string()),
                }
            }
            LabCommand::ContinueSweep => match &self.lab.table {
                Some((_, Some(folder))) if self.lab.state.link == TableLink::Unfinished => {
                    let folder = folder.clone();
                    self.start_sweep(folder, None);
                }
                _ => self.tell(Level::Info, "No unfinished sweep is open"),
            },
            LabCommand::PauseSweep => match &self.lab.runner {
                Some(runner) if self.lab.state.is_sweeping() => runner.pause(!runner.is_paused()),
                _ => self.tell(Level::Info, "No sweep is under way"),
            },
            LabCommand::StopSweep => match &self.lab.runner {
                Some(runner) if self.lab.state.is_sweeping() => {
                    runner.pause(false);
                    runner.stop();
                }
                _ => self.tell(Level::Info, "No sweep is under way"),
            },
            LabCommand::FollowSweep => self.follow_sweep(),
            LabCommand::OpenEncoder(index) => {
                let answer = self.lab.state.answer.as_ref();
                let row = answer.and_then(|answer| Some(answer.series.encoders().get(index)?.row));
                self.open_encoder(ctx, row);
            }
            LabCommand::Folder(command) => self.lab_folder(command),
            LabCommand::OpenRow(row) => self.open_encoder(ctx, Some(row)),
            LabCommand::AskExport => {
                if self.lab.state.answer.is_some() {
                    let folder = documents().join("spherescope-correlation");
                    self.ask_path(Purpose::LabExport, folder.display().to_string());
                } else {
                    self.tell(Level::Info, "No table of encoders is open");
                }
            }
            LabCommand::Export(folder) => self.export_series(folder),
        }
        ctx.request_repaint();
    }

    fn ask_path(&mut self, purpose: Purpose, text: String) {
        self.dialog = Some(PathDialog::with_text(purpose, text));
    }

    fn set_series(
        &mut self,
        source: String,
        table: Arc<Table>,
        along: Option<Arc<Table>>,
        folder: Option<PathBuf>,
    ) {
        self.lab.state.source = Some(source);
        self.lab.state.answer = None;
        self.lab.state.trails = None;
        self.lab.state.opened_row = None;
        self.lab.table = Some((table, folder));
        self.lab.along = along;
        self.ask_series();
    }

    /// Shows a table that something makes.
    pub(super) fn show_growing(
        &mut self,
        source: String,
        table: Arc<Table>,
        file: Option<PathBuf>,
        link: TableLink,
    ) {
        self.lab.state.link = link;
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        self.views.lab.source = file;
        self.set_series(source, table, None, folder);
        layout_show(self);
    }

    /// Takes in more rows of the open table.
    pub(super) fn grow(&mut self, table: Arc<Table>) {
        let folder = self.lab.table.take().and_then(|(_, folder)| folder);
        self.lab.table = Some((table, folder));
        self.ask_series();
    }

    fn use_measured(&mut self) {
        let table = table_of(&self.session.history);
        let judged = table.rows().iter().filter(|row| !row[3].is_empty()).count();
        self.lab.state.link = TableLink::None;
        self.views.lab.source = None;
        self.views.lab.columns = None;
        let source = "encoders measured in this window".to_owned();
        self.set_series(source, table.into(), None, None);
        if judged < 3 {
            self.tell(
                Level::Info,
                format!(
                    "{judged} of {} measured encoders have a performance: show one and choose \
                     \"Judge the shown\"",
                    self.session.history.len()
                ),
            );
        }
    }

    /// Has the present question answered beside the window's thread.
    fn ask_series(&mut self) {
        let Some((table, _)) = &self.lab.table else {
            return;
        };
        if table.columns().is_empty() {
            // A sweep that is being opened: its table comes with the first news of it.
            self.lab.state.problem = None;
            return;
        }
        self.lab.asked += 1;
        let (serial, table) = (self.lab.asked, Arc::clone(table));
        let along = self.lab.along.clone();
        let (question, followed) = (
            self.views.lab.question.clone(),
            self.views.lab.along.clone(),
        );
        let slot = self.lab.answers.clone();
        let has_room = self.jobs.help(move |progress| {
            let settings = ScoreSettings::default();
            let reply =
                Answer::new(Arc::clone(&table), &question, settings, progress).and_then(|answer| {
                    let along = along.as_deref().unwrap_or(&table);
                    let question = &answer.question;
                    let columns = &answer.columns;
                    let trails =
                        Trails::new(along, columns, question, &followed, settings, progress)?;
                    Ok((answer, trails))
                });
            if !progress.is_cancelled() {
                slot.put((serial, reply.map_err(|error| error.to_string())));
            }
        });
        self.lab.is_waiting = !has_room;
        self.lab.state.is_working = true;
    }

    fn judge_shown(&mut self) {
        let shown = self.snapshot.as_ref().filter(|shown| !shown.is_of_run());
        let Some(request) = shown.map(|shown| shown.request().clone()) else {
            return self.tell(Level::Info, "No encoder of a file is shown: open one first");
        };
        let compute = self.jobs.compute().clone();
        let slot = self.lab.judged.clone();
        let title = format!("Measuring the performance of {}", request.encoder.title());
        let job = move |progress: &crate::progress::Progress| {
            let cache = &mut Cache::headless();
            let settings = PerformanceSettings::default();
            let judged = performance(&request, &settings, &compute, cache, progress);
            slot.put((
                request.command_line(),
                judged.map_err(|error| error.to_string()),
            ));
        };
        match self.jobs.help_telling_for(title, job) {
            Ok(id) => {
                self.lab.judging = Some(id);
                self.lab.state.is_judging = true;
            }
            Err(why) => self.tell(Level::Warning, why),
        }
    }

    fn start_sweep(&mut self, folder: PathBuf, plan: Option<crate::lab::SweepPlan>) {
        if self.lab.state.is_sweeping() {
            return self.tell(Level::Info, "A sweep is under way: stop it first");
        }
        if (self.lab.runner.as_ref()).is_some_and(|runner| !runner.has_ended()) {
            return self.tell(Level::Info, "The sweep before is still being saved");
        }
        self.lab.end();
        let wake = self.jobs.waker();
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        match SweepRunner::start(folder, plan, self.jobs.compute(), move || wake()) {
            Ok(runner) => {
                self.lab.state.sweep = Some(runner.state());
                self.lab.runner = Some(runner);
                self.lab.phase = None;
                self.follow_sweep();
                layout_show(self);
            }
            Err(error) => self.tell(Level::Error, error.to_string()),
        }
    }

    fn follow_sweep(&mut self) {
        let Some(sweep) = self.lab.state.sweep.clone() else {
            return self.tell(Level::Info, "No sweep has been started");
        };
        self.lab.state.link = TableLink::Following;
        // So that the next window opens it again, whatever becomes of this one.
        self.views.lab.source = Some(sweep.folder.clone());
        self.keep_session();
        // One that goes on is known by its folder alone until it is opened.
        let name = if sweep.name.is_empty() {
            String::new()
        } else {
            format!(" {}", sweep.name)
        };
        let source = format!("sweep{name} in {}", sweep.folder.display());
        let (table, along) = (Arc::clone(&sweep.table), along_of(&sweep));
        self.set_series(source, table, along, Some(sweep.folder.clone()));
    }

    /// Opens the encoder of a row of the table in every view.
    fn open_encoder(&mut self, ctx: &egui::Context, row: Option<usize>) {
        let folder = self
            .lab
            .table
            .as_ref()
            .and_then(|(_, folder)| folder.clone());
        let answer = self.lab.state.answer.clone();
        let path = row.and_then(|row| answer?.path_of_row(row, folder.as_deref()));
        if let Some(step) = row
            && self.open_step(ctx, step)
        {
            self.lab.state.opened_row = row;
            return;
        }
        match path {
            Some(path) => {
                self.lab.state.opened_row = row;
                self.dispatch(ctx, Command::Open(OpenTarget::Anything, path));
            }
            None => self.tell(Level::Info, "The table names no file for this encoder"),
        }
    }

    fn export_series(&mut self, folder: PathBuf) {
        let Some(answer) = self.lab.state.answer.clone() else {
            return self.tell(Level::Info, "No table of encoders is open");
        };
        let compute = self.jobs.compute().clone();
        let trails = self.lab.state.trails.clone();
        let statistic = self.views.lab.statistic;
        let (slot, wake) = (self.lab.told.clone(), self.jobs.waker());
        let title = format!("Exporting to {}", folder.display());
        let job = move |_: &crate::progress::Progress| {
            slot.put(
                match export_apart(&answer, trails.as_deref(), statistic, &folder, &compute) {
                    Ok(text) => (Level::Info, text),
                    Err(error) => (Level::Error, format!("{error:#}")),
                },
            );
            wake();
        };
        if let Err(why) = self.jobs.help_telling(title, job) {
            self.tell(Level::Warning, why);
        }
    }

    /// Takes in what the lab's threads have come to since the last frame.
    pub(super) fn receive_lab(&mut self) {
        if let Some(runner) = &self.lab.runner {
            let newest = runner.state();
            let has_grown = self.lab.state.sweep.as_ref().is_none_or(|known| {
                known.finished != newest.finished
                    || known.total != newest.total
                    || known.along.rows().len() != newest.along.rows().len()
            });
            self.lab.state.sweep = Some(Arc::clone(&newest));
            if has_grown && self.lab.state.link == TableLink::Following {
                self.lab.table = Some((Arc::clone(&newest.table), Some(newest.folder.clone())));
                self.lab.along = along_of(&newest);
                self.ask_series();
            }
            if self.lab.phase != Some(newest.phase) {
                self.lab.phase = Some(newest.phase);
                self.tell_sweep(&newest);
            }
        }
        self.receive_measuring();
        if let Some(outcome) = self.lab.opened.take() {
            self.take_opened(outcome);
        }
        if self.lab.is_waiting {
            self.ask_series();
        }
        if let Some((serial, outcome)) = self.lab.answers.take()
            && serial == self.lab.asked
        {
            self.lab.state.is_working = false;
            match outcome {
                Ok((answer, trails)) => {
                    self.views.lab.question = answer.question.clone();
                    self.lab.state.answer = Some(Arc::new(answer));
                    self.lab.state.trails = trails.map(Arc::new);
                    self.lab.state.problem = None;
                }
                Err(why) => self.lab.state.problem = Some(why),
            }
        }
        if let Some((command_line, outcome)) = self.lab.judged.take() {
            self.lab.state.is_judging = false;
            self.take_judgement(&command_line, outcome);
        }
        if let Some((level, text)) = self.lab.told.take() {
            self.tell(level, text);
        }
    }

    fn tell_sweep(&mut self, sweep: &crate::lab::SweepState) {
        let text = format!(
            "sweep {}: {} of {} runs",
            sweep.name, sweep.finished, sweep.total
        );
        match sweep.phase {
            SweepPhase::Finished => self.tell(Level::Info, format!("{text}, finished")),
            SweepPhase::Stopped => {
                if self.lab.state.link == TableLink::Following {
                    self.lab.state.link = TableLink::Unfinished;
                }
                self.tell(Level::Info, format!("{text}, stopped"));
            }
            SweepPhase::Failed => {
                let why = sweep.message.clone().unwrap_or_default();
                self.tell(Level::Error, format!("{text}: {why}"));
            }
            _ => {}
        }
    }

    fn take_judgement(&mut self, command_line: &str, outcome: Result<Vec<Judgement>, String>) {
        let judged = match outcome {
            Ok(judged) => judged,
            Err(why) => return self.tell(Level::Error, why),
        };
        let mut words = Vec::new();
        let mut values = Vec::new();
        for judgement in &judged {
            match (judgement.value, judgement.chance) {
                (Some(value), Some(chance)) => {
                    values.push((judgement.task.name().to_owned(), value));
                    words.push(format!(
                        "{} {} {value:.3} (chance {chance:.3})",
                        judgement.task, judgement.metric
                    ));
                }
                _ => words.push(format!(
                    "{}: {}",
                    judgement.task,
                    judgement.why_absent.clone().unwrap_or_default()
                )),
            }
        }
        let history = &mut self.session.history;
        if let Some(measured) = history
            .iter_mut()
            .find(|one| one.command_line == command_line)
        {
            measured.performance = values;
        }
        self.tell(Level::Info, words.join("; "));
    }
}

fn layout_show(app: &mut App) {
    super::layout::show(&mut app.tree, Pane::Correlation);
}

/// The measured encoders as a table.
fn table_of(history: &[Measured]) -> Table {
    let tasks = ["linear", "knn"];
    let mut columns: Vec<String> = ["name", "alignment", "uniformity"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(tasks.map(|task| format!("performance:{task}")));
    columns.extend(["alpha", "t", "command"].map(str::to_owned));
    let mut table = Table::new(columns);
    for one in history {
        let mut row = vec![
            one.title.clone(),
            format!("{:.6}", one.alignment),
            format!("{:.6}", one.uniformity),
        ];
        row.extend(tasks.map(|task| {
            let found = one.performance.iter().find(|(name, _)| name == task);
            found.map_or_else(String::new, |(_, value)| format!("{value:.6}"))
        }));
        row.extend([
            one.alpha.to_string(),
            one.t.to_string(),
            one.command_line.clone(),
        ]);
        table.push(row);
    }
    table
}

/// The table along training of a sweep, where it has rows.
fn along_of(sweep: &crate::lab::SweepState) -> Option<Arc<Table>> {
    (!sweep.along.rows().is_empty()).then(|| Arc::clone(&sweep.along))
}

/// Where a new file is proposed to be written.
pub(super) fn documents() -> PathBuf {
    directories::UserDirs::new()
        .and_then(|dirs| {
            dirs.document_dir()
                .or(Some(dirs.home_dir()))
                .map(Path::to_owned)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Worker;

    #[test]
    fn a_measurement_that_broke_off_is_waited_for_no_longer() {
        let worker = Worker::spawn("lab", 2).unwrap();
        let [job, other] = [(); 2].map(|()| worker.submit("", |_| {}).unwrap());
        let mut lab = Lab {
            judging: Some(job),
            ..Lab::default()
        };
        lab.state.is_judging = true;
        lab.job_ended(other, "it was cancelled");
        assert!(lab.state.is_judging, "another job's end");
        lab.job_ended(job, "it was cancelled");
        assert!(!lab.state.is_judging && lab.judging.is_none());
    }
}
