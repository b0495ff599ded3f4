//! Tests of exact uniformity.

use super::*;
use crate::{
    geometry::{normalise_rows, sphere::uniform_rows},
    measure::{UNIFORMITY_CEILING, sampled::squared_distance, uniformity_floor},
};

fn measure(
    values: &[f32],
    dim: usize,
    t: f64,
    pairs: PairSet<'_>,
) -> Result<Uniformity, MeasureError> {
    uniformity(Rows::new(values, dim)?, t, pairs, &Progress::none())
}

fn value(values: &[f32], dim: usize, t: f64, pairs: PairSet<'_>) -> f64 {
    measure(values, dim, t, pairs).unwrap().value
}

/// The definition, by a double loop in f64 with the largest exponent taken out.
fn naive(values: &[f32], dim: usize, t: f64, keeps: impl Fn(usize, usize) -> bool) -> f64 {
    let x = Rows::new(values, dim).unwrap();
    let mut exponents = Vec::new();
    for i in 0..x.len() {
        for j in (i + 1..x.len()).filter(|j| keeps(i, *j)) {
            exponents.push(-t * squared_distance(x.row(i), x.row(j)));
        }
    }
    let top = exponents.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = exponents.iter().map(|e| (e - top).exp()).sum();
    top + (sum / exponents.len() as f64).ln()
}

/// Unit rows around a few centres, `spread` apart from them: features as encoders make them.
fn clumps(n: usize, dim: usize, spread: f32, seed: u64) -> Vec<f32> {
    let centres = uniform_rows(5, dim, seed);
    let mut rows = uniform_rows(n, dim, seed + 1);
    for (i, row) in rows.chunks_exact_mut(dim).enumerate() {
        let centre = &centres[(i % 5) * dim..(i % 5 + 1) * dim];
        for (value, c) in row.iter_mut().zip(centre) {
            *value = c + spread * *value;
        }
    }
    normalise_rows(&mut rows, dim);
    rows
}

#[test]
fn finite_cases_by_hand() {
    // Two antipodes: −4t; a right angle: −2t. S⁰ included.
    let by_hand = |values: &[f32], dim, t| value(values, dim, t, PairSet::All);
    // f32 exponents of size 4t are rounded at 6e-8 of it.
    for t in [0.5, 2.0, 10.0, 300.0] {
        assert!((by_hand(&[1.0, -1.0], 1, t) + 4.0 * t).abs() < 1e-6 * t);
        assert!((by_hand(&[1.0, 0.0, 0.0, 1.0], 2, t) + 2.0 * t).abs() < 1e-6 * t);
        // Three rows on S⁰: one pair coincides, two are antipodes.
        let expected = ((1.0 + 2.0 * (-4.0 * t).exp()) / 3.0).ln();
        assert!((by_hand(&[1.0, 1.0, -1.0], 1, t) - expected).abs() < 1e-6 * (1.0 + t));
    }
    // A regular simplex in the plane: all three distances are √3.
    let h = 0.75_f32.sqrt();
    let simplex = [1.0, 0.0, -0.5, h, -0.5, -h];
    assert!((by_hand(&simplex, 2, 2.0) + 6.0).abs() < 2e-6);
    let whole = measure(&simplex, 2, 2.0, PairSet::All).unwrap();
    assert_eq!((whole.pairs, whole.population, whole.n), (3, 3, 3));
    assert_eq!(whole.standard_error, None);
}

#[test]
fn coinciding_features_reach_the_ceiling_exactly() {
    for (n, dim) in [(2, 1), (7, 3), (1000, 128)] {
        let row = uniform_rows(1, dim, 5);
        assert_eq!(
            value(&row.repeat(n), dim, 2.0, PairSet::All),
            UNIFORMITY_CEILING
        );
        assert_eq!(
            value(&row.repeat(n), dim, 5000.0, PairSet::All),
            UNIFORMITY_CEILING
        );
    }
    // Dead features (zero rows) coincide too.
    assert_eq!(value(&[0.0; 30], 3, 2.0, PairSet::All), 0.0);
}

#[test]
fn uniform_features_reach_the_floor() {
    let (n, dim) = (4000, 128);
    let values = uniform_rows(n, dim, 20);
    let value = value(&values, dim, 2.0, PairSet::All);
    // A degenerate U-statistic: var = 2 var(k) / (n(n−1)), and with k = e^{−4+4c}, c ≈ N(0, 1/d),
    // var(k)/mean² = e^{16/128} − 1 = 0.133: standard error √0.266/4000 = 1.3e-4. Five of them.
    assert!(
        (value - uniformity_floor(dim, 2.0)).abs() < 6.5e-4,
        "{value}"
    );
    assert!((value + 3.938).abs() < 1.2e-3);
}

#[test]
fn a_subsphere_reaches_its_own_floor() {
    // Check values of the field: 64 of 128 dimensions −3.875, 16 of 128 −3.513 (N = 4000).
    for (k, expected) in [(64, -3.875), (16, -3.513)] {
        let mut values = vec![0.0; 4000 * 128];
        for (row, part) in values
            .chunks_exact_mut(128)
            .zip(uniform_rows(4000, k, 21).chunks_exact(k))
        {
            row[..k].copy_from_slice(part);
        }
        // Standard error √(2(e^{16/k} − 1))/4000: 1.9e-4 and 4.6e-4; five of them, and the
        // expected value's last digit.
        let tolerance = if k == 64 { 1.5e-3 } else { 2.8e-3 };
        assert!((value(&values, 128, 2.0, PairSet::All) - expected).abs() < tolerance);
    }
}

