//! The command line as a user meets it: figures, files, messages and exit codes.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::Value;
use tempfile::TempDir;

fn spherescope() -> Command {
    let mut command = Command::cargo_bin("spherescope").unwrap();
    command.args(["--device", "cpu"]);
    command
}

/// A small encoder over a few built-in images.
const SMALL: [&str; 8] = [
    "--untrained",
    "cifar-resnet20-a",
    "--builtin",
    "multi-object",
    "--builtin-count",
    "24",
    "--builtin-side",
    "32",
];

fn json_of(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn measured(arguments: &[&str]) -> Value {
    let output = spherescope()
        .arg("measure")
        .args(SMALL)
        .args(arguments)
        .args(["--json", "-"])
        .output()
        .unwrap();
    json_of(&output)
}

#[test]
fn numbers_carry_all_that_decides_them() {
    let json = measured(&["--kind", "dense", "--pair-set", "within-image"]);
    assert_eq!(json["vectors"], 24 * 64);
    assert_eq!(json["dimension"], 64);
    assert_eq!(json["device"]["compute"], "cpu (flex)");
    assert!(!json["device"]["reason"].as_str().unwrap().is_empty());
    assert_eq!(json["provenance"]["image_count"], 24);
    let uniformity = &json["numbers"]["uniformity"];
    let value = uniformity["value"].as_f64().unwrap();
    assert!(value <= 0.0 && value >= uniformity["floor"].as_f64().unwrap());
    // 24 images with 64 cells each: 24 · 64 · 63 / 2 pairs within an image.
    let population = uniformity["population"].as_str().unwrap();
    assert!(
        population.contains("all 48,384 unordered within-image pairs"),
        "{population}"
    );
    assert!(json["numbers"]["top1"]["why_absent"].is_string());
}

#[test]
fn a_landscape_is_written_as_numbers_and_pictures() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("slice");
    spherescope()
        .args(["landscape", "--side", "5", "--probe-images", "24", "-o"])
        .arg(&out)
        .assert()
        .success()
        .stdout(
            contains("25 of 25 points")
                .and(contains("filter-normalised"))
                .and(contains("first picture (9 points) after "))
                .and(contains(", whole after ")),
        );
    let json: Value =
        serde_json::from_slice(&std::fs::read(out.join("landscape.json")).unwrap()).unwrap();
    assert_eq!(json["settings"]["side"], 5);
    assert_eq!(json["device"]["compute"], "cpu (flex)");
    let origin = json["origin"]["alignment"].as_f64().unwrap();
    let seconds = |name: &str| json["pace"][name].as_f64().unwrap();
    assert!(seconds("first_s") > 0.0 && seconds("first_s") <= seconds("whole_s"));
    let mut npz = npyz::npz::NpzArchive::open(out.join("landscape.npz")).unwrap();
    let mut array =
        |name: &str| -> Vec<f64> { npz.by_name(name).unwrap().unwrap().into_vec().unwrap() };
    let alignment = array("alignment");
    // The middle of the grid is the encoder itself.
    assert_eq!((alignment.len(), alignment[12]), (25, origin));
    assert_eq!(array("x"), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    let sums = array("sum");
    let uniformity = array("uniformity");
    assert!((0..25).all(|i| (sums[i] - alignment[i] - uniformity[i]).abs() < 1e-12));
    let svg = std::fs::read_to_string(out.join("sum.svg")).unwrap();
    assert!(svg.contains("25 of 25 points measured") && svg.contains("<svg"));
    // Neighbours' votes on top, when they are asked for; `--grid` is `--side`.
    spherescope()
        .args([
            "landscape",
            "--grid",
            "3",
            "--knn",
            "--no-png",
            "--probe-images",
            "40",
            "-o",
        ])
        .arg(&out)
        .assert()
        .success()
        .stdout(contains("9 of 9 points").and(contains("k-NN accuracy = ")));
    let mut npz = npyz::npz::NpzArchive::open(out.join("landscape.npz")).unwrap();
    let votes: Vec<f64> = npz.by_name("knn").unwrap().unwrap().into_vec().unwrap();
    assert!(votes.len() == 9 && votes.iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(out.join("knn.svg").is_file());
    spherescope()
        .args(["landscape", "--t", "-1", "-o"])
        .arg(&out)
        .assert()
        .failure()
        .stderr(contains("t must be a finite number above 0, not -1"));
    spherescope()
        .args(["landscape", "--side", "4", "-o"])
        .arg(&out)
        .assert()
        .failure()
        .stderr(contains("odd number"));
}

#[test]
fn the_printed_command_gives_the_same_numbers() {
    let first = measured(&[
        "--kind",
        "dense",
        "--matching",
        "backbone-argmax",
        "--seed",
        "3",
    ]);
    let words: Vec<&str> = first["command"]
        .as_str()
        .unwrap()
        .split(' ')
        .skip(1)
        .collect();
    let again = spherescope()
        .args(words)
        .args(["--json", "-"])
        .output()
        .unwrap();
    assert_eq!(json_of(&again)["numbers"], first["numbers"]);
}

#[test]
fn a_sample_is_named_and_lies_near_the_exact_value() {
    let exact = measured(&["--kind", "dense"]);
    let sampled = measured(&["--kind", "dense", "--sample-pairs", "20000"]);
    let figure = &sampled["numbers"]["uniformity"];
    let difference = figure["value"].as_f64().unwrap()
        - exact["numbers"]["uniformity"]["value"].as_f64().unwrap();
    let error = figure["standard_error"].as_f64().unwrap();
    // Five standard errors: a seeded draw beyond them would be a one in a million.
    assert!(difference.abs() < 5.0 * error, "{difference} ± {error}");
    assert!(
        figure["population"]
            .as_str()
            .unwrap()
            .contains("20,000 draws (with replacement)")
    );
    assert!(exact["numbers"]["uniformity"]["standard_error"].is_null());
}

#[test]
fn every_matching_rule_but_the_projected_one_runs_without_heads() {
    for rule in ["geometric", "backbone-argmax", "same-index", "random"] {
        let json = measured(&["--kind", "dense", "--matching", rule]);
        assert!(json["numbers"]["alignment"]["value"].is_f64(), "{rule}");
    }
    spherescope()
        .arg("measure")
        .args(SMALL)
        .args(["--kind", "dense", "--matching", "projected-argmax"])
        .assert()
        .code(1)
        .stderr(contains("dense projection head"));
}

#[test]
fn features_open_in_other_programs() {
    let folder = TempDir::new().unwrap();
    for name in ["features.npz", "features.safetensors"] {
        let path = folder.path().join(name);
        spherescope()
            .arg("features")
            .args(SMALL)
            .args(["--kind", "dense", "-o"])
            .arg(&path)
            .assert()
            .success()
            .stdout(contains("1536 vectors of 64 numbers"));
    }
    let bytes = std::fs::read(folder.path().join("features.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("features").unwrap().shape(), [24 * 64, 64]);
    assert_eq!(file.tensor("cell").unwrap().shape(), [24 * 64, 2]);
    let in_safetensors: Vec<f32> =
        bytemuck::pod_collect_to_vec(file.tensor("features").unwrap().data());

    let mut npz = npyz::npz::NpzArchive::open(folder.path().join("features.npz")).unwrap();
    let features = npz.by_name("features").unwrap().unwrap();
    assert_eq!(features.shape(), [24 * 64, 64]);
    assert_eq!(features.into_vec::<f32>().unwrap(), in_safetensors);
    let names = npz
        .by_name("names")
        .unwrap()
        .unwrap()
        .into_vec::<u8>()
        .unwrap();
    let names: Vec<String> = serde_json::from_slice(&names).unwrap();
    assert_eq!(names.len(), 24);
}

#[test]
fn a_report_holds_numbers_and_pictures() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("report");
    spherescope()
        .arg("report")
        .args(SMALL)
        .arg("--out")
        .arg(&out)
        .assert()
        .success();
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("L_uniform") && page.contains("cifar-resnet20-a"));
    let numbers: Value =
        serde_json::from_slice(&std::fs::read(out.join("numbers.json")).unwrap()).unwrap();
    assert!(numbers["numbers"]["uniformity"]["value"].is_f64());
    if page.contains("No pictures") {
        println!("skipped the pictures: no graphics adapter");
        return;
    }
    for picture in ["sphere.png", "circle.png", "pairs.png", "plane.png"] {
        let image = image::open(out.join(picture)).unwrap().to_rgb8();
        let first = *image.get_pixel(0, 0);
        assert!(
            image.pixels().any(|pixel| *pixel != first),
            "{picture} is blank"
        );
    }
}

#[test]
fn a_view_has_the_size_asked_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("plane.png");
    let output = spherescope()
        .arg("render")
        .args(SMALL)
        .args(["--view", "plane", "--size", "640x480", "-o"])
        .arg(&path)
        .output()
        .unwrap();
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("adapter") {
        println!("skipped: no graphics adapter");
        return;
    }
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(image::image_dimensions(&path).unwrap(), (640, 480));
}

#[test]
fn an_image_is_looked_at_location_by_location() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("views.png");
    let basis = folder.path().join("basis.json");
    let look = |arguments: &[&str]| {
        spherescope()
            .arg("inspect-image")
            .args(SMALL)
            .args(["--size", "800x900", "--json", "-", "-o"])
            .arg(&path)
            .args(arguments)
            .output()
            .unwrap()
    };
    let output = look(&["--image", "3", "--cell", "2,5", "--beside", "views"]);
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("adapter") {
        println!("skipped: no graphics adapter");
        return;
    }
    let json = json_of(&output);
    assert_eq!(image::image_dimensions(&path).unwrap(), (800, 900));
    assert_eq!(json["cell"], 2 * 8 + 5);
    assert_eq!(json["pictures"][1]["grid"], serde_json::json!([8, 8]));
    let own = json["similarity"][0][2 * 8 + 5].as_f64().unwrap();
    assert!((own - 1.0).abs() < 1e-5);
    assert_eq!(json["nearest"].as_array().unwrap().len(), 12);
    assert_eq!(json["correspondences"].as_array().unwrap().len(), 5);
    assert_eq!(json["device"]["compute"], "cpu (flex)");
    // Colours saved from one encoder are those of another.
    let file = basis.to_str().unwrap();
    let saved = json_of(&look(&["--show", "pca", "--save-basis", file]));
    let used = json_of(&look(&["--show", "pca", "--basis", file]));
    assert_eq!(saved["colours"], used["colours"]);
    assert!(
        saved["colours"]
            .as_str()
            .unwrap()
            .contains("centred on their mean")
    );
    for (wrong, told) in [
        (["--image", "no such"], "no such"),
        (["--cell", "8,0"], "8×8"),
        (["--beside", "nobody"], "image:IMAGE"),
        (["--kind", "pooled"], "no locations"),
    ] {
        let output = look(&wrong);
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    spherescope()
        .arg("measure")
        .arg("--no-such-flag")
        .assert()
        .code(2);
    spherescope()
        .arg("measure")
        .args(SMALL)
        .args(["--alpha", "0"])
        .assert()
        .code(1);
    spherescope()
        .arg("measure")
        .args(["--untrained", "vgg16"])
        .assert()
        .code(2)
        .stderr(contains("resnet18"));
    spherescope()
        .arg("measure")
        .assert()
        .code(1)
        .stderr(contains("--checkpoint"));
    spherescope()
        .arg("measure")
        .args(SMALL)
        .args(["--stage", "layer9"])
        .assert()
        .code(1)
        .stderr(contains("layer9").and(contains("layer3")));
}

/// Files that are no checkpoints, by name.
fn hostile_files(folder: &Path) -> Vec<PathBuf> {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        path
    };
    let mut header_of_5_gb = (5_u64 << 30).to_le_bytes().to_vec();
    header_of_5_gb.extend_from_slice(b"{\"weight\":");
    let mut names = vec![
        write("empty.pth", b""),
        write("header.safetensors", &header_of_5_gb),
        write("text.pth", b"this is a letter to my aunt\n"),
        write("picture.pt", b"\x89PNG\r\n\x1a\n and the rest is missing"),
        write("cut.pth", b"PK\x03\x04 and no directory"),
    ];
    // A pickle that claims a string of 4 GB, and one that nests a million lists.
    names.push(write("long.pkl", b"\x80\x02X\xff\xff\xff\xff"));
    let mut nested = b"\x80\x02".to_vec();
    nested.extend(std::iter::repeat_n(b']', 1_000_000));
    nested.extend(std::iter::repeat_n(b'a', 999_999));
    nested.push(b'.');
    names.push(write("nested.pkl", &nested));
    names
}

