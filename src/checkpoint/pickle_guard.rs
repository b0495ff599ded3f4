//! Counts what a pickle would build, before anything builds it.
//!
//! `pytorch-reader` never executes a pickle and bounds its nesting, its memo copies and every
//! length it reads. One thing it does not bound is the number of objects: a megabyte of `]`
//! becomes a million lists of a hundred bytes each. This walk over the opcodes allocates
//! nothing and refuses such files; anything else that is wrong is left to the real reader,
//! whose messages are better.
//!
//! Opcodes: the `pickletools` module of CPython, protocols 0 to 5.

use std::io::{self, BufRead, Read};

/// Objects and operations a pickle may have. A ResNet-152 with two optimiser states per tensor
/// needs about a hundred thousand; at about a hundred bytes each, this bounds the reader's
/// stack and memo to a few hundred megabytes.
const MAX_OPERATIONS: u64 = 1_500_000;

/// Longest text: keys are short, and a configuration kept as one string is some kilobytes.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Longest binary string, such as a pickled random-generator state.
const MAX_BINARY_BYTES: u64 = 64 << 20;

/// All texts and binary strings of one file together.
const MAX_PAYLOAD_BYTES: u64 = 128 << 20;

/// A tensor's name joins the keys above it, so a long key over many tensors multiplies. This
/// bounds (longest text) × (objects fetched or built by a call).
const MAX_NAME_BYTES: u64 = 1 << 30;

/// Running totals over the pickles of one file.
#[derive(Debug, Default)]
pub(super) struct PickleGuard {
    operations: u64,
    payload: u64,
    longest_text: u64,
    fetched: u64,
}

/// How a walk over one pickle ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// At its STOP.
    Complete,
    /// At its end or at a byte that is no opcode: the reader will say so.
    Broken,
    /// At a limit; the sentence says which.
    Refused(String),
}

/// What follows an opcode in the stream.
enum Argument {
    /// This many bytes.
    Fixed(u64),
    /// This many lines of text.
    Lines(u8),
    /// A little-endian length of this many bytes, then as many bytes of text.
    Text(usize),
    /// The same, of bytes.
    Binary(usize),
}

fn argument(opcode: u8) -> Option<Argument> {
    Some(match opcode {
        b'('
        | b')'
        | b'.'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b']'
        | b'}'
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
        | 0x8f..=0x94
        | 0x97
        | 0x98 => Argument::Fixed(0),
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Argument::Fixed(1),
        b'M' | 0x83 => Argument::Fixed(2),
        b'J' | b'j' | b'r' | 0x84 => Argument::Fixed(4),
        b'G' | 0x95 => Argument::Fixed(8),
        b'I' | b'L' | b'F' | b'S' | b'V' | b'P' | b'g' | b'p' => Argument::Lines(1),
        b'c' | b'i' => Argument::Lines(2),
        0x8c => Argument::Text(1),
        b'X' => Argument::Text(4),
        0x8d => Argument::Text(8),
        b'U' | b'C' | 0x8a => Argument::Binary(1),
        b'T' | b'B' | 0x8b => Argument::Binary(4),
        0x8e | 0x96 => Argument::Binary(8),
        _ => return None,
    })
}

