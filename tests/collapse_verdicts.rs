//! The collapse verdict on synthetic features whose collapse is known: seeds here are none of those
//! that the thresholds were tuned on (0 to 99).

#[path = "collapse/families.rs"]
mod families;

use std::collections::BTreeMap;

use families::{FAMILIES, Sample, sample};
use spherescope::{
    geometry::normalise_rows,
    measure::{
        Rows,
        collapse::{Collapse, Diagnosis, DiagnosisSettings, diagnose},
    },
    progress::Progress,
};

/// N, dimensions and seeds.
type Grid = &'static [(usize, &'static [usize], std::ops::Range<u64>)];

const DIMS: &[usize] = &[2, 3, 16, 64, 128, 512, 2048];

/// Every dimension, and sizes from fewer rows than dimensions to twenty thousand, as far as a minute
/// goes.
const GRID: Grid = &[
    (100, DIMS, 1000..1003),
    (300, &[2, 3, 16, 64, 128, 512], 1000..1003),
    (1000, &[2, 3, 16, 64, 128], 1000..1002),
    (5000, &[2, 3, 16, 64], 1000..1001),
    (20_000, &[2, 3, 16], 1000..1001),
];

/// Every size with every dimension.
const WHOLE_GRID: Grid = &[
    (100, DIMS, 2000..2010),
    (250, DIMS, 2000..2006),
    (400, DIMS, 2000..2006),
    (1000, DIMS, 2000..2004),
    (5000, DIMS, 2000..2001),
    (20_000, DIMS, 2000..2001),
];

fn diagnosed(sample: &Sample, dim: usize) -> Diagnosis {
    let mut values = sample.values.clone();
    normalise_rows(&mut values, dim);
    let settings = DiagnosisSettings {
        images: sample.images.as_deref(),
        labels: None,
        t: 2.0,
        seed: 0,
    };
    diagnose(
        Rows::new(&values, dim).unwrap(),
        settings,
        &Progress::none(),
    )
    .unwrap()
}

fn kinds_of(diagnosis: &Diagnosis) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = diagnosis
        .verdict
        .collapses
        .iter()
        .map(|collapse| collapse.name())
        .collect();
    kinds.sort_unstable();
    kinds
}

/// Whether the directions that are said to be used are those that are, within a quarter of them.
fn is_effective_right(diagnosis: &Diagnosis, sample: &Sample) -> bool {
    let Some(kept) = sample.effective else {
        return true;
    };
    diagnosis.verdict.collapses.iter().all(|collapse| {
        let Collapse::Dimensional { effective, .. } = collapse else {
            return true;
        };
        // A subspace of more dimensions than rows is told by the shape of its spectrum: roughly.
        let share = *effective as f64 / kept as f64;
        let slack = if kept < diagnosis.rows { 1.34 } else { 1.8 };
        share < slack && share > 1.0 / slack
    })
}

#[test]
fn known_collapse_is_named_and_none_is_called_healthy() {
    judge_all(GRID);
}

#[test]
#[ignore = "takes a quarter of an hour: run it after a change of the rules"]
fn known_collapse_is_named_over_the_whole_matrix() {
    judge_all(WHOLE_GRID);
}

fn judge_all(grid: Grid) {
    let mut table: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let (mut total, mut wrong, mut missed) = (0_usize, Vec::new(), Vec::new());
    for (n, dims, seeds) in grid {
        for (&dim, seed) in dims.iter().flat_map(|d| seeds.clone().map(move |s| (d, s))) {
            for (index, family) in (0..).zip(FAMILIES) {
                let Some(sample) = sample(family, *n, dim, seed * 1000 + index) else {
                    continue;
                };
                let found = diagnosed(&sample, dim);
                let kinds = kinds_of(&found);
                let said = found.verdict.title();
                let case = format!("{family}, N = {n}, d = {dim}, seed {seed}: {said}");
                total += 1;
                if sample.is_collapsed() && kinds.is_empty() {
                    missed.push(case.clone());
                }
                if !sample.accepted.contains(&kinds) || !is_effective_right(&found, &sample) {
                    wrong.push(case);
                }
                let name = if found.verdict.is_healthy() {
                    "healthy".to_owned()
                } else {
                    kinds.join(" + ")
                };
                *table.entry(family).or_default().entry(name).or_default() += 1;
            }
        }
    }
    for (family, row) in &table {
        let cells: Vec<String> = row.iter().map(|(said, n)| format!("{said} {n}")).collect();
        println!("{family:20} {}", cells.join(", "));
    }
    let right = total - wrong.len();
    println!(
        "{right} of {total} right, {:.2} %; of the collapsed, {} called healthy",
        100.0 * right as f64 / total as f64,
        missed.len()
    );
    for case in &wrong {
        println!("wrong: {case}");
    }
    assert!(missed.is_empty(), "called healthy: {missed:#?}");
    assert!(
        wrong.len() as f64 <= 0.02 * total as f64,
        "{} of {total} wrong: {wrong:#?}",
        wrong.len()
    );
}

/// Each rule is needed: with the mean taken off first, a collapsed encoder looks healthy.
#[test]
fn centring_first_would_hide_a_complete_collapse() {
    let dim = 64;
    let mut sample = sample("constant + noise", 500, dim, 1_000_000).unwrap();
    // Noise of its own length, so that there is something to centre.
    let rows = 500;
    for (index, value) in sample.values.iter_mut().enumerate() {
        *value += 0.01 * ((index as f32 * 12.9898).sin() * 43758.547).fract();
    }
    assert_eq!(diagnosed(&sample, dim).verdict.title(), "complete");
    for axis in 0..dim {
        let column = || (0..rows).map(|row| row * dim + axis);
        let mean = column().map(|at| sample.values[at]).sum::<f32>() / rows as f32;
        column().for_each(|at| sample.values[at] -= mean);
    }
    assert!(diagnosed(&sample, dim).verdict.is_healthy());
}
