//! Which files of a folder form a binary data set, and of which kind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{BinaryStore, Description, cifar, idx, pickle, stl10};
use crate::{
    data::{DataError, natural_cmp},
    progress::Progress,
};

type Opened = Option<(BinaryStore, Description)>;

/// Opens one file if it is of a known binary kind; `None` if it is something else.
pub(in crate::data) fn open_file(path: &Path, progress: &Progress) -> Result<Opened, DataError> {
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
pub(in crate::data) fn open_folder(
    folder: &Path,
    progress: &Progress,
) -> Result<Opened, DataError> {
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
pub(in crate::data) fn open_below(folder: &Path, progress: &Progress) -> Result<Opened, DataError> {
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

pub(super) fn lower_name(path: &Path) -> String {
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
