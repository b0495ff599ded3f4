//! Runs in folders: written whole or not at all, and gone on with later.
//!
//! `step-000120.safetensors` is the encoder with its heads under the names of its family, which
//! other programs load as any checkpoint; `state/step-000120/` holds what only a run needs to go on;
//! `metrics.csv`, the same as `metrics.parquet`, and `run.toml` are for readers.

use std::{
    collections::HashMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{
    Curves, Head, Mark, Run, RunConfig, Snapshot, Start, TrainingError,
    optimiser::Memory,
    past::{ImageFacts, KeptStep, Past, all_steps_until},
    tensors::NamedTensor,
};
use crate::{
    analysis::words::{architecture_word, parse_architecture},
    compute::Compute,
    data::{Normalisation, staged, write_whole},
    progress::Progress,
};

/// Changes when files of older versions can no longer be gone on with.
const FORMAT: u32 = 1;

/// What a run's state says of itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    spherescope: String,
    step: usize,
    pub config: RunConfig,
    /// The encoder, as a word; a run that began with a checkpoint does not need it again.
    #[serde(default)]
    architecture: Option<String>,
    /// Input constants in use.
    #[serde(default)]
    normalisation: Option<Normalisation>,
    /// What computed.
    #[serde(default)]
    device: serde_json::Value,
    /// CRC-32 of the checkpoint that belongs to this state.
    #[serde(default)]
    pub checkpoint_crc32: Option<u32>,
    /// Where the run was saved on its way here, this step included.
    #[serde(default)]
    pub branch: Option<Vec<KeptStep>>,
    /// Settings of the beginning.
    #[serde(default)]
    initial: Option<RunConfig>,
    /// What happened on the way here.
    #[serde(default)]
    marks: Vec<Mark>,
    /// The images that it was trained on.
    #[serde(default)]
    images: Option<ImageFacts>,
    /// Numbers of the parameters of which each of [`OPTIMISERS`] remembers something.
    #[serde(default)]
    remembered: Option<[Vec<u64>; 2]>,
}

impl Run {
    /// Saves the run below `folder`, beside what was saved there before, and remembers that it came
    /// by there. Returns the checkpoint.
    ///
    /// Everything is written beside its place and then moved there, so that a full disk or a stop
    /// leaves what was saved before.
    ///
    /// # Errors
    /// [`TrainingError::Save`] with what the system said.
    pub fn save(&mut self, folder: &Path, curves: &Curves) -> Result<PathBuf, TrainingError> {
        self.save_beside(folder, curves)
            .map_err(|error| match error {
                // A file that was being made there, and is gone again: not what anyone asked for.
                TrainingError::Save { path, source } if is_in_the_making(&path) => {
                    TrainingError::Save {
                        path: folder.to_owned(),
                        source,
                    }
                }
                other => other,
            })
    }

    fn save_beside(&mut self, folder: &Path, curves: &Curves) -> Result<PathBuf, TrainingError> {
        let snapshot = self.snapshot()?;
        let name = step_name(snapshot.step);
        let states = folder.join("state");
        fs::create_dir_all(&states).map_err(TrainingError::save(&states))?;
        let fresh = tempfile::Builder::new()
            .prefix(SAVING)
            .tempdir_in(&states)
            .map_err(TrainingError::save(&states))?;
        let weights = safetensors_bytes(&snapshot.tensors, HashMap::new())
            .map_err(TrainingError::save(folder))?;
        let crc32 = crc32fast::hash(&weights);
        let branch = self.past.saved_with(snapshot.step, crc32);
        let header = Header {
            checkpoint_crc32: Some(crc32),
            branch: Some(branch.clone()),
            ..self.header(&snapshot)?
        };
        let text = serde_json::to_vec_pretty(&header)
            .map_err(io::Error::other)
            .map_err(TrainingError::save(folder))?;
        write(&fresh.path().join("run.json"), &text)?;
        for (memory, file) in snapshot.optimisers.iter().zip(OPTIMISERS) {
            let (tensors, counts) = memory.tensors();
            write_tensors(&fresh.path().join(file), &tensors, counts)?;
        }
        if !snapshot.keys.is_empty() {
            write_tensors(&fresh.path().join(KEYS), &snapshot.keys, HashMap::new())?;
        }
        write(
            &fresh.path().join("metrics.csv"),
            curves.to_csv().as_bytes(),
        )?;
        // All that a full disk could refuse is written now; what is left are renames.
        let checkpoint = folder.join(format!("{name}.safetensors"));
        let weights = staged(&checkpoint, |file| file.write_all(&weights))
            .map_err(TrainingError::save(&checkpoint))?;
        let place = states.join(&name);
        let aside = tempfile::Builder::new()
            .prefix(".replaced-")
            .tempdir_in(&states)
            .map_err(TrainingError::save(&states))?;
        if place.exists() {
            fs::rename(&place, aside.path().join(&name)).map_err(TrainingError::save(&place))?;
        }
        fs::rename(fresh.keep(), &place).map_err(TrainingError::save(&place))?;
        weights
            .persist(&checkpoint)
            .map_err(|error| TrainingError::save(&checkpoint)(error.error))?;
        write(&states.join(LATEST), name.as_bytes())?;
        self.past.saved = branch;
        let table = curves.table();
        for name in ["metrics.csv", "metrics.parquet"] {
            let path = folder.join(name);
            let written = table.write(&path).map_err(io::Error::other);
            written.map_err(TrainingError::save(&path))?;
        }
        let settings = snapshot.config.to_toml()?;
        write(&folder.join("run.toml"), settings.as_bytes())?;
        Ok(checkpoint)
    }

