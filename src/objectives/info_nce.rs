//! InfoNCE against negatives that are given: of a queue, of prototypes.

use burn::tensor::Tensor;

use super::log_sum_exp;
use crate::features::unit_tensor;

/// InfoNCE and its two parts, one number each.
pub struct InfoNce {
    /// The loss.
    pub value: Tensor<1>,
    /// −E[x·y]/τ, which aligns (Wang & Isola 2020, theorem 1).
    pub alignment_part: Tensor<1>,
    /// E log of the mean of exp(x·x'/τ) over the positive and the negatives, which spreads. With
    /// the other part and the log of their number it sums up to the loss.
    pub uniformity_part: Tensor<1>,
}

/// Mean cross-entropy of each query's positive among it and the negatives, all compared by cosine
/// over τ (van den Oord et al. 2018; with a queue, He et al. 2020).
///
/// `query` and `positive` are `[n, dim]` row by row, `negatives` `[m, dim]`, shared by all.
pub fn info_nce(
    query: Tensor<2>,
    positive: Tensor<2>,
    negatives: Tensor<2>,
    temperature: f64,
) -> InfoNce {
    let [query, positive, negatives] = [query, positive, negatives].map(unit_tensor);
    let agreement = (query.clone() * positive).sum_dim(1) / temperature;
    let others = query.matmul(negatives.transpose()) / temperature;
    let all = Tensor::cat(vec![agreement.clone(), others], 1);
    let count = all.dims()[1] as f64;
    let spread = log_sum_exp(all).mean();
    let alignment_part = -agreement.mean();
    InfoNce {
        value: alignment_part.clone() + spread.clone(),
        alignment_part,
        uniformity_part: spread - count.ln(),
    }
}
