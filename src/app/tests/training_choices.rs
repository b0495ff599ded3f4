//! What a run is made of, chosen in the panel as a person does, and what the window then tells.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable as _;

use super::{Window, training::small};
use crate::{
    analysis::{ImagesSource, words::architecture_word},
    objectives::{DenseContrast, ProtoNce},
    training::{Decay, Head, Knob, Objective, Optimiser, Phase, RunConfig, Start},
    ui::{ColourBy, Command, TrainCommand},
};

impl Window {
    /// Whether the window shows these words anywhere.
    pub(super) fn shows(&self, words: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(words);
        found.next().is_some()
    }

    /// Opens a drop-down by its name and clicks one of its options.
    fn choose(&mut self, label: &str, option: &str) {
        // Words beside it may say the same.
        self.harness
            .get_by_role_and_label(Role::ComboBox, label)
            .click_accesskit();
        self.harness.run_steps(3);
        let options = (self.harness).query_all_by_role_and_label(Role::Button, option);
        let found = options.last();
        found
            .unwrap_or_else(|| panic!("{label} offers no {option}"))
            .click_accesskit();
        self.harness.run_steps(3);
        // What is chosen without a pointer leaves the list open.
        self.press(Modifiers::NONE, Key::Escape);
    }

    fn draft(&mut self) -> &mut RunConfig {
        &mut self.harness.state_mut().views.training.draft
    }

    /// Opens the settings of the new run, of few images and steps.
    fn with_settings(paths: &[&std::path::Path]) -> Self {
        let mut window = Self::open(paths);
        *window.draft() = small();
        window.harness.run_steps(2);
        window
            .harness
            .get_by_label("Settings of the new run")
            .click_accesskit();
        window.harness.run_steps(20);
        window
    }
}

#[test]
fn every_loss_encoder_and_optimiser_is_chosen_with_clicks() {
    let mut window = Window::with_settings(&[]);
    for objective in Objective::all().into_iter().rev() {
        window.choose("Objective of the run", objective.title());
        assert!(window.draft().objective.is_kind_of(&objective));
    }
    for (name, expected) in [
        ("small CIFAR ResNet", "lightning-resnet:1,1,1:8,16,32"),
        ("CIFAR ResNet", "cifar-resnet20-a"),
        ("SmallAlexNet", "small-alexnet:128:64"),
        ("ResNet", "resnet18-cifar"),
    ] {
        window.choose("Encoder of the run", name);
        assert_eq!(architecture_word(&window.draft().architecture), expected);
    }
    window.choose("Stem of the encoder", "ImageNet");
    let chosen = architecture_word(&window.draft().architecture);
    assert_eq!(chosen, "resnet18");
    window.choose("Head behind the encoder", "two layers");
    assert!(matches!(window.draft().head, Head::Mlp { .. }));
    window.choose("Optimiser", "SGD");
    assert!(matches!(window.draft().optimiser, Optimiser::Sgd { .. }));
    window.choose("Optimiser", "AdamW");
    assert!(matches!(window.draft().optimiser, Optimiser::AdamW { .. }));
    window.choose("Schedule of the learning rate", "steps");
    assert!(matches!(window.draft().schedule.decay, Decay::Step { .. }));
    window.choose("Schedule of the learning rate", "constant");
    assert_eq!(window.draft().schedule.decay, Decay::Constant);
    window.choose("Side of a view", "32 pixels");
    assert_eq!(window.draft().side, Some(32));
    window.choose("Encoder of the run", "tiny conv net");
    window.choose("Images of the run", "built-in multi-object scenes");
    window.harness.get_by_label("Start").click_accesskit();
    window.until("steps of what was chosen", |window| {
        window
            .app()
            .training
            .view()
            .is_some_and(|run| run.state.step > 2)
    });
    assert_eq!(window.run().state.config.optimiser.name(), "AdamW");
}

