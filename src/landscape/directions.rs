//! Directions through weight space, and weights as flat vectors.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Direction, LandscapeError, PlaneMark, SnapshotWeights};
use crate::models::{ModelWeights, WeightRole, WeightTensor};

/// Kept away from a division by zero, as in Li et al.'s code.
const EPSILON: f64 = 1e-10;

/// Standard normal numbers for every filter tensor, and nothing for the others.
pub(super) fn random(weights: &ModelWeights, seed: u64, axis: u64) -> Direction {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(axis);
    let draw = |tensor: &WeightTensor| match tensor.role {
        WeightRole::Filters => (tensor.values.iter())
            .map(|_| StandardNormal.sample(&mut generator))
            .collect(),
        _ => Vec::new(),
    };
    weights.tensors().iter().map(draw).collect()
}

/// Filter normalisation of Li et al. (2018, "Visualizing the Loss Landscape of Neural Nets"): each
/// filter d of a direction becomes d ‖θ‖ / ‖d‖ with θ the same filter of the weights. A filter is what
/// makes one output: a first index of a convolution's or a linear layer's weight. Biases and batch
/// normalisations get no direction, as in the paper's pictures.
pub fn filter_normalised(weights: &ModelWeights, mut direction: Direction) -> Direction {
    for (d, tensor) in direction.iter_mut().zip(weights.tensors()) {
        if tensor.role != WeightRole::Filters {
            d.clear();
            continue;
        }
        let per_filter = (tensor.values.len() / tensor.shape[0].max(1)).max(1);
        for (d, own) in d
            .chunks_mut(per_filter)
            .zip(tensor.values.chunks(per_filter))
        {
            let norm = |values: &[f32]| {
                values
                    .iter()
                    .map(|v| f64::from(*v).powi(2))
                    .sum::<f64>()
                    .sqrt()
            };
            let factor = norm(own) / (norm(d) + EPSILON);
            for value in d {
                *value = (f64::from(*value) * factor) as f32;
            }
        }
    }
    direction
}

pub(super) fn cosine(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let [mut dot, mut aa, mut bb] = [0.0; 3];
    for (x, y) in a.iter().flatten().zip(b.iter().flatten()) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    dot / (aa * bb).sqrt().max(f64::MIN_POSITIVE)
}

/// Checks that there are enough snapshots of one network; the newest.
pub(super) fn alike(
    snapshots: &[SnapshotWeights],
    needed: usize,
) -> Result<&SnapshotWeights, LandscapeError> {
    let last = snapshots.last().filter(|_| snapshots.len() >= needed);
    let last = last.ok_or_else(|| {
        LandscapeError::Directions(format!(
            "these directions need at least {needed} kept snapshots of a run, and there are {}",
            snapshots.len()
        ))
    })?;
    if snapshots
        .iter()
        .all(|other| other.weights.is_like(&last.weights))
    {
        return Ok(last);
    }
    let why = "the snapshots are of different networks".to_owned();
    Err(LandscapeError::Directions(why))
}

pub(super) fn at_step(
    snapshots: &[SnapshotWeights],
    step: usize,
) -> Result<&SnapshotWeights, LandscapeError> {
    snapshots
        .iter()
        .find(|snapshot| snapshot.step == step)
        .ok_or_else(|| {
            let kept: Vec<String> = snapshots.iter().map(|s| s.step.to_string()).collect();
            LandscapeError::Directions(format!(
                "no snapshot of step {step} is kept: there are {}",
                kept.join(", ")
            ))
        })
}

fn is_trained(tensor: &WeightTensor) -> bool {
    tensor.role != WeightRole::Statistics
}

/// a − b over all trained tensors, one after the other.
pub(super) fn difference(a: &ModelWeights, b: &ModelWeights) -> Vec<f64> {
    let pairs = a.tensors().iter().zip(b.tensors());
    pairs
        .filter(|(tensor, _)| is_trained(tensor))
        .flat_map(|(a, b)| a.values.iter().zip(&b.values))
        .map(|(a, b)| f64::from(*a) - f64::from(*b))
        .collect()
}

