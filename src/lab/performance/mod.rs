//! What an encoder's frozen features are worth downstream.

mod settings;
mod subject;

#[cfg(test)]
mod tests;

use serde::Serialize;

use self::subject::Subject;
use super::LabError;
use crate::{
    analysis::{Cache, Request, embed},
    compute::Compute,
    features::FeatureKind,
    measure::Fit,
    progress::Progress,
};

pub use settings::{PerformanceSettings, Task};

/// How one task came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// The task.
    pub task: Task,
    /// What the value is.
    pub metric: &'static str,
    /// In [0, 1], higher is better; absent when it does not exist here.
    pub value: Option<f64>,
    /// Why there is no value.
    pub why_absent: Option<String>,
    /// What knowing nothing of the image gives.
    pub chance: Option<f64>,
    /// Standard error over held-out images of a share that is right.
    pub standard_error: Option<f64>,
    /// More numbers by name: pixel accuracy, IoU or average precision of each class.
    pub more: Vec<(String, Option<f64>)>,
    /// How it was computed, in symbols.
    pub formula: String,
    /// Over what: images, split and seed, features.
    pub population: String,
    /// How the fit ended, where something is fitted.
    pub fit: Option<Fit>,
}

impl Judgement {
    fn absent(task: Task, why: impl Into<String>) -> Self {
        Self {
            task,
            metric: task.metric(),
            value: None,
            why_absent: Some(why.into()),
            chance: None,
            standard_error: None,
            more: Vec::new(),
            formula: String::new(),
            population: String::new(),
            fit: None,
        }
    }

    fn with_value(mut self, value: f64, chance: f64) -> Self {
        self.value = Some(value);
        self.chance = Some(chance);
        self.why_absent = None;
        self
    }
}

/// Measures each task on the frozen features of the request's encoder at the request's stage:
/// pooled ones for images, dense ones for locations. Images of the request are split anew, by
/// class where they have one.
///
/// # Errors
/// What keeps the encoder or the images from being used at all. A task that does not exist for
/// these images (no labels, no masks) is no error: it says why.
pub fn performance(
    request: &Request,
    settings: &PerformanceSettings,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Vec<Judgement>, LabError> {
    let mut judged = Vec::with_capacity(settings.tasks.len());
    // Tasks that share features follow each other: the cache holds one extraction.
    for kind in [FeatureKind::Pooled, FeatureKind::Dense] {
        let tasks: Vec<Task> = (settings.tasks.iter().copied())
            .filter(|task| task.kind() == kind)
            .collect();
        if tasks.is_empty() {
            continue;
        }
        let limit = match kind {
            FeatureKind::Dense => least(request.limit, settings.dense_limit),
            _ => request.limit,
        };
        let wanted = Request {
            kind,
            limit,
            stage: request
                .stage
                .filter(|_| request.kind.is_dense() == kind.is_dense()),
            ..request.clone()
        };
        match embed(&wanted, compute, cache, progress) {
            Ok(embedding) => {
                let subject = Subject::new(embedding, settings);
                for task in tasks {
                    judged.push(subject.judge(task, progress)?);
                }
            }
            Err(crate::analysis::AnalysisError::Features(
                error @ crate::features::FeatureError::NoLocations { .. },
            )) => {
                judged.extend(
                    tasks
                        .into_iter()
                        .map(|task| Judgement::absent(task, error.to_string())),
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    judged.sort_by_key(|judgement| {
        settings
            .tasks
            .iter()
            .position(|task| *task == judgement.task)
    });
    Ok(judged)
}

fn least(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
