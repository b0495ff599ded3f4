//! What encoders are put side by side by: the rows and columns of the map of scores.

use serde::{Deserialize, Serialize};

use super::{Columns, Measure, Question};
use crate::{
    analysis::PairRule,
    data::{Table, natural_cmp},
    features::MatchingRule,
};

/// One setting of a measure, read from the name of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureSetting {
    /// Which vectors.
    Kind,
    /// The stage they come from.
    Layer,
    /// Which pairs count as positive.
    Pairs,
    /// How locations of two views are paired.
    Matching,
    /// Which pairs uniformity looks at.
    PairSet,
    /// Exponent α of alignment.
    Alpha,
    /// Temperature t of uniformity.
    T,
}

impl MeasureSetting {
    /// All, in the order of menus.
    pub const ALL: [Self; 7] = [
        Self::Kind,
        Self::Layer,
        Self::Pairs,
        Self::Matching,
        Self::PairSet,
        Self::Alpha,
        Self::T,
    ];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "feature kind",
            Self::Layer => "layer",
            Self::Pairs => "pair rule",
            Self::Matching => "matching rule",
            Self::PairSet => "pairs of uniformity",
            Self::Alpha => "α",
            Self::T => "t",
        }
    }

    /// What a measure has there.
    fn of(self, measure: &Measure) -> String {
        match self {
            Self::Kind => measure.kind.to_string(),
            Self::Layer => measure.stage.map_or_else(
                || "usual layer".to_owned(),
                |stage| format!("stage {stage}"),
            ),
            Self::Pairs => measure.pairs.to_string(),
            Self::Matching => measure.matching.to_string(),
            Self::PairSet => measure.pair_set.to_string(),
            Self::Alpha => format!("α = {}", measure.alpha),
            Self::T => format!("t = {}", measure.t),
        }
    }
}

/// What rows or columns of the map part the encoders, or their numbers, by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Facet {
    /// Each pair of alignment and uniformity.
    Measure,
    /// Each performance.
    Task,
    /// Measures that differ in this setting from the one that is asked for.
    Setting(MeasureSetting),
    /// Encoders by their value in this column.
    Column(String),
}

impl std::fmt::Display for Facet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Measure => f.write_str("measure"),
            Self::Task => f.write_str("task"),
            Self::Setting(setting) => f.write_str(setting.name()),
            Self::Column(column) => f.write_str(column),
        }
    }
}

/// The measure behind the name of a pair of columns, as [`Measure::name`] writes it; `None` for
/// names of another kind, which imported tables may have.
pub fn measure_named(name: &str) -> Option<Measure> {
    let mut words = name.split('/');
    let mut measure = Measure::of(words.next()?.parse().ok()?);
    for word in words {
        if let Some(stage) = word.strip_prefix("stage=") {
            measure.stage = Some(stage.parse().ok()?);
        } else if let Some(alpha) = word.strip_prefix("α=") {
            measure.alpha = alpha.parse().ok()?;
        } else if let Some(t) = word.strip_prefix("t=") {
            measure.t = t.parse().ok()?;
        } else if let Ok(pairs) = word.parse::<PairRule>() {
            measure.pairs = pairs;
        } else if let Ok(matching) = word.parse::<MatchingRule>() {
            measure.matching = matching;
        } else {
            measure.pair_set = word.parse().ok()?;
        }
    }
    Some(measure)
}

/// The facets that part this table: measures and tasks always, settings in which two measures
/// differ, and columns with a few values.
pub fn facets(columns: &Columns) -> Vec<Facet> {
    let mut all = vec![Facet::Measure, Facet::Task];
    let measures = parsed(columns);
    for setting in MeasureSetting::ALL {
        let mut values: Vec<String> = measures.iter().map(|one| setting.of(&one.1)).collect();
        values.sort();
        values.dedup();
        if values.len() > 1 {
            all.push(Facet::Setting(setting));
        }
    }
    all.extend(columns.groups.iter().cloned().map(Facet::Column));
    all
}

/// Rows and columns of a question's map: those that are asked for where they part the table and
/// differ, else groups, or measures, by tasks.
pub fn rows_and_columns(question: &Question, columns: &Columns) -> [Facet; 2] {
    let known = facets(columns);
    let usual = match &question.group {
        Some(column) => Facet::Column(column.clone()),
        None => Facet::Measure,
    };
    let Some([rows, across]) = &question.facets else {
        return [usual, Facet::Task];
    };
    let rows = if known.contains(rows) {
        rows.clone()
    } else {
        usual
    };
    let fits = |across: &Facet| known.contains(across) && are_apart(&rows, across);
    let others = [Facet::Task, Facet::Measure];
    let across = if fits(across) {
        across.clone()
    } else {
        // One of the two always differs from the rows.
        let other = others.iter().find(|other| fits(other));
        other.cloned().unwrap_or(Facet::Task)
    };
    [rows, across]
}

