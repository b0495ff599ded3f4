//! The encoder and the probe batch that a slice is cut through: the numbers at any place of a plane.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::{
    BatchNormUse, LandscapeError, Plane, Quantity, SliceSettings, SnapshotWeights, UniformOver,
    slice::NOT_DRAWN, votes::Votes,
};
use crate::{
    analysis::{EncoderSource, PairRule, PairSetKind, Request, Subject},
    compute::Compute,
    data::ImageSet,
    features::{ProbeBatch, ProbeFeatures},
    measure::{self, PairSet, Rows},
    models::{Model, ModelWeights},
    progress::Progress,
    training::{FeatureFacts, RunLoss},
};

/// The numbers at one point; NaN where the features there are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SlicePoint {
    /// L_align.
    pub alignment: f64,
    /// L_uniform.
    pub uniformity: f64,
    /// std·√d of the vectors that uniformity is over.
    pub spread: f64,
    /// The run's own loss, where features tell it.
    pub objective: Option<f64>,
    /// Share of held-out images whose class wins the vote, where it is measured.
    pub knn: Option<f64>,
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
    loss: Option<RunLoss>,
    votes: Option<Votes>,
    /// Numbers in a vector, known from the first measurement on.
    dim: OnceLock<usize>,
    /// The encoder at the origin, and what it is called beside its own picture.
    title: String,
    origin_name: String,
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
        let votes = settings
            .has_knn
            .then(|| votes(request, &images, &probe))
            .transpose()?;
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
        let mut subject = Self::with_plane(
            plane,
            probe,
            request,
            settings.batch_norm,
            stage,
            words,
            compute,
        )?;
        if let Some(votes) = &votes {
            let of_images = subject.probe.has_plain();
            let which = if of_images {
                "the images"
            } else {
                "the first views"
            };
            subject.words.push(votes.words(which));
        }
        subject.votes = votes;
        Ok(subject)
    }

    /// Measures a run's loss too, where features tell it; where they do not, the words say why.
    #[must_use]
    pub fn with_loss(mut self, loss: Option<RunLoss>) -> Self {
        let Some(loss) = loss else { return self };
        let request = self.probe.request();
        let facts = FeatureFacts {
            kind: request.kind,
            matching: request.matching,
            has_heads: self.plane.origin().has_heads(),
            images: self.probe.image_count(),
        };
        if let Some(why) = loss.obstacle(&facts) {
            self.words
                .push(format!("the loss {} {NOT_DRAWN} {why}", loss.title()));
        } else {
            self.words.push(format!(
                "objective: the loss {}, over the probe's views as one batch",
                loss.title()
            ));
            self.loss = Some(loss);
        }
        self
    }

    /// A subject of a plane and a probe batch that are there already.
    pub(super) fn with_plane(
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
        let origin_name = match &request.encoder {
            EncoderSource::Run { step, .. } => format!("step {step}"),
            _ => "the encoder".to_owned(),
        };
        Ok(Self {
            title: request.encoder.title(),
            origin_name,
            plane,
            probe,
            compute: compute.clone(),
            alpha: request.alpha,
            t: request.t,
            pair_set: request.pair_set,
            batch_norm,
            stage,
            loss: None,
            votes: None,
            dim: OnceLock::new(),
            words,
        })
    }

    /// The surfaces that are measured.
    pub fn quantities(&self) -> Vec<Quantity> {
        let is_measured = |quantity: &Quantity| match quantity {
            Quantity::Objective => self.loss.is_some(),
            Quantity::Knn => self.votes.is_some(),
            _ => true,
        };
        Quantity::ALL.into_iter().filter(is_measured).collect()
    }

    /// Points that are measured beside each other: two a thread, so that none waits long for the last,
    /// but one on a graphics device, whose work is bound to its thread.
    pub fn points_at_once(&self) -> usize {
        const MOST: usize = 16;
        if self.compute.is_gpu() {
            return 1;
        }
        let fitting = match self.batch_norm {
            BatchNormUse::Frozen => MOST,
            BatchNormUse::Reestimated => {
                let bytes = reestimating_bytes(&self.probe, self.plane.origin());
                usize::try_from(REESTIMATING_LIMIT_BYTES / bytes.max(1)).unwrap_or(MOST)
            }
        };
        (2 * rayon::current_num_threads()).clamp(1, fitting.clamp(1, MOST))
    }

    /// The encoder at the origin.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the encoder at the origin is called beside a picture of it: a run's by its step.
    pub fn origin_name(&self) -> &str {
        &self.origin_name
    }

    /// α of alignment and t of uniformity.
    pub fn temperatures(&self) -> [f64; 2] {
        [self.alpha, self.t]
    }

    /// The least uniformity of vectors like these, once a place is measured.
    pub fn floor(&self) -> Option<f64> {
        let dim = self.dim.get()?;
        Some(measure::uniformity_floor(*dim, self.t))
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
        self.dim.get_or_init(|| features.dim);
        if !is_finite(&features) {
            return Ok(SlicePoint {
                alignment: f64::NAN,
                uniformity: f64::NAN,
                spread: f64::NAN,
                objective: self.loss.as_ref().map(|_| f64::NAN),
                knn: self.votes.as_ref().map(|_| f64::NAN),
            });
        }
        let mut point = measured(&features, self.alpha, self.t, self.pair_set, progress)?;
        if let Some(loss) = &self.loss {
            let value = loss.of_features(&features, self.compute.device());
            let value =
                value.map_err(|error| LandscapeError::Directions(format!("the loss: {error}")))?;
            point.objective = Some(value);
        }
        if let Some(votes) = &self.votes {
            let rows = features.plain.as_ref().unwrap_or(&features.first);
            point.knn = Some(votes.accuracy(rows, features.dim, progress)?);
        }
        Ok(point)
    }
}

