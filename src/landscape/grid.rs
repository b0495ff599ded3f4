//! The grid of a slice, and the order in which it is filled: coarse first, then ever finer.

use serde::{Deserialize, Serialize};

/// Even points over a square of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Points along each side; odd, so that one lies in the middle.
    pub side: usize,
    /// The middle.
    pub centre: [f64; 2],
    /// Distance from the middle to the edge.
    pub half_width: f64,
}

impl Grid {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.side * self.side
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.side == 0
    }

    /// Offset of a row or column from the middle, −1 to 1; exactly 0 in the middle.
    fn offset(&self, index: usize) -> f64 {
        let last = self.side.saturating_sub(1).max(1) as f64;
        (2.0 * index as f64 - last) / last
    }

    /// Place of a cell, counted row by row from the lowest second coordinate.
    pub fn at(&self, cell: usize) -> [f64; 2] {
        let [column, row] = [cell % self.side, cell / self.side];
        [
            self.centre[0] + self.half_width * self.offset(column),
            self.centre[1] + self.half_width * self.offset(row),
        ]
    }

    /// Column and row, in cells, of a place of the plane; whole numbers on the points.
    pub fn cell_of(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let last = self.side.saturating_sub(1) as f64;
        let along =
            |value: f64, centre: f64| 0.5 * last * (1.0 + (value - centre) / self.half_width);
        [along(x, self.centre[0]), along(y, self.centre[1])]
    }

    /// The cell in the middle.
    pub fn middle(&self) -> usize {
        self.len() / 2
    }

    /// All cells in the order in which they are filled: lattices around the middle, each with about
    /// half the step of the one before, and within a lattice the nearest to the middle first. The
    /// second number is the lattice's.
    pub fn order(&self) -> Vec<(usize, usize)> {
        let middle = self.side / 2;
        let distance = |index: usize| index.abs_diff(middle);
        let mut is_taken = vec![false; self.len()];
        let mut order = Vec::with_capacity(self.len());
        let mut step = middle.max(1);
        let mut level = 0;
        loop {
            let mut fresh: Vec<usize> = (0..self.len())
                .filter(|&cell| {
                    let [column, row] = [cell % self.side, cell / self.side];
                    !is_taken[cell]
                        && distance(column).is_multiple_of(step)
                        && distance(row).is_multiple_of(step)
                })
                .collect();
            fresh.sort_by_key(|&cell| {
                let [column, row] = [cell % self.side, cell / self.side];
                distance(column).pow(2) + distance(row).pow(2)
            });
            for cell in fresh {
                is_taken[cell] = true;
                order.push((cell, level));
            }
            if step == 1 {
                return order;
            }
            step = (step / 2).max(1);
            level += 1;
        }
    }

    /// Values for every cell: those that are known, and for the others the nearest known one. NaN
    /// where nothing is known.
    pub fn filled(&self, known: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
        let known: Vec<(usize, f64)> = (0..self.len())
            .filter_map(|cell| Some((cell, known(cell)?)))
            .collect();
        if known.len() == self.len() {
            return known.into_iter().map(|(_, value)| value).collect();
        }
        let split = |cell: usize| [(cell % self.side) as i64, (cell / self.side) as i64];
        let nearest = |cell: usize| {
            let [x, y] = split(cell);
            known
                .iter()
                .min_by_key(|(other, _)| {
                    let [u, v] = split(*other);
                    (u - x).pow(2) + (v - y).pow(2)
                })
                .map_or(f64::NAN, |(_, value)| *value)
        };
        (0..self.len()).map(nearest).collect()
    }
}

/// A piece of a contour: two places in cells (column, row).
pub type Segment = [[f64; 2]; 2];

/// The contour of `values` (row by row, `side` a row) at `level`, in cells, by marching squares with
/// linear edges; squares with a corner that is not a number have none.
pub fn contour(values: &[f64], side: usize, level: f64) -> Vec<Segment> {
    let mut segments = Vec::new();
    if side < 2 || values.len() != side * side {
        return segments;
    }
    for row in 0..side - 1 {
        for column in 0..side - 1 {
            let corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(|[right, up]| {
                (
                    [column + right, row + up],
                    values[(row + up) * side + column + right],
                )
            });
            if corners.iter().any(|(_, value)| !value.is_finite()) {
                continue;
            }
            // Where each of the four edges crosses the level.
            let crossings: Vec<[f64; 2]> = (0..4)
                .filter_map(|edge| {
                    let ((a, va), (b, vb)) = (corners[edge], corners[(edge + 1) % 4]);
                    if (va < level) == (vb < level) {
                        return None;
                    }
                    let share = (level - va) / (vb - va);
                    let between =
                        |axis: usize| a[axis] as f64 + share * (b[axis] as f64 - a[axis] as f64);
                    Some([between(0), between(1)])
                })
                .collect();
            match crossings[..] {
                [a, b] => segments.push([a, b]),
                // A saddle: the middle says which corners belong together.
                [bottom, right, top, left] => {
                    let middle = corners.iter().map(|(_, value)| value).sum::<f64>() / 4.0;
                    if (middle < level) == (corners[0].1 < level) {
                        segments.extend([[bottom, right], [top, left]]);
                    } else {
                        segments.extend([[bottom, left], [right, top]]);
                    }
                }
                _ => {}
            }
        }
    }
    segments
}

