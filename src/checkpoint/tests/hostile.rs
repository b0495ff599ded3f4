//! Files made to do harm: each has to end in an error, soon and in little memory.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use super::{reference, safetensors_bytes, written};
use crate::checkpoint::{CheckpointError, inspect, open};

/// No hostile file may take longer. Generous, as tests share the machine; a refusal takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

fn refused(name: &str, bytes: &[u8]) -> CheckpointError {
    let (_folder, path) = written(name, bytes);
    let start = Instant::now();
    let error = match inspect(&path) {
        Err(error) => error,
        Ok(report) => panic!("{name} opened: {report}"),
    };
    assert!(
        start.elapsed() < PATIENCE,
        "{name} took {:?}",
        start.elapsed()
    );
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn what_is_no_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("is a folder"), "{error}");
    let error = open(Path::new("/nowhere/at/all.pt")).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    #[cfg(unix)]
    {
        let error = open(Path::new("/dev/zero")).unwrap_err();
        assert!(error.to_string().contains("a device or pipe"), "{error}");
    }
}

#[test]
fn what_is_no_checkpoint_says_what_it_is() {
    for (bytes, part) in [
        (&b""[..], "empty"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "Git LFS",
        ),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (&[0; 4096], "zeros"),
        (b"(some text that opens with a bracket)", "neither"),
        (b"hello", "neither"),
    ] {
        let error = refused("model.pt", bytes);
        assert!(
            matches!(error, CheckpointError::NotACheckpoint { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_extension_does_not_decide() {
    let bytes = std::fs::read(reference("tiny-zip.pt")).unwrap();
    for name in ["model.safetensors", "model", "model.png"] {
        let (_folder, path) = written(name, &bytes);
        assert!(inspect(&path).is_ok(), "{name}");
    }
}

/// A valid safetensors file of the tiny network.
fn safetensors_file() -> Vec<u8> {
    let opened = open(&reference("tiny-zip.pt")).unwrap();
    let tensors: Vec<_> = opened
        .listing()
        .entries()
        .iter()
        .filter(|entry| entry.dtype.is_weight())
        .map(|entry| {
            let values = opened.read_f32(&entry.key).unwrap();
            (entry.key.clone(), entry.shape.clone(), values)
        })
        .collect();
    safetensors_bytes(&tensors)
}

#[test]
fn files_cut_off_anywhere_are_errors() {
    let mut files: Vec<_> = ["tiny-zip.pt", "tiny-legacy.pt", "tiny-tar.pt"]
        .map(|name| (name, std::fs::read(reference(name)).unwrap()))
        .to_vec();
    files.push(("tiny.safetensors", safetensors_file()));
    for (name, bytes) in files {
        let (_folder, path) = written(name, &bytes);
        assert!(inspect(&path).is_ok(), "{name} is whole");
        // A tar ends in blocks of zeros, and a legacy file's weights are not read to inspect it.
        let content = bytes.len() - if name == "tiny-tar.pt" { 10_240 } else { 0 };
        for step in 0..97 {
            let length = content * step / 97;
            refused(name, &bytes[..length]);
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    use rand::{RngExt, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut files: Vec<_> = ["tiny-zip.pt", "tiny-legacy.pt", "tiny-tar.pt"]
        .map(|name| std::fs::read(reference(name)).unwrap())
        .to_vec();
    files.push(safetensors_file());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for original in files {
        for _ in 0..150 {
            let mut bytes = original.clone();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(opened) = open(&path) {
                for entry in opened.listing().entries() {
                    let _ = opened.read_f32(&entry.key);
                }
            }
        }
    }
}

#[test]
fn absurd_safetensors_headers_are_refused_unread() {
    let claims = |length: u64, rest: &[u8]| [&length.to_le_bytes()[..], rest].concat();
    let error = refused("5gb.safetensors", &claims(5 << 30, b"{\"a\":{}}"));
    assert!(error.to_string().contains("5368709120 bytes"), "{error}");
    refused("max.safetensors", &claims(u64::MAX, b"{"));
    refused("text.safetensors", &claims(8, b"{garbage"));
    refused("nested.safetensors", &claims(9_000, &[b'{'; 9_000]));
    for header in [
        // Overlapping, backwards, beyond the end, more elements than bytes, product overflow.
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}"#,
        r#"{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}}"#,
        r"{}",
    ] {
        let mut bytes = claims(header.len() as u64, header.as_bytes());
        bytes.extend([0; 8]);
        refused("header.safetensors", &bytes);
    }
}

#[test]
fn a_flood_of_tensors_ends_quickly() {
    let flood = |count: usize| {
        let entries: Vec<_> = (0..count)
            .map(|index| {
                format!(
                    r#""a{index}.layer1.0.conv1.weight":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#
                )
            })
            .collect();
        let header = format!("{{{}}}", entries.join(","));
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
    };
    // Each tensor begins a network of its own.
    let error = refused("beginnings.safetensors", &flood(60_000));
    assert!(error.to_string().contains("were looked at"), "{error}");
    let error = refused("flood.safetensors", &flood(120_000));
    assert!(error.to_string().contains("120000 tensors"), "{error}");
}

/// A zip with the entries `torch.save` writes, deflated.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in entries {
        writer
            .start_file(
                *name,
                options.compression_method(zip::CompressionMethod::Deflated),
            )
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn zip_bombs_are_refused() {
    // Sixty megabytes of empty lists in sixty kilobytes.
    let mut flood = vec![b']'; 60 << 20];
    flood.push(b'.');
    let bytes = zip(&[("archive/data.pkl", &flood)]);
    assert!(bytes.len() < 1 << 20);
    let error = refused("flood.pt", &bytes);
    assert!(error.to_string().contains("objects"), "{error}");

    let bytes = zip(&[("archive/data.pkl", &vec![0; 70 << 20])]);
    let error = refused("long.pt", &bytes);
    assert!(error.to_string().contains("at most"), "{error}");

    refused("no-pickle.pt", &zip(&[("readme.txt", b"hello")]));
    refused("empty.pt", &zip(&[]));
    // The directory claims more entries than any checkpoint has.
    let mut bytes = vec![0; 64];
    bytes[..4].copy_from_slice(b"PK\x03\x04");
    let mut record = b"PK\x06\x06".to_vec();
    record.resize(32, 0);
    record.extend(u64::MAX.to_le_bytes());
    record.extend(b"PK\x05\x06");
    record.extend([0, 0, 0, 0]);
    record.extend([0xff; 12]);
    record.extend([0, 0]);
    bytes.extend(record);
    let error = refused("entries.pt", &bytes);
    assert!(error.to_string().contains("entries"), "{error}");
}

/// A legacy file whose object pickle is `body`.
fn legacy(body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
    bytes.extend(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.");
    bytes.extend(body);
    bytes
}

#[test]
fn pickle_bombs_are_refused() {
    // Nested a hundred thousand deep; a recursive reader would overflow its stack.
    let mut deep = b"\x80\x02]".to_vec();
    deep.extend([0x85].repeat(100_000));
    deep.push(b'.');
    refused("deep.pt", &legacy(&deep));
    // A list that doubles forty times through the memo.
    let mut doubling = b"\x80\x02]q\0".to_vec();
    for slot in 0..40_u8 {
        doubling.extend([b'h', slot, b'h', slot, 0x86, b'q', slot + 1]);
    }
    doubling.push(b'.');
    refused("doubling.pt", &legacy(&doubling));
    // A memo slot that holds the list it is put into.
    refused("loop.pt", &legacy(b"\x80\x02]q\0h\0ah\0ah\0a."));
    // Lengths far beyond the file.
    for opcode in [0x8d_u8, 0x8e, 0x96] {
        let mut body = b"\x80\x04".to_vec();
        body.push(opcode);
        body.extend((1_u64 << 60).to_le_bytes());
        refused("length.pt", &legacy(&body));
    }
    // A call that would do harm if pickles were executed.
    let (folder, path) = written(
        "system.pt",
        &legacy(b"\x80\x02cos\nsystem\nX\x14\0\0\0touch pickle-was-run\x85R."),
    );
    assert!(open(&path).is_err());
    assert!(!folder.path().join("pickle-was-run").exists());
    assert!(!Path::new("pickle-was-run").exists());
}

#[test]
fn sparse_tar_files_are_refused() {
    let mut bytes = std::fs::read(reference("tiny-tar.pt")).unwrap();
    bytes[156] = b'S';
    let error = refused("sparse.tar", &bytes);
    assert!(error.to_string().contains("sparse"), "{error}");
}

#[test]
fn huge_files_without_content_end_quickly() {
    let folder = tempfile::tempdir().unwrap();
    for (name, head) in [
        ("zip", &b"PK\x03\x04"[..]),
        ("pickle", b"\x80\x02c"),
        ("legacy", &legacy(b"\x80\x02X\xff\xff\xff\xff")),
        ("safetensors", b"\0\0\0\0\x01\0\0\0{"),
    ] {
        // Five gigabytes of holes, which take no room on the disk.
        let path = folder.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(head).unwrap();
        file.set_len(5 << 30).unwrap();
        let start = Instant::now();
        assert!(open(&path).is_err(), "{name}");
        assert!(
            start.elapsed() < PATIENCE,
            "{name} took {:?}",
            start.elapsed()
        );
    }
}
