//! What the window says to a training run, and what panels may read of it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::training::{Knob, Phase, RunConfig, RunState};

/// From one picture to the next of what moves by itself, or changes many times a second: a little
/// over thirty a second, so that the processor is left to what makes it move.
pub const MOVING_INTERVAL: Duration = Duration::from_millis(28);

/// Something asked of a training run.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainCommand {
    /// Start a run with these settings in the place of the one before.
    Start(Box<RunConfig>),
    /// Start the run that the panel's settings describe.
    StartDraft,
    /// Go on, or wait after the step under way.
    PlayPause,
    /// One step.
    Step,
    /// End the run; what was shown stays.
    Stop,
    /// Back to the beginning.
    Reset,
    /// Turn a knob.
    Set(Knob, f64),
    /// Show the kept frame at or before a step; the newest, as it comes, when `None`.
    LookAt(Option<usize>),
    /// Go on from the snapshot at or before the step that is shown.
    ForkHere,
    /// Turn new frames towards the one before, or leave them as they come.
    ToggleOriented,
    /// Play the kept frames, or stop.
    ToggleReplay,
    /// Begin a replay anew at its end, or stop there.
    ToggleLoop,
    /// So many kept frames a second in a replay.
    ReplayAt(f64),
    /// Keep the shown time beside the one that is walked to, or let it go.
    TogglePin,
    /// Show or leave the views of some images as the run augments them.
    ToggleAugmentations,
    /// Draw other views of those images.
    AnotherDraw,
    /// Ask where to save the run.
    AskSave,
    /// Save the run into a folder.
    SaveTo(PathBuf),
}

impl TrainCommand {
    /// Everything that makes sense without a further choice.
    pub const ALL: [Self; 14] = [
        Self::StartDraft,
        Self::PlayPause,
        Self::Step,
        Self::Stop,
        Self::Reset,
        Self::ForkHere,
        Self::LookAt(None),
        Self::ToggleReplay,
        Self::ToggleLoop,
        Self::TogglePin,
        Self::ToggleOriented,
        Self::ToggleAugmentations,
        Self::AnotherDraw,
        Self::AskSave,
    ];

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::Start(config) => format!("Training: {}", config.name),
            Self::StartDraft => "Training: start a run".into(),
            Self::PlayPause => "Training: play or pause".into(),
            Self::Step => "Training: one step".into(),
            Self::Stop => "Training: stop the run".into(),
            Self::Reset => "Training: back to the beginning".into(),
            Self::Set(knob, value) => format!("Training: {} = {value}", knob.title()),
            Self::LookAt(Some(step)) => format!("Training: show step {step}"),
            Self::LookAt(None) => "Training: show the newest step".into(),
            Self::ForkHere => "Training: go on from the shown step".into(),
            Self::ToggleOriented => "Training: keep the orientation of frames".into(),
            Self::ToggleReplay => "Training: replay the kept frames".into(),
            Self::ToggleLoop => "Training: replay again and again".into(),
            Self::ReplayAt(rate) => format!("Training: replay {rate} frames a second"),
            Self::TogglePin => "Training: pin this time, or let it go".into(),
            Self::ToggleAugmentations => "Training: augmentations…".into(),
            Self::AnotherDraw => "Training: another draw of the augmentations".into(),
            Self::AskSave => "Training: save the run…".into(),
            Self::SaveTo(path) => format!("Training: save the run to {}", path.display()),
        }
    }

    /// A sentence more, for tooltips.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::StartDraft => "With the settings of the Training view; the run before is ended",
            Self::Stop => {
                "It leaves its knobs; until another run begins it can still be played, forked and saved"
            }
            Self::Reset => "To step 0 with the settings of the beginning",
            Self::ForkHere => {
                "To the snapshot at or before the shown step; what came after becomes a faint \
                 branch of the curves"
            }
            Self::ToggleOriented => {
                "Each frame is turned (Procrustes) so that points that did not move stay in place"
            }
            Self::ToggleLoop => "At its end a replay begins anew",
            Self::TogglePin => {
                "Sphere and circle show the pinned time beside the one you walk to, turned towards \
                 each other, with their figures and the difference"
            }
            Self::ToggleAugmentations => "Some images as the run would see them, and how strongly",
            Self::AskSave => {
                "Weights as safetensors that this program and PyTorch open, with optimiser, step \
                 and seed to resume from"
            }
            _ => "",
        }
    }
}

/// The run as panels see it.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The newest state.
    pub state: Arc<RunState>,
    /// Step of the frame that the views show.
    pub shown_step: Option<usize>,
    /// Whether new frames are shown as they come.
    pub is_following: bool,
    /// Whether the kept frames are played again.
    pub is_replaying: bool,
    /// How they are.
    pub replay: Replay,
    /// Step of the pinned frame that the shown one stands beside.
    pub pinned_step: Option<usize>,
}

/// How kept frames are played again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replay {
    /// Frames a second, where the machine prepares as many.
    pub frames_per_s: f64,
    /// Whether it begins anew at its end.
    pub is_looping: bool,
}

impl Replay {
    /// Rates to choose from, frames a second.
    pub const RATES: [f64; 5] = [2.0, 4.0, 8.0, 15.0, 30.0];
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            frames_per_s: 8.0,
            is_looping: true,
        }
    }
}

impl RunView {
    /// Alignment and uniformity of the probe, step by step, for the trail on the plane.
    pub fn trail(&self) -> Vec<(usize, [f64; 2])> {
        let points = |name: &str| {
            self.state
                .curves
                .get(name)
                .map_or(&[][..], |curve| curve.points.as_slice())
        };
        let (alignment, uniformity) = (points("probe alignment"), points("probe uniformity"));
        let mut trail = Vec::with_capacity(alignment.len());
        let mut next = 0;
        for &[step, a] in alignment {
            while uniformity.get(next).is_some_and(|point| point[0] < step) {
                next += 1;
            }
            if let Some(&[at, u]) = uniformity.get(next)
                && at == step
            {
                trail.push((step as usize, [a, u]));
            }
        }
        trail
    }

    /// Whether steps are being done.
    pub fn is_running(&self) -> bool {
        self.state.phase == Phase::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_words_of_its_own() {
        let mut texts: Vec<String> = TrainCommand::ALL.iter().map(TrainCommand::text).collect();
        assert!(texts.iter().all(|text| text.starts_with("Training: ")));
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), TrainCommand::ALL.len());
    }
}
