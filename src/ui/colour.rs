//! From classes and numbers to colours of the theme.

use egui::{Color32, lerp};

use super::theme::{Token, Tokens};

/// The colour of a class. Up to as many classes as the palette has, each has its own; beyond
/// that colours come from a hash of the number, so that neighbours rarely look alike, and the
/// legend's solo switch tells equal ones apart.
pub fn class_colour(tokens: &Tokens, class: u32) -> Color32 {
    let palette = &tokens.data.categories;
    let index = class as usize;
    if index < palette.len() {
        return palette[index].0;
    }
    // Fibonacci hashing: consecutive numbers land far apart.
    let hash = class.wrapping_mul(2_654_435_769);
    let base = palette[(hash >> 16) as usize % palette.len()].0;
    let toward = tokens.text.strong.0;
    mix(
        base,
        toward,
        0.15 + 0.3 * ((hash >> 8) & 0xff) as f32 / 255.0,
    )
}

/// A colour along `stops` for `fraction` in 0..=1; outside values are held at the ends, and
/// not-a-number takes the first.
pub fn ramp(stops: &[Token], fraction: f32) -> Color32 {
    let Some(last) = stops.len().checked_sub(1) else {
        return Color32::PLACEHOLDER;
    };
    let position = if fraction.is_nan() {
        0.0
    } else {
        fraction.clamp(0.0, 1.0)
    } * last as f32;
    let index = (position as usize).min(last.saturating_sub(1));
    let next = (index + 1).min(last);
    mix(stops[index].0, stops[next].0, position - index as f32)
}

/// `amount` of `b` in `a`, in the gamma-encoded space where equal steps look about equal.
pub fn mix(a: Color32, b: Color32, amount: f32) -> Color32 {
    let channel = |from: u8, to: u8| lerp(f32::from(from)..=f32::from(to), amount).round() as u8;
    Color32::from_rgba_premultiplied(
        channel(a.r(), b.r()),
        channel(a.g(), b.g()),
        channel(a.b(), b.b()),
        channel(a.a(), b.a()),
    )
}

/// The colour of three channels in [0, 1], where the channels are the data themselves.
pub fn from_channels(channels: [f32; 3]) -> Color32 {
    let [r, g, b] = channels.map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8);
    Color32::from_rgb(r, g, b)
}

/// Red, green, blue and opacity in one number, red lowest, as the point buffers want it.
pub fn packed(colour: Color32) -> u32 {
    u32::from_le_bytes(colour.to_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_hold_their_ends() {
        let stops = &Tokens::dark().data.sequential;
        assert_eq!(ramp(stops, -1.0), stops[0].0);
        assert_eq!(ramp(stops, f32::NAN), stops[0].0);
        assert_eq!(ramp(stops, 2.0), stops[stops.len() - 1].0);
        assert_eq!(ramp(stops, 0.5), stops[2].0);
    }

    #[test]
    fn far_classes_have_colours_too() {
        let tokens = Tokens::dark();
        let colours: std::collections::HashSet<_> =
            (0..100).map(|class| class_colour(tokens, class)).collect();
        assert!(colours.len() > 90, "{}", colours.len());
    }

    #[test]
    fn packing_puts_red_first() {
        assert_eq!(packed(Color32::from_rgb(1, 2, 3)), 0xff03_0201);
    }
}
