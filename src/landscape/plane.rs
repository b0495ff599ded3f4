//! Planes through weight space: where they lie and how their two directions are chosen.

use serde::{Deserialize, Serialize};

use super::{
    LandscapeError,
    directions::{
        alike, at_step, cosine, difference, dot, filter_normalised, foot, marks, norm, principal,
        random, reach, spread,
    },
};
use crate::models::ModelWeights;

/// One list of numbers a tensor; an empty list moves the tensor nowhere.
pub type Direction = Vec<Vec<f32>>;

/// How the two directions of a plane are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directions {
    /// Two random directions, filter-normalised (Li et al. 2018).
    Random {
        /// Seed of both.
        seed: u64,
    },
    /// The two principal directions of a run's kept snapshots.
    Trajectory,
    /// The plane through three snapshots, by their steps.
    Snapshots([usize; 3]),
    /// The line through two snapshots, by their steps, and a random direction across it.
    Line([usize; 2]),
}

impl Directions {
    /// Kept snapshots of a run without which there is no such plane.
    pub fn snapshots_needed(self) -> usize {
        match self {
            Self::Random { .. } => 0,
            Self::Line(_) => 2,
            Self::Trajectory | Self::Snapshots(_) => 3,
        }
    }
}

impl Default for Directions {
    fn default() -> Self {
        Self::Random { seed: 0 }
    }
}

/// Weights of a run at a step.
#[derive(Clone, Debug)]
pub struct SnapshotWeights {
    /// Steps done.
    pub step: usize,
    /// The weights.
    pub weights: ModelWeights,
}

/// Where a snapshot lies on a plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlaneMark {
    /// Steps done.
    pub step: usize,
    /// Its place: the foot of the perpendicular on the plane.
    pub at: [f64; 2],
    /// Share of its distance from the origin that leads out of the plane, 0 to 1.
    pub off_plane: f64,
}

/// A plane θ(x, y) = θ₀ + x·a + y·b through weight space.
#[derive(Clone, Debug)]
pub struct Plane {
    origin: ModelWeights,
    axes: [Direction; 2],
    /// The plane is looked at from −this to this along both axes, unless asked otherwise.
    pub half_width: f64,
    /// Snapshots on it or near it.
    pub marks: Vec<PlaneMark>,
    /// What one unit of each axis is.
    pub axis_names: [String; 2],
    /// How the directions came about.
    pub words: String,
}

impl Plane {
    /// The plane of `directions` through `origin`. `snapshots` are a run's, oldest first, for the
    /// directions that ask for them.
    ///
    /// # Errors
    /// [`LandscapeError::Directions`] when there are too few snapshots, or they do not span it.
    pub fn new(
        origin: ModelWeights,
        directions: Directions,
        snapshots: &[SnapshotWeights],
    ) -> Result<Self, LandscapeError> {
        match directions {
            Directions::Random { seed } => Ok(Self::random(origin, seed)),
            Directions::Trajectory => Self::trajectory(snapshots),
            Directions::Snapshots(steps) => Self::through(snapshots, steps),
            Directions::Line(steps) => Self::line(snapshots, steps),
        }
    }

    /// A plane with directions of one's own, as they are.
    ///
    /// # Errors
    /// [`LandscapeError::Directions`] when they do not fit the weights.
    pub fn with_axes(
        origin: ModelWeights,
        axes: [Direction; 2],
        words: &str,
    ) -> Result<Self, LandscapeError> {
        let is_fit = axes.iter().all(|axis| {
            axis.len() == origin.tensors().len()
                && axis
                    .iter()
                    .zip(origin.tensors())
                    .all(|(d, t)| d.is_empty() || d.len() == t.values.len())
        });
        if !is_fit {
            let why = "the directions are those of another network".to_owned();
            return Err(LandscapeError::Directions(why));
        }
        Ok(Self {
            origin,
            axes,
            half_width: 1.0,
            marks: Vec::new(),
            axis_names: ["first direction".into(), "second direction".into()],
            words: words.to_owned(),
        })
    }

