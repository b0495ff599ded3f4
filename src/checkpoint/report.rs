//! The key report: what was found in a file, what of it is used and why, before anything is
//! computed.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{container::Container, listing::Dtype, preprocessing::NormalisationGuess};
use crate::models::{Architecture, StageInfo, StageKind};

/// Rows of each table that [`fmt::Display`] writes; the value itself holds them all.
const SHOWN_ROWS: usize = 12;

/// What a checkpoint holds, what is taken from it, and the reasons.
#[derive(Clone, Debug, Serialize)]
pub struct KeyReport {
    /// The file; for an untrained network, a description.
    pub file: PathBuf,
    /// Bytes of the file.
    pub file_size: u64,
    /// How the file packs its tensors.
    pub container: Container,
    /// The dictionary inside the file that the network was taken from ("state_dict").
    pub nesting: Option<String>,
    /// Prefixes stripped below that, outermost first, each with its dot.
    pub stripped: Vec<String>,
    /// The network.
    pub architecture: Architecture,
    /// Its name for readers ("ResNet-50").
    pub architecture_name: String,
    /// Whose way of naming the tensors it is.
    pub naming: String,
    /// The training method the layout shows, if any ("MoCo v2").
    pub method: Option<String>,
    /// Sentences that say why it is this network, this copy of it and these heads.
    pub evidence: Vec<String>,
    /// Tensors that are used.
    pub applied: Vec<AppliedTensor>,
    /// Tensors of the network that the file lacks. Empty in any report of a file that opened: a
    /// missing tensor of the backbone is an error.
    pub missing: Vec<MissingTensor>,
    /// Tensors of the backbone with another shape than the network gives them; in the report of a
    /// loaded model there is none.
    pub misshapen: Vec<MisshapenTensor>,
    /// Tensors that are not used, with reasons.
    pub unused: Vec<UnusedTensor>,
    /// Paths of other complete networks in the file, to be asked for by
    /// [`OpenOptions::root`](super::OpenOptions::root).
    pub alternatives: Vec<String>,
    /// The projection head in a few words, if there is one.
    pub head: Option<String>,
    /// The dense projection head, if there is one.
    pub dense_head: Option<String>,
    /// The linear classifier, if there is one.
    pub classifier: Option<ClassifierReport>,
    /// The stages at which features can be taken, first to last.
    pub stages: Vec<StageInfo>,
    /// Side in pixels of the images the network is usually given; an analysis may use another.
    #[serde(rename = "usual_input_side")]
    pub input_side: u32,
    /// Proposed normalisation; an analysis may use another.
    #[serde(rename = "proposed_normalisation")]
    pub normalisation: NormalisationGuess,
    /// What the user should know before trusting the numbers.
    pub warnings: Vec<String>,
}

/// A tensor that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedTensor {
    /// Canonical name in the model.
    pub name: String,
    /// Key in the file.
    pub file_key: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Element type in the file.
    pub dtype: Dtype,
}

/// A tensor the model would have but the file does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingTensor {
    /// Canonical name in the model.
    pub name: String,
    /// Expected extents.
    pub shape: Vec<usize>,
    /// What follows from its absence.
    pub why: String,
}

/// A tensor of the backbone with another shape than the network gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MisshapenTensor {
    /// Canonical name in the model.
    pub name: String,
    /// Key in the file.
    pub file_key: String,
    /// Extents that the model gives it, outermost first.
    pub expected: Vec<usize>,
    /// Extents in the file.
    pub found: Vec<usize>,
}

/// A tensor that is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusedTensor {
    /// Key in the file.
    pub key: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Element type in the file.
    pub dtype: Dtype,
    /// Why it is left out.
    pub why: String,
}

/// A linear classifier that came with the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassifierReport {
    /// Path in the file.
    pub place: String,
    /// Number of classes.
    pub classes: usize,
}

impl KeyReport {
    /// The report without its tables: what belongs beside every number computed with the model.
    pub fn summary(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file,
            "file_size": self.file_size,
            "container": self.container,
            "nesting": self.nesting,
            "stripped": self.stripped,
            "architecture": self.architecture,
            "architecture_name": self.architecture_name,
            "naming": self.naming,
            "method": self.method,
            "applied": self.applied.len(),
            "missing": self.missing.len(),
            "misshapen": self.misshapen.len(),
            "unused": self.unused.len(),
            "head": self.head,
            "dense_head": self.dense_head,
            "classifier": self.classifier,
            "usual_input_side": self.input_side,
            "proposed_normalisation": self.normalisation,
            "warnings": self.warnings,
        })
    }

    /// Unused tensors counted by reason, most frequent first.
    pub fn unused_by_reason(&self) -> Vec<(&str, usize)> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for tensor in &self.unused {
            match counts.iter_mut().find(|(why, _)| *why == tensor.why) {
                Some((_, count)) => *count += 1,
                None => counts.push((&tensor.why, 1)),
            }
        }
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        counts
    }
}

