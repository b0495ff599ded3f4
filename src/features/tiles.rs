//! Maps of images that are too large for one forward pass: tiles that overlap by the receptive
//! field, so that every location sees exactly the pixels that it would see in one pass.

use burn::tensor::{Tensor, TensorData};

use super::{
    FeatureError, FeatureKind,
    extract::{Plan, cells_as_rows, input_tensor, read_rows},
};
use crate::{
    compute::Compute,
    models::{ModelError, ReceptiveField, StageOutput},
    progress::Progress,
};

/// Memory of the largest map of one forward pass; some of them are held at once.
const PASS_LIMIT_BYTES: f64 = (128 << 20) as f64;

/// Vectors of one location each, and what an argmax rule may compare instead of them.
pub(super) struct Locations {
    pub grid: [usize; 2],
    pub dim: usize,
    /// Raw, `[rows · columns, dim]`.
    pub values: Vec<f32>,
    /// The other dense kind, where the model has it.
    pub other: Option<(usize, Vec<f32>)>,
    /// Forward passes that it took.
    pub passes: usize,
}

/// Part of one side: the locations that a tile is for, and the pixels that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// First location and the one after the last.
    cells: [usize; 2],
    /// First pixel and the one after the last.
    pixels: [usize; 2],
}

/// Cuts a side of `pixels` pixels and `cells` locations into spans of at most about `most` pixels.
///
/// A tile begins at a multiple of the stride, so that its locations are those of the whole image;
/// where it must, a tile is larger than `most`: never smaller than a receptive field.
fn spans(pixels: usize, cells: usize, field: ReceptiveField, most: usize) -> Vec<Span> {
    if pixels <= most || cells == 0 {
        return vec![Span {
            cells: [0, cells],
            pixels: [0, pixels],
        }];
    }
    let stride = field.stride;
    let room = most.saturating_sub(field.size() + stride) / stride;
    let step = room.max(1);
    (0..cells)
        .step_by(step)
        .map(|from| {
            let to = (from + step).min(cells);
            let start = ((from * stride) as i64 + field.first).max(0) as usize;
            // A padded map may reach beyond the image; a tile begins within it.
            let start = start.min(pixels - 1) / stride * stride;
            let end = ((to - 1) * stride) as i64 + field.last + 1;
            // The last tile keeps the image's end: padding belongs where the image ends.
            let end = if to == cells {
                pixels
            } else {
                (end.max(0) as usize).min(pixels)
            };
            Span {
                cells: [from, to],
                pixels: [start, end],
            }
        })
        .collect()
}