    fn random(origin: ModelWeights, seed: u64) -> Self {
        let axes = [0, 1].map(|axis| filter_normalised(&origin, random(&origin, seed, axis)));
        let cosine = cosine(&axes[0], &axes[1]);
        Self {
            half_width: 1.0,
            marks: Vec::new(),
            axis_names: ["first direction", "second direction"]
                .map(|name| format!("{name}, filter norms")),
            words: format!(
                "two random directions, seed {seed}, filter-normalised (Li et al. 2018): every \
                 filter of a direction has the norm of the weights' own; biases and \
                 batch-norm parameters stay; cosine between them {cosine:+.3}"
            ),
            origin,
            axes,
        }
    }

    /// PCA of θᵢ − θₙ over the trained tensors, centred, through the newest weights.
    fn trajectory(snapshots: &[SnapshotWeights]) -> Result<Self, LandscapeError> {
        let last = alike(snapshots, Directions::Trajectory.snapshots_needed())?;
        let moves: Vec<Vec<f64>> = snapshots
            .iter()
            .map(|snapshot| difference(&snapshot.weights, &last.weights))
            .collect();
        let count = moves.len() as f64;
        let mut mean = vec![0.0; moves[0].len()];
        for row in &moves {
            for (mean, x) in mean.iter_mut().zip(row) {
                *mean += x / count;
            }
        }
        let centred: Vec<Vec<f64>> = moves
            .iter()
            .map(|row| row.iter().zip(&mean).map(|(x, m)| x - m).collect())
            .collect();
        let (shares, vectors) = principal(&centred)?;
        if shares[1].is_nan() || shares[1] <= 1e-9 {
            return Err(LandscapeError::Directions(
                "the run's snapshots lie on one line or on one point: keep more of them, or train on"
                    .to_owned(),
            ));
        }
        let axes = vectors.map(|mut axis| {
            // The beginning lies on the positive side: the sign of an eigenvector is arbitrary.
            if dot(&axis, &moves[0]) < 0.0 {
                for x in &mut axis {
                    *x = -*x;
                }
            }
            axis
        });
        let marks = marks(snapshots, &moves, &axes, [1.0; 2]);
        let [first, second] = shares.map(|share| 100.0 * share);
        Ok(Self {
            half_width: 1.15 * reach(&marks),
            marks,
            axis_names: [
                format!("first component ({first:.1} %), weight units"),
                format!("second component ({second:.1} %), weight units"),
            ],
            words: format!(
                "PCA of {} snapshots of the run (steps {} to {}): of θ_i − θ_n, centred, over weights, \
                 biases, scales and shifts; {:.1} % of the variance lies in the plane; the statistics \
                 of batch norms are those of step {}",
                snapshots.len(),
                snapshots[0].step,
                last.step,
                first + second,
                last.step,
            ),
            axes: axes.map(|axis| spread(&last.weights, &axis)),
            origin: last.weights.clone(),
        })
    }

    fn through(snapshots: &[SnapshotWeights], steps: [usize; 3]) -> Result<Self, LandscapeError> {
        alike(snapshots, Directions::Snapshots(steps).snapshots_needed())?;
        let [a, b, c] = steps.map(|step| at_step(snapshots, step));
        let (a, b, c) = (a?, b?, c?);
        let first = difference(&b.weights, &a.weights);
        let mut second = difference(&c.weights, &a.weights);
        let (length, other) = (norm(&first), norm(&second));
        let along = dot(&first, &second) / dot(&first, &first).max(f64::MIN_POSITIVE);
        for (x, f) in second.iter_mut().zip(&first) {
            *x -= along * f;
        }
        let height = norm(&second);
        let spans_a_plane = length > 0.0 && height > 1e-6 * other.max(length);
        if !spans_a_plane {
            return Err(LandscapeError::Directions(format!(
                "the weights of steps {steps:?} lie on one line: choose three others"
            )));
        }
        for x in &mut second {
            *x *= length / height;
        }
        let moves: Vec<Vec<f64>> = snapshots
            .iter()
            .map(|snapshot| difference(&snapshot.weights, &a.weights))
            .collect();
        let unit = [&first, &second].map(|axis| axis.iter().map(|x| x / length).collect());
        let marks = marks(snapshots, &moves, &unit, [length; 2]);
        let chosen: Vec<PlaneMark> = marks
            .iter()
            .copied()
            .filter(|mark| steps.contains(&mark.step))
            .collect();
        Ok(Self {
            half_width: 1.2 * reach(&chosen),
            marks,
            axis_names: [
                format!("towards step {}, its distance", b.step),
                "across, the same distance".to_owned(),
            ],
            words: format!(
                "the plane through steps {}, {} and {}: the first axis leads from {} to {}, the second \
                 is what of step {} is perpendicular to it; the statistics of batch norms are those of \
                 step {}",
                a.step, b.step, c.step, a.step, b.step, c.step, a.step
            ),
            axes: [first, second].map(|axis| spread(&a.weights, &axis)),
            origin: a.weights.clone(),
        })
    }

