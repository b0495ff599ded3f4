use burn::tensor::Tensor;
use serde_json::Value;

use super::*;
use crate::{
    analysis::{Cache, Request, Subject, analyse, demo_request},
    compute::{Compute, DevicePolicy},
    data::{AugmentConfig, Normalisation, PairBatch, ViewGeometry},
    features::{FeatureKind, MatchingRule, PairRequest, ProbeBatch},
    landscape::{BatchNormUse, Direction, Plane, UniformOver, filter_normalised},
    measure::{self, HoldOut, Rows},
    models::{
        Architecture, HeadLayer, HeadSpec, ModelError, ModelWeights, TensorSource, WeightRole,
    },
    objectives::{AlignUniform, MomentumContrast, NtXent},
    training::{Objective, RunConfig, RunLoss},
};

const IMAGES: usize = 8;
const SIDE: usize = 32;

fn compute() -> Compute {
    Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there")
}

/// The weights of tests/reference/generate_landscape.py; tensors are numbered as they are taken.
struct ByFormula(usize);

impl TensorSource for ByFormula {
    fn has(&self, _: &str) -> bool {
        true
    }

    fn shape(&self, _: &str) -> Option<Vec<usize>> {
        None
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let k = self.0 as f64;
        self.0 += 1;
        let value = |i: usize| -> f64 {
            let x = i as f64;
            if shape.len() > 1 {
                let phase = 1.9 * (x + 1.0).powf(1.3) + 1.3 * (k + 1.0);
                0.3 * phase.sin() + 0.05 * (2.1 * x).cos()
            } else if name.ends_with("bn.weight") {
                1.0 + 0.2 * (x + k).sin()
            } else if name.ends_with("running_mean") {
                0.05 * (0.5 * x + k).sin()
            } else if name.ends_with("running_var") {
                0.6 + 0.3 * (0.4 * x + k).cos().powi(2)
            } else if name == "head.0.bias" {
                [0.23, 0.21, -0.7][i]
            } else {
                0.1 * (1.1 * x + k).cos()
            }
        };
        let count = shape.iter().product();
        Ok((0..count).map(|i| value(i) as f32).collect())
    }
}

fn reference_weights() -> ModelWeights {
    let head = HeadSpec {
        layers: vec![HeadLayer::Linear {
            inputs: 8,
            outputs: 3,
            has_bias: true,
        }],
    };
    let tiny = Architecture::TinyConvNet { width: 2 };
    ModelWeights::new(tiny, Some(head), None, &mut ByFormula(0)).unwrap()
}

fn reference_axes(weights: &ModelWeights) -> [Direction; 2] {
    [1.0, 2.0].map(|axis| {
        let raw = weights.tensors().iter().enumerate().map(|(k, tensor)| {
            let square = (k * k) as f64;
            let value = |i: usize| (0.9 * axis * (i as f64 + 1.0) + 0.37 * square).sin() as f32;
            (0..tensor.values.len()).map(value).collect()
        });
        filter_normalised(weights, raw.collect())
    })
}

fn reference_views() -> PairBatch {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for n in 0..IMAGES {
        for j in 0..3 * SIDE * SIDE {
            let (x, m) = (j as f64, n as f64);
            let phase = 0.05 * (m + 1.0) * (j % 97) as f64 + 0.3 * (j % 7) as f64 + m;
            let value = (0.4 + 0.3 * (n % 4) as f64) * phase.sin()
                + 0.8 * (1.3 * m + 2.0 * (j / 1024) as f64).sin();
            first.push(value as f32);
            second.push((value + 0.4 * (0.11 * x + m).cos()) as f32);
        }
    }
    let whole = ViewGeometry::whole([SIDE as u32; 2], SIDE as u32);
    PairBatch {
        indices: (0..IMAGES).collect(),
        side: SIDE as u32,
        first,
        second,
        geometry: vec![[whole; 2]; IMAGES],
    }
}

