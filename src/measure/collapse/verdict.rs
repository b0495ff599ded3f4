//! The verdict and its words; `rules` reaches it.

use serde::Serialize;

use super::{
    evidence::{Evidence, Reading},
    thresholds::THRESHOLDS,
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

/// What the rules say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// Set when no entry of any vector is negative: what that alone makes of them.
    pub non_negative: Option<NonNegative>,
}

/// Vectors that are never negative, as behind a `ReLU`: they lie in a cone by construction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NonNegative {
    /// Their mean cosine of pairs; of different images for dense ones.
    pub mean_cosine: f64,
    /// That of vectors that are even over all non-negative directions.
    pub even: f64,
    /// The least that many such vectors can have, when each is along one axis: 1/d, because their mean
    /// has entries that sum to 1 or more.
    pub least: f64,
}

impl NonNegative {
    fn sentence(self, is_cone: bool) -> String {
        let Self {
            mean_cosine,
            even,
            least,
        } = self;
        let what = if is_cone {
            "The cone is narrower than that alone makes it"
        } else {
            "That is a property of the outputs, not a failure"
        };
        format!(
            "No entry of any vector is negative, as behind a ReLU: such vectors lie in a cone by \
             construction. {what}: their mean cosine is {mean_cosine:.3}; even over all non-negative \
             directions it would be {even:.3}, and over many vectors it cannot fall below 1/d = \
             {least:.3}. The uniform law's mean and uniformity are out of reach."
        )
    }
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
        let mut evidence = Evidence::at_least(
            [
                "complete",
                "share of the vectors that are zero",
                "zeros / N",
            ],
            value,
            threshold,
            format!("complete when more than {threshold} of the vectors are zero"),
        );
        if !is_met {
            evidence.is_met = false;
            evidence.reading = Reading::Clear;
        }
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
            undecided: Some(why),
            warnings,
            ..Self::default()
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
                0 if self.non_negative.is_some() => "healthy, never negative".into(),
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
        let mut sentences: Vec<String> = self.collapses.iter().map(|c| c.sentence()).collect();
        if sentences.is_empty() {
            let sides = match self.non_negative {
                Some(_) => "and fill their directions",
                None => "fill their directions and point to all sides",
            };
            let joint = if self.non_negative.is_some() {
                " "
            } else {
                ", "
            };
            sentences.push(format!(
                "Healthy: no rule of collapse is met. Vectors differ{joint}{sides}."
            ));
        }
        let is_cone = self.collapses.contains(&Collapse::Cone);
        sentences.extend(self.non_negative.map(|found| found.sentence(is_cone)));
        sentences
    }
}
