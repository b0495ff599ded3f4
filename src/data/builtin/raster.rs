//! Scenes to pixels.

use image::{GrayImage, RgbImage};

use super::{
    scene::{Colour, Object, Scene, mix},
    texture::covered,
};

/// Where the shadow falls, and how soft it is, in units of the object's radius.
const SHADOW_OFFSET: [f32; 2] = [0.10, 0.16];
const SHADOW_SOFTNESS: f32 = 0.36;
const SHADOW_STRENGTH: f32 = 0.38;
/// Nothing of an object or its shadow lies further from its centre, in units of its radius.
const REACH: f32 = 1.5;
/// Width of the darkened rim, in units of the radius.
const RIM: f32 = 0.22;

/// The scene as it looks.
pub(super) fn picture(scene: &Scene, side: u32) -> RgbImage {
    let pixel = 1.0 / side as f32;
    let mut canvas: Vec<Colour> = Vec::with_capacity((side * side) as usize);
    for row in 0..side {
        let y = (row as f32 + 0.5) * pixel;
        canvas.extend((0..side).map(|col| {
            let x = (col as f32 + 0.5) * pixel;
            scene
                .background
                .colour(x, y, pixel, &scene.background_colours)
        }));
    }
    for object in &scene.objects {
        for (place, [x, y]) in around(object, side) {
            paint(object, x, y, pixel / object.radius, &mut canvas[place]);
        }
    }
    let bytes = canvas
        .iter()
        .flatten()
        .map(|channel| (channel * 255.0 + 0.5).clamp(0.0, 255.0) as u8)
        .collect();
    // Three bytes for each pixel of the canvas: it always fits.
    RgbImage::from_raw(side, side, bytes).unwrap_or_default()
}

/// The class id of what is seen at each pixel.
pub(super) fn mask(scene: &Scene, side: u32) -> GrayImage {
    let mut ids = vec![0; (side * side) as usize];
    for object in &scene.objects {
        for (place, [x, y]) in around(object, side) {
            if object.shape.distance(x, y) < 0.0 {
                ids[place] = object.shape.mask_id();
            }
        }
    }
    GrayImage::from_raw(side, side, ids).unwrap_or_default()
}

/// The pixels near an object: their place in the image, and their centre in its coordinates.
fn around(object: &Object, side: u32) -> impl Iterator<Item = (usize, [f32; 2])> {
    let size = side as f32;
    let reach = REACH * object.radius;
    let [columns, rows] = object.centre.map(|centre| {
        let first = ((centre - reach) * size).max(0.0) as u32;
        let last = ((centre + reach) * size).clamp(0.0, size - 1.0) as u32;
        first..=last
    });
    let [cos, sin] = object.rotation;
    let [centre_x, centre_y] = object.centre;
    let scale = 1.0 / object.radius;
    rows.flat_map(move |row| {
        let y = ((row as f32 + 0.5) / size - centre_y) * scale;
        columns.clone().map(move |col| {
            let x = ((col as f32 + 0.5) / size - centre_x) * scale;
            let place = (row * side + col) as usize;
            (place, [cos * x + sin * y, cos * y - sin * x])
        })
    })
}

/// Lays shadow and surface of an object over one pixel; `pixel` is its size in the object's
/// coordinates.
fn paint(object: &Object, x: f32, y: f32, pixel: f32, onto: &mut Colour) {
    if x * x + y * y > REACH * REACH {
        return;
    }
    let distance = object.shape.distance(x, y);
    let coverage = covered(distance, pixel);
    if coverage < 1.0 {
        let shadow = object
            .shape
            .distance(x - SHADOW_OFFSET[0], y - SHADOW_OFFSET[1]);
        let t = covered(shadow, SHADOW_SOFTNESS);
        let keep = 1.0 - SHADOW_STRENGTH * t * t * (3.0 - 2.0 * t);
        *onto = onto.map(|channel| channel * keep);
    }
    if coverage > 0.0 {
        *onto = mix(*onto, surface(object, x, y, distance, pixel), coverage);
    }
}

/// Texture under a light from the upper left, with a darker rim that gives it thickness.
fn surface(object: &Object, x: f32, y: f32, distance: f32, pixel: f32) -> Colour {
    let [a, b] = object.grain;
    let share = object
        .texture
        .share(a * x + b * y, a * y - b * x, pixel.max(1e-6));
    let colour = mix(object.colours[0], object.colours[1], share);
    let rim = (1.0 + distance / RIM).clamp(0.0, 1.0);
    let light = 1.0 - 0.12 * (x + y) - 0.28 * rim * rim;
    colour.map(|channel| (channel * light).clamp(0.0, 1.0))
}
