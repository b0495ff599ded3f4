//! Tables of numbers and text under named columns: comma-separated files and Parquet.

mod csv;
mod error;
mod guard;
mod parquet;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    fs::File,
    io::{Read, Write},
    path::Path,
};

pub use error::TableError;

/// The largest file that is read as a table, bytes: a hundred thousand encoders with their
/// provenance stay far below.
const MAX_BYTES: u64 = 64 << 20;

/// Endings of files that are written as Parquet.
const PARQUET_ENDINGS: [&str; 2] = ["parquet", "pq"];
/// Endings of text tables.
const TEXT_ENDINGS: [&str; 2] = ["csv", "tsv"];

/// Rows of text under named columns. In a file they are comma-separated (RFC 4180: fields with
/// commas, quotes or line breaks are quoted) or Parquet, by the file's ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows; each has as many fields as there are columns.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Place of the column called `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Adds a row. Fields beyond the columns are dropped, missing ones are empty.
    pub fn push(&mut self, fields: impl IntoIterator<Item = impl Into<String>>) {
        let mut row: Vec<String> = fields
            .into_iter()
            .map(Into::into)
            .take(self.columns.len())
            .collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Whether a file's ending says that it holds a table.
    pub fn is_named_as_one(path: &Path) -> bool {
        has_ending(path, &PARQUET_ENDINGS) || has_ending(path, &TEXT_ENDINGS)
    }

    /// Reads a file: Parquet by its first bytes or its ending, else text.
    ///
    /// In text, fields are parted by commas; where that makes no table, by semicolons or tabs. A
    /// column whose numbers are written with a decimal comma then gets points. Lines without any
    /// field are left out, and so is a byte order mark.
    ///
    /// Of Parquet, flat columns of numbers, truth values and text are read, uncompressed or
    /// compressed by snappy; a missing value is an empty field.
    ///
    /// # Errors
    /// [`TableError`], which names the file and the row or column.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let (file, bytes) = read_bounded(path)?;
        let table = if bytes.starts_with(parquet::MAGIC) || has_ending(path, &PARQUET_ENDINGS) {
            parquet::read(file, &bytes, path)?
        } else {
            csv::parse(&bytes, path)?
        };
        for (place, name) in table.columns.iter().enumerate() {
            if table.columns[..place].contains(name) {
                return Err(TableError::DoubledColumn {
                    path: path.to_owned(),
                    name: name.clone(),
                });
            }
        }
        Ok(table)
    }

    /// Writes the table, whole or not at all: as Parquet where the path ends in `.parquet` or
    /// `.pq`, else comma-separated. In Parquet a column whose fields are all numbers or empty holds
    /// doubles, every other one text; an empty field is missing.
    ///
    /// # Errors
    /// [`TableError::File`].
    pub fn write(&self, path: &Path) -> Result<(), TableError> {
        let failed = |reason: String| TableError::File {
            path: path.to_owned(),
            reason,
        };
        let bytes = if has_ending(path, &PARQUET_ENDINGS) {
            parquet::encode(self).map_err(failed)?
        } else {
            self.to_string().into_bytes()
        };
        super::write_whole(path, |file| file.write_all(&bytes))
            .map_err(|error: std::io::Error| failed(error.to_string()))
    }
}

impl fmt::Display for Table {
    /// The text of the comma-separated file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::iter::once(&self.columns)
            .chain(&self.rows)
            .try_for_each(|fields| f.write_str(&csv::line(fields)))
    }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    endings
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// The file and what stands in it.
fn read_bounded(path: &Path) -> Result<(File, Vec<u8>), TableError> {
    let failed = |error: std::io::Error| TableError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    (&file)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TableError::TooLarge {
            path: path.to_owned(),
            mib: path.metadata().map_or(0, |data| data.len() >> 20),
            limit_mib: MAX_BYTES >> 20,
        });
    }
    Ok((file, bytes))
}
