//! The encoders the app knows, as values that a session or a report can hold.

use std::fmt;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{
    blueprint::Blueprint,
    cifar_resnet,
    encoder::Encoder,
    error::ModelError,
    lightning_resnet,
    network::{BatchNormForm, Network},
    resnet, small_alexnet,
    source::TensorSource,
    tiny,
};

/// The first layers of a torchvision-style ResNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stem {
    /// 7×7 convolution of stride 2, then 3×3 max pooling of stride 2: for images of about 224.
    ImageNet,
    /// 3×3 convolution of stride 1 and no pooling: for images of about 32.
    Cifar,
    /// As [`Cifar`](Self::Cifar), but padded by two pixels, so that the map grows by two each way:
    /// what solo-learn builds for CIFAR. The tensors are the same.
    CifarPadded,
}

/// The shortcut where a CIFAR ResNet halves the map and doubles the channels (He et al. 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shortcut {
    /// Every second pixel, new channels filled with zeros; no parameters.
    A,
    /// A 1×1 convolution of stride 2 with batch normalisation.
    B,
}

/// What a stage gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StageKind {
    /// A map: channels × rows × columns an image.
    Map,
    /// A vector an image.
    Vector,
}

/// A stage at which a forward pass may stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInfo {
    /// Name of the stage ("layer4", "conv5", "fc7").
    pub name: String,
    /// Channels of the map, or the length of the vector.
    pub channels: usize,
    /// Map or vector.
    pub kind: StageKind,
    /// Image pixels from one location of the map to the next (rounded maps aside); for a vector
    /// the stride of the map it was made from.
    pub stride: usize,
}

/// A family of encoders with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// ResNet as in torchvision, with its tensor names (`conv1.weight`, `layer1.0.bn1.bias`,
    /// `layer2.0.downsample.0.weight`).
    ResNet {
        /// 18, 34, 50, 101 or 152 layers.
        depth: u16,
        /// The first layers.
        stem: Stem,
        /// Channels of the first stage; 64 as published.
        width: usize,
    },
    /// The thin ResNet for CIFAR with three stages of 16, 32 and 64 channels; tensor names as in
    /// the wide-spread `resnet20.th` files (`layer1.0.conv1.weight`, with option B
    /// `layer2.0.shortcut.0.weight`).
    CifarResNet {
        /// 20, 32, 44, 56 or 110 layers (any 6n + 2).
        depth: u16,
        /// The shortcut at each halving.
        shortcut: Shortcut,
    },
    /// The CIFAR ResNet of a well-known Lightning course: `input_net`, `blocks.{i}.net.{j}` and a
    /// 1×1 `downsample` convolution with a bias and no normalisation.
    PreparedCifarResNet {
        /// Residual blocks in each group.
        blocks: Vec<usize>,
        /// Channels of each group; as many as `blocks`.
        channels: Vec<usize>,
    },
    /// The encoder of Wang & Isola's STL-10 experiments (2020): five convolution blocks and three
    /// linear ones, `blocks.{0..7}.*`.
    SmallAlexNet {
        /// Channels of an image.
        channels_in: usize,
        /// Length of the last layer's vector.
        feat_dim: usize,
        /// Side of the images that the first linear layer was made for, pixels; 64 as published.
        /// A multiple of 8: the map that is flattened has side `input_side / 8 − 1`.
        input_side: u32,
    },
    /// This program's own small network for demonstrations, `blocks.{0..3}.conv` and `.bn`.
    TinyConvNet {
        /// Channels of the first block; the last has four times as many. 16 by default.
        width: usize,
    },
}

