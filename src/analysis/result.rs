//! One analysis from end to end.

use std::sync::Arc;

use serde_json::json;

use super::{
    AnalysisError, Cache, Numbers, PairRule, Pairs, Request,
    inputs::{check_finite, choose_images, preprocess},
    numbers::{PENDING, alignment, at_once, predictions, uniformity},
    positives::{Inputs, Positives},
};
use crate::{
    checkpoint::{KeyReport, LoadedModel},
    compute::{BufferLease, Compute, DeviceReport},
    data::{ImageSet, Preprocess, Thumbnails},
    features::{Extraction, ExtractionRequest, FeatureSet, input_side},
    measure::Rows,
    progress::Progress,
    projection::{Projection, to_sphere_and_circle},
};

/// Uniformity of this many vectors is summed in well under a second, not worth a first picture.
const QUICK_ROWS: usize = 10_000;

/// Everything that the views show of one encoder over one image set.
#[derive(Clone)]
pub struct Analysis {
    /// What was asked.
    pub request: Request,
    /// What the checkpoint holds and what was made of it.
    pub report: Arc<KeyReport>,
    /// The images.
    pub images: ImageSet,
    /// Small pictures of them, by index in the set.
    pub thumbnails: Arc<Thumbnails>,
    /// Raw features with their provenance.
    pub features: Arc<FeatureSet>,
    /// Features on S^{d−1}: row-major `[len, dim]`.
    pub unit: Arc<Vec<f32>>,
    /// ‖z‖ of each raw vector.
    pub norms: Arc<Vec<f32>>,
    /// Points on S².
    pub sphere: Arc<Projection>,
    /// The same points as they lie on the GPU, when compute runs there.
    pub sphere_lease: Option<Arc<BufferLease>>,
    /// Points on S¹.
    pub circle: Arc<Projection<2>>,
    /// The numbers.
    pub numbers: Numbers,
    /// The positive pairs.
    pub pairs: Arc<Pairs>,
    /// Class that the checkpoint's own classifier gives to each image, by index in the set.
    pub predictions: Option<Arc<Vec<Option<u32>>>>,
    /// Prototypes of the run that this is a frame of, where its loss has some.
    pub prototypes: Option<Arc<super::ShownPrototypes>>,
    /// What computed it.
    pub device: DeviceReport,
}

impl Analysis {
    /// The numbers with everything that decides them.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "command": self.request.command_line(),
            "request": self.request,
            "device": self.device,
            "provenance": self.features.provenance,
            "vectors": self.features.len(),
            "dimension": self.features.dim,
            "skipped_images": self.images.skipped(),
            "numbers": self.numbers,
            "pairs": self.pairs.population,
            "projection": {
                "sphere": { "kind": self.sphere.kind, "mean_kept_norm": self.sphere.mean_kept_norm },
                "circle": { "kind": self.circle.kind, "mean_kept_norm": self.circle.mean_kept_norm },
            },
            "key_report": self.report.summary(),
        })
    }
}

/// The features of a request, before anything is measured.
pub struct Embedding {
    /// The encoder and its key report.
    pub loaded: Arc<LoadedModel>,
    /// The images.
    pub images: ImageSet,
    /// Small pictures of them.
    pub thumbnails: Arc<Thumbnails>,
    /// How images became input.
    pub preprocess: Preprocess,
    /// Which images of the set were asked for.
    pub indices: Vec<usize>,
    /// The features, and what else the same passes gave.
    pub extraction: Arc<Extraction>,
}

