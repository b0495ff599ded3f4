//! Some images as a run would see them, as panels may read of it.

use egui::TextureHandle;

/// Views of some images in one texture, a row an image: the image itself, then its views.
#[derive(Clone)]
pub struct PreviewPicture {
    /// All tiles.
    pub texture: TextureHandle,
    /// Names of the images, one a row.
    pub names: Vec<String>,
    /// Tiles in a row: the image and its views.
    pub columns: usize,
    /// What the views are, in words.
    pub about: String,
}

/// What became of the wish to see augmented views.
#[derive(Clone, Default)]
pub struct PreviewState {
    /// The newest views.
    pub picture: Option<PreviewPicture>,
    /// Whether others are being made.
    pub is_waiting: bool,
    /// Why there are none of the newest settings.
    pub failure: Option<String>,
}
