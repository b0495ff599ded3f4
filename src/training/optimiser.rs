//! Which of Burn's optimisers moves the weights. There is no LARS: neither Burn 0.22 nor another
//! crate that is kept up with it has one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{
        AdamConfig, AdamWConfig, DynOptimizer, DynState, GradientsParams, SgdConfig, StateSink,
        StateSource, decay::WeightDecayConfig, momentum::MomentumConfig,
    },
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use super::tensors::NamedTensor;

/// PyTorch's ε of Adam; Burn's own default is greater.
const ADAM_EPSILON: f32 = 1e-8;

/// An optimiser with its settings, which have PyTorch's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Optimiser {
    /// Stochastic gradient descent with momentum.
    Sgd {
        /// Share of the last step's velocity that stays, in [0, 1).
        momentum: f64,
        /// L2 penalty, added to the gradient.
        weight_decay: f64,
        /// Nesterov's look ahead.
        nesterov: bool,
    },
    /// Adam; its weight decay is an L2 penalty, added to the gradient.
    Adam {
        /// L2 penalty.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW {
        /// Share of the weights that each step takes away, times the learning rate.
        weight_decay: f64,
    },
}

impl Default for Optimiser {
    /// Adam without weight decay.
    fn default() -> Self {
        Self::Adam { weight_decay: 0.0 }
    }
}

impl Optimiser {
    /// A short name: "SGD".
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "SGD",
            Self::Adam { .. } => "Adam",
            Self::AdamW { .. } => "AdamW",
        }
    }

    /// Share of the weights that decays.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay }
            | Self::AdamW { weight_decay } => *weight_decay,
        }
    }

    /// Whether it keeps something of each weight from step to step.
    pub(super) fn remembers(&self) -> bool {
        !matches!(self, Self::Sgd { momentum, .. } if *momentum == 0.0)
    }

    /// Burn's optimiser with these settings.
    fn build(&self) -> Arc<dyn DynOptimizer> {
        let penalty = |decay: f64| (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        match *self {
            Self::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => {
                let momentum = MomentumConfig::new()
                    .with_momentum(momentum)
                    .with_dampening(0.0)
                    .with_nesterov(nesterov);
                let config = SgdConfig::new()
                    .with_momentum(Some(momentum))
                    .with_weight_decay(penalty(weight_decay));
                Arc::new(config.build())
            }
            Self::Adam { weight_decay } => {
                let config = AdamConfig::new()
                    .with_epsilon(ADAM_EPSILON)
                    .with_weight_decay(penalty(weight_decay));
                Arc::new(config.build())
            }
            Self::AdamW { weight_decay } => {
                let config = AdamWConfig::new()
                    .with_epsilon(ADAM_EPSILON)
                    .with_weight_decay(weight_decay as f32);
                Arc::new(config.build())
            }
        }
    }
}

/// An optimiser with what it remembers of each parameter, by the parameter's number.
///
/// Burn's own keeper of this memory reads it back on a default device, which may be a GPU that
/// nobody asked for; this one is given its device.
#[derive(Clone)]
pub(super) struct Memory {
    optimiser: Arc<dyn DynOptimizer>,
    states: BTreeMap<u64, DynState>,
}

/// The note that holds the rank of a parameter, without which its memory cannot be rebuilt.
const RANK: &str = "rank";

impl Memory {
    /// Nothing remembered.
    pub fn new(optimiser: &Optimiser) -> Self {
        Self {
            optimiser: optimiser.build(),
            states: BTreeMap::new(),
        }
    }

