//! Inputs of the cases: read from the folder that PyTorch reads as well, or made from a seed.

use std::path::Path;

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Reads `count` little-endian `f32`s, no more and no fewer.
///
/// # Errors
/// A file that cannot be read or has another length.
pub fn read_f32(path: &Path, count: usize) -> anyhow::Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (values, rest) = bytes.as_chunks::<4>();
    if values.len() != count || !rest.is_empty() {
        bail!(
            "{} has {} bytes, and {count} numbers of four were expected",
            path.display(),
            bytes.len()
        );
    }
    Ok(values
        .iter()
        .map(|&value| f32::from_le_bytes(value))
        .collect())
}

/// Standard normal numbers.
pub fn normal(count: usize, seed: u64) -> Vec<f32> {
    StandardNormal
        .sample_iter(ChaCha8Rng::seed_from_u64(seed))
        .take(count)
        .collect()
}

/// The mean of the squares, in double precision: a number that every value has a part in.
pub fn mean_square(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    sum / values.len().max(1) as f64
}
