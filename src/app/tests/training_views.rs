//! What shows a run: two times side by side, replay, curves, augmented views, and its settings.

use egui_kittest::kittest::Queryable as _;
use glam::Vec3;

use super::{Window, training::small};
use crate::{
    analysis::PairSetKind,
    data::{AugmentConfig, CropRange},
    features::{FeatureKind, MatchingRule},
    objectives::{DenseAlignUniform, DenseContrast, Negatives},
    training::{Head, Knob, Objective, Optimiser, Phase, RunConfig},
    ui::{Command, RequestEdit, Snapshot, TrainCommand},
};

impl Window {
    /// Starts a run and waits for so many frames of it.
    fn started(config: RunConfig, frames: usize) -> Self {
        let mut window = Self::open(&[]);
        window.train(TrainCommand::Start(Box::new(config)));
        window.until("frames", |window| {
            window.run().state.frames.len() >= frames && window.run().shown_step.is_some()
        });
        window.train(TrainCommand::PlayPause);
        window.until("the pause", |window| {
            matches!(window.run().state.phase, Phase::Paused | Phase::Finished)
        });
        window
    }

    fn has(&self, words: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(words);
        found.next().is_some()
    }

    /// Shows a kept frame and waits for it.
    fn look_at(&mut self, step: usize) {
        self.train(TrainCommand::LookAt(Some(step)));
        self.until("the frame", |window| {
            window.app().snapshot().and_then(Snapshot::run_step) == Some(step)
        });
        self.harness.run_steps(2);
    }

    fn dispatch(&mut self, command: Command) {
        let ctx = self.harness.ctx.clone();
        self.harness.state_mut().dispatch(&ctx, command);
        self.harness.run_steps(2);
    }
}

/// Sum of squared distances of points that belong together.
fn apart(a: &[[f32; 3]], b: &[[f32; 3]]) -> f32 {
    let pairs = a.iter().zip(b);
    pairs
        .map(|(a, b)| Vec3::from_array(*a).distance_squared(Vec3::from_array(*b)))
        .sum()
}

#[test]
fn a_pinned_time_stands_beside_the_shown_one() {
    // More than three values: the picture is a projection, whose axes would wander.
    let config = RunConfig {
        head: Head::Linear { outputs: 8 },
        learning_rate: 0.03,
        ..small()
    };
    let mut window = Window::started(config, 5);
    let frames = window.run().state.frames.clone();
    let (first, last) = (frames[0], *frames.last().unwrap());
    window.look_at(first);
    assert!(!window.has("B − A"));
    window.harness.get_by_label("Pin this time").click();
    window.harness.run_steps(3);
    assert_eq!(window.run().pinned_step, Some(first));
    window.look_at(last);
    let titles = [format!("A · step {first}"), format!("B · step {last}")];
    for title in &titles {
        assert!(window.harness.query_all_by_label_contains(title).count() >= 2);
    }
    assert!(window.has("B − A"), "the figures of both are compared");
    // The numbers under the letters are those of the two frames.
    let kept = window.app().training.frames();
    let [a, b] = [&kept[0], kept.last().unwrap()].map(|frame| {
        let value = frame.analysis.numbers.uniformity.value;
        crate::ui::widgets::format_value(value.unwrap())
    });
    assert!(window.has(&a) && window.has(&b), "{a} {b}");

    // The shown time lies as close to the pinned one as a turn of its whole picture can bring it.
    let pinned = window.app().training.pinned.as_ref().unwrap();
    let shown = window.app().snapshot().unwrap();
    let (a, b) = (&pinned.prepared.sphere, &shown.prepared.sphere);
    let best = kept
        .last()
        .unwrap()
        .analysis
        .turned_towards(&pinned.analysis);
    assert_eq!(**b, best.sphere.coords);
    let unturned = apart(a, &kept.last().unwrap().analysis.sphere.coords);
    assert!(apart(a, b) <= unturned * (1.0 + 1e-5));

    // Each half has the potential of its own points.
    let serials = [pinned.serial, shown.serial];
    window.dispatch(Command::Shade(crate::ui::Shading::Potential));
    window.until("both potentials", |window| {
        let app = window.app();
        app.pinned_field().is_some() && app.potential_field().is_some()
    });
    assert_ne!(serials[0], serials[1]);
    let [of_pinned, of_shown] = [
        window.app().pinned_field().unwrap(),
        window.app().potential_field().unwrap(),
    ];
    assert_ne!(of_pinned.sphere.values, of_shown.sphere.values);
    assert!(window.has("A by its own range"));
    window.dispatch(Command::Shade(crate::ui::Shading::Density));

    // Both halves are of one selection and one camera.
    if window.app().canvas.is_connected() {
        let name = format!("Sphere A · step {first}");
        // Enter chooses among the near points, and a young run may have them all on the far side.
        window.dispatch(Command::FacePoints);
        window.harness.run_steps(2);
        window.harness.get_by_label_contains(&name).focus();
        window.harness.run_steps(2);
        let before = window.app().canvas.angles_rad();
        window.press(egui::Modifiers::NONE, egui::Key::ArrowRight);
        window.harness.run_steps(2);
        assert_ne!(window.app().canvas.angles_rad(), before);
        window.press(egui::Modifiers::NONE, egui::Key::Enter);
        assert_eq!(window.app().selection().len(), 1);
    }
    window.harness.get_by_label("Pin this time").click();
    window.until("the frame as it was", |window| {
        let shown = window.app().snapshot().unwrap();
        shown.prepared.sphere[..] == kept.last().unwrap().analysis.sphere.coords[..]
    });
    window.harness.run_steps(2);
    assert!(!window.has("B − A") && !window.has(&titles[0]));
}

