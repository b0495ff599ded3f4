//! Sweeps that come with the program.

use super::SweepPlan;
use crate::lab::LabError;

/// A prepared sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepPreset {
    /// Word of the command line.
    pub name: &'static str,
    /// For menus.
    pub title: &'static str,
    /// What it is for.
    pub comment: &'static str,
    text: &'static str,
}

impl SweepPreset {
    /// All, in the order of menus.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "relation",
            title: "From collapsed to good",
            comment: "Eighteen encoders on single objects, from complete collapse to labels: how \
                      alignment and uniformity of pooled and projected features go with linear and \
                      k-NN accuracy, and how that changes along training. About ten minutes on two \
                      cores.",
            text: include_str!("../../../assets/sweeps/relation.toml"),
        },
        Self {
            name: "single-against-multi",
            title: "Single objects against several",
            comment: "Eighteen encoders, half trained on scenes of one object and half of several, \
                      by losses of whole images and of locations: how pooled and dense alignment \
                      and uniformity, under every rule that pairs locations, go with what is where \
                      (mIoU), what is there (average precision) and the class. Rows by `data`, or \
                      by the matching rule. About ten minutes on two cores.",
            text: include_str!("../../../assets/sweeps/single-against-multi.toml"),
        },
    ];

    /// The plan.
    ///
    /// # Errors
    /// [`LabError::File`] when its text is broken, which tests rule out.
    pub fn plan(&self) -> Result<SweepPlan, LabError> {
        let mut plan: SweepPlan = toml::from_str(self.text).map_err(|error| LabError::File {
            path: self.name.into(),
            reason: error.to_string(),
        })?;
        self.name.clone_into(&mut plan.name);
        self.comment.clone_into(&mut plan.comment);
        Ok(plan)
    }

    /// The preset of a name.
    ///
    /// # Errors
    /// [`LabError::Setting`] with the names that there are.
    pub fn named(name: &str) -> Result<&'static Self, LabError> {
        let names: Vec<&str> = Self::ALL.iter().map(|preset| preset.name).collect();
        Self::ALL
            .iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| {
                LabError::setting("the sweep", format!("one of {}", names.join(", ")), name)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_at_least_sixteen_runs_of_their_own() {
        for preset in SweepPreset::ALL {
            let runs = preset.plan().unwrap().runs().unwrap();
            assert!(runs.len() >= 16, "{}: {}", preset.name, runs.len());
            for (place, run) in runs.iter().enumerate() {
                let is_same = |other: &super::super::PlannedRun| {
                    let named = crate::training::RunConfig {
                        name: run.config.name.clone(),
                        ..other.config.clone()
                    };
                    named == run.config
                };
                assert!(!runs[..place].iter().any(is_same), "{} twice", run.name);
            }
        }
        assert!(
            SweepPreset::named("none")
                .unwrap_err()
                .to_string()
                .contains("relation")
        );
    }
}
