//! Tables as Parquet: typed columns, compressed by snappy.

use std::{fs::File, panic::AssertUnwindSafe, path::Path, sync::Arc};

use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Repetition, Type as PhysicalType},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType},
    file::{
        metadata::ColumnChunkMetaData, properties::WriterProperties, reader::FileReader,
        serialized_reader::SerializedFileReader, writer::SerializedFileWriter,
    },
    schema::types::{ColumnDescriptor, Type},
};

use super::{Table, TableError, guard};

/// What a Parquet file begins and ends with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The most fields that are read: a hundred thousand encoders with forty columns.
const MAX_FIELDS: usize = 4 << 20;
/// The most text that is read, bytes: a few words in a dictionary can stand for gigabytes.
const MAX_TEXT: usize = 64 << 20;
/// Rows that are decoded at once.
const BATCH: usize = 4096;

/// Reads a file of which `bytes` is the content.
pub(super) fn read(file: File, bytes: &[u8], path: &Path) -> Result<Table, TableError> {
    // The decoders assert what a sound file holds; a damaged one must not end the program.
    std::panic::catch_unwind(AssertUnwindSafe(|| decode(file, bytes)))
        .unwrap_or_else(|_| Err("it is damaged".to_owned()))
        .map_err(|reason| TableError::Parquet {
            path: path.to_owned(),
            reason,
        })
}

fn decode(file: File, bytes: &[u8]) -> Result<Table, String> {
    if !bytes.starts_with(MAGIC) {
        return Err("it does not begin as a Parquet file does".to_owned());
    }
    guard::check_footer(bytes)?;
    let said = |error: parquet::errors::ParquetError| error.to_string();
    let reader = SerializedFileReader::new(file).map_err(said)?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let columns = schema.columns();
    if columns.is_empty() {
        return Err("it has no columns".to_owned());
    }
    for column in columns {
        check_kind(column)?;
    }
    let mut rows_total = 0;
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).map_err(|_| "it is damaged".to_owned())?;
        rows_total += rows.min(MAX_FIELDS);
        if rows_total.saturating_mul(columns.len()) > MAX_FIELDS {
            return Err(format!(
                "it claims more than {MAX_FIELDS} fields: too many for a table of encoders"
            ));
        }
    }
    let mut budget = guard::Budget::default();
    let mut text_left = MAX_TEXT;
    let mut table = Table::new(columns.iter().map(|column| column.name()));
    table.rows.reserve(rows_total);
    for (place, group) in metadata.row_groups().iter().enumerate() {
        let rows = usize::try_from(group.num_rows()).map_err(|_| "it is damaged".to_owned())?;
        let group_reader = reader.get_row_group(place).map_err(said)?;
        let first = table.rows.len();
        table
            .rows
            .resize_with(first + rows, || Vec::with_capacity(columns.len()));
        if group.columns().len() != columns.len() {
            return Err("it is damaged".to_owned());
        }
        for (at, chunk) in group.columns().iter().enumerate() {
            let column = &columns[at];
            let named = |reason: String| format!("column '{}': {reason}", column.name());
            check_packing(chunk).map_err(named)?;
            budget.check_pages(bytes_of(chunk, bytes)?).map_err(named)?;
            let source = group_reader
                .get_column_reader(at)
                .map_err(|error| named(error.to_string()))?;
            let fields = fields(source, column, rows, &mut text_left).map_err(named)?;
            for (row, field) in table.rows[first..].iter_mut().zip(fields) {
                row.push(field);
            }
        }
    }
    Ok(table)
}

