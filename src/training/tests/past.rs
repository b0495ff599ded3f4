//! What a saved run knows of its way, and what it does not go on with.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// Changes what the state of a step says of itself.
fn edit(folder: &Path, step: usize, change: impl FnOnce(&mut Value)) {
    let path = folder.join(format!("state/step-{step:06}/run.json"));
    let mut value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();
}

/// As a file of before this was written down.
fn without(folder: &Path, step: usize, key: &str) {
    edit(folder, step, |value| {
        assert!(value.as_object_mut().unwrap().remove(key).is_some());
    });
}

fn refused(folder: &Path) -> String {
    let error = Run::resume(folder, &cpu(), &Progress::none()).err();
    error.map(|error| error.to_string()).unwrap_or_default()
}

fn own_steps(folder: &Path) -> Option<Vec<usize>> {
    let own = own_checkpoints(folder)?;
    for (step, file) in &own {
        assert_eq!(
            *file,
            folder.join(format!("step-{step:06}.safetensors")),
            "step {step}"
        );
    }
    Some(own.into_iter().map(|(step, _)| step).collect())
}

/// Saved at 2 and 4, gone back to 2 and saved at 3.
fn forked(folder: &Path) -> Run {
    let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    steps(&mut run, 2);
    let snapshot = run.snapshot().unwrap();
    run.save(folder, &Curves::default()).unwrap();
    steps(&mut run, 2);
    run.save(folder, &Curves::default()).unwrap();
    assert_eq!(own_steps(folder), Some(vec![2, 4]));
    run.restore(&snapshot).unwrap();
    run.set(Knob::LearningRate, 0.1).unwrap();
    steps(&mut run, 1);
    run.save(folder, &Curves::default()).unwrap();
    run
}

#[test]
fn steps_of_a_branch_that_was_left_are_not_the_runs_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(own_steps(folder), None);
    let mut run = forked(folder);
    assert!(folder.join("step-000004.safetensors").exists());
    assert_eq!(own_steps(folder), Some(vec![2, 3]));
    let saved = |run: &Run| -> Vec<usize> {
        let saved = run.saved_steps(folder).into_iter();
        saved.map(|(step, _)| step).collect()
    };
    let resumed = || Run::resume(folder, &cpu(), &Progress::none()).unwrap().0;
    assert_eq!(saved(&resumed()), [2, 3]);
    let runner = Runner::open(folder, &cpu(), || {}).unwrap();
    let opened = wait_for(&runner, |state| state.phase == Phase::Paused);
    assert_eq!(
        (opened.step, &opened.snapshots[..], &opened.frames[..]),
        (3, &[2, 3][..], &[2, 3][..])
    );
    // Further than the old branch went: its step 4 is still no step of this run.
    steps(&mut run, 2);
    run.save(folder, &Curves::default()).unwrap();
    assert_eq!(own_steps(folder), Some(vec![2, 3, 5]));
    assert_eq!(saved(&resumed()), [2, 3, 5]);
    // Another run's weights under the name of one of its steps, with the state that goes with them.
    let other = tempfile::tempdir().unwrap();
    let mut stranger =
        Run::new(RunConfig { seed: 9, ..small() }, &cpu(), &Progress::none()).unwrap();
    steps(&mut stranger, 2);
    stranger.save(other.path(), &Curves::default()).unwrap();
    for file in ["step-000002.safetensors", "state/step-000002/run.json"] {
        std::fs::copy(other.path().join(file), folder.join(file)).unwrap();
    }
    assert_eq!(own_steps(folder), Some(vec![3, 5]));
    // Older files tell no branch: everything up to where the run stands, as before.
    without(folder, 5, "branch");
    assert_eq!(own_steps(folder), None);
    assert_eq!(saved(&resumed()), [2, 3, 4, 5]);
}

#[test]
fn a_checkpoint_has_the_settings_of_its_own_step() {
    let folder = tempfile::tempdir().unwrap();
    forked(folder.path());
    let rate = |name: &str| {
        let config = settings_of_checkpoint(&folder.path().join(name));
        config.map(|config| config.learning_rate)
    };
    assert_eq!(rate("step-000002.safetensors"), Some(3e-3));
    assert_eq!(rate("step-000003.safetensors"), Some(0.1));
    assert_eq!(rate("best.safetensors"), None);
    // Where only the newest settings are there, they are taken.
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    assert_eq!(rate("step-000002.safetensors"), Some(0.1));
}

#[test]
fn a_step_that_is_not_its_folders_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    forked(folder.path());
    edit(folder.path(), 3, |value| value["step"] = json!(7));
    let text = refused(folder.path());
    assert!(
        text.contains("says step 7") && text.contains("step-000003"),
        "{text}"
    );
}

