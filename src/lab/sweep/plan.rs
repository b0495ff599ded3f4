//! Which runs a sweep consists of.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::axis::{Axes, Axis, AxisValue, Values};
use crate::{
    analysis::ImagesSource,
    data::BuiltinConfig,
    lab::{LabError, MeasurePlan},
    training::{Preset, RunConfig},
};

/// More runs than anyone waits for are a mistake.
const MOST_RUNS: usize = 10_000;
/// Seed of the built-in scenes that encoders are measured on, beside the run's own.
const MEASURE_SEED: u64 = 0x6c_6162;

/// How runs are chosen from the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Every combination of each part.
    #[default]
    Grid,
    /// Seeded draws: a part, then a value on each of its axes.
    Random {
        /// How many.
        runs: usize,
        /// Seed of the draws.
        seed: u64,
    },
}

/// Runs that vary along the same axes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SweepPart {
    /// The preset that its runs begin as; the sweep's own settings without.
    pub preset: Option<String>,
    /// What varies.
    pub vary: Axes,
}

/// Everything that decides a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SweepPlan {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub comment: String,
    /// How runs are chosen.
    pub choice: Choice,
    /// Steps after which encoders are measured too, for scores along training.
    pub measure_at: Vec<usize>,
    /// Steps between two saves, from which a run that was broken off goes on.
    pub save_every: usize,
    /// Images that encoders are measured on; when absent, built-in scenes of each run's own kind
    /// with another seed, or the run's own images.
    pub images: Option<ImagesSource>,
    /// How many built-in scenes.
    pub image_count: usize,
    /// What is measured.
    pub measure: MeasurePlan,
    /// Settings of all runs that no preset and no axis decides.
    pub base: RunConfig,
    /// The parts.
    pub parts: Vec<SweepPart>,
}

impl Default for SweepPlan {
    fn default() -> Self {
        Self {
            name: "sweep".to_owned(),
            comment: String::new(),
            choice: Choice::Grid,
            measure_at: Vec::new(),
            save_every: 100,
            images: None,
            image_count: 1024,
            measure: MeasurePlan::default(),
            base: RunConfig::default(),
            parts: Vec::new(),
        }
    }
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Its number, its part and what was chosen, as words: a name that is one of its kind.
    pub name: String,
    /// Its folder below the sweep's.
    pub folder: PathBuf,
    /// Its settings.
    pub config: RunConfig,
    /// What its encoders are measured on.
    pub images: ImagesSource,
}

impl PlannedRun {
    /// Whether its encoders are measured on the very images that they are trained on.
    pub fn is_measured_on_its_own_images(&self) -> bool {
        match (&self.images, &self.config.images) {
            (ImagesSource::Path { path, .. }, ImagesSource::Path { path: own, .. }) => path == own,
            (images, own) => images == own,
        }
    }
}

