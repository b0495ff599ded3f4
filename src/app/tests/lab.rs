//! The correlation lab through the window.

use std::time::Instant;

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::{PATIENCE, Window};
use crate::{
    compute::testing::gpu_compute,
    data::Table,
    lab::{AlongQuestion, Answer, Facet, Question, SweepPhase, SweepPlan},
    ui::{Command, LabCommand, LabPage, LabState, Pane, TableLink},
};

impl Window {
    fn ask_lab(&mut self, command: LabCommand) {
        let ctx = self.harness.ctx.clone();
        self.harness
            .state_mut()
            .dispatch(&ctx, Command::Lab(command));
        self.harness.run_steps(2);
    }

    fn lab(&self) -> &LabState {
        self.app().lab.state()
    }

    fn answer(&self) -> &Answer {
        self.lab().answer.as_ref().expect("a table is open")
    }

    fn until_lab(&mut self, what: &str, is_so: impl Fn(&LabState) -> bool) {
        let began = Instant::now();
        while !is_so(self.lab()) {
            self.harness.run_steps(1);
            assert!(
                began.elapsed() < PATIENCE,
                "{what} takes too long: {:?}",
                self.lab().problem
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.harness.run_steps(3);
    }

    fn page(&mut self, page: LabPage) {
        self.harness.state_mut().views.lab.page = page;
        self.harness.run_steps(3);
    }
}

/// A table with two kinds of data, two tasks, and files that exist for none.
fn planted() -> Table {
    let mut table = Table::new([
        "name",
        "alignment:pooled",
        "uniformity:pooled",
        "performance:linear",
        "performance:knn",
        "data",
        "step",
        "path",
    ]);
    for index in 0..24_u32 {
        let place = f64::from(index);
        let (a, u) = ((1.3 * place).sin() + 1.2, (0.7 * place).cos() - 2.0);
        let row = [
            a,
            u,
            0.5 - 0.1 * (a + u) + 0.01 * (5.0 * place).sin(),
            0.4 - 0.1 * u,
        ];
        let mut fields = vec![format!("encoder {index}")];
        fields.extend(row.map(|value| format!("{value:.5}")));
        fields.extend([
            ["single", "multi"][index as usize % 2].to_owned(),
            (index / 8).to_string(),
            String::new(),
        ]);
        table.push(fields);
    }
    table
}

#[test]
fn a_table_is_related_asked_and_exported() {
    let mut window = Window::open(&[]);
    let path = window.folder.path().join("encoders.csv");
    planted().write(&path).unwrap();
    window.ask_lab(LabCommand::Open(path));
    window.until_lab("the answer", |lab| lab.answer.is_some());
    window
        .harness
        .get_by_label_contains("24 encoders: alignment across");
    assert!(
        window
            .answer()
            .findings
            .iter()
            .any(|said| said.contains("together explain"))
    );

    for (page, words) in [
        (LabPage::Trends, "L_uniform across, performance upwards"),
        (LabPage::Scores, "leave-one-out"),
        (LabPage::Map, "pooled, knn"),
        (LabPage::Along, "Along"),
    ] {
        window.page(page);
        assert!(
            window
                .harness
                .query_all_by_label_contains(words)
                .next()
                .is_some(),
            "{page:?} does not show {words}"
        );
    }

    let by_data = Question {
        group: Some("data".to_owned()),
        ..window.answer().question.clone()
    };
    window.ask_lab(LabCommand::Ask(by_data));
    window.until_lab("the groups", |lab| {
        lab.answer
            .as_ref()
            .is_some_and(|answer| answer.question.group.is_some())
    });
    assert_eq!(window.answer().axes()[0], ["multi", "single"]);
    window.page(LabPage::Along);
    window.harness.get_by_label_contains("along 3 places");
    // A click on a cell shows its encoders alone.
    window.page(LabPage::Map);
    let cell = window.harness.get_by_label_contains("single, linear");
    cell.scroll_to_me();
    window.harness.run_steps(3);
    window
        .harness
        .get_by_label_contains("single, linear")
        .click_accesskit();
    window.until_lab("the cell", |lab| {
        lab.answer
            .as_ref()
            .is_some_and(|answer| !answer.question.only.is_empty())
    });
    assert_eq!(window.answer().series.len(), 12);
    assert!(window.app().views.lab.page == LabPage::Plane);

    let folder = window.folder.path().join("export");
    window.ask_lab(LabCommand::Export(folder.clone()));
    let began = Instant::now();
    while !window.log_contains("Wrote table") {
        window.harness.run_steps(1);
        assert!(began.elapsed() < PATIENCE, "exporting takes too long");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(Table::read(&folder.join("series.csv")).unwrap(), planted());
    for name in [
        "plane.svg",
        "grid.svg",
        "map.svg",
        "along.svg",
        "findings.txt",
        "correlation.html",
    ] {
        assert!(folder.join(name).exists(), "{name}");
    }
    if gpu_compute().is_some() {
        for name in ["plane", "trends", "grid", "map", "along"] {
            let picture = image::open(folder.join(format!("{name}.png"))).unwrap();
            assert!(picture.width() >= 900, "{name}");
        }
    }
    window.ask_lab(LabCommand::OpenEncoder(0));
    assert!(window.log_contains("names no file"));
}

#[test]
fn what_is_no_table_is_answered() {
    let mut window = Window::open(&[]);
    let path = window.folder.path().join("other.csv");
    std::fs::write(&path, "x,y\n1,2\n").unwrap();
    window.ask_lab(LabCommand::Open(path));
    window.until_lab("the refusal", |lab| lab.problem.is_some());
    assert!(
        window
            .lab()
            .problem
            .as_ref()
            .unwrap()
            .contains("'alignment'")
    );
    window.ask_lab(LabCommand::Open(window.folder.path().join("none.csv")));
    window.until_lab("the second refusal", |lab| !lab.is_working);
    assert!(window.log_contains("none.csv"));
    for command in [
        LabCommand::PauseSweep,
        LabCommand::StopSweep,
        LabCommand::ContinueSweep,
    ] {
        window.ask_lab(command);
    }
    assert!(window.log_contains("No sweep is under way"));
}

#[test]
fn two_columns_cross_on_the_map() {
    let mut window = Window::open(&[]);
    let path = window.folder.path().join("encoders.csv");
    planted().write(&path).unwrap();
    window.ask_lab(LabCommand::Open(path));
    window.until_lab("the answer", |lab| lab.answer.is_some());
    let enlarge = Command::Enlarge(Pane::Correlation);
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().dispatch(&ctx, enlarge);
    window.page(LabPage::Map);
    for (axis, column) in [("Rows of the map", "data"), ("Columns of the map", "step")] {
        let choice = window.harness.get_by_role_and_label(Role::ComboBox, axis);
        choice.click_accesskit();
        window.harness.run_steps(3);
        let entry = window.harness.get_by_role_and_label(Role::Button, column);
        entry.click_accesskit();
        window.harness.run_steps(2);
        let wanted = Facet::Column(column.to_owned());
        window.until_lab("the axis", |lab| {
            let question = lab.answer.as_ref().map(|answer| &answer.question);
            let facets = question.and_then(|question| question.facets.as_ref());
            !lab.is_working && facets.is_some_and(|facets| facets.contains(&wanted))
        });
    }
    // Of each kind four encoders at a step: flagged, with their number.
    assert_eq!(
        window.answer().axes(),
        [vec!["multi", "single"], vec!["0", "1", "2"]]
    );
    let cell = window
        .harness
        .get_by_label_contains("single, 2: multiple R");
    let label = cell.accesskit_node().label().unwrap_or_default();
    assert!(label.ends_with("n = 4, too few"), "{label}");
    cell.click_accesskit();
    window.until_lab("the cell", |lab| {
        let answer = lab.answer.as_ref();
        answer.is_some_and(|answer| answer.question.only.len() == 2)
    });
    assert_eq!(window.answer().series.len(), 4);
    window.harness.get_by_label("Only data = single, step = 2");
}

#[test]
fn groups_stand_side_by_side_and_are_followed_along_the_step() {
    let mut window = Window::open(&[]);
    let path = window.folder.path().join("encoders.csv");
    planted().write(&path).unwrap();
    window.ask_lab(LabCommand::Open(path));
    window.until_lab("the answer", |lab| lab.answer.is_some());
    // The view fills the window and goes back.
    let enlarge = Command::Enlarge(Pane::Correlation);
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().dispatch(&ctx, enlarge);
    window.page(LabPage::Grid);
    window.harness.get_by_label("Back to its place");
    let tile = window.harness.get_by_label_contains("pooled · knn: R");
    assert!(tile.rect().width() > 300.0, "{:?}", tile.rect());
    let by_data = Question {
        facets: Some([Facet::Column("data".to_owned()), Facet::Task]),
        ..window.answer().question.clone()
    };
    window.ask_lab(LabCommand::Ask(by_data));
    window.until_lab("the groups", |lab| {
        let answer = lab.answer.as_ref();
        answer.is_some_and(|answer| answer.cells.len() == 4)
    });
    let tile = window.harness.get_by_label_contains("single · knn: R");
    tile.click_accesskit();
    window.until_lab("the tile's plane", |lab| {
        let answer = lab.answer.as_ref();
        answer.is_some_and(|answer| !answer.question.only.is_empty())
    });
    let question = &window.answer().question;
    assert_eq!(question.task, "knn");
    assert!(window.app().views.lab.page == LabPage::Plane);
    let among = "among data = single";
    let said = &window.answer().findings;
    assert!(said.iter().any(|line| line.contains(among)), "{said:?}");
    window
        .harness
        .get_by_label("All encoders")
        .click_accesskit();
    window.until_lab("all again", |lab| {
        let answer = lab.answer.as_ref();
        answer.is_some_and(|answer| answer.question.only.is_empty())
    });

    window.page(LabPage::Along);
    window.ask_lab(LabCommand::Follow(AlongQuestion {
        by: Some(Facet::Column("data".to_owned())),
        window_percent: 50,
        ..AlongQuestion::default()
    }));
    window.until_lab("two lines", |lab| {
        let trails = lab.trails.as_ref();
        trails.is_some_and(|trails| trails.trails.len() == 2)
    });
    // Of 4 encoders a step, its neighbour's 4, and in the middle those of both.
    window.harness.get_by_label_contains("single, n = 8 to 12");
    window.harness.get_by_label_contains("24 rows along step");
    window.press(egui::Modifiers::NONE, egui::Key::Escape);
    assert!(window.harness.query_by_label("Back to its place").is_none());
    window.harness.get_by_label("Enlarge Correlation");
}

#[test]
fn a_sweep_is_paused_stopped_and_found_again_by_the_next_window() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("sweep");
    let plan: SweepPlan = toml::from_str(
        "name = \"long\"\nimage-count = 48\nmeasure-at = [2]\n[base]\nsteps = 60\nbatch = 8\n\
         architecture = \"tiny:4\"\n[measure.performance]\ntasks = [\"knn\"]\n\
         [[parts]]\nvary = { uniform-weight = [0, 0.5, 1, 2] }\n",
    )
    .unwrap();
    crate::lab::Sweep::open(&folder, Some(plan)).unwrap();
    let mut window = Window::open(&[]);
    window.ask_lab(LabCommand::Open(folder));
    window.until_lab("the empty table", |lab| lab.answer.is_some());
    let press = |window: &mut Window, label: &str| {
        window.harness.get_by_label(label).click_accesskit();
        window.harness.run_steps(2);
    };
    press(&mut window, "Go on with the open sweep");
    assert!(window.lab().problem.is_none());
    window.until_lab("a measurement on the way", |lab| {
        lab.sweep
            .as_ref()
            .is_some_and(|sweep| !sweep.along.rows().is_empty())
    });
    press(&mut window, "Pause the sweep");
    let phase = |lab: &LabState| lab.sweep.as_ref().map(|sweep| sweep.phase);
    window.until_lab("the pause", |lab| phase(lab) == Some(SweepPhase::Paused));
    press(&mut window, "Go on with the sweep");
    window.until_lab("the end of the pause", |lab| {
        phase(lab) != Some(SweepPhase::Paused)
    });
    press(&mut window, "Stop the sweep");
    window.until_lab("the stop", |lab| phase(lab) == Some(SweepPhase::Stopped));
    window.harness.get_by_label("Go on with the open sweep");
    // Rows first: once the run has its row, the next one counts its steps from none.
    let done = |lab: &LabState| {
        let sweep = lab.sweep.as_ref().expect("a sweep is shown");
        (sweep.finished, sweep.steps[0])
    };
    let before = done(window.lab());
    // What the window writes when it closes is what the next one reads.
    let session = outside.path().join("session.json");
    window.app().current_session().write(&session).unwrap();
    drop(window);

    let mut next = Window::open_with(&[], |path| {
        std::fs::copy(&session, path).unwrap();
    });
    next.until_lab("the table of the session", |lab| lab.answer.is_some());
    assert!(next.lab().link == TableLink::Unfinished);
    next.ask_lab(LabCommand::ContinueSweep);
    // The first that is seen of it, before it gets further.
    let after = std::cell::Cell::new(None);
    next.until_lab("the run that was broken off", |lab| {
        let is_on = |sweep: &crate::lab::SweepState| sweep.steps[0] > 0 && sweep.total == 4;
        let is_on = lab.sweep.as_deref().is_some_and(is_on);
        after.set(is_on.then(|| done(lab)));
        is_on
    });
    let after = after.get().expect("it was just seen");
    assert!(after >= before, "{after:?} after {before:?}");
    next.ask_lab(LabCommand::StopSweep);
    next.until_lab("the second stop", |lab| !lab.is_sweeping());
}

#[test]
fn a_sweep_is_followed_and_its_encoders_open() {
    let mut plan: SweepPlan = toml::from_str(
        "name = \"short\"\nimage-count = 48\n[base]\nsteps = 3\nbatch = 8\narchitecture = \"tiny:4\"\n\
         [measure.performance]\ntasks = [\"knn\"]\n\
         [[parts]]\nvary = { uniform-weight = [0, 1, 2], seed = [1] }\n",
    )
    .unwrap();
    if let crate::analysis::ImagesSource::Builtin(images) = &mut plan.base.images {
        images.count = 32;
    }
    let mut window = Window::open(&[]);
    let folder = window.folder.path().join("sweep");
    // As the button does with a preset's plan.
    crate::lab::Sweep::open(&folder, Some(plan)).unwrap();
    window.ask_lab(LabCommand::Open(folder));
    window.until_lab("the empty table", |lab| lab.answer.is_some());
    assert!(window.lab().link == TableLink::Unfinished);
    window
        .harness
        .get_by_label("Go on with the open sweep")
        .click_accesskit();
    window.until_lab("the end of the sweep", |lab| {
        lab.sweep
            .as_ref()
            .is_some_and(|sweep| sweep.phase == SweepPhase::Finished)
    });
    window.until_lab("its table", |lab| {
        lab.answer
            .as_ref()
            .is_some_and(|answer| answer.series.len() == 3)
    });
    window.ask_lab(LabCommand::OpenEncoder(1));
    window.settle();
    let shown = window.app().snapshot().unwrap().request().encoder.title();
    assert!(shown.contains("step-000003"), "{shown}");
    // Its point is ringed in the lab's pictures.
    assert_eq!(window.lab().opened_row, Some(2));
}

#[test]
fn the_shown_encoder_is_judged_and_stands_among_the_measured() {
    let mut window = Window::open(&[]);
    window.ask_lab(LabCommand::JudgeShown);
    window.until_lab("the judgement", |lab| !lab.is_judging);
    assert!(window.log_contains("linear accuracy") && window.log_contains("chance"));
    let last = window.app().session.history.last().unwrap();
    assert_eq!(last.performance.len(), 2);
    window.ask_lab(LabCommand::UseMeasured);
    window.until_lab("the answer", |lab| lab.answer.is_some());
    assert_eq!(window.answer().series.len(), 1);
    assert!(window.answer().scores.is_err());
    window.run_command(&format!("View: {}", Pane::Correlation.title()));
    assert!(
        window
            .harness
            .query_all_by_label_contains("at least 3")
            .next()
            .is_some()
    );
}