#[test]
fn what_is_open_is_trained_on_and_tuned_with_clicks() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("run");
    let mut window = Window::open(&[]);
    let pictures = window.image_folder();
    window.train(TrainCommand::Start(Box::new(RunConfig {
        steps: 1,
        ..small()
    })));
    window.until("the end", |window| {
        window.run().state.phase == Phase::Finished
    });
    window.train(TrainCommand::SaveTo(first.clone()));
    window.until("saving", |window| {
        let message = &window.run().state.message;
        (message.as_ref()).is_some_and(|text| text.starts_with("saved to"))
    });
    window.open_path(&first.join("step-000001.safetensors"));
    window.open_path(&pictures);
    *window.draft() = small();
    window
        .harness
        .get_by_label("Settings of the new run")
        .click_accesskit();
    window.harness.run_steps(20);
    window.choose("Start from", "the open checkpoint step-000001.safetensors");
    assert!(matches!(window.draft().start, Start::Checkpoint(_)));
    window.choose("Images of the run", "the open images, pictures");
    let is_path = matches!(window.draft().images, ImagesSource::Path { .. });
    assert!(is_path);
    window.harness.get_by_label("Start").click_accesskit();
    window.until("steps on the open pictures", |window| {
        let run = window.run();
        run.state.step > 2 && matches!(run.state.config.start, Start::Checkpoint(_))
    });
    let shown = window.run().state.config.images.clone();
    assert!(matches!(shown, ImagesSource::Path { .. }));
}

#[test]
fn a_demo_run_tells_when_its_points_first_moved() {
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(small())));
    window.until("movement", |window| {
        window.log_contains("training: first movement ")
    });
    let log = window.app().log().iter().map(|line| line.text.clone());
    let lines: Vec<String> = log.filter(|text| text.contains("first movement")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let words: Vec<&str> = lines[0].split(' ').collect();
    // "training: first movement 0.8 s after the start, at step 1"
    let seconds: f64 = words[3].parse().unwrap();
    let step: usize = words.last().unwrap().parse().unwrap();
    assert!(seconds < super::PATIENCE.as_secs_f64(), "{seconds}");
    assert!((1..=10).contains(&step), "{step}");
    window.until("speed and time left", |window| window.shows(" steps/s · "));
    println!("{}", lines[0]);
}

#[test]
fn prototypes_are_drawn_and_colour_their_members() {
    let config = RunConfig {
        objective: Objective::ProtoNce(ProtoNce {
            queue: 16,
            clusters: vec![3, 2],
            every: 2,
            from_step: 2,
            ..ProtoNce::default()
        }),
        ..small()
    };
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(config)));
    let ctx = window.harness.ctx.clone();
    let colour = Command::ColourBy(ColourBy::Prototype);
    window.harness.state_mut().dispatch(&ctx, colour);
    window.until("prototypes", |window| {
        let shown = window.app().snapshot();
        shown.is_some_and(|shown| shown.analysis.prototypes.is_some())
    });
    window.train(TrainCommand::PlayPause);
    window.until("the pause", |window| {
        window.run().state.phase == Phase::Paused
    });
    window.harness.run_steps(4);
    let shown = window.app().snapshot().unwrap();
    let prototypes = shown.analysis.prototypes.as_ref().unwrap();
    assert_eq!((prototypes.len(), prototypes.clusterings), (3, 2));
    assert_eq!(prototypes.counts.iter().sum::<usize>(), shown.len());
    // Three values are drawn as they are, prototypes too.
    let placed = &shown.prepared.prototypes.sphere;
    for (place, own) in placed.iter().zip(prototypes.centroids.chunks_exact(3)) {
        // Rounding of unit vectors in f32.
        assert!(place.iter().zip(own).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    let count = prototypes.counts[0];
    for words in [
        "3 prototypes as diamonds".to_owned(),
        "the first of 2 clusterings".to_owned(),
        format!("points of each — 1: {count}, "),
    ] {
        assert!(window.shows(&words), "{words}");
    }
    // At its first step the run had none, and says so.
    window.train(TrainCommand::LookAt(Some(0)));
    window.until("the first frame", |window| {
        let shown = window.app().snapshot();
        shown.is_some_and(|shown| shown.run_step() == Some(0))
    });
    window.harness.run_steps(4);
    assert!(window.shows("No prototypes here"));
}

#[test]
fn a_saved_run_that_is_opened_at_the_start_keeps_the_views() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("run");
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(RunConfig {
        steps: 2,
        ..small()
    })));
    window.until("the end", |window| {
        window.run().state.phase == Phase::Finished
    });
    window.train(TrainCommand::SaveTo(saved.clone()));
    window.until("saving", |window| window.run().state.message.is_some());
    assert!(!window.run().state.is_refusal);
    drop(window);
    let mut window = Window::open(&[&saved]);
    window.until("the saved step", |window| {
        window
            .app()
            .snapshot()
            .and_then(crate::ui::Snapshot::run_step)
            == Some(2)
    });
    // Nothing else comes and takes its place.
    window.settle();
    assert!(window.app().snapshot().unwrap().is_of_run());
    assert!(!window.log_contains("shown: checkpoint=bundled"));
    // Nor what was asked for just before a run is started.
    window.run_command("Open the demo");
    let ctx = window.harness.ctx.clone();
    let state = window.harness.state_mut();
    state.dispatch(&ctx, Command::Recompute);
    state.dispatch(&ctx, Command::Train(TrainCommand::Start(Box::new(small()))));
    window.until("a frame of the run", |window| {
        let shown = window.app().snapshot();
        shown.is_some_and(crate::ui::Snapshot::is_of_run)
    });
    window.until("nothing else", |window| !window.app().is_busy());
    window.harness.run_steps(4);
    assert!(window.app().snapshot().unwrap().is_of_run());
}