/// Who votes on whom.
fn votes(
    request: &Request,
    images: &ImageSet,
    probe: &ProbeBatch,
) -> Result<Votes, LandscapeError> {
    if request.kind.is_dense() {
        return Err(LandscapeError::Setting {
            name: "k-NN accuracy",
            range: "asked of one vector an image",
            found: format!("of {} features", request.kind),
        });
    }
    Votes::new(images, &probe.image_indices(), request.seed)
}

fn is_finite(features: &ProbeFeatures) -> bool {
    [&features.first, &features.second]
        .into_iter()
        .chain(&features.plain)
        .all(|rows| rows.values.iter().all(|value| value.is_finite()))
}

/// All points that are measured beside each other together.
const REESTIMATING_LIMIT_BYTES: u64 = 2 << 30;

/// Measuring statistics anew holds the maps of all views at once.
fn reestimating_bytes(probe: &ProbeBatch, weights: &ModelWeights) -> u64 {
    let side = probe.request().side as usize;
    let largest = weights
        .architecture()
        .stages()
        .iter()
        .map(|stage| stage.channels * side.div_ceil(stage.stride).pow(2))
        .max()
        .unwrap_or(0);
    // A map, its rows, and the result beside each other, and a block's shortcut.
    2 * probe.image_count() as u64 * largest as u64 * 4 * 4
}

fn check_memory(probe: &ProbeBatch, weights: &ModelWeights) -> Result<(), LandscapeError> {
    let bytes = reestimating_bytes(probe, weights);
    if bytes <= REESTIMATING_LIMIT_BYTES {
        return Ok(());
    }
    Err(LandscapeError::Directions(format!(
        "re-estimating batch norms over {} images needs about {} MiB, more than the limit of {} MiB: \
         use fewer images, or frozen statistics",
        probe.image_count(),
        bytes >> 20,
        REESTIMATING_LIMIT_BYTES >> 20
    )))
}

fn measured(
    features: &ProbeFeatures,
    alpha: f64,
    t: f64,
    pair_set: PairSetKind,
    progress: &Progress,
) -> Result<SlicePoint, LandscapeError> {
    let parts = match &features.plain {
        Some(plain) => vec![plain],
        None => vec![&features.first, &features.second],
    };
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
        objective: None,
        knn: None,
    })
}

/// A subject that several slices share.
pub type SharedSubject = Arc<SliceSubject>;
