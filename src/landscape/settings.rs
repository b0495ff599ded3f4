//! What decides a slice, beside encoder and images.

use serde::{Deserialize, Serialize};

use super::{Directions, LandscapeError};
use crate::analysis::Request;

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
    /// The run's own loss.
    Objective,
    /// Accuracy of the neighbours' votes.
    Knn,
}

impl Quantity {
    /// All, in the order of menus.
    pub const ALL: [Self; 6] = [
        Self::Sum,
        Self::Alignment,
        Self::Uniformity,
        Self::Spread,
        Self::Objective,
        Self::Knn,
    ];

    /// What it is, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Sum => "alignment and uniformity with their weights; lower is better",
            Self::Alignment => "distance of positive pairs; lower is better, 0 in collapse too",
            Self::Uniformity => "0 is collapse, the floor an even spread; lower is better",
            Self::Spread => "std·√d: 1 spread over all directions, 0 collapsed; higher is better",
            Self::Objective => "the loss that the run trains; lower is better",
            Self::Knn => "share of held-out images whose neighbours vote right; higher is better",
        }
    }

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Alignment => "alignment",
            Self::Uniformity => "uniformity",
            Self::Spread => "std",
            Self::Objective => "objective",
            Self::Knn => "knn",
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
    /// Whether accuracy of the neighbours' votes is measured too.
    pub has_knn: bool,
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
            has_knn: false,
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
