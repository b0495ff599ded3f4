//! How long a slice takes to fill, as it was measured.

use serde::Serialize;

use super::Slice;

/// Times of a filling since it was asked for, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pace {
    /// Until the coarsest lattice was there: the first picture in which shapes can be seen.
    pub first_s: Option<f64>,
    /// Points of that picture.
    pub first_points: usize,
    /// Until every point was measured.
    pub whole_s: Option<f64>,
}

impl Pace {
    /// Takes note of how far a slice is, `elapsed_s` after it was asked for; whether that is news.
    pub fn note(&mut self, slice: &Slice, elapsed_s: f64) -> bool {
        let before = *self;
        if self.first_s.is_none() && slice.lattices > 0 {
            (self.first_s, self.first_points) = (Some(elapsed_s), slice.done);
        }
        if self.whole_s.is_none() && slice.is_whole() {
            self.whole_s = Some(elapsed_s);
        }
        *self != before
    }

    /// The times in words; nothing before the first picture.
    pub fn words(&self) -> Option<String> {
        let first = format!(
            "first picture ({} points) after {:.1} s",
            self.first_points, self.first_s?
        );
        Some(match self.whole_s {
            Some(whole) => format!("{first}, whole after {whole:.1} s"),
            None => first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{Grid, SliceSettings};

    fn slice(side: usize) -> Slice {
        let grid = Grid {
            side,
            centre: [0.0; 2],
            half_width: 1.0,
        };
        Slice {
            settings: SliceSettings::default(),
            cells: vec![None; grid.len()],
            done: 0,
            lattices: 0,
            marks: Vec::new(),
            axis_names: [String::new(), String::new()],
            words: Vec::new(),
            origin: None,
            origin_name: String::new(),
            quantities: Vec::new(),
            temperatures: [2.0; 2],
            grid,
        }
    }

    #[test]
    fn the_first_lattice_and_the_last_point_are_told_once() {
        let (mut pace, mut slice) = (Pace::default(), slice(5));
        slice.done = 4;
        assert!(!pace.note(&slice, 0.2) && pace.words().is_none());
        (slice.done, slice.lattices) = (9, 1);
        assert!(pace.note(&slice, 0.5));
        assert!(!pace.note(&slice, 0.9), "the first time stands");
        let words = "first picture (9 points) after 0.5 s";
        assert_eq!(pace.words().as_deref(), Some(words));
        (slice.done, slice.lattices) = (25, 2);
        assert!(pace.note(&slice, 3.25));
        let whole = format!("{words}, whole after 3.2 s");
        assert_eq!(pace.words(), Some(whole));
        assert!(!pace.note(&slice, 4.0));
    }
}
