//! A run is the same run however it is interrupted.

mod past;

use std::time::{Duration, Instant};

use super::*;
use crate::{
    analysis::ImagesSource,
    compute::{Compute, DevicePolicy},
    data::{BuiltinConfig, BuiltinKind},
    models::{Architecture, ModelError},
    objectives::{DenseCl, DenseContrast, MomentumContrast, Pauc, ProtoNce},
    progress::Progress,
};

fn cpu() -> Compute {
    Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there")
}

/// Small enough for a debug build.
fn small() -> RunConfig {
    RunConfig {
        steps: 8,
        batch: 8,
        side: Some(16),
        architecture: Architecture::PreparedCifarResNet {
            blocks: vec![1, 1],
            channels: vec![4, 8],
        },
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 40,
            side: 16,
            seed: 0,
        }),
        probe: Probe {
            images: 16,
            every: 2,
            ..Probe::default()
        },
        snapshot_every: 2,
        ..RunConfig::default()
    }
}

fn steps(run: &mut Run, count: usize) -> Vec<StepReport> {
    let step = |_| run.step(&Progress::none()).expect("a small step");
    (0..count).map(step).collect()
}

fn weights(run: &Run) -> Vec<tensors::NamedTensor> {
    Vec::clone(&run.snapshot().expect("the CPU reads").tensors)
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let mut first = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    let mut again = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    let reports = steps(&mut first, 4);
    assert_eq!(reports, steps(&mut again, 4));
    assert!(weights(&first) == weights(&again));
    let config = RunConfig { seed: 1, ..small() };
    let mut other = Run::new(config, &cpu(), &Progress::none()).unwrap();
    assert_ne!(reports, steps(&mut other, 4));
}

#[test]
fn a_saved_and_resumed_run_goes_on_as_if_nothing_had_been() {
    for optimiser in [
        Optimiser::default(),
        Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 1e-4,
            nesterov: false,
        },
    ] {
        let config = RunConfig {
            optimiser,
            ..small()
        };
        let mut whole = Run::new(config.clone(), &cpu(), &Progress::none()).unwrap();
        steps(&mut whole, 3);
        let expected = steps(&mut whole, 3);

        let folder = tempfile::tempdir().unwrap();
        let mut half = Run::new(config, &cpu(), &Progress::none()).unwrap();
        let mut curves = Curves::default();
        for report in steps(&mut half, 3) {
            curves.note(&report);
        }
        let checkpoint = half.save(folder.path(), &curves).unwrap();
        let (mut resumed, read) = Run::resume(folder.path(), &cpu(), &Progress::none()).unwrap();
        assert_eq!(read, curves);
        let tables = ["metrics.csv", "metrics.parquet"]
            .map(|name| crate::data::Table::read(&folder.path().join(name)).unwrap());
        assert_eq!(tables[0], curves.table());
        assert_eq!(tables[0], tables[1]);
        assert_eq!(steps(&mut resumed, 3), expected);
        // Not `assert_eq!`, which would print every weight.
        assert!(weights(&resumed) == weights(&whole));

        // What was saved opens as a checkpoint, with its head.
        let loaded =
            crate::checkpoint::load(&checkpoint, cpu().device(), &Progress::none()).unwrap();
        assert_eq!(loaded.report.architecture, half.config().architecture);
        assert_eq!(loaded.model.head.map(|head| head.outputs()), Some(3));
    }
}

/// Few keys, so that three steps of eight go round the queue.
fn with_short_queue(objective: Objective) -> Objective {
    match objective {
        Objective::MomentumContrast(loss) => {
            Objective::MomentumContrast(MomentumContrast { queue: 20, ..loss })
        }
        Objective::DenseCl(loss) => Objective::DenseCl(DenseCl { queue: 20, ..loss }),
        Objective::ProtoNce(loss) => Objective::ProtoNce(few_prototypes(&loss)),
        Objective::Pauc(loss) => Objective::Pauc(Pauc {
            proto_nce: few_prototypes(&loss.proto_nce),
            ..loss
        }),
        other => other,
    }
}

