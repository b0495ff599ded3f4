//! Alignment: how close positive pairs lie.

use super::{
    MeasureError, PairSet, Rows,
    cloud::Cloud,
    pairs::PairPlan,
    sampled::squared_distance,
    tiles::{Report, Tile, walk},
};
use crate::progress::Progress;
use rayon::prelude::*;

/// L_align(α) = mean ‖xᵢ − yᵢ‖₂^α over positive pairs of unit rows (Wang & Isola 2020); α is usually 2.
///
/// In [0, 2^α]; 0 where all positives coincide. Summed in f64.
///
/// # Errors
/// [`MeasureError`] when `x` and `y` differ in shape, are empty, hold a row that is not finite or
/// not of unit (or zero) length, or α is not positive.
pub fn alignment(x: Rows<'_>, y: Rows<'_>, alpha: f64) -> Result<f64, MeasureError> {
    check_alpha(alpha)?;
    let squares = squared_distances(x, y)?;
    let n = squares.len() as f64;
    Ok(squares
        .iter()
        .map(|square| power(*square, alpha))
        .sum::<f64>()
        / n)
}

/// ‖xᵢ − yᵢ‖₂ of each positive pair of unit rows, for the histogram that stands beside alignment.
///
/// # Errors
/// As [`alignment`].
pub fn pair_distances(x: Rows<'_>, y: Rows<'_>) -> Result<Vec<f32>, MeasureError> {
    let squares = squared_distances(x, y)?;
    Ok(squares.iter().map(|square| square.sqrt() as f32).collect())
}

fn squared_distances(x: Rows<'_>, y: Rows<'_>) -> Result<Vec<f64>, MeasureError> {
    x.check_unit("alignment", 1)?;
    let mismatch = |what, expected, found| {
        Err(MeasureError::Mismatch {
            what,
            expected,
            found,
        })
    };
    if y.dim != x.dim {
        return mismatch("dimension of the second view", x.dim, y.dim);
    }
    if y.values.len() != x.values.len() {
        return mismatch("rows of the second view", x.len(), y.len());
    }
    y.check_unit("alignment", 1)?;
    let pair = |i| squared_distance(x.row(i), y.row(i));
    Ok((0..x.len()).into_par_iter().map(pair).collect())
}

/// L_align(α) of positive pairs whose distances ‖x − y‖₂ are known, as [`alignment`].
///
/// # Errors
/// [`MeasureError`] for no distance, or an α that is not positive.
pub fn alignment_of_distances(distances: &[f32], alpha: f64) -> Result<f64, MeasureError> {
    check_alpha(alpha)?;
    if distances.is_empty() {
        return Err(MeasureError::NoPairs {
            why: "there is no positive pair",
        });
    }
    let sum: f64 = distances.iter().map(|d| f64::from(*d).powf(alpha)).sum();
    Ok(sum / distances.len() as f64)
}

/// L_align(α) with every unordered pair of distinct rows of one class as a positive pair; `labels`
/// gives each row's class. All pairs weigh the same, so that large classes count for more.
///
/// Exact. For α = 2 from sums over classes: Σ_{i<j} ‖xᵢ − xⱼ‖² = m Σ‖xᵢ‖² − ‖Σxᵢ‖² for a class of m
/// rows, in one pass; for other α by tiles of f32 inner products over the same-class pairs, where
/// the root makes distances below about 1e-3 imprecise (they are rounded at 1e-7 before it).
///
/// # Errors
/// [`MeasureError`] when labels don't fit, no class has two rows, a row is not finite or not of
/// unit (or zero) length, α is not positive, or the work is cancelled.
pub fn alignment_same_class(
    x: Rows<'_>,
    labels: &[u32],
    alpha: f64,
    progress: &Progress,
) -> Result<f64, MeasureError> {
    check_alpha(alpha)?;
    x.check_unit("same-class alignment", 2)?;
    let plan = PairPlan::new(x.len(), PairSet::WithinImage(labels))?;
    let sum = if alpha == 2.0 {
        class_sums(x, labels, &plan)
    } else {
        tiled_sum(x, &plan, alpha, progress)?
    };
    Ok(sum / plan.pairs() as f64)
}

/// Σ over same-class pairs of ‖xᵢ − xⱼ‖², from each class's sum and sum of squares.
fn class_sums(x: Rows<'_>, labels: &[u32], plan: &PairPlan) -> f64 {
    let mut total = 0.0;
    let mut place = 0;
    while place < plan.n() {
        let label = labels[plan.row_at(place)];
        let mut sum = vec![0.0_f64; x.dim];
        let (mut squares, mut members) = (0.0_f64, 0.0_f64);
        while place < plan.n() && labels[plan.row_at(place)] == label {
            for (sum, value) in sum.iter_mut().zip(x.row(plan.row_at(place))) {
                *sum += f64::from(*value);
                squares += f64::from(*value) * f64::from(*value);
            }
            members += 1.0;
            place += 1;
        }
        let square_of_sum: f64 = sum.iter().map(|value| value * value).sum();
        total += (members * squares - square_of_sum).max(0.0);
    }
    total
}

/// Σ over the plan's pairs of ‖xᵢ − xⱼ‖^α.
fn tiled_sum(
    x: Rows<'_>,
    plan: &PairPlan,
    alpha: f64,
    progress: &Progress,
) -> Result<f64, MeasureError> {
    let cloud = Cloud::new(x, plan.order(), 1.0);
    let report = Report {
        progress,
        stage: "measuring alignment",
    };
    let parts = walk(
        &cloud,
        |rows| plan.partners(rows.start).start..plan.partners(rows.end - 1).end,
        report,
        |_| 0.0_f64,
        |total, tile| {
            for_each_square(&cloud, plan, &tile, |square| {
                *total += power(f64::from(square), alpha);
            });
        },
    )?;
    Ok(parts.into_iter().map(|(_, part)| part).sum())
}

