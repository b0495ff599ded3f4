//! What a table of encoders answers to a question: scores, findings, and how they change.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Columns, Facet, LabError, RowOutcome, Task,
    facets::{cells, measure_named},
    parts::{Part, labels, parts_of},
    views,
};
use crate::{
    correlation::{
        About, ColumnChoice, CorrelationError, Encoder, PlaneFit, ScoreSettings, Scores, Series,
        findings_about, score,
    },
    data::Table,
    progress::Progress,
};

/// What is asked of a table: names as [`views`] gives them; what is not in the table falls back to
/// its first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// Name of the measure: which alignment and uniformity.
    pub measure: String,
    /// Name of the task: which performance.
    pub task: String,
    /// Column whose values part the encoders, for the map of scores.
    pub group: Option<String>,
    /// Rows and columns of the map of scores; groups, or measures, by tasks when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<[Facet; 2]>,
    /// Only encoders with these values, or in these parts, of these columns.
    #[serde(deserialize_with = "conditions")]
    pub only: Vec<(String, String)>,
}

/// Conditions as they are written, or the one or none of older sessions.
fn conditions<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        All(Vec<(String, String)>),
        One((String, String)),
        None(()),
    }
    Ok(match Written::deserialize(from)? {
        Written::All(all) => all,
        Written::One(one) => vec![one],
        Written::None(()) => Vec::new(),
    })
}

impl Question {
    /// The conditions in words: "data = single, seed = 1"; empty without any.
    pub fn only_words(&self) -> String {
        let words: Vec<String> = (self.only.iter())
            .map(|(column, value)| format!("{column} = {value}"))
            .collect();
        words.join(", ")
    }
}

/// One cell of the map of scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Its row: a group's value, or a measure.
    pub row: String,
    /// Its column: a task, unless the question says otherwise.
    pub column: String,
    /// Its scores, or why there are none.
    pub scores: Result<Scores, String>,
    /// The question that shows its plane.
    pub question: Question,
    /// Its encoders.
    #[serde(skip)]
    pub series: Series,
    /// Its fitted plane.
    #[serde(skip)]
    pub fit: Option<PlaneFit>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The table.
    pub table: Arc<Table>,
    /// What its columns are for.
    pub columns: Columns,
    /// The question with its gaps filled.
    pub question: Question,
    /// The encoders that have all three numbers.
    pub series: Series,
    /// Their scores, or why there are none.
    pub scores: Result<Scores, String>,
    /// What they say, in words.
    pub findings: Vec<String>,
    /// The fitted plane.
    pub fit: Option<PlaneFit>,
    /// The map of scores, row by row.
    pub cells: Vec<Cell>,
    /// Rows that could not be measured, with the reason in a line.
    pub remarks: Vec<(String, String)>,
}

impl Answer {
    /// Answers a question.
    ///
    /// # Errors
    /// [`LabError::Setting`] for a table without the columns of a series, and a cancel. Too few
    /// encoders are no error: the scores say so.
    pub fn new(
        table: Arc<Table>,
        question: &Question,
        settings: ScoreSettings,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let columns = views(&table);
        Self::with_columns(table, columns, question, settings, progress)
    }

    /// Answers a question about columns that were chosen by hand.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_columns(
        table: Arc<Table>,
        columns: Columns,
        question: &Question,
        settings: ScoreSettings,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let question = filled(question, &columns, &table)?;
        let series = series(&table, &columns, &question)?;
        let told = |error: CorrelationError| match error {
            CorrelationError::Cancelled(cancelled) => Err(LabError::from(cancelled)),
            other => Ok(other.to_string()),
        };
        let scores = match score(&series, settings, progress) {
            Ok(scores) => Ok(scores),
            Err(error) => Err(told(error)?),
        };
        let known = scores.as_ref().ok();
        let fit = known.and_then(|scores| PlaneFit::new(&series, scores));
        let mut said =
            known.map_or_else(Vec::new, |scores| findings_about(scores, &about(&question)));
        said.extend(caveat(&series));
        let remarks = remarks(&table);
        let mut map = Vec::new();
        for (row, column, asked) in cells(&question, &columns, &table) {
            progress.check()?;
            let part = self::series(&table, &columns, &asked)?;
            let scores = match score(&part, settings, progress) {
                Ok(scores) => Ok(scores),
                Err(error) => Err(told(error)?),
            };
            let fit = (scores.as_ref().ok()).and_then(|scores| PlaneFit::new(&part, scores));
            map.push(Cell {
                row,
                column,
                scores,
                question: asked,
                series: part,
                fit,
            });
        }
        Ok(Self {
            table,
            columns,
            question,
            series,
            scores,
            findings: said,
            fit,
            cells: map,
            remarks,
        })
    }

    /// The file of an encoder of the series, where the table names one; relative ones are looked
    /// for below `folder`.
    pub fn path(&self, encoder: usize, folder: Option<&std::path::Path>) -> Option<PathBuf> {
        self.path_of_row(self.series.encoders().get(encoder)?.row, folder)
    }

    /// The file of a row of the table, counted from 1, as [`path`](Self::path).
    pub fn path_of_row(&self, row: usize, folder: Option<&std::path::Path>) -> Option<PathBuf> {
        let column = self.table.column(self.columns.path.as_deref()?)?;
        let path = self.table.rows().get(row.checked_sub(1)?)?.get(column)?;
        if path.is_empty() {
            return None;
        }
        let path = PathBuf::from(path);
        Some(match folder {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path,
        })
    }

    /// Rows and columns of the map, in order.
    pub fn axes(&self) -> [Vec<&str>; 2] {
        let distinct = |of: fn(&Cell) -> &str| {
            let mut seen: Vec<&str> = Vec::new();
            for cell in &self.cells {
                if !seen.contains(&of(cell)) {
                    seen.push(of(cell));
                }
            }
            seen
        };
        [distinct(|cell| &cell.row), distinct(|cell| &cell.column)]
    }
}

