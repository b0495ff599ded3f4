//! Which locations of two pictures correspond, by every matching rule, and how that agrees with
//! where they lie.

use rayon::prelude::*;

use super::{Side, similarity::dot};
use crate::{
    features::{DenseMap, GEOMETRIC_RADIUS, MatchingRule, match_cells},
    progress::{Cancelled, Progress},
};

/// Most multiplications of a search for partners: some seconds on two cores.
pub const PARTNER_LIMIT: u64 = 1 << 34;

/// A location of the first picture and its partner in the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Location of the first picture, counted row by row.
    pub from: u32,
    /// Location of the second.
    pub to: u32,
    /// Cosine of their analysed vectors.
    pub similarity: f32,
    /// Distance ‖x − y‖ of their analysed vectors on the sphere, 0 to 2.
    pub distance: f32,
    /// Whether the rule leads from the second back to the first.
    pub is_mutual: bool,
    /// Whether this is the geometric partner; `None` where there is none.
    pub is_true: Option<bool>,
}

/// How often a rule finds the location that shows the same place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Locations that have a geometric partner.
    pub count: usize,
    /// Of these, how many the rule leads to exactly that partner.
    pub exact: usize,
    /// Of these, how many the rule leads to it or to one of the eight around it.
    pub close: usize,
}

/// The locations that correspond by one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Correspondence {
    /// The rule.
    pub rule: MatchingRule,
    /// The pairs, in the order of the first picture's locations; or why there are none.
    pub matches: Result<Vec<Match>, String>,
    /// Agreement with the geometry, for two views of one image.
    pub agreement: Option<Agreement>,
}

/// One of the two pictures, for matching.
pub(super) struct Party<'a> {
    pub side: &'a Side,
    /// The map that the encoder gave for it, when it was asked.
    pub map: Option<&'a DenseMap>,
}

/// Every rule over two pictures. `is_one_image` says that both show one source image, so that
/// their geometry relates them.
pub(super) fn correspondences(
    [first, second]: [Party<'_>; 2],
    dim: usize,
    analysed: MatchingRule,
    is_one_image: bool,
    seed: u64,
    progress: &Progress,
) -> Result<Vec<Correspondence>, Cancelled> {
    let truth = is_one_image.then(|| geometric([first.side, second.side], seed));
    let truth_of = truth
        .as_ref()
        .and_then(|pairs| pairs.as_ref().ok())
        .map(|pairs| partner_table(pairs, first.side.cells()));
    MatchingRule::ALL
        .into_iter()
        .map(|rule| {
            let pairs = match rule {
                MatchingRule::Geometric => match &truth {
                    Some(pairs) => pairs.clone(),
                    None => Err("two different images share no geometry".to_owned()),
                },
                MatchingRule::BackboneArgmax | MatchingRule::ProjectedArgmax => {
                    argmax([&first, &second], dim, rule, analysed, progress)?
                }
                MatchingRule::SameIndex | MatchingRule::Random => {
                    control(rule, [first.side, second.side], seed)
                }
            };
            let agreement = truth_of.as_ref().and_then(|truth| {
                let pairs = pairs.as_ref().ok()?;
                Some(agreement(pairs, truth, second.side.grid))
            });
            let described = |pair: &Pair| {
                let from = first.side.vector(pair.from as usize, dim);
                let to = second.side.vector(pair.to as usize, dim);
                Match {
                    from: pair.from,
                    to: pair.to,
                    similarity: dot(from, to),
                    distance: distance(from, to),
                    is_mutual: pair.is_mutual,
                    is_true: truth_of
                        .as_ref()
                        .and_then(|truth| truth[pair.from as usize])
                        .map(|partner| partner == pair.to),
                }
            };
            Ok(Correspondence {
                rule,
                matches: pairs.map(|pairs| pairs.iter().map(described).collect()),
                agreement,
            })
        })
        .collect()
}

fn distance(x: &[f32], y: &[f32]) -> f32 {
    let squares = x.iter().zip(y).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>().sqrt() as f32
}

/// A pair before it is described.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    from: u32,
    to: u32,
    /// Whether the rule leads back.
    is_mutual: bool,
}

type Pairs = Result<Vec<Pair>, String>;

fn partner_table(pairs: &[Pair], cells: usize) -> Vec<Option<u32>> {
    let mut table = vec![None; cells];
    for pair in pairs {
        table[pair.from as usize] = Some(pair.to);
    }
    table
}

/// Pairs with their way back found among `back`, pairs from the second picture to the first.
fn with_ways_back(there: Vec<(u32, u32)>, back: &[(u32, u32)]) -> Vec<Pair> {
    let ways: std::collections::HashSet<(u32, u32)> = back.iter().copied().collect();
    there
        .into_iter()
        .map(|(from, to)| Pair {
            from,
            to,
            is_mutual: ways.contains(&(to, from)),
        })
        .collect()
}

fn geometric([first, second]: [&Side; 2], seed: u64) -> Pairs {
    if first.grid != second.grid {
        return Err("the two maps have different grids".to_owned());
    }
    let matched = |views| {
        match_cells(
            MatchingRule::Geometric,
            &[],
            &[],
            1,
            &views,
            first.grid,
            seed,
        )
    };
    let there = matched([first.geometry, second.geometry]);
    let back = matched([second.geometry, first.geometry]);
    if there.is_empty() {
        return Err(format!(
            "the two views share no place within {GEOMETRIC_RADIUS} half-diagonals of a cell: \
             take another seed"
        ));
    }
    Ok(with_ways_back(there, &back))
}

