//! Widgets that know nothing of spheres or checkpoints. Each names itself to AccessKit and can be
//! reached with the keyboard.

mod buttons;
mod chart;
mod figure;
mod frame;
mod histogram;
mod keys;
mod legend;
mod progress;
mod table;
mod toast;

pub use buttons::{choice, copy_button, icon_button, icon_toggle, number_field};
pub use chart::{Chart, ChartEvent, Series, Upright, chart};
pub use figure::{Figure, figure, format_value, grouped};
pub use frame::{
    caption, caption_line, drop_zone, empty_state, header_line, how_to_read, key_value, labelled,
    note, rule, section, tip, tip_at,
};
pub use histogram::{Histogram, histogram};
pub use keys::{ViewKeys, view_keys, walk};
pub use legend::{LegendEntry, LegendEvent, legend};
pub use progress::{Running, progress_bar, seconds};
pub use table::{Column, RowEvent, Sort, TableState, table};
pub use toast::{Level, Toasts};
