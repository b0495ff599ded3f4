//! A run's loss on features that are there already: what a landscape draws beside alignment and
//! uniformity.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData, s};

use super::{Objective, RunConfig, TrainingError, settings_of_checkpoint};
use crate::{
    compute::read_tensor,
    features::{FeatureKind, ProbeFeatures},
    objectives::{DensePairs, Loss},
};

/// Losses compare all views with all others: more than so many images would take gigabytes.
const MOST_IMAGES: usize = 2048;

/// The loss of a run, to be taken of features that are there.
#[derive(Clone, Debug)]
pub struct RunLoss {
    objective: Objective,
    /// Draws the locations of dense uniformity: the same ones at every place.
    seed: u64,
    run: String,
}

/// What is known of features before there are any.
#[derive(Clone, Copy, Debug)]
pub struct FeatureFacts {
    /// Which vectors.
    pub kind: FeatureKind,
    /// How locations are paired.
    pub matching: crate::features::MatchingRule,
    /// Whether the network has a projection head, and one of locations.
    pub has_heads: [bool; 2],
    /// Images.
    pub images: usize,
}

impl RunLoss {
    /// The loss of a run with these settings.
    pub fn new(config: &RunConfig) -> Self {
        Self {
            objective: config.objective.clone(),
            seed: config.seed,
            run: config.name.clone(),
        }
    }

    /// The loss of the run that saved a checkpoint, by the settings beside it; none where there are
    /// no such settings or they are no run's.
    pub fn beside(checkpoint: &Path) -> Option<Self> {
        settings_of_checkpoint(checkpoint).as_ref().map(Self::new)
    }

    /// The loss and its run, for people.
    pub fn title(&self) -> String {
        format!("{} of {}", self.objective.title(), self.run)
    }

    /// Why such features do not tell the loss; `None` when they do.
    pub fn obstacle(&self, facts: &FeatureFacts) -> Option<String> {
        let [has_head, has_dense_head] = facts.has_heads;
        let wants = |has: bool, with, without| if has { with } else { without };
        let wanted = match &self.objective {
            Objective::AlignUniform(_) | Objective::NtXent(_) => {
                wants(has_head, FeatureKind::Projected, FeatureKind::Pooled)
            }
            Objective::DenseAlignUniform(loss) if loss.matching != facts.matching => {
                return Some(format!(
                    "it matches locations by {}, the probe batch by {}",
                    loss.matching, facts.matching
                ));
            }
            Objective::DenseAlignUniform(_) => wants(
                has_dense_head,
                FeatureKind::ProjectedDense,
                FeatureKind::Dense,
            ),
            Objective::MomentumContrast(_)
            | Objective::DenseCl(_)
            | Objective::ProtoNce(_)
            | Objective::Pauc(_) => {
                return Some(
                    "it compares with a queue of the run's key encoder, which features alone do \
                     not hold"
                        .to_owned(),
                );
            }
            Objective::Supervised => {
                return Some(
                    "it needs the run's classifier, which features alone do not hold".to_owned(),
                );
            }
            Objective::DenseContrast(_) => {
                return Some("it needs pooled and dense vectors at once".to_owned());
            }
        };
        if facts.kind != wanted {
            return Some(format!(
                "it looks at {wanted} features, and the slice is of {} ones",
                facts.kind
            ));
        }
        (facts.images > MOST_IMAGES).then(|| {
            format!(
                "it compares all views with each other, and {} images are more than {MOST_IMAGES}",
                facts.images
            )
        })
    }

    /// The loss of two views of all images, taken as one batch of a training step would be.
    ///
    /// # Errors
    /// [`TrainingError::Unfit`] when [`obstacle`](Self::obstacle) has one; what reading says.
    pub fn of_features(
        &self,
        features: &ProbeFeatures,
        device: &Device,
    ) -> Result<f64, TrainingError> {
        let dim = features.dim;
        let rows = [&features.first, &features.second];
        let both: Vec<f32> = rows.iter().flat_map(|rows| &rows.values).copied().collect();
        let count = both.len() / dim.max(1);
        let both = Tensor::<2>::from_data(TensorData::new(both, [count, dim]), device);
        let loss = match &self.objective {
            Objective::AlignUniform(loss) => {
                let half = count / 2;
                let x = both.clone().slice(s![..half, ..]);
                loss.forward(x, both.slice(s![half.., ..]))
            }
            Objective::NtXent(loss) => loss.forward(both),
            Objective::DenseAlignUniform(loss) => {
                let pairs = dense_pairs(features);
                let images = distinct(&features.first.images);
                let cells = (count / 2) / images.max(1);
                let [x, y] = super::objective::views(both, [1, cells]);
                loss.forward(x, y, &pairs, self.seed)
            }
            _ => return Err(self.unfit()),
        };
        weighted_sum(loss)
    }

    fn unfit(&self) -> TrainingError {
        TrainingError::Unfit {
            objective: self.objective.title(),
            reason: "features alone do not tell it".to_owned(),
        }
    }
}

fn distinct(images: &[u32]) -> usize {
    let changes = images.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes + usize::from(!images.is_empty())
}

