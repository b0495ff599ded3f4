//! What a run was at a step: enough to go on from there.

use std::sync::Arc;

use super::{
    RunConfig, TrainingError,
    net::{NetPlan, model_weights},
    optimiser::Memory,
    tensors::NamedTensor,
};
use crate::models::ModelWeights;

/// Snapshots of one run may take this much memory; beyond it every other one goes.
pub const SNAPSHOT_LIMIT_BYTES: usize = 512 << 20;

/// A run at a step.
#[derive(Clone)]
pub struct Snapshot {
    /// Steps done.
    pub step: usize,
    pub(super) config: RunConfig,
    pub(super) plan: NetPlan,
    pub(super) tensors: Arc<Vec<NamedTensor>>,
    pub(super) optimisers: [Memory; 2],
    /// The key encoder and its queues; empty for a loss without.
    pub(super) keys: Vec<NamedTensor>,
}

/// The weights of a kept snapshot, which any thread may look at.
#[derive(Clone)]
pub struct KeptWeights {
    /// Steps done.
    pub step: usize,
    /// Name of the run.
    pub run: String,
    plan: NetPlan,
    tensors: Arc<Vec<NamedTensor>>,
}

impl KeptWeights {
    /// The weights of the encoder and its projections.
    ///
    /// # Errors
    /// [`TrainingError::Model`] when a tensor is missing.
    pub fn weights(&self) -> Result<ModelWeights, TrainingError> {
        Ok(model_weights(&self.plan, &self.tensors)?)
    }
}

impl Snapshot {
    /// The same with another memory of the optimisers.
    pub(super) fn with_optimisers(&self, optimisers: &[Memory; 2]) -> Self {
        Self {
            optimisers: optimisers.clone(),
            ..self.clone()
        }
    }

    /// The weights, to be looked at elsewhere.
    pub(super) fn kept(&self) -> KeptWeights {
        KeptWeights {
            step: self.step,
            run: self.config.name.clone(),
            plan: self.plan.clone(),
            tensors: Arc::clone(&self.tensors),
        }
    }

    /// Whether every weight is a number.
    pub(super) fn is_finite(&self) -> bool {
        let mut values = self.tensors.iter().flat_map(|tensor| &tensor.values);
        values.all(|value| value.is_finite())
    }

    /// Memory that it takes: weights, and up to as much again twice for the optimiser.
    pub(super) fn bytes(&self) -> usize {
        let count = |tensors: &[NamedTensor]| -> usize {
            tensors.iter().map(|tensor| tensor.values.len()).sum()
        };
        (3 * count(&self.tensors) + count(&self.keys)) * size_of::<f32>()
    }
}

/// The snapshots of a run, oldest first, within [`SNAPSHOT_LIMIT_BYTES`].
#[derive(Default)]
pub(super) struct Snapshots {
    kept: Vec<Arc<Snapshot>>,
    /// How often every other one was let go.
    pub thinned: u32,
}

impl Snapshots {
    pub fn push(&mut self, snapshot: Snapshot) {
        self.kept.retain(|kept| kept.step < snapshot.step);
        self.kept.push(Arc::new(snapshot));
        while self.kept.len() > 3
            && self.kept.iter().map(|kept| kept.bytes()).sum::<usize>() > SNAPSHOT_LIMIT_BYTES
        {
            thin(&mut self.kept);
            self.thinned += 1;
        }
    }

    /// Puts `optimisers` in the place of what every snapshot remembers: it lived on a device that
    /// is lost.
    pub fn forget_memories(&mut self, optimisers: &[Memory; 2]) {
        for kept in &mut self.kept {
            *kept = Arc::new(kept.with_optimisers(optimisers));
        }
    }

    pub fn truncate(&mut self, step: usize) {
        self.kept.retain(|kept| kept.step <= step);
    }

    pub fn at(&self, step: usize) -> Option<Arc<Snapshot>> {
        self.kept.iter().find(|kept| kept.step == step).cloned()
    }

    pub fn last(&self) -> Option<Arc<Snapshot>> {
        self.kept.last().cloned()
    }

    pub fn weights(&self) -> Vec<KeptWeights> {
        self.kept.iter().map(|kept| kept.kept()).collect()
    }

    pub fn steps(&self) -> Vec<usize> {
        self.kept.iter().map(|kept| kept.step).collect()
    }
}

/// Keeps the first, the last, and every other one between.
pub(super) fn thin<T>(kept: &mut Vec<T>) {
    let last = kept.len().saturating_sub(1);
    let mut position = 0;
    kept.retain(|_| {
        let stays = position % 2 == 0 || position == last;
        position += 1;
        stays
    });
}