/// Clustered at steps 1 and 3, and gone on with between.
fn few_prototypes(loss: &ProtoNce) -> ProtoNce {
    ProtoNce {
        queue: 20,
        clusters: vec![2, 3],
        every: 2,
        from_step: 1,
        ..loss.clone()
    }
}

/// Every loss, and one with all that a loss can have beside an encoder and a queue: a decoder and
/// negatives that are drawn.
fn all_losses() -> Vec<Objective> {
    let drawn = DenseContrast {
        negatives: crate::objectives::Negatives::Random { count: 2 },
        is_cross_view: true,
        reconstructs: true,
        ..DenseContrast::default()
    };
    let mut all = Objective::all().to_vec();
    all.push(Objective::DenseContrast(drawn));
    all
}

#[test]
fn every_loss_trains_saves_goes_on_and_is_shown() {
    for objective in all_losses() {
        for head in [Head::Linear { outputs: 3 }, Head::None] {
            let config = RunConfig {
                objective: with_short_queue(objective.clone()),
                head,
                ..small()
            };
            let title = format!("{}, {head:?}", objective.title());
            let mut whole = Run::new(config.clone(), &cpu(), &Progress::none()).unwrap();
            let before = weights(&whole);
            steps(&mut whole, 3);
            let moved = |after: &[tensors::NamedTensor], prefix: &str| {
                let pairs = before.iter().zip(after);
                let mut named = pairs.filter(|(a, _)| a.name.starts_with(prefix));
                named.any(|(a, b)| a.values != b.values)
            };
            let encoder = &before[0].name;
            assert!(
                moved(&weights(&whole), encoder),
                "{title}: {encoder} stands"
            );
            if head != Head::None && objective.matching().is_some() {
                assert!(moved(&weights(&whole), "dense_projector"), "{title}");
            }
            let expected = steps(&mut whole, 3);
            let folder = tempfile::tempdir().unwrap();
            let mut half = Run::new(config, &cpu(), &Progress::none()).unwrap();
            steps(&mut half, 3);
            let checkpoint = half.save(folder.path(), &Curves::default()).unwrap();
            let (mut resumed, _) = Run::resume(folder.path(), &cpu(), &Progress::none()).unwrap();
            assert!(steps(&mut resumed, 3) == expected, "{title}");
            // Back to a kept step, and from there once more.
            let snapshot = half.snapshot().unwrap();
            for time in ["gone on", "forked"] {
                assert!(steps(&mut half, 3) == expected, "{title}, {time}");
                half.restore(&snapshot).unwrap();
            }
            let probe = resumed.probe(None, &Progress::none()).unwrap();
            assert!(probe.numbers.alignment.value.is_some(), "{title}");

            let loaded =
                crate::checkpoint::load(&checkpoint, cpu().device(), &Progress::none()).unwrap();
            let has_dense = head != Head::None && objective.matching().is_some();
            assert_eq!(loaded.model.dense_head.is_some(), has_dense, "{title}");
            let has_classifier = head == Head::None && objective.needs_labels();
            assert_eq!(loaded.model.classifier.is_some(), has_classifier, "{title}");
        }
    }
}

#[test]
fn a_decoder_learns_to_paint() {
    let config = RunConfig {
        objective: Objective::DenseContrast(DenseContrast {
            reconstructs: true,
            ..DenseContrast::default()
        }),
        learning_rate: 0.01,
        steps: 40,
        schedule: Schedule {
            decay: Decay::Constant,
            ..Schedule::default()
        },
        ..small()
    };
    let mut run = Run::new(config, &cpu(), &Progress::none()).unwrap();
    let reports = steps(&mut run, 40);
    let error = |report: &StepReport| {
        let found = report
            .values
            .iter()
            .find(|(name, _)| name == "reconstruction");
        found.map(|(_, value)| *value).expect("a decoder")
    };
    let mean =
        |reports: &[StepReport]| reports.iter().map(error).sum::<f64>() / reports.len() as f64;
    let (before, after) = (mean(&reports[..5]), mean(&reports[35..]));
    assert!(after < 0.7 * before, "{before} {after}");
}

