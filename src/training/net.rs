//! The networks that train: an encoder with what stands behind it, on a tape.

use burn::{
    module::Module,
    nn::BatchNorm,
    optim::GradientsParams,
    tensor::{Device, Gradients, Tensor},
};

use super::{
    RunConfig, TrainingError,
    head::{Mlp, Place, spec},
    optimiser::Memory,
    tensors::{NamedTensor, TensorList, followed, numbered, values_in_order},
};
use crate::{
    models::{
        Architecture, BatchNormForm, Classifier, ConvNorm, DenseHead, Model, ModelError,
        ModelWeights, Network, ProcessorSteps, ProjectionHead, Recording, SeededInit, StageKind,
        StageOutput, Step, TensorSource,
    },
    objectives::{DenseRows, Keyed},
};

/// Numbers of the heads' parameters begin here, far above any encoder's.
const FIRST_HEAD_PARAMETER: u64 = 1 << 32;

/// Everything behind the encoder.
#[derive(Module, Debug)]
pub(super) struct Heads {
    projector: Option<Mlp>,
    dense: Option<Mlp>,
    classifier: Option<Mlp>,
    decoder: Option<Mlp>,
}

/// What is built: shapes, not values.
#[derive(Clone, Debug)]
pub(super) struct NetPlan {
    pub architecture: Architecture,
    /// Values of the encoder's own feature.
    features: usize,
    projector: Option<Vec<usize>>,
    /// Whether the loss looks at locations, and the layers behind each.
    dense: Option<Vec<usize>>,
    is_dense: bool,
    classifier: Option<[usize; 2]>,
    /// Values in, and pixels of a patch's side.
    decoder: Option<[usize; 2]>,
}

impl NetPlan {
    /// The network that a run needs; `classes` are those of its images.
    ///
    /// # Errors
    /// [`TrainingError::NoLabels`] and [`TrainingError::Unfit`] when loss, encoder and images do
    /// not go together.
    pub fn new(
        config: &RunConfig,
        architecture: Architecture,
        classes: usize,
    ) -> Result<Self, TrainingError> {
        let objective = &config.objective;
        let blueprint = architecture.blueprint()?;
        let last = blueprint.stages.last().map(|stage| &stage.info);
        let features = last.map_or(0, |info| info.channels);
        let stride = last.map_or(1, |info| info.stride);
        let is_dense = objective.matching().is_some();
        let side = config.side.unwrap_or_else(|| architecture.input_side()) as usize;
        if objective.reconstructs() && !side.is_multiple_of(stride) {
            return Err(TrainingError::Unfit {
                objective: objective.title(),
                reason: format!(
                    "its decoder paints patches of {stride} pixels, and views of {side} pixels do \
                     not divide into them"
                ),
            });
        }
        if is_dense && last.is_none_or(|info| info.kind != StageKind::Map) {
            return Err(TrainingError::Unfit {
                objective: objective.title(),
                reason: format!(
                    "it looks at locations, and {} ends in a vector without any",
                    architecture.name()
                ),
            });
        }
        let classifier = if objective.needs_labels() {
            if classes < 2 {
                return Err(TrainingError::NoLabels {
                    objective: objective.title(),
                });
            }
            Some([config.head.outputs(features), classes])
        } else {
            None
        };
        let decoder = objective.reconstructs().then_some([features, stride]);
        Ok(Self {
            decoder,
            features,
            projector: config.head.widths(features),
            dense: config.head.widths(features).filter(|_| is_dense),
            is_dense,
            classifier,
            architecture,
        })
    }

    /// Whether the loss looks at locations.
    pub fn is_dense(&self) -> bool {
        self.is_dense
    }

    /// Values of the vectors that the loss sees.
    pub fn outputs(&self) -> usize {
        let widths = self.projector.as_ref();
        widths
            .and_then(|widths| widths.last().copied())
            .unwrap_or(self.features)
    }

    fn classifier_place(&self) -> Place {
        match self.projector {
            Some(_) => Place::ProjectedClassifier,
            None => Place::Classifier,
        }
    }
}

/// An encoder and its heads.
pub(super) struct Net {
    plan: NetPlan,
    network: Network,
    /// The processor's own path through the encoder's maps, where there is one.
    processor: Option<ProcessorSteps>,
    /// Whether nothing asks for gradients.
    is_frozen: bool,
    heads: Heads,
}

/// What a forward pass gives the objectives. Views `n` are the first of all images, then the second.
pub(super) struct Outputs {
    /// The projected vector, or the encoder's feature without a head: `[n, d]`.
    pub projected: Tensor<2>,
    /// Of the classifier, if there is one: `[n, classes]`.
    pub logits: Option<Tensor<2>>,
    /// Of losses that look at locations.
    pub locations: Option<Locations>,
    /// The way back through the encoder, where the tape does not hold it.
    pub recording: Option<Recording>,
}

