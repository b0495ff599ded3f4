//! Settings that a sweep varies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{
        ImagesSource,
        words::{architecture_word, builtin_word, parse_architecture, parse_builtin},
    },
    lab::LabError,
    training::{Head, Knob, Objective, RunConfig},
};

/// A setting of a run that a sweep varies. Declared in the order in which they are set: the loss
/// before what only some losses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The loss, with its usual settings.
    Objective,
    /// The encoder, as a word of the command line.
    Architecture,
    /// The kind of built-in scenes.
    Data,
    /// How locations are matched.
    Matching,
    /// Values out of the linear head.
    Outputs,
    /// Weight of alignment.
    AlignWeight,
    /// Weight of uniformity.
    UniformWeight,
    /// Exponent α of the loss.
    Alpha,
    /// Temperature t of the loss.
    T,
    /// Temperature τ of a contrastive loss.
    Temperature,
    /// Share λ of the dense part.
    DenseWeight,
    /// Weight β of the decoder's error.
    ReconstructionWeight,
    /// Weight of the cross-entropy of prototypes.
    ProtoWeight,
    /// Weight of prototype correlation.
    CorrelationWeight,
    /// Strength of the augmentations.
    Augmentation,
    /// Base learning rate.
    LearningRate,
    /// Images in a batch.
    Batch,
    /// Steps in all.
    Steps,
    /// Seed of the run.
    Seed,
}

/// A value on an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AxisValue {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl std::fmt::Display for AxisValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// What an axis takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// Each of these.
    List(Vec<AxisValue>),
    /// Anything between, for random choice.
    Range {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// Whether the logarithm is drawn evenly.
        #[serde(default)]
        log: bool,
    },
}

/// Axes with what they take.
pub type Axes = BTreeMap<Axis, Values>;

impl Axis {
    /// All, in order.
    pub const ALL: [Self; 19] = [
        Self::Objective,
        Self::Architecture,
        Self::Data,
        Self::Matching,
        Self::Outputs,
        Self::AlignWeight,
        Self::UniformWeight,
        Self::Alpha,
        Self::T,
        Self::Temperature,
        Self::DenseWeight,
        Self::ReconstructionWeight,
        Self::ProtoWeight,
        Self::CorrelationWeight,
        Self::Augmentation,
        Self::LearningRate,
        Self::Batch,
        Self::Steps,
        Self::Seed,
    ];

    /// Name in files and columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Objective => "objective",
            Self::Architecture => "architecture",
            Self::Data => "data",
            Self::Matching => "matching",
            Self::Outputs => "outputs",
            Self::AlignWeight => "align-weight",
            Self::UniformWeight => "uniform-weight",
            Self::Alpha => "alpha",
            Self::T => "t",
            Self::Temperature => "temperature",
            Self::DenseWeight => "dense-weight",
            Self::ReconstructionWeight => "reconstruction-weight",
            Self::ProtoWeight => "proto-weight",
            Self::CorrelationWeight => "correlation-weight",
            Self::Augmentation => "augmentation",
            Self::LearningRate => "learning-rate",
            Self::Batch => "batch",
            Self::Steps => "steps",
            Self::Seed => "seed",
        }
    }

    /// The knob that does the same.
    fn knob(self) -> Option<Knob> {
        Some(match self {
            Self::AlignWeight => Knob::AlignWeight,
            Self::UniformWeight => Knob::UniformWeight,
            Self::Alpha => Knob::Alpha,
            Self::T => Knob::T,
            Self::Temperature => Knob::Temperature,
            Self::DenseWeight => Knob::DenseWeight,
            Self::ReconstructionWeight => Knob::ReconstructionWeight,
            Self::ProtoWeight => Knob::ProtoWeight,
            Self::CorrelationWeight => Knob::CorrelationWeight,
            Self::Augmentation => Knob::Augmentation,
            Self::LearningRate => Knob::LearningRate,
            _ => return None,
        })
    }

    /// Sets it in a run.
    ///
    /// # Errors
    /// [`LabError::Setting`] for a value of the wrong kind; what the run says of values out of
    /// range and of settings that its loss does not have.
    pub fn set(self, config: &mut RunConfig, value: &AxisValue) -> Result<(), LabError> {
        if let Some(knob) = self.knob() {
            return Ok(config.set(knob, self.number(value)?)?);
        }
        match self {
            Self::Objective => config.objective = objective(&self.word(value)?)?,
            Self::Architecture => {
                let word = self.word(value)?;
                config.architecture = parse_architecture(&word)
                    .map_err(|why| LabError::setting(self.name(), why, &word))?;
            }
            Self::Data => {
                let word = self.word(value)?;
                let kind = parse_builtin(&word)
                    .map_err(|why| LabError::setting(self.name(), why, &word))?;
                let ImagesSource::Builtin(images) = &mut config.images else {
                    return Err(LabError::setting(
                        self.name(),
                        "a kind of the built-in set",
                        "a path",
                    ));
                };
                images.kind = kind;
            }
            Self::Matching => {
                let word = self.word(value)?;
                let rule = word
                    .parse()
                    .map_err(|_| LabError::setting(self.name(), "a matching rule", &word))?;
                match &mut config.objective {
                    Objective::DenseAlignUniform(loss) => loss.matching = rule,
                    Objective::DenseContrast(loss) => loss.matching = rule,
                    other => {
                        let range = "of a loss that matches locations by a chosen rule";
                        return Err(LabError::setting(self.name(), range, other.title()));
                    }
                }
            }
            Self::Outputs => {
                let outputs = self.whole(value)?;
                config.head = match config.head {
                    Head::Mlp { hidden, .. } => Head::Mlp { hidden, outputs },
                    Head::Linear { .. } | Head::None => Head::Linear { outputs },
                };
            }
            Self::Batch => config.batch = self.whole(value)?,
            Self::Steps => config.steps = self.whole(value)?,
            Self::Seed => config.seed = self.whole(value)? as u64,
            // Knobs, which were set above.
            _ => {}
        }
        Ok(())
    }

    /// What a run has there; `None` where its loss has no such setting.
    pub fn get(self, config: &RunConfig) -> Option<String> {
        if let Some(knob) = self.knob() {
            let knobs = config.knobs();
            let found = knobs.iter().find(|range| range.knob == knob)?;
            return Some(found.value.to_string());
        }
        Some(match self {
            Self::Objective => objective_word(&config.objective),
            Self::Architecture => architecture_word(&config.architecture),
            Self::Data => match &config.images {
                ImagesSource::Builtin(images) => builtin_word(images.kind).to_owned(),
                ImagesSource::Path { path, .. } => path.display().to_string(),
            },
            Self::Matching => config.objective.matching()?.to_string(),
            Self::Outputs => match config.head {
                Head::None => return None,
                Head::Linear { outputs } | Head::Mlp { outputs, .. } => outputs.to_string(),
            },
            Self::Batch => config.batch.to_string(),
            Self::Steps => config.steps.to_string(),
            Self::Seed => config.seed.to_string(),
            _ => return None,
        })
    }

    /// All that a run has, by name of column.
    pub(in crate::lab) fn fields(config: &RunConfig) -> Vec<(String, String)> {
        Self::ALL
            .iter()
            .filter_map(|axis| Some((axis.name().to_owned(), axis.get(config)?)))
            .collect()
    }

    fn number(self, value: &AxisValue) -> Result<f64, LabError> {
        match value {
            AxisValue::Number(number) => Ok(*number),
            AxisValue::Word(word) => Err(LabError::setting(self.name(), "a number", word)),
        }
    }

    fn whole(self, value: &AxisValue) -> Result<usize, LabError> {
        let number = self.number(value)?;
        if number.fract() == 0.0 && (0.0..=1e12).contains(&number) {
            Ok(number as usize)
        } else {
            Err(LabError::setting(
                self.name(),
                "a whole number from 0 on",
                number,
            ))
        }
    }

    fn word(self, value: &AxisValue) -> Result<String, LabError> {
        match value {
            AxisValue::Word(word) => Ok(word.clone()),
            AxisValue::Number(number) => Err(LabError::setting(self.name(), "a word", number)),
        }
    }
}

