//! What a run writes down as it goes: one series a quantity, one point a step.

use std::sync::Arc;

use super::{StepReport, thinned::Thinned};
use crate::{analysis::Analysis, data::Table};

/// What the name of a curve begins with that holds the weight of a term of the loss.
pub const WEIGHT_OF: &str = "weight of ";

/// One quantity over the steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Field term: "alignment", "total", "learning rate". Numbers of the probe begin with "probe ",
    /// weights with [`WEIGHT_OF`].
    pub name: String,
    /// `[step, value]`, steps rising.
    pub points: Vec<[f64; 2]>,
}

/// All quantities of a run, in the order in which they first came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    curves: Vec<Arc<Curve>>,
}

/// [`Curves`] that grow, with what a screen can show of them kept beside.
///
/// A screen is told of them many times a second: what it is given is small however long the run.
#[derive(Default)]
pub(super) struct GrowingCurves {
    exact: Curves,
    thinned: Vec<Thinned>,
}

impl GrowingCurves {
    /// Curves that were written down before.
    pub fn of(exact: Curves) -> Self {
        let thinned = exact.iter().map(|curve| Thinned::of(&curve.points));
        Self {
            thinned: thinned.collect(),
            exact,
        }
    }

    /// Every point.
    pub fn exact(&self) -> &Curves {
        &self.exact
    }

    /// At most about two thousand points a curve: all of a short one, of a longer one the least and
    /// the greatest value of each stretch of steps, and always the newest.
    pub fn shown(&self) -> Curves {
        let curves = self.exact.curves.iter().zip(&self.thinned);
        Curves {
            curves: curves
                .map(|(curve, thinned)| {
                    Arc::new(Curve {
                        name: curve.name.clone(),
                        points: thinned.points(),
                    })
                })
                .collect(),
        }
    }

    /// Does something to the curves, which only adds points at their ends.
    pub fn extend(&mut self, change: impl FnOnce(&mut Curves)) {
        let ends: Vec<(usize, Option<[f64; 2]>)> = (self.exact.curves.iter())
            .map(|curve| (curve.points.len(), curve.points.last().copied()))
            .collect();
        change(&mut self.exact);
        for (index, curve) in self.exact.curves.iter().enumerate() {
            let (len, end) = ends.get(index).copied().unwrap_or_default();
            let has_only_grown = len <= curve.points.len()
                && len.checked_sub(1).map(|last| curve.points[last]) == end;
            match self.thinned.get_mut(index) {
                Some(thinned) if has_only_grown => {
                    for &point in &curve.points[len..] {
                        thinned.push(point);
                    }
                }
                // A point that was said anew.
                Some(thinned) => *thinned = Thinned::of(&curve.points),
                None => self.thinned.push(Thinned::of(&curve.points)),
            }
        }
    }

    /// Forgets everything after `step`.
    pub fn truncate(&mut self, step: usize) {
        let mut exact = std::mem::take(&mut self.exact);
        exact.truncate(step);
        *self = Self::of(exact);
    }
}

impl Curves {
    /// The curves.
    pub fn iter(&self) -> impl Iterator<Item = &Curve> {
        self.curves.iter().map(AsRef::as_ref)
    }

    /// The curve of a name.
    pub fn get(&self, name: &str) -> Option<&Curve> {
        self.iter().find(|curve| curve.name == name)
    }