/// The inverse of laying out: a flat vector as one list a tensor.
pub(super) fn spread(weights: &ModelWeights, flat: &[f64]) -> Direction {
    let mut rest = flat.iter();
    weights
        .tensors()
        .iter()
        .map(|tensor| {
            let count = if is_trained(tensor) {
                tensor.values.len()
            } else {
                0
            };
            rest.by_ref().take(count).map(|x| *x as f32).collect()
        })
        .collect()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The two principal unit directions of centred rows with their shares of the variance, by the rows'
/// inner products: rows are few and long.
pub(super) fn principal(rows: &[Vec<f64>]) -> Result<([f64; 2], [Vec<f64>; 2]), LandscapeError> {
    let n = rows.len();
    let gram = faer::Mat::<f64>::from_fn(n, n, |i, j| dot(&rows[i], &rows[j]));
    let eigen = gram.self_adjoint_eigen(faer::Side::Lower).map_err(|_| {
        LandscapeError::Directions("the principal directions could not be found".to_owned())
    })?;
    // faer gives eigenvalues in rising order.
    let values: Vec<f64> = (0..n)
        .map(|i| eigen.S().column_vector()[i].max(0.0))
        .collect();
    let total = values.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let component = |k: usize| {
        let column = n - 1 - k;
        let mut axis = vec![0.0; rows[0].len()];
        for (i, row) in rows.iter().enumerate() {
            let weight = eigen.U()[(i, column)];
            for (x, r) in axis.iter_mut().zip(row) {
                *x += weight * r;
            }
        }
        let length = norm(&axis).max(f64::MIN_POSITIVE);
        for x in &mut axis {
            *x /= length;
        }
        axis
    };
    let shares = [values[n - 1] / total, values[n - 2] / total];
    Ok((shares, [component(0), component(1)]))
}

/// Places of snapshots by orthonormal axes, in units of `scale`.
pub(super) fn marks(
    snapshots: &[SnapshotWeights],
    moves: &[Vec<f64>],
    axes: &[Vec<f64>; 2],
    scale: [f64; 2],
) -> Vec<PlaneMark> {
    snapshots
        .iter()
        .zip(moves)
        .map(|(snapshot, moved)| {
            let at = [dot(moved, &axes[0]), dot(moved, &axes[1])];
            let whole = norm(moved);
            let rest = (whole * whole - at[0] * at[0] - at[1] * at[1])
                .max(0.0)
                .sqrt();
            PlaneMark {
                step: snapshot.step,
                at: [at[0] / scale[0], at[1] / scale[1]],
                off_plane: if whole > 0.0 { rest / whole } else { 0.0 },
            }
        })
        .collect()
}

/// The farthest coordinate of some marks.
pub(super) fn reach(marks: &[PlaneMark]) -> f64 {
    let coordinates = marks.iter().flat_map(|mark| mark.at);
    coordinates.map(f64::abs).fold(0.0, f64::max)
}

/// The foot of the perpendicular from `weights` on the plane of two axes through `origin`, and the
/// share of their distance that leads out of it, 0 to 1; both over trained tensors.
pub(super) fn foot(
    origin: &ModelWeights,
    axes: &[Direction; 2],
    weights: &ModelWeights,
) -> ([f64; 2], f64) {
    let [mut aa, mut ab, mut bb] = [0.0; 3];
    let [mut ma, mut mb, mut mm] = [0.0; 3];
    let tensors = origin.tensors().iter().zip(weights.tensors());
    let directions = axes[0].iter().zip(&axes[1]);
    for ((own, other), (a, b)) in tensors.zip(directions) {
        if !is_trained(own) {
            continue;
        }
        let at = |axis: &[f32], i: usize| f64::from(axis.get(i).copied().unwrap_or(0.0));
        for (i, (own, other)) in own.values.iter().zip(&other.values).enumerate() {
            let (a, b) = (at(a, i), at(b, i));
            let moved = f64::from(*other) - f64::from(*own);
            aa += a * a;
            ab += a * b;
            bb += b * b;
            ma += moved * a;
            mb += moved * b;
            mm += moved * moved;
        }
    }
    let determinant = aa * bb - ab * ab;
    let [x, y] = if determinant > 1e-12 * aa * bb {
        [
            (ma * bb - mb * ab) / determinant,
            (mb * aa - ma * ab) / determinant,
        ]
    } else {
        [ma / aa.max(f64::MIN_POSITIVE), 0.0]
    };
    let within = x * ma + y * mb;
    let out = (mm - within).max(0.0).sqrt();
    let off_plane = if mm > 0.0 { out / mm.sqrt() } else { 0.0 };
    ([x, y], off_plane)
}
