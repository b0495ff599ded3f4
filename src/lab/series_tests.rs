//! Series of folders, called off and gone on with.

use super::*;
use crate::{
    compute::DevicePolicy,
    data::{BuiltinConfig, BuiltinKind},
    lab::{PerformanceSettings, Task},
    models::Architecture,
    training::{Curves, Knob, Run, RunConfig},
};

fn bundled_into(folder: &Path) {
    let encoders = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
    for name in ["healthy", "complete-collapse"] {
        let file = format!("{name}.safetensors");
        std::fs::copy(encoders.join(&file), folder.join(&file)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_checkpoint_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("linked.safetensors");
    let file = "assets/encoders/healthy.safetensors";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::os::unix::fs::symlink(file, &link).unwrap();
    assert_eq!(checkpoints_in(folder.path()).unwrap(), [link]);
}

#[test]
fn a_folder_becomes_a_table_that_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    bundled_into(folder.path());
    std::fs::write(folder.path().join("broken.pth"), b"nothing").unwrap();
    let out = folder.path().join("series.csv");
    let images = ImagesSource::Builtin(BuiltinConfig {
        kind: BuiltinKind::SingleObject,
        count: 96,
        side: 32,
        seed: 1,
    });
    let plan = MeasurePlan {
        performance: PerformanceSettings {
            tasks: vec![Task::Knn],
            ..PerformanceSettings::default()
        },
        ..MeasurePlan::default()
    };
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let series = FolderSeries {
        folder: folder.path().to_owned(),
        images,
        plan,
    };
    let go = |progress: &Progress, each: &mut dyn FnMut(&Table)| {
        let out = Some(out.as_path());
        let mut was_at_work = false;
        series.measure(out, &compute, progress, |news| {
            // Of every fresh row once.
            let is_at_work = news.now.is_some();
            if std::mem::replace(&mut was_at_work, is_at_work) && !is_at_work {
                assert!(news.remaining_s.is_some() && news.total == 3);
                each(news.table);
            }
        })
    };
    // Cancelled after the second row: both stay.
    let progress = Progress::none();
    let outcome = go(&progress, &mut |table| {
        if table.rows().len() == 2 {
            progress.cancel();
        }
    });
    assert!(outcome.unwrap_err().is_cancelled());
    assert_eq!(Table::read(&out).unwrap().rows().len(), 2);
    // The failed row comes first and is tried again; a cancel right after it must not take the
    // finished row, which comes later, off the disk.
    let progress = Progress::none();
    let outcome = go(&progress, &mut |_| progress.cancel());
    assert!(outcome.unwrap_err().is_cancelled());
    let kept = Table::read(&out).unwrap();
    let names: Vec<&str> = kept.rows().iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["broken.pth", "complete-collapse.safetensors"]);
    let mut fresh = 0;
    let table = go(&Progress::none(), &mut |_| fresh += 1).unwrap();
    // The broken one is tried again, the finished one is not.
    assert_eq!((fresh, table.rows().len()), (2, 3));
    assert_eq!(Table::read(&out).unwrap(), table);
    let field = |row: usize, column: &str| table.rows()[row][table.column(column).unwrap()].clone();
    assert!(field(0, "notes").starts_with(FAILED) && field(0, "alignment").is_empty());
    let number = |row, column: &str| field(row, column).parse::<f64>().unwrap();
    // complete-collapse, healthy.
    assert!(number(1, "uniformity") > number(2, "uniformity"));
    assert_eq!(field(2, "performance"), field(2, "performance:knn"));
    // What the rows are made by stands beside them; only the broken one is left.
    let again = FolderSeries::of_rows(&out, &table).unwrap();
    assert_eq!(again, series);
    assert_eq!(again.left(&table).unwrap(), [1, 3]);
    let mut other = series.clone();
    other.plan.seed = 5;
    let refused = other.measure(Some(&out), &compute, &Progress::none(), |_| {});
    assert!(refused.unwrap_err().to_string().contains("another way"));
    // Rows of the same plan are gone on with, others get a file of their own.
    let named = |series: &FolderSeries| series.rows_file(folder.path());
    let first = folder.path().join("encoders.csv");
    assert_eq!(named(&series), first);
    table.write(&first).unwrap();
    assert_eq!(named(&series), first);
    assert_eq!(named(&other), folder.path().join("encoders-2.csv"));
    let nowhere = FolderSeries {
        folder: folder.path().join("none"),
        ..series
    };
    assert_eq!(nowhere.rows_file(folder.path()), first);
}

#[test]
fn a_run_is_a_series_of_the_steps_that_it_came_by_with_the_settings_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let config = RunConfig {
        steps: 8,
        batch: 8,
        architecture: Architecture::TinyConvNet { width: 4 },
        images: ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 16,
            side: 16,
            seed: 1,
        }),
        ..RunConfig::default()
    };
    let run_folder = folder.path().join("run");
    let mut run = Run::new(config, &compute, &Progress::none()).unwrap();
    let save_after = |run: &mut Run, steps: usize| {
        for _ in 0..steps {
            run.step(&Progress::none()).unwrap();
        }
        run.save(&run_folder, &Curves::default()).unwrap()
    };
    let first = save_after(&mut run, 1);
    let snapshot = run.snapshot().unwrap();
    let left_behind = save_after(&mut run, 2);
    run.restore(&snapshot).unwrap();
    run.set(Knob::LearningRate, 0.25).unwrap();
    let last = save_after(&mut run, 1);
    bundled_into(folder.path());
    let found = checkpoints_in(folder.path()).unwrap();
    assert!(left_behind.exists() && !found.contains(&left_behind));
    assert_eq!(found.len(), 4, "{found:?}");
    let settings = |file: &Path| {
        let fields = of_run(file);
        ["step", "learning-rate"].map(|name| {
            let field = fields.iter().find(|(column, _)| column == name);
            field.map(|(_, value)| value.clone()).unwrap()
        })
    };
    assert!(found.contains(&first) && found.contains(&last));
    assert_eq!(settings(&first), ["1", "0.003"]);
    assert_eq!(settings(&last), ["2", "0.25"]);
    // Without the run's state there is nothing to tell by: all are taken.
    std::fs::remove_dir_all(run_folder.join("state")).unwrap();
    assert_eq!(checkpoints_in(folder.path()).unwrap().len(), 5);
}
