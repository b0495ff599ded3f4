//! A file opened without reading its weights: which container, which tensors, and how to get at
//! the bytes of one.
//!
//! What a file claims is checked against what it can hold before anything is allocated for it,
//! and third-party readers run where a panic of theirs becomes an error.

use std::{
    any::Any,
    collections::BTreeMap,
    fs::File,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    CheckpointError, detect,
    listing::{Dtype, Listed, Listing},
    pytorch, safetensors_file,
};

/// How a file packs its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// `torch.save` since PyTorch 1.6.
    PytorchZip,
    /// `torch.save` from 0.1.10 to 1.5: a stream of pickles.
    PytorchLegacy,
    /// `torch.save` before 0.1.10.
    PytorchTar,
    /// A pickle without PyTorch's frame, which can hold no tensors.
    Pickle,
    /// Hugging Face's format: a JSON header and raw values.
    Safetensors,
    /// No file: an untrained network.
    None,
}

impl Container {
    /// The name people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::PytorchZip => "PyTorch zip",
            Self::PytorchLegacy => "PyTorch legacy pickle",
            Self::PytorchTar => "PyTorch tar",
            Self::Pickle => "plain pickle",
            Self::Safetensors => "safetensors",
            Self::None => "no file",
        }
    }
}

/// Where the values of one tensor are.
pub(super) enum Source {
    Pytorch(pytorch_reader::Tensor),
    Safetensors { start: u64, end: u64 },
}

/// The tensors of a checkpoint by name, their values still in the file.
pub struct NamedTensors {
    path: PathBuf,
    file_size: u64,
    container: Container,
    listing: Listing,
    sources: BTreeMap<String, Source>,
    facts: BTreeMap<String, String>,
    /// Held open for containers that are read by offset, so that a file replaced under its
    /// name does not mix two checkpoints.
    file: Option<File>,
}

impl std::fmt::Debug for NamedTensors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedTensors")
            .field("path", &self.path)
            .field("container", &self.container)
            .field("tensors", &self.listing.entries().len())
            .finish_non_exhaustive()
    }
}

/// Tensors a file may list. Two copies of a ResNet-152 with two optimiser states for each weight
/// are about six thousand; every rule looks at all of them.
const MAX_TENSORS: usize = 100_000;

/// What a container's reader hands over.
pub(super) struct Opened {
    pub container: Container,
    pub tensors: Vec<(Listed, Source)>,
    pub facts: BTreeMap<String, String>,
    pub file: Option<File>,
}

/// Opens a checkpoint and lists its tensors; no weights are read.
///
/// The content decides about the container, never the file's extension.
///
/// # Errors
/// A path that is no readable file, a file that is no checkpoint, is damaged, or claims more
/// than a file of its size can hold, and a file without tensors.
pub fn open(path: &Path) -> Result<NamedTensors, CheckpointError> {
    let io_error = |source| CheckpointError::Io {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(io_error)?;
    if !metadata.is_file() {
        return Err(CheckpointError::NotAFile {
            path: path.to_owned(),
            what: if metadata.is_dir() {
                "a folder"
            } else {
                "a device or pipe"
            },
        });
    }
    let file_size = metadata.len();
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(detect::HEAD_BYTES).read_to_end(&mut head))
        .map_err(io_error)?;

    let opened = match detect::detect(&head, file_size) {
        Ok(Container::Safetensors) => isolated(path, "safetensors", || {
            safetensors_file::open(path, file_size)
        }),
        Ok(container) => isolated(path, container.name(), || {
            pytorch::open(path, file_size, container)
        }),
        Err(hint) => Err(CheckpointError::NotACheckpoint {
            path: path.to_owned(),
            hint,
        }),
    }?;
    if opened.tensors.len() > MAX_TENSORS {
        return Err(CheckpointError::Refused {
            path: path.to_owned(),
            reason: format!(
                "it lists {} tensors (at most {MAX_TENSORS})",
                opened.tensors.len()
            ),
        });
    }
    if opened.tensors.is_empty() {
        return Err(CheckpointError::NoTensors {
            path: path.to_owned(),
        });
    }
    let listing = Listing::new(
        opened
            .tensors
            .iter()
            .map(|(entry, _)| entry.clone())
            .collect(),
    );
    let sources = opened
        .tensors
        .into_iter()
        .map(|(entry, source)| (entry.key, source))
        .collect();
    Ok(NamedTensors {
        path: path.to_owned(),
        file_size,
        container: opened.container,
        listing,
        sources,
        facts: opened.facts,
        file: opened.file,
    })
}

impl NamedTensors {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub fn file_size(&self) -> u64 {
        self.file_size
    }