#[test]
fn a_pin_needs_a_run_and_ends_with_it() {
    let mut window = Window::open(&[]);
    window.train(TrainCommand::TogglePin);
    assert!(window.log_contains("can be pinned"));
    let mut window = {
        drop(window);
        Window::started(small(), 2)
    };
    window.train(TrainCommand::TogglePin);
    assert!(window.app().training.pinned.is_some());
    window.run_command("Open the demo");
    assert!(window.app().training.pinned.is_none());
    assert!(!window.has("B − A"));
}

#[test]
fn a_replay_goes_at_its_speed_and_ends_unless_it_loops() {
    let mut window = Window::started(small(), 4);
    let last = window.run().state.frames.last().copied();
    window.train(TrainCommand::ReplayAt(30.0));
    window.train(TrainCommand::ToggleLoop);
    assert!(!window.run().replay.is_looping);
    window.train(TrainCommand::ToggleReplay);
    assert!(window.run().is_replaying);
    window.until("the end", |window| !window.run().is_replaying);
    assert_eq!(window.run().shown_step, last);
    // With a loop it comes past the first frame again and again.
    window.train(TrainCommand::ToggleLoop);
    window.train(TrainCommand::ToggleReplay);
    for _ in 0..2 {
        let first = window.run().state.frames.first().copied();
        window.until("the last frame", |window| window.run().shown_step == last);
        window.until("the first frame", |window| window.run().shown_step == first);
    }
    assert!(window.run().is_replaying);
}

#[test]
fn curves_tell_values_and_lead_to_their_time() {
    let mut window = Window::started(small(), 4);
    window.harness.run_steps(2);
    let charts = window
        .harness
        .query_all_by_label_contains("Curve, newest: ");
    // Alignment, uniformity, std·√d and the mean norm of the probe.
    assert!(charts.count() >= 4);
    let rect = window
        .harness
        .get_by_label_contains("Curve, newest: alignment")
        .rect();
    assert!(rect.height() > 100.0, "curves are too low: {rect:?}");
    let at = egui::pos2(rect.left() + 60.0, rect.center().y);
    window.harness.hover_at(at);
    window.harness.run_steps(3);
    assert!(window.has("Curve, at step "), "values at the cursor");
    window.button(at, true);
    window.button(at, false);
    window.harness.run_steps(2);
    assert!(!window.run().is_following, "a click shows that time");
    window.train(TrainCommand::Set(Knob::AlignWeight, 2.0));
    window.until("the mark", |window| !window.run().state.marks.is_empty());
    window.harness.state_mut().views.training.is_together = true;
    window.harness.run_steps(3);
    let charts = window.harness.query_all_by_label_contains("Curve, ");
    assert_eq!(charts.count(), 1, "all in one picture");
}

