//! The dense inspector's settings, what is asked of it, and what it has to show.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{Analysis, Request},
    dense::{
        Answer, Basis, Beside, Colours, Cut, MapSource, Shown, Subject, SubjectRequest, cell_at,
    },
    features::MatchingRule,
};

/// Neighbours that are listed unless more or fewer are asked for.
pub const NEAREST: usize = 12;
/// Most neighbours that are listed.
pub const MOST_NEAREST: usize = 64;

/// What the pictures are coloured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InspectMode {
    /// Cosine with the chosen location.
    #[default]
    Similarity,
    /// Principal axes of the set as red, green and blue.
    Pca,
    /// Distance to the partner in the other picture.
    Alignment,
    /// How many of the set are near.
    Density,
    /// Length of the raw vector.
    Norm,
    /// The commonest mask class.
    Mask,
}

impl InspectMode {
    /// All, in the order of menus.
    pub const ALL: [Self; 6] = [
        Self::Similarity,
        Self::Pca,
        Self::Alignment,
        Self::Density,
        Self::Norm,
        Self::Mask,
    ];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Similarity => "similarity",
            Self::Pca => "PCA-RGB",
            Self::Alignment => "alignment",
            Self::Density => "density",
            Self::Norm => "norm",
            Self::Mask => "mask class",
        }
    }

    /// Whether the scale may be the whole range or follow the values.
    pub fn has_fixed_scale(self) -> bool {
        matches!(self, Self::Similarity | Self::Alignment)
    }

    /// What it means, for tooltips.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Similarity => "Cosine of every location with the chosen one",
            Self::Pca => "Three principal axes of all locations of the set as red, green and blue",
            Self::Alignment => "‖x − y‖^α to the partner in the other picture, by the chosen rule",
            Self::Density => "log mean exp(−t‖x − x_i‖²) over all locations of the set",
            Self::Norm => "Length ‖z‖ of the raw vector, before it is put on the sphere",
            Self::Mask => "The commonest class of the mask within each location",
        }
    }
}

/// What stands beside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BesideChoice {
    /// Nothing.
    #[default]
    Nothing,
    /// Two augmented views of it instead.
    Views,
    /// Another image.
    Image,
}

impl BesideChoice {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Views, Self::Image];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "one image",
            Self::Views => "two views",
            Self::Image => "two images",
        }
    }
}

/// Which correspondences are drawn as lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineChoice {
    /// None.
    None,
    /// That of the chosen location.
    #[default]
    Chosen,
    /// All that the filters leave.
    All,
}

impl LineChoice {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::None, Self::Chosen, Self::All];

    /// Name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no lines",
            Self::Chosen => "the chosen line",
            Self::All => "all lines",
        }
    }
}

/// Settings of the inspector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the panel, and all go together"
)]
pub struct InspectorView {
    /// What the pictures are coloured by.
    pub mode: InspectMode,
    /// What stands beside the image.
    pub beside: BesideChoice,
    /// The other image, by index in the set.
    #[serde(skip)]
    pub other_image: u32,
    /// Where maps come from.
    pub source: MapSource,
    /// Opacity of the colours over the picture, 0 to 1.
    pub strength: f32,
    /// Whether colours run smoothly between the middles of locations.
    pub is_smooth: bool,
    /// Whether the scale follows the values instead of the whole range.
    pub is_automatic: bool,
    /// Whether the borders of locations are drawn.
    pub has_grid: bool,
    /// Whether the borders between mask classes are drawn.
    pub has_mask_borders: bool,
    /// Which correspondences are drawn.
    pub lines: LineChoice,
    /// The rule that makes them.
    pub rule: MatchingRule,
    /// Whether only pairs that lead both ways are drawn.
    pub is_mutual_only: bool,
    /// Least cosine of a pair that is drawn.
    pub least_similarity: f32,
    /// Whether colours are about the mean of the set.
    pub is_centred: bool,
    /// Whether the basis of colours is kept for what is opened next.
    pub keeps_colours: bool,
    /// Whether locations are left out by their score along the first axis.
    pub has_cut: bool,
    /// Score of the cut.
    pub cut: f32,
    /// Whether those below the cut are shown instead of those above.
    pub is_cut_below: bool,
    /// Whether neighbours are looked for in other images only.
    pub is_between_images: bool,
    /// How many neighbours are listed, 1 to [`MOST_NEAREST`].
    pub nearest: usize,
}

