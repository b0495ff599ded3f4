//! A measured number with its unit and everything needed to measure it again.

use egui::{RichText, Ui};

use super::{caption, copy_button};
use crate::ui::theme::{self, Tokens};

/// A number and its provenance.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, in words ("Alignment").
    pub name: String,
    /// Symbol with parameters ("L_align(α = 2)").
    pub symbol: String,
    /// The value, or why there is none.
    pub value: Result<f64, String>,
    /// Standard error, when the value was estimated from a sample.
    pub standard_error: Option<f64>,
    /// Unit or range ("in [0, 4]").
    pub unit: String,
    /// What the value says, in a few words.
    pub reading: String,
    /// Formula, parameters, N and how chosen, pair rule, normalisation, layer, seed, device.
    pub provenance: Vec<(String, String)>,
}

impl Figure {
    /// The figure as plain text, for the clipboard: value first, provenance below.
    pub fn to_text(&self) -> String {
        let mut text = match &self.value {
            Ok(value) => format!("{} = {}", self.symbol, format_value(*value)),
            Err(why) => format!("{}: not computed, {why}", self.symbol),
        };
        if let Some(error) = self.standard_error {
            text.push_str(&format!(" ± {} (standard error)", format_value(error)));
        }
        if !self.unit.is_empty() {
            text.push_str(&format!(" {}", self.unit));
        }
        for (key, value) in &self.provenance {
            text.push_str(&format!("\n  {key}: {value}"));
        }
        text
    }
}

/// Digits that mean something: five decimals below ten, fewer above, never an exponent in the
/// range these numbers have.
pub fn format_value(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    let decimals = match value.abs() {
        size if size < 10.0 => 5,
        size if size < 1000.0 => 3,
        _ => 1,
    };
    // A typographic minus is as wide as a digit, so signs do not make columns jump.
    format!("{value:.decimals$}").replace('-', "−")
}

/// A whole number with its digits in groups of three: 1,000,000.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Draws a figure: name, value, unit, what it says, and a button that copies all of it.
pub fn figure(ui: &mut Ui, figure: &Figure) {
    let tokens = Tokens::of(ui);
    let hover = |ui: &mut Ui| provenance_ui(ui, figure);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = tokens.shape.grid * 0.75;
        ui.label(RichText::new(&figure.name).color(tokens.text.body.0));
        if !figure.symbol.eq_ignore_ascii_case(&figure.name) {
            ui.label(
                RichText::new(&figure.symbol)
                    .small()
                    .color(tokens.text.weak.0),
            );
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            copy_button(ui, &figure.name, || figure.to_text());
        });
    });
    let value = match &figure.value {
        Ok(value) => *value,
        Err(why) => {
            caption(ui, format!("Not computed: {why}")).on_hover_ui(hover);
            return;
        }
    };
    ui.horizontal(|ui| {
        let text = RichText::new(format_value(value))
            .text_style(theme::figure_style())
            .color(tokens.text.strong.0);
        ui.label(text).on_hover_ui(hover);
        if let Some(error) = figure.standard_error {
            ui.label(RichText::new(format!("± {}", format_value(error))).color(tokens.text.weak.0))
                .on_hover_text("standard error of the sampled pairs");
        }
        ui.label(
            RichText::new(&figure.unit)
                .small()
                .color(tokens.text.weak.0),
        );
    });
    if !figure.reading.is_empty() {
        caption(ui, figure.reading.as_str());
    }
}

fn provenance_ui(ui: &mut Ui, figure: &Figure) {
    ui.label(RichText::new(&figure.name).text_style(theme::section_style()));
    for (key, value) in &figure.provenance {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(key).weak());
            ui.label(RichText::new(value).monospace());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_sensible_digits() {
        assert_eq!(format_value(-1.461_859), "−1.46186");
        assert_eq!(format_value(128.25), "128.250");
        assert_eq!(format_value(f64::NAN), "not a number");
    }

    #[test]
    fn a_missing_value_says_why() {
        let figure = Figure {
            name: "Top-1".into(),
            symbol: "top-1".into(),
            value: Err("the images have no class labels".into()),
            standard_error: None,
            unit: String::new(),
            reading: String::new(),
            provenance: Vec::new(),
        };
        assert_eq!(
            figure.to_text(),
            "top-1: not computed, the images have no class labels"
        );
    }

    #[test]
    fn copied_text_carries_the_provenance() {
        let figure = Figure {
            name: "Uniformity".into(),
            symbol: "L_uniform(t = 2)".into(),
            value: Ok(-1.5),
            standard_error: Some(0.01),
            unit: String::new(),
            reading: String::new(),
            provenance: vec![("N".into(), "1000 of 1000".into())],
        };
        let text = figure.to_text();
        assert!(text.starts_with("L_uniform(t = 2) = −1.50000 ± 0.01000"));
        assert!(text.ends_with("N: 1000 of 1000"));
    }
}
