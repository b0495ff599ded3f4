//! One encoder's features with the images behind them: each task as its probe answers it.

use super::{Judgement, PerformanceSettings, Task};
use crate::{
    analysis::Embedding,
    lab::LabError,
    measure::{
        HoldOut, MeasureError, Rows, dense_probe, knn, linear_probe, multi_label_probe, pooled_mask,
    },
    progress::Progress,
};

/// Features with the images behind them and their split.
pub(super) struct Subject<'a> {
    embedding: Embedding,
    settings: &'a PerformanceSettings,
    /// Place among the distinct images, a row.
    item_of_row: Vec<usize>,
    /// Index in the set, a distinct image.
    images: Vec<usize>,
}

impl<'a> Subject<'a> {
    pub fn new(embedding: Embedding, settings: &'a PerformanceSettings) -> Self {
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

    pub fn judge(&self, task: Task, progress: &Progress) -> Result<Judgement, LabError> {
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
