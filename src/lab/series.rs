//! A series from a folder of checkpoints: each opened, measured and judged.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{LabError, Measure, MeasurePlan, measure_encoder, measuring::row_of, sweep::Axis};
use crate::{
    analysis::{Cache, EncoderSource, ImagesSource, quoted},
    compute::Compute,
    data::{Table, natural_cmp, write_whole},
    progress::Progress,
    training::{own_checkpoints, settings_of_checkpoint},
};

/// Endings of files that may hold an encoder.
const ENDINGS: [&str; 7] = ["safetensors", "pth", "pt", "ckpt", "bin", "th", "tar"];

/// Checkpoint files below a folder, in natural order. What a saved run keeps only to go on with is
/// left out; so are steps that the run which was saved last did not come by, with a line in the log.
///
/// # Errors
/// [`LabError::File`] when the folder cannot be read or holds none.
pub fn checkpoints_in(folder: &Path) -> Result<Vec<PathBuf>, LabError> {
    let refuse = |reason: String| LabError::File {
        path: folder.to_owned(),
        reason,
    };
    let is_state = |entry: &walkdir::DirEntry| {
        entry.file_type().is_dir()
            && entry.file_name() == "state"
            && entry.path().join("latest").exists()
    };
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(folder).into_iter();
    for entry in walk.filter_entry(|entry| !is_state(entry)) {
        let entry = entry.map_err(|error| refuse(error.to_string()))?;
        let ending = entry
            .path()
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        // By the path, not the entry: a link to a file is one too.
        if ENDINGS.contains(&ending.as_str()) && entry.path().is_file() {
            found.push(entry.into_path());
        }
    }
    if found.is_empty() {
        return Err(refuse(format!(
            "no checkpoint is there: files that end in {}",
            ENDINGS.join(", ")
        )));
    }
    leave_branches_out(&mut found);
    found.sort_by(|a, b| natural_cmp(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

/// Leaves out the steps of runs that went back and did not come by there again.
fn leave_branches_out(files: &mut Vec<PathBuf>) {
    let mut runs: HashMap<PathBuf, Option<HashSet<PathBuf>>> = HashMap::new();
    let before = files.len();
    files.retain(|file| {
        let folder = file.parent().unwrap_or(Path::new(""));
        if step_of(file).is_none() {
            return true;
        }
        let own = runs.entry(folder.to_owned()).or_insert_with(|| {
            let own = own_checkpoints(folder)?;
            Some(own.into_iter().map(|(_, file)| file).collect())
        });
        own.as_ref().is_none_or(|own| own.contains(file))
    });
    let left = before - files.len();
    if left > 0 {
        log::info!(
            "{left} of {before} checkpoints are left out: their runs went back to an earlier step \
             and on from there"
        );
    }
}

/// The step in the name of a run's checkpoint.
fn step_of(file: &Path) -> Option<usize> {
    let stem = file.file_stem()?.to_str()?;
    stem.strip_prefix("step-")?.parse().ok()
}

/// What a series of a folder is made by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FolderSeries {
    /// The folder of checkpoints, looked through with all below.
    pub folder: PathBuf,
    /// Over which images.
    pub images: ImagesSource,
    /// What is measured.
    pub plan: MeasurePlan,
}

/// How far a series is.
#[derive(Clone, Copy, Debug)]
pub struct SeriesNews<'a> {
    /// The table so far.
    pub table: &'a Table,
    /// Checkpoints with a row.
    pub done: usize,
    /// Checkpoints in all.
    pub total: usize,
    /// The one that is being measured; none between two and at the end.
    pub now: Option<&'a str>,
    /// Time left at the speed of those that were measured now, seconds.
    pub remaining_s: Option<f64>,
}

impl FolderSeries {
    /// Measures every checkpoint below the folder. Each finished row is written to `out` at once;
    /// rows that are there already, measured by the same plan, are kept, so that a series goes on
    /// where it was left. A file that cannot be used has a row that says why, and is tried again
    /// next time. `each` hears of the rows that were kept, then of every checkpoint before and after
    /// it is measured.
    ///
    /// # Errors
    /// [`LabError`]; what was written to `out` stays. [`LabError::File`] when `out` holds a table of
    /// another plan.
    pub fn measure(
        &self,
        out: Option<&Path>,
        compute: &Compute,
        progress: &Progress,
        mut each: impl FnMut(&SeriesNews<'_>),
    ) -> Result<Table, LabError> {
        self.plan.check()?;
        let mut rows = Rows::begin(self, checkpoints_in(&self.folder)?, out)?;
        if let Some(out) = out {
            self.write_plan(out)?;
        }
        let mut table = rows.table();
        let mut cache = Cache::headless();
        let mut clock = Clock::default();
        let total = rows.files.len();
        each(&rows.news(&table, None, None));
        for place in 0..total {
            progress.check()?;
            progress.report("measuring encoders", place as u64, Some(total as u64));
            if rows.found[place].is_some() {
                continue;
            }
            let remaining_s = clock.remaining_s(rows.left());
            each(&rows.news(&table, Some(&rows.names[place]), remaining_s));
            clock.begin();
            rows.found[place] = Some(self.row(&rows, place, compute, &mut cache, progress)?);
            clock.end();
            table = rows.table();
            if let Some(out) = out {
                table.write(out)?;
            }
            each(&rows.news(&table, None, clock.remaining_s(rows.left())));
        }
        if let Some(out) = out {
            table.write(out)?;
        }
        progress.report("measuring encoders", total as u64, Some(total as u64));
        Ok(table)
    }

    /// The row of one checkpoint.
    fn row(
        &self,
        rows: &Rows,
        place: usize,
        compute: &Compute,
        cache: &mut Cache,
        progress: &Progress,
    ) -> Result<Vec<String>, LabError> {
        let (file, name) = (&rows.files[place], &rows.names[place]);
        let quiet = progress.silent();
        let source = EncoderSource::File(file.clone());
        let (images, plan) = (&self.images, &self.plan);
        let mut fields = match measure_encoder(&source, images, plan, compute, cache, &quiet) {
            Ok(fields) => fields,
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => vec![("notes".to_owned(), format!("{FAILED}{error}"))],
        };
        fields.push(("name".to_owned(), name.clone()));
        let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        fields.push(("path".to_owned(), path.display().to_string()));
        fields.push(("plan".to_owned(), self.fingerprint()));
        fields.extend(of_run(file));
        Ok(row_of(&rows.columns, &fields))
    }

    /// Changes with everything that decides the numbers.
    fn fingerprint(&self) -> String {
        self.plan.fingerprint(&self.images)
    }

    fn columns(&self) -> Vec<String> {
        let mut columns = vec!["name".to_owned()];
        columns.extend(self.plan.columns());
        columns.push("step".to_owned());
        columns.extend(Axis::ALL.iter().map(|axis| axis.name().to_owned()));
        columns.extend(["plan", "path"].map(str::to_owned));
        columns
    }

    /// A file for the rows: in the folder, or in `instead` where nothing can be written there. One
    /// that holds rows of the same plan goes on; one that holds others gets a neighbour.
    pub fn rows_file(&self, instead: &Path) -> PathBuf {
        let folder = if tempfile::tempfile_in(&self.folder).is_ok() {
            &self.folder
        } else {
            instead
        };
        let is_usable = |path: &PathBuf| {
            !path.exists() || kept(path, &self.columns(), &self.fingerprint()).is_ok()
        };
        let named = |number: usize| match number {
            1 => folder.join(format!("{ROWS}.csv")),
            _ => folder.join(format!("{ROWS}-{number}.csv")),
        };
        (1..MOST_FILES)
            .map(named)
            .find(is_usable)
            .unwrap_or_else(|| named(MOST_FILES))
    }

    /// Checkpoints of the folder that `table` has no numbers of, those left to measure, and all.
    ///
    /// # Errors
    /// As [`checkpoints_in`].
    pub fn left(&self, table: &Table) -> Result<[usize; 2], LabError> {
        let files = checkpoints_in(&self.folder)?;
        let notes = table.column("notes");
        let is_kept = |row: &&Vec<String>| notes.is_none_or(|at| !row[at].starts_with(FAILED));
        let known: HashSet<&str> = (table.rows().iter())
            .filter(is_kept)
            .filter_map(|row| Some(row.first()?.as_str()))
            .collect();
        let is_left = |file: &&PathBuf| !known.contains(self.name_of(file).as_str());
        Ok([files.iter().filter(is_left).count(), files.len()])
    }

    /// The command that makes the same rows in `out`.
    pub fn command_line(&self, out: &Path) -> String {
        let plan = &self.plan;
        let mut words = vec![
            "spherescope series".to_owned(),
            quoted(&self.folder.display().to_string()),
        ];
        let mut flag = |name: &str, value: String| {
            words.push(format!("--{name} {}", quoted(&value)));
        };
        for (name, value) in self.images.flags() {
            flag(name, value);
        }
        let each = |of: &dyn Fn(&Measure) -> String| -> String {
            let mut values: Vec<String> = Vec::new();
            for value in plan.measures.iter().map(of) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            values.join(",")
        };
        flag("kinds", each(&|one| one.kind.to_string()));
        flag("pairs", each(&|one| one.pairs.to_string()));
        flag("matching", each(&|one| one.matching.to_string()));
        flag("pair-set", each(&|one| one.pair_set.to_string()));
        flag("alpha", each(&|one| one.alpha.to_string()));
        flag("t", each(&|one| one.t.to_string()));
        for (name, value) in plan.performance.flags() {
            flag(name, value);
        }
        for (name, limit) in [("limit", plan.limit), ("dense-limit", plan.dense_limit)] {
            if let Some(limit) = limit {
                flag(name, limit.to_string());
            }
        }
        flag("seed", plan.seed.to_string());
        flag("out", out.display().to_string());
        words.join(" ")
    }

    fn name_of(&self, file: &Path) -> String {
        let below = file.strip_prefix(&self.folder).unwrap_or(file);
        below.display().to_string()
    }

    /// Writes what the rows in `out` are made by, beside them.
    fn write_plan(&self, out: &Path) -> Result<(), LabError> {
        let path = plan_file(out);
        let failed = |error: std::io::Error| LabError::File {
            path: path.clone(),
            reason: error.to_string(),
        };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        write_whole(&path, |file| file.write_all(&text)).map_err(failed)
    }

    /// What the rows in a file are made by, where that stands beside them and is of these rows.
    pub fn of_rows(out: &Path, table: &Table) -> Option<Self> {
        let text = std::fs::read_to_string(plan_file(out)).ok()?;
        let made: Self = serde_json::from_str(&text).ok()?;
        let plan = table.column("plan")?;
        let fingerprint = made.fingerprint();
        let is_its = table.rows().iter().all(|row| row[plan] == fingerprint);
        (is_its && table.columns() == made.columns()).then_some(made)
    }
}

/// What rows are called in the folder of their checkpoints.
const ROWS: &str = "encoders";
/// Files of rows in one folder, at most.
const MOST_FILES: usize = 1000;

/// The file that says what the rows in `out` are made by.
fn plan_file(out: &Path) -> PathBuf {
    out.with_extension("plan.json")
}

/// Rows of a folder's checkpoints.
struct Rows {
    columns: Vec<String>,
    files: Vec<PathBuf>,
    names: Vec<String>,
    /// A row each file, as soon as it is known.
    found: Vec<Option<Vec<String>>>,
    /// Known rows of files that are gone.
    gone: Vec<Vec<String>>,
}

impl Rows {
    /// With what `out` holds already: all of it is in the table from the start, so that no write
    /// takes a row off the disk.
    fn begin(
        series: &FolderSeries,
        files: Vec<PathBuf>,
        out: Option<&Path>,
    ) -> Result<Self, LabError> {
        let columns = series.columns();
        let known = match out {
            Some(path) if path.exists() => kept(path, &columns, &series.fingerprint())?,
            _ => Table::new(columns.clone()),
        };
        let names: Vec<String> = files.iter().map(|file| series.name_of(file)).collect();
        let row_of = |name: &String| known.rows().iter().find(|row| row[0] == *name).cloned();
        let is_gone = |row: &&Vec<String>| !names.contains(&row[0]);
        Ok(Self {
            found: names.iter().map(row_of).collect(),
            gone: known.rows().iter().filter(is_gone).cloned().collect(),
            columns,
            files,
            names,
        })
    }

    fn table(&self) -> Table {
        let mut table = Table::new(self.columns.clone());
        for row in self.found.iter().flatten().chain(&self.gone) {
            table.push(row.clone());
        }
        table
    }

    fn left(&self) -> usize {
        self.found.iter().filter(|row| row.is_none()).count()
    }

    fn news<'a>(
        &self,
        table: &'a Table,
        now: Option<&'a str>,
        remaining_s: Option<f64>,
    ) -> SeriesNews<'a> {
        SeriesNews {
            table,
            done: self.files.len() - self.left(),
            total: self.files.len(),
            now,
            remaining_s,
        }
    }
}

