//! The potential of the shown points over the whole sphere and around the circle.

use rayon::prelude::*;

use super::LandscapeError;
use crate::{
    geometry::{sphere::fibonacci, vmf::equirectangular_direction},
    measure::{Rows, potential, potential_at, uniformity_floor},
    progress::Progress,
};

/// Width and height of the sphere's mesh: longitude −π to π, north to south.
pub const FIELD_MESH: [usize; 2] = [192, 96];
/// Places around the circle, from angle 0.
pub const FIELD_RING: usize = 720;
/// Directions at which the gradient is drawn.
pub const FIELD_ARROWS: usize = 240;
/// Extrema of each sign that are refined and marked; further ones are counted.
pub const MOST_EXTREMA: usize = 24;
/// Extrema nearer than this are one, radians: about a cell of the mesh.
const APART_RAD: f64 = 0.035;
/// A field that varies less than this is flat: f32 rounding of the mesh.
const FLAT: f64 = 1e-5;

/// A place where the potential is greatest or least around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremum<const D: usize> {
    /// Unit vector.
    pub at: [f64; D],
    /// The potential there.
    pub value: f64,
    /// A maximum, or a minimum.
    pub is_maximum: bool,
}

/// The gradient of the potential at a place, in its tangent plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldArrow {
    /// Unit vector.
    pub at: [f64; 3],
    /// ∇V, per radian.
    pub gradient: [f64; 3],
}

/// The potential on S² or S¹ with its extrema.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<const D: usize> {
    /// V at the places of the mesh: [`FIELD_MESH`] row by row, or [`FIELD_RING`] angles.
    pub values: Vec<f32>,
    /// Least and greatest of them.
    pub range: [f32; 2],
    /// Refined extrema, maxima first, each sign by how far it stands out.
    pub extrema: Vec<Extremum<D>>,
    /// Extrema of the mesh, of which `extrema` are at most [`MOST_EXTREMA`] a sign.
    pub extrema_found: usize,
    /// What a uniform law would have everywhere.
    pub uniform: f64,
}

/// V(u) = log mean exp(−t‖u − xᵢ‖²) over the points of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct PotentialField {
    /// Temperature t.
    pub t: f64,
    /// Points that make it: all that are shown.
    pub points: usize,
    /// On S².
    pub sphere: Field<3>,
    /// Around S¹.
    pub circle: Field<2>,
    /// Gradients on S² at an even lattice.
    pub arrows: Vec<FieldArrow>,
}

impl PotentialField {
    /// Computes the field of points on S² and of the same on S¹ at temperature `t`. Exact over all
    /// points: about 20,000 kernels a point.
    ///
    /// # Errors
    /// [`LandscapeError::Measure`] for no point, rows off the sphere, t out of range, or a cancel.
    pub fn new(
        sphere: &[[f32; 3]],
        circle: &[[f32; 2]],
        t: f64,
        progress: &Progress,
    ) -> Result<Self, LandscapeError> {
        let rows = Rows::new(sphere.as_flattened(), 3)?;
        Ok(Self {
            t,
            points: sphere.len(),
            sphere: sphere_field(rows, t, progress)?,
            circle: circle_field(Rows::new(circle.as_flattened(), 2)?, t, progress)?,
            arrows: arrows(rows, t)?,
        })
    }
}