impl Architecture {
    /// The plan of the encoder.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] for impossible settings.
    pub fn blueprint(&self) -> Result<Blueprint, ModelError> {
        match self {
            Self::ResNet { depth, stem, width } => resnet::blueprint(*depth, *stem, *width),
            Self::CifarResNet { depth, shortcut } => cifar_resnet::blueprint(*depth, *shortcut),
            Self::PreparedCifarResNet { blocks, channels } => {
                lightning_resnet::blueprint(blocks, channels)
            }
            Self::SmallAlexNet {
                channels_in,
                feat_dim,
                input_side,
            } => small_alexnet::blueprint(*channels_in, *feat_dim, *input_side),
            Self::TinyConvNet { width } => tiny::blueprint(*width),
        }
    }

    /// The name a reader knows it by ("ResNet-50", "CIFAR ResNet-20 (A)").
    pub fn name(&self) -> String {
        match self {
            Self::ResNet { depth, stem, width } => {
                let stem = match stem {
                    Stem::ImageNet => "",
                    Stem::Cifar => ", CIFAR stem",
                    Stem::CifarPadded => ", CIFAR stem with padding 2",
                };
                match width {
                    64 => format!("ResNet-{depth}{stem}"),
                    _ => format!("ResNet-{depth}, width {width}{stem}"),
                }
            }
            Self::CifarResNet { depth, shortcut } => format!("CIFAR ResNet-{depth} ({shortcut:?})"),
            Self::PreparedCifarResNet { blocks, .. } => {
                // Two convolutions a block, the first convolution and the classifier, as usual.
                let blocks: usize = blocks.iter().fold(0, |sum, &n| sum.saturating_add(n));
                format!(
                    "Lightning CIFAR ResNet-{}",
                    blocks.saturating_mul(2).saturating_add(2)
                )
            }
            Self::SmallAlexNet { feat_dim, .. } => format!("SmallAlexNet ({feat_dim}-d)"),
            Self::TinyConvNet { width } => format!("tiny conv net, width {width}"),
        }
    }

    /// The stages, first to last; none when the settings are impossible (see
    /// [`blueprint`](Self::blueprint)).
    pub fn stages(&self) -> Vec<StageInfo> {
        self.blueprint().map_or_else(
            |_| Vec::new(),
            |plan| plan.stages.into_iter().map(|stage| stage.info).collect(),
        )
    }

    /// The stage whose output is the encoder's feature: the last.
    pub fn default_stage(&self) -> usize {
        self.stages().len().saturating_sub(1)
    }

    /// The stage whose map gives dense features: the last that is a map.
    pub fn default_dense_stage(&self) -> usize {
        self.blueprint()
            .map_or(0, |plan| plan.map_stages().saturating_sub(1))
    }

    /// Side of the images the encoder is usually given, pixels.
    pub fn input_side(&self) -> u32 {
        match self {
            Self::ResNet {
                stem: Stem::ImageNet,
                ..
            } => 224,
            Self::ResNet { .. }
            | Self::CifarResNet { .. }
            | Self::PreparedCifarResNet { .. }
            | Self::TinyConvNet { .. } => 32,
            Self::SmallAlexNet { input_side, .. } => *input_side,
        }
    }

    /// Every backbone tensor that is required, by canonical name and shape; none when the settings
    /// are impossible.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.blueprint()
            .map_or_else(|_| Vec::new(), |plan| plan.tensors())
    }

    /// Builds the encoder for inference on `device`.
    ///
    /// # Errors
    /// [`ModelError::Architecture`], [`ModelError::Tensors`] before anything is read,
    /// [`ModelError::Read`] from the source.
    pub fn build(
        &self,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Encoder, ModelError> {
        Encoder::build(self, source, device)
    }

    /// Builds the encoder as Burn modules on `device`: what training needs (with
    /// [`BatchNormForm::Separate`]), and what [`build`](Self::build) is tested against.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn network(
        &self,
        source: &mut dyn TensorSource,
        form: BatchNormForm,
        device: &Device,
    ) -> Result<Network, ModelError> {
        let blueprint = self.blueprint()?;
        super::source::check_tensors(&blueprint.name, source, &blueprint.tensors())?;
        Network::build(blueprint, source, form, device)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
