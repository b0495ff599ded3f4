//! What of a request reaches the encoder: which images, at what size, and whether it can be used.

use super::{AnalysisError, Request};
use crate::{
    checkpoint::KeyReport,
    data::{ImageSet, Preprocess, Resize},
    features::FeatureSet,
};

/// How images become input: what the request says, else what the key report proposes.
pub(super) fn preprocess(request: &Request, report: &KeyReport) -> Preprocess {
    Preprocess {
        resize: request
            .resize
            .unwrap_or_else(|| usual_resize(report.input_side)),
        normalisation: request
            .normalisation
            .unwrap_or(report.normalisation.constants),
    }
}

/// ImageNet encoders are evaluated on the centre of a slightly larger picture, small-image ones
/// on the whole picture.
fn usual_resize(input_side: u32) -> Resize {
    if input_side >= 128 {
        Resize::ShorterSideCrop {
            resize: input_side * 8 / 7,
            crop: input_side,
        }
    } else {
        Resize::Square(input_side)
    }
}

pub(super) fn choose_images(request: &Request, total: usize) -> (Vec<usize>, String) {
    match request.limit {
        Some(limit) if limit < total => {
            let mut rng =
                <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(request.seed);
            let mut indices = rand::seq::index::sample(&mut rng, total, limit).into_vec();
            indices.sort_unstable();
            let choice = format!("a sample of {limit} drawn with seed {}", request.seed);
            (indices, choice)
        }
        _ => ((0..total).collect(), "all".into()),
    }
}

pub(super) fn check_finite(features: &FeatureSet, images: &ImageSet) -> Result<(), AnalysisError> {
    let is_broken = |row: &usize| features.row(*row).iter().any(|v| !v.is_finite());
    let mut broken = (0..features.len()).filter(is_broken).peekable();
    let Some(&first) = broken.peek() else {
        return Ok(());
    };
    Err(AnalysisError::NotFinite {
        first: images.records()[features.images[first] as usize]
            .name
            .clone(),
        rows: broken.count(),
        total: features.len(),
    })
}
