//! Principal axes of unit rows without centring: top eigenvectors of the mean of x xᵀ.

use super::ProjectionError;
use crate::{measure::Rows, progress::Progress};
use faer::{
    Accum, Mat, MatRef, Par, Side,
    linalg::matmul::{
        matmul,
        triangular::{self, BlockStructure},
    },
};

/// Up to this dimension all eigenvectors are computed directly, some tens of milliseconds.
const DIRECT_DIM: usize = 512;

/// Directions that the iteration for larger dimensions carries from one restart to the next.
const BLOCK: usize = 16;

/// Products with the matrix between restarts.
const DEPTH: usize = 8;

/// Restarts at most; then all eigenvectors are computed after all.
const MAX_RESTARTS: u16 = 30;

/// Largest dimension: its matrix in f64 takes 2 GiB.
pub(super) const MAX_DIM: usize = 16_384;

/// Residual ‖A v − λ v‖ / λ₁ at which an axis is taken. Coordinates are shown in f32.
const TOLERANCE: f64 = 1e-9;

/// The leading directions of a set of unit rows.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalAxes {
    /// Dimension of the rows.
    pub dim: usize,
    /// Orthonormal axes, one after the other, `dim` numbers each, leading one first. The component
    /// of largest magnitude of each is positive (the first of equals), which fixes the sign.
    pub vectors: Vec<f64>,
    /// Share of the rows' mean squared norm along each axis, in [0, 1], falling.
    pub energy: Vec<f64>,
}

impl PrincipalAxes {
    /// Axis `k`, `dim` numbers.
    ///
    /// # Panics
    /// When `k` is not below the number of axes.
    pub fn axis(&self, k: usize) -> &[f64] {
        &self.vectors[k * self.dim..(k + 1) * self.dim]
    }
}

/// The `count` leading principal axes (at most d) of unit rows without centring: the top right
/// singular vectors of `x`, from the d × d matrix mean(x xᵀ) summed in f64.
///
/// # Errors
/// [`ProjectionError`] without rows, for rows that are not finite or not of unit (or zero) length,
/// when the eigenvalue iteration fails, or the work is cancelled.
pub fn principal_axes(
    x: Rows<'_>,
    count: usize,
    progress: &Progress,
) -> Result<PrincipalAxes, ProjectionError> {
    check(x)?;
    axes_of(&second_moment(x, progress)?, count, progress)
}

