//! What a scene consists of, drawn from its seed.

use super::super::draw::Draw;
use super::{
    BuiltinKind,
    background::{Background, direction},
    shapes::Shape,
    texture::Texture,
};

/// Red, green and blue from 0 to 1.
pub(super) type Colour = [f32; 3];

/// Clear colours of objects.
const OBJECT_COLOURS: [Colour; 10] = [
    [0.90, 0.29, 0.26], // red
    [0.95, 0.55, 0.20], // orange
    [0.97, 0.80, 0.27], // yellow
    [0.45, 0.74, 0.30], // green
    [0.14, 0.64, 0.56], // teal
    [0.30, 0.74, 0.90], // sky
    [0.24, 0.43, 0.86], // blue
    [0.53, 0.36, 0.80], // violet
    [0.93, 0.46, 0.67], // pink
    [0.95, 0.92, 0.86], // cream
];

/// Quiet pairs behind them.
const BACKGROUND_COLOURS: [[Colour; 2]; 8] = [
    [[0.16, 0.19, 0.27], [0.30, 0.36, 0.48]], // night
    [[0.63, 0.74, 0.80], [0.84, 0.89, 0.91]], // haze
    [[0.73, 0.66, 0.55], [0.88, 0.83, 0.74]], // sand
    [[0.22, 0.31, 0.27], [0.41, 0.52, 0.43]], // moss
    [[0.42, 0.37, 0.45], [0.64, 0.58, 0.66]], // heather
    [[0.35, 0.27, 0.24], [0.56, 0.45, 0.39]], // bark
    [[0.30, 0.43, 0.52], [0.55, 0.67, 0.74]], // slate
    [[0.78, 0.76, 0.78], [0.93, 0.92, 0.92]], // paper
];

/// One thing in a scene.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) shape: Shape,
    /// Centre as a fraction of the image.
    pub(super) centre: [f32; 2],
    /// Radius as a fraction of the image.
    pub(super) radius: f32,
    /// Cosine and sine of its rotation.
    pub(super) rotation: [f32; 2],
    pub(super) colours: [Colour; 2],
    pub(super) texture: Texture,
    /// Direction of its texture, apart from its own.
    pub(super) grain: [f32; 2],
}

/// A background and objects from back to front; the last one gives the scene its class.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) background: Background,
    pub(super) background_colours: [Colour; 2],
    pub(super) objects: Vec<Object>,
}

impl Scene {
    pub(super) fn draw(kind: BuiltinKind, class: Shape, draw: &mut Draw) -> Self {
        let background_colours = draw.pick(&BACKGROUND_COLOURS).map(|colour| {
            let light = draw.between(0.9, 1.1);
            colour.map(|channel| (channel * light).min(1.0))
        });
        let background = Background::draw(draw);
        let objects = match kind {
            BuiltinKind::SingleObject => {
                let radius = draw.between(0.22, 0.4);
                vec![Object::draw(class, radius, draw)]
            }
            BuiltinKind::MultiObject => {
                let others = 2 + draw.below(4);
                let mut objects: Vec<Object> = (0..others)
                    .map(|_| {
                        let shape = *draw.pick(&Shape::ALL);
                        let radius = draw.between(0.11, 0.19);
                        Object::draw(shape, radius, draw)
                    })
                    .collect();
                let radius = draw.between(0.21, 0.28);
                objects.push(Object::draw(class, radius, draw));
                objects
            }
        };
        Self {
            background,
            background_colours,
            objects,
        }
    }
}

impl Object {
    fn draw(shape: Shape, radius: f32, draw: &mut Draw) -> Self {
        // At most a fifth of the radius beyond the edge: cut objects occur, lost ones do not.
        let margin = 0.8 * radius;
        let first = *draw.pick(&OBJECT_COLOURS);
        let light = draw.between(0.85, 1.08);
        let first = first.map(|channel| (channel * light).min(1.0));
        let second = if draw.chance(0.5) {
            mix(first, [1.0; 3], 0.55)
        } else {
            mix(first, [0.08, 0.07, 0.12], 0.45)
        };
        Self {
            shape,
            centre: [
                draw.between(margin, 1.0 - margin),
                draw.between(margin, 1.0 - margin),
            ],
            radius,
            rotation: small_turn(draw),
            colours: [first, second],
            texture: Texture::draw(draw),
            grain: direction(draw),
        }
    }
}

/// Cosine and sine of a turn within about ±35°: objects lean, they do not fall over.
fn small_turn(draw: &mut Draw) -> [f32; 2] {
    let t = draw.between(-0.315, 0.315);
    let scale = 1.0 / (1.0 + t * t);
    [(1.0 - t * t) * scale, 2.0 * t * scale]
}

pub(super) fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|c| a[c] + share * (b[c] - a[c]))
}
