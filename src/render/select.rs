//! Selecting many points at once, exactly and without the device.

use glam::{Vec2, Vec3};

use super::{PointFlags, Side, View};

/// An area that selects the points whose centres lie in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Region {
    /// Inside the closed polygon through these pixels (even-odd rule).
    Lasso(Vec<[f32; 2]>),
    /// Inside the rectangle between two opposite corners in pixels.
    Box([f32; 2], [f32; 2]),
    /// Within an angle of a direction: a spherical cap. The view plays a part only for the side.
    Cap {
        /// Middle of the cap; need not be a unit vector.
        centre: Vec3,
        /// Half its opening.
        angle_rad: f32,
    },
}

/// Indices, in ascending order, of the points that lie in `region`. Hidden points
/// ([`PointFlags::HIDDEN`] in `flags`, which may be empty) and points that cannot be drawn are never
/// selected; by default neither are points on the far side.
pub fn select(
    points: &[[f32; 3]],
    flags: &[u8],
    view: &View,
    region: &Region,
    side: Side,
) -> Vec<u32> {
    let shape = Shape::new(region);
    (0..)
        .zip(points)
        .filter(|&(index, &point)| {
            let flag = flags.get(index as usize).copied().unwrap_or(0);
            if flag & PointFlags::HIDDEN != 0 {
                return false;
            }
            let world = Vec3::from_array(point);
            view.project(world).is_some_and(|projected| {
                (side == Side::Both || projected.is_in_front)
                    && shape.contains(world, projected.pixel)
            })
        })
        .map(|(index, _)| index)
        .collect()
}

/// A region prepared for many questions.
enum Shape<'a> {
    Polygon {
        corners: &'a [[f32; 2]],
        low: Vec2,
        high: Vec2,
    },
    Rectangle {
        low: Vec2,
        high: Vec2,
    },
    Cap {
        centre: Vec3,
        least_cosine: f32,
    },
}

impl<'a> Shape<'a> {
    fn new(region: &'a Region) -> Self {
        match region {
            Region::Lasso(corners) => {
                let bounds = corners.iter().map(|&corner| Vec2::from_array(corner));
                let none = (Vec2::INFINITY, Vec2::NEG_INFINITY);
                let (low, high) = bounds.fold(none, |(low, high), at| (low.min(at), high.max(at)));
                Self::Polygon { corners, low, high }
            }
            &Region::Box(from, to) => {
                let (from, to) = (Vec2::from_array(from), Vec2::from_array(to));
                Self::Rectangle {
                    low: from.min(to),
                    high: from.max(to),
                }
            }
            &Region::Cap { centre, angle_rad } => Self::Cap {
                centre: centre.normalize_or_zero(),
                least_cosine: angle_rad.clamp(0.0, std::f32::consts::PI).cos(),
            },
        }
    }

    fn contains(&self, world: Vec3, pixel: Vec2) -> bool {
        match self {
            Self::Polygon { corners, low, high } => {
                is_between(pixel, *low, *high) && is_in_polygon(pixel, corners)
            }
            Self::Rectangle { low, high } => is_between(pixel, *low, *high),
            Self::Cap {
                centre,
                least_cosine,
            } => *centre != Vec3::ZERO && world.normalize_or_zero().dot(*centre) >= *least_cosine,
        }
    }
}

fn is_between(pixel: Vec2, low: Vec2, high: Vec2) -> bool {
    pixel.cmpge(low).all() && pixel.cmple(high).all()
}

/// Even-odd rule: a ray to the right crosses the outline an odd number of times.
fn is_in_polygon(pixel: Vec2, corners: &[[f32; 2]]) -> bool {
    let mut is_inside = false;
    let Some(mut previous) = corners.last() else {
        return false;
    };
    for corner in corners {
        let ([ax, ay], [bx, by]) = (*previous, *corner);
        if (ay > pixel.y) != (by > pixel.y) && pixel.x < ax + (pixel.y - ay) / (by - ay) * (bx - ax)
        {
            is_inside = !is_inside;
        }
        previous = corner;
    }
    is_inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Camera;

    /// Points towards the eye, away from it, at the right rim, and not a number.
    fn scene() -> (Vec<[f32; 3]>, View) {
        let view = Camera::looking_from(0.0, 0.0).view([200, 200]);
        let points = vec![
            [1.0, 0.0, 0.0],
            [-1.0, 0.0, 0.0],
            [0.25, 0.968, 0.0],
            [f32::NAN; 3],
        ];
        (points, view)
    }

    #[test]
    fn box_takes_the_front_only_unless_told() {
        let (points, view) = scene();
        let middle = Region::Box([120.0, 120.0], [80.0, 80.0]);
        assert_eq!(select(&points, &[], &view, &middle, Side::Front), [0]);
        assert_eq!(select(&points, &[], &view, &middle, Side::Both), [0, 1]);
        let hidden = [PointFlags::HIDDEN, 0, 0, 0];
        assert_eq!(select(&points, &hidden, &view, &middle, Side::Both), [1]);
    }

    #[test]
    fn lasso_follows_its_outline() {
        let (points, view) = scene();
        // An L that leaves the middle out.
        let outline = vec![
            [110.0, 0.0],
            [200.0, 0.0],
            [200.0, 200.0],
            [0.0, 200.0],
            [0.0, 150.0],
            [110.0, 150.0],
        ];
        assert_eq!(
            select(&points, &[], &view, &Region::Lasso(outline), Side::Front),
            [2]
        );
        let empty = Region::Lasso(vec![]);
        assert!(select(&points, &[], &view, &empty, Side::Both).is_empty());
    }

    #[test]
    fn cap_measures_the_angle() {
        let (points, view) = scene();
        let cap = |angle_rad| Region::Cap {
            centre: Vec3::X * 3.0,
            angle_rad,
        };
        assert_eq!(select(&points, &[], &view, &cap(1.3), Side::Both), [0]);
        assert_eq!(select(&points, &[], &view, &cap(1.4), Side::Both), [0, 2]);
        let nowhere = Region::Cap {
            centre: Vec3::ZERO,
            angle_rad: 1.0,
        };
        assert!(select(&points, &[], &view, &nowhere, Side::Both).is_empty());
    }
}
