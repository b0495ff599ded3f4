//! Uniformity where the features lie: on a GPU the matrix never comes back to the host.

use burn::tensor::{Tensor, TensorData};

use super::{MeasureError, Uniformity};
use crate::progress::Progress;

/// Rows of a tile: a tile of distances takes 64 MiB.
const TILE: usize = 4096;

/// Tiles submitted before the host waits once, so that a cancel is heard within a second.
const TILES_IN_FLIGHT: usize = 64;

/// Largest t that the device sums: at the largest distance exp(−4t) is still a normal float32.
pub const MAX_T_ON_DEVICE: f64 = 20.0;

/// [`uniformity`](super::uniformity) over all unordered pairs of unit (or zero) rows `[n, d]` on
/// their own device: L_uniform(t) = log mean_{i<j} exp(−t‖xᵢ − xⱼ‖²), with
/// ‖xᵢ − xⱼ‖² = ‖xᵢ‖² + ‖xⱼ‖² − 2 xᵢ·xⱼ.
///
/// Float32 within a tile of at most 4096 × 4096 pairs, float64 over tiles.
///
/// # Errors
/// [`MeasureError::TooFewRows`] below two rows, [`MeasureError::Parameter`] for a t that is not in
/// (0, [`MAX_T_ON_DEVICE`]], [`MeasureError::Cancelled`], and [`MeasureError::Device`] when the
/// device fails.
pub fn uniformity_on_device(
    unit: &Tensor<2>,
    t: f64,
    progress: &Progress,
) -> Result<Uniformity, MeasureError> {
    let [rows, _] = unit.dims();
    if rows < 2 {
        return Err(MeasureError::TooFewRows {
            quantity: "uniformity",
            needed: 2,
            found: rows,
        });
    }
    if !(t > 0.0 && t <= MAX_T_ON_DEVICE) {
        return Err(MeasureError::Parameter {
            name: "t",
            value: t,
            allowed: "above 0 and at most 20 on a device",
        });
    }
    let starts: Vec<usize> = (0..rows).step_by(TILE).collect();
    let tile_count = starts.len() * (starts.len() + 1) / 2;
    let mut sums = Vec::new();
    let mut sum = 0.0;
    let mut done = 0;
    for (position, &row_start) in starts.iter().enumerate() {
        let row_end = (row_start + TILE).min(rows);
        let block = unit.clone().narrow(0, row_start, row_end - row_start);
        for &column_start in &starts[position..] {
            let column_end = (column_start + TILE).min(rows);
            let other = unit
                .clone()
                .narrow(0, column_start, column_end - column_start);
            sums.push(tile_sum(block.clone(), other, t, row_start == column_start));
            done += 1;
            if sums.len() == TILES_IN_FLIGHT || done == tile_count {
                sum += read_sum(std::mem::take(&mut sums))?;
                progress.report("uniformity", done as u64, Some(tile_count as u64));
                progress.check()?;
            }
        }
    }
    let pairs = rows as u128 * (rows as u128 - 1) / 2;
    Ok(Uniformity {
        // Rounding can lift coinciding rows a hair above the ceiling.
        value: (sum / pairs as f64).ln().min(0.0),
        standard_error: None,
        pairs,
        population: pairs,
        n: rows,
    })
}

/// Sum of the kernel over a tile's pairs; over those above the diagonal for a tile on it.
fn tile_sum(block: Tensor<2>, other: Tensor<2>, t: f64, is_diagonal: bool) -> Tensor<1> {
    let squared_norms = |rows: &Tensor<2>| rows.clone().square().sum_dim(1);
    let norms = squared_norms(&block).add(squared_norms(&other).transpose());
    let products = block.matmul(other.transpose());
    let squares = norms.sub(products.mul_scalar(2.0)).clamp_min(0.0);
    let kernel = squares.mul_scalar(-t).exp();
    if is_diagonal {
        // Strictly above the diagonal: each pair once, no vector with itself.
        kernel.triu(1).sum()
    } else {
        kernel.sum()
    }
}

fn read_sum(sums: Vec<Tensor<1>>) -> Result<f64, MeasureError> {
    let data: TensorData = Tensor::cat(sums, 0)
        .try_into_data()
        .map_err(|error| MeasureError::Device(error.to_string()))?;
    let values = data
        .try_into_vec::<f32>()
        .map_err(|error| MeasureError::Device(format!("{error:?}")))?;
    Ok(values.into_iter().map(f64::from).sum())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        geometry::sphere::uniform_rows,
        measure::{PairSet, Rows, uniformity},
    };

    #[test]
    fn tiles_on_the_device_agree_with_the_host() {
        // One tile, a tile and a bit, and the smallest set.
        for rows in [2, 3, 500, TILE + 5] {
            let values = uniform_rows(rows, 16, 1);
            let expected = uniformity(
                Rows::new(&values, 16).unwrap(),
                2.0,
                PairSet::All,
                &Progress::none(),
            )
            .unwrap();
            let tensor =
                Tensor::<2>::from_data(TensorData::new(values, [rows, 16]), &Device::flex());
            let found = uniformity_on_device(&tensor, 2.0, &Progress::none()).unwrap();
            assert_eq!(found.pairs, expected.pairs);
            // Float32 cosines: 1e-7 in the exponent of each pair, and sums of 4096² terms.
            assert!(
                (found.value - expected.value).abs() < 2e-5,
                "{rows}: {found:?} {expected:?}"
            );
        }
    }

    #[test]
    fn rows_that_are_all_zero_have_collapsed() {
        let dead = Tensor::<2>::zeros([40, 8], &Device::flex());
        let found = uniformity_on_device(&dead, 2.0, &Progress::none()).unwrap();
        assert_eq!(found.value, 0.0);
    }

    #[test]
    fn the_largest_t_is_summed_and_larger_ones_are_refused() {
        let opposite = TensorData::new(vec![1.0_f32, 0.0, -1.0, 0.0], [2, 2]);
        let tensor = Tensor::<2>::from_data(opposite, &Device::flex());
        let found = uniformity_on_device(&tensor, MAX_T_ON_DEVICE, &Progress::none()).unwrap();
        // One pair at distance 2: −4t, to float32's precision in the exponent.
        assert!((found.value + 80.0).abs() < 1e-4, "{found:?}");
        let refused = uniformity_on_device(&tensor, 21.0, &Progress::none());
        assert!(matches!(refused, Err(MeasureError::Parameter { .. })));
    }

    #[test]
    fn one_row_has_no_pair() {
        let tensor = Tensor::<2>::zeros([1, 4], &Device::flex());
        let error = uniformity_on_device(&tensor, 2.0, &Progress::none()).unwrap_err();
        assert!(matches!(error, MeasureError::TooFewRows { .. }));
    }
}
