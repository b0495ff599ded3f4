//! Which folder names are classes.

use std::collections::BTreeMap;

use super::{Skipped, natural_cmp, walk::Found};

/// Images with their class, if folders are classes.
pub(super) struct Layout {
    /// Class names in natural order; empty for a flat folder.
    pub(super) classes: Vec<String>,
    /// In the order of their names.
    pub(super) images: Vec<(Found, Option<u32>)>,
    /// Images that belong to no class although the others do.
    pub(super) outside: Vec<Skipped>,
}

/// Decides by counting.
///
/// Folders that only hold one folder are passed through (`set/train/cat/…`). At the first level
/// with a choice, two or more folders with images are classes; images that lie directly beside
/// them are left out and listed, unless they are the majority: then the folder is flat.
pub(super) fn find(found: Vec<Found>) -> Layout {
    let depth = first_choice(&found);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut beside = 0;
    for file in &found {
        match class_part(&file.name, depth) {
            Some(class) => *counts.entry(class).or_default() += 1,
            None => beside += 1,
        }
    }
    let inside: usize = counts.values().sum();
    if counts.len() < 2 || beside > inside {
        return Layout {
            classes: Vec::new(),
            images: found.into_iter().map(|file| (file, None)).collect(),
            outside: Vec::new(),
        };
    }
    let mut classes: Vec<String> = counts.into_keys().map(str::to_owned).collect();
    classes.sort_by(|a, b| natural_cmp(a, b));
    let number: BTreeMap<&str, u32> = (0..).zip(&classes).map(|(i, c)| (c.as_str(), i)).collect();

    let mut images = Vec::with_capacity(inside);
    let mut outside = Vec::new();
    for file in found {
        match class_part(&file.name, depth).and_then(|class| number.get(class).copied()) {
            Some(label) => images.push((file, Some(label))),
            None => outside.push(Skipped {
                name: file.name,
                reason: "lies beside the class folders, in none of them".to_owned(),
            }),
        }
    }
    Layout {
        classes,
        images,
        outside,
    }
}

/// The number of leading path parts that all files share.
fn first_choice(found: &[Found]) -> usize {
    let mut depth = 0;
    loop {
        let mut parts = found.iter().map(|file| class_part(&file.name, depth));
        match parts.next() {
            Some(Some(first)) if parts.all(|part| part == Some(first)) => depth += 1,
            _ => return depth,
        }
    }
}

/// The folder at this depth of a name; `None` where the file name itself stands.
fn class_part(name: &str, depth: usize) -> Option<&str> {
    let folders = &name[..name.rfind('/')?];
    folders.split('/').nth(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &[&str]) -> Layout {
        find(
            names
                .iter()
                .map(|name| Found {
                    path: name.into(),
                    name: (*name).to_owned(),
                })
                .collect(),
        )
    }

    #[test]
    fn flat_and_single_folders_have_no_classes() {
        for names in [
            &["1.png", "2.png"][..],
            &["photos/1.png", "photos/2.png"],
            &["1.png"],
            &["1.png", "2.png", "3.png", "thumbs/1.png", "old/1.png"],
            &[],
        ] {
            let layout = layout(names);
            assert!(layout.classes.is_empty(), "{names:?}");
            assert_eq!(layout.images.len(), names.len());
        }
    }

    #[test]
    fn folders_are_classes_in_natural_order() {
        let layout = layout(&["c10/a.png", "c2/a.png", "c2/deep/b.png"]);
        assert_eq!(layout.classes, ["c2", "c10"]);
        let labels: Vec<_> = layout.images.iter().map(|(_, label)| *label).collect();
        assert_eq!(labels, [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn strays_are_listed_and_wrappers_passed_through() {
        let layout = layout(&["set/cat/1.png", "set/dog/1.png", "set/preview.png"]);
        assert_eq!(layout.classes, ["cat", "dog"]);
        assert_eq!(layout.outside.len(), 1);
        assert_eq!(layout.outside[0].name, "set/preview.png");
    }
}
