//! Which column of a table is what: guessed, and changed by hand with the rows in sight.

use egui::{Grid, Label, RichText, ScrollArea, Ui};

use super::{
    columns::Foreign,
    modal::{self, Place},
};
use crate::{
    lab::{ColumnFacts, ColumnMapping},
    ui::{
        Command, Commands, LabCommand,
        icons::Icon,
        theme::Tokens,
        widgets::{caption, choice, labelled, note, section},
    },
};

/// Rows that are shown.
const PREVIEW: usize = 5;
/// Letters of a field that are shown.
const LETTERS: usize = 18;
/// Height of the list of performances, in points.
const LIST: f32 = 96.0;

/// An entry of a drop-down.
type Entry = (Option<String>, String, &'static str);

/// The dialog's state.
#[derive(Clone, Debug)]
pub(super) struct ColumnsDialog {
    title: String,
    mapping: ColumnMapping,
    problem: Option<String>,
    /// Every column by its name.
    all: Vec<Entry>,
    /// Columns of numbers.
    numbers: Vec<Entry>,
    /// Columns that may part the encoders.
    groups: Vec<Entry>,
    /// Names of the columns with their first fields, cut to what is shown.
    fields: Vec<(String, Vec<String>)>,
}

impl ColumnsDialog {
    pub fn new(foreign: &Foreign) -> Self {
        let entries = |is_in: &dyn Fn(&ColumnFacts) -> bool| -> Vec<Entry> {
            let none = (None, "none".to_owned(), "");
            let named = foreign.facts.iter().filter(|one| is_in(one));
            let named = named.map(|one| (Some(one.name.clone()), one.name.clone(), ""));
            std::iter::once(none).chain(named).collect()
        };
        let rows = &foreign.table.rows()[..foreign.table.rows().len().min(PREVIEW)];
        let columns = foreign.table.columns().iter().enumerate();
        Self {
            title: format!(
                "{}: {} rows, {} columns, named in another way than here.",
                foreign.source,
                foreign.table.rows().len(),
                foreign.table.columns().len()
            ),
            mapping: foreign.mapping.clone(),
            problem: foreign.mapping.problem(),
            all: entries(&|_| true),
            numbers: entries(&ColumnFacts::is_of_numbers),
            groups: entries(&ColumnFacts::is_a_group),
            fields: columns
                .map(|(at, name)| {
                    let fields = rows.iter().map(|row| cut(&row[at])).collect();
                    (name.clone(), fields)
                })
                .collect(),
        }
    }

    /// Draws the dialog; whether it is answered or left.
    pub fn show(&mut self, ctx: &egui::Context, commands: &mut Commands) -> bool {
        let place = Place {
            top: 64.0,
            width: 720.0,
        };
        let (is_done, is_left) = modal::show(ctx, "columns dialog", place, |ui| {
            self.contents_ui(ui, commands)
        });
        is_done || is_left
    }

    fn contents_ui(&mut self, ui: &mut Ui, commands: &mut Commands) -> bool {
        ui.heading("Which column is what?");
        caption(ui, self.title.as_str());
        caption(
            ui,
            "Guessed from names and content; lower alignment and uniformity and higher performance \
             are taken as better.",
        );
        self.choices_ui(ui);
        self.preview_ui(ui);
        if let Some(problem) = &self.problem {
            note(ui, Icon::Warning, problem);
        }
        ui.horizontal(|ui| {
            let confirm = egui::Button::new("Use these columns");
            let is_used = ui.add_enabled(self.problem.is_none(), confirm).clicked();
            if is_used {
                let mapping = self.mapping.clone();
                commands.push(Command::Lab(LabCommand::UseColumns(mapping)));
            }
            ui.button("Cancel").on_hover_text("Esc").clicked() || is_used
        })
        .inner
    }

    fn choices_ui(&mut self, ui: &mut Ui) {
        let mapping = &mut self.mapping;
        let mut has_changed = false;
        let mut pick = |ui: &mut Ui, label: &str, field: &mut Option<String>, of: &[Entry]| {
            labelled(ui, label, |ui| {
                if let Some(chosen) = choice(ui, &format!("Column of {label}"), field, of) {
                    *field = chosen;
                    has_changed = true;
                }
            });
        };
        ui.columns(2, |sides| {
            pick(
                &mut sides[0],
                "alignment",
                &mut mapping.alignment,
                &self.numbers,
            );
            pick(
                &mut sides[0],
                "uniformity",
                &mut mapping.uniformity,
                &self.numbers,
            );
            pick(&mut sides[0], "name", &mut mapping.name, &self.all);
            pick(&mut sides[1], "groups", &mut mapping.group, &self.groups);
            pick(&mut sides[1], "order", &mut mapping.order, &self.numbers);
            pick(&mut sides[1], "file", &mut mapping.path, &self.all);
        });
        section(
            ui,
            "Performance: a task each, the first is the first to be shown",
        );
        ScrollArea::vertical()
            .id_salt("performances")
            .max_height(LIST)
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    for name in self.numbers.iter().filter_map(|(name, ..)| name.as_ref()) {
                        let at = mapping.performances.iter().position(|one| one == name);
                        let mut is_chosen = at.is_some();
                        if ui.checkbox(&mut is_chosen, name).changed() {
                            has_changed = true;
                            match at {
                                Some(at) => drop(mapping.performances.remove(at)),
                                None => mapping.performances.push(name.clone()),
                            }
                        }
                    }
                });
            });
        if has_changed {
            self.problem = mapping.problem();
        }
    }

    /// The first rows of what is chosen.
    fn preview_ui(&self, ui: &mut Ui) {
        section(ui, "First rows");
        let mapping = &self.mapping;
        let single = [
            ("name", &mapping.name),
            ("alignment", &mapping.alignment),
            ("uniformity", &mapping.uniformity),
        ];
        let mut shown: Vec<(&str, &str)> = (single.into_iter())
            .filter_map(|(role, column)| Some((role, column.as_deref()?)))
            .collect();
        shown.extend(
            mapping
                .performances
                .iter()
                .map(|column| ("performance", column.as_str())),
        );
        let more = [("groups", &mapping.group), ("order", &mapping.order)];
        shown.extend(
            more.into_iter()
                .filter_map(|(role, column)| Some((role, column.as_deref()?))),
        );
        ScrollArea::horizontal()
            .id_salt("first rows")
            .show(ui, |ui| {
                Grid::new("first rows").striped(true).show(ui, |ui| {
                    // On one line each: a grid would break words to its first guess of a width.
                    let weak = Tokens::of(ui).text.weak.0;
                    for (role, _) in &shown {
                        let role = RichText::new(*role).small().color(weak);
                        ui.add(Label::new(role).extend());
                    }
                    ui.end_row();
                    for (_, column) in &shown {
                        ui.add(Label::new(RichText::new(cut(column)).strong()).extend());
                    }
                    ui.end_row();
                    for row in 0..PREVIEW {
                        for (_, column) in &shown {
                            let of = self.fields.iter().find(|(name, _)| name == column);
                            let field = of.and_then(|(_, fields)| fields.get(row));
                            let field = RichText::new(field.map_or("", String::as_str));
                            ui.add(Label::new(field.monospace()).extend());
                        }
                        ui.end_row();
                    }
                });
            });
    }
}

fn cut(field: &str) -> String {
    let line = field.lines().next().unwrap_or_default();
    if line.chars().count() <= LETTERS {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LETTERS - 1).collect();
    kept + "…"
}
