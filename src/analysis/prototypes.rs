//! Prototypes of a run's loss beside the features that it shows.

use rayon::prelude::*;

/// Prototypes that a loss pulls features to, and which of them each shown feature is nearest to.
///
/// They are directions that an encoder found in the run's own images; the shown images need not be
/// among those, and so each is given to the prototype of greatest cosine, as a clustering would.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownPrototypes {
    /// Unit vectors, row-major `[k, dim]`.
    pub centroids: Vec<f32>,
    /// Values of each, as the features have.
    pub dim: usize,
    /// Prototype of each feature.
    pub assignment: Vec<u32>,
    /// Features of each prototype.
    pub counts: Vec<usize>,
    /// Clusterings that the loss has; these prototypes are those of the first.
    pub clusterings: usize,
}

impl ShownPrototypes {
    /// Gives each row of `unit` (`[n, dim]`, unit length) its prototype; `None` when the prototypes
    /// are of another dimension, or there is none.
    pub fn nearest(
        centroids: &[f32],
        unit: &[f32],
        dim: usize,
        clusterings: usize,
    ) -> Option<Self> {
        if dim == 0 || centroids.is_empty() || !centroids.len().is_multiple_of(dim) {
            return None;
        }
        let nearest = |row: &[f32]| -> u32 {
            let cosines = centroids
                .chunks_exact(dim)
                .map(|centre| -> f32 { centre.iter().zip(row).map(|(a, b)| a * b).sum() });
            // Of equal ones the first.
            let best = cosines
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, at| {
                    if at.1 > best.1 { at } else { best }
                });
            best.0 as u32
        };
        let assignment: Vec<u32> = unit.par_chunks_exact(dim).map(nearest).collect();
        let mut counts = vec![0; centroids.len() / dim];
        for &own in &assignment {
            counts[own as usize] += 1;
        }
        Some(Self {
            centroids: centroids.to_vec(),
            dim,
            assignment,
            counts,
            clusterings,
        })
    }

    /// Number of prototypes.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_goes_to_the_prototype_of_greatest_cosine() {
        let centroids = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let rows = [0.8, 0.6, 0.6, 0.8, -0.8, 0.6, -0.6, 0.8, 0.0, -1.0];
        let found = ShownPrototypes::nearest(&centroids, &rows, 2, 1).unwrap();
        assert_eq!(found.assignment, [0, 1, 2, 1, 0]);
        assert_eq!((found.counts.as_slice(), found.len()), (&[2, 2, 1][..], 3));
        // Of another dimension, or none at all.
        assert_eq!(ShownPrototypes::nearest(&centroids, &rows, 4, 1), None);
        assert_eq!(ShownPrototypes::nearest(&[], &rows, 2, 1), None);
    }
}
