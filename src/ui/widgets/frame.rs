//! Headings, rules, captions, empty states: what gives a panel its order.

use egui::{Align, Color32, Layout, Response, RichText, Sense, Stroke, Ui, vec2};

use crate::ui::{
    icons::{self, Icon},
    theme::{self, Tokens},
};

/// A heading inside a panel, followed by a thin rule to the right edge.
pub fn section(ui: &mut Ui, title: &str) -> Response {
    let tokens = Tokens::of(ui);
    ui.add_space(tokens.shape.grid * 0.5);
    let response = ui
        .horizontal(|ui| {
            let response = ui.label(
                RichText::new(title)
                    .text_style(theme::section_style())
                    .color(tokens.text.strong.0),
            );
            let (rect, _) = ui.allocate_exact_size(
                vec2(ui.available_width().max(0.0), response.rect.height()),
                Sense::hover(),
            );
            let stroke = Stroke::new(tokens.shape.rule, tokens.surface.rule.0);
            ui.painter().hline(rect.x_range(), rect.center().y, stroke);
            response
        })
        .inner;
    ui.add_space(tokens.shape.grid * 0.25);
    response
}

/// A thin horizontal rule.
pub fn rule(ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let (rect, _) = ui.allocate_exact_size(
        vec2(ui.available_width(), tokens.shape.grid),
        Sense::hover(),
    );
    let stroke = Stroke::new(tokens.shape.rule, tokens.surface.rule.0);
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
}

/// Small weak text that wraps.
pub fn caption(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = Tokens::of(ui).text.weak.0;
    ui.add(egui::Label::new(RichText::new(text).small().color(colour)).wrap())
}

/// A sentence with a sign in front: a warning or a failure that stays where it belongs.
pub fn note(ui: &mut Ui, icon: Icon, text: &str) -> Response {
    let tokens = Tokens::of(ui);
    let colour = match icon {
        Icon::Warning => tokens.status.warning.0,
        Icon::Failure => tokens.status.error.0,
        Icon::Done => tokens.status.good.0,
        _ => tokens.accent.main.0,
    };
    ui.horizontal_top(|ui| {
        let side = ui.text_style_height(&egui::TextStyle::Body);
        let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        icons::paint(ui.painter(), rect.shrink(1.0), icon, colour);
        ui.add(egui::Label::new(RichText::new(text).color(tokens.text.body.0)).wrap())
    })
    .inner
}

/// The one line under a view's heading that says how the picture is read.
pub fn how_to_read(ui: &mut Ui, text: &str) -> Response {
    header_line(ui, Icon::Info, text)
}

/// One line with a sign in front; the whole of it on hover when it does not fit.
pub fn header_line(ui: &mut Ui, icon: Icon, text: &str) -> Response {
    let (sign, ink) = {
        let tokens = Tokens::of(ui);
        match icon {
            Icon::Warning => (tokens.status.warning.0, tokens.text.body.0),
            Icon::Failure => (tokens.status.error.0, tokens.text.body.0),
            _ => (tokens.text.weak.0, tokens.text.weak.0),
        }
    };
    let tokens = Tokens::of(ui);
    let grid = tokens.shape.grid;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = grid * 0.75;
        let side = ui.text_style_height(&egui::TextStyle::Small);
        let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        icons::paint(ui.painter(), rect.shrink(1.0), icon, sign);
        let response = ui.add(egui::Label::new(RichText::new(text).small().color(ink)).truncate());
        response.on_hover_text(text)
    })
    .inner
}

/// What an empty view says: what it will show and what to do next.
pub fn empty_state(ui: &mut Ui, title: &str, next: &str) {
    let tokens = Tokens::of(ui);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.35).min(160.0));
        ui.label(
            RichText::new(title)
                .text_style(egui::TextStyle::Heading)
                .color(tokens.text.body.0),
        );
        ui.add(egui::Label::new(RichText::new(next).color(tokens.text.weak.0)).wrap());
    });
}

