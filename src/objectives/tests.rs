//! Every loss against PyTorch's double precision, value and gradient, from the formulas:
//! `tests/reference/generate_objectives.py`.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData, s};
use serde::Deserialize;

use super::*;
use crate::{
    analysis::PairSetKind,
    compute::{Compute, DevicePolicy, read_tensor},
    features::MatchingRule,
};

const IMAGES: usize = 5;
const CELLS: usize = 4;
const DIM: usize = 6;
const ROWS: usize = IMAGES * CELLS;

#[derive(Deserialize)]
struct Reference {
    value: f64,
    gradient_x: Vec<f64>,
    gradient_y: Vec<f64>,
}

fn references() -> BTreeMap<String, Reference> {
    serde_json::from_str(include_str!("../../tests/reference/objectives.json"))
        .expect("the file is the generator's")
}

/// The generator's inputs.
fn inputs() -> [Vec<f32>; 2] {
    let first = |i: f64, j: f64| {
        (0.37 * (i + 1.0) * (j + 1.0) + 0.11 * i).sin() + 0.5 * (0.73 * j - 0.29 * i).cos()
    };
    let second = |i: f64, j: f64| first(i, j) + 0.6 * (1.7 * i + 2.3 * j).cos();
    let all = |value: &dyn Fn(f64, f64) -> f64| {
        (0..ROWS * DIM)
            .map(|at| value((at / DIM) as f64, (at % DIM) as f64) as f32)
            .collect()
    };
    [all(&first), all(&second)]
}

/// Neighbours match, and nothing does in the last image.
fn pairs() -> DensePairs {
    let first: Vec<u32> = (0..(ROWS - CELLS) as u32).collect();
    let second = first.iter().map(|row| row ^ 1).collect();
    DensePairs { first, second }
}

/// Value, and gradients by both inputs.
fn evaluated(
    values: [Vec<f32>; 2],
    loss: &dyn Fn(Tensor<2>, Tensor<2>) -> Loss,
) -> (f64, [Vec<f32>; 2]) {
    let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
    let device = compute.device().clone().autodiff();
    let [x, y] = values.map(|values| {
        Tensor::<2>::from_data(TensorData::new(values, [ROWS, DIM]), &device).require_grad()
    });
    let total = loss(x.clone(), y.clone())
        .terms
        .into_iter()
        .map(|term| term.value * term.weight)
        .reduce(|a, b| a + b)
        .expect("a loss has terms");
    let value = read_tensor(total.clone().detach()).expect("the CPU reads")[0];
    let gradients = total.backward();
    let gradients = [x, y].map(|leaf| match leaf.grad(&gradients) {
        Some(gradient) => read_tensor(gradient).expect("the CPU reads"),
        None => vec![0.0; ROWS * DIM],
    });
    (f64::from(value), gradients)
}

fn one(value: Tensor<1>) -> Loss {
    Loss {
        terms: vec![Term {
            name: "the loss",
            weight: 1.0,
            value,
        }],
        readings: Vec::new(),
    }
}

type Case = (String, Box<dyn Fn(Tensor<2>, Tensor<2>) -> Loss>);

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![
        (
            "nt-xent".to_owned(),
            Box::new(|x, y| NtXent { temperature: 0.3 }.forward(Tensor::cat(vec![x, y], 0))),
        ),
        (
            "info-nce".to_owned(),
            Box::new(|x, y| {
                let query = x.slice(s![..8, ..]);
                let positive = y.clone().slice(s![..8, ..]);
                one(info_nce(query, positive, y.slice(s![8.., ..]), 0.2).value)
            }),
        ),
        (
            "densecl".to_owned(),
            Box::new(|x, y| {
                let loss = DenseCl {
                    temperature: 0.2,
                    dense_weight: 0.7,
                    ..DenseCl::default()
                };
                // Rows of the last image, which matches nothing, serve as queues.
                let queue = |view: &Tensor<2>| view.clone().slice(s![ROWS - CELLS.., ..]);
                let pooled = |view: &Tensor<2>| view.clone().slice(s![..IMAGES, ..]);
                let global = Keyed {
                    query: pooled(&x),
                    key: pooled(&y),
                    queue: queue(&x),
                };
                let locations = KeyedLocations {
                    query: dense(x.clone()),
                    key: dense(y.clone()),
                    pairs: pairs(),
                    queue: queue(&y),
                };
                loss.forward(global, locations, 0)
            }),
        ),
        (
            "cross-entropy".to_owned(),
            Box::new(|x, _| {
                let labels: Vec<u32> = (0..ROWS).map(|i| (i * i % DIM) as u32).collect();
                cross_entropy(x * 3.0, &labels)
            }),
        ),
        (
            "align-uniform".to_owned(),
            Box::new(|x, y| {
                let loss = AlignUniform {
                    alpha: 1.0,
                    t: 3.0,
                    align_weight: 0.5,
                    uniform_weight: 2.0,
                };
                loss.forward(x, y)
            }),
        ),
    ];
    cases.extend(prototype_cases());
    cases.extend(dense_cases());
    cases
}

