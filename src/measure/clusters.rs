//! Clusters on the sphere: k-means by cosine, seeded.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{MeasureError, Rows};
use crate::progress::Progress;

/// Rounds after which a clustering is taken as it is.
const MAX_ROUNDS: usize = 50;

/// A clustering of unit rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Unit centroids, row-major `[k, dim]`.
    pub centroids: Vec<f32>,
    /// Numbers a centroid.
    pub dim: usize,
    /// Cluster of each row.
    pub assignment: Vec<u32>,
}

impl Clusters {
    /// Number of clusters.
    pub fn len(&self) -> usize {
        self.centroids.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.centroids.is_empty()
    }

    /// Concentration φ of each cluster as in PCL (Li et al. 2021): the mean distance of its members
    /// to it over log(n + 10); clusters of one member or none take the largest; then clipped to the
    /// 10th and 90th percentile and scaled to the mean `temperature`.
    ///
    /// # Errors
    /// [`MeasureError::Mismatch`] when `rows` are not the clustered ones.
    pub fn concentrations(
        &self,
        rows: Rows<'_>,
        temperature: f64,
    ) -> Result<Vec<f32>, MeasureError> {
        self.check(rows)?;
        let mut sums = vec![0.0_f64; self.len()];
        let mut counts = vec![0_usize; self.len()];
        for (index, &own) in self.assignment.iter().enumerate() {
            let own = own as usize;
            let centre = &self.centroids[own * self.dim..(own + 1) * self.dim];
            let squares = rows.row(index).iter().zip(centre);
            let square: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
            sums[own] += square.sqrt();
            counts[own] += 1;
        }
        let known: Vec<Option<f64>> = sums
            .iter()
            .zip(&counts)
            .map(|(sum, &count)| {
                (count > 1).then(|| sum / count as f64 / (count as f64 + 10.0).ln())
            })
            .collect();
        let greatest = known.iter().flatten().copied().fold(0.0, f64::max);
        let mut values: Vec<f64> = known
            .into_iter()
            .map(|value| value.unwrap_or(greatest))
            .collect();
        let [low, high] = [0.1, 0.9].map(|share| percentile(&values, share));
        for value in &mut values {
            *value = value.clamp(low, high);
        }
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        // Members that all lie on their centroids have no spread to scale.
        let scaled = |value: f64| {
            if mean > 1e-12 {
                value / mean * temperature
            } else {
                temperature
            }
        };
        Ok(values.into_iter().map(|v| scaled(v) as f32).collect())
    }

