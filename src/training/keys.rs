//! The key encoder, which follows the one that trains slowly, and the queues of its keys.

use burn::tensor::{Device, Tensor, TensorData, s};

use super::{
    TrainingError,
    clusterings::Clustering,
    net::{Net, NetPlan, Outputs, model},
    tensors::NamedTensor,
};
use crate::{
    compute::Compute,
    geometry::sphere::uniform_rows,
    models::{Model, ModelError},
    objectives::{DenseRows, Prototypes},
};

/// How a loss wants its keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct KeyPlan {
    /// Keys in each queue.
    pub queue: usize,
    /// Share of itself that the key encoder keeps at each step.
    pub momentum: f64,
}

/// The key encoder and its queues.
pub(super) struct Keys {
    plan: KeyPlan,
    net: Net,
    global: Tensor<2>,
    /// Of pooled dense keys, for a loss that looks at locations.
    dense: Option<Tensor<2>>,
    /// Where the next keys go; the same in both queues.
    next: usize,
    /// Of a loss with prototypes.
    clusterings: Vec<Clustering>,
}

/// What the key encoder says of a batch, and the keys from before.
pub(super) struct KeyOutputs {
    pub outputs: Outputs,
    /// `[m, dim]`.
    pub global: Tensor<2>,
    /// `[m, dim]`.
    pub dense: Option<Tensor<2>>,
    /// Of each clustering; none before the first.
    pub prototypes: Vec<Prototypes>,
}

/// Names of the queues in a file, where the key encoder's tensors keep theirs.
const GLOBAL: &str = "queue";
const DENSE: &str = "dense_queue";
const NEXT: &str = "queue_next";

impl Keys {
    /// A copy of the encoder as it is, and queues of uniform seeded vectors.
    pub fn new(plan: KeyPlan, net: &Net, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let dim = net.plan().outputs();
        let queue = |seed| {
            let rows = TensorData::new(uniform_rows(plan.queue, dim, seed), [plan.queue, dim]);
            Tensor::<2>::from_data(rows, device)
        };
        Ok(Self {
            net: Net::from_tensors(net.plan().clone(), &net.tensors()?, device)?.frozen(),
            global: queue(seed ^ 0x6b65_7973),
            dense: net.plan().is_dense().then(|| queue(seed ^ 0x6365_6c6c)),
            next: 0,
            clusterings: Vec::new(),
            plan,
        })
    }

    /// Moves the key encoder a little towards the one that trains.
    pub fn follow(&mut self, net: &Net) {
        self.net.follow(net, self.plan.momentum);
    }

    /// The key encoder, for inference.
    pub fn model(&self, compute: &Compute) -> Result<Model, ModelError> {
        model(self.net.plan(), &self.net.tensors()?, compute.device())
    }

    /// The prototypes as they stand; none before the first clustering.
    pub fn clusterings(&self) -> &[Clustering] {
        &self.clusterings
    }

    /// Takes new prototypes.
    pub fn set_clusterings(&mut self, clusterings: Vec<Clustering>) {
        self.clusterings = clusterings;
    }

    /// Keys of some images of the run's set.
    pub fn forward(&self, images: Tensor<4>, indices: &[usize]) -> Result<KeyOutputs, ModelError> {
        let device = images.device();
        let mut outputs = self.net.forward(images)?;
        outputs.projected = outputs.projected.detach();
        outputs.locations = outputs.locations.map(|mut locations| {
            locations.dense = locations.dense.detach();
            locations
        });
        Ok(KeyOutputs {
            outputs,
            global: self.global.clone(),
            dense: self.dense.clone(),
            prototypes: self
                .clusterings
                .iter()
                .map(|clustering| clustering.of_batch(indices, &device))
                .collect(),
        })
    }

