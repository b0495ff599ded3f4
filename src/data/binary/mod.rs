//! Data sets that keep all images in few binary files: CIFAR-10/100, STL-10 and MNIST-style idx.
//!
//! Files stay open and are read one image at a time; only labels are read ahead.

mod cifar;
mod find;
mod idx;
mod names;
mod pickle;
mod stl10;

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use image::RgbImage;

use super::{DataError, ImageRecord};
pub(super) use find::{open_below, open_file, open_folder};

/// Order of the bytes of one image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pixels {
    /// One byte a pixel, row by row.
    Grey,
    /// A red, a green and a blue plane, each row by row.
    Planes,
    /// A red, a green and a blue plane, each column by column.
    PlanesByColumn,
}

impl Pixels {
    fn channels(self) -> usize {
        if self == Self::Grey { 1 } else { 3 }
    }
}

/// How images lie in a file.
#[derive(Clone, Copy, Debug)]
struct Layout {
    width: u32,
    height: u32,
    pixels: Pixels,
    /// Bytes of a record before its pixels.
    prefix: u64,
}

impl Layout {
    fn image_bytes(&self) -> usize {
        self.width as usize * self.height as usize * self.pixels.channels()
    }

    fn record_bytes(&self) -> u64 {
        self.prefix + self.image_bytes() as u64
    }

    fn to_rgb(self, bytes: &[u8]) -> RgbImage {
        let (width, height) = (self.width as usize, self.height as usize);
        let plane = width * height;
        RgbImage::from_fn(self.width, self.height, |x, y| {
            let (x, y) = (x as usize, y as usize);
            image::Rgb(match self.pixels {
                Pixels::Grey => [bytes[y * width + x]; 3],
                Pixels::Planes => std::array::from_fn(|c| bytes[c * plane + y * width + x]),
                Pixels::PlanesByColumn => {
                    std::array::from_fn(|c| bytes[c * plane + x * height + y])
                }
            })
        })
    }
}

/// One open file of equal records.
struct Part {
    path: PathBuf,
    file: Mutex<File>,
    /// Where the first record begins.
    start: u64,
    count: usize,
}

impl Part {
    /// Opens a file that must hold whole records from `start` to its end.
    fn open(path: &Path, start: u64, layout: &Layout, kind: &str) -> Result<Self, DataError> {
        let bytes = fs::metadata(path)
            .map_err(|source| DataError::io(path, source))?
            .len();
        let record = layout.record_bytes();
        let body = bytes.saturating_sub(start);
        if body == 0 || !body.is_multiple_of(record) {
            return Err(DataError::format(
                path,
                format!(
                    "{bytes} bytes are no whole number of {kind} images of {record} bytes: the \
                     file is cut short or of another kind"
                ),
            ));
        }
        Self::at(path, start, (body / record) as usize)
    }

    /// Opens a file whose records are known to lie at `start`.
    fn at(path: &Path, start: u64, count: usize) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            start,
            count,
        })
    }

    /// Reads at a position counted from the first record.
    fn read_at(&self, position: u64, into: &mut [u8]) -> std::io::Result<()> {
        // A panic while reading leaves nothing behind but a position, which is set anew here.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start + position))?;
        file.read_exact(into)
    }

    /// File name without its ending, for image names.
    fn stem(&self) -> String {
        self.path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// Open binary files and how to read them.
pub(super) struct BinaryStore {
    layout: Layout,
    parts: Vec<Part>,
}

impl BinaryStore {
    pub(super) fn size(&self) -> [u32; 2] {
        [self.layout.width, self.layout.height]
    }

    pub(super) fn load(&self, row: usize, name: &str) -> Result<RgbImage, DataError> {
        let mut row_in_part = row;
        for part in &self.parts {
            if row_in_part < part.count {
                let position = row_in_part as u64 * self.layout.record_bytes() + self.layout.prefix;
                let mut bytes = vec![0; self.layout.image_bytes()];
                part.read_at(position, &mut bytes)
                    .map_err(|error| DataError::decode(name, &error))?;
                return Ok(self.layout.to_rgb(&bytes));
            }
            row_in_part -= part.count;
        }
        Err(DataError::decode(name, "lies beyond the end of its file"))
    }

    /// Names and labels of all rows, numbered within each file.
    fn records(&self, labels: Option<&[u32]>) -> Vec<ImageRecord> {
        self.parts
            .iter()
            .flat_map(|part| {
                let stem = part.stem();
                (0..part.count).map(move |row| format!("{stem}/{row:05}"))
            })
            .enumerate()
            .map(|(row, name)| ImageRecord {
                name,
                label: labels.and_then(|labels| labels.get(row).copied()),
            })
            .collect()
    }
}

/// What an opened data set calls itself and its images.
pub(super) struct Description {
    pub(super) format: String,
    pub(super) classes: Vec<String>,
    pub(super) records: Vec<ImageRecord>,
}
