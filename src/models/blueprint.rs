//! The plan of an encoder: what its stages are made of and what its tensors are called.
//!
//! A family writes a blueprint once. The list of required tensors, the selectable stages, the
//! check of an input's size, the Burn modules and the processor's fast path are all read from it,
//! so that they cannot disagree.

use super::{
    architecture::{StageInfo, StageKind},
    error::ModelError,
};

/// An encoder as a sequence of stages: first those that give maps, then those that give vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// The encoder's name ("ResNet-50").
    pub name: String,
    /// Channels of an image.
    pub channels: usize,
    /// The stages, in the order data flows.
    pub stages: Vec<StagePlan>,
}

/// One selectable stage: a forward pass may stop at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePlan {
    /// What the stage gives.
    pub info: StageInfo,
    /// What it does.
    pub steps: Vec<StepPlan>,
}

/// One step of a stage.
#[derive(Clone, Debug, PartialEq)]
pub enum StepPlan {
    /// A convolution with what follows it.
    Conv(ConvPlan),
    /// Max pooling.
    MaxPool(PoolPlan),
    /// A residual block.
    Residual(ResidualPlan),
    /// A linear layer; a map that reaches it is flattened (channels, rows, columns).
    Linear(LinearPlan),
}

/// A convolution, its batch normalisation and its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvPlan {
    /// Name of the convolution: its tensors are `{name}.weight` and `{name}.bias`.
    pub name: String,
    /// Name of the batch normalisation that follows, if any.
    pub norm: Option<String>,
    /// Whether the convolution has a bias of its own.
    pub has_bias: bool,
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Side of the square kernel, pixels.
    pub kernel: usize,
    /// Step of the kernel, pixels.
    pub stride: usize,
    /// Zeros around the map, pixels on each side.
    pub padding: usize,
    /// Whether a ReLU follows.
    pub has_relu: bool,
}

/// Max pooling over a square window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolPlan {
    /// Side of the window, pixels.
    pub kernel: usize,
    /// Step of the window, pixels.
    pub stride: usize,
    /// Border that never wins the maximum, pixels on each side.
    pub padding: usize,
}

/// `ReLU(body(x) + shortcut(x))`.
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualPlan {
    /// Convolutions of the body, in order; the last has no ReLU of its own.
    pub body: Vec<ConvPlan>,
    /// What is added to the body's output.
    pub shortcut: ShortcutPlan,
}

/// The shortcut of a residual block.
#[derive(Clone, Debug, PartialEq)]
pub enum ShortcutPlan {
    /// The block's input itself.
    Identity,
    /// The input through a 1×1 convolution.
    Conv(ConvPlan),
    /// Every second pixel of the input, with channels of zeros before and after the input's own
    /// ("option A" of He et al. 2016).
    Subsample {
        /// Channels in.
        inputs: usize,
        /// Channels of zeros before the input's own.
        before: usize,
        /// Channels of zeros after the input's own.
        after: usize,
    },
}

/// A linear layer, its batch normalisation and its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearPlan {
    /// Name of the layer: its tensors are `{name}.weight` and `{name}.bias`.
    pub name: String,
    /// Name of the batch normalisation that follows, if any.
    pub norm: Option<String>,
    /// Whether the layer has a bias of its own.
    pub has_bias: bool,
    /// Values in.
    pub inputs: usize,
    /// Values out.
    pub outputs: usize,
    /// Whether a ReLU follows.
    pub has_relu: bool,
}

impl ConvPlan {
    /// A convolution without bias, followed by a batch normalisation and a ReLU, whose padding
    /// keeps the map's size at stride one.
    pub fn new(name: impl Into<String>, norm: impl Into<String>, channels: [usize; 2]) -> Self {
        Self {
            name: name.into(),
            norm: Some(norm.into()),
            has_bias: false,
            inputs: channels[0],
            outputs: channels[1],
            kernel: 3,
            stride: 1,
            padding: 1,
            has_relu: true,
        }
    }

    /// Sets the side of the kernel, and with it the padding that keeps the map's size.
    pub fn with_kernel(mut self, kernel: usize) -> Self {
        self.kernel = kernel;
        self.padding = kernel / 2;
        self
    }

    /// Sets the padding, where it does not keep the map's size.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the stride.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Takes the ReLU away.
    pub fn linear(mut self) -> Self {
        self.has_relu = false;
        self
    }

    /// The shape of the weight, `[out, in, kernel, kernel]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.kernel, self.kernel]
    }

    fn tensors(&self, into: &mut Vec<(String, Vec<usize>)>) {
        into.push((format!("{}.weight", self.name), self.weight_shape().into()));
        layer_tensors(
            &self.name,
            self.norm.as_ref(),
            self.has_bias,
            self.outputs,
            into,
        );
    }

    fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        window_positions(size, self.kernel, self.stride, self.padding)
    }
}

