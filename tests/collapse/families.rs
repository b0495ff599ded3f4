//! Synthetic features whose collapse is known by construction.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, StandardNormal};

/// One set of rows and what the verdict must say of it.
pub struct Sample {
    /// Raw rows, row-major, before normalisation.
    pub values: Vec<f32>,
    /// Image of each row, for dense ones.
    pub images: Option<Vec<u32>>,
    /// Sets of kinds that are right, each sorted; an empty set is healthy.
    pub accepted: Vec<Vec<&'static str>>,
    /// Directions in use, when some are lost on purpose.
    pub effective: Option<usize>,
}

impl Sample {
    fn new(values: Vec<f32>, kinds: &[&'static str]) -> Self {
        let mut kinds = kinds.to_vec();
        kinds.sort_unstable();
        Self {
            values,
            images: None,
            accepted: vec![kinds],
            effective: None,
        }
    }

    pub fn is_collapsed(&self) -> bool {
        self.accepted.iter().all(|kinds| !kinds.is_empty())
    }
}

/// The families, in the order of the table.
pub const FAMILIES: [&str; 17] = [
    "uniform",
    "heavy-tailed norms",
    "uneven, full",
    "vMF mixture",
    "dense, varied",
    "constant + noise",
    "subsphere",
    "cone",
    "cone in a subspace",
    "spatially constant",
    "coagulated",
    "few strong directions",
    "antipodal + noise",
    "coagulated, uneven",
    "never negative",
    "never negative, cone",
    "vMF mixture, uneven",
];

/// `n` rows of `dim` numbers of a family; `seed` draws rows and the family's own parameters. `None`
/// where the family has no meaning at this size.
pub fn sample(family: &str, n: usize, dim: usize, seed: u64) -> Option<Sample> {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    match family {
        "uniform" => Some(Sample::new(gaussian(n, dim, rng), &[])),
        "heavy-tailed norms" => {
            let mut values = gaussian(n, dim, rng);
            for row in values.chunks_exact_mut(dim) {
                // Cauchy-like: the norm's logarithm has the spread of four decades.
                let log: f64 = StandardNormal.sample(rng);
                let scale = (2.3 * log).exp() as f32;
                for value in row {
                    *value *= scale;
                }
            }
            Some(Sample::new(values, &[]))
        }
        "uneven, full" => (dim >= 16).then(|| {
            let mut values = gaussian(n, dim, rng);
            for row in values.chunks_exact_mut(dim) {
                for (axis, value) in row.iter_mut().enumerate() {
                    // Standard deviations from 1 down to 0.4: variances differ sixfold.
                    *value *= 1.0 - 0.6 * axis as f32 / dim as f32;
                }
            }
            Sample::new(values, &[])
        }),
        "vMF mixture" => {
            let length = pick(rng, &[0.2_f64, 0.5, 0.8]).sqrt();
            let centres = centres(n, dim, rng);
            Some(Sample::new(mixture(n, dim, &centres, length, rng), &[]))
        }
        "dense, varied" => {
            let share = pick(rng, &[0.3, 0.6, 0.8]);
            Some(dense(n, dim, share, &[], rng))
        }
        "constant + noise" => {
            let noise = pick(rng, &[0.0, 0.003, 0.05, 0.25]);
            Some(Sample::new(constant(n, dim, noise, rng), &["complete"]))
        }
        "subsphere" => subsphere(n, dim, rng),
        "cone" => {
            let length = pick(rng, &[0.3_f64, 0.5, 0.7]).sqrt();
            let centre = unit(dim, rng);
            let centres = [centre];
            Some(Sample::new(
                mixture(n, dim, &centres, length, rng),
                &["cone"],
            ))
        }
        "cone in a subspace" => cone_in_a_subspace(n, dim, rng),
        "spatially constant" => {
            let share = pick(rng, &[0.96, 0.99, 1.0]);
            Some(dense(n, dim, share, &["spatial"], rng))
        }
        "coagulated" => {
            let length = pick(rng, &[0.98_f64, 0.995, 1.0]).sqrt();
            let centres = centres(n, dim, rng);
            Some(Sample::new(
                mixture(n, dim, &centres, length, rng),
                &["coagulation"],
            ))
        }
        "few strong directions" => (dim >= 64 && n >= 300).then(|| few_strong(n, dim, rng)),
        "coagulated, uneven" => Some(uneven_bunches(n, dim, &[0.0, 0.005, 0.02, 0.04], rng)),
        "vMF mixture, uneven" => Some(uneven_bunches(n, dim, &[0.4, 0.7], rng)),
        // In few dimensions many rows of a ReLU are zero, and the others crowd the axes.
        "never negative" => (dim >= 16).then(|| Sample::new(rectified(n, dim, 0.0, rng), &[])),
        "never negative, cone" => {
            // Mean 1.5 deviations: cosine μ²/(μ² + σ²) about 0.7 to 0.75.
            (dim >= 16).then(|| Sample::new(rectified(n, dim, 1.75, rng), &["cone"]))
        }
        "antipodal + noise" => (dim >= 16).then(|| antipodal(n, dim, rng)),
        _ => None,
    }
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, of: &[T]) -> T {
    of[rng.random_range(0..of.len())]
}

fn gaussian(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..n * dim).map(|_| StandardNormal.sample(rng)).collect()
}

