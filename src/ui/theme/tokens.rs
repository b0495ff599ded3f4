//! The tokens of a theme as its file names them, and the two bundled themes.

use std::sync::LazyLock;

use egui::Color32;
use serde::{Deserialize, Deserializer, de};

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
    LazyLock::new(|| bundled(include_str!("../../../assets/theme/dark.json")));
static LIGHT: LazyLock<Tokens> =
    LazyLock::new(|| bundled(include_str!("../../../assets/theme/light.json")));

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
