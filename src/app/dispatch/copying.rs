//! What goes to the clipboard.

use crate::{
    app::App,
    ui::{panels::figures_of, widgets::Level},
};

impl App {
    pub(super) fn copy(&mut self, ctx: &egui::Context, what: &str, text: String) {
        ctx.copy_text(text);
        self.tell(Level::Info, format!("Copied {what}"));
    }

    pub(super) fn copy_selection(&mut self, ctx: &egui::Context) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        if self.selection.is_empty() {
            return self.tell(Level::Info, "Nothing is selected");
        }
        let names: Vec<String> = self
            .selection
            .rows()
            .map(|row| snapshot.name(row))
            .collect();
        let what = format!("{} names", names.len());
        self.copy(ctx, &what, names.join("\n"));
    }

    pub(super) fn copy_figures(&mut self, ctx: &egui::Context) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let figures = figures_of(&snapshot.analysis);
        let texts: Vec<String> = figures
            .iter()
            .map(crate::ui::widgets::Figure::to_text)
            .collect();
        let text = format!("{}\n\n{}", snapshot.title(), texts.join("\n\n"));
        self.copy(ctx, "all figures", text);
    }

    pub(super) fn copy_command_line(&mut self, ctx: &egui::Context) {
        let line = self
            .snapshot
            .as_ref()
            .map(|snapshot| snapshot.request().command_line());
        match line {
            Some(line) => self.copy(ctx, "the command line", line),
            None => self.tell(Level::Info, "Nothing is shown yet"),
        }
    }
}
