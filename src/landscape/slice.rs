//! Surfaces over a plane of weight space, filled point by point.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Directions, Grid, LandscapeError, Plane, PlaneMark, SnapshotWeights};
use crate::{
    analysis::{PairRule, PairSetKind, Request, Subject},
    compute::Compute,
    features::{ProbeBatch, ProbeFeatures, ProbeRows},
    measure::{self, PairSet, Rows},
    models::{Model, ModelWeights},
    progress::Progress,
};

/// What becomes of batch-norm statistics away from the weights that they were measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchNormUse {
    /// The statistics of the origin, everywhere.
    #[default]
    Frozen,
    /// Measured anew at every point over all views of the probe batch.
    Reestimated,
}

impl BatchNormUse {
    /// Both, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Frozen, Self::Reestimated];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Reestimated => "re-estimated",
        }
    }

    /// What it means, for tooltips and settings.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Frozen => "batch norms keep the statistics of the origin",
            Self::Reestimated => {
                "batch norms take the statistics of the probe's views anew at every point, as a \
                 training step does"
            }
        }
    }
}

/// Which vectors uniformity is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UniformOver {
    /// Those of the two views, (L_uniform(x) + L_uniform(y)) / 2: the loss of a training batch.
    #[default]
    Views,
    /// Those of the un-augmented images: the number that the Figures view shows. Half as slow again.
    Images,
}

impl UniformOver {
    /// Both, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Views, Self::Images];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Images => "images",
        }
    }

    /// What it means, for tooltips and settings.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Views => "uniformity is (L_uniform(x) + L_uniform(y)) / 2 over the two views",
            Self::Images => "uniformity is over the un-augmented images, as in the Figures view",
        }
    }
}

/// A surface of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// w_a L_align + w_u L_uniform.
    #[default]
    Sum,
    /// L_align.
    Alignment,
    /// L_uniform.
    Uniformity,
    /// std·√d: 0 where the weights collapse.
    Spread,
}

impl Quantity {
    /// All, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Sum, Self::Alignment, Self::Uniformity, Self::Spread];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Alignment => "alignment",
            Self::Uniformity => "uniformity",
            Self::Spread => "std",
        }
    }
}

/// Everything that decides a slice, beside encoder and images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SliceSettings {
    /// How the two directions are chosen.
    pub directions: Directions,
    /// What becomes of batch-norm statistics.
    pub batch_norm: BatchNormUse,
    /// Which vectors uniformity is over.
    pub uniform_over: UniformOver,
    /// Points along each side: odd, 3 to 201.
    pub side: usize,
    /// The middle of what is looked at, in the plane's units.
    pub centre: [f64; 2],
    /// From the middle to the edge; the plane's own when `None`.
    pub half_width: Option<f64>,
    /// Images of the probe batch, a seeded sample when there are more.
    pub images: usize,
    /// Weight of alignment in the sum.
    pub align_weight: f64,
    /// Weight of uniformity in the sum.
    pub uniform_weight: f64,
}

impl Default for SliceSettings {
    fn default() -> Self {
        Self {
            directions: Directions::default(),
            batch_norm: BatchNormUse::default(),
            uniform_over: UniformOver::default(),
            side: 25,
            centre: [0.0; 2],
            half_width: None,
            images: 256,
            align_weight: 1.0,
            uniform_weight: 1.0,
        }
    }
}

impl SliceSettings {
    /// `request` over no more images than the probe batch has.
    pub fn limited(&self, request: &Request) -> Request {
        let most = request.limit.unwrap_or(usize::MAX).min(self.images);
        Request {
            limit: Some(most),
            ..request.clone()
        }
    }

    /// Refuses settings out of their range.
    ///
    /// # Errors
    /// [`LandscapeError::Setting`] naming the setting and what it may be.
    pub fn check(&self) -> Result<(), LandscapeError> {
        let refuse =
            |name, range, found: String| Err(LandscapeError::Setting { name, range, found });
        if !(3..=201).contains(&self.side) || self.side.is_multiple_of(2) {
            let range = "an odd number from 3 to 201";
            return refuse("the points a side", range, self.side.to_string());
        }
        if !(2..=100_000).contains(&self.images) {
            let range = "from 2 to 100,000";
            return refuse(
                "the images of the probe batch",
                range,
                self.images.to_string(),
            );
        }
        let weights = [self.align_weight, self.uniform_weight];
        if weights.iter().any(|weight| !weight.is_finite()) {
            return refuse(
                "a weight of the sum",
                "a finite number",
                format!("{weights:?}"),
            );
        }
        if self.centre.iter().any(|x| !x.is_finite()) {
            return refuse(
                "the centre",
                "two finite numbers",
                format!("{:?}", self.centre),
            );
        }
        if let Some(half) = self.half_width
            && !(half.is_finite() && half > 0.0)
        {
            return refuse(
                "the half width",
                "a finite number above 0",
                half.to_string(),
            );
        }
        Ok(())
    }
}

