//! Surfaces over a plane of weight space, filled point by point.

use rayon::prelude::*;

use super::{Grid, LandscapeError, PlaneMark, Quantity, SlicePoint, SliceSettings, SliceSubject};
use crate::progress::Progress;

/// What the words say of a loss that features do not tell.
pub(super) const NOT_DRAWN: &str = "is not drawn:";

/// The surfaces, as far as they are filled.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Settings.
    pub settings: SliceSettings,
    /// Where the points lie.
    pub grid: Grid,
    /// The numbers of each cell; `None` until it is measured.
    pub cells: Vec<Option<SlicePoint>>,
    /// Cells that are measured.
    pub done: usize,
    /// Cells of the finest lattice that is whole, counted in points a side; 0 before the first.
    pub lattices: usize,
    /// Snapshots on the plane.
    pub marks: Vec<PlaneMark>,
    /// What one unit of each axis is.
    pub axis_names: [String; 2],
    /// What was measured on what, line by line.
    pub words: Vec<String>,
    /// The numbers of the weights at the plane's origin.
    pub origin: Option<SlicePoint>,
    /// What the encoder at the origin is called.
    pub origin_name: String,
    /// The surfaces that are measured.
    pub quantities: Vec<Quantity>,
    /// α of alignment and t of uniformity.
    pub temperatures: [f64; 2],
}

impl Slice {
    /// An empty slice of a subject's plane.
    ///
    /// # Errors
    /// [`LandscapeError::Setting`].
    pub fn new(subject: &SliceSubject, settings: &SliceSettings) -> Result<Self, LandscapeError> {
        settings.check()?;
        let plane = subject.plane();
        let grid = Grid {
            side: settings.side,
            centre: settings.centre,
            half_width: settings.half_width.unwrap_or(plane.half_width),
        };
        Ok(Self {
            cells: vec![None; grid.len()],
            done: 0,
            lattices: 0,
            marks: plane.marks.clone(),
            axis_names: plane.axis_names.clone(),
            words: subject.words().to_vec(),
            settings: settings.clone(),
            origin: None,
            origin_name: subject.origin_name().to_owned(),
            quantities: subject.quantities(),
            temperatures: subject.temperatures(),
            grid,
        })
    }

    /// Puts further snapshots among those on the plane, by their steps.
    pub fn add_marks(&mut self, marks: &[PlaneMark]) {
        for mark in marks {
            let place = self
                .marks
                .binary_search_by_key(&mark.step, |other| other.step);
            if let Err(place) = place {
                self.marks.insert(place, *mark);
            }
        }
    }

    /// Whether every cell is measured.
    pub fn is_whole(&self) -> bool {
        self.done == self.cells.len()
    }

    /// Why the run's loss has no surface, where it is known to be missing.
    pub fn why_no_objective(&self) -> Option<&str> {
        let mut words = self.words.iter().map(String::as_str);
        words.find(|words| words.contains(NOT_DRAWN))
    }

    /// One number of a point.
    pub fn value(&self, point: &SlicePoint, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Alignment => point.alignment,
            Quantity::Uniformity => point.uniformity,
            Quantity::Spread => point.spread,
            Quantity::Objective => point.objective.unwrap_or(f64::NAN),
            Quantity::Knn => point.knn.unwrap_or(f64::NAN),
            Quantity::Sum => {
                self.settings.align_weight * point.alignment
                    + self.settings.uniform_weight * point.uniformity
            }
        }
    }

    /// Points at which the features are not finite, so that nothing can be measured.
    pub fn not_finite(&self) -> usize {
        let points = self.cells.iter().flatten();
        points.filter(|point| !point.uniformity.is_finite()).count()
    }

    /// That some points could not be measured, in words.
    pub fn not_finite_words(&self) -> Option<String> {
        let count = self.not_finite();
        (count > 0).then(|| {
            format!(
                "at {count} of {} points the features are not finite: nothing is measured or drawn \
                 there",
                self.done
            )
        })
    }

    /// The formula of a surface.
    pub fn formula(&self, quantity: Quantity) -> String {
        match quantity {
            Quantity::Alignment => "L_align".into(),
            Quantity::Uniformity => "L_uniform".into(),
            Quantity::Spread => "std·√d".into(),
            Quantity::Objective => "the run's loss".into(),
            Quantity::Knn => "k-NN accuracy".into(),
            Quantity::Sum => format!(
                "{} L_align + {} L_uniform",
                self.settings.align_weight, self.settings.uniform_weight
            ),
        }
    }

    /// A surface over the whole grid: cells that are not measured yet lie between those that are.
    pub fn surface(&self, quantity: Quantity) -> Vec<f64> {
        self.grid
            .interpolated(|cell| self.cells[cell].map(|point| self.value(&point, quantity)))
    }

    /// Measures the cells that are missing, coarse lattices first, and hands the slice to `show`
    /// after every one.
    ///
    /// # Errors
    /// See [`LandscapeError`]; what was measured before stays in the slice.
    pub fn fill(
        &mut self,
        subject: &SliceSubject,
        progress: &Progress,
        mut show: impl FnMut(&Self),
    ) -> Result<(), LandscapeError> {
        let total = Some(self.cells.len() as u64);
        progress.report("measuring points", self.done as u64, total);
        // A point's own steps would hide those of the whole.
        let silent = progress.silent();
        let order = self.grid.order();
        if self.origin.is_none() {
            self.origin = Some(subject.measure_at([0.0; 2], &silent)?);
        }
        let origin = self.origin;
        let missing: Vec<usize> = (0..order.len())
            .filter(|index| self.cells[order[*index].0].is_none())
            .collect();
        for some in missing.chunks(subject.points_at_once()) {
            progress.check()?;
            // Points are apart from each other: what one thread alone does for one of them then goes
            // on beside the layers of another.
            let measured: Vec<Result<SlicePoint, LandscapeError>> = some
                .par_iter()
                .map(|index| {
                    let at = self.grid.at(order[*index].0);
                    match origin.filter(|_| at == [0.0; 2]) {
                        Some(origin) => Ok(origin),
                        None => subject.measure_at(at, &silent),
                    }
                })
                .collect();
            // What is measured stays, whatever became of the others and whoever asked to stop.
            let mut failed = None;
            for (&index, point) in some.iter().zip(measured) {
                let (cell, level) = order[index];
                match point {
                    Ok(point) => self.cells[cell] = Some(point),
                    Err(error) => {
                        failed.get_or_insert(error);
                        continue;
                    }
                }
                self.done += 1;
                if order.get(index + 1).is_none_or(|(_, next)| *next != level) {
                    self.lattices = level + 1;
                }
                progress.report("measuring points", self.done as u64, total);
                show(self);
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "slice_tests.rs"]
mod tests;
