//! What a table of encoders answers to a question: scores, findings, and how they change.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Columns, Facet, LabError, Task,
    facets::{cells, column_values, measure_named},
    views,
};
use crate::{
    correlation::{
        About, ColumnChoice, CorrelationError, PlaneFit, ScoreSettings, Scores, Series,
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
    /// Only encoders with this value in this column.
    pub only: Option<(String, String)>,
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

/// What findings of a question are about, in words.
fn about(question: &Question) -> About {
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
        among: (question.only.as_ref()).map_or_else(String::new, |(column, value)| {
            format!(" among {column} = {value}")
        }),
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

/// What the notes of a series say against reading it as it stands.
pub fn caveat(series: &Series) -> Option<String> {
    let is_noted = |field: &String| field.contains(ON_OWN_IMAGES);
    let noted = (series.encoders().iter())
        .filter(|one| one.about.get("notes").is_some_and(is_noted))
        .count();
    (noted > 0).then(|| {
        format!(
            "{noted} of {} encoders were measured on the images that they were trained on: how \
             they do on new ones is not known.",
            series.encoders().len()
        )
    })
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
    Ok(Question {
        measure: pick(
            &question.measure,
            measures,
            "columns 'alignment' and 'uniformity'",
        )?,
        task: pick(&question.task, tasks, "a column 'performance'")?,
        group: within(&question.group, &columns.groups),
        facets: question.facets.clone(),
        only: question
            .only
            .clone()
            .filter(|(column, value)| column_values(table, column).contains(value)),
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
    Ok(match &question.only {
        None => all,
        Some((column, value)) => all.part(|one| one.about.get(column) == Some(value)),
    })
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
