//! The built-in image set: scenes made in code, with labels and masks.
//!
//! A scene follows from (seed, number) alone. Its pixels use additions, multiplications, divisions
//! and square roots only, which IEEE 754 fixes to the last bit, so every machine draws the same
//! bytes; a checksum test holds it to that.

mod background;
mod raster;
mod scene;
mod shapes;
mod texture;

use std::ops::RangeInclusive;

use image::{GrayImage, RgbImage};
use serde::{Deserialize, Serialize};

use super::{
    ImageRecord,
    draw::{Domain, Draw},
};
use scene::Scene;
use shapes::Shape;

/// Class names of the built-in set, in label order; in masks the id is the label plus one.
pub const SHAPE_NAMES: [&str; 8] = [
    "disc", "square", "triangle", "star", "ring", "cross", "crescent", "heart",
];

/// What a scene of the built-in set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BuiltinKind {
    /// One object; its shape is the class.
    SingleObject,
    /// Three to six objects that may cover each other; the class is the shape of the frontmost and
    /// largest one.
    MultiObject,
}

impl BuiltinKind {
    /// In words, for titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleObject => "single objects",
            Self::MultiObject => "multi-object scenes",
        }
    }
}

/// Which built-in set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BuiltinConfig {
    /// One object or several.
    pub kind: BuiltinKind,
    /// Number of images; at most a million.
    pub count: usize,
    /// Side of the images in pixels, 8 to 1024.
    pub side: u32,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for BuiltinConfig {
    /// A thousand single objects of 64 pixels.
    fn default() -> Self {
        Self {
            kind: BuiltinKind::SingleObject,
            count: 1000,
            side: 64,
            seed: 7,
        }
    }
}

impl BuiltinConfig {
    /// Numbers of images of which a set can be.
    pub const COUNTS: RangeInclusive<usize> = 1..=1_000_000;
    /// Sides that images can have, in pixels.
    pub const SIDES: RangeInclusive<u32> = 8..=1024;

    /// The nearest set that can be drawn. Settings that are written down are refused instead.
    pub fn clamped(self) -> Self {
        Self {
            count: self.count.min(*Self::COUNTS.end()),
            side: self.side.clamp(*Self::SIDES.start(), *Self::SIDES.end()),
            ..self
        }
    }
}

pub(super) fn classes() -> Vec<String> {
    SHAPE_NAMES.iter().map(ToString::to_string).collect()
}

pub(super) fn mask_classes() -> Vec<String> {
    std::iter::once("background")
        .chain(SHAPE_NAMES)
        .map(str::to_owned)
        .collect()
}

pub(super) fn records(config: &BuiltinConfig) -> Vec<ImageRecord> {
    (0..config.count)
        .map(|index| {
            let label = label(config.seed, index);
            ImageRecord {
                name: format!("{index:05}-{}", SHAPE_NAMES[label]),
                label: Some(label as u32),
            }
        })
        .collect()
}

/// Every block of eight images holds each class once, in a drawn order: balanced, not periodic.
fn label(seed: u64, index: usize) -> usize {
    let classes = SHAPE_NAMES.len();
    let mut order: [usize; SHAPE_NAMES.len()] = std::array::from_fn(|class| class);
    Draw::keyed(Domain::Labels, seed, (index / classes) as u64, 0).shuffle(&mut order);
    order[index % classes]
}

fn scene(config: &BuiltinConfig, index: usize) -> Scene {
    let mut draw = Draw::keyed(Domain::Scene, config.seed, index as u64, config.kind as u64);
    Scene::draw(
        config.kind,
        Shape::ALL[label(config.seed, index)],
        &mut draw,
    )
}

pub(super) fn render(config: &BuiltinConfig, index: usize) -> RgbImage {
    raster::picture(&scene(config, index), config.side)
}

/// 0 where there is no object, else the class plus one.
pub(super) fn render_mask(config: &BuiltinConfig, index: usize) -> GrayImage {
    raster::mask(&scene(config, index), config.side)
}
