//! Which loss a run falls down, and what each needs of the encoder.

use burn::tensor::{Tensor, TensorData, s};
use serde::{Deserialize, Serialize};

use crate::features::unit_tensor;

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
}

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
    fn forward(&self, x: Tensor<2>, y: Tensor<2>) -> Loss {
        let (x, y) = (unit_tensor(x), unit_tensor(y));
        let squares = (x.clone() - y.clone()).square().sum_dim(1);
        let align = squares
            .clamp_min(1e-12)
            .powf_scalar(self.alpha / 2.0)
            .mean();
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
        }
    }

    fn uniform(&self, x: Tensor<2>) -> Tensor<1> {
        let [n, _] = x.dims();
        let device = x.device();
        let squares = x.clone().matmul(x.transpose()) * -2.0 + 2.0;
        let eye: Vec<f32> = (0..n * n)
            .map(|i| f32::from(u8::from(i % (n + 1) != 0)))
            .collect();
        let others = Tensor::<2>::from_data(TensorData::new(eye, [n, n]), &device);
        let sum = ((squares * -self.t).exp() * others).sum();
        (sum / (n * (n - 1)) as f64).log()
    }
}

/// The loss of a run with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Alignment and uniformity, the two losses themselves.
    AlignUniform(AlignUniform),
}

impl Default for Objective {
    fn default() -> Self {
        Self::AlignUniform(AlignUniform::default())
    }
}

impl Objective {
    /// Its name for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::AlignUniform(_) => "align + uniform",
        }
    }

    pub(super) fn forward(&self, both: Tensor<2>) -> Loss {
        let half = both.dims()[0] / 2;
        let x = both.clone().slice(s![..half, ..]);
        let y = both.slice(s![half.., ..]);
        match self {
            Self::AlignUniform(loss) => loss.forward(x, y),
        }
    }
}
