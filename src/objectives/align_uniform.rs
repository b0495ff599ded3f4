//! Alignment and uniformity, the two losses themselves.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Loss, Term, masks::mask};
use crate::features::unit_tensor;

/// w_a · L_align(α) + w_u · L_uniform(t) (Wang & Isola 2020).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlignUniform {
    /// Exponent of alignment.
    pub alpha: f64,
    /// Temperature of uniformity.
    pub t: f64,
    /// Weight of alignment.
    pub align_weight: f64,
    /// Weight of uniformity.
    pub uniform_weight: f64,
}

impl Default for AlignUniform {
    fn default() -> Self {
        Self {
            alpha: 2.0,
            t: 2.0,
            align_weight: 1.0,
            uniform_weight: 1.0,
        }
    }
}

impl AlignUniform {
    /// Two views of the same images, `[n, dim]` each.
    pub fn forward(&self, x: Tensor<2>, y: Tensor<2>) -> Loss {
        let (x, y) = (unit_tensor(x), unit_tensor(y));
        let align = alignment(x.clone(), y.clone(), self.alpha);
        let uniform = (self.uniform(x) + self.uniform(y)) * 0.5;
        Loss {
            terms: vec![
                Term {
                    name: "alignment",
                    weight: self.align_weight,
                    value: align,
                },
                Term {
                    name: "uniformity",
                    weight: self.uniform_weight,
                    value: uniform,
                },
            ],
            readings: Vec::new(),
        }
    }

    fn uniform(&self, x: Tensor<2>) -> Tensor<1> {
        let rows = x.dims()[0];
        let (others, count) = mask([rows; 2], &x.device(), |i, j| i != j);
        uniformity(x, others, count, self.t)
    }
}

/// Mean ‖x − y‖^α of unit rows.
pub(super) fn alignment(x: Tensor<2>, y: Tensor<2>, alpha: f64) -> Tensor<1> {
    let squares = (x - y).square().sum_dim(1);
    // The slope of ‖·‖^α has no bound at 0 for α < 2.
    squares.clamp_min(1e-12).powf_scalar(alpha / 2.0).mean()
}

/// log mean exp(−t ‖xᵢ − xⱼ‖²) of unit rows over the `count` pairs that `pairs` holds.
pub(super) fn uniformity(x: Tensor<2>, pairs: Tensor<2>, count: usize, t: f64) -> Tensor<1> {
    let squares = x.clone().matmul(x.transpose()) * -2.0 + 2.0;
    let sum = ((squares * -t).exp() * pairs).sum();
    (sum / count as f64).log()
}