/// Refuses what is neither number, truth value nor text.
fn check_kind(column: &ColumnDescriptor) -> Result<(), String> {
    let refuse = |what: &str| {
        Err(format!(
            "column '{}' holds {what}; only numbers and text are read",
            column.name()
        ))
    };
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return refuse("lists or records");
    }
    let words = match column.logical_type_ref() {
        Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_)) => {
            Some("dates or times")
        }
        Some(LogicalType::Decimal(_)) => Some("decimals of a fixed scale"),
        None
        | Some(
            LogicalType::String
            | LogicalType::Enum
            | LogicalType::Json
            | LogicalType::Integer(_)
            | LogicalType::Unknown,
        ) => None,
        Some(_) => Some("values of a foreign type"),
    };
    if let Some(words) = words {
        return refuse(words);
    }
    match column.converted_type() {
        ConvertedType::DATE
        | ConvertedType::TIME_MILLIS
        | ConvertedType::TIME_MICROS
        | ConvertedType::TIMESTAMP_MILLIS
        | ConvertedType::TIMESTAMP_MICROS
        | ConvertedType::INTERVAL => return refuse("dates or times"),
        ConvertedType::DECIMAL => return refuse("decimals of a fixed scale"),
        ConvertedType::BSON => return refuse("values of a foreign type"),
        _ => {}
    }
    match column.physical_type() {
        PhysicalType::INT96 => refuse("dates or times"),
        PhysicalType::FIXED_LEN_BYTE_ARRAY => refuse("bytes of a fixed length"),
        _ => Ok(()),
    }
}

fn check_packing(chunk: &ColumnChunkMetaData) -> Result<(), String> {
    match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY => Ok(()),
        other => {
            let codec = other.to_string();
            let codec = codec.split('(').next().unwrap_or_default();
            Err(format!(
                "it is compressed by {codec}; write the file with compression=\"snappy\" or none"
            ))
        }
    }
}

/// Where the pages of a chunk stand.
fn bytes_of<'a>(chunk: &ColumnChunkMetaData, bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or(chunk.data_page_offset());
    let range = usize::try_from(start)
        .ok()
        .zip(usize::try_from(chunk.compressed_size()).ok())
        .and_then(|(start, length)| Some(start..start.checked_add(length)?));
    range
        .and_then(|range| bytes.get(range))
        .ok_or_else(|| "it is damaged or cut short".to_owned())
}

/// The fields of a column in one group of rows.
fn fields(
    reader: ColumnReader,
    column: &ColumnDescriptor,
    rows: usize,
    text_left: &mut usize,
) -> Result<Vec<String>, String> {
    let is_unsigned = matches!(
        column.converted_type(),
        ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64
    );
    let may_miss = column.max_def_level() > 0;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            decoded(reader, may_miss, rows, |value| Ok(value.to_string()))
        }
        ColumnReader::Int32ColumnReader(reader) => decoded(reader, may_miss, rows, |value| {
            Ok(if is_unsigned {
                value.cast_unsigned().to_string()
            } else {
                value.to_string()
            })
        }),
        ColumnReader::Int64ColumnReader(reader) => decoded(reader, may_miss, rows, |value| {
            Ok(if is_unsigned {
                value.cast_unsigned().to_string()
            } else {
                value.to_string()
            })
        }),
        ColumnReader::FloatColumnReader(reader) => {
            decoded(reader, may_miss, rows, |value| Ok(value.to_string()))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            decoded(reader, may_miss, rows, |value| Ok(value.to_string()))
        }
        ColumnReader::ByteArrayColumnReader(reader) => decoded(reader, may_miss, rows, |value| {
            let text = std::str::from_utf8(value.data())
                .map_err(|_| "it holds bytes that are not text (UTF-8)".to_owned())?;
            *text_left = text_left
                .checked_sub(text.len())
                .ok_or_else(|| format!("it holds more than {} MiB of text", MAX_TEXT >> 20))?;
            Ok(text.to_owned())
        }),
        ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
            Err("it holds values of a foreign type".to_owned())
        }
    }
}

