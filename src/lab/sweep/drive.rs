//! Doing a sweep: run after run, each finished one a row that stays.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    Axis, PlannedRun, SweepPlan, agreement,
    course::{Clock, Course},
};
use crate::{
    analysis::{AnalysisError, Cache, EncoderSource},
    compute::{Compute, ComputeError, panic_message},
    data::{Resize, Table, write_whole},
    features::FeatureError,
    lab::{
        LabError, MeasurePlan,
        answer::ON_OWN_IMAGES,
        measure_encoder,
        measuring::{push, put},
        series::FAILED,
    },
    progress::Progress,
    training::{Curves, Run, TrainingError},
};

/// The table of finished runs, below the sweep's folder.
const SERIES: &str = "series.csv";
/// The table of encoders along training.
const ALONG: &str = "along.csv";
/// The plan.
const PLAN: &str = "sweep.toml";
/// Steps between two reports.
const REPORT_EVERY: usize = 5;

/// Where a sweep stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SweepPhase {
    /// Opening what there is.
    #[default]
    Preparing,
    /// Training.
    Training,
    /// Measuring an encoder.
    Measuring,
    /// Waiting.
    Paused,
    /// All runs have their row.
    Finished,
    /// Ended by a wish; it can go on later.
    Stopped,
    /// Ended by trouble; what was finished stays.
    Failed,
}

/// All that there is to know of a sweep.
#[derive(Clone, Debug, Default)]
pub struct SweepState {
    /// What it is called.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Where it stands.
    pub phase: SweepPhase,
    /// Runs with their row.
    pub finished: usize,
    /// Runs in all.
    pub total: usize,
    /// The run under way.
    pub run: String,
    /// Its steps done, and in all.
    pub steps: [usize; 2],
    /// Time left at the speed so far, seconds.
    pub remaining_s: Option<f64>,
    /// The table so far.
    pub table: Arc<Table>,
    /// The table of encoders along training so far.
    pub along: Arc<Table>,
    /// What went wrong, or was done last.
    pub message: Option<String>,
}

/// What is said to a sweep from outside.
#[derive(Clone, Debug, Default)]
pub struct SweepControl(Arc<AtomicBool>);

impl SweepControl {
    /// Lets it wait after the step under way, or go on.
    pub fn pause(&self, is_paused: bool) {
        self.0.store(is_paused, Ordering::Relaxed);
    }

