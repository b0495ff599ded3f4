//! The one place where a command changes the world.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    App, Session, layout,
    opening::{self, Kind},
    path_dialog::{PathDialog, Purpose, typed_now},
    session::remember,
};
use crate::{
    analysis::{EncoderSource, ImagesSource, demo_request},
    features::FeatureKind,
    ui::{Combine, Command, OpenTarget, RequestEdit, panels::figures_of, theme, widgets::Level},
};

impl App {
    /// Carries out a command.
    pub fn dispatch(&mut self, ctx: &egui::Context, command: Command) {
        match command {
            Command::AskOpen(target) => {
                let typed = typed_now(ctx);
                self.dialog = Some(PathDialog::with_text(Purpose::Open(target), typed));
            }
            Command::Browse(target) => self.browse(target),
            Command::Open(target, path) => self.open(ctx, target, &path),
            Command::OpenDemo => self.replace_request(demo_request()),
            Command::UseBuiltinImages => {
                self.request.images = demo_request().images;
                self.analyse(false);
            }
            Command::SaveSession => match self.saved_as.clone() {
                Some(path) => self.save_session(path),
                None => self.ask_save(),
            },
            Command::AskSaveSession => self.ask_save(),
            Command::SaveSessionTo(path) => self.save_session(path),
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Edit(edit) => self.edit(&edit),
            Command::Recompute => self.analyse(true),
            Command::Cancel => {
                if !self.jobs.cancel() {
                    self.tell(Level::Info, "Nothing is under way");
                }
            }
            Command::Theme(theme) => {
                self.session.theme = theme;
                ctx.set_theme(theme.preference());
            }
            Command::TogglePresenter => {
                self.session.is_presenting = !self.session.is_presenting;
                theme::restyle(ctx, self.session.is_presenting);
            }
            Command::ToggleFullScreen => {
                let is_full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!is_full));
            }
            Command::Show(pane) => layout::show(&mut self.tree, pane),
            Command::ResetLayout => self.tree = layout::default_tree(),
            Command::Palette => self.palette.open(typed_now(ctx)),
            Command::Help => self.is_helping = !self.is_helping,
            Command::Escape => self.escape(),
            Command::Copy { what, text } => self.copy(ctx, &what, text),
            Command::CopySelection => self.copy_selection(ctx),
            Command::CopyFigures => self.copy_figures(ctx),
            Command::CopyCommandLine => self.copy_command_line(ctx),
            Command::ClearHistory => self.clear_history(),
            Command::Forget(index) => {
                if index < self.session.history.len() {
                    self.session.history.remove(index);
                }
            }
            Command::ClearLog => self.log.clear(),
            other => self.dispatch_view(other),
        }
    }

    /// Commands that change only how the points are shown or which are selected.
    fn dispatch_view(&mut self, command: Command) {
        let sphere = &mut self.views.sphere;
        match command {
            Command::ColourBy(by) => sphere.colour_by = by,
            Command::ToggleArcs => sphere.has_arcs = !sphere.has_arcs,
            Command::ToggleDensity => sphere.has_density = !sphere.has_density,
            Command::ToggleFrontOnly => sphere.is_front_only = !sphere.is_front_only,
            Command::Tool(tool) => sphere.tool = tool,
            Command::Home => self.canvas.fit(),
            Command::Focus(row) => self.focus(row),
            Command::ToggleClass(class) => toggle(&mut sphere.hidden, class),
            Command::Solo(class) => self.solo(class),
            Command::Select(rows, how) => self.select(&rows, how),
            Command::Hover(row) => self.set_next_hover(row),
            Command::ClearSelection => {
                self.selection.clear();
                self.seek_neighbours();
            }
            Command::Undo => {
                self.selection.undo();
                self.seek_neighbours();
            }
            Command::Redo => {
                self.selection.redo();
                self.seek_neighbours();
            }
            _ => {}
        }
    }

    fn select(&mut self, rows: &[u32], how: Combine) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let count = snapshot.len() as u32;
        let rows: Vec<u32> = rows.iter().copied().filter(|row| *row < count).collect();
        self.selection.apply(&rows, how);
        let line = match (self.selection.single(), self.selection.len()) {
            (Some(row), _) => {
                let image = snapshot
                    .record(row)
                    .map_or("", |record| record.name.as_str());
                format!("selected: image={image} point={row}")
            }
            (None, count) => format!("selected: {count} points"),
        };
        self.note(Level::Info, line);
        if let [row] = rows[..] {
            self.views.table.bring_into_view(row);
        }
        self.seek_neighbours();
    }

    fn solo(&mut self, class: u32) {
        let classes = self
            .snapshot
            .as_ref()
            .map_or(0, |s| s.analysis.images.classes().len() as u32);
        let others: BTreeSet<u32> = (0..classes).filter(|other| *other != class).collect();
        let hidden = &mut self.views.sphere.hidden;
        *hidden = if *hidden == others {
            BTreeSet::new()
        } else {
            others
        };
    }

    fn focus(&mut self, row: u32) {
        let point = self
            .snapshot
            .as_ref()
            .and_then(|s| s.prepared.sphere.get(row as usize).copied());
        if let Some(point) = point {
            self.canvas.focus(point);
        }
    }

    fn escape(&mut self) {
        if self.palette.close() || self.dialog.take().is_some() {
            return;
        }
        if std::mem::take(&mut self.is_helping) {
            return;
        }
        if self.selection.clear() {
            self.note(Level::Info, "selected: 0 points");
            self.seek_neighbours();
        } else {
            self.toasts.clear();
        }
    }

    fn edit(&mut self, edit: &RequestEdit) {
        let before = self.request.clone();
        let request = &mut self.request;
        match edit {
            RequestEdit::Kind(kind) => {
                // A stage chosen for one kind may have no meaning for the other.
                if kind.is_dense() != request.kind.is_dense() {
                    request.stage = None;
                }
                request.kind = *kind;
            }
            RequestEdit::Stage(stage) => request.stage = *stage,
            RequestEdit::Pairs(rule) => request.pairs = *rule,
            RequestEdit::Matching(rule) => request.matching = *rule,
            RequestEdit::PairSet(set) => request.pair_set = *set,
            RequestEdit::Alpha(alpha) => request.alpha = *alpha,
            RequestEdit::T(t) => request.t = *t,
            RequestEdit::Seed(seed) => request.seed = *seed,
            RequestEdit::SamplePairs(pairs) => request.sample_pairs = *pairs,
            RequestEdit::Resize(resize) => request.resize = *resize,
            RequestEdit::Limit(limit) => request.limit = *limit,
            RequestEdit::Normalisation(constants) => {
                request.normalisation = *constants;
                if let EncoderSource::File(path) = &request.encoder {
                    match *constants {
                        Some(constants) => {
                            self.session.normalisations.insert(path.clone(), constants)
                        }
                        None => self.session.normalisations.remove(path),
                    };
                }
            }
        }
        if self.request != before {
            self.analyse(false);
        }
    }

    fn replace_request(&mut self, request: crate::analysis::Request) {
        self.request = request;
        self.analyse(false);
    }

    fn open(&mut self, ctx: &egui::Context, target: OpenTarget, path: &Path) {
        // Relative paths must mean the same in a session that is opened elsewhere.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match target {
            OpenTarget::Anything => match opening::kind_of(&path) {
                Ok(Kind::Checkpoint) => self.open_checkpoint(path),
                Ok(Kind::Images {
                    path: images,
                    masks,
                }) => self.open_images(path, images, masks),
                Ok(Kind::Session) => self.open_session(ctx, path),
                Err(why) => self.tell(Level::Error, why),
            },
            OpenTarget::Images => match opening::kind_of(&path) {
                Ok(Kind::Images {
                    path: images,
                    masks,
                }) => self.open_images(path, images, masks),
                Ok(_) => self.open_images(path.clone(), path, None),
                Err(why) => self.tell(Level::Error, why),
            },
            OpenTarget::Masks => self.open_masks(path),
            OpenTarget::Session => self.open_session(ctx, path),
        }
    }

    fn open_checkpoint(&mut self, path: PathBuf) {
        remember(&mut self.session.recent, path.clone());
        self.request.normalisation = self.session.normalisations.get(&path).copied();
        self.request.encoder = EncoderSource::File(path);
        self.request.root = None;
        self.request.stage = None;
        self.request.resize = None;
        // A head may be missing: begin with what every encoder has.
        if matches!(
            self.request.kind,
            FeatureKind::Projected | FeatureKind::ProjectedDense
        ) {
            self.request.kind = FeatureKind::Pooled;
        }
        self.analyse(false);
    }

    fn open_images(&mut self, opened: PathBuf, path: PathBuf, masks: Option<PathBuf>) {
        remember(&mut self.session.recent, opened);
        self.request.images = ImagesSource::Path { path, masks };
        self.analyse(false);
    }

    fn open_masks(&mut self, folder: PathBuf) {
        match &mut self.request.images {
            ImagesSource::Path { masks, .. } => {
                *masks = Some(folder);
                self.analyse(false);
            }
            ImagesSource::Builtin(_) => {
                self.tell(
                    Level::Warning,
                    "The built-in images have masks already: open images first",
                );
            }
        }
    }

    fn open_session(&mut self, ctx: &egui::Context, path: PathBuf) {
        let session = match Session::read(&path) {
            Ok(session) => session,
            Err(error) => return self.tell(Level::Error, error.to_string()),
        };
        remember(&mut self.session.recent, path.clone());
        let recent = std::mem::take(&mut self.session.recent);
        self.views = session.views.clone();
        if let Some(tree) = session.layout.clone().filter(layout::is_usable) {
            self.tree = tree;
        }
        ctx.set_theme(session.theme.preference());
        theme::restyle(ctx, session.is_presenting);
        let request = session.request.clone();
        self.session = Session { recent, ..session };
        self.tell(
            Level::Info,
            format!("Opened the session {}", path.display()),
        );
        self.saved_as = Some(path);
        if let Some(request) = request {
            self.replace_request(request);
        }
    }

    fn ask_save(&mut self) {
        let folder = directories::UserDirs::new()
            .and_then(|dirs| {
                dirs.document_dir()
                    .or(Some(dirs.home_dir()))
                    .map(Path::to_owned)
            })
            .unwrap_or_default();
        let start = self
            .saved_as
            .clone()
            .unwrap_or_else(|| folder.join("spherescope-session.json"));
        self.dialog = Some(PathDialog::with_text(
            Purpose::SaveSession,
            start.display().to_string(),
        ));
    }

    fn save_session(&mut self, path: PathBuf) {
        match self.current_session().write(&path) {
            Ok(()) => {
                self.tell(
                    Level::Info,
                    format!("Saved the session to {}", path.display()),
                );
                remember(&mut self.session.recent, path.clone());
                self.saved_as = Some(path);
            }
            Err(error) => self.tell(Level::Error, error.to_string()),
        }
    }

    /// Opens the system's dialog on a thread of its own; its answer comes through a slot.
    fn browse(&mut self, target: OpenTarget) {
        let dialog = rfd::AsyncFileDialog::new();
        let folder: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> =
            match target {
                OpenTarget::Images | OpenTarget::Masks => {
                    Box::pin(dialog.set_title("Folder of images").pick_folder())
                }
                OpenTarget::Anything => Box::pin(dialog.set_title("Checkpoint").pick_file()),
                OpenTarget::Session => Box::pin(
                    dialog
                        .set_title("Session")
                        .add_filter("session", &["json"])
                        .pick_file(),
                ),
            };
        let slot = self.jobs.picked.clone();
        let wake = self.jobs.waker();
        let spawned = std::thread::Builder::new()
            .name("spherescope-dialog".to_owned())
            .spawn(move || {
                if let Some(file) = pollster::block_on(folder) {
                    slot.put((target, file.path().to_owned()));
                    wake();
                }
            });
        if let Err(error) = spawned {
            self.tell(
                Level::Error,
                format!("the system's dialog could not be opened: {error}"),
            );
        }
    }

    fn copy(&mut self, ctx: &egui::Context, what: &str, text: String) {
        ctx.copy_text(text);
        self.tell(Level::Info, format!("Copied {what}"));
    }

    fn copy_selection(&mut self, ctx: &egui::Context) {
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

    fn copy_figures(&mut self, ctx: &egui::Context) {
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

    fn copy_command_line(&mut self, ctx: &egui::Context) {
        let line = self
            .snapshot
            .as_ref()
            .map(|snapshot| snapshot.request().command_line());
        match line {
            Some(line) => self.copy(ctx, "the command line", line),
            None => self.tell(Level::Info, "Nothing is shown yet"),
        }
    }

    fn clear_history(&mut self) {
        let shown = self
            .snapshot
            .as_ref()
            .map(|snapshot| snapshot.request().command_line());
        self.session
            .history
            .retain(|measured| Some(&measured.command_line) == shown.as_ref());
    }
}

/// Takes `class` out when it is in, and puts it in when it is not.
fn toggle(classes: &mut BTreeSet<u32>, class: u32) {
    if !classes.remove(&class) {
        classes.insert(class);
    }
}
