//! What goes along while a sweep is done: its state, who hears of it, and how fast it is.

use std::time::{Duration, Instant};

use super::{SweepControl, SweepPhase, SweepState};
use crate::progress::{Cancelled, Progress};

/// How often a pause looks whether it is over.
const PATIENCE: Duration = Duration::from_millis(50);

/// What goes along while a sweep is done.
pub(super) struct Course<'a> {
    pub state: SweepState,
    pub control: &'a SweepControl,
    pub progress: &'a Progress,
    pub tell: &'a mut dyn FnMut(&SweepState),
    pub clock: Clock,
}

impl Course<'_> {
    pub fn publish(&mut self) {
        (self.tell)(&self.state);
    }

    pub fn at(&mut self, step: usize, total: usize) {
        self.state.steps = [step, total];
        self.state.remaining_s = self.clock.remaining_s();
        self.publish();
        let done = self.state.finished as u64 * 1000 + (1000 * step / total.max(1)) as u64;
        self.progress
            .report("sweep", done, Some(self.state.total as u64 * 1000));
    }

    /// Waits out a pause.
    pub fn wait(&mut self) -> Result<(), Cancelled> {
        if self.control.is_paused() {
            let began = Instant::now();
            let before = std::mem::replace(&mut self.state.phase, SweepPhase::Paused);
            self.publish();
            while self.control.is_paused() && !self.progress.is_cancelled() {
                std::thread::sleep(PATIENCE);
            }
            self.clock.pauses += began.elapsed();
            self.state.phase = before;
            self.publish();
        }
        self.progress.check()
    }
}

/// How fast the sweep is, measuring included.
pub(super) struct Clock {
    began: Instant,
    pauses: Duration,
    steps_done: usize,
    pub steps_left: usize,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            pauses: Duration::ZERO,
            steps_done: 0,
            steps_left: 0,
        }
    }
}

impl Clock {
    pub fn step(&mut self) {
        self.steps_done += 1;
        self.steps_left = self.steps_left.saturating_sub(1);
    }

    /// Steps that were done another time.
    pub fn skip(&mut self, steps: usize) {
        self.steps_left = self.steps_left.saturating_sub(steps);
    }

    fn remaining_s(&self) -> Option<f64> {
        let seconds = self
            .began
            .elapsed()
            .saturating_sub(self.pauses)
            .as_secs_f64();
        (self.steps_done >= 10).then(|| seconds * self.steps_left as f64 / self.steps_done as f64)
    }
}
