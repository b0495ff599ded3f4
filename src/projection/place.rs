//! Places of rows on the sphere or the circle.

use super::{PrincipalAxes, ProjectionError, principal_axes};
use crate::{
    geometry::{
        procrustes::{procrustes, procrustes_circle},
        row_norm,
    },
    measure::Rows,
    progress::Progress,
};
use glam::{Vec2, Vec3};
use rayon::prelude::*;
use serde::Serialize;

/// Kept norm below which a row has no direction in the picture; its place is the origin.
const LEAST_KEPT_NORM: f64 = 1e-6;

/// How places came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ProjectionKind {
    /// The features live in the picture's own dimension and are shown as they are.
    Exact,
    /// The features live in fewer dimensions and are shown as they are, with zeros added: a circle
    /// is the sphere's equator z = 0, S⁰ two opposite points on the x axis.
    Embedded,
    /// Principal component analysis without centring, re-normalised.
    PcaUncentred,
}

impl ProjectionKind {
    /// The kind in words, for legends and provenance.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Embedded => "exact, embedded",
            Self::PcaUncentred => "PCA without centring, re-normalised",
        }
    }
}

impl std::fmt::Display for ProjectionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Rows of unit features on S^{K−1}: on the sphere (K = 3) or the circle (K = 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Projection<const K: usize = 3> {
    /// Dimension d of the features.
    pub dim: usize,
    /// K orthonormal axes of d numbers each, one after the other; axes beyond d are zero.
    pub basis: Vec<f32>,
    /// Share of the rows' mean squared norm along each axis.
    pub energy: [f32; K],
    /// Place of each row: a unit vector, or the origin for a row that keeps nothing.
    pub coords: Vec<[f32; K]>,
    /// Norm of each row's projection before re-normalising: 1 is kept whole, 0 invisible here.
    pub kept_norm: Vec<f32>,
    /// Mean of `kept_norm`.
    pub mean_kept_norm: f32,
    /// How the places came about.
    pub kind: ProjectionKind,
}

/// Places of rows in a projection that was made for others.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<const K: usize = 3> {
    /// Place of each row, as [`Projection::coords`].
    pub coords: Vec<[f32; K]>,
    /// Kept norm of each row, as [`Projection::kept_norm`].
    pub kept_norm: Vec<f32>,
}

impl<const K: usize> Projection<K> {
    /// Places `rows` (of unit or zero length) with this projection's axes: the two ends of positive
    /// pairs among the points that fixed the view.
    ///
    /// # Errors
    /// [`ProjectionError::Dimension`] when the rows have another dimension;
    /// [`ProjectionError::Rows`] when one is not finite or not of unit (or zero) length.
    pub fn place(&self, rows: Rows<'_>) -> Result<Placed<K>, ProjectionError> {
        if rows.dim != self.dim {
            return Err(ProjectionError::Dimension {
                expected: self.dim,
                found: rows.dim,
            });
        }
        rows.check_unit("the projection", 0)?;
        let (coords, kept_norm) = rows
            .values
            .par_chunks_exact(self.dim)
            .map(|row| self.place_row(row))
            .unzip();
        Ok(Placed { coords, kept_norm })
    }

    /// The same projection, turned or mirrored as a whole so that its places lie as close as they
    /// can to `previous`' (orthogonal Procrustes, places paired in order). Exact pictures stay as
    /// they are: their axes are the features' own. So does one of other images or dimensions.
    pub fn turned_towards(mut self, previous: &Self) -> Self
    where
        Self: Turn<K>,
    {
        if self.kind != ProjectionKind::PcaUncentred
            || previous.coords.len() != self.coords.len()
            || previous.kind != self.kind
        {
            return self;
        }
        let turn = Self::turn(&self.coords, &previous.coords);
        let turned = |place: [f32; K]| -> [f32; K] {
            std::array::from_fn(|row| (0..K).map(|k| turn[row][k] * place[k]).sum())
        };
        for place in &mut self.coords {
            *place = turned(*place);
        }
        let axes = self.basis.clone();
        for d in 0..self.dim {
            let column = turned(std::array::from_fn(|k| axes[k * self.dim + d]));
            for (k, value) in column.into_iter().enumerate() {
                self.basis[k * self.dim + d] = value;
            }
        }
        // Along principal axes the second moments are diagonal, so that a turned axis has the
        // share of each by its squared cosine.
        let energy = self.energy;
        self.energy =
            std::array::from_fn(|row| (0..K).map(|k| turn[row][k].powi(2) * energy[k]).sum());
        self
    }

