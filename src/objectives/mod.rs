//! Tensors to scalar losses: settings and a forward pass, one file a loss.
//!
//! Uses `features` and `analysis` for the words of their rules, and knows nothing of runs:
//! what a loss looks at comes as arguments, and what it gives is a [`Loss`], a sum of named terms
//! with their weights. Every vector is put on the unit sphere in here, so that callers hand over
//! what their network gives.

mod align_uniform;
mod cross_entropy;
mod dense_align_uniform;
mod dense_contrast;
mod info_nce;
mod masks;
mod momentum;
mod nt_xent;
mod proto_nce;
mod prototypes;
#[cfg(test)]
mod tests;

pub use align_uniform::AlignUniform;
pub use cross_entropy::cross_entropy;
pub use dense_align_uniform::DenseAlignUniform;
pub use dense_contrast::{ContrastBatch, DenseContrast, Negatives, Reconstruction};
pub use info_nce::{InfoNce, info_nce};
pub use momentum::{DenseCl, Keyed, KeyedLocations, MomentumContrast};
pub use nt_xent::NtXent;
pub use proto_nce::{Pauc, ProtoNce};
pub use prototypes::{PrototypeWeights, Prototypes};

use burn::tensor::{Device, Int, Tensor, TensorData};

/// A part of a loss, as it is before its weight.
pub struct Term {
    /// Field term.
    pub name: &'static str,
    /// What it is multiplied by.
    pub weight: f64,
    /// One number.
    pub value: Tensor<1>,
}

/// The parts of a loss.
pub struct Loss {
    /// Parts that are trained on.
    pub terms: Vec<Term>,
    /// Numbers that are shown and not trained on.
    pub readings: Vec<(&'static str, Tensor<1>)>,
}

/// Dense vectors of one view of a batch.
pub struct DenseRows {
    /// One row a location: `[images · cells, dim]`, image after image, cells row by row.
    pub rows: Tensor<2>,
    /// Locations of each image.
    pub cells: usize,
}

impl DenseRows {
    /// Images in the batch.
    pub fn images(&self) -> usize {
        self.rows.dims()[0] / self.cells.max(1)
    }

    /// The rows of a map `[images, dim, height, width]`.
    pub fn of_map(map: Tensor<4>) -> Self {
        let [images, dim, height, width] = map.dims();
        let cells = height * width;
        let rows = map
            .reshape([images, dim, cells])
            .swap_dims(1, 2)
            .reshape([images * cells, dim]);
        Self { rows, cells }
    }
}

/// Positive pairs of dense rows: row of the first view, row of the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DensePairs {
    /// Rows of the first view.
    pub first: Vec<u32>,
    /// Rows of the second view, as many.
    pub second: Vec<u32>,
}

/// Row numbers as a tensor on a device.
fn indices(rows: &[u32], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| i64::from(row)).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}

/// A zero on the tape of `rows`: what a term is when a batch gives it nothing to look at.
fn nothing(rows: &Tensor<2>) -> Tensor<1> {
    rows.clone().sum() * 0.0
}

/// log Σ exp along each row, `[n, m]` to `[n, 1]`; no exponential overflows.
fn log_sum_exp(rows: Tensor<2>) -> Tensor<2> {
    let greatest = rows.clone().max_dim(1).detach();
    (rows - greatest.clone()).exp().sum_dim(1).log() + greatest
}
