//! Scores along a number, such as the training step, for a whole series and for its parts.

use serde::{Deserialize, Serialize};

use super::{
    Columns, Facet, LabError, Question,
    answer::{filled, series},
    facets::parts,
    views,
};
use crate::{
    correlation::{Along, CorrelationError, ScoreSettings, Series, Statistic, score_along},
    data::Table,
    progress::Progress,
};

/// Lines of one picture, at most: more cannot be told apart.
const MOST_LINES: usize = 8;
/// The column that is followed when none is chosen.
const USUAL: &str = "step";
/// A window wider than the whole is the whole.
const WHOLE_PERCENT: u8 = 100;

/// What is followed along a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlongQuestion {
    /// The column of numbers; the training step, where there is one, when absent or not there.
    pub column: Option<String>,
    /// A line for each value of this; one line for all when absent.
    pub by: Option<Facet>,
    /// Half the width of the sliding window, percent of the column's range; 0 takes each value by
    /// itself.
    pub window_percent: u8,
}

/// One line of scores.
#[derive(Clone, Debug)]
pub struct Trail {
    /// What its encoders, or its numbers, share.
    pub name: String,
    /// The scores, or why there are none.
    pub places: Result<Vec<Along>, String>,
}

impl Trail {
    /// How a score changes from the first place to the last, hedged by the intervals; `None` where
    /// there is no way to go.
    pub fn told(&self, statistic: Statistic, column: &str) -> Option<String> {
        let places = self.places.as_ref().ok()?;
        let [first, .., last] = &places[..] else {
            return None;
        };
        let ends = [first, last].map(|place| (place, place.scores.get(statistic)));
        let number = |value: f64| format!("{value:+.2}").replace('-', "−");
        let mut words = Vec::new();
        for (place, score) in ends {
            let interval = score.interval.map_or_else(String::new, |interval| {
                format!(
                    ", 95 % interval {} to {}",
                    number(interval.low),
                    number(interval.high)
                )
            });
            words.push(format!(
                "{} at {column} {} (n = {}{interval})",
                number(score.value?),
                place.at,
                place.scores.n
            ));
        }
        let verdict = match ends.map(|(place, score)| (place.scores.is_too_few, score.interval)) {
            [(false, Some(first)), (false, Some(last))] if first.meets(last) => {
                "the intervals overlap, so that a change is not shown"
            }
            [(false, Some(_)), (false, Some(_))] => "the intervals lie apart",
            _ => "too few encoders to tell",
        };
        Some(format!(
            "{}: {statistic} goes from {} to {}; {verdict}.",
            self.name, words[0], words[1]
        ))
    }
}

/// Scores along a number.
#[derive(Clone, Debug)]
pub struct Trails {
    /// The question with its gaps filled.
    pub question: AlongQuestion,
    /// Columns that could be followed.
    pub columns: Vec<String>,
    /// Rows of the table that was followed.
    pub rows: usize,
    /// Half the width of the window, in units of the column.
    pub half_width: f64,
    /// The lines.
    pub trails: Vec<Trail>,
    /// Lines that were left out.
    pub left_out: usize,
}

