//! Verdicts of many checkpoints: what is asked and what is known.

use std::{path::PathBuf, sync::Arc};

use crate::lab::VerdictSeries;

/// Something to say to the table of verdicts.
#[derive(Clone, Debug, PartialEq)]
pub enum VerdictCommand {
    /// Ask for a folder of checkpoints.
    AskFolder,
    /// Judge checkpoints and all in folders.
    Judge(Vec<PathBuf>),
    /// Judge those that are left.
    GoOn,
    /// Stop; what is judged stays.
    Stop,
    /// Open the encoder of a row.
    OpenRow(usize),
}

impl VerdictCommand {
    /// Those that make sense without a further choice.
    pub const ALL: [Self; 3] = [Self::AskFolder, Self::GoOn, Self::Stop];

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::AskFolder => "Verdicts: judge a folder of checkpoints…".into(),
            Self::Judge(paths) => match &paths[..] {
                [path] => format!("Verdicts: judge {}", path.display()),
                _ => format!("Verdicts: judge {} checkpoints", paths.len()),
            },
            Self::GoOn => "Verdicts: go on judging".into(),
            Self::Stop => "Verdicts: stop judging".into(),
            Self::OpenRow(row) => format!("Verdicts: open encoder {}", row + 1),
        }
    }

    /// A sentence more.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::AskFolder | Self::Judge(_) => {
                "A table with the verdict and the main quantities of every checkpoint, over the \
                 shown images, or over a saved run's own"
            }
            Self::GoOn => "Rows that are there stay; failed ones are tried again",
            Self::Stop => "Rows that are there stay",
            Self::OpenRow(_) => "Over the images of the table",
        }
    }
}

/// What is known of a series of verdicts.
#[derive(Clone, Debug, Default)]
pub struct VerdictSeriesState {
    /// What was named.
    pub paths: Vec<PathBuf>,
    /// The rows so far.
    pub series: Option<Arc<VerdictSeries>>,
    /// Whether rows are being made.
    pub is_working: bool,
    /// Why it ended before its end.
    pub problem: Option<String>,
}

impl VerdictSeriesState {
    /// Whether something is left to judge.
    pub fn is_unfinished(&self) -> bool {
        let is_left = |series: &Arc<VerdictSeries>| !series.is_finished();
        !self.is_working
            && !self.paths.is_empty()
            && (self.problem.is_some() || self.series.as_ref().is_none_or(is_left))
    }
}
