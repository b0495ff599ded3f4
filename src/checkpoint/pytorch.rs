//! PyTorch files through `pytorch-reader`, behind guards for what that crate does not bound.
//!
//! The crate reads pickles as data: nothing in them is ever executed. It refuses tensors that
//! reach outside their storage, storages that reach outside the file, nesting beyond a thousand
//! levels and copies through the memo beyond a budget. Here come, before it runs: the number of
//! objects a pickle builds ([`PickleGuard`]), the number of entries in a zip, and tar files,
//! whose storages it keeps in memory.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use pytorch_reader::{DType as FileDtype, PickleValue, PytorchReader};

use super::{
    CheckpointError,
    container::{Container, Opened, Source},
    listing::{Dtype, Listed},
    pickle_guard::{PickleGuard, Walk},
};

/// Entries a zip may have: one per tensor and a few more.
const MAX_ZIP_ENTRIES: u64 = 100_000;

/// Longest `data.pkl` in a zip, after decompression.
const MAX_PICKLE_BYTES: u64 = 64 << 20;

/// Largest tar file: its storages are held in memory from opening on.
const MAX_TAR_BYTES: u64 = 384 << 20;

/// Pickles at the front of a legacy file: magic number, protocol, system, object, storage keys.
const LEGACY_PICKLES: usize = 5;

/// Checks a PyTorch file and lists its tensors.
pub(super) fn open(
    path: &Path,
    file_size: u64,
    container: Container,
) -> Result<Opened, CheckpointError> {
    let guarded = match container {
        Container::PytorchZip => guard_zip(path, file_size),
        Container::PytorchTar => guard_tar(path, file_size),
        _ => guard_stream(path),
    };
    match guarded {
        Ok(()) => {}
        Err(Objection::Refused(reason)) => {
            return Err(CheckpointError::Refused {
                path: path.to_owned(),
                reason,
            });
        }
        Err(Objection::Damaged(reason)) => return Err(damaged(path, container, reason)),
        Err(Objection::Io(source)) => {
            return Err(CheckpointError::Io {
                path: path.to_owned(),
                source,
            });
        }
    }
    let reader = PytorchReader::new(path)
        .map_err(|error| damaged(path, container, explain(&error.to_string())))?;
    let tensors = reader
        .into_tensors()
        .into_iter()
        .map(|(key, tensor)| {
            let listed = Listed {
                key,
                shape: tensor.shape().to_vec(),
                dtype: dtype(tensor.dtype()),
            };
            (listed, Source::Pytorch(tensor))
        })
        .collect();
    Ok(Opened {
        container,
        tensors,
        facts: facts(path),
        file: None,
    })
}

/// Why a file is not given to the reader.
enum Objection {
    Refused(String),
    Damaged(String),
    Io(io::Error),
}

impl From<io::Error> for Objection {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn damaged(path: &Path, container: Container, reason: String) -> CheckpointError {
    CheckpointError::Damaged {
        path: path.to_owned(),
        container: container.name(),
        reason,
    }
}

/// Adds what to do to messages of the reader that leave one alone.
fn explain(message: &str) -> String {
    let advice = if message.contains("unsupported Python type") {
        "; its tensors sit inside an object only its own program can read: \
         save the bare state_dict instead"
    } else if message.contains("No data.pkl") {
        "; a zip, but not one that torch.save wrote"
    } else {
        ""
    };
    format!("{message}{advice}")
}

fn guard_zip(path: &Path, file_size: u64) -> Result<(), Objection> {
    let mut file = File::open(path)?;
    let entries = zip_entries(&mut file, file_size)?.ok_or_else(|| {
        Objection::Damaged(
            "the zip's directory at the end is missing: the file is cut off".to_owned(),
        )
    })?;
    if entries > MAX_ZIP_ENTRIES {
        return Err(Objection::Refused(format!(
            "its zip lists {entries} entries (at most {MAX_ZIP_ENTRIES})"
        )));
    }
    let damaged = |error: zip::result::ZipError| Objection::Damaged(error.to_string());
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    // The same choice as the reader's: the pickle nearest to the archive's root.
    let pickle = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|name| name == "data.pkl" || name.ends_with("/data.pkl"))
        .min_by_key(|name| name.len())
        .map(Cow::into_owned);
    let Some(pickle) = pickle else {
        return Ok(());
    };
    let entry = archive.by_name(&pickle).map_err(damaged)?;
    if entry.size() > MAX_PICKLE_BYTES {
        return Err(Objection::Refused(format!(
            "its pickle claims {} bytes (at most {MAX_PICKLE_BYTES})",
            entry.size()
        )));
    }
    let mut stream = BufReader::new(entry.take(MAX_PICKLE_BYTES + 1));
    match PickleGuard::default().walk(&mut stream) {
        Ok(Walk::Refused(reason)) => Err(Objection::Refused(reason)),
        Ok(Walk::Complete | Walk::Broken) => Ok(()),
        Err(error) => Err(Objection::Damaged(format!("data.pkl: {error}"))),
    }
}

