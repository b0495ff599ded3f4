//! The dense inspector's numbers over whole analyses: held to brute force, to the pairs that
//! alignment is measured over, and run over real photos.

use std::{path::PathBuf, sync::Arc};

use spherescope::{
    analysis::{Analysis, Cache, EncoderSource, ImagesSource, PairRule, Request, analyse, encoder},
    compute::{Compute, DevicePolicy},
    data::{BuiltinConfig, BuiltinKind, Resize},
    dense::{
        Basis, Beside, Colours, DenseError, MapSource, Question, Subject, SubjectRequest, answer,
        crops, density_among, place_of, row_at, subject,
    },
    features::{FeatureKind, MAP_LIMIT_CELLS, MatchingRule},
    models::Architecture,
    progress::Progress,
};

/// An analysis with what is needed to look into it.
struct Opened {
    analysis: Analysis,
    compute: Compute,
    cache: Cache,
}

impl Opened {
    fn new(request: &Request) -> Self {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let mut cache = Cache::headless();
        let analysis = analyse(request, &compute, &mut cache, &Progress::none()).unwrap();
        Self {
            analysis,
            compute,
            cache,
        }
    }

    /// Dense features of a few scenes by a small untrained network.
    fn scenes() -> Self {
        Self::new(&Request {
            kind: FeatureKind::Dense,
            seed: 3,
            ..Request::new(
                EncoderSource::Untrained {
                    architecture: Architecture::TinyConvNet { width: 8 },
                    seed: 1,
                },
                ImagesSource::Builtin(BuiltinConfig {
                    kind: BuiltinKind::MultiObject,
                    count: 6,
                    side: 48,
                    seed: 2,
                }),
            )
        })
    }

    fn look(
        &mut self,
        image: u32,
        beside: Beside,
        source: MapSource,
    ) -> Result<Subject, DenseError> {
        let request = SubjectRequest {
            image,
            beside,
            source,
        };
        let (analysis, compute, cache) = (&self.analysis, &self.compute, &mut self.cache);
        let get = |progress: &Progress| encoder(&analysis.request, compute, cache, progress);
        subject(analysis, request, get, compute, &Progress::none())
    }
}

fn question(side: usize, cell: usize) -> Question {
    Question {
        side,
        cell,
        count: 5,
        is_between_images: false,
    }
}

#[test]
fn views_and_their_pairs_are_those_that_alignment_is_measured_over() {
    for matching in [
        MatchingRule::Geometric,
        MatchingRule::BackboneArgmax,
        MatchingRule::SameIndex,
        MatchingRule::Random,
    ] {
        let mut opened = Opened::scenes();
        let request = Request {
            matching,
            ..opened.analysis.request.clone()
        };
        let none = Progress::none();
        let analysis = analyse(&request, &opened.compute, &mut opened.cache, &none).unwrap();
        opened.analysis = analysis;
        let mut distances = Vec::new();
        for image in 0..6 {
            let seen = opened
                .look(image, Beside::Views, MapSource::Analysed)
                .unwrap();
            let found = seen.correspondence(matching).unwrap();
            // Two crops may share no place.
            let Ok(matches) = &found.matches else {
                continue;
            };
            distances.extend(matches.iter().map(|found| found.distance));
            let [first, second] = seen.alignment(matching, 2.0).unwrap();
            for found in matches {
                let value = first[found.from as usize].unwrap();
                // ‖x − y‖² = 2 − 2 x·y for unit vectors, in f32.
                assert!((value - (2.0 - 2.0 * found.similarity)).abs() < 1e-5);
            }
            for (cell, found) in second.iter().enumerate() {
                let led: Vec<f32> = matches
                    .iter()
                    .filter(|pair| pair.to as usize == cell)
                    .map(|pair| first[pair.from as usize].unwrap())
                    .collect();
                let mean = led.iter().sum::<f32>() / led.len() as f32;
                // Few f32 values of at most 4.
                assert!(found.map_or(led.is_empty(), |found| (found - mean).abs() < 1e-5));
            }
        }
        let expected = &opened.analysis.pairs.distances;
        assert_eq!(distances.len(), expected.len(), "{matching}");
        for (found, expected) in distances.iter().zip(expected) {
            // One image a pass here, a batch there: sums in another order.
            assert!(
                (found - expected).abs() < 1e-4,
                "{matching}: {found} {expected}"
            );
        }
    }
}

