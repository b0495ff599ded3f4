//! What is asked of the inspector, carried out: choosing, turning, putting beside, saving.

use std::path::{Path, PathBuf};

use crate::{
    app::{
        App,
        figure::{FigureTheme, Painter, inspector_size},
        layout,
        path_dialog::{PathDialog, Purpose},
    },
    compute::Compute,
    dense::{MapSource, row_at},
    ui::{
        BesideChoice, Chosen, Combine, Command, InspectCommand, InspectorState, InspectorView,
        Pane, Snapshot, widgets::Level,
    },
};

impl App {
    /// Takes in what was made for the inspector, and asks for what its view shows and lacks.
    pub(in crate::app) fn receive_inspector(&mut self) {
        self.inspector.take_arrivals();
        if let Some((level, text)) = self.inspector.arrivals.told.take() {
            self.tell(level, text);
        }
        if !layout::is_shown(&self.tree, Pane::Inspector) {
            return;
        }
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        if !snapshot.request().kind.is_dense() {
            return;
        }
        let inspector = &mut self.inspector;
        inspector.turn_to(snapshot, &self.views.inspector);
        inspector.follow(&snapshot.analysis, &self.selection, &self.views.inspector);
        inspector.want(&self.views.inspector, &self.jobs);
    }

    /// Carries out what is asked of the inspector.
    pub(in crate::app) fn inspect(&mut self, ctx: &egui::Context, command: InspectCommand) {
        match command {
            InspectCommand::Choose { side, cell } => self.choose(ctx, side, cell),
            InspectCommand::Image(image) => self.look_at_image(ctx, image),
            InspectCommand::Turn(by) => {
                if let Some(image) = self.image_further_on(by) {
                    self.look_at_image(ctx, image);
                }
            }
            InspectCommand::Beside(image) => self.put_beside(image),
            InspectCommand::Again => self.inspector.ask_again(),
            InspectCommand::Mode(mode) => {
                self.views.inspector.mode = mode;
                self.dispatch(ctx, Command::Show(Pane::Inspector));
            }
            InspectCommand::AskSave => {
                if self.inspector.state.subject.is_some() {
                    let file = crate::app::lab::documents().join("inspector.png");
                    let text = file.display().to_string();
                    self.dialog = Some(PathDialog::with_text(Purpose::InspectorPicture, text));
                } else {
                    self.tell(Level::Info, "The dense inspector shows no picture yet");
                }
            }
            InspectCommand::SaveTo(path) => self.save_inspector(path),
        }
    }

    /// Draws the inspector for a file, away from the window's thread.
    fn save_inspector(&mut self, path: PathBuf) {
        let Some(snapshot) = self.snapshot.clone() else {
            return;
        };
        let path = std::path::absolute(&path).unwrap_or(path);
        let (view, state) = (self.views.inspector.clone(), self.inspector.state.clone());
        let compute = self.jobs.compute().clone();
        let slot = self.inspector.arrivals.told.clone();
        let wake = self.jobs.waker();
        let title = format!("Drawing {}", path.display());
        let job = move |_: &crate::progress::Progress| {
            slot.put(match save(&compute, &snapshot, &view, &state, &path) {
                Ok(()) => (Level::Info, format!("Wrote {}", path.display())),
                Err(error) => (Level::Error, format!("{error:#}")),
            });
            wake();
        };
        if let Err(why) = self.jobs.help_telling(title, job) {
            self.tell(Level::Warning, why);
        }
    }

    /// Puts an image beside, when there is a map of it.
    fn put_beside(&mut self, image: u32) {
        if self.views.inspector.source == MapSource::Analysed && !self.is_analysed(image) {
            return self.tell_not_analysed(image);
        }
        self.views.inspector.other_image = image;
        self.views.inspector.beside = BesideChoice::Image;
    }

    fn is_analysed(&self, image: u32) -> bool {
        let shown = self.snapshot.as_ref();
        shown.is_some_and(|shown| shown.analysis.features.images.contains(&image))
    }

    /// Says that an image has no features, and which have.
    fn tell_not_analysed(&mut self, image: u32) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let provenance = &snapshot.analysis.features.provenance;
        let records = snapshot.analysis.images.records();
        let name = records
            .get(image as usize)
            .map_or("no image of the set", |record| record.name.as_str());
        let text = format!(
            "Image {image} ({name}) is not among the {} of {} that were analysed ({}): step with \
             previous and next, or analyse more in Sources",
            provenance.image_count, provenance.image_total, provenance.choice
        );
        self.tell(Level::Warning, text);
    }

    fn choose(&mut self, ctx: &egui::Context, side: usize, cell: usize) {
        let (Some(snapshot), Some(subject)) = (&self.snapshot, &self.inspector.state.subject)
        else {
            return;
        };
        let Some(found) = subject.sides.get(side).filter(|found| cell < found.cells()) else {
            return;
        };
        let columns = found.grid[1];
        let place = found
            .geometry
            .cell_centre(cell / columns, cell % columns, found.grid);
        let image = found.image;
        let row = row_at(&snapshot.analysis, image, place);
        self.inspector.state.chosen = Some(Chosen { side, image, place });
        match row {
            Some(row) => self.dispatch(ctx, Command::Select(vec![row], Combine::Replace)),
            // The encoder did not see this place when the set was analysed.
            None => self.dispatch(ctx, Command::ClearSelection),
        }
        self.inspector.seen = self.selection.revision();
    }

    /// Looks at an image, at the location where the one before was looked at.
    fn look_at_image(&mut self, ctx: &egui::Context, image: u32) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let features = &snapshot.analysis.features;
        let Some(first) = features.images.iter().position(|other| *other == image) else {
            return self.tell_not_analysed(image);
        };
        let count = features.images[first..]
            .iter()
            .take_while(|other| **other == image)
            .count();
        let cell = self.selection.single().and_then(|row| snapshot.cell(row));
        let same = cell.and_then(|cell| {
            let cells = features.cells.as_ref()?.get(first..first + count)?;
            Some(first + cells.iter().position(|other| *other == cell)?)
        });
        self.inspector.state.image = image;
        match same {
            Some(row) => self.dispatch(ctx, Command::Select(vec![row as u32], Combine::Replace)),
            None => self.inspector.state.chosen = None,
        }
    }

    /// The analysed image that stands so many places after the one that is looked at.
    fn image_further_on(&self, by: i32) -> Option<u32> {
        let images = &self.snapshot.as_ref()?.analysis.features.images;
        let mut distinct = images.clone();
        distinct.dedup();
        let now = distinct
            .iter()
            .position(|image| *image == self.inspector.state.image)
            .unwrap_or_default();
        let count = distinct.len() as i64;
        let next = (now as i64 + i64::from(by)).rem_euclid(count.max(1));
        distinct.get(next as usize).copied()
    }
}

/// Writes the inspector as a PNG file.
fn save(
    compute: &Compute,
    snapshot: &Snapshot,
    view: &InspectorView,
    state: &InspectorState,
    path: &Path,
) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let is_png = (path.extension()).is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    anyhow::ensure!(
        is_png,
        "{}: pictures are written as PNG, so the name must end in .png",
        path.display()
    );
    Painter::new(compute, FigureTheme::Light)?
        .paint_inspector(snapshot, view, state, inspector_size(view.nearest))?
        .save(path)
        .with_context(|| format!("cannot write {}", path.display()))
}
