//! Which columns of a table of encoders go together.

use super::parts::{MOST_PARTS, SHARED, parts_of};
use crate::data::Table;

/// What the columns of a table are for, by their names and what stands in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Names the encoders.
    pub name: Option<String>,
    /// File of each encoder.
    pub path: Option<String>,
    /// Names of measures with their columns of alignment and uniformity.
    pub measures: Vec<(String, [String; 2])>,
    /// Names of tasks with their columns of performance.
    pub performances: Vec<(String, String)>,
    /// Columns with a few values each, of which one is shared by three encoders or more.
    pub groups: Vec<String>,
    /// All columns that part the encoders, the groups first: by value, or by thirds of a column of
    /// numbers that are nearly all different.
    pub parts: Vec<String>,
    /// Columns of numbers with three values or more, along which scores may change.
    pub orders: Vec<String>,
}

/// Columns whose names say that they hold results or bookkeeping, not settings.
const NO_SETTINGS: [&str; 11] = [
    "alignment",
    "uniformity",
    "performance",
    "chance",
    "std_sqrt_d",
    "images",
    "notes",
    "device",
    "plan",
    "seconds",
    "path",
];

/// Looks at a table. Columns `alignment` and `uniformity` are a pair, and so are `alignment:X` and
/// `uniformity:X` for any X; `performance` and `performance:X` are tasks. The plain ones repeat the
/// first of the others, and stand for themselves where there are no others.
pub fn views(table: &Table) -> Columns {
    let has = |column: &str| table.column(column).is_some();
    let suffixes = |prefix: &str| -> Vec<String> {
        let columns = table.columns().iter();
        columns
            .filter_map(|column| Some(column.strip_prefix(prefix)?.strip_prefix(':')?.to_owned()))
            .collect()
    };
    let mut measures: Vec<(String, [String; 2])> = suffixes("alignment")
        .into_iter()
        .map(|name| {
            let pair = [format!("alignment:{name}"), format!("uniformity:{name}")];
            (name, pair)
        })
        .filter(|(_, [_, uniformity])| has(uniformity))
        .collect();
    if measures.is_empty() && has("alignment") && has("uniformity") {
        let pair = ["alignment", "uniformity"].map(str::to_owned);
        measures.push(("alignment, uniformity".to_owned(), pair));
    }
    let mut performances: Vec<(String, String)> = suffixes("performance")
        .into_iter()
        .map(|name| (name.clone(), format!("performance:{name}")))
        .collect();
    if performances.is_empty() && has("performance") {
        performances.push(("performance".to_owned(), "performance".to_owned()));
    }
    let known = |name: &str| has(name).then(|| name.to_owned());
    let settings = table.columns().iter().filter(|column| {
        let stem = column.split(':').next().unwrap_or_default();
        !NO_SETTINGS.contains(&stem) && *column != "name"
    });
    let [mut groups, mut others, mut orders] = [const { Vec::new() }; 3];
    for column in settings {
        let counts = counts(table, column);
        let is_shared = counts.values().any(|count| *count >= SHARED);
        if (2..=MOST_PARTS).contains(&counts.len()) && is_shared {
            groups.push(column.clone());
        } else if !parts_of(table, column).is_empty() {
            others.push(column.clone());
        }
        let is_number = |value: &&str| value.parse::<f64>().is_ok_and(f64::is_finite);
        if counts.len() >= 3 && counts.keys().all(|value| is_number(&value.as_str())) {
            orders.push(column.clone());
        }
    }
    Columns {
        name: known("name"),
        path: known("path"),
        measures,
        performances,
        parts: groups.iter().chain(&others).cloned().collect(),
        groups,
        orders,
    }
}

/// How often each value stands in a column; empty fields are no value.
fn counts(table: &Table, column: &str) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    if let Some(at) = table.column(column) {
        for row in table.rows() {
            let value = row[at].trim();
            if !value.is_empty() {
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_tasks_groups_and_orders_are_found() {
        let mut table = Table::new([
            "name",
            "alignment",
            "uniformity",
            "performance",
            "alignment:pooled",
            "uniformity:pooled",
            "alignment:dense",
            "performance:knn",
            "data",
            "seed",
            "path",
        ]);
        for index in 0..6 {
            let kind = if index % 2 == 0 { "single" } else { "multi" };
            let mut row = vec![index.to_string(); 8];
            row.extend([kind.to_owned(), index.to_string(), format!("{index}.pth")]);
            table.push(row);
        }
        let found = views(&table);
        let pooled = ["alignment:pooled", "uniformity:pooled"].map(str::to_owned);
        assert_eq!(found.measures, [("pooled".to_owned(), pooled)]);
        assert_eq!(
            found.performances,
            [("knn".to_owned(), "performance:knn".to_owned())]
        );
        assert_eq!(
            (found.groups, found.orders),
            (vec!["data".to_owned()], vec!["seed".to_owned()])
        );
        assert_eq!(found.parts, ["data", "seed"]);
        assert_eq!(found.path.as_deref(), Some("path"));
        let plain = views(&Table::new(["alignment", "uniformity", "performance"]));
        assert_eq!((plain.measures.len(), plain.performances.len()), (1, 1));
        assert_eq!(views(&Table::new(["x"])), Columns::default());
    }
}
