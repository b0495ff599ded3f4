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

    /// Steps between the points of each lattice, the coarsest first.
    fn steps(&self) -> Vec<usize> {
        let mut step = (self.side / 2).max(1);
        let mut steps = vec![step];
        while step > 1 {
            step /= 2;
            steps.push(step);
        }
        steps
    }

    /// Columns, or rows, of the lattice with this step.
    fn lattice(&self, step: usize) -> Vec<usize> {
        let middle = self.side / 2;
        (0..self.side)
            .filter(|index| index.abs_diff(middle).is_multiple_of(step))
            .collect()
    }

    /// All cells in the order in which they are filled: lattices around the middle, each with about
    /// half the step of the one before, and within a lattice the nearest to the middle first. The
    /// second number is the lattice's.
    pub fn order(&self) -> Vec<(usize, usize)> {
        let middle = self.side / 2;
        let mut is_taken = vec![false; self.len()];
        let mut order = Vec::with_capacity(self.len());
        for (level, step) in self.steps().into_iter().enumerate() {
            let lattice = self.lattice(step);
            let mut fresh: Vec<usize> = (lattice.iter())
                .flat_map(|row| lattice.iter().map(move |column| row * self.side + column))
                .filter(|&cell| !is_taken[cell])
                .collect();
            fresh.sort_by_key(|&cell| {
                let [column, row] = [cell % self.side, cell / self.side];
                column.abs_diff(middle).pow(2) + row.abs_diff(middle).pow(2)
            });
            for cell in fresh {
                is_taken[cell] = true;
                order.push((cell, level));
            }
        }
        order
    }

    /// Values for every cell: those that are known, and for the others what lies between the four
    /// points around them of the finest lattice before that reaches there (bilinear; the coarsest
    /// reaches everywhere). In the coarsest lattice unknown ones take the nearest known. NaN where
    /// nothing is known.
    pub fn interpolated(&self, known: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.len()];
        let mut is_set = vec![false; self.len()];
        let mut before: Vec<Vec<usize>> = Vec::new();
        for step in self.steps() {
            let lattice = self.lattice(step);
            for &row in &lattice {
                for &column in &lattice {
                    let cell = row * self.side + column;
                    if is_set[cell] {
                        continue;
                    }
                    let reaches = |lattice: &&Vec<usize>| {
                        let ends = lattice.first().zip(lattice.last());
                        ends.is_some_and(|(low, high)| {
                            [column, row]
                                .iter()
                                .all(|index| (low..=high).contains(&index))
                        })
                    };
                    values[cell] = match (known(cell), before.iter().rev().find(reaches)) {
                        (Some(value), _) => value,
                        (None, Some(lattice)) => self.between(lattice, [column, row], &values),
                        (None, None) => self.nearest(cell, &known),
                    };
                    is_set[cell] = true;
                }
            }
            before.push(lattice);
        }
        values
    }

    /// The known value nearest to a cell; NaN when there is none.
    fn nearest(&self, cell: usize, known: impl Fn(usize) -> Option<f64>) -> f64 {
        let split = |cell: usize| [cell % self.side, cell / self.side];
        let [x, y] = split(cell);
        (0..self.len())
            .filter_map(|other| Some((other, known(other)?)))
            .min_by_key(|(other, _)| {
                let [u, v] = split(*other);
                u.abs_diff(x).pow(2) + v.abs_diff(y).pow(2)
            })
            .map_or(f64::NAN, |(_, value)| value)
    }

    /// What lies at a cell between the four points of a lattice around it. Corners that are no
    /// numbers do not count.
    fn between(&self, lattice: &[usize], [column, row]: [usize; 2], values: &[f64]) -> f64 {
        // The two indices of the lattice on either side, with their weights.
        let around = |index: usize| -> [(usize, f64); 2] {
            let after = lattice.partition_point(|&at| at < index);
            let below = after.checked_sub(1).map(|before| lattice[before]);
            match (below, lattice.get(after).copied()) {
                (Some(low), Some(high)) if index < high => {
                    let share = (index - low) as f64 / (high - low) as f64;
                    [(low, 1.0 - share), (high, share)]
                }
                (_, Some(only)) | (Some(only), None) => [(only, 1.0), (only, 0.0)],
                (None, None) => [(0, 0.0); 2],
            }
        };
        let (mut sum, mut weights) = (0.0, 0.0);
        for (v, upward) in around(row) {
            for (u, across) in around(column) {
                let (value, weight) = (values[v * self.side + u], upward * across);
                if weight > 0.0 && value.is_finite() {
                    sum += weight * value;
                    weights += weight;
                }
            }
        }
        if weights > 0.0 {
            sum / weights
        } else {
            f64::NAN
        }
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
    fn a_coarse_lattice_tells_what_lies_between_its_points() {
        // 7 and 11 points a side have lattices that are no part of each other.
        for side in [3, 7, 9, 11, 25] {
            let grid = grid(side);
            // Linear along both axes, so that bilinear is exact.
            let value = |cell: usize| {
                let [x, y] = grid.at(cell);
                2.0 * x - 3.0 * y + 0.5
            };
            let order = grid.order();
            let coarse: Vec<usize> = (order.iter())
                .filter(|(_, level)| *level == 0)
                .map(|(cell, _)| *cell)
                .collect();
            let found = grid.interpolated(|cell| coarse.contains(&cell).then(|| value(cell)));
            for (cell, found) in found.iter().enumerate() {
                // Roundings of sums of a few terms.
                assert!((found - value(cell)).abs() < 1e-9, "{side}: {cell}");
            }
            let all = grid.interpolated(|cell| Some(value(cell)));
            assert!((0..grid.len()).all(|cell| all[cell] == value(cell)));
        }
    }

    #[test]
    fn a_lone_value_is_everywhere_and_what_is_no_number_spreads_to_nothing_else() {
        let grid = grid(9);
        let lone = grid.interpolated(|cell| (cell == grid.middle()).then_some(4.0));
        assert!(lone.iter().all(|value| *value == 4.0));
        let nothing = grid.interpolated(|_| None);
        assert!(nothing.iter().all(|value| value.is_nan()));
        // The coarsest lattice is known, its lower left corner is no number.
        let holed = grid.interpolated(|cell| {
            let is_coarse = [cell % 9, cell / 9].iter().all(|index| index % 4 == 0);
            is_coarse.then_some(if cell == 0 { f64::NAN } else { 1.0 })
        });
        assert!(holed[0].is_nan());
        assert!(holed[1..].iter().all(|value| (value - 1.0).abs() < 1e-12));
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