fn normalised(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    for value in &mut vector {
        *value /= norm;
    }
    vector
}

fn unit(dim: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    normalised((0..dim).map(|_| StandardNormal.sample(rng)).collect())
}

/// Turns rows by eight random reflections, so that no family is along the axes.
fn turn(values: &mut [f32], dim: usize, rng: &mut ChaCha8Rng) {
    for _ in 0..8 {
        let normal: Vec<f32> = unit(dim, rng).into_iter().map(|v| v as f32).collect();
        for row in values.chunks_exact_mut(dim) {
            let along: f32 = row.iter().zip(&normal).map(|(a, b)| a * b).sum();
            for (value, normal) in row.iter_mut().zip(&normal) {
                *value -= 2.0 * along * normal;
            }
        }
    }
}

/// One direction with noise of relative length `noise`.
fn constant(n: usize, dim: usize, noise: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let centre = unit(dim, rng);
    let mut values = gaussian(n, dim, rng);
    let scale = noise / (dim as f32).sqrt();
    for row in values.chunks_exact_mut(dim) {
        for (value, centre) in row.iter_mut().zip(&centre) {
            *value = *value * scale + *centre as f32;
        }
    }
    values
}

/// Directions of a mixture without a common side: evenly around the circle for d = 2, the corners
/// of a tetrahedron or octahedron for d = 3, else random ones less their mean.
fn centres(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    if dim == 2 {
        let count = pick(rng, &[3, 4, 5]);
        let first: f64 = rng.random::<f64>() * std::f64::consts::TAU;
        return (0..count)
            .map(|i| first + std::f64::consts::TAU * f64::from(i) / f64::from(count))
            .map(|angle_rad| vec![angle_rad.cos(), angle_rad.sin()])
            .collect();
    }
    if dim == 3 {
        let corners: &[[f64; 3]] = if rng.random::<bool>() {
            &[
                [1.0, 1.0, 1.0],
                [1.0, -1.0, -1.0],
                [-1.0, 1.0, -1.0],
                [-1.0, -1.0, 1.0],
            ]
        } else {
            &[
                [1.0, 0.0, 0.0],
                [-1.0, 0.0, 0.0],
                [0.0, 1.0, 0.0],
                [0.0, -1.0, 0.0],
                [0.0, 0.0, 1.0],
                [0.0, 0.0, -1.0],
            ]
        };
        return corners.iter().map(|c| normalised(c.to_vec())).collect();
    }
    // Ten rows of each class at least: fewer are no class that could be seen.
    let counts: &[usize] = match n {
        0..200 => &[4, 8, 10],
        200..1000 => &[4, 10, 20],
        _ => &[4, 10, 20, 50],
    };
    let count = pick(rng, counts);
    spread_out(count, dim, rng)
}

