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
    tensors::{NamedTensor, TensorList, numbered, values_in_order},
};
use crate::models::{
    Architecture, BatchNormForm, ConvNorm, Model, ModelError, Network, ProjectionHead, SeededInit,
    StageOutput, Step, TensorSource,
};

/// Numbers of the heads' parameters begin here, far above any encoder's.
const FIRST_HEAD_PARAMETER: u64 = 1 << 32;

/// Everything behind the encoder.
#[derive(Module, Debug)]
pub(super) struct Heads {
    projector: Option<Mlp>,
}

/// What is built: shapes, not values.
#[derive(Clone, Debug)]
pub(super) struct NetPlan {
    pub architecture: Architecture,
    projector: Option<Vec<usize>>,
}

impl NetPlan {
    pub fn new(config: &RunConfig, architecture: Architecture) -> Result<Self, TrainingError> {
        let blueprint = architecture.blueprint()?;
        let features = blueprint
            .stages
            .last()
            .map_or(0, |stage| stage.info.channels);
        Ok(Self {
            projector: config.head.widths(features),
            architecture,
        })
    }
}

/// An encoder and its heads.
pub(super) struct Net {
    plan: NetPlan,
    network: Network,
    heads: Heads,
}

/// What a forward pass gives the objectives.
pub(super) struct Outputs {
    /// The projected vector, or the encoder's feature without a head: `[n, d]`.
    pub projected: Tensor<2>,
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
        let projector = plan
            .projector
            .as_ref()
            .map(|widths| Mlp::build(Place::Projector, widths, heads, device))
            .transpose()?;
        Ok(Self {
            network: numbered(network, 0),
            heads: numbered(Heads { projector }, FIRST_HEAD_PARAMETER),
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
        let stage = self.plan.architecture.default_stage();
        let output: StageOutput = self.network.forward(images, stage)?;
        let pooled = Model::pooled(output);
        let projected = match &self.heads.projector {
            Some(head) => head.forward(pooled),
            None => pooled,
        };
        Ok(Outputs { projected })
    }

    /// The gradients of the encoder and of the heads.
    pub fn gradients(&self, gradients: &mut Gradients) -> [GradientsParams; 2] {
        [
            GradientsParams::from_module(gradients, &self.network),
            GradientsParams::from_module(gradients, &self.heads),
        ]
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
            plan: self.plan,
        }
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
        if let Some(head) = &self.heads.projector {
            tensors.extend(head.tensors(Place::Projector)?);
        }
        Ok(tensors)
    }
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

/// The inference model of some tensors.
pub(super) fn model(
    plan: &NetPlan,
    tensors: &[NamedTensor],
    device: &Device,
) -> Result<Model, ModelError> {
    let encoder = plan
        .architecture
        .build(&mut TensorList::new(tensors), device)?;
    // The models room calls the projection head's layers `head.{i}`.
    let renamed: Vec<NamedTensor> = tensors
        .iter()
        .filter_map(|tensor| {
            let rest = tensor.name.strip_prefix("projector.")?;
            Some(NamedTensor {
                name: format!("head.{rest}"),
                ..tensor.clone()
            })
        })
        .collect();
    let mut source = TensorList::new(&renamed);
    let head = plan
        .projector
        .as_ref()
        .map(|widths| ProjectionHead::build(&spec(widths), &mut source, device))
        .transpose()?;
    Ok(Model {
        encoder,
        head,
        dense_head: None,
        classifier: None,
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
            let plan = NetPlan::new(&config, architecture).unwrap();
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
