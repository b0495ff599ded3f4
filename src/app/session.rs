//! What a session remembers, as JSON with a version, written so that a crash leaves the old file.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use crate::{
    analysis::Request,
    data::Normalisation,
    ui::{Measured, Pane, ThemeChoice, Views},
};

/// Version of the file's form. Raised when an older program could misread a newer file.
const VERSION: u32 = 1;

/// Larger files are no sessions.
const MAX_BYTES: u64 = 64 << 20;

/// Files that are remembered as opened before.
pub(super) const MOST_RECENT: usize = 12;

/// Why a session could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The file could not be read.
    #[error("cannot read the session {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file could not be written.
    #[error("cannot write the session {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is something else, or damaged.
    #[error("{path} is not a session of this program: {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Everything that is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Version of the form.
    pub version: u32,
    /// What was computed.
    pub request: Option<Request>,
    /// The views' settings.
    #[serde(default)]
    pub views: Views,
    /// The layout of the views.
    #[serde(default)]
    pub layout: Option<Tree<Pane>>,
    /// Light or dark.
    #[serde(default)]
    pub theme: ThemeChoice,
    /// Larger text and marks.
    #[serde(default)]
    pub is_presenting: bool,
    /// The measured encoders.
    #[serde(default)]
    pub history: Vec<Measured>,
    /// Files opened before, newest first.
    #[serde(default)]
    pub recent: Vec<PathBuf>,
    /// Input constants that the user chose for a checkpoint.
    #[serde(default)]
    pub normalisations: BTreeMap<PathBuf, Normalisation>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            version: VERSION,
            request: None,
            views: Views::default(),
            layout: None,
            theme: ThemeChoice::default(),
            is_presenting: false,
            history: Vec::new(),
            recent: Vec::new(),
            normalisations: BTreeMap::new(),
        }
    }
}

impl Session {
    /// Where the window keeps its state between runs when no file is named; `None` for a user
    /// without a home.
    pub fn usual_path() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "spherescope")?;
        Some(folders.config_dir().join("session.json"))
    }

    /// Reads a session.
    ///
    /// # Errors
    /// [`SessionError::Read`] and [`SessionError::Content`].
    pub fn read(path: &Path) -> Result<Self, SessionError> {
        let read = |source| SessionError::Read {
            path: path.to_owned(),
            source,
        };
        let content = |why: String| SessionError::Content {
            path: path.to_owned(),
            why,
        };
        let size = path.metadata().map_err(read)?.len();
        if size > MAX_BYTES {
            return Err(content(format!("it has {} MB", size >> 20)));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        // The version first: a newer form may not parse as this one.
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(content(format!(
                    "its form has version {version}, this program reads {VERSION}"
                )));
            }
            None => return Err(content("it names no version".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| content(error.to_string()))
    }

    /// Writes the session: to a new file beside the old one, which then takes its place.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), SessionError> {
        let failed = |source| SessionError::Write {
            path: path.to_owned(),
            source,
        };
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|error| failed(error.into()))?;
        file.flush().map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Moves an unreadable session aside, so that the next one does not overwrite it; where to.
    pub(super) fn set_aside(path: &Path) -> Option<PathBuf> {
        let aside = path.with_extension("json.bad");
        std::fs::rename(path, &aside).ok().map(|()| aside)
    }
}

/// Puts `path` first among the files opened before.
pub(super) fn remember(recent: &mut Vec<PathBuf>, path: PathBuf) {
    recent.retain(|other| *other != path);
    recent.insert(0, path);
    recent.truncate(MOST_RECENT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::layout;

    #[test]
    fn a_session_reads_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/session.json");
        let mut session = Session {
            request: Some(crate::analysis::demo_request()),
            layout: Some(layout::default_tree()),
            is_presenting: true,
            recent: vec!["a.pth".into()],
            ..Session::default()
        };
        session
            .normalisations
            .insert("a.pth".into(), Normalisation::HALF);
        session.write(&path).unwrap();
        let read = Session::read(&path).unwrap();
        assert_eq!(read.request, session.request);
        assert_eq!(read.views, session.views);
        assert_eq!(read.layout, session.layout);
        assert_eq!(read.normalisations, session.normalisations);
        assert!(read.is_presenting);
    }

    #[test]
    fn bad_files_say_why_and_are_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        for (content, why) in [
            ("{", "EOF"),
            ("[1, 2]", "no version"),
            ("{\"version\": 99}", "version 99"),
            ("{\"version\": 1, \"request\": 3}", "invalid type"),
        ] {
            std::fs::write(&path, content).unwrap();
            let message = Session::read(&path).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        let aside = Session::set_aside(&path).unwrap();
        assert!(aside.exists() && !path.exists());
        assert!(matches!(
            Session::read(&path),
            Err(SessionError::Read { .. })
        ));
    }

    #[test]
    fn writing_where_it_is_impossible_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Session::default()
            .write(&file.join("session.json"))
            .unwrap_err();
        assert!(matches!(error, SessionError::Write { .. }));
    }

    #[test]
    fn recent_files_are_few_and_distinct() {
        let mut recent = Vec::new();
        for number in 0..20 {
            remember(&mut recent, format!("{}", number % 15).into());
        }
        assert_eq!(recent.len(), MOST_RECENT);
        assert_eq!(recent[0], PathBuf::from("4"));
        assert_eq!(
            recent
                .iter()
                .filter(|path| path.as_path() == std::path::Path::new("4"))
                .count(),
            1
        );
    }
}
