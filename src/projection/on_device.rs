//! Places computed where the features lie, for drawing without a read-back.

use burn::tensor::{Tensor, TensorData};

use super::Projection;
use crate::features::unit_tensor;

impl Projection<3> {
    /// Places of raw rows `[n, d]` on their own device: normalised, projected on this projection's
    /// axes and re-normalised, `[n, 3]`. Rows that keep nothing come out shorter than 1.
    ///
    /// # Panics
    /// When d differs from the projection's, which no tensor of the same features does.
    pub fn place_on_device(&self, raw: Tensor<2>) -> Tensor<2> {
        let device = raw.device();
        let basis = TensorData::new(self.basis.clone(), [3, self.dim]);
        let basis = Tensor::<2>::from_data(basis, &device);
        unit_tensor(unit_tensor(raw).matmul(basis.transpose()))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        geometry::normalise_rows, geometry::sphere::uniform_rows, measure::Rows,
        progress::Progress, projection::to_sphere,
    };

    #[test]
    fn the_device_places_rows_where_the_host_does() {
        let dim = 24;
        let mut raw = uniform_rows(200, dim, 5);
        for (row, values) in raw.chunks_exact_mut(dim).enumerate() {
            for value in values {
                *value *= 1.0 + row as f32;
            }
        }
        let mut rows = raw.clone();
        normalise_rows(&mut rows, dim);
        let sphere = to_sphere(Rows::new(&rows, dim).unwrap(), &Progress::none()).unwrap();
        let tensor = Tensor::<2>::from_data(TensorData::new(raw, [200, dim]), &Device::flex());
        let placed = sphere
            .place_on_device(tensor)
            .into_data()
            .try_into_vec::<f32>()
            .unwrap();
        for (found, expected) in placed.iter().zip(sphere.coords.iter().flatten()) {
            // Float32 sums of 24 products, divided by a norm that is rarely below 0.1.
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
