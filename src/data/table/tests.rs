//! Tables against files of other programs, and against files that lie.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::*;

fn parsed(text: &str) -> Result<Table, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    Table::read(&path)
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
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("t.csv");
    std::fs::write(&binary, [b'a', 0xff, 0xfe]).unwrap();
    assert!(
        Table::read(&binary)
            .unwrap_err()
            .to_string()
            .contains("byte 1")
    );
    let missing = Table::read(Path::new("/no/such/table.csv")).unwrap_err();
    assert!(missing.to_string().contains("/no/such/table.csv"));
}

#[test]
fn semicolons_and_tabs_part_fields_where_commas_do_not() {
    let table = parsed("name;A;P\n\"x; y\";0,53;1\nz;-1,5e-1;\n").unwrap();
    assert_eq!(table.columns(), ["name", "A", "P"]);
    assert_eq!(table.rows(), [["x; y", "0.53", "1"], ["z", "-1.5e-1", ""]]);
    let table = parsed("name\tA\nx, y\t1,000.5\n").unwrap();
    // A comma in a column that is not one of numbers stays.
    assert_eq!(table.rows(), [["x, y", "1,000.5"]]);
    // Commas come first, and one column is a table.
    let table = parsed("name;kind,A\nx;y,1\n").unwrap();
    assert_eq!(table.columns(), ["name;kind", "A"]);
    assert_eq!(parsed("words\none; two\n").unwrap().rows(), [["one; two"]]);
}

fn mixed() -> Table {
    let mut table = Table::new(["name", "A", "seed", "plan", "empty"]);
    table.push(["α, \"β\"\n", "0.125", "1", "00012345", ""]);
    table.push(["", "", "2", "1234e567", ""]);
    table.push(["z", "-3.5e-7", "-3", "12345678", ""]);
    table
}

#[test]
fn parquet_reads_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let mut table = mixed();
    table.write(&path).unwrap();
    let read = Table::read(&path).unwrap();
    // A number is its shortest text.
    table.rows[2][1] = "-0.00000035".to_owned();
    assert_eq!(read, table);
    // Known by its first bytes as well.
    let other = folder.path().join("t.csv");
    std::fs::copy(&path, &other).unwrap();
    assert_eq!(Table::read(&other).unwrap(), table);
    let empty = Table::new(["a", "b"]);
    empty.write(&path).unwrap();
    assert_eq!(Table::read(&path).unwrap(), empty);
    // More rows than are decoded at once, among them long runs of missing values.
    let mut long = Table::new(["n", "words"]);
    for index in 0..10_000 {
        let number = if index / 3000 == 1 {
            String::new()
        } else {
            index.to_string()
        };
        long.push([number, format!("word {}", index % 7)]);
    }
    long.write(&path).unwrap();
    assert!(path.metadata().unwrap().len() < 120_000);
    assert_eq!(Table::read(&path).unwrap(), long);
}

/// Files by pandas and pyarrow: `tests/reference/generate_tables.py`.
fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tables")
}

#[test]
fn files_by_pandas_and_pyarrow_say_the_same_here() {
    let text = std::fs::read_to_string(reference().join("series.json")).unwrap();
    let content: serde_json::Value = serde_json::from_str(&text).unwrap();
    let strings = |value: &serde_json::Value| -> Vec<String> {
        let all = value.as_array().unwrap().iter();
        all.map(|field| field.as_str().unwrap().to_owned())
            .collect()
    };
    let files = strings(&content["files"]);
    assert_eq!(files.len(), 3);
    for file in files {
        let table = Table::read(&reference().join(&file)).unwrap();
        assert_eq!(table.columns(), strings(&content["columns"]), "{file}");
        let rows = content["rows"].as_array().unwrap();
        assert_eq!(table.rows().len(), rows.len());
        for (row, expected) in table.rows().iter().zip(rows) {
            assert_eq!(*row, strings(expected), "{file}");
        }
    }
}

#[test]
fn what_a_table_cannot_hold_is_refused_by_name() {
    for (file, words) in [
        ("nested", "column 'odd' holds lists or records"),
        ("record", "column 'odd' holds lists or records"),
        ("dates", "column 'odd' holds dates"),
        ("times", "column 'odd' holds dates"),
        ("decimals", "column 'odd' holds decimals"),
        ("bytes", "column 'odd': it holds bytes that are not text"),
        ("zstd", "is compressed by ZSTD"),
        ("delta", "column 'odd': it is stored as differences"),
    ] {
        let path = reference().join(format!("refused-{file}.parquet"));
        let said = Table::read(&path).unwrap_err().to_string();
        assert!(said.contains(words), "{file}: {said}");
        assert!(said.contains(&format!("refused-{file}.parquet")), "{said}");
    }
}

fn refusal(bytes: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    Table::read(&path).err().map(|error| error.to_string())
}

#[test]
fn sizes_that_are_only_claimed_take_no_memory() {
    let mut table = Table::new(["n"]);
    for index in 0..100 {
        table.push([(index % 5).to_string()]);
    }
    let good = parquet::encode(&table).unwrap();
    assert_eq!(refusal(&good), None);
    // The first page, a dictionary, begins behind the magic: kind, size and packed size, each
    // behind a byte for its field. A size of 2³¹ − 1 as a zigzag number:
    let huge = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!((good[4], good[6], good[8]), (0x15, 0x15, 0x15));
    let mut bytes = good.clone();
    bytes.splice(7..8, huge);
    let said = refusal(&bytes).unwrap();
    assert!(said.contains("a page claims 2147483647 bytes"), "{said}");
    // Its own head is the field 7 behind the packed size: `4c 15 count`.
    let head = good.windows(2).position(|two| two == [0x4c, 0x15]).unwrap();
    assert!(head < 14 && good[head + 2] == 10, "five entries");
    let mut bytes = good.clone();
    bytes.splice(head + 2..head + 3, huge);
    let said = refusal(&bytes).unwrap();
    assert!(said.contains("claims 2147483647 values"), "{said}");
    let mut bytes = good.clone();
    bytes.splice(head + 2..head + 3, [0xfe, 0x7f]);
    let said = refusal(&bytes).unwrap();
    assert!(said.contains("claims 8191 entries"), "{said}");
    // The footer's length stands before the last magic.
    let mut bytes = good.clone();
    let end = bytes.len();
    bytes[end - 8..end - 4].copy_from_slice(&200_000_000_u32.to_le_bytes());
    let said = refusal(&bytes).unwrap();
    assert!(said.contains("its footer claims"), "{said}");
}

#[test]
fn no_damage_is_a_panic() {
    let good = std::fs::read(reference().join("pandas.parquet")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    for end in (0..good.len()).step_by(29) {
        std::fs::write(&path, &good[..end]).unwrap();
        let said = Table::read(&path).unwrap_err().to_string();
        assert!(said.contains("t.parquet"), "{said}");
    }
    let (mut refused, mut read) = (0, 0);
    for at in (0..good.len()).step_by(7) {
        for with in [0xff, 0x55] {
            let mut bytes = good.clone();
            bytes[at] ^= with;
            match parquet::read(scratch(&path, &bytes), &bytes, &path) {
                Ok(_) => read += 1,
                Err(error) => {
                    assert!(error.to_string().len() < 300, "{error}");
                    refused += 1;
                }
            }
        }
    }
    println!(
        "{refused} of {} damaged files were refused, {read} read",
        refused + read
    );
    assert!(refused > 300, "{refused}");
}

fn scratch(path: &Path, bytes: &[u8]) -> File {
    std::fs::write(path, bytes).unwrap();
    File::open(path).unwrap()
}
