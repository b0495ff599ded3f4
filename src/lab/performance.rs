//! What an encoder's frozen features are worth downstream.

use serde::{Deserialize, Serialize};

use super::LabError;
use crate::{
    analysis::{Cache, Embedding, Request, embed},
    compute::Compute,
    features::FeatureKind,
    measure::{
        Fit, FitSettings, HoldOut, MeasureError, Rows, dense_probe, knn, linear_probe,
        multi_label_probe, pooled_mask,
    },
    progress::Progress,
};

/// What performance is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// The class of an image, by its nearest neighbours.
    Knn,
    /// The class of an image, by a linear classifier.
    Linear,
    /// What is in an image, by a linear classifier a thing.
    MultiLabel,
    /// What is where, by a linear classifier a location.
    Dense,
}

impl Task {
    /// All, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Knn, Self::Linear, Self::MultiLabel, Self::Dense];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Knn => "knn",
            Self::Linear => "linear",
            Self::MultiLabel => "multi-label",
            Self::Dense => "dense",
        }
    }

    /// The number that stands for it.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Knn | Self::Linear => "accuracy",
            Self::MultiLabel => "mean average precision",
            Self::Dense => "mIoU",
        }
    }

    fn kind(self) -> FeatureKind {
        match self {
            Self::Dense => FeatureKind::Dense,
            Self::Knn | Self::Linear | Self::MultiLabel => FeatureKind::Pooled,
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|task| task.name() == text)
            .ok_or_else(|| format!("unknown task '{text}': knn, linear, multi-label or dense"))
    }
}

/// How performance is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PerformanceSettings {
    /// Which tasks; the first is *the* performance of a series.
    pub tasks: Vec<Task>,
    /// Share of the images that is held out.
    pub held_out: f64,
    /// Seed of the split.
    pub seed: u64,
    /// Neighbours of k-NN.
    pub k: usize,
    /// Temperature of their votes.
    pub temperature: f64,
    /// Mask id that counts nowhere.
    pub ignore: Option<u8>,
    /// At most so many images for the dense probe, a seeded sample; all without.
    pub dense_limit: Option<usize>,
    /// How the linear classifiers are fitted.
    pub fit: FitSettings,
}

impl Default for PerformanceSettings {
    fn default() -> Self {
        Self {
            tasks: vec![Task::Linear, Task::Knn],
            held_out: 0.5,
            seed: 0,
            k: 20,
            temperature: 0.07,
            ignore: Some(255),
            dense_limit: None,
            fit: FitSettings::default(),
        }
    }
}

impl PerformanceSettings {
    /// Refuses settings that give no performance.
    ///
    /// # Errors
    /// [`LabError::Setting`], and what the fit refuses.
    pub fn check(&self) -> Result<(), LabError> {
        let positive = self.temperature > 0.0 && self.temperature.is_finite();
        let distinct: std::collections::BTreeSet<Task> = self.tasks.iter().copied().collect();
        if self.tasks.is_empty() {
            Err(LabError::setting("the tasks", "at least one", "none"))
        } else if distinct.len() < self.tasks.len() {
            Err(LabError::setting("the tasks", "all different", "one twice"))
        } else if !(self.held_out > 0.0 && self.held_out < 1.0) {
            let range = "between 0 and 1";
            Err(LabError::setting(
                "the held-out share",
                range,
                self.held_out,
            ))
        } else if self.k == 0 {
            Err(LabError::setting("k of k-NN", "at least 1", 0))
        } else if !positive {
            let range = "a finite number above 0";
            Err(LabError::setting(
                "the temperature of k-NN",
                range,
                self.temperature,
            ))
        } else if self.dense_limit == Some(0) {
            let name = "the limit of images of the dense probe";
            Err(LabError::setting(name, "at least 1", 0))
        } else {
            Ok(self.fit.check()?)
        }
    }
}

/// How one task came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// The task.
    pub task: Task,
    /// What the value is.
    pub metric: &'static str,
    /// In [0, 1], higher is better; absent when it does not exist here.
    pub value: Option<f64>,
    /// Why there is no value.
    pub why_absent: Option<String>,
    /// What knowing nothing of the image gives.
    pub chance: Option<f64>,
    /// Standard error over held-out images of a share that is right.
    pub standard_error: Option<f64>,
    /// More numbers by name: pixel accuracy, IoU or average precision of each class.
    pub more: Vec<(String, Option<f64>)>,
    /// How it was computed, in symbols.
    pub formula: String,
    /// Over what: images, split and seed, features.
    pub population: String,
    /// How the fit ended, where something is fitted.
    pub fit: Option<Fit>,
}

