//! Points in rows: names, labels, figures, the selection, and neighbours in the original space.

use egui::{ScrollArea, TextEdit, Ui};

use super::{opening, population};
use crate::ui::{
    Combine, Command, Commands, Neighbours, Pane, Snapshot, TableView, World, thumbnail,
    widgets::{Column, RowEvent, Sort, caption, section, table},
};

const NAME: usize = 0;
const LABEL: usize = 1;
const PREDICTED: usize = 2;
const NORM: usize = 3;
const KEPT: usize = 4;

const COLUMNS: [Column<'static>; 6] = [
    Column {
        title: "name",
        width: 190.0,
        is_number: false,
        explanation: "Image, relative to its set; row and column of the cell for dense features",
    },
    Column {
        title: "label",
        width: 96.0,
        is_number: false,
        explanation: "Class of the image",
    },
    Column {
        title: "predicted",
        width: 96.0,
        is_number: false,
        explanation: "Class that the checkpoint's own classifier gives to the image",
    },
    Column {
        title: "‖z‖",
        width: 72.0,
        is_number: true,
        explanation: "Length of the raw vector, before it is put on the sphere",
    },
    Column {
        title: "kept",
        width: 64.0,
        is_number: true,
        explanation: "Length of the unit vector that the sphere's projection keeps, 0 to 1",
    },
    Column {
        title: "density",
        width: 76.0,
        is_number: true,
        explanation: "log mean exp(−t‖x − x_i‖²) in the original space; choose colour by local density to compute it",
    },
];

/// Draws the table.
pub fn table_ui(view: &mut TableView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    if !opening(ui, Pane::Table, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut view.filter)
            .hint_text("filter by name or label")
            .desired_width(170.0);
        let field = ui
            .add(edit)
            .accessible_name("Filter points by name or label");
        if std::mem::take(&mut view.is_filter_wanted) {
            field.request_focus();
        }
        ui.checkbox(&mut view.is_selection_only, "selected only");
        if ui
            .button("Copy names")
            .on_hover_text("The names of the selected points")
            .clicked()
        {
            commands.push(Command::CopySelection);
        }
    });
    order(view, world, snapshot);
    caption(
        ui,
        format!(
            "showing {} of {} · {} selected",
            view.order.rows.len(),
            population(world),
            world.selection.len()
        ),
    );
    let neighbours = world
        .neighbours
        .filter(|neighbours| world.selection.single() == Some(neighbours.of));
    if let Some(neighbours) = neighbours {
        egui::Panel::bottom("neighbours")
            .resizable(true)
            .default_size(150.0)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| {
                neighbours_ui(ui, snapshot, neighbours, world, commands);
            });
    }
    let rows = std::mem::take(&mut view.order.rows);
    let event = table(
        ui,
        "points",
        &COLUMNS,
        rows.len(),
        &mut view.state,
        |row| world.selection.contains(rows[row]),
        |row, column| cell(snapshot, world, rows[row], column),
    );
    match event {
        Some(RowEvent::Clicked(row, modifiers)) => {
            commands.push(Command::Select(
                vec![rows[row]],
                Combine::from_modifiers(modifiers),
            ));
        }
        Some(RowEvent::Hovered(row)) => commands.push(Command::Hover(rows[row])),
        None => {}
    }
    view.order.rows = rows;
}

fn cell(snapshot: &Snapshot, world: &World<'_>, row: u32, column: usize) -> String {
    let number = |value: Option<f32>, digits: usize| {
        value.map_or_else(
            || "—".to_owned(),
            |value| format!("{value:.digits$}").replace('-', "−"),
        )
    };
    match column {
        NAME => snapshot.name(row),
        LABEL => snapshot
            .label(row)
            .map(|class| snapshot.class_name(class))
            .unwrap_or_default(),
        PREDICTED => predicted(snapshot, row)
            .map(|class| snapshot.class_name(class))
            .unwrap_or_default(),
        NORM => number(snapshot.norm(row), 3),
        KEPT => number(snapshot.kept_norm(row), 3),
        _ => number(density(world, row), 3),
    }
}

