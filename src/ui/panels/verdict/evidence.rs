//! The numbers that decided, each as a bar with its threshold.

use egui::{Align2, Rect, RichText, Sense, Stroke, TextStyle, Ui, pos2, vec2};

use crate::{
    measure::collapse::{Evidence, Reading},
    ui::{
        theme::{self, Tokens},
        widgets::caption,
    },
};

/// Draws one bar a rule, from 0 to 1, with the threshold and the value of uniform features marked.
pub(super) fn evidence_ui(evidence: &[Evidence], ui: &mut Ui) {
    for found in evidence {
        one_ui(found, ui);
    }
    caption(
        ui,
        "Bars reach from 0 to 1. The tall line is the threshold, the short one what uniform features \
         give at this N and d. Thresholds are this program's choice.",
    );
}

fn one_ui(found: &Evidence, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let colour = match found.reading {
        Reading::Collapse => tokens.status.error.0,
        Reading::Half => tokens.status.warning.0,
        Reading::Property => tokens.accent.main.0,
        Reading::Clear => tokens.status.good.0,
    };
    let text = format!("{}: {}", found.of, found.what);
    let height = 16.0 * scale;
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 2.0 * height), Sense::hover());
    let state = found.reading.words();
    response.widget_info(|| {
        let label = format!("{text}, {:.4}, {state}", found.value);
        egui::WidgetInfo::labeled(egui::Role::Meter, true, label)
    });
    let painter = ui.painter_at(rect);
    let small = TextStyle::Small.resolve(ui.style());
    let mono = TextStyle::Monospace.resolve(ui.style());
    let value = format!("{:.3}", found.value).replace('-', "−");
    let drawn = painter.text(
        rect.right_top(),
        Align2::RIGHT_TOP,
        format!("{value}  {state}"),
        mono,
        colour,
    );
    let words = painter.with_clip_rect(Rect::from_min_max(
        rect.min,
        pos2(drawn.left() - 8.0, rect.max.y),
    ));
    words.text(
        rect.left_top(),
        Align2::LEFT_TOP,
        text,
        small,
        tokens.text.body.0,
    );
    let bar = Rect::from_min_max(
        pos2(rect.left(), rect.top() + 1.15 * height),
        pos2(rect.right(), rect.top() + 1.65 * height),
    );
    let at = |value: f64| bar.left() + bar.width() * value.clamp(0.0, 1.0) as f32;
    painter.rect_filled(bar, 0.0, tokens.surface.control.0);
    let filled = Rect::from_min_max(bar.min, pos2(at(found.value), bar.bottom()));
    painter.rect_filled(filled, 0.0, colour.gamma_multiply(0.7));
    let threshold = Stroke::new(1.5 * scale, tokens.text.strong.0);
    painter.vline(
        at(found.threshold),
        bar.expand(3.0 * scale).y_range(),
        threshold,
    );
    let even = Stroke::new(1.5 * scale, tokens.accent.main.0);
    painter.vline(at(found.even), bar.y_range(), even);
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(found.symbol).monospace());
        ui.label(&found.rule);
    });
}
