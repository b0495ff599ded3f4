//! Random views of an image, as contrastive training makes them, with their geometry kept.
//!
//! A view depends on (seed, image, view) and on nothing else. Transforms and their parameters have
//! torchvision's meanings; the draws are our own, so views differ from torchvision's in detail.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::{
    DataError, Normalisation, ViewGeometry,
    colour::{self, Pixel},
    draw::{Domain, Draw},
    resize_bilinear,
};

/// Attempts at a random window before the middle of the image is taken, as in torchvision.
const CROP_ATTEMPTS: usize = 10;

/// Random resized crop: a window of random area and aspect ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CropRange {
    /// Smallest and largest share of the image's area.
    pub scale: [f32; 2],
    /// Smallest and largest width / height; drawn uniformly on a logarithmic scale.
    pub ratio: [f32; 2],
}

/// Random brightness, contrast, saturation and hue, in random order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColourJitter {
    /// Factor from 1 − b to 1 + b.
    pub brightness: f32,
    /// Factor from 1 − c to 1 + c.
    pub contrast: f32,
    /// Factor from 1 − s to 1 + s.
    pub saturation: f32,
    /// Turn from −h to h, as a fraction of the colour circle; at most ½.
    pub hue: f32,
    /// Probability that a view is jittered at all.
    pub probability: f32,
}

/// Gaussian blur.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blur {
    /// Smallest and largest standard deviation, in pixels of the view.
    pub sigma: [f32; 2],
    /// Probability that a view is blurred.
    pub probability: f32,
}

/// The random transforms of a view, in the order crop, flip, jitter, greyscale, blur.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AugmentConfig {
    /// `None`: the whole image, stretched to the square.
    pub crop: Option<CropRange>,
    /// Probability of mirroring left to right.
    pub flip: f32,
    /// `None`: colours stay.
    pub jitter: Option<ColourJitter>,
    /// Probability that a view loses its colours.
    pub greyscale: f32,
    /// `None`: no blur.
    pub blur: Option<Blur>,
}

impl AugmentConfig {
    /// Wang & Isola's STL-10 training: crop .08–1, flip, jitter .4 on all four, greyscale .2.
    pub fn wang_isola() -> Self {
        Self {
            crop: Some(CropRange::with_scale(0.08)),
            flip: 0.5,
            jitter: Some(ColourJitter {
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.4,
                hue: 0.4,
                probability: 1.0,
            }),
            greyscale: 0.2,
            blur: None,
        }
    }

    /// MoCo v2, and so DenseCL: crop .2–1, flip, jitter (.4, .4, .4, .1) with probability .8,
    /// greyscale .2, blur .1–2 pixels with probability .5 (meant for views of 224 pixels).
    pub fn moco_v2() -> Self {
        Self {
            crop: Some(CropRange::with_scale(0.2)),
            flip: 0.5,
            jitter: Some(ColourJitter {
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.4,
                hue: 0.1,
                probability: 0.8,
            }),
            greyscale: 0.2,
            blur: Some(Blur {
                sigma: [0.1, 2.0],
                probability: 0.5,
            }),
        }
    }

    /// Only geometry: crop .2–1 and flip.
    pub fn crop_flip_only() -> Self {
        Self {
            crop: Some(CropRange::with_scale(0.2)),
            flip: 0.5,
            ..Self::identity()
        }
    }

    /// No change but the size.
    pub fn identity() -> Self {
        Self {
            crop: None,
            flip: 0.0,
            jitter: None,
            greyscale: 0.0,
            blur: None,
        }
    }