/// The numbers at one point; NaN where the features there are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SlicePoint {
    /// L_align.
    pub alignment: f64,
    /// L_uniform.
    pub uniformity: f64,
    /// std·√d of the vectors that uniformity is over.
    pub spread: f64,
}

/// The encoder and the probe batch that a slice is cut through and measured on.
pub struct SliceSubject {
    plane: Plane,
    probe: ProbeBatch,
    compute: Compute,
    alpha: f64,
    t: f64,
    pair_set: PairSetKind,
    batch_norm: BatchNormUse,
    stage: usize,
    /// What was measured on what, line by line.
    words: Vec<String>,
}

impl SliceSubject {
    /// Cuts the plane and makes the probe batch. `request` says how things are measured, `subject`
    /// holds the weights of the origin and the images, `snapshots` those of a run.
    ///
    /// # Errors
    /// See [`LandscapeError`].
    pub fn new(
        request: &Request,
        subject: Subject,
        settings: &SliceSettings,
        snapshots: &[SnapshotWeights],
        compute: &Compute,
        progress: &Progress,
    ) -> Result<Self, LandscapeError> {
        settings.check()?;
        if request.pairs == PairRule::SameClass {
            return Err(LandscapeError::Setting {
                name: "the pair rule",
                range: "augmented-views: a landscape's alignment is over two views of an image",
                found: request.pairs.to_string(),
            });
        }
        let Subject {
            weights,
            pairs,
            preprocess,
            images,
            choice,
        } = subject;
        let stage = pairs
            .stage
            .unwrap_or_else(|| weights.architecture().default_stage());
        let plane = Plane::new(weights, settings.directions, snapshots)?;
        let plain = (settings.uniform_over == UniformOver::Images).then_some(preprocess);
        let side = pairs.side;
        let probe = ProbeBatch::new(&images, pairs, plain, progress)?;
        let dense = if request.kind.is_dense() {
            format!(", matching {}", request.matching)
        } else {
            String::new()
        };
        let words = vec![
            format!(
                "{} features of stage {stage} of {}",
                request.kind,
                request.encoder.title()
            ),
            plane.words.clone(),
            settings.batch_norm.explanation().to_owned(),
            format!(
                "probe batch: {} of {} images from {} ({choice}), two views each ({} at {side} px, \
                 seed {})",
                probe.image_count(),
                images.len(),
                images.source(),
                probe.request().augment.name(),
                request.seed,
            ),
            format!(
                "L_align(α={}) over their pairs{dense}; {}, t = {}, {} pairs, none sampled; plain \
                 L2 normalisation",
                request.alpha,
                settings.uniform_over.explanation(),
                request.t,
                request.pair_set
            ),
            format!("computed on {}", compute.report().compute),
        ];
        Self::with_plane(
            plane,
            probe,
            request,
            settings.batch_norm,
            stage,
            words,
            compute,
        )
    }

    /// A subject of a plane and a probe batch that are there already.
    fn with_plane(
        plane: Plane,
        probe: ProbeBatch,
        request: &Request,
        batch_norm: BatchNormUse,
        stage: usize,
        words: Vec<String>,
        compute: &Compute,
    ) -> Result<Self, LandscapeError> {
        if batch_norm == BatchNormUse::Reestimated {
            if plane.origin().head_has_batch_norm() {
                return Err(LandscapeError::Directions(
                    "the projection head has batch normalisations, whose statistics cannot be \
                     re-estimated here: choose frozen statistics"
                        .to_owned(),
                ));
            }
            check_memory(&probe, plane.origin())?;
        }
        Ok(Self {
            plane,
            probe,
            compute: compute.clone(),
            alpha: request.alpha,
            t: request.t,
            pair_set: request.pair_set,
            batch_norm,
            stage,
            words,
        })
    }

    /// The plane.
    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// What was measured on what, line by line.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The network at a place of the plane, its statistics treated as the settings say.
    ///
    /// # Errors
    /// [`LandscapeError::Model`].
    pub fn model_at(&self, at: [f64; 2]) -> Result<Model, LandscapeError> {
        let mut weights = self.plane.at(at)?;
        if self.batch_norm == BatchNormUse::Reestimated && weights.has_batch_norm() {
            weights = weights.with_statistics_of(self.probe.views(&self.compute), self.stage)?;
        }
        Ok(weights.model(self.compute.device())?)
    }

    /// The numbers at a place of the plane, all from one pass over the probe batch.
    ///
    /// # Errors
    /// See [`LandscapeError`]; features that are not finite give NaN.
    pub fn measure_at(
        &self,
        at: [f64; 2],
        progress: &Progress,
    ) -> Result<SlicePoint, LandscapeError> {
        let model = self.model_at(at)?;
        let features = self.probe.embed(&model, &self.compute, progress)?;
        measured(&features, self.alpha, self.t, self.pair_set, progress)
    }
}