fn reference_probe() -> ProbeBatch {
    let request = PairRequest {
        kind: FeatureKind::Projected,
        stage: None,
        matching: MatchingRule::default(),
        augment: AugmentConfig::identity(),
        side: SIDE as u32,
        normalisation: Normalisation::HALF,
        seed: 0,
        indices: (0..IMAGES).collect(),
        keep: 0,
    };
    ProbeBatch::of_views(request, vec![reference_views()])
}

fn reference_subject(batch_norm: BatchNormUse) -> SliceSubject {
    let weights = reference_weights();
    let axes = reference_axes(&weights);
    let plane = Plane::with_axes(weights, axes, "of the reference").unwrap();
    let request = demo_request();
    SliceSubject::with_plane(
        plane,
        reference_probe(),
        &request,
        batch_norm,
        3,
        Vec::new(),
        &compute(),
    )
    .unwrap()
}

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/landscape.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

#[test]
fn directions_are_those_of_pytorch() {
    let weights = reference_weights();
    let axes = reference_axes(&weights);
    let reference = reference();
    for (name, expected) in reference["directions"].as_object().unwrap() {
        let tensors = weights.tensors();
        let index = tensors
            .iter()
            .position(|tensor| tensor.name == *name)
            .unwrap();
        for (axis, expected) in axes.iter().zip(expected.as_array().unwrap()) {
            for (value, expected) in axis[index].iter().zip(numbers(expected)) {
                // Rounded to f32 after the product.
                assert!((f64::from(*value) - expected).abs() < 1e-6, "{name}");
            }
        }
    }
    let held = weights.tensors().iter().zip(&axes[0]);
    for (tensor, direction) in held.filter(|(tensor, _)| tensor.role != WeightRole::Filters) {
        assert!(direction.is_empty(), "{} stays", tensor.name);
    }
}

#[test]
fn surfaces_are_those_of_pytorch() {
    let reference = reference();
    for batch_norm in BatchNormUse::ALL {
        let subject = reference_subject(batch_norm);
        let settings = SliceSettings {
            side: 5,
            half_width: Some(0.8),
            batch_norm,
            ..SliceSettings::default()
        };
        let mut slice = Slice::new(&subject, &settings).unwrap();
        slice.fill(&subject, &Progress::none(), |_| {}).unwrap();
        assert!(slice.is_whole());
        let expected = &reference[batch_norm.name()];
        for (quantity, name) in [
            (Quantity::Alignment, "alignment"),
            (Quantity::Uniformity, "uniformity"),
        ] {
            let surface = slice.surface(quantity);
            for (cell, (value, expected)) in
                surface.iter().zip(numbers(&expected[name])).enumerate()
            {
                assert!(
                    (value - expected).abs() < 1e-4,
                    "{} {name} at {cell}: {value} against {expected}",
                    batch_norm.name()
                );
            }
        }
        let sum = slice.surface(Quantity::Sum);
        let parts = slice.surface(Quantity::Alignment).into_iter();
        let parts = parts.zip(slice.surface(Quantity::Uniformity));
        assert!(sum.iter().zip(parts).all(|(sum, (a, u))| *sum == a + u));
    }
}

#[test]
fn the_middle_is_what_is_measured_without_a_landscape() {
    let compute = compute();
    let request = Request {
        limit: Some(48),
        ..demo_request()
    };
    let settings = SliceSettings {
        side: 3,
        images: 48,
        uniform_over: UniformOver::Images,
        ..SliceSettings::default()
    };
    let subject = Subject::open(&request, &Progress::none()).unwrap();
    let subject = SliceSubject::new(
        &request,
        subject,
        &settings,
        &[],
        &compute,
        &Progress::none(),
    )
    .unwrap();
    let mut slice = Slice::new(&subject, &settings).unwrap();
    slice.fill(&subject, &Progress::none(), |_| {}).unwrap();
    let middle = slice.cells[slice.grid.middle()].unwrap();
    assert_eq!(slice.origin, Some(middle));
    let cache = &mut Cache::headless();
    let numbers = analyse(&request, &compute, cache, &Progress::none())
        .unwrap()
        .numbers;
    // The same code over the same input: not a bit apart.
    assert_eq!(Some(middle.alignment), numbers.alignment.value);
    assert_eq!(Some(middle.uniformity), numbers.uniformity.value);
    assert_eq!(Some(middle.spread), numbers.std_sqrt_d.value);
    let edge = slice.cells[0].unwrap();
    assert!((edge.alignment - middle.alignment).abs() > 1e-3, "{edge:?}");
    assert!(
        slice
            .words
            .iter()
            .any(|line| line.contains("48 of 512 images"))
    );
    let all = slice.words.join("\n");
    assert!(
        all.contains(&format!("{} pairs", request.pair_set)),
        "{all}"
    );
    let matching = format!("matching {}", request.matching);
    assert_eq!(all.contains(&matching), request.kind.is_dense(), "{all}");
}

