//! The collapse verdict: worked out when it is looked at, in words, for runs too.

use std::time::{Duration, Instant};

use egui_kittest::kittest::Queryable as _;

use super::{PATIENCE, Window};
use crate::{
    features::FeatureKind,
    training::RunConfig,
    ui::{Command, Snapshot, TrainCommand},
};

impl Window {
    /// Draws until the verdict of what is shown is there.
    fn wait_for_verdict(&mut self) {
        let began = Instant::now();
        let is_there = |window: &Self| {
            let serial = window.serial();
            let picture = window.app().verdicts.picture.as_ref();
            picture.is_some_and(|picture| picture.serial == serial)
        };
        while !is_there(self) {
            self.harness.run_steps(1);
            assert!(began.elapsed() < PATIENCE, "the verdict takes too long");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(4);
    }
}

#[test]
fn the_verdict_is_worked_out_when_it_is_looked_at() {
    let mut window = Window::open(&[]);
    window.harness.run_steps(10);
    assert!(window.app().verdicts.picture.is_none(), "nobody asked yet");
    window.run_command("view: collapse verdict");
    window.wait_for_verdict();
    // The demo's encoder is the healthy one of the gallery.
    window.harness.get_by_label("Healthy");
    window
        .harness
        .get_by_label_contains("complete: mean cosine of pairs");
    window.harness.get_by_label_contains("Spectrum of");
    window
        .harness
        .get_by_label_contains("against the exact law");
    window
        .harness
        .get_by_label_contains("vectors on the circle, mean taken off");

    let report = &window.app().verdicts.picture.as_ref().unwrap().report;
    let kinds: Vec<FeatureKind> = report.kinds.iter().map(|kind| kind.kind).collect();
    assert_eq!(kinds[0], window.app().request().kind);
    assert!(
        [FeatureKind::Pooled, FeatureKind::Dense]
            .iter()
            .all(|kind| kinds.contains(kind))
    );

    // Another kind is a press away, and stays chosen.
    window.harness.get_by_label_contains("dense: ").click();
    window.harness.run_steps(3);
    assert_eq!(window.app().views.verdict.kind, Some(FeatureKind::Dense));
    window.harness.get_by_label_contains("dense vectors in");
    window
        .harness
        .get_by_label_contains("spatial: spread within images");
}

#[test]
fn a_collapsed_encoder_is_told_in_words() {
    let mut window = Window::open(&[]);
    window.run_command("view: collapse verdict");
    let ctx = window.harness.ctx.clone();
    window
        .harness
        .state_mut()
        .dispatch(&ctx, Command::OpenBundled("complete-collapse"));
    window.settle();
    window.wait_for_verdict();
    window.harness.get_by_label("Complete");
    let picture = window.app().verdicts.picture.as_ref().unwrap();
    let lesson = picture.report.lesson.as_ref().unwrap();
    // What other viewers show of it: a set that is spread.
    assert!(
        lesson.plain.uniformity > -0.5,
        "{}",
        lesson.plain.uniformity
    );
    assert!(lesson.centred.uniformity < lesson.plain.uniformity - 0.5);
    window
        .harness
        .get_by_label_contains("vectors on the circle, plain L2");
}

#[test]
fn a_run_is_judged_frame_by_frame() {
    let mut window = Window::open(&[]);
    let mut config = RunConfig {
        name: "judged".to_owned(),
        steps: 12,
        batch: 8,
        ..RunConfig::default()
    };
    config.probe.images = 32;
    config.probe.every = 4;
    if let crate::analysis::ImagesSource::Builtin(images) = &mut config.images {
        images.count = 64;
    }
    let ctx = window.harness.ctx.clone();
    let start = Command::Train(TrainCommand::Start(Box::new(config)));
    window.harness.state_mut().dispatch(&ctx, start);
    window.run_command("view: collapse verdict");
    let began = Instant::now();
    let is_judged = |window: &Window| {
        let app = window.app();
        let kept = app.training.frames().len();
        kept >= 4
            && app.verdicts.run.frames.len() == kept
            && app.snapshot().is_some_and(Snapshot::is_of_run)
            && app.verdicts.picture.is_some()
    };
    while !is_judged(&window) {
        window.harness.run_steps(1);
        assert!(
            began.elapsed() < PATIENCE,
            "{:?}",
            window.app().verdicts.run.frames
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    window.harness.run_steps(4);
    let verdicts = &window.app().verdicts.run;
    assert!(verdicts.frames.values().all(Option::is_some));
    assert_eq!(
        verdicts.changes()[0].0,
        *verdicts.frames.keys().next().unwrap()
    );
    window.harness.get_by_label_contains("Collapse figures of");
    window.harness.get_by_label_contains("kept frames judged");
}

#[test]
fn a_verdict_that_was_called_off_is_made_when_it_is_asked_for_again() {
    let mut window = Window::open(&[]);
    window.run_command("view: collapse verdict");
    let began = Instant::now();
    // The job that was asked for is called off before or while it runs.
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().dispatch(&ctx, Command::Cancel);
    let is_over = |window: &Window| {
        let (app, serial) = (window.app(), window.serial());
        let has_picture = app.verdicts.picture.is_some();
        has_picture || app.verdicts.failure(serial).is_some()
    };
    while !is_over(&window) {
        window.harness.run_steps(1);
        assert!(began.elapsed() < PATIENCE, "the cancel takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
    // On a quick machine the verdict may be there before the cancel is.
    if window.app().verdicts.picture.is_none() {
        window.harness.run_steps(4);
        window.harness.get_by_label("Judge again").click();
        window.harness.run_steps(2);
    }
    window.wait_for_verdict();
    assert_eq!(window.app().verdicts.failure(window.serial()), None);
    assert!(window.harness.query_by_label("Judge again").is_none());
}