impl Outputs {
    /// The key encoder's pooled vectors as what `query` is compared with, beside `queue`.
    pub fn keyed(self, query: Tensor<2>, queue: Tensor<2>) -> Keyed {
        Keyed {
            query,
            key: self.projected,
            queue,
        }
    }

    /// The vectors as keys: the pooled ones, and those of the locations.
    pub fn keys(&self) -> (Tensor<2>, Option<DenseRows>) {
        let locations = self.locations.as_ref();
        let locations = locations.map(|locations| locations.rows(&locations.dense));
        (self.projected.clone(), locations)
    }
}

impl Locations {
    /// Rows that are ours, with the number of an image's.
    pub fn rows(&self, rows: &Tensor<2>) -> DenseRows {
        DenseRows {
            rows: rows.clone(),
            cells: self.grid[0] * self.grid[1],
        }
    }
}

/// One row a location, view after view.
pub(super) struct Locations {
    /// The encoder's own vectors, without gradients: `[n · cells, channels]`.
    pub backbone: Tensor<2>,
    /// What the loss sees: `[n · cells, d]`.
    pub dense: Tensor<2>,
    /// Rows and columns of the map.
    pub grid: [usize; 2],
    /// Of a decoder: what it painted and what was there, as the encoder is given it.
    pub painted: Option<[Tensor<2>; 2]>,
}

impl Net {
    /// Builds the encoder from one source and the heads from another.
    pub fn build(
        plan: NetPlan,
        encoder: &mut dyn TensorSource,
        heads: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let network = plan
            .architecture
            .network(encoder, BatchNormForm::Separate, device)?;
        let mut head = |place: Place, widths: Option<&[usize]>| {
            widths
                .map(|widths| Mlp::build(place, widths, heads, device))
                .transpose()
        };
        let modules = Heads {
            projector: head(Place::Projector, plan.projector.as_deref())?,
            dense: head(Place::Dense, plan.dense.as_deref())?,
            classifier: head(
                plan.classifier_place(),
                plan.classifier.as_ref().map(<[usize; 2]>::as_slice),
            )?,
            decoder: head(
                Place::Decoder,
                plan.decoder
                    .map(|[inputs, side]| [inputs, 3 * side * side])
                    .as_ref()
                    .map(<[usize; 2]>::as_slice),
            )?,
        };
        Ok(Self {
            processor: ProcessorSteps::for_network(&network, device),
            is_frozen: false,
            network: numbered(network, 0),
            heads: numbered(modules, FIRST_HEAD_PARAMETER),
            plan,
        })
    }

    /// Random weights.
    pub fn seeded(plan: NetPlan, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let [mut encoder, mut heads] = [SeededInit::new(seed), SeededInit::new(seed)];
        Self::build(plan, &mut encoder, &mut heads, device)
    }

    /// From tensors under their names in a file.
    pub fn from_tensors(
        plan: NetPlan,
        tensors: &[NamedTensor],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let [mut encoder, mut heads] = [TensorList::new(tensors), TensorList::new(tensors)];
        Self::build(plan, &mut encoder, &mut heads, device)
    }

    pub fn plan(&self) -> &NetPlan {
        &self.plan
    }

    /// Images `[n, 3, h, w]` through everything, with batch statistics.
    pub fn forward(&self, images: Tensor<4>) -> Result<Outputs, ModelError> {
        let (output, recording) = if let Some(processor) = &self.processor {
            processor.forward(&self.network, images.clone(), !self.is_frozen)?
        } else {
            let stage = self.plan.architecture.default_stage();
            (self.network.forward(images.clone(), stage)?, None)
        };
        let locations = match (&output, self.plan.is_dense) {
            (StageOutput::Map(map), true) => Some(self.locations(map.clone(), images)),
            _ => None,
        };
        let pooled = Model::pooled(output);
        let projected = match &self.heads.projector {
            Some(head) => head.forward(pooled),
            None => pooled,
        };
        let logits = self.heads.classifier.as_ref();
        Ok(Outputs {
            logits: logits.map(|layer| layer.forward(projected.clone())),
            projected,
            locations,
            recording,
        })
    }

    fn locations(&self, map: Tensor<4>, images: Tensor<4>) -> Locations {
        let [_, _, height, width] = map.dims();
        let rows = DenseRows::of_map(map).rows;
        let painted = match (&self.heads.decoder, self.plan.decoder) {
            (Some(decoder), Some([_, side])) => {
                Some([decoder.forward(rows.clone()), patches(images, side)])
            }
            _ => None,
        };
        Locations {
            painted,
            backbone: rows.clone().detach(),
            dense: match &self.heads.dense {
                Some(head) => head.forward(rows),
                None => rows,
            },
            grid: [height, width],
        }
    }