#[test]
fn a_cancelled_slice_goes_on_where_it_stopped() {
    let subject = reference_subject(BatchNormUse::Frozen);
    let settings = SliceSettings {
        side: 5,
        ..SliceSettings::default()
    };
    let mut slice = Slice::new(&subject, &settings).unwrap();
    let progress = Progress::none();
    let stop = progress.clone();
    let error = slice
        .fill(&subject, &progress, |slice| {
            if slice.done == 9 {
                stop.cancel();
            }
        })
        .unwrap_err();
    assert!(error.is_cancelled());
    // The first lattice of a 5×5 grid is every other point; what was measured beside the ninth stays.
    assert!((9..9 + subject.points_at_once()).contains(&slice.done));
    assert_eq!(slice.lattices, 1);
    assert_eq!(slice.cells.iter().flatten().count(), slice.done);
    assert!(
        slice
            .surface(Quantity::Sum)
            .iter()
            .all(|value| value.is_finite())
    );
    let before = slice.cells.clone();
    slice.fill(&subject, &Progress::none(), |_| {}).unwrap();
    assert!(slice.is_whole());
    let kept = before
        .iter()
        .zip(&slice.cells)
        .filter(|(old, _)| old.is_some());
    assert!(kept.into_iter().all(|(old, new)| old == new));
    let mut whole = Slice::new(&subject, &settings).unwrap();
    whole.fill(&subject, &Progress::none(), |_| {}).unwrap();
    assert_eq!(whole.cells, slice.cells);
}

