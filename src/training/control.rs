//! What a person says to a run, and what they see of it.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Curves, Knob, RunConfig};

/// A wish, acted on between two steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// Go on, step after step.
    Play,
    /// Wait after this step.
    Pause,
    /// One step, then wait.
    Step,
    /// End the run; what was shown stays, nothing goes on.
    Stop,
    /// Back to step 0 with the settings of the beginning; a run that was opened and did not save that
    /// step is begun again.
    Reset,
    /// Turn a knob from the next step on; leaves a mark.
    Set(Knob, f64),
    /// Go back to the kept step and go on from there; what came after becomes a branch.
    Fork {
        /// One of [`RunState::snapshots`].
        step: usize,
    },
    /// Whether frames from now on are turned towards the one before.
    Orient(bool),
    /// Save into a folder; the run goes on.
    SaveTo(PathBuf),
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Opening images and building the encoder.
    #[default]
    Preparing,
    /// Waiting for a wish.
    Paused,
    /// Going on.
    Running,
    /// All steps are done; it can be forked or saved.
    Finished,
    /// Ended by a wish; unless it is over, it can still go on, be forked or saved.
    Stopped,
    /// Ended by trouble, which [`RunState::message`] tells. After a divergence the run stands at
    /// its last good snapshot and can be forked.
    Failed,
}

/// Something that happened at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Steps done then.
    pub step: usize,
    /// In a few words: "learning rate 0.001 → 0.01".
    pub text: String,
}

/// All that there is to know of a run but its frames.
#[derive(Clone, Debug, Default)]
pub struct RunState {
    /// Settings as they stand, knobs included.
    pub config: RunConfig,
    /// Where it stands.
    pub phase: Phase,
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub total_steps: usize,
    /// Speed over the last seconds; `None` while it stands.
    pub steps_per_s: Option<f64>,
    /// Time left at that speed, seconds.
    pub remaining_s: Option<f64>,
    /// What was written down, thinned to what a screen can show when the run is long: the table that
    /// is saved holds every step.
    pub curves: Arc<Curves>,
    /// Curves of what was left behind by forks and resets, newest last; at most four.
    pub branches: Vec<Arc<Curves>>,
    /// Knobs turned, forks, saves.
    pub marks: Vec<Mark>,
    /// Steps to which the run can go back, rising.
    pub snapshots: Vec<usize>,
    /// Steps whose frames are kept, rising.
    pub frames: Vec<usize>,
    /// Whether frames are turned towards the one before.
    pub is_oriented: bool,
    /// What went wrong, or was done last ("saved to …").
    pub message: Option<String>,
    /// Whether the message tells what could not be done, though the run itself goes on.
    pub is_refusal: bool,
    /// The step up to which it is in a folder of its own.
    pub saved: Option<usize>,
    /// Whether its thread has come to its end: nothing is acted on any more.
    pub is_over: bool,
}

impl RunState {
    /// Whether it has steps that are nowhere but here, and could still be saved.
    pub fn is_unsaved(&self) -> bool {
        let can_be_saved = self.phase != Phase::Preparing && !self.is_over;
        can_be_saved && self.step > self.saved.unwrap_or(0)
    }
}
