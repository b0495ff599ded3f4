//! Positive pairs: made by rule, then placed for drawing.

use std::sync::Arc;

use super::{
    AnalysisError, Cache, PairRule, Pairs, Request,
    figures::grouped,
    pairs::{DRAWN_PAIRS, class_pairs, even_selection},
};
use crate::{
    checkpoint::LoadedModel,
    compute::Compute,
    data::{AugmentConfig, ImageSet, Preprocess},
    features::{FeatureError, FeatureSet, PairRequest, ViewPairs},
    measure::Rows,
    progress::Progress,
    projection::Projection,
};

/// The positive pairs of a request, before they are drawn.
pub(super) enum Positives {
    Views(Arc<ViewPairs>),
    SameClass(Vec<u32>),
    Absent(String),
}

/// What positive pairs are made from.
pub(super) struct Inputs<'a> {
    pub preprocess: Preprocess,
    /// Side of a view in pixels.
    pub side: u32,
    pub indices: Vec<usize>,
    pub loaded: &'a LoadedModel,
    pub images: &'a ImageSet,
    pub features: &'a FeatureSet,
    pub compute: &'a Compute,
}

/// How views are made: as in Wang & Isola's evaluation.
pub fn view_augmentation() -> AugmentConfig {
    AugmentConfig::wang_isola()
}

impl Positives {
    /// The pairs that the request's rule makes; absent ones say why.
    pub fn new(
        request: &Request,
        inputs: &Inputs<'_>,
        cache: &mut Cache,
        progress: &Progress,
    ) -> Result<Self, AnalysisError> {
        if request.pairs == PairRule::SameClass {
            return Ok(match &inputs.features.labels {
                Some(labels) if labels.len() >= 2 => Positives::SameClass(labels.clone()),
                Some(_) => Positives::Absent("there is only one vector".into()),
                None => Positives::Absent(
                    "the images have no class labels: same-class pairs need one folder a class"
                        .into(),
                ),
            });
        }
        let what = PairRequest {
            kind: request.kind,
            stage: request.stage,
            matching: request.matching,
            augment: view_augmentation(),
            side: inputs.side,
            normalisation: inputs.preprocess.normalisation,
            seed: request.seed,
            indices: inputs.indices.clone(),
            keep: DRAWN_PAIRS,
        };
        match cache.view_pairs(request, inputs, &what, progress) {
            Ok(pairs) => Ok(Positives::Views(pairs)),
            Err(AnalysisError::Features(error @ FeatureError::NoMatches { .. })) => {
                Ok(Positives::Absent(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// The pairs with their places on the sphere of the un-augmented `rows`.
    pub fn drawn(
        &self,
        seed: u64,
        features: &FeatureSet,
        rows: Rows<'_>,
        sphere: &Projection,
    ) -> Result<Pairs, AnalysisError> {
        match self {
            Positives::Absent(why) => Ok(Pairs::absent(why)),
            Positives::Views(pairs) => Ok(Pairs {
                distances: pairs.distances.clone(),
                population: views_population(pairs),
                first_sphere: sphere.place(Rows::new(&pairs.first, pairs.dim)?)?.coords,
                second_sphere: sphere.place(Rows::new(&pairs.second, pairs.dim)?)?.coords,
                images: pairs
                    .kept
                    .iter()
                    .map(|&pair| pairs.images[pair as usize])
                    .collect(),
                why_absent: None,
            }),
            Positives::SameClass(labels) => {
                let chosen = class_pairs(labels, seed);
                let distance = |[first, second]: &[u32; 2]| {
                    let squares = rows
                        .row(*first as usize)
                        .iter()
                        .zip(rows.row(*second as usize))
                        .map(|(a, b)| (a - b).powi(2));
                    squares.sum::<f32>().sqrt()
                };
                let drawn: Vec<[u32; 2]> = even_selection(chosen.rows.len(), DRAWN_PAIRS)
                    .map(|pair| chosen.rows[pair])
                    .collect();
                let ends = |side: usize| {
                    let end = move |pair: &[u32; 2]| sphere.coords[pair[side] as usize];
                    drawn.iter().map(end)
                };
                Ok(Pairs {
                    distances: chosen.rows.iter().map(distance).collect(),
                    population: chosen.population,
                    first_sphere: ends(0).collect(),
                    second_sphere: ends(1).collect(),
                    images: drawn
                        .iter()
                        .map(|pair| features.images[pair[0] as usize])
                        .collect(),
                    why_absent: None,
                })
            }
        }
    }
}

pub(super) fn views_population(pairs: &ViewPairs) -> String {
    let noun = if pairs.distances.len() == 1 {
        "pair"
    } else {
        "pairs"
    };
    let count = format!("{} {noun}", grouped(pairs.distances.len() as u128));
    match &pairs.cells {
        Some(_) => format!(
            "{count} of locations of two augmented views; {:.1} % of the locations found a partner",
            100.0 * pairs.matched_share
        ),
        None => {
            format!("{count} of two augmented views of one image")
        }
    }
}