impl PickleGuard {
    /// Walks one pickle up to its STOP.
    ///
    /// # Errors
    /// Only what the operating system reports; a pickle cut short is [`Walk::Broken`].
    pub(super) fn walk(&mut self, reader: &mut impl BufRead) -> io::Result<Walk> {
        match self.walk_to_stop(reader) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Walk::Broken),
            other => other,
        }
    }

    fn walk_to_stop(&mut self, reader: &mut impl BufRead) -> io::Result<Walk> {
        loop {
            let opcode = read_byte(reader)?;
            let Some(argument) = argument(opcode) else {
                return Ok(Walk::Broken);
            };
            self.operations += 1;
            if matches!(opcode, b'R' | b'h' | b'j' | b'g' | b'2') {
                self.fetched += 1;
            }
            match argument {
                Argument::Fixed(length) => skip(reader, length)?,
                Argument::Lines(lines) => {
                    for _ in 0..lines {
                        let length = skip_line(reader)?;
                        self.longest_text = self.longest_text.max(length);
                        self.payload += length;
                        if length > MAX_TEXT_BYTES {
                            break;
                        }
                    }
                }
                Argument::Text(width) => {
                    let length = read_length(reader, width)?;
                    self.longest_text = self.longest_text.max(length);
                    self.payload = self.payload.saturating_add(length);
                    if length <= MAX_TEXT_BYTES {
                        skip(reader, length)?;
                    }
                }
                Argument::Binary(width) => {
                    let length = read_length(reader, width)?;
                    if length > MAX_BINARY_BYTES {
                        return Ok(Walk::Refused(format!(
                            "its pickle claims a string of {length} bytes"
                        )));
                    }
                    self.payload += length;
                    skip(reader, length)?;
                }
            }
            if let Some(reason) = self.excess() {
                return Ok(Walk::Refused(reason));
            }
            if opcode == b'.' {
                return Ok(Walk::Complete);
            }
        }
    }

    fn excess(&self) -> Option<String> {
        if self.operations > MAX_OPERATIONS {
            return Some(format!(
                "its pickle builds more than {MAX_OPERATIONS} objects, far beyond any checkpoint"
            ));
        }
        if self.longest_text > MAX_TEXT_BYTES {
            return Some(format!(
                "its pickle claims a text of {} bytes",
                self.longest_text
            ));
        }
        if self.payload > MAX_PAYLOAD_BYTES {
            return Some(format!(
                "the strings in its pickle exceed {MAX_PAYLOAD_BYTES} bytes"
            ));
        }
        if self.longest_text.saturating_mul(self.fetched) > MAX_NAME_BYTES {
            return Some("its keys are too long for their number".to_owned());
        }
        None
    }
}

fn read_byte(reader: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    reader.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn read_length(reader: &mut impl Read, width: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes[..width])?;
    Ok(u64::from_le_bytes(bytes))
}

fn skip(reader: &mut impl Read, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let skipped = io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
    if skipped < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Passes one line, at most a byte longer than a text may be, and returns its length.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut limited = reader.by_ref().take(MAX_TEXT_BYTES + 1);
    let mut length = 0;
    loop {
        let buffer = limited.fill_buf()?;
        if buffer.is_empty() {
            // Either the file's end or the limit; the latter is told apart by the length.
            return if length > MAX_TEXT_BYTES {
                Ok(length)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        let newline = buffer.iter().position(|&byte| byte == b'\n');
        let used = newline.map_or(buffer.len(), |at| at + 1);
        limited.consume(used);
        length += used as u64;
        if newline.is_some() {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Walk {
        PickleGuard::default().walk(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn an_ordinary_pickle_passes() {
        // {'a': [1, 2.0, None], 'b': b'xy'} at protocol 4, as CPython writes it.
        let bytes = b"\x80\x04\x95\x22\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94]\x94(K\x01G@\0\0\0\0\0\0\0Ne\x8c\x01b\x94C\x02xy\x94u.";
        assert_eq!(walk(bytes), Walk::Complete);
    }

    #[test]
    fn truncated_and_foreign_bytes_are_left_to_the_reader() {
        assert_eq!(walk(b""), Walk::Broken);
        assert_eq!(walk(b"\x80\x04X\x10\0\0\0abc"), Walk::Broken);
        assert_eq!(walk(b"\x80\x02\xff."), Walk::Broken);
        assert_eq!(walk(b"cposix"), Walk::Broken);
    }

    #[test]
    fn a_flood_of_objects_is_refused() {
        let mut bytes = vec![b']'; MAX_OPERATIONS as usize + 1];
        bytes.push(b'.');
        assert!(matches!(walk(&bytes), Walk::Refused(_)));
    }

    #[test]
    fn huge_lengths_are_refused_without_reading_them() {
        for opcode in [0x8d_u8, 0x8e, 0x96] {
            let mut bytes = vec![0x80, 4, opcode];
            bytes.extend(u64::MAX.to_le_bytes());
            assert!(matches!(walk(&bytes), Walk::Refused(_)), "{opcode:#x}");
        }
        let mut endless_line = vec![b'c'];
        endless_line.resize(MAX_TEXT_BYTES as usize + 10, 0);
        assert!(matches!(walk(&endless_line), Walk::Refused(_)));
    }

    #[test]
    fn one_long_key_over_many_tensors_is_refused() {
        let mut bytes = vec![0x80, 4, b'X'];
        bytes.extend((MAX_TEXT_BYTES as u32).to_le_bytes());
        bytes.resize(bytes.len() + MAX_TEXT_BYTES as usize, b'k');
        bytes.extend(b"h\0".repeat(1100));
        bytes.push(b'.');
        assert!(matches!(walk(&bytes), Walk::Refused(_)));
    }
}
