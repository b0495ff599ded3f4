//! The fast path against Burn's modules, shape by shape.

use burn::tensor::{Device, Tensor, TensorData};
use pulp::Arch;

use super::CpuMaps;
use crate::{
    models::{
        Architecture, BatchNormForm, Model, ModelError, SeededInit, Shortcut, StageOutput, Stem,
        TensorSource,
    },
    progress::Progress,
};

/// Reproducible values in −1..1.
fn pixels(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i as f32 * 12.9898).sin() * 43_758.547).fract())
        .collect()
}

fn values(output: StageOutput) -> (Vec<f32>, Vec<usize>) {
    let (data, dims) = match output {
        StageOutput::Map(map) => (map.clone().into_data(), map.dims().to_vec()),
        StageOutput::Vector(rows) => (rows.clone().into_data(), rows.dims().to_vec()),
    };
    (data.as_slice::<f32>().unwrap().to_vec(), dims)
}

/// Largest difference relative to the largest value.
fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let error = found
        .iter()
        .zip(expected)
        .fold(0.0_f32, |max, (a, b)| max.max((a - b).abs()));
    assert!(scale > 0.0, "the reference is all zeros");
    error / scale
}

/// The instructions of this processor, and where it has longer registers also AVX2, whose tiles
/// are others.
fn instruction_sets() -> Vec<Arch> {
    let best = Arch::new();
    #[cfg(target_arch = "x86_64")]
    if matches!(best, Arch::V4(_))
        && let Some(avx2) = pulp::x86::V3::try_new()
    {
        return vec![best, Arch::V3(avx2)];
    }
    vec![best]
}

/// Compares every stage of `architecture` on images of the given size with the Burn modules whose
/// normalisation is not folded.
fn compare(architecture: &Architecture, shape: [usize; 4]) {
    let device = Device::flex();
    let plan = architecture.blueprint().unwrap();
    assert!(CpuMaps::is_supported(&plan), "no vector instructions here");
    let maps: Vec<_> = instruction_sets()
        .into_iter()
        .map(|arch| CpuMaps::build_for(arch, &plan, &mut Noisy(SeededInit::new(7))).unwrap())
        .collect();
    let network = architecture
        .network(
            &mut Noisy(SeededInit::new(7)),
            BatchNormForm::Separate,
            &device,
        )
        .unwrap();
    let images = pixels(shape.iter().product());
    for stage in 0..plan.map_stages() {
        let tensor = Tensor::<4>::from_data(TensorData::new(images.clone(), shape), &device);
        let (expected, expected_shape) = values(network.forward(tensor, stage).unwrap());
        for maps in &maps {
            let (found, found_shape) = maps
                .forward(&images, shape, stage, &Progress::none())
                .unwrap();
            assert_eq!(found_shape.to_vec(), expected_shape);
            let error = relative_error(&found, &expected);
            println!("{architecture} {shape:?} stage {stage}: {error:.1e}");
            // Sums of up to 4608 products in another order, through at most 53 layers: each rounds
            // by 2⁻²⁴, and the errors add like a random walk. Measured 3e-6 at most.
            assert!(
                error < 2e-5,
                "{architecture} {shape:?} stage {stage}: {error}"
            );
        }
    }
}

/// A seeded source whose normalisations are not the identity, and whose channels differ.
struct Noisy(SeededInit);

impl TensorSource for Noisy {
    fn has(&self, name: &str) -> bool {
        self.0.has(name)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.shape(name)
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut values = self.0.take(name, shape)?;
        if shape.len() == 1 {
            let offset = name.len() as f32;
            for (index, value) in values.iter_mut().enumerate() {
                *value += 0.25 * (index as f32 * 1.7 + offset).sin();
            }
        }
        Ok(values)
    }
}

fn resnet(depth: u16, stem: Stem) -> Architecture {
    Architecture::ResNet {
        depth,
        stem,
        width: 64,
    }
}

#[test]
fn resnets_agree_with_burn_on_odd_sizes() {
    compare(&resnet(18, Stem::ImageNet), [3, 3, 75, 97]);
    compare(&resnet(18, Stem::ImageNet), [1, 3, 33, 33]);
    compare(&resnet(18, Stem::Cifar), [2, 3, 20, 12]);
    compare(&resnet(50, Stem::ImageNet), [2, 3, 64, 64]);
}

#[test]
fn a_stem_padded_by_two_grows_the_map_and_agrees_with_burn() {
    let padded = resnet(18, Stem::CifarPadded);
    compare(&padded, [2, 3, 20, 12]);
    // As wide as the kernel alone: the border is most of what the windows see.
    compare(&padded, [1, 3, 1, 3]);
    let plan = padded.blueprint().unwrap();
    let maps = CpuMaps::build(&plan, &mut SeededInit::new(7)).unwrap();
    let shape = [1, 3, 32, 32];
    let sides = |stage| {
        maps.forward(
            &pixels(shape.iter().product()),
            shape,
            stage,
            &Progress::none(),
        )
        .unwrap()
        .1
    };
    // 32 + 2·2 − 3 + 1 = 34, then halved and rounded up three times.
    assert_eq!(sides(0), [1, 64, 34, 34]);
    assert_eq!(sides(4), [1, 512, 5, 5]);
}

