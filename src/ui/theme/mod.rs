//! Theme tokens: every colour, size and distance the window uses, read from `assets/theme`.
//!
//! Panels name tokens, never colours. Two themes are bundled; which one is used follows the
//! system unless the user says otherwise, and presenter mode enlarges text and marks.

mod style;
mod tokens;

#[cfg(test)]
mod tests;

pub use style::{
    PRESENTER_SCALE, figure_style, fonts, install, mark_scale, restyle, section_style,
    strong_family,
};
pub use tokens::{
    Accent, DataTokens, Shape, SphereTokens, Status, Surface, TextTokens, Token, Tokens, TypeScale,
};
