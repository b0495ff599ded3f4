//! Sweeps that are broken off, refused, or meet trouble.

use super::*;
use crate::{
    compute::DevicePolicy,
    lab::{PerformanceSettings, Task},
};

/// Four short runs, one of which diverges.
pub fn small() -> SweepPlan {
    let mut plan: SweepPlan = toml::from_str(
        r#"
        name = "small"
        measure-at = [3]
        save-every = 2
        image-count = 64
        [base]
        steps = 6
        batch = 8
        architecture = "tiny:4"
        [[parts]]
        vary = { uniform-weight = [0, 1], seed = [1] }
        [[parts]]
        preset = "nt-xent"
        "#,
    )
    .unwrap();
    plan.measure.performance = PerformanceSettings {
        tasks: vec![Task::Knn],
        ..PerformanceSettings::default()
    };
    if let crate::analysis::ImagesSource::Builtin(images) = &mut plan.base.images {
        images.count = 64;
    }
    plan
}

fn without(table: &Table, columns: &[&str]) -> Vec<Vec<String>> {
    let keeps: Vec<bool> = table
        .columns()
        .iter()
        .map(|c| !columns.contains(&c.as_str()))
        .collect();
    let keep = |row: &Vec<String>| {
        row.iter()
            .zip(&keeps)
            .filter(|(_, keep)| **keep)
            .map(|(field, _)| field.clone())
            .collect()
    };
    table.rows().iter().map(keep).collect()
}

#[test]
fn a_sweep_that_was_broken_off_ends_as_one_that_was_not() {
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let control = SweepControl::default();
    let mut sweep = Sweep::open(&whole, Some(small())).unwrap();
    let mut phases = Vec::new();
    sweep
        .drive(&compute, &control, &Progress::none(), |state| {
            phases.push(state.phase);
        })
        .unwrap();
    assert!(phases.contains(&SweepPhase::Measuring));
    assert_eq!(phases.last(), Some(&SweepPhase::Finished));
    assert_eq!(
        (sweep.table().rows().len(), sweep.along().rows().len()),
        (3, 6)
    );

    // Broken off in the middle of the second run, once through a cancel.
    let broken = folder.path().join("broken");
    let progress = Progress::none();
    let mut sweep = Sweep::open(&broken, Some(small())).unwrap();
    let stop = progress.clone();
    let outcome = sweep.drive(&compute, &control, &progress, move |state| {
        if state.finished == 1 && state.phase == SweepPhase::Measuring {
            stop.cancel();
        }
    });
    assert!(outcome.unwrap_err().is_cancelled());
    assert_eq!(Sweep::open(&broken, None).unwrap().state().finished, 1);
    let mut again = Sweep::open(&broken, Some(small())).unwrap();
    assert_eq!(again.unfinished().count(), 2);
    again
        .drive(&compute, &control, &Progress::none(), |_| {})
        .unwrap();
    let first = Sweep::open(&whole, None).unwrap();
    let ours = ["seconds"];
    assert_eq!(without(first.table(), &ours), without(again.table(), &ours));
    assert_eq!(without(first.along(), &ours), without(again.along(), &ours));
}

#[test]
fn folders_are_not_shared() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |folder: &Path, plan| Sweep::open(folder, plan).unwrap_err().to_string();
    assert!(refuse(folder.path(), None).contains("sweep.toml"));
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    assert!(refuse(folder.path(), Some(small())).contains("empty"));
    let own = folder.path().join("own");
    Sweep::open(&own, Some(small())).unwrap();
    let mut other = small();
    other.base.steps = 7;
    assert!(refuse(&own, Some(other)).contains("another sweep"));
    assert!(Sweep::open(&own, Some(small())).is_ok());
}

#[test]
fn a_run_that_diverges_has_a_row_that_says_so() {
    let mut plan = small();
    plan.measure_at = Vec::new();
    plan.parts.truncate(1);
    let text = "[[parts]]\nvary = { learning-rate = [10.0, 0.001] }";
    plan.parts = toml::from_str::<SweepPlan>(text).unwrap().parts;
    plan.base.optimiser = toml::from_str::<crate::training::RunConfig>(
        "[optimiser.sgd]\nmomentum = 0.99\nweight-decay = 1.0\nnesterov = false\n",
    )
    .unwrap()
    .optimiser;
    plan.base.steps = 60;
    plan.save_every = 1000;
    let folder = tempfile::tempdir().unwrap();
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let mut sweep = Sweep::open(folder.path(), Some(plan)).unwrap();
    let control = SweepControl::default();
    sweep
        .drive(&compute, &control, &Progress::none(), |_| {})
        .unwrap();
    let notes = sweep.table().column("notes").unwrap();
    let rows = sweep.table().rows();
    assert_eq!(rows.len(), 2);
    assert!(rows[0][notes].contains("diverged"), "{:?}", rows[0]);
    assert!(!rows[1][notes].contains("diverged"), "{:?}", rows[1]);
    assert_eq!(sweep.unfinished().count(), 0);
}