/// Rows that could not be measured, or whose runs diverged.
fn remarks(table: &Table) -> Vec<(String, String)> {
    let Some(name) = table.column("name") else {
        return Vec::new();
    };
    let rows = table.rows().iter();
    rows.filter_map(|row| match RowOutcome::of(table, row) {
        RowOutcome::Measured(_) => None,
        RowOutcome::Diverged => Some((row[name].clone(), "its run diverged".to_owned())),
        RowOutcome::Failed(why) => {
            let line = why.lines().next().unwrap_or_default().to_owned();
            Some((row[name].clone(), line))
        }
    })
    .collect()
}

/// What findings of a question are about, in words.
pub fn about(question: &Question) -> About {
    let mut vectors = question.measure.clone();
    if let Some(first) = vectors.get(..1) {
        let upper = first.to_uppercase();
        vectors.replace_range(..1, &upper);
    }
    About {
        performance: performance_words(&question.task),
        // Names of columns, which imported tables have, are no words before "alignment".
        vectors: if measure_named(&question.measure).is_some() {
            format!("{vectors} ")
        } else {
            String::new()
        },
        among: if question.only.is_empty() {
            String::new()
        } else {
            format!(" among {}", question.only_words())
        },
    }
}

/// What a task measures, in words; the name itself where it is none of ours.
pub fn performance_words(task: &str) -> String {
    match task.parse() {
        Ok(Task::Knn) => "k-NN accuracy".to_owned(),
        Ok(Task::Linear) => "linear accuracy".to_owned(),
        Ok(Task::MultiLabel) => "multi-label average precision".to_owned(),
        Ok(Task::Dense) => "mIoU".to_owned(),
        Err(_) => task.to_owned(),
    }
}

/// The note of an encoder that was measured on the images that it was trained on.
pub(super) const ON_OWN_IMAGES: &str = "measured on the images it was trained on";

/// What is to be known of intervals over steps of runs.
pub(crate) const ON_STEPS: &str = "steps of one run resemble each other, so that the intervals are \
                                   narrower and p is smaller than they should be";

