//! Files that are there whole or not at all.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use tempfile::NamedTempFile;

/// Writes a file beside its place and moves it there once it is whole and on the disk, so that a
/// full disk or a stop leaves what was there before.
///
/// # Errors
/// What writing says; nothing has changed then.
pub fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<(), E> {
    let file = staged(path, write)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The content of the file at `path` beside its place, whole and on the disk: what is left to do is
/// to persist it. Dropped, it goes.
///
/// # Errors
/// What writing says.
pub fn staged<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<NamedTempFile, E> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A temporary file is private by default; what is handed over is an ordinary one.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let file = builder.tempfile_in(folder)?;
    let mut writer = BufWriter::new(file.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        write_whole(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_staged_and_not_wanted_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        drop(staged(&path, |file| file.write_all(b"new")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        staged(&path, |file| file.write_all(b"new"))
            .unwrap()
            .persist(&path)
            .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
}
