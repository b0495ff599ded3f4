//! Finding image files below a folder: links, loops, hidden files and foreign ones.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use super::{DataError, Skipped, decode, natural_cmp};
use crate::progress::Progress;

/// Folders deeper than this below the opened one are not entered.
const MAX_DEPTH: usize = 32;

/// A file found by walking: its path and its name relative to the folder, with `/` between parts.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// What walking a folder gives.
#[derive(Default)]
pub(super) struct Walked {
    /// Files that may be images, in natural order of their names.
    pub(super) images: Vec<Found>,
    pub(super) skipped: Vec<Skipped>,
    /// Number of other files.
    pub(super) ignored: usize,
}

/// Finds every image below `root`, in natural order, outside of `except`.
pub(super) fn walk(
    root: &Path,
    except: Option<&Path>,
    progress: &Progress,
) -> Result<Walked, DataError> {
    // Reading the folder itself must work; trouble further down is listed and passed over.
    std::fs::read_dir(root).map_err(|source| DataError::io(root, source))?;
    let real_root = root.canonicalize().ok();
    let except = except.and_then(|path| path.canonicalize().ok());
    let mut linked = HashSet::new();
    let mut walked = Walked::default();
    let mut entries = WalkDir::new(root)
        .follow_links(true)
        .min_depth(1)
        .max_depth(MAX_DEPTH)
        .into_iter();
    let mut seen = 0_u64;
    while let Some(entry) = entries.next() {
        seen += 1;
        if seen.is_multiple_of(256) {
            progress.check()?;
            progress.report("looking for images", seen, None);
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.skipped.push(walk_error(root, &error));
                continue;
            }
        };
        let is_hidden = entry.file_name().as_encoded_bytes().first() == Some(&b'.');
        if entry.file_type().is_dir() {
            let is_except = except.is_some() && entry.path().canonicalize().ok() == except;
            let is_again =
                entry.path_is_symlink() && is_link_back(&entry, real_root.as_deref(), &mut linked);
            if is_again {
                walked.skipped.push(Skipped {
                    name: relative_name(root, entry.path()),
                    reason: "a link to a folder that is part of the set already".to_owned(),
                });
            }
            if is_hidden || is_except || is_again {
                entries.skip_current_dir();
            }
        } else if !is_hidden {
            sort_in(root, entry, &mut walked);
        }
    }
    walked.images.sort_by(|a, b| natural_cmp(&a.name, &b.name));
    Ok(walked)
}

/// Whether a linked folder leads into the set, or where an earlier link led: following it would
/// only count images twice, and nested links could multiply without end.
fn is_link_back(entry: &DirEntry, root: Option<&Path>, linked: &mut HashSet<PathBuf>) -> bool {
    match entry.path().canonicalize() {
        Ok(target) => root.is_some_and(|root| target.starts_with(root)) || !linked.insert(target),
        Err(_) => true,
    }
}

fn sort_in(root: &Path, entry: DirEntry, walked: &mut Walked) {
    let ending = ending(entry.path());
    let name = relative_name(root, entry.path());
    if decode::READABLE.contains(&ending.as_str()) {
        walked.images.push(Found {
            path: entry.into_path(),
            name,
        });
    } else if decode::UNREADABLE.contains(&ending.as_str()) {
        walked.skipped.push(Skipped {
            name,
            reason: format!(".{ending} images are not supported"),
        });
    } else {
        walked.ignored += 1;
    }
}

fn walk_error(root: &Path, error: &walkdir::Error) -> Skipped {
    let name = error
        .path()
        .map_or_else(|| ".".to_owned(), |path| relative_name(root, path));
    let reason = if error.loop_ancestor().is_some() {
        "a link that leads back to a folder above it".to_owned()
    } else {
        error
            .io_error()
            .map_or_else(|| error.to_string(), ToString::to_string)
    };
    Skipped { name, reason }
}

fn ending(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

/// Path relative to the set with `/` between its parts on every system.
fn relative_name(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
