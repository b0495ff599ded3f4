//! The collapse verdict of an encoder: pooled, dense and projected features side by side, and what
//! centring first would have made of them.

use serde::Serialize;
use serde_json::json;

use super::{
    Analysis, AnalysisError, Cache, Request, embed,
    inputs::{check_finite, preprocess},
    result::extraction_request,
};
use crate::{
    compute::{Compute, DeviceReport},
    features::{FeatureKind, FeatureSet, Provenance, extract},
    geometry::{normalise_rows, row_norm},
    measure::{
        MeasureError, Rows,
        collapse::{self, Diagnosis, DiagnosisSettings, THRESHOLDS},
    },
    progress::Progress,
    projection::to_circle,
};

/// Points of each picture of the lesson, at most: every n-th row.
const LESSON_POINTS: usize = 1500;
/// Rows of the lesson's figures, at most: every n-th.
const LESSON_ROWS: usize = 4000;
/// Centred rows below this share of the rows' mean norm are rounding of f32, not directions.
const RESIDUE: f64 = 1e-6;

/// The verdict on one kind of features, or why there is none.
#[derive(Clone, Debug, Serialize)]
pub struct KindDiagnosis {
    /// Which vectors.
    pub kind: FeatureKind,
    /// Where they come from; `None` when they could not be made.
    pub provenance: Option<Provenance>,
    /// Figures and verdict.
    pub diagnosis: Option<Diagnosis>,
    /// Why there are none.
    pub why_absent: Option<String>,
}

/// Rows as one way of normalising leaves them.
#[derive(Clone, Debug, Serialize)]
pub struct LessonSide {
    /// How they were normalised.
    pub how: &'static str,
    /// L_uniform(t) of them.
    pub uniformity: f64,
    /// Mean cosine of pairs.
    pub mean_cosine: f64,
    /// Places on S¹ by PCA without centring.
    #[serde(skip)]
    pub points: Vec<[f32; 2]>,
}

/// How other viewers hide collapse: the same rows, normalised plainly and after centring.
#[derive(Clone, Debug, Serialize)]
pub struct Lesson {
    /// Rows that were looked at.
    pub rows: usize,
    /// Rows that there are.
    pub of: usize,
    /// Temperature t.
    pub t: f64,
    /// Plain L2.
    pub plain: LessonSide,
    /// Mean taken off first.
    pub centred: LessonSide,
}

/// The verdicts of an encoder over an image set.
#[derive(Clone, Debug)]
pub struct DiagnosisReport {
    /// What was asked.
    pub request: Request,
    /// The kind that was asked for first, then the others.
    pub kinds: Vec<KindDiagnosis>,
    /// Plain and centred; `None` for fewer than two vectors.
    pub lesson: Option<Lesson>,
    /// What computed it.
    pub device: DeviceReport,
}

impl DiagnosisReport {
    /// The diagnosis of the kind that was asked for.
    pub fn main(&self) -> Option<&Diagnosis> {
        self.kinds.first().and_then(|kind| kind.diagnosis.as_ref())
    }

    /// The command that gives the same without a window.
    pub fn command_line(&self) -> String {
        let line = self.request.command_line();
        line.replacen("spherescope measure", "spherescope diagnose", 1)
    }

    /// Everything with what decides it.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "command": self.command_line(),
            "request": self.request,
            "device": self.device,
            "normalisation_of_features": "plain L2",
            "thresholds": THRESHOLDS,
            "kinds": self.kinds,
            "lesson": self.lesson,
        })
    }
}

/// Figures and verdict of a feature set, whose unit rows are `unit`.
///
/// # Errors
/// As [`collapse::diagnose`].
pub fn diagnose_features(
    features: &FeatureSet,
    unit: &[f32],
    request: &Request,
    progress: &Progress,
) -> Result<Diagnosis, MeasureError> {
    let settings = DiagnosisSettings {
        images: features.kind.is_dense().then_some(&features.images[..]),
        labels: features.labels.as_deref(),
        t: request.t,
        seed: request.seed,
    };
    collapse::diagnose(Rows::new(unit, features.dim)?, settings, progress)
}

