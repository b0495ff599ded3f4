//! Sweeps: runs over a grid or a random choice of settings, one after the other, a row each.

mod agreement;
mod axis;
mod course;
mod drive;
mod plan;
mod preset;
mod runner;

pub use axis::{Axes, Axis, AxisValue};
pub use drive::{Sweep, SweepControl, SweepPhase, SweepState};
pub use plan::{Choice, PlannedRun, SweepPart, SweepPlan};
pub use preset::SweepPreset;
pub use runner::SweepRunner;
