//! The eigen-spectrum of unit rows, and the figures that are read from it.

use faer::{
    Accum, Mat, MatRef, Par, Side,
    linalg::matmul::triangular::{self, BlockStructure},
};
use serde::Serialize;

use crate::{
    measure::{MeasureError, Rows, cloud::mean_row},
    progress::Progress,
};

/// Largest side of the smaller Gram matrix: in f64 it takes 512 MiB, and its eigenvalues some
/// minutes.
pub const MAX_SIDE: usize = 8192;

/// Added to each share before RankMe's entropy (Garrido et al. 2023).
const RANKME_EPSILON: f64 = 1e-7;

/// Eigenvalues below this share of the greatest are rounding: rows are f32.
const NOISE: f64 = 1e-13;

/// Second moments of N unit rows in d dimensions, by their eigenvalues.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// N.
    pub n: usize,
    /// d.
    pub dim: usize,
    /// ‖mean row‖.
    pub mean_norm: f64,
    /// Mean squared norm of the rows: 1 unless some are zero.
    pub mean_square: f64,
    /// Eigenvalues of the covariance (divided by N), falling, min(N, d) of them, negative rounding
    /// clipped to 0.
    pub covariance: Vec<f64>,
    /// Eigenvalues of the uncentred second moment (divided by N), as above: squared singular values
    /// of Z over N.
    pub moment: Vec<f64>,
}

impl Spectrum {
    /// The spectrum of unit rows, through the smaller of the d × d and the N × N Gram matrix, in
    /// f64; memory is that matrix and one block of rows. The covariance is summed from centred rows,
    /// so that features that nearly coincide keep their digits.
    ///
    /// # Errors
    /// [`MeasureError`] for no rows, rows that are not finite or not of unit (or zero) length,
    /// min(N, d) beyond [`MAX_SIDE`], or a cancel.
    pub fn new(x: Rows<'_>, progress: &Progress) -> Result<Self, MeasureError> {
        x.check_unit("the spectrum", 1)?;
        let (n, dim) = (x.len(), x.dim);
        if n.min(dim) > MAX_SIDE {
            return Err(MeasureError::Parameter {
                name: "min(N, d)",
                value: n.min(dim) as f64,
                allowed: "at most 8192 for a spectrum: use fewer images",
            });
        }
        let mean = mean_row(x);
        let squares: f64 = x.values.iter().map(|v| f64::from(*v).powi(2)).sum();
        let centred = centred_moment(x, &mean, progress)?;
        progress.check()?;
        progress.report("finding the spectrum", 0, None);
        let covariance = eigenvalues(&centred)?;
        progress.check()?;
        let moment = eigenvalues(&uncentred_moment(x, &mean, centred))?;
        Ok(Self {
            n,
            dim,
            mean_norm: mean.iter().map(|value| value * value).sum::<f64>().sqrt(),
            mean_square: squares / n as f64,
            covariance,
            moment,
        })
    }

    /// Trace of the covariance: the mean squared distance of a row to the mean row.
    pub fn variance(&self) -> f64 {
        self.covariance.iter().sum()
    }

    /// Mean cosine over ordered pairs of distinct rows: the squared length of the law's mean
    /// without the bias 1/N that ‖mean‖² has. This is the effect size of Rayleigh's test, 0 for a
    /// balanced law and 1 for a point. NaN for one row.
    pub fn mean_cosine(&self) -> f64 {
        let n = self.n as f64;
        (n * self.mean_norm.powi(2) - self.mean_square) / (n - 1.0)
    }

    /// Rayleigh's statistic N d ‖mean‖², χ² with d degrees under uniformity (Mardia & Jupp 2000,
    /// §10.4.1). At the sizes that are usual here it is always significant: read
    /// [`mean_cosine`](Self::mean_cosine).
    pub fn rayleigh(&self) -> f64 {
        self.n as f64 * self.dim as f64 * self.mean_norm.powi(2)
    }

    /// Mean squared cosine over ordered pairs of distinct unit rows: 1/d for a uniform law, 1/k on a
    /// k-dimensional subsphere, whatever N is. NaN for one row.
    pub fn mean_square_cosine(&self) -> f64 {
        let n = self.n as f64;
        let trace: f64 = self.moment.iter().map(|value| value * value).sum();
        (n * trace - self.mean_square) / (n - 1.0)
    }

