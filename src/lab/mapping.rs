//! Foreign tables: which of their columns hold what a series needs.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{LabError, views};
use crate::data::Table;

/// Performances that are guessed, at most.
const MOST_GUESSED: usize = 8;
/// Different values of a column that parts the encoders, at most.
const MOST_GROUPS: usize = 24;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Fields that are numbers.
    pub numbers: usize,
    /// Fields that are missing: empty or "na".
    pub missing: usize,
    /// Different values, missing ones apart; counted up to one more than a group may have.
    pub distinct: usize,
    /// Whether no two of its fields are the same.
    pub is_unique: bool,
    /// Rows of the table.
    pub rows: usize,
}

impl ColumnFacts {
    /// Looks at every column.
    pub fn of(table: &Table) -> Vec<Self> {
        let columns = table.columns().iter().enumerate();
        columns
            .map(|(at, name)| Self::of_column(table, at, name))
            .collect()
    }

    fn of_column(table: &Table, at: usize, name: &str) -> Self {
        let mut facts = Self {
            name: name.to_owned(),
            numbers: 0,
            missing: 0,
            distinct: 0,
            is_unique: true,
            rows: table.rows().len(),
        };
        let mut seen = HashSet::new();
        for row in table.rows() {
            let field = row[at].trim();
            if field.is_empty() || field.eq_ignore_ascii_case("na") {
                facts.missing += 1;
                continue;
            }
            facts.numbers += usize::from(field.parse::<f64>().is_ok());
            facts.is_unique &= seen.insert(field);
        }
        facts.distinct = seen.len();
        facts.is_unique &= facts.missing == 0;
        facts
    }

    /// Whether there are numbers and nothing else.
    pub fn is_of_numbers(&self) -> bool {
        self.numbers > 0 && self.numbers + self.missing == self.rows
    }

    /// Whether its values may part the encoders.
    pub fn is_a_group(&self) -> bool {
        (2..=MOST_GROUPS).contains(&self.distinct) && self.distinct < self.rows
    }
}

/// Which column of a table holds what. Columns are named as in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnMapping {
    /// Names the encoders; without it they are numbered.
    pub name: Option<String>,
    /// The encoder's file.
    pub path: Option<String>,
    /// L_align: lower is better aligned.
    pub alignment: Option<String>,
    /// L_uniform: lower is more uniform.
    pub uniformity: Option<String>,
    /// Performances, higher is better: a task each.
    pub performances: Vec<String>,
    /// Values that part the encoders.
    pub group: Option<String>,
    /// A number along which scores may change.
    pub order: Option<String>,
}

/// Words that speak for a column, the best first.
const ALIGNMENT: [&str; 3] = ["alignment", "align", "a"];
const UNIFORMITY: [&str; 4] = ["uniformity", "uniform", "unif", "u"];
const PERFORMANCE: [&str; 17] = [
    "performance",
    "accuracy",
    "acc",
    "top1",
    "top",
    "miou",
    "iou",
    "map",
    "knn",
    "linear",
    "probe",
    "auc",
    "auroc",
    "f1",
    "ap",
    "score",
    "p",
];
const NAME: [&str; 7] = [
    "name",
    "encoder",
    "model",
    "run",
    "id",
    "checkpoint",
    "experiment",
];
const PATH: [&str; 5] = ["path", "file", "checkpoint", "ckpt", "weights"];
const ORDER: [&str; 7] = [
    "step",
    "steps",
    "epoch",
    "epochs",
    "iteration",
    "iter",
    "time",
];
const GROUP: [&str; 7] = [
    "data",
    "dataset",
    "loss",
    "objective",
    "method",
    "architecture",
    "arch",
];
/// Words that speak against a performance.
const NO_PERFORMANCE: [&str; 8] = [
    "loss", "lr", "std", "chance", "error", "err", "time", "seconds",
];

