//! Holds the house rules that a compiler cannot: a room uses only rooms above it in the table, and
//! some words belong to one room only.
//!
//! The order is read from `src/lib.rs` itself, and the README's table has to tell the same one.

#[path = "rooms/code.rs"]
mod code;

use code::{first_segments, has_word, leading_word, without_comments_and_literals};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A source file: where it stands and what it says once comments and literals are blanked.
struct Source {
    path: PathBuf,
    /// The room, or the whole path for `lib.rs` and `main.rs`.
    room: String,
    /// Module path below the crate: `src/render/camera.rs` is `["render", "camera"]`.
    module: Vec<String>,
    code: String,
}

impl Source {
    fn new(path: &Path, text: &str) -> Self {
        let mut module: Vec<String> = path
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        Self {
            path: path.to_owned(),
            room: module[0].clone(),
            module,
            code: without_comments_and_literals(text),
        }
    }

    /// The code that a rule is about: all of it, or what comes before the unit tests.
    fn code_bound_by(&self, rule: &Reserved) -> &str {
        let end = match self.code.find("#[cfg(test)]\nmod ") {
            Some(tests) if !rule.binds_tests => tests,
            _ => self.code.len(),
        };
        &self.code[..end]
    }
}

/// Which rooms a file names, through `crate::`, the crate's own name, or enough `super::`s.
fn named_rooms(source: &Source) -> BTreeSet<String> {
    let mut named = first_segments(&source.code, "crate");
    named.extend(first_segments(&source.code, "spherescope"));
    // `super` once per level above the file's own module; one more when inside an inline module.
    let depth = source.module.len();
    for levels in [depth, depth + 1] {
        named.extend(first_segments(
            &source.code,
            &vec!["super"; levels].join("::"),
        ));
    }
    named
}

/// The edges that run against the order, as sentences.
fn edges_against_the_order(source: &Source, order: &[String]) -> Vec<String> {
    let place = |room: &str| order.iter().position(|known| known == room);
    let Some(own) = place(&source.room) else {
        return Vec::new();
    };
    named_rooms(source)
        .iter()
        .filter(|room| place(room).is_some_and(|place| place > own))
        .map(|room| {
            format!(
                "{}: room `{}` uses `{room}`, which is below it",
                source.path.display(),
                source.room
            )
        })
        .collect()
}

/// Words that stand in code only where they belong.
struct Reserved {
    words: &'static [&'static str],
    /// Whether unit tests are held to it as well.
    binds_tests: bool,
    /// Rooms, or files, that may say them.
    homes: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        words: &["create_render_pipeline", "create_compute_pipeline"],
        binds_tests: true,
        homes: &["render"],
        why: "pipelines live in `render`",
    },
    Reserved {
        words: &["cubecl", "burn_cubecl"],
        binds_tests: true,
        homes: &["compute"],
        why: "only `compute` knows what is behind a tensor",
    },
    Reserved {
        words: &["unsafe"],
        binds_tests: true,
        homes: &[],
        why: "nothing here is worth it",
    },
    Reserved {
        words: &["egui", "eframe"],
        binds_tests: true,
        homes: &["ui", "app", "main"],
        why: "every other room works without a window",
    },
    Reserved {
        words: &[
            "Color32::from_rgb",
            "Color32::from_rgba_premultiplied",
            "Color32::from_rgba_unmultiplied",
            "Color32::from_gray",
            "Color32::RED",
            "Color32::GREEN",
            "Color32::BLUE",
            "Color32::YELLOW",
            "Color32::ORANGE",
            "Color32::BLACK",
            "Color32::GRAY",
            "Color32::LIGHT_GRAY",
            "Color32::DARK_GRAY",
        ],
        // White is not among them: it is how egui says that a picture is not tinted.
        binds_tests: false,
        homes: &["ui/theme", "ui/theme.rs", "ui/colour.rs"],
        why: "colours come from the theme's tokens",
    },
];

fn reserved_words(source: &Source) -> Vec<String> {
    let is_home = |home: &str| source.path.starts_with(home) || source.room == home;
    RESERVED
        .iter()
        .filter(|rule| !rule.homes.iter().any(|home| is_home(home)))
        .flat_map(|rule| {
            let code = source.code_bound_by(rule);
            let said = rule.words.iter().filter(|word| has_word(code, word));
            said.map(|word| (word, rule.why))
        })
        .map(|(word, why)| format!("{}: says `{word}`; {why}", source.path.display()))
        .collect()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let root = project().join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder under src opens") {
            let path = entry.expect("an entry under src reads").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are text");
                let below = path.strip_prefix(&root).expect("a file under src");
                sources.push(Source::new(below, &text));
            }
        }
    }
    sources
}

/// The rooms in their order, as `src/lib.rs` declares them.
fn declared_order() -> Vec<String> {
    let text = fs::read_to_string(project().join("src/lib.rs")).expect("lib.rs is text");
    without_comments_and_literals(&text)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod "))
        .map(leading_word)
        .collect()
}

