//! Values into a tensor and back.

use burn::tensor::{Tensor, TensorData, Transaction};

use super::{Compute, ComputeError};

impl Compute {
    /// Moves `rows × dim` row-major values onto the device.
    ///
    /// # Errors
    /// [`ComputeError::Shape`] when the values do not fill the shape, or the shape is empty:
    /// wgpu has no empty buffers.
    pub fn device_tensor(
        &self,
        values: Vec<f32>,
        [rows, dim]: [usize; 2],
    ) -> Result<Tensor<2>, ComputeError> {
        if values.is_empty() || rows.checked_mul(dim) != Some(values.len()) {
            return Err(ComputeError::Shape {
                values: values.len(),
                rows,
                dim,
            });
        }
        Ok(Tensor::from_data(
            TensorData::new(values, [rows, dim]),
            self.device(),
        ))
    }
}

/// Reads one tensor back, row-major. Blocks until its values are computed.
///
/// # Errors
/// [`ComputeError::DeviceLost`] or [`ComputeError::Execution`] when computing the values failed.
pub fn read_tensor<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ComputeError> {
    let mut values = pollster::block_on(read_tensors_async(vec![tensor]))?;
    values.pop().ok_or_else(nothing_read)
}

/// Reads several tensors back in one transfer, each row-major and in the order given.
///
/// One wait for all of them, where reading one by one would wait for the device each time.
///
/// # Errors
/// As [`read_tensor`].
pub fn read_tensors<const D: usize>(
    tensors: Vec<Tensor<D>>,
) -> Result<Vec<Vec<f32>>, ComputeError> {
    pollster::block_on(read_tensors_async(tensors))
}

/// [`read_tensors`] for a caller that has other work while the device computes.
///
/// # Errors
/// As [`read_tensor`].
pub async fn read_tensors_async<const D: usize>(
    tensors: Vec<Tensor<D>>,
) -> Result<Vec<Vec<f32>>, ComputeError> {
    if tensors.is_empty() {
        return Ok(Vec::new());
    }
    tensors
        .into_iter()
        .fold(Transaction::default(), Transaction::register)
        .execute_async()
        .await?
        .into_iter()
        .map(|data| {
            data.try_into_vec_as::<f32>()
                .map_err(|error| ComputeError::Execution {
                    message: format!("{error:?}"),
                })
        })
        .collect()
}

fn nothing_read() -> ComputeError {
    ComputeError::Execution {
        message: "the transfer came back empty".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::DevicePolicy;

    #[test]
    fn values_go_in_and_come_out_in_order() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let values: Vec<f32> = (0u8..6).map(f32::from).collect();
        let first = compute
            .device_tensor(values.clone(), [2, 3])
            .expect("6 = 2·3");
        let second = first.clone().transpose();
        let read = read_tensors(vec![first.clone(), second]).expect("the CPU reads");
        assert_eq!(read, [values.clone(), vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]]);
        assert_eq!(read_tensor(first).expect("the CPU reads"), values);
        assert_eq!(
            read_tensors::<2>(Vec::new()).expect("nothing to do"),
            Vec::<Vec<f32>>::new()
        );
    }

    #[test]
    fn a_wrong_shape_is_an_error() {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        for (count, shape) in [(5, [2, 3]), (0, [0, 3]), (4, [usize::MAX, 4])] {
            let error = compute.device_tensor(vec![0.0; count], shape);
            assert!(
                matches!(error, Err(ComputeError::Shape { .. })),
                "{count} into {shape:?}"
            );
        }
    }
}