#[test]
fn a_fine_tuned_run_goes_on_without_what_it_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    steps(&mut first, 1);
    let start = first
        .save(&folder.path().join("first"), &Curves::default())
        .unwrap();
    let config = RunConfig {
        start: Start::Checkpoint(start.clone()),
        // Not the checkpoint's: it brings its own.
        architecture: Architecture::TinyConvNet { width: 2 },
        ..small()
    };
    let mut whole = Run::new(config, &cpu(), &Progress::none()).unwrap();
    steps(&mut whole, 2);
    let second = folder.path().join("second");
    whole.save(&second, &Curves::default()).unwrap();
    let expected = steps(&mut whole, 2);
    std::fs::remove_file(start).unwrap();
    let (mut resumed, _) = Run::resume(&second, &cpu(), &Progress::none()).unwrap();
    assert_eq!(resumed.config(), whole.config());
    assert_eq!(steps(&mut resumed, 2), expected);
}

#[test]
fn an_optimiser_of_another_network_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |name: &str, channels: Vec<usize>| {
        let config = RunConfig {
            architecture: Architecture::PreparedCifarResNet {
                blocks: vec![1, 1],
                channels,
            },
            ..small()
        };
        let mut run = Run::new(config, &cpu(), &Progress::none()).unwrap();
        steps(&mut run, 1);
        let place = folder.path().join(name);
        run.save(&place, &Curves::default()).unwrap();
        place
    };
    let (own, other) = (saved("own", vec![4, 8]), saved("other", vec![4, 6]));
    let file = "state/step-000001/optimiser-encoder.safetensors";
    std::fs::copy(other.join(file), own.join(file)).unwrap();
    let refused = || {
        let error = Run::resume(&own, &cpu(), &Progress::none()).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    let text = refused();
    assert!(
        text.contains("is of the shape") && text.contains("optimiser-encoder"),
        "{text}"
    );
    // The heads' parameters have other numbers than the encoder's.
    let heads = "state/step-000001/optimiser-heads.safetensors";
    std::fs::copy(own.join(heads), own.join(file)).unwrap();
    let text = refused();
    assert!(text.contains("belongs to no parameter of"), "{text}");
}

#[test]
fn a_loaded_encoder_is_tuned_towards_either_end_or_both() {
    let start = Start::Bundled("healthy".to_owned());
    let tuned = |align, uniform| {
        let config = RunConfig {
            start: start.clone(),
            objective: Objective::AlignUniform(crate::objectives::AlignUniform {
                align_weight: align,
                uniform_weight: uniform,
                ..crate::objectives::AlignUniform::default()
            }),
            learning_rate: 3e-3,
            batch: 16,
            steps: 30,
            schedule: Schedule {
                decay: Decay::Constant,
                ..Schedule::default()
            },
            ..small()
        };
        let mut run = Run::new(config, &cpu(), &Progress::none()).unwrap();
        let probe = |run: &Run| {
            let numbers = run.probe(None, &Progress::none()).unwrap().numbers;
            [numbers.alignment.value, numbers.uniformity.value].map(|value| value.unwrap())
        };
        let before = probe(&run);
        steps(&mut run, 30);
        (before, probe(&run))
    };
    let (start, aligned) = tuned(1.0, 0.0);
    let (_, spread) = tuned(0.0, 1.0);
    let (_, both) = tuned(1.0, 1.0);
    println!("{start:?}: align {aligned:?}, uniform {spread:?}, both {both:?}");
    // Alignment alone pulls all together: both numbers leave the start towards collapse.
    assert!(aligned[0] < 0.5 * start[0] && aligned[1] > start[1] + 0.2);
    // Uniformity alone spreads what alignment would hold together.
    assert!(spread[1] < start[1] + 0.05 && spread[0] > aligned[0]);
    // Both together lie between the two.
    assert!(both[0] > aligned[0] && both[0] < spread[0]);
    assert!(both[1] < aligned[1]);
}

