//! Every loss against PyTorch's double precision, value and gradient, from the formulas:
//! `tests/reference/generate_objectives.py`.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData, s};
use serde::Deserialize;

use super::*;
use crate::{
    analysis::PairSetKind,
    compute::{AdapterKind, Compute, DevicePolicy, read_tensor, testing::gpu_compute},
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
    evaluated_on(&compute, values, loss)
}

fn evaluated_on(
    compute: &Compute,
    values: [Vec<f32>; 2],
    loss: &dyn Fn(Tensor<2>, Tensor<2>) -> Loss,
) -> (f64, [Vec<f32>; 2]) {
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
    let value = read_tensor(total.clone().detach()).expect("the device reads")[0];
    let gradients = total.backward();
    let gradients = [x, y].map(|leaf| match leaf.grad(&gradients) {
        Some(gradient) => read_tensor(gradient).expect("the device reads"),
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
        ("densecl".to_owned(), Box::new(|x, y| densecl(&x, &y, 0))),
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
    cases.extend(single_terms());
    cases
}

/// Every term by itself, where other cases hold a weighted sum.
fn single_terms() -> Vec<Case> {
    let align_uniform = AlignUniform {
        alpha: 3.0,
        ..AlignUniform::default()
    };
    let mut cases: Vec<Case> = Vec::new();
    for name in ["alignment", "uniformity"] {
        cases.push((
            format!("align-uniform {name}"),
            Box::new(move |x, y| only(align_uniform.forward(x, y), name)),
        ));
    }
    for name in ["alignment", "uniformity", "correlation"] {
        cases.push((
            format!("pauc prototype {name}"),
            Box::new(move |x, y| {
                let weights = PrototypeWeights {
                    align: 1.0,
                    uniform: 1.0,
                    correlation: 1.0,
                    t: 2.0,
                };
                let terms = prototypes(y).terms(x, &weights).into();
                only(whole(terms), &format!("prototype {name}"))
            }),
        ));
    }
    for name in ["InfoNCE", "dense InfoNCE"] {
        cases.push((
            format!("densecl {name}"),
            Box::new(move |x, y| only(densecl(&x, &y, 0), name)),
        ));
    }
    let dense_loss = DenseAlignUniform {
        alpha: 1.5,
        ..DenseAlignUniform::default()
    };
    cases.push((
        "dense-align-uniform alignment".to_owned(),
        Box::new(move |x, y| {
            let loss = dense_loss.forward(dense(x), dense(y), &pairs(), 0);
            only(loss, "dense alignment")
        }),
    ));
    cases
}

fn whole(terms: Vec<Term>) -> Loss {
    Loss {
        terms,
        readings: Vec::new(),
    }
}

/// One term of a loss, unweighted.
fn only(loss: Loss, name: &str) -> Loss {
    let mut terms = loss.terms.into_iter();
    let term = terms
        .find(|term| term.name == name)
        .expect("it has the term");
    one(term.value)
}

/// Rows of the last image, which matches nothing, serve as queues.
fn densecl(x: &Tensor<2>, y: &Tensor<2>, step: usize) -> Loss {
    let loss = DenseCl {
        temperature: 0.2,
        dense_weight: 0.7,
        ..DenseCl::default()
    };
    densecl_of(&loss, x, y, step)
}

fn densecl_of(loss: &DenseCl, x: &Tensor<2>, y: &Tensor<2>, step: usize) -> Loss {
    let queue = |view: &Tensor<2>| view.clone().slice(s![ROWS - CELLS.., ..]);
    let pooled = |view: &Tensor<2>| view.clone().slice(s![..IMAGES, ..]);
    let global = Keyed {
        query: pooled(x),
        key: pooled(y),
        queue: queue(x),
    };
    let locations = KeyedLocations {
        query: dense(x.clone()),
        key: dense(y.clone()),
        pairs: pairs(),
        queue: queue(y),
    };
    loss.forward(global, locations, step)
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
    cases.push((
        "dense-contrast reconstruction".to_owned(),
        Box::new(|x, y| {
            let mut loss = contrast(Negatives::Pooled, false, x.clone(), y.clone(), 0);
            let with_decoder = DenseContrast {
                reconstructs: true,
                reconstruction_weight: 0.8,
                ..DenseContrast::default()
            };
            let batch = ContrastBatch {
                both: x.clone(),
                x: dense(x.clone()),
                y: dense(y.clone()),
                pairs: &DensePairs::default(),
                reconstruction: Some(Reconstruction {
                    painted: x,
                    pixels: y,
                }),
            };
            let painted = with_decoder.forward(batch, 0, 0).terms;
            loss.terms.extend(
                painted
                    .into_iter()
                    .filter(|term| term.name == "reconstruction"),
            );
            loss
        }),
    ));
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
            whole(prototypes(y).terms(x, &weights).into())
        }),
    ));
    cases.push((
        "proto-nce with a queue".to_owned(),
        Box::new(|x, y| {
            let loss = ProtoNce {
                temperature: 0.2,
                proto_weight: 1.5,
                ..ProtoNce::default()
            };
            loss.forward(keyed(x, &y), &clusterings(y))
        }),
    ));
    cases.push((
        "pauc with a queue".to_owned(),
        Box::new(|x, y| {
            let loss = Pauc {
                align_weight: 0.5,
                uniform_weight: 0.4,
                correlation_weight: 0.3,
                t: 3.0,
                proto_nce: ProtoNce {
                    temperature: 0.3,
                    proto_weight: 0.7,
                    ..ProtoNce::default()
                },
            };
            loss.forward(keyed(x, &y), &clusterings(y))
        }),
    ));
    cases
}

