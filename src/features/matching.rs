//! Which location of one view is the positive of which location of the other.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::ViewGeometry;

/// How dense positive pairs are made. Geometric is the default: an argmax over the very features
/// that are scored makes alignment look better than it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchingRule {
    /// The cell whose centre is nearest in the original image, crops and flips undone, within a
    /// radius; cells without a partner are left out.
    #[default]
    Geometric,
    /// The most similar cell of the other view by backbone features (DenseCL).
    BackboneArgmax,
    /// The most similar cell of the other view by dense-head features.
    ProjectedArgmax,
    /// The same row and column: a control.
    SameIndex,
    /// A seeded random cell: a control.
    Random,
}

impl MatchingRule {
    /// All rules, in the order of menus.
    pub const ALL: [Self; 5] = [
        Self::Geometric,
        Self::BackboneArgmax,
        Self::ProjectedArgmax,
        Self::SameIndex,
        Self::Random,
    ];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Geometric => "geometric",
            Self::BackboneArgmax => "backbone-argmax",
            Self::ProjectedArgmax => "projected-argmax",
            Self::SameIndex => "same-index",
            Self::Random => "random",
        }
    }
}

impl std::fmt::Display for MatchingRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for MatchingRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.map(Self::name).into();
                format!(
                    "unknown matching rule '{text}': one of {}",
                    names.join(", ")
                )
            })
    }
}

/// Two cells match geometrically when their centres lie no further apart in the original image
/// than this many half-diagonals of the larger cell.
pub const GEOMETRIC_RADIUS: f32 = 1.0;

/// Pairs `(cell of first, cell of second)` of one image, cells counted row by row.
///
/// `first` and `second` are unit rows `[rows·cols, dim]` of the features that an argmax rule
/// compares; geometric, same-index and random matching do not look at them. `grid` is rows and
/// columns of both views' maps; `seed` serves the random rule alone.
pub fn match_cells(
    rule: MatchingRule,
    first: &[f32],
    second: &[f32],
    dim: usize,
    geometry: &[ViewGeometry; 2],
    grid: [usize; 2],
    seed: u64,
) -> Vec<(u32, u32)> {
    let cells = grid[0] * grid[1];
    match rule {
        MatchingRule::Geometric => geometric(geometry, grid),
        MatchingRule::BackboneArgmax | MatchingRule::ProjectedArgmax => (0..cells)
            .filter_map(|cell| {
                let query = &first[cell * dim..(cell + 1) * dim];
                argmax(query, second, dim).map(|partner| (cell as u32, partner as u32))
            })
            .collect(),
        MatchingRule::SameIndex => (0..cells as u32).map(|cell| (cell, cell)).collect(),
        MatchingRule::Random => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..cells as u32)
                .map(|cell| (cell, rng.random_range(0..cells as u32)))
                .collect()
        }
    }
}

fn geometric(geometry: &[ViewGeometry; 2], grid: [usize; 2]) -> Vec<(u32, u32)> {
    let centres = |view: &ViewGeometry| -> Vec<[f32; 2]> {
        (0..grid[0] * grid[1])
            .map(|cell| view.cell_centre(cell / grid[1], cell % grid[1], grid))
            .collect()
    };
    let half_diagonal = |view: &ViewGeometry| {
        let [width, height] = view.cell_size(grid);
        0.5 * width.hypot(height)
    };
    let [first, second] = [centres(&geometry[0]), centres(&geometry[1])];
    let radius = GEOMETRIC_RADIUS * half_diagonal(&geometry[0]).max(half_diagonal(&geometry[1]));
    first
        .iter()
        .enumerate()
        .filter_map(|(cell, centre)| {
            let (partner, distance) = second
                .iter()
                .map(|other| (centre[0] - other[0]).hypot(centre[1] - other[1]))
                .enumerate()
                .min_by(|a, b| a.1.total_cmp(&b.1))?;
            (distance <= radius).then_some((cell as u32, partner as u32))
        })
        .collect()
}

fn argmax(query: &[f32], rows: &[f32], dim: usize) -> Option<usize> {
    rows.chunks_exact(dim)
        .map(|row| row.iter().zip(query).map(|(a, b)| a * b).sum::<f32>())
        .enumerate()
        // The first of equals.
        .min_by(|a, b| b.1.total_cmp(&a.1))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(crop: [f32; 4], flipped: bool) -> ViewGeometry {
        ViewGeometry {
            source_size: [64, 64],
            crop,
            flipped,
            output_side: 32,
        }
    }

    #[test]
    fn identical_views_match_cell_by_cell() {
        let whole = view([0.0, 0.0, 64.0, 64.0], false);
        let pairs = match_cells(
            MatchingRule::Geometric,
            &[],
            &[],
            1,
            &[whole, whole],
            [4, 4],
            0,
        );
        assert_eq!(pairs, (0..16).map(|c| (c, c)).collect::<Vec<_>>());
    }

    #[test]
    fn a_flip_mirrors_the_columns() {
        let whole = view([0.0, 0.0, 64.0, 64.0], false);
        let mirrored = view([0.0, 0.0, 64.0, 64.0], true);
        let pairs = match_cells(
            MatchingRule::Geometric,
            &[],
            &[],
            1,
            &[whole, mirrored],
            [2, 2],
            0,
        );
        assert_eq!(pairs, [(0, 1), (1, 0), (2, 3), (3, 2)]);
    }

    #[test]
    fn disjoint_crops_have_no_geometric_pair() {
        let left = view([0.0, 0.0, 16.0, 16.0], false);
        let right = view([48.0, 48.0, 16.0, 16.0], false);
        let pairs = match_cells(
            MatchingRule::Geometric,
            &[],
            &[],
            1,
            &[left, right],
            [4, 4],
            0,
        );
        assert!(pairs.is_empty());
    }

    #[test]
    fn a_quarter_crop_matches_only_the_cells_it_covers() {
        let whole = view([0.0, 0.0, 64.0, 64.0], false);
        let quarter = view([0.0, 0.0, 32.0, 32.0], false);
        // Cells of the whole view are 16 px wide with centres at 8, 24, 40, 56; the quarter's
        // reach to 32 px, and the radius is half a 16-px diagonal = 11.3 px: 8 and 24 match.
        let pairs = match_cells(
            MatchingRule::Geometric,
            &[],
            &[],
            1,
            &[whole, quarter],
            [4, 4],
            0,
        );
        let matched: Vec<u32> = pairs.iter().map(|p| p.0).collect();
        assert_eq!(matched, [0, 1, 4, 5]);
    }

    #[test]
    fn argmax_finds_the_most_similar_row() {
        let whole = view([0.0, 0.0, 64.0, 64.0], false);
        let first = [1.0, 0.0, 0.0, 1.0];
        let second = [0.0, 1.0, 1.0, 0.0];
        let pairs = match_cells(
            MatchingRule::BackboneArgmax,
            &first,
            &second,
            2,
            &[whole, whole],
            [1, 2],
            0,
        );
        assert_eq!(pairs, [(0, 1), (1, 0)]);
    }

    #[test]
    fn random_pairs_follow_the_seed() {
        let whole = view([0.0, 0.0, 64.0, 64.0], false);
        let run = |seed| {
            match_cells(
                MatchingRule::Random,
                &[],
                &[],
                1,
                &[whole, whole],
                [8, 8],
                seed,
            )
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }

    #[test]
    fn rules_read_back_from_their_names() {
        for rule in MatchingRule::ALL {
            assert_eq!(rule.name().parse::<MatchingRule>(), Ok(rule));
        }
    }
}
