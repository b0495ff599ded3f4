//! One image file to 8-bit RGB, within bounds.
//!
//! Transparent images are composited over white. EXIF orientation is not applied, as in PyTorch's
//! folder loaders, so that a file gives the same pixels and its mask still fits. 16-bit images are
//! scaled to 8 bits.

use std::{
    fs::{self, File},
    io::{BufReader, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::{DynamicImage, ImageFormat, ImageReader, Limits, RgbImage};

use super::{DataError, jpeg};

/// Pixels that one image may have (8192 × 8192); larger ones are refused from their header alone.
pub const MAX_PIXELS: u64 = 1 << 26;

/// Bytes that one image file may have: some decoders hold the whole file in memory.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// What a decoder may allocate: enough for `MAX_PIXELS` with four 16-bit channels.
const MAX_ALLOCATION_BYTES: u64 = 8 * MAX_PIXELS;

/// Endings of the formats that are read, in lower case.
pub(super) const READABLE: [&str; 8] = ["png", "jpg", "jpeg", "jfif", "webp", "bmp", "tif", "tiff"];

/// Endings of image formats that are not read: listed as skipped rather than ignored, because
/// their owner counts them as images.
pub(super) const UNREADABLE: [&str; 16] = [
    "gif", "avif", "heic", "heif", "jxl", "jp2", "j2k", "tga", "ppm", "pgm", "pnm", "exr", "hdr",
    "qoi", "psd", "dng",
];

/// An opened image file whose format and size are known and within bounds.
struct Opened {
    reader: BufReader<File>,
    format: ImageFormat,
    size: [u32; 2],
}

/// Width and height in pixels, from the header alone.
pub(super) fn read_size(path: &Path, name: &str) -> Result<[u32; 2], DataError> {
    guarded(name, || open(path, name).map(|opened| opened.size))
}

/// Format of the file by its content, and width and height in pixels.
pub(super) fn read_format(path: &Path, name: &str) -> Result<(ImageFormat, [u32; 2]), DataError> {
    guarded(name, || {
        open(path, name).map(|opened| (opened.format, opened.size))
    })
}

/// Decodes to RGB, transparent parts over white.
pub(super) fn decode_rgb(path: &Path, name: &str) -> Result<RgbImage, DataError> {
    decode(path, name).map(to_rgb)
}

/// Decodes to whatever the file holds.
pub(super) fn decode(path: &Path, name: &str) -> Result<DynamicImage, DataError> {
    guarded(name, || {
        let opened = open(path, name)?;
        let mut reader = ImageReader::with_format(opened.reader, opened.format);
        reader.limits(limits());
        reader
            .decode()
            .map_err(|error| DataError::decode(name, &error))
    })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION_BYTES);
    limits
}

/// Turns a panic inside a decoder into an error: a hostile file must not end the program.
fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(DataError::decode(
            name,
            "the decoder gave up on this file (an error inside the decoder)",
        ))
    })
}

fn open(path: &Path, name: &str) -> Result<Opened, DataError> {
    let failed = |error: std::io::Error| DataError::decode(name, &error);
    // Before opening: a pipe would wait for a writer, and a device may act on being opened.
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(DataError::decode(
            name,
            "not a regular file but a pipe, socket, device or folder",
        ));
    }
    match metadata.len() {
        0 => return Err(DataError::decode(name, "the file is empty")),
        bytes if bytes > MAX_FILE_BYTES => {
            return Err(DataError::decode(
                name,
                &format!(
                    "the file has {} MB; at most {} MB are read",
                    bytes >> 20,
                    MAX_FILE_BYTES >> 20
                ),
            ));
        }
        _ => {}
    }
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let format = sniff(&mut reader, name)?;
    let [width, height] = header_size(&mut reader, format, name)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(DataError::decode(
            name,
            &format!(
                "{width}×{height} pixels are more than the {} million that are decoded",
                MAX_PIXELS / 1_000_000
            ),
        ));
    }
    if width == 0 || height == 0 {
        return Err(DataError::decode(name, "the image has no pixels"));
    }
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Opened {
        reader,
        format,
        size: [width, height],
    })
}

/// The format by the first bytes: endings lie.
fn sniff(reader: &mut BufReader<File>, name: &str) -> Result<ImageFormat, DataError> {
    let failed = |error: std::io::Error| DataError::decode(name, &error);
    let mut start = Vec::with_capacity(16);
    reader
        .by_ref()
        .take(16)
        .read_to_end(&mut start)
        .map_err(failed)?;
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    let format = image::guess_format(&start).map_err(|_| {
        DataError::decode(name, "not an image: its first bytes fit no known format")
    })?;
    if format.reading_enabled() {
        Ok(format)
    } else {
        Err(DataError::decode(
            name,
            &format!("{format:?} images are not supported"),
        ))
    }
}

fn header_size(
    reader: &mut BufReader<File>,
    format: ImageFormat,
    name: &str,
) -> Result<[u32; 2], DataError> {
    if format == ImageFormat::Jpeg {
        return jpeg::read_size(reader).map_err(|error| DataError::decode(name, &error));
    }
    let mut reader = ImageReader::with_format(reader, format);
    reader.limits(limits());
    reader
        .into_dimensions()
        .map(|(width, height)| [width, height])
        .map_err(|error| DataError::decode(name, &error))
}

fn to_rgb(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    let (width, height) = rgba.dimensions();
    let over_white = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let pixels = rgba
        .as_raw()
        .chunks_exact(4)
        .flat_map(|p| {
            [
                over_white(p[0], p[3]),
                over_white(p[1], p[3]),
                over_white(p[2], p[3]),
            ]
        })
        .collect();
    // The buffer holds three bytes for each of the pixels counted above, so it always fits.
    RgbImage::from_raw(width, height, pixels).unwrap_or_default()
}
