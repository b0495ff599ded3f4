//! InfoNCE within the batch.

use burn::tensor::{Tensor, s};
use serde::{Deserialize, Serialize};

use super::{
    Loss, Term, log_sum_exp,
    masks::{NEVER, mask},
};
use crate::features::unit_tensor;

/// NT-Xent, InfoNCE within the batch (Chen et al. 2020, SimCLR): each of the 2n views against the
/// other view of its image, among the 2n − 1 others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NtXent {
    /// Temperature τ of the softmax.
    pub temperature: f64,
}

impl Default for NtXent {
    fn default() -> Self {
        Self { temperature: 0.2 }
    }
}

impl NtXent {
    /// Views of all images, first ones before second ones.
    ///
    /// The readings are Wang & Isola's theorem 1 for this batch, and sum up with log(2n − 1) to the
    /// loss: −E[x·y]/τ, which aligns, and E_x log E_{x'} exp(x·x'/τ), which spreads.
    pub fn forward(self, both: Tensor<2>) -> Loss {
        let z = unit_tensor(both);
        let [views, _] = z.dims();
        let half = views / 2;
        let firsts = z.clone().slice(s![..half, ..]);
        let seconds = z.clone().slice(s![half.., ..]);
        let positive = (firsts * seconds).sum_dim(1).mean() / self.temperature;
        let (own, _) = mask([views; 2], &z.device(), |i, j| i == j);
        let logits = z.clone().matmul(z.transpose()) / self.temperature + own * NEVER;
        let spread = log_sum_exp(logits).mean();
        let align = -positive;
        let others = ((views - 1) as f64).ln();
        Loss {
            readings: vec![
                ("alignment part", align.clone()),
                ("uniformity part", spread.clone() - others),
            ],
            terms: vec![Term {
                name: "NT-Xent",
                weight: 1.0,
                value: align + spread,
            }],
        }
    }
}
