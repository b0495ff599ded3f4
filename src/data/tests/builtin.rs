//! The built-in scenes: the same everywhere, labelled truly, masked exactly.

use std::time::Instant;

use rayon::prelude::*;

use super::super::{BuiltinConfig, BuiltinKind, ImageSet, SHAPE_NAMES};

fn set(kind: BuiltinKind, count: usize, side: u32, seed: u64) -> ImageSet {
    ImageSet::builtin(&BuiltinConfig {
        kind,
        count,
        side,
        seed,
    })
}

/// FNV-1a.
fn checksum(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Pictures and masks of both kinds. Made once and kept: another value means that saved sessions
/// and figures have changed.
const CHECKSUMS: [u64; 4] = [
    0x178E_6A72_6EA8_6C00,
    0xB4CC_7C30_EA05_9D2D,
    0xB9C7_44DB_7D59_8B6E,
    0x7C58_EF4C_A6BD_9235,
];

#[test]
fn pixels_are_the_same_on_every_machine() {
    let found = [BuiltinKind::SingleObject, BuiltinKind::MultiObject].map(|kind| {
        let set = set(kind, 40, 48, 7);
        let pictures = (0..40).flat_map(|i| set.load(i).unwrap().into_raw());
        let masks = (0..40).flat_map(|i| set.mask(i).unwrap().unwrap().into_raw());
        [checksum(pictures), checksum(masks)]
    });
    assert_eq!(found.as_flattened(), CHECKSUMS);
}

#[test]
fn labels_are_balanced_and_agree_with_masks() {
    for kind in [BuiltinKind::SingleObject, BuiltinKind::MultiObject] {
        let set = set(kind, 400, 40, 3);
        assert_eq!(set.classes(), SHAPE_NAMES);
        assert_eq!(set.mask_classes()[1], SHAPE_NAMES[0]);
        assert_eq!(set.mask_classes().len(), SHAPE_NAMES.len() + 1);
        let mut counts = [0; SHAPE_NAMES.len()];
        let mut kinds_in_scene = 0;
        for (i, record) in set.records().iter().enumerate() {
            let label = record.label.unwrap();
            counts[label as usize] += 1;
            assert!(record.name.ends_with(SHAPE_NAMES[label as usize]));
            let mask = set.mask(i).unwrap().unwrap();
            let mut pixels = [0; SHAPE_NAMES.len() + 1];
            for id in mask.as_raw() {
                pixels[usize::from(*id)] += 1;
            }
            // The smallest main object (radius .21, a star) covers about 4 % of its image.
            assert!(pixels[label as usize + 1] > 40 * 40 / 50, "{}", record.name);
            assert!(pixels[0] > 0, "some background is left");
            kinds_in_scene += pixels[1..].iter().filter(|&&count| count > 0).count();
        }
        assert_eq!(counts, [50; SHAPE_NAMES.len()]);
        if kind == BuiltinKind::SingleObject {
            assert_eq!(kinds_in_scene, 400, "one shape in each");
        } else {
            assert!(kinds_in_scene > 1000, "{kinds_in_scene} in 400 scenes");
        }
    }
}

#[test]
fn scenes_differ_by_seed_number_and_kind_but_not_by_count() {
    let kind = BuiltinKind::MultiObject;
    let few = set(kind, 3, 32, 1);
    let many = set(kind, 30, 32, 1);
    assert_eq!(few.load(2).unwrap(), many.load(2).unwrap());
    assert_eq!(few.records()[2], many.records()[2]);
    assert_ne!(many.load(2).unwrap(), many.load(3).unwrap());
    assert_ne!(many.load(2).unwrap(), set(kind, 3, 32, 2).load(2).unwrap());
    assert_eq!(few.subset(vec![2]).load(0).unwrap(), few.load(2).unwrap());
    assert_eq!(
        few.source(),
        "built-in multi-object scenes, 3 images of 32 px, seed 1"
    );
}

#[test]
fn extreme_settings_are_brought_into_range() {
    assert_eq!(set(BuiltinKind::SingleObject, 0, 0, 0).len(), 0);
    let tiny = set(BuiltinKind::MultiObject, 2, 0, u64::MAX);
    assert_eq!(tiny.load(1).unwrap().dimensions(), (8, 8));
    assert_eq!(
        set(BuiltinKind::SingleObject, 1, 9999, 0).size(0),
        Some([1024; 2])
    );
}

#[test]
fn a_thousand_scenes_are_made_in_an_instant() {
    for kind in [BuiltinKind::SingleObject, BuiltinKind::MultiObject] {
        let set = set(kind, 1000, 64, 7);
        let start = Instant::now();
        let bytes: usize = (0..1000)
            .into_par_iter()
            .map(|i| set.load(i).unwrap().as_raw().len())
            .sum();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(bytes, 1000 * 64 * 64 * 3);
        println!("1000 {} of 64 px in {seconds:.3} s", kind.title());
        // The demo's budget is 0.3 s on two idle cores; the bound leaves room for a busy machine.
        assert!(seconds < 3.0, "{seconds}");
    }
}
