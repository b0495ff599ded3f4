//! The collapse verdict: worked out when it is looked at, in words, for runs too.

use std::time::{Duration, Instant};

use egui_kittest::kittest::Queryable as _;

use super::{PATIENCE, Window};
use crate::{
    features::FeatureKind,
    training::RunConfig,
    ui::{Command, Snapshot, TrainCommand, VerdictCommand},
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
    // Side by side: every kind that the encoder has.
    for kind in ["pooled", "dense", "projected"] {
        let spectrum = format!("Spectrum of {kind} features");
        window.harness.get_by_label_contains(&spectrum);
        let cosines = format!("Pair cosines of {kind} features against the exact law");
        window.harness.get_by_label_contains(&cosines);
    }
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
    window
        .harness
        .get_by_label_contains("dense: healthy")
        .click();
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

#[test]
fn a_folder_of_checkpoints_becomes_a_table_whose_rows_open_them() {
    let mut window = Window::open(&[]);
    let folder = window.folder.path().join("checkpoints");
    std::fs::create_dir_all(&folder).unwrap();
    let encoders = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
    for name in ["complete-collapse", "healthy"] {
        let file = format!("{name}.safetensors");
        std::fs::copy(encoders.join(&file), folder.join(&file)).unwrap();
    }
    std::fs::write(folder.join("broken.pth"), b"nothing").unwrap();
    window.open_path(&folder);
    let began = Instant::now();
    let is_judged = |window: &Window| {
        let state = &window.app().series_verdicts.state;
        let is_whole = |series: &std::sync::Arc<crate::lab::VerdictSeries>| series.is_finished();
        !state.is_working && state.series.as_ref().is_some_and(is_whole)
    };
    while !is_judged(&window) {
        window.harness.run_steps(1);
        assert!(began.elapsed() < PATIENCE, "the table takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
    window.wait_for_verdict();
    window.harness.get_by_label_contains("3 of 3 checkpoints");
    let row = "complete-collapse.safetensors, complete,";
    window
        .harness
        .get_by_label_contains("broken.pth, not judged");
    // The row may lie below the edge of the pane.
    window.harness.get_by_label_contains(row).click_accesskit();
    window.settle();
    let request = window.app().request();
    let opened = request.encoder.title();
    assert!(opened.starts_with("complete-collapse"), "{opened}");
    let series = window.app().series_verdicts.state.series.clone().unwrap();
    assert_eq!(request.images, series.request.images);

    // Nothing is left to do; asked again, it says so, and a stop finds nothing to stop.
    window.run_command("verdicts: go on judging");
    window.run_command("verdicts: stop judging");
    assert!(window.log_contains("No checkpoints are left to judge"));
    assert!(window.log_contains("No checkpoints are being judged"));
}

#[test]
fn a_series_that_was_called_off_goes_on() {
    let mut window = Window::open(&[]);
    let folder = window.folder.path().join("checkpoints");
    std::fs::create_dir_all(&folder).unwrap();
    let encoders = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
    for number in 0..3 {
        let to = folder.join(format!("step-{number}.safetensors"));
        std::fs::copy(encoders.join("healthy.safetensors"), to).unwrap();
    }
    let ctx = window.harness.ctx.clone();
    let judge = Command::Verdicts(VerdictCommand::Judge(vec![folder]));
    window.harness.state_mut().dispatch(&ctx, judge);
    window.harness.run_steps(1);
    let stop = Command::Verdicts(VerdictCommand::Stop);
    window.harness.state_mut().dispatch(&ctx, stop);
    let began = Instant::now();
    let wait = |window: &mut Window, is_whole: bool| {
        loop {
            window.harness.run_steps(1);
            let state = &window.app().series_verdicts.state;
            let rows = state.series.as_ref().map_or(0, |series| series.rows.len());
            if !state.is_working && (!is_whole || rows == 3) {
                return rows;
            }
            assert!(began.elapsed() < PATIENCE, "the table takes too long");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    // On a quick machine some or all may be judged before the stop is heard.
    if wait(&mut window, false) < 3 {
        assert!(window.app().series_verdicts.state.problem.is_some());
        window.harness.run_steps(3);
        window.harness.get_by_label("Go on").click();
        window.harness.run_steps(2);
    }
    assert_eq!(wait(&mut window, true), 3);
    let series = window.app().series_verdicts.state.series.clone().unwrap();
    let steps: Vec<_> = series.rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [Some(0), Some(1), Some(2)]);
}
