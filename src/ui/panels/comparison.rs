//! Two times of a run beside each other: what both views have in common.

use egui::{Rect, RichText, Ui, pos2};

use crate::ui::{
    Snapshot,
    theme::Tokens,
    widgets::{caption, format_value},
};

/// Room between two halves, in points of the screen.
const GAP: f32 = 6.0;

/// The left and the right half of a place.
pub(super) fn halves(rect: Rect) -> [Rect; 2] {
    let middle = rect.center().x;
    [
        Rect::from_min_max(rect.min, pos2(middle - GAP * 0.5, rect.bottom())),
        Rect::from_min_max(pos2(middle + GAP * 0.5, rect.top()), rect.max),
    ]
}

/// "A · step 100".
pub(super) fn name(letter: &str, snapshot: &Snapshot) -> String {
    match snapshot.run_step() {
        Some(step) => format!("{letter} · step {step}"),
        None => letter.to_owned(),
    }
}

/// The name of a half as it stands over its picture.
pub(super) fn title(ui: &Ui, name: &str) -> RichText {
    RichText::new(name)
        .small()
        .strong()
        .color(Tokens::of(ui).accent.main.0)
}

/// A figure of both times.
struct Row {
    name: &'static str,
    values: [f64; 2],
}

fn rows(pinned: &Snapshot, shown: &Snapshot) -> Vec<Row> {
    let [a, b] = [pinned, shown].map(|one| one.analysis.numbers.all());
    a.into_iter()
        .zip(b)
        .filter(|(a, b)| a.name == b.name)
        .filter_map(|(a, b)| {
            Some(Row {
                name: a.name,
                values: [a.value?, b.value?],
            })
        })
        .collect()
}

/// The figures of both times with the difference, a column a figure.
pub(super) fn figures_ui(pinned: &Snapshot, shown: &Snapshot, ui: &mut Ui) {
    let rows = rows(pinned, shown);
    let tokens = Tokens::of(ui);
    if rows.is_empty() {
        caption(ui, "No figure could be computed of both times");
        return;
    }
    let weak = |text: String| RichText::new(text).small().color(tokens.text.weak.0);
    let plain = |text: String| RichText::new(text).small().monospace();
    egui::ScrollArea::horizontal()
        .id_salt("two times")
        .auto_shrink([false, true])
        .show(ui, |ui| {
            egui::Grid::new("figures of two times")
                .num_columns(1 + rows.len())
                .spacing([20.0, 1.0])
                .min_row_height(0.0)
                .show(ui, |ui| {
                    ui.label("");
                    for row in &rows {
                        ui.label(weak(row.name.to_owned()));
                    }
                    ui.end_row();
                    for (index, name) in [name("A", pinned), name("B", shown)].iter().enumerate() {
                        ui.label(title(ui, name));
                        for row in &rows {
                            ui.label(plain(format_value(row.values[index])));
                        }
                        ui.end_row();
                    }
                    ui.label(weak("B − A".to_owned()));
                    for row in &rows {
                        ui.label(plain(difference(row.values)));
                    }
                    ui.end_row();
                });
        });
}

/// The second less the first, with its sign.
fn difference([a, b]: [f64; 2]) -> String {
    let text = format_value(b - a);
    if b > a { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_sign() {
        assert!(difference([1.0, 1.5]).starts_with("+0.5"));
        assert!(difference([1.5, 1.0]).starts_with("−0.5"));
        assert!(difference([1.0, 1.0]).starts_with('0'));
    }

    #[test]
    fn halves_do_not_touch() {
        let rect = Rect::from_min_max(pos2(10.0, 0.0), pos2(110.0, 50.0));
        let [left, right] = halves(rect);
        assert_eq!((left.left(), right.right()), (10.0, 110.0));
        assert!(right.left() - left.right() == GAP && left.width() == right.width());
    }
}
