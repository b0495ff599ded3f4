//! The collapse verdict over a series of checkpoints: a row each.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::{LabError, checkpoints_in};
use crate::{
    analysis::{Cache, EncoderSource, ImagesSource, KindDiagnosis, Request, diagnose_kind, quoted},
    compute::{Compute, DeviceReport},
    measure::collapse::{CollapseFigure, THRESHOLDS, Verdict},
    progress::Progress,
    training::RunConfig,
};

/// Figures that the table shows, by name and as headings; the others are in the JSON.
pub const VERDICT_COLUMNS: [(&str, &str); 9] = [
    ("mean cosine", "mean x·y"),
    ("spread", "std·√d"),
    ("uniformity", "L_uniform"),
    ("RankMe", "RankMe"),
    ("participation ratio", "PR"),
    ("W2 uniformity", "W2"),
    ("α-ReQ", "α-ReQ"),
    ("within-prototype variance", "within prot."),
    ("within-image cosine", "cos in image"),
];

/// What is said of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowVerdict {
    /// The verdict with its evidence.
    pub verdict: Verdict,
    /// Vectors, N.
    pub rows: usize,
    /// Dimensions, d.
    pub dim: usize,
    /// All figures, as beside a single verdict.
    pub figures: Vec<CollapseFigure>,
    /// Where the vectors come from.
    pub provenance: String,
}

impl RowVerdict {
    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let figure = self.figures.iter().find(|figure| figure.name == name)?;
        figure.value
    }
}

/// A checkpoint and its verdict, or why it has none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictRow {
    /// Path below what the series' files have in common.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Step of the run that saved it, by its name.
    pub step: Option<usize>,
    /// What was found.
    pub found: Option<RowVerdict>,
    /// Why there is nothing.
    pub why_absent: Option<String>,
}

impl VerdictRow {
    /// The verdict in a few words, or that there is none.
    pub fn title(&self) -> String {
        self.found
            .as_ref()
            .map_or_else(|| "not judged".to_owned(), |found| found.verdict.title())
    }
}

/// Verdicts of many checkpoints over the same images, by the same settings.
#[derive(Clone, Debug)]
pub struct VerdictSeries {
    /// What was asked of each; its encoder is the first.
    pub request: Request,
    /// Checkpoints in order.
    pub files: Vec<PathBuf>,
    /// Those that are done, in the order of `files`.
    pub rows: Vec<VerdictRow>,
    /// What computed.
    pub device: DeviceReport,
}

impl VerdictSeries {
    /// Whether every checkpoint has its row.
    pub fn is_finished(&self) -> bool {
        self.rows.len() == self.files.len()
    }

    /// The row of a checkpoint of a series that was called off, worth keeping: failures are tried
    /// again.
    fn known(&self, path: &Path) -> Option<&VerdictRow> {
        let is_it = |row: &&VerdictRow| row.path == path && row.found.is_some();
        self.rows.iter().find(is_it)
    }

    /// The command that gives the same without a window; `paths` are what was named.
    pub fn command_line(&self, paths: &[PathBuf]) -> String {
        let line = self.request.command_line();
        let mut words = vec!["spherescope diagnose".to_owned()];
        words.extend(paths.iter().map(|path| quoted(&path.display().to_string())));
        // The flag of the one encoder goes, what says over which images and how stays.
        let rest = ["--images ", "--builtin "]
            .into_iter()
            .find_map(|flag| Some(format!("{flag}{}", line.split_once(flag)?.1)));
        words.extend(rest);
        words.join(" ")
    }

    /// The images in a few words.
    pub fn images_title(&self) -> String {
        match &self.request.images {
            ImagesSource::Path { path, .. } => path.display().to_string(),
            ImagesSource::Builtin(config) => format!(
                "{} built-in images, {} px, seed {}",
                config.count, config.side, config.seed
            ),
        }
    }

    /// Everything with what decides it.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "request": self.request,
            "device": self.device,
            "normalisation_of_features": "plain L2",
            "thresholds": THRESHOLDS,
            "rows": self.rows,
        })
    }
}

