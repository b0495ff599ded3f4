//! How each point is drawn: its colour, whether it is selected, dimmed or left out, and the legend.

use std::{collections::BTreeSet, sync::Arc};

use egui::Color32;

use crate::analysis::ShownPrototypes;

use super::{
    ColourBy, Snapshot, SphereView, World,
    colour::{class_colour, mix, ramp},
    theme::Tokens,
    widgets::LegendEntry,
};

/// Whether and how a point is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkState {
    /// As usual.
    #[default]
    Plain,
    /// Selected.
    Selected,
    /// Others are selected.
    Dimmed,
    /// Its class is not shown.
    Hidden,
}

/// What the colours of the points say.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// One entry a class.
    Classes(Vec<LegendEntry>),
    /// A ramp from one number to another.
    Ramp {
        /// What the number is, with its unit.
        name: String,
        /// Number at the start of the ramp.
        low: f32,
        /// Number at its end.
        high: f32,
        /// Colours along the ramp.
        colours: Vec<Color32>,
    },
    /// A sentence.
    Words(String),
}

/// The points' colours and states, kept until something that decides them changes.
#[derive(Clone, Debug)]
pub struct Marks {
    key: MarksKey,
    /// Colour of each point, before dimming.
    pub colours: Arc<Vec<Color32>>,
    /// State of each point.
    pub states: Arc<Vec<MarkState>>,
    /// What the colours say.
    pub legend: Key,
    /// Points that are not hidden.
    pub shown: usize,
    /// Changes with every change.
    pub revision: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct MarksKey {
    serial: u64,
    colour_by: ColourBy,
    hidden: BTreeSet<u32>,
    selection: u64,
    is_dark: bool,
    has_density: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            key: MarksKey::default(),
            colours: Arc::default(),
            states: Arc::default(),
            legend: Key::Words(String::new()),
            shown: 0,
            revision: 0,
        }
    }
}

impl Marks {
    /// Brings the marks up to date; cheap when nothing changed.
    pub fn update(&mut self, view: &SphereView, world: &World<'_>, tokens: &'static Tokens) {
        let Some(snapshot) = world.snapshot else {
            if self.key != MarksKey::default() {
                *self = Self {
                    revision: self.revision + 1,
                    ..Self::default()
                };
            }
            return;
        };
        let key = MarksKey {
            serial: snapshot.serial,
            colour_by: view.colour_by,
            hidden: view.hidden.clone(),
            selection: world.selection.revision(),
            is_dark: std::ptr::eq(tokens, Tokens::dark()),
            has_density: world.density.is_some(),
        };
        if key == self.key {
            return;
        }
        let are_colours_old = MarksKey {
            selection: key.selection,
            hidden: key.hidden.clone(),
            ..self.key.clone()
        } != key;
        if are_colours_old {
            self.colours = Arc::new(colours(view.colour_by, snapshot, world, tokens));
        }
        self.legend = legend(view, snapshot, world, tokens);
        self.states = Arc::new(states(view, snapshot, world));
        self.shown = self
            .states
            .iter()
            .filter(|state| **state != MarkState::Hidden)
            .count();
        self.key = key;
        self.revision += 1;
    }

    /// As [`update`](Self::update), coloured and chosen as `other` is: the same points at another
    /// time.
    pub fn update_as(&mut self, other: &Self, world: &World<'_>, tokens: &'static Tokens) {
        let view = SphereView {
            colour_by: other.key.colour_by,
            hidden: other.key.hidden.clone(),
            ..SphereView::default()
        };
        self.update(&view, world, tokens);
    }

    /// Whether the points of a class are shown.
    pub fn is_class_shown(&self, class: u32) -> bool {
        !self.key.hidden.contains(&class)
    }

    /// The colour a point is drawn with, its state considered.
    pub fn drawn(&self, row: usize, tokens: &Tokens) -> Option<Color32> {
        match self.states.get(row)? {
            MarkState::Hidden => None,
            MarkState::Dimmed => Some(tokens.sphere.dimmed.0),
            MarkState::Plain | MarkState::Selected => self.colours.get(row).copied(),
        }
    }
}

fn colours(by: ColourBy, snapshot: &Snapshot, world: &World<'_>, tokens: &Tokens) -> Vec<Color32> {
    let features = &snapshot.analysis.features;
    let plain = tokens.sphere.unlabelled.0;
    let stops = &tokens.data.sequential;
    match by {
        ColourBy::Label => match &features.labels {
            Some(labels) => labels
                .iter()
                .map(|&class| class_colour(tokens, class))
                .collect(),
            None => vec![plain; snapshot.len()],
        },
        ColourBy::Image => features
            .images
            .iter()
            .map(|&image| class_colour(tokens, image))
            .collect(),
        ColourBy::Cell => match (&features.cells, &features.grids) {
            (Some(cells), Some(grids)) => cells
                .iter()
                .zip(grids)
                .map(|(cell, grid)| cell_colour(tokens, *cell, *grid))
                .collect(),
            _ => vec![plain; snapshot.len()],
        },
        ColourBy::Norm => {
            let [low, high] = snapshot.prepared.norm_range;
            ramp_all(&snapshot.analysis.norms, low, high, |at| ramp(stops, at))
        }
        ColourBy::Density => match world.density {
            Some((density, _)) => {
                let [low, high] = extremes(density);
                ramp_all(density, low, high, |at| ramp(stops, at))
            }
            None => vec![plain; snapshot.len()],
        },
        ColourBy::Prototype => match &snapshot.analysis.prototypes {
            Some(prototypes) => (prototypes.assignment.iter())
                .map(|&own| class_colour(tokens, own))
                .collect(),
            None => vec![plain; snapshot.len()],
        },
    }
}

