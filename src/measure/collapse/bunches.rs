//! Bunches of rows, and which of them are one: chains of near ones.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

use super::spatial::sum_of;
use crate::measure::Rows;

/// Two bunches are near when their means lie closer than this many times the root of their summed
/// variances, each along the bunch's widest direction. Halves of an even arc have 2.4, of a Gaussian
/// 1.9. The *whole* variance would not do: in many dimensions noise of little reach to any side has
/// much of it, and bunches far apart would count as one.
pub const SEPARATION: f64 = 3.3;
/// Chains of bunches are joined when they lie closer than this, in their own widths: pieces of one
/// even arc have at most 2.4.
const CHAIN_SEPARATION: f64 = 2.8;
/// Few rows show less variance than there is, and gaps by chance: variances count 1 + this/√n fold.
const FEW_ROWS: f64 = 1.5;
/// Rounds of the power method: a variance a few per cent too small does not matter.
const ROUNDS: usize = 12;

/// A bunch of rows.
#[derive(Clone)]
pub(super) struct Bunch {
    pub rows: Vec<usize>,
    pub mean: Vec<f64>,
    /// Σ‖x − mean‖².
    pub scatter: f64,
    /// Variance along the widest direction; of joined bunches a bound from above.
    width: f64,
}

impl Bunch {
    pub fn new(x: Rows<'_>, rows: Vec<usize>) -> Self {
        let mean = mean_of(x, &rows);
        let scatter = scatter_around(x, &rows, &mean);
        let mut bunch = Self {
            rows,
            mean,
            scatter,
            width: 0.0,
        };
        bunch.width = bunch.widest(x);
        bunch
    }

    /// The greatest eigenvalue of the covariance, by the power method from the row farthest out.
    fn widest(&self, x: Rows<'_>) -> f64 {
        let (n, dim) = (self.rows.len(), x.dim);
        if n < 2 || self.scatter <= 0.0 {
            return 0.0;
        }
        if n == 2 {
            return self.spread();
        }
        let mut centred = Vec::with_capacity(n * dim);
        for &row in &self.rows {
            let values = x.row(row).iter().zip(&self.mean);
            centred.extend(values.map(|(value, mean)| f64::from(*value) - mean));
        }
        let square = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>();
        let farthest = centred
            .chunks_exact(dim)
            .max_by(|a, b| square(a).total_cmp(&square(b)))
            .unwrap_or_default();
        let mut axis = Mat::from_fn(dim, 1, |i, _| farthest[i]);
        let rows = MatRef::from_row_major_slice(&centred, n, dim);
        let mut along = Mat::<f64>::zeros(n, 1);
        let mut value = 0.0;
        for _ in 0..ROUNDS {
            let length = axis.norm_l2();
            if length <= 0.0 {
                break;
            }
            matmul(
                &mut along,
                Accum::Replace,
                rows,
                &axis,
                1.0 / length,
                Par::Seq,
            );
            value = along.squared_norm_l2() / n as f64;
            matmul(
                &mut axis,
                Accum::Replace,
                rows.transpose(),
                &along,
                1.0,
                Par::Seq,
            );
        }
        value
    }

    fn spread(&self) -> f64 {
        self.scatter / self.rows.len() as f64
    }

    /// How wide it counts beside `other`. A lone row shows no width, and lies about as far from the
    /// mean of a cloud that it is of as that cloud is spread in all directions together.
    fn width_beside(&self, other: &Self) -> f64 {
        let few = 1.0 + FEW_ROWS / (self.rows.len() as f64).sqrt();
        match (self.rows.len(), other.rows.len()) {
            (1, _) => 0.0,
            (_, 1) => few * self.spread(),
            _ => few * self.width,
        }
    }

    /// Squared distance of the means over the summed widths. Bunches on one point are one.
    fn ratio(&self, other: &Self) -> f64 {
        let square = square_distance(self.mean.iter().copied(), &other.mean);
        // Distances below f32 rounding of unit rows say nothing.
        if square < 1e-12 {
            return 0.0;
        }
        square / (self.width_beside(other) + other.width_beside(self)).max(1e-14)
    }

    fn joined(&self, other: &Self) -> Self {
        let [a, b] = [self, other].map(|bunch| bunch.rows.len() as f64);
        let square = square_distance(self.mean.iter().copied(), &other.mean);
        let means = self.mean.iter().zip(&other.mean);
        let between = a * b / (a + b) * square;
        let scatter = self.scatter + other.scatter + between;
        Self {
            mean: means.map(|(x, y)| (a * x + b * y) / (a + b)).collect(),
            scatter,
            rows: self.rows.iter().chain(&other.rows).copied().collect(),
            width: (a * self.width + b * other.width + between).min(scatter) / (a + b),
        }
    }
}

fn mean_of(x: Rows<'_>, rows: &[usize]) -> Vec<f64> {
    let count = rows.len() as f64;
    sum_of(x, rows).into_iter().map(|v| v / count).collect()
}

