//! Whether what lies in a sweep's folder was made by the plan that the sweep goes on with.
//!
//! The plan is a text file that anyone may edit between a stop and going on. More runs, or saves at
//! other steps, do no harm; rows made with other settings would stand in the table under the names
//! and settings of the new plan.

use std::{collections::BTreeSet, io::Write as _, path::Path};

use serde_json::{Value, json};

use super::{PlannedRun, SweepPlan};
use crate::{
    data::{Table, write_whole},
    lab::{LabError, series::FAILED},
    training::Run,
};

/// The plan that the rows were made by, beside `sweep.toml`.
const ROWS_PLAN: &str = "series.plan.toml";

/// Two floats that a file may hold as one and the same: JSON is read to within the last digit.
const SAME_FLOAT: f64 = 1e-12;

/// A setting that is not what it was.
#[derive(Debug, PartialEq)]
struct Difference {
    setting: String,
    there: String,
    planned: String,
}

/// Refuses a plan that what is in `folder` was not made by; `tables` are its rows.
///
/// # Errors
/// [`LabError::File`] with the run and the first setting that differs.
pub(super) fn check(
    folder: &Path,
    plan: &SweepPlan,
    runs: &[PlannedRun],
    tables: [&Table; 2],
) -> Result<(), LabError> {
    let refuse = |reason: String| LabError::File {
        path: folder.to_owned(),
        reason,
    };
    let done = names(tables);
    if let Some(name) = done
        .iter()
        .find(|name| !runs.iter().any(|run| run.name == **name))
    {
        return Err(refuse(format!(
            "its tables have rows of the run '{name}', which sweep.toml does not plan: put the plan \
             back as it was, or name another folder"
        )));
    }
    let path = folder.join(ROWS_PLAN);
    let before = if path.exists() {
        let before = SweepPlan::open(&path)?;
        let runs = before.runs()?;
        Some((before, runs))
    } else {
        None
    };
    for run in runs {
        let of_rows = before.as_ref().filter(|_| done.contains(run.name.as_str()));
        let difference = of_rows.and_then(|(before, runs)| {
            let known = runs.iter().find(|known| known.name == run.name)?;
            differs("", &facts(before, known), &facts(plan, run))
        });
        // A folder that cannot be read is told of when its run is gone on with.
        let begun = Run::saved_settings(&folder.join(&run.folder)).ok();
        let difference = difference.or_else(|| {
            let value = |config| serde_json::to_value(config).unwrap_or_default();
            differs("", &value(&begun?), &value(&run.config))
        });
        if let Some(Difference {
            setting,
            there,
            planned,
        }) = difference
        {
            let what = if done.contains(run.name.as_str()) {
                "was done"
            } else {
                "was begun"
            };
            return Err(refuse(format!(
                "the run '{}' {what} with other settings: {setting} was {there}, and sweep.toml \
                 says {planned}. Put the plan back as it was, or name another folder",
                run.name
            )));
        }
    }
    Ok(())
}

/// Writes down by which plan rows are made from now on.
///
/// # Errors
/// [`LabError::File`].
pub(super) fn note(folder: &Path, plan: &SweepPlan) -> Result<(), LabError> {
    let path = folder.join(ROWS_PLAN);
    let text = plan.to_toml()?;
    if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(|error| LabError::File {
        path,
        reason: error.to_string(),
    })
}

/// Runs with a row that is no failure to be tried again.
fn names(tables: [&Table; 2]) -> BTreeSet<&str> {
    let of = |table: &'_ Table| Some([table.column("name")?, table.column("notes")?]);
    tables
        .into_iter()
        .filter_map(|table| Some((table, of(table)?)))
        .flat_map(|(table, [name, notes])| {
            let rows = table.rows().iter();
            rows.filter(move |row| !row[notes].starts_with(FAILED))
                .map(move |row| row[name].as_str())
        })
        .collect()
}

/// Everything that decides a run's numbers.
fn facts(plan: &SweepPlan, run: &PlannedRun) -> Value {
    let mut facts = serde_json::to_value(&run.config).unwrap_or_default();
    if let Value::Object(facts) = &mut facts {
        facts.insert("measured images".to_owned(), json!(run.images));
        facts.insert("measure".to_owned(), json!(plan.measure));
    }
    facts
}

/// The first setting at or below `place` that differs.
fn differs(place: &str, there: &Value, planned: &Value) -> Option<Difference> {
    let below = |part: &str| match place {
        "" => part.to_owned(),
        _ => format!("{place}.{part}"),
    };
    match (there, planned) {
        (Value::Object(a), Value::Object(b)) => {
            let only_planned = b.keys().filter(|key| !a.contains_key(*key));
            a.keys().chain(only_planned).find_map(|key| {
                let value = |of: &serde_json::Map<String, Value>| {
                    of.get(key).cloned().unwrap_or(Value::Null)
                };
                differs(&below(key), &value(a), &value(b))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (a, b))| differs(&below(&index.to_string()), a, b)),
        (a, b) if a == b || is_same_float(a, b) => None,
        (a, b) => Some(Difference {
            setting: place.to_owned(),
            there: a.to_string(),
            planned: b.to_string(),
        }),
    }
}

fn is_same_float(a: &Value, b: &Value) -> bool {
    // Whole numbers, seeds among them, are the same or not.
    if !a.is_f64() || !b.is_f64() {
        return false;
    }
    let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else {
        return false;
    };
    (a - b).abs() <= SAME_FLOAT * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_setting_that_differs_is_named() {
        let a = json!({ "seed": 9_007_199_254_740_993_u64, "loss": { "t": 2.0, "of": [1, 2] } });
        let changed = |change: fn(&mut Value)| {
            let mut b = a.clone();
            change(&mut b);
            differs("", &a, &b).map(|it| (it.setting, it.there, it.planned))
        };
        assert_eq!(changed(|_| {}), None);
        // One unit in the last place is what a file may make of a float.
        assert_eq!(
            changed(|b| b["loss"]["t"] = json!(2.0 + f64::EPSILON)),
            None
        );
        let named = |setting: &str, there: &str, planned: &str| {
            Some((setting.to_owned(), there.to_owned(), planned.to_owned()))
        };
        assert_eq!(
            changed(|b| b["loss"]["t"] = json!(2.5)),
            named("loss.t", "2.0", "2.5")
        );
        assert_eq!(
            changed(|b| b["loss"]["of"][1] = json!(3)),
            named("loss.of.1", "2", "3")
        );
        assert_eq!(
            changed(|b| b["seed"] = json!(9_007_199_254_740_992_u64)),
            named("seed", "9007199254740993", "9007199254740992")
        );
        assert_eq!(
            changed(|b| b["more"] = json!("x")),
            named("more", "null", "\"x\"")
        );
    }
}
