//! What a file holds, by name, shape and element type only.
//!
//! Everything that decides (which network, which copy of it, which head) works on a [`Listing`],
//! so that the layouts of full-size networks can be tested without their weights.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Element type of a tensor in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 64-bit float, rounded to `f32` when read.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// bfloat16: the upper half of an `f32`.
    Bf16,
    /// Any integer; listed, never read as weights.
    Int,
    /// True or false; listed, never read as weights.
    Bool,
    /// A type that weights are not read from (8-bit floats, complex numbers).
    Other,
}

impl Dtype {
    /// Whether weights can be read from it without harm.
    pub fn is_weight(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Bytes of one element, where the type is read.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Self::F64 => Some(8),
            Self::F32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::Int | Self::Bool | Self::Other => None,
        }
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Other => "other",
        })
    }
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The full key, nested dictionaries joined by dots (`state_dict.module.conv1.weight`).
    pub key: String,
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
}

/// All tensors of a file in natural order of their keys (`layer1.2` before `layer1.10`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    entries: Vec<Listed>,
}

impl Listing {
    /// Sorts `entries` by key. A key that comes twice keeps its first tensor.
    pub fn new(mut entries: Vec<Listed>) -> Self {
        entries.sort_by(|a, b| natural(&a.key, &b.key));
        entries.dedup_by(|later, first| later.key == first.key);
        Self { entries }
    }

    /// The tensors in natural order.
    pub fn entries(&self) -> &[Listed] {
        &self.entries
    }

    /// The tensor under a full key.
    pub fn get(&self, key: &str) -> Option<&Listed> {
        let at = self
            .entries
            .binary_search_by(|entry| natural(&entry.key, key));
        at.ok().map(|index| &self.entries[index])
    }

    /// The tensors below `root`, with the rest of their keys. `root` is a dotted path with its
    /// trailing dot, or empty for the whole file.
    pub(super) fn below<'a>(&'a self, root: &str) -> impl Iterator<Item = (&'a str, &'a Listed)> {
        self.entries
            .iter()
            .filter_map(move |entry| Some((entry.key.strip_prefix(root)?, entry)))
    }

    /// Whether any key lies below `root` (a dotted path with its trailing dot).
    pub(super) fn has_below(&self, root: &str) -> bool {
        self.below(root).next().is_some()
    }
}

/// Compares keys with runs of digits taken as numbers.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    while !a_rest.is_empty() && !b_rest.is_empty() {
        let (a_run, a_tail) = first_run(a_rest);
        let (b_run, b_tail) = first_run(b_rest);
        let by_run = match (is_digits(a_run), is_digits(b_run)) {
            (true, true) => compare_digits(a_run, b_run),
            _ => a_run.cmp(b_run),
        };
        if by_run.is_ne() {
            return by_run;
        }
        (a_rest, b_rest) = (a_tail, b_tail);
    }
    // The plain comparison at the end keeps keys apart that only differ in leading zeros.
    a_rest.len().cmp(&b_rest.len()).then_with(|| a.cmp(b))
}

fn is_digits(run: &str) -> bool {
    run.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// Compares digit runs of any length as numbers, without parsing them into one.
fn compare_digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits off the longest beginning that is all digits, or has none.
fn first_run(text: &str) -> (&str, &str) {
    let digits = is_digits(text);
    let end = text
        .bytes()
        .position(|byte| byte.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(key: &str) -> Listed {
        Listed {
            key: key.to_owned(),
            shape: vec![1],
            dtype: Dtype::F32,
        }
    }

    #[test]
    fn keys_stand_in_natural_order() {
        let keys = ["layer1.10.w", "layer1.2.w", "a", "layer1.2", "layer1.02.w"];
        let listing = Listing::new(keys.map(listed).to_vec());
        let sorted: Vec<_> = listing.entries().iter().map(|e| e.key.as_str()).collect();
        assert_eq!(
            sorted,
            ["a", "layer1.2", "layer1.02.w", "layer1.2.w", "layer1.10.w"]
        );
        for key in keys {
            assert_eq!(listing.get(key).map(|e| e.key.as_str()), Some(key));
        }
        assert!(listing.get("layer1.3").is_none());
    }

    #[test]
    fn a_double_key_is_kept_once() {
        let listing = Listing::new(vec![listed("a"), listed("a")]);
        assert_eq!(listing.entries().len(), 1);
    }

    #[test]
    fn below_strips_the_root() {
        let listing = Listing::new(vec![listed("m.a"), listed("m.b.c"), listed("ma")]);
        let below: Vec<_> = listing.below("m.").map(|(rest, _)| rest).collect();
        assert_eq!(below, ["a", "b.c"]);
        assert!(!listing.has_below("n."));
    }
}