/// Measuring statistics anew holds the maps of all views at once.
fn check_memory(probe: &ProbeBatch, weights: &ModelWeights) -> Result<(), LandscapeError> {
    const LIMIT_BYTES: u64 = 2 << 30;
    let side = probe.request().side as usize;
    let largest = weights
        .architecture()
        .stages()
        .iter()
        .map(|stage| stage.channels * side.div_ceil(stage.stride).pow(2))
        .max()
        .unwrap_or(0);
    // A map, its rows, and the result beside each other, and a block's shortcut.
    let bytes = 2 * probe.image_count() as u64 * largest as u64 * 4 * 4;
    if bytes <= LIMIT_BYTES {
        return Ok(());
    }
    Err(LandscapeError::Directions(format!(
        "re-estimating batch norms over {} images needs about {} MiB, more than the limit of {} MiB: \
         use fewer images, or frozen statistics",
        probe.image_count(),
        bytes >> 20,
        LIMIT_BYTES >> 20
    )))
}

fn measured(
    features: &ProbeFeatures,
    alpha: f64,
    t: f64,
    pair_set: PairSetKind,
    progress: &Progress,
) -> Result<SlicePoint, LandscapeError> {
    let is_finite = |rows: &ProbeRows| rows.values.iter().all(|value| value.is_finite());
    let parts = match &features.plain {
        Some(plain) => vec![plain],
        None => vec![&features.first, &features.second],
    };
    let mut all = [&features.first, &features.second]
        .into_iter()
        .chain(&features.plain);
    if !all.all(is_finite) {
        return Ok(SlicePoint {
            alignment: f64::NAN,
            uniformity: f64::NAN,
            spread: f64::NAN,
        });
    }
    let count = parts.len() as f64;
    let (mut uniformity, mut spread) = (0.0, 0.0);
    for part in parts {
        let rows = Rows::new(&part.values, features.dim)?;
        let pairs = match pair_set {
            PairSetKind::All => PairSet::All,
            PairSetKind::BetweenImages => PairSet::BetweenImages(&part.images),
            PairSetKind::WithinImage => PairSet::WithinImage(&part.images),
        };
        uniformity += measure::uniformity(rows, t, pairs, progress)?.value / count;
        spread += measure::std_sqrt_d(rows)? / count;
    }
    Ok(SlicePoint {
        alignment: measure::alignment_of_distances(&features.pairs.distances, alpha)?,
        uniformity,
        spread,
    })
}

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
            grid,
        })
    }

    /// Whether every cell is measured.
    pub fn is_whole(&self) -> bool {
        self.done == self.cells.len()
    }

    /// One number of a point.
    pub fn value(&self, point: &SlicePoint, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Alignment => point.alignment,
            Quantity::Uniformity => point.uniformity,
            Quantity::Spread => point.spread,
            Quantity::Sum => {
                self.settings.align_weight * point.alignment
                    + self.settings.uniform_weight * point.uniformity
            }
        }
    }

    /// The formula of a surface.
    pub fn formula(&self, quantity: Quantity) -> String {
        match quantity {
            Quantity::Alignment => "L_align".into(),
            Quantity::Uniformity => "L_uniform".into(),
            Quantity::Spread => "std·√d".into(),
            Quantity::Sum => format!(
                "{} L_align + {} L_uniform",
                self.settings.align_weight, self.settings.uniform_weight
            ),
        }
    }

    /// A surface over the whole grid: cells that are not measured yet take the nearest that is.
    pub fn surface(&self, quantity: Quantity) -> Vec<f64> {
        self.grid
            .filled(|cell| self.cells[cell].map(|point| self.value(&point, quantity)))
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
        let order = self.grid.order();
        if self.origin.is_none() {
            self.origin = Some(subject.measure_at([0.0; 2], progress)?);
        }
        for (index, &(cell, level)) in order.iter().enumerate() {
            if self.cells[cell].is_some() {
                continue;
            }
            progress.check()?;
            let at = self.grid.at(cell);
            let known = self.origin.filter(|_| at == [0.0; 2]);
            self.cells[cell] = Some(match known {
                Some(origin) => origin,
                None => subject.measure_at(at, progress)?,
            });
            self.done += 1;
            if order.get(index + 1).is_none_or(|(_, next)| *next != level) {
                self.lattices = level + 1;
            }
            progress.report("filling the landscape", self.done as u64, total);
            show(self);
        }
        Ok(())
    }
}

/// A subject that several slices share.
pub type SharedSubject = Arc<SliceSubject>;

#[cfg(test)]
#[path = "slice_tests.rs"]
mod tests;