    /// Bingham's statistic N d(d+2)/2 · (tr M² − 1/d), χ² with (d−1)(d+2)/2 degrees under uniformity
    /// (Mardia & Jupp 2000, §10.7.1).
    pub fn bingham(&self) -> f64 {
        let (n, d) = (self.n as f64, self.dim as f64);
        let trace: f64 = self.moment.iter().map(|value| value * value).sum();
        0.5 * n * d * (d + 2.0) * (trace - 1.0 / d)
    }

    /// Effect size of Bingham's test: (mean squared cosine − 1/d) / (1 − 1/d), 0 for isotropic axes,
    /// 1 for one axis. NaN for d = 1.
    pub fn bingham_effect(&self) -> f64 {
        let even = 1.0 / self.dim as f64;
        (self.mean_square_cosine() - even) / (1.0 - even)
    }

    /// RankMe (Garrido et al. 2023): the exponential of the entropy of σᵢ/Σσ + 1e-7 over the singular
    /// values of the uncentred rows. At most min(N, d).
    pub fn rankme(&self) -> f64 {
        let roots: Vec<f64> = self.moment.iter().map(|value| value.sqrt()).collect();
        rankme_of(&roots)
    }

    /// Participation ratio (Σλ)²/Σλ² of the covariance; 0 when all rows coincide.
    pub fn participation_ratio(&self) -> f64 {
        let square: f64 = self.covariance.iter().map(|value| value * value).sum();
        if square > 0.0 {
            self.variance().powi(2) / square
        } else {
            0.0
        }
    }

    /// Wasserstein-2 distance between Gaussians: that of the rows' mean and covariance, and N(0, I/d)
    /// (Fang et al. 2024): √(‖μ‖² + 1 + tr Σ − (2/√d) tr Σ^½). 0 is best; √2 full collapse;
    /// √(2 − 2√(k/d)) a uniform k-dimensional subsphere.
    pub fn w2(&self) -> f64 {
        let roots: f64 = self.covariance.iter().map(|value| value.sqrt()).sum();
        let square =
            self.mean_norm.powi(2) + 1.0 + self.variance() - 2.0 / (self.dim as f64).sqrt() * roots;
        square.max(0.0).sqrt()
    }

    /// IsoScore (Rudman et al. 2022) from the covariance's eigenvalues: 1 isotropic, 0 one direction.
    /// NaN for d = 1 or rows that coincide.
    ///
    /// Follows the paper's steps; algebra turns them into (PR − 1)/(d − 1), so that it says the same
    /// as the participation ratio.
    pub fn isoscore(&self) -> f64 {
        let d = self.dim as f64;
        let norm = self
            .covariance
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt();
        let scale = d.sqrt() / norm;
        // Eigenvalues beyond min(N, d) are 0 and differ from 1 by 1.
        let missing = self.dim - self.covariance.len();
        let square: f64 = self
            .covariance
            .iter()
            .map(|value| (scale * value - 1.0).powi(2))
            .sum::<f64>()
            + missing as f64;
        let defect = (square / (2.0 * (d - d.sqrt()))).sqrt();
        let share = (d - defect * defect * (d - d.sqrt())).powi(2) / (d * d);
        (d * share - 1.0) / (d - 1.0)
    }

    /// α of α-ReQ (Agrawal et al. 2022): minus the slope of log λᵢ on log i, least squares, with the
    /// first and last rank of the fit. `None` with fewer than three ranks.
    ///
    /// The range is our choice: from rank 11 (as Stringer et al. 2019, whose leading ten bend) to half
    /// of the ranks above rounding, at most 500; with fewer than 44 such ranks, all of them.
    pub fn alpha_req(&self) -> Option<(f64, [usize; 2])> {
        let greatest = self.covariance.first().copied().unwrap_or(0.0);
        let known = self
            .covariance
            .iter()
            .take_while(|value| **value > NOISE * greatest && **value > 0.0)
            .count();
        let [low, high] = if known < 44 {
            [1, known]
        } else {
            [11, (known / 2).min(500)]
        };
        if high < low + 2 {
            return None;
        }
        let points: Vec<[f64; 2]> = (low..=high)
            .map(|rank| [(rank as f64).ln(), self.covariance[rank - 1].ln()])
            .collect();
        let count = points.len() as f64;
        let [x, y] = [0, 1].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / count);
        let across: f64 = points.iter().map(|p| (p[0] - x) * (p[1] - y)).sum();
        let along: f64 = points.iter().map(|p| (p[0] - x).powi(2)).sum();
        Some((-across / along, [low, high]))
    }
}

