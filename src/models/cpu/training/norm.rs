//! Batch normalisation with the statistics of the batch, ReLU and the sum of a residual block,
//! there and back, one plane (a block of channels of some images) at a time.
//!
//! y = act(γ x̂ + β + r) with x̂ = (z − μ)/√(σ² + ε) (Ioffe & Szegedy 2015, algorithm 1). With g the
//! gradient behind the activation, N the locations of a channel: dβ = Σ g, dγ = Σ g x̂ and
//! dz = γ/√(σ² + ε) · (g − dβ/N − x̂ dγ/N).

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "vector code must end up in one function that may use the registers, and loops over \
              constant ranges are what the compiler turns into them"
)]

use pulp::{Arch, Simd, WithSimd};

use super::super::map::{LANES, MapShape, Pixel};

/// Count, mean and sum of squared deviations of sixteen channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub count: f64,
    pub mean: [f64; LANES],
    pub deviations: [f64; LANES],
}

impl Moments {
    pub const NONE: Self = Self {
        count: 0.0,
        mean: [0.0; LANES],
        deviations: [0.0; LANES],
    };

    /// Of one plane.
    pub fn of_plane(arch: Arch, shape: &MapShape, plane: &[Pixel]) -> Self {
        arch.dispatch(PlaneMoments { shape, plane })
    }

    /// Both together (Chan, Golub & LeVeque 1979).
    #[inline(always)]
    pub fn with(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return Self::NONE;
        }
        let share = other.count / count;
        let mut both = *self;
        both.count = count;
        for lane in 0..LANES {
            let apart = other.mean[lane] - self.mean[lane];
            both.mean[lane] += apart * share;
            both.deviations[lane] += other.deviations[lane] + apart * apart * self.count * share;
        }
        both
    }
}

/// Work on one plane with the sixteen channels of a pixel in `V` registers.
pub(super) trait PlaneJob: Sized {
    /// What comes of it beside what it writes.
    type Output: Default;

    /// Does it. Inlined into one function for each length of register.
    fn plane<S: Simd, const V: usize>(self, simd: S) -> Self::Output;

    /// Does it with the registers of `arch`.
    fn run(self, arch: Arch) -> Self::Output {
        arch.dispatch(InRegisters(self))
    }
}

struct InRegisters<J>(J);

impl<J: PlaneJob> WithSimd for InRegisters<J> {
    type Output = J::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> J::Output {
        match S::F32_LANES {
            16 => self.0.plane::<S, 1>(simd),
            8 => self.0.plane::<S, 2>(simd),
            4 => self.0.plane::<S, 4>(simd),
            // `CpuTrainer::is_supported` has refused these.
            _ => J::Output::default(),
        }
    }
}

/// Sums of what `term` makes of a pixel, over the rows of one image.
#[inline(always)]
fn row_sums(
    rows: impl Iterator<Item = [usize; 2]>,
    term: impl Fn(usize) -> [f32; LANES],
) -> [f32; LANES] {
    // Four sums at once hide the latency of an addition.
    let mut sums = [[0.0_f32; LANES]; 4];
    for [start, end] in rows {
        let mut at = start;
        while at + 4 <= end {
            for q in 0..4 {
                let values = term(at + q);
                for lane in 0..LANES {
                    sums[q][lane] += values[lane];
                }
            }
            at += 4;
        }
        while at < end {
            let values = term(at);
            for lane in 0..LANES {
                sums[0][lane] += values[lane];
            }
            at += 1;
        }
    }
    let mut all = [0.0; LANES];
    for lane in 0..LANES {
        all[lane] = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
    }
    all
}

/// First pixel of each row of an image and the one behind its last.
#[inline(always)]
fn rows_of(shape: &MapShape, image: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..shape.height).map(move |y| {
        let start = shape.row_start(image * shape.height + y);
        [start, start + shape.width]
    })
}

struct PlaneMoments<'a> {
    shape: &'a MapShape,
    plane: &'a [Pixel],
}

