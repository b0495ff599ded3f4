//! Contrast of the bundled themes, and files that are wrong.

use egui::Color32;

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
