//! A folder of checkpoints, and a run's snapshots, as a series in the window.

use std::path::PathBuf;

use egui_kittest::kittest::Queryable as _;

use super::{PATIENCE, Window, *};
use crate::{
    analysis::ImagesSource,
    data::{BuiltinConfig, Table},
    features::FeatureKind,
    lab::{FAILED, Task},
    training::RunConfig,
    ui::{
        Command, FolderCommand, FolderPhase, FolderView, LabCommand, LabPage, LabState, Snapshot,
        TableLink, TrainCommand,
    },
};

impl Window {
    fn tell_folder(&mut self, command: FolderCommand) {
        let ctx = self.harness.ctx.clone();
        let command = Command::Lab(LabCommand::Folder(command));
        self.harness.state_mut().dispatch(&ctx, command);
        self.harness.run_steps(1);
    }

    fn until_folder(&mut self, what: &str, is_so: impl Fn(&LabState) -> bool) {
        let began = Instant::now();
        while !is_so(self.app().lab.state()) {
            self.harness.run_steps(1);
            let state = self.app().lab.state();
            let (folder, problem) = (&state.folder, &state.problem);
            assert!(
                began.elapsed() < PATIENCE,
                "{what} takes too long: {folder:?}, {problem:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(3);
    }

    /// Few numbers, soon measured.
    fn measure_little(&mut self) {
        self.harness.state_mut().views.lab.folder = FolderView {
            kinds: vec![FeatureKind::Pooled],
            tasks: vec![Task::Knn],
            ..FolderView::default()
        };
        self.harness.state_mut().request.images = ImagesSource::Builtin(BuiltinConfig {
            count: 64,
            side: 32,
            ..BuiltinConfig::default()
        });
    }
}

/// A folder with as many encoders and a file that is none.
fn checkpoints(folder: PathBuf, count: usize) -> PathBuf {
    std::fs::create_dir_all(&folder).unwrap();
    let encoders = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
    let names = ["complete-collapse", "healthy", "uniform-only"];
    for number in 0..count {
        let from = encoders.join(format!("{}.safetensors", names[number % names.len()]));
        std::fs::copy(from, folder.join(format!("encoder-{number}.safetensors"))).unwrap();
    }
    std::fs::write(folder.join("broken.pth"), b"nothing").unwrap();
    folder
}

fn rows(state: &LabState) -> usize {
    let answer = state.answer.as_ref();
    answer.map_or(0, |answer| answer.table.rows().len())
}

fn is_over(state: &LabState) -> bool {
    let folder = state.folder.as_ref();
    folder.is_some_and(|folder| folder.phase != FolderPhase::Working) && !state.is_working
}

#[test]
fn a_folder_is_measured_from_the_dialog_and_its_rows_open_their_encoders() {
    let outside = tempfile::tempdir().unwrap();
    let folder = checkpoints(outside.path().join("many"), 3);
    let mut window = Window::open(&[]);
    window.measure_little();
    window.run_command("measure a folder of checkpoints");
    window.harness.get_by_label("Browse…");
    window.write(&folder.display().to_string());
    window.press(Modifiers::NONE, Key::Enter);
    window.until_folder("the rows", |state| rows(state) == 4 && is_over(state));
    let state = window.app().lab.state().clone();
    let made = state.folder.as_ref().unwrap();
    assert_eq!(
        (made.phase, made.done, made.total),
        (FolderPhase::Finished, 4, 4)
    );
    assert!(state.link == TableLink::None && made.problem.is_none());
    let answer = state.answer.clone().unwrap();
    assert_eq!(answer.series.len(), 3);
    // What is no checkpoint is a line, and stops nothing.
    assert_eq!(answer.remarks.len(), 1);
    assert_eq!(answer.remarks[0].0, "broken.pth");
    window.harness.get_by_label_contains("broken.pth: ");
    // The rows are those of the command, beside the checkpoints.
    let file = folder.join("encoders.csv");
    assert_eq!(Table::read(&file).unwrap(), *answer.table);
    assert_eq!(window.app().views.lab.source.as_ref(), Some(&file));
    assert!(
        made.command_line
            .as_ref()
            .unwrap()
            .starts_with("spherescope series ")
    );

    let ctx = window.harness.ctx.clone();
    let open = Command::Lab(LabCommand::OpenEncoder(1));
    window.harness.state_mut().dispatch(&ctx, open);
    window.settle();
    let shown = window.app().snapshot().unwrap().request().encoder.title();
    assert_eq!(shown, "encoder-1.safetensors");

    // The same once more keeps every row; only the broken one is tried again.
    let began = std::fs::metadata(&file).unwrap().modified().unwrap();
    window.measure_little();
    window.tell_folder(FolderCommand::Measure(folder.clone()));
    window.until_folder("the same rows", |state| rows(state) == 4 && is_over(state));
    assert_eq!(Table::read(&file).unwrap(), *answer.table);
    assert!(std::fs::metadata(&file).unwrap().modified().unwrap() >= began);
    assert!(!folder.join("encoders-2.csv").exists());
    for (command, words) in [
        (FolderCommand::Stop, "No checkpoints are being measured"),
        (FolderCommand::MeasureRun, "No run is saved"),
        (FolderCommand::FollowRun, "No run has been started"),
    ] {
        window.tell_folder(command);
        assert!(window.log_contains(words), "{words}");
    }
    let nowhere = outside.path().join("nowhere");
    window.tell_folder(FolderCommand::Measure(nowhere));
    window.until_folder("the refusal", is_over);
    let problem = window
        .app()
        .lab
        .state()
        .folder
        .as_ref()
        .unwrap()
        .problem
        .clone();
    assert!(problem.as_ref().unwrap().contains("nowhere"), "{problem:?}");
}

#[test]
fn a_series_that_was_stopped_goes_on_and_does_so_in_the_next_window_too() {
    let outside = tempfile::tempdir().unwrap();
    let folder = checkpoints(outside.path().join("many"), 8);
    let mut window = Window::open(&[]);
    window.measure_little();
    window.tell_folder(FolderCommand::Measure(folder.clone()));
    window.until_folder("two rows", |state| {
        state.folder.as_ref().is_some_and(|folder| folder.done >= 2)
    });
    window.harness.get_by_label("Progress of measuring");
    window
        .harness
        .get_by_label("Stop measuring")
        .click_accesskit();
    window.until_folder("the stop", is_over);
    let state = window.app().lab.state();
    let stopped = state.folder.clone().unwrap();
    assert_eq!(stopped.phase, FolderPhase::Stopped);
    assert!(state.link == TableLink::Unmeasured && stopped.problem.is_none());
    assert!((2..9).contains(&stopped.done), "{stopped:?}");
    let file = folder.join("encoders.csv");
    let kept = Table::read(&file).unwrap();
    assert_eq!(kept.rows().len(), stopped.done);

    window
        .harness
        .get_by_label("Go on measuring")
        .click_accesskit();
    window.harness.run_steps(2);
    window.until_folder("another row", |state| {
        let folder = state.folder.as_ref();
        folder.is_some_and(|folder| folder.done > stopped.done)
    });
    window.tell_folder(FolderCommand::Stop);
    window.until_folder("the second stop", is_over);
    assert_eq!(window.app().views.lab.source.as_ref(), Some(&file));
    // The session was written when the series began: a window that is killed loses nothing.
    let session = outside.path().join("session.json");
    std::fs::copy(window.folder.path().join("session.json"), &session).unwrap();
    drop(window);

    let mut next = Window::open_with(&[], |path| {
        std::fs::copy(&session, path).unwrap();
    });
    next.until_folder("the rows of the session", |state| {
        state.link == TableLink::Unmeasured && state.answer.is_some()
    });
    let before = rows(next.app().lab.state());
    next.harness
        .get_by_label_contains("of 9 checkpoints are measured");
    next.harness
        .get_by_label("Go on measuring")
        .click_accesskit();
    next.harness.run_steps(2);
    next.until_folder("the end", |state| rows(state) == 9 && is_over(state));
    let whole = Table::read(&file).unwrap();
    assert!(before >= stopped.done && whole.rows().len() == 9);
    // What was there is as it was, failures apart.
    let notes = kept.column("notes").unwrap();
    for row in kept
        .rows()
        .iter()
        .filter(|row| !row[notes].starts_with(FAILED))
    {
        assert!(whole.rows().contains(row), "{row:?}");
    }
}

#[test]
fn the_snapshots_of_a_run_are_related_while_it_trains() {
    let mut window = Window::open(&[]);
    let mut config = RunConfig {
        name: "related".to_owned(),
        steps: 24,
        batch: 8,
        ..RunConfig::default()
    };
    config.probe.images = 64;
    config.probe.every = 2;
    if let ImagesSource::Builtin(images) = &mut config.images {
        images.count = 64;
    }
    let ctx = window.harness.ctx.clone();
    let start = Command::Train(TrainCommand::Start(Box::new(config)));
    window.harness.state_mut().dispatch(&ctx, start);
    window.tell_folder(FolderCommand::FollowRun);
    window.until_folder("rows", |state| rows(state) >= 4);
    let few = rows(window.app().lab.state());
    window.until_folder("every snapshot", |state| rows(state) == 14);
    assert!(few <= 14);
    let answer = window.app().lab.state().answer.clone().unwrap();
    assert_eq!(answer.series.len(), 14);
    assert!(
        (answer.findings.iter()).any(|said| said.contains("14 of 14 encoders are steps of 1 run")),
        "{:?}",
        answer.findings
    );
    let mut page = |page: LabPage| {
        window.harness.state_mut().views.lab.page = page;
        window.harness.run_steps(3);
    };
    page(LabPage::Along);
    window.harness.get_by_label_contains("14 rows along step");
    // A click on a point shows that time of the run in every view.
    let open = Command::Lab(LabCommand::OpenEncoder(4));
    window.harness.state_mut().dispatch(&ctx, open);
    let began = Instant::now();
    let is_shown =
        |window: &Window| window.app().snapshot().and_then(Snapshot::run_step) == Some(6);
    while !is_shown(&window) {
        window.harness.run_steps(1);
        assert!(began.elapsed() < PATIENCE, "the step is not shown");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(window.app().lab.state().opened_row, Some(5));
}
