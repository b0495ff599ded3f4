//! Masks: found by name, read as ids, refused with reasons.

use std::{fs, path::Path};

use image::{GrayImage, ImageBuffer, Luma};

use super::{DataError, ImageSet, Progress, open, picture, save};

fn open_with(images: &Path, masks: &Path) -> Result<ImageSet, DataError> {
    ImageSet::open(images, Some(masks), &Progress::none())
}

fn ids(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| Luma([((x + y) % 5) as u8]))
}

/// A grey or indexed PNG with fewer than 8 bits, whose ids are column modulo 2^bits.
fn narrow_png(path: &Path, width: u32, height: u32, bits: u8, is_indexed: bool) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_depth(png::BitDepth::from_u8(bits).unwrap());
    if is_indexed {
        encoder.set_color(png::ColorType::Indexed);
        // Colours that have nothing to do with the indices.
        encoder.set_palette(
            (0..3 << bits)
                .map(|i: u32| (i * 71) as u8)
                .collect::<Vec<_>>(),
        );
    } else {
        encoder.set_color(png::ColorType::Grayscale);
    }
    let line_bytes = (width as usize * usize::from(bits)).div_ceil(8);
    let mut line = vec![0_u8; line_bytes];
    for x in 0..width as usize {
        let id = (x % (1 << bits)) as u8;
        let bit = x * usize::from(bits);
        line[bit / 8] |= id << (8 - usize::from(bits) - bit % 8);
    }
    let mut writer = encoder.write_header().unwrap();
    writer
        .write_image_data(&line.repeat(height as usize))
        .unwrap();
}

#[test]
fn masks_are_matched_by_stem() {
    let folder = tempfile::tempdir().unwrap();
    let (images, masks) = (folder.path().join("i"), folder.path().join("m"));
    save(&images, "street/1.png", &picture(9, 6));
    save(&images, "street/2.png", &picture(9, 6));
    save(&images, "field/3.png", &picture(9, 6));
    fs::create_dir_all(masks.join("street")).unwrap();
    ids(9, 6).save(masks.join("street/1.bmp")).unwrap();
    ids(9, 6).save(masks.join("3.png")).unwrap();
    fs::write(masks.join("classes.txt"), "void\nroad\ncar\n").unwrap();
    let set = open_with(&images, &masks).unwrap();
    assert!(set.has_masks());
    assert_eq!(set.mask_classes(), ["void", "road", "car"]);
    assert_eq!(set.mask(0).unwrap().unwrap(), ids(9, 6), "field/3");
    assert_eq!(set.mask(1).unwrap().unwrap(), ids(9, 6), "street/1");
    assert!(set.mask(2).unwrap().is_none(), "street/2 has none");
    assert!(set.format().ends_with("with masks"));
}

#[test]
fn a_pair_of_folders_needs_one_path() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "images/1.png", &picture(9, 6));
    fs::create_dir(folder.path().join("masks")).unwrap();
    ids(9, 6).save(folder.path().join("masks/1.png")).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!(set.len(), 1, "masks are no images");
    assert_eq!(set.mask(0).unwrap().unwrap(), ids(9, 6));
}

#[test]
fn masks_inside_the_images_are_not_images() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "1.png", &picture(9, 6));
    let masks = folder.path().join("labels");
    fs::create_dir(&masks).unwrap();
    ids(9, 6).save(masks.join("1.png")).unwrap();
    let set = open_with(folder.path(), &masks).unwrap();
    assert_eq!(set.len(), 1);
    assert!(set.mask(0).unwrap().is_some());
}

#[test]
fn ids_are_read_as_stored_at_every_depth() {
    let folder = tempfile::tempdir().unwrap();
    let (images, masks) = (folder.path().join("i"), folder.path().join("m"));
    save(&images, "a.png", &picture(13, 3));
    fs::create_dir(&masks).unwrap();
    for bits in [1, 2, 4] {
        for is_indexed in [false, true] {
            narrow_png(&masks.join("a.png"), 13, 3, bits, is_indexed);
            let mask = open_with(&images, &masks)
                .unwrap()
                .mask(0)
                .unwrap()
                .unwrap();
            let expected = GrayImage::from_fn(13, 3, |x, _| Luma([(x % (1 << bits)) as u8]));
            assert_eq!(mask, expected, "{bits} bits, indexed {is_indexed}");
        }
    }
    let wide: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(13, 3, Luma([11]));
    wide.save(masks.join("a.png")).unwrap();
    let mask = open_with(&images, &masks)
        .unwrap()
        .mask(0)
        .unwrap()
        .unwrap();
    assert_eq!(mask.get_pixel(4, 2).0, [11]);
}

#[test]
fn unusable_masks_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let (images, masks) = (folder.path().join("i"), folder.path().join("m"));
    save(&images, "a.png", &picture(20, 10));
    fs::create_dir(&masks).unwrap();
    let error_of = || {
        let set = open_with(&images, &masks).unwrap();
        set.mask(0).unwrap_err().to_string()
    };

    ids(10, 20).save(masks.join("a.png")).unwrap();
    assert_eq!(
        error_of(),
        "mask of a.png is 10×20 pixels but the image is 20×10: a mask needs the size of its image"
    );
    picture(20, 10).save(masks.join("a.png")).unwrap();
    assert!(error_of().contains("colour picture"), "{}", error_of());
    let wide: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(20, 10, Luma([700]));
    wide.save(masks.join("a.png")).unwrap();
    assert!(error_of().contains("700"), "{}", error_of());
    fs::write(masks.join("a.png"), "").unwrap();
    assert!(error_of().starts_with("mask of a.png"), "{}", error_of());
}

#[test]
fn masks_that_fit_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (images, masks) = (folder.path().join("i"), folder.path().join("m"));
    let file = save(&images, "a.png", &picture(20, 10));
    fs::create_dir(&masks).unwrap();
    ids(20, 10).save(masks.join("b.png")).unwrap();
    let text = open_with(&images, &masks).unwrap_err().to_string();
    assert!(text.contains("no mask here"), "{text}");
    assert!(open_with(&images, &folder.path().join("none")).is_err());
    assert!(open_with(&file, &masks).is_err());
}
