//! Uniformity over all pairs, and one row against all.

use super::{Prepared, Setting, input};
use crate::{
    dense::{nearest, similarities},
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

/// Numbers of a row that is looked at, and neighbours that are found.
const WIDE: usize = 512;
const NEAREST: usize = 12;

/// One of `count` unit vectors of 512 numbers against all of them: what a click in the dense
/// inspector waits for.
pub fn similarity(setting: &Setting, count: usize) -> anyhow::Result<Prepared> {
    let values = if let Some(folder) = &setting.inputs {
        let file = folder.join(format!("rows-{count}x{WIDE}.f32"));
        input::read_f32(&file, count * WIDE)?
    } else {
        let mut values = input::normal(count * WIDE, 1);
        normalise_rows(&mut values, WIDE);
        values
    };
    let run = move || {
        let query = &values[..WIDE];
        let map = similarities(query, &values, WIDE);
        let none = Progress::none();
        let near = nearest(query, &values, WIDE, NEAREST, |row| row > 0, &none)?;
        anyhow::ensure!(near.len() == NEAREST, "too few rows");
        Ok(input::mean_square(&map))
    };
    Ok(Prepared {
        run: Box::new(run),
        items: count as u64,
        unit: "rows",
    })
}
