//! How a column parts the encoders: by each of its values, or a column of numbers that are nearly
//! all different by its thirds.

use crate::data::{Table, natural_cmp};

/// More values are no parts: no picture has room for them.
pub(super) const MOST_PARTS: usize = 24;
/// Encoders that share a value where values part them, at least, unless nothing else can.
pub(super) const SHARED: usize = 3;
/// Parts of a column of numbers that are nearly all different.
const THIRDS: usize = 3;

/// Encoders that belong together by a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// What they share, in words: a value, or "0.1 to 0.3".
    pub label: String,
    holds: Holds,
}

#[derive(Clone, Debug, PartialEq)]
enum Holds {
    Value(String),
    /// Least and greatest number, both within.
    Between([f64; 2]),
}

impl Part {
    /// Whether a field of the column belongs to it.
    pub fn holds(&self, field: &str) -> bool {
        let field = field.trim();
        match &self.holds {
            Holds::Value(value) => field == value,
            Holds::Between([low, high]) => {
                number(field).is_some_and(|value| (*low..=*high).contains(&value))
            }
        }
    }
}

/// The parts of a column, in order; none where it has fewer than two, or too many.
pub(super) fn parts_of(table: &Table, column: &str) -> Vec<Part> {
    let Some(at) = table.column(column) else {
        return Vec::new();
    };
    let fields = table.rows().iter().map(|row| row[at].trim());
    let fields: Vec<&str> = fields.filter(|field| !field.is_empty()).collect();
    let mut values = fields.clone();
    values.sort_by(|a, b| natural_cmp(a, b));
    values.dedup();
    if values.len() < 2 {
        return Vec::new();
    }
    let count = |value: &&str| fields.iter().filter(|field| *field == value).count();
    let is_shared = values.len() <= MOST_PARTS && values.iter().any(|one| count(one) >= SHARED);
    let numbers: Option<Vec<f64>> = fields.iter().map(|field| number(field)).collect();
    match numbers {
        Some(numbers) if !is_shared && values.len() > THIRDS => thirds(numbers),
        _ if values.len() <= MOST_PARTS => (values.into_iter())
            .map(|value| Part {
                label: value.to_owned(),
                holds: Holds::Value(value.to_owned()),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The names of a column's parts.
pub(super) fn labels(table: &Table, column: &str) -> Vec<String> {
    let parts = parts_of(table, column).into_iter();
    parts.map(|part| part.label).collect()
}

fn number(field: &str) -> Option<f64> {
    field.parse().ok().filter(|value: &f64| value.is_finite())
}

/// About equally many numbers each; equal ones stay together.
fn thirds(mut numbers: Vec<f64>) -> Vec<Part> {
    numbers.sort_by(f64::total_cmp);
    let mut parts: Vec<[f64; 2]> = Vec::new();
    for third in 0..THIRDS {
        let [from, to] = [third, third + 1].map(|place| place * numbers.len() / THIRDS);
        let of = &numbers[from..to];
        let (Some(&low), Some(&high)) = (of.first(), of.last()) else {
            continue;
        };
        match parts.last_mut() {
            // The number at the seam belongs to the part before.
            Some(before) if before[1] >= low => {
                let rest = of.iter().find(|value| **value > before[1]);
                if let Some(&low) = rest {
                    parts.push([low, high]);
                }
            }
            _ => parts.push([low, high]),
        }
    }
    parts
        .into_iter()
        .map(|[low, high]| Part {
            label: if low < high {
                format!("{low} to {high}")
            } else {
                low.to_string()
            },
            holds: Holds::Between([low, high]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(fields: &[&str]) -> Table {
        let mut table = Table::new(["x"]);
        for field in fields {
            table.push([*field]);
        }
        table
    }

    fn counted(fields: &[&str]) -> Vec<(String, usize)> {
        let parts = parts_of(&table(fields), "x");
        let count = |part: &Part| fields.iter().filter(|field| part.holds(field)).count();
        parts
            .iter()
            .map(|part| (part.label.clone(), count(part)))
            .collect()
    }

    #[test]
    fn shared_values_part_and_others_are_cut_into_thirds() {
        let shared = counted(&["b", "a", "", "a", "a", "b"]);
        assert_eq!(shared, [("a".to_owned(), 3), ("b".to_owned(), 2)]);
        let cut = counted(&["0.9", "0.1", "0.2", "0.5", "0.4", "1.5", ""]);
        let named = ["0.1 to 0.2", "0.4 to 0.5", "0.9 to 1.5"].map(|name| (name.to_owned(), 2));
        assert_eq!(cut, named);
        // Equal numbers stay together, and every number has one part.
        let tied = counted(&["1", "1", "2", "2", "2.5", "4", "7"]);
        let total: usize = tied.iter().map(|(_, count)| count).sum();
        assert_eq!(total, 7, "{tied:?}");
        // Steps of three seeds each are values, however many numbers there are.
        assert_eq!(counted(&["1", "1", "1", "2", "3", "4"]).len(), 4);
    }

    #[test]
    fn one_value_and_many_words_part_nothing() {
        assert!(counted(&["a", "a", "a"]).is_empty());
        assert!(parts_of(&table(&["a"]), "y").is_empty());
        let many: Vec<String> = (0..60).map(|place| format!("word {place}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(counted(&many).is_empty());
    }
}
