//! Safetensors, read by offset: the header is parsed by the `safetensors` crate, the values stay
//! in the file until they are asked for.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use safetensors::tensor::{Dtype as FileDtype, Metadata};

use super::{
    CheckpointError,
    container::{Container, Opened, Source},
    listing::{Dtype, Listed},
};

/// Longest JSON header accepted. A ResNet-50's is about 30 kB; the format itself allows 100 MB.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Bytes of the length before the header.
const LENGTH_BYTES: u64 = 8;

/// Parses the header and checks that its tensors fill the file exactly.
pub(super) fn open(path: &Path, file_size: u64) -> Result<Opened, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged {
        path: path.to_owned(),
        container: Container::Safetensors.name(),
        reason,
    };
    let io_error = |source| CheckpointError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io_error)?;
    let mut length = [0; LENGTH_BYTES as usize];
    file.read_exact(&mut length).map_err(io_error)?;
    let header_bytes = u64::from_le_bytes(length);
    let room = file_size.saturating_sub(LENGTH_BYTES);
    if header_bytes > room {
        return Err(damaged(format!(
            "its header claims {header_bytes} bytes, but only {room} bytes follow"
        )));
    }
    if header_bytes > MAX_HEADER_BYTES {
        return Err(CheckpointError::Refused {
            path: path.to_owned(),
            reason: format!("its header has {header_bytes} bytes (at most {MAX_HEADER_BYTES})"),
        });
    }
    let mut header = vec![0; header_bytes as usize];
    file.read_exact(&mut header).map_err(io_error)?;
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| damaged(format!("header: {error}")))?;

    let data_start = LENGTH_BYTES + header_bytes;
    let claimed = data_start.saturating_add(metadata.data_len() as u64);
    if claimed != file_size {
        return Err(damaged(format!(
            "its header describes {claimed} bytes, but the file has {file_size}: \
             it is cut off or something was appended"
        )));
    }
    let tensors = metadata
        .tensors()
        .into_iter()
        .map(|(key, info)| {
            let (start, end) = info.data_offsets;
            let listed = Listed {
                key,
                shape: info.shape.clone(),
                dtype: dtype(info.dtype),
            };
            let source = Source::Safetensors {
                start: data_start + start as u64,
                end: data_start + end as u64,
            };
            (listed, source)
        })
        .collect();
    let facts = metadata.metadata().iter().flatten();
    let facts: BTreeMap<_, _> = facts
        .filter(|(key, value)| key.len() + value.len() < 200)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Ok(Opened {
        container: Container::Safetensors,
        tensors,
        facts,
        file: Some(file),
    })
}

/// Reads `start..end`, which [`open`] found inside the file.
pub(super) fn read(file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; end.saturating_sub(start) as usize];
    read_at(file, &mut bytes, start)?;
    Ok(bytes)
}

/// Reads `length` bytes of little-endian `f32` from `start` on straight into their values: half
/// the memory traffic of reading bytes first.
pub(super) fn read_values(file: &File, start: u64, length: u64) -> io::Result<Vec<f32>> {
    let mut values = vec![0.0_f32; length as usize / size_of::<f32>()];
    read_at(file, bytemuck::cast_slice_mut(&mut values), start)?;
    Ok(values)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

/// Where reads move the handle's one position, they take turns.
#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(bytes)
}

fn dtype(dtype: FileDtype) -> Dtype {
    match dtype {
        FileDtype::F64 => Dtype::F64,
        FileDtype::F32 => Dtype::F32,
        FileDtype::F16 => Dtype::F16,
        FileDtype::BF16 => Dtype::Bf16,
        FileDtype::BOOL => Dtype::Bool,
        FileDtype::I8
        | FileDtype::I16
        | FileDtype::I32
        | FileDtype::I64
        | FileDtype::U8
        | FileDtype::U16
        | FileDtype::U32
        | FileDtype::U64 => Dtype::Int,
        _ => Dtype::Other,
    }
}
