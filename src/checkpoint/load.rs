//! From a file to a model on a device.

use std::{collections::HashMap, path::Path};

use burn::tensor::Device;
use rayon::prelude::*;

use super::{
    CheckpointError, NamedTensors, OpenOptions,
    container::{self, Container},
    plan::{self, FileFacts, Plan},
    preprocessing,
    report::{AppliedTensor, KeyReport},
};
use crate::{
    data::Normalisation,
    models::{
        Architecture, Classifier, DenseHead, Model, ModelError, ModelWeights, ProjectionHead,
        SeededInit, TensorSource,
    },
    progress::Progress,
};

/// What progress calls the reading of weights.
const STAGE: &str = "reading weights";

/// Tensors read between two looks at the cancel flag: some tens of megabytes at most.
const TENSORS_PER_STEP: usize = 16;

/// A model with the report of where it came from.
#[derive(Debug)]
pub struct LoadedModel {
    /// The network and its heads.
    pub model: Model,
    /// What was taken from the file, and why.
    pub report: KeyReport,
}

/// Reports what a checkpoint holds and what would be taken from it; reads no weights.
///
/// # Errors
/// As [`open`](super::open), and a file whose network is unknown or incomplete.
pub fn inspect(path: &Path) -> Result<KeyReport, CheckpointError> {
    inspect_with(path, &OpenOptions::default())
}

/// [`inspect`] with choices of one's own.
///
/// # Errors
/// As [`inspect`], and a root under which no known network stands.
pub fn inspect_with(path: &Path, options: &OpenOptions) -> Result<KeyReport, CheckpointError> {
    let file = container::open(path)?;
    Ok(plan_of(&file, options)?.report)
}

/// [`inspect_with`] for a network with missing or misshapen tensors too: the report lists every one
/// of them, and the error that loading would end in comes beside it.
///
/// # Errors
/// As [`inspect_with`], save for missing and misshapen tensors.
pub fn inspect_with_fault(
    path: &Path,
    options: &OpenOptions,
) -> Result<(KeyReport, Option<CheckpointError>), CheckpointError> {
    let file = container::open(path)?;
    let (plan, fault) =
        plan::plan_with_fault(file.listing(), &facts(&file), options.root.as_deref())?;
    Ok((plan.report, fault))
}

/// Loads the network of a checkpoint, with the heads that came with it.
///
/// # Errors
/// As [`inspect`], and weights that cannot be read or are not finite.
pub fn load(
    path: &Path,
    device: &Device,
    progress: &Progress,
) -> Result<LoadedModel, CheckpointError> {
    load_with(path, &OpenOptions::default(), device, progress)
}

/// [`load`] with choices of one's own.
///
/// # Errors
/// As [`load`], and a root under which no known network stands.
pub fn load_with(
    path: &Path,
    options: &OpenOptions,
    device: &Device,
    progress: &Progress,
) -> Result<LoadedModel, CheckpointError> {
    let file = container::open(path)?;
    let plan = plan_of(&file, options)?;
    check_budget(&file, &plan.report.applied)?;
    let mut weights = read_all(&file, &plan.report.applied, progress)?;
    progress.check()?;
    let model = build(&plan, &mut weights, device)?;
    Ok(LoadedModel {
        model,
        report: plan.report,
    })
}

/// The weights of a checkpoint's network and heads, unbuilt: what a training run starts from.
///
/// # Errors
/// As [`load_with`].
pub fn weights(
    path: &Path,
    options: &OpenOptions,
    progress: &Progress,
) -> Result<(Weights, KeyReport), CheckpointError> {
    let file = container::open(path)?;
    let plan = plan_of(&file, options)?;
    check_budget(&file, &plan.report.applied)?;
    let weights = read_all(&file, &plan.report.applied, progress)?;
    Ok((weights, plan.report))
}

/// All weights of a checkpoint's network and heads, with the plan to build them again and again.
///
/// # Errors
/// As [`load_with`].
pub fn model_weights(
    path: &Path,
    options: &OpenOptions,
    progress: &Progress,
) -> Result<(ModelWeights, KeyReport), CheckpointError> {
    let file = container::open(path)?;
    let plan = plan_of(&file, options)?;
    check_budget(&file, &plan.report.applied)?;
    let mut weights = read_all(&file, &plan.report.applied, progress)?;
    let architecture = plan.report.architecture.clone();
    let weights = ModelWeights::new(architecture, plan.head, plan.dense_head, &mut weights)?;
    Ok((weights, plan.report))
}

/// All weights of a seeded network, as [`untrained`] builds it.
///
/// # Errors
/// An architecture with impossible settings.
pub fn untrained_weights(
    architecture: &Architecture,
    seed: u64,
) -> Result<(ModelWeights, KeyReport), CheckpointError> {
    let source = &mut SeededInit::new(seed);
    let weights = ModelWeights::new(architecture.clone(), None, None, source)?;
    let name = architecture.name();
    let report = report_of(architecture, format!("untrained {name}, seed {seed}"));
    Ok((weights, report))
}

/// The constants by which images of an architecture are usually normalised.
pub fn usual_normalisation(architecture: &Architecture) -> Normalisation {
    preprocessing::of_architecture(architecture, None).constants
}