impl<const D: usize> Field<D> {
    /// Where `value` lies between the least and the greatest, 0 to 1; 0 for a flat field.
    pub fn share(&self, value: f32) -> f32 {
        let [low, high] = self.range;
        if f64::from(high - low) < FLAT {
            return 0.0;
        }
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
}

fn sphere_field(points: Rows<'_>, t: f64, progress: &Progress) -> Result<Field<3>, LandscapeError> {
    let [width, height] = FIELD_MESH;
    let places: Vec<f32> = (0..width * height)
        .flat_map(|cell| {
            equirectangular_direction(cell / width, cell % width, width, height).to_array()
        })
        .collect();
    let values = potential(points, Rows::new(&places, 3)?, t, progress)?;
    let neighbours = |cell: usize| -> Vec<usize> {
        let (row, column) = (cell / width, cell % width);
        let around = |row: usize, column: usize| {
            [width - 1, 0, 1].map(move |step| row * width + (column + step) % width)
        };
        // Beyond a pole the mesh goes on at the opposite longitude.
        let across = |row: usize| around(row, (column + width / 2) % width);
        let north = row
            .checked_sub(1)
            .map_or_else(|| across(row), |row| around(row, column));
        let south = if row + 1 < height {
            around(row + 1, column)
        } else {
            across(row)
        };
        let [west, _, east] = around(row, column);
        north.into_iter().chain([west, east]).chain(south).collect()
    };
    let at = |cell: usize| std::array::from_fn(|axis| f64::from(places[3 * cell + axis]));
    field(points, t, values, neighbours, at, progress)
}

fn circle_field(points: Rows<'_>, t: f64, progress: &Progress) -> Result<Field<2>, LandscapeError> {
    let angle = |place: usize| std::f64::consts::TAU * place as f64 / FIELD_RING as f64;
    let places: Vec<f32> = (0..FIELD_RING)
        .flat_map(|place| {
            let (sin, cos) = angle(place).sin_cos();
            [cos as f32, sin as f32]
        })
        .collect();
    let values = potential(points, Rows::new(&places, 2)?, t, progress)?;
    let neighbours = |place: usize| {
        vec![
            (place + FIELD_RING - 1) % FIELD_RING,
            (place + 1) % FIELD_RING,
        ]
    };
    let at = |place: usize| {
        let (sin, cos) = angle(place).sin_cos();
        [cos, sin]
    };
    field(points, t, values, neighbours, at, progress)
}

fn field<const D: usize>(
    points: Rows<'_>,
    t: f64,
    values: Vec<f32>,
    neighbours: impl Fn(usize) -> Vec<usize>,
    at: impl Fn(usize) -> [f64; D] + Sync,
    progress: &Progress,
) -> Result<Field<D>, LandscapeError> {
    let range = values
        .iter()
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &value| {
            [low.min(value), high.max(value)]
        });
    let mut extrema = Vec::new();
    let mut found = 0;
    if f64::from(range[1] - range[0]) >= FLAT {
        for is_maximum in [true, false] {
            progress.check()?;
            let mut cells = candidates(&values, &neighbours, is_maximum);
            found += cells.len();
            cells.truncate(MOST_EXTREMA);
            let refined: Vec<_> = cells
                .into_par_iter()
                .map(|cell| refined(points, t, at(cell), is_maximum))
                .collect::<Result<_, _>>()?;
            let first = extrema.len();
            for extremum in refined {
                let is_new = extrema[first..]
                    .iter()
                    .all(|other: &Extremum<D>| apart(&other.at, &extremum.at) > APART_RAD);
                if is_new {
                    extrema.push(extremum);
                } else {
                    // Two cells of the mesh on one rounded top.
                    found -= 1;
                }
            }
        }
    }
    Ok(Field {
        values,
        range,
        extrema,
        extrema_found: found,
        uniform: uniformity_floor(D, t),
    })
}

/// Cells that no neighbour exceeds, the farthest out first. Equal ones count where the index is
/// least, so that a plateau gives one.
fn candidates(
    values: &[f32],
    neighbours: impl Fn(usize) -> Vec<usize>,
    is_maximum: bool,
) -> Vec<usize> {
    let sign = if is_maximum { 1.0 } else { -1.0 };
    let is_above = |a: usize, b: usize| {
        (sign * values[a])
            .total_cmp(&(sign * values[b]))
            .then(b.cmp(&a))
            .is_gt()
    };
    let mut cells: Vec<usize> = (0..values.len())
        .filter(|&cell| {
            let around = neighbours(cell);
            around
                .iter()
                .all(|&other| other == cell || is_above(cell, other))
        })
        .collect();
    cells.sort_by(|&a, &b| (sign * values[b]).total_cmp(&(sign * values[a])));
    cells
}

/// Climbs (or descends) the gradient from a cell of the mesh with steps that adapt, until a step
/// is below 1e-9 rad.
fn refined<const D: usize>(
    points: Rows<'_>,
    t: f64,
    mut at: [f64; D],
    is_maximum: bool,
) -> Result<Extremum<D>, LandscapeError> {
    const MOST_STEPS: usize = 80;
    let sign = if is_maximum { 1.0 } else { -1.0 };
    let (mut value, mut gradient) = potential_at(points, &at, t)?;
    let mut rate = 0.25 / t;
    for _ in 0..MOST_STEPS {
        let step: Vec<f64> = gradient.iter().map(|g| sign * rate * g).collect();
        let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
        if length < 1e-9 {
            break;
        }
        // No farther than a few cells at once: the mesh has said where the extremum is.
        let shorter = (APART_RAD / length).min(1.0);
        let mut moved: [f64; D] = std::array::from_fn(|axis| at[axis] + shorter * step[axis]);
        let norm = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
        for x in &mut moved {
            *x /= norm;
        }
        let (new_value, new_gradient) = potential_at(points, &moved, t)?;
        if sign * (new_value - value) > 0.0 {
            (at, value, gradient) = (moved, new_value, new_gradient);
            rate *= 1.6;
        } else {
            rate *= 0.4;
        }
    }
    Ok(Extremum {
        at,
        value,
        is_maximum,
    })
}