    /// The same transforms made weaker or stronger: 0 is [`identity`](Self::identity), 1 leaves them
    /// as they are, 2 doubles them as far as their ranges go. Crops reach down to
    /// 1 − strength · (1 − smallest area), factors, turns and probabilities are multiplied.
    pub fn with_strength(&self, strength: f32) -> Self {
        let strength = strength.clamp(0.0, 2.0);
        let probability = |p: f32| (p * strength).min(1.0);
        let crop = self.crop.filter(|_| strength > 0.0).map(|crop| {
            let [low, high] = crop.scale;
            let low = (high - strength * (high - low)).max(0.02).min(high);
            let ratio = crop.ratio.map(|ratio| ratio.powf(strength));
            CropRange {
                scale: [low, high],
                ratio,
            }
        });
        let jitter = self.jitter.map(|jitter| ColourJitter {
            brightness: jitter.brightness * strength,
            contrast: jitter.contrast * strength,
            saturation: jitter.saturation * strength,
            hue: (jitter.hue * strength).min(0.5),
            probability: jitter.probability,
        });
        Self {
            crop,
            flip: (self.flip * strength).min(0.5_f32.max(self.flip)),
            jitter: jitter.filter(|_| strength > 0.0),
            greyscale: probability(self.greyscale),
            blur: self.blur.filter(|_| strength > 0.0).map(|blur| Blur {
                probability: probability(blur.probability),
                ..blur
            }),
        }
    }

    /// The presets with the names by which commands call them.
    pub fn presets() -> [(&'static str, Self); 4] {
        [
            ("wang-isola", Self::wang_isola()),
            ("moco-v2", Self::moco_v2()),
            ("crop-flip", Self::crop_flip_only()),
            ("identity", Self::identity()),
        ]
    }

    /// The name of the preset, or `custom`.
    pub fn name(&self) -> &'static str {
        Self::presets()
            .into_iter()
            .find(|(_, preset)| preset == self)
            .map_or("custom", |(name, _)| name)
    }

    /// Checks ranges that came from a file or a command line.
    ///
    /// # Errors
    /// [`DataError::Settings`] naming the range that makes no sense.
    pub fn validate(&self) -> Result<(), DataError> {
        let is_range = |[low, high]: [f32; 2], max: f32| low > 0.0 && low <= high && high <= max;
        let is_probability = |p: f32| (0.0..=1.0).contains(&p);
        let crop = self
            .crop
            .is_none_or(|crop| is_range(crop.scale, 1.0) && is_range(crop.ratio, 100.0));
        let jitter = self.jitter.is_none_or(|jitter| {
            let factors = [jitter.brightness, jitter.contrast, jitter.saturation];
            factors.iter().all(|factor| (0.0..=10.0).contains(factor))
                && (0.0..=0.5).contains(&jitter.hue)
                && is_probability(jitter.probability)
        });
        let blur = self
            .blur
            .is_none_or(|blur| is_range(blur.sigma, 20.0) && is_probability(blur.probability));
        let trouble = [
            (crop, "crop: areas within (0, 1], ratios within (0, 100]"),
            (is_probability(self.flip), "flip: a probability"),
            (
                jitter,
                "jitter: factors 0 to 10, hue 0 to 0.5, a probability",
            ),
            (is_probability(self.greyscale), "greyscale: a probability"),
            (blur, "blur: sigmas within (0, 20] pixels, a probability"),
        ];
        match trouble.iter().find(|(is_fine, _)| !is_fine) {
            Some((_, what)) => Err(DataError::Settings(format!("augmentation needs {what}"))),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for AugmentConfig {
    type Err = DataError;

    /// A preset by its name.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let wanted = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::presets()
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, preset)| preset)
            .ok_or_else(|| {
                let names = Self::presets().map(|(name, _)| name).join(", ");
                DataError::Settings(format!("augmentation “{text}” is none of {names}"))
            })
    }
}

impl CropRange {
    /// From this share of the area to the whole, with the usual aspect ratios ¾ to 4⁄3.
    pub fn with_scale(smallest: f32) -> Self {
        Self {
            scale: [smallest, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
        }
    }

    /// x, y, width and height of a window in whole pixels.
    fn draw(&self, width: u32, height: u32, draw: &mut Draw) -> [u32; 4] {
        let area = width as f32 * height as f32;
        let log_ratio = self.ratio.map(f32::ln);
        for _ in 0..CROP_ATTEMPTS {
            let target = area * draw.between(self.scale[0], self.scale[1]);
            let ratio = draw.between(log_ratio[0], log_ratio[1]).exp();
            let w = (target * ratio).sqrt().round() as u32;
            let h = (target / ratio).sqrt().round() as u32;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                return [draw.below(width - w + 1), draw.below(height - h + 1), w, h];
            }
        }
        self.middle(width, height)
    }

