//! The rules that turn collapse figures into words.
//!
//! No single number sees every failure: uniformity hardly sees a lost dimension, ranks hardly see a
//! cone, and a set of well separated classes has the spectrum of a subspace. So each kind of collapse
//! has a rule of its own, and a set may fall under several. [`THRESHOLDS`] is the one place where the
//! numbers stand; they cut continua, and where they cut is our choice, tuned on synthetic families
//! (`tests/collapse_verdicts.rs` holds them on seeds that they were not tuned on).

use serde::Serialize;

use super::{
    prototypes::Prototypes,
    spatial::Spatial,
    spectrum::Spectrum,
    uniform_law::{UniformLaw, marchenko_pastur},
};

/// Where the rules cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Fewer rows than this get no verdict.
    pub least_rows: usize,
    /// Complete: more than this share of the vectors is zero.
    pub zero_share: f64,
    /// Complete: mean cosine of pairs at least this.
    pub complete_cosine: f64,
    /// Cone: mean cosine of pairs at least this.
    pub cone_cosine: f64,
    /// Cone: and this many standard deviations of what as many uniform draws give.
    pub cone_deviations: f64,
    /// A direction is empty when its variance is below this share of what uniform features of as many
    /// rows would have in it.
    pub empty_level: f64,
    /// Dimensional: at most this share of the directions is not empty.
    pub filled_share: f64,
    /// Dimensional as well: the participation ratio is at most this share of what uniform features
    /// of as many rows have.
    pub participation_share: f64,
    /// And: [`energy`](Self::energy) of the variance lies in at most this share of the directions
    /// that it takes for uniform features. Classes of which each varies in all directions need
    /// more, however strong the few directions between them are.
    pub energy_share: f64,
    /// The share of the variance that is counted so.
    pub energy: f64,
    /// Dimensional, with fewer rows than dimensions: the shape of the spectrum's lower half is that
    /// of at most this share of the dimensions.
    pub tail_share: f64,
    /// Spatial: spread within images at most this share of the spread between them.
    pub spatial_share: f64,
    /// Coagulated prototypes explain a spectrum with at least this share of the directions that they
    /// can have between them, so that it is not called dimensional too.
    pub explained_share: f64,
    /// Coagulation: at most this share of the variance lies within separated prototypes.
    pub coagulation_share: f64,
}

/// The thresholds in force.
pub const THRESHOLDS: Thresholds = Thresholds {
    least_rows: 16,
    zero_share: 0.5,
    complete_cosine: 0.9,
    cone_cosine: 0.15,
    cone_deviations: 4.0,
    empty_level: 0.03,
    filled_share: 0.75,
    participation_share: 0.22,
    energy_share: 0.19,
    energy: 0.92,
    tail_share: 0.4,
    spatial_share: 0.1,
    explained_share: 0.8,
    coagulation_share: 0.06,
};

/// A kind of collapse, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Collapse {
    /// All vectors (nearly) one.
    Complete,
    /// Directions are lost.
    Dimensional {
        /// Directions that are not empty.
        effective: usize,
        /// Directions that there are: d.
        of: usize,
    },
    /// All vectors on one side.
    Cone,
    /// The locations of an image (nearly) one.
    Spatial,
    /// Prototypes apart, but nothing left within them.
    Coagulation {
        /// Separated prototypes.
        prototypes: usize,
    },
}

impl Collapse {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Dimensional { .. } => "dimensional",
            Self::Cone => "cone",
            Self::Spatial => "spatial",
            Self::Coagulation { .. } => "coagulation",
        }
    }

    /// What it says of the features.
    pub fn sentence(self) -> String {
        match self {
            Self::Complete => {
                "Complete collapse: all vectors are nearly one, whatever the image.".into()
            }
            Self::Dimensional { effective, of } => format!(
                "Dimensional collapse: about {effective} of {of} directions are used, the others \
                 are (nearly) empty."
            ),
            Self::Cone => {
                "A cone: all vectors share one direction, and differ only around it.".into()
            }
            Self::Spatial => {
                "Spatial collapse: the locations of an image say nearly the same.".into()
            }
            Self::Coagulation { prototypes } => format!(
                "Coagulation: {prototypes} prototypes lie apart, and vectors of one prototype are \
                 nearly one."
            ),
        }
    }
}

