//! The views that can be docked.

use serde::{Deserialize, Serialize};

/// A view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pane {
    /// Checkpoint, images and what is computed from them.
    Sources,
    /// Points on S².
    Sphere,
    /// Points on S¹ with densities.
    Circle,
    /// Distances of positive pairs.
    Pairs,
    /// Alignment against uniformity of every measured encoder.
    Plane,
    /// The figures with their provenance.
    Figures,
    /// Whether, how and where the features have collapsed.
    Verdict,
    /// Points in rows.
    Table,
    /// A training run: transport, knobs, curves, time.
    Training,
    /// How alignment and uniformity go with performance over many encoders.
    Correlation,
    /// A slice of weight space.
    Landscape,
    /// One image location by location.
    Inspector,
    /// What happened.
    Log,
}

impl Pane {
    /// All views, in the order of menus.
    pub const ALL: [Self; 13] = [
        Self::Sources,
        Self::Sphere,
        Self::Circle,
        Self::Pairs,
        Self::Plane,
        Self::Figures,
        Self::Table,
        Self::Training,
        Self::Log,
        Self::Correlation,
        Self::Landscape,
        Self::Inspector,
        Self::Verdict,
    ];

    /// Title of the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sources => "Sources",
            Self::Sphere => "Sphere S²",
            Self::Circle => "Circle S¹",
            Self::Pairs => "Pair distances",
            Self::Plane => "Align–uniform plane",
            Self::Figures => "Figures",
            Self::Verdict => "Collapse verdict",
            Self::Table => "Points",
            Self::Training => "Training",
            Self::Correlation => "Correlation",
            Self::Landscape => "Landscape",
            Self::Inspector => "Dense inspector",
            Self::Log => "Log",
        }
    }

    /// The line that says how the view is read.
    pub fn how_to_read(self) -> &'static str {
        match self {
            Self::Sources => {
                "What was loaded and why, and what is computed from it. Every change is computed \
                 anew; the views keep the old picture under its own name until then."
            }
            Self::Sphere => {
                "Each point is one feature vector on the unit sphere. Even spread is low \
                 uniformity, tight groups of one class are good alignment; a cone or a ring says \
                 that directions are lost. The kept norm says how much of a vector the picture \
                 shows."
            }
            Self::Circle => {
                "The same vectors on S¹. The ring's thickness is the von Mises–Fisher density of \
                 the angle: an even ring is uniform, separate arcs are separate classes."
            }
            Self::Pairs => {
                "How far the two members of a positive pair lie apart, from 0 (the same direction) \
                 to 2 (opposite). Mass at the left is alignment; all of it at 0 is collapse."
            }
            Self::Plane => {
                "Alignment to the right is worse, uniformity upward is worse: good encoders lie \
                 toward the lower left. The floor is what perfectly even features reach, the \
                 ceiling 0 is collapse. Dashed lines join equal sums."
            }
            Self::Figures => "Each number with what it was measured over. Copy takes all of it.",
            Self::Verdict => {
                "Whether, how and where the features have collapsed: complete, a cone, lost \
                 directions, constant images, or prototypes with nothing within. Each rule shows the \
                 number that decided beside its threshold and beside what uniform features give."
            }
            Self::Table => {
                "One row a point. Sort by a heading, click to select; neighbours are found by \
                 cosine in the original space, not in the picture."
            }
            Self::Training => {
                "A short contrastive run on a thread of its own: the sphere shows the fixed probe \
                 images as it goes, the curves show every term. Knobs act at once and leave a mark; \
                 the slider goes back to any kept time."
            }
            Self::Correlation => {
                "Each point is an encoder, coloured by its performance downstream. If alignment and \
                 uniformity tell of performance, colours change along the arrow. Scores come with \
                 95 % intervals over encoders: believe them, not the points."
            }
            Self::Landscape => {
                "Each place is other weights: those it was cut around are at the cross, moved along \
                 two directions. Lower is better (of accuracy and std higher); lines join equal heights."
            }
            Self::Inspector => {
                "Click a location, or move with the arrow keys: every other one is coloured by its \
                 cosine with it, in the original space. What belongs together should light up \
                 together; a map of one colour says that the locations are all alike."
            }
            Self::Log => "What happened, newest last. Errors say what to do.",
        }
    }
}
