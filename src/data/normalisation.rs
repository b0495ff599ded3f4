//! Per-channel constants that turn pixels into encoder input: (v / 255 − mean) / std.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::DataError;

/// Mean and standard deviation of each channel (red, green, blue) on a scale from 0 to 1.
///
/// The wrong constants still give features, only worse ones: on one of the CIFAR-10 networks used
/// in the tests the accuracy falls from 92 % to 72 %. Hence they have names, and are shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Subtracted from each channel.
    pub mean: [f32; 3],
    /// Divides each channel afterwards.
    pub std: [f32; 3],
}

impl Normalisation {
    /// torchvision's ImageNet constants.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
    /// The usual CIFAR-10 constants; this std is the mean of each image's own std.
    pub const CIFAR10: Self = Self {
        mean: [0.4914, 0.4822, 0.4465],
        std: [0.2023, 0.1994, 0.2010],
    };
    /// CIFAR-10 with the std over all pixels of the training set, as some tutorials use it.
    pub const CIFAR10_PIXEL_STD: Self = Self {
        mean: [0.491_399_68, 0.482_158_4, 0.446_530_9],
        std: [0.247_032_23, 0.243_485_13, 0.261_587_84],
    };
    /// CIFAR-100, std over all pixels of the training set.
    pub const CIFAR100: Self = Self {
        mean: [0.5071, 0.4867, 0.4408],
        std: [0.2675, 0.2565, 0.2761],
    };
    /// STL-10 as in Wang & Isola's published training code.
    pub const STL10: Self = Self {
        mean: [0.440_878_02, 0.427_906_3, 0.386_787_94],
        std: [0.268_267_7, 0.261_045_04, 0.268_668_37],
    };
    /// MNIST, the one grey channel repeated.
    pub const MNIST: Self = Self {
        mean: [0.1307; 3],
        std: [0.3081; 3],
    };
    /// From [0, 1] to [−1, 1].
    pub const HALF: Self = Self {
        mean: [0.5; 3],
        std: [0.5; 3],
    };
    /// Pixels stay on their scale from 0 to 1.
    pub const NONE: Self = Self {
        mean: [0.0; 3],
        std: [1.0; 3],
    };

    /// Every named set of constants with its name, in the order menus show them.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("imagenet", Self::IMAGENET),
        ("cifar10", Self::CIFAR10),
        ("cifar10-pixel-std", Self::CIFAR10_PIXEL_STD),
        ("cifar100", Self::CIFAR100),
        ("stl10", Self::STL10),
        ("mnist", Self::MNIST),
        ("half", Self::HALF),
        ("none", Self::NONE),
    ];

    /// Constants of one's own.
    ///
    /// # Errors
    /// [`DataError::Settings`] for a std that is not positive, or anything not finite.
    pub fn custom(mean: [f32; 3], std: [f32; 3]) -> Result<Self, DataError> {
        let normalisation = Self { mean, std };
        normalisation.validate()?;
        Ok(normalisation)
    }

    /// The name in [`Self::NAMED`], or `custom`.
    pub fn name(&self) -> &'static str {
        Self::NAMED
            .iter()
            .find(|(_, constants)| constants == self)
            .map_or("custom", |(name, _)| name)
    }

    /// Checks constants that were read from a file.
    ///
    /// # Errors
    /// As [`custom`](Self::custom).
    pub fn validate(&self) -> Result<(), DataError> {
        let is_usable = self.mean.iter().all(|value| value.is_finite())
            && self
                .std
                .iter()
                .all(|&value| value.is_normal() && value > 0.0);
        if is_usable {
            Ok(())
        } else {
            Err(DataError::Settings(format!(
                "normalisation needs finite means and positive stds, not {self}"
            )))
        }
    }

    /// Factor and offset of each channel, so that `byte · factor + offset` is the input.
    pub(super) fn affine(&self) -> [(f32, f32); 3] {
        std::array::from_fn(|c| (1.0 / (255.0 * self.std[c]), -self.mean[c] / self.std[c]))
    }
}

impl fmt::Display for Normalisation {
    /// The name, or `m,m,m/s,s,s`: both can be parsed back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "custom" => {
                let [m0, m1, m2] = self.mean;
                let [s0, s1, s2] = self.std;
                write!(f, "{m0},{m1},{m2}/{s0},{s1},{s2}")
            }
            name => f.write_str(name),
        }
    }
}

impl FromStr for Normalisation {
    type Err = DataError;

    /// A name, or `mean,mean,mean/std,std,std` on a scale from 0 to 1.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let text = text.trim();
        let wanted = text.to_ascii_lowercase().replace('_', "-");
        if let Some((_, constants)) = Self::NAMED.iter().find(|(name, _)| *name == wanted) {
            return Ok(*constants);
        }
        let parse = |part: &str| -> Option<[f32; 3]> {
            let values: Vec<f32> = part
                .split(',')
                .map(|value| value.trim().parse().ok())
                .collect::<Option<_>>()?;
            match values[..] {
                [grey] => Some([grey; 3]),
                [r, g, b] => Some([r, g, b]),
                _ => None,
            }
        };
        let (mean, std) = text
            .split_once('/')
            .and_then(|(mean, std)| Some((parse(mean)?, parse(std)?)))
            .ok_or_else(|| {
                let names: Vec<&str> = Self::NAMED.iter().map(|(name, _)| *name).collect();
                DataError::Settings(format!(
                    "normalisation “{text}” is neither one of {} nor mean,mean,mean/std,std,std",
                    names.join(", ")
                ))
            })?;
        Self::custom(mean, std)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_parse_back() {
        for (name, constants) in Normalisation::NAMED {
            assert_eq!(constants.name(), name);
            assert_eq!(name.parse::<Normalisation>().unwrap(), constants);
        }
        let own = Normalisation::custom([0.1, 0.25, 0.3], [0.5, 0.125, 1.0]).unwrap();
        assert_eq!(own.name(), "custom");
        assert_eq!(own.to_string().parse::<Normalisation>().unwrap(), own);
        assert_eq!(
            "0.5/0.5".parse::<Normalisation>().unwrap(),
            Normalisation::HALF
        );
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        let text = "imagnet".parse::<Normalisation>().unwrap_err().to_string();
        assert!(
            text.contains("imagnet") && text.contains("imagenet"),
            "{text}"
        );
        for bad in [
            "0,0,0/0,1,1",
            "0,0,0/-1,1,1",
            "nan,0,0/1,1,1",
            "1,2/3,4",
            "",
        ] {
            assert!(bad.parse::<Normalisation>().is_err(), "{bad}");
        }
    }
}
