//! Encoders with what was measured of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CorrelationError;
use crate::data::Table;

/// One encoder of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// Row of its table, counted from 1 below the names; 0 without a table.
    pub row: usize,
    /// What it is called.
    pub name: String,
    /// L_align: lower is better aligned.
    pub alignment: f64,
    /// L_uniform: lower is more uniform.
    pub uniformity: f64,
    /// Downstream performance: higher is better.
    pub performance: f64,
    /// Everything else that the table says of it, by column.
    pub about: BTreeMap<String, String>,
}

impl Encoder {
    fn is_finite(&self) -> bool {
        [self.alignment, self.uniformity, self.performance]
            .iter()
            .all(|value| value.is_finite())
    }
}

/// Which columns of a table say what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// Names the encoders; without it they are numbered.
    pub name: Option<String>,
    /// L_align.
    pub alignment: String,
    /// L_uniform.
    pub uniformity: String,
    /// Performance, higher is better.
    pub performance: String,
}

impl Default for ColumnChoice {
    fn default() -> Self {
        Self {
            name: None,
            alignment: "alignment".into(),
            uniformity: "uniformity".into(),
            performance: "performance".into(),
        }
    }
}

/// A set of encoders, each with alignment, uniformity and performance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    encoders: Vec<Encoder>,
    left_out: usize,
}

impl Series {
    /// A series of those encoders whose three numbers are finite; the others are counted.
    pub fn new(encoders: impl IntoIterator<Item = Encoder>) -> Self {
        let (kept, dropped): (Vec<_>, Vec<_>) = encoders.into_iter().partition(Encoder::is_finite);
        Self {
            encoders: kept,
            left_out: dropped.len(),
        }
    }

    /// Picks the columns of a table. A row with an empty field, "nan" or "inf" among the three
    /// numbers is left out and counted.
    ///
    /// # Errors
    /// [`CorrelationError::NoColumn`] and [`CorrelationError::NotANumber`].
    pub fn from_table(table: &Table, choice: &ColumnChoice) -> Result<Self, CorrelationError> {
        let place = |name: &str| {
            table
                .column(name)
                .ok_or_else(|| CorrelationError::NoColumn {
                    name: name.to_owned(),
                    known: table.columns().join(", "),
                })
        };
        let numbers = [&choice.alignment, &choice.uniformity, &choice.performance];
        let places = [place(numbers[0])?, place(numbers[1])?, place(numbers[2])?];
        let name_place = choice.name.as_deref().map(place).transpose()?;
        let mut encoders = Vec::with_capacity(table.rows().len());
        for (index, row) in table.rows().iter().enumerate() {
            let number = |which: usize| parse(&row[places[which]], index + 1, numbers[which]);
            let [alignment, uniformity, performance] = [number(0)?, number(1)?, number(2)?];
            let about = table.columns().iter().zip(row).enumerate();
            encoders.push(Encoder {
                row: index + 1,
                name: name_place.map_or_else(|| format!("row {}", index + 1), |at| row[at].clone()),
                alignment,
                uniformity,
                performance,
                about: about
                    .filter(|(at, _)| !places.contains(at) && Some(*at) != name_place)
                    .map(|(_, (column, field))| (column.clone(), field.clone()))
                    .collect(),
            });
        }
        Ok(Self::new(encoders))
    }

    /// The encoders with three finite numbers, in the table's order.
    pub fn encoders(&self) -> &[Encoder] {
        &self.encoders
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.encoders.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.encoders.is_empty()
    }

    /// How many were left out because a number was missing or not finite.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The encoders for which `is_in` holds.
    pub fn part(&self, is_in: impl Fn(&Encoder) -> bool) -> Self {
        let encoders = self.encoders.iter().filter(|encoder| is_in(encoder));
        Self {
            encoders: encoders.cloned().collect(),
            left_out: 0,
        }
    }

    pub(super) fn columns(&self) -> [Vec<f64>; 3] {
        let column = |of: fn(&Encoder) -> f64| self.encoders.iter().map(of).collect();
        [
            column(|encoder| encoder.alignment),
            column(|encoder| encoder.uniformity),
            column(|encoder| encoder.performance),
        ]
    }
}

fn parse(field: &str, row: usize, column: &str) -> Result<f64, CorrelationError> {
    let field = field.trim();
    if field.is_empty() || field.eq_ignore_ascii_case("na") {
        return Ok(f64::NAN);
    }
    field.parse().map_err(|_| CorrelationError::NotANumber {
        row,
        column: column.to_owned(),
        found: field.to_owned(),
    })
}