    fn line(snapshots: &[SnapshotWeights], steps: [usize; 2]) -> Result<Self, LandscapeError> {
        alike(snapshots, Directions::Line(steps).snapshots_needed())?;
        let [a, b] = steps.map(|step| at_step(snapshots, step));
        let (a, b) = (a?, b?);
        let first = difference(&b.weights, &a.weights);
        let length = norm(&first);
        if length == 0.0 {
            return Err(LandscapeError::Directions(format!(
                "the weights of steps {steps:?} are equal: choose two others"
            )));
        }
        let across = filter_normalised(&a.weights, random(&a.weights, 0, 1));
        let mark = |snapshot: &SnapshotWeights| {
            let moved = difference(&snapshot.weights, &a.weights);
            let along = dot(&moved, &first) / (length * length);
            let whole = norm(&moved);
            let rest = (whole * whole - (along * length).powi(2)).max(0.0).sqrt();
            PlaneMark {
                step: snapshot.step,
                at: [along, 0.0],
                off_plane: if whole > 0.0 { rest / whole } else { 0.0 },
            }
        };
        Ok(Self {
            half_width: 1.25,
            marks: snapshots.iter().map(mark).collect(),
            axis_names: [
                format!("from step {} (0) to step {} (1)", a.step, b.step),
                "random direction, filter norms".to_owned(),
            ],
            words: format!(
                "the line from step {} to step {} and across it a random direction, seed 0, \
                 filter-normalised (Li et al. 2018); the statistics of batch norms are those of step {}",
                a.step, b.step, a.step
            ),
            axes: [spread(&a.weights, &first), across],
            origin: a.weights.clone(),
        })
    }

    /// Where a snapshot lies that the plane was not laid through.
    ///
    /// # Errors
    /// [`LandscapeError::Directions`] when it is of another network.
    pub fn mark(&self, snapshot: &SnapshotWeights) -> Result<PlaneMark, LandscapeError> {
        if !snapshot.weights.is_like(&self.origin) {
            let why = "the snapshot is of another network than the plane".to_owned();
            return Err(LandscapeError::Directions(why));
        }
        let (at, off_plane) = foot(&self.origin, &self.axes, &snapshot.weights);
        Ok(PlaneMark {
            step: snapshot.step,
            at,
            off_plane,
        })
    }

    /// The weights at the origin.
    pub fn origin(&self) -> &ModelWeights {
        &self.origin
    }

    /// The two directions, one list a tensor.
    pub fn axes(&self) -> &[Direction; 2] {
        &self.axes
    }

    /// The weights at a place; at the origin they are the origin's bit for bit.
    ///
    /// # Errors
    /// [`LandscapeError::Model`] never, as the axes were checked.
    pub fn at(&self, [x, y]: [f64; 2]) -> Result<ModelWeights, LandscapeError> {
        let [a, b] = &self.axes;
        let tensors = self.origin.tensors().iter().zip(a.iter().zip(b));
        let moved = tensors.map(|(tensor, (a, b))| {
            let part = |axis: &[f32], i: usize| f64::from(axis.get(i).copied().unwrap_or(0.0));
            let value =
                |(i, w): (usize, &f32)| (f64::from(*w) + x * part(a, i) + y * part(b, i)) as f32;
            tensor.values.iter().enumerate().map(value).collect()
        });
        Ok(self.origin.with_values(moved.collect())?)
    }
}

#[cfg(test)]
#[path = "plane_tests.rs"]
mod tests;
