//! Many encoders side by side: what each is worth downstream, tables of them, and sweeps that make
//! them.
//!
//! [`performance`] judges one encoder by its features: k nearest neighbours, linear, multi-label
//! and dense probes. A [`MeasurePlan`] says what is measured of each encoder of a series;
//! [`measure_encoder`] gives its row, a [`FolderSeries`] a table of all checkpoints in a folder.
//! A [`SweepPlan`] trains encoders over a grid or a seeded random choice of settings, a row each.
//! [`verdict_series`] judges collapse over many checkpoints.
//! The tables are what `correlation` reads; [`views`] says which columns of one go together, an
//! [`Answer`] is all that one says to a [`Question`], and [`svg`] draws it.
//!
//! Uses every room above it.

mod answer;
mod columns;
mod error;
mod facets;
mod mapping;
mod measuring;
mod outcome;
mod parts;
mod performance;
mod picture;
mod run_series;
mod series;
mod side_by_side;
mod sweep;
mod trails;
mod verdicts;

#[cfg(test)]
pub(crate) use answer::ON_STEPS;
pub use answer::{Answer, Cell, Question, about, caveat, performance_words};
pub use columns::{Columns, views};
pub use error::LabError;
pub use facets::{Facet, MeasureSetting, facet_named, facets, measure_named, rows_and_columns};
pub use mapping::{ColumnFacts, ColumnMapping, is_foreign};
pub use measuring::{Measure, MeasurePlan, measure_encoder};
pub use outcome::RowOutcome;
pub use performance::{Judgement, PerformanceSettings, Task, performance};
pub use picture::{Picture, svg};
pub use run_series::series_of_frames;
pub use series::{FAILED, FolderSeries, SeriesNews, checkpoints_in};
pub use side_by_side::{CommonAxes, TileAxes, common_axes, svg_grid, svg_map, svg_trails};
pub use sweep::{
    Axes, Axis, AxisValue, Choice, PlannedRun, Sweep, SweepControl, SweepPart, SweepPhase,
    SweepPlan, SweepPreset, SweepRunner, SweepState,
};
pub use trails::{AlongQuestion, Trail, Trails};
pub use verdicts::{
    RowVerdict, VERDICT_COLUMNS, VerdictRow, VerdictSeries, encoders_among, images_of_run,
    verdict_series,
};
