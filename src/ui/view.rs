//! What each view remembers: how it shows, never what it shows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{InspectorView, LabView, widgets::TableState};
use crate::{
    features::FeatureKind,
    training::{Preset, RunConfig},
};

/// What a point's colour says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourBy {
    /// The class of its image.
    #[default]
    Label,
    /// Its image.
    Image,
    /// Where its cell lies in the image.
    Cell,
    /// ‖z‖ before normalising.
    Norm,
    /// How many others are near it in the original space.
    Density,
    /// The prototype of a run's loss that is nearest to it.
    Prototype,
}

impl ColourBy {
    /// All, in the order of menus.
    pub const ALL: [Self; 6] = [
        Self::Label,
        Self::Image,
        Self::Cell,
        Self::Norm,
        Self::Density,
        Self::Prototype,
    ];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Image => "image",
            Self::Cell => "cell position",
            Self::Norm => "norm",
            Self::Density => "local density",
            Self::Prototype => "prototype",
        }
    }

    /// What it means, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Label => "the class of the point's image",
            Self::Image => "one colour an image: cells of one image share it",
            Self::Cell => "row and column of the cell in its image (dense features)",
            Self::Norm => "length ‖z‖ of the raw vector, before it is put on the sphere",
            Self::Density => {
                "log mean exp(−t‖x − x_i‖²) in the original space: high where many are near"
            }
            Self::Prototype => "the nearest prototype of a run with ProtoNCE or PAUC, by cosine",
        }
    }
}

/// How an area of the sphere is selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectTool {
    /// A free-hand loop.
    #[default]
    Lasso,
    /// A rectangle on the screen.
    Box,
    /// A spherical cap around the point where the drag begins.
    Cap,
}

impl SelectTool {
    /// All tools, in the order of the tool bar.
    pub const ALL: [Self; 3] = [Self::Lasso, Self::Box, Self::Cap];

    /// Name in menus and tooltips.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lasso => "lasso",
            Self::Box => "box",
            Self::Cap => "spherical cap",
        }
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl ThemeChoice {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "as the system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The same for egui.
    pub fn preference(self) -> egui::ThemePreference {
        match self {
            Self::System => egui::ThemePreference::System,
            Self::Light => egui::ThemePreference::Light,
            Self::Dark => egui::ThemePreference::Dark,
        }
    }
}

/// What the shading of the sphere's surface says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shading {
    /// How many points are near.
    #[default]
    Density,
    /// The potential that uniformity descends.
    Potential,
}

impl Shading {
    /// All, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Density, Self::Potential];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Density => "density",
            Self::Potential => "potential",
        }
    }

    /// What it means, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Density => "a von Mises–Fisher density estimate of the points",
            Self::Potential => {
                "log mean exp(−t‖u − x_i‖²): high where a point would be crowded; uniformity moves \
                 points downhill"
            }
        }
    }
}

/// Settings of the potential, which sphere and circle share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PotentialView {
    /// Temperature t; that of the measured uniformity when `None`.
    pub t: Option<f64>,
    /// Whether the sphere shows where the potential falls.
    pub has_arrows: bool,
    /// Whether it is drawn around the circle.
    pub has_ring: bool,
    /// Whether the sphere's surface sinks where it is low.
    pub has_relief: bool,
}

/// Settings of the sphere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SphereView {
    /// What colours say, here and in the other views.
    pub colour_by: ColourBy,
    /// How an area is selected.
    pub tool: SelectTool,
    /// Whether areas select on the front side only.
    pub is_front_only: bool,
    /// Whether positive pairs are drawn as arcs.
    pub has_arcs: bool,
    /// Whether the surface is shaded.
    pub has_density: bool,
    /// What the shading says.
    pub shading: Shading,
    /// Size of points relative to what suits their number.
    pub point_scale: f32,
    /// Classes that are not shown.
    pub hidden: BTreeSet<u32>,
}

impl Default for SphereView {
    fn default() -> Self {
        Self {
            colour_by: ColourBy::default(),
            tool: SelectTool::default(),
            is_front_only: true,
            has_arcs: false,
            has_density: false,
            shading: Shading::default(),
            point_scale: 1.0,
            hidden: BTreeSet::new(),
        }
    }
}