/// What the notes of a series say against reading it as it stands.
pub fn caveat(series: &Series) -> Option<String> {
    let n = series.encoders().len();
    let is_noted = |field: &String| field.contains(ON_OWN_IMAGES);
    let noted = (series.encoders().iter())
        .filter(|one| one.about.get("notes").is_some_and(is_noted))
        .count();
    let own = (noted > 0).then(|| {
        format!(
            "{noted} of {n} encoders were measured on the images that they were trained on: how \
             they do on new ones is not known."
        )
    });
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in series.encoders().iter().filter_map(run_of) {
        *counts.entry(run).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    let steps: usize = counts.values().sum();
    let resembling = (steps > 0).then(|| {
        let runs = match counts.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        format!("{steps} of {n} encoders are steps of {runs}: {ON_STEPS}.")
    });
    let told: Vec<String> = own.into_iter().chain(resembling).collect();
    (!told.is_empty()).then(|| told.join(" "))
}

/// The run that an encoder is a step of: by its name, or by the folder that it was saved in.
fn run_of(one: &Encoder) -> Option<&str> {
    let field = |name: &str| one.about.get(name).filter(|field| !field.is_empty());
    field("step")?;
    if let Some(run) = field("run") {
        return Some(run);
    }
    let path = Path::new(field("path")?);
    let is_step = path.file_name()?.to_str()?.starts_with("step-");
    path.parent()?.to_str().filter(|_| is_step)
}

pub(super) fn filled(
    question: &Question,
    columns: &Columns,
    table: &Table,
) -> Result<Question, LabError> {
    let pick = |wanted: &str, names: Vec<&String>, what: &str| -> Result<String, LabError> {
        let first = names.first().copied().ok_or_else(|| {
            LabError::setting(
                "the table",
                format!("one with {what}"),
                table.columns().join(", "),
            )
        })?;
        Ok(names
            .into_iter()
            .find(|name| *name == wanted)
            .unwrap_or(first)
            .clone())
    };
    let measures = columns.measures.iter().map(|(name, _)| name).collect();
    let tasks = columns.performances.iter().map(|(name, _)| name).collect();
    let within = |wanted: &Option<String>, known: &[String]| {
        wanted.clone().filter(|column| known.contains(column))
    };
    let mut only = question.only.clone();
    only.retain(|(column, value)| labels(table, column).contains(value));
    Ok(Question {
        measure: pick(
            &question.measure,
            measures,
            "columns 'alignment' and 'uniformity'",
        )?,
        task: pick(&question.task, tasks, "a column 'performance'")?,
        group: within(&question.group, &columns.groups),
        facets: question.facets.clone(),
        only,
    })
}

/// The encoders that a question is about.
pub(super) fn series(
    table: &Table,
    columns: &Columns,
    question: &Question,
) -> Result<Series, LabError> {
    let pair = columns
        .measures
        .iter()
        .find(|(name, _)| *name == question.measure);
    let task = columns
        .performances
        .iter()
        .find(|(name, _)| *name == question.task);
    let (Some((_, [alignment, uniformity])), Some((_, performance))) = (pair, task) else {
        return Ok(Series::default());
    };
    let choice = ColumnChoice {
        name: columns.name.clone(),
        alignment: alignment.clone(),
        uniformity: uniformity.clone(),
        performance: performance.clone(),
    };
    let all = Series::from_table(table, &choice)
        .map_err(|error| LabError::setting("the table", "one of numbers", error))?;
    let parts: Vec<(&String, Option<Part>)> = (question.only.iter())
        .map(|(column, value)| {
            let mut parts = parts_of(table, column).into_iter();
            (column, parts.find(|part| part.label == *value))
        })
        .collect();
    if parts.is_empty() {
        return Ok(all);
    }
    let is_in = |one: &Encoder, (column, part): &(&String, Option<Part>)| {
        let field = one.about.get(*column);
        field.is_some_and(|field| part.as_ref().is_some_and(|part| part.holds(field)))
    };
    Ok(all.part(|one| parts.iter().all(|part| is_in(one, part))))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two kinds of data with opposite relations; two tasks, two measures.
    pub(crate) fn planted() -> Table {
        let mut table = Table::new([
            "name",
            "alignment:pooled",
            "uniformity:pooled",
            "alignment:dense",
            "uniformity:dense",
            "performance:linear",
            "performance:knn",
            "data",
            "step",
            "path",
        ]);
        for index in 0..40_u32 {
            let place = f64::from(index);
            let (a, u) = ((1.3 * place).sin() + 1.2, (0.7 * place).cos() - 2.0);
            let sign = if index < 20 { -1.0 } else { 1.0 };
            let linear = 0.5 + sign * 0.1 * (a + u) + 0.01 * (5.1 * place).sin();
            let row =
                [a, u, 2.0 * a, u - 0.1, linear, 0.5 - 0.1 * u].map(|value| format!("{value:.6}"));
            let kind = if index < 20 { "multi" } else { "single" };
            let mut fields = vec![format!("encoder {index}")];
            fields.extend(row);
            fields.extend([
                kind.to_owned(),
                (100 * (index % 4)).to_string(),
                format!("runs/{index}.pth"),
            ]);
            table.push(fields);
        }
        table
    }

    fn answer(question: &Question) -> Answer {
        let settings = ScoreSettings {
            draws: 200,
            permutations: 100,
            seed: 1,
        };
        Answer::new(Arc::new(planted()), question, settings, &Progress::none()).unwrap()
    }

    #[test]
    fn measuring_on_training_images_is_among_the_findings() {
        let plain = planted();
        let mut noted = Table::new(plain.columns().iter().cloned().chain(["notes".to_owned()]));
        for (index, row) in plain.rows().iter().enumerate() {
            let note = if index < 3 { ON_OWN_IMAGES } else { "" };
            noted.push(row.iter().cloned().chain([note.to_owned()]));
        }
        let settings = ScoreSettings {
            draws: 0,
            permutations: 0,
            seed: 1,
        };
        let question = Question::default();
        let found = |table: Table| {
            let table = Arc::new(table);
            Answer::new(table, &question, settings, &Progress::none()).unwrap()
        };
        let told = |answer: &Answer| {
            let mut lines = answer.findings.iter();
            lines.any(|line| line.starts_with("3 of 40 encoders were measured on"))
        };
        assert!(told(&found(noted)) && !told(&found(plain)));
    }

    #[test]
    fn groups_show_a_relation_that_the_whole_hides() {
        use crate::correlation::Statistic;
        let question = Question {
            group: Some("data".to_owned()),
            ..Question::default()
        };
        let found = answer(&question);
        assert_eq!(
            (
                found.question.measure.as_str(),
                found.question.task.as_str()
            ),
            ("pooled", "linear")
        );
        let [rows, columns] = found.axes();
        assert_eq!(
            (rows, columns),
            (vec!["multi", "single"], vec!["linear", "knn"])
        );
        let sum = |cell: &Cell| {
            cell.scores
                .as_ref()
                .unwrap()
                .get(Statistic::SumCorrelation)
                .value
                .unwrap()
        };
        // −(a + u) goes with performance where the sign is −, against it where it is +.
        assert!(sum(&found.cells[0]) > 0.8 && sum(&found.cells[2]) < -0.8);
        assert!(
            found
                .scores
                .as_ref()
                .unwrap()
                .get(Statistic::SumCorrelation)
                .value
                .unwrap()
                .abs()
                < 0.6
        );
        let cell = answer(&found.cells[0].question);
        assert_eq!(cell.series.len(), 20);
        assert!(cell.fit.is_some() && !cell.findings.is_empty());
    }

    #[test]
    fn without_groups_measures_stand_in_rows_and_files_are_found() {
        let found = answer(&Question {
            task: "knn".to_owned(),
            group: Some("no such column".to_owned()),
            ..Question::default()
        });
        assert_eq!(found.question.task, "knn");
        assert_eq!(found.axes()[0], ["pooled", "dense"]);
        let path = found.path(3, Some(std::path::Path::new("/sweep"))).unwrap();
        assert_eq!(path, PathBuf::from("/sweep/runs/3.pth"));
        assert_eq!(found.path(99, None), None);
    }

    #[test]
    fn conditions_on_two_columns_leave_those_that_meet_both() {
        let both = [("data", "multi"), ("step", "100")];
        let question = Question {
            only: both.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec(),
            facets: Some([
                Facet::Column("data".to_owned()),
                Facet::Column("step".to_owned()),
            ]),
            ..Question::default()
        };
        let found = answer(&question);
        assert_eq!(found.series.len(), 5);
        assert_eq!(found.question.only_words(), "data = multi, step = 100");
        let names = found.series.encoders().iter().map(|one| one.name.as_str());
        let wanted = [1, 5, 9, 13, 17].map(|index| format!("encoder {index}"));
        assert!(names.eq(wanted.iter().map(String::as_str)));
        // Two kinds by four steps, five encoders each: too few, and it is said.
        assert_eq!(found.cells.len(), 8);
        let is_few = |cell: &Cell| cell.scores.as_ref().is_ok_and(|scores| scores.is_too_few);
        assert!(
            found
                .cells
                .iter()
                .all(|cell| cell.series.len() == 5 && is_few(cell))
        );
    }

    #[test]
    fn questions_of_older_sessions_are_read() {
        let read = |only: &str| -> Vec<(String, String)> {
            let text = format!("{{\"measure\": \"pooled\", \"only\": {only}}}");
            serde_json::from_str::<Question>(&text).unwrap().only
        };
        assert!(read("null").is_empty() && read("[]").is_empty());
        let one = [("data".to_owned(), "single".to_owned())];
        assert_eq!(read("[\"data\", \"single\"]"), one);
        assert_eq!(read("[[\"data\", \"single\"]]"), one);
        let written = Question {
            only: one.to_vec(),
            ..Question::default()
        };
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&text).unwrap(), written);
    }

    #[test]
    fn tables_without_a_series_are_answered_in_words() {
        let settings = ScoreSettings::default();
        let none = Progress::none();
        let ask =
            |table: Table| Answer::new(Arc::new(table), &Question::default(), settings, &none);
        let error = ask(Table::new(["x", "y"])).unwrap_err().to_string();
        assert!(error.contains("'alignment'"), "{error}");
        let empty = ask(Table::new(["alignment", "uniformity", "performance"])).unwrap();
        assert!(empty.scores.unwrap_err().contains("at least 3"));
    }
}
