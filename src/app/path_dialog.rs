//! A field for a path: works on machines without a system dialog, and by keyboard alone.

use std::path::{Path, PathBuf};

use egui::{Align2, Id, Key, TextEdit, Ui};

use super::{
    modal::{self, Place},
    opening::typed_path,
};
use crate::ui::{
    Command, Commands, FolderCommand, InspectCommand, LabCommand, OpenTarget, TrainCommand,
    VerdictCommand, theme::Tokens, widgets::caption,
};

/// Paths that are proposed.
const MOST: usize = 12;
/// Entries of a folder that are looked at for proposals.
const MOST_ENTRIES: usize = 5_000;

/// What the path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Open(OpenTarget),
    SaveSession,
    SaveRun,
    /// A table of encoders, or the folder of a sweep.
    LabTable,
    /// The folder of a prepared sweep.
    Sweep(&'static str),
    /// A folder for a series and its figures.
    LabExport,
    /// The dense inspector as a picture.
    InspectorPicture,
    /// A folder of checkpoints to be judged.
    Verdicts,
    /// A folder of checkpoints to be measured into a series.
    Series,
}

/// The dialog's state.
#[derive(Clone, Debug)]
pub(super) struct PathDialog {
    purpose: Purpose,
    text: String,
    is_new: bool,
    listed_for: Option<String>,
    proposals: Vec<PathBuf>,
}

/// What became of a frame of the dialog.
#[derive(Debug, Default)]
pub(super) struct DialogOutcome {
    /// It is answered or left.
    pub is_done: bool,
    /// Text whose proposals are wanted.
    pub to_list: Option<String>,
}

impl PathDialog {
    pub fn with_text(purpose: Purpose, text: String) -> Self {
        Self {
            purpose,
            text,
            is_new: true,
            listed_for: None,
            proposals: Vec::new(),
        }
    }

    /// Takes proposals in, unless the text has changed since they were asked for.
    pub fn take_listing(&mut self, typed: &str, found: Vec<PathBuf>) {
        if typed == self.text {
            self.proposals = found;
        }
    }

    /// Draws the dialog.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        recent: &[PathBuf],
        commands: &mut Commands,
    ) -> DialogOutcome {
        let place = Place {
            top: 96.0,
            width: 640.0,
        };
        let (mut outcome, is_left) = modal::show(ctx, "path dialog", place, |ui| {
            self.contents_ui(ui, recent, commands)
        });
        outcome.is_done |= is_left;
        outcome
    }

    fn contents_ui(
        &mut self,
        ui: &mut Ui,
        recent: &[PathBuf],
        commands: &mut Commands,
    ) -> DialogOutcome {
        let (title, hint, confirm) = self.words();
        ui.heading(title);
        let edit = TextEdit::singleline(&mut self.text)
            .id(Id::unique("path field"))
            .font(egui::TextStyle::Monospace)
            .hint_text("path")
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .margin(egui::Margin::symmetric(8, 6));
        let response = ui.add(edit).accessible_name("Path");
        let is_too_early = std::mem::take(&mut self.is_new);
        if is_too_early {
            response.request_focus();
            self.text.push_str(&typed_now(ui.ctx()));
        }
        caption(ui, hint);
        let is_entered = (response.lost_focus() || is_too_early)
            && ui.input(|input| input.key_pressed(Key::Enter));
        let mut outcome = DialogOutcome::default();
        let mut wanted = is_entered.then(|| self.text.clone());
        ui.horizontal(|ui| {
            if ui.button(confirm).clicked() {
                wanted = Some(self.text.clone());
            }
            let browse = match self.purpose {
                Purpose::Open(target) => Some(Command::Browse(target)),
                Purpose::Series => Some(Command::Lab(LabCommand::Folder(FolderCommand::Browse))),
                _ => None,
            };
            if let Some(browse) = browse
                && ui
                    .button("Browse…")
                    .on_hover_text("The system's own dialog")
                    .clicked()
            {
                commands.push(browse);
            }
            outcome.is_done |= ui.button("Cancel").on_hover_text("Esc").clicked();
        });
        if self.listed_for.as_ref() != Some(&self.text) {
            self.listed_for = Some(self.text.clone());
            outcome.to_list = Some(self.text.clone());
        }
        self.proposals_ui(ui, recent, &mut wanted);
        if let Some(text) = wanted.filter(|text| !text.trim().is_empty()) {
            let path = typed_path(&text);
            commands.push(match self.purpose {
                Purpose::Open(target) => Command::Open(target, path),
                Purpose::SaveSession => Command::SaveSessionTo(path),
                Purpose::SaveRun => Command::Train(TrainCommand::SaveTo(path)),
                Purpose::LabTable => Command::Lab(LabCommand::Open(path)),
                Purpose::Sweep(name) => Command::Lab(LabCommand::StartSweep(name, path)),
                Purpose::LabExport => Command::Lab(LabCommand::Export(path)),
                Purpose::InspectorPicture => Command::Inspect(InspectCommand::SaveTo(path)),
                Purpose::Series => Command::Lab(LabCommand::Folder(FolderCommand::Measure(path))),
                Purpose::Verdicts => Command::Verdicts(VerdictCommand::Judge(vec![path])),
            });
            outcome.is_done = true;
        }
        outcome
    }

    fn words(&self) -> (&'static str, &'static str, &'static str) {
        match self.purpose {
            Purpose::Open(OpenTarget::Anything) => (
                "Open",
                "A checkpoint (.pth, .pt, .ckpt, .th, .safetensors), a folder of images, a CIFAR, \
                 STL-10 or idx file, a table of encoders (.csv, .parquet), the folder of a run, of \
                 checkpoints or of a sweep, or a session (.json). Enter opens it.",
                "Open",
            ),
            Purpose::Open(OpenTarget::Images) => (
                "Open images",
                "A folder, flat or one class a folder, or a CIFAR, STL-10 or idx file. Enter opens it.",
                "Open",
            ),
            Purpose::Open(OpenTarget::Masks) => (
                "Open masks",
                "A folder of masks whose names are those of the images. Enter opens it.",
                "Open",
            ),
            Purpose::Open(OpenTarget::Session) => (
                "Open session",
                "A session file (.json). Enter opens it.",
                "Open",
            ),
            Purpose::SaveSession => (
                "Save session",
                "Where the session is written. Enter saves it.",
                "Save",
            ),
            Purpose::SaveRun => (
                "Save run",
                "A folder for the run: weights that this program and PyTorch open, and what a \
                 resumed run needs. Enter saves it.",
                "Save",
            ),
            Purpose::LabTable => (
                "Open encoders",
                "A table (CSV, Parquet) with a row an encoder, or the folder of a sweep. Enter opens \
                 it.",
                "Open",
            ),
            Purpose::Sweep(_) => (
                "Start sweep",
                "An empty folder for its table and runs; a sweep of the same plan that is there \
                 goes on. Enter starts it.",
                "Start",
            ),
            Purpose::Verdicts => (
                "Judge checkpoints",
                "A folder of checkpoints, or a saved run: each gets a verdict on its collapse, over \
                 the shown images or the run's own. Enter begins.",
                "Judge",
            ),
            Purpose::Series => (
                "Measure checkpoints",
                "A folder of checkpoints, or a saved run: each is opened, measured and probed. Rows \
                 are written to encoders.csv there; those that are there already are kept. Enter \
                 begins.",
                "Measure",
            ),
            Purpose::LabExport => (
                "Export series",
                "A folder for the table (CSV, Parquet), findings and figures (SVG, PNG); it gets a \
                 number where such files are there. Enter writes them.",
                "Export",
            ),
            Purpose::InspectorPicture => (
                "Save picture",
                "Where the inspector is drawn to, as PNG. Enter draws it.",
                "Save",
            ),
        }
    }

    fn proposals_ui(&mut self, ui: &mut Ui, recent: &[PathBuf], wanted: &mut Option<String>) {
        let is_opening = matches!(self.purpose, Purpose::Open(_));
        if is_opening && self.text.is_empty() {
            if !recent.is_empty() {
                caption(ui, "Opened before");
            }
            for path in recent {
                let text = path.display().to_string();
                if ui
                    .selectable_label(false, egui::RichText::new(&text).monospace())
                    .clicked()
                {
                    *wanted = Some(text);
                }
            }
            return;
        }
        let mut filled = None;
        for path in &self.proposals {
            let mut text = path.display().to_string();
            let is_folder = text.ends_with(std::path::MAIN_SEPARATOR);
            let label = ui.selectable_label(false, egui::RichText::new(&text).monospace());
            if label.clicked() {
                filled = Some(std::mem::take(&mut text));
            } else if is_folder && label.double_clicked() {
                *wanted = Some(text);
            }
        }
        if let Some(text) = filled {
            self.text = text;
            // The field has the focus again, behind the new text.
            self.is_new = true;
        }
    }
}

