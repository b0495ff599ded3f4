//! A table of any number of rows: only the visible ones are laid out.

use egui::{
    Align2, Modifiers, Rect, Role, ScrollArea, Sense, Stroke, TextStyle, Ui, WidgetInfo, vec2,
};

use crate::ui::{icons, theme::Tokens};

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column<'a> {
    /// Heading.
    pub title: &'a str,
    /// Width in points.
    pub width: f32,
    /// Numbers are set in monospace and to the right.
    pub is_number: bool,
    /// Tooltip of the heading.
    pub explanation: &'a str,
}

/// By which column rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sort {
    /// Number of the column.
    pub column: usize,
    /// Largest first.
    pub is_descending: bool,
}

/// What a table remembers between frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableState {
    /// By which column rows are sorted; the owner does the sorting.
    pub sort: Option<Sort>,
    /// Row to bring into view at the next frame.
    pub scroll_to: Option<usize>,
}

/// What the user did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEvent {
    /// Pressed, with these keys held.
    Clicked(usize, Modifiers),
    /// The pointer is over it.
    Hovered(usize),
}

/// Draws a table of `rows` rows. `is_selected` marks rows, `cell` gives the text of row and column.
pub fn table(
    ui: &mut Ui,
    id: &str,
    columns: &[Column<'_>],
    rows: usize,
    state: &mut TableState,
    is_selected: impl Fn(usize) -> bool,
    cell: impl Fn(usize, usize) -> String,
) -> Option<RowEvent> {
    let row_height = ui.text_style_height(&TextStyle::Body) + 6.0;
    let width: f32 = columns.iter().map(|column| column.width).sum();
    let mut event = None;
    ScrollArea::horizontal().id_salt((id, "x")).show(ui, |ui| {
        ui.set_min_width(width.max(ui.available_width()));
        header_ui(ui, columns, row_height, state);
        let spacing = std::mem::replace(&mut ui.spacing_mut().item_spacing, egui::Vec2::ZERO);
        let mut area = ScrollArea::vertical()
            .id_salt((id, "y"))
            .auto_shrink([false, false]);
        if let Some(row) = state.scroll_to.take() {
            let visible = ui.available_height();
            let offset = (row as f32 + 0.5) * row_height - visible * 0.5;
            area = area.vertical_scroll_offset(offset.max(0.0));
        }
        area.show_rows(ui, row_height, rows, |ui, range| {
            for row in range {
                let texts: Vec<String> =
                    (0..columns.len()).map(|column| cell(row, column)).collect();
                if let Some(hit) = row_ui(ui, columns, row_height, row, &texts, is_selected(row)) {
                    event = Some(hit);
                }
            }
        });
        ui.spacing_mut().item_spacing = spacing;
    });
    event
}

fn header_ui(ui: &mut Ui, columns: &[Column<'_>], height: f32, state: &mut TableState) {
    let tokens = Tokens::of(ui);
    let font = TextStyle::Small.resolve(ui.style());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (index, column) in columns.iter().enumerate() {
            let (rect, response) =
                ui.allocate_exact_size(vec2(column.width, height), Sense::click());
            let sorted = state.sort.filter(|sort| sort.column == index);
            response.widget_info(|| {
                WidgetInfo::selected(
                    Role::Button,
                    ui.is_enabled(),
                    sorted.is_some(),
                    format!("Sort by {}", column.title),
                )
            });
            if response.clicked() {
                state.sort = match sorted {
                    None => Some(Sort {
                        column: index,
                        is_descending: column.is_number,
                    }),
                    Some(sort) if sort.is_descending == column.is_number => Some(Sort {
                        is_descending: !sort.is_descending,
                        ..sort
                    }),
                    Some(_) => None,
                };
            }
            let is_lit = response.hovered() || response.has_focus() || sorted.is_some();
            let colour = if is_lit {
                tokens.text.strong.0
            } else {
                tokens.text.weak.0
            };
            let drawn = text_in(
                ui,
                rect,
                column.title,
                font.clone(),
                colour,
                column.is_number,
            );
            if let Some(sort) = sorted {
                let x = if column.is_number {
                    drawn.left() - 7.0
                } else {
                    drawn.right() + 7.0
                };
                let centre = egui::pos2(x, rect.center().y);
                icons::triangle(ui.painter(), centre, 6.0, sort.is_descending, colour);
            }
            if !column.explanation.is_empty() {
                response.on_hover_text(column.explanation);
            }
        }
    });
    let line = ui.cursor().top() - ui.spacing().item_spacing.y;
    let stroke = Stroke::new(tokens.shape.rule, tokens.surface.rule.0);
    ui.painter().hline(ui.max_rect().x_range(), line, stroke);
}

fn row_ui(
    ui: &mut Ui,
    columns: &[Column<'_>],
    height: f32,
    row: usize,
    texts: &[String],
    is_selected: bool,
) -> Option<RowEvent> {
    let tokens = Tokens::of(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Row, ui.is_enabled(), is_selected, texts.join(", "))
    });
    let is_lit = response.hovered() || response.has_focus();
    if is_selected {
        ui.painter().rect_filled(rect, 0.0, tokens.accent.fill.0);
    } else if is_lit {
        ui.painter()
            .rect_filled(rect, 0.0, tokens.surface.control.0);
    }
    let body = TextStyle::Body.resolve(ui.style());
    let mono = TextStyle::Monospace.resolve(ui.style());
    let colour = if is_selected {
        tokens.accent.on_fill.0
    } else {
        tokens.text.body.0
    };
    let mut left = rect.left();
    for (column, text) in columns.iter().zip(texts) {
        let cell = Rect::from_min_size(egui::pos2(left, rect.top()), vec2(column.width, height));
        let font = if column.is_number {
            mono.clone()
        } else {
            body.clone()
        };
        text_in(ui, cell, text, font, colour, column.is_number);
        left += column.width;
    }
    if response.clicked() {
        let modifiers = ui.input(|input| input.modifiers);
        return Some(RowEvent::Clicked(row, modifiers));
    }
    response.hovered().then_some(RowEvent::Hovered(row))
}

/// Draws `text` clipped to `rect`, right-aligned when `is_number`; where it was drawn.
fn text_in(
    ui: &Ui,
    rect: Rect,
    text: &str,
    font: egui::FontId,
    colour: egui::Color32,
    is_number: bool,
) -> Rect {
    let inner = rect.shrink2(vec2(6.0, 0.0));
    let painter = ui.painter_at(inner.intersect(ui.clip_rect()));
    if is_number {
        painter.text(
            inner.right_center(),
            Align2::RIGHT_CENTER,
            text,
            font,
            colour,
        )
    } else {
        painter.text(inner.left_center(), Align2::LEFT_CENTER, text, font, colour)
    }
}
