//! The dense map of one picture: as the set is analysed, at the picture's own size, or of two
//! augmented views of it.

use image::RgbImage;

use super::{FeatureError, FeatureKind, MatchingRule, extract::Plan, tiles::Locations};
use crate::{
    compute::Compute,
    data::{
        AugmentConfig, Normalisation, Preprocess, Resize, ViewGeometry, augmented_view,
        resize_bilinear,
    },
    geometry::normalise_rows,
    models::{DenseHead, Model},
    progress::Progress,
};

/// Most locations of one map. A picture whose map would have more is scaled down, and says so.
pub const MAP_LIMIT_CELLS: usize = 65_536;

/// Most memory of one map's vectors.
const MAP_LIMIT_BYTES: usize = 256 << 20;

/// Largest side of a picture at its own size; larger ones are scaled down, and say so.
const MAP_LIMIT_SIDE: u32 = 4096;

/// Which vectors of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapRequest {
    /// Dense or projected-dense.
    pub kind: FeatureKind,
    /// Number of the stage; the architecture's default when `None`.
    pub stage: Option<usize>,
    /// Constants of the input.
    pub normalisation: Normalisation,
}

/// One vector a location of a picture.
#[derive(Clone, Debug)]
pub struct DenseMap {
    /// Rows and columns.
    pub grid: [usize; 2],
    /// Numbers in a vector.
    pub dim: usize,
    /// Raw vectors, row by row: `[rows · columns, dim]`.
    pub values: Vec<f32>,
    /// Which part of the picture the map covers.
    pub geometry: ViewGeometry,
    /// What the encoder saw, without the normalisation.
    pub picture: RgbImage,
    /// What was done to the picture, in words.
    pub how: String,
    kind: FeatureKind,
    other: Option<(usize, Vec<f32>)>,
}

impl DenseMap {
    /// Unit rows that an argmax rule compares, and their dimension; `None` for rules that compare
    /// nothing and for features that the model does not have.
    pub fn compared(&self, rule: MatchingRule) -> Option<(usize, Vec<f32>)> {
        let kind = match rule {
            MatchingRule::BackboneArgmax => FeatureKind::Dense,
            MatchingRule::ProjectedArgmax => FeatureKind::ProjectedDense,
            _ => return None,
        };
        let (dim, mut rows) = if kind == self.kind {
            (self.dim, self.values.clone())
        } else {
            self.other.clone()?
        };
        normalise_rows(&mut rows, dim);
        Some((dim, rows))
    }

    fn new(
        kind: FeatureKind,
        locations: Locations,
        geometry: ViewGeometry,
        picture: RgbImage,
        how: String,
    ) -> Self {
        Self {
            grid: locations.grid,
            dim: locations.dim,
            values: locations.values,
            geometry,
            picture,
            how,
            kind,
            other: locations.other,
        }
    }
}

/// The map of a picture resized as the set is, or at its own size with [`Resize::Keep`]: in tiles
/// that overlap by the receptive field where it is large, and scaled down where its map would have
/// more than [`MAP_LIMIT_CELLS`] locations. [`DenseMap::how`] says what was done.
///
/// # Errors
/// See [`FeatureError`]; a picture too small for the network among them.
pub fn picture_map(
    model: &Model,
    picture: &RgbImage,
    what: &MapRequest,
    resize: Resize,
    compute: &Compute,
    progress: &Progress,
) -> Result<DenseMap, FeatureError> {
    let plan = Plan::new(model, what.kind, what.stage)?;
    let size = [picture.width(), picture.height()];
    let (input, how) = match resize {
        Resize::Keep => own_size(&plan, picture),
        other => (None, other.to_string()),
    };
    let preprocess = Preprocess {
        resize,
        normalisation: what.normalisation,
    };
    let (pixels, input_size) = preprocess.apply(input.as_ref().unwrap_or(picture))?;
    let geometry = preprocess.geometry(size);
    let locations = plan.locations(&pixels, input_size, true, compute, progress)?;
    let how = match locations.passes {
        1 => how,
        passes => format!(
            "{how}, in {passes} tiles that overlap by the receptive field ({} px)",
            field_size(&plan)
        ),
    };
    let shown = shown(&pixels, input_size, &what.normalisation);
    Ok(DenseMap::new(what.kind, locations, geometry, shown, how))
}

/// The maps of two augmented views, as positive pairs are made: `row` is the image's
/// [`ImageSet::row`](crate::data::ImageSet::row), so that the views are those that alignment is
/// measured over.
///
/// # Errors
/// See [`FeatureError`].
#[expect(
    clippy::too_many_arguments,
    reason = "what decides a view, each of another kind"
)]
pub fn view_maps(
    model: &Model,
    picture: &RgbImage,
    what: &MapRequest,
    augment: &AugmentConfig,
    side: u32,
    [seed, row]: [u64; 2],
    compute: &Compute,
    progress: &Progress,
) -> Result<[DenseMap; 2], FeatureError> {
    augment.validate()?;
    let plan = Plan::new(model, what.kind, what.stage)?;
    let view = |number: u64| -> Result<DenseMap, FeatureError> {
        let (pixels, geometry) = augmented_view(
            picture,
            augment,
            side,
            &what.normalisation,
            seed,
            row,
            number,
        );
        let size = [side as usize; 2];
        let locations = plan.locations(&pixels, size, true, compute, progress)?;
        let how = format!(
            "view {} of 2: augmentation {} at {side} px, seed {seed}",
            number + 1,
            augment.name()
        );
        let shown = shown(&pixels, size, &what.normalisation);
        Ok(DenseMap::new(what.kind, locations, geometry, shown, how))
    };
    Ok([view(0)?, view(1)?])
}

