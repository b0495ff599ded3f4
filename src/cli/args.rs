//! Flags that several commands share, and their way into a request.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::{
    analysis::{
        Analysis, Bundled, Cache, Embedding, EncoderSource, ImagesSource, PairRule, PairSetKind,
        Request, analyse, demo_request, embed,
        words::{parse_architecture, parse_builtin, parse_resize},
    },
    checkpoint::{self, KeyReport, OpenOptions},
    compute::Compute,
    data::{BuiltinConfig, BuiltinKind, ImageSet, Normalisation, Resize},
    features::{FeatureKind, MatchingRule},
    models::Architecture,
    progress::Progress,
};

/// Which encoder over which images, and every setting that decides a number.
#[derive(Clone, Debug, clap::Args)]
pub struct RequestArgs {
    /// Checkpoint file (PyTorch zip or legacy, safetensors).
    #[arg(long, value_name = "FILE", conflicts_with = "untrained")]
    checkpoint: Option<PathBuf>,
    /// A seeded untrained encoder instead of a checkpoint: resnet18, cifar-resnet20-a, small-alexnet …
    #[arg(long, value_name = "ARCHITECTURE", value_parser = parse_architecture)]
    untrained: Option<Architecture>,
    /// A small trained encoder that comes with the program: healthy, complete-collapse,
    /// dimensional-collapse, coagulated, dense or uniform-only.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["checkpoint", "untrained"])]
    bundled: Option<String>,
    /// Which network of a file that holds several: its path in the file, as `inspect` lists it.
    #[arg(long, value_name = "PATH", requires = "checkpoint")]
    root: Option<String>,
    /// Seed of the untrained encoder's weights.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "untrained", conflicts_with_all = ["checkpoint", "bundled"])]
    weights_seed: u64,