#[test]
fn what_cannot_go_together_is_told_where_it_is_started() {
    let mut window = Window::with_settings(&[]);
    window.choose("Encoder of the run", "SmallAlexNet");
    window.choose("Objective of the run", "DenseCL");
    window.harness.get_by_label("Start").click_accesskit();
    window.until("a refusal", |window| {
        window.log_contains("looks at locations")
    });
    assert_eq!(window.run().state.phase, Phase::Failed);
    assert!(window.shows("SmallAlexNet"));
}

#[test]
fn an_absurd_rate_ends_at_the_last_good_snapshot_and_an_earlier_one_goes_on() {
    // A decoder's squared error has no bound: each step at such a rate multiplies it.
    let config = RunConfig {
        optimiser: Optimiser::Sgd {
            momentum: 0.0,
            weight_decay: 0.0,
            nesterov: false,
        },
        objective: Objective::DenseContrast(DenseContrast {
            reconstructs: true,
            reconstruction_weight: 10.0,
            ..DenseContrast::default()
        }),
        learning_rate: 1e-3,
        ..small()
    };
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(config)));
    window.until("some frames", |window| {
        let run = window.app().training.view();
        run.is_some_and(|run| run.state.snapshots.len() > 1)
    });
    let before = window.run().state.snapshots[1];
    window.train(TrainCommand::Set(Knob::LearningRate, 10.0));
    window.until("divergence", |window| {
        window.run().state.phase == Phase::Failed
    });
    let state = &window.run().state;
    let message = state.message.clone().unwrap();
    for words in [
        "diverged at step".to_owned(),
        "A smaller learning rate".to_owned(),
        format!("last good snapshot, step {}", state.step),
    ] {
        assert!(message.contains(&words), "{message}");
    }
    assert_eq!(state.snapshots.last(), Some(&state.step));
    window.harness.run_steps(2);
    assert!(
        window.shows("last good snapshot"),
        "it is told in the panel"
    );
    window.train(TrainCommand::LookAt(Some(before)));
    window.train(TrainCommand::ForkHere);
    window.until("the fork", |window| {
        window.run().state.phase == Phase::Paused && window.run().state.step == before
    });
    assert_eq!(window.run().state.config.learning_rate, 1e-3);
    window.train(TrainCommand::PlayPause);
    window.until("steps from there", |window| {
        window.run().state.step > before + 2 && window.run().state.phase == Phase::Running
    });
}

#[test]
fn a_place_that_cannot_be_written_is_told_and_the_run_goes_on() {
    let mut window = Window::open(&[]);
    window.train(TrainCommand::Start(Box::new(small())));
    window.until("some steps", |window| {
        window
            .app()
            .training
            .view()
            .is_some_and(|run| run.state.step > 2)
    });
    let file = window.file("a file", b"in the way");
    window.train(TrainCommand::SaveTo(file.join("run")));
    window.until("a refusal", |window| {
        window.log_contains("What was saved before is untouched")
    });
    assert!(window.run().state.is_refusal);
    let step = window.run().state.step;
    window.until("more steps", |window| {
        window.run().state.step > step && window.run().state.phase == Phase::Running
    });
    assert_eq!(std::fs::read(file).unwrap(), b"in the way");
}