    fn place_row(&self, row: &[f32]) -> ([f32; K], f32) {
        let mut along = [0.0_f64; K];
        for (value, axis) in along.iter_mut().zip(self.basis.chunks_exact(self.dim)) {
            *value = row
                .iter()
                .zip(axis)
                .map(|(x, a)| f64::from(*x) * f64::from(*a))
                .sum();
        }
        let kept = along.iter().map(|v| v * v).sum::<f64>().sqrt();
        if kept < LEAST_KEPT_NORM {
            return ([0.0; K], 0.0);
        }
        (along.map(|v| (v / kept) as f32), kept.min(1.0) as f32)
    }

    fn new(x: Rows<'_>, axes: &PrincipalAxes) -> Result<Self, ProjectionError> {
        let kind = match x.dim {
            dim if dim < K => ProjectionKind::Embedded,
            dim if dim == K => ProjectionKind::Exact,
            _ => ProjectionKind::PcaUncentred,
        };
        let (basis, energy) = if kind == ProjectionKind::PcaUncentred {
            let basis = axes.vectors[..K * x.dim]
                .iter()
                .map(|v| *v as f32)
                .collect();
            (basis, std::array::from_fn(|k| axes.energy[k] as f32))
        } else {
            own_axes(x)
        };
        let mut projection = Self {
            dim: x.dim,
            basis,
            energy,
            coords: Vec::new(),
            kept_norm: Vec::new(),
            mean_kept_norm: 0.0,
            kind,
        };
        let placed = projection.place(x)?;
        let sum: f64 = placed.kept_norm.iter().map(|kept| f64::from(*kept)).sum();
        projection.mean_kept_norm = (sum / x.len() as f64) as f32;
        projection.coords = placed.coords;
        projection.kept_norm = placed.kept_norm;
        Ok(projection)
    }
}

/// Procrustes in the dimension of a picture.
pub trait Turn<const K: usize> {
    /// Rows of the orthogonal matrix that brings `places` closest to `targets`.
    fn turn(places: &[[f32; K]], targets: &[[f32; K]]) -> [[f32; K]; K];
}

impl Turn<3> for Projection<3> {
    fn turn(places: &[[f32; 3]], targets: &[[f32; 3]]) -> [[f32; 3]; 3] {
        let points = |places: &[[f32; 3]]| -> Vec<Vec3> {
            places.iter().copied().map(Vec3::from_array).collect()
        };
        let columns = procrustes(&points(places), &points(targets));
        columns.transpose().to_cols_array_2d()
    }
}

impl Turn<2> for Projection<2> {
    fn turn(places: &[[f32; 2]], targets: &[[f32; 2]]) -> [[f32; 2]; 2] {
        let points = |places: &[[f32; 2]]| -> Vec<Vec2> {
            places.iter().copied().map(Vec2::from_array).collect()
        };
        let columns = procrustes_circle(&points(places), &points(targets));
        columns.transpose().to_cols_array_2d()
    }
}

/// The coordinate axes as a basis, and each coordinate's share of the squared norm.
fn own_axes<const K: usize>(x: Rows<'_>) -> (Vec<f32>, [f32; K]) {
    let mut basis = vec![0.0_f32; K * x.dim];
    for k in 0..x.dim.min(K) {
        basis[k * x.dim + k] = 1.0;
    }
    let total: f64 = x
        .values
        .chunks_exact(x.dim)
        .map(|row| row_norm(row).powi(2))
        .sum();
    let share = |k: usize| -> f32 {
        let squares = x
            .values
            .iter()
            .skip(k)
            .step_by(x.dim)
            .map(|v| f64::from(*v).powi(2));
        if k < x.dim && total > 0.0 {
            (squares.sum::<f64>() / total) as f32
        } else {
            0.0
        }
    };
    (basis, std::array::from_fn(share))
}

