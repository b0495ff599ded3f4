//! CIFAR-10 and CIFAR-100 as PyTorch users have them: the "Python version", one pickled dictionary
//! a file.
//!
//! Nothing is unpickled. The file is walked opcode by opcode to find where the pixels of `data`
//! lie and which numbers follow `labels` or `fine_labels`; every other object is passed over.
//! Opcodes: Python's `pickletools`, protocols 0 to 5.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use super::{BinaryStore, Description, Part, cifar::Kind};
use crate::{data::DataError, progress::Progress};

const IMAGE_BYTES: u64 = 3 * 32 * 32;
/// Longest text that can be a key; longer ones are passed over unread.
const MAX_KEY_BYTES: u64 = 32;
/// The keys of the dictionary. A value lasts until the next key: other texts, such as the name of
/// a number type, may stand inside it.
const KEYS: [&[u8]; 6] = [
    b"data",
    b"labels",
    b"fine_labels",
    b"coarse_labels",
    b"filenames",
    b"batch_label",
];
/// Opcodes between two looks at the cancel flag.
const CHECKED_AT_ONCE: u64 = 1 << 16;

/// What a file of pickled CIFAR images holds.
#[derive(Debug, Default)]
struct Contents {
    /// First byte and number of bytes of the pixels.
    pixels: Option<(u64, u64)>,
    labels: Vec<u32>,
    fine_labels: Vec<u32>,
}

/// Opens files that together form one split.
pub(super) fn open(
    paths: &[PathBuf],
    note: &str,
    progress: &Progress,
) -> Result<(BinaryStore, Description), DataError> {
    let mut kinds = Vec::with_capacity(paths.len());
    let mut parts = Vec::with_capacity(paths.len());
    let mut labels = Vec::new();
    for path in paths {
        let contents = scan(path, progress)?;
        let (kind, found) = if contents.fine_labels.is_empty() {
            (Kind::Cifar10, contents.labels)
        } else {
            (Kind::Cifar100, contents.fine_labels)
        };
        let (start, bytes) = contents
            .pixels
            .ok_or_else(|| DataError::format(path, "no CIFAR images are in this pickled file"))?;
        let count = (bytes / IMAGE_BYTES) as usize;
        if found.len() != count {
            return Err(DataError::format(
                path,
                format!("{} labels for {count} images", found.len()),
            ));
        }
        kind.check_labels(path, &found)?;
        labels.extend(found);
        kinds.push(kind);
        parts.push(Part::at(path, start, count)?);
    }
    let Some(&kind) = kinds.first() else {
        return Err(DataError::Settings("no CIFAR file to open".to_owned()));
    };
    if kinds.iter().any(|&other| other != kind) {
        return Err(DataError::format(
            &paths[0],
            "files of CIFAR-10 and of CIFAR-100 are mixed in one folder",
        ));
    }
    let mut layout = kind.layout();
    layout.prefix = 0; // labels are kept apart from the pixels
    let store = BinaryStore { layout, parts };
    let records = store.records(Some(&labels));
    Ok((
        store,
        Description {
            format: format!("{}, Python version{note}", kind.title()),
            classes: kind.class_names(),
            records,
        },
    ))
}

/// One step of the walk.
#[derive(Debug, PartialEq)]
enum Token {
    /// A short text: perhaps a key.
    Text(Vec<u8>),
    /// A long one: where it begins, and its length.
    Blob(u64, u64),
    Number(i64),
    Other,
    End,
}

fn scan(path: &Path, progress: &Progress) -> Result<Contents, DataError> {
    let broken = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the pickled file is cut short".to_owned(),
            _ => error.to_string(),
        };
        DataError::format(path, reason)
    };
    let file = File::open(path).map_err(|source| DataError::io(path, source))?;
    let mut reader = BufReader::new(file);
    let mut contents = Contents::default();
    let mut key = Vec::new();
    for step in 0_u64.. {
        if step.is_multiple_of(CHECKED_AT_ONCE) {
            progress.check()?;
        }
        match next(&mut reader).map_err(broken)? {
            Token::End => break,
            Token::Text(text) if KEYS.contains(&&text[..]) => key = text,
            Token::Blob(start, bytes) => {
                let is_pixels = key == b"data" && bytes.is_multiple_of(IMAGE_BYTES);
                if is_pixels && contents.pixels.is_none() {
                    contents.pixels = Some((start, bytes));
                }
            }
            Token::Number(number) => {
                let labels = match &key[..] {
                    b"labels" => &mut contents.labels,
                    b"fine_labels" => &mut contents.fine_labels,
                    _ => continue,
                };
                let label = u32::try_from(number).map_err(|_| {
                    DataError::format(path, format!("the label {number} is no class"))
                })?;
                labels.push(label);
            }
            Token::Text(_) | Token::Other => {}
        }
    }
    Ok(contents)
}