fn dense_cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for pair_set in PairSetKind::ALL {
        let loss = DenseAlignUniform {
            alpha: 1.5,
            t: 2.0,
            align_weight: 1.5,
            uniform_weight: 0.7,
            pairs: pair_set,
            cells: CELLS,
            ..DenseAlignUniform::default()
        };
        cases.push((
            format!("dense-align-uniform {pair_set}"),
            Box::new(move |x, y| loss.forward(dense(x), dense(y), &pairs(), 0)),
        ));
    }
    for negatives in [
        Negatives::Pooled,
        Negatives::All,
        Negatives::Hardest { count: 2 },
    ] {
        for is_cross_view in [false, true] {
            let name = match negatives {
                Negatives::Hardest { count } => format!("hardest {count}"),
                other => other.title(),
            };
            cases.push((
                format!(
                    "dense-contrast {name}{}",
                    if is_cross_view { " cross-view" } else { "" }
                ),
                Box::new(move |x, y| contrast(negatives, is_cross_view, x, y, 0)),
            ));
        }
    }
    cases
}

fn prototype_cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    cases.push((
        "proto-nce".to_owned(),
        Box::new(|x, y| one(prototypes(y).proto_nce(x))),
    ));
    cases.push((
        "pauc".to_owned(),
        Box::new(|x, y| {
            let weights = PrototypeWeights {
                align: 1.1,
                uniform: 0.6,
                correlation: 2.0,
                t: 2.0,
            };
            Loss {
                terms: prototypes(y).terms(x, &weights).into(),
                readings: Vec::new(),
            }
        }),
    ));
    cases
}

/// The last rows of the second view as constants; row `i` belongs to the `i mod 4`th.
fn prototypes(y: Tensor<2>) -> Prototypes {
    let centroids = y.detach().slice(s![ROWS - CELLS.., ..]);
    let device = centroids.device();
    let concentrations = TensorData::new(vec![0.1_f32, 0.2, 0.3, 0.4], [CELLS]);
    Prototypes {
        centroids: crate::features::unit_tensor(centroids),
        concentrations: Tensor::from_data(concentrations, &device),
        assignment: (0..ROWS).map(|row| (row % CELLS) as u32).collect(),
    }
}

fn dense(rows: Tensor<2>) -> DenseRows {
    DenseRows { rows, cells: CELLS }
}

fn contrast(
    negatives: Negatives,
    is_cross_view: bool,
    x: Tensor<2>,
    y: Tensor<2>,
    seed: u64,
) -> Loss {
    let loss = DenseContrast {
        temperature: 0.25,
        dense_weight: 0.4,
        dense_from_step: 0,
        matching: MatchingRule::Geometric,
        negatives,
        is_cross_view,
        ..DenseContrast::default()
    };
    let pooled = |view: &Tensor<2>| view.clone().slice(s![..IMAGES, ..]);
    let both = Tensor::cat(vec![pooled(&x), pooled(&y)], 0);
    let batch = ContrastBatch {
        both,
        x: dense(x),
        y: dense(y),
        pairs: &pairs(),
        reconstruction: None,
    };
    loss.forward(batch, 0, seed)
}

