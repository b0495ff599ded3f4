//! What colours each location: numbers on a scale, colours of their own, or classes.

use egui::Color32;

use super::Now;
use crate::{
    dense::{Question, Side},
    ui::{
        InspectMode,
        colour::{class_colour, from_channels, ramp},
        theme::Tokens,
    },
};

/// What covers the pictures.
pub(super) enum Layer {
    /// Numbers on a scale, for each side; locations without one stay bare.
    Numbers {
        sides: Vec<Vec<Option<f32>>>,
        scale: Scale,
    },
    /// Red, green and blue in [0, 1].
    Rgb(Vec<Vec<Option<[f32; 3]>>>),
    /// Classes of the mask.
    Classes(Vec<Vec<Option<u8>>>),
    /// Nothing, and why.
    Absent(String),
}

/// From numbers to the ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub low: f32,
    pub high: f32,
    /// Centred on zero, between two colours; else from little to much.
    pub is_diverging: bool,
}

impl Scale {
    /// Colour of a number.
    pub fn colour(&self, tokens: &Tokens, value: f32) -> Color32 {
        let fraction = if self.high > self.low {
            (value - self.low) / (self.high - self.low)
        } else {
            0.5
        };
        let stops = if self.is_diverging {
            &tokens.data.diverging
        } else {
            &tokens.data.sequential
        };
        ramp(stops, fraction)
    }

    /// The whole range of cosines, about zero.
    const COSINE: Self = Self {
        low: -1.0,
        high: 1.0,
        is_diverging: true,
    };

    /// From the least to the greatest value, or over the whole range where there is one.
    fn sequential(sides: &[Vec<Option<f32>>], whole: Option<[f32; 2]>) -> Self {
        let found = range(sides);
        let [low, high] = whole.unwrap_or(if found[0] <= found[1] {
            found
        } else {
            [0.0; 2]
        });
        Self {
            low,
            high,
            is_diverging: false,
        }
    }
}

fn range(sides: &[Vec<Option<f32>>]) -> [f32; 2] {
    let values = sides.iter().flatten().flatten().copied();
    values
        .filter(|value| value.is_finite())
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        })
}

/// What the view's mode shows.
pub(super) fn layer(now: &Now<'_>) -> Layer {
    match now.view.mode {
        InspectMode::Similarity => similarity(now),
        InspectMode::Pca => colours(now),
        InspectMode::Alignment => alignment(now),
        InspectMode::Density => density(now),
        InspectMode::Norm => {
            let sides = &now.subject.sides;
            numbers(sides.iter().map(|side| some(&side.norms)).collect(), None)
        }
        InspectMode::Mask => classes(now),
    }
}

fn some(values: &[f32]) -> Vec<Option<f32>> {
    values.iter().copied().map(Some).collect()
}

fn numbers(sides: Vec<Vec<Option<f32>>>, whole: Option<[f32; 2]>) -> Layer {
    let scale = Scale::sequential(&sides, whole);
    Layer::Numbers { sides, scale }
}

fn similarity(now: &Now<'_>) -> Layer {
    // The answer before stays until the new one is there: a flicker would tell nothing.
    let Some(answer) = now
        .state
        .answer
        .as_ref()
        .filter(|_| now.state.asked().is_some())
    else {
        return Layer::Absent(
            "Click a location, or reach the picture with Tab and press an arrow key".to_owned(),
        );
    };
    let sides: Vec<_> = answer.maps.iter().map(|map| some(map)).collect();
    let scale = if now.view.is_automatic {
        Scale::sequential(&without_itself(&sides, answer.question), None)
    } else {
        Scale::COSINE
    };
    Layer::Numbers { sides, scale }
}

/// The chosen location has the cosine 1 with itself, which would stretch every scale.
fn without_itself(sides: &[Vec<Option<f32>>], question: Question) -> Vec<Vec<Option<f32>>> {
    let mut sides = sides.to_vec();
    if let Some(itself) =
        (sides.get_mut(question.side)).and_then(|side| side.get_mut(question.cell))
    {
        *itself = None;
    }
    sides
}

fn colours(now: &Now<'_>) -> Layer {
    let Some(colours) = &now.state.colours else {
        return Layer::Absent("The axes of the colours are being found".to_owned());
    };
    let cut = now.view.foreground();
    let sides = 0..colours.sides.len();
    Layer::Rgb(sides.map(|side| colours.of_side(side, cut)).collect())
}

