//! Whether, how and where a representation has collapsed.
//!
//! [`diagnose`] measures unit rows and judges them: the eigen-spectrum and the figures read from it
//! ([`Spectrum`]), pair cosines ([`Cosines`]), locations of images ([`Spatial`]), prototypes
//! ([`Prototypes`]), each beside what features uniform on the sphere would give at the same N and d
//! ([`UniformLaw`]), and a [`Verdict`] with the numbers that decided. Figures are of plain L2
//! normalised rows: centring first would make a collapsed encoder look uniform.

mod bunches;
mod cosines;
mod dimensions;
mod evidence;
mod figures;
mod prototypes;
mod rules;
mod spatial;
mod spectrum;
mod thresholds;
mod uniform_law;
mod verdict;

pub use cosines::{COSINE_BINS, COSINE_ROWS, Cosines, cosine_histogram};
pub use evidence::{Evidence, Reading};
pub use figures::{CollapseFigure, EXACT_UNIFORMITY_ROWS};
pub use prototypes::{MOST_CLUSTERS, PROTOTYPE_ROWS, Prototypes, SEPARATION, prototypes};
pub use spatial::{Spatial, spatial, tolerance};
pub use spectrum::{MAX_SIDE, Spectrum};
pub use thresholds::{THRESHOLDS, Thresholds};
pub use uniform_law::{UniformLaw, cosine_density};
pub use verdict::{Collapse, NonNegative, Verdict};

use serde::Serialize;

use super::{MeasureError, Rows, std_sqrt_d};
use crate::{geometry::row_norm, progress::Progress};
use figures::sampled_uniformity;
use rules::{Findings, judge};

/// What is known of the rows besides their numbers, and what is measured with.
#[derive(Clone, Copy, Debug)]
pub struct DiagnosisSettings<'a> {
    /// Image of each row, for dense features.
    pub images: Option<&'a [u32]>,
    /// Class of each row.
    pub labels: Option<&'a [u32]>,
    /// Temperature of every uniformity.
    pub t: f64,
    /// Seed of samples and clusterings.
    pub seed: u64,
}

/// Every collapse figure of a set of unit rows, and the verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// What the rules say.
    pub verdict: Verdict,
    /// Rows given.
    pub rows: usize,
    /// Rows of zeros, which have no direction and are left out of everything below.
    pub zero_rows: usize,
    /// d.
    pub dim: usize,
    /// The figures with their references, in the order of tables.
    pub figures: Vec<CollapseFigure>,
    /// Second moments; `None` when every row is zero.
    pub spectrum: Option<Spectrum>,
    /// Eigenvalues of the covariance that uniform features would have at this N and d.
    pub even_spectrum: Vec<f64>,
    /// Pair cosines; `None` for fewer than two rows.
    pub cosines: Option<Cosines>,
    /// Locations within and between images; `None` for features without locations.
    pub spatial: Option<Spatial>,
    /// Prototypes; `None` for few rows.
    pub prototypes: Option<Prototypes>,
}

/// Measures unit rows and judges them.
///
/// Sums over all rows are exact; what is sampled says so in its own figure. Memory: the smaller
/// Gram matrix in f64, and one copy of the rows.
///
/// # Errors
/// [`MeasureError`] for no rows, rows that are not finite or not of unit (or zero) length, images or
/// labels that don't fit, min(N, d) beyond [`MAX_SIDE`], or a cancel.
pub fn diagnose(
    x: Rows<'_>,
    settings: DiagnosisSettings<'_>,
    progress: &Progress,
) -> Result<Diagnosis, MeasureError> {
    x.check_unit("the collapse verdict", 1)?;
    for (what, groups) in [
        ("images of the rows", settings.images),
        ("labels of the rows", settings.labels),
    ] {
        if let Some(groups) = groups
            && groups.len() != x.len()
        {
            return Err(MeasureError::Mismatch {
                what,
                expected: x.len(),
                found: groups.len(),
            });
        }
    }
    let alive: Vec<usize> = (0..x.len()).filter(|&i| row_norm(x.row(i)) > 0.5).collect();
    let zero_rows = x.len() - alive.len();
    if zero_rows == 0 {
        return measured(x, settings, 0, progress);
    }
    if alive.is_empty() {
        return Ok(all_zero(x));
    }
    let values: Vec<f32> = alive.iter().flat_map(|&i| x.row(i)).copied().collect();
    let kept = |groups: Option<&[u32]>| -> Option<Vec<u32>> {
        groups.map(|groups| alive.iter().map(|&i| groups[i]).collect())
    };
    let (images, labels) = (kept(settings.images), kept(settings.labels));
    let settings = DiagnosisSettings {
        images: images.as_deref(),
        labels: labels.as_deref(),
        ..settings
    };
    measured(Rows::new(&values, x.dim)?, settings, zero_rows, progress)
}

