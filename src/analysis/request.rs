//! What is asked for: one value that a session remembers and a command line reproduces.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    AnalysisError,
    words::{architecture_word, builtin_word, resize_word},
};
use crate::{
    data::{BuiltinConfig, BuiltinKind, Normalisation, Resize},
    features::{FeatureKind, MatchingRule},
    models::Architecture,
};

/// Where the encoder comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderSource {
    /// A checkpoint file.
    File(PathBuf),
    /// A seeded initialisation, never trained.
    Untrained {
        /// What is initialised.
        architecture: Architecture,
        /// Seed of the weights.
        seed: u64,
    },
    /// A small trained encoder that comes with the program, by its name in
    /// [`GALLERY`](super::GALLERY).
    Bundled(String),
    /// A training run in memory at one of its steps. Nothing can be opened by it: the run shows
    /// itself.
    Run {
        /// Name of the run.
        name: String,
        /// Steps that the weights have taken.
        step: usize,
    },
    /// Weights at a place of a slice of weight space. Nothing can be opened by it either.
    Place {
        /// Title of the encoder that the slice was cut around.
        around: String,
        /// The place, in the slice's units.
        at: [f64; 2],
    },
}

impl EncoderSource {
    /// A short name for titles: the file's, or what was initialised.
    pub fn title(&self) -> String {
        match self {
            Self::File(path) => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            Self::Untrained { architecture, seed } => {
                format!("untrained {} (seed {seed})", architecture.name())
            }
            Self::Bundled(name) => format!("bundled {name}"),
            Self::Run { name, step } => format!("{name}, step {step}"),
            Self::Place { around, at: [x, y] } => {
                format!("landscape at {x:.3}, {y:.3} around {around}").replace('-', "−")
            }
        }
    }
}

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImagesSource {
    /// A folder or a data set's binary file.
    Path {
        /// The folder or file.
        path: PathBuf,
        /// A folder of masks with the same stems.
        masks: Option<PathBuf>,
    },
    /// The built-in procedural set.
    Builtin(BuiltinConfig),
}

impl ImagesSource {
    /// The command line's flags for these images, each with its value.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Path { path, masks } => {
                let masks = masks.iter().map(|masks| ("masks", masks));
                std::iter::once(("images", path))
                    .chain(masks)
                    .map(|(name, path)| (name, path.display().to_string()))
                    .collect()
            }
            Self::Builtin(config) => vec![
                ("builtin", builtin_word(config.kind).to_owned()),
                ("builtin-count", config.count.to_string()),
                ("builtin-side", config.side.to_string()),
                ("builtin-seed", config.seed.to_string()),
            ],
        }
    }
}

/// Which pairs count as positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairRule {
    /// Two seeded augmentations of the same image (Wang & Isola's evaluation).
    #[default]
    AugmentedViews,
    /// Any two images of the same class, un-augmented.
    SameClass,
}

impl PairRule {
    /// All rules, in the order of menus.
    pub const ALL: [Self; 2] = [Self::AugmentedViews, Self::SameClass];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AugmentedViews => "augmented-views",
            Self::SameClass => "same-class",
        }
    }
}

/// Which pairs of vectors uniformity looks at; they differ for dense features only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairSetKind {
    /// All unordered pairs of distinct vectors.
    #[default]
    All,
    /// Pairs of vectors of different images.
    BetweenImages,
    /// Pairs of vectors of the same image: 0 reveals spatial collapse.
    WithinImage,
}

impl PairSetKind {
    /// All sets, in the order of menus.
    pub const ALL: [Self; 3] = [Self::All, Self::BetweenImages, Self::WithinImage];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::BetweenImages => "between-images",
            Self::WithinImage => "within-image",
        }
    }
}

/// A word on the command line that names no setting.
#[derive(Clone, Debug, thiserror::Error)]
#[error("unknown {what} '{found}': one of {known}")]
pub struct ParseSettingError {
    what: &'static str,
    found: String,
    known: String,
}

macro_rules! named_setting {
    ($kind:ty, $what:literal) => {
        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = ParseSettingError;

            fn from_str(text: &str) -> Result<Self, ParseSettingError> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.name() == text)
                    .ok_or_else(|| ParseSettingError {
                        what: $what,
                        found: text.to_owned(),
                        known: Self::ALL.map(Self::name).join(", "),
                    })
            }
        }
    };
}

named_setting!(PairRule, "pair rule");
named_setting!(PairSetKind, "pair set");

/// Everything that decides the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The encoder.
    pub encoder: EncoderSource,
    /// Which network of a file that holds several (a teacher, say): its path in the file, as the
    /// key report lists it; the rules choose when `None`.
    #[serde(default)]
    pub root: Option<String>,
    /// The images.
    pub images: ImagesSource,
    /// Which vectors.
    pub kind: FeatureKind,
    /// Number of the stage; the architecture's default when `None`.
    pub stage: Option<usize>,
    /// Which pairs count as positive.
    pub pairs: PairRule,
    /// How locations of two views are paired, for dense kinds.
    pub matching: MatchingRule,
    /// Which pairs uniformity looks at.
    pub pair_set: PairSetKind,
    /// Exponent α of alignment, above 0.
    pub alpha: f64,
    /// Temperature t of uniformity, above 0.
    pub t: f64,
    /// Input constants; those that the key report proposes when `None`.
    pub normalisation: Option<Normalisation>,
    /// How images become input; the architecture's usual size when `None`.
    pub resize: Option<Resize>,
    /// Seed of augmentations and of every sample.
    pub seed: u64,
    /// Uniformity from this many sampled pairs instead of all; `None` is exact.
    pub sample_pairs: Option<u64>,
    /// At most this many images, a seeded sample; `None` takes all.
    pub limit: Option<usize>,
}

