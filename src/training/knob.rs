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
    /// Share λ of the dense part.
    DenseWeight,
    /// Weight β of the decoder's error.
    ReconstructionWeight,
    /// Weight of the cross-entropy of prototypes.
    ProtoWeight,
    /// Weight of prototype correlation.
    CorrelationWeight,
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
            Self::DenseWeight => "dense share λ",
            Self::ReconstructionWeight => "reconstruction weight β",
            Self::ProtoWeight => "prototype weight",
            Self::CorrelationWeight => "correlation weight",
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
        let temperature = |value| range(Knob::Temperature, value, [0.01, 100.0], true);
        let pair = |[align, uniform, alpha, t]: [f64; 4]| {
            [
                range(Knob::AlignWeight, align, [0.0, 10.0], false),
                range(Knob::UniformWeight, uniform, [0.0, 10.0], false),
                range(Knob::Alpha, alpha, [0.1, 8.0], false),
                range(Knob::T, t, [0.1, 20.0], true),
            ]
        };
        match &self.objective {
            Objective::AlignUniform(loss) => knobs.extend(pair([
                loss.align_weight,
                loss.uniform_weight,
                loss.alpha,
                loss.t,
            ])),
            Objective::DenseAlignUniform(loss) => knobs.extend(pair([
                loss.align_weight,
                loss.uniform_weight,
                loss.alpha,
                loss.t,
            ])),
            Objective::NtXent(loss) => knobs.push(temperature(loss.temperature)),
            Objective::MomentumContrast(loss) => knobs.push(temperature(loss.temperature)),
            Objective::ProtoNce(loss) => knobs.extend([
                temperature(loss.temperature),
                range(Knob::ProtoWeight, loss.proto_weight, [0.0, 10.0], false),
            ]),
            Objective::Pauc(loss) => knobs.extend([
                temperature(loss.proto_nce.temperature),
                range(
                    Knob::ProtoWeight,
                    loss.proto_nce.proto_weight,
                    [0.0, 10.0],
                    false,
                ),
                range(Knob::AlignWeight, loss.align_weight, [0.0, 10.0], false),
                range(Knob::UniformWeight, loss.uniform_weight, [0.0, 10.0], false),
                range(
                    Knob::CorrelationWeight,
                    loss.correlation_weight,
                    [0.0, 10.0],
                    false,
                ),
                range(Knob::T, loss.t, [0.1, 20.0], true),
            ]),
            Objective::DenseCl(loss) => knobs.extend([
                temperature(loss.temperature),
                range(Knob::DenseWeight, loss.dense_weight, [0.0, 1.0], false),
            ]),
            Objective::DenseContrast(loss) => {
                knobs.push(temperature(loss.temperature));
                let share = loss.dense_weight;
                knobs.push(range(Knob::DenseWeight, share, [0.0, 1.0], false));
                if loss.reconstructs {
                    let weight = loss.reconstruction_weight;
                    knobs.push(range(
                        Knob::ReconstructionWeight,
                        weight,
                        [0.0, 10.0],
                        false,
                    ));
                }
            }
            Objective::Supervised => {}
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
            (Knob::AlignWeight, Objective::DenseAlignUniform(loss)) => loss.align_weight = value,
            (Knob::UniformWeight, Objective::DenseAlignUniform(loss)) => {
                loss.uniform_weight = value;
            }
            (Knob::Alpha, Objective::DenseAlignUniform(loss)) => loss.alpha = value,
            (Knob::T, Objective::DenseAlignUniform(loss)) => loss.t = value,
            (Knob::Temperature, Objective::NtXent(loss)) => loss.temperature = value,
            (Knob::Temperature, Objective::DenseContrast(loss)) => loss.temperature = value,
            (Knob::Temperature, Objective::MomentumContrast(loss)) => loss.temperature = value,
            (Knob::Temperature, Objective::ProtoNce(loss)) => loss.temperature = value,
            (Knob::ProtoWeight, Objective::ProtoNce(loss)) => loss.proto_weight = value,
            (Knob::Temperature, Objective::Pauc(loss)) => loss.proto_nce.temperature = value,
            (Knob::ProtoWeight, Objective::Pauc(loss)) => loss.proto_nce.proto_weight = value,
            (Knob::AlignWeight, Objective::Pauc(loss)) => loss.align_weight = value,
            (Knob::UniformWeight, Objective::Pauc(loss)) => loss.uniform_weight = value,
            (Knob::CorrelationWeight, Objective::Pauc(loss)) => loss.correlation_weight = value,
            (Knob::T, Objective::Pauc(loss)) => loss.t = value,
            (Knob::Temperature, Objective::DenseCl(loss)) => loss.temperature = value,
            (Knob::DenseWeight, Objective::DenseCl(loss)) => loss.dense_weight = value,
            (Knob::DenseWeight, Objective::DenseContrast(loss)) => loss.dense_weight = value,
            (Knob::ReconstructionWeight, Objective::DenseContrast(loss)) => {
                loss.reconstruction_weight = value;
            }
            // Not among the knobs, and so refused above.
            (
                Knob::AlignWeight
                | Knob::UniformWeight
                | Knob::Alpha
                | Knob::T
                | Knob::Temperature
                | Knob::DenseWeight
                | Knob::ReconstructionWeight
                | Knob::ProtoWeight
                | Knob::CorrelationWeight,
                _,
            ) => {}
        }
        Ok(())
    }
}