impl ColumnMapping {
    /// A guess from the columns' names and what stands in them. What it does not know is open.
    pub fn guess(facts: &[ColumnFacts]) -> Self {
        let mut taken: Vec<String> = Vec::new();
        let mut take = |words: &[&str], fits: &dyn Fn(&ColumnFacts) -> bool| -> Option<String> {
            let found = words.iter().find_map(|word| {
                facts
                    .iter()
                    .filter(|one| fits(one) && !taken.contains(&one.name))
                    .find(|one| says(&one.name, word))
            })?;
            taken.push(found.name.clone());
            Some(found.name.clone())
        };
        let alignment = take(&ALIGNMENT, &ColumnFacts::is_of_numbers);
        let uniformity = take(&UNIFORMITY, &ColumnFacts::is_of_numbers);
        let is_result = |one: &ColumnFacts| {
            one.is_of_numbers() && !NO_PERFORMANCE.iter().any(|word| says(&one.name, word))
        };
        let mut performances = Vec::new();
        while performances.len() < MOST_GUESSED
            && let Some(found) = take(&PERFORMANCE, &is_result)
        {
            performances.push(found);
        }
        let order = take(&ORDER, &ColumnFacts::is_of_numbers);
        let is_text = |one: &ColumnFacts| !one.is_of_numbers() && one.missing < one.rows;
        let path = take(&PATH, &|one| is_text(one) && one.is_unique);
        let name = take(&NAME, &|one| one.is_unique).or_else(|| {
            let first = facts.iter().find(|one| is_text(one) && one.is_unique)?;
            Some(first.name.clone())
        });
        let group = take(&GROUP, &ColumnFacts::is_a_group).or_else(|| {
            let is_free = |one: &&ColumnFacts| is_text(one) && one.is_a_group();
            Some(facts.iter().find(is_free)?.name.clone())
        });
        Self {
            name,
            path,
            alignment,
            uniformity,
            performances,
            group,
            order,
        }
    }

    /// What stands in the way of a series, in words: something is not chosen, or one column is to
    /// be two things.
    pub fn problem(&self) -> Option<String> {
        let mut open = Vec::new();
        if self.alignment.is_none() {
            open.push("alignment");
        }
        if self.uniformity.is_none() {
            open.push("uniformity");
        }
        if self.performances.is_empty() {
            open.push("performance");
        }
        if !open.is_empty() {
            return Some(format!("No column is chosen for {}", open.join(", ")));
        }
        let roles = self.roles();
        roles
            .iter()
            .enumerate()
            .find_map(|(place, (column, role))| {
                let (_, other) = roles[..place].iter().find(|(known, _)| known == column)?;
                Some(format!(
                    "Column '{column}' is chosen for {other} and {role}"
                ))
            })
    }

    /// Chosen columns with the names they get.
    fn roles(&self) -> Vec<(&str, String)> {
        let single = [
            (&self.name, "name"),
            (&self.path, "path"),
            (&self.alignment, "alignment"),
            (&self.uniformity, "uniformity"),
        ];
        let mut roles: Vec<(&str, String)> = (single.into_iter())
            .filter_map(|(column, role)| Some((column.as_deref()?, role.to_owned())))
            .collect();
        roles.extend(self.performances.iter().map(|column| {
            let stem = column.strip_prefix("performance:").unwrap_or(column);
            (column.as_str(), format!("performance:{stem}"))
        }));
        roles
    }

    /// The table with the names that [`views`] knows: `alignment`, `uniformity`, `performance:X`
    /// for every performance `X`, `name` and `path`. All other columns stay; those that would be
    /// taken for one of these get "(of the file)" behind their name. The one that scores are
    /// followed along comes first among them.
    ///
    /// # Errors
    /// [`LabError::Columns`] for a [`problem`](Self::problem), and for a column that is not in the
    /// table.
    pub fn apply(&self, table: &Table) -> Result<Table, LabError> {
        if let Some(problem) = self.problem() {
            return Err(LabError::Columns(problem));
        }
        let roles = self.roles();
        if let Some((column, _)) = roles.iter().find(|(name, _)| table.column(name).is_none()) {
            let known = table.columns().join(", ");
            return Err(LabError::Columns(format!(
                "There is no column '{column}': {known}"
            )));
        }
        let mut order: Vec<usize> = (0..table.columns().len()).collect();
        if let Some(first) = self.order.as_ref().and_then(|name| table.column(name)) {
            order.retain(|at| *at != first);
            order.insert(0, first);
        }
        let mut named: Vec<String> = Vec::new();
        for at in &order {
            let column = &table.columns()[*at];
            let role = roles.iter().find(|(known, _)| known == column);
            let mut name = match role {
                Some((_, role)) => role.clone(),
                None if is_reserved(column) => format!("{column} (of the file)"),
                None => column.clone(),
            };
            while named.contains(&name) {
                name.push('′');
            }
            named.push(name);
        }
        let mut renamed = Table::new(named);
        for row in table.rows() {
            renamed.push(order.iter().map(|at| row[*at].clone()));
        }
        Ok(renamed)
    }

    /// Flags of `correlate` that choose these columns.
    pub fn flags(&self) -> String {
        let single = [
            ("name", &self.name),
            ("alignment", &self.alignment),
            ("uniformity", &self.uniformity),
        ];
        let mut flags: Vec<String> = (single.iter())
            .filter_map(|(flag, column)| Some(format!("--{flag} {}", quoted(column.as_ref()?))))
            .collect();
        let performances = self.performances.iter();
        flags.extend(performances.map(|column| format!("--performance {}", quoted(column))));
        flags.join(" ")
    }
}

/// Whether a table lacks columns that a series needs, by their names.
pub fn is_foreign(table: &Table) -> bool {
    let known = views(table);
    known.measures.is_empty() || known.performances.is_empty()
}

