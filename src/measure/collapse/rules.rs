//! The rules that turn collapse figures into a verdict.
//!
//! No single number sees every failure: uniformity hardly sees a lost dimension, ranks hardly see a
//! cone, and a set of well separated classes has the spectrum of a subspace. So each kind of collapse
//! has a rule of its own, and a set may fall under several.

use super::{
    dimensions::lost_dimensions,
    evidence::Evidence,
    prototypes::{Prototypes, SEPARATION},
    spatial::Spatial,
    spectrum::Spectrum,
    thresholds::THRESHOLDS,
    uniform_law::UniformLaw,
    verdict::{Collapse, NonNegative, Verdict},
};

/// What is judged.
pub(super) struct Findings<'a> {
    /// Moments of all unit rows.
    pub spectrum: &'a Spectrum,
    /// Within and between images.
    pub spatial: Option<&'a Spatial>,
    /// Moments of one row an image, for rows that have collapsed spatially.
    pub image_spectrum: Option<&'a Spectrum>,
    /// Prototypes of the rows that are judged.
    pub prototypes: Option<&'a Prototypes>,
    /// Whether no entry of any row is below 0, as behind a `ReLU`.
    pub is_non_negative: bool,
}

/// Applies the rules.
pub(super) fn judge(findings: &Findings<'_>, warnings: Vec<String>) -> Verdict {
    let mut verdict = Verdict {
        warnings,
        ..Verdict::default()
    };
    if is_complete(findings.spectrum, &mut verdict) {
        verdict.collapses.push(Collapse::Complete);
        return verdict;
    }
    let has_mean = is_cone(findings, &mut verdict);
    let is_spatial = findings
        .spatial
        .is_some_and(|spatial| is_spatial(spatial, &mut verdict));
    if is_spatial {
        verdict.collapses.push(Collapse::Spatial);
    }
    let spectrum = match findings.image_spectrum {
        Some(images) if is_spatial => {
            if images.n < THRESHOLDS.least_rows {
                verdict.warnings.push(format!(
                    "With spatial collapse each image counts once, and {} images are too few to \
                     judge directions by",
                    images.n
                ));
                return verdict;
            }
            images
        }
        _ => findings.spectrum,
    };
    let coagulated = findings
        .prototypes
        .filter(|prototypes| is_coagulated(prototypes, &mut verdict))
        .map(|prototypes| prototypes.separated);
    // Locations of one image are no independent draws.
    let draws = match findings.spatial {
        Some(spatial) if !is_spatial => spatial.images,
        _ => spectrum.n,
    };
    if let Some(effective) = lost_dimensions(spectrum, draws, has_mean, &mut verdict.evidence) {
        // K points have up to K − 1 directions between them: clearly fewer are lost ones.
        let is_explained = coagulated.is_some_and(|prototypes| {
            let most = (prototypes - 1).min(spectrum.dim);
            effective as f64 >= THRESHOLDS.explained_share * most as f64
        });
        if !is_explained {
            verdict.collapses.push(Collapse::Dimensional {
                effective,
                of: spectrum.dim,
            });
        }
    }
    if let Some(prototypes) = coagulated {
        verdict.collapses.push(Collapse::Coagulation { prototypes });
    }
    verdict
}

fn is_complete(spectrum: &Spectrum, verdict: &mut Verdict) -> bool {
    let threshold = THRESHOLDS.complete_cosine;
    let found = Evidence::at_least(
        ["complete", "mean cosine of pairs", "mean x·y"],
        spectrum.mean_cosine(),
        threshold,
        format!("complete when the mean cosine of pairs is {threshold} or more"),
    );
    let is_met = found.is_met;
    verdict.evidence.push(found);
    is_met
}

/// Judges how far all rows point one way; whether they do, be it a failure or not.
///
/// Locations of one image resemble each other, so that for dense features images are what counts:
/// pairs of different ones, and as many independent draws as there are images. Rows without a
/// negative entry lie in a cone by construction, and are measured from what such rows give when they
/// are even.
fn is_cone(findings: &Findings<'_>, verdict: &mut Verdict) -> bool {
    let (value, draws) = match findings.spatial {
        Some(spatial) => (spatial.between_cosine, spatial.images),
        None => (findings.spectrum.mean_cosine(), findings.spectrum.n),
    };
    let dim = findings.spectrum.dim;
    // The mean cosine of pairs of n uniform draws has the variance 2 / (n (n − 1) d).
    let pairs = draws as f64 * (draws as f64 - 1.0) * dim as f64;
    let deviations = THRESHOLDS.cone_deviations;
    let chance = deviations * (2.0 / pairs).sqrt();
    let even = if findings.is_non_negative {
        UniformLaw::orthant_cosine(dim)
    } else {
        0.0
    };
    let share = THRESHOLDS.cone_cosine;
    let threshold = even + share.max(chance) * (1.0 - even);
    let what = match findings.spatial {
        Some(_) => "mean cosine of pairs of different images",
        None => "mean cosine of pairs",
    };
    let rule = if findings.is_non_negative {
        format!(
            "no entry is negative: a cone when the mean cosine lies {share} or more of the way from \
             {even:.3}, what vectors give that are even over all non-negative directions, to 1"
        )
    } else {
        format!(
            "cone when the mean cosine of pairs is below {} and at least {share}, and {deviations} \
             standard deviations of what {draws} uniform draws give",
            THRESHOLDS.complete_cosine
        )
    };
    let mut found = Evidence::at_least(["cone", what, "mean x·y"], value, threshold, rule);
    found.even = even;
    let is_met = found.is_met;
    verdict.evidence.push(found);
    if is_met {
        verdict.collapses.push(Collapse::Cone);
    }
    if !findings.is_non_negative {
        return is_met;
    }
    verdict.non_negative = Some(NonNegative {
        mean_cosine: value,
        even,
        least: 1.0 / dim as f64,
    });
    let mut sign = Evidence::at_most(
        ["cone", "entries below 0", "share of z < 0"],
        0.0,
        0.0,
        "features that cannot be negative, as behind a ReLU, lie in a cone by construction: a \
         property of the outputs"
            .into(),
    );
    sign.even = 0.5;
    verdict.evidence.push(sign.property());
    value >= share
}

fn is_spatial(spatial: &Spatial, verdict: &mut Verdict) -> bool {
    let threshold = THRESHOLDS.spatial_share;
    let found = Evidence::at_most(
        [
            "spatial",
            "spread within images over spread between",
            "(1 − cos within) / (1 − cos between)",
        ],
        spatial.share(),
        threshold,
        format!(
            "spatial when locations of one image differ by {threshold} or less of what those of \
             two images differ by"
        ),
    );
    let is_met = found.is_met;
    verdict.evidence.push(found);
    is_met
}

fn is_coagulated(prototypes: &Prototypes, verdict: &mut Verdict) -> bool {
    let threshold = THRESHOLDS.coagulation_share;
    // Without separated bunches all variance is within the one there is.
    let value = if prototypes.are_separated {
        prototypes.within_share
    } else {
        1.0
    };
    let found = Evidence::at_most(
        [
            "coagulation",
            "variance within separated prototypes",
            "within / all",
        ],
        value,
        threshold,
        format!(
            "coagulation when two or more prototypes lie more than {SEPARATION} widths apart and \
             {threshold} or less of the variance is within them"
        ),
    );
    let is_met = found.is_met;
    verdict.evidence.push(found);
    is_met
}