#[test]
fn weights_that_overflow_are_blank_not_wrong() {
    let subject = reference_subject(BatchNormUse::Frozen);
    let point = subject.measure_at([1e30, 0.0], &Progress::none()).unwrap();
    assert!(point.alignment.is_nan() && point.uniformity.is_nan());

    let settings = SliceSettings {
        side: 3,
        half_width: Some(1e30),
        ..SliceSettings::default()
    };
    let mut slice = Slice::new(&subject, &settings).unwrap();
    assert_eq!(slice.not_finite_words(), None);
    slice.fill(&subject, &Progress::none(), |_| ()).unwrap();
    let blank = slice.cells.iter().flatten();
    let blank = blank.filter(|point| point.alignment.is_nan()).count();
    assert!((1..9).contains(&blank), "{blank}");
    assert_eq!(slice.not_finite(), blank);
    let words = slice.not_finite_words().unwrap();
    assert!(
        words.starts_with(&format!("at {blank} of 9 points")),
        "{words}"
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |change: fn(&mut SliceSettings)| {
        let mut settings = SliceSettings::default();
        change(&mut settings);
        settings.check().unwrap_err().to_string()
    };
    assert!(refused(|s| s.side = 24).contains("odd"));
    assert!(refused(|s| s.side = 1001).contains("points a side"));
    assert!(refused(|s| s.images = 1).contains("images"));
    assert!(refused(|s| s.half_width = Some(0.0)).contains("half width"));
    assert!(refused(|s| s.centre = [f64::NAN, 0.0]).contains("centre"));
    assert!(refused(|s| s.align_weight = f64::INFINITY).contains("weight"));
}

#[test]
fn views_of_the_probe_come_first_views_first() {
    let views: Tensor<4> = reference_probe().views(&compute());
    assert_eq!(views.dims(), [2 * IMAGES, 3, SIDE, SIDE]);
    let batch = reference_views();
    let values = views.into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(values[..batch.first.len()], batch.first);
    assert_eq!(values[batch.first.len()..], batch.second);
}

#[test]
fn the_runs_loss_is_measured_from_the_same_features() {
    let loss = |objective| {
        RunLoss::new(&RunConfig {
            objective,
            ..RunConfig::default()
        })
    };
    let align_uniform = Objective::AlignUniform(AlignUniform::default());
    let subject = reference_subject(BatchNormUse::Frozen).with_loss(Some(loss(align_uniform)));
    let settings = SliceSettings {
        side: 3,
        half_width: Some(0.8),
        ..SliceSettings::default()
    };
    let mut slice = Slice::new(&subject, &settings).unwrap();
    slice.fill(&subject, &Progress::none(), |_| {}).unwrap();
    assert!(slice.quantities.contains(&Quantity::Objective));
    // α = t = 2 and weights of 1: the sum itself, but in f32.
    let [objective, sum] = [Quantity::Objective, Quantity::Sum].map(|q| slice.surface(q));
    for (objective, sum) in objective.iter().zip(&sum) {
        assert!((objective - sum).abs() < 1e-5, "{objective} {sum}");
    }
    // The middle is the loss of the untouched weights' features, bit for bit.
    let nt_xent = loss(Objective::NtXent(NtXent::default()));
    let subject = reference_subject(BatchNormUse::Frozen).with_loss(Some(nt_xent.clone()));
    let mut slice = Slice::new(&subject, &settings).unwrap();
    slice.fill(&subject, &Progress::none(), |_| {}).unwrap();
    let model = reference_weights().model(compute().device()).unwrap();
    let features = reference_probe()
        .embed(&model, &compute(), &Progress::none())
        .unwrap();
    let direct = nt_xent.of_features(&features, compute().device()).unwrap();
    assert_eq!(
        slice.cells[slice.grid.middle()].unwrap().objective,
        Some(direct)
    );
    // A loss that features do not tell is named with its reason, and has no surface.
    let queue = loss(Objective::MomentumContrast(MomentumContrast::default()));
    let subject = reference_subject(BatchNormUse::Frozen).with_loss(Some(queue));
    assert!(!subject.quantities().contains(&Quantity::Objective));
    assert!(subject.words().join("\n").contains("queue"));
}

#[test]
fn neighbours_vote_as_they_do_without_a_landscape() {
    let compute = compute();
    let request = Request {
        limit: Some(96),
        ..demo_request()
    };
    let settings = SliceSettings {
        side: 3,
        images: 96,
        has_knn: true,
        ..SliceSettings::default()
    };
    let none = Progress::none();
    let opened = Subject::open(&request, &none).unwrap();
    let (images, weights) = (opened.images.clone(), opened.weights.clone());
    let indices = opened.pairs.indices.clone();
    let probe = ProbeBatch::new(&images, opened.pairs.clone(), None, &none).unwrap();
    let subject = SliceSubject::new(&request, opened, &settings, &[], &compute, &none).unwrap();
    let middle = subject.measure_at([0.0; 2], &none).unwrap();
    let model = weights.model(compute.device()).unwrap();
    let features = probe.embed(&model, &compute, &none).unwrap();
    let labels: Vec<u32> = indices
        .iter()
        .map(|index| images.records()[*index].label.unwrap())
        .collect();
    let split = HoldOut::stratified(&labels, 0.3, request.seed).unwrap();
    let rows = Rows::new(&features.first.values, features.dim).unwrap();
    let direct = measure::knn(rows, &labels, &split, 20, 0.07, &none).unwrap();
    assert_eq!(middle.knn, Some(direct.accuracy));
    assert_eq!(direct.predictions.len(), split.test.len());
    assert!(
        subject
            .words()
            .join("\n")
            .contains("k-NN accuracy over the first views")
    );
    let dense = Request {
        kind: FeatureKind::Dense,
        ..request
    };
    let opened = Subject::open(&dense, &none).unwrap();
    let refused = SliceSubject::new(&dense, opened, &settings, &[], &compute, &none);
    assert!(refused.is_err_and(|error| error.to_string().contains("one vector an image")));
}