    /// One step of every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Stepper {
            memory: self,
            rate,
            gradients,
        })
    }

    /// What of the memory does not fit the parameters of `module`, in words; `None` when all does.
    /// Every optimiser here remembers tensors of its parameters' own shapes.
    pub fn misfit<M: Module>(&self, module: &M) -> Option<String> {
        struct Shapes(BTreeMap<u64, Vec<usize>>);
        impl ModuleVisitor for Shapes {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.insert(param.id.val(), param.val().dims().to_vec());
            }
        }
        let mut shapes = Shapes(BTreeMap::new());
        module.visit(&mut shapes);
        for NamedTensor { name, shape, .. } in self.tensors().0 {
            let number = name.split('.').next().and_then(|text| text.parse().ok());
            match number.and_then(|number: u64| shapes.0.get(&number)) {
                None => return Some(format!("`{name}` belongs to no parameter of this run")),
                Some(expected) if *expected != shape => {
                    return Some(format!(
                        "`{name}` is of the shape {shape:?}, and its parameter of {expected:?}"
                    ));
                }
                Some(_) => {}
            }
        }
        None
    }

    /// Numbers of the parameters of which something is remembered, rising.
    pub fn parameters(&self) -> Vec<u64> {
        self.states.keys().copied().collect()
    }

    /// What is remembered, as tensors and counts for a file.
    pub fn tensors(&self) -> (Vec<NamedTensor>, HashMap<String, String>) {
        let mut sink = StateSink::default();
        let mut notes = HashMap::new();
        for (number, state) in &self.states {
            let prefix = number.to_string();
            notes.insert(format!("{prefix}.{RANK}"), state.rank().to_string());
            self.optimiser.state_flatten(&prefix, state, &mut sink);
        }
        for (name, count) in sink.scalars {
            if let Ok(count) = usize::try_from(count) {
                notes.insert(name, count.to_string());
            }
        }
        let tensors = sink.tensors.into_iter().filter_map(|(name, data)| {
            Some(NamedTensor {
                name,
                shape: data.shape().to_vec(),
                values: data.try_into_vec::<f32>().ok()?,
            })
        });
        (tensors.collect(), notes)
    }

    /// Reads back what [`tensors`](Self::tensors) gave; `None` when something of it is missing.
    pub fn from_tensors(
        optimiser: &Optimiser,
        tensors: Vec<NamedTensor>,
        notes: &HashMap<String, String>,
        device: &Device,
    ) -> Option<Self> {
        let mut counts = BTreeMap::new();
        let mut ranks = Vec::new();
        for (name, text) in notes {
            let Ok(count) = text.parse::<usize>() else {
                continue;
            };
            match name.strip_suffix(".rank") {
                Some(number) => ranks.push((number.parse::<u64>().ok()?, count)),
                None => {
                    counts.insert(name.clone(), count.into());
                }
            }
        }
        let mut source = StateSource::new(counts);
        // What is read with another rank than it has, Burn panics of.
        let has_its_rank = |tensor: &NamedTensor| {
            let number = tensor
                .name
                .split('.')
                .next()
                .and_then(|text| text.parse().ok());
            let rank = ranks.iter().find(|(known, _)| Some(*known) == number);
            rank.is_some_and(|(_, rank)| *rank == tensor.shape.len())
        };
        if !tensors.iter().all(has_its_rank) {
            return None;
        }
        for tensor in tensors {
            let data = TensorData::new(tensor.values, tensor.shape);
            source.insert_tensor(tensor.name, data);
        }
        let mut memory = Self::new(optimiser);
        for (number, rank) in ranks {
            // Beyond these Burn has no state, and panics.
            if rank > 8 {
                return None;
            }
            let prefix = number.to_string();
            let state = memory
                .optimiser
                .state_unflatten(rank, &prefix, &mut source, device)?;
            memory.states.insert(number, state);
        }
        Some(memory)
    }
}

struct Stepper<'a> {
    memory: &'a mut Memory,
    rate: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Stepper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, value, mapper) = param.consume();
        let (moved, state) = self.memory.optimiser.step_dyn(
            D,
            self.rate,
            value.inner().into_bridge(),
            gradient.into_bridge(),
            self.memory.states.remove(&id.val()),
        );
        if let Some(state) = state {
            self.memory.states.insert(id.val(), state);
        }
        let moved = Tensor::<D>::from_inner(Tensor::from_bridge(moved)).require_grad();
        Param::from_mapped_value(id, moved, mapper)
    }
}