#[test]
fn a_picture_as_analysed_is_the_sets_own_rows() {
    let mut opened = Opened::scenes();
    let seen = opened
        .look(4, Beside::Image(2), MapSource::Analysed)
        .unwrap();
    let analysis = &opened.analysis;
    let dim = analysis.features.dim;
    for side in &seen.sides {
        let first = side.first_row.unwrap() as usize;
        assert_eq!(analysis.features.images[first], side.image);
        assert_eq!(
            side.unit.as_slice(),
            &analysis.unit[first * dim..(first + side.cells()) * dim]
        );
        for cell in 0..side.cells() {
            let row = side.row_of(cell).unwrap();
            let (image, place) = place_of(analysis, row).unwrap();
            assert_eq!(image, side.image);
            assert_eq!(row_at(analysis, image, place), Some(row));
        }
        // Uniformity within the picture, summed by hand.
        let mut sum = 0.0;
        let mut pairs = 0;
        for a in 0..side.cells() {
            for b in 0..a {
                let squares: f64 = side
                    .vector(a, dim)
                    .iter()
                    .zip(side.vector(b, dim))
                    .map(|(x, y)| f64::from(x - y).powi(2))
                    .sum();
                sum += (-2.0 * squares).exp();
                pairs += 1;
            }
        }
        let expected = (sum / f64::from(pairs)).ln();
        // The bound that `measure::uniformity` states at t = 2.
        assert!((side.within.value.clone().unwrap() - expected).abs() < 1e-5);
    }
    let between = answer(
        analysis,
        &seen,
        Question {
            is_between_images: true,
            ..question(0, 7)
        },
        &Progress::none(),
    )
    .unwrap();
    let images = &analysis.features.images;
    assert!(
        between
            .nearest
            .iter()
            .all(|near| images[near.row as usize] != 4)
    );
    assert_eq!(between.maps[1].len(), seen.sides[1].cells());
    let shown = crops(analysis, &between.nearest, 32, &Progress::none()).unwrap();
    assert!(shown.iter().all(Option::is_some));
}

#[test]
fn the_whole_picture_as_a_view_is_the_picture_itself() {
    let mut opened = Opened::scenes();
    // Without a resize the set is analysed at its own size as well.
    opened.analysis.request.resize = Some(Resize::Keep);
    let request = opened.analysis.request.clone();
    let mut opened = Opened::new(&request);
    let analysed = opened
        .look(1, Beside::Nothing, MapSource::Analysed)
        .unwrap();
    let own = opened.look(1, Beside::Nothing, MapSource::OwnSize).unwrap();
    assert_eq!(analysed.sides[0].grid, own.sides[0].grid);
    assert_eq!(analysed.sides[0].geometry, own.sides[0].geometry);
    for (a, b) in analysed.sides[0].unit.iter().zip(own.sides[0].unit.iter()) {
        // A batch there, one image here.
        assert!((a - b).abs() < 1e-4);
    }
    let none = Progress::none();
    let a = density_among(&opened.analysis, &analysed.sides[0], &none).unwrap();
    let b = density_among(&opened.analysis, &own.sides[0], &none).unwrap();
    // The location is its own neighbour where it is no row of the set: crowded by one more.
    assert!(a.iter().zip(&b).all(|(a, b)| a <= &(b + 1e-3)));
}

#[test]
fn bad_requests_are_refused_in_words() {
    let mut opened = Opened::scenes();
    let error = opened
        .look(99, Beside::Nothing, MapSource::Analysed)
        .unwrap_err();
    assert!(error.to_string().contains("image 99"), "{error}");
    let seen = opened
        .look(0, Beside::Nothing, MapSource::Analysed)
        .unwrap();
    let none = Progress::none();
    let error = answer(&opened.analysis, &seen, question(0, 64), &none).unwrap_err();
    assert!(error.to_string().contains("8×8"), "{error}");
    assert!(seen.alignment(MatchingRule::Geometric, 2.0).is_err());
    opened.analysis.request.encoder = EncoderSource::Run {
        name: "a run".to_owned(),
        step: 3,
    };
    let error = opened
        .look(0, Beside::Views, MapSource::Analysed)
        .unwrap_err();
    assert!(error.to_string().contains("run in memory"), "{error}");
    let pooled = Request {
        kind: FeatureKind::Pooled,
        ..Opened::scenes().analysis.request
    };
    let error = Opened::new(&pooled)
        .look(0, Beside::Nothing, MapSource::Analysed)
        .unwrap_err();
    assert!(error.to_string().contains("no locations"), "{error}");
}

