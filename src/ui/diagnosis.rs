//! The collapse verdict, prepared for drawing. Made on a worker; panels only read it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    analysis::{DiagnosisReport, KindDiagnosis},
    features::FeatureKind,
    measure::collapse::{Diagnosis, cosine_density},
};

/// Points of the exact density of cosines.
const LAW_POINTS: usize = 400;
/// Eigenvalues below this share of the greatest are rounding and not drawn.
const LEAST_SHARE: f64 = 1e-12;

/// One kind's pictures.
#[derive(Clone, Debug, Default)]
pub struct KindPicture {
    /// Rank and log₁₀ of each eigenvalue of the covariance.
    pub spectrum: Vec<[f64; 2]>,
    /// The same of uniform features at this N and d.
    pub even: Vec<[f64; 2]>,
    /// Middle and density of each bin of pair cosines.
    pub cosines: Vec<[f64; 2]>,
    /// Width of a bin.
    pub bin_width: f64,
    /// The exact density of uniform features.
    pub law: Vec<[f64; 2]>,
}

impl KindPicture {
    fn new(diagnosis: &Diagnosis) -> Self {
        let values = diagnosis
            .spectrum
            .as_ref()
            .map_or(&[][..], |spectrum| spectrum.covariance.as_slice());
        let mut picture = Self {
            spectrum: logarithms(values),
            even: logarithms(&diagnosis.even_spectrum),
            ..Self::default()
        };
        let Some(cosines) = &diagnosis.cosines else {
            return picture;
        };
        let histogram = &cosines.histogram;
        picture.bin_width = histogram.bin_width();
        let middle = |bin: usize| histogram.low + (bin as f64 + 0.5) * picture.bin_width;
        let bins = histogram.density().into_iter().enumerate();
        picture.cosines = bins.map(|(bin, density)| [middle(bin), density]).collect();
        // Up to the middles of the outer bins: at d = 2 the density has no bound at ±1.
        let reach = 1.0 - 0.5 * picture.bin_width;
        picture.law = (0..=LAW_POINTS)
            .map(|i| reach * (2.0 * i as f64 / LAW_POINTS as f64 - 1.0))
            .map(|cosine| [cosine, cosine_density(diagnosis.dim, cosine)])
            .filter(|point| point[1].is_finite())
            .collect();
        picture
    }
}

impl KindPicture {
    /// Density of the fullest bin, and of the law where it is higher; 0 without pairs.
    pub fn highest_density(&self) -> f64 {
        let densities = self.cosines.iter().chain(&self.law).map(|point| point[1]);
        densities.fold(0.0, f64::max)
    }
}

fn logarithms(values: &[f64]) -> Vec<[f64; 2]> {
    let least = values.first().copied().unwrap_or(0.0) * LEAST_SHARE;
    (1..)
        .zip(values)
        .take_while(|(_, value)| **value > least)
        .map(|(rank, value)| [f64::from(rank), value.log10()])
        .collect()
}

/// The verdict of the shown results.
#[derive(Clone, Debug)]
pub struct VerdictPicture {
    /// Of which snapshot.
    pub serial: u64,
    /// Figures and verdicts.
    pub report: Arc<DiagnosisReport>,
    /// Pictures, in the order of the report's kinds.
    pub pictures: Vec<KindPicture>,
}

impl VerdictPicture {
    /// Prepares a report; takes a moment.
    pub fn new(serial: u64, report: Arc<DiagnosisReport>) -> Self {
        let picture = |kind: &KindDiagnosis| {
            kind.diagnosis
                .as_ref()
                .map_or_else(KindPicture::default, KindPicture::new)
        };
        Self {
            serial,
            pictures: report.kinds.iter().map(picture).collect(),
            report,
        }
    }

    /// The diagnosis and picture of a kind, or of the one asked for when there is none of it.
    pub fn of(&self, kind: Option<FeatureKind>) -> Option<(&KindDiagnosis, &KindPicture)> {
        let all = || self.report.kinds.iter().zip(&self.pictures);
        all()
            .find(|(found, _)| Some(found.kind) == kind && found.diagnosis.is_some())
            .or_else(|| all().next())
    }
}

