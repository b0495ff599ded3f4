//! Each file format, whole and broken.

use std::fs;

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba};

use super::{open, picture, save};

#[test]
fn every_lossless_format_gives_its_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let image = picture(19, 13);
    for ending in ["png", "webp", "bmp", "tif", "tiff", "PNG"] {
        let path = save(folder.path(), &format!("a.{ending}"), &image);
        let set = open(&path).unwrap();
        assert_eq!(set.load(0).unwrap(), image, "{ending}");
        assert_eq!(set.size(0), Some([19, 13]));
        assert_eq!(set.format(), "one image");
    }
}

#[test]
fn jpeg_is_close_to_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let smooth = RgbImage::from_fn(32, 24, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 90]));
    let path = save(folder.path(), "a.jpeg", &smooth);
    let loaded = open(&path).unwrap().load(0).unwrap();
    let worst = smooth
        .as_raw()
        .iter()
        .zip(loaded.as_raw())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    // Quality 75 with halved colour resolution on a slope: a dozen levels at the border.
    assert!(worst < Some(16), "{worst:?}");
}

#[test]
fn grey_wide_and_transparent_images_become_rgb() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(DynamicImage, [u8; 3]); 6] = [
        (ImageBuffer::from_pixel(4, 4, Luma([77_u8])).into(), [77; 3]),
        (
            ImageBuffer::from_pixel(4, 4, Luma([77_u16 * 257])).into(),
            [77; 3],
        ),
        (
            ImageBuffer::from_pixel(4, 4, Rgb([0_u16, 128 * 257, 65535])).into(),
            [0, 128, 255],
        ),
        // Over white: half of black is middle grey, nothing at all is white.
        (
            ImageBuffer::from_pixel(4, 4, Rgba([0_u8, 0, 0, 128])).into(),
            [127; 3],
        ),
        (
            ImageBuffer::from_pixel(4, 4, Rgba([9_u8, 9, 9, 0])).into(),
            [255; 3],
        ),
        (
            ImageBuffer::from_pixel(4, 4, LumaA([40_u8, 255])).into(),
            [40; 3],
        ),
    ];
    for (i, (image, expected)) in cases.into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.png"));
        image.save(&path).unwrap();
        let loaded = open(&path).unwrap().load(0).unwrap();
        assert_eq!(loaded.get_pixel(2, 2).0, expected, "case {i}");
    }
}

#[test]
fn content_decides_not_the_ending() {
    let folder = tempfile::tempdir().unwrap();
    let image = picture(8, 8);
    let path = folder.path().join("really_a_bitmap.png");
    image.save_with_format(&path, ImageFormat::Bmp).unwrap();
    assert_eq!(open(&path).unwrap().load(0).unwrap(), image);
}

#[test]
fn broken_files_are_listed_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "good.png", &picture(8, 8));
    fs::write(root.join("empty.png"), []).unwrap();
    fs::write(root.join("text.jpg"), "this is no image").unwrap();
    fs::write(root.join("random.webp"), [137; 500]).unwrap();
    fs::write(root.join("anim.gif"), b"GIF89a").unwrap();
    fs::write(root.join("gif_inside.png"), b"GIF89a0123456789").unwrap();
    fs::write(root.join("notes.txt"), "not an image, and not meant as one").unwrap();
    fs::write(root.join(".DS_Store"), "hidden").unwrap();
    for ending in ["png", "jpg", "bmp", "tif", "webp"] {
        let path = save(root, &format!("short.{ending}"), &picture(40, 40));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..10]).unwrap();
    }
    let set = open(root).unwrap();
    assert_eq!(super::names(&set), ["good.png"]);
    assert_eq!(set.ignored(), 1, "the text file; hidden files do not count");
    let skipped = set.skipped();
    let reason = |name: &str| {
        let found = skipped.iter().find(|skipped| skipped.name == name);
        &found
            .unwrap_or_else(|| panic!("{name} is not listed"))
            .reason
    };
    assert_eq!(skipped.len(), 10);
    assert!(reason("empty.png").contains("empty"));
    assert!(reason("text.jpg").contains("not an image"));
    assert!(reason("anim.gif").contains("not supported"));
    assert!(reason("gif_inside.png").contains("not supported"));
    assert!(reason("short.jpg").contains("truncated"));
}

#[test]
fn damage_behind_the_header_is_found_when_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "a.png", &picture(64, 64));
    save(root, "b.png", &picture(64, 64));
    let bytes = fs::read(root.join("b.png")).unwrap();
    fs::write(root.join("b.png"), &bytes[..bytes.len() / 2]).unwrap();
    let set = open(root).unwrap();
    assert_eq!(set.len(), 2);
    assert!(set.skipped().is_empty());
    assert!(set.load(1).is_err());
    assert!(set.load(1).is_err());
    assert_eq!(set.skipped().len(), 1, "listed once, however often tried");
    assert_eq!(set.skipped()[0].name, "b.png");
}

#[test]
fn no_truncation_and_no_bit_flip_panics() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["png", "jpg", "bmp", "tif", "webp"] {
        let path = save(folder.path(), &format!("x.{ending}"), &picture(23, 17));
        let whole = fs::read(&path).unwrap();
        let step = (whole.len() / 60).max(1);
        for cut in (0..whole.len()).step_by(step) {
            fs::write(&path, &whole[..cut]).unwrap();
            let _ = open(&path).and_then(|set| set.load(0));
            let mut flipped = whole.clone();
            flipped[cut] ^= 0x5A;
            fs::write(&path, &flipped).unwrap();
            let _ = open(&path).and_then(|set| set.load(0));
        }
    }
}

#[test]
fn huge_claims_are_refused_from_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "bomb.bmp", &picture(4, 4));
    let mut bytes = fs::read(&path).unwrap();
    // Width and height of a bitmap's header.
    bytes[18..22].copy_from_slice(&60_000_i32.to_le_bytes());
    bytes[22..26].copy_from_slice(&60_000_i32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("60000×60000"), "{error}");
}

#[test]
fn files_too_long_to_hold_are_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "long.jpg", &picture(4, 4));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // Sparse: takes no room on the disk.
    file.set_len(5 << 30).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("5120 MB"), "{error}");
}
