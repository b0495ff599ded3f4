//! Named tensors on the host: how weights travel between a run, its snapshots and files.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::Tensor,
};

use crate::models::{ModelError, TensorSource};

/// A tensor under its canonical name, in PyTorch's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Canonical name.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Reads a tensor back under a name.
    pub(super) fn read<const D: usize>(
        name: String,
        shape: Vec<usize>,
        tensor: Tensor<D>,
    ) -> Result<Self, ModelError> {
        let data = tensor
            .detach()
            .try_into_data_as::<f32>()
            .map_err(|error| ModelError::Device(error.to_string()))?;
        let values = data
            .try_into_vec::<f32>()
            .map_err(|error| ModelError::Device(format!("{error:?}")))?;
        Ok(Self {
            name,
            shape,
            values,
        })
    }
}

/// A source over named tensors; each is handed out as often as it is asked for.
pub(super) struct TensorList<'a>(HashMap<&'a str, &'a NamedTensor>);

impl<'a> TensorList<'a> {
    pub fn new(tensors: &'a [NamedTensor]) -> Self {
        Self(
            tensors
                .iter()
                .map(|tensor| (tensor.name.as_str(), tensor))
                .collect(),
        )
    }
}

impl TensorSource for TensorList<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.get(name).map(|tensor| tensor.shape.clone())
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let failed = |reason: String| ModelError::Read {
            name: name.to_owned(),
            reason,
        };
        match self.0.get(name) {
            Some(tensor) if tensor.shape == shape => Ok(tensor.values.clone()),
            Some(tensor) => Err(failed(format!("its shape is {:?}", tensor.shape))),
            None => Err(failed("it is not there".to_owned())),
        }
    }
}

/// A module whose parameters are numbered from `first` in the order of its fields. Optimisers
/// remember by these numbers, so that their memory fits the same module built anew.
pub(super) fn numbered<M: Module>(module: M, first: u64) -> M {
    struct Numbering(u64);
    impl ModuleMapper for Numbering {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, value, mapper) = param.consume();
            self.0 += 1;
            Param::from_mapped_value(ParamId::from(self.0), value, mapper)
        }
    }
    module.map(&mut Numbering(first))
}

/// The values of all floats of a module in the order of its fields.
pub(super) fn values_in_order<M: Module>(module: &M) -> Result<Vec<Vec<f32>>, ModelError> {
    struct Reader(Result<Vec<Vec<f32>>, ModelError>);
    impl ModuleVisitor for Reader {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Ok(all) = &mut self.0 {
                match NamedTensor::read(String::new(), Vec::new(), param.val()) {
                    Ok(tensor) => all.push(tensor.values),
                    Err(error) => self.0 = Err(error),
                }
            }
        }
    }
    let mut reader = Reader(Ok(Vec::new()));
    module.visit(&mut reader);
    reader.0
}

/// `module` with every float moved by the share 1 − `momentum` towards that of `towards`, a module
/// of the same shape. The result is on no tape.
pub(super) fn followed<M: Module>(module: &M, towards: &M, momentum: f64) -> M {
    struct Collector(Vec<Tensor<1>>);
    impl ModuleVisitor for Collector {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().detach();
            let count: usize = value.dims().iter().product();
            self.0.push(value.reshape([count]));
        }
    }
    struct Follower {
        targets: std::vec::IntoIter<Tensor<1>>,
        momentum: f64,
    }
    impl ModuleMapper for Follower {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, value, mapper) = param.consume();
            let value = value.detach();
            let Some(target) = self.targets.next() else {
                return Param::from_mapped_value(id, value, mapper);
            };
            let target = target.reshape(value.dims());
            let moved = value * self.momentum + target * (1.0 - self.momentum);
            Param::from_mapped_value(id, moved.detach().set_require_grad(false), mapper)
        }
    }
    let mut collector = Collector(Vec::new());
    towards.visit(&mut collector);
    module.clone().map(&mut Follower {
        targets: collector.0.into_iter(),
        momentum,
    })
}