    /// Puts a batch's keys in the place of the oldest: the pooled ones, and the mean of each
    /// image's locations.
    pub fn push(&mut self, pooled: Tensor<2>, locations: Option<DenseRows>) {
        let count = pooled.dims()[0];
        self.global = enqueued(self.global.clone(), pooled, self.next);
        if let (Some(queue), Some(locations)) = (&self.dense, locations) {
            let (images, cells, dim) = (
                locations.images(),
                locations.cells,
                locations.rows.dims()[1],
            );
            let means = locations.rows.reshape([images, cells, dim]).mean_dim(1);
            self.dense = Some(enqueued(queue.clone(), means.squeeze_dim(1), self.next));
        }
        self.next = (self.next + count) % self.plan.queue;
    }

    /// Everything, for a snapshot.
    pub fn tensors(&self) -> Result<Vec<NamedTensor>, ModelError> {
        let mut tensors = self.net.tensors()?;
        let mut queue = |name: &str, rows: &Tensor<2>| -> Result<(), ModelError> {
            let shape = rows.dims().to_vec();
            tensors.push(NamedTensor::read(name.to_owned(), shape, rows.clone())?);
            Ok(())
        };
        queue(GLOBAL, &self.global)?;
        if let Some(dense) = &self.dense {
            queue(DENSE, dense)?;
        }
        tensors.push(NamedTensor {
            name: NEXT.to_owned(),
            shape: vec![1],
            // Queues are far shorter than the numbers that an f32 holds exactly.
            values: vec![self.next as f32],
        });
        for (index, clustering) in self.clusterings.iter().enumerate() {
            tensors.extend(clustering.tensors(index));
        }
        Ok(tensors)
    }

    /// Back from a snapshot of a run on so many `images`.
    ///
    /// # Errors
    /// [`TrainingError::Model`] when something is missing or misshapen.
    pub fn from_tensors(
        plan: KeyPlan,
        net: NetPlan,
        tensors: &[NamedTensor],
        images: usize,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let find = |name: &str, shape: &[usize]| {
            let found = tensors.iter().find(|tensor| tensor.name == name);
            match found {
                Some(tensor) if tensor.shape == shape => Ok(tensor.values.clone()),
                _ => Err(ModelError::Read {
                    name: name.to_owned(),
                    reason: format!("the run has none of the shape {shape:?}"),
                }),
            }
        };
        let shape = [plan.queue, net.outputs()];
        let queue = |name| -> Result<Tensor<2>, ModelError> {
            let data = TensorData::new(find(name, &shape)?, shape);
            Ok(Tensor::from_data(data, device))
        };
        let next = find(NEXT, &[1])?.first().map_or(0, |&next| next as usize);
        Ok(Self {
            global: queue(GLOBAL)?,
            dense: if net.is_dense() {
                Some(queue(DENSE)?)
            } else {
                None
            },
            next: next % plan.queue,
            clusterings: Clustering::all_from(tensors, net.outputs(), images)?,
            net: Net::from_tensors(net, tensors, device)?.frozen(),
            plan,
        })
    }
}

/// The queue with `keys` from place `next` on; what passes its end goes to its beginning. Of more
/// keys than the queue holds the first stay.
fn enqueued(queue: Tensor<2>, keys: Tensor<2>, next: usize) -> Tensor<2> {
    let len = queue.dims()[0];
    let count = keys.dims()[0].min(len);
    let until_end = count.min(len - next);
    let queue = queue.slice_assign(
        s![next..next + until_end, ..],
        keys.clone().slice(s![..until_end, ..]),
    );
    if until_end == count {
        return queue;
    }
    queue.slice_assign(
        s![..count - until_end, ..],
        keys.slice(s![until_end..count, ..]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Compute, DevicePolicy, read_tensor};

    #[test]
    fn keys_go_round_the_queue() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let rows = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len(), 1]);
            Tensor::<2>::from_data(data, compute.device())
        };
        let queue = enqueued(rows(&[0.0; 5]), rows(&[1.0, 2.0, 3.0]), 0);
        let queue = enqueued(queue, rows(&[4.0, 5.0, 6.0]), 3);
        let read = |queue| read_tensor(queue).expect("the CPU reads");
        assert_eq!(read(queue.clone()), [6.0, 2.0, 3.0, 4.0, 5.0]);
        let many = rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(read(enqueued(queue, many, 0)), [1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