/// A number that decided, beside its threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The kind of collapse that it speaks for.
    pub of: &'static str,
    /// What was looked at, in words.
    pub what: &'static str,
    /// Its symbol.
    pub symbol: &'static str,
    /// Its value.
    pub value: f64,
    /// The threshold.
    pub threshold: f64,
    /// What uniform features of as many rows give.
    pub even: f64,
    /// Whether the value lies on the side of collapse.
    pub is_met: bool,
    /// The rule in words, with its threshold.
    pub rule: String,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Every kind of collapse that was found; empty when healthy or undecided.
    pub collapses: Vec<Collapse>,
    /// Why there is no verdict.
    pub undecided: Option<String>,
    /// The numbers that decided, in the order of the rules.
    pub evidence: Vec<Evidence>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// Vectors of zeros, which have no direction and were not judged with the others.
    pub zero_rows: usize,
}

impl Verdict {
    /// Counts vectors of zeros among `rows` in: when they are most, they are the collapse.
    pub(super) fn with_zeros(mut self, zero_rows: usize, rows: usize) -> Self {
        self.zero_rows = zero_rows;
        if zero_rows == 0 {
            return self;
        }
        let value = zero_rows as f64 / rows as f64;
        let threshold = THRESHOLDS.zero_share;
        let is_met = value > threshold;
        let evidence = Evidence {
            of: "complete",
            what: "share of the vectors that are zero",
            symbol: "zeros / N",
            value,
            threshold,
            even: 0.0,
            is_met,
            rule: format!("complete when more than {threshold} of the vectors are zero"),
        };
        self.evidence.insert(0, evidence);
        if is_met {
            self.undecided = None;
            self.collapses = vec![Collapse::Complete];
        }
        self
    }

    /// No verdict, and why.
    pub(super) fn undecided(why: String, warnings: Vec<String>) -> Self {
        Self {
            collapses: Vec::new(),
            undecided: Some(why),
            evidence: Vec::new(),
            warnings,
            zero_rows: 0,
        }
    }

    /// Whether a verdict was reached, nothing has collapsed and every vector has a direction.
    pub fn is_healthy(&self) -> bool {
        self.undecided.is_none() && self.collapses.is_empty() && self.zero_rows == 0
    }

    /// A few words: "healthy", "healthy but for 3 zero vectors", "dimensional 16 of 128 + cone".
    pub fn title(&self) -> String {
        if self.undecided.is_some() {
            return "no verdict".into();
        }
        if self.collapses.is_empty() {
            return match self.zero_rows {
                0 => "healthy".into(),
                zeros => format!("healthy but for {zeros} zero vectors"),
            };
        }
        let names = self.collapses.iter().map(|collapse| match collapse {
            Collapse::Dimensional { effective, of } => format!("dimensional {effective} of {of}"),
            Collapse::Coagulation { prototypes } => format!("coagulation on {prototypes}"),
            other => other.name().to_owned(),
        });
        names.collect::<Vec<_>>().join(" + ")
    }

    /// The verdict in sentences.
    pub fn sentences(&self) -> Vec<String> {
        if let Some(why) = &self.undecided {
            return vec![format!("No verdict: {why}.")];
        }
        if self.collapses.is_empty() && self.zero_rows > 0 {
            return vec![format!(
                "No rule of collapse is met by the other vectors, but {} are zero and have no \
                 direction.",
                self.zero_rows
            )];
        }
        if self.collapses.is_empty() {
            return vec![
                "Healthy: no rule of collapse is met. Vectors differ, fill their directions and \
                 point to all sides."
                    .into(),
            ];
        }
        self.collapses.iter().map(|c| c.sentence()).collect()
    }
}

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
}

