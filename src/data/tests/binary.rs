//! CIFAR, STL-10 and idx files made here byte by byte.

use std::{fs, path::Path};

use super::{names, open};

/// A CIFAR record: its label bytes, then planes whose values tell place and channel.
fn cifar_record(labels: &[u8], row: usize) -> Vec<u8> {
    let mut record = labels.to_vec();
    for channel in 0..3 {
        record.extend((0..1024).map(|i| (i + 7 * channel + row) as u8));
    }
    record
}

fn write(path: &Path, records: impl IntoIterator<Item = Vec<u8>>) {
    fs::write(path, records.into_iter().flatten().collect::<Vec<_>>()).unwrap();
}

fn error_of(path: &Path) -> String {
    open(path).unwrap_err().to_string()
}

#[test]
fn cifar10_file_and_folder() {
    let folder = tempfile::tempdir().unwrap();
    let test = folder.path().join("test_batch.bin");
    write(
        &test,
        (0..12).map(|row| cifar_record(&[(row % 10) as u8], row)),
    );
    let set = open(&test).unwrap();
    assert_eq!(set.len(), 12);
    assert_eq!(set.classes()[3], "cat");
    assert_eq!(set.records()[11].label, Some(1));
    assert_eq!(names(&set)[11], "test_batch/00011");
    assert_eq!(set.size(0), Some([32, 32]));
    let image = set.load(11).unwrap();
    let value = |i: usize, channel: usize| (i + 7 * channel + 11) as u8;
    let (x, y) = (5, 20);
    assert_eq!(
        image.get_pixel(x, y).0,
        [0, 1, 2].map(|channel| value(20 * 32 + 5, channel))
    );

    for batch in 1..=2 {
        let path = folder.path().join(format!("data_batch_{batch}.bin"));
        write(&path, (0..3).map(|row| cifar_record(&[batch], row)));
    }
    let set = open(folder.path()).unwrap();
    assert_eq!(set.len(), 12, "the test split");
    assert!(
        set.format().contains("not opened: data_batch_1.bin"),
        "{}",
        set.format()
    );
    fs::remove_file(&test).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!(set.len(), 6, "both training files");
    assert_eq!(names(&set)[5], "data_batch_2/00002");
    assert_eq!(set.load(5).unwrap().get_pixel(0, 0).0, [2, 9, 16]);
}

#[test]
fn data_sets_are_found_in_their_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("data/cifar-100-binary");
    fs::create_dir_all(&inner).unwrap();
    write(
        &inner.join("test.bin"),
        (0..4).map(|row| cifar_record(&[1, 99], row)),
    );
    let set = open(folder.path()).unwrap();
    assert!(set.format().starts_with("CIFAR-100 binary"));
    assert_eq!(set.classes().len(), 100);
    assert_eq!(set.classes()[99], "worm");
    assert_eq!(set.records()[0].label, Some(99), "the fine label");
    assert_eq!(set.load(0).unwrap().get_pixel(1, 0).0, [1, 8, 15]);
}

#[test]
fn cifar_of_wrong_sizes_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test_batch.bin");
    fs::write(&path, vec![0; 3073 * 2 - 1]).unwrap();
    assert!(error_of(&path).contains("3073"), "{}", error_of(&path));
    assert!(open(folder.path()).is_err());
    fs::write(&path, []).unwrap();
    assert!(error_of(&path).contains("0 bytes"), "{}", error_of(&path));
    write(&path, [cifar_record(&[10], 0)]);
    assert!(error_of(&path).contains("label 10"), "{}", error_of(&path));
}

/// What Python 2 wrote: the dictionary of a CIFAR batch, its lists in runs of a thousand.
fn pickled(label_key: &str, labels: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[b'U', text.len() as u8], text.as_bytes()].concat();
    let mut bytes = b"\x80\x02}q\x01(".to_vec();
    bytes.extend(text("batch_label"));
    bytes.extend(text("testing batch 1 of 1"));
    bytes.extend(text(label_key));
    bytes.extend(b"]q\x04");
    for run in labels.chunks(1000) {
        bytes.push(b'(');
        bytes.extend(run.iter().flat_map(|&label| [b'K', label]));
        bytes.push(b'e');
    }
    bytes.extend(text("data"));
    bytes.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85");
    bytes.extend(b"U\x01b\x87Rq\x09(K\x01M\x10'M\x00\x0c\x86cnumpy\ndtype\nq\x0a");
    // The name of the type stands between the key and the pixels.
    bytes.extend(b"U\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((labels.len() as u32 * 3072).to_le_bytes());
    for row in 0..labels.len() {
        bytes.extend(cifar_record(&[], row));
    }
    bytes.extend(b"tb");
    bytes.extend(text("filenames"));
    bytes.extend(b"]q\x0cu.");
    bytes
}

#[test]
fn the_python_version_of_cifar_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("cifar-10-batches-py");
    fs::create_dir(&inner).unwrap();
    let labels: Vec<u8> = (0..2100).map(|row| (row % 10) as u8).collect();
    fs::write(inner.join("test_batch"), pickled("labels", &labels)).unwrap();
    fs::write(inner.join("data_batch_1"), pickled("labels", &[4])).unwrap();
    for path in [folder.path(), &inner, &inner.join("test_batch")] {
        let set = open(path).unwrap();
        assert_eq!(set.len(), 2100);
        assert_eq!(set.records()[2099].label, Some(9));
        assert_eq!(set.classes()[9], "truck");
        assert_eq!(set.load(1).unwrap().get_pixel(2, 1).0, [35, 42, 49]);
    }
    let set = open(&inner).unwrap();
    assert!(set.format().contains("not opened: data_batch_1"));

    let hundred = folder.path().join("cifar-100-python");
    fs::create_dir(&hundred).unwrap();
    fs::write(hundred.join("meta"), "names").unwrap();
    fs::write(hundred.join("test"), pickled("fine_labels", &[0, 99])).unwrap();
    let set = open(&hundred).unwrap();
    assert_eq!(set.classes()[99], "worm");
    assert_eq!(set.records()[1].label, Some(99));
}

