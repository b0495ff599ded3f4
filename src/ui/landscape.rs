//! The landscape as panels see it, and what they may ask of it.

use serde::{Deserialize, Serialize};

use super::widgets::Running;
use crate::landscape::{Pace, Quantity, Segment, Slice, SliceSettings, contour, contour_levels};

/// Lines of a heat map, about.
const CONTOURS: usize = 8;

/// How a slice is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlicePicture {
    /// A heat map with contours.
    #[default]
    Map,
    /// A surface in three dimensions.
    Relief,
    /// The grid in the align–uniform plane.
    Exchange,
}

impl SlicePicture {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Map, Self::Relief, Self::Exchange];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Relief => "surface",
            Self::Exchange => "align–uniform plane",
        }
    }

    /// What it shows, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Map => "height as colour, with lines of equal height",
            Self::Relief => "height as height; drag turns it, as the sphere",
            Self::Exchange => {
                "every line of the grid as a line of the align–uniform plane: where the net is thin, \
                 the two trade one for the other"
            }
        }
    }
}

/// Settings of the landscape view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the panel"
)]
pub struct LandscapeView {
    /// Settings of the next slice.
    pub settings: SliceSettings,
    /// Which surface is drawn.
    pub quantity: Quantity,
    /// How it is drawn.
    pub picture: SlicePicture,
    /// Whether heights are drawn by their logarithm above the lowest.
    pub is_logarithmic: bool,
    /// The surface is cut level at this share of its range; 1 cuts nothing.
    pub clip: f32,
    /// Whether a slice of a run is cut anew around its newest snapshot.
    pub is_following: bool,
    /// Whether the features of the point under the pointer are shown on sphere and circle.
    pub is_linked: bool,
    /// Whether a small align–uniform plane and a sphere stand beside the picture while their own
    /// views are out of sight.
    pub has_linked_views: bool,
}

impl Default for LandscapeView {
    fn default() -> Self {
        Self {
            settings: SliceSettings::default(),
            quantity: Quantity::default(),
            picture: SlicePicture::default(),
            is_logarithmic: false,
            clip: 1.0,
            is_following: false,
            is_linked: true,
            has_linked_views: true,
        }
    }
}

/// Something asked of the landscape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LandscapeCommand {
    /// Cut and fill a slice through the shown encoder with the view's settings.
    Start,
    /// Stop filling; what is there stays.
    Stop,
    /// Go on filling.
    Resume,
    /// Look at a part: its centre and half width.
    Zoom([f64; 2], f64),
    /// Look at the whole again.
    ZoomOut,
    /// Show the features of the network at a place on the sphere.
    ShowAt([f64; 2]),
    /// Point at a place, or at none: it is marked on the align–uniform plane, and after a short rest
    /// its features are shown for as long.
    Point(Option<PointedAt>),
}

/// A measured place of a slice that is pointed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointedAt {
    /// Its place on the plane of weights.
    pub at: [f64; 2],
    /// L_align and L_uniform there.
    pub measured: [f64; 2],
    /// The same of the encoder itself, on the same probe batch.
    pub origin: Option<[f64; 2]>,
    /// α and t of both.
    pub temperatures: [f64; 2],
}

impl LandscapeCommand {
    /// Everything that makes sense without a further choice.
    pub const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Resume, Self::ZoomOut];

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::Start => "Landscape: cut a slice".into(),
            Self::Stop => "Landscape: stop filling".into(),
            Self::Resume => "Landscape: go on filling".into(),
            Self::Zoom([x, y], half) => format!("Landscape: look at {x:.3}, {y:.3} ± {half:.3}"),
            Self::ZoomOut => "Landscape: look at the whole".into(),
            Self::ShowAt([x, y]) => format!("Landscape: features at {x:.3}, {y:.3}"),
            Self::Point(Some(PointedAt { at: [x, y], .. })) => {
                format!("Landscape: point at {x:.3}, {y:.3}")
            }
            Self::Point(None) => "Landscape: point at nothing".into(),
        }
    }

    /// A sentence more, for tooltips.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::Start => {
                "Measures alignment and uniformity over a plane of weights around the shown encoder"
            }
            Self::Stop => "What is measured stays",
            Self::ShowAt(_) => {
                "Puts the features of the network there on the sphere and the circle"
            }
            _ => "",
        }
    }
}

/// A surface made ready for drawing.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// Height of every cell, row by row from the lowest second coordinate.
    pub values: Vec<f64>,
    /// Least and greatest finite height.
    pub range: [f64; 2],
    /// Lines of equal height, in cells.
    pub contours: Vec<(f64, Vec<Segment>)>,
}

