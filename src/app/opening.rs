//! What a path is, so that anything can be dropped on the window.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::data::Table;

/// What a path is opened as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Checkpoint,
    Images {
        path: PathBuf,
        masks: Option<PathBuf>,
    },
    /// A folder of checkpoints.
    Checkpoints,
    Session,
    /// The folder of a saved training run.
    Run,
    /// A table of encoders, or the folder of a sweep.
    Encoders,
}

/// The plan of a sweep, in its folder.
const SWEEP_PLAN: &str = "sweep.toml";

/// Looks at a path: the folder of a saved run is that run, a folder with checkpoints is judged, a
/// sweep's folder and a table hold encoders, any other folder or a data set's binary file holds
/// images, JSON is a session, and any other file is given to the checkpoint reader, whose refusal
/// says what was expected.
///
/// # Errors
/// A sentence when there is no such path or it is a single picture.
pub(super) fn kind_of(path: &Path) -> Result<Kind, String> {
    let metadata = path
        .metadata()
        .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
    if metadata.is_dir() && crate::training::Run::is_saved_in(path) {
        return Ok(Kind::Run);
    }
    let is_sweep = metadata.is_dir() && path.join(SWEEP_PLAN).is_file();
    if is_sweep || (metadata.is_file() && Table::is_named_as_one(path)) {
        return Ok(Kind::Encoders);
    }
    if metadata.is_dir() {
        return Ok(if holds_checkpoints(path) {
            Kind::Checkpoints
        } else {
            images_in(path)
        });
    }
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if extension == "json" {
        return Ok(Kind::Session);
    }
    if is_image_set(&name, &extension, first_bytes(path)) {
        return Ok(Kind::Images {
            path: path.to_owned(),
            masks: None,
        });
    }
    if matches!(
        extension.as_str(),
        "png" | "jpg" | "jpeg" | "webp" | "bmp" | "tif" | "tiff"
    ) {
        return Err(format!(
            "{} is one picture: open its folder instead",
            path.display()
        ));
    }
    Ok(Kind::Checkpoint)
}

/// Whether these are several files, each of which is given to the checkpoint reader.
pub(super) fn are_checkpoints(paths: &[PathBuf]) -> bool {
    let is_one = |path: &PathBuf| matches!(kind_of(path), Ok(Kind::Checkpoint));
    paths.len() > 1 && paths.iter().all(is_one)
}

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 5_000;

/// A saved run, or a folder with checkpoints and without pictures. Endings that data sets have too
/// do not count.
fn holds_checkpoints(folder: &Path) -> bool {
    if folder.join("run.toml").is_file() && folder.join("state").is_dir() {
        return true;
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    let mut is_any = false;
    for entry in entries.take(MOST_ENTRIES).flatten() {
        let path = entry.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match &*ending.to_lowercase() {
            "png" | "jpg" | "jpeg" | "webp" | "bmp" | "tif" | "tiff" => return false,
            "pth" | "pt" | "ckpt" | "th" | "safetensors" => is_any |= path.is_file(),
            _ => {}
        }
    }
    is_any
}

/// A folder with the sub-folders `images` and `masks` is a set with its masks.
fn images_in(path: &Path) -> Kind {
    let (images, masks) = (path.join("images"), path.join("masks"));
    if images.is_dir() && masks.is_dir() {
        Kind::Images {
            path: images,
            masks: Some(masks),
        }
    } else {
        Kind::Images {
            path: path.to_owned(),
            masks: None,
        }
    }
}

fn first_bytes(path: &Path) -> [u8; 4] {
    let mut bytes = [0; 4];
    // A file that cannot be read is no image set; whoever opens it next reports why.
    let _ = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    bytes
}

/// CIFAR and STL-10 are known by their files' names (in lower case), idx by its first bytes.
fn is_image_set(name: &str, extension: &str, first: [u8; 4]) -> bool {
    let is_cifar = extension == "bin"
        && (name.starts_with("data_batch")
            || matches!(name, "test_batch.bin" | "train.bin" | "test.bin"));
    let is_stl = name.ends_with("_x.bin");
    let is_idx = first[..2] == [0, 0] && first[2] == 8 && (1..=4).contains(&first[3]);
    is_cifar || is_stl || is_idx
}

/// The path that a typed text means: quotes and `file://` taken off, `~` filled in.
pub(super) fn typed_path(text: &str) -> PathBuf {
    let text = text.trim().trim_matches(['"', '\'']);
    let text = text.strip_prefix("file://").unwrap_or(text);
    if let Some(rest) = text.strip_prefix('~')
        && (rest.is_empty() || rest.starts_with(['/', '\\']))
        && let Some(folders) = directories::UserDirs::new()
    {
        return folders
            .home_dir()
            .join(rest.trim_start_matches(['/', '\\']));
    }
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        assert_eq!(kind_of(&file("a.pth", b"PK")), Ok(Kind::Checkpoint));
        assert_eq!(
            kind_of(&file("pytorch_model.bin", b"PK\x03\x04")),
            Ok(Kind::Checkpoint)
        );
        assert_eq!(kind_of(&file("s.json", b"{}")), Ok(Kind::Session));
        for table in ["a.csv", "b.TSV", "c.parquet"] {
            assert_eq!(kind_of(&file(table, b"x")), Ok(Kind::Encoders));
        }
        let sweep = folder.path().join("sweep");
        std::fs::create_dir(&sweep).unwrap();
        assert!(matches!(kind_of(&sweep), Ok(Kind::Images { .. })));
        std::fs::write(sweep.join("sweep.toml"), "").unwrap();
        assert_eq!(kind_of(&sweep), Ok(Kind::Encoders));
        for set in [
            file("data_batch_1.bin", b""),
            file("test_X.bin", b""),
            file("t10k-images-idx3-ubyte", &[0, 0, 8, 3, 0]),
        ] {
            assert!(matches!(kind_of(&set), Ok(Kind::Images { .. })), "{set:?}");
        }
        assert!(
            kind_of(&file("cat.png", b""))
                .unwrap_err()
                .contains("one picture")
        );
        assert!(
            kind_of(&folder.path().join("gone"))
                .unwrap_err()
                .contains("gone")
        );
    }

    #[test]
    fn masks_beside_images_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["images", "masks"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let Ok(Kind::Images { path, masks }) = kind_of(folder.path()) else {
            panic!("a folder holds images");
        };
        assert!(path.ends_with("images") && masks.unwrap().ends_with("masks"));
    }

    #[test]
    fn a_folder_of_checkpoints_is_told_from_one_of_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::write(folder.path().join(name), b"").unwrap();
        assert!(matches!(kind_of(folder.path()), Ok(Kind::Images { .. })));
        file("data_batch_1.bin");
        assert!(matches!(kind_of(folder.path()), Ok(Kind::Images { .. })));
        file("a.pth");
        assert_eq!(kind_of(folder.path()), Ok(Kind::Checkpoints));
        file("b.PNG");
        assert!(matches!(kind_of(folder.path()), Ok(Kind::Images { .. })));
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir(run.path().join("state")).unwrap();
        std::fs::write(run.path().join("run.toml"), b"").unwrap();
        assert_eq!(kind_of(run.path()), Ok(Kind::Checkpoints));
    }

    #[test]
    fn typed_paths_lose_their_wrapping() {
        assert_eq!(typed_path(" \"/a b/c.pth\" "), PathBuf::from("/a b/c.pth"));
        assert_eq!(typed_path("file:///a"), PathBuf::from("/a"));
        assert!(!typed_path("~/x").starts_with("~"));
        assert_eq!(typed_path("~other/x"), PathBuf::from("~other/x"));
    }
}
