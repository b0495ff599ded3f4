//! From a decoded image to encoder input: resize, crop, normalise.
//!
//! The resize is the antialiased bilinear one of Pillow, and so of torchvision on images: 8-bit
//! pixels in, 8-bit pixels out. Tested against Pillow to one level of 255.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{CroppedImage, Image, ImageRef},
};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::{DataError, Normalisation, ViewGeometry};

/// Largest side that an encoder input may have.
const MAX_OUTPUT_SIDE: u32 = 4096;

/// How an image gets the size that the encoder wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resize {
    /// The image's own size.
    Keep,
    /// Stretched to a square of this side.
    Square(u32),
    /// torchvision's evaluation transform: the shorter side to `resize`, then the middle square.
    ShorterSideCrop {
        /// Shorter side after resizing, in pixels.
        resize: u32,
        /// Side of the middle square, in pixels; at most `resize`.
        crop: u32,
    },
}

impl std::fmt::Display for Resize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keep => f.write_str("original size"),
            Self::Square(side) => write!(f, "stretched to {side}×{side}"),
            Self::ShorterSideCrop { resize, crop } => {
                write!(f, "shorter side to {resize}, middle {crop}×{crop}")
            }
        }
    }
}

/// The deterministic way from image to input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Size first,
    pub resize: Resize,
    /// then constants.
    pub normalisation: Normalisation,
}

impl Preprocess {
    /// Checks sizes and constants before any image is touched.
    ///
    /// # Errors
    /// [`DataError::Settings`] in words.
    pub fn validate(&self) -> Result<(), DataError> {
        let (smallest, largest) = match self.resize {
            Resize::Keep => (1, 1),
            Resize::Square(side) => (side, side),
            Resize::ShorterSideCrop { resize, crop } if crop > resize => {
                return Err(DataError::Settings(format!(
                    "a middle square of {crop} pixels does not fit a shorter side of {resize}"
                )));
            }
            Resize::ShorterSideCrop { resize, crop } => (crop, resize),
        };
        if smallest == 0 || largest > MAX_OUTPUT_SIDE {
            return Err(DataError::Settings(format!(
                "encoder input of {largest} pixels: sides from 1 to {MAX_OUTPUT_SIDE} are possible"
            )));
        }
        self.normalisation.validate()
    }

    /// The encoder input, 3 × height × width, and `[height, width]`.
    ///
    /// # Errors
    /// [`DataError::Settings`] for settings that do not [`validate`](Self::validate), or an image
    /// too large to be encoded at its own size.
    pub fn apply(&self, image: &RgbImage) -> Result<(Vec<f32>, [usize; 2]), DataError> {
        self.validate()?;
        let resized = self.resized(image)?;
        let image = resized.as_ref().unwrap_or(image);
        let (width, height) = image.dimensions();
        let pixels = normalised_planes(image, &self.normalisation);
        Ok((pixels, [height as usize, width as usize]))
    }

    /// The part of an image of this size that the encoder sees.
    pub fn geometry(&self, [width, height]: [u32; 2]) -> ViewGeometry {
        match self.resize {
            Resize::Keep => ViewGeometry::whole([width, height], width.max(height)),
            Resize::Square(side) => ViewGeometry::whole([width, height], side),
            Resize::ShorterSideCrop { resize, crop } => {
                let full = shorter_side_size([width, height], resize);
                let scale = [
                    width as f32 / full[0].max(1) as f32,
                    height as f32 / full[1].max(1) as f32,
                ];
                let [x, y] = middle(full, crop);
                ViewGeometry {
                    source_size: [width, height],
                    crop: [
                        x as f32 * scale[0],
                        y as f32 * scale[1],
                        crop as f32 * scale[0],
                        crop as f32 * scale[1],
                    ],
                    flipped: false,
                    output_side: crop,
                }
            }
        }
    }

    /// Bytes of one encoder input, where the resize fixes them.
    pub(super) fn input_bytes(&self) -> Option<usize> {
        let side = match self.resize {
            Resize::Keep => return None,
            Resize::Square(side) => side,
            Resize::ShorterSideCrop { crop, .. } => crop,
        };
        Some(side as usize * side as usize * 3 * size_of::<f32>())
    }

    /// `None` where the image stays as it is.
    fn resized(&self, image: &RgbImage) -> Result<Option<RgbImage>, DataError> {
        let size = [image.width(), image.height()];
        let whole = [0, 0, size[0], size[1]];
        match self.resize {
            Resize::Keep if size.iter().any(|&side| side > MAX_OUTPUT_SIDE) => {
                Err(DataError::Settings(format!(
                    "{}×{} pixels are too many to be encoded at the original size; choose a resize",
                    size[0], size[1]
                )))
            }
            Resize::Keep => Ok(None),
            Resize::Square(side) => Ok(Some(resize_bilinear(image, whole, [side; 2]))),
            Resize::ShorterSideCrop { resize, crop } => {
                let full = shorter_side_size(size, resize);
                let longer = full[0].max(full[1]);
                // A 1×60000 strip would be scaled up to gigabytes before the crop.
                if longer > 8 * MAX_OUTPUT_SIDE {
                    return Err(DataError::Settings(format!(
                        "{}×{} pixels are too long and narrow for “{}”",
                        size[0], size[1], self.resize
                    )));
                }
                let scaled = resize_bilinear(image, whole, full);
                let [x, y] = middle(full, crop);
                let cut = image::imageops::crop_imm(&scaled, x, y, crop, crop).to_image();
                Ok(Some(cut))
            }
        }
    }
}

