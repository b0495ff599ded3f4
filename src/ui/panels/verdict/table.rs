//! Every figure of every kind side by side.

use egui::{Grid, RichText, ScrollArea, Ui};

use crate::{
    analysis::KindDiagnosis,
    measure::collapse::CollapseFigure,
    ui::{theme::Tokens, widgets::format_value},
};

/// Draws one row a figure and one column a kind, with what uniform features give at that kind's N and d.
pub(super) fn table_ui(kinds: &[KindDiagnosis], ui: &mut Ui) {
    let there: Vec<_> = kinds
        .iter()
        .filter_map(|kind| Some((kind.kind, kind.diagnosis.as_ref()?)))
        .collect();
    // Kinds differ in what can be measured: locations are of dense ones alone.
    let mut names: Vec<&str> = Vec::new();
    for figure in there.iter().flat_map(|(_, diagnosis)| &diagnosis.figures) {
        if !names.contains(&figure.name) {
            names.push(figure.name);
        }
    }
    let tokens = Tokens::of(ui);
    let weak = |text: &str| RichText::new(text).small().color(tokens.text.weak.0);
    ScrollArea::horizontal()
        .id_salt("collapse figures across")
        .show(ui, |ui| {
            Grid::new("collapse figures")
                .striped(true)
                .spacing([18.0, 4.0])
                .show(ui, |ui| {
                    ui.label("");
                    for (kind, _) in &there {
                        ui.label(RichText::new(kind.name()).color(tokens.text.strong.0));
                        ui.label(weak("uniform"));
                    }
                    ui.end_row();
                    for name in names {
                        let of = |figures: &[CollapseFigure]| {
                            figures.iter().find(|figure| figure.name == name).cloned()
                        };
                        let mut is_named = false;
                        let cells: Vec<_> = there.iter().map(|(_, d)| of(&d.figures)).collect();
                        if let Some(figure) = cells.iter().flatten().next() {
                            ui.label(&figure.symbol).on_hover_text(figure.formula);
                            is_named = true;
                        }
                        if !is_named {
                            continue;
                        }
                        for cell in cells {
                            cell_ui(cell.as_ref(), ui);
                        }
                        ui.end_row();
                    }
                });
        });
}

fn cell_ui(figure: Option<&CollapseFigure>, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let number = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), short);
    let value = number(figure.and_then(|figure| figure.value));
    let response = ui.label(RichText::new(value).monospace().color(tokens.text.strong.0));
    if let Some(figure) = figure {
        response.on_hover_ui(|ui| {
            ui.label(figure.formula);
            if !figure.note.is_empty() {
                ui.label(&figure.note);
            }
            if let Some(collapsed) = figure.collapsed {
                ui.label(format!("collapsed: {}", short(collapsed)));
            }
        });
    }
    let even = number(figure.and_then(|figure| figure.even));
    ui.label(
        RichText::new(even)
            .small()
            .monospace()
            .color(tokens.text.weak.0),
    );
}

/// Four digits that mean something.
fn short(value: f64) -> String {
    if value.abs() < 10.0 {
        format!("{value:.4}").replace('-', "−")
    } else {
        format_value(value)
    }
}