impl SweepPlan {
    /// Reads a plan from a TOML file, or a JSON file by its ending.
    ///
    /// # Errors
    /// [`LabError::File`] with the place of the mistake; what [`runs`](Self::runs) refuses.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        let refuse = |reason: String| LabError::File {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let plan: Self = if path.extension().is_some_and(|ending| ending == "json") {
            serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?
        } else {
            toml::from_str(&text).map_err(|error| refuse(error.to_string()))?
        };
        plan.runs()?;
        Ok(plan)
    }

    /// The plan as a TOML file.
    ///
    /// # Errors
    /// [`LabError::File`] when a number has no form in TOML.
    pub fn to_toml(&self) -> Result<String, LabError> {
        toml::to_string(self).map_err(|error| LabError::File {
            path: PathBuf::from("sweep.toml"),
            reason: error.to_string(),
        })
    }

    /// All runs, in the order in which they are done. The same plan gives the same runs.
    ///
    /// # Errors
    /// [`LabError::Setting`] and what runs refuse: everything is checked before anything is done.
    pub fn runs(&self) -> Result<Vec<PlannedRun>, LabError> {
        self.measure.check()?;
        if self.save_every == 0 {
            return Err(LabError::setting(
                "the steps between two saves",
                "at least 1",
                0,
            ));
        }
        if !(8..=100_000).contains(&self.image_count) {
            return Err(LabError::setting(
                "the measured images",
                "from 8 to 100,000",
                self.image_count,
            ));
        }
        if let Some(ImagesSource::Builtin(images)) = &self.images
            && !(BuiltinConfig::COUNTS.contains(&images.count)
                && BuiltinConfig::SIDES.contains(&images.side))
        {
            return Err(LabError::setting(
                "the measured images",
                "1 to 1,000,000 of 8 to 1024 pixels",
                format!("{} of {}", images.count, images.side),
            ));
        }
        let whole = [SweepPart::default()];
        let parts = if self.parts.is_empty() {
            &whole[..]
        } else {
            &self.parts
        };
        let chosen = match self.choice {
            Choice::Grid => grid(parts)?,
            Choice::Random { runs, seed } => random(parts, runs, seed)?,
        };
        if chosen.is_empty() || chosen.len() > MOST_RUNS {
            return Err(LabError::setting(
                "the runs",
                format!("from 1 to {MOST_RUNS}"),
                chosen.len(),
            ));
        }
        chosen
            .into_iter()
            .enumerate()
            .map(|(number, (part, values))| self.run(number + 1, part, &values))
            .collect()
    }

    fn run(
        &self,
        number: usize,
        part: &SweepPart,
        values: &[(Axis, AxisValue)],
    ) -> Result<PlannedRun, LabError> {
        let mut config = match &part.preset {
            // A preset brings its loss, head and views; how long and on what is the sweep's.
            Some(name) => RunConfig {
                steps: self.base.steps,
                batch: self.base.batch,
                seed: self.base.seed,
                architecture: self.base.architecture.clone(),
                ..Preset::named(name)?.config()
            },
            None => self.base.clone(),
        };
        for (axis, value) in values {
            axis.set(&mut config, value)?;
        }
        let words: Vec<String> = values
            .iter()
            .map(|(axis, value)| match value {
                AxisValue::Word(word) => word.clone(),
                AxisValue::Number(number) => format!("{} {:.4}", axis.name(), number)
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned(),
            })
            .collect();
        let what = part
            .preset
            .iter()
            .cloned()
            .chain(words)
            .collect::<Vec<_>>()
            .join(", ");
        config.name = format!(
            "{number:03} {}",
            if what.is_empty() { &self.name } else { &what }
        );
        config.check()?;
        if let ImagesSource::Builtin(images) = &config.images {
            config.check_for(images.count)?;
        }
        Ok(PlannedRun {
            name: config.name.clone(),
            folder: PathBuf::from("runs").join(format!("run-{number:03}")),
            images: self.images_of(&config),
            config,
        })
    }

    fn images_of(&self, config: &RunConfig) -> ImagesSource {
        match (&self.images, &config.images) {
            (Some(images), _) => images.clone(),
            (None, ImagesSource::Builtin(images)) => ImagesSource::Builtin(BuiltinConfig {
                count: self.image_count,
                seed: images.seed ^ MEASURE_SEED,
                ..*images
            }),
            (None, path @ ImagesSource::Path { .. }) => path.clone(),
        }
    }
}

type Chosen<'a> = Vec<(&'a SweepPart, Vec<(Axis, AxisValue)>)>;

fn grid(parts: &[SweepPart]) -> Result<Chosen<'_>, LabError> {
    let mut all = Vec::new();
    for part in parts {
        let mut combinations = vec![Vec::new()];
        for (axis, values) in &part.vary {
            let Values::List(values) = values else {
                return Err(LabError::setting(
                    axis.name(),
                    "a list in a grid",
                    "a range",
                ));
            };
            combinations = combinations
                .into_iter()
                .flat_map(|so_far: Vec<(Axis, AxisValue)>| {
                    values.iter().map(move |value| {
                        let mut longer = so_far.clone();
                        longer.push((*axis, value.clone()));
                        longer
                    })
                })
                .take(MOST_RUNS + 1)
                .collect();
        }
        all.extend(
            combinations
                .into_iter()
                .map(|combination| (part, combination)),
        );
    }
    Ok(all)
}

fn random(parts: &[SweepPart], runs: usize, seed: u64) -> Result<Chosen<'_>, LabError> {
    (0..runs.min(MOST_RUNS + 1))
        .map(|run| {
            // A stream a run: more runs later leave the first ones as they are.
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(run as u64);
            let part = &parts[generator.random_range(0..parts.len())];
            let mut values = Vec::with_capacity(part.vary.len());
            for (axis, taken) in &part.vary {
                values.push((*axis, draw(*axis, taken, &mut generator)?));
            }
            Ok((part, values))
        })
        .collect()
}

