//! What encoders are put side by side by: the rows and columns of the map of scores.

use serde::{Deserialize, Serialize};

use super::{Columns, Measure, Question, parts::labels};
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

    /// The measure with the usual setting there.
    fn usual(self, measure: Measure) -> Measure {
        let usual = Measure::default();
        match self {
            Self::Kind => Measure {
                kind: usual.kind,
                ..measure
            },
            Self::Layer => Measure {
                stage: usual.stage,
                ..measure
            },
            Self::Pairs => Measure {
                pairs: usual.pairs,
                ..measure
            },
            Self::Matching => Measure {
                matching: usual.matching,
                ..measure
            },
            Self::PairSet => Measure {
                pair_set: usual.pair_set,
                ..measure
            },
            Self::Alpha => Measure {
                alpha: usual.alpha,
                ..measure
            },
            Self::T => Measure {
                t: usual.t,
                ..measure
            },
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
    /// Encoders by their value in this column; by its thirds, where it holds numbers that are
    /// nearly all different.
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
/// differ, and columns that part the encoders.
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
    all.extend(columns.parts.iter().cloned().map(Facet::Column));
    all
}

/// The facet of a name, as [`Facet`] is displayed: "measure", "task", a setting, or a column.
pub fn facet_named(name: &str, columns: &Columns) -> Option<Facet> {
    let mut known = facets(columns).into_iter();
    known.find(|facet| facet.to_string() == name)
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
    let fits = |across: &Facet| known.contains(across) && *across != rows;
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

/// Names of row and column with the question of each cell, row by row. A cell whose measure is not
/// in the table is left out.
pub(super) fn cells(
    question: &Question,
    columns: &Columns,
    table: &Table,
) -> Vec<(String, String, Question)> {
    let both = rows_and_columns(question, columns);
    let settings: Vec<MeasureSetting> = (both.iter())
        .filter_map(|facet| match facet {
            Facet::Setting(setting) => Some(*setting),
            _ => None,
        })
        .collect();
    let base = base(question, columns, &both, &settings);
    let [rows, across] = both
        .each_ref()
        .map(|facet| values(facet, &base, columns, table, &settings));
    let mut cells = Vec::new();
    for row in &rows {
        for column in &across {
            let asked = asked(&base, [(&both[0], row), (&both[1], column)], columns);
            if let Some(asked) = asked {
                cells.push((row.label.clone(), column.label.clone(), asked));
            }
        }
    }
    cells
}

/// A value of a facet.
#[derive(Clone, Debug, PartialEq)]
struct Value {
    /// What it is called.
    label: String,
    /// What it is: the name of a measure, a task, a setting's value, a part of a column.
    key: String,
}

impl From<String> for Value {
    fn from(key: String) -> Self {
        Self {
            label: key.clone(),
            key,
        }
    }
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
    let base = base(question, columns, std::slice::from_ref(facet), &settings);
    values(facet, &base, columns, table, &settings)
        .into_iter()
        .filter_map(|value| {
            let asked = asked(&base, [(facet, &value)], columns)?;
            Some((value.label, asked))
        })
        .collect()
}

/// The question with values of facets; `None` where no measure has these settings.
fn asked<const N: usize>(
    base: &Question,
    values: [(&Facet, &Value); N],
    columns: &Columns,
) -> Option<Question> {
    let mut question = base.clone();
    let mut settings = Vec::new();
    for (facet, value) in values {
        match facet {
            Facet::Measure => question.measure.clone_from(&value.key),
            Facet::Task => question.task.clone_from(&value.key),
            Facet::Column(column) => question.only.push((column.clone(), value.key.clone())),
            Facet::Setting(setting) => settings.push((*setting, value.key.as_str())),
        }
    }
    if !settings.is_empty() {
        // All at once: a measure with one of two settings alone need not be in the table.
        let of = measure_named(&question.measure)?;
        let has_all = |other: &Measure| {
            MeasureSetting::ALL.iter().all(|one| {
                let wanted = settings.iter().find(|(setting, _)| setting == one);
                wanted.map_or_else(
                    || one.of(other) == one.of(&of),
                    |(_, value)| one.of(other) == *value,
                )
            })
        };
        let found = parsed(columns).into_iter().find(|(_, one)| has_all(one));
        question.measure = found?.0;
    }
    Some(question)
}

/// Whether two measures differ in these settings at most.
fn are_variants(a: &Measure, b: &Measure, settings: &[MeasureSetting]) -> bool {
    MeasureSetting::ALL
        .iter()
        .all(|one| settings.contains(one) || one.of(a) == one.of(b))
}

/// The question that the cells of a map differ from by `facets` alone: without a condition on a
/// column that is parted, and with its own measure where that has the most variants in `settings`,
/// else the first that does.
fn base(
    question: &Question,
    columns: &Columns,
    facets: &[Facet],
    settings: &[MeasureSetting],
) -> Question {
    let mut base = question.clone();
    base.only
        .retain(|(column, _)| !facets.contains(&Facet::Column(column.clone())));
    let measures = parsed(columns);
    let variants = |name: &str| {
        let Some(of) = measure_named(name) else {
            return 0;
        };
        let is_variant = |(_, other): &&(String, Measure)| are_variants(other, &of, settings);
        measures.iter().filter(is_variant).count()
    };
    let most = measures.iter().map(|(name, _)| variants(name)).max();
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
) -> Vec<Value> {
    match facet {
        Facet::Measure if settings.is_empty() => names(&columns.measures)
            .into_iter()
            .map(Value::from)
            .collect(),
        Facet::Measure => families(columns, settings),
        Facet::Task => names(&columns.performances)
            .into_iter()
            .map(Value::from)
            .collect(),
        Facet::Column(column) => labels(table, column).into_iter().map(Value::from).collect(),
        Facet::Setting(setting) => {
            let of = measure_named(&base.measure);
            let mut found: Vec<String> = Vec::new();
            for (_, other) in parsed(columns) {
                // Beside measures every value stands, whichever measure has it.
                let is_variant = is_across_measures(base, columns, settings)
                    || of.is_some_and(|of| are_variants(&of, &other, settings));
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
            found.into_iter().map(Value::from).collect()
        }
    }
}

/// Whether a setting is crossed with the measures as a whole.
fn is_across_measures(question: &Question, columns: &Columns, settings: &[MeasureSetting]) -> bool {
    settings.len() == 1 && rows_and_columns(question, columns).contains(&Facet::Measure)
}

/// Measures that differ in `settings` alone, as one: named without them, known by the first.
fn families(columns: &Columns, settings: &[MeasureSetting]) -> Vec<Value> {
    let mut found: Vec<(Measure, Value)> = Vec::new();
    for (name, measure) in parsed(columns) {
        if (found.iter()).any(|(other, _)| are_variants(other, &measure, settings)) {
            continue;
        }
        let usual = (settings.iter()).fold(measure, |measure, setting| setting.usual(measure));
        let mut label = usual.name();
        if settings.contains(&MeasureSetting::Kind) {
            // What the columns of the map say is not in the names of its rows.
            let rest = label.split_once('/').map(|(_, rest)| rest.to_owned());
            label = rest.unwrap_or_else(|| "usual settings".to_owned());
        }
        found.push((measure, Value { label, key: name }));
    }
    found.into_iter().map(|(_, value)| value).collect()
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

#[cfg(test)]
#[path = "facets_tests.rs"]
mod tests;
