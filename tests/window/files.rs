//! The files the window is given: a few images and a small checkpoint, both made here and seeded.

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, TensorView};
use std::{fs, path::Path};

/// Images a class.
const PER_CLASS: u32 = 12;
/// Side of an image, in pixels: what a CIFAR network was made for.
const SIDE: u32 = 32;

/// Writes two classes of images, one a folder: warm stripes and cold checks, each with its own
/// phase and noise. Returns how many there are.
pub fn write_images(folder: &Path, seed: u64) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for class in ["stripes", "checks"] {
        let class_folder = folder.join(class);
        fs::create_dir_all(&class_folder).expect("a folder for a class");
        for number in 0..PER_CLASS {
            let phase = rng.random_range(0..8);
            let image = RgbImage::from_fn(SIDE, SIDE, |x, y| {
                let is_lit = match class {
                    "stripes" => (x + phase) / 4 % 2 == 0,
                    _ => ((x + phase) / 8 + y / 8) % 2 == 0,
                };
                let base = if is_lit { 200 } else { 40 };
                let noise: u8 = rng.random_range(0..50);
                match class {
                    "stripes" => Rgb([base + noise, base / 2, noise]),
                    _ => Rgb([noise, base / 2, base + noise]),
                }
            });
            image
                .save(class_folder.join(format!("{number:02}.png")))
                .expect("an image is written");
        }
    }
    2 * PER_CLASS as usize
}

/// Writes an untrained CIFAR ResNet-20 (option-A shortcuts, ten classes) under the names that
/// PyTorch's CIFAR ResNets have.
pub fn write_resnet20(file: &Path, seed: u64) {
    let mut tensors = Tensors {
        rng: ChaCha8Rng::seed_from_u64(seed),
        named: Vec::new(),
    };
    tensors.convolution("conv1", 16, 3);
    tensors.batch_norm("bn1", 16);
    let mut inputs = 16;
    for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
        for block in 0..3 {
            let name = format!("layer{stage}.{block}");
            tensors.convolution(&format!("{name}.conv1"), outputs, inputs);
            tensors.batch_norm(&format!("{name}.bn1"), outputs);
            tensors.convolution(&format!("{name}.conv2"), outputs, outputs);
            tensors.batch_norm(&format!("{name}.bn2"), outputs);
            inputs = outputs;
        }
    }
    tensors.uniform("linear.weight", &[10, 64], 0.125);
    tensors.constant("linear.bias", 10, 0.0);
    tensors.write(file);
}

struct Tensors {
    rng: ChaCha8Rng,
    /// Name, shape, and little-endian f32 values.
    named: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl Tensors {
    fn add(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f32>) {
        let bytes = values.flat_map(f32::to_le_bytes).collect();
        self.named.push((name.to_owned(), shape.to_vec(), bytes));
    }

    /// A 3×3 kernel with He's spread for its fan-in.
    fn convolution(&mut self, name: &str, outputs: usize, inputs: usize) {
        let bound = (6.0 / (9 * inputs) as f32).sqrt();
        self.uniform(&format!("{name}.weight"), &[outputs, inputs, 3, 3], bound);
    }

    fn batch_norm(&mut self, name: &str, channels: usize) {
        for (part, value) in [
            ("weight", 1.0),
            ("bias", 0.0),
            ("running_mean", 0.0),
            ("running_var", 1.0),
        ] {
            self.constant(&format!("{name}.{part}"), channels, value);
        }
    }

    fn uniform(&mut self, name: &str, shape: &[usize], bound: f32) {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| self.rng.random_range(-bound..bound))
            .collect();
        self.add(name, shape, values.into_iter());
    }

    fn constant(&mut self, name: &str, count: usize, value: f32) {
        self.add(name, &[count], std::iter::repeat_n(value, count));
    }

    fn write(&self, file: &Path) {
        let views = self.named.iter().map(|(name, shape, bytes)| {
            let view =
                TensorView::new(Dtype::F32, shape.clone(), bytes).expect("shape and bytes agree");
            (name, view)
        });
        safetensors::serialize_to_file(views, None, file).expect("a checkpoint is written");
    }
}
