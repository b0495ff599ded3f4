//! Everything the user can ask for, in one enumeration: menus, shortcuts and the palette are all
//! made from it, and `app::dispatch` is the one place where it is carried out.

use std::{borrow::Cow, path::PathBuf};

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{
    ColourBy, Combine, InspectCommand, LabCommand, LandscapeCommand, Pane, SelectTool, Shading,
    ThemeChoice, TrainCommand, VerdictCommand,
};
use crate::{
    analysis::{Bundled, GALLERY, PairRule, PairSetKind},
    data::{Normalisation, Resize},
    features::{FeatureKind, MatchingRule},
    training::Preset,
};

/// What a path is opened as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenTarget {
    /// What it looks like: a checkpoint, images or a session.
    Anything,
    /// A folder or file of images.
    Images,
    /// A folder of masks for the images.
    Masks,
    /// A session.
    Session,
}

/// A change to what is computed.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestEdit {
    /// Which vectors.
    Kind(FeatureKind),
    /// Which stage; the usual one when `None`.
    Stage(Option<usize>),
    /// Which pairs count as positive.
    Pairs(PairRule),
    /// How locations are paired.
    Matching(MatchingRule),
    /// Which pairs uniformity looks at.
    PairSet(PairSetKind),
    /// Exponent of alignment.
    Alpha(f64),
    /// Temperature of uniformity.
    T(f64),
    /// Seed of augmentations and samples.
    Seed(u64),
    /// Sampled pairs of uniformity; exact when `None`.
    SamplePairs(Option<u64>),
    /// Input constants; the report's when `None`.
    Normalisation(Option<Normalisation>),
    /// Resizing; the usual when `None`.
    Resize(Option<Resize>),
    /// At most this many images.
    Limit(Option<usize>),
    /// Which network of a file that holds several; the first when `None`.
    Root(Option<String>),
}

/// Something the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ask for a path to open.
    AskOpen(OpenTarget),
    /// Ask for a path with the system's dialog.
    Browse(OpenTarget),
    /// Open a path.
    Open(OpenTarget, PathBuf),
    /// The built-in set and the bundled healthy encoder.
    OpenDemo,
    /// A trained encoder that comes with the program, over the built-in images.
    OpenBundled(&'static str),
    /// The built-in images only, keeping the encoder.
    UseBuiltinImages,
    /// Save the session where it was saved last, or ask.
    SaveSession,
    /// Ask where to save the session.
    AskSaveSession,
    /// Save the session to a path.
    SaveSessionTo(PathBuf),
    /// Leave.
    Quit,
    /// Change what is computed.
    Edit(RequestEdit),
    /// Compute the same again.
    Recompute,
    /// Stop the work under way.
    Cancel,
    /// Say something to the training run.
    Train(TrainCommand),
    /// Say something to the correlation lab.
    Lab(LabCommand),
    /// Say something to the landscape.
    Landscape(LandscapeCommand),
    /// Work out the collapse verdict that failed or was called off.
    JudgeAgain,
    /// Say something to the table of verdicts.
    Verdicts(VerdictCommand),
    /// Say something to the dense inspector.
    Inspect(InspectCommand),
    /// Change what colours say.
    ColourBy(ColourBy),
    /// Draw positive pairs as arcs, or stop.
    ToggleArcs,
    /// Shade the sphere by density, or stop.
    ToggleDensity,
    /// Choose what the sphere's shading says, and shade it.
    Shade(Shading),
    /// Draw the potential around the circle, or stop.
    TogglePotentialRing,
    /// Draw where the potential falls, or stop.
    TogglePotentialArrows,
    /// Let the sphere's surface sink where the potential is low, or stop.
    TogglePotentialRelief,
    /// Temperature of the potential; that of the measured uniformity when `None`.
    PotentialT(Option<f64>),
    /// Select on the front side only, or through the sphere.
    ToggleFrontOnly,
    /// How an area is selected.
    Tool(SelectTool),
    /// Fit the sphere to its view.
    Home,
    /// Turn the points to the front of the sphere.
    FacePoints,
    /// Turn the camera so that a point faces the viewer.
    Focus(u32),
    /// Show this class alone, or all again.
    Solo(u32),
    /// Show or leave out a class.
    ToggleClass(u32),
    /// Select points.
    Select(Vec<u32>, Combine),
    /// The pointer is over a point.
    Hover(u32),
    /// Select nothing.
    ClearSelection,
    /// Take the last selection back.
    Undo,
    /// Select again what was taken back.
    Redo,
    /// Put the names of the selected points on the clipboard.
    CopySelection,
    /// Put all figures on the clipboard.
    CopyFigures,
    /// Put the command line that gives the same numbers on the clipboard.
    CopyCommandLine,
    /// Put a text on the clipboard and say what it was.
    Copy {
        /// What it is, for the message.
        what: String,
        /// The text.
        text: String,
    },
    /// Forget the measured encoders of the plane.
    ClearHistory,
    /// Forget one of them.
    Forget(usize),
    /// Empty the log.
    ClearLog,
    /// Show the palette.
    Palette,
    /// Look for points by name or label.
    Find,
    /// Bring a view to the front.
    Show(Pane),
    /// Give a view the whole window, or its place back.
    Enlarge(Pane),
    /// The first layout again.
    ResetLayout,
    /// Light or dark.
    Theme(ThemeChoice),
    /// Larger text and marks, or usual ones.
    TogglePresenter,
    /// Use the whole screen, or a window.
    ToggleFullScreen,
    /// Show or leave the help.
    Help,
    /// Leave what is open: a dialog, else the selection.
    Escape,
}

