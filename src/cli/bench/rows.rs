//! Uniformity over all pairs.

use super::{Prepared, Setting, input};
use crate::{
    geometry::normalise_rows,
    measure::{PairSet, Rows, uniformity as measure_uniformity},
    progress::Progress,
};

const DIM: usize = 128;
/// The temperature of the paper.
const T: f64 = 2.0;

/// `count` unit vectors of 128 numbers, every unordered pair.
pub fn uniformity(setting: &Setting, count: usize) -> anyhow::Result<Prepared> {
    let values = if let Some(folder) = &setting.inputs {
        input::read_f32(&folder.join(format!("rows-{count}x{DIM}.f32")), count * DIM)?
    } else {
        let mut values = input::normal(count * DIM, 1);
        normalise_rows(&mut values, DIM);
        values
    };
    let run = move || {
        let rows = Rows::new(&values, DIM)?;
        Ok(measure_uniformity(rows, T, PairSet::All, &Progress::none())?.value)
    };
    Ok(Prepared {
        run: Box::new(run),
        items: (count * (count - 1) / 2) as u64,
        unit: "pairs",
    })
}