impl Plan<'_> {
    /// Whether one image of this size takes more than one pass.
    pub(super) fn needs_tiles(&self, [height, width]: [usize; 2]) -> bool {
        self.kind.is_dense() && height.max(width) > self.tile_side()
    }

    /// The locations of a batch of images, one image after the other, as a tensor with their grid.
    pub(super) fn tiled_rows(
        &self,
        pixels: &[f32],
        [images, channels, height, width]: [usize; 4],
        compute: &Compute,
        progress: &Progress,
    ) -> Result<(Tensor<2>, [usize; 2]), FeatureError> {
        let mut rows = Vec::new();
        let (mut grid, mut dim) = ([0; 2], 0);
        for image in pixels.chunks_exact(channels * height * width) {
            let locations = self.locations(image, [height, width], false, compute, progress)?;
            (grid, dim) = (locations.grid, locations.dim);
            rows.extend(locations.values);
        }
        let shape = [images * grid[0] * grid[1], dim];
        let rows = Tensor::from_data(TensorData::new(rows, shape), compute.device());
        Ok((rows, grid))
    }

    fn tile_side(&self) -> usize {
        let plan = self.model.encoder.blueprint();
        let bytes = plan.values_per_pixel(self.stage_index) * size_of::<f32>() as f64;
        (PASS_LIMIT_BYTES / bytes).sqrt() as usize
    }

    /// The locations of one image, `3 × height × width` normalised numbers, in as many passes as
    /// its size needs. `wants_other` asks for the other dense kind as well.
    pub(super) fn locations(
        &self,
        pixels: &[f32],
        size: [usize; 2],
        wants_other: bool,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Locations, FeatureError> {
        let side = self.tile_side();
        self.locations_by(side, pixels, size, wants_other, compute, progress)
    }

    /// [`locations`](Self::locations) in tiles of about `side` pixels.
    fn locations_by(
        &self,
        side: usize,
        pixels: &[f32],
        size: [usize; 2],
        wants_other: bool,
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Locations, FeatureError> {
        let plan = self.model.encoder.blueprint();
        let whole = [1, plan.channels, size[0], size[1]];
        plan.check_input(whole, self.stage_index)?;
        let field = plan.receptive_field(self.stage_index);
        let grid = plan.map_size(size, self.stage_index);
        let (Some(field), Some(grid)) = (field, grid) else {
            return Err(ModelError::Input("a stage without a map".to_owned()).into());
        };
        let rows = spans(size[0], grid[0], field, side);
        let columns = spans(size[1], grid[1], field, side);
        let total = (rows.len() * columns.len()) as u64;
        let mut joined = Joined::new(grid);
        for row in &rows {
            for column in &columns {
                progress.check()?;
                let tile = cut(pixels, plan.channels, size, row.pixels, column.pixels);
                let height = row.pixels[1] - row.pixels[0];
                let width = column.pixels[1] - column.pixels[0];
                let input = input_tensor(tile, [1, plan.channels, height, width], compute);
                let mut other = None;
                let (values, tile_grid) = self.forward(input, progress, |output| {
                    if wants_other {
                        other = self.other_kind(output)?;
                    }
                    Ok(())
                })?;
                let first = [
                    row.cells[0] - row.pixels[0] / field.stride,
                    column.cells[0] - column.pixels[0] / field.stride,
                ];
                let place = Place {
                    tile_grid,
                    first,
                    cells: [row.cells, column.cells],
                };
                joined.put(0, values, &place)?;
                if let Some(other) = other {
                    joined.put(1, other, &place)?;
                }
                joined.passes += 1;
                progress.report("forward pass in tiles", joined.passes as u64, Some(total));
            }
        }
        Ok(joined.finish())
    }

    /// The dense kind that the plan does not give, where the model has it at this stage.
    fn other_kind(&self, output: &StageOutput) -> Result<Option<Tensor<2>>, ModelError> {
        let StageOutput::Map(map) = output else {
            return Ok(None);
        };
        Ok(match (self.kind, &self.model.dense_head) {
            (FeatureKind::ProjectedDense, _) => Some(cells_as_rows(map.clone()).0),
            (_, Some(head)) if head.inputs() == self.stage.channels => {
                Some(cells_as_rows(head.forward(map.clone())?).0)
            }
            _ => None,
        })
    }
}

/// A part of planar pixels.
fn cut(
    pixels: &[f32],
    channels: usize,
    [height, width]: [usize; 2],
    rows: [usize; 2],
    columns: [usize; 2],
) -> Vec<f32> {
    let mut part = Vec::with_capacity(channels * (rows[1] - rows[0]) * (columns[1] - columns[0]));
    for channel in 0..channels {
        for row in rows[0]..rows[1] {
            let start = (channel * height + row) * width;
            part.extend_from_slice(&pixels[start + columns[0]..start + columns[1]]);
        }
    }
    part
}

/// Where the wanted locations of a tile lie in it and in the whole.
struct Place {
    tile_grid: [usize; 2],
    /// Row and column in the tile of the first wanted location.
    first: [usize; 2],
    /// Ranges of rows and of columns in the whole.
    cells: [[usize; 2]; 2],
}

/// Locations put together tile by tile: the plan's kind and the other.
struct Joined {
    grid: [usize; 2],
    parts: [Option<(usize, Vec<f32>)>; 2],
    passes: usize,
}

impl Joined {
    fn new(grid: [usize; 2]) -> Self {
        Self {
            grid,
            parts: [None, None],
            passes: 0,
        }
    }

    fn put(&mut self, part: usize, rows: Tensor<2>, place: &Place) -> Result<(), FeatureError> {
        let dim = rows.dims()[1];
        let values = read_rows(rows)?;
        let grid = self.grid;
        let (_, whole) =
            self.parts[part].get_or_insert_with(|| (dim, vec![0.0; grid[0] * grid[1] * dim]));
        let [rows, columns] = place.cells;
        let width = (columns[1] - columns[0]) * dim;
        for row in rows[0]..rows[1] {
            let from = (place.first[0] + row - rows[0]) * place.tile_grid[1] + place.first[1];
            let to = (row * grid[1] + columns[0]) * dim;
            whole[to..to + width].copy_from_slice(&values[from * dim..from * dim + width]);
        }
        Ok(())
    }

    fn finish(self) -> Locations {
        let [own, other] = self.parts;
        let (dim, values) = own.unwrap_or_default();
        Locations {
            grid: self.grid,
            dim,
            values,
            other,
            passes: self.passes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkpoint::untrained,
        compute::DevicePolicy,
        models::{Architecture, Shortcut, Stem},
    };

    #[test]
    fn tiles_give_what_one_pass_gives() {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let architectures = [
            Architecture::TinyConvNet { width: 4 },
            Architecture::CifarResNet {
                depth: 8,
                shortcut: Shortcut::A,
            },
            Architecture::ResNet {
                depth: 18,
                stem: Stem::CifarPadded,
                width: 2,
            },
            Architecture::SmallAlexNet {
                channels_in: 3,
                feat_dim: 2,
                input_side: 64,
            },
        ];
        for architecture in architectures {
            let loaded = untrained(&architecture, 3, compute.device()).unwrap();
            let stages = architecture.blueprint().unwrap().map_stages();
            // The last stage's field is larger than these images for the deep ones: an earlier one.
            for (stage, size) in [(0, [61, 83]), (stages / 2, [97, 70])] {
                let plan = Plan::new(&loaded.model, FeatureKind::Dense, Some(stage)).unwrap();
                let pixels: Vec<f32> = (0..3 * size[0] * size[1])
                    .map(|i| (i as f32 * 0.37).sin() + (i as f32 * 0.011).cos())
                    .collect();
                let none = Progress::none();
                let by = |side: usize| {
                    plan.locations_by(side, &pixels, size, false, &compute, &none)
                        .unwrap()
                };
                let (whole, tiled) = (by(1000), by(40));
                assert_eq!(whole.passes, 1);
                assert!(tiled.passes > 1, "{architecture} stage {stage}");
                assert_eq!(whole.grid, tiled.grid);
                let largest = whole.values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                for (a, b) in whole.values.iter().zip(&tiled.values) {
                    // Sums of some thousand products in another order.
                    assert!(
                        (a - b).abs() <= 1e-5 * largest,
                        "{architecture} stage {stage}: {a} {b}"
                    );
                }
            }
        }
    }

    #[test]
    fn spans_cover_every_location_once() {
        let field = ReceptiveField {
            stride: 4,
            first: -9,
            last: 9,
        };
        for (pixels, cells) in [(203, 51), (64, 16), (40, 10)] {
            let spans = spans(pixels, cells, field, 40);
            assert_eq!(spans[0].cells[0], 0);
            assert_eq!(spans.last().unwrap().cells[1], cells);
            assert!(
                spans
                    .windows(2)
                    .all(|pair| pair[0].cells[1] == pair[1].cells[0])
            );
            for span in &spans {
                assert!(span.pixels[0].is_multiple_of(4) && span.pixels[1] <= pixels);
                let first = ((span.cells[0] * 4) as i64 - 9).max(0) as usize;
                let last = ((span.cells[1] - 1) * 4 + 9).min(pixels - 1);
                assert!(span.pixels[0] <= first && last < span.pixels[1]);
            }
        }
    }
}