impl Default for InspectorView {
    fn default() -> Self {
        Self {
            mode: InspectMode::default(),
            beside: BesideChoice::default(),
            other_image: 0,
            source: MapSource::default(),
            strength: 0.65,
            is_smooth: false,
            is_automatic: false,
            has_grid: true,
            has_mask_borders: false,
            lines: LineChoice::default(),
            rule: MatchingRule::default(),
            is_mutual_only: false,
            least_similarity: -1.0,
            is_centred: true,
            keeps_colours: false,
            has_cut: false,
            cut: 0.0,
            is_cut_below: false,
            is_between_images: false,
            nearest: NEAREST,
        }
    }
}

impl InspectorView {
    /// The cut that leaves locations out, when there is one.
    pub fn foreground(&self) -> Option<Cut> {
        self.has_cut.then_some(Cut {
            score: self.cut,
            is_below: self.is_cut_below,
        })
    }

    /// As DenseCL draws correspondences in its own figure: partners by backbone argmax that lead
    /// both ways, of a cosine of 0.9 or more.
    pub fn draw_as_densecl(&mut self) {
        self.rule = MatchingRule::BackboneArgmax;
        self.lines = LineChoice::All;
        self.is_mutual_only = true;
        self.least_similarity = 0.9;
    }

    /// What is to be looked at with these settings.
    pub fn request(&self, image: u32) -> SubjectRequest {
        SubjectRequest {
            image,
            beside: match self.beside {
                BesideChoice::Nothing => Beside::Nothing,
                BesideChoice::Views => Beside::Views,
                BesideChoice::Image => Beside::Image(self.other_image),
            },
            source: self.source,
        }
    }
}

impl InspectorState {
    /// Why no command without a window draws the same: what is set that it has no words for.
    pub fn why_no_command(&self, view: &InspectorView) -> Option<&'static str> {
        let is_pca = view.mode == InspectMode::Pca;
        if is_pca && view.keeps_colours {
            Some("colours of another picture are kept")
        } else if !view.has_grid {
            Some("the grid is left out")
        } else if self.asked().is_some_and(|(side, _)| side != 0) {
            Some("the chosen location is in the second picture")
        } else {
            None
        }
    }

    /// The command that draws the same without a window; `None` before a picture is there, and
    /// where [`why_no_command`](Self::why_no_command) says why.
    pub fn command_line(&self, analysis: &Analysis, view: &InspectorView) -> Option<String> {
        let subject = self.subject.as_ref()?;
        if self.why_no_command(view).is_some() {
            return None;
        }
        let measure = Request {
            matching: view.rule,
            ..analysis.request.clone()
        };
        let mut line =
            measure
                .command_line()
                .replacen("spherescope measure", "spherescope inspect-image", 1);
        let mut flag = |text: &str| {
            line += " ";
            line += text;
        };
        flag(&format!("--image {}", subject.request.image));
        if let Some((0, cell)) = self.asked() {
            let columns = subject.sides[0].grid[1].max(1);
            flag(&format!("--cell {},{}", cell / columns, cell % columns));
        }
        match subject.request.beside {
            Beside::Nothing => {}
            Beside::Views => flag("--beside views"),
            Beside::Image(image) => flag(&format!("--beside image:{image}")),
        }
        if subject.request.source == MapSource::OwnSize {
            flag("--own-size");
        }
        let word = |value: serde_json::Result<serde_json::Value>| match value {
            Ok(serde_json::Value::String(word)) => word,
            _ => String::new(),
        };
        flag(&format!("--show {}", word(serde_json::to_value(view.mode))));
        flag(&format!(
            "--lines {}",
            word(serde_json::to_value(view.lines))
        ));
        flag(&format!("--least-cosine={}", view.least_similarity));
        flag(&format!("--strength {}", view.strength));
        let is_pca = view.mode == InspectMode::Pca;
        for (is_on, name) in [
            (view.is_mutual_only, "--mutual"),
            (view.is_smooth, "--smooth"),
            (view.is_automatic, "--automatic-scale"),
            (view.has_mask_borders, "--mask-borders"),
            (view.is_between_images, "--other-images"),
            (is_pca && !view.is_centred, "--not-centred"),
            (is_pca && view.has_cut && view.is_cut_below, "--cut-below"),
        ] {
            if is_on {
                flag(name);
            }
        }
        if is_pca && view.has_cut {
            flag(&format!("--cut={}", view.cut));
        }
        if view.nearest != NEAREST {
            flag(&format!("--nearest {}", view.nearest));
        }
        flag("-o inspector.png");
        Some(line)
    }
}

/// The chosen place: of an image, so that it means the same in every map of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Side that was chosen on: 0 or 1.
    pub side: usize,
    /// Index in the image set.
    pub image: u32,
    /// x and y in pixels of the source image.
    pub place: [f32; 2],
}

