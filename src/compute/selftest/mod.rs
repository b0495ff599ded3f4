//! Can this device be trusted? The same small computations on it and on the CPU, side by side.
//!
//! Inputs are built in and seeded, and shapes are small. The checks of this room cover single
//! operations: a network's forward pass, uniformity over all pairs, and the gradients that training
//! takes from both losses. Rooms below bring their own, for the app's whole paths.

mod kernels;

use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{Compute, DeviceReport};
use crate::progress::{Cancelled, Progress};

/// How often a check is repeated for its steady time.
const REPEATS: u64 = 3;

/// What the comparison came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The device that was tested against the CPU.
    pub device: DeviceReport,
    /// One entry a path.
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub passed: bool,
}

/// One path, computed on both devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Short name.
    pub name: String,
    /// What is computed, with its sizes.
    pub what: String,
    /// How many values were compared.
    pub values: usize,
    /// Largest difference of two values, over the largest magnitude on the CPU. `None` when one
    /// side failed or gave a value that is not finite.
    pub max_relative_error: Option<f64>,
    /// The largest error that passes.
    pub tolerance: f64,
    /// Where the tolerance comes from.
    pub tolerance_reason: String,
    /// First run on the device in milliseconds, kernels compiled and tuned in it.
    pub first_ms: f64,
    /// Best later run on the device, in milliseconds.
    pub device_ms: f64,
    /// Best run on the CPU, in milliseconds.
    pub cpu_ms: f64,
    /// Whether the error is within the tolerance.
    pub passed: bool,
    /// What went wrong instead of a wrong value.
    pub failure: Option<String>,
}

/// What one side of a comparison came to.
type Outcome = Result<Vec<f32>, Box<dyn Error + Send + Sync>>;

/// One comparison to make.
pub struct Case {
    /// Short name.
    pub name: &'static str,
    /// What is computed, with its sizes.
    pub what: &'static str,
    /// Largest difference of two values, over the largest magnitude, that passes.
    pub tolerance: f64,
    /// Where the tolerance comes from.
    pub tolerance_reason: &'static str,
    /// Computes it on the device that is tested.
    pub compute: fn(&Compute) -> Outcome,
    /// Computes it on the CPU; another way of computing where there is one.
    pub reference: fn(&Compute) -> Outcome,
}

/// A sum of n 32-bit products differs between two orders of summation by at most n·2⁻²⁴ of the
/// sum of magnitudes (Higham 2002, section 3.1).
const CASES: [Case; 3] = [
    Case {
        name: "forward pass",
        what: "conv 3→8, ReLU, max-pool, conv 8→16 stride 2, ReLU, mean, 16→8 matmul on 4×3×16×16",
        tolerance: 1e-4,
        tolerance_reason: "sums of 27, 72 and 16 products in another order differ by 115·2⁻²⁴ = \
                           7e-6 of their magnitudes; the rest is room for cancellation",
        compute: |on| Ok(kernels::forward(on.device())?),
        reference: |on| Ok(kernels::forward(on.device())?),
    },
    Case {
        name: "uniformity",
        what: "L_uniform(t=2) over all pairs of 192 unit rows in 32 dimensions, in tiles of 64",
        tolerance: 1e-4,
        tolerance_reason: "WGSL grants exp(−8) 19 units in the last place and squared distances \
                           cancel to 64·2⁻²⁴, together 1e-5; the rest is room",
        compute: |on| Ok(kernels::uniformity_of_rows(on.device())?),
        reference: |on| Ok(kernels::uniformity_of_rows(on.device())?),
    },
    Case {
        name: "gradients",
        what: "of L_align + L_uniform through two normalised projections, to a 24×16 matrix",
        tolerance: 1e-3,
        tolerance_reason: "each entry sums 2·64 products of differences that nearly cancel, \
                           tenfold the forward rounding",
        compute: |on| Ok(kernels::gradients(on.device())?),
        reference: |on| Ok(kernels::gradients(on.device())?),
    },
];

/// Runs every check of this room, and `more`, on the device of `compute` and on the CPU.
///
/// A check that panics or fails is reported as not passed; the others still run.
///
/// # Errors
/// [`Cancelled`] when asked to stop between two checks.
pub fn run(compute: &Compute, more: &[Case], progress: &Progress) -> Result<SelfTest, Cancelled> {
    let total = CASES.len() + more.len();
    let cpu = compute.reference();
    let mut checks = Vec::with_capacity(total);
    for (done, case) in CASES.iter().chain(more).enumerate() {
        progress.check()?;
        progress.report(
            "comparing the device with the CPU",
            done as u64,
            Some(total as u64),
        );
        checks.push(case.run(compute, &cpu));
    }
    Ok(SelfTest {
        device: compute.report().clone(),
        passed: checks.iter().all(|check| check.passed),
        checks,
    })
}

/// Values of the first run, its time and the best time after it, in milliseconds.
struct Timed {
    values: Vec<f32>,
    first_ms: f64,
    best_ms: f64,
}