/// Width and height once the shorter side is `side`; the longer one is rounded down, as
/// torchvision does.
fn shorter_side_size([width, height]: [u32; 2], side: u32) -> [u32; 2] {
    let longer = |long: u32, short: u32| {
        (u64::from(side) * u64::from(long) / u64::from(short.max(1))) as u32
    };
    if width <= height {
        [side, longer(height, width)]
    } else {
        [longer(width, height), side]
    }
}

/// Left and top of the middle square; halves are rounded to even, as torchvision does.
fn middle([width, height]: [u32; 2], crop: u32) -> [u32; 2] {
    [width, height].map(|side| {
        let margin = f64::from(side.saturating_sub(crop));
        (margin / 2.0).round_ties_even() as u32
    })
}

/// Resizes the window (x, y, width, height in pixels) of an image to `[width, height]` by
/// antialiased bilinear filtering, as Pillow does on the cut-out window.
///
/// The window is cut to the image; an empty window or output gives a black image.
pub fn resize_bilinear(image: &RgbImage, window: [u32; 4], size: [u32; 2]) -> RgbImage {
    let x = window[0].min(image.width());
    let y = window[1].min(image.height());
    let width = window[2].min(image.width() - x);
    let height = window[3].min(image.height() - y);
    let pixels = resize_window(image, [x, y, width, height], size);
    pixels
        .and_then(|pixels| RgbImage::from_raw(size[0], size[1], pixels))
        .unwrap_or_else(|| RgbImage::new(size[0], size[1]))
}

/// `None` for an empty window or output; nothing else can fail once the window is inside.
fn resize_window(image: &RgbImage, window: [u32; 4], size: [u32; 2]) -> Option<Vec<u8>> {
    let [x, y, width, height] = window;
    if width == 0 || height == 0 || size.contains(&0) {
        return None;
    }
    let source = ImageRef::new(
        image.width(),
        image.height(),
        image.as_raw(),
        PixelType::U8x3,
    )
    .ok()?;
    // A cropped image rather than the resizer's crop box: the box lets the filter look at pixels
    // outside of it.
    let cut = CroppedImage::new(&source, x, y, width, height).ok()?;
    let mut output = Image::new(size[0], size[1], PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&cut, &mut output, &options).ok()?;
    Some(output.into_vec())
}

/// 3 × height × width normalised values of an 8-bit image.
pub(super) fn normalised_planes(image: &RgbImage, normalisation: &Normalisation) -> Vec<f32> {
    let plane = image.width() as usize * image.height() as usize;
    let mut values = vec![0.0; 3 * plane];
    let affine = normalisation.affine();
    for (c, out) in values.chunks_exact_mut(plane.max(1)).enumerate() {
        let (factor, offset) = affine[c];
        let channel = image.as_raw().iter().skip(c).step_by(3);
        for (value, &byte) in out.iter_mut().zip(channel) {
            *value = f32::from(byte) * factor + offset;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(resize: Resize) -> Preprocess {
        Preprocess {
            resize,
            normalisation: Normalisation::NONE,
        }
    }

    #[test]
    fn sizes_are_torchvisions() {
        assert_eq!(shorter_side_size([480, 360], 256), [341, 256]);
        assert_eq!(shorter_side_size([360, 480], 256), [256, 341]);
        // (341 − 224) / 2 = 58.5, which Python rounds to the even 58.
        assert_eq!(middle([341, 256], 224), [58, 16]);
    }

    #[test]
    fn geometry_is_the_window_that_is_cut() {
        let view = preprocess(Resize::ShorterSideCrop {
            resize: 64,
            crop: 48,
        })
        .geometry([256, 128]);
        // Scaled to 128×64, cut at (40, 8): twice that in the source.
        assert_eq!(view.crop, [80.0, 16.0, 96.0, 96.0]);
        let view = preprocess(Resize::Keep).geometry([20, 10]);
        assert_eq!(view.crop, [0.0, 0.0, 20.0, 10.0]);
    }

    #[test]
    fn impossible_settings_are_refused() {
        for resize in [
            Resize::Square(0),
            Resize::Square(100_000),
            Resize::ShorterSideCrop { resize: 8, crop: 9 },
            Resize::ShorterSideCrop { resize: 8, crop: 0 },
        ] {
            let image = RgbImage::new(4, 4);
            assert!(preprocess(resize).apply(&image).is_err(), "{resize:?}");
        }
        let strip = RgbImage::new(1, 20_000);
        let squeeze = Resize::ShorterSideCrop {
            resize: 224,
            crop: 224,
        };
        assert!(preprocess(squeeze).apply(&strip).is_err());
        assert!(preprocess(Resize::Keep).apply(&strip).is_err());
    }

    #[test]
    fn planes_are_normalised_channel_by_channel() {
        let mut image = RgbImage::new(2, 1);
        image.put_pixel(0, 0, image::Rgb([255, 0, 51]));
        image.put_pixel(1, 0, image::Rgb([0, 255, 102]));
        let normalisation = Normalisation::custom([0.5, 0.0, 0.2], [0.5, 1.0, 2.0]).unwrap();
        let (values, size) = Preprocess {
            resize: Resize::Keep,
            normalisation,
        }
        .apply(&image)
        .unwrap();
        assert_eq!(size, [1, 2]);
        for (value, expected) in values.iter().zip([1.0, -1.0, 0.0, 1.0, 0.0, 0.1]) {
            // Two roundings of f32 around 1.
            assert!((value - expected).abs() < 3e-7, "{value} {expected}");
        }
    }

    #[test]
    fn empty_windows_are_black_not_fatal() {
        let image = RgbImage::from_pixel(4, 4, image::Rgb([9; 3]));
        assert_eq!(
            resize_bilinear(&image, [4, 4, 9, 9], [2, 2]),
            RgbImage::new(2, 2)
        );
        assert_eq!(resize_bilinear(&image, [0, 0, 4, 4], [0, 2]).width(), 0);
    }
}
