//! Which loss a run falls down, and what each needs of the network and of the batch.

use burn::tensor::{Tensor, TensorData, s};
use serde::{Deserialize, Serialize};

use super::{
    TrainingError,
    clusterings::PrototypePlan,
    keys::{KeyOutputs, KeyPlan},
    net::Outputs,
    positives,
};
use crate::{
    analysis::PairSetKind,
    data::ViewGeometry,
    features::MatchingRule,
    objectives::{
        AlignUniform, ContrastBatch, DenseAlignUniform, DenseCl, DenseContrast, DenseRows, Keyed,
        KeyedLocations, Loss, MomentumContrast, Negatives, NtXent, Pauc, ProtoNce, Reconstruction,
        cross_entropy,
    },
};

/// The loss of a run with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Alignment and uniformity, the two losses themselves.
    AlignUniform(AlignUniform),
    /// InfoNCE within the batch.
    NtXent(NtXent),
    /// InfoNCE against a queue of a slower encoder's keys.
    MomentumContrast(MomentumContrast),
    /// DenseCL: the same of pooled vectors and of locations.
    DenseCl(DenseCl),
    /// PCL's ProtoNCE.
    ProtoNce(ProtoNce),
    /// Prototypes with alignment, uniformity and correlation [our reading of PAUC 2022].
    Pauc(Pauc),
    /// Cross-entropy of a linear classifier that trains with the encoder.
    Supervised,
    /// Alignment and uniformity of locations [our reading of Moon, Kim & Choi 2022].
    DenseAlignUniform(DenseAlignUniform),
    /// Contrast of locations [our reading of DenseCL++, Iskender et al. 2022].
    DenseContrast(DenseContrast),
}

impl Default for Objective {
    fn default() -> Self {
        Self::AlignUniform(AlignUniform::default())
    }
}

/// What a step knows beside the network's outputs.
pub(super) struct Moment<'a> {
    /// Class of each image; only looked at by losses that need labels.
    pub labels: &'a [u32],
    /// What pixels were divided by, a channel.
    pub pixel_std: [f32; 3],
    /// Where both views of each image lie in it.
    pub geometry: &'a [[ViewGeometry; 2]],
    /// Steps done before.
    pub step: usize,
    /// For everything that the loss draws; another one each step.
    pub seed: u64,
}

