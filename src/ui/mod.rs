//! What is drawn: theme tokens, widgets that know nothing of the field, and the panels.
//!
//! A panel reads a [`World`] (the newest [`Snapshot`] and what belongs to it), keeps its own view
//! settings, and pushes [`Command`]s; it changes nothing else. Uses egui and the rooms above it.

pub mod colour;
mod command;
mod diagnosis;
pub mod icons;
mod inspector;
mod lab;
mod lab_folder;
mod landscape;
pub mod marks;
mod pane;
pub mod panels;
mod preview;
mod selection;
mod snapshot;
pub mod theme;
mod training;
mod verdict_series;
mod view;
pub mod widgets;
mod world;

pub use command::{Command, Commands, OpenTarget, RequestEdit, Shortcut};
pub use diagnosis::{FrameVerdict, KindPicture, RunVerdicts, VerdictPicture};
pub use inspector::{
    BesideChoice, Chosen, InspectCommand, InspectMode, InspectorState, InspectorView, LineChoice,
    MOST_NEAREST, NEAREST,
};
pub use lab::{LabCommand, LabPage, LabState, LabView, TableLink};
pub use lab_folder::{FolderCommand, FolderPhase, FolderState, FolderView, SeriesImages};
pub use landscape::{
    Landscape, LandscapeCommand, LandscapePicture, LandscapeView, PointedAt, SlicePicture, Surface,
};
pub use pane::Pane;
pub use preview::{PreviewPicture, PreviewState};
pub use selection::{Combine, Selection};
pub use snapshot::{Angular, Grid2, PlacedPrototypes, Prepared, Snapshot};
pub use training::{MOVING_INTERVAL, Replay, RunView, TrainCommand};
pub use verdict_series::{VerdictCommand, VerdictSeriesState};
pub use view::{
    CircleView, ColourBy, PlaneView, PotentialView, PreviewView, SelectTool, Shading, SphereView,
    TableView, ThemeChoice, TrainingView, VerdictView, Views,
};
pub use world::{LogLine, Measured, Neighbours, Potential, ThumbnailSource, World, thumbnail};