fn next(reader: &mut (impl BufRead + Seek)) -> io::Result<Token> {
    let opcode = number(reader, 1)? as u8;
    match opcode {
        b'.' => Ok(Token::End),
        // Numbers in 1, 2 and 4 bytes.
        b'K' => Ok(Token::Number(number(reader, 1)? as i64)),
        b'M' => Ok(Token::Number(number(reader, 2)? as i64)),
        b'J' => Ok(Token::Number(i64::from(number(reader, 4)? as u32 as i32))),
        // Texts and bytes with lengths in 1, 4 and 8 bytes.
        b'U' | b'C' | 0x8C => text(reader, 1),
        b'T' | b'B' | b'X' => text(reader, 4),
        0x8D | 0x8E | 0x96 => text(reader, 8),
        // Long integers: a length, then bytes.
        0x8A => skip_counted(reader, 1),
        0x8B => skip_counted(reader, 4),
        // Arguments of fixed size: memo numbers, protocol, frame, float, extension codes.
        b'q' | b'h' | 0x80 | 0x82 => skip(reader, 1),
        0x83 => skip(reader, 2),
        b'r' | b'j' | 0x84 => skip(reader, 4),
        b'G' | 0x95 => skip(reader, 8),
        // Lines of text: old numbers, strings and names.
        b'p' | b'g' | b'I' | b'L' | b'F' | b'S' | b'V' | b'P' => skip_line(reader),
        b'c' | b'i' => {
            skip_line(reader)?;
            skip_line(reader)
        }
        // No argument at all.
        b'('
        | b')'
        | b']'
        | b'}'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b'a'
        | b'b'
        | b'd'
        | b'e'
        | b'l'
        | b'o'
        | b's'
        | b't'
        | b'u'
        | 0x81
        | 0x85..=0x89
        | 0x8F..=0x94
        | 0x97
        | 0x98 => Ok(Token::Other),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("not a pickled CIFAR file (byte {other:#04x} where an opcode should be)"),
        )),
    }
}

/// A little-endian number of up to 8 bytes.
fn number(reader: &mut impl Read, bytes: usize) -> io::Result<u64> {
    let mut wide = [0; 8];
    reader.read_exact(&mut wide[..bytes])?;
    Ok(u64::from_le_bytes(wide))
}

fn text(reader: &mut (impl BufRead + Seek), length_bytes: usize) -> io::Result<Token> {
    let length = number(reader, length_bytes)?;
    if length <= MAX_KEY_BYTES {
        let mut text = vec![0; length as usize];
        reader.read_exact(&mut text)?;
        return Ok(Token::Text(text));
    }
    let start = reader.stream_position()?;
    skip(reader, length)?;
    Ok(Token::Blob(start, length))
}

fn skip(reader: &mut impl Seek, bytes: u64) -> io::Result<Token> {
    let bytes = i64::try_from(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "an impossible length"))?;
    // Beyond the end this succeeds; the next read then finds that the file is cut short.
    reader.seek_relative(bytes)?;
    Ok(Token::Other)
}

fn skip_counted(reader: &mut (impl BufRead + Seek), length_bytes: usize) -> io::Result<Token> {
    let length = number(reader, length_bytes)?;
    skip(reader, length)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<Token> {
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = block.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(block.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(Token::Other);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn tokens() {
        let mut bytes = Cursor::new(b"\x80\x02}q\x00U\x04dataK\x07M\x01\x02J\xFF\xFF\xFF\xFF.");
        let mut tokens = Vec::new();
        loop {
            let token = next(&mut bytes).unwrap();
            if token == Token::End {
                break;
            }
            tokens.push(token);
        }
        assert_eq!(
            tokens[3..],
            [
                Token::Text(b"data".to_vec()),
                Token::Number(7),
                Token::Number(513),
                Token::Number(-1)
            ]
        );
        let huge = [&b"\x8E"[..], &[0xFF; 8]].concat();
        assert!(next(&mut Cursor::new(huge)).is_err());
        assert!(next(&mut Cursor::new(b"\xFF")).is_err());
        assert!(next(&mut Cursor::new(b"cnumpy")).is_err());
    }
}