#[test]
fn a_lost_memory_of_either_optimiser_is_told() {
    use safetensors::tensor::TensorView;
    let nothing = std::iter::empty::<(&str, TensorView<'_>)>();
    let nothing = safetensors::serialize(nothing, None).unwrap();
    for file in ["optimiser-encoder", "optimiser-heads"] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::new(small(), &cpu(), &Progress::none()).unwrap();
        steps(&mut run, 1);
        run.save(folder.path(), &Curves::default()).unwrap();
        assert_eq!(refused(folder.path()), "");
        let path = format!("state/step-000001/{file}.safetensors");
        std::fs::write(folder.path().join(path), &nothing).unwrap();
        let text = refused(folder.path());
        assert!(text.contains("is missing") && text.contains(file), "{text}");
        without(folder.path(), 1, "remembered");
        let text = refused(folder.path());
        assert!(text.contains("is empty") && text.contains(file), "{text}");
    }
}

#[test]
fn other_images_than_before_are_refused() {
    let images = tempfile::tempdir().unwrap();
    let picture = |index: u8| images.path().join(format!("{index}.png"));
    for index in 0..4_u8 {
        let colour = image::Rgb([60 * index, 9, 200 - 50 * index]);
        let drawn = image::RgbImage::from_pixel(16, 16, colour);
        drawn.save(picture(index)).unwrap();
    }
    let objective = Objective::ProtoNce(few_prototypes(&ProtoNce::default()));
    let config = RunConfig {
        objective,
        batch: 2,
        images: ImagesSource::Path {
            path: images.path().to_owned(),
            masks: None,
        },
        ..small()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new(config, &cpu(), &Progress::none()).unwrap();
    // Clustered before the second step.
    steps(&mut run, 2);
    run.save(folder.path(), &Curves::default()).unwrap();
    assert_eq!(refused(folder.path()), "");
    std::fs::rename(picture(3), picture(7)).unwrap();
    let text = refused(folder.path());
    assert!(
        text.contains("trained on 4 images") && text.contains("other names"),
        "{text}"
    );
    std::fs::remove_file(picture(7)).unwrap();
    let text = refused(folder.path());
    assert!(
        text.contains("trained on 4 images, and 3 are there"),
        "{text}"
    );
    // Older files do not tell; that the prototypes are of other images, they do.
    without(folder.path(), 2, "images");
    let text = refused(folder.path());
    assert!(
        text.contains("it is of 4 images, and the run has 3"),
        "{text}"
    );
}

#[test]
fn sizes_beyond_the_images_are_refused_and_so_are_fewer_steps_than_done() {
    let refused = |config: RunConfig| {
        let error = Run::new(config, &cpu(), &Progress::none()).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    let text = refused(RunConfig {
        batch: 41,
        ..small()
    });
    assert!(
        text.contains("at most the 40 images") && text.contains("41"),
        "{text}"
    );
    let text = refused(RunConfig {
        objective: Objective::ProtoNce(ProtoNce {
            clusters: vec![2, 41],
            ..few_prototypes(&ProtoNce::default())
        }),
        ..small()
    });
    assert!(
        text.contains("at most the 40 images") && text.contains("41"),
        "{text}"
    );
    let mut run = Run::new(
        RunConfig {
            batch: 40,
            ..small()
        },
        &cpu(),
        &Progress::none(),
    )
    .unwrap();
    steps(&mut run, 2);
    let text = run.set_total_steps(1).unwrap_err().to_string();
    assert!(
        text.contains("at least the 2 that are done, not 1"),
        "{text}"
    );
    run.set_total_steps(2).unwrap();
    assert_eq!(run.config().steps, 2);
}

#[test]
fn a_run_that_is_opened_has_its_marks_and_begins_where_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let runner = Runner::start(small(), &cpu(), || {}).unwrap();
    wait_for(&runner, |state| state.phase == Phase::Paused);
    runner.control(Control::Set(Knob::LearningRate, 0.2));
    runner.control(Control::Step);
    wait_for(&runner, |state| {
        state.step == 1 && state.phase == Phase::Paused
    });
    runner.control(Control::SaveTo(folder.path().to_owned()));
    let saved = wait_for(&runner, |state| state.marks.len() == 2);
    drop(runner);
    let runner = Runner::open(folder.path(), &cpu(), || {}).unwrap();
    let opened = wait_for(&runner, |state| state.phase == Phase::Paused);
    assert_eq!(opened.marks, saved.marks);
    assert_eq!(opened.marks[1].text, "saved");
    assert_eq!(opened.config.learning_rate, 0.2);
    // Its first step was not saved: it is begun again.
    assert_eq!(opened.snapshots, [1]);
    runner.control(Control::Reset);
    let reset = wait_for(&runner, |state| {
        state.step == 0 && state.phase == Phase::Paused
    });
    assert_eq!(reset.config, small());
    assert_eq!(
        (&reset.snapshots[..], &reset.frames[..]),
        (&[0][..], &[0][..])
    );
    assert_eq!((reset.marks.len(), reset.branches.len()), (0, 1));
    runner.control(Control::Play);
    let whole = wait_for(&runner, |state| state.phase == Phase::Finished);
    let mut bare = Run::new(small(), &cpu(), &Progress::none()).unwrap();
    let mut curves = Curves::default();
    for report in steps(&mut bare, 8) {
        curves.note(&report);
    }
    assert_eq!(whole.curves.get("total"), curves.get("total"));
}
