//! Data sets that keep all images in few binary files: CIFAR-10/100, STL-10 and MNIST-style idx.
//!
//! Files stay open and are read one image at a time; only labels are read ahead.

mod cifar;
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

use super::{DataError, ImageRecord, natural_cmp};
use crate::progress::Progress;

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

type Opened = Option<(BinaryStore, Description)>;

/// Opens one file if it is of a known binary kind; `None` if it is something else.
pub(super) fn open_file(path: &Path, progress: &Progress) -> Result<Opened, DataError> {
    refuse_packed(path)?;
    let name = lower_name(path);
    if name.ends_with("_x.bin") {
        return stl10::open(path, "").map(Some);
    }
    if name.ends_with("_y.bin") {
        return Err(DataError::format(
            path,
            "these are the labels of STL-10; open the file of images (…_X.bin)",
        ));
    }
    if has_ending(path, "bin") {
        return cifar::open(&[path.to_owned()], "", progress).map(Some);
    }
    if idx::is_idx(path) {
        return idx::open(path, "").map(Some);
    }
    if is_pickled_cifar(&name, path) {
        return pickle::open(&[path.to_owned()], "", progress).map(Some);
    }
    Ok(None)
}

/// Opens the data set whose files lie directly in the folder; `None` if there is none.
///
/// Of several splits the test split is opened, else training, else the unlabelled one; the
/// description names what was left out.
pub(super) fn open_folder(folder: &Path, progress: &Progress) -> Result<Opened, DataError> {
    let files = list(folder, Path::is_file)?;
    let named = |wanted: fn(&str) -> bool| -> Vec<PathBuf> {
        files
            .iter()
            .filter(|path| wanted(&lower_name(path)))
            .cloned()
            .collect()
    };

    let test = named(|name| name == "test_batch.bin" || name == "test.bin");
    let train = named(|name| {
        let numbered = name.strip_prefix("data_batch_");
        name == "train.bin" || numbered.is_some_and(|rest| rest.strip_suffix(".bin").is_some())
    });
    if let Some((chosen, others)) = first_split(test, train) {
        return cifar::open(&chosen, &beside(&chosen, &others), progress).map(Some);
    }
    let pickled = |tests: bool| -> Vec<PathBuf> {
        let wanted = |path: &&PathBuf| {
            let name = lower_name(path);
            is_pickled_cifar(&name, path) && name.starts_with("test") == tests
        };
        files.iter().filter(wanted).cloned().collect()
    };
    if let Some((chosen, others)) = first_split(pickled(true), pickled(false)) {
        return pickle::open(&chosen, &beside(&chosen, &others), progress).map(Some);
    }
    if let Some((first, others)) = best(
        named(|name| name.ends_with("_x.bin")),
        &["test", "train", "unlabeled"],
    ) {
        return stl10::open(&first, &beside(std::slice::from_ref(&first), &others)).map(Some);
    }
    let images = named(|name| name.contains("images") && name.contains("idx3"))
        .into_iter()
        .filter(|path| idx::is_idx(path))
        .collect();
    if let Some((first, others)) = best(images, &["t10k", "test", "train"]) {
        return idx::open(&first, &beside(std::slice::from_ref(&first), &others)).map(Some);
    }
    for path in &files {
        let name = lower_name(path);
        if name.contains("idx3") || name.ends_with(".tar.gz") {
            refuse_packed(path)?;
        }
    }
    Ok(None)
}

/// Looks for a data set one or two folders further down.
pub(super) fn open_below(folder: &Path, progress: &Progress) -> Result<Opened, DataError> {
    let mut level = vec![folder.to_owned()];
    for _ in 0..2 {
        let mut next = Vec::new();
        for parent in level {
            next.extend(list(&parent, |path| path.is_dir() && !path.is_symlink())?);
        }
        for candidate in &next {
            progress.check()?;
            if let Some(opened) = open_folder(candidate, progress)? {
                return Ok(Some(opened));
            }
        }
        level = next;
    }
    Ok(None)
}

/// The test split if there is one, else the training split; then the other one.
fn first_split(test: Vec<PathBuf>, train: Vec<PathBuf>) -> Option<(Vec<PathBuf>, Vec<PathBuf>)> {
    match (test.is_empty(), train.is_empty()) {
        (true, true) => None,
        (true, false) => Some((train, test)),
        (false, _) => Some((test, train)),
    }
}

/// The path whose name starts with the first matching preference, and the other paths.
fn best(mut paths: Vec<PathBuf>, preferences: &[&str]) -> Option<(PathBuf, Vec<PathBuf>)> {
    let rank = |path: &PathBuf| {
        let name = lower_name(path);
        preferences
            .iter()
            .position(|start| name.starts_with(start))
            .unwrap_or(preferences.len())
    };
    paths.sort_by_key(rank);
    let mut paths = paths.into_iter();
    Some((paths.next()?, paths.collect()))
}

/// " (test_batch.bin; not opened: data_batch_1.bin, …)": the choice is never silent.
fn beside(chosen: &[PathBuf], others: &[PathBuf]) -> String {
    let join = |paths: &[PathBuf]| {
        let names: Vec<_> = paths
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy())
            .collect();
        names.join(", ")
    };
    if others.is_empty() {
        format!(" ({})", join(chosen))
    } else {
        format!(" ({}; not opened: {})", join(chosen), join(others))
    }
}

/// Entries of a folder that satisfy `wanted`, in natural order.
fn list(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, DataError> {
    let entries = fs::read_dir(folder).map_err(|source| DataError::io(folder, source))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| wanted(path))
        .collect();
    paths.sort_by(|a, b| natural_cmp(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(paths)
}

fn lower_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Clear words for archives: nothing is unpacked behind the user's back.
fn refuse_packed(path: &Path) -> Result<(), DataError> {
    let packed = ["gz", "zip", "tar", "tgz", "bz2", "xz", "7z"];
    if packed.iter().any(|ending| has_ending(path, ending)) {
        Err(DataError::format(
            path,
            "the file is packed; unpack it first and open the result",
        ))
    } else {
        Ok(())
    }
}

/// Whether this is a file of the Python version of CIFAR: by its name, and for the plain names of
/// CIFAR-100 by the file that always lies beside them.
fn is_pickled_cifar(lower_name: &str, path: &Path) -> bool {
    let is_cifar10 = lower_name == "test_batch"
        || (lower_name.starts_with("data_batch_") && !lower_name.contains('.'));
    let is_cifar100 =
        matches!(lower_name, "test" | "train") && path.with_file_name("meta").is_file();
    is_cifar10 || is_cifar100
}