/// About `count` even levels between the least and the greatest of the values, at round numbers.
pub fn contour_levels(values: &[f64], count: usize) -> Vec<f64> {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let [low, high] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    let spread = high - low;
    if !spread.is_finite() || spread <= 1e-9 * (1.0 + high.abs()) || count == 0 {
        return Vec::new();
    }
    crate::geometry::round_levels([low, high], count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(side: usize) -> Grid {
        Grid {
            side,
            centre: [0.3, -0.1],
            half_width: 0.7,
        }
    }

    #[test]
    fn the_middle_is_the_centre_exactly() {
        for side in [3, 5, 25, 51] {
            let grid = grid(side);
            assert_eq!(grid.at(grid.middle()), grid.centre);
            let [x, y] = grid.at(0);
            assert!((x + 0.4).abs() < 1e-12 && (y + 0.8).abs() < 1e-12);
            let [column, row] = grid.cell_of(grid.at(side + 2));
            assert!((column - 2.0).abs() < 1e-9 && (row - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn every_cell_comes_once_and_coarse_ones_first() {
        for side in [1, 3, 9, 25, 33] {
            let order = grid(side).order();
            let mut cells: Vec<usize> = order.iter().map(|(cell, _)| *cell).collect();
            assert_eq!(cells[0], grid(side).middle());
            cells.sort_unstable();
            assert_eq!(cells, (0..side * side).collect::<Vec<_>>());
            assert!(order.is_sorted_by_key(|(_, level)| *level));
        }
        let order = grid(25).order();
        // Lattices of step 12, 6, 3 and 1.
        let until = |level: usize| order.iter().filter(|(_, of)| *of <= level).count();
        assert_eq!([0, 1, 2, 3].map(until), [9, 25, 81, 625]);
    }

    #[test]
    fn unknown_cells_take_their_nearest() {
        let grid = grid(3);
        let filled = grid.filled(|cell| {
            [(0, 1.0), (8, 9.0)]
                .into_iter()
                .find(|(c, _)| *c == cell)
                .map(|(_, v)| v)
        });
        assert_eq!(
            [filled[0], filled[1], filled[5], filled[8]],
            [1.0, 1.0, 9.0, 9.0]
        );
        assert!(grid.filled(|_| None).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn contours_of_a_slope_are_straight_and_of_a_cone_round() {
        let side = 21;
        let values = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            (0..side * side)
                .map(|cell| f((cell % side) as f64, (cell / side) as f64))
                .collect()
        };
        let slope = contour(&values(&|x, _| x), side, 4.25);
        assert_eq!(slope.len(), side - 1);
        assert!(
            slope
                .iter()
                .flatten()
                .all(|[x, _]| (x - 4.25).abs() < 1e-12)
        );
        let cone = contour(&values(&|x, y| (x - 10.0).hypot(y - 10.0)), side, 6.0);
        assert!(cone.len() > 30);
        for [x, y] in cone.iter().flatten() {
            // A linear edge of a curved surface: off by the square of a cell over twice the radius.
            assert!(((x - 10.0).hypot(y - 10.0) - 6.0).abs() < 0.05);
        }
        let mut holed = values(&|x, _| x);
        holed[side * 3 + 4] = f64::NAN;
        assert_eq!(contour(&holed, side, 4.25).len(), side - 3);
        assert!(contour(&holed, 2, 0.0).is_empty());
    }

    #[test]
    fn levels_are_round_and_inside() {
        let levels = contour_levels(&[0.0, 1.0], 5);
        let expected = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        assert_eq!(levels.len(), expected.len());
        // A rounding of the product.
        assert!(
            levels
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
        let levels = contour_levels(&[-3.97, -1.2, f64::NAN], 8);
        assert!((4..=9).contains(&levels.len()), "{levels:?}");
        assert!(levels.iter().all(|level| (-3.97..=-1.2).contains(level)));
        assert!(contour_levels(&[2.0, 2.0], 8).is_empty());
        assert!(contour_levels(&[], 8).is_empty());
    }
}