    /// How the file packs its tensors.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Names, shapes and types.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Short statements the file makes about itself beside its tensors, by dotted path
    /// (`arch`, `hyper_parameters.model_hparams.act_fn_name`).
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.facts
    }

    /// Reads the values of one tensor, row-major, as `f32`.
    ///
    /// May be called from several threads at once.
    ///
    /// # Errors
    /// An unknown key, a type that is no float, a claim beyond the file's size, bytes that
    /// cannot be read, and values that are NaN or infinite.
    pub fn read_f32(&self, key: &str) -> Result<Vec<f32>, CheckpointError> {
        let (Some(listed), Some(source)) = (self.listing.get(key), self.sources.get(key)) else {
            return Err(tensor_error(key, "the file has no such tensor"));
        };
        let Some(claimed) = claimed_bytes(listed) else {
            return Err(CheckpointError::UnsupportedDtype {
                key: key.to_owned(),
                dtype: listed.dtype.to_string(),
            });
        };
        if claimed > self.file_size {
            return Err(tensor_error(
                key,
                &format!(
                    "it claims {claimed} bytes, more than the whole file ({} bytes)",
                    self.file_size
                ),
            ));
        }
        let values = match (source, &self.file) {
            (Source::Pytorch(tensor), _) => catch_unwind(AssertUnwindSafe(|| tensor.read()))
                .map_err(|panic| tensor_error(key, &panic_text(&*panic)))?
                .map(|bytes| decode(&bytes, listed.dtype)),
            (Source::Safetensors { start, .. }, Some(file))
                if listed.dtype == Dtype::F32 && cfg!(target_endian = "little") =>
            {
                safetensors_file::read_values(file, *start, claimed)
            }
            (Source::Safetensors { start, end }, Some(file)) => {
                safetensors_file::read(file, *start, *end).map(|bytes| decode(&bytes, listed.dtype))
            }
            (Source::Safetensors { .. }, None) => Err(std::io::ErrorKind::NotFound.into()),
        }
        .map_err(|error| tensor_error(key, &error.to_string()))?;
        if values.len() as u64 * size_of_dtype(listed.dtype) != claimed {
            return Err(tensor_error(key, "its values do not fill its shape"));
        }
        check_finite(key, &values)?;
        Ok(values)
    }
}

fn tensor_error(key: &str, reason: &str) -> CheckpointError {
    CheckpointError::Tensor {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}

fn size_of_dtype(dtype: Dtype) -> u64 {
    dtype.size().unwrap_or(1) as u64
}

/// Bytes the tensor says it has, where its type is read at all.
fn claimed_bytes(listed: &Listed) -> Option<u64> {
    let size = listed.dtype.size()? as u64;
    Some(
        listed
            .shape
            .iter()
            .fold(size, |bytes, &extent| bytes.saturating_mul(extent as u64)),
    )
}

/// Little-endian bytes to `f32`; an incomplete last element is dropped (the caller counts).
fn decode(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    use half::{bf16, f16};
    fn each<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|&element| convert(element)).collect()
    }
    match dtype {
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F64 => each(bytes, |element| f64::from_le_bytes(element) as f32),
        Dtype::F16 => each(bytes, |element| f16::from_le_bytes(element).to_f32()),
        Dtype::Bf16 => each(bytes, |element| bf16::from_le_bytes(element).to_f32()),
        Dtype::Int | Dtype::Bool | Dtype::Other => Vec::new(),
    }
}

fn check_finite(key: &str, values: &[f32]) -> Result<(), CheckpointError> {
    // A fold without an early exit over blocks runs in vector registers; `all` does not.
    let is_clean = values.chunks(4096).all(|block| {
        block
            .iter()
            .fold(true, |clean, value| clean & value.is_finite())
    });
    if is_clean {
        return Ok(());
    }
    let mut bad = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_finite());
    let first = bad.next().map_or(0, |(index, _)| index);
    Err(CheckpointError::NotFinite {
        key: key.to_owned(),
        count: 1 + bad.count(),
        first,
    })
}

/// Stack of the reading thread. Pickles may nest a thousand deep and are walked recursively.
const READER_STACK_BYTES: usize = 32 << 20;

/// Runs a third-party reader on a thread with a deep stack, and turns its panic into an error.
fn isolated<T: Send>(
    path: &Path,
    container: &'static str,
    work: impl FnOnce() -> Result<T, CheckpointError> + Send,
) -> Result<T, CheckpointError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("checkpoint-reader".to_owned())
            .stack_size(READER_STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|source| CheckpointError::Io {
                path: path.to_owned(),
                source,
            })?
            .join()
            .unwrap_or_else(|panic| {
                Err(CheckpointError::Damaged {
                    path: path.to_owned(),
                    container,
                    reason: panic_text(&*panic),
                })
            })
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("the reader gave up on it ({text})")
}
