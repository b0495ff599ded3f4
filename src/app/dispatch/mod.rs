//! The one place where a command changes the world.

mod copying;
mod files;
mod points;

use super::{
    App, layout,
    path_dialog::{PathDialog, Purpose, typed_now},
};
use crate::{
    analysis::{Bundled, EncoderSource, Request, demo_request},
    ui::{Command, Pane, RequestEdit, theme, widgets::Level},
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
            Command::OpenBundled(name) => self.open_bundled(name),
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
            Command::Train(command) => self.train(ctx, command),
            Command::Lab(command) => self.lab(ctx, command),
            Command::Landscape(command) => self.landscape(ctx, command),
            Command::Verdicts(command) => self.verdict_table(command),
            Command::JudgeAgain => self.verdicts.ask_again(),
            Command::Inspect(command) => self.inspect(ctx, command),
            Command::Recompute => self.analyse(true),
            Command::Cancel => {
                let is_map = self.inspector.cancel(&self.jobs);
                let is_slice = self.stop_slice();
                if !self.jobs.cancel() && !is_map && !is_slice {
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
            Command::Find => {
                layout::show(&mut self.tree, Pane::Table);
                self.views.table.is_filter_wanted = true;
            }
            Command::Show(pane) => {
                layout::show(&mut self.tree, pane);
                self.enlarged = self.enlarged.filter(|enlarged| *enlarged == pane);
            }
            Command::Enlarge(pane) => {
                layout::show(&mut self.tree, pane);
                self.enlarged = (self.enlarged != Some(pane)).then_some(pane);
            }
            Command::ResetLayout => {
                self.tree = layout::default_tree();
                self.enlarged = None;
            }
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

    fn escape(&mut self) {
        if self.closing.leave()
            || self.palette.close()
            || self.dialog.take().is_some()
            || self.columns.close()
        {
            return;
        }
        if std::mem::take(&mut self.is_helping) || self.enlarged.take().is_some() {
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
            RequestEdit::Root(root) => request.root.clone_from(root),
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

    /// A bundled encoder with the vectors that its loss looked at, over the demo's images.
    fn open_bundled(&mut self, name: &str) {
        match Bundled::named(name) {
            Ok(bundled) => {
                let encoder = EncoderSource::Bundled(bundled.name.to_owned());
                self.replace_request(Request {
                    kind: bundled.kind,
                    ..Request::new(encoder, demo_request().images)
                });
            }
            Err(error) => self.tell(Level::Error, error.to_string()),
        }
    }

    fn replace_request(&mut self, request: Request) {
        self.request = request;
        self.analyse(false);
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
