//! What the window says to the correlation lab, and what panels may read of it.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{FolderCommand, FolderState, FolderView};
use crate::{
    correlation::Statistic,
    lab::{
        AlongQuestion, Answer, ColumnMapping, Picture, Question, SweepPhase, SweepPreset,
        SweepState, Trails,
    },
};

/// Something asked of the correlation lab.
#[derive(Clone, Debug, PartialEq)]
pub enum LabCommand {
    /// Ask for a table of encoders, or the folder of a sweep.
    AskOpen,
    /// Open a table of encoders, or the table of a sweep in its folder.
    Open(PathBuf),
    /// Ask which column of the open table is what.
    AskColumns,
    /// Take the columns of the table that was asked about so.
    UseColumns(ColumnMapping),
    /// Relate the encoders that were measured in this session.
    UseMeasured,
    /// Measure the performance of the encoder that is shown.
    JudgeShown,
    /// Ask another question.
    Ask(Question),
    /// Follow the scores along another number, or for other parts.
    Follow(AlongQuestion),
    /// Ask where a prepared sweep shall be done.
    AskSweep(&'static str),
    /// Do a prepared sweep in a folder, or go on with it there.
    StartSweep(&'static str, PathBuf),
    /// Go on with the sweep whose table is open.
    ContinueSweep,
    /// Let the sweep wait, or go on.
    PauseSweep,
    /// End the sweep; it can go on later.
    StopSweep,
    /// Show the table of the sweep as it grows.
    FollowSweep,
    /// Say something to the series of a folder's checkpoints.
    Folder(FolderCommand),
    /// Open the encoder of a point of the series.
    OpenEncoder(usize),
    /// Open the encoder of a row of the table, counted from 1.
    OpenRow(usize),
    /// Ask for a folder for table and figures.
    AskExport,
    /// Write table and figures into a folder.
    Export(PathBuf),
}

impl LabCommand {
    /// Everything that makes sense without a further choice.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::AskOpen,
            Self::AskColumns,
            Self::UseMeasured,
            Self::JudgeShown,
            Self::ContinueSweep,
            Self::PauseSweep,
            Self::StopSweep,
            Self::FollowSweep,
            Self::AskExport,
        ];
        all.extend(FolderCommand::ALL.map(Self::Folder));
        all.extend(
            SweepPreset::ALL
                .iter()
                .map(|preset| Self::AskSweep(preset.name)),
        );
        all
    }

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::AskOpen => "Correlation: open a table or a sweep…".into(),
            Self::Open(path) => format!("Correlation: open {}", path.display()),
            Self::AskColumns => "Correlation: choose the columns of the table…".into(),
            Self::UseColumns(_) => "Correlation: take these columns".into(),
            Self::UseMeasured => "Correlation: relate the encoders measured here".into(),
            Self::JudgeShown => "Correlation: measure the performance of the shown encoder".into(),
            Self::Ask(_) => "Correlation: ask another question".into(),
            Self::Follow(_) => "Correlation: follow the scores along a number".into(),
            Self::AskSweep(name) => format!("Sweep: {name}…"),
            Self::StartSweep(name, path) => format!("Sweep: {name} in {}", path.display()),
            Self::ContinueSweep => "Sweep: go on with the open one".into(),
            Self::PauseSweep => "Sweep: pause or go on".into(),
            Self::StopSweep => "Sweep: stop".into(),
            Self::FollowSweep => "Sweep: show its table as it grows".into(),
            Self::Folder(command) => command.text(),
            Self::OpenEncoder(index) => format!("Correlation: open encoder {}", index + 1),
            Self::OpenRow(row) => format!("Correlation: open the encoder of row {row}"),
            Self::AskExport => "Correlation: export table and figures…".into(),
            Self::Export(path) => format!("Correlation: export to {}", path.display()),
        }
    }

    /// A sentence more, for tooltips.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::AskOpen => {
                "A CSV or Parquet file with a row an encoder: alignment, uniformity, performance; or \
                 the folder of a sweep"
            }
            Self::AskColumns => "Which column is alignment, uniformity, performance, name, group",
            Self::UseMeasured => "Those of the align–uniform plane whose performance was measured",
            Self::JudgeShown => {
                "A linear probe and k-NN on the shown images, half of them held out"
            }
            Self::Folder(command) => command.tooltip(),
            Self::AskSweep(name) => SweepPreset::named(name).map_or("", |preset| preset.comment),
            Self::StopSweep => {
                "What is finished stays; the run under way is saved and goes on later"
            }
            Self::AskExport => "The table as CSV and Parquet, the figures as SVG and PNG",
            _ => "",
        }
    }
}