impl Case {
    fn run(&self, compute: &Compute, cpu: &Compute) -> Check {
        let (outcome, reference) = (time(self.compute, compute), time(self.reference, cpu));
        let mut check = Check {
            name: self.name.to_owned(),
            what: self.what.to_owned(),
            values: 0,
            max_relative_error: None,
            tolerance: self.tolerance,
            tolerance_reason: self.tolerance_reason.to_owned(),
            first_ms: 0.0,
            device_ms: 0.0,
            cpu_ms: 0.0,
            passed: false,
            failure: None,
        };
        match (outcome, reference) {
            (Ok(device), Ok(cpu)) => {
                check.values = cpu.values.len();
                check.max_relative_error = max_relative_error(&device.values, &cpu.values);
                check.first_ms = device.first_ms;
                check.device_ms = device.best_ms;
                check.cpu_ms = cpu.best_ms;
                check.passed = check
                    .max_relative_error
                    .is_some_and(|error| error <= self.tolerance);
                if check.max_relative_error.is_none() {
                    check.failure = Some("values are missing or not finite".to_owned());
                }
            }
            (Err(message), _) => check.failure = Some(format!("on the device: {message}")),
            (_, Err(message)) => check.failure = Some(format!("on the CPU: {message}")),
        }
        check
    }
}

/// Values and times of one side.
fn time(compute: fn(&Compute) -> Outcome, on: &Compute) -> Result<Timed, String> {
    let once = || {
        let start = Instant::now();
        // A kernel that does not compile can panic inside the library; that is a finding.
        let values = catch_unwind(AssertUnwindSafe(|| compute(on)))
            .map_err(|_| "it panicked; see the log".to_owned())?
            .map_err(|error| error.to_string())?;
        Ok::<_, String>((values, start.elapsed().as_secs_f64() * 1e3))
    };
    let (values, first_ms) = once()?;
    let mut best_ms = f64::INFINITY;
    for _ in 0..REPEATS {
        best_ms = best_ms.min(once()?.1);
    }
    Ok(Timed {
        values,
        first_ms,
        best_ms,
    })
}

/// Largest difference over the largest reference magnitude: entries near zero carry the rounding
/// of the large ones they were summed from, so that a relative error of their own says nothing.
fn max_relative_error(values: &[f32], reference: &[f32]) -> Option<f64> {
    let all_finite = values
        .iter()
        .chain(reference)
        .all(|value| value.is_finite());
    if values.len() != reference.len() || values.is_empty() || !all_finite {
        return None;
    }
    let largest = |of: &mut dyn Iterator<Item = f64>| of.fold(0.0, f64::max);
    let scale = largest(&mut reference.iter().map(|&value| f64::from(value).abs()));
    let difference = largest(
        &mut values
            .iter()
            .zip(reference)
            .map(|(&value, &reference)| (f64::from(value) - f64::from(reference)).abs()),
    );
    (scale > 0.0).then(|| difference / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{DevicePolicy, testing::gpu_compute};

    #[test]
    fn the_cpu_agrees_with_itself() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let outcome = run(&compute, &[], &Progress::none()).expect("nobody cancels");
        assert!(outcome.passed, "{outcome:#?}");
        assert_eq!(outcome.checks.len(), 3);
        // The same code on the same backend, with sums split over threads in a fixed way.
        for check in &outcome.checks {
            assert!(
                check.max_relative_error.is_some_and(|error| error < 1e-6),
                "{check:?}"
            );
        }
        let text = serde_json::to_string(&outcome).expect("plain data");
        let back: SelfTest = serde_json::from_str(&text).expect("its own text");
        assert_eq!(back.passed, outcome.passed);
    }

    #[test]
    fn the_wgpu_device_agrees_with_the_cpu() {
        let Some(compute) = gpu_compute() else { return };
        let outcome = run(compute, &[], &Progress::none()).expect("nobody cancels");
        for check in &outcome.checks {
            println!(
                "{}: error {:?}, first {:.0} ms, then {:.1} ms, CPU {:.2} ms",
                check.name, check.max_relative_error, check.first_ms, check.device_ms, check.cpu_ms
            );
        }
        assert!(outcome.passed, "{outcome:#?}");
    }

    #[test]
    fn a_cancelled_test_stops() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let progress = Progress::none();
        progress.cancel();
        assert_eq!(run(&compute, &[], &progress), Err(Cancelled));
    }

    #[test]
    fn wrong_values_do_not_pass() {
        assert_eq!(max_relative_error(&[1.0, 2.5], &[1.0, 2.0]), Some(0.25));
        assert_eq!(max_relative_error(&[f32::NAN], &[1.0]), None);
        assert_eq!(max_relative_error(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(max_relative_error(&[0.0], &[0.0]), None);
        let wrong = Case {
            name: "wrong",
            what: "",
            tolerance: 1e-4,
            tolerance_reason: "",
            compute: |_| Err("no such device".into()),
            reference: |_| Ok(vec![1.0]),
        };
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let check = wrong.run(&compute, &compute);
        assert!(!check.passed && check.failure.is_some(), "{check:?}");
        let panicking = Case {
            compute: |_| panic!("a kernel that does not compile"),
            ..wrong
        };
        assert!(!panicking.run(&compute, &compute).passed);
    }
}
