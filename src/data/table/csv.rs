//! Text tables: one line of column names, one line a row.

use std::path::Path;

use super::{Table, TableError};

/// What parts the fields of a line, in the order in which they are tried.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Reads the text of a file called `path`.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Table, TableError> {
    let text = std::str::from_utf8(bytes).map_err(|error| TableError::NotText {
        path: path.to_owned(),
        byte: error.valid_up_to(),
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let with_commas = separated(text, b',', path);
    // Only where commas make no table of two columns is anything else looked for: a table of one
    // column may well have semicolons in its text.
    if with_commas
        .as_ref()
        .is_ok_and(|table| table.columns.len() > 1)
    {
        return with_commas;
    }
    for separator in &SEPARATORS[1..] {
        if let Ok(mut table) = separated(text, *separator, path)
            && table.columns.len() > 1
        {
            read_decimal_commas(&mut table);
            return Ok(table);
        }
    }
    with_commas
}

fn separated(text: &str, separator: u8, path: &Path) -> Result<Table, TableError> {
    let mut records = records(text, separator).into_iter();
    let columns: Vec<String> = records
        .next()
        .ok_or_else(|| TableError::Empty {
            path: path.to_owned(),
        })?
        .into_iter()
        .map(|name| name.trim().to_owned())
        .collect();
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
    Ok(Table { columns, rows })
}

/// Writes points for decimal commas in columns that hold nothing but numbers then.
fn read_decimal_commas(table: &mut Table) {
    let pointed = |field: &str| field.replacen(',', ".", 1);
    for column in 0..table.columns.len() {
        let is_number = |row: &Vec<String>| {
            row[column].trim().is_empty() || {
                let field = pointed(row[column].trim());
                field.parse::<f64>().is_ok()
            }
        };
        if table.rows.iter().all(is_number) {
            for row in &mut table.rows {
                if row[column].contains(',') {
                    row[column] = pointed(&row[column]);
                }
            }
        }
    }
}

/// The records of a text, empty lines left out.
fn records(text: &str, separator: u8) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
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
pub(super) fn line(fields: &[String]) -> String {
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