/// The word of a loss, as in files.
pub(super) fn objective_word(objective: &Objective) -> String {
    match serde_json::to_value(objective) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn objective(word: &str) -> Result<Objective, LabError> {
    let all = Objective::all();
    let words: Vec<String> = all.iter().map(objective_word).collect();
    all.into_iter()
        .find(|objective| objective_word(objective) == word)
        .ok_or_else(|| LabError::setting("objective", format!("one of {}", words.join(", ")), word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_what_is_read() {
        let word = |text: &str| AxisValue::Word(text.to_owned());
        let mut config = RunConfig::default();
        for (axis, value) in [
            (Axis::Objective, word("dense-align-uniform")),
            (Axis::Architecture, word("tiny:8")),
            (Axis::Data, word("multi-object")),
            (Axis::Matching, word("random")),
            (Axis::Outputs, AxisValue::Number(16.0)),
            (Axis::UniformWeight, AxisValue::Number(0.5)),
            (Axis::T, AxisValue::Number(3.0)),
            (Axis::Augmentation, AxisValue::Number(0.25)),
            (Axis::Steps, AxisValue::Number(7.0)),
            (Axis::Seed, AxisValue::Number(9.0)),
        ] {
            axis.set(&mut config, &value).unwrap();
            assert_eq!(axis.get(&config), Some(value.to_string()), "{axis:?}");
        }
        config.check().unwrap();
        assert_eq!(Axis::Temperature.get(&config), None);
        for (place, axis) in Axis::ALL.into_iter().enumerate() {
            let json = serde_json::to_value(axis).unwrap();
            assert_eq!(json, axis.name());
            assert_eq!(axis as usize, place);
        }
    }

    #[test]
    fn every_loss_has_a_word() {
        for known in Objective::all() {
            assert_eq!(objective(&objective_word(&known)).unwrap(), known);
        }
    }

    #[test]
    fn what_a_run_does_not_have_is_refused() {
        let refuse = |axis: Axis, value: AxisValue| {
            axis.set(&mut RunConfig::default(), &value)
                .unwrap_err()
                .to_string()
        };
        assert!(refuse(Axis::Objective, AxisValue::Word("magic".into())).contains("nt-xent"));
        assert!(refuse(Axis::Seed, AxisValue::Number(0.5)).contains("whole"));
        assert!(refuse(Axis::Seed, AxisValue::Word("x".into())).contains("number"));
        assert!(refuse(Axis::Data, AxisValue::Number(1.0)).contains("word"));
        assert!(refuse(Axis::Matching, AxisValue::Word("random".into())).contains("locations"));
        assert!(!refuse(Axis::Temperature, AxisValue::Number(0.1)).is_empty());
    }
}
