//! `spherescope diagnose` over several checkpoints, as a user meets it.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::Value;

fn spherescope() -> Command {
    let mut command = Command::cargo_bin("spherescope").unwrap();
    command.args(["--device", "cpu"]);
    command
}

/// Built-in images, few and small.
const IMAGES: [&str; 6] = [
    "--builtin",
    "single-object",
    "--builtin-count",
    "48",
    "--builtin-side",
    "32",
];

fn folder_of_encoders() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let encoders = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/encoders");
    for name in ["complete-collapse", "healthy"] {
        let file = format!("{name}.safetensors");
        std::fs::copy(encoders.join(&file), folder.path().join(&file)).unwrap();
    }
    std::fs::write(folder.path().join("broken.pth"), b"nothing").unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn a_folder_of_checkpoints_gives_a_table_of_verdicts() {
    let (_folder, path) = folder_of_encoders();
    spherescope()
        .arg("diagnose")
        .arg(&path)
        .args(IMAGES)
        .args(["--kind", "projected"])
        .assert()
        .success()
        .stdout(contains("complete-collapse.safetensors  complete"))
        .stdout(contains("healthy.safetensors"))
        .stdout(contains("broken.pth: not judged:"))
        .stdout(contains("RankMe").and(contains("W2")))
        .stdout(contains("spherescope diagnose "));
}

#[test]
fn the_table_goes_into_json_with_what_decides_it() {
    let (_folder, path) = folder_of_encoders();
    let files = ["healthy", "complete-collapse"];
    let files = files.map(|name| path.join(format!("{name}.safetensors")));
    let output = spherescope()
        .arg("diagnose")
        .args(&files)
        .args(IMAGES)
        .args(["--kind", "dense", "--json", "-"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    // In the order named.
    let rows = json["rows"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["healthy.safetensors", "complete-collapse.safetensors"]
    );
    assert!(
        rows[0]["found"]["verdict"]["evidence"]
            .as_array()
            .unwrap()
            .len()
            > 3
    );
    assert!(rows[0]["found"]["rows"].as_u64().unwrap() > 48);
    assert_eq!(json["request"]["kind"], "dense");
    assert_eq!(json["device"]["compute"], "cpu (flex)");
    assert!(json["thresholds"]["coagulation_share"].is_number());
    let command = json["command"].as_str().unwrap();
    assert!(command.contains("--builtin-count 48") && !command.contains("--checkpoint"));
}

#[test]
fn what_is_no_checkpoint_and_what_names_no_images_is_refused_in_words() {
    let (_folder, path) = folder_of_encoders();
    spherescope()
        .arg("diagnose")
        .arg(path.join("none"))
        .args(IMAGES)
        .assert()
        .failure()
        .stderr(contains("no such file or folder"));
    spherescope()
        .arg("diagnose")
        .arg(&path)
        .assert()
        .failure()
        .stderr(contains("name the images"));
    spherescope()
        .args(["diagnose", "--bundled", "healthy"])
        .arg(&path)
        .args(IMAGES)
        .assert()
        .failure()
        .stderr(contains("cannot be used with"));
}