    /// What the state of a step says of itself, but for what belongs to its files.
    fn header(&self, snapshot: &Snapshot) -> Result<Header, TrainingError> {
        Ok(Header {
            format: FORMAT,
            spherescope: env!("CARGO_PKG_VERSION").to_owned(),
            step: snapshot.step,
            config: snapshot.config.clone(),
            architecture: Some(architecture_word(self.architecture()?)),
            normalisation: Some(self.normalisation()),
            device: serde_json::to_value(self.device_report()).unwrap_or_default(),
            checkpoint_crc32: None,
            branch: None,
            initial: Some(self.past.initial.clone()),
            marks: self.past.marks.clone(),
            images: Some(ImageFacts::of(self.images())),
            remembered: Some(snapshot.optimisers.each_ref().map(Memory::parameters)),
        })
    }

    /// The settings of the run that was saved last in `folder`, before anything large is read.
    ///
    /// # Errors
    /// [`TrainingError::Resume`] when no run is saved there, or its state cannot be read.
    pub fn saved_settings(folder: &Path) -> Result<RunConfig, TrainingError> {
        let (state, _) = newest(folder)?;
        Ok(header(&state.join("run.json"))?.config)
    }

    /// Whether a run was saved in `folder`.
    pub fn is_saved_in(folder: &Path) -> bool {
        newest(folder).is_ok()
    }

    /// Goes on with what was saved last in `folder`. Returns the run and what it had written
    /// down.
    ///
    /// # Errors
    /// [`TrainingError::Resume`] with what is missing or broken, and when the images are not those
    /// that it was trained on; and as [`Run::new`].
    pub fn resume(
        folder: &Path,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<(Self, Curves), TrainingError> {
        let (state, checkpoint) = newest(folder)?;
        let saved = saved_step(&state, &checkpoint, compute.device())?;
        let mut run = Self::prepared(saved.header.without_start()?, compute, progress)?;
        if let Some(known) = &saved.header.images {
            known.check(run.images(), &state.join("run.json"))?;
        }
        saved.check(&run, &state)?;
        let plan = run.plan()?;
        let past = saved.header.past(folder);
        run.restore(&saved.snapshot(plan))?;
        run.past = past;
        let path = state.join("metrics.csv");
        let table = fs::read_to_string(&path)
            .map_err(|error| TrainingError::resume(&path, &error.to_string()))?;
        let curves = Curves::from_csv(&table)
            .ok_or_else(|| TrainingError::resume(&path, "it is no table of a run"))?;
        Ok((run, curves))
    }

    /// The steps that are saved in `folder` and that this run came by, rising: each with a function
    /// that reads it for this run.
    pub(super) fn saved_steps(&self, folder: &Path) -> Vec<(usize, SavedAt)> {
        let saved = steps(folder).unwrap_or_default().into_iter();
        saved
            .filter(|(step, ..)| self.past.came_by(folder, *step))
            .map(|(step, state, checkpoint)| (step, SavedAt { state, checkpoint }))
            .collect()
    }
}

/// Where a step is saved.
pub(super) struct SavedAt {
    state: PathBuf,
    checkpoint: PathBuf,
}

impl SavedAt {
    /// Reads the step for a run of the same settings.
    ///
    /// # Errors
    /// [`TrainingError::Resume`] with what is missing or broken.
    pub fn read(&self, run: &Run, compute: &Compute) -> Result<Snapshot, TrainingError> {
        let saved = saved_step(&self.state, &self.checkpoint, compute.device())?;
        saved.check(run, &self.state)?;
        Ok(saved.snapshot(run.plan()?))
    }
}

/// A saved step as its files hold it.
struct SavedStep {
    header: Header,
    tensors: Vec<NamedTensor>,
    memories: [Memory; 2],
    keys: Vec<NamedTensor>,
}

impl SavedStep {
    /// Refuses memories of optimisers that belong to other networks than `run`'s, or that lack
    /// something.
    fn check(&self, run: &Run, state: &Path) -> Result<(), TrainingError> {
        for (place, (file, memory)) in OPTIMISERS.into_iter().zip(&self.memories).enumerate() {
            let misfit = run.memory_misfit(place == 0, memory);
            if let Some(reason) = misfit.or_else(|| self.header.lost(place, memory)) {
                return Err(TrainingError::resume(&state.join(file), &reason));
            }
        }
        Ok(())
    }