impl fmt::Display for KeyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        for (title, lines) in [("evidence", &self.evidence), ("warnings", &self.warnings)] {
            if !lines.is_empty() {
                writeln!(f, "{title}")?;
                for line in lines {
                    writeln!(f, "  {line}")?;
                }
            }
        }
        self.write_stages(f)?;
        self.write_tables(f)
    }
}

impl KeyReport {
    /// Whether every tensor of the backbone is there in its shape.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }

    fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: &str| writeln!(f, "{name:<24}{value}");
        row("file", &self.file.display().to_string())?;
        row(
            "container",
            &format!("{} ({} bytes)", self.container.name(), self.file_size),
        )?;
        if let Some(nesting) = &self.nesting {
            row("nested in", nesting)?;
        }
        if !self.stripped.is_empty() {
            row("stripped", &self.stripped.join(" "))?;
        }
        row("network", &self.architecture_name)?;
        let method = self.method.as_ref().map(|name| format!(", {name}"));
        row(
            "naming",
            &format!("{}{}", self.naming, method.unwrap_or_default()),
        )?;
        row("head", self.head.as_deref().unwrap_or("none"))?;
        row("dense head", self.dense_head.as_deref().unwrap_or("none"))?;
        let classifier = self.classifier.as_ref().map_or("none".to_owned(), |found| {
            format!("`{}`: {} classes", found.place, found.classes)
        });
        row("classifier", &classifier)?;
        row("usual input", &format!("{} px", self.input_side))?;
        let constants = &self.normalisation.constants;
        row(
            "proposed normalisation",
            &format!(
                "{}: mean {:?}, std {:?}",
                self.normalisation.name, constants.mean, constants.std
            ),
        )?;
        row("", &self.normalisation.why)
    }

    fn write_stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stages ({})", self.stages.len())?;
        for stage in &self.stages {
            let (name, channels, stride) = (&stage.name, stage.channels, stage.stride);
            match stage.kind {
                StageKind::Map => {
                    writeln!(
                        f,
                        "  {name:<34} map of {channels} channels, stride {stride}"
                    )?;
                }
                StageKind::Vector => writeln!(
                    f,
                    "  {name:<34} vector of {channels} values, from a map of stride {stride}"
                )?,
            }
        }
        Ok(())
    }

    fn write_tables(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "applied ({})", self.applied.len())?;
        for tensor in self.applied.iter().take(SHOWN_ROWS) {
            let shape = shape_text(&tensor.shape);
            writeln!(
                f,
                "  {:<34} {shape:<18} {:<5} {}",
                tensor.name, tensor.dtype, tensor.file_key
            )?;
        }
        write_rest(f, self.applied.len())?;
        writeln!(f, "missing ({})", self.missing.len())?;
        // All of them: they are why the file is refused.
        for tensor in &self.missing {
            let shape = shape_text(&tensor.shape);
            writeln!(f, "  {:<34} {shape:<18} {}", tensor.name, tensor.why)?;
        }
        if !self.misshapen.is_empty() {
            writeln!(f, "misshapen ({})", self.misshapen.len())?;
        }
        for tensor in &self.misshapen {
            let [expected, found] = [&tensor.expected, &tensor.found].map(|s| shape_text(s));
            writeln!(
                f,
                "  {:<34} {expected:<18} is {found} in {}",
                tensor.name, tensor.file_key
            )?;
        }
        writeln!(f, "unused ({})", self.unused.len())?;
        for (why, count) in self.unused_by_reason() {
            writeln!(f, "  {count:>5} × {why}")?;
        }
        if !self.alternatives.is_empty() {
            writeln!(f, "other networks in the file")?;
            for root in &self.alternatives {
                writeln!(
                    f,
                    "  {}",
                    if root.is_empty() { "(top level)" } else { root }
                )?;
            }
        }
        Ok(())
    }
}

fn write_rest(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    match count.checked_sub(SHOWN_ROWS) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(f, "  … and {rest} more"),
    }
}

fn shape_text(shape: &[usize]) -> String {
    let extents: Vec<_> = shape.iter().map(ToString::to_string).collect();
    if extents.is_empty() {
        "scalar".to_owned()
    } else {
        extents.join("×")
    }
}
