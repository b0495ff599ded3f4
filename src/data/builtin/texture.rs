//! Surface patterns of objects.

use super::super::draw::Draw;

/// How an object's second colour lies on its first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Texture {
    Plain,
    Stripes { frequency: f32 },
    Dots { frequency: f32 },
    Checks { frequency: f32 },
    Rings { frequency: f32 },
    Fade,
}

impl Texture {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        match draw.below(6) {
            0 => Self::Plain,
            1 => Self::Stripes {
                frequency: draw.between(1.6, 3.2),
            },
            2 => Self::Dots {
                frequency: draw.between(1.6, 2.6),
            },
            3 => Self::Checks {
                frequency: draw.between(1.0, 1.8),
            },
            4 => Self::Rings {
                frequency: draw.between(1.5, 2.8),
            },
            _ => Self::Fade,
        }
    }

    /// Share of the second colour at a point of the object, edges softened over `pixel`, the size
    /// of a pixel in the object's coordinates.
    pub(super) fn share(self, x: f32, y: f32, pixel: f32) -> f32 {
        match self {
            Self::Plain => 0.0,
            Self::Stripes { frequency } => wave(y, frequency, pixel),
            Self::Rings { frequency } => wave((x * x + y * y).sqrt(), frequency, pixel),
            Self::Checks { frequency } => {
                let (a, b) = (wave(x, frequency, pixel), wave(y, frequency, pixel));
                a + b - 2.0 * a * b
            }
            Self::Dots { frequency } => {
                let (u, v) = (centred(x * frequency), centred(y * frequency));
                let distance = ((u * u + v * v).sqrt() - 0.3) / frequency;
                covered(distance, pixel)
            }
            Self::Fade => (0.5 + 0.5 * y).clamp(0.0, 1.0),
        }
    }
}

/// How much of a pixel lies inside an edge at this signed distance.
pub(super) fn covered(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

/// Position within its period, −½ to ½.
pub(super) fn centred(value: f32) -> f32 {
    value - (value + 0.5).floor()
}

/// Bands of equal width, `frequency` a unit.
pub(super) fn wave(value: f32, frequency: f32, pixel: f32) -> f32 {
    let distance = (centred(value * frequency).abs() - 0.25) / frequency;
    covered(distance, pixel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_use_both_colours_and_nothing_outside() {
        for texture in [
            Texture::Stripes { frequency: 2.0 },
            Texture::Dots { frequency: 2.0 },
            Texture::Checks { frequency: 1.5 },
            Texture::Rings { frequency: 2.0 },
            Texture::Fade,
        ] {
            let shares: Vec<f32> = (0..400)
                .map(|i| texture.share((i % 20) as f32 / 10.0 - 1.0, i as f32 / 200.0 - 1.0, 0.05))
                .collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            assert!(shares.iter().any(|&share| share < 0.1), "{texture:?}");
            assert!(shares.iter().any(|&share| share > 0.9), "{texture:?}");
        }
    }
}