/// The checkpoints that some paths mean: files themselves, folders with all below.
///
/// # Errors
/// [`LabError::File`] for a path that is not there, or a folder that holds none.
pub fn encoders_among(paths: &[PathBuf]) -> Result<Vec<PathBuf>, LabError> {
    let mut files = Vec::new();
    for path in paths {
        let found = if path.is_dir() {
            checkpoints_in(path)?
        } else if path.is_file() {
            vec![path.clone()]
        } else {
            return Err(LabError::File {
                path: path.clone(),
                reason: "there is no such file or folder".into(),
            });
        };
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// The scenes that a saved run probes itself on; `None` for another folder.
pub fn images_of_run(folder: &Path) -> Option<ImagesSource> {
    let settings = folder.join("run.toml");
    let config = RunConfig::open(&settings).ok()?;
    Some(config.probe_images())
}

/// Judges every file by the settings of `request`, whose encoder each of them takes the place of.
/// Rows of `known` that are of one of these files are kept; failed ones are tried again. `each` sees
/// the series after every row.
///
/// A file that cannot be judged has a row that says why.
///
/// # Errors
/// Only when asked to stop; what `each` saw stays.
pub fn verdict_series(
    files: &[PathBuf],
    request: &Request,
    known: Option<&VerdictSeries>,
    compute: &Compute,
    progress: &Progress,
    mut each: impl FnMut(&VerdictSeries),
) -> Result<VerdictSeries, LabError> {
    let mut series = VerdictSeries {
        request: request.clone(),
        files: files.to_vec(),
        rows: Vec::new(),
        device: compute.report().clone(),
    };
    let known = known.filter(|known| known.request == *request);
    let common = common_folder(files);
    let mut cache = Cache::headless();
    let total = Some(files.len() as u64);
    for (place, path) in files.iter().enumerate() {
        progress.check()?;
        progress.report("judging checkpoints", place as u64, total);
        if let Some(row) = known.and_then(|known| known.known(path)) {
            series.rows.push(row.clone());
            continue;
        }
        let request = Request {
            encoder: EncoderSource::File(path.clone()),
            ..request.clone()
        };
        let quiet = progress.silent();
        let (found, why_absent) = match diagnose_kind(&request, compute, &mut cache, &quiet) {
            Ok(found) => row_of(found),
            Err(error) if error.is_cancelled() => return Err(error.into()),
            Err(error) => (None, Some(error.to_string())),
        };
        let below = path.strip_prefix(&common).unwrap_or(path);
        series.rows.push(VerdictRow {
            name: below.display().to_string(),
            path: path.clone(),
            step: step_of(path),
            found,
            why_absent,
        });
        each(&series);
    }
    progress.report("judging checkpoints", files.len() as u64, total);
    Ok(series)
}

fn row_of(found: KindDiagnosis) -> (Option<RowVerdict>, Option<String>) {
    let Some(diagnosis) = found.diagnosis else {
        return (None, found.why_absent);
    };
    let provenance = found.provenance.map(|provenance| provenance.line());
    let row = RowVerdict {
        verdict: diagnosis.verdict,
        rows: diagnosis.rows,
        dim: diagnosis.dim,
        figures: diagnosis.figures,
        provenance: provenance.unwrap_or_default(),
    };
    (Some(row), None)
}

/// The deepest folder that all files are in.
fn common_folder(files: &[PathBuf]) -> PathBuf {
    let mut folders = files.iter().filter_map(|file| file.parent());
    let Some(first) = folders.next() else {
        return PathBuf::new();
    };
    let mut common = first.to_owned();
    for folder in folders {
        while !folder.starts_with(&common) {
            if !common.pop() {
                return common;
            }
        }
    }
    common
}

fn step_of(path: &Path) -> Option<usize> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    stem.strip_prefix("step-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compute::DevicePolicy,
        data::{BuiltinConfig, BuiltinKind},
        features::FeatureKind,
    };

    fn bundled(name: &str) -> PathBuf {
        let encoders = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
        encoders.join(format!("{name}.safetensors"))
    }

    #[test]
    fn files_are_named_below_what_they_share() {
        let paths = ["/a/b/c.pth", "/a/b/d/e.pth"].map(PathBuf::from);
        assert_eq!(common_folder(&paths), Path::new("/a/b"));
        assert_eq!(common_folder(&[]), PathBuf::new());
        assert_eq!(step_of(Path::new("run/step-000120.safetensors")), Some(120));
        assert_eq!(step_of(Path::new("run/best.pth")), None);
    }

    #[test]
    fn a_series_names_each_collapse_and_goes_on_where_it_was_called_off() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["complete-collapse", "healthy"] {
            std::fs::copy(
                bundled(name),
                folder.path().join(format!("{name}.safetensors")),
            )
            .unwrap();
        }
        std::fs::write(folder.path().join("broken.pth"), b"nothing").unwrap();
        let files = encoders_among(&[folder.path().to_owned()]).unwrap();
        assert!(encoders_among(&[folder.path().join("none.pth")]).is_err());
        let images = ImagesSource::Builtin(BuiltinConfig {
            kind: BuiltinKind::SingleObject,
            count: 64,
            side: 32,
            seed: 1,
        });
        let request = Request {
            kind: FeatureKind::Projected,
            ..Request::new(EncoderSource::File(files[0].clone()), images)
        };
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        // Called off after the second row.
        let progress = Progress::none();
        let mut kept = None;
        let outcome = verdict_series(&files, &request, None, &compute, &progress, |series| {
            kept = Some(series.clone());
            if series.rows.len() == 2 {
                progress.cancel();
            }
        });
        assert!(outcome.unwrap_err().is_cancelled());
        let kept = kept.unwrap();
        assert!(!kept.is_finished() && kept.rows.len() == 2);
        let mut fresh = 0;
        let series = verdict_series(
            &files,
            &request,
            Some(&kept),
            &compute,
            &Progress::none(),
            |_| fresh += 1,
        )
        .unwrap();
        // The broken one is tried again, the finished one is kept.
        assert!(series.is_finished() && fresh == 2, "{fresh}");
        let titles: Vec<String> = series.rows.iter().map(VerdictRow::title).collect();
        assert_eq!(titles[0], "not judged");
        assert!(series.rows[0].why_absent.is_some());
        assert_eq!(titles[1], "complete");
        assert!(!titles[2].starts_with("complete"), "{titles:?}");
        let cosine = |row: usize| {
            let found = series.rows[row].found.as_ref().unwrap();
            found.figure("mean cosine").unwrap()
        };
        assert!(cosine(1) > 0.9 && cosine(2) < 0.9);
        // Other settings keep nothing.
        let other = Request { t: 3.0, ..request };
        let mut fresh = 0;
        let again = verdict_series(
            &files[1..2],
            &other,
            Some(&series),
            &compute,
            &Progress::none(),
            |_| fresh += 1,
        );
        assert!(again.is_ok() && fresh == 1);
    }
}
