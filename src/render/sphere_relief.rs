//! The sphere's surface sunk where a field is low: a mesh over longitude and latitude.

use glam::Vec3;

use super::{SurfaceField, colour::Rgba8, relief::Corner};

/// Where the light of the hill shading comes from: how far from straight above, northward and
/// westward, as on maps.
const SLANT: [f32; 2] = [0.55, 0.55];
/// The surface is exaggerated by this much for its shading, so that gentle slopes show.
const RELIEF_OF_SHADE: f32 = 2.0;

/// A closed surface around the centre: at radius 1 where the field is highest, nearer where it is
/// lower. Points on the unit sphere stand on or above it.
#[derive(Clone, Debug, PartialEq)]
pub struct SphereRelief {
    pub(super) corners: Vec<Corner>,
}

/// A place of the mesh.
#[derive(Clone, Copy)]
struct Place {
    at: Vec3,
    colour: Rgba8,
}

impl SphereRelief {
    /// The surface of a field that sinks by `depth` (0 to 0.9) where it is 0, in the field's own
    /// colours over `ground`.
    pub fn new(field: &SurfaceField, depth: f32, ground: Rgba8) -> Self {
        let [width, height] = field.size.map(|side| side as usize);
        let depth = if depth.is_finite() {
            depth.clamp(0.0, 0.9)
        } else {
            0.0
        };
        let directions = SurfaceField::directions(field.size[0], field.size[1]);
        let radius = |value: f32| 1.0 - depth * (1.0 - value);
        let places: Vec<Vec3> = directions
            .iter()
            .zip(&field.values)
            .map(|(direction, value)| *direction * radius(*value))
            .collect();
        let cell = |row: usize, column: usize| row * width + column % width;
        let lit: Vec<Place> = (0..width * height)
            .map(|index| {
                let (row, column) = (index / width, index % width);
                let [north, south] = [row.saturating_sub(1), (row + 1).min(height - 1)];
                let around = [
                    cell(row, column + 1),
                    cell(row, column + width - 1),
                    cell(north, column),
                    cell(south, column),
                ]
                .map(|other| {
                    // Steeper than drawn: a normal of an exaggerated surface.
                    let sunk = 1.0 - places[other].length();
                    directions[other] * (1.0 - (RELIEF_OF_SHADE * sunk).min(0.95))
                });
                let normal = (around[0] - around[1]).cross(around[2] - around[3]);
                let shade = shade(directions[index], normal);
                Place {
                    at: places[index],
                    colour: dimmed(tint(field, field.values[index], ground), shade),
                }
            })
            .collect();
        let mut corners = Vec::with_capacity(6 * width * height);
        let mut triangle = |places: [Place; 3]| {
            corners.extend(places.map(|place| Corner::new(place.at, place.colour)));
        };
        for row in 0..height.saturating_sub(1) {
            for column in 0..width {
                let [a, b] = [cell(row, column), cell(row, column + 1)].map(|index| lit[index]);
                let [c, d] =
                    [cell(row + 1, column), cell(row + 1, column + 1)].map(|index| lit[index]);
                triangle([a, c, b]);
                triangle([b, c, d]);
            }
        }
        for (row, pole) in [(0, Vec3::Z), (height - 1, Vec3::NEG_Z)] {
            let ring = &lit[row * width..(row + 1) * width];
            let mean = ring.iter().map(|place| place.at.length()).sum::<f32>() / width as f32;
            let top = Place {
                at: pole * mean,
                colour: ring[0].colour,
            };
            for column in 0..width {
                triangle([top, ring[column], ring[(column + 1) % width]]);
            }
        }
        Self { corners }
    }
}

/// Hill shading by a light from the upper left of the map; never black.
fn shade(up: Vec3, normal: Vec3) -> f32 {
    let east = Vec3::Z.cross(up).normalize_or(Vec3::Y);
    let north = up.cross(east);
    let light = (up + north * SLANT[0] - east * SLANT[1]).normalize();
    let normal = normal.normalize_or(up);
    // Outward, whichever way the cross product turned.
    let normal = if normal.dot(up) < 0.0 {
        -normal
    } else {
        normal
    };
    0.45 + 0.55 * normal.dot(light).max(0.0)
}