/// What the inspector has to show.
#[derive(Clone, Default)]
pub struct InspectorState {
    /// The image that is looked at.
    pub image: u32,
    /// The pictures with their maps; those of an older request until the new ones are there.
    pub subject: Option<Arc<Subject>>,
    /// Changes with every subject.
    pub revision: u64,
    /// Whether another subject is being made.
    pub is_waiting: bool,
    /// The chosen place.
    pub chosen: Option<Chosen>,
    /// What the chosen location is similar to.
    pub answer: Option<Arc<Answer>>,
    /// Small pictures of the nearest, in their order; empty until they are there.
    pub crops: Arc<Vec<Option<Shown>>>,
    /// Scores along the principal axes.
    pub colours: Option<Arc<Colours>>,
    /// Why the newest colours could not be made; those before stay.
    pub colours_failure: Option<String>,
    /// The basis that is kept for what is opened next.
    pub kept: Option<Arc<Basis>>,
    /// Local density of each location, for each side.
    pub density: Option<Arc<Vec<Vec<f32>>>>,
    /// Why the newest request could not be answered.
    pub failure: Option<String>,
}

impl InspectorState {
    /// The location of a side's map that shows the chosen place.
    pub fn cell(&self, side: usize) -> Option<usize> {
        let chosen = self.chosen?;
        let found = self.subject.as_ref()?.sides.get(side)?;
        if found.image != chosen.image {
            return None;
        }
        cell_at(&found.geometry, found.grid, chosen.place)
    }

    /// The side and location that the answer is, or will be, about.
    pub fn asked(&self) -> Option<(usize, usize)> {
        let chosen = self.chosen?;
        // A view that does not show the place gives way to the other one.
        [chosen.side, 1 - chosen.side.min(1)]
            .into_iter()
            .find_map(|side| Some((side, self.cell(side)?)))
    }

    /// The answer, when it is about the chosen location.
    pub fn current_answer(&self) -> Option<&Answer> {
        let (side, cell) = self.asked()?;
        self.answer
            .as_deref()
            .filter(|answer| answer.question.side == side && answer.question.cell == cell)
    }
}

/// Something that is asked of the inspector.
#[derive(Clone, Debug, PartialEq)]
pub enum InspectCommand {
    /// Choose a location of a side's map.
    Choose {
        /// Side: 0 or 1.
        side: usize,
        /// Location, counted row by row.
        cell: usize,
    },
    /// Look at another image.
    Image(u32),
    /// Look at the image so many further on among those analysed.
    Turn(i32),
    /// Put another image beside.
    Beside(u32),
    /// Change what the pictures are coloured by.
    Mode(InspectMode),
    /// Make the map that was called off or failed again.
    Again,
    /// Ask where the picture is saved.
    AskSave,
    /// Save the picture to a path.
    SaveTo(PathBuf),
}

impl InspectCommand {
    /// Those that make sense without a further choice.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Turn(1), Self::Turn(-1), Self::AskSave];
        all.extend(InspectMode::ALL.map(Self::Mode));
        all
    }

    /// Text of the menu and palette entry.
    pub fn text(&self) -> String {
        match self {
            Self::Choose { side, cell } => {
                format!("Choose location {cell} of picture {}", side + 1)
            }
            Self::Image(image) => format!("Inspect image {image}"),
            Self::Turn(1) => "Inspect the next image".to_owned(),
            Self::Turn(-1) => "Inspect the previous image".to_owned(),
            Self::Turn(by) => format!("Inspect the image {by} further on"),
            Self::Beside(image) => format!("Put image {image} beside"),
            Self::Again => "Make the inspector's map again".to_owned(),
            Self::AskSave => "Inspector: save the picture…".to_owned(),
            Self::SaveTo(path) => format!("Save the inspector's picture to {}", path.display()),
            Self::Mode(mode) => format!("Inspector shows: {}", mode.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_cannot_say_is_named() {
        let state = InspectorState::default();
        let usual = InspectorView::default();
        assert_eq!(state.why_no_command(&usual), None);
        let pca = InspectorView {
            mode: InspectMode::Pca,
            has_cut: true,
            ..usual.clone()
        };
        assert_eq!(state.why_no_command(&pca), None);
        for view in [
            InspectorView {
                keeps_colours: true,
                ..pca
            },
            InspectorView {
                has_grid: false,
                ..usual
            },
        ] {
            assert!(state.why_no_command(&view).is_some(), "{view:?}");
        }
    }
}