#[test]
fn values_and_gradients_are_pytorch_s() {
    let references = references();
    let cases = cases();
    assert_eq!(cases.len(), references.len());
    for (name, loss) in cases {
        let expected = &references[&name];
        let (value, gradients) = evaluated(inputs(), loss.as_ref());
        // f32 sums of some hundred numbers of size one, divided by τ ≥ 0.2.
        assert!(
            (value - expected.value).abs() < 2e-5,
            "{name}: {value} and {}",
            expected.value
        );
        for (found, wanted) in gradients
            .iter()
            .zip([&expected.gradient_x, &expected.gradient_y])
        {
            for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                assert!(
                    (f64::from(*found) - wanted).abs() < 2e-5,
                    "{name}, gradient {at}: {found} and {wanted}"
                );
            }
        }
    }
}

#[test]
fn all_random_negatives_are_all_negatives() {
    let with = |negatives| evaluated(inputs(), &move |x, y| contrast(negatives, true, x, y, 3));
    let (all, random) = (
        with(Negatives::All),
        with(Negatives::Random { count: CELLS }),
    );
    // The same numbers added in another order.
    assert!((all.0 - random.0).abs() < 1e-5, "{} {}", all.0, random.0);
    let few = with(Negatives::Random { count: 1 });
    // Fewer negatives, less to be told apart from.
    assert!(few.0 < all.0 - 0.1, "{} {}", few.0, all.0);
}

#[test]
fn gradients_are_the_finite_differences() {
    for (name, loss) in cases() {
        // Sorting has corners; a small step may jump one.
        if name.contains("hardest") {
            continue;
        }
        let (_, gradients) = evaluated(inputs(), loss.as_ref());
        for (view, index) in [(0, 3), (0, 40), (1, 17), (1, 64)] {
            let at = |change: f32| {
                let mut moved = inputs();
                moved[view][index] += change;
                evaluated(moved, loss.as_ref()).0
            };
            // A step of 1e-2 leaves errors of its square and of f32 rounding, near 1e-4 each.
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            let found = f64::from(gradients[view][index]);
            assert!(
                (found - difference).abs() < 2e-3,
                "{name}, value {index} of view {view}: {found} {difference}"
            );
        }
    }
}

#[test]
fn the_parts_of_theorem_1_sum_up() {
    let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
    let [x, y] = inputs().map(|values| {
        Tensor::<2>::from_data(TensorData::new(values, [ROWS, DIM]), compute.device())
    });
    let loss = NtXent { temperature: 0.3 }.forward(Tensor::cat(vec![x, y], 0));
    let number = |tensor: &Tensor<1>| f64::from(read_tensor(tensor.clone()).expect("it reads")[0]);
    let parts: f64 = loss.readings.iter().map(|(_, value)| number(value)).sum();
    let split = parts + ((2 * ROWS - 1) as f64).ln();
    // f32, divided by τ.
    assert!((split - number(&loss.terms[0].value)).abs() < 1e-5);
}

#[test]
fn a_row_of_zeros_spoils_no_gradient() {
    let zeroed = || {
        inputs().map(|mut values| {
            values[..DIM].fill(0.0);
            values
        })
    };
    for (name, loss) in cases() {
        let (value, [x, y]) = evaluated(zeroed(), loss.as_ref());
        let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        assert!(
            value.is_finite() && is_finite(&x) && is_finite(&y),
            "{name}"
        );
    }
}

#[test]
fn a_batch_without_pairs_has_no_dense_part() {
    let none = DensePairs::default();
    let loss = DenseAlignUniform::default();
    let (value, _) = evaluated(inputs(), &|x, y| {
        let mut parts = loss.forward(dense(x), dense(y), &none, 0);
        parts.terms.truncate(1);
        parts
    });
    assert_eq!(value, 0.0);
}

#[test]
fn fewer_cells_are_drawn_anew_by_the_seed() {
    let loss = DenseAlignUniform {
        align_weight: 0.0,
        cells: 1,
        ..DenseAlignUniform::default()
    };
    let at = |seed| {
        evaluated(inputs(), &move |x, y| {
            loss.forward(dense(x), dense(y), &pairs(), seed)
        })
        .0
    };
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}
