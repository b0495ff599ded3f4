//! The collapse verdict in the window: worked out when its view is looked at, once a snapshot, and
//! for the kept frames of a run.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use super::{
    App,
    jobs::{Jobs, Slot},
};
use crate::{
    analysis::{DiagnosisReport, diagnose_shown},
    training::Frame,
    ui::{FrameVerdict, RunVerdicts, Snapshot, VerdictPicture, widgets::Level},
};

/// Frames that are judged in one go.
const FRAMES_AT_ONCE: usize = 8;

/// A verdict that came back: of which snapshot, and what it says or why there is none.
pub(super) type Judged = (u64, Result<DiagnosisReport, String>);

/// Frames that came back judged.
type JudgedFrames = Vec<(Weak<Frame>, usize, Option<FrameVerdict>)>;

/// What is known of collapse.
#[derive(Default)]
pub(super) struct Verdicts {
    /// Whether the view was drawn in the last frame of the window.
    pub is_looked_at: bool,
    /// The newest verdict.
    pub picture: Option<VerdictPicture>,
    /// Snapshot that was asked about last.
    asked_for: Option<u64>,
    /// Whether its answer is still to come.
    is_waiting: bool,
    /// Verdicts of the run's kept frames.
    pub run: RunVerdicts,
    /// Which frames those were: a run that goes back makes other ones of the same steps.
    judged: BTreeMap<usize, Weak<Frame>>,
    frames: Slot<JudgedFrames>,
    is_waiting_for_frames: bool,
}

impl App {
    /// Takes in verdicts, and asks for those that the view is waiting for.
    pub(super) fn receive_verdicts(&mut self) {
        if let Some((serial, judged)) = self.jobs.verdicts.take() {
            self.verdicts.is_waiting = false;
            match judged {
                Ok(report) => {
                    let picture = VerdictPicture::new(serial, Arc::new(report));
                    self.verdicts.picture = Some(picture);
                }
                Err(why) => self.tell(Level::Warning, format!("No collapse verdict: {why}")),
            }
        }
        self.verdicts.take_frames();
        if !self.verdicts.is_looked_at {
            return;
        }
        self.want_verdict();
        self.want_frame_verdicts();
    }

    fn want_verdict(&mut self) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let serial = Some(snapshot.serial);
        // What is not whole yet is followed by what is; a run's frames wait for one another.
        let is_early = self.jobs.is_busy() && !snapshot.is_of_run();
        let must_wait = snapshot.is_of_run() && self.verdicts.is_waiting;
        if self.verdicts.asked_for == serial || is_early || must_wait {
            return;
        }
        self.verdicts.asked_for = serial;
        self.verdicts.is_waiting = true;
        let snapshot = snapshot.clone();
        let is_taken = if snapshot.is_of_run() {
            judge_frame(&self.jobs, &snapshot)
        } else {
            self.jobs.diagnose(&snapshot)
        };
        if !is_taken {
            // Asked again with the next frame of the window.
            self.verdicts.asked_for = None;
            self.verdicts.is_waiting = false;
        }
    }

    fn want_frame_verdicts(&mut self) {
        if self.verdicts.is_waiting_for_frames {
            return;
        }
        let frames = self.training.frames();
        let todo = self.verdicts.missing(&frames);
        if todo.is_empty() {
            return;
        }
        let slot = self.verdicts.frames.clone();
        let wake = self.jobs.waker();
        self.verdicts.is_waiting_for_frames = self.jobs.help(move |progress| {
            let judged = todo.iter().map(|frame| {
                let report = diagnose_shown(&frame.analysis, progress).ok();
                let verdict = report.as_ref().and_then(FrameVerdict::new);
                (Arc::downgrade(frame), frame.step, verdict)
            });
            slot.put(judged.collect());
            wake();
        });
    }
}

impl Verdicts {
    fn take_frames(&mut self) {
        let Some(judged) = self.frames.take() else {
            return;
        };
        self.is_waiting_for_frames = false;
        for (frame, step, verdict) in judged {
            self.judged.insert(step, frame);
            self.run.frames.insert(step, verdict);
        }
    }

    /// Forgets frames that are gone, and names the first that are not judged.
    fn missing(&mut self, frames: &[Arc<Frame>]) -> Vec<Arc<Frame>> {
        let is_same = |known: &Weak<Frame>, frame: &Arc<Frame>| {
            std::ptr::eq(known.as_ptr(), Arc::as_ptr(frame))
        };
        self.judged.retain(|step, known| {
            let kept = frames.iter().find(|frame| frame.step == *step);
            kept.is_some_and(|frame| is_same(known, frame))
        });
        let judged = &self.judged;
        self.run.frames.retain(|step, _| judged.contains_key(step));
        frames
            .iter()
            .filter(|frame| !judged.contains_key(&frame.step))
            .take(FRAMES_AT_ONCE)
            .cloned()
            .collect()
    }
}

/// Judges a frame of a run beside the window's thread: its vectors are there already.
fn judge_frame(jobs: &Jobs, snapshot: &Snapshot) -> bool {
    let (analysis, serial) = (Arc::clone(&snapshot.analysis), snapshot.serial);
    let (slot, wake) = (jobs.verdicts.clone(), jobs.waker());
    jobs.help(move |progress| {
        let judged = diagnose_shown(&analysis, progress).map_err(|error| error.to_string());
        slot.put((serial, judged));
        wake();
    })
}
