//! Opening checkpoints, images, masks and sessions; saving a session; the system's dialog.

use std::path::{Path, PathBuf};

use crate::{
    analysis::{EncoderSource, ImagesSource},
    app::{
        App, Session, layout,
        opening::{self, Kind},
        path_dialog::{PathDialog, Purpose},
        session::remember,
    },
    features::FeatureKind,
    ui::{LabCommand, OpenTarget, VerdictCommand, theme, widgets::Level},
};

impl App {
    pub(super) fn open(&mut self, ctx: &egui::Context, target: OpenTarget, path: &Path) {
        // Relative paths must mean the same in a session that is opened elsewhere.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match target {
            OpenTarget::Anything => match opening::kind_of(&path) {
                Ok(Kind::Checkpoint) => self.open_checkpoint(path),
                Ok(Kind::Images {
                    path: images,
                    masks,
                }) => self.open_images(path, images, masks),
                Ok(Kind::Checkpoints) => {
                    remember(&mut self.session.recent, path.clone());
                    self.verdict_table(VerdictCommand::Judge(vec![path]));
                }
                Ok(Kind::Session) => self.open_session(ctx, path),
                Ok(Kind::Run) => {
                    remember(&mut self.session.recent, path.clone());
                    self.open_run(ctx, &path);
                }
                Ok(Kind::Encoders) => {
                    remember(&mut self.session.recent, path.clone());
                    self.lab(ctx, LabCommand::Open(path));
                }
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

    pub(super) fn ask_save(&mut self) {
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

    pub(super) fn save_session(&mut self, path: PathBuf) {
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
    pub(super) fn browse(&mut self, target: OpenTarget) {
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
}