fn density(world: &World<'_>, row: u32) -> Option<f32> {
    world.density?.0.get(row as usize).copied()
}

/// The classifier's class for a row's image.
pub(super) fn predicted(snapshot: &Snapshot, row: u32) -> Option<u32> {
    let image = *snapshot.analysis.features.images.get(row as usize)?;
    *snapshot
        .analysis
        .predictions
        .as_ref()?
        .get(image as usize)?
}

/// Brings the order of rows up to date; does nothing while nothing that decides it changed.
fn order(view: &mut TableView, world: &World<'_>, snapshot: &Snapshot) {
    let selection = if view.is_selection_only {
        world.selection.revision()
    } else {
        0
    };
    let key = format!(
        "{} {:?} {:?} {} {selection} {}",
        snapshot.serial,
        view.state.sort,
        view.filter,
        view.is_selection_only,
        world.density.is_some()
    );
    if key == view.order.key {
        return;
    }
    let needle = view.filter.trim().to_lowercase();
    let is_wanted = |row: &u32| {
        (!view.is_selection_only || world.selection.contains(*row))
            && (needle.is_empty() || {
                let label = snapshot.label(*row).map(|class| snapshot.class_name(class));
                snapshot.name(*row).to_lowercase().contains(&needle)
                    || label.is_some_and(|label| label.to_lowercase().contains(&needle))
            })
    };
    let mut rows: Vec<u32> = (0..snapshot.len() as u32).filter(is_wanted).collect();
    if let Some(sort) = view.state.sort {
        sort_rows(&mut rows, sort, world, snapshot);
    }
    view.order.key = key;
    view.order.rows = rows;
}

fn sort_rows(rows: &mut [u32], sort: Sort, world: &World<'_>, snapshot: &Snapshot) {
    let number = |row: u32| match sort.column {
        NORM => snapshot.norm(row),
        KEPT => snapshot.kept_norm(row),
        _ => density(world, row),
    };
    if sort.column >= NORM {
        rows.sort_by(|a, b| {
            let key = |row: u32| number(row).unwrap_or(f32::NEG_INFINITY);
            key(*a).total_cmp(&key(*b))
        });
    } else {
        rows.sort_by_cached_key(|&row| cell(snapshot, world, row, sort.column));
    }
    if sort.is_descending {
        rows.reverse();
    }
}

/// The nearest points; a click walks to one.
fn neighbours_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    neighbours: &Neighbours,
    world: &World<'_>,
    commands: &mut Commands,
) {
    section(ui, &format!("Nearest to {}", snapshot.name(neighbours.of)));
    caption(
        ui,
        format!(
            "by cosine in the original {} dimensions",
            snapshot.analysis.features.dim
        ),
    );
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for (rank, (row, cosine)) in neighbours.list.iter().enumerate() {
                ui.horizontal(|ui| {
                    if let (Some(thumbnails), Some(image)) = (
                        world.thumbnails,
                        snapshot.analysis.features.images.get(*row as usize),
                    ) {
                        thumbnail(ui, thumbnails, *image, 24.0);
                    }
                    let label = snapshot
                        .label(*row)
                        .map(|class| snapshot.class_name(class))
                        .unwrap_or_default();
                    let text = format!(
                        "{:>2}  cos {cosine:.4}  {label}  {}",
                        rank + 1,
                        snapshot.name(*row)
                    )
                    .replace('-', "−");
                    let response =
                        ui.selectable_label(false, egui::RichText::new(text).monospace());
                    if response.clicked() {
                        let how = Combine::from_modifiers(ui.input(|input| input.modifiers));
                        commands.push(Command::Select(vec![*row], how));
                    }
                    if response.hovered() {
                        commands.push(Command::Hover(*row));
                    }
                });
            }
        });
}
