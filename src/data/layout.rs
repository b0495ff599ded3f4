//! Which folder names are classes.

use std::collections::BTreeMap;

use super::{
    Skipped, natural_cmp,
    split::{self, Chosen, Split},
    walk::Found,
};

/// Images with their class, if folders are classes.
pub(super) struct Layout {
    /// Class names in natural order; empty for a flat folder.
    pub(super) classes: Vec<String>,
    /// In the order of their names.
    pub(super) images: Vec<(Found, Option<u32>)>,
    /// Images that belong to no class although the others do, or to no split.
    pub(super) outside: Vec<Skipped>,
    /// The split that these images are, where the folder holds several.
    pub(super) split: Option<Split>,
}

/// Decides by counting.
///
/// Folders that only hold one folder are passed through (`set/photos/cat/…`). Of `train`, `val` and
/// the like beside one another, one is gone into. At the first level with a choice, two or more
/// folders with images are classes; images that lie directly beside them are left out and listed,
/// unless they are the majority: then the folder is flat.
pub(super) fn find(found: Vec<Found>) -> Layout {
    let depth = first_choice(&names(&found));
    let Chosen {
        images: found,
        mut outside,
        split,
    } = split::choose(found, depth);
    let Some((depth, classes)) = class_folders(&names(&found)) else {
        return Layout {
            classes: Vec::new(),
            images: found.into_iter().map(|file| (file, None)).collect(),
            outside,
            split,
        };
    };
    let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
    let number: BTreeMap<&str, u32> = (0..).zip(&classes).map(|(i, c)| (c.as_str(), i)).collect();

    let mut images = Vec::with_capacity(found.len());
    for file in found {
        match folder_at(&file.name, depth).and_then(|class| number.get(class).copied()) {
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
        split,
    }
}

/// The folders that are classes, in natural order, and their depth; `None` if there are fewer than
/// two, or more images beside them than in them.
pub(super) fn class_folders<'a>(names: &[&'a str]) -> Option<(usize, Vec<&'a str>)> {
    let depth = first_choice(names);
    let mut classes: Vec<&str> = names
        .iter()
        .filter_map(|name| folder_at(name, depth))
        .collect();
    let inside = classes.len();
    classes.sort_by(|a, b| natural_cmp(a, b));
    classes.dedup();
    (classes.len() >= 2 && names.len() - inside <= inside).then_some((depth, classes))
}

fn names(found: &[Found]) -> Vec<&str> {
    found.iter().map(|file| file.name.as_str()).collect()
}

/// The number of leading path parts that all files share.
fn first_choice(names: &[&str]) -> usize {
    let mut depth = 0;
    loop {
        let mut parts = names.iter().map(|name| folder_at(name, depth));
        match parts.next() {
            Some(Some(first)) if parts.all(|part| part == Some(first)) => depth += 1,
            _ => return depth,
        }
    }
}

/// The folder at this depth of a name; `None` where the file name itself stands.
pub(super) fn folder_at(name: &str, depth: usize) -> Option<&str> {
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

    #[test]
    fn splits_are_no_classes() {
        let layout = layout(&[
            "set/train/cat/1.png",
            "set/train/dog/1.png",
            "set/val/cat/2.png",
            "set/val/dog/2.png",
            "set/val/preview.png",
        ]);
        assert_eq!(layout.classes, ["cat", "dog"]);
        let images: Vec<_> = layout
            .images
            .iter()
            .map(|(file, label)| (&file.name[..], *label))
            .collect();
        assert_eq!(
            images,
            [
                ("set/val/cat/2.png", Some(0)),
                ("set/val/dog/2.png", Some(1))
            ]
        );
        assert_eq!(layout.outside.len(), 1);
        assert_eq!(layout.split.unwrap().name, "val");
    }
}
