//! Theme tokens: every colour, size and distance the window uses, read from `assets/theme`.
//!
//! Panels name tokens, never colours. Two themes are bundled; which one is used follows the
//! system unless the user says otherwise, and presenter mode enlarges text and marks.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke,
    TextStyle, Vec2,
};
use serde::{Deserialize, Deserializer, de};

/// Text and marks are drawn this much larger in presenter mode.
pub const PRESENTER_SCALE: f32 = 1.35;

/// Name of the semi-bold family, for headings and figures.
const STRONG_FAMILY: &str = "strong";

/// A colour written as `#rrggbb` or `#rrggbbaa` in a theme file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub Color32);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Color32::from_hex(&text)
            .map(Self)
            .map_err(|_| de::Error::custom(format!("'{text}' is no colour: #rrggbb or #rrggbbaa")))
    }
}

/// Fills and lines of surfaces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Behind plots and the sphere.
    pub canvas: Token,
    /// Panels.
    pub panel: Token,
    /// Menu and status bar.
    pub bar: Token,
    /// Popups, dialogs and tooltips.
    pub raised: Token,
    /// Text fields.
    pub field: Token,
    /// Buttons at rest.
    pub control: Token,
    /// Buttons under the pointer.
    pub control_hover: Token,
    /// Buttons held down.
    pub control_press: Token,
    /// Thin rules between sections.
    pub rule: Token,
    /// Rules that carry meaning: axes, focused frames.
    pub rule_strong: Token,
    /// Shadow of popups.
    pub shadow: Token,
    /// Over everything while a dialog is open.
    pub backdrop: Token,
}

/// Colours of text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTokens {
    /// Ordinary text.
    pub body: Token,
    /// Captions and units.
    pub weak: Token,
    /// Figures and headings.
    pub strong: Token,
}

/// The one accent colour.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accent {
    /// Lines, links, focus.
    pub main: Token,
    /// Fill of what is switched on.
    pub fill: Token,
    /// Text on that fill.
    pub on_fill: Token,
}

/// Colours that say how something stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// As it should be.
    pub good: Token,
    /// Worth a look.
    pub warning: Token,
    /// Failed.
    pub error: Token,
}

/// Colours of the sphere's own parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SphereTokens {
    /// Behind the sphere.
    pub background: Token,
    /// The sphere's face.
    pub body: Token,
    /// Its outline.
    pub limb: Token,
    /// Meridians and parallels.
    pub graticule: Token,
    /// The outline that sets points off from each other.
    pub halo: Token,
    /// Arcs between positive pairs.
    pub arc: Token,
    /// Points that are not selected while others are.
    pub dimmed: Token,
    /// Ring around selected points.
    pub selected: Token,
    /// Points without a class.
    pub unlabelled: Token,
}

/// Colours that encode data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataTokens {
    /// Classes, kept apart under simulated colour blindness.
    pub categories: Vec<Token>,
    /// Small to large.
    pub sequential: Vec<Token>,
    /// Negative, zero, positive.
    pub diverging: Vec<Token>,
    /// Density, from none to most.
    pub density: Vec<Token>,
}

/// Corners, rules and the grid.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Corner radius in points.
    pub corner: u8,
    /// Width of rules in points.
    pub rule: f32,
    /// The layout grid in points.
    pub grid: f32,
}

/// Sizes of type in points.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeScale {
    /// Captions.
    pub small: f32,
    /// Text.
    pub body: f32,
    /// Headings.
    pub heading: f32,
    /// Keys and numbers that are copied.
    pub mono: f32,
    /// Figures.
    pub figure: f32,
}

/// One theme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Fills and lines of surfaces.
    pub surface: Surface,
    /// Colours of text.
    pub text: TextTokens,
    /// The one accent colour.
    pub accent: Accent,
    /// Colours that say how something stands.
    pub status: Status,
    /// Colours of the sphere's own parts.
    pub sphere: SphereTokens,
    /// Colours that encode data.
    pub data: DataTokens,
    /// Corners, rules and the grid.
    pub shape: Shape,
    /// Sizes of type.
    #[serde(rename = "type")]
    pub type_scale: TypeScale,
}

static DARK: LazyLock<Tokens> =
    LazyLock::new(|| bundled(include_str!("../../assets/theme/dark.json")));
static LIGHT: LazyLock<Tokens> =
    LazyLock::new(|| bundled(include_str!("../../assets/theme/light.json")));

/// The bundled files are part of the program and read by a test: they cannot be wrong at run time.
fn bundled(json: &str) -> Tokens {
    serde_json::from_str(json).expect("a bundled theme is read by a test")
}

impl Tokens {
    /// The dark theme.
    pub fn dark() -> &'static Self {
        &DARK
    }

    /// The light theme.
    pub fn light() -> &'static Self {
        &LIGHT
    }

    /// The theme that `ui` is drawn in.
    pub fn of(ui: &egui::Ui) -> &'static Self {
        Self::of_visuals(ui.visuals())
    }

    /// The theme that these visuals were made from.
    pub fn of_visuals(visuals: &egui::Visuals) -> &'static Self {
        if visuals.dark_mode {
            Self::dark()
        } else {
            Self::light()
        }
    }
}

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
            include_bytes!("../../assets/fonts/SphereSans-Regular.ttf").as_slice(),
        ),
        (
            "semibold",
            include_bytes!("../../assets/fonts/SphereSans-SemiBold.ttf").as_slice(),
        ),
        (
            "mono",
            include_bytes!("../../assets/fonts/SphereMono-Regular.ttf").as_slice(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color32) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Token, b: Token) -> f64 {
        let [low, high] = {
            let mut both = [luminance(a.0), luminance(b.0)];
            both.sort_by(f64::total_cmp);
            both
        };
        (high + 0.05) / (low + 0.05)
    }

    #[test]
    fn text_is_readable_on_every_surface() {
        for tokens in [Tokens::dark(), Tokens::light()] {
            let surface = &tokens.surface;
            for ground in [
                surface.canvas,
                surface.panel,
                surface.bar,
                surface.raised,
                surface.field,
            ] {
                // 4.5 is the least ratio that WCAG 2.2 asks of ordinary text (1.4.3).
                for text in [
                    tokens.text.body,
                    tokens.text.weak,
                    tokens.text.strong,
                    tokens.accent.main,
                    tokens.status.good,
                    tokens.status.warning,
                    tokens.status.error,
                ] {
                    assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}");
                }
            }
            assert!(contrast(tokens.accent.on_fill, tokens.accent.fill) >= 4.5);
            assert!(contrast(tokens.text.body, surface.control) >= 4.5);
        }
    }

    #[test]
    fn data_colours_stand_out_from_the_canvas() {
        for tokens in [Tokens::dark(), Tokens::light()] {
            // Points are a few pixels wide: 2.0 keeps the palest class visible; WCAG's 3.0 for
            // graphics cannot be met by twenty colours that must also differ from each other.
            for colour in &tokens.data.categories {
                let ratio = contrast(*colour, tokens.surface.canvas);
                assert!(ratio >= 2.0, "{colour:?}: {ratio}");
            }
            assert_eq!(tokens.data.categories.len(), 20);
            assert_eq!(tokens.data.diverging.len(), 3);
        }
    }

    #[test]
    fn a_bad_colour_names_itself() {
        let error = serde_json::from_str::<Token>("\"blueish\"").unwrap_err();
        assert!(error.to_string().contains("blueish"));
    }
}