impl WithSimd for PlaneMoments<'_> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Moments {
        let (shape, plane) = (self.shape, self.plane);
        let area = shape.height * shape.width;
        let mut all = Moments::NONE;
        for image in 0..shape.images {
            let sums = row_sums(rows_of(shape, image), |at| plane[at].0);
            let mut mean = [0.0_f32; LANES];
            for lane in 0..LANES {
                mean[lane] = sums[lane] / area as f32;
            }
            let deviations = row_sums(rows_of(shape, image), |at| {
                let mut squares = [0.0_f32; LANES];
                for lane in 0..LANES {
                    let deviation = plane[at].0[lane] - mean[lane];
                    squares[lane] = deviation * deviation;
                }
                squares
            });
            all = all.with(&Moments {
                count: area as f64,
                mean: mean.map(f64::from),
                deviations: deviations.map(f64::from),
            });
        }
        all
    }
}

/// What a normalisation does with one block of channels: z·scale + shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub scale: Pixel,
    pub shift: Pixel,
}

/// What is added before the activation.
#[derive(Clone, Copy)]
pub(super) enum Added<'a> {
    Nothing,
    Map(&'a [Pixel]),
    /// A map that is normalised on the way.
    Scaled(&'a [Pixel], &'a Affine),
}

/// One plane through normalisation, sum and ReLU. Writes the border's zeros as well.
pub(super) struct Apply<'a> {
    pub shape: &'a MapShape,
    pub z: &'a [Pixel],
    pub affine: &'a Affine,
    pub added: Added<'a>,
    pub has_relu: bool,
    pub output: &'a mut [Pixel],
}

impl PlaneJob for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn plane<S: Simd, const V: usize>(self, simd: S) {
        let shape = self.shape;
        shape.clear_border(self.output);
        let own = Factors::<S, V>::new(simd, self.affine);
        let zero = simd.splat_f32s(0.0);
        for row in 0..shape.rows() {
            let start = shape.row_start(row);
            let z = &self.z[start..][..shape.width];
            let output = &mut self.output[start..][..shape.width];
            match self.added {
                Added::Nothing => {
                    for (output, z) in output.iter_mut().zip(z) {
                        let value = own.of(simd, z);
                        store::<S, V>(output, &activated(simd, value, zero, self.has_relu));
                    }
                }
                Added::Map(added) => {
                    let added = &added[start..][..shape.width];
                    for ((output, z), added) in output.iter_mut().zip(z).zip(added) {
                        let value = sum(simd, own.of(simd, z), load::<S, V>(simd, added));
                        store::<S, V>(output, &activated(simd, value, zero, self.has_relu));
                    }
                }
                Added::Scaled(added, other) => {
                    let other = Factors::<S, V>::new(simd, other);
                    let added = &added[start..][..shape.width];
                    for ((output, z), added) in output.iter_mut().zip(z).zip(added) {
                        let value = sum(simd, own.of(simd, z), other.of(simd, added));
                        store::<S, V>(output, &activated(simd, value, zero, self.has_relu));
                    }
                }
            }
        }
    }
}

/// An [`Affine`] in registers.
struct Factors<S: Simd, const V: usize> {
    scale: [S::f32s; V],
    shift: [S::f32s; V],
}

impl<S: Simd, const V: usize> Factors<S, V> {
    #[inline(always)]
    fn new(simd: S, affine: &Affine) -> Self {
        Self {
            scale: load::<S, V>(simd, &affine.scale),
            shift: load::<S, V>(simd, &affine.shift),
        }
    }

    #[inline(always)]
    fn of(&self, simd: S, z: &Pixel) -> [S::f32s; V] {
        let mut value = load::<S, V>(simd, z);
        for v in 0..V {
            value[v] = simd.mul_add_e_f32s(value[v], self.scale[v], self.shift[v]);
        }
        value
    }
}