#[test]
fn augmented_views_follow_the_strengths() {
    let mut window = Window::open(&[]);
    window.train(TrainCommand::ToggleAugmentations);
    let drawn = |window: &Window| {
        let state = &window.app().preview.state;
        !state.is_waiting && state.picture.is_some() && state.failure.is_none()
    };
    window.until("views", drawn);
    window.harness.run_steps(2);
    assert!(window.has("Augmented views. 4 images"));
    assert!(window.has("as steps 0 to 2 would draw them"));
    window.harness.get_by_label("Another draw").click();
    window.harness.run_steps(2);
    window.until("another draw", drawn);
    window.harness.run_steps(2);
    assert!(window.has("as steps 3 to 5 would draw them"));

    // A changed strength makes other views, of the draft that the next run starts with.
    let texture = |window: &Window| {
        let picture = window.app().preview.state.picture.as_ref();
        picture.map(|picture| picture.texture.id())
    };
    let before = texture(&window);
    let draft = &mut window.harness.state_mut().views.training.draft;
    draft.augment = AugmentConfig::moco_v2();
    draft.augmentation_strength = 1.5;
    window.harness.run_steps(2);
    window.until("stronger views", drawn);
    assert_ne!(texture(&window), before);
    for label in [
        "Strength of all augmentations",
        "Least area of a crop",
        "Jitter of hue",
        "Probability of greyscale",
        "Greatest blur",
    ] {
        let mut found = window.harness.query_all_by_label(label);
        assert!(found.next().is_some(), "{label}");
    }
    // What makes no sense is told, and what was there stays.
    let mut upside_down = CropRange::with_scale(0.2);
    upside_down.ratio = [3.0, 1.0];
    window.harness.state_mut().views.training.draft.augment.crop = Some(upside_down);
    window.until("a refusal", |window| {
        window.app().preview.state.failure.is_some()
    });
    window.harness.run_steps(2);
    assert!(window.has("augmentation needs crop"));
}

#[test]
fn every_setting_of_a_run_can_be_reached() {
    let mut window = Window::open(&[]);
    window
        .harness
        .get_by_label("Settings of the new run")
        .click_accesskit();
    window.harness.run_steps(20);
    let mut reached = |change: &dyn Fn(&mut RunConfig), labels: &[&str]| {
        change(&mut window.harness.state_mut().views.training.draft);
        window.harness.run_steps(2);
        for label in labels {
            let mut found = window.harness.query_all_by_label(label);
            assert!(found.next().is_some(), "{label} cannot be reached");
        }
    };
    reached(
        &|_| {},
        &[
            "Objective of the run",
            "Start from",
            "Encoder of the run",
            "Width of the encoder",
            "Head behind the encoder",
            "Values that the loss sees",
            "Optimiser",
            "Weight decay",
            "Steps of the warm-up",
            "Schedule of the learning rate",
            "Images of the run",
            "Scenes of the built-in set",
            "Side of a view",
            "Batch of the run",
            "Images of the probe",
            "Features of the probe",
            "Steps between snapshots",
            "Seed of the run",
        ],
    );
    for objective in Objective::all() {
        let labels: &[&str] = match &objective {
            Objective::AlignUniform(_) => &["Start with α", "Start with t"],
            Objective::NtXent(_) => &["Start with τ"],
            Objective::MomentumContrast(_) => &["Keys in the queue", "Momentum of the key encoder"],
            Objective::DenseCl(_) => {
                &["Start with dense share λ", "First step with the dense part"]
            }
            Objective::ProtoNce(_) => &["Prototypes of clustering 2", "First step with prototypes"],
            Objective::Pauc(_) => &[
                "Start with correlation weight",
                "Prototypes of clustering 1",
            ],
            Objective::Supervised => &["Start with learning rate"],
            Objective::DenseAlignUniform(_) => {
                &["Matching of locations", "Pairs of dense uniformity"]
            }
            Objective::DenseContrast(_) => {
                &["Negatives of other images", "negatives of both views"]
            }
        };
        reached(&|draft| draft.objective = objective.clone(), labels);
    }
    reached(
        &|draft| {
            draft.objective = Objective::DenseContrast(DenseContrast {
                negatives: Negatives::Hardest { count: 3 },
                reconstructs: true,
                ..DenseContrast::default()
            });
            draft.optimiser = Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 0.0,
                nesterov: false,
            };
            draft.head = Head::Mlp {
                hidden: 32,
                outputs: 2,
            };
        },
        &[
            "Negatives an image",
            "Start with reconstruction weight β",
            "Momentum of the optimiser",
            "Values between the layers",
        ],
    );
    reached(
        &|draft| {
            draft.objective = Objective::DenseAlignUniform(DenseAlignUniform {
                matching: MatchingRule::Random,
                pairs: PairSetKind::WithinImage,
                cells: 1,
                ..DenseAlignUniform::default()
            });
        },
        &["Locations an image for uniformity"],
    );
    assert!(window.has("at least 2, not 1"), "what is refused is told");
}

