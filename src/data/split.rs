//! Folders such as `train` and `val` beside one another: splits of a set, not its classes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Skipped,
    layout::{class_folders, folder_at},
    natural_cmp,
    walk::Found,
};

/// What a split is for. The order is the order of preference: pictures that an encoder was not
/// trained on say more about it, and test splits often come without labels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Purpose {
    Validation,
    Test,
    Train,
    Extra,
}

/// Which split was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Name of its folder.
    pub(super) name: String,
    /// The splits beside it that stay closed, in natural order, with their numbers of images.
    pub(super) others: Vec<(String, usize)>,
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "split {}", self.name)?;
        for (number, (name, images)) in self.others.iter().enumerate() {
            let start = if number == 0 { " (not opened: " } else { ", " };
            let plural = if *images == 1 { "" } else { "s" };
            write!(f, "{start}{name} with {images} image{plural}")?;
        }
        f.write_str(if self.others.is_empty() { "" } else { ")" })
    }
}

/// Images of the opened split, or of a set without splits.
pub(super) struct Chosen {
    pub(super) images: Vec<Found>,
    /// Images in none of the splits.
    pub(super) outside: Vec<Skipped>,
    pub(super) split: Option<Split>,
}

/// Leaves the images of one split, if the folders at this depth are splits.
///
/// They are when their names serve two purposes or more and they hold at least half of the images;
/// one alone (`train` beside a loose picture) must have class folders. A single `train` among
/// other names is a class: vehicles have one. Held-out splits are preferred, among them those with
/// class folders.
pub(super) fn choose(found: Vec<Found>, depth: usize) -> Chosen {
    let Some(split) = find(&found, depth) else {
        return Chosen {
            images: found,
            outside: Vec::new(),
            split: None,
        };
    };
    let mut images = Vec::new();
    let mut outside = Vec::new();
    for file in found {
        match folder_at(&file.name, depth) {
            Some(folder) if folder == split.name => images.push(file),
            // Closed on purpose: `others` counts them; a list of a million names helps nobody.
            Some(folder) if split.others.iter().any(|(other, _)| other == folder) => {}
            _ => outside.push(Skipped {
                name: file.name,
                reason: "lies beside the splits of the set, in none of them".to_owned(),
            }),
        }
    }
    Chosen {
        images,
        outside,
        split: Some(split),
    }
}

fn find(found: &[Found], depth: usize) -> Option<Split> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in found {
        if let Some(folder) = folder_at(&file.name, depth) {
            folders.entry(folder).or_default().push(&file.name);
        }
    }
    let is_alone = folders.len() == 1;
    let mut splits: Vec<(Purpose, &str, Vec<&str>)> = folders
        .into_iter()
        .filter_map(|(folder, names)| Some((purpose(folder)?, folder, names)))
        .collect();
    let inside: usize = splits.iter().map(|(_, _, names)| names.len()).sum();
    let purposes: BTreeSet<Purpose> = splits.iter().map(|(purpose, _, _)| *purpose).collect();
    let are_splits = match &splits[..] {
        [(_, _, names)] => is_alone && class_folders(names).is_some(),
        _ => purposes.len() >= 2,
    };
    if !are_splits || found.len() - inside > inside {
        return None;
    }
    splits.sort_by(|(_, a, _), (_, b, _)| natural_cmp(a, b));
    let best = (0..splits.len()).min_by_key(|&index| {
        let (purpose, _, names) = &splits[index];
        let has_no_classes = class_folders(names).is_none();
        (*purpose >= Purpose::Train, has_no_classes, *purpose)
    })?;
    let (_, name, _) = splits.remove(best);
    Some(Split {
        name: name.to_owned(),
        others: splits
            .into_iter()
            .map(|(_, name, names)| (name.to_owned(), names.len()))
            .collect(),
    })
}

/// What a folder of this name is for, if its name is one of a split: `val`, `Test`, `train2017`,
/// `training_set`.
fn purpose(folder: &str) -> Option<Purpose> {
    let lower = folder.to_lowercase();
    let is_separator = |c: char| matches!(c, '_' | '-' | '.' | ' ');
    let word = lower.trim_end_matches(|c: char| c.is_ascii_digit() || is_separator(c));
    let word = ["set", "images", "data", "split"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        .map_or(word, |word| word.trim_end_matches(is_separator));
    match word {
        "val" | "valid" | "validation" | "minival" | "dev" | "eval" | "evaluation" | "holdout" => {
            Some(Purpose::Validation)
        }
        "test" | "testing" => Some(Purpose::Test),
        "train" | "training" | "trainval" => Some(Purpose::Train),
        "extra" | "unlabeled" | "unlabelled" => Some(Purpose::Extra),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(names: &[&str], depth: usize) -> Chosen {
        let found = names.iter().map(|name| Found {
            path: name.into(),
            name: (*name).to_owned(),
        });
        super::choose(found.collect(), depth)
    }

    fn opened(names: &[&str]) -> Option<String> {
        choose(names, 0).split.map(|split| split.name)
    }

    #[test]
    fn names_of_splits() {
        for (name, expected) in [
            ("val", Some(Purpose::Validation)),
            ("Validation", Some(Purpose::Validation)),
            ("val2017", Some(Purpose::Validation)),
            ("TEST", Some(Purpose::Test)),
            ("test_set", Some(Purpose::Test)),
            ("training-images", Some(Purpose::Train)),
            ("trainset", Some(Purpose::Train)),
            ("unlabeled", Some(Purpose::Extra)),
            ("train station", None),
            ("trains", None),
            ("set", None),
            ("2017", None),
            ("", None),
        ] {
            assert_eq!(purpose(name), expected, "{name}");
        }
    }

    #[test]
    fn held_out_splits_come_first_among_them_those_with_classes() {
        let train = ["train/a/1", "train/b/1"];
        let with = |rest: &[&'static str]| [&train[..], rest].concat();
        assert_eq!(
            opened(&with(&["val/a/1", "val/b/1", "test/a/1", "test/b/1"])).as_deref(),
            Some("val")
        );
        assert_eq!(
            opened(&with(&["val/1", "val/2", "test/a/1", "test/b/1"])).as_deref(),
            Some("test")
        );
        assert_eq!(
            opened(&with(&["test/1", "test/2"])).as_deref(),
            Some("test")
        );
        assert_eq!(opened(&with(&["extra/1"])).as_deref(), Some("train"));
        assert_eq!(opened(&with(&["loose"])).as_deref(), Some("train"));
    }

    #[test]
    fn classes_that_sound_like_splits_stay_classes() {
        for names in [
            &["bus/1", "car/1", "train/1"][..],
            &["test1/1", "test2/1", "test3/1"],
            &["train/1", "loose"],
            &["train/1", "test/1", "cat/1", "dog/1", "owl/1"],
            &[],
        ] {
            assert_eq!(opened(names), None, "{names:?}");
        }
    }

    #[test]
    fn what_stays_closed_is_counted_and_what_is_beside_is_listed() {
        let chosen = choose(
            &["s/test/1", "s/train/1", "s/train/2", "s/truth/1", "s/loose"],
            1,
        );
        assert_eq!(chosen.images.len(), 1);
        let outside: Vec<_> = chosen.outside.iter().map(|file| &file.name[..]).collect();
        assert_eq!(outside, ["s/truth/1", "s/loose"]);
        let split = chosen.split.unwrap();
        assert_eq!(
            split.to_string(),
            "split test (not opened: train with 2 images)"
        );
    }
}
