//! Tasks on the built-in scenes, and on images that lack something.

use super::*;
use crate::{
    analysis::{EncoderSource, ImagesSource, demo_request},
    compute::DevicePolicy,
    data::{BuiltinConfig, BuiltinKind},
};

fn judged(kind: BuiltinKind, tasks: &[Task]) -> Vec<Judgement> {
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let images = ImagesSource::Builtin(BuiltinConfig {
        kind,
        count: 160,
        side: 32,
        seed: 3,
    });
    let encoder = EncoderSource::Bundled("healthy".to_owned());
    let settings = PerformanceSettings {
        tasks: tasks.to_vec(),
        dense_limit: Some(48),
        ..PerformanceSettings::default()
    };
    let request = Request {
        kind: FeatureKind::Projected,
        ..Request::new(encoder, images)
    };
    let cache = &mut Cache::headless();
    performance(&request, &settings, &compute, cache, &Progress::none()).unwrap()
}

#[test]
fn every_task_is_judged_above_chance_on_the_built_in_scenes() {
    let all = judged(BuiltinKind::MultiObject, &Task::ALL);
    assert_eq!(all.iter().map(|j| j.task).collect::<Vec<_>>(), Task::ALL);
    for judgement in &all {
        let (value, chance) = (judgement.value.unwrap(), judgement.chance.unwrap());
        assert!((0.0..=1.0).contains(&value), "{judgement:?}");
        // What 80 held-out images and a tiny encoder surely allow: not far below chance.
        assert!(value > 0.8 * chance, "{judgement:?}");
        assert!(judgement.population.contains("seed 0"), "{judgement:?}");
    }
    let dense = &all[3];
    assert!(
        dense.value.unwrap() > 1.1 * dense.chance.unwrap(),
        "{dense:?}"
    );
    assert!(
        dense.population.contains("48 drawn"),
        "{}",
        dense.population
    );
    assert!(dense.more.iter().any(|(name, _)| name == "IoU background"));
}

#[test]
fn images_without_a_mask_are_left_out_of_the_multi_label_probe() {
    let folder = tempfile::tempdir().unwrap();
    let [images, masks] = ["images", "masks"].map(|name| folder.path().join(name));
    std::fs::create_dir(&images).unwrap();
    std::fs::create_dir(&masks).unwrap();
    for index in 0..24_u8 {
        let name = format!("{index:02}.png");
        image::RgbImage::from_pixel(32, 32, image::Rgb([10 * index; 3]))
            .save(images.join(&name))
            .unwrap();
        if index % 3 != 0 {
            image::GrayImage::from_pixel(32, 32, image::Luma([index % 2]))
                .save(masks.join(&name))
                .unwrap();
        }
    }
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let request = Request {
        images: ImagesSource::Path {
            path: images,
            masks: Some(masks),
        },
        ..demo_request()
    };
    let settings = PerformanceSettings {
        tasks: vec![Task::MultiLabel],
        ..PerformanceSettings::default()
    };
    let cache = &mut Cache::headless();
    let all = performance(&request, &settings, &compute, cache, &Progress::none()).unwrap();
    let population = &all[0].population;
    assert!(
        population.contains("8 images without a mask left out"),
        "{all:?}"
    );
}

#[test]
fn images_without_labels_or_masks_are_answered_in_words() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..4_u8 {
        let path = folder.path().join(format!("{index}.png"));
        image::RgbImage::from_pixel(32, 32, image::Rgb([40 * index; 3]))
            .save(path)
            .unwrap();
    }
    let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
    let request = Request {
        images: ImagesSource::Path {
            path: folder.path().to_owned(),
            masks: None,
        },
        ..demo_request()
    };
    let settings = PerformanceSettings {
        tasks: Task::ALL.to_vec(),
        ..PerformanceSettings::default()
    };
    let cache = &mut Cache::headless();
    let all = performance(&request, &settings, &compute, cache, &Progress::none()).unwrap();
    let why = |index: usize| all[index].why_absent.clone().unwrap();
    assert!(all.iter().all(|judgement| judgement.value.is_none()));
    assert!(why(0).contains("class") && why(2).contains("masks") && why(3).contains("masks"));
}