    /// Folder of images (flat, or one class a folder), or a CIFAR, STL-10 or MNIST binary.
    #[arg(long, value_name = "PATH", conflicts_with = "builtin")]
    images: Option<PathBuf>,
    /// Folder of masks with the images' stems.
    #[arg(long, value_name = "DIR", requires = "images")]
    masks: Option<PathBuf>,
    /// The built-in procedural set instead: single-object or multi-object.
    #[arg(long, value_name = "KIND", value_parser = parse_builtin)]
    builtin: Option<BuiltinKind>,
    /// Number of built-in images.
    #[arg(long, value_name = "N", default_value_t = 512, requires = "builtin", conflicts_with = "images", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    builtin_count: u32,
    /// Side of built-in images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 64, requires = "builtin", conflicts_with = "images", value_parser = clap::value_parser!(u32).range(8..=1024))]
    builtin_side: u32,
    /// Seed of the built-in set.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "builtin",
        conflicts_with = "images"
    )]
    builtin_seed: u64,

    /// Which vectors: pooled, dense, projected or projected-dense. Pooled unless given; a bundled
    /// encoder's are those that its loss looked at.
    #[arg(long)]
    kind: Option<FeatureKind>,
    /// Stage of the encoder, by number or name (`inspect` lists them).
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Positive pairs: augmented-views or same-class.
    #[arg(long, value_name = "RULE", default_value_t = PairRule::AugmentedViews)]
    pairs: PairRule,
    /// Dense positive pairs: geometric, backbone-argmax, projected-argmax, same-index or random.
    /// Geometric unless given; needs a dense --kind.
    #[arg(long, value_name = "RULE")]
    matching: Option<MatchingRule>,
    /// Pairs of dense uniformity: all, between-images or within-image.
    /// All unless given; needs a dense --kind.
    #[arg(long, value_name = "SET")]
    pair_set: Option<PairSetKind>,
    /// Exponent of alignment.
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    alpha: f64,
    /// Temperature of uniformity.
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    t: f64,
    /// Normalisation constants by name: imagenet, cifar10, cifar100, half, none …
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mean", "std"])]
    normalisation: Option<Normalisation>,
    /// Means of the input channels in [0, 1], as R,G,B.
    #[arg(long, value_name = "R,G,B", requires = "std", value_parser = three_numbers, allow_hyphen_values = true)]
    mean: Option<[f32; 3]>,
    /// Standard deviations of the input channels, as R,G,B.
    #[arg(long, value_name = "R,G,B", requires = "mean", value_parser = three_numbers, allow_hyphen_values = true)]
    std: Option<[f32; 3]>,
    /// How images become input: keep, square:SIDE or crop:RESIZE:CROP; the encoder's usual otherwise.
    #[arg(long, value_name = "HOW", value_parser = parse_resize)]
    resize: Option<Resize>,
    /// Seed of augmentations and samples.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Uniformity from this many sampled pairs, with its standard error, instead of all.
    #[arg(long, value_name = "N")]
    sample_pairs: Option<u64>,
    /// At most this many images: a seeded sample.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl RequestArgs {
    /// The request that the flags describe.
    ///
    /// # Errors
    /// When no encoder or no images were named (unless `falls_back_to_demo`), or the stage does
    /// not exist.
    pub fn request(&self, falls_back_to_demo: bool) -> anyhow::Result<Request> {
        let demo = demo_request();
        let encoder = match (&self.checkpoint, &self.untrained) {
            (Some(path), _) => EncoderSource::File(path.clone()),
            (None, Some(architecture)) => EncoderSource::Untrained {
                architecture: architecture.clone(),
                seed: self.weights_seed,
            },
            (None, None) if self.bundled.is_some() => {
                EncoderSource::Bundled(self.bundled.clone().unwrap_or_default())
            }
            (None, None) if falls_back_to_demo => demo.encoder,
            (None, None) => bail!(
                "name an encoder: --checkpoint FILE, --bundled NAME or --untrained ARCHITECTURE"
            ),
        };
        let images = match (&self.images, self.builtin) {
            (Some(path), _) => ImagesSource::Path {
                path: path.clone(),
                masks: self.masks.clone(),
            },
            (None, Some(kind)) => ImagesSource::Builtin(BuiltinConfig {
                kind,
                count: self.builtin_count as usize,
                side: self.builtin_side,
                seed: self.builtin_seed,
            }),
            (None, None) if falls_back_to_demo => demo.images,
            (None, None) => {
                bail!("name the images: --images PATH or --builtin single-object|multi-object")
            }
        };
        let kind = match (self.kind, &encoder) {
            (Some(kind), _) => kind,
            (None, EncoderSource::Bundled(name)) => Bundled::named(name)?.kind,
            (None, _) => FeatureKind::Pooled,
        };
        if !kind.is_dense() {
            for (is_given, flag) in [
                (self.matching.is_some(), "--matching"),
                (self.pair_set.is_some(), "--pair-set"),
            ] {
                if is_given {
                    bail!(
                        "{flag} is about the locations of dense features: it needs --kind dense \
                         or --kind projected-dense"
                    );
                }
            }
        }
        let stage = match &self.stage {
            Some(name) => Some(stage_number(name, &encoder, self.root.as_deref())?),
            None => None,
        };
        Ok(Request {
            root: self.root.clone(),
            kind,
            stage,
            pairs: self.pairs,
            matching: self.matching.unwrap_or_default(),
            pair_set: self.pair_set.unwrap_or_default(),
            alpha: self.alpha,
            t: self.t,
            normalisation: self.normalisation.or_else(|| {
                let (mean, std) = (self.mean?, self.std?);
                Some(Normalisation { mean, std })
            }),
            resize: self.resize,
            seed: self.seed,
            sample_pairs: self.sample_pairs,
            limit: self.limit,
            ..Request::new(encoder, images)
        })
    }

    /// The request for one of several checkpoints; over `images` when the flags name none.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_for(
        &self,
        checkpoint: PathBuf,
        images: Option<ImagesSource>,
    ) -> anyhow::Result<Request> {
        let mut named = Self {
            checkpoint: Some(checkpoint),
            ..self.clone()
        };
        let usual = images.filter(|_| self.images.is_none() && self.builtin.is_none());
        if usual.is_some() {
            named.builtin = Some(BuiltinKind::SingleObject);
        }
        let mut request = named.request(false)?;
        request.images = usual.unwrap_or(request.images);
        Ok(request)
    }

    /// Runs the request with a progress bar on standard error.
    ///
    /// # Errors
    /// What the request or the analysis refuses.
    pub fn analyse(&self, compute: &Compute, falls_back_to_demo: bool) -> anyhow::Result<Analysis> {
        let request = self.request(falls_back_to_demo)?;
        let analysis =
            watched(|progress| analyse(&request, compute, &mut Cache::headless(), progress))?;
        tell_doubts(&analysis.report, &analysis.images);
        Ok(analysis)
    }

    /// Runs the request over dense features unless it names a kind, keeping in `cache` what was
    /// opened.
    ///
    /// # Errors
    /// What the request or the analysis refuses.
    pub fn analyse_dense(&self, compute: &Compute, cache: &mut Cache) -> anyhow::Result<Analysis> {
        let dense = Self {
            kind: self.kind.or(Some(FeatureKind::Dense)),
            ..self.clone()
        };
        let request = dense.request(false)?;
        let analysis = watched(|progress| analyse(&request, compute, cache, progress))?;
        tell_doubts(&analysis.report, &analysis.images);
        Ok(analysis)
    }

    /// Runs the request's forward passes alone, with a progress bar on standard error.
    ///
    /// # Errors
    /// What the request or the passes refuse.
    pub fn embed(&self, compute: &Compute) -> anyhow::Result<(Request, Embedding)> {
        let request = self.request(false)?;
        let embedding =
            watched(|progress| embed(&request, compute, &mut Cache::headless(), progress))?;
        tell_doubts(&embedding.loaded.report, &embedding.images);
        Ok((request, embedding))
    }
}

