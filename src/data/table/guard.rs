//! What a Parquet file claims, looked through before anything is made room for.
//!
//! The reader believes sizes and counts that stand in a file, and nests as deep as its schema does.
//! A file of a few hundred bytes could so ask for gigabytes, or for more stack than there is. Here
//! the footer's schema and every page's head are read first (Thrift's compact protocol, as the
//! Parquet format describes it), and what is too much is refused.

/// The longest footer, bytes: thousands of columns with their statistics stay below.
const MAX_FOOTER: usize = 4 << 20;
/// The largest page once unpacked, bytes.
const MAX_PAGE: u64 = 64 << 20;
/// All pages once unpacked, bytes.
const MAX_PAGES: u64 = 256 << 20;
/// The most values of one page.
const MAX_VALUES: i64 = 4 << 20;
/// Structures within structures that are still looked through.
const MAX_DEPTH: usize = 16;

/// Encodings whose decoders make room only for what is asked of them: plain, dictionaries,
/// run lengths, bits, and split bytes. Those of differences believe counts in their own heads.
const ENCODINGS: [i64; 6] = [0, 2, 3, 4, 8, 9];
/// Those that look values up in a dictionary.
const DICTIONARY_ENCODINGS: [i64; 2] = [2, 8];

/// Kinds of fields of the compact protocol.
mod kind {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const STRUCT: u8 = 12;
}

const DAMAGED: &str = "it is damaged or cut short";

fn damaged() -> String {
    DAMAGED.to_owned()
}

/// Refuses a footer that is too long or whose schema nests.
///
/// # Errors
/// A sentence.
pub(super) fn check_footer(bytes: &[u8]) -> Result<(), String> {
    let end = bytes.len().checked_sub(8).ok_or_else(damaged)?;
    let (body, tail) = bytes.split_at(end);
    if &tail[4..] == b"PARE" {
        return Err("it is encrypted".to_owned());
    }
    if &tail[4..] != super::parquet::MAGIC {
        return Err(damaged());
    }
    let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    if length > MAX_FOOTER {
        return Err(format!("its footer claims {length} bytes"));
    }
    let start = body.len().checked_sub(length).ok_or_else(damaged)?;
    let mut footer = Compact(&body[start..]);
    let mut id = 0;
    while let Some(kind) = footer.field(&mut id)? {
        if (kind, id) != (kind::LIST, 2) {
            footer.skip(kind, MAX_DEPTH)?;
            continue;
        }
        let (of, count) = footer.list()?;
        if of != kind::STRUCT {
            return Err(damaged());
        }
        // The first element is the root, whose children are the columns.
        for element in 0..count {
            let (name, children) = footer.schema_element()?;
            if element > 0 && children > 0 {
                return Err(format!(
                    "column '{name}' holds lists or records; only numbers and text are read"
                ));
            }
        }
        return Ok(());
    }
    Err(damaged())
}

/// What may still be unpacked.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_PAGES)
    }
}

impl Budget {
    /// Looks through the heads of all pages of a column's chunk.
    ///
    /// # Errors
    /// A sentence.
    pub fn check_pages(&mut self, chunk: &[u8]) -> Result<(), String> {
        let mut rest = Compact(chunk);
        let mut has_dictionary = false;
        while !rest.0.is_empty() {
            let page = rest.page()?;
            let (size, packed) = (
                page.size.ok_or_else(damaged)?,
                page.packed.ok_or_else(damaged)?,
            );
            let size = u64::try_from(size).map_err(|_| damaged())?;
            if size > MAX_PAGE {
                return Err(format!("a page claims {size} bytes"));
            }
            self.0 = (self.0.checked_sub(size))
                .ok_or_else(|| format!("it unpacks to more than {} MiB", MAX_PAGES >> 20))?;
            rest.take(usize::try_from(packed).map_err(|_| damaged())?)?;
            for values in [page.values, page.dictionary_values].into_iter().flatten() {
                if !(0..=MAX_VALUES).contains(&values) {
                    return Err(format!("a page claims {values} values"));
                }
            }
            if let Some(values) = page.dictionary_values {
                // Every entry takes a byte at least.
                if u64::try_from(values).map_err(|_| damaged())? > size {
                    return Err(format!(
                        "a dictionary of {size} bytes claims {values} entries"
                    ));
                }
                has_dictionary = true;
            }
            if let Some(encoding) = page.encoding {
                if !ENCODINGS.contains(&encoding) {
                    return Err(
                        "it is stored as differences (a DELTA encoding), which is not read here"
                            .to_owned(),
                    );
                }
                if DICTIONARY_ENCODINGS.contains(&encoding) && !has_dictionary {
                    return Err(damaged());
                }
            }
        }
        Ok(())
    }
}

