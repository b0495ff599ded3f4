//! A set of feature vectors and where each came from.

use std::sync::Arc;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Provenance;

/// Which vectors of a model are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureKind {
    /// One vector an image: the global average of the stage's map.
    #[default]
    Pooled,
    /// One vector a location of the stage's map.
    Dense,
    /// The pooled vector through the global projection head.
    Projected,
    /// Each location through the dense projection head (DenseCL).
    ProjectedDense,
}

impl FeatureKind {
    /// All kinds, in the order of menus.
    pub const ALL: [Self; 4] = [
        Self::Pooled,
        Self::Dense,
        Self::Projected,
        Self::ProjectedDense,
    ];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Dense => "dense",
            Self::Projected => "projected",
            Self::ProjectedDense => "projected-dense",
        }
    }

    /// Whether each image gives one vector a location rather than one in all.
    pub fn is_dense(self) -> bool {
        matches!(self, Self::Dense | Self::ProjectedDense)
    }
}

impl std::fmt::Display for FeatureKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for FeatureKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| {
                format!(
                    "unknown feature kind '{text}': pooled, dense, projected or projected-dense"
                )
            })
    }
}

/// `len` feature vectors of `dim` numbers each, as the model gave them.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    /// Which vectors of the model these are.
    pub kind: FeatureKind,
    /// Numbers in a vector.
    pub dim: usize,
    /// Raw values, row-major `[len, dim]`, not normalised.
    pub values: Arc<Vec<f32>>,
    /// Index in the image set, for each row.
    pub images: Vec<u32>,
    /// Row and column of the cell, for each row of a dense set.
    pub cells: Option<Vec<[u16; 2]>>,
    /// Rows and columns of the cell's grid, for each row of a dense set (photos differ in size).
    pub grids: Option<Vec<[u16; 2]>>,
    /// Class for each row when every image has one: the image's.
    pub labels: Option<Vec<u32>>,
    /// How this came about.
    pub provenance: Provenance,
}

impl FeatureSet {
    /// How many vectors.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The raw vector of a row.
    ///
    /// # Panics
    /// When `row` is not below [`len`](Self::len).
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// Vectors on the sphere: plain L2, ẑ = z / max(‖z‖, 1e-12), row-major `[len, dim]`.
    pub fn unit_rows(&self) -> Vec<f32> {
        let mut values = self.values.as_ref().clone();
        crate::geometry::normalise_rows(&mut values, self.dim);
        values
    }

    /// ‖z‖ of each raw vector.
    pub fn norms(&self) -> Vec<f32> {
        self.values
            .chunks_exact(self.dim)
            .map(|row| {
                let squares: f64 = row.iter().map(|v| f64::from(*v).powi(2)).sum();
                squares.sqrt() as f32
            })
            .collect()
    }
}

/// Rows `[n, d]` on the sphere, on their own device: ẑ = z / max(‖z‖, 1e-12).
pub fn unit_tensor(rows: Tensor<2>) -> Tensor<2> {
    // Clamped before the root, whose slope at 0 is infinite: a row of zeros must not spoil a
    // gradient.
    let squares = rows.clone().square().sum_dim(1).clamp_min(1e-24);
    rows.div(squares.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back_from_their_names() {
        for kind in FeatureKind::ALL {
            assert_eq!(kind.name().parse::<FeatureKind>(), Ok(kind));
        }
        assert!("fc".parse::<FeatureKind>().unwrap_err().contains("'fc'"));
    }
}
