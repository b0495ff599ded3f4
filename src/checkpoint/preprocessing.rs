//! The constants by which images were probably normalised in training. No checkpoint says; every
//! guess comes with its reason, and the user can change it.

use serde::{Deserialize, Serialize};

use super::{candidate::Candidate, heads::Heads, method::Method};
use crate::{
    data::Normalisation,
    models::{Architecture, Shortcut, Stem},
};

/// Normalisation constants and why they were proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalisationGuess {
    /// Mean and standard deviation of each channel.
    pub constants: Normalisation,
    /// "imagenet", "cifar10", … or "custom".
    pub name: String,
    /// The reason, as a sentence that owns up to being a guess.
    pub why: String,
}

impl NormalisationGuess {
    /// A proposal with its reason.
    pub(super) fn new(constants: Normalisation, why: impl Into<String>) -> Self {
        Self {
            constants,
            name: constants.name().to_owned(),
            why: why.into(),
        }
    }
}

/// Proposes constants for a network found in a file.
pub(super) fn guess(
    candidate: &Candidate,
    heads: &Heads,
    method: Option<Method>,
) -> NormalisationGuess {
    if let Some(method) = method.filter(|method| method.is_unnormalised) {
        return NormalisationGuess::new(
            Normalisation::NONE,
            format!(
                "guessed: the keys are those of {}, whose training program does not normalise; \
                 edit it if yours does",
                method.name
            ),
        );
    }
    let classes = heads.classifier.as_ref().map(|found| found.classes);
    let spelled_shortcut =
        candidate.spelling.file("layer2.0.downsample.0.weight") != "layer2.0.downsample.0.weight";
    match &candidate.architecture {
        Architecture::CifarResNet { shortcut, .. } => {
            let is_linear = heads
                .classifier
                .as_ref()
                .is_some_and(|found| found.place.ends_with("linear"));
            cifar_build(*shortcut, is_linear, spelled_shortcut)
        }
        architecture => of_architecture(architecture, classes),
    }
}

/// Constants for a network that no file says anything about.
pub(super) fn of_architecture(
    architecture: &Architecture,
    classes: Option<usize>,
) -> NormalisationGuess {
    match architecture {
        Architecture::ResNet {
            stem: Stem::ImageNet,
            ..
        } => NormalisationGuess::new(
            Normalisation::IMAGENET,
            "guessed: networks with an ImageNet stem are nearly always trained with ImageNet's \
             constants; edit it if yours was not",
        ),
        Architecture::ResNet { .. } if classes == Some(100) => NormalisationGuess::new(
            Normalisation::CIFAR100,
            "guessed: a CIFAR stem and a classifier of 100 classes; edit it if the images were \
             others",
        ),
        Architecture::ResNet { .. } => NormalisationGuess::new(
            Normalisation::CIFAR10,
            "guessed: a CIFAR stem, usually trained with CIFAR-10's constants; edit it if the \
             images were others",
        ),
        Architecture::CifarResNet { .. } => NormalisationGuess::new(
            Normalisation::CIFAR10,
            "guessed: a CIFAR ResNet, usually trained with CIFAR-10's constants; edit it if the \
             program used others",
        ),
        Architecture::PreparedCifarResNet { .. } => NormalisationGuess::new(
            Normalisation::CIFAR10_PIXEL_STD,
            "guessed: the Lightning tutorial computes CIFAR-10's mean and standard deviation over \
             all pixels; edit it if the images were others",
        ),
        Architecture::SmallAlexNet { .. } => NormalisationGuess::new(
            Normalisation::STL10,
            "guessed: the published training program normalises by STL-10's constants; edit it if \
             the images were others",
        ),
        Architecture::TinyConvNet { .. } => NormalisationGuess::new(
            Normalisation::HALF,
            "this program trains its tiny conv net on pixels mapped to [-1, 1] by 0.5/0.5; edit it \
             if the run had other constants",
        ),
    }
}

/// The two public programs for CIFAR ResNets differ in names, shortcuts and constants.
fn cifar_build(shortcut: Shortcut, is_linear: bool, spelled_shortcut: bool) -> NormalisationGuess {
    match shortcut {
        Shortcut::A if is_linear => NormalisationGuess::new(
            Normalisation::IMAGENET,
            "guessed: option-A shortcuts and a classifier called `linear` are those of akamaster's \
             program, which uses ImageNet's constants although the images are CIFAR-10; edit it if \
             yours does not",
        ),
        Shortcut::B if !spelled_shortcut && !is_linear => NormalisationGuess::new(
            Normalisation::HALF,
            "guessed: projections called `downsample` are those of the distiller program, which \
             maps pixels to [-1, 1] by 0.5/0.5; edit it if yours does not",
        ),
        _ => NormalisationGuess::new(
            Normalisation::CIFAR10,
            "guessed: a CIFAR ResNet of a program we do not know, usually trained with CIFAR-10's \
             constants; edit it if it used others",
        ),
    }
}
