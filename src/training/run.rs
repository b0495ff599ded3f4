//! The run itself: one step after the other, and what can be looked at between them.

use std::{path::Path, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData, s};

use super::{
    Head, RunConfig, Start, TrainingError,
    clusterings::{Clustering, check_prototypes, clusterings},
    curves::WEIGHT_OF,
    keys::Keys,
    loader::{Loader, Recipe, ViewBatch},
    net::{Net, NetPlan, model},
    objective::Moment,
    optimiser::Memory,
    past::Past,
    snapshot::Snapshot,
    tensors::NamedTensor,
};
use crate::{
    analysis::{
        Analysis, AnalysisError, Bundled, ImagesSource, ModelOnImages, ShownPrototypes,
        analyse_model,
    },
    checkpoint::{self, OpenOptions},
    compute::{Compute, DeviceReport, read_tensors},
    data::{ImageSet, Normalisation, Preprocess, Resize, Thumbnails},
    features::FeatureKind,
    models::{Architecture, SeededInit},
    objectives::Loss,
    progress::Progress,
};

/// Decoded images are kept for the length of a run up to this much memory; beyond it each is
/// decoded anew for every view.
const DECODED_LIMIT_BYTES: u64 = 512 << 20;
/// Side of the probe's thumbnails in pixels, as in every analysis.
const THUMBNAIL_SIDE: u32 = 48;

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: usize,
    /// Named numbers of the step: each term unweighted, readings, "total", "weight of …" each term
    /// when there are several, "learning rate".
    pub values: Vec<(String, f64)>,
}

/// A training run. Everything in it follows from its settings, its images and its seed.
pub struct Run {
    config: RunConfig,
    compute: Compute,
    device: Device,
    images: ImageSet,
    probe_images: ImageSet,
    thumbnails: Arc<Thumbnails>,
    normalisation: Normalisation,
    net: Option<Net>,
    keys: Option<Keys>,
    optimisers: [Memory; 2],
    step: usize,
    loader: Option<Loader>,
    /// How it came to where it stands.
    pub(super) past: Past,
}

