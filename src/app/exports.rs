//! Where exported files go: never over others.

use std::path::{Path, PathBuf};

/// Numbers that are tried.
const MOST: usize = 1000;

/// `folder`, or where one of `names` is there already the first of `folder-2`, `folder-3` … in which
/// none is.
pub(super) fn free_folder(folder: &Path, names: &[String]) -> PathBuf {
    let is_free = |folder: &PathBuf| !names.iter().any(|name| folder.join(name).exists());
    let numbered = |number: usize| {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        folder.with_file_name(name)
    };
    std::iter::once(folder.to_owned())
        .chain((2..=MOST).map(numbered))
        .find(is_free)
        .unwrap_or_else(|| numbered(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_such_files_gets_a_number() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("out.d");
        let free = || free_folder(&folder, &["a.csv", "b.svg"].map(str::to_owned));
        assert_eq!(free(), folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("other.txt"), "").unwrap();
        assert_eq!(free(), folder);
        std::fs::write(folder.join("b.svg"), "").unwrap();
        assert_eq!(free(), base.path().join("out.d-2"));
        std::fs::create_dir(base.path().join("out.d-2")).unwrap();
        std::fs::write(base.path().join("out.d-2/a.csv"), "").unwrap();
        assert_eq!(free(), base.path().join("out.d-3"));
    }
}
