//! Agreement with Pillow and torchvision on pictures that they made (tests/reference/data).

use std::path::Path;

use image::RgbImage;

use super::super::{Normalisation, Preprocess, Resize, colour, resize_bilinear};

fn reference(name: &str) -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference/data")
        .join(format!("{name}.png"));
    image::open(path).unwrap().into_rgb8()
}

fn worst(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// What an encoder would see, back on the scale of bytes.
fn preprocessed(resize: Resize) -> Vec<u8> {
    let preprocess = Preprocess {
        resize,
        normalisation: Normalisation::NONE,
    };
    let (values, [height, width]) = preprocess.apply(&reference("source")).unwrap();
    let plane = height * width;
    (0..3 * plane)
        .map(|i| (values[i % 3 * plane + i / 3] * 255.0).round() as u8)
        .collect()
}

// Both sides round to bytes after each of two passes, with differently rounded integer weights:
// one level.
const LEVELS: u8 = 1;

#[test]
fn resizes_match_pillow() {
    for (name, resize) in [
        ("square32", Resize::Square(32)),
        ("square96", Resize::Square(96)),
        (
            "shorter24crop20",
            Resize::ShorterSideCrop {
                resize: 24,
                crop: 20,
            },
        ),
    ] {
        let difference = worst(&preprocessed(resize), reference(name).as_raw());
        assert!(difference <= LEVELS, "{name}: {difference}");
    }
}

#[test]
fn a_window_is_resized_as_if_it_were_the_image() {
    let window = resize_bilinear(&reference("source"), [15, 10, 25, 27], [32, 32]);
    let difference = worst(window.as_raw(), reference("window32").as_raw());
    assert!(difference <= LEVELS, "{difference}");
}

#[test]
fn colour_changes_match_torchvision() {
    type Change = fn(&mut [colour::Pixel]);
    let changes: [(&str, Change); 5] = [
        ("brightness", |pixels| colour::brightness(pixels, 1.3)),
        ("contrast", |pixels| colour::contrast(pixels, 0.6)),
        ("saturation", |pixels| colour::saturation(pixels, 1.4)),
        ("hue", |pixels| colour::hue(pixels, 0.15)),
        ("greyscale", colour::greyscale),
    ];
    let source = reference("source");
    for (name, change) in changes {
        let mut pixels: Vec<colour::Pixel> = source
            .pixels()
            .map(|pixel| pixel.0.map(|value| f32::from(value) / 255.0))
            .collect();
        change(&mut pixels);
        let bytes: Vec<u8> = pixels
            .iter()
            .flatten()
            .map(|value| (value * 255.0).round() as u8)
            .collect();
        // The same formulas in f32; a value on the edge between two bytes may fall either way.
        let difference = worst(&bytes, reference(name).as_raw());
        assert!(difference <= 1, "{name}: {difference}");
    }
}
