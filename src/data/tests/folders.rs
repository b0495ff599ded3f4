//! How folders become sets.

use std::fs;

use super::{DataError, ImageSet, Progress, names, open, picture, save};

#[test]
fn flat_folders_are_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["10.png", "9.png", "1.png", "sub/2.png"] {
        save(folder.path(), name, &picture(5, 5));
    }
    let set = open(folder.path()).unwrap();
    assert_eq!(names(&set), ["1.png", "9.png", "10.png", "sub/2.png"]);
    assert!(set.classes().is_empty());
    assert!(set.records().iter().all(|record| record.label.is_none()));
    assert_eq!(set.format(), "folder, flat");
    assert!(set.path(0).unwrap().ends_with("1.png"));
}

#[test]
fn class_folders_give_labels() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dog/2.png", "cat/1.png", "cat/10.png", "cat/2.png"] {
        save(folder.path(), name, &picture(5, 5));
    }
    save(folder.path(), "stray.png", &picture(5, 5));
    let set = open(folder.path()).unwrap();
    assert_eq!(set.classes(), ["cat", "dog"]);
    assert_eq!(
        names(&set),
        ["cat/1.png", "cat/2.png", "cat/10.png", "dog/2.png"]
    );
    let labels: Vec<_> = set.records().iter().map(|record| record.label).collect();
    assert_eq!(labels, [Some(0), Some(0), Some(0), Some(1)]);
    assert_eq!(set.skipped()[0].name, "stray.png");
}

#[test]
fn one_of_several_splits_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "set/train/cat/1.png",
        "set/train/cat/2.png",
        "set/train/dog/1.png",
        "set/test/1.png",
        "set/validation/cat/1.png",
        "set/validation/dog/1.png",
    ] {
        save(folder.path(), name, &picture(5, 5));
    }
    let set = open(folder.path()).unwrap();
    assert_eq!(set.classes(), ["cat", "dog"]);
    assert_eq!(
        names(&set),
        ["set/validation/cat/1.png", "set/validation/dog/1.png"]
    );
    assert_eq!(
        set.format(),
        "folder, one class a folder; split validation \
         (not opened: test with 1 image, train with 3 images)"
    );
    assert!(set.skipped().is_empty());
    let train = open(&folder.path().join("set/train")).unwrap();
    assert_eq!(train.format(), "folder, one class a folder");
    assert_eq!(train.len(), 3);
}

#[test]
fn another_numbering_of_classes_is_said() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "class10/1.png", &picture(5, 5));
    save(folder.path(), "class9/1.png", &picture(5, 5));
    let set = open(folder.path()).unwrap();
    assert_eq!(set.classes(), ["class9", "class10"]);
    assert!(
        set.format().ends_with("unlike torchvision's ImageFolder"),
        "{}",
        set.format()
    );
}

#[test]
fn nothing_usable_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Empty { .. }));
    fs::write(folder.path().join("readme.md"), "hello").unwrap();
    fs::write(folder.path().join("bad.png"), "").unwrap();
    let text = open(folder.path()).unwrap_err().to_string();
    assert!(
        text.contains("1 other files") && text.contains("bad.png"),
        "{text}"
    );
    let missing = open(&folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(missing, DataError::NotFound { .. }));
}

#[test]
fn indices_beyond_the_set_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "only.png", &picture(5, 5));
    let set = open(folder.path()).unwrap();
    assert_eq!(set.len(), 1);
    let error = set.load(1).unwrap_err();
    assert_eq!(error.to_string(), "there is no image 1: the set has 1");
    assert!(set.mask(1).is_err());
    assert!(set.mask(0).unwrap().is_none());
    assert_eq!(set.row(1), None);
    assert_eq!(set.size(1), None);
}

#[test]
fn subsets_keep_names_rows_and_pixels() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..6 {
        save(folder.path(), &format!("{i}.png"), &picture(5 + i, 5));
    }
    let set = open(folder.path()).unwrap();
    let subset = set.subset(vec![5, 1, 99, 3]).subset(vec![2, 0]);
    assert_eq!(names(&subset), ["3.png", "5.png"]);
    assert_eq!([subset.row(0), subset.row(1)], [Some(3), Some(5)]);
    assert_eq!(subset.load(0).unwrap().width(), 8);
    assert_eq!(subset.size(1), Some([10, 5]));
    assert!(set.subset(Vec::new()).is_empty());
}

#[test]
fn a_cancel_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "1.png", &picture(5, 5));
    let progress = Progress::none();
    progress.cancel();
    let error = ImageSet::open(folder.path(), None, &progress).unwrap_err();
    assert!(matches!(error, DataError::Cancelled(_)));
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_loops_end() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "a/1.png", &picture(5, 5));
    save(outside.path(), "2.png", &picture(5, 5));
    symlink(root, root.join("a/up")).unwrap();
    symlink(root.join("a"), root.join("b")).unwrap();
    symlink(outside.path(), root.join("linked")).unwrap();
    symlink(outside.path(), root.join("linked_again")).unwrap();
    symlink(root.join("nowhere.png"), root.join("dangling.png")).unwrap();
    symlink(root.join("self.png"), root.join("self.png")).unwrap();
    let set = open(root).unwrap();
    assert_eq!(set.len(), 2, "{:?} {:?}", names(&set), set.skipped());
    assert_eq!(set.skipped().len(), 5, "{:?}", set.skipped());
    assert_eq!(set.classes().len(), 2);
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_are_never_opened() {
    use std::{os::unix::net::UnixListener, process::Command, sync::mpsc, thread, time::Duration};

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("images");
    let masks = folder.path().join("masks");
    save(&root, "good.png", &picture(5, 5));
    save(&masks, "good.png", &picture(5, 5));
    let _socket = UnixListener::bind(root.join("socket.png")).unwrap();
    for pipe in [root.join("pipe.png"), masks.join("classes.txt")] {
        if !Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .is_ok_and(|status| status.success())
        {
            println!("skipped: this system makes no pipes");
            return;
        }
    }
    // Opening a pipe waits for a writer that never comes, so the wait is on a thread of its own.
    // Ten seconds: checking four files takes milliseconds even on a busy machine.
    let (sender, receiver) = mpsc::channel();
    let path = folder.path().to_owned();
    thread::spawn(move || sender.send(open(&path)));
    let set = receiver
        .recv_timeout(Duration::from_secs(10))
        .expect("opening the folder waits for a pipe")
        .unwrap();
    assert_eq!(names(&set), ["good.png"]);
    let skipped = set.skipped();
    let listed: Vec<_> = skipped.iter().map(|file| &file.name[..]).collect();
    assert_eq!(listed, ["pipe.png", "socket.png"]);
    assert!(
        skipped
            .iter()
            .all(|file| file.reason.contains("not a regular file"))
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_not_text_still_open() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let folder = tempfile::tempdir().unwrap();
    let good = save(folder.path(), "x.png", &picture(5, 5));
    let odd = folder.path().join(OsStr::from_bytes(b"\xFF\xFE.png"));
    if fs::rename(&good, &odd).is_err() {
        println!("skipped: this file system only takes names that are text");
        return;
    }
    let set = open(folder.path()).unwrap();
    assert!(set.load(0).is_ok());
}