/// Two perceptual directions: columns go along the ramp, rows from dark to light.
fn cell_colour(tokens: &Tokens, [row, column]: [u16; 2], [rows, columns]: [u16; 2]) -> Color32 {
    let along = |at: u16, of: u16| f32::from(at) / f32::from(of.saturating_sub(1).max(1));
    let base = ramp(&tokens.data.diverging, along(column, columns));
    mix(base, tokens.text.strong.0, 0.6 * along(row, rows))
}

fn ramp_all(values: &[f32], low: f32, high: f32, colour: impl Fn(f32) -> Color32) -> Vec<Color32> {
    let span = (high - low).max(f32::MIN_POSITIVE);
    values
        .iter()
        .map(|value| colour((value - low) / span))
        .collect()
}

fn extremes(values: &[f32]) -> [f32; 2] {
    values
        .iter()
        .filter(|value| value.is_finite())
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &value| {
            [low.min(value), high.max(value)]
        })
}

fn states(view: &SphereView, snapshot: &Snapshot, world: &World<'_>) -> Vec<MarkState> {
    let rest = if world.selection.is_empty() {
        MarkState::Plain
    } else {
        MarkState::Dimmed
    };
    let mut states = vec![rest; snapshot.len()];
    for row in world.selection.rows() {
        if let Some(state) = states.get_mut(row as usize) {
            *state = MarkState::Selected;
        }
    }
    if let Some(labels) = snapshot
        .analysis
        .features
        .labels
        .as_ref()
        .filter(|_| !view.hidden.is_empty())
    {
        for (state, label) in states.iter_mut().zip(labels) {
            if view.hidden.contains(label) {
                *state = MarkState::Hidden;
            }
        }
    }
    states
}

fn legend(view: &SphereView, snapshot: &Snapshot, world: &World<'_>, tokens: &Tokens) -> Key {
    let words = |text: &str| Key::Words(text.to_owned());
    let ramp_key = |name: String, [low, high]: [f32; 2]| Key::Ramp {
        name,
        low,
        high,
        colours: (0..=16)
            .map(|step| ramp(&tokens.data.sequential, step as f32 / 16.0))
            .collect(),
    };
    match view.colour_by {
        ColourBy::Label if snapshot.analysis.features.labels.is_some() => {
            Key::Classes(class_entries(view, snapshot, tokens))
        }
        ColourBy::Label => {
            words("These images have no classes: one folder a class gives them some")
        }
        ColourBy::Image => {
            let images: BTreeSet<u32> = snapshot.analysis.features.images.iter().copied().collect();
            Key::Words(format!(
                "One colour an image ({}); colours repeat",
                images.len()
            ))
        }
        ColourBy::Cell if snapshot.analysis.features.cells.is_some() => {
            words("Columns from blue to orange, rows from dark to light")
        }
        ColourBy::Cell => words("Only dense features have cells: choose them in Sources"),
        ColourBy::Norm => ramp_key(
            "‖z‖ before normalising".to_owned(),
            snapshot.prepared.norm_range,
        ),
        ColourBy::Density => match world.density {
            Some((density, how)) => ramp_key(how.to_owned(), extremes(density)),
            None => words("Local density is being computed"),
        },
        ColourBy::Prototype => match &snapshot.analysis.prototypes {
            Some(prototypes) => Key::Words(of_prototypes(prototypes)),
            None => words(
                "No prototypes here: a run with ProtoNCE or PAUC has some from its first clustering \
                 on, of what its loss sees",
            ),
        },
    }
}

/// Prototypes of which the legend gives each its number of points.
const COUNTED_PROTOTYPES: usize = 12;

/// How many points are nearest to which prototype, in words.
fn of_prototypes(prototypes: &ShownPrototypes) -> String {
    let mut text = format!("Nearest of {} prototypes by cosine", prototypes.len());
    if prototypes.len() > COUNTED_PROTOTYPES {
        text += "; colours repeat";
        return text;
    }
    let counts = prototypes.counts.iter().enumerate();
    let counts: Vec<String> = counts
        .map(|(index, count)| format!("{}: {count}", index + 1))
        .collect();
    text + ", points of each — " + &counts.join(", ")
}

fn class_entries(view: &SphereView, snapshot: &Snapshot, tokens: &Tokens) -> Vec<LegendEntry> {
    snapshot
        .prepared
        .class_counts
        .iter()
        .enumerate()
        .map(|(class, &count)| {
            let class = class as u32;
            LegendEntry {
                name: snapshot.class_name(class),
                colour: class_colour(tokens, class),
                count,
                is_shown: !view.hidden.contains(&class),
            }
        })
        .collect()
}
