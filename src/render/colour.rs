//! Colours of data: palettes for classes, ramps for numbers. Colours of the window are the
//! theme's; these carry meaning and are the same under every theme.
//!
//! All colours are gamma-encoded (sRGB) bytes; ramps are interpolated in Oklab (Ottosson 2020), in
//! which equal steps look equally large.

/// Red, green, blue and opacity.
pub type Rgba8 = [u8; 4];

/// Twenty colours: Okabe & Ito's and Tol's colour-blind-safe hues first, then lighter and darker
/// kin of them. Neighbours in the list differ in lightness as well as in hue.
const CLASSES: [u32; 20] = [
    0x4c_9b_e0, 0xe6_9f_00, 0x1f_a8_7c, 0xd5_5e_3c, 0xcc_79_b8, 0x8a_b8_3f, 0x7d_6f_d6, 0xd9_c6_3a,
    0x3f_c3_cf, 0xb0_3a_5b, 0x8c_8f_96, 0x2f_6d_b5, 0xf2_b8_8a, 0x14_7a_5a, 0xef_8f_a3, 0x9a_6a_3a,
    0xb3_a6_ee, 0x5f_87_2a, 0x9f_d9_c4, 0x7a_3f_8f,
];

fn rgb(hex: u32) -> Rgba8 {
    [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8, 255]
}

/// The colour of a class. The first twenty come from a colour-blind-safe list; later ones get a
/// hue and lightness from a hash of the number, the same in every run.
pub fn class_colour(class: u32) -> Rgba8 {
    if let Some(&hex) = CLASSES.get(class as usize) {
        return rgb(hex);
    }
    // Golden-ratio steps spread the hues of consecutive numbers as evenly as can be.
    let hue = (f64::from(class) * 0.618_033_988_749_895).fract() as f32;
    let lightness = [0.62, 0.74, 0.52][class as usize % 3];
    let chroma = [0.13, 0.10, 0.12][(class / 3) as usize % 3];
    let angle = hue * std::f32::consts::TAU;
    bytes_from_oklab([lightness, chroma * angle.cos(), chroma * angle.sin()])
}

/// The colour of a point without a class.
pub const UNLABELLED: Rgba8 = [0x9a, 0xa3, 0xb0, 255];

/// A ramp of colours over [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ramp {
    /// For amounts: dark violet over teal to pale yellow; lightness rises evenly.
    Sequential,
    /// For signed values with zero at 0.5: blue over neutral grey to orange.
    Diverging,
    /// For directions (angles, positions around a circle): the ends meet.
    Cyclic,
}

impl Ramp {
    /// The colour at `value`, clamped to [0, 1]; not a number gives [`UNLABELLED`].
    pub fn colour(self, value: f32) -> Rgba8 {
        if value.is_nan() {
            return UNLABELLED;
        }
        let value = value.clamp(0.0, 1.0);
        match self {
            Self::Sequential => between(&SEQUENTIAL, value),
            Self::Diverging => between(&DIVERGING, value),
            Self::Cyclic => {
                let angle = value * std::f32::consts::TAU;
                bytes_from_oklab([0.70, 0.12 * angle.cos(), 0.12 * angle.sin()])
            }
        }
    }

    /// The ramp as a table of `entries` colours from 0 to 1.
    pub fn table(self, entries: usize) -> Vec<Rgba8> {
        let last = entries.saturating_sub(1).max(1) as f32;
        (0..entries)
            .map(|entry| self.colour(entry as f32 / last))
            .collect()
    }
}

/// Oklab stops; lightness is linear in the position.
const SEQUENTIAL: [[f32; 3]; 6] = [
    [0.26, 0.055, -0.095],
    [0.39, 0.020, -0.120],
    [0.52, -0.055, -0.075],
    [0.65, -0.105, 0.015],
    [0.78, -0.100, 0.115],
    [0.92, -0.035, 0.155],
];
const DIVERGING: [[f32; 3]; 5] = [
    [0.46, -0.035, -0.150],
    [0.68, -0.040, -0.090],
    [0.90, 0.000, 0.004],
    [0.72, 0.060, 0.095],
    [0.52, 0.105, 0.105],
];

fn between(stops: &[[f32; 3]], value: f32) -> Rgba8 {
    let place = value * (stops.len() - 1) as f32;
    let first = (place as usize).min(stops.len() - 2);
    let part = place - first as f32;
    let (low, high) = (stops[first], stops[first + 1]);
    bytes_from_oklab(std::array::from_fn(|i| low[i] + part * (high[i] - low[i])))
}

/// Oklab to sRGB bytes, clipped to the gamut.
fn bytes_from_oklab([lightness, a, b]: [f32; 3]) -> Rgba8 {
    // Inverse of the matrices in "A perceptual color space for image processing" (Ottosson 2020).
    let long = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let medium = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let short = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short,
        -1.268_438 * long + 2.609_757_4 * medium - 0.341_319_4 * short,
        -0.004_196_086_3 * long - 0.703_418_6 * medium + 1.707_614_7 * short,
    ];
    let [red, green, blue] = linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let encoded = if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (encoded * 255.0).round() as u8
    });
    [red, green, blue, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance by the weights of sRGB, without linearising: monotone in lightness.
    fn luma([red, green, blue, _]: Rgba8) -> f32 {
        0.2126 * f32::from(red) + 0.7152 * f32::from(green) + 0.0722 * f32::from(blue)
    }

    #[test]
    fn classes_differ() {
        for first in 0..60 {
            for second in 0..first {
                assert_ne!(
                    class_colour(first),
                    class_colour(second),
                    "{first} and {second}"
                );
            }
        }
        assert_eq!(class_colour(4_000_000), class_colour(4_000_000));
    }

    #[test]
    fn the_sequential_ramp_grows_lighter() {
        let table = Ramp::Sequential.table(64);
        assert!(table.windows(2).all(|pair| luma(pair[0]) < luma(pair[1])));
    }

    #[test]
    fn ramps_take_any_value() {
        for ramp in [Ramp::Sequential, Ramp::Diverging, Ramp::Cyclic] {
            assert_eq!(ramp.colour(f32::NAN), UNLABELLED);
            assert_eq!(ramp.colour(f32::NEG_INFINITY), ramp.colour(0.0));
            assert_eq!(ramp.colour(9.0), ramp.colour(1.0));
            assert_eq!(ramp.table(0).len(), 0);
            assert_eq!(ramp.table(1).len(), 1);
        }
        assert_eq!(Ramp::Cyclic.colour(0.0), Ramp::Cyclic.colour(1.0));
    }

    #[test]
    fn white_and_black_are_themselves() {
        assert_eq!(bytes_from_oklab([1.0, 0.0, 0.0]), [255, 255, 255, 255]);
        assert_eq!(bytes_from_oklab([0.0, 0.0, 0.0]), [0, 0, 0, 255]);
    }
}
