//! What lies behind the objects. Coordinates run from 0 to 1 over the image.

use super::super::draw::Draw;
use super::{
    scene::{Colour, mix},
    texture::{centred, covered, wave},
};

/// Cells along each side of the coarsest noise; each further octave doubles them.
const NOISE_CELLS: usize = 4;
const NOISE_OCTAVES: usize = 3;

/// A pattern of two quiet colours.
#[derive(Clone, Debug)]
pub(super) enum Background {
    /// From one corner to the opposite one.
    Gradient { direction: [f32; 2] },
    /// Soft clouds.
    Clouds(Box<Noise>),
    /// Slanted bands.
    Bands { direction: [f32; 2], frequency: f32 },
    /// Tiles with thin joints.
    Tiles { frequency: f32, offset: [f32; 2] },
    /// Rolling hills, each nearer one lighter.
    Hills { offsets: [f32; 3] },
}

impl Background {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        match draw.below(5) {
            0 => Self::Gradient {
                direction: direction(draw),
            },
            1 => Self::Clouds(Box::new(Noise::draw(draw))),
            2 => Self::Bands {
                direction: direction(draw),
                frequency: draw.between(2.5, 6.0),
            },
            3 => Self::Tiles {
                frequency: draw.between(3.0, 6.0),
                offset: [draw.unit(), draw.unit()],
            },
            _ => Self::Hills {
                offsets: [draw.unit(), draw.unit(), draw.unit()],
            },
        }
    }

    /// Colour at a point; `pixel` is the size of a pixel.
    pub(super) fn colour(&self, x: f32, y: f32, pixel: f32, colours: &[Colour; 2]) -> Colour {
        let [far, near] = *colours;
        let share = match self {
            Self::Gradient { direction: [a, b] } => 0.5 + a * (x - 0.5) + b * (y - 0.5),
            Self::Clouds(noise) => noise.value(x, y),
            Self::Bands {
                direction: [a, b],
                frequency,
            } => 0.15 + 0.7 * wave(a * x + b * y, *frequency, pixel),
            Self::Tiles { frequency, offset } => {
                let edge =
                    |value: f32, offset: f32| 0.5 - centred(value * frequency + offset).abs();
                let joint = edge(x, offset[0]).min(edge(y, offset[1])) - 0.05;
                0.8 - 0.6 * covered(joint / frequency, pixel) - 0.2 * y
            }
            Self::Hills { offsets } => hills(x, y, pixel, offsets),
        };
        mix(far, near, share.clamp(0.0, 1.0))
    }
}

/// A unit vector without trigonometry: the rational points of the circle.
pub(super) fn direction(draw: &mut Draw) -> [f32; 2] {
    let t = draw.between(-1.0, 1.0);
    let scale = 1.0 / (1.0 + t * t);
    let (cos, sin) = ((1.0 - t * t) * scale, 2.0 * t * scale);
    // t within ±1 covers the right half circle; a drawn sign covers the left one.
    if draw.chance(0.5) {
        [cos, sin]
    } else {
        [-cos, -sin]
    }
}

fn hills(x: f32, y: f32, pixel: f32, offsets: &[f32; 3]) -> f32 {
    let mut share = 0.25 * y;
    for (i, offset) in offsets.iter().enumerate() {
        let depth = i as f32;
        let u = centred(x * (1.0 + 0.4 * depth) + offset);
        // A parabola a period: the arch of a hill.
        let ridge = 0.42 + 0.18 * depth + 0.35 * u * u;
        let inside = covered(ridge - y, pixel);
        share += inside * (0.4 + 0.25 * depth - share);
    }
    share
}

/// Value noise: random values on lattices of rising fineness, smoothly joined.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    values: [[f32; 64]; NOISE_OCTAVES],
    offset: [f32; 2],
}

impl Noise {
    fn draw(draw: &mut Draw) -> Self {
        Self {
            values: std::array::from_fn(|_| std::array::from_fn(|_| draw.unit())),
            offset: [draw.unit(), draw.unit()],
        }
    }

    /// About 0 to 1.
    fn value(&self, x: f32, y: f32) -> f32 {
        let mut sum = 0.0;
        let mut weight = 0.62;
        let mut cells = NOISE_CELLS as f32;
        for octave in &self.values {
            let at = |position: f32, offset: f32| {
                let position = position * cells + offset;
                let cell = position.floor();
                let t = position - cell;
                (cell as usize, t * t * (3.0 - 2.0 * t))
            };
            let (column, u) = at(x, self.offset[0]);
            let (row, v) = at(y, self.offset[1]);
            // An 8×8 lattice that repeats; odd steps keep the repetition out of sight.
            let value =
                |row: usize, column: usize| octave[(row % 8) * 8 + (column + row / 8 * 3) % 8];
            let top = value(row, column) + u * (value(row, column + 1) - value(row, column));
            let low =
                value(row + 1, column) + u * (value(row + 1, column + 1) - value(row + 1, column));
            sum += weight * (top + v * (low - top));
            weight *= 0.42;
            cells *= 2.0;
        }
        sum * 1.25 - 0.1
    }
}
