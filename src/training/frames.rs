//! What the probes showed, kept for the time scrubber.

use std::sync::Arc;

use super::snapshot::thin;
use crate::analysis::Analysis;

/// Frames of one run may take this much memory; beyond it every other one goes.
pub const FRAME_LIMIT_BYTES: usize = 256 << 20;

/// A probe of the run at a step.
#[derive(Clone)]
pub struct Frame {
    /// Steps done.
    pub step: usize,
    /// What every view shows.
    pub analysis: Arc<Analysis>,
}

impl Frame {
    /// Memory of its own; images, thumbnails and report are shared by all frames.
    fn bytes(&self) -> usize {
        let analysis = &self.analysis;
        let floats = analysis.features.values.len()
            + analysis.unit.len()
            + 12 * analysis.norms.len()
            + 8 * analysis.pairs.distances.len();
        floats * size_of::<f32>()
    }
}

/// The frames of a run, oldest first, within [`FRAME_LIMIT_BYTES`].
#[derive(Default)]
pub(super) struct Frames {
    kept: Vec<Arc<Frame>>,
    pub thinned: u32,
}

impl Frames {
    pub fn push(&mut self, frame: Frame) {
        self.kept.retain(|kept| kept.step < frame.step);
        self.kept.push(Arc::new(frame));
        while self.kept.len() > 3
            && self.kept.iter().map(|kept| kept.bytes()).sum::<usize>() > FRAME_LIMIT_BYTES
        {
            thin(&mut self.kept);
            self.thinned += 1;
        }
    }

    pub fn truncate(&mut self, step: usize) {
        self.kept.retain(|kept| kept.step <= step);
    }

    pub fn last(&self) -> Option<Arc<Frame>> {
        self.kept.last().cloned()
    }

    /// The newest frame at or before `step`; the first one before it.
    pub fn at(&self, step: usize) -> Option<Arc<Frame>> {
        let after = self.kept.partition_point(|kept| kept.step <= step);
        self.kept.get(after.saturating_sub(1)).cloned()
    }

    pub fn steps(&self) -> Vec<usize> {
        self.kept.iter().map(|kept| kept.step).collect()
    }
}
