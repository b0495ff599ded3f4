//! Training runs: one step, the run, its control, snapshots, presets.
//!
//! A [`RunConfig`] decides everything. [`Run`] is the run as a plain value: it does a step, shows a
//! probe, gives a snapshot and goes back to one; on the CPU the same settings give the same numbers
//! bit for bit. [`Runner`] owns a thread that drives a run by [`Control`]s and publishes the newest
//! [`RunState`] and [`Frame`]s. Views come from a thread of their own, a few batches ahead.
//!
//! Uses every room above it, and knows neither egui nor wgpu.

mod clusterings;
mod config;
mod control;
mod curves;
mod error;
mod frames;
mod head;
mod keys;
mod knob;
mod loader;
mod net;
mod objective;
mod on_features;
mod optimiser;
mod past;
mod positives;
mod preset;
mod preview;
mod run;
mod runner;
mod save;
mod schedule;
mod snapshot;
mod tensors;
mod thinned;

#[cfg(test)]
mod combinations;
#[cfg(test)]
mod tests;

pub use config::{Head, Probe, RunConfig, Start};
pub use control::{Control, Mark, Phase, RunState};
pub use curves::{Curve, Curves, WEIGHT_OF};
pub use error::TrainingError;
pub use frames::{FRAME_LIMIT_BYTES, Frame};
pub use knob::{Knob, KnobRange};
pub use objective::Objective;
pub use on_features::{FeatureFacts, RunLoss};
pub use optimiser::Optimiser;
pub use past::{own_checkpoints, settings_of_checkpoint};
pub use preset::Preset;
pub use preview::{PREVIEW_IMAGES, PREVIEW_VIEWS, PreviewRequest, PreviewRow};
pub use run::{Run, StepBench, StepReport};
pub use runner::Runner;
pub use schedule::{Decay, Schedule};
pub use snapshot::{KeptWeights, SNAPSHOT_LIMIT_BYTES, Snapshot};