/// The picture scaled down where its own size is too much (`None` where it is not), and in words.
fn own_size(plan: &Plan<'_>, picture: &RgbImage) -> (Option<RgbImage>, String) {
    let own = [picture.width(), picture.height()];
    let blueprint = plan.model.encoder.blueprint();
    let head = plan.model.dense_head.as_ref().map_or(0, DenseHead::outputs);
    let numbers = plan.stage.channels + head;
    let most = MAP_LIMIT_CELLS.min(MAP_LIMIT_BYTES / (4 * numbers.max(1)));
    let fits = |[width, height]: [u32; 2]| {
        let grid = blueprint.map_size([height as usize, width as usize], plan.stage_index);
        let cells = grid.map_or(0, |grid| grid[0] * grid[1]);
        cells <= most && width.max(height) <= MAP_LIMIT_SIDE
    };
    let words = |size: [u32; 2]| format!("{}×{} px", size[0], size[1]);
    if fits(own) {
        return (None, format!("at its own size, {}", words(own)));
    }
    let mut scale = (f64::from(MAP_LIMIT_SIDE) / f64::from(own[0].max(own[1]))).min(1.0);
    let scaled = |scale: f64| own.map(|side| ((f64::from(side) * scale) as u32).max(1));
    while !fits(scaled(scale)) && scale > 1e-3 {
        scale *= 0.98;
    }
    let size = scaled(scale);
    let small = resize_bilinear(picture, [0, 0, own[0], own[1]], size);
    let how = format!(
        "scaled down from {} to {}: at most {most} locations and {MAP_LIMIT_SIDE} px a side",
        words(own),
        words(size)
    );
    (Some(small), how)
}

fn field_size(plan: &Plan<'_>) -> usize {
    let field = plan
        .model
        .encoder
        .blueprint()
        .receptive_field(plan.stage_index);
    field.map_or(0, |field| field.size())
}

/// Normalised planes as a picture again.
fn shown(pixels: &[f32], [height, width]: [usize; 2], constants: &Normalisation) -> RgbImage {
    let plane = height * width;
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let place = y as usize * width + x as usize;
        image::Rgb(std::array::from_fn(|c| {
            let value = pixels[c * plane + place] * constants.std[c] + constants.mean[c];
            (value * 255.0).round().clamp(0.0, 255.0) as u8
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkpoint::untrained,
        compute::DevicePolicy,
        models::{Architecture, Shortcut},
    };

    fn noise(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let value = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
            image::Rgb([(value >> 8) as u8, (value >> 16) as u8, (x + y) as u8])
        })
    }

    fn request() -> MapRequest {
        MapRequest {
            kind: FeatureKind::Dense,
            stage: None,
            normalisation: Normalisation::HALF,
        }
    }

    #[test]
    fn a_large_picture_is_scaled_down_and_says_so() {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let architecture = Architecture::CifarResNet {
            depth: 8,
            shortcut: Shortcut::A,
        };
        let loaded = untrained(&architecture, 0, compute.device()).unwrap();
        let none = Progress::none();
        let what = MapRequest {
            stage: Some(0),
            ..request()
        };
        // Stride 1: as many locations as pixels.
        let picture = noise(400, 300);
        let map = picture_map(
            &loaded.model,
            &picture,
            &what,
            Resize::Keep,
            &compute,
            &none,
        )
        .unwrap();
        assert!(map.grid[0] * map.grid[1] <= MAP_LIMIT_CELLS);
        assert!(map.grid[0] * map.grid[1] > MAP_LIMIT_CELLS * 9 / 10);
        assert!(map.how.contains("scaled down from 400×300"), "{}", map.how);
        assert_eq!(map.geometry.crop, [0.0, 0.0, 400.0, 300.0]);
        assert_eq!(map.picture.width() as usize, map.grid[1]);
    }

    #[test]
    fn views_are_those_of_the_positive_pairs() {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let architecture = Architecture::TinyConvNet { width: 4 };
        let loaded = untrained(&architecture, 0, compute.device()).unwrap();
        let none = Progress::none();
        let picture = noise(64, 48);
        let augment = AugmentConfig::wang_isola();
        let maps = view_maps(
            &loaded.model,
            &picture,
            &request(),
            &augment,
            32,
            [5, 7],
            &compute,
            &none,
        )
        .unwrap();
        for (number, map) in maps.iter().enumerate() {
            let (pixels, geometry) = augmented_view(
                &picture,
                &augment,
                32,
                &Normalisation::HALF,
                5,
                7,
                number as u64,
            );
            assert_eq!(map.geometry, geometry);
            let plan = Plan::new(&loaded.model, FeatureKind::Dense, None).unwrap();
            let rows = plan
                .locations(&pixels, [32, 32], false, &compute, &none)
                .unwrap();
            assert_eq!(map.values, rows.values);
            assert_eq!(map.grid, [8, 8]);
            // The model has no dense head, and geometry compares nothing.
            assert!(map.compared(MatchingRule::ProjectedArgmax).is_none());
            assert!(map.compared(MatchingRule::Geometric).is_none());
            let (dim, rows) = map.compared(MatchingRule::BackboneArgmax).unwrap();
            assert_eq!((dim, rows.len()), (16, 64 * 16));
        }
    }

    #[test]
    fn a_picture_that_is_too_small_is_refused_in_words() {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let architecture = Architecture::SmallAlexNet {
            channels_in: 3,
            feat_dim: 2,
            input_side: 64,
        };
        let loaded = untrained(&architecture, 0, compute.device()).unwrap();
        let none = Progress::none();
        let error = picture_map(
            &loaded.model,
            &noise(5, 5),
            &request(),
            Resize::Keep,
            &compute,
            &none,
        )
        .unwrap_err();
        assert!(error.to_string().contains("too small"), "{error}");
    }
}
