//! Streaming: order, sizes, bad images, cancel; and thumbnails.

use std::{fs, sync::Arc, sync::Mutex};

use super::super::{
    AugmentConfig, Batch, BuiltinConfig, Normalisation, PairSettings, Preprocess, Resize,
    augmented_view, for_each_batch, for_each_pair_batch,
};
use super::{DataError, ImageSet, Progress, open, picture, save};

const KEEP: Preprocess = Preprocess {
    resize: Resize::Keep,
    normalisation: Normalisation::IMAGENET,
};

fn builtin(count: usize) -> ImageSet {
    ImageSet::builtin(&BuiltinConfig {
        count,
        side: 16,
        ..BuiltinConfig::default()
    })
}

fn batches(
    set: &ImageSet,
    indices: &[usize],
    preprocess: &Preprocess,
    size: usize,
) -> Result<Vec<Batch>, DataError> {
    let mut all = Vec::new();
    for_each_batch(set, indices, preprocess, size, &Progress::none(), |batch| {
        all.push(batch);
        Ok::<_, DataError>(())
    })?;
    Ok(all)
}

#[test]
fn batches_hold_the_images_in_order() {
    let set = builtin(37);
    let indices: Vec<usize> = (0..37).rev().collect();
    let all = batches(&set, &indices, &KEEP, 8).unwrap();
    let sizes: Vec<_> = all.iter().map(|batch| batch.shape[0]).collect();
    assert_eq!(sizes, [8, 8, 8, 8, 5]);
    let order: Vec<_> = all.iter().flat_map(|batch| batch.indices.clone()).collect();
    assert_eq!(order, indices);
    for batch in &all {
        assert_eq!(batch.pixels.len(), batch.shape.iter().product::<usize>());
        for (place, &index) in batch.indices.iter().enumerate() {
            let (expected, _) = KEEP.apply(&set.load(index).unwrap()).unwrap();
            let length = expected.len();
            assert_eq!(batch.pixels[place * length..(place + 1) * length], expected);
        }
    }
    assert!(batches(&set, &[], &KEEP, 8).unwrap().is_empty());
    assert_eq!(batches(&set, &[1], &KEEP, 0).unwrap().len(), 1);
}

#[test]
fn another_size_starts_another_batch() {
    let folder = tempfile::tempdir().unwrap();
    for (i, width) in [5, 5, 7, 7, 7, 5].into_iter().enumerate() {
        save(folder.path(), &format!("{i}.png"), &picture(width, 4));
    }
    let set = open(folder.path()).unwrap();
    let all = batches(&set, &[0, 1, 2, 3, 4, 5], &KEEP, 4).unwrap();
    let shapes: Vec<_> = all.iter().map(|batch| batch.shape).collect();
    assert_eq!(shapes, [[2, 3, 4, 5], [3, 3, 4, 7], [1, 3, 4, 5]]);
}

#[test]
fn bad_images_are_left_out_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..5 {
        save(folder.path(), &format!("{i}.png"), &picture(30, 30));
    }
    let bytes = fs::read(folder.path().join("2.png")).unwrap();
    fs::write(folder.path().join("2.png"), &bytes[..bytes.len() - 200]).unwrap();
    let set = open(folder.path()).unwrap();
    let all = batches(&set, &[0, 1, 2, 3, 4], &KEEP, 10).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].indices, [0, 1, 3, 4]);
    assert_eq!(set.skipped().len(), 1);

    let thumbnails = set.thumbnails(6, &Progress::none()).unwrap();
    assert_eq!(thumbnails.count, 5);
    let bad = thumbnails.tile(2).unwrap();
    assert!(bad.iter().all(|&byte| byte == bad[0]), "plain grey");
}

#[test]
fn wrong_requests_fail_before_work() {
    let set = builtin(3);
    assert!(matches!(
        batches(&set, &[0, 3], &KEEP, 2),
        Err(DataError::Index { index: 3, len: 3 })
    ));
    let impossible = Preprocess {
        resize: Resize::Square(0),
        ..KEEP
    };
    assert!(batches(&set, &[0], &impossible, 2).is_err());
}

