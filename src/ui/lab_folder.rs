//! A series from a folder of checkpoints, and from a run: what is asked, and what is known.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{features::FeatureKind, lab::Task};

/// Something asked of a series of checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub enum FolderCommand {
    /// Ask for a folder.
    Ask,
    /// Ask for a folder with the system's dialog.
    Browse,
    /// Measure every checkpoint in a folder.
    Measure(PathBuf),
    /// Measure the saved steps of the run.
    MeasureRun,
    /// Measure those that are left.
    GoOn,
    /// Stop; what is measured stays.
    Stop,
    /// Show the table as it grows.
    Follow,
    /// Relate the kept frames of the run, as they come.
    FollowRun,
}

impl FolderCommand {
    /// Those that make sense without a further choice.
    pub const ALL: [Self; 6] = [
        Self::Ask,
        Self::MeasureRun,
        Self::GoOn,
        Self::Stop,
        Self::Follow,
        Self::FollowRun,
    ];

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::Ask => "Correlation: measure a folder of checkpoints…".into(),
            Self::Browse => "Correlation: choose a folder of checkpoints…".into(),
            Self::Measure(path) => format!("Correlation: measure {}", path.display()),
            Self::MeasureRun => "Correlation: measure the saved steps of the run".into(),
            Self::GoOn => "Correlation: go on measuring".into(),
            Self::Stop => "Correlation: stop measuring".into(),
            Self::Follow => "Correlation: show the measured checkpoints as they come".into(),
            Self::FollowRun => "Correlation: relate the snapshots of the run".into(),
        }
    }

    /// A sentence more.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::Ask | Self::Browse | Self::Measure(_) => {
                "Each is opened, measured and probed, and has its point at once; a file of rows \
                 beside them goes on after a stop"
            }
            Self::MeasureRun => "Every saved step, over the scenes that the run probes itself on",
            Self::GoOn => "Rows that are there stay; failed ones are tried again",
            Self::Stop => "Rows that are there stay, and it goes on later",
            Self::Follow => "",
            Self::FollowRun => {
                "Alignment and uniformity of its probe at every kept step, with k-NN on the same \
                 vectors; grows while it trains"
            }
        }
    }
}

/// Over which images a folder is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesImages {
    /// A saved run's own scenes, else the images that are shown.
    #[default]
    Fitting,
    /// Built-in scenes of one object.
    SingleObject,
    /// Built-in scenes of several.
    MultiObject,
}

impl SeriesImages {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Fitting, Self::SingleObject, Self::MultiObject];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitting => "shown, or the run's own",
            Self::SingleObject => "built-in single objects",
            Self::MultiObject => "built-in multi-object scenes",
        }
    }
}

/// What is measured of a folder's checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderView {
    /// Whose alignment and uniformity.
    pub kinds: Vec<FeatureKind>,
    /// Which performances.
    pub tasks: Vec<Task>,
    /// Over which images.
    pub images: SeriesImages,
}

impl Default for FolderView {
    fn default() -> Self {
        Self {
            kinds: vec![FeatureKind::Pooled, FeatureKind::Dense],
            tasks: vec![Task::Linear, Task::Knn],
            images: SeriesImages::default(),
        }
    }
}

impl FolderView {
    /// Tasks in the order in which they are measured: the first is *the* performance.
    pub const TASKS: [Task; 4] = [Task::Linear, Task::Knn, Task::MultiLabel, Task::Dense];

    /// Takes vectors in, or leaves them out; one kind always stays.
    pub fn toggle_kind(&mut self, kind: FeatureKind) {
        toggle(&mut self.kinds, kind, &FeatureKind::ALL);
    }

    /// Takes a task in, or leaves it out; one always stays.
    pub fn toggle_task(&mut self, task: Task) {
        toggle(&mut self.tasks, task, &Self::TASKS);
    }
}

fn toggle<T: Copy + PartialEq>(chosen: &mut Vec<T>, one: T, order: &[T]) {
    let is_in = |other: &T| chosen.contains(other) != (*other == one);
    let now: Vec<T> = order.iter().copied().filter(is_in).collect();
    if !now.is_empty() {
        *chosen = now;
    }
}

/// Where a series of checkpoints stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FolderPhase {
    /// It is made.
    #[default]
    Working,
    /// Every checkpoint has its row.
    Finished,
    /// It was stopped, or broke off; it can go on.
    Stopped,
}

/// What is known of a series of checkpoints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderState {
    /// The folder.
    pub folder: PathBuf,
    /// The file of its rows, once it is known.
    pub file: Option<PathBuf>,
    /// Checkpoints with a row.
    pub done: usize,
    /// Checkpoints in all; 0 until they are counted.
    pub total: usize,
    /// The one that is being measured.
    pub now: Option<String>,
    /// Time left, seconds.
    pub remaining_s: Option<f64>,
    /// Where it stands.
    pub phase: FolderPhase,
    /// Why it broke off.
    pub problem: Option<String>,
    /// The command that makes the same rows without a window.
    pub command_line: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_keeps_its_order_and_is_never_nothing() {
        let mut view = FolderView::default();
        view.toggle_task(Task::Dense);
        view.toggle_task(Task::Linear);
        view.toggle_task(Task::Linear);
        assert_eq!(view.tasks, [Task::Linear, Task::Knn, Task::Dense]);
        view.toggle_kind(FeatureKind::Pooled);
        view.toggle_kind(FeatureKind::Dense);
        assert_eq!(view.kinds, [FeatureKind::Dense]);
    }

    #[test]
    fn every_command_has_words_of_its_own() {
        let mut texts: Vec<String> = FolderCommand::ALL.iter().map(FolderCommand::text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), FolderCommand::ALL.len());
    }
}
