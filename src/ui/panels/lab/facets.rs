//! What stands side by side: rows and columns of the grid and of the map.

use egui::Ui;

use crate::{
    lab::{Answer, Facet, Question, facets, rows_and_columns},
    ui::{
        Command, Commands, LabCommand,
        widgets::{caption, choice},
    },
};

/// Draws the choice of rows and columns, and `third` beside it with its name.
pub(super) fn facets_ui(
    answer: &Answer,
    third: (&str, impl FnOnce(&mut Ui)),
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let question = &answer.question;
    let known = facets(&answer.columns);
    let [rows, across] = rows_and_columns(question, &answer.columns);
    let options = |of: Vec<Facet>| -> Vec<(Facet, String, &str)> {
        let named = of.into_iter();
        named
            .map(|facet| {
                let name = facet.to_string();
                let about = explanation(&facet);
                (facet, name, about)
            })
            .collect()
    };
    let mut ask = |rows: Facet, across: Facet| {
        let group = match &rows {
            Facet::Column(column) => Some(column.clone()),
            _ => None,
        };
        commands.push(Command::Lab(LabCommand::Ask(Question {
            facets: Some([rows, across]),
            group,
            only: Vec::new(),
            ..question.clone()
        })));
    };
    ui.columns(3, |sides| {
        sides[0].horizontal(|ui| {
            caption(ui, "Rows");
            if let Some(chosen) = choice(ui, "Rows of the map", &rows, &options(known.clone())) {
                // What stood across changes places with it.
                let across = if chosen == across { &rows } else { &across };
                ask(chosen, across.clone());
            }
        });
        sides[1].horizontal(|ui| {
            caption(ui, "Across");
            let fitting = (known.iter()).filter(|one| **one != rows).cloned();
            let fitting = options(fitting.collect());
            if let Some(chosen) = choice(ui, "Columns of the map", &across, &fitting) {
                ask(rows.clone(), chosen);
            }
        });
        let (name, draw) = third;
        sides[2].horizontal(|ui| {
            caption(ui, name);
            draw(ui);
        });
    });
}

fn explanation(facet: &Facet) -> &'static str {
    match facet {
        Facet::Measure => "Each pair of alignment and uniformity",
        Facet::Task => "Each performance",
        Facet::Setting(_) => "Measures that differ in this setting alone",
        Facet::Column(_) => {
            "Encoders by their value in this column; numbers that are nearly all different in \
             thirds"
        }
    }
}