/// Whether two facets can be crossed: only one may choose the encoders, and only one the measure
/// as a whole.
pub fn are_apart(rows: &Facet, across: &Facet) -> bool {
    match (rows, across) {
        (Facet::Column(_), Facet::Column(_))
        | (Facet::Measure, Facet::Setting(_))
        | (Facet::Setting(_), Facet::Measure) => false,
        (rows, across) => rows != across,
    }
}

/// Names of row and column with the question of each cell, row by row. A cell whose measure is not
/// in the table is left out.
pub(super) fn cells(
    question: &Question,
    columns: &Columns,
    table: &Table,
) -> Vec<(String, String, Question)> {
    let [rows, across] = rows_and_columns(question, columns);
    let settings: Vec<MeasureSetting> = [&rows, &across]
        .into_iter()
        .filter_map(|facet| match facet {
            Facet::Setting(setting) => Some(*setting),
            _ => None,
        })
        .collect();
    let base = base(question, columns, &settings);
    let mut cells = Vec::new();
    for row in values(&rows, &base, columns, table, &settings) {
        for column in values(&across, &base, columns, table, &settings) {
            let asked = asked(base.clone(), &rows, &row, columns)
                .and_then(|asked| self::asked(asked, &across, &column, columns));
            if let Some(asked) = asked {
                cells.push((row.clone(), column, asked));
            }
        }
    }
    cells
}

/// The question for each value of one facet.
pub(super) fn parts(
    facet: &Facet,
    question: &Question,
    columns: &Columns,
    table: &Table,
) -> Vec<(String, Question)> {
    let settings: Vec<MeasureSetting> = match facet {
        Facet::Setting(setting) => vec![*setting],
        _ => Vec::new(),
    };
    let base = base(question, columns, &settings);
    values(facet, &base, columns, table, &settings)
        .into_iter()
        .filter_map(|value| {
            let asked = asked(base.clone(), facet, &value, columns)?;
            Some((value, asked))
        })
        .collect()
}

/// The question with a facet's value.
fn asked(
    mut question: Question,
    facet: &Facet,
    value: &str,
    columns: &Columns,
) -> Option<Question> {
    match facet {
        Facet::Measure => value.clone_into(&mut question.measure),
        Facet::Task => value.clone_into(&mut question.task),
        Facet::Column(column) => question.only = Some((column.clone(), value.to_owned())),
        Facet::Setting(setting) => {
            let now = measure_named(&question.measure)?;
            let found = parsed(columns).into_iter().find(|(_, other)| {
                setting.of(other) == value
                    && (MeasureSetting::ALL.iter())
                        .all(|one| one == setting || one.of(other) == one.of(&now))
            });
            question.measure = found?.0;
        }
    }
    Some(question)
}

/// The question from whose measure the cells' differ by the settings alone: its own where it has
/// the most variants, else the first that does.
fn base(question: &Question, columns: &Columns, settings: &[MeasureSetting]) -> Question {
    let measures = parsed(columns);
    let variants = |name: &str| {
        let Some(of) = measure_named(name) else {
            return 0;
        };
        let is_variant = |(_, other): &&(String, Measure)| {
            (MeasureSetting::ALL.iter())
                .all(|one| settings.contains(one) || one.of(other) == one.of(&of))
        };
        measures.iter().filter(is_variant).count()
    };
    let most = measures.iter().map(|(name, _)| variants(name)).max();
    let mut base = question.clone();
    if !settings.is_empty()
        && variants(&question.measure) <= 1
        && let Some((name, _)) = (measures.iter()).find(|(name, _)| Some(variants(name)) == most)
    {
        base.measure.clone_from(name);
    }
    base
}

/// The values of a facet, in order.
fn values(
    facet: &Facet,
    base: &Question,
    columns: &Columns,
    table: &Table,
    settings: &[MeasureSetting],
) -> Vec<String> {
    match facet {
        Facet::Measure => names(&columns.measures),
        Facet::Task => names(&columns.performances),
        Facet::Column(column) => column_values(table, column),
        Facet::Setting(setting) => {
            let of = measure_named(&base.measure);
            let mut found: Vec<String> = Vec::new();
            for (_, other) in parsed(columns) {
                let is_variant = of.is_some_and(|of| {
                    (MeasureSetting::ALL.iter())
                        .all(|one| settings.contains(one) || one.of(&other) == one.of(&of))
                });
                let value = setting.of(&other);
                if is_variant && !found.contains(&value) {
                    found.push(value);
                }
            }
            if matches!(
                setting,
                MeasureSetting::Alpha | MeasureSetting::T | MeasureSetting::Layer
            ) {
                found.sort_by(|a, b| natural_cmp(a, b));
            }
            found
        }
    }
}

