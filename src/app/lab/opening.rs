//! Tables that are opened in the lab: of a file, of a sweep's folder, of the session.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::layout_show;
use crate::{
    app::{App, columns::Foreign},
    data::Table,
    lab::{ColumnMapping, FolderSeries, Sweep},
    ui::{FolderPhase, FolderState, TableLink, widgets::Level},
};

/// A table that was read.
pub(super) struct Opened {
    path: PathBuf,
    table: Arc<Table>,
    along: Option<Arc<Table>>,
    folder: Option<PathBuf>,
    /// It comes with the session: nobody asked for it just now.
    is_of_session: bool,
    /// It is of a sweep that has runs left.
    is_unfinished: bool,
    /// It is of a folder's checkpoints, of which some are left: so many, of so many.
    unmeasured: Option<(Arc<FolderSeries>, [usize; 2])>,
    /// Its columns have to be chosen.
    foreign: Option<Foreign>,
}

/// Reads a table, or that of a sweep in its folder.
fn opened(path: &Path, is_of_session: bool) -> Result<Opened, String> {
    let found = Opened {
        path: path.to_owned(),
        table: Arc::default(),
        along: None,
        folder: None,
        is_of_session,
        is_unfinished: false,
        unmeasured: None,
        foreign: None,
    };
    if path.is_dir() {
        let sweep = Sweep::open(path, None).map_err(|error| error.to_string())?;
        let along = sweep.along();
        return Ok(Opened {
            table: Arc::new(sweep.table().clone()),
            along: (!along.rows().is_empty()).then(|| Arc::new(along.clone())),
            folder: Some(path.to_owned()),
            is_unfinished: sweep.unfinished().next().is_some(),
            ..found
        });
    }
    let table = Arc::new(Table::read(path).map_err(|error| error.to_string())?);
    let folder = path.parent().map(Path::to_owned);
    Ok(Opened {
        foreign: Foreign::wanting(path, &table, folder.as_ref()),
        unmeasured: unmeasured(path, &table),
        table,
        folder,
        ..found
    })
}

/// Checkpoints that rows of a folder lack.
fn unmeasured(path: &Path, table: &Table) -> Option<(Arc<FolderSeries>, [usize; 2])> {
    let series = FolderSeries::of_rows(path, table)?;
    // A folder that is gone has nothing left to measure.
    let [left, total] = series.left(table).ok()?;
    (left > 0).then(|| (Arc::new(series), [left, total]))
}

impl App {
    /// Opens the table that the session was closed with.
    pub(in crate::app) fn open_series_of_session(&mut self) {
        if let Some(path) = self.views.lab.source.clone() {
            self.open_series(&path, true);
        }
    }

    /// Opens a table, or that of a sweep in its folder, beside the window's thread.
    pub(super) fn open_series(&mut self, path: &Path, is_of_session: bool) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let slot = self.lab.opened.clone();
        let title = format!("Opening {}", path.display());
        let job = move |_: &crate::progress::Progress| slot.put(opened(&path, is_of_session));
        match self.jobs.help_telling(title, job) {
            Ok(()) => self.lab.state.is_working = true,
            Err(why) => self.tell(Level::Warning, why),
        }
    }

    pub(super) fn take_opened(&mut self, outcome: Result<Opened, String>) {
        self.lab.state.is_working = false;
        let opened = match outcome {
            Ok(opened) => opened,
            Err(why) => return self.tell(Level::Error, why),
        };
        // A sweep that was started meanwhile is what is looked at.
        if opened.is_of_session && self.lab.state.source.is_some() {
            return;
        }
        if let Some(foreign) = opened.foreign {
            // Nobody is asked while the window opens: the session has the choice that was made.
            return match self
                .views
                .lab
                .columns
                .clone()
                .filter(|_| opened.is_of_session)
            {
                Some(mapping) => self.use_columns_of(foreign, mapping),
                None if opened.is_of_session => {}
                None => self.ask_columns(foreign),
            };
        }
        self.lab.state.link = if opened.is_unfinished {
            TableLink::Unfinished
        } else {
            TableLink::None
        };
        if let Some((series, [left, total])) = opened.unmeasured
            && self.lab.state.link == TableLink::None
        {
            self.lab.state.link = TableLink::Unmeasured;
            self.lab.set_folder(FolderState {
                folder: series.folder.clone(),
                file: Some(opened.path.clone()),
                done: total - left,
                total,
                phase: FolderPhase::Stopped,
                command_line: Some(series.command_line(&opened.path).into()),
                ..FolderState::default()
            });
            let (path, table) = (opened.path.clone(), Arc::clone(&opened.table));
            self.lab.measuring.found(series, path, table);
        }
        let source = opened.path.display().to_string();
        self.views.lab.source = Some(opened.path);
        self.views.lab.columns = None;
        self.set_series(source, opened.table, opened.along, opened.folder);
        if !opened.is_of_session {
            layout_show(self);
        }
    }

    /// Relates a table whose columns were chosen.
    pub(in crate::app) fn show_mapped(
        &mut self,
        source: String,
        of: &Foreign,
        table: Table,
        mapping: ColumnMapping,
        is_of_session: bool,
    ) {
        self.lab.state.link = TableLink::None;
        self.views.lab.source.clone_from(&of.path);
        if !is_of_session {
            let view = &mut self.views.lab;
            view.question.group.clone_from(&mapping.group);
            view.along.column.clone_from(&mapping.order);
            layout_show(self);
        }
        self.views.lab.columns = Some(mapping);
        self.set_series(source, table.into(), None, of.folder.clone());
    }
}