/// Places unit rows on the sphere S².
///
/// Three-dimensional features stay where they are, two- and one-dimensional ones become the equator
/// and two opposite points; more dimensions go through [`principal_axes`], and each row's
/// projection is re-normalised.
///
/// # Errors
/// [`ProjectionError`] without rows, for rows that are not finite or not of unit (or zero) length,
/// when no axes are found, or the work is cancelled.
pub fn to_sphere(x: Rows<'_>, progress: &Progress) -> Result<Projection<3>, ProjectionError> {
    Projection::new(x, &axes_for(x, 3, progress)?)
}

/// Places unit rows on the circle S¹, as [`to_sphere`] does on the sphere.
///
/// # Errors
/// As [`to_sphere`].
pub fn to_circle(x: Rows<'_>, progress: &Progress) -> Result<Projection<2>, ProjectionError> {
    Projection::new(x, &axes_for(x, 2, progress)?)
}

/// Both pictures of the same rows, from one search for axes.
///
/// # Errors
/// As [`to_sphere`].
pub fn to_sphere_and_circle(
    x: Rows<'_>,
    progress: &Progress,
) -> Result<(Projection<3>, Projection<2>), ProjectionError> {
    let axes = axes_for(x, 2, progress)?;
    Ok((Projection::new(x, &axes)?, Projection::new(x, &axes)?))
}

