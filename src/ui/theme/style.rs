//! Fonts, and tokens as the look of egui's widgets.

use std::{collections::BTreeMap, sync::Arc};

use egui::{
    CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle,
    Vec2,
};

use super::{Tokens, TypeScale};

/// Text and marks are drawn this much larger in presenter mode.
pub const PRESENTER_SCALE: f32 = 1.35;

/// Name of the semi-bold family, for headings and figures.
const STRONG_FAMILY: &str = "strong";

/// The family of headings and figures.
pub fn strong_family() -> FontFamily {
    FontFamily::Name(STRONG_FAMILY.into())
}

/// Style of large figures.
pub fn figure_style() -> TextStyle {
    TextStyle::Name("figure".into())
}

/// Style of section headings inside a panel.
pub fn section_style() -> TextStyle {
    TextStyle::Name("section".into())
}

/// The bundled fonts and nothing else, so that text looks the same everywhere.
pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in [
        (
            "sans",
            include_bytes!("../../../assets/fonts/SphereSans-Regular.ttf").as_slice(),
        ),
        (
            "semibold",
            include_bytes!("../../../assets/fonts/SphereSans-SemiBold.ttf").as_slice(),
        ),
        (
            "mono",
            include_bytes!("../../../assets/fonts/SphereMono-Regular.ttf").as_slice(),
        ),
    ] {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    fonts
        .families
        .insert(FontFamily::Proportional, names(&["sans"]));
    fonts
        .families
        .insert(FontFamily::Monospace, names(&["mono", "sans"]));
    fonts
        .families
        .insert(strong_family(), names(&["semibold", "sans"]));
    fonts
}

/// Installs fonts and both themes. Call once, and again when `is_presenting` changes.
pub fn install(ctx: &egui::Context, is_presenting: bool) {
    ctx.set_fonts(fonts());
    restyle(ctx, is_presenting);
}

/// Sets both themes without touching the fonts.
pub fn restyle(ctx: &egui::Context, is_presenting: bool) {
    let scale = if is_presenting { PRESENTER_SCALE } else { 1.0 };
    for (theme, tokens) in [
        (egui::Theme::Dark, Tokens::dark()),
        (egui::Theme::Light, Tokens::light()),
    ] {
        ctx.set_style_of(theme, style(tokens, theme, scale));
    }
}

/// How much marks are enlarged in `ui`: 1, or [`PRESENTER_SCALE`].
pub fn mark_scale(ui: &egui::Ui) -> f32 {
    let tokens = Tokens::of(ui);
    TextStyle::Body.resolve(ui.style()).size / tokens.type_scale.body
}

fn style(tokens: &Tokens, theme: egui::Theme, scale: f32) -> egui::Style {
    let mut style = theme.default_style();
    style.text_styles = text_styles(&tokens.type_scale, scale);
    style.animation_time = 0.08;
    style.drag_value_text_style = TextStyle::Monospace;
    style.visuals = visuals(tokens, theme);
    let grid = tokens.shape.grid;
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(grid, grid * 0.75);
    spacing.button_padding = Vec2::new(grid, grid * 0.375);
    spacing.interact_size = Vec2::new(grid * 4.0, grid * 3.0 * scale);
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(8);
    spacing.indent = grid * 2.0;
    spacing.combo_width = grid * 12.0;
    spacing.icon_width = grid * 2.0 * scale;
    spacing.icon_width_inner = grid * 1.25 * scale;
    spacing.icon_spacing = grid * 0.75;
    spacing.tooltip_width = grid * 52.0;
    spacing.scroll = egui::style::ScrollStyle {
        bar_width: 8.0,
        floating_allocated_width: 8.0,
        ..egui::style::ScrollStyle::floating()
    };
    style.interaction.tooltip_delay = 0.35;
    style
}

fn text_styles(sizes: &TypeScale, scale: f32) -> BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, sizes.small, FontFamily::Proportional),
        (TextStyle::Body, sizes.body, FontFamily::Proportional),
        (TextStyle::Button, sizes.body, FontFamily::Proportional),
        (TextStyle::Monospace, sizes.mono, FontFamily::Monospace),
        (TextStyle::Heading, sizes.heading, strong_family()),
        (section_style(), sizes.body, strong_family()),
        (figure_style(), sizes.figure, strong_family()),
    ]
    .into_iter()
    .map(|(style, size, family)| (style, FontId::new(size * scale, family)))
    .collect()
}

fn visuals(tokens: &Tokens, theme: egui::Theme) -> egui::Visuals {
    let Tokens {
        surface,
        text,
        accent,
        status,
        shape,
        ..
    } = tokens;
    let corner = CornerRadius::same(shape.corner);
    let mut visuals = theme.default_visuals();
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(text.weak.0);
    visuals.hyperlink_color = accent.main.0;
    visuals.faint_bg_color = surface.control.0.gamma_multiply(0.35);
    visuals.extreme_bg_color = surface.canvas.0;
    visuals.text_edit_bg_color = Some(surface.field.0);
    visuals.code_bg_color = surface.control.0;
    visuals.warn_fg_color = status.warning.0;
    visuals.error_fg_color = status.error.0;
    visuals.window_fill = surface.raised.0;
    visuals.panel_fill = surface.panel.0;
    visuals.window_stroke = Stroke::new(shape.rule, surface.rule_strong.0);
    visuals.window_corner_radius = CornerRadius::same(shape.corner * 2);
    visuals.menu_corner_radius = CornerRadius::same(shape.corner * 2);
    let shadow = Shadow {
        offset: [0, 6],
        blur: 20,
        spread: 0,
        color: surface.shadow.0,
    };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    visuals.selection.bg_fill = accent.fill.0;
    visuals.selection.stroke = Stroke::new(1.0, accent.on_fill.0);
    visuals.text_cursor.stroke = Stroke::new(1.5, accent.main.0);
    visuals.slider_trailing_fill = true;
    visuals.indent_has_left_vline = false;
    visuals.striped = false;
    visuals.interact_cursor = Some(egui::CursorIcon::PointingHand);

    let rule = Stroke::new(shape.rule, surface.rule.0);
    let focus = Stroke::new(shape.rule, accent.main.0);
    for (widget, fill, line, foreground) in [
        (
            &mut visuals.widgets.noninteractive,
            surface.panel.0,
            rule,
            text.body.0,
        ),
        (
            &mut visuals.widgets.inactive,
            surface.control.0,
            rule,
            text.body.0,
        ),
        (
            &mut visuals.widgets.hovered,
            surface.control_hover.0,
            Stroke::new(shape.rule, surface.rule_strong.0),
            text.strong.0,
        ),
        (
            &mut visuals.widgets.active,
            surface.control_press.0,
            focus,
            text.strong.0,
        ),
        (
            &mut visuals.widgets.open,
            surface.control_hover.0,
            focus,
            text.strong.0,
        ),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = line;
        widget.fg_stroke = Stroke::new(1.0, foreground);
        widget.corner_radius = corner;
        widget.expansion = 0.0;
    }
    visuals
}
