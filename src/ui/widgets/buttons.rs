//! Small buttons, switches and choices.

use egui::{DragValue, Response, Role, Sense, Ui, WidgetInfo, emath::Numeric, vec2};

use crate::ui::icons::{self, Icon};

/// A square button with a drawn icon; `label` is its accessible name and its tooltip's first line.
pub fn icon_button(ui: &mut Ui, icon: Icon, label: &str) -> Response {
    icon_control(ui, icon, label, None)
}

/// As [`icon_button`], staying pressed while `is_on`.
pub fn icon_toggle(ui: &mut Ui, icon: Icon, label: &str, is_on: bool) -> Response {
    icon_control(ui, icon, label, Some(is_on))
}

fn icon_control(ui: &mut Ui, icon: Icon, label: &str, is_on: Option<bool>) -> Response {
    let side = ui.spacing().interact_size.y;
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
    response.widget_info(|| match is_on {
        Some(on) => WidgetInfo::selected(Role::Button, ui.is_enabled(), on, label),
        None => WidgetInfo::labeled(Role::Button, ui.is_enabled(), label),
    });
    if ui.is_rect_visible(rect) {
        let look = ui
            .style()
            .interact_selectable(&response, is_on == Some(true));
        let is_quiet = is_on != Some(true) && !response.hovered() && !response.has_focus();
        if !is_quiet {
            ui.painter().rect(
                rect,
                look.corner_radius,
                look.weak_bg_fill,
                look.bg_stroke,
                egui::StrokeKind::Inside,
            );
        }
        icons::paint(
            ui.painter(),
            rect.shrink(side * 0.22),
            icon,
            look.fg_stroke.color,
        );
    }
    response.on_hover_text(label)
}

/// A copy icon that puts `text` on the clipboard when pressed; says whether it was.
pub fn copy_button(ui: &mut Ui, what: &str, text: impl FnOnce() -> String) -> bool {
    let response = icon_button(ui, Icon::Copy, &format!("Copy {what}"));
    if response.clicked() {
        ui.copy_text(text());
    }
    response.clicked()
}

/// A labelled drop-down of `options`; the chosen one when it changed.
pub fn choice<T: PartialEq + Clone>(
    ui: &mut Ui,
    label: &str,
    current: &T,
    options: &[(T, String, &str)],
) -> Option<T> {
    let shown = options
        .iter()
        .find(|(value, ..)| value == current)
        .map_or("—", |(_, name, _)| name.as_str());
    let mut chosen = None;
    let width = ui.available_width();
    let combo = egui::ComboBox::from_id_salt(label)
        .selected_text(shown)
        .width(width)
        .truncate()
        .show_ui(ui, |ui| {
            for (value, name, explanation) in options {
                let mut response = ui.selectable_label(value == current, name);
                if !explanation.is_empty() {
                    response = response.on_hover_text(*explanation);
                }
                if response.clicked() && value != current {
                    chosen = Some(value.clone());
                }
            }
        });
    let _ = combo.response.accessible_name(label);
    chosen
}

/// A number that is dragged or typed; its new value once the edit is finished, so that a drag
/// does not start a computation at every pixel.
pub fn number_field<N: Numeric + PartialEq>(
    ui: &mut Ui,
    label: &str,
    current: N,
    range: std::ops::RangeInclusive<N>,
    speed: f64,
) -> Option<N> {
    let id = ui.make_persistent_id(("number", label));
    let mut value = ui
        .data(|data| data.get_temp::<f64>(id))
        .map_or(current, N::from_f64);
    let response = ui.add(
        DragValue::new(&mut value)
            .range(range)
            .speed(speed)
            .update_while_editing(false),
    );
    let response = response.accessible_name(label);
    let is_busy = response.dragged() || response.has_focus();
    if response.changed() || is_busy {
        ui.data_mut(|data| data.insert_temp(id, value.to_f64()));
    }
    let is_done =
        response.drag_stopped() || response.lost_focus() || (response.changed() && !is_busy);
    if is_done {
        ui.data_mut(|data| data.remove::<f64>(id));
        return (value != current).then_some(value);
    }
    if !is_busy {
        ui.data_mut(|data| data.remove::<f64>(id));
    }
    None
}
