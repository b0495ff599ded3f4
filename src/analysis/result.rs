//! One analysis from end to end.

use std::sync::Arc;

use serde_json::json;

use super::{
    AnalysisError, Cache, Figure, Numbers, PairRule, PairSetKind, Pairs, Request,
    figures::grouped,
    pairs::{DRAWN_PAIRS, class_pairs, even_selection},
};
use crate::{
    checkpoint::{KeyReport, LoadedModel},
    compute::{BufferLease, Compute, DeviceReport},
    data::{AugmentConfig, ImageSet, Preprocess, Resize, Thumbnails},
    features::{
        Extraction, ExtractionRequest, FeatureError, FeatureSet, PairRequest, ViewPairs,
        input_side, unit_tensor,
    },
    measure::{self, MeasureError, PairSet, Rows},
    progress::Progress,
    projection::{Projection, to_sphere_and_circle},
};

/// Everything that the views show of one encoder over one image set.
#[derive(Clone)]
pub struct Analysis {
    /// What was asked.
    pub request: Request,
    /// What the checkpoint holds and what was made of it.
    pub report: Arc<KeyReport>,
    /// The images.
    pub images: ImageSet,
    /// Small pictures of them, by index in the set.
    pub thumbnails: Arc<Thumbnails>,
    /// Raw features with their provenance.
    pub features: Arc<FeatureSet>,
    /// Features on S^{d−1}: row-major `[len, dim]`.
    pub unit: Arc<Vec<f32>>,
    /// ‖z‖ of each raw vector.
    pub norms: Arc<Vec<f32>>,
    /// Points on S².
    pub sphere: Arc<Projection>,
    /// The same points as they lie on the GPU, when compute runs there.
    pub sphere_lease: Option<Arc<BufferLease>>,
    /// Points on S¹.
    pub circle: Arc<Projection<2>>,
    /// The numbers.
    pub numbers: Numbers,
    /// The positive pairs.
    pub pairs: Arc<Pairs>,
    /// Class that the checkpoint's own classifier gives to each image, by index in the set.
    pub predictions: Option<Arc<Vec<Option<u32>>>>,
    /// What computed it.
    pub device: DeviceReport,
}

impl Analysis {
    /// The numbers with everything that decides them.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "command": self.request.command_line(),
            "request": self.request,
            "device": self.device,
            "provenance": self.features.provenance,
            "vectors": self.features.len(),
            "dimension": self.features.dim,
            "skipped_images": self.images.skipped(),
            "numbers": self.numbers,
            "pairs": self.pairs.population,
            "projection": {
                "sphere": { "kind": self.sphere.kind, "mean_kept_norm": self.sphere.mean_kept_norm },
                "circle": { "kind": self.circle.kind, "mean_kept_norm": self.circle.mean_kept_norm },
            },
            "key_report": self.report.summary(),
        })
    }
}

