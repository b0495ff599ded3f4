//! What a run knows of its way: how it began, and which of the steps in its folder it came by. A run
//! that went back to an earlier step leaves the later ones of its folder behind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Mark, RunConfig, TrainingError,
    save::{header, newest, step_name, steps},
};
use crate::data::ImageSet;

/// A step at which a run was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptStep {
    /// Steps done then.
    pub step: usize,
    /// CRC-32 of its checkpoint: another run's file of the same name is told apart by it.
    pub checkpoint_crc32: Option<u32>,
}

/// The way of a run up to where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Past {
    /// Settings of the beginning.
    pub initial: RunConfig,
    /// Where it was saved, rising.
    pub saved: Vec<KeptStep>,
    /// What happened on the way.
    pub marks: Vec<Mark>,
}

impl Past {
    /// Of a run that begins.
    pub fn new(initial: RunConfig) -> Self {
        Self {
            initial,
            saved: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Where the run was saved, once it is saved at `step` as well.
    pub fn saved_with(&self, step: usize, crc32: u32) -> Vec<KeptStep> {
        let before = self.saved.iter().filter(|kept| kept.step < step);
        let new = KeptStep {
            step,
            checkpoint_crc32: Some(crc32),
        };
        before.cloned().chain([new]).collect()
    }

    /// The run went back to `step`.
    pub fn forget_after(&mut self, step: usize) {
        self.saved.retain(|kept| kept.step <= step);
        self.marks.retain(|mark| mark.step <= step);
    }

    /// Whether the run came by `step` as it is saved in `folder`.
    pub fn came_by(&self, folder: &Path, step: usize) -> bool {
        let mut own = self.saved.iter().filter(|kept| kept.step == step);
        own.any(|kept| kept.checkpoint_in(folder).is_some())
    }
}

impl KeptStep {
    /// Its checkpoint in `folder`; none when there is none, or another run's of that name.
    fn checkpoint_in(&self, folder: &Path) -> Option<PathBuf> {
        let name = step_name(self.step);
        let checkpoint = folder.join(format!("{name}.safetensors"));
        if !checkpoint.is_file() {
            return None;
        }
        let Some(known) = self.checkpoint_crc32 else {
            return Some(checkpoint);
        };
        let state = folder.join("state").join(name).join("run.json");
        let found = match header(&state) {
            Ok(header) => header.checkpoint_crc32,
            // Without its state the weights themselves tell.
            Err(_) => fs::read(&checkpoint).ok().map(|it| crc32fast::hash(&it)),
        };
        found
            .is_none_or(|found| found == known)
            .then_some(checkpoint)
    }
}

/// The steps of a folder up to `step`, for a run that was saved before runs wrote theirs down.
pub(super) fn all_steps_until(folder: &Path, step: usize) -> Vec<KeptStep> {
    let found = steps(folder).unwrap_or_default().into_iter();
    found
        .filter(|(found, ..)| *found <= step)
        .map(|(step, state, _)| KeptStep {
            step,
            checkpoint_crc32: header(&state.join("run.json"))
                .ok()
                .and_then(|header| header.checkpoint_crc32),
        })
        .collect()
}

/// Step and checkpoint of where the run that was saved last in `folder` came by, rising; the last is
/// where it stands. `None` when no run is saved there, or one that did not write its way down: then
/// nothing tells its steps from those that a run left behind when it went back.
pub fn own_checkpoints(folder: &Path) -> Option<Vec<(usize, PathBuf)>> {
    let (state, _) = newest(folder).ok()?;
    let header = header(&state.join("run.json"))
        .inspect_err(|error| log::warn!("{error}"))
        .ok()?;
    let own = header.branch?.into_iter();
    Some(
        own.filter_map(|kept| Some((kept.step, kept.checkpoint_in(folder)?)))
            .collect(),
    )
}

/// The settings with which a run saved this checkpoint `step-*.safetensors`, knobs as they stood
/// then; those of the run's newest step where only they are there. `None` for any other file.
pub fn settings_of_checkpoint(checkpoint: &Path) -> Option<RunConfig> {
    let stem = checkpoint.file_stem()?.to_str()?;
    stem.strip_prefix("step-")?;
    let state = checkpoint.with_file_name("state").join(stem);
    if let Ok(header) = header(&state.join("run.json")) {
        return Some(header.config);
    }
    let settings = checkpoint.with_file_name("run.toml");
    if !settings.is_file() {
        return None;
    }
    RunConfig::open(&settings)
        .inspect_err(|error| log::warn!("{}: {error}", settings.display()))
        .ok()
}

/// What tells that a run's images are still the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ImageFacts {
    /// How many.
    count: usize,
    /// CRC-32 of their names, in order.
    names_crc32: u32,
}

impl ImageFacts {
    /// Of some images.
    pub fn of(images: &ImageSet) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        for record in images.records() {
            hasher.update(record.name.as_bytes());
            hasher.update(b"\n");
        }
        Self {
            count: images.len(),
            names_crc32: hasher.finalize(),
        }
    }

    /// Refuses to go on with other images: shuffles, views and prototypes go by their numbers.
    ///
    /// # Errors
    /// [`TrainingError::Resume`] of the file at `path`.
    pub fn check(&self, images: &ImageSet, path: &Path) -> Result<(), TrainingError> {
        let now = Self::of(images);
        let (before, source) = (self.count, images.source());
        if now.count != before {
            let reason = format!(
                "the run was trained on {before} images, and {} are there now ({source})",
                now.count
            );
            return Err(TrainingError::resume(path, &reason));
        }
        if now != *self {
            let reason = format!(
                "the run was trained on {before} images, and the {before} that are there now have \
                 other names ({source})"
            );
            return Err(TrainingError::resume(path, &reason));
        }
        Ok(())
    }
}