impl Request {
    /// The usual settings (α = 2, t = 2, pooled, augmented views, exact) for an encoder and images.
    pub fn new(encoder: EncoderSource, images: ImagesSource) -> Self {
        Self {
            encoder,
            root: None,
            images,
            kind: FeatureKind::default(),
            stage: None,
            pairs: PairRule::default(),
            matching: MatchingRule::default(),
            pair_set: PairSetKind::default(),
            alpha: 2.0,
            t: 2.0,
            normalisation: None,
            resize: None,
            seed: 0,
            sample_pairs: None,
            limit: None,
        }
    }

    /// Refuses settings out of their range.
    ///
    /// # Errors
    /// [`AnalysisError::Setting`] naming the setting and what it may be.
    pub fn check(&self) -> Result<(), AnalysisError> {
        let positive = |name, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(AnalysisError::Setting {
                    name,
                    range: "a finite number above 0",
                    found: value.to_string(),
                })
            }
        };
        positive("alpha", self.alpha)?;
        positive("t", self.t)?;
        if let Some(constants) = &self.normalisation {
            for std in constants.std {
                positive(
                    "the standard deviation of the normalisation",
                    f64::from(std),
                )?;
            }
            for mean in constants.mean {
                if !mean.is_finite() {
                    return Err(AnalysisError::Setting {
                        name: "the mean of the normalisation",
                        range: "a finite number",
                        found: mean.to_string(),
                    });
                }
            }
        }
        let at_least_one = |name, count: Option<u64>| match count {
            Some(0) => Err(AnalysisError::Setting {
                name,
                range: "at least 1",
                found: "0".into(),
            }),
            _ => Ok(()),
        };
        at_least_one("the number of sampled pairs", self.sample_pairs)?;
        at_least_one("the limit of images", self.limit.map(|n| n as u64))
    }

    /// The command that gives the same numbers without a window.
    pub fn command_line(&self) -> String {
        let mut words = vec!["spherescope".to_owned(), "measure".to_owned()];
        let mut flag = |name: &str, value: String| {
            words.push(format!("--{name}"));
            words.push(quoted(&value));
        };
        match &self.encoder {
            EncoderSource::File(path) => flag("checkpoint", path.display().to_string()),
            EncoderSource::Untrained { architecture, seed } => {
                flag("untrained", architecture_word(architecture));
                flag("weights-seed", seed.to_string());
            }
            EncoderSource::Bundled(name) => flag("bundled", name.clone()),
            // The file that saving the run writes.
            EncoderSource::Run { step, .. } => {
                flag("checkpoint", format!("step-{step:06}.safetensors"));
            }
            // No file holds these weights: a name that nobody takes for another's.
            EncoderSource::Place { .. } => flag("checkpoint", self.encoder.title()),
        }
        if let Some(root) = &self.root {
            flag("root", root.clone());
        }
        for (name, value) in self.images.flags() {
            flag(name, value);
        }
        flag("kind", self.kind.to_string());
        if let Some(stage) = self.stage {
            flag("stage", stage.to_string());
        }
        flag("pairs", self.pairs.to_string());
        if self.kind.is_dense() && self.pairs == PairRule::AugmentedViews {
            flag("matching", self.matching.to_string());
        }
        if self.kind.is_dense() && self.pair_set != PairSetKind::All {
            flag("pair-set", self.pair_set.to_string());
        }
        flag("alpha", self.alpha.to_string());
        flag("t", self.t.to_string());
        if let Some(constants) = &self.normalisation {
            flag("mean", comma_separated(constants.mean));
            flag("std", comma_separated(constants.std));
        }
        if let Some(resize) = &self.resize {
            flag("resize", resize_word(*resize));
        }
        flag("seed", self.seed.to_string());
        if let Some(pairs) = self.sample_pairs {
            flag("sample-pairs", pairs.to_string());
        }
        if let Some(limit) = self.limit {
            flag("limit", limit.to_string());
        }
        words.join(" ")
    }
}

/// The demo: the built-in single-object set through the bundled healthy encoder, the three values
/// that its loss looked at.
pub fn demo_request() -> Request {
    let healthy = &super::GALLERY[0];
    let request = Request::new(
        EncoderSource::Bundled(healthy.name.to_owned()),
        ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 512,
            side: 64,
            seed: 0,
        }),
    );
    Request {
        kind: healthy.kind,
        ..request
    }
}

fn comma_separated(values: [f32; 3]) -> String {
    values.map(|v| v.to_string()).join(",")
}

/// Quotes a word for a POSIX shell when it needs it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./,:=+@".contains(c));
    if is_plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_valid_and_says_how_to_repeat_it() {
        let request = demo_request();
        request.check().unwrap();
        let line = request.command_line();
        assert!(
            line.starts_with("spherescope measure --bundled healthy "),
            "{line}"
        );
        assert!(line.contains("--builtin single-object"), "{line}");
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for (alpha, t) in [
            (0.0, 2.0),
            (f64::NAN, 2.0),
            (2.0, -1.0),
            (2.0, f64::INFINITY),
        ] {
            let request = Request {
                alpha,
                t,
                ..demo_request()
            };
            assert!(matches!(
                request.check(),
                Err(AnalysisError::Setting { .. })
            ));
        }
        let mut request = demo_request();
        request.normalisation = Some(Normalisation {
            mean: [0.5; 3],
            std: [0.5, 0.0, 0.5],
        });
        let message = request.check().unwrap_err().to_string();
        assert!(message.contains("standard deviation"), "{message}");
    }

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(quoted("a/b.pth"), "a/b.pth");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
    }

    #[test]
    fn requests_survive_a_session_file() {
        let request = demo_request();
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }
}