/// Settings of the circle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CircleView {
    /// Whether the plane is shaded by a Gaussian density.
    pub has_plane_density: bool,
    /// Whether each class has a ring of its own.
    pub has_class_rings: bool,
    /// Whether the histogram of angles is drawn.
    pub has_histogram: bool,
    /// How far the circle is moved from the middle, in sides of the drawing.
    #[serde(skip)]
    pub offset: [f32; 2],
    /// How much larger than fitting the circle is drawn.
    #[serde(skip, default = "unit")]
    pub zoom: f32,
}

fn unit() -> f32 {
    1.0
}

impl Default for CircleView {
    fn default() -> Self {
        Self {
            has_plane_density: true,
            has_class_rings: true,
            has_histogram: true,
            offset: [0.0; 2],
            zoom: 1.0,
        }
    }
}

/// Settings of the align–uniform plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaneView {
    /// Whether the axes reach over the whole range instead of the measured points.
    pub is_whole_range: bool,
    /// Whether many encoders are shaded by how densely they lie.
    pub has_density: bool,
}

impl Default for PlaneView {
    fn default() -> Self {
        Self {
            is_whole_range: false,
            has_density: true,
        }
    }
}

/// Settings of the table of points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableView {
    /// Only rows whose name or label contains this.
    pub filter: String,
    /// Only the selected rows.
    pub is_selection_only: bool,
    /// Whether the filter takes the focus at the next frame.
    #[serde(skip)]
    pub is_filter_wanted: bool,
    /// Sorting and scrolling.
    #[serde(skip)]
    pub state: TableState,
    /// The rows in order, and what they were ordered for.
    #[serde(skip)]
    pub order: RowOrder,
}

/// The rows of the table in order, kept until something that orders them changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowOrder {
    /// What the order was made for.
    pub key: String,
    /// Rows of the feature set.
    pub rows: Vec<u32>,
}

/// Settings of the training view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingView {
    /// The preset that the settings of a new run began as.
    pub preset: String,
    /// Settings of a new run.
    pub draft: RunConfig,
    /// Which curves are drawn: "loss", "probe" or "rate".
    pub curves: String,
    /// Whether their axis is logarithmic.
    pub is_logarithmic: bool,
    /// Whether all curves share one picture instead of having one each.
    pub is_together: bool,
    /// Curves that are not drawn.
    pub hidden_curves: BTreeSet<String>,
    /// How augmented views are looked at.
    #[serde(skip)]
    pub preview: PreviewView,
}

/// How augmented views are looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreviewView {
    /// Whether they are shown.
    pub is_open: bool,
    /// Which draw: the first, the next, …
    pub draw: u64,
    /// Whether they are those of the run under way instead of the next one's.
    pub is_of_run: bool,
}

impl Default for TrainingView {
    /// The first preset.
    fn default() -> Self {
        let (preset, draft) = Preset::ALL.first().map_or_else(
            || (String::new(), RunConfig::default()),
            |preset| (preset.name.to_owned(), preset.config()),
        );
        Self {
            preset,
            draft,
            curves: "probe".to_owned(),
            is_logarithmic: false,
            is_together: false,
            hidden_curves: BTreeSet::new(),
            preview: PreviewView::default(),
        }
    }
}

/// Settings of the collapse verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictView {
    /// Which features are shown; those that were asked for when `None`.
    pub kind: Option<FeatureKind>,
    /// Sorting and scrolling of the table of checkpoints.
    #[serde(skip)]
    pub series: TableState,
}

/// All views' settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Views {
    /// The sphere.
    pub sphere: SphereView,
    /// The circle.
    pub circle: CircleView,
    /// The align–uniform plane.
    pub plane: PlaneView,
    /// The table of points.
    pub table: TableView,
    /// The training run.
    pub training: TrainingView,
    /// The correlation lab.
    pub lab: LabView,
    /// The slice of weight space.
    pub landscape: super::LandscapeView,
    /// The potential on sphere and circle.
    pub potential: PotentialView,
    /// The dense inspector.
    pub inspector: InspectorView,
    /// The collapse verdict.
    pub verdict: VerdictView,
}

impl Views {
    /// Whether a view shows the potential.
    pub fn wants_potential(&self) -> bool {
        self.potential.has_ring || self.sphere.shows_potential()
    }
}

impl SphereView {
    /// Whether the surface is shaded by the potential.
    pub fn shows_potential(&self) -> bool {
        self.has_density && self.shading == Shading::Potential
    }
}

impl TableView {
    /// Scrolls to a row of the feature set at the next frame, when the table lists it.
    pub fn bring_into_view(&mut self, row: u32) {
        self.state.scroll_to = self.order.rows.iter().position(|other| *other == row);
    }
}