/// Axes for pictures of `least` dimensions and more; none when the rows fit as they are.
fn axes_for(
    x: Rows<'_>,
    least: usize,
    progress: &Progress,
) -> Result<PrincipalAxes, ProjectionError> {
    x.check_unit("the projection", 1)?;
    if x.dim > least {
        return principal_axes(x, 3, progress);
    }
    Ok(PrincipalAxes {
        dim: x.dim,
        vectors: Vec::new(),
        energy: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{normalise_rows, sphere::uniform_rows};

    fn both(values: &[f32], dim: usize) -> (Projection<3>, Projection<2>) {
        to_sphere_and_circle(Rows::new(values, dim).unwrap(), &Progress::none()).unwrap()
    }

    #[test]
    fn features_of_the_pictures_dimension_are_shown_exactly() {
        let values = uniform_rows(50, 3, 1);
        let (sphere, circle) = both(&values, 3);
        assert_eq!(
            (sphere.kind, circle.kind),
            (ProjectionKind::Exact, ProjectionKind::PcaUncentred)
        );
        for (place, row) in sphere.coords.iter().zip(values.chunks_exact(3)) {
            // Re-normalised in f64, rounded to f32.
            assert!(place.iter().zip(row).all(|(a, b)| (a - b).abs() < 2e-7));
        }
        assert!((sphere.mean_kept_norm - 1.0).abs() < 1e-6);
        let values = uniform_rows(50, 2, 1);
        let (sphere, circle) = both(&values, 2);
        assert_eq!(
            (sphere.kind, circle.kind),
            (ProjectionKind::Embedded, ProjectionKind::Exact)
        );
        assert!(sphere.coords.iter().all(|place| place[2] == 0.0));
        let (sphere, circle) = both(&[1.0, -1.0], 1);
        assert_eq!(sphere.coords, [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]);
        assert_eq!(circle.coords, [[1.0, 0.0], [-1.0, 0.0]]);
        assert_eq!(circle.kind, ProjectionKind::Embedded);
    }

    #[test]
    fn kept_norm_says_what_is_lost() {
        // Three planes' worth of rows in six dimensions: those of the first three coordinates weigh
        // most, so the last row is invisible on the sphere.
        let mut values = Vec::new();
        for (axis, copies) in [(0, 5), (1, 4), (2, 3), (3, 1)] {
            for _ in 0..copies {
                let mut row = [0.0; 6];
                row[axis] = 1.0;
                values.extend(row);
            }
        }
        let (sphere, circle) = both(&values, 6);
        assert_eq!(sphere.kind, ProjectionKind::PcaUncentred);
        assert_eq!(sphere.coords[0], [1.0, 0.0, 0.0]);
        assert_eq!((sphere.kept_norm[11], sphere.kept_norm[12]), (1.0, 0.0));
        assert_eq!(sphere.coords[12], [0.0; 3]);
        // Eigenvectors of a diagonal matrix, up to rounding.
        assert!((sphere.mean_kept_norm - 12.0 / 13.0).abs() < 1e-6);
        assert!((sphere.energy[0] - 5.0 / 13.0).abs() < 1e-6);
        assert!((circle.mean_kept_norm - 9.0 / 13.0).abs() < 1e-6);
    }

    #[test]
    fn places_have_length_one_and_kept_norms_match_the_energy() {
        let mut values = uniform_rows(400, 30, 9);
        for row in values.chunks_exact_mut(30) {
            row[7] += 0.3;
        }
        normalise_rows(&mut values, 30);
        let (sphere, circle) = both(&values, 30);
        assert!(
            sphere
                .coords
                .iter()
                .all(|p| (row_norm(p) - 1.0).abs() < 1e-6)
        );
        assert!(
            circle
                .coords
                .iter()
                .all(|p| (row_norm(p) - 1.0).abs() < 1e-6)
        );
        // Mean squared kept norm is the sum of the energies (rows are unit within 1e-7).
        let mean: f32 = sphere.kept_norm.iter().map(|k| k * k).sum::<f32>() / 400.0;
        assert!((mean - sphere.energy.iter().sum::<f32>()).abs() < 1e-5);
        assert_eq!(sphere.basis[..60], circle.basis);
    }

    #[test]
    fn other_rows_are_placed_with_the_same_axes() {
        let values = uniform_rows(100, 8, 4);
        let (sphere, _) = both(&values, 8);
        let some = Rows::new(&values[80..240], 8).unwrap();
        let placed = sphere.place(some).unwrap();
        assert_eq!(placed.coords, sphere.coords[10..30]);
        assert_eq!(placed.kept_norm, sphere.kept_norm[10..30]);
        let none = sphere.place(Rows::new(&[], 8).unwrap()).unwrap();
        assert!(none.coords.is_empty());
        assert_eq!(
            sphere
                .place(Rows::new(&[1.0], 1).unwrap())
                .unwrap_err()
                .to_string(),
            "the projection is for 8 dimensions, the rows have 1"
        );
    }

    #[test]
    fn a_turned_picture_lies_on_the_one_before_and_places_others_likewise() {
        let mut values = uniform_rows(80, 6, 11);
        for row in values.chunks_exact_mut(6) {
            row[0] *= 3.0;
            row[1] *= 2.0;
        }
        normalise_rows(&mut values, 6);
        let (sphere, circle) = both(&values, 6);
        // The same rows with their coordinates in another order: the same picture, turned.
        let shuffled: Vec<f32> = values
            .chunks_exact(6)
            .flat_map(|row| [row[3], row[0], row[5], row[1], row[2], row[4]])
            .collect();
        let (other, other_circle) = both(&shuffled, 6);
        let turned = other.clone().turned_towards(&sphere);
        let turned_circle = other_circle.turned_towards(&circle);
        // f32 rounding of axes that were found separately.
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        for (a, b) in turned.coords.iter().zip(&sphere.coords) {
            assert!(near(a, b), "{a:?} {b:?}");
        }
        for (a, b) in turned_circle.coords.iter().zip(&circle.coords) {
            assert!(near(a, b), "{a:?} {b:?}");
        }
        let placed = turned.place(Rows::new(&shuffled, 6).unwrap()).unwrap();
        for (a, b) in placed.coords.iter().zip(&turned.coords) {
            assert!(near(a, b), "{a:?} {b:?}");
        }
        let sum = |energy: &[f32]| energy.iter().sum::<f32>();
        assert!((sum(&turned.energy) - sum(&other.energy)).abs() < 1e-6);
    }

    #[test]
    fn alone_or_together_the_pictures_are_the_same() {
        let values = uniform_rows(60, 5, 2);
        let x = Rows::new(&values, 5).unwrap();
        let (sphere, circle) = both(&values, 5);
        assert_eq!(to_sphere(x, &Progress::none()).unwrap(), sphere);
        assert_eq!(to_circle(x, &Progress::none()).unwrap(), circle);
    }
}
