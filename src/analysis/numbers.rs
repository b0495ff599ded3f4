//! The figures of an analysis, each with its formula and population.

use super::{
    AnalysisError, Figure, Numbers, PairSetKind, Request,
    figures::grouped,
    positives::{Positives, view_augmentation, views_population},
};
use crate::{
    data::ImageSet,
    features::{Extraction, GEOMETRIC_RADIUS, Logits, MatchingRule, unit_tensor},
    measure::{self, MeasureError, PairSet, Rows},
    progress::Progress,
};

/// Said of a figure or picture that is still to come.
pub(super) const PENDING: &str = "still being measured";

type Measured = Result<f64, MeasureError>;

/// The figures that take no time; alignment and uniformity are still pending.
pub(super) fn at_once(
    request: &Request,
    extraction: &Extraction,
    rows: Rows<'_>,
    images: &ImageSet,
) -> Numbers {
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
    Numbers {
        alignment: pending_alignment(request.alpha),
        uniformity: pending_uniformity(request.t, rows.dim),
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
    }
}

fn pending_alignment(alpha: f64) -> Figure {
    Figure {
        name: "alignment",
        symbol: format!("L_align(α={alpha})"),
        value: None,
        why_absent: Some(PENDING.into()),
        standard_error: None,
        floor: Some(0.0),
        ceiling: Some(2.0_f64.powf(alpha)),
        formula: "mean over positive pairs of ‖x − y‖^α, plain L2 normalisation".into(),
        population: String::new(),
        reading: "0 when both of a pair land on one point; lower is better aligned",
    }
}

/// L_align over the positive pairs.
pub(super) fn alignment(
    request: &Request,
    rows: Rows<'_>,
    positives: &Positives,
    side: u32,
    progress: &Progress,
) -> Result<Figure, AnalysisError> {
    let alpha = request.alpha;
    let mut figure = Figure {
        why_absent: None,
        ..pending_alignment(alpha)
    };
    match positives {
        Positives::Views(pairs) => {
            figure.value = Some(measure::alignment_of_distances(&pairs.distances, alpha)?);
            figure.population = views_population(pairs);
            if request.kind.is_dense() {
                figure.population += &format!(", matching {}", request.matching);
                if request.matching == MatchingRule::Geometric {
                    figure.population +=
                        &format!(" within {GEOMETRIC_RADIUS} half-diagonals of a cell");
                }
            }
            figure.population += &format!(
                ", augmentation {} at {side} px, seed {}",
                view_augmentation().name(),
                request.seed
            );
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

fn pending_uniformity(t: f64, dim: usize) -> Figure {
    Figure {
        name: "uniformity",
        symbol: format!("L_uniform(t={t})"),
        value: None,
        why_absent: Some(PENDING.into()),
        standard_error: None,
        floor: Some(measure::uniformity_floor(dim, t)),
        ceiling: Some(0.0),
        formula: "log mean over pairs of exp(−t‖x − y‖²), plain L2 normalisation".into(),
        population: String::new(),
        reading: "the floor when spread evenly over the sphere, 0 when all vectors are one",
    }
}

/// L_uniform over the request's pair set.
pub(super) fn uniformity(
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
            (Some(raw), PairSetKind::All) if t <= measure::MAX_T_ON_DEVICE => {
                measure::uniformity_on_device(&unit_tensor(raw.clone()), t, progress)
            }
            _ => measure::uniformity(rows, t, pairs, progress),
        },
    };
    let mut figure = Figure {
        why_absent: None,
        ..pending_uniformity(t, rows.dim)
    };
    match measured {
        Ok(result) => {
            figure.value = Some(result.value);
            figure.standard_error = result.standard_error;
            let population = grouped(result.population);
            let chosen = match request.sample_pairs {
                Some(_) => format!(
                    "{} draws (with replacement) from {population} unordered {words}pairs, seed {},",
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
            let rows = Rows::new(&logits.values, logits.classes);
            match rows.and_then(|rows| measure::top1(rows, &labels)) {
                Ok(value) => figure.value = Some(value),
                Err(error) => figure.why_absent = Some(error.to_string()),
            }
            figure.population = format!(
                "{} images; the classifier's {} outputs are taken in the order of the set's classes",
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
) -> Result<(&'a Logits, Vec<u32>), String> {
    let logits = extraction.logits.as_ref().ok_or(
        "the checkpoint has no linear classifier, or it reads another stage than the chosen one, \
         or images were so large that they went through in tiles",
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
        // The first of equals, as `measure::top1` and PyTorch have it.
        row.iter()
            .enumerate()
            .min_by(|a, b| b.1.total_cmp(a.1))
            .map_or(0, |(class, _)| class as u32)
    })
}

/// Class that the checkpoint's own classifier gives to each image, by index in the set.
pub(super) fn predictions(extraction: &Extraction, image_count: usize) -> Option<Vec<Option<u32>>> {
    let logits = extraction.logits.as_ref()?;
    let mut predictions = vec![None; image_count];
    for (class, &image) in argmax_rows(&logits.values, logits.classes).zip(&logits.images) {
        predictions[image as usize] = Some(class);
    }
    Some(predictions)
}
