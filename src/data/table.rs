//! Tables of text: comma-separated files with one line of column names.

use std::{
    fmt,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// The largest file that is read as a table, bytes: a hundred thousand encoders with their
/// provenance stay far below.
const MAX_BYTES: u64 = 64 << 20;

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
}

/// Rows of text under named columns, as a comma-separated file holds them (RFC 4180: fields with
/// commas, quotes or line breaks are quoted).
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

    /// Reads a comma-separated file. Lines without any field are left out, and so is a byte order
    /// mark.
    ///
    /// # Errors
    /// [`TableError`], which names the file and the row.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        Self::parse(&read_bounded(path)?, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, TableError> {
        let text = std::str::from_utf8(bytes).map_err(|error| TableError::NotText {
            path: path.to_owned(),
            byte: error.valid_up_to(),
        })?;
        let mut records = records(text.trim_start_matches('\u{feff}')).into_iter();
        let columns: Vec<String> = records
            .next()
            .ok_or_else(|| TableError::Empty {
                path: path.to_owned(),
            })?
            .into_iter()
            .map(|name| name.trim().to_owned())
            .collect();
        for (place, name) in columns.iter().enumerate() {
            if columns[..place].contains(name) {
                return Err(TableError::DoubledColumn {
                    path: path.to_owned(),
                    name: name.clone(),
                });
            }
        }
        let rows: Vec<Vec<String>> = records.collect();
        if let Some((row, fields)) = rows
            .iter()
            .enumerate()
            .find(|(_, fields)| fields.len() != columns.len())
        {
            return Err(TableError::Ragged {
                path: path.to_owned(),
                row: row + 1,
                found: fields.len(),
                expected: columns.len(),
            });
        }
        Ok(Self { columns, rows })
    }

    /// Writes the table as a comma-separated file: whole, or not at all.
    ///
    /// # Errors
    /// [`TableError::File`].
    pub fn write(&self, path: &Path) -> Result<(), TableError> {
        let failed = |error: std::io::Error| TableError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o644));
        }
        let mut file = builder.tempfile_in(folder).map_err(failed)?;
        file.write_all(self.to_string().as_bytes())
            .map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path)
            .map(drop)
            .map_err(|error| failed(error.error))
    }
}

impl fmt::Display for Table {
    /// The file's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::iter::once(&self.columns)
            .chain(&self.rows)
            .try_for_each(|fields| f.write_str(&line(fields)))
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, TableError> {
    let failed = |error: std::io::Error| TableError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TableError::TooLarge {
            path: path.to_owned(),
            mib: path.metadata().map_or(0, |data| data.len() >> 20),
            limit_mib: MAX_BYTES >> 20,
        });
    }
    Ok(bytes)
}

/// The records of a text, empty lines left out.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let mut input = text.as_bytes();
    let mut field = Vec::new();
    let mut fields = Vec::new();
    let mut records = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let (result, read, written) = reader.read_field(input, &mut buffer);
        input = &input[read..];
        field.extend_from_slice(&buffer[..written]);
        match result {
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::Field { record_end } => {
                // Fields are cut at ASCII characters, so that what was UTF-8 stays it.
                let bytes = std::mem::take(&mut field);
                fields.push(String::from_utf8_lossy(&bytes).into_owned());
                if record_end {
                    records.push(std::mem::take(&mut fields));
                }
            }
            csv_core::ReadFieldResult::End => return records,
        }
    }
}

/// A record as a line of the file.
fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    // A lone empty field would be an empty line, which readers leave out.
    if quoted.len() == 1 && quoted[0].is_empty() {
        return "\"\"\n".to_owned();
    }
    quoted.join(",") + "\n"
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Table, TableError> {
        Table::parse(text.as_bytes(), Path::new("t.csv"))
    }

    #[test]
    fn a_table_reads_back_what_it_wrote() {
        let mut table = Table::new(["name", "a, in \"units\""]);
        table.push(["two\nlines", "−1.5"]);
        table.push([""]);
        table.push(["x", "y", "too many"]);
        assert_eq!(table.rows()[1], ["", ""]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        table.write(&path).unwrap();
        assert_eq!(Table::read(&path).unwrap(), table);
        let mut narrow = Table::new(["only"]);
        narrow.push([""]);
        assert_eq!(parsed(&narrow.to_string()).unwrap(), narrow);
    }

    #[test]
    fn fields_longer_than_the_buffer_and_windows_lines_are_read() {
        let long = "ß".repeat(5000);
        let table = parsed(&format!("\u{feff}a,b\r\n\r\n{long},2\r\n")).unwrap();
        assert_eq!(table.columns(), ["a", "b"]);
        assert_eq!(table.rows(), [[long, "2".to_owned()]]);
        assert_eq!(table.column("b"), Some(1));
        assert_eq!(table.column("c"), None);
    }

    #[test]
    fn faults_name_the_place() {
        let text = |text: &str| parsed(text).unwrap_err().to_string();
        assert!(text("").contains("empty"));
        assert!(text("a,a\n1,2").contains("two columns 'a'"));
        assert!(text("a,b\n1,2\n3\n").contains("row 2: 1 fields"));
        let binary = Table::parse(&[b'a', 0xff, 0xfe], Path::new("t.csv")).unwrap_err();
        assert!(binary.to_string().contains("byte 1"));
        let missing = Table::read(Path::new("/no/such/table.csv")).unwrap_err();
        assert!(missing.to_string().contains("/no/such/table.csv"));
    }
}
