//! The one or two pictures that are looked at: their maps, masks and correspondences.

use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::{
    Correspondence, DenseError,
    correspondence::{Party, correspondences},
    mask,
};
use crate::{
    analysis::{Analysis, AnalysisError, view_augmentation},
    checkpoint::LoadedModel,
    compute::Compute,
    data::{Preprocess, Resize, ViewGeometry, resize_bilinear},
    features::{
        DenseMap, FeatureKind, MapRequest, MatchingRule, input_side, picture_map, view_maps,
    },
    geometry::{normalise_rows, row_norm},
    measure::{self, MeasureError, PairSet, Rows, counted},
    progress::Progress,
};

/// Longer side of the picture that is shown of an analysed image, pixels.
const SHOWN_SIDE: u32 = 768;
/// Up to so many locations within-image uniformity is summed over all pairs.
const EXACT_CELLS: usize = 8192;
/// Pairs that are drawn beyond that.
const SAMPLED_PAIRS: u64 = 1_000_000;

/// What stands beside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beside {
    /// Nothing: one picture.
    #[default]
    Nothing,
    /// Another image of the set.
    Image(u32),
    /// Nothing of its own: two augmented views of the image stand beside each other.
    Views,
}

/// Where a picture's map comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapSource {
    /// The set's own features: the picture as it was analysed.
    #[default]
    Analysed,
    /// The picture at its own size through the encoder: the map grows with it.
    OwnSize,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectRequest {
    /// Index in the image set.
    pub image: u32,
    /// What stands beside it.
    pub beside: Beside,
    /// Where maps come from; views are always made anew.
    pub source: MapSource,
}

impl SubjectRequest {
    /// Whether the encoder has to be asked; else the analysed features do.
    pub fn needs_encoder(&self) -> bool {
        self.beside == Beside::Views || self.source == MapSource::OwnSize
    }
}

/// Uniformity within one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Within {
    /// log mean exp(−t‖x − y‖²) over pairs of locations; or why there is none.
    pub value: Result<f64, String>,
    /// Least possible value in this dimension.
    pub floor: f64,
    /// Over which pairs.
    pub population: String,
}

/// One picture with its map.
#[derive(Clone, Debug)]
pub struct Side {
    /// Index in the image set.
    pub image: u32,
    /// What the encoder saw of it, or the same part of the source image.
    pub picture: Arc<RgbImage>,
    /// Which part of the source image the map covers.
    pub geometry: ViewGeometry,
    /// Rows and columns of the map.
    pub grid: [usize; 2],
    /// Unit vectors, row by row: `[rows · columns, dim]`.
    pub unit: Arc<Vec<f32>>,
    /// ‖z‖ of each raw vector.
    pub norms: Vec<f32>,
    /// Row of the analysed set for the first location, when the map is the set's own.
    pub first_row: Option<u32>,
    /// What was done to the picture, in words.
    pub how: String,
    /// Commonest mask id of each location, when the image has a mask.
    pub classes: Option<Vec<Option<u8>>>,
    /// Uniformity within the picture.
    pub within: Within,
}

