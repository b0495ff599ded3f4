//! Every figure of every kind side by side.

use egui::{Grid, RichText, ScrollArea, Sense, Stroke, TextStyle, Ui, vec2};

use crate::{
    analysis::KindDiagnosis,
    measure::collapse::CollapseFigure,
    ui::{
        theme::{self, Tokens},
        widgets::format_value,
    },
};

/// What the small scales say.
const SCALE: &str = "Where the value lies between what collapsed features give, left, and what uniform \
    features give, right";
/// Width of a scale, in points.
const SCALE_WIDTH: f32 = 44.0;

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
                .spacing([11.0, 4.0])
                .show(ui, |ui| {
                    ui.label("");
                    for (kind, _) in &there {
                        ui.label(RichText::new(kind.name()).color(tokens.text.strong.0));
                        ui.label(weak("uniform"));
                        ui.label(weak("to uniform")).on_hover_text(SCALE);
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
    scale_ui(figure, ui);
}

/// Draws a value between its references; nothing where one of the three is not known.
fn scale_ui(figure: Option<&CollapseFigure>, ui: &mut Ui) {
    let known = figure.and_then(|figure| {
        let (value, even, collapsed) = (figure.value?, figure.even?, figure.collapsed?);
        let reach = even - collapsed;
        (reach.abs() > 1e-12).then(|| ((value - collapsed) / reach).clamp(0.0, 1.0) as f32)
    });
    let Some(place) = known else {
        ui.label("");
        return;
    };
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let size = vec2(SCALE_WIDTH * scale, ui.text_style_height(&TextStyle::Small));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let text = format!("{:.0} % of the way to uniform", 100.0 * place);
        egui::WidgetInfo::labeled(egui::Role::Meter, true, text)
    });
    let inner = rect.shrink2(vec2(4.0 * scale, 0.0));
    let painter = ui.painter_at(rect);
    let (left, right) = (inner.left_center(), inner.right_center());
    painter.line_segment(
        [left, right],
        Stroke::new(scale, tokens.surface.rule_strong.0),
    );
    let end = Stroke::new(1.5 * scale, tokens.accent.main.0);
    painter.vline(right.x, rect.shrink(2.0).y_range(), end);
    let at = left + place * (right - left);
    painter.circle_filled(at, 3.0 * scale, tokens.text.strong.0);
    response.on_hover_text(SCALE);
}

/// Four digits that mean something.
fn short(value: f64) -> String {
    if value.abs() < 10.0 {
        format!("{value:.4}").replace('-', "−")
    } else {
        format_value(value)
    }
}