#[test]
fn a_cancel_and_an_error_end_the_stream() {
    let set = builtin(500);
    let indices: Vec<usize> = (0..500).collect();
    let progress = Progress::none();
    let mut calls = 0;
    let result = for_each_batch(&set, &indices, &KEEP, 4, &progress, |_| {
        calls += 1;
        progress.cancel();
        Ok::<_, DataError>(())
    });
    assert!(matches!(result, Err(DataError::Cancelled(_))));
    assert_eq!(calls, 1);
    let result = for_each_batch(&set, &indices, &KEEP, 4, &Progress::none(), |_| {
        Err(DataError::Settings("enough".to_owned()))
    });
    assert_eq!(result.unwrap_err().to_string(), "enough");
}

#[test]
fn progress_reaches_the_total() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&steps);
    let progress = Progress::new(move |step| sink.lock().unwrap().push((step.done, step.total)));
    let set = builtin(40);
    let indices: Vec<usize> = (0..40).collect();
    for_each_batch(&set, &indices, &KEEP, 7, &progress, |_| {
        Ok::<_, DataError>(())
    })
    .unwrap();
    let steps = steps.lock().unwrap();
    assert_eq!(*steps, [(16, Some(40)), (32, Some(40)), (40, Some(40))]);
}

#[test]
fn pairs_are_the_two_views_of_each_image() {
    let set = builtin(11);
    let settings = PairSettings {
        augment: AugmentConfig::moco_v2(),
        side: 12,
        normalisation: Normalisation::CIFAR10,
        seed: 5,
    };
    let pairs = |set: &ImageSet, indices: &[usize]| {
        let mut all = Vec::new();
        for_each_pair_batch(set, indices, &settings, 4, &Progress::none(), |batch| {
            all.push(batch);
            Ok::<_, DataError>(())
        })
        .unwrap();
        all
    };
    let all = pairs(&set, &(0..11).collect::<Vec<_>>());
    assert_eq!(all.len(), 3);
    let length = 3 * 12 * 12;
    let image = set.load(9).unwrap();
    let view = |view| {
        augmented_view(
            &image,
            &settings.augment,
            12,
            &settings.normalisation,
            5,
            9,
            view,
        )
    };
    let ((first, first_geometry), (second, second_geometry)) = (view(0), view(1));
    assert_eq!(all[2].indices, [8, 9, 10]);
    assert_eq!(all[2].first[length..2 * length], first);
    assert_eq!(all[2].second[length..2 * length], second);
    assert_eq!(all[2].geometry[1], [first_geometry, second_geometry]);

    // The same image in a subset has the same views.
    let subset = set.subset(vec![9]);
    let alone = pairs(&subset, &[0]);
    assert_eq!(alone[0].first, first);
}

#[test]
fn thumbnails_show_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    // Blue to the left and right, red in the middle square.
    let image = image::RgbImage::from_fn(40, 10, |x, _| {
        image::Rgb(if (15..25).contains(&x) {
            [255, 0, 0]
        } else {
            [0, 0, 255]
        })
    });
    for i in 0..3 {
        save(folder.path(), &format!("{i}.png"), &image);
    }
    let set = open(folder.path()).unwrap();
    let thumbnails = set.thumbnails(5, &Progress::none()).unwrap();
    assert_eq!(thumbnails.pixels.len(), 3 * 5 * 5 * 3);
    for index in 0..3 {
        let tile = thumbnails.tile(index).unwrap();
        assert!(tile.chunks(3).all(|pixel| pixel == [255, 0, 0]));
    }
    assert!(thumbnails.tile(3).is_none());
    let atlas = thumbnails.atlas(1, 99, 2);
    assert_eq!(atlas.dimensions(), (10, 5));
    assert_eq!(atlas.get_pixel(9, 4).0, [255, 0, 0]);
    assert_eq!(thumbnails.atlas(7, 1, 0).height(), 0);
    assert!(set.thumbnails(0, &Progress::none()).is_ok());
}