impl Side {
    /// How many locations there are.
    pub fn cells(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Row of the analysed set for a location, when the map is the set's own.
    pub fn row_of(&self, cell: usize) -> Option<u32> {
        Some(self.first_row? + cell as u32)
    }

    /// The unit vector of a location; `dim` is [`Subject::dim`].
    ///
    /// # Panics
    /// When `cell` is not below [`cells`](Self::cells).
    pub fn vector(&self, cell: usize, dim: usize) -> &[f32] {
        &self.unit[cell * dim..(cell + 1) * dim]
    }

    /// Seed of the random rule for this image: the one that positive pairs are drawn with.
    pub(super) fn stream(&self, seed: u64) -> u64 {
        seed ^ u64::from(self.image).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// One or two pictures with their maps.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What was asked.
    pub request: SubjectRequest,
    /// Numbers in a vector.
    pub dim: usize,
    /// One or two.
    pub sides: Vec<Side>,
    /// What corresponds by each rule; empty for one picture.
    pub correspondences: Vec<Correspondence>,
}

impl Subject {
    /// A side, when it has this location.
    ///
    /// # Errors
    /// [`DenseError::NoSuchCell`].
    pub fn side(&self, side: usize, cell: usize) -> Result<&Side, DenseError> {
        let found = self.sides.get(side).or(self.sides.last());
        let grid = found.map_or([0; 2], |side| side.grid);
        found
            .filter(|side| cell < side.cells() && !self.sides.is_empty())
            .ok_or(DenseError::NoSuchCell {
                row: cell / grid[1].max(1),
                column: cell % grid[1].max(1),
                rows: grid[0],
                columns: grid[1],
            })
    }

    /// The correspondence by a rule, for two pictures.
    pub fn correspondence(&self, rule: MatchingRule) -> Option<&Correspondence> {
        self.correspondences.iter().find(|found| found.rule == rule)
    }

    /// ‖x − y‖^α between partners by `rule` for each location of the first picture and of the
    /// second, where several may lead to one: the mean of theirs. `None` for locations without; or
    /// why there are none.
    ///
    /// # Errors
    /// In words for the reader.
    pub fn alignment(
        &self,
        rule: MatchingRule,
        alpha: f64,
    ) -> Result<[Vec<Option<f32>>; 2], String> {
        let found = self
            .correspondence(rule)
            .ok_or("alignment needs two pictures: choose two views or another image beside")?;
        let matches = found.matches.as_ref().map_err(Clone::clone)?;
        let cells = |side: usize| self.sides.get(side).map_or(0, Side::cells);
        let mut first = vec![None; cells(0)];
        let mut second = vec![(0.0_f64, 0_u32); cells(1)];
        for pair in matches {
            let value = f64::from(pair.distance).powf(alpha);
            first[pair.from as usize] = Some(value as f32);
            let (sum, count) = &mut second[pair.to as usize];
            *sum += value;
            *count += 1;
        }
        let mean = |(sum, count): (f64, u32)| (count > 0).then(|| (sum / f64::from(count)) as f32);
        Ok([first, second.into_iter().map(mean).collect()])
    }
}

/// Makes the maps of what is asked. `encoder` is called where
/// [`SubjectRequest::needs_encoder`] says so.
///
/// # Errors
/// See [`DenseError`].
pub fn subject(
    analysis: &Analysis,
    request: SubjectRequest,
    encoder: impl FnOnce(&Progress) -> Result<Arc<LoadedModel>, AnalysisError>,
    compute: &Compute,
    progress: &Progress,
) -> Result<Subject, DenseError> {
    let features = &analysis.features;
    if !features.kind.is_dense() {
        return Err(DenseError::NotDense {
            kind: features.kind,
        });
    }
    let maker = Maker { analysis, progress };
    let loaded = if request.needs_encoder() {
        Some(encoder(progress)?)
    } else {
        None
    };
    let (sides, maps) = match (&loaded, request.beside) {
        (Some(loaded), Beside::Views) => maker.views(loaded, request.image, compute)?,
        (Some(loaded), beside) => {
            let mut sides = Vec::new();
            let mut maps = Vec::new();
            for image in images_of(request.image, beside) {
                let (side, map) = maker.own_size(loaded, image, compute)?;
                sides.push(side);
                maps.push(map);
            }
            (sides, maps)
        }
        (None, beside) => {
            let sides: Result<Vec<Side>, DenseError> = images_of(request.image, beside)
                .map(|image| maker.analysed(image))
                .collect();
            (sides?, Vec::new())
        }
    };
    let is_one_image = request.beside == Beside::Views;
    let correspondences = match &sides[..] {
        [first, second] => correspondences(
            [
                Party {
                    side: first,
                    map: maps.first(),
                },
                Party {
                    side: second,
                    map: maps.get(1),
                },
            ],
            features.dim,
            own_rule(features.kind),
            is_one_image,
            analysis.request.seed,
            progress,
        )?,
        _ => Vec::new(),
    };
    Ok(Subject {
        request,
        dim: features.dim,
        sides,
        correspondences,
    })
}

/// The argmax rule that compares the analysed vectors themselves.
fn own_rule(kind: FeatureKind) -> MatchingRule {
    if kind == FeatureKind::ProjectedDense {
        MatchingRule::ProjectedArgmax
    } else {
        MatchingRule::BackboneArgmax
    }
}

fn images_of(image: u32, beside: Beside) -> impl Iterator<Item = u32> {
    let other = match beside {
        Beside::Image(other) => Some(other),
        Beside::Nothing | Beside::Views => None,
    };
    std::iter::once(image).chain(other)
}

/// What sides are made from.
struct Maker<'a> {
    analysis: &'a Analysis,
    progress: &'a Progress,
}

impl Maker<'_> {
    /// The set's own features of an image.
    fn analysed(&self, image: u32) -> Result<Side, DenseError> {
        let features = &self.analysis.features;
        let no_such_image = || DenseError::NoSuchImage {
            image,
            name: (self.analysis.images.records().get(image as usize)).map_or_else(
                || "no image of the set".to_owned(),
                |record| record.name.clone(),
            ),
            count: features.provenance.image_count,
            choice: features.provenance.choice.clone(),
        };
        let first = features
            .images
            .iter()
            .position(|other| *other == image)
            .ok_or_else(no_such_image)?;
        let grid = features
            .grids
            .as_ref()
            .and_then(|grids| grids.get(first))
            .map(|grid| grid.map(usize::from))
            .ok_or_else(no_such_image)?;
        let rows = first..first + grid[0] * grid[1];
        let picture = self.analysis.images.load(image as usize)?;
        let preprocess = features.provenance.preprocess;
        let geometry = preprocess.geometry([picture.width(), picture.height()]);
        let side = Side {
            image,
            picture: Arc::new(part(&picture, &geometry)),
            geometry,
            grid,
            unit: Arc::new(
                self.analysis.unit[rows.start * features.dim..rows.end * features.dim].to_vec(),
            ),
            norms: self.analysis.norms[rows.clone()].to_vec(),
            first_row: Some(rows.start as u32),
            how: format!("as analysed: {}", preprocess.resize),
            classes: None,
            within: Within::pending(),
        };
        self.completed(side)
    }