    /// Whether it is to wait.
    pub fn is_paused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A sweep with its folder: `sweep.toml`, `series.csv` with a row each finished run, `along.csv`
/// with a row each encoder on the way, both as Parquet too once all is done, and the runs
/// themselves.
#[derive(Debug)]
pub struct Sweep {
    folder: PathBuf,
    plan: SweepPlan,
    runs: Vec<PlannedRun>,
    table: Table,
    along: Table,
}

impl Sweep {
    /// Opens the sweep in `folder`, which is made when it is not there. With a plan the folder must
    /// be empty, or hold a sweep of the same plan, which then goes on; without one it must hold a
    /// sweep.
    ///
    /// # Errors
    /// [`LabError`], also when rows or runs that are there were made with other settings than the
    /// plan has now; nothing is changed then.
    pub fn open(folder: &Path, plan: Option<SweepPlan>) -> Result<Self, LabError> {
        let refuse = |reason: &str| LabError::File {
            path: folder.to_owned(),
            reason: reason.to_owned(),
        };
        let path = folder.join(PLAN);
        let plan = match (plan, path.exists()) {
            (Some(plan), true) => {
                // Compared as text: what a file cannot hold must not count as another plan.
                if SweepPlan::open(&path)?.to_toml()? != plan.to_toml()? {
                    return Err(refuse("another sweep is there: name another folder"));
                }
                plan
            }
            (None, true) => SweepPlan::open(&path)?,
            (None, false) => return Err(refuse("no sweep is there: it has no sweep.toml")),
            (Some(plan), false) => {
                plan.runs()?;
                let is_used = folder
                    .read_dir()
                    .is_ok_and(|mut entries| entries.next().is_some());
                if is_used {
                    return Err(refuse("something else is there: name an empty folder"));
                }
                let failed = |error: std::io::Error| refuse(&error.to_string());
                std::fs::create_dir_all(folder).map_err(failed)?;
                let text = plan.to_toml()?;
                write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(failed)?;
                plan
            }
        };
        let runs = plan.runs()?;
        let mut columns = vec!["name".to_owned()];
        columns.extend(plan.measure.columns());
        columns.push("step".to_owned());
        columns.extend(Axis::ALL.iter().map(|axis| axis.name().to_owned()));
        columns.extend(["seconds", "path"].map(str::to_owned));
        let table = |name: &str| -> Result<Table, LabError> {
            let path = folder.join(name);
            if !path.exists() {
                return Ok(Table::new(columns.clone()));
            }
            let table = Table::read(&path)?;
            if table.columns() == columns {
                Ok(table)
            } else {
                Err(LabError::File {
                    path,
                    reason: "it has other columns than this sweep writes".to_owned(),
                })
            }
        };
        let [table, along] = [table(SERIES)?, table(ALONG)?];
        agreement::check(folder, &plan, &runs, [&table, &along])?;
        Ok(Self {
            table,
            along,
            folder: folder.to_owned(),
            plan,
            runs,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// A row each finished run.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The file of that table.
    pub fn table_path(&self) -> PathBuf {
        self.folder.join(SERIES)
    }

    /// A row each encoder on the way, the last ones included; empty unless the plan asks for it.
    pub fn along(&self) -> &Table {
        &self.along
    }

    /// All runs.
    pub fn runs(&self) -> &[PlannedRun] {
        &self.runs
    }

    /// Runs that have no row yet, or one that says only that they failed.
    pub fn unfinished(&self) -> impl Iterator<Item = &PlannedRun> {
        self.runs
            .iter()
            .filter(|run| !is_finished(&self.table, &run.name))
    }

    /// How it stands before anything is done.
    pub fn state(&self) -> SweepState {
        SweepState {
            name: self.plan.name.clone(),
            folder: self.folder.clone(),
            finished: self.runs.len() - self.unfinished().count(),
            total: self.runs.len(),
            table: Arc::new(self.table.clone()),
            along: Arc::new(self.along.clone()),
            ..SweepState::default()
        }
    }

    /// Does what is left. A run that was broken off goes on from its last save, to the same
    /// numbers. A run that diverges has a row that says so, and the sweep goes on; so it does after
    /// other trouble of one run, which is tried again the next time. `tell` hears of every change
    /// from this thread.
    ///
    /// # Errors
    /// [`LabError::Cancelled`] once `progress` was cancelled, with the run under way saved; and
    /// trouble with files and images, which the next run would meet too. Finished rows stay.
    pub fn drive(
        &mut self,
        compute: &Compute,
        control: &SweepControl,
        progress: &Progress,
        mut tell: impl FnMut(&SweepState),
    ) -> Result<(), LabError> {
        let mut course = Course {
            state: self.state(),
            control,
            progress,
            tell: &mut tell,
            clock: Clock::default(),
        };
        course.publish();
        agreement::note(&self.folder, &self.plan)?;
        let mut compute = compute.clone();
        let left: Vec<PlannedRun> = self.unfinished().cloned().collect();
        course.clock.steps_left = left.iter().map(|run| run.config.steps).sum();
        for run in &left {
            progress.check()?;
            let began = Instant::now();
            let mut outcome = self.attempt(run, &compute, &mut course);
            if outcome.as_ref().is_err_and(|error| !error.is_cancelled())
                && let Err(lost @ ComputeError::DeviceLost { .. }) = compute.probe()
            {
                log::warn!("{lost}: the sweep goes on on the CPU");
                course.state.message = Some(format!("{lost}: went on on the CPU"));
                compute = compute.fall_back(&lost.to_string());
                outcome = self.attempt(run, &compute, &mut course);
            }
            let mut fields = match outcome {
                Ok(fields) => fields,
                Err(error) if error.is_cancelled() => return Err(error),
                Err(error) if stops_all(&error) => return Err(error),
                Err(error) => {
                    log::warn!("{}: {error}", run.name);
                    course.state.message = Some(format!("{}: {error}", run.name));
                    let mut fields = Axis::fields(&run.config);
                    // A run that diverged would again; anything else is worth another try.
                    let note = match &error {
                        LabError::Training(TrainingError::Diverged { .. }) => error.to_string(),
                        _ => format!("{FAILED}{error}"),
                    };
                    fields.push(("notes".to_owned(), note));
                    fields
                }
            };
            fields.push(("name".to_owned(), run.name.clone()));
            fields.push((
                "seconds".to_owned(),
                format!("{:.1}", began.elapsed().as_secs_f64()),
            ));
            put(&mut self.table, &fields);
            self.table.write(&self.folder.join(SERIES))?;
            course.state.finished += 1;
            course.state.table = Arc::new(self.table.clone());
            course.publish();
        }
        self.write_parquet()?;
        course.state.phase = SweepPhase::Finished;
        course.state.remaining_s = None;
        course.publish();
        Ok(())
    }

    /// The finished tables once more, with typed columns. They are for other programs: going on
    /// reads the text ones.
    fn write_parquet(&self) -> Result<(), LabError> {
        for (name, table) in [(SERIES, &self.table), (ALONG, &self.along)] {
            if !table.rows().is_empty() {
                table.write(&self.folder.join(name).with_extension("parquet"))?;
            }
        }
        Ok(())
    }

    /// [`one`](Self::one), where a panic (a lost device makes some) is an error like any other.
    fn attempt(
        &mut self,
        planned: &PlannedRun,
        compute: &Compute,
        course: &mut Course<'_>,
    ) -> Result<Vec<(String, String)>, LabError> {
        let one = std::panic::AssertUnwindSafe(|| self.one(planned, compute, course));
        std::panic::catch_unwind(one).unwrap_or_else(|panic| {
            Err(TrainingError::Broken(panic_message(panic.as_ref())).into())
        })
    }

    /// One run to its end: the fields of its row.
    fn one(
        &mut self,
        planned: &PlannedRun,
        compute: &Compute,
        course: &mut Course<'_>,
    ) -> Result<Vec<(String, String)>, LabError> {
        let quiet = course.progress.silent();
        let folder = self.folder.join(&planned.folder);
        course.state.run.clone_from(&planned.name);
        course.state.phase = SweepPhase::Training;
        course.at(0, planned.config.steps);
        let (mut run, mut curves) = if Run::is_saved_in(&folder) {
            Run::resume(&folder, compute, &quiet)?
        } else {
            (
                Run::new(planned.config.clone(), compute, &quiet)?,
                Curves::default(),
            )
        };
        let total = planned.config.steps;
        course.clock.skip(run.step_count());
        let mut saved = None;
        loop {
            let step = run.step_count();
            // Asked before the step, so that a run that was broken off while it was measured is
            // measured there when it goes on.
            let is_due = self.plan.measure_at.contains(&step)
                && (1..total).contains(&step)
                && !has(&self.along, &planned.name, step);
            if is_due {
                let file = match saved.take() {
                    Some(file) => file,
                    None => run.save(&folder, &curves)?,
                };
                let fields = self.measured(planned, &file, step, compute, course)?;
                self.keep_along(&fields, course)?;
            }
            if step >= total {
                break;
            }
            if let Err(cancelled) = course.wait() {
                if step > 0 {
                    run.save(&folder, &curves)?;
                }
                return Err(cancelled.into());
            }
            let report = run.step(&quiet)?;
            curves.note(&report);
            course.clock.step();
            if report.step.is_multiple_of(REPORT_EVERY) {
                course.at(report.step, total);
            }
            saved = if report.step.is_multiple_of(self.plan.save_every) {
                Some(run.save(&folder, &curves)?)
            } else {
                None
            };
        }
        let file = match saved {
            Some(file) => file,
            None => run.save(&folder, &curves)?,
        };
        let fields = self.measured(planned, &file, total, compute, course)?;
        if !self.plan.measure_at.is_empty() && !has(&self.along, &planned.name, total) {
            self.keep_along(&fields, course)?;
        }
        Ok(fields)
    }

    fn keep_along(
        &mut self,
        fields: &[(String, String)],
        course: &mut Course<'_>,
    ) -> Result<(), LabError> {
        push(&mut self.along, fields);
        self.along.write(&self.folder.join(ALONG))?;
        course.state.along = Arc::new(self.along.clone());
        course.publish();
        Ok(())
    }

    fn measured(
        &self,
        planned: &PlannedRun,
        file: &Path,
        step: usize,
        compute: &Compute,
        course: &mut Course<'_>,
    ) -> Result<Vec<(String, String)>, LabError> {
        course.state.phase = SweepPhase::Measuring;
        course.publish();
        let plan = MeasurePlan {
            normalisation: self
                .plan
                .measure
                .normalisation
                .or(planned.config.normalisation),
            resize: (self.plan.measure.resize).or(planned.config.side.map(Resize::Square)),
            ..self.plan.measure.clone()
        };
        let source = EncoderSource::File(file.to_owned());
        let quiet = course.progress.silent();
        // A cache of its own: nothing of one encoder is of use to the next.
        let cache = &mut Cache::headless();
        let mut fields = measure_encoder(&source, &planned.images, &plan, compute, cache, &quiet)?;
        if planned.is_measured_on_its_own_images()
            && let Some((_, notes)) = fields.iter_mut().find(|(name, _)| name == "notes")
        {
            *notes = if notes.is_empty() {
                ON_OWN_IMAGES.to_owned()
            } else {
                format!("{notes}; {ON_OWN_IMAGES}")
            };
        }
        fields.extend(Axis::fields(&planned.config));
        fields.push(("name".to_owned(), planned.name.clone()));
        fields.push(("step".to_owned(), step.to_string()));
        // Relative to the sweep's folder, which may be moved.
        let path = file.strip_prefix(&self.folder).unwrap_or(file);
        fields.push(("path".to_owned(), path.display().to_string()));
        course.state.phase = SweepPhase::Training;
        Ok(fields)
    }
}

/// Whether a table has a row of this name and step.
fn has(table: &Table, name: &str, step: usize) -> bool {
    let (Some(names), Some(steps)) = (table.column("name"), table.column("step")) else {
        return false;
    };
    let step = step.to_string();
    (table.rows().iter()).any(|row| row[names] == name && row[steps] == step)
}

/// Whether a table has a row of this name that is no failure to be tried again.
fn is_finished(table: &Table, name: &str) -> bool {
    let (Some(names), Some(notes)) = (table.column("name"), table.column("notes")) else {
        return false;
    };
    (table.rows().iter()).any(|row| row[names] == name && !row[notes].starts_with(FAILED))
}

/// Whether the trouble is with files, images or the system, not with the one run.
fn stops_all(error: &LabError) -> bool {
    match error {
        LabError::Table(_) | LabError::File { .. } | LabError::Data(_) | LabError::Thread(_) => {
            true
        }
        LabError::Training(error) => match error {
            TrainingError::Save { .. }
            | TrainingError::Resume { .. }
            | TrainingError::Settings { .. }
            | TrainingError::NothingDecoded { .. }
            | TrainingError::Data(_)
            | TrainingError::Checkpoint(_)
            | TrainingError::Thread(_) => true,
            TrainingError::Features(error) => is_of_images(error),
            TrainingError::Analysis(error) => stops_measuring(error),
            _ => false,
        },
        LabError::Analysis(error) => stops_measuring(error),
        _ => false,
    }
}

fn stops_measuring(error: &AnalysisError) -> bool {
    match error {
        AnalysisError::Data(_) | AnalysisError::Checkpoint(_) => true,
        AnalysisError::Features(error) => is_of_images(error),
        _ => false,
    }
}

fn is_of_images(error: &FeatureError) -> bool {
    matches!(
        error,
        FeatureError::Data(_) | FeatureError::NothingDecoded { .. }
    )
}

#[cfg(test)]
#[path = "drive_tests.rs"]
pub(super) mod tests;