#[test]
fn what_was_saved_last_is_gone_on_with_and_mixed_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    steps(&mut run, 2);
    let snapshot = run.snapshot().unwrap();
    steps(&mut run, 2);
    let later = run.save(folder.path(), &Curves::default()).unwrap();
    // Saving a step again replaces it and leaves nothing behind.
    run.save(folder.path(), &Curves::default()).unwrap();
    let mut states: Vec<_> = std::fs::read_dir(folder.path().join("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    states.sort();
    assert_eq!(states, ["latest", "step-000004"]);
    run.restore(&snapshot).unwrap();
    run.save(folder.path(), &Curves::default()).unwrap();
    let resume = || Run::resume(folder.path(), &cpu(), &Progress::none());
    assert_eq!(resume().unwrap().0.step_count(), 2);
    // Weights of another moment under this step's name.
    std::fs::copy(later, folder.path().join("step-000002.safetensors")).unwrap();
    let error = resume().err().map(|error| error.to_string());
    assert!(error.is_some_and(|text| text.contains("another time")));
}

#[test]
fn a_run_with_all_weights_at_zero_stands_still() {
    let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    run.set(Knob::AlignWeight, 0.0).unwrap();
    run.set(Knob::UniformWeight, 0.0).unwrap();
    let before = weights(&run);
    steps(&mut run, 1);
    // Running statistics follow the data; weights have nothing to follow.
    assert_eq!(before[0], weights(&run)[0]);
}

#[test]
fn a_key_encoder_follows_at_its_pace() {
    let run_with = |momentum| {
        let config = RunConfig {
            objective: Objective::MomentumContrast(MomentumContrast {
                momentum,
                queue: 20,
                ..MomentumContrast::default()
            }),
            ..small()
        };
        Run::new(config, &cpu(), &Progress::none()).unwrap()
    };
    let name = weights(&run_with(0.5))[0].name.clone();
    let first = |tensors: &[tensors::NamedTensor]| {
        let found = tensors.iter().find(|tensor| tensor.name == name);
        found.map(|tensor| tensor.values.clone()).expect("a weight")
    };
    // It follows before each step: after two it has seen the weights of one.
    let mut run = run_with(0.75);
    let start = first(&weights(&run));
    steps(&mut run, 1);
    let after_one = first(&weights(&run));
    steps(&mut run, 1);
    let keys = first(&run.snapshot().unwrap().keys);
    assert_ne!(start, after_one);
    for ((start, moved), key) in start.iter().zip(&after_one).zip(&keys) {
        // One rounding of an f32 of size one or less.
        assert!((0.75 * start + 0.25 * moved - key).abs() < 1e-6);
    }
    let mut still = run_with(1.0);
    steps(&mut still, 3);
    assert_eq!(first(&still.snapshot().unwrap().keys), start);
}

#[test]
fn losses_that_do_not_fit_are_refused_in_words() {
    let refused = |config: RunConfig| {
        let error = Run::new(config, &cpu(), &Progress::none()).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    let without_map = refused(RunConfig {
        objective: Objective::DenseCl(DenseCl::default()),
        architecture: Architecture::SmallAlexNet {
            channels_in: 3,
            feat_dim: 8,
            input_side: 64,
        },
        side: Some(64),
        ..small()
    });
    assert!(without_map.contains("locations"), "{without_map}");
    let folder = tempfile::tempdir().unwrap();
    for index in 0..3_u8 {
        let picture = image::RgbImage::from_pixel(16, 16, image::Rgb([index, 9, 200]));
        picture
            .save(folder.path().join(format!("{index}.png")))
            .unwrap();
    }
    let without_classes = refused(RunConfig {
        objective: Objective::Supervised,
        images: ImagesSource::Path {
            path: folder.path().to_owned(),
            masks: None,
        },
        ..small()
    });
    assert!(without_classes.contains("labels"), "{without_classes}");
    let mut config = small();
    config.objective = Objective::MomentumContrast(MomentumContrast {
        queue: 1,
        ..MomentumContrast::default()
    });
    assert!(refused(config).contains("queue"));
}

#[test]
fn a_snapshot_is_gone_back_to_exactly() {
    let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    steps(&mut run, 2);
    let snapshot = run.snapshot().unwrap();
    let expected = steps(&mut run, 3);
    run.set(Knob::LearningRate, 0.5).unwrap();
    run.set(Knob::Augmentation, 0.0).unwrap();
    steps(&mut run, 1);
    run.restore(&snapshot).unwrap();
    assert_eq!(steps(&mut run, 3), expected);
}

#[test]
fn a_step_falls_down_its_loss_and_moves_the_probe() {
    let run = &mut Run::new(small(), &cpu(), &Progress::none()).unwrap();
    let before = run.probe(None, &Progress::none()).unwrap();
    steps(run, 8);
    let after = run.probe(Some(&before), &Progress::none()).unwrap();
    assert_eq!(before.features.len(), 16);
    assert_eq!(after.features.dim, 3);
    assert_ne!(before.sphere.coords, after.sphere.coords);
    assert!(after.numbers.alignment.value.is_some());
}

#[test]
fn divergence_is_told_before_the_weights_are_touched() {
    let config = RunConfig {
        optimiser: Optimiser::Sgd {
            momentum: 0.0,
            weight_decay: 0.0,
            nesterov: false,
        },
        ..small()
    };
    let mut run = Run::new(config, &cpu(), &Progress::none()).unwrap();
    let mut snapshot = run.snapshot().unwrap();
    for value in &mut std::sync::Arc::make_mut(&mut snapshot.tensors)[0].values {
        *value = f32::NAN;
    }
    run.restore(&snapshot).unwrap();
    let error = run.step(&Progress::none()).unwrap_err();
    assert!(
        matches!(error, TrainingError::Diverged { step: 0, .. }),
        "{error}"
    );
    assert_eq!(run.step_count(), 0);
    // Weights that the last step left as no numbers are seen by the next probe.
    snapshot.step = 3;
    run.restore(&snapshot).unwrap();
    let error = run.probe(None, &Progress::none()).err();
    let told = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("diverged at step 3"), "{told}");
}

#[test]
fn folders_that_hold_no_run_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |words: &str| {
        let error = Run::resume(folder.path(), &cpu(), &Progress::none()).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains(words), "{text}");
    };
    refused("state");
    std::fs::create_dir_all(folder.path().join("state/step-000002")).unwrap();
    refused("no step is saved");
    std::fs::write(folder.path().join("step-000002.safetensors"), b"").unwrap();
    refused("run.json");
    let missing = ModelError::Read {
        name: "a".into(),
        reason: "b".into(),
    };
    assert!(!TrainingError::from(missing).is_cancelled());
}