fn names<T>(of: &[(String, T)]) -> Vec<String> {
    of.iter().map(|(name, _)| name.clone()).collect()
}

fn parsed(columns: &Columns) -> Vec<(String, Measure)> {
    let named = columns.measures.iter();
    named
        .filter_map(|(name, _)| Some((name.clone(), measure_named(name)?)))
        .collect()
}

/// The values in a column, in natural order.
pub(super) fn column_values(table: &Table, column: &str) -> Vec<String> {
    let Some(at) = table.column(column) else {
        return Vec::new();
    };
    let mut values: Vec<String> = table.rows().iter().map(|row| row[at].clone()).collect();
    values.retain(|value| !value.is_empty());
    values.sort_by(|a, b| natural_cmp(a, b));
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::PairSetKind, features::FeatureKind};

    #[test]
    fn names_of_measures_are_read_back() {
        for pairs in PairRule::ALL {
            for matching in MatchingRule::ALL {
                for pair_set in PairSetKind::ALL {
                    let measure = Measure {
                        kind: FeatureKind::Dense,
                        stage: Some(3),
                        pairs,
                        matching,
                        pair_set,
                        alpha: 1.5,
                        t: 0.5,
                    };
                    assert_eq!(measure_named(&measure.name()), Some(measure));
                }
            }
        }
        assert_eq!(measure_named("pooled"), Some(Measure::default()));
        for foreign in ["", "mine", "pooled/", "pooled/x=3", "pooled/t=much"] {
            assert_eq!(measure_named(foreign), None, "{foreign}");
        }
    }

    fn columns(measures: &[&str]) -> Columns {
        let pair = |name: &&str| {
            let both = ["alignment", "uniformity"].map(|of| format!("{of}:{name}"));
            ((*name).to_owned(), both)
        };
        Columns {
            measures: measures.iter().map(pair).collect(),
            performances: ["knn", "linear"]
                .map(|task| (task.to_owned(), format!("performance:{task}")))
                .to_vec(),
            groups: vec!["data".to_owned()],
            ..Columns::default()
        }
    }

    fn table() -> Table {
        let mut table = Table::new(["data"]);
        for kind in ["single", "multi", "single"] {
            table.push([kind]);
        }
        table
    }

    fn found(measure: &str, rows: Facet, across: Facet) -> Vec<(String, String, Question)> {
        let columns = columns(&[
            "pooled",
            "pooled/α=1",
            "pooled/t=0.5",
            "pooled/α=1/t=0.5",
            "dense",
            "dense/random",
        ]);
        let question = Question {
            measure: measure.to_owned(),
            task: "knn".to_owned(),
            facets: Some([rows, across]),
            ..Question::default()
        };
        cells(&question, &columns, &table())
    }

    #[test]
    fn alpha_crosses_t() {
        let (alpha, t) = (MeasureSetting::Alpha, MeasureSetting::T);
        let cells = found("dense", Facet::Setting(alpha), Facet::Setting(t));
        let told: Vec<[&str; 3]> = cells
            .iter()
            .map(|(row, column, asked)| [row, column, asked.measure.as_str()])
            .collect();
        // Dense measures differ in neither: the first measure that does stands in.
        assert_eq!(
            told,
            [
                ["α = 1", "t = 0.5", "pooled/α=1/t=0.5"],
                ["α = 1", "t = 2", "pooled/α=1"],
                ["α = 2", "t = 0.5", "pooled/t=0.5"],
                ["α = 2", "t = 2", "pooled"],
            ]
        );
    }

    #[test]
    fn matching_rules_cross_data_and_tasks() {
        let rule = || Facet::Setting(MeasureSetting::Matching);
        let cells = found("pooled", rule(), Facet::Column("data".to_owned()));
        assert_eq!(cells.len(), 4);
        let (row, column, asked) = &cells[3];
        assert_eq!([row.as_str(), column], ["random", "single"]);
        assert_eq!(asked.measure, "dense/random");
        assert_eq!(asked.only, Some(("data".to_owned(), "single".to_owned())));
        // Two of a kind cannot be crossed: tasks stand in.
        let cells = found("pooled", Facet::Measure, rule());
        assert_eq!(cells.len(), 12);
        assert_eq!(cells[1].1, "linear");
    }

    #[test]
    fn only_what_parts_the_table_is_offered() {
        let named: Vec<String> = facets(&columns(&["pooled", "dense", "dense/random"]))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            named,
            ["measure", "task", "feature kind", "matching rule", "data"]
        );
        assert_eq!(facets(&columns(&["mine"])).len(), 3);
        // Of a table that lost what was asked for, the usual map is drawn.
        let question = Question {
            facets: Some([Facet::Column("gone".to_owned()), Facet::Task]),
            ..Question::default()
        };
        let usual = rows_and_columns(&question, &columns(&["mine"]));
        assert_eq!(usual, [Facet::Measure, Facet::Task]);
    }
}