/// Same index and random, which look at nothing.
fn control(rule: MatchingRule, [first, second]: [&Side; 2], seed: u64) -> Pairs {
    if first.grid != second.grid {
        return Err("the two maps have different grids".to_owned());
    }
    let views = [first.geometry, second.geometry];
    let pairs = match_cells(rule, &[], &[], 1, &views, first.grid, first.stream(seed));
    Ok(pairs
        .into_iter()
        .map(|(from, to)| Pair {
            from,
            to,
            is_mutual: rule == MatchingRule::SameIndex,
        })
        .collect())
}

fn argmax(
    [first, second]: [&Party<'_>; 2],
    dim: usize,
    rule: MatchingRule,
    analysed: MatchingRule,
    progress: &Progress,
) -> Result<Pairs, Cancelled> {
    let compared = |party: &Party<'_>| -> Option<(usize, Vec<f32>)> {
        match party.map {
            Some(map) => map.compared(rule),
            None if rule == analysed => Some((dim, party.side.unit.as_ref().clone())),
            None => None,
        }
    };
    let (Some((dim, from)), Some((_, to))) = (compared(first), compared(second)) else {
        return Ok(Err(match rule {
            MatchingRule::ProjectedArgmax => {
                "needs a dense head, which this checkpoint lacks, or projected-dense features"
            }
            _ => "needs backbone features: choose dense ones, or two views",
        }
        .to_owned()));
    };
    let products = (from.len() as u64) * (to.len() / dim.max(1)) as u64;
    if products > PARTNER_LIMIT {
        return Ok(Err(
            "too many locations to compare all with all: look at the pictures as analysed"
                .to_owned(),
        ));
    }
    let there = partners(&from, &to, dim, progress)?;
    let back = partners(&to, &from, dim, progress)?;
    Ok(Ok(with_ways_back(there, &back)))
}

/// For each unit row of `from` the most similar of `to`, the first of equals.
fn partners(
    from: &[f32],
    to: &[f32],
    dim: usize,
    progress: &Progress,
) -> Result<Vec<(u32, u32)>, Cancelled> {
    from.par_chunks_exact(dim)
        .enumerate()
        .map(|(cell, query)| {
            progress.check()?;
            let mut best = (0, f32::NEG_INFINITY);
            for (other, row) in to.chunks_exact(dim).enumerate() {
                let cosine = dot(query, row);
                if cosine > best.1 {
                    best = (other as u32, cosine);
                }
            }
            Ok((cell as u32, best.0))
        })
        .collect()
}

/// How often `pairs` lead to the partner that `truth` names for a location of the first picture;
/// `grid` is rows and columns of the second. Locations that the rule leaves out count as missed.
fn agreement(pairs: &[Pair], truth: &[Option<u32>], grid: [usize; 2]) -> Agreement {
    let columns = grid[1].max(1) as u32;
    let mut found = Agreement {
        count: truth.iter().flatten().count(),
        ..Agreement::default()
    };
    for pair in pairs {
        if let Some(Some(partner)) = truth.get(pair.from as usize) {
            let near = |a: u32, b: u32| a.abs_diff(b) <= 1;
            found.exact += usize::from(*partner == pair.to);
            found.close += usize::from(
                near(partner / columns, pair.to / columns)
                    && near(partner % columns, pair.to % columns),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::ViewGeometry, geometry::sphere::uniform_rows};

    #[test]
    fn partners_are_those_of_the_pairing_itself() {
        let (cells, dim) = (49, 24);
        let [first, second] = [1, 2].map(|seed| uniform_rows(cells, dim, seed));
        let views = [ViewGeometry::whole([32, 32], 32); 2];
        let expected = match_cells(
            MatchingRule::BackboneArgmax,
            &first,
            &second,
            dim,
            &views,
            [7, 7],
            0,
        );
        let found = partners(&first, &second, dim, &Progress::none()).unwrap();
        assert_eq!(found, expected);
        // Constant features: the first of equals in both.
        let same = vec![0.5; 4 * 4];
        let found = partners(&same, &same, 4, &Progress::none()).unwrap();
        assert!(found.iter().all(|(_, to)| *to == 0));
    }

    #[test]
    fn mutual_pairs_are_found_by_brute_force() {
        let (cells, dim) = (30, 3);
        let [first, second] = [5, 6].map(|seed| uniform_rows(cells, dim, seed));
        let none = Progress::none();
        let there = partners(&first, &second, dim, &none).unwrap();
        let back = partners(&second, &first, dim, &none).unwrap();
        let pairs = with_ways_back(there, &back);
        let cosine = |a: usize, b: usize| {
            dot(
                &first[a * dim..(a + 1) * dim],
                &second[b * dim..(b + 1) * dim],
            )
        };
        for pair in &pairs {
            let (from, to) = (pair.from as usize, pair.to as usize);
            let is_mutual = (0..cells).all(|other| cosine(other, to) <= cosine(from, to));
            assert_eq!(pair.is_mutual, is_mutual);
        }
        let mutual = pairs.iter().filter(|pair| pair.is_mutual).count();
        assert!(mutual > 0 && mutual < cells, "{mutual}");
    }

    #[test]
    fn agreement_counts_exact_and_close_partners() {
        let pair = |from, to| Pair {
            from,
            to,
            is_mutual: false,
        };
        // A grid of 2×3: 0 1 2 / 3 4 5.
        let truth = [Some(0), Some(1), None, Some(3)];
        let pairs = [pair(0, 0), pair(1, 3), pair(2, 2), pair(3, 5)];
        let found = agreement(&pairs, &truth, [2, 3]);
        // 1 → 3 is diagonal to 1? Column 1 to column 0, row 0 to row 1: close. 3 → 5 is two away.
        assert_eq!(
            found,
            Agreement {
                count: 3,
                exact: 1,
                close: 2
            }
        );
        assert_eq!(agreement(&[], &truth, [2, 3]).exact, 0);
    }
}