/// Runs a request, reusing what `cache` holds of the one before.
///
/// # Errors
/// See [`AnalysisError`]. A number that cannot be computed for these inputs (uniformity of one
/// vector, say) is no error: its [`Figure`] says why it is absent.
pub fn analyse(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Analysis, AnalysisError> {
    request.check()?;
    progress.report("opening the checkpoint", 0, None);
    let loaded = cache.model(request, compute, progress)?;
    progress.report("opening the images", 0, None);
    let (images, thumbnails) = cache.images(&request.images, progress)?;
    let preprocess = preprocess(request, &loaded.report);
    let (indices, choice) = choose_images(request, images.len());
    let what = ExtractionRequest {
        kind: request.kind,
        stage: request.stage,
        preprocess,
        indices: indices.clone(),
        choice,
        encoder: request.encoder.title(),
    };
    let extraction = cache.extraction(request, &loaded, &images, &what, compute, progress)?;
    check_finite(&extraction.features, &images)?;
    let unit = Arc::new(extraction.features.unit_rows());
    let rows = Rows::new(&unit, extraction.features.dim)?;
    progress.report("projecting to the sphere", 0, None);
    let (sphere, circle) = to_sphere_and_circle(rows, progress)?;
    let sphere_lease = sphere_on_device(&extraction, &sphere)?;
    let positives = positives(
        request,
        &preprocess,
        &loaded,
        &images,
        indices,
        &extraction.features,
        rows,
        compute,
        cache,
        progress,
    )?;
    let pairs = drawn_pairs(&positives, &extraction.features, rows, &sphere)?;
    let numbers = numbers(request, &extraction, rows, &positives, &images, progress)?;
    Ok(Analysis {
        request: request.clone(),
        report: Arc::new(loaded.report.clone()),
        norms: Arc::new(extraction.features.norms()),
        predictions: predictions(&extraction, images.len()).map(Arc::new),
        images,
        thumbnails,
        features: Arc::new(extraction.features.clone()),
        unit: Arc::clone(&unit),
        sphere: Arc::new(sphere),
        sphere_lease,
        circle: Arc::new(circle),
        numbers,
        pairs: Arc::new(pairs),
        device: compute.report().clone(),
    })
}

/// How images become input: what the request says, else what the key report proposes.
fn preprocess(request: &Request, report: &KeyReport) -> Preprocess {
    Preprocess {
        resize: request
            .resize
            .unwrap_or_else(|| usual_resize(report.input_side)),
        normalisation: request
            .normalisation
            .unwrap_or(report.normalisation.constants),
    }
}

/// ImageNet encoders are evaluated on the centre of a slightly larger picture, small-image ones
/// on the whole picture.
fn usual_resize(input_side: u32) -> Resize {
    if input_side >= 128 {
        Resize::ShorterSideCrop {
            resize: input_side * 8 / 7,
            crop: input_side,
        }
    } else {
        Resize::Square(input_side)
    }
}

fn choose_images(request: &Request, total: usize) -> (Vec<usize>, String) {
    match request.limit {
        Some(limit) if limit < total => {
            let mut rng =
                <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(request.seed);
            let mut indices = rand::seq::index::sample(&mut rng, total, limit).into_vec();
            indices.sort_unstable();
            let choice = format!("a sample of {limit} drawn with seed {}", request.seed);
            (indices, choice)
        }
        _ => ((0..total).collect(), "all".into()),
    }
}

fn check_finite(features: &FeatureSet, images: &ImageSet) -> Result<(), AnalysisError> {
    let is_broken = |row: &usize| features.row(*row).iter().any(|v| !v.is_finite());
    let mut broken = (0..features.len()).filter(is_broken).peekable();
    let Some(&first) = broken.peek() else {
        return Ok(());
    };
    Err(AnalysisError::NotFinite {
        first: images.records()[features.images[first] as usize]
            .name
            .clone(),
        rows: broken.count(),
        total: features.len(),
    })
}

/// The sphere's points computed where the features lie, so that drawing needs no read-back.
fn sphere_on_device(
    extraction: &Extraction,
    sphere: &Projection,
) -> Result<Option<Arc<BufferLease>>, AnalysisError> {
    let Some(raw) = &extraction.on_device else {
        return Ok(None);
    };
    let points = sphere.place_on_device(raw.clone());
    Ok(Some(Arc::new(crate::compute::lease(&points)?)))
}

/// The positive pairs of a request, before they are drawn.
enum Positives {
    Views(Arc<ViewPairs>),
    SameClass(Vec<u32>),
    Absent(String),
}

#[expect(
    clippy::too_many_arguments,
    reason = "the stages' results, each its own thing"
)]
fn positives(
    request: &Request,
    preprocess: &Preprocess,
    loaded: &LoadedModel,
    images: &ImageSet,
    indices: Vec<usize>,
    features: &FeatureSet,
    rows: Rows<'_>,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Positives, AnalysisError> {
    if request.pairs == PairRule::SameClass {
        return Ok(match &features.labels {
            Some(labels) if rows.len() >= 2 => Positives::SameClass(labels.clone()),
            Some(_) => Positives::Absent("there is only one vector".into()),
            None => Positives::Absent(
                "the images have no class labels: same-class pairs need one folder a class".into(),
            ),
        });
    }
    let what = PairRequest {
        kind: request.kind,
        stage: request.stage,
        matching: request.matching,
        augment: AugmentConfig::wang_isola(),
        side: input_side(preprocess, &loaded.report.architecture),
        normalisation: preprocess.normalisation,
        seed: request.seed,
        indices,
        keep: DRAWN_PAIRS,
    };
    match cache.view_pairs(
        request, preprocess, loaded, images, &what, compute, progress,
    ) {
        Ok(pairs) => Ok(Positives::Views(pairs)),
        Err(AnalysisError::Features(error @ FeatureError::NoMatches { .. })) => {
            Ok(Positives::Absent(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn drawn_pairs(
    positives: &Positives,
    features: &FeatureSet,
    rows: Rows<'_>,
    sphere: &Projection,
) -> Result<Pairs, AnalysisError> {
    match positives {
        Positives::Absent(why) => Ok(Pairs {
            why_absent: Some(why.clone()),
            ..Pairs::default()
        }),
        Positives::Views(pairs) => Ok(Pairs {
            distances: pairs.distances.clone(),
            population: views_population(pairs),
            first_sphere: sphere.place(Rows::new(&pairs.first, pairs.dim)?)?.coords,
            second_sphere: sphere.place(Rows::new(&pairs.second, pairs.dim)?)?.coords,
            images: pairs
                .kept
                .iter()
                .map(|&pair| pairs.images[pair as usize])
                .collect(),
            why_absent: None,
        }),
        Positives::SameClass(labels) => {
            let chosen = class_pairs(labels, 0);
            let distance = |[first, second]: &[u32; 2]| {
                let squares = rows
                    .row(*first as usize)
                    .iter()
                    .zip(rows.row(*second as usize))
                    .map(|(a, b)| (a - b).powi(2));
                squares.sum::<f32>().sqrt()
            };
            let drawn: Vec<[u32; 2]> = even_selection(chosen.rows.len(), DRAWN_PAIRS)
                .map(|pair| chosen.rows[pair])
                .collect();
            let ends = |side: usize| {
                let end = move |pair: &[u32; 2]| sphere.coords[pair[side] as usize];
                drawn.iter().map(end)
            };
            Ok(Pairs {
                distances: chosen.rows.iter().map(distance).collect(),
                population: chosen.population,
                first_sphere: ends(0).collect(),
                second_sphere: ends(1).collect(),
                images: drawn
                    .iter()
                    .map(|pair| features.images[pair[0] as usize])
                    .collect(),
                why_absent: None,
            })
        }
    }
}

fn views_population(pairs: &ViewPairs) -> String {
    let count = grouped(pairs.distances.len() as u128);
    match &pairs.cells {
        Some(_) => format!(
            "{count} pairs of locations of two augmented views; {:.1} % of the locations found a partner",
            100.0 * pairs.matched_share
        ),
        None => format!("{count} pairs of two augmented views of one image"),
    }
}

type Measured = Result<f64, MeasureError>;

fn numbers(
    request: &Request,
    extraction: &Extraction,
    rows: Rows<'_>,
    positives: &Positives,
    images: &ImageSet,
    progress: &Progress,
) -> Result<Numbers, AnalysisError> {
    let vectors = format!(
        "{} unit vectors in {} dimensions",
        grouped(rows.len() as u128),
        rows.dim
    );
    let plain = |name, symbol: &str, value: Measured, formula: &str, ceiling, reading| Figure {
        name,
        symbol: symbol.into(),
        why_absent: value.as_ref().err().map(ToString::to_string),
        value: value.ok(),
        standard_error: None,
        floor: Some(0.0),
        ceiling,
        formula: formula.into(),
        population: vectors.clone(),
        reading,
    };
    Ok(Numbers {
        alignment: alignment(request, rows, positives, progress)?,
        uniformity: uniformity(request, extraction, rows, progress)?,
        std_sqrt_d: plain(
            "std·√d",
            "std·√d",
            measure::std_sqrt_d(rows),
            "√d · mean over coordinates of the standard deviation of ẑ",
            Some(1.0),
            "near 1 healthy, 0 complete collapse, √(k/d) when only k of d dimensions are used",
        ),
        mean_norm: plain(
            "mean norm",
            "‖mean ẑ‖",
            measure::mean_norm(rows),
            "length of the mean of the unit vectors",
            Some(1.0),
            "near 0 centred, 1 complete collapse; in between a cone",
        ),
        top1: top1(extraction, images),
    })
}

fn alignment(
    request: &Request,
    rows: Rows<'_>,
    positives: &Positives,
    progress: &Progress,
) -> Result<Figure, AnalysisError> {
    let alpha = request.alpha;
    let mut figure = Figure {
        name: "alignment",
        symbol: format!("L_align(α={alpha})"),
        value: None,
        why_absent: None,
        standard_error: None,
        floor: Some(0.0),
        ceiling: Some(2.0_f64.powf(alpha)),
        formula: "mean over positive pairs of ‖x − y‖^α, plain L2 normalisation".into(),
        population: String::new(),
        reading: "0 when both of a pair land on one point; lower is better aligned",
    };
    match positives {
        Positives::Views(pairs) => {
            figure.value = Some(measure::alignment_of_distances(&pairs.distances, alpha)?);
            figure.population = views_population(pairs);
            if request.kind.is_dense() {
                figure.population.push_str(", matching ");
                figure.population.push_str(request.matching.name());
            }
            figure.population += &format!(", augmentation seed {}", request.seed);
        }
        Positives::SameClass(labels) => {
            match measure::alignment_same_class(rows, labels, alpha, progress) {
                Ok(value) => figure.value = Some(value),
                Err(MeasureError::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(error) => figure.why_absent = Some(error.to_string()),
            }
            figure.population = "all unordered pairs of vectors of one class, un-augmented".into();
        }
        Positives::Absent(why) => figure.why_absent = Some(why.clone()),
    }
    Ok(figure)
}

fn uniformity(
    request: &Request,
    extraction: &Extraction,
    rows: Rows<'_>,
    progress: &Progress,
) -> Result<Figure, AnalysisError> {
    let t = request.t;
    let images = &extraction.features.images;
    let (pairs, words) = match request.pair_set {
        PairSetKind::All => (PairSet::All, ""),
        PairSetKind::BetweenImages => (PairSet::BetweenImages(images), "between-image "),
        PairSetKind::WithinImage => (PairSet::WithinImage(images), "within-image "),
    };
    let measured = match request.sample_pairs {
        Some(count) => measure::uniformity_sampled(rows, t, pairs, count, request.seed, progress),
        None => match (&extraction.on_device, request.pair_set) {
            (Some(raw), PairSetKind::All) => {
                measure::uniformity_on_device(&unit_tensor(raw.clone()), t, progress)
            }
            _ => measure::uniformity(rows, t, pairs, progress),
        },
    };
    let mut figure = Figure {
        name: "uniformity",
        symbol: format!("L_uniform(t={t})"),
        value: None,
        why_absent: None,
        standard_error: None,
        floor: Some(measure::uniformity_floor(rows.dim, t)),
        ceiling: Some(0.0),
        formula: "log mean over pairs of exp(−t‖x − y‖²), plain L2 normalisation".into(),
        population: String::new(),
        reading: "the floor when spread evenly over the sphere, 0 when all vectors are one",
    };
    match measured {
        Ok(result) => {
            figure.value = Some(result.value);
            figure.standard_error = result.standard_error;
            let population = grouped(result.population);
            let chosen = match request.sample_pairs {
                Some(_) => format!(
                    "{} of {population} unordered {words}pairs, drawn with seed {},",
                    grouped(result.pairs),
                    request.seed
                ),
                None => format!("all {population} unordered {words}pairs"),
            };
            figure.population = format!(
                "{chosen} of {} un-augmented vectors",
                grouped(rows.len() as u128)
            );
        }
        Err(MeasureError::Cancelled(cancelled)) => return Err(cancelled.into()),
        Err(error) => figure.why_absent = Some(error.to_string()),
    }
    Ok(figure)
}

fn top1(extraction: &Extraction, images: &ImageSet) -> Figure {
    let mut figure = Figure {
        name: "top-1",
        symbol: "top-1".into(),
        value: None,
        why_absent: None,
        standard_error: None,
        floor: Some(0.0),
        ceiling: Some(1.0),
        formula: "share of images whose class has the classifier's greatest output".into(),
        population: String::new(),
        reading: "accuracy of the checkpoint's own classifier on these images",
    };
    match classified(extraction, images) {
        Ok((logits, labels)) => {
            let correct = argmax_rows(&logits.values, logits.classes)
                .zip(&labels)
                .filter(|(predicted, label)| predicted == *label)
                .count();
            figure.value = Some(correct as f64 / labels.len() as f64);
            figure.population = format!(
                "{correct} of {} images right, {} classes in the set's order",
                labels.len(),
                logits.classes
            );
        }
        Err(why) => figure.why_absent = Some(why),
    }
    figure
}

/// Classifier outputs and labels when they speak of the same classes.
fn classified<'a>(
    extraction: &'a Extraction,
    images: &ImageSet,
) -> Result<(&'a crate::features::Logits, Vec<u32>), String> {
    let logits = extraction.logits.as_ref().ok_or(
        "the checkpoint has no linear classifier, or it reads another stage than the chosen one",
    )?;
    let records = images.records();
    let labels = logits
        .images
        .iter()
        .map(|&image| records[image as usize].label)
        .collect::<Option<Vec<u32>>>()
        .ok_or("the images have no class labels")?;
    if images.classes().len() == logits.classes {
        Ok((logits, labels))
    } else {
        Err(format!(
            "the classifier has {} classes, the images have {}",
            logits.classes,
            images.classes().len()
        ))
    }
}

fn argmax_rows(values: &[f32], classes: usize) -> impl Iterator<Item = u32> {
    values.chunks_exact(classes.max(1)).map(|row| {
        row.iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(class, _)| class as u32)
    })
}

fn predictions(extraction: &Extraction, image_count: usize) -> Option<Vec<Option<u32>>> {
    let logits = extraction.logits.as_ref()?;
    let mut predictions = vec![None; image_count];
    for (class, &image) in argmax_rows(&logits.values, logits.classes).zip(&logits.images) {
        predictions[image as usize] = Some(class);
    }
    Some(predictions)
}