    /// An image at its own size through the encoder.
    fn own_size(
        &self,
        loaded: &LoadedModel,
        image: u32,
        compute: &Compute,
    ) -> Result<(Side, DenseMap), DenseError> {
        let picture = self.analysis.images.load(image as usize)?;
        let map = picture_map(
            &loaded.model,
            &picture,
            &self.map_request(),
            Resize::Keep,
            compute,
            self.progress,
        )?;
        let side = self.of_map(image, &map, Some(part(&picture, &map.geometry)))?;
        Ok((side, map))
    }

    /// Two augmented views of an image.
    fn views(
        &self,
        loaded: &LoadedModel,
        image: u32,
        compute: &Compute,
    ) -> Result<(Vec<Side>, Vec<DenseMap>), DenseError> {
        let set = &self.analysis.images;
        let picture = set.load(image as usize)?;
        let row = set.row(image as usize).unwrap_or(image as usize) as u64;
        let preprocess: Preprocess = self.analysis.features.provenance.preprocess;
        let side = input_side(&preprocess, &loaded.report.architecture);
        let maps = view_maps(
            &loaded.model,
            &picture,
            &self.map_request(),
            &view_augmentation(),
            side,
            [self.analysis.request.seed, row],
            compute,
            self.progress,
        )?;
        let sides: Result<Vec<Side>, DenseError> = maps
            .iter()
            .map(|map| self.of_map(image, map, None))
            .collect();
        Ok((sides?, maps.into()))
    }

    fn map_request(&self) -> MapRequest {
        MapRequest {
            kind: self.analysis.features.kind,
            stage: self.analysis.request.stage,
            normalisation: self.analysis.features.provenance.preprocess.normalisation,
        }
    }

    fn of_map(
        &self,
        image: u32,
        map: &DenseMap,
        picture: Option<RgbImage>,
    ) -> Result<Side, DenseError> {
        let mut unit = map.values.clone();
        normalise_rows(&mut unit, map.dim);
        Rows::new(&unit, map.dim)?.check_unit("the map", 1)?;
        let norms = map
            .values
            .chunks_exact(map.dim)
            .map(|row| row_norm(row) as f32)
            .collect();
        self.completed(Side {
            image,
            picture: Arc::new(picture.unwrap_or_else(|| map.picture.clone())),
            geometry: map.geometry,
            grid: map.grid,
            unit: Arc::new(unit),
            norms,
            first_row: None,
            how: map.how.clone(),
            classes: None,
            within: Within::pending(),
        })
    }

    /// Adds mask classes and the uniformity within the picture.
    fn completed(&self, mut side: Side) -> Result<Side, DenseError> {
        self.progress.check()?;
        match self.analysis.images.mask(side.image as usize) {
            Ok(Some(ids)) => {
                side.classes = Some(mask::majority(&ids, &side.geometry, side.grid));
            }
            Ok(None) => {}
            Err(error) => log::warn!("{error}"),
        }
        side.within = Within::of(&side, self.analysis, self.progress)?;
        Ok(side)
    }
}

impl Within {
    fn pending() -> Self {
        Self {
            value: Err("not measured".to_owned()),
            floor: 0.0,
            population: String::new(),
        }
    }

    fn of(side: &Side, analysis: &Analysis, progress: &Progress) -> Result<Self, DenseError> {
        let (t, seed) = (analysis.request.t, analysis.request.seed);
        let dim = analysis.features.dim;
        let cells = side.cells();
        let rows = Rows::new(&side.unit, dim)?;
        let measured = if cells <= EXACT_CELLS {
            measure::uniformity(rows, t, PairSet::All, progress)
        } else {
            measure::uniformity_sampled(rows, t, PairSet::All, SAMPLED_PAIRS, seed, progress)
        };
        let pairs = cells * cells.saturating_sub(1) / 2;
        let population = if cells <= EXACT_CELLS {
            let (pairs, cells) = (
                counted(pairs as u64, "pair"),
                counted(cells as u64, "location"),
            );
            format!("all {pairs} of its {cells}")
        } else {
            format!(
                "{SAMPLED_PAIRS} draws from {pairs} pairs of its {cells} locations, seed {seed}"
            )
        };
        let value = match measured {
            Ok(found) => Ok(found.value),
            Err(MeasureError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Self {
            value,
            floor: measure::uniformity_floor(dim, t),
            population: format!("t = {t}, {population}"),
        })
    }
}

/// The part of the source image that a map covers, at most [`SHOWN_SIDE`] pixels a side.
fn part(image: &RgbImage, geometry: &ViewGeometry) -> RgbImage {
    let [x, y, width, height] = geometry.crop.map(|value| value.round().max(0.0) as u32);
    let longer = width.max(height).max(1);
    let size = [width, height].map(|side| {
        let scaled = u64::from(side) * u64::from(SHOWN_SIDE.min(longer)) / u64::from(longer);
        (scaled as u32).max(1)
    });
    resize_bilinear(image, [x, y, width, height], size)
}