/// Every row against its own in the other view; the first of that serve as a queue.
fn keyed(x: Tensor<2>, y: &Tensor<2>) -> Keyed {
    Keyed {
        query: x,
        key: y.clone(),
        queue: y.clone().slice(s![..CELLS, ..]).detach(),
    }
}

/// That of [`prototypes`], and three prototypes with other members.
fn clusterings(y: Tensor<2>) -> [Prototypes; 2] {
    let centroids = y.clone().detach().slice(s![2..5, ..]);
    let device = centroids.device();
    let concentrations = TensorData::new(vec![0.25_f32, 0.15, 0.35], [3]);
    let second = Prototypes {
        centroids: crate::features::unit_tensor(centroids),
        concentrations: Tensor::from_data(concentrations, &device),
        assignment: (0..ROWS).map(|row| (row / 2 % 3) as u32).collect(),
    };
    [prototypes(y), second]
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
    let mut all = cases();
    let negatives = Negatives::Random { count: 2 };
    all.push((
        "dense-contrast random".to_owned(),
        Box::new(move |x, y| contrast(negatives, true, x, y, 5)),
    ));
    for (name, loss) in all {
        // Sorting has corners; a small step may jump one.
        if name.contains("hardest") {
            continue;
        }
        let (_, gradients) = evaluated(inputs(), loss.as_ref());
        for (view, index) in [(0, 3), (0, 40), (1, 17), (1, 64)] {
            // A row that also stands in a queue or among prototypes, which are constants.
            if index == 17 && name.ends_with("with a queue") {
                continue;
            }
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

/// Far more than the f32 of both backends and the drivers' exponentials come to, and far less than
/// a wrong sign, weight or mask would make.
const BACKENDS_APART: f64 = 2e-4;

#[test]
fn every_loss_and_gradient_is_the_same_on_a_gpu() {
    let Some(gpu) = gpu_compute() else { return };
    let mut all = cases();
    for (count, is_cross_view) in [(1, false), (3, true)] {
        let negatives = Negatives::Random { count };
        let views = if is_cross_view { " cross-view" } else { "" };
        all.push((
            format!("dense-contrast {}{views}", negatives.title()),
            Box::new(move |x, y| contrast(negatives, is_cross_view, x, y, 5)),
        ));
    }
    let adapter = gpu.report().adapter.as_ref();
    let is_software = adapter.is_none_or(|adapter| adapter.kind == AdapterKind::Software);
    match std::env::var("SPHERESCOPE_ALL_LOSSES_ON_GPU") {
        Ok(wanted) if wanted != "1" => {
            all.retain(|(name, _)| name.contains(&wanted));
            assert!(!all.is_empty(), "no loss is called {wanted}");
        }
        Err(_) if is_software => {
            println!(
                "a part of the losses alone: software drivers compile the products of matrices of \
                 all for some twenty minutes, which SPHERESCOPE_ALL_LOSSES_ON_GPU=1 asks for, and \
                 a part of a name for those of that name"
            );
            all.retain(|(name, _)| {
                ["cross-entropy", "proto-nce", "align-uniform"].contains(&name.as_str())
            });
        }
        Ok(_) | Err(_) => {}
    }
    let began = std::time::Instant::now();
    for (name, loss) in all {
        let (value, gradients) = evaluated(inputs(), loss.as_ref());
        let (on_gpu, gpu_gradients) = evaluated_on(gpu, inputs(), loss.as_ref());
        let apart = (value - on_gpu).abs();
        assert!(
            apart < BACKENDS_APART,
            "{name}: {value} and {on_gpu} on {gpu:?}"
        );
        let mut gradients_apart = 0.0_f64;
        for (view, (own, other)) in gradients.iter().zip(&gpu_gradients).enumerate() {
            for (at, (a, b)) in own.iter().zip(other).enumerate() {
                let apart = f64::from((a - b).abs());
                // Not "greater": a NaN must not pass.
                assert!(
                    apart < BACKENDS_APART,
                    "{name}, gradient {at} of view {view}: {a} and {b}"
                );
                gradients_apart = gradients_apart.max(apart);
            }
        }
        println!(
            "{name}: apart by {apart:.1e} in value, {gradients_apart:.1e} in gradients; {:.1} s \
             since the first",
            began.elapsed().as_secs_f64()
        );
    }
}

#[test]
fn the_parts_of_theorem_1_sum_up() {
    let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
    let [x, y] = inputs().map(|values| {
        Tensor::<2>::from_data(TensorData::new(values, [ROWS, DIM]), compute.device())
    });
    let number = |tensor: &Tensor<1>| f64::from(read_tensor(tensor.clone()).expect("it reads")[0]);
    let check = |loss: &Loss, term: &str, prefix: &str, count: usize| {
        let reading = |name: &str| {
            let name = format!("{prefix}{name}");
            let found = loss.readings.iter().find(|(known, _)| *known == name);
            number(&found.expect("the reading is there").1)
        };
        let split = reading("alignment part") + reading("uniformity part") + (count as f64).ln();
        let found = loss.terms.iter().find(|known| known.name == term);
        let value = number(&found.expect("the term is there").value);
        // f32, divided by τ.
        assert!((split - value).abs() < 1e-5, "{term}: {split} {value}");
    };
    let both = || Tensor::cat(vec![x.clone(), y.clone()], 0);
    let in_batch = NtXent { temperature: 0.3 }.forward(both());
    check(&in_batch, "NT-Xent", "", 2 * ROWS - 1);
    let queue = MomentumContrast::default().forward(keyed(x.clone(), &y));
    check(&queue, "InfoNCE", "", CELLS + 1);
    let dense_too = densecl(&x, &y, 0);
    check(&dense_too, "InfoNCE", "", CELLS + 1);
    check(&dense_too, "dense InfoNCE", "dense ", CELLS + 1);
    let clusterings = clusterings(y.clone());
    let proto = ProtoNce::default().forward(keyed(x.clone(), &y), &clusterings);
    check(&proto, "InfoNCE", "", CELLS + 1);
    let pauc = Pauc::default().forward(keyed(x.clone(), &y), &clusterings);
    check(&pauc, "InfoNCE", "", CELLS + 1);
}

#[test]
fn the_dense_part_waits_for_its_step() {
    let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
    let [x, y] = inputs().map(|values| {
        Tensor::<2>::from_data(TensorData::new(values, [ROWS, DIM]), compute.device())
    });
    let loss = DenseCl {
        dense_weight: 0.7,
        dense_from_step: 10,
        ..DenseCl::default()
    };
    let contrast = DenseContrast {
        dense_weight: 0.7,
        dense_from_step: 10,
        ..DenseContrast::default()
    };
    for (step, expected) in [(0, [1.0, 0.0]), (9, [1.0, 0.0]), (10, [0.3, 0.7])] {
        let batch = ContrastBatch {
            both: Tensor::cat(vec![x.clone(), y.clone()], 0),
            x: dense(x.clone()),
            y: dense(y.clone()),
            pairs: &pairs(),
            reconstruction: None,
        };
        let losses = [
            densecl_of(&loss, &x, &y, step),
            contrast.forward(batch, step, 0),
        ];
        for loss in losses {
            let weights: Vec<f64> = loss.terms.iter().map(|term| term.weight).collect();
            // 1 − 0.7 in f64.
            let is_so = weights
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(is_so && weights.len() == 2, "step {step}: {weights:?}");
        }
    }
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