/// Text that was typed in this frame: what arrives before a field has the focus would be lost, and
/// a slow machine takes a while between two frames.
pub(super) fn typed_now(ctx: &egui::Context) -> String {
    ctx.input(|input| {
        let texts = input.events.iter().filter_map(|event| match event {
            egui::Event::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    })
}

/// Paths that begin as `typed` does; folders end with a separator. Reads the disk: not for the
/// window's thread.
pub(super) fn completions(typed: &str) -> Vec<PathBuf> {
    let path = typed_path(typed);
    let (folder, start) = if typed.ends_with(['/', '\\']) {
        (path.clone(), String::new())
    } else {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (path.parent().map(Path::to_owned).unwrap_or_default(), name)
    };
    if folder.as_os_str().is_empty() {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .take(MOST_ENTRIES)
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&start) && (!name.starts_with('.') || start.starts_with('.'))
        })
        .map(|entry| {
            let path = entry.path();
            // An empty last part writes the separator.
            if path.is_dir() { path.join("") } else { path }
        })
        .collect();
    found.sort();
    found.truncate(MOST);
    found
}

/// Says over everything that the files may be let go.
pub(super) fn drop_hint(ctx: &egui::Context) {
    let tokens = Tokens::of_visuals(&ctx.global_style().visuals);
    let painter = ctx.layer_painter(egui::LayerId::new(
        egui::Order::Foreground,
        Id::unique("drop hint"),
    ));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, tokens.surface.backdrop.0);
    painter.rect_stroke(
        rect.shrink(8.0),
        4.0,
        (2.0, tokens.accent.main.0),
        egui::StrokeKind::Inside,
    );
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        "Drop checkpoints, images, tables of encoders, folders of runs and sweeps, or a session",
        egui::TextStyle::Heading.resolve(&ctx.global_style()),
        tokens.text.strong.0,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_begin_as_typed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["alpha.pth", "alto", ".hidden", "beta"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let typed = folder.path().join("al").display().to_string();
        let found = completions(&typed);
        assert_eq!(found.len(), 2);
        assert!(
            found[0]
                .display()
                .to_string()
                .ends_with(std::path::MAIN_SEPARATOR)
        );
        let all = completions(&format!("{}/", folder.path().display()));
        assert_eq!(all.len(), 3);
        assert!(completions("no such folder/x").is_empty() && completions("").is_empty());
    }
}
