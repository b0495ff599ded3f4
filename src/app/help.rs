//! Keys and conventions, on one page.

use egui::{Align2, RichText, Ui, Window, vec2};

use crate::ui::{
    Command, Pane,
    widgets::{caption, section},
};

/// What is done with pointer and keys, by view.
const CONVENTIONS: [(&str, &str); 17] = [
    ("Left drag", "turns the sphere"),
    ("Right or middle drag", "moves it"),
    ("Wheel", "magnifies at the pointer"),
    ("Click", "selects a point; Ctrl adds, Alt removes"),
    (
        "Double click",
        "on a point turns it to the front, beside the sphere resets the view",
    ),
    (
        "Shift+drag",
        "selects an area with the chosen tool, on the front side only unless switched",
    ),
    (
        "Arrow keys, + and −",
        "with the focus on the sphere turn and magnify it, with Shift move it; on the circle and \
         the plane walk from point to point",
    ),
    (
        "Home, Shift+Home",
        "fit the sphere; turn the points to the front, when a run has gathered them behind",
    ),
    (
        "Pin this time",
        "in the training view: sphere and circle show that time beside the one you walk to",
    ),
    (
        "Enter, Page Down, Page Up",
        "with the focus on the sphere select the point in the middle, the next, the one before; on \
         the plane Enter copies the point's numbers",
    ),
    (
        "Home, End",
        "with the focus on the time slider go to the first and the newest frame of a run",
    ),
    ("Hover", "shows the image, its label and figures"),
    (
        "Legend",
        "a click shows or hides a class, a double click shows it alone",
    ),
    (
        "Tab",
        "walks through everything that can be pressed; Space or Enter presses it",
    ),
    (
        "Drag a number",
        "changes it; a click types it. It is computed when you let go",
    ),
    ("Tabs", "are dragged to dock a view elsewhere"),
    (
        "Drop files",
        "on the window: checkpoints, image folders, sessions",
    ),
];

/// Draws the help; whether it was closed.
pub(super) fn show(ctx: &egui::Context) -> bool {
    let mut is_open = true;
    let size = ctx.content_rect().size();
    Window::new("Help")
        .open(&mut is_open)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .collapsible(false)
        .resizable(false)
        .max_height(size.y - 120.0)
        .default_width(720.0_f32.min(size.x - 64.0))
        .show(ctx, |ui| {
            egui::ScrollArea::vertical().show(ui, contents_ui);
        });
    !is_open
}

fn contents_ui(ui: &mut Ui) {
    caption(
        ui,
        "Features of a vision encoder on the unit sphere: plain L2 normalisation, nothing centred, \
         nothing stretched.",
    );
    section(ui, "Pointer and keys");
    egui::Grid::new("conventions")
        .num_columns(2)
        .spacing([24.0, 4.0])
        .show(ui, |ui| {
            for (what, does) in CONVENTIONS {
                ui.label(RichText::new(what).monospace());
                ui.label(does);
                ui.end_row();
            }
        });
    section(ui, "Shortcuts");
    egui::Grid::new("shortcuts")
        .num_columns(2)
        .spacing([24.0, 4.0])
        .show(ui, |ui| {
            for command in Command::all() {
                if let Some(shortcut) = command.shortcut() {
                    ui.label(RichText::new(ui.ctx().format_shortcut(&shortcut)).monospace());
                    ui.label(command.text());
                    ui.end_row();
                }
            }
        });
    section(ui, "How to read the views");
    for pane in Pane::ALL {
        ui.label(RichText::new(pane.title()).text_style(crate::ui::theme::section_style()));
        caption(ui, pane.how_to_read());
    }
}