/// Waits until `holds`, or a minute.
fn wait_for(runner: &Runner, holds: impl Fn(&RunState) -> bool) -> std::sync::Arc<RunState> {
    let start = Instant::now();
    loop {
        let state = runner.state();
        if holds(&state) {
            return state;
        }
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "the run stands at {:?}, step {}: {:?}",
            state.phase,
            state.step,
            state.message
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_stopped_run_can_still_be_saved_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = RunConfig {
        steps: 1_000_000,
        ..small()
    };
    let runner = Runner::start(config, &cpu(), || {}).unwrap();
    runner.control(Control::Play);
    wait_for(&runner, |state| state.step >= 3);
    runner.control(Control::Stop);
    let stopped = wait_for(&runner, |state| state.phase == Phase::Stopped);
    assert!(!stopped.is_over && stopped.is_unsaved());
    assert_eq!((stopped.steps_per_s, stopped.remaining_s), (None, None));
    runner.control(Control::SaveTo(folder.path().join("run")));
    let saved = wait_for(&runner, |state| state.saved.is_some());
    assert_eq!(
        (saved.phase.clone(), saved.step),
        (Phase::Stopped, stopped.step)
    );
    assert!(!saved.is_unsaved(), "{:?}", saved.message);
    runner.control(Control::Play);
    wait_for(&runner, |state| {
        state.step > stopped.step && state.is_unsaved()
    });
}

#[test]
fn a_runner_plays_forks_and_replays_the_same_numbers() {
    let runner = Runner::start(small(), &cpu(), || {}).unwrap();
    wait_for(&runner, |state| state.phase == Phase::Paused);
    assert!(runner.newest_frame().is_some());
    runner.control(Control::Step);
    wait_for(&runner, |state| {
        state.step == 1 && state.phase == Phase::Paused
    });
    runner.control(Control::Play);
    let whole = wait_for(&runner, |state| state.phase == Phase::Finished);
    assert_eq!(
        (whole.step, &whole.snapshots[..]),
        (8, &[0, 2, 4, 6, 8][..])
    );
    let total = |state: &RunState| state.curves.get("total").cloned();
    assert_eq!(total(&whole).map(|curve| curve.points.len()), Some(8));
    // On threads of its own it is the run that it is without a window, bit for bit.
    let mut bare = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    let mut curves = Curves::default();
    for report in steps(&mut bare, 8) {
        curves.note(&report);
    }
    assert_eq!(total(&whole), curves.get("total").cloned());
    assert_eq!(runner.frame_at(5).map(|frame| frame.step), Some(4));

    runner.control(Control::Fork { step: 4 });
    let forked = wait_for(&runner, |state| state.phase == Phase::Paused);
    assert_eq!((forked.step, forked.branches.len()), (4, 1));
    runner.control(Control::Play);
    let again = wait_for(&runner, |state| state.phase == Phase::Finished);
    assert_eq!(total(&again), total(&whole));

    runner.control(Control::Fork { step: 4 });
    runner.control(Control::Set(Knob::LearningRate, 0.1));
    runner.control(Control::Set(Knob::LearningRate, 0.2));
    runner.control(Control::Set(Knob::LearningRate, -1.0));
    let turned = wait_for(&runner, |state| state.message.is_some());
    let marks: Vec<&str> = turned.marks.iter().map(|mark| mark.text.as_str()).collect();
    assert_eq!(
        marks,
        ["went on from step 4", "learning rate 0.003 → 0.2"],
        "{:?}",
        turned.message
    );
    runner.control(Control::Play);
    let other = wait_for(&runner, |state| state.phase == Phase::Finished);
    assert_ne!(total(&other), total(&whole));

    runner.control(Control::Reset);
    let reset = wait_for(&runner, |state| state.step == 0);
    assert_eq!(reset.config, small());
    runner.control(Control::Play);
    let replayed = wait_for(&runner, |state| state.phase == Phase::Finished);
    assert_eq!(total(&replayed), total(&whole));
}

#[test]
fn every_state_is_paused_forked_saved_opened_and_replayed_bit_for_bit() {
    // A queue and a key encoder, the same of locations, prototypes, a decoder.
    let objectives = all_losses()
        .into_iter()
        .filter(|objective| objective.keys().is_some() || objective.reconstructs());
    for objective in objectives {
        let config = RunConfig {
            objective: with_short_queue(objective),
            ..small()
        };
        let title = config.objective.title();
        let runner = Runner::start(config, &cpu(), || {}).unwrap();
        wait_for(&runner, |state| state.phase == Phase::Paused);
        runner.control(Control::Step);
        wait_for(&runner, |state| {
            state.step == 1 && state.phase == Phase::Paused
        });
        runner.control(Control::Play);
        let whole = wait_for(&runner, |state| state.phase == Phase::Finished);
        runner.control(Control::Fork { step: 4 });
        wait_for(&runner, |state| state.phase == Phase::Paused);
        let folder = tempfile::tempdir().unwrap();
        runner.control(Control::SaveTo(folder.path().to_owned()));
        wait_for(&runner, |state| state.message.is_some());
        runner.control(Control::Play);
        let forked = wait_for(&runner, |state| state.phase == Phase::Finished);
        let opened = Runner::open(folder.path(), &cpu(), || {}).unwrap();
        wait_for(&opened, |state| state.phase == Phase::Paused);
        opened.control(Control::Play);
        let resumed = wait_for(&opened, |state| state.phase == Phase::Finished);
        // Both saved steps are there again, and the earlier is gone on with.
        runner.control(Control::SaveTo(folder.path().to_owned()));
        wait_for(&runner, |state| state.message.is_some());
        let series = Runner::open(folder.path(), &cpu(), || {}).unwrap();
        let both = wait_for(&series, |state| state.phase == Phase::Finished);
        assert_eq!(
            (&both.snapshots[..], &both.frames[..]),
            (&[4, 8][..], &[4, 8][..])
        );
        series.control(Control::Fork { step: 4 });
        wait_for(&series, |state| state.phase == Phase::Paused);
        series.control(Control::Play);
        let replayed = wait_for(&series, |state| state.phase == Phase::Finished);
        for other in [&forked, &resumed, &replayed] {
            for curve in whole.curves.iter() {
                assert_eq!(other.curves.get(&curve.name), Some(curve), "{title}");
            }
        }
    }
}

#[test]
fn a_run_whose_device_is_lost_goes_on_from_its_snapshot_on_the_cpu() {
    use crate::compute::testing::{headless_handles, lose};
    let Some(handles) = headless_handles() else {
        return;
    };
    let device = handles.device.clone();
    let compute =
        Compute::from_window(DevicePolicy::Gpu, handles).expect("software devices register");
    let config = RunConfig {
        steps: 1000,
        ..small()
    };
    let runner = Runner::start(config, &compute, || {}).unwrap();
    wait_for(&runner, |state| state.phase == Phase::Paused);
    // Before the first step: software drivers compile the kernels of one for minutes.
    lose(&device);
    runner.control(Control::Play);
    let moved = wait_for(&runner, |state| state.step >= 6);
    let marks: Vec<&str> = moved.marks.iter().map(|mark| mark.text.as_str()).collect();
    assert!(
        marks.len() == 1 && marks[0].contains("went on from step 0 on the CPU"),
        "{marks:?}"
    );
    let total = moved.curves.get("total").expect("the loss has a curve");
    assert!(total.points.iter().all(|[_, value]| value.is_finite()));
    let frame = runner.newest_frame().expect("frames go on");
    assert_eq!(frame.analysis.device.compute, "cpu (flex)");
    // What was kept before the loss is gone on with too, its optimiser's memory anew.
    runner.control(Control::Fork { step: 0 });
    wait_for(&runner, |state| {
        state.step == 0 && state.phase == Phase::Paused
    });
    runner.control(Control::Step);
    let forked = wait_for(&runner, |state| state.step == 1);
    assert_eq!(forked.phase, Phase::Paused, "{:?}", forked.message);
    runner.control(Control::Stop);
}

#[test]
fn kept_weights_are_those_of_the_run() {
    let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    steps(&mut run, 2);
    let snapshot = run.snapshot().unwrap();
    let kept = snapshot.kept();
    assert_eq!((kept.step, kept.run.as_str()), (2, "run"));
    let weights = kept.weights().unwrap();
    for tensor in weights.tensors() {
        let name = tensor.name.replace("head.", "projector.");
        let own = snapshot.tensors.iter().find(|other| other.name == name);
        assert_eq!(own.map(|own| &own.values), Some(&tensor.values), "{name}");
    }
    // The encoder's tensors, and weight and bias of the head.
    assert_eq!(
        weights.tensors().len(),
        weights.architecture().tensors().len() + 2
    );
}