/// What the verdict said of one frame of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameVerdict {
    /// In a few words.
    pub title: String,
    /// Curves' values by name, each between 0 and about 1.
    pub values: Vec<(&'static str, f64)>,
}

impl FrameVerdict {
    /// The verdict of a frame's own features; `None` when they could not be judged.
    pub fn new(report: &DiagnosisReport) -> Option<Self> {
        let diagnosis = report.main()?;
        let spectrum = diagnosis.spectrum.as_ref()?;
        let most = spectrum.n.min(spectrum.dim) as f64;
        let spread = diagnosis
            .figures
            .iter()
            .find(|figure| figure.symbol == "std·√d");
        Some(Self {
            title: diagnosis.verdict.title(),
            values: vec![
                ("mean cosine", spectrum.mean_cosine()),
                ("std·√d", spread.and_then(|figure| figure.value)?),
                ("RankMe / min(N, d)", spectrum.rankme() / most),
                ("PR / min(N, d)", spectrum.participation_ratio() / most),
                ("W2 / √2", spectrum.w2() / std::f64::consts::SQRT_2),
            ],
        })
    }
}

/// The verdicts of a run's kept frames, by step.
#[derive(Clone, Debug, Default)]
pub struct RunVerdicts {
    /// By step; `None` for a frame that could not be judged.
    pub frames: BTreeMap<usize, Option<FrameVerdict>>,
}

impl RunVerdicts {
    /// Steps at which the kind of verdict is another than at the frame before, with what it is from
    /// there on. The first frame counts as one.
    pub fn changes(&self) -> Vec<(usize, &str)> {
        let mut changes: Vec<(usize, &str)> = Vec::new();
        for (step, verdict) in &self.frames {
            let Some(verdict) = verdict else { continue };
            let is_new = changes
                .last()
                .is_none_or(|(_, title)| kinds_of(title) != kinds_of(&verdict.title));
            if is_new {
                changes.push((*step, &verdict.title));
            }
        }
        changes
    }

    /// One curve's points.
    pub fn curve(&self, name: &str) -> Vec<[f64; 2]> {
        let point = |(step, verdict): (&usize, &Option<FrameVerdict>)| {
            let values = &verdict.as_ref()?.values;
            let (_, value) = values.iter().find(|(other, _)| *other == name)?;
            Some([*step as f64, *value])
        };
        self.frames.iter().filter_map(point).collect()
    }

    /// Names of the curves.
    pub fn names(&self) -> Vec<&'static str> {
        let first = self.frames.values().flatten().next();
        first.map_or_else(Vec::new, |verdict| {
            verdict.values.iter().map(|(name, _)| *name).collect()
        })
    }
}

/// The words of a title without its numbers: 15 of 32 directions and 16 of 32 are one kind.
fn kinds_of(title: &str) -> String {
    let is_word = |word: &&str| word.parse::<f64>().is_err();
    title
        .split(' ')
        .filter(is_word)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(title: &str, value: f64) -> FrameVerdict {
        FrameVerdict {
            title: title.into(),
            values: vec![("mean cosine", value)],
        }
    }

    #[test]
    fn a_change_is_one_of_kind_not_of_number() {
        let frames = [
            (0, Some(frame("cone", 0.5))),
            (4, Some(frame("cone", 0.4))),
            (6, None),
            (8, Some(frame("dimensional 15 of 32", 0.1))),
            (12, Some(frame("dimensional 16 of 32", 0.1))),
            (16, Some(frame("healthy", 0.0))),
        ];
        let verdicts = RunVerdicts {
            frames: frames.into_iter().collect(),
        };
        let steps: Vec<usize> = verdicts.changes().iter().map(|change| change.0).collect();
        assert_eq!(steps, [0, 8, 16]);
        assert_eq!(verdicts.names(), ["mean cosine"]);
        assert_eq!(verdicts.curve("mean cosine").len(), 5);
        assert!(verdicts.curve("none").is_empty());
    }

    #[test]
    fn a_spectrum_ends_at_its_rounding() {
        let points = logarithms(&[1.0, 0.01, 1e-14, 0.0]);
        assert_eq!(points, [[1.0, 0.0], [2.0, -2.0]]);
        assert!(logarithms(&[]).is_empty());
    }
}