#[inline(always)]
fn load<S: Simd, const V: usize>(simd: S, pixel: &Pixel) -> [S::f32s; V] {
    let mut values = [simd.splat_f32s(0.0); V];
    values.copy_from_slice(&S::as_simd_f32s(&pixel.0).0[..V]);
    values
}

#[inline(always)]
fn store<S: Simd, const V: usize>(pixel: &mut Pixel, values: &[S::f32s; V]) {
    S::as_mut_simd_f32s(&mut pixel.0).0[..V].copy_from_slice(values);
}

#[inline(always)]
fn sum<S: Simd, const V: usize>(simd: S, mut a: [S::f32s; V], b: [S::f32s; V]) -> [S::f32s; V] {
    for v in 0..V {
        a[v] = simd.add_f32s(a[v], b[v]);
    }
    a
}

#[inline(always)]
fn activated<S: Simd, const V: usize>(
    simd: S,
    mut value: [S::f32s; V],
    zero: S::f32s,
    has_relu: bool,
) -> [S::f32s; V] {
    if has_relu {
        for v in 0..V {
            // In this order a NaN stays a NaN, as in PyTorch's ReLU.
            value[v] = simd.max_f32s(zero, value[v]);
        }
    }
    value
}

/// Where a ReLU let nothing through.
#[derive(Clone, Copy)]
pub(super) enum Mask<'a> {
    /// There was none, or it has been taken into account.
    Open,
    /// Where z·scale + shift was not positive.
    Normalised(&'a Affine),
    /// Where this output is not positive.
    Output(&'a [Pixel]),
}

/// Σ g and Σ g (z − μ) of sixteen channels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GradientSums {
    pub plain: [f64; LANES],
    pub centred: [f64; LANES],
}

impl GradientSums {
    #[inline(always)]
    pub fn with(mut self, plain: &[f32; LANES], centred: &[f32; LANES]) -> Self {
        for lane in 0..LANES {
            self.plain[lane] += f64::from(plain[lane]);
            self.centred[lane] += f64::from(centred[lane]);
        }
        self
    }

    pub fn and(mut self, other: &Self) -> Self {
        for lane in 0..LANES {
            self.plain[lane] += other.plain[lane];
            self.centred[lane] += other.centred[lane];
        }
        self
    }
}

/// Masks one plane of a gradient in place and sums it.
pub(super) struct MaskAndSum<'a> {
    pub shape: &'a MapShape,
    pub gradient: &'a mut [Pixel],
    pub z: &'a [Pixel],
    pub mean: &'a Pixel,
    pub mask: Mask<'a>,
}

impl PlaneJob for MaskAndSum<'_> {
    type Output = GradientSums;

    #[inline(always)]
    fn plane<S: Simd, const V: usize>(self, simd: S) -> GradientSums {
        let shape = self.shape;
        let mean = load::<S, V>(simd, self.mean);
        let mut all = GradientSums::default();
        for image in 0..shape.images {
            let mut sums = RowSums::<S, V>::new(simd);
            for [start, end] in rows_of(shape, image) {
                let z = &self.z[start..end];
                let gradient = &mut self.gradient[start..end];
                match self.mask {
                    Mask::Open => {
                        for (gradient, z) in gradient.iter().zip(z) {
                            let value = load::<S, V>(simd, gradient);
                            sums.add(simd, &value, &load::<S, V>(simd, z), &mean);
                        }
                    }
                    Mask::Normalised(affine) => {
                        let factors = Factors::<S, V>::new(simd, affine);
                        for (gradient, z) in gradient.iter_mut().zip(z) {
                            let output = factors.of(simd, z);
                            let value = masked(simd, &load::<S, V>(simd, gradient), &output);
                            store::<S, V>(gradient, &value);
                            sums.add(simd, &value, &load::<S, V>(simd, z), &mean);
                        }
                    }
                    Mask::Output(output) => {
                        let output = &output[start..end];
                        for ((gradient, z), output) in gradient.iter_mut().zip(z).zip(output) {
                            let output = load::<S, V>(simd, output);
                            let value = masked(simd, &load::<S, V>(simd, gradient), &output);
                            store::<S, V>(gradient, &value);
                            sums.add(simd, &value, &load::<S, V>(simd, z), &mean);
                        }
                    }
                }
            }
            let [mut plain, mut centred] = [Pixel::ZERO; 2];
            store::<S, V>(&mut plain, &sums.plain);
            store::<S, V>(&mut centred, &sums.centred);
            all = all.with(&plain.0, &centred.0);
        }
        all
    }
}