/// Calls `each` with ‖uᵢ − uⱼ‖² of the plan's pairs in a tile.
pub(super) fn for_each_square(
    cloud: &Cloud,
    plan: &PairPlan,
    tile: &Tile<'_>,
    mut each: impl FnMut(f32),
) {
    for (row, dots) in tile.dots.chunks_exact(tile.cols.len()).enumerate() {
        let span = tile.span(plan, row);
        let half_row = cloud.half_norms[tile.rows.start + row];
        let halves = &cloud.half_norms[tile.cols.clone()][span.clone()];
        for (dot, half_col) in dots[span].iter().zip(halves) {
            each((2.0 * (half_row + half_col - dot)).max(0.0));
        }
    }
}

/// (d²)^{α/2}, with the common powers exact and quick.
fn power(square: f64, alpha: f64) -> f64 {
    if alpha == 2.0 {
        square
    } else if alpha == 1.0 {
        square.sqrt()
    } else {
        square.powf(0.5 * alpha)
    }
}

fn check_alpha(alpha: f64) -> Result<(), MeasureError> {
    if alpha > 0.0 && alpha.is_finite() {
        return Ok(());
    }
    Err(MeasureError::Parameter {
        name: "α",
        value: alpha,
        allowed: "positive and finite",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;

    fn rows(values: &[f32], dim: usize) -> Rows<'_> {
        Rows::new(values, dim).unwrap()
    }

    #[test]
    fn finite_cases_by_hand() {
        let x = rows(&[1.0, 0.0, 0.0, 1.0, -1.0, 0.0], 2);
        let y = rows(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 2);
        // Distances 0, √2 and 2.
        assert_eq!(alignment(x, y, 2.0), Ok(2.0));
        assert!((alignment(x, y, 1.0).unwrap() - (2.0_f64.sqrt() + 2.0) / 3.0).abs() < 1e-15);
        assert!((alignment(x, y, 4.0).unwrap() - 20.0 / 3.0).abs() < 1e-14);
        assert_eq!(alignment(x, x, 0.5), Ok(0.0));
        let distances = pair_distances(x, y).unwrap();
        assert_eq!(distances, [0.0, std::f32::consts::SQRT_2, 2.0]);
        // Class 7 holds rows 0 and 2 (antipodes), class 1 a single row.
        let none = Progress::none();
        assert_eq!(alignment_same_class(x, &[7, 1, 7], 2.0, &none), Ok(4.0));
        let odd = alignment_same_class(x, &[7, 1, 7], 3.0, &none).unwrap();
        // 2³ from f32 squares.
        assert!((odd - 8.0).abs() < 1e-5);
    }

    #[test]
    fn alignment_of_independent_uniform_rows_is_2() {
        let n = 20_000;
        let (x, y) = (uniform_rows(n, 16, 1), uniform_rows(n, 16, 2));
        let value = alignment(rows(&x, 16), rows(&y, 16), 2.0).unwrap();
        // 2 − 2c with var c = 1/16: standard error 2/(4√n) = 0.0035; five of them.
        assert!((value - 2.0).abs() < 0.018);
    }

    #[test]
    fn same_class_pairs_match_the_double_loop() {
        for (n, dim, classes) in [(40, 3, 4), (700, 16, 5), (300, 1, 2)] {
            let values = uniform_rows(n, dim, 11);
            let x = rows(&values, dim);
            let labels: Vec<u32> = (0..n as u32).map(|i| (i * i + i / 3) % classes).collect();
            for alpha in [0.5, 1.0, 2.0, 3.0] {
                let (mut sum, mut pairs) = (0.0, 0.0);
                for i in 0..n {
                    for j in (i + 1..n).filter(|j| labels[*j] == labels[i]) {
                        sum += squared_distance(x.row(i), x.row(j)).powf(0.5 * alpha);
                        pairs += 1.0;
                    }
                }
                let value = alignment_same_class(x, &labels, alpha, &Progress::none()).unwrap();
                // f32 squares rounded at 5e-7; on S⁰, where half of the pairs coincide, α = ½ takes
                // their fourth root.
                let tolerance = if dim == 1 { 0.03 } else { 2e-6 };
                let tolerance = if alpha == 2.0 { 1e-13 } else { tolerance };
                assert!((value - sum / pairs).abs() < tolerance, "{n} {dim} {alpha}");
            }
        }
    }

    #[test]
    fn wrong_requests_are_refused() {
        let x = rows(&[1.0, 0.0, 0.0, 1.0], 2);
        let none = Progress::none();
        let is_mismatch = |r| matches!(r, Err(MeasureError::Mismatch { .. }));
        assert!(is_mismatch(alignment(x, rows(&[1.0, 0.0], 2), 2.0)));
        assert!(is_mismatch(alignment(x, rows(&[1.0], 1), 2.0)));
        assert!(is_mismatch(alignment_same_class(x, &[1], 2.0, &none)));
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                alignment(x, x, alpha),
                Err(MeasureError::Parameter { .. })
            ));
        }
        let single = alignment_same_class(x, &[1, 2], 2.0, &none);
        assert!(matches!(single, Err(MeasureError::NoPairs { .. })));
        assert!(alignment(rows(&[], 2), rows(&[], 2), 2.0).is_err());
        let stopped = Progress::none();
        stopped.cancel();
        assert!(matches!(
            alignment_same_class(x, &[1, 1], 1.0, &stopped),
            Err(MeasureError::Cancelled(_))
        ));
    }
}
