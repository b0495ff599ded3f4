//! The size of a JPEG, and whether its end is there, without reading it all.
//!
//! The decoder in use reads the whole file before it tells the size, and fills what is missing
//! from a truncated file with grey. Both matter here: a folder is checked before it is shown, and
//! half an image must not pass as one. Markers: ITU-T T.81, annex B.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Segments before the pixels; real files have tens.
const MAX_SEGMENTS: usize = 4096;
/// Bytes at the end of the file that are searched first for the end marker.
const TAIL_BYTES: u64 = 1 << 16;

/// Width and height in pixels.
///
/// # Errors
/// Of the kind `InvalidData`, with the reason in words.
pub(super) fn read_size(reader: &mut (impl BufRead + Seek)) -> io::Result<[u32; 2]> {
    let mut size = None;
    let mut start = [0; 2];
    read(reader, &mut start)?;
    if start != [0xFF, 0xD8] {
        return Err(invalid("no start marker"));
    }
    for _ in 0..MAX_SEGMENTS {
        match next_marker(reader)? {
            0x01 | 0xD0..=0xD7 => {} // stand-alone markers
            0xD9 => return Err(invalid("the file ends before any pixels")),
            0xDA => {
                let size = size.ok_or_else(|| invalid("pixels come before the size"))?;
                return if has_end(reader)? {
                    Ok(size)
                } else {
                    Err(invalid("truncated: the end marker is missing"))
                };
            }
            marker => {
                let mut length = [0; 2];
                read(reader, &mut length)?;
                let body = i64::from(u16::from_be_bytes(length)) - 2;
                if body < 0 {
                    return Err(invalid("a segment of negative length"));
                }
                // Frame headers C0..CF, less tables (C4, CC) and a reserved code (C8).
                if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
                    let mut frame = [0; 5];
                    read(reader, &mut frame)?;
                    let height = u32::from(u16::from_be_bytes([frame[1], frame[2]]));
                    let width = u32::from(u16::from_be_bytes([frame[3], frame[4]]));
                    size = Some([width, height]);
                    reader.seek_relative(body - 5)?;
                } else {
                    reader.seek_relative(body)?;
                }
            }
        }
    }
    Err(invalid("too many segments before the pixels"))
}

fn next_marker(reader: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    read(reader, &mut byte)?;
    if byte[0] != 0xFF {
        return Err(invalid("a marker is missing between two segments"));
    }
    while byte[0] == 0xFF {
        read(reader, &mut byte)?;
    }
    Ok(byte[0])
}

/// Whether an end marker follows. Inside the coded pixels every FF is followed by 00 or a restart
/// marker, so FF D9 can only be the end. Some cameras append other data: hence the second search.
fn has_end(reader: &mut (impl BufRead + Seek)) -> io::Result<bool> {
    let pixels = reader.stream_position()?;
    let end = reader.seek(SeekFrom::End(0))?;
    let tail = pixels.max(end.saturating_sub(TAIL_BYTES));
    reader.seek(SeekFrom::Start(tail))?;
    if finds_end(reader)? {
        return Ok(true);
    }
    reader.seek(SeekFrom::Start(pixels))?;
    Ok(tail > pixels && finds_end(reader)?)
}

fn finds_end(reader: &mut impl BufRead) -> io::Result<bool> {
    let mut previous = 0;
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(false);
        }
        for &byte in block {
            if previous == 0xFF && byte == 0xD9 {
                return Ok(true);
            }
            previous = byte;
        }
        let used = block.len();
        reader.consume(used);
    }
}

fn read(reader: &mut impl Read, into: &mut [u8]) -> io::Result<()> {
    reader.read_exact(into).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            invalid("truncated: the file ends inside its header")
        } else {
            error
        }
    })
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("broken JPEG: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        let image = image::RgbImage::from_fn(37, 21, |x, y| image::Rgb([x as u8, y as u8, 90]));
        image
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Jpeg)
            .unwrap();
        bytes
    }

    #[test]
    fn size_comes_from_the_header() {
        let bytes = sample();
        assert_eq!(read_size(&mut Cursor::new(&bytes)).unwrap(), [37, 21]);
        let mut with_appendix = bytes;
        with_appendix.extend(vec![7; 200_000]);
        assert_eq!(
            read_size(&mut Cursor::new(&with_appendix)).unwrap(),
            [37, 21]
        );
    }

    #[test]
    fn every_truncation_is_seen() {
        let bytes = sample();
        for length in 0..bytes.len() - 1 {
            assert!(
                read_size(&mut Cursor::new(&bytes[..length])).is_err(),
                "{length} bytes of {}",
                bytes.len()
            );
        }
    }
}
