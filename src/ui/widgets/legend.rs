//! Names and colours of classes, with switches to show one alone or leave one out.

use egui::{Color32, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::ui::theme::Tokens;

/// A line of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendEntry {
    /// What the colour stands for.
    pub name: String,
    /// The colour.
    pub colour: Color32,
    /// How many points have it.
    pub count: usize,
    /// Whether its points are shown.
    pub is_shown: bool,
}

/// What the user asked of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendEvent {
    /// Show or leave out this entry.
    Toggle(usize),
    /// Show this entry alone, or all again when it already is.
    Solo(usize),
}

/// Draws `entries`; a click toggles one, a double click or Alt-click shows it alone.
pub fn legend(ui: &mut Ui, entries: &[LegendEntry]) -> Option<LegendEvent> {
    let mut event = None;
    for (index, entry) in entries.iter().enumerate() {
        let response = entry_ui(ui, entry);
        if response.double_clicked() || (response.clicked() && ui.input(|i| i.modifiers.alt)) {
            event = Some(LegendEvent::Solo(index));
        } else if response.clicked() {
            event = Some(LegendEvent::Toggle(index));
        }
        response.on_hover_text(format!(
            "{}: {} points\nClick shows or hides, double click shows it alone",
            entry.name, entry.count
        ));
    }
    event
}

fn entry_ui(ui: &mut Ui, entry: &LegendEntry) -> Response {
    let tokens = Tokens::of(ui);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let height = ui.text_style_height(&egui::TextStyle::Small) + 4.0;
    let dot = height * 0.5;
    let colour = if entry.is_shown {
        tokens.text.body.0
    } else {
        tokens.text.weak.0
    };
    let galley = ui
        .painter()
        .layout_no_wrap(entry.name.clone(), font.clone(), colour);
    let size = vec2(dot + 6.0 + galley.size().x.min(180.0) + 8.0, height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(
            Role::CheckBox,
            ui.is_enabled(),
            entry.is_shown,
            format!("Show {}", entry.name),
        )
    });
    if ui.is_rect_visible(rect) {
        let painter = ui.painter_at(rect);
        if response.hovered() || response.has_focus() {
            painter.rect_filled(
                rect,
                f32::from(tokens.shape.corner),
                tokens.surface.control_hover.0,
            );
        }
        let centre = rect.left_center() + vec2(2.0 + dot * 0.5, 0.0);
        if entry.is_shown {
            painter.circle_filled(centre, dot * 0.42, entry.colour);
        } else {
            painter.circle_stroke(centre, dot * 0.36, (1.0, entry.colour));
        }
        let text_at = egui::pos2(
            rect.left() + dot + 6.0,
            rect.center().y - galley.size().y * 0.5,
        );
        painter.galley(text_at, galley, colour);
    }
    response
}
