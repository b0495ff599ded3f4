//! Colour and blur on floating-point pixels, with torchvision's meanings.

/// A pixel with channels from 0 to 1.
pub(super) type Pixel = [f32; 3];

/// Weights of torchvision's `rgb_to_grayscale` (ITU-R BT.601).
fn luma([r, g, b]: Pixel) -> f32 {
    0.2989 * r + 0.587 * g + 0.114 * b
}

/// `factor · pixel + (1 − factor) · other`, kept within 0 and 1.
fn blend(pixel: Pixel, other: Pixel, factor: f32) -> Pixel {
    std::array::from_fn(|c| (factor * pixel[c] + (1.0 - factor) * other[c]).clamp(0.0, 1.0))
}

/// Blends with black.
pub(super) fn brightness(pixels: &mut [Pixel], factor: f32) {
    for pixel in pixels {
        *pixel = blend(*pixel, [0.0; 3], factor);
    }
}

/// Blends with the mean grey of the image.
pub(super) fn contrast(pixels: &mut [Pixel], factor: f32) {
    // f64: a mean over a large image in f32 would lose digits.
    let sum: f64 = pixels.iter().map(|&pixel| f64::from(luma(pixel))).sum();
    let mean = (sum / pixels.len().max(1) as f64) as f32;
    for pixel in pixels {
        *pixel = blend(*pixel, [mean; 3], factor);
    }
}

/// Blends with the grey of each pixel.
pub(super) fn saturation(pixels: &mut [Pixel], factor: f32) {
    for pixel in pixels {
        *pixel = blend(*pixel, [luma(*pixel); 3], factor);
    }
}

/// Replaces each pixel by its grey.
pub(super) fn greyscale(pixels: &mut [Pixel]) {
    for pixel in pixels {
        *pixel = [luma(*pixel); 3];
    }
}

/// Turns the hue by a fraction of a full turn, −½ to ½.
pub(super) fn hue(pixels: &mut [Pixel], turn: f32) {
    for pixel in pixels {
        let [hue, saturation, value] = hsv_from_rgb(*pixel);
        *pixel = rgb_from_hsv([(hue + turn).rem_euclid(1.0), saturation, value]);
    }
}

/// Hue as a fraction of a turn, saturation and value from 0 to 1.
fn hsv_from_rgb([r, g, b]: Pixel) -> [f32; 3] {
    let value = r.max(g).max(b);
    let range = value - r.min(g).min(b);
    if range <= 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == r {
        (g - b) / range
    } else if value == g {
        2.0 + (b - r) / range
    } else {
        4.0 + (r - g) / range
    };
    [(sixths / 6.0).rem_euclid(1.0), range / value, value]
}

fn rgb_from_hsv([hue, saturation, value]: [f32; 3]) -> Pixel {
    // Each channel is a clipped triangle wave over the hue, a third of a turn apart.
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let k = (offset + 6.0 * hue).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

/// Gaussian blur with standard deviation `sigma` pixels; edges are repeated outwards.
pub(super) fn blur(pixels: &mut [Pixel], width: usize, sigma: f32) {
    if pixels.is_empty() || width == 0 || sigma <= 0.0 {
        return;
    }
    let kernel = gaussian(sigma);
    let height = pixels.len() / width;
    let mut across = vec![[0.0; 3]; pixels.len()];
    for (row, out) in pixels
        .chunks_exact(width)
        .zip(across.chunks_exact_mut(width))
    {
        for (x, out) in out.iter_mut().enumerate() {
            *out = weighted(&kernel, |offset| row[shifted(x, offset, width)]);
        }
    }
    for (y, out) in pixels.chunks_exact_mut(width).enumerate() {
        for (x, out) in out.iter_mut().enumerate() {
            *out = weighted(&kernel, |offset| {
                across[shifted(y, offset, height) * width + x]
            });
        }
    }
}

/// Weights from −r to r with r = 3 σ, where the tail holds 0.3 %; they sum to 1.
fn gaussian(sigma: f32) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil().clamp(1.0, 64.0) as i32;
    let weights: Vec<f32> = (-radius..=radius)
        .map(|x| (-(x * x) as f32 / (2.0 * sigma * sigma)).exp())
        .collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn weighted(kernel: &[f32], at: impl Fn(isize) -> Pixel) -> Pixel {
    let radius = (kernel.len() / 2) as isize;
    let mut sum = [0.0; 3];
    for (&weight, offset) in kernel.iter().zip(-radius..) {
        let pixel = at(offset);
        for c in 0..3 {
            sum[c] += weight * pixel[c];
        }
    }
    sum
}

fn shifted(position: usize, offset: isize, length: usize) -> usize {
    position
        .saturating_add_signed(offset)
        .min(length.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hue_turns_the_primaries() {
        let mut pixels = vec![[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.2, 0.4, 0.3]];
        let before = pixels.clone();
        hue(&mut pixels, 1.0 / 3.0);
        let close = |a: Pixel, b: Pixel| {
            // A few roundings of f32 near 1 on the way to HSV and back.
            assert!((0..3).all(|c| (a[c] - b[c]).abs() < 2e-6), "{a:?} {b:?}");
        };
        close(pixels[0], [0.0, 1.0, 0.0]);
        close(pixels[1], [0.5; 3]);
        hue(&mut pixels, -1.0 / 3.0);
        close(pixels[2], before[2]);
    }

    #[test]
    fn factors_of_one_change_nothing() {
        let before = vec![[0.1, 0.7, 0.3], [1.0, 0.0, 0.5]];
        for adjust in [brightness, contrast, saturation] {
            let mut pixels = before.clone();
            adjust(&mut pixels, 1.0);
            assert_eq!(pixels, before);
        }
    }

    #[test]
    fn blur_keeps_the_mean_of_a_plane_and_spreads_a_point() {
        let mut flat = vec![[0.25; 3]; 6 * 4];
        blur(&mut flat, 6, 1.3);
        // The weights sum to 1 up to a few roundings.
        assert!(flat.iter().all(|p| (p[0] - 0.25).abs() < 1e-6));

        let (side, sigma) = (25, 1.5);
        let mut point = vec![[0.0; 3]; side * side];
        point[side * 12 + 12] = [1.0; 3];
        blur(&mut point, side, sigma);
        let variance: f32 = (0..side * side)
            .map(|i| point[i][1] * ((i % side) as f32 - 12.0).powi(2))
            .sum();
        // Cutting the kernel at 3 σ takes 3 % of its variance.
        assert!(
            (variance / (sigma * sigma) - 1.0).abs() < 0.04,
            "{variance}"
        );
    }
}
