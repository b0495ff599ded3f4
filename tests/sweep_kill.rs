//! A sweep whose process is killed in the middle, again and again, ends as one that never was.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use spherescope::data::Table;

/// Longest wait for what a free core does in a few seconds.
const PATIENCE: Duration = Duration::from_mins(5);

const PLAN: &str = "name = \"short\"\nimage-count = 48\nsave-every = 3\nmeasure-at = [4]\n\
    [base]\nsteps = 12\nbatch = 8\narchitecture = \"tiny:4\"\n\
    [measure]\nmeasures = [{ kind = \"pooled\" }]\n\
    [measure.performance]\ntasks = [\"knn\"]\n\
    [[parts]]\nvary = { uniform-weight = [0, 1], seed = [1, 2] }\n";

fn sweep(plan: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spherescope"));
    command.args(["--device", "cpu", "sweep", "--config"]);
    command.arg(plan).arg("--out").arg(out);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Bytes below the runs' folders, and rows of the table: grows with every step that is saved.
fn done(out: &Path) -> (usize, u64) {
    let rows = Table::read(&out.join("series.csv")).map_or(0, |table| table.rows().len());
    let files = walkdir::WalkDir::new(out.join("runs")).into_iter();
    let bytes = files
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|data| data.len())
        .sum();
    (rows, bytes)
}

/// The table without what depends on the clock.
fn numbers(file: &Path) -> Vec<Vec<String>> {
    let table = Table::read(file).unwrap();
    let seconds = table.column("seconds").unwrap();
    let mut rows = table.rows().to_vec();
    for row in &mut rows {
        row.remove(seconds);
    }
    rows
}

/// The finished rows as they stand, the clock's field among them: a run that was measured again
/// would have another.
fn finished(out: &Path) -> Vec<Vec<String>> {
    Table::read(&out.join("series.csv")).map_or_else(|_| Vec::new(), |table| table.rows().to_vec())
}

/// When the files of finished runs were written last.
fn written(out: &Path, rows: &[Vec<String>]) -> Vec<(PathBuf, SystemTime)> {
    let path = Table::read(&out.join("series.csv"))
        .unwrap()
        .column("path")
        .unwrap();
    let mut files = Vec::new();
    for row in rows {
        let run = out.join(&row[path]).parent().unwrap().to_owned();
        for entry in walkdir::WalkDir::new(run) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let when = entry.metadata().unwrap().modified().unwrap();
                files.push((entry.into_path(), when));
            }
        }
    }
    files.sort();
    files
}

/// Starts the sweep and kills it, with SIGKILL on Unix, as soon as `is_time`; whether it was still
/// there to be killed.
fn killed_when(plan: &Path, out: &Path, mut is_time: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    let mut child = sweep(plan, out).spawn().unwrap();
    let is_killed = loop {
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        if is_time() {
            break true;
        }
        assert!(began.elapsed() < PATIENCE, "the sweep does not come on");
        std::thread::sleep(Duration::from_millis(2));
    };
    // Nothing can be saved any more.
    child.kill().unwrap();
    child.wait().unwrap();
    is_killed
}

#[test]
fn a_killed_sweep_ends_as_one_that_was_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    let whole = folder.path().join("whole");
    assert!(sweep(&plan, &whole).status().unwrap().success());

    let broken = folder.path().join("broken");
    let mut kills = 0;
    // Killed as soon as something new is on the disk: a checkpoint or a row, whole or half written.
    while kills < 4 {
        let before = done(&broken);
        if !killed_when(&plan, &broken, || done(&broken) != before) {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 3, "killed {kills} times only");

    // Then as soon as a first row is finished, and a second: what is finished stays as it is, and
    // its run is not touched again.
    let mut known: Vec<Vec<String>> = finished(&broken);
    let mut files = Vec::new();
    let mut kills_after_rows = 0;
    for rows in [1, 2] {
        let is_killed = killed_when(&plan, &broken, || finished(&broken).len() >= rows);
        kills_after_rows += usize::from(is_killed);
        let now = finished(&broken);
        assert!(
            now.len() >= rows,
            "{} rows at a kill after {rows}",
            now.len()
        );
        assert_eq!(now[..known.len()], known, "a finished row was made again");
        let still = written(&broken, &now);
        for file in &files {
            assert!(still.contains(file), "{file:?} was written again");
        }
        (known, files) = (now, still);
    }
    assert!(kills_after_rows > 0, "no kill fell after a finished row");
    assert!(known.len() < 4, "nothing was left to go on with");

    assert!(sweep(&plan, &broken).status().unwrap().success());
    println!(
        "killed {kills} times, and {kills_after_rows} times after a row, with {} of 4 rows at the \
         last",
        known.len()
    );
    assert_eq!(finished(&broken)[..known.len()], known);
    let still = written(&broken, &known);
    assert_eq!(still, files, "a finished run was written again");
    for name in ["series.csv", "along.csv"] {
        let [left_alone, killed] = [&whole, &broken].map(|out| numbers(&out.join(name)));
        assert_eq!(left_alone, killed, "{name}");
    }
    let typed = Table::read(&broken.join("series.parquet")).unwrap();
    assert_eq!(typed.rows().len(), 4);
}
