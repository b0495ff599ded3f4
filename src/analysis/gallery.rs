//! Small trained encoders that come with the program, each an example of one outcome.
//!
//! `scripts/gallery` makes them anew: runs of the presets that their comments name, seed 0.

use std::io::Write as _;

use super::AnalysisError;
use crate::{
    checkpoint::{self, KeyReport, LoadedModel, OpenOptions},
    compute::Compute,
    features::FeatureKind,
    models::ModelWeights,
    progress::Progress,
};

/// A bundled encoder.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Word of the command line.
    pub name: &'static str,
    /// For menus.
    pub title: &'static str,
    /// What it shows, and how it was made.
    pub comment: &'static str,
    /// The vectors that its loss looked at.
    pub kind: FeatureKind,
    file: &'static [u8],
}

/// All bundled encoders, in the order of menus.
pub const GALLERY: &[Bundled] = &[
    Bundled {
        name: "healthy",
        title: "Healthy",
        comment: "Trained with align + uniform (preset healthy): aligned and spread.",
        kind: FeatureKind::Projected,
        file: include_bytes!("../../assets/encoders/healthy.safetensors"),
    },
    Bundled {
        name: "complete-collapse",
        title: "Complete collapse",
        comment: "Trained with alignment alone (preset align-only): all images on one point.",
        kind: FeatureKind::Projected,
        file: include_bytes!("../../assets/encoders/complete-collapse.safetensors"),
    },
    Bundled {
        name: "dimensional-collapse",
        title: "Dimensional collapse",
        comment: "Trained with NT-Xent on 64 values (preset dimensional-collapse): centred and spread, \
                  but most directions are (nearly) empty.",
        kind: FeatureKind::Projected,
        file: include_bytes!("../../assets/encoders/dimensional-collapse.safetensors"),
    },
    Bundled {
        name: "coagulated",
        title: "Coagulated",
        comment: "Trained with ProtoNCE (preset proto-nce): images huddle on a few prototypes.",
        kind: FeatureKind::Projected,
        file: include_bytes!("../../assets/encoders/coagulated.safetensors"),
    },
    Bundled {
        name: "dense",
        title: "Dense: locations",
        comment: "Trained with align + uniform of locations, on scenes of several objects (preset \
                  dense): locations aligned and spread.",
        kind: FeatureKind::ProjectedDense,
        file: include_bytes!("../../assets/encoders/dense.safetensors"),
    },
    Bundled {
        name: "uniform-only",
        title: "Uniform only",
        comment: "Trained with uniformity alone (preset uniform-only): spread, not aligned.",
        kind: FeatureKind::Projected,
        file: include_bytes!("../../assets/encoders/uniform-only.safetensors"),
    },
];