#[test]
fn broken_pickles_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test_batch");
    let whole = pickled("labels", &[1, 2, 3]);
    for cut in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(error_of(&path).contains("cut short"), "{cut}");
    }
    fs::write(&path, pickled("labels", &[1, 200])).unwrap();
    assert!(error_of(&path).contains("label 200"));
    fs::write(&path, pickled("other", &[1])).unwrap();
    assert!(error_of(&path).contains("0 labels for 1 images"));
    fs::write(&path, "}.").unwrap();
    assert!(error_of(&path).contains("no CIFAR images"));
    fs::write(&path, [0xFF; 100]).unwrap();
    assert!(error_of(folder.path()).contains("opcode"));
}

#[test]
fn packed_data_sets_are_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("t10k-images-idx3-ubyte.gz");
    fs::write(&packed, [0x1F, 0x8B]).unwrap();
    assert!(error_of(folder.path()).contains("unpack"));
    assert!(error_of(&packed).contains("unpack"));
}

#[test]
fn foreign_bin_files_do_not_hide_images() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.bin"), [1, 2, 3]).unwrap();
    assert!(error_of(folder.path()).contains("3073"));
    super::save(folder.path(), "1.png", &super::picture(4, 4));
    assert_eq!(names(&open(folder.path()).unwrap()), ["1.png"]);
}

#[test]
fn stl10_is_stored_by_columns() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("train_X.bin");
    let plane = 96 * 96;
    let bytes: Vec<u8> = (0..2 * 3 * plane).map(|i| (i % 251) as u8).collect();
    fs::write(&images, &bytes).unwrap();
    let set = open(&images).unwrap();
    assert!(set.format().contains("no labels"), "{}", set.format());
    fs::write(folder.path().join("train_y.bin"), [10, 1]).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!(set.len(), 2);
    assert_eq!(set.records()[0].label, Some(9));
    assert_eq!(set.classes()[9], "truck");
    let image = set.load(1).unwrap();
    let at = |channel: usize, x: usize, y: usize| bytes[(3 + channel) * plane + x * 96 + y];
    assert_eq!(
        image.get_pixel(70, 3).0,
        [at(0, 70, 3), at(1, 70, 3), at(2, 70, 3)]
    );

    fs::write(folder.path().join("train_y.bin"), [1]).unwrap();
    assert!(error_of(&images).contains("1 labels for 2 images"));
    fs::write(folder.path().join("train_y.bin"), [1, 11]).unwrap();
    assert!(error_of(&images).contains("label 11"));
    fs::write(&images, &bytes[1..]).unwrap();
    assert!(error_of(&images).contains("STL-10"));
    assert!(error_of(&folder.path().join("train_y.bin")).contains("labels"));
}

fn idx(dimensions: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for dimension in dimensions {
        bytes.extend(dimension.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

#[test]
fn idx_images_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("t10k-images-idx3-ubyte");
    let labels = folder.path().join("t10k-labels-idx1-ubyte");
    let body: Vec<u8> = (0..3 * 4 * 5).collect();
    fs::write(&images, idx(&[3, 4, 5], &body)).unwrap();
    let set = open(&images).unwrap();
    assert!(set.classes().is_empty());
    fs::write(&labels, idx(&[3], &[7, 0, 9])).unwrap();
    for path in [images.as_path(), folder.path()] {
        let set = open(path).unwrap();
        assert_eq!(set.len(), 3);
        assert_eq!(set.size(2), Some([5, 4]));
        assert_eq!(set.records()[0].label, Some(7));
        assert_eq!(set.classes()[9], "9");
        assert_eq!(set.load(2).unwrap().get_pixel(1, 3).0, [40 + 16; 3]);
    }
    assert!(error_of(&labels).contains("labels"));

    fs::write(&labels, idx(&[2], &[7, 0])).unwrap();
    assert!(error_of(&images).contains("another number of labels"));
    fs::remove_file(&labels).unwrap();
    for (bytes, word) in [
        (idx(&[3, 4, 5], &body[1..]), "whole number"),
        (idx(&[2, 4, 5], &body), "the file holds 3"),
        (idx(&[3, 0, 5], &body), "5×0"),
        (idx(&[u32::MAX, u32::MAX, u32::MAX], &body), "not read"),
        (idx(&[3, 4, 5, 1], &body), "4 dimensions"),
        (idx(&[3, 4], &[]), "2 dimensions"),
        (vec![0, 0, 8, 3, 0, 0], "header"),
        (vec![0, 0, 13, 3, 0, 0, 0, 1], "unsigned bytes"),
    ] {
        fs::write(&images, &bytes).unwrap();
        let text = error_of(&images);
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn fashion_has_names() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("FashionMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    fs::write(
        raw.join("train-images.idx3-ubyte"),
        idx(&[1, 2, 2], &[0; 4]),
    )
    .unwrap();
    fs::write(raw.join("train-labels.idx1-ubyte"), idx(&[1], &[9])).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!(set.classes()[9], "ankle boot");
}

#[test]
fn a_file_cut_after_opening_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test_batch.bin");
    write(&path, (0..3).map(|row| cifar_record(&[0], row)));
    let set = open(&path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(3073).unwrap();
    assert!(set.load(0).is_ok());
    assert!(set.load(2).is_err());
    assert_eq!(set.skipped().len(), 1);
}