/// As [`principal_axes`], about the rows' mean: top eigenvectors of mean(x xᵀ) − m mᵀ, and the mean
/// m itself. Only for pictures that say so: centring hides a collapse.
///
/// # Errors
/// As [`principal_axes`].
pub fn centred_axes(
    x: Rows<'_>,
    count: usize,
    progress: &Progress,
) -> Result<(PrincipalAxes, Vec<f64>), ProjectionError> {
    check(x)?;
    let mut mean = vec![0.0_f64; x.dim];
    for row in x.values.chunks_exact(x.dim) {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    for sum in &mut mean {
        *sum /= x.len() as f64;
    }
    let mut moment = second_moment(x, progress)?;
    for i in 0..x.dim {
        for j in 0..x.dim {
            moment[(i, j)] -= mean[i] * mean[j];
        }
    }
    Ok((axes_of(&moment, count, progress)?, mean))
}

fn check(x: Rows<'_>) -> Result<(), ProjectionError> {
    if x.dim > MAX_DIM {
        return Err(ProjectionError::TooWide { dim: x.dim });
    }
    Ok(x.check_unit("the projection", 1)?)
}

/// The leading eigenvectors of a symmetric matrix, their signs fixed.
fn axes_of(
    moment: &Mat<f64>,
    count: usize,
    progress: &Progress,
) -> Result<PrincipalAxes, ProjectionError> {
    let dim = moment.nrows();
    let count = count.min(dim);
    let trace: f64 = (0..dim).map(|i| moment[(i, i)]).sum();
    let block = if dim <= DIRECT_DIM || count > BLOCK {
        None
    } else {
        block_iteration(moment, count, progress)?
    };
    let Eigenpairs {
        values,
        vectors: axes,
    } = match block {
        Some(found) => found,
        None => leading(moment.as_ref(), count)?,
    };
    let mut vectors = Vec::with_capacity(count * dim);
    for k in 0..count {
        let column: Vec<f64> = (0..dim).map(|i| axes[(i, k)]).collect();
        let sign = orientation(&column);
        vectors.extend(column.iter().map(|v| sign * v));
    }
    let share = |value: &f64| {
        if trace > 0.0 {
            (value / trace).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    Ok(PrincipalAxes {
        dim,
        vectors,
        energy: values[..count].iter().map(share).collect(),
    })
}

/// ±1 such that the first component of (nearly) largest magnitude becomes positive.
fn orientation(axis: &[f64]) -> f64 {
    let largest = axis.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    // Components equal up to rounding count as equal, so that the choice is stable.
    let first = axis.iter().find(|v| v.abs() >= largest * (1.0 - 1e-6));
    first.map_or(1.0, |v| if *v < 0.0 { -1.0 } else { 1.0 })
}

/// mean of x xᵀ, the whole symmetric matrix, in f64.
fn second_moment(x: Rows<'_>, progress: &Progress) -> Result<Mat<f64>, ProjectionError> {
    let dim = x.dim;
    // About a mebibyte of f64 rows at a time; at least as many rows as keep the product efficient.
    let chunk_rows = (131_072 / dim).clamp(128, 4096).min(x.len());
    let mut chunk = vec![0.0_f64; chunk_rows * dim];
    let mut moment = Mat::<f64>::zeros(dim, dim);
    let mut done = 0;
    for rows in x.values.chunks(chunk_rows * dim) {
        progress.check()?;
        let chunk = &mut chunk[..rows.len()];
        for (target, value) in chunk.iter_mut().zip(rows) {
            *target = f64::from(*value);
        }
        let rows = MatRef::from_row_major_slice(&*chunk, rows.len() / dim, dim);
        triangular::matmul(
            moment.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            rows.transpose(),
            BlockStructure::Rectangular,
            rows,
            BlockStructure::Rectangular,
            1.0 / x.len() as f64,
            Par::rayon(0),
        );
        done += rows.nrows() as u64;
        progress.report("finding principal axes", done, Some(x.len() as u64));
    }
    for i in 0..dim {
        for j in 0..i {
            moment[(j, i)] = moment[(i, j)];
        }
    }
    Ok(moment)
}

/// Eigenvalues, falling, and their eigenvectors as columns.
struct Eigenpairs {
    values: Vec<f64>,
    vectors: Mat<f64>,
}

/// The first `count` eigenpairs of a symmetric matrix.
fn leading(symmetric: MatRef<'_, f64>, count: usize) -> Result<Eigenpairs, ProjectionError> {
    let dim = symmetric.nrows();
    let eigen = symmetric
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| ProjectionError::Axes { dim })?;
    let rising = eigen.S().column_vector();
    Ok(Eigenpairs {
        values: (0..count).map(|k| rising[dim - 1 - k]).collect(),
        vectors: Mat::from_fn(dim, count, |i, k| eigen.U()[(i, dim - 1 - k)]),
    })
}

/// Restarted block Lanczos iteration with Rayleigh–Ritz (Golub & Van Loan, Matrix Computations,
/// §10.3): the first `count` eigenpairs of a positive semi-definite matrix, or `None` when they
/// have not settled.
fn block_iteration(
    moment: &Mat<f64>,
    count: usize,
    progress: &Progress,
) -> Result<Option<Eigenpairs>, ProjectionError> {
    // A fixed start without symmetry; any will do that is not orthogonal to the leading axes.
    let start = |i: usize, k: usize| ((i + 1) as f64 * (0.37 + k as f64)).sin();
    let mut block = orthonormal(&Mat::from_fn(moment.nrows(), BLOCK, start));
    for restart in 1..=MAX_RESTARTS {
        let space = krylov_space(moment, block, progress)?;
        let image = product(moment.as_ref(), space.as_ref());
        let small = product(space.transpose(), image.as_ref());
        let Eigenpairs {
            values,
            vectors: turn,
        } = leading(small.as_ref(), BLOCK)?;
        let vectors = product(space.as_ref(), turn.as_ref());
        // A·(Q·T) = (A·Q)·T: the images of the Ritz vectors cost no further product with A.
        let images = product(image.as_ref(), turn.as_ref());
        let residual = largest_residual(&values[..count], &vectors, &images);
        if residual <= TOLERANCE * values[0].max(f64::MIN_POSITIVE) {
            return Ok(Some(Eigenpairs { values, vectors }));
        }
        block = orthonormal(&images);
        let (done, total) = (restart.into(), Some(MAX_RESTARTS.into()));
        progress.report("refining principal axes", done, total);
    }
    Ok(None)
}

/// An orthonormal basis of the span of the block B and A·B … A^DEPTH·B.
fn krylov_space(
    moment: &Mat<f64>,
    block: Mat<f64>,
    progress: &Progress,
) -> Result<Mat<f64>, ProjectionError> {
    let mut space = block.clone();
    let mut last = block;
    for _ in 0..DEPTH {
        progress.check()?;
        let mut next = product(moment.as_ref(), last.as_ref());
        // Twice is enough (Kahan, Parlett).
        for _ in 0..2 {
            let along = product(space.transpose(), next.as_ref());
            next -= product(space.as_ref(), along.as_ref());
        }
        last = orthonormal(&next);
        let before = space.ncols();
        space = Mat::from_fn(space.nrows(), before + BLOCK, |i, k| {
            if k < before {
                space[(i, k)]
            } else {
                last[(i, k - before)]
            }
        });
    }
    // Blocks that ran out of rank were completed by directions that the others may share.
    Ok(orthonormal(&space))
}

/// Largest ‖A v − λ v‖ over the first eigenpairs, with the images A v given.
fn largest_residual(values: &[f64], vectors: &Mat<f64>, images: &Mat<f64>) -> f64 {
    let residual = |(k, value): (usize, &f64)| {
        let components = images.col(k).iter().zip(vectors.col(k).iter());
        let squares = components.map(|(image, vector)| (image - value * vector).powi(2));
        squares.sum::<f64>().sqrt()
    };
    values.iter().enumerate().map(residual).fold(0.0, f64::max)
}

fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut target = Mat::zeros(left.nrows(), right.ncols());
    matmul(
        target.as_mut(),
        Accum::Replace,
        left,
        right,
        1.0,
        Par::rayon(0),
    );
    target
}

/// Orthonormal columns with the same span (Householder QR, which also completes dependent ones).
fn orthonormal(columns: &Mat<f64>) -> Mat<f64> {
    columns.qr().compute_thin_Q()
}

#[cfg(test)]
#[path = "axes_tests.rs"]
mod tests;