impl Bundled {
    /// The encoder of a name.
    ///
    /// # Errors
    /// [`AnalysisError::Gallery`] with the names that there are.
    pub fn named(name: &str) -> Result<&'static Self, AnalysisError> {
        let names = || GALLERY.iter().map(|bundled| bundled.name);
        GALLERY
            .iter()
            .find(|bundled| bundled.name == name)
            .ok_or_else(|| AnalysisError::Gallery {
                name: name.to_owned(),
                reason: format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            })
    }

    /// Loads it as any checkpoint is loaded.
    pub(super) fn load(
        &self,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<LoadedModel, AnalysisError> {
        let file = self.on_disk()?;
        let mut loaded = checkpoint::load(file.path(), compute.device(), progress)?;
        self.sign(&mut loaded.report);
        Ok(loaded)
    }

    /// Its weights, as those of any checkpoint.
    pub(super) fn weights(
        &self,
        progress: &Progress,
    ) -> Result<(ModelWeights, KeyReport), AnalysisError> {
        let file = self.on_disk()?;
        let options = OpenOptions::default();
        let (weights, mut report) = checkpoint::model_weights(file.path(), &options, progress)?;
        self.sign(&mut report);
        Ok((weights, report))
    }

    /// Its file, for as long as the answer lives: the checkpoint room reads files, so that there is
    /// one way in for weights.
    ///
    /// # Errors
    /// [`AnalysisError::Gallery`] when it cannot be written.
    pub fn on_disk(&self) -> Result<tempfile::NamedTempFile, AnalysisError> {
        let unavailable = |error: std::io::Error| AnalysisError::Gallery {
            name: self.name.to_owned(),
            reason: error.to_string(),
        };
        let mut file = tempfile::Builder::new()
            .suffix(".safetensors")
            .tempfile()
            .map_err(unavailable)?;
        file.write_all(self.file).map_err(unavailable)?;
        Ok(file)
    }

    fn sign(&self, report: &mut KeyReport) {
        report.file = format!("{}.safetensors", self.name).into();
        report
            .evidence
            .insert(0, format!("bundled: {}", self.comment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{
            Analysis, Cache, EncoderSource, Request, analyse, demo_request, diagnose_shown,
        },
        compute::DevicePolicy,
    };

    fn analysed(name: &str) -> Analysis {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let request = Request {
            kind: Bundled::named(name).unwrap().kind,
            limit: Some(128),
            ..Request::new(
                EncoderSource::Bundled(name.to_owned()),
                demo_request().images,
            )
        };
        let cache = &mut Cache::headless();
        analyse(&request, &compute, cache, &Progress::none()).unwrap()
    }

    #[test]
    fn the_verdict_on_every_bundled_encoder_is_its_name() {
        let titled = |name: &str| {
            let report = diagnose_shown(&analysed(name), &Progress::none()).unwrap();
            report.main().unwrap().verdict.title()
        };
        assert_eq!(titled("healthy"), "healthy");
        assert_eq!(titled("complete-collapse"), "complete");
        assert!(titled("dimensional-collapse").starts_with("dimensional "));
        assert!(titled("dimensional-collapse").ends_with(" of 64"));
        assert!(titled("coagulated").starts_with("coagulation on "));
        assert_eq!(titled("dense"), "healthy");
        // Nothing aligns it, but its vectors are spread: that is no collapse.
        assert_eq!(titled("uniform-only"), "healthy");
    }

    #[test]
    fn every_bundled_encoder_is_what_it_says() {
        let figures = |name: &str| {
            let numbers = analysed(name).numbers;
            [numbers.alignment, numbers.uniformity, numbers.std_sqrt_d]
                .map(|figure| figure.value.unwrap())
        };
        // Its blocks have normalisations, and no method but this program's made it.
        let report = analysed("healthy").report.to_string();
        assert!(!report.contains("Barlow"), "{report}");
        let [align, uniform, spread] = figures("healthy");
        assert!(
            align < 1.2 && uniform < -1.4 && spread > 0.8,
            "{align} {uniform} {spread}"
        );
        let [align, uniform, spread] = figures("complete-collapse");
        assert!(
            align < 0.1 && uniform > -0.2 && spread < 0.2,
            "{align} {uniform} {spread}"
        );
        let [align, uniform, _] = figures("uniform-only");
        assert!(align > 1.2 && uniform < -1.4, "{align} {uniform}");
        // No figure of these alone says what ails it.
        let [_, uniform, spread] = figures("dimensional-collapse");
        assert!(uniform < -2.5 && spread > 0.9, "{uniform} {spread}");
        let [_, uniform, spread] = figures("coagulated");
        assert!(
            (-1.7..-0.8).contains(&uniform) && spread > 0.9,
            "{uniform} {spread}"
        );
        let [align, uniform, spread] = figures("dense");
        assert!(
            align < 1.5 && uniform < -1.5 && spread > 0.9,
            "{align} {uniform} {spread}"
        );
        assert!(Bundled::named("none").is_err());
        assert!(GALLERY.iter().all(|bundled| bundled.file.len() < 300_000));
    }
}
