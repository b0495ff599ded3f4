//! Which pairs of rows a loss looks at, as matrices of zeros and ones.

use burn::tensor::{Device, Tensor, TensorData};

/// Added to a logit, it takes the pair out of a softmax.
pub(super) const NEVER: f64 = -1e9;

/// `[rows, columns]`, 1 where `is_in` says so; with the number of ones.
pub(super) fn mask(
    [rows, columns]: [usize; 2],
    device: &Device,
    is_in: impl Fn(usize, usize) -> bool,
) -> (Tensor<2>, usize) {
    let mut values = Vec::with_capacity(rows * columns);
    let mut count = 0;
    for row in 0..rows {
        for column in 0..columns {
            let inside = is_in(row, column);
            count += usize::from(inside);
            values.push(f32::from(u8::from(inside)));
        }
    }
    let data = TensorData::new(values, [rows, columns]);
    (Tensor::from_data(data, device), count)
}