impl Judgement {
    fn absent(task: Task, why: impl Into<String>) -> Self {
        Self {
            task,
            metric: task.metric(),
            value: None,
            why_absent: Some(why.into()),
            chance: None,
            standard_error: None,
            more: Vec::new(),
            formula: String::new(),
            population: String::new(),
            fit: None,
        }
    }

    fn with_value(mut self, value: f64, chance: f64) -> Self {
        self.value = Some(value);
        self.chance = Some(chance);
        self.why_absent = None;
        self
    }
}

/// Measures each task on the frozen features of the request's encoder at the request's stage:
/// pooled ones for images, dense ones for locations. Images of the request are split anew, by
/// class where they have one.
///
/// # Errors
/// What keeps the encoder or the images from being used at all. A task that does not exist for
/// these images (no labels, no masks) is no error: it says why.
pub fn performance(
    request: &Request,
    settings: &PerformanceSettings,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Vec<Judgement>, LabError> {
    let mut judged = Vec::with_capacity(settings.tasks.len());
    // Tasks that share features follow each other: the cache holds one extraction.
    for kind in [FeatureKind::Pooled, FeatureKind::Dense] {
        let tasks: Vec<Task> = (settings.tasks.iter().copied())
            .filter(|task| task.kind() == kind)
            .collect();
        if tasks.is_empty() {
            continue;
        }
        let limit = match kind {
            FeatureKind::Dense => least(request.limit, settings.dense_limit),
            _ => request.limit,
        };
        let wanted = Request {
            kind,
            limit,
            stage: request
                .stage
                .filter(|_| request.kind.is_dense() == kind.is_dense()),
            ..request.clone()
        };
        match embed(&wanted, compute, cache, progress) {
            Ok(embedding) => {
                let subject = Subject::new(embedding, settings);
                for task in tasks {
                    judged.push(subject.judge(task, progress)?);
                }
            }
            Err(crate::analysis::AnalysisError::Features(
                error @ crate::features::FeatureError::NoLocations { .. },
            )) => {
                judged.extend(
                    tasks
                        .into_iter()
                        .map(|task| Judgement::absent(task, error.to_string())),
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    judged.sort_by_key(|judgement| {
        settings
            .tasks
            .iter()
            .position(|task| *task == judgement.task)
    });
    Ok(judged)
}

fn least(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Features with the images behind them and their split.
struct Subject<'a> {
    embedding: Embedding,
    settings: &'a PerformanceSettings,
    /// Place among the distinct images, a row.
    item_of_row: Vec<usize>,
    /// Index in the set, a distinct image.
    images: Vec<usize>,
}

impl<'a> Subject<'a> {
    fn new(embedding: Embedding, settings: &'a PerformanceSettings) -> Self {
        let of_rows = &embedding.extraction.features.images;
        let mut images: Vec<usize> = of_rows.iter().map(|image| *image as usize).collect();
        images.sort_unstable();
        images.dedup();
        let item_of_row = of_rows
            .iter()
            .map(|image| images.partition_point(|other| *other < *image as usize))
            .collect();
        Self {
            embedding,
            settings,
            item_of_row,
            images,
        }
    }

    fn judge(&self, task: Task, progress: &Progress) -> Result<Judgement, LabError> {
        let outcome = match task {
            Task::Knn => self.knn(progress),
            Task::Linear => self.linear(progress),
            Task::MultiLabel => self.multi_label(progress),
            Task::Dense => self.dense(progress),
        };
        match outcome {
            Err(error) if error.is_cancelled() => Err(error),
            // What these images or features lack is said where the number would stand.
            Err(LabError::Measure(error)) => Ok(Judgement::absent(task, error.to_string())),
            other => other,
        }
    }

    fn rows(&self) -> Result<Rows<'_>, MeasureError> {
        let features = &self.embedding.extraction.features;
        Rows::new(&features.values, features.dim)
    }

    /// Labels of the distinct images, when all have one.
    fn labels(&self) -> Option<Vec<u32>> {
        let records = self.embedding.images.records();
        self.images
            .iter()
            .map(|image| records.get(*image)?.label)
            .collect()
    }

    /// The split of the images, by class where they have one.
    fn split(&self) -> Result<HoldOut, MeasureError> {
        let PerformanceSettings { held_out, seed, .. } = *self.settings;
        match self.labels() {
            Some(labels) => HoldOut::stratified(&labels, held_out, seed),
            None => HoldOut::plain(self.images.len(), held_out, seed),
        }
    }

    fn population(&self, split: &HoldOut) -> String {
        let provenance = &self.embedding.extraction.features.provenance;
        let how = match self.labels() {
            Some(_) => "split by class",
            None => "split",
        };
        format!(
            "{} images to learn from, {} held out ({how}, seed {}) of {} in {} ({}); frozen {} features at {}",
            split.train.len(),
            split.test.len(),
            self.settings.seed,
            provenance.image_total,
            provenance.images,
            provenance.choice,
            provenance.kind,
            provenance.stage,
        )
    }

    fn solver(&self) -> String {
        format!(
            "L2 with C = {}, features standardised by those learned from, L-BFGS to a gradient of {:e}",
            self.settings.fit.c, self.settings.fit.tolerance
        )
    }

    fn knn(&self, progress: &Progress) -> Result<Judgement, LabError> {
        let Some(labels) = self.labels() else {
            return Ok(Judgement::absent(Task::Knn, NO_LABELS));
        };
        let split = self.split()?;
        let unit = self.embedding.extraction.features.unit_rows();
        let rows = Rows::new(&unit, self.embedding.extraction.features.dim)?;
        let PerformanceSettings { k, temperature, .. } = *self.settings;
        let found = knn(rows, &labels, &split, k, temperature, progress)?;
        let judgement = Judgement {
            standard_error: share_error(found.accuracy, split.test.len()),
            formula: format!(
                "class with the largest Σ exp(cos/{temperature}) over the {} nearest by cosine",
                found.neighbours
            ),
            population: self.population(&split),
            ..Judgement::absent(Task::Knn, "")
        };
        Ok(judgement.with_value(found.accuracy, found.chance))
    }

    fn linear(&self, progress: &Progress) -> Result<Judgement, LabError> {
        let Some(labels) = self.labels() else {
            return Ok(Judgement::absent(Task::Linear, NO_LABELS));
        };
        let split = self.split()?;
        let found = linear_probe(self.rows()?, &labels, &split, &self.settings.fit, progress)?;
        let judgement = Judgement {
            standard_error: share_error(found.accuracy, split.test.len()),
            more: vec![(
                "accuracy on what was learned".to_owned(),
                Some(found.train_accuracy),
            )],
            formula: format!("multinomial logistic regression, {}", self.solver()),
            population: self.population(&split),
            fit: Some(found.fit),
            ..Judgement::absent(Task::Linear, "")
        };
        Ok(judgement.with_value(found.accuracy, found.chance))
    }

    fn multi_label(&self, progress: &Progress) -> Result<Judgement, LabError> {
        let set = &self.embedding.images;
        if !set.has_masks() {
            return Ok(Judgement::absent(Task::MultiLabel, NO_MASKS));
        }
        let mut shown = Vec::with_capacity(self.images.len());
        let mut has_mask = Vec::with_capacity(self.images.len());
        for &image in &self.images {
            progress.check()?;
            let mut is_there = [false; 256];
            let mask = set.mask(image)?;
            has_mask.push(mask.is_some());
            for id in mask.iter().flat_map(image::ImageBuffer::as_raw) {
                is_there[usize::from(*id)] = true;
            }
            shown.push(is_there);
        }
        let ignore = self.settings.ignore;
        // 0 is the background, which is everywhere.
        let things: Vec<usize> = (1..256)
            .filter(|id| ignore.map(usize::from) != Some(*id) && shown.iter().any(|is| is[*id]))
            .collect();
        if things.is_empty() {
            return Ok(Judgement::absent(
                Task::MultiLabel,
                "no mask shows anything but background",
            ));
        }
        let present: Vec<bool> = shown
            .iter()
            .flat_map(|is_there| things.iter().map(|id| is_there[*id]))
            .collect();
        let mut split = self.split()?;
        // What is in an image without a mask is not known: that is not "nothing".
        split.train.retain(|item| has_mask[*item]);
        split.test.retain(|item| has_mask[*item]);
        let unknown = has_mask.iter().filter(|has_mask| !**has_mask).count();
        let found =
            multi_label_probe(self.rows()?, &present, &split, &self.settings.fit, progress)?;
        let more = things.iter().zip(&found.average_precisions);
        let judgement = Judgement {
            more: more
                .map(|(id, value)| (format!("AP {}", self.mask_class(*id)), *value))
                .collect(),
            formula: format!(
                "mean over things of Σ (R_n − R_{{n−1}}) P_n; a thing is there when its mask shows \
                 a pixel; logistic regression a thing, {}",
                self.solver()
            ),
            population: match unknown {
                0 => self.population(&split),
                unknown => format!(
                    "{}; {unknown} images without a mask left out",
                    self.population(&split)
                ),
            },
            fit: Some(found.fit),
            ..Judgement::absent(Task::MultiLabel, "")
        };
        Ok(judgement.with_value(found.mean_average_precision, found.chance))
    }

    fn dense(&self, progress: &Progress) -> Result<Judgement, LabError> {
        let set = &self.embedding.images;
        if !set.has_masks() {
            return Ok(Judgement::absent(Task::Dense, NO_MASKS));
        }
        let labels = self.location_labels(progress)?;
        let most = labels.iter().flatten().max().copied().unwrap_or(0) as usize;
        let classes = (most + 1).max(set.mask_classes().len());
        let split = self.split()?;
        let rows = split.of_rows(&self.item_of_row);
        let found = dense_probe(
            self.rows()?,
            &labels,
            classes,
            &rows,
            &self.settings.fit,
            progress,
        )?;
        let mut more = vec![
            ("pixel accuracy".to_owned(), Some(found.pixel_accuracy)),
            (
                "pixel accuracy by chance".to_owned(),
                Some(found.chance_accuracy),
            ),
        ];
        let ious = found
            .ious
            .iter()
            .enumerate()
            .filter(|(_, iou)| iou.is_some());
        more.extend(ious.map(|(id, iou)| (format!("IoU {}", self.mask_class(id)), *iou)));
        let judgement = Judgement {
            more,
            formula: format!(
                "mean over classes of hits / (hits + misses + false alarms) on the feature grid; \
                 masks pooled to it by majority; multinomial logistic regression a location, {}",
                self.solver()
            ),
            population: format!(
                "{}; {} and {} locations, {} ignored",
                self.population(&split),
                found.locations[0],
                found.locations[1],
                found.ignored
            ),
            fit: Some(found.fit),
            ..Judgement::absent(Task::Dense, "")
        };
        Ok(judgement.with_value(found.mean_iou, found.chance_mean_iou))
    }

    /// Class of each row's location; `None` to be ignored, as images without a mask are.
    fn location_labels(&self, progress: &Progress) -> Result<Vec<Option<u32>>, LabError> {
        let features = &self.embedding.extraction.features;
        let (Some(cells), Some(grids)) = (&features.cells, &features.grids) else {
            return Ok(vec![None; features.len()]);
        };
        let mut labels = vec![None; features.len()];
        let mut pooled: Option<(u32, Option<Vec<u8>>)> = None;
        for (row, (&image, (cell, grid))) in features
            .images
            .iter()
            .zip(cells.iter().zip(grids))
            .enumerate()
        {
            let is_known = pooled.as_ref().is_some_and(|(of, _)| *of == image);
            if !is_known {
                progress.check()?;
                pooled = Some((image, self.pooled(image as usize, *grid)?));
            }
            if let Some((_, Some(ids))) = &pooled {
                let at = usize::from(cell[0]) * usize::from(grid[1]) + usize::from(cell[1]);
                let id = ids.get(at).copied();
                labels[row] = id
                    .filter(|id| Some(*id) != self.settings.ignore)
                    .map(u32::from);
            }
        }
        Ok(labels)
    }

    fn pooled(&self, image: usize, grid: [u16; 2]) -> Result<Option<Vec<u8>>, LabError> {
        let Some(mask) = self.embedding.images.mask(image)? else {
            return Ok(None);
        };
        let size = [mask.width(), mask.height()];
        let [x, y, width, height] = self.embedding.preprocess.geometry(size).crop;
        let region = [x, y, x + width, y + height];
        Ok(Some(pooled_mask(
            mask.as_raw(),
            size,
            region,
            grid.map(usize::from),
        )))
    }

    fn mask_class(&self, id: usize) -> String {
        let names = self.embedding.images.mask_classes();
        names
            .get(id)
            .cloned()
            .unwrap_or_else(|| format!("class {id}"))
    }
}

const NO_LABELS: &str = "not all images have a class: one folder a class, or the built-in set";
const NO_MASKS: &str = "the images have no masks";

/// √(p(1 − p)/n).
fn share_error(share: f64, n: usize) -> Option<f64> {
    (n > 0).then(|| (share * (1.0 - share) / n as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{EncoderSource, ImagesSource, demo_request},
        compute::DevicePolicy,
        data::{BuiltinConfig, BuiltinKind},
    };

    fn judged(kind: BuiltinKind, tasks: &[Task]) -> Vec<Judgement> {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let images = ImagesSource::Builtin(BuiltinConfig {
            kind,
            count: 160,
            side: 32,
            seed: 3,
        });
        let encoder = EncoderSource::Bundled("healthy".to_owned());
        let settings = PerformanceSettings {
            tasks: tasks.to_vec(),
            dense_limit: Some(48),
            ..PerformanceSettings::default()
        };
        let request = Request {
            kind: FeatureKind::Projected,
            ..Request::new(encoder, images)
        };
        let cache = &mut Cache::headless();
        performance(&request, &settings, &compute, cache, &Progress::none()).unwrap()
    }

    #[test]
    fn every_task_is_judged_above_chance_on_the_built_in_scenes() {
        let all = judged(BuiltinKind::MultiObject, &Task::ALL);
        assert_eq!(all.iter().map(|j| j.task).collect::<Vec<_>>(), Task::ALL);
        for judgement in &all {
            let (value, chance) = (judgement.value.unwrap(), judgement.chance.unwrap());
            assert!((0.0..=1.0).contains(&value), "{judgement:?}");
            // What 80 held-out images and a tiny encoder surely allow: not far below chance.
            assert!(value > 0.8 * chance, "{judgement:?}");
            assert!(judgement.population.contains("seed 0"), "{judgement:?}");
        }
        let dense = &all[3];
        assert!(
            dense.value.unwrap() > 1.1 * dense.chance.unwrap(),
            "{dense:?}"
        );
        assert!(
            dense.population.contains("48 drawn"),
            "{}",
            dense.population
        );
        assert!(dense.more.iter().any(|(name, _)| name == "IoU background"));
    }

    #[test]
    fn images_without_a_mask_are_left_out_of_the_multi_label_probe() {
        let folder = tempfile::tempdir().unwrap();
        let [images, masks] = ["images", "masks"].map(|name| folder.path().join(name));
        std::fs::create_dir(&images).unwrap();
        std::fs::create_dir(&masks).unwrap();
        for index in 0..24_u8 {
            let name = format!("{index:02}.png");
            image::RgbImage::from_pixel(32, 32, image::Rgb([10 * index; 3]))
                .save(images.join(&name))
                .unwrap();
            if index % 3 != 0 {
                image::GrayImage::from_pixel(32, 32, image::Luma([index % 2]))
                    .save(masks.join(&name))
                    .unwrap();
            }
        }
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let request = Request {
            images: ImagesSource::Path {
                path: images,
                masks: Some(masks),
            },
            ..demo_request()
        };
        let settings = PerformanceSettings {
            tasks: vec![Task::MultiLabel],
            ..PerformanceSettings::default()
        };
        let cache = &mut Cache::headless();
        let all = performance(&request, &settings, &compute, cache, &Progress::none()).unwrap();
        let population = &all[0].population;
        assert!(
            population.contains("8 images without a mask left out"),
            "{all:?}"
        );
    }

    #[test]
    fn images_without_labels_or_masks_are_answered_in_words() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..4_u8 {
            let path = folder.path().join(format!("{index}.png"));
            image::RgbImage::from_pixel(32, 32, image::Rgb([40 * index; 3]))
                .save(path)
                .unwrap();
        }
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let request = Request {
            images: ImagesSource::Path {
                path: folder.path().to_owned(),
                masks: None,
            },
            ..demo_request()
        };
        let settings = PerformanceSettings {
            tasks: Task::ALL.to_vec(),
            ..PerformanceSettings::default()
        };
        let cache = &mut Cache::headless();
        let all = performance(&request, &settings, &compute, cache, &Progress::none()).unwrap();
        let why = |index: usize| all[index].why_absent.clone().unwrap();
        assert!(all.iter().all(|judgement| judgement.value.is_none()));
        assert!(why(0).contains("class") && why(2).contains("masks") && why(3).contains("masks"));
    }
}