/// The positives of the probe as rows of the two views.
fn dense_pairs(features: &ProbeFeatures) -> DensePairs {
    let images = &features.first.images;
    // Where each image's rows begin.
    let mut starts = std::collections::HashMap::new();
    for (row, image) in (0_u32..).zip(images) {
        starts.entry(*image).or_insert(row);
    }
    let mut pairs = DensePairs::default();
    let cells = features.pairs.cells.as_deref().unwrap_or_default();
    for (image, [first, second]) in features.pairs.images.iter().zip(cells) {
        if let Some(start) = starts.get(image) {
            pairs.first.push(start + first);
            pairs.second.push(start + second);
        }
    }
    pairs
}

fn weighted_sum(loss: Loss) -> Result<f64, TrainingError> {
    let mut sum = 0.0;
    for term in loss.terms {
        let value = read_tensor(term.value)?;
        sum += term.weight * f64::from(value.first().copied().unwrap_or(f32::NAN));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compute::{Compute, DevicePolicy},
        features::{MatchingRule, ProbeRows},
        objectives::{AlignUniform, DenseAlignUniform, MomentumContrast, NtXent},
    };

    fn loss(objective: Objective) -> RunLoss {
        RunLoss::new(&RunConfig {
            objective,
            ..RunConfig::default()
        })
    }

    /// Unit rows on S¹ at these angles; the second views a little further on.
    fn features(images: usize, cells: usize) -> ProbeFeatures {
        let rows = |shift: f64| ProbeRows {
            values: (0..images * cells)
                .flat_map(|i| {
                    let (sin, cos) = (0.7 * i as f64 + shift).sin_cos();
                    [cos as f32, sin as f32]
                })
                .collect(),
            images: (0..images * cells)
                .map(|i| 10 + (i / cells) as u32)
                .collect(),
        };
        let [first, second] = [rows(0.0), rows(0.2)];
        let mut features = ProbeFeatures {
            dim: 2,
            first,
            second,
            ..ProbeFeatures::default()
        };
        features.pairs.images = features.first.images.clone();
        features.pairs.cells = Some(
            (0..images * cells)
                .map(|i| [(i % cells) as u32; 2])
                .collect(),
        );
        features
    }

    fn facts(kind: FeatureKind) -> FeatureFacts {
        FeatureFacts {
            kind,
            matching: MatchingRule::default(),
            has_heads: [true; 2],
            images: 6,
        }
    }

    fn value(objective: Objective, features: &ProbeFeatures) -> f64 {
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        loss(objective)
            .of_features(features, compute.device())
            .expect("a loss of features")
    }

    fn squared(turn: f64) -> f64 {
        2.0 - 2.0 * turn.cos()
    }

    #[test]
    fn alignment_and_uniformity_are_those_of_the_angles() {
        let features = features(6, 1);
        let objective = AlignUniform {
            align_weight: 2.0,
            uniform_weight: 0.5,
            ..AlignUniform::default()
        };
        let mut kernels = Vec::new();
        for i in 0..6 {
            for j in 0..i {
                kernels.push((-2.0 * squared(0.7 * f64::from(i - j))).exp());
            }
        }
        let uniform = (kernels.iter().sum::<f64>() / kernels.len() as f64).ln();
        let expected = 2.0 * squared(0.2) + 0.5 * uniform;
        // f32 sums of a few dozen terms.
        let found = value(Objective::AlignUniform(objective), &features);
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        // Locations as rows: the same numbers when all cells are drawn and all pairs count.
        let dense = DenseAlignUniform {
            align_weight: 2.0,
            uniform_weight: 0.5,
            cells: 2,
            ..DenseAlignUniform::default()
        };
        let found = value(Objective::DenseAlignUniform(dense), &self::features(3, 2));
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn nt_xent_is_that_of_the_angles() {
        let features = features(6, 1);
        let tau = 0.5;
        let angles: Vec<f64> = (0..12)
            .map(|i| 0.7 * f64::from(i % 6) + if i < 6 { 0.0 } else { 0.2 })
            .collect();
        let mut expected = 0.0;
        for i in 0..12 {
            let own = (angles[i] - angles[(i + 6) % 12]).cos() / tau;
            let all: f64 = (0..12)
                .filter(|j| *j != i)
                .map(|j| ((angles[i] - angles[j]).cos() / tau).exp())
                .sum();
            expected += (all.ln() - own) / 12.0;
        }
        let found = value(Objective::NtXent(NtXent { temperature: tau }), &features);
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn what_features_do_not_tell_is_said() {
        let told = |objective, kind| loss(objective).obstacle(&facts(kind));
        let plain = || Objective::AlignUniform(AlignUniform::default());
        assert_eq!(told(plain(), FeatureKind::Projected), None);
        let other = told(plain(), FeatureKind::Pooled).unwrap();
        assert!(other.contains("projected"), "{other}");
        let queue = Objective::MomentumContrast(MomentumContrast::default());
        assert!(
            told(queue.clone(), FeatureKind::Projected)
                .unwrap()
                .contains("queue")
        );
        let dense = Objective::DenseAlignUniform(DenseAlignUniform {
            matching: MatchingRule::BackboneArgmax,
            ..DenseAlignUniform::default()
        });
        assert!(
            told(dense, FeatureKind::ProjectedDense)
                .unwrap()
                .contains("matches")
        );
        let many = FeatureFacts {
            images: MOST_IMAGES + 1,
            ..facts(FeatureKind::Projected)
        };
        assert!(loss(plain()).obstacle(&many).unwrap().contains("2048"));
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        assert!(
            loss(queue)
                .of_features(&features(6, 1), compute.device())
                .is_err()
        );
    }
}
