//! Tells a container by a file's first bytes, or says what the file is instead.

use super::container::Container;

/// First bytes looked at: a tar file shows itself at byte 257.
pub(super) const HEAD_BYTES: u64 = 512;

/// The container that begins with `head`, else a sentence on what the file is.
pub(super) fn detect(head: &[u8], file_size: u64) -> Result<Container, String> {
    const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    const LEGACY_MAGIC_TEXT: &[u8] = b"119547037146038801333356";
    let contains = |needle: &[u8]| {
        let start = &head[..head.len().min(64)];
        start.windows(needle.len()).any(|window| window == needle)
    };
    if head.is_empty() {
        return Err("the file is empty (0 bytes)".to_owned());
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Container::PytorchZip);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Ok(Container::PytorchTar);
    }
    if contains(&LEGACY_MAGIC) || contains(LEGACY_MAGIC_TEXT) {
        return Ok(Container::PytorchLegacy);
    }
    // A safetensors file opens with the length of its JSON header, then the header's brace. The
    // length itself is judged by the reader, so that an absurd one gets a fitting message.
    if head.get(8) == Some(&b'{') {
        return Ok(Container::Safetensors);
    }
    if matches!(head[0], 0x80 | b'(' | b'}' | b']' | b'c') && !head.is_ascii() {
        return Ok(Container::Pickle);
    }
    Err(foreign(head, file_size))
}

/// What a file that is no checkpoint looks like, for the message.
fn foreign(head: &[u8], file_size: u64) -> String {
    const SIGNS: [(&[u8], &str); 9] = [
        (
            b"\x89HDF",
            "it is HDF5 (Keras or MATLAB), which is not read",
        ),
        (b"\x1f\x8b", "it is gzip-compressed: unpack it first"),
        (b"\xfd7zXZ", "it is xz-compressed: unpack it first"),
        (b"BZh", "it is bzip2-compressed: unpack it first"),
        (b"\x89PNG", "it is a PNG image"),
        (b"\xff\xd8\xff", "it is a JPEG image"),
        (b"\x93NUMPY", "it is a NumPy array: open it as an embedding"),
        (
            b"version https://git-lfs",
            "it is a Git LFS pointer: fetch the real file with `git lfs pull`",
        ),
        (b"GGUF", "it is GGUF (language models), which is not read"),
    ];
    for (sign, text) in SIGNS {
        if head.starts_with(sign) {
            return text.to_owned();
        }
    }
    let text = String::from_utf8_lossy(&head[..head.len().min(64)]).to_ascii_lowercase();
    if text.trim_start().starts_with("<!doctype") || text.trim_start().starts_with("<html") {
        return "it is a web page: the download was answered with a page instead of the file"
            .to_owned();
    }
    if head.iter().all(|&byte| byte == 0) {
        return format!("it begins with zeros ({file_size} bytes in all): the download broke off");
    }
    let start: Vec<_> = head
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "it begins with {} and is neither PyTorch (zip, legacy pickle, tar) nor safetensors",
        start.join(" ")
    )
}
