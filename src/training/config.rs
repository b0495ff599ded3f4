//! Everything that decides a run: a value that a file holds and a session remembers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Decay, Objective, Optimiser, Schedule, TrainingError};
use crate::{
    analysis::{
        EncoderSource, ImagesSource, Request,
        words::{architecture_word, parse_architecture},
    },
    data::{AugmentConfig, BuiltinConfig, BuiltinKind, Normalisation},
    features::FeatureKind,
    models::Architecture,
};

/// Where the weights come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Start {
    /// Random weights from the run's seed.
    #[default]
    Scratch,
    /// The encoder of a checkpoint; its heads are left behind.
    Checkpoint(PathBuf),
    /// A bundled encoder by name; its heads are left behind.
    Bundled(String),
}

/// The head behind the encoder that the loss looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Head {
    /// None: the loss is on the encoder's own feature.
    None,
    /// One linear layer.
    Linear {
        /// Values out; 2 and 3 are drawn as they are.
        outputs: usize,
    },
    /// Two linear layers with a ReLU between them.
    Mlp {
        /// Values between the layers.
        hidden: usize,
        /// Values out.
        outputs: usize,
    },
}

impl Default for Head {
    fn default() -> Self {
        Self::Linear { outputs: 3 }
    }
}

impl Head {
    /// Widths of the layers behind `inputs` values; `None` without a head.
    pub(super) fn widths(self, inputs: usize) -> Option<Vec<usize>> {
        match self {
            Self::None => None,
            Self::Linear { outputs } => Some(vec![inputs, outputs]),
            Self::Mlp { hidden, outputs } => Some(vec![inputs, hidden, outputs]),
        }
    }

    /// Values that the loss sees of `inputs`.
    pub fn outputs(self, inputs: usize) -> usize {
        match self {
            Self::None => inputs,
            Self::Linear { outputs } | Self::Mlp { outputs, .. } => outputs,
        }
    }
}

/// The images that show how far a run is, and what of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Probe {
    /// How many images, always the same.
    pub images: usize,
    /// Which vectors; projected ones are what the loss sees.
    pub kind: FeatureKind,
    /// Steps between two probes; see [`is_due`](Self::is_due).
    pub every: usize,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            images: 256,
            kind: FeatureKind::Projected,
            every: 10,
        }
    }
}

/// Steps after which a probe comes although its interval is not over: a run moves most at its
/// beginning, and who watches it wants to see that it moves.
const EARLY_PROBES: [usize; 3] = [1, 2, 5];

impl Probe {
    /// Whether the images are looked at after `step` steps: each `every`, and after the first, the
    /// second and the fifth.
    pub fn is_due(&self, step: usize) -> bool {
        step.is_multiple_of(self.every) || (step < self.every && EARLY_PROBES.contains(&step))
    }
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// What the run is called.
    pub name: String,
    /// The encoder, as a word of the command line; a checkpoint brings its own.
    #[serde(with = "architecture")]
    pub architecture: Architecture,
    /// Where the weights come from.
    pub start: Start,
    /// Seed of weights, shuffles, views and everything else that is drawn.
    pub seed: u64,
    /// Steps in all.
    pub steps: usize,
    /// Images in a batch; each gives two views.
    pub batch: usize,
    /// Side of a view in pixels; the encoder's usual one when absent.
    pub side: Option<u32>,
    /// Input constants; the encoder's usual ones when absent.
    pub normalisation: Option<Normalisation>,
    /// Base learning rate.
    pub learning_rate: f64,
    /// Strength of the augmentations: 0 none, 1 as they stand, 2 twice as strong.
    pub augmentation_strength: f64,
    /// Steps between two snapshots to which a run can go back.
    pub snapshot_every: usize,
    /// The head that the loss looks at.
    pub head: Head,
    /// The loss.
    pub objective: Objective,
    /// What moves the weights.
    pub optimiser: Optimiser,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// How views are made.
    pub augment: AugmentConfig,
    /// The images.
    pub images: ImagesSource,
    /// What shows how far the run is.
    pub probe: Probe,
}

impl Default for RunConfig {
    /// A tiny encoder with three outputs on the built-in single-object set, align + uniform.
    fn default() -> Self {
        Self {
            name: "run".to_owned(),
            architecture: Architecture::TinyConvNet { width: 16 },
            start: Start::Scratch,
            seed: 0,
            steps: 500,
            batch: 64,
            side: None,
            normalisation: None,
            learning_rate: 3e-3,
            augmentation_strength: 1.0,
            snapshot_every: 50,
            head: Head::default(),
            objective: Objective::default(),
            optimiser: Optimiser::default(),
            schedule: Schedule::default(),
            augment: AugmentConfig::wang_isola(),
            images: ImagesSource::Builtin(BuiltinConfig {
                kind: BuiltinKind::SingleObject,
                count: 2048,
                side: 32,
                seed: 0,
            }),
            probe: Probe::default(),
        }
    }
}

/// Seed of the built-in scenes that a probe looks at, beside the run's own.
const PROBE_SEED: u64 = 0x70_726f_6265;

