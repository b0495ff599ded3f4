//! Tables of other programs through the window: columns are asked, and nothing is written over.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::{
    data::Table,
    ui::{Command, LabCommand, LabState},
};

impl Window {
    fn tell_lab(&mut self, command: LabCommand) {
        let ctx = self.harness.ctx.clone();
        let app = self.harness.state_mut();
        app.dispatch(&ctx, Command::Lab(command));
        self.harness.run_steps(2);
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            self.harness.run_steps(1);
            assert!(began.elapsed() < PATIENCE, "{what} takes too long");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(3);
    }

    fn lab_state(&self) -> &LabState {
        self.app().lab.state()
    }

    fn is_asking(&self) -> bool {
        self.harness.query_by_label("Use these columns").is_some()
    }
}

/// Encoders as another program writes them, with a decoy for the alignment.
fn foreign() -> Table {
    let mut table = Table::new([
        "model",
        "align_train",
        "L_align",
        "L_unif",
        "top1",
        "mIoU",
        "dataset",
        "epoch",
    ]);
    for index in 0..18_u32 {
        let place = f64::from(index);
        let (a, u) = ((1.3 * place).sin() + 1.2, (0.7 * place).cos() - 2.0);
        let mut row = vec![format!("model {index}")];
        let numbers = [
            1.0 / (1.0 + place),
            a,
            u,
            0.5 - 0.1 * (a + u),
            0.3 - 0.1 * u,
        ];
        row.extend(numbers.map(|value| format!("{value:.6}")));
        row.push(["single", "multi"][index as usize % 2].to_owned());
        row.push((index / 6 * 10).to_string());
        table.push(row);
    }
    table
}

#[test]
fn a_foreign_table_at_the_start_is_asked_about_and_related() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.parquet");
    foreign().write(&path).unwrap();
    let mut window = Window::open(&[&path]);
    window.wait_for("the question", Window::is_asking);
    // It is a table, not a checkpoint that is refused; the demo is shown beside it.
    assert!(window.app().snapshot().is_some());
    window.harness.get_by_label_contains("18 rows, 8 columns");
    window.harness.get_by_role_and_label(Role::CheckBox, "top1");
    // The first column that looks like an alignment is the wrong one: choose the other.
    window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Column of alignment")
        .click_accesskit();
    window.harness.run_steps(3);
    window
        .harness
        .get_by_role_and_label(Role::Button, "L_align")
        .click_accesskit();
    window.harness.run_steps(3);
    window
        .harness
        .get_by_label("Use these columns")
        .click_accesskit();
    window.wait_for("the answer", |window| window.lab_state().answer.is_some());
    assert!(!window.is_asking());
    let answer = window.lab_state().answer.clone().unwrap();
    assert_eq!(answer.series.len(), 18);
    let first = &answer.series.encoders()[2];
    assert_eq!(
        (first.name.as_str(), first.alignment),
        ("model 2", 1.715_501)
    );
    assert_eq!(answer.question.group.as_deref(), Some("dataset"));
    let tasks: Vec<&str> = (answer.columns.performances.iter())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(tasks, ["top1", "mIoU"]);
    assert!(window.log_contains("--alignment L_align --uniformity L_unif --performance top1"));

    // The choice can be made anew, and left by Esc.
    window.run_command("Correlation: choose the columns");
    assert!(window.is_asking());
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.is_asking());
    assert!(window.lab_state().answer.is_some());

    // A second export goes beside the first.
    let export = window.folder.path().join("export");
    for _ in 0..2 {
        window.tell_lab(LabCommand::Export(export.clone()));
        window.wait_for("exporting", |window| {
            window.lab_state().answer.is_some() && !window.app().is_busy()
        });
    }
    let second = window.folder.path().join("export-2");
    window.wait_for("the second export", |_| {
        second.join("findings.txt").exists()
    });
    let [a, b] = [&export, &second].map(|folder| Table::read(&folder.join("series.parquet")));
    assert_eq!(a.unwrap().rows().len(), 18);
    assert_eq!(b.unwrap().rows().len(), 18);
    assert!(export.join("series.csv").exists());

    // The session keeps the choice: nobody is asked again.
    let saved = folder.path().join("saved.json");
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::SaveSessionTo(saved.clone()));
    window.wait_for("saving the session", |_| saved.exists());
    drop(window);
    let mut again = Window::open_with(&[], |session| {
        std::fs::copy(&saved, session).unwrap();
    });
    again.wait_for("the answer of the session", |window| {
        window.lab_state().answer.is_some()
    });
    assert!(!again.is_asking());
    let kept = again.lab_state().answer.clone().unwrap();
    assert_eq!(kept.series.encoders()[2].alignment, 1.715_501);
}

#[test]
fn an_open_choice_cannot_be_used_and_a_plain_table_is_not_asked_about() {
    let mut window = Window::open(&[]);
    let table = window.folder.path().join("numbers.csv");
    std::fs::write(&table, "x;y;z\n0,1;-2;0,5\n0,2;-3;0,6\n0,3;-1;0,4\n").unwrap();
    let ctx = window.harness.ctx.clone();
    let open = |window: &mut Window, path: &Path| {
        let command = Command::Open(crate::ui::OpenTarget::Anything, path.to_owned());
        window.harness.state_mut().dispatch(&ctx, command);
        window.harness.run_steps(2);
    };
    open(&mut window, &table);
    window.wait_for("the question", Window::is_asking);
    window
        .harness
        .get_by_label_contains("No column is chosen for alignment, uniformity, performance");
    window.harness.get_by_label("Cancel").click_accesskit();
    window.harness.run_steps(3);
    assert!(!window.is_asking() && window.lab_state().answer.is_none());
    let plain = window.folder.path().join("plain.csv");
    let mut text = "name,alignment,uniformity,performance\n".to_owned();
    for index in 0..9 {
        text += &format!("e{index},0.{index},-{index}.5,0.{}\n", (index * 7) % 9);
    }
    std::fs::write(&plain, text).unwrap();
    open(&mut window, &plain);
    window.wait_for("the answer", |window| window.lab_state().answer.is_some());
    assert!(!window.is_asking());
    assert!(window.app().session.recent.contains(&plain));
}
