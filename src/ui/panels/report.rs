//! The key report: what the file holds, what was made of it, and why.

use egui::Ui;

use crate::{
    checkpoint::KeyReport,
    ui::{
        Command, Commands,
        icons::Icon,
        widgets::{Column, TableState, caption, key_value, note, table},
    },
};

/// Draws the report of a checkpoint.
pub(super) fn report_ui(ui: &mut Ui, report: &KeyReport, commands: &mut Commands) {
    key_value(ui, "family", &report.architecture_name);
    let tensors = format!(
        "{} applied, {} missing, {} misshapen, {} unused",
        report.applied.len(),
        report.missing.len(),
        report.misshapen.len(),
        report.unused.len()
    );
    key_value(ui, "tensors", &tensors);
    let none = || "none".to_owned();
    key_value(ui, "head", &report.head.clone().unwrap_or_else(none));
    if let Some(head) = &report.dense_head {
        key_value(ui, "dense head", head);
    }
    let classifier = report
        .classifier
        .as_ref()
        .map_or_else(none, |head| format!("{} classes", head.classes));
    key_value(ui, "classifier", &classifier);
    key_value(
        ui,
        "usual input",
        &format!("{0}×{0} pixels", report.input_side),
    );
    for warning in &report.warnings {
        note(ui, Icon::Warning, warning);
    }
    egui::CollapsingHeader::new("Key report")
        .id_salt("key report")
        .show(ui, |ui| {
            details_ui(ui, report);
            if ui
                .button("Copy report")
                .on_hover_text("The whole key report as JSON")
                .clicked()
                && let Ok(text) = serde_json::to_string_pretty(report)
            {
                commands.push(Command::Copy {
                    what: "the key report".to_owned(),
                    text,
                });
            }
        });
}

fn container_line(report: &KeyReport) -> String {
    let mut line = report.container.name().to_owned();
    if let Some(nesting) = &report.nesting {
        line.push_str(&format!(", under {nesting}"));
    }
    if !report.stripped.is_empty() {
        line.push_str(&format!(", without {}", report.stripped.join(" ")));
    }
    line
}

fn details_ui(ui: &mut Ui, report: &KeyReport) {
    let naming = match &report.method {
        Some(method) => format!("{}, {method}", report.naming),
        None => report.naming.clone(),
    };
    key_value(ui, "naming", &naming);
    key_value(ui, "container", &container_line(report));
    for evidence in &report.evidence {
        note(ui, Icon::Done, evidence);
    }
    let rows = rows(report);
    let columns = [
        Column {
            title: "state",
            width: 64.0,
            is_number: false,
            explanation: "Applied to the model, missing or misshapen in the file, or unused",
        },
        Column {
            title: "tensor",
            width: 190.0,
            is_number: false,
            explanation: "Name in the model",
        },
        Column {
            title: "shape",
            width: 96.0,
            is_number: false,
            explanation: "",
        },
        Column {
            title: "in the file",
            width: 230.0,
            is_number: false,
            explanation: "Key in the file and number type, or why it is unused",
        },
    ];
    caption(ui, format!("{} tensors", rows.len()));
    ui.allocate_ui(egui::vec2(ui.available_width(), 220.0), |ui| {
        ui.set_min_height(220.0);
        let mut state = TableState::default();
        table(
            ui,
            "tensors",
            &columns,
            rows.len(),
            &mut state,
            |_| false,
            |row, column| rows[row][column].clone(),
        );
    });
}

fn rows(report: &KeyReport) -> Vec<[String; 4]> {
    let shape = |shape: &[usize]| {
        shape
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("×")
    };
    let missing = report.missing.iter().map(|tensor| {
        [
            "missing".to_owned(),
            tensor.name.clone(),
            shape(&tensor.shape),
            String::new(),
        ]
    });
    let misshapen = report.misshapen.iter().map(|tensor| {
        [
            "misshapen".to_owned(),
            tensor.name.clone(),
            shape(&tensor.expected),
            format!("{}: {}", tensor.file_key, shape(&tensor.found)),
        ]
    });
    let unused = report.unused.iter().map(|tensor| {
        let why = format!("{} {}: {}", tensor.key, tensor.dtype, tensor.why);
        [
            "unused".to_owned(),
            String::new(),
            shape(&tensor.shape),
            why,
        ]
    });
    let applied = report.applied.iter().map(|tensor| {
        let key = format!("{} {}", tensor.file_key, tensor.dtype);
        [
            "applied".to_owned(),
            tensor.name.clone(),
            shape(&tensor.shape),
            key,
        ]
    });
    missing
        .chain(misshapen)
        .chain(unused)
        .chain(applied)
        .collect()
}
