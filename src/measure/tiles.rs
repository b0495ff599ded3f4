//! The walk over all pairs in tiles: one small matrix product a tile, no N² memory, any number of
//! threads, cancel within a tile.

use super::{MeasureError, cloud::Cloud, pairs::PairPlan};
use crate::progress::Progress;
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

/// Rows of a tile.
pub(super) const TILE_ROWS: usize = 256;

/// Columns of a tile, a multiple of every vector width and of the matrix kernel's 96 rows.
/// 256 × 192 products take 192 KiB, well inside a core's second-level cache.
pub(super) const TILE_COLS: usize = 192;

/// Tiles of one parallel piece of work, at least.
const TILES_A_UNIT: usize = 32;

/// About how many pieces there are at most, since each keeps a result until the end.
const MAX_UNITS: usize = 20_000;

/// Inner products of a block of rows with a block of columns.
pub(super) struct Tile<'a> {
    /// Places of the rows.
    pub rows: Range<usize>,
    /// Places of the columns.
    pub cols: Range<usize>,
    /// `rows.len()` × `cols.len()` products u_row · u_col, row-major.
    pub dots: &'a mut [f32],
}

impl Tile<'_> {
    /// Columns of the tile, counted from its first, that are partners of the tile's row `row`.
    pub fn span(&self, plan: &PairPlan, row: usize) -> Range<usize> {
        let partners = plan.partners(self.rows.start + row);
        let start = partners.start.max(self.cols.start) - self.cols.start;
        let end = partners.end.clamp(self.cols.start, self.cols.end) - self.cols.start;
        start.min(end)..end
    }
}

/// A block of rows against the columns of some tiles.
#[derive(Debug)]
struct Unit {
    rows: Range<usize>,
    cols: Range<usize>,
}

/// Cuts the pairs into units. `columns` gives the columns that a block of rows needs.
fn units(n: usize, columns: impl Fn(&Range<usize>) -> Range<usize>) -> Vec<Unit> {
    let blocks = (0..n)
        .step_by(TILE_ROWS)
        .map(|start| start..(start + TILE_ROWS).min(n));
    let tiles = n.div_ceil(TILE_ROWS) * n.div_ceil(TILE_COLS);
    let width = TILE_COLS * TILES_A_UNIT.max(tiles / MAX_UNITS);
    let mut units = Vec::new();
    for rows in blocks {
        let wanted = columns(&rows);
        for start in wanted.clone().step_by(width) {
            units.push(Unit {
                rows: rows.clone(),
                cols: start..(start + width).min(wanted.end),
            });
        }
    }
    units
}

/// Where a walk tells how far it is; units are inner products.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    /// The receiver, which may also ask to stop.
    pub progress: &'a Progress,
    /// What is being computed.
    pub stage: &'static str,
}

/// Visits the tiles that cover, for each block of rows, the columns that `columns` names. Each unit
/// of work starts from `start(rows)` and is passed through `visit` tile by tile; the results come
/// back in a fixed order, whatever the number of threads, with their rows.
///
/// # Errors
/// [`MeasureError::Cancelled`].
pub(super) fn walk<A: Send>(
    cloud: &Cloud,
    columns: impl Fn(&Range<usize>) -> Range<usize>,
    report: Report<'_>,
    start: impl Fn(&Range<usize>) -> A + Sync,
    visit: impl Fn(&mut A, Tile<'_>) + Sync,
) -> Result<Vec<(Range<usize>, A)>, MeasureError> {
    let units = units(cloud.len(), columns);
    let total: u64 = units.iter().map(Unit::products).sum();
    let done = AtomicU64::new(0);
    units
        .into_par_iter()
        .map_init(
            || vec![0.0_f32; TILE_ROWS * TILE_COLS],
            |dots, unit| {
                let mut state = start(&unit.rows);
                for first in unit.cols.clone().step_by(TILE_COLS) {
                    report.progress.check()?;
                    let cols = first..(first + TILE_COLS).min(unit.cols.end);
                    let dots = products(cloud, &unit.rows, &cols, dots);
                    let rows = unit.rows.clone();
                    visit(&mut state, Tile { rows, cols, dots });
                }
                let so_far = done.fetch_add(unit.products(), Ordering::Relaxed) + unit.products();
                report.progress.report(report.stage, so_far, Some(total));
                Ok((unit.rows, state))
            },
        )
        .collect()
}

impl Unit {
    fn products(&self) -> u64 {
        self.rows.len() as u64 * self.cols.len() as u64
    }
}

/// Fills the front of `buffer` with the products of the tile and returns that part.
fn products<'b>(
    cloud: &Cloud,
    rows: &Range<usize>,
    cols: &Range<usize>,
    buffer: &'b mut [f32],
) -> &'b mut [f32] {
    let block = |places: &Range<usize>| {
        let values = &cloud.values[places.start * cloud.dim..places.end * cloud.dim];
        MatRef::from_row_major_slice(values, places.len(), cloud.dim)
    };
    let dots = &mut buffer[..rows.len() * cols.len()];
    matmul(
        MatMut::from_row_major_slice_mut(dots, rows.len(), cols.len()),
        Accum::Replace,
        block(rows),
        block(cols).transpose(),
        1.0,
        Par::Seq,
    );
    dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rows;

    #[test]
    fn units_cover_every_wanted_product_once() {
        for n in [1, 2, 255, 256, 257, 1000, 7000] {
            let cover = |columns: &dyn Fn(&Range<usize>) -> Range<usize>| -> usize {
                units(n, columns)
                    .iter()
                    .map(|u| u.rows.len() * u.cols.len())
                    .sum()
            };
            assert_eq!(cover(&|_| 0..n), n * n);
            let upper = cover(&|rows| rows.start..n);
            assert!(upper >= n * (n + 1) / 2 && upper <= n * (n + TILE_ROWS) / 2 + TILE_ROWS);
        }
        assert!(units(10, |_| 5..5).is_empty());
        let many = units(1_000_000, |_| 0..1_000_000).len();
        // One more a block of rows where the columns don't divide evenly.
        assert!(many < MAX_UNITS + 1_000_000_usize.div_ceil(TILE_ROWS));
    }

    #[test]
    fn products_are_inner_products_of_centred_rows() {
        let values: Vec<f32> = (0..30).map(|i| (i as f32 * 1.3).sin()).collect();
        let rows = Rows::new(&values, 3).unwrap();
        let cloud = Cloud::new(rows, None, 2.0);
        let mut buffer = vec![0.0; 100];
        let dots = products(&cloud, &(1..4), &(2..9), &mut buffer);
        for i in 1..4 {
            for j in 2..9 {
                let (a, b) = (rows.row(i), rows.row(j));
                let square: f32 = a.iter().zip(b).map(|(a, b)| 4.0 * (a - b).powi(2)).sum();
                let dot = dots[(i - 1) * 7 + j - 2];
                let half = cloud.half_norms[i] + cloud.half_norms[j] - dot;
                // f32 products of values up to 4.
                assert!((half - 0.5 * square).abs() < 1e-5);
            }
        }
    }
}
