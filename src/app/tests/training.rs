//! A training run through the window.

use std::time::{Duration, Instant};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use super::{PATIENCE, Window};
use crate::{
    training::{Knob, Phase, RunConfig},
    ui::{Command, RunView, Snapshot, TrainCommand},
};

impl Window {
    pub(super) fn train(&mut self, command: TrainCommand) {
        let ctx = self.harness.ctx.clone();
        self.harness
            .state_mut()
            .dispatch(&ctx, Command::Train(command));
        self.harness.run_steps(2);
    }

    pub(super) fn run(&self) -> &RunView {
        self.app().training.view().expect("a run was started")
    }

    /// Draws until `is_so` holds.
    pub(super) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            self.harness.run_steps(1);
            assert!(
                began.elapsed() < PATIENCE,
                "{what} takes too long: {:?}",
                self.app().training.view().map(|run| &run.state)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A run of quick steps that ends when it is told to.
pub(super) fn small() -> RunConfig {
    let mut config = RunConfig {
        name: "small".to_owned(),
        steps: 1_000_000,
        batch: 8,
        snapshot_every: 2,
        ..RunConfig::default()
    };
    config.probe.images = 16;
    config.probe.every = 2;
    if let crate::analysis::ImagesSource::Builtin(images) = &mut config.images {
        images.count = 64;
    }
    config
}

#[test]
fn a_run_moves_the_points_and_can_be_steered() {
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(small())));
    window.until("the first frame", |window| {
        window.app().snapshot().is_some_and(Snapshot::is_of_run)
    });
    let first = window.app().snapshot().unwrap().prepared.sphere.clone();
    let first_step = window.run().shown_step.unwrap();
    window.until("a later frame", |window| {
        window
            .run()
            .shown_step
            .is_some_and(|step| step >= first_step + 4)
    });
    let later = window.app().snapshot().unwrap().prepared.sphere.clone();
    assert_ne!(first, later, "the points stand still");

    window.harness.get_by_label("Pause the run (Space)").click();
    window.until("the pause", |window| {
        window.run().state.phase == Phase::Paused
    });
    let step = window.run().state.step;
    window.press(Modifiers::COMMAND, Key::ArrowRight);
    window.until("one step", |window| window.run().state.step == step + 1);

    window.train(TrainCommand::Set(Knob::LearningRate, 0.02));
    window.until("the knob's mark", |window| {
        let marks = &window.run().state.marks;
        marks.iter().any(|mark| mark.text.contains("learning rate"))
    });
    assert_eq!(window.run().state.config.learning_rate, 0.02);

    window.train(TrainCommand::LookAt(Some(first_step)));
    window.until("the first frame again", |window| {
        window.app().snapshot().unwrap().prepared.sphere == first
    });
    window.train(TrainCommand::ForkHere);
    window.until("the fork", |window| window.run().state.step <= first_step);
    assert_eq!(window.run().state.branches.len(), 1);
}

#[test]
fn a_run_is_saved_and_opens_as_a_checkpoint() {
    let mut window = Window::open(&[]);
    let folder = window.folder.path().join("run");
    window.train(TrainCommand::Start(Box::new(RunConfig {
        steps: 3,
        ..small()
    })));
    window.until("the end", |window| {
        window.run().state.phase == Phase::Finished
    });
    window.train(TrainCommand::SaveTo(folder.clone()));
    window.until("saving", |window| {
        let message = &window.run().state.message;
        message
            .as_ref()
            .is_some_and(|text| text.starts_with("saved to"))
    });
    let weights = walkdir::WalkDir::new(&folder)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains("step-000003") && name.ends_with(".safetensors")
        })
        .expect("weights beside the run");
    window.open_path(&weights);
    let shown = window.app().snapshot().unwrap();
    assert!(!shown.is_of_run());
    assert_eq!(shown.analysis.report.architecture, small().architecture);
    assert!(shown.analysis.report.head.is_some());
}

#[test]
fn closing_over_a_run_that_is_not_saved_asks_first() {
    let mut window = Window::open(&[]);
    // What the window's frame asks, and what is said to that.
    let close = |window: &mut Window| -> Vec<egui::ViewportCommand> {
        let root = egui::ViewportId::ROOT;
        let viewports = &mut window.harness.input_mut().viewports;
        let events = &mut viewports.entry(root).or_default().events;
        events.push(egui::ViewportEvent::Close);
        window.step();
        window.harness.output().viewport_output[&root]
            .commands
            .clone()
    };
    let held = egui::ViewportCommand::CancelClose;
    assert!(!close(&mut window).contains(&held), "nothing can be lost");

    window.train(TrainCommand::Start(Box::new(small())));
    window.until("some steps", |window| {
        let run = window.app().training.view();
        run.is_some_and(|run| run.state.step > 2)
    });
    window.train(TrainCommand::PlayPause);
    window.until("the pause", |window| {
        window.run().state.phase == Phase::Paused
    });
    let question = "Close without saving the run?";
    assert!(close(&mut window).contains(&held));
    window.step();
    assert!(window.shows(question) && window.shows("none of it is saved"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows(question));

    let folder = window.folder.path().join("run");
    window.train(TrainCommand::SaveTo(folder));
    window.until("the save", |window| window.run().state.saved.is_some());
    assert!(!close(&mut window).contains(&held), "it is saved");

    window.train(TrainCommand::PlayPause);
    window.until("more steps", |window| window.run().state.is_unsaved());
    assert!(close(&mut window).contains(&held));
    window.step();
    assert!(window.shows("is saved to step"));
    window
        .harness
        .get_by_label("Close without saving")
        .click_accesskit();
    window.step();
    let root = egui::ViewportId::ROOT;
    let commands = &window.harness.output().viewport_output[&root].commands;
    assert!(commands.contains(&egui::ViewportCommand::Close));
    assert!(!close(&mut window).contains(&held), "it was agreed to");
}

#[test]
fn wishes_without_a_run_are_answered() {
    let mut window = Window::open(&[]);
    for command in [TrainCommand::PlayPause, TrainCommand::AskSave] {
        window.train(command);
    }
    assert!(window.log_contains("No run has been started"));
    let mut impossible = small();
    impossible.batch = 1;
    window.train(TrainCommand::Start(Box::new(impossible)));
    assert!(window.log_contains("the batch"));
}

#[test]
fn the_bundled_encoders_open_and_show_what_they_say() {
    let mut window = Window::open(&[]);
    let mut uniformity = |name: &str| {
        window.run_command(&format!("bundled encoder: {name}"));
        let shown = window.app().snapshot().unwrap();
        assert!(shown.title().contains("bundled"), "{}", shown.title());
        shown.analysis.numbers.uniformity.value.unwrap()
    };
    let (healthy, collapsed) = (uniformity("healthy"), uniformity("complete"));
    // The one is spread over S², whose floor is −2.08; the other's images lie on one point.
    assert!(healthy < -1.2 && collapsed > -0.2, "{healthy} {collapsed}");
}
