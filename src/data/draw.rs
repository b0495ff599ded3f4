//! Seeded random numbers whose values are ours to keep.
//!
//! ChaCha8's key is written from what is being drawn, so a draw depends on nothing else: not on
//! the order, not on the thread. The conversions to numbers are spelled out here rather than taken
//! from a distribution library, whose algorithms may change between releases.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What a stream of draws is for; keeps equal seeds of different uses apart.
#[derive(Clone, Copy)]
pub(super) enum Domain {
    Augmentation = 1,
    Scene = 2,
    Labels = 3,
}

/// A stream of draws that belongs to (domain, seed, item, part).
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    pub(super) fn keyed(domain: Domain, seed: u64, item: u64, part: u64) -> Self {
        let mut key = [0; 32];
        for (slot, word) in key
            .chunks_exact_mut(8)
            .zip([domain as u64, seed, item, part])
        {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1), in steps of 2⁻²⁴: every value is exact in `f32`.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in [low, high).
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n by multiplication; the bias of at most n / 2³² is far below any use here.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of `options`, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, options: &'a [T]) -> &'a T {
        &options[self.below(options.len() as u32) as usize]
    }

    /// Fisher and Yates' shuffle.
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.below(last as u32 + 1) as usize;
            values.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_every_part_of_the_key() {
        let first = |seed, item, part| Draw::keyed(Domain::Scene, seed, item, part).unit();
        let base = first(1, 2, 3);
        assert_eq!(base, first(1, 2, 3));
        for other in [first(2, 2, 3), first(1, 3, 3), first(1, 2, 4)] {
            assert_ne!(base, other);
        }
        assert_ne!(
            base,
            Draw::keyed(Domain::Augmentation, 1, 2, 3).unit(),
            "domains are apart"
        );
    }

    #[test]
    fn draws_are_uniform_and_in_range() {
        let mut draw = Draw::keyed(Domain::Scene, 5, 0, 0);
        let n = 20_000;
        let mean = (0..n).map(|_| f64::from(draw.unit())).sum::<f64>() / f64::from(n);
        // Standard error of the mean of n uniforms is 1/√(12 n) = 0.002; five of them.
        assert!((mean - 0.5).abs() < 0.0102, "{mean}");
        assert!((0..n).all(|_| draw.below(7) < 7));
    }
}