fn decoded<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    may_miss: bool,
    rows: usize,
    mut text: impl FnMut(&T::T) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let mut fields = Vec::with_capacity(rows);
    let (mut levels, mut values) = (Vec::<i16>::new(), Vec::new());
    while fields.len() < rows {
        levels.clear();
        values.clear();
        let wanted = BATCH.min(rows - fields.len());
        let (found, _, _) = reader
            .read_records(wanted, Some(&mut levels), None, &mut values)
            .map_err(|error| error.to_string())?;
        if found == 0 {
            return Err(format!("it ends after {} of {rows} rows", fields.len()));
        }
        let mut values = values.iter();
        for row in 0..found {
            let is_there = !may_miss || levels.get(row) == Some(&1);
            fields.push(if is_there {
                text(values.next().ok_or("it is damaged")?)?
            } else {
                String::new()
            });
        }
    }
    Ok(fields)
}

/// The bytes of the table's file.
///
/// # Errors
/// What the writer says.
pub(super) fn encode(table: &Table) -> Result<Vec<u8>, String> {
    encoded(table).map_err(|error| error.to_string())
}

fn encoded(table: &Table) -> parquet::errors::Result<Vec<u8>> {
    let numeric: Vec<bool> = (0..table.columns.len())
        .map(|column| is_numeric(table, column))
        .collect();
    let fields = table
        .columns
        .iter()
        .zip(&numeric)
        .map(|(name, is_numeric)| {
            let physical = if *is_numeric {
                PhysicalType::DOUBLE
            } else {
                PhysicalType::BYTE_ARRAY
            };
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type((!is_numeric).then_some(LogicalType::String))
                .build()
                .map(Arc::new)
        })
        .collect::<parquet::errors::Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("table")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("spherescope version {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut column = 0;
    while let Some(mut writer) = group.next_column()? {
        let entries = || table.rows.iter().map(|row| row[column].as_str());
        let is_there = |field: &str| {
            if numeric[column] {
                !is_missing(field)
            } else {
                !field.is_empty()
            }
        };
        let levels: Vec<i16> = entries().map(|field| i16::from(is_there(field))).collect();
        let present = entries().filter(|field| is_there(field));
        if numeric[column] {
            let values: Vec<f64> = present.filter_map(number).collect();
            writer
                .typed::<DoubleType>()
                .write_batch(&values, Some(&levels), None)?;
        } else {
            let values: Vec<ByteArray> = present.map(ByteArray::from).collect();
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, Some(&levels), None)?;
        }
        writer.close()?;
        column += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn is_missing(field: &str) -> bool {
    let field = field.trim();
    field.is_empty() || field.eq_ignore_ascii_case("na")
}

/// Whether a column holds numbers, at least one, and nothing else.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut present = (table.rows.iter())
        .map(|row| row[column].as_str())
        .filter(|field| !is_missing(field))
        .peekable();
    present.peek().is_some() && present.all(|field| number(field).is_some())
}

/// The number that a field says, where a double says the same. What only looks like a number (a
/// leading zero, more digits than a double keeps, `1234e5` of a hash) is text: as a number it would
/// read back as something else.
fn number(field: &str) -> Option<f64> {
    let field = field.trim();
    let value: f64 = field.parse().ok()?;
    let digits = field.strip_prefix('-').unwrap_or(field);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        // "nan", "inf", "+1".
        return (!digits.starts_with('+')).then_some(value);
    }
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let has_exponent = mantissa.len() < digits.len();
    let is_whole = !mantissa.contains('.');
    let has_leading_zero =
        mantissa.len() > 1 && mantissa.starts_with('0') && !mantissa.starts_with("0.");
    let is_long = is_whole && mantissa.len() > if has_exponent { 3 } else { 15 };
    (value.is_finite() && !has_leading_zero && !is_long).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        let long = "0.30000000000000004";
        for field in ["0", "-1.5", "1e-05", "2.5E10", " 3 ", "nan", "-inf", long] {
            assert!(number(field).is_some(), "{field}");
        }
        let hash = "12345678901234567";
        for field in ["", "x", "007", "1234e5", "1e999", "+1", hash, "1,5"] {
            assert!(number(field).is_none(), "{field}");
        }
    }
}
