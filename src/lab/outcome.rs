//! What came of an encoder of a series, in a few words.

use super::FAILED;
use crate::data::Table;

/// The longest reason that stands in a row, letters.
const LONGEST: usize = 64;

/// What came of an encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// It has numbers; what is to be said of them.
    Measured(String),
    /// Its run diverged.
    Diverged,
    /// It could not be measured, and why.
    Failed(String),
}

impl RowOutcome {
    /// What a row of a table says.
    pub fn of(table: &Table, row: &[String]) -> Self {
        let field = |name: &str| table.column(name).map_or("", |at| row[at].as_str());
        let notes = field("notes");
        if let Some(why) = notes.strip_prefix(FAILED) {
            Self::Failed(without_path(why, field("path")).to_owned())
        } else if field("alignment").is_empty() && notes.contains("diverged") {
            Self::Diverged
        } else {
            Self::Measured(notes.to_owned())
        }
    }

    /// A few words.
    pub fn remark(&self) -> String {
        match self {
            Self::Measured(notes) => short(notes),
            Self::Diverged => "diverged".to_owned(),
            Self::Failed(why) => format!("failed: {}", short(why)),
        }
    }
}

/// The reason without the file that the row names anyway.
fn without_path<'a>(why: &'a str, path: &str) -> &'a str {
    if path.is_empty() {
        return why;
    }
    why.strip_prefix(path)
        .map_or(why, |rest| rest.trim_start_matches([':', ' ']))
}

/// The beginning of a text, cut between words.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    if line.chars().count() <= LONGEST && line.len() == text.trim().len() {
        return line.to_owned();
    }
    let mut kept = String::new();
    for word in line.split_whitespace() {
        if kept.chars().count() + word.chars().count() + 1 > LONGEST {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    if kept.is_empty() {
        kept = line.chars().take(LONGEST).collect();
    }
    kept.trim_end_matches([',', ';', ':', '.']).to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_words() {
        assert_eq!(short("a\nb"), "a…");
        assert_eq!(short(&"x".repeat(100)).chars().count(), LONGEST + 1);
        let long = "failed: /a/b.pth: ".to_owned() + &"some words ".repeat(20);
        let mut table = Table::new(["notes", "path", "alignment"]);
        table.push([long.as_str(), "/a/b.pth", ""]);
        let remark = RowOutcome::of(&table, &table.rows()[0]).remark();
        assert!(remark.starts_with("failed: some words") && remark.ends_with('…'));
        assert!(!remark.contains("/a/b.pth"));
    }
}