#[test]
fn only_divergence_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let control = SweepControl::default();
    let mut plan = small();
    plan.measure_at = Vec::new();
    let mut sweep = Sweep::open(folder.path(), Some(plan)).unwrap();
    // A file stands where the first run's folder would be: it cannot be saved.
    let taken = folder.path().join(&sweep.runs()[0].folder);
    std::fs::create_dir_all(taken.parent().unwrap()).unwrap();
    std::fs::write(&taken, b"in the way").unwrap();
    let outcome = sweep.drive(&compute, &control, &Progress::none(), |_| {});
    assert!(outcome.is_err());
    assert!(sweep.table().rows().is_empty());
    std::fs::remove_file(&taken).unwrap();
    // A row that says only that the run failed is done again, in its place.
    let first = sweep.runs()[0].name.clone();
    let failed = [("name", first.as_str()), ("notes", "failed: out of memory")];
    put(
        &mut sweep.table,
        &failed.map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(sweep.unfinished().count(), 3);
    sweep
        .drive(&compute, &control, &Progress::none(), |_| {})
        .unwrap();
    let notes = sweep.table().column("notes").unwrap();
    let rows = sweep.table().rows();
    assert_eq!((rows.len(), rows[0][0].as_str()), (3, first.as_str()));
    assert!(rows.iter().all(|row| !row[notes].starts_with(FAILED)));
    assert_eq!(sweep.unfinished().count(), 0);
}

#[test]
fn an_edited_plan_does_not_go_on_with_what_another_made() {
    let one = || {
        let mut plan = small();
        plan.measure_at = Vec::new();
        plan.parts.truncate(1);
        let text = "[[parts]]\nvary = { uniform-weight = [1], seed = [1] }";
        plan.parts = toml::from_str::<SweepPlan>(text).unwrap().parts;
        plan
    };
    let folder = tempfile::tempdir().unwrap();
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let mut sweep = Sweep::open(folder.path(), Some(one())).unwrap();
    let name = sweep.runs()[0].name.clone();
    sweep
        .drive(
            &compute,
            &SweepControl::default(),
            &Progress::none(),
            |_| {},
        )
        .unwrap();
    let opened = |change: &dyn Fn(&mut SweepPlan)| {
        let mut plan = one();
        change(&mut plan);
        let text = plan.to_toml().unwrap();
        std::fs::write(folder.path().join(PLAN), text).unwrap();
        Sweep::open(folder.path(), None)
    };
    let refused = |change: &dyn Fn(&mut SweepPlan)| opened(change).unwrap_err().to_string();
    assert_eq!(opened(&|_| {}).unwrap().unfinished().count(), 0);
    let text = refused(&|plan| plan.base.learning_rate = 0.01);
    let said = "was done with other settings: learning-rate was 0.003, and sweep.toml says 0.01";
    assert!(text.contains(&name) && text.contains(said), "{text}");
    let text = refused(&|plan| plan.measure.seed = 5);
    assert!(
        text.contains(&name) && text.contains("measure.seed was 0"),
        "{text}"
    );
    let text = refused(&|plan| plan.image_count = 32);
    assert!(
        text.contains("measured images.builtin.count was 64"),
        "{text}"
    );
    let text = refused(&|plan| plan.parts.clear());
    assert!(
        text.contains(&name) && text.contains("does not plan"),
        "{text}"
    );
    // More runs, and saves at other steps, change nothing that is there.
    let longer = opened(&|plan| {
        plan.save_every = 1;
        plan.parts.push(crate::lab::SweepPart {
            preset: Some("nt-xent".to_owned()),
            ..crate::lab::SweepPart::default()
        });
    });
    assert_eq!(longer.unwrap().unfinished().count(), 1);
    // A run that was broken off before it had a row, in a folder of an older program.
    for file in [SERIES, "series.plan.toml"] {
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
    let text = refused(&|plan| plan.base.batch = 16);
    assert!(
        text.contains("was begun with other settings: batch was 8"),
        "{text}"
    );
    assert_eq!(opened(&|_| {}).unwrap().unfinished().count(), 1);
}