/// A page's head.
#[derive(Default)]
struct Page {
    size: Option<i64>,
    packed: Option<i64>,
    values: Option<i64>,
    encoding: Option<i64>,
    dictionary_values: Option<i64>,
}

/// Bytes in Thrift's compact protocol, what was read taken off.
struct Compact<'a>(&'a [u8]);

impl<'a> Compact<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn unsigned(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged())
    }

    fn signed(&mut self) -> Result<i64, String> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    fn binary(&mut self) -> Result<&'a [u8], String> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| damaged())?;
        self.take(length)
    }

    /// Kind of the next field, whose number is written over the last one's; none at the end.
    fn field(&mut self, id: &mut i64) -> Result<Option<u8>, String> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *id = match head >> 4 {
            0 => self.signed()?,
            step => id.checked_add(i64::from(step)).ok_or_else(damaged)?,
        };
        Ok(Some(head & 0x0f))
    }

    /// Kind and number of a list's elements.
    fn list(&mut self) -> Result<(u8, u64), String> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        Ok((head & 0x0f, count))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), String> {
        if depth == 0 {
            return Err(damaged());
        }
        match kind {
            kind::TRUE | kind::FALSE => {}
            kind::BYTE => drop(self.byte()?),
            kind::I16 | kind::I32 | kind::I64 => drop(self.unsigned()?),
            kind::DOUBLE => drop(self.take(8)?),
            kind::BINARY => drop(self.binary()?),
            kind::LIST | kind::SET => {
                let (of, count) = self.list()?;
                for _ in 0..count {
                    match of {
                        kind::TRUE | kind::FALSE => drop(self.byte()?),
                        of => self.skip(of, depth - 1)?,
                    }
                }
            }
            kind::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth - 1)?;
                }
            }
            // Maps occur nowhere in the format.
            _ => return Err(damaged()),
        }
        Ok(())
    }

    /// Name and number of children.
    fn schema_element(&mut self) -> Result<(String, i64), String> {
        let (mut name, mut children, mut id) = (String::new(), 0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (kind, id) {
                (kind::BINARY, 4) => {
                    name = String::from_utf8_lossy(self.binary()?).into_owned();
                }
                (kind::I32, 5) => children = self.signed()?,
                (kind, _) => self.skip(kind, MAX_DEPTH)?,
            }
        }
        Ok((name, children))
    }

    fn page(&mut self) -> Result<Page, String> {
        let (mut page, mut id) = (Page::default(), 0);
        while let Some(kind) = self.field(&mut id)? {
            match (kind, id) {
                (kind::I32, 2) => page.size = Some(self.signed()?),
                (kind::I32, 3) => page.packed = Some(self.signed()?),
                // Heads of data pages, of dictionaries, and of data pages of the second version;
                // the encoding of values is their second, second and fourth field.
                (kind::STRUCT, 5) => {
                    [page.values, page.encoding] = self.values_and_encoding(2)?;
                }
                (kind::STRUCT, 7) => {
                    [page.dictionary_values, _] = self.values_and_encoding(2)?;
                }
                (kind::STRUCT, 8) => {
                    [page.values, page.encoding] = self.values_and_encoding(4)?;
                }
                (kind, _) => self.skip(kind, MAX_DEPTH)?,
            }
        }
        Ok(page)
    }

    fn values_and_encoding(&mut self, encoding: i64) -> Result<[Option<i64>; 2], String> {
        let (mut found, mut id) = ([None; 2], 0);
        while let Some(kind) = self.field(&mut id)? {
            match (kind, id) {
                (kind::I32, 1) => found[0] = Some(self.signed()?),
                (kind::I32, id) if id == encoding => found[1] = Some(self.signed()?),
                (kind, _) => self.skip(kind, MAX_DEPTH)?,
            }
        }
        Ok(found)
    }
}
