//! What performance is measured of, and how.

use serde::{Deserialize, Serialize};

use crate::{features::FeatureKind, lab::LabError, measure::FitSettings};

/// What performance is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// The class of an image, by its nearest neighbours.
    Knn,
    /// The class of an image, by a linear classifier.
    Linear,
    /// What is in an image, by a linear classifier a thing.
    MultiLabel,
    /// What is where, by a linear classifier a location.
    Dense,
}

impl Task {
    /// All, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Knn, Self::Linear, Self::MultiLabel, Self::Dense];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Knn => "knn",
            Self::Linear => "linear",
            Self::MultiLabel => "multi-label",
            Self::Dense => "dense",
        }
    }

    /// The number that stands for it.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Knn | Self::Linear => "accuracy",
            Self::MultiLabel => "mean average precision",
            Self::Dense => "mIoU",
        }
    }

    pub(super) fn kind(self) -> FeatureKind {
        match self {
            Self::Dense => FeatureKind::Dense,
            Self::Knn | Self::Linear | Self::MultiLabel => FeatureKind::Pooled,
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|task| task.name() == text)
            .ok_or_else(|| format!("unknown task '{text}': knn, linear, multi-label or dense"))
    }
}

/// How performance is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PerformanceSettings {
    /// Which tasks; the first is *the* performance of a series.
    pub tasks: Vec<Task>,
    /// Share of the images that is held out.
    pub held_out: f64,
    /// Seed of the split.
    pub seed: u64,
    /// Neighbours of k-NN.
    pub k: usize,
    /// Temperature of their votes.
    pub temperature: f64,
    /// Mask id that counts nowhere.
    pub ignore: Option<u8>,
    /// At most so many images for the dense probe, a seeded sample; all without.
    pub dense_limit: Option<usize>,
    /// How the linear classifiers are fitted.
    pub fit: FitSettings,
}

impl Default for PerformanceSettings {
    fn default() -> Self {
        Self {
            tasks: vec![Task::Linear, Task::Knn],
            held_out: 0.5,
            seed: 0,
            k: 20,
            temperature: 0.07,
            ignore: Some(255),
            dense_limit: None,
            fit: FitSettings::default(),
        }
    }
}

impl PerformanceSettings {
    /// The command line's flags for these settings, each with its value.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let tasks: Vec<&str> = self.tasks.iter().map(|one| one.name()).collect();
        let mut flags = vec![
            ("performance", tasks.join(",")),
            ("held-out", self.held_out.to_string()),
            ("split-seed", self.seed.to_string()),
            ("probe-c", self.fit.c.to_string()),
            ("ignore", self.ignore.map_or(-1, i16::from).to_string()),
        ];
        let limit = self.dense_limit;
        flags.extend(limit.map(|limit| ("probe-dense-limit", limit.to_string())));
        flags
    }

    /// Refuses settings that give no performance.
    ///
    /// # Errors
    /// [`LabError::Setting`], and what the fit refuses.
    pub fn check(&self) -> Result<(), LabError> {
        let positive = self.temperature > 0.0 && self.temperature.is_finite();
        let distinct: std::collections::BTreeSet<Task> = self.tasks.iter().copied().collect();
        if self.tasks.is_empty() {
            Err(LabError::setting("the tasks", "at least one", "none"))
        } else if distinct.len() < self.tasks.len() {
            Err(LabError::setting("the tasks", "all different", "one twice"))
        } else if !(self.held_out > 0.0 && self.held_out < 1.0) {
            let range = "between 0 and 1";
            Err(LabError::setting(
                "the held-out share",
                range,
                self.held_out,
            ))
        } else if self.k == 0 {
            Err(LabError::setting("k of k-NN", "at least 1", 0))
        } else if !positive {
            let range = "a finite number above 0";
            Err(LabError::setting(
                "the temperature of k-NN",
                range,
                self.temperature,
            ))
        } else if self.dense_limit == Some(0) {
            let name = "the limit of images of the dense probe";
            Err(LabError::setting(name, "at least 1", 0))
        } else {
            Ok(self.fit.check()?)
        }
    }
}