fn scatter_around(x: Rows<'_>, rows: &[usize], mean: &[f64]) -> f64 {
    let square = |&row: &usize| square_distance(x.row(row).iter().map(|v| f64::from(*v)), mean);
    rows.iter().map(square).sum()
}

/// Σ‖x − mean‖² of some rows.
pub(super) fn scatter(x: Rows<'_>, rows: &[usize]) -> f64 {
    scatter_around(x, rows, &mean_of(x, rows))
}

fn square_distance(a: impl Iterator<Item = f64>, b: &[f64]) -> f64 {
    a.zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

/// Joins bunches of `x` that a chain of near ones links (single linkage); the rest, and the least
/// ratio across them.
///
/// The chain goes by the small bunches' own widths: joining the nearest two again and again would
/// let one large bunch, once made, swallow all others.
pub(super) fn joined(x: Rows<'_>, bunches: &[Bunch]) -> (Vec<Bunch>, f64) {
    let ratios: Vec<Vec<f64>> = (0..bunches.len())
        .into_par_iter()
        .map(|i| (0..i).map(|j| bunches[i].ratio(&bunches[j])).collect())
        .collect();
    let is_near = |ratio: f64| ratio < SEPARATION * SEPARATION;
    // The chain of each bunch; when two meet, the later takes the name of the earlier.
    let mut chain: Vec<usize> = (0..bunches.len()).collect();
    let mut least = f64::INFINITY;
    for i in 0..bunches.len() {
        for j in 0..i {
            if is_near(ratios[i][j]) && chain[i] != chain[j] {
                let (kept, gone) = (chain[i].min(chain[j]), chain[i].max(chain[j]));
                chain
                    .iter_mut()
                    .filter(|name| **name == gone)
                    .for_each(|name| *name = kept);
            }
        }
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); bunches.len()];
    for (i, bunch) in bunches.iter().enumerate() {
        rows[chain[i]].extend(&bunch.rows);
        let others = (0..i).filter(|&j| chain[j] != chain[i]);
        least = others.map(|j| ratios[i][j]).fold(least, f64::min);
    }
    let chains = rows
        .into_par_iter()
        .filter(|rows| !rows.is_empty())
        .map(|rows| Bunch::new(x, rows))
        .collect();
    (join_chains(chains), least)
}

/// Joins the nearest two chains until all lie apart: a gap within few rows is no separation.
fn join_chains(mut chains: Vec<Bunch>) -> Vec<Bunch> {
    // Ratios of each to those before it: only those of a joined chain are new.
    let mut ratios: Vec<Vec<f64>> = chains
        .par_iter()
        .enumerate()
        .map(|(i, chain)| chains[..i].iter().map(|other| chain.ratio(other)).collect())
        .collect();
    loop {
        let mut nearest = (0, 0, CHAIN_SEPARATION * CHAIN_SEPARATION);
        for (i, row) in ratios.iter().enumerate() {
            for (j, &ratio) in row.iter().enumerate() {
                if ratio < nearest.2 {
                    nearest = (i, j, ratio);
                }
            }
        }
        let (i, j, _) = nearest;
        if i == j {
            return chains;
        }
        chains[j] = chains[i].joined(&chains[j]);
        chains.remove(i);
        ratios.remove(i);
        for row in ratios.iter_mut().skip(i) {
            row.remove(i);
        }
        for other in 0..chains.len() {
            let (high, low) = (other.max(j), other.min(j));
            if high != low {
                ratios[high][low] = chains[high].ratio(&chains[low]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::sphere::uniform_rows;

    #[test]
    fn the_widest_direction_is_that_of_the_greatest_eigenvalue() {
        // Rows ±a e₁, ±b e₂, ±c e₃: variances a²/3, b²/3, c²/3.
        let mut values = Vec::new();
        for (axis, length) in [(0, 0.9_f32), (1, 0.5), (2, 0.1)] {
            for sign in [1.0, -1.0] {
                let mut row = [0.0; 3];
                row[axis] = sign * length;
                values.extend(row);
            }
        }
        let bunch = Bunch::new(Rows::new(&values, 3).unwrap(), (0..6).collect());
        assert!((bunch.width - 0.27).abs() < 1e-6, "{}", bunch.width);
        assert!((bunch.spread() - (0.81 + 0.25 + 0.01) / 3.0).abs() < 1e-6);
    }

    #[test]
    fn clouds_far_apart_are_not_one_though_they_have_much_variance_in_many_dimensions() {
        // Noise as long as half the distance of the means, spread over 64 dimensions.
        let dim = 64;
        let mut values = uniform_rows(400, dim, 3);
        for (index, row) in values.chunks_exact_mut(dim).enumerate() {
            row[index % 2] += 1.5;
        }
        let x = Rows::new(&values, dim).unwrap();
        let of = |first: usize| Bunch::new(x, (first..400).step_by(2).collect());
        let pieces = [of(0), of(1)];
        assert_eq!(joined(x, &pieces).0.len(), 2);
        // Halves of one of them are one.
        let half = |first: usize| Bunch::new(x, (first..400).step_by(4).collect());
        assert_eq!(joined(x, &[half(0), half(2)]).0.len(), 1);
    }
}