/// What an analysis shows of itself before it is done.
pub enum Glimpse<'a> {
    /// What the checkpoint holds, before any image goes through it.
    Opened(&'a KeyReport),
    /// The points, while numbers are still missing.
    Points(&'a Analysis),
}

/// Runs the forward passes of a request and nothing else: what an export needs.
///
/// # Errors
/// See [`AnalysisError`].
pub fn embed(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Embedding, AnalysisError> {
    embed_showing(request, compute, cache, progress, &mut |_| {})
}

fn embed_showing(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
    show: &mut dyn FnMut(Glimpse<'_>),
) -> Result<Embedding, AnalysisError> {
    request.check()?;
    progress.report("opening the checkpoint", 0, None);
    let loaded = cache.model(request, compute, progress)?;
    show(Glimpse::Opened(&loaded.report));
    progress.report("opening the images", 0, None);
    let (images, thumbnails) = cache.images(&request.images, progress)?;
    let preprocess = preprocess(request, &loaded.report);
    let (what, indices) = extraction_request(request, preprocess, images.len());
    let extraction = cache.extraction(request, &loaded, &images, &what, compute, progress)?;
    Ok(Embedding {
        loaded,
        images,
        thumbnails,
        preprocess,
        indices,
        extraction,
    })
}

/// The encoder of a request with its heads, from the cache when it is there.
///
/// # Errors
/// See [`AnalysisError`]; a training run in memory is no file that could be opened.
pub fn encoder(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Arc<LoadedModel>, AnalysisError> {
    progress.report("opening the checkpoint", 0, None);
    cache.model(request, compute, progress)
}

/// What of `total` images goes through the encoder, and how.
pub(super) fn extraction_request(
    request: &Request,
    preprocess: Preprocess,
    total: usize,
) -> (ExtractionRequest, Vec<usize>) {
    let (indices, choice) = choose_images(request, total);
    let what = ExtractionRequest {
        kind: request.kind,
        stage: request.stage,
        preprocess,
        indices: indices.clone(),
        choice,
        encoder: request.encoder.title(),
    };
    (what, indices)
}

/// Runs a request, reusing what `cache` holds of the one before.
///
/// # Errors
/// See [`AnalysisError`]. A number that cannot be computed for these inputs (uniformity of one
/// vector, say) is no error: its [`Figure`](super::Figure) says why it is absent.
pub fn analyse(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Analysis, AnalysisError> {
    analyse_showing(request, compute, cache, progress, |_| {})
}

/// [`analyse`], handing what there is already to `show` before each part that may take long: the
/// key report before the first forward pass, the points while uniformity is summed, both while
/// pairs of views are embedded. What is not there yet says so.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_showing(
    request: &Request,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
    mut show: impl FnMut(Glimpse<'_>),
) -> Result<Analysis, AnalysisError> {
    let embedding = embed_showing(request, compute, cache, progress, &mut show)?;
    analyse_embedding(
        request, embedding, None, compute, cache, progress, &mut show,
    )
}

/// An encoder in memory over images in memory: what a training run shows of itself.
pub struct ModelOnImages {
    /// The encoder with its heads and report.
    pub loaded: Arc<LoadedModel>,
    /// The images.
    pub images: ImageSet,
    /// Small pictures of them.
    pub thumbnails: Arc<Thumbnails>,
}

/// [`analyse`] for a model that no file holds. With `previous`, the projections are turned as
/// close to it as they go ([`Projection::turned_towards`]), so that points keep their places from
/// one step of a run to the next.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_model(
    request: &Request,
    model: ModelOnImages,
    previous: Option<&Analysis>,
    compute: &Compute,
    progress: &Progress,
) -> Result<Analysis, AnalysisError> {
    request.check()?;
    let cache = &mut Cache::headless();
    let ModelOnImages {
        loaded,
        images,
        thumbnails,
    } = model;
    let preprocess = preprocess(request, &loaded.report);
    let (what, indices) = extraction_request(request, preprocess, images.len());
    let extraction = cache.extraction(request, &loaded, &images, &what, compute, progress)?;
    let embedding = Embedding {
        loaded,
        images,
        thumbnails,
        preprocess,
        indices,
        extraction,
    };
    analyse_embedding(
        request,
        embedding,
        previous,
        compute,
        cache,
        progress,
        &mut |_| {},
    )
}

fn analyse_embedding(
    request: &Request,
    embedding: Embedding,
    previous: Option<&Analysis>,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
    show: &mut dyn FnMut(Glimpse<'_>),
) -> Result<Analysis, AnalysisError> {
    let Embedding {
        loaded,
        images,
        thumbnails,
        preprocess,
        indices,
        extraction,
    } = embedding;
    check_finite(&extraction.features, &images)?;
    let unit = Arc::new(extraction.features.unit_rows());
    let rows = Rows::new(&unit, extraction.features.dim)?;
    progress.report("projecting to the sphere", 0, None);
    let (mut sphere, mut circle) = to_sphere_and_circle(rows, progress)?;
    if let Some(previous) = previous {
        sphere = sphere.turned_towards(&previous.sphere);
        circle = circle.turned_towards(&previous.circle);
    }
    let sphere_lease = sphere_on_device(&extraction, &sphere)?;
    let mut analysis = Analysis {
        prototypes: None,
        request: request.clone(),
        report: Arc::new(loaded.report.clone()),
        norms: Arc::new(extraction.features.norms()),
        predictions: predictions(&extraction, images.len()).map(Arc::new),
        thumbnails,
        features: Arc::new(extraction.features.clone()),
        unit: Arc::clone(&unit),
        sphere: Arc::new(sphere),
        sphere_lease,
        circle: Arc::new(circle),
        numbers: at_once(request, &extraction, rows, &images),
        images,
        pairs: Arc::new(Pairs::absent(PENDING)),
        device: compute.report().clone(),
    };
    if rows.len() > QUICK_ROWS {
        show(Glimpse::Points(&analysis));
    }
    analysis.numbers.uniformity = uniformity(request, &extraction, rows, progress)?;
    if request.pairs == PairRule::AugmentedViews {
        show(Glimpse::Points(&analysis));
    }
    let side = input_side(&preprocess, &loaded.report.architecture);
    let inputs = Inputs {
        preprocess,
        side,
        indices,
        loaded: &loaded,
        images: &analysis.images,
        features: &extraction.features,
        compute,
    };
    let positives = Positives::new(request, &inputs, cache, progress)?;
    let pairs = positives.drawn(request.seed, &extraction.features, rows, &analysis.sphere)?;
    analysis.pairs = Arc::new(pairs);
    analysis.numbers.alignment = alignment(request, rows, &positives, side, progress)?;
    Ok(analysis)
}

/// The sphere's points computed where the features lie, so that drawing needs no read-back.
fn sphere_on_device(
    extraction: &Extraction,
    sphere: &Projection,
) -> Result<Option<Arc<BufferLease>>, AnalysisError> {
    let Some(raw) = &extraction.on_device else {
        return Ok(None);
    };
    let points = sphere.place_on_device(raw.clone());
    Ok(Some(Arc::new(crate::compute::lease(&points)?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{analysis::demo_request, compute::DevicePolicy};

    #[test]
    fn the_key_report_is_shown_before_any_image_goes_through_the_encoder() {
        let request = Request {
            limit: Some(8),
            pairs: PairRule::AugmentedViews,
            ..demo_request()
        };
        let compute = Compute::headless(DevicePolicy::Cpu).expect("the CPU is always there");
        let told = Arc::new(Mutex::new(Vec::new()));
        let stages = Arc::clone(&told);
        let progress = Progress::new(move |step| stages.lock().unwrap().push(step.stage));
        let cache = &mut Cache::headless();
        let show = |glimpse: Glimpse<'_>| {
            told.lock().unwrap().push(match glimpse {
                Glimpse::Opened(report) => {
                    assert!(report.is_complete());
                    "report"
                }
                Glimpse::Points(analysis) => {
                    assert_eq!(analysis.features.len(), 8);
                    "points"
                }
            });
        };
        analyse_showing(&request, &compute, cache, &progress, show).unwrap();
        let told = told.lock().unwrap();
        let place = |what: &str| told.iter().position(|one| *one == what).unwrap();
        assert!(place("report") < place("forward pass"), "{told:?}");
        assert!(place("forward pass") < place("points"), "{told:?}");
        assert!(
            place("points") < place("embedding pairs of views"),
            "{told:?}"
        );
    }
}
