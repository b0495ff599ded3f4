//! The newest results, prepared for drawing. Made on the worker; panels only read it.

use std::sync::Arc;

use crate::{
    analysis::{Analysis, EncoderSource, Request},
    data::ImageRecord,
    geometry::{
        kde::{gaussian_grid_2d, scott_bandwidth},
        vmf::{SphereDensity, circle_kappa, circle_ring, sphere_kappa},
    },
    measure::Rows,
    progress::{Cancelled, Progress},
    ui::widgets::Histogram,
};

/// Samples of a density around the circle.
pub const RING_SAMPLES: usize = 360;
/// Bins of the histogram of angles.
pub const ANGLE_BINS: usize = 72;
/// Bins of the histogram of pair distances, over [0, 2].
pub const DISTANCE_BINS: usize = 80;
/// Cells along each side of the plane's density.
pub const PLANE_BINS: usize = 96;
/// The plane reaches this far from the centre along both axes.
pub const PLANE_EXTENT: f32 = 1.35;
/// Width and height of the sphere's density map.
pub const DENSITY_MAP: [usize; 2] = [192, 96];
/// Classes beyond this many get no ring of their own, which keeps a frame short. Past twenty their
/// colours repeat and the legend's solo tells them apart.
pub const MOST_RINGS: usize = 256;

/// Densities around the circle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Angular {
    /// Angle of each point in radians, −π to π.
    pub angles_rad: Vec<f32>,
    /// Concentration κ of the kernels.
    pub kappa: f64,
    /// Density per radian at `RING_SAMPLES` even angles from 0, of all points.
    pub overall: Vec<f32>,
    /// The same for each class, with its share of the points.
    pub classes: Vec<(u32, Vec<f32>)>,
    /// Counts of angles in `ANGLE_BINS` even bins from −π.
    pub counts: Vec<u32>,
}

/// A density on a square grid, row by row from the bottom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid2 {
    /// Density per unit area.
    pub values: Vec<f32>,
    /// Cells along each side.
    pub bins: usize,
    /// The grid covers −extent to extent along both axes.
    pub extent: f32,
    /// Standard deviation of the kernels.
    pub bandwidth: f32,
}

/// Prototypes of a run's loss in the pictures of its features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlacedPrototypes {
    /// Place of each on S²; the origin for one that the picture keeps nothing of.
    pub sphere: Vec<[f32; 3]>,
    /// Place of each on S¹.
    pub circle: Vec<[f32; 2]>,
}

impl PlacedPrototypes {
    /// Those of `analysis`, by the axes of its pictures; none for anything without.
    fn of(analysis: &Analysis) -> Self {
        let Some(prototypes) = &analysis.prototypes else {
            return Self::default();
        };
        let rows = Rows::new(&prototypes.centroids, prototypes.dim).ok();
        let places = rows.map(|rows| (analysis.sphere.place(rows), analysis.circle.place(rows)));
        match places {
            Some((Ok(sphere), Ok(circle))) => Self {
                sphere: sphere.coords,
                circle: circle.coords,
            },
            _ => Self::default(),
        }
    }
}

/// What the panels draw that is not part of the results themselves.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Points on S².
    pub sphere: Arc<Vec<[f32; 3]>>,
    /// Points on S¹.
    pub circle: Arc<Vec<[f32; 2]>>,
    /// Densities around the circle.
    pub angular: Angular,
    /// Gaussian density in the plane of the circle.
    pub plane: Grid2,
    /// Density per steradian of the points on S², on an equirectangular map of `DENSITY_MAP`.
    pub sphere_density: Vec<f32>,
    /// Concentration κ of that density's kernels.
    pub sphere_kappa: f32,
    /// Distances of positive pairs.
    pub distances: Histogram,
    /// Least and greatest ‖z‖.
    pub norm_range: [f32; 2],
    /// Points of each class.
    pub class_counts: Vec<usize>,
    /// Prototypes of a run; empty for anything without.
    pub prototypes: PlacedPrototypes,
}

impl Prepared {
    /// Prepares `analysis`; takes about a second for a hundred thousand points.
    ///
    /// # Errors
    /// [`Cancelled`] when asked to stop.
    pub fn new(analysis: &Analysis, progress: &Progress) -> Result<Self, Cancelled> {
        progress.report("estimating densities", 0, None);
        let sphere = Arc::new(analysis.sphere.coords.clone());
        let circle = Arc::new(analysis.circle.coords.clone());
        let labels = analysis.features.labels.as_deref();
        let angular = Angular::new(&circle, labels, progress)?;
        progress.check()?;
        let bandwidth = scott_bandwidth(&circle);
        let plane = Grid2 {
            values: gaussian_grid_2d(&circle, bandwidth, PLANE_BINS, PLANE_EXTENT),
            bins: PLANE_BINS,
            extent: PLANE_EXTENT,
            bandwidth,
        };
        progress.check()?;
        let kappa = sphere_kappa(&sphere);
        let [width, height] = DENSITY_MAP;
        let sphere_density = SphereDensity::new(&sphere, kappa).equirectangular(width, height);
        progress.check()?;
        Ok(Self {
            angular,
            plane,
            sphere_density,
            sphere_kappa: kappa,
            distances: Histogram::new(&analysis.pairs.distances, 0.0, 2.0, DISTANCE_BINS),
            norm_range: range(&analysis.norms),
            class_counts: class_counts(labels, analysis.images.classes().len()),
            prototypes: PlacedPrototypes::of(analysis),
            sphere,
            circle,
        })
    }
}