impl LinearPlan {
    fn tensors(&self, into: &mut Vec<(String, Vec<usize>)>) {
        into.push((
            format!("{}.weight", self.name),
            vec![self.outputs, self.inputs],
        ));
        layer_tensors(
            &self.name,
            self.norm.as_ref(),
            self.has_bias,
            self.outputs,
            into,
        );
    }
}

/// Bias and batch-normalisation tensors, which convolutions and linear layers have alike.
fn layer_tensors(
    name: &str,
    norm: Option<&String>,
    has_bias: bool,
    outputs: usize,
    into: &mut Vec<(String, Vec<usize>)>,
) {
    if has_bias {
        into.push((format!("{name}.bias"), vec![outputs]));
    }
    if let Some(norm) = norm {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            into.push((format!("{norm}.{part}"), vec![outputs]));
        }
    }
}

/// How many positions a window has along each side; `None` when it does not fit at all.
fn window_positions(
    size: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Option<[usize; 2]> {
    let along = |side: usize| Some((side + 2 * padding).checked_sub(kernel)? / stride + 1);
    Some([along(size[0])?, along(size[1])?])
}

impl PoolPlan {
    /// Rows and columns after pooling; `None` when the map is smaller than the window.
    pub(crate) fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        window_positions(size, self.kernel, self.stride, self.padding)
    }
}

impl ResidualPlan {
    fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        self.body
            .iter()
            .try_fold(size, |size, conv| conv.output_size(size))
    }
}

impl StepPlan {
    fn tensors(&self, into: &mut Vec<(String, Vec<usize>)>) {
        match self {
            Self::Conv(conv) => conv.tensors(into),
            Self::MaxPool(_) => {}
            Self::Residual(block) => {
                block.body.iter().for_each(|conv| conv.tensors(into));
                if let ShortcutPlan::Conv(conv) = &block.shortcut {
                    conv.tensors(into);
                }
            }
            Self::Linear(linear) => linear.tensors(into),
        }
    }
}

impl Blueprint {
    /// Every tensor the encoder needs, by canonical name and shape, in the order data flows.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for step in self.stages.iter().flat_map(|stage| &stage.steps) {
            step.tensors(&mut tensors);
        }
        tensors
    }

    /// How many stages from the first on give maps.
    pub fn map_stages(&self) -> usize {
        self.stages
            .iter()
            .take_while(|stage| stage.info.kind == StageKind::Map)
            .count()
    }

    /// Checks that a batch can go through the encoder up to the end of `stage`.
    ///
    /// `shape` is `[images, channels, height, width]`.
    ///
    /// # Errors
    /// [`ModelError::Stage`] when there is no such stage, [`ModelError::Input`] when the channels
    /// differ, the batch is empty, an image is too small, or a linear layer expects another size.
    pub fn check_input(&self, shape: [usize; 4], stage: usize) -> Result<(), ModelError> {
        if stage >= self.stages.len() {
            return Err(ModelError::Stage {
                architecture: self.name.clone(),
                stage,
                count: self.stages.len(),
            });
        }
        let [images, channels, height, width] = shape;
        let refuse = |why: String| Err(ModelError::Input(format!("{}: {why}", self.name)));
        if images == 0 || height == 0 || width == 0 {
            return refuse(format!("there is nothing in a batch of shape {shape:?}"));
        }
        if channels != self.channels {
            return refuse(format!(
                "images need {} channels, these have {channels}",
                self.channels
            ));
        }
        // The map's rows and columns, and once it is flattened nothing more to check.
        let mut size = [height, width];
        let mut channels = channels;
        for stage in &self.stages[..=stage] {
            for step in &stage.steps {
                let next = match step {
                    StepPlan::Conv(conv) => conv.output_size(size),
                    StepPlan::MaxPool(pool) => pool.output_size(size),
                    StepPlan::Residual(block) => block.output_size(size),
                    StepPlan::Linear(linear) if linear.inputs == channels * size[0] * size[1] => {
                        Some([1, 1])
                    }
                    StepPlan::Linear(linear) => {
                        return refuse(format!(
                            "images of {height}×{width} give {} values to `{}`, which takes {}",
                            channels * size[0] * size[1],
                            linear.name,
                            linear.inputs
                        ));
                    }
                };
                let Some(next) = next else {
                    return refuse(format!(
                        "images of {height}×{width} are too small for {}",
                        stage.info.name
                    ));
                };
                size = next;
                if let StepPlan::Linear(linear) = step {
                    channels = linear.outputs;
                }
            }
            channels = stage.info.channels;
        }
        Ok(())
    }
}
