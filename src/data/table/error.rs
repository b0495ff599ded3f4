//! Why a table cannot be read or written.

use std::path::PathBuf;

/// What can go wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read or written.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file too large to be a table.
    #[error("{} has {mib} MiB: a table of at most {limit_mib} MiB is expected", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in MiB.
        mib: u64,
        /// The limit in MiB.
        limit_mib: u64,
    },
    /// Not text.
    #[error("{} is not a text table: it is not UTF-8 at byte {byte}", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first foreign byte is.
        byte: usize,
    },
    /// No line with names.
    #[error("{} is empty: a first line with the names of the columns is expected", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line of another length than the first.
    #[error(
        "{}, row {row}: {found} fields where the first line names {expected} columns",
        .path.display()
    )]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The row, counted from 1 below the names.
        row: usize,
        /// Fields in it.
        found: usize,
        /// Columns.
        expected: usize,
    },
    /// The same name twice: a picker could not tell them apart.
    #[error("{} names two columns '{name}'", .path.display())]
    DoubledColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A Parquet file that is damaged, or holds what a table of numbers and text cannot.
    #[error("{} cannot be read as a Parquet table: {reason}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which column.
        reason: String,
    },
}