impl Trails {
    /// Follows the scores of `question` in `table`, the one along training where there is one, else
    /// that of the series; `columns` says which of its columns are measures and performances. `None` where it has no column of numbers with three values or more.
    ///
    /// # Errors
    /// As [`Answer::new`](super::Answer::new).
    pub fn new(
        table: &Table,
        columns: &Columns,
        question: &Question,
        asked: &AlongQuestion,
        settings: ScoreSettings,
        progress: &Progress,
    ) -> Result<Option<Self>, LabError> {
        // Groups and numbers are the table's own: along training there are more.
        let own = views(table);
        let columns = Columns {
            groups: own.groups,
            parts: own.parts,
            orders: own.orders,
            ..columns.clone()
        };
        let question = filled(question, &columns, table)?;
        let is_there = |name: &&String| columns.orders.contains(*name);
        let usual = || columns.orders.iter().find(|name| *name == USUAL);
        let chosen = asked.column.as_ref().filter(is_there).or_else(usual);
        let Some(column) = chosen.or_else(|| columns.orders.first()).cloned() else {
            return Ok(None);
        };
        let by = (asked.by.clone()).filter(|by| super::facets(&columns).contains(by));
        let mut lines = match &by {
            None => vec![("all encoders".to_owned(), question.clone())],
            Some(facet) => parts(facet, &question, &columns, table),
        };
        let left_out = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        let percent = asked.window_percent.min(WHOLE_PERCENT);
        let half_width = range(table, &column) * f64::from(percent) / 100.0;
        let mut trails = Vec::with_capacity(lines.len());
        for (name, question) in lines {
            progress.check()?;
            let part = numbered(&series(table, &columns, &question)?, &column);
            let places = match score_along(&part, &column, half_width, settings, progress) {
                Ok(places) => Ok(places),
                Err(CorrelationError::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(error) => Err(error.to_string()),
            };
            trails.push(Trail { name, places });
        }
        Ok(Some(Self {
            question: AlongQuestion {
                column: Some(column),
                by,
                window_percent: percent,
            },
            columns: columns.orders,
            rows: table.rows().len(),
            half_width,
            trails,
            left_out,
        }))
    }
}

/// The encoders that have a number in the column: a setting that a loss does not have is empty.
fn numbered(series: &Series, column: &str) -> Series {
    series.part(|one| one.about.get(column).is_some_and(|field| !field.is_empty()))
}

/// The range of a column of numbers.
fn range(table: &Table, column: &str) -> f64 {
    let Some(at) = table.column(column) else {
        return 0.0;
    };
    let numbers = table.rows().iter().filter_map(|row| row[at].parse().ok());
    let [low, high] = numbers.fold(
        [f64::INFINITY, f64::NEG_INFINITY],
        |[low, high]: [f64; 2], value| [low.min(value), high.max(value)],
    );
    (high - low).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::{super::answer::tests::planted, *};

    const QUICK: ScoreSettings = ScoreSettings {
        draws: 50,
        permutations: 20,
        seed: 1,
    };

    fn trails(asked: &AlongQuestion) -> Trails {
        let question = Question::default();
        let found = Trails::new(
            &planted(),
            &views(&planted()),
            &question,
            asked,
            QUICK,
            &Progress::none(),
        );
        found.unwrap().unwrap()
    }

    #[test]
    fn the_step_is_followed_and_parted() {
        let whole = trails(&AlongQuestion::default());
        assert_eq!(whole.question.column.as_deref(), Some("step"));
        assert_eq!((whole.trails.len(), whole.rows), (1, 40));
        let places = whole.trails[0].places.as_ref().unwrap();
        let told: Vec<(f64, usize)> = (places.iter())
            .map(|place| (place.at, place.scores.n))
            .collect();
        assert_eq!(told, [(0.0, 10), (100.0, 10), (200.0, 10), (300.0, 10)]);
        let told = whole.trails[0].told(Statistic::MultipleR, "step").unwrap();
        assert!(
            told.starts_with("all encoders: multiple R goes from +0."),
            "{told}"
        );
        assert!(told.contains(" at step 0 (n = 10, 95 % interval") && told.ends_with('.'));
        // Half a window of a third of the range reaches the neighbours.
        let wide = trails(&AlongQuestion {
            window_percent: 34,
            by: Some(Facet::Column("data".to_owned())),
            ..AlongQuestion::default()
        });
        assert!((wide.half_width - 102.0).abs() < 1e-9);
        let names: Vec<&str> = wide
            .trails
            .iter()
            .map(|trail| trail.name.as_str())
            .collect();
        assert_eq!(names, ["multi", "single"]);
        let places = wide.trails[1].places.as_ref().unwrap();
        assert_eq!((places[0].scores.n, places[1].scores.n), (10, 15));
    }

    #[test]
    fn a_table_without_numbers_to_follow_has_no_trail() {
        let mut table = Table::new(["name", "alignment", "uniformity", "performance", "step"]);
        for index in 0..5 {
            table.push([&index.to_string(), "0.5", "-1", "0.3", "7"]);
        }
        let (question, asked) = (Question::default(), AlongQuestion::default());
        let found = Trails::new(
            &table,
            &views(&table),
            &question,
            &asked,
            QUICK,
            &Progress::none(),
        )
        .unwrap();
        assert!(found.is_none());
    }
}
