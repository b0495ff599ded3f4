//! Losses against a queue of keys that a slowly following encoder made: MoCo and DenseCL.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{DensePairs, DenseRows, Loss, Term, indices, info_nce};

/// InfoNCE of one view against the other view's key, among a queue of older keys (MoCo, He et al.
/// 2020).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MomentumContrast {
    /// Temperature τ of the softmax.
    pub temperature: f64,
    /// Keys in the queue; 65,536 in the paper.
    pub queue: usize,
    /// Share of itself that the key encoder keeps at each step; 0.999 in the paper, less in runs
    /// of some hundred steps.
    pub momentum: f64,
}

impl Default for MomentumContrast {
    fn default() -> Self {
        Self {
            temperature: 0.2,
            queue: 1024,
            momentum: 0.99,
        }
    }
}

/// (1 − λ) L_q + λ L_r (DenseCL, Wang et al. 2021): InfoNCE of the pooled vector, and of each
/// location against its match in the other view among a queue of pooled dense keys. A location's
/// match is the most similar one by the encoder's own features, one way only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DenseCl {
    /// Temperature τ of both softmaxes.
    pub temperature: f64,
    /// Keys in each of the two queues; 65,536 in the paper.
    pub queue: usize,
    /// Share of itself that the key encoder keeps at each step; 0.999 in the paper.
    pub momentum: f64,
    /// Share λ of the dense part; 0.5 in the paper.
    pub dense_weight: f64,
    /// Steps at the beginning without the dense part, whose matches mean nothing yet.
    pub dense_from_step: usize,
}

impl Default for DenseCl {
    fn default() -> Self {
        let MomentumContrast {
            temperature,
            queue,
            momentum,
        } = MomentumContrast::default();
        Self {
            temperature,
            queue,
            momentum,
            dense_weight: 0.5,
            dense_from_step: 0,
        }
    }
}

/// Two vectors of the same images and older keys to tell them apart from.
pub struct Keyed {
    /// Of the encoder that trains, `[n, dim]`.
    pub query: Tensor<2>,
    /// Of the key encoder, of the other view, `[n, dim]`.
    pub key: Tensor<2>,
    /// `[m, dim]`.
    pub queue: Tensor<2>,
}

/// The locations of both views and older pooled keys.
pub struct KeyedLocations {
    /// Of the encoder that trains.
    pub query: DenseRows,
    /// Of the key encoder.
    pub key: DenseRows,
    /// Which of the key's rows is the positive of which of the query's.
    pub pairs: DensePairs,
    /// `[m, dim]`.
    pub queue: Tensor<2>,
}

impl MomentumContrast {
    /// The loss of one batch.
    pub fn forward(&self, global: Keyed) -> Loss {
        let found = info_nce(global.query, global.key, global.queue, self.temperature);
        Loss {
            terms: vec![Term {
                name: "InfoNCE",
                weight: 1.0,
                value: found.value,
            }],
            readings: vec![
                ("alignment part", found.alignment_part),
                ("uniformity part", found.uniformity_part),
            ],
        }
    }
}

impl DenseCl {
    /// The loss of one batch at `step`.
    pub fn forward(&self, global: Keyed, dense: KeyedLocations, step: usize) -> Loss {
        let share = if step < self.dense_from_step {
            0.0
        } else {
            self.dense_weight
        };
        let contrast = MomentumContrast {
            temperature: self.temperature,
            queue: self.queue,
            momentum: self.momentum,
        };
        let mut loss = contrast.forward(global);
        for term in &mut loss.terms {
            term.weight = 1.0 - share;
        }
        let device = dense.query.rows.device();
        let rows = |view: DenseRows, rows: &[u32]| view.rows.select(0, indices(rows, &device));
        let found = info_nce(
            rows(dense.query, &dense.pairs.first),
            rows(dense.key, &dense.pairs.second),
            dense.queue,
            self.temperature,
        );
        loss.terms.push(Term {
            name: "dense InfoNCE",
            weight: share,
            value: found.value,
        });
        loss.readings.extend([
            ("dense alignment part", found.alignment_part),
            ("dense uniformity part", found.uniformity_part),
        ]);
        loss
    }
}