impl RunConfig {
    /// Reads settings from a TOML file, or a JSON file by its ending; what is left out is as in
    /// [`RunConfig::default`].
    ///
    /// # Errors
    /// [`TrainingError::Settings`] with the place of the mistake; settings out of range.
    pub fn open(path: &Path) -> Result<Self, TrainingError> {
        let refused = |reason: String| TrainingError::Settings {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let config: Self = if path.extension().is_some_and(|ending| ending == "json") {
            serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?
        } else {
            toml::from_str(&text).map_err(|error| refused(error.to_string()))?
        };
        config.check()?;
        Ok(config)
    }

    /// The settings as a TOML file.
    ///
    /// # Errors
    /// [`TrainingError::Settings`] when a number has no form in TOML.
    pub fn to_toml(&self) -> Result<String, TrainingError> {
        toml::to_string(self).map_err(|error| TrainingError::Settings {
            path: PathBuf::from("run.toml"),
            reason: error.to_string(),
        })
    }

    /// Refuses settings out of their range.
    ///
    /// # Errors
    /// [`TrainingError::Setting`], or what augmentation and encoder say of theirs.
    pub fn check(&self) -> Result<(), TrainingError> {
        let refuse = |name, range: &str, found: String| {
            Err(TrainingError::Setting {
                name,
                range: range.to_owned(),
                found,
            })
        };
        if !(2..=4096).contains(&self.batch) {
            return refuse("the batch", "from 2 to 4096", self.batch.to_string());
        }
        if !(1..=10_000_000).contains(&self.steps) {
            return refuse("the steps", "from 1 to 10,000,000", self.steps.to_string());
        }
        if self.probe.every == 0 || self.snapshot_every == 0 {
            return refuse("the interval", "at least 1 step", "0".to_owned());
        }
        if !(2..=100_000).contains(&self.probe.images) {
            let found = self.probe.images.to_string();
            return refuse("the probe's images", "from 2 to 100,000", found);
        }
        if let Some(side) = self.side
            && !(8..=512).contains(&side)
        {
            return refuse("the side of a view", "from 8 to 512", side.to_string());
        }
        let widths = self.head.widths(1).unwrap_or_default();
        if widths.iter().any(|width| !(1..=65_536).contains(width)) {
            return refuse("a head's width", "from 1 to 65,536", format!("{widths:?}"));
        }
        let decay = self.optimiser.weight_decay();
        if !(0.0..=1.0).contains(&decay) {
            return refuse("the weight decay", "from 0 to 1", decay.to_string());
        }
        if let Optimiser::Sgd { momentum, .. } = self.optimiser
            && !(0.0..1.0).contains(&momentum)
        {
            return refuse(
                "the momentum of SGD",
                "from 0 to below 1",
                momentum.to_string(),
            );
        }
        if let Decay::Step { every, factor } = self.schedule.decay {
            if every == 0 {
                return refuse("the steps between two falls", "at least 1", "0".to_owned());
            }
            if !(factor > 0.0 && factor <= 1.0) {
                return refuse(
                    "the factor of a fall",
                    "above 0 and up to 1",
                    factor.to_string(),
                );
            }
        }
        if let ImagesSource::Builtin(images) = &self.images {
            if !BuiltinConfig::COUNTS.contains(&images.count) {
                let found = images.count.to_string();
                return refuse("the built-in images", "from 1 to 1,000,000", found);
            }
            if !BuiltinConfig::SIDES.contains(&images.side) {
                let found = images.side.to_string();
                return refuse("the side of a built-in image", "from 8 to 1024", found);
            }
        }
        self.objective.check()?;
        for known in self.knobs() {
            self.clone().set(known.knob, known.value)?;
        }
        self.views().validate()?;
        self.architecture.blueprint()?;
        Ok(())
    }

    /// Refuses a batch of more images than there are.
    ///
    /// # Errors
    /// [`TrainingError::Setting`].
    pub fn check_for(&self, images: usize) -> Result<(), TrainingError> {
        if self.batch <= images {
            return Ok(());
        }
        Err(TrainingError::Setting {
            name: "the batch",
            range: format!("at most the {images} images that there are"),
            found: self.batch.to_string(),
        })
    }

    /// How views are made at the present strength.
    pub fn views(&self) -> AugmentConfig {
        self.augment
            .with_strength(self.augmentation_strength as f32)
    }

    /// The images that the probe looks at: other scenes of the same kind where they are made in
    /// code, else those of the run.
    pub fn probe_images(&self) -> ImagesSource {
        match &self.images {
            ImagesSource::Builtin(config) => ImagesSource::Builtin(BuiltinConfig {
                count: self.probe.images,
                seed: config.seed ^ PROBE_SEED,
                ..*config
            }),
            path @ ImagesSource::Path { .. } => path.clone(),
        }
    }

    /// The vectors that a probe looks at, given what the run trains.
    fn probe_kind(&self) -> FeatureKind {
        let looks_at_locations = self.objective.matching().is_some();
        // Projected ones are what the loss sees.
        let kind = match self.probe.kind {
            FeatureKind::Projected if matches!(self.objective, Objective::DenseAlignUniform(_)) => {
                FeatureKind::ProjectedDense
            }
            FeatureKind::ProjectedDense if !looks_at_locations => FeatureKind::Projected,
            kind => kind,
        };
        match (kind, self.head) {
            (FeatureKind::Projected, Head::None) => FeatureKind::Pooled,
            (FeatureKind::ProjectedDense, Head::None) => FeatureKind::Dense,
            (kind, _) => kind,
        }
    }

    /// What a probe at `step` asks of the encoder.
    pub fn probe_request(&self, step: usize) -> Request {
        let encoder = EncoderSource::Run {
            name: self.name.clone(),
            step,
        };
        let kind = self.probe_kind();
        Request {
            kind,
            limit: Some(self.probe.images),
            normalisation: self.normalisation,
            resize: self.side.map(crate::data::Resize::Square),
            ..Request::new(encoder, self.probe_images())
        }
    }
}

/// Architectures as words of the command line.
mod architecture {
    use super::{
        Architecture, Deserialize, Deserializer, Serializer, architecture_word, parse_architecture,
    };

