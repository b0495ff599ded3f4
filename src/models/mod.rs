//! Encoders and heads: from named tensors to features.
//!
//! A family of encoders is one file that writes down a [`Blueprint`]: stages, each a list of
//! convolutions, poolings, residual blocks and linear layers with the names their tensors have in
//! a checkpoint. Everything else reads the blueprint: which tensors are required, which stages can
//! be chosen, the Burn modules ([`Network`]) and the processor's fast path (`cpu`).
//!
//! Construction takes its tensors from a [`TensorSource`] and checks every shape before it reads
//! one: a missing tensor is an error, never a random weight. Random weights exist only as
//! [`SeededInit`], a source like any other that must be asked for by name.
//!
//! Batch normalisation runs on its running statistics and is folded into the layer before it (in
//! f64). Training needs it unfolded: [`Architecture::network`] with [`BatchNormForm::Separate`]
//! builds the same network from the same source with its own normalisation layers.
//! On the processor its steps of training run on the fast path as well ([`ProcessorSteps`]):
//! forward with the statistics of the batch, and back to the gradients of every weight.
//!
//! The room may name `burn`, and for the fast path `pulp` and `rayon`; it uses no other room.

mod architecture;
mod blueprint;
mod cifar_resnet;
mod cpu;
mod encoder;
mod error;
mod fold;
mod head;
mod lightning_resnet;
mod model;
mod network;
mod receptive;
mod resnet;
mod small_alexnet;
mod source;
mod tiny;
mod weights;

pub use architecture::{Architecture, Shortcut, StageInfo, StageKind, Stem};
pub use blueprint::{
    Blueprint, ConvPlan, LinearPlan, PoolPlan, ResidualPlan, ShortcutPlan, StagePlan, StepPlan,
};
pub use encoder::{Encoder, StageOutput};
pub use error::{Misshapen, ModelError};
pub use head::{Classifier, DenseHead, HeadLayer, HeadSpec, ProjectionHead};
pub use model::Model;
pub use network::{
    BatchNormForm, ConvNorm, LinearNorm, Network, ProcessorSteps, Recording, Residual, Stage, Step,
};
pub use receptive::ReceptiveField;
pub use source::{SeededInit, TensorSource};
pub use weights::{ModelWeights, WeightRole, WeightTensor};
