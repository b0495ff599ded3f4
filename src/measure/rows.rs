//! A borrowed matrix of feature rows, and what is checked before anything is summed.

use super::MeasureError;
use crate::geometry::row_norm;
use rayon::prelude::*;

/// How far a norm may be from 1. Rows normalised in f32 lie within 1e-6; rows that went through
/// half precision afterwards within 5e-4. Anything beyond was not normalised.
const NORM_TOLERANCE: f64 = 1e-3;

/// Feature rows: `len()` × `dim` numbers, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The numbers, row after row.
    pub values: &'a [f32],
    /// Numbers a row.
    pub dim: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `dim` numbers each.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] when `dim` is 0 or does not divide the number of values.
    pub fn new(values: &'a [f32], dim: usize) -> Result<Self, MeasureError> {
        let rows = Self { values, dim };
        rows.check_shape()?;
        Ok(rows)
    }

    /// Number of rows (0 when `dim` is 0).
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `i`.
    ///
    /// # Panics
    /// When `i` is not below [`len`](Self::len).
    pub fn row(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    fn check_shape(&self) -> Result<(), MeasureError> {
        if self.dim == 0 || !self.values.len().is_multiple_of(self.dim) {
            return Err(MeasureError::Shape {
                values: self.values.len(),
                dim: self.dim,
            });
        }
        Ok(())
    }

    /// Checks the shape, the number of rows and that every number is finite.
    pub(super) fn check_finite(
        &self,
        quantity: &'static str,
        needed: usize,
    ) -> Result<(), MeasureError> {
        self.check_shape()?;
        if self.len() < needed {
            return Err(MeasureError::TooFewRows {
                quantity,
                needed,
                found: self.len(),
            });
        }
        let bad = self
            .values
            .par_chunks_exact(self.dim)
            .position_first(|row| row.iter().any(|v| !v.is_finite()));
        bad.map_or(Ok(()), |row| Err(MeasureError::NotFinite { row }))
    }

    /// [`check_finite`](Self::check_finite), and every row has norm 1, or 0 as a dead feature keeps
    /// after normalisation.
    pub(crate) fn check_unit(
        &self,
        quantity: &'static str,
        needed: usize,
    ) -> Result<(), MeasureError> {
        self.check_finite(quantity, needed)?;
        let is_odd = |row: &[f32]| {
            let norm = row_norm(row);
            (norm - 1.0).abs() > NORM_TOLERANCE && norm > NORM_TOLERANCE
        };
        let odd = self
            .values
            .par_chunks_exact(self.dim)
            .position_first(is_odd);
        odd.map_or(Ok(()), |row| {
            Err(MeasureError::NotUnit {
                row,
                norm: row_norm(self.row(row)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert_eq!(
            Rows::new(&[1.0; 5], 2).unwrap_err(),
            MeasureError::Shape { values: 5, dim: 2 }
        );
        assert!(Rows::new(&[], 0).is_err());
        let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0], 2).unwrap();
        assert_eq!((rows.len(), rows.row(1)), (2, [3.0, 4.0].as_slice()));
        assert!(
            Rows {
                values: &[],
                dim: 0
            }
            .is_empty()
        );
    }

    #[test]
    fn bad_rows_are_named() {
        let check = |values: &[f32]| Rows::new(values, 2).unwrap().check_unit("a number", 1);
        assert_eq!(check(&[1.0, 0.0, 0.0, 0.0]), Ok(()));
        assert_eq!(
            check(&[1.0, 0.0, f32::NAN, 0.0]),
            Err(MeasureError::NotFinite { row: 1 })
        );
        assert_eq!(
            check(&[1.0, 0.0, 3.0, 4.0]),
            Err(MeasureError::NotUnit { row: 1, norm: 5.0 })
        );
        let few = check(&[]).unwrap_err();
        assert_eq!(
            few.to_string(),
            "a number needs at least 1 rows, and there are 0"
        );
    }
}