/// A key with the keys held.
pub type Shortcut = KeyboardShortcut;

/// Commands asked for during a frame, carried out after it.
#[derive(Clone, Debug, Default)]
pub struct Commands(Vec<Command>);

impl Commands {
    /// Asks for `command`.
    pub fn push(&mut self, command: Command) {
        self.0.push(command);
    }

    /// Asks for a change of what is computed.
    pub fn edit(&mut self, edit: RequestEdit) {
        self.push(Command::Edit(edit));
    }

    /// Takes all commands out, in the order asked.
    pub fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.0)
    }
}

const fn ctrl(key: Key) -> Shortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> Shortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

const fn plain(key: Key) -> Shortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

impl Command {
    /// Text of the menu and palette entry.
    pub fn text(&self) -> Cow<'static, str> {
        match self {
            Self::AskOpen(target) => match target {
                OpenTarget::Anything => "Open checkpoint, images or session…".into(),
                OpenTarget::Images => "Open images…".into(),
                OpenTarget::Masks => "Open masks for the images…".into(),
                OpenTarget::Session => "Open session…".into(),
            },
            Self::Browse(target) => match target {
                OpenTarget::Anything => "Browse for a checkpoint…".into(),
                OpenTarget::Images => "Browse for a folder of images…".into(),
                OpenTarget::Masks => "Browse for a folder of masks…".into(),
                OpenTarget::Session => "Browse for a session…".into(),
            },
            Self::Open(_, path) => format!("Open {}", path.display()).into(),
            Self::OpenDemo => "Open the demo".into(),
            Self::OpenBundled(name) => match Bundled::named(name) {
                Ok(bundled) => format!("Gallery, bundled encoder: {}", bundled.title).into(),
                Err(_) => format!("Gallery, bundled encoder: {name}").into(),
            },
            Self::UseBuiltinImages => "Use the built-in images".into(),
            Self::SaveSession => "Save session".into(),
            Self::AskSaveSession => "Save session as…".into(),
            Self::SaveSessionTo(path) => format!("Save session to {}", path.display()).into(),
            Self::Quit => "Quit".into(),
            Self::Edit(edit) => edit.text(),
            Self::Train(command) => command.text().into(),
            Self::Lab(command) => command.text().into(),
            Self::Landscape(command) => command.text().into(),
            Self::Inspect(command) => command.text().into(),
            Self::Verdicts(command) => command.text().into(),
            Self::Recompute => "Compute again".into(),
            Self::Cancel => "Cancel the work under way".into(),
            Self::JudgeAgain => "Work out the collapse verdict again".into(),
            Self::ColourBy(by) => format!("Colour by: {}", by.name()).into(),
            Self::ToggleArcs => "Show pairs as arcs".into(),
            Self::ToggleDensity => "Shade the sphere".into(),
            Self::Shade(shading) => format!("Shade the sphere by: {}", shading.name()).into(),
            Self::TogglePotentialRing => "Potential around the circle".into(),
            Self::TogglePotentialArrows => "Arrows where the potential falls".into(),
            Self::TogglePotentialRelief => "Potential as a relief of the sphere".into(),
            Self::PotentialT(Some(t)) => format!("Potential at t = {t}").into(),
            Self::PotentialT(None) => "Potential at the t of uniformity".into(),
            Self::ToggleFrontOnly => "Select on the front side only".into(),
            Self::Tool(tool) => format!("Select with: {}", tool.name()).into(),
            Self::Home => "Fit the sphere".into(),
            Self::FacePoints => "Turn the points to the front".into(),
            Self::Solo(class) => format!("Show class {class} alone").into(),
            Self::ToggleClass(class) => format!("Show or hide class {class}").into(),
            Self::Palette => "Command palette…".into(),
            Self::Find => "Find points by name or label…".into(),
            Self::Show(pane) => format!("View: {}", pane.title()).into(),
            Self::Enlarge(pane) => format!("Enlarge, or back: {}", pane.title()).into(),
            Self::Theme(theme) => format!("Theme: {}", theme.name()).into(),
            Self::TogglePresenter => "Presenter mode".into(),
            Self::ToggleFullScreen => "Full screen".into(),
            Self::Help => "Help".into(),
            Self::Escape => "Close what is open".into(),
            Self::ResetLayout => "Reset the layout".into(),
            other => other.text_of_points().into(),
        }
    }

    fn text_of_points(&self) -> String {
        match self {
            Self::Focus(row) => format!("Turn point {row} to the front"),
            Self::Select(rows, _) => format!("Select {} points", rows.len()),
            Self::Hover(row) => format!("Point at {row}"),
            Self::ClearSelection => "Clear the selection".into(),
            Self::Undo => "Undo selection".into(),
            Self::Redo => "Redo selection".into(),
            Self::CopySelection => "Copy the names of the selected points".into(),
            Self::CopyFigures => "Copy all figures".into(),
            Self::CopyCommandLine => "Copy the command line that gives the same".into(),
            Self::Copy { what, .. } => format!("Copy {what}"),
            Self::ClearHistory => "Forget the measured encoders".into(),
            Self::Forget(index) => format!("Forget measured encoder {}", index + 1),
            Self::ClearLog => "Clear the log".into(),
            _ => String::new(),
        }
    }

    /// A sentence more than the text, for tooltips.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::AskOpen(OpenTarget::Anything) => {
                "Type a path or browse: a checkpoint (.pth, .pt, .ckpt, .safetensors), a folder or \
                 file of images, or a session"
            }
            Self::AskOpen(OpenTarget::Images) => {
                "A folder (flat or one class a folder) or a CIFAR, STL-10 or idx file"
            }
            Self::OpenBundled(name) => Bundled::named(name).map_or("", |bundled| bundled.comment),
            Self::OpenDemo => "The built-in images and a small encoder trained on such",
            Self::SaveSession => "Sources, settings, layout and measured encoders in one JSON file",
            Self::Recompute => "Reads the files again when they changed",
            Self::Train(command) => command.tooltip(),
            Self::Lab(command) => command.tooltip(),
            Self::Landscape(command) => command.tooltip(),
            Self::Verdicts(command) => command.tooltip(),
            Self::Cancel => "The views keep what they show",
            Self::ToggleArcs => "Geodesics between the two members of positive pairs",
            Self::ToggleDensity => {
                "A von Mises–Fisher density estimate over the whole sphere, or the potential"
            }
            Self::Shade(shading) => shading.explanation(),
            Self::TogglePotentialRing => Shading::Potential.explanation(),
            Self::TogglePotentialArrows => {
                "Minus the gradient of the potential: the way uniformity pushes a point there"
            }
            Self::TogglePotentialRelief => {
                "The surface sinks where the potential is low; points stay at radius 1"
            }
            Self::ToggleFrontOnly => "Areas leave out points behind the horizon",
            Self::Home => "The whole sphere, seen from the front",
            Self::FacePoints => "The mean of the selected points, or of all shown ones, faces you",
            Self::CopyCommandLine => "The headless command for the numbers that are shown",
            Self::ClearHistory => "Empties the align–uniform plane, save the encoder that is shown",
            Self::TogglePresenter => "Larger text and marks, for a room",
            _ => "",
        }
    }

    /// The keys that ask for it.
    pub fn shortcut(&self) -> Option<Shortcut> {
        Some(match self {
            Self::AskOpen(OpenTarget::Anything) => ctrl(Key::O),
            Self::AskOpen(OpenTarget::Images) => ctrl_shift(Key::O),
            Self::SaveSession => ctrl(Key::S),
            Self::AskSaveSession => ctrl_shift(Key::S),
            Self::Quit => ctrl(Key::Q),
            Self::Palette => ctrl(Key::P),
            Self::Find => ctrl(Key::F),
            Self::Recompute => ctrl(Key::R),
            Self::CopyCommandLine => ctrl_shift(Key::C),
            Self::Undo => ctrl(Key::Z),
            Self::Redo => ctrl_shift(Key::Z),
            Self::ToggleFullScreen => plain(Key::F11),
            Self::Help => plain(Key::F1),
            Self::Escape => plain(Key::Escape),
            Self::Train(TrainCommand::PlayPause) => plain(Key::Space),
            Self::Train(TrainCommand::Step) => ctrl(Key::ArrowRight),
            Self::Home => plain(Key::Home),
            Self::FacePoints => KeyboardShortcut::new(Modifiers::SHIFT, Key::Home),
            Self::Show(pane) => {
                let keys = [
                    Key::Num1,
                    Key::Num2,
                    Key::Num3,
                    Key::Num4,
                    Key::Num5,
                    Key::Num6,
                    Key::Num7,
                    Key::Num8,
                    Key::Num9,
                ];
                let index = Pane::ALL.iter().position(|other| other == pane)?;
                ctrl(*keys.get(index)?)
            }
            _ => return None,
        })
    }

    /// Whether its key belongs to a text field while one has the focus.
    pub fn yields_to_text(&self) -> bool {
        matches!(
            self,
            Self::Home | Self::FacePoints | Self::Undo | Self::Redo | Self::Train(_)
        )
    }

    /// Everything that makes sense without a further choice: the palette, and the shortcuts.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::AskOpen(OpenTarget::Anything),
            Self::AskOpen(OpenTarget::Images),
            Self::AskOpen(OpenTarget::Masks),
            Self::AskOpen(OpenTarget::Session),
            Self::Browse(OpenTarget::Anything),
            Self::Browse(OpenTarget::Images),
            Self::OpenDemo,
            Self::UseBuiltinImages,
            Self::SaveSession,
            Self::AskSaveSession,
            Self::Recompute,
            Self::Cancel,
            Self::ToggleArcs,
            Self::ToggleDensity,
            Self::TogglePotentialRing,
            Self::TogglePotentialArrows,
            Self::TogglePotentialRelief,
            Self::PotentialT(None),
            Self::ToggleFrontOnly,
            Self::Home,
            Self::FacePoints,
            Self::ClearSelection,
            Self::Undo,
            Self::Redo,
            Self::CopySelection,
            Self::CopyFigures,
            Self::CopyCommandLine,
            Self::ClearHistory,
            Self::ClearLog,
            Self::Palette,
            Self::Find,
            Self::ResetLayout,
            Self::TogglePresenter,
            Self::ToggleFullScreen,
            Self::Help,
            Self::Escape,
            Self::Quit,
        ];
        all.extend(FeatureKind::ALL.map(|kind| Self::Edit(RequestEdit::Kind(kind))));
        all.extend(PairRule::ALL.map(|rule| Self::Edit(RequestEdit::Pairs(rule))));
        all.extend(MatchingRule::ALL.map(|rule| Self::Edit(RequestEdit::Matching(rule))));
        all.extend(PairSetKind::ALL.map(|set| Self::Edit(RequestEdit::PairSet(set))));
        all.extend(
            GALLERY
                .iter()
                .map(|bundled| Self::OpenBundled(bundled.name)),
        );
        all.extend(TrainCommand::ALL.map(Self::Train));
        all.extend(LandscapeCommand::ALL.map(Self::Landscape));
        all.extend(
            Preset::ALL
                .iter()
                .map(|preset| Self::Train(TrainCommand::Start(Box::new(preset.config())))),
        );
        all.extend(LabCommand::all().into_iter().map(Self::Lab));
        all.extend(VerdictCommand::ALL.map(Self::Verdicts));
        all.extend(InspectCommand::all().into_iter().map(Self::Inspect));
        all.extend(ColourBy::ALL.map(Self::ColourBy));
        all.extend(Shading::ALL.map(Self::Shade));
        all.extend(SelectTool::ALL.map(Self::Tool));
        all.extend(ThemeChoice::ALL.map(Self::Theme));
        all.extend(Pane::ALL.map(Self::Show));
        all.extend(Pane::ALL.map(Self::Enlarge));
        all
    }
}

