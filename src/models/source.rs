//! Where the tensors of a model come from.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::error::{Misshapen, ModelError};

/// A store of named f32 tensors: a checkpoint, or a seeded initialiser.
///
/// Names are canonical (those of the family's reference implementation) and layouts are PyTorch's:
/// a linear weight is `[out, in]`, a convolution's `[out, in, kernel height, kernel width]`.
pub trait TensorSource {
    /// Whether a tensor of this name can be had.
    fn has(&self, name: &str) -> bool;

    /// The tensor's shape. `None` for a source that makes whatever shape is asked for, and for a
    /// name it does not have.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// The tensor's values, row-major; `shape.iter().product()` of them.
    ///
    /// # Errors
    /// [`ModelError::Tensors`] when the name is unknown or the shape differs,
    /// [`ModelError::Read`] when the values cannot be had.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError>;
}

/// Checks that `source` has all `tensors` in their shapes, without reading any.
///
/// # Errors
/// [`ModelError::Tensors`] with every tensor that is missing or misshapen.
pub(crate) fn check_tensors(
    owner: &str,
    source: &dyn TensorSource,
    tensors: &[(String, Vec<usize>)],
) -> Result<(), ModelError> {
    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    for (name, expected) in tensors {
        if !source.has(name) {
            missing.push(name.clone());
        } else if let Some(found) = source.shape(name)
            && found != *expected
        {
            misshapen.push(Misshapen {
                name: name.clone(),
                expected: expected.clone(),
                found,
            });
        }
    }
    if missing.is_empty() && misshapen.is_empty() {
        return Ok(());
    }
    Err(ModelError::Tensors {
        owner: owner.to_owned(),
        missing,
        misshapen,
    })
}

/// Takes a tensor and makes sure that the source kept its promise about the number of values.
pub(crate) fn take_checked(
    source: &mut dyn TensorSource,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let values = source.take(name, shape)?;
    let expected: usize = shape.iter().product();
    if values.len() == expected {
        return Ok(values);
    }
    Err(ModelError::Read {
        name: name.to_owned(),
        reason: format!("{} values instead of {expected}", values.len()),
    })
}

/// The one source of random weights, to be asked for by name: an untrained encoder.
///
/// Convolutions are He-normal over the fan-out (He et al. 2015, as torchvision's ResNets start),
/// linear weights uniform in ±1/√(fan-in) (PyTorch's default), scales and running variances one,
/// biases and running means zero. Each tensor's values depend on the seed and on its name alone,
/// not on the order in which tensors are taken.
#[derive(Clone, Debug)]
pub struct SeededInit {
    seed: u64,
}

impl SeededInit {
    /// A source whose tensors follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    fn generator(&self, name: &str) -> ChaCha8Rng {
        // FNV-1a over the name: stable between versions, unlike the standard library's hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        ChaCha8Rng::seed_from_u64(self.seed ^ hash)
    }
}

impl TensorSource for SeededInit {
    fn has(&self, _name: &str) -> bool {
        true
    }

    fn shape(&self, _name: &str) -> Option<Vec<usize>> {
        None
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let count = shape.iter().product();
        let mut generator = self.generator(name);
        Ok(match *shape {
            [outputs, _, height, width] => {
                let std = (2.0 / (outputs * height * width) as f32).sqrt();
                (0..count)
                    .map(|_| {
                        let normal: f32 = StandardNormal.sample(&mut generator);
                        std * normal
                    })
                    .collect()
            }
            [_, inputs] => {
                let bound = 1.0 / (inputs as f32).sqrt();
                (0..count)
                    .map(|_| bound * (2.0 * generator.random::<f32>() - 1.0))
                    .collect()
            }
            _ if name.ends_with("running_var") || name.ends_with("weight") => vec![1.0; count],
            _ => vec![0.0; count],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_tensors_depend_on_seed_and_name_alone() {
        let shape = [8, 3, 3, 3];
        let first = SeededInit::new(1).take("a.weight", &shape).unwrap();
        let mut other = SeededInit::new(1);
        other.take("b.weight", &shape).unwrap();
        assert_eq!(other.take("a.weight", &shape).unwrap(), first);
        assert_ne!(other.take("b.weight", &shape).unwrap(), first);
        assert_ne!(SeededInit::new(2).take("a.weight", &shape).unwrap(), first);
    }

    #[test]
    fn convolutions_have_the_fan_out_variance() {
        let values = SeededInit::new(3)
            .take("conv.weight", &[64, 64, 3, 3])
            .unwrap();
        let variance = values.iter().map(|v| f64::from(v * v)).sum::<f64>() / values.len() as f64;
        let expected = 2.0 / (64.0 * 9.0);
        // 36,864 normal samples: the variance's standard error is √(2/n) = 0.74 %; four of them.
        assert!((variance / expected - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn every_missing_and_misshapen_tensor_is_named() {
        struct OneTensor;
        impl TensorSource for OneTensor {
            fn has(&self, name: &str) -> bool {
                name == "conv1.weight"
            }
            fn shape(&self, name: &str) -> Option<Vec<usize>> {
                self.has(name).then(|| vec![64, 3, 3, 3])
            }
            fn take(&mut self, name: &str, _: &[usize]) -> Result<Vec<f32>, ModelError> {
                unreachable!("{name} was read before the shapes were checked")
            }
        }
        let wanted = [
            ("conv1.weight".to_owned(), vec![64, 3, 7, 7]),
            ("bn1.weight".to_owned(), vec![64]),
        ];
        let error = check_tensors("ResNet-18", &OneTensor, &wanted).unwrap_err();
        let ModelError::Tensors {
            missing, misshapen, ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(missing, ["bn1.weight"]);
        assert_eq!(misshapen[0].found, [64, 3, 3, 3]);
    }
}
