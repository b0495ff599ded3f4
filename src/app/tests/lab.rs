//! The correlation lab through the window.

use std::time::Instant;

use egui_kittest::kittest::Queryable as _;

use super::{PATIENCE, Window};
use crate::{
    data::Table,
    lab::{Answer, Question, SweepPhase, SweepPlan},
    ui::{Command, LabCommand, LabPage, LabState, Pane, SweepLink},
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
        along: Some("step".to_owned()),
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
            .is_some_and(|answer| answer.question.only.is_some())
    });
    assert_eq!(window.answer().series.len(), 12);

    let folder = window.folder.path().join("export");
    window.ask_lab(LabCommand::Export(folder.clone()));
    let began = Instant::now();
    while !window.log_contains("Wrote table") {
        window.harness.run_steps(1);
        assert!(began.elapsed() < PATIENCE, "exporting takes too long");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(Table::read(&folder.join("series.csv")).unwrap(), planted());
    assert!(folder.join("plane.svg").exists() && folder.join("findings.txt").exists());
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
    assert!(window.lab().link == SweepLink::Unfinished);
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