    /// The largest middle window whose aspect ratio is in range.
    fn middle(&self, width: u32, height: u32) -> [u32; 4] {
        // Not `clamp`, which panics on a range that is upside down.
        let ratio = (width as f32 / height.max(1) as f32)
            .max(self.ratio[0])
            .min(self.ratio[1]);
        let w = ((height as f32 * ratio).round() as u32).clamp(1, width.max(1));
        let h = ((width as f32 / ratio).round() as u32).clamp(1, height.max(1));
        [
            (width.saturating_sub(w)) / 2,
            (height.saturating_sub(h)) / 2,
            w,
            h,
        ]
    }
}

/// One random view of an image: normalised values, 3 × side × side, and where the view lies.
///
/// `image_index` should be stable for the image ([`ImageSet::row`](super::ImageSet::row)). Settings
/// are taken as they are; [`AugmentConfig::validate`] tells whether they make sense.
pub fn augmented_view(
    image: &RgbImage,
    config: &AugmentConfig,
    output_side: u32,
    normalisation: &Normalisation,
    seed: u64,
    image_index: u64,
    view: u64,
) -> (Vec<f32>, ViewGeometry) {
    let mut draw = Draw::keyed(Domain::Augmentation, seed, image_index, view);
    let (width, height) = image.dimensions();
    let window = match &config.crop {
        Some(range) => range.draw(width, height, &mut draw),
        None => [0, 0, width, height],
    };
    let flipped = draw.chance(config.flip);
    let geometry = ViewGeometry {
        source_size: [width, height],
        crop: window.map(|value| value as f32),
        flipped,
        output_side,
    };
    let mut cut = resize_bilinear(image, window, [output_side; 2]);
    if flipped {
        image::imageops::flip_horizontal_in_place(&mut cut);
    }
    let mut pixels: Vec<Pixel> = cut
        .pixels()
        .map(|pixel| pixel.0.map(|value| f32::from(value) / 255.0))
        .collect();
    recolour(&mut pixels, output_side as usize, config, &mut draw);
    (normalised(&pixels, normalisation), geometry)
}

fn recolour(pixels: &mut [Pixel], width: usize, config: &AugmentConfig, draw: &mut Draw) {
    if let Some(jitter) = &config.jitter
        && draw.chance(jitter.probability)
    {
        let mut factor = |strength: f32| draw.between((1.0 - strength).max(0.0), 1.0 + strength);
        let brightness = factor(jitter.brightness);
        let contrast = factor(jitter.contrast);
        let saturation = factor(jitter.saturation);
        let turn = draw.between(-jitter.hue, jitter.hue);
        let mut order = [0, 1, 2, 3];
        draw.shuffle(&mut order);
        for step in order {
            match step {
                0 => colour::brightness(pixels, brightness),
                1 => colour::contrast(pixels, contrast),
                2 => colour::saturation(pixels, saturation),
                _ => colour::hue(pixels, turn),
            }
        }
    }
    if draw.chance(config.greyscale) {
        colour::greyscale(pixels);
    }
    if let Some(blur) = &config.blur
        && draw.chance(blur.probability)
    {
        let sigma = draw.between(blur.sigma[0], blur.sigma[1]);
        colour::blur(pixels, width, sigma);
    }
}

fn normalised(pixels: &[Pixel], normalisation: &Normalisation) -> Vec<f32> {
    let mut values = Vec::with_capacity(3 * pixels.len());
    for c in 0..3 {
        let (mean, scale) = (normalisation.mean[c], 1.0 / normalisation.std[c]);
        values.extend(pixels.iter().map(|pixel| (pixel[c] - mean) * scale));
    }
    values
}
