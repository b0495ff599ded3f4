//! The window: its state, what happens on a command, the layout, sessions and the shell around
//! the panels.
//!
//! One way round: a panel pushes a [`Command`](crate::ui::Command), `dispatch` is the one place
//! where it changes anything, jobs go to the pinned worker, and their newest outcome comes back
//! through a slot that holds one value. Uses every room above it.

mod closing;
mod columns;
mod columns_dialog;
mod diagnosis;
mod dispatch;
mod exports;
pub mod figure;
mod frame;
mod help;
mod inspector;
mod jobs;
mod lab;
mod lab_figures;
mod lab_folder;
mod landscape;
pub mod landscape_svg;
mod layout;
mod logging;
mod modal;
mod opening;
mod painting;
mod palette;
mod path_dialog;
mod potential;
mod preview;
mod receive;
mod session;
mod shell;
mod state;
mod thumbnails;
mod training;
mod verdict_series;
mod window;

#[cfg(test)]
mod tests;

pub use lab_figures::{export as export_series_into, export_apart as export_series};
pub use session::{Session, SessionError};
pub use state::App;
pub use window::{Options, run};