/// A network with seeded random weights, and a report that says so.
///
/// # Errors
/// An architecture with impossible settings.
pub fn untrained(
    architecture: &Architecture,
    seed: u64,
    device: &Device,
) -> Result<LoadedModel, CheckpointError> {
    let encoder = architecture.build(&mut SeededInit::new(seed), device)?;
    let name = architecture.name();
    let mut report = report_of(architecture, format!("untrained {name}, seed {seed}"));
    report.evidence = vec![format!(
        "a {name} with random weights from seed {seed} was asked for"
    )];
    report.warnings = vec![format!("seeded untrained: random weights from seed {seed}")];
    let model = Model {
        encoder,
        head: None,
        dense_head: None,
        classifier: None,
    };
    Ok(LoadedModel { model, report })
}

/// A model that a training run holds, and a report that says so: `name` is what the run is called.
pub fn in_memory(model: Model, name: &str) -> LoadedModel {
    let architecture = model.encoder.architecture();
    let mut report = report_of(architecture, name.to_owned());
    report.evidence = vec![format!("{} of the run in memory", architecture.name())];
    let width = |inputs, outputs| format!("{inputs} → {outputs}");
    report.head = (model.head.as_ref()).map(|head| width(head.inputs(), head.outputs()));
    report.dense_head =
        (model.dense_head.as_ref()).map(|head| width(head.inputs(), head.outputs()));
    LoadedModel { model, report }
}

/// The report of weights that were made here rather than read.
fn report_of(architecture: &Architecture, file: String) -> KeyReport {
    KeyReport {
        file: file.into(),
        file_size: 0,
        container: Container::None,
        nesting: None,
        stripped: Vec::new(),
        architecture: architecture.clone(),
        architecture_name: architecture.name(),
        naming: "none: weights made here".to_owned(),
        method: None,
        evidence: Vec::new(),
        applied: Vec::new(),
        missing: Vec::new(),
        misshapen: Vec::new(),
        unused: Vec::new(),
        alternatives: Vec::new(),
        head: None,
        dense_head: None,
        classifier: None,
        stages: architecture.stages(),
        input_side: architecture.input_side(),
        normalisation: preprocessing::of_architecture(architecture, None),
        warnings: Vec::new(),
    }
}

fn plan_of(file: &NamedTensors, options: &OpenOptions) -> Result<Plan, CheckpointError> {
    plan::plan(file.listing(), &facts(file), options.root.as_deref())
}

fn facts(file: &NamedTensors) -> FileFacts<'_> {
    FileFacts {
        path: file.path(),
        size: file.file_size(),
        container: file.container(),
        facts: file.facts(),
    }
}

/// Refuses tensors that together claim more than the file can hold: views of one small storage
/// can claim any size.
fn check_budget(file: &NamedTensors, applied: &[AppliedTensor]) -> Result<(), CheckpointError> {
    let claimed = applied.iter().fold(0_u64, |sum, tensor| {
        let elements = tensor.shape.iter().fold(1_u64, |product, &extent| {
            product.saturating_mul(extent as u64)
        });
        let size = tensor.dtype.size().unwrap_or(0) as u64;
        sum.saturating_add(elements.saturating_mul(size))
    });
    if claimed <= file.file_size() {
        return Ok(());
    }
    Err(CheckpointError::Refused {
        path: file.path().to_owned(),
        reason: format!(
            "its tensors claim {claimed} bytes, more than the whole file ({} bytes)",
            file.file_size()
        ),
    })
}

/// Reads all planned tensors, several at a time.
fn read_all(
    file: &NamedTensors,
    applied: &[AppliedTensor],
    progress: &Progress,
) -> Result<Weights, CheckpointError> {
    let total = applied.len() as u64;
    let mut tensors = HashMap::with_capacity(applied.len());
    for step in applied.chunks(TENSORS_PER_STEP) {
        progress.check()?;
        let values: Vec<_> = step
            .par_iter()
            .map(|tensor| file.read_f32(&tensor.file_key))
            .collect::<Result<_, _>>()?;
        for (tensor, values) in step.iter().zip(values) {
            tensors.insert(tensor.name.clone(), (tensor.shape.clone(), values));
        }
        progress.report(STAGE, tensors.len() as u64, Some(total));
    }
    Ok(Weights { tensors })
}

/// Values by canonical name, each handed out once.
#[derive(Debug)]
pub struct Weights {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl TensorSource for Weights {
    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|(shape, _)| shape.clone())
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let failed = |reason: String| ModelError::Read {
            name: name.to_owned(),
            reason,
        };
        match self.tensors.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            Some((found, _)) => Err(failed(format!("its shape is {found:?}, not {shape:?}"))),
            None => Err(failed("it was not read from the file".to_owned())),
        }
    }
}

fn build(plan: &Plan, weights: &mut Weights, device: &Device) -> Result<Model, ModelError> {
    let encoder = plan.report.architecture.build(weights, device)?;
    let head = plan
        .head
        .as_ref()
        .map(|spec| ProjectionHead::build(spec, weights, device))
        .transpose()?;
    let dense_head = plan
        .dense_head
        .as_ref()
        .map(|spec| DenseHead::build(spec, weights, device))
        .transpose()?;
    let classifier = plan
        .classifier
        .map(|[inputs, classes]| Classifier::build(inputs, classes, weights, device))
        .transpose()?;
    Ok(Model {
        encoder,
        head,
        dense_head,
        classifier,
    })
}
