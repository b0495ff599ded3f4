//! What happened.

use std::time::{Duration, UNIX_EPOCH};

use egui::{RichText, ScrollArea, Ui};

use crate::ui::{
    Command, Commands, LogLine, Pane, World,
    theme::Tokens,
    widgets::{Level, caption, how_to_read},
};

/// Draws the log, newest last, following it while scrolled to its end.
pub fn log_ui(world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    how_to_read(ui, Pane::Log.how_to_read());
    ui.horizontal(|ui| {
        caption(ui, format!("{} messages, newest last", world.log.len()));
        if ui.small_button("Copy").clicked() {
            let text: String = world
                .log
                .iter()
                .map(|line| line_text(line) + "\n")
                .collect();
            commands.push(Command::Copy {
                what: "the log".to_owned(),
                text,
            });
        }
        if ui.small_button("Clear").clicked() {
            commands.push(Command::ClearLog);
        }
    });
    let height = ui.text_style_height(&egui::TextStyle::Monospace) + 2.0;
    ScrollArea::both()
        .auto_shrink([false, false])
        .stick_to_bottom(true)
        .show_rows(ui, height, world.log.len(), |ui, range| {
            for line in &world.log[range] {
                line_ui(ui, line);
            }
        });
}

fn line_ui(ui: &mut Ui, line: &LogLine) {
    let tokens = Tokens::of(ui);
    let colour = match line.level {
        Level::Info => tokens.text.body.0,
        Level::Warning => tokens.status.warning.0,
        Level::Error => tokens.status.error.0,
    };
    let response = ui.add(
        egui::Label::new(
            RichText::new(first_line(&line_text(line)))
                .monospace()
                .color(colour),
        )
        .extend(),
    );
    if line.text.contains('\n') {
        response.on_hover_text(&line.text);
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn line_text(line: &LogLine) -> String {
    let since = line
        .at
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let level = match line.level {
        Level::Info => "",
        Level::Warning => "warning: ",
        Level::Error => "error: ",
    };
    // UTC: the standard library knows no time zones, and a log must not guess one.
    format!(
        "{:02}:{:02}:{:02} UTC  {level}{}",
        since / 3600 % 24,
        since / 60 % 60,
        since % 60,
        line.text
    )
}
