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
        collapse::{
            Collapse, Diagnosis, DiagnosisSettings, Evidence, Reading, Spectrum, UniformLaw,
            diagnose,
        },
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

/// Mean cosine of pairs of independent vectors even over the non-negative directions of d dimensions,
/// in closed form at d = 2 and 3 and in the limit; and of absolute Gaussian rows.
#[test]
fn the_cone_of_non_negative_features_is_known() {
    use std::f64::consts::PI;
    let exact = [(2, 8.0 / (PI * PI)), (3, 0.75)];
    for (dim, expected) in exact {
        let found = UniformLaw::orthant_cosine(dim);
        assert!((found - expected).abs() < 1e-12, "d = {dim}: {found}");
    }
    let limit = UniformLaw::orthant_cosine(100_000);
    // The next term of Stirling's series is of the order 1/d.
    assert!((limit - 2.0 / PI).abs() < 1e-5, "{limit}");
    let (rows, dim) = (4000, 16);
    let mut values = sample("uniform", rows, dim, 2_000_000).unwrap().values;
    for value in &mut values {
        *value = value.abs();
    }
    normalise_rows(&mut values, dim);
    let x = Rows::new(&values, dim).unwrap();
    let found = Spectrum::new(x, &Progress::none()).unwrap().mean_cosine();
    let expected = UniformLaw::orthant_cosine(dim);
    // Each coordinate's mean is known to about 0.15/√4000; their squares sum over 16.
    assert!((found - expected).abs() < 0.01, "{found} {expected}");
}

#[test]
fn features_that_cannot_be_negative_are_not_accused_of_their_cone() {
    let of = |family: &str| {
        let sample = sample(family, 600, 64, 2_000_001).unwrap();
        diagnosed(&sample, 64).verdict
    };
    let even = of("never negative");
    assert!(even.is_healthy());
    assert_eq!(even.title(), "healthy, never negative");
    let found = even.non_negative.expect("no entry is negative");
    // Rectified Gaussian numbers: E[max(g, 0)]² / E[max(g, 0)²] = 1/π.
    let expected = 1.0 / std::f64::consts::PI;
    assert!((found.mean_cosine - expected).abs() < 0.02, "{found:?}");
    let words = even.sentences().join(" ");
    assert!(words.contains("by construction") && words.contains("not a failure"));
    let property = |found: &&Evidence| found.reading == Reading::Property;
    assert_eq!(even.evidence.iter().filter(property).count(), 1);
    assert!(even.evidence.iter().all(|e| e.reading != Reading::Collapse));

    // One that is narrower than being non-negative makes it is a cone all the same.
    let narrow = of("never negative, cone");
    assert_eq!(narrow.collapses, [Collapse::Cone]);
    assert!(narrow.sentences().join(" ").contains("narrower"));
    // And a cone that is no matter of signs is one as before.
    let plain = of("cone");
    assert_eq!(
        (plain.collapses, plain.non_negative),
        (vec![Collapse::Cone], None)
    );
}

#[test]
fn no_two_numbers_that_decide_have_one_rule() {
    for family in [
        "uniform",
        "subsphere",
        "few strong directions",
        "coagulated",
    ] {
        let found = diagnosed(&sample(family, 400, 64, 2_000_002).unwrap(), 64);
        let rules: Vec<&str> = (found.verdict.evidence.iter())
            .map(|evidence| evidence.rule.as_str())
            .collect();
        for (index, rule) in rules.iter().enumerate() {
            assert!(!rules[index + 1..].contains(rule), "{family}: {rule}");
        }
    }
}

/// 250 images in 8 tight bunches, 400 in 5: within-bunch cosines from 0.999 to 0.96, on many sides.
#[test]
fn tight_prototypes_are_coagulated_whatever_their_number() {
    for (n, count) in [(250, 8), (400, 5), (120, 12), (1000, 20)] {
        for dim in [16, 64, 512] {
            for share in [0.001, 0.02, 0.04] {
                let sample = families::bunches(n, dim, count, share, 2_000_003);
                let found = diagnosed(&sample, dim);
                let is_named = found.verdict.collapses.iter().any(|collapse| {
                    matches!(collapse, Collapse::Coagulation { prototypes }
                        if *prototypes >= count - 1 && *prototypes <= count + 1)
                });
                let said = found.verdict.title();
                assert!(is_named, "N = {n} in {count}, d = {dim}, {share}: {said}");
            }
        }
    }
}
