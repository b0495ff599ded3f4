//! A series from a folder of checkpoints: each opened, measured and judged.

use std::path::{Path, PathBuf};

use super::{LabError, MeasurePlan, measure_encoder, measuring::row_of, sweep::Axis};
use crate::{
    analysis::{Cache, EncoderSource, ImagesSource},
    compute::Compute,
    data::{Table, natural_cmp},
    progress::Progress,
    training::RunConfig,
};

/// Endings of files that may hold an encoder.
const ENDINGS: [&str; 7] = ["safetensors", "pth", "pt", "ckpt", "bin", "th", "tar"];

/// Checkpoint files below a folder, in natural order. What a saved run keeps only to go on with is
/// left out.
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
    found.sort_by(|a, b| natural_cmp(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

/// Measures every checkpoint below `folder`. Each finished row is written to `out` at once; rows
/// that are there already, measured by the same plan, are kept, so that a series goes on where it
/// was left. A file that cannot be used has a row that says why, and is tried again next time.
/// `each` sees the table after every row.
///
/// # Errors
/// [`LabError`]; what was written to `out` stays. [`LabError::File`] when `out` holds a table of
/// another plan.
pub fn series_of_folder(
    folder: &Path,
    images: &ImagesSource,
    plan: &MeasurePlan,
    out: Option<&Path>,
    compute: &Compute,
    progress: &Progress,
    mut each: impl FnMut(&Table),
) -> Result<Table, LabError> {
    plan.check()?;
    let files = checkpoints_in(folder)?;
    let fingerprint = plan.fingerprint(images);
    let mut columns = vec!["name".to_owned()];
    columns.extend(plan.columns());
    columns.push("step".to_owned());
    columns.extend(Axis::ALL.iter().map(|axis| axis.name().to_owned()));
    columns.extend(["plan", "path"].map(str::to_owned));
    let known = match out {
        Some(path) if path.exists() => kept(path, &columns, &fingerprint)?,
        _ => Table::new(columns.clone()),
    };
    let names: Vec<String> = files
        .iter()
        .map(|file| {
            let below = file.strip_prefix(folder).unwrap_or(file);
            below.display().to_string()
        })
        .collect();
    // Every known row is in the table from the start, so that no write takes it off the disk.
    let mut rows: Vec<Option<Vec<String>>> = names
        .iter()
        .map(|name| known.rows().iter().find(|row| row[0] == *name).cloned())
        .collect();
    let gone: Vec<Vec<String>> = (known.rows().iter())
        .filter(|row| !names.contains(&row[0]))
        .cloned()
        .collect();
    let table_of = |rows: &[Option<Vec<String>>]| {
        let mut table = Table::new(columns.clone());
        for row in rows.iter().flatten().chain(&gone) {
            table.push(row.clone());
        }
        table
    };
    let mut table = table_of(&rows);
    let mut cache = Cache::headless();
    let total = Some(files.len() as u64);
    for (place, (file, name)) in files.iter().zip(&names).enumerate() {
        progress.check()?;
        progress.report("measuring encoders", place as u64, total);
        if rows[place].is_some() {
            continue;
        }
        let quiet = progress.silent();
        let source = EncoderSource::File(file.clone());
        let mut fields = match measure_encoder(&source, images, plan, compute, &mut cache, &quiet) {
            Ok(fields) => fields,
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => vec![("notes".to_owned(), format!("{FAILED}{error}"))],
        };
        fields.push(("name".to_owned(), name.clone()));
        let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        fields.push(("path".to_owned(), path.display().to_string()));
        fields.push(("plan".to_owned(), fingerprint.clone()));
        fields.extend(of_run(file));
        rows[place] = Some(row_of(&columns, &fields));
        table = table_of(&rows);
        if let Some(out) = out {
            table.write(out)?;
        }
        each(&table);
    }
    if let Some(out) = out {
        table.write(out)?;
    }
    progress.report("measuring encoders", files.len() as u64, total);
    Ok(table)
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

/// What the settings of the run say that saved this checkpoint, and its step.
fn of_run(file: &Path) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let Some(step) = stem
        .strip_prefix("step-")
        .and_then(|step| step.parse::<usize>().ok())
    else {
        return fields;
    };
    fields.push(("step".to_owned(), step.to_string()));
    let settings = file.with_file_name("run.toml");
    if let Ok(config) = RunConfig::open(&settings) {
        fields.extend(Axis::fields(&config));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compute::DevicePolicy,
        data::{BuiltinConfig, BuiltinKind},
        lab::{PerformanceSettings, Task},
    };

    fn bundled_into(folder: &Path) {
        let encoders = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
        for name in ["healthy", "complete-collapse"] {
            let file = format!("{name}.safetensors");
            std::fs::copy(encoders.join(&file), folder.join(&file)).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_checkpoint_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("linked.safetensors");
        let file = "assets/encoders/healthy.safetensors";
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        std::os::unix::fs::symlink(file, &link).unwrap();
        assert_eq!(checkpoints_in(folder.path()).unwrap(), [link]);
    }

    #[test]
    fn a_folder_becomes_a_table_that_goes_on_where_it_was_left() {
        let folder = tempfile::tempdir().unwrap();
        bundled_into(folder.path());
        std::fs::write(folder.path().join("broken.pth"), b"nothing").unwrap();
        let out = folder.path().join("series.csv");
        let images = ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 96,
            side: 32,
            seed: 1,
        });
        let plan = MeasurePlan {
            performance: PerformanceSettings {
                tasks: vec![Task::Knn],
                ..PerformanceSettings::default()
            },
            ..MeasurePlan::default()
        };
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let go = |progress: &Progress, each: &mut dyn FnMut(&Table)| {
            let out = Some(out.as_path());
            series_of_folder(folder.path(), &images, &plan, out, &compute, progress, each)
        };
        // Cancelled after the second row: both stay.
        let progress = Progress::none();
        let outcome = go(&progress, &mut |table| {
            if table.rows().len() == 2 {
                progress.cancel();
            }
        });
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(Table::read(&out).unwrap().rows().len(), 2);
        // The failed row comes first and is tried again; a cancel right after it must not take the
        // finished row, which comes later, off the disk.
        let progress = Progress::none();
        let outcome = go(&progress, &mut |_| progress.cancel());
        assert!(outcome.unwrap_err().is_cancelled());
        let kept = Table::read(&out).unwrap();
        let names: Vec<&str> = kept.rows().iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["broken.pth", "complete-collapse.safetensors"]);
        let mut fresh = 0;
        let table = go(&Progress::none(), &mut |_| fresh += 1).unwrap();
        // The broken one is tried again, the finished one is not.
        assert_eq!((fresh, table.rows().len()), (2, 3));
        assert_eq!(Table::read(&out).unwrap(), table);
        let field =
            |row: usize, column: &str| table.rows()[row][table.column(column).unwrap()].clone();
        assert!(field(0, "notes").starts_with(FAILED) && field(0, "alignment").is_empty());
        let number = |row, column: &str| field(row, column).parse::<f64>().unwrap();
        // complete-collapse, healthy.
        assert!(number(1, "uniformity") > number(2, "uniformity"));
        assert_eq!(field(2, "performance"), field(2, "performance:knn"));
        let other = MeasurePlan {
            seed: 5,
            ..plan.clone()
        };
        let refused = series_of_folder(
            folder.path(),
            &images,
            &other,
            Some(&out),
            &compute,
            &Progress::none(),
            |_| {},
        );
        assert!(refused.unwrap_err().to_string().contains("another way"));
    }
}