/// Whether [`views`] would read something into a name.
fn is_reserved(column: &str) -> bool {
    let stem = column.split(':').next().unwrap_or_default();
    ["alignment", "uniformity", "performance", "name", "path"].contains(&stem)
}

/// Whether one of the words of a column's name is `word`, or begins so where it is longer than a
/// letter or two.
fn says(column: &str, word: &str) -> bool {
    let lower = column.to_lowercase();
    let mut parts = lower.split(|letter: char| !letter.is_alphanumeric());
    parts.any(|part| {
        let part = part
            .strip_prefix('l')
            .filter(|rest| rest.len() > 4)
            .unwrap_or(part);
        part == word || (word.len() > 3 && part.starts_with(word))
    })
}

fn quoted(column: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.:/".contains(letter);
    if !column.is_empty() && column.chars().all(is_plain) {
        column.to_owned()
    } else {
        format!("'{}'", column.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign() -> Table {
        let mut table = Table::new([
            "encoder",
            "L_align",
            "L_uniform",
            "train_loss",
            "top-1 acc",
            "mIoU",
            "epoch",
            "data",
            "note",
            "performance",
        ]);
        for index in 0..9_usize {
            table.push([
                format!("run {index}"),
                format!("0.{index}"),
                format!("-{index}.5"),
                "1.0".to_owned(),
                format!("0.{}", 9 - index),
                if index == 4 {
                    "na".to_owned()
                } else {
                    format!("0.5{index}")
                },
                (index * 10).to_string(),
                ["single", "multi"][index % 2].to_owned(),
                "x".to_owned(),
                "poor".to_owned(),
            ]);
        }
        table
    }

    #[test]
    fn columns_are_guessed_by_name_and_content() {
        let facts = ColumnFacts::of(&foreign());
        let mapping = ColumnMapping::guess(&facts);
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            mapping,
            ColumnMapping {
                name: some("encoder"),
                path: None,
                alignment: some("L_align"),
                uniformity: some("L_uniform"),
                // The column of words called performance is none.
                performances: vec!["top-1 acc".to_owned(), "mIoU".to_owned()],
                group: some("data"),
                order: some("epoch"),
            }
        );
        assert_eq!(
            mapping.flags(),
            "--name encoder --alignment L_align --uniformity L_uniform --performance 'top-1 acc' \
             --performance mIoU"
        );
        for (column, word, is_so) in [
            ("Lalign", "align", true),
            ("lr", "r", false),
            ("val/acc", "acc", true),
            ("backbone", "acc", false),
            ("A", "a", true),
            ("alpha", "a", false),
            ("uniformity_pooled", "uniformity", true),
        ] {
            assert_eq!(says(column, word), is_so, "{column} {word}");
        }
        let nothing = ColumnMapping::guess(&ColumnFacts::of(&Table::new(["x", "y"])));
        assert_eq!(nothing, ColumnMapping::default());
        assert!(
            nothing
                .problem()
                .unwrap()
                .contains("for alignment, uniformity, performance")
        );
    }

    #[test]
    fn a_mapped_table_is_a_series() {
        let table = foreign();
        assert!(is_foreign(&table));
        let mapping = ColumnMapping::guess(&ColumnFacts::of(&table));
        let mapped = mapping.apply(&table).unwrap();
        assert!(!is_foreign(&mapped));
        let found = views(&mapped);
        let tasks: Vec<&str> = found
            .performances
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(tasks, ["top-1 acc", "mIoU"]);
        assert_eq!(found.name.as_deref(), Some("name"));
        assert_eq!(found.orders[0], "epoch");
        assert!(found.groups.contains(&"data".to_owned()));
        assert!(mapped.column("performance (of the file)").is_some());
        let at = mapped.column("alignment").unwrap();
        assert_eq!(mapped.rows()[3][at], "0.3");
        assert_eq!(mapped.rows().len(), 9);
    }

    #[test]
    fn one_column_is_one_thing() {
        let table = foreign();
        let good = ColumnMapping::guess(&ColumnFacts::of(&table));
        let twice = ColumnMapping {
            uniformity: good.alignment.clone(),
            ..good.clone()
        };
        let said = twice.apply(&table).unwrap_err().to_string();
        assert!(
            said.contains("'L_align' is chosen for alignment and uniformity"),
            "{said}"
        );
        let gone = ColumnMapping {
            name: Some("no such".to_owned()),
            ..good.clone()
        };
        assert!(
            gone.apply(&table)
                .unwrap_err()
                .to_string()
                .contains("no such")
        );
        let open = ColumnMapping {
            performances: Vec::new(),
            ..good
        };
        assert!(
            open.apply(&table)
                .unwrap_err()
                .to_string()
                .contains("performance")
        );
    }
}