fn alignment(now: &Now<'_>) -> Layer {
    let request = now.snapshot.request();
    match now.subject.alignment(now.view.rule, request.alpha) {
        Ok(values) => {
            let most = 2.0_f64.powf(request.alpha) as f32;
            let whole = (!now.view.is_automatic).then_some([0.0, most]);
            numbers(values.into(), whole)
        }
        Err(why) => Layer::Absent(why),
    }
}

fn density(now: &Now<'_>) -> Layer {
    match &now.state.density {
        Some(sides) => numbers(sides.iter().map(|side| some(side)).collect(), None),
        None => Layer::Absent("Local density is being estimated".to_owned()),
    }
}

fn classes(now: &Now<'_>) -> Layer {
    let sides = &now.subject.sides;
    if sides.iter().all(|side| side.classes.is_none()) {
        return Layer::Absent(
            "This image has no mask: open a folder of masks with the same stems (File menu)"
                .to_owned(),
        );
    }
    let of = |side: &Side| {
        side.classes
            .clone()
            .unwrap_or_else(|| vec![None; side.cells()])
    };
    Layer::Classes(sides.iter().map(of).collect())
}

impl Layer {
    /// Colours of a side's locations, transparent where there is nothing to show.
    pub fn pixels(&self, side: usize, tokens: &Tokens) -> Option<Vec<Color32>> {
        let bare = Color32::TRANSPARENT;
        match self {
            Self::Numbers { sides, scale } => {
                let colour = |value: &Option<f32>| value.map_or(bare, |v| scale.colour(tokens, v));
                Some(sides.get(side)?.iter().map(colour).collect())
            }
            Self::Rgb(sides) => {
                let colour = |rgb: &Option<[f32; 3]>| rgb.map_or(bare, from_channels);
                Some(sides.get(side)?.iter().map(colour).collect())
            }
            Self::Classes(sides) => {
                let colour = |class: &Option<u8>| {
                    class.map_or(bare, |class| class_colour(tokens, u32::from(class)))
                };
                Some(sides.get(side)?.iter().map(colour).collect())
            }
            Self::Absent(_) => None,
        }
    }

    /// What a location shows, for the tooltip.
    pub fn text(&self, now: &Now<'_>, side: usize, cell: usize) -> Option<String> {
        let name = now.view.mode.name();
        match self {
            Self::Numbers { sides, .. } => {
                let value = (*sides.get(side)?.get(cell)?)?;
                Some(format!("{name} {value:.4}").replace('-', "−"))
            }
            Self::Classes(sides) => {
                let class = (*sides.get(side)?.get(cell)?)?;
                Some(format!("{name}: {}", class_name(now, class)))
            }
            Self::Rgb(_) | Self::Absent(_) => None,
        }
    }
}

/// Name of a mask class.
pub(super) fn class_name(now: &Now<'_>, class: u8) -> String {
    let names = now.snapshot.analysis.images.mask_classes();
    names
        .get(usize::from(class))
        .filter(|name| !name.is_empty())
        .cloned()
        .unwrap_or_else(|| format!("class {class}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_cosines_are_centred_on_zero_and_automatic_ones_leave_the_chosen_location_out() {
        let tokens = Tokens::dark();
        let stops = &tokens.data.diverging;
        let fixed = Scale::COSINE;
        assert_eq!(fixed.colour(tokens, 0.0), stops[stops.len() / 2].0);
        assert_eq!(fixed.colour(tokens, 9.0), stops.last().unwrap().0);
        let sides = vec![vec![Some(0.3), Some(1.0), Some(0.5)], vec![Some(0.4), None]];
        let question = Question {
            side: 0,
            cell: 1,
            count: 1,
            is_between_images: false,
        };
        let scale = Scale::sequential(&without_itself(&sides, question), None);
        assert_eq!((scale.low, scale.high), (0.3, 0.5));
        let stops = &tokens.data.sequential;
        assert_eq!(scale.colour(tokens, 0.3), stops[0].0);
        // The chosen location is at the end of the scale, not beyond it.
        assert_eq!(scale.colour(tokens, 1.0), stops.last().unwrap().0);
    }

    #[test]
    fn empty_and_constant_values_have_a_scale() {
        for sides in [vec![vec![None]], vec![vec![Some(2.0), Some(2.0)]], vec![]] {
            let scale = Scale::sequential(&sides, None);
            assert!(scale.low <= scale.high);
            let _ = scale.colour(Tokens::light(), 2.0);
        }
        let scale = Scale::sequential(&[vec![None, Some(f32::NEG_INFINITY)]], None);
        assert!(scale.high >= scale.low && scale.high.is_finite());
    }
}