    fn check(&self, rows: Rows<'_>) -> Result<(), MeasureError> {
        let pairs = [
            ("rows of a clustering", self.assignment.len(), rows.len()),
            ("numbers a centroid", self.dim, rows.dim),
        ];
        for (what, expected, found) in pairs {
            if expected != found {
                return Err(MeasureError::Mismatch {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}

/// The value below which `share` of the values lie, between neighbours linearly.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let (low, part) = (place.floor() as usize, place.fract());
    at(low) + part * (at(low + 1) - at(low)) * f64::from(u8::from(low + 1 < sorted.len()))
}

/// `k` clusters of unit rows: seeded by k-means++ (Arthur & Vassilvitskii 2007), then each row goes
/// to the centroid of greatest cosine and each centroid to the direction of its members' mean, until
/// nothing changes or 50 rounds are done. A cluster that loses all members keeps its centroid.
/// Fewer rows than `k` give as many clusters as rows.
///
/// # Errors
/// [`MeasureError`] for no rows, rows that are not finite or not of unit length, `k` = 0, a cancel.
pub fn spherical_kmeans(
    rows: Rows<'_>,
    k: usize,
    seed: u64,
    progress: &Progress,
) -> Result<Clusters, MeasureError> {
    rows.check_unit("a clustering", 1)?;
    if k == 0 {
        return Err(MeasureError::Parameter {
            name: "k",
            value: 0.0,
            allowed: "at least 1",
        });
    }
    let mut clusters = Clusters {
        centroids: seeds(rows, k.min(rows.len()), seed),
        dim: rows.dim,
        assignment: Vec::new(),
    };
    for _ in 0..MAX_ROUNDS {
        progress.check()?;
        let assignment = nearest(rows, &clusters.centroids);
        let is_settled = assignment == clusters.assignment;
        clusters.assignment = assignment;
        if is_settled {
            break;
        }
        move_centroids(&mut clusters, rows);
    }
    Ok(clusters)
}

/// Rows whose cosines are one matrix product.
const BLOCK: usize = 256;

/// The centroid of greatest cosine of each row, the first of equals.
fn nearest(rows: Rows<'_>, centroids: &[f32]) -> Vec<u32> {
    let dim = rows.dim;
    let centres = MatRef::from_row_major_slice(centroids, centroids.len() / dim, dim);
    rows.values
        .par_chunks(BLOCK * dim)
        .flat_map_iter(|block| {
            let block = MatRef::from_row_major_slice(block, block.len() / dim, dim);
            let mut cosines = Mat::<f32>::zeros(centres.nrows(), block.nrows());
            matmul(
                cosines.as_mut(),
                Accum::Replace,
                centres,
                block.transpose(),
                1.0,
                Par::Seq,
            );
            (0..block.nrows()).map(move |row| {
                let mut best = (0, f32::NEG_INFINITY);
                for (index, &cosine) in (0..).zip(cosines.col_as_slice(row)) {
                    if cosine > best.1 {
                        best = (index, cosine);
                    }
                }
                best.0
            })
        })
        .collect()
}

/// First centroids: rows drawn with chances in proportion to the squared distance to those already
/// drawn.
fn seeds(rows: Rows<'_>, k: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut centroids = rows.row(rng.random_range(0..rows.len())).to_vec();
    let mut distances = vec![f64::INFINITY; rows.len()];
    while centroids.len() < k * rows.dim {
        let newest = &centroids[centroids.len() - rows.dim..];
        distances
            .par_iter_mut()
            .enumerate()
            .for_each(|(index, distance)| {
                let squares = rows.row(index).iter().zip(newest);
                let square: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
                *distance = distance.min(square);
            });
        let total: f64 = distances.iter().sum();
        let mut left = rng.random::<f64>() * total;
        let drawn = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        // All rows are centroids already, or rounding left something: any row will do.
        let drawn = drawn.unwrap_or_else(|| rng.random_range(0..rows.len()));
        centroids.extend_from_slice(rows.row(drawn));
    }
    centroids
}

fn move_centroids(clusters: &mut Clusters, rows: Rows<'_>) {
    let dim = clusters.dim;
    let mut sums = vec![0.0_f64; clusters.centroids.len()];
    for (index, &own) in clusters.assignment.iter().enumerate() {
        let sum = &mut sums[own as usize * dim..(own as usize + 1) * dim];
        for (sum, value) in sum.iter_mut().zip(rows.row(index)) {
            *sum += f64::from(*value);
        }
    }
    let centroids = clusters.centroids.chunks_exact_mut(dim);
    for (centre, sum) in centroids.zip(sums.chunks_exact(dim)) {
        let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm > 1e-9 {
            for (value, sum) in centre.iter_mut().zip(sum) {
                *value = (sum / norm) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{normalise_rows, sphere::uniform_rows};

    /// Tight bunches around four directions of the plane; row `i` is of bunch `i mod 4`.
    fn bunches(count: usize) -> Vec<f32> {
        let noise = uniform_rows(count, 2, 4);
        let mut rows: Vec<f32> = (0..count)
            .flat_map(|i| {
                let angle = std::f32::consts::FRAC_PI_2 * (i % 4) as f32 + 0.3;
                [
                    angle.cos() + 0.05 * noise[2 * i],
                    angle.sin() + 0.05 * noise[2 * i + 1],
                ]
            })
            .collect();
        normalise_rows(&mut rows, 2);
        rows
    }

    fn clustered(values: &[f32], dim: usize, k: usize, seed: u64) -> Clusters {
        let rows = Rows::new(values, dim).unwrap();
        spherical_kmeans(rows, k, seed, &Progress::none()).unwrap()
    }

    #[test]
    fn bunches_are_found_whatever_the_seed() {
        let values = bunches(80);
        for seed in 0..10 {
            let found = clustered(&values, 2, 4, seed);
            assert_eq!(found.len(), 4);
            for i in 0..80 {
                assert_eq!(found.assignment[i], found.assignment[i % 4], "row {i}");
            }
            let mut four = found.assignment[..4].to_vec();
            four.sort_unstable();
            assert_eq!(four, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_clusters_and_centroids_are_the_members_means() {
        let values = uniform_rows(300, 5, 1);
        let found = clustered(&values, 5, 7, 3);
        assert_eq!(found, clustered(&values, 5, 7, 3));
        for cluster in 0..7 {
            let mut mean = vec![0.0_f32; 5];
            for (row, _) in values
                .chunks_exact(5)
                .zip(&found.assignment)
                .filter(|(_, own)| **own == cluster)
            {
                for (mean, value) in mean.iter_mut().zip(row) {
                    *mean += value;
                }
            }
            normalise_rows(&mut mean, 5);
            let centre = &found.centroids[cluster as usize * 5..][..5];
            for (a, b) in mean.iter().zip(centre) {
                // A sum of some forty f32.
                assert!((a - b).abs() < 1e-5, "{mean:?} {centre:?}");
            }
        }
    }

    #[test]
    fn concentrations_follow_the_formula() {
        // Two clusters of two members each and one of one member, on the circle.
        let angles = [0.0_f32, 0.2, 2.0, 2.6, 4.5];
        let values: Vec<f32> = angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect();
        let clusters = Clusters {
            centroids: [0.1_f32, 2.3, 4.5]
                .iter()
                .flat_map(|a| [a.cos(), a.sin()])
                .collect(),
            dim: 2,
            assignment: vec![0, 0, 1, 1, 2],
        };
        // A chord of angle θ is 2 sin(θ/2).
        let log = 12.0_f64.ln();
        let raw = [2.0 * 0.05_f64.sin() / log, 2.0 * 0.15_f64.sin() / log];
        // The lone member takes the larger; the 10th percentile of (a, b, b) is a + 0.2 (b − a).
        let clipped = [raw[0] + 0.2 * (raw[1] - raw[0]), raw[1], raw[1]];
        let mean = clipped.iter().sum::<f64>() / 3.0;
        let found = clusters
            .concentrations(Rows::new(&values, 2).unwrap(), 0.2)
            .unwrap();
        for (found, wanted) in found.iter().zip(clipped) {
            // Angles rounded to f32.
            assert!((f64::from(*found) - wanted / mean * 0.2).abs() < 1e-6);
        }
    }

    #[test]
    fn odd_requests_are_answered() {
        let same = [1.0_f32, 0.0].repeat(6);
        let found = clustered(&same, 2, 3, 0);
        assert_eq!((found.len(), found.assignment.len()), (3, 6));
        let rows = Rows::new(&same, 2).unwrap();
        // No spread at all: the temperature itself.
        assert_eq!(found.concentrations(rows, 0.2).unwrap(), [0.2; 3]);
        assert_eq!(clustered(&same[..4], 2, 9, 0).len(), 2);
        assert!(spherical_kmeans(rows, 0, 0, &Progress::none()).is_err());
        let empty = Rows::new(&[], 2).unwrap();
        assert!(spherical_kmeans(empty, 2, 0, &Progress::none()).is_err());
        let few = Rows::new(&same[..4], 2).unwrap();
        assert!(found.concentrations(few, 0.2).is_err());
    }
}
