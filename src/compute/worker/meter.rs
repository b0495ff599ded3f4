//! Rate and time left, from a stream of progress reports.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::progress::Step;

/// Reports older than this do not count for the rate, so that it follows a change of pace.
const WINDOW: Duration = Duration::from_secs(5);
/// Reports closer together than this are one sample.
const SPACING: Duration = Duration::from_millis(100);

/// Remembers a few seconds of the current stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    stage: &'static str,
    done: u64,
    total: Option<u64>,
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// Takes a report in. A new stage, or a count that went back, starts the rate anew.
    pub(super) fn record(&mut self, now: Instant, step: &Step) {
        if step.stage != self.stage || step.done < self.done {
            self.samples.clear();
        }
        self.stage = step.stage;
        self.done = step.done;
        self.total = step.total;
        let is_spaced = self
            .samples
            .back()
            .is_none_or(|(last, _)| now.duration_since(*last) >= SPACING);
        if is_spaced {
            self.samples.push_back((now, step.done));
        }
        // One sample older than the window stays, to measure from.
        while self.samples.len() > 2 && now.duration_since(self.samples[1].0) > WINDOW {
            self.samples.pop_front();
        }
    }

    /// Stage, units done and units in all, as last reported.
    pub(super) fn position(&self) -> (&'static str, u64, Option<u64>) {
        (self.stage, self.done, self.total)
    }

    /// Units a second up to `now`; falls while no reports come. `None` before any unit was done.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        let (since, from) = self.samples.front()?;
        let elapsed = now.duration_since(*since);
        (self.done > *from && elapsed >= SPACING)
            .then(|| (self.done - from) as f64 / elapsed.as_secs_f64())
    }
}

/// Time left at `rate` units a second; `None` when total or rate is unknown.
pub(super) fn remaining(done: u64, total: Option<u64>, rate: Option<f64>) -> Option<Duration> {
    let left = total?.saturating_sub(done);
    Duration::try_from_secs_f64(left as f64 / rate?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(stage: &'static str, done: u64) -> Step {
        Step {
            stage,
            done,
            total: Some(100),
        }
    }

    #[test]
    fn rate_and_time_left_follow_the_last_seconds() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut meter = Meter::default();
        assert_eq!(meter.rate(start), None);
        // One unit a second for twenty seconds, then ten.
        for second in 0u32..=20 {
            meter.record(at(f64::from(second)), &step("decoding", u64::from(second)));
        }
        // Exact: the counts and times above are whole numbers.
        assert_eq!(meter.rate(at(20.0)), Some(1.0));
        for second in 1u32..=7 {
            meter.record(
                at(20.0 + f64::from(second)),
                &step("decoding", u64::from(20 + 10 * second)),
            );
        }
        assert_eq!(meter.rate(at(27.0)), Some(10.0));
        assert_eq!(meter.position(), ("decoding", 90, Some(100)));
        let left = remaining(90, Some(100), meter.rate(at(27.0)));
        assert_eq!(left, Some(Duration::from_secs(1)));
        // Silence slows the rate down.
        assert!(meter.rate(at(60.0)).is_some_and(|rate| rate < 2.0));
        assert!(meter.samples.len() < 10, "old samples are dropped");
    }

    #[test]
    fn a_new_stage_starts_anew() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.record(start, &step("decoding", 50));
        meter.record(start + Duration::from_secs(1), &step("decoding", 100));
        meter.record(start + Duration::from_secs(2), &step("measuring", 1));
        assert_eq!(meter.rate(start + Duration::from_secs(3)), None);
        assert_eq!(remaining(1, Some(100), None), None);
        assert_eq!(remaining(1, None, Some(1.0)), None);
        assert_eq!(remaining(1, Some(100), Some(0.0)), None);
    }
}