/// Rows of von Mises–Fisher laws around `centres` in turn, with mean resultant length about `length`.
fn mixture(
    n: usize,
    dim: usize,
    centres: &[Vec<f64>],
    length: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<f32> {
    let d = dim as f64;
    // Banerjee et al. 2005: κ ≈ r (d − r²) / (1 − r²).
    let kappa = length * (d - length * length) / (1.0 - length * length);
    let mut values = Vec::with_capacity(n * dim);
    for row in 0..n {
        let centre = &centres[row % centres.len()];
        let drawn = if length >= 1.0 {
            centre.clone()
        } else {
            von_mises_fisher(centre, kappa, rng)
        };
        values.extend(drawn.into_iter().map(|v| v as f32));
    }
    values
}

/// `count` equal bunches around directions that are far apart, the nth part of whose square is noise.
pub fn bunches(n: usize, dim: usize, count: usize, share: f64, seed: u64) -> Sample {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let centres = spread_out(count, dim, rng);
    let mut values = Vec::with_capacity(n * dim);
    for row in 0..n {
        let noise = unit(dim, rng);
        let parts = centres[row % count].iter().zip(&noise);
        values.extend(
            parts.map(|(centre, noise)| {
                ((1.0 - share).sqrt() * centre + share.sqrt() * noise) as f32
            }),
        );
    }
    Sample::new(values, &["coagulation"])
}

/// Random directions less their mean.
fn spread_out(count: usize, dim: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut list: Vec<Vec<f64>> = (0..count).map(|_| unit(dim, rng)).collect();
    for _ in 0..3 {
        let mean: Vec<f64> = (0..dim)
            .map(|axis| list.iter().map(|c| c[axis]).sum::<f64>() / count as f64)
            .collect();
        for centre in &mut list {
            let less = centre.iter().zip(&mean).map(|(c, m)| c - m).collect();
            *centre = normalised(less);
        }
    }
    list
}

/// Bunches of unlike sizes, whose noise has a length of its own in each and lies in few or in all
/// directions; `shares` are the noise's parts of the square.
fn uneven_bunches(n: usize, dim: usize, shares: &[f64], rng: &mut ChaCha8Rng) -> Sample {
    let centres = centres(n, dim, rng);
    let share = pick(rng, shares);
    let is_coagulated = shares[0] < 0.1;
    let kept = pick(rng, &[dim, (dim / 8).max(2)]);
    let mut values = Vec::with_capacity(n * dim);
    // A third of the rows each, of what is left: but no bunch below eight rows.
    let sizes: Vec<usize> = {
        let least = 8.min(n / centres.len());
        let spare = n - least * centres.len();
        let weights: Vec<f64> = centres.iter().map(|_| 0.3 + rng.random::<f64>()).collect();
        let total: f64 = weights.iter().sum();
        let part = |weight: &f64| least + (spare as f64 * weight / total) as usize;
        weights.iter().map(part).collect()
    };
    let mut owners: Vec<usize> = (0..centres.len())
        .flat_map(|own| vec![own; sizes[own]])
        .collect();
    owners.resize(n, 0);
    for own in owners {
        let own_share = share * (0.7 + 0.6 * own as f64 / centres.len() as f64);
        let mut noise = unit(kept, rng);
        noise.resize(dim, 0.0);
        let parts = centres[own].iter().zip(&noise);
        values.extend(parts.map(|(centre, noise)| {
            ((1.0 - own_share).sqrt() * centre + own_share.sqrt() * noise) as f32
        }));
    }
    let kinds: &[&'static str] = if is_coagulated { &["coagulation"] } else { &[] };
    let mut sample = Sample::new(values, kinds);
    if is_coagulated {
        // Bunches whose noise lies in a few directions leave the others empty: both are true.
        sample.accepted.push(vec!["coagulation", "dimensional"]);
    } else if kept < dim {
        sample.accepted.push(vec!["dimensional"]);
    }
    sample
}

/// Gaussian numbers around `mean`, with those below 0 put to 0.
fn rectified(n: usize, dim: usize, mean: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut values = gaussian(n, dim, rng);
    for value in &mut values {
        *value = (*value + mean).max(0.0);
    }
    values
}

/// One vector of a von Mises–Fisher law (Wood 1994).
fn von_mises_fisher(centre: &[f64], kappa: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let less = centre.len() as f64 - 1.0;
    let b = less / (2.0 * kappa + (4.0 * kappa * kappa + less * less).sqrt());
    let x = (1.0 - b) / (1.0 + b);
    let c = kappa * x + less * (1.0 - x * x).ln();
    let beta = Beta::new(0.5 * less, 0.5 * less).expect("both parameters are positive");
    let cosine = loop {
        let z: f64 = beta.sample(rng);
        let w = (1.0 - (1.0 + b) * z) / (1.0 - (1.0 - b) * z);
        let u: f64 = 1.0 - rng.random::<f64>();
        if kappa * w + less * (1.0 - x * w).ln() - c >= u.ln() {
            break w;
        }
    };
    let mut side = unit(centre.len(), rng);
    let along: f64 = side.iter().zip(centre).map(|(a, b)| a * b).sum();
    for (value, centre) in side.iter_mut().zip(centre) {
        *value -= along * centre;
    }
    let side = normalised(side);
    let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
    side.iter()
        .zip(centre)
        .map(|(s, c)| cosine * c + sine * s)
        .collect()
}

/// Dimensions that a subspace may keep so that what it loses can be seen at all: of fewer rows than
/// dimensions, either clearly fewer than the rows, or at most a quarter of the dimensions.
fn kept_dimensions(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Option<usize> {
    if dim == 3 {
        return Some(2);
    }
    let kept = [2, dim / 16, dim / 8, dim / 4, dim / 2];
    let visible = 7 * (n - 1).min(dim) / 10;
    let allowed: Vec<usize> = kept
        .into_iter()
        .filter(|&k| k >= 2 && k < dim && (k <= visible || k <= dim / 4))
        .collect();
    (!allowed.is_empty()).then(|| pick(rng, &allowed))
}

/// Uniform on a subsphere, with noise in the directions that are lost.
fn subsphere(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Option<Sample> {
    if dim == 2 {
        // S⁰: two opposite points, which are two prototypes as well.
        let centre = unit(2, rng);
        let opposite = centre.iter().map(|v| -v).collect();
        let values = mixture(n, 2, &[centre, opposite], 1.0, rng);
        let mut sample = Sample::new(values, &["coagulation"]);
        sample.accepted.push(vec!["dimensional"]);
        sample.accepted.push(vec!["coagulation", "dimensional"]);
        return Some(sample);
    }
    let kept = kept_dimensions(n, dim, rng)?;
    // Share of the variance in all lost directions together.
    let noise: f32 = pick(rng, &[0.0, 0.001, 0.005]);
    let mut values = Vec::with_capacity(n * dim);
    for _ in 0..n {
        let (inside, outside) = (unit(kept, rng), unit(dim - kept, rng));
        values.extend(inside.iter().map(|v| (1.0 - noise).sqrt() * *v as f32));
        values.extend(outside.iter().map(|v| noise.sqrt() * *v as f32));
    }
    turn(&mut values, dim, rng);
    let mut sample = Sample::new(values, &["dimensional"]);
    sample.effective = Some(kept);
    Some(sample)
}

/// 96 % of the energy in a thirteenth of the directions, the rest evenly over the others.
fn few_strong(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Sample {
    let kept = dim / 13;
    let mut values = Vec::with_capacity(n * dim);
    for _ in 0..n {
        let (inside, outside) = (unit(kept, rng), unit(dim - kept, rng));
        values.extend(inside.iter().map(|v| 0.96_f32.sqrt() * *v as f32));
        values.extend(outside.iter().map(|v| 0.04_f32.sqrt() * *v as f32));
    }
    turn(&mut values, dim, rng);
    let mut sample = Sample::new(values, &["dimensional"]);
    sample.effective = Some(kept);
    sample
}

/// Two opposite points with 7 % of the energy as noise to all sides: few directions, or two bunches.
fn antipodal(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Sample {
    let centre = unit(dim, rng);
    let mut values = Vec::with_capacity(n * dim);
    for row in 0..n {
        let sign = if row % 2 == 0 { 1.0 } else { -1.0 };
        let noise = unit(dim, rng);
        let parts = centre.iter().zip(&noise);
        values.extend(
            parts.map(|(c, o)| sign * 0.93_f32.sqrt() * *c as f32 + 0.07_f32.sqrt() * *o as f32),
        );
    }
    let mut sample = Sample::new(values, &["dimensional"]);
    sample.accepted.push(vec!["coagulation"]);
    sample.accepted.push(vec!["coagulation", "dimensional"]);
    sample
}

/// A cone that differs in some dimensions alone.
fn cone_in_a_subspace(n: usize, dim: usize, rng: &mut ChaCha8Rng) -> Option<Sample> {
    if dim < 16 {
        return None;
    }
    let kept = kept_dimensions(n, dim, rng).filter(|&kept| kept >= 4)?;
    let length = pick(rng, &[0.3_f64, 0.5, 0.7]).sqrt();
    let inner = mixture(n, kept, &[unit(kept, rng)], length, rng);
    let mut values = vec![0.0; n * dim];
    for (row, part) in values.chunks_exact_mut(dim).zip(inner.chunks_exact(kept)) {
        row[..kept].copy_from_slice(part);
    }
    turn(&mut values, dim, rng);
    let mut sample = Sample::new(values, &["cone", "dimensional"]);
    sample.effective = Some(kept);
    Some(sample)
}

/// Locations of images: `share` of each row's square is its image's, the rest its own.
fn dense(n: usize, dim: usize, share: f32, kinds: &[&'static str], rng: &mut ChaCha8Rng) -> Sample {
    let cells = if n < 500 { 10 } else { 25 };
    let (mut values, mut images) = (Vec::with_capacity(n * dim), Vec::with_capacity(n));
    while images.len() < n {
        let image = (images.len() / cells) as u32;
        let common = unit(dim, rng);
        for _ in 0..cells.min(n - images.len()) {
            let own = unit(dim, rng);
            let parts = common.iter().zip(&own);
            values.extend(
                parts.map(|(c, o)| share.sqrt() * *c as f32 + (1.0 - share).sqrt() * *o as f32),
            );
            images.push(image);
        }
    }
    let mut sample = Sample::new(values, kinds);
    sample.images = Some(images);
    sample
}