impl RequestEdit {
    fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Kind(kind) => format!("Features: {}", kind.name()),
            Self::Stage(Some(stage)) => format!("Stage: {stage}"),
            Self::Stage(None) => "Stage: the usual".to_owned(),
            Self::Pairs(rule) => format!("Pairs: {}", rule.name()),
            Self::Matching(rule) => format!("Matching: {}", rule.name()),
            Self::PairSet(set) => format!("Uniformity over: {}", set.name()),
            Self::Alpha(alpha) => format!("α = {alpha}"),
            Self::T(t) => format!("t = {t}"),
            Self::Seed(seed) => format!("Seed {seed}"),
            Self::SamplePairs(Some(pairs)) => format!("Uniformity from {pairs} sampled pairs"),
            Self::SamplePairs(None) => "Uniformity: exact".to_owned(),
            Self::Normalisation(Some(constants)) => format!("Normalisation: {}", constants.name()),
            Self::Normalisation(None) => "Normalisation: the report's".to_owned(),
            Self::Resize(_) => "Resize".to_owned(),
            Self::Limit(Some(limit)) => format!("At most {limit} images"),
            Self::Limit(None) => "All images".to_owned(),
            Self::Root(Some(root)) => format!("Network: {root}"),
            Self::Root(None) => "Network: the first of the file".to_owned(),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_command_has_a_text_of_its_own() {
        let texts: Vec<_> = Command::all()
            .iter()
            .map(|c| c.text().into_owned())
            .collect();
        assert!(texts.iter().all(|text| !text.is_empty()));
        let distinct: std::collections::HashSet<_> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len());
    }

    #[test]
    fn no_two_commands_share_a_shortcut() {
        let shortcuts: Vec<_> = Command::all()
            .iter()
            .filter_map(Command::shortcut)
            .collect();
        for (index, shortcut) in shortcuts.iter().enumerate() {
            assert!(!shortcuts[index + 1..].contains(shortcut), "{shortcut:?}");
        }
    }
}