    fn snapshot(self, plan: super::net::NetPlan) -> Snapshot {
        Snapshot {
            plan,
            keys: self.keys,
            step: self.header.step,
            config: self.header.config,
            tensors: Arc::new(self.tensors),
            optimisers: self.memories,
        }
    }
}

/// Reads what was saved of a step.
fn saved_step(
    state: &Path,
    checkpoint: &Path,
    device: &burn::tensor::Device,
) -> Result<SavedStep, TrainingError> {
    let header = header(&state.join("run.json"))?;
    let weights =
        fs::read(checkpoint).map_err(|error| TrainingError::resume(checkpoint, &error))?;
    if (header.checkpoint_crc32).is_some_and(|known| known != crc32fast::hash(&weights)) {
        let reason = "it was written at another time than the rest of the run's state";
        return Err(TrainingError::resume(checkpoint, reason));
    }
    let (tensors, _) = tensors_of(checkpoint, &weights)?;
    let mut memories = Vec::new();
    for file in OPTIMISERS {
        let path = state.join(file);
        let (tensors, counts) = read_tensors(&path)?;
        let memory = Memory::from_tensors(&header.config.optimiser, tensors, &counts, device);
        memories.push(memory.ok_or_else(|| {
            TrainingError::resume(&path, "the optimiser's memory is not complete")
        })?);
    }
    let memories = <[Memory; 2]>::try_from(memories)
        .map_err(|_| TrainingError::resume(state, "two memories of optimisers are needed"))?;
    let keys = if header.config.objective.keys().is_some() {
        read_tensors(&state.join(KEYS))?.0
    } else {
        Vec::new()
    };
    Ok(SavedStep {
        header,
        tensors,
        memories,
        keys,
    })
}

/// What a step's state says of itself, in its `run.json`.
pub(super) fn header(path: &Path) -> Result<Header, TrainingError> {
    let text = fs::read(path).map_err(|error| TrainingError::resume(path, &error))?;
    let header: Header =
        serde_json::from_slice(&text).map_err(|error| TrainingError::resume(path, &error))?;
    if header.format != FORMAT {
        return Err(TrainingError::resume(
            path,
            &format!(
                "it is of format {}, this program reads {FORMAT}",
                header.format
            ),
        ));
    }
    let place = path.parent().and_then(Path::file_name);
    let place = place.unwrap_or_default().to_string_lossy();
    // Schedules, shuffles and views follow from the step.
    if step_of(&place) != Some(header.step) {
        return Err(TrainingError::resume(
            path,
            &format!("it says step {}, its folder `{place}`", header.step),
        ));
    }
    Ok(header)
}

impl Header {
    /// The run's way to this step, which is saved in `folder`.
    fn past(&self, folder: &Path) -> Past {
        let branch = self.branch.clone();
        Past {
            initial: self.initial.as_ref().unwrap_or(&self.config).clone(),
            saved: branch.unwrap_or_else(|| all_steps_until(folder, self.step)),
            marks: self.marks.clone(),
        }
    }

    /// What the memory of one of [`OPTIMISERS`] lacks, in words.
    fn lost(&self, place: usize, memory: &Memory) -> Option<String> {
        let known = memory.parameters();
        if let Some(remembered) = &self.remembered {
            let missing = remembered[place]
                .iter()
                .filter(|number| !known.contains(number))
                .count();
            let of = remembered[place].len();
            return (missing > 0).then(|| {
                format!("the optimiser's memory of {missing} of {of} parameters is missing")
            });
        }
        // Not every parameter has a memory (a head that the loss does not look at has none), and
        // older files do not say which: none at all is a loss where something trains.
        let has_trained =
            place == 0 || self.config.head != Head::None || self.config.objective.needs_labels();
        let is_lost =
            self.step > 0 && has_trained && known.is_empty() && self.config.optimiser.remembers();
        is_lost.then(|| "the optimiser's memory is empty".to_owned())
    }