/// What the view draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabPage {
    /// The align–uniform plane coloured by performance.
    #[default]
    Plane,
    /// Alignment and uniformity against performance.
    Trends,
    /// A small picture for each group, measure or task.
    Grid,
    /// Scores of groups, or of measures, for each task.
    Map,
    /// Scores along a number.
    Along,
    /// Scores and findings.
    Scores,
}

impl LabPage {
    /// All, in the order of the selector.
    pub const ALL: [Self; 6] = [
        Self::Plane,
        Self::Trends,
        Self::Grid,
        Self::Map,
        Self::Along,
        Self::Scores,
    ];

    /// Name in the selector.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plane => "Plane",
            Self::Trends => "A and U",
            Self::Grid => "Grid",
            Self::Map => "Map",
            Self::Along => "Along",
            Self::Scores => "Scores",
        }
    }

    /// A sentence more, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Plane => "The align–uniform plane coloured by performance, with the fitted plane",
            Self::Trends => "Alignment and uniformity, each against performance",
            Self::Grid => "Side by side: a small picture for each data kind, task, measure, …",
            Self::Map => "Side by side: a score with its interval for each of them",
            Self::Along => "How the scores change along training, or along a setting",
            Self::Scores => "Every score with its interval",
        }
    }
}

/// Settings of the correlation lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabView {
    /// What is asked of the table.
    pub question: Question,
    /// What is drawn.
    pub page: LabPage,
    /// The score of the map and of the curve.
    pub statistic: Statistic,
    /// What the small pictures show.
    pub small: Picture,
    /// What is followed along a number.
    pub along: AlongQuestion,
    /// The prepared sweep that is chosen.
    pub sweep: String,
    /// What is measured of a folder's checkpoints.
    pub folder: FolderView,
    /// The table or the sweep's folder that is open: the next window opens it again.
    pub source: Option<PathBuf>,
    /// Which of its columns is what, where that was chosen.
    pub columns: Option<ColumnMapping>,
}

impl Default for LabView {
    fn default() -> Self {
        Self {
            question: Question::default(),
            page: LabPage::default(),
            statistic: Statistic::MultipleR,
            small: Picture::default(),
            along: AlongQuestion::default(),
            sweep: SweepPreset::ALL
                .first()
                .map_or("", |preset| preset.name)
                .to_owned(),
            folder: FolderView::default(),
            source: None,
            columns: None,
        }
    }
}

/// The correlation lab as panels see it.
#[derive(Clone, Debug, Default)]
pub struct LabState {
    /// Where the table comes from, in words.
    pub source: Option<String>,
    /// What it says.
    pub answer: Option<Arc<Answer>>,
    /// What it says along training, or along a setting.
    pub trails: Option<Arc<Trails>>,
    /// The row of the table, counted from 1, whose encoder was opened last.
    pub opened_row: Option<usize>,
    /// Why there is no newer answer.
    pub problem: Option<String>,
    /// Whether an answer is being computed.
    pub is_working: bool,
    /// Whether the performance of an encoder is being measured.
    pub is_judging: bool,
    /// The sweep under way, or done.
    pub sweep: Option<Arc<SweepState>>,
    /// The series of a folder's checkpoints under way, or done.
    pub folder: Option<Arc<FolderState>>,
    /// The folder that the run was saved in, or opened from.
    pub run_folder: Option<PathBuf>,
    /// What the open table is to what makes it.
    pub link: TableLink,
}

/// What an open table is to what makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableLink {
    /// Nothing, or it is finished.
    #[default]
    None,
    /// It is that of the sweep under way, and grows with it.
    Following,
    /// It is that of a sweep that has runs left and does not run.
    Unfinished,
    /// It is that of the checkpoints that are being measured, and grows with them.
    Measuring,
    /// It has checkpoints left that nobody measures.
    Unmeasured,
    /// It is that of the run's kept frames, and grows with them.
    Run,
}

impl LabState {
    /// Whether a sweep is under way, waiting included.
    pub fn is_sweeping(&self) -> bool {
        self.sweep.as_ref().is_some_and(|sweep| {
            matches!(
                sweep.phase,
                SweepPhase::Preparing
                    | SweepPhase::Training
                    | SweepPhase::Measuring
                    | SweepPhase::Paused
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_words_of_its_own() {
        let all = LabCommand::all();
        let mut texts: Vec<String> = all.iter().map(LabCommand::text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all.len());
    }
}