impl Run {
    /// Opens the images and builds the encoder; no step is done yet.
    ///
    /// # Errors
    /// [`TrainingError::Setting`] for a batch, or prototypes, of more images than there are; see
    /// [`TrainingError`].
    pub fn new(
        config: RunConfig,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Self, TrainingError> {
        let run = Self::prepared(config, compute, progress)?;
        run.config.check_for(run.images.len())?;
        if let Some(plan) = run.config.objective.prototypes() {
            check_prototypes(&plan, run.images.len())?;
        }
        Ok(run)
    }

    /// As [`new`](Self::new), for a run that was begun before: batches of all images were once
    /// allowed to be asked for larger.
    pub(super) fn prepared(
        config: RunConfig,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Self, TrainingError> {
        config.check()?;
        let images = open_images(&config.images, progress)?;
        images.keep_decoded(DECODED_LIMIT_BYTES, progress)?;
        let probe_images = if config.probe_images() == config.images {
            images.clone()
        } else {
            open_images(&config.probe_images(), progress)?
        };
        probe_images.keep_decoded(DECODED_LIMIT_BYTES, progress)?;
        let thumbnails = Arc::new(probe_images.thumbnails(THUMBNAIL_SIDE, progress)?);
        let device = compute.device().clone().autodiff();
        let classes = images.classes().len();
        let (net, usual) = match &config.start {
            Start::Scratch => {
                let plan = NetPlan::new(&config, config.architecture.clone(), classes)?;
                let usual = checkpoint::usual_normalisation(&plan.architecture);
                (Net::seeded(plan, config.seed, &device)?, usual)
            }
            Start::Checkpoint(path) => fine_tuned(&config, path, classes, &device, progress)?,
            Start::Bundled(name) => {
                let file = Bundled::named(name)?.on_disk()?;
                fine_tuned(&config, file.path(), classes, &device, progress)?
            }
        };
        let keys = match config.objective.keys() {
            Some(plan) => Some(Keys::new(plan, &net, config.seed, &device)?),
            None => None,
        };
        Ok(Self {
            keys,
            normalisation: config.normalisation.unwrap_or(usual),
            optimisers: [(); 2].map(|()| Memory::new(&config.optimiser)),
            compute: compute.clone(),
            device,
            images,
            probe_images,
            thumbnails,
            net: Some(net),
            step: 0,
            loader: None,
            past: Past::new(config.clone()),
            config,
        })
    }

    /// The settings as they stand, knobs included.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The images that it is trained on.
    pub(super) fn images(&self) -> &ImageSet {
        &self.images
    }

    /// The encoder's architecture.
    pub(super) fn architecture(&self) -> Result<&Architecture, TrainingError> {
        Ok(&self.net()?.plan().architecture)
    }

    /// Shapes of everything that trains.
    pub(super) fn plan(&self) -> Result<NetPlan, TrainingError> {
        Ok(self.net()?.plan().clone())
    }

    /// What of an optimiser's memory, the encoder's or the heads', does not fit this run, in words.
    pub(super) fn memory_misfit(&self, is_encoders: bool, memory: &Memory) -> Option<String> {
        self.net.as_ref()?.memory_misfit(is_encoders, memory)
    }

    /// What computes.
    pub(super) fn device_report(&self) -> &DeviceReport {
        self.compute.report()
    }

    /// Input constants in use.
    pub(super) fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// Steps done.
    pub fn step_count(&self) -> usize {
        self.step
    }

    /// Makes the run longer or shorter; a schedule that ends with the run ends at the new end.
    ///
    /// # Errors
    /// [`TrainingError::Setting`], also for fewer steps than are done.
    pub fn set_total_steps(&mut self, steps: usize) -> Result<(), TrainingError> {
        if steps < self.step {
            return Err(TrainingError::Setting {
                name: "the steps",
                range: format!("at least the {} that are done", self.step),
                found: steps.to_string(),
            });
        }
        let config = RunConfig {
            steps,
            ..self.config.clone()
        };
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// Turns a knob from the next step on.
    ///
    /// # Errors
    /// As [`RunConfig::set`].
    pub fn set(&mut self, knob: super::Knob, value: f64) -> Result<(), TrainingError> {
        let views = self.config.views();
        self.config.set(knob, value)?;
        if self.config.views() != views {
            // Batches made with the old views are let go.
            self.loader = None;
        }
        Ok(())
    }

    /// Takes the settings of the beginning with the weights as they are: what a reset does once the
    /// run stands at step 0.
    pub(super) fn reset_settings(&mut self) {
        self.config.clone_from(&self.past.initial);
        self.loader = None;
    }

    /// The same run at its first step, made anew: for one of which that step is not kept.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn begun_again(&self, progress: &Progress) -> Result<Self, TrainingError> {
        Self::new(self.past.initial.clone(), &self.compute, progress)
    }

    fn side(&self) -> u32 {
        let net = self.net.as_ref();
        self.config
            .side
            .unwrap_or_else(|| net.map_or(32, |net| net.plan().architecture.input_side()))
    }

    /// Does one step.
    ///
    /// # Errors
    /// [`TrainingError::Diverged`] before the weights are touched; see [`TrainingError`].
    pub fn step(&mut self, progress: &Progress) -> Result<StepReport, TrainingError> {
        let batch = if let Some(loader) = &self.loader {
            loader.next(progress)?
        } else {
            let loader = Loader::start(self.recipe(), self.step)?;
            self.loader.insert(loader).next(progress)?
        };
        self.learn(batch, progress)
    }

    /// One step on a batch that is there.
    fn learn(
        &mut self,
        batch: ViewBatch,
        progress: &Progress,
    ) -> Result<StepReport, TrainingError> {
        let side = self.side() as usize;
        let shape = [2 * batch.indices.len(), 3, side, side];
        let images = Tensor::<4>::from_data(TensorData::new(batch.pixels, shape), &self.device);
        self.follow(progress)?;
        let net = self.net()?;
        let (mut outputs, keyed) = match &self.keys {
            // One view is asked, the other answers.
            Some(keys) => {
                let half = batch.indices.len();
                let [query, key] = [s![..half], s![half..]].map(|part| images.clone().slice(part));
                (
                    net.forward(query)?,
                    Some(keys.forward(key, &batch.indices)?),
                )
            }
            None => (net.forward(images)?, None),
        };
        let fresh_keys = keyed.as_ref().map(|keyed| keyed.outputs.keys());
        let moment = Moment {
            labels: &self.labels(&batch.indices)?,
            geometry: &batch.geometry,
            pixel_std: self.normalisation.std,
            step: self.step,
            seed: self.config.seed ^ (self.step as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03),
        };
        let recording = outputs.recording.take();
        let loss = self.config.objective.forward(outputs, keyed, &moment)?;
        let (total, mut values) = self.read(loss)?;
        let mut gradients = total.backward();
        let [encoder, heads] = net.gradients(&mut gradients, recording)?;
        let factor = self.config.schedule.factor(self.step, self.config.steps);
        let rate = self.config.learning_rate * factor;
        let [first, second] = &mut self.optimisers;
        self.net = self.net.take().map(|net| {
            net.moved(
                |network| first.step(rate, network, encoder),
                |module| second.step(rate, module, heads),
            )
        });
        if let (Some(keys), Some((pooled, locations))) = (&mut self.keys, fresh_keys) {
            keys.push(pooled, locations);
        }
        self.step += 1;
        values.push(("learning rate".to_owned(), rate));
        Ok(StepReport {
            step: self.step,
            values,
        })
    }

    /// Lets the key encoder follow, and clusters the images anew when that is due.
    fn follow(&mut self, progress: &Progress) -> Result<(), TrainingError> {
        let (Some(keys), Some(net)) = (&mut self.keys, &self.net) else {
            return Ok(());
        };
        keys.follow(net);
        if let Some(plan) = self.config.objective.prototypes()
            && plan.is_due(self.step)
        {
            let side = self.config.side;
            let side = side.unwrap_or_else(|| net.plan().architecture.input_side());
            let preprocess = Preprocess {
                resize: Resize::Square(side),
                normalisation: self.normalisation,
            };
            let seed = self.config.seed ^ self.step as u64;
            let model = keys.model(&self.compute)?;
            keys.set_clusterings(clusterings(
                &plan,
                &model,
                &self.images,
                preprocess,
                seed,
                &self.compute,
                progress,
            )?);
        }
        Ok(())
    }

    /// Classes of some images, for a loss that needs them.
    fn labels(&self, indices: &[usize]) -> Result<Vec<u32>, TrainingError> {
        let objective = &self.config.objective;
        if !objective.needs_labels() {
            return Ok(Vec::new());
        }
        let records = self.images.records();
        let label = |&index: &usize| records.get(index).and_then(|record| record.label);
        let labels: Option<Vec<u32>> = indices.iter().map(label).collect();
        labels.ok_or(TrainingError::NoLabels {
            objective: objective.title(),
        })
    }

    /// The weighted sum of a loss, and all its numbers in one transfer.
    fn read(&self, loss: Loss) -> Result<(Tensor<1>, Vec<(String, f64)>), TrainingError> {
        let mut total = Tensor::<1>::zeros([1], &self.device);
        // With all weights turned to 0 there is still a tape to go back along.
        let is_weightless = loss.terms.iter().all(|term| term.weight == 0.0);
        let weights: Vec<(String, f64)> = (loss.terms.iter())
            .map(|term| (format!("{WEIGHT_OF}{}", term.name), term.weight))
            .collect();
        let mut names = Vec::new();
        let mut tensors = Vec::new();
        for term in loss.terms {
            names.push(term.name.to_owned());
            tensors.push(term.value.clone().detach());
            if is_weightless || term.weight != 0.0 {
                total = total + term.value * term.weight;
            }
        }
        for (name, value) in loss.readings {
            names.push(name.to_owned());
            tensors.push(value.detach());
        }
        names.push("total".to_owned());
        tensors.push(total.clone().detach());
        let mut values = Vec::with_capacity(names.len() + weights.len());
        for (name, value) in names.into_iter().zip(read_tensors(tensors)?) {
            let value = f64::from(value.first().copied().unwrap_or(f32::NAN));
            if !value.is_finite() {
                return Err(TrainingError::Diverged {
                    step: self.step,
                    term: name,
                    value,
                });
            }
            values.push((name, value));
        }
        // A lone term weighs one.
        if weights.len() > 1 {
            values.extend(weights);
        }
        Ok((total, values))
    }

    fn recipe(&self) -> Recipe {
        Recipe {
            images: self.images.clone(),
            augment: self.config.views(),
            side: self.side(),
            normalisation: self.normalisation,
            seed: self.config.seed,
            batch: self.config.batch,
        }
    }

    fn net(&self) -> Result<&Net, TrainingError> {
        self.net.as_ref().ok_or_else(|| TrainingError::Diverged {
            step: self.step,
            term: "the network".to_owned(),
            value: f64::NAN,
        })
    }

    /// Embeds the probe's images with the weights as they are. With `previous`, the projection is
    /// turned towards it.
    ///
    /// # Errors
    /// See [`TrainingError`].
    pub fn probe(
        &self,
        previous: Option<&Analysis>,
        progress: &Progress,
    ) -> Result<Analysis, TrainingError> {
        let net = self.net()?;
        let analysis = self
            .probe_of(net.plan(), &net.tensors()?, self.step, previous, progress)
            .map_err(|error| self.diverged(error))?;
        let clusterings = self.keys.as_ref().map_or(&[][..], Keys::clusterings);
        Ok(with_prototypes(analysis, self.config.head, clusterings))
    }

    /// Features that are no numbers any more, after steps that began with some, are those of a run
    /// that diverged.
    fn diverged(&self, error: TrainingError) -> TrainingError {
        match error {
            TrainingError::Analysis(AnalysisError::NotFinite { .. }) if self.step > 0 => {
                TrainingError::Diverged {
                    step: self.step,
                    term: "a feature of the probe".to_owned(),
                    value: f64::NAN,
                }
            }
            other => other,
        }
    }

    /// As [`probe`](Self::probe), of the weights of a snapshot of this run.
    ///
    /// # Errors
    /// See [`TrainingError`].
    pub(super) fn probe_snapshot(
        &self,
        snapshot: &Snapshot,
        previous: Option<&Analysis>,
        progress: &Progress,
    ) -> Result<Analysis, TrainingError> {
        let (plan, step) = (&snapshot.plan, snapshot.step);
        let analysis = self.probe_of(plan, &snapshot.tensors, step, previous, progress)?;
        let clusterings = Clustering::all_from(&snapshot.keys, plan.outputs(), self.images.len())?;
        Ok(with_prototypes(analysis, self.config.head, &clusterings))
    }

    fn probe_of(
        &self,
        plan: &NetPlan,
        tensors: &[NamedTensor],
        step: usize,
        previous: Option<&Analysis>,
        progress: &Progress,
    ) -> Result<Analysis, TrainingError> {
        let model = model(plan, tensors, self.compute.device())?;
        let mut request = self.config.probe_request(step);
        request.normalisation = Some(self.normalisation);
        let loaded = checkpoint::in_memory(model, &request.encoder.title());
        let subject = ModelOnImages {
            loaded: Arc::new(loaded),
            images: self.probe_images.clone(),
            thumbnails: Arc::clone(&self.thumbnails),
        };
        Ok(analyse_model(
            &request,
            subject,
            previous,
            &self.compute,
            progress,
        )?)
    }

    /// A run with its `past` at one of its snapshots, on another device than it was on. What the
    /// optimiser remembered lived on the old one and begins anew.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`restore`](Self::restore).
    pub(super) fn moved(
        snapshot: &Snapshot,
        past: Past,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Self, TrainingError> {
        let mut run = Self::prepared(snapshot.config.clone(), compute, progress)?;
        run.past = past;
        let optimisers = run.optimisers.clone();
        run.restore(&snapshot.with_optimisers(&optimisers))?;
        Ok(run)
    }

    /// What the optimisers remember.
    pub(super) fn memories(&self) -> &[Memory; 2] {
        &self.optimisers
    }

    /// The run as it is now.
    ///
    /// # Errors
    /// [`TrainingError::Model`] when weights cannot be read from the device.
    pub fn snapshot(&self) -> Result<Snapshot, TrainingError> {
        Ok(Snapshot {
            step: self.step,
            plan: self.net()?.plan().clone(),
            config: self.config.clone(),
            tensors: Arc::new(self.net()?.tensors()?),
            optimisers: self.optimisers.clone(),
            keys: match &self.keys {
                Some(keys) => keys.tensors()?,
                None => Vec::new(),
            },
        })
    }

    /// Goes back to a snapshot of this run, its knobs included.
    ///
    /// # Errors
    /// [`TrainingError::Model`] when the tensors do not fit.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainingError> {
        // Its own, not the network's: a step that broke off in the middle left none.
        let plan = snapshot.plan.clone();
        self.keys = match snapshot.config.objective.keys() {
            Some(keys) => {
                let plan = plan.clone();
                Some(Keys::from_tensors(
                    keys,
                    plan,
                    &snapshot.keys,
                    self.images.len(),
                    &self.device,
                )?)
            }
            None => None,
        };
        self.net = Some(Net::from_tensors(plan, &snapshot.tensors, &self.device)?);
        self.optimisers.clone_from(&snapshot.optimisers);
        self.config.clone_from(&snapshot.config);
        self.step = snapshot.step;
        self.past.forget_after(snapshot.step);
        self.loader = None;
        Ok(())
    }
}

/// The frame with the prototypes of the first clustering, where it shows the vectors that were
/// clustered: what the loss sees of whole images.
fn with_prototypes(analysis: Analysis, head: Head, clusterings: &[Clustering]) -> Analysis {
    let clustered = match head {
        Head::None => FeatureKind::Pooled,
        Head::Linear { .. } | Head::Mlp { .. } => FeatureKind::Projected,
    };
    let shown = match clusterings {
        [first, ..] if analysis.request.kind == clustered => ShownPrototypes::nearest(
            first.centroids(),
            &analysis.unit,
            analysis.features.dim,
            clusterings.len(),
        ),
        _ => None,
    };
    Analysis {
        prototypes: shown.map(Arc::new),
        ..analysis
    }
}

/// Steps on one batch over and over, for timing the step itself.
pub struct StepBench {
    run: Run,
    batch: ViewBatch,
}

impl StepBench {
    /// The run at its beginning and the batch of its first step.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub fn new(config: RunConfig, compute: &Compute) -> Result<Self, TrainingError> {
        let run = Run::new(config, compute, &Progress::none())?;
        let batch = run.recipe().batch(0)?;
        Ok(Self { run, batch })
    }

    /// Does one step: forward, backward and the optimiser's. Returns the loss.
    ///
    /// # Errors
    /// As [`Run::step`].
    pub fn step(&mut self) -> Result<f64, TrainingError> {
        let report = self.run.learn(self.batch.clone(), &Progress::none())?;
        let total = report.values.iter().find(|(name, _)| name == "total");
        Ok(total.map_or(f64::NAN, |(_, value)| *value))
    }
}

/// The net of a run that starts with the encoder of a checkpoint, and the input constants that go
/// with it.
fn fine_tuned(
    config: &RunConfig,
    path: &Path,
    classes: usize,
    device: &Device,
    progress: &Progress,
) -> Result<(Net, Normalisation), TrainingError> {
    let (mut weights, report) = checkpoint::weights(path, &OpenOptions::default(), progress)?;
    let plan = NetPlan::new(config, report.architecture, classes)?;
    let mut heads = SeededInit::new(config.seed);
    let net = Net::build(plan, &mut weights, &mut heads, device)?;
    Ok((net, report.normalisation.constants))
}

fn open_images(source: &ImagesSource, progress: &Progress) -> Result<ImageSet, TrainingError> {
    Ok(match source {
        ImagesSource::Path { path, masks } => ImageSet::open(path, masks.as_deref(), progress)?,
        ImagesSource::Builtin(config) => ImageSet::builtin(config),
    })
}
