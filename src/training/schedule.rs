//! How the learning rate changes over a run.

use serde::{Deserialize, Serialize};

/// The course of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Decay {
    /// It stays.
    Constant,
    /// Half a cosine from 1 to 0 (SGDR without restarts, Loshchilov & Hutter 2017).
    #[default]
    Cosine,
    /// Multiplied by `factor` each `every` steps.
    Step {
        /// Steps between two falls, at least 1.
        every: usize,
        /// Factor of each fall, in (0, 1].
        factor: f64,
    },
}

/// Warm-up, then decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schedule {
    /// Steps over which the rate rises linearly from near 0.
    pub warmup_steps: usize,
    /// What follows.
    pub decay: Decay,
}

impl Schedule {
    /// What the base rate is multiplied by at `step` (from 0) of a run of `steps`.
    pub fn factor(&self, step: usize, steps: usize) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        let since = step - self.warmup_steps;
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Cosine => {
                let left = steps.saturating_sub(self.warmup_steps).max(1);
                let turn = (since as f64 / left as f64).min(1.0);
                0.5 * (1.0 + (std::f64::consts::PI * turn).cos())
            }
            Decay::Step { every, factor } => factor.powi((since / every.max(1)) as i32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warms_up_and_decays() {
        let cosine = Schedule {
            warmup_steps: 10,
            decay: Decay::Cosine,
        };
        assert_eq!(cosine.factor(0, 110), 0.1);
        assert_eq!(cosine.factor(9, 110), 1.0);
        assert_eq!(cosine.factor(10, 110), 1.0);
        // Half way down a cosine; its argument is π/2 within rounding.
        assert!((cosine.factor(60, 110) - 0.5).abs() < 1e-12);
        assert!(cosine.factor(500, 110).abs() < 1e-12);
        let step = Schedule {
            warmup_steps: 0,
            decay: Decay::Step {
                every: 100,
                factor: 0.1,
            },
        };
        assert_eq!(step.factor(99, 1000), 1.0);
        assert_eq!(step.factor(100, 1000), 0.1);
        assert_eq!(Schedule::default().factor(0, 0), 1.0);
    }
}