/// RankMe of singular values.
pub(super) fn rankme_of(singular: &[f64]) -> f64 {
    let total: f64 = singular.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let entropy: f64 = singular
        .iter()
        .map(|value| value / total + RANKME_EPSILON)
        .map(|share| -share * share.ln())
        .sum();
    entropy.exp()
}

/// Eigenvalues of the covariance of rows of any length, falling: what [`Spectrum::new`] gives for
/// unit rows.
pub(super) fn covariance_of(x: Rows<'_>, progress: &Progress) -> Result<Vec<f64>, MeasureError> {
    let mean = mean_row(x);
    eigenvalues(&centred_moment(x, &mean, progress)?)
}

/// The covariance d × d, or the Gram matrix of the centred rows over N when that is smaller; lower
/// half.
fn centred_moment(
    x: Rows<'_>,
    mean: &[f64],
    progress: &Progress,
) -> Result<Mat<f64>, MeasureError> {
    let (n, dim) = (x.len(), x.dim);
    let scale = 1.0 / n as f64;
    if n < dim {
        progress.report("summing the Gram matrix", 0, None);
        let mut values = vec![0.0_f64; x.values.len()];
        centre(x.values, mean, &mut values);
        progress.check()?;
        let rows = MatRef::from_row_major_slice(&values, n, dim);
        let mut gram = Mat::<f64>::zeros(n, n);
        add_product(&mut gram, rows, rows.transpose(), scale);
        return Ok(gram);
    }
    // About a mebibyte of f64 rows at a time; at least as many rows as keep the product efficient.
    let chunk_rows = (131_072 / dim).clamp(128, 4096).min(n);
    let mut chunk = vec![0.0_f64; chunk_rows * dim];
    let mut covariance = Mat::<f64>::zeros(dim, dim);
    let mut done = 0;
    for rows in x.values.chunks(chunk_rows * dim) {
        progress.check()?;
        let chunk = &mut chunk[..rows.len()];
        centre(rows, mean, chunk);
        let rows = MatRef::from_row_major_slice(&*chunk, rows.len() / dim, dim);
        add_product(&mut covariance, rows.transpose(), rows, scale);
        done += rows.nrows() as u64;
        progress.report("summing the covariance", done, Some(n as u64));
    }
    Ok(covariance)
}

/// Adds `scale` · `left` · `right`, a symmetric product, to the lower half of `sum`.
fn add_product(sum: &mut Mat<f64>, left: MatRef<'_, f64>, right: MatRef<'_, f64>, scale: f64) {
    triangular::matmul(
        sum.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        left,
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        scale,
        Par::rayon(0),
    );
}

/// The moment about 0 from that about the mean; lower half.
fn uncentred_moment(x: Rows<'_>, mean: &[f64], mut moment: Mat<f64>) -> Mat<f64> {
    let side = moment.nrows();
    if x.len() >= x.dim {
        for j in 0..side {
            for i in j..side {
                moment[(i, j)] += mean[i] * mean[j];
            }
        }
        return moment;
    }
    // x·y = (x − μ)·(y − μ) + μ·(x − μ) + μ·(y − μ) + μ·μ.
    let square: f64 = mean.iter().map(|value| value * value).sum();
    let along: Vec<f64> = x
        .values
        .chunks_exact(x.dim)
        .map(|row| {
            row.iter()
                .zip(mean)
                .map(|(v, m)| (f64::from(*v) - m) * m)
                .sum()
        })
        .collect();
    for j in 0..side {
        for i in j..side {
            moment[(i, j)] += (along[i] + along[j] + square) / side as f64;
        }
    }
    moment
}

fn centre(rows: &[f32], mean: &[f64], centred: &mut [f64]) {
    for (row, target) in rows
        .chunks_exact(mean.len())
        .zip(centred.chunks_exact_mut(mean.len()))
    {
        for ((target, value), mean) in target.iter_mut().zip(row).zip(mean) {
            *target = f64::from(*value) - mean;
        }
    }
}

/// Eigenvalues, falling, at least 0.
fn eigenvalues(symmetric: &Mat<f64>) -> Result<Vec<f64>, MeasureError> {
    let rising = symmetric
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| MeasureError::Eigenvalues {
            side: symmetric.nrows(),
        })?;
    Ok(rising.into_iter().rev().map(|v| v.max(0.0)).collect())
}