impl Surface {
    fn new(slice: &Slice, quantity: Quantity) -> Self {
        let values = slice.surface(quantity);
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let range = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        });
        let contours = contour_levels(&values, CONTOURS)
            .into_iter()
            .map(|level| (level, contour(&values, slice.grid.side, level)))
            .collect();
        Self {
            values,
            range,
            contours,
        }
    }

    /// Where a height lies between the least and the greatest, 0 to 1, by itself or by its logarithm
    /// above the least; NaN for what is no number.
    pub fn share(&self, value: f64, is_logarithmic: bool) -> f32 {
        let [low, high] = self.range;
        let spread = high - low;
        if spread <= 0.0 {
            return if value.is_finite() { 0.0 } else { f32::NAN };
        }
        let share = (value - low) / spread;
        let share = if is_logarithmic {
            // From a thousandth of the range upward: log₁₀(1 + 999 s) / 3.
            (1.0 + 999.0 * share).log10() / 3.0
        } else {
            share
        };
        share as f32
    }
}

/// A slice with what is drawn of it; made on the worker.
#[derive(Clone, Debug)]
pub struct LandscapePicture {
    /// The slice as far as it is filled.
    pub slice: Slice,
    /// Of which encoder over which images.
    pub title: String,
    /// Grows with every picture.
    pub revision: u64,
    /// The least uniformity of such vectors, where it is known.
    pub floor: Option<f64>,
    surfaces: Vec<Surface>,
}

impl LandscapePicture {
    /// Prepares all surfaces of a slice.
    pub fn new(slice: Slice, title: String, revision: u64) -> Self {
        let surfaces = (slice.quantities.iter())
            .map(|quantity| Surface::new(&slice, *quantity))
            .collect();
        Self {
            slice,
            title,
            revision,
            floor: None,
            surfaces,
        }
    }

    /// The same with the floor of uniformity to draw.
    #[must_use]
    pub fn with_floor(self, floor: Option<f64>) -> Self {
        Self { floor, ..self }
    }

    /// The surface that is drawn where `quantity` is asked for: itself where it is measured, else
    /// the first.
    pub fn drawn(&self, quantity: Quantity) -> Quantity {
        let is_there = self.slice.quantities.contains(&quantity);
        if is_there {
            quantity
        } else {
            Quantity::default()
        }
    }

    /// One surface; that of [`drawn`](Self::drawn).
    pub fn surface(&self, quantity: Quantity) -> &Surface {
        let drawn = self.drawn(quantity);
        let mut quantities = self.slice.quantities.iter();
        &self.surfaces[quantities.position(|other| *other == drawn).unwrap_or(0)]
    }

    /// The measured cell with its numbers, as something that is pointed at.
    pub fn pointed(&self, cell: usize) -> Option<PointedAt> {
        let point = (*self.slice.cells.get(cell)?)?;
        Some(PointedAt {
            at: self.slice.grid.at(cell),
            measured: [point.alignment, point.uniformity],
            origin: (self.slice.origin).map(|origin| [origin.alignment, origin.uniformity]),
            temperatures: self.slice.temperatures,
        })
    }

    /// The settings that a picture prints, line by line.
    pub fn settings(&self, quantity: Quantity, is_logarithmic: bool) -> Vec<String> {
        let slice = &self.slice;
        let side = slice.grid.side;
        let scale = if is_logarithmic {
            ", colours by log₁₀(1 + 999 s) of the share s of the range"
        } else {
            ""
        };
        let between = if slice.is_whole() {
            ""
        } else {
            ", the others interpolated between them"
        };
        let mut lines = vec![format!(
            "{} · {} of {} points measured on a {side} × {side} grid{between}{scale}",
            slice.formula(self.drawn(quantity)),
            slice.done,
            slice.cells.len(),
        )];
        lines.extend(slice.not_finite_words());
        lines.extend(slice.words.iter().cloned());
        lines
    }
}

/// The landscape as panels see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Landscape<'a> {
    /// The newest picture.
    pub picture: Option<&'a LandscapePicture>,
    /// How long it took so far.
    pub pace: Pace,
    /// How far the work is, while there is some.
    pub progress: Option<&'a Running>,
    /// The measured place that is pointed at.
    pub pointed: Option<PointedAt>,
    /// The place whose features sphere and circle show, while they do.
    pub peeked: Option<[f64; 2]>,
    /// Whether points are being measured.
    pub is_running: bool,
    /// Why the last wish came to nothing.
    pub failure: Option<&'a str>,
    /// Steps of the shown run's snapshots; none for an encoder from a file.
    pub snapshots: &'a [usize],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_run_from_nothing_to_one() {
        let surface = Surface {
            range: [-4.0, -2.0],
            ..Surface::default()
        };
        for is_logarithmic in [false, true] {
            assert_eq!(surface.share(-4.0, is_logarithmic), 0.0);
            assert!((surface.share(-2.0, is_logarithmic) - 1.0).abs() < 1e-6);
            assert!(surface.share(f64::NAN, is_logarithmic).is_nan());
        }
        // A hundredth of the range is a third of the way up in decades.
        assert!((surface.share(-3.98, true) - 0.347).abs() < 1e-3);
        let flat = Surface {
            range: [1.0, 1.0],
            ..Surface::default()
        };
        assert_eq!(flat.share(1.0, false), 0.0);
    }

    #[test]
    fn commands_have_words_of_their_own() {
        let mut texts: Vec<String> = LandscapeCommand::ALL
            .iter()
            .map(LandscapeCommand::text)
            .collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), LandscapeCommand::ALL.len());
    }
}
