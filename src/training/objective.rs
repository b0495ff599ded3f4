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
    /// Numbers that are shown and not trained on.
    pub readings: Vec<(&'static str, Tensor<1>)>,
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
            readings: Vec::new(),
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
    fn forward(self, both: Tensor<2>) -> Loss {
        let z = unit_tensor(both);
        let [views, _] = z.dims();
        let half = views / 2;
        let device = z.device();
        let firsts = z.clone().slice(s![..half, ..]);
        let seconds = z.clone().slice(s![half.., ..]);
        let positive = (firsts * seconds).sum_dim(1).mean() / self.temperature;
        let own: Vec<f32> = (0..views * views)
            .map(|i| if i % (views + 1) == 0 { -1e9 } else { 0.0 })
            .collect();
        let own = Tensor::<2>::from_data(TensorData::new(own, [views, views]), &device);
        let logits = z.clone().matmul(z.transpose()) / self.temperature + own;
        // Shifted by each row's greatest, so that no exponential overflows.
        let greatest = logits.clone().max_dim(1).detach();
        let sums = (logits - greatest.clone()).exp().sum_dim(1).log() + greatest;
        let spread = sums.mean();
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

/// The loss of a run with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Alignment and uniformity, the two losses themselves.
    AlignUniform(AlignUniform),
    /// InfoNCE within the batch.
    NtXent(NtXent),
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
            Self::NtXent(_) => "NT-Xent",
        }
    }

    pub(super) fn forward(&self, both: Tensor<2>) -> Loss {
        match self {
            Self::AlignUniform(loss) => {
                let half = both.dims()[0] / 2;
                let x = both.clone().slice(s![..half, ..]);
                loss.forward(x, both.slice(s![half.., ..]))
            }
            Self::NtXent(loss) => loss.forward(both),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compute::{Compute, DevicePolicy, read_tensor},
        geometry::sphere::uniform_rows,
        measure::{self, PairSet, Rows},
        progress::Progress,
    };

    const VIEWS: usize = 12;
    const DIM: usize = 4;

    fn rows() -> Vec<f32> {
        uniform_rows(VIEWS, DIM, 5)
    }

    fn loss_of(objective: &Objective, values: Vec<f32>) -> (f64, Vec<f64>, Vec<f32>) {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let device = compute.device().clone().autodiff();
        let data = TensorData::new(values, [VIEWS, DIM]);
        let both = Tensor::<2>::from_data(data, &device).require_grad();
        let loss = objective.forward(both.clone());
        let number = |tensor: Tensor<1>| f64::from(read_tensor(tensor.detach()).unwrap()[0]);
        let readings = loss
            .readings
            .into_iter()
            .map(|(_, value)| number(value))
            .collect();
        let total = loss
            .terms
            .into_iter()
            .map(|term| term.value * term.weight)
            .reduce(|a, b| a + b)
            .unwrap();
        let gradients = total.backward();
        let gradient = both.grad(&gradients).unwrap();
        (number(total), readings, read_tensor(gradient).unwrap())
    }

    fn objectives() -> [Objective; 3] {
        [
            Objective::default(),
            Objective::AlignUniform(AlignUniform {
                alpha: 1.0,
                t: 3.0,
                align_weight: 0.5,
                uniform_weight: 2.0,
            }),
            Objective::NtXent(NtXent { temperature: 0.3 }),
        ]
    }

    #[test]
    fn align_and_uniform_are_the_measured_ones() {
        let values = rows();
        let (x, y) = values.split_at(VIEWS / 2 * DIM);
        let [x, y] = [x, y].map(|half| Rows::new(half, DIM).unwrap());
        let uniformity = |rows| {
            let all = measure::uniformity(rows, 2.0, PairSet::All, &Progress::none());
            all.unwrap().value
        };
        let align = measure::alignment(x, y, 2.0).unwrap();
        let expected = align + 0.5 * (uniformity(x) + uniformity(y));
        let (found, _, _) = loss_of(&Objective::default(), values);
        // f32 sums of a dozen numbers of size one.
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn nt_xent_is_the_formula_and_splits_as_theorem_1_says() {
        let (values, temperature) = (rows(), 0.3);
        let row = |i: usize| &values[i * DIM..(i + 1) * DIM];
        let cosine = |i: usize, j: usize| -> f64 {
            let products = row(i).iter().zip(row(j)).map(|(a, b)| f64::from(a * b));
            products.sum()
        };
        let expected: f64 = (0..VIEWS)
            .map(|i| {
                let others = (0..VIEWS).filter(|&j| j != i);
                let sum: f64 = others.map(|j| (cosine(i, j) / temperature).exp()).sum();
                sum.ln() - cosine(i, (i + VIEWS / 2) % VIEWS) / temperature
            })
            .sum::<f64>()
            / VIEWS as f64;
        let (found, readings, _) = loss_of(&objectives()[2], values.clone());
        // f32, divided by τ.
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        let split = readings.iter().sum::<f64>() + ((VIEWS - 1) as f64).ln();
        assert!((split - found).abs() < 1e-5, "{split} {found}");
    }

    #[test]
    fn gradients_are_the_finite_differences() {
        // Of vectors that are not of unit length: the losses normalise.
        let values: Vec<f32> = rows().iter().map(|value| 2.0 * value).collect();
        for objective in objectives() {
            let (_, _, gradient) = loss_of(&objective, values.clone());
            for index in [0, 7, 20, 41] {
                let at = |change: f32| {
                    let mut moved = values.clone();
                    moved[index] += change;
                    loss_of(&objective, moved).0
                };
                // A step of 1e-2 leaves errors of its square and of f32 rounding, near 1e-4 each.
                let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
                let found = f64::from(gradient[index]);
                assert!(
                    (found - difference).abs() < 2e-3,
                    "{objective:?}, value {index}: {found} {difference}"
                );
            }
        }
    }

    #[test]
    fn a_row_of_zeros_spoils_no_gradient() {
        let mut values = rows();
        values[..DIM].fill(0.0);
        for objective in objectives() {
            let (loss, _, gradient) = loss_of(&objective, values.clone());
            assert!(loss.is_finite() && gradient.iter().all(|value| value.is_finite()));
        }
    }
}
