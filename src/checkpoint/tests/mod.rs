//! Tests of the whole room: key layouts of many programs, real files of a tiny network in every
//! container, and files made to do harm. `tests/reference/generate_checkpoints.py` made the
//! committed ones.

mod files;
mod hostile;
mod layouts;
mod lone_layers;
mod refusals;
mod rules;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{
    CheckpointError, Container, Dtype, KeyReport, Listed, Listing,
    plan::{self, FileFacts},
};
use crate::models::{Architecture, Stem};

/// A committed file.
fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference/checkpoints")
        .join(name)
}

/// The report on a listing without a file.
fn plan_report(listing: &Listing, root: Option<&str>) -> Result<KeyReport, CheckpointError> {
    plan_report_with(listing, root, &BTreeMap::new())
}

/// [`plan_report`] for a file that says something about itself beside its weights.
fn plan_report_with(
    listing: &Listing,
    root: Option<&str>,
    stated: &BTreeMap<String, String>,
) -> Result<KeyReport, CheckpointError> {
    let facts = FileFacts {
        path: Path::new("layout"),
        size: 0,
        container: Container::PytorchZip,
        facts: stated,
    };
    plan::plan(listing, &facts, root).map(|plan| plan.report)
}

/// The names and shapes of an architecture under a prefix, as our own build has them.
fn of_architecture(architecture: &Architecture, prefix: &str) -> Vec<Listed> {
    let tensors = architecture.tensors();
    assert!(!tensors.is_empty());
    tensors
        .into_iter()
        .map(|(name, shape)| listed(format!("{prefix}{name}"), &shape))
        .collect()
}

/// A ResNet with the ImageNet stem and the published width.
fn resnet(depth: u16) -> Architecture {
    Architecture::ResNet {
        depth,
        stem: Stem::ImageNet,
        width: 64,
    }
}

/// Adds a tensor of `f32` to a listing under construction.
fn listed(key: impl Into<String>, shape: &[usize]) -> Listed {
    Listed {
        key: key.into(),
        shape: shape.to_vec(),
        dtype: Dtype::F32,
    }
}

/// A safetensors file of `f32` tensors in the bytes the format prescribes.
fn safetensors_bytes(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    use safetensors::tensor::{Dtype, TensorView};
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| {
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((key, shape, _), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (key.clone(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// Writes `bytes` into a fresh folder, which lives as long as the first value.
fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The value of element `index` of a tensor in the tiny files, as the generator computes it.
fn tiny_value(name: &str, index: usize) -> f32 {
    if name.ends_with("running_var") {
        return (index % 7 + 1) as f32 / 8.0;
    }
    let sum: usize = name.bytes().map(usize::from).sum();
    ((index * 37 + sum) % 101) as f32 / 64.0 - 50.0 / 64.0
}

/// The layouts of `layouts.txt` by name.
fn all_layouts() -> HashMap<String, Listing> {
    let text = std::fs::read_to_string(reference("layouts.txt")).unwrap();
    let mut sections: Vec<(String, Vec<Listed>)> = Vec::new();
    let mut blocks: HashMap<String, Vec<Listed>> = HashMap::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            sections.push((name.to_owned(), Vec::new()));
            continue;
        }
        let (_, section) = sections.last_mut().unwrap();
        if let Some(block) = line.strip_prefix('+') {
            let (name, prefix) = block.split_once(' ').unwrap_or((block, ""));
            let entries = blocks[name].iter().map(|entry| Listed {
                key: format!("{prefix}{}", entry.key),
                ..entry.clone()
            });
            section.extend(entries);
        } else {
            section.push(parsed(line));
        }
        let (name, section) = sections.last().unwrap();
        if let Some(block) = name.strip_prefix("block ") {
            blocks.insert(block.to_owned(), section.clone());
        }
    }
    sections
        .into_iter()
        .map(|(name, entries)| (name, Listing::new(entries)))
        .collect()
}

/// One line of `layouts.txt`: key, type, extents.
fn parsed(line: &str) -> Listed {
    let mut words = line.split(' ');
    let key = words.next().unwrap().to_owned();
    let dtype = match words.next() {
        Some("f32") => Dtype::F32,
        Some("int") => Dtype::Int,
        other => panic!("type {other:?} in {line}"),
    };
    let shape = words
        .next()
        .map(|extents| {
            extents
                .split(',')
                .map(|extent| extent.parse().unwrap())
                .collect()
        })
        .unwrap_or_default();
    Listed { key, shape, dtype }
}
