//! Cross-entropy: the supervised reference beside the losses that see no labels.

use burn::tensor::Tensor;

use super::{Loss, Term, indices, log_sum_exp};

/// Mean of −log softmax at the label, over logits `[n, classes]`; with the share of rows whose
/// greatest logit is the label's.
pub fn cross_entropy(logits: Tensor<2>, labels: &[u32]) -> Loss {
    let targets = indices(labels, &logits.device());
    let guesses = logits.clone().detach().argmax(1).squeeze_dim::<1>(1);
    Loss {
        readings: vec![("batch accuracy", guesses.equal(targets).float().mean())],
        terms: vec![Term {
            name: "cross-entropy",
            weight: 1.0,
            value: at_labels(logits, labels),
        }],
    }
}

/// Mean of −log softmax at the label.
pub(super) fn at_labels(logits: Tensor<2>, labels: &[u32]) -> Tensor<1> {
    let targets = indices(labels, &logits.device()).unsqueeze_dim::<2>(1);
    let at_label = logits.clone().gather(1, targets);
    (log_sum_exp(logits) - at_label).mean()
}