/// The rooms of the README's table: rows that begin with a name in backquotes.
fn readme_order(readme: &str) -> Vec<String> {
    readme
        .lines()
        .skip_while(|line| !line.starts_with("| room"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `"))
        .map(leading_word)
        .collect()
}

#[test]
fn rooms_use_only_rooms_above_them() {
    let order = declared_order();
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|source| edges_against_the_order(source, &order))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reserved_words_stay_in_their_rooms() {
    let wrong: Vec<String> = sources().iter().flat_map(reserved_words).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_belongs_to_a_declared_room() {
    let order = declared_order();
    for source in sources() {
        let is_known = ["lib", "main"].contains(&source.room.as_str());
        assert!(
            is_known || order.contains(&source.room),
            "{} stands in no declared room",
            source.path.display()
        );
    }
}

#[test]
fn the_readme_tells_the_same_order() {
    let readme = fs::read_to_string(project().join("README.md")).expect("README.md is text");
    assert_eq!(readme_order(&readme), declared_order());
}

mod the_checker {
    use super::*;

    fn order() -> Vec<String> {
        ["data", "models", "render", "ui"]
            .map(String::from)
            .to_vec()
    }

    fn complaints(path: &str, text: &str) -> usize {
        edges_against_the_order(&Source::new(Path::new(path), text), &order()).len()
    }

    #[test]
    fn finds_edges_that_run_up() {
        assert_eq!(complaints("data/mod.rs", "use crate::models::Encoder;"), 1);
        assert_eq!(complaints("data.rs", "fn f() { crate::ui::draw() }"), 1);
        assert_eq!(
            complaints(
                "data/a.rs",
                "use crate::{data, render::{Camera, x}, ui as u};"
            ),
            2
        );
        assert_eq!(
            complaints("data/a.rs", "use super::super::models::Encoder;"),
            1
        );
        assert_eq!(complaints("data/mod.rs", "use super::models::Encoder;"), 1);
        assert_eq!(
            complaints("data/mod.rs", "mod t { use super::super::ui; }"),
            1
        );
        assert_eq!(complaints("models/x.rs", "use spherescope::render;"), 1);
    }

    #[test]
    fn lets_edges_down_and_prose_pass() {
        assert_eq!(
            complaints("ui/mod.rs", "use crate::{data::Image, models, render};"),
            0
        );
        assert_eq!(
            complaints(
                "data/mod.rs",
                "// see crate::ui\n/* crate::ui /* crate::ui */ */"
            ),
            0
        );
        assert_eq!(
            complaints(
                "data/mod.rs",
                r##"let a = "crate::ui"; let b = r#"crate::ui " "#;"##
            ),
            0
        );
        assert_eq!(
            complaints("data/a.rs", "use super::models; // a module of its own"),
            0
        );
        assert_eq!(
            complaints("data/mod.rs", "use other_crate::ui; use a::crate::ui;"),
            0
        );
    }

    #[test]
    fn is_not_led_astray_by_quotes() {
        assert_eq!(
            complaints("data/mod.rs", r#"let q = '"'; use crate::ui; let r = '"';"#),
            1
        );
        assert_eq!(
            complaints(
                "data/mod.rs",
                r"let q = '\''; fn f<'a>(x: &'a str) { crate::ui::g() }"
            ),
            1
        );
        assert_eq!(
            complaints("data/mod.rs", r#"let s = "\""; use crate::ui; let t = "";"#),
            1
        );
    }

    #[test]
    fn finds_reserved_words() {
        let said =
            |path: &str, text: &str| reserved_words(&Source::new(Path::new(path), text)).len();
        assert_eq!(
            said("models/mod.rs", "device.create_render_pipeline(&d)"),
            1
        );
        assert_eq!(
            said("render/mesh.rs", "device.create_render_pipeline(&d)"),
            0
        );
        assert_eq!(said("models/mod.rs", "use cubecl::Runtime;"), 1);
        assert_eq!(said("compute/mod.rs", "unsafe { go() }"), 1);
        assert_eq!(said("compute/mod.rs", "let unsafe_code = 1; // unsafe"), 0);
        assert_eq!(said("ui/panels/sphere.rs", "Color32::from_rgb(1, 2, 3)"), 1);
        assert_eq!(said("ui/theme/mod.rs", "Color32::from_rgb(1, 2, 3)"), 0);
        assert_eq!(said("app/mod.rs", "Color32::RED"), 1);
        let in_a_test = "#[cfg(test)]\nmod tests { Color32::RED }";
        assert_eq!(said("app/mod.rs", in_a_test), 0);
    }

    #[test]
    fn reads_the_readme_table() {
        let readme =
            "text\n| room | what |\n|---|---|\n| `data` | a |\n| `models` | b |\n\n| `x` |";
        assert_eq!(readme_order(readme), ["data", "models"]);
    }
}