/// Distance of two unit vectors, radians where it is small.
fn apart<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

fn arrows(points: Rows<'_>, t: f64) -> Result<Vec<FieldArrow>, LandscapeError> {
    fibonacci(FIELD_ARROWS)
        .into_par_iter()
        .map(|direction| {
            let at = direction.as_dvec3().normalize().to_array();
            let (_, gradient) = potential_at(points, &at, t)?;
            Ok(FieldArrow {
                at,
                gradient: [gradient[0], gradient[1], gradient[2]],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sphere: &[[f32; 3]], circle: &[[f32; 2]], t: f64) -> PotentialField {
        PotentialField::new(sphere, circle, t, &Progress::none()).unwrap()
    }

    #[test]
    fn one_point_is_its_own_maximum_and_its_antipode_the_minimum() {
        let field = of(&[[0.36, 0.48, 0.8]], &[[0.6, -0.8]], 2.0);
        let [top, bottom] = field.sphere.extrema[..] else {
            panic!("{:?}", field.sphere.extrema)
        };
        assert!(top.is_maximum && !bottom.is_maximum);
        // V = −t‖u − x‖²: 0 at the point, −4t at its antipode. The point is rounded to f32.
        assert!(top.value.abs() < 1e-9 && (bottom.value + 8.0).abs() < 1e-6);
        assert!(apart(&top.at, &[0.36, 0.48, 0.8]) < 1e-6);
        assert!(apart(&bottom.at, &[-0.36, -0.48, -0.8]) < 1e-6);
        let [top, bottom] = field.circle.extrema[..] else {
            panic!("{:?}", field.circle.extrema)
        };
        assert!(apart(&top.at, &[0.6, -0.8]) < 1e-6);
        assert!(apart(&bottom.at, &[-0.6, 0.8]) < 1e-6);
    }

    #[test]
    fn extrema_at_the_poles_are_found_once() {
        let field = of(&[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], &[[1.0, 0.0]], 3.0);
        assert_eq!(field.sphere.extrema.len(), 2);
        assert_eq!(field.sphere.extrema_found, 2);
        assert!(apart(&field.sphere.extrema[0].at, &[0.0, 0.0, 1.0]) < 1e-6);
        assert!(apart(&field.sphere.extrema[1].at, &[0.0, 0.0, -1.0]) < 1e-6);
    }

    #[test]
    fn two_far_points_have_two_maxima_between_which_t_decides() {
        let points = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let maxima = |t: f64| {
            let field = of(&points, &[[1.0, 0.0]], t).sphere;
            field.extrema.iter().filter(|e| e.is_maximum).count()
        };
        // Along the arc of 90° the two kernels merge when t is small: V'' at the middle changes
        // its sign where 2t·sin²45° = cos 45°, at t = 0.7.
        assert_eq!((maxima(0.5), maxima(2.0)), (1, 2));
    }

    #[test]
    fn arrows_point_up_the_potential_and_lie_in_the_tangent_plane() {
        let field = of(&[[0.0, 0.0, 1.0]], &[[1.0, 0.0]], 2.0);
        assert_eq!(field.arrows.len(), FIELD_ARROWS);
        for arrow in &field.arrows {
            let [x, y, z] = arrow.gradient;
            let radial = x * arrow.at[0] + y * arrow.at[1] + z * arrow.at[2];
            assert!(radial.abs() < 1e-12);
            // Toward the one point: 2t(1 − z²) upward.
            assert!((z - 4.0 * (1.0 - arrow.at[2].powi(2))).abs() < 1e-9);
        }
    }

    #[test]
    fn a_flat_field_has_no_extrema() {
        let ring: Vec<[f32; 2]> = (0..90_u8)
            .map(|i| {
                let (sin, cos) = (f32::from(i) * std::f32::consts::TAU / 90.0).sin_cos();
                [cos, sin]
            })
            .collect();
        let field = of(&[[1.0, 0.0, 0.0]], &ring, 2.0).circle;
        assert!(field.extrema.is_empty());
        assert_eq!(field.share(field.values[0]), 0.0);
        assert!((f64::from(field.values[3]) - field.uniform).abs() < 1e-5);
    }

    #[test]
    fn without_points_it_is_refused() {
        assert!(PotentialField::new(&[], &[], 2.0, &Progress::none()).is_err());
        let off = [[3.0, 0.0, 0.0]];
        assert!(PotentialField::new(&off, &[[1.0, 0.0]], 2.0, &Progress::none()).is_err());
    }
}