/// The verdict on rows that are all zero.
fn all_zero(x: Rows<'_>) -> Diagnosis {
    Diagnosis {
        verdict: Verdict {
            collapses: vec![Collapse::Complete],
            warnings: vec!["Every vector is zero: none has a direction".into()],
            ..Verdict::default()
        }
        .with_zeros(x.len(), x.len()),
        rows: x.len(),
        zero_rows: x.len(),
        dim: x.dim,
        figures: Vec::new(),
        spectrum: None,
        even_spectrum: Vec::new(),
        cosines: None,
        spatial: None,
        prototypes: None,
    }
}

fn measured(
    x: Rows<'_>,
    settings: DiagnosisSettings<'_>,
    zero_rows: usize,
    progress: &Progress,
) -> Result<Diagnosis, MeasureError> {
    let DiagnosisSettings {
        images,
        labels,
        t,
        seed,
    } = settings;
    let spectrum = Spectrum::new(x, progress)?;
    let spatial = match images {
        Some(images) => spatial(x, images, t, progress)?,
        None => None,
    };
    let image_values = match (images, &spatial) {
        (Some(images), Some(found)) if found.share() <= THRESHOLDS.spatial_share => {
            Some(spatial::image_rows(x, images))
        }
        _ => None,
    };
    let image_rows = match &image_values {
        Some(values) => Some(Rows::new(values, x.dim)?),
        None => None,
    };
    let image_spectrum = match image_rows {
        Some(rows) if !rows.is_empty() => Some(Spectrum::new(rows, progress)?),
        _ => None,
    };
    let prototypes = prototypes(image_rows.unwrap_or(x), t, seed, progress)?;
    let cosines = match x.len() {
        0 | 1 => None,
        _ => Some(cosine_histogram(x, seed, progress)?),
    };
    let warnings = warnings(x, zero_rows);
    let verdict = if x.dim < 2 {
        Verdict::undecided(
            "features of one dimension have two directions, −1 and 1".into(),
            warnings,
        )
    } else if x.len() < THRESHOLDS.least_rows {
        let least = THRESHOLDS.least_rows;
        Verdict::undecided(
            format!("{} vectors are too few, {least} are needed", x.len()),
            warnings,
        )
    } else {
        let findings = Findings {
            spectrum: &spectrum,
            spatial: spatial.as_ref(),
            image_spectrum: image_spectrum.as_ref(),
            prototypes: prototypes.as_ref(),
            is_non_negative: x.values.iter().all(|value| *value >= 0.0),
        };
        judge(&findings, warnings)
    }
    .with_zeros(zero_rows, x.len() + zero_rows);
    let measured = figures::Measured {
        spectrum: &spectrum,
        std_sqrt_d: std_sqrt_d(x).ok(),
        uniformity: sampled_uniformity(x, t, seed, progress)?,
        t,
        tolerance: match labels {
            Some(labels) => tolerance(x, labels)?,
            None => None,
        },
        has_labels: labels.is_some(),
        spatial: spatial.as_ref(),
        prototypes: prototypes.as_ref(),
    };
    Ok(Diagnosis {
        verdict,
        rows: x.len() + zero_rows,
        zero_rows,
        dim: x.dim,
        figures: figures::figures(&measured),
        even_spectrum: UniformLaw {
            samples: x.len(),
            dim: x.dim,
        }
        .eigenvalues(),
        spectrum: Some(spectrum),
        cosines,
        spatial,
        prototypes,
    })
}

fn warnings(x: Rows<'_>, zero_rows: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if x.len() <= x.dim {
        warnings.push(format!(
            "{} vectors in {} dimensions: ranks are at most {}, and directions beyond that cannot \
             be seen. Use more images",
            x.len(),
            x.dim,
            x.len().saturating_sub(1)
        ));
    }
    if zero_rows > 0 {
        warnings.push(format!(
            "{zero_rows} of {} vectors are zero and have no direction: they are left out",
            x.len() + zero_rows
        ));
    }
    warnings
}
