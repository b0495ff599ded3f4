//! A sweep in the window whose process is killed, and that the next window goes on with.

use std::{path::Path, time::Duration};

use spherescope::{
    data::Table,
    lab::{Sweep, SweepPlan},
};

use super::{App, Screen, answer, empty_folder, has_a_sphere, has_tools, say, turn};

/// Runs that take a few seconds each, so that a kill falls between two of them.
const PLAN: &str = "name = \"short\"\nimage-count = 48\nsave-every = 10\n\
    [base]\nsteps = 40\nbatch = 8\narchitecture = \"tiny:4\"\n\
    [measure.performance]\ntasks = [\"knn\"]\n\
    [[parts]]\nvary = { uniform-weight = [0, 0.5, 1, 2] }\n";

/// Finished rows, the seconds that each took among their fields.
fn finished(folder: &Path) -> Vec<Vec<String>> {
    let table = Table::read(&folder.join("series.csv"));
    table.map_or_else(|_| Vec::new(), |table| table.rows().to_vec())
}

#[test]
fn a_killed_window_goes_on_with_its_sweep() {
    if !has_tools() {
        return;
    }
    let _turn = turn();
    let folder = empty_folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("window-sweep"));
    let sweep = folder.join("sweep");
    let plan: SweepPlan = toml::from_str(PLAN).expect("a plan");
    let total = plan.runs().expect("its runs").len();
    Sweep::open(&sweep, Some(plan)).expect("an empty folder takes a sweep");

    let screen = Screen::start(&folder);
    let text = sweep.to_str().expect("a path in plain text");
    let mut app = App::start(&screen, &folder, &[text]);
    app.fill_screen();
    app.wait_for_picture("sphere of the demo", super::SPHERE, has_a_sphere);
    answer(&mut app, "ctrl+p", "sweep: go on with the open one");
    app.wait_for("a finished run", |_| !finished(&sweep).is_empty());
    app.keep_picture("1-swept");
    app.kill();
    let known = finished(&sweep);
    assert!(!known.is_empty() && known.len() < total, "{known:?}");
    say(&format!("killed with {} of {total} rows", known.len()));

    // Nothing is named: the session was kept when the sweep began.
    let mut app = App::start(&screen, &folder, &[]);
    app.fill_screen();
    app.wait_for_picture("sphere of the demo", super::SPHERE, has_a_sphere);
    let mark = app.mark();
    answer(&mut app, "ctrl+p", "sweep: go on with the open one");
    app.wait_for_line(
        mark,
        &["sweep short", &format!("{total} of {total} runs, finished")],
    );
    app.keep_picture("2-finished");
    let all = finished(&sweep);
    assert_eq!(all.len(), total);
    // What was finished is not done again: it would have taken another time.
    assert_eq!(all[..known.len()], known);
    let status = app.close(Duration::from_secs(20));
    assert!(status.success(), "closing the window ended with {status}");
    say("the killed sweep is whole");
}