impl Angular {
    fn new(
        points: &[[f32; 2]],
        labels: Option<&[u32]>,
        progress: &Progress,
    ) -> Result<Self, Cancelled> {
        let angles_rad: Vec<f32> = points.iter().map(|[x, y]| y.atan2(*x)).collect();
        let kappa = circle_kappa(&angles_rad);
        let overall = circle_ring(&angles_rad, kappa, RING_SAMPLES);
        let mut classes = Vec::new();
        if let Some(labels) = labels {
            let mut members = std::collections::BTreeMap::<u32, Vec<f32>>::new();
            for (label, angle) in labels.iter().zip(&angles_rad) {
                members.entry(*label).or_default().push(*angle);
            }
            for (class, angles) in members.into_iter().take(MOST_RINGS) {
                progress.check()?;
                let share = angles.len() as f32 / angles_rad.len().max(1) as f32;
                let ring = circle_ring(&angles, kappa, RING_SAMPLES);
                classes.push((class, ring.into_iter().map(|value| value * share).collect()));
            }
        }
        let mut counts = vec![0; ANGLE_BINS];
        for angle in angles_rad.iter().filter(|angle| angle.is_finite()) {
            let turn = (angle / std::f32::consts::TAU + 0.5).clamp(0.0, 1.0);
            counts[((turn * ANGLE_BINS as f32) as usize).min(ANGLE_BINS - 1)] += 1;
        }
        Ok(Self {
            angles_rad,
            kappa,
            overall,
            classes,
            counts,
        })
    }
}

fn range(values: &[f32]) -> [f32; 2] {
    values
        .iter()
        .filter(|value| value.is_finite())
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &value| {
            [low.min(value), high.max(value)]
        })
}

fn class_counts(labels: Option<&[u32]>, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels.unwrap_or_default() {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    counts
}

/// The newest results.
#[derive(Clone)]
pub struct Snapshot {
    /// The results.
    pub analysis: Arc<Analysis>,
    /// What the panels draw of them.
    pub prepared: Arc<Prepared>,
    /// Grows with every snapshot, so that derived things know when they are old.
    pub serial: u64,
}

impl Snapshot {
    /// What these results answer.
    pub fn request(&self) -> &Request {
        &self.analysis.request
    }

    /// Whether these are a frame of a training run, or of a place of a slice: no request could ask for
    /// them again.
    pub fn is_of_run(&self) -> bool {
        matches!(
            self.request().encoder,
            EncoderSource::Run { .. } | EncoderSource::Place { .. }
        )
    }

    /// Steps that the run of this frame had done; `None` for anything else.
    pub fn run_step(&self) -> Option<usize> {
        match self.request().encoder {
            EncoderSource::Run { step, .. } => Some(step),
            _ => None,
        }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.analysis.features.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The image that a row comes from.
    pub fn record(&self, row: u32) -> Option<&ImageRecord> {
        let image = *self.analysis.features.images.get(row as usize)?;
        self.analysis.images.records().get(image as usize)
    }

    /// Class of a row.
    pub fn label(&self, row: u32) -> Option<u32> {
        self.analysis
            .features
            .labels
            .as_ref()?
            .get(row as usize)
            .copied()
    }

    /// Name of a class.
    pub fn class_name(&self, class: u32) -> String {
        let names = self.analysis.images.classes();
        names
            .get(class as usize)
            .cloned()
            .unwrap_or_else(|| format!("class {class}"))
    }

    /// Name of a row: its image, and its cell for dense features.
    pub fn name(&self, row: u32) -> String {
        let image = self
            .record(row)
            .map_or("unknown image", |record| record.name.as_str());
        match self.cell(row) {
            Some([cell_row, cell_column]) => format!("{image} [{cell_row}, {cell_column}]"),
            None => image.to_owned(),
        }
    }

    /// Cell of a row, for dense features.
    pub fn cell(&self, row: u32) -> Option<[u16; 2]> {
        self.analysis
            .features
            .cells
            .as_ref()?
            .get(row as usize)
            .copied()
    }

    /// Length of a row's vector that the sphere shows, 0 to 1.
    pub fn kept_norm(&self, row: u32) -> Option<f32> {
        self.analysis.sphere.kept_norm.get(row as usize).copied()
    }

    /// ‖z‖ of a row.
    pub fn norm(&self, row: u32) -> Option<f32> {
        self.analysis.norms.get(row as usize).copied()
    }

    /// A short name for titles: encoder, images, kind.
    pub fn title(&self) -> String {
        let request = self.request();
        format!(
            "{} · {} · {}",
            request.encoder.title(),
            self.analysis.images.name(),
            request.kind.name()
        )
    }
}