    /// The gradients of the encoder and of the heads. `recording` is that of the forward pass.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the gradient of the encoder's map cannot be read.
    pub fn gradients(
        &self,
        gradients: &mut Gradients,
        recording: Option<Recording>,
    ) -> Result<[GradientsParams; 2], ModelError> {
        let mut encoder = GradientsParams::from_module(gradients, &self.network);
        if let (Some(processor), Some(recording)) = (&self.processor, recording) {
            processor.backward(&self.network, recording, gradients, &mut encoder)?;
        }
        Ok([
            encoder,
            GradientsParams::from_module(gradients, &self.heads),
        ])
    }

    /// The modules moved by `change`, which is given the encoder first.
    pub fn moved(
        self,
        encoder: impl FnOnce(Network) -> Network,
        heads: impl FnOnce(Heads) -> Heads,
    ) -> Self {
        Self {
            network: encoder(self.network),
            heads: heads(self.heads),
            ..self
        }
    }

    /// What of an optimiser's memory, the encoder's or the heads', does not fit, in words.
    pub fn memory_misfit(&self, is_encoders: bool, memory: &Memory) -> Option<String> {
        if is_encoders {
            memory.misfit(&self.network)
        } else {
            memory.misfit(&self.heads)
        }
    }

    /// The net as one that keeps its weights: nothing of it is on a tape.
    pub fn frozen(self) -> Self {
        Self {
            is_frozen: true,
            ..self.moved(Module::no_grad, Module::no_grad)
        }
    }

    /// Moves every weight by the share 1 − `momentum` towards `other`'s, which is of the same plan.
    ///
    /// The running statistics of batch normalisations go along; they are not looked at in training.
    pub fn follow(&mut self, other: &Self, momentum: f64) {
        self.network = followed(&self.network, &other.network, momentum);
        self.heads = followed(&self.heads, &other.heads, momentum);
    }

    /// All tensors under the names that a file gives them.
    pub fn tensors(&self) -> Result<Vec<NamedTensor>, ModelError> {
        synchronise(&self.network);
        let names = self.plan.architecture.tensors();
        let values = values_in_order(&self.network)?;
        let mut tensors: Vec<NamedTensor> = names
            .into_iter()
            .zip(values)
            .map(|((name, shape), values)| NamedTensor {
                name,
                shape,
                values,
            })
            .collect();
        let places = [
            (Place::Projector, &self.heads.projector),
            (Place::Dense, &self.heads.dense),
            (self.plan.classifier_place(), &self.heads.classifier),
            (Place::Decoder, &self.heads.decoder),
        ];
        for (place, head) in places {
            if let Some(head) = head {
                tensors.extend(head.tensors(place)?);
            }
        }
        Ok(tensors)
    }
}

/// Images `[n, 3, h·side, w·side]` as one row a patch of `side` × `side` pixels, patches row by row:
/// `[n·h·w, 3·side²]`, each channel's pixels together.
fn patches(images: Tensor<4>, side: usize) -> Tensor<2> {
    let [count, channels, height, width] = images.dims();
    let (rows, columns) = (height / side, width / side);
    images
        .reshape([count, channels, rows, side, columns, side])
        .permute([0, 2, 4, 1, 3, 5])
        .reshape([count * rows * columns, channels * side * side])
}

/// Brings the running statistics up to date: Burn gathers a thread's updates aside, where reading a
/// module does not see them.
fn synchronise(network: &Network) {
    let norms = |step: &Step| -> Vec<BatchNorm> {
        let convs =
            |convs: &[ConvNorm]| convs.iter().filter_map(|conv| conv.norm.clone()).collect();
        match step {
            Step::Conv(conv) => convs(std::slice::from_ref(conv)),
            Step::Residual(block) => {
                let mut norms: Vec<_> = convs(&block.body);
                norms.extend(block.projection.iter().filter_map(|conv| conv.norm.clone()));
                norms
            }
            Step::Linear(linear) => linear.norm.iter().cloned().collect(),
            Step::MaxPool(_) => Vec::new(),
        }
    };
    for norm in network
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(norms)
    {
        norm.running_mean.value_sync();
        norm.running_var.value_sync();
    }
}

/// Heads under the names that the models room has for what stands behind an encoder.
fn renamed(tensors: &[NamedTensor]) -> Vec<NamedTensor> {
    tensors
        .iter()
        .filter_map(|tensor| {
            let name = &tensor.name;
            let name = match (
                name.strip_prefix("projector."),
                name.strip_prefix("dense_projector."),
            ) {
                (Some(rest), _) => format!("head.{rest}"),
                (_, Some(rest)) => format!("dense_head.{rest}"),
                _ if name.starts_with("fc.") => name.clone(),
                _ => return None,
            };
            Some(NamedTensor {
                name,
                ..tensor.clone()
            })
        })
        .collect()
}