/// Sums over an image, in registers.
struct RowSums<S: Simd, const V: usize> {
    plain: [S::f32s; V],
    centred: [S::f32s; V],
}

impl<S: Simd, const V: usize> RowSums<S, V> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        let zero = simd.splat_f32s(0.0);
        Self {
            plain: [zero; V],
            centred: [zero; V],
        }
    }

    #[inline(always)]
    fn add(&mut self, simd: S, value: &[S::f32s; V], z: &[S::f32s; V], mean: &[S::f32s; V]) {
        for v in 0..V {
            let centred = simd.sub_f32s(z[v], mean[v]);
            self.plain[v] = simd.add_f32s(self.plain[v], value[v]);
            self.centred[v] = simd.mul_add_e_f32s(value[v], centred, self.centred[v]);
        }
    }
}

#[inline(always)]
fn masked<S: Simd, const V: usize>(
    simd: S,
    gradient: &[S::f32s; V],
    output: &[S::f32s; V],
) -> [S::f32s; V] {
    let zero = simd.splat_f32s(0.0);
    let mut value = *gradient;
    for v in 0..V {
        let is_open = simd.less_than_f32s(zero, output[v]);
        value[v] = simd.select_f32s(is_open, gradient[v], zero);
    }
    value
}

/// dz = scale · (g − constant − (z − mean) · slope), a block of channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormBack {
    pub scale: Pixel,
    pub constant: Pixel,
    pub slope: Pixel,
    pub mean: Pixel,
}

/// The gradient behind a normalisation to the one before it.
pub(super) struct ApplyBack<'a> {
    pub shape: &'a MapShape,
    pub z: &'a [Pixel],
    pub back: &'a NormBack,
    /// `None` when it stands in `into`.
    pub gradient: Option<&'a [Pixel]>,
    /// Its border is written where the gradient stands elsewhere.
    pub into: &'a mut [Pixel],
}

impl PlaneJob for ApplyBack<'_> {
    type Output = ();

    #[inline(always)]
    fn plane<S: Simd, const V: usize>(self, simd: S) {
        let (shape, back) = (self.shape, self.back);
        if self.gradient.is_some() {
            shape.clear_border(self.into);
        }
        let scale = load::<S, V>(simd, &back.scale);
        let constant = load::<S, V>(simd, &back.constant);
        let slope = load::<S, V>(simd, &back.slope);
        let mean = load::<S, V>(simd, &back.mean);
        let before = |gradient: &Pixel, z: &Pixel| {
            let mut value = load::<S, V>(simd, gradient);
            let z = load::<S, V>(simd, z);
            for v in 0..V {
                let centred = simd.sub_f32s(mean[v], z[v]);
                let rest = simd.sub_f32s(value[v], constant[v]);
                let rest = simd.mul_add_e_f32s(centred, slope[v], rest);
                value[v] = simd.mul_f32s(rest, scale[v]);
            }
            value
        };
        for row in 0..shape.rows() {
            let start = shape.row_start(row);
            let z = &self.z[start..][..shape.width];
            let into = &mut self.into[start..][..shape.width];
            if let Some(gradient) = self.gradient {
                let gradient = &gradient[start..][..shape.width];
                for ((into, z), gradient) in into.iter_mut().zip(z).zip(gradient) {
                    store::<S, V>(into, &before(gradient, z));
                }
            } else {
                for (into, z) in into.iter_mut().zip(z) {
                    let value = before(into, z);
                    store::<S, V>(into, &value);
                }
            }
        }
    }
}
