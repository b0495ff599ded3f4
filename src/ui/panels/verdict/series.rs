//! The verdicts of many checkpoints as a table.

use egui::{Ui, vec2};

use crate::{
    analysis::EncoderSource,
    lab::{VERDICT_COLUMNS, VerdictRow, VerdictSeries},
    ui::{
        Command, Commands, VerdictCommand, VerdictSeriesState, World,
        icons::Icon,
        theme,
        widgets::{Column, RowEvent, Sort, TableState, caption, copy_button, note, section, table},
    },
};

/// Rows that are seen at once.
const SEEN: usize = 12;
/// Columns before the figures: name, verdict, N, d.
const FIRST: usize = 4;

/// Draws the table, and what can be asked of it.
pub(super) fn series_ui(
    table: &mut TableState,
    state: &VerdictSeriesState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    section(ui, "Over checkpoints");
    ui.horizontal_wrapped(|ui| {
        let mut button = |is_there: bool, text: &str, command: VerdictCommand| {
            let about = command.tooltip();
            let response = ui.add_enabled(is_there, egui::Button::new(text));
            if response.on_hover_text(about).clicked() {
                commands.push(Command::Verdicts(command));
            }
        };
        button(
            !state.is_working,
            "Judge a folder…",
            VerdictCommand::AskFolder,
        );
        if state.is_working {
            button(true, "Stop judging", VerdictCommand::Stop);
        }
        if state.is_unfinished() {
            button(true, "Go on", VerdictCommand::GoOn);
        }
        if let Some(series) = &state.series {
            copy_button(ui, "the verdicts", || {
                serde_json::to_string_pretty(&series.to_json()).unwrap_or_default()
            });
            let command = Command::Copy {
                what: "the command line".into(),
                text: series.command_line(&state.paths),
            };
            let about = "The command that gives the same table without a window";
            if ui
                .button("Copy table's command")
                .on_hover_text(about)
                .clicked()
            {
                commands.push(command);
            }
        }
    });
    if let Some(why) = &state.problem {
        note(ui, Icon::Warning, &format!("Not all are judged: {why}"));
    }
    let Some(series) = &state.series else {
        let text = if state.is_working {
            "The first checkpoint is being judged."
        } else {
            "A folder of checkpoints, or a saved run: a row each, with the verdict and its main \
             quantities."
        };
        caption(ui, text);
        return;
    };
    caption(
        ui,
        format!(
            "{} of {} checkpoints, {} features over {}, plain L2. Press a row to open its encoder.",
            series.rows.len(),
            series.files.len(),
            series.request.kind.name(),
            series.images_title()
        ),
    );
    rows_ui(table, series, world, commands, ui);
}

fn rows_ui(
    state: &mut TableState,
    series: &VerdictSeries,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let scale = theme::mark_scale(ui);
    let column = |title, width: f32, is_number| Column {
        title,
        width: width * scale,
        is_number,
        explanation: "",
    };
    let mut columns = vec![
        column("checkpoint", 210.0, false),
        column("verdict", 230.0, false),
        column("N", 60.0, true),
        column("d", 50.0, true),
    ];
    columns.extend(VERDICT_COLUMNS.map(|(_, title)| column(title, 84.0, true)));
    let order = order(&series.rows, state.sort);
    let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
    let height = (order.len().min(SEEN) + 2) as f32 * line + 12.0;
    let size = vec2(ui.available_width(), height);
    let event = ui
        .allocate_ui(size, |ui| {
            table(
                ui,
                "verdicts of checkpoints",
                &columns,
                order.len(),
                state,
                |row| is_shown(world, &series.rows[order[row]]),
                |row, column| cell(&series.rows[order[row]], column),
            )
        })
        .inner;
    if let Some(RowEvent::Clicked(row, _)) = event {
        commands.push(Command::Verdicts(VerdictCommand::OpenRow(order[row])));
    }
}

/// Whether the row's encoder is the one that is wanted.
fn is_shown(world: &World<'_>, row: &VerdictRow) -> bool {
    matches!(&world.request.encoder, EncoderSource::File(file) if *file == row.path)
}

fn number(row: &VerdictRow, column: usize) -> Option<f64> {
    let found = row.found.as_ref()?;
    match column {
        2 => Some(found.rows as f64),
        3 => Some(found.dim as f64),
        _ => {
            let (name, _) = VERDICT_COLUMNS.get(column.checked_sub(FIRST)?)?;
            found.figure(name)
        }
    }
}

fn cell(row: &VerdictRow, column: usize) -> String {
    match column {
        0 => row.name.clone(),
        1 => match &row.why_absent {
            // One line is what a row shows.
            Some(why) => format!("not judged: {}", why.lines().next().unwrap_or_default()),
            None => row.title(),
        },
        _ => number(row, column).map_or_else(
            || "—".to_owned(),
            |value| {
                let digits = if column < FIRST { 0 } else { 3 };
                format!("{value:.digits$}").replace('-', "−")
            },
        ),
    }
}

/// Rows in the order that the heading asks for; without one, in the order of the series.
fn order(rows: &[VerdictRow], sort: Option<Sort>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let Some(sort) = sort else {
        return order;
    };
    if sort.column < 2 {
        order.sort_by_cached_key(|&row| cell(&rows[row], sort.column));
    } else {
        let key = |row: usize| number(&rows[row], sort.column).unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    }
    if sort.is_descending {
        order.reverse();
    }
    order
}