/// The verdict on what is shown already, without a forward pass: what a frame of a run gets.
///
/// # Errors
/// When asked to stop; a set that cannot be judged says why in its place.
pub fn diagnose_shown(
    analysis: &Analysis,
    progress: &Progress,
) -> Result<DiagnosisReport, AnalysisError> {
    let features = &analysis.features;
    Ok(DiagnosisReport {
        request: analysis.request.clone(),
        kinds: vec![judged(
            features,
            &analysis.unit,
            &analysis.request,
            progress,
        )?],
        lesson: lesson(features, &analysis.unit, analysis.request.t, progress)?,
        device: analysis.device.clone(),
    })
}

/// The verdicts on pooled, dense and projected features of a request's encoder over its images; the
/// request's own kind comes first. `shown` are results that the request has had already: they are not
/// computed again. Kinds that the encoder lacks say so.
///
/// # Errors
/// See [`AnalysisError`], for the request's own kind.
pub fn diagnose(
    request: &Request,
    shown: Option<&Analysis>,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<DiagnosisReport, AnalysisError> {
    let mut report = if let Some(analysis) = shown {
        diagnose_shown(analysis, progress)?
    } else {
        let embedding = embed(request, compute, cache, progress)?;
        let features = &embedding.extraction.features;
        check_finite(features, &embedding.images)?;
        let unit = features.unit_rows();
        DiagnosisReport {
            request: request.clone(),
            kinds: vec![judged(features, &unit, request, progress)?],
            lesson: lesson(features, &unit, request.t, progress)?,
            device: compute.report().clone(),
        }
    };
    for kind in FeatureKind::ALL {
        // Hardly any checkpoint has a dense head: its absence is no news.
        let is_usual = kind != FeatureKind::ProjectedDense;
        if kind == request.kind {
            continue;
        }
        let found = another(request, kind, compute, cache, progress)?;
        if is_usual || found.diagnosis.is_some() {
            report.kinds.push(found);
        }
    }
    Ok(report)
}

/// The verdict on a request's own kind of features alone: what a row of many encoders gets.
///
/// # Errors
/// See [`AnalysisError`].
pub fn diagnose_kind(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<KindDiagnosis, AnalysisError> {
    let embedding = embed(request, compute, cache, progress)?;
    let features = &embedding.extraction.features;
    check_finite(features, &embedding.images)?;
    judged(features, &features.unit_rows(), request, progress)
}

/// The verdict on another kind of the same encoder over the same images.
fn another(
    request: &Request,
    kind: FeatureKind,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<KindDiagnosis, AnalysisError> {
    let request = Request {
        kind,
        // A stage chosen for one kind may have no meaning for the other.
        stage: request
            .stage
            .filter(|_| kind.is_dense() == request.kind.is_dense()),
        ..request.clone()
    };
    let loaded = cache.model(&request, compute, progress)?;
    let (images, _) = cache.images(&request.images, progress)?;
    let preprocess = preprocess(&request, &loaded.report);
    let (what, _) = extraction_request(&request, preprocess, images.len());
    let absent = |why: String| KindDiagnosis {
        kind,
        provenance: None,
        diagnosis: None,
        why_absent: Some(why),
    };
    let found = extract(&loaded.model, &images, &what, compute, progress)
        .map_err(AnalysisError::from)
        .and_then(|extraction| check_finite(&extraction.features, &images).map(|()| extraction));
    match found {
        Ok(extraction) => {
            let unit = extraction.features.unit_rows();
            judged(&extraction.features, &unit, &request, progress)
        }
        Err(error) if error.is_cancelled() || progress.is_cancelled() => Err(error),
        Err(error) => Ok(absent(error.to_string())),
    }
}

fn judged(
    features: &FeatureSet,
    unit: &[f32],
    request: &Request,
    progress: &Progress,
) -> Result<KindDiagnosis, AnalysisError> {
    let provenance = Some(features.provenance.clone());
    let (diagnosis, why_absent) = match diagnose_features(features, unit, request, progress) {
        Ok(diagnosis) => (Some(diagnosis), None),
        Err(MeasureError::Cancelled(cancelled)) => return Err(cancelled.into()),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(KindDiagnosis {
        kind: features.kind,
        provenance,
        diagnosis,
        why_absent,
    })
}

/// Every n-th row, so that at most `most` are left.
fn thinned(values: &[f32], dim: usize, most: usize) -> Vec<f32> {
    let every = (values.len() / dim.max(1)).div_ceil(most).max(1);
    values
        .chunks_exact(dim.max(1))
        .step_by(every)
        .flatten()
        .copied()
        .collect()
}

/// Takes the mean row off and normalises. What is left of equal rows is rounding: it becomes zero,
/// which has no direction either.
fn centre(values: &mut [f32], dim: usize) {
    let rows = values.len() / dim;
    let mut mean = vec![0.0_f64; dim];
    let mut length = 0.0;
    for row in values.chunks_exact(dim) {
        length += row_norm(row) / rows as f64;
        for (mean, value) in mean.iter_mut().zip(row) {
            *mean += f64::from(*value) / rows as f64;
        }
    }
    for row in values.chunks_exact_mut(dim) {
        for (value, mean) in row.iter_mut().zip(&mean) {
            *value = (f64::from(*value) - mean) as f32;
        }
        if row_norm(row) <= RESIDUE * length {
            row.fill(0.0);
        }
    }
    normalise_rows(values, dim);
}

/// What centring first would hide; nothing where there is nothing to compare.
///
/// # Errors
/// When asked to stop.
fn lesson(
    features: &FeatureSet,
    unit: &[f32],
    t: f64,
    progress: &Progress,
) -> Result<Option<Lesson>, AnalysisError> {
    match compared(features, unit, t, progress) {
        Err(error) if !error.is_cancelled() => {
            log::warn!("no comparison with centred features: {error}");
            Ok(None)
        }
        compared => compared,
    }
}

fn compared(
    features: &FeatureSet,
    unit: &[f32],
    t: f64,
    progress: &Progress,
) -> Result<Option<Lesson>, AnalysisError> {
    let dim = features.dim;
    if features.len() < 2 || dim == 0 {
        return Ok(None);
    }
    let plain = thinned(unit, dim, LESSON_ROWS);
    let mut centred = thinned(&features.values, dim, LESSON_ROWS);
    let rows = centred.len() / dim;
    centre(&mut centred, dim);
    let side = |how, values: &[f32]| -> Result<LessonSide, AnalysisError> {
        let rows = Rows::new(values, dim)?;
        let uniformity =
            crate::measure::uniformity(rows, t, crate::measure::PairSet::All, progress)?.value;
        let (n, length) = (rows.len() as f64, crate::measure::mean_norm(rows)?);
        let drawn = thinned(values, dim, LESSON_POINTS);
        Ok(LessonSide {
            how,
            uniformity,
            mean_cosine: (n * length * length - 1.0) / (n - 1.0),
            points: to_circle(Rows::new(&drawn, dim)?, progress)?.coords,
        })
    };
    Ok(Some(Lesson {
        rows,
        of: features.len(),
        t,
        plain: side("plain L2", &plain)?,
        centred: side("mean taken off, then L2", &centred)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{PairSet, uniformity};

    #[test]
    fn equal_rows_have_no_direction_once_they_are_centred() {
        let row = [0.1_f32, -3.7, 1.0 / 3.0, 41.3, 7e-4];
        let mut values = row.repeat(300);
        centre(&mut values, row.len());
        assert!(values.iter().all(|value| *value == 0.0));
        let rows = Rows::new(&values, row.len()).unwrap();
        let found = uniformity(rows, 2.0, PairSet::All, &Progress::none()).unwrap();
        assert!(found.value.is_finite());
    }

    #[test]
    fn centring_keeps_small_differences() {
        let mut values = vec![10.0_f32, 1.0, 10.0, 1.001];
        centre(&mut values, 2);
        assert!((values[1] + 1.0).abs() < 1e-6 && (values[3] - 1.0).abs() < 1e-6);
        assert_eq!((values[0], values[2]), (0.0, 0.0));
    }
}