/// Runs work under a progress bar that is gone when it returns.
pub(super) fn watched<T>(work: impl FnOnce(&Progress) -> T) -> T {
    let bar = super::output::Bar::new();
    let outcome = work(&bar.progress());
    bar.finish();
    outcome
}

/// Says on standard error what a reader of the numbers should know of their inputs.
fn tell_doubts(report: &KeyReport, images: &ImageSet) {
    for warning in &report.warnings {
        log::warn!("{warning}");
    }
    let skipped = images.skipped();
    if !skipped.is_empty() {
        log::warn!("{} files were skipped:", skipped.len());
        for file in skipped.iter().take(10) {
            log::warn!("  {}: {}", file.name, file.reason);
        }
    }
}

/// A stage given by its number or its name.
fn stage_number(text: &str, encoder: &EncoderSource, root: Option<&str>) -> anyhow::Result<usize> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let architecture = match encoder {
        EncoderSource::File(path) => {
            let options = OpenOptions {
                root: root.map(str::to_owned),
            };
            checkpoint::inspect_with(path, &options)?.architecture
        }
        EncoderSource::Untrained { architecture, .. } => architecture.clone(),
        EncoderSource::Bundled(_) => parse_architecture("tiny").map_err(anyhow::Error::msg)?,
        EncoderSource::Run { .. } | EncoderSource::Place { .. } => {
            bail!("weights in memory have no stage on the command line")
        }
    };
    let stages = architecture.stages();
    stages
        .iter()
        .position(|stage| stage.name == text)
        .with_context(|| {
            let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
            format!(
                "{} has no stage '{text}': one of {}",
                architecture.name(),
                names.join(", ")
            )
        })
}

fn three_numbers(text: &str) -> Result<[f32; 3], String> {
    let numbers = text
        .split(',')
        .map(|word| {
            word.trim()
                .parse::<f32>()
                .map_err(|_| format!("'{}' is not a number", word.trim()))
        })
        .collect::<Result<Vec<f32>, _>>()?;
    match numbers[..] {
        [one] => Ok([one; 3]),
        [red, green, blue] => Ok([red, green, blue]),
        _ => Err(format!(
            "expected three numbers R,G,B, found {}",
            numbers.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: RequestArgs,
    }

    #[test]
    fn three_numbers_or_one_for_all() {
        assert_eq!(three_numbers("0.5"), Ok([0.5; 3]));
        assert_eq!(three_numbers("1, 2,3"), Ok([1.0, 2.0, 3.0]));
        assert!(three_numbers("1,2").is_err());
        assert!(three_numbers("a,b,c").unwrap_err().contains("'a'"));
    }

    #[test]
    fn a_printed_command_line_reads_back_as_its_request() {
        let mut request = demo_request();
        request.kind = FeatureKind::Dense;
        request.stage = Some(1);
        request.normalisation = Some(Normalisation {
            mean: [0.1, -0.2, 0.3],
            std: [0.4, 0.5, 0.6],
        });
        request.resize = Some(Resize::Square(48));
        request.sample_pairs = Some(1000);
        request.limit = Some(7);
        let line = request.command_line();
        let words = line.split(' ').filter(|word| *word != "measure");
        let program = Program::try_parse_from(words).unwrap();
        assert_eq!(program.args.request(false).unwrap(), request);
    }

    #[test]
    fn an_encoder_must_be_named_unless_the_demo_will_do() {
        let program = Program::try_parse_from(["spherescope"]).unwrap();
        assert!(program.args.request(false).is_err());
        assert_eq!(program.args.request(true).unwrap(), demo_request());
    }
}