/// Applies the rules.
pub(super) fn judge(findings: &Findings<'_>, warnings: Vec<String>) -> Verdict {
    let mut verdict = Verdict {
        collapses: Vec::new(),
        undecided: None,
        evidence: Vec::new(),
        warnings,
        zero_rows: 0,
    };
    if is_complete(findings.spectrum, &mut verdict) {
        verdict.collapses.push(Collapse::Complete);
        return verdict;
    }
    let is_cone = is_cone(findings, &mut verdict);
    if is_cone {
        verdict.collapses.push(Collapse::Cone);
    }
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
    let dimensional = dimensional(spectrum, is_cone, &mut verdict)
        .or_else(|| concentrated(spectrum, draws, &mut verdict))
        .or_else(|| short_tail(spectrum, &mut verdict));
    if let Some(effective) = dimensional {
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
    let value = spectrum.mean_cosine();
    let threshold = THRESHOLDS.complete_cosine;
    let is_met = value >= threshold;
    verdict.evidence.push(Evidence {
        of: "complete",
        what: "mean cosine of pairs",
        symbol: "mean x·y",
        value,
        threshold,
        even: 0.0,
        is_met,
        rule: format!("complete when the mean cosine of pairs is {threshold} or more"),
    });
    is_met
}

/// Locations of one image resemble each other, so that for dense features images are what counts:
/// pairs of different ones, and as many independent draws as there are images.
fn is_cone(findings: &Findings<'_>, verdict: &mut Verdict) -> bool {
    let (value, draws) = match findings.spatial {
        Some(spatial) => (spatial.between_cosine, spatial.images),
        None => (findings.spectrum.mean_cosine(), findings.spectrum.n),
    };
    // The mean cosine of pairs of n uniform draws has the variance 2 / (n (n − 1) d).
    let pairs = draws as f64 * (draws as f64 - 1.0) * findings.spectrum.dim as f64;
    let chance = THRESHOLDS.cone_deviations * (2.0 / pairs).sqrt();
    let threshold = THRESHOLDS.cone_cosine.max(chance);
    let is_met = value >= threshold;
    verdict.evidence.push(Evidence {
        of: "cone",
        what: match findings.spatial {
            Some(_) => "mean cosine of pairs of different images",
            None => "mean cosine of pairs",
        },
        symbol: "mean x·y",
        value,
        threshold,
        even: 0.0,
        is_met,
        rule: format!(
            "cone when the mean cosine of pairs is below {} and at least {}, and {} standard \
             deviations of what {draws} uniform draws give",
            THRESHOLDS.complete_cosine, THRESHOLDS.cone_cosine, THRESHOLDS.cone_deviations
        ),
    });
    is_met
}

fn is_spatial(spatial: &Spatial, verdict: &mut Verdict) -> bool {
    let value = spatial.share();
    let threshold = THRESHOLDS.spatial_share;
    let is_met = value <= threshold;
    verdict.evidence.push(Evidence {
        of: "spatial",
        what: "spread within images over spread between",
        symbol: "(1 − cos within) / (1 − cos between)",
        value,
        threshold,
        even: 1.0,
        is_met,
        rule: format!(
            "spatial when locations of one image differ by {threshold} or less of what those of \
             two images differ by"
        ),
    });
    is_met
}

fn is_coagulated(prototypes: &Prototypes, verdict: &mut Verdict) -> bool {
    let threshold = THRESHOLDS.coagulation_share;
    let is_met = prototypes.are_separated && prototypes.within_share <= threshold;
    // Without separated bunches all variance is within the one there is.
    let value = if prototypes.are_separated {
        prototypes.within_share
    } else {
        1.0
    };
    verdict.evidence.push(Evidence {
        of: "coagulation",
        what: "variance within separated prototypes",
        symbol: "within / all",
        value,
        threshold,
        even: 1.0,
        is_met,
        rule: format!(
            "coagulation when two or more prototypes lie more than {} spreads apart and {threshold} \
             or less of the variance is within them",
            super::prototypes::SEPARATION
        ),
    });
    is_met
}

/// Directions in use, when too few are.
fn dimensional(spectrum: &Spectrum, is_cone: bool, verdict: &mut Verdict) -> Option<usize> {
    let law = UniformLaw {
        samples: spectrum.n,
        dim: spectrum.dim,
    };
    let even = law.eigenvalues();
    // A mean that is far from 0 takes its own direction: on the sphere rows hardly vary along it.
    let own = usize::from(is_cone && spectrum.dim <= spectrum.n);
    let visible = even.len().saturating_sub(own);
    if visible == 0 {
        return None;
    }
    let total: f64 = even.iter().sum();
    let scale = spectrum.variance() / total.max(f64::MIN_POSITIVE);
    let filled = spectrum
        .covariance
        .iter()
        .zip(&even)
        .filter(|(value, even)| **value >= THRESHOLDS.empty_level * scale * **even)
        .count();
    let threshold = THRESHOLDS.filled_share;
    let value = (filled as f64 / visible as f64).min(1.0);
    let is_met = value <= threshold;
    verdict.evidence.push(Evidence {
        of: "dimensional",
        what: "directions that are not empty",
        symbol: "filled / visible",
        value,
        threshold,
        even: 1.0,
        is_met,
        rule: format!(
            "dimensional when {threshold} or less of the {visible} visible directions hold at least \
             {} of what uniform features would have in them",
            THRESHOLDS.empty_level
        ),
    });
    is_met.then_some(filled.max(1))
}

/// Directions that hold nearly all of the variance, when they are few: the others are not empty, but
/// next to nothing. `draws` rows are independent.
fn concentrated(spectrum: &Spectrum, draws: usize, verdict: &mut Verdict) -> Option<usize> {
    let law = UniformLaw {
        samples: spectrum.n,
        dim: spectrum.dim,
    };
    let even = law.eigenvalues();
    let even_ratio = UniformLaw {
        samples: draws,
        dim: spectrum.dim,
    }
    .participation_ratio();
    if even.is_empty() || even_ratio <= 0.0 {
        return None;
    }
    let Thresholds {
        participation_share,
        energy_share,
        energy,
        ..
    } = THRESHOLDS;
    let ratio = spectrum.participation_ratio();
    let directions = directions_of(&spectrum.covariance, energy);
    let rule = format!(
        "dimensional, too, when the participation ratio is {participation_share} or less of that \
         of {draws} uniform draws, and {energy} of the variance lies in {energy_share} or less of \
         the directions that it takes for uniform features"
    );
    let shares = [
        ratio / even_ratio,
        directions as f64 / directions_of(&even, energy) as f64,
    ];
    let are_met = [shares[0] <= participation_share, shares[1] <= energy_share];
    verdict.evidence.push(Evidence {
        of: "dimensional",
        what: "participation ratio over that of uniform features",
        symbol: "PR / PR even",
        value: shares[0],
        threshold: participation_share,
        even: 1.0,
        is_met: are_met[0],
        rule: rule.clone(),
    });
    verdict.evidence.push(Evidence {
        of: "dimensional",
        what: "directions with nearly all variance over those of uniform features",
        symbol: "k / k even",
        value: shares[1],
        threshold: energy_share,
        even: 1.0,
        is_met: are_met[1],
        rule,
    });
    (are_met == [true; 2]).then_some(directions.max(ratio.round() as usize))
}

/// How many of the falling `eigenvalues` hold this share of their sum; at least 1.
fn directions_of(eigenvalues: &[f64], share: f64) -> usize {
    let enough = share * eigenvalues.iter().sum::<f64>();
    let mut sum = 0.0;
    let before = eigenvalues.iter().take_while(|value| {
        sum += **value;
        sum < enough
    });
    before.count() + 1
}

/// Dimensions by the shape of the spectrum, when there are too few, for fewer rows than dimensions.
fn short_tail(spectrum: &Spectrum, verdict: &mut Verdict) -> Option<usize> {
    let freedom = spectrum.n.saturating_sub(1);
    if spectrum.n > spectrum.dim || freedom == 0 {
        return None;
    }
    let tail = tail_dimension(&spectrum.covariance[..freedom], spectrum.dim);
    let value = (tail / spectrum.dim as f64).min(1.0);
    let threshold = THRESHOLDS.tail_share;
    let is_met = value <= threshold;
    verdict.evidence.push(Evidence {
        of: "dimensional",
        what: "dimensions by the shape of the spectrum's lower half",
        symbol: "d̂ / d",
        value,
        threshold,
        even: 1.0,
        is_met,
        rule: format!(
            "with fewer vectors than dimensions: dimensional when the lower half of the spectrum \
             has the shape of {threshold} d or fewer dimensions"
        ),
    });
    is_met.then_some(tail.round() as usize)
}

/// The number of dimensions whose uniform law has this ratio between the eigenvalues at the ninth
/// tenth and the middle of the spectrum of r + 1 rows; at most 4 `dim`. Dimensions that carry a few
/// strong directions, such as those between classes, stand above the middle and do not matter.
fn tail_dimension(eigenvalues: &[f64], dim: usize) -> f64 {
    let freedom = eigenvalues.len();
    let ratio_of = |values: &[f64]| values[freedom * 9 / 10] / values[freedom / 2];
    let found = ratio_of(eigenvalues);
    let [mut low, mut high] = [freedom as f64, 4.0 * dim as f64];
    // The ratio rises with the dimension: bisection in its logarithm.
    for _ in 0..24 {
        let middle = (low * high).sqrt();
        if ratio_of(&marchenko_pastur(freedom, middle.round() as usize)) < found {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}
