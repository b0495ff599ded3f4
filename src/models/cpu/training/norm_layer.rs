//! What follows a convolution, over all groups and blocks: normalisation, sum and activation.

use pulp::Arch;
use rayon::prelude::*;

use super::{
    Groups, LayerValues, Statistics,
    layer::moments,
    norm::{
        Added, Affine, Apply, ApplyBack, GradientSums, Mask, MaskAndSum, Moments, NormBack,
        PlaneJob as _,
    },
};
use crate::models::cpu::map::{LANES, Pixel};

/// What a convolution keeps for the way back.
#[derive(Debug)]
pub(super) struct ConvTape {
    /// Its output, before the normalisation.
    pub z: Groups,
    channels: usize,
    /// A block of channels each.
    affine: Vec<Affine>,
    norm: Option<NormTape>,
}

/// What a normalisation keeps: one value a channel, the last block filled up.
#[derive(Debug)]
struct NormTape {
    moments: Vec<Moments>,
    inverse_std: Vec<Pixel>,
}

/// What is added before an activation.
#[derive(Clone, Copy)]
pub(super) enum Sum<'a> {
    Nothing,
    Maps(&'a Groups),
    Normalised(&'a ConvTape),
}

impl ConvTape {
    /// Looks at the statistics of a convolution's output.
    pub fn new(arch: Arch, z: Groups, values: &LayerValues<'_>) -> Self {
        let blocks = z[0].shape.blocks();
        let channels = z[0].shape.channels;
        let bias = values.bias;
        let Some(norm) = &values.norm else {
            let affine = (0..blocks).map(|block| Affine {
                scale: Pixel([1.0; LANES]),
                shift: block_of(bias, block, 0.0),
            });
            return Self {
                affine: affine.collect(),
                norm: None,
                channels,
                z,
            };
        };
        let moments = moments(arch, &z);
        let mut inverse_std = vec![Pixel::ZERO; blocks];
        let mut affine = Vec::with_capacity(blocks);
        for (block, moments) in moments.iter().enumerate() {
            let gamma = block_of(Some(norm.scale), block, 0.0);
            let beta = block_of(Some(norm.shift), block, 0.0);
            let (mut scale, mut shift) = (Pixel::ZERO, Pixel::ZERO);
            for lane in 0..LANES {
                // A bias before a normalisation moves the mean alone and falls out.
                let variance = moments.deviations[lane] / moments.count;
                let inverse = 1.0 / (variance + norm.epsilon).sqrt();
                let factor = f64::from(gamma.0[lane]) * inverse;
                inverse_std[block].0[lane] = inverse as f32;
                scale.0[lane] = factor as f32;
                shift.0[lane] = (f64::from(beta.0[lane]) - moments.mean[lane] * factor) as f32;
            }
            affine.push(Affine { scale, shift });
        }
        Self {
            norm: Some(NormTape {
                moments,
                inverse_std,
            }),
            affine,
            channels,
            z,
        }
    }

    /// The batch's statistics, if there is a normalisation. `bias` is not in them.
    pub fn statistics(&self) -> Option<Statistics> {
        let norm = self.norm.as_ref()?;
        let value = |of: &dyn Fn(&Moments, usize) -> f64| {
            let channels = 0..self.channels;
            channels
                .map(|channel| of(&norm.moments[channel / LANES], channel % LANES) as f32)
                .collect()
        };
        Some(Statistics {
            mean: value(&|moments, lane| moments.mean[lane]),
            variance: value(&|moments, lane| moments.deviations[lane] / moments.count),
        })
    }

    /// Writes act(normalised + sum).
    pub fn apply(&self, arch: Arch, sum: Sum<'_>, has_relu: bool, output: &mut Groups) {
        let groups = output.par_iter_mut().enumerate();
        groups.for_each(|(group, output)| {
            let (z, shape) = (&self.z[group], output.shape);
            let plane = shape.plane();
            let planes = output.pixels.par_chunks_exact_mut(plane).enumerate();
            planes.for_each(|(block, output)| {
                let added = match sum {
                    Sum::Nothing => Added::Nothing,
                    Sum::Maps(maps) => Added::Map(&maps[group].pixels[block * plane..][..plane]),
                    Sum::Normalised(other) => Added::Scaled(
                        &other.z[group].pixels[block * plane..][..plane],
                        &other.affine[block],
                    ),
                };
                Apply {
                    shape: &shape,
                    z: &z.pixels[block * plane..][..plane],
                    affine: &self.affine[block],
                    added,
                    has_relu,
                    output,
                }
                .run(arch);
            });
        });
    }

    /// Masks a gradient where the activation let nothing through, and sums it: the gradients of
    /// γ and β, or of the bias.
    pub fn mask_and_sum(&self, arch: Arch, gradient: &mut Groups, mask: Masked<'_>) -> BackSums {
        let zero = Pixel::ZERO;
        let means: Vec<Pixel> = match &self.norm {
            Some(norm) => norm.moments.iter().map(mean).collect(),
            None => vec![zero; self.affine.len()],
        };
        let partial: Vec<Vec<GradientSums>> = gradient
            .par_iter_mut()
            .enumerate()
            .map(|(group, gradient)| {
                let (z, shape) = (&self.z[group], gradient.shape);
                let plane = shape.plane();
                let planes = gradient.pixels.par_chunks_exact_mut(plane).enumerate();
                planes
                    .map(|(block, gradient)| {
                        let mask = match mask {
                            Masked::Not => Mask::Open,
                            Masked::Own => Mask::Normalised(&self.affine[block]),
                            Masked::By(output) => {
                                Mask::Output(&output[group].pixels[block * plane..][..plane])
                            }
                        };
                        MaskAndSum {
                            shape: &shape,
                            gradient,
                            z: &z.pixels[block * plane..][..plane],
                            mean: &means[block],
                            mask,
                        }
                        .run(arch)
                    })
                    .collect()
            })
            .collect();
        let total = |block: usize| {
            let groups = partial.iter().map(|group| &group[block]);
            groups.fold(GradientSums::default(), GradientSums::and)
        };
        BackSums {
            blocks: (0..self.affine.len()).map(total).collect(),
        }
    }

    /// The gradient of the convolution's output from the masked one: in place, or `into` others.
    pub fn apply_back(
        &self,
        arch: Arch,
        sums: &BackSums,
        gradient: Option<&Groups>,
        into: &mut Groups,
    ) {
        let Some(norm) = &self.norm else {
            if let Some(gradient) = gradient {
                into.par_iter_mut().zip(gradient).for_each(|(into, from)| {
                    into.pixels.copy_from_slice(&from.pixels);
                });
            }
            return;
        };
        let backs: Vec<NormBack> = (0..self.affine.len())
            .map(|block| {
                let (sums, moments) = (&sums.blocks[block], &norm.moments[block]);
                let inverse = norm.inverse_std[block];
                let per = |value: f64| (value / moments.count) as f32;
                let mut constant = Pixel::ZERO;
                let mut slope = Pixel::ZERO;
                for lane in 0..LANES {
                    constant.0[lane] = per(sums.plain[lane]);
                    slope.0[lane] = per(sums.centred[lane]) * inverse.0[lane].powi(2);
                }
                NormBack {
                    scale: self.affine[block].scale,
                    constant,
                    slope,
                    mean: mean(moments),
                }
            })
            .collect();
        into.par_iter_mut().enumerate().for_each(|(group, into)| {
            let (z, shape) = (&self.z[group], into.shape);
            let plane = shape.plane();
            let planes = into.pixels.par_chunks_exact_mut(plane).enumerate();
            planes.for_each(|(block, into)| {
                ApplyBack {
                    shape: &shape,
                    z: &z.pixels[block * plane..][..plane],
                    back: &backs[block],
                    gradient: gradient.map(|maps| &maps[group].pixels[block * plane..][..plane]),
                    into,
                }
                .run(arch);
            });
        });
    }

    /// The gradients of γ and β, if there is a normalisation.
    pub fn norm_gradients(&self, sums: &BackSums) -> Option<[Vec<f32>; 2]> {
        let norm = self.norm.as_ref()?;
        let channels = 0..self.channels;
        let centred = channels.clone().map(|channel| {
            let (block, lane) = (channel / LANES, channel % LANES);
            (sums.blocks[block].centred[lane] * f64::from(norm.inverse_std[block].0[lane])) as f32
        });
        Some([centred.collect(), sums.plain(channels.len())])
    }

    /// Whether there is a normalisation.
    pub fn has_norm(&self) -> bool {
        self.norm.is_some()
    }
}

/// How a gradient is masked.
#[derive(Clone, Copy)]
pub(super) enum Masked<'a> {
    Not,
    /// Where the normalised value is not positive.
    Own,
    /// Where this output is not positive.
    By(&'a Groups),
}

/// Sums over all images of a masked gradient, a block of channels each.
pub(super) struct BackSums {
    blocks: Vec<GradientSums>,
}

impl BackSums {
    /// Σ g, a channel each.
    pub fn plain(&self, channels: usize) -> Vec<f32> {
        (0..channels)
            .map(|channel| self.blocks[channel / LANES].plain[channel % LANES] as f32)
            .collect()
    }
}

fn mean(moments: &Moments) -> Pixel {
    Pixel(moments.mean.map(|mean| mean as f32))
}

/// A block's values, filled up.
fn block_of(values: Option<&[f32]>, block: usize, rest: f32) -> Pixel {
    let mut pixel = Pixel([rest; LANES]);
    if let Some(values) = values {
        let values = &values[block * LANES..values.len().min((block + 1) * LANES)];
        pixel.0[..values.len()].copy_from_slice(values);
    }
    pixel
}
