//! Settings that a person may turn while a run goes on.

use serde::{Deserialize, Serialize};

use super::{Objective, RunConfig, TrainingError};

/// A setting that acts mid-run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knob {
    /// Base learning rate, before the schedule.
    LearningRate,
    /// Strength of the augmentations: 0 none, 1 as configured, 2 twice as strong.
    Augmentation,
    /// Weight of alignment.
    AlignWeight,
    /// Weight of uniformity.
    UniformWeight,
    /// Exponent α of alignment.
    Alpha,
    /// Temperature t of uniformity.
    T,
    /// Temperature τ of the contrastive losses.
    Temperature,
}

impl Knob {
    /// Its name for people, with its symbol.
    pub fn title(self) -> &'static str {
        match self {
            Self::LearningRate => "learning rate",
            Self::Augmentation => "augmentation",
            Self::AlignWeight => "align weight",
            Self::UniformWeight => "uniform weight",
            Self::Alpha => "α",
            Self::T => "t",
            Self::Temperature => "τ",
        }
    }
}

/// A knob with where it stands and how far it turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnobRange {
    /// Which.
    pub knob: Knob,
    /// Where it stands.
    pub value: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Whether a slider should move on a logarithmic scale.
    pub is_logarithmic: bool,
}

fn range(knob: Knob, value: f64, [min, max]: [f64; 2], is_logarithmic: bool) -> KnobRange {
    KnobRange {
        knob,
        value,
        min,
        max,
        is_logarithmic,
    }
}

impl RunConfig {
    /// The knobs that this run has, in the order of sliders.
    pub fn knobs(&self) -> Vec<KnobRange> {
        let mut knobs = vec![range(
            Knob::LearningRate,
            self.learning_rate,
            [1e-6, 10.0],
            true,
        )];
        match &self.objective {
            Objective::AlignUniform(loss) => knobs.extend([
                range(Knob::AlignWeight, loss.align_weight, [0.0, 10.0], false),
                range(Knob::UniformWeight, loss.uniform_weight, [0.0, 10.0], false),
                range(Knob::Alpha, loss.alpha, [0.1, 8.0], false),
                range(Knob::T, loss.t, [0.1, 20.0], true),
            ]),
            Objective::NtXent(loss) => {
                knobs.push(range(
                    Knob::Temperature,
                    loss.temperature,
                    [0.01, 100.0],
                    true,
                ));
            }
        }
        let strength = self.augmentation_strength;
        knobs.push(range(Knob::Augmentation, strength, [0.0, 2.0], false));
        knobs
    }

    /// Turns a knob.
    ///
    /// # Errors
    /// [`TrainingError::Setting`] for a value out of its range, or a knob that this run has not.
    pub fn set(&mut self, knob: Knob, value: f64) -> Result<(), TrainingError> {
        let Some(known) = self.knobs().into_iter().find(|known| known.knob == knob) else {
            return Err(TrainingError::Setting {
                name: knob.title(),
                range: format!("left alone: {} has none", self.objective.title()),
                found: value.to_string(),
            });
        };
        if !(known.min..=known.max).contains(&value) {
            return Err(TrainingError::Setting {
                name: knob.title(),
                range: format!("from {} to {}", known.min, known.max),
                found: value.to_string(),
            });
        }
        match (knob, &mut self.objective) {
            (Knob::LearningRate, _) => self.learning_rate = value,
            (Knob::Augmentation, _) => self.augmentation_strength = value,
            (Knob::AlignWeight, Objective::AlignUniform(loss)) => loss.align_weight = value,
            (Knob::UniformWeight, Objective::AlignUniform(loss)) => loss.uniform_weight = value,
            (Knob::Alpha, Objective::AlignUniform(loss)) => loss.alpha = value,
            (Knob::T, Objective::AlignUniform(loss)) => loss.t = value,
            (Knob::Temperature, Objective::NtXent(loss)) => loss.temperature = value,
            // Not among the knobs, and so refused above.
            (
                Knob::AlignWeight | Knob::UniformWeight | Knob::Alpha | Knob::T | Knob::Temperature,
                _,
            ) => {}
        }
        Ok(())
    }
}