#[test]
fn colours_are_the_same_for_the_same_vectors_and_kept_for_others() {
    let mut opened = Opened::scenes();
    let none = Progress::none();
    let basis = Arc::new(Basis::fit(&opened.analysis, true, &none).unwrap());
    let first = opened
        .look(0, Beside::Nothing, MapSource::Analysed)
        .unwrap();
    let both = opened
        .look(3, Beside::Image(0), MapSource::Analysed)
        .unwrap();
    let of = |subject: &Subject| {
        Colours::new(&opened.analysis, subject, Arc::clone(&basis), &none).unwrap()
    };
    assert_eq!(of(&first).sides[0], of(&both).sides[1]);
    let total: u32 = of(&first).histogram.counts.iter().sum();
    assert_eq!(total as usize, opened.analysis.features.len());
    let other = Opened::new(&Request {
        encoder: EncoderSource::Untrained {
            architecture: Architecture::TinyConvNet { width: 4 },
            seed: 1,
        },
        ..opened.analysis.request.clone()
    });
    let error = Colours::new(&other.analysis, &first, basis, &none);
    // The subject is of the old dimension, the set of the new one.
    assert!(matches!(error, Err(DenseError::BasisDimension { .. })));
}

fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("SPHERESCOPE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SPHERESCOPE_TEST_DATA is unset");
    }
    folder
}

fn real(data: &std::path::Path, images: &str, masks: Option<&str>) -> Request {
    Request {
        kind: FeatureKind::Dense,
        pairs: PairRule::AugmentedViews,
        limit: Some(4),
        resize: Some(Resize::Square(64)),
        ..Request::new(
            EncoderSource::File(data.join("checkpoints/resnet20-12fca82f.th")),
            ImagesSource::Path {
                path: data.join(images),
                masks: masks.map(|masks| data.join(masks)),
            },
        )
    }
}

#[test]
fn street_scenes_are_explored_location_by_location() {
    let Some(data) = test_data() else { return };
    let masks = Some("images/camvid-val/masks");
    let mut opened = Opened::new(&real(&data, "images/camvid-val/images", masks));
    let image = opened.analysis.features.images[0];
    let seen = opened
        .look(image, Beside::Nothing, MapSource::Analysed)
        .unwrap();
    assert_eq!(seen.sides[0].grid, [16, 16]);
    let classes = seen.sides[0].classes.as_ref().unwrap();
    assert!(classes.iter().all(|class| class.is_some_and(|id| id <= 11)));
    let views = opened
        .look(image, Beside::Views, MapSource::Analysed)
        .unwrap();
    let argmax = views.correspondence(MatchingRule::BackboneArgmax).unwrap();
    if let Some(agreement) = argmax.agreement {
        println!(
            "argmax finds the same place for {} of {}, within one location {}",
            agreement.exact, agreement.count, agreement.close
        );
        assert!(agreement.exact <= agreement.close && agreement.close <= agreement.count);
    }
    let answer = answer(&opened.analysis, &seen, question(0, 100), &Progress::none()).unwrap();
    assert!((answer.maps[0][100] - 1.0).abs() < 1e-5);
    assert_eq!(answer.nearest.len(), 5);
}

#[test]
fn photos_of_any_size_are_mapped_within_bounds() {
    let Some(data) = test_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let small = image::open(data.join("images/photos/0.jpg")).unwrap();
    // Twelve megapixels.
    let large = small.resize_exact(4000, 3000, image::imageops::FilterType::Triangle);
    large
        .into_rgb8()
        .save(folder.path().join("large.jpg"))
        .unwrap();
    let mut request = real(&data, "images/photos", None);
    request.images = ImagesSource::Path {
        path: folder.path().to_owned(),
        masks: None,
    };
    // A location every 4 px by the smallest network: 750,000 at the photo's own size.
    request.encoder = EncoderSource::Bundled("healthy".to_owned());
    let mut opened = Opened::new(&request);
    let began = std::time::Instant::now();
    let seen = opened.look(0, Beside::Nothing, MapSource::OwnSize).unwrap();
    let side = &seen.sides[0];
    println!("{}: {:?} in {:?}", side.how, side.grid, began.elapsed());
    assert!(side.cells() <= MAP_LIMIT_CELLS && side.cells() > MAP_LIMIT_CELLS / 2);
    assert!(
        side.how.contains("scaled down from 4000×3000"),
        "{}",
        side.how
    );
    assert!(side.within.population.contains("draws"));
    let middle = side.cells() / 2;
    let answer = answer(
        &opened.analysis,
        &seen,
        question(0, middle),
        &Progress::none(),
    )
    .unwrap();
    assert_eq!(answer.maps[0].len(), side.cells());
}