#[test]
fn all_sizes_and_sets_match_the_definition() {
    for (n, dim, spread) in [
        (2, 5, 1.0),
        (3, 1, 1.0),
        (191, 17, 0.3),
        (257, 64, 5.0),
        (900, 33, 0.05),
    ] {
        let values = clumps(n, dim, spread, n as u64);
        let images: Vec<u32> = (0..n as u32).map(|i| (i * 7 + i / 5) % 11).collect();
        for t in [0.1, 2.0, 9.0, 40.0] {
            // f32 inner products: 4e-7·t at worst, less on average; never above 1e-5 at t = 2.
            let tolerance = 2e-6 * (1.0 + t);
            let all = value(&values, dim, t, PairSet::All);
            assert!((all - naive(&values, dim, t, |_, _| true)).abs() < tolerance);
            if n < 100 {
                continue;
            }
            let within = value(&values, dim, t, PairSet::WithinImage(&images));
            let exact = naive(&values, dim, t, |i, j| images[i] == images[j]);
            assert!((within - exact).abs() < tolerance, "{n} {dim} {t}");
            let between = value(&values, dim, t, PairSet::BetweenImages(&images));
            let exact = naive(&values, dim, t, |i, j| images[i] != images[j]);
            assert!((between - exact).abs() < tolerance, "{n} {dim} {t}");
        }
    }
}

#[test]
fn near_collapse_keeps_its_digits() {
    // Features 1e-4 apart: −L is about 1e-8·t and would drown in the 1e-7 of plain f32 products.
    let values = clumps(300, 64, 1e-4, 8);
    let one_clump: Vec<f32> = values
        .chunks_exact(64)
        .step_by(5)
        .flatten()
        .copied()
        .collect();
    let exact = naive(&one_clump, 64, 2.0, |_, _| true);
    let measured = value(&one_clump, 64, 2.0, PairSet::All);
    assert!(exact > -1e-6 && exact < -1e-9);
    // 1 − 1e-8 is still rounded at 6e-8 as an f32 kernel.
    assert!((measured - exact).abs() < 6e-8);
}

#[test]
fn turning_and_reordering_change_nothing() {
    let (n, dim) = (400, 6);
    for seed in 0..5 {
        let values = clumps(n, dim, 0.5, seed);
        let base = value(&values, dim, 2.0, PairSet::All);
        // A Householder reflection and a shuffle by an odd stride.
        let axis = uniform_rows(1, dim, seed + 50);
        let mut turned = Vec::new();
        for i in 0..n {
            let row = &values[(i * 147 % n) * dim..][..dim];
            let along: f32 = row.iter().zip(&axis).map(|(a, b)| a * b).sum();
            turned.extend(row.iter().zip(&axis).map(|(a, b)| a - 2.0 * along * b));
        }
        // The reflected rows are rounded at 1e-7, and so is their length.
        assert!((value(&turned, dim, 2.0, PairSet::All) - base).abs() < 2e-6);
    }
}

#[test]
fn thread_count_does_not_change_a_bit() {
    let values = clumps(1500, 20, 1.0, 3);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| value(&values, 20, 2.0, PairSet::All))
    };
    assert_eq!(run(1).to_bits(), run(3).to_bits());
}

#[test]
fn wrong_requests_are_refused() {
    let is_few = |r| matches!(r, Err(MeasureError::TooFewRows { needed: 2, .. }));
    assert!(is_few(measure(&[], 3, 2.0, PairSet::All)));
    assert!(is_few(measure(&[1.0, 0.0], 2, 2.0, PairSet::All)));
    let pair = [1.0, 0.0, 0.0, 1.0];
    for t in [0.0, -1.0, f64::NAN, f64::INFINITY, 2e4] {
        assert!(matches!(
            measure(&pair, 2, t, PairSet::All),
            Err(MeasureError::Parameter { name: "t", .. })
        ));
    }
    let bad = [1.0, 0.0, f32::NAN, 1.0];
    assert_eq!(
        measure(&bad, 2, 2.0, PairSet::All),
        Err(MeasureError::NotFinite { row: 1 })
    );
    let long = [2.0, 0.0, 0.0, 1.0];
    assert!(matches!(
        measure(&long, 2, 2.0, PairSet::All),
        Err(MeasureError::NotUnit { row: 0, .. })
    ));
    let lonely = measure(&pair, 2, 2.0, PairSet::WithinImage(&[0, 1]));
    assert!(matches!(lonely, Err(MeasureError::NoPairs { .. })));
    assert!(matches!(
        measure(&pair, 3, 2.0, PairSet::All),
        Err(MeasureError::Shape { .. })
    ));
}

#[test]
fn work_reports_and_stops() {
    let values = uniform_rows(2000, 4, 1);
    let x = Rows::new(&values, 4).unwrap();
    let last = std::sync::Arc::new(std::sync::Mutex::new((0, None)));
    let seen = std::sync::Arc::clone(&last);
    let progress = Progress::new(move |step| {
        let mut seen = seen.lock().unwrap();
        *seen = (seen.0.max(step.done), step.total);
    });
    uniformity(x, 2.0, PairSet::All, &progress).unwrap();
    let (done, total) = *last.lock().unwrap();
    assert_eq!(Some(done), total);
    progress.cancel();
    assert!(matches!(
        uniformity(x, 2.0, PairSet::All, &progress),
        Err(MeasureError::Cancelled(_))
    ));
}
