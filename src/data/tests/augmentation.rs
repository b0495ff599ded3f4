//! Views: seeded, independent of order, and their geometry true.

use image::{Rgb, RgbImage};

use super::super::{AugmentConfig, CropRange, Normalisation, augmented_view};
use super::picture;

const SIDE: u32 = 32;

fn view(image: &RgbImage, config: &AugmentConfig, seed: u64, index: u64, view: u64) -> Vec<f32> {
    augmented_view(image, config, SIDE, &Normalisation::NONE, seed, index, view).0
}

#[test]
fn a_view_depends_on_seed_image_and_view_alone() {
    let image = picture(50, 40);
    let config = AugmentConfig::moco_v2();
    let first = view(&image, &config, 1, 2, 0);
    let _ = view(&image, &config, 9, 9, 1);
    assert_eq!(first, view(&image, &config, 1, 2, 0));
    assert_ne!(first, view(&image, &config, 2, 2, 0));
    assert_ne!(first, view(&image, &config, 1, 3, 0));
    assert_ne!(first, view(&image, &config, 1, 2, 1));
}

#[test]
fn every_preset_gives_finite_values_in_range() {
    for (name, config) in AugmentConfig::presets() {
        config.validate().unwrap();
        assert_eq!(config.name(), name);
        assert_eq!(name.parse::<AugmentConfig>().unwrap(), config);
        for (width, height) in [(64, 64), (1, 1), (3, 200), (300, 2)] {
            for seed in 0..20 {
                let values = view(&picture(width, height), &config, seed, 0, 0);
                assert_eq!(values.len(), (3 * SIDE * SIDE) as usize);
                // Blur and hue may pass 1 by a few roundings of f32.
                let is_in_range = |value: &f32| (-1e-5..=1.00001).contains(value);
                assert!(values.iter().all(is_in_range), "{name} {width}×{height}");
            }
        }
    }
}

#[test]
fn identity_is_the_image() {
    let image = picture(SIDE, SIDE);
    let values = view(&image, &AugmentConfig::identity(), 3, 4, 5);
    let plane = (SIDE * SIDE) as usize;
    for (i, pixel) in image.pixels().enumerate() {
        for c in 0..3 {
            assert_eq!(values[c * plane + i], f32::from(pixel.0[c]) / 255.0);
        }
    }
}

#[test]
fn a_marked_spot_is_where_the_geometry_says() {
    let config = AugmentConfig::crop_flip_only();
    let (mut seen, mut mirrored) = (0, 0);
    for seed in 0..200 {
        // A bright disc on black, its centre known.
        let centre = [35.5_f32, 22.5];
        let image = RgbImage::from_fn(80, 60, |x, y| {
            let (dx, dy) = (x as f32 + 0.5 - centre[0], y as f32 + 0.5 - centre[1]);
            Rgb([if dx * dx + dy * dy < 16.0 { 255 } else { 0 }; 3])
        });
        let (values, geometry) =
            augmented_view(&image, &config, SIDE, &Normalisation::NONE, seed, 0, 0);
        let [x, y, width, height] = geometry.crop;
        let margin = 6.0;
        let is_whole = (x + margin..x + width - margin).contains(&centre[0])
            && (y + margin..y + height - margin).contains(&centre[1]);
        if !is_whole {
            continue;
        }
        seen += 1;
        mirrored += usize::from(geometry.flipped);
        // Centre of mass of the disc in the view, mapped back to the image.
        let plane = (SIDE * SIDE) as usize;
        let (mut mass, mut sum) = (0.0, [0.0; 2]);
        for (i, &value) in values[..plane].iter().enumerate() {
            let row = i / SIDE as usize;
            let col = i % SIDE as usize;
            mass += value;
            sum[0] += value * (col as f32 + 0.5) / SIDE as f32;
            sum[1] += value * (row as f32 + 0.5) / SIDE as f32;
        }
        let found = geometry.source_from_fraction([sum[0] / mass, sum[1] / mass]);
        // Rounding to bytes moves the centre of mass by far less than a tenth of a source pixel;
        // the disc's own raster centre is exact by symmetry.
        for axis in 0..2 {
            assert!(
                (found[axis] - centre[axis]).abs() < 0.1,
                "seed {seed}: {found:?} for {centre:?} in {geometry:?}"
            );
        }
        let back = geometry.fraction_from_source(centre).unwrap();
        let again = geometry.source_from_fraction(back);
        assert!((again[0] - centre[0]).abs() < 1e-4, "f32 on tens of pixels");
        let cell = geometry.cell_centre((back[1] * 8.0) as usize, (back[0] * 8.0) as usize, [8, 8]);
        let size = geometry.cell_size([8, 8]);
        assert!((cell[0] - centre[0]).abs() <= 0.5 * size[0] + 1e-3);
        assert!((cell[1] - centre[1]).abs() <= 0.5 * size[1] + 1e-3);
    }
    assert!(seen > 30, "only {seen} views show the whole disc");
    assert!(mirrored > 5 && mirrored < seen, "{mirrored} of {seen}");
}

#[test]
fn windows_have_the_wanted_areas_and_ratios() {
    let config = AugmentConfig {
        crop: Some(CropRange::with_scale(0.2)),
        ..AugmentConfig::identity()
    };
    let image = picture(120, 90);
    let mut areas = Vec::new();
    for seed in 0..400 {
        let (_, geometry) = augmented_view(&image, &config, 8, &Normalisation::NONE, seed, 0, 0);
        let [x, y, width, height] = geometry.crop;
        assert!(x >= 0.0 && y >= 0.0 && x + width <= 120.0 && y + height <= 90.0);
        // Whole pixels on sides of some 35 and more: 3 % on each side.
        assert!((0.70..1.42).contains(&(width / height)), "{width}×{height}");
        areas.push(width * height / (120.0 * 90.0));
    }
    let mean = areas.iter().sum::<f32>() / areas.len() as f32;
    assert!(areas.iter().all(|area| (0.19..=1.0).contains(area)));
    // Uniform on [.2, 1] has mean .6 and sd .23; windows that do not fit are drawn again, which
    // takes from the large ones. Wide enough for both, too narrow for a fixed area.
    assert!((0.48..0.66).contains(&mean), "{mean}");
}

#[test]
fn nonsense_settings_are_named() {
    let mut config = AugmentConfig::wang_isola();
    config.crop = Some(CropRange {
        scale: [0.5, 0.2],
        ratio: [1.0, 1.0],
    });
    assert!(config.validate().unwrap_err().to_string().contains("crop"));
    config = AugmentConfig::moco_v2();
    config.flip = f32::NAN;
    assert!(config.validate().unwrap_err().to_string().contains("flip"));
    assert!("mocov9".parse::<AugmentConfig>().is_err());
    // An empty image and an empty view are empty, not fatal.
    let none = augmented_view(
        &RgbImage::new(0, 0),
        &AugmentConfig::moco_v2(),
        0,
        &Normalisation::HALF,
        0,
        0,
        0,
    );
    assert!(none.0.is_empty());
}
