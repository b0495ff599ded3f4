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
    compute::JobId,
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
    /// The job whose answer is still to come.
    waits_for: Option<JobId>,
    /// How that job ended; its answer, if it has one, lies in the slot by then.
    ended: Option<String>,
    /// The snapshot that could not be judged, and why.
    failure: Option<(u64, String)>,
    /// Verdicts of the run's kept frames.
    pub run: RunVerdicts,
    /// Which frames those were: a run that goes back makes other ones of the same steps.
    judged: BTreeMap<usize, Weak<Frame>>,
    frames: Slot<JudgedFrames>,
    /// The job that judges frames.
    frames_job: Option<JobId>,
    /// The frames that it judges, with their steps.
    asked_frames: Vec<(Weak<Frame>, usize)>,
    has_frames_job_ended: bool,
}

impl App {
    /// Takes in verdicts, and asks for those that the view is waiting for.
    pub(super) fn receive_verdicts(&mut self) {
        if let Some((serial, judged)) = self.jobs.verdicts.take() {
            if self.verdicts.asked_for == Some(serial) {
                self.verdicts.waits_for = None;
            }
            match judged {
                Ok(report) => {
                    let picture = VerdictPicture::new(serial, Arc::new(report));
                    self.verdicts.picture = Some(picture);
                }
                Err(why) => {
                    self.tell(Level::Warning, format!("No collapse verdict: {why}"));
                    self.verdicts.failure = Some((serial, why));
                }
            }
        }
        self.verdicts.give_up();
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
        let must_wait = snapshot.is_of_run() && self.verdicts.waits_for.is_some();
        if self.verdicts.asked_for == serial || is_early || must_wait {
            return;
        }
        let snapshot = snapshot.clone();
        self.verdicts.waits_for = if snapshot.is_of_run() {
            judge_frame(&self.jobs, &snapshot)
        } else {
            self.jobs.diagnose(&snapshot)
        };
        // Where there was no room, it is asked again with the next frame of the window.
        self.verdicts.asked_for = serial.filter(|_| self.verdicts.waits_for.is_some());
        self.verdicts.ended = None;
        self.verdicts.failure = None;
    }

    fn want_frame_verdicts(&mut self) {
        if self.verdicts.frames_job.is_some() {
            return;
        }
        let frames = self.training.frames();
        let todo = self.verdicts.missing(&frames);
        if todo.is_empty() {
            return;
        }
        let asked = todo.iter().map(|frame| (Arc::downgrade(frame), frame.step));
        self.verdicts.asked_frames = asked.collect();
        let slot = self.verdicts.frames.clone();
        let wake = self.jobs.waker();
        self.verdicts.frames_job = self.jobs.help_for(move |progress| {
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
    /// Why the snapshot `serial` could not be judged.
    pub fn failure(&self, serial: u64) -> Option<&str> {
        let failure = self.failure.as_ref().filter(|(of, _)| *of == serial);
        failure.map(|(_, why)| why.as_str())
    }

    /// Asks again for what could not be judged.
    pub fn ask_again(&mut self) {
        self.asked_for = None;
    }

    /// A job came to its end, with an answer or without.
    pub fn job_ended(&mut self, id: JobId, how: &str) {
        if self.waits_for == Some(id) {
            self.ended = Some(how.to_owned());
        }
        self.has_frames_job_ended |= self.frames_job == Some(id);
    }

    /// Waits no longer for a job that ended without an answer. It is not asked again by itself:
    /// who called it off does not want it back.
    fn give_up(&mut self) {
        let Some(why) = self.ended.take() else {
            return;
        };
        if self.waits_for.take().is_some() {
            self.failure = self.asked_for.map(|serial| (serial, why));
        }
    }

    fn take_frames(&mut self) {
        let broke_off = std::mem::take(&mut self.has_frames_job_ended);
        let judged = match self.frames.take() {
            Some(judged) => judged,
            // It broke off without an answer: asked again, the same frames would break it again.
            None if broke_off => std::mem::take(&mut self.asked_frames)
                .into_iter()
                .map(|(frame, step)| (frame, step, None))
                .collect(),
            None => return,
        };
        self.frames_job = None;
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
fn judge_frame(jobs: &Jobs, snapshot: &Snapshot) -> Option<JobId> {
    let (analysis, serial) = (Arc::clone(&snapshot.analysis), snapshot.serial);
    let (slot, wake) = (jobs.verdicts.clone(), jobs.waker());
    jobs.help_for(move |progress| {
        let judged = diagnose_shown(&analysis, progress).map_err(|error| error.to_string());
        slot.put((serial, judged));
        wake();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Worker;

    #[test]
    fn a_verdict_that_was_called_off_is_neither_awaited_nor_asked_for_by_itself() {
        let worker = Worker::spawn("verdict", 2).unwrap();
        let [job, other] = [(); 2].map(|()| worker.submit("", |_| {}).unwrap());
        let mut verdicts = Verdicts {
            asked_for: Some(7),
            waits_for: Some(job),
            ..Verdicts::default()
        };
        verdicts.job_ended(other, "cancelled");
        verdicts.give_up();
        assert_eq!(verdicts.waits_for, Some(job), "another job's end");
        verdicts.job_ended(job, "cancelled");
        verdicts.give_up();
        assert_eq!(verdicts.waits_for, None);
        assert_eq!(verdicts.failure(7), Some("cancelled"));
        assert_eq!((verdicts.failure(8), verdicts.asked_for), (None, Some(7)));
        verdicts.ask_again();
        assert_eq!(verdicts.asked_for, None);
    }

    #[test]
    fn frames_whose_job_broke_off_are_waited_for_no_longer_and_not_tried_again() {
        let worker = Worker::spawn("verdict", 2).unwrap();
        let job = worker.submit("", |_| panic!("while judging")).unwrap();
        let mut verdicts = Verdicts {
            frames_job: Some(job),
            asked_frames: vec![(Weak::new(), 40)],
            ..Verdicts::default()
        };
        verdicts.take_frames();
        assert_eq!(verdicts.frames_job, Some(job), "it may still answer");
        verdicts.job_ended(job, "it broke off");
        verdicts.take_frames();
        assert_eq!(verdicts.frames_job, None);
        assert_eq!(verdicts.run.frames.get(&40), Some(&None));
        assert!(verdicts.judged.contains_key(&40));
    }

    #[test]
    fn an_answer_counts_though_its_job_has_ended() {
        let worker = Worker::spawn("verdict", 2).unwrap();
        let job = worker.submit("", |_| {}).unwrap();
        let mut verdicts = Verdicts {
            asked_for: Some(7),
            waits_for: Some(job),
            ..Verdicts::default()
        };
        verdicts.job_ended(job, "finished");
        // Its answer was in the slot.
        verdicts.waits_for = None;
        verdicts.give_up();
        assert_eq!(verdicts.failure(7), None);
    }
}
