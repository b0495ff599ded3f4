//! Thumbnails on the graphics device, one page at a time and only those that are looked at.

use std::sync::{Arc, OnceLock};

use egui::{Color32, ColorImage, Rect, TextureHandle, TextureOptions, pos2, vec2};

use crate::{data::Thumbnails, ui::ThumbnailSource};

/// Thumbnails in a page.
const PER_PAGE: usize = 256;
/// Thumbnails in a row of a page.
const COLUMNS: usize = 16;

/// Thumbnails of the shown images.
pub(super) struct ThumbnailPages {
    thumbnails: Arc<Thumbnails>,
    pages: Vec<OnceLock<TextureHandle>>,
}

impl ThumbnailPages {
    pub fn new(thumbnails: Arc<Thumbnails>) -> Self {
        let pages = thumbnails.count.div_ceil(PER_PAGE);
        Self {
            thumbnails,
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
        }
    }

    fn load(&self, ctx: &egui::Context, page: usize) -> TextureHandle {
        let atlas = self
            .thumbnails
            .atlas(page * PER_PAGE, PER_PAGE, COLUMNS as u32);
        let size = [atlas.width() as usize, atlas.height() as usize];
        let image = ColorImage::from_rgb(size, atlas.as_raw());
        ctx.load_texture(format!("thumbnails {page}"), image, TextureOptions::LINEAR)
    }
}

impl ThumbnailSource for ThumbnailPages {
    fn paint(&self, painter: &egui::Painter, rect: Rect, image: u32) {
        let index = image as usize;
        if index >= self.thumbnails.count {
            return;
        }
        let Some(slot) = self.pages.get(index / PER_PAGE) else {
            return;
        };
        let texture = slot.get_or_init(|| self.load(painter.ctx(), index / PER_PAGE));
        let [width, height] = texture.size().map(|side| side as f32);
        let side = self.thumbnails.side as f32;
        let place = index % PER_PAGE;
        let [column, row] = [place % COLUMNS, place / COLUMNS].map(|at| at as f32);
        let corner = pos2(column * side / width, row * side / height);
        let uv = Rect::from_min_size(corner, vec2(side / width, side / height));
        painter.image(texture.id(), rect, uv, Color32::WHITE);
    }
}