/// The name of a value or a setting, weak, in a column of its own.
fn name(ui: &mut Ui, text: &str, height: f32) {
    let tokens = Tokens::of(ui);
    let size = vec2(tokens.shape.grid * 11.5 * theme::mark_scale(ui), height);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(size);
        ui.add(egui::Label::new(RichText::new(text).color(tokens.text.weak.0)).truncate());
    });
}

/// A setting with its name to the left.
pub fn labelled<R>(ui: &mut Ui, text: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        name(ui, text, ui.spacing().interact_size.y);
        add(ui)
    })
    .inner
}

/// Small weak text on one line; the whole of it on hover when it does not fit.
pub fn caption_line(ui: &mut Ui, text: &str) -> Response {
    let colour = Tokens::of(ui).text.weak.0;
    ui.add(egui::Label::new(RichText::new(text).small().color(colour)).truncate())
}

/// What is told of something small inside a large widget, beside the pointer and at once.
pub fn tip(response: &Response, add: impl FnOnce(&mut Ui)) {
    egui::Popup::from_response(response)
        .kind(egui::PopupKind::Tooltip)
        .at_pointer()
        .gap(14.0)
        .show(add);
}

/// As [`tip`], at a place of the screen: for what the keyboard points at.
pub fn tip_at(response: &Response, at: egui::Pos2, add: impl FnOnce(&mut Ui)) {
    egui::Popup::from_response(response)
        .kind(egui::PopupKind::Tooltip)
        .at_position(at)
        .gap(14.0)
        .show(add);
}

/// A line of the form "key  value": the key weak, the value in monospace and selectable.
pub fn key_value(ui: &mut Ui, key: &str, value: &str) -> Response {
    ui.horizontal_top(|ui| {
        name(ui, key, ui.text_style_height(&egui::TextStyle::Body));
        ui.add(egui::Label::new(RichText::new(value).monospace()).wrap())
    })
    .inner
}

/// A dashed area that says what may be dropped there; highlighted while files hover.
pub fn drop_zone(ui: &mut Ui, title: &str, hint: &str, is_hovered: bool) -> Response {
    let tokens = Tokens::of(ui);
    let grid = tokens.shape.grid;
    let width = ui.available_width();
    // Both wrap: a narrow column or large text must not push them over the frame.
    let text = |text: &str, style: egui::TextStyle| {
        let mut job = egui::text::LayoutJob::simple(
            text.to_owned(),
            style.resolve(ui.style()),
            Color32::PLACEHOLDER,
            width - 2.0 * grid,
        );
        job.halign = egui::Align::Center;
        ui.painter().layout_job(job)
    };
    let title_lines = text(title, egui::TextStyle::Body);
    let hint_lines = text(hint, egui::TextStyle::Small);
    let gap = grid * 0.5;
    let height = title_lines.size().y + gap + hint_lines.size().y + 3.0 * grid;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Button,
            ui.is_enabled(),
            format!("{title}. {hint}"),
        )
    });
    let is_lit = is_hovered || response.hovered() || response.has_focus();
    let colour = if is_lit {
        tokens.accent.main.0
    } else {
        tokens.surface.rule_strong.0
    };
    let frame = rect.shrink(1.0);
    let corners = [
        frame.left_top(),
        frame.right_top(),
        frame.right_bottom(),
        frame.left_bottom(),
        frame.left_top(),
    ];
    ui.painter().extend(egui::Shape::dashed_line(
        &corners,
        Stroke::new(tokens.shape.rule, colour),
        4.0,
        4.0,
    ));
    let painter = ui.painter();
    let top = rect.center_top() + vec2(0.0, 1.5 * grid);
    let below = top + vec2(0.0, title_lines.size().y + gap);
    let title_ink = if is_lit {
        tokens.text.strong.0
    } else {
        tokens.text.body.0
    };
    painter.galley(top, title_lines, title_ink);
    painter.galley(below, hint_lines, tokens.text.weak.0);
    response
}