    /// The newest value of a curve.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.points.last().map(|&[_, value]| value)
    }

    /// Whether nothing was written down yet.
    pub fn is_empty(&self) -> bool {
        self.curves.is_empty()
    }

    /// Writes a step's numbers down.
    pub fn note(&mut self, report: &StepReport) {
        for (name, value) in &report.values {
            self.push(name, report.step, *value);
        }
    }

    /// Writes the numbers of a probe at `step` down, as "probe alignment" and so on.
    pub fn note_probe(&mut self, step: usize, analysis: &Analysis) {
        for figure in analysis.numbers.all() {
            if let Some(value) = figure.value {
                self.push(&format!("probe {}", figure.name), step, value);
            }
        }
    }

    /// Writes a value down.
    pub(super) fn push(&mut self, name: &str, step: usize, value: f64) {
        let point = [step as f64, value];
        match self.curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => {
                let points = &mut Arc::make_mut(curve).points;
                // Steps rise: what was written down at this one, or beyond, is said anew.
                while points.last().is_some_and(|&[at, _]| at >= point[0]) {
                    points.pop();
                }
                points.push(point);
            }
            None => self.curves.push(Arc::new(Curve {
                name: name.to_owned(),
                points: vec![point],
            })),
        }
    }

    /// Forgets everything after `step`.
    pub(super) fn truncate(&mut self, step: usize) {
        for curve in &mut self.curves {
            if curve.points.last().is_some_and(|&[at, _]| at > step as f64) {
                Arc::make_mut(curve)
                    .points
                    .retain(|&[at, _]| at <= step as f64);
            }
        }
        self.curves.retain(|curve| !curve.points.is_empty());
    }

    /// One row a step, one column a curve; empty where a curve has no point there.
    pub fn table(&self) -> Table {
        let names = self.iter().map(|curve| curve.name.clone());
        let mut table = Table::new(std::iter::once("step".to_owned()).chain(names));
        let mut steps: Vec<f64> = self
            .iter()
            .flat_map(|curve| curve.points.iter().map(|point| point[0]))
            .collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        let mut next = vec![0; self.curves.len()];
        for step in steps {
            let mut row = vec![step.to_string()];
            for (curve, next) in self.iter().zip(&mut next) {
                row.push(match curve.points.get(*next) {
                    Some(&[at, value]) if at == step => {
                        *next += 1;
                        value.to_string()
                    }
                    _ => String::new(),
                });
            }
            table.push(row);
        }
        table
    }

    /// The [`table`](Self::table) as a comma-separated file has it.
    pub fn to_csv(&self) -> String {
        self.table().to_string()
    }

    /// Reads back what [`to_csv`](Self::to_csv) wrote; `None` for anything else.
    pub(super) fn from_csv(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next()?.split(',').collect();
        let mut curves = Self::default();
        for line in lines {
            let mut cells = line.split(',');
            let step: usize = cells.next()?.parse().ok()?;
            for (name, cell) in names.get(1..)?.iter().zip(cells) {
                if !cell.is_empty() {
                    curves.push(name, step, cell.parse().ok()?);
                }
            }
        }
        Some(curves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_survive_a_table_and_a_cut() {
        let mut curves = Curves::default();
        for step in 0..5 {
            curves.push("total", step, 0.1 * step as f64);
        }
        curves.push("probe alignment", 4, 1.0 / 3.0);
        let table = curves.to_csv();
        assert_eq!(table.lines().next(), Some("step,total,probe alignment"));
        assert_eq!(Curves::from_csv(&table).as_ref(), Some(&curves));
        let shared = curves.clone();
        curves.truncate(2);
        assert_eq!(curves.last("total"), Some(0.2));
        assert_eq!(curves.get("probe alignment"), None);
        assert_eq!(shared.get("total").map(|curve| curve.points.len()), Some(5));
        assert_eq!(Curves::from_csv("step,a\n1,x\n"), None);
        // What grows shows the same, whatever was said anew or cut.
        let mut growing = GrowingCurves::default();
        for step in 0..3000 {
            growing.extend(|curves| {
                curves.push("total", step, (step as f64).sin());
                if step.is_multiple_of(10) {
                    curves.push("probe alignment", step, step as f64);
                    curves.push("probe alignment", step, -1.0);
                }
            });
        }
        growing.truncate(2500);
        growing.extend(|curves| curves.push("other", 2501, 0.5));
        let shown = growing.shown();
        for (shown, exact) in shown.iter().zip(growing.exact().iter()) {
            assert_eq!(shown.points, Thinned::of(&exact.points).points());
            assert_eq!(shown.points.last(), exact.points.last());
        }
        assert_eq!(shown.iter().count(), 3);
        let total = shown.get("total").map(|curve| curve.points.len());
        assert!(total.is_some_and(|count| count < 2002), "{total:?}");
        // A run that is gone on with says its last step's probe again; nothing after it is lost.
        curves.push("probe alignment", 2, 0.5);
        curves.push("probe alignment", 2, 0.25);
        curves.push("probe alignment", 4, 0.125);
        assert_eq!(Curves::from_csv(&curves.to_csv()).as_ref(), Some(&curves));
        let probe = curves.get("probe alignment").map(|curve| &curve.points[..]);
        assert_eq!(probe, Some(&[[2.0, 0.25], [4.0, 0.125]][..]));
    }
}