    pub fn serialize<S: Serializer>(value: &Architecture, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&architecture_word(value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Architecture, D::Error> {
        let word = String::deserialize(from)?;
        parse_architecture(&word).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Knob, Preset};

    #[test]
    fn every_preset_survives_a_file() {
        for preset in Preset::ALL {
            let config = preset.config();
            config.check().unwrap();
            let text = config.to_toml().unwrap();
            assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<RunConfig>(&json).unwrap(), config);
        }
    }

    #[test]
    fn a_short_file_is_enough_and_mistakes_are_named() {
        let config: RunConfig = toml::from_str(
            "steps = 7\n[optimiser.sgd]\nmomentum = 0.9\nweight-decay = 1e-4\nnesterov = false\n",
        )
        .unwrap();
        assert_eq!((config.steps, config.batch), (7, 64));
        assert_eq!(config.optimiser.name(), "SGD");
        let error = toml::from_str::<RunConfig>("stepps = 7").unwrap_err();
        assert!(error.to_string().contains("stepps"), "{error}");
    }

    #[test]
    fn every_loss_survives_a_file_and_probes_what_it_trains() {
        for objective in Objective::all() {
            let config = RunConfig {
                objective,
                ..RunConfig::default()
            };
            config.check().unwrap();
            let text = config.to_toml().unwrap();
            assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), config);
            let kind = config.probe_request(0).kind;
            let trains_locations_only = matches!(config.objective, Objective::DenseAlignUniform(_));
            assert_eq!(kind == FeatureKind::ProjectedDense, trains_locations_only);
        }
        let config: RunConfig = toml::from_str("objective = \"supervised\"").unwrap();
        assert_eq!(config.objective, Objective::Supervised);
        let error = toml::from_str::<RunConfig>("objective = \"superb\"").unwrap_err();
        assert!(error.to_string().contains("dense-contrast"), "{error}");
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |change: fn(&mut RunConfig)| {
            let mut config = RunConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(refused(|c| c.batch = 1).contains("batch"));
        let drawn = |count, side| {
            let images = ImagesSource::Builtin(BuiltinConfig {
                count,
                side,
                ..BuiltinConfig::default()
            });
            let config = RunConfig {
                images,
                ..RunConfig::default()
            };
            config.check().err().map(|error| error.to_string())
        };
        assert_eq!(drawn(1_000_000, 1024), None);
        assert!(drawn(1_000_001, 32).is_some_and(|text| text.contains("1,000,000, not 1000001")));
        assert!(drawn(64, 4).is_some_and(|text| text.contains("from 8 to 1024, not 4")));
        assert!(refused(|c| c.learning_rate = f64::NAN).contains("learning rate"));
        assert!(refused(|c| c.augmentation_strength = 3.0).contains("augmentation"));
        assert!(refused(|c| c.head = Head::Linear { outputs: 0 }).contains("head"));
        let falling = |every, factor| Schedule {
            decay: Decay::Step { every, factor },
            ..Schedule::default()
        };
        let refused_schedule = |schedule: Schedule| {
            let config = RunConfig {
                schedule,
                ..RunConfig::default()
            };
            config.check().unwrap_err().to_string()
        };
        assert!(refused_schedule(falling(0, 0.1)).contains("steps between"));
        assert!(refused_schedule(falling(9, f64::NAN)).contains("factor"));
        assert!(
            refused(|c| {
                c.optimiser = Optimiser::Sgd {
                    momentum: 1.0,
                    weight_decay: 0.0,
                    nesterov: false,
                }
            })
            .contains("momentum")
        );
        let mut config = RunConfig::default();
        assert!(config.set(Knob::Temperature, 0.1).is_err());
        config.set(Knob::LearningRate, 0.5).unwrap();
        assert_eq!(config.learning_rate, 0.5);
    }
}
