//! Mask files to class ids.
//!
//! A mask holds one class id a pixel: a grey value as it is stored (1, 2, 4, 8 or 16 bits), or the
//! index into a palette. The common image decoder would stretch small depths to 0–255 and replace
//! indices by colours, so PNG masks are read raw.

use std::{fs::File, io::BufReader, path::Path};

use image::{DynamicImage, GrayImage, ImageFormat};

use super::{DataError, decode};

/// Class ids of a mask file, at its own size.
pub(super) fn read(path: &Path, name: &str) -> Result<GrayImage, DataError> {
    let (format, size) = decode::read_format(path, name).map_err(|error| as_mask(name, error))?;
    let ids = if format == ImageFormat::Png {
        read_png(path, name, size)?
    } else {
        None
    };
    match ids {
        Some(ids) => Ok(ids),
        None => from_image(
            decode::decode(path, name).map_err(|error| as_mask(name, error))?,
            name,
        ),
    }
}

/// The same trouble, told of the mask rather than of the image.
fn as_mask(name: &str, error: DataError) -> DataError {
    match error {
        DataError::Decode { reason, .. } => DataError::mask(name, &reason),
        other => other,
    }
}

/// Raw values of a grey or indexed PNG; `None` for a PNG with colours.
fn read_png(path: &Path, name: &str, size: [u32; 2]) -> Result<Option<GrayImage>, DataError> {
    let failed = |error: &dyn std::fmt::Display| DataError::mask(name, error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let limits = png::Limits {
        bytes: 4 * decode::MAX_PIXELS as usize,
    };
    let mut reader = png::Decoder::new_with_limits(BufReader::new(file), limits)
        .read_info()
        .map_err(|error| failed(&error))?;
    let (colour, depth) = reader.output_color_type();
    if !matches!(colour, png::ColorType::Grayscale | png::ColorType::Indexed) {
        return Ok(None);
    }
    let bytes = reader
        .output_buffer_size()
        .ok_or_else(|| failed(&"its size does not fit in memory"))?;
    let mut raw = vec![0; bytes];
    let frame = reader
        .next_frame(&mut raw)
        .map_err(|error| failed(&error))?;
    if [frame.width, frame.height] != size {
        return Err(failed(&"its first frame does not cover it"));
    }
    let width = frame.width as usize;
    let mut ids = Vec::with_capacity(width * frame.height as usize);
    for line in raw
        .chunks_exact(frame.line_size.max(1))
        .take(frame.height as usize)
    {
        unpack(line, width, depth, &mut ids).map_err(|id| failed(&too_large(id)))?;
    }
    Ok(GrayImage::from_raw(frame.width, frame.height, ids))
}

/// Appends one row of `width` values; the error is a value that is no class id.
fn unpack(line: &[u8], width: usize, depth: png::BitDepth, ids: &mut Vec<u8>) -> Result<(), u16> {
    match depth {
        png::BitDepth::Eight => ids.extend_from_slice(&line[..width]),
        png::BitDepth::Sixteen => {
            for pair in line.chunks_exact(2).take(width) {
                let id = u16::from_be_bytes([pair[0], pair[1]]);
                ids.push(u8::try_from(id).map_err(|_| id)?);
            }
        }
        narrow => {
            let bits = narrow as usize;
            let keep = (1_u8 << bits) - 1;
            // The leftmost pixel sits in the highest bits of its byte.
            ids.extend((0..width).map(|x| {
                let bit = x * bits;
                (line[bit / 8] >> (8 - bits - bit % 8)) & keep
            }));
        }
    }
    Ok(())
}

/// Class ids of an already decoded mask: grey, or colours whose channels agree.
fn from_image(image: DynamicImage, name: &str) -> Result<GrayImage, DataError> {
    match image {
        DynamicImage::ImageLuma8(ids) => Ok(ids),
        DynamicImage::ImageLuma16(wide) => {
            let (width, height) = wide.dimensions();
            let ids = wide
                .as_raw()
                .iter()
                .map(|&id| u8::try_from(id).map_err(|_| DataError::mask(name, &too_large(id))))
                .collect::<Result<Vec<u8>, _>>()?;
            Ok(GrayImage::from_raw(width, height, ids).unwrap_or_default())
        }
        other => {
            let rgb = other.into_rgb8();
            if rgb.pixels().any(|p| p.0[0] != p.0[1] || p.0[1] != p.0[2]) {
                return Err(DataError::mask(
                    name,
                    "it is a colour picture; class ids need a grey or indexed image",
                ));
            }
            let (width, height) = rgb.dimensions();
            let ids = rgb.pixels().map(|p| p.0[0]).collect();
            Ok(GrayImage::from_raw(width, height, ids).unwrap_or_default())
        }
    }
}

fn too_large(id: u16) -> String {
    format!("it holds the value {id}; class ids go up to 255")
}
