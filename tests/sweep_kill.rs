//! A sweep whose process is killed in the middle, again and again, ends as one that never was.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
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

#[test]
fn a_killed_sweep_ends_as_one_that_was_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    let whole = folder.path().join("whole");
    assert!(sweep(&plan, &whole).status().unwrap().success());

    let broken = folder.path().join("broken");
    let began = Instant::now();
    let mut kills = 0;
    // Killed as soon as something new is on the disk: a checkpoint or a row, whole or half written.
    while kills < 6 {
        let before = done(&broken);
        let mut child = sweep(&plan, &broken).spawn().unwrap();
        let has_ended = loop {
            if child.try_wait().unwrap().is_some() {
                break true;
            }
            if done(&broken) != before {
                break false;
            }
            assert!(began.elapsed() < PATIENCE, "the sweep does not come on");
            std::thread::sleep(Duration::from_millis(2));
        };
        // SIGKILL on Unix: nothing can be saved any more.
        child.kill().unwrap();
        child.wait().unwrap();
        if has_ended {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 4, "killed {kills} times only");
    let (rows, _) = done(&broken);
    assert!(rows < 4, "nothing was left to go on with");
    assert!(sweep(&plan, &broken).status().unwrap().success());
    println!("killed {kills} times, with {rows} of 4 rows there at the last");
    for name in ["series.csv", "along.csv"] {
        let [left_alone, killed] = [&whole, &broken].map(|out| numbers(&out.join(name)));
        assert_eq!(left_alone, killed, "{name}");
    }
    let typed = Table::read(&broken.join("series.parquet")).unwrap();
    assert_eq!(typed.rows().len(), 4);
}