/// The field's colour over the ground.
fn tint(field: &SurfaceField, value: f32, ground: Rgba8) -> Rgba8 {
    let last = field.ramp.len() - 1;
    let entry = (value * last as f32).round().clamp(0.0, last as f32) as usize;
    let [r, g, b, a] = field.ramp[entry].map(f32::from);
    let share = a / 255.0;
    let over = |top: f32, under: u8| (top * share + f32::from(under) * (1.0 - share)) as u8;
    [
        over(r, ground[0]),
        over(g, ground[1]),
        over(b, ground[2]),
        255,
    ]
}

fn dimmed(colour: Rgba8, shade: f32) -> Rgba8 {
    let dim = |channel: u8| (f32::from(channel) * shade).round() as u8;
    [dim(colour[0]), dim(colour[1]), dim(colour[2]), 255]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{
        Camera, HeadlessGpu, PointSource, SphereColours, SphereRenderer, SphereScene, SphereStyle,
    };
    use std::sync::Arc;

    /// High on the half with x > 0.
    fn half() -> SurfaceField {
        let values = SurfaceField::directions(48, 24)
            .iter()
            .map(|direction| if direction.x > 0.0 { 1.0 } else { 0.0 })
            .collect();
        SurfaceField::new(
            48,
            24,
            values,
            vec![[200, 80, 40, 255], [240, 220, 90, 255]],
        )
        .unwrap()
    }

    #[test]
    fn the_surface_is_closed_and_as_deep_as_asked() {
        let relief = SphereRelief::new(&half(), 0.3, [20, 20, 20, 255]);
        // Two triangles a square, and a fan at each pole.
        assert_eq!(relief.corners.len(), 3 * (2 * 48 * 23 + 2 * 48));
        let radii = relief.corners.iter().map(|corner| corner.place().length());
        let (low, high) = radii.fold((f32::MAX, 0.0_f32), |(low, high), radius| {
            (low.min(radius), high.max(radius))
        });
        assert!(
            (low - 0.7).abs() < 1e-5 && (high - 1.0).abs() < 1e-5,
            "{low} {high}"
        );
        // Every edge has a triangle on either side.
        let mut edges = std::collections::HashMap::<_, i32>::new();
        for triangle in relief.corners.chunks(3) {
            for (a, b) in [(0, 1), (1, 2), (2, 0)] {
                let key = |i: usize| triangle[i].place().to_array().map(f32::to_bits);
                let (a, b) = (key(a), key(b));
                *edges
                    .entry(if a < b { (a, b) } else { (b, a) })
                    .or_default() += 1;
            }
        }
        assert!(edges.values().all(|count| *count == 2));
        let flat = SphereRelief::new(&half(), f32::NAN, [0; 4]);
        let radius = |corner: &Corner| (corner.place().length() - 1.0).abs() < 1e-5;
        assert!(flat.corners.iter().all(radius));
    }

    #[test]
    fn the_picture_sinks_where_the_field_is_low() {
        let Ok(gpu) = HeadlessGpu::open() else {
            println!("skipped, no picture can be drawn here");
            return;
        };
        let field = Arc::new(half());
        let ground = [20, 20, 20, 255];
        let mut scene = SphereScene::new(PointSource::Host(Arc::default()), Arc::default());
        scene.set_field(Some(Arc::clone(&field)));
        let mut style = SphereStyle::new(SphereColours::DARK, 0);
        style.graticule_step_deg = None;
        let camera = Camera::looking_from(std::f32::consts::FRAC_PI_2, 0.0);
        let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue).unwrap();
        // From +y: the high half lies to the left, the low one to the right.
        let mut row = |scene: &SphereScene| {
            renderer.draw(scene, &camera, [200, 200], &style).unwrap();
            let picture = renderer.picture().unwrap();
            // Beside the limb: 86 of 90 pixels out.
            [14, 186].map(|x| picture.pixel(x, 100).unwrap()[0])
        };
        let [_, right] = row(&scene);
        assert!(right > 30, "the smooth sphere reaches its limb: {right}");
        scene.set_field(None);
        scene.set_relief(Some(Arc::new(SphereRelief::new(&field, 0.3, ground))));
        let [left, right] = row(&scene);
        assert!(left > 90, "the high half stays at radius 1: {left}");
        assert!(right < 60, "the low half has sunk: {right}");
        scene.set_relief(None);
        scene.set_field(Some(field));
        assert!(row(&scene)[1] > 30);
    }
}