impl Objective {
    /// Its name for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::AlignUniform(_) => "align + uniform",
            Self::NtXent(_) => "NT-Xent",
            Self::MomentumContrast(_) => "InfoNCE with a queue (MoCo)",
            Self::DenseCl(_) => "DenseCL",
            Self::ProtoNce(_) => "ProtoNCE (PCL)",
            Self::Pauc(_) => "PAUC (our reading)",
            Self::Supervised => "supervised cross-entropy",
            Self::DenseAlignUniform(_) => "dense align + uniform (our reading)",
            Self::DenseContrast(_) => "dense contrast (our reading of DenseCL++)",
        }
    }

    /// Every loss with its usual settings, in the order of menus.
    pub fn all() -> [Self; 9] {
        [
            Self::default(),
            Self::NtXent(NtXent::default()),
            Self::MomentumContrast(MomentumContrast::default()),
            Self::DenseCl(DenseCl::default()),
            Self::ProtoNce(ProtoNce::default()),
            Self::Pauc(Pauc::default()),
            Self::Supervised,
            Self::DenseAlignUniform(DenseAlignUniform::default()),
            Self::DenseContrast(DenseContrast::default()),
        ]
    }

    /// Whether it is the same loss, whatever the settings.
    pub fn is_kind_of(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether images must have classes.
    pub fn needs_labels(&self) -> bool {
        matches!(self, Self::Supervised)
    }

    /// The key encoder and queues that the loss needs.
    pub(super) fn keys(&self) -> Option<KeyPlan> {
        let (queue, momentum) = match self {
            Self::MomentumContrast(loss) => (loss.queue, loss.momentum),
            Self::DenseCl(loss) => (loss.queue, loss.momentum),
            Self::ProtoNce(loss) => (loss.queue, loss.momentum),
            Self::Pauc(loss) => (loss.proto_nce.queue, loss.proto_nce.momentum),
            _ => return None,
        };
        Some(KeyPlan { queue, momentum })
    }

    /// The prototypes that the loss needs.
    pub(super) fn prototypes(&self) -> Option<PrototypePlan> {
        let loss = match self {
            Self::ProtoNce(loss) => loss,
            Self::Pauc(loss) => &loss.proto_nce,
            _ => return None,
        };
        Some(PrototypePlan {
            clusters: loss.clusters.clone(),
            every: loss.every,
            from_step: loss.from_step,
            temperature: loss.temperature,
        })
    }

    /// Whether a decoder trains along.
    pub(super) fn reconstructs(&self) -> bool {
        matches!(self, Self::DenseContrast(loss) if loss.reconstructs)
    }

    /// How locations are matched; `None` for a loss that looks at none.
    pub fn matching(&self) -> Option<MatchingRule> {
        match self {
            Self::DenseAlignUniform(loss) => Some(loss.matching),
            Self::DenseContrast(loss) => Some(loss.matching),
            // The paper's rule.
            Self::DenseCl(_) => Some(MatchingRule::BackboneArgmax),
            Self::AlignUniform(_)
            | Self::NtXent(_)
            | Self::MomentumContrast(_)
            | Self::ProtoNce(_)
            | Self::Pauc(_)
            | Self::Supervised => None,
        }
    }

    /// Refuses settings that are no knobs and out of their range.
    pub(super) fn check(&self) -> Result<(), TrainingError> {
        let refuse = |name, found: usize| {
            Err(TrainingError::Setting {
                name,
                range: "at least 1".to_owned(),
                found: found.to_string(),
            })
        };
        if let Some(keys) = self.keys() {
            if !(2..=65_536).contains(&keys.queue) {
                return Err(TrainingError::Setting {
                    name: "the queue",
                    range: "from 2 to 65,536".to_owned(),
                    found: keys.queue.to_string(),
                });
            }
            if !(0.0..=1.0).contains(&keys.momentum) {
                return Err(TrainingError::Setting {
                    name: "the momentum of the key encoder",
                    range: "from 0 to 1".to_owned(),
                    found: keys.momentum.to_string(),
                });
            }
        }
        if let Some(plan) = self.prototypes() {
            if plan.every == 0 {
                return refuse("the steps between clusterings", 0);
            }
            let is_odd = |k: &usize| !(2..=4096).contains(k);
            if plan.clusters.is_empty()
                || plan.clusters.len() > 8
                || plan.clusters.iter().any(is_odd)
            {
                return Err(TrainingError::Setting {
                    name: "the prototypes",
                    range: "one to eight clusterings of 2 to 4,096 each".to_owned(),
                    found: format!("{:?}", plan.clusters),
                });
            }
        }
        match self {
            Self::DenseAlignUniform(loss) if loss.cells == 0 => {
                refuse("the locations of dense uniformity", loss.cells)
            }
            // One location an image has no pair within it.
            Self::DenseAlignUniform(loss)
                if loss.cells == 1 && loss.pairs == PairSetKind::WithinImage =>
            {
                Err(TrainingError::Setting {
                    name: "the locations of within-image uniformity",
                    range: "at least 2".to_owned(),
                    found: "1".to_owned(),
                })
            }
            Self::DenseContrast(loss) => match loss.negatives {
                Negatives::Random { count: 0 } | Negatives::Hardest { count: 0 } => {
                    refuse("the negatives an image", 0)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The loss of one batch: both views of all images, first ones before second ones; or with a
    /// key encoder the first views, and what it says of the second.
    pub(super) fn forward(
        &self,
        outputs: Outputs,
        keyed: Option<KeyOutputs>,
        moment: &Moment<'_>,
    ) -> Result<Loss, TrainingError> {
        let both = outputs.projected;
        Ok(match self {
            Self::AlignUniform(loss) => {
                let half = both.dims()[0] / 2;
                let x = both.clone().slice(s![..half, ..]);
                loss.forward(x, both.slice(s![half.., ..]))
            }
            Self::NtXent(loss) => loss.forward(both),
            Self::MomentumContrast(loss) => {
                let keyed = keyed.ok_or_else(|| self.without("key encoder"))?;
                loss.forward(keyed.outputs.keyed(both, keyed.global))
            }
            Self::ProtoNce(loss) => {
                let keyed = keyed.ok_or_else(|| self.without("key encoder"))?;
                let prototypes = keyed.prototypes;
                loss.forward(keyed.outputs.keyed(both, keyed.global), &prototypes)
            }
            Self::Pauc(loss) => {
                let keyed = keyed.ok_or_else(|| self.without("key encoder"))?;
                let prototypes = keyed.prototypes;
                loss.forward(keyed.outputs.keyed(both, keyed.global), &prototypes)
            }
            Self::DenseCl(loss) => {
                let keyed = keyed.ok_or_else(|| self.without("key encoder"))?;
                let (Some(query), Some(key), Some(queue)) =
                    (outputs.locations, keyed.outputs.locations, keyed.dense)
                else {
                    return Err(self.without("dense head"));
                };
                let views = [&query, &key].map(|view| view.rows(&view.backbone));
                let dense = KeyedLocations {
                    pairs: positives::most_similar(views)?,
                    query: query.rows(&query.dense),
                    key: key.rows(&key.dense),
                    queue,
                };
                let global = Keyed {
                    query: both,
                    key: keyed.outputs.projected,
                    queue: keyed.global,
                };
                loss.forward(global, dense, moment.step)
            }
            Self::Supervised => {
                let logits = outputs.logits.ok_or_else(|| self.without("classifier"))?;
                cross_entropy(logits, &moment.labels.repeat(2))
            }
            Self::DenseAlignUniform(loss) => {
                let locations = outputs
                    .locations
                    .ok_or_else(|| self.without("dense head"))?;
                let pairs = positives::pairs(loss.matching, &locations, moment)?;
                let [x, y] = views(locations.dense, locations.grid);
                loss.forward(x, y, &pairs, moment.seed)
            }
            Self::DenseContrast(loss) => {
                let locations = outputs
                    .locations
                    .ok_or_else(|| self.without("dense head"))?;
                let pairs = positives::pairs(loss.matching, &locations, moment)?;
                let painted = locations.painted;
                let [x, y] = views(locations.dense, locations.grid);
                let batch = ContrastBatch {
                    both,
                    x,
                    y,
                    pairs: &pairs,
                    reconstruction: painted.map(|both| un_normalised(both, moment.pixel_std)),
                };
                loss.forward(batch, moment.step, moment.seed)
            }
        })
    }

    fn without(&self, part: &str) -> TrainingError {
        TrainingError::Unfit {
            objective: self.title(),
            reason: format!("it needs a {part}, and the network has none"),
        }
    }
}

/// Patches in the units of the image, 0 to 1, but for the constant that both have in common.
fn un_normalised([painted, pixels]: [Tensor<2>; 2], std: [f32; 3]) -> Reconstruction {
    let each = painted.dims()[1] / 3;
    let scale: Vec<f32> = std
        .iter()
        .flat_map(|&std| std::iter::repeat_n(std, each))
        .collect();
    let scale = TensorData::new(scale, [1, 3 * each]);
    let scale = Tensor::<2>::from_data(scale, &painted.device());
    Reconstruction {
        painted: painted * scale.clone(),
        pixels: pixels * scale,
    }
}

/// The locations of both views apart.
pub(super) fn views(rows: Tensor<2>, grid: [usize; 2]) -> [DenseRows; 2] {
    let cells = grid[0] * grid[1];
    let half = rows.dims()[0] / 2;
    [
        DenseRows {
            rows: rows.clone().slice(s![..half, ..]),
            cells,
        },
        DenseRows {
            rows: rows.slice(s![half.., ..]),
            cells,
        },
    ]
}