#[test]
fn narrow_channels_that_fill_no_pixel_agree_with_burn() {
    let narrow = Architecture::ResNet {
        depth: 50,
        stem: Stem::Cifar,
        width: 5,
    };
    compare(&narrow, [2, 3, 17, 9]);
}

#[test]
fn cifar_resnets_agree_with_burn() {
    for shortcut in [Shortcut::A, Shortcut::B] {
        let architecture = Architecture::CifarResNet {
            depth: 20,
            shortcut,
        };
        compare(&architecture, [5, 3, 32, 32]);
        compare(&architecture, [2, 3, 13, 21]);
    }
    let lightning = Architecture::PreparedCifarResNet {
        blocks: vec![2, 1],
        channels: vec![16, 32],
    };
    compare(&lightning, [2, 3, 32, 32]);
}

#[test]
fn tiny_conv_nets_agree_with_burn() {
    for width in [16, 5] {
        compare(&Architecture::TinyConvNet { width }, [3, 3, 32, 32]);
    }
}

#[test]
fn small_alexnet_agrees_with_burn_for_any_number_of_channels() {
    for channels_in in [3, 1, 2] {
        let architecture = Architecture::SmallAlexNet {
            channels_in,
            feat_dim: 8,
            input_side: 32,
        };
        compare(&architecture, [2, channels_in, 32, 32]);
    }
}

#[test]
fn encoder_goes_through_maps_and_vectors() {
    let device = Device::flex();
    let architecture = Architecture::SmallAlexNet {
        channels_in: 3,
        feat_dim: 8,
        input_side: 16,
    };
    let encoder = architecture
        .build(&mut Noisy(SeededInit::new(7)), &device)
        .unwrap();
    let network = architecture
        .network(
            &mut Noisy(SeededInit::new(7)),
            BatchNormForm::Separate,
            &device,
        )
        .unwrap();
    let images = || {
        let data = TensorData::new(pixels(2 * 3 * 16 * 16), [2, 3, 16, 16]);
        Tensor::<4>::from_data(data, &device)
    };
    for stage in [4, 5, 7] {
        let (found, found_shape) = values(encoder.forward(images(), stage).unwrap());
        let (expected, expected_shape) = values(network.forward(images(), stage).unwrap());
        assert_eq!(found_shape, expected_shape);
        // As above: f32 sums in another order.
        assert!(relative_error(&found, &expected) < 2e-5);
    }
    assert_eq!(
        Model::pooled(encoder.forward(images(), 4).unwrap()).dims(),
        [2, 192]
    );
    assert!(matches!(
        encoder.forward(images(), 8),
        Err(ModelError::Stage { count: 8, .. })
    ));
}

#[test]
fn a_nan_in_an_image_stays_visible() {
    let plan = resnet(18, Stem::ImageNet).blueprint().unwrap();
    let maps = CpuMaps::build(&plan, &mut SeededInit::new(7)).unwrap();
    let shape = [2, 3, 32, 32];
    let mut images = pixels(2 * 3 * 32 * 32);
    images[3 * 32 * 32 + 500] = f32::NAN;
    let (found, _) = maps
        .forward(&images, shape, plan.map_stages() - 1, &Progress::none())
        .unwrap();
    let (clean, broken) = found.split_at(found.len() / 2);
    assert!(clean.iter().all(|value| value.is_finite()));
    assert!(broken.iter().any(|value| value.is_nan()));
}

#[test]
fn a_cancel_is_heard_between_two_layers() {
    let plan = resnet(152, Stem::ImageNet).blueprint().unwrap();
    let maps = CpuMaps::build(&plan, &mut SeededInit::new(7)).unwrap();
    let shape = [8, 3, 224, 224];
    let images = pixels(shape.iter().product());
    let progress = Progress::none();
    let canceller = progress.clone();
    let cancel = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        canceller.cancel();
        std::time::Instant::now()
    });
    // Eleven billion products an image: seconds for the batch.
    let outcome = maps.forward(&images, shape, plan.map_stages() - 1, &progress);
    let ended = std::time::Instant::now();
    let late = ended.duration_since(cancel.join().unwrap());
    assert_eq!(outcome.unwrap_err(), crate::progress::Cancelled);
    // A layer of two images takes tens of milliseconds; a second is what the window promises.
    assert!(late < std::time::Duration::from_secs(1), "{late:?}");
}