    /// The settings of a run that is given all its weights: what it started from is not opened.
    fn without_start(&self) -> Result<RunConfig, TrainingError> {
        let Some(word) = &self.architecture else {
            return Ok(self.config.clone());
        };
        let architecture = parse_architecture(word)
            .map_err(|error| TrainingError::resume(Path::new("run.json"), &error))?;
        Ok(RunConfig {
            start: Start::Scratch,
            architecture,
            normalisation: self.normalisation.or(self.config.normalisation),
            ..self.config.clone()
        })
    }
}

/// Beginning of the name of a folder that a state is made in.
const SAVING: &str = ".saving-";

/// Whether a path lies in a folder that a state is made in.
fn is_in_the_making(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with(SAVING)
    })
}

/// File below the states that names what was saved last.
const LATEST: &str = "latest";

/// Files of the two optimisers' memories: the encoder's, the heads'.
const OPTIMISERS: [&str; 2] = [
    "optimiser-encoder.safetensors",
    "optimiser-heads.safetensors",
];

/// File of the key encoder and its queues, where a loss has them.
const KEYS: &str = "keys.safetensors";

/// What a step is called in a folder.
pub(super) fn step_name(step: usize) -> String {
    format!("step-{step:06}")
}

fn step_of(name: &str) -> Option<usize> {
    name.strip_prefix("step-")?.parse().ok()
}

/// What was saved last, or the newest step, of which both state and checkpoint are there.
pub(super) fn newest(folder: &Path) -> Result<(PathBuf, PathBuf), TrainingError> {
    let states = folder.join("state");
    if let Ok(name) = fs::read_to_string(states.join(LATEST))
        && name.starts_with("step-")
        && !name.contains(['/', '\\'])
    {
        let found = (
            states.join(&name),
            folder.join(format!("{name}.safetensors")),
        );
        if found.0.is_dir() && found.1.exists() {
            return Ok(found);
        }
    }
    steps(folder)?
        .pop()
        .map(|(_, state, checkpoint)| (state, checkpoint))
        .ok_or_else(|| TrainingError::resume(folder, "no step is saved there"))
}

/// The steps of which both state and checkpoint are there, rising.
pub(super) fn steps(folder: &Path) -> Result<Vec<(usize, PathBuf, PathBuf)>, TrainingError> {
    let states = folder.join("state");
    let entries = fs::read_dir(&states).map_err(|error| TrainingError::resume(&states, &error))?;
    let mut steps: Vec<(usize, PathBuf, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let step = step_of(&name)?;
            let checkpoint = folder.join(format!("{name}.safetensors"));
            checkpoint
                .exists()
                .then(|| (step, states.join(name), checkpoint))
        })
        .collect();
    steps.sort();
    Ok(steps)
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    write_whole(path, |file| file.write_all(bytes)).map_err(TrainingError::save(path))
}

fn write_tensors(
    path: &Path,
    tensors: &[NamedTensor],
    notes: HashMap<String, String>,
) -> Result<(), TrainingError> {
    let bytes = safetensors_bytes(tensors, notes).map_err(TrainingError::save(path))?;
    write(path, &bytes)
}

fn safetensors_bytes(
    tensors: &[NamedTensor],
    mut notes: HashMap<String, String>,
) -> io::Result<Vec<u8>> {
    // What PyTorch's own writer notes, and some loaders look for.
    notes.insert("format".to_owned(), "pt".to_owned());
    let views = tensors.iter().map(|tensor| {
        let bytes = bytemuck::cast_slice(&tensor.values);
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?;
        Ok((tensor.name.as_str(), view))
    });
    views
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .and_then(|views| safetensors::serialize(views, Some(notes)))
        .map_err(io::Error::other)
}

fn read_tensors(path: &Path) -> Result<(Vec<NamedTensor>, HashMap<String, String>), TrainingError> {
    let bytes = fs::read(path).map_err(|error| TrainingError::resume(path, &error))?;
    tensors_of(path, &bytes)
}

/// What the bytes of the file at `path` hold.
fn tensors_of(
    path: &Path,
    bytes: &[u8],
) -> Result<(Vec<NamedTensor>, HashMap<String, String>), TrainingError> {
    let refused = |error: &dyn std::fmt::Display| TrainingError::resume(path, &error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| refused(&error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| refused(&error))?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(refused(&format!("`{name}` does not hold 32-bit floats")));
        }
        tensors.push(NamedTensor {
            name,
            shape: view.shape().to_vec(),
            values: view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
        });
    }
    Ok((tensors, metadata.metadata().clone().unwrap_or_default()))
}