/// All weights of the encoder and its projections, as the models room names them.
pub(super) fn model_weights(
    plan: &NetPlan,
    tensors: &[NamedTensor],
) -> Result<ModelWeights, ModelError> {
    let mut all = renamed(tensors);
    all.extend(tensors.iter().cloned());
    let head = plan.projector.as_deref().map(spec);
    let dense_head = plan.dense.as_deref().map(spec);
    let source = &mut TensorList::new(&all);
    ModelWeights::new(plan.architecture.clone(), head, dense_head, source)
}

/// The inference model of some tensors.
pub(super) fn model(
    plan: &NetPlan,
    tensors: &[NamedTensor],
    device: &Device,
) -> Result<Model, ModelError> {
    let encoder = plan
        .architecture
        .build(&mut TensorList::new(tensors), device)?;
    let renamed = renamed(tensors);
    let mut source = TensorList::new(&renamed);
    let head = match &plan.projector {
        Some(widths) => Some(ProjectionHead::build(&spec(widths), &mut source, device)?),
        None => None,
    };
    let dense_head = match &plan.dense {
        Some(widths) => Some(DenseHead::build(&spec(widths), &mut source, device)?),
        None => None,
    };
    let classifier = match (plan.classifier, plan.classifier_place()) {
        (Some([inputs, classes]), Place::Classifier) => {
            Some(Classifier::build(inputs, classes, &mut source, device)?)
        }
        _ => None,
    };
    Ok(Model {
        encoder,
        head,
        dense_head,
        classifier,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Shortcut, Stem};

    /// Every tensor has values of its own, so that two that change places are seen.
    struct ByName;

    impl TensorSource for ByName {
        fn has(&self, _: &str) -> bool {
            true
        }

        fn shape(&self, _: &str) -> Option<Vec<usize>> {
            None
        }

        fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
            let hash = name.bytes().fold(7_u32, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(u32::from(byte))
            });
            let start = (hash % 9973) as f32;
            let count = shape.iter().product::<usize>();
            Ok((0..count).map(|i| start + (i % 17) as f32).collect())
        }
    }

    #[test]
    fn patches_are_those_of_the_image() {
        // Value = 100 · image + 10 · row + column + 1000 · channel, of two images of 4 × 6.
        let value =
            |n: usize, c: usize, y: usize, x: usize| (100 * n + 10 * y + x + 1000 * c) as f32;
        let mut values = Vec::new();
        for n in 0..2 {
            for c in 0..3 {
                for y in 0..4 {
                    values.extend((0..6).map(|x| value(n, c, y, x)));
                }
            }
        }
        let data = burn::tensor::TensorData::new(values, [2, 3, 4, 6]);
        let rows = patches(Tensor::from_data(data, &Device::flex()), 2);
        assert_eq!(rows.dims(), [12, 12]);
        let rows = crate::compute::read_tensor(rows).unwrap();
        // Of the second image (6 patches each) the patch of row 1, column 2.
        let patch = &rows[(6 + 3 + 2) * 12..][..12];
        let expected: Vec<f32> = (0..3)
            .flat_map(|c| [(2, 4), (2, 5), (3, 4), (3, 5)].map(|(y, x)| value(1, c, y, x)))
            .collect();
        assert_eq!(patch, expected);
    }

    #[test]
    fn every_family_gives_its_tensors_back_under_their_names() {
        let resnet = |depth, stem| Architecture::ResNet {
            depth,
            stem,
            width: 4,
        };
        let cifar = |shortcut| Architecture::CifarResNet { depth: 8, shortcut };
        for architecture in [
            resnet(18, Stem::ImageNet),
            resnet(50, Stem::Cifar),
            cifar(Shortcut::A),
            cifar(Shortcut::B),
            Architecture::PreparedCifarResNet {
                blocks: vec![1, 2],
                channels: vec![4, 8],
            },
            Architecture::SmallAlexNet {
                channels_in: 3,
                feat_dim: 8,
                input_side: 16,
            },
            Architecture::TinyConvNet { width: 4 },
        ] {
            let name = architecture.name();
            let expected = architecture.tensors();
            let config = RunConfig::default();
            let plan = NetPlan::new(&config, architecture, 0).unwrap();
            let device = Device::flex().autodiff();
            let net = Net::build(plan, &mut ByName, &mut ByName, &device).unwrap();
            let tensors = net.tensors().unwrap();
            assert!(tensors.len() > expected.len(), "{name} lost its head");
            for (tensor, (wanted, shape)) in tensors.iter().zip(&expected) {
                assert_eq!((&tensor.name, &tensor.shape), (wanted, shape), "{name}");
            }
            for tensor in &tensors {
                let values = ByName.take(&tensor.name, &tensor.shape).unwrap();
                assert_eq!(tensor.values, values, "{name}: {}", tensor.name);
            }
        }
    }
}