#[test]
fn hostile_checkpoints_give_a_message_within_a_gigabyte() {
    let folder = TempDir::new().unwrap();
    let program = assert_cmd::cargo::cargo_bin("spherescope");
    for path in hostile_files(folder.path()) {
        // The address space itself is limited: a larger claim would end the process, not the test.
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 1000000; exec \"$0\" inspect \"$1\""])
            .arg(&program)
            .arg(&path)
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{}: {message}",
            path.display()
        );
        assert!(message.contains("error:"), "{message}");
        assert!(!message.contains("panicked"), "{message}");
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(message.contains(&*name), "{name}: {message}");
    }
}

#[test]
fn a_zip_bomb_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bomb.pth");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let zeros = vec![0_u8; 1 << 20];
    writer.start_file("archive/data.pkl", options).unwrap();
    for _ in 0..3072 {
        writer.write_all(&zeros).unwrap();
    }
    writer.finish().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 1000000; exec \"$0\" inspect \"$1\""])
        .arg(assert_cmd::cargo::cargo_bin("spherescope"))
        .arg(&path)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("bomb.pth") && !message.contains("panicked"),
        "{message}"
    );
}

#[test]
fn broken_images_are_counted_and_the_rest_is_measured() {
    let folder = TempDir::new().unwrap();
    for number in 0..6_u8 {
        let picture = image::RgbImage::from_fn(40, 40, |x, y| {
            image::Rgb([(x * 6) as u8, (y * 6) as u8, number * 40])
        });
        picture
            .save(folder.path().join(format!("good-{number}.png")))
            .unwrap();
    }
    std::fs::write(folder.path().join("cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let output = spherescope()
        .args([
            "measure",
            "--untrained",
            "cifar-resnet20-a",
            "--json",
            "-",
            "--images",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let json = json_of(&output);
    assert_eq!(json["vectors"], 6);
    assert_eq!(json["skipped_images"][0]["name"], "cut.png");
}

#[test]
fn one_image_has_a_place_but_no_uniformity() {
    let folder = TempDir::new().unwrap();
    image::RgbImage::from_pixel(32, 32, image::Rgb([9, 90, 200]))
        .save(folder.path().join("only.png"))
        .unwrap();
    let output = spherescope()
        .args([
            "measure",
            "--untrained",
            "cifar-resnet20-a",
            "--json",
            "-",
            "--images",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let json = json_of(&output);
    assert!(json["numbers"]["uniformity"]["value"].is_null());
    assert!(
        json["numbers"]["uniformity"]["why_absent"]
            .as_str()
            .unwrap()
            .contains('2')
    );
    assert!(json["numbers"]["alignment"]["value"].is_f64());
}

#[test]
fn an_empty_folder_says_so() {
    let folder = TempDir::new().unwrap();
    spherescope()
        .args(["measure", "--untrained", "cifar-resnet20-a", "--images"])
        .arg(folder.path())
        .assert()
        .code(1)
        .stderr(contains("no image"));
}

#[test]
fn correlate_reads_a_table_and_names_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("encoders.csv");
    let mut text = String::from("run,alignment,uniformity,top1,data,seed\n");
    for i in 0..24 {
        let (a, u) = (0.1 * f64::from(i % 5), -3.0 + 0.1 * f64::from(i % 7));
        let data = if i % 2 == 0 { "single" } else { "multi" };
        let top1 = 0.9 - a + 0.2 * u;
        text += &format!("e{i},{a},{u},{top1},{data},{}\n", i % 3);
    }
    std::fs::write(&table, text).unwrap();
    let path = table.to_str().unwrap();
    let output = spherescope()
        .args(["correlate", path, "--performance", "top1", "--name", "run"])
        .args(["--group-by", "data", "--draws", "200", "--json", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let multiple_r = &json["scores"]["scores"][0];
    assert_eq!(multiple_r["statistic"], "multiple-r");
    // The planted relation is exact up to rounding.
    assert!(multiple_r["value"].as_f64().unwrap() > 0.999_999);
    assert_eq!(json["groups"].as_array().unwrap().len(), 2);
    assert!(!json["findings"].as_array().unwrap().is_empty());

    // The map of groups is of the columns that were named.
    let mapped = |group: &str| {
        let mut command = spherescope();
        command
            .args(["correlate", path, "--performance", "top1", "--map"])
            .args(["--group-by", group, "--draws", "0", "--permutations", "0"])
            .args(["--json", "-"]);
        command
    };
    let output = mapped("data").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let cells = json["map"].as_array().unwrap();
    let names: Vec<&str> = (cells.iter())
        .map(|cell| cell["column"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["top1", "top1"]);
    for (group, why) in [("date", "no column 'date'"), ("run", "too many groups")] {
        mapped(group)
            .assert()
            .code(1)
            .stderr(predicates::str::contains(why));
    }

    // Any two axes cross; of too few encoders it is said.
    let crossed = |rows: &str, across: &str| {
        let mut command = spherescope();
        command
            .args(["correlate", path, "--performance", "top1", "--map"])
            .args(["--rows", rows, "--across", across])
            .args(["--draws", "0", "--permutations", "0", "--json", "-"]);
        command
    };
    let json = json_of(&crossed("data", "seed").output().unwrap());
    let cells = json["map"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    for cell in cells {
        let scores = &cell["scores"]["Ok"];
        assert_eq!(
            (&scores["n"], &scores["is_too_few"]),
            (&4.into(), &true.into())
        );
        assert_eq!(cell["question"]["only"].as_array().unwrap().len(), 2);
    }
    for (rows, across, why) in [
        ("data", "data", "both data"),
        (
            "layer",
            "task",
            "'layer' does not part this table: one of measure, task",
        ),
    ] {
        crossed(rows, across)
            .assert()
            .code(1)
            .stderr(predicates::str::contains(why));
    }

    spherescope()
        .args(["correlate", path])
        .assert()
        .code(1)
        .stderr(predicates::str::contains("no column 'performance'"));
}

/// A safetensors file of zeros with the tensors of CIFAR ResNet-20, each as `change` has it.
fn cifar_file(
    folder: &TempDir,
    change: impl Fn(&str, Vec<usize>) -> Option<Vec<usize>>,
) -> PathBuf {
    use safetensors::tensor::{Dtype, TensorView};
    let architecture = spherescope::models::Architecture::CifarResNet {
        depth: 20,
        shortcut: spherescope::models::Shortcut::A,
    };
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = architecture
        .tensors()
        .into_iter()
        .filter_map(|(name, shape)| {
            let shape = change(&name, shape)?;
            let bytes = vec![0; 4 * shape.iter().product::<usize>()];
            Some((name, shape, bytes))
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let path = folder.path().join("incomplete.safetensors");
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

#[test]
fn a_refused_file_has_its_whole_report() {
    let folder = TempDir::new().unwrap();
    let path = cifar_file(&folder, |name, shape| match name {
        "layer1.0.bn1.bias" | "layer3.2.conv2.weight" => None,
        "layer2.0.bn1.weight" => Some(vec![7]),
        _ => Some(shape),
    });
    let text = spherescope().arg("inspect").arg(&path).output().unwrap();
    assert_eq!(text.status.code(), Some(1));
    let out = String::from_utf8_lossy(&text.stdout);
    for words in [
        "missing (2)",
        "layer1.0.bn1.bias",
        "layer3.2.conv2.weight",
        "misshapen (1)",
        "is 7 in layer2.0.bn1.weight",
    ] {
        assert!(out.contains(words), "{words} is not in {out}");
    }
    let json = spherescope()
        .args(["inspect", "--json", "-"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["missing"].as_array().unwrap().len(), 2);
    assert_eq!(json["misshapen"][0]["found"], serde_json::json!([7]));
    assert!(json["device"]["reason"].is_string());
    assert!(String::from_utf8_lossy(&text.stderr).contains("layer2.0.bn1.weight"));
}

#[test]
fn a_family_nobody_knows_is_a_refusal_in_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.safetensors");
    let values = 1.0_f32.to_le_bytes();
    let view =
        safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &values).unwrap();
    std::fs::write(
        &path,
        safetensors::serialize([("odd.weight", view)], None).unwrap(),
    )
    .unwrap();
    let json = spherescope()
        .args(["inspect", "--json", "-"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let refusal = json["refused"].as_str().unwrap();
    assert!(refusal.contains("odd.weight"), "{refusal}");
    assert!(json["device"]["reason"].is_string());
}

#[test]
fn flags_that_would_change_nothing_are_refused() {
    for (arguments, words) in [
        (
            &["--checkpoint", "a.pt", "--weights-seed", "3"][..],
            "--checkpoint",
        ),
        (
            &[
                "--checkpoint",
                "a.pt",
                "--images",
                "x",
                "--builtin-seed",
                "3",
            ],
            "--images",
        ),
        (
            &[
                "--checkpoint",
                "a.pt",
                "--images",
                "x",
                "--builtin-count",
                "3",
            ],
            "--images",
        ),
    ] {
        let mut command = spherescope();
        command.arg("measure").args(arguments);
        command.assert().code(2).stderr(contains(words));
    }
    for flag in [["--matching", "random"], ["--pair-set", "within-image"]] {
        let mut command = spherescope();
        command.arg("measure").args(SMALL).args(flag);
        command.assert().code(1).stderr(contains("--kind dense"));
    }
}

#[test]
fn performance_is_measured_beside_the_numbers() {
    let json = measured(&[
        "--performance",
        "knn,linear,dense",
        "--held-out",
        "0.5",
        "--split-seed",
        "3",
    ]);
    let performance = &json["performance"];
    assert_eq!(performance["settings"]["seed"], 3);
    let tasks = performance["tasks"].as_array().unwrap();
    let names: Vec<&str> = tasks
        .iter()
        .map(|task| task["task"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["knn", "linear", "dense"]);
    for task in tasks {
        let value = task["value"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{task}");
        assert!(
            task["chance"].is_number() && task["population"].as_str().unwrap().contains("seed 3")
        );
    }
    assert_eq!(tasks[1]["fit"]["is_converged"], true);
    spherescope()
        .arg("measure")
        .args(SMALL)
        .args(["--held-out", "0.3"])
        .assert()
        .code(2)
        .stderr(contains("--performance"));
}

#[test]
fn a_sweep_goes_on_where_it_was_left_and_its_table_is_related() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(
        &plan,
        "name = \"short\"\nimage-count = 48\nsave-every = 2\n\
         [base]\nsteps = 4\nbatch = 8\narchitecture = \"tiny:4\"\n\
         [measure]\nmeasures = [{ kind = \"pooled\" }, { kind = \"projected\" }]\n\
         [measure.performance]\ntasks = [\"knn\", \"linear\"]\n\
         [[parts]]\nvary = { uniform-weight = [0, 1], seed = [1, 2] }\n",
    )
    .unwrap();
    let out = folder.path().join("out");
    let sweep = |arguments: &[&str]| spherescope().arg("sweep").args(arguments).output().unwrap();
    let path = |path: &Path| path.display().to_string();
    let first = sweep(&["--config", &path(&plan), "--out", &path(&out)]);
    assert!(first.status.success(), "{first:?}");
    assert!(String::from_utf8_lossy(&first.stdout).contains("4 encoders"));
    // A row that is lost, as after a kill, is made again; the others stay as they are.
    let table = out.join("series.csv");
    let page = std::fs::read_to_string(out.join("report/correlation.html")).unwrap();
    assert!(page.contains("Too few encoders (n = 4)") && page.contains("<svg"));
    let whole = std::fs::read_to_string(&table).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 5);
    std::fs::write(&table, lines[..3].join("\n") + "\n").unwrap();
    let again = sweep(&["--resume", &path(&out)]);
    assert!(again.status.success(), "{again:?}");
    let resumed = std::fs::read_to_string(&table).unwrap();
    assert_eq!(resumed.lines().count(), 5);
    assert!(resumed.starts_with(&lines[..3].join("\n")));
    let figures = folder.path().join("figures");
    let output = spherescope()
        .args([
            "correlate",
            &path(&table),
            "--name",
            "name",
            "--map",
            "--json",
            "-",
        ])
        .args(["--figures", &path(&figures), "--draws", "100"])
        .output()
        .unwrap();
    let json = json_of(&output);
    // Two measures, two tasks.
    assert_eq!(json["map"].as_array().unwrap().len(), 4);
    assert_eq!(json["scores"]["n"], 4);
    let svg = std::fs::read_to_string(figures.join("plane.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 4);
    let other = sweep(&["--preset", "relation", "--out", &path(&out)]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("another sweep"));
    // The run's checkpoints are a series too, measured anew.
    let series = folder.path().join("series.csv");
    spherescope()
        .args([
            "series",
            &path(&out.join("runs/run-001")),
            "--out",
            &path(&series),
        ])
        .args(["--builtin-count", "48", "--performance", "knn"])
        .assert()
        .success()
        .stdout(contains("step-000004"));
}

#[test]
fn the_verdict_names_collapse_with_the_numbers_that_decided() {
    let diagnosed = |encoder: &str| {
        let output = spherescope()
            .args([
                "diagnose",
                "--bundled",
                encoder,
                "--builtin",
                "single-object",
            ])
            .args([
                "--builtin-count",
                "128",
                "--builtin-side",
                "32",
                "--json",
                "-",
            ])
            .output()
            .unwrap();
        json_of(&output)
    };
    let json = diagnosed("complete-collapse");
    let main = &json["kinds"][0];
    assert_eq!(main["kind"], "projected");
    let verdict = &main["diagnosis"]["verdict"];
    assert_eq!(verdict["collapses"][0]["kind"], "complete");
    assert_eq!(verdict["evidence"][0]["is_met"], true);
    assert!(
        verdict["evidence"][0]["rule"]
            .as_str()
            .unwrap()
            .contains("0.9")
    );
    assert_eq!(json["thresholds"]["complete_cosine"], 0.9);
    assert_eq!(json["device"]["compute"], "cpu (flex)");
    assert_eq!(main["provenance"]["image_count"], 128);
    assert!(
        json["command"]
            .as_str()
            .unwrap()
            .starts_with("spherescope diagnose ")
    );
    // Pooled and dense stand beside it.
    let kinds: Vec<&str> = json["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["projected", "pooled", "dense"]);
    let lesson = &json["lesson"];
    let uniformity = |side: &str| lesson[side]["uniformity"].as_f64().unwrap();
    assert!(uniformity("centred") < uniformity("plain") - 0.5);
    let healthy = diagnosed("healthy");
    let verdict = &healthy["kinds"][0]["diagnosis"]["verdict"];
    assert_eq!(
        verdict["collapses"].as_array().unwrap().len(),
        0,
        "{verdict}"
    );
}

#[test]
fn the_verdict_reads_as_text() {
    spherescope()
        .arg("diagnose")
        .args(SMALL)
        .assert()
        .success()
        .stdout(contains("pooled: "))
        .stdout(contains("dense: "))
        .stdout(contains(
            "projected: not computed: this checkpoint has no projection head",
        ))
        .stdout(contains(
            "24 vectors in 64 dimensions: ranks are at most 23",
        ))
        .stdout(contains("RankMe"))
        .stdout(contains("centring first hides it"));
}