#[test]
fn an_old_picture_is_told_without_moving_anything() {
    let mut window = Window::open(&[]);
    let place = |window: &Window, words: &str| {
        let found = window.harness.query_by_label_contains(words);
        found.map(|node| node.rect())
    };
    let marks = ["Sphere with", "Circle of", "Plot of 1 encoders"];
    let before = marks.map(|words| place(&window, words));
    window.dispatch(Command::Edit(RequestEdit::Kind(FeatureKind::Dense)));
    assert!(window.app().is_busy());
    assert!(window.has("Still showing"));
    let during = marks.map(|words| place(&window, words));
    assert!(before.iter().all(Option::is_some));
    assert_eq!(during, before);
    window.settle();
    assert!(!window.has("Still showing"));
}

#[test]
fn gathered_points_are_turned_to_the_front() {
    let mut window = Window::open(&[]);
    if !window.app().canvas.is_connected() {
        eprintln!("skipped: nothing can be drawn on this machine");
        return;
    }
    window.run_command("bundled encoder: complete");
    let points = &window.app().snapshot().unwrap().prepared.sphere;
    let sum: Vec3 = points.iter().copied().map(Vec3::from_array).sum();
    let mean = sum.normalize();
    window.press(egui::Modifiers::SHIFT, egui::Key::Home);
    window.harness.run_steps(60);
    let [yaw, pitch] = window.app().canvas.angles_rad();
    let eye = Vec3::new(
        pitch.cos() * yaw.cos(),
        pitch.cos() * yaw.sin(),
        pitch.sin(),
    );
    // The camera stops short of the poles by less than this.
    assert!(eye.angle_between(mean) < 0.2, "{eye} {mean}");
    // Even points have no side, and the camera stays.
    window.dispatch(Command::OpenDemo);
    window.settle();
    assert!(window.has("Turn the points to the front (Shift+Home)"));
}

#[test]
fn a_saved_run_opens_as_a_series() {
    let config = RunConfig {
        steps: 4,
        snapshot_every: 2,
        ..small()
    };
    let mut window = Window::open(&[]);
    let folder = window.folder.path().join("run");
    window.train(TrainCommand::Start(Box::new(config)));
    window.until("the end", |window| {
        window.run().state.phase == Phase::Finished
    });
    window.train(TrainCommand::SaveTo(folder.clone()));
    window.until("saving", |window| {
        let message = &window.run().state.message;
        let is_saved = |text: &String| text.starts_with("saved to");
        message.as_ref().is_some_and(is_saved)
    });
    let wanted: Vec<Vec<[f32; 3]>> = (window.app().training.frames().iter())
        .filter(|frame| frame.step.is_multiple_of(4))
        .map(|frame| frame.analysis.sphere.coords.clone())
        .collect();
    // Another encoder in between, so that nothing of the run is left in the views.
    window.run_command("Open the demo");
    window.open_path(&folder);
    window.until("the saved step", |window| {
        window.run().state.phase == Phase::Finished
            && window.app().snapshot().and_then(Snapshot::run_step) == Some(4)
    });
    let run = window.run();
    assert_eq!((run.state.step, &run.state.frames[..]), (4, &[4][..]));
    assert_eq!(run.state.snapshots, [4]);
    assert_eq!(run.trail().last().map(|(step, _)| *step), Some(4));
    assert!(
        run.trail().len() > 1,
        "the curves are those that were saved"
    );
    let shown = window.app().snapshot().unwrap();
    assert_eq!(shown.prepared.sphere[..], wanted.last().unwrap()[..]);
    assert!(window.log_contains("training: small opened"));
}