/// How long a checkpoint takes.
#[derive(Default)]
struct Clock {
    began: Option<Instant>,
    spent_s: f64,
    measured: usize,
}

impl Clock {
    fn begin(&mut self) {
        self.began = Some(Instant::now());
    }

    fn end(&mut self) {
        if let Some(began) = self.began.take() {
            self.spent_s += began.elapsed().as_secs_f64();
            self.measured += 1;
        }
    }

    fn remaining_s(&self, left: usize) -> Option<f64> {
        (self.measured > 0).then(|| self.spent_s / self.measured as f64 * left as f64)
    }
}

/// How the note of an encoder that could not be measured begins.
pub const FAILED: &str = "failed: ";

/// Rows of a table that was made by the same plan, without failures.
fn kept(path: &Path, columns: &[String], fingerprint: &str) -> Result<Table, LabError> {
    let old = Table::read(path)?;
    let other_plan = || LabError::File {
        path: path.to_owned(),
        reason: "it holds a series measured in another way: name another file".to_owned(),
    };
    if old.columns() != columns {
        return Err(other_plan());
    }
    let at = |name: &str| old.column(name).ok_or_else(other_plan);
    let (plan, notes) = (at("plan")?, at("notes")?);
    let mut table = Table::new(columns.to_vec());
    for row in old.rows() {
        if row[plan] != fingerprint {
            return Err(other_plan());
        }
        if !row[notes].starts_with(FAILED) {
            table.push(row.clone());
        }
    }
    Ok(table)
}

/// The step of a run's checkpoint, and the run's settings as they stood then.
fn of_run(file: &Path) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if let Some(step) = step_of(file) {
        fields.push(("step".to_owned(), step.to_string()));
        if let Some(config) = settings_of_checkpoint(file) {
            fields.extend(Axis::fields(&config));
        }
    }
    fields
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
