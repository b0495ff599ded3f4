//! Pictures that nobody here made. Skipped, with a line, where they are absent.

use std::path::PathBuf;

use super::super::{Normalisation, Preprocess, Resize, for_each_batch};
use super::{DataError, ImageSet, Progress, open};

fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SPHERESCOPE_TEST_DATA") else {
        println!("skipped: SPHERESCOPE_TEST_DATA is not set");
        return None;
    };
    Some(PathBuf::from(root).join("images").join(name))
}

#[test]
fn cifar_pictures_have_ten_classes() {
    let Some(path) = folder("cifar10-test-1000") else {
        return;
    };
    let set = open(&path).unwrap();
    assert_eq!(set.len(), 1000);
    assert_eq!(
        set.classes(),
        [
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck"
        ]
    );
    assert!(set.skipped().is_empty());
    assert_eq!(set.format(), "folder, one class a folder");
    assert!((0..1000).all(|i| set.size(i) == Some([32, 32])));

    let mut sums = [0.0_f64; 3];
    let preprocess = Preprocess {
        resize: Resize::Keep,
        normalisation: Normalisation::CIFAR10,
    };
    let indices: Vec<usize> = (0..1000).collect();
    for_each_batch(
        &set,
        &indices,
        &preprocess,
        64,
        &Progress::none(),
        |batch| {
            for (plane, values) in batch.pixels.chunks_exact(32 * 32).enumerate() {
                sums[plane % 3] += values.iter().map(|&value| f64::from(value)).sum::<f64>();
            }
            Ok::<_, DataError>(())
        },
    )
    .unwrap();
    for sum in sums {
        // The constants are CIFAR-10's own means. Image means have a standard deviation of half a
        // unit at most, so those of 1000 images stay within 5 · 0.5 / √1000.
        assert!((sum / 1_024_000.0).abs() < 0.08, "{sums:?}");
    }
}

#[test]
fn street_scenes_have_masks_of_twelve_ids() {
    let Some(path) = folder("camvid-val") else {
        return;
    };
    for set in [
        open(&path).unwrap(),
        ImageSet::open(
            &path.join("images"),
            Some(&path.join("masks")),
            &Progress::none(),
        )
        .unwrap(),
    ] {
        assert_eq!(set.len(), 101);
        assert!(set.has_masks() && set.classes().is_empty());
        assert_eq!(set.size(0), Some([480, 360]));
        let mut seen = [false; 12];
        for index in (0..101).step_by(10) {
            let mask = set.mask(index).unwrap().unwrap();
            assert_eq!(mask.dimensions(), (480, 360));
            for &id in mask.as_raw() {
                seen[usize::from(id)] = true;
            }
        }
        assert!(seen.iter().all(|&seen| seen), "{seen:?}");
    }
}

#[test]
fn photos_are_decoded_and_brought_to_one_size() {
    let Some(path) = folder("photos") else {
        return;
    };
    let set = open(&path).unwrap();
    assert_eq!(set.len(), 5);
    let preprocess = Preprocess {
        resize: Resize::ShorterSideCrop {
            resize: 256,
            crop: 224,
        },
        normalisation: Normalisation::IMAGENET,
    };
    let mut shapes = Vec::new();
    for_each_batch(
        &set,
        &[0, 1, 2, 3, 4],
        &preprocess,
        5,
        &Progress::none(),
        |batch| {
            shapes.push(batch.shape);
            Ok::<_, DataError>(())
        },
    )
    .unwrap();
    assert_eq!(shapes, [[5, 3, 224, 224]]);
    let thumbnails = set.thumbnails(48, &Progress::none()).unwrap();
    assert_eq!(thumbnails.atlas(0, 5, 5).dimensions(), (240, 48));
}
