//! Reads Rust source just far enough to tell code from prose and to find the paths in it.

use std::collections::BTreeSet;

/// Blanks comments, strings and characters, so that words in prose are not taken for code.
/// Lines stay where they are.
pub fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_length(rest)
        } else if first == '"' {
            string_length(rest)
        } else if is_raw_string(rest) && !code.ends_with(is_word) {
            raw_string_length(rest)
        } else if first == '\'' {
            character_length(rest)
        } else {
            0
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().filter(|&c| c == '\n'));
            code.push(' ');
            rest = &rest[length..];
        }
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn is_raw_string(rest: &str) -> bool {
    let rest = rest.strip_prefix('b').unwrap_or(rest);
    rest.strip_prefix('r')
        .is_some_and(|tail| tail.trim_start_matches('#').starts_with('"'))
}

fn raw_string_length(rest: &str) -> usize {
    let quote = rest.find('"').unwrap_or(0);
    let hashes = rest[..quote].matches('#').count();
    let end = format!("\"{}", "#".repeat(hashes));
    rest[quote + 1..]
        .find(&end)
        .map_or(rest.len(), |at| quote + 1 + at + end.len())
}

/// The length of `'x'` or `'\n'`; 0 for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, _))) => {
            let after = escaped + rest[escaped..].chars().next().map_or(1, char::len_utf8);
            rest[after..].find('\'').map_or(0, |at| after + at + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// The paths that follow `root::` wherever it stands as a word: the first segment of each, also of
/// those in braces.
pub fn first_segments(code: &str, root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let needle = format!("{root}::");
    for (at, _) in code.match_indices(&needle) {
        let before = &code[..at];
        if before.ends_with(|c: char| is_word(c) || c == ':') {
            continue;
        }
        let tail = code[at + needle.len()..].trim_start();
        if let Some(group) = tail.strip_prefix('{') {
            found.extend(heads_of_group(group));
        } else {
            found.insert(leading_word(tail));
        }
    }
    found.retain(|segment| !segment.is_empty());
    found
}

/// The name a text begins with, blanks aside.
pub fn leading_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|&c| is_word(c))
        .collect()
}

/// `a::{b, c}, d as e}…` gives `a`, `d`.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = vec![leading_word(group)];
    let mut depth = 1_usize;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(leading_word(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// Whether `word` stands in the code, not as a part of a longer one.
pub fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word)
    })
}