/// The number of entries the zip's end record states, if there is an end record.
fn zip_entries(file: &mut File, file_size: u64) -> io::Result<Option<u64>> {
    /// The record itself and the longest comment after it.
    const TAIL_BYTES: u64 = 22 + 65_535;
    let tail_start = file_size.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.by_ref().take(TAIL_BYTES).read_to_end(&mut tail)?;
    let entries = end_record(&tail);
    // The archive is read from its start afterwards.
    file.seek(SeekFrom::Start(0))?;
    Ok(entries)
}

fn end_record(tail: &[u8]) -> Option<u64> {
    let find = |signature: &[u8]| {
        tail.windows(signature.len())
            .rposition(|window| window == signature)
    };
    let end = find(b"PK\x05\x06")?;
    let entries = u16::from_le_bytes(tail.get(end + 10..end + 12)?.try_into().ok()?);
    if entries != u16::MAX {
        return Some(u64::from(entries));
    }
    // Zip64: its own end record stands right before, with a 64-bit count.
    match find(b"PK\x06\x06") {
        Some(end) => tail
            .get(end + 32..end + 40)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_le_bytes),
        None => Some(u64::from(entries)),
    }
}

fn guard_tar(path: &Path, file_size: u64) -> Result<(), Objection> {
    /// Tar stores everything in blocks of this size.
    const BLOCK: usize = 512;
    /// Where a header says what it is, and the mark of a sparse file there.
    const KIND: usize = 156;
    if file_size > MAX_TAR_BYTES {
        return Err(Objection::Refused(format!(
            "a tar checkpoint of {file_size} bytes (at most {MAX_TAR_BYTES}); save it anew \
             with a PyTorch of this decade"
        )));
    }
    let mut reader = BufReader::new(File::open(path)?);
    let mut block = [0; BLOCK];
    while reader.read_exact(&mut block).is_ok() {
        // A sparse entry's holes take no room in the file but all the room in memory.
        if block.get(257..262) == Some(b"ustar") && block[KIND] == b'S' {
            return Err(Objection::Refused("its tar holds a sparse file".to_owned()));
        }
    }
    Ok(())
}

fn guard_stream(path: &Path) -> Result<(), Objection> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut guard = PickleGuard::default();
    for _ in 0..LEGACY_PICKLES {
        match guard.walk(&mut reader)? {
            Walk::Complete => {}
            // A plain pickle ends after the first; a damaged one is the reader's to describe.
            Walk::Broken => return Ok(()),
            Walk::Refused(reason) => return Err(Objection::Refused(reason)),
        }
    }
    Ok(())
}

fn dtype(dtype: FileDtype) -> Dtype {
    match dtype {
        FileDtype::F64 => Dtype::F64,
        FileDtype::F32 => Dtype::F32,
        FileDtype::F16 => Dtype::F16,
        FileDtype::BF16 => Dtype::Bf16,
        FileDtype::Bool => Dtype::Bool,
        FileDtype::I64
        | FileDtype::I32
        | FileDtype::I16
        | FileDtype::I8
        | FileDtype::U64
        | FileDtype::U32
        | FileDtype::U16
        | FileDtype::U8 => Dtype::Int,
    }
}

/// Statements about the network that training programs keep beside the weights.
const TELLING_KEYS: [&str; 6] = [
    "arch",
    "act_fn_name",
    "architecture",
    "backbone",
    "dataset",
    "model_name",
];

/// Depth to which the dictionaries beside the weights are searched for [`TELLING_KEYS`].
const FACT_DEPTH: usize = 3;

/// Gathers the file's statements about itself; none if it cannot be read as data.
fn facts(path: &Path) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    if let Ok(root) = PytorchReader::read_pickle_data(path, None) {
        gather(&root, "", FACT_DEPTH, &mut facts);
    }
    facts
}

fn gather(value: &PickleValue, path: &str, depth: usize, facts: &mut BTreeMap<String, String>) {
    let PickleValue::Dict(entries) = value else {
        return;
    };
    for (key, value) in entries {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            PickleValue::String(text)
                if text.len() < 100 && TELLING_KEYS.contains(&key.as_str()) =>
            {
                facts.insert(here, text.clone());
            }
            PickleValue::Dict(_) if depth > 1 => gather(value, &here, depth - 1, facts),
            _ => {}
        }
    }
}
