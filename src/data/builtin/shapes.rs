//! Eight shapes as signed distances: negative inside, about the distance to the outline near it.
//!
//! Coordinates are the object's own: origin at its centre, y downwards, every shape within a
//! radius of about 1.

/// The class of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Disc,
    Square,
    Triangle,
    Star,
    Ring,
    Cross,
    Crescent,
    Heart,
}

/// Directions of a pentagon's corners, the first one upwards: (sin 72° k, −cos 72° k).
const PENTAGON: [[f32; 2]; 5] = [
    [0.0, -1.0],
    [0.951_056_5, -0.309_017],
    [0.587_785_24, 0.809_017],
    [-0.587_785_24, 0.809_017],
    [-0.951_056_5, -0.309_017],
];
const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// cos 30°.
const COS_30: f32 = 0.866_025_4;

impl Shape {
    /// In label order.
    pub(super) const ALL: [Self; 8] = [
        Self::Disc,
        Self::Square,
        Self::Triangle,
        Self::Star,
        Self::Ring,
        Self::Cross,
        Self::Crescent,
        Self::Heart,
    ];

    /// Id in masks; 0 is the background.
    pub(super) fn mask_id(self) -> u8 {
        self as u8 + 1
    }

    /// Signed distance of a point to the outline.
    pub(super) fn distance(self, x: f32, y: f32) -> f32 {
        match self {
            Self::Disc => length(x, y) - 0.88,
            Self::Square => rounded_box(x, y, 0.74, 0.74, 0.12),
            Self::Triangle => {
                // Three half-planes around a centre that sits a little below the middle.
                let y = y - 0.14;
                let side = COS_30 * x.abs() - 0.5 * y;
                side.max(y) - 0.5
            }
            Self::Star => star(x, y),
            Self::Ring => (length(x, y) - 0.64).abs() - 0.24,
            Self::Cross => {
                rounded_box(x, y, 0.88, 0.29, 0.05).min(rounded_box(x, y, 0.29, 0.88, 0.05))
            }
            Self::Crescent => {
                let bite = length(x - 0.5, y + 0.06) - 0.68;
                (length(x, y) - 0.92).max(-bite)
            }
            Self::Heart => heart(x, y),
        }
    }
}

fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// A box with half sides `a` and `b`, its corners rounded with radius `r`.
fn rounded_box(x: f32, y: f32, a: f32, b: f32, r: f32) -> f32 {
    let (dx, dy) = (x.abs() - a + r, y.abs() - b + r);
    length(dx.max(0.0), dy.max(0.0)) + dx.max(dy).min(0.0) - r
}

/// A pentagram: its five lines cut off five half-planes, and a point belongs to the star when it
/// lies beyond at most one of them. So the second largest of the five distances decides.
fn star(x: f32, y: f32) -> f32 {
    let (mut largest, mut second) = (f32::MIN, f32::MIN);
    for [nx, ny] in PENTAGON {
        let along = x * nx + y * ny;
        second = second.max(largest.min(along));
        largest = largest.max(along);
    }
    second - 0.33
}

/// A square standing on its corner, with a half disc on each of its upper sides.
fn heart(x: f32, y: f32) -> f32 {
    let (x, y) = (x.abs(), y - 0.06);
    let half = 0.52;
    let square = (x + y.abs()) * SQRT_HALF - half;
    let middle = half * SQRT_HALF;
    let disc = length(x - middle, y + middle) - half;
    square.min(disc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_fill_their_circle_and_stay_within_it() {
        for shape in Shape::ALL {
            let grid = || (-60..=60).flat_map(|y| (-60..=60).map(move |x| (x, y)));
            let inside = grid()
                .map(|(x, y)| (x as f32 / 50.0, y as f32 / 50.0))
                .filter(|&(x, y)| shape.distance(x, y) < 0.0);
            let mut area = 0;
            for (x, y) in inside {
                area += 1;
                assert!(length(x, y) < 1.12, "{shape:?} reaches ({x}, {y})");
            }
            // Cells of 1/50: the thinnest shape still covers a quarter of the disc of radius 1.
            assert!(area > 2000, "{shape:?} covers only {area} cells");
        }
    }

    #[test]
    fn distances_change_as_slowly_as_distances_do() {
        for shape in Shape::ALL {
            for i in 0..200 {
                let (x, y) = (i as f32 / 100.0 - 1.0, (i * 37 % 200) as f32 / 100.0 - 1.0);
                let step = 0.01;
                let change = (shape.distance(x + step, y) - shape.distance(x, y)).abs();
                // Slope at most 1, plus the rounding of f32.
                assert!(change <= step * 1.001, "{shape:?} at ({x}, {y}): {change}");
            }
        }
    }
}