fn draw(axis: Axis, values: &Values, generator: &mut ChaCha8Rng) -> Result<AxisValue, LabError> {
    match *values {
        Values::List(ref list) if list.is_empty() => Err(LabError::setting(
            axis.name(),
            "a list with values",
            "an empty one",
        )),
        Values::List(ref list) => Ok(list[generator.random_range(0..list.len())].clone()),
        Values::Range { min, max, log } => {
            let is_sound = min < max && max.is_finite() && min.is_finite() && (!log || min > 0.0);
            if !is_sound {
                let range = "a range with min below max, above 0 where it is logarithmic";
                return Err(LabError::setting(
                    axis.name(),
                    range,
                    format!("{min} to {max}"),
                ));
            }
            let share: f64 = generator.random();
            Ok(AxisValue::Number(if log {
                min * (max / min).powf(share)
            } else {
                min + share * (max - min)
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Objective;

    const TEXT: &str = r#"
        name = "two"
        measure-at = [10]
        [base]
        steps = 20
        [measure.performance]
        tasks = ["knn"]
        [[parts]]
        vary = { uniform-weight = [0, 1.0], seed = [1, 2] }
        [[parts]]
        preset = "nt-xent"
        vary = { temperature = [0.1] }
    "#;

    #[test]
    fn a_grid_is_every_combination_of_every_part() {
        let plan: SweepPlan = toml::from_str(TEXT).unwrap();
        let runs = plan.runs().unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "001 uniform-weight 0, seed 1",
                "002 uniform-weight 0, seed 2",
                "003 uniform-weight 1, seed 1",
                "004 uniform-weight 1, seed 2",
                "005 nt-xent, temperature 0.1",
            ]
        );
        assert!(runs.iter().all(|run| run.config.steps == 20));
        assert!(
            matches!(&runs[4].config.objective, Objective::NtXent(loss) if loss.temperature == 0.1)
        );
        assert_eq!(plan.runs().unwrap(), runs);
        let text = plan.to_toml().unwrap();
        assert_eq!(toml::from_str::<SweepPlan>(&text).unwrap(), plan);
        // Encoders are measured on scenes that none of them was trained on.
        let is_own = |run: &PlannedRun| run.is_measured_on_its_own_images();
        assert!(!runs.iter().any(is_own));
        let mut on_a_folder = SweepPlan {
            parts: Vec::new(),
            ..plan
        };
        on_a_folder.base.images = ImagesSource::Path {
            path: PathBuf::from("photographs"),
            masks: None,
        };
        assert!(on_a_folder.runs().unwrap().iter().all(is_own));
        on_a_folder.images = Some(ImagesSource::Path {
            path: PathBuf::from("other photographs"),
            masks: None,
        });
        assert!(!on_a_folder.runs().unwrap().iter().any(is_own));
    }

    #[test]
    fn random_draws_are_seeded_and_stay_inside() {
        let text = r"
            choice = { random = { runs = 12, seed = 4 } }
            [[parts]]
            vary = { learning-rate = { min = 1e-4, max = 1e-2, log = true }, uniform-weight = { min = 0, max = 2 } }
        ";
        let plan: SweepPlan = toml::from_str(text).unwrap();
        let runs = plan.runs().unwrap();
        assert_eq!(runs.len(), 12);
        assert!(
            runs.iter()
                .all(|run| (1e-4..=1e-2).contains(&run.config.learning_rate))
        );
        assert_eq!(runs, plan.runs().unwrap());
        let longer = SweepPlan {
            choice: Choice::Random { runs: 20, seed: 4 },
            ..plan.clone()
        };
        assert_eq!(longer.runs().unwrap()[..12], runs);
        let as_grid = SweepPlan {
            choice: Choice::Grid,
            ..plan
        };
        assert!(
            as_grid
                .runs()
                .unwrap_err()
                .to_string()
                .contains("a list in a grid")
        );
    }

    #[test]
    fn mistakes_are_told_before_anything_is_done() {
        let refuse = |text: &str| {
            let plan: SweepPlan = toml::from_str(text).unwrap();
            plan.runs().unwrap_err().to_string()
        };
        assert!(refuse("[[parts]]\nvary = { temperature = [0.1] }").len() > 10);
        assert!(refuse("[[parts]]\nvary = { seed = [] }").contains("the runs"));
        assert!(refuse("[[parts]]\npreset = \"magic\"").contains("healthy"));
        assert!(toml::from_str::<SweepPlan>("[[parts]]\nvary = { sed = [1] }").is_err());
        let wide = "[[parts]]\nvary = { seed = { min = 2, max = 1 } }\n[choice.random]\nruns = 1\nseed = 0";
        assert!(refuse(wide).contains("min below max"));
    }
}
