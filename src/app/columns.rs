//! Tables whose columns have other names than this program writes: what each is, is asked.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{App, columns_dialog::ColumnsDialog, jobs::Slot};
use crate::{
    data::Table,
    lab::{ColumnFacts, ColumnMapping, is_foreign},
    ui::widgets::Level,
};

/// Columns of numbers that a series needs.
const LEAST_NUMBERS: usize = 3;

/// A table with what its columns hold.
#[derive(Debug)]
pub(super) struct Foreign {
    /// Where it comes from, in words.
    pub source: String,
    /// Its file.
    pub path: Option<PathBuf>,
    /// The table as the file has it.
    pub table: Arc<Table>,
    /// Relative files in it are looked for below this folder.
    pub folder: Option<PathBuf>,
    /// Its columns.
    pub facts: Vec<ColumnFacts>,
    /// What each is, as far as it is known.
    pub mapping: ColumnMapping,
}

impl Foreign {
    /// Looks a table through: not for the window's thread.
    pub fn new(
        source: String,
        path: Option<PathBuf>,
        table: Arc<Table>,
        folder: Option<PathBuf>,
    ) -> Self {
        let facts = ColumnFacts::of(&table);
        let mapping = ColumnMapping::guess(&facts);
        Self {
            source,
            path,
            table,
            folder,
            facts,
            mapping,
        }
    }

    /// The same where columns have to be chosen, and can be.
    pub fn wanting(path: &Path, table: &Arc<Table>, folder: Option<&PathBuf>) -> Option<Self> {
        if !is_foreign(table) {
            return None;
        }
        let made = Self::new(
            path.display().to_string(),
            Some(path.to_owned()),
            Arc::clone(table),
            folder.cloned(),
        );
        let numbers = made.facts.iter().filter(|one| one.is_of_numbers()).count();
        (numbers >= LEAST_NUMBERS).then_some(made)
    }
}

/// A foreign table under its new names.
struct Renamed {
    of: Arc<Foreign>,
    mapping: ColumnMapping,
    table: Table,
    /// It comes with the session: nobody asked for it just now.
    is_of_session: bool,
}

/// The choice of columns: state that panels do not see.
#[derive(Default)]
pub(super) struct Columns {
    dialog: Option<ColumnsDialog>,
    /// The table that was asked about last, so that the choice can be made anew.
    foreign: Option<Arc<Foreign>>,
    looked_through: Slot<Foreign>,
    renamed: Slot<Result<Renamed, String>>,
}

impl Columns {
    /// Leaves the dialog; whether it was open.
    pub fn close(&mut self) -> bool {
        self.dialog.take().is_some()
    }
}

impl App {
    /// Asks which column of a table is what.
    pub(super) fn ask_columns(&mut self, foreign: Foreign) {
        let foreign = Arc::new(foreign);
        self.columns.dialog = Some(ColumnsDialog::new(&foreign));
        self.columns.foreign = Some(foreign);
    }

    /// Asks again which column of the open table is what.
    pub(super) fn choose_columns(&mut self) {
        let source = self.lab.state().source.clone();
        let known = self.columns.foreign.clone();
        if let Some(foreign) = known.filter(|known| Some(&known.source) == source.as_ref()) {
            self.columns.dialog = Some(ColumnsDialog::new(&foreign));
            return;
        }
        let (Some(source), Some((table, folder))) = (source, self.lab.open_table()) else {
            return self.tell(Level::Info, "No table of encoders is open");
        };
        let path = self.views.lab.source.clone();
        let slot = self.columns.looked_through.clone();
        let job = move |_: &crate::progress::Progress| {
            slot.put(Foreign::new(source, path, table, folder));
        };
        if let Err(why) = self.jobs.help_telling("Looking at columns".to_owned(), job) {
            self.tell(Level::Warning, why);
        }
    }

    /// Takes the columns as chosen: the table is renamed beside the window's thread.
    pub(super) fn use_columns(&mut self, mapping: ColumnMapping) {
        match self.columns.foreign.clone() {
            Some(of) => self.rename(of, mapping, false),
            None => self.tell(Level::Info, "No table of encoders is open"),
        }
    }

    /// Takes the columns of the session's table as they were chosen before.
    pub(super) fn use_columns_of(&mut self, foreign: Foreign, mapping: ColumnMapping) {
        self.rename(Arc::new(foreign), mapping, true);
    }

    fn rename(&mut self, of: Arc<Foreign>, mapping: ColumnMapping, is_of_session: bool) {
        let slot = self.columns.renamed.clone();
        let job = move |_: &crate::progress::Progress| {
            slot.put(match mapping.apply(&of.table) {
                Ok(table) => Ok(Renamed {
                    of,
                    mapping,
                    table,
                    is_of_session,
                }),
                Err(error) => Err(error.to_string()),
            });
        };
        if let Err(why) = self.jobs.help_telling("Taking columns".to_owned(), job) {
            self.tell(Level::Warning, why);
        }
    }

    /// Takes in what has come of looking and renaming.
    pub(super) fn receive_columns(&mut self) {
        if let Some(foreign) = self.columns.looked_through.take() {
            self.ask_columns(foreign);
        }
        match self.columns.renamed.take() {
            Some(Ok(renamed)) => self.take_renamed(renamed),
            Some(Err(why)) => self.tell(Level::Error, why),
            None => {}
        }
    }

    fn take_renamed(&mut self, renamed: Renamed) {
        let Renamed {
            of,
            mapping,
            table,
            is_of_session,
        } = renamed;
        let (source, flags) = (&of.source, mapping.flags());
        self.note(
            Level::Info,
            format!("columns of {source}: spherescope correlate with {flags}"),
        );
        self.columns.foreign = Some(Arc::new(Foreign {
            source: source.clone(),
            path: of.path.clone(),
            table: Arc::clone(&of.table),
            folder: of.folder.clone(),
            facts: of.facts.clone(),
            mapping: mapping.clone(),
        }));
        self.show_mapped(source.clone(), &of, table, mapping, is_of_session);
    }

    /// Draws the dialog when there is something to ask.
    pub(super) fn columns_ui(&mut self, ctx: &egui::Context, commands: &mut crate::ui::Commands) {
        let Some(dialog) = &mut self.columns.dialog else {
            return;
        };
        if dialog.show(ctx, commands) {
            self.columns.dialog = None;
        }
    }
}
